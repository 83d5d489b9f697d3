//! Token pairs: where they are kept, and who renews them.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreError;
use crate::ids::Books;
use crate::tokens::TokenPair;

/// Where token pairs are kept.
#[async_trait]
pub trait Vault: Send + Sync {
    /// The books' token pair.
    async fn tokens(&self, books: &Books) -> Result<Option<TokenPair>, StoreError>;

    /// Stores a pair in place of the one before, durably. Whoever reads in the next moments may still get the one
    /// before.
    async fn store(&self, books: &Books, tokens: &TokenPair) -> Result<(), StoreError>;

    /// Keeps no pair for the books any more. Doing it again, or where there was none, is harmless.
    async fn forget(&self, books: &Books) -> Result<(), StoreError>;
}

/// Intuit's token server.
#[async_trait]
pub trait TokenServer: Send + Sync {
    /// Trades the refresh token for a new pair.
    async fn refresh(&self, tokens: &TokenPair, now: Timestamp) -> Result<TokenPair, RefreshError>;
}

/// Why a refresh gave no new pair.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RefreshError {
    /// The refresh token is dead (`invalid_grant`).
    #[error("QuickBooks no longer accepts the refresh token")]
    Dead,
    /// The app's own credentials are wrong (`invalid_client`).
    #[error("QuickBooks does not accept the app's client id and secret")]
    Client,
    /// No usable answer: the pair may have been changed.
    #[error("the token server did not answer as it should: {0}")]
    Unknown(String),
}
