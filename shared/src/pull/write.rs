//! Records made and changed in the billing app, each in an order that survives being cut short anywhere.
//!
//! A create is preceded by a recorded intent, under a stand-in that the entity's id gives, with the record as it is to
//! be. If its answer is lost, or the worker dies, the next attempt finds the intent, looks for the record by what tells
//! it from others, and creates it only if it is not there and nobody can be at it any more.

use std::collections::BTreeMap;

use jiff::Timestamp;
use quickbooks_wire::Entity;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::open::{Id, Pull, Told};
use super::plan;
use crate::ids::{BillingId, EventId};
use crate::link::{Entry, Fingerprints, Intent, Link, LinkKey, MatchedBy, Pulled};
use crate::mapping::tax_answer::{self, TaxAnswer};
use crate::mapping::{fields, item};
use crate::model::{Kind, Payment, Record};
use crate::outcome::{Done, DoneAction, Outcome, Park, ParkCause, Retry, SkipReason, variance};
use crate::ports::{BillingError, BillingQuery, Stored};
use crate::push::batch::Ending;

/// What the numbers of payments begin with that a pull makes.
pub(super) const PAYMENT: &str = "QB-";

/// How often a create is begun whose answer is lost each time.
const ATTEMPTS: u32 = 4;

/// For whose sake something is made: the notice's own entity, or another one that it refers to.
#[derive(Clone, Copy)]
pub(super) struct Cause<'n> {
    pub(super) told: Told<'n>,
    pub(super) own: bool,
}

impl Cause<'_> {
    /// The event that a link is made by. A dependency's is nobody's own, so that its own notices are never taken for
    /// repetitions.
    fn event(&self) -> EventId {
        if self.own { self.told.event.clone() } else { EventId::of_dependency(self.told.event) }
    }
}

/// What is recorded before a record is created.
#[derive(Serialize, Deserialize)]
struct Begun {
    record: Record,
    seen: Fingerprints,
    sync_token: String,
    last_updated: String,
    /// What a person is to know of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
    /// The record that it is to take the place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replaces: Option<BillingId>,
}

impl Begun {
    fn of(record: &Record, row: &Entity) -> Begun {
        Begun {
            notes: Vec::new(),
            record: record.clone(),
            replaces: None,
            seen: fields::fingerprints(row),
            sync_token: row.sync_token().unwrap_or_default().to_owned(),
            last_updated: row.last_updated_time().unwrap_or_default().to_owned(),
        }
    }
}

