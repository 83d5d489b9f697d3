//! The mapping's pages.

use maud::{Markup, html};
use sync::link::Link;
use sync::model::Kind;
use sync::pairing::{AutoMap, Mapping, Proposal, Reading, Row, Status};

use super::file::Table;
use super::{address, path};
use crate::layout::mark;
use crate::route::{encoded, record_path};
use crate::site::{Site, Visitor};
use crate::{record, words};

pub(super) struct Counts {
    pub(super) all: usize,
    pub(super) mapped: usize,
}

pub(super) struct Line {
    pub(super) mapping: Mapping,
    pub(super) link: Option<Link>,
}

pub(super) struct List<'a> {
    pub(super) kind: Kind,
    pub(super) counts: Counts,
    pub(super) found: usize,
    pub(super) lines: &'a [Line],
    pub(super) text: &'a str,
    pub(super) status: Status,
    pub(super) page: usize,
    pub(super) pages: usize,
    pub(super) reading: &'a Reading,
}

/// A record that is to be mapped, and what to.
pub(super) struct Offer<'a> {
    pub(super) mapping: &'a Mapping,
    pub(super) rows: Vec<&'a Row>,
}

/// The kind's name in QuickBooks.
pub(super) fn theirs(kind: Kind) -> &'static str {
    if kind == Kind::Product { "Items" } else { "Customers" }
}

fn their(kind: Kind) -> &'static str {
    if kind == Kind::Product { "Item" } else { "Customer" }
}

pub(super) fn status_word(status: Status) -> &'static str {
    match status {
        Status::All => "all",
        Status::Mapped => "mapped",
        Status::Unmapped => "unmapped",
    }
}

/// The three pages of the mapping (R78).
pub(crate) fn tabs(current: &str) -> Markup {
    let tabs = [
        ("/console/mapping/customers", "Customers"),
        ("/console/mapping/items", "Items"),
        ("/console/mapping/accounts", "Accounts"),
    ];
    html! {
        nav class="tabs" aria-label="Mapping" { ul {
            @for (path, title) in tabs {
                li { a href=(path) aria-current=[(path == current).then_some("page")] { (title) } }
            }
        } }
    }
}

pub(super) fn not_connected(kind: Kind) -> Markup {
    html! {
        (tabs(path(kind)))
        p class="card" { "Both sides' names are shown here once QuickBooks is connected. "
            a href="/console/connect" { "Connect" } }
    }
}

/// While names are read: the part asks for itself until they are.
pub(super) fn reading(visitor: &Visitor, kind: Kind, reading: &Reading, paused: bool) -> Markup {
    let pages = reading.billing.pages + reading.quickbooks.pages;
    html! {
        div id="reading" class="card" aria-live="polite"
            hx-get=[(!paused).then(|| format!("{}/reading", path(kind)))] hx-trigger="load delay:300ms" hx-swap="outerHTML" {
            p { "Reading the names of both sides… " @if pages > 0 { (pages) " pages so far." } }
            progress aria-label="Reading names" {}
            form method="post" action={ (path(kind)) "/read" } { (mark(visitor)) button { "Begin anew" } }
            noscript { p { a href={ (path(kind)) "/reading" } { "Read on" } ", then " a href=(path(kind)) { "show the mapping" } "." } }
        }
    }
}

pub(super) fn reading_failed(visitor: &Visitor, kind: Kind, problem: &str) -> Markup {
    html! {
        div id="reading" class="card" role="alert" {
            p { "The names could not be read: " (problem) "." }
            form method="post" action={ (path(kind)) "/read" } { (mark(visitor)) button { "Try again" } }
        }
    }
}

/// All is read: the page shows itself anew.
pub(super) fn read(kind: Kind) -> Markup {
    html! {
        div id="reading" class="card" hx-get=(path(kind)) hx-trigger="load" hx-target="body" hx-swap="outerHTML" {
            p { "All names are read. " a href=(path(kind)) { "Show the mapping" } }
        }
    }
}

pub(super) fn list(site: &Site<'_>, visitor: &Visitor, list: &List<'_>) -> Markup {
    let kind = list.kind;
    html! {
        (tabs(path(kind)))
        (about(kind, list))
        form class="row" method="get" action=(path(kind)) role="search" hx-get=(path(kind)) hx-trigger="input delay:300ms"
            hx-target="#pairs" hx-select="#pairs" hx-swap="outerHTML" hx-push-url="true" {
            div { label for="text" { "Search both sides" }
                input id="text" type="search" name="text" value=(list.text) maxlength="100"; }
            div { label for="status" { "Status" }
                select id="status" name="status" {
                    @for (status, title) in [(Status::All, "All"), (Status::Mapped, "Mapped"), (Status::Unmapped, "Not mapped")] {
                        option value=(status_word(status)) selected[list.status == status] { (title) }
                    }
                } }
            button { "Show" }
        }
        div class="bar" {
            a class="button main" href={ (path(kind)) "/auto" } { "Auto Map…" }
            form class="inline" method="post" action={ (path(kind)) "/read" } { (mark(visitor)) button { "Read names again" } }
            span class="quiet small" { "Names as of " (words::moment(list.reading.begun_at)) " UTC" }
        }
        (pairs(site, visitor, list))
        (table_in_and_out(visitor, kind))
    }
}

