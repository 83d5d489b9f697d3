//! The stores in memory, for tests and the simulation. They keep every promise of [`crate::ports`], atomically,
//! as the real ones do.

mod billing;
mod history;
mod imports;
mod pairing;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;

use crate::activity::{Activity, ActivityResult};
use crate::billing_app::{BillingKeys, BillingVault};
use crate::ids::{BillingId, Books, CompanyId, EventId, QuickBooksId, RealmId};
use crate::limits::{Call, Schedule, Spent, Turn};
use crate::link::{Entry, Intent, Link, LinkKey};
use crate::mail::{Mail, MailError, Message};
use crate::model::Kind;
use crate::notice::NoticeMessage;
use crate::poll::{Cursor, Cursors};
use crate::ports::{
    ActivityLog, Budget, Companies, ConnectError, Heard, Lease, Ledger, LinkError, PullQueue, PushQueue,
    Standings, StoreError, Sweeps, Vault,
};
use crate::reconcile;
use crate::reference::Reference;
use crate::settings::{Company, Connection};
use crate::standing::Standing;
use crate::tokens::TokenPair;

pub use billing::MemoryBilling;
pub use imports::{MemoryImportQueue, MemoryImports};
pub use pairing::MemoryDirectories;

/// The longest body of an intent, in bytes.
const LONGEST_BODY: usize = 800_000;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A [`Ledger`] in memory.
#[derive(Debug, Default)]
pub struct MemoryLedger(Mutex<HashMap<Books, Shelf>>);

/// The entries of one company and realm, by each of their keys.
#[derive(Clone, Debug, Default)]
struct Shelf {
    by_billing: BTreeMap<(Kind, BillingId), Entry>,
    by_quickbooks: BTreeMap<(Kind, QuickBooksId), BillingId>,
    by_product_key: BTreeMap<String, BillingId>,
    withdrawn: BTreeMap<(Kind, BillingId), Timestamp>,
}

impl Shelf {
    fn find(&self, key: &LinkKey) -> Option<&Entry> {
        match key {
            LinkKey::Billing(kind, id) => self.by_billing.get(&(*kind, id.clone())),
            LinkKey::ProductKey(key) => {
                let id = self.by_product_key.get(key)?;
                let entry = self.by_billing.get(&(Kind::Product, id.clone()))?;
                let renamed = matches!(entry, Entry::Linked(link) if link.product_key.as_ref() != Some(key));
                (!renamed).then_some(entry)
            }
        }
    }

    fn linked(&self, link: &Link) -> Option<&Link> {
        match self.by_billing.get(&(link.kind, link.billing_id.clone())) {
            Some(Entry::Linked(stored)) => Some(stored),
            _ => None,
        }
    }

    fn put(&mut self, link: &Link) {
        let billing = link.billing_id.clone();
        if let Some(key) = &link.product_key {
            self.by_product_key.insert(key.clone(), billing.clone());
        }
        self.by_quickbooks.insert((link.kind, link.quickbooks_id.clone()), billing.clone());
        self.by_billing.insert((link.kind, billing), Entry::Linked(link.clone()));
    }
}

impl MemoryLedger {
    /// Every link of the books, for a test's judge.
    pub fn links(&self, books: &Books) -> Vec<Link> {
        let shelves = lock(&self.0);
        let entries = shelves.get(books).into_iter().flat_map(|shelf| shelf.by_billing.values());
        entries
            .filter_map(|entry| match entry {
                Entry::Linked(link) => Some(link.clone()),
                Entry::Pending(_) => None,
            })
            .collect()
    }
}

#[async_trait]
impl Ledger for MemoryLedger {
    async fn entries(&self, books: &Books, keys: &[LinkKey]) -> Result<HashMap<LinkKey, Entry>, StoreError> {
        let shelves = lock(&self.0);
        let Some(shelf) = shelves.get(books) else { return Ok(HashMap::new()) };
        Ok(keys.iter().filter_map(|key| Some((key.clone(), shelf.find(key)?.clone()))).collect())
    }

