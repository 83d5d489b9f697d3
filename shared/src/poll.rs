//! Finding what the billing app's webhooks did not tell: they are sent once, and some changes send none.
//!
//! A cursor for each company and kind remembers how far the app's list of changes was read, by the app's clock. It
//! moves only when what was found is on the push queue, and stays a little behind, for changes that show up late;
//! what was sent from there already is remembered and not sent again.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::billing_app::{BillingApp, InvoiceNinja};
use crate::event::{EntityEvent, Verb};
use crate::ids::{BillingId, Books, CompanyId, EventId};
use crate::link::{Entry, LinkKey};
use crate::model::{InvoiceStatus, Kind, PaymentStatus, Record};
use crate::plan;
use crate::ports::{Billing, BillingError, Companies, Ledger, Page, PushQueue, StoreError, Stored};
use crate::settings::Company;

/// How far a cursor stays behind the newest change that was read.
pub const OVERLAP: SignedDuration = SignedDuration::from_mins(2);
/// How many events go into one message, so that a batch of calls to QuickBooks is filled.
const EVENTS_PER_MESSAGE: usize = 30;
/// The longest message, in bytes, with room to the queue's limit (AWS: SQS quotas, 1 MiB).
const MESSAGE: usize = 512 * 1024;
/// How many pages one run reads of a kind; the next run goes on there.
const PAGES: usize = 50;

/// How far a company's records of one kind were read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cursor {
    /// Which app it belongs to: [`InvoiceNinja::since`].
    pub begun: Timestamp,
    /// Changes from here on are read next.
    pub since: Timestamp,
    /// What was sent of those already.
    pub sent: BTreeMap<BillingId, Sent>,
}

/// What was sent of a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// The moment of its change.
    pub at: Timestamp,
    /// A short digest of what it was then: within one second the app may change a record again (Invoice Ninja API:
    /// `updated_at`). None if it could not be read.
    pub state: Option<String>,
}

/// Where cursors are kept.
#[async_trait]
pub trait Cursors: Send + Sync {
    /// A company's cursor for a kind, if it was polled before.
    async fn cursor(&self, company: &CompanyId, kind: Kind) -> Result<Option<Cursor>, StoreError>;

    /// Stores a cursor in place of the one before.
    async fn save_cursor(&self, company: &CompanyId, kind: Kind, cursor: &Cursor) -> Result<(), StoreError>;
}

/// What a poll works with.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// Tenants.
    pub companies: &'a dyn Companies,
    /// The billing app.
    pub billing: &'a dyn Billing,
    /// What is linked.
    pub ledger: &'a dyn Ledger,
    /// Where events go.
    pub queue: &'a dyn PushQueue,
    /// How far it came.
    pub cursors: &'a dyn Cursors,
}

/// Why a poll ended early. What was read before is on the queue, and the next poll goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum PollError {
    /// The billing app did not answer as it should.
    #[error(transparent)]
    App(#[from] BillingError),
    /// A store or the queue failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Sends an event for each record that changed since the last poll and that QuickBooks may not know of yet. Tells how
/// many were sent.
///
/// Only kinds that push are read, and only while the company is connected: the cursor waits, and nothing is lost.
///
/// # Errors
/// As [`PollError`] says.
pub async fn poll(ports: Ports<'_>, company: &CompanyId) -> Result<usize, PollError> {
    let Some(company) = ports.companies.load(company).await? else { return Ok(0) };
    let (BillingApp::InvoiceNinja(app), Some(books)) = (&company.billing, company.books()) else {
        return Ok(0);
    };
    let mut sent = 0;
    for kind in Kind::ALL {
        if plan::gate(&company, kind).is_none() {
            sent += Poll { ports, company: &company, books: &books, app, kind }.run().await?;
        }
    }
    Ok(sent)
}

/// The poll of one kind.
struct Poll<'a> {
    ports: Ports<'a>,
    company: &'a Company,
    books: &'a Books,
    app: &'a InvoiceNinja,
    kind: Kind,
}

