//! One company, connected with a simulated QuickBooks company of its own, and the events it sends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use quickbooks::{Client, Endpoints, http_client};
use quickbooks_simulator::company::{Company as SimulatedCompany, Seed};
use quickbooks_simulator::server::{self, Limits, Options, Simulator, Switches};
use serde_json::{Value, json};
use sync::activity::{Activity, ActivityResult};
use sync::ids::{BillingId, Books, CompanyId, QuickBooksId, RealmId};
use sync::memory::{MemoryActivityLog, MemoryCompanies, MemoryLedger};
use sync::model::Kind;
use sync::ports::{
    ActivityLog, Billing, BillingError, Clock, Companies, Connector, OpenError, QuickBooks, Stored,
};
use sync::push::{self, Message, Ports, Verdict};
use sync::reference::Reference;
use sync::settings::{Company, Connection, ConnectionState, Direction, Directions, Settings};
use url::Url;

pub(crate) const REALM: &str = "9341450000000099";

/// Real time: the simulator's clock is the same.
pub(crate) struct Now;

#[async_trait]
impl Clock for Now {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// A billing app without an API.
pub(crate) struct EventsOnly;

#[async_trait]
impl Billing for EventsOnly {
    async fn fetch(&self, _: &CompanyId, _: Kind, _: &BillingId) -> Result<Option<Stored>, BillingError> {
        Ok(None)
    }
}

pub(crate) struct OneRealm(pub(crate) Arc<Client>);

#[async_trait]
impl Connector for OneRealm {
    async fn open(&self, _: &Books) -> Result<Arc<dyn QuickBooks>, OpenError> {
        Ok(Arc::clone(&self.0) as Arc<dyn QuickBooks>)
    }
}

pub(crate) struct Desk {
    pub(crate) simulator: Simulator,
    pub(crate) ledger: MemoryLedger,
    pub(crate) activity: MemoryActivityLog,
    pub(crate) companies: MemoryCompanies,
    pub(crate) billing: Arc<dyn Billing>,
    pub(crate) connector: OneRealm,
    pub(crate) books: Books,
    sent: AtomicU32,
}

impl Desk {
    /// A connected company that pushes everything, over a seed company.
    pub(crate) async fn open(seed: Seed) -> Desk {
        let options = Options {
            companies: vec![(seed, REALM.to_owned())],
            switches: Switches { limits: Limits::NONE, ..Switches::default() },
            ..Options::default()
        };
        let simulator = server::start(options).await.unwrap();
        let books = Books { company: CompanyId::new("acme").unwrap(), realm: RealmId::new(REALM).unwrap() };
        let api = Endpoints::at(&Url::parse(simulator.url()).unwrap()).unwrap().api;
        let token = simulator.connect(REALM).unwrap().access_token;
        let http = http_client(Duration::from_secs(5), Duration::from_secs(10)).unwrap();
        let client = Arc::new(Client::new(http, &api, books.realm.clone(), token.into()));
        let lists = client.reference_lists().await.unwrap();
        let desk = Desk {
            ledger: MemoryLedger::default(),
            activity: MemoryActivityLog::default(),
            companies: MemoryCompanies::default(),
            billing: Arc::new(EventsOnly),
            connector: OneRealm(client),
            books,
            simulator,
            sent: AtomicU32::new(0),
        };
        let reference = Reference::from_lists(&lists, Now.now());
        let account = reference.accounts.iter().find(|account| account.account_type == "Income").unwrap();
        let settings = Settings {
            directions: Directions::all(Direction::Push),
            default_income_account: Some(account.id.clone()),
            ..Settings::default()
        };
        desk.save(settings).await;
        desk.companies.save_reference(&desk.books, &reference).await.unwrap();
        desk.simulator.forget_calls();
        desk
    }

    pub(crate) async fn save(&self, settings: Settings) {
        self.store(settings, ConnectionState::Connected).await;
    }

    /// Lets the connection end, or be there again.
    pub(crate) async fn set_connection(&self, state: ConnectionState) {
        self.store(self.settings().await, state).await;
    }

