//! What the pages work with.

use sync::connect::Seal;
use sync::history::History;
use sync::ids::{CompanyId, RealmId};
use sync::import::{ImportQueue, Imports};
use sync::pairing::{Directories, Pairs};
use sync::ports::{
    Billing, Budget, Clock, Companies, Connector, Heard, Ledger, PullQueue, PushQueue, Standings, StoreError,
    Sweeps,
};
use sync::reference::Reference;
use sync::settings::Company;
use url::Url;
use uuid::Uuid;

use crate::answer::Answer;
use crate::limiter::Limiter;

/// The outside, as the console sees it.
pub(crate) struct Site<'a> {
    pub(crate) companies: &'a dyn Companies,
    pub(crate) history: &'a dyn History,
    pub(crate) ledger: &'a dyn Ledger,
    pub(crate) pairs: &'a dyn Pairs,
    pub(crate) directories: &'a dyn Directories,
    pub(crate) standings: &'a dyn Standings,
    pub(crate) connector: &'a dyn Connector,
    pub(crate) billing: &'a dyn Billing,
    pub(crate) budget: &'a dyn Budget,
    pub(crate) sweeps: &'a dyn Sweeps,
    pub(crate) heard: &'a dyn Heard,
    pub(crate) imports: &'a dyn Imports,
    pub(crate) import_queue: &'a dyn ImportQueue,
    pub(crate) pushes: &'a dyn PushQueue,
    pub(crate) pulls: &'a dyn PullQueue,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) seal: &'a Seal,
    pub(crate) limiter: &'a Limiter,
    /// Where people reach this, if it is not the address in the request.
    pub(crate) public_url: Option<&'a Url>,
    /// Where QuickBooks shows its records to people.
    pub(crate) quickbooks_app: &'a Url,
    /// Page of the billing app from which people open the console.
    pub(crate) billing_settings: Option<&'a Url>,
}

/// A person who was let in, and the company that they see. Whatever is read or changed is this company's.
pub(crate) struct Visitor {
    pub(crate) company: Company,
    /// What every form carries.
    pub(crate) mark: String,
}

impl Visitor {
    pub(crate) fn id(&self) -> &CompanyId {
        &self.company.id
    }

    /// Whether the company is linked with this realm, so that its ids mean something in the QuickBooks that people open.
    pub(crate) fn sees(&self, realm: &RealmId) -> bool {
        self.company.connection.as_ref().is_some_and(|connection| connection.realm == *realm)
    }
}

impl Site<'_> {
    /// What is cached of the visitor's QuickBooks company.
    pub(crate) async fn reference(&self, company: &Company) -> Result<Option<Reference>, StoreError> {
        match company.books() {
            Some(books) => self.companies.reference(&books).await,
            None => Ok(None),
        }
    }
}

/// 122 random bits.
pub(crate) fn random() -> String {
    Uuid::new_v4().simple().to_string()
}

/// What answering may fail with: a store.
pub(crate) type Answered = Result<Answer, StoreError>;
