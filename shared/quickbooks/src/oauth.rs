//! Intuit's OAuth 2.0 server: consent, token pairs, and giving them up (Intuit: OAuth 2.0).

use std::pin::Pin;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use oauth2::basic::{
    BasicErrorResponse, BasicErrorResponseType, BasicRevocationErrorResponse,
    BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::{
    AccessToken, AsyncHttpClient, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, RedirectUrl, RefreshToken, RequestTokenError,
    Scope, StandardRevocableToken, TokenResponse, TokenUrl,
};
use reqwest::header::HeaderValue;
use reqwest::{Request, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize};
use sync::ports::{RefreshError, TokenServer};
use sync::tokens::TokenPair;
use transport::SendError;
use url::Url;

use crate::Endpoints;
use crate::http;

/// All of the accounting API; there is no narrower scope.
const SCOPE: &str = "com.intuit.quickbooks.accounting";

/// Asks for the moment after which no refresh helps any more.
const HARD_EXPIRY_HEADER: &str = "x-include-refresh-token-hard-expires-in";

/// How long a refresh token lives unless it is used, should Intuit not say.
const REFRESH_TOKEN_LIFE: Seconds = Seconds(100 * 24 * 60 * 60);

/// The most kept of what Intuit says about a refusal, in characters.
const MAX_REASON: usize = 200;

type IntuitClient = oauth2::Client<
    BasicErrorResponse,
    Issued,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// Why the token server gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OAuthError {
    /// The code or the refresh token is dead, unknown, or another app's (`invalid_grant`).
    #[error("Intuit no longer accepts the code or refresh token")]
    InvalidGrant,
    /// The app's client id or secret is wrong (`invalid_client`).
    #[error("Intuit does not accept the app's client id and secret")]
    InvalidClient,
    /// Refused for another reason.
    #[error("Intuit refuses: {0}")]
    Refused(String),
    /// It never left: nothing has happened.
    #[error("Intuit's token server could not be reached: {0}")]
    NotSent(String),
    /// No answer, or one from a broken server: tokens may have changed.
    #[error("Intuit's token server did not answer as it should: {0}")]
    Ambiguous(String),
    /// An answer that is not a token pair: tokens may have changed.
    #[error("Intuit's token server gave an answer that is not a token pair")]
    Malformed,
}

impl From<OAuthError> for RefreshError {
    fn from(error: OAuthError) -> Self {
        match error {
            OAuthError::InvalidGrant => Self::Dead,
            OAuthError::InvalidClient => Self::Client,
            other => Self::Unknown(other.to_string()),
        }
    }
}

/// The app at Intuit's token server.
#[derive(Clone, Debug)]
pub struct OAuth {
    http: reqwest::Client,
    client: IntuitClient,
    client_id: String,
    client_secret: SecretString,
    revoke: Url,
}

impl OAuth {
    /// `client_id` and `client_secret` are the app's keys, Development for sandboxes and Production for live companies.
    pub fn new(
        http: reqwest::Client,
        endpoints: &Endpoints,
        client_id: String,
        client_secret: SecretString,
    ) -> Self {
        let client = oauth2::Client::new(ClientId::new(client_id.clone()))
            .set_client_secret(ClientSecret::new(client_secret.expose_secret().to_owned()))
            .set_auth_uri(AuthUrl::from_url(endpoints.authorize.clone()))
            .set_token_uri(TokenUrl::from_url(endpoints.token.clone()));
        Self { http, client, client_id, client_secret, revoke: endpoints.revoke.clone() }
    }

    /// Where to send a person who is to consent. They come back to `redirect_uri`, which is registered with Intuit,
    /// with `code`, `realmId` and this `state`, or with `error` and `state`.
    pub fn authorize_url(&self, state: String, redirect_uri: &Url) -> Url {
        let client = self.client.clone().set_redirect_uri(RedirectUrl::from_url(redirect_uri.clone()));
        let request = client.authorize_url(|| CsrfToken::new(state)).add_scope(Scope::new(SCOPE.to_owned()));
        let (url, _state) = request.url();
        url
    }

    /// Trades a code for a realm's first token pair. A code works once and for a few minutes; `redirect_uri` is the one
    /// it was asked for with.
    pub async fn exchange_code(
        &self,
        code: &SecretString,
        redirect_uri: &Url,
        now: Timestamp,
    ) -> Result<TokenPair, OAuthError> {
        let client = self.client.clone().set_redirect_uri(RedirectUrl::from_url(redirect_uri.clone()));
        let request = client.exchange_code(AuthorizationCode::new(code.expose_secret().to_owned()));
        request.request_async(&self.sender("exchange-code")).await?.into_pair(now)
    }

    /// Trades a refresh token for the next pair. The old refresh token may be dead from then on, so the pair is to be
    /// stored before it is used, and only one worker may do this at a time.
    pub async fn refresh(
        &self,
        refresh_token: &SecretString,
        now: Timestamp,
    ) -> Result<TokenPair, OAuthError> {
        let token = RefreshToken::new(refresh_token.expose_secret().to_owned());
        let request = self.client.exchange_refresh_token(&token);
        request.request_async(&self.sender("refresh")).await?.into_pair(now)
    }

