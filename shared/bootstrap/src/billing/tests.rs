use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use invoice_ninja_simulator::company::Seed;
use invoice_ninja_simulator::server::{Options, Simulator, start};
use sync::billing_app::InvoiceNinja;
use sync::memory::{MemoryBillingVault, MemoryCompanies};
use sync::settings::Company;

use super::*;

#[derive(Default)]
struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_772_000_000 + self.0.load(Ordering::Relaxed)).unwrap()
    }
}

struct World {
    simulator: Simulator,
    companies: Arc<MemoryCompanies>,
    vault: Arc<MemoryBillingVault>,
    clock: Arc<TestClock>,
    apps: BillingApps,
}

fn acme() -> CompanyId {
    CompanyId::new("acme").unwrap()
}

impl World {
    async fn new(reach: Reach) -> World {
        let companies = vec![(Seed::Gardening, "TOKEN".to_owned())];
        let simulator = start(Options { companies, ..Options::default() }).await.unwrap();
        let (companies, vault, clock) = (
            Arc::<MemoryCompanies>::default(),
            Arc::<MemoryBillingVault>::default(),
            Arc::<TestClock>::default(),
        );
        let patience = Duration::from_secs(20);
        let http = transport::http_client_within(reach, patience, patience).unwrap();
        let apps = BillingApps::new(companies.clone(), vault.clone(), clock.clone(), http, reach);
        World { simulator, companies, vault, clock, apps }
    }

    async fn set(&self, version: u64, secret: &str, token: &str) {
        let keys = BillingKeys { token: token.into(), webhook_secret: secret.into() };
        self.vault.store_keys(&acme(), &keys).await.unwrap();
        let billing = BillingApp::InvoiceNinja(InvoiceNinja {
            url: self.simulator.url().to_owned(),
            name: "Green Thumb Gardens".into(),
            since: Timestamp::UNIX_EPOCH,
            updates_products: false,
        });
        assert!(self.companies.save(&Company { billing, version, ..Company::new(acme()) }).await.unwrap());
    }

    fn later(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds, Ordering::Relaxed);
    }

    async fn listed(&self) -> Result<usize, BillingError> {
        let page = self.apps.changed_since(&acme(), Kind::Client, Timestamp::UNIX_EPOCH, None).await?;
        Ok(page.records.len())
    }
}

#[tokio::test]
async fn each_company_is_asked_where_it_is() {
    let world = World::new(Reach::Anywhere).await;
    assert!(matches!(world.listed().await, Err(BillingError::NotOffered)));
    let nothing = world.apps.fetch(&acme(), Kind::Client, &BillingId::new("c-1").unwrap()).await;
    assert_eq!(nothing.unwrap(), None, "an app that only sends events has nothing to give");
    assert!(world.apps.setup(&acme()).await.unwrap().is_none());
    world.set(1, "secret", "TOKEN").await;
    world.later(3600);
    assert_eq!(world.listed().await.unwrap(), 4);
    assert!(world.apps.setup(&acme()).await.unwrap().is_some());
}

#[tokio::test]
async fn a_token_that_is_refused_is_looked_up_again() {
    let world = World::new(Reach::Anywhere).await;
    world.set(1, "secret", "old").await;
    assert!(matches!(world.listed().await, Err(BillingError::Forbidden(_))));
    world.set(2, "secret", "TOKEN").await;
    assert_eq!(world.listed().await.unwrap(), 4);
}

#[tokio::test]
async fn only_the_companys_present_secret_is_genuine() {
    let world = World::new(Reach::Anywhere).await;
    let is_genuine = async |given: &str| world.apps.is_genuine(&acme(), given.as_bytes()).await.unwrap();
    assert!(!is_genuine("secret").await);
    world.set(1, "secret", "TOKEN").await;
    assert!(!is_genuine("secret").await, "whoever guesses has nothing looked up each time");
    world.later(60);
    assert!(is_genuine("secret").await);
    assert!(!is_genuine("another").await);
    world.set(2, "changed", "TOKEN").await;
    world.later(60);
    assert!(is_genuine("changed").await, "a new secret is taken before the old one is forgotten");
    assert!(!is_genuine("secret").await);
}

#[tokio::test]
async fn private_addresses_are_not_called_where_they_are_not_allowed() {
    let world = World::new(Reach::Public).await;
    world.set(1, "secret", "TOKEN").await;
    assert!(matches!(world.listed().await, Err(BillingError::Refused(_))));
    assert!(world.simulator.calls().is_empty());
}
