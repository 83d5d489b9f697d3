//! The ledger in DynamoDB.
//!
//! The partition is `{company}#{realm}`. A link is two items, written in one transaction, so that neither side can
//! be linked twice:
//!
//! | sort key | holds |
//! |---|---|
//! | `billing#{kind}#{billing id}` | the entry, pending or linked, with what conditions need beside it |
//! | `quickbooks#{kind}#{QuickBooks id}` | the billing id |
//! | `key#product#{key}` | the billing id of the product last linked under the key |
//! | `withdrawn#{kind}#{billing id}` | when a record was withdrawn that had no counterpart |

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use sync::ids::{BillingId, Books, QuickBooksId};
use sync::link::{Entry, Intent, Link, LinkKey};
use sync::model::Kind;
use sync::ports::{Ledger, LinkError, StoreError};

use crate::item::{BadItem, Item, SK, document, get_text, keyed, moment, number, put_document, text};
use crate::table::{Condition, Table, Write, Written};

const STATE: &str = "state";
const PENDING: &str = "pending";
const LINKED: &str = "linked";
const REVISION: &str = "revision";
const REQUEST_ID: &str = "request_id";
const QUICKBOOKS_ID: &str = "quickbooks_id";
const BILLING_ID: &str = "billing_id";
const AT: &str = "at";

const READING: &str = "reading links";
const WRITING: &str = "storing a link";

/// The longest product key that is a sort key as it is. A sort key may have 1,024 bytes (AWS: DynamoDB quotas).
const LONGEST_KEY: usize = 900;

/// The links of all companies in one table.
#[derive(Clone, Debug)]
pub struct DynamoLedger {
    pub(crate) table: Table,
}

impl DynamoLedger {
    pub(crate) fn new(table: Table) -> DynamoLedger {
        DynamoLedger { table }
    }
}

pub(crate) fn partition(books: &Books) -> String {
    format!("{}#{}", books.company, books.realm)
}

pub(crate) fn billing_key(kind: Kind, id: &BillingId) -> String {
    format!("billing#{kind}#{id}")
}

pub(crate) fn quickbooks_key(kind: Kind, id: &QuickBooksId) -> String {
    format!("quickbooks#{kind}#{id}")
}

/// What the sort keys of a kind's counterparts begin with.
pub(crate) fn back_prefix(kind: Kind) -> String {
    format!("quickbooks#{kind}#")
}

fn withdrawn_key(kind: Kind, id: &BillingId) -> String {
    format!("withdrawn#{kind}#{id}")
}

fn product_key(key: &str) -> String {
    if key.len() <= LONGEST_KEY {
        return format!("key#product#{key}");
    }
    let digest: String = Sha256::digest(key).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("key#product-digest#{digest}")
}

fn pending_item(books: &Books, intent: &Intent) -> Result<Item, BadItem> {
    let mut item = keyed(&partition(books), &billing_key(intent.kind, &intent.billing_id));
    item.insert(STATE.to_owned(), text(PENDING));
    item.insert(REQUEST_ID.to_owned(), text(intent.request_id.as_str()));
    put_document(&mut item, &Entry::Pending(intent.clone()))?;
    Ok(item)
}

fn linked_item(books: &Books, link: &Link) -> Result<Item, BadItem> {
    let mut item = keyed(&partition(books), &billing_key(link.kind, &link.billing_id));
    item.insert(STATE.to_owned(), text(LINKED));
    item.insert(QUICKBOOKS_ID.to_owned(), text(link.quickbooks_id.as_str()));
    item.insert(REVISION.to_owned(), number(link.revision));
    put_document(&mut item, &Entry::Linked(link.clone()))?;
    Ok(item)
}

fn back_item(books: &Books, link: &Link) -> Item {
    let mut item = keyed(&partition(books), &quickbooks_key(link.kind, &link.quickbooks_id));
    item.insert(BILLING_ID.to_owned(), text(link.billing_id.as_str()));
    item
}

fn alias_item(books: &Books, link: &Link) -> Option<Item> {
    let mut item = keyed(&partition(books), &product_key(link.product_key.as_deref()?));
    item.insert(BILLING_ID.to_owned(), text(link.billing_id.as_str()));
    Some(item)
}

