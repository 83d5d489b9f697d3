//! Several pages at once, and few calls: the same comes of it as of one entity after the other.

use std::collections::BTreeSet;
use std::sync::Mutex;

use async_trait::async_trait;
use jiff::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use quickbooks_simulator::company::Seed;
use serde_json::json;
use sync::ids::{BillingId, CompanyId};
use sync::import::{Counts, State, Stretch};
use sync::model::{Kind, Record};
use sync::ports::{Billing, BillingError, BillingQuery, Page, Stored};
use sync::push::{Ports, Verdict};

use super::super::office::id;
use super::bureau::Bureau;
use crate::desk;

/// An app that takes a different time for each call, and counts them.
struct Dawdling<'a> {
    app: &'a dyn Billing,
    seed: u64,
    calls: Mutex<Calls>,
}

#[derive(Clone, Debug, Default)]
struct Calls {
    made: u64,
    finds: u64,
    creates: u64,
    lists: u64,
    under_way: u64,
    most_at_once: u64,
}

impl<'a> Dawdling<'a> {
    fn new(app: &'a dyn Billing, seed: u64) -> Dawdling<'a> {
        Dawdling { app, seed, calls: Mutex::default() }
    }

    fn calls(&self) -> Calls {
        self.calls.lock().unwrap().clone()
    }

    async fn takes_its_time(&self, count: impl Fn(&mut Calls)) {
        let made = {
            let mut calls = self.calls.lock().unwrap();
            calls.made += 1;
            calls.under_way += 1;
            calls.most_at_once = calls.most_at_once.max(calls.under_way);
            count(&mut calls);
            calls.made
        };
        for _ in 0..made.wrapping_mul(self.seed).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 61 {
            tokio::task::yield_now().await;
        }
        self.calls.lock().unwrap().under_way -= 1;
    }
}

#[async_trait]
impl Billing for Dawdling<'_> {
    async fn fetch(
        &self,
        company: &CompanyId,
        kind: Kind,
        id: &BillingId,
    ) -> Result<Option<Stored>, BillingError> {
        self.takes_its_time(|_| {}).await;
        self.app.fetch(company, kind, id).await
    }

    async fn find(&self, company: &CompanyId, wanted: &BillingQuery) -> Result<Vec<Stored>, BillingError> {
        let is_look_up = !matches!(wanted, BillingQuery::PaymentNumbered(_));
        self.takes_its_time(|calls| calls.finds += u64::from(is_look_up)).await;
        self.app.find(company, wanted).await
    }

    async fn create(&self, company: &CompanyId, record: &Record) -> Result<Stored, BillingError> {
        self.takes_its_time(|calls| calls.creates += 1).await;
        self.app.create(company, record).await
    }

    async fn update(
        &self,
        company: &CompanyId,
        before: &Record,
        after: &Record,
    ) -> Result<Stored, BillingError> {
        self.takes_its_time(|_| {}).await;
        self.app.update(company, before, after).await
    }

    async fn changed_since(
        &self,
        company: &CompanyId,
        kind: Kind,
        since: Timestamp,
        page: Option<&str>,
    ) -> Result<Page, BillingError> {
        self.takes_its_time(|calls| calls.lists += 1).await;
        self.app.changed_since(company, kind, since, page).await
    }
}

/// What is on either side: names and addresses which others share, and numbers that are taken.
#[derive(Clone, Debug)]
struct Sides {
    clients: Vec<(u8, u8)>,
    customers: Vec<(u8, u8)>,
    /// Each for one of the customers.
    invoices: Vec<prop::sample::Index>,
    taken: BTreeSet<u8>,
}

fn sides() -> impl Strategy<Value = Sides> {
    let people = |most| prop::collection::vec((0_u8..8, 0_u8..6), 1..most);
    let invoices = prop::collection::vec(any::<prop::sample::Index>(), 0..10);
    let taken = prop::collection::btree_set(0_u8..10, 0..4);
    (people(7), people(10), invoices, taken).prop_map(|(clients, customers, invoices, taken)| Sides {
        clients,
        customers,
        invoices,
        taken,
    })
}

fn email(number: u8) -> String {
    format!("office-{number}@x.example")
}

