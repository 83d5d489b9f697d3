//! Whether everything is as it should be after a run.

use std::collections::HashMap;

use anyhow::Context;
use jiff::Timestamp;
use quickbooks_simulator::company::{Company, Seed};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Value;
use sync::activity::{Activity, ActivityResult};
use sync::ids::{BillingId, Books, CompanyId, QuickBooksId, RealmId};
use sync::link::{Entry, LinkKey};
use sync::model::Kind;
use sync::outcome::DoneAction;
use sync::ports::Ledger;

use super::{Demo, Outcome};
use crate::bundle::Bundle;
use crate::demo::{Ending, Event};

/// How many objects a QuickBooks company holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Held {
    /// Customers.
    pub customers: usize,
    /// Items, categories and bundles included.
    pub items: usize,
    /// Invoices, voided ones included.
    pub invoices: usize,
    /// Payments.
    pub payments: usize,
}

impl Held {
    /// What a realm holds.
    pub fn of(bundle: &Bundle, realm: &str) -> anyhow::Result<Held> {
        bundle.simulator.with_company(realm, |company| Held::in_company(company)).context("no such realm")
    }

    fn in_company(company: &Company) -> Held {
        let count = |entity| company.entities(entity).len();
        Held {
            customers: count("Customer"),
            items: count("Item"),
            invoices: count("Invoice"),
            payments: count("Payment"),
        }
    }

    /// What is more than before.
    pub(super) fn less(&self, before: &Held) -> Held {
        Held {
            customers: self.customers - before.customers,
            items: self.items - before.items,
            invoices: self.invoices - before.invoices,
            payments: self.payments - before.payments,
        }
    }
}

/// Everything that is wrong after the demo, in words.
pub(super) async fn problems(
    bundle: &Bundle,
    company: &CompanyId,
    demo: &Demo,
    outcome: &Outcome,
) -> anyhow::Result<Vec<String>> {
    let mut problems = dead_letters(bundle).await?;
    if outcome.report.added == Held::default() && outcome.report.writes > 0 {
        problems.push(format!("a repeated run has written to QuickBooks {} times", outcome.report.writes));
    }
    // Each of the demo's messages holds one event.
    let activities: Vec<&Activity> = outcome.endings.iter().flatten().collect();
    for (event, activity) in demo.events.iter().zip(&activities) {
        if !has_ended_well(event, activity, outcome.is_first) {
            problems.push(format!(
                "{} should have ended as {:?}, but: {:?}",
                event.id, event.endings, activity.result
            ));
        }
    }
    let wanted = books(demo, seeded());
    if outcome.report.quickbooks != wanted {
        problems
            .push(format!("QuickBooks should hold {wanted:?}, but holds {:?}", outcome.report.quickbooks));
    }
    let books = Books { company: company.clone(), realm: RealmId::new(bundle.realm.as_str())? };
    let found = entities(bundle)?;
    problems.extend(links(bundle, &books, &activities, &found).await?);
    problems.extend(amounts(bundle, &books, demo, &found).await?);
    problems.extend(unallocated(demo, &found)?);
    Ok(problems)
}

/// Messages that were given up.
pub(super) async fn dead_letters(bundle: &Bundle) -> anyhow::Result<Vec<String>> {
    let dead = bundle.dead_letters().await?;
    Ok(if dead == 0 { Vec::new() } else { vec![format!("{dead} messages are in the dead-letter queue")] })
}

fn has_ended_well(event: &Event, activity: &Activity, is_first: bool) -> bool {
    let is = |ending: &Ending| match (&activity.result, ending) {
        (ActivityResult::Done(done), Ending::Varies) => {
            done.action == DoneAction::Created && !done.notes.is_empty()
        }
        (ActivityResult::Done(done), Ending::Replaced) => {
            done.action == DoneAction::Updated && done.notes.iter().any(|note| note.contains("later value"))
        }
        (ActivityResult::Done(done), ending) => {
            let action = match ending {
                Ending::Created => DoneAction::Created,
                Ending::Linked => DoneAction::Linked,
                Ending::Updated => DoneAction::Updated,
                Ending::Voided => DoneAction::Voided,
                Ending::Varies | Ending::Replaced | Ending::Skipped(_) | Ending::Parked(_) => {
                    return false;
                }
            };
            done.action == action && done.notes.is_empty()
        }
        (ActivityResult::Skipped { reason }, Ending::Skipped(words)) => reason.contains(words),
        (ActivityResult::Parked(park), Ending::Parked(cause)) => {
            park.cause == *cause && !park.reason.is_empty() && !park.way_on.is_empty()
        }
        _ => false,
    };
    let was_parked = event.endings.iter().any(|ending| matches!(ending, Ending::Parked(_)));
    event.endings.iter().any(is) || (!is_first && !was_parked && !activity.result.is_parked())
}