    async fn billing_id(
        &self,
        books: &Books,
        kind: Kind,
        quickbooks_id: &QuickBooksId,
    ) -> Result<Option<BillingId>, StoreError> {
        let shelves = lock(&self.0);
        Ok(shelves
            .get(books)
            .and_then(|shelf| shelf.by_quickbooks.get(&(kind, quickbooks_id.clone())).cloned()))
    }

    async fn begin(&self, books: &Books, intent: &Intent) -> Result<Option<Entry>, LinkError> {
        fits(intent)?;
        let mut shelves = lock(&self.0);
        let entries = &mut shelves.entry(books.clone()).or_default().by_billing;
        let key = (intent.kind, intent.billing_id.clone());
        if let Some(entry) = entries.get(&key) {
            return Ok(Some(entry.clone()));
        }
        entries.insert(key, Entry::Pending(intent.clone()));
        Ok(None)
    }

    async fn abandon(&self, books: &Books, intent: &Intent) -> Result<(), StoreError> {
        let mut shelves = lock(&self.0);
        let entries = &mut shelves.entry(books.clone()).or_default().by_billing;
        let key = (intent.kind, intent.billing_id.clone());
        if matches!(entries.get(&key), Some(Entry::Pending(stored)) if stored.request_id == intent.request_id)
        {
            entries.remove(&key);
        }
        Ok(())
    }

    async fn take_over(&self, books: &Books, intent: &Intent, next: &Intent) -> Result<(), LinkError> {
        fits(next)?;
        let mut shelves = lock(&self.0);
        let entries = &mut shelves.entry(books.clone()).or_default().by_billing;
        match entries.get_mut(&(intent.kind, intent.billing_id.clone())) {
            Some(Entry::Pending(stored)) if stored == next => Ok(()),
            Some(Entry::Pending(stored)) if stored.request_id == intent.request_id => {
                *stored = next.clone();
                Ok(())
            }
            _ => Err(LinkError::Changed),
        }
    }

    async fn link(&self, books: &Books, link: &Link, replacing: Option<&BillingId>) -> Result<(), LinkError> {
        let mut shelves = lock(&self.0);
        let shelf = shelves.entry(books.clone()).or_default();
        if let Some(stored) = shelf.linked(link)
            && stored.quickbooks_id != link.quickbooks_id
        {
            return Err(LinkError::BillingTaken(stored.quickbooks_id.clone()));
        }
        let holder = shelf.by_quickbooks.get(&(link.kind, link.quickbooks_id.clone()));
        if let Some(holder) = holder
            && *holder != link.billing_id
            && Some(holder) != replacing
        {
            return Err(LinkError::QuickBooksTaken(holder.clone()));
        }
        if let Some(stand_in) = replacing {
            let key = (link.kind, stand_in.clone());
            if matches!(shelf.by_billing.get(&key), Some(Entry::Linked(stored)) if stored.quickbooks_id != link.quickbooks_id)
            {
                return Err(LinkError::Changed);
            }
            shelf.by_billing.remove(&key);
        }
        shelf.put(link);
        Ok(())
    }

    async fn refresh(&self, books: &Books, link: &Link) -> Result<(), LinkError> {
        let mut shelves = lock(&self.0);
        let shelf = shelves.entry(books.clone()).or_default();
        match shelf.linked(link) {
            Some(stored)
                if stored.quickbooks_id == link.quickbooks_id && stored.revision + 1 == link.revision =>
            {
                shelf.put(link);
                Ok(())
            }
            Some(stored) if stored == link => Ok(()),
            _ => Err(LinkError::Changed),
        }
    }

