//! Several independent requests in one.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    BatchOrder, Company,
    answer::Reply,
    faults::Fault,
    kinds::{self, Kind},
    wire::{Members, Object},
    writes::{Operation, Order},
};

/// Intuit: Limits and throttles.
const MOST_ITEMS: usize = 30;

impl Company {
    /// Answers every item by itself; a refused item does not stop the others.
    pub(crate) fn batch(&mut self, body: &[u8], now: Timestamp) -> Result<Reply, Fault> {
        let body: Value =
            serde_json::from_slice(body).map_err(|error| Fault::invalid_property(&format!("{error}\n")))?;
        let Some(items) = body.get("BatchItemRequest").and_then(Value::as_array) else {
            return Err(Fault::missing("BatchItemRequest"));
        };
        if items.len() > MOST_ITEMS {
            return Err(Fault::batch_too_large(MOST_ITEMS, items.len()));
        }
        let mut items: Vec<&Value> = items.iter().collect();
        if self.switches.batch_order == BatchOrder::Reversed {
            items.reverse();
        }
        let answers: Vec<Value> = items.into_iter().map(|item| self.batch_item(item, now)).collect();
        Ok(Reply::of("BatchItemResponse", answers.into()))
    }

    fn batch_item(&mut self, item: &Value, now: Timestamp) -> Value {
        let mut answer = match self.execute_item(item, now) {
            Ok(answer) => answer,
            Err(fault) => json!({ "Fault": fault.to_json() }),
        };
        if let Some(id) = item.get("bId") {
            answer["bId"] = id.clone();
        }
        answer
    }

    fn execute_item(&mut self, item: &Value, now: Timestamp) -> Result<Value, Fault> {
        let Value::Object(members) = item else { return Err(Fault::invalid_property("BatchItemRequest\n")) };
        if members.text("bId").is_none() {
            return Err(Fault::missing("bId"));
        }
        if let Some(query) = members.text("Query") {
            return self.query(query, now).map(Value::Object);
        }
        let (kind, body) = subject(members)?;
        let order = Order {
            kind,
            operation: operation_of(members)?,
            allow_duplicate_number: option_is(members, "allowduplicatedocnum"),
        };
        let entity = self.write(order, body.clone(), now)?;
        Ok(json!({ kind.name(): entity }))
    }
}

/// The entity of an item, under its own name.
fn subject(members: &Object) -> Result<(Kind, &Value), Fault> {
    const OTHERS: [&str; 4] = ["bId", "operation", "optionsData", "iterator"];
    let mut rest = members.iter().filter(|(name, _)| !OTHERS.contains(&name.as_str()));
    let Some((name, body)) = rest.next() else { return Err(Fault::missing("Entity")) };
    match Kind::ALL.into_iter().find(|kind| kind.name() == name) {
        Some(kind) => Ok((kind, body)),
        None if kinds::EMPTY.contains(&name.as_str()) => Err(Fault::operation_not_supported(name)),
        None => Err(Fault::unsupported_object(name)),
    }
}

fn operation_of(members: &Object) -> Result<Operation, Fault> {
    let voids = option_is(members, "void");
    match members.text("operation").map(str::to_ascii_lowercase).as_deref() {
        None | Some("create") => Ok(Operation::Save),
        Some("update") if voids => Ok(Operation::Void),
        Some("update") => Ok(Operation::Update),
        Some("delete") => Ok(Operation::Delete),
        Some("void") => Ok(Operation::Void),
        Some(other) => Err(Fault::operation_not_supported(other)),
    }
}

fn option_is(members: &Object, option: &str) -> bool {
    members
        .text("optionsData")
        .is_some_and(|given| given.split(',').any(|one| one.trim().eq_ignore_ascii_case(option)))
}
