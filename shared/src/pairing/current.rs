//! The names as they are now: those that were read, and what came since.

use std::collections::{HashMap, HashSet};

use futures::StreamExt;
use quickbooks_wire::query::{Query, is_in};

use super::Ports;
use super::change::Refusal;
use super::directory::{Directory, Row, Side, billing_row, quickbooks_row};
use crate::activity::{self, Activity};
use crate::ids::{BillingId, Books, QuickBooksId};
use crate::model::Kind;
use crate::ports::{BillingError, StoreError};

/// How many of the newest entries of the activity log are looked at for names.
pub(super) const ENTRIES: usize = 500;
/// How many entities that are linked and in no list are asked for at once: one call.
const ENTITIES: usize = 200;
/// How many records that are linked and in no list are asked for at once: a call each.
const RECORDS: usize = 20;
/// Values in one `IN (…)`.
const VALUES: usize = 40;
/// Records that are read at a time.
const CONCURRENT: usize = 8;

/// The names of both sides with those of records that wait for somebody; with what an app that cannot be asked has told
/// in its newest events; and with those of what was linked since the names were read (R93), which are kept then. A side
/// that does not answer leaves its names as they were.
///
/// # Errors
/// A store failed.
pub async fn current(
    ports: Ports<'_>,
    books: &Books,
    kind: Kind,
    mut directory: Directory,
    pairs: &[(BillingId, QuickBooksId)],
) -> Result<Directory, StoreError> {
    let mut waiting = ports.history.parked(&books.company).await?;
    waiting.reverse();
    let listed = std::mem::take(&mut directory.billing);
    directory.billing = if directory.reading.billing_is_silent {
        let newest = ports.history.before(&books.company, None, ENTRIES).await?;
        merged([told(&newest, kind), listed, told(&waiting, kind)])
    } else {
        merged([listed, told(&waiting, kind)])
    };
    add_entities(ports, books, kind, &mut directory, pairs).await?;
    add_records(ports, books, kind, &mut directory, pairs).await?;
    Ok(directory)
}

/// The records that entries of the activity log tell of, each under the first name that it has there.
pub(super) fn told(entries: &[Activity], kind: Kind) -> Vec<Row> {
    let ours = |entry: &&Activity| {
        entry.kind == Some(kind) && entry.side == activity::Side::Billing && !entry.label.is_empty()
    };
    let row = |entry: &Activity| {
        let id = entry.billing_id.as_ref()?.to_string();
        Some(Row { name: entry.label.clone(), ..Row::unnamed(&id) })
    };
    merged([entries.iter().filter(ours).filter_map(row).collect()])
}

/// Each record once, in the order of the lists. A name that is no more than the id gives way to a later one.
fn merged<const N: usize>(lists: [Vec<Row>; N]) -> Vec<Row> {
    let (mut rows, mut places): (Vec<Row>, HashMap<String, usize>) = Default::default();
    for row in lists.into_iter().flatten() {
        match places.get(&row.id).and_then(|place| rows.get_mut(*place)) {
            Some(known) if known.name == known.id => *known = row,
            Some(_) => {}
            None => {
                places.insert(row.id.clone(), rows.len());
                rows.push(row);
            }
        }
    }
    rows
}

/// Those of `ids` that no row has, `most` at the most.
fn missing<'a>(rows: &[Row], ids: impl Iterator<Item = &'a str>, most: usize) -> Vec<&'a str> {
    let known: HashSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    ids.filter(|id| !known.contains(id)).take(most).collect()
}

async fn add_entities(
    ports: Ports<'_>,
    books: &Books,
    kind: Kind,
    directory: &mut Directory,
    pairs: &[(BillingId, QuickBooksId)],
) -> Result<(), StoreError> {
    let ids = missing(&directory.quickbooks, pairs.iter().map(|(_, id)| id.as_str()), ENTITIES);
    if ids.is_empty() {
        return Ok(());
    }
    let mut rows = match entities(ports, books, kind, &ids).await {
        Ok(rows) => rows,
        Err(Refusal::Store(error)) => return Err(error),
        Err(_) => return Ok(()),
    };
    // What is not there any more is not asked for again until all names are read anew.
    let gone = missing(&rows, ids.into_iter(), ENTITIES);
    let gone: Vec<Row> = gone.into_iter().map(|id| Row { barred: true, ..Row::unnamed(id) }).collect();
    rows.extend(gone);
    keep(ports, books, kind, Side::QuickBooks, directory, rows).await
}

async fn entities(ports: Ports<'_>, books: &Books, kind: Kind, ids: &[&str]) -> Result<Vec<Row>, Refusal> {
    let entity = if kind == Kind::Product { "Item" } else { "Customer" };
    let query = |some: &[&str]| Query::from(entity).filter(is_in("Id", some)).active_and_inactive().max(1000);
    let queries: Vec<Query> = ids.chunks(VALUES).map(query).collect();
    let found = ports.connector.open(books).await?.query(&queries).await?;
    Ok(found.iter().flatten().filter_map(quickbooks_row).collect())
}

async fn add_records(
    ports: Ports<'_>,
    books: &Books,
    kind: Kind,
    directory: &mut Directory,
    pairs: &[(BillingId, QuickBooksId)],
) -> Result<(), StoreError> {
    if directory.reading.billing_is_silent {
        return Ok(());
    }
    let ids = missing(&directory.billing, pairs.iter().map(|(id, _)| id.as_str()), RECORDS);
    if ids.is_empty() {
        return Ok(());
    }
    let ids = ids.into_iter().filter_map(|id| BillingId::new(id).ok());
    let fetch = ids.map(|id| async move {
        match ports.billing.fetch(&books.company, kind, &id).await {
            Ok(Some(stored)) => Ok(Some(billing_row(&stored.record))),
            Ok(None) => Ok(Some(Row::unnamed(id.as_str()))),
            Err(BillingError::Store(error)) => Err(error),
            Err(_) => Ok(None),
        }
    });
    let found: Vec<Result<Option<Row>, StoreError>> =
        futures::stream::iter(fetch.collect::<Vec<_>>()).buffered(CONCURRENT).collect().await;
    let rows: Vec<Row> = found.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
    keep(ports, books, kind, Side::Billing, directory, rows).await
}

/// Keeps rows as one page more of a side.
async fn keep(
    ports: Ports<'_>,
    books: &Books,
    kind: Kind,
    side: Side,
    directory: &mut Directory,
    rows: Vec<Row>,
) -> Result<(), StoreError> {
    let (place, known) = match side {
        Side::Billing => (&mut directory.reading.billing, &mut directory.billing),
        Side::QuickBooks => (&mut directory.reading.quickbooks, &mut directory.quickbooks),
    };
    ports.directories.save_page(books, kind, side, place.pages, &rows).await?;
    place.pages += 1;
    known.extend(rows);
    ports.directories.save_reading(books, kind, &directory.reading).await
}
