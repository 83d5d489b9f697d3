//! Deletes, cancels and voids, closed books, and what comes back afterwards.

use quickbooks_simulator::company::Seed;
use quickbooks_simulator::server::{CallKind, Effect, Fault};
use serde_json::{Value, json};
use sync::outcome::ParkCause;
use sync::push::Verdict;
use sync::settings::Settings;

use crate::desk::{Desk, client, done, invoice, parked, payment, skipped};

#[tokio::test]
async fn both_void_shapes_leave_the_document_with_its_amounts_at_zero() {
    let desk = Desk::open(Seed::Landscaping).await;
    let ames = client("c-1", "Ames & Daughters");
    let bill = invoice("i-1", &ames, &["Hedge laying"]);
    let (_, booked) = done(&desk.push("invoice.sent", &bill).await);
    let paid = payment("y-1", &ames, 60, &[("i-1", 60)]);
    let (_, received) = done(&desk.push("payment.created", &paid).await);
    desk.simulator.forget_calls();
    assert_eq!(done(&desk.push("payment.deleted", &paid).await), ("Voided".into(), received.clone()));
    assert_eq!(done(&desk.push("invoice.voided", &bill).await), ("Voided".into(), booked.clone()));
    let calls: Vec<String> =
        desk.simulator.call_list(Some(crate::desk::REALM)).into_iter().map(|call| call.path).collect();
    assert!(
        calls.iter().any(|path| path.contains("/invoice?") && path.contains("operation=void")),
        "{calls:?}"
    );
    assert!(
        calls.iter().any(|path| path.contains("/payment?") && path.contains("include=void")),
        "{calls:?}"
    );
    for (entity, id) in [("Invoice", &booked), ("Payment", &received)] {
        let row = desk.entity(entity, id);
        assert_eq!(row["TotalAmt"].to_string(), "0", "{entity}");
        assert!(row["PrivateNote"].as_str().unwrap().starts_with("Voided"), "{entity}: kept, not deleted");
    }
}

#[tokio::test]
async fn t4_each_deletion_in_quickbooks_starts_a_new_generation() {
    let desk = Desk::open(Seed::Landscaping).await;
    let ames = client("c-1", "Ames & Daughters");
    let mut bill = invoice("i-1", &ames, &["Hedge laying"]);
    let (_, first) = done(&desk.push("invoice.sent", &bill).await);
    let mut ids = vec![first];
    for note in ["one", "two", "three"] {
        desk.delete("Invoice", ids.last().unwrap());
        bill["public_notes"] = json!(note);
        let result = desk.push("invoice.updated", &bill).await;
        let (action, id) = done(&result);
        assert_eq!(action, "Created");
        assert!(crate::desk::notes(&result)[0].contains("created anew"), "{result:?}");
        assert!(!ids.contains(&id), "a dead id is never answered again");
        ids.push(id);
    }
    let links = desk.ledger.links(&desk.books);
    let link = links.iter().find(|link| link.billing_id.as_str() == "i-1").unwrap();
    assert_eq!((link.generation, Some(&link.quickbooks_id)), (3, ids.last()));
    let alive = desk.company(|company| {
        company.entities("Invoice").iter().filter(|row| row["DocNumber"] == "N-i-1").count()
    });
    assert_eq!(alive, 1);
}

#[tokio::test]
async fn a_payment_deleted_in_quickbooks_is_made_anew_and_one_deleted_on_both_sides_is_not() {
    let desk = Desk::open(Seed::Landscaping).await;
    let ames = client("c-1", "Ames & Daughters");
    let bill = invoice("i-1", &ames, &["Hedge laying"]);
    let (_, booked) = done(&desk.push("invoice.sent", &bill).await);
    let mut paid = payment("y-1", &ames, 60, &[("i-1", 60)]);
    let (_, first) = done(&desk.push("payment.created", &paid).await);
    desk.delete("Payment", &first);
    paid["reference"] = json!("corrected");
    let (action, second) = done(&desk.push("payment.updated", &paid).await);
    assert_eq!(action, "Created");
    assert_ne!(first, second);
    assert_eq!(desk.entity("Invoice", &booked)["Balance"].to_string(), "40.00", "T4: applied once");
    desk.delete("Payment", &second);
    assert!(
        skipped(&desk.push("payment.deleted", &paid).await).contains("voided"),
        "there is nothing to void"
    );
    assert_eq!(desk.entity("Invoice", &booked)["Balance"].to_string(), "100.00");
}

