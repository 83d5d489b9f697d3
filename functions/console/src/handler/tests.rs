use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;
use quickbooks_wire::query::Query;
use quickbooks_wire::{Customer, Entity, EntityKind};
use sync::activity::{Activity, ActivityResult, Side};
use sync::connect::Seal;
use sync::ids::{self, BillingId, CompanyId, EventId, QuickBooksId, RealmId};
use sync::link::{Entry, LinkKey, MatchedBy, RequestId};
use sync::memory::{
    MemoryActivityLog, MemoryBilling, MemoryBudget, MemoryCompanies, MemoryDirectories, MemoryImportQueue,
    MemoryImports, MemoryLedger, MemoryPullQueue, MemoryPushQueue,
};
use sync::model::{Client, Kind, Record};
use sync::outcome::{Park, ParkCause};
use sync::ports::{
    ActivityLog, CallError, Clock, Companies, Connector, Ledger, NameHolder, OpenError, QuickBooks, Write,
};
use sync::reference::{Reference, ReferenceLists};
use sync::settings::{Company, Connection, ConnectionState, Direction};
use url::Url;

use super::*;
use crate::limiter::Limiter;

struct TestClock(Mutex<Timestamp>);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// A QuickBooks that has some Customers and Items, and answers queries about them.
#[derive(Default)]
struct Books {
    customers: Mutex<Vec<Customer>>,
}

/// The way to it.
#[derive(Default)]
struct Way(Arc<Books>);

#[async_trait]
impl Connector for Way {
    async fn open(&self, _: &ids::Books) -> Result<Arc<dyn QuickBooks>, OpenError> {
        Ok(Arc::clone(&self.0) as _)
    }
}

#[async_trait]
impl QuickBooks for Books {
    async fn create(&self, _: &Entity, _: &RequestId) -> Result<Entity, CallError> {
        Err(CallError::Unauthorized)
    }

    async fn update(&self, _: &Entity, _: &RequestId) -> Result<Entity, CallError> {
        Err(CallError::Unauthorized)
    }

    async fn void(
        &self,
        _: EntityKind,
        _: &QuickBooksId,
        _: &str,
        _: &RequestId,
    ) -> Result<Entity, CallError> {
        Err(CallError::Unauthorized)
    }

    async fn read(&self, _: EntityKind, _: &QuickBooksId) -> Result<Option<Entity>, CallError> {
        Ok(None)
    }

    async fn query(&self, queries: &[Query]) -> Result<Vec<Vec<Entity>>, CallError> {
        let customers = self.customers.lock().unwrap().clone();
        let rows = |query: &Query| match query.entity() {
            "Customer" => customers.iter().cloned().map(Entity::from).collect(),
            _ => Vec::new(),
        };
        Ok(queries.iter().map(rows).collect())
    }

    async fn batch(&self, _: &[Write], _: &RequestId) -> Result<Vec<Result<Entity, CallError>>, CallError> {
        Err(CallError::Unauthorized)
    }

    async fn count(&self, queries: &[Query]) -> Result<Vec<u64>, CallError> {
        Ok(queries.iter().map(|_| 0).collect())
    }

    async fn changes_since(&self, _: &[EntityKind], _: Timestamp) -> Result<Vec<Entity>, CallError> {
        Ok(Vec::new())
    }

    async fn name_holders(&self, _: &str) -> Result<Vec<NameHolder>, CallError> {
        Ok(Vec::new())
    }

    async fn reference_lists(&self) -> Result<ReferenceLists, CallError> {
        Ok(ReferenceLists::default())
    }
}

/// The console with two companies, and one person's browser.
struct World {
    companies: MemoryCompanies,
    history: MemoryActivityLog,
    ledger: MemoryLedger,
    directories: MemoryDirectories,
    quickbooks: Way,
    billing: MemoryBilling,
    budget: MemoryBudget,
    imports: MemoryImports,
    import_queue: MemoryImportQueue,
    pushes: MemoryPushQueue,
    pulls: MemoryPullQueue,
    clock: Arc<TestClock>,
    seal: Seal,
    limiter: Limiter,
    public_url: Option<Url>,
    quickbooks_app: Url,
    billing_settings: Option<Url>,
    cookie: Mutex<Option<String>>,
}

