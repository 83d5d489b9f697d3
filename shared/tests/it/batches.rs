//! A backlog that is long enough to go in batches: nothing is doubled, lost or mixed up, whatever becomes of a batch.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use quickbooks_simulator::company::{BatchOrder, Seed};
use quickbooks_simulator::server::{CallKind, Effect, ErrorBody, Fault};
use serde_json::{Value, json};
use sync::activity::ActivityResult;
use sync::ids::QuickBooksId;
use sync::outcome::ParkCause;
use sync::ports::Clock;
use sync::push::{self, Ports, Verdict};

use crate::desk::{Desk, Now, client, done, invoice, messages, notes, parked, payment};
use crate::stops::Stops;

/// One more than goes one by one.
const LONG: usize = 241;

/// A clock that is ahead.
struct Ahead(SignedDuration);

#[async_trait]
impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        Now.now() + self.0
    }
}

fn owners() -> [Value; 3] {
    [client("c-1", "Ames & Daughters"), client("c-2", "Boll Weaving"), client("c-3", "Cole Roofing")]
}

fn bill(number: usize) -> Value {
    invoice(&format!("i-{number}"), &owners()[number % 3], &["Hedge laying"])
}

/// A desk whose clients and product are known, and a backlog of invoices.
async fn backlog() -> (Desk, Vec<Value>) {
    let desk = Desk::open(Seed::Landscaping).await;
    for owner in owners() {
        done(&desk.push("client.created", &owner).await);
    }
    done(&desk.push("product.created", &crate::desk::product("p-1", "Hedge laying")).await);
    let events = (0..LONG).map(|number| desk.event("invoice.sent", &bill(number))).collect();
    desk.simulator.forget_calls();
    (desk, events)
}

/// Delivers the backlog in one message.
async fn deliver(desk: &Desk, ports: Ports<'_>, events: &[Value]) -> Verdict {
    let body = Value::from(events.to_vec());
    let verdict = push::messages(ports, &messages(&[body])).await.remove(0);
    desk.simulator.clear_faults();
    verdict
}

/// The writes that went in batches, as calls.
fn batches(desk: &Desk) -> usize {
    let calls = desk.simulator.call_list(None);
    calls.iter().filter(|call| call.kind == CallKind::Batch && call.path.contains("requestid")).count()
}

fn creates(desk: &Desk) -> usize {
    desk.simulator.call_list(None).iter().filter(|call| call.kind == CallKind::Create).count()
}

/// Strikes batches of writes from the fourth on. Two are on their way at a time, so six strikes are three for each.
fn batch(effect: Effect, count: u32) -> Fault {
    let path = Some("requestid".into());
    Fault { count: Some(count), path, after: 3, ..Fault::once(effect).on(CallKind::Batch) }
}

/// Each invoice of the backlog is there once, with its own content, and its event has ended with it.
async fn assert_each_is_there_once(desk: &Desk, events: &[Value], context: &str) {
    let rows: Vec<Value> = desk.company(|company| company.entities("Invoice").into_iter().cloned().collect());
    for event in events {
        let number = event["data"]["number"].as_str().unwrap();
        let named: Vec<&Value> = rows.iter().filter(|row| row["DocNumber"] == number).collect();
        assert_eq!(named.len(), 1, "{context}: {number}");
        assert_eq!(named[0]["CustomerRef"]["name"], event["data"]["client"]["name"], "{context}: {number}");
    }
    let log = desk.log().await;
    for event in events {
        let id = event["id"].as_str().unwrap();
        let entry = log.iter().find(|entry| entry.event.as_str() == id).unwrap();
        let (_, quickbooks_id) = done(&entry.result);
        let row = rows.iter().find(|row| row["Id"] == quickbooks_id.as_str()).unwrap();
        assert_eq!(row["DocNumber"], event["data"]["number"], "{context}");
    }
}

#[tokio::test]
async fn a_long_backlog_goes_in_batches_of_thirty() {
    for order in [BatchOrder::AsSent, BatchOrder::Reversed] {
        let (desk, events) = backlog().await;
        desk.company(|company| company.switches().batch_order = order);
        assert_eq!(deliver(&desk, desk.ports(), &events).await, Verdict::Acknowledge);
        assert_eq!((batches(&desk), creates(&desk)), (8, 1), "8 × 30, and one by itself");
        let calls = desk.simulator.calls(None);
        assert!(calls.total <= 12, "and a look-up: {calls:?}");
        assert_each_is_there_once(&desk, &events, &format!("{order:?}")).await;
        let again = deliver(&desk, desk.ports(), &events).await;
        assert_eq!(again, Verdict::Acknowledge);
        assert_each_is_there_once(&desk, &events, "delivered again").await;
    }
}

