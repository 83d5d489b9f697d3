use std::future::{Future, poll_fn};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::Poll;

use async_trait::async_trait;
use futures::executor::block_on;
use futures::future::join_all;

use super::*;
use crate::ids::{CompanyId, RealmId};
use crate::memory::{MemoryCompanies, MemoryVault};
use crate::settings::{Company, Connection};

/// Intuit's token server at its strictest: every refresh makes the refresh token before it useless.
struct StrictServer {
    good: Mutex<String>,
    asked: AtomicU32,
    /// What becomes of the next answers.
    fates: Mutex<Vec<Fate>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Fate {
    /// The request never arrives.
    LostRequest,
    /// The tokens are changed, and nobody hears of it.
    LostAnswer,
    WrongClient,
}

impl StrictServer {
    fn new(fates: &[Fate]) -> StrictServer {
        StrictServer {
            good: Mutex::new("refresh-0".into()),
            asked: AtomicU32::new(0),
            fates: Mutex::new(fates.iter().rev().copied().collect()),
        }
    }

    fn asked(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl TokenServer for StrictServer {
    async fn refresh(&self, tokens: &TokenPair, now: Timestamp) -> Result<TokenPair, RefreshError> {
        let turn = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        others_first().await;
        let fate = lock(&self.fates).pop();
        match fate {
            Some(Fate::LostRequest) => return Err(RefreshError::Unknown("connection reset".into())),
            Some(Fate::WrongClient) => return Err(RefreshError::Client),
            Some(Fate::LostAnswer) | None => {}
        }
        let mut good = lock(&self.good);
        if *good != tokens.refresh_token.expose_secret() {
            return Err(RefreshError::Dead);
        }
        *good = format!("refresh-{turn}");
        if fate == Some(Fate::LostAnswer) {
            return Err(RefreshError::Unknown("time-out".into()));
        }
        Ok(pair(turn, now + SignedDuration::from_hours(1)))
    }
}

/// A clock that runs only while somebody sleeps.
struct TestClock(Mutex<Timestamp>);

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *lock(&self.0)
    }

    async fn sleep(&self, duration: Duration) {
        *lock(&self.0) += duration;
        others_first().await;
    }
}

/// A vault that fails the next few times it should store something.
struct FailingVault {
    vault: MemoryVault,
    failures: AtomicU32,
}

#[async_trait]
impl Vault for FailingVault {
    async fn tokens(&self, books: &Books) -> Result<Option<TokenPair>, StoreError> {
        others_first().await;
        self.vault.tokens(books).await
    }

    async fn store(&self, books: &Books, tokens: &TokenPair) -> Result<(), StoreError> {
        let failures = self.failures.load(Ordering::SeqCst);
        if failures > 0 {
            self.failures.store(failures - 1, Ordering::SeqCst);
            return Err(StoreError::new("storing tokens", "throttled"));
        }
        self.vault.store(books, tokens).await
    }

    async fn forget(&self, books: &Books) -> Result<(), StoreError> {
        self.vault.forget(books).await
    }
}

struct World {
    companies: MemoryCompanies,
    vault: FailingVault,
    server: StrictServer,
    clock: TestClock,
}

impl World {
    /// A connected company whose access token has `left` to live.
    fn new(left: SignedDuration, fates: &[Fate]) -> World {
        let now: Timestamp = "2026-03-09T10:00:00Z".parse().unwrap();
        let world = World {
            companies: MemoryCompanies::default(),
            vault: FailingVault { vault: MemoryVault::default(), failures: AtomicU32::new(0) },
            server: StrictServer::new(fates),
            clock: TestClock(Mutex::new(now)),
        };
        let mut company = Company::new(books().company);
        company.version = 1;
        company.connection = Some(Connection {
            realm: books().realm,
            state: ConnectionState::Connected,
            name: "Sandbox".into(),
            connected_at: now,
        });
        assert!(block_on(world.companies.save(&company)).unwrap());
        block_on(world.vault.store(&books(), &pair(0, now + left))).unwrap();
        world
    }

    fn ports(&self) -> Ports<'_> {
        Ports {
            companies: &self.companies,
            standings: &self.companies,
            vault: &self.vault,
            server: &self.server,
            clock: &self.clock,
        }
    }

    fn token(&self, rejected: Option<&str>) -> Result<String, OpenError> {
        let rejected = rejected.map(SecretString::from);
        let pair = block_on(token_pair(self.ports(), &books(), "worker", rejected.as_ref()))?;
        Ok(pair.access_token.expose_secret().to_owned())
    }

    fn stored(&self) -> String {
        block_on(self.vault.tokens(&books())).unwrap().unwrap().access_token.expose_secret().to_owned()
    }

    fn state(&self) -> ConnectionState {
        block_on(self.companies.load(&books().company)).unwrap().unwrap().connection.unwrap().state
    }
}

fn books() -> Books {
    Books { company: CompanyId::new("acme").unwrap(), realm: RealmId::new("1").unwrap() }
}

