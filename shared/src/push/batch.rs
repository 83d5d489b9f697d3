//! A company's books, open for pushing: what is known of them, and one event after the other.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::Ports;
use super::together::Together;
use crate::activity::{Activity, ActivityResult};
use crate::event::{self, EntityEvent, Verb};
use crate::ids::{BillingId, Books, QuickBooksId};
use crate::link::{Entry, LinkKey};
use crate::matching::Found;
use crate::model::{Kind, Record};
use crate::outcome::{Done, DoneAction, Outcome, Park, ParkCause, Retry, SkipReason};
use crate::plan;
use crate::ports::{BillingError, CallError, LinkError, OpenError, QuickBooks, StoreError, explain};
use crate::reference::Reference;
use crate::settings::Company;

/// How old cached reference data may be before it is read again.
const REFERENCE_AGE: SignedDuration = SignedDuration::from_hours(24);
/// How old it may be when a record cannot be booked for want of a tax code, an account or an open period.
const REFERENCE_AGE_IN_DOUBT: SignedDuration = SignedDuration::from_mins(5);

/// A company's books, open for pushing. Clones share what is known of its records, so that several events may be carried
/// out at the same time.
#[derive(Clone)]
pub(super) struct Batch<'a> {
    pub(super) ports: Ports<'a>,
    pub(super) company: &'a Company,
    pub(super) books: Books,
    pub(super) quickbooks: Arc<dyn QuickBooks>,
    pub(super) reference: Arc<Reference>,
    pub(super) records: Arc<HashMap<(Kind, BillingId), Record>>,
    /// Where writes wait for each other, if they go in batches.
    pub(super) together: Option<Arc<Together>>,
    known: Arc<Mutex<Known>>,
}

/// What is known of the records of a batch. Nobody waits for anything while holding it.
#[derive(Default)]
pub(super) struct Known {
    pub(super) entries: HashMap<LinkKey, Entry>,
    pub(super) found: Found,
    /// The records that have got their counterpart in this batch.
    pub(super) made: HashSet<(Kind, BillingId)>,
    /// The records that were withdrawn before they ever had one, and when.
    dropped: HashMap<(Kind, BillingId), Timestamp>,
    /// The same as the ledger knows it.
    pub(super) withdrawn: HashMap<(Kind, BillingId), Timestamp>,
    /// Set once QuickBooks says that the connection has ended: nothing more is tried in this batch.
    ended: Option<Park>,
    /// Read anew in this batch.
    reference: Option<Arc<Reference>>,
}

/// A company's books, ready for calls.
pub(crate) struct Opened {
    pub(crate) books: Books,
    pub(crate) quickbooks: Arc<dyn QuickBooks>,
    pub(crate) reference: Reference,
}

/// An ending that interrupts what is being done for an event.
pub(crate) type Ending = Box<Outcome>;

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
            LinkError::TooLong => Park::new(
                ParkCause::TooLong,
                "It is too long: what is sent to QuickBooks has to be recorded beforehand, and this does not fit.",
                "Shorten the descriptions of its lines, or split it into several records; then retry.",
            )
            .into(),
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

impl From<BillingError> for Ending {
    fn from(error: BillingError) -> Ending {
        let reason = error.to_string();
        match error {
            BillingError::Store(store) => store_ending(&store),
            BillingError::Later { after, .. } => Box::new(Outcome::Retry(Retry { reason, after })),
            BillingError::Unknown(_) => Box::new(Outcome::Retry(Retry { reason, after: None })),
            BillingError::NotOffered
            | BillingError::Forbidden(_)
            | BillingError::Gone
            | BillingError::Refused(_) => Park::new(
                ParkCause::BillingApp,
                format!("It needs something of the billing app, but {reason}."),
                "Correct it in the billing app, or renew the token that Counterpart has for it; then retry.",
            )
            .into(),
        }
    }
}

fn store_ending(error: &StoreError) -> Ending {
    Box::new(Outcome::Retry(later(error)))
}

/// Opens a company's books, with reference data that is not too old. A connection that has ended is a reason to park.
pub(crate) async fn open(ports: Ports<'_>, company: &Company) -> Result<Result<Opened, Park>, Retry> {
    let Some(books) = company.books() else { return Ok(Err(connection_ended())) };
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
    Ok(Ok(Opened { books, quickbooks, reference }))
}

