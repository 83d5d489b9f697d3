//! The companies of a world.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use quickbooks::Client;
use quickbooks_simulator::company::{Company as SimulatedCompany, Request, Seed};
use serde_json::json;
use sync::billing_app::{self, InvoiceNinja};
use sync::ids::{Books, CompanyId, RealmId};
use sync::memory::{MemoryActivityLog, MemoryCompanies, MemoryCursors, MemoryLedger};
use sync::model::Kind;
use sync::ports::{Companies, QuickBooks};
use sync::reference::Reference;
use sync::settings::{Company, Connection, ConnectionState, Direction, Directions, Settings};
use url::Url;

use super::World;
use super::workers::{Workers, finish};
use crate::billing::{BillingApp, Taxes};
use crate::bookkeeper::{ENTITIES, Journal};
use crate::chaos::Chaos;
use crate::choices::Choices;
use crate::clock::SimulatedClock;
use crate::dice::Dice;
use crate::operation::Ways;
use crate::queue::Queue;
use crate::run::Reproduction;
use crate::sabotage::Sabotage;
use crate::stores::Stores;
use crate::tidings::Tidings;
use crate::transport::Realm;

/// How many companies a world has.
pub(crate) const COMPANIES: usize = 3;

/// Monday morning.
const START: i64 = 1_772_442_000;
/// How long before the companies are connected everything was there that is there at first: it is nobody's news.
const BEFORE: Duration = Duration::from_secs(60 * 60);

const SEEDS: [Seed; 4] = [Seed::Landscaping, Seed::Global, Seed::AutomatedSalesTax, Seed::Empty];

impl World {
    pub(super) fn new(drawn: &Reproduction, sabotage: Option<Sabotage>) -> World {
        let (ways, dice) = (drawn.ways, Dice::new(drawn.world).part("world"));
        let clock = Arc::new(SimulatedClock::at(start()));
        if ways != Ways::Push {
            clock.advance(BEFORE);
        }
        let chaos = Arc::new(Chaos::default());
        let mut world = Parts::default();
        for place in 0..COMPANIES {
            let dice = dice.nth(place as u64);
            let kind = dice.pick("seed", &SEEDS);
            let mut company = fresh(kind, place);
            if dice.chance("own numbers", 40) {
                number_by_hand(&mut company);
            }
            let choices = match drawn.choices {
                true => Choices::of(&mut company, dice, clock.time()),
                false => Choices::default(),
            };
            let journal = Journal { seeded: known(&company), ..Journal::default() };
            let realm = Arc::new(Realm::new(company, Arc::clone(&chaos), Arc::clone(&clock), sabotage));
            world.add(place, kind, (realm, journal, choices), directions(ways, dice), dice, &clock);
        }
        let stores = Stores {
            ledger: MemoryLedger::default(),
            activity: MemoryActivityLog::default(),
            companies: world.companies,
            cursors: MemoryCursors::default(),
            posted: Mutex::default(),
            apps: world.apps,
            clients: world.clients,
            chaos: Arc::clone(&chaos),
            clock: Arc::clone(&clock),
            sabotage,
        };
        let queues = if ways == Ways::Push { COMPANIES } else { 2 * COMPANIES };
        let tidings = queues - COMPANIES;
        World {
            stores: Arc::new(stores),
            realms: world.realms,
            journals: world.journals,
            queues: (0..queues).map(|_| Queue::default()).collect(),
            tidings: (0..tidings).map(|_| Tidings::default()).collect(),
            ways,
            directions: world.directions,
            choices: world.choices,
            workers: Workers::default(),
            chaos,
            clock,
            rate: dice.pick("rate", &[0, 10, 30, 30, 60]),
            sabotage,
        }
    }
}

/// Which way a company's changes travel.
fn directions(ways: Ways, dice: Dice) -> Directions {
    use Direction::{Bidirectional, None, Pull, Push};
    const ONE_WAY: [Direction; 4] = [Pull, Pull, Push, None];
    match ways {
        Ways::Push => Directions::all(Push),
        Ways::Both => Directions::all(dice.pick("direction", &[&[Bidirectional; 5][..], &ONE_WAY].concat())),
        Ways::Mixed => {
            let of =
                |kind| dice.part("direction").pick(kind, &[Bidirectional, Bidirectional, Pull, Push, None]);
            let (client, product) = (of("client"), of("product"));
            Directions { client, product, invoice: of("invoice"), payment: of("payment") }
        }
    }
}

#[derive(Default)]
struct Parts {
    directions: Vec<Directions>,
    choices: Vec<Choices>,
    companies: MemoryCompanies,
    apps: Vec<Mutex<BillingApp>>,
    clients: Vec<(Books, Arc<Client>)>,
    realms: Vec<Arc<Realm>>,
    journals: Vec<Journal>,
}

