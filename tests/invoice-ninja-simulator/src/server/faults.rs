//! What goes wrong on request: rules that strike the calls or the webhooks they fit.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

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

/// The rules in force, oldest first.
#[derive(Debug, Default)]
pub(super) struct Faults {
    rules: Vec<Rule>,
    last_id: u64,
}

#[derive(Debug)]
struct Rule {
    id: u64,
    fault: Fault,
    ends: Option<Timestamp>,
}

impl Faults {
    /// Puts a rule in force and returns its id.
    pub(super) fn add(&mut self, fault: Fault, now: Timestamp) -> u64 {
        self.last_id += 1;
        let length = fault.seconds.map(|seconds| SignedDuration::from_secs(seconds.into()));
        let ends = length.and_then(|length| now.checked_add(length).ok());
        self.rules.push(Rule { id: self.last_id, fault, ends });
        self.last_id
    }

    /// The rules still in force, with what is left of their counts.
    pub(super) fn list(&self) -> Vec<(u64, Fault)> {
        self.rules.iter().map(|rule| (rule.id, rule.fault.clone())).collect()
    }

    /// Removes one rule, or all.
    pub(super) fn remove(&mut self, id: Option<u64>) {
        self.rules.retain(|rule| id.is_some_and(|id| id != rule.id));
    }

    /// What happens to this call.
    pub(super) fn strike_call(&mut self, call: &Call) -> Vec<Effect> {
        self.strike(call.at, |fault| fault.fits(call))
    }

    /// What happens to a webhook.
    pub(super) fn strike_webhook(&mut self, now: Timestamp) -> Vec<Effect> {
        self.strike(now, |fault| fault.effect.is_of_webhooks())
    }

    fn strike(&mut self, now: Timestamp, fits: impl Fn(&Fault) -> bool) -> Vec<Effect> {
        self.rules.retain(|rule| rule.ends.is_none_or(|ends| now < ends));
        let mut effects = Vec::new();
        for Rule { fault, .. } in self.rules.iter_mut().filter(|rule| fits(&rule.fault)) {
            if fault.after > 0 {
                fault.after -= 1;
                continue;
            }
            if let Some(count) = &mut fault.count {
                *count = count.saturating_sub(1);
            }
            effects.push(fault.effect);
        }
        self.rules.retain(|rule| rule.fault.count != Some(0));
        effects
    }
}
