//! The activity log's promises.

use super::{at, company, noise};
use crate::activity::{Activity, ActivityResult, Side};
use crate::ids::{BillingId, CompanyId, EventId, QuickBooksId, RealmId};
use crate::model::{Kind, Record};
use crate::outcome::{Done, DoneAction, Park, ParkCause};
use crate::ports::ActivityLog;

/// Checks an activity log through two handles.
pub async fn activity_log(one: &dyn ActivityLog, two: &dyn ActivityLog) {
    entries_come_newest_first(one, two).await;
    an_event_has_one_entry(one, two).await;
    an_entry_is_found_by_its_event(one, two).await;
    what_was_done_stays_told(one, two).await;
    parked_entries_come_oldest_first(one, two).await;
    what_waits_for_a_record_is_found_by_it(one, two).await;
    companies_are_apart(one).await;
    a_long_event_is_kept_whole(one, two).await;
}

fn entry(company: &CompanyId, event: &str, second: i64, result: ActivityResult) -> Activity {
    Activity {
        company: company.clone(),
        side: Side::Billing,
        event: EventId::new(event).unwrap(),
        time: at(second),
        handled_at: at(second + 1),
        realm: Some(RealmId::new("1").unwrap()),
        kind: Some(Kind::Invoice),
        billing_id: Some(BillingId::new("a").unwrap()),
        label: "INV-001".into(),
        quickbooks_id: None,
        event_json: result.is_parked().then(|| format!(r#"{{"id":"{event}"}}"#)),
        removed: None,
        result,
    }
}

fn skipped() -> ActivityResult {
    ActivityResult::Skipped { reason: "it is a draft".into() }
}

fn parked() -> ActivityResult {
    ActivityResult::Parked(Park::new(ParkCause::Tax, "no such tax", "make one"))
}

fn done() -> ActivityResult {
    let quickbooks_id = QuickBooksId::new("7").unwrap();
    ActivityResult::Done(Done {
        action: DoneAction::Created,
        quickbooks_id,
        notes: vec!["a note".into()],
        taxes: None,
    })
}

fn events(entries: &[Activity]) -> Vec<&str> {
    entries.iter().map(|entry| entry.event.as_str()).collect()
}

async fn entries_come_newest_first(one: &dyn ActivityLog, two: &dyn ActivityLog) {
    let id = company("newest");
    assert_eq!(one.newest(&id, 10).await.unwrap(), []);
    one.record(&[]).await.unwrap();
    let mut entries: Vec<Activity> =
        (0..60).map(|second| entry(&id, &format!("e{second:02}"), second, skipped())).collect();
    // Between two seconds, and with an id that would sort elsewhere.
    entries
        .push(Activity { time: "2026-02-25T06:13:30.5Z".parse().unwrap(), ..entry(&id, "aa", 0, skipped()) });
    one.record(&entries).await.unwrap();

    let newest = two.newest(&id, 1000).await.unwrap();
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.time));
    assert_eq!(newest, entries);
    assert_eq!(events(&newest[48..52]), ["e11", "aa", "e10", "e09"]);
    assert_eq!(two.newest(&id, 3).await.unwrap(), entries[..3]);
}

async fn an_event_has_one_entry(one: &dyn ActivityLog, two: &dyn ActivityLog) {
    let id = company("one-entry");
    for _ in 0..2 {
        one.record(&[entry(&id, "e", 1, parked())]).await.unwrap();
        assert_eq!(two.newest(&id, 10).await.unwrap(), [entry(&id, "e", 1, parked())]);
    }
    two.record(&[entry(&id, "e", 1, skipped()), entry(&id, "f", 1, skipped())]).await.unwrap();
    assert_eq!(events(&one.newest(&id, 10).await.unwrap()), ["f", "e"]);
    assert_eq!(one.parked(&id).await.unwrap(), [], "it waits no longer");

    one.record(&[entry(&id, "g", 2, skipped()), entry(&id, "g", 2, parked())]).await.unwrap();
    assert_eq!(two.parked(&id).await.unwrap(), [entry(&id, "g", 2, parked())], "the last word counts");
}

