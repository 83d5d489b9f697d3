use std::sync::{Mutex, PoisonError};

use futures::executor::block_on;
use quickbooks_wire::{CompanyInfo, Fault, FaultError};
use secrecy::ExposeSecret;

use super::*;
use crate::memory::{MemoryCompanies, MemoryVault};
use crate::settings::{Direction, Directions};

const BROWSER: &str = "what the browser keeps";

/// Intuit, where a code is the name of the tokens that it is traded for.
#[derive(Default)]
struct FakeIntuit {
    calls: Mutex<Vec<String>>,
    exchange_fails: Mutex<Option<RefreshError>>,
    read_fails: Mutex<Option<CallError>>,
}

impl FakeIntuit {
    fn called(&self, call: String) {
        lock(&self.calls).push(call);
    }

    /// What was asked of it since the last time.
    fn calls(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.calls))
    }
}

#[async_trait]
impl Intuit for FakeIntuit {
    async fn authorize_url(&self, state: String) -> Result<String, RefreshError> {
        Ok(format!("https://intuit.example/?state={state}"))
    }

    async fn exchange(&self, code: SecretString, now: Timestamp) -> Result<TokenPair, RefreshError> {
        self.called(format!("exchange {}", code.expose_secret()));
        match lock(&self.exchange_fails).clone() {
            Some(error) => Err(error),
            None => Ok(pair(code.expose_secret(), now)),
        }
    }

    async fn revoke(&self, tokens: &TokenPair) -> Result<(), RefreshError> {
        self.called(format!("revoke {}", tokens.access_token.expose_secret()));
        Ok(())
    }

    async fn reference_lists(
        &self,
        realm: &RealmId,
        tokens: &TokenPair,
    ) -> Result<ReferenceLists, CallError> {
        self.called(format!("read {realm} with {}", tokens.access_token.expose_secret()));
        match lock(&self.read_fails).clone() {
            Some(error) => Err(error),
            None => Ok(ReferenceLists {
                company_info: CompanyInfo {
                    company_name: Some(format!("Company {realm}")),
                    country: Some("US".into()),
                    ..CompanyInfo::default()
                },
                ..ReferenceLists::default()
            }),
        }
    }
}

struct TestClock(Mutex<Timestamp>);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *lock(&self.0)
    }
}

/// A vault that may refuse to store.
#[derive(Default)]
struct TestVault {
    vault: MemoryVault,
    fails: Mutex<bool>,
}

#[async_trait]
impl Vault for TestVault {
    async fn tokens(&self, books: &Books) -> Result<Option<TokenPair>, StoreError> {
        self.vault.tokens(books).await
    }

    async fn store(&self, books: &Books, tokens: &TokenPair) -> Result<(), StoreError> {
        if *lock(&self.fails) {
            return Err(StoreError::new("storing tokens", "no answer"));
        }
        self.vault.store(books, tokens).await
    }

    async fn forget(&self, books: &Books) -> Result<(), StoreError> {
        self.vault.forget(books).await
    }
}

struct World {
    companies: MemoryCompanies,
    vault: TestVault,
    intuit: FakeIntuit,
    clock: TestClock,
    seal: Seal,
    starts: Mutex<u32>,
}

impl World {
    fn new() -> World {
        let world = World {
            companies: MemoryCompanies::default(),
            vault: TestVault::default(),
            intuit: FakeIntuit::default(),
            clock: TestClock(Mutex::new("2026-03-09T10:00:00Z".parse().unwrap())),
            seal: Seal::new(&"0123456789abcdef0123456789abcdef".into()).unwrap(),
            starts: Mutex::default(),
        };
        for name in ["acme", "globex"] {
            let company = Company { version: 1, ..Company::new(id(name)) };
            assert!(block_on(world.companies.save(&company)).unwrap());
        }
        world
    }

