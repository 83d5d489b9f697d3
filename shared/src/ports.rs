//! What the engine asks of the outside. Each port has an in-memory implementation for tests and the simulation,
//! and a real one; both pass the same contract tests.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use quickbooks_wire::query::Query;
use quickbooks_wire::{Entity, EntityKind, Fault};

use crate::activity::Activity;
use crate::ids::{BillingId, Books, CompanyId, EventId, QuickBooksId, RealmId};
use crate::limits::{Call, Spent, Turn};
use crate::link::{Entry, Intent, Link, LinkKey, RequestId};
use crate::model::{Kind, Record};
use crate::notice::NoticeMessage;
use crate::reconcile::Cursor;
use crate::reference::{Reference, ReferenceLists};
use crate::settings::{Company, Connection};
use crate::standing::Standing;
use crate::tokens::TokenPair;

/// What time it is.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;

    /// Waits. A clock that does not run by itself has nothing to wait for, so this returns at once unless the
    /// clock says otherwise.
    async fn sleep(&self, _duration: Duration) {}
}

/// A store that did not answer, or not sensibly. Always worth another try later.
#[derive(Debug, thiserror::Error)]
#[error("{action} failed")]
pub struct StoreError {
    /// What was being done, such as `reading links`.
    pub action: &'static str,
    /// Why.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

impl StoreError {
    /// Wraps a store's own error.
    pub fn new(
        action: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> StoreError {
        StoreError { action, source: source.into() }
    }
}

/// An error and its causes in one line, for a log.
pub fn explain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

// --- QuickBooks ---

/// The accounting API of one realm, authenticated.
#[async_trait]
pub trait QuickBooks: Send + Sync {
    /// Creates an entity and returns it as QuickBooks has it. `request_id` makes a repetition harmless.
    async fn create(&self, entity: &Entity, request_id: &RequestId) -> Result<Entity, CallError>;

    /// Changes the members that are set (the entity is sparse and carries its Id and SyncToken).
    async fn update(&self, entity: &Entity, request_id: &RequestId) -> Result<Entity, CallError>;

    /// Carries out up to [`Write::MOST_IN_A_BATCH`] writes in one call and tells what became of each, in their order.
    /// They are carried out in any order, and one that is refused does not stop the others. `request_id` makes a
    /// repetition of the same writes in the same order harmless (Intuit: Batch operations).
    async fn batch(
        &self,
        writes: &[Write],
        request_id: &RequestId,
    ) -> Result<Vec<Result<Entity, CallError>>, CallError>;

    /// Voids an Invoice or a Payment at the version named by `sync_token`.
    async fn void(
        &self,
        kind: EntityKind,
        id: &QuickBooksId,
        sync_token: &str,
        request_id: &RequestId,
    ) -> Result<Entity, CallError>;

    /// Reads one entity; none if QuickBooks does not have it, or no longer.
    async fn read(&self, kind: EntityKind, id: &QuickBooksId) -> Result<Option<Entity>, CallError>;

    /// How many rows each of the counting queries finds, in one call, in the queries' order.
    async fn count(&self, queries: &[Query]) -> Result<Vec<u64>, CallError>;

    /// Runs the queries in one call and returns the rows of each, in the queries' order.
    async fn query(&self, queries: &[Query]) -> Result<Vec<Vec<Entity>>, CallError>;

    /// What changed of these kinds since a moment in the last 30 days: entities as they are now, and tombstones of those
    /// that are gone; at most 1,000 in all (Intuit: Change data capture). Whoever gets that many asks again about a
    /// shorter time or fewer kinds.
    async fn changes_since(&self, kinds: &[EntityKind], since: Timestamp) -> Result<Vec<Entity>, CallError>;

    /// Everything that has this display name: customers, vendors and employees, and inactive ones, be they renamed
    /// ` (deleted)`.
    async fn name_holders(&self, name: &str) -> Result<Vec<NameHolder>, CallError>;

    /// The company's own data and lists, read whole.
    async fn reference_lists(&self) -> Result<ReferenceLists, CallError>;

