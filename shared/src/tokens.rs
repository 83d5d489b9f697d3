//! Token pairs, and their refresh by exactly one worker at a time.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};

use crate::ids::Books;
use crate::ports::{
    Clock, Companies, Lease, OpenError, RefreshError, Standings, StoreError, TokenServer, Vault, explain,
};
use crate::settings::ConnectionState;
use crate::standing::{self, EndReason, Standing};

/// Access tokens are refreshed this long before they die, so that none dies under way.
const EARLY: SignedDuration = SignedDuration::from_mins(5);
/// With this much left, a token serves whoever cannot refresh it just now.
const ENOUGH: SignedDuration = SignedDuration::from_secs(30);
/// Longer than two answers of the token server and the storing of the pair can take.
const LEASE: SignedDuration = SignedDuration::from_secs(90);
/// How long, and how often, whoever finds the lease taken looks for the new pair.
const PAUSE: Duration = Duration::from_millis(500);
const PAUSES: u32 = 20;
/// How long a refresh answers for the connection's being good.
const CHECK_AGAIN: SignedDuration = SignedDuration::from_mins(1);
/// How often a new pair is tried to be stored: the old one may be dead by then.
const STORE_TRIES: u32 = 3;
/// How often a company is tried to be marked against others who change it at the same moment.
const MARK_TRIES: u32 = 5;
/// For how long a vault may answer with the pair before the one that was stored.
const BEHIND: SignedDuration = SignedDuration::from_mins(5);

/// What Intuit issues for one realm. Secrets are hidden from `Debug`.
#[derive(Clone, Debug)]
pub struct TokenPair {
    /// Sent with every call; lives an hour.
    pub access_token: SecretString,
    /// When the access token dies.
    pub access_expires_at: Timestamp,
    /// Traded for the next pair; lives 100 days from its last use.
    pub refresh_token: SecretString,
    /// When the refresh token dies unless it is used.
    pub refresh_expires_at: Timestamp,
    /// When it dies however it is used, if Intuit said so.
    pub hard_expires_at: Option<Timestamp>,
}

impl TokenPair {
    /// Whether the access token is good for some minutes, as far as its age goes.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        self.serves(None, now, EARLY)
    }

    /// Whether the access token is good for this much longer, and is not the one that was rejected.
    fn serves(&self, rejected: Option<&SecretString>, now: Timestamp, left: SignedDuration) -> bool {
        let is_rejected =
            rejected.is_some_and(|rejected| rejected.expose_secret() == self.access_token.expose_secret());
        !is_rejected && self.access_expires_at.duration_since(now) > left
    }
}

/// What a refresh works with.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// Tenants and leases.
    pub companies: &'a dyn Companies,
    /// How connections stand.
    pub standings: &'a dyn Standings,
    /// Token pairs.
    pub vault: &'a dyn Vault,
    /// Intuit.
    pub server: &'a dyn TokenServer,
    /// The time.
    pub clock: &'a dyn Clock,
}

/// The books' token pair with an access token that is good for some minutes, refreshed if need be. `rejected` is an
/// access token that QuickBooks does not accept though it looks good.
///
/// Whoever holds the books' lease refreshes, everybody else waits for the new pair: Intuit accepts a refresh token
/// once, and may end the connection when it is sent twice (Intuit: OAuth 2.0, FAQ). A new pair is stored before it is
/// used. `holder` names this attempt and no other.
///
/// Fails with [`OpenError::NotConnected`] once the refresh token is dead; the connection is then marked as expired.
pub async fn token_pair(
    ports: Ports<'_>,
    books: &Books,
    holder: &str,
    rejected: Option<&SecretString>,
) -> Result<TokenPair, OpenError> {
    for _ in 0..PAUSES {
        let tokens = ports.vault.tokens(books).await?.ok_or(OpenError::NotConnected)?;
        if tokens.serves(rejected, ports.clock.now(), EARLY) {
            return Ok(tokens);
        }
        if let Some(lease) = try_lease(ports.companies, ports.clock, books, holder).await? {
            let result = refresh(ports, books, rejected).await;
            give_back(ports.companies, books, &lease).await;
            return result;
        }
        if tokens.serves(rejected, ports.clock.now(), ENOUGH) {
            return Ok(tokens);
        }
        ports.clock.sleep(PAUSE).await;
    }
    Err(OpenError::Later("another worker is refreshing them".into()))
}