    async fn supersede(&self, books: &Books, link: &Link, intent: &Intent) -> Result<(), LinkError> {
        fits(intent)?;
        let mut shelves = lock(&self.0);
        let shelf = shelves.entry(books.clone()).or_default();
        match shelf.linked(link) {
            Some(stored)
                if stored.quickbooks_id == link.quickbooks_id && stored.revision == link.revision =>
            {
                shelf.by_quickbooks.remove(&(link.kind, link.quickbooks_id.clone()));
                let key = (intent.kind, intent.billing_id.clone());
                shelf.by_billing.insert(key, Entry::Pending(intent.clone()));
                Ok(())
            }
            _ => Err(LinkError::Changed),
        }
    }

    async fn relink(&self, books: &Books, from: &Link, to: &Link) -> Result<(), LinkError> {
        let mut shelves = lock(&self.0);
        let shelf = shelves.entry(books.clone()).or_default();
        match shelf.linked(from) {
            Some(stored) if stored == to => return Ok(()),
            Some(stored)
                if stored.quickbooks_id == from.quickbooks_id && stored.revision == from.revision => {}
            _ => return Err(LinkError::Changed),
        }
        let holder = shelf.by_quickbooks.get(&(to.kind, to.quickbooks_id.clone()));
        if let Some(holder) = holder.filter(|holder| **holder != to.billing_id) {
            return Err(LinkError::QuickBooksTaken(holder.clone()));
        }
        shelf.by_quickbooks.remove(&(from.kind, from.quickbooks_id.clone()));
        shelf.put(to);
        Ok(())
    }

    async fn note_withdrawal(
        &self,
        books: &Books,
        kind: Kind,
        billing_id: &BillingId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut shelves = lock(&self.0);
        let withdrawn = &mut shelves.entry(books.clone()).or_default().withdrawn;
        let latest = withdrawn.entry((kind, billing_id.clone())).or_insert(at);
        *latest = at.max(*latest);
        Ok(())
    }

    async fn withdrawals(
        &self,
        books: &Books,
        records: &[(Kind, BillingId)],
    ) -> Result<HashMap<(Kind, BillingId), Timestamp>, StoreError> {
        let shelves = lock(&self.0);
        let Some(shelf) = shelves.get(books) else { return Ok(HashMap::new()) };
        Ok(records.iter().filter_map(|key| Some((key.clone(), *shelf.withdrawn.get(key)?))).collect())
    }
}

/// Refuses what a real store could not keep.
fn fits(intent: &Intent) -> Result<(), LinkError> {
    if intent.body.len() > LONGEST_BODY { Err(LinkError::TooLong) } else { Ok(()) }
}

/// An [`ActivityLog`] in memory.
#[derive(Debug, Default)]
pub struct MemoryActivityLog(Mutex<BTreeMap<(CompanyId, Timestamp, EventId), Activity>>);

impl MemoryActivityLog {
    fn of(&self, company: &CompanyId) -> Vec<Activity> {
        lock(&self.0).values().filter(|activity| activity.company == *company).cloned().collect()
    }
}

#[async_trait]
impl ActivityLog for MemoryActivityLog {
    async fn record(&self, entries: &[Activity]) -> Result<(), StoreError> {
        let mut log = lock(&self.0);
        for entry in entries {
            let key = (entry.company.clone(), entry.time, entry.event.clone());
            if !log.get(&key).is_some_and(|stored| matches!(stored.result, ActivityResult::Done(_))) {
                log.insert(key, entry.clone());
            }
        }
        Ok(())
    }

    async fn entry(
        &self,
        company: &CompanyId,
        time: Timestamp,
        event: &EventId,
    ) -> Result<Option<Activity>, StoreError> {
        Ok(lock(&self.0).get(&(company.clone(), time, event.clone())).cloned())
    }

    async fn newest(&self, company: &CompanyId, limit: usize) -> Result<Vec<Activity>, StoreError> {
        Ok(self.of(company).into_iter().rev().take(limit).collect())
    }

    async fn parked(&self, company: &CompanyId) -> Result<Vec<Activity>, StoreError> {
        Ok(self.of(company).into_iter().filter(|activity| activity.result.is_parked()).collect())
    }

