//! Changes that were cut short, and what the simulation found besides: each was once a fault.

use quickbooks_simulator::company::Seed;
use quickbooks_simulator::server::{Effect, Fault};
use serde_json::{Value, json};
use sync::ids::QuickBooksId;
use sync::push::{self, Verdict};
use sync::settings::Settings;

use crate::desk::{Desk, client, done, invoice, messages, product, skipped};
use crate::pull::fragile::Fragile;

/// An event of an earlier or a later time than it was made.
fn at(mut event: Value, time: &str) -> Value {
    event["time"] = json!(time);
    event
}

fn lost(path: &str) -> Fault {
    Fault { path: Some(path.into()), ..Fault::once(Effect::LoseResponse) }
}

async fn is_cut_short(desk: &Desk, event: &Value) {
    assert_ne!(desk.deliver(std::slice::from_ref(event)).await, [Verdict::Acknowledge]);
}

async fn settle(desk: &Desk, events: &[Value]) {
    let verdicts = desk.deliver(events).await;
    assert!(verdicts.iter().all(|verdict| *verdict == Verdict::Acknowledge), "{verdicts:?}");
}

fn edit(desk: &Desk, entity: &str, id: &QuickBooksId, change: &Value) {
    let mut body = change.clone();
    body["Id"] = json!(id.as_str());
    body["SyncToken"] = desk.entity(entity, id)["SyncToken"].clone();
    body["sparse"] = json!(true);
    desk.bookkeeper(&entity.to_lowercase(), &[], &body);
}

#[tokio::test]
async fn an_update_whose_answer_was_lost_can_be_taken_back() {
    let desk = Desk::open(Seed::Landscaping).await;
    let bill = invoice("i-1", &client("c-1", "Ames & Daughters"), &["Hedge laying"]);
    let (_, id) = done(&desk.push("invoice.sent", &bill).await);
    let mut noted = bill.clone();
    noted["public_notes"] = json!("Thank you.");
    let first = desk.event("invoice.updated", &noted);
    desk.simulator.add_fault(lost("operation=update"));
    is_cut_short(&desk, &first).await;
    assert_eq!(desk.entity("Invoice", &id)["CustomerMemo"]["value"], "Thank you.");
    let second = desk.event("invoice.updated", &bill);
    settle(&desk, &[first, second.clone()]).await;
    assert_eq!(done(&desk.result(&second).await).0, "Updated");
    let memo = desk.entity("Invoice", &id)["CustomerMemo"]["value"].clone();
    assert!(memo.is_null() || memo == "", "no line of it is left: {memo}");
}

#[tokio::test]
async fn an_update_whose_answer_was_lost_is_done_by_its_own_event() {
    let desk = Desk::open(Seed::Landscaping).await;
    let mut bill = invoice("i-1", &client("c-1", "Ames & Daughters"), &["Hedge laying"]);
    let (_, id) = done(&desk.push("invoice.sent", &bill).await);
    bill["public_notes"] = json!("Thank you.");
    bill["amount"] = json!(130);
    let event = desk.event("invoice.updated", &bill);
    desk.simulator.add_fault(lost("operation=update"));
    is_cut_short(&desk, &event).await;
    let token = desk.entity("Invoice", &id)["SyncToken"].clone();
    settle(&desk, std::slice::from_ref(&event)).await;
    let result = desk.result(&event).await;
    assert_eq!(done(&result).0, "Updated");
    assert!(format!("{result:?}").contains("difference of 30.00"), "D15: {result:?}");
    assert_eq!(desk.entity("Invoice", &id)["SyncToken"], token, "it is not sent a second time");
}

#[tokio::test]
async fn what_a_lost_void_left_goes_when_the_record_is_back() {
    let desk = Desk::open(Seed::Landscaping).await;
    let bill = invoice("i-1", &client("c-1", "Ames & Daughters"), &["Hedge laying"]);
    let (_, id) = done(&desk.push("invoice.sent", &bill).await);
    let deleted = desk.event("invoice.deleted", &bill);
    desk.simulator.add_fault(lost("operation=void"));
    is_cut_short(&desk, &deleted).await;
    let restored = desk.event("invoice.restored", &bill);
    let mut noted = bill.clone();
    noted["private_notes"] = json!("Called first");
    let touched = desk.event("invoice.updated", &noted);
    settle(&desk, &[deleted, restored, touched]).await;
    let row = desk.entity("Invoice", &id);
    assert_eq!(
        (row["TotalAmt"].to_string().as_str(), &row["PrivateNote"]),
        ("100.00", &json!("Called first"))
    );
}