pub(crate) fn read_billing_id(item: &Item) -> Result<BillingId, StoreError> {
    let text = get_text(item, BILLING_ID).map_err(bad(READING))?;
    BillingId::new(text).map_err(|error| StoreError::new(READING, error))
}

fn read_quickbooks_id(item: &Item) -> Result<QuickBooksId, StoreError> {
    let text = get_text(item, QUICKBOOKS_ID).map_err(bad(READING))?;
    QuickBooksId::new(text).map_err(|error| StoreError::new(READING, error))
}

fn bad(action: &'static str) -> impl FnOnce(BadItem) -> StoreError {
    move |error| StoreError::new(action, error)
}

/// Why an intent cannot be stored.
fn unrecorded(action: &'static str) -> impl FnOnce(BadItem) -> LinkError {
    move |error| match error {
        BadItem::TooLong(_) => LinkError::TooLong,
        other => StoreError::new(action, other).into(),
    }
}

/// The intent is stored still.
fn is_intent(intent: &Intent) -> Condition {
    Condition::new("#state = :pending AND #request_id = :request_id")
        .value("pending", text(PENDING))
        .value("request_id", text(intent.request_id.as_str()))
}

/// The stored link is this one's state before.
pub(crate) fn is_revision(link: &Link, revision: u64) -> Condition {
    Condition::new("#state = :linked AND #quickbooks_id = :quickbooks_id AND #revision = :revision")
        .value("linked", text(LINKED))
        .value("quickbooks_id", text(link.quickbooks_id.as_str()))
        .value("revision", number(revision))
}

/// The billing record is free, or linked with this very entity.
fn billing_is_free(link: &Link) -> Condition {
    Condition::new("attribute_not_exists(#pk) OR #state = :pending OR #quickbooks_id = :quickbooks_id")
        .value("pending", text(PENDING))
        .value("quickbooks_id", text(link.quickbooks_id.as_str()))
}

/// The QuickBooks entity is free, or linked with this very record or its stand-in.
fn quickbooks_is_free(link: &Link, stand_in: Option<&BillingId>) -> Condition {
    Condition::new("attribute_not_exists(#pk) OR #billing_id IN (:billing_id, :stand_in)")
        .value("billing_id", text(link.billing_id.as_str()))
        .value("stand_in", text(stand_in.unwrap_or(&link.billing_id).as_str()))
}

impl DynamoLedger {
    /// The items of some sort keys, by them.
    async fn items(
        &self,
        partition: &str,
        sks: BTreeSet<String>,
    ) -> Result<HashMap<String, Item>, StoreError> {
        let sks: Vec<String> = sks.into_iter().collect();
        let items = self.table.get_all(READING, partition, &sks).await?;
        items
            .into_iter()
            .map(|item| Ok((get_text(&item, SK).map_err(bad(READING))?.to_owned(), item)))
            .collect()
    }

    /// The sort keys of the entries that product keys stand for.
    fn aliased(
        keys: &[LinkKey],
        items: &HashMap<String, Item>,
    ) -> Result<HashMap<LinkKey, String>, StoreError> {
        let mut aliased = HashMap::new();
        for key in keys {
            if let LinkKey::ProductKey(product) = key
                && let Some(alias) = items.get(&product_key(product))
            {
                aliased.insert(key.clone(), billing_key(Kind::Product, &read_billing_id(alias)?));
            }
        }
        Ok(aliased)
    }
}

/// Whether an entry found by this key is the one that is meant: a product may have another key by now.
fn answers(entry: &Entry, key: &LinkKey) -> bool {
    match (entry, key) {
        (Entry::Linked(link), LinkKey::ProductKey(key)) => link.product_key.as_ref() == Some(key),
        _ => true,
    }
}

#[async_trait]
impl Ledger for DynamoLedger {
    async fn entries(&self, books: &Books, keys: &[LinkKey]) -> Result<HashMap<LinkKey, Entry>, StoreError> {
        let partition = partition(books);
        let first = keys.iter().map(|key| match key {
            LinkKey::Billing(kind, id) => billing_key(*kind, id),
            LinkKey::ProductKey(key) => product_key(key),
        });
        let mut items = self.items(&partition, first.collect()).await?;
        let aliased = Self::aliased(keys, &items)?;
        let second = aliased.values().filter(|sk| !items.contains_key(*sk)).cloned().collect();
        items.extend(self.items(&partition, second).await?);

        let mut entries = HashMap::new();
        for key in keys {
            let sk = match key {
                LinkKey::Billing(kind, id) => Some(billing_key(*kind, id)),
                LinkKey::ProductKey(_) => aliased.get(key).cloned(),
            };
            if let Some(item) = sk.and_then(|sk| items.get(&sk)) {
                let entry: Entry = document(item).map_err(bad(READING))?;
                if answers(&entry, key) {
                    entries.insert(key.clone(), entry);
                }
            }
        }
        Ok(entries)
    }

