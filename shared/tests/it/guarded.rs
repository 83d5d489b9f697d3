//! The outside with a guard before every call to it, who may let it wait, or let the caller die in it.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use quickbooks_wire::query::Query;
use quickbooks_wire::{Entity, EntityKind};
use sync::activity::Activity;
use sync::ids::{BillingId, Books, CompanyId, EventId, JobId, QuickBooksId};
use sync::import::{Ended, ImportQueue, Imports, Job, Listed, Tick};
use sync::link::{Entry, Intent, Link, LinkKey, RequestId};
use sync::model::{Kind, Record};
use sync::ports::{
    ActivityLog, Billing, BillingError, BillingQuery, CallError, Connector, Ledger, LinkError, NameHolder,
    OpenError, Page, PushQueue, QuickBooks, StoreError, Stored, Write,
};
use sync::push::Ports;
use sync::reference::ReferenceLists;

/// What becomes of whoever makes a call.
#[derive(PartialEq)]
pub(crate) enum Fate {
    Lives,
    /// The call has no effect.
    DiesBefore,
    /// The call has its effect, and nobody hears of it.
    DiesAfter,
}

/// Decides before each call.
#[async_trait]
pub(crate) trait Guard: Send + Sync {
    async fn fate(&self) -> Fate;
}

/// Ports behind a guard. Tenants are read freely.
pub(crate) struct Guarded<'a> {
    pub(crate) inner: Ports<'a>,
    pub(crate) pushes: Option<&'a dyn PushQueue>,
    pub(crate) imports: Option<(&'a dyn Imports, &'a dyn ImportQueue)>,
    pub(crate) guard: Arc<dyn Guard>,
}

impl<'a> Guarded<'a> {
    pub(crate) fn new(inner: Ports<'a>, guard: Arc<dyn Guard>) -> Guarded<'a> {
        Guarded { inner, pushes: None, imports: None, guard }
    }

    pub(crate) fn ports(&self) -> Ports<'_> {
        Ports { ledger: self, activity: self, billing: self, connector: self, ..self.inner }
    }
}

fn dead() -> StoreError {
    StoreError::new("living", "the worker is dead")
}

fn unsent() -> CallError {
    CallError::NotSent("the worker is dead".into())
}

fn unknown() -> BillingError {
    BillingError::Unknown("the worker is dead".into())
}

macro_rules! call {
    ($self:ident, $call:expr, $error:expr) => {{
        let fate = $self.guard.fate().await;
        if fate == Fate::DiesBefore {
            return Err($error);
        }
        let result = $call.await;
        if fate == Fate::DiesAfter {
            return Err($error);
        }
        result
    }};
}

#[async_trait]
impl Ledger for Guarded<'_> {
    async fn entries(&self, books: &Books, keys: &[LinkKey]) -> Result<HashMap<LinkKey, Entry>, StoreError> {
        call!(self, self.inner.ledger.entries(books, keys), dead())
    }

    async fn billing_id(
        &self,
        books: &Books,
        kind: Kind,
        quickbooks_id: &QuickBooksId,
    ) -> Result<Option<BillingId>, StoreError> {
        call!(self, self.inner.ledger.billing_id(books, kind, quickbooks_id), dead())
    }

    async fn begin(&self, books: &Books, intent: &Intent) -> Result<Option<Entry>, LinkError> {
        call!(self, self.inner.ledger.begin(books, intent), dead().into())
    }

    async fn abandon(&self, books: &Books, intent: &Intent) -> Result<(), StoreError> {
        call!(self, self.inner.ledger.abandon(books, intent), dead())
    }

    async fn take_over(&self, books: &Books, intent: &Intent, next: &Intent) -> Result<(), LinkError> {
        call!(self, self.inner.ledger.take_over(books, intent, next), dead().into())
    }

    async fn link(&self, books: &Books, link: &Link, replacing: Option<&BillingId>) -> Result<(), LinkError> {
        call!(self, self.inner.ledger.link(books, link, replacing), dead().into())
    }

    async fn refresh(&self, books: &Books, link: &Link) -> Result<(), LinkError> {
        call!(self, self.inner.ledger.refresh(books, link), dead().into())
    }

    async fn supersede(&self, books: &Books, link: &Link, intent: &Intent) -> Result<(), LinkError> {
        call!(self, self.inner.ledger.supersede(books, link, intent), dead().into())
    }

    async fn relink(&self, books: &Books, from: &Link, to: &Link) -> Result<(), LinkError> {
        call!(self, self.inner.ledger.relink(books, from, to), dead().into())
    }

    async fn note_withdrawal(
        &self,
        books: &Books,
        kind: Kind,
        billing_id: &BillingId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        call!(self, self.inner.ledger.note_withdrawal(books, kind, billing_id, at), dead())
    }

    async fn withdrawals(
        &self,
        books: &Books,
        records: &[(Kind, BillingId)],
    ) -> Result<HashMap<(Kind, BillingId), Timestamp>, StoreError> {
        call!(self, self.inner.ledger.withdrawals(books, records), dead())
    }
}

