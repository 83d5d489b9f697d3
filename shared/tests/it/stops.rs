//! The outside, with a gate before one of the calls to it: what comes to the gate can be let through later, or killed.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use jiff::Timestamp;
use quickbooks_wire::query::Query;
use quickbooks_wire::{Entity, EntityKind};
use sync::activity::Activity;
use sync::ids::{BillingId, Books, CompanyId, EventId, QuickBooksId};
use sync::link::{Entry, Intent, Link, LinkKey, RequestId};
use sync::model::{Kind, Record};
use sync::ports::{
    ActivityLog, Billing, BillingError, BillingQuery, CallError, Connector, Ledger, LinkError, NameHolder,
    OpenError, PushQueue, QuickBooks, StoreError, Stored, Write,
};
use sync::push::Ports;
use sync::reference::ReferenceLists;
use tokio::sync::Semaphore;

use crate::desk::{Desk, Now};

/// Where something stops: before its call of this number.
struct Gate {
    before: usize,
    calls: AtomicUsize,
    reached: Semaphore,
    opened: Semaphore,
}

impl Gate {
    async fn pass(&self) {
        if self.calls.fetch_add(1, Ordering::SeqCst) == self.before {
            self.reached.add_permits(1);
            self.opened.acquire().await.unwrap().forget();
        }
    }
}

/// A desk's ports behind a gate.
pub(crate) struct Stops<'a> {
    desk: &'a Desk,
    queue: Option<&'a dyn PushQueue>,
    gate: Arc<Gate>,
}

impl<'a> Stops<'a> {
    /// Stops before the call of this number, counted from 0.
    pub(crate) fn before(desk: &'a Desk, call: usize) -> Stops<'a> {
        let gate = Gate {
            before: call,
            calls: AtomicUsize::new(0),
            reached: Semaphore::new(0),
            opened: Semaphore::new(0),
        };
        Stops { desk, queue: None, gate: Arc::new(gate) }
    }

    /// The same, and a queue to send to.
    pub(crate) fn sending_to(self, queue: &'a dyn PushQueue) -> Stops<'a> {
        Stops { queue: Some(queue), ..self }
    }

    pub(crate) fn ports(&self) -> Ports<'_> {
        Ports {
            companies: &self.desk.companies,
            ledger: self,
            activity: self,
            billing: self,
            connector: self,
            clock: &Now,
        }
    }

    /// Runs something until it comes to the gate; gives its result if it never does.
    pub(crate) async fn until_stopped<T>(&self, run: &mut (impl Future<Output = T> + Unpin)) -> Option<T> {
        tokio::select! {
            biased;
            result = run => Some(result),
            stopped = self.gate.reached.acquire() => {
                stopped.unwrap().forget();
                None
            }
        }
    }

    /// Lets through what waits.
    pub(crate) fn open(&self) {
        self.gate.opened.add_permits(1);
    }
}

#[async_trait]
impl Ledger for Stops<'_> {
    async fn entries(&self, books: &Books, keys: &[LinkKey]) -> Result<HashMap<LinkKey, Entry>, StoreError> {
        self.gate.pass().await;
        self.desk.ledger.entries(books, keys).await
    }

    async fn billing_id(
        &self,
        books: &Books,
        kind: Kind,
        id: &QuickBooksId,
    ) -> Result<Option<BillingId>, StoreError> {
        self.gate.pass().await;
        self.desk.ledger.billing_id(books, kind, id).await
    }

    async fn begin(&self, books: &Books, intent: &Intent) -> Result<Option<Entry>, LinkError> {
        self.gate.pass().await;
        self.desk.ledger.begin(books, intent).await
    }

    async fn abandon(&self, books: &Books, intent: &Intent) -> Result<(), StoreError> {
        self.gate.pass().await;
        self.desk.ledger.abandon(books, intent).await
    }

    async fn take_over(&self, books: &Books, intent: &Intent, next: &Intent) -> Result<(), LinkError> {
        self.gate.pass().await;
        self.desk.ledger.take_over(books, intent, next).await
    }

    async fn link(&self, books: &Books, link: &Link, replacing: Option<&BillingId>) -> Result<(), LinkError> {
        self.gate.pass().await;
        self.desk.ledger.link(books, link, replacing).await
    }

    async fn refresh(&self, books: &Books, link: &Link) -> Result<(), LinkError> {
        self.gate.pass().await;
        self.desk.ledger.refresh(books, link).await
    }

    async fn supersede(&self, books: &Books, link: &Link, intent: &Intent) -> Result<(), LinkError> {
        self.gate.pass().await;
        self.desk.ledger.supersede(books, link, intent).await
    }

    async fn relink(&self, books: &Books, from: &Link, to: &Link) -> Result<(), LinkError> {
        self.gate.pass().await;
        self.desk.ledger.relink(books, from, to).await
    }

    async fn note_withdrawal(
        &self,
        books: &Books,
        kind: Kind,
        billing_id: &BillingId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.gate.pass().await;
        self.desk.ledger.note_withdrawal(books, kind, billing_id, at).await
    }

    async fn withdrawals(
        &self,
        books: &Books,
        records: &[(Kind, BillingId)],
    ) -> Result<HashMap<(Kind, BillingId), Timestamp>, StoreError> {
        self.gate.pass().await;
        self.desk.ledger.withdrawals(books, records).await
    }
}

