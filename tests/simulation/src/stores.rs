//! The engine's ports: the stores in memory, each call of which may fail or be the worker's last.

mod app;
mod errands;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use sync::activity::{Activity, ActivityResult};
use sync::ids::{BillingId, Books, CompanyId, EventId, QuickBooksId, RealmId};
use sync::link::{Entry, Intent, Link, LinkKey};
use sync::memory::{MemoryActivityLog, MemoryCompanies, MemoryCursors, MemoryLedger};
use sync::model::Kind;
use sync::ports::{
    ActivityLog, Companies, ConnectError, Connector, Lease, Ledger, LinkError, OpenError, PushQueue,
    QuickBooks, StoreError,
};
use sync::reference::Reference;
use sync::settings::{Company, Connection};

use crate::billing::BillingApp;
use crate::chaos::Chaos;
use crate::clock::SimulatedClock;
use crate::sabotage::Sabotage;

/// Everything outside the engine but QuickBooks itself.
pub(crate) struct Stores {
    pub(crate) ledger: MemoryLedger,
    pub(crate) activity: MemoryActivityLog,
    pub(crate) companies: MemoryCompanies,
    pub(crate) cursors: MemoryCursors,
    /// What was sent to the queues and has not got there yet.
    pub(crate) posted: Mutex<Vec<Posted>>,
    pub(crate) apps: Vec<Mutex<BillingApp>>,
    pub(crate) clients: Vec<(Books, Arc<quickbooks::Client>)>,
    pub(crate) chaos: Arc<Chaos>,
    pub(crate) clock: Arc<SimulatedClock>,
    pub(crate) sabotage: Option<Sabotage>,
}

/// A message for the push queue, or for the pull queue.
pub(crate) enum Posted {
    Push(CompanyId, String),
    Pull(CompanyId, String),
}

impl Stores {
    pub(crate) fn is(&self, sabotage: Sabotage) -> bool {
        self.sabotage == Some(sabotage)
    }
}

#[async_trait]
impl Ledger for Stores {
    async fn entries(&self, books: &Books, keys: &[LinkKey]) -> Result<HashMap<LinkKey, Entry>, StoreError> {
        let mut entries = self.chaos.store("reading links", self.ledger.entries(books, keys)).await?;
        if self.is(Sabotage::LinksAreForgotten) {
            entries.retain(|key, _| !matches!(key, LinkKey::Billing(Kind::Invoice | Kind::Payment, _)));
        }
        if self.is(Sabotage::PendingIntentsAreHidden) {
            entries.retain(|_, entry| matches!(entry, Entry::Linked(_)));
        }
        for entry in entries.values_mut() {
            let Entry::Linked(link) = entry else { continue };
            match self.sabotage {
                Some(Sabotage::OldEventsCountAsNew) => link.billing_time = Timestamp::UNIX_EPOCH,
                Some(Sabotage::WhatWasSeenIsForgotten) => {
                    link.seen.clear();
                    link.last_updated.clear();
                }
                Some(Sabotage::WhatWasPushedIsForgotten) => {
                    link.pushed.values_mut().for_each(|digest| "forgotten".clone_into(digest));
                }
                _ => {}
            }
        }
        Ok(entries)
    }

    async fn billing_id(
        &self,
        books: &Books,
        kind: Kind,
        quickbooks_id: &QuickBooksId,
    ) -> Result<Option<BillingId>, StoreError> {
        self.chaos.store("reading a link", self.ledger.billing_id(books, kind, quickbooks_id)).await
    }

    async fn begin(&self, books: &Books, intent: &Intent) -> Result<Option<Entry>, LinkError> {
        let is_record = intent.billing_id.as_str().starts_with("quickbooks:");
        if self.is(Sabotage::IntentsAreForgotten) || is_record && self.is(Sabotage::RecordIntentsAreForgotten)
        {
            return Ok(None);
        }
        if self.is(Sabotage::PendingIntentsAreHidden) {
            self.ledger.begin(books, intent).await?;
            return Ok(None);
        }
        self.chaos.store("recording an intent", self.ledger.begin(books, intent)).await
    }

    async fn abandon(&self, books: &Books, intent: &Intent) -> Result<(), StoreError> {
        self.chaos.store("forgetting an intent", self.ledger.abandon(books, intent)).await
    }

    async fn take_over(&self, books: &Books, intent: &Intent, next: &Intent) -> Result<(), LinkError> {
        self.chaos.store("taking over an intent", self.ledger.take_over(books, intent, next)).await
    }

    async fn link(&self, books: &Books, link: &Link, replacing: Option<&BillingId>) -> Result<(), LinkError> {
        self.chaos.store("linking", self.ledger.link(books, link, replacing)).await
    }

    async fn refresh(&self, books: &Books, link: &Link) -> Result<(), LinkError> {
        if self.is(Sabotage::LinksAreNotRefreshed) {
            return Ok(());
        }
        self.chaos.store("refreshing a link", self.ledger.refresh(books, link)).await
    }

    async fn supersede(&self, books: &Books, link: &Link, intent: &Intent) -> Result<(), LinkError> {
        self.chaos.store("replacing a link", self.ledger.supersede(books, link, intent)).await
    }

