//! Working at a job: some pages for each message, a part of them at a time.
//!
//! What was done is told by the links, so that whoever takes a page up after a crash does nothing twice; how far the job
//! is, is stored after each part. What cannot be brought over for a reason of its own waits for a person, and the job
//! goes on; when the billing app or QuickBooks is away, the job waits and says so.

use std::collections::HashMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::job::{Job, Purpose, State, Trouble};
use super::pages::{self, Page, Stretch};
use super::part::Dealt;
use super::record::{Ended, Listed, What};
use super::register::Register;
use super::rehearsal::Rehearsal;
use super::speed::Speed;
use super::store::{ImportQueue, Imports, Tick};
use super::told::{is_of_import, is_worth_telling, told};
use crate::activity::{Activity, ActivityResult};
use crate::failure::{Failure, classify};
use crate::ids::QuickBooksId;
use crate::model::Kind;
use crate::outcome::{Park, Retry};
use crate::ports::{BillingError, BillingQuery, CallError, StoreError, explain};
use crate::pull::page::{Brought, Importing};
use crate::push::batch::later;
use crate::push::{self, Message, Verdict, wait_after};
use crate::settings::Company;

/// How many entities are dealt with, for each that is under way at a time, between two looks at the job, which may have
/// been cancelled.
const IN_A_PART: usize = 25;
/// What became of so many entities is kept together.
const LISTED: u64 = 200;
/// How often a message is delivered before what still does not come to an end waits for a person.
pub(super) const TRIES: u32 = 4;

/// What working at jobs needs.
#[derive(Clone, Copy)]
pub struct Work<'a> {
    /// What a pull works with.
    pub engine: push::Ports<'a>,
    /// The jobs and their results.
    pub imports: &'a dyn Imports,
    /// What moves a job on.
    pub queue: &'a dyn ImportQueue,
    /// The billing app's names. Whoever keeps it from one message to the next saves calls.
    pub register: &'a Register,
    /// How much of QuickBooks is read for a message.
    pub stretch: Stretch,
}

/// Carries ticks out, one after the other, and says of each message, in the same order, what is to be done with it.
/// Nothing new is begun after `until`. Never fails as a whole.
pub async fn work(work: Work<'_>, messages: &[Message], until: Timestamp) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for message in messages {
        let verdict = match read(message) {
            Ok(tick) => match one(work, message, &tick, until).await {
                Ok(()) => Verdict::Acknowledge,
                Err(retry) => {
                    tracing::warn!(company.id = %tick.company, import.id = %tick.job, reason = retry.reason, "an import waits");
                    Verdict::Redeliver { after: wait_after(message, &retry) }
                }
            },
            Err(problem) => {
                // Nothing is lost: whoever looks at the job has it moved on.
                tracing::error!(company.id = message.group, problem, "a tick cannot be read");
                Verdict::Acknowledge
            }
        };
        verdicts.push(verdict);
    }
    verdicts
}

fn read(message: &Message) -> Result<Tick, String> {
    let tick: Tick = serde_json::from_str(&message.body).map_err(|error| error.to_string())?;
    if tick.company.as_str() != message.group {
        return Err(format!("it is of company {}", tick.company));
    }
    Ok(tick)
}

async fn one(work: Work<'_>, message: &Message, tick: &Tick, until: Timestamp) -> Result<(), Retry> {
    let job = work.imports.job(&tick.company, &tick.job).await.map_err(|error| later(&error))?;
    let Some(job) = job.filter(|job| job.state == State::Running) else { return Ok(()) };
    if tick.step < job.step {
        // Its page is done; what comes next may not have been sent.
        return go_on(work, &job).await;
    }
    let mut worker = Worker { work, message, job, until, waiting: None };
    match worker.pages().await {
        Ok(()) if worker.job.state == State::Running => go_on(work, &worker.job).await,
        Ok(()) | Err(Stop::Overtaken) => Ok(()),
        Err(Stop::For(reason)) => worker.stop(reason).await,
        Err(Stop::Until(retry)) => Err(worker.wait(retry).await),
    }
}