#[tokio::test]
async fn a_short_one_goes_one_by_one() {
    let (desk, events) = backlog().await;
    assert_eq!(deliver(&desk, desk.ports(), &events[1..]).await, Verdict::Acknowledge);
    assert_eq!((batches(&desk), creates(&desk)), (0, LONG - 1));
}

#[tokio::test]
async fn an_answer_that_is_lost_is_asked_for_again_at_once() {
    for (effect, lost) in [(Effect::LoseResponse, 2), (Effect::LoseRequest, 1)] {
        let (desk, events) = backlog().await;
        desk.simulator.add_fault(batch(effect, lost));
        assert_eq!(deliver(&desk, desk.ports(), &events).await, Verdict::Acknowledge);
        assert_each_is_there_once(&desk, &events, &format!("{effect:?}")).await;
    }
}

#[tokio::test]
async fn t3_a_batch_that_stays_unanswered_makes_one_of_each() {
    let unavailable = Effect::ServerError { status: 503, body: ErrorBody::Gateway };
    for effect in [Effect::LoseResponse, Effect::LoseRequest, unavailable] {
        let (desk, events) = backlog().await;
        desk.simulator.add_fault(batch(effect, 6));
        assert!(matches!(deliver(&desk, desk.ports(), &events).await, Verdict::Redeliver { .. }));
        // QuickBooks forgets what it was asked, so that only what is found there counts.
        desk.company(|company| company.switches().requestid_hours = 0);
        let again = deliver(&desk, desk.ports(), &events).await;
        if effect != Effect::LoseResponse {
            let Verdict::Redeliver { after } = again else { panic!("it may still be carried out") };
            assert!(after.as_secs() > 300, "{after:?}");
            let later = Ahead(SignedDuration::from_mins(7));
            let ports = Ports { clock: &later, ..desk.ports() };
            assert_eq!(deliver(&desk, ports, &events).await, Verdict::Acknowledge);
        }
        assert_each_is_there_once(&desk, &events, &format!("{effect:?}")).await;
    }
}

#[tokio::test]
async fn wherever_a_worker_dies_each_is_made_once() {
    let (mut call, mut deaths) = (0, 0);
    loop {
        let (desk, events) = backlog().await;
        let sent = messages(&[Value::from(events.clone())]);
        let stops = Stops::before(&desk, call);
        let died = {
            let mut run = Box::pin(push::messages(stops.ports(), &sent));
            stops.until_stopped(&mut run).await.is_none()
        };
        if !died {
            break;
        }
        // At once, and when nothing can be on its way any more.
        deliver(&desk, desk.ports(), &events).await;
        let later = Ahead(SignedDuration::from_mins(7));
        let ports = Ports { clock: &later, ..desk.ports() };
        assert_eq!(deliver(&desk, ports, &events).await, Verdict::Acknowledge, "call {call}");
        assert_each_is_there_once(&desk, &events, &format!("call {call}")).await;
        deaths += 1;
        call += 149;
    }
    assert!(deaths > 2, "{deaths} deaths in {call} calls");
}

#[tokio::test]
async fn two_workers_on_one_backlog_make_each_invoice_once() {
    let (mut call, mut meetings) = (0, 0);
    loop {
        let (desk, events) = backlog().await;
        let sent = messages(&[Value::from(events.clone())]);
        let stops = Stops::before(&desk, call);
        {
            let mut one = Box::pin(push::messages(stops.ports(), &sent));
            if stops.until_stopped(&mut one).await.is_some() {
                break;
            }
            deliver(&desk, desk.ports(), &events).await;
            stops.open();
            one.await;
        }
        assert_eq!(deliver(&desk, desk.ports(), &events).await, Verdict::Acknowledge, "call {call}");
        assert_each_is_there_once(&desk, &events, &format!("call {call}")).await;
        meetings += 1;
        call += 149;
    }
    assert!(meetings > 2, "{meetings}");
}

