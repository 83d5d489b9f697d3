use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bootstrap::ReadSecret;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use lambda_http::http::HeaderValue;
use lambda_http::request::LambdaRequest;
use secrecy::SecretString;
use serde_json::{Value, json};
use sha2::Sha256;
use sync::ids::{CompanyId, RealmId};
use sync::memory::{MemoryCompanies, MemoryPullQueue};
use sync::notice::{ChangeNotice, NoticeMessage, Operation, read};
use sync::reference::{Reference, TaxModel};
use sync::settings::{Company, Connection, ConnectionState};
use tokio::time::Instant;

use super::*;

struct Still;

#[async_trait]
impl Clock for Still {
    fn now(&self) -> Timestamp {
        at("2026-03-02T10:00:00Z")
    }
}

struct Secret;

#[async_trait]
impl ReadSecret for Secret {
    async fn read(&self) -> Result<SecretString, StoreError> {
        Ok(r#"{"verifier_token": "verifier", "previous_verifier_token": "the one before"}"#.into())
    }
}

/// A queue that takes so many messages of a request, refuses the next, and is well again after that.
#[derive(Default)]
struct Failing {
    takes: Mutex<Option<usize>>,
    queue: MemoryPullQueue,
}

#[async_trait]
impl PullQueue for Failing {
    async fn send_notices(&self, messages: &[NoticeMessage]) -> Result<(), StoreError> {
        let takes = self.takes.lock().unwrap().take();
        self.queue.send_notices(&messages[..takes.unwrap_or(messages.len())]).await?;
        takes.map_or(Ok(()), |_| Err(StoreError::new("sending change notices", "throttled")))
    }
}

/// A queue that does not answer, and counts who asks.
#[derive(Default)]
struct Silent(AtomicUsize);

#[async_trait]
impl PullQueue for Silent {
    async fn send_notices(&self, _: &[NoticeMessage]) -> Result<(), StoreError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        std::future::pending().await
    }
}

struct World {
    verifier: Verifier,
    companies: MemoryCompanies,
    noted: Noted,
    queue: MemoryPullQueue,
}

impl World {
    /// Company `one` has realm 1, `two` has 2, and so on.
    async fn new() -> World {
        let companies = MemoryCompanies::default();
        for (company, realm) in [("one", "1"), ("two", "2"), ("three", "3")] {
            let mut company = Company::new(CompanyId::new(company).unwrap());
            company.version = 1;
            assert!(companies.save(&company).await.unwrap());
            companies.connect(&company.id, &connection(realm), &reference()).await.unwrap();
        }
        World {
            verifier: Verifier::reading(Box::new(Secret)),
            companies,
            noted: Noted::default(),
            queue: MemoryPullQueue::default(),
        }
    }

    async fn answer(&self, request: Request) -> u16 {
        self.answer_with(&self.queue, request).await
    }

    fn inbox<'a>(&'a self, queue: &'a dyn PullQueue) -> Inbox<'a> {
        Inbox {
            verifier: &self.verifier,
            companies: &self.companies,
            heard: &self.companies,
            noted: &self.noted,
            queue,
            clock: &Still,
        }
    }

    async fn answer_with(&self, queue: &dyn PullQueue, request: Request) -> u16 {
        let response = handle(self.inbox(queue), &request).await;
        assert!(response.body().is_empty());
        response.status().as_u16()
    }
}

fn connection(realm: &str) -> Connection {
    Connection {
        realm: RealmId::new(realm).unwrap(),
        state: ConnectionState::Connected,
        name: format!("Realm {realm}"),
        connected_at: Still.now(),
    }
}

