//! Stores that only pretend to be written to, for a preview: they read what is there, and remember what was written by
//! themselves, so that the same decisions are made as in earnest and nothing becomes of them.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;

use crate::activity::Activity;
use crate::ids::{BillingId, Books, CompanyId, EventId, QuickBooksId};
use crate::link::{Entry, Intent, Link, LinkKey};
use crate::model::{Kind, Record};
use crate::ports::{
    ActivityLog, Billing, BillingError, BillingQuery, Ledger, LinkError, Page, StoreError, Stored,
};
use crate::push::Ports;

/// The ports of a pull, of which ledger, billing app and activity log only pretend.
pub(super) struct Rehearsal<'a> {
    real: Ports<'a>,
    pretended: Mutex<Pretended>,
}

/// What would be there by now, and is not.
#[derive(Default)]
struct Pretended {
    /// None for what would be gone.
    entries: HashMap<LinkKey, Option<Entry>>,
    holders: HashMap<(Kind, QuickBooksId), BillingId>,
    /// None for what would be deleted.
    records: HashMap<(Kind, BillingId), Option<Stored>>,
    made: u64,
}

impl<'a> Rehearsal<'a> {
    pub(super) fn of(real: Ports<'a>) -> Rehearsal<'a> {
        Rehearsal { real, pretended: Mutex::default() }
    }

    pub(super) fn ports(&self) -> Ports<'_> {
        Ports { ledger: self, billing: self, activity: self, ..self.real }
    }

    fn pretended(&self) -> MutexGuard<'_, Pretended> {
        self.pretended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn entry(&self, books: &Books, key: &LinkKey) -> Result<Option<Entry>, StoreError> {
        Ok(self.entries(books, std::slice::from_ref(key)).await?.remove(key))
    }
}

fn billing_key(kind: Kind, id: &BillingId) -> LinkKey {
    LinkKey::Billing(kind, id.clone())
}

impl Pretended {
    fn put(&mut self, link: &Link) {
        let entry = Some(Entry::Linked(link.clone()));
        if let Some(key) = &link.product_key {
            self.entries.insert(LinkKey::ProductKey(key.clone()), entry.clone());
        }
        self.entries.insert(billing_key(link.kind, &link.billing_id), entry);
        self.holders.insert((link.kind, link.quickbooks_id.clone()), link.billing_id.clone());
    }
}

#[async_trait]
impl Ledger for Rehearsal<'_> {
    async fn entries(&self, books: &Books, keys: &[LinkKey]) -> Result<HashMap<LinkKey, Entry>, StoreError> {
        let mut found: HashMap<LinkKey, Entry> = HashMap::new();
        let mut others = Vec::new();
        for key in keys {
            match self.pretended().entries.get(key) {
                Some(entry) => found.extend(entry.clone().map(|entry| (key.clone(), entry))),
                None => others.push(key.clone()),
            }
        }
        if !others.is_empty() {
            found.extend(self.real.ledger.entries(books, &others).await?);
        }
        Ok(found)
    }

    async fn billing_id(
        &self,
        books: &Books,
        kind: Kind,
        quickbooks_id: &QuickBooksId,
    ) -> Result<Option<BillingId>, StoreError> {
        let wanted = (kind, quickbooks_id.clone());
        Ok(self.billing_ids(books, std::slice::from_ref(&wanted)).await?.remove(&wanted))
    }

    async fn billing_ids(
        &self,
        books: &Books,
        ids: &[(Kind, QuickBooksId)],
    ) -> Result<HashMap<(Kind, QuickBooksId), BillingId>, StoreError> {
        let mut found = self.real.ledger.billing_ids(books, ids).await?;
        let pretended = self.pretended();
        let ours = ids.iter().filter_map(|id| Some((id.clone(), pretended.holders.get(id)?.clone())));
        found.extend(ours);
        Ok(found)
    }

    async fn begin(&self, books: &Books, intent: &Intent) -> Result<Option<Entry>, LinkError> {
        let key = billing_key(intent.kind, &intent.billing_id);
        if let Some(entry) = self.entry(books, &key).await? {
            return Ok(Some(entry));
        }
        self.pretended().entries.insert(key, Some(Entry::Pending(intent.clone())));
        Ok(None)
    }

    async fn abandon(&self, _: &Books, intent: &Intent) -> Result<(), StoreError> {
        self.pretended().entries.insert(billing_key(intent.kind, &intent.billing_id), None);
        Ok(())
    }

    async fn take_over(&self, _: &Books, _: &Intent, next: &Intent) -> Result<(), LinkError> {
        let key = billing_key(next.kind, &next.billing_id);
        self.pretended().entries.insert(key, Some(Entry::Pending(next.clone())));
        Ok(())
    }

    async fn link(&self, books: &Books, link: &Link, replacing: Option<&BillingId>) -> Result<(), LinkError> {
        if let Some(Entry::Linked(stored)) =
            self.entry(books, &billing_key(link.kind, &link.billing_id)).await?
            && stored.quickbooks_id != link.quickbooks_id
        {
            return Err(LinkError::BillingTaken(stored.quickbooks_id));
        }
        let holder = self.billing_id(books, link.kind, &link.quickbooks_id).await?;
        if let Some(holder) = holder.filter(|holder| *holder != link.billing_id && Some(holder) != replacing)
        {
            return Err(LinkError::QuickBooksTaken(holder));
        }
        let mut pretended = self.pretended();
        if let Some(stand_in) = replacing {
            pretended.entries.insert(billing_key(link.kind, stand_in), None);
        }
        pretended.put(link);
        Ok(())
    }

    async fn refresh(&self, _: &Books, link: &Link) -> Result<(), LinkError> {
        self.pretended().put(link);
        Ok(())
    }

    async fn supersede(&self, _: &Books, _: &Link, intent: &Intent) -> Result<(), LinkError> {
        let key = billing_key(intent.kind, &intent.billing_id);
        self.pretended().entries.insert(key, Some(Entry::Pending(intent.clone())));
        Ok(())
    }

    async fn relink(&self, _: &Books, _: &Link, to: &Link) -> Result<(), LinkError> {
        self.pretended().put(to);
        Ok(())
    }

    async fn note_withdrawal(
        &self,
        _: &Books,
        _: Kind,
        _: &BillingId,
        _: Timestamp,
    ) -> Result<(), StoreError> {
        Ok(())
    }

    async fn withdrawals(
        &self,
        books: &Books,
        records: &[(Kind, BillingId)],
    ) -> Result<HashMap<(Kind, BillingId), Timestamp>, StoreError> {
        self.real.ledger.withdrawals(books, records).await
    }
}

