use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine;
use hmac::{Hmac, KeyInit, Mac};
use quickbooks_simulator::server::{Effect, Fault, WebhookFormat, WebhookSettings};
use serde_json::Value;
use sha2::Sha256;
use tokio::sync::mpsc;

use crate::{Setup, set_up, status, until};

struct Notification {
    headers: HeaderMap,
    body: String,
}

impl Notification {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The `type` and the company of each event.
    fn events(&self) -> Vec<(String, String)> {
        let text = |event: &Value, member: &str| event[member].as_str().unwrap().to_owned();
        let events = self.json().as_array().unwrap().clone();
        events.iter().map(|event| (text(event, "type"), text(event, "intuitaccountid"))).collect()
    }
}

/// An endpoint that answers with the statuses given, then always with 200.
struct Receiver {
    url: String,
    notifications: mpsc::UnboundedReceiver<Notification>,
}

impl Receiver {
    async fn answering(statuses: &[u16]) -> Self {
        type Shared = (Arc<Mutex<VecDeque<u16>>>, mpsc::UnboundedSender<Notification>);
        async fn receive(
            State((answers, sender)): State<Shared>,
            headers: HeaderMap,
            body: String,
        ) -> StatusCode {
            sender.send(Notification { headers, body }).unwrap();
            let status = answers.lock().unwrap().pop_front().unwrap_or(200);
            StatusCode::from_u16(status).unwrap()
        }
        let (sender, notifications) = mpsc::unbounded_channel();
        let answers = Arc::new(Mutex::new(statuses.iter().copied().collect()));
        let router = Router::new().route("/hook", post(receive)).with_state((answers, sender));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, notifications }
    }

    async fn next(&mut self) -> Notification {
        self.notifications.recv().await.unwrap()
    }

    fn settings(&self) -> WebhookSettings {
        let target = Some(self.url.clone());
        WebhookSettings { target, aggregation: 0, retry_percent: 1, ..WebhookSettings::default() }
    }
}

async fn create(setup: &Setup, name: &str) {
    assert_eq!(status(setup.create_customer(name)).await, 200);
}

#[tokio::test]
async fn a_change_is_announced_and_signed() {
    let (setup, mut receiver) = (set_up().await, Receiver::answering(&[]).await);
    setup.simulator.set_webhooks(WebhookSettings { verifier_token: "key".into(), ..receiver.settings() });
    create(&setup, "Announced").await;
    let notification = receiver.next().await;
    assert_eq!(notification.events(), [("qbo.customer.created.v1".into(), setup.realm().into())]);

    let header = |name: &str| notification.headers[name].to_str().unwrap();
    let mut hmac = Hmac::<Sha256>::new_from_slice(b"key").unwrap();
    hmac.update(notification.body.as_bytes());
    let signature = base64::engine::general_purpose::STANDARD.encode(hmac.finalize().into_bytes());
    assert_eq!(header("intuit-signature"), signature);
    assert_eq!(header("content-type"), "application/cloudevents+json");
    assert_eq!(header("user-agent"), "intuit_notification_server/1.0");
    assert_eq!(header("intuit-notification-schema-version"), "0.1");
    assert!(notification.headers.contains_key("intuit-t-id"));
    assert!(notification.headers.contains_key("intuit-created-time"));
}

#[tokio::test]
async fn events_of_several_companies_travel_together() {
    let (setup, mut receiver) = (set_up().await, Receiver::answering(&[]).await);
    // Gathered until this test moves the clock.
    setup.simulator.set_webhooks(WebhookSettings {
        aggregation: 3_600_000,
        format: WebhookFormat::Classic,
        ..receiver.settings()
    });
    create(&setup, "Of the first company").await;
    let other = setup.simulator.connect("9341450000000002").unwrap();
    let first = setup.realm().to_owned();
    let setup = Setup { credentials: other, ..setup };
    create(&setup, "Of the second company").await;
    assert_eq!(setup.simulator.undelivered_events(), 2);
    setup.simulator.advance_clock(jiff::SignedDuration::from_hours(1)).unwrap();
    let notification = receiver.next().await;
    let body = notification.json();
    assert_eq!(body["eventNotifications"][0]["realmId"], first);
    assert_eq!(body["eventNotifications"][1]["realmId"], setup.realm());
    let entity = &body["eventNotifications"][0]["dataChangeEvent"]["entities"][0];
    assert_eq!((&entity["name"], &entity["operation"]), (&"Customer".into(), &"Create".into()));
    assert_eq!(notification.headers["content-type"], "application/json; charset=utf-8");
}

