//! What the simulator takes from outside itself beside the time: randomness. Nothing else here asks for it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use uuid::Uuid;

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
