//! The company's objects, with the indexes that look-ups, queries and change data capture need.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    kinds::{Kind, Sequence},
    names,
    wire::{self, Members, Object},
};

/// All objects of the company.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Store {
    tables: BTreeMap<Kind, Table>,
    /// Who holds a name, by [`names::key`].
    names: BTreeMap<String, (Kind, u64)>,
    /// The last id of each sequence.
    last_ids: BTreeMap<Sequence, u64>,
}

/// The objects of one kind.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Table {
    rows: BTreeMap<u64, Row>,
    /// By fully qualified name in lower case, the order of list queries.
    by_name: BTreeSet<(String, u64)>,
    /// By last change.
    by_change: BTreeSet<(i64, u64)>,
    by_own_name: BTreeMap<String, BTreeSet<u64>>,
    by_number: BTreeMap<String, BTreeSet<u64>>,
    by_customer: BTreeMap<String, BTreeSet<u64>>,
    children: BTreeMap<String, BTreeSet<u64>>,
    /// When a deleted object was deleted, in seconds.
    deleted: BTreeMap<u64, i64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) value: Value,
    /// In seconds.
    pub(crate) created: i64,
    /// In seconds.
    pub(crate) changed: i64,
}

/// How a write moves SyncToken and LastUpdatedTime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Touch {
    /// A change of the object itself: both move.
    Revise,
    /// A derived figure changed: only LastUpdatedTime moves.
    Time,
    /// Neither moves.
    Nothing,
}

impl Row {
    pub(crate) fn object(&self) -> Option<&Object> {
        self.value.as_object()
    }
}

impl Table {
    pub(crate) fn row(&self, id: u64) -> Option<&Row> {
        self.rows.get(&id)
    }

    pub(crate) fn rows(&self) -> impl DoubleEndedIterator<Item = (u64, &Row)> {
        self.rows.iter().map(|(id, row)| (*id, row))
    }

    /// Ids by fully qualified name.
    pub(crate) fn ids_by_name(&self) -> impl DoubleEndedIterator<Item = u64> {
        self.by_name.iter().map(|(_, id)| *id)
    }

    /// Ids by last change, of what changed at or after `since` (in seconds).
    pub(crate) fn ids_by_change(&self, since: i64) -> impl DoubleEndedIterator<Item = u64> {
        self.by_change.range((since, 0)..).map(|(_, id)| *id)
    }

    /// Ids of those whose DisplayName or Name it is, in any letter case.
    pub(crate) fn ids_by_own_name(&self, name: &str) -> impl Iterator<Item = u64> {
        self.by_own_name.get(&name.to_lowercase()).into_iter().flatten().copied()
    }

    pub(crate) fn ids_by_number(&self, number: &str) -> impl Iterator<Item = u64> {
        self.by_number.get(&number.to_lowercase()).into_iter().flatten().copied()
    }

    pub(crate) fn ids_by_customer(&self, customer: &str) -> impl Iterator<Item = u64> {
        self.by_customer.get(customer).into_iter().flatten().copied()
    }

    pub(crate) fn children(&self, parent: &str) -> impl Iterator<Item = u64> {
        self.children.get(parent).into_iter().flatten().copied()
    }

    /// Deleted ids with the second of their deletion.
    pub(crate) fn deleted(&self) -> impl Iterator<Item = (u64, i64)> {
        self.deleted.iter().map(|(id, at)| (*id, *at))
    }

    fn index(&mut self, id: u64, row: &Row) {
        self.by_change.insert((row.changed, id));
        if let Some(name) = sort_name(&row.value) {
            self.by_name.insert((name, id));
        }
        for (index, key) in Self::keys(&row.value) {
            index(self).entry(key).or_default().insert(id);
        }
    }

    fn unindex(&mut self, id: u64, row: &Row) {
        self.by_change.remove(&(row.changed, id));
        if let Some(name) = sort_name(&row.value) {
            self.by_name.remove(&(name, id));
        }
        for (index, key) in Self::keys(&row.value) {
            let index = index(self);
            if let Some(ids) = index.get_mut(&key) {
                ids.remove(&id);
                if ids.is_empty() {
                    index.remove(&key);
                }
            }
        }
    }