fn about(kind: Kind, list: &List<'_>) -> Markup {
    let Counts { all, mapped } = list.counts;
    html! {
        p { (mapped) " of " (all) " " (words::kind(kind).to_lowercase()) "s are mapped. A mapping links two records and changes neither." }
        @if list.reading.billing_is_silent {
            p class="quiet" { "Your billing app only sends events, so only records that it has sent are known here." }
        }
        p class="quiet small" {
            @if kind == Kind::Client {
                "Sub-customers and locations cannot be mapped. Intuit's help: "
                a href="https://quickbooks.intuit.com/learn-support/en-us/help-article/customer-company-settings/add-manage-customers-quickbooks-online/L2uhNv6Os_US_en_US"
                    rel="noopener noreferrer" target="_blank" { "customers" }
            } @else {
                "Categories and bundles cannot be mapped. Intuit's help: "
                a href="https://quickbooks.intuit.com/learn-support/en-us/help-article/product-setup/add-product-service-items-quickbooks-online/L2RPSfkGf_US_en_US"
                    rel="noopener noreferrer" target="_blank" { "items" }
                ", "
                a href="https://quickbooks.intuit.com/learn-support/en-us/help-article/product-categories/use-categories-products-services-quickbooks-online/L3uZNSOKs_US_en_US"
                    rel="noopener noreferrer" target="_blank" { "categories" }
            }
        }
    }
}

/// Ticking any line shows Change Mapping; Clear Mapping shows while only mapped ones are ticked (R82, R85, R86).
fn pairs(site: &Site<'_>, visitor: &Visitor, list: &List<'_>) -> Markup {
    let kind = list.kind;
    html! {
        form id="pairs" class="pairs" method="get" action={ (path(kind)) "/change" } {
            @if list.lines.is_empty() { p class="card" { "Nothing fits." } }
            @else {
                div class="wide" { table class="rows" {
                    caption { (list.found) " found" }
                    thead { tr {
                        th scope="col" { "Pick" } th scope="col" { "Billing app: " (words::kind(kind).to_lowercase()) }
                        th scope="col" { "QuickBooks: " (their(kind)) } th scope="col" { "How they were linked" }
                    } }
                    tbody { @for line in list.lines { (line_row(site, kind, line)) } }
                } }
            }
            div class="actions bar" {
                button class="main change" { "Change Mapping" }
                // The mark is this button's value, so that it stands in no address.
                button class="danger clear" name="mark" value=(visitor.mark) formmethod="post" formaction={ (path(kind)) "/clear" } {
                    "Clear Mapping"
                }
            }
            @if list.pages > 1 {
                nav class="bar" aria-label="Pages" {
                    @if list.page > 1 { a class="button" href=(address(kind, list.text, list.status, list.page - 1)) { "Previous" } }
                    span { "Page " (list.page) " of " (list.pages) }
                    @if list.page < list.pages { a class="button" href=(address(kind, list.text, list.status, list.page + 1)) { "Next" } }
                }
            }
        }
    }
}

fn line_row(site: &Site<'_>, kind: Kind, line: &Line) -> Markup {
    let Line { mapping: Mapping { billing, quickbooks }, link } = line;
    let id = sync::ids::BillingId::new(billing.id.as_str()).ok();
    html! {
        tr class=(if quickbooks.is_some() { "mapped" } else { "unmapped" }) {
            td { input type="checkbox" name="pick" value=(billing.id) aria-label={ "Pick " (billing.name) }; }
            td { @match id {
                Some(id) => a href=(record_path(kind, &id)) { (billing.name) },
                None => (billing.name),
            } }
            td { @match quickbooks {
                Some(row) => @match sync::ids::QuickBooksId::new(row.id.as_str()) {
                    Ok(id) => a href=(words::quickbooks_address(site.quickbooks_app, kind, &id)) rel="noopener noreferrer"
                        target="_blank" { (row.name) },
                    Err(_) => (row.name),
                },
                None => span class="state warn" { "Not mapped" },
            } }
            td class="small quiet" { @if let Some(link) = link { (record::matched(link)) } }
        }
    }
}

fn table_in_and_out(visitor: &Visitor, kind: Kind) -> Markup {
    html! {
        details class="card" {
            summary { "As a table" }
            p { a href={ (path(kind)) ".csv" } download { "Download all as CSV" } }
            form method="post" action={ (path(kind)) "/upload" } {
                (mark(visitor))
                label for="table" { "Paste the table here, with the QuickBooks ids that you want. You see what would change before anything is stored." }
                textarea id="table" name="table" rows="6" cols="60" required {}
                p { button { "Show what would change" } }
            }
        }
    }
}

