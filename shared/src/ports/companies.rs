//! Tenants, and how their connections stand.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreError;
use crate::ids::{Books, CompanyId, RealmId};
use crate::reconcile::Cursor;
use crate::reference::Reference;
use crate::settings::{Company, Connection};
use crate::standing::Standing;

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
