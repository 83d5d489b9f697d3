//! Companies' secrets in Secrets Manager: a token pair for each company and realm, named `{prefix}{company}/{realm}`,
//! and the billing app's keys for each company, named `{prefix}{company}/billing` (a realm has only digits).

use std::borrow::Cow;

use async_trait::async_trait;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::operation::create_secret::CreateSecretError;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use aws_sdk_secretsmanager::operation::put_secret_value::PutSecretValueError;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sync::billing_app::{BillingKeys, BillingVault};
use sync::ids::{Books, CompanyId};
use sync::ports::{StoreError, Vault};
use sync::tokens::TokenPair;

use crate::error::failed;

const READING: &str = "reading tokens";
const WRITING: &str = "storing tokens";

/// The text of a secret whose tokens were given up.
const FORGOTTEN: &str = "{}";

/// Everybody's token pairs and keys.
#[derive(Clone, Debug)]
pub struct SecretsVault {
    client: Client,
    prefix: String,
}

/// The text of a secret with a token pair.
#[derive(Serialize, Deserialize)]
struct Stored<'a> {
    access_token: Cow<'a, str>,
    access_expires_at: Timestamp,
    refresh_token: Cow<'a, str>,
    refresh_expires_at: Timestamp,
    hard_expires_at: Option<Timestamp>,
}

/// The text of a secret with a billing app's keys.
#[derive(Serialize, Deserialize)]
struct StoredKeys<'a> {
    token: Cow<'a, str>,
    webhook_secret: Cow<'a, str>,
}

impl SecretsVault {
    pub(crate) fn new(client: Client, prefix: String) -> SecretsVault {
        SecretsVault { client, prefix }
    }

    fn name(&self, books: &Books) -> String {
        format!("{}{}/{}", self.prefix, books.company, books.realm)
    }

    fn billing_name(&self, company: &CompanyId) -> String {
        format!("{}{company}/billing", self.prefix)
    }

    /// Stores a secret's content, whether there is such a secret or not.
    async fn keep(
        &self,
        action: &'static str,
        name: &str,
        content: &impl Serialize,
    ) -> Result<(), StoreError> {
        let text = serde_json::to_string(content).map_err(|error| StoreError::new(action, error))?;
        let text = SecretString::from(text);
        // The second put is for somebody who creates it in between.
        let stored = self.put(action, name, &text).await?
            || self.create(action, name, &text).await?
            || self.put(action, name, &text).await?;
        if stored { Ok(()) } else { Err(StoreError::new(action, "the secret comes and goes")) }
    }

    /// False if there is no such secret.
    async fn put(&self, action: &'static str, name: &str, text: &SecretString) -> Result<bool, StoreError> {
        let request = self.client.put_secret_value().secret_id(name).secret_string(text.expose_secret());
        match request.send().await {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(PutSecretValueError::is_resource_not_found_exception) =>
            {
                Ok(false)
            }
            Err(error) => Err(failed(action)(error)),
        }
    }

    /// False if there is such a secret.
    async fn create(
        &self,
        action: &'static str,
        name: &str,
        text: &SecretString,
    ) -> Result<bool, StoreError> {
        let request = self.client.create_secret().name(name).secret_string(text.expose_secret());
        match request.send().await {
            Ok(_) => Ok(true),
            Err(error)
                if error.as_service_error().is_some_and(CreateSecretError::is_resource_exists_exception) =>
            {
                Ok(false)
            }
            Err(error) => Err(failed(action)(error)),
        }
    }
}

/// A secret's text; none if there is no such secret.
pub(crate) async fn text_of(
    client: &Client,
    id: &str,
    action: &'static str,
) -> Result<Option<SecretString>, StoreError> {
    match client.get_secret_value().secret_id(id).send().await {
        Ok(answer) => Ok(answer.secret_string.map(SecretString::from)),
        Err(error)
            if error.as_service_error().is_some_and(GetSecretValueError::is_resource_not_found_exception) =>
        {
            Ok(None)
        }
        Err(error) => Err(failed(action)(error)),
    }
}

#[async_trait]
impl Vault for SecretsVault {
    async fn tokens(&self, books: &Books) -> Result<Option<TokenPair>, StoreError> {
        let Some(text) = text_of(&self.client, &self.name(books), READING).await? else { return Ok(None) };
        if text.expose_secret() == FORGOTTEN {
            return Ok(None);
        }
        let stored: Stored<'_> = serde_json::from_str(text.expose_secret())
            // The parser's words may quote the text.
            .map_err(|_| StoreError::new(READING, "the secret does not hold a token pair"))?;
        Ok(Some(TokenPair {
            access_token: stored.access_token.into_owned().into(),
            access_expires_at: stored.access_expires_at,
            refresh_token: stored.refresh_token.into_owned().into(),
            refresh_expires_at: stored.refresh_expires_at,
            hard_expires_at: stored.hard_expires_at,
        }))
    }

    async fn store(&self, books: &Books, tokens: &TokenPair) -> Result<(), StoreError> {
        let stored = Stored {
            access_token: tokens.access_token.expose_secret().into(),
            access_expires_at: tokens.access_expires_at,
            refresh_token: tokens.refresh_token.expose_secret().into(),
            refresh_expires_at: tokens.refresh_expires_at,
            hard_expires_at: tokens.hard_expires_at,
        };
        self.keep(WRITING, &self.name(books), &stored).await
    }

    /// The secret stays, empty: a deleted name could not be used again for days.
    async fn forget(&self, books: &Books) -> Result<(), StoreError> {
        let empty = SecretString::from(FORGOTTEN);
        self.put("forgetting tokens", &self.name(books), &empty).await.map(drop)
    }
}

#[async_trait]
impl BillingVault for SecretsVault {
    async fn keys(&self, company: &CompanyId) -> Result<Option<BillingKeys>, StoreError> {
        let action = "reading the billing app's keys";
        let Some(text) = text_of(&self.client, &self.billing_name(company), action).await? else {
            return Ok(None);
        };
        let stored: StoredKeys<'_> = serde_json::from_str(text.expose_secret())
            // The parser's words may quote the text.
            .map_err(|_| StoreError::new(action, "the secret does not hold a token and a webhook secret"))?;
        Ok(Some(BillingKeys {
            token: stored.token.into_owned().into(),
            webhook_secret: stored.webhook_secret.into_owned().into(),
        }))
    }

    async fn store_keys(&self, company: &CompanyId, keys: &BillingKeys) -> Result<(), StoreError> {
        let stored = StoredKeys {
            token: keys.token.expose_secret().into(),
            webhook_secret: keys.webhook_secret.expose_secret().into(),
        };
        self.keep("storing the billing app's keys", &self.billing_name(company), &stored).await
    }
}
