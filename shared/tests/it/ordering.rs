//! Batches: order, repetition, and events that replace each other.

use quickbooks_simulator::company::Seed;
use quickbooks_simulator::server::{CallKind, Effect, Fault};
use serde_json::{Value, json};
use sync::push::Verdict;

use crate::desk::{Desk, client, done, invoice, parked, payment, product, skipped};

#[tokio::test]
async fn r95_the_same_event_again_ends_as_it_did() {
    let desk = Desk::open(Seed::Landscaping).await;
    let ames = client("c-1", "Ames & Daughters");
    let event = desk.event("invoice.sent", &invoice("i-1", &ames, &["Hedge laying"]));
    desk.deliver(std::slice::from_ref(&event)).await;
    let first = desk.result(&event).await;
    let invoices = desk.count("Invoice");
    desk.deliver(&[event.clone(), event.clone()]).await;
    assert_eq!(desk.result(&event).await, first);
    assert_eq!(desk.count("Invoice"), invoices);
}

#[tokio::test]
async fn the_same_event_twice_in_a_batch_keeps_its_own_reason() {
    let desk = Desk::open(Seed::Landscaping).await;
    let mut hedges = product("p-1", "Hedge laying");
    done(&desk.push("product.created", &hedges).await);
    hedges["price"] = json!(45.5);
    let edited = desk.event("product.updated", &hedges);
    desk.deliver(&[edited.clone(), edited.clone()]).await;
    assert!(skipped(&desk.result(&edited).await).contains("product edits"), "not: replaced by a later one");
}

#[tokio::test]
async fn a_message_may_hold_many_events_and_the_last_state_counts() {
    let desk = Desk::open(Seed::Landscaping).await;
    let ames = client("c-1", "Ames & Daughters");
    let mut bill = invoice("i-1", &ames, &["Hedge laying"]);
    let created = desk.event("invoice.created", &bill);
    let paid = desk.event("payment.created", &payment("y-1", &ames, 150, &[("i-1", 150)]));
    bill["lines"][0]["quantity"] = json!(3);
    bill["amount"] = json!(150);
    let edited = desk.event("invoice.updated", &bill);
    desk.deliver(&[json!([created, paid, edited])]).await;
    assert!(skipped(&desk.result(&created).await).contains("later event"));
    let (_, id) = done(&desk.result(&edited).await);
    done(&desk.result(&paid).await);
    assert_eq!(desk.entity("Invoice", &id)["Balance"].to_string(), "0");
}

#[tokio::test]
async fn an_older_state_never_replaces_a_newer_one() {
    let desk = Desk::open(Seed::Landscaping).await;
    let old = desk.event("client.created", &client("c-1", "Ames & Daughters"));
    let new = desk.event("client.updated", &client("c-1", "Ames & Granddaughters"));
    desk.deliver(std::slice::from_ref(&new)).await;
    desk.deliver(std::slice::from_ref(&old)).await;
    assert!(skipped(&desk.result(&old).await).contains("newer"));
    let (_, id) = done(&desk.result(&new).await);
    assert_eq!(desk.entity("Customer", &id)["DisplayName"], "Ames & Granddaughters");
}

#[tokio::test]
async fn what_is_told_late_of_a_record_that_was_deleted_makes_none() {
    let desk = Desk::open(Seed::Landscaping).await;
    let bill = invoice("i-1", &client("c-1", "Ames & Daughters"), &["Hedge laying"]);
    let created = desk.event("invoice.created", &bill);
    let deleted = desk.event("invoice.deleted", &bill);
    let (invoices, customers) = (desk.count("Invoice"), desk.count("Customer"));
    desk.deliver(std::slice::from_ref(&deleted)).await;
    assert!(skipped(&desk.result(&deleted).await).contains("never reached"));
    desk.deliver(std::slice::from_ref(&created)).await;
    assert!(skipped(&desk.result(&created).await).contains("only restoring it"));
    assert_eq!(desk.count("Invoice"), invoices);
    assert_eq!(desk.count("Customer"), customers, "nor anything for its sake");
    done(&desk.push("invoice.restored", &bill).await);
    assert_eq!(desk.count("Invoice"), invoices + 1);
}

#[tokio::test]
async fn a_deletion_that_overtakes_is_remembered_within_its_batch() {
    let desk = Desk::open(Seed::Landscaping).await;
    let ames = client("c-1", "Ames & Daughters");
    let created = desk.event("client.created", &ames);
    let deleted = desk.event("client.deleted", &ames);
    let customers = desk.count("Customer");
    desk.deliver(&[deleted, created.clone()]).await;
    skipped(&desk.result(&created).await);
    assert_eq!(desk.count("Customer"), customers);
    desk.deliver(std::slice::from_ref(&created)).await;
    assert_eq!(desk.count("Customer"), customers, "nor when it comes once more");
}

