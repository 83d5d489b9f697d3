//! Jobs in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;

use super::lock;
use crate::ids::{CompanyId, JobId};
use crate::import::{Ended, ImportQueue, Imports, Job, Listed, State, Tick};
use crate::model::Kind;
use crate::ports::StoreError;

/// [`Imports`] in memory.
#[derive(Debug, Default)]
pub struct MemoryImports(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    jobs: BTreeMap<(CompanyId, JobId), Job>,
    listed: BTreeMap<(CompanyId, JobId, Kind, u64), Vec<Ended>>,
}

impl Kept {
    fn running(&self, company: &CompanyId) -> Option<&Job> {
        self.jobs.values().find(|job| job.books.company == *company && job.state == State::Running)
    }
}

fn key(job: &Job) -> (CompanyId, JobId) {
    (job.books.company.clone(), job.id.clone())
}

#[async_trait]
impl Imports for MemoryImports {
    async fn begin(&self, job: &Job) -> Result<Option<JobId>, StoreError> {
        let mut kept = lock(&self.0);
        if let Some(running) = kept.running(&job.books.company) {
            return Ok((running.id != job.id).then(|| running.id.clone()));
        }
        kept.jobs.entry(key(job)).or_insert_with(|| job.clone());
        Ok(None)
    }

    async fn job(&self, company: &CompanyId, id: &JobId) -> Result<Option<Job>, StoreError> {
        Ok(lock(&self.0).jobs.get(&(company.clone(), id.clone())).cloned())
    }

    async fn jobs(&self, company: &CompanyId, limit: usize) -> Result<Vec<Job>, StoreError> {
        let kept = lock(&self.0);
        let ours = kept.jobs.values().rev().filter(|job| job.books.company == *company);
        Ok(ours.take(limit).cloned().collect())
    }

    async fn save(&self, job: &Job) -> Result<bool, StoreError> {
        let mut kept = lock(&self.0);
        let Some(stored) = kept.jobs.get_mut(&key(job)) else { return Ok(false) };
        if stored == job {
            return Ok(true);
        }
        let follows = stored.version + 1 == job.version;
        if follows {
            *stored = job.clone();
        }
        Ok(follows)
    }

    async fn list(
        &self,
        company: &CompanyId,
        id: &JobId,
        kind: Kind,
        listed: &Listed,
    ) -> Result<(), StoreError> {
        let key = (company.clone(), id.clone(), kind, listed.after);
        lock(&self.0).listed.insert(key, listed.ended.clone());
        Ok(())
    }

    async fn records(
        &self,
        company: &CompanyId,
        id: &JobId,
        kind: Kind,
        from: Option<&str>,
    ) -> Result<(Vec<Ended>, Option<String>), StoreError> {
        let from: u64 = from
            .map_or(Ok(0), str::parse)
            .map_err(|error| StoreError::new("reading what became of entities", error))?;
        let kept = lock(&self.0);
        let (first, end) =
            ((company.clone(), id.clone(), kind, from), (company.clone(), id.clone(), kind, u64::MAX));
        let mut parts = kept.listed.range(first..=end);
        let Some((_, ended)) = parts.next() else { return Ok((Vec::new(), None)) };
        Ok((ended.clone(), parts.next().map(|((_, _, _, after), _)| after.to_string())))
    }
}

/// An [`ImportQueue`] in memory: only the sending side.
#[derive(Debug, Default)]
pub struct MemoryImportQueue(Mutex<Vec<Tick>>);

impl MemoryImportQueue {
    /// Every tick that was sent, in order.
    pub fn ticks(&self) -> Vec<Tick> {
        lock(&self.0).clone()
    }
}

#[async_trait]
impl ImportQueue for MemoryImportQueue {
    async fn send_tick(&self, tick: &Tick) -> Result<(), StoreError> {
        let mut sent = lock(&self.0);
        if !sent.contains(tick) {
            sent.push(tick.clone());
        }
        Ok(())
    }
}
