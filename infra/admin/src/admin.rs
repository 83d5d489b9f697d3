//! What an operator can do.

use anyhow::{Context, bail};
use aws::{Aws, DynamoActivityLog, DynamoCompanies, DynamoImports, DynamoLedger, Queue, SecretsVault};
use jiff::Timestamp;
use secrecy::SecretString;
use sync::activity::Activity;
use sync::api_key::{self, ApiKeyHash};
use sync::connect::{self, Seal};
use sync::ids::{CompanyId, EventId};
use sync::mail::Address;
use sync::parked::{self, Which};
use sync::ports::{ActivityLog, Companies, Standings};
use sync::reference::Reference;
use sync::session;
use sync::settings::Company;
use sync::settings_change;
use sync::standing::Standing;

use crate::{Deployment, SettingsChange};

/// An operator at work on a deployment.
#[derive(Clone, Debug)]
pub struct Admin {
    aws: Aws,
    pub(crate) companies: DynamoCompanies,
    pub(crate) vault: SecretsVault,
    pub(crate) ledger: DynamoLedger,
    pub(crate) activity: DynamoActivityLog,
    pushes: Queue,
    pulls: Queue,
    pub(crate) imports: DynamoImports,
    pub(crate) import_ticks: Queue,
    signing_key_secret: String,
    pub(crate) public_url: String,
}

impl Admin {
    /// Calls nobody.
    pub fn new(aws: &Aws, deployment: &Deployment) -> Admin {
        Admin {
            companies: aws.companies(&deployment.companies_table),
            vault: aws.vault(&deployment.company_secret_prefix),
            ledger: aws.ledger(&deployment.links_table),
            activity: aws.activity_log(&deployment.activity_table),
            pushes: aws.queue(&deployment.push_queue_url),
            pulls: aws.queue(&deployment.pull_queue_url),
            imports: aws.imports(&deployment.imports_table),
            import_ticks: aws.queue(&deployment.import_queue_url),
            signing_key_secret: deployment.signing_key_secret.clone(),
            public_url: deployment.public_url.clone(),
            aws: aws.clone(),
        }
    }

    /// Adds a company. Fails if there is one of that name.
    pub async fn add_company(&self, id: &CompanyId) -> anyhow::Result<Company> {
        add(&self.companies, id).await
    }

    /// A company with what is cached of its QuickBooks. Fails if there is none.
    pub async fn company(&self, id: &CompanyId) -> anyhow::Result<(Company, Option<Reference>)> {
        load(&self.companies, id).await
    }

    /// A link on which somebody connects the company with QuickBooks, for 15 minutes.
    pub async fn connect_link(&self, id: &CompanyId, now: Timestamp) -> anyhow::Result<String> {
        load(&self.companies, id).await?;
        let seal = Seal::new(&self.aws.secret(&self.signing_key_secret).await?)?;
        Ok(format!("{}/connect?link={}", self.public_url, connect::link(&seal, id, now)?))
    }

    /// A link into the company's console, good for one person and five minutes.
    pub async fn console_link(&self, id: &CompanyId, now: Timestamp) -> anyhow::Result<String> {
        let (company, _) = load(&self.companies, id).await?;
        let seal = Seal::new(&self.aws.secret(&self.signing_key_secret).await?)?;
        let nonce = uuid::Uuid::new_v4().simple().to_string();
        let link = session::link(&self.companies, &seal, &company, &nonce, now).await?;
        Ok(format!("{}/console/enter?link={link}", self.public_url))
    }

    /// A link on which somebody disconnects the company from QuickBooks, for 15 minutes.
    pub async fn disconnect_link(&self, id: &CompanyId, now: Timestamp) -> anyhow::Result<String> {
        let (company, _) = load(&self.companies, id).await?;
        let books = company.books().with_context(|| format!("{id} was never connected with QuickBooks"))?;
        let seal = Seal::new(&self.aws.secret(&self.signing_key_secret).await?)?;
        Ok(format!("{}/disconnect?link={}", self.public_url, connect::disconnect_link(&seal, &books, now)?))
    }

    /// How the company's connection stands; none if it was never connected.
    pub async fn standing(&self, id: &CompanyId) -> anyhow::Result<Option<Standing>> {
        match load(&self.companies, id).await?.0.books() {
            Some(books) => Ok(self.companies.standing(&books).await?),
            None => Ok(None),
        }
    }

    /// Says who of a company is told what by e-mail; what is none stays.
    pub async fn notify(
        &self,
        id: &CompanyId,
        to: Option<&[Address]>,
        digest: Option<bool>,
    ) -> anyhow::Result<Company> {
        let set = |company: &mut Company, _: Option<&Reference>| {
            let notify = &mut company.settings.notify;
            notify.to = to.map_or_else(|| notify.to.clone(), <[Address]>::to_vec);
            notify.digest = digest.unwrap_or(notify.digest);
            Ok(())
        };
        Ok(settings_change::edit(&self.companies, id, set).await?)
    }

