//! The messages of one group: one company's events, in their order, and what became of each.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::batch::{Batch, chain, later};
use super::{Message, Ports, Verdict, wait};
use crate::activity::{Activity, ActivityResult};
use crate::event::{self, EntityEvent, Received, Unreadable};
use crate::ids::{Books, CompanyId, EventId};
use crate::outcome::{Outcome, Park, ParkCause, Retry, SkipReason};
use crate::plan;
use crate::settings::Company;

/// An event as it came, and the message it came in.
struct Delivery {
    message: usize,
    place: usize,
    sent_at: Timestamp,
    message_id: String,
    received: Received,
}

/// Deals with the messages of one group.
pub(super) async fn run(ports: Ports<'_>, group: &str, messages: &[&Message]) -> Vec<Verdict> {
    let company = CompanyId::new(group).unwrap_or_else(|_| CompanyId::unknown());
    let deliveries = deliveries(messages, &company);
    let mut endings = Endings::default();
    let stopped = process(ports, &company, &deliveries, &mut endings).await.err();
    let entries = endings.entries(&company, &deliveries, ports.clock.now());
    if let Err(error) = ports.activity.record(&entries).await {
        // What was done stays done and is recognised on the next delivery; the record of it must not be lost.
        tracing::warn!(company.id = %company, error = %chain(&error), "activity could not be stored");
        return messages.iter().map(|message| Verdict::Redeliver { after: wait(message, None) }).collect();
    }
    entries.iter().for_each(log);
    let verdict = |(place, message): (usize, &&Message)| match &stopped {
        Some((first, retry)) if place >= *first => Verdict::Redeliver { after: wait(message, retry.after) },
        _ => Verdict::Acknowledge,
    };
    if let Some((_, retry)) = &stopped {
        tracing::warn!(company.id = %company, reason = retry.reason, "the rest of the batch is tried again later");
    }
    messages.iter().enumerate().map(verdict).collect()
}

fn deliveries(messages: &[&Message], company: &CompanyId) -> Vec<Delivery> {
    let mut all = Vec::new();
    for (message_place, message) in messages.iter().enumerate() {
        for (place, mut received) in event::read(&message.body).into_iter().enumerate() {
            if let Ok(event) = &received.event
                && event.company != *company
            {
                let problem = format!(
                    "It names company {} but was sent in the message group of {}.",
                    event.company, message.group
                );
                let (company, id) = (Some(event.company.clone()), Some(event.id.clone()));
                received.event = Err(Unreadable { company, id, problem });
            }
            all.push(Delivery {
                message: message_place,
                place,
                sent_at: message.sent_at,
                message_id: message.id.clone(),
                received,
            });
        }
    }
    all
}

/// Carries the events out until one has to wait; tells which message that one is in.
async fn process(
    ports: Ports<'_>,
    company: &CompanyId,
    deliveries: &[Delivery],
    endings: &mut Endings,
) -> Result<(), (usize, Retry)> {
    let first = deliveries.first().map_or(0, |delivery| delivery.message);
    let company = ports.companies.load(company).await.map_err(|error| (first, later(&error)))?;
    let mut batch = None;
    let stopped = carry_out(ports, company.as_ref(), deliveries, endings, &mut batch).await;
    if let Some(Ok(batch)) = &mut batch {
        // Everything comes again if this fails: what was made is recognised then, and what waits for it goes on.
        batch.settle_parked(&mut endings.released).await.map_err(|retry| (first, retry))?;
    }
    stopped
}

