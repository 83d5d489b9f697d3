//! Payments: defaults, application, limits, life.

use super::*;

fn path(entity: &str, object: &Value) -> String {
    format!("{entity}/{}", object["Id"].as_str().unwrap())
}

#[test]
fn a_minimal_payment_is_unapplied() {
    let mut session = Session::new(Seed::Landscaping);
    let customer = session.customer("Payer");
    let made = session.post("payment", json!({ "CustomerRef": { "value": customer["Id"] }, "TotalAmt": 25 }));
    let expected = json!({
        "CurrencyRef": { "value": "USD", "name": "United States Dollar" },
        "CustomerRef": { "value": customer["Id"], "name": "Payer" },
        "DepositToAccountRef": { "value": "4", "name": "Undeposited Funds" }, "Id": made["Id"], "Line": [],
        "MetaData": made["MetaData"], "ProcessPayment": false, "SyncToken": "0", "TotalAmt": made["TotalAmt"],
        "TxnDate": "2026-05-04", "UnappliedAmt": made["UnappliedAmt"], "domain": "QBO", "sparse": false,
    });
    assert_eq!(made, expected);
    assert_eq!(
        (spelled(&made, "TotalAmt"), spelled(&made, "UnappliedAmt")),
        ("25.00".into(), "25.00".into())
    );
    assert_eq!(spelled(&session.get(&path("customer", &customer)), "Balance"), "-25.00");
}

#[test]
fn what_a_payment_must_have() {
    let mut session = Session::new(Seed::Landscaping);
    let customer = session.customer("Payer");
    let with = |members: Value| {
        let mut body = json!({ "CustomerRef": { "value": customer["Id"] }, "TotalAmt": 10 });
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        body
    };
    assert_eq!(session.refused("payment", json!({ "TotalAmt": 1 })).2, "CustomerRef");
    assert_eq!(session.refused("payment", with(json!({ "TotalAmt": "" }))).2, "TotalAmt");
    assert_eq!(session.code("payment", with(json!({ "TotalAmt": -1 }))), "6000");
    assert_eq!(session.code("payment", with(json!({ "PaymentRefNum": "x".repeat(22) }))), "2050");
    assert_eq!(session.code("payment", with(json!({ "PaymentMethodRef": { "value": "99" } }))), "2500");
    assert_eq!(session.code("payment", with(json!({ "DepositToAccountRef": { "value": "1" } }))), "6430");
    assert_eq!(session.refused("payment", with(json!({ "Line": [{ "Amount": 1 }] }))).2, "Line.LinkedTxn");
    for (kind, code) in [("CreditMemo", "2500"), ("Invoice", "2500"), ("Wish", "2170")] {
        let line = json!({ "Amount": 1, "LinkedTxn": [{ "TxnId": "999", "TxnType": kind }] });
        assert_eq!(session.code("payment", with(json!({ "Line": [line] }))), code);
    }
    let negative = json!({ "Amount": -1, "LinkedTxn": [{ "TxnId": "1", "TxnType": "Invoice" }] });
    assert_eq!(session.code("payment", with(json!({ "Line": [negative] }))), "2290");
}

#[test]
fn a_payment_changes_its_invoice_and_the_customers_time() {
    let mut session = Session::new(Seed::Landscaping);
    let customer = session.customer("Payer");
    let invoice = session.invoice(&customer, "71");
    let payment = session.payment(&customer, "65", &invoice, "55");
    assert_eq!(spelled(&payment, "UnappliedAmt"), "10.00");
    assert_eq!(
        payment["Line"][0]["LineEx"]["any"][1]["value"],
        json!({ "Name": "txnOpenBalance", "Value": "71.00" })
    );
    let after = session.get(&path("invoice", &invoice));
    assert_eq!((spelled(&after, "Balance"), &after["SyncToken"]), ("16.00".into(), &json!("1")));
    assert_eq!(after["LinkedTxn"], json!([{ "TxnId": payment["Id"], "TxnType": "Payment" }]));
    assert_eq!(after["MetaData"]["LastUpdatedTime"], payment["MetaData"]["CreateTime"]);
    let owing = session.get(&path("customer", &customer));
    assert_eq!((spelled(&owing, "Balance"), &owing["SyncToken"]), ("6.00".into(), &json!("0")));
    assert_eq!(owing["MetaData"]["LastUpdatedTime"], payment["MetaData"]["CreateTime"]);
    assert_eq!(session.code("invoice", change(&invoice, json!({ "PrivateNote": "late" }))), "5010");
}

