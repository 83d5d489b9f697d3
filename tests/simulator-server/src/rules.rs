//! Rules for what goes wrong: which are in force, and when each strikes.

use jiff::{SignedDuration, Timestamp};

/// A fault with the members that say how often and how long it strikes.
pub trait Strikes: Clone {
    /// For how long after it was set, in seconds. None: without end.
    fn seconds(&self) -> Option<u32>;
    /// How many that fit are still spared before the first is struck.
    fn after(&mut self) -> &mut u32;
    /// How many more times it strikes. None: always.
    fn count(&mut self) -> &mut Option<u32>;
}

/// The rules in force, oldest first.
#[derive(Debug)]
pub struct Rules<F> {
    rules: Vec<Rule<F>>,
    last_id: u64,
}

#[derive(Debug)]
struct Rule<F> {
    id: u64,
    fault: F,
    ends: Option<Timestamp>,
}

impl<F> Default for Rules<F> {
    fn default() -> Self {
        Self { rules: Vec::new(), last_id: 0 }
    }
}

impl<F: Strikes> Rules<F> {
    /// Puts a rule in force and returns its id.
    pub fn add(&mut self, fault: F, now: Timestamp) -> u64 {
        self.last_id += 1;
        let length = fault.seconds().map(|seconds| SignedDuration::from_secs(seconds.into()));
        let ends = length.and_then(|length| now.checked_add(length).ok());
        self.rules.push(Rule { id: self.last_id, fault, ends });
        self.last_id
    }

    /// The rules still in force, with what is left of their counts.
    #[must_use]
    pub fn list(&self) -> Vec<(u64, F)> {
        self.rules.iter().map(|rule| (rule.id, rule.fault.clone())).collect()
    }

    /// Removes one rule, or all.
    pub fn remove(&mut self, id: Option<u64>) {
        self.rules.retain(|rule| id.is_some_and(|id| id != rule.id));
    }

    /// The faults that strike what they fit now.
    pub fn strike(&mut self, now: Timestamp, fits: impl Fn(&F) -> bool) -> Vec<F> {
        self.rules.retain(|rule| rule.ends.is_none_or(|ends| now < ends));
        let mut struck = Vec::new();
        for Rule { fault, .. } in self.rules.iter_mut().filter(|rule| fits(&rule.fault)) {
            let after = fault.after();
            if *after > 0 {
                *after -= 1;
                continue;
            }
            if let Some(count) = fault.count() {
                *count = count.saturating_sub(1);
            }
            struck.push(fault.clone());
        }
        self.rules.retain_mut(|rule| *rule.fault.count() != Some(0));
        struck
    }
}