/// What a browser got.
struct Got {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Got {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The mark of the page's forms.
    fn mark(&self) -> String {
        let (_, rest) = self.text.split_once("name=\"mark\" value=\"").expect("a form");
        rest.split('"').next().unwrap().to_owned()
    }
}

impl World {
    async fn new() -> World {
        let clock = Arc::new(TestClock(Mutex::new("2026-03-09T10:00:00Z".parse().unwrap())));
        let world = World {
            companies: MemoryCompanies::default(),
            history: MemoryActivityLog::default(),
            ledger: MemoryLedger::default(),
            directories: MemoryDirectories::default(),
            quickbooks: Way::default(),
            billing: MemoryBilling::new(Arc::clone(&clock) as _),
            budget: MemoryBudget::default(),
            imports: MemoryImports::default(),
            import_queue: MemoryImportQueue::default(),
            pushes: MemoryPushQueue::default(),
            pulls: MemoryPullQueue::default(),
            clock,
            seal: Seal::new(&"0123456789abcdef0123456789abcdef".into()).unwrap(),
            limiter: Limiter::default(),
            public_url: None,
            quickbooks_app: "https://books.example".parse().unwrap(),
            billing_settings: None,
            cookie: Mutex::default(),
        };
        for name in ["acme", "globex"] {
            assert!(world.companies.save(&Company { version: 1, ..Company::new(id(name)) }).await.unwrap());
        }
        world
    }

    /// The same with a person who is in the console of a company.
    async fn inside(company: &str) -> World {
        let world = World::new().await;
        world.enter(company).await;
        world
    }

    async fn enter(&self, company: &str) -> Got {
        let now = self.clock.now();
        let link = session::link(&self.companies, &self.seal, &id(company), &random(), now).await.unwrap();
        self.get(&format!("/console/enter?link={link}")).await
    }

    async fn get(&self, address: &str) -> Got {
        self.ask(Method::GET, address, "", &[]).await
    }

    /// Sends a form with the mark of this session.
    async fn post(&self, path: &str, fields: &str) -> Got {
        let mark = self.get("/console").await.mark();
        self.ask(Method::POST, path, &format!("{fields}&mark={mark}"), &[]).await
    }

