//! Half a year of a small landscaping business, as its billing app tells of it: the events that the local run sends.
//!
//! The business fits the simulator's landscaping company: some clients and products are there already and have to
//! be found, the taxes are those of its two towns. Always the same, and right to the cent.

mod amounts;
mod clients;
mod diary;
mod invoices;
mod jobs;
mod payments;
mod products;
mod trouble;

use std::collections::BTreeMap;

use anyhow::Context;
use rust_decimal::Decimal;
use sync::ids::{BillingId, CompanyId};
use sync::model::{Invoice, Payment, ProductType, TaxCategory};
use sync::outcome::ParkCause;

use Ending::{Created, Linked, Replaced, Skipped, Updated};
use diary::Diary;

/// The events, and what has to be in QuickBooks afterwards.
pub struct Demo {
    /// In the order in which they are sent.
    pub events: Vec<Event>,
    /// What they have to have led to.
    pub books: Books,
}

/// One message.
pub struct Event {
    /// The event's id. A text that is no event has one only here.
    pub id: String,
    /// The message group.
    pub company: CompanyId,
    /// The message.
    pub body: String,
    /// Each is right.
    pub endings: Vec<Ending>,
}

/// How an event ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Its counterpart is made.
    Created,
    /// The same, and QuickBooks' total differs, visibly.
    Varies,
    /// Its counterpart was there and is found.
    Linked,
    /// Its counterpart follows it.
    Updated,
    /// The same, in something that QuickBooks had otherwise, which is told.
    Replaced,
    /// Its counterpart is voided.
    Voided,
    /// It is skipped, for a reason that holds these words.
    Skipped(&'static str),
    /// It waits for a person.
    Parked(ParkCause),
}

impl Ending {
    const SUPERSEDED: Ending = Skipped("later event of the same record");
    const UNCHANGED: Ending = Skipped("nothing that QuickBooks keeps has changed");
}

/// What QuickBooks has to hold after the demo beyond what it held before.
#[derive(Debug, Default, PartialEq)]
pub struct Books {
    /// Customers made.
    pub customers: usize,
    /// Items made.
    pub items: usize,
    /// Payments made.
    pub payments: usize,
    /// What is not allocated of them.
    pub unallocated: Decimal,
    /// The invoices: their total, and what is still owed, by the billing app's id. One that is cancelled has neither.
    pub invoices: BTreeMap<BillingId, (Decimal, Decimal)>,
}

/// Whether QuickBooks has a counterpart before the demo begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    No,
    ByName,
    ByEmail,
}

impl Known {
    fn ending(self) -> Ending {
        if self == Known::No { Created } else { Linked }
    }
}

/// The demo as the company `company`.
///
/// # Errors
/// A table that holds what cannot be read.
pub fn demo(company: &CompanyId) -> anyhow::Result<Demo> {
    let (clients, products) = (clients::all()?, products::all()?);
    let mut diary = Diary::new(company);
    tell_products(&mut diary, &products)?;
    tell_clients(&mut diary, &clients)?;
    let mut invoices = invoices::write(&mut diary, &clients, &products)?;
    let mut payments = payments::write(&mut diary, &invoices)?;
    diary.repeat(83, "y-503.created", Created);
    diary.repeat(90, "i-1030.created", Created);
    let (sent_late, paid_early) = trouble::write(&mut diary, &clients, &products)?;
    invoices.push(sent_late);
    payments.push(paid_early);

    let books = Books {
        customers: clients.iter().filter(|listed| listed.known == Known::No).count(),
        items: products.iter().filter(|listed| listed.known == Known::No).count() + ITEMS_BY_THE_WAY.len(),
        ..books(&invoices, &payments)
    };
    Ok(Demo { events: diary.events()?, books })
}

/// Items that are made because lines need them: two that only lines name, and those that stand for lines without a
/// product, surcharges, and discounts over goods and work.
const ITEMS_BY_THE_WAY: [&str; 5] =
    [jobs::LATE_PRODUCT, jobs::UNTOLD_PRODUCT, "General services", "Surcharges", "Discounts"];

fn tell_products(diary: &mut Diary, products: &[products::Listed]) -> anyhow::Result<()> {
    for listed in products {
        let product = &listed.product;
        diary.add(0, "product.created", &product.id, product, &[listed.known.ending()])?;
    }
    // New prices: not pushed, unless a person switches that on (D1).
    for (place, listed) in products.iter().skip(3).step_by(6).enumerate() {
        let mut product = listed.product.clone();
        product.price = product.price.map(|price| price + Decimal::ONE);
        let day = 70 + i64::try_from(place)?;
        diary.add(
            day,
            "product.updated",
            &product.id,
            &product,
            &[Skipped("edits of products are not pushed")],
        )?;
    }
    let late = products::product(
        "p-90",
        jobs::LATE_PRODUCT,
        "Stump grinding, by the stump",
        Decimal::from(110),
        ProductType::Service,
        TaxCategory::Standard,
    )?;
    diary.add(80, "product.created", &late.id, &late, &[Updated])
}

fn tell_clients(diary: &mut Diary, clients: &[clients::Listed]) -> anyhow::Result<()> {
    let told = clients.len().checked_sub(clients::ONLY_ON_INVOICES).context("too few clients")?;
    for listed in &clients[..told] {
        diary.add(1, "client.created", &listed.client.id, &listed.client, &[listed.known.ending()])?;
    }
    for (place, listed) in clients[..told].iter().skip(3).step_by(6).enumerate() {
        let day = 60 + i64::try_from(place)? * 5;
        let ending = if listed.known == Known::No { Updated } else { Replaced };
        diary.add(day, "client.updated", &listed.client.id, &clients::moved(&listed.client), &[ending])?;
    }
    // What the client owes has changed, and nothing else (R18).
    for (place, listed) in clients[..told].iter().skip(1).step_by(6).enumerate() {
        let day = 66 + i64::try_from(place)? * 6;
        let mut touched = serde_json::to_value(&listed.client)?;
        touched["balance"] = format!("{}.50", 120 + 10 * place).into();
        diary.add(day, "client.updated", &listed.client.id, &touched, &[Ending::UNCHANGED])?;
    }
    let gone = &clients[told - 1].client;
    diary.add(140, "client.deleted", &gone.id, gone, &[Skipped("stay active")])
}

fn books(invoices: &[Invoice], payments: &[Payment]) -> Books {
    let mut owed: BTreeMap<BillingId, (Decimal, Decimal)> =
        invoices.iter().map(|invoice| (invoice.id.clone(), (invoice.amount, invoice.amount))).collect();
    let mut unallocated = Decimal::ZERO;
    for payment in payments {
        unallocated += payment.amount;
        for allocation in &payment.allocations {
            unallocated -= allocation.amount;
            if let Some((_, balance)) = owed.get_mut(&allocation.invoice_id) {
                *balance -= allocation.amount;
            }
        }
    }
    Books { payments: payments.len(), unallocated, invoices: owed, ..Books::default() }
}

#[cfg(test)]
mod tests;