#[tokio::test]
async fn what_is_refused_in_a_batch_is_told_of_its_own_record_only() {
    let (desk, events) = backlog().await;
    let boll =
        desk.ledger.links(&desk.books).into_iter().find(|link| link.billing_id.as_str() == "c-2").unwrap();
    desk.edit("Customer", &boll.quickbooks_id, &json!({"Active": false}));
    assert_eq!(deliver(&desk, desk.ports(), &events).await, Verdict::Acknowledge);
    assert!(batches(&desk) >= 8);
    let log = desk.log().await;
    for (place, event) in events.iter().enumerate() {
        let entry = log.iter().find(|entry| entry.event.as_str() == event["id"].as_str().unwrap()).unwrap();
        if place % 3 == 1 {
            let park = parked(&entry.result);
            assert_eq!(park.cause, ParkCause::Refused, "{place}: {park:?}");
            assert!(park.way_on.contains("active"), "{park:?}");
        } else {
            done(&entry.result);
        }
    }
}

#[tokio::test]
async fn t25_a_storm_in_the_midst_of_batches_loses_nothing() {
    let (desk, events) = backlog().await;
    desk.simulator.add_fault(batch(Effect::Throttle, 1));
    let Verdict::Redeliver { after } = deliver(&desk, desk.ports(), &events).await else { panic!("later") };
    assert!((60..=75).contains(&after.as_secs()), "{after:?}");
    assert_eq!(deliver(&desk, desk.ports(), &events).await, Verdict::Acknowledge);
    assert_each_is_there_once(&desk, &events, "after the storm").await;
}

#[tokio::test]
async fn edits_and_payments_go_in_batches_too_and_a_bookkeepers_edit_survives() {
    let (desk, events) = backlog().await;
    assert_eq!(deliver(&desk, desk.ports(), &events).await, Verdict::Acknowledge);
    let id_of = |rows: &[Value], number: usize| {
        let row = rows.iter().find(|row| row["DocNumber"] == format!("N-i-{number}")).unwrap();
        QuickBooksId::new(row["Id"].as_str().unwrap()).unwrap()
    };
    let rows: Vec<Value> = desk.company(|company| company.entities("Invoice").into_iter().cloned().collect());
    desk.edit("Invoice", &id_of(&rows, 5), &json!({"PrivateNote": "Rang twice"}));
    let edited = (0..LONG).map(|number| {
        let mut bill = bill(number);
        bill["public_notes"] = json!("Thank you.");
        desk.event("invoice.updated", &bill)
    });
    let edits: Vec<Value> = edited.collect();
    desk.simulator.forget_calls();
    desk.simulator.add_fault(batch(Effect::LoseResponse, 6));
    assert!(matches!(deliver(&desk, desk.ports(), &edits).await, Verdict::Redeliver { .. }));
    assert_eq!(deliver(&desk, desk.ports(), &edits).await, Verdict::Acknowledge);
    assert!(batches(&desk) >= 8);
    for number in 0..LONG {
        let row = desk.entity("Invoice", &id_of(&rows, number));
        assert_eq!(row["CustomerMemo"]["value"], "Thank you.", "{number}");
        let expected = if number == 5 { "2" } else { "1" };
        assert_eq!(row["SyncToken"], expected, "{number}: written once");
    }
    assert_eq!(desk.entity("Invoice", &id_of(&rows, 5))["PrivateNote"], "Rang twice");

    let paid = (0..LONG).map(|number| {
        let owner = &owners()[number % 3];
        desk.event(
            "payment.created",
            &payment(&format!("y-{number}"), owner, 100, &[(&format!("i-{number}"), 100)]),
        )
    });
    let paid: Vec<Value> = paid.collect();
    let payments = desk.count("Payment");
    desk.simulator.forget_calls();
    desk.simulator.add_fault(batch(Effect::LoseResponse, 6));
    assert!(matches!(deliver(&desk, desk.ports(), &paid).await, Verdict::Redeliver { .. }));
    assert_eq!(deliver(&desk, desk.ports(), &paid).await, Verdict::Acknowledge);
    assert!(batches(&desk) >= 8);
    assert_eq!(desk.count("Payment"), payments + LONG);
    for number in 0..LONG {
        assert_eq!(desk.entity("Invoice", &id_of(&rows, number))["Balance"].to_string(), "0", "{number}");
    }
    let told: Vec<ActivityResult> = desk.log().await.into_iter().map(|entry| entry.result).collect();
    assert!(told.iter().all(|result| matches!(result, ActivityResult::Done(_)) && notes(result).is_empty()));
}
