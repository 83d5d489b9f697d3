//! One QuickBooks Online company: a pure, strict state machine over requests and `now`.

use jiff::Timestamp;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
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
