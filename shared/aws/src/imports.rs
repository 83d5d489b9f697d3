//! Imports in DynamoDB.
//!
//! | partition key | sort key | holds |
//! |---|---|---|
//! | `{company}` | `job#{job}` | the job and its version |
//! | `{company}` | `running` | which job is running, while one is |
//! | `{company}#{job}#{kind}` | the number of those before | what became of some of the kind's entities |

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use sync::ids::{CompanyId, JobId};
use sync::import::{Ended, Imports, Job, Listed, State};
use sync::model::Kind;
use sync::ports::StoreError;

use crate::item::{BadItem, Item, SK, document, expire, get_text, keyed, number, put_document, text};
use crate::table::{Condition, Order, Table, Write};

const RUNNING: &str = "running";
const JOB: &str = "job";
const VERSION: &str = "version";
const JOBS: &str = "job#";

const READING: &str = "reading an import";
const WRITING: &str = "storing an import";

/// How long jobs are kept, and what became of their entities.
const KEPT: SignedDuration = SignedDuration::from_hours(180 * 24);

/// The imports of all companies in one table.
#[derive(Clone, Debug)]
pub struct DynamoImports {
    table: Table,
}

impl DynamoImports {
    pub(crate) fn new(table: Table) -> DynamoImports {
        DynamoImports { table }
    }
}

fn bad(action: &'static str) -> impl FnOnce(BadItem) -> StoreError {
    move |error| StoreError::new(action, error)
}

fn job_key(id: &JobId) -> String {
    format!("{JOBS}{id}")
}

fn of_kind(company: &CompanyId, id: &JobId, kind: Kind) -> String {
    format!("{company}#{id}#{kind}")
}

/// Numbers in the order of their text.
fn place(after: u64) -> String {
    format!("{after:012}")
}

fn job_item(job: &Job) -> Result<Item, BadItem> {
    let mut item = keyed(job.books.company.as_str(), &job_key(&job.id));
    item.insert(VERSION.to_owned(), number(job.version));
    put_document(&mut item, job)?;
    expire(&mut item, kept_until(job.started_at));
    Ok(item)
}

fn kept_until(at: Timestamp) -> Timestamp {
    at.saturating_add(KEPT).unwrap_or(Timestamp::MAX)
}

fn running_item(job: &Job) -> Item {
    let mut item = keyed(job.books.company.as_str(), RUNNING);
    item.insert(JOB.to_owned(), text(job.id.as_str()));
    item
}

fn is_nobody_or(id: &JobId) -> Condition {
    Condition::new("attribute_not_exists(#pk) OR #job = :job").value(JOB, text(id.as_str()))
}

#[async_trait]
impl Imports for DynamoImports {
    async fn begin(&self, job: &Job) -> Result<Option<JobId>, StoreError> {
        let action = "beginning an import";
        let writes = vec![
            Write::Put(running_item(job), Some(Condition::new("attribute_not_exists(#pk)"))),
            Write::Put(
                job_item(job).map_err(bad(action))?,
                Some(Condition::new("attribute_not_exists(#pk)")),
            ),
        ];
        let Err(refusals) = self.table.transact(action, writes).await? else { return Ok(None) };
        let Some(Some(running)) = refusals.first() else {
            // It has ended already.
            return Ok(None);
        };
        let running = JobId::new(get_text(running, JOB).map_err(bad(action))?);
        let running = running.map_err(|error| StoreError::new(action, error))?;
        Ok((running != job.id).then_some(running))
    }

    async fn job(&self, company: &CompanyId, id: &JobId) -> Result<Option<Job>, StoreError> {
        let item = self.table.get(READING, company.as_str(), &job_key(id)).await?;
        item.as_ref().map(document).transpose().map_err(bad(READING))
    }

    async fn jobs(&self, company: &CompanyId, limit: usize) -> Result<Vec<Job>, StoreError> {
        // One of them may say which job is running.
        let limit_of_items = limit.saturating_add(1);
        let items =
            self.table.query("listing imports", company.as_str(), Order::Descending, limit_of_items).await?;
        let is_job = |item: &&Item| get_text(item, SK).is_ok_and(|sk| sk.starts_with(JOBS));
        let jobs = items.iter().filter(is_job).take(limit).map(document);
        jobs.collect::<Result<_, _>>().map_err(bad("listing imports"))
    }

    async fn save(&self, job: &Job) -> Result<bool, StoreError> {
        let Some(before) = job.version.checked_sub(1) else { return Ok(false) };
        let follows = Condition::new("#version = :before").value("before", number(before));
        let mut writes = vec![Write::Put(job_item(job).map_err(bad(WRITING))?, Some(follows))];
        if job.state != State::Running {
            writes.push(Write::Delete(running_item_key(job), Some(is_nobody_or(&job.id))));
        }
        match self.table.transact(WRITING, writes).await? {
            Ok(()) => Ok(true),
            // Another job is running: this one had ended before.
            Err(refusals) if matches!(refusals.as_slice(), [None, Some(_)]) => {
                let follows = Condition::new("#version = :before").value("before", number(before));
                let write = Write::Put(job_item(job).map_err(bad(WRITING))?, Some(follows));
                Ok(self.table.transact(WRITING, vec![write]).await?.is_ok())
            }
            // An attempt whose answer was lost may have stored it already.
            Err(_) => Ok(self.job(&job.books.company, &job.id).await?.as_ref() == Some(job)),
        }
    }

    async fn list(
        &self,
        company: &CompanyId,
        id: &JobId,
        kind: Kind,
        listed: &Listed,
    ) -> Result<(), StoreError> {
        let action = "storing what became of entities";
        let mut item = keyed(&of_kind(company, id, kind), &place(listed.after));
        put_document(&mut item, &listed.ended).map_err(bad(action))?;
        let begun = id.as_str().parse().ok().and_then(|at| Timestamp::from_millisecond(at).ok());
        expire(&mut item, begun.map_or(Timestamp::MAX, kept_until));
        self.table.put(action, item).await
    }

    async fn records(
        &self,
        company: &CompanyId,
        id: &JobId,
        kind: Kind,
        from: Option<&str>,
    ) -> Result<(Vec<Ended>, Option<String>), StoreError> {
        let action = "reading what became of entities";
        let from: u64 = from.map_or(Ok(0), str::parse).map_err(|error| StoreError::new(action, error))?;
        let items = self.table.query_from(action, &of_kind(company, id, kind), &place(from), 2).await?;
        let Some(item) = items.first() else { return Ok((Vec::new(), None)) };
        let next = items.get(1).map(|item| get_text(item, SK)).transpose().map_err(bad(action))?;
        let next = next.map(|sk| sk.trim_start_matches('0').to_owned());
        Ok((document(item).map_err(bad(action))?, next))
    }
}

fn running_item_key(job: &Job) -> Item {
    keyed(job.books.company.as_str(), RUNNING)
}
