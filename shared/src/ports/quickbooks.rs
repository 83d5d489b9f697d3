//! The accounting API, the way to it, and what Intuit's limits leave of it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use quickbooks_wire::query::Query;
use quickbooks_wire::{Entity, EntityKind, Fault};

use super::StoreError;
use crate::ids::{Books, QuickBooksId};
use crate::limits::{Call, Spent, Turn};
use crate::link::RequestId;
use crate::reference::ReferenceLists;

/// The accounting API of one realm, authenticated.
#[async_trait]
pub trait QuickBooks: Send + Sync {
    /// Creates an entity and returns it as QuickBooks has it. `request_id` makes a repetition harmless.
    async fn create(&self, entity: &Entity, request_id: &RequestId) -> Result<Entity, CallError>;

    /// Changes the members that are set (the entity is sparse and carries its Id and SyncToken).
    async fn update(&self, entity: &Entity, request_id: &RequestId) -> Result<Entity, CallError>;

    /// Carries out up to [`Write::MOST_IN_A_BATCH`] writes in one call and tells what became of each, in their order.
    /// They are carried out in any order, and one that is refused does not stop the others. `request_id` makes a
    /// repetition of the same writes in the same order harmless (Intuit: Batch operations).
    async fn batch(
        &self,
        writes: &[Write],
        request_id: &RequestId,
    ) -> Result<Vec<Result<Entity, CallError>>, CallError>;

    /// Voids an Invoice or a Payment at the version named by `sync_token`.
    async fn void(
        &self,
        kind: EntityKind,
        id: &QuickBooksId,
        sync_token: &str,
        request_id: &RequestId,
    ) -> Result<Entity, CallError>;

    /// Reads one entity; none if QuickBooks does not have it, or no longer.
    async fn read(&self, kind: EntityKind, id: &QuickBooksId) -> Result<Option<Entity>, CallError>;

    /// How many rows each of the counting queries finds, in one call, in the queries' order.
    async fn count(&self, queries: &[Query]) -> Result<Vec<u64>, CallError>;

    /// Runs the queries in one call and returns the rows of each, in the queries' order.
    async fn query(&self, queries: &[Query]) -> Result<Vec<Vec<Entity>>, CallError>;

    /// What changed of these kinds since a moment in the last 30 days: entities as they are now, and tombstones of those
    /// that are gone; at most 1,000 in all (Intuit: Change data capture). Whoever gets that many asks again about a
    /// shorter time or fewer kinds.
    async fn changes_since(&self, kinds: &[EntityKind], since: Timestamp) -> Result<Vec<Entity>, CallError>;

    /// Everything that has this display name: customers, vendors and employees, and inactive ones, be they renamed
    /// ` (deleted)`.
    async fn name_holders(&self, name: &str) -> Result<Vec<NameHolder>, CallError>;

    /// The company's own data and lists, read whole.
    async fn reference_lists(&self) -> Result<ReferenceLists, CallError>;

    /// The calls of this month so far, by everybody who calls for the company; none where nobody counts.
    async fn spent(&self) -> Result<Spent, StoreError> {
        Ok(Spent::default())
    }
}

/// A write that goes to QuickBooks by itself or with others.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// As [`QuickBooks::create`] does.
    Create(Entity),
    /// As [`QuickBooks::update`] does.
    Update(Entity),
}

impl Write {
    /// How many writes go in one call (Intuit: Limits and throttles, batch).
    pub const MOST_IN_A_BATCH: usize = 30;

    /// What is written.
    pub fn entity(&self) -> &Entity {
        match self {
            Write::Create(entity) | Write::Update(entity) => entity,
        }
    }

    /// Goes by itself.
    pub async fn alone(
        &self,
        quickbooks: &dyn QuickBooks,
        request_id: &RequestId,
    ) -> Result<Entity, CallError> {
        match self {
            Write::Create(entity) => quickbooks.create(entity, request_id).await,
            Write::Update(entity) => quickbooks.update(entity, request_id).await,
        }
    }
}

/// Somebody or something that holds a name in QuickBooks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameHolder {
    /// `Customer`, `Vendor` or `Employee`.
    pub entity: String,
    /// Its id.
    pub id: QuickBooksId,
    /// The name as QuickBooks shows it.
    pub name: String,
    /// Whether it is in use.
    pub active: bool,
}

/// Why a call to QuickBooks gave no result, by what is known of its effect.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CallError {
    /// It never left: nothing has happened.
    #[error("QuickBooks could not be reached: {0}")]
    NotSent(String),
    /// It left, and no usable answer came: it may have happened.
    #[error("QuickBooks did not answer as it should, and may or may not have done it: {0}")]
    Unknown(String),
    /// Refused for now, nothing has happened (Intuit: Limits and throttles, HTTP 429).
    #[error("QuickBooks asks for fewer requests")]
    Throttled {
        /// How long it asks to wait, when it says so.
        retry_after: Option<Duration>,
    },
    /// The access token is not accepted.
    #[error("QuickBooks does not accept the access token")]
    Unauthorized,
    /// The app or the user may not do this in this company.
    #[error("QuickBooks refuses access: {0}")]
    Forbidden(Fault),
    /// Answered and refused: nothing has happened.
    #[error("QuickBooks refuses: {0}")]
    Refused(Fault),
}

/// What Intuit's limits leave a realm, shared by all who call it for the company.
#[async_trait]
pub trait Budget: Send + Sync {
    /// Takes the next turn for a call, as [`Schedule::reserve`](crate::limits::Schedule::reserve) does.
    async fn reserve(
        &self,
        books: &Books,
        call: Call,
        now: Timestamp,
        latest: Timestamp,
    ) -> Result<Turn, StoreError>;

    /// Lets nobody call before `until` who has no turn yet. Never shortens a pause.
    async fn pause(&self, books: &Books, until: Timestamp) -> Result<(), StoreError>;

    /// The turns taken in the month of a moment, UTC.
    async fn spent(&self, books: &Books, at: Timestamp) -> Result<Spent, StoreError>;
}

/// Opens the accounting API of a company's books: finds the tokens, refreshes them when due, and again once when
/// QuickBooks rejects them.
#[async_trait]
pub trait Connector: Send + Sync {
    /// The API of these books, ready for calls.
    async fn open(&self, books: &Books) -> Result<Arc<dyn QuickBooks>, OpenError>;
}

/// Why the accounting API cannot be called.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There are no tokens, or QuickBooks no longer accepts them: a person has to connect again.
    #[error("the connection with QuickBooks has ended")]
    NotConnected,
    /// It may work later.
    #[error("the tokens cannot be had now: {0}")]
    Later(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
