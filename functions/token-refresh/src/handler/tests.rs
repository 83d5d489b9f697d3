use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use sync::connect::{self, Intuit, Seal};
use sync::ids::{CompanyId, RealmId};
use sync::memory::{MemoryActivityLog, MemoryCompanies, MemoryVault};
use sync::ports::{CallError, Clock, Companies, RefreshError, Standings, TokenServer, Vault};
use sync::reference::ReferenceLists;
use sync::settings::{Company, Connection, ConnectionState};
use sync::standing::Standing;
use sync::tokens::{self, TokenPair};

use super::*;

/// Intuit, which fails for one company in ten in one of three ways.
#[derive(Default)]
struct Intuition {
    refreshes: AtomicU32,
}

#[async_trait]
impl TokenServer for Intuition {
    async fn refresh(&self, tokens: &TokenPair, now: Timestamp) -> Result<TokenPair, RefreshError> {
        self.refreshes.fetch_add(1, Ordering::SeqCst);
        // The fifth of each ten is told by when its tokens die.
        match tokens.access_expires_at.as_second() % 30 {
            5 => Err(RefreshError::Unknown("no route".into())),
            15 => Err(RefreshError::Dead),
            25 => panic!("a bug"),
            _ => Ok(pair(now, 0)),
        }
    }
}

#[async_trait]
impl Intuit for Intuition {
    async fn authorize_url(&self, state: String) -> Result<String, RefreshError> {
        Ok(state)
    }

    async fn exchange(&self, _: SecretString, _: Timestamp) -> Result<TokenPair, RefreshError> {
        Err(RefreshError::Dead)
    }

    async fn revoke(&self, _: &TokenPair) -> Result<(), RefreshError> {
        Ok(())
    }

    async fn reference_lists(&self, _: &RealmId, _: &TokenPair) -> Result<ReferenceLists, CallError> {
        Err(CallError::Unauthorized)
    }
}

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        "2026-03-09T12:00:00Z".parse().unwrap()
    }
}

fn pair(now: Timestamp, second: i64) -> TokenPair {
    TokenPair {
        access_token: "access".into(),
        access_expires_at: now + SignedDuration::from_secs(3600 + second),
        refresh_token: "refresh".into(),
        refresh_expires_at: now + SignedDuration::from_hours(2400),
        hard_expires_at: None,
    }
}

struct World {
    companies: MemoryCompanies,
    vault: MemoryVault,
    activity: MemoryActivityLog,
    intuit: Intuition,
    seal: Seal,
}

impl World {
    /// Companies that were connected two days ago and are due now.
    async fn with(companies: u32) -> World {
        let world = World {
            companies: MemoryCompanies::default(),
            vault: MemoryVault::default(),
            activity: MemoryActivityLog::default(),
            intuit: Intuition::default(),
            seal: Seal::new(&"0123456789abcdef0123456789abcdef".into()).unwrap(),
        };
        // A whole half-minute, so that the second is the company's number.
        let then: Timestamp = "2026-03-07T12:00:00Z".parse().unwrap();
        for number in 0..companies {
            let books = books(number);
            let connection = Connection {
                realm: books.realm.clone(),
                state: ConnectionState::Connected,
                name: "Mow & Sons".into(),
                connected_at: then,
            };
            let company =
                Company { version: 1, connection: Some(connection), ..Company::new(books.company.clone()) };
            assert!(world.companies.save(&company).await.unwrap());
            let tokens = pair(then, i64::from(number));
            world.vault.store(&books, &tokens).await.unwrap();
            let standing = Standing::of_consent(&books, &tokens, None, then);
            assert!(world.companies.save_standing(&books, &standing).await.unwrap());
        }
        world
    }

    fn ports(&self) -> Ports<'_> {
        Ports {
            tokens: tokens::Ports {
                companies: &self.companies,
                standings: &self.companies,
                vault: &self.vault,
                server: &self.intuit,
                clock: &Noon,
            },
            connect: connect::Ports {
                companies: &self.companies,
                standings: &self.companies,
                vault: &self.vault,
                intuit: &self.intuit,
                clock: &Noon,
                seal: &self.seal,
            },
            activity: &self.activity,
            mail: None,
            public_url: "https://counterpart.example",
        }
    }
}

fn books(number: u32) -> Books {
    Books {
        company: CompanyId::new(format!("company-{number}")).unwrap(),
        realm: RealmId::new((9_130_000 + number).to_string()).unwrap(),
    }
}

#[tokio::test]
async fn thousands_have_their_turn_in_one_round_and_a_failure_keeps_no_other_back() {
    let world = World::with(3000).await;
    let done = round(world.ports(), &|| Duration::from_secs(300)).await.unwrap();
    let expected = BTreeMap::from([("ended", 100), ("failed", 200), ("refreshed", 2700)]);
    assert_eq!((done.visits, done.cut_short), (expected, false));
    // An answer that was lost is asked for once more.
    assert_eq!(world.intuit.refreshes.load(Ordering::SeqCst), 3100);
    let again = round(world.ports(), &|| Duration::from_secs(300)).await.unwrap();
    let bugs_and_ends = again.visits.values().sum::<usize>();
    assert!(bugs_and_ends <= 200, "{again:?}: whoever had its turn has no other at once");
}

#[tokio::test]
async fn what_there_is_no_time_for_is_left_to_the_next_round() {
    let world = World::with(50).await;
    let calls = AtomicU32::new(0);
    let time_left = || Duration::from_secs(if calls.fetch_add(1, Ordering::SeqCst) < 20 { 300 } else { 10 });
    let first = round(world.ports(), &time_left).await.unwrap();
    assert!(first.cut_short);
    assert_eq!(first.visits.values().sum::<usize>(), 20);
    let second = round(world.ports(), &|| Duration::from_secs(300)).await.unwrap();
    assert!(second.visits.values().sum::<usize>() >= 30, "{second:?}");
}