    async fn ask(&self, method: Method, address: &str, body: &str, headers: &[(&'static str, &str)]) -> Got {
        let mut request = Request::new(Body::Text(body.to_owned()));
        *request.method_mut() = method;
        *request.uri_mut() = address.parse().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        if let Some(cookie) = &*self.cookie.lock().unwrap() {
            request.headers_mut().insert(header::COOKIE, format!("theme=dark; {cookie}").parse().unwrap());
        }
        let mut context = ApiGatewayV2httpRequestContext::default();
        context.domain_name = Some("api.example".into());
        context.http.source_ip = Some("192.0.2.1".into());
        let request = request.with_request_context(RequestContext::ApiGatewayV2(context));
        let site = Site {
            companies: &self.companies,
            history: &self.history,
            ledger: &self.ledger,
            pairs: &self.ledger,
            directories: &self.directories,
            standings: &self.companies,
            connector: &self.quickbooks,
            billing: &self.billing,
            budget: &self.budget,
            sweeps: &self.companies,
            imports: &self.imports,
            import_queue: &self.import_queue,
            pushes: &self.pushes,
            pulls: &self.pulls,
            clock: &*self.clock,
            seal: &self.seal,
            limiter: &self.limiter,
            public_url: self.public_url.as_ref(),
            quickbooks_app: &self.quickbooks_app,
            billing_settings: self.billing_settings.as_ref(),
        };
        let response = handle(&site, &request).await;
        let (parts, body) = response.into_parts();
        let got = Got {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text: String::from_utf8(body.to_vec()).unwrap_or_default(),
        };
        let cookie = got.header("set-cookie");
        if !cookie.is_empty() {
            let pair = cookie.split(';').next().unwrap().to_owned();
            *self.cookie.lock().unwrap() = (!pair.ends_with('=')).then_some(pair);
        }
        got
    }

    /// Connects the company with a QuickBooks company that has these Customers.
    async fn connect(&self, company: &str, realm: &str, customers: &[(&str, &str)]) {
        let connection = Connection {
            realm: RealmId::new(realm).unwrap(),
            state: ConnectionState::Connected,
            name: "Mow & Sons".into(),
            connected_at: self.clock.now(),
        };
        let reference = Reference::from_lists(&ReferenceLists::default(), self.clock.now());
        self.companies.connect(&id(company), &connection, &reference).await.unwrap();
        let customer = |(id, name): &(&str, &str)| Customer {
            id: Some((*id).into()),
            display_name: Some((*name).into()),
            sync_token: Some("0".into()),
            ..Customer::default()
        };
        *self.quickbooks.0.customers.lock().unwrap() = customers.iter().map(customer).collect();
    }

    /// A client in the billing app.
    fn client(&self, company: &str, client: &str, name: &str) {
        let json = serde_json::json!({"id": client, "name": name});
        let client: Client = serde_json::from_value(json).unwrap();
        self.billing.put(&id(company), Record::Client(Box::new(client)));
    }

    /// Whom a client is mapped to, and by whom.
    async fn mapped(&self, company: &str, realm: &str, client: &str) -> Option<(String, MatchedBy)> {
        let books = ids::Books { company: id(company), realm: RealmId::new(realm).unwrap() };
        let key = LinkKey::Billing(Kind::Client, BillingId::new(client).unwrap());
        match self.ledger.entries(&books, std::slice::from_ref(&key)).await.unwrap().remove(&key) {
            Some(Entry::Linked(link)) => Some((link.quickbooks_id.to_string(), link.matched_by)),
            _ => None,
        }
    }

    fn later(&self, minutes: i64) {
        *self.clock.0.lock().unwrap() += SignedDuration::from_mins(minutes);
    }

    async fn happened(&self, company: &str, event: &str, label: &str, result: ActivityResult) {
        let time = self.clock.now();
        let entry = Activity {
            company: id(company),
            side: Side::Billing,
            event: EventId::new(event).unwrap(),
            time,
            handled_at: time,
            realm: None,
            kind: Some(Kind::Client),
            billing_id: Some(BillingId::new(format!("id-of-{event}")).unwrap()),
            label: label.into(),
            quickbooks_id: None,
            event_json: result.is_parked().then(|| format!("{{\"id\":\"{event}\"}}")),
            result,
            removed: None,
        };
        self.history.record(&[entry]).await.unwrap();
    }
}

fn id(name: &str) -> CompanyId {
    CompanyId::new(name).unwrap()
}

fn parked() -> ActivityResult {
    ActivityResult::Parked(Park::new(ParkCause::NameTaken, "The name is taken.", "Rename one of the two."))
}

/// Every page and every file, as a browser asks for them.
const READS: [&str; 17] = [
    "/console/import",
    "/console/health",
    "/console",
    "/console/activity",
    "/console/activity?outcome=parked&kind=client&cause=name_taken&text=x",
    "/console/activity.csv",
    "/console/records/client/id-of-e-1",
    "/console/settings",
    "/console/connect",
    "/console/mapping/customers",
    "/console/mapping/customers?text=x&status=mapped&page=9",
    "/console/mapping/customers/auto",
    "/console/mapping/customers/change?pick=c-1",
    "/console/mapping/customers/choices?for=c-1&name=s",
    "/console/mapping/customers.csv",
    "/console/mapping/items",
    "/console/mapping/accounts",
];

/// Every form, filled in well.
const FORMS: [(&str, &str); 12] = [
    ("/console/import", "kind=client&purpose=preview"),
    ("/console/activity/retry", "event=e-1"),
    ("/console/activity/ignore", "event=e-1&reason=a+test"),
    ("/console/settings", "client=push&product=none&invoice=none&payment=none&cut_off="),
    ("/console/mapping/accounts", "income_account="),
    ("/console/mapping/customers/read", ""),
    ("/console/mapping/customers/update", "to-c-1=1"),
    ("/console/mapping/customers/clear", "pick=c-1"),
    ("/console/mapping/customers/confirm", "pair=c-1%7C1"),
    ("/console/mapping/customers/upload", "table=a"),
    ("/console/connect/check", ""),
    ("/console/sign-out", ""),
];

#[tokio::test]
async fn a_link_opens_the_console_once() {
    let world = World::new().await;
    let now = world.clock.now();
    let link = session::link(&world.companies, &world.seal, &id("acme"), "n", now).await.unwrap();
    let address = format!("/console/enter?link={link}");
    let entered = world.get(&address).await;
    assert_eq!((entered.status, entered.header("location")), (303, "/console"));
    let cookie = entered.header("set-cookie").to_owned();
    for word in ["__Host-counterpart-session=", "HttpOnly", "Secure", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(word), "{cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
    assert!(world.get("/console").await.text.contains("acme"));
    assert_eq!(world.get(&address).await.status, 410);
    assert_eq!(world.get("/console/enter?link=abc.def").await.status, 400);
}

#[tokio::test]
async fn nobody_reads_or_changes_anything_without_a_session() {
    let world = World::inside("acme").await;
    let mark = world.get("/console").await.mark();
    for cookie in [None, Some("__Host-counterpart-session=abc.def"), Some("counterpart-session=abc")] {
        *world.cookie.lock().unwrap() = cookie.map(str::to_owned);
        for path in READS {
            assert_eq!(world.get(path).await.status, 401, "{path}");
        }
        for (path, fields) in FORMS {
            let form = format!("{fields}&mark={mark}");
            assert_eq!(world.ask(Method::POST, path, &form, &[]).await.status, 401, "{path}");
        }
    }
}

#[tokio::test]
async fn whoever_comes_from_an_e_mail_is_told_the_way_in() {
    let mut world = World::inside("acme").await;
    *world.cookie.lock().unwrap() = None;
    let page = world.get("/console/activity").await;
    assert!(page.status == 401 && page.text.contains("from your billing app"), "{}", page.text);
    assert!(!page.text.contains("class=\"button main\""), "there is nowhere to send them");
    world.billing_settings = Some("https://billing.example/settings/quickbooks".parse().unwrap());
    let page = world.get("/console/activity").await;
    assert!(page.text.contains("href=\"https://billing.example/settings/quickbooks\""), "{}", page.text);
}

#[tokio::test]
async fn a_session_ends_when_it_is_idle_and_when_the_person_signs_out() {
    let world = World::inside("acme").await;
    world.later(29);
    assert_eq!(world.get("/console").await.status, 200);
    world.later(29);
    assert_eq!(world.get("/console").await.status, 200, "each request renews it");
    world.later(31);
    assert_eq!(world.get("/console").await.status, 401);
    world.enter("acme").await;
    let out = world.post("/console/sign-out", "").await;
    assert!(out.status == 200 && out.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(world.get("/console").await.status, 401);
}

#[tokio::test]
async fn a_form_of_another_site_or_session_changes_nothing() {
    let world = World::inside("acme").await;
    world.happened("acme", "e-1", "Blue Fern", parked()).await;
    let mark = world.get("/console").await.mark();
    world.enter("globex").await;
    let foreign = world.get("/console").await.mark();
    world.enter("acme").await;
    let own = world.get("/console").await.mark();
    assert!(mark != foreign && mark != own);
    for (path, fields) in FORMS {
        for form in [
            fields.to_owned(),
            format!("{fields}&mark="),
            format!("{fields}&mark={mark}"),
            format!("{fields}&mark={foreign}"),
        ] {
            assert_eq!(world.ask(Method::POST, path, &form, &[]).await.status, 403, "{path} {form}");
        }
        let form = format!("{fields}&mark={own}");
        for from in ["cross-site", "same-site"] {
            let got = world.ask(Method::POST, path, &form, &[("sec-fetch-site", from)]).await;
            assert_eq!(got.status, 403, "{path} from {from}");
        }
    }
    assert!(world.pushes.bodies().is_empty());
    assert_eq!(world.history.parked(&id("acme")).await.unwrap().len(), 1);
    assert_eq!(world.companies.load(&id("acme")).await.unwrap().unwrap().version, 1);
}

#[tokio::test]
async fn one_company_sees_and_changes_nothing_of_another() {
    let world = World::inside("globex").await;
    world.connect("globex", "2", &[("1", "Secret Customer")]).await;
    world.client("globex", "c-1", "Secret Customer");
    world.get("/console/mapping/customers").await;
    world.get("/console/mapping/customers/reading").await;
    world.post("/console/mapping/customers/confirm", "pair=c-1%7C1").await;
    assert_eq!(world.mapped("globex", "2", "c-1").await, Some(("1".into(), MatchedBy::Person)));
    world.enter("acme").await;
    world.connect("acme", "1", &[]).await;
    world.happened("globex", "e-1", "Their Secret Client", parked()).await;
    for path in READS {
        let got = world.get(path).await;
        assert_eq!(got.status, 200, "{path}");
        assert!(!got.text.contains("Secret") && !got.text.contains("globex"), "{path}: {}", got.text);
    }
    for path in READS {
        let separator = if path.contains('?') { '&' } else { '?' };
        let got = world.get(&format!("{path}{separator}company=globex")).await;
        assert!(!got.text.contains("Secret"), "{path}");
    }
    let before = world.companies.load(&id("globex")).await.unwrap();
    for (path, fields) in FORMS.iter().filter(|(path, _)| !path.ends_with("sign-out")) {
        let got = world.post(path, &format!("{fields}&company=globex")).await;
        assert!(got.status == 303 || got.status == 200, "{path}: {}", got.status);
        assert!(!got.text.contains("Secret"), "{path}");
    }
    assert!(world.pushes.bodies().is_empty());
    assert_eq!(world.history.parked(&id("globex")).await.unwrap().len(), 1);
    assert_eq!(world.companies.load(&id("globex")).await.unwrap(), before);
    assert_eq!(
        world.companies.load(&id("acme")).await.unwrap().unwrap().settings.directions.client,
        Direction::Push
    );
    assert_eq!(world.mapped("globex", "2", "c-1").await, Some(("1".into(), MatchedBy::Person)));
}

#[tokio::test]
async fn every_page_is_guarded_by_its_headers() {
    let world = World::inside("acme").await;
    for path in READS.into_iter().chain(["/console/nothing", "/console/connect/start"]) {
        let got = world.get(path).await;
        let policy = got.header("content-security-policy");
        for rule in [
            "default-src 'none'",
            "script-src 'self';",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self'",
        ] {
            assert!(policy.contains(rule), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}");
        assert_eq!(got.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(got.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(got.header("cache-control"), "no-store", "{path}");
        for forbidden in ["<script>", "onclick", "style=\"", "javascript:"] {
            assert!(!got.text.contains(forbidden), "{path} has {forbidden}");
        }
    }
}

/// Names come from QuickBooks and from clients; nobody is asked whether they are nice.
#[tokio::test]
async fn a_hostile_name_is_only_a_name() {
    let world = World::inside("acme").await;
    let hostile = r#""><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}"#;
    let park = Park::new(ParkCause::NameTaken, hostile, hostile);
    world.happened("acme", "e-1", hostile, ActivityResult::Parked(park)).await;
    world
        .happened("acme", "e-2", "=cmd|' /C calc'!A0", ActivityResult::Skipped { reason: hostile.into() })
        .await;
    for path in READS {
        let got = world.get(path).await;
        if got.header("content-type").starts_with("text/html") {
            assert!(
                !got.text.contains("<script>alert") && !got.text.contains("<img"),
                "{path}: {}",
                got.text
            );
        }
    }
    let shown = world.get("/console/activity").await.text;
    assert!(shown.contains("&lt;script&gt;alert(1)"), "{shown}");
    let file = world.get("/console/activity.csv").await;
    assert!(file.header("content-disposition").starts_with("attachment"));
    assert!(file.text.contains("'=cmd"), "{}", file.text);
}

#[tokio::test]
async fn nothing_leads_to_another_site() {
    let world = World::inside("acme").await;
    for address in [
        "/console?said=https://evil.example",
        "/console/enter?link=x&next=https://evil.example",
        "/console//evil.example",
        "/console/activity?said=%3Cb%3Ex",
    ] {
        let got = world.get(address).await;
        assert!(!got.header("location").contains("evil") && !got.text.contains("evil"), "{address}");
        assert!(!got.text.contains("<b>x"), "{address}");
    }
    let start = world.get("/console/connect/start").await;
    assert_eq!(start.status, 303);
    assert!(start.header("location").starts_with("/connect?link="));
}

#[tokio::test]
async fn too_many_requests_are_refused_for_a_minute() {
    let world = World::inside("acme").await;
    for _ in 0..REQUESTS {
        assert_eq!(world.get("/console/settings").await.status, 200);
    }
    assert_eq!(world.get("/console/settings").await.status, 429);
    world.later(1);
    assert_eq!(world.get("/console/settings").await.status, 200);
    for _ in 0..ATTEMPTS {
        assert_eq!(world.get("/console/enter?link=guess").await.status, 400);
    }
    assert_eq!(world.get("/console/enter?link=guess").await.status, 429);
}

#[tokio::test]
async fn a_failure_is_retried_or_ignored_with_a_reason() {
    let world = World::inside("acme").await;
    for event in ["e-1", "e-2", "e-3"] {
        world.happened("acme", event, event, parked()).await;
    }
    let page = world.get("/console/activity").await.text;
    assert!(page.contains("Rename one of the two.") && page.contains("The name is taken"), "{page}");
    let retried = world.post("/console/activity/retry", "event=e-1").await;
    assert_eq!((retried.status, retried.header("location")), (303, "/console/activity?said=retried-1"));
    assert_eq!(world.pushes.bodies(), [r#"{"id":"e-1"}"#]);
    assert!(world.get(retried.header("location")).await.text.contains("1 event put back on the queue"));
    world.post("/console/activity/ignore", "event=e-2&reason=").await;
    assert_eq!(world.history.parked(&id("acme")).await.unwrap().len(), 3, "a reason is needed");
    world.post("/console/activity/ignore", "event=e-2&reason=A+test+client").await;
    assert_eq!(world.history.parked(&id("acme")).await.unwrap().len(), 2);
    assert!(world.get("/console/activity").await.text.contains("Reason: A test client"));
    world.later(1);
    let all = world.post("/console/activity/retry", "cause=name_taken").await;
    assert_eq!(all.header("location"), "/console/activity?said=retried-2");
    world.post("/console/activity/retry", "").await;
    assert_eq!(world.pushes.bodies().len(), 2, "never everything by mistake");
}

#[tokio::test]
async fn settings_are_saved_whole_or_not_at_all() {
    let world = World::inside("acme").await;
    let good =
        "client=bidirectional&product=push&invoice=push&payment=none&cut_off=2026-01-31&create_clients=on";
    assert_eq!(
        world.post("/console/settings", good).await.header("location"),
        "/console/settings?said=saved"
    );
    let settings = world.companies.load(&id("acme")).await.unwrap().unwrap().settings;
    assert_eq!(settings.directions.client, Direction::Bidirectional);
    assert_eq!(settings.cut_off, Some("2026-01-31".parse().unwrap()));
    assert!(settings.create_clients && !settings.create_products);
    for (bad, problem) in [
        ("client=sideways&product=push&invoice=push&payment=none", "the direction of clients is missing"),
        (&good.replace("2026-01-31", "soon"), "the cut-off date is no date"),
        (&format!("{good}&income_account=1"), "before the company is connected"),
    ] {
        let got = world.post("/console/settings", bad).await;
        assert!(got.status == 422 && got.text.contains(problem), "{bad}: {} {}", got.status, got.text);
    }
    assert_eq!(world.companies.load(&id("acme")).await.unwrap().unwrap().settings, settings);
}

/// The first page has to come in one round trip and be small: its style is in it, its script may come later.
#[tokio::test]
async fn the_first_page_is_small_and_whole() {
    let world = World::inside("acme").await;
    for number in 0..60 {
        world.happened("acme", &format!("e-{number}"), "Blue Fern Cafe", parked()).await;
    }
    let page = world.get("/console").await.text;
    let script = world.get(crate::route::SCRIPT_PATH).await;
    assert!(page.len() + script.text.len() < 100_000, "{} and {}", page.len(), script.text.len());
    assert!(page.contains("<style>") && !page.contains("rel=\"stylesheet\""));
    assert!(script.header("cache-control").contains("immutable"));
    let busy = world.get("/console/activity").await.text;
    assert!(busy.len() < 100_000, "{}", busy.len());
}

/// A world whose company acme has clients and Customers, with their names read.
async fn mapping() -> World {
    let world = World::inside("acme").await;
    world.connect("acme", "1", &[("1", "Blue Fern Café"), ("2", "Harbor Dental"), ("3", "Oak & Sons")]).await;
    for (id, name) in [("c-1", "Blue Fern Café"), ("c-2", "Harbor Dental Inc."), ("c-3", "Nobody Else")] {
        world.client("acme", id, name);
    }
    let first = world.get("/console/mapping/customers").await;
    assert!(first.text.contains("Reading the names"), "{}", first.text);
    let read = world.get("/console/mapping/customers/reading").await;
    assert!(read.text.contains("All names are read"), "{}", read.text);
    world
}

/// R80, R81, T23.
#[tokio::test]
async fn auto_map_shows_what_it_would_do_and_stores_nothing_until_it_is_confirmed() {
    let world = mapping().await;
    let dialog = world.get("/console/mapping/customers/auto").await.text;
    assert!(dialog.contains(r#"value="c-1|1" checked"#), "{dialog}");
    assert!(
        dialog.contains(r#"value="c-2|2""#) && !dialog.contains(r#"value="c-2|2" checked"#),
        "a near name"
    );
    assert!(!dialog.contains("c-3"), "{dialog}");
    for client in ["c-1", "c-2", "c-3"] {
        assert_eq!(world.mapped("acme", "1", client).await, None, "T23");
    }
    let confirmed = world.post("/console/mapping/customers/confirm", "pair=c-1%7C1").await;
    assert_eq!(confirmed.header("location"), "/console/mapping/customers?said=mapped-1");
    assert_eq!(world.mapped("acme", "1", "c-1").await, Some(("1".into(), MatchedBy::Person)));
    assert_eq!(world.mapped("acme", "1", "c-2").await, None);
    let list = world.get("/console/mapping/customers").await.text;
    assert!(list.contains("1 of 3 clients are mapped") && list.contains("A person linked them"), "{list}");
}

/// R82-R86.
#[tokio::test]
async fn a_mapping_is_changed_and_cleared() {
    let world = mapping().await;
    let choose = world.get("/console/mapping/customers/change?pick=c-3").await.text;
    assert!(choose.contains("Nobody Else") && choose.contains(r#"name="to-c-3" value="3""#), "{choose}");
    let typed = world.get("/console/mapping/customers/choices?for=c-3&name=oak").await.text;
    assert!(typed.contains("Oak &amp; Sons") && !typed.contains("Harbor"), "{typed}");
    world.post("/console/mapping/customers/update", "to-c-3=3").await;
    assert_eq!(world.mapped("acme", "1", "c-3").await.unwrap().0, "3");
    world.post("/console/mapping/customers/update", "to-c-3=2").await;
    assert_eq!(world.mapped("acme", "1", "c-3").await.unwrap().0, "2", "changed");
    let taken = world.post("/console/mapping/customers/update", "to-c-1=2").await.text;
    assert!(taken.contains("mapped to record c-3 already"), "{taken}");
    let cleared = world.post("/console/mapping/customers/clear", "pick=c-3&pick=c-1").await;
    assert_eq!(cleared.header("location"), "/console/mapping/customers?said=cleared-1", "R86: c-1 has none");
    assert_eq!(world.mapped("acme", "1", "c-3").await, None);
    let gone = world.post("/console/mapping/customers/update", "to-c-1=77").await.text;
    assert!(gone.contains("does not have it any more"), "{gone}");
}

#[tokio::test]
async fn mappings_go_out_as_a_table_and_come_back_with_a_preview() {
    let world = mapping().await;
    let table = world.get("/console/mapping/customers.csv").await.text;
    assert!(table.contains("c-2,Harbor Dental Inc.,,"), "{table}");
    let filled = "Billing id,Billing name,QuickBooks id,QuickBooks name\nc-1,x,1,y\nc-2,x,1,y\nghost,x,2,y\nc-3,x,99,y\n";
    let encoded: String = url::form_urlencoded::byte_serialize(filled.as_bytes()).collect();
    let preview = world.post("/console/mapping/customers/upload", &format!("table={encoded}")).await.text;
    assert!(preview.contains("1 would be mapped"), "{preview}");
    for problem in [
        "Line 3: Blue Fern Café stands in another line",
        "Line 4: the billing app has no record ghost",
        "Line 5: QuickBooks has no id 99",
    ] {
        assert!(preview.contains(problem), "{problem}: {preview}");
    }
    assert_eq!(world.mapped("acme", "1", "c-1").await, None, "nothing is stored yet");
}

/// What waited for a mapping goes on once there is one.
#[tokio::test]
async fn what_waits_for_a_client_is_tried_again_when_it_is_mapped() {
    let world = mapping().await;
    let waits = Park {
        waits_for: Some((Kind::Client, BillingId::new("c-3").unwrap())),
        ..Park::new(ParkCause::Unmapped, "Not mapped.", "Map it.")
    };
    world.happened("acme", "e-1", "INV-1", ActivityResult::Parked(waits)).await;
    world.happened("acme", "e-2", "INV-2", parked()).await;
    world.post("/console/mapping/customers/update", "to-c-3=3").await;
    assert_eq!(world.pushes.bodies(), [r#"{"id":"e-1"}"#]);
}

/// R25: what is picked is brought, after a preview; a job is followed and cancelled.
#[tokio::test]
async fn an_import_is_previewed_begun_followed_and_cancelled() {
    let world = World::inside("acme").await;
    world.connect("acme", "1", &[]).await;
    let silent = world.get("/console/import").await.text;
    assert!(silent.contains("only sends events"), "{silent}");
    let nothing = world.post("/console/import", "purpose=preview").await;
    assert!(nothing.status == 422 && nothing.text.contains("pick at least one"), "{}", nothing.text);
    let begun = world.post("/console/import", "kind=client&kind=product&purpose=preview").await;
    let address = begun.header("location").to_owned();
    assert!(address.starts_with("/console/import/"), "{address}");
    let job = world.get(&address).await.text;
    assert!(
        job.contains("What would be done") && job.contains("<progress") && !job.contains("Payments</th>"),
        "{job}"
    );
    let again = world.post("/console/import", "kind=client&purpose=run").await;
    assert_eq!(again.header("location"), address, "one at a time");
    assert_eq!(world.get(&format!("{address}/client")).await.status, 200);
    world.enter("globex").await;
    for part in ["", "/progress", "/client"] {
        assert_eq!(world.get(&format!("{address}{part}")).await.status, 404, "another company's");
    }
    assert_eq!(world.post(&format!("{address}/cancel"), "").await.status, 404);
    world.enter("acme").await;
    assert!(world.get(&format!("{address}/progress")).await.text.contains("Running"));
    world.post(&format!("{address}/cancel"), "").await;
    let ended = world.get(&format!("{address}/progress")).await.text;
    assert!(ended.contains("Cancelled") && !ended.contains("hx-get"), "{ended}");
}

const KEY: &str = "cpk_of-acme";

impl World {
    async fn with_key() -> World {
        let world = World::new().await;
        let acme = world.companies.load(&id("acme")).await.unwrap().unwrap();
        let api_key = Some(sync::api_key::ApiKeyHash::of(&KEY.to_owned().into()));
        assert!(world.companies.save(&Company { api_key, version: 2, ..acme }).await.unwrap());
        world
    }

    async fn call(&self, method: Method, path: &str, body: &str) -> (u16, serde_json::Value) {
        let got = self.ask(method, path, body, &[("x-api-key", KEY)]).await;
        assert!(got.status == 204 || got.header("content-type").contains("json"), "{path}");
        (got.status, serde_json::from_str(&got.text).unwrap_or_default())
    }
}

/// Every operation of the console's part of the API, filled in well.
const CALLS: [(Method, &str, &str); 7] = [
    (Method::GET, "/companies/COMPANY", ""),
    (Method::GET, "/companies/COMPANY/records/client/id-of-e-1", ""),
    (Method::GET, "/companies/COMPANY/activity?outcome=parked", ""),
    (Method::POST, "/companies/COMPANY/activity/retry", r#"{"event":"e-1"}"#),
    (Method::POST, "/companies/COMPANY/activity/ignore", r#"{"cause":"name_taken","reason":"a test"}"#),
    (Method::POST, "/companies/COMPANY/console-links", ""),
    (Method::POST, "/companies/COMPANY/api-key", ""),
];

#[tokio::test]
async fn the_api_opens_with_the_companys_key_only() {
    let world = World::with_key().await;
    world.happened("globex", "e-1", "Their Secret Client", parked()).await;
    for (method, path, body) in CALLS {
        for company in ["globex", "nobody", "acme%2F..%2Fglobex"] {
            let path = path.replace("COMPANY", company);
            let (status, problem) = world.call(method.clone(), &path, body).await;
            assert!(status == 401 || status == 429, "{path}: {status}");
            assert_eq!(problem["status"], status, "{path}: {problem}");
        }
        let none = world.ask(method, &path.replace("COMPANY", "acme"), body, &[]).await;
        assert!(none.status == 401 || none.status == 429, "{path}");
    }
    assert!(world.pushes.bodies().is_empty());
    assert_eq!(world.history.parked(&id("globex")).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_api_tells_how_things_stand_and_moves_them_on() {
    let world = World::with_key().await;
    world.happened("acme", "e-1", "Blue Fern", parked()).await;
    let (_, company) = world.call(Method::GET, "/companies/acme", "").await;
    assert_eq!(company["waiting"][0]["cause"], "name_taken");
    let (_, record) = world.call(Method::GET, "/companies/acme/records/client/id-of-e-1", "").await;
    assert_eq!(
        (&record["state"], &record["last"]["way_on"]),
        (&"waiting".into(), &"Rename one of the two.".into())
    );
    let (_, none) = world.call(Method::GET, "/companies/acme/records/client/x", "").await;
    assert_eq!(none["state"], "unlinked");
    let (_, page) = world.call(Method::GET, "/companies/acme/activity?text=fern", "").await;
    assert_eq!(page["entries"].as_array().unwrap().len(), 1);
    let (_, retried) = world.call(Method::POST, "/companies/acme/activity/retry", r#"{"event":"e-1"}"#).await;
    assert_eq!((retried["events"][0].as_str(), world.pushes.bodies().len()), (Some("e-1"), 1));
    let ignore = r#"{"event":"e-1","reason":"A test."}"#;
    let (_, ignored) = world.call(Method::POST, "/companies/acme/activity/ignore", ignore).await;
    assert_eq!(ignored["events"][0], "e-1");
    assert!(world.history.parked(&id("acme")).await.unwrap().is_empty());
    for (method, path, body) in [
        (Method::GET, "/companies/acme/activity?kind=vendor", ""),
        (Method::GET, "/companies/acme/activity?older=yesterday", ""),
        (Method::GET, "/companies/acme/records/vendor/1", ""),
        (Method::POST, "/companies/acme/activity/retry", "{}"),
        (Method::POST, "/companies/acme/activity/ignore", r#"{"event":"e-1","reason":" "}"#),
    ] {
        let (status, problem) = world.call(method, path, body).await;
        assert!(
            status == 400 && problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()),
            "{path}: {problem}"
        );
    }
}

#[tokio::test]
async fn a_key_is_rotated_and_revoked_and_asks_for_a_link() {
    let world = World::with_key().await;
    let (created, link) = world.call(Method::POST, "/companies/acme/console-links", "").await;
    let url = link["url"].as_str().unwrap();
    assert!(created == 201 && url.starts_with("https://api.example/console/enter?link="), "{link}");
    assert_eq!(world.get(url.trim_start_matches("https://api.example")).await.status, 303);
    let (_, rotated) = world.call(Method::POST, "/companies/acme/api-key", "").await;
    assert_eq!(world.call(Method::GET, "/companies/acme", "").await.0, 401, "the old key");
    let key = rotated["key"].as_str().unwrap().to_owned();
    let with_new = [("authorization", format!("Bearer {key}"))];
    let headers: Vec<(&'static str, &str)> =
        with_new.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(world.ask(Method::GET, "/companies/acme", "", &headers).await.status, 200);
    assert_eq!(world.ask(Method::DELETE, "/companies/acme/api-key", "", &headers).await.status, 204);
    assert_eq!(world.ask(Method::GET, "/companies/acme", "", &headers).await.status, 401);
}