impl Parts {
    #[expect(clippy::expect_used, reason = "a world that cannot begin is no world")]
    fn add(
        &mut self,
        place: usize,
        kind: Seed,
        (realm, journal, choices): (Arc<Realm>, Journal, Choices),
        directions: Directions,
        dice: Dice,
        clock: &SimulatedClock,
    ) {
        let id = company_id(place);
        let pulls = Kind::ALL.into_iter().any(|kind| directions.of(kind).pulls());
        let books = Books { company: id.clone(), realm: realm_id(place) };
        let client = client(&books.realm, &realm);
        let lists = finish(client.reference_lists()).expect("lists, since nothing fails yet");
        let reference = Reference::from_lists(&lists, clock.time());
        let income = reference.accounts.iter().find(|account| account.account_type == "Income");
        let settings = Settings {
            directions,
            default_income_account: income.map(|account| account.id.clone()),
            push_product_edits: dice.chance("product edits", 70),
            inactivate_deleted: dice.chance("inactivate", 50),
            ..Settings::default()
        };
        let settings = choices.apply(settings);
        let connection = Connection {
            realm: books.realm.clone(),
            state: ConnectionState::Connected,
            name: format!("Books {place}"),
            connected_at: if pulls { clock.time() } else { Timestamp::UNIX_EPOCH },
        };
        let billing = match pulls {
            true => billing_app::BillingApp::InvoiceNinja(InvoiceNinja {
                url: "https://billing.example".to_owned(),
                name: format!("Company {place}"),
                since: clock.time(),
                updates_products: false,
            }),
            false => billing_app::BillingApp::EventsOnly,
        };
        let connection = Some(connection);
        let company = Company { settings, billing, connection, version: 1, ..Company::new(id.clone()) };
        finish(self.companies.save(&company)).ok();
        finish(self.companies.save_reference(&books, &reference)).ok();
        let mut app =
            BillingApp::new(place, id, taxes(kind), kind == Seed::Global, dice.chance("answers", 50));
        if pulls {
            // What is not pushed is not polled.
            let both = |kind: &Kind| directions.of(*kind) == Direction::Bidirectional;
            app.loses = Kind::ALL.into_iter().filter(both).collect();
            (app.has_api, app.answers) = (true, true);
        }
        self.directions.push(directions);
        self.choices.push(choices);
        self.apps.push(Mutex::new(app));
        self.clients.push((books, Arc::new(client)));
        self.realms.push(realm);
        self.journals.push(journal);
    }
}

fn start() -> Timestamp {
    Timestamp::from_second(START).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Planting a company takes longer than copying one.
fn fresh(kind: Seed, place: usize) -> SimulatedCompany {
    static PLANTED: Mutex<Vec<(Seed, usize, SimulatedCompany)>> = Mutex::new(Vec::new());
    let mut planted = super::lock(&PLANTED);
    let known =
        planted.iter().find(|(of, at, _)| (*of, *at) == (kind, place)).map(|(.., company)| company.clone());
    known.unwrap_or_else(|| {
        let company = SimulatedCompany::new(kind, realm_id(place).as_str(), start());
        planted.push((kind, place, company.clone()));
        company
    })
}

/// Switches custom numbers on: a number in use is refused then (6140).
fn number_by_hand(company: &mut SimulatedCompany) {
    let token = company.entity("Preferences", "1").map(|preferences| preferences["SyncToken"].clone());
    let body =
        json!({"Id": "1", "SyncToken": token, "sparse": true, "SalesFormsPrefs": {"CustomTxnNumbers": true}});
    let request = Request {
        method: "POST".to_owned(),
        path: "preferences".to_owned(),
        query: Vec::new(),
        content_type: None,
        body: body.to_string().into_bytes(),
    };
    company.answer(&request, start());
}

fn known(company: &SimulatedCompany) -> crate::bookkeeper::Known {
    let ids = |entity: &'static str| {
        let all = company.entities(entity).into_iter();
        all.map(move |value| (entity, value["Id"].as_str().unwrap_or_default().to_owned()))
            .collect::<Vec<_>>()
    };
    ENTITIES.into_iter().flat_map(ids).collect()
}

#[expect(clippy::expect_used, reason = "constants, which every run uses")]
fn company_id(place: usize) -> CompanyId {
    CompanyId::new(format!("company-{place}")).expect("a company id")
}

#[expect(clippy::expect_used, reason = "constants, which every run uses")]
fn realm_id(place: usize) -> RealmId {
    RealmId::new("1".repeat(place + 1)).expect("a realm id")
}

/// The real client, whose requests go to the realm.
#[expect(clippy::expect_used, reason = "constants, which every run uses")]
fn client(realm: &RealmId, transport: &Arc<Realm>) -> Client {
    static HTTP: OnceLock<reqwest::Client> = OnceLock::new();
    let wait = Duration::from_secs(1);
    let http = HTTP.get_or_init(|| quickbooks::http_client(wait, wait).expect("an HTTP client"));
    let api = Url::parse("https://quickbooks.example").expect("an address");
    Client::new(http.clone(), &api, realm.clone(), "token".into()).over(Arc::clone(transport) as _)
}

fn taxes(kind: Seed) -> Taxes {
    match kind {
        Seed::Landscaping => &[
            &[("Bayview", "8")],
            &[("Bayview", "8")],
            &[("Desert State", "5.6"), ("Tucson City", "2.6")],
            &[],
        ],
        Seed::AutomatedSalesTax => &[&[("Sales tax", "7.25")], &[]],
        Seed::Global => &[&[("20.0% S", "20")], &[("VAT", "20")], &[("5.0% R", "5")], &[("0.0% Z", "0")]],
        Seed::Empty => &[],
    }
}
