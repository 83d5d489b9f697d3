//! A job: which kinds, how far it is, and what has become of them.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::record::{Ended, What};
use super::store::Tick;
use crate::ids::{Books, JobId, QuickBooksId};
use crate::link::MatchedBy;
use crate::model::Kind;
use crate::outcome::ParkCause;

/// Products come first, since they depend on nothing; then clients, what they bought, and what they paid (R25).
const ORDER: [Kind; 4] = [Kind::Product, Kind::Client, Kind::Invoice, Kind::Payment];

/// How many records have to be dealt with before the rest can be estimated.
pub const ETA_UNKNOWN_BEFORE: u64 = 50;

/// How long a job may be without a sign of life, beyond what it said, before it is pushed once more.
const STILL: SignedDuration = SignedDuration::from_mins(20);

/// An import, or the preview of one. A company has one that is running, at most.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Names it within its company; later jobs come later in the order of ids.
    pub id: JobId,
    /// The books that it brings over.
    pub books: Books,
    /// What it is for.
    pub purpose: Purpose,
    /// The kinds that were picked, in the order in which they are worked through.
    pub kinds: Vec<Kind>,
    /// Whether it goes on.
    pub state: State,
    /// How far each kind is. One that is not there was not begun.
    pub progress: BTreeMap<Kind, Progress>,
    /// When it was begun.
    pub started_at: Timestamp,
    /// When it last moved.
    pub updated_at: Timestamp,
    /// What keeps it from going on just now, if anything does. It goes on by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
    /// Counts the messages that it is worked at for.
    pub step: u64,
    /// Counts the stored changes; a write names the one it was made from.
    pub version: u64,
}

/// What a job is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Says what would be done, and writes nothing on either side.
    Preview,
    /// Does it.
    Run,
}

/// Whether a job goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// It goes on, or waits for something that passes ([`Job::trouble`]).
    Running,
    /// All was dealt with.
    Done,
    /// A person ended it.
    Cancelled,
    /// It cannot go on.
    Stopped {
        /// Why, and what to do.
        reason: String,
    },
}

/// What keeps a job from going on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// What is wrong.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// When it is tried again.
    pub next_try: Timestamp,
}

/// How far a kind is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// What was counted so far.
    pub counts: Counts,
    /// Where the rest begins.
    pub cursor: Cursor,
    /// Nothing is left.
    pub finished: bool,
}

/// What became of a kind's entities, or would become of them. `found` aside, the numbers add up to `done`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// How many QuickBooks has, inactive ones too, when they were counted. Those that were made since come on top.
    pub found: u64,
    /// How many were dealt with.
    pub done: u64,
    /// Records that were made.
    pub created: u64,
    /// Records that were there already and were linked, by the rung of the ladder that matched (D2).
    pub linked: BTreeMap<MatchedBy, u64>,
    /// Linked records that were changed.
    pub updated: u64,
    /// Linked records whose entity was voided or deleted since.
    pub deleted: u64,
    /// Linked records that are as QuickBooks has them.
    pub unchanged: u64,
    /// What was left out, by why.
    pub skipped: BTreeMap<String, u64>,
    /// What waits for a person, by why; each has an entry in the activity log.
    pub failed: BTreeMap<ParkCause, u64>,
}

/// Where the next page of a kind begins. Entities are read in the order in which they were made, which no change and no
/// deletion disturbs; those of the same second are told apart by their place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// `MetaData.CreateTime` of the last entity that was dealt with, as Intuit wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_at: Option<String>,
    /// Its place among those that were made then or later, from 1.
    #[serde(default)]
    pub place: u64,
    /// Its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<QuickBooksId>,
}

impl Job {
    /// A job that is about to begin.
    pub(crate) fn new(books: &Books, kinds: &[Kind], purpose: Purpose, now: Timestamp) -> Job {
        Job {
            id: JobId::at(now),
            books: books.clone(),
            purpose,
            kinds: ORDER.into_iter().filter(|kind| kinds.contains(kind)).collect(),
            state: State::Running,
            progress: BTreeMap::new(),
            started_at: now,
            updated_at: now,
            trouble: None,
            step: 0,
            version: 1,
        }
    }

    /// The kind that it is at; none if nothing is left.
    pub fn current(&self) -> Option<Kind> {
        self.kinds.iter().copied().find(|kind| !self.progress.get(kind).is_some_and(|of| of.finished))
    }

    /// All kinds' counts together.
    pub fn total(&self) -> Counts {
        self.progress.values().fold(Counts::default(), |sum, progress| sum.plus(&progress.counts))
    }

    /// When it will have dealt with all that was found, if it goes on as fast as so far. None when it has ended, and
    /// before [`ETA_UNKNOWN_BEFORE`] records.
    pub fn estimated_end(&self) -> Option<Timestamp> {
        let Counts { found, done, .. } = self.total();
        if self.state != State::Running || done < ETA_UNKNOWN_BEFORE {
            return None;
        }
        let taken = self.updated_at.duration_since(self.started_at).as_millis();
        let left = taken * i128::from(found.saturating_sub(done)) / i128::from(done);
        let left = SignedDuration::from_millis(i64::try_from(left).unwrap_or(i64::MAX));
        self.updated_at.checked_add(left).ok()
    }

    /// The message that moves it on.
    pub fn tick(&self) -> Tick {
        Tick { company: self.books.company.clone(), job: self.id.clone(), step: self.step }
    }

