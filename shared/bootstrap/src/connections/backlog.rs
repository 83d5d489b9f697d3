//! What a large backlog costs, one by one and in batches. `cargo test -p bootstrap backlog -- --nocapture` prints it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::SignedDuration;
use quickbooks::{Endpoints, http_client};
use quickbooks_simulator::company::Seed;
use quickbooks_simulator::server::{CallKind, Limits, Options, Switches, start};
use serde_json::{Value, json};
use sync::activity::ActivityResult;
use sync::ids::{BillingId, CompanyId, RealmId};
use sync::limits::{Call, Schedule, Spent, Turn};
use sync::memory::{MemoryActivityLog, MemoryCompanies, MemoryLedger, MemoryVault};
use sync::model::Kind;
use sync::ports::{ActivityLog, Billing, BillingError, RefreshError, StoreError, Stored};
use sync::push::{self, Message, Ports, Verdict};
use sync::reference::Reference;
use sync::settings::{Company, Connection, ConnectionState, Direction, Directions, Settings};
use url::Url;

use super::*;
use crate::SystemClock;

const INVOICES: usize = 1_000;

/// A clock that runs while somebody sleeps, and at no other time: calls take no time but their turns.
struct Hands {
    begin: Timestamp,
    gone_ms: AtomicI64,
}

#[async_trait]
impl Clock for Hands {
    fn now(&self) -> Timestamp {
        self.begin + SignedDuration::from_millis(self.gone_ms.load(Ordering::SeqCst))
    }

    async fn sleep(&self, duration: Duration) {
        let ends = (self.now() + duration).duration_since(self.begin).as_millis();
        self.gone_ms.fetch_max(i64::try_from(ends).unwrap(), Ordering::SeqCst);
    }
}

/// The turns of one realm, of which so many metered ones were taken before.
struct Turns {
    schedule: Mutex<Schedule>,
    before: u64,
}

#[async_trait]
impl Budget for Turns {
    async fn reserve(
        &self,
        _: &Books,
        call: Call,
        now: Timestamp,
        latest: Timestamp,
    ) -> Result<Turn, StoreError> {
        Ok(self.schedule.lock().unwrap().reserve(call, now, latest))
    }

    async fn pause(&self, _: &Books, until: Timestamp) -> Result<(), StoreError> {
        self.schedule.lock().unwrap().pause(until);
        Ok(())
    }

    async fn spent(&self, _: &Books, at: Timestamp) -> Result<Spent, StoreError> {
        let spent = self.schedule.lock().unwrap().spent(at);
        Ok(Spent { metered: spent.metered + self.before, ..spent })
    }
}

/// A token server that nobody needs.
struct NoServer;

#[async_trait]
impl TokenServer for NoServer {
    async fn refresh(&self, _: &TokenPair, _: Timestamp) -> Result<TokenPair, RefreshError> {
        Err(RefreshError::Unknown("not needed".into()))
    }
}

/// A billing app without an API.
struct EventsOnly;

#[async_trait]
impl Billing for EventsOnly {
    async fn fetch(&self, _: &CompanyId, _: Kind, _: &BillingId) -> Result<Option<Stored>, BillingError> {
        Ok(None)
    }
}

/// What a backlog cost.
#[derive(Debug)]
struct Cost {
    seconds: i64,
    spent: Spent,
    creates: u64,
}

/// Events of 1,000 invoices that have no counterpart yet, for ten clients and one product that have none either.
fn events() -> Vec<Value> {
    let event = |number: usize| {
        let owner = format!("c-{}", number % 10);
        let client = json!({"id": owner, "name": format!("Client {owner}")});
        json!({
            "specversion": "1.0",
            "id": format!("e-{number}"),
            "source": "test",
            "type": "billing.invoice.sent",
            "subject": format!("i-{number}"),
            "time": "2026-06-01T09:00:00Z",
            "company": "acme",
            "data": {
                "id": format!("i-{number}"),
                "number": format!("N-{number}"),
                "date": "2026-06-01",
                "due_date": "2026-07-01",
                "client_id": owner,
                "client": client,
                "lines": [{"product_key": "Hedge laying", "notes": "Work", "quantity": 2, "unit_price": 50}],
                "status": "sent",
                "amount": 100,
            },
        })
    };
    (0..INVOICES).map(event).collect()
}

