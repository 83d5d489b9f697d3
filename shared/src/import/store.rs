//! What an import asks of the stores.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{Ended, Job, Listed};
use crate::ids::{CompanyId, JobId};
use crate::model::Kind;
use crate::ports::StoreError;

/// Jobs, and what became of their entities.
#[async_trait]
pub trait Imports: Send + Sync {
    /// Stores a new job, unless the company has one that is running; answers with that one's id then. A job that is
    /// stored already, by an attempt whose answer was lost, is stored.
    async fn begin(&self, job: &Job) -> Result<Option<JobId>, StoreError>;

    /// A job.
    async fn job(&self, company: &CompanyId, id: &JobId) -> Result<Option<Job>, StoreError>;

    /// A company's newest jobs, newest first.
    async fn jobs(&self, company: &CompanyId, limit: usize) -> Result<Vec<Job>, StoreError>;

    /// Stores a job whose `version` is one more than the stored one; false if it is not. Once it has ended, another one
    /// may begin.
    async fn save(&self, job: &Job) -> Result<bool, StoreError>;

    /// Keeps what became of entities, in place of what was kept under the same [`Listed::after`].
    async fn list(
        &self,
        company: &CompanyId,
        id: &JobId,
        kind: Kind,
        listed: &Listed,
    ) -> Result<(), StoreError>;

    /// Some of a kind's entities in the order in which they were dealt with, and where the next ones begin; none when
    /// these were the last.
    async fn records(
        &self,
        company: &CompanyId,
        id: &JobId,
        kind: Kind,
        from: Option<&str>,
    ) -> Result<(Vec<Ended>, Option<String>), StoreError>;
}

/// What moves jobs on. Ticks of a company are delivered one after the other.
#[async_trait]
pub trait ImportQueue: Send + Sync {
    /// Has a job worked at. The same tick sent again within minutes is delivered once.
    async fn send_tick(&self, tick: &Tick) -> Result<(), StoreError>;
}

/// "Go on": the message that moves a job on. What there is to do is in the job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tick {
    /// Whose job.
    pub company: CompanyId,
    /// Which.
    pub job: JobId,
    /// [`Job::step`] as it was when the message was sent.
    pub step: u64,
}
