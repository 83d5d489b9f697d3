//! Token pairs in Secrets Manager: one secret for each company and realm, named `{prefix}{company}/{realm}`.

use std::borrow::Cow;

use async_trait::async_trait;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::operation::create_secret::CreateSecretError;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use aws_sdk_secretsmanager::operation::put_secret_value::PutSecretValueError;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sync::ids::Books;
use sync::ports::{StoreError, Vault};
use sync::tokens::TokenPair;

use crate::error::failed;

const READING: &str = "reading tokens";
const WRITING: &str = "storing tokens";

/// Everybody's token pairs.
#[derive(Clone, Debug)]
pub struct SecretsVault {
    client: Client,
    prefix: String,
}

/// A secret's text.
#[derive(Serialize, Deserialize)]
struct Stored<'a> {
    access_token: Cow<'a, str>,
    access_expires_at: Timestamp,
    refresh_token: Cow<'a, str>,
    refresh_expires_at: Timestamp,
    hard_expires_at: Option<Timestamp>,
}

impl SecretsVault {
    pub(crate) fn new(client: Client, prefix: String) -> SecretsVault {
        SecretsVault { client, prefix }
    }

    fn name(&self, books: &Books) -> String {
        format!("{}{}/{}", self.prefix, books.company, books.realm)
    }

    /// False if there is no such secret.
    async fn put(&self, name: &str, text: &SecretString) -> Result<bool, StoreError> {
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
            Err(error) => Err(failed(WRITING)(error)),
        }
    }

    /// False if there is such a secret.
    async fn create(&self, name: &str, text: &SecretString) -> Result<bool, StoreError> {
        let request = self.client.create_secret().name(name).secret_string(text.expose_secret());
        match request.send().await {
            Ok(_) => Ok(true),
            Err(error)
                if error.as_service_error().is_some_and(CreateSecretError::is_resource_exists_exception) =>
            {
                Ok(false)
            }
            Err(error) => Err(failed(WRITING)(error)),
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
        let text = serde_json::to_string(&Stored {
            access_token: tokens.access_token.expose_secret().into(),
            access_expires_at: tokens.access_expires_at,
            refresh_token: tokens.refresh_token.expose_secret().into(),
            refresh_expires_at: tokens.refresh_expires_at,
            hard_expires_at: tokens.hard_expires_at,
        });
        let text: SecretString = text.map_err(|error| StoreError::new(WRITING, error))?.into();
        let name = self.name(books);
        // The second put is for somebody who creates it in between.
        let stored = self.put(&name, &text).await?
            || self.create(&name, &text).await?
            || self.put(&name, &text).await?;
        if stored { Ok(()) } else { Err(StoreError::new(WRITING, "the secret comes and goes")) }
    }
}
