//! The points that no other test proves yet, each by one of its own.

use quickbooks_simulator::company::Seed;
use quickbooks_simulator::server::{CallKind, Effect, ErrorBody, Fault};
use serde_json::{Value, json};
use sync::outcome::ParkCause;
use sync::push::Verdict;
use sync::settings::Settings;

use crate::desk::{Desk, REALM, client, done, invoice, parked, payment, product, skipped};

#[tokio::test]
async fn point_13_a_requested_deposit_is_no_money_received() {
    let desk = Desk::open(Seed::Landscaping).await;
    let mut bill = invoice("i-1", &client("c-1", "Ames & Daughters"), &["Hedge laying"]);
    bill["partial"] = json!(20);
    bill["partial_due_date"] = json!("2026-06-10");
    let (_, id) = done(&desk.push("invoice.sent", &bill).await);
    let booked = desk.entity("Invoice", &id);
    assert_eq!(booked["Balance"].to_string(), "100.00");
    assert!(["null", "0"].contains(&booked["Deposit"].to_string().as_str()), "{}", booked["Deposit"]);
}

#[tokio::test]
async fn point_14_money_given_back_is_told_and_credit_is_not_booked_as_cash() {
    let desk = Desk::open(Seed::Landscaping).await;
    let ames = client("c-1", "Ames & Daughters");
    done(&desk.push("invoice.sent", &invoice("i-1", &ames, &["Hedge laying"])).await);
    let payments = desk.count("Payment");
    let mut refunded = payment("y-1", &ames, 100, &[("i-1", 100)]);
    refunded["refunded"] = json!(30);
    refunded["status"] = json!("partially_refunded");
    let park = parked(&desk.push("payment.created", &refunded).await).clone();
    assert!(park.cause == ParkCause::Refund && park.reason.contains("30.00"), "{}", park.reason);
    let credit = payment("y-2", &ames, 0, &[("i-1", 0)]);
    assert_eq!(parked(&desk.push("payment.created", &credit).await).cause, ParkCause::Amount);
    let mut over = payment("y-3", &ames, 40, &[("i-1", 100)]);
    over["status"] = json!("completed");
    assert_eq!(
        parked(&desk.push("payment.created", &over).await).cause,
        ParkCause::Amount,
        "40 and a credit"
    );
    assert_eq!(desk.count("Payment"), payments);
}

#[tokio::test]
async fn point_16_what_is_false_is_false() {
    let desk = Desk::open(Seed::Landscaping).await;
    for (id, exempt) in [("c-1", true), ("c-2", false)] {
        let mut record = client(id, &format!("Client {id}"));
        record["tax_exempt"] = json!(exempt);
        let (_, made) = done(&desk.push("client.created", &record).await);
        assert_eq!(desk.entity("Customer", &made)["Taxable"], !exempt, "{id}");
    }
    // A text is no boolean: the event is told to be unreadable instead of being taken for either.
    let mut odd = client("c-3", "Client c-3");
    odd["tax_exempt"] = json!("false");
    let park = parked(&desk.push("client.created", &odd).await).clone();
    assert!(park.cause == ParkCause::Unreadable && park.reason.contains("tax_exempt"), "{}", park.reason);
}

#[tokio::test]
async fn point_20_every_edit_is_pushed_and_nothing_but_it() {
    let desk = Desk::open(Seed::Landscaping).await;
    let ames = client("c-1", "Ames & Daughters");
    let other = client("c-2", "Brook Gardens");
    done(&desk.push("client.created", &other).await);
    let mut bill = invoice("i-1", &ames, &["Hedge laying"]);
    let (_, id) = done(&desk.push("invoice.sent", &bill).await);
    let shown = |name: &str| desk.entity("Invoice", &id)[name].clone();
    for (member, value, name) in [
        ("date", json!("2026-06-03"), "TxnDate"),
        ("due_date", json!("2026-08-01"), "DueDate"),
        ("public_notes", json!("Thank you."), "CustomerMemo"),
        ("private_notes", json!("Ring first."), "PrivateNote"),
        ("po_number", json!("PO-77"), "PrivateNote"),
        ("number", json!("N-2026-1"), "DocNumber"),
        ("terms", json!("30 days"), "CustomerMemo"),
    ] {
        let before = shown(name);
        bill[member] = value;
        assert_eq!(done(&desk.push("invoice.updated", &bill).await).0, "Updated", "{member}");
        assert_ne!(shown(name), before, "{member}");
    }
    bill["client_id"] = json!("c-2");
    bill["client"] = other;
    done(&desk.push("invoice.updated", &bill).await);
    assert_eq!(shown("CustomerRef")["name"], "Brook Gardens");
    assert!(skipped(&desk.push("invoice.updated", &bill).await).contains("nothing"));
    let mut hedges = product("p-1", "Fencing");
    let (_, item) = done(&desk.push("product.created", &hedges).await);
    desk.save(Settings { push_product_edits: true, ..desk.settings().await }).await;
    hedges["notes"] = json!("Fencing, by the yard");
    done(&desk.push("product.updated", &hedges).await);
    assert_eq!(desk.entity("Item", &item)["Description"], "Fencing, by the yard", "D1");
}

