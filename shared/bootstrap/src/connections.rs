//! The way to each company's QuickBooks: tokens found, refreshed and kept in memory, and used for calls.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use quickbooks::{Client, Transport};
use quickbooks_wire::query::Query;
use quickbooks_wire::{Entity, EntityKind};
use secrecy::SecretString;
use sync::failure;
use sync::ids::{Books, QuickBooksId};
use sync::limits::Spent;
use sync::link::RequestId;
use sync::ports::{
    Budget, CallError, Clock, Companies, Connector, NameHolder, OpenError, QuickBooks, Standings, StoreError,
    TokenServer, Vault, Write, explain,
};
use sync::reference::ReferenceLists;
use sync::tokens::{self, TokenPair, token_pair};
use tokio::sync::RwLock;
use uuid::Uuid;

use crate::metrics::Metrics;
use crate::pacing::Paced;

/// Makes the client of a realm with an access token.
pub(crate) type MakeClient = Box<dyn Fn(&Books, &SecretString) -> Client + Send + Sync>;

/// Everybody's connections. Cheap to clone.
#[derive(Clone)]
pub struct Connections {
    shared: Arc<Shared>,
    latest: Timestamp,
    metrics: Metrics,
}

struct Shared {
    companies: Arc<dyn Companies>,
    standings: Arc<dyn Standings>,
    vault: Arc<dyn Vault>,
    server: Arc<dyn TokenServer>,
    budget: Arc<dyn Budget>,
    clock: Arc<dyn Clock>,
    client: MakeClient,
    /// Pairs by their books. One that another process has replaced is found out by its rejection.
    known: Mutex<HashMap<Books, TokenPair>>,
}

impl Connections {
    pub(crate) fn new(
        companies: Arc<dyn Companies>,
        standings: Arc<dyn Standings>,
        vault: Arc<dyn Vault>,
        server: Arc<dyn TokenServer>,
        budget: Arc<dyn Budget>,
        clock: Arc<dyn Clock>,
        client: MakeClient,
    ) -> Connections {
        let known = Mutex::default();
        let shared = Shared { companies, standings, vault, server, budget, clock, client, known };
        Connections { shared: Arc::new(shared), latest: Timestamp::MAX, metrics: Metrics::default() }
    }

    /// The same connections, whose calls wait for their turn until `latest` and no longer. A call whose turn comes
    /// later is not made and fails as [`CallError::Throttled`], with the time to wait.
    pub fn until(&self, latest: Timestamp) -> Connections {
        Connections { latest, ..self.clone() }
    }

    /// The same connections, whose calls are counted.
    pub(crate) fn counted_in(self, metrics: Metrics) -> Connections {
        Connections { metrics, ..self }
    }
}

#[async_trait]
impl Connector for Connections {
    async fn open(&self, books: &Books) -> Result<Arc<dyn QuickBooks>, OpenError> {
        let shared = Arc::clone(&self.shared);
        let token = shared.access_token(books, None).await?;
        let client = (shared.client)(books, &token);
        let (budget, clock) = (Arc::clone(&shared.budget), Arc::clone(&shared.clock));
        let paced: Arc<dyn Transport> = Arc::new(Paced::new(
            client.transport(),
            budget,
            clock,
            books.clone(),
            self.latest,
            self.metrics.clone(),
        ));
        let current = RwLock::new((client.over(Arc::clone(&paced)), token));
        Ok(Arc::new(Session { shared, books: books.clone(), paced, current }))
    }
}

impl Shared {
    fn ports(&self) -> tokens::Ports<'_> {
        tokens::Ports {
            companies: &*self.companies,
            standings: &*self.standings,
            vault: &*self.vault,
            server: &*self.server,
            clock: &*self.clock,
        }
    }

    async fn access_token(
        &self,
        books: &Books,
        rejected: Option<&SecretString>,
    ) -> Result<SecretString, OpenError> {
        if rejected.is_none()
            && let Some(known) = self.known(books)
        {
            return Ok(known.access_token);
        }
        let result = token_pair(self.ports(), books, &Uuid::new_v4().to_string(), rejected).await;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(pair) => {
                let token = pair.access_token.clone();
                known.insert(books.clone(), pair);
                Ok(token)
            }
            Err(error) => {
                known.remove(books);
                Err(error)
            }
        }
    }

    fn known(&self, books: &Books) -> Option<TokenPair> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(books).filter(|pair| pair.is_fresh(self.clock.now())).cloned()
    }
}

