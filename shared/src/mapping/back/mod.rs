//! From QuickBooks' entities back to billing records.
//!
//! A record is never made anew when it is there already: only the members that changed in QuickBooks are brought onto
//! it, and what QuickBooks does not know stays as it is. Pure, as the way there is.

mod client;
mod invoice;
mod lines;
mod payment;
mod product;
mod taxes;

use rust_decimal::Decimal;

pub use client::{client, new_client};
pub use invoice::{custom_fields, invoice, new_invoice};
pub use lines::Sold;
pub(crate) use lines::items;
pub use payment::{Paid, new_payment, payment};
pub use product::{is_sellable, new_product, product};

use crate::reference::Reference;

/// The members of an entity that are brought back, by QuickBooks' names.
#[derive(Clone, Copy, Debug)]
pub enum Members<'a> {
    /// All that the two sides share.
    All,
    /// These.
    Some(&'a [String]),
}

impl Members<'_> {
    fn has(self, name: &str) -> bool {
        match self {
            Members::All => true,
            Members::Some(names) => names.iter().any(|known| known == name),
        }
    }

    fn has_any(self, names: &[&str]) -> bool {
        names.iter().any(|name| self.has(name))
    }
}

fn text(value: &Option<String>) -> String {
    value.clone().unwrap_or_default()
}

/// The currency to name on a record: none for the home currency.
fn currency(reference: Option<&quickbooks_wire::Ref>, known: &Reference) -> Option<String> {
    let code = reference.map(quickbooks_wire::Ref::id).unwrap_or_default();
    (!code.is_empty() && code != known.home_currency).then(|| code.to_owned())
}

/// The rate of a transaction in a foreign currency.
fn rate(currency: Option<&String>, rate: Option<Decimal>) -> Option<Decimal> {
    rate.filter(|_| currency.is_some())
}

/// What a person wrote into a note, and what the way there had added below under these headings.
fn without_added<'n>(note: &'n str, headings: &[&str]) -> (String, Vec<(String, &'n str)>) {
    let mut lines: Vec<&str> = note.lines().collect();
    let mut added = Vec::new();
    while let Some(last) = lines.last().copied() {
        let found = headings.iter().find_map(|heading| Some((*heading, last.strip_prefix(*heading)?)));
        let Some((heading, value)) = found else { break };
        added.push((heading.to_owned(), value.trim()));
        lines.pop();
    }
    (lines.join("\n").trim().to_owned(), added)
}
