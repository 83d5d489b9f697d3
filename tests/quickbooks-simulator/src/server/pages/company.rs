//! One company's customers, items, invoices and payments, newest first.

use axum::extract::{Path, Query, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::{List, is_voided, is_zero, not_found, page, record_address, text};
use crate::company::Company;
use crate::server::state::{Shared, lock};

const ROWS: usize = 100;

/// Which list, and which page of it.
#[derive(Deserialize)]
pub(in crate::server) struct Shown {
    #[serde(default)]
    list: List,
    #[serde(default)]
    page: usize,
}

/// `/companies/{realm}`.
pub(in crate::server) async fn company(
    State(server): State<Shared>,
    Path(realm): Path<String>,
    Query(shown): Query<Shown>,
) -> Response {
    let connected = lock(&server.connections).is_connected(&realm, server.clock.now());
    match server.with_company(&realm, |company, _| overview(company, &shown, connected)) {
        Some(page) => Html(page.into_string()).into_response(),
        None => not_found(),
    }
}

/// `POST /companies/{realm}/disconnect`: what "Disconnect" under "My apps" does in QuickBooks.
pub(in crate::server) async fn disconnect(
    State(server): State<Shared>,
    Path(realm): Path<String>,
) -> Response {
    lock(&server.connections).disconnect(&realm);
    let landing = server.options.app.disconnect_url.as_deref();
    let landing = landing.and_then(|url| Url::parse_with_params(url, [("realmId", &realm)]).ok());
    match landing {
        Some(url) => Redirect::to(url.as_str()).into_response(),
        None => Redirect::to(&format!("/companies/{realm}")).into_response(),
    }
}

fn overview(company: &Company, shown: &Shown, connected: bool) -> Markup {
    let entities = company.entities(shown.list.entity());
    let pages = entities.len().div_ceil(ROWS).max(1);
    let current = shown.page.clamp(1, pages);
    let rows: Vec<&Value> = entities.into_iter().rev().skip((current - 1) * ROWS).take(ROWS).collect();
    let content = html! {
        h1 { (company.name()) }
        p.muted { (company.country()) ", realm " code { (company.realm()) } }
        @if connected {
            form method="post" action={ "/companies/" (company.realm()) "/disconnect" } {
                "An app is connected. " button.plain { "Disconnect" }
            }
        }
        nav {
            @for (list, title) in List::ALL {
                a href={ "?list=" (list.entity()) } aria-current=[(list == shown.list).then_some("page")] {
                    (title) " (" (company.entities(list.entity()).len()) ")"
                }
            }
        }
        p { a href=(record_address(company.realm(), shown.list, "new")) { "New " (shown.list.entity().to_lowercase()) } }
        @if rows.is_empty() {
            p { "Nothing here yet." }
        } @else {
            (table(company.realm(), shown.list, &rows))
        }
        @if pages > 1 {
            nav {
                @if current > 1 { a href=(link(shown.list, current - 1)) rel="prev" { "Newer" } }
                span { "Page " (current) " of " (pages) }
                @if current < pages { a href=(link(shown.list, current + 1)) rel="next" { "Older" } }
            }
        }
    };
    page(company.name(), &content)
}

fn link(list: List, page: usize) -> String {
    format!("?list={}&page={page}", list.entity())
}

fn table(realm: &str, list: List, rows: &[&Value]) -> Markup {
    match list {
        List::Customer => customers(realm, rows),
        List::Item => items(realm, rows),
        List::Invoice => invoices(realm, rows),
        List::Payment => payments(realm, rows),
    }
}

fn customers(realm: &str, rows: &[&Value]) -> Markup {
    html! {
        table {
            thead { tr { th { "Customer" } th { "Id" } th { "E-mail" } th.amount { "Balance" } th { "Changed" } } }
            tbody {
                @for row in rows {
                    tr {
                        td { a href=(record_address(realm, List::Customer, &text(row, "Id"))) { (text(row, "DisplayName")) } (inactive(row)) }
                        td { (text(row, "Id")) }
                        td { (text(row, "PrimaryEmailAddr/Address")) }
                        td.amount { (text(row, "Balance")) }
                        td { (day(row)) }
                    }
                }
            }
        }
    }
}

fn items(realm: &str, rows: &[&Value]) -> Markup {
    html! {
        table {
            thead { tr { th { "Item" } th { "Id" } th { "Type" } th.amount { "Price" } th { "Income account" } } }
            tbody {
                @for row in rows {
                    tr {
                        td { a href=(record_address(realm, List::Item, &text(row, "Id"))) { (text(row, "FullyQualifiedName")) } (inactive(row)) }
                        td { (text(row, "Id")) }
                        td { (text(row, "Type")) }
                        td.amount { (text(row, "UnitPrice")) }
                        td { (text(row, "IncomeAccountRef/name")) }
                    }
                }
            }
        }
    }
}

fn invoices(realm: &str, rows: &[&Value]) -> Markup {
    html! {
        table {
            thead { tr {
                th { "Customer" } th { "Number" } th { "Date" } th.amount { "Total" } th.amount { "Balance" } th {}
            } }
            tbody {
                @for row in rows {
                    tr {
                        td { (text(row, "CustomerRef/name")) }
                        td { (invoice_link(realm, &text(row, "Id"), &text(row, "DocNumber"))) }
                        td { (text(row, "TxnDate")) }
                        td.amount { (text(row, "TotalAmt")) " " (text(row, "CurrencyRef/value")) }
                        td.amount { (text(row, "Balance")) }
                        td { (invoice_state(row)) }
                    }
                }
            }
        }
    }
}

fn payments(realm: &str, rows: &[&Value]) -> Markup {
    html! {
        table {
            thead { tr {
                th { "Customer" } th { "Id" } th { "Date" } th.amount { "Amount" } th.amount { "Unapplied" }
                th { "For invoices" }
            } }
            tbody {
                @for row in rows {
                    tr {
                        td { (text(row, "CustomerRef/name")) }
                        td { a href=(record_address(realm, List::Payment, &text(row, "Id"))) { (text(row, "Id")) } }
                        td { (text(row, "TxnDate")) }
                        td.amount { (text(row, "TotalAmt")) " " (text(row, "CurrencyRef/value")) }
                        td.amount { (text(row, "UnappliedAmt")) }
                        td {
                            @if is_voided(row) { "voided" }
                            @for id in paid_invoices(row) { (invoice_link(realm, &id, "")) " " }
                        }
                    }
                }
            }
        }
    }
}

/// The ids of the invoices that a payment is applied to.
fn paid_invoices(payment: &Value) -> impl Iterator<Item = String> {
    let lines = payment.get("Line").and_then(Value::as_array).into_iter().flatten();
    let links = lines.flat_map(|line| line.get("LinkedTxn").and_then(Value::as_array).into_iter().flatten());
    links.filter(|link| text(link, "TxnType") == "Invoice").map(|link| text(link, "TxnId"))
}

fn invoice_link(realm: &str, id: &str, number: &str) -> Markup {
    html! {
        a href=(record_address(realm, List::Invoice, id)) {
            @if number.is_empty() { "id " (id) } @else { (number) }
        }
    }
}

fn invoice_state(invoice: &Value) -> &'static str {
    if is_voided(invoice) {
        "voided"
    } else if is_zero(invoice, "Balance") {
        "paid"
    } else {
        "open"
    }
}

fn inactive(row: &Value) -> Markup {
    html! { @if row.get("Active") == Some(&Value::Bool(false)) { " " small { "inactive" } } }
}

/// The day on which a record last changed.
fn day(row: &Value) -> String {
    text(row, "MetaData/LastUpdatedTime").chars().take("2026-01-31".len()).collect()
}
