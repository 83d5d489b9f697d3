//! QuickBooks refuses for a while, in each of the ways it has: nothing is lost, made twice or reordered.

use jiff::SignedDuration;
use quickbooks_simulator::company::Seed;
use quickbooks_simulator::server::{Effect, ErrorBody, Fault, ThrottleFormat};
use serde_json::{Value, json};
use sync::activity::ActivityResult;
use sync::outcome::ParkCause;
use sync::push::Verdict;

use crate::desk::{Desk, client, done, invoice, payment, product};

/// How many messages a delivery has at most, as with SQS.
const BATCH: usize = 10;

/// Two clients, their invoices and payments, and edits in between.
fn story(desk: &Desk) -> Vec<Value> {
    let (ames, boll) = (client("c-1", "Ames & Daughters"), client("c-2", "Boll Weaving"));
    let mut events = vec![
        desk.event("client.created", &ames),
        desk.event("product.created", &product("p-1", "Hedge laying")),
    ];
    for number in 1..=4 {
        let id = format!("i-{number}");
        let owner = if number % 2 == 0 { &ames } else { &boll };
        let mut bill = invoice(&id, owner, &["Hedge laying"]);
        events.push(desk.event("invoice.sent", &bill));
        bill["public_notes"] = json!(format!("Thank you for {id}."));
        events.push(desk.event("invoice.updated", &bill));
        events
            .push(desk.event("payment.created", &payment(&format!("y-{number}"), owner, 100, &[(&id, 100)])));
    }
    events
}

/// The queue: delivers what waits until nothing does, and lets the simulator's clock run for as long as it is told to
/// wait. Tells how long it all took.
async fn deliver_all(desk: &Desk, events: &[Value]) -> SignedDuration {
    let began = desk.simulator.now();
    let mut waiting = events;
    for _ in 0..100 {
        if waiting.is_empty() {
            return desk.simulator.now().duration_since(began);
        }
        let verdicts = desk.deliver(&waiting[..waiting.len().min(BATCH)]).await;
        let again = verdicts.iter().position(|verdict| *verdict != Verdict::Acknowledge);
        assert!(
            again
                .is_none_or(|first| verdicts[first..].iter().all(|verdict| *verdict != Verdict::Acknowledge)),
            "what follows waits too: {verdicts:?}"
        );
        waiting = &waiting[again.unwrap_or(verdicts.len())..];
        if let Some(Verdict::Redeliver { after }) = again.map(|first| &verdicts[first]) {
            desk.simulator.advance_clock(SignedDuration::try_from(*after).unwrap()).unwrap();
        }
    }
    panic!("{} events still wait", waiting.len());
}

/// Everything of the story is there, once, complete, and in its order.
async fn assert_told(desk: &Desk, events: &[Value]) {
    let mut invoices = Vec::new();
    for event in events {
        let result = desk.result(event).await;
        let is_superseded =
            matches!(&result, ActivityResult::Skipped { reason } if reason.contains("later event"));
        if !is_superseded {
            let (_, id) = done(&result);
            if event["type"] == "invoice.updated" {
                invoices.push(id);
            }
        }
    }
    let made = |entity: &str, member: &str, start: &str| {
        let named = |row: &&Value| row[member].as_str().is_some_and(|name| name.starts_with(start));
        desk.company(|company| {
            company.entities(entity).iter().map(|row| &**row).filter(named).cloned().collect::<Vec<Value>>()
        })
    };
    assert_eq!(made("Customer", "DisplayName", "Ames").len(), 1);
    assert_eq!(made("Customer", "DisplayName", "Boll").len(), 1);
    assert_eq!(made("Item", "Name", "Hedge laying").len(), 1);
    assert_eq!(made("Payment", "PaymentRefNum", "ref y-").len(), 4);
    let bills = made("Invoice", "DocNumber", "N-i-");
    assert_eq!(bills.len(), 4);
    for bill in bills {
        let number = bill["DocNumber"].as_str().unwrap().trim_start_matches("N-").to_owned();
        assert_eq!(bill["CustomerMemo"]["value"], format!("Thank you for {number}."), "the last state");
        assert_eq!(bill["Balance"].to_string(), "0", "paid once");
    }
}

/// The story, with a minute of `effect` from the third call on.
async fn minute_of(effect: Effect, format: ThrottleFormat) -> (SignedDuration, u64) {
    let desk = Desk::open(Seed::Landscaping).await;
    let events = story(&desk);
    desk.simulator.set_switches(|switches| switches.throttle_format = format);
    let storm = Fault { count: None, seconds: Some(60), after: 2, ..Fault::once(effect) };
    desk.simulator.add_fault(storm);
    let took = deliver_all(&desk, &events).await;
    assert_told(&desk, &events).await;
    (took, desk.calls())
}

#[tokio::test]
async fn t25_a_minute_long_storm_of_429_loses_and_reorders_nothing() {
    let refusal = |body| Effect::ServerError { status: 429, body };
    for (effect, format) in [
        (Effect::Throttle, ThrottleFormat::Json),
        (Effect::Throttle, ThrottleFormat::Xml),
        (refusal(ErrorBody::Html), ThrottleFormat::Json),
        (refusal(ErrorBody::Gateway), ThrottleFormat::Json),
        (refusal(ErrorBody::Empty), ThrottleFormat::Json),
    ] {
        let (took, _) = minute_of(effect, format).await;
        assert!(took >= SignedDuration::from_secs(60), "T8, {effect:?}: {took}");
    }
}

#[tokio::test]
async fn a_minute_in_which_intuit_is_down_loses_and_reorders_nothing() {
    for status in [500, 502, 503, 504] {
        for body in [ErrorBody::Json, ErrorBody::Gateway, ErrorBody::Html, ErrorBody::Empty] {
            let (took, _) = minute_of(Effect::ServerError { status, body }, ThrottleFormat::Json).await;
            assert!(took >= SignedDuration::from_secs(60), "{status} {body:?}: {took}");
        }
    }
}

#[tokio::test]
async fn a_suspended_company_parks_everything_and_goes_on_when_it_is_retried() {
    let desk = Desk::open(Seed::Landscaping).await;
    let events = story(&desk);
    desk.simulator.add_fault(Fault { count: None, after: 2, ..Fault::once(Effect::SuspendSubscription) });
    deliver_all(&desk, &events).await;
    let mut waiting = 0;
    for event in &events {
        if let ActivityResult::Parked(park) = desk.result(event).await {
            assert_eq!(park.cause, ParkCause::NotConnected);
            assert!(park.way_on.contains("subscription") && park.reason.contains("6190"), "{park:?}");
            waiting += 1;
        }
    }
    assert!(waiting > 5, "{waiting}");
    desk.simulator.clear_faults();
    deliver_all(&desk, &events).await;
    assert_told(&desk, &events).await;
}

#[tokio::test]
async fn a_used_up_quota_holds_what_needs_a_look_up_and_loses_nothing() {
    let desk = Desk::open(Seed::Landscaping).await;
    let events = story(&desk);
    desk.simulator.set_switches(|switches| switches.builder_quota_exhausted = true);
    let verdicts = desk.deliver(&events).await;
    assert!(verdicts.iter().all(|verdict| *verdict != Verdict::Acknowledge), "{verdicts:?}");
    desk.simulator.set_switches(|switches| switches.builder_quota_exhausted = false);
    deliver_all(&desk, &events).await;
    assert_told(&desk, &events).await;
}
