use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures::executor::block_on;
use secrecy::{ExposeSecret, SecretString};

use super::*;
use crate::activity::{Activity, ActivityResult, Side};
use crate::connect::Intuit;
use crate::ids::{CompanyId, EventId, RealmId};
use crate::mail::{Address, Message};
use crate::memory::{MemoryActivityLog, MemoryCompanies, MemoryMail, MemoryVault};
use crate::outcome::{Park, ParkCause};
use crate::ports::{CallError, Clock, Companies, RefreshError, TokenServer, Vault};
use crate::reference::ReferenceLists;
use crate::settings::{Company, Connection};
use crate::standing::EndReason;
use crate::tokens::TokenPair;

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Intuit's token server, which does as it is told.
#[derive(Default)]
struct FakeIntuit {
    asked: Mutex<Vec<&'static str>>,
    fails: Mutex<Option<RefreshError>>,
    /// How long a connection lives from its consent; five years if it is not said.
    life: Mutex<Option<SignedDuration>>,
}

impl FakeIntuit {
    fn answer(&self, call: &'static str) -> Result<(), RefreshError> {
        lock(&self.asked).push(call);
        lock(&self.fails).clone().map_or(Ok(()), Err)
    }

    fn asked(&self) -> Vec<&'static str> {
        std::mem::take(&mut lock(&self.asked))
    }
}

#[async_trait]
impl TokenServer for FakeIntuit {
    async fn refresh(&self, _: &TokenPair, now: Timestamp) -> Result<TokenPair, RefreshError> {
        self.answer("refresh")?;
        Ok(pair(now, lock(&self.life).map(|life| start() + life)))
    }
}

#[async_trait]
impl Intuit for FakeIntuit {
    async fn authorize_url(&self, state: String) -> Result<String, RefreshError> {
        Ok(state)
    }

    async fn exchange(&self, _: SecretString, now: Timestamp) -> Result<TokenPair, RefreshError> {
        Ok(pair(now, None))
    }

    async fn revoke(&self, _: &TokenPair) -> Result<(), RefreshError> {
        self.answer("revoke")
    }

    async fn reference_lists(&self, _: &RealmId, _: &TokenPair) -> Result<ReferenceLists, CallError> {
        Err(CallError::Unauthorized)
    }
}

type Failure = fn(String) -> MailError;

/// A mail server that may fail.
#[derive(Default)]
struct TestMail {
    mail: MemoryMail,
    fails: Mutex<Option<Failure>>,
    /// Addresses from which mail came back.
    bounced: Mutex<Vec<Address>>,
    /// Addresses with which a message is refused.
    refused: Mutex<Vec<Address>>,
}

#[async_trait]
impl Mail for TestMail {
    async fn send(&self, message: &Message) -> Result<(), MailError> {
        let fails = *lock(&self.fails);
        match fails {
            Some(error) => Err(error("no route".into())),
            None if message.to.iter().any(|to| lock(&self.refused).contains(to)) => {
                Err(MailError::NotSent("it is refused".into()))
            }
            None => self.mail.send(message).await,
        }
    }

    async fn keeps_back(&self, address: &Address) -> bool {
        lock(&self.bounced).contains(address)
    }
}

struct TestClock(Mutex<Timestamp>);

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *lock(&self.0)
    }

    async fn sleep(&self, duration: std::time::Duration) {
        *lock(&self.0) += duration;
    }
}

struct World {
    companies: MemoryCompanies,
    vault: MemoryVault,
    intuit: FakeIntuit,
    activity: MemoryActivityLog,
    mail: TestMail,
    clock: TestClock,
    seal: Seal,
}

impl World {
    /// A company that was connected this moment, and whose people want to be told.
    fn new() -> World {
        let world = World {
            companies: MemoryCompanies::default(),
            vault: MemoryVault::default(),
            intuit: FakeIntuit::default(),
            activity: MemoryActivityLog::default(),
            mail: TestMail::default(),
            clock: TestClock(Mutex::new(start())),
            seal: Seal::new(&"0123456789abcdef0123456789abcdef".into()).unwrap(),
        };
        let mut company = Company { version: 1, ..Company::new(books().company) };
        company.settings.notify.to = vec![Address::new("ann@example.com").unwrap()];
        company.connection = Some(Connection {
            realm: books().realm,
            state: ConnectionState::Connected,
            name: "Delgado Gardens".into(),
            connected_at: start(),
        });
        assert!(block_on(world.companies.save(&company)).unwrap());
        let tokens = pair(start(), None);
        block_on(world.vault.store(&books(), &tokens)).unwrap();
        let standing = Standing::of_consent(&books(), &tokens, None, start());
        assert!(block_on(world.companies.save_standing(&books(), &standing)).unwrap());
        world
    }

