//! The ledger's entries: which billing record and which QuickBooks entity are counterparts, and what each side
//! looked like when they were last in step.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ids::{BillingId, Books, EventId, QuickBooksId};
use crate::mapping::fields;
use crate::mapping::tax_answer::TaxAnswer;
use crate::model::{Invoice, Kind};
use crate::outcome::{Done, DoneAction};

/// A short digest of each mapped field, by the field's QuickBooks name.
pub type Fingerprints = BTreeMap<String, String>;

/// How a link came to be: the rung of the matching ladder (D2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchedBy {
    /// Counterpart made the second record itself.
    Created,
    /// Same name, to the letter.
    Name,
    /// A contact's e-mail address.
    Email,
    /// A product's key equals the Item's name.
    Key,
    /// A person linked them.
    Person,
    /// Found again after a create whose answer was lost.
    Recovered,
}

/// A pair of counterparts in one company and realm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Link {
    /// The kind of both.
    pub kind: Kind,
    /// The billing record.
    pub billing_id: BillingId,
    /// The QuickBooks entity.
    pub quickbooks_id: QuickBooksId,
    /// The entity's version when it was last seen (Intuit: SyncToken).
    pub sync_token: String,
    /// The entity's `MetaData.LastUpdatedTime` when it was last seen, as Intuit wrote it.
    pub last_updated: String,
    /// The billing record's fields as last pushed: a field that still has this digest was not edited since.
    pub pushed: Fingerprints,
    /// The entity's fields as last seen: a field with another digest was edited in QuickBooks.
    pub seen: Fingerprints,
    /// The time of the newest billing event that is in it; an older event is out of date.
    pub billing_time: Timestamp,
    /// The event that was last carried out, and how, so that the same event delivered again ends the same way.
    pub last_event: EventId,
    /// What that event did.
    pub last_action: DoneAction,
    /// What a person was to know of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub last_notes: Vec<String>,
    /// With automated sales tax: what QuickBooks charges for the invoice, as long as its version is `sync_token`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taxes: Option<Box<TaxAnswer>>,
    /// A digest of the taxes that the billing app has on the invoice since those of `taxes` were written there; none
    /// as long as they were not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taxes_written: Option<String>,
    /// Our members that somebody changed in QuickBooks and the billing app did not, and when they were changed at
    /// the latest.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub edited: BTreeMap<String, Timestamp>,
    /// Of a matched pair: the version of the entity with which it was linked. What differed then is in `edited` with no
    /// later time, and is left as it is on both sides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matched_at: Option<Timestamp>,
    /// How the two were matched.
    pub matched_by: MatchedBy,
    /// How many entities this record has had before: one more each time its entity was deleted in QuickBooks.
    pub generation: u32,
    /// The billing record was deleted or voided, and its entity with it; only restoring it brings it back.
    #[serde(default)]
    pub withdrawn: bool,
    /// The product's key, so that an invoice line without a product id finds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_key: Option<String>,
    /// The change that was about to be sent when the link was stored. What became of it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<Box<Attempt>>,
    /// The notice that was last carried out, and how, so that the same notice delivered again ends the same way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pulled: Option<Pulled>,
    /// When the billing record was last changed before a pull saw it, or by that pull itself, by the billing app's clock.
    /// What is told of an earlier moment does not know what the pull brought; of that very second, it may not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billing_seen: Option<Timestamp>,
    /// The record that was made anew in place of this one, which a pull had deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recreated: Option<BillingId>,
    /// Counts the stored changes; a write names the one it was made from.
    pub revision: u64,
}

