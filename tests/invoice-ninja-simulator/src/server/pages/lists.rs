//! One company: a list of one kind at a time, newest first.

use axum::extract::{Path, Query, State};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use super::{KINDS, amount, client_name, kind_in, list, not_found, shown, state, text};
use crate::company::{Company, Kind};
use crate::server::state::Shared;

const ROWS: usize = 100;

/// What of the company is shown.
#[derive(Deserialize)]
pub(in crate::server) struct Shown {
    #[serde(default)]
    list: String,
    #[serde(default)]
    page: usize,
}

/// `/companies/{place}?list=&page=`.
pub(in crate::server) async fn company(
    State(server): State<Shared>,
    Path(place): Path<usize>,
    Query(asked): Query<Shown>,
) -> Response {
    let kind = kind_in(&asked.list).unwrap_or(Kind::Invoice);
    let content = server.with(|installation, _| {
        let company = installation.company(place)?;
        Some((company.name().to_owned(), content(company, place, kind, asked.page)))
    });
    match content {
        Some((name, content)) => shown(&name, &content),
        None => not_found(),
    }
}

fn content(company: &Company, place: usize, kind: Kind, page: usize) -> Markup {
    let records = company.records(kind);
    let pages = records.len().div_ceil(ROWS).max(1);
    let page = page.clamp(1, pages);
    let rows: Vec<&Value> = records.iter().rev().skip((page - 1) * ROWS).take(ROWS).collect();
    let link = |page: usize| format!("?list={}&page={page}", kind.path());
    html! {
        h1 { (company.name()) }
        nav {
            @for (each, title) in KINDS {
                a href={ "?list=" (each.path()) } aria-current=[(each == kind).then_some("page")] {
                    (title) " (" (company.records(each).len()) ")"
                }
            }
        }
        p { a href={ "/companies/" (place) "/" (kind.path()) "/new" } { "New " (kind.path().trim_end_matches('s')) } }
        @if rows.is_empty() { p { "Nothing here yet." } } @else { (table(company, place, kind, &rows)) }
        @if pages > 1 {
            nav {
                @if page > 1 { a href=(link(page - 1)) rel="prev" { "Newer" } }
                span { "Page " (page) " of " (pages) }
                @if page < pages { a href=(link(page + 1)) rel="next" { "Older" } }
            }
        }
    }
}

fn table(company: &Company, place: usize, kind: Kind, rows: &[&Value]) -> Markup {
    let headings: &[&str] = match kind {
        Kind::Client => &["Client", "Number", "E-mail", "Balance"],
        Kind::Product => &["Product", "Notes", "Price"],
        Kind::Payment => &["Payment", "Client", "Date", "Reference", "Amount", "Applied"],
        _ => &["Invoice", "Client", "Date", "Amount", "Balance"],
    };
    html! {
        table {
            thead { tr { @for heading in headings { th { (heading) } } th {} } }
            tbody {
                @for row in rows {
                    @let cells = cells(company, kind, row);
                    tr {
                        @for (n, cell) in cells.iter().enumerate() {
                            td {
                                @if n == 0 {
                                    a href={ "/companies/" (place) "/" (kind.path()) "/" (text(row, "id")) } { (cell) }
                                } @else { (cell) }
                            }
                        }
                        td { small { (state(kind, row)) } }
                    }
                }
            }
        }
    }
}

fn cells(company: &Company, kind: Kind, row: &Value) -> Vec<String> {
    let number = |label: String| if label.is_empty() { "(none)".to_owned() } else { label };
    let client = || client_name(company, &text(row, "client_id"));
    match kind {
        Kind::Client => {
            let email =
                list(row, "contacts").next().map_or_else(String::new, |contact| text(contact, "email"));
            vec![number(text(row, "display_name")), text(row, "number"), email, amount(row, "balance")]
        }
        Kind::Product => vec![number(text(row, "product_key")), text(row, "notes"), amount(row, "price")],
        Kind::Payment => vec![
            number(text(row, "number")),
            client(),
            text(row, "date"),
            text(row, "transaction_reference"),
            amount(row, "amount"),
            amount(row, "applied"),
        ],
        _ => vec![
            number(text(row, "number")),
            client(),
            text(row, "date"),
            amount(row, "amount"),
            amount(row, "balance"),
        ],
    }
}
