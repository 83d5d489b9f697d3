//! What the simulator takes from outside itself: the time and randomness. Nothing else here asks for either.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use uuid::Uuid;

/// The machine's time plus an offset. Every rule that depends on time asks this clock, so that a test can let a
/// refresh token grow a hundred days old in no time.
pub(super) struct Clock {
    offset: watch::Sender<SignedDuration>,
}

/// The year is beyond what can be represented.
#[derive(Debug, thiserror::Error)]
#[error("the clock cannot be set that far")]
pub struct ClockOutOfRange;

impl Clock {
    pub(super) fn new(offset: SignedDuration) -> Self {
        Self { offset: watch::Sender::new(offset) }
    }

    pub(super) fn now(&self) -> Timestamp {
        // The offset was checked when it was set, with centuries to spare.
        machine_time().checked_add(self.offset()).unwrap_or(Timestamp::MAX)
    }

    pub(super) fn offset(&self) -> SignedDuration {
        *self.offset.borrow()
    }

    /// Moves the clock, backwards too. Whoever sleeps on it looks again.
    pub(super) fn advance(&self, by: SignedDuration) -> Result<(), ClockOutOfRange> {
        let offset = self.offset().checked_add(by).ok_or(ClockOutOfRange)?;
        machine_time()
            .checked_add(offset)
            .and_then(|now| now.checked_add(SignedDuration::from_hours(24 * 365 * 100)))
            .map_err(|_| ClockOutOfRange)?;
        self.set_offset(offset);
        Ok(())
    }

    pub(super) fn set_offset(&self, offset: SignedDuration) {
        self.offset.send_replace(offset);
    }

    /// Returns once this clock shows `due`, whether that comes by waiting or by being moved.
    pub(super) async fn sleep_until(&self, due: Timestamp) {
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

/// An access token: five parts like the encrypted tokens (JWE) that Intuit hands out, and about as long.
pub(super) fn access_token() -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"enc":"A128CBC-HS256","alg":"dir"}"#);
    format!("{header}..{}.{}.{}", random_text(16), random_text(512), random_text(16))
}

/// A refresh token in Intuit's newer spelling, which shows the second in which it ends.
pub(super) fn refresh_token(ends: Timestamp) -> String {
    let ends = ends.as_second();
    format!("RT1-39-H0-{ends}{}", Uuid::new_v4().simple())
}

/// An authorization code.
pub(super) fn authorization_code() -> String {
    format!("XAB1{}", Uuid::new_v4().simple())
}

/// The id of one call, as Amazon's load balancers write it and Intuit hands it on in `intuit_tid`.
pub(super) fn trace_id(now: Timestamp) -> String {
    let mut id = format!("1-{:08x}-{}", now.as_second(), Uuid::new_v4().simple());
    id.truncate("1-5f732f5f-25dcb83b777d318c396aaf06".len());
    id
}

/// The id of a webhook event or delivery.
pub(super) fn event_id() -> String {
    Uuid::new_v4().to_string()
}

/// The span id that Intuit sends beside the trace id.
pub(super) fn span_id() -> String {
    let mut id = Uuid::new_v4().simple().to_string();
    id.truncate(16);
    id
}

/// `length` random bytes, in base64url.
fn random_text(length: usize) -> String {
    let bytes = std::iter::repeat_with(|| Uuid::new_v4().into_bytes()).flatten().take(length);
    URL_SAFE_NO_PAD.encode(bytes.collect::<Vec<u8>>())
}