    fn connect_ports(&self) -> connect::Ports<'_> {
        connect::Ports {
            companies: &self.companies,
            standings: &self.companies,
            vault: &self.vault,
            intuit: &self.intuit,
            clock: &self.clock,
            seal: &self.seal,
        }
    }

    fn ports(&self) -> Ports<'_> {
        Ports {
            tokens: tokens::Ports {
                companies: &self.companies,
                standings: &self.companies,
                vault: &self.vault,
                server: &self.intuit,
                clock: &self.clock,
            },
            connect: self.connect_ports(),
            activity: &self.activity,
            mail: Some(&self.mail),
            public_url: "https://counterpart.example",
        }
    }

    fn visit(&self) -> Visit {
        block_on(visit(self.ports(), &books(), "run")).unwrap()
    }

    /// Lets the time pass, and gives every turn that comes meanwhile.
    fn live(&self, time: SignedDuration) -> Vec<Visit> {
        let (mut visits, end) = (Vec::new(), self.now() + time);
        while let Some(due) = self.standing().due_at.filter(|due| *due <= end) {
            *lock(&self.clock.0) = due.max(self.now());
            visits.push(self.visit());
            assert!(self.standing().due_at.is_none_or(|next| next > self.now()), "its turn never ends");
        }
        *lock(&self.clock.0) = end;
        visits
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn standing(&self) -> Standing {
        block_on(self.companies.standing(&books())).unwrap().unwrap()
    }

    fn state(&self) -> ConnectionState {
        block_on(self.companies.load(&books().company)).unwrap().unwrap().connection.unwrap().state
    }

    fn subjects(&self) -> Vec<String> {
        self.mail.mail.messages().into_iter().map(|message| message.subject).collect()
    }

    fn park(&self) {
        let entry = Activity {
            company: books().company,
            side: Side::Billing,
            event: EventId::new("e-1").unwrap(),
            time: start(),
            handled_at: start(),
            realm: None,
            kind: None,
            billing_id: None,
            label: String::new(),
            quickbooks_id: None,
            result: ActivityResult::Parked(Park::new(ParkCause::Tax, "Why", "Way on")),
            event_json: None,
            removed: None,
        };
        block_on(self.activity.record(&[entry])).unwrap();
    }
}

fn start() -> Timestamp {
    "2026-03-09T10:00:00Z".parse().unwrap()
}

fn books() -> Books {
    Books { company: CompanyId::new("acme").unwrap(), realm: RealmId::new("1").unwrap() }
}

