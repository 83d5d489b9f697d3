//! What the engine asks of the outside. Each port has an in-memory implementation for tests and the simulation,
//! and a real one; both pass the same contract tests.

mod billing;
mod companies;
mod ledger;
mod quickbooks;
mod tokens;

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

pub use billing::{Billing, BillingError, BillingQuery, Page, Stored};
pub use companies::{Companies, ConnectError, Heard, Lease, Standings, Sweeps};
pub use ledger::{Ledger, LinkError};
pub use quickbooks::{Budget, CallError, Connector, NameHolder, OpenError, QuickBooks, Write};
pub use tokens::{RefreshError, TokenServer, Vault};

use crate::activity::Activity;
use crate::ids::{BillingId, CompanyId, EventId};
use crate::model::Kind;
use crate::notice::NoticeMessage;

/// What time it is.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;

    /// Waits. A clock that does not run by itself has nothing to wait for, so this returns at once unless the
    /// clock says otherwise.
    async fn sleep(&self, _duration: Duration) {}
}

/// A store that did not answer, or not sensibly. Always worth another try later.
#[derive(Debug, thiserror::Error)]
#[error("{action} failed")]
pub struct StoreError {
    /// What was being done, such as `reading links`.
    pub action: &'static str,
    /// Why.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

impl StoreError {
    /// Wraps a store's own error.
    pub fn new(
        action: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> StoreError {
        StoreError { action, source: source.into() }
    }
}

/// An error and its causes in one line, for a log.
pub fn explain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// The activity log.
#[async_trait]
pub trait ActivityLog: Send + Sync {
    /// Stores the entries durably. An entry of the same event replaces the earlier one, unless that says Done: what
    /// was done stays told when the event is delivered again, and gains what that does and removes besides
    /// ([`Activity::done_again`]).
    async fn record(&self, entries: &[Activity]) -> Result<(), StoreError>;

    /// The entry of an event, which happened at `time`, if it has ended.
    async fn entry(
        &self,
        company: &CompanyId,
        time: Timestamp,
        event: &EventId,
    ) -> Result<Option<Activity>, StoreError>;

    /// A company's newest entries, newest first.
    async fn newest(&self, company: &CompanyId, limit: usize) -> Result<Vec<Activity>, StoreError>;

    /// A company's parked entries, oldest first.
    async fn parked(&self, company: &CompanyId) -> Result<Vec<Activity>, StoreError>;

    /// A company's parked entries that wait for one of the records, oldest first. Costs nothing for the entries that
    /// wait for something else.
    async fn waiting_for(
        &self,
        company: &CompanyId,
        records: &[(Kind, BillingId)],
    ) -> Result<Vec<Activity>, StoreError>;
}

/// The queue that pushes come from.
#[async_trait]
pub trait PushQueue: Send + Sync {
    /// Sends a body of one or more of a company's events, behind everything that was sent before for the company. A
    /// body sent again under the same id within minutes is delivered once.
    async fn send(&self, company: &CompanyId, id: &EventId, body: &str) -> Result<(), StoreError>;
}

/// The queue that pulls come from.
#[async_trait]
pub trait PullQueue: Send + Sync {
    /// Sends messages, each behind everything that was sent before for its company, in as few calls as possible. A
    /// message sent again under the same id within minutes is delivered once.
    ///
    /// After a failure some may have been sent: all are to be sent again.
    async fn send_notices(&self, messages: &[NoticeMessage]) -> Result<(), StoreError>;
}
