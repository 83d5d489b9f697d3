//! Activity: what became of each event, and what a person can do about it.

use maud::{Markup, html};
use sync::activity::{Activity, ActivityResult};
use sync::history::{self, Ending, Filter, Page, Place};
use sync::ids::EventId;
use sync::model::Kind;
use sync::outcome::ParkCause;
use sync::parked::{self, Which};
use sync::ports::StoreError;

use crate::answer::Answer;
use crate::fields::Fields;
use crate::layout::{self, Said, mark};
use crate::route::{Section, encoded, record_path};
use crate::site::{Answered, Site, Visitor};
use crate::{spreadsheet, words};

/// The longest reason that is kept, in characters.
const LONGEST_REASON: usize = 500;
/// How many entries a file holds at most: what one answer can carry (AWS: Lambda quotas, 6 MB).
const FILE: usize = 5000;

/// The newest entries that a filter admits.
pub(crate) async fn show(site: &Site<'_>, visitor: &Visitor, query: &Fields) -> Answered {
    let filter = filter(query);
    let place = Place::parse(query.get("older"));
    let page = history::page(site.history, visitor.id(), &filter, place.as_ref()).await?;
    let waiting = history::waiting(&site.history.parked(visitor.id()).await?);
    let content = html! {
        (waiting_card(visitor, &waiting))
        (filter_form(&filter))
        (list(site, visitor, &filter, &page))
    };
    let said = Said::of(query.get("said"));
    Ok(Answer::page(layout::page(visitor, Section::Activity, "Activity", said.as_ref(), &content)))
}

fn filter(query: &Fields) -> Filter {
    Filter {
        kind: words::meant(query.get("kind")),
        ending: Ending::ALL.into_iter().find(|ending| ending.name() == query.get("outcome")),
        cause: words::meant(query.get("cause")),
        text: query.get("text").chars().take(200).collect(),
    }
}

/// The filter as it stands in an address.
fn address(filter: &Filter) -> String {
    let pairs = [
        ("kind", filter.kind.map(words::word)),
        ("outcome", filter.ending.map(|ending| ending.name().to_owned())),
        ("cause", filter.cause.map(words::word)),
        ("text", Some(filter.text.clone()).filter(|text| !text.is_empty())),
    ];
    let pairs = pairs.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", encoded(&value?))));
    pairs.collect::<Vec<_>>().join("&")
}

