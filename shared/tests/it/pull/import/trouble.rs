//! A billing app that is slow, asks for patience, refuses a record, loses answers or goes away.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use quickbooks_simulator::company::Seed;
use serde_json::json;
use sync::ids::{BillingId, CompanyId};
use sync::import::{State, What};
use sync::model::{Kind, Record};
use sync::outcome::ParkCause;
use sync::ports::{Billing, BillingError, BillingQuery, Clock, Stored};
use sync::push::Ports;
use sync::push::Verdict;

use super::bureau::Bureau;
use crate::desk::EventsOnly;

/// An app that does as it likes in its n-th call.
struct Moody<'a, F> {
    app: &'a dyn Billing,
    mood: F,
    calls: Mutex<usize>,
}

/// What a call comes to.
enum Mood {
    Well,
    Fails(BillingError),
    /// It is done, and nobody hears of it.
    LosesTheAnswer,
}

impl<'a, F: Fn(usize, Option<&Record>) -> Mood + Send + Sync> Moody<'a, F> {
    fn new(app: &'a dyn Billing, mood: F) -> Moody<'a, F> {
        Moody { app, mood, calls: Mutex::default() }
    }

    fn mood(&self, record: Option<&Record>) -> Mood {
        let mut calls = self.calls.lock().unwrap();
        *calls += 1;
        (self.mood)(*calls, record)
    }
}

fn lost() -> BillingError {
    BillingError::Unknown("no answer came".into())
}

#[async_trait]
impl<F: Fn(usize, Option<&Record>) -> Mood + Send + Sync> Billing for Moody<'_, F> {
    async fn fetch(
        &self,
        company: &CompanyId,
        kind: Kind,
        id: &BillingId,
    ) -> Result<Option<Stored>, BillingError> {
        match self.mood(None) {
            Mood::Fails(error) => Err(error),
            _ => self.app.fetch(company, kind, id).await,
        }
    }

    async fn find(&self, company: &CompanyId, wanted: &BillingQuery) -> Result<Vec<Stored>, BillingError> {
        match self.mood(None) {
            Mood::Fails(error) => Err(error),
            _ => self.app.find(company, wanted).await,
        }
    }

    async fn create(&self, company: &CompanyId, record: &Record) -> Result<Stored, BillingError> {
        match self.mood(Some(record)) {
            Mood::Fails(error) => Err(error),
            Mood::Well => self.app.create(company, record).await,
            Mood::LosesTheAnswer => {
                self.app.create(company, record).await?;
                Err(lost())
            }
        }
    }

    async fn update(
        &self,
        company: &CompanyId,
        before: &Record,
        after: &Record,
    ) -> Result<Stored, BillingError> {
        match self.mood(Some(after)) {
            Mood::Fails(error) => Err(error),
            _ => self.app.update(company, before, after).await,
        }
    }
}

async fn forty_customers() -> Bureau {
    let bureau = Bureau::open(Seed::Empty).await;
    for number in 0..40 {
        bureau.office.desk.bookkeeper("customer", &[], &json!({"DisplayName": format!("Customer {number}")}));
    }
    bureau
}

/// Imports the forty through an app in moods, and expects each to be there once or to be among those that wait.
async fn import_with(
    bureau: &Bureau,
    mood: impl Fn(usize, Option<&Record>) -> Mood + Send + Sync,
    failed: u64,
) -> sync::import::Job {
    let moody = Moody::new(&*bureau.office.billing, mood);
    let job = bureau.start(&[Kind::Client]).await;
    let engine = Ports { billing: &moody, ..bureau.office.ports() };
    let job = bureau.finish_with(bureau.work_with(engine), &job.id).await;
    assert_eq!(job.state, State::Done, "never aborts whole");
    let counts = job.total();
    assert_eq!((counts.done, counts.created, counts.all_failed()), (40, 40 - failed, failed), "{counts:?}");
    let names: std::collections::BTreeSet<String> =
        bureau.office.records(Kind::Client).iter().map(|stored| stored.record.label().to_owned()).collect();
    let there = u64::try_from(bureau.office.records(Kind::Client).len()).unwrap();
    assert_eq!((there, names.len() as u64), (40 - failed, there), "nothing is there twice");
    job
}

#[tokio::test]
async fn an_app_that_asks_for_patience_gets_it() {
    let bureau = forty_customers().await;
    let mood = |call: usize, _: Option<&Record>| match call % 3 {
        0 => Mood::Fails(BillingError::Later {
            reason: "too many requests".into(),
            after: Some(Duration::from_secs(2)),
        }),
        _ => Mood::Well,
    };
    import_with(&bureau, mood, 0).await;
}

#[tokio::test]
async fn an_app_that_loses_answers_doubles_nothing() {
    let bureau = forty_customers().await;
    let mood = |call: usize, record: Option<&Record>| match record {
        Some(_) if !call.is_multiple_of(4) => Mood::LosesTheAnswer,
        _ => Mood::Well,
    };
    import_with(&bureau, mood, 0).await;
}

