//! Records that are made of entities, and linked with those that are there.
//!
//! A create is preceded by a recorded intent, under a stand-in that the entity's id gives, with the record as it is to
//! be. If its answer is lost, or the worker dies, the next attempt finds the intent, looks for the record by what tells
//! it from others, and creates it only if it is not there and nobody can be at it any more.

use std::collections::BTreeMap;

use quickbooks_wire::Entity;
use serde::{Deserialize, Serialize};

use super::open::{Id, Pull, Told};
use super::plan;
use super::replace::replaced_by;
use super::write::{again, difference};
use crate::ids::{BillingId, EventId};
use crate::link::{Entry, Fingerprints, Intent, Link, LinkKey, MatchedBy, Pulled};
use crate::mapping::{fields, item};
use crate::model::{Kind, Record};
use crate::outcome::{DoneAction, Outcome, Park, ParkCause, Retry};
use crate::ports::{BillingError, BillingQuery, Stored};
use crate::push::batch::Ending;

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
pub(super) struct Begun {
    pub(super) record: Record,
    seen: Fingerprints,
    sync_token: String,
    last_updated: String,
    /// What a person is to know of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
    /// The record that it is to take the place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) replaces: Option<BillingId>,
}

impl Begun {
    pub(super) fn of(record: &Record, row: &Entity) -> Begun {
        Begun {
            notes: Vec::new(),
            record: record.clone(),
            replaces: None,
            seen: fields::fingerprints(row),
            sync_token: row.sync_token().unwrap_or_default().to_owned(),
            last_updated: row.last_updated_time().unwrap_or_default().to_owned(),
        }
    }

    /// The same for a record that is to take the place of another one.
    pub(super) fn in_place_of(self, old: &BillingId, notes: Vec<String>) -> Begun {
        Begun { replaces: Some(old.clone()), notes, ..self }
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

    pub(super) async fn begin(&mut self, cause: Cause<'_>, id: &Id, begun: &Begun) -> Result<Intent, Ending> {
        let billing_id = BillingId::of_entity(&id.1);
        let body = serde_json::to_string(begun).unwrap_or_default();
        let (event, at) = (cause.event(), self.ports.clock.now());
        // Each attempt has an identity of its own: giving up an earlier one must not take this one away.
        let generation = self.attempts.get(id).copied().unwrap_or(0);
        let attempt = format!("{at} {body}");
        let request_id =
            fields::create_request_id(&self.books, (id.0, &billing_id), generation, &event, &attempt);
        let (kind, told_at, bill, in_batch) = (id.0, None, None, false);
        let intent = Intent { kind, billing_id, generation, request_id, body, at, told_at, bill, in_batch };
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

    pub(super) async fn note(&self, record: &Record) {
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
    pub(super) fn wait_for_whoever_began(&self, intent: &Intent) -> Result<(), Ending> {
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
    pub(super) async fn made_before(&mut self, id: &Id, begun: &Begun) -> Result<Option<Stored>, Ending> {
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
    pub(super) async fn made(
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
        let action = match (&begun.replaces, created) {
            (Some(_), _) => DoneAction::RecordUpdated,
            (None, true) => DoneAction::RecordCreated,
            (None, false) => DoneAction::RecordLinked,
        };
        let replaced = begun.replaces.as_ref().map(|old| replaced_by(old, stored.record.id()));
        let is_replacement = replaced.is_some();
        let forward = self.forward(&stored.record).await?;
        let pushed = forward.as_ref().map(fields::fingerprints);
        let booked = match &begun.record {
            Record::Invoice(invoice) => Some(invoice.amount),
            _ => None,
        };
        let notes = begun.notes.iter().cloned().chain(replaced).chain(difference(stored, booked)).collect();
        // What has become of the entity since it was begun is followed next: the notice is carried out only then.
        let is_current = row.as_ref().is_some_and(|row| fields::fingerprints(row) == begun.seen);
        let notice = if is_current { cause.event() } else { EventId::of_dependency(cause.told.event) };
        let pulled = Pulled { notice, action, notes };
        if is_replacement {
            // Whatever comes next for the payment may end otherwise, and knows nothing of the old one.
            self.about.billing_id = Some(stored.record.id().clone());
            self.record(cause.told, &pulled, cause.told.time, &id.1).await?;
        }
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
            pulled: Some(pulled),
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

pub(super) fn product_key(record: &Record) -> Option<String> {
    match record {
        Record::Product(product) => Some(item::ledger_key(product)),
        Record::Client(_) | Record::Invoice(_) | Record::Payment(_) => None,
    }
}
