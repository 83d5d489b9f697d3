//! Pages on which a person sees what arrived in the companies' books, and works in them as a bookkeeper does, through the
//! API itself. Plain HTML, no scripts.

mod changes;
mod company;
mod forms;
mod record;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use maud::{Markup, html};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(super) use self::changes::{act, save};
pub(super) use self::company::{company, disconnect};
pub(super) use self::record::record;
use super::state::{Server, Shared, lock};

const STYLE: &str = include_str!("style.css");

/// What has pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
enum List {
    #[default]
    Invoice,
    Payment,
    Customer,
    Item,
}

impl List {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Customer, "Customers"),
        (Self::Item, "Items"),
        (Self::Invoice, "Invoices"),
        (Self::Payment, "Payments"),
    ];

    fn entity(self) -> &'static str {
        match self {
            Self::Invoice => "Invoice",
            Self::Payment => "Payment",
            Self::Customer => "Customer",
            Self::Item => "Item",
        }
    }

    /// Its part of an address.
    fn path(self) -> String {
        format!("{}s", self.entity().to_lowercase())
    }

    fn at(path: &str) -> Option<Self> {
        Self::ALL.into_iter().map(|(list, _)| list).find(|list| list.path() == path)
    }
}

/// Where a record is; the id `new` is that of an empty form.
fn record_address(realm: &str, list: List, id: &str) -> String {
    format!("/companies/{realm}/{}/{id}", list.path())
}

/// The few words in which a company is listed.
#[derive(Serialize)]
pub(super) struct CompanyLine {
    pub(super) realm: String,
    pub(super) name: String,
    pub(super) country: String,
}

impl Server {
    /// All companies, in the order of their realm ids.
    pub(super) fn company_list(&self) -> Vec<CompanyLine> {
        let line = |realm: String| {
            let described = self
                .with_company(&realm, |company, _| (company.name().to_owned(), company.country().to_owned()));
            described.map(|(name, country)| CompanyLine { realm, name, country })
        };
        self.realms().into_iter().filter_map(line).collect()
    }
}

/// `/`: all companies.
pub(super) async fn companies(State(server): State<Shared>) -> Response {
    let now = server.clock.now();
    let companies = server.company_list();
    let connected = |realm: &str| lock(&server.connections).is_connected(realm, now);
    let content = html! {
        h1 { "Companies" }
        p { "A simulated QuickBooks Online. Nothing here reaches Intuit." }
        table {
            thead { tr { th { "Company" } th { "Country" } th { "Realm id" } th { "App" } } }
            tbody {
                @for company in companies {
                    tr {
                        td { a href={ "/companies/" (company.realm) } { (company.name) } }
                        td { (company.country) }
                        td { code { (company.realm) } }
                        td { @if connected(&company.realm) { "connected" } @else { "not connected" } }
                    }
                }
            }
        }
    };
    Html(page("Companies", &content).into_string()).into_response()
}

/// A whole page around its content.
pub(super) fn page(title: &str, content: &Markup) -> Markup {
    simulator_server::page("QuickBooks simulator", STYLE, title, content)
}

fn not_found() -> Response {
    let content = html! { h1 { "Not found" } p { a href="/" { "All companies" } } };
    (StatusCode::NOT_FOUND, Html(page("Not found", &content).into_string())).into_response()
}

/// The text of a member, found by its path (`CustomerRef/name`). Numbers as they are spelled; nothing if absent.
fn text(object: &Value, path: &str) -> String {
    let member = path.split('/').try_fold(object, |value, name| value.get(name));
    match member {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// Whether an amount is there and is zero.
fn is_zero(object: &Value, member: &str) -> bool {
    text(object, member).parse::<rust_decimal::Decimal>().is_ok_and(|amount| amount.is_zero())
}

fn list<'a>(object: &'a Value, member: &str) -> impl Iterator<Item = &'a Value> {
    object.get(member).and_then(Value::as_array).into_iter().flatten()
}

fn is_voided(transaction: &Value) -> bool {
    text(transaction, "PrivateNote").starts_with("Voided")
}
