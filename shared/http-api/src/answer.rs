//! What the billing app reads: what became of its event, or what is wrong with its request (RFC 9457).

use lambda_http::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use sync::activity::{Activity, ActivityResult};
use sync::ids::EventId;
use sync::mapping::tax_answer::TaxAnswer;
use sync::outcome::{DoneAction, Park, ParkCause};

/// What became of an event.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EventStatus {
    /// The event.
    pub event: EventId,
    /// How it ended, if it has.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// How an event has ended, if it has.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Both sides agree.
    Done {
        /// What was done in QuickBooks.
        action: DoneAction,
        /// The invoice's id in QuickBooks.
        quickbooks_id: String,
        /// What a person should know all the same.
        notes: Vec<String>,
        /// With automated sales tax: QuickBooks' total, and its taxes line by line.
        #[serde(skip_serializing_if = "Option::is_none")]
        taxes: Option<Box<TaxAnswer>>,
    },
    /// Nothing was to be done.
    Skipped {
        /// Why.
        reason: String,
    },
    /// It waits for a person, and is kept.
    Parked {
        /// The sort of reason.
        cause: ParkCause,
        /// What is wrong.
        reason: String,
        /// What to do about it.
        way_on: String,
    },
    /// It waited, and a person said that it need not be carried out.
    Ignored {
        /// The person's reason.
        reason: String,
    },
    /// It has not ended, as far as is known.
    Pending {
        /// Where to ask again.
        status: String,
    },
}

impl EventStatus {
    /// What became of an event, as it is told.
    pub fn of(activity: Activity) -> EventStatus {
        let outcome = match activity.result {
            ActivityResult::Done(done) => Outcome::Done {
                action: done.action,
                quickbooks_id: done.quickbooks_id.to_string(),
                notes: done.notes,
                taxes: done.taxes,
            },
            ActivityResult::Skipped { reason } => Outcome::Skipped { reason },
            ActivityResult::Parked(Park { cause, reason, way_on, .. }) => {
                Outcome::Parked { cause, reason, way_on }
            }
            ActivityResult::Ignored { reason } => Outcome::Ignored { reason },
        };
        EventStatus { event: activity.event, outcome }
    }
}

/// What is wrong (RFC 9457).
#[derive(Debug, Serialize, JsonSchema)]
pub struct Problem {
    /// The sort of problem: `about:blank` if the status says it all, else `urn:counterpart:parked`.
    pub r#type: &'static str,
    /// The same in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong here.
    pub detail: String,
    /// Where what became of the event can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// The sort of reason for which the event waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<ParkCause>,
    /// Why the event waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What to do about it. The event is kept; it need not be sent again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub way_on: Option<String>,
}

impl Problem {
    /// A problem that its status says, and what is wrong in words.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Problem {
        Problem {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            instance: None,
            cause: None,
            reason: None,
            way_on: None,
        }
    }

    /// An event that waits for a person.
    pub fn parked(cause: ParkCause, reason: String, way_on: String, instance: String) -> Problem {
        Problem {
            r#type: "urn:counterpart:parked",
            title: "The invoice waits for a person".to_owned(),
            detail: format!("{reason} {way_on}"),
            instance: Some(instance),
            cause: Some(cause),
            reason: Some(reason),
            way_on: Some(way_on),
            ..Problem::new(status_of(cause), "")
        }
    }
}

/// Whether the record itself is at fault, or what it meets.
fn status_of(cause: ParkCause) -> StatusCode {
    match cause {
        ParkCause::Unreadable
        | ParkCause::MissingRecord
        | ParkCause::Tax
        | ParkCause::Currency
        | ParkCause::Amount
        | ParkCause::TooLong
        | ParkCause::Refund
        | ParkCause::Refused => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::CONFLICT,
    }
}
