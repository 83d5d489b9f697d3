//! The names of both sides, read page by page and kept for a day.

use async_trait::async_trait;
use futures::future::try_join;
use jiff::{SignedDuration, Timestamp};
use quickbooks_wire::query::{MAX_PAGE, Query};
use quickbooks_wire::{Customer, Entity, Item, ItemType};
use serde::{Deserialize, Serialize};

use super::Ports;
use crate::ids::Books;
use crate::mapping::customer;
use crate::model::{Kind, Record};
use crate::ports::{BillingError, StoreError};

use super::change::Refusal;
use super::current::{ENTRIES, told};
use crate::history;

/// How long names are good enough to choose from.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// How many pages of the activity log are read at most: 20,000 entries.
const MOST_TOLD: u32 = 39;

/// One of the two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The billing app.
    Billing,
    /// QuickBooks.
    QuickBooks,
}

/// A record or an entity, as people tell it from others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Its id on its side.
    pub id: String,
    /// What a person calls it.
    pub name: String,
    /// A client's e-mail addresses, in small letters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<String>,
    /// It cannot be mapped: a sub-customer, a category or a bundle (R41, R87).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub barred: bool,
}

impl Row {
    /// One of which only the id is known.
    pub(super) fn unnamed(id: &str) -> Row {
        Row { id: id.to_owned(), name: format!("Id {id}"), emails: Vec::new(), barred: false }
    }
}

/// How far the names of a kind are read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// When it was begun.
    pub begun_at: Timestamp,
    /// How many pages of the billing app's are kept, and where the next one begins.
    pub billing: Place,
    /// The same of QuickBooks'.
    pub quickbooks: Place,
    /// The billing app does not let itself be asked for its records; their names come from its events.
    #[serde(default)]
    pub billing_is_silent: bool,
}

/// How far one side is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Pages that are kept.
    pub pages: u32,
    /// Where the next page begins; none when there is none.
    pub next: Option<String>,
}

impl Place {
    fn first() -> Place {
        Place { pages: 0, next: Some(String::new()) }
    }

    fn after(&self, next: Option<String>) -> Place {
        Place { pages: self.pages + 1, next }
    }
}

impl Reading {
    /// Whether both sides are read whole.
    pub fn is_complete(&self) -> bool {
        self.billing.next.is_none() && self.quickbooks.next.is_none()
    }

    /// Whether the names are too old to choose from.
    pub fn is_old(&self, now: Timestamp) -> bool {
        now.duration_since(self.begun_at) >= KEPT
    }
}

/// The names of both sides of a kind, as far as they are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    /// How far that is.
    pub reading: Reading,
    /// The billing app's records.
    pub billing: Vec<Row>,
    /// QuickBooks' entities, those that cannot be mapped too.
    pub quickbooks: Vec<Row>,
}

/// Where names are kept.
#[async_trait]
pub trait Directories: Send + Sync {
    /// What is kept of a kind. Pages that [`Reading`] does not count are left out.
    async fn directory(&self, books: &Books, kind: Kind) -> Result<Option<Directory>, StoreError>;

    /// Keeps a page, counted from 0.
    async fn save_page(
        &self,
        books: &Books,
        kind: Kind,
        side: Side,
        page: u32,
        rows: &[Row],
    ) -> Result<(), StoreError>;

    /// Keeps how far a kind is read.
    async fn save_reading(&self, books: &Books, kind: Kind, reading: &Reading) -> Result<(), StoreError>;
}

/// Begins to read the names of a kind anew. Nothing is read yet.
///
/// # Errors
/// The store failed.
pub async fn begin(ports: Ports<'_>, books: &Books, kind: Kind) -> Result<Reading, StoreError> {
    let reading = Reading {
        begun_at: ports.clock.now(),
        billing: Place::first(),
        quickbooks: Place::first(),
        billing_is_silent: false,
    };
    ports.directories.save_reading(books, kind, &reading).await?;
    Ok(reading)
}

/// Reads on, a page of each side at a time, until all is read or `until` has passed.
///
/// # Errors
/// A side did not answer; what was read before is kept, and can be gone on with.
pub async fn read_on(
    ports: Ports<'_>,
    books: &Books,
    kind: Kind,
    mut reading: Reading,
    until: Timestamp,
) -> Result<Reading, Refusal> {
    while !reading.is_complete() && ports.clock.now() < until {
        let billing = billing_page(ports, books, kind, &reading);
        let quickbooks = quickbooks_page(ports, books, kind, &reading);
        let (billing, quickbooks) = try_join(billing, quickbooks).await?;
        match billing {
            Asked::Read(place) => reading.billing = place,
            Asked::Nothing => {}
            Asked::Silent => reading.billing_is_silent = true,
        }
        if let Asked::Read(place) = quickbooks {
            reading.quickbooks = place;
        }
        ports.directories.save_reading(books, kind, &reading).await?;
    }
    Ok(reading)
}