    /// Gives a token up, and with it the pair and the app's access to the realm. `oauth2` would do this only over
    /// https, and so not with a simulator.
    pub async fn revoke(&self, token: &SecretString) -> Result<(), OAuthError> {
        #[derive(Serialize)]
        struct Revocation<'a> {
            token: &'a str,
        }
        let request = self
            .http
            .post(self.revoke.clone())
            .basic_auth(&self.client_id, Some(self.client_secret.expose_secret()))
            .header(reqwest::header::ACCEPT, "application/json")
            .json(&Revocation { token: token.expose_secret() })
            .build()
            .map_err(SendError::from)?;
        let answer = http::send(&self.http, request, "revoke", None).await?;
        match answer.status {
            status if status.is_success() => Ok(()),
            StatusCode::UNAUTHORIZED => Err(OAuthError::InvalidClient),
            status if status.is_client_error() => Err(OAuthError::Refused(format!("HTTP status {status}"))),
            status => Err(OAuthError::Ambiguous(format!("HTTP status {status}"))),
        }
    }

    fn sender(&self, operation: &'static str) -> Sender {
        Sender { http: self.http.clone(), operation }
    }
}

/// Lets `oauth2` use our HTTP client.
struct Sender {
    http: reqwest::Client,
    operation: &'static str,
}

impl<'c> AsyncHttpClient<'c> for Sender {
    type Error = SendError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, SendError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

impl Sender {
    /// A broken or busy server is told from a refusal here, where the status is still known.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, SendError> {
        let mut request = Request::try_from(request)?;
        request.headers_mut().insert(HARD_EXPIRY_HEADER, HeaderValue::from_static("true"));
        let answer = http::send(&self.http, request, self.operation, None).await?;
        if answer.status.is_server_error() || answer.status == StatusCode::TOO_MANY_REQUESTS {
            return Err(SendError::Lost(format!("HTTP status {}", answer.status)));
        }
        let mut response = HttpResponse::new(answer.body);
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers;
        Ok(response)
    }
}

#[async_trait]
impl TokenServer for OAuth {
    async fn refresh(&self, tokens: &TokenPair, now: Timestamp) -> Result<TokenPair, RefreshError> {
        Ok(OAuth::refresh(self, &tokens.refresh_token, now).await?)
    }
}

impl From<SendError> for OAuthError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::NotSent(reason) => Self::NotSent(reason),
            SendError::NotYet(_) => Self::NotSent(error.to_string()),
            SendError::Lost(reason) => Self::Ambiguous(reason),
        }
    }
}

impl From<RequestTokenError<SendError, BasicErrorResponse>> for OAuthError {
    fn from(error: RequestTokenError<SendError, BasicErrorResponse>) -> Self {
        match error {
            RequestTokenError::Request(error) => error.into(),
            RequestTokenError::ServerResponse(refusal) => match refusal.error() {
                BasicErrorResponseType::InvalidGrant => Self::InvalidGrant,
                BasicErrorResponseType::InvalidClient => Self::InvalidClient,
                other => Self::Refused(other.as_ref().chars().take(MAX_REASON).collect()),
            },
            // Neither the body nor the parser's words about it: they may hold tokens.
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => Self::Malformed,
        }
    }
}

/// A token pair as Intuit issues it, with members that OAuth does not know.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Issued {
    access_token: AccessToken,
    expires_in: Seconds,
    refresh_token: RefreshToken,
    x_refresh_token_expires_in: Option<Seconds>,
    x_refresh_token_hard_expires_in: Option<Seconds>,
    #[serde(skip, default = "bearer")]
    token_type: BasicTokenType,
}

impl Issued {
    fn into_pair(self, now: Timestamp) -> Result<TokenPair, OAuthError> {
        let refresh_life = self.x_refresh_token_expires_in.unwrap_or(REFRESH_TOKEN_LIFE);
        Ok(TokenPair {
            access_expires_at: self.expires_in.after(now)?,
            refresh_expires_at: refresh_life.after(now)?,
            hard_expires_at: self.x_refresh_token_hard_expires_in.map(|life| life.after(now)).transpose()?,
            access_token: self.access_token.into_secret().into(),
            refresh_token: self.refresh_token.into_secret().into(),
        })
    }
}

impl TokenResponse for Issued {
    type TokenType = BasicTokenType;

    fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    fn token_type(&self) -> &BasicTokenType {
        &self.token_type
    }

    fn expires_in(&self) -> Option<std::time::Duration> {
        u64::try_from(self.expires_in.0).ok().map(std::time::Duration::from_secs)
    }

    fn refresh_token(&self) -> Option<&RefreshToken> {
        Some(&self.refresh_token)
    }

    fn scopes(&self) -> Option<&Vec<Scope>> {
        None
    }
}

fn bearer() -> BasicTokenType {
    BasicTokenType::Bearer
}

/// A number of seconds, which Intuit also writes as a string.
#[derive(Clone, Copy, Debug, Serialize)]
struct Seconds(i64);

impl Seconds {
    fn after(self, now: Timestamp) -> Result<Timestamp, OAuthError> {
        now.checked_add(SignedDuration::from_secs(self.0)).map_err(|_| OAuthError::Malformed)
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(source)?;
        let seconds = value.as_i64().or_else(|| value.as_str()?.trim().parse().ok());
        seconds.map(Self).ok_or_else(|| serde::de::Error::custom("not a number of seconds"))
    }
}