#[tokio::test]
async fn an_edit_that_replaces_a_restoration_brings_the_record_back() {
    let desk = Desk::open(Seed::Landscaping).await;
    let bill = invoice("i-1", &client("c-1", "Ames & Daughters"), &["Hedge laying"]);
    let (_, id) = done(&desk.push("invoice.sent", &bill).await);
    done(&desk.push("invoice.deleted", &bill).await);
    let events = [desk.event("invoice.restored", &bill), desk.event("invoice.updated", &bill)];
    settle(&desk, &events).await;
    assert_eq!(desk.entity("Invoice", &id)["TotalAmt"].to_string(), "100.00");
}

#[tokio::test]
async fn what_was_cleared_while_a_record_was_gone_is_cleared_when_it_is_back() {
    let desk = Desk::open(Seed::Landscaping).await;
    let mut bill = invoice("i-1", &client("c-1", "Ames & Daughters"), &["Hedge laying"]);
    bill["public_notes"] = json!("Thank you.");
    let (_, id) = done(&desk.push("invoice.sent", &bill).await);
    done(&desk.push("invoice.deleted", &bill).await);
    bill["public_notes"] = json!("");
    done(&desk.push("invoice.restored", &bill).await);
    let memo = desk.entity("Invoice", &id)["CustomerMemo"]["value"].clone();
    assert!(memo.is_null() || memo == "", "{memo}");
}

#[tokio::test]
async fn a_bookkeepers_void_outlives_a_restoration_before_it() {
    let desk = Desk::open(Seed::Landscaping).await;
    let bill = invoice("i-1", &client("c-1", "Ames & Daughters"), &["Hedge laying"]);
    let (_, id) = done(&desk.push("invoice.sent", &bill).await);
    let events = [desk.event("invoice.deleted", &bill), desk.event("invoice.restored", &bill)];
    let token = desk.entity("Invoice", &id)["SyncToken"].clone();
    desk.bookkeeper("invoice", &[("operation", "void")], &json!({"Id": id.as_str(), "SyncToken": token}));
    settle(&desk, &events).await;
    assert_eq!(desk.entity("Invoice", &id)["TotalAmt"].to_string(), "0");
}

#[tokio::test]
async fn a_price_with_more_zeros_is_no_edit() {
    let desk = Desk::open(Seed::Landscaping).await;
    let hedge = product("p-1", "Hedge laying");
    desk.save(sync::settings::Settings { push_product_edits: true, ..desk.settings().await }).await;
    let (_, id) = done(&desk.push("product.created", &hedge).await);
    edit(&desk, "Item", &id, &json!({"UnitPrice": 52}));
    let mut again = hedge.clone();
    again["price"] = json!("40.00");
    skipped(&desk.push("product.updated", &again).await);
    assert_eq!(desk.entity("Item", &id)["UnitPrice"].to_string(), "52");
}

#[tokio::test]
async fn what_a_bookkeeper_did_to_a_match_before_it_was_linked_outlives_older_edits() {
    let desk = Desk::open(Seed::Landscaping).await;
    desk.bookkeeper("customer", &[], &json!({"DisplayName": "Ames & Daughters", "Notes": "Pays late"}));
    let mut ames = client("c-1", "Ames & Daughters");
    // Told before the bookkeeper wrote the note, carried out after.
    let created = at(desk.event("client.created", &ames), "2026-01-01T09:00:00Z");
    settle(&desk, std::slice::from_ref(&created)).await;
    let (linked, id) = done(&desk.result(&created).await);
    assert_eq!(linked, "Linked");
    ames["public_notes"] = json!("Ring twice");
    let edit = at(desk.event("client.updated", &ames), "2026-01-01T09:00:01Z");
    settle(&desk, std::slice::from_ref(&edit)).await;
    assert_eq!(desk.entity("Customer", &id)["Notes"], "Pays late");
    let told = format!("{:?}", desk.result(&edit).await);
    assert!(told.contains("QuickBooks' later value stays"), "{told}");
}

#[tokio::test]
async fn a_product_that_was_met_on_a_line_is_linked_by_its_own_event() {
    let desk = Desk::open(Seed::Landscaping).await;
    desk.save(sync::settings::Settings { push_product_edits: true, ..desk.settings().await }).await;
    let account = desk.settings().await.default_income_account.unwrap();
    let item = desk.bookkeeper("item", &[], &json!({
        "Name": "Hedge laying", "Type": "Service", "Description": "As agreed", "IncomeAccountRef": {"value": account.as_str()},
    }));
    let id = QuickBooksId::new(item["Item"]["Id"].as_str().unwrap()).unwrap();
    let mut bill = invoice("i-1", &client("c-1", "Ames & Daughters"), &["Hedge laying"]);
    bill["lines"][0]["product_id"] = json!("p-1");
    done(&desk.push("invoice.sent", &bill).await);
    let (action, linked) = done(&desk.push("product.created", &product("p-1", "Hedge laying")).await);
    assert_eq!((action.as_str(), &linked), ("Linked", &id));
    assert_eq!(desk.entity("Item", &id)["Description"], "As agreed", "linking writes nothing");
}

