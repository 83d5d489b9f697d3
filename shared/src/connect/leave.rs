//! Disconnecting (R57): the tokens are given up at Intuit; settings stay, and links stay with their realm (R65, R92).
//!
//! What a person wants holds at once, also while Intuit cannot be reached: pushes are parked from then on, and
//! token-refresh tells Intuit later.

use super::{BadSeal, Ports, Refusal};
use crate::ids::Books;
use crate::ports::{Companies, RefreshError, StoreError};
use crate::settings::{Company, Connection, ConnectionState};
use crate::standing::{self, EndReason, Standing};
use crate::tokens;

/// How often a company is tried to be changed against others who change it at the same moment.
const TRIES: u32 = 5;

/// A company that is disconnected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// The QuickBooks company's name.
    pub name: String,
    /// Intuit knows. If not, it is told as soon as it can be reached.
    pub revoked: bool,
}

/// Disconnects a company from the realm that a person has seen it linked with. Doing it again is harmless. `attempt`
/// names this attempt and no other.
///
/// Fails as [`linked`], or as the stores do.
pub async fn leave(ports: Ports<'_>, books: &Books, attempt: &str) -> Result<Left, Refusal> {
    let name = mark_disconnected(ports, books).await?;
    let (now, pair) = (ports.clock.now(), ports.vault.tokens(books).await?);
    standing::update(ports.standings, books, |before| {
        let unknown = || Some(Standing::of_consent(books, pair.as_ref()?, None, now));
        let mut standing = before.cloned().or_else(unknown)?;
        // What it ended of before does not matter any more, and nobody is to be told.
        standing.ended = None;
        standing.end(EndReason::Disconnected, now);
        standing.to_revoke = true;
        Some(standing)
    })
    .await?;
    let revoked = revoke_left(ports, books, attempt).await?;
    Ok(Left { name, revoked })
}

/// The company and its connection with this realm. What it is linked with by now is not given up by a page that showed
/// another one.
///
/// # Errors
/// [`Refusal::UnknownCompany`], [`Refusal::NeverConnected`], [`Refusal::Link`] if it is linked with another realm, or
/// the store failed.
pub async fn linked(companies: &dyn Companies, books: &Books) -> Result<(Company, Connection), Refusal> {
    let company = companies.load(&books.company).await?.ok_or(Refusal::UnknownCompany)?;
    let connection = company.connection.clone().ok_or(Refusal::NeverConnected)?;
    if connection.realm != books.realm {
        return Err(Refusal::Link(BadSeal::Expired));
    }
    Ok((company, connection))
}

/// The QuickBooks company's name.
async fn mark_disconnected(ports: Ports<'_>, books: &Books) -> Result<String, Refusal> {
    for _ in 0..TRIES {
        let (company, connection) = linked(ports.companies, books).await?;
        let name = connection.name.clone();
        if connection.state == ConnectionState::Disconnected {
            return Ok(name);
        }
        let connection = Some(Connection { state: ConnectionState::Disconnected, ..connection });
        let version = company.version + 1;
        if ports.companies.save(&Company { connection, version, ..company }).await? {
            tracing::info!(company.id = %books.company, realm.id = %books.realm, "disconnected by a person");
            return Ok(name);
        }
    }
    Err(StoreError::new("disconnecting a company", "others kept changing it").into())
}

/// Gives up the tokens of a company that was disconnected, unless that is done, or somebody has connected it again;
/// whether nothing is left to be given up.
pub async fn revoke_left(ports: Ports<'_>, books: &Books, attempt: &str) -> Result<bool, StoreError> {
    // A pair that is being refreshed is replaced before it is given up, and a new consent is not taken back.
    let Some(lease) = tokens::lease(ports.companies, ports.clock, books, attempt).await? else {
        return Ok(false);
    };
    let revoked = revoke(ports, books).await;
    tokens::give_back(ports.companies, books, &lease).await;
    revoked
}

async fn revoke(ports: Ports<'_>, books: &Books) -> Result<bool, StoreError> {
    let to_revoke = |standing: &Standing| standing.to_revoke;
    if !ports.standings.standing(books).await?.is_some_and(|standing| to_revoke(&standing)) {
        return Ok(true);
    }
    if let Some(pair) = ports.vault.tokens(books).await? {
        match ports.intuit.revoke(&pair).await {
            // Dead already is as good.
            Ok(()) | Err(RefreshError::Dead) => {}
            Err(error @ (RefreshError::Client | RefreshError::Unknown(_))) => {
                tracing::warn!(
                    company.id = %books.company, realm.id = %books.realm, reason = %error,
                    "Intuit could not be told that the tokens are given up; it is told later"
                );
                return Ok(false);
            }
        }
        ports.vault.forget(books).await?;
    }
    standing::update(ports.standings, books, |before| {
        let standing = before.filter(|standing| standing.to_revoke)?;
        Some(Standing { to_revoke: false, due_at: None, ..standing.clone() })
    })
    .await?;
    Ok(true)
}