    /// The calls of this month so far, by everybody who calls for the company; none where nobody counts.
    async fn spent(&self) -> Result<Spent, StoreError> {
        Ok(Spent::default())
    }
}

/// A write that goes to QuickBooks by itself or with others.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// As [`QuickBooks::create`] does.
    Create(Entity),
    /// As [`QuickBooks::update`] does.
    Update(Entity),
}

impl Write {
    /// How many writes go in one call (Intuit: Limits and throttles, batch).
    pub const MOST_IN_A_BATCH: usize = 30;

    /// What is written.
    pub fn entity(&self) -> &Entity {
        match self {
            Write::Create(entity) | Write::Update(entity) => entity,
        }
    }

    /// Goes by itself.
    pub async fn alone(
        &self,
        quickbooks: &dyn QuickBooks,
        request_id: &RequestId,
    ) -> Result<Entity, CallError> {
        match self {
            Write::Create(entity) => quickbooks.create(entity, request_id).await,
            Write::Update(entity) => quickbooks.update(entity, request_id).await,
        }
    }
}

/// Somebody or something that holds a name in QuickBooks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameHolder {
    /// `Customer`, `Vendor` or `Employee`.
    pub entity: String,
    /// Its id.
    pub id: QuickBooksId,
    /// The name as QuickBooks shows it.
    pub name: String,
    /// Whether it is in use.
    pub active: bool,
}

/// Why a call to QuickBooks gave no result, by what is known of its effect.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CallError {
    /// It never left: nothing has happened.
    #[error("QuickBooks could not be reached: {0}")]
    NotSent(String),
    /// It left, and no usable answer came: it may have happened.
    #[error("QuickBooks did not answer as it should, and may or may not have done it: {0}")]
    Unknown(String),
    /// Refused for now, nothing has happened (Intuit: Limits and throttles, HTTP 429).
    #[error("QuickBooks asks for fewer requests")]
    Throttled {
        /// How long it asks to wait, when it says so.
        retry_after: Option<Duration>,
    },
    /// The access token is not accepted.
    #[error("QuickBooks does not accept the access token")]
    Unauthorized,
    /// The app or the user may not do this in this company.
    #[error("QuickBooks refuses access: {0}")]
    Forbidden(Fault),
    /// Answered and refused: nothing has happened.
    #[error("QuickBooks refuses: {0}")]
    Refused(Fault),
}

/// What Intuit's limits leave a realm, shared by all who call it for the company.
#[async_trait]
pub trait Budget: Send + Sync {
    /// Takes the next turn for a call, as [`Schedule::reserve`](crate::limits::Schedule::reserve) does.
    async fn reserve(
        &self,
        books: &Books,
        call: Call,
        now: Timestamp,
        latest: Timestamp,
    ) -> Result<Turn, StoreError>;

    /// Lets nobody call before `until` who has no turn yet. Never shortens a pause.
    async fn pause(&self, books: &Books, until: Timestamp) -> Result<(), StoreError>;

    /// The turns taken in the month of a moment, UTC.
    async fn spent(&self, books: &Books, at: Timestamp) -> Result<Spent, StoreError>;
}

// --- The billing app ---

/// The billing app's own records. Whatever is written is written once: the caller looks a record up again before it
/// repeats a call whose effect is unknown. An app that only sends events offers nothing but `fetch`, which finds
/// nothing.
#[async_trait]
pub trait Billing: Send + Sync {
    /// The record as it is now; none if it never existed, or if this billing app cannot be asked. A deleted one is
    /// found as long as the app still knows it.
    async fn fetch(
        &self,
        company: &CompanyId,
        kind: Kind,
        id: &BillingId,
    ) -> Result<Option<Stored>, BillingError>;

    /// The records that fit exactly, deleted ones left out.
    async fn find(&self, _company: &CompanyId, _wanted: &BillingQuery) -> Result<Vec<Stored>, BillingError> {
        Err(BillingError::NotOffered)
    }

    /// Creates a record, whatever `id` it names, and answers with it as stored. An invoice is issued unless its status
    /// is Draft; nobody is sent an e-mail. Taxes that the app does not know are made first (R47).
    async fn create(&self, _company: &CompanyId, _record: &Record) -> Result<Stored, BillingError> {
        Err(BillingError::NotOffered)
    }

