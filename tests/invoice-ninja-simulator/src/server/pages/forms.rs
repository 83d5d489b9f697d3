//! One record: what it is, a form to change it, and what else can be done with it.

use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::{amount, client_name, kind_in, list, not_found, shown, state, text};
use crate::company::{Company, Kind};
use crate::server::state::{Server, Shared};

/// Empty rows for more lines on an invoice.
const MORE_LINES: usize = 3;

/// `/companies/{place}/{kind}/{id}`: a record, or an empty form if the id is `new`.
pub(in crate::server) async fn record(
    State(server): State<Shared>,
    Path((place, kind, id)): Path<(usize, String, String)>,
) -> Response {
    respond(&server, place, &kind, &id, "")
}

/// The page of a record, with what was refused just now.
pub(super) fn respond(server: &Server, place: usize, kind: &str, id: &str, refused: &str) -> Response {
    let Some(kind) = kind_in(kind) else { return not_found() };
    let content = server.with(|installation, _| {
        let company = installation.company(place)?;
        let record = if id == "new" { json!({}) } else { company.record(kind, id)? };
        Some(content(company, place, kind, &record, refused))
    });
    match content {
        Some(content) => shown(kind.path(), &content),
        None => not_found(),
    }
}

fn content(company: &Company, place: usize, kind: Kind, record: &Value, refused: &str) -> Markup {
    let id = text(record, "id");
    let base = format!("/companies/{place}/{}/{}", kind.path(), if id.is_empty() { "new" } else { &id });
    html! {
        p { a href={ "/companies/" (place) "?list=" (kind.path()) } { (company.name()) ", " (kind.path()) } }
        h1 { (title(kind, record)) }
        @if !refused.is_empty() { p.refused role="alert" { (refused) } }
        @if !id.is_empty() { (facts(company, kind, record)) }
        form method="post" action=(base) {
            (fields(company, kind, record))
            p { button { "Save" } }
        }
        @if !id.is_empty() {
            div.actions {
                @for (action, label) in actions(kind) {
                    form method="post" action={ (base) "/" (action) } { button.plain { (label) } }
                }
            }
        }
    }
}

fn title(kind: Kind, record: &Value) -> String {
    let name = match kind {
        Kind::Client => text(record, "display_name"),
        Kind::Product => text(record, "product_key"),
        _ => text(record, "number"),
    };
    let kind = kind.model();
    if text(record, "id").is_empty() {
        format!("New {}", kind.to_lowercase())
    } else {
        format!("{kind} {name}")
    }
}

/// What the app works out by itself.
fn facts(company: &Company, kind: Kind, record: &Value) -> Markup {
    let figures: &[(&str, &str)] = match kind {
        Kind::Client => &[("Balance", "balance"), ("Paid to date", "paid_to_date")],
        Kind::Product => &[],
        Kind::Payment => &[("Amount", "amount"), ("Applied", "applied"), ("Refunded", "refunded")],
        _ => &[
            ("Amount", "amount"),
            ("Taxes", "total_taxes"),
            ("Paid", "paid_to_date"),
            ("Balance", "balance"),
        ],
    };
    html! {
        dl {
            @for (label, name) in figures { dt { (label) } dd { (amount(record, name)) } }
            @if matches!(kind, Kind::Invoice | Kind::Payment) {
                dt { "Client" } dd { (client_name(company, &text(record, "client_id"))) }
            }
            @for allocation in list(record, "paymentables") {
                dt { "For invoice" }
                dd {
                    (company.record(Kind::Invoice, &text(allocation, "invoice_id")).map_or_else(String::new, |it| text(&it, "number")))
                    ": " (amount(allocation, "amount"))
                }
            }
            dt { "State" } dd { (state(kind, record)) }
            dt { "Id" } dd { code { (text(record, "id")) } }
        }
    }
}

fn actions(kind: Kind) -> &'static [(&'static str, &'static str)] {
    match kind {
        Kind::Invoice => &[
            ("mark_sent", "Mark as sent"),
            ("mark_paid", "Mark as paid"),
            ("cancel", "Cancel"),
            ("archive", "Archive"),
            ("delete", "Delete"),
            ("restore", "Restore"),
        ],
        Kind::Payment => {
            &[("refund", "Refund all"), ("archive", "Archive"), ("delete", "Delete"), ("restore", "Restore")]
        }
        _ => &[("archive", "Archive"), ("delete", "Delete"), ("restore", "Restore")],
    }
}

