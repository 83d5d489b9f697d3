//! What a person does about parked events: try them again, or say that they need not be (D10, D11).
//!
//! An event that is tried again goes back on the push queue as it came; its entry stays parked until the push has a
//! new outcome for it, so that nothing is lost in between. Several go in one message, in their order.

use jiff::Timestamp;

use crate::activity::{Activity, ActivityResult, Side};
use crate::ids::{CompanyId, EventId};
use crate::notice::{self, ChangeNotice, Source};
use crate::outcome::ParkCause;
use crate::ports::{ActivityLog, PullQueue, PushQueue, StoreError};

/// Which parked events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// One event.
    Event(EventId),
    /// All that are parked for one sort of reason.
    Cause(ParkCause),
    /// All that can be tried again.
    All,
}

impl Which {
    fn holds(&self, entry: &Activity) -> bool {
        match (self, &entry.result) {
            (Which::Event(event), _) => entry.event == *event,
            (Which::Cause(cause), ActivityResult::Parked(park)) => park.cause == *cause,
            // An event that cannot be read will not become readable; its sender has to send it again.
            (Which::All, ActivityResult::Parked(park)) => park.cause != ParkCause::Unreadable,
            (Which::Cause(_) | Which::All, _) => false,
        }
    }
}

/// How many events go in one message: what one of them has to wait for, the others of its message wait for too.
const EVENTS: usize = 10;
/// How long a message of several events gets, in bytes (AWS: SQS quotas, 1 MiB).
const LONGEST: usize = 256 * 1024;

/// Puts the events that waited for the connection with QuickBooks back on the push queue, in their order, and tells
/// which: what a company does once it is connected again (D10).
///
/// # Errors
/// As [`retry`]; what was not sent stays parked, and can be retried by hand.
pub async fn after_connecting(
    activity: &dyn ActivityLog,
    queue: &dyn PushQueue,
    company: &CompanyId,
    now: Timestamp,
) -> Result<Vec<EventId>, StoreError> {
    retry(activity, queue, company, &Which::Cause(ParkCause::NotConnected), now).await
}

/// Puts the events that waited for the billing app to answer back on the push queue, and tells which. To be called when
/// it has answered.
///
/// # Errors
/// As [`retry`]; what was not sent stays parked.
pub async fn when_the_app_is_back(
    activity: &dyn ActivityLog,
    queue: &dyn PushQueue,
    company: &CompanyId,
    now: Timestamp,
) -> Result<Vec<EventId>, StoreError> {
    retry(activity, queue, company, &Which::Cause(ParkCause::BillingAway), now).await
}

/// The same for the change notices that waited.
///
/// # Errors
/// As [`retry`].
pub async fn notices_after_connecting(
    activity: &dyn ActivityLog,
    queue: &dyn PullQueue,
    company: &CompanyId,
    now: Timestamp,
) -> Result<Vec<EventId>, StoreError> {
    retry_notices(activity, queue, company, &Which::Cause(ParkCause::NotConnected), now).await
}

/// Puts parked events back on the push queue, oldest first, and tells which.
///
/// Asking twice is harmless: an event that has been carried out in the meantime is recognised by its link.
///
/// # Errors
/// The log or the queue failed; what was sent before stays sent.
pub async fn retry(
    activity: &dyn ActivityLog,
    queue: &dyn PushQueue,
    company: &CompanyId,
    which: &Which,
    now: Timestamp,
) -> Result<Vec<EventId>, StoreError> {
    let parked = activity.parked(company).await?;
    let events: Vec<(&Activity, &str)> = parked
        .iter()
        .filter(|entry| entry.side == Side::Billing && which.holds(entry))
        .filter_map(|entry| Some((entry, entry.event_json.as_deref()?)))
        .collect();
    for message in in_messages(&events) {
        let Some((first, body)) = message.first() else { continue };
        let bodies: Vec<&str> = message.iter().map(|(_, body)| *body).collect();
        let body = if bodies.len() == 1 { (*body).to_owned() } else { format!("[{}]", bodies.join(",")) };
        // The queue drops what it has seen in the last minutes, so each attempt has an id of its own.
        queue.send(company, &EventId::of_retry(&first.event, now), &body).await?;
    }
    Ok(events.into_iter().map(|(entry, _)| entry.event.clone()).collect())
}

