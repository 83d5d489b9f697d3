//! One Invoice Ninja company: a pure state machine over requests and `now`.
//!
//! Nothing here reads a clock, draws a random number or touches a file: the same requests at the same instants give
//! the same answers. Where versions of the app differ, the stricter or more surprising one is simulated; what a test
//! may want either way is a member of [`Switches`].

mod answer;
mod bulk;
mod clients;
mod events;
mod ids;
mod installation;
mod invoices;
mod kinds;
mod lists;
mod payments;
mod plain;
mod products;
mod record;
mod refunds;
mod refusal;
mod seeds;
mod settings;
mod show;
mod statics;
mod store;
mod totals;
mod webhooks;

#[cfg(test)]
#[expect(clippy::needless_pass_by_value, reason = "tests read better with the JSON in the call")]
mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::events::Delivery;
use self::events::Notice;
pub use self::installation::Installation;
pub use self::kinds::Kind;
use self::record::{Members, Record};
use self::store::Store;

/// A request to the API.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST`, `PUT` or `DELETE`.
    pub method: String,
    /// What follows `/api/v1/`, percent-decoded: `clients`, `clients/VolejRejNm`.
    pub path: String,
    /// The query parameters, decoded, in order.
    pub query: Vec<(String, String)>,
    /// The `X-API-TOKEN` header.
    pub token: Option<String>,
    /// Whether both `X-Requested-With: XMLHttpRequest` and `Accept: application/json` were sent. Without them what is
    /// refused is answered with a page or a redirect.
    pub asks_for_json: bool,
    /// The raw body. What is not a JSON object counts as empty.
    pub body: Vec<u8>,
}

impl Request {
    /// The first query parameter of that name.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether a parameter switches something on.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.parameter(name).is_some_and(|value| matches!(value, "true" | "1"))
    }

    pub(crate) fn sent(&self) -> Record {
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(sent)) => sent,
            _ => Record::new(),
        }
    }
}

/// The API's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Headers beside the length: type, version, what is left of the rate limit.
    pub headers: Vec<(&'static str, String)>,
    /// JSON, or a page where [`Request::asks_for_json`] says so.
    pub body: String,
}

/// Which company to begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Seed {
    /// A small gardening business with clients, products, tax rates, invoices and payments.
    Gardening,
    /// A company with nothing in it.
    Empty,
}

/// What tests may want either way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    /// Requests a minute that are let through; None on self-hosted installations. The hosted edition allows 800.
    pub requests_per_minute: Option<u32>,
    /// How long webhooks wait before they are sent, in percent of the app's delays (client 2 s, payment 20 or 25 s).
    pub webhook_delay_percent: u32,
    /// Whether the plan includes the API. Without it everything is 403, as in the hosted edition's free plan.
    pub paid_plan: bool,
    /// How long a payment or a bulk action like one just seen counts as a repetition, in milliseconds.
    pub repeat_window: u32,
}

impl Default for Switches {
    fn default() -> Self {
        Self { requests_per_minute: None, webhook_delay_percent: 100, paid_plan: true, repeat_window: 1000 }
    }
}

/// Somebody with a token of the company.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The id, as in `user_id` of records.
    pub id: String,
    /// First and last name.
    pub name: String,
    /// An administrator sees and does everything; others only what they made or are assigned to, without an error.
    pub is_admin: bool,
}

/// An e-mail that the app would have sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// The id of the client who gets it.
    pub client_id: String,
    /// What it is about.
    pub kind: Kind,
    /// The id of that record.
    pub id: String,
}

/// One company of an installation. Saved and restored through serde.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Company {
    id: u64,
    created: i64,
    store: Store,
    /// The company's own settings and flags, as the API shows them.
    profile: Record,
    /// By token.
    users: BTreeMap<String, User>,
    switches: Switches,
    notices: Vec<Notice>,
    mails: Vec<Mail>,
    /// When something was last asked for, to notice repetitions.
    seen: BTreeMap<String, Timestamp>,
    /// When the running minute began, and how many requests it has had.
    minute: Option<(Timestamp, u32)>,
    /// Counts lists, so that those without an order come in another one each time.
    lists: u64,
}

impl Company {
    /// The company's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.setting("name")
    }

    /// The company's id.
    #[must_use]
    pub fn id(&self) -> String {
        ids::shown(self.id)
    }

    /// The users by their tokens.
    #[must_use]
    pub fn users(&self) -> &BTreeMap<String, User> {
        &self.users
    }

    /// Gives a token to a user.
    pub fn add_user(&mut self, token: &str, user: User) {
        self.users.insert(token.to_owned(), user);
    }

    /// Takes a token away, as a person does in the app's settings. Whoever uses it is refused from now on.
    pub fn remove_token(&mut self, token: &str) {
        self.users.remove(token);
    }

    /// An administrator's token; "" if there is none.
    #[must_use]
    pub fn admin_token(&self) -> &str {
        self.users.iter().find(|(_, user)| user.is_admin).map_or("", |(token, _)| token)
    }

    /// All records of a kind as the API shows them, deleted ones too, oldest first.
    #[must_use]
    pub fn records(&self, kind: Kind) -> Vec<Value> {
        self.store.rows(kind).map(|(_, row)| self.shown(kind, row)).collect()
    }

    /// One record as the API shows it.
    #[must_use]
    pub fn record(&self, kind: Kind, id: &str) -> Option<Value> {
        Some(self.shown(kind, self.store.row(kind, ids::read(id)?)?))
    }

    /// The e-mails that would have been sent, oldest first.
    #[must_use]
    pub fn mails(&self) -> &[Mail] {
        &self.mails
    }

    /// What tests may want either way, to look at.
    #[must_use]
    pub fn settings(&self) -> &Switches {
        &self.switches
    }

    /// The same, to change.
    pub fn switches(&mut self) -> &mut Switches {
        &mut self.switches
    }

    fn setting(&self, name: &str) -> &str {
        self.profile.get("settings").and_then(Value::as_object).map_or("", |settings| settings.text(name))
    }

    /// What of an invoice is still to be paid.
    fn open_of(&self, invoice: u64) -> Decimal {
        self.store.row(Kind::Invoice, invoice).map_or(Decimal::ZERO, |row| row.money("balance"))
    }
}
