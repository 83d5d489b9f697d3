//! What goes wrong on request: rules that strike the calls or the webhooks they fit.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use simulator_server::{Rules, Strikes};

use super::calls::{Call, CallKind};

/// Something to go wrong, and for what. A rule without `count` and `seconds` stays until it is deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What happens.
    pub effect: Effect,
    /// How many times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// For how long after it was set, in seconds of the simulator's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u32>,
    /// Only calls whose path (with its query, as sent) contains this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Only calls of this kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<CallKind>,
    /// How many calls or webhooks that fit are spared before the first is struck.
    #[serde(default)]
    pub after: u32,
}

impl Fault {
    /// A fault that strikes the next call, whatever it is.
    pub fn once(effect: Effect) -> Self {
        Self { effect, count: Some(1), seconds: None, path: None, kind: None, after: 0 }
    }

    /// The same fault, for calls of one kind only.
    #[must_use]
    pub fn on(self, kind: CallKind) -> Self {
        Self { kind: Some(kind), ..self }
    }

    /// The same fault, for calls whose path contains this.
    #[must_use]
    pub fn at(self, path: &str) -> Self {
        Self { path: Some(path.to_owned()), ..self }
    }

    fn fits(&self, call: &Call) -> bool {
        !self.effect.is_of_webhooks()
            && self.path.as_ref().is_none_or(|part| call.path.contains(part))
            && self.kind.is_none_or(|kind| kind == call.kind)
    }
}

impl Strikes for Fault {
    fn seconds(&self) -> Option<u32> {
        self.seconds
    }

    fn after(&mut self) -> &mut u32 {
        &mut self.after
    }

    fn count(&mut self) -> &mut Option<u32> {
        &mut self.count
    }
}

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

impl Effect {
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

/// The rules in force.
pub(super) type Faults = Rules<Fault>;

/// What faults do to calls and to webhooks.
pub(super) trait Strike {
    /// What happens to this call.
    fn strike_call(&mut self, call: &Call) -> Vec<Effect>;
    /// What happens to a webhook.
    fn strike_webhook(&mut self, now: Timestamp) -> Vec<Effect>;
}

impl Strike for Faults {
    fn strike_call(&mut self, call: &Call) -> Vec<Effect> {
        effects(&self.strike(call.at, |fault| fault.fits(call)))
    }

    fn strike_webhook(&mut self, now: Timestamp) -> Vec<Effect> {
        effects(&self.strike(now, |fault| fault.effect.is_of_webhooks()))
    }
}

fn effects(struck: &[Fault]) -> Vec<Effect> {
    struck.iter().map(|fault| fault.effect).collect()
}
