use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lambda_http::http::{HeaderMap, Request as Http};
use serde_json::{Value, json};
use sync::api_key::ApiKeyHash;
use sync::ids::{BillingId, Books, RealmId};
use sync::memory::{MemoryActivityLog, MemoryCompanies, MemoryLedger, MemoryPushQueue};
use sync::model::Kind;
use sync::ports::{Billing, BillingError, Clock, Companies, Connector, OpenError, QuickBooks, Stored};
use sync::settings::{Company, Connection, ConnectionState, Direction, Directions, Settings};

use super::*;
use http_api::openapi::statuses;

struct AtNoon;

#[async_trait]
impl Clock for AtNoon {
    fn now(&self) -> Timestamp {
        "2026-03-02T12:00:00Z".parse().unwrap()
    }

    async fn sleep(&self, _: Duration) {}
}

struct EventsOnly;

#[async_trait]
impl Billing for EventsOnly {
    async fn fetch(&self, _: &CompanyId, _: Kind, _: &BillingId) -> Result<Option<Stored>, BillingError> {
        Ok(None)
    }
}

/// A QuickBooks that cannot be had: now, or until a person connects again.
struct Closed {
    for_now: bool,
}

#[async_trait]
impl Connector for Closed {
    async fn open(&self, _: &Books) -> Result<Arc<dyn QuickBooks>, OpenError> {
        Err(if self.for_now { OpenError::Later("it rests".into()) } else { OpenError::NotConnected })
    }
}

struct Site {
    companies: MemoryCompanies,
    ledger: MemoryLedger,
    activity: MemoryActivityLog,
    queue: MemoryPushQueue,
    connector: Closed,
}

const KEY: &str = "cpk_of-acme";

impl Site {
    /// `acme` with [`KEY`], and `globex` with another.
    async fn open(direction: Direction, connector: Closed) -> Site {
        let companies = MemoryCompanies::default();
        for (name, key) in [("acme", KEY), ("globex", "cpk_of-globex")] {
            let company = Company {
                settings: Settings { directions: Directions::all(direction), ..Settings::default() },
                connection: Some(Connection {
                    realm: RealmId::new("1").unwrap(),
                    state: ConnectionState::Connected,
                    name: "Books".into(),
                    connected_at: Timestamp::UNIX_EPOCH,
                }),
                api_key: Some(ApiKeyHash::of(&key.into())),
                version: 1,
                ..Company::new(CompanyId::new(name).unwrap())
            };
            assert!(companies.save(&company).await.unwrap());
        }
        Site {
            companies,
            ledger: MemoryLedger::default(),
            activity: MemoryActivityLog::default(),
            queue: MemoryPushQueue::default(),
            connector,
        }
    }

    /// The status, the headers and the body of the answer, all of which have to be as described.
    async fn answer(&self, request: Http<Body>) -> (u16, HeaderMap, Value) {
        let ports = Ports {
            companies: &self.companies,
            ledger: &self.ledger,
            activity: &self.activity,
            billing: &EventsOnly,
            connector: &self.connector,
            clock: &AtNoon,
        };
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let response = handle(Desk { ports, queue: &self.queue }, &request, pending()).await;
        let status = response.status().as_u16();
        if let Some((operation @ (Operation::PushInvoice | Operation::GetEvent), _)) =
            Operation::of(&method, &path)
        {
            assert!(
                statuses(operation).contains(&status),
                "{operation:?} is not described to answer with {status}"
            );
        }
        let kind = if status < 400 { "application/json" } else { "application/problem+json" };
        assert_eq!(response.headers()[header::CONTENT_TYPE], kind);
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        if status >= 400 {
            assert_eq!(body["status"], status);
        }
        (status, response.headers().clone(), body)
    }

    async fn push(&self, event: &Value) -> (u16, HeaderMap, Value) {
        self.answer(post("acme", Some(("authorization", &format!("Bearer {KEY}"))), &event.to_string())).await
    }
}

fn post(company: &str, key: Option<(&str, &str)>, body: &str) -> Http<Body> {
    let mut request = Http::builder().method("POST").uri(format!("/companies/{company}/invoices/push"));
    if let Some((name, value)) = key {
        request = request.header(name, value);
    }
    request.body(Body::from(body)).unwrap()
}

fn get(address: &str) -> Http<Body> {
    let request =
        Http::builder().method("GET").uri(address).header("x-api-key", KEY).body(Body::Empty).unwrap();
    // As the function's runtime does with what API Gateway tells.
    let parameters =
        request.uri().query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    let parameters: std::collections::HashMap<String, String> =
        parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    request.with_query_string_parameters(parameters)
}

fn event() -> Value {
    json!({
        "specversion": "1.0", "id": "e 1/ü", "source": "test", "type": "billing.invoice.sent", "subject": "i-1",
        "time": "2026-03-02T10:00:00Z", "company": "acme",
        "data": {
            "id": "i-1", "number": "1", "date": "2026-03-02", "client_id": "c-1", "status": "sent", "amount": 40,
            "client": {"id": "c-1", "name": "Rosa"},
            "lines": [{"product_key": "Pruning", "quantity": 1, "unit_price": 40}],
        },
    })
}