    async fn billing_id(
        &self,
        books: &Books,
        kind: Kind,
        quickbooks_id: &QuickBooksId,
    ) -> Result<Option<BillingId>, StoreError> {
        let item = self.table.get(READING, &partition(books), &quickbooks_key(kind, quickbooks_id)).await?;
        item.as_ref().map(read_billing_id).transpose()
    }

    async fn billing_ids(
        &self,
        books: &Books,
        ids: &[(Kind, QuickBooksId)],
    ) -> Result<HashMap<(Kind, QuickBooksId), BillingId>, StoreError> {
        let sks = ids.iter().map(|(kind, id)| quickbooks_key(*kind, id)).collect();
        let items = self.items(&partition(books), sks).await?;
        let mut found = HashMap::new();
        for (kind, id) in ids {
            if let Some(item) = items.get(&quickbooks_key(*kind, id)) {
                found.insert((*kind, id.clone()), read_billing_id(item)?);
            }
        }
        Ok(found)
    }

    async fn begin(&self, books: &Books, intent: &Intent) -> Result<Option<Entry>, LinkError> {
        let action = "recording an intent";
        let item = pending_item(books, intent).map_err(unrecorded(action))?;
        let is_new = Condition::new("attribute_not_exists(#pk)");
        match self.table.put_if(action, item, is_new).await? {
            Written::Yes(_) => Ok(None),
            Written::No(item) => Ok(Some(document(&item).map_err(bad(action))?)),
        }
    }

    async fn abandon(&self, books: &Books, intent: &Intent) -> Result<(), StoreError> {
        let sk = billing_key(intent.kind, &intent.billing_id);
        self.table.delete_if("forgetting an intent", &partition(books), &sk, is_intent(intent)).await?;
        Ok(())
    }

    async fn take_over(&self, books: &Books, intent: &Intent, next: &Intent) -> Result<(), LinkError> {
        let action = "taking over an intent";
        let item = pending_item(books, next).map_err(unrecorded(action))?;
        match self.table.put_if(action, item, is_intent(intent)).await? {
            Written::Yes(_) => Ok(()),
            // An attempt whose answer was lost may have stored it already.
            Written::No(item) => match document::<Entry>(&item) {
                Ok(Entry::Pending(stored)) if stored == *next => Ok(()),
                _ => Err(LinkError::Changed),
            },
        }
    }

    async fn link(&self, books: &Books, link: &Link, replacing: Option<&BillingId>) -> Result<(), LinkError> {
        let stand_in = replacing.filter(|id| **id != link.billing_id);
        let entry = linked_item(books, link).map_err(bad(WRITING))?;
        let mut writes = vec![
            Write::Put(entry, Some(billing_is_free(link))),
            Write::Put(back_item(books, link), Some(quickbooks_is_free(link, stand_in))),
        ];
        if let Some(id) = stand_in {
            let key = keyed(&partition(books), &billing_key(link.kind, id));
            writes.push(Write::Delete(key, Some(billing_is_free(link))));
        }
        writes.extend(alias_item(books, link).map(|alias| Write::Put(alias, None)));
        let Err(refusals) = self.table.transact(WRITING, writes).await? else { return Ok(()) };
        Err(match refusals.as_slice() {
            [Some(billing), ..] => LinkError::BillingTaken(read_quickbooks_id(billing)?),
            [None, Some(quickbooks), ..] => LinkError::QuickBooksTaken(read_billing_id(quickbooks)?),
            _ => LinkError::Changed,
        })
    }