    #[expect(clippy::type_complexity, reason = "an index and the key under which a row stands in it")]
    fn keys(value: &Value) -> Vec<(fn(&mut Self) -> &mut BTreeMap<String, BTreeSet<u64>>, String)> {
        let mut keys: Vec<(fn(&mut Self) -> &mut BTreeMap<String, BTreeSet<u64>>, String)> = Vec::new();
        if let Some(name) = value.text("DisplayName").or_else(|| value.text("Name")) {
            keys.push((|table| &mut table.by_own_name, name.to_lowercase()));
        }
        if let Some(number) = value.text("DocNumber") {
            keys.push((|table| &mut table.by_number, number.to_lowercase()));
        }
        if let Some(customer) = value.reference("CustomerRef") {
            keys.push((|table| &mut table.by_customer, customer.to_owned()));
        }
        if let Some(parent) = value.reference("ParentRef") {
            keys.push((|table| &mut table.children, parent.to_owned()));
        }
        keys
    }
}

fn sort_name(value: &Value) -> Option<String> {
    let name = ["FullyQualifiedName", "DisplayName", "Name"].iter().find_map(|name| value.text(name))?;
    Some(name.to_lowercase())
}

impl Store {
    /// The objects of a kind.
    pub(crate) fn table(&self, kind: Kind) -> Option<&Table> {
        self.tables.get(&kind)
    }

    pub(crate) fn row(&self, kind: Kind, id: &str) -> Option<&Row> {
        self.table(kind)?.row(number_of(id)?)
    }

    /// The object of that id.
    pub(crate) fn get(&self, kind: Kind, id: &str) -> Option<&Object> {
        self.row(kind, id)?.object()
    }

    /// Who holds the name of that [`names::key`].
    pub(crate) fn holder(&self, name_key: &str) -> Option<(Kind, u64)> {
        self.names.get(name_key).copied()
    }

    /// The next id of a sequence.
    pub(crate) fn next_id(&mut self, sequence: Sequence) -> u64 {
        let last = self.last_ids.entry(sequence).or_default();
        *last += 1;
        *last
    }

    /// Stores a new object and gives it its id and the members that every object has.
    pub(crate) fn insert(&mut self, kind: Kind, object: Object, now: Timestamp) -> String {
        let id = self.next_id(kind.sequence());
        let text = id.to_string();
        let mut object = self.with_address_ids(object);
        let at = wire::moment(now);
        object.insert("Id".to_owned(), text.as_str().into());
        object.insert("SyncToken".to_owned(), "0".into());
        object.insert("domain".to_owned(), "QBO".into());
        object.insert("sparse".to_owned(), false.into());
        object.insert("MetaData".to_owned(), serde_json::json!({ "CreateTime": at, "LastUpdatedTime": at }));
        let seconds = now.as_second();
        self.place(kind, id, Row { value: Value::Object(object), created: seconds, changed: seconds });
        text
    }

    /// Stores a new state of an object that exists.
    pub(crate) fn replace(&mut self, kind: Kind, id: &str, object: Object, touch: Touch, now: Timestamp) {
        let Some(number) = number_of(id) else { return };
        let mut object = self.with_address_ids(object);
        let Some(old) = self.remove(kind, number) else { return };
        if touch == Touch::Revise {
            let token =
                old.value.text("SyncToken").and_then(|token| token.parse::<u64>().ok()).unwrap_or_default();
            object.insert("SyncToken".to_owned(), (token + 1).to_string().into());
        }
        let mut changed = old.changed;
        if touch != Touch::Nothing {
            changed = now.as_second().max(old.created);
            if let Some(meta) = object.get_mut("MetaData").and_then(Value::as_object_mut) {
                meta.insert("LastUpdatedTime".to_owned(), wire::moment(now).into());
            }
        }
        self.place(kind, number, Row { value: Value::Object(object), created: old.created, changed });
    }