impl<'a> Batch<'a> {
    /// Opens the books and looks up, in as few reads as possible, what the events' records need. A connection that
    /// has ended parks every event.
    pub(super) async fn open(
        ports: Ports<'a>,
        company: Option<&'a Company>,
        events: &[&EntityEvent],
    ) -> Result<Result<Batch<'a>, Park>, Retry> {
        let Some(company) = company else { return Ok(Err(connection_ended())) };
        let Opened { books, quickbooks, reference } = match open(ports, company).await? {
            Ok(opened) => opened,
            Err(park) => return Ok(Err(park)),
        };
        let known = events.iter().filter_map(|event| event.data.clone());
        let records = known.map(|record| ((record.kind(), record.id().clone()), record)).collect();
        let mut batch = Batch {
            ports,
            company,
            books,
            quickbooks,
            reference: Arc::new(reference),
            records: Arc::new(records),
            together: None,
            known: Arc::default(),
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

    /// What is known, for a moment.
    pub(super) fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same books for one more event, with what was read last. Its writes go `together` with those of others.
    pub(super) fn for_another_event(&self, together: Option<Arc<Together>>) -> Batch<'a> {
        let newest = self.known().reference.clone();
        let reference = newest.unwrap_or_else(|| Arc::clone(&self.reference));
        Batch { reference, together, ..self.clone() }
    }

    /// Carries one event out.
    pub(super) async fn push(&mut self, event: &EntityEvent) -> Outcome {
        let outcome = self.push_with_fresh_lists(event).await;
        self.flag(event, outcome).await
    }

