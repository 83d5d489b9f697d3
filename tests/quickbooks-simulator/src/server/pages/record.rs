//! One record: what it is, a form to change it, and what else a bookkeeper does with it.

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use maud::{Markup, html};
use serde_json::{Value, json};

use super::{List, forms, is_voided, list, not_found, page, record_address, text};
use crate::company::Company;
use crate::server::state::{Server, Shared};

/// `/companies/{realm}/{list}/{id}`: a record, or an empty form if the id is `new`.
pub(in crate::server) async fn record(
    State(server): State<Shared>,
    Path((realm, list, id)): Path<(String, String, String)>,
) -> Response {
    match List::at(&list) {
        Some(list) => respond(&server, &realm, list, &id, ""),
        None => not_found(),
    }
}

/// The page of a record, with what was refused just now.
pub(super) fn respond(server: &Server, realm: &str, list: List, id: &str, refused: &str) -> Response {
    let shown = server.with_company(realm, |company, _| {
        let record = if id == "new" { json!({}) } else { company.entity(list.entity(), id)?.clone() };
        Some(show(company, list, &record, refused))
    });
    match shown.flatten() {
        Some(page) => Html(page.into_string()).into_response(),
        None => not_found(),
    }
}

fn show(company: &Company, list: List, record: &Value, refused: &str) -> Markup {
    let id = text(record, "Id");
    let address = record_address(company.realm(), list, if id.is_empty() { "new" } else { &id });
    let title = title(list, record);
    let content = html! {
        p { a href={ "/companies/" (company.realm()) "?list=" (list.entity()) } { (company.name()) } }
        h1 { (title) }
        @if !refused.is_empty() { p.refused role="alert" { (refused) } }
        @if !id.is_empty() { (facts(company, list, record)) }
        form method="post" action=(address) {
            (forms::fields(company, list, record))
            p { button { "Save" } }
        }
        @if !id.is_empty() {
            div.actions {
                @for (action, label) in actions(list, record) {
                    form method="post" action={ (address) "/" (action) } { button.plain { (label) } }
                }
            }
            p.muted {
                "Id " (id) ", SyncToken " (text(record, "SyncToken"))
                ", changed " (text(record, "MetaData/LastUpdatedTime"))
            }
        }
    };
    page(&title, &content)
}

fn title(list: List, record: &Value) -> String {
    let name = match list {
        List::Customer => text(record, "DisplayName"),
        List::Item => text(record, "FullyQualifiedName"),
        List::Invoice => text(record, "DocNumber"),
        List::Payment => text(record, "Id"),
    };
    if text(record, "Id").is_empty() {
        format!("New {}", list.entity().to_lowercase())
    } else {
        format!("{} {name}", list.entity())
    }
}

fn facts(company: &Company, list: List, record: &Value) -> Markup {
    html! {
        @match list {
            List::Customer => p { "Balance " (text(record, "Balance")) },
            List::Item => p { (text(record, "Type")) ", booked on " (text(record, "IncomeAccountRef/name")) },
            List::Payment => {
                p {
                    (text(record, "CustomerRef/name")) ", " (text(record, "TotalAmt")) ", "
                    (text(record, "UnappliedAmt")) " of it not applied"
                    @if is_voided(record) { ", voided" }
                }
            }
            List::Invoice => {
                p {
                    (text(record, "CustomerRef/name")) ", " (text(record, "TxnDate"))
                    ", due " (text(record, "DueDate"))
                    @if is_voided(record) { ", voided" }
                }
                (lines(record))
                h2 { "Payments" }
                (payments(company, record))
            }
        }
    }
}

fn actions(list: List, record: &Value) -> &'static [(&'static str, &'static str)] {
    match list {
        List::Invoice | List::Payment => &[("void", "Void"), ("delete", "Delete")],
        List::Customer | List::Item if record.get("Active") == Some(&Value::Bool(false)) => {
            &[("activate", "Make active")]
        }
        List::Customer | List::Item => &[("inactivate", "Make inactive")],
    }
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