/// What asking a side for its next page came to.
enum Asked {
    Read(Place),
    Nothing,
    Silent,
}

async fn billing_page(
    ports: Ports<'_>,
    books: &Books,
    kind: Kind,
    reading: &Reading,
) -> Result<Asked, Refusal> {
    let Some(next) = &reading.billing.next else { return Ok(Asked::Nothing) };
    if reading.billing_is_silent {
        return told_page(ports, books, kind, &reading.billing, next).await;
    }
    let page = Some(next.as_str()).filter(|page| !page.is_empty());
    let page = match ports.billing.changed_since(&books.company, kind, Timestamp::UNIX_EPOCH, page).await {
        Ok(page) => page,
        Err(BillingError::NotOffered) => return Ok(Asked::Silent),
        Err(error) => return Err(error.into()),
    };
    let kept = page.records.iter().filter(|stored| !stored.deleted);
    let rows: Vec<Row> = kept.map(|stored| billing_row(&stored.record)).collect();
    ports.directories.save_page(books, kind, Side::Billing, reading.billing.pages, &rows).await?;
    Ok(Asked::Read(reading.billing.after(page.next)))
}

/// A page of the activity log, for an app that cannot be asked: the names that its events have told.
async fn told_page(
    ports: Ports<'_>,
    books: &Books,
    kind: Kind,
    place: &Place,
    next: &str,
) -> Result<Asked, Refusal> {
    let from = history::Place::parse(next);
    let entries = ports.history.before(&books.company, from.as_ref(), ENTRIES).await?;
    let more = entries.len() == ENTRIES && place.pages < MOST_TOLD;
    let next = entries.last().filter(|_| more).map(|last| history::Place::of(last).to_string());
    let rows = told(&entries, kind);
    ports.directories.save_page(books, kind, Side::Billing, place.pages, &rows).await?;
    Ok(Asked::Read(place.after(next)))
}

async fn quickbooks_page(
    ports: Ports<'_>,
    books: &Books,
    kind: Kind,
    reading: &Reading,
) -> Result<Asked, Refusal> {
    let Some(next) = &reading.quickbooks.next else { return Ok(Asked::Nothing) };
    let start: u64 = next.parse().unwrap_or(1);
    let entity = if kind == Kind::Product { "Item" } else { "Customer" };
    let query = Query::from(entity).order_by("Id").start(start).max(MAX_PAGE);
    let quickbooks = ports.connector.open(books).await?;
    let rows: Vec<Entity> = quickbooks.query(&[query]).await?.into_iter().flatten().collect();
    let more = rows.len() >= MAX_PAGE as usize;
    let next = more.then(|| (start + u64::from(MAX_PAGE)).to_string());
    let rows: Vec<Row> = rows.iter().filter_map(quickbooks_row).collect();
    ports.directories.save_page(books, kind, Side::QuickBooks, reading.quickbooks.pages, &rows).await?;
    Ok(Asked::Read(reading.quickbooks.after(next)))
}

pub(super) fn billing_row(record: &Record) -> Row {
    let (name, emails) = match record {
        Record::Client(client) => (customer::display_name(client), customer::emails(client)),
        Record::Product(product) => (product.key.trim().to_owned(), Vec::new()),
        _ => (record.label().to_owned(), Vec::new()),
    };
    Row { id: record.id().to_string(), name, emails, barred: false }
}

pub(super) fn quickbooks_row(entity: &Entity) -> Option<Row> {
    match entity {
        Entity::Customer(customer) => of_customer(customer),
        Entity::Item(item) => of_item(item),
        _ => None,
    }
}

fn of_customer(customer: &Customer) -> Option<Row> {
    let address = customer.primary_email_addr.as_ref().and_then(|email| email.address.as_deref());
    let emails = address.unwrap_or_default().split(',').map(|one| one.trim().to_lowercase());
    let sub = customer.job == Some(true) || customer.parent_ref.is_some();
    let full = customer.fully_qualified_name.as_ref().filter(|_| sub);
    Some(Row {
        id: customer.id.clone()?,
        name: full.or(customer.display_name.as_ref()).cloned().unwrap_or_default(),
        emails: emails.filter(|email| !email.is_empty()).collect(),
        barred: sub,
    })
}

fn of_item(item: &Item) -> Option<Row> {
    Some(Row {
        id: item.id.clone()?,
        name: item.fully_qualified_name.clone().or_else(|| item.name.clone()).unwrap_or_default(),
        emails: Vec::new(),
        barred: matches!(item.item_type, Some(ItemType::Category | ItemType::Group)),
    })
}