/// What waits, by its cause, with a way to try all of one again.
pub(crate) fn waiting_card(visitor: &Visitor, waiting: &[(ParkCause, usize)]) -> Markup {
    html! {
        @if !waiting.is_empty() {
            section class="card" aria-labelledby="waiting" {
                h2 id="waiting" { "Needs attention" }
                p class="quiet" { "These wait for somebody. Nothing is lost; fix the cause, then retry." }
                table class="rows" {
                    thead { tr { th scope="col" { "Cause" } th scope="col" { "Events" } th scope="col" { "What to do" } } }
                    tbody {
                        @for (cause, count) in waiting {
                            tr {
                                td { a href={ "/console/activity?cause=" (words::word(cause)) } { (words::cause(*cause)) } }
                                td { (count) }
                                td {
                                    form class="inline" method="post" action="/console/activity/retry" {
                                        (mark(visitor))
                                        input type="hidden" name="cause" value=(words::word(cause));
                                        button aria-label={ "Retry all: " (words::cause(*cause)) } { "Retry all" }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn filter_form(filter: &Filter) -> Markup {
    html! {
        form class="row" method="get" action="/console/activity" role="search"
            hx-get="/console/activity" hx-trigger="input delay:400ms" hx-target="#entries" hx-select="#entries"
            hx-swap="outerHTML" hx-push-url="true" {
            div {
                label for="text" { "Search" }
                input id="text" type="search" name="text" value=(filter.text) maxlength="200" placeholder="Name, number or id";
            }
            div {
                label for="kind" { "Kind" }
                select id="kind" name="kind" {
                    option value="" { "All" }
                    @for kind in Kind::ALL {
                        option value=(kind) selected[filter.kind == Some(kind)] { (words::kind(kind)) "s" }
                    }
                }
            }
            div {
                label for="outcome" { "Outcome" }
                select id="outcome" name="outcome" {
                    option value="" { "All" }
                    @for (ending, title) in ENDINGS {
                        option value=(ending.name()) selected[filter.ending == Some(ending)] { (title) }
                    }
                }
            }
            div {
                label for="cause" { "Cause" }
                select id="cause" name="cause" {
                    option value="" { "All" }
                    @for cause in words::CAUSES {
                        option value=(words::word(cause)) selected[filter.cause == Some(cause)] { (words::cause(cause)) }
                    }
                }
            }
            button { "Show" }
        }
    }
}

const ENDINGS: [(Ending, &str); 4] = [
    (Ending::Parked, "Needs attention"),
    (Ending::Done, "Done"),
    (Ending::Skipped, "Nothing to do"),
    (Ending::Ignored, "Ignored"),
];

fn list(site: &Site<'_>, visitor: &Visitor, filter: &Filter, page: &Page) -> Markup {
    let address = address(filter);
    html! {
        div id="entries" {
            @if page.entries.is_empty() {
                p class="card" {
                    @if *filter == Filter::default() { "Nothing has happened yet." }
                    @else if page.older.is_some() { "Nothing fits among the 2,000 entries that were looked through. Older ones may." }
                    @else { "Nothing fits." }
                }
            } @else {
                div class="wide" { (table(site, visitor, &page.entries)) }
            }
            div class="bar" {
                @if let Some(older) = &page.older {
                    a class="button" href={ "/console/activity?" (address) "&older=" (encoded(&older.to_string())) } { "Older" }
                }
                a href={ "/console/activity.csv?" (address) } download { "Download as CSV" }
            }
        }
    }
}

/// Entries with what can be done about each.
pub(crate) fn table(site: &Site<'_>, visitor: &Visitor, entries: &[Activity]) -> Markup {
    html! {
        table class="rows" {
            caption { "Newest first; times are UTC" }
            thead { tr {
                th scope="col" { "When" } th scope="col" { "Record" } th scope="col" { "What happened" }
                th scope="col" { "Look at it" }
            } }
            tbody { @for entry in entries { (row(site, visitor, entry)) } }
        }
    }
}

fn row(site: &Site<'_>, visitor: &Visitor, entry: &Activity) -> Markup {
    let (ending, colour) = words::ending(&entry.result);
    html! {
        tr {
            td { (words::moment(entry.time)) }
            td {
                @match (entry.kind, &entry.billing_id) {
                    (Some(kind), Some(id)) => a href=(record_path(kind, id)) { (words::subject(entry)) },
                    _ => (words::subject(entry)),
                }
                p class="quiet small" { (words::side(entry.side))
                    @if !is_of_these_books(visitor, entry) { ", while another QuickBooks company was connected" } }
            }
            td {
                span class={ "state " (colour) } { (ending) }
                (told(entry))
                @if entry.result.is_parked() { (ways_on(visitor, entry)) }
            }
            td class="small" { (links(site, visitor, entry)) }
        }
    }
}

fn told(entry: &Activity) -> Markup {
    html! {
        @match &entry.result {
            ActivityResult::Done(done) => { @for note in &done.notes { p { (note) } } }
            ActivityResult::Skipped { reason } => p class="quiet" { (sentence(reason)) },
            ActivityResult::Ignored { reason } => p class="quiet" { "Reason: " (reason) },
            ActivityResult::Parked(park) => {
                p { strong { (words::cause(park.cause)) ". " } (park.reason) }
                p { "What to do: " (park.way_on) }
            }
        }
    }
}

/// The engine's reasons begin small and have no full stop.
fn sentence(reason: &str) -> String {
    let mut characters = reason.chars();
    let first: String = characters.next().into_iter().flat_map(char::to_uppercase).collect();
    let rest = characters.as_str();
    format!("{first}{rest}{}", if reason.ends_with('.') { "" } else { "." })
}

fn ways_on(visitor: &Visitor, entry: &Activity) -> Markup {
    let subject = words::subject(entry);
    html! {
        div class="bar" {
            form class="inline" method="post" action="/console/activity/retry" {
                (mark(visitor))
                input type="hidden" name="event" value=(entry.event);
                button aria-label={ "Retry " (subject) } { "Retry" }
            }
            details {
                summary aria-label={ "Ignore " (subject) } { "Ignore…" }
                form method="post" action="/console/activity/ignore" {
                    (mark(visitor))
                    input type="hidden" name="event" value=(entry.event);
                    label { "Why need it not be carried out?" br;
                        input type="text" name="reason" required maxlength=(LONGEST_REASON); }
                    button { "Ignore" }
                }
            }
        }
    }
}

/// Whether an entry's id in QuickBooks, if it has one, means something in the books that people open now.
fn is_of_these_books(visitor: &Visitor, entry: &Activity) -> bool {
    entry.realm.as_ref().is_none_or(|realm| visitor.sees(realm))
}

/// Both records, each where it is kept.
fn links(site: &Site<'_>, visitor: &Visitor, entry: &Activity) -> Markup {
    let Some(kind) = entry.kind else { return html! {} };
    let ours =
        entry.billing_id.as_ref().map(|id| (id, words::billing_address(&visitor.company, kind, id.as_str())));
    html! {
        @if let Some((id, address)) = ours {
            p { "Billing app: " @match address {
                Some(address) => a href=(address) rel="noopener noreferrer" target="_blank" { (id) },
                None => (id),
            } }
        }
        @if let Some(id) = &entry.quickbooks_id {
            p { "QuickBooks: " @if is_of_these_books(visitor, entry) {
                a href=(words::quickbooks_address(site.quickbooks_app, kind, id)) rel="noopener noreferrer" target="_blank" { (id) }
            } @else { (id) } }
        }
    }
}

/// Puts what waits back on its queue.
pub(crate) async fn retry(site: &Site<'_>, visitor: &Visitor, form: &Fields) -> Answered {
    let Some(which) = which(form) else { return Ok(Answer::see("/console/activity")) };
    let retried = put_back(site, visitor, &which).await?;
    Ok(Answer::see(format!("/console/activity?said=retried-{retried}")))
}

/// Puts parked events and notices back, and tells how many.
pub(crate) async fn put_back(site: &Site<'_>, visitor: &Visitor, which: &Which) -> Result<usize, StoreError> {
    let (id, now) = (visitor.id(), site.clock.now());
    let pushed = parked::retry(site.history, site.pushes, id, which, now).await?;
    let pulled = parked::retry_notices(site.history, site.pulls, id, which, now).await?;
    Ok(pushed.len() + pulled.len())
}

/// Ends what waits, with the person's reason.
pub(crate) async fn ignore(site: &Site<'_>, visitor: &Visitor, form: &Fields) -> Answered {
    let reason: String =
        form.get("reason").chars().filter(|c| !c.is_control()).take(LONGEST_REASON).collect();
    let (Some(which), false) = (which(form), reason.is_empty()) else {
        return Ok(Answer::see("/console/activity"));
    };
    let now = site.clock.now();
    let ignored = parked::ignore(site.history, visitor.id(), &which, &reason, now).await?;
    Ok(Answer::see(format!("/console/activity?said=ignored-{}", ignored.len())))
}

/// One event or all of a cause; never everything by mistake.
fn which(form: &Fields) -> Option<Which> {
    match (EventId::new(form.get("event")), words::meant(form.get("cause"))) {
        (Ok(event), _) => Some(Which::Event(event)),
        (Err(_), Some(cause)) => Some(Which::Cause(cause)),
        (Err(_), None) => None,
    }
}

/// What a filter admits, as a table for a spreadsheet.
pub(crate) async fn file(site: &Site<'_>, visitor: &Visitor, query: &Fields) -> Answered {
    let (filter, mut place, mut entries) = (filter(query), None, Vec::new());
    loop {
        let page = history::page(site.history, visitor.id(), &filter, place.as_ref()).await?;
        entries.extend(page.entries);
        place = page.older;
        if place.is_none() || entries.len() >= FILE {
            break;
        }
    }
    let cut = place.is_some() || entries.len() > FILE;
    let csv = spreadsheet::write(&HEADING, entries.iter().take(FILE).map(cells));
    let of = if cut { format!("newest-{FILE}-") } else { String::new() };
    Ok(Answer::File { name: format!("activity-{of}{}.csv", visitor.id()), csv })
}

const HEADING: [&str; 11] = [
    "Time (UTC)",
    "Changed in",
    "Kind",
    "Record",
    "Billing id",
    "QuickBooks id",
    "Outcome",
    "Cause",
    "What happened",
    "What to do",
    "Event",
];

fn cells(entry: &Activity) -> [String; 11] {
    let id = |id: Option<&str>| id.unwrap_or_default().to_owned();
    let (happened, to_do) = match &entry.result {
        ActivityResult::Parked(park) => (park.reason.clone(), park.way_on.clone()),
        _ => (history::told(entry).join(" "), String::new()),
    };
    [
        entry.time.to_string(),
        words::side(entry.side).trim_start_matches("Changed in ").to_owned(),
        entry.kind.map(words::word).unwrap_or_default(),
        entry.label.clone(),
        id(entry.billing_id.as_ref().map(|id| id.as_str())),
        id(entry.quickbooks_id.as_ref().map(|id| id.as_str())),
        words::ending(&entry.result).0.to_owned(),
        history::cause_of(entry).map(words::cause).unwrap_or_default().to_owned(),
        happened,
        to_do,
        entry.event.to_string(),
    ]
}
