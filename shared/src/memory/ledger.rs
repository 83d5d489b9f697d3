//! Who is linked with whom, in memory.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use async_trait::async_trait;
use jiff::Timestamp;

use super::lock;
use crate::ids::{BillingId, Books, QuickBooksId};
use crate::link::{Entry, Intent, Link, LinkKey};
use crate::model::Kind;
use crate::pairing::Pairs;
use crate::ports::{Ledger, LinkError, StoreError};

/// The longest body of an intent, in bytes.
const LONGEST_BODY: usize = 800_000;

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

#[async_trait]
impl Pairs for MemoryLedger {
    async fn pairs(&self, books: &Books, kind: Kind) -> Result<Vec<(BillingId, QuickBooksId)>, StoreError> {
        let shelves = lock(&self.0);
        let all = shelves.get(books).into_iter().flat_map(|shelf| &shelf.by_quickbooks);
        let ours = all.filter(|((of, _), _)| *of == kind);
        Ok(ours.map(|((_, quickbooks), billing)| (billing.clone(), quickbooks.clone())).collect())
    }

    async fn unlink(&self, books: &Books, link: &Link) -> Result<(), LinkError> {
        let mut shelves = lock(&self.0);
        let shelf = shelves.entry(books.clone()).or_default();
        let stored = shelf.linked(link);
        if !stored.is_some_and(|stored| {
            stored.quickbooks_id == link.quickbooks_id && stored.revision == link.revision
        }) {
            return Err(LinkError::Changed);
        }
        shelf.by_billing.remove(&(link.kind, link.billing_id.clone()));
        shelf.by_quickbooks.remove(&(link.kind, link.quickbooks_id.clone()));
        Ok(())
    }
}