impl Pull<'_> {
    /// Creates the record that stands for an entity. `notes` is what a person is to know of it.
    pub(super) async fn create(
        &mut self,
        cause: Cause<'_>,
        id: &Id,
        record: &Record,
        row: &Entity,
        notes: Vec<String>,
    ) -> Result<Link, Ending> {
        let begun = Begun { notes, ..Begun::of(record, row) };
        let intent = self.begin(cause, id, &begun).await?;
        if self.ports.ledger.billing_id(&self.books, id.0, &id.1).await?.is_some() {
            // Somebody else has come to an end between the look at the ledger and the intent, which keeps all others out.
            self.ports.ledger.abandon(&self.books, &intent).await?;
            return Err(again("it was brought over in between"));
        }
        let stored = self.send_create(&intent, record).await?;
        self.made(cause, id, &begun, &stored, MatchedBy::Created, Some(&BillingId::of_entity(&id.1))).await
    }

    async fn begin(&mut self, cause: Cause<'_>, id: &Id, begun: &Begun) -> Result<Intent, Ending> {
        let billing_id = BillingId::of_entity(&id.1);
        let body = serde_json::to_string(begun).unwrap_or_default();
        let (event, at) = (cause.event(), self.ports.clock.now());
        // Each attempt has an identity of its own: giving up an earlier one must not take this one away.
        let generation = self.attempts.get(id).copied().unwrap_or(0);
        let attempt = format!("{at} {body}");
        let request_id =
            fields::create_request_id(&self.books, (id.0, &billing_id), generation, &event, &attempt);
        let (kind, told_at, in_batch) = (id.0, None, false);
        let intent = Intent { kind, billing_id, generation, request_id, body, at, told_at, in_batch };
        match self.ports.ledger.begin(&self.books, &intent).await? {
            None => Ok(intent),
            Some(_) => Err(again("somebody else began to bring it over in between")),
        }
    }

    async fn send_create(&mut self, intent: &Intent, record: &Record) -> Result<Stored, Ending> {
        self.note(record).await;
        match self.ports.billing.create(&self.books.company, record).await {
            Ok(stored) => Ok(stored),
            Err(error) => {
                if !matches!(error, BillingError::Unknown(_) | BillingError::Store(_)) {
                    self.ports.ledger.abandon(&self.books, intent).await?;
                }
                Err(error.into())
            }
        }
    }

    async fn note(&self, record: &Record) {
        if let Some(register) = self.register {
            register.note(record).await;
        }
    }

    /// Finishes a create that was begun before: links what it made, if it made something; else the record is to be
    /// created anew, once nobody can be at it any more.
    pub(super) async fn resume(&mut self, cause: Cause<'_>, id: &Id) -> Result<Option<Link>, Ending> {
        let Some(intent) = self.pending.get(id).cloned() else { return Ok(None) };
        if let Ok(begun) = serde_json::from_str::<Begun>(&intent.body) {
            if let Some(stored) = self.made_before(id, &begun).await? {
                let stand_in = Some(&intent.billing_id);
                let by = self.made_by(&begun, &stored).await?;
                let begun = match self.rows.get(id) {
                    Some(Some(row)) if by != MatchedBy::Recovered => Begun::of(&stored.record, row),
                    _ => begun,
                };
                return self.made(cause, id, &begun, &stored, by, stand_in).await.map(Some);
            }
            self.wait_for_whoever_began(&intent)?;
        }
        self.ports.ledger.abandon(&self.books, &intent).await?;
        self.pending.remove(id);
        self.attempts.insert(id.clone(), intent.generation + 1);
        Ok(None)
    }

    /// Ends what is done for now if an intent that has come to nothing yet may be under way: its create, repeated,
    /// would make a second record. What never comes to anything waits for a person, and holds nothing else up.
    fn wait_for_whoever_began(&self, intent: &Intent) -> Result<(), Ending> {
        let Some(left) = intent.under_way(self.ports.clock.now()) else { return Ok(()) };
        if intent.generation + 1 < ATTEMPTS {
            let reason = "it may be being brought over by somebody else just now".to_owned();
            return Err(Box::new(Outcome::Retry(Retry { reason, after: Some(left) })));
        }
        Err(Park::new(
            ParkCause::BillingApp,
            format!("It was begun {ATTEMPTS} times, and what became of it in the billing app is not known."),
            "Look what the billing app says of it, then retry: what is there by then is found.",
        )
        .into())
    }

    /// How a record that was found after a create was cut short came to be: as that create's result, as far as it says
    /// just that. What says something else a person has made, or changed since, so that it is linked like any match.
    async fn made_by(&mut self, begun: &Begun, stored: &Stored) -> Result<MatchedBy, Ending> {
        let sent = self.forward(&begun.record).await?.as_ref().map(fields::fingerprints);
        let found = self.forward(&stored.record).await?.as_ref().map(fields::fingerprints);
        Ok(match begun.record.kind() {
            _ if sent.is_some() && sent == found => MatchedBy::Recovered,
            Kind::Product => MatchedBy::Key,
            Kind::Client | Kind::Invoice | Kind::Payment => MatchedBy::Name,
        })
    }

    /// The record that an earlier attempt made.
    async fn made_before(&mut self, id: &Id, begun: &Begun) -> Result<Option<Stored>, Ending> {
        let wanted = match &begun.record {
            Record::Client(client) => BillingQuery::ClientNamed(client.name.clone()),
            Record::Product(product) => BillingQuery::ProductKeyed(product.key.clone()),
            Record::Invoice(invoice) => BillingQuery::InvoiceNumbered(invoice.number.clone()),
            Record::Payment(payment) => BillingQuery::PaymentNumbered(payment.number.clone()),
        };
        let found = self.ports.billing.find(&self.books.company, &wanted).await?;
        let mut alike = self.free(id, found).await?;
        alike.retain(|stored| is_alike(&stored.record, &begun.record));
        match alike.len() {
            0 | 1 => Ok(alike.pop()),
            _ => Err(Park::new(
                ParkCause::Ambiguous,
                format!(
                    "An earlier attempt was cut short, and more than one {} of the billing app could be its result.",
                    id.0
                ),
                "Link the entity to the right one by hand, then retry.",
            )
            .into()),
        }
    }

    /// Those records that are nobody's counterpart. One that is being pushed just now is worth waiting for: it may be this
    /// very entity's. One that is this entity's by now was made in between.
    pub(super) async fn free(&mut self, id: &Id, found: Vec<Stored>) -> Result<Vec<Stored>, Ending> {
        let key = |stored: &Stored| LinkKey::Billing(id.0, stored.record.id().clone());
        let keys: Vec<LinkKey> = found.iter().map(key).collect();
        let entries = self.ports.ledger.entries(&self.books, &keys).await?;
        let mut free = Vec::new();
        for stored in found {
            match entries.get(&key(&stored)) {
                Some(Entry::Linked(link)) if link.quickbooks_id != id.1 => {}
                Some(Entry::Linked(_)) => return Err(again("it was brought over in between")),
                Some(Entry::Pending(intent)) => return Err(self.on_its_way(intent)),
                None => free.push(stored),
            }
        }
        Ok(free)
    }

    /// Links an entity with a record that was made of it, or was there.
    async fn made(
        &mut self,
        cause: Cause<'_>,
        id: &Id,
        begun: &Begun,
        stored: &Stored,
        matched_by: MatchedBy,
        replacing: Option<&BillingId>,
    ) -> Result<Link, Ending> {
        let row = self.rows.get(id).cloned().flatten();
        let created = matches!(matched_by, MatchedBy::Created | MatchedBy::Recovered);
        let action = if created { DoneAction::RecordCreated } else { DoneAction::RecordLinked };
        let forward = self.forward(&stored.record).await?;
        let pushed = forward.as_ref().map(fields::fingerprints);
        let booked = match &begun.record {
            Record::Invoice(invoice) => Some(invoice.amount),
            _ => None,
        };
        let notes: Vec<String> = begun.notes.iter().cloned().chain(difference(stored, booked)).collect();
        // What has become of the entity since it was begun is followed next: the notice is carried out only then.
        let is_current = row.as_ref().is_some_and(|row| fields::fingerprints(row) == begun.seen);
        let notice = if is_current { cause.event() } else { EventId::of_dependency(cause.told.event) };
        let link = Link {
            kind: id.0,
            billing_id: stored.record.id().clone(),
            quickbooks_id: id.1.clone(),
            sync_token: begun.sync_token.clone(),
            last_updated: begun.last_updated.clone(),
            pushed: pushed.unwrap_or_default(),
            seen: begun.seen.clone(),
            billing_time: stored.updated_at,
            last_event: EventId::of_dependency(cause.told.event),
            last_action: action,
            last_notes: Vec::new(),
            taxes: None,
            taxes_written: None,
            edited: BTreeMap::new(),
            matched_at: None,
            matched_by,
            generation: 0,
            withdrawn: false,
            billing_seen: None,
            recreated: None,
            attempt: None,
            product_key: product_key(&stored.record),
            pulled: Some(Pulled { notice, action, notes }),
            revision: 1,
        };
        let link = match (&forward, &row) {
            (Some(ours), Some(row)) if !created => {
                let edited = crate::plan::differences(ours, row);
                if cause.own {
                    let names: Vec<String> = edited.keys().cloned().collect();
                    self.about.differences = plan::differences(Some(ours), row, &names, false);
                }
                let matched_at = row.last_updated_time().and_then(|time| time.parse().ok());
                Link { edited, matched_at, ..link }
            }
            _ => link,
        };
        self.ports.ledger.link(&self.books, &link, replacing).await?;
        self.remember(&link);
        Ok(link)
    }

    /// Links an entity with a record that is there already. Nothing is written to either.
    pub(super) async fn adopt(
        &mut self,
        cause: Cause<'_>,
        id: &Id,
        stored: &Stored,
        row: &Entity,
        by: MatchedBy,
    ) -> Result<Link, Ending> {
        let begun = Begun::of(&stored.record, row);
        self.made(cause, id, &begun, stored, by, None).await
    }

    /// Brings a linked record in step with its entity.
    pub(super) async fn follow(&mut self, told: Told<'_>, link: Link, row: &Entity) -> Result<Done, Ending> {
        let id = (link.kind, link.quickbooks_id.clone());
        if matches!(row, Entity::Customer(customer) if customer.active == Some(false))
            || matches!(row, Entity::Item(item) if item.active == Some(false))
        {
            return Err(SkipReason::Inactive(link.kind).into());
        }
        self.forget_done_replacement(&link).await?;
        let mut names = plan::changed(&link, row);
        names.retain(|name| !fields::is_custom_field(name) || self.company.settings.stands_for_a_field(name));
        if names.is_empty() && !self.pending.contains_key(&id) {
            if link.was_linked_untold() {
                return self.tell_link(told, link, row).await;
            }
            self.touch(&link, row).await?;
            return Err(SkipReason::NothingNew.into());
        }
        if link.billing_id.is_stand_in() {
            return Err(SkipReason::NoProduct.into());
        }
        if link.withdrawn {
            return Err(conflict(&link, "was withdrawn").into());
        }
        if self.pending.contains_key(&id) {
            return self.finish_replacement(told, &link, row).await;
        }
        let fetched = self.ports.billing.fetch(&self.books.company, link.kind, &link.billing_id).await?;
        let before = match fetched {
            None => return Err(not_there(&link).into()),
            Some(stored) if stored.deleted => return Err(conflict(&link, "was deleted").into()),
            Some(stored) => stored,
        };
        let ours = self.forward(&before.record).await?;
        let merge = plan::merge(&link, &names, ours.as_ref(), row, before.updated_at);
        self.about.differences = plan::differences(ours.as_ref(), row, &merge.take, true);
        self.about.differences.extend(plan::differences(ours.as_ref(), row, &merge.keep, false));
        let after = self.back(told, &before.record, ours.as_ref(), row, &merge.take).await?;
        let to_be = if after == before.record { ours.clone() } else { self.forward(&after).await? };
        let sides = [ours.as_ref(), to_be.as_ref()];
        let written = if after == before.record {
            before.clone()
        } else {
            self.note(&after).await;
            match self.ports.billing.update(&self.books.company, &before.record, &after).await {
                Ok(stored) => stored,
                Err(BillingError::Refused(reason)) => match (&before.record, &after) {
                    (Record::Payment(old), Record::Payment(new)) if is_other_money(old, new) => {
                        let notes = notes_of(&merge);
                        return self.replace(told, &link, new, row, notes).await;
                    }
                    _ => return Err(BillingError::Refused(reason).into()),
                },
                Err(error) => return Err(error.into()),
            }
        };
        let changed = written.record != before.record;
        let mut notes: Vec<String> = link.told_of_linking().into_iter().chain(notes_of(&merge)).collect();
        let booked = match row {
            Entity::Invoice(invoice) => invoice.total_amt,
            _ => None,
        };
        notes.extend(difference(&written, booked));
        if !changed && merge.notes.is_empty() {
            let next = self.in_step(&link, &merge, sides, &written, row).await?;
            self.store(next).await?;
            return Err(SkipReason::NothingNew.into());
        }
        if !changed {
            notes = link.told_of_linking().into_iter().chain(merge.notes.iter().cloned()).collect();
        }
        let action = DoneAction::RecordUpdated;
        let next = self.in_step(&link, &merge, sides, &written, row).await?;
        let pulled = Pulled { notice: told.event.clone(), action, notes: notes.clone() };
        self.store(Link { pulled: Some(pulled), ..next }).await?;
        Ok(Done { action, quickbooks_id: id.1, notes, taxes: None })
    }

    /// Tells that an entity was linked before, for another one's sake.
    async fn tell_link(&mut self, told: Told<'_>, link: Link, row: &Entity) -> Result<Done, Ending> {
        let (action, quickbooks_id) = (DoneAction::RecordLinked, link.quickbooks_id.clone());
        let pulled = Pulled { notice: told.event.clone(), action, notes: Vec::new() };
        self.store(Link { pulled: Some(pulled), ..as_seen(&link, row) }).await?;
        Ok(Done { action, quickbooks_id, notes: Vec::new(), taxes: None })
    }

    /// The link once the record holds what was taken. `sides` are the record as it was read and as it was to be.
    async fn in_step(
        &mut self,
        link: &Link,
        merge: &plan::Merge,
        sides: [Option<&Entity>; 2],
        written: &Stored,
        row: &Entity,
    ) -> Result<Link, Ending> {
        let after = self.forward(&written.record).await?;
        let mut next = as_seen(link, row);
        (next.taxes, next.taxes_written) = self.known_taxes(&written.record, after.as_ref(), row);
        if let Some(after) = &after {
            next.pushed = plan::pushed(&link.pushed, &merge.take, sides, after);
            plan::agree(&mut next.pushed, &plan::changed(link, row), after, row);
        }
        let unsynced = match &after {
            Some(after) => !plan::edited(&next, after).is_empty(),
            // What cannot be mapped yet may have been edited.
            None => written.updated_at > link.billing_time,
        };
        let theirs_at: Option<Timestamp> = row.last_updated_time().and_then(|time| time.parse().ok());
        for name in link.not_brought_over().chain(&merge.take) {
            next.edited.remove(name);
        }
        let kept = merge.keep.iter().map(|name| (name.clone(), theirs_at.unwrap_or(Timestamp::MAX)));
        next.edited.extend(kept);
        // While edits of the billing app are on their way, their events must not undo what was taken.
        next.billing_seen = next.billing_seen.max(Some(written.updated_at));
        if !unsynced {
            next.billing_time = next.billing_time.max(written.updated_at);
        }
        next.product_key = product_key(&written.record).or(next.product_key);
        Ok(next)
    }

    /// What the link knows of an invoice's taxes, which QuickBooks works out and the billing app has by now.
    fn known_taxes(
        &self,
        record: &Record,
        sent: Option<&Entity>,
        row: &Entity,
    ) -> (Option<Box<TaxAnswer>>, Option<String>) {
        let (Record::Invoice(bill), Some(taxes)) = (record, self.taxes(record, sent, row)) else {
            return (None, None);
        };
        (Some(Box::new(taxes)), Some(tax_answer::digest(bill)))
    }

    /// Notes the entity's version, when nothing else of it is new.
    pub(super) async fn touch(&mut self, link: &Link, row: &Entity) -> Result<(), Ending> {
        if row.sync_token() == Some(link.sync_token.as_str()) {
            return Ok(());
        }
        self.store(as_seen(link, row)).await
    }

    /// Stores the next state of a link.
    pub(super) async fn store(&mut self, next: Link) -> Result<(), Ending> {
        let next = Link { revision: next.revision + 1, ..next };
        self.ports.ledger.refresh(&self.books, &next).await?;
        self.remember(&next);
        Ok(())
    }

    /// Replaces a payment whose money the billing app does not let be moved: the old one is deleted, and a new one
    /// takes its place and its link.
    async fn replace(
        &mut self,
        told: Told<'_>,
        link: &Link,
        new: &Payment,
        row: &Entity,
        notes: Vec<String>,
    ) -> Result<Done, Ending> {
        let id = (link.kind, link.quickbooks_id.clone());
        // A number that the old one does not hold.
        let number = format!("{}-{}", number_of_payment(&id), row.sync_token().unwrap_or_default());
        let record = Record::Payment(Box::new(Payment { number, ..new.clone() }));
        let begun = Begun { replaces: Some(link.billing_id.clone()), ..Begun::of(&record, row) };
        let intent = self.begin(Cause { told, own: true }, &id, &begun).await?;
        self.pending.insert(id, intent.clone());
        let mut done = self.replace_with(told, link, row, &intent, &begun).await?;
        done.notes.splice(..0, notes);
        Ok(done)
    }

    /// Forgets the intent of a replacement whose new payment is linked already: the worker died before it could.
    pub(super) async fn forget_done_replacement(&mut self, link: &Link) -> Result<(), Ending> {
        let id = (link.kind, link.quickbooks_id.clone());
        let is_done = |intent: &Intent| {
            serde_json::from_str::<Begun>(&intent.body)
                .is_ok_and(|begun| begun.replaces.as_ref() != Some(&link.billing_id))
        };
        match self.pending.get(&id).filter(|intent| is_done(intent)).cloned() {
            Some(intent) => {
                self.pending.remove(&id);
                Ok(self.ports.ledger.abandon(&self.books, &intent).await?)
            }
            None => Ok(()),
        }
    }

    /// Takes back a replacement that was begun, since its entity is gone: what it has made already is deleted.
    pub(super) async fn take_back_replacement(&mut self, link: &Link) -> Result<(), Ending> {
        self.forget_done_replacement(link).await?;
        let id = (link.kind, link.quickbooks_id.clone());
        let Some(intent) = self.pending.get(&id).cloned() else { return Ok(()) };
        if let Ok(begun) = serde_json::from_str::<Begun>(&intent.body) {
            match self.made_before(&id, &begun).await? {
                Some(made) => {
                    self.ports.billing.delete(&self.books.company, link.kind, made.record.id()).await?;
                }
                None => self.wait_for_whoever_began(&intent)?,
            }
        }
        self.pending.remove(&id);
        Ok(self.ports.ledger.abandon(&self.books, &intent).await?)
    }

    /// Goes on with a replacement that was begun before.
    async fn finish_replacement(
        &mut self,
        told: Told<'_>,
        link: &Link,
        row: &Entity,
    ) -> Result<Done, Ending> {
        let id = (link.kind, link.quickbooks_id.clone());
        let Some(intent) = self.pending.get(&id).cloned() else {
            return Err(again("the replacement of a payment is lost sight of"));
        };
        let Ok(begun) = serde_json::from_str::<Begun>(&intent.body) else {
            return Err(again("the recorded intent cannot be read"));
        };
        if self.made_before(&id, &begun).await?.is_some() {
            return self.replace_with(told, link, row, &intent, &begun).await;
        }
        self.wait_for_whoever_began(&intent)?;
        let next = intent.taken_over(&self.books, told.event, self.ports.clock.now());
        self.ports.ledger.take_over(&self.books, &intent, &next).await?;
        self.pending.insert(id, next.clone());
        self.replace_with(told, link, row, &next, &begun).await
    }

    async fn replace_with(
        &mut self,
        told: Told<'_>,
        link: &Link,
        row: &Entity,
        intent: &Intent,
        begun: &Begun,
    ) -> Result<Done, Ending> {
        let id = (link.kind, link.quickbooks_id.clone());
        let cause = Cause { told, own: true };
        // What the app has yet to tell of the old one, told late, must not make it in QuickBooks once more.
        let now = self.ports.clock.now();
        self.ports.ledger.note_withdrawal(&self.books, link.kind, &link.billing_id, now).await?;
        self.ports.billing.delete(&self.books.company, link.kind, &link.billing_id).await?;
        let stored = match self.made_before(&id, begun).await? {
            Some(stored) => stored,
            // The old one is gone: the intent stays until the new one is there.
            None => self.ports.billing.create(&self.books.company, &begun.record).await?,
        };
        let replacing = Some(&link.billing_id);
        let made = self.made(cause, &id, begun, &stored, MatchedBy::Created, replacing).await?;
        self.ports.ledger.abandon(&self.books, intent).await?;
        self.about.billing_id = Some(made.billing_id.clone());
        let note = format!("Payment {} was replaced by {}.", link.billing_id, made.billing_id);
        let action = DoneAction::RecordUpdated;
        let pulled = Pulled { notice: told.event.clone(), action, notes: vec![note.clone()] };
        self.store(Link { pulled: Some(pulled), ..made.clone() }).await?;
        // What has changed since the replacement was begun comes with the next notice, or now.
        if !plan::changed(&made, row).is_empty() {
            return Err(again("the payment changed once more in QuickBooks"));
        }
        Ok(Done { action, quickbooks_id: id.1, notes: vec![note], taxes: None })
    }
}

