use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;
use quickbooks_wire::{CompanyInfo, CurrencyPrefs, Fault, FaultError, Preferences, Ref, TaxPrefs};
use secrecy::{ExposeSecret, SecretString};
use sync::activity::{Activity, ActivityResult, Side};
use sync::billing_app::BillingApp;
use sync::ids::EventId;
use sync::ids::{CompanyId, RealmId};
use sync::memory::{MemoryActivityLog, MemoryCompanies, MemoryPullQueue, MemoryPushQueue, MemoryVault};
use sync::model::Kind;
use sync::notice;
use sync::outcome::{Park, ParkCause};
use sync::ports::{CallError, RefreshError};
use sync::reference::ReferenceLists;
use sync::settings::{Company, Direction};
use sync::settings_change::{SettingsChange, change_settings};
use sync::tokens::TokenPair;

use super::*;

/// An Intuit that consents to everything and names each company after its realm.
#[derive(Default)]
struct FakeIntuit {
    redirect_uris: Mutex<Vec<String>>,
    read_fails: Mutex<Option<CallError>>,
    exchange_fails: Mutex<Option<RefreshError>>,
}

struct FakeAt(Arc<FakeIntuit>);

/// A token server that knows no refresh token any more, and counts who asks.
#[derive(Default)]
struct FakeTokens(AtomicU32);

#[async_trait]
impl TokenServer for FakeTokens {
    async fn refresh(&self, _: &TokenPair, _: Timestamp) -> Result<TokenPair, RefreshError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Err(RefreshError::Dead)
    }
}

#[async_trait]
impl Intuit for FakeAt {
    async fn authorize_url(&self, state: String) -> Result<String, RefreshError> {
        Ok(format!("https://intuit.example/connect?state={state}"))
    }

    async fn exchange(&self, code: SecretString, now: Timestamp) -> Result<TokenPair, RefreshError> {
        if let Some(error) = self.0.exchange_fails.lock().unwrap().clone() {
            return Err(error);
        }
        Ok(TokenPair {
            access_token: format!("access for {}", code.expose_secret()).into(),
            access_expires_at: now + SignedDuration::from_hours(1),
            refresh_token: "refresh".into(),
            refresh_expires_at: now + SignedDuration::from_hours(2400),
            hard_expires_at: None,
        })
    }

    async fn revoke(&self, _tokens: &TokenPair) -> Result<(), RefreshError> {
        Ok(())
    }

    async fn reference_lists(
        &self,
        realm: &RealmId,
        _tokens: &TokenPair,
    ) -> Result<ReferenceLists, CallError> {
        if let Some(error) = self.0.read_fails.lock().unwrap().clone() {
            return Err(error);
        }
        let home = Ref { value: Some("USD".into()), ..Ref::default() };
        Ok(ReferenceLists {
            company_info: CompanyInfo {
                company_name: Some(format!("Mow & <Sons> {realm}")),
                country: Some("US".into()),
                ..CompanyInfo::default()
            },
            preferences: Preferences {
                currency_prefs: Some(CurrencyPrefs { home_currency: Some(home), ..CurrencyPrefs::default() }),
                tax_prefs: Some(TaxPrefs {
                    using_sales_tax: Some(true),
                    partner_tax_enabled: Some(true),
                    ..TaxPrefs::default()
                }),
                ..Preferences::default()
            },
            ..ReferenceLists::default()
        })
    }
}

struct TestClock(Mutex<Timestamp>);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// The site and one person's browser.
struct World {
    companies: MemoryCompanies,
    vault: MemoryVault,
    activity: MemoryActivityLog,
    pushes: MemoryPushQueue,
    pulls: MemoryPullQueue,
    tokens: FakeTokens,
    intuit: Arc<FakeIntuit>,
    clock: TestClock,
    seal: Seal,
    public_url: Option<Url>,
    cookie: Mutex<Option<String>>,
}

