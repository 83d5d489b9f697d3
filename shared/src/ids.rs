//! Identifiers, each a type of its own, so that a realm is never passed where a company is meant.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Why a text is not an identifier.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} {problem}")]
pub struct InvalidId {
    what: &'static str,
    problem: &'static str,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:literal, $allowed:expr, $rule:literal, $pattern:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(extend("minLength" = 1, "maxLength" = $max, "pattern" = $pattern))]
        pub struct $name(String);

        impl $name {
            /// Checks the text: not empty, not too long, only characters that keys and logs can carry.
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidId> {
                let text = text.into();
                let allowed: fn(char) -> bool = $allowed;
                let problem = if text.is_empty() {
                    "is empty"
                } else if text.len() > $max {
                    concat!("is longer than ", stringify!($max), " bytes")
                } else if !text.chars().all(allowed) {
                    $rule
                } else {
                    return Ok(Self(text));
                };
                Err(InvalidId { what: $what, problem })
            }

            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }
    };
}

/// [`printable`] as a pattern of JSON Schema.
const PRINTABLE: &str = "^[^\\u0000-\\u001f\\u007f-\\u009f]+$";

fn printable(c: char) -> bool {
    !c.is_control()
}

id!(
    /// A tenant: one billing company, linked to at most one realm at a time.
    CompanyId,
    "company",
    64,
    |c| c.is_ascii_alphanumeric() || "-_.".contains(c),
    "may hold only letters, digits, hyphens, underscores and dots",
    "^[A-Za-z0-9._-]+$"
);
id!(
    /// A QuickBooks company. A decimal string of up to 19 digits; never a number (Intuit: OAuth 2.0, realmId).
    RealmId,
    "realm",
    32,
    |c| c.is_ascii_digit(),
    "may hold only digits",
    "^[0-9]+$"
);
id!(
    /// A record's id in the billing app.
    BillingId,
    "billing id",
    200,
    printable,
    "holds control characters",
    PRINTABLE
);
id!(
    /// An entity's id in QuickBooks: a decimal string, unique within its kind and realm.
    QuickBooksId,
    "QuickBooks id",
    32,
    |c| c.is_ascii_alphanumeric() || "-_".contains(c),
    "may hold only letters and digits",
    "^[A-Za-z0-9_-]+$"
);
id!(
    /// The id that the sender of an event gave it. The same event sent again has the same id.
    EventId,
    "event id",
    200,
    printable,
    "holds control characters",
    PRINTABLE
);

id!(
    /// An import, within its company.
    JobId,
    "job",
    40,
    |c| c.is_ascii_alphanumeric(),
    "may hold only letters and digits",
    "^[A-Za-z0-9]+$"
);

impl JobId {
    /// Names the job that was begun at a moment: a company has one at a time. Later ones come later in order.
    pub(crate) fn at(now: Timestamp) -> JobId {
        JobId(format!("{:013}", now.as_millisecond()))
    }
}

impl CompanyId {
    /// Where events are kept whose company cannot be told.
    pub fn unknown() -> CompanyId {
        CompanyId("unknown".to_owned())
    }
}

/// What an event id begins with that stands for another record's event.
const DEPENDENCY: &str = "for ";

impl EventId {
    /// The queue's id for an attempt to carry an event out again.
    pub(crate) fn of_retry(event: &EventId, at: Timestamp) -> EventId {
        let event: String = event.0.chars().take(40).collect();
        EventId(format!("{} {event}", at.as_millisecond()))
    }

    /// Stands on a link that was made for the sake of another record's event; no sender's event has it.
    pub(crate) fn of_dependency(event: &EventId) -> EventId {
        let event: String = event.0.chars().take(45).collect();
        EventId(format!("{DEPENDENCY}{event}"))
    }

    /// Whether it stands on a link for another record's event.
    pub(crate) fn is_of_dependency(&self) -> bool {
        self.0.starts_with(DEPENDENCY)
    }

    /// Names what a person did by hand.
    pub(crate) fn of_person(at: Timestamp) -> EventId {
        EventId(format!("by hand {}", at.as_millisecond()))
    }

