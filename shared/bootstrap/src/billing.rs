//! Companies' billing apps: looked up when they are needed, and asked through one client for each company.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use invoice_ninja::mapping::Setup;
use invoice_ninja::{Client, webhook};
use jiff::{SignedDuration, Timestamp};
use sync::billing_app::{BillingApp, BillingKeys, BillingVault};
use sync::ids::{BillingId, CompanyId};
use sync::model::{Kind, Record};
use sync::ports::{Billing, BillingError, BillingQuery, Clock, Companies, Page, StoreError, Stored};
use transport::Reach;

/// How long what is known of a company's app is used before it is looked up again.
const FRESH: SignedDuration = SignedDuration::from_mins(10);
/// How old it has to be for a wrong secret to have it looked up again: whoever guesses costs little.
const DOUBTFUL: SignedDuration = SignedDuration::from_secs(30);
/// How many companies are remembered. Anybody can name one that does not exist.
const COMPANIES: usize = 5000;

/// Everybody's billing apps. Cheap to clone.
///
/// For a company whose app only sends events, `fetch` finds nothing and the rest is not offered.
#[derive(Clone)]
pub struct BillingApps(Arc<Shared>);

struct Shared {
    companies: Arc<dyn Companies>,
    vault: Arc<dyn BillingVault>,
    clock: Arc<dyn Clock>,
    http: reqwest::Client,
    reach: Reach,
    known: Mutex<HashMap<CompanyId, Known>>,
}

/// What was looked up of a company, and when.
#[derive(Clone)]
struct Known {
    at: Timestamp,
    app: Option<App>,
}

#[derive(Clone)]
struct App {
    keys: BillingKeys,
    client: Arc<Client>,
}

impl BillingApps {
    /// `http` has to keep within `reach` ([`transport::http_client_within`]).
    pub(crate) fn new(
        companies: Arc<dyn Companies>,
        vault: Arc<dyn BillingVault>,
        clock: Arc<dyn Clock>,
        http: reqwest::Client,
        reach: Reach,
    ) -> BillingApps {
        BillingApps(Arc::new(Shared { companies, vault, clock, http, reach, known: Mutex::default() }))
    }

    /// Whether a webhook that says it is from the company's app carries the company's secret.
    ///
    /// # Errors
    /// A store failed, or the company's address is out of reach.
    pub async fn is_genuine(&self, company: &CompanyId, given: &[u8]) -> Result<bool, BillingError> {
        let fits = |known: &Known| {
            known.app.as_ref().is_some_and(|app| webhook::is_genuine(&app.keys.webhook_secret, given))
        };
        let known = self.0.known(company, FRESH).await?;
        // The company may have been set up a moment ago, or have another secret now.
        Ok(fits(&known) || fits(&self.0.known(company, DOUBTFUL).await?))
    }

    /// What it takes to understand the records of the company's app; none for one that only sends events.
    ///
    /// # Errors
    /// The app does not say.
    pub async fn setup(&self, company: &CompanyId) -> Result<Option<Arc<Setup>>, BillingError> {
        match self.0.known(company, FRESH).await?.app {
            Some(app) => app.client.setup().await.map(Some),
            None => Ok(None),
        }
    }

    async fn client(&self, company: &CompanyId) -> Result<Option<Arc<Client>>, BillingError> {
        Ok(self.0.known(company, FRESH).await?.app.map(|app| app.client))
    }

    async fn offered(&self, company: &CompanyId) -> Result<Arc<Client>, BillingError> {
        self.client(company).await?.ok_or(BillingError::NotOffered)
    }

    /// Looks the company up anew after a refusal: it may have another token by now.
    fn noting<T>(&self, company: &CompanyId, result: Result<T, BillingError>) -> Result<T, BillingError> {
        if matches!(result, Err(BillingError::Forbidden(_))) {
            self.0.lock().remove(company);
        }
        result
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<CompanyId, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of a company, looked up if that is older than `age`.
    async fn known(&self, company: &CompanyId, age: SignedDuration) -> Result<Known, BillingError> {
        let now = self.clock.now();
        let known = self.lock().get(company).cloned();
        if let Some(known) = known.filter(|known| now.duration_since(known.at) < age) {
            return Ok(known);
        }
        let known = Known { at: now, app: self.look_up(company).await? };
        let mut all = self.lock();
        if all.len() >= COMPANIES {
            all.clear();
        }
        all.insert(company.clone(), known.clone());
        Ok(known)
    }

    async fn look_up(&self, company: &CompanyId) -> Result<Option<App>, BillingError> {
        let Some(stored) = self.companies.load(company).await? else { return Ok(None) };
        let BillingApp::InvoiceNinja(app) = stored.billing else { return Ok(None) };
        let missing = || StoreError::new("reading the billing app's keys", "the company has none");
        let keys = self.vault.keys(company).await?.ok_or_else(missing)?;
        let base = self.reach.base(&app.url).map_err(|error| BillingError::Refused(error.to_string()))?;
        let client = Arc::new(Client::new(self.http.clone(), &base, keys.token.clone()));
        Ok(Some(App { keys, client }))
    }
}

#[async_trait]
impl Billing for BillingApps {
    async fn fetch(
        &self,
        company: &CompanyId,
        kind: Kind,
        id: &BillingId,
    ) -> Result<Option<Stored>, BillingError> {
        match self.client(company).await? {
            Some(client) => self.noting(company, client.fetch(company, kind, id).await),
            None => Ok(None),
        }
    }

    async fn find(&self, company: &CompanyId, wanted: &BillingQuery) -> Result<Vec<Stored>, BillingError> {
        self.noting(company, self.offered(company).await?.find(company, wanted).await)
    }

    async fn create(&self, company: &CompanyId, record: &Record) -> Result<Stored, BillingError> {
        self.noting(company, self.offered(company).await?.create(company, record).await)
    }

    async fn update(
        &self,
        company: &CompanyId,
        before: &Record,
        after: &Record,
    ) -> Result<Stored, BillingError> {
        self.noting(company, self.offered(company).await?.update(company, before, after).await)
    }

    async fn delete(&self, company: &CompanyId, kind: Kind, id: &BillingId) -> Result<(), BillingError> {
        self.noting(company, self.offered(company).await?.delete(company, kind, id).await)
    }

    async fn note(
        &self,
        company: &CompanyId,
        kind: Kind,
        id: &BillingId,
        text: &str,
    ) -> Result<(), BillingError> {
        self.noting(company, self.offered(company).await?.note(company, kind, id, text).await)
    }

    async fn changed_since(
        &self,
        company: &CompanyId,
        kind: Kind,
        since: Timestamp,
        page: Option<&str>,
    ) -> Result<Page, BillingError> {
        self.noting(company, self.offered(company).await?.changed_since(company, kind, since, page).await)
    }
}

#[cfg(test)]
mod tests;