    async fn refresh(&self, books: &Books, link: &Link) -> Result<(), LinkError> {
        let Some(before) = link.revision.checked_sub(1) else { return Err(LinkError::Changed) };
        let entry = linked_item(books, link).map_err(bad(WRITING))?;
        let condition = is_revision(link, before);
        let refusal = match alias_item(books, link) {
            None => match self.table.put_if(WRITING, entry, condition).await? {
                Written::Yes(_) => return Ok(()),
                Written::No(item) => Some(item),
            },
            Some(alias) => {
                let writes = vec![Write::Put(entry, Some(condition)), Write::Put(alias, None)];
                match self.table.transact(WRITING, writes).await? {
                    Ok(()) => return Ok(()),
                    Err(refusals) => refusals.into_iter().flatten().next(),
                }
            }
        };
        // An attempt whose answer was lost may have stored it already.
        let stored: Option<Entry> = refusal.and_then(|item| document(&item).ok());
        if stored.as_ref() == Some(&Entry::Linked(link.clone())) { Ok(()) } else { Err(LinkError::Changed) }
    }

    async fn supersede(&self, books: &Books, link: &Link, intent: &Intent) -> Result<(), LinkError> {
        let action = "replacing a link";
        let partition = partition(books);
        let is_ours = Condition::new("attribute_not_exists(#pk) OR #billing_id = :billing_id")
            .value("billing_id", text(link.billing_id.as_str()));
        let writes = vec![
            Write::Put(
                pending_item(books, intent).map_err(unrecorded(action))?,
                Some(is_revision(link, link.revision)),
            ),
            Write::Delete(keyed(&partition, &quickbooks_key(link.kind, &link.quickbooks_id)), Some(is_ours)),
        ];
        self.table.transact(action, writes).await?.map_err(|_| LinkError::Changed)
    }

    async fn relink(&self, books: &Books, from: &Link, to: &Link) -> Result<(), LinkError> {
        let action = "giving a record another entity";
        let old = keyed(&partition(books), &quickbooks_key(from.kind, &from.quickbooks_id));
        let is_ours = Condition::new("attribute_not_exists(#pk) OR #billing_id = :billing_id")
            .value("billing_id", text(from.billing_id.as_str()));
        let mut writes = vec![
            Write::Put(linked_item(books, to).map_err(bad(action))?, Some(is_revision(from, from.revision))),
            Write::Put(back_item(books, to), Some(quickbooks_is_free(to, None))),
            Write::Delete(old, Some(is_ours)),
        ];
        writes.extend(alias_item(books, to).map(|alias| Write::Put(alias, None)));
        let Err(refusals) = self.table.transact(action, writes).await? else { return Ok(()) };
        Err(match refusals.as_slice() {
            [Some(stored), ..] => match document::<Entry>(stored) {
                // An attempt whose answer was lost has stored it already.
                Ok(Entry::Linked(stored)) if stored == *to => return Ok(()),
                _ => LinkError::Changed,
            },
            [None, Some(quickbooks), ..] => LinkError::QuickBooksTaken(read_billing_id(quickbooks)?),
            _ => LinkError::Changed,
        })
    }

    async fn note_withdrawal(
        &self,
        books: &Books,
        kind: Kind,
        billing_id: &BillingId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let action = "remembering a withdrawal";
        let mut item = keyed(&partition(books), &withdrawn_key(kind, billing_id));
        item.insert(AT.to_owned(), moment(at));
        put_document(&mut item, &at).map_err(bad(action))?;
        let is_later = Condition::new("attribute_not_exists(#pk) OR #at < :at").value("at", moment(at));
        self.table.put_if(action, item, is_later).await?;
        Ok(())
    }

    async fn withdrawals(
        &self,
        books: &Books,
        records: &[(Kind, BillingId)],
    ) -> Result<HashMap<(Kind, BillingId), Timestamp>, StoreError> {
        let keys = records.iter().map(|(kind, id)| withdrawn_key(*kind, id)).collect();
        let items = self.items(&partition(books), keys).await?;
        let mut withdrawn = HashMap::new();
        for (kind, id) in records {
            if let Some(item) = items.get(&withdrawn_key(*kind, id)) {
                withdrawn.insert((*kind, id.clone()), document(item).map_err(bad(READING))?);
            }
        }
        Ok(withdrawn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_key_of_any_length_is_a_sort_key() {
        assert_eq!(product_key("W-1"), "key#product#W-1");
        let long = "ü".repeat(1000);
        assert!(product_key(&long).len() < 1024);
        assert_ne!(product_key(&long), product_key(&long[2..]));
    }
}