    async fn waiting_for(
        &self,
        company: &CompanyId,
        records: &[(Kind, BillingId)],
    ) -> Result<Vec<Activity>, StoreError> {
        let waits =
            |entry: &Activity| entry.result.waits_for().is_some_and(|record| records.contains(record));
        Ok(self.of(company).into_iter().filter(waits).collect())
    }
}

/// A [`PushQueue`] in memory: only the sending side.
#[derive(Debug, Default)]
pub struct MemoryPushQueue(Mutex<Vec<(CompanyId, EventId, String)>>);

impl MemoryPushQueue {
    /// Every body that was sent, in order.
    pub fn bodies(&self) -> Vec<String> {
        lock(&self.0).iter().map(|(_, _, body)| body.clone()).collect()
    }
}

#[async_trait]
impl PushQueue for MemoryPushQueue {
    async fn send(&self, company: &CompanyId, id: &EventId, body: &str) -> Result<(), StoreError> {
        let mut sent = lock(&self.0);
        if !sent.iter().any(|(to, known, _)| to == company && known == id) {
            sent.push((company.clone(), id.clone(), body.to_owned()));
        }
        Ok(())
    }
}

/// A [`PullQueue`] in memory: only the sending side.
#[derive(Debug, Default)]
pub struct MemoryPullQueue(Mutex<Vec<NoticeMessage>>);

impl MemoryPullQueue {
    /// Every message that was sent, in order.
    pub fn messages(&self) -> Vec<NoticeMessage> {
        lock(&self.0).clone()
    }
}

#[async_trait]
impl PullQueue for MemoryPullQueue {
    async fn send_notices(&self, messages: &[NoticeMessage]) -> Result<(), StoreError> {
        let mut sent = lock(&self.0);
        for message in messages {
            if !sent.iter().any(|known| known.company == message.company && known.id == message.id) {
                sent.push(message.clone());
            }
        }
        Ok(())
    }
}

/// [`Companies`] in memory.
#[derive(Debug, Default)]
pub struct MemoryCompanies(Mutex<Tenants>);

#[derive(Debug, Default)]
struct Tenants {
    companies: BTreeMap<CompanyId, Company>,
    realms: BTreeMap<RealmId, CompanyId>,
    references: BTreeMap<Books, Reference>,
    once: BTreeMap<(CompanyId, String), Timestamp>,
    leases: BTreeMap<(Books, &'static str), Lease>,
    cursors: BTreeMap<Books, reconcile::Cursor>,
    webhooks: BTreeMap<RealmId, Timestamp>,
    standings: BTreeMap<Books, Standing>,
}

#[async_trait]
impl Companies for MemoryCompanies {
    async fn load(&self, company: &CompanyId) -> Result<Option<Company>, StoreError> {
        Ok(lock(&self.0).companies.get(company).cloned())
    }

    async fn save(&self, company: &Company) -> Result<bool, StoreError> {
        let mut tenants = lock(&self.0);
        let stored = tenants.companies.get(&company.id).map_or(0, |stored| stored.version);
        let current = stored + 1 == company.version;
        if current {
            tenants.companies.insert(company.id.clone(), company.clone());
        }
        Ok(current)
    }

    async fn connect(
        &self,
        company: &CompanyId,
        connection: &Connection,
        reference: &Reference,
    ) -> Result<(), ConnectError> {
        let mut tenants = lock(&self.0);
        let Some(mut stored) = tenants.companies.get(company).cloned() else {
            return Err(ConnectError::UnknownCompany);
        };
        let given_up = stored.books().map(|books| books.realm);
        stored.connect(connection.clone()).map_err(|present| ConnectError::OtherRealm(present.name))?;
        if tenants.realms.get(&connection.realm).is_some_and(|holder| holder != company) {
            return Err(ConnectError::RealmTaken);
        }
        stored.version += 1;
        if let Some(realm) = given_up {
            tenants.realms.remove(&realm);
        }
        let books = Books { company: company.clone(), realm: connection.realm.clone() };
        tenants.companies.insert(company.clone(), stored);
        tenants.realms.insert(connection.realm.clone(), company.clone());
        tenants.references.insert(books, reference.clone());
        Ok(())
    }