fn reference() -> Reference {
    Reference {
        name: "A company".into(),
        country: "US".into(),
        home_currency: "USD".into(),
        multi_currency: false,
        tax_model: TaxModel::Automated,
        custom_numbers: true,
        discounts: true,
        deposits: false,
        auto_apply_credit: false,
        automated_tax_unfinished: false,
        subscription: None,
        book_close_date: None,
        accounts: Vec::new(),
        tax_codes: Vec::new(),
        terms: Vec::new(),
        payment_methods: Vec::new(),
        classes: None,
        locations: None,
        custom_fields: Vec::new(),
        read_at: Still.now(),
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn signature(body: &[u8], token: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(token.as_bytes()).unwrap();
    STANDARD.encode(mac.chain_update(body).finalize().into_bytes())
}

/// A request as Intuit would send it.
fn signed(body: impl Into<Vec<u8>>) -> Request {
    signed_by("verifier", body)
}

fn signed_by(token: &str, body: impl Into<Vec<u8>>) -> Request {
    let body = body.into();
    let signature = HeaderValue::from_str(&signature(&body, token)).unwrap();
    let mut request = Request::new(Body::from(body));
    request.headers_mut().insert(SIGNATURE_HEADER, signature);
    request
}

fn change(realm: &str, kind: &str, id: &str) -> Value {
    json!({
        "specversion": "1.0", "id": format!("{realm}-{id}"), "source": "intuit.x", "type": format!("qbo.{kind}.v1"),
        "time": "2026-03-02T09:59:58.5Z", "intuitentityid": id, "intuitaccountid": realm,
    })
}

/// Whose notices there are: `COMPANY REALM KIND ID OPERATION`.
fn sent(queue: &MemoryPullQueue) -> Vec<String> {
    let notices = |message: NoticeMessage| {
        let notices = read(&message.body).into_iter().map(|received| received.notice.unwrap());
        let told = |notice: ChangeNotice| {
            assert_eq!(notice.company, message.company);
            format!("{} {} {notice}", notice.company, notice.realm)
        };
        notices.map(told).collect::<Vec<_>>()
    };
    queue.messages().into_iter().flat_map(notices).collect()
}

#[tokio::test]
async fn only_what_intuit_signed_is_taken() {
    let world = World::new().await;
    let body = json!([change("1", "customer.updated", "7")]).to_string();
    assert_eq!(world.answer(Request::new(Body::from(body.clone()))).await, 401);
    assert_eq!(world.answer(signed_by("another", body.clone())).await, 401);
    let mut other_body = signed(body.clone());
    *other_body.body_mut() = Body::from(body.replace("\"7\"", "\"8\""));
    assert_eq!(world.answer(other_body).await, 401);
    // Not even an unreadable body is looked at.
    assert_eq!(world.answer(Request::new(Body::from("{"))).await, 401);
    assert!(sent(&world.queue).is_empty());

    assert_eq!(world.answer(signed_by("the one before", body)).await, 200);
    assert_eq!(sent(&world.queue), ["one 1 client 7 updated"]);
}

/// T2: one body, three realms, interleaved; and what is nobody's or not kept in step is passed over.
#[tokio::test]
async fn t2_each_change_goes_to_the_company_of_its_own_realm() {
    let world = World::new().await;
    let body = json!([
        change("3", "payment.void", "5"),
        change("1", "customer.created", "5"),
        change("2", "invoice.updated", "5"),
        change("9", "invoice.updated", "5"),
        change("1", "vendor.created", "6"),
        change("3", "item.deleted", "8"),
        change("1", "invoice.emailed", "9"),
        "nonsense",
    ]);
    assert_eq!(world.answer(signed(body.to_string())).await, 200);
    let expected = [
        "one 1 client 5 created",
        "one 1 invoice 9 emailed",
        "three 3 payment 5 voided",
        "three 3 product 8 deleted",
        "two 2 invoice 5 updated",
    ];
    assert_eq!(sent(&world.queue), expected);
    assert_eq!(world.queue.messages().len(), 3, "one for each company");
    for (realm, heard) in [("1", true), ("2", true), ("3", true), ("9", false)] {
        let last = world.companies.last_webhook(&RealmId::new(realm).unwrap()).await.unwrap();
        assert_eq!(last, heard.then(|| Still.now()), "what the console's health shows of {realm}");
    }

    let changes = parse(body.to_string().as_bytes()).unwrap();
    let taken = take(world.inbox(&world.queue), changes, Still.now()).await.unwrap();
    let messages = world.queue.messages();
    let expected = Taken { changes: 5, messages, other_entities: 1, unknown_realms: 1, unreadable: 1 };
    assert_eq!(taken, expected);
}

#[tokio::test]
async fn the_classic_format_is_taken_too() {
    let world = World::new().await;
    let entity = json!({"name": "Customer", "id": "7", "operation": "Merge", "deletedId": "8", "lastUpdated": "2026-03-02T01:59:58-08:00"});
    let of_realm = |realm: &str| json!({"realmId": realm, "dataChangeEvent": {"entities": [entity]}});
    let body = json!({"eventNotifications": [of_realm("2"), of_realm("1")]});
    assert_eq!(world.answer(signed(body.to_string())).await, 200);
    assert_eq!(sent(&world.queue), ["one 1 client 7 merged", "two 2 client 7 merged"]);
    let notice = read(&world.queue.messages()[0].body).remove(0).notice.unwrap();
    assert_eq!(notice.operation, Operation::Merged);
    assert_eq!(notice.deleted_id.unwrap().as_str(), "8");
    assert_eq!(notice.last_updated, Some(at("2026-03-02T09:59:58Z")));
}

/// API Gateway encodes bodies of types that it does not know, such as `application/cloudevents+json`.
#[tokio::test]
async fn an_encoded_body_is_decoded_before_its_signature_is_checked() {
    let world = World::new().await;
    let body = json!([change("1", "customer.updated", "7")]).to_string();
    let event = json!({
        "version": "2.0", "routeKey": "POST /webhooks/quickbooks", "rawPath": "/webhooks/quickbooks", "rawQueryString": "",
        "headers": {"Intuit-Signature": signature(body.as_bytes(), "verifier"), "content-type": "application/cloudevents+json"},
        "requestContext": {"http": {"method": "POST", "path": "/webhooks/quickbooks"}, "timeEpoch": 0},
        "isBase64Encoded": true, "body": STANDARD.encode(&body),
    });
    let request: LambdaRequest = serde_json::from_value(event).unwrap();
    assert_eq!(world.answer(request.into()).await, 200);
    assert_eq!(sent(&world.queue), ["one 1 client 7 updated"]);
}

#[tokio::test]
async fn what_is_signed_but_of_no_use_is_answered_with_200() {
    let world = World::new().await;
    for body in ["", "{", "{}", "[]", "7", "[[]]", "\u{0}", &"[".repeat(10_000)] {
        assert_eq!(world.answer(signed(body)).await, 200, "{body:.20}");
    }
    assert_eq!(world.answer(signed([0xFF, 0xFE])).await, 200);
    assert!(sent(&world.queue).is_empty());
}

#[tokio::test]
async fn a_huge_body_is_refused() {
    let world = World::new().await;
    let padded = |length| format!("[{}]", " ".repeat(length - 2));
    assert_eq!(world.answer(signed(padded(LARGEST_BODY))).await, 200);
    assert_eq!(world.answer(signed(padded(LARGEST_BODY + 1))).await, 413);
}

/// R95: within a body, and when Intuit sends it again.
#[tokio::test]
async fn r95_a_repetition_is_dropped_and_a_later_change_is_not() {
    let world = World::new().await;
    let once = change("1", "customer.updated", "7");
    let body = json!([once, once]).to_string();
    assert_eq!(world.answer(signed(body.clone())).await, 200);
    assert_eq!(world.answer(signed(body)).await, 200);
    assert_eq!(sent(&world.queue), ["one 1 client 7 updated"]);

    let mut later = once;
    later["time"] = "2026-03-02T09:59:59Z".into();
    assert_eq!(world.answer(signed(json!([later]).to_string())).await, 200);
    assert_eq!(sent(&world.queue).len(), 2);
}

/// Intuit sends again what was not answered with 2xx: after a failure in the middle each message is there once.
#[tokio::test]
async fn what_the_queue_refuses_is_taken_at_intuits_next_attempt() {
    let world = World::new().await;
    let body = json!([change("1", "item.updated", "7"), change("2", "item.updated", "7")]).to_string();
    for takes in 0..2 {
        let queue = Failing { takes: Mutex::new(Some(takes)), ..Failing::default() };
        assert_eq!(world.answer_with(&queue, signed(body.clone())).await, 503);
        assert_eq!(world.answer_with(&queue, signed(body.clone())).await, 200);
        assert_eq!(sent(&queue.queue), ["one 1 product 7 updated", "two 2 product 7 updated"]);
    }
}

/// By tokio's clock, which stands still while anything can go on.
#[tokio::test(start_paused = true)]
async fn a_queue_that_does_not_answer_does_not_keep_intuit_waiting() {
    let world = World::new().await;
    let (queue, begun) = (Silent::default(), Instant::now());
    let body = json!([change("1", "item.updated", "7")]).to_string();
    assert_eq!(world.answer_with(&queue, signed(body)).await, 503);
    assert_eq!(queue.0.load(Ordering::Relaxed), 1);
    assert!(begun.elapsed() < Duration::from_millis(2500), "{:?}", begun.elapsed());
}