impl World {
    async fn new() -> World {
        let world = World {
            companies: MemoryCompanies::default(),
            vault: MemoryVault::default(),
            activity: MemoryActivityLog::default(),
            pushes: MemoryPushQueue::default(),
            pulls: MemoryPullQueue::default(),
            tokens: FakeTokens::default(),
            intuit: Arc::default(),
            clock: TestClock(Mutex::new("2026-03-09T10:00:00Z".parse().unwrap())),
            seal: Seal::new(&"0123456789abcdef0123456789abcdef".into()).unwrap(),
            public_url: None,
            cookie: Mutex::default(),
        };
        for name in ["acme", "globex"] {
            let company = Company { version: 1, ..Company::new(id(name)) };
            assert!(world.companies.save(&company).await.unwrap());
        }
        world
    }

    async fn get(&self, path: &str, parameters: &[(&str, &str)]) -> Response<Body> {
        self.ask(Method::GET, path, parameters).await
    }

    async fn ask(&self, method: Method, path: &str, parameters: &[(&str, &str)]) -> Response<Body> {
        let mut request = Request::new(Body::Empty);
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().unwrap();
        if let Some(cookie) = &*self.cookie.lock().unwrap() {
            let cookies = format!("theme=dark; {cookie}");
            request.headers_mut().insert(header::COOKIE, cookies.parse().unwrap());
        }
        let parameters: HashMap<String, Vec<String>> =
            parameters.iter().map(|(name, value)| ((*name).to_owned(), vec![(*value).to_owned()])).collect();
        let mut context = ApiGatewayV2httpRequestContext::default();
        context.domain_name = Some("api.example".into());
        let request = request
            .with_query_string_parameters(parameters)
            .with_request_context(RequestContext::ApiGatewayV2(context));
        let intuit = Arc::clone(&self.intuit);
        let at = move |redirect_uri: Url| -> Box<dyn Intuit> {
            intuit.redirect_uris.lock().unwrap().push(redirect_uri.into());
            Box::new(FakeAt(Arc::clone(&intuit)))
        };
        let site = Site {
            companies: &self.companies,
            standings: &self.companies,
            sweeps: &self.companies,
            vault: &self.vault,
            activity: &self.activity,
            pushes: &self.pushes,
            pulls: &self.pulls,
            tokens: &self.tokens,
            intuit: &at,
            clock: &self.clock,
            seal: &self.seal,
            public_url: self.public_url.as_ref(),
        };
        handle(&site, &request).await
    }

    fn link(&self, company: &str) -> String {
        connect::link(&self.seal, &id(company), self.clock.now()).unwrap()
    }

    /// Clicks a new link, keeps the cookie and returns the state that goes to Intuit.
    async fn click(&self, company: &str) -> String {
        let response = self.get("/connect", &[("link", &self.link(company))]).await;
        assert_eq!(response.status(), StatusCode::FOUND);
        let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap();
        *self.cookie.lock().unwrap() = Some(cookie.split(';').next().unwrap().to_owned());
        let location = response.headers()[header::LOCATION].to_str().unwrap();
        location.split_once("state=").unwrap().1.to_owned()
    }

    async fn come_back(&self, state: &str, realm: &str) -> Response<Body> {
        self.get("/oauth/callback", &[("state", state), ("code", "c"), ("realmId", realm)]).await
    }

    async fn connect(&self, company: &str, realm: &str) -> Response<Body> {
        let state = self.click(company).await;
        self.come_back(&state, realm).await
    }

    async fn is_connected(&self, company: &str) -> bool {
        self.companies.load(&id(company)).await.unwrap().unwrap().connection.is_some()
    }
}

fn id(name: &str) -> CompanyId {
    CompanyId::new(name).unwrap()
}

/// The status and the page without its style, a tag a line.
fn read(response: &Response<Body>) -> String {
    let Body::Text(html) = response.body() else { panic!("{:?}", response.body()) };
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
    let (head, rest) = html.split_once("<style>").unwrap();
    let (_, body) = rest.split_once("</style>").unwrap();
    format!("{}\n{}", response.status(), format!("{head}{body}").replace("><", ">\n<"))
}

