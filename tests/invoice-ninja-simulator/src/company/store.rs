//! All records of the company, by kind and row number.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids;
use super::kinds::Kind;
use super::record::{Members, Record};

/// The tables.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Store {
    tables: BTreeMap<Kind, BTreeMap<u64, Record>>,
    last: BTreeMap<Kind, u64>,
    /// Row numbers begin after this, so that companies of one installation share none.
    first: u64,
    /// The last number of a contact or an allocation.
    last_part: u64,
}

impl Store {
    pub(crate) fn new(first: u64) -> Self {
        Self { first, last_part: first, ..Self::default() }
    }

    pub(crate) fn rows(&self, kind: Kind) -> impl DoubleEndedIterator<Item = (u64, &Record)> {
        self.tables.get(&kind).into_iter().flatten().map(|(id, row)| (*id, row))
    }

    pub(crate) fn row(&self, kind: Kind, id: u64) -> Option<&Record> {
        self.tables.get(&kind)?.get(&id)
    }

    pub(crate) fn row_mut(&mut self, kind: Kind, id: u64) -> Option<&mut Record> {
        self.tables.get_mut(&kind)?.get_mut(&id)
    }

    /// The next row number of a kind; it is used up.
    pub(crate) fn next_id(&mut self, kind: Kind) -> u64 {
        let last = self.last.entry(kind).or_insert(self.first);
        *last += 1;
        *last
    }

    /// The next number for what is part of a record and has an id of its own.
    pub(crate) fn next_part(&mut self) -> u64 {
        self.last_part += 1;
        self.last_part
    }

    /// Adds a record, which gets its id and times.
    pub(crate) fn add(&mut self, kind: Kind, mut record: Record, now: Timestamp) -> u64 {
        let id = self.next_id(kind);
        record.put("id", ids::shown(id));
        record.put("is_deleted", false);
        record.put("created_at", now.as_second());
        record.put("updated_at", now.as_second());
        record.put("archived_at", 0);
        self.tables.entry(kind).or_default().insert(id, record);
        id
    }

    /// Puts a record in the place of an existing one.
    pub(crate) fn replace(&mut self, kind: Kind, id: u64, record: Record) {
        self.tables.entry(kind).or_default().insert(id, record);
    }

    /// Whether another row has this text in this column; deleted ones count.
    pub(crate) fn is_taken(&self, kind: Kind, column: &str, text: &str, except: Option<u64>) -> bool {
        !text.is_empty() && self.rows(kind).any(|(id, row)| Some(id) != except && row.text(column) == text)
    }

    /// The next free number: the counter goes on where it stands, over what is taken.
    pub(crate) fn next_number(&mut self, kind: Kind) -> String {
        let mut count = self.rows(kind).count() + 1;
        loop {
            let number = format!("{count:04}");
            if !self.is_taken(kind, "number", &number, None) {
                return number;
            }
            count += 1;
        }
    }
}