/// The accounting API of some books, with a token that is renewed once when QuickBooks rejects it. Every call waits
/// for its turn.
struct Session {
    shared: Arc<Shared>,
    books: Books,
    paced: Arc<dyn Transport>,
    current: RwLock<(Client, SecretString)>,
}

impl Session {
    async fn client(&self) -> (Client, SecretString) {
        self.current.read().await.clone()
    }

    /// The client with a token in place of one that was rejected.
    async fn renewed(&self, rejected: &SecretString) -> Result<Client, CallError> {
        let token =
            self.shared.access_token(&self.books, Some(rejected)).await.map_err(|error| match error {
                OpenError::NotConnected => CallError::Unauthorized,
                OpenError::Later(_) | OpenError::Store(_) => CallError::NotSent(explain(&error)),
            })?;
        let client = (self.shared.client)(&self.books, &token).over(Arc::clone(&self.paced));
        *self.current.write().await = (client.clone(), token);
        Ok(client)
    }
}

impl Session {
    /// A refusal that ends the connection ends it for everybody at once, whoever met it (contract of
    /// [`tokens::end`]). If that cannot be stored now, the next call meets it again.
    async fn checked<T: Send>(&self, result: Result<T, CallError>) -> Result<T, CallError> {
        if let Err(error) = &result
            && let Some(why) = failure::end_of_connection(error)
            && let Err(error) = tokens::end(self.shared.ports(), &self.books, Some(why)).await
        {
            let (company, realm, error) = (&self.books.company, &self.books.realm, explain(&error));
            tracing::warn!(company.id = %company, realm.id = %realm, error, "an ended connection was not marked");
        }
        result
    }
}

/// Makes a call, and makes it again with another token if QuickBooks rejects the first: then nothing has happened.
macro_rules! call {
    ($session:ident.$method:ident($($argument:expr),*)) => {{
        let (client, token) = $session.client().await;
        let result = match client.$method($($argument),*).await {
            Err(CallError::Unauthorized) => $session.renewed(&token).await?.$method($($argument),*).await,
            result => result,
        };
        $session.checked(result).await
    }};
}

#[async_trait]
impl QuickBooks for Session {
    async fn create(&self, entity: &Entity, request_id: &RequestId) -> Result<Entity, CallError> {
        call!(self.create(entity, request_id))
    }

    async fn update(&self, entity: &Entity, request_id: &RequestId) -> Result<Entity, CallError> {
        call!(self.update(entity, request_id))
    }

    async fn batch(
        &self,
        writes: &[Write],
        request_id: &RequestId,
    ) -> Result<Vec<Result<Entity, CallError>>, CallError> {
        call!(self.batch(writes, request_id))
    }

    async fn void(
        &self,
        kind: EntityKind,
        id: &QuickBooksId,
        sync_token: &str,
        request_id: &RequestId,
    ) -> Result<Entity, CallError> {
        call!(self.void(kind, id, sync_token, request_id))
    }

    async fn read(&self, kind: EntityKind, id: &QuickBooksId) -> Result<Option<Entity>, CallError> {
        call!(self.read(kind, id))
    }

    async fn count(&self, queries: &[Query]) -> Result<Vec<u64>, CallError> {
        call!(self.count(queries))
    }

    async fn query(&self, queries: &[Query]) -> Result<Vec<Vec<Entity>>, CallError> {
        call!(self.query(queries))
    }

    async fn changes_since(&self, kinds: &[EntityKind], since: Timestamp) -> Result<Vec<Entity>, CallError> {
        call!(self.changes_since(kinds, since))
    }

    async fn name_holders(&self, name: &str) -> Result<Vec<NameHolder>, CallError> {
        call!(self.name_holders(name))
    }

    async fn reference_lists(&self) -> Result<ReferenceLists, CallError> {
        call!(self.reference_lists())
    }

    async fn spent(&self) -> Result<Spent, StoreError> {
        self.shared.budget.spent(&self.books, self.shared.clock.now()).await
    }
}

#[cfg(test)]
mod backlog;
#[cfg(test)]
mod tests;