/// A change to an entity, recorded before the call, so that a lost answer is never taken for a bookkeeper's edit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// What was to be done: updated, voided or inactivated.
    pub action: DoneAction,
    /// The names of the members that were sent; none for a void.
    pub members: Vec<String>,
    /// These members as they were sent, as JSON.
    pub body: String,
    /// What a person is to know of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// How a change notice was carried out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pulled {
    /// The notice.
    pub notice: EventId,
    /// What it did.
    pub action: DoneAction,
    /// What a person was to know of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl Link {
    /// Our members that somebody has changed in QuickBooks since the two were linked, and that the billing app does not
    /// have: those that a push has seen in passing.
    pub fn not_brought_over(&self) -> impl Iterator<Item = &String> {
        let since = |at: &Timestamp| self.matched_at.is_none_or(|matched_at| *at > matched_at);
        self.edited.iter().filter(move |(_, at)| since(at)).map(|(name, _)| name)
    }

    /// How the event that was last carried out ended.
    pub fn done(&self) -> Done {
        Done {
            action: self.last_action,
            quickbooks_id: self.quickbooks_id.clone(),
            notes: self.last_notes.clone(),
            taxes: self.taxes.clone(),
        }
    }

    /// Whether we made the entity for the sake of another record, whose event told only what it needed of this one.
    pub fn awaits_its_own_event(&self) -> bool {
        let created = matches!(self.matched_by, MatchedBy::Created | MatchedBy::Recovered);
        created && self.billing_time == Timestamp::UNIX_EPOCH
    }

    /// Whether it was matched for the sake of another record, and its own event is still to come.
    pub fn was_matched_in_passing(&self) -> bool {
        let matched = matches!(self.matched_by, MatchedBy::Name | MatchedBy::Key | MatchedBy::Email);
        matched && self.billing_time == Timestamp::UNIX_EPOCH
    }

    /// A link that a pull made for another entity's sake: its own next event or notice tells of it.
    pub fn linked_untold(&self) -> Option<&Pulled> {
        let pulled = self.pulled.as_ref();
        pulled.filter(|pulled| pulled.action == DoneAction::RecordLinked && pulled.notice.is_of_dependency())
    }

    /// What its own event, or notice, is to tell of that.
    pub fn told_of_linking(&self) -> Option<String> {
        (self.was_matched_in_passing() || self.linked_untold().is_some()).then(|| {
            let id = &self.quickbooks_id;
            format!("It was linked with what was there (id {id} in QuickBooks) for another record's sake.")
        })
    }

    /// Whether it is a product that was matched so, for it stood on an invoice's line.
    pub fn was_met_on_a_line(&self) -> bool {
        self.kind == Kind::Product && self.was_matched_in_passing()
    }
}

/// What is about to be created, recorded before the call, so that a lost answer never leads to a second entity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// The kind.
    pub kind: Kind,
    /// The billing record.
    pub billing_id: BillingId,
    /// Which of the record's entities this is.
    pub generation: u32,
    /// The `requestid` sent with the create. Repeating it with the same body repeats nothing in QuickBooks.
    pub request_id: RequestId,
    /// The body that was sent, as JSON.
    pub body: String,
    /// When it was recorded.
    pub at: Timestamp,
    /// The time of the event that it tells, if that is one of the record's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_at: Option<Timestamp>,
    /// The invoice that the body was mapped of: QuickBooks' answer is read by it, whoever gets that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bill: Option<Box<Invoice>>,
    /// It was to be sent in a batch, whose `requestid` is another: for some minutes nothing but the entity itself
    /// proves what became of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_batch: bool,
}

/// How long a write that was begun is waited for. Whoever began it has tried again by then, or will not.
pub(crate) const WORTH_WAITING: SignedDuration = SignedDuration::from_mins(20);

/// How long a create in the billing app may be under way: a request lasts for less than half a minute, and the app may go
/// on with it when nobody waits for its answer any more. It offers nothing that would make a repetition harmless.
const UNDER_WAY: SignedDuration = SignedDuration::from_mins(2);

impl Intent {
    /// How long whoever has begun it may be at it still, or the billing app; none once somebody else may go on with it.
    pub fn under_way(&self, now: Timestamp) -> Option<Duration> {
        let left = UNDER_WAY.saturating_sub(now.duration_since(self.at));
        Duration::try_from(left).ok().filter(|left| !left.is_zero())
    }

    /// The same for somebody else, who goes on with it for the sake of `event`.
    pub(crate) fn taken_over(&self, books: &Books, event: &EventId, at: Timestamp) -> Intent {
        let (record, generation) = ((self.kind, &self.billing_id), self.generation + 1);
        let attempt = format!("{at} {}", self.body);
        let request_id = fields::create_request_id(books, record, generation, event, &attempt);
        Intent { generation, request_id, at, ..self.clone() }
    }

    /// Whether nobody seems to go on with it.
    pub fn is_stale(&self, now: Timestamp) -> bool {
        now.duration_since(self.at) > WORTH_WAITING
    }
}

/// Intuit's idempotency key: at most 36 characters, so that it may stand in batches too (Intuit: REST essentials).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(pub(crate) String);

impl RequestId {
    /// The key as sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for RequestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the ledger knows of a billing record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "most entries are links")]
pub enum Entry {
    /// A create was begun; whether QuickBooks has it is not known.
    Pending(Intent),
    /// It has its counterpart.
    Linked(Link),
}

/// How an entry is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LinkKey {
    /// By the billing record.
    Billing(Kind, BillingId),
    /// By the key of a product.
    ProductKey(String),
}