#[tokio::test]
async fn a_record_that_is_refused_waits_with_its_reason_and_the_others_come_over() {
    let bureau = forty_customers().await;
    let is_seven = |record: &Record| record.label() == "Customer 7";
    let mood = |_: usize, record: Option<&Record>| match record {
        Some(record) if is_seven(record) => Mood::Fails(BillingError::Refused("name: it is refused".into())),
        _ => Mood::Well,
    };
    let job = import_with(&bureau, mood, 1).await;
    let told = bureau.records(&job, Kind::Client).await;
    let failed = told.iter().find(|ended| matches!(ended.what, What::Failed { .. })).unwrap();
    assert_eq!(failed.label, "Customer 7");
    let parked = bureau.office.parked().await;
    assert!(parked.len() == 1 && parked[0].label == "Customer 7", "{parked:?}");
    // And when the app takes it, it comes.
    let job = bureau.run(&[Kind::Client]).await;
    assert_eq!((job.total().created, job.total().unchanged), (1, 39));
}

#[tokio::test]
async fn a_record_that_never_comes_to_an_end_does_not_hold_the_others_up() {
    let bureau = forty_customers().await;
    let mood = |_: usize, record: Option<&Record>| match record {
        Some(record) if record.label() == "Customer 7" => Mood::Fails(lost()),
        _ => Mood::Well,
    };
    let job = import_with(&bureau, mood, 1).await;
    assert_eq!(job.total().failed[&ParkCause::BillingApp], 1);
}

#[tokio::test]
async fn a_job_waits_for_an_app_that_is_away_or_refuses_its_token_and_says_so() {
    for is_away in [true, false] {
        let bureau = forty_customers().await;
        let error = move || match is_away {
            true => BillingError::Later { reason: "no connection".into(), after: None },
            false => BillingError::Forbidden("the token is not accepted".into()),
        };
        // It goes away in the middle.
        let mood = move |call: usize, _: Option<&Record>| {
            if call > 30 { Mood::Fails(error()) } else { Mood::Well }
        };
        let moody = Moody::new(&*bureau.office.billing, mood);
        let job = bureau.start(&[Kind::Client]).await;
        let engine = Ports { billing: &moody, ..bureau.office.ports() };
        let verdict = bureau.deliver(bureau.work_with(engine), &job.tick(), 1).await;
        assert_eq!(verdict, Verdict::Acknowledge, "what was done before is kept");
        let job = bureau.job(&job.id).await;
        for deliveries in 1..=6 {
            let verdict = bureau.deliver(bureau.work_with(engine), &job.tick(), deliveries).await;
            assert!(matches!(verdict, Verdict::Redeliver { .. }), "{verdict:?}");
        }
        let waiting = bureau.job(&job.id).await;
        assert_eq!(waiting.state, State::Running);
        let trouble = waiting.trouble.unwrap();
        assert!(trouble.reason.contains(if is_away { "no connection" } else { "token" }), "{trouble:?}");
        assert!(trouble.next_try > trouble.since);
        assert_eq!(waiting.progress.values().map(|progress| progress.counts.all_failed()).sum::<u64>(), 0);
        assert_eq!(bureau.office.parked().await, [], "nobody has to retry what will come by itself");
        let job = bureau.finish(&job.id).await;
        assert_eq!((job.total().created, job.trouble), (40, None));
        assert_eq!(bureau.office.records(Kind::Client).len(), 40);
    }
}

#[tokio::test]
async fn an_app_that_takes_few_calls_a_minute_gets_no_more_and_nothing_is_given_up() {
    const IN_A_MINUTE: usize = 7;
    let bureau = forty_customers().await;
    let made = Mutex::new((0, 0));
    let refused = AtomicUsize::new(0);
    let mood = |_: usize, _: Option<&Record>| {
        let minute = bureau.office.clock.now().as_second() / 60;
        let mut made = made.lock().unwrap();
        *made = if made.0 == minute { (minute, made.1 + 1) } else { (minute, 1) };
        if made.1 <= IN_A_MINUTE {
            return Mood::Well;
        }
        refused.fetch_add(1, Ordering::Relaxed);
        let after = Some(Duration::from_secs(60));
        Mood::Fails(BillingError::Later { reason: "it asks for fewer requests".into(), after })
    };
    import_with(&bureau, mood, 0).await;
    let refused = refused.load(Ordering::Relaxed);
    assert!(refused < 200, "{refused} calls that came to nothing");
}

#[tokio::test]
async fn an_app_that_only_sends_events_ends_the_job_with_a_reason() {
    let bureau = forty_customers().await;
    let engine = Ports { billing: &EventsOnly, ..bureau.office.ports() };
    let job = bureau.start(&[Kind::Client]).await;
    let job = bureau.finish_with(bureau.work_with(engine), &job.id).await;
    assert!(
        matches!(&job.state, State::Stopped { reason } if reason.contains("only sends events")),
        "{job:?}"
    );
}
