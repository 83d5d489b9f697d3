//! Import: an existing QuickBooks company is brought into the billing app, after a preview (R8, R25-R29, R61).

use lambda_http::http::StatusCode;
use maud::{Markup, html};
use sync::billing_app::BillingApp;
use sync::ids::JobId;
use sync::import::{self, Counts, Ended, Job, Ports, Purpose, StartError, State, What};
use sync::model::Kind;
use sync::settings::ConnectionState;

use crate::answer::Answer;
use crate::fields::Fields;
use crate::handler::not_found;
use crate::layout::{self, Said, mark};
use crate::route::{Section, encoded};
use crate::site::{Answered, Site, Visitor};
use crate::{record, words};

/// How many earlier jobs are listed.
const JOBS: usize = 10;

/// What imports are begun and followed with.
pub(crate) fn ports<'a>(site: &'a Site<'a>) -> Ports<'a> {
    Ports { companies: site.companies, imports: site.imports, queue: site.import_queue, clock: site.clock }
}

/// The form that begins one, and the earlier ones.
pub(crate) async fn show(site: &Site<'_>, visitor: &Visitor) -> Answered {
    page(site, visitor, None).await
}

async fn page(site: &Site<'_>, visitor: &Visitor, problem: Option<String>) -> Answered {
    let jobs = import::jobs(ports(site), visitor.id(), JOBS).await?;
    let is_done = |job: &Job| job.purpose == Purpose::Preview && job.state == State::Done;
    let previewed = jobs.iter().any(|job| is_done(job) && visitor.sees(&job.books.realm));
    let content = html! {
        p { "Brings what QuickBooks has into your billing app: what is there on both sides is linked, what is missing is created. "
            "Do this before you switch a direction on, so that nothing is made twice." }
        (begin(visitor, previewed))
        (earlier(visitor, &jobs))
    };
    let said = problem.map(|problem| Said::problem(format!("Nothing was begun: {problem}.")));
    let status = if said.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(Answer::Page(status, layout::page(visitor, Section::Import, "Import", said.as_ref(), &content)))
}

fn begin(visitor: &Visitor, previewed: bool) -> Markup {
    let connected =
        visitor.company.connection.as_ref().is_some_and(|it| it.state == ConnectionState::Connected);
    let silent = matches!(visitor.company.billing, BillingApp::EventsOnly);
    html! {
        @if !connected {
            p class="card" { "QuickBooks is not connected. " a href="/console/connect" { "Connect" } }
        } @else if silent {
            p class="card" { "Your billing app only sends events and cannot be written to, so there is nothing to import into. "
                "Map what is there already instead: " a href="/console/mapping/customers" { "Mapping" } }
        } @else {
            form method="post" action="/console/import" {
                (mark(visitor))
                fieldset {
                    legend { "What to bring" }
                    @for kind in Kind::ALL {
                        label class="check" { input type="checkbox" name="kind" value=(kind) checked; span { (words::pair(kind)) } }
                    }
                    p class="quiet small" { "Directions and the cut-off date do not count here: what you tick is brought." }
                }
                div class="bar" {
                    button name="purpose" value="preview" class=[(!previewed).then_some("main")] { "Preview" }
                    button name="purpose" value="run" class=[previewed.then_some("main")] { "Import now" }
                    span class="quiet small" { "A preview writes nothing on either side." }
                }
            }
        }
    }
}

fn earlier(visitor: &Visitor, jobs: &[Job]) -> Markup {
    html! {
        @if !jobs.is_empty() {
            h2 { "Previews and imports" }
            div class="wide" { table class="rows" {
                thead { tr { th scope="col" { "Begun" } th scope="col" { "What" } th scope="col" { "State" } th scope="col" { "Dealt with" } } }
                tbody { @for job in jobs {
                    tr {
                        td { a href={ "/console/import/" (job.id) } { (words::moment(job.started_at)) } }
                        td { (purpose(job.purpose)) @if !visitor.sees(&job.books.realm) { p class="quiet small" { (OTHER_BOOKS) } } }
                        td { (state(job)) }
                        td { (job.total().done) }
                    }
                } }
            } }
        }
    }
}

const OTHER_BOOKS: &str = "Of the QuickBooks company that was connected then";

fn purpose(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Preview => "Preview",
        Purpose::Run => "Import",
    }
}

fn state(job: &Job) -> Markup {
    html! { @match &job.state {
        State::Running if job.trouble.is_some() => span class="state warn" { "Waits" },
        State::Running => span class="state good" { "Running" },
        State::Done => span class="state good" { "Done" },
        State::Cancelled => span class="state none" { "Cancelled" },
        State::Stopped { .. } => span class="state bad" { "Stopped" },
    } }
}

