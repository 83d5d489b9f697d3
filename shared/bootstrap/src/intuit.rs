//! The Intuit app: its keys, read when they are needed, and what it can do.

use std::sync::Arc;

use async_trait::async_trait;
use aws::Aws;
use jiff::Timestamp;
use quickbooks::{Client, Endpoints, OAuth, OAuthError};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sync::connect::Intuit;
use sync::ids::RealmId;
use sync::ports::{CallError, QuickBooks, RefreshError, StoreError, TokenServer, explain};
use sync::reference::ReferenceLists;
use sync::tokens::TokenPair;
use tokio::sync::Mutex;
use url::Url;

/// What template.yaml fills the secret with, for a person to replace.
pub(crate) const PLACEHOLDER: &str = "replace-me";

/// The app as Intuit knows it.
pub(crate) struct App {
    aws: Aws,
    http: reqwest::Client,
    endpoints: Endpoints,
    secret: String,
    oauth: Mutex<Option<Arc<OAuth>>>,
}

#[derive(Deserialize)]
struct Keys {
    client_id: String,
    client_secret: SecretString,
}

impl App {
    pub(crate) fn new(aws: Aws, http: reqwest::Client, endpoints: Endpoints, secret: String) -> App {
        App { aws, http, endpoints, secret, oauth: Mutex::new(None) }
    }

    /// The accounting API of a realm.
    pub(crate) fn client(&self, realm: &RealmId, access_token: &SecretString) -> Client {
        Client::new(self.http.clone(), &self.endpoints.api, realm.clone(), access_token.clone())
    }

    async fn oauth(&self) -> Result<Arc<OAuth>, RefreshError> {
        let mut oauth = self.oauth.lock().await;
        if let Some(oauth) = &*oauth {
            return Ok(Arc::clone(oauth));
        }
        let keys = self.keys().await.map_err(|error| RefreshError::Unknown(explain(&error)))?;
        let made = OAuth::new(self.http.clone(), &self.endpoints, keys.client_id, keys.client_secret);
        Ok(Arc::clone(oauth.insert(Arc::new(made))))
    }

    async fn keys(&self) -> Result<Keys, StoreError> {
        let action = "reading the Intuit app's keys";
        let text = self.aws.secret(&self.secret).await?;
        let keys: Keys = serde_json::from_str(text.expose_secret())
            // The parser's words may quote the text.
            .map_err(|_| StoreError::new(action, "the secret does not hold client_id and client_secret"))?;
        if keys.client_id == PLACEHOLDER {
            return Err(StoreError::new(action, "nobody has put them into the secret yet"));
        }
        Ok(keys)
    }

    /// Reads the keys again next time, if it is they that are wrong: somebody may have renewed them.
    async fn checked<T>(&self, result: Result<T, OAuthError>) -> Result<T, RefreshError> {
        if matches!(result, Err(OAuthError::InvalidClient)) {
            *self.oauth.lock().await = None;
        }
        Ok(result?)
    }
}

#[async_trait]
impl TokenServer for App {
    async fn refresh(&self, tokens: &TokenPair, now: Timestamp) -> Result<TokenPair, RefreshError> {
        let result = self.oauth().await?.refresh(&tokens.refresh_token, now).await;
        self.checked(result).await
    }
}

/// The app, with the address that people come back to.
pub struct IntuitAt {
    app: Arc<App>,
    redirect_uri: Url,
}

impl IntuitAt {
    pub(crate) fn new(app: Arc<App>, redirect_uri: Url) -> IntuitAt {
        IntuitAt { app, redirect_uri }
    }
}

#[async_trait]
impl Intuit for IntuitAt {
    async fn authorize_url(&self, state: String) -> Result<String, RefreshError> {
        Ok(self.app.oauth().await?.authorize_url(state, &self.redirect_uri).into())
    }

    async fn exchange(&self, code: SecretString, now: Timestamp) -> Result<TokenPair, RefreshError> {
        let result = self.app.oauth().await?.exchange_code(&code, &self.redirect_uri, now).await;
        self.app.checked(result).await
    }

    async fn revoke(&self, tokens: &TokenPair) -> Result<(), RefreshError> {
        match self.app.oauth().await?.revoke(&tokens.refresh_token).await {
            // Intuit refuses to revoke what it does not know, or no longer.
            Err(OAuthError::Refused(_)) => Err(RefreshError::Dead),
            result => self.app.checked(result).await,
        }
    }

    async fn reference_lists(
        &self,
        realm: &RealmId,
        tokens: &TokenPair,
    ) -> Result<ReferenceLists, CallError> {
        self.app.client(realm, &tokens.access_token).reference_lists().await
    }
}
