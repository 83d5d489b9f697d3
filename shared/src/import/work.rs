//! Working at a job: a page for each message, a part of the page at a time.
//!
//! What was done is told by the links, so that whoever takes a page up after a crash does nothing twice; how far the job
//! is, is stored after each part. What cannot be brought over for a reason of its own waits for a person, and the job
//! goes on; when the billing app or QuickBooks is away, the job waits and says so.

use std::collections::HashMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use quickbooks_wire::Entity;

use super::job::{Job, Purpose, State, Trouble};
use super::pages::{self, Page};
use super::record::{Ended, Listed, What};
use super::rehearsal::Rehearsal;
use super::store::{ImportQueue, Imports, Tick};
use crate::activity::{Activity, ActivityResult, Side};
use crate::failure::{Failure, classify};
use crate::ids::QuickBooksId;
use crate::model::Kind;
use crate::notice;
use crate::outcome::{DoneAction, Outcome, Park, ParkCause, Retry, SkipReason};
use crate::ports::{BillingError, BillingQuery, CallError, StoreError, explain};
use crate::pull::page::{Brought, Importing, Pace};
use crate::push::batch::later;
use crate::push::{self, Message, Verdict, wait_after};
use crate::settings::Company;

/// How many entities are dealt with between two looks at the job, which may have been cancelled.
const PART: usize = 200;
/// How many are under way at a time, while the billing app bears it.
const AT_ONCE: usize = 8;
/// How many that come to nothing in a row, for each that is under way at a time, mean that the app is away.
const IN_VAIN: usize = 2;
/// How often what did not come to an end is tried before the part is given back to the queue.
const ROUNDS: u32 = 3;
/// The longest wait between two rounds; who asks for more gets it by way of the queue.
const PAUSE: Duration = Duration::from_secs(4);
/// How often a message is delivered before what still does not come to an end waits for a person.
const TRIES: u32 = 4;

