//! One record: its counterpart, how they were matched, and all that happened to it.

use maud::{Markup, html};
use sync::ids::BillingId;
use sync::link::{Entry, Link, LinkKey, MatchedBy};
use sync::model::Kind;

use crate::activity;
use crate::answer::Answer;
use crate::layout;
use crate::route::Section;
use crate::site::{Answered, Site, Visitor};
use crate::words;

/// How many entries are shown.
const ENTRIES: usize = 100;

/// A record's history.
pub(crate) async fn show(site: &Site<'_>, visitor: &Visitor, kind: Kind, id: &BillingId) -> Answered {
    let entries = site.history.of_record(visitor.id(), kind, id, ENTRIES).await?;
    let key = LinkKey::Billing(kind, id.clone());
    let entry = match visitor.company.books() {
        Some(books) => site.ledger.entries(&books, std::slice::from_ref(&key)).await?.remove(&key),
        None => None,
    };
    let label = entries.iter().map(|entry| entry.label.as_str()).find(|label| !label.is_empty());
    let title = format!("{} {}", words::kind(kind), label.unwrap_or(id.as_str()));
    let content = html! {
        section class="card" { (counterpart(site, kind, entry.as_ref())) }
        h2 { "History" }
        @if entries.is_empty() { p { "Nothing is known of it." } }
        @else { div class="wide" { (activity::table(site, visitor, &entries)) } }
        p { a href="/console/activity" { "All activity" } }
    };
    Ok(Answer::page(layout::page(visitor, Section::Activity, &title, None, &content)))
}

fn counterpart(site: &Site<'_>, kind: Kind, entry: Option<&Entry>) -> Markup {
    html! {
        @match entry {
            None => p { "It has no counterpart in QuickBooks." },
            Some(Entry::Pending(_)) => p { "Its counterpart is being created." },
            Some(Entry::Linked(link)) => dl {
                dt { "In QuickBooks" }
                dd { a href=(words::quickbooks_address(site.quickbooks_app, kind, &link.quickbooks_id))
                    rel="noopener noreferrer" target="_blank" { "Id " (link.quickbooks_id) } }
                dt { "How they were linked" } dd { (matched(link)) }
                @if link.withdrawn { dt { "State" } dd { "Deleted or voided in the billing app" } }
            },
        }
    }
}

/// The rung of the ladder (D2), in words.
pub(crate) fn matched(link: &Link) -> &'static str {
    rung(link.matched_by)
}

pub(crate) fn rung(by: MatchedBy) -> &'static str {
    match by {
        MatchedBy::Created => "Counterpart created the second one",
        MatchedBy::Name => "Same name",
        MatchedBy::Email => "Same e-mail address",
        MatchedBy::Key => "Product key equals the Item's name",
        MatchedBy::Person => "A person linked them",
        MatchedBy::Recovered => "Created, and found again after a lost answer",
    }
}
