//! Token pairs, and their refresh by exactly one worker at a time.

use jiff::Timestamp;
use secrecy::SecretString;

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