    async fn store(&self, settings: Settings, state: ConnectionState) {
        let connection = Connection {
            realm: self.books.realm.clone(),
            state,
            name: "Simulated".into(),
            connected_at: Timestamp::UNIX_EPOCH,
        };
        let stored = self.companies.load(&self.books.company).await.unwrap();
        let version = stored.map_or(0, |stored| stored.version) + 1;
        let company = Company {
            settings,
            connection: Some(connection),
            version,
            ..Company::new(self.books.company.clone())
        };
        assert!(self.companies.save(&company).await.unwrap());
    }

    /// Reads the company's lists again, as happens by itself when they are old.
    pub(crate) async fn read_reference_anew(&self) {
        let reference = Reference::from_lists(&self.connector.0.reference_lists().await.unwrap(), Now.now());
        self.companies.save_reference(&self.books, &reference).await.unwrap();
    }

    pub(crate) async fn settings(&self) -> Settings {
        self.companies.load(&self.books.company).await.unwrap().unwrap().settings
    }

    /// An event of this company; each later than the one before.
    pub(crate) fn event(&self, event_type: &str, data: &Value) -> Value {
        let number = self.sent.fetch_add(1, Ordering::SeqCst) + 1;
        json!({
            "specversion": "1.0",
            "id": format!("e-{number}"),
            "source": "test",
            "type": format!("billing.{event_type}"),
            "subject": data["id"],
            "time": Now.now().saturating_add(SignedDuration::from_millis(i64::from(number))).unwrap().to_string(),
            "company": "acme",
            "data": data,
        })
    }

    /// Delivers messages, each with one of the bodies, as one batch.
    pub(crate) async fn deliver(&self, bodies: &[Value]) -> Vec<Verdict> {
        push::messages(self.ports(), &messages(bodies)).await
    }

    pub(crate) fn ports(&self) -> Ports<'_> {
        Ports {
            companies: &self.companies,
            ledger: &self.ledger,
            activity: &self.activity,
            billing: &*self.billing,
            connector: &self.connector,
            clock: &Now,
        }
    }

    /// Pushes one event and tells what became of it.
    pub(crate) async fn push(&self, event_type: &str, data: &Value) -> ActivityResult {
        let event = self.event(event_type, data);
        assert_eq!(self.deliver(std::slice::from_ref(&event)).await, [Verdict::Acknowledge]);
        self.result(&event).await
    }

    /// What the activity log says of an event.
    pub(crate) async fn result(&self, event: &Value) -> ActivityResult {
        let id = event["id"].as_str().unwrap();
        self.log().await.into_iter().find(|entry| entry.event.as_str() == id).unwrap().result
    }

    pub(crate) async fn log(&self) -> Vec<Activity> {
        self.activity.newest(&self.books.company, 10_000).await.unwrap()
    }

    pub(crate) fn company<R>(&self, act: impl FnOnce(&mut SimulatedCompany) -> R) -> R {
        self.simulator.with_company(REALM, act).unwrap()
    }

    pub(crate) fn entity(&self, entity: &str, id: &QuickBooksId) -> Value {
        self.company(|company| company.entity(entity, id.as_str()).cloned()).unwrap()
    }

    pub(crate) fn count(&self, entity: &str) -> usize {
        self.company(|company| company.entities(entity).len())
    }

    /// Calls since the last time this was asked.
    pub(crate) fn calls(&self) -> u64 {
        let total = self.simulator.calls(Some(REALM)).total;
        self.simulator.forget_calls();
        total
    }

    /// Closes QuickBooks' books up to a day, or opens them again.
    pub(crate) fn close_books(&self, until: Option<&str>) {
        let until = until.map(|date| date.parse().unwrap());
        self.company(|company| company.close_books(until, false, Now.now()));
    }

