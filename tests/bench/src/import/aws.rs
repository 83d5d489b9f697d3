//! AWS as far as an import asks for it: tables that keep their promises, a company's secrets, and a queue whose messages
//! are taken out here.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use jiff::SignedDuration;
use quickbooks_simulator::server::Simulator;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::company;

/// A running stub; dropping it stops it.
pub(crate) struct Stub {
    /// Its address.
    pub(crate) url: String,
    account: Shared,
    server: JoinHandle<()>,
}

type Shared = Arc<Mutex<Account>>;
type Partition = BTreeMap<String, Value>;

#[derive(Default)]
struct Account {
    /// By table and partition key.
    tables: HashMap<(String, String), Partition>,
    secrets: HashMap<&'static str, Value>,
    ticks: VecDeque<String>,
}

fn lock(account: &Shared) -> MutexGuard<'_, Account> {
    account.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Stub {
    /// With the tokens of the simulator's company.
    pub(crate) async fn start(simulator: &Simulator) -> anyhow::Result<Stub> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let tokens = simulator.connect(company::REALM).context("no such realm")?;
        let later = simulator.now() + SignedDuration::from_mins(55);
        let tokens = json!({
            "access_token": tokens.access_token, "access_expires_at": later.to_string(),
            "refresh_token": tokens.refresh_token, "refresh_expires_at": (later + SignedDuration::from_hours(2000)).to_string(),
            "hard_expires_at": null,
        });
        let app = json!({"client_id": tokens_of_app().0, "client_secret": tokens_of_app().1, "verifier_token": "bench"});
        let billing = json!({"token": "bench", "webhook_secret": "bench"});
        let secrets = HashMap::from([("billing", billing), ("tokens", tokens), ("app", app)]);
        let account = Arc::new(Mutex::new(Account { secrets, ..Account::default() }));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&account));
        let server = tokio::spawn(async move {
            // Serving ends only with the task.
            axum::serve(listener, router).await.ok();
        });
        Ok(Stub { url, account, server })
    }

    /// The oldest message of the queue, taken out.
    pub(crate) fn next_tick(&self) -> Option<String> {
        lock(&self.account).ticks.pop_front()
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn tokens_of_app() -> (&'static str, &'static str) {
    ("simulator-client-id", "simulator-client-secret")
}

/// A refusal: its type, and what goes with it.
struct Refused(&'static str, Value);

async fn answer(State(account): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let mut account = lock(&account);
    let answered = match target.rsplit('.').next().unwrap_or_default() {
        "GetItem" => Ok(account.get(&request)),
        "BatchGetItem" => Ok(account.get_batch(&request)),
        "PutItem" => account.put(&request),
        "DeleteItem" => account.delete(&request),
        "TransactWriteItems" => account.transact(&request),
        "Query" => Ok(account.query(&request)),
        "GetSecretValue" => Ok(account.secret(&request)),
        "SendMessage" => {
            account.ticks.push_back(text(&request["MessageBody"]));
            Ok(json!({"MessageId": "bench", "MD5OfMessageBody": "bench", "SequenceNumber": "1"}))
        }
        "ChangeMessageVisibilityBatch" => Ok(json!({"Successful": [], "Failed": []})),
        _ => Err(Refused("UnknownOperationException", json!({"message": format!("not known: {target}")}))),
    };
    let (status, body) = match answered {
        Ok(body) => (StatusCode::OK, body),
        Err(Refused(kind, mut body)) => {
            body["__type"] = format!("com.amazonaws.dynamodb.v20120810#{kind}").into();
            (StatusCode::BAD_REQUEST, body)
        }
    };
    (status, [("content-type", "application/x-amz-json-1.0")], Json(body)).into_response()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The partition and the sort key of an item or a key.
fn key_of(item: &Value) -> (String, String) {
    (text(&item["pk"]["S"]), text(&item["sk"]["S"]))
}

impl Account {
    fn partition(&mut self, table: &Value, pk: &str) -> &mut Partition {
        self.tables.entry((text(table), pk.to_owned())).or_default()
    }

    fn item(&mut self, table: &Value, key: &Value) -> Option<Value> {
        let (pk, sk) = key_of(key);
        self.partition(table, &pk).get(&sk).cloned()
    }

    fn get(&mut self, request: &Value) -> Value {
        match self.item(&request["TableName"], &request["Key"]) {
            Some(item) => json!({ "Item": item }),
            None => json!({}),
        }
    }

    fn get_batch(&mut self, request: &Value) -> Value {
        let mut responses = Map::new();
        for (table, wanted) in request["RequestItems"].as_object().into_iter().flatten() {
            let keys = wanted["Keys"].as_array().cloned().unwrap_or_default();
            let table_name = Value::from(table.as_str());
            let found = keys.iter().filter_map(|key| self.item(&table_name, key)).collect();
            responses.insert(table.clone(), found);
        }
        json!({"Responses": responses, "UnprocessedKeys": {}})
    }

    /// The item that is there, if the request's condition does not hold for it.
    fn refusal(&mut self, request: &Value, key: &Value) -> Option<Value> {
        let item = self.item(&request["TableName"], key).unwrap_or_else(|| json!({}));
        let condition = request["ConditionExpression"].as_str()?;
        (!holds(condition, request, &item)).then_some(item)
    }

    fn put(&mut self, request: &Value) -> Result<Value, Refused> {
        self.check(request, &request["Item"])?;
        self.write(request, &request["Item"], true);
        Ok(json!({}))
    }

    fn delete(&mut self, request: &Value) -> Result<Value, Refused> {
        self.check(request, &request["Key"])?;
        self.write(request, &request["Key"], false);
        Ok(json!({}))
    }

    fn check(&mut self, request: &Value, key: &Value) -> Result<(), Refused> {
        match self.refusal(request, key) {
            None => Ok(()),
            Some(item) => {
                let body = json!({"message": "The conditional request failed", "Item": item});
                Err(Refused("ConditionalCheckFailedException", body))
            }
        }
    }

    fn write(&mut self, request: &Value, item: &Value, is_put: bool) {
        let (pk, sk) = key_of(item);
        let partition = self.partition(&request["TableName"], &pk);
        if is_put {
            partition.insert(sk, item.clone());
        } else {
            partition.remove(&sk);
        }
    }

    fn transact(&mut self, request: &Value) -> Result<Value, Refused> {
        let parts = request["TransactItems"].as_array().cloned().unwrap_or_default();
        let part = |part: &Value| {
            let (kind, request) = part.as_object().and_then(|part| part.iter().next())?;
            let key = if kind == "Put" { &request["Item"] } else { &request["Key"] };
            Some((kind.clone(), request.clone(), key.clone()))
        };
        let parts: Vec<(String, Value, Value)> = parts.iter().filter_map(part).collect();
        let reasons: Vec<Value> = parts
            .iter()
            .map(|(_, request, key)| match self.refusal(request, key) {
                None => json!({"Code": "None"}),
                Some(item) => json!({"Code": "ConditionalCheckFailed", "Item": item, "Message": "no"}),
            })
            .collect();
        if reasons.iter().any(|reason| reason["Code"] != "None") {
            let body = json!({"message": "Transaction cancelled", "CancellationReasons": reasons});
            return Err(Refused("TransactionCanceledException", body));
        }
        for (kind, request, key) in parts.iter().filter(|(kind, ..)| kind != "ConditionCheck") {
            self.write(request, key, kind == "Put");
        }
        Ok(json!({}))
    }

    fn query(&mut self, request: &Value) -> Value {
        let values = &request["ExpressionAttributeValues"];
        let (pk, from) = (text(&values[":pk"]["S"]), text(&values[":sk"]["S"]));
        let limit = request["Limit"].as_u64().and_then(|limit| usize::try_from(limit).ok());
        let partition = self.partition(&request["TableName"], &pk);
        let found = partition.range(from..).map(|(_, item)| item.clone());
        let items: Vec<Value> = match request["ScanIndexForward"] {
            Value::Bool(false) => found.rev().take(limit.unwrap_or(usize::MAX)).collect(),
            _ => found.take(limit.unwrap_or(usize::MAX)).collect(),
        };
        json!({"Count": items.len(), "Items": items})
    }

    fn secret(&self, request: &Value) -> Value {
        let id = text(&request["SecretId"]);
        let name = match id.rsplit('/').next() {
            Some("billing") => "billing",
            Some(last) if last == company::REALM => "tokens",
            _ => "app",
        };
        let secret = self.secrets.get(name).map(Value::to_string);
        json!({"ARN": "arn", "Name": id, "VersionId": "1", "SecretString": secret})
    }
}

/// Whether a condition holds for an item: comparisons joined by AND and OR, without brackets.
fn holds(condition: &str, request: &Value, item: &Value) -> bool {
    let atom = |atom: &str| {
        let attribute = |name: &str| &item[text(&request["ExpressionAttributeNames"][name.trim()])];
        let value = |name: &str| &request["ExpressionAttributeValues"][name.trim()];
        if let Some(name) = atom.strip_prefix("attribute_not_exists(") {
            return attribute(name.trim_end_matches(')')).is_null();
        }
        if let Some((name, values)) = atom.split_once(" IN ") {
            return values.trim_matches(['(', ')', ' ']).split(',').any(|one| attribute(name) == value(one));
        }
        let number = |of: &Value| of["N"].as_str().and_then(|text| text.parse::<i128>().ok());
        let ordered = |(name, other): (&str, &str)| number(attribute(name)).zip(number(value(other)));
        if let Some(pair) = atom.split_once(" <= ") {
            return ordered(pair).is_some_and(|(one, other)| one <= other);
        }
        if let Some(pair) = atom.split_once(" > ") {
            return ordered(pair).is_some_and(|(one, other)| one > other);
        }
        atom.split_once(" = ").is_some_and(|(name, other)| attribute(name) == value(other))
    };
    condition.split(" OR ").any(|all| all.split(" AND ").all(|one| atom(one.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_hold_or_do_not() {
        let request = json!({
            "ExpressionAttributeNames": {"#pk": "pk", "#version": "version", "#state": "state"},
            "ExpressionAttributeValues": {":before": {"N": "2"}, ":a": {"S": "a"}, ":b": {"S": "b"}},
        });
        let item = json!({"pk": {"S": "x"}, "version": {"N": "2"}, "state": {"S": "b"}});
        for (condition, expected) in [
            ("attribute_not_exists(#pk)", false),
            ("#version = :before", true),
            ("attribute_not_exists(#pk) OR #version = :before", true),
            ("#version = :before AND #state = :a", false),
            ("#state IN (:a, :b)", true),
            ("#version > :before", false),
            ("#version <= :before", true),
        ] {
            assert_eq!(holds(condition, &request, &item), expected, "{condition}");
        }
        assert!(holds("attribute_not_exists(#pk)", &request, &json!({})));
    }
}