pub(super) fn change(visitor: &Visitor, kind: Kind, offers: &[Offer<'_>]) -> Markup {
    html! {
        form method="post" action={ (path(kind)) "/update" } {
            (mark(visitor))
            @for Offer { mapping, rows } in offers {
                @let billing = &mapping.billing;
                fieldset {
                    legend { (billing.name) }
                    p { "Now: " @match &mapping.quickbooks {
                        Some(row) => strong { (row.name) },
                        None => span class="state warn" { "Not mapped" },
                    } }
                    label for={ "name-" (billing.id) } { "Type the name of the " (their(kind)) " in QuickBooks, or choose below" }
                    input id={ "name-" (billing.id) } type="search" name="name" autocomplete="off"
                        hx-get={ (path(kind)) "/choices?for=" (encoded(&billing.id)) } hx-trigger="input changed delay:200ms"
                        hx-target="next .offered" hx-swap="innerHTML";
                    div class="offered" aria-live="polite" { (choices(&billing.id, rows)) }
                }
            }
            div class="bar" { button class="main" { "Update" } a class="button" href=(path(kind)) { "Cancel" } }
        }
    }
}

pub(super) fn choices(billing: &str, rows: &[&Row]) -> Markup {
    html! {
        @if rows.is_empty() { p class="quiet" { "Nothing that is free has such a name." } }
        ul class="suggestions" { @for row in rows {
            li { label class="check" {
                input type="radio" name={ "to-" (billing) } value=(row.id);
                span { (row.name) @if let Some(email) = row.emails.first() { span class="quiet small" { " " (email) } } }
            } }
        } }
    }
}

/// The dialog of R81: what would be done, and nothing is done until it is confirmed.
pub(super) fn auto(visitor: &Visitor, kind: Kind, auto: &AutoMap, most: usize) -> Markup {
    let nothing = auto.exact.is_empty() && auto.near.is_empty();
    html! {
        div class="card" role="dialog" aria-labelledby="auto" {
            h2 id="auto" { "What Auto Map would do" }
            @if nothing { p { "No names are the same, and none are nearly the same. Nothing would be done." } a class="button" href=(path(kind)) { "Back" } }
            @else {
                p { "Nothing is stored until you confirm. Untick what you do not want." }
                form method="post" action={ (path(kind)) "/confirm" } {
                    (mark(visitor))
                    (proposals("Same name", &auto.exact, true, most))
                    (proposals("Nearly the same name, or the same e-mail address: tick those that are right", &auto.near, false, most))
                    div class="bar" { button class="main" { "Confirm" } a class="button" href=(path(kind)) { "Cancel" } }
                }
            }
            @if !auto.ambiguous.is_empty() {
                h3 { "More than one match" }
                p { "These have a name that is there several times. Map them one by one." }
                ul { @for row in auto.ambiguous.iter().take(50) { li { (row.name) } } }
            }
        }
    }
}

fn proposals(title: &str, proposals: &[Proposal], ticked: bool, most: usize) -> Markup {
    html! {
        @if !proposals.is_empty() {
            fieldset {
                legend { (title) " (" (proposals.len()) ")" }
                @if proposals.len() > most { p { "The first " (most) " are shown. Confirm them, then run Auto Map again for the rest." } }
                @for Proposal { billing, quickbooks } in proposals.iter().take(most) {
                    label class="check" {
                        input type="checkbox" name="pair" value={ (billing.id) "|" (quickbooks.id) } checked[ticked];
                        span { (billing.name) " → " (quickbooks.name) }
                    }
                }
            }
        }
    }
}

/// What a pasted table would change.
pub(super) fn preview(visitor: &Visitor, kind: Kind, table: &Table, most: usize) -> Markup {
    html! {
        div class="card" {
            p { (table.changes.len()) " would be mapped, " (table.unchanged) " lines change nothing." }
            @if !table.problems.is_empty() {
                h2 { "Lines that cannot be used" }
                ul { @for (line, problem) in &table.problems { li { "Line " (line) ": " (problem) "." } } }
            }
            form method="post" action={ (path(kind)) "/confirm" } {
                (mark(visitor))
                (proposals("Would be mapped", &table.changes, true, most))
                div class="bar" {
                    @if !table.changes.is_empty() { button class="main" { "Confirm" } }
                    a class="button" href=(path(kind)) { "Cancel" }
                }
            }
        }
    }
}

/// Some could not be mapped.
pub(super) fn partly(kind: Kind, mapped: usize, problems: &[(String, String)]) -> Markup {
    html! {
        div class="card" role="alert" {
            p { (mapped) " mapped. These were not:" }
            ul { @for (id, problem) in problems { li { (id) ": " (problem) "." } } }
            (back(kind))
        }
    }
}

pub(super) fn back(kind: Kind) -> Markup {
    html! { p { a class="button" href=(path(kind)) { "Back to the mapping" } } }
}
