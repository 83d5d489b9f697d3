//! API keys: how a billing app proves for which company it speaks.
//!
//! A key is 256 random bits as text. Only its SHA-256 is kept, with the company; being random, it needs no salt and no
//! slow hash.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::settings::Company;

/// What keys begin with, so that one that has leaked is recognised.
const PREFIX: &str = "cpk_";

/// The SHA-256 of an API key, in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ApiKeyHash(String);

impl ApiKeyHash {
    /// The hash of a key.
    pub fn of(key: &SecretString) -> ApiKeyHash {
        let mut hash = String::new();
        for byte in Sha256::digest(key.expose_secret().as_bytes()) {
            // Writing to a String does not fail.
            write!(hash, "{byte:02x}").unwrap_or_default();
        }
        ApiKeyHash(hash)
    }
}

/// A key of 32 random bytes.
pub fn key(random: [u8; 32]) -> SecretString {
    format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random)).into()
}

/// Whether a key opens a company. It takes as long whether the company exists, has a key or has another one.
pub fn opens(key: &SecretString, company: Option<&Company>) -> bool {
    let nobodys = ApiKeyHash(String::from_utf8_lossy(&[b'-'; 64]).into_owned());
    let stored = company.and_then(|company| company.api_key.as_ref()).unwrap_or(&nobodys);
    ApiKeyHash::of(key).0.as_bytes().ct_eq(stored.0.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::CompanyId;

    fn company(api_key: Option<ApiKeyHash>) -> Company {
        Company { api_key, ..Company::new(CompanyId::new("acme").unwrap()) }
    }

    #[test]
    fn a_key_opens_its_company_and_no_other() {
        let (mine, other) = (key([1; 32]), key([2; 32]));
        let acme = company(Some(ApiKeyHash::of(&mine)));
        assert!(opens(&mine, Some(&acme)));
        assert!(!opens(&other, Some(&acme)));
        assert!(!opens(&mine, Some(&company(None))), "no key opens a company without one");
        assert!(!opens(&mine, None));
        assert!(!opens(&"".into(), Some(&acme)));
    }

    #[test]
    fn the_key_itself_is_not_kept_and_not_shown() {
        let mine = key([7; 32]);
        assert_eq!(mine.expose_secret().len(), PREFIX.len() + 43, "256 bits");
        let kept = serde_json::to_string(&company(Some(ApiKeyHash::of(&mine)))).unwrap();
        assert!(!kept.contains(mine.expose_secret()) && !format!("{mine:?}").contains("BwcH"));
        assert_eq!(
            ApiKeyHash::of(&"abc".to_owned().into()).0,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