#[test]
fn nothing_is_paid_twice() {
    let mut session = Session::new(Seed::Landscaping);
    let (customer, other) = (session.customer("Payer"), session.customer("Other"));
    let (invoice, foreign) = (session.invoice(&customer, "50"), session.invoice(&other, "50"));
    assert_eq!(session.code("payment", payment_body(&customer, "60", &[(&invoice, "50.01")])), "6000");
    assert_eq!(session.code("payment", payment_body(&customer, "49", &[(&invoice, "50")])), "6000");
    assert_eq!(
        session.code("payment", payment_body(&customer, "60", &[(&invoice, "30"), (&invoice, "30")])),
        "6000"
    );
    assert_eq!(session.code("payment", payment_body(&customer, "50", &[(&foreign, "50")])), "6000");
    session.payment(&customer, "50", &invoice, "50");
    assert_eq!(session.code("payment", payment_body(&customer, "1", &[(&invoice, "1")])), "6000");
    let voided = session.post_with("invoice", &[("operation", "void")], key(&foreign));
    assert_eq!(session.code("payment", payment_body(&other, "1", &[(&voided, "1")])), "620");
}

#[test]
fn a_parent_pays_for_those_billed_with_it() {
    let mut session = Session::new(Seed::Landscaping);
    let parent = session.customer("Estate");
    let child = |name: &str, billed: bool| json!({ "DisplayName": name, "Job": true, "ParentRef": { "value": parent["Id"] }, "BillWithParent": billed });
    let (with, without) =
        (session.post("customer", child("Lawn", true)), session.post("customer", child("Wood", false)));
    let (paid, unpaid) = (session.invoice(&with, "40"), session.invoice(&without, "40"));
    assert_eq!(session.code("payment", payment_body(&parent, "40", &[(&unpaid, "40")])), "6000");
    session.payment(&parent, "50", &paid, "40");
    assert_eq!(spelled(&session.get(&path("customer", &with)), "Balance"), "0");
    let parent = session.get(&path("customer", &parent));
    assert_eq!(
        (spelled(&parent, "Balance"), spelled(&parent, "BalanceWithJobs")),
        ("-10.00".into(), "30.00".into())
    );
}

#[test]
fn lines_are_updated_all_or_none() {
    let mut session = Session::new(Seed::Landscaping);
    let customer = session.customer("Payer");
    let (a, b) = (session.invoice(&customer, "50"), session.invoice(&customer, "50"));
    let made = session.payment(&customer, "60", &a, "50");
    let noted = session.post("payment", change(&made, json!({ "PrivateNote": "n" })));
    assert_eq!((&noted["Line"], &noted["TotalAmt"]), (&made["Line"], &made["TotalAmt"]));
    assert_eq!(
        session.get(&path("invoice", &a))["SyncToken"],
        "1",
        "an untouched link leaves the invoice alone"
    );
    let lines = payment_body(&customer, "60", &[(&b, "45")])["Line"].clone();
    let moved = session.post("payment", change(&noted, json!({ "Line": lines })));
    assert_eq!(spelled(&moved, "UnappliedAmt"), "15.00");
    let (a_now, b_now) = (session.get(&path("invoice", &a)), session.get(&path("invoice", &b)));
    assert_eq!((spelled(&a_now, "Balance"), spelled(&b_now, "Balance")), ("50.00".into(), "5.00".into()));
    assert_eq!((&a_now["LinkedTxn"], &a_now["SyncToken"]), (&json!([]), &json!("2")));
    let more = payment_body(&customer, "60", &[(&b, "50")])["Line"].clone();
    let more = session.post("payment", change(&moved, json!({ "Line": more })));
    assert_eq!(
        spelled(&session.get(&path("invoice", &b)), "Balance"),
        "0",
        "its own share does not stand in its way"
    );
    let none = session.post("payment", change(&more, json!({ "Line": [] })));
    assert_eq!((spelled(&none, "UnappliedAmt"), &none["Line"]), ("60.00".into(), &json!([])));
    assert_eq!(
        session.code(
            "payment",
            change(
                &none,
                json!({ "TotalAmt": 40, "Line": payment_body(&customer, "1", &[(&a, "41")])["Line"] })
            )
        ),
        "6000"
    );
}

#[test]
fn a_lower_total_frees_what_was_applied_beyond_it() {
    let mut session = Session::new(Seed::Landscaping);
    let customer = session.customer("Payer");
    let invoice = session.invoice(&customer, "50");
    let (first, second) =
        (session.payment(&customer, "20", &invoice, "20"), session.payment(&customer, "30", &invoice, "30"));
    let paid = session.get(&path("invoice", &invoice));
    let mut line = paid["Line"][0].clone();
    line["Amount"] = json!(15);
    let lowered = session.post("invoice", change(&paid, json!({ "Line": [line] })));
    assert_eq!((spelled(&lowered, "Balance"), &lowered["SyncToken"]), ("0".into(), &json!("3")));
    assert_eq!(lowered["LinkedTxn"], json!([{ "TxnId": first["Id"], "TxnType": "Payment" }]));
    assert_eq!(spelled(&session.get(&path("payment", &second)), "UnappliedAmt"), "30.00");
    assert_eq!(spelled(&session.get(&path("payment", &first)), "UnappliedAmt"), "5.00");
    assert_eq!(spelled(&session.get(&path("customer", &customer)), "Balance"), "-35.00");
    let moved = change(&lowered, json!({ "CustomerRef": { "value": "1" } }));
    assert_eq!(session.code("invoice", moved), "6000");
}

