//! The time, as everything in a simulator is to ask for it.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tokio::sync::watch;

/// The machine's time plus an offset. Every rule that depends on time asks this clock, so that a test can let a
/// refresh token grow a hundred days old in no time.
#[derive(Debug)]
pub struct Clock {
    offset: watch::Sender<SignedDuration>,
}

/// The year is beyond what can be represented.
#[derive(Debug, thiserror::Error)]
#[error("the clock cannot be set that far")]
pub struct ClockOutOfRange;

/// How to move a clock, as control sides take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockChange {
    /// To this instant.
    Now(Timestamp),
    /// By so many seconds, backwards if negative.
    AdvanceSeconds(i64),
}

impl Clock {
    /// A clock that is this much ahead of the machine's.
    pub fn new(offset: SignedDuration) -> Self {
        Self { offset: watch::Sender::new(offset) }
    }

    /// The time by this clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        // The offset was checked when it was set, with centuries to spare.
        machine_time().checked_add(self.offset()).unwrap_or(Timestamp::MAX)
    }

    /// How far it is ahead of the machine's clock.
    #[must_use]
    pub fn offset(&self) -> SignedDuration {
        *self.offset.borrow()
    }

    /// Moves the clock, backwards too. Whoever sleeps on it looks again.
    ///
    /// # Errors
    /// If the time would leave what can be represented.
    pub fn advance(&self, by: SignedDuration) -> Result<(), ClockOutOfRange> {
        let offset = self.offset().checked_add(by).ok_or(ClockOutOfRange)?;
        machine_time()
            .checked_add(offset)
            .and_then(|now| now.checked_add(SignedDuration::from_hours(24 * 365 * 100)))
            .map_err(|_| ClockOutOfRange)?;
        self.set_offset(offset);
        Ok(())
    }

    /// Moves the clock as somebody asks.
    ///
    /// # Errors
    /// If the time would leave what can be represented.
    pub fn change(&self, change: ClockChange) -> Result<(), ClockOutOfRange> {
        self.advance(match change {
            ClockChange::Now(to) => to.duration_since(self.now()),
            ClockChange::AdvanceSeconds(seconds) => SignedDuration::from_secs(seconds),
        })
    }

    /// Sets how far it is ahead. Whoever sleeps on it looks again.
    pub fn set_offset(&self, offset: SignedDuration) {
        self.offset.send_replace(offset);
    }

    /// Returns once this clock shows `due`, whether that comes by waiting or by being moved.
    pub async fn sleep_until(&self, due: Timestamp) {
        let mut moved = self.offset.subscribe();
        loop {
            let left = due.duration_since(self.now());
            let Ok(left) = std::time::Duration::try_from(left) else { return };
            if left.is_zero() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(left) => {}
                moved = moved.changed() => if moved.is_err() { return },
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the clock that everybody else is to ask")]
fn machine_time() -> Timestamp {
    Timestamp::now()
}
