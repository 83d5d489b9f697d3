use std::time::Duration;

use futures::future::join_all;
use quickbooks::{Endpoints, OAuth, http_client};
use quickbooks_simulator::server::{CallKind, Simulator, start};
use sync::ids::{CompanyId, RealmId};
use sync::memory::{MemoryBudget, MemoryCompanies, MemoryVault};
use sync::settings::{Company, Connection, ConnectionState};
use url::Url;

use super::*;
use crate::SystemClock;

/// A company that is connected with QuickBooks.
struct World {
    simulator: Simulator,
    companies: Arc<MemoryCompanies>,
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
            access_token: credentials.access_token.into(),
            access_expires_at: SystemClock.now() + Duration::from_secs(3600),
            refresh_token: credentials.refresh_token.into(),
            refresh_expires_at: SystemClock.now() + Duration::from_secs(8_640_000),
            hard_expires_at: None,
        };
        vault.store(&books, &tokens).await.unwrap();

        let endpoints = Endpoints::at(&Url::parse(simulator.url()).unwrap()).unwrap();
        let http = http_client(Duration::from_secs(5), Duration::from_secs(10)).unwrap();
        let (id, secret) = (credentials.client_id, credentials.client_secret.into());
        let server = Arc::new(OAuth::new(http.clone(), &endpoints, id, secret));
        let client = move |books: &Books, token: &SecretString| {
            Client::new(http.clone(), &endpoints.api, books.realm.clone(), token.clone())
        };
        let connections = Connections::new(
            Arc::clone(&companies) as _,
            Arc::clone(&companies) as _,
            vault,
            server,
            Arc::new(MemoryBudget::default()),
            Arc::new(SystemClock),
            Box::new(client),
        );
        World { simulator, companies, connections, books }
    }

    fn calls(&self, kind: CallKind) -> u64 {
        self.simulator.calls(None).of(kind)
    }

    async fn state(&self) -> ConnectionState {
        self.companies.load(&self.books.company).await.unwrap().unwrap().connection.unwrap().state
    }
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
