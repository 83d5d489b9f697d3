//! Lost answers, stale versions, and what a bookkeeper did meanwhile.

use quickbooks_simulator::company::Seed;
use quickbooks_simulator::server::{CallKind, Effect, ErrorBody, Fault};
use serde_json::json;
use sync::outcome::ParkCause;
use sync::push::Verdict;

use crate::desk::{Desk, client, done, invoice, parked, payment};

/// Delivers one event until it is acknowledged, and tells how often that was.
async fn until_done(desk: &Desk, event: &serde_json::Value) -> usize {
    for attempt in 1..10 {
        if desk.deliver(std::slice::from_ref(event)).await == [Verdict::Acknowledge] {
            return attempt;
        }
    }
    panic!("never acknowledged");
}

#[tokio::test]
async fn t3_an_answer_lost_after_the_commit_makes_one_of_each() {
    for kind in ["client", "product", "invoice", "payment"] {
        for forgetful in [false, true] {
            let desk = Desk::open(Seed::Landscaping).await;
            let ames = client("c-1", "Ames & Daughters");
            let bill = invoice("i-1", &ames, &["Hedge laying"]);
            let (event, entity) = match kind {
                "client" => (desk.event("client.created", &ames), "Customer"),
                "product" => {
                    (desk.event("product.created", &crate::desk::product("p-1", "Ditching")), "Item")
                }
                _ => {
                    done(&desk.push("client.created", &ames).await);
                    done(&desk.push("product.created", &crate::desk::product("p-1", "Hedge laying")).await);
                    if kind == "invoice" {
                        (desk.event("invoice.sent", &bill), "Invoice")
                    } else {
                        done(&desk.push("invoice.sent", &bill).await);
                        (desk.event("payment.created", &payment("y-1", &ames, 60, &[("i-1", 60)])), "Payment")
                    }
                }
            };
            let before = desk.count(entity);
            // Intuit does not say how long it remembers a requestid: neither net may be needed for the other.
            desk.company(|company| company.switches().requestid_hours = if forgetful { 0 } else { 24 });
            desk.simulator.add_fault(Fault::once(Effect::LoseResponse).on(CallKind::Create));
            assert_eq!(until_done(&desk, &event).await, 2, "{kind}");
            assert_eq!(done(&desk.result(&event).await).0, "Created", "{kind}");
            assert_eq!(desk.count(entity), before + 1, "{kind}, requestid forgotten: {forgetful}");
        }
    }
}

#[tokio::test]
async fn a_request_that_never_arrived_is_sent_again() {
    for effect in [Effect::LoseRequest, Effect::ServerError { status: 503, body: ErrorBody::Html }] {
        let desk = Desk::open(Seed::Landscaping).await;
        let customers = desk.count("Customer");
        let event = desk.event("client.created", &client("c-1", "Ames & Daughters"));
        desk.simulator.add_fault(Fault { count: Some(2), ..Fault::once(effect).on(CallKind::Create) });
        assert_eq!(until_done(&desk, &event).await, 3);
        assert_eq!(desk.count("Customer"), customers + 1);
    }
}

#[tokio::test]
async fn t5_an_invoice_is_edited_after_its_payment() {
    let desk = Desk::open(Seed::Landscaping).await;
    let ames = client("c-1", "Ames & Daughters");
    let mut bill = invoice("i-1", &ames, &["Hedge laying"]);
    let (_, id) = done(&desk.push("invoice.sent", &bill).await);
    done(&desk.push("payment.created", &payment("y-1", &ames, 60, &[("i-1", 60)])).await);
    bill["public_notes"] = json!("Thank you.");
    let result = desk.push("invoice.updated", &bill).await;
    assert_eq!(done(&result).0, "Updated", "the payment had bumped the SyncToken (5010)");
    assert_eq!(desk.entity("Invoice", &id)["CustomerMemo"]["value"], "Thank you.");
    assert!(
        matches!(result, sync::activity::ActivityResult::Done(done) if done.notes.is_empty()),
        "no conflict to tell"
    );
}

