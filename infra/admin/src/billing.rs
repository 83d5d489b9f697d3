//! What an operator does about a company's billing app.

use std::time::Duration;

use anyhow::{Context, bail};
use invoice_ninja::hooks::Repaired;
use invoice_ninja::{Check, Client};
use jiff::Timestamp;
use secrecy::SecretString;
use sync::billing_app::{self, BillingApp, BillingKeys, BillingVault, Checked, Ports};
use sync::ids::{CompanyId, EventId};
use sync::ports::{ActivityLog, Clock, Companies};
use sync::recreate::{self, Recreated};
use transport::Reach;
use url::Url;
use uuid::Uuid;

use crate::Admin;

/// An operator waits, but not for ever.
const CONNECT: Duration = Duration::from_secs(10);
const TOTAL: Duration = Duration::from_secs(60);

impl Admin {
    /// Tries an Invoice Ninja with a token and, if it does, makes it the company's billing app. Tells what it has shown.
    ///
    /// # Errors
    /// The app does not do; then nothing is changed.
    pub async fn set_billing(
        &self,
        id: &CompanyId,
        url: &str,
        token: SecretString,
        reach: Reach,
        now: Timestamp,
    ) -> anyhow::Result<Checked> {
        let check = Check::new(http(reach)?, reach);
        let ports = Ports { companies: &self.companies, vault: &self.vault, check: &check };
        Ok(billing_app::set_invoice_ninja(ports, id, url, token, random_secret(), now).await?)
    }

    /// Makes the company's billing app one that only sends events.
    ///
    /// # Errors
    /// There is no such company.
    pub async fn set_events_only(&self, id: &CompanyId) -> anyhow::Result<()> {
        Ok(billing_app::set_events_only(&self.companies, id).await?)
    }

    /// Makes a record anew that was deleted in the company's Invoice Ninja because it was voided or deleted in QuickBooks,
    /// out of the activity log's entry of that event. Done once already is done.
    ///
    /// # Errors
    /// There is no such entry, the company has no Invoice Ninja, or that does not let it be made.
    pub async fn recreate(&self, id: &CompanyId, event: &EventId, reach: Reach) -> anyhow::Result<Recreated> {
        let entries = self.activity.newest(id, usize::MAX).await?;
        let entry = entries.iter().find(|entry| entry.event == *event);
        let entry = entry.with_context(|| format!("company {id} has no event {event}"))?;
        let ports = recreate::Ports {
            companies: &self.companies,
            ledger: &self.ledger,
            activity: &self.activity,
            billing: &self.invoice_ninja(id, reach).await?,
            clock: &Now,
        };
        Ok(recreate::recreate(ports, id, entry.time, event).await?)
    }

    /// Makes or mends the webhooks of the company's Invoice Ninja.
    ///
    /// # Errors
    /// It has none, or the app did not do all of it; doing it again goes on.
    pub async fn repair_webhooks(&self, id: &CompanyId, reach: Reach) -> anyhow::Result<Repaired> {
        let client = self.invoice_ninja(id, reach).await?;
        let keys = self.keys(id).await?;
        let public = Url::parse(&self.public_url)?;
        Ok(client.repair_webhooks(&public, id, &keys.webhook_secret).await?)
    }

    async fn invoice_ninja(&self, id: &CompanyId, reach: Reach) -> anyhow::Result<Client> {
        let company = self.companies.load(id).await?.with_context(|| format!("there is no company {id}"))?;
        let BillingApp::InvoiceNinja(app) = company.billing else {
            bail!("company {id} has no Invoice Ninja; set it first");
        };
        Ok(Client::new(http(reach)?, &reach.base(&app.url)?, self.keys(id).await?.token))
    }

    async fn keys(&self, id: &CompanyId) -> anyhow::Result<BillingKeys> {
        self.vault.keys(id).await?.with_context(|| format!("company {id} has no token"))
    }
}

/// A command happens when it is given.
struct Now;

impl Clock for Now {
    #[expect(clippy::disallowed_methods, reason = "the clock of a command line")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

fn http(reach: Reach) -> anyhow::Result<reqwest::Client> {
    Ok(transport::http_client_within(reach, CONNECT, TOTAL)?)
}

/// 244 random bits.
fn random_secret() -> SecretString {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple()).into()
}