async fn an_entry_is_found_by_its_event(one: &dyn ActivityLog, two: &dyn ActivityLog) {
    let id = company("found");
    let stored = entry(&id, "a", 5, done());
    one.record(&[stored.clone(), entry(&id, "b", 5, skipped())]).await.unwrap();
    assert_eq!(two.entry(&id, at(5), &stored.event).await.unwrap(), Some(stored.clone()));
    assert_eq!(two.entry(&id, at(6), &stored.event).await.unwrap(), None);
    assert_eq!(two.entry(&company("found-not"), at(5), &stored.event).await.unwrap(), None);
}

async fn what_was_done_stays_told(one: &dyn ActivityLog, two: &dyn ActivityLog) {
    let id = company("done");
    one.record(&[entry(&id, "e", 1, parked())]).await.unwrap();
    one.record(&[entry(&id, "e", 1, done())]).await.unwrap();
    for later in [skipped(), parked()] {
        two.record(&[entry(&id, "e", 1, later.clone())]).await.unwrap();
        one.record(&[entry(&id, "f", 2, done()), entry(&id, "f", 2, later)]).await.unwrap();
        let both = [entry(&id, "f", 2, done()), entry(&id, "e", 1, done())];
        assert_eq!(one.newest(&id, 10).await.unwrap(), both);
    }
    assert_eq!(two.parked(&id).await.unwrap(), []);

    // The same once more adds nothing, and what is done besides is told too.
    two.record(&[entry(&id, "e", 1, done())]).await.unwrap();
    assert_eq!(one.newest(&id, 10).await.unwrap()[1], entry(&id, "e", 1, done()));
    let with = |notes: &[&str]| match done() {
        ActivityResult::Done(done) => {
            ActivityResult::Done(Done { notes: notes.iter().map(ToString::to_string).collect(), ..done })
        }
        other => other,
    };
    let again = Activity { handled_at: at(9), ..entry(&id, "e", 1, with(&["another note", "a note"])) };
    two.record(std::slice::from_ref(&again)).await.unwrap();
    let both = Activity { result: with(&["a note", "another note"]), ..again };
    assert_eq!(one.newest(&id, 10).await.unwrap()[1], both);

    // What is about to be removed is kept before anything else is known of it (D4).
    let removed: Record = serde_json::from_str(REMOVED).unwrap();
    two.record(&[Activity { removed: Some(removed.clone()), ..entry(&id, "e", 1, parked()) }]).await.unwrap();
    let kept = one.newest(&id, 10).await.unwrap().swap_remove(1);
    assert_eq!((kept.result, kept.removed), (both.result, Some(removed)));
}

const REMOVED: &str = r#"{"kind": "payment", "record": {"id": "p", "client_id": "c", "date": "2026-03-01",
    "amount": 20, "status": "completed", "allocations": []}}"#;

async fn parked_entries_come_oldest_first(one: &dyn ActivityLog, two: &dyn ActivityLog) {
    let id = company("parked");
    assert_eq!(one.parked(&id).await.unwrap(), []);
    let result = |second| if second % 2 == 0 { parked() } else { skipped() };
    let entries: Vec<Activity> =
        (0..20).rev().map(|second| entry(&id, &format!("e{second:02}"), second, result(second))).collect();
    one.record(&entries).await.unwrap();
    let parked = two.parked(&id).await.unwrap();
    assert_eq!(events(&parked), ["e00", "e02", "e04", "e06", "e08", "e10", "e12", "e14", "e16", "e18"]);
    assert_eq!(parked[0], entries[19]);

    two.record(&[entry(&id, "e00", 0, ActivityResult::Ignored { reason: "paid in cash".into() })])
        .await
        .unwrap();
    assert_eq!(events(&one.parked(&id).await.unwrap())[0], "e02");
}

