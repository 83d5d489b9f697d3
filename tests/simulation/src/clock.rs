//! The time of a world: it moves when the driver says so.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use sync::ports::Clock;

/// Milliseconds since the epoch.
pub(crate) struct SimulatedClock(AtomicI64);

impl SimulatedClock {
    pub(crate) fn at(start: Timestamp) -> SimulatedClock {
        SimulatedClock(AtomicI64::new(start.as_millisecond()))
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_millis()).unwrap_or(0), Ordering::Relaxed);
    }

    pub(crate) fn time(&self) -> Timestamp {
        Timestamp::from_millisecond(self.0.load(Ordering::Relaxed)).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        self.time()
    }
}
