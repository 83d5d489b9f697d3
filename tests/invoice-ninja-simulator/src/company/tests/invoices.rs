use serde_json::{Value, json};

use super::{Session, id};
use crate::company::{Kind, Seed};

fn figures(invoice: &Value) -> String {
    let status = invoice["status_id"].as_str().unwrap();
    format!("{status}: {} - {} = {}", invoice["amount"], invoice["paid_to_date"], invoice["balance"])
}

#[test]
fn a_draft_has_an_amount_and_claims_nothing_until_it_is_sent() {
    let mut session = Session::new(Seed::Empty);
    let client = session.client("Ann");
    let draft = session.post("invoices", json!({
        "client_id": client["id"], "amount": 999, "balance": 999, "line_items": [{"cost": 12.5, "quantity": 4}],
    }));
    assert_eq!(figures(&draft), "1: 50 - 0 = 0");
    assert_eq!((&draft["number"], &draft["date"]), (&json!("0001"), &json!("2026-05-14")));
    assert_eq!(session.now(Kind::Client, &client)["balance"], 0);
    let sent = session.done("GET", &format!("invoices/{}/mark_sent", id(&draft)), Value::Null);
    assert_eq!(figures(&sent), "2: 50 - 0 = 50");
    assert_eq!(session.now(Kind::Client, &client)["balance"], 50);
}

#[test]
fn numbers_can_wait_until_the_invoice_is_sent() {
    let mut session = Session::new(Seed::Empty);
    session.set(json!({"settings": {"counter_number_applied": "when_sent"}}));
    let client = session.client("Ann");
    let draft = session.post("invoices", json!({"client_id": client["id"]}));
    assert_eq!(draft["number"], "");
    let sent = session.done("GET", &format!("invoices/{}/mark_sent", id(&draft)), Value::Null);
    assert_ne!(sent["number"], "");
}

#[test]
fn a_number_is_taken_once_and_free_again_when_its_invoice_is_deleted() {
    let mut session = Session::new(Seed::Empty);
    let client = session.client("Ann");
    let first = session.post("invoices", json!({"client_id": client["id"], "number": "R-1"}));
    let again = json!({"client_id": client["id"], "number": "R-1"});
    assert_eq!(
        session.errors("POST", "invoices", again.clone())["number"][0],
        "The number has already been taken."
    );
    let deleted = session.done("DELETE", &format!("invoices/{}", id(&first)), Value::Null);
    assert_eq!(deleted["number"], "R-1_deleted");
    session.post("invoices", again);
    session.post("invoices/bulk", json!({"action": "restore", "ids": [first["id"]]}));
    let restored = session.now(Kind::Invoice, &first);
    assert_eq!(restored["is_deleted"], false);
    assert_ne!(restored["number"], "R-1", "that one is taken meanwhile");
}

#[test]
fn lines_are_replaced_whole_and_other_fields_one_by_one() {
    let mut session = Session::new(Seed::Empty);
    let client = session.client("Ann");
    let invoice = session.post(
        "invoices?mark_sent=true",
        json!({
            "client_id": client["id"], "po_number": "PO 1",
            "line_items": [{"cost": 10, "quantity": 1}, {"cost": 20, "quantity": 1}],
        }),
    );
    let same = session.put("invoices", &invoice, json!({"public_notes": "Hello"}));
    assert_eq!((figures(&same), &same["po_number"]), ("2: 30 - 0 = 30".into(), &json!("PO 1")));
    let other = session.put("invoices", &invoice, json!({"line_items": [{"cost": 7, "quantity": 1}]}));
    assert_eq!(figures(&other), "2: 7 - 0 = 7");
    assert_eq!(other["line_items"].as_array().unwrap().len(), 1);
}

#[test]
fn an_edit_after_a_payment_moves_balance_and_status() {
    let mut session = Session::new(Seed::Empty);
    let client = session.client("Ann");
    let invoice = session.invoice(&client, 100);
    session.payment(&client, 100, &[(&invoice, 100)]);
    assert_eq!(figures(&session.now(Kind::Invoice, &invoice)), "4: 100 - 100 = 0");
    let raised = session.put("invoices", &invoice, json!({"line_items": [{"cost": 130, "quantity": 1}]}));
    assert_eq!(figures(&raised), "3: 130 - 100 = 30");
}