/// The number that a payment gets in the billing app, by which it is found again.
pub(super) fn number_of_payment((_, id): &Id) -> String {
    format!("{PAYMENT}{id}")
}

/// What is told of a change.
fn notes_of(merge: &plan::Merge) -> Vec<String> {
    let changed = (!merge.take.is_empty()).then(|| plan::in_words(&merge.take));
    changed.into_iter().chain(merge.notes.iter().cloned()).collect()
}

/// Totals that do not agree (R48, D15).
fn difference(stored: &Stored, booked: Option<Decimal>) -> Option<String> {
    let Record::Invoice(billed) = &stored.record else { return None };
    let booked = booked?;
    let differ = (billed.amount - booked).abs() > Decimal::new(1, 2);
    differ.then(|| variance(billed.amount, booked))
}

fn is_other_money(old: &Payment, new: &Payment) -> bool {
    old.amount != new.amount || old.allocations != new.allocations || old.client_id != new.client_id
}

fn is_alike(found: &Record, begun: &Record) -> bool {
    match (found, begun) {
        (Record::Invoice(found), Record::Invoice(begun)) => {
            found.client_id == begun.client_id && found.date == begun.date
        }
        (Record::Payment(found), Record::Payment(begun)) => {
            found.client_id == begun.client_id && found.amount == begun.amount
        }
        _ => true,
    }
}