#[tokio::test]
async fn t6_the_park_of_a_paid_invoice_names_the_amount_and_goes_on_when_it_is_unpaid() {
    let desk = Desk::open(Seed::Landscaping).await;
    let ames = client("c-1", "Ames & Daughters");
    let mut bill = invoice("i-1", &ames, &["Hedge laying"]);
    let (_, id) = done(&desk.push("invoice.sent", &bill).await);
    let (_, received) = done(&desk.push("payment.created", &payment("y-1", &ames, 60, &[("i-1", 60)])).await);
    bill["status"] = json!("cancelled");
    let cancelled = desk.event("invoice.updated", &bill);
    for _ in 0..2 {
        assert_eq!(
            desk.deliver(std::slice::from_ref(&cancelled)).await,
            [Verdict::Acknowledge],
            "D11: holds nothing up"
        );
        let park = parked(&desk.result(&cancelled).await).clone();
        assert!(park.cause == ParkCause::Paid && park.reason.contains("60.00"), "{}", park.reason);
        assert_eq!(desk.entity("Invoice", &id)["TotalAmt"].to_string(), "100.00");
    }
    desk.delete("Payment", &received);
    desk.deliver(std::slice::from_ref(&cancelled)).await;
    assert_eq!(done(&desk.result(&cancelled).await).0, "Voided");
}

#[tokio::test]
async fn a_void_whose_answer_was_lost_is_recognised() {
    for forgetful in [false, true] {
        let desk = Desk::open(Seed::Landscaping).await;
        let bill = invoice("i-1", &client("c-1", "Ames & Daughters"), &["Hedge laying"]);
        let (_, id) = done(&desk.push("invoice.sent", &bill).await);
        desk.company(|company| company.switches().requestid_hours = if forgetful { 0 } else { 24 });
        desk.simulator
            .add_fault(Fault { path: Some("operation=void".into()), ..Fault::once(Effect::LoseResponse) });
        let event = desk.event("invoice.deleted", &bill);
        assert_ne!(desk.deliver(std::slice::from_ref(&event)).await, [Verdict::Acknowledge]);
        assert_eq!(desk.deliver(std::slice::from_ref(&event)).await, [Verdict::Acknowledge]);
        assert_eq!(done(&desk.result(&event).await).0, "Voided");
        assert_eq!(desk.entity("Invoice", &id)["TotalAmt"].to_string(), "0");
    }
}

#[tokio::test]
async fn t18_closed_books_are_recognised_on_create_update_and_void_from_the_fault() {
    let desk = Desk::open(Seed::Landscaping).await;
    let ames = client("c-1", "Ames & Daughters");
    let mut bill = invoice("i-1", &ames, &["Hedge laying"]);
    let (_, id) = done(&desk.push("invoice.sent", &bill).await);
    let paid = payment("y-1", &ames, 60, &[]);
    done(&desk.push("payment.created", &paid).await);
    // The lists that are cached do not know of it.
    desk.close_books(Some("2026-06-30"));
    bill["public_notes"] = json!("Thank you.");
    let mut later = paid.clone();
    later["reference"] = json!("corrected");
    let others = [
        ("invoice.sent", invoice("i-2", &ames, &["Hedge laying"])),
        ("invoice.updated", bill.clone()),
        ("invoice.deleted", bill.clone()),
        ("payment.created", payment("y-2", &ames, 60, &[])),
        ("payment.updated", later.clone()),
        ("payment.deleted", later),
    ];
    for (event, data) in &others {
        let park = parked(&desk.push(event, data).await).clone();
        assert_eq!(park.cause, ParkCause::ClosedPeriod, "{event}: {}", park.reason);
        assert!(park.way_on.contains("closing date"), "{event}: {}", park.way_on);
    }
    assert_eq!(desk.entity("Invoice", &id)["TotalAmt"].to_string(), "100.00");
    // Known beforehand, it costs nothing but a look-up of what has no counterpart.
    desk.read_reference_anew().await;
    for (event, data) in &others {
        desk.calls();
        let park = parked(&desk.push(event, data).await).clone();
        assert!(
            park.cause == ParkCause::ClosedPeriod && park.reason.contains("2026-06-30"),
            "{event}: {}",
            park.reason
        );
        assert!(desk.calls() <= 1, "{event}");
    }
    desk.close_books(None);
    desk.read_reference_anew().await;
    assert_eq!(
        done(&desk.push("invoice.deleted", &bill).await).0,
        "Voided",
        "R69: for as long as they are closed, not for good"
    );
}

