//! The messages of one group: one company's notices, and what became of each.

use std::collections::HashMap;

use futures::future::try_join_all;
use jiff::Timestamp;

use super::open::{About, Pull, Told};
use super::plan;
use crate::activity::{Activity, ActivityResult, Side};
use crate::event::Unreadable;
use crate::ids::{Books, CompanyId, EventId, RealmId};
use crate::link::{Entry, Link, LinkKey};
use crate::model::Kind;
use crate::notice::{self, ChangeNotice, Received, Source};
use crate::outcome::{Outcome, Park, ParkCause, Retry, SkipReason};
use crate::ports::StoreError;
use crate::push::batch::later;
use crate::push::{self, Message, Ports, Verdict, conclude};
use crate::settings::Company;

/// A notice as it came, and the message it came in.
struct Delivery {
    message: usize,
    place: usize,
    sent_at: Timestamp,
    message_id: String,
    received: Received,
    event: EventId,
}

impl Delivery {
    fn told(&self) -> Option<Told<'_>> {
        let notice = self.received.notice.as_ref().ok()?;
        let time = notice.last_updated.unwrap_or(self.sent_at);
        Some(Told { notice, event: &self.event, time, raw: &self.received.raw })
    }
}

/// How a notice has ended; none for one that is another's repetition.
type Ending = Option<(Outcome, About)>;

/// How the notices of a batch have ended so far, by their places.
type Endings = HashMap<usize, Ending>;

/// Deals with the messages of one group.
pub(super) async fn run(ports: Ports<'_>, group: &str, messages: &[&Message]) -> Vec<Verdict> {
    let company = CompanyId::new(group).unwrap_or_else(|_| CompanyId::unknown());
    let deliveries = deliveries(messages, &company);
    let mut endings = Endings::new();
    let mut stopped = process(ports, &company, &deliveries, &mut endings).await.err();
    if let Err(retry) = keep_what_was_removed(ports, &company, &deliveries, &mut endings).await {
        endings.clear();
        stopped = Some(retry);
    }
    let entries = entries(&company, &deliveries, &endings, ports.clock.now());
    let unended = deliveries.iter().enumerate().find(|(place, _)| !endings.contains_key(place));
    let stopped = unended.map(|(_, delivery)| {
        let never_begun = Retry { reason: "it was not dealt with".into(), after: None };
        (delivery.message, stopped.unwrap_or(never_begun))
    });
    conclude(ports, &company, messages, &entries, stopped).await
}

fn deliveries(messages: &[&Message], company: &CompanyId) -> Vec<Delivery> {
    let mut all = Vec::new();
    for (message_place, message) in messages.iter().enumerate() {
        for (place, mut received) in notice::read(&message.body).into_iter().enumerate() {
            if let Ok(notice) = &received.notice
                && notice.company != *company
            {
                let problem = format!(
                    "It names company {} but was sent in the message group of {}.",
                    notice.company, message.group
                );
                let company = Some(notice.company.clone());
                received.notice = Err(Unreadable { company, id: None, problem });
            }
            let event = match &received.notice {
                Ok(notice) => notice.event_id(),
                Err(unreadable) => {
                    unreadable.id.clone().unwrap_or_else(|| EventId::of_message(&message.id, place))
                }
            };
            let (sent_at, message_id) = (message.sent_at, message.id.clone());
            all.push(Delivery { message: message_place, place, sent_at, message_id, received, event });
        }
    }
    all
}

