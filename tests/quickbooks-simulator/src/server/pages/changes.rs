//! What a bookkeeper sends from a page, put to the accounting API.

use std::collections::BTreeMap;

use axum::Form;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::record::respond;
use super::{List, forms, list, not_found, record_address, text};
use crate::company::{Company, Request};
use crate::server::state::{Server, Shared};

type Sent = BTreeMap<String, String>;

/// `POST /companies/{realm}/{list}/{id}`: changes a record, or makes one if the id is `new`.
pub(in crate::server) async fn save(
    State(server): State<Shared>,
    Path((realm, list, id)): Path<(String, String, String)>,
    Form(sent): Form<Sent>,
) -> Response {
    let Some(list) = List::at(&list) else { return not_found() };
    change(&server, &realm, list, &id, |company| {
        let before = company.entity(list.entity(), &id).cloned();
        Some((&[], body(company, list, before.as_ref(), &sent)))
    })
}

/// `POST /companies/{realm}/{list}/{id}/{action}`.
pub(in crate::server) async fn act(
    State(server): State<Shared>,
    Path((realm, list, id, action)): Path<(String, String, String, String)>,
) -> Response {
    let Some(list) = List::at(&list) else { return not_found() };
    change(&server, &realm, list, &id, |company| {
        let mut body =
            json!({"Id": id, "SyncToken": company.entity(list.entity(), &id)?["SyncToken"], "sparse": true});
        let query: &[(&str, &str)] = match (list, action.as_str()) {
            (List::Invoice, "void") => &[("operation", "void")],
            (List::Payment, "void") => &[("operation", "update"), ("include", "void")],
            (List::Invoice | List::Payment, "delete") => &[("operation", "delete")],
            (List::Customer | List::Item, "activate" | "inactivate") => {
                body["Active"] = (action == "activate").into();
                &[]
            }
            _ => return None,
        };
        Some((query, body))
    })
}

type Parameters = &'static [(&'static str, &'static str)];

/// Sends a request to the API and shows the record, or what was refused.
fn change(
    server: &Server,
    realm: &str,
    list: List,
    id: &str,
    request: impl FnOnce(&Company) -> Option<(Parameters, Value)>,
) -> Response {
    let answered = server.with_company(realm, |company, now| {
        let (query, body) = request(company)?;
        let request = Request {
            method: "POST".to_owned(),
            path: list.entity().to_lowercase(),
            query: query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            content_type: Some("application/json".to_owned()),
            body: body.to_string().into_bytes(),
        };
        let answer = company.answer(&request, now);
        Some((answer.status, serde_json::from_str(&answer.body).unwrap_or(Value::Null)))
    });
    match answered.flatten() {
        None => not_found(),
        Some((200, answer)) => {
            let saved = &answer[list.entity()];
            if text(saved, "status") == "Deleted" {
                return Redirect::to(&format!("/companies/{realm}?list={}", list.entity())).into_response();
            }
            Redirect::to(&record_address(realm, list, &text(saved, "Id"))).into_response()
        }
        Some((_, answer)) => respond(server, realm, list, id, &problem(&answer)),
    }
}

fn problem(answer: &Value) -> String {
    let errors = list(&answer["Fault"], "Error")
        .map(|error| format!("{} {}", text(error, "Message"), text(error, "Detail")));
    errors.collect::<Vec<_>>().join(" ")
}

fn body(company: &Company, of: List, before: Option<&Value>, sent: &Sent) -> Value {
    let mut body = match before {
        Some(before) => json!({"Id": before["Id"], "SyncToken": before["SyncToken"], "sparse": true}),
        None => json!({}),
    };
    let nothing = json!({});
    let before = before.unwrap_or(&nothing);
    for (path, ..) in forms::plain(of).iter().chain(&[("CustomerRef/value", "", "")]) {
        if let Some(value) = sent.get(*path).filter(|value| **value != text(before, path)) {
            put(&mut body, before, path, value);
        }
    }
    match of {
        List::Item if before == &nothing => {
            body["Type"] = "Service".into();
            body["IncomeAccountRef"] = json!({"value": income_account(company)});
        }
        List::Invoice if sent.keys().any(|name| name.ends_with(".0")) => body["Line"] = lines(before, sent),
        List::Payment if sent.keys().any(|name| name.starts_with("paid.")) => body["Line"] = paid(sent),
        _ => {}
    }
    body
}

/// Sets what is at a path. The API takes an object that it is sent for the whole one, so the rest goes with it.
fn put(body: &mut Value, before: &Value, path: &str, value: &str) {
    match path.split_once('/') {
        None => body[path] = value.into(),
        Some((object, member)) => {
            if body.get(object).is_none() {
                body[object] = before.get(object).cloned().unwrap_or_else(|| json!({}));
            }
            body[object][member] = value.into();
        }
    }
}

fn income_account(company: &Company) -> String {
    let accounts = company.entities("Account").into_iter();
    let mut income = accounts.filter(|account| text(account, "AccountType") == "Income");
    income.next().map_or_else(String::new, |account| text(account, "Id"))
}

/// All lines; what the form does not show of one stays.
fn lines(before: &Value, sent: &Sent) -> Value {
    let sales: Vec<&Value> = list(before, "Line").filter(|line| forms::is_sale(line)).collect();
    let mut lines: Vec<Value> = Vec::new();
    for n in 0.. {
        let member = |path: &str| sent.get(&format!("{path}.{n}")).map(|value| value.trim());
        let Some(item) = member("SalesItemLineDetail/ItemRef/value") else { break };
        if item.is_empty() {
            continue;
        }
        let mut line = sales.get(n).map_or_else(|| json!({}), |line| (*line).clone());
        line["DetailType"] = "SalesItemLineDetail".into();
        line["Description"] = member("Description").unwrap_or_default().into();
        let number = |path: &str| member(path).unwrap_or_default().parse::<Decimal>().unwrap_or(Decimal::ONE);
        let (quantity, price) = (number("SalesItemLineDetail/Qty"), number("SalesItemLineDetail/UnitPrice"));
        let detail = &mut line["SalesItemLineDetail"];
        detail["ItemRef"] = json!({"value": item});
        detail["Qty"] = quantity.to_string().into();
        detail["UnitPrice"] = price.to_string().into();
        line["Amount"] = (quantity * price).round_dp(2).to_string().into();
        lines.push(line);
    }
    let others = list(before, "Line").filter(|line| line.get("DiscountLineDetail").is_some());
    lines.extend(others.cloned());
    lines.into()
}

fn paid(sent: &Sent) -> Value {
    let amounts = sent.iter().filter_map(|(name, amount)| Some((name.strip_prefix("paid.")?, amount.trim())));
    let line = |(invoice, amount): (&str, &str)| json!({"Amount": amount, "LinkedTxn": [{"TxnId": invoice, "TxnType": "Invoice"}]});
    amounts.filter(|(_, amount)| !amount.is_empty()).map(line).collect()
}