async fn what_waits_for_a_record_is_found_by_it(one: &dyn ActivityLog, two: &dyn ActivityLog) {
    let id = company("waiting");
    let record = |kind, id: &str| (kind, BillingId::new(id).unwrap());
    let (invoice, client, other) =
        (record(Kind::Invoice, "7#a"), record(Kind::Client, "7#a"), record(Kind::Invoice, "8"));
    let waiting = |event: &str, second, waits_for: &(Kind, BillingId)| {
        entry(&id, event, second, ActivityResult::Parked(Park::missing(waits_for.0, &waits_for.1)))
    };
    let entries = [
        waiting("late", 3, &invoice),
        waiting("early", 1, &invoice),
        waiting("elsewhere", 2, &client),
        entry(&id, "taxed", 4, parked()),
    ];
    one.record(&entries).await.unwrap();
    let found = two.waiting_for(&id, std::slice::from_ref(&invoice)).await.unwrap();
    assert_eq!(found, [entries[1].clone(), entries[0].clone()]);
    let found = two.waiting_for(&id, &[other.clone(), client.clone(), invoice.clone()]).await.unwrap();
    assert_eq!(events(&found), ["early", "elsewhere", "late"]);
    assert_eq!(two.waiting_for(&id, &[]).await.unwrap(), []);
    assert_eq!(two.waiting_for(&company("waiting-too"), std::slice::from_ref(&invoice)).await.unwrap(), []);

    // One goes on, one comes to wait for another record, and one waits for nothing but a person.
    one.record(&[entry(&id, "early", 1, done()), waiting("late", 3, &other)]).await.unwrap();
    one.record(&[entry(&id, "elsewhere", 2, parked())]).await.unwrap();
    assert_eq!(two.waiting_for(&id, &[invoice.clone(), client]).await.unwrap(), []);
    assert_eq!(events(&two.waiting_for(&id, &[other]).await.unwrap()), ["late"]);
    assert_eq!(events(&two.parked(&id).await.unwrap()), ["elsewhere", "late", "taxed"]);
    two.record(&[waiting("early", 1, &invoice)]).await.unwrap();
    assert_eq!(one.waiting_for(&id, &[invoice]).await.unwrap(), [], "what was done waits no more");
}

async fn companies_are_apart(one: &dyn ActivityLog) {
    let (ours, others) = (company("apart"), company("apart-too"));
    one.record(&[entry(&ours, "e", 1, parked()), entry(&others, "e", 1, parked())]).await.unwrap();
    assert_eq!(one.newest(&ours, 10).await.unwrap(), [entry(&ours, "e", 1, parked())]);
    assert_eq!(one.parked(&others).await.unwrap(), [entry(&others, "e", 1, parked())]);
}

async fn a_long_event_is_kept_whole(one: &dyn ActivityLog, two: &dyn ActivityLog) {
    let id = company("long");
    // A queue message holds 1 MiB at most. The first of these packs well, the second hardly.
    for (second, event, event_json) in [(1, "wordy", "word ".repeat(200_000)), (2, "dense", noise(1_000_000))]
    {
        let long = Activity { event_json: Some(event_json), ..entry(&id, event, second, parked()) };
        for _ in 0..2 {
            one.record(std::slice::from_ref(&long)).await.unwrap();
            assert!(two.parked(&id).await.unwrap() == [long.clone()], "{event} is not as it was");
            assert!(two.newest(&id, 1).await.unwrap() == [long.clone()], "{event} is not as it was");
        }
        let ended = entry(&id, event, second, done());
        two.record(&[ended.clone(), entry(&id, event, second, skipped())]).await.unwrap();
        one.record(std::slice::from_ref(&long)).await.unwrap();
        assert_eq!(one.parked(&id).await.unwrap(), []);
        assert!(two.newest(&id, 10).await.unwrap().contains(&ended));
    }
}