#[async_trait]
impl ActivityLog for Stops<'_> {
    async fn record(&self, entries: &[Activity]) -> Result<(), StoreError> {
        self.gate.pass().await;
        self.desk.activity.record(entries).await
    }

    async fn entry(
        &self,
        company: &CompanyId,
        time: Timestamp,
        event: &EventId,
    ) -> Result<Option<Activity>, StoreError> {
        self.gate.pass().await;
        self.desk.activity.entry(company, time, event).await
    }

    async fn newest(&self, company: &CompanyId, limit: usize) -> Result<Vec<Activity>, StoreError> {
        self.desk.activity.newest(company, limit).await
    }

    async fn parked(&self, company: &CompanyId) -> Result<Vec<Activity>, StoreError> {
        self.gate.pass().await;
        self.desk.activity.parked(company).await
    }

    async fn waiting_for(
        &self,
        company: &CompanyId,
        records: &[(Kind, BillingId)],
    ) -> Result<Vec<Activity>, StoreError> {
        self.gate.pass().await;
        self.desk.activity.waiting_for(company, records).await
    }
}

#[async_trait]
impl Billing for Stops<'_> {
    async fn fetch(
        &self,
        company: &CompanyId,
        kind: Kind,
        id: &BillingId,
    ) -> Result<Option<Stored>, BillingError> {
        self.gate.pass().await;
        self.desk.billing.fetch(company, kind, id).await
    }

    async fn find(&self, company: &CompanyId, wanted: &BillingQuery) -> Result<Vec<Stored>, BillingError> {
        self.gate.pass().await;
        self.desk.billing.find(company, wanted).await
    }

    async fn create(&self, company: &CompanyId, record: &Record) -> Result<Stored, BillingError> {
        self.gate.pass().await;
        self.desk.billing.create(company, record).await
    }

    async fn delete(&self, company: &CompanyId, kind: Kind, id: &BillingId) -> Result<(), BillingError> {
        self.gate.pass().await;
        self.desk.billing.delete(company, kind, id).await
    }

    async fn update(
        &self,
        company: &CompanyId,
        before: &Record,
        after: &Record,
    ) -> Result<Stored, BillingError> {
        self.gate.pass().await;
        self.desk.billing.update(company, before, after).await
    }

    async fn note(
        &self,
        company: &CompanyId,
        kind: Kind,
        id: &BillingId,
        text: &str,
    ) -> Result<(), BillingError> {
        self.gate.pass().await;
        self.desk.billing.note(company, kind, id, text).await
    }
}

#[async_trait]
impl PushQueue for Stops<'_> {
    async fn send(&self, company: &CompanyId, id: &EventId, body: &str) -> Result<(), StoreError> {
        self.gate.pass().await;
        self.queue.unwrap().send(company, id, body).await
    }
}

#[async_trait]
impl Connector for Stops<'_> {
    async fn open(&self, books: &Books) -> Result<Arc<dyn QuickBooks>, OpenError> {
        let quickbooks = self.desk.connector.open(books).await?;
        Ok(Arc::new(Guarded { quickbooks, gate: Arc::clone(&self.gate) }))
    }
}

struct Guarded {
    quickbooks: Arc<dyn QuickBooks>,
    gate: Arc<Gate>,
}

#[async_trait]
impl QuickBooks for Guarded {
    async fn create(&self, entity: &Entity, request_id: &RequestId) -> Result<Entity, CallError> {
        self.gate.pass().await;
        self.quickbooks.create(entity, request_id).await
    }

    async fn update(&self, entity: &Entity, request_id: &RequestId) -> Result<Entity, CallError> {
        self.gate.pass().await;
        self.quickbooks.update(entity, request_id).await
    }

    async fn batch(
        &self,
        writes: &[Write],
        request_id: &RequestId,
    ) -> Result<Vec<Result<Entity, CallError>>, CallError> {
        self.gate.pass().await;
        self.quickbooks.batch(writes, request_id).await
    }

    async fn void(
        &self,
        kind: EntityKind,
        id: &QuickBooksId,
        sync_token: &str,
        request_id: &RequestId,
    ) -> Result<Entity, CallError> {
        self.gate.pass().await;
        self.quickbooks.void(kind, id, sync_token, request_id).await
    }

    async fn read(&self, kind: EntityKind, id: &QuickBooksId) -> Result<Option<Entity>, CallError> {
        self.gate.pass().await;
        self.quickbooks.read(kind, id).await
    }

    async fn count(&self, queries: &[Query]) -> Result<Vec<u64>, CallError> {
        self.gate.pass().await;
        self.quickbooks.count(queries).await
    }

    async fn query(&self, queries: &[Query]) -> Result<Vec<Vec<Entity>>, CallError> {
        self.gate.pass().await;
        self.quickbooks.query(queries).await
    }

    async fn changes_since(&self, kinds: &[EntityKind], since: Timestamp) -> Result<Vec<Entity>, CallError> {
        self.gate.pass().await;
        self.quickbooks.changes_since(kinds, since).await
    }

    async fn name_holders(&self, name: &str) -> Result<Vec<NameHolder>, CallError> {
        self.gate.pass().await;
        self.quickbooks.name_holders(name).await
    }

    async fn reference_lists(&self) -> Result<ReferenceLists, CallError> {
        self.gate.pass().await;
        self.quickbooks.reference_lists().await
    }
}
