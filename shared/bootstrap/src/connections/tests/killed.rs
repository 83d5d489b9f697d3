//! A refresher that is killed before or after any of its calls leaves nobody stranded: whoever comes next goes on, or
//! says at once that a person has to reconnect.

use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::SignedDuration;
use sync::ports::{ConnectError, Lease, RefreshError, Standings, StoreError};
use sync::reference::Reference;
use sync::standing::Standing;
use tokio::sync::Semaphore;

use super::*;

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Lets a worker die at one of its calls: before it is made, or after it has had its effect and before anybody knows.
struct Deadly {
    companies: Arc<MemoryCompanies>,
    vault: Arc<MemoryVault>,
    server: OAuth,
    dies_at: usize,
    steps: AtomicUsize,
    dead: Semaphore,
    /// The calls in their order, for a test that fails.
    calls: Mutex<Vec<&'static str>>,
}

impl Deadly {
    /// Two steps for each call.
    async fn step(&self) {
        if self.steps.fetch_add(1, Ordering::SeqCst) == self.dies_at {
            self.dead.add_permits(1);
            std::future::pending::<()>().await;
        }
    }

    async fn call<T>(&self, name: &'static str, call: impl Future<Output = T>) -> T {
        self.calls.lock().unwrap().push(name);
        self.step().await;
        let result = call.await;
        self.step().await;
        result
    }
}

#[async_trait]
impl TokenServer for Deadly {
    async fn refresh(&self, tokens: &TokenPair, now: Timestamp) -> Result<TokenPair, RefreshError> {
        self.call("refresh", TokenServer::refresh(&self.server, tokens, now)).await
    }
}

#[async_trait]
impl Vault for Deadly {
    async fn tokens(&self, books: &Books) -> Result<Option<TokenPair>, StoreError> {
        self.call("tokens", self.vault.tokens(books)).await
    }

    async fn store(&self, books: &Books, tokens: &TokenPair) -> Result<(), StoreError> {
        self.call("store", self.vault.store(books, tokens)).await
    }

    async fn forget(&self, books: &Books) -> Result<(), StoreError> {
        self.call("forget", self.vault.forget(books)).await
    }
}

#[async_trait]
impl Standings for Deadly {
    async fn standing(&self, books: &Books) -> Result<Option<Standing>, StoreError> {
        self.call("standing", self.companies.standing(books)).await
    }

    async fn save_standing(&self, books: &Books, standing: &Standing) -> Result<bool, StoreError> {
        self.call("save_standing", self.companies.save_standing(books, standing)).await
    }

    async fn due(
        &self,
        now: Timestamp,
        from: Option<&str>,
    ) -> Result<(Vec<Books>, Option<String>), StoreError> {
        self.companies.due(now, from).await
    }
}

#[async_trait]
impl Companies for Deadly {
    async fn load(&self, company: &CompanyId) -> Result<Option<Company>, StoreError> {
        self.call("load", self.companies.load(company)).await
    }

    async fn save(&self, company: &Company) -> Result<bool, StoreError> {
        self.call("save", self.companies.save(company)).await
    }

    async fn acquire_lease(&self, books: &Books, lease: &Lease, now: Timestamp) -> Result<bool, StoreError> {
        self.call("acquire_lease", self.companies.acquire_lease(books, lease, now)).await
    }

    async fn release_lease(&self, books: &Books, lease: &Lease) -> Result<(), StoreError> {
        self.call("release_lease", self.companies.release_lease(books, lease)).await
    }

    async fn connect(
        &self,
        company: &CompanyId,
        connection: &Connection,
        reference: &Reference,
    ) -> Result<(), ConnectError> {
        self.companies.connect(company, connection, reference).await
    }

    async fn of_realm(&self, realm: &RealmId) -> Result<Option<CompanyId>, StoreError> {
        self.companies.of_realm(realm).await
    }

    async fn reference(&self, books: &Books) -> Result<Option<Reference>, StoreError> {
        self.companies.reference(books).await
    }

    async fn save_reference(&self, books: &Books, reference: &Reference) -> Result<(), StoreError> {
        self.companies.save_reference(books, reference).await
    }

    async fn issue_once(&self, company: &CompanyId, nonce: &str, until: Timestamp) -> Result<(), StoreError> {
        self.companies.issue_once(company, nonce, until).await
    }

    async fn use_once(&self, company: &CompanyId, nonce: &str, now: Timestamp) -> Result<bool, StoreError> {
        self.companies.use_once(company, nonce, now).await
    }
}

/// The simulator's time, which passes while nobody waits.
struct SimulatorClock<'a>(&'a Simulator);

