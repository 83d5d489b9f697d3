//! Webhooks: whether Intuit sent them, and what they say (Intuit: Webhooks).
//!
//! A notification says only what changed. It may come twice, late or out of order.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sha2::Sha256;
use sync::ids::{QuickBooksId, RealmId};

/// The header that carries the signature.
pub const SIGNATURE_HEADER: &str = "intuit-signature";

/// The most notices read of one body. Intuit sends up to 100.
const MAX_NOTICES: usize = 10_000;

/// Whether `signature` is the base64 HMAC-SHA256 of the raw body under one of the verifier tokens. There are several
/// while a token is being replaced, and where sandbox and live companies share an address.
pub fn is_signed(signature: &str, body: &[u8], verifier_tokens: &[SecretString]) -> bool {
    let Ok(signature) = STANDARD.decode(signature.trim()) else { return false };
    verifier_tokens.iter().any(|token| {
        Hmac::<Sha256>::new_from_slice(token.expose_secret().as_bytes())
            .is_ok_and(|mac| mac.chain_update(body).verify_slice(&signature).is_ok())
    })
}

/// Something changed in a realm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeNotice {
    /// The realm. It need not be one that is known here.
    pub realm: RealmId,
    /// The kind of object in small letters: `customer`.
    pub entity: String,
    /// The object; the surviving one of a merge.
    pub id: QuickBooksId,
    /// What happened.
    pub operation: Operation,
    /// The object that a merge removed.
    pub deleted_id: Option<QuickBooksId>,
    /// When it happened.
    pub at: Option<Timestamp>,
    /// Names the event, where the format does: the same event sent again has the same id.
    pub event_id: Option<String>,
}

/// What happened to an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// It was made.
    Created,
    /// It was changed.
    Updated,
    /// It was deleted.
    Deleted,
    /// It took another one in.
    Merged,
    /// It was voided.
    Voided,
    /// It was sent by e-mail.
    Emailed,
    /// Something this crate does not know.
    Other(String),
}

/// What a body says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notices {
    /// The changes, as sent.
    pub notices: Vec<ChangeNotice>,
    /// How many entries lacked a realm, a kind or an id, or were too many.
    pub unreadable: usize,
}

/// Reads a body in the CloudEvents format or the classic one. Check its signature first.
pub fn parse(body: &[u8]) -> Result<Notices, serde_json::Error> {
    let body: Value = serde_json::from_slice(body)?;
    let mut found = Notices::default();
    match &body {
        Value::Array(events) => events.iter().for_each(|event| found.add(cloud_event(event))),
        classic => {
            for notification in list(classic, "eventNotifications") {
                let changes = list(&notification["dataChangeEvent"], "entities");
                changes.iter().for_each(|change| found.add(classic_change(notification, change)));
            }
        }
    }
    Ok(found)
}

impl Notices {
    fn add(&mut self, notice: Option<ChangeNotice>) {
        match notice {
            Some(notice) if self.notices.len() < MAX_NOTICES => self.notices.push(notice),
            _ => self.unreadable += 1,
        }
    }
}

/// An element of the CloudEvents array. Its type is `qbo.<entity>.<verb>.v1`.
fn cloud_event(event: &Value) -> Option<ChangeNotice> {
    let mut kind = event["type"].as_str()?.strip_prefix("qbo.")?.split('.');
    let data = &event["data"];
    Some(ChangeNotice {
        realm: RealmId::new(text(&event["intuitaccountid"])?).ok()?,
        entity: kind.next().filter(|entity| !entity.is_empty())?.to_lowercase(),
        id: id(&event["intuitentityid"])?,
        operation: Operation::named(kind.next()?),
        deleted_id: id(&data["deletedid"]).or_else(|| id(&data["deletedId"])),
        at: time(&event["time"]),
        event_id: text(&event["id"]),
    })
}

/// An element of the classic format, which Intuit replaced in 2026.
fn classic_change(notification: &Value, change: &Value) -> Option<ChangeNotice> {
    Some(ChangeNotice {
        realm: RealmId::new(text(&notification["realmId"])?).ok()?,
        entity: change["name"].as_str().filter(|entity| !entity.is_empty())?.to_lowercase(),
        id: id(&change["id"])?,
        operation: Operation::named(change["operation"].as_str()?),
        deleted_id: id(&change["deletedId"]),
        at: time(&change["lastUpdated"]),
        event_id: None,
    })
}