/// Carries the notices out until one has to wait.
async fn process(
    ports: Ports<'_>,
    company: &CompanyId,
    deliveries: &[Delivery],
    endings: &mut Endings,
) -> Result<(), Retry> {
    let company = ports.companies.load(company).await.map_err(|error| later(&error))?;
    let mut due: Vec<usize> = Vec::new();
    for (place, delivery) in deliveries.iter().enumerate() {
        let ended = match (&delivery.received.notice, &company) {
            (Err(unreadable), _) => Some(Outcome::Parked(cannot_read(unreadable))),
            (Ok(notice), None) => Some(Outcome::Parked(unknown_company(notice))),
            (Ok(notice), Some(company)) => plan::gate(company, notice),
        };
        match ended {
            Some(outcome) => {
                endings.insert(place, Some((outcome, About::default())));
            }
            None => due.push(place),
        }
    }
    let Some(company) = company else { return Ok(()) };
    tell_what_is_left_alone(ports, &company, deliveries, endings).await?;
    if due.is_empty() {
        return Ok(());
    }
    let notices: Vec<&ChangeNotice> =
        due.iter().filter_map(|place| deliveries[*place].received.notice.as_ref().ok()).collect();
    let decisive: Vec<usize> = plan::coalesce(&notices).into_iter().map(|by| due[by]).collect();
    let mut acting: Vec<usize> = decisive.clone();
    acting.sort_unstable();
    acting.dedup();

    let opened = match Pull::open(ports, &company).await? {
        Ok(mut pull) => {
            let wanted: Vec<&ChangeNotice> =
                acting.iter().filter_map(|place| deliveries[*place].received.notice.as_ref().ok()).collect();
            match pull.look_up(&wanted, plan::crowded(&notices)).await {
                Ok(()) => Ok(pull),
                Err(ending) => match *ending {
                    Outcome::Parked(park) => Err(park),
                    Outcome::Retry(retry) => return Err(retry),
                    Outcome::Done(_) | Outcome::Skipped(_) => Ok(pull),
                },
            }
        }
        Err(park) => Err(park),
    };
    let mut pull = match opened {
        Ok(pull) => pull,
        Err(park) => {
            let parked = |place| (place, Some((Outcome::Parked(park.clone()), About::default())));
            endings.extend(due.into_iter().map(parked));
            return Ok(());
        }
    };
    acting.sort_by_key(|place| {
        let notice = deliveries[*place].received.notice.as_ref().ok();
        (notice.map(|notice| pull.rank(notice)), *place)
    });
    for by in acting {
        let Some(told) = deliveries[by].told() else { continue };
        let others = due.iter().zip(&decisive).filter(|(place, decided)| **decided == by && **place != by);
        let mut superseded = Vec::new();
        for (place, _) in others {
            let other = deliveries[*place].told().filter(|other| other.event != told.event);
            let ended = match other {
                // It may have been carried out before, by a worker that died before it could tell.
                Some(other) => Some(
                    pull.ended_before(other)
                        .await
                        .unwrap_or_else(|| (Outcome::Skipped(SkipReason::Superseded), About::default())),
                ),
                None => None,
            };
            superseded.push((*place, ended));
        }
        tell_of_superseded(ports, &company.id, deliveries, &superseded).await?;
        let outcome = pull.pull(told).await;
        if let Outcome::Retry(retry) = outcome {
            return Err(retry);
        }
        endings.insert(by, Some((outcome, std::mem::take(&mut pull.about))));
        endings.extend(superseded);
    }
    Ok(())
}

/// Stores how notices ended that were carried out before by a worker that died: what is to be told of it is known only
/// until their record is written again.
async fn tell_of_superseded(
    ports: Ports<'_>,
    company: &CompanyId,
    deliveries: &[Delivery],
    superseded: &[(usize, Ending)],
) -> Result<(), Retry> {
    let entry = |(place, ending): &(usize, Ending)| {
        let (Some((outcome @ Outcome::Done(_), about)), Some(told)) = (ending, deliveries[*place].told())
        else {
            return None;
        };
        Some(activity(company, told, about, ActivityResult::of(outcome)?, ports.clock.now()))
    };
    let entries: Vec<Activity> = superseded.iter().filter_map(entry).collect();
    push::tell(ports, &entries).await
}

/// A notice that has to wait, or of which nothing is left to do, loses nothing of what its entry keeps: the record that
/// was deleted for it by a worker that died (D4).
async fn keep_what_was_removed(
    ports: Ports<'_>,
    company: &CompanyId,
    deliveries: &[Delivery],
    endings: &mut Endings,
) -> Result<(), Retry> {
    for (place, ending) in endings {
        let (Some((outcome, about)), Some(told)) = (ending, deliveries[*place].told()) else { continue };
        let may_be_kept = match outcome {
            Outcome::Parked(_) => true,
            Outcome::Skipped(SkipReason::Superseded | SkipReason::AlreadyDeleted) => {
                matches!(told.notice.kind, Kind::Invoice | Kind::Payment)
            }
            Outcome::Skipped(_) | Outcome::Done(_) | Outcome::Retry(_) => false,
        };
        if may_be_kept && about.removed.is_none() {
            let kept = super::gone::kept(ports, company, told).await;
            about.removed = kept.map_err(|error| later(&error))?;
        }
    }
    Ok(())
}

/// Notes whose counterparts those entities are that changed and that their direction keeps as they are here, save where
/// only our own write is told.
async fn tell_what_is_left_alone(
    ports: Ports<'_>,
    company: &Company,
    deliveries: &[Delivery],
    endings: &mut Endings,
) -> Result<(), Retry> {
    let Some(books) = company.books() else { return Ok(()) };
    let left_alone = endings.iter_mut().filter_map(|(place, ending)| match ending {
        Some((Outcome::Skipped(SkipReason::NotPulled(..)), about)) => {
            let notice = deliveries[*place].received.notice.as_ref().ok()?;
            (notice.realm == books.realm).then_some((notice, about))
        }
        _ => None,
    });
    let told = left_alone.map(async |(notice, about)| {
        let link = link_of(ports, &books, notice).await?;
        about.billing_id = link.filter(|link| !plan::is_echo(notice, link)).map(|link| link.billing_id);
        Ok(())
    });
    try_join_all(told).await.map(drop).map_err(|error: StoreError| later(&error))
}

