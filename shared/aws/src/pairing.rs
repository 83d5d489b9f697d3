//! The ledger as a list of pairs, and the names of both sides, in DynamoDB.
//!
//! Names stand in the companies' table: `names#{realm}#{kind}` says how far they are read, and
//! `names#{realm}#{kind}#{side}#{page}` holds a page of them. The first goes a week after it
//! was begun; pages without it mean nothing, and the next reading replaces them.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use sync::ids::{BillingId, Books, QuickBooksId};
use sync::link::Link;
use sync::model::Kind;
use sync::pairing::{Directories, Directory, Pairs, Reading, Row, Side};
use sync::ports::{LinkError, StoreError};

use crate::companies::DynamoCompanies;
use crate::item::{BadItem, Item, SK, document, expire, get_text, keyed, put_document, text};
use crate::ledger::{
    DynamoLedger, back_prefix, billing_key, is_revision, partition, quickbooks_key, read_billing_id,
};
use crate::table::{Condition, Write};

/// How long names are kept that nobody asks for again.
const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

const READING: &str = "reading the names of both sides";
const WRITING: &str = "keeping the names of both sides";

#[async_trait]
impl Pairs for DynamoLedger {
    async fn pairs(&self, books: &Books, kind: Kind) -> Result<Vec<(BillingId, QuickBooksId)>, StoreError> {
        let action = "listing links";
        let prefix = back_prefix(kind);
        let items = self.table.query_prefix(action, &partition(books), &prefix).await?;
        let pair = |item: &Item| {
            let sk = get_text(item, SK).map_err(|error| StoreError::new(action, error))?;
            let id = QuickBooksId::new(sk.trim_start_matches(prefix.as_str()));
            Ok((read_billing_id(item)?, id.map_err(|error| StoreError::new(action, error))?))
        };
        items.iter().map(pair).collect()
    }

    async fn unlink(&self, books: &Books, link: &Link) -> Result<(), LinkError> {
        let partition = partition(books);
        let is_ours = Condition::new("attribute_not_exists(#pk) OR #billing_id = :billing_id")
            .value("billing_id", text(link.billing_id.as_str()));
        let entry = keyed(&partition, &billing_key(link.kind, &link.billing_id));
        let back = keyed(&partition, &quickbooks_key(link.kind, &link.quickbooks_id));
        let writes = vec![
            Write::Delete(entry, Some(is_revision(link, link.revision))),
            Write::Delete(back, Some(is_ours)),
        ];
        self.table.transact("taking a link away", writes).await?.map_err(|_| LinkError::Changed)
    }
}

fn names_key(books: &Books, kind: Kind) -> String {
    format!("names#{}#{kind}", books.realm)
}

fn page_key(books: &Books, kind: Kind, side: Side, page: u32) -> String {
    let side = match side {
        Side::Billing => "billing",
        Side::QuickBooks => "quickbooks",
    };
    format!("{}#{side}#{page:06}", names_key(books, kind))
}

fn bad(action: &'static str) -> impl FnOnce(BadItem) -> StoreError {
    move |error| StoreError::new(action, error)
}

impl DynamoCompanies {
    async fn rows(&self, books: &Books, kind: Kind, side: Side, pages: u32) -> Result<Vec<Row>, StoreError> {
        let sks: Vec<String> = (0..pages).map(|page| page_key(books, kind, side, page)).collect();
        let mut items = self.table.get_all(READING, books.company.as_str(), &sks).await?;
        items.sort_by(|a, b| get_text(a, SK).ok().cmp(&get_text(b, SK).ok()));
        let pages: Vec<Vec<Row>> =
            items.iter().map(document).collect::<Result<_, _>>().map_err(bad(READING))?;
        Ok(pages.into_iter().flatten().collect())
    }
}

#[async_trait]
impl Directories for DynamoCompanies {
    async fn directory(&self, books: &Books, kind: Kind) -> Result<Option<Directory>, StoreError> {
        let head = self.table.get(READING, books.company.as_str(), &names_key(books, kind)).await?;
        let Some(head) = head else { return Ok(None) };
        let reading: Reading = document(&head).map_err(bad(READING))?;
        Ok(Some(Directory {
            billing: self.rows(books, kind, Side::Billing, reading.billing.pages).await?,
            quickbooks: self.rows(books, kind, Side::QuickBooks, reading.quickbooks.pages).await?,
            reading,
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
        let mut item = keyed(books.company.as_str(), &page_key(books, kind, side, page));
        put_document(&mut item, &rows).map_err(bad(WRITING))?;
        self.table.put(WRITING, item).await
    }

    async fn save_reading(&self, books: &Books, kind: Kind, reading: &Reading) -> Result<(), StoreError> {
        let mut item = keyed(books.company.as_str(), &names_key(books, kind));
        put_document(&mut item, reading).map_err(bad(WRITING))?;
        expire(&mut item, reading.begun_at.checked_add(KEPT).unwrap_or(Timestamp::MAX));
        self.table.put(WRITING, item).await
    }
}
