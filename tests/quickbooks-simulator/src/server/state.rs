//! Everything the server knows, each part behind a lock of its own. No lock is held across an await.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, RwLock};

use jiff::{SignedDuration, Timestamp};
use simulator_server::Clock;
pub(super) use simulator_server::{lock, read, write};

use super::Options;
use super::calls::Calls;
use super::faults::Faults;
use super::oauth::connections::{ANNOUNCED_REFRESH_SECONDS, Connections, NewValues, TokenPair};
use super::outside;
use super::switches::Switches;
use super::throttle::Throttle;
use super::webhooks::Webhooks;
use crate::company::{Company, Seed};

pub(super) type Shared = Arc<Server>;

type Companies = BTreeMap<String, Arc<Mutex<Company>>>;

/// What is being served.
pub struct Server {
    pub(super) options: Options,
    pub(super) clock: Clock,
    /// One lock per company, so that companies run in parallel.
    companies: RwLock<Companies>,
    pub(super) connections: Mutex<Connections>,
    pub(super) throttle: Mutex<Throttle>,
    pub(super) calls: Mutex<Calls>,
    pub(super) faults: Mutex<Faults>,
    pub(super) switches: RwLock<Switches>,
    /// The company for which the consent page consents by itself.
    pub(super) consents_for: Mutex<Option<String>>,
    pub(super) webhooks: Webhooks,
}

impl Server {
    pub(super) fn new(options: Options) -> Self {
        let clock = Clock::new(SignedDuration::ZERO);
        let companies = seeded(&options.companies, clock.now());
        Self {
            clock,
            companies: RwLock::new(companies),
            connections: Mutex::default(),
            throttle: Mutex::default(),
            calls: Mutex::default(),
            faults: Mutex::default(),
            switches: RwLock::new(options.switches.clone()),
            consents_for: Mutex::default(),
            webhooks: Webhooks::new(options.webhooks.clone()),
            options,
        }
    }

    pub(super) fn realms(&self) -> Vec<String> {
        read(&self.companies).keys().cloned().collect()
    }

    /// Acts on a company at a moment of the clock, and announces by webhook what changed. None if there is no such
    /// company.
    pub(super) fn with_company<R>(
        &self,
        realm: &str,
        act: impl FnOnce(&mut Company, Timestamp) -> R,
    ) -> Option<R> {
        let company = read(&self.companies).get(realm).map(Arc::clone)?;
        let mut company = lock(&company);
        // Asked for under the lock, so that a company's time does not run backwards.
        let result = act(&mut company, self.clock.now());
        self.webhooks.announce(realm, company.take_changes());
        Some(result)
    }

    /// Copies of all companies, each taken at a quiet moment.
    pub(super) fn copy_companies(&self) -> BTreeMap<String, Company> {
        let companies = read(&self.companies).clone();
        companies.into_iter().map(|(realm, company)| (realm, lock(&company).clone())).collect()
    }

    pub(super) fn replace_companies(&self, companies: BTreeMap<String, Company>) {
        let companies = companies.into_iter().map(|(realm, company)| (realm, Arc::new(Mutex::new(company))));
        *write(&self.companies) = companies.collect();
    }

    pub(super) fn begin_companies_anew(&self) {
        *write(&self.companies) = seeded(&self.options.companies, self.clock.now());
    }

    /// Adds a company, or begins one anew.
    pub(super) fn add_company(&self, seed: Seed, realm: &str) {
        let company = Company::new(seed, realm, self.clock.now());
        write(&self.companies).insert(realm.to_owned(), Arc::new(Mutex::new(company)));
    }

    /// Connects a company without asking anybody.
    pub(super) fn connect(&self, realm: &str) -> TokenPair {
        let now = self.clock.now();
        lock(&self.connections).connect_for_tools(realm, new_values(now), now)
    }
}

/// Random values for a new pair of tokens.
pub(super) fn new_values(now: Timestamp) -> NewValues {
    let ends = now + SignedDuration::from_secs(ANNOUNCED_REFRESH_SECONDS);
    NewValues { access_token: outside::access_token(), refresh_token: outside::refresh_token(ends) }
}

fn seeded(companies: &[(Seed, String)], now: Timestamp) -> Companies {
    let company = |(seed, realm): &(Seed, String)| {
        (realm.clone(), Arc::new(Mutex::new(Company::new(*seed, realm, now))))
    };
    companies.iter().map(company).collect()
}