/// Carries out one event after the other, over books that are opened when they are first needed.
async fn carry_out<'a>(
    ports: Ports<'a>,
    company: Option<&'a Company>,
    deliveries: &[Delivery],
    endings: &mut Endings,
    batch: &mut Option<Result<Batch<'a>, Park>>,
) -> Result<(), (usize, Retry)> {
    let events: Vec<(usize, &EntityEvent)> = deliveries
        .iter()
        .enumerate()
        .filter_map(|(place, delivery)| Some((place, delivery.received.event.as_ref().ok()?)))
        .collect();
    let readable: Vec<&EntityEvent> = events.iter().map(|(_, event)| *event).collect();
    let mut out_of_date: HashSet<usize> = HashSet::new();
    let mut decisive = decisive_events(&events, &out_of_date);
    let mut next = 0;
    while let Some(delivery) = deliveries.get(next) {
        let place = next;
        next += 1;
        let event = match &delivery.received.event {
            Ok(event) => event,
            Err(unreadable) => {
                endings.end(place, Outcome::Parked(cannot_read(unreadable)), None);
                continue;
            }
        };
        let by = decisive.get(&place).copied().unwrap_or(place);
        let Ok(acting) = &deliveries[by].received.event else { continue };
        // The same event once more ends as it did the first time.
        let superseded = by != place && acting.id != event.id;
        if let Some(outcome) = endings.of(by) {
            if superseded {
                endings.end(place, instead_of(event, acting, &outcome), None);
            }
            continue;
        }
        let (outcome, books) = match before_push(company, acting) {
            Some(outcome) => (outcome, None),
            None => {
                if batch.is_none() {
                    let opened = Batch::open(ports, company, &readable).await;
                    *batch = Some(opened.map_err(|retry| (delivery.message, retry))?);
                }
                match batch {
                    Some(Ok(batch)) => {
                        let replaced: Vec<&(usize, &EntityEvent)> = events
                            .iter()
                            .filter(|(other, event)| {
                                decisive.get(other) == Some(&by) && event.id != acting.id
                            })
                            .collect();
                        endings.end_as_before(batch, &replaced);
                        let outcome = match batch.restores(acting, &replaced) {
                            Some(restoring) => batch.push(&restoring).await,
                            None => batch.push(acting).await,
                        };
                        (outcome, Some(batch.books.clone()))
                    }
                    Some(Err(park)) => (Outcome::Parked(park.clone()), None),
                    None => {
                        (Outcome::Retry(Retry { reason: "the batch is not open".into(), after: None }), None)
                    }
                }
            }
        };
        if let Outcome::Retry(retry) = outcome {
            return Err((delivery.message, retry));
        }
        let was_out_of_date = outcome == Outcome::Skipped(SkipReason::OutOfDate);
        let replaced = instead_of(event, acting, &outcome);
        endings.end(by, outcome, books);
        if was_out_of_date {
            // It speaks for the others no more.
            out_of_date.insert(by);
            decisive = decisive_events(&events, &out_of_date);
            if superseded {
                next = place;
            }
            continue;
        }
        if superseded {
            endings.end(place, replaced, None);
        }
    }
    Ok(())
}

/// For each event, the one that is carried out in its stead, among those that are not out of date.
fn decisive_events(events: &[(usize, &EntityEvent)], out_of_date: &HashSet<usize>) -> HashMap<usize, usize> {
    let current: Vec<&(usize, &EntityEvent)> =
        events.iter().filter(|(place, _)| !out_of_date.contains(place)).collect();
    let coalesced = plan::coalesce(&current.iter().map(|(_, event)| *event).collect::<Vec<_>>());
    coalesced.into_iter().enumerate().map(|(place, by)| (current[place].0, current[by].0)).collect()
}

/// What ends an event without a look at QuickBooks.
fn before_push(company: Option<&Company>, event: &EntityEvent) -> Option<Outcome> {
    let Some(company) = company else {
        return Some(Outcome::Parked(Park::new(
            ParkCause::UnknownCompany,
            format!("No company {} is known.", event.company),
            "Add the company, or correct the sender's company id; then retry.",
        )));
    };
    plan::gate(company, event.kind)
}

/// How an event ends in whose stead another one of the same record was carried out. A younger one was sent after its
/// record was withdrawn; whether that holds is not known before there is a connection, so until then both wait.
fn instead_of(event: &EntityEvent, acting: &EntityEvent, outcome: &Outcome) -> Outcome {
    match outcome {
        _ if event.time <= acting.time => Outcome::Skipped(SkipReason::Superseded),
        Outcome::Parked(Park { cause: ParkCause::NotConnected | ParkCause::UnknownCompany, .. }) => {
            outcome.clone()
        }
        _ => Outcome::Skipped(SkipReason::Withdrawn),
    }
}