async fn go_on(work: Work<'_>, job: &Job) -> Result<(), Retry> {
    work.queue.send_tick(&job.tick()).await.map_err(|error| later(&error))
}

/// Why a page is left before its end.
pub(super) enum Stop {
    /// It passes.
    Until(Retry),
    /// It does not.
    For(String),
    /// The job was cancelled, or somebody else works at it.
    Overtaken,
}

impl Stop {
    /// What is left has to wait for the next message.
    pub(super) fn too_late() -> Stop {
        let reason = "the time was too short".to_owned();
        Stop::Until(Retry { reason, after: Some(Duration::from_secs(1)) })
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Stop {
        Stop::Until(later(&error))
    }
}

impl From<Retry> for Stop {
    fn from(retry: Retry) -> Stop {
        Stop::Until(retry)
    }
}

impl From<Park> for Stop {
    /// What a person has to do about the whole company; the job waits for it.
    fn from(park: Park) -> Stop {
        Stop::Until(Retry { reason: format!("{} {}", park.reason, park.way_on), after: None })
    }
}

impl From<CallError> for Stop {
    fn from(error: CallError) -> Stop {
        match classify(&error) {
            Failure::Later { retry, .. } => retry.into(),
            Failure::Stale => Stop::Until(Retry { reason: error.to_string(), after: None }),
            Failure::Gone(park)
            | Failure::NameTaken(park)
            | Failure::Refused(park)
            | Failure::Disconnected(park) => park.into(),
        }
    }
}

pub(super) struct Worker<'a> {
    pub(super) work: Work<'a>,
    pub(super) message: &'a Message,
    pub(super) job: Job,
    pub(super) until: Timestamp,
    /// What earlier imports have left to a person, once it was looked up.
    waiting: Option<HashMap<Subject, Activity>>,
}

/// What an entry of the activity log is about.
type Subject = (Kind, QuickBooksId);