#[test]
fn what_cannot_be_written_is_refused_by_field() {
    let mut session = Session::new(Seed::Empty);
    let (client, other) = (session.client("Ann"), session.client("Bob"));
    let errors = session.errors("POST", "invoices", json!({
        "client_id": "VolejRejNm", "date": "14.05.2026", "line_items": "none", "discount": "much", "partial": -1,
    }));
    let fields: Vec<_> = errors.as_object().unwrap().keys().cloned().collect();
    assert_eq!(fields, ["client_id", "date", "discount", "line_items", "partial"]);
    let invoice = session.invoice(&client, 10);
    let path = format!("invoices/{}", id(&invoice));
    assert!(session.errors("PUT", &path, json!({"client_id": other["id"]})).get("client_id").is_some());
    assert!(session.company.records(Kind::Invoice).len() == 1);
}

#[test]
fn a_cancelled_invoice_keeps_its_amount_and_cannot_be_edited() {
    let mut session = Session::new(Seed::Empty);
    let client = session.client("Ann");
    let invoice = session.invoice(&client, 80);
    let cancelled = session.put("invoices", &invoice, json!({}));
    assert_eq!(figures(&cancelled), "2: 80 - 0 = 80");
    let cancelled = session.done("PUT", &format!("invoices/{}?cancel=true", id(&invoice)), json!({}));
    assert_eq!(figures(&cancelled), "5: 80 - 0 = 0");
    assert_eq!(session.now(Kind::Client, &client)["balance"], 0);
    assert!(
        session.errors("PUT", &format!("invoices/{}", id(&invoice)), json!({})).get("status_id").is_some()
    );
}

#[test]
fn a_draft_and_a_paid_invoice_cannot_be_cancelled() {
    let mut session = Session::new(Seed::Empty);
    let client = session.client("Ann");
    let draft = session
        .post("invoices", json!({"client_id": client["id"], "line_items": [{"cost": 5, "quantity": 1}]}));
    let paid = session.post(
        "invoices?paid=true",
        json!({"client_id": client["id"], "line_items": [{"cost": 5, "quantity": 1}]}),
    );
    for invoice in [draft, paid] {
        let before = session.now(Kind::Invoice, &invoice);
        session.get(&format!("invoices/{}/cancel", id(&invoice)));
        assert_eq!(session.now(Kind::Invoice, &invoice)["status_id"], before["status_id"]);
        let errors =
            session.errors("POST", "invoices/bulk", json!({"action": "cancel", "ids": [invoice["id"]]}));
        assert!(errors.get("ids").is_some());
    }
}

#[test]
fn paid_and_amount_paid_make_payments() {
    let mut session = Session::new(Seed::Empty);
    let client = session.client("Ann");
    let body = json!({"client_id": client["id"], "line_items": [{"cost": 40, "quantity": 1}]});
    let paid = session.post("invoices?paid=true&reference=cheque%209&include=payments", body.clone());
    assert_eq!(figures(&paid), "4: 40 - 40 = 0");
    assert_eq!(paid["payments"][0]["transaction_reference"], "cheque 9");
    let partly = session.post("invoices?amount_paid=15", body);
    assert_eq!(figures(&partly), "3: 40 - 15 = 25");
}

#[test]
fn locked_invoices_cannot_be_edited() {
    let mut session = Session::new(Seed::Empty);
    let client = session.client("Ann");
    let invoice = session.invoice(&client, 10);
    let path = format!("invoices/{}", id(&invoice));
    session.set(json!({"settings": {"lock_invoices": "when_sent"}}));
    assert!(session.errors("PUT", &path, json!({})).get("number").is_some());
    session.set(json!({"settings": {"lock_invoices": "when_paid"}}));
    session.done("PUT", &path, json!({}));
    session.payment(&client, 10, &[(&invoice, 10)]);
    assert!(session.errors("PUT", &path, json!({})).get("number").is_some());
    session.set(json!({"settings": {"lock_invoices": "end_of_month"}}));
    session.done("PUT", &path, json!({}));
    session.wait(31 * 86_400_000);
    assert!(session.errors("PUT", &path, json!({})).get("number").is_some());
}

#[test]
fn taxed_surcharges_are_the_companys_to_choose() {
    let mut session = Session::new(Seed::Empty);
    session.set(json!({"custom_surcharge_taxes1": true}));
    let client = session.client("Ann");
    let invoice = session.post(
        "invoices",
        json!({
            "client_id": client["id"], "line_items": [{"cost": 100, "quantity": 1}], "custom_surcharge1": 10,
            "custom_surcharge2": 10, "custom_surcharge_tax2": true, "tax_name1": "VAT", "tax_rate1": 20,
        }),
    );
    assert_eq!((&invoice["amount"], &invoice["total_taxes"]), (&json!(142), &json!(22)));
    assert_eq!(invoice["custom_surcharge_tax2"], false);
}

