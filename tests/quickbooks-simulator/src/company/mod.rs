//! One QuickBooks Online company: a pure, strict state machine over requests and `now`.
//!
//! Nothing here reads a clock, draws a random number or touches a file: the same requests at the same instants give
//! the same answers. What Intuit's documentation leaves open is a named member of [`Switches`].

mod answer;
mod batch;
mod bookkeeper;
mod cdc;
mod classes;
mod clean;
mod customer;
mod faults;
mod invoice;
mod item;
mod kinds;
mod ledger;
mod lists;
mod money;
mod names;
mod payment;
mod query;
mod repeats;
mod seeds;
mod settings;
mod store;
mod switches;
mod taxes;
mod wire;
mod writes;

#[cfg(test)]
#[expect(clippy::needless_pass_by_value, reason = "tests read better with the JSON in the call")]
mod tests;

use std::collections::BTreeSet;

use jiff::Timestamp;
use kinds::Kind;
use repeats::Repeats;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::Store;
use taxes::TaxArea;
use wire::Members;

pub use self::{
    bookkeeper::{ClassPlace, Refused},
    switches::{BatchOrder, BeyondWindow, Switches},
};

/// A request to the accounting API, after authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `GET` or `POST`; anything else is refused.
    pub method: String,
    /// What follows `/v3/company/{realm}/`, percent-decoded: `customer`, `customer/5`, `query`, `batch`, `cdc`.
    pub path: String,
    /// The query parameters, decoded, in order.
    pub query: Vec<(String, String)>,
    /// The `Content-Type` header.
    pub content_type: Option<String>,
    /// The raw body.
    pub body: Vec<u8>,
}

/// The accounting API's answer. The body is JSON in Intuit's spelling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The JSON text.
    pub body: String,
}

/// Which company to begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Seed {
    /// A United States landscaping business with manual sales tax.
    Landscaping,
    /// The same kind of business with automated sales tax.
    AutomatedSalesTax,
    /// A company outside the United States, with GlobalTaxCalculation.
    Global,
    /// A United States company with nothing but what Intuit creates by itself.
    Empty,
}

/// What happened to an entity, for webhooks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// `Customer`, `Item`, `Invoice`, `Payment`, …
    pub entity: String,
    /// The entity's id.
    pub id: String,
    /// `Create`, `Update`, `Delete`, `Merge`, `Void`, `Emailed`.
    pub operation: String,
    /// The loser of a merge.
    pub deleted_id: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// One QuickBooks Online company. Saved and restored through serde.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Company {
    realm: String,
    created: Timestamp,
    store: Store,
    switches: Switches,
    repeats: Repeats,
    changes: Vec<Change>,
    /// Payments on a bank deposit.
    deposited: BTreeSet<String>,
    /// Transactions matched to the bank feed.
    matched: BTreeSet<String>,
    closed_with_password: bool,
    tax_areas: Vec<TaxArea>,
    /// The DocNumber from which QuickBooks counts on.
    last_number: String,
}

impl Company {
    /// What changed since the last call, oldest first.
    pub fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// `CompanyInfo.CompanyName`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.about("CompanyName")
    }

    /// The realm id, as in paths.
    #[must_use]
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// `CompanyInfo.Country`, an ISO code of two letters.
    #[must_use]
    pub fn country(&self) -> &str {
        self.about("Country")
    }

    fn about(&self, member: &str) -> &str {
        self.store.get(Kind::CompanyInfo, "1").and_then(|info| info.text(member)).unwrap_or_default()
    }

    /// Every object of an entity (`Customer`, `Invoice`, …) as the API would show it, the inactive ones too, by id.
    /// Empty for an entity that the simulator does not know.
    #[must_use]
    pub fn entities(&self, entity: &str) -> Vec<&Value> {
        let table = Kind::named(entity).and_then(|kind| self.store.table(kind));
        table.map(|table| table.rows().map(|(_, row)| &row.value).collect()).unwrap_or_default()
    }

    /// One object as the API would show it.
    #[must_use]
    pub fn entity(&self, entity: &str, id: &str) -> Option<&Value> {
        Some(&self.store.row(Kind::named(entity)?, id)?.value)
    }

    /// The doubtful behaviours, to look at.
    #[must_use]
    pub fn settings(&self) -> &Switches {
        &self.switches
    }

    /// The doubtful behaviours, to change.
    pub fn switches(&mut self) -> &mut Switches {
        &mut self.switches
    }
}