/// Waits for the right to change the books' token pair; none if somebody else keeps it for too long.
pub(crate) async fn lease(
    companies: &dyn Companies,
    clock: &dyn Clock,
    books: &Books,
    holder: &str,
) -> Result<Option<Lease>, StoreError> {
    for _ in 0..PAUSES {
        if let Some(lease) = try_lease(companies, clock, books, holder).await? {
            return Ok(Some(lease));
        }
        clock.sleep(PAUSE).await;
    }
    Ok(None)
}

async fn try_lease(
    companies: &dyn Companies,
    clock: &dyn Clock,
    books: &Books,
    holder: &str,
) -> Result<Option<Lease>, StoreError> {
    let now = clock.now();
    let lease =
        Lease { name: "tokens", holder: holder.to_owned(), until: now.saturating_add(LEASE).unwrap_or(now) };
    Ok(companies.acquire_lease(books, &lease, now).await?.then_some(lease))
}

/// A lease that cannot be given back ends by itself.
pub(crate) async fn give_back(companies: &dyn Companies, books: &Books, lease: &Lease) {
    if let Err(error) = companies.release_lease(books, lease).await {
        let error = explain(&error);
        tracing::warn!(company.id = %books.company, realm.id = %books.realm, error, "the tokens' lease was not given back");
    }
}

/// Refreshes under the lease.
async fn refresh(
    ports: Ports<'_>,
    books: &Books,
    rejected: Option<&SecretString>,
) -> Result<TokenPair, OpenError> {
    // Somebody may have refreshed before the lease was free.
    let mut tokens = newest_pair(ports, books).await?;
    loop {
        if tokens.serves(rejected, ports.clock.now(), EARLY) {
            return Ok(tokens);
        }
        match next_pair(ports, books, &tokens).await {
            Ok(next) => {
                store(ports, books, &next).await?;
                note(ports, books, &next).await;
                return Ok(next);
            }
            Err(RefreshError::Dead) => {
                // A refresh token is dead for good only if it is still the one that is stored.
                let stored = newest_pair(ports, books).await?;
                if stored.refresh_token.expose_secret() == tokens.refresh_token.expose_secret() {
                    end(ports, books, None).await?;
                    return Err(OpenError::NotConnected);
                }
                tokens = stored;
            }
            Err(error @ (RefreshError::Client | RefreshError::Unknown(_))) => {
                return Err(OpenError::Later(error.to_string()));
            }
        }
    }
}

/// The stored pair, once it is the newest one: a vault may answer for a moment with the pair before, whose refresh
/// token is dead.
async fn newest_pair(ports: Ports<'_>, books: &Books) -> Result<TokenPair, OpenError> {
    let now = ports.clock.now();
    let just_stored = |standing: &Standing| now.duration_since(standing.refreshed_at) < BEHIND;
    let newest = ports.standings.standing(books).await?.filter(just_stored).map(|it| it.access_expires_at);
    for _ in 0..PAUSES {
        let tokens = ports.vault.tokens(books).await?.ok_or(OpenError::NotConnected)?;
        if newest.is_none_or(|newest| newest <= tokens.access_expires_at) {
            return Ok(tokens);
        }
        ports.clock.sleep(PAUSE).await;
    }
    Err(OpenError::Later("the newest tokens cannot be read yet".into()))
}