impl Poll<'_> {
    async fn run(&self) -> Result<usize, PollError> {
        let stored = self.ports.cursors.cursor(&self.company.id, self.kind).await?;
        let begin = stored.filter(|cursor| cursor.begun == self.app.since).unwrap_or_else(|| Cursor {
            begun: self.app.since,
            since: self.app.since,
            sent: BTreeMap::new(),
        });
        let mut cursor = begin.clone();
        let (mut next, mut newest, mut in_order, mut sent) = (None, begin.since, true, 0);
        for page in 0.. {
            // Of pages that come in no order, none may be forgotten before all were read.
            if page >= PAGES && in_order {
                break;
            }
            let billing = self.ports.billing;
            let page =
                billing.changed_since(&self.company.id, self.kind, begin.since, next.as_deref()).await?;
            let changed = changed(&page);
            sent += self.send(&news(&cursor, &changed)).await?;
            for change in &changed {
                in_order &= change.at >= newest;
                newest = newest.max(change.at);
            }
            cursor = advance(&cursor, &changed);
            next = page.next;
            if in_order || next.is_none() {
                self.ports.cursors.save_cursor(&self.company.id, self.kind, &trimmed(&cursor)).await?;
            }
            if next.is_none() {
                break;
            }
        }
        Ok(sent)
    }

    /// Sends what QuickBooks may not know of, and tells how many events that were.
    async fn send(&self, news: &[&Change<'_>]) -> Result<usize, PollError> {
        let keys: Vec<LinkKey> =
            news.iter().map(|change| LinkKey::Billing(self.kind, change.id.clone())).collect();
        let entries = match keys[..] {
            [] => HashMap::new(),
            _ => self.ports.ledger.entries(self.books, &keys).await?,
        };
        let events: Vec<EntityEvent> =
            news.iter().zip(&keys).filter_map(|(change, key)| self.event(change, entries.get(key))).collect();
        for (id, body) in messages(&events, &self.app.url)? {
            self.ports.queue.send(&self.company.id, &id, &body).await?;
        }
        Ok(events.len())
    }

    fn event(&self, change: &Change<'_>, entry: Option<&Entry>) -> Option<EntityEvent> {
        let company = &self.company.id;
        let Some(stored) = change.stored else {
            // It is fetched when the event is carried out, and what keeps it from being read is told then.
            let content = change.at.to_string();
            let what = (self.kind, Verb::Updated);
            return Some(EntityEvent::of_content(
                company,
                what,
                change.id.clone(),
                change.at,
                content.as_bytes(),
            ));
        };
        let event = |verb| EntityEvent::of_state(company, verb, stored);
        verb(stored, entry, self.app).map(event).filter(|_| !was_told(stored, entry, event))
    }
}

/// A record that changed, and what it is now if it could be read.
struct Change<'a> {
    id: &'a BillingId,
    at: Timestamp,
    stored: Option<&'a Stored>,
}

impl Change<'_> {
    fn state(&self) -> Option<String> {
        let Stored { record, deleted, .. } = self.stored?;
        let content = serde_json::to_vec(&(record, deleted)).ok()?;
        let digest = Sha256::digest(content);
        Some(digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect())
    }
}

/// What a page tells, oldest first.
fn changed(page: &Page) -> Vec<Change<'_>> {
    let read = page.records.iter().map(|stored| Change {
        id: stored.record.id(),
        at: stored.updated_at,
        stored: Some(stored),
    });
    let unread = page.unread.iter().map(|(id, at)| Change { id, at: *at, stored: None });
    let mut changed: Vec<Change<'_>> = read.chain(unread).collect();
    if !page.unread.is_empty() {
        changed.sort_by_key(|change| change.at);
    }
    changed
}

/// What of it was not sent in this state.
fn news<'a>(cursor: &Cursor, changed: &'a [Change<'a>]) -> Vec<&'a Change<'a>> {
    let is_new = |change: &&Change<'_>| {
        let is_later =
            |before: &Sent| before.at < change.at || before.at == change.at && before.state != change.state();
        change.at >= cursor.begun && cursor.sent.get(change.id).is_none_or(is_later)
    };
    changed.iter().filter(is_new).collect()
}