    /// Changes a company's settings and returns the company as it is then.
    pub async fn change_settings(&self, id: &CompanyId, change: &SettingsChange) -> anyhow::Result<Company> {
        Ok(settings_change::change_settings(&self.companies, id, change).await?)
    }

    /// Gives a company a new API key, in place of the one it had, and returns it; it can be read nowhere else.
    pub async fn create_api_key(&self, id: &CompanyId) -> anyhow::Result<SecretString> {
        let mut random = [0; 32];
        getrandom::fill(&mut random).context("the machine gives no random numbers")?;
        let key = api_key::key(random);
        set_api_key(&self.companies, id, Some(ApiKeyHash::of(&key))).await?;
        Ok(key)
    }

    /// Takes a company's API key away.
    pub async fn revoke_api_key(&self, id: &CompanyId) -> anyhow::Result<()> {
        set_api_key(&self.companies, id, None).await
    }

    /// A company's newest activity, newest first.
    pub async fn activity(&self, id: &CompanyId, limit: usize) -> anyhow::Result<Vec<Activity>> {
        Ok(self.activity.newest(id, limit).await?)
    }

    /// A company's parked events, oldest first.
    pub async fn parked(&self, id: &CompanyId) -> anyhow::Result<Vec<Activity>> {
        Ok(self.activity.parked(id).await?)
    }

    /// Puts parked events back on the push queue and tells which.
    pub async fn retry(&self, id: &CompanyId, which: &Which, now: Timestamp) -> anyhow::Result<Vec<EventId>> {
        let mut events = parked::retry(&self.activity, &self.pushes, id, which, now).await?;
        events.extend(parked::retry_notices(&self.activity, &self.pulls, id, which, now).await?);
        Ok(events)
    }

    /// Ends parked events without carrying them out and tells which.
    pub async fn ignore(
        &self,
        id: &CompanyId,
        which: &Which,
        reason: &str,
        now: Timestamp,
    ) -> anyhow::Result<Vec<EventId>> {
        Ok(parked::ignore(&self.activity, id, which, reason, now).await?)
    }
}

async fn add(companies: &dyn Companies, id: &CompanyId) -> anyhow::Result<Company> {
    if companies.load(id).await?.is_some() {
        bail!("company {id} is there already");
    }
    let company = Company { version: 1, ..Company::new(id.clone()) };
    if !companies.save(&company).await? {
        bail!("company {id} was added by somebody else just now");
    }
    Ok(company)
}

async fn load(companies: &dyn Companies, id: &CompanyId) -> anyhow::Result<(Company, Option<Reference>)> {
    let company = companies.load(id).await?.with_context(|| format!("there is no company {id}"))?;
    let reference = match company.books() {
        Some(books) => companies.reference(&books).await?,
        None => None,
    };
    Ok((company, reference))
}

async fn set_api_key(
    companies: &dyn Companies,
    id: &CompanyId,
    api_key: Option<ApiKeyHash>,
) -> anyhow::Result<()> {
    let set = |company: &mut Company, _: Option<&Reference>| {
        company.set_api_key(api_key.clone());
        Ok(())
    };
    Ok(settings_change::edit(companies, id, set).await.map(drop)?)
}

#[cfg(test)]
mod tests {
    use sync::memory::MemoryCompanies;

    use super::*;

    fn acme() -> CompanyId {
        CompanyId::new("acme").unwrap()
    }

    #[tokio::test]
    async fn a_company_is_added_once() {
        let companies = MemoryCompanies::default();
        let added = add(&companies, &acme()).await.unwrap();
        assert_eq!(load(&companies, &acme()).await.unwrap(), (added, None));
        let error = add(&companies, &acme()).await.unwrap_err();
        assert_eq!(error.to_string(), "company acme is there already");
    }

    #[tokio::test]
    async fn an_api_key_is_given_replaced_and_taken_away() {
        let companies = MemoryCompanies::default();
        add(&companies, &acme()).await.unwrap();
        let (first, second) = (api_key::key([1; 32]), api_key::key([2; 32]));
        for key in [&first, &second] {
            set_api_key(&companies, &acme(), Some(ApiKeyHash::of(key))).await.unwrap();
        }
        let company = load(&companies, &acme()).await.unwrap().0;
        assert!(api_key::opens(&second, Some(&company)) && !api_key::opens(&first, Some(&company)));
        set_api_key(&companies, &acme(), None).await.unwrap();
        assert!(!api_key::opens(&second, Some(&load(&companies, &acme()).await.unwrap().0)));
    }
}
