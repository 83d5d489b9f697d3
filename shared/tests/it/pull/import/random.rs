//! Whatever is on either side: each entity gets one record at most, a preview tells what a run does, and a second run
//! changes nothing.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use quickbooks_simulator::company::Seed;
use serde_json::json;
use sync::import::{Counts, State};
use sync::model::{Kind, Record};

use super::bureau::Bureau;
use crate::desk;

/// A name and an address, which others share.
type Person = (u8, u8);

/// Clients of the billing app, or Customers.
fn people(most: usize) -> impl Strategy<Value = Vec<Person>> {
    prop::collection::vec((0_u8..6, 0_u8..5), 0..most)
}

fn email(number: u8) -> String {
    format!("office-{number}@x.example")
}

async fn import_both_ways(clients: &[Person], customers: &[Person]) {
    let bureau = Bureau::open(Seed::Empty).await;
    for (place, (name, address)) in clients.iter().enumerate() {
        let mut client = desk::client(&format!("c-{place}"), &format!("Name {name}"));
        client["contacts"][0]["email"] = json!(email(*address));
        bureau
            .office
            .billing
            .put(&bureau.office.desk.books.company, Record::Client(serde_json::from_value(client).unwrap()));
    }
    let mut names = BTreeSet::new();
    for (name, address) in customers.iter().filter(|(name, _)| names.insert(*name)) {
        let body =
            json!({"DisplayName": format!("name {name}"), "PrimaryEmailAddr": {"Address": email(*address)}});
        bureau.office.desk.bookkeeper("customer", &[], &body);
    }
    let preview = bureau.preview(&[Kind::Client]).await;
    let run = bureau.run(&[Kind::Client]).await;
    assert_eq!((&preview.state, &run.state), (&State::Done, &State::Done));
    assert_eq!(preview.total(), run.total());
    let links = bureau.office.links(Kind::Client);
    let records: BTreeSet<_> = links.iter().map(|link| &link.billing_id).collect();
    let entities: BTreeSet<_> = links.iter().map(|link| &link.quickbooks_id).collect();
    assert_eq!((records.len(), entities.len()), (links.len(), links.len()));
    let made = bureau.office.records(Kind::Client).len() - clients.len();
    let Counts { created, found, .. } = run.total();
    assert_eq!((made as u64, found), (created, names.len() as u64), "nobody is there twice");
    let again = bureau.run(&[Kind::Client]).await.total();
    // One that fitted several may fit one alone, or none, since others were linked with the rest.
    let waited = run.total().all_failed();
    assert!(
        again.created + again.all_linked() <= waited && again.updated == 0,
        "T22: {again:?} after {waited}"
    );
}

#[test]
fn r37_r39_t22_any_clients_and_customers() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config { cases: 24, ..Config::default() });
    let result = runner.run(&(people(6), people(8)), |(clients, customers)| {
        runtime.block_on(import_both_ways(&clients, &customers));
        Ok(())
    });
    result.unwrap();
}
