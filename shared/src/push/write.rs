//! Changes of records that have a counterpart, each in an order that survives being cut short anywhere.

use quickbooks_wire::Entity;
use rust_decimal::Decimal;

use super::attempt::{Settled, told_by_attempt};
use super::batch::{Batch, Ending};
use super::subject::Subject;
use super::{Ports, together};
use crate::activity::{Activity, ActivityResult};
use crate::event::Verb;
use crate::failure::{Failure, classify, in_words};
use crate::link::{Attempt, Entry, Link, RequestId};
use crate::mapping::fields;
use crate::mapping::invoice::keep;
use crate::matching;
use crate::model::Kind;
use crate::outcome::{Done, DoneAction, Outcome, Park, ParkCause, Retry, SkipReason, is_variance};
use crate::plan::{self, Change};
use crate::ports::{CallError, Write};

/// How often a change is planned anew when the entity keeps changing under it, before it is left for later.
const REPLANS: usize = 3;

impl Batch<'_> {
    /// Takes the result of a call, or what its failure means for the event.
    pub(super) fn answer<T>(&mut self, result: Result<T, CallError>) -> Result<T, Ending> {
        result.map_err(|error| match classify(&error) {
            Failure::Later { retry, .. } => Box::new(Outcome::Retry(retry)),
            Failure::Stale => Box::new(Outcome::Retry(Retry { reason: error.to_string(), after: None })),
            Failure::Gone(park) | Failure::NameTaken(park) | Failure::Refused(park) => park.into(),
            Failure::Disconnected(park) => Box::new(self.end(park)),
        })
    }

    /// Carries a change out for a record that has an entry.
    pub(super) async fn follow(
        &mut self,
        subject: &Subject<'_>,
        entry: Entry,
        mapped: Entity,
    ) -> Result<Done, Ending> {
        let fingerprints = fields::fingerprints(&mapped);
        match entry {
            Entry::Linked(link) => {
                let Settled { link, carried_out } = self.settle(link).await?;
                match plan::change(&link, Some(subject.event), &fingerprints) {
                    Change::Repeated(done) => Ok(done),
                    Change::Skip(SkipReason::Unchanged) => match carried_out {
                        Some(entity) => self.was_updated(subject, &link, &entity).await,
                        None => self.unchanged(subject, &link).await,
                    },
                    Change::Skip(reason) => Err(reason.into()),
                    Change::Fields(names) => match self.as_it_is_now(&link, subject.event).await? {
                        Some(now) => Box::pin(self.record(&now)).await,
                        None => self.update(subject, link, &mapped, names).await,
                    },
                }
            }
            Entry::Pending(intent) => {
                // What was created is the record as it was then: this event is carried out only after the rest of it,
                // unless that was later.
                let made_of = intent.told_at.filter(|told_at| *told_at > subject.time());
                let passing = subject.in_passing().made_of(made_of);
                let link = self.resume(&passing, &intent).await?;
                if made_of.is_some() {
                    return Err(SkipReason::OutOfDate.into());
                }
                let names = fields::changed(&link.pushed, &fingerprints);
                if !names.is_empty() {
                    return self.update(subject, link, &mapped, names).await;
                }
                self.unchanged(subject, &link).await
            }
        }
    }

    /// An update whose answer was lost has brought all of this event.
    async fn was_updated(
        &mut self,
        subject: &Subject<'_>,
        link: &Link,
        entity: &Entity,
    ) -> Result<Done, Ending> {
        let mut last_notes = told_by_attempt(link);
        last_notes.extend(subject.variance(entity));
        let taxes = subject.taxes(entity);
        let next = subject.next(link, DoneAction::Updated);
        self.updated(Link { last_notes, taxes, taxes_written: None, ..next }).await
    }

    /// Notes that the entity holds what this event tells, so that older events are out of date from now on. An
    /// entity that was made when this event was tried before is made by this event, and one that was matched for
    /// another record's sake is told by the record's own event.
    pub(super) async fn unchanged(&mut self, subject: &Subject<'_>, link: &Link) -> Result<Done, Ending> {
        let is_transaction = matches!(link.kind, Kind::Invoice | Kind::Payment);
        let tried_before = link.last_event == subject.in_passing().event_id();
        let is_made_by_this = link.awaits_its_own_event() && (is_transaction || tried_before);
        if link.linked_untold().is_some() {
            let last_notes = link.last_notes.clone();
            let next = subject.next(link, DoneAction::Linked);
            return self.updated(Link { last_notes, pulled: None, ..next }).await;
        }
        if is_made_by_this || link.was_matched_in_passing() {
            let last_notes = link.last_notes.clone();
            return self.updated(Link { last_notes, ..subject.next(link, link.last_action) }).await;
        }
        self.tell_the_time(subject, link).await?;
        Err(SkipReason::Unchanged.into())
    }

    /// Tells how the event before has ended, if it is parked until its taxes are in the billing app, and more is to be
    /// told of it than that totals differ until then: nobody knows what it did once the link names the next one.
    async fn tell_of_parked(&self, link: &Link) -> Result<(), Ending> {
        let mut done = link.done();
        done.notes.retain(|note| !is_variance(note));
        if done.notes.is_empty() {
            return Ok(());
        }
        let Ports { activity, clock, .. } = self.ports;
        let entry = activity.entry(&self.books.company, link.billing_time, &link.last_event).await?;
        let Some(parked) = entry.filter(|entry| entry.result.is_parked()) else { return Ok(()) };
        let done = Activity {
            quickbooks_id: Some(done.quickbooks_id.clone()),
            result: ActivityResult::Done(done),
            handled_at: clock.now(),
            event_json: None,
            ..parked
        };
        Ok(activity.record(&[done]).await?)
    }

    /// Notes that older events than this one are out of date.
    pub(super) async fn tell_the_time(&mut self, subject: &Subject<'_>, link: &Link) -> Result<(), Ending> {
        if subject.time() > link.billing_time {
            let next = Link { billing_time: subject.time(), revision: link.revision + 1, ..link.clone() };
            self.ports.ledger.refresh(&self.books, &next).await?;
            self.remember(&next);
        }
        Ok(())
    }

    /// Sends a write: with others in one call where writes go in batches and this one may, else by itself.
    pub(super) async fn send(&self, write: Write, request_id: &RequestId) -> Result<Entity, CallError> {
        match &self.together {
            Some(together) if together::may_join(write.entity()) => together.join(write, request_id).await,
            _ => write.alone(&*self.quickbooks, request_id).await,
        }
    }

    async fn update(
        &mut self,
        subject: &Subject<'_>,
        link: Link,
        mapped: &Entity,
        names: Vec<String>,
    ) -> Result<Done, Ending> {
        self.tell_of_parked(&link).await?;
        let pushed = fields::fingerprints(mapped);
        let (mapped, names) = match link.withdrawn {
            true => {
                let (mapped, more) = fields::brought_back(mapped.clone());
                (mapped, names.into_iter().chain(more).collect())
            }
            false => (mapped.clone(), names),
        };
        let mut link = link;
        let mut told = told_by_attempt(&link);
        if let Some(linking) = link.told_of_linking()
            && !told.contains(&linking)
        {
            told.push(linking);
        }
        let plan::Merge { mut send, mut notes } =
            plan::after_known_edits(&link, &names, &mapped, subject.event.time);
        notes.splice(..0, told.iter().cloned());
        let ours = mapped;
        let mut whole = self.keeping_theirs(&link, &ours, &send).await?;
        for _ in 0..REPLANS {
            let Some(change) = fields::sparse(&whole, &send, link.quickbooks_id.as_str(), &link.sync_token)
            else {
                // Nothing of it can be said to QuickBooks: all of it is kept as it is there.
                // What was told of it is true still.
                notes.splice(..0, link.last_notes.iter().cloned());
                let next = Link { pushed, last_notes: notes, ..subject.next(&link, DoneAction::Updated) };
                return self.updated(next).await;
            };
            let body = serde_json::to_string(&change).unwrap_or_default();
            let kind = change.kind();
            let request_id = fields::change_request_id(
                &self.books,
                kind,
                link.quickbooks_id.as_str(),
                &link.sync_token,
                &body,
            );
            let attempt = Attempt {
                action: DoneAction::Updated,
                members: send.clone(),
                body: fields::only(&whole, &send).to_string(),
                notes: notes.clone(),
            };
            link = self.begin(link, attempt).await?;
            let error = match self.send(Write::Update(change), &request_id).await {
                Ok(answer) => {
                    notes.extend(subject.variance(&answer));
                    notes.extend(subject.notes_on(&send));
                    let mut next = Link {
                        pushed,
                        withdrawn: false,
                        last_notes: notes,
                        taxes: subject.taxes(&answer),
                        taxes_written: None,
                        ..as_seen(&subject.next(&link, DoneAction::Updated), &answer)
                    };
                    next.edited.retain(|name, _| !send.contains(name));
                    return self.updated(next).await;
                }
                Err(error) => error,
            };
            match classify(&error) {
                Failure::Stale | Failure::Gone(_) => {}
                _ => return self.failed(&link, error).await,
            }
            match self.read(&link).await? {
                None if self.is_followed(subject, &link) => {
                    self.give_up(&link).await?;
                    return Err(SkipReason::DeletedThere(link.kind).into());
                }
                None => return self.create_anew(subject, &link, ours).await,
                Some(current) if !matches!(classify(&error), Failure::Stale) => {
                    self.give_up(&link).await?;
                    return Err(self.refers_to_the_gone(&current, &error));
                }
                Some(current) => {
                    let merge = plan::merge(&link, &names, &ours, &current, subject.event.time);
                    let sync_token = current.sync_token().unwrap_or_default().to_owned();
                    link = Link { sync_token, edited: plan::known_edits(&link, &current), ..link };
                    send = merge.send;
                    whole = keep::keeping(ours.clone(), &current, &send);
                    notes = told.iter().cloned().chain(merge.notes).collect();
                }
            }
        }
        Err(again("the entity kept changing in QuickBooks"))
    }

    /// Stores what an update has come to.
    pub(super) async fn updated(&mut self, next: Link) -> Result<Done, Ending> {
        self.ports.ledger.refresh(&self.books, &next).await?;
        self.remember(&next);
        Ok(Done {
            action: next.last_action,
            quickbooks_id: next.quickbooks_id,
            notes: next.last_notes,
            taxes: next.taxes,
        })
    }

    /// The record with what is the bookkeeper's in members that are replaced whole. Costs a read where there is such.
    async fn keeping_theirs(
        &mut self,
        link: &Link,
        ours: &Entity,
        send: &[String],
    ) -> Result<Entity, Ending> {
        if !keep::is_needed(ours, send, &self.reference) {
            return Ok(ours.clone());
        }
        let current = self.read(link).await?;
        Ok(match current {
            Some(current) => keep::keeping(ours.clone(), &current, send),
            None => ours.clone(),
        })
    }

    pub(super) async fn read(&mut self, link: &Link) -> Result<Option<Entity>, Ending> {
        let read = self.quickbooks.read(fields::entity_kind(link.kind), &link.quickbooks_id).await;
        Ok(self.answer(read)?.filter(|entity| !entity.is_deleted()))
    }

    /// The entity is there, so what is missing or inactive is the entity itself or what it refers to.
    fn refers_to_the_gone(&mut self, current: &Entity, error: &CallError) -> Ending {
        let inactive = match current {
            Entity::Customer(customer) => customer.active == Some(false),
            Entity::Item(item) => item.active == Some(false),
            Entity::Invoice(_) | Entity::Payment(_) => false,
        };
        if inactive {
            return Park::new(
                ParkCause::Refused,
                format!("Its {} in QuickBooks is inactive.", current.kind().name()),
                "Make it active in QuickBooks, or map the record to another one; then retry.",
            )
            .into();
        }
        let reason = match error {
            CallError::Refused(fault) => in_words(fault),
            other => other.to_string(),
        };
        Park::new(
            ParkCause::Refused,
            reason,
            "Make the record it refers to active in QuickBooks, then retry.",
        )
        .into()
    }

    /// Whether a deletion in QuickBooks is brought over, and stays one until the record is restored (D4): it does not
    /// matter whether its notice or an edit of the billing app is dealt with first.
    fn is_followed(&self, subject: &Subject<'_>, link: &Link) -> bool {
        let is_transaction = matches!(link.kind, Kind::Invoice | Kind::Payment);
        let is_pulled = self.company.settings.directions.of(link.kind).pulls();
        is_transaction && is_pulled && subject.event.verb != Verb::Restored
    }

    /// Voids a transaction, unless money has been received for it.
    pub(super) async fn void(&mut self, subject: &Subject<'_>, link: &Link) -> Result<Done, Ending> {
        self.tell_of_parked(link).await?;
        let Some(current) = self.read(link).await? else {
            return Err(SkipReason::AlreadyVoided.into());
        };
        let edited = plan::known_edits(link, &current);
        let link = &Link { edited, ..link.clone() };
        if let Entity::Invoice(invoice) = &current {
            if matching::is_voided(invoice) {
                let next = as_seen(&subject.next(link, DoneAction::Voided), &current);
                self.withdrawn(next).await?;
                return Err(SkipReason::AlreadyVoided.into());
            }
            let total = invoice.total_amt.unwrap_or_default();
            let paid = total.saturating_sub(invoice.balance.unwrap_or_default());
            if paid > Decimal::ZERO {
                return Err(Park::new(
                    ParkCause::Paid,
                    format!("{paid:.2} of the invoice is paid in QuickBooks, so it is not voided."),
                    "Unapply or refund the payment in QuickBooks, then retry.",
                )
                .into());
            }
        }
        let token = current.sync_token().unwrap_or(&link.sync_token).to_owned();
        let kind = current.kind();
        let request_id =
            fields::change_request_id(&self.books, kind, link.quickbooks_id.as_str(), &token, "void");
        let link = self.begin(link.clone(), Attempt::without_body(DoneAction::Voided)).await?;
        match self.quickbooks.void(kind, &link.quickbooks_id, &token, &request_id).await {
            Ok(voided) => self.withdrawn(as_seen(&subject.next(&link, DoneAction::Voided), &voided)).await,
            Err(error) => self.failed(&link, error).await,
        }
    }

    /// Makes a Customer or an Item inactive.
    pub(super) async fn inactivate(&mut self, subject: &Subject<'_>, link: &Link) -> Result<Done, Ending> {
        let kind = fields::entity_kind(link.kind);
        let Some(current) = self.read(link).await? else {
            return Err(SkipReason::AlreadyVoided.into());
        };
        let edited = plan::known_edits(link, &current);
        let link = &Link { edited, ..link.clone() };
        let token = current.sync_token().unwrap_or(&link.sync_token).to_owned();
        let Some(change) = fields::inactive(kind, link.quickbooks_id.as_str(), &token) else {
            return Err(SkipReason::KeptActive(link.kind).into());
        };
        let request_id =
            fields::change_request_id(&self.books, kind, link.quickbooks_id.as_str(), &token, "inactive");
        let link = self.begin(link.clone(), Attempt::without_body(DoneAction::Inactivated)).await?;
        match self.quickbooks.update(&change, &request_id).await {
            Ok(answer) => {
                self.withdrawn(as_seen(&subject.next(&link, DoneAction::Inactivated), &answer)).await
            }
            Err(error) => self.failed(&link, error).await,
        }
    }

    /// Stores that a record is taken back. Nothing counts as pushed any more: should it be restored, all of it is
    /// sent again.
    pub(super) async fn withdrawn(&mut self, link: Link) -> Result<Done, Ending> {
        self.updated(taken_back(link)).await
    }
}

/// The link of a withdrawn record.
pub(super) fn taken_back(link: Link) -> Link {
    let pushed = fields::withdrawn(fields::entity_kind(link.kind), link.pushed.keys().cloned());
    Link { withdrawn: true, pushed, taxes: None, taxes_written: None, ..link }
}

/// The link with the entity's version and fields as QuickBooks has them now.
pub(super) fn as_seen(link: &Link, entity: &Entity) -> Link {
    Link {
        sync_token: entity.sync_token().unwrap_or_default().to_owned(),
        last_updated: entity.last_updated_time().unwrap_or_default().to_owned(),
        seen: fields::fingerprints(entity),
        ..link.clone()
    }
}

pub(super) fn again(reason: &str) -> Ending {
    Box::new(Outcome::Retry(Retry { reason: reason.to_owned(), after: None }))
}