/// Asks the token server, and once more if the answer was lost: the same refresh token tells which it is. If it is
/// dead now, the lost answer held the new pair (Intuit: OAuth 2.0, FAQ).
async fn next_pair(ports: Ports<'_>, books: &Books, tokens: &TokenPair) -> Result<TokenPair, RefreshError> {
    match ports.server.refresh(tokens, ports.clock.now()).await {
        Err(RefreshError::Unknown(reason)) => {
            tracing::warn!(
                company.id = %books.company, realm.id = %books.realm, reason,
                "the token server's answer was lost; asking once more"
            );
            ports.clock.sleep(PAUSE).await;
            ports.server.refresh(tokens, ports.clock.now()).await
        }
        answer => answer,
    }
}

/// Stores a new pair, with patience.
async fn store(ports: Ports<'_>, books: &Books, tokens: &TokenPair) -> Result<(), StoreError> {
    let mut tries = 1;
    loop {
        match ports.vault.store(books, tokens).await {
            Err(_) if tries < STORE_TRIES => {
                tries += 1;
                ports.clock.sleep(PAUSE).await;
            }
            result => return result,
        }
    }
}

/// Notes what the new pair says of its life. The pair is stored and good whatever becomes of this; the next refresh
/// notes it again.
async fn note(ports: Ports<'_>, books: &Books, tokens: &TokenPair) {
    let now = ports.clock.now();
    let refreshed = |before: Option<&Standing>| match before {
        Some(before) => {
            let mut standing = before.clone();
            standing.refreshed(tokens, now);
            Some(standing)
        }
        // It was connected before standings were kept.
        None => Some(Standing::of_consent(books, tokens, None, now)),
    };
    if let Err(error) = standing::update(ports.standings, books, refreshed).await {
        let error = explain(&error);
        tracing::warn!(company.id = %books.company, realm.id = %books.realm, error, "a refresh was not noted");
    }
}

/// Finds out by a refresh whether a connection is still good, unless it was found out in the last minute. One that is not
/// is marked as expired.
pub async fn check(ports: Ports<'_>, books: &Books, holder: &str) -> Result<(), OpenError> {
    let now = ports.clock.now();
    let recent = |standing: &Standing| now.duration_since(standing.refreshed_at) < CHECK_AGAIN;
    if ports.standings.standing(books).await?.is_some_and(|standing| recent(&standing)) {
        return Ok(());
    }
    let tokens = ports.vault.tokens(books).await?.ok_or(OpenError::NotConnected)?;
    token_pair(ports, books, holder, Some(&tokens.access_token)).await.map(drop)
}

/// Marks a connection as expired, at once and for everybody: from now on pushes are parked and pulls wait, until a person
/// reconnects. `why` is none when Intuit no longer accepts the refresh token. A connection that has ended already, or
/// is with another realm by now, stays as it is.
pub async fn end(ports: Ports<'_>, books: &Books, why: Option<EndReason>) -> Result<(), StoreError> {
    if !mark_expired(ports, books).await? {
        return Ok(());
    }
    tracing::warn!(
        company.id = %books.company, realm.id = %books.realm, outcome = "expired",
        "the connection has ended; a person has to reconnect"
    );
    let (now, pair) = (ports.clock.now(), ports.vault.tokens(books).await?);
    standing::update(ports.standings, books, |before| {
        let unknown = || Some(Standing::of_consent(books, pair.as_ref()?, None, now));
        let mut standing = before.cloned().or_else(unknown)?;
        standing.end(why.clone().unwrap_or_else(|| standing.why_refused(now)), now);
        Some(standing)
    })
    .await?;
    Ok(())
}

/// Whether the connection is expired now and was not before.
async fn mark_expired(ports: Ports<'_>, books: &Books) -> Result<bool, StoreError> {
    for _ in 0..MARK_TRIES {
        let Some(mut company) = ports.companies.load(&books.company).await? else { return Ok(false) };
        match &mut company.connection {
            Some(connection)
                if connection.realm == books.realm && connection.state == ConnectionState::Connected =>
            {
                connection.state = ConnectionState::Expired;
            }
            _ => return Ok(false),
        }
        company.version += 1;
        if ports.companies.save(&company).await? {
            return Ok(true);
        }
    }
    Err(StoreError::new("marking a connection as expired", "others kept changing the company"))
}

#[cfg(test)]
mod tests;
