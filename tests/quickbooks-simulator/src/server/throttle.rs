//! Intuit's request limits, as sliding windows over the simulator's clock.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How many requests are let through. None means without limit. Defaults are Intuit's ("Limits and throttles",
/// in force in production since 2025-10-31). The simulator has one app, so "per company and app" is per company.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Accounting requests a second, per company and app.
    pub per_second: Option<usize>,
    /// Accounting requests a minute, per company.
    pub per_minute: Option<usize>,
    /// Batch requests a minute, per company and app.
    pub batches_per_minute: Option<usize>,
    /// Batch requests a minute, per company over all apps.
    pub company_batches_per_minute: Option<usize>,
    /// Requests a minute to all of Intuit's endpoints, per company and app.
    pub all_endpoints_per_minute: Option<usize>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            per_second: Some(10),
            per_minute: Some(500),
            batches_per_minute: Some(40),
            company_batches_per_minute: Some(120),
            all_endpoints_per_minute: Some(800),
        }
    }
}

impl Limits {
    /// No limits, for tests that are about something else.
    pub const NONE: Self = Self {
        per_second: None,
        per_minute: None,
        batches_per_minute: None,
        company_batches_per_minute: None,
        all_endpoints_per_minute: None,
    };

    fn windows(&self, is_batch: bool) -> impl Iterator<Item = (SignedDuration, usize, Counted)> {
        let second = SignedDuration::from_secs(1);
        let minute = SignedDuration::from_mins(1);
        let batches = |limit: Option<usize>| limit.filter(|_| is_batch);
        [
            (second, self.per_second, Counted::All),
            (minute, self.per_minute, Counted::All),
            (minute, self.all_endpoints_per_minute, Counted::All),
            (minute, batches(self.batches_per_minute), Counted::Batches),
            (minute, batches(self.company_batches_per_minute), Counted::Batches),
        ]
        .into_iter()
        .filter_map(|(window, limit, counted)| Some((window, limit?, counted)))
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Counted {
    All,
    Batches,
}

/// The requests of the last minute that were let through.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    companies: BTreeMap<String, Passed>,
}

#[derive(Debug, Default)]
struct Passed {
    all: VecDeque<Timestamp>,
    batches: VecDeque<Timestamp>,
}

impl Throttle {
    /// Whether one more request of this company may pass now; if so, it is counted. Refused ones are not.
    /// `now` is to be asked for after this was locked, so that times come in order.
    pub(super) fn admits(&mut self, realm: &str, is_batch: bool, limits: &Limits, now: Timestamp) -> bool {
        let passed = self.companies.entry(realm.to_owned()).or_default();
        forget_what_is_old(&mut passed.all, now);
        forget_what_is_old(&mut passed.batches, now);
        let full = limits.windows(is_batch).any(|(window, limit, counted)| {
            let times = if counted == Counted::All { &passed.all } else { &passed.batches };
            times.len() - times.partition_point(|time| now.duration_since(*time) >= window) >= limit
        });
        if !full {
            passed.all.push_back(now);
            if is_batch {
                passed.batches.push_back(now);
            }
        }
        !full
    }
}

/// Drops what left the longest window, and what lies ahead because the clock was set back.
fn forget_what_is_old(times: &mut VecDeque<Timestamp>, now: Timestamp) {
    while times.front().is_some_and(|time| now.duration_since(*time) >= SignedDuration::from_mins(1)) {
        times.pop_front();
    }
    while times.back().is_some_and(|time| *time > now) {
        times.pop_back();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(1_700_000_000_000 + milliseconds).unwrap()
    }

    #[test]
    fn ten_pass_in_a_second_and_the_window_slides() {
        let (mut throttle, limits) = (Throttle::default(), Limits::default());
        let passed = (0..12).filter(|n| throttle.admits("1", false, &limits, at(n * 10))).count();
        assert_eq!(passed, 10);
        assert!(throttle.admits("2", false, &limits, at(120)), "another company has its own limit");
        assert!(!throttle.admits("1", false, &limits, at(999)));
        assert!(throttle.admits("1", false, &limits, at(1000)), "the first left the window");
        assert!(!throttle.admits("1", false, &limits, at(1005)), "the second did not");
    }

    #[test]
    fn five_hundred_pass_in_a_minute() {
        let (mut throttle, limits) = (Throttle::default(), Limits { per_second: None, ..Limits::default() });
        assert_eq!((0..600).filter(|n| throttle.admits("1", false, &limits, at(*n))).count(), 500);
        assert!(throttle.admits("1", false, &limits, at(60_000)));
    }

    #[test]
    fn batches_have_a_limit_of_their_own() {
        let (mut throttle, limits) = (Throttle::default(), Limits { per_second: None, ..Limits::default() });
        assert_eq!((0..50).filter(|n| throttle.admits("1", true, &limits, at(*n))).count(), 40);
        assert!(throttle.admits("1", false, &limits, at(51)), "other requests still pass");
    }

    #[test]
    fn a_clock_set_back_does_not_count_what_lies_ahead() {
        let (mut throttle, limits) = (Throttle::default(), Limits::default());
        for _ in 0..10 {
            throttle.admits("1", false, &limits, at(5_000));
        }
        assert!(throttle.admits("1", false, &limits, at(0)));
    }

    #[test]
    fn without_limits_everything_passes() {
        let mut throttle = Throttle::default();
        assert!((0..5_000).all(|_| throttle.admits("1", true, &Limits::NONE, at(0))));
    }
}
