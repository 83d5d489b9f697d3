//! The billing app.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreError;
use crate::ids::{BillingId, CompanyId};
use crate::model::{Kind, Record};

/// The billing app's own records. Whatever is written is written once: the caller looks a record up again before it
/// repeats a call whose effect is unknown. An app that only sends events offers nothing but `fetch`, which finds
/// nothing.
#[async_trait]
pub trait Billing: Send + Sync {
    /// The record as it is now; none if it never existed, or if this billing app cannot be asked. A deleted one is
    /// found as long as the app still knows it.
    async fn fetch(
        &self,
        company: &CompanyId,
        kind: Kind,
        id: &BillingId,
    ) -> Result<Option<Stored>, BillingError>;

    /// The records that fit exactly, deleted ones left out.
    async fn find(&self, _company: &CompanyId, _wanted: &BillingQuery) -> Result<Vec<Stored>, BillingError> {
        Err(BillingError::NotOffered)
    }

    /// Creates a record, whatever `id` it names, and answers with it as stored. An invoice is issued unless its status
    /// is Draft; nobody is sent an e-mail. Taxes that the app does not know are made first (R47).
    async fn create(&self, _company: &CompanyId, _record: &Record) -> Result<Stored, BillingError> {
        Err(BillingError::NotOffered)
    }

    /// Changes what differs between the two, and nothing else: what the model does not know stays as it is. Taxes that
    /// the app does not know are made first (R47). The allocations and the amount of a payment cannot be changed in
    /// every app; [`BillingError::Refused`] says so, and the payment is then replaced by its caller.
    async fn update(
        &self,
        _company: &CompanyId,
        _before: &Record,
        _after: &Record,
    ) -> Result<Stored, BillingError> {
        Err(BillingError::NotOffered)
    }

    /// Deletes a record; done already is done.
    async fn delete(&self, _company: &CompanyId, _kind: Kind, _id: &BillingId) -> Result<(), BillingError> {
        Err(BillingError::NotOffered)
    }

    /// Adds a line to the notes that the client does not see, once: a text that is there already is not added again.
    async fn note(
        &self,
        _company: &CompanyId,
        _kind: Kind,
        _id: &BillingId,
        _text: &str,
    ) -> Result<(), BillingError> {
        Err(BillingError::NotOffered)
    }

    /// What was changed at or after `since`, deleted records too, oldest change first, and where the next page begins.
    async fn changed_since(
        &self,
        _company: &CompanyId,
        _kind: Kind,
        _since: Timestamp,
        _page: Option<&str>,
    ) -> Result<Page, BillingError> {
        Err(BillingError::NotOffered)
    }
}

/// A record as the billing app has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// The record.
    pub record: Record,
    /// When it was last changed, by the billing app's clock.
    pub updated_at: Timestamp,
    /// It is deleted, and only its shadow is left.
    pub deleted: bool,
}

/// What is looked for in the billing app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BillingQuery {
    /// Clients of this name, letter case aside.
    ClientNamed(String),
    /// Clients one of whose contacts has this address, letter case aside.
    ClientWithEmail(String),
    /// Products of this key, letter case aside.
    ProductKeyed(String),
    /// Invoices of this number.
    InvoiceNumbered(String),
    /// Payments of this number.
    PaymentNumbered(String),
}

impl BillingQuery {
    /// Whether a record is what is looked for.
    pub fn fits(&self, record: &Record) -> bool {
        let same = |one: &str, other: &str| one.trim().to_lowercase() == other.trim().to_lowercase();
        match (record, self) {
            (Record::Client(client), BillingQuery::ClientNamed(name)) => same(&client.name, name),
            (Record::Client(client), BillingQuery::ClientWithEmail(email)) => {
                client.contacts.iter().any(|contact| same(&contact.email, email))
            }
            (Record::Product(product), BillingQuery::ProductKeyed(key)) => same(&product.key, key),
            (Record::Invoice(invoice), BillingQuery::InvoiceNumbered(number)) => invoice.number == *number,
            (Record::Payment(payment), BillingQuery::PaymentNumbered(number)) => payment.number == *number,
            _ => false,
        }
    }
}

/// A part of a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The records.
    pub records: Vec<Stored>,
    /// Those among them that cannot be taken whole, and when they were changed. Fetching one tells why.
    pub unread: Vec<(BillingId, Timestamp)>,
    /// Where the next part begins; none when this was the last one.
    pub next: Option<String>,
}

/// Why the billing app gave no result, by what is known of the effect.
#[derive(Debug, thiserror::Error)]
pub enum BillingError {
    /// It only sends events, or the company has not told how to reach it.
    #[error("this billing app cannot be asked")]
    NotOffered,
    /// Refused for now, or never arrived: nothing has happened.
    #[error("the billing app cannot be asked now: {reason}")]
    Later {
        /// Why.
        reason: String,
        /// How long it asks to wait, when it says so.
        after: Option<Duration>,
    },
    /// It left, and no usable answer came: it may have happened.
    #[error("the billing app did not answer as it should, and may or may not have done it: {0}")]
    Unknown(String),
    /// The token is not accepted, or lacks a right. A person has to act.
    #[error("the billing app refuses access: {0}")]
    Forbidden(String),
    /// The record does not exist, or is deleted and cannot be written.
    #[error("the billing app does not have the record any more")]
    Gone,
    /// Answered and refused, with the fields it names: nothing has happened.
    #[error("the billing app refuses: {0}")]
    Refused(String),
    /// A store of ours that it needs failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
