//! What goes wrong on request: rules that strike the calls or the webhooks they fit.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Something to go wrong, and for what. A rule without `count` and `seconds` stays until it is deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault<E, K> {
    /// What happens.
    pub effect: E,
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
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    pub kind: Option<K>,
    /// Only calls or webhooks of this company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    /// How many calls or webhooks that fit are spared before the first is struck.
    #[serde(default)]
    pub after: u32,
}

/// What a fault does.
pub trait Effect: Copy {
    /// Whether it strikes webhooks, and leaves calls alone.
    fn is_of_webhooks(self) -> bool;
}

/// A call, as far as faults ask.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a, K> {
    /// When it came in.
    pub at: Timestamp,
    /// The path with its query, as sent.
    pub path: &'a str,
    /// What it does.
    pub kind: K,
    /// Whose records it is about.
    pub company: Option<&'a str>,
}

impl<E: Effect, K: Copy + PartialEq> Fault<E, K> {
    /// A fault that strikes the next call, whatever it is.
    pub const fn once(effect: E) -> Self {
        Self { effect, count: Some(1), seconds: None, path: None, kind: None, company: None, after: 0 }
    }

    /// The same fault, for calls of one kind only.
    #[must_use]
    pub fn on(self, kind: K) -> Self {
        Self { kind: Some(kind), ..self }
    }

    /// The same fault, for calls whose path contains this.
    #[must_use]
    pub fn at(self, path: &str) -> Self {
        Self { path: Some(path.to_owned()), ..self }
    }

    fn fits(&self, call: &Seen<'_, K>) -> bool {
        !self.effect.is_of_webhooks()
            && self.path.as_ref().is_none_or(|part| call.path.contains(part))
            && self.kind.is_none_or(|kind| kind == call.kind)
            && self.company.as_deref().is_none_or(|company| call.company == Some(company))
    }
}

/// The rules in force, oldest first.
#[derive(Debug)]
pub struct Faults<E, K> {
    rules: Vec<Rule<E, K>>,
    last_id: u64,
}

#[derive(Debug)]
struct Rule<E, K> {
    id: u64,
    fault: Fault<E, K>,
    ends: Option<Timestamp>,
}

impl<E, K> Default for Faults<E, K> {
    fn default() -> Self {
        Self { rules: Vec::new(), last_id: 0 }
    }
}

impl<E: Effect, K: Copy + PartialEq> Faults<E, K> {
    /// Puts a rule in force and returns its id.
    pub fn add(&mut self, fault: Fault<E, K>, now: Timestamp) -> u64 {
        self.last_id += 1;
        let length = fault.seconds.map(|seconds| SignedDuration::from_secs(seconds.into()));
        let ends = length.and_then(|length| now.checked_add(length).ok());
        self.rules.push(Rule { id: self.last_id, fault, ends });
        self.last_id
    }

    /// The rules still in force, with what is left of their counts.
    #[must_use]
    pub fn list(&self) -> Vec<(u64, Fault<E, K>)> {
        self.rules.iter().map(|rule| (rule.id, rule.fault.clone())).collect()
    }

    /// Removes one rule, or all.
    pub fn remove(&mut self, id: Option<u64>) {
        self.rules.retain(|rule| id.is_some_and(|id| id != rule.id));
    }

    /// What happens to this call.
    pub fn strike_call(&mut self, call: &Seen<'_, K>) -> Vec<E> {
        self.strike(call.at, |fault| fault.fits(call)).iter().map(|fault| fault.effect).collect()
    }

    /// What strikes a webhook about these companies; a fault of one of them leaves the others' events alone.
    pub fn strike_webhook(&mut self, companies: &[&str], now: Timestamp) -> Vec<Fault<E, K>> {
        self.strike(now, |fault| {
            fault.effect.is_of_webhooks()
                && fault.company.as_deref().is_none_or(|company| companies.contains(&company))
        })
    }

    fn strike(&mut self, now: Timestamp, fits: impl Fn(&Fault<E, K>) -> bool) -> Vec<Fault<E, K>> {
        self.rules.retain(|rule| rule.ends.is_none_or(|ends| now < ends));
        let mut struck = Vec::new();
        for Rule { fault, .. } in self.rules.iter_mut().filter(|rule| fits(&rule.fault)) {
            if fault.after > 0 {
                fault.after -= 1;
                continue;
            }
            if let Some(count) = &mut fault.count {
                *count = count.saturating_sub(1);
            }
            struck.push(fault.clone());
        }
        self.rules.retain(|rule| rule.fault.count != Some(0));
        struck
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Wrong {
        LoseAnswer,
        DropWebhook,
    }

    impl Effect for Wrong {
        fn is_of_webhooks(self) -> bool {
            self == Self::DropWebhook
        }
    }

    type Rules = Faults<Wrong, char>;

    const START: Timestamp = Timestamp::UNIX_EPOCH;

    fn call(kind: char, company: &str, at: Timestamp) -> Seen<'_, char> {
        Seen { at, path: "/customer", kind, company: Some(company) }
    }

    #[test]
    fn a_rule_strikes_as_often_as_it_says_and_only_what_it_fits() {
        let mut faults = Rules::default();
        let rule = Fault::once(Wrong::LoseAnswer).on('c').at("customer");
        faults.add(Fault { count: Some(2), company: Some("1".into()), after: 1, ..rule }, START);
        assert_eq!(faults.strike_call(&call('u', "1", START)), []);
        assert_eq!(faults.strike_call(&call('c', "2", START)), []);
        assert_eq!(faults.strike_call(&Seen { path: "/item", ..call('c', "1", START) }), []);
        let struck = (0..5).map(|_| faults.strike_call(&call('c', "1", START)).len());
        assert_eq!(struck.collect::<Vec<_>>(), [0, 1, 1, 0, 0]);
        assert!(faults.list().is_empty());
    }

    #[test]
    fn a_rule_ends_by_the_clock() {
        let mut faults = Rules::default();
        faults.add(Fault { count: None, seconds: Some(60), ..Fault::once(Wrong::LoseAnswer) }, START);
        let later = |seconds| START + SignedDuration::from_secs(seconds);
        assert_eq!(faults.strike_call(&call('c', "1", later(59))), [Wrong::LoseAnswer]);
        assert_eq!(faults.strike_call(&call('c', "1", later(60))), []);
    }

    #[test]
    fn rules_for_webhooks_leave_calls_alone() {
        let mut faults = Rules::default();
        faults.add(Fault { company: Some("1".into()), ..Fault::once(Wrong::DropWebhook) }, START);
        faults.add(Fault::once(Wrong::LoseAnswer), START);
        assert_eq!(faults.strike_call(&call('c', "1", START)), [Wrong::LoseAnswer]);
        assert_eq!(faults.strike_webhook(&["2"], START), []);
        let struck = faults.strike_webhook(&["2", "1"], START);
        assert!(matches!(struck.as_slice(), [fault] if fault.effect == Wrong::DropWebhook));
    }
}