    /// Names a state of a record for an app that gives its events no ids: the same for the same content, and another
    /// one for any other company, record or verb.
    pub(crate) fn of_state(company: &CompanyId, what: &str, record: &BillingId, content: &[u8]) -> EventId {
        let mut digest = Sha256::new();
        for part in [company.as_str().as_bytes(), what.as_bytes(), record.as_str().as_bytes(), content] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        let digest: String = digest.finalize().iter().take(12).map(|byte| format!("{byte:02x}")).collect();
        let record: String = record.as_str().chars().take(30).collect();
        EventId(format!("{what} {record} {digest}"))
    }

    /// Names a message of several events by its first and by all that it holds.
    pub(crate) fn of_batch(first: &EventId, body: &[u8]) -> EventId {
        let digest: String = Sha256::digest(body).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let first: String = first.0.chars().take(90).collect();
        EventId(format!("{first} {digest}"))
    }

    /// Names a change in QuickBooks. `text` is made of ids and digests, which are short and printable.
    pub(crate) fn of_notice(text: &str) -> EventId {
        EventId(text.to_owned())
    }

    /// Names that what an event removed was made anew.
    pub(crate) fn of_recreation(event: &EventId) -> EventId {
        let event: String = event.0.chars().take(180).collect();
        EventId(format!("made anew: {event}"))
    }

    /// When the change happened that a notice of this name tells of, if it is one and says so.
    pub(crate) fn time_of_notice(&self) -> Option<Timestamp> {
        self.0.rsplit(' ').next()?.parse().ok()
    }

    /// An id for an event that has none: its place in its message.
    pub fn of_message(message: &str, place: usize) -> EventId {
        let message: String = message.chars().filter(|c| !c.is_control()).take(45).collect();
        EventId(format!("message {message}/{place}"))
    }
}

impl QuickBooksId {
    /// Stands where an id will be, to see whether the rest can be booked; never sent.
    pub(crate) fn placeholder() -> QuickBooksId {
        QuickBooksId("0".to_owned())
    }
}

impl BillingId {
    /// The stand-in under which a product is linked while only its key is known: invoice lines need not carry ids.
    pub fn of_product_key(key: &str) -> BillingId {
        let readable: String = key.chars().filter(|c| !c.is_control()).take(40).collect();
        let digest: String =
            Sha256::digest(key.as_bytes()).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        BillingId(format!("key:{readable}#{digest}"))
    }

    /// The stand-in under which it is noted that a record is about to be made of an entity.
    pub fn of_entity(id: &QuickBooksId) -> BillingId {
        BillingId(format!("quickbooks:{id}"))
    }

    /// The stand-in under which it is noted that a record is about to be made anew.
    pub(crate) fn of_recreation(id: &BillingId) -> BillingId {
        BillingId(format!("anew:{id}"))
    }

    /// Whether it stands for a product of which only the key is known.
    pub fn is_stand_in(&self) -> bool {
        self.0.starts_with("key:")
    }
}

/// The books that a change goes to: one company's link with one realm. Travels with every call and key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Books {
    /// The tenant.
    pub company: CompanyId,
    /// Its QuickBooks company.
    pub realm: RealmId,
}

impl fmt::Display for Books {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "company {} and realm {}", self.company, self.realm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_refuse_what_keys_and_logs_cannot_carry() {
        assert_eq!(CompanyId::new("").unwrap_err().to_string(), "company is empty");
        assert!(CompanyId::new("acme#1").is_err(), "keys are joined with #");
        assert!(RealmId::new("9130x").is_err());
        assert!(BillingId::new("a\nb").is_err());
        assert!(BillingId::new("x".repeat(201)).is_err());
        for key in ["MOW", "a:b\t", "", &"🌻".repeat(90), &"x".repeat(600)] {
            let stand_in = BillingId::of_product_key(key);
            assert_eq!(BillingId::new(stand_in.as_str()), Ok(stand_in), "{key}");
        }
        assert_ne!(BillingId::of_product_key(&"x".repeat(60)), BillingId::of_product_key(&"x".repeat(61)));
        assert_eq!(RealmId::new("4620816365261282440").unwrap().as_str(), "4620816365261282440");
    }
}