    fn ports(&self) -> Ports<'_> {
        Ports {
            companies: &self.companies,
            standings: &self.companies,
            vault: &self.vault,
            intuit: &self.intuit,
            clock: &self.clock,
            seal: &self.seal,
        }
    }

    fn pass(&self, time: SignedDuration) {
        *lock(&self.clock.0) += time;
    }

    fn link(&self, company: &str) -> String {
        link(&self.seal, &id(company), self.clock.now()).unwrap()
    }

    /// Clicks a link and returns the state that goes to Intuit.
    fn click(&self, link: &str) -> Result<String, Refusal> {
        let nonce = {
            let mut starts = lock(&self.starts);
            *starts += 1;
            format!("nonce-{starts}")
        };
        let url = block_on(start(self.ports(), link, BROWSER, &nonce))?;
        Ok(url.split_once("state=").unwrap().1.to_owned())
    }

    fn come_back(&self, callback: Callback) -> Result<Connected, Refusal> {
        block_on(finish(self.ports(), callback, Some(BROWSER), "attempt"))
    }

    /// Goes through all of it.
    fn connect(&self, company: &str, realm: &str, code: &str) -> Result<Connected, Refusal> {
        let state = self.click(&self.link(company))?;
        self.come_back(consent(&state, realm, code))
    }

    fn company(&self, name: &str) -> Company {
        block_on(self.companies.load(&id(name))).unwrap().unwrap()
    }

    fn access_token(&self, company: &str, realm: &str) -> Option<String> {
        let tokens = block_on(self.vault.tokens(&books(company, realm))).unwrap()?;
        Some(tokens.access_token.expose_secret().to_owned())
    }
}

fn id(name: &str) -> CompanyId {
    CompanyId::new(name).unwrap()
}

fn books(company: &str, realm: &str) -> Books {
    Books { company: id(company), realm: RealmId::new(realm).unwrap() }
}

fn pair(name: &str, now: Timestamp) -> TokenPair {
    TokenPair {
        access_token: name.into(),
        access_expires_at: now + SignedDuration::from_hours(1),
        refresh_token: format!("refresh {name}").into(),
        refresh_expires_at: now + SignedDuration::from_hours(2400),
        hard_expires_at: None,
    }
}

fn consent(state: &str, realm: &str, code: &str) -> Callback {
    Callback { state: Some(state.into()), code: Some(code.into()), realm: Some(realm.into()), error: None }
}

