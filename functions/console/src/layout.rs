//! What all pages have around them.

use lambda_http::http::StatusCode;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sync::settings::Company;

use crate::answer::Answer;
use crate::asset::Asset;
use crate::route::Section;
use crate::site::Visitor;
use crate::words;

pub(crate) const STYLE: &str = include_str!("style.css");

/// Nothing that the policy forbids, and nothing kept in the browser.
const HTMX: &str = r#"{"includeIndicatorStyles":false,"allowEval":false,"allowScriptTags":false,"historyCacheSize":0,"selfRequestsOnly":true}"#;

/// A page of the console.
pub(crate) fn page(
    visitor: &Visitor,
    section: Section,
    title: &str,
    said: Option<&Said>,
    content: &Markup,
) -> Markup {
    let body = html! {
        a class="skip" href="#content" { "Skip to the content" }
        header class="top" {
            strong { "Counterpart" }
            span class="who" { (name(&visitor.company)) }
            form method="post" action="/console/sign-out" { (mark(visitor)) button { "Sign out" } }
        }
        nav aria-label="Sections" {
            ul {
                @for each in Section::ALL {
                    li { a href=(each.path()) aria-current=[(each == section).then_some("page")] { (each.title()) } }
                }
            }
        }
        main id="content" {
            @if let Some(said) = said { p class=(said.class()) role="status" { (said.text) } }
            h1 { (title) }
            (content)
        }
    };
    whole(title, &body)
}

/// What the billing app calls the company, else its id.
pub(crate) fn name(company: &Company) -> &str {
    match &company.billing {
        sync::billing_app::BillingApp::InvoiceNinja(app) if !app.name.trim().is_empty() => &app.name,
        _ => company.id.as_str(),
    }
}

/// What every form carries.
pub(crate) fn mark(visitor: &Visitor) -> Markup {
    html! { input type="hidden" name="mark" value=(visitor.mark); }
}

/// A page for somebody who is not let in.
pub(crate) fn outside(status: StatusCode, title: &str, paragraphs: &[&str]) -> Answer {
    outside_with(status, title, paragraphs, None)
}

/// The same with a way on: what it is called, and its address.
pub(crate) fn outside_with(
    status: StatusCode,
    title: &str,
    paragraphs: &[&str],
    way_on: Option<(&str, &str)>,
) -> Answer {
    let body = html! {
        main id="content" {
            div class="card" {
                h1 { (title) }
                @for paragraph in paragraphs { p { (paragraph) } }
                @if let Some((name, address)) = way_on { p { a class="button main" href=(address) { (name) } } }
            }
        }
    };
    Answer::Page(status, whole(title, &body))
}

fn whole(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                meta name="color-scheme" content="light dark";
                meta name="htmx-config" content=(HTMX);
                link rel="icon" href="data:,";
                title { (title) " · Counterpart" }
                style { (PreEscaped(STYLE)) }
                @for script in Asset::ALL { script src=(script.address()) defer {} }
            }
            body { (body) }
        }
    }
}

/// What was done a moment ago, told on the next page. Its address holds a code and a number, never a text.
pub(crate) struct Said {
    text: String,
    bad: bool,
}

impl Said {
    fn class(&self) -> &'static str {
        if self.bad { "said bad" } else { "said" }
    }

    /// Something that did not work.
    pub(crate) fn problem(text: impl Into<String>) -> Said {
        Said { text: text.into(), bad: true }
    }

    /// Reads what the address says, such as `retried-3`.
    pub(crate) fn of(code: &str) -> Option<Said> {
        let (what, number) = code.split_once('-').unwrap_or((code, "0"));
        let number: u32 = number.parse().ok()?;
        let events = words::counted(number, "event", "events");
        let good = |text: String| Some(Said { text, bad: false });
        match what {
            "retried" if number == 0 => good("Nothing is left to be tried again.".into()),
            "retried" => {
                good(format!("{events} put back on the queue. The result is shown here in a moment."))
            }
            "ignored" => good(format!("{events} ignored, with your reason.")),
            "mapped" => good(format!(
                "{} mapped. What waited for it is tried again.",
                words::counted(number, "record", "records")
            )),
            "cleared" => good(format!(
                "{} cleared. The next change of such a record looks for a match by name again.",
                words::counted(number, "mapping", "mappings")
            )),
            "checked" => good("QuickBooks was checked again.".into()),
            "saved" => good("Saved.".into()),
            _ => None,
        }
    }
}
