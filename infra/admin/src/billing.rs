//! What an operator does about a company's billing app.

use std::time::Duration;

use anyhow::{Context, bail};
use invoice_ninja::hooks::Repaired;
use invoice_ninja::{Check, Client};
use jiff::Timestamp;
use secrecy::SecretString;
use sync::billing_app::{self, BillingApp, BillingVault, Checked, Ports};
use sync::ids::CompanyId;
use sync::ports::Companies;
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

    /// Makes or mends the webhooks of the company's Invoice Ninja.
    ///
    /// # Errors
    /// It has none, or the app did not do all of it; doing it again goes on.
    pub async fn repair_webhooks(&self, id: &CompanyId, reach: Reach) -> anyhow::Result<Repaired> {
        let company = self.companies.load(id).await?.with_context(|| format!("there is no company {id}"))?;
        let BillingApp::InvoiceNinja(app) = company.billing else {
            bail!("company {id} has no Invoice Ninja; set it first");
        };
        let keys = self.vault.keys(id).await?.with_context(|| format!("company {id} has no token"))?;
        let client = Client::new(http(reach)?, &reach.base(&app.url)?, keys.token);
        let public = Url::parse(&self.public_url)?;
        Ok(client.repair_webhooks(&public, id, &keys.webhook_secret).await?)
    }
}

fn http(reach: Reach) -> anyhow::Result<reqwest::Client> {
    Ok(transport::http_client_within(reach, CONNECT, TOTAL)?)
}

/// 244 random bits.
fn random_secret() -> SecretString {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple()).into()
}
