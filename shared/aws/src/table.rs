//! Calls to one DynamoDB table, with conditions whose refusal is an answer and not an error.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, KeysAndAttributes, Put, ReturnValue,
    ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use sync::ports::StoreError;
use tokio::time::sleep;

use crate::error::failed;
use crate::item::{Item, keyed, text};

/// The most keys in one BatchGetItem (AWS: DynamoDB quotas).
const BATCH: usize = 100;
/// How often what DynamoDB could not do at once is tried.
const TRIES: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(25);

/// A table whose key is `pk` and `sk`.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    client: Client,
    name: String,
}

/// What has to hold for a write. Attribute names stand as `#name` and values as `:name`.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    text: &'static str,
    values: HashMap<String, AttributeValue>,
}

impl Condition {
    pub(crate) fn new(text: &'static str) -> Condition {
        Condition { text, values: HashMap::new() }
    }

    /// Gives `:name` its value.
    pub(crate) fn value(mut self, name: &str, value: AttributeValue) -> Condition {
        self.values.insert(format!(":{name}"), value);
        self
    }

    /// The names, all escaped: many are reserved words.
    fn names(&self) -> Option<HashMap<String, String>> {
        let words = self.text.split('#').skip(1);
        let names =
            words.filter_map(|word| word.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next());
        Some(names.map(|name| (format!("#{name}"), name.to_owned())).collect())
    }

    fn values(&self) -> Option<HashMap<String, AttributeValue>> {
        (!self.values.is_empty()).then(|| self.values.clone())
    }
}

/// What became of a conditional write.
#[derive(Debug, PartialEq)]
pub(crate) enum Written {
    /// It was done, in place of the item that was there.
    Yes(Option<Item>),
    /// The condition did not hold, and this is the item that is there.
    No(Item),
}

/// A part of a transaction.
#[derive(Clone, Debug)]
pub(crate) enum Write {
    Put(Item, Option<Condition>),
    /// By the item's key.
    Delete(Item, Option<Condition>),
    /// Writes nothing: the condition has to hold for the item with this key.
    Check(Item, Condition),
}

impl Table {
    pub(crate) fn new(client: Client, name: String) -> Table {
        Table { client, name }
    }

    /// Reads one item, as last written.
    pub(crate) async fn get(
        &self,
        action: &'static str,
        pk: &str,
        sk: &str,
    ) -> Result<Option<Item>, StoreError> {
        let request =
            self.client.get_item().table_name(&self.name).set_key(Some(keyed(pk, sk))).consistent_read(true);
        Ok(request.send().await.map_err(failed(action))?.item)
    }

    /// Reads those items of a partition that exist, as last written, in no order. Each key may be there once.
    pub(crate) async fn get_all(
        &self,
        action: &'static str,
        pk: &str,
        sks: &[String],
    ) -> Result<Vec<Item>, StoreError> {
        let mut items = Vec::new();
        for sks in sks.chunks(BATCH) {
            let mut keys: Vec<Item> = sks.iter().map(|sk| keyed(pk, sk)).collect();
            let mut pauses = Pauses::new(action, "DynamoDB did not read all items");
            while !keys.is_empty() {
                let (found, left) = self.batch_get(action, keys).await?;
                items.extend(found);
                keys = left;
                if !keys.is_empty() {
                    pauses.pause().await?;
                }
            }
        }
        Ok(items)
    }

    /// Reads some of the items; the keys of the others come back.
    async fn batch_get(
        &self,
        action: &'static str,
        keys: Vec<Item>,
    ) -> Result<(Vec<Item>, Vec<Item>), StoreError> {
        let wanted = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
        let wanted = wanted.map_err(|error| StoreError::new(action, error))?;
        let request = self.client.batch_get_item().request_items(&self.name, wanted);
        let answer = request.send().await.map_err(failed(action))?;
        let found = answer.responses.and_then(|mut tables| tables.remove(&self.name)).unwrap_or_default();
        let left = answer.unprocessed_keys.and_then(|mut tables| tables.remove(&self.name));
        Ok((found, left.map(|left| left.keys).unwrap_or_default()))
    }

    /// Writes an item in place of whatever is there.
    pub(crate) async fn put(&self, action: &'static str, item: Item) -> Result<(), StoreError> {
        let request = self.client.put_item().table_name(&self.name).set_item(Some(item));
        request.send().await.map_err(failed(action))?;
        Ok(())
    }

