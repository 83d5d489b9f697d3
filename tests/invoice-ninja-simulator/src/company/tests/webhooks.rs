use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{Session, id};
use crate::company::{Delivery, Kind, Seed};

impl Session {
    fn subscribe(&mut self, events: &[u32]) {
        for event in events {
            self.post("webhooks", json!({
                "target_url": format!("https://example.com/{event}"), "event_id": event, "rest_method": "post",
                "format": "JSON", "headers": {"X-Hook-Secret": "s"},
            }));
        }
    }

    /// What is due after this many seconds: the events' numbers, and the deliveries.
    fn due_after(&mut self, seconds: i64) -> (Vec<u32>, Vec<Delivery>) {
        let due = self.company.take_webhooks(self.now + SignedDuration::from_secs(seconds));
        (due.iter().map(|it| it.event).collect(), due)
    }
}

#[test]
fn a_subscription_is_one_row_for_one_event() {
    let mut session = Session::new(Seed::Empty);
    session.subscribe(&[2]);
    let hook = session.get("webhooks")[0].clone();
    assert_eq!((&hook["event_id"], &hook["target_url"]), (&json!("2"), &json!("https://example.com/2")));
    let errors = session.errors(
        "POST",
        "webhooks",
        json!({"target_url": "nowhere", "event_id": 99, "rest_method": "get"}),
    );
    assert_eq!(
        errors.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["event_id", "rest_method", "target_url"]
    );
    session.done("DELETE", &format!("webhooks/{}", id(&hook)), Value::Null);
    session.client("Ann");
    assert_eq!(session.get("webhooks?status=active"), json!([]));
}

#[test]
fn a_webhook_is_the_bare_record_as_it_is_when_it_is_sent() {
    let mut session = Session::new(Seed::Empty);
    session.subscribe(&[1, 10]);
    let client = session.client("Ann");
    session.put("clients", &client, json!({"name": "Anna"}));
    let (events, due) = session.due_after(2);
    assert_eq!(events, [1, 10]);
    let body: Value = serde_json::from_str(&due[0].body).unwrap();
    assert_eq!(body["name"], "Anna", "the creation shows the later name");
    assert_eq!(due[0].url, "https://example.com/1");
    assert_eq!(due[0].headers, [("X-Hook-Secret".to_owned(), "s".to_owned())]);
    assert!(session.due_after(1000).0.is_empty(), "each is sent once");
}

#[test]
fn payments_are_told_late_and_with_their_invoices_and_client() {
    let mut session = Session::new(Seed::Empty);
    session.subscribe(&[4, 8, 12]);
    let client = session.client("Ann");
    let invoice = session.invoice(&client, 10);
    session.due_after(0);
    let payment = session.payment(&client, 10, &[(&invoice, 10)]);
    assert_eq!(session.due_after(19).0, [8], "the invoice at once");
    let (events, due) = session.due_after(20);
    assert_eq!(events, [4]);
    let body: Value = serde_json::from_str(&due[0].body).unwrap();
    assert_eq!((&body["client"]["name"], &body["invoices"][0]["id"]), (&json!("Ann"), &invoice["id"]));

    session.done("DELETE", &format!("payments/{}", id(&payment)), Value::Null);
    let (events, due) = session.due_after(25);
    assert_eq!(events, [8, 12]);
    let body: Value = serde_json::from_str(&due[1].body).unwrap();
    assert_eq!(
        (&body["paymentables"], &body["invoices"], &body["is_deleted"]),
        (&json!([]), &json!([]), &json!(true))
    );
}

#[test]
fn every_change_of_an_invoice_has_its_event() {
    let mut session = Session::new(Seed::Empty);
    session.subscribe(&[2, 8, 9, 33, 41, 60]);
    let client = session.client("Ann");
    let invoice = session.invoice(&client, 10);
    assert_eq!(session.due_after(0).0, [2, 8, 60]);
    for (action, events) in [
        ("archive", vec![33]),
        ("restore", vec![41]),
        ("delete", vec![9]),
        ("restore", vec![41]),
        ("cancel", vec![8]),
    ] {
        session.post("invoices/bulk", json!({"action": action, "ids": [invoice["id"]]}));
        assert_eq!(session.due_after(0).0, events, "{action}");
    }
}

#[test]
fn products_written_from_invoices_and_sums_of_clients_are_not_told() {
    let mut session = Session::new(Seed::Empty);
    let client = session.client("Ann");
    session.subscribe(&[10, 50, 51]);
    let line = json!({"product_key": "Rose", "cost": 1, "quantity": 1});
    session.post("invoices?mark_sent=true", json!({"client_id": client["id"], "line_items": [line]}));
    assert_eq!(session.company.records(Kind::Product).len(), 1);
    assert!(session.due_after(100).0.is_empty());
}

#[test]
fn some_answers_end_a_subscription() {
    let mut session = Session::new(Seed::Empty);
    for (status, ends) in [(200, false), (500, false), (401, false), (404, true), (405, true), (410, true)] {
        session.subscribe(&[1]);
        session.client("Ann");
        let (_, due) = session.due_after(2);
        session.company.webhook_answered(&due[0], status, session.now);
        let left = session.get("webhooks?status=active").as_array().unwrap().len();
        assert_eq!(left == 0, ends, "{status}");
        for hook in session.get("webhooks?status=active").as_array().unwrap() {
            session.done("DELETE", &format!("webhooks/{}", id(hook)), Value::Null);
        }
    }
}
