//! Who is whose counterpart.

use std::collections::HashMap;

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreError;
use crate::ids::{BillingId, Books, QuickBooksId};
use crate::link::{Entry, Intent, Link, LinkKey};
use crate::model::Kind;

/// Which records are counterparts. Both sides of a link are unique within its books.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// The entries that exist, by the key they were asked for with. Reads are consistent. A product's key finds the
    /// product that was last linked under it, until that product is linked under another key.
    async fn entries(&self, books: &Books, keys: &[LinkKey]) -> Result<HashMap<LinkKey, Entry>, StoreError>;

    /// The billing record that is linked with a QuickBooks entity.
    async fn billing_id(
        &self,
        books: &Books,
        kind: Kind,
        quickbooks_id: &QuickBooksId,
    ) -> Result<Option<BillingId>, StoreError>;

    /// The billing records that are linked with QuickBooks entities, by those of them that have one. In as few reads as
    /// the store can.
    async fn billing_ids(
        &self,
        books: &Books,
        ids: &[(Kind, QuickBooksId)],
    ) -> Result<HashMap<(Kind, QuickBooksId), BillingId>, StoreError> {
        let mut found = HashMap::new();
        for (kind, id) in ids {
            if let Some(billing_id) = self.billing_id(books, *kind, id).await? {
                found.insert((*kind, id.clone()), billing_id);
            }
        }
        Ok(found)
    }

    /// Records what is about to be created, unless the record has an entry already; answers with that entry then.
    /// Fails with [`LinkError::TooLong`] for an intent that is longer than the store can keep, else only as the store
    /// does. Every store keeps 700 kB of ordinary text.
    async fn begin(&self, books: &Books, intent: &Intent) -> Result<Option<Entry>, LinkError>;

    /// Forgets an intent that certainly came to nothing. Leaves anything else alone.
    async fn abandon(&self, books: &Books, intent: &Intent) -> Result<(), StoreError>;

    /// Goes on with what somebody else has begun: `next` takes the place of `intent`, for one of several who want to. Doing
    /// the same again changes nothing. Fails with [`LinkError::Changed`] if `intent` is no longer what is stored, and
    /// refuses what [`Ledger::begin`] refuses.
    async fn take_over(&self, books: &Books, intent: &Intent, next: &Intent) -> Result<(), LinkError>;

    /// Makes the two records counterparts, in place of the record's intent if it has one. A link that is there
    /// already, between the same two, is replaced. `replacing` is the stand-in under which the billing record was
    /// linked before its id was known; its link becomes this one. Fails with [`LinkError::Changed`] if the stand-in is
    /// linked with another entity.
    async fn link(&self, books: &Books, link: &Link, replacing: Option<&BillingId>) -> Result<(), LinkError>;

    /// Stores what both sides look like now; storing the same again changes nothing. Fails with [`LinkError::Changed`] if the stored link is no longer the
    /// revision before `link.revision`.
    async fn refresh(&self, books: &Books, link: &Link) -> Result<(), LinkError>;

    /// Replaces a link whose entity is gone from QuickBooks by the intent to create the next one. Refuses what
    /// [`Ledger::begin`] refuses.
    async fn supersede(&self, books: &Books, link: &Link, intent: &Intent) -> Result<(), LinkError>;

    /// Gives a linked billing record another entity: `to` takes the place of `from`, whose entity is free afterwards.
    /// Doing the same again changes nothing. Fails with [`LinkError::Changed`] if `from` is no longer what is stored, and
    /// with [`LinkError::QuickBooksTaken`] if the new entity has another counterpart.
    async fn relink(&self, books: &Books, from: &Link, to: &Link) -> Result<(), LinkError>;

    /// Remembers when a record was withdrawn that had no counterpart. Of several times the latest stays.
    async fn note_withdrawal(
        &self,
        books: &Books,
        kind: Kind,
        billing_id: &BillingId,
        at: Timestamp,
    ) -> Result<(), StoreError>;

    /// When these records were withdrawn, as far as that is remembered. Reads are consistent.
    async fn withdrawals(
        &self,
        books: &Books,
        records: &[(Kind, BillingId)],
    ) -> Result<HashMap<(Kind, BillingId), Timestamp>, StoreError>;
}

/// Why a link was not stored.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The billing record has another counterpart.
    #[error("the record is linked with QuickBooks id {0} already")]
    BillingTaken(QuickBooksId),
    /// The QuickBooks entity has another counterpart.
    #[error("the QuickBooks entity is linked with billing id {0} already")]
    QuickBooksTaken(BillingId),
    /// Somebody else stored a newer state in between.
    #[error("the link was changed by somebody else in between")]
    Changed,
    /// What is to be created is longer than the store can keep.
    #[error("what is to be created is too long to be recorded beforehand")]
    TooLong,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