    /// Removes an object for good and remembers when.
    pub(crate) fn delete(&mut self, kind: Kind, id: &str, now: Timestamp) {
        let Some(number) = number_of(id) else { return };
        if self.remove(kind, number).is_some() {
            self.tables.entry(kind).or_default().deleted.insert(number, now.as_second());
        }
    }

    fn place(&mut self, kind: Kind, id: u64, row: Row) {
        if let Some(key) = names::key_of(kind, &row.value) {
            self.names.insert(key, (kind, id));
        }
        let table = self.tables.entry(kind).or_default();
        table.index(id, &row);
        table.rows.insert(id, row);
    }

    fn remove(&mut self, kind: Kind, id: u64) -> Option<Row> {
        let table = self.tables.get_mut(&kind)?;
        let row = table.rows.remove(&id)?;
        table.unindex(id, &row);
        if let Some(key) = names::key_of(kind, &row.value)
            && self.names.get(&key) == Some(&(kind, id))
        {
            self.names.remove(&key);
        }
        Some(row)
    }

    fn with_address_ids(&mut self, mut object: Object) -> Object {
        for name in ["BillAddr", "ShipAddr", "ShipFromAddr", "PrimaryAddr", "CompanyAddr", "LegalAddr"] {
            if let Some(address) = object.get_mut(name).and_then(Value::as_object_mut)
                && !address.contains_key("Id")
            {
                address.insert("Id".to_owned(), self.next_id(Sequence::Addresses).to_string().into());
            }
        }
        object
    }
}

/// An id as a number, if it is one in its shortest spelling.
pub(crate) fn number_of(id: &str) -> Option<u64> {
    id.parse::<u64>().ok().filter(|number| number.to_string() == id)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Object {
        let Value::Object(object) = value else { panic!("{value}") };
        object
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn names_share_a_sequence_and_lists_do_not() {
        let mut store = Store::default();
        assert_eq!(store.insert(Kind::Customer, object(json!({"DisplayName": "A"})), at(0)), "1");
        assert_eq!(store.insert(Kind::Vendor, object(json!({"DisplayName": "B"})), at(0)), "2");
        assert_eq!(store.insert(Kind::Item, object(json!({"Name": "C"})), at(0)), "1");
    }

    #[test]
    fn indexes_follow_a_replacement_and_a_deletion() {
        let mut store = Store::default();
        let invoice = |number: &str| object(json!({"DocNumber": number, "CustomerRef": {"value": "7"}}));
        let id = store.insert(Kind::Invoice, invoice("INV-1"), at(10));
        let mut next = store.get(Kind::Invoice, &id).unwrap().clone();
        next.insert("DocNumber".to_owned(), "INV-2".into());
        store.replace(Kind::Invoice, &id, next, Touch::Revise, at(20));
        let table = store.table(Kind::Invoice).unwrap();
        assert_eq!(table.ids_by_number("inv-1").count(), 0);
        assert_eq!(table.ids_by_number("inv-2").collect::<Vec<_>>(), [1]);
        assert_eq!(table.ids_by_customer("7").collect::<Vec<_>>(), [1]);
        assert_eq!(table.ids_by_change(11).collect::<Vec<_>>(), [1]);
        assert_eq!(store.get(Kind::Invoice, &id).unwrap().text("SyncToken"), Some("1"));
        store.delete(Kind::Invoice, &id, at(30));
        let table = store.table(Kind::Invoice).unwrap();
        assert_eq!(table.ids_by_customer("7").count() + table.ids_by_change(0).count(), 0);
        assert_eq!(table.deleted().collect::<Vec<_>>(), [(1, 30)]);
    }

    #[test]
    fn ids_have_one_spelling() {
        assert_eq!(number_of("42"), Some(42));
        for id in ["", "042", "+42", "-1", "1.5", "TAX", "99999999999999999999999"] {
            assert_eq!(number_of(id), None, "{id}");
        }
    }
}