#[tokio::test]
async fn only_the_companys_own_key_is_let_in_and_why_is_not_told() {
    let site = Site::open(Direction::None, Closed { for_now: false }).await;
    let body = event().to_string();
    let other = "Bearer cpk_of-globex".to_owned();
    let mine = format!("bearer {KEY}");
    let mut answers = Vec::new();
    for (company, key) in [
        ("acme", None),
        ("acme", Some(("authorization", other.as_str()))),
        ("acme", Some(("x-api-key", "cpk_wrong"))),
        ("acme", Some(("authorization", "Basic YWJj"))),
        ("nobody", Some(("authorization", mine.as_str()))),
        ("no%20body", Some(("authorization", mine.as_str()))),
    ] {
        let (status, headers, problem) = site.answer(post(company, key, &body)).await;
        assert_eq!((status, headers[header::WWW_AUTHENTICATE].to_str().unwrap()), (401, "Bearer"));
        answers.push(problem);
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
    for key in [("authorization", mine.as_str()), ("x-api-key", KEY)] {
        assert_eq!(site.answer(post("acme", Some(key), &body)).await.0, 200);
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_told_with_its_place() {
    let site = Site::open(Direction::None, Closed { for_now: false }).await;
    let mut wrong = event();
    wrong["data"]["lines"][0]["quantity"] = json!("many");
    let (status, _, problem) = site.push(&wrong).await;
    assert_eq!(status, 400);
    assert!(
        problem["detail"].as_str().unwrap().starts_with("`data.lines[0].quantity` cannot be read"),
        "{problem}"
    );
    let mut of_another = event();
    of_another["company"] = json!("globex");
    assert_eq!(site.push(&of_another).await.0, 400);
    let mut long = event();
    long["data"]["public_notes"] = json!("x".repeat(LONGEST_BODY));
    assert_eq!(site.push(&long).await.0, 413);
    let not_text =
        Http::builder().method("POST").uri("/companies/acme/invoices/push").header("x-api-key", KEY);
    let not_text = not_text.body(Body::Binary(vec![0xff, 0xfe])).unwrap();
    assert_eq!(site.answer(not_text).await.0, 400);
}

#[tokio::test]
async fn what_was_skipped_is_an_answer_and_can_be_read_again() {
    let site = Site::open(Direction::None, Closed { for_now: false }).await;
    let (status, _, skipped) = site.push(&event()).await;
    assert_eq!((status, &skipped["outcome"], &skipped["event"]), (200, &json!("skipped"), &json!("e 1/ü")));
    let address = "/companies/acme/events/e%201%2F%C3%BC?time=2026-03-02T10:00:00Z";
    assert_eq!(site.answer(get(address)).await.2, skipped);
}

#[tokio::test]
async fn what_waits_for_a_person_is_a_problem_that_says_what_to_do() {
    let site = Site::open(Direction::Push, Closed { for_now: false }).await;
    let (status, _, problem) = site.push(&event()).await;
    assert_eq!(
        (status, &problem["type"], &problem["cause"]),
        (409, &json!("urn:counterpart:parked"), &json!("not_connected"))
    );
    assert!(problem["way_on"].as_str().unwrap().starts_with("Reconnect"));
    let (status, _, parked) = site.answer(get(problem["instance"].as_str().unwrap())).await;
    assert_eq!((status, &parked["outcome"], &parked["reason"]), (200, &json!("parked"), &problem["reason"]));
}

#[tokio::test]
async fn d6_what_takes_longer_is_queued_and_its_address_is_told() {
    let site = Site::open(Direction::Push, Closed { for_now: true }).await;
    let (status, headers, pending) = site.push(&event()).await;
    assert_eq!(
        (status, &pending["outcome"], headers[header::RETRY_AFTER].to_str().unwrap()),
        (202, &json!("pending"), "5")
    );
    assert_eq!(pending["status"], headers[header::LOCATION].to_str().unwrap());
    assert_eq!(site.queue.bodies(), [event().to_string()]);
    let (status, _, still) = site.answer(get(pending["status"].as_str().unwrap())).await;
    assert_eq!((status, &still), (200, &pending));
}

#[tokio::test]
async fn what_is_asked_wrongly_or_nowhere_is_a_problem() {
    let site = Site::open(Direction::None, Closed { for_now: false }).await;
    assert_eq!(site.answer(get("/companies/acme/events/e-1")).await.0, 400, "no time");
    for address in ["/companies/acme", "/companies/acme/invoices/push", "/connect"] {
        assert_eq!(site.answer(get(address)).await.0, 404, "{address}");
    }
}

#[test]
fn causes_tell_what_is_at_fault() {
    use sync::outcome::ParkCause;
    let status = |cause| Problem::parked(cause, String::new(), String::new(), String::new()).status;
    assert_eq!([ParkCause::Tax, ParkCause::Amount].map(status), [422, 422]);
    assert_eq!([ParkCause::LikelyTwin, ParkCause::ClosedPeriod].map(status), [409, 409]);
}
