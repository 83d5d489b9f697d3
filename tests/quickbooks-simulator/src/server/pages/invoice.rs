//! One invoice with its lines, its taxes and what was paid.

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use maud::{Markup, html};
use serde_json::Value;

use super::{is_voided, not_found, page, text};
use crate::company::Company;
use crate::server::state::Shared;

/// `/companies/{realm}/invoices/{id}`.
pub(in crate::server) async fn invoice(
    State(server): State<Shared>,
    Path((realm, id)): Path<(String, String)>,
) -> Response {
    let shown = server.with_company(&realm, |company, _| {
        company.entity("Invoice", &id).map(|invoice| show(company, invoice))
    });
    match shown.flatten() {
        Some(page) => Html(page.into_string()).into_response(),
        None => not_found(),
    }
}

fn show(company: &Company, invoice: &Value) -> Markup {
    let title = format!("Invoice {}", text(invoice, "DocNumber"));
    let content = html! {
        p { a href={ "/companies/" (company.realm()) "?list=Invoice" } { (company.name()) } }
        h1 { (title) }
        p {
            (text(invoice, "CustomerRef/name")) ", " (text(invoice, "TxnDate"))
            ", due " (text(invoice, "DueDate"))
            @if is_voided(invoice) { ", voided" }
        }
        (lines(invoice))
        h2 { "Payments" }
        (payments(company, invoice))
        p.muted {
            "Id " (text(invoice, "Id")) ", SyncToken " (text(invoice, "SyncToken"))
            ", changed " (text(invoice, "MetaData/LastUpdatedTime"))
        }
        @let note = text(invoice, "PrivateNote");
        @if !note.is_empty() { p { "Private note: " (note) } }
    };
    page(&title, &content)
}

fn lines(invoice: &Value) -> Markup {
    let sum = |label: &str, amount: String| {
        html! { tr { td { (label) } td colspan="3" {} td.amount { (amount) } } }
    };
    html! {
        table {
            thead { tr {
                th { "Description" } th { "Item" } th.amount { "Quantity" } th.amount { "Price" } th.amount { "Amount" }
            } }
            tbody {
                @for line in list(invoice, "Line") {
                    @if line.get("SubTotalLineDetail").is_some() {
                        (sum("Subtotal", text(line, "Amount")))
                    } @else if line.get("DiscountLineDetail").is_some() {
                        (sum("Discount", text(line, "Amount")))
                    } @else {
                        tr {
                            td { (text(line, "Description")) }
                            td { (text(line, "SalesItemLineDetail/ItemRef/name")) }
                            td.amount { (text(line, "SalesItemLineDetail/Qty")) }
                            td.amount { (text(line, "SalesItemLineDetail/UnitPrice")) }
                            td.amount { (text(line, "Amount")) }
                        }
                    }
                }
            }
            tfoot {
                (sum("Tax", text(invoice, "TxnTaxDetail/TotalTax")))
                (sum("Total", format!("{} {}", text(invoice, "TotalAmt"), text(invoice, "CurrencyRef/value"))))
                (sum("Balance", text(invoice, "Balance")))
            }
        }
    }
}

fn payments(company: &Company, invoice: &Value) -> Markup {
    let linked: Vec<&Value> =
        list(invoice, "LinkedTxn").filter(|it| text(it, "TxnType") == "Payment").collect();
    html! {
        @if linked.is_empty() { p { "None." } }
        ul {
            @for link in linked {
                @let id = text(link, "TxnId");
                li {
                    @match company.entity("Payment", &id) {
                        Some(payment) => {
                            (text(payment, "TotalAmt")) " on " (text(payment, "TxnDate"))
                            " " small { "id " (id) " " (text(payment, "PaymentRefNum")) }
                        }
                        None => { "id " (id) }
                    }
                }
            }
        }
    }
}

fn list<'a>(object: &'a Value, member: &str) -> impl Iterator<Item = &'a Value> {
    object.get(member).and_then(Value::as_array).into_iter().flatten()
}