    /// Changes what differs between the two, and nothing else: what the model does not know stays as it is. Taxes that
    /// the app does not know are made first (R47). The allocations and the amount of a payment cannot be changed in
    /// every app; [`BillingError::Refused`] says so, and the payment is then replaced by its caller.
    async fn update(
        &self,
        _company: &CompanyId,
        _before: &Record,
        _after: &Record,
    ) -> Result<Stored, BillingError> {
        Err(BillingError::NotOffered)
    }

    /// Deletes a record; done already is done.
    async fn delete(&self, _company: &CompanyId, _kind: Kind, _id: &BillingId) -> Result<(), BillingError> {
        Err(BillingError::NotOffered)
    }

    /// Adds a line to the notes that the client does not see, once: a text that is there already is not added again.
    async fn note(
        &self,
        _company: &CompanyId,
        _kind: Kind,
        _id: &BillingId,
        _text: &str,
    ) -> Result<(), BillingError> {
        Err(BillingError::NotOffered)
    }

    /// What was changed at or after `since`, deleted records too, oldest change first, and where the next page begins.
    async fn changed_since(
        &self,
        _company: &CompanyId,
        _kind: Kind,
        _since: Timestamp,
        _page: Option<&str>,
    ) -> Result<Page, BillingError> {
        Err(BillingError::NotOffered)
    }
}

/// A record as the billing app has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// The record.
    pub record: Record,
    /// When it was last changed, by the billing app's clock.
    pub updated_at: Timestamp,
    /// It is deleted, and only its shadow is left.
    pub deleted: bool,
}

/// What is looked for in the billing app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BillingQuery {
    /// Clients of this name, letter case aside.
    ClientNamed(String),
    /// Clients one of whose contacts has this address, letter case aside.
    ClientWithEmail(String),
    /// Products of this key, letter case aside.
    ProductKeyed(String),
    /// Invoices of this number.
    InvoiceNumbered(String),
    /// Payments of this number.
    PaymentNumbered(String),
}

impl BillingQuery {
    /// Whether a record is what is looked for.
    pub fn fits(&self, record: &Record) -> bool {
        let same = |one: &str, other: &str| one.trim().to_lowercase() == other.trim().to_lowercase();
        match (record, self) {
            (Record::Client(client), BillingQuery::ClientNamed(name)) => same(&client.name, name),
            (Record::Client(client), BillingQuery::ClientWithEmail(email)) => {
                client.contacts.iter().any(|contact| same(&contact.email, email))
            }
            (Record::Product(product), BillingQuery::ProductKeyed(key)) => same(&product.key, key),
            (Record::Invoice(invoice), BillingQuery::InvoiceNumbered(number)) => invoice.number == *number,
            (Record::Payment(payment), BillingQuery::PaymentNumbered(number)) => payment.number == *number,
            _ => false,
        }
    }
}

/// A part of a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The records.
    pub records: Vec<Stored>,
    /// Those among them that cannot be taken whole, and when they were changed. Fetching one tells why.
    pub unread: Vec<(BillingId, Timestamp)>,
    /// Where the next part begins; none when this was the last one.
    pub next: Option<String>,
}

/// Why the billing app gave no result, by what is known of the effect.
#[derive(Debug, thiserror::Error)]
pub enum BillingError {
    /// It only sends events, or the company has not told how to reach it.
    #[error("this billing app cannot be asked")]
    NotOffered,
    /// Refused for now, or never arrived: nothing has happened.
    #[error("the billing app cannot be asked now: {reason}")]
    Later {
        /// Why.
        reason: String,
        /// How long it asks to wait, when it says so.
        after: Option<Duration>,
    },
    /// It left, and no usable answer came: it may have happened.
    #[error("the billing app did not answer as it should, and may or may not have done it: {0}")]
    Unknown(String),
    /// The token is not accepted, or lacks a right. A person has to act.
    #[error("the billing app refuses access: {0}")]
    Forbidden(String),
    /// The record does not exist, or is deleted and cannot be written.
    #[error("the billing app does not have the record any more")]
    Gone,
    /// Answered and refused, with the fields it names: nothing has happened.
    #[error("the billing app refuses: {0}")]
    Refused(String),
    /// A store of ours that it needs failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

// --- The ledger ---

/// Which records are counterparts. Both sides of a link are unique within its books.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// The entries that exist, by the key they were asked for with. Reads are consistent. A product's key finds the
    /// product that was last linked under it, until that product is linked under another key.
    async fn entries(&self, books: &Books, keys: &[LinkKey]) -> Result<HashMap<LinkKey, Entry>, StoreError>;

