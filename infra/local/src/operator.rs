//! What an operator does.

use anyhow::{Context, bail};
use sync::connect::{self, Seal};
use sync::ids::CompanyId;
use sync::ports::Companies;
use sync::reference::Reference;
use sync::settings::{Company, Settings};

use crate::bundle::Bundle;

impl Bundle {
    /// Adds a company.
    pub async fn add_company(&self, company: &CompanyId) -> anyhow::Result<()> {
        let added = Company { version: 1, ..Company::new(company.clone()) };
        if !self.companies()?.save(&added).await? {
            bail!("company {company} is there already");
        }
        Ok(())
    }

    /// A link on which a person connects the company.
    pub async fn connect_link(&self, company: &CompanyId, now: jiff::Timestamp) -> anyhow::Result<String> {
        let seal = Seal::new(&self.aws.secret(self.stack.output("SigningKeySecret")?).await?)?;
        Ok(format!("{}/connect?link={}", self.stack.api_url(), connect::link(&seal, company, now)?))
    }

    /// Changes a company's settings.
    pub async fn change_settings(
        &self,
        company: &CompanyId,
        change: impl FnOnce(&mut Settings),
    ) -> anyhow::Result<()> {
        let mut stored = self.company(company).await?.with_context(|| format!("there is no {company}"))?;
        change(&mut stored.settings);
        stored.version += 1;
        if !self.companies()?.save(&stored).await? {
            bail!("somebody else has changed company {company}");
        }
        Ok(())
    }

    /// A company as stored.
    pub async fn company(&self, company: &CompanyId) -> anyhow::Result<Option<Company>> {
        Ok(self.companies()?.load(company).await?)
    }

    /// What is cached of a company's QuickBooks.
    pub async fn reference(&self, company: &CompanyId) -> anyhow::Result<Option<Reference>> {
        let stored = self.company(company).await?;
        match stored.and_then(|stored| stored.books()) {
            Some(books) => Ok(self.companies()?.reference(&books).await?),
            None => Ok(None),
        }
    }

    fn companies(&self) -> anyhow::Result<aws::DynamoCompanies> {
        Ok(self.aws.companies(self.stack.output("CompaniesTable")?))
    }
}