#[tokio::test]
async fn a_click_leads_to_intuit_with_a_cookie() {
    let world = World::new().await;
    let response = world.get("/connect", &[("link", &world.link("acme"))]).await;
    assert_eq!(response.status(), StatusCode::FOUND);
    let headers = response.headers();
    assert!(headers[header::LOCATION].to_str().unwrap().starts_with("https://intuit.example/connect?state="));
    let cookie = headers[header::SET_COOKIE].to_str().unwrap();
    let (name, rest) = cookie.split_once('=').unwrap();
    let (value, attributes) = rest.split_once(';').unwrap();
    assert_eq!((name, value.len()), ("__Host-counterpart", 32));
    assert_eq!(attributes, " Max-Age=1500; Path=/; HttpOnly; SameSite=Lax; Secure");
    assert_eq!(headers[header::CACHE_CONTROL], "no-store");
    assert_eq!(*world.intuit.redirect_uris.lock().unwrap(), ["https://api.example/oauth/callback"]);
}

#[tokio::test]
async fn a_public_address_wins_over_the_one_in_the_request() {
    let mut world = World::new().await;
    world.public_url = Some("http://127.0.0.1:8080".parse().unwrap());
    let response = world.get("/connect", &[("link", &world.link("acme"))]).await;
    let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.starts_with("counterpart=") && !cookie.contains("Secure"), "plain http: {cookie}");
    assert_eq!(*world.intuit.redirect_uris.lock().unwrap(), ["http://127.0.0.1:8080/oauth/callback"]);
}