#[tokio::test]
async fn a_create_is_found_although_the_bookkeeper_has_changed_it() {
    let desk = Desk::open(Seed::Landscaping).await;
    let ames = client("c-1", "Ames & Daughters");
    done(&desk.push("invoice.sent", &invoice("i-1", &ames, &["Hedge laying"])).await);
    desk.company(|company| company.switches().requestid_hours = 0);
    let event = desk.event("invoice.sent", &invoice("i-2", &ames, &["Hedge laying"]));
    desk.simulator.add_fault(lost("invoice"));
    is_cut_short(&desk, &event).await;
    let invoices = desk.count("Invoice");
    let row = desk.company(|company| {
        let rows = company.entities("Invoice").into_iter().cloned().collect::<Vec<_>>();
        rows.into_iter().find(|row| row["DocNumber"] == "N-i-2").unwrap()
    });
    let id = QuickBooksId::new(row["Id"].as_str().unwrap()).unwrap();
    edit(&desk, "Invoice", &id, &json!({"TxnDate": "2026-06-02", "PrivateNote": "Seen"}));
    settle(&desk, std::slice::from_ref(&event)).await;
    assert_eq!(done(&desk.result(&event).await), ("Created".to_owned(), id));
    assert_eq!(desk.count("Invoice"), invoices);
}

/// A client that meets a Customer, and an edit of it. The first worker dies when it is about to tell of the link, the
/// second one, which has the edit too, in any of its calls.
#[tokio::test]
async fn a_link_that_two_workers_could_not_tell_of_is_told() {
    for dies_in in 1.. {
        let desk = Desk::open(Seed::Landscaping).await;
        desk.bookkeeper("customer", &[], &json!({"DisplayName": "Ames & Daughters", "Notes": "Jo's own"}));
        let mut ames = client("c-1", "Ames & Daughters");
        let created = desk.event("client.created", &ames);
        let last = last_call_of(&created).await;
        let first = Fragile::new(desk.ports(), last, false);
        push::messages(first.ports(), &messages(std::slice::from_ref(&created))).await;
        ames["phone"] = json!("555 0101");
        let events = [created.clone(), desk.event("client.updated", &ames)];
        let second = Fragile::new(desk.ports(), dies_in, false);
        push::messages(second.ports(), &messages(&events)).await;
        if !second.died() {
            break;
        }
        settle(&desk, &events).await;
        assert_eq!(done(&desk.result(&created).await).0, "Linked", "call {dies_in}");
    }
}

/// A bookkeeper edits an inactive Customer while its client is restored, and the worker that restores it dies.
#[tokio::test]
async fn r13_a_client_that_is_restored_is_active_wherever_a_worker_dies() {
    for dies_in in 1.. {
        let desk = Desk::open(Seed::Landscaping).await;
        let settings = Settings { inactivate_deleted: true, ..desk.settings().await };
        desk.save(settings).await;
        let ames = client("c-1", "Ames & Daughters");
        let (_, id) = done(&desk.push("client.created", &ames).await);
        assert_eq!(done(&desk.push("client.deleted", &ames).await).0, "Inactivated");
        edit(&desk, "Customer", &id, &json!({"MiddleName": "Jo"}));
        let restored = desk.event("client.restored", &ames);
        let first = Fragile::new(desk.ports(), dies_in, true);
        push::messages(first.ports(), &messages(std::slice::from_ref(&restored))).await;
        settle(&desk, std::slice::from_ref(&restored)).await;
        let customer = desk.entity("Customer", &id);
        let is_back = (&customer["Active"], &customer["MiddleName"]);
        assert_eq!(is_back, (&json!(true), &json!("Jo")), "call {dies_in}");
        if !first.died() {
            assert!(dies_in > 3, "the worker was never asked anything");
            break;
        }
    }
}

/// The last call of a worker that links a client: the one that tells of it.
async fn last_call_of(created: &Value) -> usize {
    for calls in 1.. {
        let desk = Desk::open(Seed::Landscaping).await;
        desk.bookkeeper("customer", &[], &json!({"DisplayName": "Ames & Daughters"}));
        let fragile = Fragile::new(desk.ports(), calls, false);
        push::messages(fragile.ports(), &messages(std::slice::from_ref(created))).await;
        if !fragile.died() {
            return calls - 1;
        }
    }
    unreachable!("it never ends")
}
