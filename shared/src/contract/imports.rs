//! The promises of what imports remember.

use super::{at, books};
use crate::ids::QuickBooksId;
use crate::import::{Counts, Ended, Imports, Job, Listed, Progress, Purpose, State, What};
use crate::link::MatchedBy;
use crate::model::Kind;
use crate::outcome::{Park, ParkCause};

/// Checks a store of imports through two handles.
pub async fn imports(one: &dyn Imports, two: &dyn Imports) {
    one_job_runs_at_a_time(one, two).await;
    a_job_is_saved_from_the_version_before(one, two).await;
    jobs_are_listed_newest_first(one, two).await;
    what_became_of_entities_is_kept_in_order(one, two).await;
}

fn job(company: &str, second: i64) -> Job {
    Job::new(&books(company, 90), &Kind::ALL, Purpose::Run, at(second))
}

async fn one_job_runs_at_a_time(one: &dyn Imports, two: &dyn Imports) {
    let (first, second, others) = (job("importing", 1), job("importing", 2), job("importing-too", 1));
    assert_eq!(one.begin(&first).await.unwrap(), None);
    assert_eq!(two.begin(&first).await.unwrap(), None, "an attempt whose answer was lost");
    assert_eq!(two.begin(&second).await.unwrap(), Some(first.id.clone()));
    assert_eq!(two.job(&second.books.company, &second.id).await.unwrap(), None, "nothing is left of it");
    assert_eq!(two.begin(&others).await.unwrap(), None, "another company's");
    assert_eq!(one.job(&others.books.company, &first.id).await.unwrap(), Some(others.clone()));

    let ended = first.ended(State::Done, at(3));
    assert!(two.save(&ended).await.unwrap());
    assert_eq!(one.begin(&first).await.unwrap(), None, "it is stored");
    assert_eq!(one.job(&first.books.company, &first.id).await.unwrap(), Some(ended.clone()), "as it ended");
    assert_eq!(one.begin(&second).await.unwrap(), None);
    // What is added to one that has ended leaves the other one alone.
    assert!(one.save(&ended.next(at(4))).await.unwrap());
    assert_eq!(two.begin(&job("importing", 5)).await.unwrap(), Some(second.id));
}

async fn a_job_is_saved_from_the_version_before(one: &dyn Imports, two: &dyn Imports) {
    let first = job("saving", 1);
    one.begin(&first).await.unwrap();
    let mut counts = Counts { found: 7, done: 3, created: 1, ..Counts::default() };
    counts.linked.insert(MatchedBy::Email, 1);
    counts.failed.insert(ParkCause::Ambiguous, 1);
    let mut next = first.next(at(2));
    next.progress.insert(Kind::Client, Progress { counts, ..Progress::default() });
    assert!(one.save(&next).await.unwrap());
    assert!(two.save(&next).await.unwrap(), "an attempt whose answer was lost");
    assert_eq!(two.job(&next.books.company, &next.id).await.unwrap(), Some(next.clone()));
    let other = first.ended(State::Cancelled, at(3));
    assert!(!two.save(&other).await.unwrap(), "it was made from an older one");
    assert!(!two.save(&next.next(at(3)).next(at(4))).await.unwrap(), "one is missing between them");
    assert_eq!(one.job(&next.books.company, &next.id).await.unwrap(), Some(next));
    assert!(!one.save(&job("saving", 9).next(at(9))).await.unwrap(), "one that was never begun");
}

async fn jobs_are_listed_newest_first(one: &dyn Imports, two: &dyn Imports) {
    let company = &books("listing", 90).company;
    assert_eq!(one.jobs(company, 5).await.unwrap(), []);
    let mut all = Vec::new();
    for second in 1..=4 {
        let job = job("listing", second * 1000);
        one.begin(&job).await.unwrap();
        all.insert(0, job.clone());
        if second < 4 {
            let ended = job.ended(State::Done, at(second * 1000 + 1));
            one.save(&ended).await.unwrap();
            all[0] = ended;
        }
    }
    assert_eq!(two.jobs(company, 10).await.unwrap(), all);
    assert_eq!(two.jobs(company, 2).await.unwrap(), all[..2]);
}

fn ended(number: u64) -> Ended {
    let what = match number % 3 {
        0 => What::Created,
        1 => What::Linked { by: MatchedBy::Key },
        _ => What::Failed { park: Park::new(ParkCause::Tax, "no such tax", "add it") },
    };
    Ended {
        kind: Kind::Product,
        quickbooks_id: QuickBooksId::new(number.to_string()).unwrap(),
        label: format!("Größe {number}"),
        what,
        billing_id: None,
        differences: Vec::new(),
        notes: Vec::new(),
        candidates: Vec::new(),
    }
}

async fn what_became_of_entities_is_kept_in_order(one: &dyn Imports, two: &dyn Imports) {
    let job = job("keeping", 1);
    let (company, id) = (&job.books.company, &job.id);
    assert_eq!(one.records(company, id, Kind::Product, None).await.unwrap(), (Vec::new(), None));
    let part = |after: u64, count: u64| Listed { after, ended: (after..after + count).map(ended).collect() };
    // In any order, and some of them twice.
    for listed in [part(200, 2), part(0, 150), part(9, 1), part(1000, 200), part(0, 200)] {
        one.list(company, id, Kind::Product, &listed).await.unwrap();
    }
    one.list(company, id, Kind::Client, &part(0, 1)).await.unwrap();
    let (mut all, mut from) = (Vec::new(), None);
    loop {
        let (some, next) = two.records(company, id, Kind::Product, from.as_deref()).await.unwrap();
        all.push(some.len());
        match next {
            Some(next) => from = Some(next),
            None => break,
        }
    }
    assert_eq!(all, [200, 1, 2, 200]);
    let (some, _) = two.records(company, id, Kind::Product, Some("200")).await.unwrap();
    assert_eq!(some, part(200, 2).ended);
}
