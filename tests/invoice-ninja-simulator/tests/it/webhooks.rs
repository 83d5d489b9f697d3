use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use invoice_ninja_simulator::server::{Effect, Fault};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::{Setup, set_up, status, until};

struct Received {
    path: String,
    headers: HeaderMap,
    body: Value,
}

#[derive(Clone)]
struct Script {
    answers: Arc<Mutex<VecDeque<u16>>>,
    received: mpsc::UnboundedSender<Received>,
}

/// A receiver that answers with these statuses, and then with 200.
async fn receiver(answers: &[u16]) -> (String, mpsc::UnboundedReceiver<Received>) {
    let (sender, received) = mpsc::unbounded_channel();
    let script =
        Script { answers: Arc::new(Mutex::new(answers.iter().copied().collect())), received: sender };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(take).with_state(script);
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, received)
}

async fn take(State(script): State<Script>, uri: Uri, headers: HeaderMap, body: Bytes) -> StatusCode {
    let body = serde_json::from_slice(&body).unwrap();
    script.received.send(Received { path: uri.path().to_owned(), headers, body }).unwrap();
    let status = script.answers.lock().unwrap().pop_front().unwrap_or(200);
    StatusCode::from_u16(status).unwrap()
}

impl Setup {
    async fn subscribe(&self, url: &str, event: u32) {
        let hook = json!({
            "target_url": format!("{url}/hook/{event}"), "event_id": event, "rest_method": "post", "format": "JSON",
            "headers": {"X-Hook-Secret": "secret"},
        });
        assert_eq!(status(self.post("webhooks", &hook)).await, 200);
    }

    fn later(&self, seconds: i64) {
        self.simulator.advance_clock(SignedDuration::from_secs(seconds)).unwrap();
    }
}

#[tokio::test]
async fn a_change_is_sent_once_it_is_due() {
    let (setup, (url, mut received)) = (set_up().await, receiver(&[]).await);
    setup.subscribe(&url, 1).await;
    assert_eq!(status(setup.create_client("Ann")).await, 200);
    setup.later(2);
    let hook = received.recv().await.unwrap();
    assert_eq!((hook.path.as_str(), &hook.body["name"]), ("/hook/1", &json!("Ann")));
    assert_eq!(hook.headers["x-hook-secret"], "secret");
    assert!(hook.headers["user-agent"].to_str().unwrap().starts_with("InvoiceNinja/"));
}

#[tokio::test]
async fn a_failure_is_never_sent_again_and_a_404_ends_the_subscription() {
    let (setup, (url, mut received)) = (set_up().await, receiver(&[500, 404]).await);
    setup.subscribe(&url, 50).await;
    for key in ["One", "Two", "Three"] {
        assert_eq!(status(setup.post("products", &json!({"product_key": key}))).await, 200);
        if key != "Three" {
            assert_eq!(received.recv().await.unwrap().body["product_key"], key);
        }
        let expected = if key == "One" { 1 } else { 2 };
        until(|| setup.simulator.webhook_attempts().len() == expected).await;
    }
    let statuses: Vec<_> = setup.simulator.webhook_attempts().iter().map(|attempt| attempt.status).collect();
    assert_eq!(statuses, [Some(500), Some(404)]);
    assert_eq!(setup.simulator.with_company(0, |company, _| company.next_webhook()), Some(None));
}

#[tokio::test]
async fn webhooks_are_dropped_duplicated_and_switched_off_on_request() {
    let (setup, (url, mut received)) = (set_up().await, receiver(&[]).await);
    setup.subscribe(&url, 50).await;
    let make = |key: &str| setup.post("products", &json!({"product_key": key}));
    setup.simulator.add_fault(Fault::once(Effect::DropWebhook));
    assert_eq!(status(make("Dropped")).await, 200);
    until(|| setup.simulator.faults().is_empty()).await;
    setup.simulator.add_fault(Fault::once(Effect::DuplicateWebhook));
    assert_eq!(status(make("Twice")).await, 200);
    for _ in 0..2 {
        assert_eq!(received.recv().await.unwrap().body["product_key"], "Twice");
    }
    setup.simulator.send_webhooks(false);
    assert_eq!(status(make("Off")).await, 200);
    until(|| setup.simulator.with_company(0, |company, _| company.next_webhook()) == Some(None)).await;
    setup.simulator.send_webhooks(true);
    assert_eq!(status(make("On")).await, 200);
    assert_eq!(received.recv().await.unwrap().body["product_key"], "On");
}