/// Begins a preview or an import.
pub(crate) async fn start(site: &Site<'_>, visitor: &Visitor, form: &Fields) -> Answered {
    let kinds: Vec<Kind> = form.all("kind").filter_map(words::meant).collect();
    let begun = match form.get("purpose") {
        "run" => import::start(ports(site), visitor.id(), &kinds).await,
        _ => import::preview(ports(site), visitor.id(), &kinds).await,
    };
    match begun {
        Ok(job) => Ok(Answer::see(format!("/console/import/{}", job.id))),
        Err(StartError::Running(id)) => Ok(Answer::see(format!("/console/import/{id}"))),
        Err(StartError::Store(error)) => Err(error),
        Err(error) => page(site, visitor, Some(error.to_string())).await,
    }
}

/// One job: how far it is and what it came to.
pub(crate) async fn job(site: &Site<'_>, visitor: &Visitor, id: &JobId) -> Answered {
    let Some(job) = import::job(ports(site), visitor.id(), id).await? else { return Ok(not_found()) };
    let title = match job.purpose {
        Purpose::Preview => "Preview of the import",
        Purpose::Run => "Import",
    };
    let content = html! { (progress(visitor, &job)) p { a href="/console/import" { "All imports" } } };
    Ok(Answer::page(layout::page(visitor, Section::Import, title, None, &content)))
}

/// The part that moves.
pub(crate) async fn moving(site: &Site<'_>, visitor: &Visitor, id: &JobId) -> Answered {
    Ok(match import::job(ports(site), visitor.id(), id).await? {
        Some(job) => Answer::part(progress(visitor, &job)),
        None => not_found(),
    })
}

fn progress(visitor: &Visitor, job: &Job) -> Markup {
    let total = job.total();
    let running = job.state == State::Running;
    let is_of_these_books = visitor.sees(&job.books.realm);
    html! {
        div id="job" hx-get=[running.then(|| format!("/console/import/{}/progress", job.id))] hx-trigger="load delay:1500ms"
            hx-swap="outerHTML" {
            div class="card" {
                p { (purpose(job.purpose)) ", begun " (words::moment(job.started_at)) " UTC: " (state(job)) }
                @if !is_of_these_books { p role="status" { (OTHER_BOOKS) "." } }
                @if let State::Stopped { reason } = &job.state { p role="alert" { (reason) } }
                @if let Some(trouble) = &job.trouble {
                    p role="status" { (trouble.reason) " Tried again " (words::moment(trouble.next_try)) " UTC, by itself." }
                }
                progress aria-label="Progress" max=(total.found.max(1)) value=(if running { total.done } else { total.found.max(1) }) {}
                p aria-live="polite" { (total.done) " of " (total.found) " dealt with"
                    @if let Some(end) = job.estimated_end() { "; done about " (words::moment(end)) " UTC" } "." }
                @if running {
                    form method="post" action={ "/console/import/" (job.id) "/cancel" } {
                        (mark(visitor)) button class="danger" { "Cancel" }
                        span class="quiet small" { " What was brought over stays." }
                    }
                }
                @if job.purpose == Purpose::Preview && job.state == State::Done && is_of_these_books {
                    form method="post" action="/console/import" {
                        (mark(visitor))
                        @for kind in &job.kinds { input type="hidden" name="kind" value=(kind); }
                        button class="main" name="purpose" value="run" { "Import this now" }
                    }
                }
                @if job.purpose == Purpose::Run && job.state == State::Done && is_of_these_books {
                    p { "Next: " a href="/console/settings" { "set the directions" } ", so that what changes from now on travels by itself." }
                }
            }
            (results(job))
        }
    }
}

/// What becomes, or became, of each kind.
fn results(job: &Job) -> Markup {
    let would = job.purpose == Purpose::Preview;
    html! {
        div class="wide" { table {
            caption { @if would { "What would be done" } @else { "What was done" } }
            thead { tr {
                th scope="col" { "Kind" } th scope="col" class="number" { "Found" } th scope="col" class="number" { "Created" }
                th scope="col" class="number" { "Linked" } th scope="col" class="number" { "Updated" }
                th scope="col" class="number" { "As they are" } th scope="col" class="number" { "Left out" }
                th scope="col" class="number" { "Needs attention" } th scope="col" { "Details" }
            } }
            tbody { @for kind in &job.kinds {
                @let counts = job.progress.get(kind).map(|progress| progress.counts.clone()).unwrap_or_default();
                (kind_row(job, *kind, &counts))
            } }
        } }
    }
}

