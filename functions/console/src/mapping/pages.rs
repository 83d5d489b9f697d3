//! The mapping's pages.

use maud::{Markup, html};
use sync::link::Link;
use sync::model::Kind;
use sync::pairing::{AutoMap, Mapping, Proposal, Reading, Row, Status};

use super::file::Table;
use super::path;
use super::view::{View, word};
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
    /// What is ticked and not on this page.
    pub(super) elsewhere: &'a [Mapping],
    pub(super) view: &'a View,
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

/// The list is one form: what is ticked goes along with each search, each page and each button.
pub(super) fn list(site: &Site<'_>, visitor: &Visitor, list: &List<'_>) -> Markup {
    let kind = list.kind;
    html! {
        (tabs(path(kind)))
        (about(kind, list))
        div class="bar" {
            a class="button main" href={ (path(kind)) "/auto" } hx-get={ (path(kind)) "/auto" } hx-target="#auto-map"
                hx-select="#auto" hx-swap="innerHTML" { "Auto Map…" }
            form class="inline" method="post" action={ (path(kind)) "/read" } { (mark(visitor)) button { "Read names again" } }
            span class="quiet small" { "Names as of " (words::moment(list.reading.begun_at)) " UTC" }
        }
        dialog id="auto-map" aria-labelledby="auto-title" {}
        form method="get" action={ (path(kind)) "/change" } {
            (search(kind, list.view))
            (pairs(site, visitor, list))
        }
        (table_in_and_out(visitor, kind))
    }
}

fn search(kind: Kind, view: &View) -> Markup {
    html! {
        div class="row" role="search" hx-get=(path(kind)) hx-trigger="input delay:300ms" hx-include="closest form"
            hx-target="#pairs" hx-select="#pairs" hx-swap="outerHTML" hx-push-url="true" {
            div { label for="text" { "Search both sides" }
                input id="text" type="search" name="text" value=(view.text) maxlength="100"; }
            div { label for="status" { "Status" }
                select id="status" name="status" {
                    @for (status, title) in [(Status::All, "All"), (Status::Mapped, "Mapped"), (Status::Unmapped, "Not mapped")] {
                        option value=(word(status)) selected[view.status == status] { (title) }
                    }
                } }
            button formaction=(path(kind)) { "Show" }
        }
    }
}

fn about(kind: Kind, list: &List<'_>) -> Markup {
    let Counts { all, mapped } = list.counts;
    html! {
        p { (mapped) " of " (all) " " (words::kind(kind).to_lowercase()) "s are mapped. A mapping links two records and changes neither." }
        @if list.reading.billing_is_silent {
            p class="quiet" { "Your billing app cannot be asked for its records, so those are known here that it has sent." }
        }
        p class="quiet small" {
            @if kind == Kind::Client {
                "Sub-customers and locations cannot be mapped. Intuit's help: "
                a href="https://quickbooks.intuit.com/learn-support/en-us/help-article/manage-customers/add-manage-customers-quickbooks-online/L0M9mMZmd_US_en_US"
                    rel="noopener noreferrer" target="_blank" { "customers" }
            } @else {
                "Categories and bundles cannot be mapped. Intuit's help: "
                a href="https://quickbooks.intuit.com/learn-support/en-us/help-article/manage-inventory/add-product-service-items-quickbooks-online/L4Gqgk3PW_US_en_US"
                    rel="noopener noreferrer" target="_blank" { "items" }
                ", "
                a href="https://community.intuit.com/articles/1256582-introduction-to-categories-in-products-and-services"
                    rel="noopener noreferrer" target="_blank" { "categories" }
            }
        }
    }
}

