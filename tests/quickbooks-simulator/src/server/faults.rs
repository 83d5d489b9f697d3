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
    /// Only calls or webhook events of this company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub realm: Option<String>,
    /// How many calls that fit are spared before the first is struck.
    #[serde(default)]
    pub after: u32,
}

impl Fault {
    /// A fault that strikes the next call, whatever it is.
    pub fn once(effect: Effect) -> Self {
        Self { effect, count: Some(1), seconds: None, path: None, kind: None, realm: None, after: 0 }
    }

    /// The same fault, for calls of one kind only.
    #[must_use]
    pub fn on(self, kind: CallKind) -> Self {
        Self { kind: Some(kind), ..self }
    }

    fn fits(&self, call: &Call) -> bool {
        !self.effect.is_of_webhooks()
            && self.path.as_ref().is_none_or(|part| call.path.contains(part))
            && self.kind.is_none_or(|kind| kind == call.kind)
            && self.realm.as_ref().is_none_or(|realm| call.realm.as_ref() == Some(realm))
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

impl Effect {
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

/// The rules in force.
pub(super) type Faults = Rules<Fault>;

/// What faults do to calls and to webhooks.
pub(super) trait Strike {
    /// What happens to this call.
    fn strike_call(&mut self, call: &Call) -> Vec<Effect>;
    /// What happens to a webhook with events of these companies.
    fn strike_webhook(&mut self, realms: &[&str], now: Timestamp) -> Vec<Effect>;
}

impl Strike for Faults {
    fn strike_call(&mut self, call: &Call) -> Vec<Effect> {
        effects(&self.strike(call.at, |fault| fault.fits(call)))
    }

    fn strike_webhook(&mut self, realms: &[&str], now: Timestamp) -> Vec<Effect> {
        effects(&self.strike(now, |fault| {
            fault.effect.is_of_webhooks()
                && fault.realm.as_deref().is_none_or(|realm| realms.contains(&realm))
        }))
    }
}

fn effects(struck: &[Fault]) -> Vec<Effect> {
    struck.iter().map(|fault| fault.effect).collect()
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    fn call(kind: CallKind, realm: &str, at: Timestamp) -> Call {
        Call {
            at,
            realm: Some(realm.into()),
            method: "POST".into(),
            path: format!("/v3/company/{realm}/customer"),
            kind,
            status: None,
            response_lost: false,
            metered: false,
            tid: String::new(),
        }
    }

    #[test]
    fn a_rule_strikes_as_often_as_it_says_and_only_what_it_fits() {
        let (mut faults, now) = (Faults::default(), Timestamp::UNIX_EPOCH);
        let rule =
            Fault { count: Some(2), realm: Some("1".into()), after: 1, ..Fault::once(Effect::LoseResponse) };
        faults.add(rule.on(CallKind::Create), now);
        assert_eq!(faults.strike_call(&call(CallKind::Update, "1", now)), []);
        assert_eq!(faults.strike_call(&call(CallKind::Create, "2", now)), []);
        let struck = (0..5).map(|_| faults.strike_call(&call(CallKind::Create, "1", now)).len());
        assert_eq!(struck.collect::<Vec<_>>(), [0, 1, 1, 0, 0]);
        assert!(faults.list().is_empty());
    }

    #[test]
    fn a_rule_ends_by_the_clock() {
        let (mut faults, start) = (Faults::default(), Timestamp::UNIX_EPOCH);
        faults.add(Fault { count: None, seconds: Some(60), ..Fault::once(Effect::Throttle) }, start);
        let later = |seconds| start + SignedDuration::from_secs(seconds);
        assert_eq!(faults.strike_call(&call(CallKind::Read, "1", later(59))), [Effect::Throttle]);
        assert_eq!(faults.strike_call(&call(CallKind::Read, "1", later(60))), []);
    }

    #[test]
    fn rules_for_webhooks_leave_calls_alone() {
        let (mut faults, now) = (Faults::default(), Timestamp::UNIX_EPOCH);
        faults.add(Fault::once(Effect::DropWebhook), now);
        faults.add(Fault::once(Effect::Throttle), now);
        assert_eq!(faults.strike_call(&call(CallKind::Read, "1", now)), [Effect::Throttle]);
        assert_eq!(faults.strike_webhook(&["1"], now), [Effect::DropWebhook]);
    }

    #[test]
    fn effects_are_spelled_as_the_control_side_reads_them() {
        let text = r#"{"effect":{"server_error":{"status":503,"body":"html"}},"kind":"oauth"}"#;
        let fault: Fault = serde_json::from_str(text).unwrap();
        assert_eq!(fault.effect, Effect::ServerError { status: 503, body: ErrorBody::Html });
        assert_eq!((fault.kind, fault.count), (Some(CallKind::OAuth), None));
    }
}