#[tokio::test]
async fn t19_an_invoice_before_the_cut_off_that_is_finalised_again_stays_out_with_its_payment() {
    let desk = Desk::open(Seed::Landscaping).await;
    desk.save(Settings { cut_off: Some("2026-06-02".parse().unwrap()), ..desk.settings().await }).await;
    let ames = client("c-1", "Ames & Daughters");
    let invoices = desk.count("Invoice");
    let mut bill = invoice("i-1", &ames, &["Hedge laying"]);
    for (event, status) in [
        ("invoice.created", "draft"),
        ("invoice.sent", "sent"),
        ("invoice.updated", "draft"),
        ("invoice.sent", "sent"),
    ] {
        bill["status"] = json!(status);
        assert!(skipped(&desk.push(event, &bill).await).contains("cut-off"), "{event}");
    }
    let mut paid = payment("y-1", &ames, 60, &[("i-1", 60)]);
    paid["allocations"][0]["invoice_date"] = json!("2026-06-01");
    assert!(skipped(&desk.push("payment.created", &paid).await).contains("cut-off"), "D8");
    assert_eq!(desk.count("Invoice"), invoices);
    assert_eq!(desk.calls(), 0, "it costs nothing");
}

#[tokio::test]
async fn t19_an_invoice_that_was_pushed_is_not_edited_through_a_later_cut_off_but_can_be_voided() {
    let desk = Desk::open(Seed::Landscaping).await;
    let mut bill = invoice("i-1", &client("c-1", "Ames & Daughters"), &["Hedge laying"]);
    let (_, id) = done(&desk.push("invoice.sent", &bill).await);
    desk.save(Settings { cut_off: Some("2026-07-01".parse().unwrap()), ..desk.settings().await }).await;
    bill["public_notes"] = json!("Edited");
    assert!(skipped(&desk.push("invoice.updated", &bill).await).contains("cut-off"));
    assert_eq!(desk.entity("Invoice", &id)["CustomerMemo"], Value::Null);
    assert_eq!(done(&desk.push("invoice.deleted", &bill).await).0, "Voided", "what we made is taken back");
}

#[tokio::test]
async fn t5_every_kind_of_edit_survives_a_payment_in_between() {
    let desk = Desk::open(Seed::Landscaping).await;
    let ames = client("c-1", "Ames & Daughters");
    let mut bill = invoice("i-1", &ames, &["Hedge laying"]);
    let (_, id) = done(&desk.push("invoice.sent", &bill).await);
    for (round, amount) in [(1, 30), (2, 20)] {
        let paid = payment(&format!("y-{round}"), &ames, amount, &[("i-1", amount)]);
        done(&desk.push("payment.created", &paid).await);
        bill["lines"][0]["quantity"] = json!(2 + round);
        bill["amount"] = json!(50 * (2 + round));
        bill["due_date"] = json!(format!("2026-07-{:02}", 10 + round));
        let result = desk.push("invoice.updated", &bill).await;
        assert_eq!(done(&result), ("Updated".into(), id.clone()));
        assert!(crate::desk::notes(&result).is_empty(), "a payment is no conflict: {result:?}");
    }
    let row = desk.entity("Invoice", &id);
    assert_eq!((row["TotalAmt"].to_string(), row["Balance"].to_string()), ("200.00".into(), "150.00".into()));
    assert_eq!(row["DueDate"], "2026-07-12");
}

#[tokio::test]
async fn t14_a_payment_of_two_invoices_waits_for_both_in_either_order() {
    for order in [["i-1", "i-2"], ["i-2", "i-1"]] {
        let desk = Desk::open(Seed::Landscaping).await;
        let ames = client("c-1", "Ames & Daughters");
        let paid = desk.event("payment.created", &payment("y-1", &ames, 150, &[("i-1", 100), ("i-2", 50)]));
        desk.deliver(std::slice::from_ref(&paid)).await;
        for (place, id) in order.into_iter().enumerate() {
            assert_eq!(
                parked(&desk.result(&paid).await).cause,
                ParkCause::MissingRecord,
                "{id} is not there yet"
            );
            done(&desk.push("invoice.sent", &invoice(id, &ames, &["Hedge laying"])).await);
            assert_eq!(desk.result(&paid).await.is_parked(), place == 0);
        }
        let (_, id) = done(&desk.result(&paid).await);
        assert_eq!(desk.entity("Payment", &id)["UnappliedAmt"].to_string(), "0");
        assert_eq!(desk.entity("Payment", &id)["Line"].as_array().unwrap().len(), 2, "each invoice its part");
    }
}

#[tokio::test]
async fn t14_a_waiting_payment_that_was_deleted_meanwhile_is_not_made() {
    let desk = Desk::open(Seed::Landscaping).await;
    let ames = client("c-1", "Ames & Daughters");
    let payments = desk.count("Payment");
    let paid = payment("y-1", &ames, 100, &[("i-1", 100)]);
    let waiting = desk.event("payment.created", &paid);
    desk.deliver(std::slice::from_ref(&waiting)).await;
    assert!(skipped(&desk.push("payment.deleted", &paid).await).contains("never reached"));
    done(&desk.push("invoice.sent", &invoice("i-1", &ames, &["Hedge laying"])).await);
    assert_eq!(desk.count("Payment"), payments, "{:?}", desk.result(&waiting).await);
    assert!(skipped(&desk.result(&waiting).await).contains("only restoring"), "it waits no more");
    assert_eq!(done(&desk.push("payment.restored", &paid).await).0, "Created");
}

