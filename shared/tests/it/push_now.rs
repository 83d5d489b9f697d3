//! The push while its sender waits (R50, D6), alone and beside the queue.

use std::future::{pending, ready};
use std::sync::Arc;

use quickbooks_simulator::company::Seed;
use quickbooks_simulator::server::{CallKind, Effect, Fault};
use serde_json::{Value, json};
use sync::activity::ActivityResult;
use sync::event::EntityEvent;
use sync::memory::MemoryPushQueue;
use sync::outcome::ParkCause;
use sync::push::{self, Verdict};
use sync::push_now::{PushedNow, push_now, read};

use crate::desk::{Desk, client, invoice, messages, parked};
use crate::stops::Stops;

fn bill(id: &str) -> Value {
    let mut ames = client("c-1", "Ames & Daughters");
    ames["shipping_address"] = json!({"line1": "1 Elm St", "city": "Tucson", "state": "AZ", "postal_code": "85701", "country": "US"});
    invoice(id, &ames, &["Hedge laying", "Ditching"])
}

fn event(desk: &Desk, body: &Value) -> EntityEvent {
    read(&desk.books.company, &body.to_string()).unwrap()
}

fn result(pushed: PushedNow) -> ActivityResult {
    match pushed {
        PushedNow::Ended(activity) => activity.result,
        PushedNow::Queued => panic!("queued"),
    }
}

#[tokio::test]
async fn r50_the_answer_holds_quickbooks_taxes_and_totals() {
    let desk = Desk::open(Seed::AutomatedSalesTax).await;
    let queue = MemoryPushQueue::default();
    let body = desk.event("invoice.sent", &bill("i-1"));
    let mut answers = Vec::new();
    for _ in 0..2 {
        let pushed = push_now(desk.ports(), &queue, &event(&desk, &body), &body.to_string(), pending()).await;
        answers.push(result(pushed.unwrap()));
    }
    assert_eq!(answers[0], answers[1], "asked again, answered again");
    let ActivityResult::Done(done) = &answers[0] else { panic!("{answers:?}") };
    let taxes = done.taxes.as_ref().unwrap();
    assert_eq!((taxes.total.to_string(), taxes.tax.to_string()), ("217.40".into(), "17.40".into()));
    assert_eq!(taxes.lines.iter().map(|line| line.taxes.as_ref().unwrap().len()).collect::<Vec<_>>(), [3, 3]);
    assert_eq!(queue.bodies(), [] as [&str; 0]);
}

#[tokio::test]
async fn d6_what_is_late_is_left_to_the_queue_and_nothing_is_pushed_twice() {
    let desk = Desk::open(Seed::AutomatedSalesTax).await;
    let invoices = desk.count("Invoice");
    let queue = MemoryPushQueue::default();
    let body = desk.event("invoice.sent", &bill("i-1"));
    let ports = desk.ports();
    let late = push_now(ports, &queue, &event(&desk, &body), &body.to_string(), ready(())).await.unwrap();
    assert_eq!(late, PushedNow::Queued);
    desk.simulator.add_fault(Fault { count: Some(3), ..Fault::once(Effect::Throttle) });
    let throttled = push_now(ports, &queue, &event(&desk, &body), &body.to_string(), pending()).await;
    assert_eq!(throttled.unwrap(), PushedNow::Queued);
    assert_eq!(queue.bodies(), [body.to_string()], "sent once under one id");
    assert_eq!(desk.deliver(std::slice::from_ref(&body)).await, [Verdict::Acknowledge]);
    assert_eq!(desk.count("Invoice"), invoices + 1);
}

#[tokio::test]
async fn an_answer_that_is_lost_is_recovered_while_the_sender_waits() {
    let desk = Desk::open(Seed::AutomatedSalesTax).await;
    let invoices = desk.count("Invoice");
    desk.simulator.add_fault(Fault {
        path: Some("/invoice".into()),
        ..Fault::once(Effect::LoseResponse).on(CallKind::Create)
    });
    let body = desk.event("invoice.sent", &bill("i-1"));
    let queue = MemoryPushQueue::default();
    let pushed = push_now(desk.ports(), &queue, &event(&desk, &body), &body.to_string(), pending()).await;
    let ActivityResult::Done(done) = result(pushed.unwrap()) else { panic!("done") };
    assert_eq!(done.taxes.unwrap().total.to_string(), "217.40");
    assert_eq!(desk.count("Invoice"), invoices + 1);
}

#[tokio::test]
async fn what_waits_for_a_person_is_told_at_once() {
    let desk = Desk::open(Seed::AutomatedSalesTax).await;
    let mut bill = bill("i-1");
    bill["currency"] = json!("EUR");
    let body = desk.event("invoice.sent", &bill);
    let queue = MemoryPushQueue::default();
    let pushed = push_now(desk.ports(), &queue, &event(&desk, &body), &body.to_string(), pending()).await;
    assert_eq!(parked(&result(pushed.unwrap())).cause, ParkCause::Currency);
}

