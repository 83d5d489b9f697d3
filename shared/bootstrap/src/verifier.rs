//! The webhooks' verifier tokens: read from the app's secret, kept for a while, and read again when they do not fit.

use std::sync::Arc;

use async_trait::async_trait;
use aws::Aws;
use jiff::{SignedDuration, Timestamp};
use quickbooks::webhook;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sync::ports::StoreError;
use tokio::sync::Mutex;

use crate::intuit::PLACEHOLDER;

/// For how long tokens are believed. A token that was taken out of the secret is accepted for no longer than this.
const KEPT_FOR: SignedDuration = SignedDuration::from_mins(5);
/// How soon a signature that does not fit lets the tokens be read again: a new one takes effect at once, and whoever
/// sends nonsense does not make us ask all the time.
const NOT_AGAIN_FOR: SignedDuration = SignedDuration::from_secs(1);

/// Tells whether Intuit has signed a webhook.
pub struct Verifier {
    secret: Box<dyn ReadSecret>,
    kept: Mutex<Option<Kept>>,
}

/// Where the app's keys are.
#[async_trait]
pub trait ReadSecret: Send + Sync {
    /// The secret's text as it is now.
    async fn read(&self) -> Result<SecretString, StoreError>;
}

/// Tokens, and when they were read.
#[derive(Clone)]
struct Kept {
    tokens: Arc<[SecretString]>,
    read_at: Timestamp,
}

#[derive(Deserialize)]
struct Keys {
    verifier_token: SecretString,
    previous_verifier_token: Option<SecretString>,
}

impl Verifier {
    /// With the secret of a name or ARN.
    pub fn new(aws: Aws, secret: String) -> Verifier {
        Verifier::reading(Box::new(AwsSecret { aws, id: secret }))
    }

    /// With a secret from anywhere.
    pub fn reading(secret: Box<dyn ReadSecret>) -> Verifier {
        Verifier { secret, kept: Mutex::new(None) }
    }

    /// Whether `signature` is that of these very bytes under `verifier_token` or `previous_verifier_token`.
    ///
    /// # Errors
    /// The secret cannot be had, or nobody has put a token into it yet: nothing is known of the signature.
    pub async fn is_signed(&self, signature: &str, body: &[u8], now: Timestamp) -> Result<bool, StoreError> {
        let kept = self.read_since(now - KEPT_FOR, now).await?;
        if webhook::is_signed(signature, body, &kept.tokens) {
            return Ok(true);
        }
        let fresh = self.read_since(now - NOT_AGAIN_FOR, now).await?;
        Ok(fresh.read_at != kept.read_at && webhook::is_signed(signature, body, &fresh.tokens))
    }

    /// The tokens, read later than `moment`.
    async fn read_since(&self, moment: Timestamp, now: Timestamp) -> Result<Kept, StoreError> {
        let mut kept = self.kept.lock().await;
        if let Some(kept) = kept.as_ref().filter(|kept| kept.read_at > moment) {
            return Ok(kept.clone());
        }
        let tokens = tokens(&self.secret.read().await?)?;
        Ok(kept.insert(Kept { tokens, read_at: now }).clone())
    }
}

/// The tokens in the secret. Neither a blank one nor template.yaml's placeholder is one: anybody could sign with it.
fn tokens(secret: &SecretString) -> Result<Arc<[SecretString]>, StoreError> {
    let action = "reading the webhooks' verifier token";
    let keys: Keys = serde_json::from_str(secret.expose_secret())
        // The parser's words may quote the text.
        .map_err(|_| StoreError::new(action, "the secret does not hold verifier_token"))?;
    let is_real = |token: &SecretString| !["", PLACEHOLDER].contains(&token.expose_secret().trim());
    let tokens: Arc<[SecretString]> = [Some(keys.verifier_token), keys.previous_verifier_token]
        .into_iter()
        .flatten()
        .filter(is_real)
        .collect();
    if tokens.is_empty() {
        return Err(StoreError::new(action, "nobody has put it into the secret yet"));
    }
    Ok(tokens)
}

struct AwsSecret {
    aws: Aws,
    id: String,
}