/// Puts parked change notices of QuickBooks' back on the pull queue, oldest first, and tells which. Asking twice is
/// harmless, as with [`retry`].
///
/// # Errors
/// As [`retry`].
pub async fn retry_notices(
    activity: &dyn ActivityLog,
    queue: &dyn PullQueue,
    company: &CompanyId,
    which: &Which,
    now: Timestamp,
) -> Result<Vec<EventId>, StoreError> {
    let (mut notices, mut events): (Vec<ChangeNotice>, Vec<EventId>) = (Vec::new(), Vec::new());
    let parked = activity.parked(company).await?;
    for entry in parked.iter().filter(|entry| entry.side == Side::QuickBooks && which.holds(entry)) {
        let received = entry.event_json.as_deref().map(notice::read).unwrap_or_default();
        for notice in received.into_iter().filter_map(|received| received.notice.ok()) {
            // What an import could not bring over is tried again by the import's rules.
            let source = if notice.is_of_import() { Source::Import } else { Source::Retry };
            notices.push(ChangeNotice { source, ..notice });
            events.push(entry.event.clone());
        }
    }
    queue.send_notices(&notice::messages(&notices, now)).await?;
    Ok(events)
}

/// Divides events into messages. One that cannot be read has a message of its own, and stays as it came.
fn in_messages<'a, 'e>(events: &'a [(&'e Activity, &'e str)]) -> Vec<&'a [(&'e Activity, &'e str)]> {
    let mut messages = Vec::new();
    let (mut start, mut length) = (0, 0);
    for (place, (entry, body)) in events.iter().enumerate() {
        let alone = |entry: &Activity| entry.kind.is_none();
        let joins = place > start
            && place - start < EVENTS
            && length + body.len() < LONGEST
            && !alone(entry)
            && !alone(events[start].0);
        if place > start && !joins {
            messages.push(&events[start..place]);
            (start, length) = (place, 0);
        }
        length += body.len() + 1;
    }
    if start < events.len() {
        messages.push(&events[start..]);
    }
    messages
}

/// Ends parked events that need not be carried out, with a person's reason, and tells which.
///
/// # Errors
/// The log failed.
pub async fn ignore(
    activity: &dyn ActivityLog,
    company: &CompanyId,
    which: &Which,
    reason: &str,
    now: Timestamp,
) -> Result<Vec<EventId>, StoreError> {
    let parked = activity.parked(company).await?;
    let ignored: Vec<Activity> = parked
        .into_iter()
        .filter(|entry| which.holds(entry))
        .map(|entry| Activity {
            handled_at: now,
            result: ActivityResult::Ignored { reason: reason.to_owned() },
            ..entry
        })
        .collect();
    activity.record(&ignored).await?;
    Ok(ignored.into_iter().map(|entry| entry.event).collect())
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;
    use crate::ids::{QuickBooksId, RealmId};
    use crate::memory::{MemoryActivityLog, MemoryPullQueue, MemoryPushQueue};
    use crate::model::Kind;
    use crate::notice::Operation;
    use crate::outcome::Park;

    #[test]
    fn a_notice_goes_back_to_the_pulls_as_another_try() {
        let change = ChangeNotice {
            company: company(),
            realm: RealmId::new("1").unwrap(),
            kind: Kind::Invoice,
            quickbooks_id: QuickBooksId::new("7").unwrap(),
            operation: Operation::Updated,
            deleted_id: None,
            last_updated: None,
            source: Source::Webhook,
        };
        let body = notice::messages(&[change], now()).remove(0).body;
        let (log, pushes, pulls) = (log(), MemoryPushQueue::default(), MemoryPullQueue::default());
        let entry = parked("changed", 9, ParkCause::Ambiguous);
        let entry = Activity { side: Side::QuickBooks, event_json: Some(body), ..entry };
        block_on(log.record(&[entry])).unwrap();
        let sent = block_on(retry_notices(&log, &pulls, &company(), &Which::All, now())).unwrap();
        assert_eq!(names(&sent), ["changed"]);
        let again = notice::read(&pulls.messages()[0].body).remove(0).notice.unwrap();
        assert_eq!((again.source, again.quickbooks_id.as_str()), (Source::Retry, "7"));
        let pushed = block_on(retry(&log, &pushes, &company(), &Which::All, now())).unwrap();
        assert!(!names(&pushed).contains(&"changed"), "{pushed:?}");
    }

    fn company() -> CompanyId {
        CompanyId::new("acme").unwrap()
    }

    fn now() -> Timestamp {
        Timestamp::from_second(1_772_000_100).unwrap()
    }

    fn parked(name: &str, second: i64, cause: ParkCause) -> Activity {
        let time = Timestamp::from_second(1_772_000_000 + second).unwrap();
        Activity {
            company: company(),
            side: Side::Billing,
            event: EventId::new(name).unwrap(),
            time,
            handled_at: time,
            realm: None,
            kind: (cause != ParkCause::Unreadable).then_some(Kind::Client),
            billing_id: None,
            label: String::new(),
            quickbooks_id: None,
            result: ActivityResult::Parked(Park::new(cause, "why", "what to do")),
            event_json: Some(format!("{{\"id\":\"{name}\"}}")),
            removed: None,
        }
    }

    fn log() -> MemoryActivityLog {
        let log = MemoryActivityLog::default();
        let entries = [
            parked("later", 2, ParkCause::NotConnected),
            parked("earlier", 1, ParkCause::NotConnected),
            parked("taxed", 3, ParkCause::Tax),
            parked("garbled", 4, ParkCause::Unreadable),
        ];
        block_on(log.record(&entries)).unwrap();
        log
    }

    fn names(events: &[EventId]) -> Vec<&str> {
        events.iter().map(EventId::as_str).collect()
    }

    #[test]
    fn what_waited_for_the_connection_is_retried_in_order_and_stays_parked_until_it_has_ended() {
        let (log, queue) = (log(), MemoryPushQueue::default());
        let sent = block_on(after_connecting(&log, &queue, &company(), now())).unwrap();
        assert_eq!(names(&sent), ["earlier", "later"], "D10: in order");
        assert_eq!(queue.bodies(), [r#"[{"id":"earlier"},{"id":"later"}]"#]);
        assert_eq!(block_on(log.parked(&company())).unwrap().len(), 4);
    }

    #[test]
    fn events_go_several_to_a_message_but_not_too_many_nor_too_long() {
        let (log, queue) = (MemoryActivityLog::default(), MemoryPushQueue::default());
        let mut entries: Vec<Activity> =
            (0..25).map(|second| parked(&format!("e{second:02}"), second, ParkCause::Tax)).collect();
        entries[3].event_json = Some(format!("\"{}\"", "x".repeat(LONGEST)));
        entries[5].kind = None;
        entries[5].event_json = Some("{ torn".into());
        block_on(log.record(&entries)).unwrap();
        let sent = block_on(retry(&log, &queue, &company(), &Which::Cause(ParkCause::Tax), now())).unwrap();
        assert_eq!(sent.len(), 25);
        let bodies = queue.bodies();
        let lengths: Vec<usize> = bodies.iter().map(|body| crate::event::read(body).len()).collect();
        assert_eq!(lengths, [3, 1, 1, 1, 10, 9], "in order");
        assert_eq!(bodies[3], "{ torn");
        assert!(bodies.iter().all(|body| body.len() <= LONGEST + 2), "one alone may be longer");
    }

    #[test]
    fn all_means_all_that_can_be_tried_again() {
        let (log, queue) = (log(), MemoryPushQueue::default());
        let sent = block_on(retry(&log, &queue, &company(), &Which::All, now())).unwrap();
        assert_eq!(names(&sent), ["earlier", "later", "taxed"]);
    }

    #[test]
    fn what_is_ignored_is_parked_no_more_and_keeps_its_reason() {
        let log = log();
        let event = Which::Event(EventId::new("garbled").unwrap());
        assert_eq!(
            names(&block_on(ignore(&log, &company(), &event, "a test message", now())).unwrap()),
            ["garbled"]
        );
        assert_eq!(block_on(log.parked(&company())).unwrap().len(), 3);
        let newest = block_on(log.newest(&company(), 1)).unwrap();
        assert_eq!(newest[0].result, ActivityResult::Ignored { reason: "a test message".into() });
    }
}