async fn link_of(ports: Ports<'_>, books: &Books, notice: &ChangeNotice) -> Result<Option<Link>, StoreError> {
    let Some(holder) = ports.ledger.billing_id(books, notice.kind, &notice.quickbooks_id).await? else {
        return Ok(None);
    };
    let key = LinkKey::Billing(notice.kind, holder);
    Ok(match ports.ledger.entries(books, std::slice::from_ref(&key)).await?.remove(&key) {
        Some(Entry::Linked(link)) => Some(link),
        Some(Entry::Pending(_)) | None => None,
    })
}

fn unknown_company(notice: &ChangeNotice) -> Park {
    Park::new(
        ParkCause::UnknownCompany,
        format!("No company {} is known.", notice.company),
        "Add the company, then retry.",
    )
}

fn cannot_read(unreadable: &Unreadable) -> Park {
    Park::new(
        ParkCause::Unreadable,
        unreadable.problem.clone(),
        "Nothing is lost: the sweep finds what has changed. Ignore this entry.",
    )
}

/// Whether an ending is of no use to a person: what our own writes and moving balances cause, or what the direction keeps
/// in QuickBooks and has no counterpart that it would be missing from. It would bury the rest. Another try that somebody
/// asked for is always told of.
fn is_uneventful(delivery: &Delivery, outcome: &Outcome, about: &About) -> bool {
    let reasons = [SkipReason::NothingNew, SkipReason::Superseded];
    let by_itself = delivery.told().is_some_and(|told| told.notice.source != Source::Retry);
    match outcome {
        Outcome::Skipped(SkipReason::NotPulled(..)) => by_itself && about.billing_id.is_none(),
        Outcome::Skipped(reason) => by_itself && reasons.contains(reason) && about.removed.is_none(),
        Outcome::Done(_) | Outcome::Parked(_) | Outcome::Retry(_) => false,
    }
}

/// The activity of the notices that have ended, in their order, one entry for each event id.
fn entries(company: &CompanyId, deliveries: &[Delivery], endings: &Endings, now: Timestamp) -> Vec<Activity> {
    let mut entries: Vec<Activity> = Vec::new();
    for (place, delivery) in deliveries.iter().enumerate() {
        let Some(Some((outcome, about))) = endings.get(&place) else { continue };
        let Some(result) = ActivityResult::of(outcome) else { continue };
        if is_uneventful(delivery, outcome, about) {
            tracing::debug!(company.id = %company, event.id = %delivery.event, "{result:?}");
            continue;
        }
        let entry = match delivery.told() {
            Some(told) => activity(company, told, about, result, now),
            None => unreadable(company, delivery, result, now),
        };
        if !entries.iter().any(|earlier| earlier.event == entry.event && earlier.time == entry.time) {
            entries.push(entry);
        }
    }
    entries
}

/// The entry of a notice.
pub(super) fn activity(
    company: &CompanyId,
    told: Told<'_>,
    about: &About,
    result: ActivityResult,
    now: Timestamp,
) -> Activity {
    let notice = told.notice;
    let id = || notice.quickbooks_id.to_string();
    Activity {
        company: company.clone(),
        side: Side::QuickBooks,
        event: told.event.clone(),
        time: told.time,
        handled_at: now,
        realm: Some(notice.realm.clone()),
        kind: Some(notice.kind),
        billing_id: about.billing_id.clone(),
        label: if about.label.is_empty() { id() } else { about.label.clone() },
        quickbooks_id: Some(notice.quickbooks_id.clone()),
        event_json: result.is_parked().then(|| told.raw.to_owned()),
        result,
        removed: about.removed.clone(),
    }
}

fn unreadable(company: &CompanyId, delivery: &Delivery, result: ActivityResult, now: Timestamp) -> Activity {
    Activity {
        company: company.clone(),
        side: Side::QuickBooks,
        event: delivery.event.clone(),
        time: delivery.sent_at,
        handled_at: now,
        realm: None::<RealmId>,
        kind: None,
        billing_id: None,
        label: format!("message {}, notice {}", delivery.message_id, delivery.place + 1),
        quickbooks_id: None,
        result,
        event_json: Some(delivery.received.raw.clone()),
        removed: None,
    }
}