fn cannot_read(unreadable: &Unreadable) -> Park {
    Park::new(
        ParkCause::Unreadable,
        unreadable.problem.clone(),
        "Correct the sender, and send the event again.",
    )
}

/// How the events of a batch have ended so far.
#[derive(Default)]
struct Endings {
    by_place: HashMap<usize, (Outcome, Option<Books>)>,
    /// New entries of events that were parked until now.
    released: Vec<Activity>,
}

impl Endings {
    fn of(&self, place: usize) -> Option<Outcome> {
        self.by_place.get(&place).map(|(outcome, _)| outcome.clone())
    }

    fn end(&mut self, place: usize, outcome: Outcome, books: Option<Books>) {
        self.by_place.entry(place).or_insert((outcome, books));
    }

    /// Events that others replace now, and that were carried out before their worker died, end as they did then.
    fn end_as_before(&mut self, batch: &Batch<'_>, replaced: &[&(usize, &EntityEvent)]) {
        for (place, event) in replaced {
            if let Some(done) = batch.ending_of(event) {
                self.end(*place, Outcome::Done(done), Some(batch.books.clone()));
            }
        }
    }

    /// The activity of the events that have ended, in their order, one entry for each event id.
    fn entries(&self, company: &CompanyId, deliveries: &[Delivery], now: Timestamp) -> Vec<Activity> {
        let mut entries: Vec<Activity> = Vec::new();
        for (place, delivery) in deliveries.iter().enumerate() {
            let Some((outcome, books)) = self.by_place.get(&place) else { continue };
            let Some(result) = ActivityResult::of(outcome) else { continue };
            let entry = activity(company, delivery, result, books.as_ref(), now);
            match entries
                .iter_mut()
                .find(|earlier| earlier.event == entry.event && earlier.time == entry.time)
            {
                Some(earlier) if matches!(earlier.result, ActivityResult::Skipped { .. }) => *earlier = entry,
                Some(_) => {}
                None => entries.push(entry),
            }
        }
        entries.extend(self.released.iter().cloned());
        entries
    }
}

fn activity(
    company: &CompanyId,
    delivery: &Delivery,
    result: ActivityResult,
    books: Option<&Books>,
    now: Timestamp,
) -> Activity {
    let quickbooks_id = match &result {
        ActivityResult::Done(done) => Some(done.quickbooks_id.clone()),
        _ => None,
    };
    let event_json = result.is_parked().then(|| delivery.received.raw.clone());
    let common = |event: EventId, time: Timestamp| Activity {
        company: company.clone(),
        event,
        time,
        handled_at: now,
        realm: books.map(|books| books.realm.clone()),
        kind: None,
        billing_id: None,
        label: String::new(),
        quickbooks_id,
        result,
        event_json,
    };
    match &delivery.received.event {
        Ok(event) => Activity {
            kind: Some(event.kind),
            billing_id: Some(event.subject.clone()),
            label: event
                .data
                .as_ref()
                .map_or_else(|| event.subject.to_string(), |record| record.label().to_owned()),
            ..common(event.id.clone(), event.time)
        },
        Err(unreadable) => {
            let id = unreadable
                .id
                .clone()
                .unwrap_or_else(|| EventId::of_message(&delivery.message_id, delivery.place));
            common(id, delivery.sent_at)
        }
    }
}

/// One line for each outcome.
fn log(entry: &Activity) {
    let (outcome, reason) = match &entry.result {
        ActivityResult::Done(done) => (format!("{:?}", done.action), done.notes.join(" ")),
        ActivityResult::Skipped { reason } => ("Skipped".to_owned(), reason.clone()),
        ActivityResult::Parked(park) => (format!("Parked: {:?}", park.cause), park.reason.clone()),
        ActivityResult::Ignored { reason } => ("Ignored".to_owned(), reason.clone()),
    };
    tracing::info!(
        company.id = %entry.company,
        realm.id = entry.realm.as_ref().map(tracing::field::display),
        event.id = %entry.event,
        kind = entry.kind.map(tracing::field::display),
        billing.id = entry.billing_id.as_ref().map(tracing::field::display),
        quickbooks.id = entry.quickbooks_id.as_ref().map(tracing::field::display),
        outcome,
        reason,
        "event handled"
    );
}