#[tokio::test]
async fn an_old_deletion_that_comes_again_takes_nothing_back() {
    let desk = Desk::open(Seed::Landscaping).await;
    let mut bill = invoice("i-1", &client("c-1", "Ames & Daughters"), &["Hedge laying"]);
    let (_, id) = done(&desk.push("invoice.sent", &bill).await);
    let deleted = desk.event("invoice.deleted", &bill);
    let restored = desk.event("invoice.restored", &bill);
    desk.deliver(&[deleted.clone(), restored.clone()]).await;
    assert!(skipped(&desk.result(&restored).await).contains("nothing"), "it was never away");
    bill["public_notes"] = json!("Thank you");
    let edited = desk.event("invoice.updated", &bill);
    desk.deliver(&[deleted.clone(), edited.clone()]).await;
    assert!(skipped(&desk.result(&deleted).await).contains("newer"));
    done(&desk.result(&edited).await);
    assert_eq!(desk.entity("Invoice", &id)["TotalAmt"].to_string(), "100.00");
    assert_eq!(desk.entity("Invoice", &id)["CustomerMemo"]["value"], "Thank you");
}

#[tokio::test]
async fn what_cannot_be_read_holds_nothing_up() {
    let desk = Desk::open(Seed::Landscaping).await;
    let good = desk.event("client.created", &client("c-1", "Ames & Daughters"));
    let mut foreign = desk.event("client.created", &client("c-2", "Somebody else's"));
    foreign["company"] = json!("other");
    let verdicts = desk.deliver(&[Value::String("{ not json".into()), foreign.clone(), good.clone()]).await;
    assert_eq!(verdicts, [Verdict::Acknowledge, Verdict::Acknowledge, Verdict::Acknowledge]);
    done(&desk.result(&good).await);
    let reasons: Vec<String> = desk
        .log()
        .await
        .iter()
        .filter(|entry| entry.result.is_parked())
        .map(|entry| parked(&entry.result).reason.clone())
        .collect();
    assert_eq!(reasons.len(), 2);
    assert!(reasons.iter().any(|reason| reason.contains("not JSON")), "{reasons:?}");
    assert!(reasons.iter().any(|reason| reason.contains("message group of acme")), "T1: {reasons:?}");
    assert!(
        desk.log()
            .await
            .iter()
            .filter(|entry| entry.result.is_parked())
            .all(|entry| entry.event_json.is_some())
    );
}

#[tokio::test]
async fn t25_a_throttle_redelivers_in_order_and_loses_nothing() {
    let desk = Desk::open(Seed::Landscaping).await;
    let ames = client("c-1", "Ames & Daughters");
    let events = [
        desk.event("client.created", &ames),
        desk.event("invoice.sent", &invoice("i-1", &ames, &["Hedge laying"])),
        desk.event("payment.created", &payment("y-1", &ames, 100, &[("i-1", 100)])),
    ];
    desk.simulator.add_fault(Fault {
        after: 1,
        count: Some(3),
        ..Fault::once(Effect::Throttle).on(CallKind::Create)
    });
    let mut waiting: Vec<Value> = events.to_vec();
    for _ in 0..6 {
        let verdicts = desk.deliver(&waiting).await;
        let first =
            verdicts.iter().position(|verdict| *verdict != Verdict::Acknowledge).unwrap_or(verdicts.len());
        assert!(
            verdicts[first..].iter().all(|verdict| *verdict != Verdict::Acknowledge),
            "what follows waits too"
        );
        waiting.drain(..first);
    }
    assert!(waiting.is_empty());
    for event in &events {
        done(&desk.result(event).await);
    }
    assert_eq!(
        desk.company(|company| company
            .entities("Invoice")
            .iter()
            .filter(|row| row["DocNumber"] == "N-i-1")
            .count()),
        1
    );
}

#[tokio::test]
async fn t14_a_payment_waits_for_its_invoice_and_goes_on_by_itself() {
    let desk = Desk::open(Seed::Landscaping).await;
    let ames = client("c-1", "Ames & Daughters");
    let paid = desk.event("payment.created", &payment("y-1", &ames, 100, &[("i-1", 100)]));
    desk.deliver(std::slice::from_ref(&paid)).await;
    assert!(parked(&desk.result(&paid).await).way_on.contains("by itself"));
    let (_, id) = done(&desk.push("invoice.sent", &invoice("i-1", &ames, &["Hedge laying"])).await);
    assert_eq!(done(&desk.result(&paid).await).0, "Created");
    assert_eq!(desk.entity("Invoice", &id)["Balance"].to_string(), "0");
    assert!(desk.log().await.iter().all(|entry| !entry.result.is_parked()));
}

#[tokio::test]
async fn t14_what_waited_is_not_forgotten_when_quickbooks_stumbles_then() {
    let desk = Desk::open(Seed::Landscaping).await;
    let ames = client("c-1", "Ames & Daughters");
    let paid = desk.event("payment.created", &payment("y-1", &ames, 100, &[("i-1", 100)]));
    desk.deliver(std::slice::from_ref(&paid)).await;
    let billed = desk.event("invoice.sent", &invoice("i-1", &ames, &["Hedge laying"]));
    let fault = Fault { path: Some("/payment".into()), ..Fault::once(Effect::Throttle) };
    desk.simulator.add_fault(fault);
    assert_ne!(desk.deliver(std::slice::from_ref(&billed)).await, [Verdict::Acknowledge]);
    assert_eq!(desk.deliver(std::slice::from_ref(&billed)).await, [Verdict::Acknowledge]);
    assert_eq!(done(&desk.result(&paid).await).0, "Created");
}
