//! What the app posts: the bare record, without an id or a name for the event (Invoice Ninja API: webhooks).

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use sync::event::{EntityEvent, Verb};
use sync::ids::CompanyId;
use sync::model::Kind;

use crate::json::{Loose, NotWhole, Object};
use crate::mapping::{self, Setup};

/// Why a webhook is no event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadWebhook {
    /// Its address names an event that is not told.
    #[error("its address names no event, such as invoice.updated")]
    Event,
    /// Its body is not a JSON object.
    #[error("its body is not a JSON object")]
    NotJson,
    /// Its body does not say which record it is.
    #[error("its body does not say which record it is: {0}")]
    NoRecord(NotWhole),
}

/// Whether a webhook is the app's own. Takes the same time whatever was given.
pub fn is_genuine(secret: &SecretString, given: &[u8]) -> bool {
    let (secret, given) = (Sha256::digest(secret.expose_secret().as_bytes()), Sha256::digest(given));
    bool::from(secret.as_slice().ct_eq(given.as_slice()))
}

/// Reads a webhook. `event` is what its address ends with, such as `invoice.updated`; `setup` is none while the app
/// cannot be asked.
///
/// The event carries the record if that is whole; else it is fetched when the event is carried out. The app's
/// repetitions are the same event, a later change is another.
///
/// # Errors
/// It is not one.
pub fn read(
    company: &CompanyId,
    event: &str,
    body: &[u8],
    setup: Option<&Setup>,
    now: Timestamp,
) -> Result<EntityEvent, BadWebhook> {
    let (kind, named) = kind_and_verb(event).ok_or(BadWebhook::Event)?;
    let Ok(Value::Object(record)) = serde_json::from_slice(body) else { return Err(BadWebhook::NotJson) };
    let subject = record.id("id").map_err(BadWebhook::NoRecord)?;
    let verb = verb(named, &record);
    // A deleted payment does not tell any more what it paid.
    let whole = match setup {
        Some(setup) if verb != Verb::Deleted => mapping::read(kind, &record, setup).ok(),
        _ => None,
    };
    Ok(match whole {
        Some(stored) => EntityEvent::of_state(company, verb, &stored),
        None => {
            let time = record.moment("updated_at").unwrap_or(now);
            EntityEvent::of_content(company, (kind, verb), subject, time, body)
        }
    })
}

fn kind_and_verb(event: &str) -> Option<(Kind, Verb)> {
    let (kind, verb) = event.split_once('.')?;
    let kind = Kind::ALL.into_iter().find(|known| known.name() == kind)?;
    let verb = Verb::EACH.into_iter().find(|known| known.name() == verb)?;
    Some((kind, verb))
}

/// What happened. The record is as it is when the webhook is sent, which may be later than the event that its address
/// names, and the app tells every touch of a deleted record as a deletion: what the record says goes before.
fn verb(named: Verb, record: &Object) -> Verb {
    match (record.contains_key("is_deleted"), record.flag("is_deleted"), named) {
        (_, true, _) => Verb::Deleted,
        (true, false, Verb::Deleted) => Verb::Updated,
        (_, _, named) => named,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::mapping::fixtures::{invoice, payment, setup};

    fn acme() -> CompanyId {
        CompanyId::new("acme").unwrap()
    }

    fn event(name: &str, record: &Object) -> EntityEvent {
        let body = serde_json::to_vec(record).unwrap();
        read(&acme(), name, &body, Some(&setup()), Timestamp::UNIX_EPOCH).unwrap()
    }

    fn with(mut record: Object, member: &str, value: Value) -> Object {
        record.insert(member.to_owned(), value);
        record
    }

    #[test]
    fn a_whole_record_is_carried_and_told_at_the_time_of_its_change() {
        let event = event("invoice.updated", &invoice());
        assert_eq!(event.to_string(), "invoice invoice001 updated");
        assert_eq!(event.time.as_second(), 1_772_000_300);
        assert!(event.data.is_some());
    }

    #[test]
    fn repetitions_are_one_event_and_a_later_change_is_another() {
        let first = event("invoice.updated", &invoice());
        assert_eq!(
            first.id,
            event("invoice.updated", &with(invoice(), "footer", json!("not ours"))).id,
            "T20"
        );
        assert_ne!(
            first.id,
            event("invoice.updated", &with(invoice(), "updated_at", json!(1_772_000_301))).id
        );
        assert_ne!(first.id, event("invoice.updated", &with(invoice(), "po_number", json!("PO-10"))).id);
        assert_ne!(first.id, event("invoice.sent", &invoice()).id);
        let globex = CompanyId::new("globex").unwrap();
        let body = serde_json::to_vec(&invoice()).unwrap();
        let other = read(&globex, "invoice.updated", &body, Some(&setup()), Timestamp::UNIX_EPOCH).unwrap();
        assert_ne!(first.id, other.id);
    }

    #[test]
    fn a_record_that_is_not_whole_is_fetched_later() {
        for record in [with(invoice(), "client", Value::Null), with(payment(), "invoices", Value::Null)] {
            let kind = if record.contains_key("line_items") { "invoice" } else { "payment" };
            assert_eq!(event(&format!("{kind}.created"), &record).data, None);
        }
        let body = serde_json::to_vec(&invoice()).unwrap();
        let unknown = read(&acme(), "invoice.sent", &body, None, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!((unknown.data, unknown.verb), (None, Verb::Sent));
    }

    #[test]
    fn what_the_record_says_of_being_deleted_goes_before_the_events_name() {
        let deleted = with(payment(), "is_deleted", json!(true));
        for name in ["payment.updated", "payment.deleted", "payment.restored"] {
            assert_eq!((event(name, &deleted).verb, event(name, &deleted).data), (Verb::Deleted, None));
        }
        assert_eq!(event("payment.deleted", &payment()).verb, Verb::Updated);
        assert_eq!(event("payment.restored", &payment()).verb, Verb::Restored);
    }

    #[test]
    fn what_is_no_event_says_why() {
        let read = |name: &str, body: &str| {
            read(&acme(), name, body.as_bytes(), Some(&setup()), Timestamp::UNIX_EPOCH)
                .unwrap_err()
                .to_string()
        };
        let problems = [
            read("quote.created", "{}"),
            read("invoice", "{}"),
            read("invoice.exploded", "{}"),
            read("invoice.created", "[1"),
            read("invoice.created", "[]"),
            read("invoice.created", "{}"),
            read("invoice.created", r#"{"id": ""}"#),
        ];
        insta::assert_snapshot!(problems.join("\n"));
    }

    #[test]
    fn only_the_secret_itself_is_genuine() {
        let secret = SecretString::from("a long secret");
        assert!(is_genuine(&secret, b"a long secret"));
        for given in ["", "a long secre", "a long secret ", "another"] {
            assert!(!is_genuine(&secret, given.as_bytes()), "{given}");
        }
    }
}