    async fn relink(&self, books: &Books, from: &Link, to: &Link) -> Result<(), LinkError> {
        self.chaos.store("giving a record another entity", self.ledger.relink(books, from, to)).await
    }

    async fn note_withdrawal(
        &self,
        books: &Books,
        kind: Kind,
        billing_id: &BillingId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let note = self.ledger.note_withdrawal(books, kind, billing_id, at);
        self.chaos.store("remembering a withdrawal", note).await
    }

    async fn withdrawals(
        &self,
        books: &Books,
        records: &[(Kind, BillingId)],
    ) -> Result<HashMap<(Kind, BillingId), Timestamp>, StoreError> {
        self.chaos.store("reading withdrawals", self.ledger.withdrawals(books, records)).await
    }
}

#[async_trait]
impl ActivityLog for Stores {
    async fn record(&self, entries: &[Activity]) -> Result<(), StoreError> {
        let mut entries = entries.to_vec();
        if self.is(Sabotage::ActivityIsSwallowed) {
            entries.retain(|entry| entry.event.as_str().len() % 7 != 0);
        }
        for entry in &mut entries {
            if self.is(Sabotage::ParkedEventsLoseTheirBody) {
                entry.event_json = None;
            }
            if let ActivityResult::Done(done) = &mut entry.result
                && self.is(Sabotage::NotesAreLost)
            {
                done.notes.clear();
            }
        }
        self.chaos.store("storing activity", self.activity.record(&entries)).await
    }

    async fn entry(
        &self,
        company: &CompanyId,
        time: Timestamp,
        event: &EventId,
    ) -> Result<Option<Activity>, StoreError> {
        self.chaos.store("reading an entry", self.activity.entry(company, time, event)).await
    }

    async fn newest(&self, company: &CompanyId, limit: usize) -> Result<Vec<Activity>, StoreError> {
        self.chaos.store("reading activity", self.activity.newest(company, limit)).await
    }

    async fn parked(&self, company: &CompanyId) -> Result<Vec<Activity>, StoreError> {
        self.chaos.store("reading parked activity", self.activity.parked(company)).await
    }

    async fn waiting_for(
        &self,
        company: &CompanyId,
        records: &[(Kind, BillingId)],
    ) -> Result<Vec<Activity>, StoreError> {
        self.chaos.store("reading what waits", self.activity.waiting_for(company, records)).await
    }
}

#[async_trait]
impl Connector for Stores {
    async fn open(&self, books: &Books) -> Result<Arc<dyn QuickBooks>, OpenError> {
        let place = self.clients.iter().position(|(of, _)| of == books);
        let wrong = usize::from(self.is(Sabotage::EventsGoToAnotherRealm));
        let client = place.map(|place| Arc::clone(&self.clients[(place + wrong) % self.clients.len()].1));
        let open =
            async { client.map(|client| client as Arc<dyn QuickBooks>).ok_or(OpenError::NotConnected) };
        self.chaos.store("reading tokens", open).await
    }
}

#[async_trait]
impl Companies for Stores {
    async fn load(&self, company: &CompanyId) -> Result<Option<Company>, StoreError> {
        self.chaos.store("reading the company", self.companies.load(company)).await
    }

    async fn save(&self, company: &Company) -> Result<bool, StoreError> {
        self.companies.save(company).await
    }

    async fn connect(
        &self,
        company: &CompanyId,
        connection: &Connection,
        reference: &Reference,
    ) -> Result<(), ConnectError> {
        self.companies.connect(company, connection, reference).await
    }

    async fn of_realm(&self, realm: &RealmId) -> Result<Option<CompanyId>, StoreError> {
        self.companies.of_realm(realm).await
    }

    async fn reference(&self, books: &Books) -> Result<Option<Reference>, StoreError> {
        self.chaos.store("reading reference data", self.companies.reference(books)).await
    }

    async fn save_reference(&self, books: &Books, reference: &Reference) -> Result<(), StoreError> {
        self.chaos.store("storing reference data", self.companies.save_reference(books, reference)).await
    }

    async fn issue_once(
        &self,
        company: &CompanyId,
        nonce: &str,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.companies.issue_once(company, nonce, expires_at).await
    }

    async fn use_once(&self, company: &CompanyId, nonce: &str, now: Timestamp) -> Result<bool, StoreError> {
        self.companies.use_once(company, nonce, now).await
    }

    async fn acquire_lease(&self, books: &Books, lease: &Lease, now: Timestamp) -> Result<bool, StoreError> {
        self.companies.acquire_lease(books, lease, now).await
    }

    async fn release_lease(&self, books: &Books, lease: &Lease) -> Result<(), StoreError> {
        self.companies.release_lease(books, lease).await
    }
}

/// Collects what is sent to the queue.
#[derive(Default)]
pub(crate) struct Sent(Mutex<Vec<String>>);

impl Sent {
    pub(crate) fn bodies(self) -> Vec<String> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl PushQueue for Sent {
    async fn send(&self, _: &CompanyId, _: &EventId, body: &str) -> Result<(), StoreError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(body.to_owned());
        Ok(())
    }
}