    /// Writes an item if the condition holds for the one that is there.
    pub(crate) async fn put_if(
        &self,
        action: &'static str,
        item: Item,
        condition: Condition,
    ) -> Result<Written, StoreError> {
        let request = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item))
            .condition_expression(condition.text)
            .set_expression_attribute_names(condition.names())
            .set_expression_attribute_values(condition.values())
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match request.send().await {
            Ok(answer) => Ok(Written::Yes(answer.attributes)),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(refused)) => {
                    Ok(Written::No(refused.item.clone().unwrap_or_default()))
                }
                _ => Err(failed(action)(error)),
            },
        }
    }

    /// Deletes an item if the condition holds for it; whether it did.
    pub(crate) async fn delete_if(
        &self,
        action: &'static str,
        pk: &str,
        sk: &str,
        condition: Condition,
    ) -> Result<bool, StoreError> {
        let request = self
            .client
            .delete_item()
            .table_name(&self.name)
            .set_key(Some(keyed(pk, sk)))
            .condition_expression(condition.text)
            .set_expression_attribute_names(condition.names())
            .set_expression_attribute_values(condition.values());
        match request.send().await {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(DeleteItemError::is_conditional_check_failed_exception) =>
            {
                Ok(false)
            }
            Err(error) => Err(failed(action)(error)),
        }
    }

    /// Deletes an item, if it is there.
    pub(crate) async fn delete(&self, action: &'static str, pk: &str, sk: &str) -> Result<(), StoreError> {
        let request = self.client.delete_item().table_name(&self.name).set_key(Some(keyed(pk, sk)));
        request.send().await.map_err(failed(action))?;
        Ok(())
    }

    /// Does all of the writes or none. When conditions do not hold, nothing is done, and each write whose condition
    /// failed answers, in its place, with the item that is there.
    pub(crate) async fn transact(
        &self,
        action: &'static str,
        writes: Vec<Write>,
    ) -> Result<Result<(), Vec<Option<Item>>>, StoreError> {
        let writes = writes.into_iter().map(|write| self.transaction_part(write));
        let writes: Vec<_> =
            writes.collect::<Result<_, _>>().map_err(|error| StoreError::new(action, error))?;
        let mut pauses = Pauses::new(action, "other transactions held the items");
        loop {
            let request = self.client.transact_write_items().set_transact_items(Some(writes.clone()));
            let error = match request.send().await {
                Ok(_) => return Ok(Ok(())),
                Err(error) => error,
            };
            let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
                error.as_service_error()
            else {
                return Err(failed(action)(error));
            };
            let reasons = cancelled.cancellation_reasons();
            let refused = |code: Option<&str>| code == Some("ConditionalCheckFailed");
            if reasons.iter().any(|reason| refused(reason.code())) {
                let refusals = reasons
                    .iter()
                    .map(|reason| refused(reason.code()).then(|| reason.item.clone().unwrap_or_default()));
                return Ok(Err(refusals.collect()));
            }
            let passing = |code: Option<&str>| {
                matches!(
                    code,
                    None | Some(
                        "None" | "TransactionConflict" | "ThrottlingError" | "ProvisionedThroughputExceeded"
                    )
                )
            };
            if !reasons.iter().all(|reason| passing(reason.code())) {
                return Err(failed(action)(error));
            }
            pauses.pause().await?;
        }
    }

    fn transaction_part(
        &self,
        write: Write,
    ) -> Result<TransactWriteItem, aws_sdk_dynamodb::error::BuildError> {
        let part = TransactWriteItem::builder();
        let old = ReturnValuesOnConditionCheckFailure::AllOld;
        Ok(match write {
            Write::Put(item, condition) => {
                let put = Put::builder().table_name(&self.name).set_item(Some(item));
                let put = put
                    .set_condition_expression(condition.as_ref().map(|condition| condition.text.to_owned()))
                    .set_expression_attribute_names(condition.as_ref().and_then(Condition::names))
                    .set_expression_attribute_values(condition.as_ref().and_then(Condition::values));
                part.put(put.return_values_on_condition_check_failure(old).build()?).build()
            }
            Write::Delete(key, condition) => {
                let delete = Delete::builder().table_name(&self.name).set_key(Some(key));
                let delete = delete
                    .set_condition_expression(condition.as_ref().map(|condition| condition.text.to_owned()))
                    .set_expression_attribute_names(condition.as_ref().and_then(Condition::names))
                    .set_expression_attribute_values(condition.as_ref().and_then(Condition::values));
                part.delete(delete.return_values_on_condition_check_failure(old).build()?).build()
            }
            Write::Check(key, condition) => {
                let check = ConditionCheck::builder().table_name(&self.name).set_key(Some(key));
                let check = check
                    .condition_expression(condition.text)
                    .set_expression_attribute_names(condition.names())
                    .set_expression_attribute_values(condition.values());
                part.condition_check(check.return_values_on_condition_check_failure(old).build()?).build()
            }
        })
    }

    /// The first items of a partition from a sort key on, as last written.
    pub(crate) async fn query_from(
        &self,
        action: &'static str,
        pk: &str,
        sk: &str,
        limit: i32,
    ) -> Result<Vec<Item>, StoreError> {
        let request = self
            .client
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk AND sk >= :sk")
            .expression_attribute_values(":pk", text(pk))
            .expression_attribute_values(":sk", text(sk))
            .consistent_read(true)
            .limit(limit);
        Ok(request.send().await.map_err(failed(action))?.items.unwrap_or_default())
    }

    /// The first items of a partition in the sort keys' order, as last written.
    pub(crate) async fn query(
        &self,
        action: &'static str,
        pk: &str,
        order: Order,
        limit: usize,
    ) -> Result<Vec<Item>, StoreError> {
        let request = self
            .client
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(pk))
            .scan_index_forward(order == Order::Ascending)
            .consistent_read(true);
        page_by_page(action, &request, limit).await
    }
}

