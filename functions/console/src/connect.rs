//! Connect: the state of the connection, and how to make, renew and end it (R55-R60).

use maud::{Markup, html};
use sync::connect;
use sync::mail::Address;
use sync::preflight::{self, Finding, Severity};
use sync::reference::{Reference, TaxModel};
use sync::settings::{Company, ConnectionState};
use sync::standing::Standing;

use crate::answer::Answer;
use crate::fields::Fields;
use crate::layout::{self, Said, mark};
use crate::route::Section;
use crate::site::{Answered, Site, Visitor};
use crate::words;

pub(crate) async fn show(site: &Site<'_>, visitor: &Visitor, query: &Fields) -> Answered {
    let reference = site.reference(&visitor.company).await?;
    let standing = match visitor.company.books() {
        Some(books) => site.standings.standing(&books).await?,
        None => None,
    };
    let findings =
        reference.as_ref().map(|reference| preflight::findings(reference, &visitor.company.settings));
    let is_connected =
        visitor.company.connection.as_ref().is_some_and(|it| it.state == ConnectionState::Connected);
    let content = html! {
        section class="card" { (connection(&visitor.company, reference.as_ref(), standing.as_ref())) }
        @if let (Some(findings), Some(reference)) = (findings, &reference) {
            (checked(visitor, &findings, reference, is_connected))
        }
        @if is_connected { (leaving()) }
    };
    let said = Said::of(query.get("said"));
    Ok(Answer::page(layout::page(visitor, Section::Connect, "Connect", said.as_ref(), &content)))
}

/// On to Intuit, by a connect link of this very moment. It changes nothing until the person consents there.
pub(crate) fn start(site: &Site<'_>, visitor: &Visitor) -> Answered {
    let link = connect::link(site.seal, visitor.id(), site.clock.now())?;
    Ok(Answer::see(format!("/connect?link={link}")))
}

/// On to the page that ends the connection, by a link of this very moment.
pub(crate) fn leave(site: &Site<'_>, visitor: &Visitor) -> Answered {
    let Some(books) = visitor.company.books() else { return Ok(Answer::see(Section::Connect.path())) };
    let link = connect::disconnect_link(site.seal, &books, site.clock.now())?;
    Ok(Answer::see(format!("/disconnect?link={link}")))
}

/// Reads QuickBooks' settings again, so that what was put right there counts.
pub(crate) async fn check(site: &Site<'_>, visitor: &Visitor) -> Answered {
    let ports = preflight::Ports { companies: site.companies, connector: site.connector, clock: site.clock };
    match preflight::run(ports, visitor.id()).await {
        Ok(_) => Ok(Answer::see("/console/connect?said=checked")),
        Err(preflight::PreflightError::Store(error)) => Err(error),
        Err(error) => {
            let said = Said::problem(format!("QuickBooks could not be checked: {error}."));
            let content = html! { p { a class="button" href="/console/connect" { "Back" } } };
            Ok(Answer::page(layout::page(visitor, Section::Connect, "Connect", Some(&said), &content)))
        }
    }
}

/// The preflight's findings in words.
fn checked(visitor: &Visitor, findings: &[Finding], reference: &Reference, is_connected: bool) -> Markup {
    html! {
        section class="card" aria-labelledby="checked" {
            h2 id="checked" { "What was checked" }
            div class="wide" { table class="rows" {
                thead { tr { th scope="col" { "How it is" } th scope="col" { "What was found" } th scope="col" { "What to do" } } }
                tbody { @for finding in findings {
                    tr {
                        td { @match finding.severity {
                            Severity::Blocker => span class="state bad" { "To be mended" },
                            Severity::Warning => span class="state warn" { "To be looked at" },
                            Severity::Fact => span class="state good" { "Fine" },
                        } }
                        td { (finding.text) }
                        td { (finding.to_do.as_deref().unwrap_or_default()) }
                    }
                } }
            } }
            div class="bar" {
                @if is_connected {
                    form class="inline" method="post" action="/console/connect/check" { (mark(visitor)) button { "Check again" } }
                }
                span class="quiet small" { "As of " (words::moment(reference.read_at)) " UTC" }
            }
        }
    }
}

