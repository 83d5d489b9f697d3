//! Events that wait for the connection, and what becomes of them when it is there again (D10).

use quickbooks_simulator::company::Seed;
use serde_json::{Value, json};
use sync::memory::MemoryPushQueue;
use sync::outcome::ParkCause;
use sync::parked;
use sync::ports::Clock;
use sync::push::Verdict;
use sync::settings::ConnectionState;

use crate::desk::{Desk, Now, client, done, invoice, parked as park_of, payment};

#[tokio::test]
async fn d10_what_came_while_the_connection_was_dead_is_replayed_in_order_by_itself() {
    let desk = Desk::open(Seed::Landscaping).await;
    let mut ames = client("c-1", "Ames & Daughters");
    let mut bill = invoice("i-1", &ames, &["Hedge laying"]);
    desk.set_connection(ConnectionState::Expired).await;
    let mut events = vec![desk.event("client.created", &ames), desk.event("invoice.sent", &bill)];
    bill["lines"][0]["quantity"] = json!(3);
    bill["amount"] = json!(150);
    events.push(desk.event("invoice.updated", &bill));
    events.push(desk.event("payment.created", &payment("y-1", &ames, 150, &[("i-1", 150)])));
    ames["name"] = json!("Ames & Granddaughters");
    events.push(desk.event("client.updated", &ames));
    let other = invoice("i-2", &ames, &["Ditching"]);
    events.push(desk.event("invoice.sent", &other));
    events.push(desk.event("invoice.deleted", &other));
    for event in &events {
        assert_eq!(desk.deliver(std::slice::from_ref(event)).await, [Verdict::Acknowledge]);
        assert_eq!(park_of(&desk.result(event).await).cause, ParkCause::NotConnected);
    }
    assert_eq!(desk.calls(), 0, "nothing is asked of a dead connection");

    desk.set_connection(ConnectionState::Connected).await;
    let queue = MemoryPushQueue::default();
    let company = &desk.books.company;
    let sent = parked::after_connecting(&desk.activity, &queue, company, Now.now()).await.unwrap();
    let ids: Vec<&str> = sent.iter().map(sync::ids::EventId::as_str).collect();
    assert_eq!(ids, events.iter().map(|event| event["id"].as_str().unwrap()).collect::<Vec<_>>(), "in order");
    let bodies: Vec<Value> = queue.bodies().iter().map(|body| serde_json::from_str(body).unwrap()).collect();
    assert!(desk.deliver(&bodies).await.iter().all(|verdict| *verdict == Verdict::Acknowledge));

    assert!(desk.log().await.iter().all(|entry| !entry.result.is_parked()));
    let (_, id) = done(&desk.result(&events[2]).await);
    let booked = desk.entity("Invoice", &id);
    assert_eq!(
        (booked["TotalAmt"].to_string(), booked["Balance"].to_string()),
        ("150.00".into(), "0".into())
    );
    assert_eq!(booked["CustomerRef"]["name"], "Ames & Granddaughters");
    let named = |number: &str| {
        desk.company(|company| {
            company.entities("Invoice").iter().filter(|row| row["DocNumber"] == number).count()
        })
    };
    assert_eq!((named("N-i-1"), named("N-i-2")), (1, 0), "what was deleted meanwhile is never made");
}

#[tokio::test]
async fn d10_a_replay_that_comes_twice_makes_nothing_twice() {
    let desk = Desk::open(Seed::Landscaping).await;
    let ames = client("c-1", "Ames & Daughters");
    desk.set_connection(ConnectionState::Disconnected).await;
    let event = desk.event("invoice.sent", &invoice("i-1", &ames, &["Hedge laying"]));
    desk.deliver(std::slice::from_ref(&event)).await;
    desk.set_connection(ConnectionState::Connected).await;
    let (queue, company) = (MemoryPushQueue::default(), &desk.books.company);
    let invoices = desk.count("Invoice");
    for minutes in [0, 10] {
        let now = Now.now().saturating_add(jiff::SignedDuration::from_mins(minutes)).unwrap();
        parked::after_connecting(&desk.activity, &queue, company, now).await.unwrap();
    }
    let bodies: Vec<Value> = queue.bodies().into_iter().map(Value::String).collect();
    assert_eq!(bodies.len(), 2, "a person reconnected twice in a row");
    desk.deliver(&bodies).await;
    assert_eq!(desk.count("Invoice"), invoices + 1);
    assert!(parked::after_connecting(&desk.activity, &queue, company, Now.now()).await.unwrap().is_empty());
}

#[tokio::test]
async fn d10_events_that_come_before_what_is_replayed_are_not_overwritten_by_it() {
    let desk = Desk::open(Seed::Landscaping).await;
    desk.set_connection(ConnectionState::Expired).await;
    let old = desk.event("client.created", &client("c-1", "Ames & Daughters"));
    desk.deliver(std::slice::from_ref(&old)).await;
    desk.set_connection(ConnectionState::Connected).await;
    let (_, id) = done(&desk.push("client.updated", &client("c-1", "Ames & Granddaughters")).await);
    desk.deliver(std::slice::from_ref(&old)).await;
    assert_eq!(desk.entity("Customer", &id)["DisplayName"], "Ames & Granddaughters");
    assert!(!desk.result(&old).await.is_parked());
}