impl Table {
    /// The keys of all items of an index that fulfil a condition on its key, in the key's order. What was written in
    /// the last moments may be missing.
    pub(crate) async fn query_index(
        &self,
        action: &'static str,
        index: &str,
        condition: &Condition,
    ) -> Result<Vec<Item>, StoreError> {
        let pages = self
            .client
            .query()
            .table_name(&self.name)
            .index_name(index)
            .key_condition_expression(condition.text)
            .set_expression_attribute_names(condition.names())
            .set_expression_attribute_values(condition.values())
            .into_paginator()
            .items()
            .send();
        pages.collect::<Result<_, _>>().await.map_err(failed(action))
    }
}

/// Reading backwards, as people read.
impl Table {
    /// The last items of a partition, the last one first; those before a sort key if one is given. As last written.
    pub(crate) async fn query_back(
        &self,
        action: &'static str,
        pk: &str,
        before: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Item>, StoreError> {
        let condition = if before.is_some() { "pk = :pk AND sk < :before" } else { "pk = :pk" };
        let mut values = HashMap::from([(":pk".to_owned(), text(pk))]);
        values.extend(before.map(|before| (":before".to_owned(), text(before))));
        let request = self
            .client
            .query()
            .table_name(&self.name)
            .key_condition_expression(condition)
            .set_expression_attribute_values(Some(values))
            .scan_index_forward(false)
            .consistent_read(true);
        page_by_page(action, &request, limit).await
    }

    /// Those items of a partition whose sort keys begin with a prefix, in their order, as last written.
    pub(crate) async fn query_prefix(
        &self,
        action: &'static str,
        pk: &str,
        prefix: &str,
    ) -> Result<Vec<Item>, StoreError> {
        let request = self
            .client
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":pk", text(pk))
            .expression_attribute_values(":prefix", text(prefix))
            .consistent_read(true);
        page_by_page(action, &request, usize::MAX).await
    }

    /// The last items that an index lists under a value, the last one first. An index lags a little behind.
    pub(crate) async fn last_of_index(
        &self,
        action: &'static str,
        index: &str,
        (attribute, value): (&str, &str),
        limit: usize,
    ) -> Result<Vec<Item>, StoreError> {
        let request = self
            .client
            .query()
            .table_name(&self.name)
            .index_name(index)
            .key_condition_expression("#attribute = :value")
            .expression_attribute_names("#attribute", attribute)
            .expression_attribute_values(":value", text(value))
            .scan_index_forward(false)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX));
        Ok(request.send().await.map_err(failed(action))?.items.unwrap_or_default())
    }
}

/// What a request finds, page by page, until there are so many.
async fn page_by_page(
    action: &'static str,
    request: &QueryFluentBuilder,
    limit: usize,
) -> Result<Vec<Item>, StoreError> {
    let mut items: Vec<Item> = Vec::new();
    let mut next: Option<Item> = None;
    while items.len() < limit {
        let left = i32::try_from(limit - items.len()).unwrap_or(i32::MAX);
        let page = request.clone().limit(left).set_exclusive_start_key(next);
        let answer = page.send().await.map_err(failed(action))?;
        items.extend(answer.items.unwrap_or_default());
        next = answer.last_evaluated_key;
        if next.is_none() {
            break;
        }
    }
    Ok(items)
}

/// Which end of a partition comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Ascending,
    Descending,
}

/// Growing pauses, and an end to them.
struct Pauses {
    action: &'static str,
    problem: &'static str,
    left: u32,
    next: Duration,
}

impl Pauses {
    fn new(action: &'static str, problem: &'static str) -> Pauses {
        Pauses { action, problem, left: TRIES - 1, next: FIRST_PAUSE }
    }

    async fn pause(&mut self) -> Result<(), StoreError> {
        if self.left == 0 {
            return Err(StoreError::new(self.action, self.problem));
        }
        sleep(self.next).await;
        self.left -= 1;
        self.next *= 2;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_a_condition_is_escaped() {
        let condition = Condition::new("attribute_not_exists(#pk) OR #until <= :now OR #holder = :holder");
        let mut names: Vec<_> = condition.names().unwrap().into_iter().collect();
        names.sort();
        let expected = [("#holder", "holder"), ("#pk", "pk"), ("#until", "until")];
        assert_eq!(names, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    }
}