    /// The billing record that is linked with a QuickBooks entity.
    async fn billing_id(
        &self,
        books: &Books,
        kind: Kind,
        quickbooks_id: &QuickBooksId,
    ) -> Result<Option<BillingId>, StoreError>;

    /// The billing records that are linked with QuickBooks entities, by those of them that have one. In as few reads as
    /// the store can.
    async fn billing_ids(
        &self,
        books: &Books,
        ids: &[(Kind, QuickBooksId)],
    ) -> Result<HashMap<(Kind, QuickBooksId), BillingId>, StoreError> {
        let mut found = HashMap::new();
        for (kind, id) in ids {
            if let Some(billing_id) = self.billing_id(books, *kind, id).await? {
                found.insert((*kind, id.clone()), billing_id);
            }
        }
        Ok(found)
    }

    /// Records what is about to be created, unless the record has an entry already; answers with that entry then.
    /// Fails with [`LinkError::TooLong`] for an intent that is longer than the store can keep, else only as the store
    /// does. Every store keeps 700 kB of ordinary text.
    async fn begin(&self, books: &Books, intent: &Intent) -> Result<Option<Entry>, LinkError>;

    /// Forgets an intent that certainly came to nothing. Leaves anything else alone.
    async fn abandon(&self, books: &Books, intent: &Intent) -> Result<(), StoreError>;

    /// Goes on with what somebody else has begun: `next` takes the place of `intent`, for one of several who want to. Doing
    /// the same again changes nothing. Fails with [`LinkError::Changed`] if `intent` is no longer what is stored, and
    /// refuses what [`Ledger::begin`] refuses.
    async fn take_over(&self, books: &Books, intent: &Intent, next: &Intent) -> Result<(), LinkError>;

    /// Makes the two records counterparts, in place of the record's intent if it has one. A link that is there
    /// already, between the same two, is replaced. `replacing` is the stand-in under which the billing record was
    /// linked before its id was known; its link becomes this one. Fails with [`LinkError::Changed`] if the stand-in is
    /// linked with another entity.
    async fn link(&self, books: &Books, link: &Link, replacing: Option<&BillingId>) -> Result<(), LinkError>;

    /// Stores what both sides look like now; storing the same again changes nothing. Fails with [`LinkError::Changed`] if the stored link is no longer the
    /// revision before `link.revision`.
    async fn refresh(&self, books: &Books, link: &Link) -> Result<(), LinkError>;

    /// Replaces a link whose entity is gone from QuickBooks by the intent to create the next one. Refuses what
    /// [`Ledger::begin`] refuses.
    async fn supersede(&self, books: &Books, link: &Link, intent: &Intent) -> Result<(), LinkError>;

    /// Gives a linked billing record another entity: `to` takes the place of `from`, whose entity is free afterwards.
    /// Doing the same again changes nothing. Fails with [`LinkError::Changed`] if `from` is no longer what is stored, and
    /// with [`LinkError::QuickBooksTaken`] if the new entity has another counterpart.
    async fn relink(&self, books: &Books, from: &Link, to: &Link) -> Result<(), LinkError>;

    /// Remembers when a record was withdrawn that had no counterpart. Of several times the latest stays.
    async fn note_withdrawal(
        &self,
        books: &Books,
        kind: Kind,
        billing_id: &BillingId,
        at: Timestamp,
    ) -> Result<(), StoreError>;

    /// When these records were withdrawn, as far as that is remembered. Reads are consistent.
    async fn withdrawals(
        &self,
        books: &Books,
        records: &[(Kind, BillingId)],
    ) -> Result<HashMap<(Kind, BillingId), Timestamp>, StoreError>;
}

/// Why a link was not stored.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The billing record has another counterpart.
    #[error("the record is linked with QuickBooks id {0} already")]
    BillingTaken(QuickBooksId),
    /// The QuickBooks entity has another counterpart.
    #[error("the QuickBooks entity is linked with billing id {0} already")]
    QuickBooksTaken(BillingId),
    /// Somebody else stored a newer state in between.
    #[error("the link was changed by somebody else in between")]
    Changed,
    /// What is to be created is longer than the store can keep.
    #[error("what is to be created is too long to be recorded beforehand")]
    TooLong,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The activity log.
