//! Overview: where a new company stands on its way, and what needs somebody.

use maud::{Markup, html};
use sync::billing_app::BillingApp;
use sync::history;
use sync::import::{self, Job, Purpose, State};
use sync::model::Kind;
use sync::settings::{Company, ConnectionState, Direction};

use crate::activity::waiting_card;
use crate::answer::Answer;
use crate::fields::Fields;
use crate::import::ports;
use crate::layout::{self, Said};
use crate::route::Section;
use crate::site::{Answered, Site, Visitor};
use crate::{health, words};

pub(crate) async fn show(site: &Site<'_>, visitor: &Visitor, query: &Fields) -> Answered {
    let waiting = history::waiting(&site.history.parked(visitor.id()).await?);
    let mut jobs = import::jobs(ports(site), visitor.id(), 20).await?;
    jobs.retain(|job| visitor.sees(&job.books.realm));
    let steps = steps(&visitor.company, &jobs);
    let content = html! {
        @if steps.iter().any(|step| !step.done) { (guide(&steps)) }
        (waiting_card(visitor, &waiting))
        @if waiting.is_empty() && steps.iter().all(|step| step.done) {
            p class="card" { span class="state good" { "Nothing needs your attention" } }
        }
        (state(&visitor.company))
        @if visitor.company.connection.is_some() { (health::placeholder()) }
    };
    let said = Said::of(query.get("said"));
    Ok(Answer::page(layout::page(visitor, Section::Overview, "Overview", said.as_ref(), &content)))
}

/// A step of a new company's way.
struct Step {
    title: &'static str,
    why: &'static str,
    path: &'static str,
    button: &'static str,
    done: bool,
}

/// The order in which a company is led: what is there is brought together before anything is sent (R61, R70).
fn steps(company: &Company, jobs: &[Job]) -> Vec<Step> {
    let connected =
        company.connection.as_ref().is_some_and(|connection| connection.state == ConnectionState::Connected);
    let settings = &company.settings;
    // An app that cannot be written to has nothing to import into.
    let silent = matches!(company.billing, BillingApp::EventsOnly);
    let directed = Kind::ALL.iter().any(|kind| settings.directions.of(*kind) != Direction::None);
    vec![
        Step {
            title: "Connect QuickBooks",
            why: "You sign in at Intuit and choose the company. Nothing is sent or changed by that.",
            path: "/console/connect",
            button: "Connect",
            done: connected,
        },
        Step {
            title: "Look at what the import would do",
            why: "A preview shows what would be linked and what created. It writes nothing on either side.",
            path: "/console/import",
            button: "Preview",
            done: has_done(jobs, Purpose::Preview) || has_done(jobs, Purpose::Run) || silent,
        },
        Step {
            title: "Import",
            why: "What is on both sides is linked before anything is sent, so that nothing is made twice.",
            path: "/console/import",
            button: "Import",
            done: has_done(jobs, Purpose::Run) || silent,
        },
        Step {
            title: "Choose the default income account",
            why: "New products are booked to it unless you say otherwise.",
            path: "/console/settings",
            button: "Choose",
            done: settings.default_income_account.is_some(),
        },
        Step {
            title: "Set the directions",
            why: "Which way clients, products, invoices and payments travel. Everything is off until you say so.",
            path: "/console/settings",
            button: "Set",
            done: directed,
        },
    ]
}

fn has_done(jobs: &[Job], purpose: Purpose) -> bool {
    jobs.iter().any(|job| job.purpose == purpose && job.state == State::Done)
}

fn guide(steps: &[Step]) -> Markup {
    let next = steps.iter().position(|step| !step.done);
    html! {
        section class="card" aria-labelledby="guide" {
            h2 id="guide" { "Getting started" }
            ol class="guide" {
                @for (place, step) in steps.iter().enumerate() {
                    li class=[step.done.then_some("done")] {
                        div {
                            strong { (step.title) @if step.done { span class="quiet" { " (done)" } } }
                            p class="quiet small" { (step.why) }
                        }
                        @if Some(place) == next { a class="button main" href=(step.path) { (step.button) } }
                    }
                }
            }
        }
    }
}

/// The connection and the directions at a glance.
fn state(company: &Company) -> Markup {
    html! {
        section class="card" aria-labelledby="state" {
            h2 id="state" { "State" }
            dl {
                dt { "QuickBooks" }
                dd {
                    @match &company.connection {
                        None => span class="state none" { "Not connected yet" },
                        Some(connection) => {
                            (connection.name) " "
                            @match connection.state {
                                ConnectionState::Connected => span class="state good" { "Connected" },
                                ConnectionState::Expired => span class="state bad" { "Expired: reconnect" },
                                ConnectionState::Disconnected => span class="state warn" { "Disconnected" },
                            }
                        }
                    }
                }
                @for kind in Kind::ALL {
                    dt { (words::pair(kind)) }
                    dd { (words::direction(company.settings.directions.of(kind))) }
                }
            }
        }
    }
}
