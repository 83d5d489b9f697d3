use invoice_ninja_simulator::company::Seed;
use serde_json::{Value, json};
use sync::model::{Discount, InvoiceStatus, Kind, Record};
use sync::ports::{Billing, BillingError, BillingQuery};

use crate::app::{
    App, a_client, a_line, a_payment, a_product, acme, an_invoice, decimal, tax, the_client, the_invoice,
};

#[tokio::test]
async fn records_are_created_read_back_and_found() {
    let app = App::start(Seed::Empty).await;
    let stored = app.create(Record::Client(Box::new(a_client()))).await.unwrap();
    let client = the_client(stored.record.clone());
    assert_eq!(client.contacts, a_client().contacts);
    assert_eq!(client.billing_address, a_client().billing_address);
    assert_eq!(client.payment_terms, Some(14));
    assert_eq!(app.fetch(Kind::Client, &client.id).await, Some(stored.clone()));
    for name in ["O'Brien & Söhne: Gärten", " o'brien & söhne: GÄRTEN "] {
        assert_eq!(
            app.find(BillingQuery::ClientNamed(name.into())).await,
            std::slice::from_ref(&stored),
            "T9"
        );
    }
    assert_eq!(app.find(BillingQuery::ClientNamed("O'Brien".into())).await, [], "the filter is a wider one");
    assert_eq!(app.find(BillingQuery::ClientWithEmail("maeve@obrien.example".into())).await, [stored]);

    let product = app.create(Record::Product(a_product())).await.unwrap();
    let Record::Product(read) = product.record.clone() else { unreachable!() };
    assert_eq!(read, sync::model::Product { id: read.id.clone(), ..a_product() });
    assert_eq!(app.find(BillingQuery::ProductKeyed("Turf".into())).await, [product]);
}

#[tokio::test]
async fn an_invoice_is_issued_with_its_taxes_and_nobody_gets_an_e_mail() {
    let app = App::start(Seed::Empty).await;
    let (client, invoice) = app.with_invoice().await;
    assert_eq!((invoice.status, invoice.amount), (InvoiceStatus::Sent, decimal("108.25")));
    assert_eq!(invoice.lines, [a_line("Front lawn")]);
    assert_eq!(invoice.client.as_ref(), Some(&client));
    let rates = app.json("tax_rates");
    assert_eq!(
        (&rates["data"][0]["name"], &rates["data"][0]["rate"]),
        (&json!("Bayshore"), &json!(8.25)),
        "R47"
    );
    let found = app.find(BillingQuery::InvoiceNumbered("INV-7".into())).await;
    assert_eq!(found.len(), 1);
    app.simulator.with_company(0, |company, _| assert!(company.mails().is_empty())).unwrap();

    let taken = app.create(Record::Invoice(Box::new(an_invoice(&client.id)))).await.unwrap_err();
    assert!(matches!(&taken, BillingError::Refused(reason) if reason.contains("number")), "{taken}");
    let draft = sync::model::Invoice {
        status: InvoiceStatus::Draft,
        number: "INV-8".into(),
        ..an_invoice(&client.id)
    };
    let draft = app.create(Record::Invoice(Box::new(draft))).await.unwrap();
    assert_eq!(the_invoice(draft.record).status, InvoiceStatus::Draft);
}

/// Records are written side by side, and by several functions (R47).
#[tokio::test]
async fn a_tax_is_made_once_whoever_else_makes_it_at_the_time() {
    let app = App::start(Seed::Empty).await;
    let client = app.create(Record::Client(Box::new(a_client()))).await.unwrap().record;
    let invoice = |number: &str, name: &str| {
        let mut invoice = an_invoice(client.id());
        invoice.number = number.into();
        invoice.lines[0].taxes = vec![tax(name, "8.25")];
        app.create(Record::Invoice(Box::new(invoice)))
    };
    let (one, other) = tokio::join!(invoice("INV-1", "Bayshore"), invoice("INV-2", "Bayshore"));
    assert!(one.is_ok() && other.is_ok(), "{one:?} {other:?}");

    app.person("POST", "tax_rates", &json!({"name": "Hillside", "rate": 8.25}));
    invoice("INV-3", "Hillside").await.unwrap();
    let names = app.json("tax_rates")["data"].as_array().map(|rates| rates.len());
    assert_eq!(names, Some(2));
}