fn pair(turn: u32, access_expires_at: Timestamp) -> TokenPair {
    TokenPair {
        access_token: format!("access-{turn}").into(),
        access_expires_at,
        refresh_token: format!("refresh-{turn}").into(),
        refresh_expires_at: access_expires_at + SignedDuration::from_hours(24 * 100),
        hard_expires_at: None,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets every other task go on before this one does.
fn others_first() -> impl Future<Output = ()> {
    let polled = AtomicBool::new(false);
    poll_fn(move |context| {
        if polled.swap(true, Ordering::SeqCst) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
}

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

#[test]
fn a_good_token_is_used_as_it_is() {
    let world = World::new(HOUR, &[]);
    assert_eq!(world.token(None).unwrap(), "access-0");
    assert_eq!(world.server.asked(), 0);
}

#[test]
fn a_token_about_to_die_is_refreshed_and_stored() {
    let world = World::new(MINUTE, &[]);
    assert_eq!(world.token(None).unwrap(), "access-1");
    assert_eq!(world.stored(), "access-1");
    assert_eq!(world.token(None).unwrap(), "access-1");
    assert_eq!(world.server.asked(), 1);
}

#[test]
fn a_rejected_token_is_refreshed_once_for_all_who_had_it() {
    let world = World::new(HOUR, &[]);
    assert_eq!(world.token(Some("access-0")).unwrap(), "access-1");
    assert_eq!(world.token(Some("access-0")).unwrap(), "access-1");
    assert_eq!(world.server.asked(), 1);
}

#[test]
fn of_many_workers_one_refreshes() {
    let world = World::new(-MINUTE, &[]);
    let (books, names) = (books(), ["a", "b", "c", "d", "e", "f", "g", "h"]);
    let workers = names.map(|holder| token_pair(world.ports(), &books, holder, None));
    for pair in block_on(join_all(workers)) {
        assert_eq!(pair.unwrap().access_token.expose_secret(), "access-1");
    }
    assert_eq!(world.server.asked(), 1);
    assert_eq!(world.state(), ConnectionState::Connected);
}

#[test]
fn while_somebody_refreshes_a_token_that_still_lives_serves() {
    let world = World::new(MINUTE, &[]);
    let now = world.clock.now();
    let lease = Lease { name: "tokens", holder: "somebody else".into(), until: now + HOUR };
    assert!(block_on(world.companies.acquire_lease(&books(), &lease, now)).unwrap());
    assert_eq!(world.token(None).unwrap(), "access-0");
    assert_eq!(world.server.asked(), 0);
}

#[test]
fn whoever_waits_too_long_comes_back_later() {
    let world = World::new(-MINUTE, &[]);
    let now = world.clock.now();
    let lease = Lease { name: "tokens", holder: "somebody else".into(), until: now + HOUR };
    assert!(block_on(world.companies.acquire_lease(&books(), &lease, now)).unwrap());
    assert!(matches!(world.token(None), Err(OpenError::Later(_))));
    assert_eq!(world.server.asked(), 0);
}

#[test]
fn the_lease_of_a_worker_that_died_ends_by_itself() {
    let world = World::new(-MINUTE, &[]);
    let now = world.clock.now();
    let lease = Lease { name: "tokens", holder: "dead".into(), until: now + SignedDuration::from_secs(5) };
    assert!(block_on(world.companies.acquire_lease(&books(), &lease, now)).unwrap());
    assert_eq!(world.token(None).unwrap(), "access-1");
}

#[test]
fn a_lost_request_is_sent_again() {
    let world = World::new(-MINUTE, &[Fate::LostRequest]);
    assert_eq!(world.token(None).unwrap(), "access-2");
    assert_eq!(world.state(), ConnectionState::Connected);
}

#[test]
fn a_lost_answer_means_that_a_person_has_to_reconnect() {
    let world = World::new(-MINUTE, &[Fate::LostAnswer]);
    assert!(matches!(world.token(None), Err(OpenError::NotConnected)));
    assert_eq!(world.server.asked(), 2);
    assert_eq!(world.state(), ConnectionState::Expired);
}

#[test]
fn a_silent_server_is_asked_twice_and_then_later() {
    let world = World::new(-MINUTE, &[Fate::LostRequest, Fate::LostRequest]);
    assert!(matches!(world.token(None), Err(OpenError::Later(_))));
    assert_eq!(world.state(), ConnectionState::Connected);
    assert_eq!(world.token(None).unwrap(), "access-3", "the lease was given back");
}

#[test]
fn wrong_app_keys_do_not_end_the_connection() {
    let world = World::new(-MINUTE, &[Fate::WrongClient]);
    assert!(matches!(world.token(None), Err(OpenError::Later(_))));
    assert_eq!(world.state(), ConnectionState::Connected);
}

#[test]
fn a_dead_refresh_token_ends_the_connection_and_is_not_tried_again_and_again() {
    let world = World::new(-MINUTE, &[]);
    *lock(&world.server.good) = "revoked".into();
    assert!(matches!(world.token(None), Err(OpenError::NotConnected)));
    assert_eq!(world.server.asked(), 1);
    assert_eq!(world.state(), ConnectionState::Expired);
}

#[test]
fn a_refresh_token_that_was_replaced_meanwhile_is_not_the_end() {
    /// Somebody reconnects, without the lease, while the old refresh token is on its way.
    struct Reconnecting<'a>(&'a World);
    #[async_trait]
    impl TokenServer for Reconnecting<'_> {
        async fn refresh(&self, tokens: &TokenPair, now: Timestamp) -> Result<TokenPair, RefreshError> {
            if self.0.server.asked() == 0 {
                *lock(&self.0.server.good) = "refresh-7".into();
                self.0.vault.store(&books(), &pair(7, now + HOUR)).await.unwrap();
            }
            self.0.server.refresh(tokens, now).await
        }
    }
    let world = World::new(-MINUTE, &[]);
    let server = Reconnecting(&world);
    let ports = Ports { server: &server, ..world.ports() };
    let pair = block_on(token_pair(ports, &books(), "worker", None)).unwrap();
    assert_eq!(pair.access_token.expose_secret(), "access-7");
    assert_eq!(world.state(), ConnectionState::Connected);
}

#[test]
fn a_new_pair_is_stored_with_patience_and_never_used_unstored() {
    let world = World::new(-MINUTE, &[]);
    world.vault.failures.store(2, Ordering::SeqCst);
    assert_eq!(world.token(None).unwrap(), "access-1");
    assert_eq!(world.stored(), "access-1");

    let world = World::new(-MINUTE, &[]);
    world.vault.failures.store(3, Ordering::SeqCst);
    assert!(matches!(world.token(None), Err(OpenError::Store(_))));
    assert_eq!(world.stored(), "access-0");
}

#[test]
fn a_vault_that_is_behind_for_a_moment_ends_no_connection() {
    /// Answers with the pair before, for some reads.
    struct Behind<'a> {
        vault: &'a FailingVault,
        before: TokenPair,
        reads: AtomicU32,
    }
    #[async_trait]
    impl Vault for Behind<'_> {
        async fn tokens(&self, books: &Books) -> Result<Option<TokenPair>, StoreError> {
            match self.reads.load(Ordering::SeqCst) {
                0 => self.vault.tokens(books).await,
                left => {
                    self.reads.store(left - 1, Ordering::SeqCst);
                    Ok(Some(self.before.clone()))
                }
            }
        }

        async fn store(&self, books: &Books, tokens: &TokenPair) -> Result<(), StoreError> {
            self.vault.store(books, tokens).await
        }

        async fn forget(&self, books: &Books) -> Result<(), StoreError> {
            self.vault.forget(books).await
        }
    }
    for (reads, good) in [(4, true), (100, false)] {
        let world = World::new(-MINUTE, &[]);
        let before = block_on(world.vault.tokens(&books())).unwrap().unwrap();
        assert_eq!(world.token(None).unwrap(), "access-1");
        let vault = Behind { vault: &world.vault, before, reads: AtomicU32::new(reads) };
        let ports = Ports { vault: &vault, ..world.ports() };
        let result = block_on(token_pair(ports, &books(), "worker", None));
        assert_eq!(result.is_ok(), good, "{result:?}");
        assert!(good || matches!(result, Err(OpenError::Later(_))), "{result:?}");
        assert_eq!(world.server.asked(), 1, "a dead refresh token is not sent");
        assert_eq!(world.state(), ConnectionState::Connected);
    }
}