fn fault(code: &str) -> Fault {
    let error = FaultError { code: code.into(), message: "refused".into(), ..FaultError::default() };
    Fault { errors: vec![error], fault_type: "AuthorizationFault".into() }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn a_first_connection_stores_tokens_connection_and_lists() {
    let world = World::new();
    let connected = world.connect("acme", "1", "one").unwrap();
    assert_eq!(connected.before.connection, None);
    assert_eq!(connected.reference.name, "Company 1");

    let company = world.company("acme");
    let connection = company.connection.clone().unwrap();
    assert_eq!(connection.name, "Company 1");
    assert_eq!(connection.state, ConnectionState::Connected);
    assert_eq!(
        company.settings.directions,
        Directions::default(),
        "nothing travels until a person says so (R4)"
    );
    assert_eq!(company.settings.cut_off, Some("2026-03-09".parse().unwrap()));
    assert_eq!(world.access_token("acme", "1"), Some("one".into()));
    assert_eq!(block_on(world.companies.of_realm(&books("acme", "1").realm)).unwrap(), Some(id("acme")));
    assert_eq!(block_on(world.companies.reference(&books("acme", "1"))).unwrap(), Some(connected.reference));
    assert_eq!(world.intuit.calls(), ["exchange one", "read 1 with one"]);
}

#[test]
fn reconnecting_keeps_settings_and_replaces_tokens() {
    let world = World::new();
    world.connect("acme", "1", "one").unwrap();
    let mut company = world.company("acme");
    company.settings.directions = Directions::all(Direction::Push);
    company.connection.as_mut().unwrap().state = ConnectionState::Expired;
    company.version += 1;
    assert!(block_on(world.companies.save(&company)).unwrap());

    let connected = world.connect("acme", "1", "two").unwrap();
    assert!(connected.before.connection.is_some());
    let after = world.company("acme");
    assert_eq!(after.settings, company.settings);
    assert_eq!(after.connection.unwrap().state, ConnectionState::Connected);
    assert_eq!(world.access_token("acme", "1"), Some("two".into()));
}

#[test]
fn a_link_may_be_clicked_again_until_it_expires() {
    let world = World::new();
    let link = world.link("acme");
    let first = world.click(&link).unwrap();
    let second = world.click(&link).unwrap();
    assert!(world.come_back(consent(&first, "1", "one")).is_ok());
    assert!(world.come_back(consent(&second, "1", "two")).is_ok());
    world.pass(LINK_LIFE);
    assert!(matches!(world.click(&link), Err(Refusal::Link(BadSeal::Expired))));
}

#[test]
fn a_link_that_is_not_ours_starts_nothing() {
    let world = World::new();
    assert!(matches!(world.click("nonsense"), Err(Refusal::Link(BadSeal::Forged))));
    assert!(matches!(world.click(&world.link("nobody")), Err(Refusal::UnknownCompany)));
    let state = world.click(&world.link("acme")).unwrap();
    assert!(matches!(world.click(&state), Err(Refusal::Link(BadSeal::Forged))), "a state is no link");
}

#[test]
fn a_state_works_once() {
    let world = World::new();
    let state = world.click(&world.link("acme")).unwrap();
    assert!(world.come_back(consent(&state, "1", "one")).is_ok());
    world.intuit.calls();
    assert!(matches!(world.come_back(consent(&state, "1", "two")), Err(Refusal::Reused)));
    assert_eq!(world.intuit.calls(), [""; 0]);
    assert_eq!(world.access_token("acme", "1"), Some("one".into()));
}

#[test]
fn a_state_works_for_some_minutes() {
    let world = World::new();
    let state = world.click(&world.link("acme")).unwrap();
    world.pass(STATE_LIFE);
    let result = world.come_back(consent(&state, "1", "one"));
    assert!(matches!(result, Err(Refusal::State(BadSeal::Expired))));
    assert_eq!(world.intuit.calls(), [""; 0]);
}

#[test]
fn a_state_works_only_in_the_browser_that_started() {
    let world = World::new();
    let state = world.click(&world.link("acme")).unwrap();
    for browser in [None, Some("another one")] {
        let result = block_on(finish(world.ports(), consent(&state, "1", "one"), browser, "attempt"));
        assert!(matches!(result, Err(Refusal::OtherBrowser)));
    }
    assert_eq!(world.intuit.calls(), [""; 0]);
    assert!(world.come_back(consent(&state, "1", "one")).is_ok(), "a stranger does not use it up");
}

#[test]
fn a_missing_or_invented_state_is_refused() {
    let world = World::new();
    let without = Callback { state: None, ..consent("", "1", "one") };
    assert!(matches!(world.come_back(without), Err(Refusal::State(BadSeal::Forged))));
    let link = world.link("acme");
    let result = world.come_back(consent(&link, "1", "one"));
    assert!(matches!(result, Err(Refusal::State(BadSeal::Forged))), "a link is no state");
    assert_eq!(world.intuit.calls(), [""; 0]);
}

#[test]
fn saying_no_at_intuit_changes_nothing() {
    let world = World::new();
    let state = world.click(&world.link("acme")).unwrap();
    let error = Some("access_denied".to_owned());
    let denied = Callback { state: Some(state), error, ..Callback::default() };
    assert!(matches!(world.come_back(denied), Err(Refusal::Denied)));
    assert_eq!(world.company("acme").connection, None);
    assert_eq!(world.intuit.calls(), [""; 0]);
}

#[test]
fn a_realm_of_another_company_is_refused_before_its_tokens_are_touched() {
    let world = World::new();
    world.connect("acme", "1", "one").unwrap();
    world.intuit.calls();
    assert!(matches!(world.connect("globex", "1", "two"), Err(Refusal::RealmTaken)));
    assert_eq!(world.intuit.calls(), [""; 0]);
    assert_eq!(world.company("globex").connection, None);
    assert_eq!(world.access_token("globex", "1"), None);
}

#[test]
fn another_realm_than_before_is_refused() {
    let world = World::new();
    world.connect("acme", "1", "one").unwrap();
    world.intuit.calls();
    match world.connect("acme", "2", "two") {
        Err(Refusal::OtherRealm(name)) => assert_eq!(name, "Company 1"),
        other => panic!("{other:?}"),
    }
    assert_eq!(world.intuit.calls(), [""; 0]);
    assert_eq!(world.company("acme").books(), Some(books("acme", "1")));
}

#[test]
fn without_rights_in_quickbooks_nothing_is_stored_and_the_tokens_are_given_up() {
    for error in [
        CallError::Forbidden(fault("3100")),
        CallError::Refused(fault("5020")),
        CallError::Refused(fault("120")),
        CallError::Unauthorized,
    ] {
        let world = World::new();
        *lock(&world.intuit.read_fails) = Some(error);
        assert!(matches!(world.connect("acme", "1", "one"), Err(Refusal::MissingRights(_))));
        assert_eq!(world.intuit.calls(), ["exchange one", "read 1 with one", "revoke one"]);
        assert_eq!(world.company("acme").connection, None);
        assert_eq!(world.access_token("acme", "1"), None);
    }
}

#[test]
fn a_failed_reconnection_leaves_the_working_tokens_alone() {
    let world = World::new();
    world.connect("acme", "1", "one").unwrap();
    world.intuit.calls();
    *lock(&world.intuit.read_fails) = Some(CallError::Forbidden(fault("3100")));
    assert!(matches!(world.connect("acme", "1", "two"), Err(Refusal::MissingRights(_))));
    assert_eq!(
        world.intuit.calls(),
        ["exchange two", "read 1 with two"],
        "revoking would end the connection"
    );
    assert_eq!(world.access_token("acme", "1"), Some("one".into()));
    assert_eq!(world.company("acme").connection.unwrap().state, ConnectionState::Connected);
}

#[test]
fn an_unreachable_intuit_says_so() {
    let world = World::new();
    *lock(&world.intuit.read_fails) = Some(CallError::Throttled { retry_after: None });
    assert!(matches!(world.connect("acme", "1", "one"), Err(Refusal::Unreachable(_))));
    assert_eq!(world.company("acme").connection, None);

    let world = World::new();
    *lock(&world.intuit.exchange_fails) = Some(RefreshError::Unknown("time-out".into()));
    assert!(matches!(world.connect("acme", "1", "one"), Err(Refusal::Unreachable(_))));
    assert_eq!(world.intuit.calls(), ["exchange one"]);
}

#[test]
fn a_dead_code_is_refused() {
    let world = World::new();
    *lock(&world.intuit.exchange_fails) = Some(RefreshError::Dead);
    assert!(matches!(world.connect("acme", "1", "one"), Err(Refusal::Intuit(_))));
    assert_eq!(world.company("acme").connection, None);
}

#[test]
fn an_answer_without_a_code_or_a_realm_is_refused() {
    let world = World::new();
    for callback in [
        |state: String| Callback { code: None, ..consent(&state, "1", "one") },
        |state: String| Callback { realm: None, ..consent(&state, "1", "one") },
        |state: String| consent(&state, "1 or so", "one"),
    ] {
        let state = world.click(&world.link("acme")).unwrap();
        assert!(matches!(world.come_back(callback(state)), Err(Refusal::Intuit(_))));
    }
    assert_eq!(world.intuit.calls(), [""; 0]);
}

#[test]
fn tokens_that_cannot_be_stored_are_given_up_unless_others_depend_on_them() {
    let world = World::new();
    *lock(&world.vault.fails) = true;
    assert!(matches!(world.connect("acme", "1", "one"), Err(Refusal::Store(_))));
    assert_eq!(world.company("acme").connection, None);
    assert_eq!(world.intuit.calls(), ["exchange one", "read 1 with one", "revoke one"]);

    *lock(&world.vault.fails) = false;
    world.connect("acme", "1", "two").unwrap();
    world.intuit.calls();
    *lock(&world.vault.fails) = true;
    assert!(matches!(world.connect("acme", "1", "three"), Err(Refusal::Store(_))));
    assert_eq!(world.intuit.calls(), ["exchange three", "read 1 with three"]);
    assert_eq!(world.access_token("acme", "1"), Some("two".into()));
}

#[test]
fn a_realm_that_another_company_gets_first_is_left_to_it() {
    /// Somebody else connects the realm while its lists are being read.
    struct Overtaken<'a>(&'a World);
    #[async_trait]
    impl Intuit for Overtaken<'_> {
        async fn authorize_url(&self, state: String) -> Result<String, RefreshError> {
            self.0.intuit.authorize_url(state).await
        }

        async fn exchange(&self, code: SecretString, now: Timestamp) -> Result<TokenPair, RefreshError> {
            self.0.intuit.exchange(code, now).await
        }

        async fn revoke(&self, tokens: &TokenPair) -> Result<(), RefreshError> {
            self.0.intuit.revoke(tokens).await
        }

        async fn reference_lists(
            &self,
            realm: &RealmId,
            tokens: &TokenPair,
        ) -> Result<ReferenceLists, CallError> {
            let lists = self.0.intuit.reference_lists(realm, tokens).await?;
            let connection = Connection {
                realm: realm.clone(),
                state: ConnectionState::Connected,
                name: String::new(),
                connected_at: self.0.clock.now(),
            };
            let reference = Reference::from_lists(&lists, self.0.clock.now());
            self.0.companies.connect(&id("globex"), &connection, &reference).await.unwrap();
            Ok(lists)
        }
    }
    let world = World::new();
    let state = world.click(&world.link("acme")).unwrap();
    let ports = Ports { intuit: &Overtaken(&world), ..world.ports() };
    let result = block_on(finish(ports, consent(&state, "1", "slower"), Some(BROWSER), "attempt"));
    assert!(matches!(result, Err(Refusal::RealmTaken)));
    let calls = ["exchange slower", "read 1 with slower"];
    assert_eq!(world.intuit.calls(), calls, "revoking would end the other's connection");
    assert_eq!(world.company("acme").connection, None);
}