fn seeded() -> Held {
    Held::in_company(&Company::new(Seed::Landscaping, "1", Timestamp::UNIX_EPOCH))
}

/// What QuickBooks has to hold after the demo.
fn books(demo: &Demo, seeded: Held) -> Held {
    Held {
        customers: seeded.customers + demo.books.customers,
        items: seeded.items + demo.books.items,
        invoices: seeded.invoices + demo.books.invoices.len(),
        payments: seeded.payments + demo.books.payments,
    }
}

/// The realm's objects by kind and id.
type Entities = HashMap<(Kind, String), Value>;

fn entities(bundle: &Bundle) -> anyhow::Result<Entities> {
    let read = |company: &mut Company| {
        let mut found = Entities::new();
        for kind in Kind::ALL {
            for entity in company.entities(entity_name(kind)) {
                let id = entity["Id"].as_str().unwrap_or_default().to_owned();
                found.insert((kind, id), entity.clone());
            }
        }
        found
    };
    bundle.simulator.with_company(&bundle.realm, read).context("no such realm")
}

fn entity_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Client => "Customer",
        Kind::Product => "Item",
        Kind::Invoice => "Invoice",
        Kind::Payment => "Payment",
    }
}

/// Each counterpart is found from both sides, and exists.
async fn links(
    bundle: &Bundle,
    books: &Books,
    activities: &[&Activity],
    found: &Entities,
) -> anyhow::Result<Vec<String>> {
    let ledger = bundle.aws.ledger(bundle.stack.output("LinksTable")?);
    let mut problems = Vec::new();
    for activity in activities {
        let (Some(kind), Some(billing_id), Some(id)) =
            (activity.kind, &activity.billing_id, &activity.quickbooks_id)
        else {
            continue;
        };
        let there = linked(bundle, books, kind, billing_id).await?;
        let back = ledger.billing_id(books, kind, id).await?;
        if there.as_ref() != Some(id) || back.as_ref() != Some(billing_id) {
            problems.push(format!("{kind} {billing_id} is linked with {there:?}, and {id} with {back:?}"));
        }
        if !found.contains_key(&(kind, id.to_string())) {
            problems.push(format!("{kind} {billing_id} is linked with {id}, which QuickBooks does not have"));
        }
    }
    Ok(problems)
}

async fn linked(
    bundle: &Bundle,
    books: &Books,
    kind: Kind,
    id: &BillingId,
) -> anyhow::Result<Option<QuickBooksId>> {
    let ledger = bundle.aws.ledger(bundle.stack.output("LinksTable")?);
    let key = LinkKey::Billing(kind, id.clone());
    Ok(match ledger.entries(books, std::slice::from_ref(&key)).await?.remove(&key) {
        Some(Entry::Linked(link)) => Some(link.quickbooks_id),
        Some(Entry::Pending(_)) | None => None,
    })
}

/// What payments leave over stays on the clients' accounts.
fn unallocated(demo: &Demo, found: &Entities) -> anyhow::Result<Option<String>> {
    let seed = Company::new(Seed::Landscaping, "1", Timestamp::UNIX_EPOCH);
    let sum =
        |payments: Vec<&Value>| payments.into_iter().map(|payment| amount(payment, "UnappliedAmt")).sum();
    let before: anyhow::Result<Decimal> = sum(seed.entities("Payment"));
    let payments = found.iter().filter(|((kind, _), _)| *kind == Kind::Payment).map(|(_, payment)| payment);
    let now: anyhow::Result<Decimal> = sum(payments.collect());
    let (unallocated, wanted) = (now? - before?, demo.books.unallocated);
    Ok((unallocated != wanted).then(|| format!("{wanted} should be unallocated, but {unallocated} is")))
}

/// Each invoice's total and balance in QuickBooks are the billing app's.
async fn amounts(
    bundle: &Bundle,
    books: &Books,
    demo: &Demo,
    found: &Entities,
) -> anyhow::Result<Vec<String>> {
    let mut problems = Vec::new();
    for (id, (total, balance)) in &demo.books.invoices {
        let linked = linked(bundle, books, Kind::Invoice, id).await?;
        let Some(entity) = linked.and_then(|linked| found.get(&(Kind::Invoice, linked.to_string()))) else {
            problems.push(format!("invoice {id} is not in QuickBooks"));
            continue;
        };
        let booked = (amount(entity, "TotalAmt")?, amount(entity, "Balance")?);
        if booked != (*total, *balance) {
            problems.push(format!("invoice {id} is {total}, {balance} of it open; in QuickBooks {booked:?}"));
        }
    }
    Ok(problems)
}

fn amount(entity: &Value, member: &str) -> anyhow::Result<Decimal> {
    let text = entity[member].to_string();
    text.trim_matches('"').parse().with_context(|| format!("{member} is {text}"))
}