#[async_trait]
impl ActivityLog for Guarded<'_> {
    async fn record(&self, entries: &[Activity]) -> Result<(), StoreError> {
        call!(self, self.inner.activity.record(entries), dead())
    }

    async fn newest(&self, company: &CompanyId, limit: usize) -> Result<Vec<Activity>, StoreError> {
        call!(self, self.inner.activity.newest(company, limit), dead())
    }

    async fn entry(
        &self,
        company: &CompanyId,
        time: Timestamp,
        event: &EventId,
    ) -> Result<Option<Activity>, StoreError> {
        call!(self, self.inner.activity.entry(company, time, event), dead())
    }

    async fn parked(&self, company: &CompanyId) -> Result<Vec<Activity>, StoreError> {
        call!(self, self.inner.activity.parked(company), dead())
    }

    async fn waiting_for(
        &self,
        company: &CompanyId,
        records: &[(Kind, BillingId)],
    ) -> Result<Vec<Activity>, StoreError> {
        call!(self, self.inner.activity.waiting_for(company, records), dead())
    }
}

#[async_trait]
impl Billing for Guarded<'_> {
    async fn fetch(
        &self,
        company: &CompanyId,
        kind: Kind,
        id: &BillingId,
    ) -> Result<Option<Stored>, BillingError> {
        call!(self, self.inner.billing.fetch(company, kind, id), unknown())
    }

    async fn find(&self, company: &CompanyId, wanted: &BillingQuery) -> Result<Vec<Stored>, BillingError> {
        call!(self, self.inner.billing.find(company, wanted), unknown())
    }

    async fn create(&self, company: &CompanyId, record: &Record) -> Result<Stored, BillingError> {
        call!(self, self.inner.billing.create(company, record), unknown())
    }

    async fn update(
        &self,
        company: &CompanyId,
        before: &Record,
        after: &Record,
    ) -> Result<Stored, BillingError> {
        call!(self, self.inner.billing.update(company, before, after), unknown())
    }

    async fn delete(&self, company: &CompanyId, kind: Kind, id: &BillingId) -> Result<(), BillingError> {
        call!(self, self.inner.billing.delete(company, kind, id), unknown())
    }

    async fn note(
        &self,
        company: &CompanyId,
        kind: Kind,
        id: &BillingId,
        text: &str,
    ) -> Result<(), BillingError> {
        call!(self, self.inner.billing.note(company, kind, id, text), unknown())
    }

    async fn changed_since(
        &self,
        company: &CompanyId,
        kind: Kind,
        since: Timestamp,
        page: Option<&str>,
    ) -> Result<Page, BillingError> {
        let listed = self.inner.billing.changed_since(company, kind, since, page);
        call!(self, listed, unknown())
    }
}

#[async_trait]
impl PushQueue for Guarded<'_> {
    async fn send(&self, company: &CompanyId, id: &EventId, body: &str) -> Result<(), StoreError> {
        call!(self, self.pushes.unwrap().send(company, id, body), dead())
    }
}

