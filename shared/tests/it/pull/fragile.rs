//! Ports of which the n-th call, and every one after it, comes to nothing: a worker that dies.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use jiff::Timestamp;
use quickbooks_wire::query::Query;
use quickbooks_wire::{Entity, EntityKind};
use sync::activity::Activity;
use sync::ids::{BillingId, Books, CompanyId, EventId, JobId, QuickBooksId};
use sync::import::{Ended, ImportQueue, Imports, Job, Listed, Register, Stretch, Tick, Work};
use sync::link::{Entry, Intent, Link, LinkKey, RequestId};
use sync::model::{Kind, Record};
use sync::ports::{
    ActivityLog, Billing, BillingError, BillingQuery, CallError, Connector, Ledger, LinkError, NameHolder,
    OpenError, Page, QuickBooks, StoreError, Stored, Write,
};
use sync::push::Ports;
use sync::reference::ReferenceLists;

/// When the worker dies: in the n-th call, before it has an effect or after.
pub(super) struct Fragile<'a> {
    inner: Ports<'a>,
    imports: Option<(&'a dyn Imports, &'a dyn ImportQueue)>,
    register: Register,
    life: Arc<Life>,
}

struct Life {
    made: AtomicUsize,
    dies_in: usize,
    after_the_effect: bool,
}

#[derive(PartialEq)]
enum Fate {
    Lives,
    DiesBefore,
    DiesAfter,
}

impl Life {
    fn fate(&self) -> Fate {
        let made = self.made.fetch_add(1, Ordering::SeqCst) + 1;
        if made < self.dies_in {
            Fate::Lives
        } else if made == self.dies_in && self.after_the_effect {
            Fate::DiesAfter
        } else {
            Fate::DiesBefore
        }
    }
}

impl<'a> Fragile<'a> {
    pub(super) fn new(inner: Ports<'a>, dies_in: usize, after_the_effect: bool) -> Fragile<'a> {
        let life = Arc::new(Life { made: AtomicUsize::new(0), dies_in, after_the_effect });
        Fragile { inner, imports: None, register: Register::default(), life }
    }

    /// The same for imports.
    pub(super) fn keeping(self, imports: &'a dyn Imports, queue: &'a dyn ImportQueue) -> Fragile<'a> {
        Fragile { imports: Some((imports, queue)), ..self }
    }

    pub(super) fn work(&self) -> Work<'_> {
        let stretch = Stretch::USUAL;
        Work { engine: self.ports(), imports: self, queue: self, register: &self.register, stretch }
    }

    fn imports(&self) -> &dyn Imports {
        self.imports.unwrap().0
    }

    pub(super) fn ports(&self) -> Ports<'_> {
        Ports { ledger: self, activity: self, billing: self, connector: self, ..self.inner }
    }

    /// Whether the worker came to the call in which it was to die.
    pub(super) fn died(&self) -> bool {
        self.life.made.load(Ordering::SeqCst) >= self.life.dies_in
    }
}

fn dead() -> StoreError {
    StoreError::new("living", "the worker is dead")
}

macro_rules! call {
    ($self:ident, $call:expr, $error:expr) => {{
        let fate = $self.life.fate();
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
impl Ledger for Fragile<'_> {
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
impl ActivityLog for Fragile<'_> {
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
impl Billing for Fragile<'_> {
    async fn fetch(
        &self,
        company: &CompanyId,
        kind: Kind,
        id: &BillingId,
    ) -> Result<Option<Stored>, BillingError> {
        call!(self, self.inner.billing.fetch(company, kind, id), BillingError::Unknown("dead".into()))
    }

    async fn find(&self, company: &CompanyId, wanted: &BillingQuery) -> Result<Vec<Stored>, BillingError> {
        call!(self, self.inner.billing.find(company, wanted), BillingError::Unknown("dead".into()))
    }

    async fn create(&self, company: &CompanyId, record: &Record) -> Result<Stored, BillingError> {
        call!(self, self.inner.billing.create(company, record), BillingError::Unknown("dead".into()))
    }

    async fn update(
        &self,
        company: &CompanyId,
        before: &Record,
        after: &Record,
    ) -> Result<Stored, BillingError> {
        call!(self, self.inner.billing.update(company, before, after), BillingError::Unknown("dead".into()))
    }

    async fn delete(&self, company: &CompanyId, kind: Kind, id: &BillingId) -> Result<(), BillingError> {
        call!(self, self.inner.billing.delete(company, kind, id), BillingError::Unknown("dead".into()))
    }

    async fn changed_since(
        &self,
        company: &CompanyId,
        kind: Kind,
        since: Timestamp,
        page: Option<&str>,
    ) -> Result<Page, BillingError> {
        let listed = self.inner.billing.changed_since(company, kind, since, page);
        call!(self, listed, BillingError::Unknown("dead".into()))
    }
}

#[async_trait]
impl Imports for Fragile<'_> {
    async fn begin(&self, job: &Job) -> Result<Option<JobId>, StoreError> {
        call!(self, self.imports().begin(job), dead())
    }

    async fn job(&self, company: &CompanyId, id: &JobId) -> Result<Option<Job>, StoreError> {
        call!(self, self.imports().job(company, id), dead())
    }

    async fn jobs(&self, company: &CompanyId, limit: usize) -> Result<Vec<Job>, StoreError> {
        call!(self, self.imports().jobs(company, limit), dead())
    }

    async fn save(&self, job: &Job) -> Result<bool, StoreError> {
        call!(self, self.imports().save(job), dead())
    }

    async fn list(
        &self,
        company: &CompanyId,
        id: &JobId,
        kind: Kind,
        listed: &Listed,
    ) -> Result<(), StoreError> {
        call!(self, self.imports().list(company, id, kind, listed), dead())
    }

    async fn records(
        &self,
        company: &CompanyId,
        id: &JobId,
        kind: Kind,
        from: Option<&str>,
    ) -> Result<(Vec<Ended>, Option<String>), StoreError> {
        call!(self, self.imports().records(company, id, kind, from), dead())
    }
}

#[async_trait]
impl ImportQueue for Fragile<'_> {
    async fn send_tick(&self, tick: &Tick) -> Result<(), StoreError> {
        call!(self, self.imports.unwrap().1.send_tick(tick), dead())
    }
}

#[async_trait]
impl Connector for Fragile<'_> {
    async fn open(&self, books: &Books) -> Result<Arc<dyn QuickBooks>, OpenError> {
        let quickbooks = self.inner.connector.open(books).await?;
        Ok(Arc::new(FragileCalls { quickbooks, life: Arc::clone(&self.life) }))
    }
}

struct FragileCalls {
    quickbooks: Arc<dyn QuickBooks>,
    life: Arc<Life>,
}

fn unsent() -> CallError {
    CallError::NotSent("the worker is dead".into())
}

#[async_trait]
impl QuickBooks for FragileCalls {
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
