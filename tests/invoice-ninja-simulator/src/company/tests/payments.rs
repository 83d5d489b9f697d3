use serde_json::{Value, json};

use super::{Session, allocations, id};
use crate::company::{Kind, Seed};

#[test]
fn a_payment_is_applied_and_what_is_left_stays_unapplied() {
    let mut session = Session::new(Seed::Empty);
    let client = session.client("Ann");
    let (one, two) = (session.invoice(&client, 100), session.invoice(&client, 50));
    let payment = session.post(
        "payments?email_receipt=false&include=invoices",
        json!({
            "client_id": client["id"], "amount": 130, "type_id": "15", "transaction_reference": "1188",
            "invoices": allocations(&[(&one, 60), (&two, 50)]),
        }),
    );
    assert_eq!(
        (&payment["status_id"], &payment["applied"], &payment["is_manual"]),
        (&json!("4"), &json!(110), &json!(true))
    );
    assert_eq!((&payment["number"], &payment["date"]), (&json!("0001"), &json!("2026-05-14")));
    assert_eq!(payment["paymentables"][0]["amount"], 60);
    assert_eq!(payment["invoices"][1]["status_id"], "4");
    assert_eq!(session.now(Kind::Invoice, &one)["balance"], 40);
    assert!(payment.get("_idempotency_key").is_none());
}

#[test]
fn without_an_amount_it_is_what_it_is_applied_to() {
    let mut session = Session::new(Seed::Empty);
    let client = session.client("Ann");
    let invoice = session.invoice(&client, 100);
    assert_eq!(session.payment(&client, 0, &[(&invoice, 30)])["amount"], 30);
}

#[test]
fn what_cannot_be_applied_is_refused_and_nothing_changes() {
    let mut session = Session::new(Seed::Empty);
    let (client, other) = (session.client("Ann"), session.client("Bob"));
    let (mine, theirs) = (session.invoice(&client, 100), session.invoice(&other, 100));
    let paid = session.invoice(&client, 10);
    session.payment(&client, 10, &[(&paid, 10)]);
    for (amount, invoices, field) in [
        (200, vec![(&mine, 101)], "invoices.0.amount"),
        (200, vec![(&mine, 0)], "invoices.0.amount"),
        (200, vec![(&theirs, 10)], "invoices.0.invoice_id"),
        (200, vec![(&mine, 10), (&mine, 20)], "invoices.1.invoice_id"),
        (200, vec![(&paid, 10)], "invoices"),
        (50, vec![(&mine, 60)], "amount"),
    ] {
        let body = json!({"client_id": client["id"], "amount": amount, "invoices": allocations(&invoices)});
        let errors = session.errors("POST", "payments", body);
        assert!(errors.get(field).is_some(), "{field} in {errors}");
    }
    assert_eq!(session.now(Kind::Invoice, &mine)["balance"], 100);
    assert_eq!(session.company.records(Kind::Payment).len(), 1);
}

#[test]
fn a_payment_of_a_draft_sends_it() {
    let mut session = Session::new(Seed::Empty);
    let client = session.client("Ann");
    let draft = session
        .post("invoices", json!({"client_id": client["id"], "line_items": [{"cost": 9, "quantity": 1}]}));
    session.payment(&client, 5, &[(&draft, 5)]);
    let after = session.now(Kind::Invoice, &draft);
    assert_eq!((&after["status_id"], &after["balance"]), (&json!("3"), &json!(4)));
}