#[tokio::test]
async fn a_bookkeepers_edit_to_another_field_survives() {
    let desk = Desk::open(Seed::Landscaping).await;
    let mut ames = client("c-1", "Ames & Daughters");
    let (_, id) = done(&desk.push("client.created", &ames).await);
    let token = desk.entity("Customer", &id)["SyncToken"].clone();
    desk.bookkeeper("customer", &[], &json!({
        "Id": id.as_str(), "SyncToken": token, "sparse": true, "Notes": "Pays late", "Mobile": {"FreeFormNumber": "555 0177"},
    }));
    ames["name"] = json!("Ames & Granddaughters");
    assert_eq!(done(&desk.push("client.updated", &ames).await).0, "Updated");
    let row = desk.entity("Customer", &id);
    assert_eq!(row["DisplayName"], "Ames & Granddaughters");
    assert_eq!((&row["Notes"], &row["Mobile"]["FreeFormNumber"]), (&json!("Pays late"), &json!("555 0177")));
}

#[tokio::test]
async fn where_both_changed_a_field_the_later_edit_wins_and_the_loser_is_told() {
    let desk = Desk::open(Seed::Landscaping).await;
    let mut ames = client("c-1", "Ames & Daughters");
    let (_, id) = done(&desk.push("client.created", &ames).await);
    let token = desk.entity("Customer", &id)["SyncToken"].clone();
    desk.bookkeeper(
        "customer",
        &[],
        &json!({"Id": id.as_str(), "SyncToken": token, "sparse": true, "Notes": "Pays late"}),
    );
    ames["public_notes"] = json!("Ring twice");
    let mut event = desk.event("client.updated", &ames);
    event["time"] = json!("2099-01-01T00:00:00Z");
    desk.deliver(std::slice::from_ref(&event)).await;
    let sync::activity::ActivityResult::Done(done) = desk.result(&event).await else { panic!("done") };
    assert!(done.notes[0].contains("replaced QuickBooks' \"Pays late\""), "{:?}", done.notes);
    assert_eq!(desk.entity("Customer", &id)["Notes"], "Ring twice", "D3");
}

#[tokio::test]
async fn t4_what_was_deleted_in_quickbooks_is_created_anew_once() {
    let desk = Desk::open(Seed::Landscaping).await;
    let ames = client("c-1", "Ames & Daughters");
    let mut bill = invoice("i-1", &ames, &["Hedge laying"]);
    let (_, first) = done(&desk.push("invoice.sent", &bill).await);
    let token = desk.entity("Invoice", &first)["SyncToken"].clone();
    desk.bookkeeper(
        "invoice",
        &[("operation", "delete")],
        &json!({"Id": first.as_str(), "SyncToken": token}),
    );
    bill["public_notes"] = json!("Thank you.");
    let (action, second) = done(&desk.push("invoice.updated", &bill).await);
    assert_eq!(action, "Created");
    assert_ne!(first, second);
    bill["public_notes"] = json!("Thanks.");
    assert_eq!(done(&desk.push("invoice.updated", &bill).await), ("Updated".into(), second), "a live id");
}

#[tokio::test]
async fn t4_a_refused_second_create_does_not_bring_the_first_ones_dead_id_back() {
    let desk = Desk::open(Seed::Landscaping).await;
    let ames = client("c-1", "Ames & Daughters");
    let bill = invoice("i-1", &ames, &["Hedge laying"]);
    let (_, first) = done(&desk.push("invoice.sent", &bill).await);
    let token = desk.entity("Invoice", &first)["SyncToken"].clone();
    desk.bookkeeper(
        "invoice",
        &[("operation", "delete")],
        &json!({"Id": first.as_str(), "SyncToken": token}),
    );
    let close = |until: Option<&str>| {
        let now = sync::ports::Clock::now(&crate::desk::Now);
        desk.company(|company| company.close_books(until.map(|date| date.parse().unwrap()), false, now));
    };
    close(Some("2026-06-30"));
    let mut edited = bill.clone();
    edited["public_notes"] = json!("Thank you.");
    parked(&desk.push("invoice.updated", &edited).await);
    close(None);
    let (_, second) = done(&desk.push("invoice.updated", &bill).await);
    assert_ne!(first, second, "the content is the first one's, the request is not");
    assert_eq!(desk.entity("Invoice", &second)["TotalAmt"].to_string(), "100.00");
}