#[tokio::test]
async fn an_older_event_in_the_queue_does_not_overwrite() {
    let desk = Desk::open(Seed::AutomatedSalesTax).await;
    let queue = MemoryPushQueue::default();
    let older = desk.event("invoice.created", &bill("i-1"));
    let mut edited = bill("i-1");
    edited["public_notes"] = json!("Thank you.");
    let newer = desk.event("invoice.updated", &edited);
    let pushed = push_now(desk.ports(), &queue, &event(&desk, &newer), &newer.to_string(), pending()).await;
    let ActivityResult::Done(done) = result(pushed.unwrap()) else { panic!("done") };
    desk.deliver(std::slice::from_ref(&older)).await;
    assert_eq!(desk.entity("Invoice", &done.quickbooks_id)["CustomerMemo"]["value"], "Thank you.");
}

#[test]
fn only_one_invoice_of_the_company_itself_is_read() {
    let company = sync::ids::CompanyId::new("acme").unwrap();
    let good = json!({
        "specversion": "1.0", "id": "e-1", "source": "test", "type": "billing.invoice.sent", "subject": "i-1",
        "time": "2026-03-02T10:00:00Z", "company": "acme", "data": bill("i-1"),
    });
    assert!(read(&company, &good.to_string()).is_ok());
    let problem = |change: &dyn Fn(&mut Value)| {
        let mut event = good.clone();
        change(&mut event);
        read(&company, &event.to_string()).unwrap_err()
    };
    assert!(problem(&|event| event["company"] = json!("globex")).starts_with("`company` is `globex`"));
    assert!(problem(&|event| *event = json!([event.clone(), event.clone()])).contains("not an array"));
    assert!(
        problem(&|event| event["data"]["lines"][1]["quantity"] = json!("many"))
            .starts_with("`data.lines[1].quantity`")
    );
    let client = |event: &mut Value| {
        event["type"] = json!("billing.client.created");
        event["subject"] = json!("c-1");
        event["data"] = client("c-1", "Ames");
    };
    assert!(problem(&client).contains("only invoices"));
}

/// Runs the push of one event until its call of each number in turn, then another worker's from beginning to end,
/// then the rest of the first. `other` says how the other worker does it.
async fn one_invoice_however_they_interleave<F>(other: impl Fn(Arc<Desk>, Value) -> F)
where
    F: Future<Output = ()>,
{
    for call in 0.. {
        let desk = Arc::new(Desk::open(Seed::AutomatedSalesTax).await);
        let before = [desk.count("Customer"), desk.count("Item"), desk.count("Invoice")];
        let body = desk.event("invoice.sent", &bill("i-1"));
        let event = event(&desk, &body);
        let queue = MemoryPushQueue::default();
        let stops = Stops::before(&desk, call).sending_to(&queue);
        let text = body.to_string();
        let mut first = Box::pin(push_now(stops.ports(), stops.queue(), &event, &text, pending()));
        let ended = stops.until_stopped(&mut first).await;
        let is_last = ended.is_some();
        other(Arc::clone(&desk), body.clone()).await;
        let pushed = match ended {
            Some(pushed) => pushed.unwrap(),
            None => {
                stops.open();
                first.await.unwrap()
            }
        };
        if pushed == PushedNow::Queued {
            desk.deliver(std::slice::from_ref(&body)).await;
        }
        let result = desk.result(&body).await;
        let ActivityResult::Done(done) = &result else { panic!("call {call}: {result:?}") };
        assert_eq!(done.taxes.as_ref().unwrap().total.to_string(), "217.40", "call {call}");
        let after = [desk.count("Customer"), desk.count("Item"), desk.count("Invoice")];
        assert_eq!(after, [before[0] + 1, before[1] + 2, before[2] + 1], "call {call}");
        if is_last {
            assert!(call > 8, "{call} calls were tried");
            break;
        }
    }
}

#[tokio::test]
async fn beside_the_queue_one_invoice_is_made() {
    one_invoice_however_they_interleave(async |desk: Arc<Desk>, body: Value| {
        push::messages(desk.ports(), &messages(&[body])).await;
    })
    .await;
}

#[tokio::test]
async fn beside_another_call_one_invoice_is_made() {
    one_invoice_however_they_interleave(async |desk: Arc<Desk>, body: Value| {
        let queue = MemoryPushQueue::default();
        let event = event(&desk, &body);
        push_now(desk.ports(), &queue, &event, &body.to_string(), pending()).await.unwrap();
        for body in queue.bodies() {
            desk.deliver(&[serde_json::from_str(&body).unwrap()]).await;
        }
    })
    .await;
}

#[tokio::test]
async fn wherever_a_call_dies_the_sender_tries_again_and_one_invoice_is_made() {
    for call in 0.. {
        let desk = Desk::open(Seed::AutomatedSalesTax).await;
        let invoices = desk.count("Invoice");
        let body = desk.event("invoice.sent", &bill("i-1"));
        let event = event(&desk, &body);
        let queue = MemoryPushQueue::default();
        let stops = Stops::before(&desk, call).sending_to(&queue);
        let text = body.to_string();
        let ended = {
            let mut first = Box::pin(push_now(stops.ports(), stops.queue(), &event, &text, pending()));
            stops.until_stopped(&mut first).await
        };
        let died = ended.is_none();
        let again = push_now(desk.ports(), &queue, &event, &text, pending()).await.unwrap();
        let ActivityResult::Done(done) = result(again) else { panic!("call {call}") };
        assert_eq!(done.taxes.unwrap().total.to_string(), "217.40", "call {call}");
        assert_eq!(desk.count("Invoice"), invoices + 1, "call {call}");
        if !died {
            break;
        }
    }
}
