//! What became of one entity, or would become of it.

use serde::{Deserialize, Serialize};

use crate::ids::{BillingId, QuickBooksId};
use crate::link::MatchedBy;
use crate::model::Kind;
use crate::outcome::Park;

/// An entity that was dealt with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// What it is.
    pub kind: Kind,
    /// Its id in QuickBooks.
    pub quickbooks_id: QuickBooksId,
    /// What a bookkeeper calls it.
    pub label: String,
    /// What became of it.
    #[serde(flatten)]
    pub what: What,
    /// Its record; in a preview none for one that is yet to be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billing_id: Option<BillingId>,
    /// Where the two sides differ, member by member.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
    /// What a person should know, such as a likely twin (D5) or totals that differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The records that it may stand for, when there are several (D2).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<Candidate>,
}

/// What became of an entity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum What {
    /// A record was made of it.
    Created,
    /// A record that was there was linked with it; neither was changed.
    Linked {
        /// The rung of the ladder.
        by: MatchedBy,
    },
    /// Its record was changed as it was.
    Updated,
    /// Its record was deleted, since it was voided or deleted.
    Deleted,
    /// Its record has all that it has.
    Unchanged,
    /// It was left out.
    Skipped {
        /// Why.
        reason: String,
    },
    /// It waits for a person.
    Failed {
        /// Why, and what to do about it.
        park: Park,
    },
}

/// A member in which a record and its entity differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// What a bookkeeper calls it.
    pub field: String,
    /// What the billing app has.
    pub billing: String,
    /// What QuickBooks has.
    pub quickbooks: String,
    /// Whether the billing app gets what QuickBooks has; else both stay as they are.
    pub taken: bool,
}

/// A record that an entity may stand for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Its id.
    pub billing_id: BillingId,
    /// What a person calls it.
    pub label: String,
}

/// Entities of a kind that were dealt with together, for [`Imports::list`](super::Imports::list).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Listed {
    /// How many of the kind were dealt with before these. Told again after a crash they replace what was told.
    pub after: u64,
    /// The entities.
    pub ended: Vec<Ended>,
}