#[test]
fn a_payment_may_name_an_invoice_twice() {
    let mut session = Session::new(Seed::Landscaping);
    let customer = session.customer("Payer");
    let invoice = session.invoice(&customer, "50");
    let payment =
        session.post("payment", payment_body(&customer, "50", &[(&invoice, "20"), (&invoice, "30")]));
    let paid = session.get(&path("invoice", &invoice));
    assert_eq!(spelled(&paid, "Balance"), "0");
    let mut line = paid["Line"][0].clone();
    line["Amount"] = json!(35);
    session.post("invoice", change(&paid, json!({ "Line": [line] })));
    let freed = session.get(&path("payment", &payment));
    assert_eq!(
        (spelled(&freed, "UnappliedAmt"), freed["Line"].as_array().unwrap().len()),
        ("15.00".into(), 1)
    );
}

#[test]
fn a_void_gives_the_invoices_back() {
    for shape in [&[("operation", "void")][..], &[("operation", "update"), ("include", "void")]] {
        let mut session = Session::new(Seed::Landscaping);
        let customer = session.customer("Payer");
        let invoice = session.invoice(&customer, "50");
        let made = session.payment(&customer, "60", &invoice, "50");
        let voided = session.post_with("payment", shape, change(&made, json!({})));
        assert_eq!(
            (spelled(&voided, "TotalAmt"), spelled(&voided, "UnappliedAmt")),
            ("0".into(), "0".into())
        );
        assert_eq!((&voided["Line"], &voided["PrivateNote"]), (&json!([]), &json!("Voided")));
        assert_eq!(voided["SyncToken"], "1");
        assert_eq!(spelled(&session.get(&path("invoice", &invoice)), "Balance"), "50.00");
        assert_eq!(spelled(&session.get(&path("customer", &customer)), "Balance"), "50.00");
    }
}

#[test]
fn a_deleted_payment_gives_the_invoices_back() {
    let mut session = Session::new(Seed::Landscaping);
    let customer = session.customer("Payer");
    let invoice = session.invoice(&customer, "50");
    let made = session.payment(&customer, "50", &invoice, "50");
    let answer = session.post_with("payment", &[("operation", "delete")], key(&made));
    assert_eq!(answer["status"], "Deleted");
    let open = session.get(&path("invoice", &invoice));
    assert_eq!((spelled(&open, "Balance"), &open["LinkedTxn"]), ("50.00".into(), &json!([])));
}

#[test]
fn a_deposited_payment_cannot_be_changed() {
    let mut session = Session::new(Seed::Landscaping);
    let customer = session.customer("Payer");
    let made = session.post("payment", payment_body(&customer, "5", &[]));
    let id = made["Id"].as_str().unwrap();
    session.company.deposit_payment(id).unwrap();
    assert_eq!(session.code("payment", change(&made, json!({ "PrivateNote": "x" }))), "6540");
    for operation in ["void", "delete"] {
        assert_eq!(session.refused_with("payment", &[("operation", operation)], key(&made)).0, "6540");
    }
    session.company.remove_from_deposit(id);
    session.post("payment", change(&made, json!({ "PrivateNote": "x" })));
    assert!(session.company.deposit_payment("999").is_err());
}

#[test]
fn currencies_must_agree() {
    let mut session = Session::new(Seed::Landscaping);
    session.company.enable_multicurrency(session.now);
    let customer =
        session.post("customer", json!({ "DisplayName": "Euro", "CurrencyRef": { "value": "EUR" } }));
    let mut body = payment_body(&customer, "5", &[]);
    assert_eq!(session.refused("payment", body.clone()).2, "ExchangeRate");
    body["ExchangeRate"] = json!("1.1");
    body["CurrencyRef"] = json!({ "value": "USD" });
    assert_eq!(session.code("payment", body.clone()), "6000");
    body["CurrencyRef"] = json!({ "value": "EUR" });
    assert_eq!(spelled(&session.post("payment", body), "ExchangeRate"), "1.1");
}

#[test]
fn read_artefacts_are_not_written() {
    let mut session = Session::new(Seed::Landscaping);
    let customer = session.customer("Payer");
    let invoice = session.invoice(&customer, "50");
    let made = session.payment(&customer, "50", &invoice, "50");
    assert_eq!(session.code("payment", made.clone()), "2010");
    session.company.switches().refuse_read_artefacts = false;
    session.post("payment", made);
}
