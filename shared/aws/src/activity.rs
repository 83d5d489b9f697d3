//! The activity log in DynamoDB.
//!
//! The partition is the company, the sort key `{time}#{event id}`. A parked entry also has a mark under the same sort
//! key in the partition `{company}#parked`, and one that waits for a record another in that record's partition,
//! `{company}#waiting#{kind}#{billing id}`, so that they are found without reading all others, and consistently: an
//! index would lag behind. A mark without its entry means nothing. Entries that are not parked expire.
//!
//! The index `records` lists the entries of each record under their attribute `record`.
//!
//! An entry holds its event, and an event may be longer than an item can be. Then the packed entry goes on in items
//! of its own, in the partition `{company}#parts`; they are written before the entry that names them in `parts`.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::types::AttributeValue;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use sync::activity::{Activity, ActivityResult};
use sync::history::{History, Place};
use sync::ids::{BillingId, CompanyId, EventId};
use sync::model::Kind;
use sync::ports::{ActivityLog, StoreError};

use crate::item::{
    BadItem, Document, Item, PACKED_MAX, SK, document, expire, get_text, keyed, pack, packed, put_packed,
    put_plain, text, unpack,
};
use crate::table::{Condition, Order, Table, Write, Written};

/// There when the entry is parked.
const PARKED: &str = "parked";
/// The partition of the record that the entry waits for.
const WAITING: &str = "waiting";
/// The sort keys of an entry's further items.
const PARTS: &str = "parts";
/// There when the entry says Done.
const DONE: &str = "done";