#[async_trait]
pub trait ActivityLog: Send + Sync {
    /// Stores the entries durably. An entry of the same event replaces the earlier one, unless that says Done: what
    /// was done stays told when the event is delivered again.
    async fn record(&self, entries: &[Activity]) -> Result<(), StoreError>;

    /// The entry of an event, which happened at `time`, if it has ended.
    async fn entry(
        &self,
        company: &CompanyId,
        time: Timestamp,
        event: &EventId,
    ) -> Result<Option<Activity>, StoreError>;

    /// A company's newest entries, newest first.
    async fn newest(&self, company: &CompanyId, limit: usize) -> Result<Vec<Activity>, StoreError>;

    /// A company's parked entries, oldest first.
    async fn parked(&self, company: &CompanyId) -> Result<Vec<Activity>, StoreError>;

    /// A company's parked entries that wait for one of the records, oldest first. Costs nothing for the entries that
    /// wait for something else.
    async fn waiting_for(
        &self,
        company: &CompanyId,
        records: &[(Kind, BillingId)],
    ) -> Result<Vec<Activity>, StoreError>;
}

/// The queue that pushes come from.
#[async_trait]
pub trait PushQueue: Send + Sync {
    /// Sends a body of one or more of a company's events, behind everything that was sent before for the company. A
    /// body sent again under the same id within minutes is delivered once.
    async fn send(&self, company: &CompanyId, id: &EventId, body: &str) -> Result<(), StoreError>;
}

/// The queue that pulls come from.
#[async_trait]
pub trait PullQueue: Send + Sync {
    /// Sends messages, each behind everything that was sent before for its company, in as few calls as possible. A
    /// message sent again under the same id within minutes is delivered once.
    ///
    /// After a failure some may have been sent: all are to be sent again.
    async fn send_notices(&self, messages: &[NoticeMessage]) -> Result<(), StoreError>;
}

// --- Companies ---

/// Tenants, their connections and what is cached of their QuickBooks company.
#[async_trait]
pub trait Companies: Send + Sync {
    /// The company, if there is one.
    async fn load(&self, company: &CompanyId) -> Result<Option<Company>, StoreError>;

    /// Stores a company whose `version` is one more than the stored one (1 for a new one); false if it is not.
    async fn save(&self, company: &Company) -> Result<bool, StoreError>;

    /// Connects a company with a realm as [`Company::connect`] says and stores the realm's reference data: all or
    /// nothing. Refuses a realm that another company has, and a company that has another realm (D12). A realm that
    /// the company had given up belongs to nobody afterwards.
    async fn connect(
        &self,
        company: &CompanyId,
        connection: &Connection,
        reference: &Reference,
    ) -> Result<(), ConnectError>;

    /// The company that a realm belongs to.
    async fn of_realm(&self, realm: &RealmId) -> Result<Option<CompanyId>, StoreError>;

    /// What is cached of the QuickBooks company.
    async fn reference(&self, books: &Books) -> Result<Option<Reference>, StoreError>;

    /// Replaces what is cached.
    async fn save_reference(&self, books: &Books, reference: &Reference) -> Result<(), StoreError>;

    /// Remembers a value that may be used once, until `expires_at`.
    async fn issue_once(
        &self,
        company: &CompanyId,
        nonce: &str,
        expires_at: Timestamp,
    ) -> Result<(), StoreError>;

    /// Uses such a value up: true exactly once, and only before it expires.
    async fn use_once(&self, company: &CompanyId, nonce: &str, now: Timestamp) -> Result<bool, StoreError>;

    /// Takes a lease that others respect until `until`; false while somebody else holds it.
    async fn acquire_lease(&self, books: &Books, lease: &Lease, now: Timestamp) -> Result<bool, StoreError>;

    /// Gives a lease back, if the holder still has it.
    async fn release_lease(&self, books: &Books, lease: &Lease) -> Result<(), StoreError>;
}

/// The right to be the only one who does something in some books, for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// What for, such as `tokens`.
    pub name: &'static str,
    /// Who has it: unique per attempt.
    pub holder: String,
    /// When it ends by itself.
    pub until: Timestamp,
}

