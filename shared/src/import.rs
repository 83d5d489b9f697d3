//! The import: an existing QuickBooks company is brought into the billing app (R8, R25-R29, R37-R44).
//!
//! A person picks kinds and has a [`preview`] made, in which nothing is written on either side, or has them brought over
//! ([`start`]). Both are a [`Job`] that works some pages at a time through the same decisions as a pull does ([`work`]); a
//! preview makes them over stores that only pretend to be written to. Directions and the cut-off date do not count
//! here (R26, R27): whoever imports has just said what to bring.

mod job;
mod pages;
mod part;
mod record;
mod register;
mod rehearsal;
mod speed;
mod store;
mod told;
mod work;

use crate::ids::{CompanyId, JobId};
use crate::model::Kind;
use crate::ports::{Clock, Companies, StoreError};
use crate::settings::ConnectionState;

pub use job::{Counts, Cursor, ETA_UNKNOWN_BEFORE, Job, Progress, Purpose, State, Trouble};
pub use pages::Stretch;
pub use record::{Candidate, Difference, Ended, Listed, What};
pub(crate) use register::Known;
pub use register::Register;
pub use store::{ImportQueue, Imports, Tick};
pub use work::{Work, work};

/// What starting, looking at and ending imports works with.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// Tenants.
    pub companies: &'a dyn Companies,
    /// The jobs and their results.
    pub imports: &'a dyn Imports,
    /// What moves a job on.
    pub queue: &'a dyn ImportQueue,
    /// The time.
    pub clock: &'a dyn Clock,
}

/// Why no job was begun.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No kind was picked.
    #[error("pick at least one of clients, products, invoices and payments")]
    NothingPicked,
    /// There is no such company.
    #[error("there is no such company")]
    UnknownCompany,
    /// The company is not connected with QuickBooks, or no longer.
    #[error("the company is not connected with QuickBooks")]
    NotConnected,
    /// One job at a time: this one is running.
    #[error("the import {0} is running; wait for its end, or cancel it")]
    Running(JobId),
    /// A store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Begins to find out what [`start`] would do with the kinds. Nothing is written on either side.
///
/// # Errors
/// As [`start`].
pub async fn preview(ports: Ports<'_>, company: &CompanyId, kinds: &[Kind]) -> Result<Job, StartError> {
    begin(ports, company, kinds, Purpose::Preview).await
}

/// Begins to bring the kinds over, in the order products, clients, invoices, payments (R25).
///
/// # Errors
/// No job was begun; see [`StartError`].
pub async fn start(ports: Ports<'_>, company: &CompanyId, kinds: &[Kind]) -> Result<Job, StartError> {
    begin(ports, company, kinds, Purpose::Run).await
}

async fn begin(
    ports: Ports<'_>,
    company: &CompanyId,
    kinds: &[Kind],
    purpose: Purpose,
) -> Result<Job, StartError> {
    if kinds.is_empty() {
        return Err(StartError::NothingPicked);
    }
    let company = ports.companies.load(company).await?.ok_or(StartError::UnknownCompany)?;
    let is_connected =
        company.connection.as_ref().is_some_and(|connection| connection.state == ConnectionState::Connected);
    let books = company.books().filter(|_| is_connected).ok_or(StartError::NotConnected)?;
    let job = Job::new(&books, kinds, purpose, ports.clock.now());
    if let Some(running) = ports.imports.begin(&job).await? {
        return Err(StartError::Running(running));
    }
    // Should this fail, the job is there, and whoever looks at it sends the tick again.
    ports.queue.send_tick(&job.tick()).await?;
    Ok(job)
}

/// Ends a job where it is: what was brought over stays. One that has ended already stays as it is.
///
/// # Errors
/// A store failed.
pub async fn cancel(ports: Ports<'_>, company: &CompanyId, id: &JobId) -> Result<Option<Job>, StoreError> {
    loop {
        let Some(job) = ports.imports.job(company, id).await? else { return Ok(None) };
        if job.state != State::Running {
            return Ok(Some(job));
        }
        let cancelled = job.ended(State::Cancelled, ports.clock.now());
        if ports.imports.save(&cancelled).await? {
            return Ok(Some(cancelled));
        }
    }
}

/// A job as it is now. One that has stood still for long gets another push.
///
/// # Errors
/// A store failed.
pub async fn job(ports: Ports<'_>, company: &CompanyId, id: &JobId) -> Result<Option<Job>, StoreError> {
    let job = ports.imports.job(company, id).await?;
    if let Some(job) = job.as_ref().filter(|job| job.stands_still(ports.clock.now())) {
        ports.queue.send_tick(&job.tick()).await?;
    }
    Ok(job)
}

/// A company's newest jobs, newest first.
///
/// # Errors
/// A store failed.
pub async fn jobs(ports: Ports<'_>, company: &CompanyId, limit: usize) -> Result<Vec<Job>, StoreError> {
    ports.imports.jobs(company, limit).await
}

/// What became, or would become, of the entities of a kind, in the order in which they were dealt with: a page of them,
/// and where the next page begins. Those that need no change are counted but not listed.
///
/// # Errors
/// A store failed.
pub async fn records(
    ports: Ports<'_>,
    company: &CompanyId,
    id: &JobId,
    kind: Kind,
    from: Option<&str>,
) -> Result<(Vec<Ended>, Option<String>), StoreError> {
    ports.imports.records(company, id, kind, from).await
}
