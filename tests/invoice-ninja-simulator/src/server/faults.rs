//! What can go wrong on request.

use serde::{Deserialize, Serialize};

use super::calls::CallKind;

/// Something to go wrong, and for what. A company is named by its place, from 0.
pub type Fault = simulator_server::Fault<Effect, CallKind>;

/// The rules in force.
pub(super) type Faults = simulator_server::Faults<Effect, CallKind>;

/// What a fault does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The connection breaks before anything was done.
    LoseRequest,
    /// Everything is done, then the connection breaks without an answer.
    LoseResponse,
    /// Waits before anything is done. A client that gives up meanwhile has changed nothing.
    DelayRequest {
        /// How long.
        milliseconds: u64,
    },
    /// Waits after everything is done. A client that gives up meanwhile does not know what it has changed.
    DelayResponse {
        /// How long.
        milliseconds: u64,
    },
    /// HTTP 429.
    Throttle,
    /// Any other failing status before anything was done.
    Fail {
        /// Such as 500, 502, 503, 401 or 403.
        status: u16,
        /// What comes with it.
        body: ErrorBody,
    },
    /// A webhook is sent twice.
    DuplicateWebhook,
    /// A webhook is not sent.
    DropWebhook,
}

impl simulator_server::Effect for Effect {
    fn is_of_webhooks(self) -> bool {
        matches!(self, Self::DuplicateWebhook | Self::DropWebhook)
    }
}

/// The body of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorBody {
    /// `{"message": …}`.
    Json,
    /// A page for people.
    Html,
    /// Nothing.
    Empty,
}