#[tokio::test]
async fn t18_a_closed_period_waits_for_a_person_and_is_not_retried() {
    let desk = Desk::open(Seed::Landscaping).await;
    let ames = client("c-1", "Ames & Daughters");
    let bill = invoice("i-1", &ames, &["Hedge laying"]);
    let close = |until: Option<&str>| {
        let now = sync::ports::Clock::now(&crate::desk::Now);
        desk.company(|company| company.close_books(until.map(|date| date.parse().unwrap()), false, now));
    };
    close(Some("2026-06-30"));
    let park = parked(&desk.push("invoice.sent", &bill).await).clone();
    assert_eq!(park.cause, ParkCause::ClosedPeriod, "told by QuickBooks: {}", park.reason);
    desk.read_reference_anew().await;
    desk.calls();
    let park = parked(&desk.push("invoice.sent", &bill).await).clone();
    assert!(park.cause == ParkCause::ClosedPeriod && park.reason.contains("2026-06-30"), "known beforehand");
    assert_eq!(desk.calls(), 1, "one look-up and nothing written");
    close(None);
    desk.read_reference_anew().await;
    done(&desk.push("invoice.sent", &bill).await);
}

#[tokio::test]
async fn an_inactive_item_is_never_reactivated_by_itself() {
    let desk = Desk::open(Seed::Landscaping).await;
    let ames = client("c-1", "Ames & Daughters");
    let (_, item) = done(&desk.push("product.created", &crate::desk::product("p-1", "Hedge laying")).await);
    let token = desk.entity("Item", &item)["SyncToken"].clone();
    desk.bookkeeper("item", &[], &json!({"Id": item.as_str(), "SyncToken": token, "sparse": true, "Active": false, "Name": "Hedge laying", "Type": "Service", "IncomeAccountRef": desk.entity("Item", &item)["IncomeAccountRef"]}));
    let result = desk.push("invoice.sent", &invoice("i-1", &ames, &["Hedge laying"])).await;
    assert_eq!(parked(&result).cause, ParkCause::Refused, "{result:?}");
    assert_eq!(desk.entity("Item", &item)["Active"], false);
}

#[tokio::test]
async fn an_update_whose_answer_was_lost_is_recognised_and_no_conflict_is_told() {
    for forgetful in [false, true] {
        let desk = Desk::open(Seed::Landscaping).await;
        let ames = client("c-1", "Ames & Daughters");
        let mut bill = invoice("i-1", &ames, &["Hedge laying"]);
        let (_, id) = done(&desk.push("invoice.sent", &bill).await);
        bill["lines"][0]["quantity"] = json!(3);
        bill["amount"] = json!(150);
        bill["public_notes"] = json!("Thank you.");
        let event = desk.event("invoice.updated", &bill);
        desk.company(|company| company.switches().requestid_hours = if forgetful { 0 } else { 24 });
        desk.simulator.add_fault(Fault::once(Effect::LoseResponse).on(CallKind::Update));
        assert_eq!(until_done(&desk, &event).await, 2);
        let result = desk.result(&event).await;
        assert!(
            matches!(&result, sync::activity::ActivityResult::Done(done) if done.notes.is_empty()),
            "{result:?}"
        );
        assert_eq!(desk.entity("Invoice", &id)["TotalAmt"].to_string(), "150.00");
        assert_eq!(
            desk.entity("Invoice", &id)["SyncToken"],
            "1",
            "written once; requestid forgotten: {forgetful}"
        );
    }
}