    async fn of_realm(&self, realm: &RealmId) -> Result<Option<CompanyId>, StoreError> {
        Ok(lock(&self.0).realms.get(realm).cloned())
    }

    async fn reference(&self, books: &Books) -> Result<Option<Reference>, StoreError> {
        Ok(lock(&self.0).references.get(books).cloned())
    }

    async fn save_reference(&self, books: &Books, reference: &Reference) -> Result<(), StoreError> {
        lock(&self.0).references.insert(books.clone(), reference.clone());
        Ok(())
    }

    async fn issue_once(
        &self,
        company: &CompanyId,
        nonce: &str,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        lock(&self.0).once.insert((company.clone(), nonce.to_owned()), expires_at);
        Ok(())
    }

    async fn use_once(&self, company: &CompanyId, nonce: &str, now: Timestamp) -> Result<bool, StoreError> {
        let used = lock(&self.0).once.remove(&(company.clone(), nonce.to_owned()));
        Ok(used.is_some_and(|expires_at| now < expires_at))
    }

    async fn acquire_lease(&self, books: &Books, lease: &Lease, now: Timestamp) -> Result<bool, StoreError> {
        let mut tenants = lock(&self.0);
        let key = (books.clone(), lease.name);
        let held =
            tenants.leases.get(&key).is_some_and(|held| held.holder != lease.holder && now < held.until);
        if !held {
            tenants.leases.insert(key, lease.clone());
        }
        Ok(!held)
    }

    async fn release_lease(&self, books: &Books, lease: &Lease) -> Result<(), StoreError> {
        let mut tenants = lock(&self.0);
        let key = (books.clone(), lease.name);
        if tenants.leases.get(&key).is_some_and(|held| held.holder == lease.holder) {
            tenants.leases.remove(&key);
        }
        Ok(())
    }
}

#[async_trait]
impl Sweeps for MemoryCompanies {
    async fn ever_connected(
        &self,
        _from: Option<&str>,
    ) -> Result<(Vec<CompanyId>, Option<String>), StoreError> {
        Ok((lock(&self.0).realms.values().cloned().collect(), None))
    }

    async fn cursor(&self, books: &Books) -> Result<Option<reconcile::Cursor>, StoreError> {
        Ok(lock(&self.0).cursors.get(books).cloned())
    }

    async fn save_cursor(&self, books: &Books, cursor: &reconcile::Cursor) -> Result<(), StoreError> {
        lock(&self.0).cursors.insert(books.clone(), cursor.clone());
        Ok(())
    }
}

#[async_trait]
impl Heard for MemoryCompanies {
    async fn note_webhook(&self, realms: &[RealmId], at: Timestamp) -> Result<(), StoreError> {
        lock(&self.0).webhooks.extend(realms.iter().map(|realm| (realm.clone(), at)));
        Ok(())
    }

    async fn last_webhook(&self, realm: &RealmId) -> Result<Option<Timestamp>, StoreError> {
        Ok(lock(&self.0).webhooks.get(realm).copied())
    }
}

#[async_trait]
impl Standings for MemoryCompanies {
    async fn standing(&self, books: &Books) -> Result<Option<Standing>, StoreError> {
        Ok(lock(&self.0).standings.get(books).cloned())
    }

    async fn save_standing(&self, books: &Books, standing: &Standing) -> Result<bool, StoreError> {
        let mut tenants = lock(&self.0);
        let stored = tenants.standings.get(books).map_or(0, |stored| stored.version);
        let current = stored + 1 == standing.version;
        if current {
            tenants.standings.insert(books.clone(), standing.clone());
        }
        Ok(current)
    }

