//! What a billing app reads of its company, and asks to be done about it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sync::activity::{Activity, Side};
use sync::ids::{BillingId, EventId, QuickBooksId};
use sync::link::{Link, MatchedBy};
use sync::model::Kind;
use sync::outcome::ParkCause;

use crate::answer::{EventStatus, Outcome};

/// A company at a glance.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CompanyStatus {
    /// The company.
    pub company: String,
    /// `connected`, `expired` or `disconnected`; absent if it was never connected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// The QuickBooks company's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quickbooks_company: Option<String>,
    /// `none`, `push`, `pull` or `bidirectional`, for each kind.
    pub directions: BTreeMap<String, String>,
    /// What waits for a person, by its cause.
    pub waiting: Vec<Waiting>,
}

/// How many events wait for one sort of reason.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Waiting {
    /// The sort of reason.
    pub cause: ParkCause,
    /// How many.
    pub events: usize,
}

/// A link into the console.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ConsoleLink {
    /// To be opened in a person's browser; it works once. With `&to=login` behind it it goes straight on to QuickBooks'
    /// login page, with `&to=settings`, `mapping`, `activity`, `import` or `connect` to that section.
    pub url: String,
    /// Until when.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub expires_at: Timestamp,
}

/// A new API key.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ApiKey {
    /// The key. It can be read nowhere else, and the one before works no more.
    pub key: String,
}

/// Whether a record is in step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordState {
    /// It has its counterpart.
    Synced,
    /// Something about it waits for a person.
    Waiting,
    /// Its counterpart is being made.
    Pending,
    /// It has no counterpart.
    Unlinked,
}

/// How a record stands, for a badge beside it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RecordStatus {
    /// Its kind.
    pub kind: Kind,
    /// Its id in the billing app.
    pub billing_id: String,
    /// Whether it is in step.
    pub state: RecordState,
    /// Its counterpart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quickbooks_id: Option<String>,
    /// How the two were matched.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub matched_by: Option<MatchedBy>,
    /// What became of its newest event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<ActivityEntry>,
}

impl RecordStatus {
    /// Of a record with its link, if it has one, and its newest activity, newest first.
    pub fn of(
        kind: Kind,
        id: &BillingId,
        link: Option<&Link>,
        pending: bool,
        activity: &[Activity],
    ) -> RecordStatus {
        let waits = activity.iter().any(|entry| entry.result.is_parked());
        let state = match (waits, pending, link) {
            (true, ..) => RecordState::Waiting,
            (false, true, _) => RecordState::Pending,
            (false, false, Some(_)) => RecordState::Synced,
            (false, false, None) => RecordState::Unlinked,
        };
        RecordStatus {
            kind,
            billing_id: id.to_string(),
            state,
            quickbooks_id: link.map(|link| link.quickbooks_id.to_string()),
            matched_by: link.map(|link| link.matched_by),
            last: activity.first().cloned().map(ActivityEntry::of),
        }
    }
}

/// An entry of the activity log.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ActivityEntry {
    /// When the change happened.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub time: Timestamp,
    /// Where: `billing` or `quickbooks`.
    #[schemars(with = "String")]
    pub side: Side,
    /// The record's kind, if the event could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// What a person calls the record.
    pub label: String,
    /// The record's id in the billing app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billing_id: Option<String>,
    /// Its counterpart's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quickbooks_id: Option<String>,
    /// What became of it.
    #[serde(flatten)]
    pub status: EventStatus,
}

impl ActivityEntry {
    /// The entry as it is told.
    pub fn of(entry: Activity) -> ActivityEntry {
        ActivityEntry {
            time: entry.time,
            side: entry.side,
            kind: entry.kind,
            label: entry.label.clone(),
            billing_id: entry.billing_id.as_ref().map(|id| id.as_str().to_owned()),
            quickbooks_id: entry.quickbooks_id.as_ref().map(QuickBooksId::to_string),
            status: EventStatus::of(entry),
        }
    }

    /// Whether it waits for a person.
    pub fn waits(&self) -> bool {
        matches!(self.status.outcome, Outcome::Parked { .. })
    }
}

/// A page of the activity log, newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ActivityPage {
    /// The entries.
    pub entries: Vec<ActivityEntry>,
    /// To be sent as `older` for the next page; absent when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub older: Option<String>,
}

/// One event, or all that wait for one sort of reason: exactly one of the two.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhichEvents {
    /// One event, by its id.
    Event(EventId),
    /// All of a cause.
    Cause(ParkCause),
}

/// A text that says anything, as a pattern of JSON Schema.
const VISIBLE: &str = "[^\\s\\u0000-\\u001f\\u007f-\\u009f]";

/// What need not be carried out, and why.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Ignore {
    /// Which events.
    #[serde(flatten)]
    pub which: WhichEvents,
    /// Why, for the activity log: 1 to 500 characters.
    #[schemars(length(min = 1, max = 500), extend("pattern" = VISIBLE))]
    pub reason: String,
}

/// What was moved on.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Moved {
    /// The events' ids, in their order.
    pub events: Vec<String>,
}
