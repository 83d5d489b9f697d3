//! Creates, links and changes, each in an order that survives being cut short anywhere.
//!
//! A create is preceded by a recorded intent with its `requestid` and its body. If its answer is lost, or the worker
//! dies, the next attempt finds the intent, looks for the entity by its natural key, and otherwise sends the very
//! same request again, which QuickBooks does not execute twice (Intuit: REST essentials, requestid).

use std::collections::BTreeMap;

use jiff::Timestamp;
use quickbooks_wire::Entity;
use rust_decimal::Decimal;

use super::attempt::{Settled, told_by_attempt};
use super::batch::{Batch, Ending};
use super::together;
use crate::event::{EntityEvent, Verb};
use crate::failure::{Failure, classify, in_words};
use crate::ids::{BillingId, EventId, QuickBooksId};
use crate::link::{Attempt, Entry, Fingerprints, Intent, Link, MatchedBy, RequestId};
use crate::mapping::invoice::keep;
use crate::mapping::tax_answer::{Question, TaxAnswer};
use crate::mapping::{fields, invoice};
use crate::matching;
use crate::model::Kind;
use crate::outcome::{Done, DoneAction, Outcome, Park, ParkCause, Retry, SkipReason, variance};
use crate::plan::{self, Change};
use crate::ports::{CallError, Write};

/// How often a change is planned anew when the entity keeps changing under it, before it is left for later.
const REPLANS: usize = 3;

/// The record that is being written, and the event for whose sake.
#[derive(Clone, Debug)]
pub(super) struct Subject<'e> {
    kind: Kind,
    id: BillingId,
    event: &'e EntityEvent,
    product_key: Option<String>,
    total: Option<Decimal>,
    question: Option<Question>,
    about_members: BTreeMap<String, String>,
    own: bool,
    made_of: Option<Timestamp>,
}

impl<'e> Subject<'e> {
    /// The record that the event is about.
    pub(super) fn of(event: &'e EntityEvent, kind: Kind, id: &BillingId) -> Subject<'e> {
        Subject {
            kind,
            id: id.clone(),
            event,
            product_key: None,
            total: None,
            question: None,
            about_members: BTreeMap::new(),
            own: true,
            made_of: None,
        }
    }

    /// A record that the event's record refers to.
    pub(super) fn dependency(event: &'e EntityEvent, kind: Kind, id: &BillingId) -> Subject<'e> {
        Subject { own: false, ..Subject::of(event, kind, id) }
    }

    /// The same record, without the event being carried out for it.
    fn in_passing(&self) -> Subject<'e> {
        Subject { own: false, ..self.clone() }
    }

    /// The key by which a product is found as well.
    pub(super) fn with_key(self, key: String) -> Subject<'e> {
        Subject { product_key: Some(key), ..self }
    }