fn fields(company: &Company, kind: Kind, record: &Value) -> Markup {
    let is_new = text(record, "id").is_empty();
    let contact = list(record, "contacts").next().cloned().unwrap_or_default();
    html! {
        @match kind {
            Kind::Client => {
                (inputs(record, &[("name", "Name", "text")]))
                (inputs(&contact, &[
                    ("first_name", "First name", "text"), ("last_name", "Last name", "text"), ("email", "E-mail", "email"),
                ]))
                (inputs(record, &[
                    ("address1", "Street", "text"), ("city", "City", "text"), ("state", "State", "text"),
                    ("postal_code", "Postal code", "text"), ("public_notes", "Notes", "text"),
                ]))
            }
            Kind::Product => {
                (inputs(record, &[
                    ("product_key", "Product", "text"), ("notes", "Notes", "text"), ("price", "Price", "text"),
                    ("cost", "Purchase cost", "text"),
                ]))
            }
            Kind::Payment => {
                @if is_new {
                    (choice("client_id", "Client", &clients(company), ""))
                    (inputs(record, &[("amount", "Amount", "text")]))
                    (choice("invoice_id", "For invoice", &open_invoices(company), ""))
                }
                (inputs(record, &[
                    ("date", "Date", "date"), ("transaction_reference", "Reference", "text"),
                    ("private_notes", "Private notes", "text"),
                ]))
            }
            _ => {
                @if is_new { (choice("client_id", "Client", &clients(company), "")) }
                (inputs(record, &[
                    ("number", "Number", "text"), ("date", "Date", "date"), ("due_date", "Due", "date"),
                    ("discount", "Discount, percent", "text"), ("public_notes", "Notes", "text"),
                ]))
                (lines(company, record))
            }
        }
    }
}

fn inputs(record: &Value, fields: &[(&str, &str, &str)]) -> Markup {
    html! {
        @for (name, label, kind) in fields {
            label { (label) input name=(name) type=(kind) value=(text(record, name)); }
        }
    }
}

/// A list to choose from: values with their labels.
fn choice(name: &str, label: &str, options: &[(String, String)], chosen: &str) -> Markup {
    html! {
        label {
            (label)
            select name=(name) {
                option value="" {}
                @for (value, label) in options {
                    option value=(value) selected[value == chosen] { (label) }
                }
            }
        }
    }
}

fn lines(company: &Company, invoice: &Value) -> Markup {
    let taxes = taxes(company);
    let nothing = json!({});
    let lines: Vec<&Value> =
        list(invoice, "line_items").chain(std::iter::repeat_n(&nothing, MORE_LINES)).collect();
    html! {
        fieldset {
            legend { "Lines (a line without a product and a price is left out)" }
            @for (n, line) in lines.iter().enumerate() {
                @let (taxes, tax) = with_own(&taxes, line);
                div.line {
                    @for (name, label) in [("product_key", "Product"), ("notes", "Notes"), ("quantity", "Quantity"), ("cost", "Price")] {
                        label { (label) input name={ (name) "." (n) } value=(text(line, name)); }
                    }
                    (choice(&format!("tax.{n}"), "Tax", &taxes, &tax))
                }
            }
        }
    }
}

/// The taxes to choose from, the line's own among them, and which one that is.
fn with_own(taxes: &[(String, String)], line: &Value) -> (Vec<(String, String)>, String) {
    let (name, rate) = (text(line, "tax_name1"), text(line, "tax_rate1"));
    let own = format!("{name}|{rate}");
    let mut taxes = taxes.to_vec();
    if !name.is_empty() && taxes.iter().all(|(tax, _)| *tax != own) {
        taxes.push((own.clone(), format!("{name} {rate}%")));
    }
    (taxes, own)
}

fn clients(company: &Company) -> Vec<(String, String)> {
    let clients = company.records(Kind::Client).into_iter().filter(|it| it["is_deleted"] == false);
    clients.map(|client| (text(&client, "id"), text(&client, "display_name"))).collect()
}

fn open_invoices(company: &Company) -> Vec<(String, String)> {
    let is_open =
        |it: &Value| it["is_deleted"] == false && matches!(text(it, "status_id").as_str(), "1" | "2" | "3");
    let label = |it: &Value| {
        let client = client_name(company, &text(it, "client_id"));
        format!("{} ({client}, open {})", text(it, "number"), amount(it, "balance"))
    };
    company
        .records(Kind::Invoice)
        .iter()
        .filter(|it| is_open(it))
        .map(|it| (text(it, "id"), label(it)))
        .collect()
}

fn taxes(company: &Company) -> Vec<(String, String)> {
    let rates = company.records(Kind::TaxRate);
    rates
        .iter()
        .map(|it| {
            (
                format!("{}|{}", text(it, "name"), text(it, "rate")),
                format!("{} {}%", text(it, "name"), text(it, "rate")),
            )
        })
        .collect()
}
