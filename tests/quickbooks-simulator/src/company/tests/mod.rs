//! The company from outside: requests in, answers out.

mod batches;
mod changes;
mod customers;
mod invoices;
mod items;
mod payments;
mod queries;
mod random;
mod routes;
mod seeds;
mod settings;
mod taxes;

use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use super::{Company, Request, Seed};

/// A company and a clock that moves a second with every request.
struct Session {
    company: Company,
    now: Timestamp,
}

impl Session {
    fn new(seed: Seed) -> Self {
        let now = "2026-05-04T17:00:00Z".parse().unwrap();
        Self { company: Company::new(seed, "4620816365000000001", now), now }
    }

    fn wait(&mut self, seconds: i64) {
        self.now += seconds.seconds();
    }

    fn send(&mut self, method: &str, path: &str, query: &[(&str, &str)], body: &str) -> (u16, Value) {
        self.wait(1);
        let request = Request {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            content_type: (method == "POST" && path != "query").then(|| "application/json".to_owned()),
            body: body.as_bytes().to_vec(),
        };
        let answer = self.company.answer(&request, self.now);
        (answer.status, serde_json::from_str(&answer.body).unwrap())
    }

    /// An entity that is written without a fault.
    fn post(&mut self, path: &str, body: Value) -> Value {
        self.post_with(path, &[], body)
    }

    fn post_with(&mut self, path: &str, query: &[(&str, &str)], body: Value) -> Value {
        let (status, answer) = self.send("POST", path, query, &body.to_string());
        assert_eq!(status, 200, "{answer}");
        entity(answer)
    }

    /// Code, detail and element of the fault that a write meets.
    fn refused(&mut self, path: &str, body: Value) -> (String, String, String) {
        self.refused_with(path, &[], body)
    }

    fn refused_with(&mut self, path: &str, query: &[(&str, &str)], body: Value) -> (String, String, String) {
        let before = serde_json::to_string(&self.company).unwrap();
        let (status, answer) = self.send("POST", path, query, &body.to_string());
        assert_eq!(status, 400, "{answer}");
        assert_eq!(
            serde_json::to_string(&self.company).unwrap(),
            before,
            "a refused request changed something"
        );
        fault(&answer)
    }

    fn code(&mut self, path: &str, body: Value) -> String {
        self.refused(path, body).0
    }

    fn get(&mut self, path: &str) -> Value {
        let (status, answer) = self.send("GET", path, &[], "");
        assert_eq!(status, 200, "{answer}");
        entity(answer)
    }

    fn query(&mut self, statement: &str) -> Value {
        let (status, answer) = self.send("GET", "query", &[("query", statement)], "");
        assert_eq!(status, 200, "{answer}");
        answer["QueryResponse"].clone()
    }

    fn ids(&mut self, statement: &str) -> Vec<String> {
        let response = self.query(statement);
        let rows =
            response.as_object().unwrap().values().find_map(Value::as_array).cloned().unwrap_or_default();
        rows.iter().map(|row| row["Id"].as_str().unwrap().to_owned()).collect()
    }

    fn find(&mut self, entity: &str, member: &str, name: &str) -> String {
        let statement = format!("select * from {entity} where {member} = '{}'", name.replace('\'', "\\'"));
        self.ids(&statement).pop().unwrap_or_else(|| panic!("no {entity} {name}"))
    }

    fn customer(&mut self, name: &str) -> Value {
        self.post("customer", json!({ "DisplayName": name }))
    }

    fn item(&mut self, name: &str) -> String {
        self.find("Item", "Name", name)
    }

    /// An untaxed invoice of one line.
    fn invoice(&mut self, customer: &Value, amount: &str) -> Value {
        let line = self.line(amount, "NON");
        self.post("invoice", json!({ "CustomerRef": { "value": customer["Id"] }, "Line": [line] }))
    }

    fn line(&mut self, amount: &str, code: &str) -> Value {
        json!({
            "Amount": amount.parse::<serde_json::Number>().unwrap(), "DetailType": "SalesItemLineDetail",
            "SalesItemLineDetail": { "ItemRef": { "value": "1" }, "TaxCodeRef": { "value": code } },
        })
    }

    /// A payment that pays one invoice.
    fn payment(&mut self, customer: &Value, total: &str, invoice: &Value, amount: &str) -> Value {
        self.post("payment", payment_body(customer, total, &[(invoice, amount)]))
    }
}

fn payment_body(customer: &Value, total: &str, applied: &[(&Value, &str)]) -> Value {
    let lines: Vec<Value> = applied
        .iter()
        .map(|(invoice, amount)| {
            json!({ "Amount": amount, "LinkedTxn": [{ "TxnId": invoice["Id"], "TxnType": "Invoice" }] })
        })
        .collect();
    json!({ "CustomerRef": { "value": customer["Id"] }, "TotalAmt": total, "Line": lines })
}

fn entity(answer: Value) -> Value {
    let Value::Object(members) = answer else { panic!("{answer}") };
    members.into_iter().find(|(name, _)| name != "time").unwrap().1
}

fn fault(answer: &Value) -> (String, String, String) {
    let error = &answer["Fault"]["Error"][0];
    let text = |name: &str| error[name].as_str().unwrap_or("(absent)").to_owned();
    (text("code"), text("Detail"), text("element"))
}

/// Id and SyncToken.
fn key(object: &Value) -> Value {
    json!({ "Id": object["Id"], "SyncToken": object["SyncToken"] })
}

/// A sparse update of an object.
fn change(object: &Value, members: Value) -> Value {
    let mut body = key(object);
    body["sparse"] = true.into();
    body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    body
}

/// A member as it is spelled on the wire.
fn spelled(object: &Value, member: &str) -> String {
    object[member].to_string()
}
