//! What can go wrong on request.

use serde::{Deserialize, Serialize};

use super::calls::CallKind;

/// Something to go wrong, and for what. A company is named by its realm id.
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
    /// HTTP 429 with code 3001.
    Throttle,
    /// A failure on Intuit's side.
    ServerError {
        /// 500, 502, 503 or 504.
        status: u16,
        /// What comes with it.
        body: ErrorBody,
    },
    /// The access token that the call carries ends at once: HTTP 401, and a refresh helps.
    ExpireToken,
    /// The connection that the call's token belongs to is revoked: HTTP 401, and a refresh does not help.
    RevokeConnection,
    /// HTTP 403 with code 6190: the company's subscription has ended.
    SuspendSubscription,
    /// A webhook is sent twice.
    DuplicateWebhook,
    /// The events of a webhook come in reverse order.
    ReorderWebhook,
    /// A webhook is not sent.
    DropWebhook,
}

impl simulator_server::Effect for Effect {
    fn is_of_webhooks(self) -> bool {
        matches!(self, Self::DuplicateWebhook | Self::ReorderWebhook | Self::DropWebhook)
    }
}

/// The body of a server error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorBody {
    /// A `SystemFault` in the accounting API's spelling.
    Json,
    /// A fault in the gateway's lower-case spelling.
    Gateway,
    /// A page for people, as content delivery networks send it.
    Html,
    /// Nothing.
    Empty,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effects_are_spelled_as_the_control_side_reads_them() {
        let text = r#"{"effect":{"server_error":{"status":503,"body":"html"}},"kind":"oauth"}"#;
        let fault: Fault = serde_json::from_str(text).unwrap();
        assert_eq!(fault.effect, Effect::ServerError { status: 503, body: ErrorBody::Html });
        assert_eq!((fault.kind, fault.count), (Some(CallKind::OAuth), None));
    }
}
