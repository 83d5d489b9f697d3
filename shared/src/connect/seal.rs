//! Signed, readable tokens: `base64url(claims as JSON).base64url(HMAC-SHA256)`.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::ids::{CompanyId, RealmId};
use crate::ports::StoreError;

/// The shortest key that signs anything, in bytes: as long as what it makes (RFC 2104).
const SHORTEST_KEY: usize = 32;
/// The longest token that is looked at, in bytes.
const LONGEST: usize = 2000;

/// What a token is for; one made for something else is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Purpose {
    Link,
    State,
    /// A link in an e-mail, good for the realm that the claims name.
    Reconnect,
    Disconnect,
    /// Opens the console, once.
    Entry,
    /// A person's session in the console.
    Session,
}

/// What a token says. Anybody can read it, and nobody can make it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Claims {
    pub(crate) purpose: Purpose,
    pub(crate) company: CompanyId,
    pub(crate) expires_at: Timestamp,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) nonce: String,
    /// Digest of what the browser keeps.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) browser: String,
    /// The only realm that it is good for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) realm: Option<RealmId>,
    /// When a session began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) began_at: Option<Timestamp>,
    /// The company's generation of sessions when it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) generation: Option<u64>,
}

/// Why a signed token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSeal {
    /// Not made here, or not for this.
    #[error("it was not made here")]
    Forged,
    /// Made here, too long ago.
    #[error("it is too old")]
    Expired,
}

/// Signs connect links and states, and checks them.
#[derive(Clone)]
pub struct Seal(Hmac<Sha256>);

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal")
    }
}

impl Seal {
    /// Fails with a key of less than 32 bytes.
    pub fn new(key: &SecretString) -> Result<Seal, StoreError> {
        let key = key.expose_secret().as_bytes();
        if key.len() < SHORTEST_KEY {
            return Err(StoreError::new("reading the signing key", "it has less than 32 bytes"));
        }
        let mac =
            Hmac::new_from_slice(key).map_err(|error| StoreError::new("reading the signing key", error))?;
        Ok(Seal(mac))
    }

    pub(crate) fn close(&self, claims: &Claims) -> Result<String, StoreError> {
        let json = serde_json::to_vec(claims).map_err(|error| StoreError::new("signing", error))?;
        let claims = BASE64_URL_SAFE_NO_PAD.encode(json);
        let mac = self.mac(&claims).finalize().into_bytes();
        Ok(format!("{claims}.{}", BASE64_URL_SAFE_NO_PAD.encode(mac)))
    }

    pub(crate) fn open(&self, token: &str, purpose: Purpose, now: Timestamp) -> Result<Claims, BadSeal> {
        let claims = self.claims(token).ok_or(BadSeal::Forged)?;
        if claims.purpose != purpose {
            Err(BadSeal::Forged)
        } else if now >= claims.expires_at {
            Err(BadSeal::Expired)
        } else {
            Ok(claims)
        }
    }

    /// A value that only we can make of a text, and that tells nothing about it.
    pub(crate) fn mark(&self, text: &str) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.mac(text).finalize().into_bytes())
    }

    fn claims(&self, token: &str) -> Option<Claims> {
        if token.len() > LONGEST {
            return None;
        }
        let (claims, mac) = token.split_once('.')?;
        let mac = BASE64_URL_SAFE_NO_PAD.decode(mac).ok()?;
        // Takes as long for any wrong signature.
        self.mac(claims).verify_slice(&mac).ok()?;
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
    }

    fn mac(&self, claims: &str) -> Hmac<Sha256> {
        self.0.clone().chain_update(claims)
    }
}

/// A digest that says nothing about a random value and stands for it.
pub(crate) fn digest(value: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(value))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    fn seal(key: &str) -> Seal {
        Seal::new(&key.into()).unwrap()
    }

    fn claims() -> Claims {
        Claims {
            purpose: Purpose::State,
            company: CompanyId::new("acme").unwrap(),
            expires_at: at(600),
            nonce: "n".into(),
            browser: digest("b"),
            realm: None,
            began_at: None,
            generation: None,
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn what_was_signed_is_read_until_it_expires() {
        let token = seal(KEY).close(&claims()).unwrap();
        assert_eq!(seal(KEY).open(&token, Purpose::State, at(599)), Ok(claims()));
        assert_eq!(seal(KEY).open(&token, Purpose::State, at(600)), Err(BadSeal::Expired));
    }

    #[test]
    fn a_token_is_good_for_its_purpose_only() {
        let token = seal(KEY).close(&claims()).unwrap();
        assert_eq!(seal(KEY).open(&token, Purpose::Link, at(0)), Err(BadSeal::Forged));
    }

    #[test]
    fn another_key_signs_nothing() {
        let token = seal("another key, just as long as ours").close(&claims()).unwrap();
        assert_eq!(seal(KEY).open(&token, Purpose::State, at(0)), Err(BadSeal::Forged));
    }

    #[test]
    fn a_short_key_is_refused() {
        assert!(Seal::new(&"short".into()).is_err());
    }

    proptest! {
        #[test]
        fn a_token_with_any_other_character_is_refused(place in 0usize..10_000, character in "[A-Za-z0-9._-]") {
            let token = seal(KEY).close(&claims()).unwrap();
            let place = place % token.len();
            let changed = format!("{}{character}{}", &token[..place], &token[place + 1..]);
            prop_assume!(changed != token);
            let result = seal(KEY).open(&changed, Purpose::State, at(0));
            prop_assert_eq!(result, Err(BadSeal::Forged));
        }

        #[test]
        fn no_text_whatever_is_accepted(text in ".*") {
            prop_assert_eq!(seal(KEY).open(&text, Purpose::State, at(0)), Err(BadSeal::Forged));
        }
    }
}