/// The record that the entry is about, for the index of the same name.
const RECORD: &str = "record";
/// The index by [`RECORD`] (template.yaml).
const RECORDS: &str = "records";

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
        let is_open = Condition::new("attribute_not_exists(#done)");
        let Some(stored) = self.put(&sk, entry, is_open).await? else { return Ok(()) };
        let stored = self.read(&entry.company, stored).await?;
        match stored.done_again(entry) {
            Some(both) => {
                let is_done = Condition::new("attribute_exists(#done)");
                self.put(&sk, &both, is_done).await.map(|_| ())
            }
            None => Ok(()),
        }
    }

    /// Puts an entry in its place. Returns what is stored there instead if the condition does not hold for that.
    async fn put(
        &self,
        sk: &str,
        entry: &Activity,
        condition: Condition,
    ) -> Result<Option<Item>, StoreError> {
        let company = entry.company.as_str();
        let mut item = keyed(company, sk);
        let parts = match pack(entry).map_err(bad(WRITING))? {
            Document::Plain(json) => {
                put_plain(&mut item, json);
                Vec::new()
            }
            Document::Packed(bytes) => self.write_packed(&mut item, sk, entry, &bytes).await?,
        };
        if is_done(entry) {
            item.insert(DONE.to_owned(), AttributeValue::Bool(true));
        }
        if let (Some(kind), Some(id)) = (entry.kind, &entry.billing_id) {
            item.insert(RECORD.to_owned(), text(record_key(company, kind, id)));
        }
        let waiting = entry.result.waits_for().map(|record| waiting_partition(company, record));
        if let Some(waiting) = &waiting {
            item.insert(WAITING.to_owned(), text(waiting));
        }
        if entry.result.is_parked() {
            item.insert(PARKED.to_owned(), AttributeValue::Bool(true));
        } else {
            expire(&mut item, expiry(entry));
        }
        let replaced = match self.table.put_if(WRITING, item, condition).await? {
            Written::Yes(replaced) => replaced.unwrap_or_default(),
            Written::No(stored) => {
                self.drop_parts(company, &parts, &parts_of(&stored)).await?;
                return Ok(Some(stored));
            }
        };
        self.drop_parts(company, &parts_of(&replaced), &parts).await?;
        if let Some(waiting) = &waiting {
            self.table.put(WRITING, keyed(waiting, sk)).await?;
        }
        if let Ok(before) = get_text(&replaced, WAITING)
            && waiting.as_deref() != Some(before)
        {
            let waits_no_more = Condition::new("attribute_not_exists(#waiting) OR #waiting <> :waiting")
                .value("waiting", text(before));
            self.unmark(company, before, sk, waits_no_more).await?;
        }
        if entry.result.is_parked() {
            self.table.put(WRITING, keyed(&parked_partition(company), sk)).await?;
        } else if replaced.contains_key(PARKED) {
            let is_not_parked = Condition::new("attribute_not_exists(#parked)");
            self.unmark(company, &parked_partition(company), sk, is_not_parked).await?;
        }
        Ok(None)
    }

    /// Deletes an entry's further items, save those that stand.
    async fn drop_parts(&self, company: &str, parts: &[String], stand: &[String]) -> Result<(), StoreError> {
        for part in parts.iter().filter(|part| !stand.contains(part)) {
            self.table.delete(WRITING, &parts_partition(company), part).await?;
        }
        Ok(())
    }

    /// Takes the mark in a partition away, unless the entry needs it again.
    async fn unmark(
        &self,
        company: &str,
        partition: &str,
        sk: &str,
        is_idle: Condition,
    ) -> Result<(), StoreError> {
        let writes =
            vec![Write::Check(keyed(company, sk), is_idle), Write::Delete(keyed(partition, sk), None)];
        self.table.transact(WRITING, writes).await.map(|_| ())
    }

    /// The entries that have a mark in a partition, oldest first.
    async fn marked(&self, company: &CompanyId, partition: &str) -> Result<Vec<Activity>, StoreError> {
        let marks = self.table.query(READING, partition, Order::Ascending, usize::MAX).await?;
        let sks: Vec<String> = marks
            .iter()
            .map(|mark| get_text(mark, SK).map(str::to_owned))
            .collect::<Result<_, _>>()
            .map_err(bad(READING))?;
        let mut items = self.table.get_all(READING, company.as_str(), &sks).await?;
        items.retain(|item| item.contains_key(PARKED));
        items.sort_by(|a, b| get_text(a, SK).ok().cmp(&get_text(b, SK).ok()));
        self.read_all(company, items).await
    }

    /// Puts the beginning into the item and writes the rest. Returns the keys of what it has written.
    async fn write_packed(
        &self,
        item: &mut Item,
        sk: &str,
        entry: &Activity,
        bytes: &[u8],
    ) -> Result<Vec<String>, StoreError> {
        let mut chunks = bytes.chunks(PACKED_MAX);
        put_packed(item, chunks.next().unwrap_or_default().to_vec());
        let version: String =
            Sha256::digest(bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let mut keys = Vec::new();
        for (number, chunk) in chunks.enumerate() {
            let key = format!("{sk}#{version}#{number}");
            let mut part = keyed(&parts_partition(entry.company.as_str()), &key);
            put_packed(&mut part, chunk.to_vec());
            if !entry.result.is_parked() {
                expire(&mut part, expiry(entry));
            }
            self.table.put(WRITING, part).await?;
            keys.push(key);
        }
        if !keys.is_empty() {
            item.insert(PARTS.to_owned(), AttributeValue::L(keys.iter().map(text).collect()));
        }
        Ok(keys)
    }

    async fn read(&self, company: &CompanyId, item: Item) -> Result<Activity, StoreError> {
        let parts = parts_of(&item);
        if parts.is_empty() {
            return document(&item).map_err(bad(READING));
        }
        let mut bytes = packed(&item).map_err(bad(READING))?.to_vec();
        for key in parts {
            let part = self.table.get(READING, &parts_partition(company.as_str()), &key).await?;
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
fn key(time: Timestamp, event: &EventId) -> String {
    format!("{time:.9}#{event}")
}

fn sort_key(entry: &Activity) -> String {
    key(entry.time, &entry.event)
}

fn parked_partition(company: &str) -> String {
    format!("{company}#parked")
}

fn waiting_partition(company: &str, (kind, id): &(Kind, BillingId)) -> String {
    format!("{company}#waiting#{kind}#{id}")
}

fn record_key(company: &str, kind: Kind, id: &BillingId) -> String {
    format!("{company}#{kind}#{id}")
}

fn parts_partition(company: &str) -> String {
    format!("{company}#parts")
}

fn parts_of(item: &Item) -> Vec<String> {
    let keys = item.get(PARTS).and_then(|parts| parts.as_l().ok());
    keys.into_iter().flatten().filter_map(|key| key.as_s().ok().cloned()).collect()
}

fn is_done(entry: &Activity) -> bool {
    matches!(entry.result, ActivityResult::Done(_))
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
        // One write for each event, as the writes overtake each other: the last, or the first that says Done.
        let mut last: BTreeMap<(&CompanyId, String), &Activity> = BTreeMap::new();
        for entry in entries {
            let stands = last.entry((&entry.company, sort_key(entry))).or_insert(entry);
            if !is_done(stands) {
                *stands = entry;
            }
        }
        let writes: Vec<_> = last.into_iter().map(|((_, sk), entry)| self.write(sk, entry)).collect();
        stream::iter(writes).buffer_unordered(CONCURRENT).try_collect().await
    }

    async fn entry(
        &self,
        company: &CompanyId,
        time: Timestamp,
        event: &EventId,
    ) -> Result<Option<Activity>, StoreError> {
        match self.table.get(READING, company.as_str(), &key(time, event)).await? {
            Some(item) => self.read(company, item).await.map(Some),
            None => Ok(None),
        }
    }

    async fn newest(&self, company: &CompanyId, limit: usize) -> Result<Vec<Activity>, StoreError> {
        let items = self.table.query(READING, company.as_str(), Order::Descending, limit).await?;
        self.read_all(company, items).await
    }

    async fn parked(&self, company: &CompanyId) -> Result<Vec<Activity>, StoreError> {
        self.marked(company, &parked_partition(company.as_str())).await
    }

    async fn waiting_for(
        &self,
        company: &CompanyId,
        records: &[(Kind, BillingId)],
    ) -> Result<Vec<Activity>, StoreError> {
        let partitions: Vec<String> =
            records.iter().map(|record| waiting_partition(company.as_str(), record)).collect();
        let reads: Vec<_> = partitions.iter().map(|partition| self.marked(company, partition)).collect();
        let found: Vec<Vec<Activity>> = stream::iter(reads).buffered(CONCURRENT).try_collect().await?;
        let mut waiting: Vec<Activity> = found.into_iter().flatten().collect();
        waiting.retain(|entry| entry.result.waits_for().is_some_and(|record| records.contains(record)));
        waiting.sort_by_key(sort_key);
        waiting.dedup_by(|one, other| sort_key(one) == sort_key(other));
        Ok(waiting)
    }
}

#[async_trait]
impl History for DynamoActivityLog {
    async fn before(
        &self,
        company: &CompanyId,
        place: Option<&Place>,
        limit: usize,
    ) -> Result<Vec<Activity>, StoreError> {
        let before = place.map(|place| key(place.time, &place.event));
        let items = self.table.query_back(READING, company.as_str(), before.as_deref(), limit).await?;
        self.read_all(company, items).await
    }

    async fn of_record(
        &self,
        company: &CompanyId,
        kind: Kind,
        id: &BillingId,
        limit: usize,
    ) -> Result<Vec<Activity>, StoreError> {
        let record = record_key(company.as_str(), kind, id);
        let listed = self.table.last_of_index(READING, RECORDS, (RECORD, &record), limit).await?;
        let sks: Vec<String> = listed
            .iter()
            .map(|item| get_text(item, SK).map(str::to_owned))
            .collect::<Result<_, _>>()
            .map_err(bad(READING))?;
        let mut items = self.table.get_all(READING, company.as_str(), &sks).await?;
        items.sort_by(|a, b| get_text(b, SK).ok().cmp(&get_text(a, SK).ok()));
        self.read_all(company, items).await
    }
}

#[cfg(test)]
mod tests {

    use super::*;

    fn at(time: &str) -> String {
        let time: Timestamp = time.parse().unwrap();
        sort_key(&Activity {
            company: CompanyId::new("acme").unwrap(),
            side: sync::activity::Side::Billing,
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
            removed: None,
        })
    }

    #[test]
    fn sort_keys_sort_as_time_does() {
        assert_eq!(at("2026-03-01T10:00:00Z"), "2026-03-01T10:00:00.000000000Z#e1");
        assert!(at("2026-03-01T10:00:00Z") < at("2026-03-01T10:00:00.5Z"));
        assert!(at("2026-03-01T10:00:00.5Z") < at("2026-03-01T10:00:01Z"));
    }
}
