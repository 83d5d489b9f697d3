//! The activity log in DynamoDB.
//!
//! The partition is the company, the sort key `{time}#{event id}`. Parked entries also carry `parked_company`, the
//! key of the index `parked`; the others expire.
//!
//! An entry holds its event, and an event may be longer than an item can be. Then the packed entry goes on in items
//! of its own, in the partition `{company}#parts` under `{time}#{event id}#{number}`; they are written before the
//! entry that names them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use sync::activity::{Activity, ActivityResult};
use sync::ids::CompanyId;
use sync::ports::{ActivityLog, StoreError};

use crate::item::{
    BadItem, Document, Item, PACKED_MAX, SK, document, expire, get_number, get_text, keyed, number, pack,
    packed, put_packed, put_plain, text, unpack,
};
use crate::table::{Condition, Range, Table, Written};

const PARKED_INDEX: &str = "parked";
const PARKED_COMPANY: &str = "parked_company";
/// There when the entry says Done.
const DONE: &str = "done";
/// How many further items an entry has.
const PARTS: &str = "parts";

/// How long an entry that waits for nobody is kept.
const KEPT: SignedDuration = SignedDuration::from_hours(180 * 24);
/// Writes in flight at a time.
const CONCURRENT: usize = 8;

const READING: &str = "reading the activity log";
const WRITING: &str = "writing the activity log";

/// The activity of all companies in one table.
#[derive(Clone, Debug)]
pub struct DynamoActivityLog {
    table: Table,
}

impl DynamoActivityLog {
    pub(crate) fn new(table: Table) -> DynamoActivityLog {
        DynamoActivityLog { table }
    }

    async fn write(&self, sk: String, entry: &Activity) -> Result<(), StoreError> {
        let company = entry.company.as_str();
        let parked = entry.result.is_parked();
        let mut item = keyed(company, &sk);
        let mut parts = 0;
        match pack(entry).map_err(bad(WRITING))? {
            Document::Plain(json) => put_plain(&mut item, json),
            Document::Packed(bytes) => {
                let mut chunks = bytes.chunks(PACKED_MAX);
                put_packed(&mut item, chunks.next().unwrap_or_default().to_vec());
                for chunk in chunks {
                    self.write_part(entry, &part_key(&sk, parts), chunk).await?;
                    parts += 1;
                }
            }
        }
        if parts > 0 {
            item.insert(PARTS.to_owned(), number(parts));
        }
        if parked {
            item.insert(PARKED_COMPANY.to_owned(), text(company));
        } else {
            expire(&mut item, expiry(entry));
        }
        if matches!(entry.result, ActivityResult::Done(_)) {
            item.insert(DONE.to_owned(), number(1));
        }
        let needless =
            match self.table.put_if(WRITING, item, Condition::new("attribute_not_exists(#done)")).await? {
                Written::Yes(before) => parts..before.and_then(|item| get_number(&item, PARTS)).unwrap_or(0),
                Written::No(_) => 0..parts,
            };
        for part in needless {
            self.table.delete(WRITING, &parts_partition(company), &part_key(&sk, part)).await?;
        }
        Ok(())
    }

    async fn write_part(&self, entry: &Activity, sk: &str, chunk: &[u8]) -> Result<(), StoreError> {
        let mut item = keyed(&parts_partition(entry.company.as_str()), sk);
        put_packed(&mut item, chunk.to_vec());
        if !entry.result.is_parked() {
            expire(&mut item, expiry(entry));
        }
        self.table.put(WRITING, item).await?;
        Ok(())
    }

    async fn read(&self, company: &CompanyId, item: Item) -> Result<Activity, StoreError> {
        let parts = get_number(&item, PARTS).unwrap_or(0);
        if parts == 0 {
            return document(&item).map_err(bad(READING));
        }
        let sk = get_text(&item, SK).map_err(bad(READING))?;
        let mut bytes = packed(&item).map_err(bad(READING))?.to_vec();
        for part in 0..parts {
            let part =
                self.table.get(READING, &parts_partition(company.as_str()), &part_key(sk, part)).await?;
            let part = part.ok_or_else(|| bad(READING)(BadItem::Missing(PARTS)))?;
            bytes.extend(packed(&part).map_err(bad(READING))?);
        }
        unpack(&bytes).map_err(bad(READING))
    }

    async fn read_all(&self, company: &CompanyId, items: Vec<Item>) -> Result<Vec<Activity>, StoreError> {
        let reads: Vec<_> = items.into_iter().map(|item| self.read(company, item)).collect();
        stream::iter(reads).buffered(CONCURRENT).try_collect().await
    }
}

/// Sorts as time does: all of the same length.
fn sort_key(entry: &Activity) -> String {
    format!("{:.9}#{}", entry.time, entry.event)
}

fn parts_partition(company: &str) -> String {
    format!("{company}#parts")
}

fn part_key(sk: &str, part: u64) -> String {
    format!("{sk}#{part}")
}

fn expiry(entry: &Activity) -> Timestamp {
    entry.handled_at.checked_add(KEPT).unwrap_or(Timestamp::MAX)
}

fn bad(action: &'static str) -> impl FnOnce(BadItem) -> StoreError {
    move |error| StoreError::new(action, error)
}

#[async_trait]
impl ActivityLog for DynamoActivityLog {
    async fn record(&self, entries: &[Activity]) -> Result<(), StoreError> {
        // The last entry of an event stands, though the writes overtake each other.
        let last: BTreeMap<(&CompanyId, String), &Activity> =
            entries.iter().map(|entry| ((&entry.company, sort_key(entry)), entry)).collect();
        let writes: Vec<_> = last.into_iter().map(|((_, sk), entry)| self.write(sk, entry)).collect();
        stream::iter(writes).buffer_unordered(CONCURRENT).try_collect().await
    }

    async fn newest(&self, company: &CompanyId, limit: usize) -> Result<Vec<Activity>, StoreError> {
        let range = Range { index: None, pk: ("pk", company.as_str()), forward: false, limit };
        let items = self.table.query(READING, &range).await?;
        self.read_all(company, items).await
    }

    async fn parked(&self, company: &CompanyId) -> Result<Vec<Activity>, StoreError> {
        let pk = (PARKED_COMPANY, company.as_str());
        let range = Range { index: Some(PARKED_INDEX), pk, forward: true, limit: usize::MAX };
        let items = self.table.query(READING, &range).await?;
        self.read_all(company, items).await
    }
}

#[cfg(test)]
mod tests {
    use sync::ids::EventId;

    use super::*;

    fn at(time: &str) -> String {
        let time: Timestamp = time.parse().unwrap();
        sort_key(&Activity {
            company: CompanyId::new("acme").unwrap(),
            event: EventId::new("e1").unwrap(),
            time,
            handled_at: time,
            realm: None,
            kind: None,
            billing_id: None,
            label: String::new(),
            quickbooks_id: None,
            result: ActivityResult::Skipped { reason: "test".into() },
            event_json: None,
        })
    }

    #[test]
    fn sort_keys_sort_as_time_does() {
        assert_eq!(at("2026-03-01T10:00:00Z"), "2026-03-01T10:00:00.000000000Z#e1");
        assert!(at("2026-03-01T10:00:00Z") < at("2026-03-01T10:00:00.5Z"));
        assert!(at("2026-03-01T10:00:00.5Z") < at("2026-03-01T10:00:01Z"));
    }
}
