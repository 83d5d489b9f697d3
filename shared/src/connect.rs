//! Connecting a company with QuickBooks: signed links and states, and what happens when the person comes back.
//!
//! A person gets a *link*, good for some minutes and any number of clicks. Each click makes a *state* of its own, which
//! works once, for some minutes, and only in the browser that clicked.
//!
//! Connecting again ([`reconnect_link`], or any link) keeps settings and links; giving the connection up is in
//! [`leave`].

mod leave;
mod links;
pub(crate) mod seal;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use crate::ids::{Books, CompanyId, RealmId};
use crate::ports::{CallError, Clock, Companies, ConnectError, RefreshError, Standings, StoreError, Vault};
use crate::reference::{Reference, ReferenceLists};
use crate::settings::{Company, Connection, ConnectionState, Settings};
use crate::standing::{self, Standing};
use crate::tokens::{self, TokenPair};

pub use leave::{Left, leave, linked, revoke_left};
pub use links::{
    LINK_LIFE, RECONNECT_LINK_LIFE, books_of_disconnect_link, disconnect_link, link, reconnect_link,
};
pub use seal::{BadSeal, Seal};
use seal::{Claims, Purpose, digest};

/// How long a person may take at Intuit.
pub const STATE_LIFE: SignedDuration = SignedDuration::from_mins(10);

/// Intuit, as far as connecting goes. Knows where people come back to.
#[async_trait]
pub trait Intuit: Send + Sync {
    /// Where a person consents, to come back with this state.
    async fn authorize_url(&self, state: String) -> Result<String, RefreshError>;

    /// Trades a code for the realm's first pair. The code is dead afterwards.
    async fn exchange(&self, code: SecretString, now: Timestamp) -> Result<TokenPair, RefreshError>;

    /// Gives a pair up, and with it every right of the app in the realm. Fails with [`RefreshError::Dead`] if there is
    /// nothing to give up any more.
    async fn revoke(&self, tokens: &TokenPair) -> Result<(), RefreshError>;

    /// Reads the realm's own data and lists with a pair that is stored nowhere yet.
    async fn reference_lists(&self, realm: &RealmId, tokens: &TokenPair)
    -> Result<ReferenceLists, CallError>;
}

/// What connecting works with.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// Tenants.
    pub companies: &'a dyn Companies,
    /// How connections stand.
    pub standings: &'a dyn Standings,
    /// Token pairs.
    pub vault: &'a dyn Vault,
    /// Intuit.
    pub intuit: &'a dyn Intuit,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Signs links and states.
    pub seal: &'a Seal,
}

/// What Intuit sends a person back with (Intuit: OAuth 2.0, "Handle the response").
#[derive(Clone, Debug, Default)]
pub struct Callback {
    /// The state that [`start`] made.
    pub state: Option<String>,
    /// To be traded for tokens.
    pub code: Option<SecretString>,
    /// The realm that the person chose.
    pub realm: Option<String>,
    /// Why there is no code, such as `access_denied`.
    pub error: Option<String>,
}

/// How a company that has just been connected was connected before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// Not at all.
    Never,
    /// With the same realm: settings and links are as they were (R65, R66).
    Same,
    /// With another realm, which a person has given up: it begins anew (R4, R92).
    Another,
}

/// A company that has just been connected.
#[derive(Clone, Debug)]
pub struct Connected {
    /// The company and the realm that it is connected with now.
    pub books: Books,
    /// As it was before, to tell a first connection from a repeated one.
    pub before: Company,
    /// Its settings as they are now.
    pub settings: Settings,
    /// What was found in QuickBooks.
    pub reference: Reference,
}

impl Connected {
    /// How it was connected before.
    pub fn was(&self) -> Before {
        match &self.before.connection {
            None => Before::Never,
            Some(before) if before.realm == self.books.realm => Before::Same,
            Some(_) => Before::Another,
        }
    }
}