    /// What the record comes to, to be compared with what QuickBooks makes of it (D15).
    pub(super) fn with_total(self, total: Decimal) -> Subject<'e> {
        Subject { total: Some(total), ..self }
    }

    /// What a person should know of a member when it is sent.
    pub(super) fn noting(self, about_members: BTreeMap<String, String>) -> Subject<'e> {
        Subject { about_members, ..self }
    }

    fn notes_on<'s>(&'s self, sent: &'s [String]) -> impl Iterator<Item = String> + 's {
        sent.iter().filter_map(|name| self.about_members.get(name).cloned())
    }

    /// What is to be learnt from QuickBooks' answer.
    pub(super) fn asking(self, question: Option<Question>) -> Subject<'e> {
        Subject { question, ..self }
    }

    /// The taxes in QuickBooks' answer.
    fn taxes(&self, booked: &Entity) -> Option<Box<TaxAnswer>> {
        let Entity::Invoice(booked) = booked else { return None };
        Some(Box::new(self.question.as_ref()?.answered(booked)))
    }

    /// What a person should know of what QuickBooks made of it.
    fn variance(&self, booked: &Entity) -> Option<String> {
        let Entity::Invoice(booked) = booked else { return None };
        let (billing, quickbooks) = invoice::difference(self.total?, booked)?;
        Some(variance(billing, quickbooks))
    }

    /// The link after this event has done `action`. One made for the sake of another record's event does not stand
    /// for an event of its own, so that the record's own events are never out of date.
    pub(super) fn next(&self, link: &Link, action: DoneAction) -> Link {
        Link {
            last_event: self.event_id(),
            last_action: action,
            last_notes: Vec::new(),
            billing_time: self.time(),
            revision: link.revision + 1,
            product_key: self.product_key.clone().or_else(|| link.product_key.clone()),
            attempt: None,
            ..link.clone()
        }
    }

    fn event_id(&self) -> EventId {
        if self.own { self.event.id.clone() } else { EventId::of_dependency(&self.event.id) }
    }

    fn time(&self) -> Timestamp {
        if self.own { self.event.time } else { self.made_of.unwrap_or(Timestamp::UNIX_EPOCH) }
    }
}

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
                let passing = Subject { made_of, ..subject.in_passing() };
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
        if link.was_linked_untold() {
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

    /// Notes that older events than this one are out of date.
    pub(super) async fn tell_the_time(&mut self, subject: &Subject<'_>, link: &Link) -> Result<(), Ending> {
        if subject.time() > link.billing_time {
            let next = Link { billing_time: subject.time(), revision: link.revision + 1, ..link.clone() };
            self.ports.ledger.refresh(&self.books, &next).await?;
            self.remember(&next);
        }
        Ok(())
    }

    /// Links a record with an entity that was there already. Nothing is written to QuickBooks: what the bookkeeper
    /// has stays as it is, and later edits send only what they change.
    pub(super) async fn adopt(
        &mut self,
        subject: &Subject<'_>,
        mapped: &Entity,
        row: &Entity,
        by: MatchedBy,
        generation: Option<u32>,
    ) -> Result<Link, Ending> {
        let link = self.new_link(subject, row, fields::fingerprints(mapped), by, generation.unwrap_or(0))?;
        let matched_at = row.last_updated_time().and_then(|time| time.parse().ok());
        self.store(Link { edited: plan::differences(mapped, row), matched_at, ..link }).await
    }

    /// Creates a record's entity.
    pub(super) async fn create(&mut self, subject: &Subject<'_>, entity: Entity) -> Result<Link, Ending> {
        let intent = self.intent(subject, &entity, 0);
        match self.ports.ledger.begin(&self.books, &intent).await? {
            None => self.send_create(subject, &intent, entity, Sending::First).await,
            Some(Entry::Pending(_)) => Err(again("somebody else began to create the record in between")),
            Some(Entry::Linked(_)) => Err(again("somebody else linked the record in between")),
        }
    }

    pub(super) async fn send_create(
        &mut self,
        subject: &Subject<'_>,
        intent: &Intent,
        entity: Entity,
        sending: Sending,
    ) -> Result<Link, Ending> {
        let create = Write::Create(entity.clone());
        let sent = match sending {
            Sending::First => self.send(create, &intent.request_id).await,
            Sending::Again => create.alone(&*self.quickbooks, &intent.request_id).await,
        };
        match sent {
            Ok(answer) => {
                let pushed = fields::fingerprints(&entity);
                let link = self.new_link(subject, &answer, pushed, MatchedBy::Created, intent.generation)?;
                self.known().found.add([answer.clone()]);
                self.store(link).await
            }
            Err(error) => {
                let failure = classify(&error);
                if sending.came_to_nothing(&failure) {
                    self.ports.ledger.abandon(&self.books, intent).await?;
                }
                match failure {
                    Failure::NameTaken(park) => Err(self.name_taken(&entity, park).await),
                    _ => self.answer(Err(error)),
                }
            }
        }
    }

    /// Sends a write: with others in one call where writes go in batches and this one may, else by itself.
    async fn send(&self, write: Write, request_id: &RequestId) -> Result<Entity, CallError> {
        match &self.together {
            Some(together) if together::may_join(write.entity()) => together.join(write, request_id).await,
            _ => write.alone(&*self.quickbooks, request_id).await,
        }
    }

    /// Says who holds the name, searching every list that shares it (Intuit: error 6240).
    async fn name_taken(&mut self, entity: &Entity, park: Park) -> Ending {
        let name = match entity {
            Entity::Customer(customer) => customer.display_name.clone().unwrap_or_default(),
            Entity::Item(item) => {
                let name = item.name.as_deref().unwrap_or_default();
                let reason = format!(
                    "The name \"{name}\" is held in QuickBooks by an Item that cannot be sold or is inactive, or by a category."
                );
                return Park { reason, ..park }.into();
            }
            Entity::Invoice(_) | Entity::Payment(_) => return park.into(),
        };
        let holders = self.quickbooks.name_holders(&name).await;
        match self.answer(holders) {
            Err(ending) => ending,
            Ok(holders) if holders.is_empty() => park.into(),
            Ok(holders) => {
                let described = holders.iter().map(|holder| {
                    let state = if holder.active { "" } else { "inactive " };
                    format!(
                        "the {state}{} \"{}\" (id {})",
                        holder.entity.to_lowercase(),
                        holder.name,
                        holder.id
                    )
                });
                let described: Vec<String> = described.collect();
                let reason =
                    format!("The name \"{name}\" is held in QuickBooks by {}.", described.join(" and "));
                Park { reason, ..park }.into()
            }
        }
    }

    async fn update(
        &mut self,
        subject: &Subject<'_>,
        link: Link,
        mapped: &Entity,
        names: Vec<String>,
    ) -> Result<Done, Ending> {
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

    /// The entity was deleted in QuickBooks: the record gets a new one, of the next generation (T4).
    async fn create_anew(
        &mut self,
        subject: &Subject<'_>,
        link: &Link,
        mapped: Entity,
    ) -> Result<Done, Ending> {
        let intent = self.intent(subject, &mapped, link.generation + 1);
        self.ports.ledger.supersede(&self.books, link, &intent).await?;
        let next = self.send_create(subject, &intent, mapped, Sending::First).await?;
        Ok(Done {
            action: DoneAction::Created,
            quickbooks_id: next.quickbooks_id,
            notes: next.last_notes,
            taxes: next.taxes,
        })
    }

    /// Voids a transaction, unless money has been received for it.
    pub(super) async fn void(&mut self, subject: &Subject<'_>, link: &Link) -> Result<Done, Ending> {
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

    fn intent(&self, subject: &Subject<'_>, entity: &Entity, generation: u32) -> Intent {
        let record = (subject.kind, &subject.id);
        let body = serde_json::to_string(entity).unwrap_or_default();
        Intent {
            kind: subject.kind,
            billing_id: subject.id.clone(),
            generation,
            request_id: fields::create_request_id(&self.books, record, generation, &subject.event.id, &body),
            body,
            at: self.ports.clock.now(),
            told_at: subject.own.then_some(subject.event.time),
            in_batch: self.together.is_some() && together::may_join(entity),
        }
    }

    pub(super) fn new_link(
        &self,
        subject: &Subject<'_>,
        row: &Entity,
        pushed: Fingerprints,
        matched_by: MatchedBy,
        generation: u32,
    ) -> Result<Link, Ending> {
        let Some(quickbooks_id) = row.id().and_then(|id| QuickBooksId::new(id).ok()) else {
            return Err(again("QuickBooks answered without the entity's id"));
        };
        let created = matches!(matched_by, MatchedBy::Created | MatchedBy::Recovered);
        let anew = (created && generation > 0)
            .then(|| format!("Its {} was deleted in QuickBooks, so it was created anew.", row.kind().name()));
        let credit = (matched_by == MatchedBy::Created).then(|| invoice::credit_applied(row)).flatten();
        let of_members = subject.about_members.values().filter(|_| created).cloned();
        let link = Link {
            kind: subject.kind,
            billing_id: subject.id.clone(),
            quickbooks_id,
            sync_token: String::new(),
            last_updated: String::new(),
            pushed,
            seen: Fingerprints::new(),
            billing_time: subject.time(),
            last_event: subject.event_id(),
            last_action: if created { DoneAction::Created } else { DoneAction::Linked },
            last_notes: anew
                .into_iter()
                .chain(subject.variance(row))
                .chain(credit)
                .chain(of_members)
                .collect(),
            taxes: subject.taxes(row),
            taxes_written: None,
            edited: BTreeMap::new(),
            matched_at: None,
            matched_by,
            generation,
            withdrawn: false,
            billing_seen: None,
            recreated: None,
            product_key: subject.product_key.clone(),
            attempt: None,
            pulled: None,
            revision: 1,
        };
        Ok(as_seen(&link, row))
    }

    pub(super) async fn store(&mut self, link: Link) -> Result<Link, Ending> {
        self.ports.ledger.link(&self.books, &link, None).await?;
        self.remember(&link);
        Ok(link)
    }
}

/// How often a create was sent before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sending {
    /// Never: what is known of this attempt is known of the create.
    First,
    /// At least once, and what became of that is not known.
    Again,
}

impl Sending {
    /// Whether a failure proves that the create has no effect. That this attempt did not get through says nothing of
    /// the one before; a refusal does, since QuickBooks would have repeated the answer to a success.
    fn came_to_nothing(self, failure: &Failure) -> bool {
        match (self, failure) {
            (_, Failure::Later { certain: false, .. }) => false,
            (Sending::First, _) => true,
            (Sending::Again, Failure::Later { .. } | Failure::Disconnected(_)) => false,
            (Sending::Again, _) => true,
        }
    }
}

/// The link of a withdrawn record.
pub(super) fn taken_back(link: Link) -> Link {
    let pushed = fields::withdrawn(fields::entity_kind(link.kind), &link.pushed);
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