/// The cursor after a page.
fn advance(cursor: &Cursor, changed: &[Change<'_>]) -> Cursor {
    let newest = changed.iter().map(|change| change.at).max().unwrap_or(cursor.since);
    let since = newest.checked_sub(OVERLAP).unwrap_or(newest).max(cursor.since);
    let mut sent = cursor.sent.clone();
    for change in changed {
        if sent.get(change.id).is_none_or(|before| before.at <= change.at) {
            sent.insert(change.id.clone(), Sent { at: change.at, state: change.state() });
        }
    }
    Cursor { begun: cursor.begun, since, sent }
}

/// The cursor without what lies behind it.
fn trimmed(cursor: &Cursor) -> Cursor {
    let mut trimmed = cursor.clone();
    trimmed.sent.retain(|_, sent| sent.at >= cursor.since);
    trimmed
}

/// What to tell about a record; nothing when QuickBooks knows it, or when nobody has edited it.
fn verb(stored: &Stored, entry: Option<&Entry>, app: &InvoiceNinja) -> Option<Verb> {
    let link = match entry {
        Some(Entry::Linked(link)) => Some(link),
        // Its create was cut short; what it is now is to be told.
        Some(Entry::Pending(_)) => return Some(if stored.deleted { Verb::Deleted } else { Verb::Updated }),
        None => None,
    };
    match (stored.deleted, link) {
        // An event of what it was before may be on its way, and would make it yet.
        (true, None) => Some(Verb::Deleted),
        // The same of what may be about to bring it back.
        (true, Some(link)) => {
            (!link.withdrawn || link.billing_time < stored.updated_at).then_some(Verb::Deleted)
        }
        (false, Some(link)) if link.withdrawn && is_live(&stored.record) => {
            (link.billing_time <= stored.updated_at).then_some(Verb::Restored)
        }
        (false, Some(link)) if link.withdrawn => {
            (link.billing_time < stored.updated_at).then_some(Verb::Updated)
        }
        (false, Some(link)) if link.billing_time > stored.updated_at => None,
        // The app copies prices from invoice lines to products and tells nobody; what a person edits, it tells.
        (false, Some(link)) if stored.record.kind() == Kind::Product && app.updates_products => {
            link.awaits_its_own_event().then_some(Verb::Updated)
        }
        (false, _) => Some(Verb::Updated),
    }
}

/// Whether the record's last event told this very state; the app's clock has only seconds.
fn was_told(stored: &Stored, entry: Option<&Entry>, event: impl Fn(Verb) -> EntityEvent) -> bool {
    let Some(Entry::Linked(link)) = entry else { return false };
    link.billing_time == stored.updated_at
        && Verb::EACH.into_iter().any(|verb| event(verb).id == link.last_event)
}

/// Whether a record that is there counts: a cancelled one stays withdrawn.
fn is_live(record: &Record) -> bool {
    match record {
        Record::Client(_) | Record::Product(_) => true,
        Record::Invoice(invoice) => {
            !matches!(invoice.status, InvoiceStatus::Cancelled | InvoiceStatus::Reversed)
        }
        Record::Payment(payment) => {
            !matches!(payment.status, PaymentStatus::Cancelled | PaymentStatus::Failed)
        }
    }
}

/// The events in messages, each with an id of its own, in their order.
fn messages(events: &[EntityEvent], source: &str) -> Result<Vec<(EventId, String)>, StoreError> {
    let failed = |error: serde_json::Error| StoreError::new("writing events", error);
    let mut messages: Vec<(EventId, Vec<String>, usize)> = Vec::new();
    for event in events {
        let body = event.to_json(source).map(|event: Value| event.to_string()).map_err(failed)?;
        match messages.last_mut() {
            Some((_, bodies, length))
                if bodies.len() < EVENTS_PER_MESSAGE && *length + body.len() < MESSAGE =>
            {
                *length += body.len() + 1;
                bodies.push(body);
            }
            _ => messages.push((event.id.clone(), vec![body.clone()], body.len())),
        }
    }
    Ok(messages
        .into_iter()
        .map(|(first, bodies, _)| {
            let body = format!("[{}]", bodies.join(","));
            (EventId::of_batch(&first, body.as_bytes()), body)
        })
        .collect())
}

#[cfg(test)]
mod tests;
