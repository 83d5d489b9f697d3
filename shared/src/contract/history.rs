//! The promises of an activity log that is read page by page.

use super::{at, company};
use crate::activity::{Activity, ActivityResult, Side};
use crate::history::{History, Place};
use crate::ids::{BillingId, CompanyId, EventId};
use crate::model::Kind;

/// Checks a log through two handles.
pub async fn history(one: &dyn History, two: &dyn History) {
    pages_begin_behind_a_place(one, two).await;
    a_record_has_its_own_history(one, two).await;
}

fn entry(company: &CompanyId, event: &str, second: i64, kind: Kind, id: &str) -> Activity {
    Activity {
        company: company.clone(),
        side: Side::Billing,
        event: EventId::new(event).unwrap(),
        time: at(second),
        handled_at: at(second + 1),
        realm: None,
        kind: Some(kind),
        billing_id: Some(BillingId::new(id).unwrap()),
        label: String::new(),
        quickbooks_id: None,
        event_json: None,
        removed: None,
        result: ActivityResult::Skipped { reason: "it is a draft".into() },
    }
}

fn names(entries: &[Activity]) -> Vec<&str> {
    entries.iter().map(|entry| entry.event.as_str()).collect()
}

async fn pages_begin_behind_a_place(one: &dyn History, two: &dyn History) {
    let id = company("pages");
    assert_eq!(one.before(&id, None, 3).await.unwrap(), []);
    let made = |number: i64| entry(&id, &format!("e{number}"), number / 2, Kind::Client, "c");
    one.record(&(0..7).map(made).collect::<Vec<_>>()).await.unwrap();
    assert_eq!(names(&two.before(&id, None, 3).await.unwrap()), ["e6", "e5", "e4"]);
    let place = |second, event| Place { time: at(second), event: EventId::new(event).unwrap() };
    assert_eq!(names(&two.before(&id, Some(&place(2, "e5")), 3).await.unwrap()), ["e4", "e3", "e2"]);
    assert_eq!(names(&two.before(&id, Some(&place(1, "e3")), 9).await.unwrap()), ["e2", "e1", "e0"]);
    assert_eq!(two.before(&id, Some(&place(0, "e0")), 9).await.unwrap(), []);
    assert_eq!(two.before(&company("pages-other"), None, 9).await.unwrap(), []);
}

async fn a_record_has_its_own_history(one: &dyn History, two: &dyn History) {
    let (id, other) = (company("records"), company("records-other"));
    let client = BillingId::new("7").unwrap();
    one.record(&[
        entry(&id, "a", 1, Kind::Client, "7"),
        entry(&id, "b", 2, Kind::Product, "7"),
        entry(&id, "c", 3, Kind::Client, "77"),
        entry(&id, "d", 4, Kind::Client, "7"),
        entry(&other, "e", 5, Kind::Client, "7"),
    ])
    .await
    .unwrap();
    assert_eq!(names(&two.of_record(&id, Kind::Client, &client, 9).await.unwrap()), ["d", "a"]);
    assert_eq!(names(&two.of_record(&id, Kind::Client, &client, 1).await.unwrap()), ["d"]);
    assert_eq!(names(&two.of_record(&other, Kind::Client, &client, 9).await.unwrap()), ["e"]);
}
