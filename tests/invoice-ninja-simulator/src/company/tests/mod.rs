//! The company from outside: requests in, answers out.

mod bulk;
mod clients;
mod invoices;
mod lists;
mod payments;
mod products;
mod random;
mod requests;
mod webhooks;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Company, Kind, Request, Seed};

/// A company and a clock that moves ten seconds with every request.
struct Session {
    company: Company,
    now: Timestamp,
    token: String,
}

impl Session {
    fn new(seed: Seed) -> Self {
        let now = "2026-05-14T09:00:00Z".parse().unwrap();
        Self { company: Company::new(seed, 1, "TOKEN", now), now, token: "TOKEN".into() }
    }

    fn wait(&mut self, milliseconds: i64) {
        self.now += SignedDuration::from_millis(milliseconds);
    }

    fn request(&self, method: &str, path: &str, body: &Value) -> Request {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        Request {
            method: method.into(),
            path: path.into(),
            query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            token: Some(self.token.clone()),
            asks_for_json: true,
            body: body.to_string().into_bytes(),
        }
    }

    /// A request at this very moment.
    fn at_once(&mut self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let answer = self.company.answer(&self.request(method, path, &body), self.now);
        (answer.status, serde_json::from_str(&answer.body).unwrap())
    }

    fn send(&mut self, method: &str, path: &str, body: Value) -> (u16, Value) {
        self.wait(10_000);
        self.at_once(method, path, body)
    }

    /// The record in the answer to what is not refused.
    fn done(&mut self, method: &str, path: &str, body: Value) -> Value {
        let (status, mut answer) = self.send(method, path, body);
        assert_eq!(status, 200, "{answer}");
        answer["data"].take()
    }

    fn post(&mut self, path: &str, body: Value) -> Value {
        self.done("POST", path, body)
    }

    fn put(&mut self, path: &str, record: &Value, body: Value) -> Value {
        self.done("PUT", &format!("{path}/{}", id(record)), body)
    }

    fn get(&mut self, path: &str) -> Value {
        self.done("GET", path, Value::Null)
    }

    /// The errors of a request that is refused as invalid, by field.
    fn errors(&mut self, method: &str, path: &str, body: Value) -> Value {
        let (status, mut answer) = self.send(method, path, body);
        assert_eq!(status, 422, "{answer}");
        answer["errors"].take()
    }

    /// The message of a request that is refused.
    fn refused(&mut self, method: &str, path: &str, body: Value) -> (u16, String) {
        let (status, answer) = self.send(method, path, body);
        (status, answer["message"].as_str().unwrap().to_owned())
    }

    fn client(&mut self, name: &str) -> Value {
        self.post("clients", json!({"name": name}))
    }

    /// A sent invoice over so much.
    fn invoice(&mut self, client: &Value, amount: i64) -> Value {
        self.post(
            "invoices?mark_sent=true",
            json!({
                "client_id": client["id"], "line_items": [{"cost": amount, "quantity": 1}],
            }),
        )
    }

    fn payment(&mut self, client: &Value, amount: i64, invoices: &[(&Value, i64)]) -> Value {
        self.post(
            "payments?email_receipt=false",
            json!({
                "client_id": client["id"], "amount": amount, "invoices": allocations(invoices),
            }),
        )
    }

    /// A record as it is now.
    fn now(&self, kind: Kind, record: &Value) -> Value {
        self.company.record(kind, &id(record)).unwrap()
    }

    fn set(&mut self, settings: Value) {
        let company = self.company.id();
        self.done("PUT", &format!("companies/{company}"), settings);
    }
}

fn allocations(invoices: &[(&Value, i64)]) -> Value {
    invoices.iter().map(|(invoice, amount)| json!({"invoice_id": invoice["id"], "amount": amount})).collect()
}

fn id(record: &Value) -> String {
    record["id"].as_str().unwrap().to_owned()
}

fn ids(records: &Value) -> Vec<String> {
    records.as_array().unwrap().iter().map(id).collect()
}