#[async_trait]
impl Clock for SimulatorClock<'_> {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    async fn sleep(&self, duration: Duration) {
        self.0.advance_clock(duration.try_into().unwrap()).unwrap();
    }
}

impl World {
    /// A worker that refreshes, and dies at a step; whether it lived.
    async fn refresh_and_die_at(&self, dies_at: usize) -> (bool, Vec<&'static str>) {
        let worker = Deadly {
            companies: Arc::clone(&self.companies),
            vault: Arc::clone(&self.vault),
            server: self.server(),
            dies_at,
            steps: AtomicUsize::new(0),
            dead: Semaphore::new(0),
            calls: Mutex::default(),
        };
        let clock = SimulatorClock(&self.simulator);
        let ports = tokens::Ports {
            companies: &worker,
            standings: &worker,
            vault: &worker,
            server: &worker,
            clock: &clock,
        };
        let lived = tokio::select! {
            biased;
            result = token_pair(ports, &self.books, "worker", None) => {
                result.unwrap();
                true
            }
            _ = worker.dead.acquire() => false,
        };
        (lived, worker.calls.into_inner().unwrap())
    }

    /// What whoever comes next gets.
    async fn next(&self) -> Result<TokenPair, OpenError> {
        let (server, clock) = (self.server(), SimulatorClock(&self.simulator));
        let ports = tokens::Ports {
            companies: &*self.companies,
            standings: &*self.companies,
            vault: &*self.vault,
            server: &server,
            clock: &clock,
        };
        token_pair(ports, &self.books, "next", None).await
    }

    fn server(&self) -> OAuth {
        let endpoints = Endpoints::at(&Url::parse(self.simulator.url()).unwrap()).unwrap();
        let http = http_client(Duration::from_secs(5), Duration::from_secs(10)).unwrap();
        let (id, secret) =
            (self.credentials.client_id.clone(), self.credentials.client_secret.clone().into());
        OAuth::new(http, &endpoints, id, secret)
    }

    async fn is_good(&self, pair: &TokenPair) -> bool {
        let endpoints = Endpoints::at(&Url::parse(self.simulator.url()).unwrap()).unwrap();
        let http = http_client(Duration::from_secs(5), Duration::from_secs(10)).unwrap();
        let client = Client::new(http, &endpoints.api, self.books.realm.clone(), pair.access_token.clone());
        client.query(&[Query::from("Item")]).await.is_ok()
    }
}

/// What became of a worker that died after `age` of the refresh token's value, and of whoever came next.
async fn killed_at(step: usize, age: SignedDuration) -> Option<(Vec<&'static str>, Result<(), OpenError>)> {
    let world = World::new().await;
    world.simulator.advance_clock(age).unwrap();
    let (lived, calls) = world.refresh_and_die_at(step).await;
    if lived {
        return None;
    }
    // The dead worker's lease ends by itself.
    world.simulator.advance_clock(SignedDuration::from_mins(2)).unwrap();
    let next = world.next().await;
    let state = world.state().await;
    match next {
        Ok(pair) => {
            assert!(world.is_good(&pair).await, "killed at step {step} of {calls:?}");
            assert_eq!(state, ConnectionState::Connected, "killed at step {step} of {calls:?}");
            Some((calls, Ok(())))
        }
        Err(error) => {
            assert_eq!(state, ConnectionState::Expired, "{error}: killed at step {step} of {calls:?}");
            let standing = world.companies.standing(&world.books).await.unwrap().unwrap();
            assert!(standing.ended.is_some() && standing.due_at.is_some(), "nobody is told");
            Some((calls, Err(error)))
        }
    }
}

#[tokio::test]
async fn a_refresher_killed_at_any_step_strands_nobody() {
    // The refresh token keeps its value for a day, so that an answer that was lost takes nothing away.
    let mut step = 0;
    while let Some((calls, next)) = killed_at(step, SignedDuration::from_hours(2)).await {
        assert!(next.is_ok(), "killed at step {step} of {calls:?}: {next:?}");
        step += 1;
    }
    assert!(step >= 16, "only {step} steps");
}

#[tokio::test]
async fn killed_while_the_refresh_token_changes_its_value_a_person_is_asked_at_once() {
    // Between Intuit's answer and its storing nobody has the new value, and the old one is dead: the only steps at
    // which a connection can end.
    let (mut step, mut ended) = (0, Vec::new());
    while let Some((calls, next)) = killed_at(step, DAY + SignedDuration::from_hours(2)).await {
        if let Err(error) = next {
            assert!(matches!(error, OpenError::NotConnected), "{error}");
            ended.push((*calls.last().unwrap(), step % 2));
        }
        step += 1;
    }
    assert_eq!(ended, [("refresh", 1), ("store", 0)], "after the refresh, and before the pair is stored");
}
