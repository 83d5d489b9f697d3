//! Which billing app a company has, where it is, and what it takes to talk with it.

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::ids::CompanyId;
use crate::ports::{BillingError, Companies, StoreError};
use crate::settings::Company;

/// How often a change is tried against others who change the company at the same moment.
const TRIES: u32 = 5;

/// What a company bills with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum BillingApp {
    /// An app that sends whole records with its events and cannot be asked for others.
    #[default]
    EventsOnly,
    /// Invoice Ninja, version 5.
    InvoiceNinja(InvoiceNinja),
}

/// An Invoice Ninja that has been tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InvoiceNinja {
    /// Its address, without `/api` and without a slash at the end.
    pub url: String,
    /// What it calls the company.
    pub name: String,
    /// Since when it is the company's: what changed in it before is nobody's event.
    pub since: Timestamp,
    /// It copies prices and descriptions of invoice lines to the products, without an event (Invoice Ninja:
    /// `update_products`).
    pub updates_products: bool,
}

/// What a company's billing app is talked with. Kept in a secret; never shown.
#[derive(Clone, Debug)]
pub struct BillingKeys {
    /// Opens the app's API.
    pub token: SecretString,
    /// What the app's webhooks carry to prove that they are its own.
    pub webhook_secret: SecretString,
}

/// What trying an app has shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// Its address as it is stored.
    pub url: String,
    /// What it calls the company.
    pub name: String,
    /// See [`InvoiceNinja::updates_products`].
    pub updates_products: bool,
    /// What a person should know or change; it works all the same.
    pub warnings: Vec<String>,
}

/// Tries an address and a token.
#[async_trait]
pub trait BillingCheck: Send + Sync {
    /// Makes sure that there is an app, and that the token sees and may change all of its records. Changes nothing.
    ///
    /// # Errors
    /// [`BillingError::Refused`] for an address that cannot be used, [`BillingError::Forbidden`] for a token that does
    /// not do.
    async fn check(&self, url: &str, token: &SecretString) -> Result<Checked, BillingError>;
}

/// Where the keys are kept.
#[async_trait]
pub trait BillingVault: Send + Sync {
    /// A company's keys, if it has any.
    async fn keys(&self, company: &CompanyId) -> Result<Option<BillingKeys>, StoreError>;

    /// Stores keys in place of those before, durably.
    async fn store_keys(&self, company: &CompanyId, keys: &BillingKeys) -> Result<(), StoreError>;
}

/// Why a company's billing app was not set. What was stored before is as it was.
#[derive(Debug, thiserror::Error)]
pub enum SetError {
    /// There is no such company.
    #[error("there is no such company")]
    UnknownCompany,
    /// The app does not do, or does not answer.
    #[error(transparent)]
    App(#[from] BillingError),
    /// A store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What setting a billing app takes.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// Tenants.
    pub companies: &'a dyn Companies,
    /// Where keys are kept.
    pub vault: &'a dyn BillingVault,
    /// Tries the app.
    pub check: &'a dyn BillingCheck,
}

/// Makes an Invoice Ninja the company's billing app, once it has been tried.
///
/// A company keeps the webhook secret that it has; `fresh_secret` is for one that has none.
///
/// # Errors
/// As [`SetError`] says.
pub async fn set_invoice_ninja(
    ports: Ports<'_>,
    company: &CompanyId,
    url: &str,
    token: SecretString,
    fresh_secret: SecretString,
    now: Timestamp,
) -> Result<Checked, SetError> {
    if ports.companies.load(company).await?.is_none() {
        return Err(SetError::UnknownCompany);
    }
    let checked = ports.check.check(url, &token).await?;
    let webhook_secret = match ports.vault.keys(company).await? {
        Some(keys) => keys.webhook_secret,
        None => fresh_secret,
    };
    // The keys first: an address without a token would fail every call, a token without its address none.
    ports.vault.store_keys(company, &BillingKeys { token, webhook_secret }).await?;
    save(ports.companies, company, |before| {
        let since = match before {
            BillingApp::InvoiceNinja(before) if before.url == checked.url => before.since,
            BillingApp::InvoiceNinja(_) | BillingApp::EventsOnly => now,
        };
        BillingApp::InvoiceNinja(InvoiceNinja {
            url: checked.url.clone(),
            name: checked.name.clone(),
            since,
            updates_products: checked.updates_products,
        })
    })
    .await?;
    Ok(checked)
}

/// Makes the company one whose billing app only sends events. Its keys stay where they are, and are not used.
///
/// # Errors
/// There is no such company, or the store failed.
pub async fn set_events_only(companies: &dyn Companies, company: &CompanyId) -> Result<(), SetError> {
    save(companies, company, |_| BillingApp::EventsOnly).await
}

async fn save(
    companies: &dyn Companies,
    id: &CompanyId,
    change: impl Fn(&BillingApp) -> BillingApp,
) -> Result<(), SetError> {
    for _ in 0..TRIES {
        let company = companies.load(id).await?.ok_or(SetError::UnknownCompany)?;
        let billing = change(&company.billing);
        if billing == company.billing {
            return Ok(());
        }
        let version = company.version + 1;
        if companies.save(&Company { billing, version, ..company }).await? {
            return Ok(());
        }
    }
    Err(StoreError::new("storing where the billing app is", "others kept changing the company").into())
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use secrecy::ExposeSecret;

    use super::*;
    use crate::memory::{MemoryBillingVault, MemoryCompanies};

    /// Takes one token only.
    struct App;

    #[async_trait]
    impl BillingCheck for App {
        async fn check(&self, url: &str, token: &SecretString) -> Result<Checked, BillingError> {
            match token.expose_secret() {
                "good" | "better" => Ok(Checked {
                    url: url.trim_end_matches('/').to_owned(),
                    name: "Mow & Sons".into(),
                    updates_products: true,
                    warnings: vec!["Something to know.".into()],
                }),
                _ => Err(BillingError::Forbidden("Invalid token".into())),
            }
        }
    }

    fn acme() -> CompanyId {
        CompanyId::new("acme").unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_772_000_000 + second).unwrap()
    }