#[tokio::test]
async fn an_update_sends_what_differs_and_keeps_the_rest() {
    let app = App::start(Seed::Empty).await;
    let (_, before) = app.with_invoice().await;
    let id = before.id.clone();
    let path = format!("invoices/{id}");
    // A person writes where the model does not look, and adds to a member that stays.
    let mut line = app.json(&path)["data"]["line_items"][0].clone();
    line["custom_value1"] = json!("lot A");
    app.person(
        "PUT",
        &path,
        &json!({"footer": "Until soon", "custom_value1": "route 4", "line_items": [line]}),
    );

    let mut after = before.clone();
    after.lines[0].taxes = vec![tax("California", "7.25"), tax("Bayshore", "1")];
    after.lines.push(a_line("Back lawn"));
    after.lines[1].discount = Some(Discount::Percent(decimal("10")));
    let stored = app.update(&record(&before), &record(&after)).await.unwrap();
    assert_eq!(the_invoice(stored.record).lines, after.lines, "R46");
    let json = app.json(&path);
    assert_eq!(json["data"]["line_items"][0]["custom_value1"], "lot A");
    assert_eq!(
        (&json["data"]["footer"], &json["data"]["custom_value1"]),
        (&json!("Until soon"), &json!("route 4"))
    );

    app.simulator.forget_calls();
    app.update(&record(&after), &record(&after)).await.unwrap();
    assert!(
        app.simulator.calls().iter().all(|call| call.method == "GET"),
        "nothing differs, nothing is sent"
    );
}

#[tokio::test]
async fn contacts_that_stay_keep_what_the_model_does_not_know() {
    let app = App::start(Seed::Empty).await;
    let stored = app.create(Record::Client(Box::new(a_client()))).await.unwrap();
    let before = the_client(stored.record);
    let path = format!("clients/{}", before.id);
    let mut contact = app.json(&path)["data"]["contacts"][0].clone();
    contact["custom_value1"] = json!("calls only");
    contact["send_email"] = json!(false);
    let other = json!({"first_name": "Finn", "email": "finn@obrien.example"});
    app.person("PUT", &path, &json!({"contacts": [contact, other]}));

    let mut after = before.clone();
    after.contacts[0].email = "maeve@new.example".into();
    after.name = "O'Brien Gardens".into();
    app.update(&Record::Client(Box::new(before)), &Record::Client(Box::new(after))).await.unwrap();
    let contacts = app.json(&path)["data"]["contacts"].clone();
    assert_eq!(contacts.as_array().unwrap().len(), 2, "{contacts}");
    assert_eq!(contacts[0]["email"], "maeve@new.example");
    assert_eq!(
        (&contacts[0]["custom_value1"], &contacts[0]["send_email"]),
        (&json!("calls only"), &json!(false))
    );
    assert_eq!(contacts[1]["first_name"], "Finn");
}