impl Worker<'_> {
    /// Deals with the next pages of the kind that the job is at.
    async fn pages(&mut self) -> Result<(), Stop> {
        let id = &self.job.books.company;
        let company = self.work.engine.companies.load(id).await?;
        let Some(company) = company.filter(|company| company.books().as_ref() == Some(&self.job.books))
        else {
            let reason =
                "The company is connected with another QuickBooks company now. Begin another import.";
            return Err(Stop::For(reason.to_owned()));
        };
        self.the_app_is_there().await?;
        let rehearsal = Rehearsal::of(self.work.engine);
        let engine = match self.job.purpose {
            Purpose::Preview => rehearsal.ports(),
            Purpose::Run => self.work.engine,
        };
        let company = allowed_to_make(company, &self.job);
        let mut importing = Importing::open(engine, &company, self.work.register).await??;
        if self.job.progress.is_empty() {
            self.count(&importing).await?;
        }
        let Some(kind) = self.job.current() else { return self.finish().await };
        let progress = self.job.progress.get(&kind).cloned().unwrap_or_default();
        let stretch = self.work.stretch.of(progress.counts.left());
        let page = pages::read(importing.quickbooks(), kind, &progress.cursor, stretch).await?;
        let may_read = self.message.deliveries < TRIES;
        let until = may_read.then_some(self.until);
        self.work.register.turn_to(&self.job.id, self.job.total().left(), until).await;
        let mut speed = Speed::new(self.work.stretch.pages);
        let mut done = 0;
        while done < page.rows().len() {
            if self.now() >= self.until {
                return self.rest_later(done, Stop::too_late()).await;
            }
            let end = page.rows().len().min(done + IN_A_PART * speed.at_once());
            let Dealt { ended, rest } =
                self.part(&mut importing, &page.rows()[done..end], &mut speed).await?;
            done += ended.len();
            if !ended.is_empty() {
                self.store(kind, &page, done, &ended).await?;
            }
            if let Some(stop) = rest {
                return self.rest_later(done, stop).await;
            }
        }
        if page.rows().is_empty() { self.end_kind(kind).await } else { Ok(()) }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.work.engine.clock.now()
    }

    /// The rest comes with the next message, or with this one if nothing was done for it: whoever gets on is not taken
    /// for one who does not.
    async fn rest_later(&mut self, done: usize, stop: Stop) -> Result<(), Stop> {
        if done == 0 || !matches!(stop, Stop::Until(_)) {
            return Err(stop);
        }
        let next = self.job.next(self.now());
        self.save(Job { step: next.step + 1, ..next }).await
    }

    /// Makes sure that the billing app can be asked at all, before anything is read for it.
    pub(super) async fn the_app_is_there(&self) -> Result<(), Stop> {
        let nobody = BillingQuery::PaymentNumbered("QB-0".to_owned());
        match self.work.engine.billing.find(&self.job.books.company, &nobody).await {
            Ok(_) => Ok(()),
            Err(BillingError::NotOffered) => Err(Stop::For(
                "The billing app only sends events. Set its address and token, then begin another import."
                    .to_owned(),
            )),
            Err(BillingError::Later { reason, after }) => Err(Stop::Until(Retry { reason, after })),
            Err(error) => Err(Stop::Until(Retry { reason: explain(&error), after: None })),
        }
    }

    async fn count(&mut self, importing: &Importing<'_>) -> Result<(), Stop> {
        let counts = pages::count(importing.quickbooks(), &self.job.kinds).await?;
        for (kind, found) in self.job.kinds.iter().zip(counts) {
            self.job.progress.entry(*kind).or_default().counts.found = found;
        }
        Ok(())
    }

    /// Stores what became of a part: first what a person reads of it, then how far the job is.
    async fn store(&mut self, kind: Kind, page: &Page, done: usize, brought: &[Brought]) -> Result<(), Stop> {
        let now = self.now();
        if self.job.purpose == Purpose::Run {
            let mut entries = self.tried_again(brought).await?;
            let told = brought.iter().filter(|brought| is_worth_telling(brought));
            entries.extend(told.filter_map(|brought| brought.activity(now)));
            self.work.engine.activity.record(&entries).await?;
            entries.iter().for_each(Activity::log);
        }
        let ended: Vec<Ended> = brought.iter().map(|brought| told(brought, self.job.purpose)).collect();
        let mut progress = self.job.progress.get(&kind).cloned().unwrap_or_default();
        self.list(kind, progress.counts.done, &ended).await?;
        ended.iter().for_each(|ended| progress.counts.add(ended));
        progress.counts.found = progress.counts.found.max(progress.counts.done);
        progress.cursor = page.cursor(done).unwrap_or_default();
        let mut next = Job { trouble: None, ..self.job.next(now) };
        next.step += u64::from(done == page.rows().len());
        next.progress.insert(kind, progress);
        self.save(next).await
    }

    /// Keeps what became of entities, of which `before` were dealt with earlier. What is kept together begins at the same
    /// places however the job is cut up, so that whoever tells it again after a crash replaces what was told.
    async fn list(&self, kind: Kind, before: u64, ended: &[Ended]) -> Result<(), StoreError> {
        let (company, id, imports) = (&self.job.books.company, &self.job.id, self.work.imports);
        let (mut rest, mut at) = (ended, before);
        while !rest.is_empty() {
            let after = at - at % LISTED;
            let room = usize::try_from(after + LISTED - at).unwrap_or(usize::MAX);
            let (some, others) = rest.split_at(room.min(rest.len()));
            let mut listed = match at > after {
                true => imports.records(company, id, kind, Some(&after.to_string())).await?.0,
                false => Vec::new(),
            };
            listed.retain(|earlier| !some.iter().any(|ended| ended.quickbooks_id == earlier.quickbooks_id));
            listed.extend(some.iter().filter(|ended| ended.what != What::Unchanged).cloned());
            if !listed.is_empty() {
                imports.list(company, id, kind, &Listed { after, ended: listed }).await?;
            }
            (rest, at) = (others, at + some.len() as u64);
        }
        Ok(())
    }

    /// Ends what earlier imports have left to a person of the same entities: what became of them now is told anew.
    async fn tried_again(&mut self, brought: &[Brought]) -> Result<Vec<Activity>, StoreError> {
        if self.waiting.is_none() {
            let parked = self.work.engine.activity.parked(&self.job.books.company).await?;
            let realm = Some(&self.job.books.realm);
            let earlier = parked.into_iter().filter(|entry| {
                entry.realm.as_ref() == realm && entry.time != self.job.started_at && is_of_import(entry)
            });
            let by_subject =
                earlier.filter_map(|entry| Some((entry.kind.zip(entry.quickbooks_id.clone())?, entry)));
            self.waiting = Some(by_subject.collect());
        }
        let waiting = self.waiting.get_or_insert_default();
        let subjects =
            brought.iter().map(|brought| (brought.notice.kind, brought.notice.quickbooks_id.clone()));
        let handled_at = self.work.engine.clock.now();
        let result = ActivityResult::Skipped { reason: "a later import has tried it again".to_owned() };
        let ended = subjects.filter_map(|subject| waiting.remove(&subject));
        Ok(ended
            .map(|entry| Activity { handled_at, result: result.clone(), event_json: None, ..entry })
            .collect())
    }

    /// Nothing of a kind is left.
    async fn end_kind(&mut self, kind: Kind) -> Result<(), Stop> {
        let mut next = Job { trouble: None, ..self.job.next(self.now()) };
        next.progress.entry(kind).or_default().finished = true;
        next.step += 1;
        if next.current().is_none() {
            next.state = State::Done;
        }
        self.save(next).await
    }

    async fn finish(&mut self) -> Result<(), Stop> {
        let next = self.job.ended(State::Done, self.now());
        self.save(next).await
    }

    /// Stores the job's next state. If a person has cancelled it meanwhile, what was done is counted all the same.
    async fn save(&mut self, next: Job) -> Result<(), Stop> {
        if self.work.imports.save(&next).await? {
            self.job = next;
            return Ok(());
        }
        let stored = self.work.imports.job(&next.books.company, &next.id).await?;
        if let Some(stored) =
            stored.filter(|stored| stored.state != State::Running && stored.step <= next.step)
        {
            let counted = Job { progress: next.progress, ..stored.next(self.now()) };
            // Should somebody else be first, the numbers fall short by a part; nothing else depends on them.
            self.work.imports.save(&counted).await?;
        }
        Err(Stop::Overtaken)
    }

    async fn stop(&mut self, reason: String) -> Result<(), Retry> {
        let stopped = self.job.ended(State::Stopped { reason }, self.now());
        match self.save(stopped).await {
            Ok(()) | Err(Stop::Overtaken | Stop::For(_)) => Ok(()),
            Err(Stop::Until(retry)) => Err(retry),
        }
    }

    /// Says what the job waits for, and how long.
    async fn wait(&mut self, retry: Retry) -> Retry {
        let after = wait_after(self.message, &retry);
        let now = self.now();
        let next_try = now.saturating_add(SignedDuration::try_from(after).unwrap_or(SignedDuration::MAX));
        let since = self.job.trouble.as_ref().map_or(now, |trouble| trouble.since);
        let trouble = next_try.ok().map(|next_try| Trouble { reason: retry.reason.clone(), since, next_try });
        let next = Job { trouble, ..self.job.next(now) };
        // Whether it can be told or not, the queue brings the message back.
        if let Err(Stop::Until(other)) = self.save(next).await {
            tracing::warn!(import.id = %self.job.id, reason = other.reason, "what an import waits for was not stored");
        }
        retry
    }
}

/// The company with the right to make on the fly, in a preview, what the import itself makes before.
fn allowed_to_make(mut company: Company, job: &Job) -> Company {
    if job.purpose == Purpose::Preview {
        company.settings.create_clients |= job.kinds.contains(&Kind::Client);
        company.settings.create_products |= job.kinds.contains(&Kind::Product);
    }
    company
}
