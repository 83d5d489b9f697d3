//! How every event ends: done, skipped, parked or tried again later.

use std::time::Duration;

use jiff::civil::Date;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{BillingId, QuickBooksId};
use crate::mapping::tax_answer::TaxAnswer;
use crate::model::Kind;
use crate::settings::Direction;

/// What became of an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Both sides agree now.
    Done(Done),
    /// Nothing was to be done, for a reason that a person may read.
    Skipped(SkipReason),
    /// It cannot go on by itself; kept with its event until a person or a reconnection moves it on.
    Parked(Park),
    /// It failed for a reason that passes; the queue delivers it again, in order.
    Retry(Retry),
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// What was done, and on which side.
    pub action: DoneAction,
    /// The entity that stands for the record.
    pub quickbooks_id: QuickBooksId,
    /// What a person should know all the same, such as totals that differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// With automated sales tax: the taxes of the invoice, for a billing app that is not written to (R46).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taxes: Option<Box<TaxAnswer>>,
}

/// What was done in QuickBooks, or, from [`DoneAction::RecordCreated`] on, in the billing app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DoneAction {
    /// A new entity was made.
    Created,
    /// An entity that was there already was linked.
    Linked,
    /// The entity was changed.
    Updated,
    /// The transaction was voided.
    Voided,
    /// The entity was made inactive.
    Inactivated,
    /// A record was made of an entity.
    RecordCreated,
    /// A record that was there already was linked with an entity.
    RecordLinked,
    /// The record was changed as its entity was.
    RecordUpdated,
    /// The record was deleted, since its entity was voided or deleted.
    RecordDeleted,
}

/// Why nothing was to be done.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SkipReason {
    /// R5.
    #[error("the direction for {0}s is {1}: changes in the billing app are not sent to QuickBooks")]
    Direction(Kind, Direction),
    /// R18, R19.
    #[error("nothing that QuickBooks keeps has changed")]
    Unchanged,
    /// R52, with automated sales tax.
    #[error("the taxes of an invoice are QuickBooks' to say (automated sales tax): {0}")]
    TaxesStay(String),
    /// R20, D1.
    #[error("edits of products are not pushed (the switch \"also push product edits\" is off)")]
    ProductEdit,
    /// D8.
    #[error("the invoice is dated {dated}, before the cut-off date {cut_off}")]
    BeforeCutOff {
        /// The document's date.
        dated: Date,
        /// The company's cut-off date.
        cut_off: Date,
    },
    /// A draft is not a claim on anybody.
    #[error("the invoice is a draft; it is pushed once it is sent")]
    Draft,
    /// A payment that is not money received.
    #[error("the payment is {0}; it is pushed once it is completed")]
    NotReceived(&'static str),
    /// Deleted or voided before it ever reached QuickBooks.
    #[error("it never reached QuickBooks, so there is nothing to take back")]
    NeverPushed,
    /// D13 with the switch off.
    #[error("deleted {0}s stay active in QuickBooks (the switch \"inactivate deleted records\" is off)")]
    KeptActive(Kind),
    /// A newer event of the same record is already in QuickBooks.
    #[error("a newer version of the record is already in QuickBooks")]
    OutOfDate,
    /// Another event of the same record in the same batch says the later word.
    #[error("a later event of the same record replaces it")]
    Superseded,
    /// A change to what was deleted or voided before.
    #[error("it was deleted or voided in the billing app; only restoring it brings it back")]
    Withdrawn,
    /// Voided before.
    #[error("it is voided in QuickBooks already")]
    AlreadyVoided,
    /// D4: deleted in QuickBooks while it was edited in the billing app, which follows.
    #[error(
        "it was deleted in QuickBooks: the {0} is deleted in the billing app too, and kept with its edits in the activity log"
    )]
    DeletedThere(Kind),
    /// R31.
    #[error("the direction for {0}s is {1}: changes in QuickBooks are not brought to the billing app")]
    NotPulled(Kind, Direction),
    /// T20, and balances that moved (D3).
    #[error("nothing has changed in QuickBooks that the billing app keeps and does not have already")]
    NothingNew,
    /// D12.
    #[error("it comes from a QuickBooks company that is connected no more")]
    OtherRealm,
    /// R41.
    #[error("a category or a bundle is no product")]
    NotSellable,
    /// R87.
    #[error("sub-customers are not synced")]
    SubCustomer,
    /// An Item that was made for invoice lines which name no product.
    #[error("it stands for invoice lines without a product")]
    NoProduct,
    /// Customers and Items cannot be deleted, only made inactive.
    #[error("it is inactive in QuickBooks; the {0} stays as it is in the billing app")]
    Inactive(Kind),
    /// Gone from QuickBooks before it ever came over.
    #[error("it never was in the billing app, so there is nothing to take back")]
    NeverPulled,
    /// Deleted before.
    #[error("it is deleted in the billing app already")]
    AlreadyDeleted,
}