#[tokio::test]
async fn a_payment_is_one_by_its_number_and_is_replaced_to_be_changed() {
    let app = App::start(Seed::Empty).await;
    let (_, invoice) = app.with_invoice().await;
    let stored = app.create(Record::Payment(Box::new(a_payment(&invoice, "50")))).await.unwrap();
    let Record::Payment(paid) = stored.record.clone() else { unreachable!() };
    assert_eq!((paid.amount, paid.allocations[0].amount), (decimal("50"), decimal("50")));
    assert_eq!(paid.allocations[0].invoice_date, Some(invoice.date), "D8");
    assert_eq!(app.find(BillingQuery::PaymentNumbered("qb-77".into())).await, [stored]);
    app.simulator.with_company(0, |company, _| assert!(company.mails().is_empty())).unwrap();

    let mut twin = a_payment(&invoice, "20");
    twin.date = jiff::civil::date(2026, 3, 6);
    let refused = app.create(Record::Payment(Box::new(twin))).await.unwrap_err();
    assert!(matches!(refused, BillingError::Refused(_)), "{refused}");

    let mut after = paid.clone();
    after.amount = decimal("60");
    let refused = app.update(&Record::Payment(paid.clone()), &Record::Payment(after)).await.unwrap_err();
    assert!(matches!(&refused, BillingError::Refused(reason) if reason.contains("amount")), "{refused}");

    for _ in 0..2 {
        app.client.delete(&acme(), Kind::Payment, &paid.id).await.unwrap();
    }
    let shadow = app.fetch(Kind::Payment, &paid.id).await.unwrap();
    let Record::Payment(gone) = shadow.record else { unreachable!() };
    assert!(shadow.deleted && gone.allocations.is_empty(), "it forgets what it paid");
    assert_eq!(app.json(&format!("invoices/{}", invoice.id))["data"]["balance"], json!(108.25));
}

#[tokio::test]
async fn a_note_is_left_once_and_only_where_it_harms_nothing() {
    let app = App::start(Seed::Empty).await;
    let (_, invoice) = app.with_invoice().await;
    for _ in 0..2 {
        app.client.note(&acme(), Kind::Invoice, &invoice.id, "The books are closed.").await.unwrap();
    }
    app.client.note(&acme(), Kind::Invoice, &invoice.id, "Ask Ana.").await.unwrap();
    let notes = app.json(&format!("invoices/{}", invoice.id))["data"]["private_notes"].clone();
    assert_eq!(notes, "The books are closed.\nAsk Ana.", "R69");

    let payment = app.create(Record::Payment(Box::new(a_payment(&invoice, "50")))).await.unwrap();
    let id = payment.record.id().clone();
    let refund = json!({"id": id, "date": "2026-03-09", "amount": 50, "invoices": [{"invoice_id": invoice.id, "amount": 50}]});
    app.person("POST", "payments/refund", &refund);
    let refused = app.client.note(&acme(), Kind::Payment, &id, "Look here.").await.unwrap_err();
    assert!(matches!(refused, BillingError::Refused(_)), "it would become a completed one: {refused}");
}

#[tokio::test]
async fn what_is_gone_cannot_be_written() {
    let app = App::start(Seed::Empty).await;
    let (_, invoice) = app.with_invoice().await;
    app.client.delete(&acme(), Kind::Invoice, &invoice.id).await.unwrap();
    let mut after = invoice.clone();
    after.po_number = "PO-2".into();
    assert!(matches!(app.update(&record(&invoice), &record(&after)).await, Err(BillingError::Gone)));
    assert!(matches!(
        app.client.note(&acme(), Kind::Invoice, &invoice.id, "Gone.").await,
        Err(BillingError::Gone)
    ));
    let never = sync::ids::BillingId::new("never-there").unwrap();
    assert_eq!(app.fetch(Kind::Invoice, &never).await, None, "a missing record is a bad request to the app");
    app.client.delete(&acme(), Kind::Invoice, &never).await.unwrap();
}

fn record(invoice: &sync::model::Invoice) -> Record {
    Record::Invoice(Box::new(invoice.clone()))
}

#[tokio::test]
async fn the_notes_that_the_app_rewrote_come_back_as_it_has_them() {
    let app = App::start(Seed::Empty).await;
    let client = app.create(Record::Client(Box::new(a_client()))).await.unwrap();
    let mut invoice = an_invoice(client.record.id());
    invoice.lines[0].notes = "Work of :MONTH".into();
    let stored = app.create(Record::Invoice(Box::new(invoice))).await.unwrap();
    let there: Value =
        app.json(&format!("invoices/{}", stored.record.id()))["data"]["line_items"][0]["notes"].clone();
    assert_eq!(the_invoice(stored.record).lines[0].notes, there.as_str().unwrap());
}