    /// A bookkeeper changes members of an entity.
    pub(crate) fn edit(&self, entity: &str, id: &QuickBooksId, members: &Value) -> Value {
        let mut body = members.clone();
        body["Id"] = json!(id.as_str());
        body["SyncToken"] = self.entity(entity, id)["SyncToken"].clone();
        body["sparse"] = json!(true);
        self.bookkeeper(&entity.to_lowercase(), &[], &body)
    }

    /// A bookkeeper deletes a transaction.
    pub(crate) fn delete(&self, entity: &str, id: &QuickBooksId) {
        let body = json!({"Id": id.as_str(), "SyncToken": self.entity(entity, id)["SyncToken"]});
        self.bookkeeper(&entity.to_lowercase(), &[("operation", "delete")], &body);
    }

    /// What a bookkeeper does in QuickBooks, told as a write to the API.
    pub(crate) fn bookkeeper(&self, path: &str, query: &[(&str, &str)], body: &Value) -> Value {
        let request = quickbooks_simulator::company::Request {
            method: "POST".into(),
            path: path.into(),
            query: query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            content_type: Some("application/json".into()),
            body: body.to_string().into_bytes(),
        };
        let now = self.simulator.now();
        let answer = self.company(|company| company.answer(&request, now));
        assert_eq!(answer.status, 200, "{}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    }
}

/// What is noted on something that was done.
pub(crate) fn notes(result: &ActivityResult) -> &[String] {
    match result {
        ActivityResult::Done(done) => &done.notes,
        other => panic!("not done: {other:?}"),
    }
}

/// A message for each body.
pub(crate) fn messages(bodies: &[Value]) -> Vec<Message> {
    let message = |(place, body): (usize, &Value)| Message {
        id: format!("m-{place}"),
        group: "acme".into(),
        body: body.as_str().map_or_else(|| body.to_string(), str::to_owned),
        sent_at: Now.now(),
        deliveries: 1,
    };
    bodies.iter().enumerate().map(message).collect()
}

pub(crate) fn done(result: &ActivityResult) -> (String, QuickBooksId) {
    match result {
        ActivityResult::Done(done) => (format!("{:?}", done.action), done.quickbooks_id.clone()),
        other => panic!("not done: {other:?}"),
    }
}

pub(crate) fn parked(result: &ActivityResult) -> &sync::outcome::Park {
    match result {
        ActivityResult::Parked(park) => park,
        other => panic!("not parked: {other:?}"),
    }
}

pub(crate) fn skipped(result: &ActivityResult) -> &str {
    match result {
        ActivityResult::Skipped { reason } => reason,
        other => panic!("not skipped: {other:?}"),
    }
}

pub(crate) fn client(id: &str, name: &str) -> Value {
    json!({"id": id, "name": name, "contacts": [{"first_name": "Kim", "last_name": "Ames", "email": format!("{id}@clients.example")}]})
}

pub(crate) fn product(id: &str, key: &str) -> Value {
    json!({"id": id, "key": key, "notes": format!("{key}, by the hour"), "price": 40})
}

/// An invoice of untaxed lines of 100 each.
pub(crate) fn invoice(id: &str, client: &Value, keys: &[&str]) -> Value {
    let line = |key: &&str| json!({"product_key": key, "notes": "Work", "quantity": 2, "unit_price": 50});
    json!({
        "id": id,
        "number": format!("N-{id}"),
        "date": "2026-06-01",
        "due_date": "2026-07-01",
        "client_id": client["id"],
        "client": client,
        "lines": keys.iter().map(line).collect::<Vec<_>>(),
        "status": "sent",
        "amount": 100 * keys.len(),
    })
}

pub(crate) fn payment(id: &str, client: &Value, amount: u32, invoices: &[(&str, u32)]) -> Value {
    let allocation = |(invoice, amount): &(&str, u32)| json!({"invoice_id": invoice, "amount": amount});
    json!({
        "id": id,
        "number": format!("P-{id}"),
        "client_id": client["id"],
        "client": client,
        "date": "2026-06-15",
        "amount": amount,
        "reference": format!("ref {id}"),
        "allocations": invoices.iter().map(allocation).collect::<Vec<_>>(),
        "status": "completed",
    })
}
