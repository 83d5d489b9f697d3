//! What a person sends from a page, put to the API in the company's own name.

use std::collections::BTreeMap;

use axum::Form;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::{Map, Value, json};

use super::forms::respond;
use super::{kind_in, list, not_found, text};
use crate::company::{Company, Kind, Request};
use crate::server::state::{Server, Shared};

type Sent = BTreeMap<String, String>;

/// Members that a form may hold and that go to the API as they are.
const PLAIN: [&str; 18] = [
    "name",
    "address1",
    "city",
    "state",
    "postal_code",
    "public_notes",
    "product_key",
    "notes",
    "price",
    "cost",
    "client_id",
    "amount",
    "date",
    "due_date",
    "transaction_reference",
    "private_notes",
    "number",
    "discount",
];

/// `POST /companies/{place}/{kind}/{id}`: changes a record, or makes one if the id is `new`.
pub(in crate::server) async fn save(
    State(server): State<Shared>,
    Path((place, kind, id)): Path<(usize, String, String)>,
    Form(sent): Form<Sent>,
) -> Response {
    let Some(kind) = kind_in(&kind) else { return not_found() };
    change(&server, place, kind, &id, |company| {
        let before = company.record(kind, &id).unwrap_or_default();
        let body = body(kind, &before, &sent);
        match id.as_str() {
            "new" => ("POST", kind.path().to_owned(), body),
            id => ("PUT", format!("{}/{id}", kind.path()), body),
        }
    })
}

/// `POST /companies/{place}/{kind}/{id}/{action}`.
pub(in crate::server) async fn act(
    State(server): State<Shared>,
    Path((place, kind, id, action)): Path<(usize, String, String, String)>,
) -> Response {
    let Some(kind) = kind_in(&kind) else { return not_found() };
    change(&server, place, kind, &id, |company| match action.as_str() {
        "refund" => {
            let payment = company.record(kind, &id).unwrap_or_default();
            ("POST", "payments/refund".to_owned(), refund(&payment, &now_of(&server)))
        }
        action => ("POST", format!("{}/bulk", kind.path()), json!({"action": action, "ids": [id]})),
    })
}

/// Sends a request to the API and shows the record, or what was refused.
fn change(
    server: &Server,
    place: usize,
    kind: Kind,
    id: &str,
    request: impl FnOnce(&Company) -> (&'static str, String, Value),
) -> Response {
    let answered = server.with(|installation, now| {
        let company = installation.company(place)?;
        let (method, path, body) = request(company);
        let request = Request {
            method: method.to_owned(),
            path,
            query: vec![("email_receipt".to_owned(), "false".to_owned())],
            token: Some(company.admin_token().to_owned()),
            asks_for_json: true,
            body: body.to_string().into_bytes(),
        };
        let answer = company.answer(&request, now);
        Some((answer.status, serde_json::from_str(&answer.body).unwrap_or(Value::Null)))
    });
    match answered {
        None => not_found(),
        Some((200, answer)) => {
            let made = text(&answer["data"], "id");
            let id = if made.is_empty() { id } else { &made };
            Redirect::to(&format!("/companies/{place}/{}/{id}", kind.path())).into_response()
        }
        Some((_, answer)) => respond(server, place, kind.path(), id, &problem(&answer)),
    }
}

fn problem(answer: &Value) -> String {
    let errors = answer["errors"].as_object().into_iter().flatten().flat_map(|(_, texts)| texts.as_array());
    let errors: Vec<&str> = errors.flatten().filter_map(Value::as_str).collect();
    if errors.is_empty() { text(answer, "message") } else { errors.join(" ") }
}

fn now_of(server: &Server) -> String {
    server.clock.now().to_string().chars().take("2026-01-31".len()).collect()
}

fn body(kind: Kind, before: &Value, sent: &Sent) -> Value {
    let plain = PLAIN.iter().filter_map(|name| Some(((*name).to_owned(), sent.get(*name)?.as_str().into())));
    let mut body: Map<String, Value> = plain.collect();
    match kind {
        Kind::Client => {
            body.insert("contacts".to_owned(), contacts(before, sent));
        }
        // A form without lines says nothing of them.
        Kind::Invoice if sent.contains_key("product_key.0") => {
            body.insert("line_items".to_owned(), lines(before, sent));
        }
        Kind::Payment => {
            if let Some(invoice) = sent.get("invoice_id").filter(|id| !id.is_empty()) {
                let amount = sent.get("amount").cloned().unwrap_or_default();
                body.insert("invoices".to_owned(), json!([{"invoice_id": invoice, "amount": amount}]));
            }
        }
        _ => {}
    }
    Value::Object(body)
}

/// All contacts, with the first one changed: the API takes the contacts it is sent for all there are.
fn contacts(before: &Value, sent: &Sent) -> Value {
    let mut contacts: Vec<Value> = list(before, "contacts").cloned().collect();
    if contacts.is_empty() {
        contacts.push(json!({}));
    }
    for name in ["first_name", "last_name", "email"] {
        if let Some(value) = sent.get(name) {
            contacts[0][name] = value.as_str().into();
        }
    }
    contacts.into()
}

/// All lines; what the form does not show of one stays.
fn lines(before: &Value, sent: &Sent) -> Value {
    let before: Vec<&Value> = list(before, "line_items").collect();
    let mut lines = Vec::new();
    for n in 0.. {
        let member = |name: &str| sent.get(&format!("{name}.{n}")).map(String::as_str);
        let Some(product) = member("product_key") else { break };
        if product.is_empty() && member("cost").unwrap_or_default().is_empty() {
            continue;
        }
        let mut line = before.get(n).map_or_else(|| json!({}), |line| (*line).clone());
        for name in ["product_key", "notes", "quantity", "cost"] {
            line[name] = member(name).unwrap_or_default().into();
        }
        let (tax, rate) = member("tax").and_then(|tax| tax.split_once('|')).unwrap_or_default();
        line["tax_name1"] = tax.into();
        line["tax_rate1"] = rate.into();
        lines.push(line);
    }
    lines.into()
}

/// A refund of everything that is left of a payment.
fn refund(payment: &Value, date: &str) -> Value {
    let left = |it: &Value| {
        let amount = |name| text(it, name).parse::<rust_decimal::Decimal>().unwrap_or_default();
        amount("amount") - amount("refunded")
    };
    let invoices = list(payment, "paymentables").filter(|it| !left(it).is_zero());
    let invoices: Vec<Value> =
        invoices.map(|it| json!({"invoice_id": it["invoice_id"], "amount": left(it).to_string()})).collect();
    json!({"id": payment["id"], "date": date, "amount": left(payment).to_string(), "invoices": invoices})
}