    /// Whether it should have moved by now.
    pub(crate) fn stands_still(&self, now: Timestamp) -> bool {
        let expected = self.trouble.as_ref().map_or(self.updated_at, |trouble| trouble.next_try);
        self.state == State::Running && now.duration_since(expected.max(self.updated_at)) > STILL
    }

    /// The next version of the job, in another state.
    pub(crate) fn ended(&self, state: State, now: Timestamp) -> Job {
        Job { state, trouble: None, ..self.next(now) }
    }

    /// The next version of the job.
    pub(crate) fn next(&self, now: Timestamp) -> Job {
        Job { version: self.version + 1, updated_at: now.max(self.updated_at), ..self.clone() }
    }
}

impl Counts {
    /// How many are yet to be dealt with.
    pub(crate) fn left(&self) -> u64 {
        self.found.saturating_sub(self.done)
    }

    /// How many records were linked, by whatever rung.
    pub fn all_linked(&self) -> u64 {
        self.linked.values().sum()
    }

    /// How many were left out.
    pub fn all_skipped(&self) -> u64 {
        self.skipped.values().sum()
    }

    /// How many wait for a person.
    pub fn all_failed(&self) -> u64 {
        self.failed.values().sum()
    }

    /// How many wait because more than one record fits (D2).
    pub fn ambiguous(&self) -> u64 {
        self.failed.get(&ParkCause::Ambiguous).copied().unwrap_or_default()
    }

    /// Counts one more.
    pub(crate) fn add(&mut self, ended: &Ended) {
        self.done += 1;
        match &ended.what {
            What::Created => self.created += 1,
            What::Linked { by } => *self.linked.entry(*by).or_default() += 1,
            What::Updated => self.updated += 1,
            What::Deleted => self.deleted += 1,
            What::Unchanged => self.unchanged += 1,
            What::Skipped { reason } => *self.skipped.entry(reason.clone()).or_default() += 1,
            What::Failed { park } => *self.failed.entry(park.cause).or_default() += 1,
        }
    }

    fn plus(mut self, other: &Counts) -> Counts {
        self.found += other.found.max(other.done);
        self.done += other.done;
        self.created += other.created;
        self.updated += other.updated;
        self.deleted += other.deleted;
        self.unchanged += other.unchanged;
        add_all(&mut self.linked, &other.linked);
        add_all(&mut self.skipped, &other.skipped);
        add_all(&mut self.failed, &other.failed);
        self
    }
}

fn add_all<K: Ord + Clone>(to: &mut BTreeMap<K, u64>, from: &BTreeMap<K, u64>) {
    for (key, count) in from {
        *to.entry(key.clone()).or_default() += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{CompanyId, RealmId};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_772_000_000 + second).unwrap()
    }

    fn job(kinds: &[Kind]) -> Job {
        let books = Books { company: CompanyId::new("acme").unwrap(), realm: RealmId::new("9130").unwrap() };
        Job::new(&books, kinds, Purpose::Run, at(0))
    }

    fn progress(found: u64, done: u64, finished: bool) -> Progress {
        Progress {
            counts: Counts { found, done, created: done, ..Counts::default() },
            finished,
            ..Progress::default()
        }
    }

    #[test]
    fn r25_the_kinds_are_worked_through_in_the_order_of_their_dependencies() {
        let mut job = job(&[Kind::Payment, Kind::Client, Kind::Product]);
        let mut order = Vec::new();
        while let Some(kind) = job.current() {
            order.push(kind);
            job.progress.insert(kind, progress(0, 0, true));
        }
        assert_eq!(order, [Kind::Product, Kind::Client, Kind::Payment]);
    }

    #[test]
    fn the_end_is_estimated_from_the_pace_so_far() {
        let mut job = job(&Kind::ALL);
        assert_eq!(job.estimated_end(), None, "nothing is known yet");
        job.progress.insert(Kind::Product, progress(100, 100, true));
        job.progress.insert(Kind::Client, progress(300, 100, false));
        job.updated_at = at(20);
        assert_eq!(job.estimated_end(), Some(at(40)), "200 in 20 seconds, 200 to come");
        job.state = State::Cancelled;
        assert_eq!(job.estimated_end(), None);
    }

    #[test]
    fn a_job_that_waits_does_not_stand_still() {
        let mut job = job(&Kind::ALL);
        assert!(!job.stands_still(at(60)));
        assert!(job.stands_still(at(60 * 21)));
        job.trouble = Some(Trouble { reason: "the app is away".into(), since: at(0), next_try: at(60 * 15) });
        assert!(!job.stands_still(at(60 * 21)));
    }

    #[test]
    fn a_job_is_read_as_it_is_written() {
        let mut job = job(&Kind::ALL);
        let mut counts = Counts { found: 3, done: 3, ..Counts::default() };
        counts.linked.insert(MatchedBy::Email, 1);
        counts.failed.insert(ParkCause::Ambiguous, 2);
        job.progress.insert(Kind::Client, Progress { counts, ..Progress::default() });
        job.state = State::Stopped { reason: "gone".into() };
        let text = serde_json::to_string(&job).unwrap();
        assert_eq!(serde_json::from_str::<Job>(&text).unwrap(), job);
        assert_eq!(job.total().ambiguous(), 2);
    }
}