#[tokio::test]
async fn point_27_a_clone_gets_a_counterpart_of_its_own() {
    let desk = Desk::open(Seed::Landscaping).await;
    let ames = client("c-1", "Ames & Daughters");
    let bill = invoice("i-1", &ames, &["Hedge laying"]);
    let (_, first) = done(&desk.push("invoice.sent", &bill).await);
    let mut clone = bill.clone();
    clone["id"] = json!("i-2");
    clone["sync"] = json!({"qb_id": first.as_str()});
    let invoices = desk.count("Invoice");
    clone["number"] = json!("N-i-2");
    let (_, second) = done(&desk.push("invoice.created", &clone).await);
    assert_ne!(first, second);
    assert_eq!(desk.count("Invoice"), invoices + 1);
    clone["lines"][0]["quantity"] = json!(9);
    clone["amount"] = json!(450);
    done(&desk.push("invoice.updated", &clone).await);
    assert_eq!(
        desk.entity("Invoice", &first)["TotalAmt"].to_string(),
        "100.00",
        "the original is not touched"
    );
}

#[tokio::test]
async fn point_29_a_number_in_use_is_found_as_it_is_sent_and_without_an_answer_nothing_is_made() {
    let desk = Desk::open(Seed::Landscaping).await;
    let ames = client("c-1", "Ames & Daughters");
    let (_, first) = done(&desk.push("invoice.sent", &invoice("i-1", &ames, &["Hedge laying"])).await);
    let long = "2026/NORTHERN-BRANCH/000000001";
    let seen = desk.entity("Invoice", &first);
    desk.bookkeeper(
        "invoice",
        &[],
        &json!({
            "CustomerRef": seen["CustomerRef"], "DocNumber": long[long.len() - 21..],
            "Line": [{"Amount": 100, "DetailType": "SalesItemLineDetail",
                "SalesItemLineDetail": {"ItemRef": seen["Line"][0]["SalesItemLineDetail"]["ItemRef"]}}],
        }),
    );
    let invoices = desk.count("Invoice");
    let mut bill = invoice("i-2", &ames, &["Hedge laying"]);
    bill["number"] = json!(long);
    assert_eq!(parked(&desk.push("invoice.sent", &bill).await).cause, ParkCause::LikelyTwin);
    bill["number"] = json!("N-i-2");
    let effect = Effect::ServerError { status: 503, body: ErrorBody::Html };
    desk.simulator.add_fault(Fault::once(effect).on(CallKind::Query));
    let event = desk.event("invoice.sent", &bill);
    assert!(matches!(desk.deliver(std::slice::from_ref(&event)).await[..], [Verdict::Redeliver { .. }]));
    assert_eq!(desk.count("Invoice"), invoices, "no look-up, no create");
    desk.deliver(std::slice::from_ref(&event)).await;
    done(&desk.result(&event).await);
}

#[tokio::test]
async fn point_35_no_tax_is_ever_added_to_somebodys_books() {
    for seed in [Seed::Landscaping, Seed::Global, Seed::AutomatedSalesTax] {
        let desk = Desk::open(seed).await;
        let taxes = || ["TaxCode", "TaxRate", "TaxAgency"].map(|entity| desk.count(entity));
        let before = taxes();
        let mut bill = invoice("i-1", &client("c-1", "Ames & Daughters"), &["Hedge laying"]);
        bill["lines"][0]["taxes"] = json!([{"name": "Odd", "rate": 3.21}]);
        desk.push("invoice.sent", &bill).await;
        assert_eq!(taxes(), before);
        let calls = desk.simulator.call_list(Some(REALM));
        assert!(calls.iter().all(|call| !call.path.to_lowercase().contains("tax")), "{calls:?}");
    }
}

#[tokio::test]
async fn point_48_every_event_leaves_an_entry_that_a_person_can_read() {
    let desk = Desk::open(Seed::Landscaping).await;
    let ames = client("c-1", "Ames & Daughters");
    let mut odd = invoice("i-2", &ames, &["Hedge laying"]);
    odd["lines"][0]["taxes"] = json!([{"name": "Odd", "rate": 3.21}]);
    let events = [
        desk.event("client.created", &ames),
        desk.event("client.updated", &ames),
        desk.event("invoice.sent", &invoice("i-1", &ames, &["Hedge laying"])),
        desk.event("invoice.sent", &odd),
        desk.event("product.deleted", &product("p-9", "Never seen")),
    ];
    for event in &events {
        desk.deliver(std::slice::from_ref(event)).await;
    }
    desk.deliver(&[Value::String("{ torn".into())]).await;
    let log = desk.log().await;
    assert_eq!(log.len(), events.len() + 1, "successes too");
    let invoiced = log.iter().find(|entry| entry.event.as_str() == events[2]["id"]).unwrap();
    assert_eq!((invoiced.label.as_str(), invoiced.quickbooks_id.is_some()), ("N-i-1", true));
    let park =
        parked(&log.iter().find(|entry| entry.event.as_str() == events[3]["id"]).unwrap().result).clone();
    assert!(park.reason.contains("3.21") && park.way_on.contains("retry"), "{park:?}");
}