fn pair(now: Timestamp, hard_expires_at: Option<Timestamp>) -> TokenPair {
    TokenPair {
        access_token: format!("access {now}").into(),
        access_expires_at: now + HOUR,
        refresh_token: "refresh".into(),
        refresh_expires_at: now + DAY * 100,
        hard_expires_at: hard_expires_at.or(Some(start() + DAY * 5 * 365)),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn an_idle_connection_is_kept_alive_every_day() {
    let world = World::new();
    let visits = world.live(DAY * 200);
    let refreshes = visits.iter().filter(|visit| **visit == Visit::Refreshed).count();
    assert!((199..=201).contains(&refreshes), "{refreshes}: far more often than every 100 days");
    assert_eq!(world.state(), ConnectionState::Connected);
    assert_eq!(world.subjects(), Vec::<String>::new());
    let stored = block_on(world.vault.tokens(&books())).unwrap().unwrap();
    assert_eq!(stored.access_expires_at, world.standing().access_expires_at);
}

#[test]
fn a_company_at_work_is_not_refreshed_again() {
    let world = World::new();
    *lock(&world.clock.0) += HOUR * 19;
    assert_eq!(world.visit(), Visit::Idle);
    assert_eq!(world.intuit.asked(), Vec::<&str>::new());
}

#[test]
fn a_connection_that_was_ended_in_quickbooks_is_found_out_within_a_day_and_told_once() {
    let world = World::new();
    *lock(&world.intuit.fails) = Some(RefreshError::Dead);
    // A first turn may come while the tokens are young.
    world.live(DAY * 2);
    assert_eq!(world.state(), ConnectionState::Expired);
    let ended = world.standing().ended.unwrap();
    assert_eq!(ended.why, EndReason::Revoked);
    assert!(ended.at <= start() + DAY * 2);
    assert_eq!(world.intuit.asked(), ["refresh"], "it is not asked again and again");
    world.live(DAY * 30);
    assert_eq!(world.subjects(), ["QuickBooks is disconnected: acme is no longer synced"]);
    let message = world.mail.mail.messages().remove(0);
    let link = message.text.split("link=").nth(1).unwrap().split_whitespace().next().unwrap();
    let start = block_on(connect::start(world.connect_ports(), link, "browser", "nonce"));
    assert!(matches!(start, Err(connect::Refusal::Link(_))), "30 days are over: {start:?}");
    *lock(&world.clock.0) = ended.at + DAY;
    block_on(connect::start(world.connect_ports(), link, "browser", "nonce")).unwrap();
}

#[test]
fn five_years_end_with_warnings() {
    let world = World::new();
    *lock(&world.intuit.life) = Some(DAY * 40);
    world.live(DAY * 39 + HOUR);
    *lock(&world.intuit.fails) = Some(RefreshError::Dead);
    world.live(DAY * 10);
    assert_eq!(
        world.subjects(),
        [
            "QuickBooks connection of acme ends in 14 days",
            "QuickBooks connection of acme ends in 7 days",
            "QuickBooks connection of acme ends within a day",
            "QuickBooks is disconnected: acme is no longer synced",
        ]
    );
    assert_eq!(world.standing().ended.unwrap().why, EndReason::FiveYears);
}

#[test]
fn what_passes_is_tried_again_soon_and_then_less_often() {
    let world = World::new();
    world.live(DAY);
    *lock(&world.intuit.fails) = Some(RefreshError::Unknown("no route".into()));
    let visits = world.live(DAY * 2);
    assert!((5..20).contains(&visits.len()), "{visits:?}");
    assert!(visits.iter().all(|visit| matches!(visit, Visit::Failed | Visit::Idle)), "{visits:?}");
    assert_eq!(world.state(), ConnectionState::Connected);
    *lock(&world.intuit.fails) = None;
    assert!(world.live(DAY).contains(&Visit::Refreshed));
    assert_eq!(world.standing().failures, 0);
}

#[test]
fn the_digest_comes_once_a_day_and_never_on_the_day_of_another_mail() {
    let world = World::new();
    world.park();
    world.live(DAY * 10);
    let digests = world.subjects();
    assert!((9..=10).contains(&digests.len()), "{digests:?}");
    assert!(digests.iter().all(|subject| subject.contains("1 record waits")));
    *lock(&world.intuit.fails) = Some(RefreshError::Dead);
    world.live(DAY * 3);
    let after = world.subjects().split_off(digests.len());
    assert!(after.len() <= 3, "{after:?}");
    assert_eq!(after.iter().filter(|subject| subject.contains("disconnected")).count(), 1);
}

#[test]
fn a_mail_that_certainly_did_not_go_is_sent_soon_and_one_that_may_have_gone_on_the_next_day() {
    let world = World::new();
    world.park();
    *lock(&world.mail.fails) = Some(MailError::NotSent);
    world.live(DAY);
    *lock(&world.mail.fails) = None;
    world.live(HOUR);
    assert_eq!(world.subjects().len(), 1, "soon");

    let world = World::new();
    world.park();
    *lock(&world.mail.fails) = Some(MailError::Unknown);
    let first = world.standing().due_at.unwrap();
    world.live(first.duration_since(world.now()));
    *lock(&world.mail.fails) = None;
    world.live(HOUR * 23);
    assert_eq!(world.subjects().len(), 0, "it may have gone");
    world.live(HOUR * 2);
    assert_eq!(world.subjects().len(), 1, "on the next day");
}

#[test]
fn a_disconnected_company_is_given_up_at_intuit_as_soon_as_it_can_be_reached() {
    let world = World::new();
    *lock(&world.intuit.fails) = Some(RefreshError::Unknown("no route".into()));
    let left = block_on(connect::leave(world.connect_ports(), &books(), "person")).unwrap();
    assert!(!left.revoked);
    assert_eq!(world.state(), ConnectionState::Disconnected, "at once");
    world.live(HOUR);
    assert!(block_on(world.vault.tokens(&books())).unwrap().is_some(), "they are needed to give them up");
    *lock(&world.intuit.fails) = None;
    world.intuit.asked();
    assert_eq!(world.live(DAY), [Visit::GivenUp]);
    assert_eq!(world.intuit.asked(), ["revoke"]);
    assert!(block_on(world.vault.tokens(&books())).unwrap().is_none());
    assert_eq!(world.live(DAY * 300), [], "it has no turns any more");
    assert_eq!(world.subjects(), Vec::<String>::new(), "whoever disconnected knows");
}

#[test]
fn a_new_consent_is_not_taken_back_by_what_was_left_of_a_disconnection() {
    let world = World::new();
    *lock(&world.intuit.fails) = Some(RefreshError::Unknown("no route".into()));
    block_on(connect::leave(world.connect_ports(), &books(), "person")).unwrap();
    *lock(&world.intuit.fails) = None;
    world.intuit.asked();
    // The person connects again: the tokens and how they stand are stored first.
    let tokens = pair(world.now(), None);
    block_on(world.vault.store(&books(), &tokens)).unwrap();
    let consent =
        |before: Option<&Standing>| Some(Standing::of_consent(&books(), &tokens, before, world.now()));
    block_on(standing::update(&world.companies, &books(), consent)).unwrap();
    assert!(block_on(connect::revoke_left(world.connect_ports(), &books(), "run")).unwrap());
    assert_eq!(world.intuit.asked(), Vec::<&str>::new());
    let stored = block_on(world.vault.tokens(&books())).unwrap().unwrap();
    assert_eq!(stored.access_token.expose_secret(), tokens.access_token.expose_secret());
}

#[test]
fn whoever_is_connected_with_another_realm_by_now_has_no_turns_with_the_first() {
    let world = World::new();
    let mut company = block_on(world.companies.load(&books().company)).unwrap().unwrap();
    company.connection.as_mut().unwrap().realm = RealmId::new("2").unwrap();
    company.version += 1;
    assert!(block_on(world.companies.save(&company)).unwrap());
    assert_eq!(world.live(DAY * 3), [Visit::Idle]);
    assert_eq!(world.intuit.asked(), Vec::<&str>::new());
}

#[test]
fn an_address_that_takes_no_mail_keeps_it_from_nobody_else_and_is_named() {
    let address = |name: &str| Address::new(format!("{name}@example.com")).unwrap();
    let world = World::new();
    let mut company = block_on(world.companies.load(&books().company)).unwrap().unwrap();
    company.settings.notify.to = ["ann", "bob", "eve"].map(address).to_vec();
    company.version += 1;
    assert!(block_on(world.companies.save(&company)).unwrap());
    *lock(&world.mail.bounced) = vec![address("bob")];
    *lock(&world.mail.refused) = vec![address("eve")];
    world.park();
    world.live(DAY);
    let sent = world.mail.mail.messages();
    assert_eq!(sent.iter().map(|message| message.to.clone()).collect::<Vec<_>>(), [vec![address("ann")]]);
    assert_eq!(world.standing().mails.unreached, [address("bob"), address("eve")]);

    // Corrected, all get the next one.
    lock(&world.mail.bounced).clear();
    lock(&world.mail.refused).clear();
    world.live(DAY);
    assert_eq!(world.mail.mail.messages()[1].to.len(), 3);
    assert_eq!(world.standing().mails.unreached, []);

    // Nobody is left: once a day it is found out.
    *lock(&world.mail.bounced) = ["ann", "bob", "eve"].map(address).to_vec();
    let visits = world.live(DAY * 3).len();
    assert!(world.mail.mail.messages().len() == 2 && visits < 10, "{visits} visits");
    assert_eq!(world.standing().mails.unreached.len(), 3);
}