    async fn due(
        &self,
        now: Timestamp,
        _from: Option<&str>,
    ) -> Result<(Vec<Books>, Option<String>), StoreError> {
        let tenants = lock(&self.0);
        let due = |(books, standing): (&Books, &Standing)| Some((standing.due_at?, books.clone()));
        let mut due: Vec<_> = tenants.standings.iter().filter_map(due).filter(|(at, _)| *at <= now).collect();
        due.sort();
        Ok((due.into_iter().map(|(_, books)| books).collect(), None))
    }
}

/// A [`Mail`] that keeps what it is given.
#[derive(Debug, Default)]
pub struct MemoryMail(Mutex<Vec<Message>>);

impl MemoryMail {
    /// Every message that was sent, in order.
    pub fn messages(&self) -> Vec<Message> {
        lock(&self.0).clone()
    }
}

#[async_trait]
impl Mail for MemoryMail {
    async fn send(&self, message: &Message) -> Result<(), MailError> {
        lock(&self.0).push(message.clone());
        Ok(())
    }
}

/// A [`Vault`] in memory.
#[derive(Debug, Default)]
pub struct MemoryVault(Mutex<BTreeMap<Books, TokenPair>>);

#[async_trait]
impl Vault for MemoryVault {
    async fn tokens(&self, books: &Books) -> Result<Option<TokenPair>, StoreError> {
        Ok(lock(&self.0).get(books).cloned())
    }

    async fn store(&self, books: &Books, tokens: &TokenPair) -> Result<(), StoreError> {
        lock(&self.0).insert(books.clone(), tokens.clone());
        Ok(())
    }

    async fn forget(&self, books: &Books) -> Result<(), StoreError> {
        lock(&self.0).remove(books);
        Ok(())
    }
}

/// A [`Budget`] in memory.
#[derive(Debug, Default)]
pub struct MemoryBudget(Mutex<BTreeMap<Books, Schedule>>);

#[async_trait]
impl Budget for MemoryBudget {
    async fn reserve(
        &self,
        books: &Books,
        call: Call,
        now: Timestamp,
        latest: Timestamp,
    ) -> Result<Turn, StoreError> {
        Ok(lock(&self.0).entry(books.clone()).or_default().reserve(call, now, latest))
    }

    async fn pause(&self, books: &Books, until: Timestamp) -> Result<(), StoreError> {
        lock(&self.0).entry(books.clone()).or_default().pause(until);
        Ok(())
    }

    async fn spent(&self, books: &Books, at: Timestamp) -> Result<Spent, StoreError> {
        Ok(lock(&self.0).get(books).map(|schedule| schedule.spent(at)).unwrap_or_default())
    }
}

/// A [`BillingVault`] in memory.
#[derive(Debug, Default)]
pub struct MemoryBillingVault(Mutex<BTreeMap<CompanyId, BillingKeys>>);

#[async_trait]
impl BillingVault for MemoryBillingVault {
    async fn keys(&self, company: &CompanyId) -> Result<Option<BillingKeys>, StoreError> {
        Ok(lock(&self.0).get(company).cloned())
    }

    async fn store_keys(&self, company: &CompanyId, keys: &BillingKeys) -> Result<(), StoreError> {
        lock(&self.0).insert(company.clone(), keys.clone());
        Ok(())
    }
}

/// [`Cursors`] in memory.
#[derive(Debug, Default)]
pub struct MemoryCursors(Mutex<BTreeMap<(CompanyId, Kind), Cursor>>);

#[async_trait]
impl Cursors for MemoryCursors {
    async fn cursor(&self, company: &CompanyId, kind: Kind) -> Result<Option<Cursor>, StoreError> {
        Ok(lock(&self.0).get(&(company.clone(), kind)).cloned())
    }

    async fn save_cursor(&self, company: &CompanyId, kind: Kind, cursor: &Cursor) -> Result<(), StoreError> {
        lock(&self.0).insert((company.clone(), kind), cursor.clone());
        Ok(())
    }
}
