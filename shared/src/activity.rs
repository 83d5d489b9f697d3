//! The durable record of what became of an event, readable by a bookkeeper.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{BillingId, CompanyId, EventId, QuickBooksId, RealmId};
use crate::model::{Kind, Record};
use crate::outcome::{Done, Outcome, Park};

/// One entry of a company's activity log. The same event leaves one entry, however often it is delivered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Activity {
    /// Whose it is. An event that does not say is kept under the queue's message group.
    pub company: CompanyId,
    /// Where the change was made.
    #[serde(default)]
    pub side: Side,
    /// The event it is about.
    pub event: EventId,
    /// When the event happened; entries are ordered by it.
    pub time: Timestamp,
    /// When it was dealt with.
    pub handled_at: Timestamp,
    /// The QuickBooks company, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub realm: Option<RealmId>,
    /// The record's kind, when the event could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// The record's id in the billing app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billing_id: Option<BillingId>,
    /// What a person calls the record.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
    /// The record's counterpart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quickbooks_id: Option<QuickBooksId>,
    /// What became of it.
    pub result: ActivityResult,
    /// The event as it came, when it is parked: everything needed to try it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_json: Option<String>,
    /// The whole record, when it is or was to be deleted in the billing app: all that making it anew takes (D4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed: Option<Record>,
}

/// Where a change was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// In the billing app: an entity event tells of it.
    #[default]
    Billing,
    /// In QuickBooks: a change notice tells of it.
    QuickBooks,
}

impl Activity {
    /// What is to be kept of an event for which something was done, and that ends once more: what was done first, with
    /// what else was done now, and what is removed now. None if that is nothing.
    pub fn done_again(&self, later: &Activity) -> Option<Activity> {
        let ActivityResult::Done(first) = &self.result else { return None };
        let more: Vec<String> = match &later.result {
            ActivityResult::Done(again) => {
                again.notes.iter().filter(|note| !first.notes.contains(note)).cloned().collect()
            }
            _ => Vec::new(),
        };
        let removed = later.removed.clone().or_else(|| self.removed.clone());
        if more.is_empty() && removed == self.removed {
            return None;
        }
        let notes = first.notes.iter().cloned().chain(more).collect();
        let result = ActivityResult::Done(Done { notes, ..first.clone() });
        Some(Activity { result, removed, handled_at: later.handled_at, ..self.clone() })
    }

    /// One line for the log.
    pub(crate) fn log(&self) {
        let (outcome, reason) = match &self.result {
            ActivityResult::Done(done) => (format!("{:?}", done.action), done.notes.join(" ")),
            ActivityResult::Skipped { reason } => ("Skipped".to_owned(), reason.clone()),
            ActivityResult::Parked(park) => (format!("Parked: {:?}", park.cause), park.reason.clone()),
            ActivityResult::Ignored { reason } => ("Ignored".to_owned(), reason.clone()),
        };
        let what = match self.side {
            Side::Billing => "event",
            Side::QuickBooks => "change notice",
        };
        tracing::info!(
            company.id = %self.company,
            realm.id = self.realm.as_ref().map(tracing::field::display),
            event.id = %self.event,
            kind = self.kind.map(tracing::field::display),
            billing.id = self.billing_id.as_ref().map(tracing::field::display),
            quickbooks.id = self.quickbooks_id.as_ref().map(tracing::field::display),
            outcome,
            reason,
            "{what} handled"
        );
    }
}

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum ActivityResult {
    /// Both sides agree.
    Done(Done),
    /// Nothing was to be done.
    Skipped {
        /// Why.
        reason: String,
    },
    /// It waits.
    Parked(Park),
    /// It waited, and a person said that it need not be carried out.
    Ignored {
        /// The person's reason.
        reason: String,
    },
}

impl ActivityResult {
    /// What to write down for an outcome; nothing for one that is tried again.
    pub fn of(outcome: &Outcome) -> Option<ActivityResult> {
        match outcome {
            Outcome::Done(done) => Some(ActivityResult::Done(done.clone())),
            Outcome::Skipped(reason) => Some(ActivityResult::Skipped { reason: reason.to_string() }),
            Outcome::Parked(park) => Some(ActivityResult::Parked(park.clone())),
            Outcome::Retry(_) => None,
        }
    }

    /// Whether it waits for somebody.
    pub fn is_parked(&self) -> bool {
        matches!(self, ActivityResult::Parked(_))
    }

    /// The record that it waits for, if it goes on by itself once that has its counterpart.
    pub fn waits_for(&self) -> Option<&(Kind, BillingId)> {
        match self {
            ActivityResult::Parked(park) => park.waits_for.as_ref(),
            _ => None,
        }
    }
}
