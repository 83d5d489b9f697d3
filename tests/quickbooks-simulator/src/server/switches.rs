//! How the server behaves where Intuit's behaviour is doubtful or depends on the app. The companies have switches
//! of their own.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

pub use super::oauth::connections::ConcurrentRefresh;
use super::oauth::connections::RefreshRules;
pub use super::throttle::Limits;

/// The server's switches. The defaults are strict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    /// Seconds for which a replaced refresh token still works: 0 by Intuit's present documentation, 86400 by older
    /// reports.
    pub previous_refresh_token_valid_for: u32,
    /// What happens to the second of two refreshes at once.
    pub concurrent_refresh: ConcurrentRefresh,
    /// Milliseconds of the simulator's clock that a refresh takes.
    pub refresh_takes: u32,
    /// Request limits.
    pub limits: Limits,
    /// How refusals by a limit are written, whatever the client accepts.
    pub throttle_format: ThrottleFormat,
    /// The app's free CorePlus calls of the month are used up: metered calls are refused with HTTP 429.
    pub builder_quota_exhausted: bool,
}

/// How a refusal by a limit is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThrottleFormat {
    /// A lower-case gateway fault.
    #[default]
    Json,
    /// The `IntuitResponse` document that older clients recorded.
    Xml,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            previous_refresh_token_valid_for: 0,
            concurrent_refresh: ConcurrentRefresh::default(),
            refresh_takes: 100,
            limits: Limits::default(),
            throttle_format: ThrottleFormat::default(),
            builder_quota_exhausted: false,
        }
    }
}

impl Switches {
    pub(super) fn refresh_rules(&self) -> RefreshRules {
        RefreshRules {
            previous_valid_for: SignedDuration::from_secs(self.previous_refresh_token_valid_for.into()),
            concurrent: self.concurrent_refresh,
            takes: SignedDuration::from_millis(self.refresh_takes.into()),
        }
    }
}