/// Pushes the backlog, with so many metered calls before it.
async fn cost(metered_before: u64) -> Cost {
    let books = Books { company: CompanyId::new("acme").unwrap(), realm: RealmId::new("9130").unwrap() };
    let switches = Switches { limits: Limits::NONE, ..Switches::default() };
    let companies = vec![(Seed::Landscaping, books.realm.to_string())];
    let simulator = start(Options { companies, switches, ..Options::default() }).await.unwrap();
    let clock = Arc::new(Hands { begin: SystemClock.now(), gone_ms: AtomicI64::new(0) });
    let vault = Arc::new(MemoryVault::default());
    let credentials = simulator.connect(books.realm.as_str()).unwrap();
    let tokens = TokenPair {
        access_token: credentials.access_token.into(),
        access_expires_at: SystemClock.now() + Duration::from_secs(3600),
        refresh_token: credentials.refresh_token.into(),
        refresh_expires_at: SystemClock.now() + Duration::from_secs(8_640_000),
        hard_expires_at: None,
    };
    vault.store(&books, &tokens).await.unwrap();
    let endpoints = Endpoints::at(&Url::parse(simulator.url()).unwrap()).unwrap();
    let http = http_client(Duration::from_secs(5), Duration::from_secs(30)).unwrap();
    let client = move |books: &Books, token: &SecretString| {
        Client::new(http.clone(), &endpoints.api, books.realm.clone(), token.clone())
    };
    let turns = Arc::new(Turns { schedule: Mutex::default(), before: metered_before });
    let companies = Arc::new(MemoryCompanies::default());
    let connections = Connections::new(
        Arc::clone(&companies) as _,
        Arc::clone(&companies) as _,
        vault,
        Arc::new(NoServer),
        Arc::clone(&turns) as _,
        Arc::clone(&clock) as _,
        Box::new(client),
    );
    let quickbooks = connections.open(&books).await.unwrap();
    let reference = Reference::from_lists(&quickbooks.reference_lists().await.unwrap(), clock.now());
    let account = reference.accounts.iter().find(|account| account.account_type == "Income").unwrap();
    let settings = Settings {
        directions: Directions::all(Direction::Push),
        default_income_account: Some(account.id.clone()),
        ..Settings::default()
    };
    let connection = Connection {
        realm: books.realm.clone(),
        state: ConnectionState::Connected,
        name: "Mow & Sons".into(),
        connected_at: clock.now(),
    };
    let company =
        Company { version: 1, settings, connection: Some(connection), ..Company::new(books.company.clone()) };
    assert!(companies.save(&company).await.unwrap());
    companies.save_reference(&books, &reference).await.unwrap();

    let (ledger, activity) = (MemoryLedger::default(), MemoryActivityLog::default());
    let ports = Ports {
        companies: &*companies,
        ledger: &ledger,
        activity: &activity,
        billing: &EventsOnly,
        connector: &connections,
        clock: &*clock,
    };
    let message = Message {
        id: "m-1".into(),
        group: "acme".into(),
        body: Value::from(events()).to_string(),
        sent_at: clock.now(),
        deliveries: 1,
    };
    let (began, before) = (clock.now(), turns.spent(&books, clock.now()).await.unwrap());
    simulator.forget_calls();
    assert_eq!(push::messages(ports, &[message]).await, [Verdict::Acknowledge]);
    let told = activity.newest(&books.company, 10_000).await.unwrap();
    assert_eq!(told.len(), INVOICES);
    assert!(told.iter().all(|entry| matches!(entry.result, ActivityResult::Done(_))));
    let spent = turns.spent(&books, clock.now()).await.unwrap();
    let calls = simulator.calls(None);
    Cost {
        seconds: clock.now().duration_since(began).as_secs(),
        spent: Spent { metered: spent.metered - before.metered, free: spent.free - before.free },
        creates: calls.of(CallKind::Create),
    }
}

#[tokio::test]
async fn a_backlog_of_a_thousand_invoices_costs_this_much() {
    // Where so much is spent already, writes go one by one.
    let (one_by_one, in_batches) = (cost(1_000_000).await, cost(0).await);
    println!("1,000 invoices one by one: {one_by_one:?}\n1,000 invoices in batches: {in_batches:?}");
    assert_eq!(one_by_one.creates, 1_011, "ten clients and a product too");
    let look_ups = one_by_one.spent.metered;
    assert!(look_ups <= 2, "{one_by_one:?}");
    // 34 batches hold them all; one that leaves half full makes it one more.
    assert!(in_batches.spent.metered <= look_ups + 36 && in_batches.creates <= 20, "{in_batches:?}");
    assert!(in_batches.seconds * 2 < one_by_one.seconds, "{one_by_one:?} {in_batches:?}");
}
