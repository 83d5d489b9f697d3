use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use futures::executor::block_on;

use super::*;
use crate::event;
use crate::link::Link;
use crate::mapping::fixtures::{client, invoice, product};
use crate::memory::{MemoryBilling, MemoryCompanies, MemoryCursors, MemoryLedger};
use crate::model::{Client, Invoice};
use crate::ports::Clock;
use crate::settings::{Connection, ConnectionState, Direction, Directions};

/// Seconds after some moment, moved by the test.
#[derive(Default)]
struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        at(self.0.load(Ordering::Relaxed))
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_772_000_000 + second).unwrap()
}

fn acme() -> CompanyId {
    CompanyId::new("acme").unwrap()
}

/// Fails when told to, and keeps what it is sent.
#[derive(Default)]
struct Queue {
    broken: AtomicBool,
    bodies: Mutex<Vec<String>>,
}

#[async_trait]
impl PushQueue for Queue {
    async fn send(&self, _company: &CompanyId, _id: &EventId, body: &str) -> Result<(), StoreError> {
        if self.broken.load(Ordering::Relaxed) {
            return Err(StoreError::new("sending events", "the queue is away"));
        }
        self.bodies.lock().unwrap().push(body.to_owned());
        Ok(())
    }
}

struct World {
    clock: Arc<TestClock>,
    companies: MemoryCompanies,
    billing: MemoryBilling,
    ledger: MemoryLedger,
    queue: Queue,
    cursors: MemoryCursors,
}

impl World {
    fn new() -> World {
        let clock = Arc::new(TestClock::default());
        let world = World {
            billing: MemoryBilling::new(clock.clone()).pages_of(2),
            clock,
            companies: MemoryCompanies::default(),
            ledger: MemoryLedger::default(),
            queue: Queue::default(),
            cursors: MemoryCursors::default(),
        };
        world.save(Company::new(acme()));
        world.change(|company| {
            company.settings.directions = Directions::all(Direction::Push);
            company.billing = app(false, 0);
            company.connection = Some(Connection {
                realm: crate::ids::RealmId::new("1").unwrap(),
                state: ConnectionState::Connected,
                name: "Delgado Gardens".into(),
                connected_at: at(0),
            });
        });
        world
    }

    fn save(&self, company: Company) {
        let version = company.version + 1;
        assert!(block_on(self.companies.save(&Company { version, ..company })).unwrap());
    }

    fn change(&self, change: impl FnOnce(&mut Company)) {
        let mut company = block_on(self.companies.load(&acme())).unwrap().unwrap();
        change(&mut company);
        self.save(company);
    }

    fn put(&self, second: i64, record: Record) {
        self.clock.0.store(second, Ordering::Relaxed);
        self.billing.put(&acme(), record);
    }

    fn client(&self, second: i64, name: &str) {
        let mut client = client();
        client.id = BillingId::new(name).unwrap();
        self.put(second, Record::Client(Box::new(client)));
    }

    fn link(&self, kind: Kind, billing: &str, second: i64, withdrawn: bool) {
        let link: Link = serde_json::from_value(serde_json::json!({
            "kind": kind,
            "billing_id": billing,
            "quickbooks_id": (100 + second).to_string(),
            "sync_token": "0",
            "last_updated": "",
            "pushed": {},
            "seen": {},
            "billing_time": at(second),
            "last_event": "e-1",
            "last_action": "created",
            "matched_by": "created",
            "generation": 0,
            "withdrawn": withdrawn,
            "revision": 1,
        }))
        .unwrap();
        let books = block_on(self.companies.load(&acme())).unwrap().unwrap().books().unwrap();
        block_on(self.ledger.link(&books, &link, None)).unwrap();
    }

    fn poll(&self) -> Result<usize, PollError> {
        let ports = Ports {
            companies: &self.companies,
            billing: &self.billing,
            ledger: &self.ledger,
            queue: &self.queue,
            cursors: &self.cursors,
        };
        block_on(poll(ports, &acme()))
    }

    /// What was sent since this was last asked, as `KIND SUBJECT VERB`.
    fn sent(&self) -> Vec<String> {
        let bodies: Vec<String> = self.queue.bodies.lock().unwrap().drain(..).collect();
        let events = bodies.iter().flat_map(|body| event::read(body));
        events.map(|received| received.event.unwrap().to_string()).collect()
    }
}

fn app(updates_products: bool, since: i64) -> BillingApp {
    BillingApp::InvoiceNinja(InvoiceNinja {
        url: "https://books.example".into(),
        name: "Mow & Sons".into(),
        since: at(since),
        updates_products,
    })
}

#[test]
fn each_change_is_told_once_over_many_pages() {
    let world = World::new();
    for (second, name) in [(1, "c-1"), (1, "c-2"), (1, "c-3"), (200, "c-4"), (201, "c-5")] {
        world.client(second, name);
    }
    world.put(201, Record::Invoice(Box::new(invoice())));
    assert_eq!(world.poll().unwrap(), 6);
    let told = ["c-1", "c-2", "c-3", "c-4", "c-5"].map(|name| format!("client {name} updated"));
    assert_eq!(world.sent()[..5], told);
    assert_eq!(world.poll().unwrap(), 0, "what lies in the overlap was sent");
    world.client(202, "c-4");
    world.client(150, "late");
    assert_eq!(world.poll().unwrap(), 2, "a change that shows up late is found too");
    assert_eq!(world.sent(), ["client late updated", "client c-4 updated"]);
}