#[test]
fn the_same_amount_of_the_same_client_within_a_second_is_a_repetition_even_of_a_refusal() {
    let mut session = Session::new(Seed::Empty);
    let client = session.client("Ann");
    let body = json!({"client_id": client["id"], "amount": 5, "number": "P-1", "idempotency_key": "one"});
    assert_eq!(session.send("POST", "payments", body.clone()).0, 200);
    session.wait(999);
    let (status, answer) = session.at_once("POST", "payments", body.clone());
    assert_eq!((status, answer), (400, json!({"message": "Duplicate request"})));
    session.wait(1000);
    let (status, answer) = session.at_once("POST", "payments", body.clone());
    assert_eq!(status, 422);
    let fields: Vec<_> = answer["errors"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(fields, ["idempotency_key", "number"]);
    session.wait(500);
    assert_eq!(session.at_once("POST", "payments", body).0, 400);
}

#[test]
fn without_a_key_equal_payments_of_one_second_are_one_too_many() {
    let mut session = Session::new(Seed::Empty);
    let client = session.client("Ann");
    session.company.switches().repeat_window = 0;
    let body = json!({"client_id": client["id"], "amount": 5});
    assert_eq!(session.send("POST", "payments", body.clone()).0, 200);
    let (status, answer) = session.at_once("POST", "payments", body.clone());
    assert_eq!(status, 422);
    assert!(answer["errors"].get("idempotency_key").is_some());
    session.wait(1000);
    assert_eq!(session.at_once("POST", "payments", body).0, 200);
}

#[test]
fn an_update_adds_allocations_ignores_the_amount_and_completes() {
    let mut session = Session::new(Seed::Empty);
    let client = session.client("Ann");
    let (one, two) = (session.invoice(&client, 100), session.invoice(&client, 100));
    let payment = session.payment(&client, 90, &[(&one, 50)]);
    let path = format!("payments/{}", id(&payment));
    let refund = json!({"id": payment["id"], "date": "2026-05-15", "invoices": allocations(&[(&one, 10)])});
    assert_eq!(session.post("payments/refund", refund)["status_id"], "5");
    assert!(
        session
            .errors("PUT", &path, json!({"invoices": allocations(&[(&two, 31)])}))
            .get("invoices")
            .is_some()
    );
    let changed = session.put(
        "payments",
        &payment,
        json!({
            "amount": 1, "transaction_reference": "new", "invoices": allocations(&[(&two, 30)]),
        }),
    );
    assert_eq!(
        (&changed["amount"], &changed["applied"], &changed["status_id"]),
        (&json!(90), &json!(80), &json!("4"))
    );
    assert_eq!(changed["paymentables"].as_array().unwrap().len(), 2);
    let other = session.client("Bob");
    assert!(session.errors("PUT", &path, json!({"client_id": other["id"]})).get("client_id").is_some());
}

#[test]
fn a_deleted_payment_forgets_its_allocations_and_cannot_be_restored() {
    let mut session = Session::new(Seed::Empty);
    let client = session.client("Ann");
    let invoice = session.invoice(&client, 100);
    let payment = session.payment(&client, 60, &[(&invoice, 60)]);
    let deleted = session.done("DELETE", &format!("payments/{}", id(&payment)), Value::Null);
    assert_eq!((&deleted["status_id"], &deleted["is_deleted"]), (&json!("2"), &json!(true)));
    assert_eq!(deleted["paymentables"], json!([]));
    let open = session.now(Kind::Invoice, &invoice);
    assert_eq!((&open["balance"], &open["status_id"]), (&json!(100), &json!("2")));
    let rows = session.post("payments/bulk", json!({"action": "restore", "ids": [payment["id"]]}));
    assert_eq!(rows[0]["is_deleted"], true);
    let (status, _) = session.refused("PUT", &format!("payments/{}", id(&payment)), json!({}));
    assert_eq!(status, 400);
}

#[test]
fn a_refund_is_a_figure_on_the_payment_and_opens_its_invoices() {
    let mut session = Session::new(Seed::Empty);
    let client = session.client("Ann");
    let invoice = session.invoice(&client, 100);
    let payment = session.payment(&client, 100, &[(&invoice, 100)]);
    let mut refund = |amount: i64| {
        let body = json!({"id": payment["id"], "date": "2026-05-15", "invoices": allocations(&[(&invoice, amount)])});
        session.send("POST", "payments/refund", body)
    };
    let (_, part) = refund(30);
    assert_eq!((&part["data"]["refunded"], &part["data"]["status_id"]), (&json!(30), &json!("5")));
    assert_eq!(part["data"]["paymentables"][0]["refunded"], 30);
    assert_eq!(refund(71).0, 422);
    let (_, whole) = refund(70);
    assert_eq!(whole["data"]["status_id"], "6");
    let open = session.now(Kind::Invoice, &invoice);
    assert_eq!(
        (&open["balance"], &open["paid_to_date"], &open["status_id"]),
        (&json!(100), &json!(0), &json!("2"))
    );
    assert_eq!(session.now(Kind::Client, &client)["paid_to_date"], 0);
}

#[test]
fn a_refund_names_the_invoices_if_there_are_any_and_always_a_date() {
    let mut session = Session::new(Seed::Empty);
    let client = session.client("Ann");
    let invoice = session.invoice(&client, 100);
    let applied = session.payment(&client, 100, &[(&invoice, 100)]);
    let free = session.payment(&client, 20, &[]);
    let errors = session.errors("POST", "payments/refund", json!({"id": applied["id"], "amount": 10}));
    assert_eq!(errors.as_object().unwrap().keys().collect::<Vec<_>>(), ["date", "id"]);
    let refunded =
        session.post("payments/refund", json!({"id": free["id"], "date": "2026-05-15", "amount": 20}));
    assert_eq!(refunded["status_id"], "6");
}

#[test]
fn clients_are_mailed_unless_told_otherwise() {
    let mut session = Session::new(Seed::Empty);
    let client = session.client("Ann");
    let pay = |session: &mut Session, path: &str, amount: i64| {
        session.post(path, json!({"client_id": client["id"], "amount": amount}));
        session.company.mails().len()
    };
    assert_eq!(pay(&mut session, "payments?email_receipt=false", 1), 0);
    assert_eq!(pay(&mut session, "payments", 2), 1);
    session.set(json!({"settings": {"client_manual_payment_notification": false}}));
    assert_eq!(pay(&mut session, "payments", 3), 1);
    assert_eq!(pay(&mut session, "payments?email_receipt=true", 4), 2);
}

#[test]
fn a_foreign_payment_without_a_rate_gets_the_servers() {
    let mut session = Session::new(Seed::Empty);
    let client = session.post("clients", json!({"settings": {"currency_id": "3"}}));
    let payment = session.payment(&client, 10, &[]);
    assert_eq!((&payment["currency_id"], payment["exchange_rate"].to_string()), (&json!("3"), "1.25".into()));
    let own =
        session.post("payments", json!({"client_id": client["id"], "amount": 11, "exchange_rate": 0.9}));
    assert_eq!(own["exchange_rate"].to_string(), "0.9");
}

#[test]
fn a_payment_deleted_after_its_invoice_is_not_paid_again_when_the_invoice_is_restored() {
    let mut session = Session::new(Seed::Empty);
    let client = session.client("Ann");
    let (one, two) = (session.invoice(&client, 100), session.invoice(&client, 50));
    let payment = session.payment(&client, 60, &[(&one, 20), (&two, 40)]);
    session.done("DELETE", &format!("invoices/{}", id(&one)), Value::Null);
    session.done("DELETE", &format!("payments/{}", id(&payment)), Value::Null);
    session.post("invoices/bulk", json!({"action": "restore", "ids": [one["id"]]}));
    for invoice in [one, two] {
        let after = session.now(Kind::Invoice, &invoice);
        assert_eq!((&after["paid_to_date"], &after["balance"]), (&json!(0), &invoice["balance"]));
    }
}
