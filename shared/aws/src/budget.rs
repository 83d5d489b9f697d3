//! Each realm's budget in DynamoDB: one item, `{company}` / `budget#{realm}`, with the schedule and its version.
//!
//! A turn costs one small conditional write and no read: a process remembers the item as it last saw it, and a refused
//! write brings the one that is there. Within a process the callers of a realm come one after the other, so that only
//! functions race, of which a realm seldom has more than two or three. Turns are 125 milliseconds apart and a write
//! takes some 5, so taking several at once would save next to nothing and waste what a function does not use.

use std::collections::HashMap;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use sync::ids::Books;
use sync::limits::{Call, Schedule, Spent, Turn};
use sync::ports::{Budget, StoreError};
use tokio::sync::Mutex;
use tokio::time::sleep;

use crate::item::{BadItem, Item, document, get_number, keyed, number, put_document};
use crate::table::{Condition, Table, Written};

const VERSION: &str = "version";
/// How often a change is tried against others who make one at the same moment.
const TRIES: u32 = 20;
/// The pause after the first collision; it grows with each.
const PAUSE: Duration = Duration::from_millis(3);

/// The budgets in one table. Clones share what they remember.
#[derive(Clone, Debug)]
pub struct DynamoBudget {
    table: Table,
    seen: Arc<StdMutex<HashMap<Books, Arc<Mutex<Seen>>>>>,
}

/// A realm's item as this process last saw it. Version 0 stands for none.
#[derive(Clone, Debug, Default)]
struct Seen {
    version: u64,
    schedule: Schedule,
}

impl Seen {
    fn read(item: &Item) -> Result<Seen, BadItem> {
        if item.is_empty() {
            return Ok(Seen::default());
        }
        Ok(Seen { version: get_number(item, VERSION)?, schedule: document(item)? })
    }
}

impl DynamoBudget {
    pub(crate) fn new(table: Table) -> DynamoBudget {
        DynamoBudget { table, seen: Arc::default() }
    }

    fn seen(&self, books: &Books) -> Arc<Mutex<Seen>> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(seen.entry(books.clone()).or_default())
    }

    /// Makes a change to the schedule as it is stored, and stores it unless it changes nothing.
    async fn change<T>(
        &self,
        action: &'static str,
        books: &Books,
        change: impl Fn(&mut Schedule) -> T,
    ) -> Result<T, StoreError> {
        let seen = self.seen(books);
        let mut seen = seen.lock().await;
        for attempt in 1..=TRIES {
            let mut schedule = seen.schedule.clone();
            let result = change(&mut schedule);
            if schedule == seen.schedule {
                // Turns and pauses only move on: what is too late by an old state is too late by the present one.
                return Ok(result);
            }
            let next = Seen { version: seen.version + 1, schedule };
            let item = item(books, &next).map_err(|error| StoreError::new(action, error))?;
            match self.table.put_if(action, item, follows(seen.version)).await? {
                Written::Yes(_) => {
                    *seen = next;
                    return Ok(result);
                }
                Written::No(item) => {
                    *seen = Seen::read(&item).map_err(|error| StoreError::new(action, error))?;
                }
            }
            // The first refusal most often says that others were at work while this process slept.
            sleep(PAUSE * (attempt - 1)).await;
        }
        Err(StoreError::new(action, "others kept changing the budget"))
    }
}

fn sort_key(books: &Books) -> String {
    format!("budget#{}", books.realm)
}

fn item(books: &Books, seen: &Seen) -> Result<Item, BadItem> {
    let mut item = keyed(books.company.as_str(), &sort_key(books));
    item.insert(VERSION.to_owned(), number(seen.version));
    put_document(&mut item, &seen.schedule)?;
    Ok(item)
}

fn follows(version: u64) -> Condition {
    match version {
        0 => Condition::new("attribute_not_exists(#pk)"),
        version => Condition::new("#version = :before").value("before", number(version)),
    }
}

#[async_trait]
impl Budget for DynamoBudget {
    async fn reserve(
        &self,
        books: &Books,
        call: Call,
        now: Timestamp,
        latest: Timestamp,
    ) -> Result<Turn, StoreError> {
        self.change("taking a turn", books, |schedule| schedule.reserve(call, now, latest)).await
    }

    async fn pause(&self, books: &Books, until: Timestamp) -> Result<(), StoreError> {
        self.change("pausing a realm", books, |schedule| schedule.pause(until)).await
    }

    async fn spent(&self, books: &Books, at: Timestamp) -> Result<Spent, StoreError> {
        let action = "reading a budget";
        let item = self.table.get(action, books.company.as_str(), &sort_key(books)).await?;
        let seen = Seen::read(&item.unwrap_or_default()).map_err(|error| StoreError::new(action, error))?;
        Ok(seen.schedule.spent(at))
    }
}