/// What working at jobs needs.
#[derive(Clone, Copy)]
pub struct Work<'a> {
    /// What a pull works with.
    pub engine: push::Ports<'a>,
    /// The jobs and their results.
    pub imports: &'a dyn Imports,
    /// What moves a job on.
    pub queue: &'a dyn ImportQueue,
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
    match worker.page().await {
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
enum Stop {
    /// It passes.
    Until(Retry),
    /// It does not.
    For(String),
    /// The job was cancelled, or somebody else works at it.
    Overtaken,
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

struct Worker<'a> {
    work: Work<'a>,
    message: &'a Message,
    job: Job,
    until: Timestamp,
    /// What earlier imports have left to a person, once it was looked up.
    waiting: Option<HashMap<Subject, Activity>>,
}

/// What an entry of the activity log is about.
type Subject = (Kind, QuickBooksId);

impl Worker<'_> {
    /// Deals with the next page of the kind that the job is at.
    async fn page(&mut self) -> Result<(), Stop> {
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
        let mut importing = Importing::open(engine, &company).await??;
        if self.job.progress.is_empty() {
            self.count(&importing).await?;
        }
        let Some(kind) = self.job.current() else { return self.finish().await };
        let cursor = self.job.progress.get(&kind).map(|progress| progress.cursor.clone()).unwrap_or_default();
        let page = pages::read(importing.quickbooks(), kind, &cursor).await?;
        let mut done = 0;
        while done < page.rows().len() {
            if self.now() >= self.until {
                return self.rest_later(done).await;
            }
            let rows = &page.rows()[done..page.rows().len().min(done + PART)];
            let Some(ended) = self.part(&mut importing, rows).await? else {
                return self.rest_later(done).await;
            };
            done += rows.len();
            let is_last = done == page.rows().len();
            self.store(kind, &page, done, &ended, is_last).await?;
        }
        if page.rows().is_empty() { self.end_kind(kind).await } else { Ok(()) }
    }

    fn now(&self) -> Timestamp {
        self.work.engine.clock.now()
    }

    /// The rest of a page comes with the next message, or with this one if nothing was done for it.
    async fn rest_later(&mut self, done: usize) -> Result<(), Stop> {
        if done == 0 {
            let reason = "the time was too short".to_owned();
            return Err(Stop::Until(Retry { reason, after: Some(Duration::from_secs(1)) }));
        }
        let next = self.job.next(self.now());
        self.save(Job { step: next.step + 1, ..next }).await
    }

    /// Makes sure that the billing app can be asked at all, before anything is read for it.
    async fn the_app_is_there(&self) -> Result<(), Stop> {
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

    /// Deals with some rows until each has ended; none if the time was too short for all.
    async fn part(
        &mut self,
        importing: &mut Importing<'_>,
        rows: &[Entity],
    ) -> Result<Option<Vec<Brought>>, Stop> {
        let mut ended: Vec<Option<Brought>> = rows.iter().map(|_| None).collect();
        let mut at_once = AT_ONCE;
        for round in 1..=ROUNDS {
            let open: Vec<usize> = (0..rows.len()).filter(|place| !has_ended(&ended[*place])).collect();
            let some: Vec<Entity> = open.iter().map(|place| rows[*place].clone()).collect();
            // Whether all or only some come to nothing is known when enough have been tried.
            let in_vain = if self.message.deliveries < TRIES { IN_VAIN * at_once } else { usize::MAX };
            let pace = Pace { at_once, until: self.until, in_vain };
            let brought = importing.bring(&some, self.job.started_at, pace).await;
            for (place, brought) in brought.map_err(whole)? {
                ended[open[place]] = Some(brought);
            }
            let waits = ended.iter().flatten().filter_map(retry).collect::<Vec<_>>();
            let (is_away, pause) =
                (waits.len() == some.len(), waits.iter().filter_map(|retry| retry.after).max());
            if ended.iter().all(has_ended) || self.now() >= self.until || is_away || pause > Some(PAUSE) {
                break;
            }
            if round < ROUNDS {
                self.work.engine.clock.sleep(pause.unwrap_or(PAUSE / 4)).await;
                at_once = (at_once / 2).max(1);
            }
        }
        self.settle(ended).await
    }

    /// Takes what has ended, if all has. What was refused or put off because the whole app was has not; what never comes
    /// to an end while the app is there waits for a person.
    async fn settle(&self, mut ended: Vec<Option<Brought>>) -> Result<Option<Vec<Brought>>, Stop> {
        let is_doubtful = |brought: &Brought| {
            matches!(&brought.outcome, Outcome::Retry(_))
                || matches!(&brought.outcome, Outcome::Parked(park) if park.cause == ParkCause::BillingApp)
        };
        if ended.iter().flatten().any(is_doubtful) {
            self.the_app_is_there().await?;
        }
        let lost = ended.iter().flatten().find_map(|brought| match &brought.outcome {
            Outcome::Parked(park) if park.cause == ParkCause::NotConnected => Some(park.clone()),
            _ => None,
        });
        if let Some(park) = lost {
            return Err(park.into());
        }
        let longest = ended.iter().flatten().filter_map(retry).max_by_key(|retry| retry.after).cloned();
        if let Some(retry) = longest {
            if self.message.deliveries < TRIES {
                return Err(retry.into());
            }
            ended.iter_mut().flatten().for_each(give_up);
        }
        Ok(ended.into_iter().collect())
    }

    /// Stores what became of a part: first what a person reads of it, then how far the job is.
    async fn store(
        &mut self,
        kind: Kind,
        page: &Page,
        done: usize,
        brought: &[Brought],
        is_last: bool,
    ) -> Result<(), Stop> {
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
        let listed: Vec<Ended> =
            ended.iter().filter(|ended| ended.what != What::Unchanged).cloned().collect();
        if !listed.is_empty() {
            let listed = Listed { after: progress.counts.done, ended: listed };
            self.work.imports.list(&self.job.books.company, &self.job.id, kind, &listed).await?;
        }
        ended.iter().for_each(|ended| progress.counts.add(ended));
        progress.counts.found = progress.counts.found.max(progress.counts.done);
        progress.cursor = page.cursor(done).unwrap_or_default();
        let mut next = Job { trouble: None, ..self.job.next(now) };
        next.step += u64::from(is_last);
        next.progress.insert(kind, progress);
        self.save(next).await
    }

    /// Ends what earlier imports have left to a person of the same entities: what became of them now is told anew.
    async fn tried_again(&mut self, brought: &[Brought]) -> Result<Vec<Activity>, StoreError> {
        if self.waiting.is_none() {
            let parked = self.work.engine.activity.parked(&self.job.books.company).await?;
            let earlier =
                parked.into_iter().filter(|entry| entry.time != self.job.started_at && is_of_import(entry));
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

fn has_ended(brought: &Option<Brought>) -> bool {
    brought.as_ref().is_some_and(|brought| retry(brought).is_none())
}

fn retry(brought: &Brought) -> Option<&Retry> {
    match &brought.outcome {
        Outcome::Retry(retry) => Some(retry),
        _ => None,
    }
}

/// What it means that not even what is known of some entities could be read.
fn whole(outcome: Outcome) -> Stop {
    match outcome {
        Outcome::Parked(park) => park.into(),
        Outcome::Retry(retry) => retry.into(),
        Outcome::Done(_) | Outcome::Skipped(_) => {
            Stop::Until(Retry { reason: "nothing could be read".to_owned(), after: None })
        }
    }
}

fn give_up(brought: &mut Brought) {
    if let Some(Retry { reason, .. }) = retry(brought).cloned() {
        brought.outcome = Outcome::Parked(Park::new(
            ParkCause::BillingApp,
            format!("It did not come to an end in {TRIES} attempts: {reason}."),
            "Retry it; nothing of it is done twice.",
        ));
    }
}

/// Whether a person looks for it in the activity log. All else is in the job.
fn is_worth_telling(brought: &Brought) -> bool {
    match &brought.outcome {
        Outcome::Parked(_) => true,
        Outcome::Done(done) => !done.notes.is_empty() || done.action == DoneAction::RecordDeleted,
        Outcome::Skipped(_) | Outcome::Retry(_) => false,
    }
}

/// Whether an entry was left by an import.
fn is_of_import(entry: &Activity) -> bool {
    let received = entry.event_json.as_deref().map(notice::read).unwrap_or_default();
    entry.side == Side::QuickBooks
        && received.iter().any(|received| received.notice.as_ref().is_ok_and(|notice| notice.is_of_import()))
}

/// What became of an entity, for the job.
fn told(brought: &Brought, purpose: Purpose) -> Ended {
    let (what, notes) = match &brought.outcome {
        Outcome::Done(done) => (what(done.action, brought), done.notes.clone()),
        Outcome::Skipped(SkipReason::NothingNew) => (What::Unchanged, Vec::new()),
        Outcome::Skipped(SkipReason::NeverPulled) => {
            (What::Skipped { reason: "it is voided or deleted in QuickBooks".to_owned() }, Vec::new())
        }
        Outcome::Skipped(reason) => (What::Skipped { reason: reason.to_string() }, Vec::new()),
        Outcome::Parked(park) => (What::Failed { park: park.clone() }, Vec::new()),
        Outcome::Retry(retry) => (What::Skipped { reason: retry.reason.clone() }, Vec::new()),
    };
    let is_made_up = purpose == Purpose::Preview && what == What::Created;
    Ended {
        kind: brought.notice.kind,
        quickbooks_id: brought.notice.quickbooks_id.clone(),
        label: brought.about.label.clone(),
        what,
        billing_id: brought.about.billing_id.clone().filter(|_| !is_made_up),
        differences: brought.about.differences.clone(),
        notes,
        candidates: brought.about.candidates.clone(),
    }
}

fn what(action: DoneAction, brought: &Brought) -> What {
    match (action, brought.matched_by) {
        (DoneAction::RecordCreated, _) => What::Created,
        (DoneAction::RecordLinked, Some(by)) => What::Linked { by },
        (DoneAction::RecordUpdated, _) => What::Updated,
        (DoneAction::RecordDeleted, _) => What::Deleted,
        _ => What::Unchanged,
    }
}
