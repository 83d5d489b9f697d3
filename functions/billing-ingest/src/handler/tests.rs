use jiff::Timestamp;
use lambda_http::http::Method;
use serde_json::{Value, json};
use sync::event;
use sync::memory::{MemoryActivityLog, MemoryPushQueue};

use super::*;

/// One company with a secret, whose lists cannot be read now.
struct Acme;

#[async_trait]
impl Apps for Acme {
    async fn is_genuine(&self, company: &CompanyId, given: &[u8]) -> Result<bool, BillingError> {
        match company.as_str() {
            "broken" => Err(StoreError::new("reading a company", "the table is away").into()),
            company => Ok(company == "acme" && given == b"the secret"),
        }
    }

    async fn setup(&self, _company: &CompanyId) -> Option<Arc<Setup>> {
        None
    }
}

struct At;

impl Clock for At {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_772_000_000).unwrap()
    }
}

#[derive(Default)]
struct World {
    queue: MemoryPushQueue,
    activity: MemoryActivityLog,
}

impl World {
    async fn post(&self, path: &str, secret: &str, body: impl Into<Body>) -> u16 {
        let request = lambda_http::http::Request::builder()
            .method(Method::POST)
            .uri(format!("https://api.example{path}"))
            .header("x-counterpart-secret", secret)
            .body(body.into())
            .unwrap();
        let door = Door { apps: &Acme, queue: &self.queue, activity: &self.activity, clock: &At };
        handle(&door, &request).await.status().as_u16()
    }

    async fn invoice(&self, secret: &str) -> u16 {
        self.post("/webhooks/billing/acme/invoice.updated", secret, record().to_string()).await
    }

    async fn parked(&self) -> Vec<Activity> {
        self.activity.parked(&CompanyId::new("acme").unwrap()).await.unwrap()
    }
}

fn record() -> Value {
    json!({"id": "invoice001", "updated_at": 1_771_999_990, "is_deleted": false})
}

#[tokio::test]
async fn what_the_app_tells_is_put_on_the_queue_once() {
    let world = World::default();
    assert_eq!(world.invoice("the secret").await, 200);
    assert_eq!(world.invoice("the secret").await, 200);
    let bodies = world.queue.bodies();
    assert_eq!(bodies.len(), 1, "R95: the same event");
    let event = event::read(&bodies[0]).remove(0).event.unwrap();
    assert_eq!(event.to_string(), "invoice invoice001 updated");
    assert_eq!((event.time.as_second(), event.data), (1_771_999_990, None));
}

#[tokio::test]
async fn without_the_companys_secret_nothing_is_taken_or_kept() {
    let world = World::default();
    for secret in ["", "another", "the secret "] {
        assert_eq!(world.invoice(secret).await, 401);
    }
    for path in [
        "/webhooks/billing/globex/invoice.updated",
        "/webhooks/billing/a%20b/invoice.updated",
        "/webhooks/billing/",
    ] {
        assert_eq!(world.post(path, "the secret", "{").await, 401, "{path}");
    }
    assert!(world.queue.bodies().is_empty() && world.parked().await.is_empty());
}

#[tokio::test]
async fn what_cannot_be_read_is_parked_as_it_came() {
    let world = World::default();
    assert_eq!(world.post("/webhooks/billing/acme/invoice.updated", "the secret", "<html>").await, 400);
    let parked = world.parked().await;
    assert_eq!(parked[0].event_json.as_deref(), Some("<html>"));
    let ActivityResult::Parked(park) = &parked[0].result else { panic!("parked") };
    assert_eq!(park.reason, "A webhook of the billing app cannot be read: its body is not a JSON object.");
    for path in [
        "/webhooks/billing/acme/quote.created",
        "/webhooks/billing/acme",
        "/webhooks/billing/acme/invoice/updated",
    ] {
        assert_eq!(world.post(path, "the secret", record().to_string()).await, 400, "{path}");
    }
    assert!(world.queue.bodies().is_empty());
}

#[tokio::test]
async fn what_is_too_long_and_what_cannot_be_kept_now_is_said() {
    let world = World::default();
    let long = "x".repeat(1024 * 1024);
    assert_eq!(world.post("/webhooks/billing/acme/invoice.updated", "the secret", long).await, 413);
    assert_eq!(world.post("/webhooks/billing/broken/invoice.updated", "the secret", "{}").await, 503);
}
