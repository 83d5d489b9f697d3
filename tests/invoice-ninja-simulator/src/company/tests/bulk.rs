use serde_json::json;

use super::{Session, ids};
use crate::company::{Kind, Seed};

#[test]
fn rows_found_come_back_and_finding_none_is_no_failure() {
    let mut session = Session::new(Seed::Empty);
    let clients = json!([session.client("Ann"), session.client("Bob")]);
    let rows = session.post(
        "clients/bulk",
        json!({"action": "archive", "ids": [clients[0]["id"], "none", clients[1]["id"]]}),
    );
    assert_eq!(ids(&rows), ids(&clients));
    assert_ne!(rows[0]["archived_at"], 0);
    let (status, answer) =
        session.send("POST", "invoices/bulk", json!({"action": "mark_sent", "ids": ["none"]}));
    assert_eq!((status, answer), (200, json!({"message": "No Invoices Found"})));
    let errors = session.errors("POST", "clients/bulk", json!({"action": "mark_sent", "ids": []}));
    assert!(errors.get("action").is_some());
}

#[test]
fn the_same_action_on_invoices_within_a_second_is_a_repetition_and_deleting_within_three() {
    let mut session = Session::new(Seed::Empty);
    let client = session.client("Ann");
    let (one, two) = (session.invoice(&client, 1), session.invoice(&client, 2));
    for (action, window) in [("archive", 1000), ("delete", 3000)] {
        let body = |invoice: &serde_json::Value| json!({"action": action, "ids": [invoice["id"]]});
        assert_eq!(session.send("POST", "invoices/bulk", body(&one)).0, 200);
        session.wait(window - 1);
        let (status, answer) = session.at_once("POST", "invoices/bulk", body(&two));
        assert_eq!((status, &answer["message"]), (400, &json!("Duplicate request")), "{action}");
        session.wait(window);
        assert_eq!(session.at_once("POST", "invoices/bulk", body(&two)).0, 200);
    }
}

#[test]
fn mark_paid_pays_what_is_open_and_mark_sent_sends() {
    let mut session = Session::new(Seed::Empty);
    let client = session.client("Ann");
    let draft = session
        .post("invoices", json!({"client_id": client["id"], "line_items": [{"cost": 8, "quantity": 1}]}));
    let rows = session.post("invoices/bulk", json!({"action": "mark_paid", "ids": [draft["id"]]}));
    assert_eq!((&rows[0]["status_id"], &rows[0]["balance"]), (&json!("4"), &json!(0)));
    let payment = &session.company.records(Kind::Payment)[0];
    assert_eq!((&payment["amount"], &payment["transaction_reference"]), (&json!(8), &json!("Manual entry")));
    session.post("invoices/bulk", json!({"action": "mark_paid", "ids": [draft["id"]]}));
    assert_eq!(session.company.records(Kind::Payment).len(), 1, "nothing is open any more");
}

#[test]
fn reversing_ends_a_claim() {
    let mut session = Session::new(Seed::Empty);
    let client = session.client("Ann");
    let invoice = session.invoice(&client, 8);
    let rows = session.post("invoices/bulk", json!({"action": "reverse", "ids": [invoice["id"]]}));
    assert_eq!((&rows[0]["status_id"], &rows[0]["balance"]), (&json!("6"), &json!(0)));
}