/// Why a company was not connected.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The realm belongs to another company.
    #[error("this QuickBooks company is linked with another company already")]
    RealmTaken,
    /// The company is linked with another realm, whose name this is.
    #[error("the company is linked with another QuickBooks company, {0}")]
    OtherRealm(String),
    /// There is no such company.
    #[error("there is no such company")]
    UnknownCompany,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Where the sweeps of companies have got to.
#[async_trait]
pub trait Sweeps: Send + Sync {
    /// Some of the companies that have ever been connected, and where the next ones begin; none when these were the
    /// last. Costs no more than the companies it names.
    async fn ever_connected(
        &self,
        from: Option<&str>,
    ) -> Result<(Vec<CompanyId>, Option<String>), StoreError>;

    /// Where the books' sweeps have got to, if they were ever swept.
    async fn cursor(&self, books: &Books) -> Result<Option<Cursor>, StoreError>;

    /// Stores where they have got to.
    async fn save_cursor(&self, books: &Books, cursor: &Cursor) -> Result<(), StoreError>;
}

/// When QuickBooks has spoken up by itself.
#[async_trait]
pub trait Heard: Send + Sync {
    /// Notes that a webhook has told of these realms.
    async fn note_webhook(&self, realms: &[RealmId], at: Timestamp) -> Result<(), StoreError>;

    /// When the last webhook told of a realm; none if none ever did.
    async fn last_webhook(&self, realm: &RealmId) -> Result<Option<Timestamp>, StoreError>;
}

/// How connections stand.
#[async_trait]
pub trait Standings: Send + Sync {
    /// How the connection of some books stands; none if they were never connected.
    async fn standing(&self, books: &Books) -> Result<Option<Standing>, StoreError>;

    /// Stores a standing whose `version` is one more than the stored one (1 for a new one); false if it is not.
    async fn save_standing(&self, books: &Books, standing: &Standing) -> Result<bool, StoreError>;

    /// Some of the books that are due (`due_at`) at a moment, those of longest standing first, and where the next ones
    /// begin; none when these were the last. Costs no more than the books it names. What was stored in the last
    /// seconds may be missing, and what was taken back in them may be named still.
    async fn due(
        &self,
        now: Timestamp,
        from: Option<&str>,
    ) -> Result<(Vec<Books>, Option<String>), StoreError>;
}

// --- Tokens ---

/// Where token pairs are kept.
#[async_trait]
pub trait Vault: Send + Sync {
    /// The books' token pair.
    async fn tokens(&self, books: &Books) -> Result<Option<TokenPair>, StoreError>;

    /// Stores a pair in place of the one before, durably. Whoever reads in the next moments may still get the one
    /// before.
    async fn store(&self, books: &Books, tokens: &TokenPair) -> Result<(), StoreError>;

    /// Keeps no pair for the books any more. Doing it again, or where there was none, is harmless.
    async fn forget(&self, books: &Books) -> Result<(), StoreError>;
}

/// Intuit's token server.
#[async_trait]
pub trait TokenServer: Send + Sync {
    /// Trades the refresh token for a new pair.
    async fn refresh(&self, tokens: &TokenPair, now: Timestamp) -> Result<TokenPair, RefreshError>;
}

/// Why a refresh gave no new pair.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RefreshError {
    /// The refresh token is dead (`invalid_grant`).
    #[error("QuickBooks no longer accepts the refresh token")]
    Dead,
    /// The app's own credentials are wrong (`invalid_client`).
    #[error("QuickBooks does not accept the app's client id and secret")]
    Client,
    /// No usable answer: the pair may have been changed.
    #[error("the token server did not answer as it should: {0}")]
    Unknown(String),
}

/// Opens the accounting API of a company's books: finds the tokens, refreshes them when due, and again once when
/// QuickBooks rejects them.
#[async_trait]
pub trait Connector: Send + Sync {
    /// The API of these books, ready for calls.
    async fn open(&self, books: &Books) -> Result<std::sync::Arc<dyn QuickBooks>, OpenError>;
}

/// Why the accounting API cannot be called.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There are no tokens, or QuickBooks no longer accepts them: a person has to connect again.
    #[error("the connection with QuickBooks has ended")]
    NotConnected,
    /// It may work later.
    #[error("the tokens cannot be had now: {0}")]
    Later(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
