//! The push: entity events of the billing app become entities in QuickBooks.
//!
//! A thin script around pure decisions. [`messages`] takes a batch off the queue apart and answers for each message;
//! `group` deals with one company's events, in order where `touches` says that they have anything in common, and `batch`
//! knows its books; `together` sends the writes of a large backlog in batches; `lookup` gathers what is known of the
//! records; `records` says what each kind needs; `create`, `write` and `recover` carry a create or a change out so that
//! no crash, lost answer or repetition ever makes a second entity; `write_back` tells the billing app what QuickBooks
//! made of it.

mod attempt;
pub(crate) mod batch;
mod create;
mod group;
mod lookup;
mod pulls;
mod records;
mod recover;
mod subject;
mod together;
mod touches;
mod write;
mod write_back;

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;

use crate::activity::Activity;
use crate::ids::CompanyId;
use crate::outcome::Retry;
use crate::ports::{ActivityLog, Billing, Clock, Companies, Connector, Ledger, explain};

/// The longest wait before a message is tried again; a queue's visibility timeout allows twelve hours.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
/// The wait after the first failure; it doubles with each delivery.
const FIRST_WAIT: Duration = Duration::from_secs(5);

/// What a push works with.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// Tenants.
    pub companies: &'a dyn Companies,
    /// Who is linked with whom.
    pub ledger: &'a dyn Ledger,
    /// What became of each event.
    pub activity: &'a dyn ActivityLog,
    /// The billing app's records.
    pub billing: &'a dyn Billing,
    /// The way to each company's QuickBooks.
    pub connector: &'a dyn Connector,
    /// The time.
    pub clock: &'a dyn Clock,
}

/// A message of the push queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The queue's id of it.
    pub id: String,
    /// Its message group: the company, as the sender says.
    pub group: String,
    /// One event, or an array of them.
    pub body: String,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// How often it has been delivered, this time included.
    pub deliveries: u32,
}

/// What is to be done with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every event in it has ended; it may be deleted.
    Acknowledge,
    /// It is to be delivered again, and with it all that follows in its group.
    Redeliver {
        /// How long to wait before.
        after: Duration,
    },
}

/// Deals with a batch of messages, each group in its order, and says for each message, in the same order, what is
/// to be done with it. Never fails as a whole; groups do not hold each other up.
pub async fn messages(ports: Ports<'_>, messages: &[Message]) -> Vec<Verdict> {
    side_by_side(messages, |group, ours| async move { group::run(ports, group, &ours).await }).await
}

/// Deals with the groups of a batch side by side, and gives the verdicts in the order of the messages. `run` gives one
/// for each message of its group.
pub(crate) async fn side_by_side<'m, R: Future<Output = Vec<Verdict>>>(
    messages: &'m [Message],
    run: impl Fn(&'m str, Vec<&'m Message>) -> R,
) -> Vec<Verdict> {
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, message) in messages.iter().enumerate() {
        groups.entry(&message.group).or_default().push(place);
    }
    let runs = groups.into_iter().map(|(group, places)| {
        let verdicts = run(group, places.iter().map(|place| &messages[*place]).collect());
        async move { places.into_iter().zip(verdicts.await).collect::<Vec<_>>() }
    });
    let mut verdicts = vec![Verdict::Redeliver { after: FIRST_WAIT }; messages.len()];
    for (place, verdict) in join_all(runs).await.into_iter().flatten() {
        verdicts[place] = verdict;
    }
    verdicts
}

/// Stores what became of a group's messages, and says what is to be done with each. `stopped` is the first that has to
/// be tried again, all after it with it, and why.
pub(crate) async fn conclude(
    ports: Ports<'_>,
    company: &CompanyId,
    messages: &[&Message],
    entries: &[Activity],
    stopped: Option<(usize, Retry)>,
) -> Vec<Verdict> {
    if let Err(error) = ports.activity.record(entries).await {
        // What was done stays done and is recognised on the next delivery; the record of it must not be lost.
        tracing::warn!(company.id = %company, error = %explain(&error), "activity could not be stored");
        return messages.iter().map(|message| Verdict::Redeliver { after: wait(message, None) }).collect();
    }
    entries.iter().for_each(Activity::log);
    if let Some((_, retry)) = &stopped {
        tracing::warn!(company.id = %company, reason = retry.reason, "the rest of the batch is tried again later");
    }
    let verdict = |(place, message): (usize, &&Message)| match &stopped {
        Some((first, retry)) if place >= *first => Verdict::Redeliver { after: wait(message, retry.after) },
        _ => Verdict::Acknowledge,
    };
    messages.iter().enumerate().map(verdict).collect()
}

/// Stores how events or notices have ended, before the rest of their batch has.
pub(crate) async fn tell(ports: Ports<'_>, ended: &[Activity]) -> Result<(), Retry> {
    match ended {
        [] => Ok(()),
        _ => ports.activity.record(ended).await.map_err(|error| batch::later(&error)),
    }
}

/// How long to wait before a message is delivered again that was not carried out for this reason.
pub(crate) fn wait_after(message: &Message, retry: &Retry) -> Duration {
    wait(message, retry.after)
}

/// How long to wait before the next delivery: what QuickBooks asked for, or a growing time, each lengthened by up to
/// a quarter that depends on the message, so that companies do not come back all at once.
fn wait(message: &Message, asked: Option<Duration>) -> Duration {
    let doublings = message.deliveries.saturating_sub(1).min(10);
    let base = asked.unwrap_or(FIRST_WAIT * 2_u32.pow(doublings)).min(LONGEST_WAIT);
    let spread =
        message.id.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into())) % 250;
    base + base * spread / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end() {
        let message = |id: &str, deliveries| Message {
            id: id.into(),
            group: "acme".into(),
            body: String::new(),
            sent_at: Timestamp::UNIX_EPOCH,
            deliveries,
        };
        let waits: Vec<u64> =
            (1..=12).map(|deliveries| wait(&message("m", deliveries), None).as_secs()).collect();
        assert!(waits.is_sorted() && waits[0] >= 5 && waits[11] <= 1125, "{waits:?}");
        let asked = wait(&message("m", 1), Some(Duration::from_secs(60)));
        assert!((60..=75).contains(&asked.as_secs()));
        assert_ne!(wait(&message("a", 5), None), wait(&message("b", 5), None), "jitter");
    }
}