#[tokio::test]
async fn two_tabs_share_the_browsers_cookie() {
    let world = World::new().await;
    let first = world.click("acme").await;
    let second = world.click("acme").await;
    assert_eq!(world.come_back(&first, "1").await.status(), StatusCode::OK);
    assert_eq!(world.come_back(&second, "1").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_first_connection_shows_what_was_found_and_what_to_do() {
    let world = World::new().await;
    let response = world.connect("acme", "1").await;
    insta::assert_snapshot!(read(&response));
    assert!(world.is_connected("acme").await);
}

#[tokio::test]
async fn a_repeated_connection_says_that_nothing_else_has_changed() {
    let world = World::new().await;
    world.connect("acme", "1").await;
    insta::assert_snapshot!(read(&world.connect("acme", "1").await));
}

/// R54.
#[tokio::test]
async fn whoever_has_connected_is_led_back_to_the_billing_app() {
    let world = World::new().await;
    let acme = world.companies.load(&id("acme")).await.unwrap().unwrap();
    let ninja = serde_json::json!({"url": "https://ninja.example", "name": "Acme Mowing",
        "since": "2026-03-01T00:00:00Z", "updates_products": false});
    let billing = BillingApp::InvoiceNinja(serde_json::from_value(ninja).unwrap());
    assert!(world.companies.save(&Company { version: acme.version + 1, billing, ..acme }).await.unwrap());
    let page = read(&world.connect("acme", "1").await);
    assert!(page.contains(r#"<a href="https://ninja.example">Back to Acme Mowing</a>"#), "{page}");
}

fn parked(company: &str, event: &str, second: i64, cause: ParkCause) -> Activity {
    let time = Timestamp::from_second(1_772_000_000 + second).unwrap();
    Activity {
        side: sync::activity::Side::Billing,
        company: id(company),
        event: EventId::new(event).unwrap(),
        time,
        handled_at: time,
        realm: None,
        kind: Some(Kind::Client),
        billing_id: None,
        label: String::new(),
        quickbooks_id: None,
        result: ActivityResult::Parked(Park::new(cause, "why", "what to do")),
        event_json: Some(format!("\"{event}\"")),
        removed: None,
    }
}

#[tokio::test]
async fn d10_what_waited_for_the_connection_is_carried_out_in_order_once_it_is_there() {
    let world = World::new().await;
    world.connect("acme", "1").await;
    let entries = [
        parked("acme", "later", 2, ParkCause::NotConnected),
        parked("acme", "earlier", 1, ParkCause::NotConnected),
        parked("acme", "taxed", 3, ParkCause::Tax),
        parked("globex", "anothers", 1, ParkCause::NotConnected),
    ];
    world.activity.record(&entries).await.unwrap();
    let notices = [("second", 5, "22"), ("first", 4, "21")].map(|(event, second, id)| {
        let notice = serde_json::json!({
            "version": 1, "company": "acme", "realm": "1", "kind": "client", "quickbooks_id": id, "operation": "updated",
            "last_updated": "2026-03-09T09:00:00Z", "source": "webhook",
        });
        Activity {
            side: Side::QuickBooks,
            event_json: Some(notice.to_string()),
            ..parked("acme", event, second, ParkCause::NotConnected)
        }
    });
    world.activity.record(&notices).await.unwrap();
    let refused = world.connect("acme", "2").await;
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    assert!(world.pushes.bodies().is_empty(), "not for a connection that is refused");
    let books = Books { company: id("acme"), realm: realm("1") };
    let swept_to = world.clock.now();
    let cursor = Cursor { swept_to, next: swept_to + SignedDuration::from_hours(24) };
    world.companies.save_cursor(&books, &cursor).await.unwrap();
    let page = read(&world.connect("acme", "1").await);
    assert!(page.contains("4 changes that waited for the connection are synced now"), "{page}");
    assert_eq!(world.pushes.bodies(), [r#"["earlier","later"]"#]);
    let pulled: Vec<String> = world
        .pulls
        .messages()
        .iter()
        .flat_map(|message| notice::read(&message.body))
        .map(|received| received.notice.unwrap().quickbooks_id.to_string())
        .collect();
    assert_eq!(pulled, ["21", "22"], "what bookkeepers did meanwhile, in order");
    let cursor = world.companies.cursor(&books).await.unwrap();
    assert_eq!(cursor, Some(Cursor { swept_to, next: swept_to }), "and what nobody told is swept for");
}

#[tokio::test]
async fn a_wrong_state_connects_nothing() {
    let world = World::new().await;
    world.click("acme").await;
    let response = world.come_back("invented", "1").await;
    insta::assert_snapshot!(read(&response));
    let response = world.get("/oauth/callback", &[]).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert!(!world.is_connected("acme").await);
}

#[tokio::test]
async fn a_reused_state_says_so() {
    let world = World::new().await;
    let state = world.click("acme").await;
    world.come_back(&state, "1").await;
    insta::assert_snapshot!(read(&world.come_back(&state, "1").await));
}

#[tokio::test]
async fn an_expired_state_connects_nothing() {
    let world = World::new().await;
    let state = world.click("acme").await;
    *world.clock.0.lock().unwrap() += STATE_LIFE;
    insta::assert_snapshot!(read(&world.come_back(&state, "1").await));
    assert!(!world.is_connected("acme").await);
}

#[tokio::test]
async fn another_browser_connects_nothing() {
    let world = World::new().await;
    let state = world.click("acme").await;
    *world.cookie.lock().unwrap() = None;
    insta::assert_snapshot!(read(&world.come_back(&state, "1").await));
    assert!(!world.is_connected("acme").await);
}

#[tokio::test]
async fn a_wrong_or_old_link_starts_nothing() {
    let world = World::new().await;
    insta::assert_snapshot!("wrong_link", read(&world.get("/connect", &[("link", "invented")]).await));
    assert_eq!(world.get("/connect", &[]).await.status(), StatusCode::BAD_REQUEST);
    let link = world.link("acme");
    *world.clock.0.lock().unwrap() += LINK_LIFE;
    insta::assert_snapshot!("old_link", read(&world.get("/connect", &[("link", &link)]).await));
    insta::assert_snapshot!(
        "no_company",
        read(&world.get("/connect", &[("link", &world.link("nobody"))]).await)
    );
}

#[tokio::test]
async fn saying_no_connects_nothing() {
    let world = World::new().await;
    let state = world.click("acme").await;
    let response = world.get("/oauth/callback", &[("state", &state), ("error", "access_denied")]).await;
    insta::assert_snapshot!(read(&response));
    assert!(!world.is_connected("acme").await);
}

#[tokio::test]
async fn a_quickbooks_company_in_use_is_refused() {
    let world = World::new().await;
    world.connect("acme", "1").await;
    insta::assert_snapshot!(read(&world.connect("globex", "1").await));
    assert!(!world.is_connected("globex").await);
}

#[tokio::test]
async fn another_quickbooks_company_is_refused_and_its_name_is_escaped() {
    let world = World::new().await;
    world.connect("acme", "1").await;
    insta::assert_snapshot!(read(&world.connect("acme", "2").await));
}

#[tokio::test]
async fn missing_rights_are_explained() {
    let world = World::new().await;
    let error = FaultError { code: "3100".into(), message: "<b>no</b>".into(), ..FaultError::default() };
    let fault = Fault { errors: vec![error], fault_type: "AuthorizationFault".into() };
    *world.intuit.read_fails.lock().unwrap() = Some(CallError::Forbidden(fault));
    insta::assert_snapshot!(read(&world.connect("acme", "1").await));
    assert!(!world.is_connected("acme").await);
}

#[tokio::test]
async fn an_unreachable_or_refusing_intuit_is_explained() {
    let world = World::new().await;
    *world.intuit.exchange_fails.lock().unwrap() = Some(RefreshError::Unknown("time-out".into()));
    insta::assert_snapshot!("unreachable", read(&world.connect("acme", "1").await));
    *world.intuit.exchange_fails.lock().unwrap() = Some(RefreshError::Dead);
    insta::assert_snapshot!("refusing", read(&world.connect("acme", "1").await));
    assert!(!world.is_connected("acme").await);
}

#[tokio::test]
async fn every_answer_keeps_to_itself() {
    let world = World::new().await;
    let responses = [
        world.get("/connect", &[("link", &world.link("acme"))]).await,
        world.connect("acme", "1").await,
        world.get("/oauth/callback", &[]).await,
        world.get("/elsewhere", &[]).await,
        unavailable(&StoreError::new("reading a secret", "no answer")),
    ];
    for response in &responses {
        let headers = response.headers();
        assert_eq!(headers[header::CACHE_CONTROL], "no-store");
        assert_eq!(headers[header::REFERRER_POLICY], "no-referrer");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        assert!(policy.ends_with("frame-ancestors 'none'"), "{policy}");
    }
    assert_eq!(responses[3].status(), StatusCode::NOT_FOUND);
    assert_eq!(responses[4].status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(world.ask(Method::POST, "/oauth/callback", &[]).await.status(), StatusCode::NOT_FOUND);
}

async fn state(world: &World, company: &str) -> ConnectionState {
    world.companies.load(&id(company)).await.unwrap().unwrap().connection.unwrap().state
}

fn realm(text: &str) -> RealmId {
    RealmId::new(text).unwrap()
}

fn books(company: &str, of: &str) -> Books {
    Books { company: id(company), realm: realm(of) }
}

fn disconnect_link(world: &World, company: &str, realm: &str) -> String {
    connect::disconnect_link(&world.seal, &books(company, realm), world.clock.now()).unwrap()
}

/// R4, R92, D12: nothing is sent there before a person has said so, and what waits is not lost.
#[tokio::test]
async fn another_quickbooks_company_begins_anew() {
    let world = World::new().await;
    world.connect("acme", "1").await;
    let push =
        SettingsChange { directions: vec![(Kind::Client, Direction::Push)], ..SettingsChange::default() };
    change_settings(&world.companies, &id("acme"), &push).await.unwrap();
    let waiting = [parked("acme", "waits", 1, ParkCause::NotConnected)];
    world.activity.record(&waiting).await.unwrap();
    let old_page = disconnect_link(&world, "acme", "1");
    world.ask(Method::POST, "/disconnect", &[("link", &old_page)]).await;
    insta::assert_snapshot!(read(&world.connect("acme", "2").await));
    let company = world.companies.load(&id("acme")).await.unwrap().unwrap();
    assert_eq!(company.settings.directions.client, Direction::None);
    assert!(world.pushes.bodies().is_empty(), "it would only end without a direction");
    assert_eq!(world.activity.parked(&id("acme")).await.unwrap().len(), 1);

    for method in [Method::GET, Method::POST] {
        let late = world.ask(method, "/disconnect", &[("link", &old_page)]).await;
        assert_eq!(late.status(), StatusCode::GONE);
        assert!(!read(&late).contains("Sons"), "{}", read(&late));
    }
    assert_eq!(state(&world, "acme").await, ConnectionState::Connected, "it showed another one");
}

#[tokio::test]
async fn disconnecting_is_asked_for_and_keeps_everything_but_the_tokens() {
    let world = World::new().await;
    world.connect("acme", "1").await;
    let settings = world.companies.load(&id("acme")).await.unwrap().unwrap().settings;
    let link = disconnect_link(&world, "acme", "1");
    let question = world.get("/disconnect", &[("link", &link)]).await;
    assert_eq!(question.status(), StatusCode::OK);
    assert!(read(&question).contains("Disconnect QuickBooks?") && read(&question).contains(&link));
    assert_eq!(state(&world, "acme").await, ConnectionState::Connected, "asking changes nothing");

    for _ in 0..2 {
        let done = world.ask(Method::POST, "/disconnect", &[("link", &link)]).await;
        assert_eq!(done.status(), StatusCode::OK);
        assert!(read(&done).contains("QuickBooks is disconnected"), "{}", read(&done));
    }
    assert_eq!(state(&world, "acme").await, ConnectionState::Disconnected);
    assert!(world.vault.tokens(&books("acme", "1")).await.unwrap().is_none());
    assert_eq!(world.companies.load(&id("acme")).await.unwrap().unwrap().settings, settings, "R65");
    assert_eq!(world.companies.of_realm(&realm("1")).await.unwrap(), Some(id("acme")), "links stay with it");
}

#[tokio::test]
async fn a_link_is_good_for_what_it_was_made_for() {
    let world = World::new().await;
    world.connect("acme", "1").await;
    let now = world.clock.now();
    let disconnect = disconnect_link(&world, "acme", "1");
    assert_eq!(world.get("/connect", &[("link", &disconnect)]).await.status(), StatusCode::BAD_REQUEST);
    let connect = world.link("acme");
    let answer = world.ask(Method::POST, "/disconnect", &[("link", &connect)]).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    let never = disconnect_link(&world, "globex", "2");
    assert_eq!(world.get("/disconnect", &[("link", &never)]).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(state(&world, "acme").await, ConnectionState::Connected);

    let ours = connect::reconnect_link(&world.seal, &books("acme", "1"), now).unwrap();
    assert_eq!(world.get("/connect", &[("link", &ours)]).await.status(), StatusCode::FOUND);
    let other = connect::reconnect_link(&world.seal, &books("acme", "2"), now).unwrap();
    assert_eq!(world.get("/connect", &[("link", &other)]).await.status(), StatusCode::GONE, "T24");
}

#[tokio::test]
async fn whoever_disconnects_in_quickbooks_lands_on_a_page_that_ends_the_connection() {
    let world = World::new().await;
    world.connect("acme", "1").await;
    for parameters in [&[("realmId", "2")][..], &[("realmId", "x")], &[]] {
        let answer = world.get("/disconnected", parameters).await;
        assert!(read(&answer).contains("You have disconnected QuickBooks"));
    }
    world.get("/disconnected", &[("realmId", "1")]).await;
    assert_eq!(world.tokens.0.load(Ordering::SeqCst), 0, "it was connected a moment ago");
    *world.clock.0.lock().unwrap() += SignedDuration::from_mins(2);
    for _ in 0..2 {
        let answer = world.get("/disconnected", &[("realmId", "1")]).await;
        assert_eq!(answer.status(), StatusCode::OK);
    }
    assert_eq!(state(&world, "acme").await, ConnectionState::Expired);
    assert_eq!(world.tokens.0.load(Ordering::SeqCst), 1, "what has ended is not tried again");
}