#[test]
fn a_refresh_notes_when_everything_ends() {
    let world = World::new(-MINUTE, &[]);
    world.token(None).unwrap();
    let standing = block_on(world.companies.standing(&books())).unwrap().unwrap();
    let stored = block_on(world.vault.tokens(&books())).unwrap().unwrap();
    assert_eq!(standing.access_expires_at, stored.access_expires_at);
    assert_eq!(standing.refresh_expires_at, stored.refresh_expires_at);
    assert!(standing.due_at.is_some(), "it is kept alive from now on");
}

#[test]
fn trying_a_connection_tells_at_once_that_it_has_ended() {
    let world = World::new(HOUR, &[]);
    block_on(check(world.ports(), &books(), "worker")).unwrap();
    assert_eq!((world.server.asked(), world.state()), (1, ConnectionState::Connected));
    *lock(&world.server.good) = "revoked".into();
    block_on(check(world.ports(), &books(), "worker")).unwrap();
    assert_eq!(world.server.asked(), 1, "it was found out a moment ago");
    *lock(&world.clock.0) += MINUTE;
    assert!(matches!(block_on(check(world.ports(), &books(), "worker")), Err(OpenError::NotConnected)));
    assert_eq!(world.state(), ConnectionState::Expired);
}

#[test]
fn no_tokens_means_not_connected() {
    let world = World::new(HOUR, &[]);
    let other = Books { realm: RealmId::new("2").unwrap(), ..books() };
    let result = block_on(token_pair(world.ports(), &other, "worker", None));
    assert!(matches!(result, Err(OpenError::NotConnected)));
}

#[test]
fn secrets_are_hidden_from_debug() {
    let text = format!("{:?}", pair(1, Timestamp::UNIX_EPOCH));
    assert!(!text.contains("access-1") && !text.contains("refresh-1"), "{text}");
}
