//! Pairs and names of both sides in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;

use super::{MemoryLedger, lock};
use crate::ids::{BillingId, Books, QuickBooksId};
use crate::link::Link;
use crate::model::Kind;
use crate::pairing::{Directories, Directory, Pairs, Reading, Row, Side};
use crate::ports::{LinkError, StoreError};

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

/// [`Directories`] in memory.
#[derive(Debug, Default)]
pub struct MemoryDirectories(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    readings: BTreeMap<(Books, Kind), Reading>,
    pages: BTreeMap<(Books, Kind, Side, u32), Vec<Row>>,
}

#[async_trait]
impl Directories for MemoryDirectories {
    async fn directory(&self, books: &Books, kind: Kind) -> Result<Option<Directory>, StoreError> {
        let kept = lock(&self.0);
        let Some(reading) = kept.readings.get(&(books.clone(), kind)) else { return Ok(None) };
        let rows = |side: Side, pages: u32| {
            let page = |page| kept.pages.get(&(books.clone(), kind, side, page));
            (0..pages).filter_map(page).flatten().cloned().collect()
        };
        Ok(Some(Directory {
            billing: rows(Side::Billing, reading.billing.pages),
            quickbooks: rows(Side::QuickBooks, reading.quickbooks.pages),
            reading: reading.clone(),
        }))
    }

    async fn save_page(
        &self,
        books: &Books,
        kind: Kind,
        side: Side,
        page: u32,
        rows: &[Row],
    ) -> Result<(), StoreError> {
        lock(&self.0).pages.insert((books.clone(), kind, side, page), rows.to_vec());
        Ok(())
    }

    async fn save_reading(&self, books: &Books, kind: Kind, reading: &Reading) -> Result<(), StoreError> {
        lock(&self.0).readings.insert((books.clone(), kind), reading.clone());
        Ok(())
    }
}