#[async_trait]
impl ReadSecret for AwsSecret {
    async fn read(&self) -> Result<SecretString, StoreError> {
        self.aws.secret(&self.id).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures::executor::block_on;
    use serde_json::{Value, json};

    use super::*;

    const BODY: &[u8] = br#"[{"id":"1"}]"#;
    /// Made with `openssl dgst -sha256 -hmac verifier -binary | base64`; the other one with `-hmac replace-me`.
    const BY_VERIFIER: &str = "HxtHVmWLsE92Ji+/dij3cwfSu8cv22Fbd5rLQFdryG8=";
    const BY_PLACEHOLDER: &str = "pQqV8k7HmzuLsBjefg0KyxJNHAmUM8sDpbLGG/HIBQ8=";

    /// A secret that can be replaced, and counts its readers. `null` cannot be read.
    struct Fake {
        keys: Mutex<Value>,
        read: AtomicU32,
    }

    #[async_trait]
    impl ReadSecret for Arc<Fake> {
        async fn read(&self) -> Result<SecretString, StoreError> {
            self.read.fetch_add(1, Ordering::Relaxed);
            match &*self.keys.lock().unwrap() {
                Value::Null => Err(StoreError::new("reading a secret", "it is away")),
                keys => Ok(keys.to_string().into()),
            }
        }
    }

    impl Fake {
        fn with(keys: Value) -> (Arc<Fake>, Verifier) {
            let fake = Arc::new(Fake { keys: Mutex::new(keys), read: AtomicU32::new(0) });
            (Arc::clone(&fake), Verifier::reading(Box::new(fake)))
        }

        fn becomes(&self, keys: Value) {
            *self.keys.lock().unwrap() = keys;
        }

        fn times_read(&self) -> u32 {
            self.read.load(Ordering::Relaxed)
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_772_000_000 + second).unwrap()
    }

    fn is_signed(verifier: &Verifier, second: i64) -> bool {
        block_on(verifier.is_signed(BY_VERIFIER, BODY, at(second))).unwrap()
    }

    #[test]
    fn both_tokens_are_good_while_one_replaces_the_other() {
        for keys in [
            json!({"verifier_token": "verifier"}),
            json!({"verifier_token": "verifier", "previous_verifier_token": "the one before"}),
            json!({"verifier_token": "the next one", "previous_verifier_token": "verifier"}),
        ] {
            let (_, verifier) = Fake::with(keys);
            assert!(is_signed(&verifier, 0));
            assert!(!block_on(verifier.is_signed(BY_VERIFIER, b"[]", at(0))).unwrap());
        }
        let (_, verifier) = Fake::with(json!({"verifier_token": "the next one"}));
        assert!(!is_signed(&verifier, 0));
    }

    #[test]
    fn a_new_token_is_good_at_once_and_nonsense_does_not_make_us_ask_all_the_time() {
        let (secret, verifier) = Fake::with(json!({"verifier_token": "old"}));
        for _ in 0..100 {
            assert!(!is_signed(&verifier, 0));
        }
        assert_eq!(secret.times_read(), 1);
        secret.becomes(json!({"verifier_token": "verifier"}));
        assert!(is_signed(&verifier, 2));
        assert!(is_signed(&verifier, 200));
        assert_eq!(secret.times_read(), 2, "kept");
    }

    #[test]
    fn a_token_that_was_taken_out_is_bad_in_the_end() {
        let (secret, verifier) = Fake::with(json!({"verifier_token": "verifier"}));
        assert!(is_signed(&verifier, 0));
        secret.becomes(json!({"verifier_token": "the next one"}));
        assert!(!is_signed(&verifier, 301));
    }

    #[test]
    fn without_a_token_nothing_is_known() {
        for keys in [
            json!({}),
            json!({"verifier_token": " "}),
            json!({"verifier_token": PLACEHOLDER, "previous_verifier_token": ""}),
            Value::Null,
        ] {
            let (secret, verifier) = Fake::with(keys);
            for signature in [BY_VERIFIER, BY_PLACEHOLDER] {
                block_on(verifier.is_signed(signature, BODY, at(0))).unwrap_err();
            }
            secret.becomes(json!({"verifier_token": "verifier"}));
            assert!(is_signed(&verifier, 0), "a failure is not kept");
        }
    }
}
