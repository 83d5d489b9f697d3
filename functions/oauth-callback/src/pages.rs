//! What a person reads at the end of every way through the flow.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use lambda_http::http::StatusCode;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};
use sync::billing_app::BillingApp;
use sync::connect::{BadSeal, Before, Connected, Left, Refusal};
use sync::ids::CompanyId;
use sync::preflight::{self, Finding, Severity};
use sync::reference::{Reference, TaxModel};

const STYLE: &str = include_str!("style.css");

/// A page and the status it comes with.
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) html: String,
}

/// Only the page's own style, by its digest.
pub(crate) fn content_security_policy() -> String {
    let digest = BASE64_STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
}

/// It worked. `resumed` is how many events waited for it and are pushed now; none if they could not be put back.
pub(crate) fn connected(connected: &Connected, resumed: Option<usize>) -> Page {
    let Connected { before, settings, reference, .. } = connected;
    let findings = preflight::findings(reference, settings);
    let was = connected.was();
    let title = if was == Before::Same { "Reconnected to QuickBooks" } else { "Connected to QuickBooks" };
    laid_out(
        StatusCode::OK,
        title,
        true,
        &html! {
            p { (before.id.as_str()) " is now linked with this QuickBooks company:" }
            dl {
                dt { "Company" } dd { (reference.name) }
                dt { "Country" } dd { (or_unknown(&reference.country)) }
                dt { "Home currency" } dd { (reference.home_currency) }
                dt { "Sales tax" } dd { (tax_model(reference)) }
            }
            @match was {
                Before::Never => {}
                Before::Same => p { "Your sync settings and all links between records are as they were." }
                Before::Another => p {
                    "It is another QuickBooks company than before. Links with that one are kept apart, and what was chosen from \
                     its lists is forgotten: nothing is linked here yet, no direction is set, and no account is chosen. What \
                     waited for the connection waits still, and can be retried in the console once the directions are set."
                }
            }
            @match resumed {
                Some(0) => {}
                Some(1) => p { "1 change that waited for the connection is synced now." }
                Some(events) => p { (events) " changes that waited for the connection are synced now, in their order." }
                None => p { "What waited for the connection could not be synced just now; it is kept, and can be retried." }
            }
            @if findings.iter().any(|finding| finding.severity > Severity::Fact) {
                h2 { "What we found in QuickBooks" }
                ul { @for finding in findings.iter().filter(|finding| finding.severity > Severity::Fact) { li { (found(finding)) } } }
            }
            @if was != Before::Same {
                h2 { "What to do next" }
                p { "Nothing is sent to QuickBooks yet. Before it is, choose:" }
                ol {
                    li { "the income account that new products are booked to," }
                    li { "which way clients, products, invoices and payments travel," }
                    @if let Some(day) = settings.cut_off {
                        li { "the cut-off date: invoices dated before " (day) " are left alone unless you move it." }
                    }
                }
            }
            p { a href="/console" { "Go on in the console" } ", if you came from there; else you may close this page." }
            @if let BillingApp::InvoiceNinja(app) = &before.billing {
                p { a href=(app.url) { "Back to " @if app.name.is_empty() { "your billing app" } @else { (app.name) } } }
            }
        },
    )
}

fn found(finding: &Finding) -> Markup {
    html! {
        @if finding.severity == Severity::Blocker { strong { (finding.text) } } @else { (finding.text) }
        @if let Some(to_do) = &finding.to_do { " " (to_do) }
    }
}

/// Asks whether to disconnect.
pub(crate) fn disconnect(company: &CompanyId, name: &str, link: &str) -> Page {
    laid_out(
        StatusCode::OK,
        "Disconnect QuickBooks?",
        true,
        &html! {
            p { (company.as_str()) " is linked with the QuickBooks company " strong { (name) } "." }
            p {
                "Nothing is synced any more once it is disconnected; what changes meanwhile is kept and waits. Your sync settings and all links between records stay, for when the same QuickBooks company is connected again."
            }
            form method="post" action=(format!("/disconnect?link={link}")) { button { "Disconnect" } }
        },
    )
}

/// It is disconnected.
pub(crate) fn left(company: &CompanyId, left: &Left) -> Page {
    laid_out(
        StatusCode::OK,
        "QuickBooks is disconnected",
        true,
        &html! {
            p { (company.as_str()) " is no longer connected with " (left.name) ". Your sync settings and all links between \
                records are kept." }
            @if left.revoked {
                p { "Intuit has taken our access back." }
            } @else {
                p { "Intuit could not be reached just now; it is told to take our access back as soon as it can be." }
            }
            p { a href="/console/connect" { "Back to the console" } ", if you came from there; else you may close this page." }
        },
    )
}

/// Somebody disconnected in QuickBooks.
pub(crate) fn disconnected() -> Page {
    laid_out(
        StatusCode::OK,
        "You have disconnected QuickBooks",
        true,
        &html! {
            p { "Nothing is synced with this QuickBooks company any more. What changes in your billing app meanwhile is kept \
                and waits. Your sync settings and all links between records are kept, too." }
            p { "To connect again, choose QuickBooks in your billing app's settings, or open the link in the e-mail that we \
                send about this." }
        },
    )
}