#[async_trait]
impl Imports for Guarded<'_> {
    async fn begin(&self, job: &Job) -> Result<Option<JobId>, StoreError> {
        call!(self, self.imports.unwrap().0.begin(job), dead())
    }

    async fn job(&self, company: &CompanyId, id: &JobId) -> Result<Option<Job>, StoreError> {
        call!(self, self.imports.unwrap().0.job(company, id), dead())
    }

    async fn jobs(&self, company: &CompanyId, limit: usize) -> Result<Vec<Job>, StoreError> {
        call!(self, self.imports.unwrap().0.jobs(company, limit), dead())
    }

    async fn save(&self, job: &Job) -> Result<bool, StoreError> {
        call!(self, self.imports.unwrap().0.save(job), dead())
    }

    async fn list(
        &self,
        company: &CompanyId,
        id: &JobId,
        kind: Kind,
        listed: &Listed,
    ) -> Result<(), StoreError> {
        call!(self, self.imports.unwrap().0.list(company, id, kind, listed), dead())
    }

    async fn records(
        &self,
        company: &CompanyId,
        id: &JobId,
        kind: Kind,
        from: Option<&str>,
    ) -> Result<(Vec<Ended>, Option<String>), StoreError> {
        call!(self, self.imports.unwrap().0.records(company, id, kind, from), dead())
    }
}

#[async_trait]
impl ImportQueue for Guarded<'_> {
    async fn send_tick(&self, tick: &Tick) -> Result<(), StoreError> {
        call!(self, self.imports.unwrap().1.send_tick(tick), dead())
    }
}

#[async_trait]
impl Connector for Guarded<'_> {
    async fn open(&self, books: &Books) -> Result<Arc<dyn QuickBooks>, OpenError> {
        let quickbooks = self.inner.connector.open(books).await?;
        Ok(Arc::new(GuardedCalls { quickbooks, guard: Arc::clone(&self.guard) }))
    }
}

struct GuardedCalls {
    quickbooks: Arc<dyn QuickBooks>,
    guard: Arc<dyn Guard>,
}

#[async_trait]
impl QuickBooks for GuardedCalls {
    async fn create(&self, entity: &Entity, request_id: &RequestId) -> Result<Entity, CallError> {
        call!(self, self.quickbooks.create(entity, request_id), unsent())
    }

    async fn update(&self, entity: &Entity, request_id: &RequestId) -> Result<Entity, CallError> {
        call!(self, self.quickbooks.update(entity, request_id), unsent())
    }

    async fn batch(
        &self,
        writes: &[Write],
        request_id: &RequestId,
    ) -> Result<Vec<Result<Entity, CallError>>, CallError> {
        call!(self, self.quickbooks.batch(writes, request_id), unsent())
    }

    async fn void(
        &self,
        kind: EntityKind,
        id: &QuickBooksId,
        sync_token: &str,
        request_id: &RequestId,
    ) -> Result<Entity, CallError> {
        call!(self, self.quickbooks.void(kind, id, sync_token, request_id), unsent())
    }

    async fn read(&self, kind: EntityKind, id: &QuickBooksId) -> Result<Option<Entity>, CallError> {
        call!(self, self.quickbooks.read(kind, id), unsent())
    }

    async fn count(&self, queries: &[Query]) -> Result<Vec<u64>, CallError> {
        call!(self, self.quickbooks.count(queries), unsent())
    }

    async fn query(&self, queries: &[Query]) -> Result<Vec<Vec<Entity>>, CallError> {
        call!(self, self.quickbooks.query(queries), unsent())
    }

    async fn changes_since(&self, kinds: &[EntityKind], since: Timestamp) -> Result<Vec<Entity>, CallError> {
        call!(self, self.quickbooks.changes_since(kinds, since), unsent())
    }

    async fn name_holders(&self, name: &str) -> Result<Vec<NameHolder>, CallError> {
        call!(self, self.quickbooks.name_holders(name), unsent())
    }

    async fn reference_lists(&self) -> Result<ReferenceLists, CallError> {
        call!(self, self.quickbooks.reference_lists(), unsent())
    }
}
