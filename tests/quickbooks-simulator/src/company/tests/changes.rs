//! Change data capture, and the changes that become webhooks.

use super::*;
use crate::company::{BeyondWindow, Change};

fn cdc(session: &mut Session, entities: &str, since: &str) -> (u16, Value) {
    session.send("GET", "cdc", &[("entities", entities), ("changedSince", since)], "")
}

fn captured(session: &mut Session, entities: &str, since: &str) -> Value {
    let (status, answer) = cdc(session, entities, since);
    assert_eq!(status, 200, "{answer}");
    answer["CDCResponse"][0]["QueryResponse"].clone()
}

#[test]
fn changed_objects_come_in_full_and_deleted_ones_as_tombstones() {
    let mut session = Session::new(Seed::Landscaping);
    session.wait(60);
    let since = "2026-05-04T17:00:30Z";
    let customer = session.customer("Changing");
    let (kept, gone) = (session.invoice(&customer, "10"), session.invoice(&customer, "20"));
    session.post_with("invoice", &[("operation", "delete")], key(&gone));
    let answer = captured(&mut session, "invoice,Customer,Item,Estimate", since);
    assert_eq!(answer[0]["Invoice"][0], kept);
    assert_eq!((&answer[0]["startPosition"], &answer[0]["maxResults"]), (&json!(1), &json!(2)));
    let tombstone = json!({
        "Id": gone["Id"], "domain": "QBO", "status": "Deleted",
        "MetaData": { "LastUpdatedTime": "2026-05-04T10:01:04-07:00" },
    });
    assert_eq!(answer[0]["Invoice"][1], tombstone);
    assert_eq!(answer[1]["Customer"][0]["SyncToken"], "0");
    assert_eq!((&answer[2], &answer[3]), (&json!({}), &json!({})));
}

#[test]
fn the_window_is_thirty_days() {
    let mut session = Session::new(Seed::Landscaping);
    session.wait(31 * 24 * 3600);
    let old = "2026-05-04T00:00:00-07:00";
    assert_eq!(cdc(&mut session, "Item", old).0, 400);
    session.company.switches().cdc_beyond_window = BeyondWindow::Clamp;
    assert_eq!(captured(&mut session, "Item", old), json!([{}]));
    session.company.switches().cdc_beyond_window = BeyondWindow::Serve;
    assert_eq!(captured(&mut session, "Item", old)[0]["maxResults"], 17);
}

#[test]
fn a_call_brings_at_most_1000_objects() {
    let mut session = Session::new(Seed::Empty);
    for n in 0..995 {
        session.customer(&format!("Customer {n}"));
    }
    for n in 0..10 {
        session.post("vendor", json!({ "DisplayName": format!("Vendor {n}") }));
    }
    let answer = captured(&mut session, "Customer,Vendor", "2026-05-04T17:00:00Z");
    assert_eq!((&answer[0]["maxResults"], &answer[1]["maxResults"]), (&json!(995), &json!(5)));
}

#[test]
fn what_cannot_be_captured() {
    let mut session = Session::new(Seed::Landscaping);
    for (entities, since, code) in [
        ("TaxCode", "2026-05-04", "2000"),
        ("Widget", "2026-05-04", "2000"),
        ("Customer", "yesterday", "2060"),
        ("", "2026-05-04", "2020"),
    ] {
        assert_eq!(fault(&cdc(&mut session, entities, since).1).0, code, "{entities} {since}");
    }
    assert_eq!(
        cdc(&mut session, "Customer", "2026-05-04T09:00:00 00:00").0,
        200,
        "a plus sign that became a space"
    );
}

#[test]
fn changes_name_what_happened() {
    let mut session = Session::new(Seed::Landscaping);
    let customer = session.customer("Watched");
    let invoice = session.invoice(&customer, "100");
    let payment = session.payment(&customer, "40", &invoice, "40");
    session.post_with("payment", &[("operation", "update"), ("include", "void")], key(&payment));
    let path = format!("invoice/{}/send", invoice["Id"].as_str().unwrap());
    session.send("POST", &path, &[("sendTo", "w@example.com")], "");
    let changes = session.company.take_changes();
    let said: Vec<(&str, &str)> =
        changes.iter().map(|change: &Change| (change.entity.as_str(), change.operation.as_str())).collect();
    let expected = [
        ("Customer", "Create"),
        ("Invoice", "Create"),
        ("Invoice", "Update"),
        ("Payment", "Create"),
        ("Invoice", "Update"),
        ("Payment", "Void"),
        ("Invoice", "Emailed"),
    ];
    assert_eq!(said, expected);
    assert!(session.company.take_changes().is_empty());
}