/// Whom e-mails do not reach.
fn unreached(addresses: &[Address]) -> Markup {
    html! {
        @if !addresses.is_empty() {
            dt { "E-mails do not reach" }
            dd {
                @for (place, address) in addresses.iter().enumerate() { @if place > 0 { ", " } (address.as_str()) }
                p class="quiet small" { "Mail to them came back, was reported as unwanted, or is refused. Correct the addresses in "
                    a href="/console/settings" { "Settings" } ". An address that is right has to be taken off the sender's list of bounces by whoever runs Counterpart." }
            }
        }
    }
}

/// R57.
fn leaving() -> Markup {
    html! {
        details class="card" {
            summary { "Disconnect…" }
            p { "Nothing is pushed or pulled any more. Settings and links are kept, so that connecting the same QuickBooks company again goes on where it was." }
            p { a class="button danger" href="/console/connect/leave" { "Disconnect from QuickBooks" } }
        }
    }
}

fn connection(company: &Company, reference: Option<&Reference>, standing: Option<&Standing>) -> Markup {
    let start = |label: &str| html! { a class="button main" href="/console/connect/start" { (label) } };
    let Some(connection) = &company.connection else {
        return html! {
            p { span class="state none" { "Not connected" } }
            p { "You sign in at Intuit as an administrator of your QuickBooks company, choose the company, and come back here. "
                "Nothing is sent or changed until you set a direction." }
            p { (start("Connect to QuickBooks")) }
        };
    };
    html! {
        dl {
            dt { "State" }
            dd { @match connection.state {
                ConnectionState::Connected => span class="state good" { "Connected" },
                ConnectionState::Expired => span class="state bad" { "Expired: QuickBooks no longer lets us in" },
                ConnectionState::Disconnected => span class="state warn" { "Disconnected" },
            } }
            dt { "QuickBooks company" } dd { (connection.name) }
            dt { "Connected since" } dd { (words::moment(connection.connected_at)) " UTC" }
            @if let Some(standing) = standing {
                dt { "Consent given" } dd { (words::moment(standing.consented_at)) " UTC" }
                dt { "Last renewed" } dd { (words::moment(standing.refreshed_at)) " UTC, by itself" }
                dt { "Ends if not used by" } dd { (words::moment(standing.refresh_expires_at)) " UTC" }
                @if let Some(at) = standing.hard_expires_at { dt { "Ends in any case" } dd { (words::moment(at)) " UTC" } }
                (unreached(&standing.mails.unreached))
            }
            @if let Some(reference) = reference {
                dt { "Country" } dd { (reference.country) }
                dt { "Home currency" } dd { (reference.home_currency) @if reference.multi_currency { " (and others)" } }
                dt { "Automatic taxes" } dd { (taxes(reference.tax_model)) }
                @if let Some(day) = reference.book_close_date { dt { "Books closed until" } dd { (day) } }
            }
        }
        @match connection.state {
            ConnectionState::Connected => p { a class="button" href="/console/connect/start" { "Reconnect" } },
            ConnectionState::Expired => {
                p { "Settings and links are as they were. What happens meanwhile is kept and goes on by itself." }
                p { (start("Reconnect")) }
            }
            ConnectionState::Disconnected => {
                p { "Settings and links are kept for the same QuickBooks company. Another one begins anew: without links, directions and accounts." }
                p { (start("Connect again")) }
            }
        }
    }
}

/// R60.
fn taxes(model: TaxModel) -> &'static str {
    match model {
        TaxModel::Automated => "On: QuickBooks works sales tax out, and its taxes are taken over",
        TaxModel::Manual => "Off: sales tax is set up by hand in QuickBooks",
        TaxModel::Global => "Off: each line carries a tax code",
        TaxModel::Off => "Off: sales tax is switched off in QuickBooks",
    }
}