/// Why an event waits, and what moves it on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Park {
    /// The sort of reason, for filters and for "retry all of a cause".
    pub cause: ParkCause,
    /// What is wrong, on which record and field, in a bookkeeper's words.
    pub reason: String,
    /// What to do about it.
    pub way_on: String,
    /// The record that it waits for: once that has a counterpart, this goes on by itself (T14).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<(Kind, BillingId)>,
}

/// The sorts of reasons for parking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ParkCause {
    /// The event cannot be read.
    Unreadable,
    /// No such company is known.
    UnknownCompany,
    /// The company is not connected with QuickBooks, or no longer.
    NotConnected,
    /// A record it refers to is not in QuickBooks and not at hand.
    MissingRecord,
    /// Making missing records on the fly is switched off (D9).
    Unmapped,
    /// More than one candidate matches (D2).
    Ambiguous,
    /// An invoice that looks like this one is in QuickBooks already (D5).
    LikelyTwin,
    /// Another billing record is linked with the counterpart.
    AlreadyLinked,
    /// The name is held by something that is no counterpart.
    NameTaken,
    /// A tax on it has no counterpart in QuickBooks.
    Tax,
    /// A currency that the QuickBooks company or the Customer does not use (D14).
    Currency,
    /// The record's own amounts cannot be booked.
    Amount,
    /// The record is longer than can be pushed safely.
    TooLong,
    /// Settings are missing, such as the default income account.
    Settings,
    /// QuickBooks refuses it.
    Refused,
    /// The billing app refuses it, or does not let itself be asked.
    BillingApp,
    /// The billing app does not answer now; this goes on by itself when it does.
    BillingAway,
    /// The books are closed for its date.
    ClosedPeriod,
    /// It is paid, so it is not voided.
    Paid,
    /// Given-back money is not synced.
    Refund,
    /// Both sides changed the same field.
    Conflict,
}

impl Park {
    /// A reason to wait.
    pub fn new(cause: ParkCause, reason: impl Into<String>, way_on: impl Into<String>) -> Park {
        Park { cause, reason: reason.into(), way_on: way_on.into(), waits_for: None }
    }

    /// A record that is referred to but is nowhere to be found.
    pub fn missing(kind: Kind, id: &BillingId) -> Park {
        Park {
            waits_for: Some((kind, id.clone())),
            ..Park::new(
                ParkCause::MissingRecord,
                format!(
                    "The {kind} {id} that it refers to is not in QuickBooks, and the event does not carry it."
                ),
                format!("Send the {kind} from the billing app (save it once); this goes on by itself then."),
            )
        }
    }
}

/// A failure that passes.
#[derive(Clone, Debug, PartialEq)]
pub struct Retry {
    /// What failed, for the log.
    pub reason: String,
    /// How long to wait at least, when QuickBooks said so.
    pub after: Option<Duration>,
}

/// A difference between the two sides' totals (D15), in words.
pub fn variance(billing: Decimal, quickbooks: Decimal) -> String {
    format!(
        "{VARIANCE} is {billing:.2}, QuickBooks' is {quickbooks:.2}: a difference of {:.2}.",
        (billing - quickbooks).abs()
    )
}

/// Whether a note tells of such a difference.
pub(crate) fn is_variance(note: &str) -> bool {
    note.starts_with(VARIANCE)
}

const VARIANCE: &str = "The billing app's total";
