//! Pages on which a person sees a company's records and changes them, through the API itself. Plain HTML, no scripts.

mod changes;
mod forms;
mod lists;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use maud::{Markup, html};
use serde_json::Value;

pub(super) use self::changes::{act, save};
pub(super) use self::forms::record;
pub(super) use self::lists::company;
use super::state::Shared;
use crate::company::{Company, Kind};

const STYLE: &str = include_str!("style.css");

/// The kinds that have pages, with their titles.
const KINDS: [(Kind, &str); 4] = [
    (Kind::Client, "Clients"),
    (Kind::Product, "Products"),
    (Kind::Invoice, "Invoices"),
    (Kind::Payment, "Payments"),
];

/// The kind of a path's part.
fn kind_in(path: &str) -> Option<Kind> {
    KINDS.into_iter().map(|(kind, _)| kind).find(|kind| kind.path() == path)
}

/// `/`: all companies.
pub(super) async fn companies(State(server): State<Shared>) -> Response {
    let row = |(place, company): (usize, &Company)| {
        html! {
            tr {
                td { a href={ "/companies/" (place) } { (company.name()) } }
                td { code { (company.admin_token()) } }
                td { (company.records(Kind::Invoice).len()) }
            }
        }
    };
    let content = server.with(|installation, _| {
        html! {
            h1 { "Companies" }
            p { "A simulated Invoice Ninja. Nothing here is mailed to anybody." }
            table {
                thead { tr { th { "Company" } th { "Token" } th { "Invoices" } } }
                tbody { @for it in installation.companies().iter().enumerate() { (row(it)) } }
            }
        }
    });
    shown("Companies", &content)
}

fn shown(title: &str, content: &Markup) -> Response {
    Html(page(title, content).into_string()).into_response()
}

/// A whole page around its content.
fn page(title: &str, content: &Markup) -> Markup {
    simulator_server::page("Invoice Ninja simulator", STYLE, title, content)
}

fn not_found() -> Response {
    let content = html! { h1 { "Not found" } p { a href="/" { "All companies" } } };
    (StatusCode::NOT_FOUND, shown("Not found", &content)).into_response()
}

/// The text of a member. Numbers as they are spelled; nothing if absent.
fn text(record: &Value, name: &str) -> String {
    match record.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// An amount with its cents.
fn amount(record: &Value, name: &str) -> String {
    let text = text(record, name);
    text.parse::<rust_decimal::Decimal>().map_or(text, |amount| format!("{amount:.2}"))
}

fn list<'a>(record: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    record.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// What a person calls a client.
fn client_name(company: &Company, id: &str) -> String {
    company.record(Kind::Client, id).map_or_else(String::new, |client| text(&client, "display_name"))
}

/// What is special about a record: its status, and whether it is hidden.
fn state(kind: Kind, record: &Value) -> String {
    let status = match (kind, text(record, "status_id").as_str()) {
        (Kind::Invoice, "1") => "draft",
        (Kind::Invoice, "2") => "sent",
        (Kind::Invoice, "3") => "partly paid",
        (Kind::Invoice, "4") => "paid",
        (Kind::Invoice, "5") => "cancelled",
        (Kind::Invoice, "6") => "reversed",
        (Kind::Payment, "2") => "cancelled",
        (Kind::Payment, "5") => "partly refunded",
        (Kind::Payment, "6") => "refunded",
        _ => "",
    };
    let hidden = if record.get("is_deleted") == Some(&Value::Bool(true)) {
        "deleted"
    } else if text(record, "archived_at") != "0" {
        "archived"
    } else {
        ""
    };
    [status, hidden].into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join(", ")
}
