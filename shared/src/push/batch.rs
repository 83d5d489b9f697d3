//! One company's events, in their order.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{Message, Ports, Verdict, wait};
use crate::activity::{Activity, ActivityResult};
use crate::event::{self, EntityEvent, Received, Unreadable};
use quickbooks_wire::Entity;

use crate::ids::{BillingId, Books, CompanyId, EventId, QuickBooksId};
use crate::link::{Entry, LinkKey};
use crate::matching::Found;
use crate::model::{Kind, Record};
use crate::outcome::{DoneAction, Outcome, Park, ParkCause, Retry, SkipReason};
use crate::plan;
use crate::ports::{CallError, LinkError, OpenError, QuickBooks, StoreError};
use crate::reference::Reference;
use crate::settings::Company;

/// How old cached reference data may be before it is read again.
const REFERENCE_AGE: SignedDuration = SignedDuration::from_hours(24);
/// How old it may be when a record cannot be booked for want of a tax code or an account.
const REFERENCE_AGE_IN_DOUBT: SignedDuration = SignedDuration::from_mins(5);

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
    let events: Vec<(usize, &EntityEvent)> = deliveries
        .iter()
        .enumerate()
        .filter_map(|(place, delivery)| Some((place, delivery.received.event.as_ref().ok()?)))
        .collect();
    let readable: Vec<&EntityEvent> = events.iter().map(|(_, event)| *event).collect();
    let decisive: HashMap<usize, usize> = plan::coalesce(&readable)
        .into_iter()
        .enumerate()
        .map(|(place, by)| (events[place].0, events[by].0))
        .collect();
    let mut batch = None;
    for (place, delivery) in deliveries.iter().enumerate() {
        let event = match &delivery.received.event {
            Ok(event) => event,
            Err(unreadable) => {
                endings.end(place, Outcome::Parked(cannot_read(unreadable)), None);
                continue;
            }
        };
        let by = decisive.get(&place).copied().unwrap_or(place);
        if endings.has(by) {
            endings.end(place, Outcome::Skipped(SkipReason::Superseded), None);
            continue;
        }
        let Ok(acting) = &deliveries[by].received.event else { continue };
        let (outcome, books) = match before_push(company.as_ref(), acting) {
            Some(outcome) => (outcome, None),
            None => {
                if batch.is_none() {
                    let opened = Batch::open(ports, company.as_ref(), &readable).await;
                    batch = Some(opened.map_err(|retry| (delivery.message, retry))?);
                }
                match &mut batch {
                    Some(Ok(batch)) => (batch.push(acting).await, Some(batch.books.clone())),
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
        endings.end(by, outcome, books);
        if by != place && deliveries[by].received.event.as_ref().is_ok_and(|other| other.id != event.id) {
            endings.end(place, Outcome::Skipped(SkipReason::Superseded), None);
        }
    }
    if let Some(Ok(batch)) = &mut batch {
        let last = deliveries.last().map_or(0, |delivery| delivery.message);
        batch.release(&mut endings.released).await.map_err(|retry| (last, retry))?;
    }
    Ok(())
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

fn cannot_read(unreadable: &Unreadable) -> Park {
    Park::new(
        ParkCause::Unreadable,
        unreadable.problem.clone(),
        "Correct the sender, and send the event again.",
    )
}

pub(super) fn later(error: &StoreError) -> Retry {
    Retry { reason: chain(error), after: None }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// How the events of a batch have ended so far.
#[derive(Default)]
struct Endings {
    by_place: HashMap<usize, (Outcome, Option<Books>)>,
    /// New entries of events that were parked until now.
    released: Vec<Activity>,
}

impl Endings {
    fn has(&self, place: usize) -> bool {
        self.by_place.contains_key(&place)
    }

    fn end(&mut self, place: usize, outcome: Outcome, books: Option<Books>) {
        self.by_place.entry(place).or_insert((outcome, books));
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

/// A company's books, open for pushing, with what is known of its records.
pub(super) struct Batch<'a> {
    pub(super) ports: Ports<'a>,
    pub(super) company: &'a Company,
    pub(super) books: Books,
    pub(super) quickbooks: Arc<dyn QuickBooks>,
    pub(super) reference: Reference,
    pub(super) entries: HashMap<LinkKey, Entry>,
    pub(super) found: Found,
    pub(super) records: HashMap<(Kind, BillingId), Record>,
    /// The records that have got their counterpart in this batch.
    pub(super) made: HashSet<(Kind, BillingId)>,
    /// The entity that the last write gave back.
    pub(super) written: Option<Entity>,
    /// Set once QuickBooks says that the connection has ended: nothing more is tried in this batch.
    pub(super) ended: Option<Park>,
}

/// An ending that interrupts what is being done for an event.
pub(super) type Ending = Box<Outcome>;

impl From<StoreError> for Ending {
    fn from(error: StoreError) -> Ending {
        Box::new(Outcome::Retry(later(&error)))
    }
}

impl From<Park> for Ending {
    fn from(park: Park) -> Ending {
        Box::new(Outcome::Parked(park))
    }
}

impl From<SkipReason> for Ending {
    fn from(reason: SkipReason) -> Ending {
        Box::new(Outcome::Skipped(reason))
    }
}

impl From<LinkError> for Ending {
    fn from(error: LinkError) -> Ending {
        let reason = match &error {
            LinkError::Store(store) => return store_ending(store),
            other => other.to_string(),
        };
        match error {
            LinkError::QuickBooksTaken(other) => Park::new(
                ParkCause::AlreadyLinked,
                format!("Its counterpart in QuickBooks is linked with billing record {other} already."),
                "Map one of the two to another record, then retry.",
            )
            .into(),
            _ => Box::new(Outcome::Retry(Retry { reason, after: None })),
        }
    }
}

fn store_ending(error: &StoreError) -> Ending {
    Box::new(Outcome::Retry(later(error)))
}

impl<'a> Batch<'a> {
    /// Opens the books and looks up, in as few reads as possible, what the events' records need. A connection that
    /// has ended parks every event.
    async fn open(
        ports: Ports<'a>,
        company: Option<&'a Company>,
        events: &[&EntityEvent],
    ) -> Result<Result<Batch<'a>, Park>, Retry> {
        let Some((company, books)) = company.and_then(|company| Some((company, company.books()?))) else {
            return Ok(Err(connection_ended()));
        };
        let quickbooks = match ports.connector.open(&books).await {
            Ok(quickbooks) => quickbooks,
            Err(OpenError::NotConnected) => return Ok(Err(connection_ended())),
            Err(OpenError::Later(reason)) => return Err(Retry { reason, after: None }),
            Err(OpenError::Store(error)) => return Err(later(&error)),
        };
        let cached = ports.companies.reference(&books).await.map_err(|error| later(&error))?;
        let now = ports.clock.now();
        let reference = match cached {
            Some(reference) if now.duration_since(reference.read_at) < REFERENCE_AGE => reference,
            stale => match read_reference(ports, &books, &*quickbooks).await {
                Ok(reference) => reference,
                Err(Failed::Ended(park)) => return Ok(Err(park)),
                // Day-old lists are better than none at all.
                Err(Failed::Later(retry)) => match stale {
                    Some(reference) => reference,
                    None => return Err(retry),
                },
            },
        };
        let known = events.iter().filter_map(|event| event.data.clone());
        let records = known.map(|record| ((record.kind(), record.id().clone()), record)).collect();
        let mut batch = Batch {
            ports,
            company,
            books,
            quickbooks,
            reference,
            entries: HashMap::new(),
            found: Found::default(),
            records,
            made: HashSet::new(),
            written: None,
            ended: None,
        };
        match batch.look_up(events).await {
            Ok(()) => Ok(Ok(batch)),
            Err(ending) => match *ending {
                Outcome::Parked(park) => Ok(Err(park)),
                Outcome::Retry(retry) => Err(retry),
                Outcome::Done(_) | Outcome::Skipped(_) => Ok(Ok(batch)),
            },
        }
    }

    /// Carries one event out.
    async fn push(&mut self, event: &EntityEvent) -> Outcome {
        let outcome = self.try_push(event).await;
        match outcome {
            Outcome::Parked(Park { cause: ParkCause::Tax | ParkCause::Settings, .. })
                if self.reference_in_doubt() =>
            {
                // Somebody may have added the tax code or the account since the lists were read.
                match read_reference(self.ports, &self.books, &*self.quickbooks).await {
                    Ok(reference) => {
                        self.reference = reference;
                        self.try_push(event).await
                    }
                    Err(Failed::Later(retry)) => Outcome::Retry(retry),
                    Err(Failed::Ended(park)) => self.end(park),
                }
            }
            other => other,
        }
    }

    async fn try_push(&mut self, event: &EntityEvent) -> Outcome {
        if let Some(park) = &self.ended {
            return Outcome::Parked(park.clone());
        }
        self.written = None;
        match self.record(event).await {
            Ok(done) => {
                if matches!(done.action, DoneAction::Created | DoneAction::Linked) {
                    self.made.insert((event.kind, event.subject.clone()));
                }
                Outcome::Done(done)
            }
            Err(ending) => *ending,
        }
    }

    /// Carries parked events out that waited for a record which has its counterpart now (T14), until none is left.
    async fn release(&mut self, released: &mut Vec<Activity>) -> Result<(), Retry> {
        while !self.made.is_empty() {
            let made = std::mem::take(&mut self.made);
            let parked =
                self.ports.activity.parked(&self.books.company).await.map_err(|error| later(&error))?;
            for entry in parked {
                let ActivityResult::Parked(Park { waits_for: Some(record), .. }) = &entry.result else {
                    continue;
                };
                let event = entry.event_json.as_deref().map(event::read).unwrap_or_default().pop();
                if let (true, Some(Ok(event))) = (made.contains(record), event.map(|received| received.event))
                {
                    released.extend(self.push_parked(&entry, &event).await?);
                }
            }
        }
        Ok(())
    }

    async fn push_parked(
        &mut self,
        entry: &Activity,
        event: &EntityEvent,
    ) -> Result<Option<Activity>, Retry> {
        let outcome = match self.look_up(&[event]).await {
            Ok(()) => self.push(event).await,
            Err(ending) => *ending,
        };
        if let Outcome::Retry(retry) = outcome {
            return Err(retry);
        }
        Ok(ActivityResult::of(&outcome).map(|result| {
            let quickbooks_id = match &result {
                ActivityResult::Done(done) => Some(done.quickbooks_id.clone()),
                _ => None,
            };
            let event_json = entry.event_json.clone().filter(|_| result.is_parked());
            let (handled_at, realm) = (self.ports.clock.now(), Some(self.books.realm.clone()));
            Activity { handled_at, realm, quickbooks_id, result, event_json, ..entry.clone() }
        }))
    }

    fn reference_in_doubt(&self) -> bool {
        self.ports.clock.now().duration_since(self.reference.read_at) > REFERENCE_AGE_IN_DOUBT
    }

    /// Notes that the connection has ended; nothing more is tried in this batch.
    pub(super) fn end(&mut self, park: Park) -> Outcome {
        self.ended = Some(park.clone());
        Outcome::Parked(park)
    }

    /// The entry of a record, as known in this batch.
    pub(super) fn entry(&self, kind: Kind, id: &BillingId) -> Option<&Entry> {
        self.entries.get(&LinkKey::Billing(kind, id.clone()))
    }

    /// The counterpart of a record that is linked.
    pub(super) fn linked(&self, kind: Kind, id: &BillingId) -> Option<QuickBooksId> {
        match self.entry(kind, id)? {
            Entry::Linked(link) => Some(link.quickbooks_id.clone()),
            Entry::Pending(_) => None,
        }
    }
}

enum Failed {
    Later(Retry),
    Ended(Park),
}

async fn read_reference(
    ports: Ports<'_>,
    books: &Books,
    quickbooks: &dyn QuickBooks,
) -> Result<Reference, Failed> {
    let lists = quickbooks.reference_lists().await.map_err(|error| failed(&error))?;
    let reference = Reference::from_lists(&lists, ports.clock.now());
    ports.companies.save_reference(books, &reference).await.map_err(|error| Failed::Later(later(&error)))?;
    Ok(reference)
}

fn failed(error: &CallError) -> Failed {
    use crate::failure::{Failure, classify};
    match classify(error) {
        Failure::Later { retry, .. } => Failed::Later(retry),
        Failure::Disconnected(park) => Failed::Ended(park),
        Failure::Gone(park) | Failure::NameTaken(park) | Failure::Refused(park) => {
            Failed::Later(Retry { reason: park.reason, after: None })
        }
        Failure::Stale => Failed::Later(Retry { reason: error.to_string(), after: None }),
    }
}

fn connection_ended() -> Park {
    Park::new(
        ParkCause::NotConnected,
        "The connection with QuickBooks has ended.",
        "Reconnect QuickBooks on the settings page; what waits is then pushed in order.",
    )
}
