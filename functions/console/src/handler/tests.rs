use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;
use quickbooks_wire::query::Query;
use quickbooks_wire::{Customer, Entity, EntityKind, Item};
use sync::activity::{Activity, ActivityResult, Side};
use sync::connect::Seal;
use sync::ids::{self, BillingId, CompanyId, EventId, QuickBooksId, RealmId};
use sync::link::{Entry, LinkKey, MatchedBy, RequestId};
use sync::memory::{
    MemoryActivityLog, MemoryBilling, MemoryBudget, MemoryCompanies, MemoryDirectories, MemoryImportQueue,
    MemoryImports, MemoryLedger, MemoryPullQueue, MemoryPushQueue,
};
use sync::model::{Client, Kind, Record};
use sync::outcome::{Done, DoneAction, Park, ParkCause};
use sync::ports::{
    ActivityLog, Billing, BillingError, CallError, Clock, Companies, Connector, Ledger, NameHolder,
    OpenError, QuickBooks, Stored, Write,
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
    items: Mutex<Vec<Item>>,
    asked: AtomicUsize,
}

/// Those that a query asks for, by its ids and its place in the list.
fn page(customers: &[Customer], query: &str) -> Vec<Entity> {
    let number = |word: &str| query.split_once(word)?.1.split(' ').next()?.parse::<usize>().ok();
    let (start, most) = (number("startposition ").unwrap_or(1), number("maxresults ").unwrap_or(100));
    let wanted = |customer: &&Customer| {
        let id = format!("'{}'", customer.id.as_deref().unwrap_or_default());
        !query.contains("Id in") || query.contains(&id)
    };
    customers.iter().filter(wanted).skip(start - 1).take(most).cloned().map(Entity::from).collect()
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
        self.asked.fetch_add(1, Ordering::Relaxed);
        let customers = self.customers.lock().unwrap();
        let rows = |query: &Query| match query.entity() {
            "Customer" => page(&customers, &query.to_string()),
            "Item" => self.items.lock().unwrap().iter().cloned().map(Entity::from).collect(),
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

/// A billing app that only sends events.
struct EventsOnly;

#[async_trait]
impl Billing for EventsOnly {
    async fn fetch(&self, _: &CompanyId, _: Kind, _: &BillingId) -> Result<Option<Stored>, BillingError> {
        Err(BillingError::NotOffered)
    }
}

/// The console with two companies, and one person's browser.
struct World {
    events_only: bool,
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
            events_only: false,
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

    async fn company(&self, name: &str) -> Company {
        self.companies.load(&id(name)).await.unwrap().unwrap()
    }

    /// The address of a link into a company's console.
    async fn link(&self, company: &str) -> String {
        let (company, now) = (self.company(company).await, self.clock.now());
        let link = session::link(&self.companies, &self.seal, &company, &random(), now).await.unwrap();
        format!("/console/enter?link={link}")
    }

    async fn enter(&self, company: &str) -> Got {
        let link = self.link(company).await;
        self.get(&link).await
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
            billing: if self.events_only { &EventsOnly } else { &self.billing },
            budget: &self.budget,
            sweeps: &self.companies,
            heard: &self.companies,
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
        let account = |id: &str, name: &str, account_type: &str| quickbooks_wire::Account {
            id: Some(id.into()),
            name: Some(name.into()),
            account_type: Some(account_type.into()),
            ..Default::default()
        };
        let accounts = vec![
            account("1", "Services", "Income"),
            account("2", "Checking", "Bank"),
            account("3", "Sales of Product Income", "Income"),
        ];
        let lists = ReferenceLists { accounts, ..ReferenceLists::default() };
        let reference = Reference::from_lists(&lists, self.clock.now());
        self.companies.connect(&id(company), &connection, &reference).await.unwrap();
        let customer = |(id, name): &(&str, &str)| Customer {
            id: Some((*id).into()),
            display_name: Some((*name).into()),
            sync_token: Some("0".into()),
            ..Customer::default()
        };
        *self.quickbooks.0.customers.lock().unwrap() = customers.iter().map(customer).collect();
    }

    /// Lets the company be as its owner or the world around it has made it.
    async fn change(&self, company: &str, change: impl Fn(&mut Company)) {
        let mut changed = self.company(company).await;
        change(&mut changed);
        changed.version += 1;
        assert!(self.companies.save(&changed).await.unwrap());
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

mod api;
mod choices;
mod mapping;
mod other_books;
mod pages;
mod safety;
mod setting_up;