#[tokio::test]
async fn what_was_parked_of_a_deleted_invoice_is_not_brought_back_by_a_retry() {
    let desk = Desk::open(Seed::Landscaping).await;
    let mut bill = invoice("i-1", &client("c-1", "Ames & Daughters"), &["Hedge laying"]);
    bill["lines"][0]["taxes"] = json!([{"name": "Odd", "rate": 3.21}]);
    let taxed = desk.event("invoice.sent", &bill);
    desk.deliver(std::slice::from_ref(&taxed)).await;
    assert_eq!(parked(&desk.result(&taxed).await).cause, ParkCause::Tax);
    assert!(skipped(&desk.push("invoice.deleted", &bill).await).contains("never reached"));
    assert!(skipped(&desk.result(&taxed).await).contains("only restoring"));
    assert!(desk.log().await.iter().all(|entry| !entry.result.is_parked()), "nothing is left to retry");
}

#[tokio::test]
async fn t14_what_waits_goes_on_although_a_later_message_of_the_batch_has_to_wait() {
    let desk = Desk::open(Seed::Landscaping).await;
    let ames = client("c-1", "Ames & Daughters");
    let paid = desk.event("payment.created", &payment("y-1", &ames, 100, &[("i-1", 100)]));
    desk.deliver(std::slice::from_ref(&paid)).await;
    let billed = desk.event("invoice.sent", &invoice("i-1", &ames, &["Hedge laying"]));
    let other = desk.event("invoice.sent", &invoice("i-2", &ames, &["Hedge laying"]));
    desk.simulator.add_fault(Fault {
        after: 1,
        ..Fault { path: Some("/invoice?".into()), ..Fault::once(Effect::Throttle) }
    });
    let verdicts = desk.deliver(&[billed, other.clone()]).await;
    assert!(matches!(verdicts[..], [Verdict::Acknowledge, Verdict::Redeliver { .. }]), "{verdicts:?}");
    assert_eq!(done(&desk.result(&paid).await).0, "Created", "its invoice will not come again");
    assert_eq!(desk.deliver(std::slice::from_ref(&other)).await, [Verdict::Acknowledge]);
}

#[tokio::test]
async fn t14_when_what_waits_cannot_go_on_now_its_invoice_comes_again() {
    let desk = Desk::open(Seed::Landscaping).await;
    let ames = client("c-1", "Ames & Daughters");
    let paid = desk.event("payment.created", &payment("y-1", &ames, 100, &[("i-1", 100)]));
    desk.deliver(std::slice::from_ref(&paid)).await;
    let billed = desk.event("invoice.sent", &invoice("i-1", &ames, &["Hedge laying"]));
    let other = desk.event("client.created", &client("c-2", "Brook Gardens"));
    desk.simulator.add_fault(Fault { path: Some("/payment?".into()), ..Fault::once(Effect::Throttle) });
    let mut waiting: Vec<Value> = vec![billed, other];
    while !waiting.is_empty() {
        let verdicts = desk.deliver(&waiting).await;
        let acknowledged = verdicts.iter().take_while(|verdict| **verdict == Verdict::Acknowledge).count();
        waiting.drain(..acknowledged);
    }
    assert_eq!(done(&desk.result(&paid).await).0, "Created");
}

#[tokio::test]
async fn a_void_waits_out_a_throttle_like_everything_else() {
    let desk = Desk::open(Seed::Landscaping).await;
    let bill = invoice("i-1", &client("c-1", "Ames & Daughters"), &["Hedge laying"]);
    let (_, id) = done(&desk.push("invoice.sent", &bill).await);
    desk.simulator.add_fault(Fault { path: Some("operation=void".into()), ..Fault::once(Effect::Throttle) });
    let event = desk.event("invoice.deleted", &bill);
    assert!(matches!(desk.deliver(std::slice::from_ref(&event)).await[..], [Verdict::Redeliver { .. }]));
    assert_eq!(desk.entity("Invoice", &id)["TotalAmt"].to_string(), "100.00");
    desk.simulator.add_fault(Fault::once(Effect::LoseRequest).on(CallKind::Read));
    assert!(matches!(desk.deliver(std::slice::from_ref(&event)).await[..], [Verdict::Redeliver { .. }]));
    desk.deliver(std::slice::from_ref(&event)).await;
    assert_eq!(done(&desk.result(&event).await).0, "Voided");
}