    struct World(MemoryCompanies, MemoryBillingVault);

    impl World {
        fn new() -> World {
            let world = World(MemoryCompanies::default(), MemoryBillingVault::default());
            block_on(world.0.save(&Company { version: 1, ..Company::new(acme()) })).unwrap();
            world
        }

        fn set(&self, url: &str, token: &str, secret: &str, second: i64) -> Result<Checked, SetError> {
            let ports = Ports { companies: &self.0, vault: &self.1, check: &App };
            block_on(set_invoice_ninja(ports, &acme(), url, token.into(), secret.into(), at(second)))
        }

        fn app(&self) -> BillingApp {
            block_on(self.0.load(&acme())).unwrap().unwrap().billing
        }

        fn keys(&self) -> Option<(String, String)> {
            let keys = block_on(self.1.keys(&acme())).unwrap()?;
            Some((keys.token.expose_secret().into(), keys.webhook_secret.expose_secret().into()))
        }
    }

    #[test]
    fn a_token_that_does_not_do_changes_nothing() {
        let world = World::new();
        assert!(matches!(world.set("https://books.example", "bad", "s", 0), Err(SetError::App(_))));
        assert_eq!((world.app(), world.keys()), (BillingApp::EventsOnly, None));
    }

    #[test]
    fn a_new_token_keeps_the_secret_and_the_beginning_and_a_new_address_begins_anew() {
        let world = World::new();
        let checked = world.set("https://books.example/", "good", "first secret", 0).unwrap();
        assert_eq!(checked.warnings.len(), 1);
        world.set("https://books.example", "better", "second secret", 60).unwrap();
        assert_eq!(world.keys(), Some(("better".into(), "first secret".into())));
        let since = |app| match app {
            BillingApp::InvoiceNinja(app) => app.since,
            BillingApp::EventsOnly => panic!("it is set"),
        };
        assert_eq!(since(world.app()), at(0));
        world.set("https://other.example", "better", "third secret", 120).unwrap();
        assert_eq!(since(world.app()), at(120));
        block_on(set_events_only(&world.0, &acme())).unwrap();
        assert_eq!(world.app(), BillingApp::EventsOnly);
    }

    #[test]
    fn an_unknown_company_is_not_given_an_app() {
        let world = World(MemoryCompanies::default(), MemoryBillingVault::default());
        assert!(matches!(world.set("https://books.example", "good", "s", 0), Err(SetError::UnknownCompany)));
        assert!(world.keys().is_none());
    }

    #[test]
    fn no_key_is_shown() {
        let keys = BillingKeys { token: "top secret".into(), webhook_secret: "top secret".into() };
        assert!(!format!("{keys:?}").contains("top secret"), "T26");
    }
}