#[tokio::test]
async fn what_is_not_taken_is_sent_again_and_later_events_wait() {
    let (setup, mut receiver) = (set_up().await, Receiver::answering(&[500, 403]).await);
    setup.simulator.set_webhooks(receiver.settings());
    create(&setup, "First").await;
    let first = receiver.next().await;
    create(&setup, "Second").await;
    for attempt in [2, 3] {
        let again = receiver.next().await;
        assert_eq!(again.body, first.body, "attempt {attempt}");
        assert_eq!(again.headers["intuit-t-id"], first.headers["intuit-t-id"]);
    }
    assert_ne!(receiver.next().await.body, first.body);
    let attempts = setup.simulator.webhook_attempts();
    let statuses = attempts.iter().take(3).map(|attempt| (attempt.number, attempt.status));
    assert_eq!(statuses.collect::<Vec<_>>(), [(1, Some(500)), (2, Some(403)), (3, Some(200))]);
}

#[tokio::test]
async fn the_clock_drives_the_retries() {
    let (setup, mut receiver) = (set_up().await, Receiver::answering(&[500]).await);
    setup.simulator.set_webhooks(WebhookSettings { retry_percent: 100, ..receiver.settings() });
    create(&setup, "Late").await;
    let first = receiver.next().await;
    // Intuit's wait of ten seconds passes at once.
    setup.simulator.advance_clock(jiff::SignedDuration::from_secs(10)).unwrap();
    assert_eq!(receiver.next().await.body, first.body);
}

#[tokio::test]
async fn webhooks_are_dropped_duplicated_and_reordered_on_request() {
    let (setup, mut receiver) = (set_up().await, Receiver::answering(&[]).await);
    setup.simulator.set_webhooks(receiver.settings());
    setup.simulator.add_fault(Fault::once(Effect::DropWebhook));
    create(&setup, "Dropped").await;
    until(|| setup.simulator.faults().is_empty()).await;
    setup.simulator.add_fault(Fault::once(Effect::DuplicateWebhook));
    create(&setup, "Twice").await;
    let (one, other) = (receiver.next().await, receiver.next().await);
    assert_eq!(one.body, other.body);
    assert_ne!(one.headers["intuit-t-id"], other.headers["intuit-t-id"]);

    setup.simulator.add_fault(Fault::once(Effect::ReorderWebhook));
    setup.simulator.with_company(setup.realm(), |company| {
        let now = setup.simulator.now();
        for body in [r#"{"DisplayName":"Earlier"}"#, r#"{"DisplayName":"Later"}"#] {
            let request = quickbooks_simulator::company::Request {
                method: "POST".into(),
                path: "customer".into(),
                query: Vec::new(),
                content_type: Some("application/json".into()),
                body: body.into(),
            };
            assert_eq!(company.answer(&request, now).status, 200);
        }
    });
    let reordered = receiver.next().await.json();
    let id = |n: usize| reordered[n]["intuitentityid"].as_str().unwrap().parse::<u64>().unwrap();
    assert!(id(0) > id(1), "the later one comes first: {reordered}");
}

#[tokio::test]
async fn nothing_is_sent_for_entities_not_subscribed_to() {
    let (setup, mut receiver) = (set_up().await, Receiver::answering(&[]).await);
    setup
        .simulator
        .set_webhooks(WebhookSettings { entities: Some(vec!["Item".into()]), ..receiver.settings() });
    create(&setup, "Not subscribed to").await;
    assert_eq!(setup.simulator.undelivered_events(), 0);
    setup.simulator.set_webhooks(receiver.settings());
    create(&setup, "Subscribed to").await;
    assert_eq!(receiver.next().await.events().len(), 1);
}
