use std::time::Duration;

use futures::future::join_all;
use quickbooks::{Endpoints, OAuth, http_client};
use quickbooks_simulator::server::{
    CallKind, ConcurrentRefresh, Credentials, Effect, Fault, Limits, Simulator, start,
};
use sync::ids::{CompanyId, RealmId};
use sync::memory::{MemoryBudget, MemoryCompanies, MemoryVault};
use sync::settings::{Company, Connection, ConnectionState};
use sync::standing::EndReason;
use url::Url;

use super::*;
use crate::SystemClock;

mod killed;

/// A company that is connected with QuickBooks.
struct World {
    simulator: Simulator,
    companies: Arc<MemoryCompanies>,
    vault: Arc<MemoryVault>,
    credentials: Credentials,
    connections: Connections,
    books: Books,
}

impl World {
    async fn new() -> World {
        let simulator = start(Default::default()).await.unwrap();
        let realm = RealmId::new(simulator.realms().remove(0)).unwrap();
        let books = Books { company: CompanyId::new("acme").unwrap(), realm };
        let companies = Arc::new(MemoryCompanies::default());
        assert!(companies.save(&connected(&books)).await.unwrap());

        let credentials = simulator.connect(books.realm.as_str()).unwrap();
        let vault = Arc::new(MemoryVault::default());
        let tokens = TokenPair {
            access_token: credentials.access_token.clone().into(),
            access_expires_at: SystemClock.now() + Duration::from_secs(3600),
            refresh_token: credentials.refresh_token.clone().into(),
            refresh_expires_at: SystemClock.now() + Duration::from_secs(8_640_000),
            hard_expires_at: None,
        };
        vault.store(&books, &tokens).await.unwrap();

        let connections = worker(&simulator, &companies, &vault, &credentials);
        World { simulator, companies, vault, credentials, connections, books }
    }

    /// Another process with the same stores.
    fn worker(&self) -> Connections {
        worker(&self.simulator, &self.companies, &self.vault, &self.credentials)
    }

    fn calls(&self, kind: CallKind) -> u64 {
        self.simulator.calls(None).of(kind)
    }

    async fn state(&self) -> ConnectionState {
        self.companies.load(&self.books.company).await.unwrap().unwrap().connection.unwrap().state
    }
}

fn worker(
    simulator: &Simulator,
    companies: &Arc<MemoryCompanies>,
    vault: &Arc<MemoryVault>,
    credentials: &Credentials,
) -> Connections {
    let endpoints = Endpoints::at(&Url::parse(simulator.url()).unwrap()).unwrap();
    let http = http_client(Duration::from_secs(5), Duration::from_secs(10)).unwrap();
    let (id, secret) = (credentials.client_id.clone(), credentials.client_secret.clone().into());
    let server = Arc::new(OAuth::new(http.clone(), &endpoints, id, secret));
    let client = move |books: &Books, token: &SecretString| {
        Client::new(http.clone(), &endpoints.api, books.realm.clone(), token.clone())
    };
    Connections::new(
        Arc::clone(companies) as _,
        Arc::clone(companies) as _,
        Arc::clone(vault) as _,
        server,
        Arc::new(MemoryBudget::default()),
        Arc::new(SystemClock),
        Box::new(client),
    )
}

fn connected(books: &Books) -> Company {
    let connection = Connection {
        realm: books.realm.clone(),
        state: ConnectionState::Connected,
        name: "Mow & Sons".into(),
        connected_at: SystemClock.now(),
    };
    Company { version: 1, connection: Some(connection), ..Company::new(books.company.clone()) }
}

#[tokio::test]
async fn a_rejected_token_is_renewed_once_for_all_calls_and_the_calls_are_made_again() {
    let world = World::new().await;
    let quickbooks = world.connections.open(&world.books).await.unwrap();
    assert!(quickbooks.query(&[Query::from("Item")]).await.is_ok());
    world.simulator.expire_access_tokens(world.books.realm.as_str());
    world.simulator.forget_calls();

    let queries = [Query::from("Item")];
    let answers = join_all((0..5).map(|_| quickbooks.query(&queries))).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(world.calls(CallKind::OAuth), 1);
    let again = world.connections.open(&world.books).await.unwrap();
    assert!(again.query(&queries).await.is_ok());
    assert_eq!(world.calls(CallKind::OAuth), 1, "the new token is known");
}

#[tokio::test]
async fn a_connection_that_was_ended_in_quickbooks_is_marked_as_expired() {
    let world = World::new().await;
    let quickbooks = world.connections.open(&world.books).await.unwrap();
    world.simulator.disconnect(world.books.realm.as_str());
    let result = quickbooks.query(&[Query::from("Item")]).await;
    assert!(matches!(result, Err(CallError::Unauthorized)), "{result:?}");
    assert_eq!(world.state().await, ConnectionState::Expired);
}

#[tokio::test]
async fn without_tokens_there_is_no_connection() {
    let world = World::new().await;
    let others = Books { company: CompanyId::new("globex").unwrap(), ..world.books.clone() };
    assert!(matches!(world.connections.open(&others).await, Err(OpenError::NotConnected)));
}

/// T7: each worker is a process of its own, and whoever refreshes beside another ends the connection.
#[tokio::test]
async fn fifty_workers_that_find_the_same_expired_token_make_one_refresh_and_all_go_on() {
    let world = World::new().await;
    world.simulator.set_switches(|switches| {
        switches.concurrent_refresh = ConcurrentRefresh::Revokes;
        switches.previous_refresh_token_valid_for = 0;
        // Fifty processes with a budget of their own each: it is not their turns that are looked at here.
        switches.limits = Limits::NONE;
    });
    let workers: Vec<Connections> = (0..50).map(|_| world.worker()).collect();
    let sessions = join_all(workers.iter().map(|worker| worker.open(&world.books))).await;
    let sessions: Vec<_> = sessions.into_iter().map(Result::unwrap).collect();
    world.simulator.expire_access_tokens(world.books.realm.as_str());
    world.simulator.forget_calls();

    let queries = [Query::from("Item")];
    let answers = join_all(sessions.iter().map(|session| session.query(&queries))).await;
    let errors: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(world.calls(CallKind::OAuth), 1);
    assert_eq!(world.state().await, ConnectionState::Connected);
}

/// The company's people are told by what is found out here, and nothing is asked again and again.
#[tokio::test]
async fn a_refusal_that_ends_the_connection_marks_it_with_its_reason() {
    let world = World::new().await;
    let quickbooks = world.connections.open(&world.books).await.unwrap();
    world.simulator.add_fault(Fault { count: None, ..Fault::once(Effect::SuspendSubscription) });
    let result = quickbooks.query(&[Query::from("Item")]).await;
    assert!(result.is_err());
    assert_eq!(world.state().await, ConnectionState::Expired);
    let standing = world.companies.standing(&world.books).await.unwrap().unwrap();
    let ended = standing.ended.unwrap();
    assert!(matches!(ended.why, EndReason::Subscription(_)), "{ended:?}");
    assert!(standing.due_at.is_some(), "its people are to be told");
}
