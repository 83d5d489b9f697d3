//! What an operator does about imports.

use anyhow::Context;
use jiff::Timestamp;
use sync::ids::{CompanyId, JobId};
use sync::import::{self, Ended, Job, Ports};
use sync::model::Kind;
use sync::ports::Clock;

use crate::Admin;

/// The moment in which a command was given.
pub(crate) struct At(pub(crate) Timestamp);

impl Clock for At {
    fn now(&self) -> Timestamp {
        self.0
    }
}

impl Admin {
    fn imports<'a>(&'a self, at: &'a At) -> Ports<'a> {
        let queue = &self.import_ticks;
        Ports { companies: &self.companies, imports: &self.imports, queue, clock: at }
    }

    /// Begins to find out what an import would do.
    ///
    /// # Errors
    /// See [`import::StartError`].
    pub async fn preview_import(
        &self,
        id: &CompanyId,
        kinds: &[Kind],
        now: Timestamp,
    ) -> anyhow::Result<Job> {
        Ok(import::preview(self.imports(&At(now)), id, kinds).await?)
    }

    /// Begins an import.
    ///
    /// # Errors
    /// See [`import::StartError`].
    pub async fn start_import(&self, id: &CompanyId, kinds: &[Kind], now: Timestamp) -> anyhow::Result<Job> {
        Ok(import::start(self.imports(&At(now)), id, kinds).await?)
    }

    /// An import or a preview as it is now; the newest, unless another one is named.
    ///
    /// # Errors
    /// There is none.
    pub async fn import(&self, id: &CompanyId, job: Option<JobId>, now: Timestamp) -> anyhow::Result<Job> {
        let job = match job {
            Some(job) => job,
            None => self.newest_import(id, now).await?.id,
        };
        import::job(self.imports(&At(now)), id, &job)
            .await?
            .with_context(|| format!("company {id} has no import {job}"))
    }

    async fn newest_import(&self, id: &CompanyId, now: Timestamp) -> anyhow::Result<Job> {
        let newest = import::jobs(self.imports(&At(now)), id, 1).await?.pop();
        newest.with_context(|| format!("company {id} has no import"))
    }

    /// What became of the entities of a kind, all of them.
    ///
    /// # Errors
    /// The store failed.
    pub async fn import_records(&self, job: &Job, kind: Kind, now: Timestamp) -> anyhow::Result<Vec<Ended>> {
        let (mut all, mut from) = (Vec::new(), None);
        loop {
            let company = &job.books.company;
            let (some, next) =
                import::records(self.imports(&At(now)), company, &job.id, kind, from.as_deref()).await?;
            all.extend(some);
            match next {
                Some(next) => from = Some(next),
                None => return Ok(all),
            }
        }
    }

    /// Ends the newest import.
    ///
    /// # Errors
    /// There is none.
    pub async fn cancel_import(&self, id: &CompanyId, now: Timestamp) -> anyhow::Result<Job> {
        let newest = self.newest_import(id, now).await?;
        let ended = import::cancel(self.imports(&At(now)), id, &newest.id).await?;
        ended.with_context(|| format!("company {id} has no import {}", newest.id))
    }
}
