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
use sync::notice::Operation;

/// The header that carries the signature.
pub const SIGNATURE_HEADER: &str = "intuit-signature";

/// Whether `signature` is the base64 HMAC-SHA256 of the raw body under one of the verifier tokens. There are several
/// while a token is being replaced, and where sandbox and live companies share an address.
pub fn is_signed(signature: &str, body: &[u8], verifier_tokens: &[SecretString]) -> bool {
    let Ok(signature) = STANDARD.decode(signature.trim()) else { return false };
    verifier_tokens.iter().any(|token| {
        Hmac::<Sha256>::new_from_slice(token.expose_secret().as_bytes())
            .is_ok_and(|mac| mac.chain_update(body).verify_slice(&signature).is_ok())
    })
}

/// What a body says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The changes, as sent; the same one may be there twice.
    pub changes: Vec<Change>,
    /// How many entries lacked a realm, a kind, a verb or an id.
    pub unreadable: usize,
}

/// Something changed in a realm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The realm. It need not be one that is known here.
    pub realm: RealmId,
    /// The kind of object in small letters: `customer`.
    pub entity: String,
    /// The object; the surviving one of a merge.
    pub id: QuickBooksId,
    /// What happened. A verb that is not known is taken for an update: whoever looks will see what it was.
    pub operation: Operation,
    /// The object that a merge removed.
    pub deleted_id: Option<QuickBooksId>,
    /// When it happened.
    pub at: Option<Timestamp>,
}

/// Reads a body in the CloudEvents format or the classic one. Check its signature first.
pub fn parse(body: &[u8]) -> Result<Changes, serde_json::Error> {
    let body: Value = serde_json::from_slice(body)?;
    let mut found = Changes::default();
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

impl Changes {
    fn add(&mut self, change: Option<Change>) {
        match change {
            Some(change) => self.changes.push(change),
            None => self.unreadable += 1,
        }
    }
}

/// An element of the CloudEvents array. Its type is `qbo.<entity>.<verb>.v1`.
fn cloud_event(event: &Value) -> Option<Change> {
    let mut kind = event["type"].as_str()?.strip_prefix("qbo.")?.split('.');
    let data = &event["data"];
    Some(Change {
        realm: RealmId::new(text(&event["intuitaccountid"])?).ok()?,
        entity: kind.next().filter(|entity| !entity.is_empty())?.to_lowercase(),
        id: id(&event["intuitentityid"])?,
        operation: operation(kind.next()?),
        deleted_id: id(&data["deletedid"]).or_else(|| id(&data["deletedId"])),
        at: time(&event["time"]),
    })
}

/// An element of the classic format, which Intuit replaced in 2026.
fn classic_change(notification: &Value, change: &Value) -> Option<Change> {
    Some(Change {
        realm: RealmId::new(text(&notification["realmId"])?).ok()?,
        entity: change["name"].as_str().filter(|entity| !entity.is_empty())?.to_lowercase(),
        id: id(&change["id"])?,
        operation: operation(change["operation"].as_str()?),
        deleted_id: id(&change["deletedId"]),
        at: time(&change["lastUpdated"]),
    })
}

/// Verbs of both formats. A void is `void` by Intuit's list of events, and `voided` to some who receive them.
fn operation(verb: &str) -> Operation {
    match verb.to_lowercase().as_str() {
        "create" | "created" => Operation::Created,
        "delete" | "deleted" => Operation::Deleted,
        "merge" | "merged" => Operation::Merged,
        "void" | "voided" => Operation::Voided,
        "emailed" => Operation::Emailed,
        _ => Operation::Updated,
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
        assert_eq!(parse(b"{}").unwrap(), Changes::default());
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
            assert_eq!(found.changes.len() + found.unreadable, events.len());
        }
    }
}