/// The app's clock has only seconds: an edit in the second of one that was told must not be lost with its webhook.
#[test]
fn what_changes_again_within_the_second_is_told_again_and_what_does_not_is_not() {
    let world = World::new();
    world.client(1, "c-1");
    world.client(1, "c-2");
    assert_eq!(world.poll().unwrap(), 2);
    world.sent();
    let edited = Client { website: "https://c-1.example".into(), ..client() };
    world.put(1, Record::Client(Box::new(Client { id: BillingId::new("c-1").unwrap(), ..edited })));
    assert_eq!(world.poll().unwrap(), 1);
    assert_eq!(world.sent(), ["client c-1 updated"]);
    assert_eq!(world.poll().unwrap(), 0);
}

#[test]
fn the_cursor_stays_when_the_queue_fails() {
    let world = World::new();
    world.client(1, "c-1");
    world.queue.broken.store(true, Ordering::Relaxed);
    assert!(matches!(world.poll(), Err(PollError::Store(_))));
    world.queue.broken.store(false, Ordering::Relaxed);
    assert_eq!(world.poll().unwrap(), 1);
}

#[test]
fn while_nothing_can_be_pushed_the_cursor_waits() {
    let world = World::new();
    world.client(1, "c-1");
    let state = |state| move |company: &mut Company| company.connection.as_mut().unwrap().state = state;
    world.change(state(ConnectionState::Expired));
    assert_eq!(world.poll().unwrap(), 0);
    world.change(state(ConnectionState::Connected));
    world.change(|company| company.settings.directions.client = Direction::None);
    assert_eq!(world.poll().unwrap(), 0, "R5");
    world.change(|company| company.settings.directions.client = Direction::Bidirectional);
    assert_eq!(world.poll().unwrap(), 1);
}

#[test]
fn what_changed_before_the_app_was_the_companys_is_left_alone() {
    let world = World::new();
    world.client(1, "c-1");
    assert_eq!(world.poll().unwrap(), 1);
    world.client(100, "c-2");
    world.change(|company| company.billing = app(false, 150));
    world.client(151, "c-3");
    world.sent();
    assert_eq!(world.poll().unwrap(), 1);
    assert_eq!(world.sent(), ["client c-3 updated"]);
}

#[test]
fn what_quickbooks_knows_is_not_told_again_and_withdrawals_are_told_where_they_matter() {
    let world = World::new();
    for name in ["known", "edited", "gone", "never-pushed", "restored"] {
        world.client(10, name);
    }
    for (name, second, withdrawn) in
        [("known", 20, false), ("edited", 5, false), ("gone", 8, false), ("restored", 9, true)]
    {
        world.link(Kind::Client, name, second, withdrawn);
    }
    for name in ["gone", "never-pushed"] {
        block_on(world.billing.delete(&acme(), Kind::Client, &BillingId::new(name).unwrap())).unwrap();
    }
    world.poll().unwrap();
    let mut sent = world.sent();
    sent.sort();
    let never = "client never-pushed deleted";
    assert_eq!(sent, ["client edited updated", "client gone deleted", never, "client restored restored"]);
}

/// What brings a withdrawn record back may be on its way; what took it away again after that outdates it.
#[test]
fn what_was_withdrawn_once_more_is_told_again() {
    let world = World::new();
    for (name, second) in [("again", 5), ("known", 20)] {
        world.client(10, name);
        world.link(Kind::Client, name, second, true);
        block_on(world.billing.delete(&acme(), Kind::Client, &BillingId::new(name).unwrap())).unwrap();
    }
    let cancelled = Invoice { status: InvoiceStatus::Cancelled, ..invoice() };
    world.link(Kind::Invoice, invoice().id.as_str(), 6, true);
    world.put(10, Record::Invoice(Box::new(cancelled)));
    world.poll().unwrap();
    assert_eq!(
        world.sent(),
        ["client again deleted".to_owned(), format!("invoice {} updated", invoice().id)]
    );
}

#[test]
fn a_state_that_a_webhook_told_is_not_told_again() {
    let world = World::new();
    world.client(10, "c-1");
    let stored = world.billing.get(&acme(), Kind::Client, &BillingId::new("c-1").unwrap()).unwrap();
    world.link(Kind::Client, "c-1", 10, false);
    assert_eq!(world.poll().unwrap(), 1, "another change within the same second");
    let told = EntityEvent::of_state(&acme(), Verb::Created, &stored);
    let books = block_on(world.companies.load(&acme())).unwrap().unwrap().books().unwrap();
    let link = Link { last_event: told.id, ..world.ledger.links(&books).remove(0) };
    let entry = Entry::Linked(link);
    assert!(was_told(&stored, Some(&entry), |verb| EntityEvent::of_state(&acme(), verb, &stored)));
}

#[test]
fn prices_that_the_app_copied_from_invoices_are_not_pushed() {
    let world = World::new();
    let key = product().id.to_string();
    world.link(Kind::Product, &key, 5, false);
    world.put(10, Record::Product(product()));
    world.change(|company| company.billing = app(true, 0));
    assert_eq!(world.poll().unwrap(), 0, "an edit by a person has a webhook, and this may be none");
    world.change(|company| company.billing = app(false, 0));
    world.put(11, Record::Product(product()));
    assert_eq!(world.poll().unwrap(), 1);
}