/// It did not work.
pub(crate) fn refused(refusal: &Refusal) -> Page {
    match refusal {
        Refusal::Link(BadSeal::Expired) => failed(
            StatusCode::GONE,
            "This link is too old",
            &["Links to connect QuickBooks work for 15 minutes.", "Ask for a new one and open it soon."],
        ),
        Refusal::Link(BadSeal::Forged) => failed(
            StatusCode::BAD_REQUEST,
            "This link does not work",
            &["It is incomplete, or it was not made here.", "Copy the whole link, or ask for a new one."],
        ),
        Refusal::UnknownCompany => failed(
            StatusCode::NOT_FOUND,
            "This link does not work",
            &["The company that it was made for no longer exists here.", "Ask for a new link."],
        ),
        Refusal::NeverConnected => failed(
            StatusCode::NOT_FOUND,
            "There is nothing to disconnect",
            &["The company was never connected with QuickBooks."],
        ),
        Refusal::State(BadSeal::Expired) => failed(
            StatusCode::GONE,
            "That took too long",
            &["Consent at Intuit has to be given within 10 minutes. Nothing was connected.", START_AGAIN],
        ),
        Refusal::State(BadSeal::Forged) => failed(
            StatusCode::BAD_REQUEST,
            "This page cannot be opened by itself",
            &["It is where Intuit sends you after you have consented. Nothing was connected.", START_AGAIN],
        ),
        Refusal::OtherBrowser => failed(
            StatusCode::BAD_REQUEST,
            "This was started in another browser",
            &[
                "To keep strangers out, connecting has to end in the browser in which it began, with cookies allowed. \
                 Nothing was connected.",
                START_AGAIN,
            ],
        ),
        Refusal::Reused => failed(
            StatusCode::GONE,
            "This page has done its work",
            &["It works once. If the company is not connected, begin again.", START_AGAIN],
        ),
        Refusal::Denied => failed(
            StatusCode::FORBIDDEN,
            "QuickBooks was not connected",
            &["You did not give consent at Intuit, so nothing has changed.", START_AGAIN],
        ),
        Refusal::RealmTaken => failed(
            StatusCode::CONFLICT,
            "This QuickBooks company is in use",
            &[
                "It is linked with another billing company already, and can be linked with one only. Nothing was changed.",
                "Choose another QuickBooks company, or disconnect the other billing company first.",
            ],
        ),
        Refusal::OtherRealm(name) => laid_out(
            StatusCode::CONFLICT,
            "You chose another QuickBooks company",
            false,
            &html! {
                p {
                    "This billing company is linked with " strong { (name) } ". Two sets of books are never mixed, so \
                     nothing was changed."
                }
                p { "Open the link again and choose " (name) ", or disconnect it first." }
            },
        ),
        Refusal::MissingRights(_) => failed(
            StatusCode::FORBIDDEN,
            "Your QuickBooks account may not do this",
            &[
                "QuickBooks did not let us read the company with your account. Nothing was connected.",
                "Ask somebody who is an administrator of the QuickBooks company to open the link, or to make you one.",
            ],
        ),
        Refusal::Intuit(_) => failed(
            StatusCode::BAD_GATEWAY,
            "Intuit did not complete the connection",
            &["Nothing was connected.", START_AGAIN],
        ),
        Refusal::Unreachable(_) => failed(
            StatusCode::BAD_GATEWAY,
            "QuickBooks cannot be reached just now",
            &["Nothing was connected.", "Wait a minute, then open the link again."],
        ),
        Refusal::Store(_) => unavailable(),
    }
}

const START_AGAIN: &str = "To try again, open your connect link once more.";

/// Something of ours does not work.
pub(crate) fn unavailable() -> Page {
    failed(
        StatusCode::SERVICE_UNAVAILABLE,
        "This does not work just now",
        &["Something on our side failed, and has been noted.", "Wait a minute, then open the link again."],
    )
}

/// There is no such page.
pub(crate) fn not_found() -> Page {
    failed(StatusCode::NOT_FOUND, "There is nothing here", &["Check the address."])
}

fn tax_model(reference: &Reference) -> &'static str {
    match reference.tax_model {
        TaxModel::Off => "Switched off in QuickBooks",
        TaxModel::Automated => "Automated: QuickBooks works it out from the address",
        TaxModel::Manual => "Manual: one tax code for each invoice",
        TaxModel::Global => "One tax code for each line",
    }
}

fn or_unknown(text: &str) -> &str {
    if text.is_empty() { "Not known" } else { text }
}

fn failed(status: StatusCode, title: &str, paragraphs: &[&str]) -> Page {
    laid_out(status, title, false, &html! { @for paragraph in paragraphs { p { (paragraph) } } })
}

fn laid_out(status: StatusCode, title: &str, good: bool, content: &Markup) -> Page {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { (title) " · Counterpart" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main class=(if good { "good" } else { "bad" }) {
                    h1 { (title) }
                    (content)
                }
            }
        }
    };
    Page { status, html: page.into_string() }
}