fn kind_row(job: &Job, kind: Kind, counts: &Counts) -> Markup {
    html! {
        tr {
            th scope="row" { (words::pair(kind)) }
            td class="number" { (counts.found) }
            td class="number" { (counts.created) }
            td class="number" { (counts.all_linked()) }
            td class="number" { (counts.updated + counts.deleted) }
            td class="number" { (counts.unchanged) }
            td class="number" { (counts.all_skipped()) }
            td class="number" { (counts.all_failed()) }
            td { @if counts.done > counts.unchanged { a href={ "/console/import/" (job.id) "/" (kind) } { "Show" } } }
        }
    }
}

/// The records of a kind, a page of them.
pub(crate) async fn records(
    site: &Site<'_>,
    visitor: &Visitor,
    (id, kind): (&JobId, Kind),
    query: &Fields,
) -> Answered {
    let Some(job) = import::job(ports(site), visitor.id(), id).await? else { return Ok(not_found()) };
    let from = Some(query.get("from")).filter(|from| !from.is_empty());
    let (ended, next) = import::records(ports(site), visitor.id(), id, kind, from).await?;
    let content = html! {
        p { a href={ "/console/import/" (job.id) } { "Back to the " (purpose(job.purpose).to_lowercase()) } }
        @if ended.is_empty() { p class="card" { "Nothing is listed." } }
        @else { div class="wide" { table class="rows" {
            thead { tr { th scope="col" { "QuickBooks" } th scope="col" { @if job.purpose == Purpose::Preview { "What would be done" } @else { "What was done" } }
                th scope="col" { "Differences and notes" } } }
            tbody { @for one in &ended { (ended_row(site, visitor, &job, one)) } }
        } } }
        @if let Some(next) = next {
            a class="button" href={ "/console/import/" (job.id) "/" (kind) "?from=" (encoded(&next)) } { "More" }
        }
    };
    let title = format!("{}: {}", purpose(job.purpose), words::pair(kind));
    Ok(Answer::page(layout::page(visitor, Section::Import, &title, None, &content)))
}

fn ended_row(site: &Site<'_>, visitor: &Visitor, job: &Job, one: &Ended) -> Markup {
    html! {
        tr {
            td {
                @if visitor.sees(&job.books.realm) {
                    a href=(words::quickbooks_address(site.quickbooks_app, one.kind, &one.quickbooks_id))
                        rel="noopener noreferrer" target="_blank" { (one.label) }
                } @else { (one.label) }
            }
            td { (what(job.purpose, &one.what)) @if let Some(id) = &one.billing_id { p class="quiet small" { "Billing app: " (id) } } }
            td {
                @for difference in &one.differences {
                    p { (difference.field) ": " (difference.billing) " → " (difference.quickbooks)
                        @if !difference.taken { span class="quiet" { " (both stay as they are)" } } }
                }
                @for note in &one.notes { p { (note) } }
                @if !one.candidates.is_empty() {
                    p { "May be: " @for candidate in &one.candidates { (candidate.label) " (" (candidate.billing_id) ") " } }
                }
            }
        }
    }
}

fn what(purpose: Purpose, what: &What) -> Markup {
    let told = |done: &'static str, planned| if purpose == Purpose::Preview { planned } else { done };
    html! { @match what {
        What::Created => span class="state good" { (told("Created", "Would be created")) },
        What::Linked { by } => {
            span class="state good" { (told("Linked", "Would be linked")) }
            p class="quiet small" { (record::rung(*by)) }
        }
        What::Updated => span class="state good" { (told("Updated", "Would be updated")) },
        What::Deleted => span class="state warn" { (told("Deleted", "Would be deleted")) },
        What::Unchanged => span class="state none" { "As it is" },
        What::Skipped { reason } => {
            span class="state none" { (told("Left out", "Would be left out")) }
            p class="quiet small" { (reason) }
        }
        What::Failed { park } => {
            span class="state bad" { "Needs attention" }
            p { (park.reason) }
            p { "What to do: " (park.way_on) }
        }
    } }
}

/// Ends a job where it is.
pub(crate) async fn cancel(site: &Site<'_>, visitor: &Visitor, id: &JobId) -> Answered {
    Ok(match import::cancel(ports(site), visitor.id(), id).await? {
        Some(job) => Answer::see(format!("/console/import/{}", job.id)),
        None => not_found(),
    })
}