    async fn push_with_fresh_lists(&mut self, event: &EntityEvent) -> Outcome {
        let outcome = self.try_push(event).await;
        match outcome {
            Outcome::Parked(Park { cause, .. })
                if self.depends_on_lists(event.kind, cause) && self.reference_in_doubt() =>
            {
                // Somebody may have added the tax code or the account, made the chosen one inactive, or opened the books,
                // since the lists were read.
                match read_reference(self.ports, &self.books, &*self.quickbooks).await {
                    Ok(reference) => {
                        self.reference = Arc::new(reference);
                        self.known().reference = Some(Arc::clone(&self.reference));
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
        let ended = self.known().ended.clone();
        if let Some(park) = ended {
            return Outcome::Parked(park);
        }
        match self.record(event).await {
            Ok(done) => {
                if matches!(done.action, DoneAction::Created | DoneAction::Linked) {
                    let made = &mut self.known().made;
                    made.insert((event.kind, event.subject.clone()));
                    made.extend(client_of(event));
                }
                Outcome::Done(done)
            }
            Err(ending) => {
                if *ending == Outcome::Skipped(SkipReason::NeverPushed) {
                    self.known().dropped.insert((event.kind, event.subject.clone()), event.time);
                }
                *ending
            }
        }
    }

    /// Deals with parked events that this batch has decided: those of withdrawn records end, and those that waited
    /// for a record which has its counterpart now go on (T14).
    pub(super) async fn settle_parked(&mut self, settled: &mut Vec<Activity>) -> Result<(), Retry> {
        self.end_dropped(settled).await?;
        self.release(settled).await
    }

    /// Ends what is parked of records that were withdrawn before they reached QuickBooks, so that no retry brings
    /// them there.
    async fn end_dropped(&mut self, settled: &mut Vec<Activity>) -> Result<(), Retry> {
        let dropped = self.known().dropped.clone();
        if dropped.is_empty() {
            return Ok(());
        }
        let parked = self.ports.activity.parked(&self.books.company).await;
        let is_dropped = |entry: &Activity| {
            let record = entry.kind.zip(entry.billing_id.clone());
            record.and_then(|record| dropped.get(&record)).is_some_and(|at| entry.time <= *at)
        };
        for entry in parked.map_err(|error| later(&error))?.into_iter().filter(is_dropped) {
            let reason = SkipReason::Withdrawn.to_string();
            let handled_at = self.ports.clock.now();
            let result = ActivityResult::Skipped { reason };
            settled.push(Activity { handled_at, result, event_json: None, ..entry });
        }
        Ok(())
    }

    /// Carries parked events out that waited for a record which has its counterpart now, until none is left.
    async fn release(&mut self, released: &mut Vec<Activity>) -> Result<(), Retry> {
        loop {
            let made: Vec<(Kind, BillingId)> = self.known().made.drain().collect();
            if made.is_empty() {
                return Ok(());
            }
            let waiting = self.ports.activity.waiting_for(&self.books.company, &made).await;
            for entry in waiting.map_err(|error| later(&error))? {
                if released.iter().any(|settled| settled.event == entry.event && settled.time == entry.time) {
                    continue;
                }
                let event = entry.event_json.as_deref().map(event::read).unwrap_or_default().pop();
                if let Some(Ok(event)) = event.map(|received| received.event) {
                    released.extend(self.push_parked(&entry, &event).await?);
                }
            }
        }
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

    /// Whether such a reason may be none, or be told more clearly, by lists that are newer.
    fn depends_on_lists(&self, kind: Kind, cause: ParkCause) -> bool {
        match cause {
            ParkCause::Tax | ParkCause::Settings | ParkCause::ClosedPeriod => true,
            ParkCause::Refused => self.company.settings.choose_for(kind),
            _ => false,
        }
    }

    fn reference_in_doubt(&self) -> bool {
        is_in_doubt(&self.reference, self.ports.clock.now())
    }

    /// How an event ended that was carried out before, if nothing was carried out for its record since.
    pub(super) fn ending_of(&self, event: &EntityEvent) -> Option<Done> {
        match self.entry(event.kind, &event.subject)? {
            Entry::Linked(link) if link.last_event == event.id => Some(link.done()),
            _ => None,
        }
    }

    /// The event as one that brings its record back, if it replaces one that does: an edit after that is one of a record
    /// that is there again.
    pub(super) fn restores(
        &self,
        event: &EntityEvent,
        replaced: &[(usize, &EntityEvent)],
    ) -> Option<EntityEvent> {
        let known = match self.entry(event.kind, &event.subject)? {
            Entry::Linked(link) if link.last_event != event.id => link.billing_time,
            _ => return None,
        };
        let is_restored =
            replaced.iter().any(|(_, other)| other.verb == Verb::Restored && other.time >= known);
        (is_restored && !plan::is_withdrawn(event))
            .then(|| EntityEvent { verb: Verb::Restored, ..event.clone() })
    }

    /// Notes that the connection has ended; nothing more is tried in this batch.
    pub(super) fn end(&mut self, park: Park) -> Outcome {
        self.known().ended = Some(park.clone());
        Outcome::Parked(park)
    }

    /// The entry of a record, as known in this batch.
    pub(super) fn entry(&self, kind: Kind, id: &BillingId) -> Option<Entry> {
        self.known().entries.get(&LinkKey::Billing(kind, id.clone())).cloned()
    }

    /// The counterpart of a record that is linked.
    pub(super) fn linked(&self, kind: Kind, id: &BillingId) -> Option<QuickBooksId> {
        match self.entry(kind, id)? {
            Entry::Linked(link) => Some(link.quickbooks_id),
            Entry::Pending(_) => None,
        }
    }
}

/// The client of an invoice or a payment, which has its counterpart when that has one.
fn client_of(event: &EntityEvent) -> Option<(Kind, BillingId)> {
    match event.data.as_ref()? {
        Record::Invoice(invoice) => Some((Kind::Client, invoice.client_id.clone())),
        Record::Payment(payment) => Some((Kind::Client, payment.client_id.clone())),
        Record::Client(_) | Record::Product(_) => None,
    }
}

/// Whether reference data is so old that what it lacks may have been added since.
pub(crate) fn is_in_doubt(reference: &Reference, now: Timestamp) -> bool {
    now.duration_since(reference.read_at) > REFERENCE_AGE_IN_DOUBT
}

pub(crate) enum Failed {
    Later(Retry),
    Ended(Park),
}

pub(crate) async fn read_reference(
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

pub(crate) fn later(error: &StoreError) -> Retry {
    Retry { reason: explain(error), after: None }
}
