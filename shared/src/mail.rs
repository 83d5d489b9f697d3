//! E-mails to a company's people: when one is due ([`Occasion`]), what it says ([`Letter`]), and the port that sends it.

mod letter;
mod occasion;

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub use letter::{Letter, Links};
pub use occasion::{Occasion, occasion};

/// Where e-mail goes: one address, without a name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address(String);

/// Why a text is no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an e-mail address looks like name@example.com, with at most 254 characters and without spaces or accents"
)]
pub struct BadAddress;

impl Address {
    /// Checks the form and nothing else: one `@` with something on both sides, only signs that need no quoting, and a
    /// domain with a dot (RFC 5321; SES takes ASCII only).
    pub fn new(text: impl Into<String>) -> Result<Address, BadAddress> {
        let text = text.into();
        let plain = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
        let good = text.len() <= 254
            && text.split_once('@').is_some_and(|(name, domain)| {
                !name.is_empty()
                    && name.chars().all(plain)
                    && domain.split('.').count() > 1
                    && domain.split('.').all(|label| !label.is_empty())
                    && domain.chars().all(|c| c.is_ascii_alphanumeric() || "-.".contains(c))
            });
        if good { Ok(Address(text)) } else { Err(BadAddress) }
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Address {
    type Error = BadAddress;
    fn try_from(text: String) -> Result<Address, BadAddress> {
        Address::new(text)
    }
}

impl std::str::FromStr for Address {
    type Err = BadAddress;
    fn from_str(text: &str) -> Result<Address, BadAddress> {
        Address::new(text)
    }
}

impl From<Address> for String {
    fn from(address: Address) -> String {
        address.0
    }
}

/// An e-mail. Holds no token, no amount, and nothing of a record but its kind: it may bounce to anybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Everybody it goes to. They read who else gets it: they are colleagues.
    pub to: Vec<Address>,
    /// One line.
    pub subject: String,
    /// For readers without HTML.
    pub text: String,
    /// For all others.
    pub html: String,
}

/// Sends e-mail.
#[async_trait]
pub trait Mail: Send + Sync {
    /// Sends a message to all of its addresses. `Ok` says that it was taken over, not that it arrives.
    async fn send(&self, message: &Message) -> Result<(), MailError>;

    /// Whether mail to an address is kept back, since an earlier one came back or was complained about. What cannot be
    /// found out is no.
    async fn keeps_back(&self, _address: &Address) -> bool {
        false
    }
}

/// Why an e-mail was not sent.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// It certainly did not go to anybody.
    #[error("the e-mail was not sent: {0}")]
    NotSent(String),
    /// It may have gone to some or all.
    #[error("the e-mail may or may not have been sent: {0}")]
    Unknown(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_name_and_a_domain() {
        for good in ["ann@example.com", "a.b+c@mail.example.co.uk", "o'brien@example.org"] {
            assert!(Address::new(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "ann",
            "@example.com",
            "ann@",
            "ann@localhost",
            "a b@example.com",
            "ann@exa mple.com",
            "Ann <ann@example.com>",
            "ann@example.com,bob@example.com",
            "ann@example.com\nBcc: x@example.com",
            "än@example.com",
            "ann@@example.com",
            "ann@example..com",
        ] {
            assert!(Address::new(bad).is_err(), "{bad:?}");
        }
        assert!(Address::new(format!("{}@example.com", "a".repeat(250))).is_err());
    }
}