#[async_trait]
impl Billing for Rehearsal<'_> {
    async fn fetch(
        &self,
        company: &CompanyId,
        kind: Kind,
        id: &BillingId,
    ) -> Result<Option<Stored>, BillingError> {
        let pretended = self.pretended().records.get(&(kind, id.clone())).cloned();
        match pretended {
            Some(record) => Ok(record),
            None => self.real.billing.fetch(company, kind, id).await,
        }
    }

    async fn find(&self, company: &CompanyId, wanted: &BillingQuery) -> Result<Vec<Stored>, BillingError> {
        let mut found = self.real.billing.find(company, wanted).await?;
        let pretended = self.pretended();
        found.retain(|stored| {
            !pretended.records.contains_key(&(stored.record.kind(), stored.record.id().clone()))
        });
        let ours = pretended.records.values().flatten();
        found.extend(ours.filter(|stored| wanted.fits(&stored.record)).cloned());
        Ok(found)
    }

    async fn create(&self, _: &CompanyId, record: &Record) -> Result<Stored, BillingError> {
        let mut pretended = self.pretended();
        pretended.made += 1;
        let id = BillingId::new(format!("new-{}", pretended.made))
            .map_err(|error| StoreError::new("naming a record", error))?;
        let stored = Stored { record: record.under(&id), updated_at: Timestamp::UNIX_EPOCH, deleted: false };
        pretended.records.insert((record.kind(), id), Some(stored.clone()));
        Ok(stored)
    }

    async fn update(&self, _: &CompanyId, _: &Record, after: &Record) -> Result<Stored, BillingError> {
        let updated_at = self.real.clock.now();
        let stored = Stored { record: after.clone(), updated_at, deleted: false };
        self.pretended().records.insert((after.kind(), after.id().clone()), Some(stored.clone()));
        Ok(stored)
    }

    async fn delete(&self, _: &CompanyId, kind: Kind, id: &BillingId) -> Result<(), BillingError> {
        self.pretended().records.insert((kind, id.clone()), None);
        Ok(())
    }

    async fn note(&self, _: &CompanyId, _: Kind, _: &BillingId, _: &str) -> Result<(), BillingError> {
        Ok(())
    }

    /// What is really there; what is made up is noted by who makes it up.
    async fn changed_since(
        &self,
        company: &CompanyId,
        kind: Kind,
        since: Timestamp,
        page: Option<&str>,
    ) -> Result<Page, BillingError> {
        self.real.billing.changed_since(company, kind, since, page).await
    }
}

#[async_trait]
impl ActivityLog for Rehearsal<'_> {
    async fn record(&self, _: &[Activity]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn entry(
        &self,
        company: &CompanyId,
        time: Timestamp,
        event: &EventId,
    ) -> Result<Option<Activity>, StoreError> {
        self.real.activity.entry(company, time, event).await
    }

    async fn newest(&self, company: &CompanyId, limit: usize) -> Result<Vec<Activity>, StoreError> {
        self.real.activity.newest(company, limit).await
    }

    async fn parked(&self, company: &CompanyId) -> Result<Vec<Activity>, StoreError> {
        self.real.activity.parked(company).await
    }

    async fn waiting_for(
        &self,
        company: &CompanyId,
        records: &[(Kind, BillingId)],
    ) -> Result<Vec<Activity>, StoreError> {
        self.real.activity.waiting_for(company, records).await
    }
}