impl Operation {
    fn named(verb: &str) -> Self {
        match verb.to_lowercase().as_str() {
            "create" | "created" => Self::Created,
            "update" | "updated" => Self::Updated,
            "delete" | "deleted" => Self::Deleted,
            "merge" | "merged" => Self::Merged,
            "void" | "voided" => Self::Voided,
            "emailed" => Self::Emailed,
            _ => Self::Other(verb.to_owned()),
        }
    }
}

fn list<'a>(value: &'a Value, member: &str) -> &'a [Value] {
    value[member].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Ids are strings, but a number does no harm.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn id(value: &Value) -> Option<QuickBooksId> {
    QuickBooksId::new(text(value)?).ok()
}

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{any, proptest};
    use serde_json::json;

    use super::*;

    fn tokens(tokens: &[&str]) -> Vec<SecretString> {
        tokens.iter().map(|&token| token.into()).collect()
    }

    /// Made with `openssl dgst -sha256 -hmac verifier -binary | base64`.
    const SIGNATURE: &str = "HxtHVmWLsE92Ji+/dij3cwfSu8cv22Fbd5rLQFdryG8=";

    #[test]
    fn only_the_holder_of_a_token_can_sign() {
        let body = br#"[{"id":"1"}]"#;
        assert!(is_signed(SIGNATURE, body, &tokens(&["verifier"])));
        assert!(is_signed(SIGNATURE, body, &tokens(&["the next one", "verifier"])));
        assert!(!is_signed(SIGNATURE, body, &tokens(&["another"])));
        assert!(!is_signed(SIGNATURE, body, &[]));
        assert!(!is_signed(SIGNATURE, br#"[{"id":"2"}]"#, &tokens(&["verifier"])));
        assert!(!is_signed("", body, &tokens(&["verifier"])));
        assert!(!is_signed("not base64!", body, &tokens(&["verifier"])));
    }

    #[test]
    fn reads_cloud_events() {
        let body = br#"[
            {"specversion":"1.0","id":"e1","source":"intuit.x","type":"qbo.customer.merged.v1","time":"2026-03-01T09:00:00.179851517Z",
             "intuitentityid":"123","intuitaccountid":"9130000000000001","data":{"deletedid":"27"}},
            {"id":"e2","type":"qbo.invoice.void.v1","intuitentityid":5,"intuitaccountid":"9130000000000002"},
            {"id":"e3","type":"qbo.invoice.created.v1","intuitaccountid":"9130000000000002"},
            "nonsense"]"#;
        insta::assert_debug_snapshot!(parse(body).unwrap());
    }

    #[test]
    fn reads_classic_notifications() {
        let body = br#"{"eventNotifications":[{"realmId":"1230000","dataChangeEvent":{"entities":[
            {"name":"Customer","id":"43","operation":"Create","lastUpdated":"2016-10-05T03:07:04.000Z"},
            {"name":"Payment","id":"44","operation":"Void","lastUpdated":"2016-10-05T03:07:04-0700"},
            {"name":"Item","id":"45","operation":"Merge","deletedId":"46","lastUpdated":"then"}]}},
            {"realmId":"1230001"}]}"#;
        insta::assert_debug_snapshot!(parse(body).unwrap());
    }

    #[test]
    fn what_is_not_json_is_an_error() {
        assert!(parse(b"").is_err());
        assert_eq!(parse(b"{}").unwrap(), Notices::default());
    }

    proptest! {
        #[test]
        fn no_text_is_a_signature(signature in any::<String>(), body in any::<Vec<u8>>()) {
            assert!(!is_signed(&signature, &body, &tokens(&["verifier"])));
        }

        #[test]
        fn every_event_is_counted_once(events in vec((any::<String>(), "(qbo.[a-z]{0,3}.)?[a-z]{0,3}", "[0-9]{0,3}"), 0..9)) {
            let event = |(id, kind, number): &(String, String, String)| {
                json!({"id": id, "type": kind, "intuitentityid": id, "intuitaccountid": number, "time": id, "data": id})
            };
            let body = Value::Array(events.iter().map(event).collect()).to_string();
            let found = parse(body.as_bytes()).unwrap();
            assert_eq!(found.notices.len() + found.unreadable, events.len());
        }
    }
}