/// Ticking any line shows Change Mapping; Clear Mapping shows while only mapped ones are ticked (R82, R85, R86).
fn pairs(site: &Site<'_>, visitor: &Visitor, list: &List<'_>) -> Markup {
    let (kind, view) = (list.kind, list.view);
    html! {
        div id="pairs" class="pairs" {
            @if list.lines.is_empty() { p class="card" { "Nothing fits." } }
            @else {
                div class="wide" { table class="rows" {
                    caption { (list.found) " found" }
                    thead { tr {
                        th scope="col" { "Pick" } th scope="col" { "Billing app: " (words::kind(kind).to_lowercase()) }
                        th scope="col" { "QuickBooks: " (their(kind)) } th scope="col" { "How they were linked" }
                    } }
                    tbody { @for line in list.lines { (line_row(site, kind, view, line)) } }
                } }
            }
            @if !list.elsewhere.is_empty() {
                fieldset {
                    legend { "Picked, and not on this page" }
                    @for mapping in list.elsewhere {
                        label class={ "check " (status_class(mapping)) } {
                            input type="checkbox" name="pick" value=(mapping.billing.id) checked;
                            span { (mapping.billing.name) }
                        }
                    }
                }
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
                    @if view.page > 1 { button name="page" value=(view.page - 1) formaction=(path(kind)) { "Previous" } }
                    span { "Page " (view.page) " of " (list.pages) }
                    @if view.page < list.pages { button name="page" value=(view.page + 1) formaction=(path(kind)) { "Next" } }
                }
            }
        }
    }
}

fn status_class(mapping: &Mapping) -> &'static str {
    if mapping.quickbooks.is_some() { "mapped" } else { "unmapped" }
}

fn line_row(site: &Site<'_>, kind: Kind, view: &View, line: &Line) -> Markup {
    let Line { mapping, link } = line;
    let Mapping { billing, quickbooks } = mapping;
    let id = sync::ids::BillingId::new(billing.id.as_str()).ok();
    html! {
        tr class=(status_class(mapping)) {
            td { input type="checkbox" name="pick" value=(billing.id) aria-label={ "Pick " (billing.name) }
                checked[view.ticked.contains(&billing.id)]; }
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
            p { a href={ (path(kind)) "/table.csv" } download { "Download all as CSV" } }
            form method="post" action={ (path(kind)) "/upload" } {
                (mark(visitor))
                label for="table" { "Paste the table here, with the QuickBooks ids that you want. You see what would change before anything is stored." }
                textarea id="table" name="table" rows="6" cols="60" required {}
                p { button { "Show what would change" } }
            }
        }
    }
}

pub(super) fn change(visitor: &Visitor, kind: Kind, view: &View, offers: &[Offer<'_>]) -> Markup {
    html! {
        form method="post" action={ (path(kind)) "/update" } {
            (mark(visitor))
            (view.fields())
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
                        hx-include="next .offered" hx-target="next .offered" hx-swap="innerHTML";
                    div class="offered" aria-live="polite" { (choices(&billing.id, None, rows)) }
                }
            }
            div class="bar" { button class="main" { "Update" } a class="button" href=(view.address(kind)) { "Cancel" } }
        }
    }
}

/// What a record may be mapped to: the entity that is chosen already, and those that fit.
pub(super) fn choices(billing: &str, chosen: Option<&Row>, rows: &[&Row]) -> Markup {
    let others = rows.iter().filter(|row| chosen.is_none_or(|chosen| chosen.id != row.id));
    html! {
        @if rows.is_empty() { p class="quiet" { "Nothing that is free has such a name." } }
        ul class="suggestions" {
            @for (row, is_chosen) in chosen.into_iter().map(|row| (row, true)).chain(others.map(|row| (*row, false))) {
                li { label class="check" {
                    input type="radio" name={ "to-" (billing) } value=(row.id) checked[is_chosen];
                    span { (row.name) @if let Some(email) = row.emails.first() { span class="quiet small" { " " (email) } } }
                } }
            }
        }
    }
}

/// What Auto Map would do; nothing is done until it is confirmed (R81). The list shows it as a dialog; without a script it
/// is a page.
pub(super) fn auto(visitor: &Visitor, kind: Kind, auto: &AutoMap, most: usize) -> Markup {
    let nothing = auto.exact.is_empty() && auto.near.is_empty();
    html! {
        div id="auto" {
            h2 id="auto-title" { "What Auto Map would do" }
            @if nothing {
                p { "No names are the same, and none are nearly the same. Nothing would be done." }
                a class="button" href=(path(kind)) data-closes { "Back" }
            }
            @else {
                p { "Nothing is stored until you confirm. Untick what you do not want." }
                form method="post" action={ (path(kind)) "/confirm" } {
                    (mark(visitor))
                    (proposals("Same name", &auto.exact, true, most))
                    (proposals("Nearly the same name, or the same e-mail address: tick those that are right", &auto.near, false, most))
                    div class="bar" { button class="main" { "Confirm" } a class="button" href=(path(kind)) data-closes { "Cancel" } }
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