async fn bureau_of(sides: &Sides) -> Bureau {
    let bureau = Bureau::open(Seed::Empty).await;
    let office = &bureau.office;
    for (place, (name, address)) in sides.clients.iter().enumerate() {
        let mut client = desk::client(&format!("c-{place}"), &format!("Name {name}"));
        client["contacts"][0]["email"] = json!(email(*address));
        office.save(Record::Client(serde_json::from_value(client).unwrap()));
    }
    for number in &sides.taken {
        let mut invoice = desk::invoice(&format!("i-{number}"), &desk::client("c-0", "Name 0"), &[]);
        invoice["number"] = json!(format!("N-{number}"));
        office.save(Record::Invoice(serde_json::from_value(invoice).unwrap()));
    }
    let hedge = office.new_item("Hedge").await;
    let mut names = BTreeSet::new();
    let mut customers = Vec::new();
    for (name, address) in sides.customers.iter().filter(|(name, _)| names.insert(*name)) {
        let body =
            json!({"DisplayName": format!("name {name}"), "PrimaryEmailAddr": {"Address": email(*address)}});
        customers.push(id(&office.create("customer", &body)));
    }
    for (number, customer) in sides.invoices.iter().enumerate() {
        let customer = customer.get(&customers);
        let invoice = office.new_invoice(&format!("N-{number}"), customer, &hedge);
        office.new_payment(customer, 20, &[(&invoice, 20)]);
    }
    bureau
}

/// Who is whose counterpart, and how it came to that, whatever ids the app gives to what is new.
fn links(bureau: &Bureau, kind: Kind) -> BTreeSet<String> {
    let link = |link: sync::link::Link| {
        let stored = bureau.office.stored(kind, &link.billing_id);
        let was_there = ["c-", "i-"].iter().any(|ours| link.billing_id.as_str().starts_with(ours));
        let billing_id = was_there.then_some(link.billing_id);
        format!("{} {:?} {billing_id:?} {}", link.quickbooks_id, link.matched_by, stored.record.label())
    };
    bureau.office.links(kind).into_iter().map(link).collect()
}

async fn brought_over(sides: &Sides, stretch: Stretch, seed: u64) -> (Counts, Vec<BTreeSet<String>>) {
    let bureau = Bureau { stretch, ..bureau_of(sides).await };
    let app = Dawdling::new(&*bureau.office.billing, seed);
    let job = bureau.start(&Kind::ALL).await;
    let engine = Ports { billing: &app, ..bureau.office.ports() };
    let job = bureau.finish_with(bureau.work_with(engine), &job.id).await;
    assert_eq!(job.state, State::Done);
    (job.total(), Kind::ALL.into_iter().map(|kind| links(&bureau, kind)).collect())
}

#[test]
fn pages_of_any_size_and_any_number_at_once_give_the_same_links() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config { cases: 12, max_shrink_iters: 40, ..Config::default() });
    let stretch = (2_u32..7, 1_u32..5).prop_map(|(rows, pages)| Stretch { rows, pages });
    let result = runner.run(&(sides(), stretch, 1_u64..1000), |(sides, stretch, seed)| {
        let one_by_one = runtime.block_on(brought_over(&sides, Stretch { rows: 2, pages: 1 }, 0));
        let side_by_side = runtime.block_on(brought_over(&sides, stretch, seed));
        prop_assert_eq!(one_by_one, side_by_side);
        Ok(())
    });
    result.unwrap();
}

#[tokio::test]
async fn what_is_new_to_the_app_costs_it_one_call_for_each() {
    let bureau = Bureau::open(Seed::Empty).await;
    let office = &bureau.office;
    let hedge = office.new_item("Hedge").await;
    for number in 0..60 {
        let customer = office.new_customer(&format!("Customer {number}"));
        office.new_invoice(&format!("N-{number}"), &customer, &hedge);
    }
    bureau.save_client("c-1", "Somebody else");
    bureau.save_client("c-2", "customer 7");
    let app = Dawdling::new(&*office.billing, 1);
    let engine = Ports { billing: &app, ..office.ports() };
    let kinds = [Kind::Product, Kind::Client, Kind::Invoice];
    let job = bureau.start(&kinds).await;
    let job = bureau.finish_with(bureau.work_with(engine), &job.id).await;
    assert_eq!((job.total().created, job.total().all_linked(), job.total().all_failed()), (120, 1, 0));
    let calls = app.calls();
    assert_eq!(calls.creates, 120, "{calls:?}");
    assert_eq!(calls.finds, 1, "only the one that is there is looked at: {calls:?}");
    assert!(calls.lists <= 4, "the names of each kind are read once: {calls:?}");
    assert!(calls.most_at_once > 1 && calls.most_at_once <= 32, "{calls:?}");
}

#[tokio::test]
async fn who_is_entered_while_an_import_runs_is_found() {
    let bureau = Bureau { stretch: Stretch { rows: 3, pages: 1 }, ..Bureau::open(Seed::Empty).await };
    for number in 0..9 {
        bureau.office.new_customer(&format!("Customer {number}"));
    }
    let job = bureau.start(&[Kind::Client]).await;
    assert_eq!(bureau.deliver(bureau.work(), &job.tick(), 1).await, Verdict::Acknowledge);
    assert_eq!(bureau.job(&job.id).await.total().done, 3);
    bureau.save_client("c-1", "customer 8");
    let job = bureau.finish(&job.id).await;
    assert_eq!((job.total().created, job.total().all_linked()), (8, 1));
    assert_eq!(bureau.office.records(Kind::Client).len(), 9);
}
