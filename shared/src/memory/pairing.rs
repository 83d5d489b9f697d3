//! The names of both sides in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;

use super::lock;
use crate::ids::Books;
use crate::model::Kind;
use crate::pairing::{Directories, Directory, Reading, Row, Side};
use crate::ports::StoreError;

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
