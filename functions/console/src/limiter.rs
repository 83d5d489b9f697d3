//! How often somebody may ask. API Gateway's throttle protects all (template.yaml); this keeps one from using it up.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// Requests of one company's people in a minute.
pub(crate) const REQUESTS: u32 = 300;
/// Attempts to get in from one address in a minute.
pub(crate) const ATTEMPTS: u32 = 30;
/// Whoever is counted is forgotten after this time.
const WINDOW: SignedDuration = SignedDuration::from_mins(1);
/// How many are counted at most; beyond that the count begins anew.
const MOST: usize = 10_000;

/// Counts requests in windows of a minute. Each process counts for itself.
#[derive(Debug, Default)]
pub(crate) struct Limiter(Mutex<HashMap<String, (Timestamp, u32)>>);

impl Limiter {
    /// Counts a request; false if there were `most` in this minute already.
    pub(crate) fn admits(&self, who: &str, most: u32, now: Timestamp) -> bool {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= MOST {
            counts.clear();
        }
        let (since, count) = counts.entry(who.to_owned()).or_insert((now, 0));
        if now.duration_since(*since) >= WINDOW {
            (*since, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        *count <= most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_in_a_minute_and_each_for_themselves() {
        let limiter = Limiter::default();
        let at = |second: i64| Timestamp::from_second(1_772_000_000 + second).unwrap();
        assert!((0..3).all(|_| limiter.admits("a", 3, at(0))));
        assert!(!limiter.admits("a", 3, at(59)) && limiter.admits("b", 3, at(59)));
        assert!(limiter.admits("a", 3, at(60)));
    }
}
