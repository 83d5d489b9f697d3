//! An office whose QuickBooks company is brought over.

use jiff::{SignedDuration, Timestamp};
use quickbooks_simulator::company::Seed;
use sync::ids::JobId;
use sync::import::{self, Ended, Imports, Job, Ports, Register, State, Stretch, Tick, What, Work, work};
use sync::link::Link;
use sync::memory::{MemoryImportQueue, MemoryImports};
use sync::model::{Kind, Record};
use sync::ports::Stored;
use sync::push::{self, Message, Verdict};
use sync::settings::{Direction, Directions, Settings};

use super::super::office::Office;
use crate::desk;

/// How often a job may be moved on before something must be wrong.
const MOVES: usize = 400;

pub(super) struct Bureau {
    pub(super) office: Office,
    pub(super) imports: MemoryImports,
    pub(super) queue: MemoryImportQueue,
    pub(super) register: Register,
    pub(super) stretch: Stretch,
}

impl Bureau {
    /// A company that has just been connected: no direction is set, and the cut-off date is far ahead (R4, D8).
    pub(super) async fn open(seed: Seed) -> Bureau {
        let office = Office::open(seed).await;
        let settings = Settings {
            directions: Directions::all(Direction::None),
            cut_off: Some("2099-01-01".parse().unwrap()),
            ..office.desk.settings().await
        };
        office.desk.save(settings).await;
        Bureau {
            office,
            imports: MemoryImports::default(),
            queue: MemoryImportQueue::default(),
            register: Register::default(),
            stretch: Stretch::USUAL,
        }
    }

    pub(super) fn ports(&self) -> Ports<'_> {
        Ports {
            companies: &self.office.desk.companies,
            imports: &self.imports,
            queue: &self.queue,
            clock: &self.office.clock,
        }
    }

    pub(super) fn work(&self) -> Work<'_> {
        self.work_with(self.office.ports())
    }

    pub(super) fn work_with<'a>(&'a self, engine: push::Ports<'a>) -> Work<'a> {
        let Bureau { imports, queue, register, stretch, .. } = self;
        Work { engine, imports, queue, register, stretch: *stretch }
    }

    pub(super) async fn start(&self, kinds: &[Kind]) -> Job {
        self.office.wait(1);
        import::start(self.ports(), &self.office.desk.books.company, kinds).await.unwrap()
    }

    pub(super) async fn run(&self, kinds: &[Kind]) -> Job {
        let job = self.start(kinds).await;
        self.finish(&job.id).await
    }

    pub(super) async fn preview(&self, kinds: &[Kind]) -> Job {
        self.office.wait(1);
        let job = import::preview(self.ports(), &self.office.desk.books.company, kinds).await.unwrap();
        self.finish(&job.id).await
    }

    /// Delivers ticks until the job has ended.
    pub(super) async fn finish(&self, id: &JobId) -> Job {
        self.finish_with(self.work(), id).await
    }

    /// The same by other means; each wait is over at once.
    pub(super) async fn finish_with(&self, means: Work<'_>, id: &JobId) -> Job {
        let mut deliveries = 0;
        for _ in 0..MOVES {
            let job = self.job(id).await;
            if job.state != State::Running {
                return job;
            }
            deliveries += 1;
            match self.deliver(means, &job.tick(), deliveries).await {
                Verdict::Acknowledge => {
                    deliveries = 0;
                    let job = self.job(id).await;
                    let goes_on = job.state != State::Running || self.queue.ticks().contains(&job.tick());
                    assert!(goes_on, "nothing moves the job on: {job:?}");
                }
                Verdict::Redeliver { after } => self.office.wait(i64::try_from(after.as_secs()).unwrap() + 1),
            }
        }
        panic!("the job does not end: {:?}", self.job(id).await)
    }

    pub(super) async fn deliver(&self, means: Work<'_>, tick: &Tick, deliveries: u32) -> Verdict {
        let message = Message {
            id: format!("tick-{}", tick.step),
            group: tick.company.to_string(),
            body: serde_json::to_string(tick).unwrap(),
            sent_at: Timestamp::UNIX_EPOCH,
            deliveries,
        };
        let until = means.engine.clock.now() + SignedDuration::from_mins(10);
        let verdicts = work(means, &[message], until).await;
        let [verdict] = verdicts.as_slice() else { panic!("{verdicts:?}") };
        verdict.clone()
    }

    pub(super) async fn job(&self, id: &JobId) -> Job {
        self.imports.job(&self.office.desk.books.company, id).await.unwrap().unwrap()
    }

    /// What the job tells of a kind.
    pub(super) async fn records(&self, job: &Job, kind: Kind) -> Vec<Ended> {
        let (mut all, mut from): (Vec<Ended>, Option<String>) = (Vec::new(), None);
        loop {
            let company = &job.books.company;
            let (some, next) =
                import::records(self.ports(), company, &job.id, kind, from.as_deref()).await.unwrap();
            all.extend(some);
            match next {
                Some(next) => from = Some(next),
                None => return all,
            }
        }
    }

    pub(super) async fn record(&self, job: &Job, kind: Kind, id: &str) -> Ended {
        let all = self.records(job, kind).await;
        all.iter()
            .find(|ended| ended.quickbooks_id.as_str() == id)
            .unwrap_or_else(|| panic!("{id}: {all:?}"))
            .clone()
    }

    /// All that an import may change.
    pub(super) async fn everything(&self) -> (Vec<Stored>, Vec<Link>, usize) {
        let company = &self.office.desk.books.company;
        let records = Kind::ALL.into_iter().flat_map(|kind| self.office.billing.all(company, kind)).collect();
        let mut links = self.office.desk.ledger.links(&self.office.desk.books);
        links.sort_by_key(|link| (link.kind, link.billing_id.clone()));
        (records, links, self.office.desk.log().await.len())
    }

    pub(super) fn save_client(&self, id: &str, name: &str) {
        self.office.save(Record::Client(serde_json::from_value(desk::client(id, name)).unwrap()));
    }

    pub(super) fn save_product(&self, id: &str, key: &str) {
        self.office.save(Record::Product(serde_json::from_value(desk::product(id, key)).unwrap()));
    }
}

/// How many of the job's entities ended as this.
pub(super) fn count(ended: &[Ended], is: impl Fn(&What) -> bool) -> usize {
    ended.iter().filter(|ended| is(&ended.what)).count()
}