fn product_key(record: &Record) -> Option<String> {
    match record {
        Record::Product(product) => Some(item::ledger_key(product)),
        Record::Client(_) | Record::Invoice(_) | Record::Payment(_) => None,
    }
}

/// The link with the entity's version and fields as QuickBooks has them now.
pub(super) fn as_seen(link: &Link, row: &Entity) -> Link {
    Link {
        sync_token: row.sync_token().unwrap_or_default().to_owned(),
        last_updated: row.last_updated_time().unwrap_or_default().to_owned(),
        seen: fields::fingerprints(row),
        ..link.clone()
    }
}

pub(super) fn again(reason: &str) -> Ending {
    Box::new(Outcome::Retry(Retry { reason: reason.to_owned(), after: None }))
}

fn conflict(link: &Link, what: &str) -> Park {
    Park::new(
        ParkCause::Conflict,
        format!(
            "The {} {} {what} in the billing app, and has been changed in QuickBooks since.",
            link.kind, link.billing_id
        ),
        "Restore it in the billing app and retry, or take it back in QuickBooks and ignore this entry.",
    )
}

fn not_there(link: &Link) -> Park {
    Park::new(
        ParkCause::MissingRecord,
        format!("The billing app does not have {} {} to give.", link.kind, link.billing_id),
        "Restore the record, or let Counterpart ask the billing app (its address and token); then retry.",
    )
}

impl Pull<'_> {
    /// What a push that was begun means for a notice: it is worth waiting for, unless nobody goes on with it.
    fn on_its_way(&self, intent: &Intent) -> Ending {
        if !intent.is_stale(self.ports.clock.now()) {
            return again("its counterpart may be on its way to QuickBooks");
        }
        Park::new(
            ParkCause::Ambiguous,
            format!(
                "It may have been made for the {} {}, whose push was cut short.",
                intent.kind, intent.billing_id
            ),
            format!("Save the {} once in the billing app, or an invoice with it, then retry.", intent.kind),
        )
        .into()
    }

    /// Whether a product is being pushed for lines that name only its key.
    pub(super) async fn wait_for_key(&mut self, key: &str) -> Result<(), Ending> {
        let stand_in = LinkKey::Billing(Kind::Product, BillingId::of_product_key(key));
        let entries = self.ports.ledger.entries(&self.books, std::slice::from_ref(&stand_in)).await?;
        match entries.get(&stand_in) {
            Some(Entry::Pending(intent)) => Err(self.on_its_way(intent)),
            _ => Ok(()),
        }
    }
}
