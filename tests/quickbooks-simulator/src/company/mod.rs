//! One QuickBooks Online company: a pure, strict state machine over requests and `now`.
//!
//! Nothing here reads a clock, draws a random number or touches a file: the same requests at the same instants give
//! the same answers. What Intuit's documentation leaves open is a named member of [`Switches`].

mod bookkeeper;
mod switches;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use bookkeeper::Refused;
pub use switches::{BatchOrder, BeyondWindow, Switches};

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
    name: String,
    country: String,
    switches: Switches,
    changes: Vec<Change>,
}

impl Company {
    /// A company as `seed` describes it, whose records were all created at `now`.
    #[must_use]
    pub fn new(_seed: Seed, realm: &str, _now: Timestamp) -> Self {
        Self {
            realm: realm.to_owned(),
            name: String::new(),
            country: "US".to_owned(),
            switches: Switches::default(),
            changes: Vec::new(),
        }
    }

    /// Answers a request to anything under `/v3/company/{realm}/`. A refused request changes nothing.
    pub fn answer(&mut self, _request: &Request, _now: Timestamp) -> Answer {
        Answer { status: 400, body: "{}".to_owned() }
    }

    /// What changed since the last call, oldest first.
    pub fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// `CompanyInfo.CompanyName`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The realm id, as in paths.
    #[must_use]
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// `CompanyInfo.Country`, an ISO code of two letters.
    #[must_use]
    pub fn country(&self) -> &str {
        &self.country
    }

    /// Every object of an entity (`Customer`, `Invoice`, …) as the API would show it, the inactive ones too, by id.
    /// Empty for an entity that the simulator does not know.
    #[must_use]
    pub fn entities(&self, _entity: &str) -> Vec<&Value> {
        Vec::new()
    }

    /// One object as the API would show it.
    #[must_use]
    pub fn entity(&self, _entity: &str, _id: &str) -> Option<&Value> {
        None
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