/// Why a company was not connected. What was stored before is as it was.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The link is not ours, or too old.
    #[error("the link cannot be used: {0}")]
    Link(BadSeal),
    /// The state is not ours, or too old.
    #[error("the state cannot be used: {0}")]
    State(BadSeal),
    /// The state was made in another browser.
    #[error("the state was made in another browser")]
    OtherBrowser,
    /// The state was used before.
    #[error("the state was used before")]
    Reused,
    /// There is no such company.
    #[error("there is no such company")]
    UnknownCompany,
    /// There is nothing to give up: it was never connected.
    #[error("the company was never connected")]
    NeverConnected,
    /// The person did not consent.
    #[error("access was denied")]
    Denied,
    /// Intuit refuses for another reason.
    #[error("Intuit refuses: {0}")]
    Intuit(String),
    /// The realm belongs to another company.
    #[error("the realm belongs to another company")]
    RealmTaken,
    /// The company is linked with another realm, whose name this is (D12).
    #[error("the company is linked with another realm, {0}")]
    OtherRealm(String),
    /// The person may not do in QuickBooks what Counterpart needs (R74).
    #[error("QuickBooks refuses access: {0}")]
    MissingRights(String),
    /// Intuit does not answer, or asks for patience.
    #[error("Intuit cannot be reached: {0}")]
    Unreachable(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Turns a link into the address where the person consents.
///
/// `browser` is a random value that the browser keeps and nobody else knows, `nonce` a random value for this one
/// attempt.
pub async fn start(ports: Ports<'_>, link: &str, browser: &str, nonce: &str) -> Result<String, Refusal> {
    let now = ports.clock.now();
    let opened = links::open(ports.seal, link, now).map_err(Refusal::Link)?;
    let company = opened.company;
    let stored = ports.companies.load(&company).await?.ok_or(Refusal::UnknownCompany)?;
    if opened.realm.is_some_and(|realm| !stored.has(&realm)) {
        return Err(Refusal::Link(BadSeal::Expired));
    }
    let expires_at = later(now, STATE_LIFE);
    ports.companies.issue_once(&company, nonce, expires_at).await?;
    let state = ports.seal.close(&Claims {
        purpose: Purpose::State,
        company,
        expires_at,
        nonce: nonce.to_owned(),
        browser: digest(browser),
        realm: None,
        began_at: None,
        generation: None,
    })?;
    ports.intuit.authorize_url(state).await.map_err(of_token_server)
}

/// Connects the company that the state names with the realm that the person chose.
///
/// Everything that can be wrong is found before anything is stored: a pair that is there already is replaced only by
/// one that QuickBooks has accepted. `browser` is what the browser keeps, `attempt` names this attempt and no other.
pub async fn finish(
    ports: Ports<'_>,
    callback: Callback,
    browser: Option<&str>,
    attempt: &str,
) -> Result<Connected, Refusal> {
    let company = accept_state(ports, callback.state.as_deref(), browser).await?;
    match callback.error.as_deref() {
        Some("access_denied") => return Err(Refusal::Denied),
        Some(error) => return Err(Refusal::Intuit(error.chars().take(100).collect())),
        None => {}
    }
    let incomplete = || Refusal::Intuit("the answer is incomplete".into());
    let code = callback.code.ok_or_else(incomplete)?;
    let realm = callback.realm.and_then(|realm| RealmId::new(realm).ok()).ok_or_else(incomplete)?;
    let books = Books { company, realm };

    let (before, settings) = may_connect(ports, &books).await?;
    let tokens = exchange(ports, code).await?;
    match keep(ports, &books, &tokens, attempt).await {
        Ok(reference) => Ok(Connected { books, before, settings, reference }),
        Err(refusal) => {
            give_up(ports, &books, &tokens).await;
            Err(refusal)
        }
    }
}

/// The company of a state that is good, in the right browser, and now used up.
async fn accept_state(
    ports: Ports<'_>,
    state: Option<&str>,
    browser: Option<&str>,
) -> Result<CompanyId, Refusal> {
    let now = ports.clock.now();
    let claims = ports.seal.open(state.unwrap_or_default(), Purpose::State, now).map_err(Refusal::State)?;
    if browser.map(digest) != Some(claims.browser) {
        return Err(Refusal::OtherBrowser);
    }
    if !ports.companies.use_once(&claims.company, &claims.nonce, now).await? {
        return Err(Refusal::Reused);
    }
    Ok(claims.company)
}

/// Refuses what is refused whatever QuickBooks says, before a code is traded: new tokens can make the realm's present
/// ones useless (Intuit: OAuth 2.0).
async fn may_connect(ports: Ports<'_>, books: &Books) -> Result<(Company, Settings), Refusal> {
    let company = ports.companies.load(&books.company).await?.ok_or(Refusal::UnknownCompany)?;
    let holder = ports.companies.of_realm(&books.realm).await?;
    if holder.is_some_and(|holder| holder != books.company) {
        return Err(Refusal::RealmTaken);
    }
    let connection = Connection {
        realm: books.realm.clone(),
        state: ConnectionState::Connected,
        name: String::new(),
        connected_at: ports.clock.now(),
    };
    let mut after = company.clone();
    after.connect(connection).map_err(|present| Refusal::OtherRealm(present.name))?;
    Ok((company, after.settings))
}

async fn exchange(ports: Ports<'_>, code: SecretString) -> Result<TokenPair, Refusal> {
    let result = ports.intuit.exchange(code, ports.clock.now()).await;
    result.map_err(of_token_server)
}

fn of_token_server(error: RefreshError) -> Refusal {
    match error {
        RefreshError::Dead => Refusal::Intuit("it no longer accepts the code".into()),
        RefreshError::Client => Refusal::Intuit(error.to_string()),
        RefreshError::Unknown(reason) => Refusal::Unreachable(reason),
    }
}

/// Tries the new tokens and, if they are good, stores them and the connection.
async fn keep(
    ports: Ports<'_>,
    books: &Books,
    tokens: &TokenPair,
    attempt: &str,
) -> Result<Reference, Refusal> {
    let lists = ports.intuit.reference_lists(&books.realm, tokens).await.map_err(of_first_read)?;
    let now = ports.clock.now();
    let reference = Reference::from_lists(&lists, now);
    store_tokens(ports, books, tokens, attempt).await?;
    let connection = Connection {
        realm: books.realm.clone(),
        state: ConnectionState::Connected,
        name: reference.name.clone(),
        connected_at: now,
    };
    ports.companies.connect(&books.company, &connection, &reference).await.map_err(|error| match error {
        ConnectError::RealmTaken => Refusal::RealmTaken,
        ConnectError::OtherRealm(name) => Refusal::OtherRealm(name),
        ConnectError::UnknownCompany => Refusal::UnknownCompany,
        ConnectError::Store(error) => Refusal::Store(error),
    })?;
    Ok(reference)
}

/// A pair that was issued a moment ago is refused only for want of rights (Intuit: Error codes 120, 3100, 5020).
fn of_first_read(error: CallError) -> Refusal {
    match error {
        CallError::Unauthorized => Refusal::MissingRights(error.to_string()),
        CallError::Forbidden(fault) => Refusal::MissingRights(fault.to_string()),
        CallError::Refused(fault) if ["120", "3100", "5020"].iter().any(|code| fault.has_code(code)) => {
            Refusal::MissingRights(fault.to_string())
        }
        CallError::Refused(fault) => Refusal::Intuit(fault.to_string()),
        CallError::NotSent(_) | CallError::Unknown(_) | CallError::Throttled { .. } => {
            Refusal::Unreachable(error.to_string())
        }
    }
}

/// Stores the pair when nobody is refreshing the one before: that would be stored over it. How the connection stands is
/// stored with it, so that it is kept alive from now on, and nobody revokes what a person has just consented to.
async fn store_tokens(
    ports: Ports<'_>,
    books: &Books,
    tokens: &TokenPair,
    attempt: &str,
) -> Result<(), StoreError> {
    let lease = tokens::lease(ports.companies, ports.clock, books, attempt).await?;
    if lease.is_none() {
        // Whoever has it is dead or very slow, and the person is here now.
        tracing::warn!(company.id = %books.company, realm.id = %books.realm, "storing new tokens without their lease");
    }
    let now = ports.clock.now();
    let consent = |before: Option<&Standing>| Some(Standing::of_consent(books, tokens, before, now));
    let stored = match ports.vault.store(books, tokens).await {
        Ok(()) => standing::update(ports.standings, books, consent).await.map(drop),
        Err(error) => Err(error),
    };
    if let Some(lease) = lease {
        tokens::give_back(ports.companies, books, &lease).await;
    }
    stored
}

/// Gives up tokens that are of no use. Not if the realm is anybody's: revoking them would end that connection too
/// (Intuit: OAuth 2.0, "Revoke access").
async fn give_up(ports: Ports<'_>, books: &Books, tokens: &TokenPair) {
    let revoked = match ports.companies.of_realm(&books.realm).await {
        Ok(None) => ports.intuit.revoke(tokens).await.map_err(|error| error.to_string()),
        Ok(Some(_)) => return,
        Err(error) => Err(error.to_string()),
    };
    if let Err(reason) = revoked {
        tracing::warn!(
            company.id = %books.company, realm.id = %books.realm, reason,
            "tokens that are of no use were not given up; they die by themselves"
        );
    }
}

fn later(now: Timestamp, life: SignedDuration) -> Timestamp {
    now.checked_add(life).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