#[test]
fn the_clients_setting_decides_whether_taxes_are_included() {
    let mut session = Session::new(Seed::Empty);
    let client = session.post("clients", json!({"settings": {"inclusive_taxes": true}}));
    let line = json!({"cost": 120, "quantity": 1, "tax_name1": "VAT", "tax_rate1": 20});
    let invoice = session.post("invoices", json!({"client_id": client["id"], "line_items": [line]}));
    assert_eq!((&invoice["amount"], &invoice["total_taxes"]), (&json!(120), &json!(20)));
}

#[test]
fn deleting_an_invoice_takes_its_payments_back_and_restoring_brings_them_again() {
    let mut session = Session::new(Seed::Empty);
    let client = session.client("Ann");
    let (one, two) = (session.invoice(&client, 100), session.invoice(&client, 50));
    let alone = session.payment(&client, 40, &[(&one, 40)]);
    let both = session.payment(&client, 60, &[(&one, 20), (&two, 40)]);
    session.done("DELETE", &format!("invoices/{}", id(&one)), Value::Null);
    assert_eq!(session.now(Kind::Payment, &alone)["is_deleted"], true);
    let shrunk = session.now(Kind::Payment, &both);
    assert_eq!((&shrunk["amount"], &shrunk["applied"]), (&json!(40), &json!(40)));
    assert_eq!(shrunk["paymentables"].as_array().unwrap().len(), 1);
    assert_eq!(session.now(Kind::Client, &client)["balance"], 10);

    session.post("invoices/bulk", json!({"action": "restore", "ids": [one["id"]]}));
    assert_eq!(session.now(Kind::Invoice, &one)["number"], one["number"]);
    assert_eq!(session.now(Kind::Payment, &alone)["is_deleted"], false);
    assert_eq!(session.now(Kind::Payment, &both)["amount"], 60);
    assert_eq!(session.now(Kind::Client, &client)["balance"], 50);
}

#[test]
fn sending_by_mail_marks_it_as_sent_and_mails_the_client() {
    let mut session = Session::new(Seed::Empty);
    let client = session.client("Ann");
    let invoice = session.post("invoices?send_email=true", json!({"client_id": client["id"]}));
    assert_eq!(invoice["status_id"], "2");
    assert_eq!(session.company.mails().len(), 1);
}

#[test]
fn sending_sets_the_day_on_which_it_is_due_by_the_clients_terms() {
    let mut session = Session::new(Seed::Empty);
    session.set(json!({"settings": {"payment_terms": "30"}}));
    for (settings, due) in [(json!({}), "2026-06-13"), (json!({"payment_terms": "0"}), "2026-05-14")] {
        let client = session.post("clients", json!({"settings": settings}));
        let draft = session.post("invoices", json!({"client_id": client["id"]}));
        assert_eq!(draft["due_date"], "");
        assert_eq!(session.get(&format!("invoices/{}/mark_sent", id(&draft)))["due_date"], due);
        let body = json!({"client_id": client["id"], "due_date": "2026-12-24"});
        assert_eq!(session.post("invoices?mark_sent=true", body)["due_date"], "2026-12-24");
    }
}

#[test]
fn what_is_asked_in_advance_shrinks_as_it_is_paid() {
    let mut session = Session::new(Seed::Empty);
    let client = session.client("Ann");
    let invoice = session.post(
        "invoices?mark_sent=true",
        json!({
            "client_id": client["id"], "line_items": [{"cost": 100, "quantity": 1}], "partial": 40,
            "partial_due_date": "2026-06-01",
        }),
    );
    assert_eq!((figures(&invoice), &invoice["partial"]), ("2: 100 - 0 = 100".into(), &json!(40)));
    session.payment(&client, 15, &[(&invoice, 15)]);
    let after = session.now(Kind::Invoice, &invoice);
    assert_eq!((&after["partial"], &after["partial_due_date"]), (&json!(25), &json!("2026-06-01")));
    session.payment(&client, 30, &[(&invoice, 30)]);
    let after = session.now(Kind::Invoice, &invoice);
    assert_eq!((&after["partial"], &after["partial_due_date"]), (&json!(0), &json!("")));
}
