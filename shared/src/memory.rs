//! The stores in memory, for tests and the simulation. They keep every promise of [`crate::ports`], atomically,
//! as the real ones do.

mod billing;
mod companies;
mod history;
mod imports;
mod ledger;
mod pairing;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;

use crate::activity::{Activity, ActivityResult};
use crate::billing_app::{BillingKeys, BillingVault};
use crate::ids::{BillingId, Books, CompanyId, EventId};
use crate::limits::{Call, Schedule, Spent, Turn};
use crate::mail::{Mail, MailError, Message};
use crate::model::Kind;
use crate::notice::NoticeMessage;
use crate::poll::{Cursor, Cursors};
use crate::ports::{ActivityLog, Budget, PullQueue, PushQueue, StoreError, Vault};
use crate::tokens::TokenPair;

pub use billing::MemoryBilling;
pub use companies::MemoryCompanies;
pub use imports::{MemoryImportQueue, MemoryImports};
pub use ledger::MemoryLedger;
pub use pairing::MemoryDirectories;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
            let kept = match log.get(&key) {
                Some(stored) if matches!(stored.result, ActivityResult::Done(_)) => stored.done_again(entry),
                _ => Some(entry.clone()),
            };
            if let Some(kept) = kept {
                log.insert(key, kept);
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
