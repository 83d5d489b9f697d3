//! The bytes and headers of a notification.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use sha2::Sha256;

use super::{WebhookFormat, WebhookSettings};
use crate::company::Change;

/// The `source` of every CloudEvents event. Intuit's says nothing that a client could use either.
const SOURCE: &str = "intuit.c2ltdWxhdG9yIHNpbXVsYXRvciBzaW11bGF0b3I=";

/// A change of one company, with the id by which a receiver tells duplicates.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) realm: String,
    pub(super) change: Change,
}

/// The body of a notification.
pub(super) fn body(events: &[Event], settings: &WebhookSettings) -> String {
    match settings.format {
        WebhookFormat::Classic => classic(events).to_string(),
        WebhookFormat::CloudEvents => {
            events.iter().map(|event| cloud_event(event, settings)).collect::<Value>().to_string()
        }
    }
}

/// Intuit: "Webhooks", the format before CloudEvents: grouped by company.
fn classic(events: &[Event]) -> Value {
    let mut companies: Vec<(&str, Vec<Value>)> = Vec::new();
    for event in events {
        let entity = classic_entity(&event.change);
        match companies.iter_mut().find(|(realm, _)| *realm == event.realm) {
            Some((_, entities)) => entities.push(entity),
            None => companies.push((&event.realm, vec![entity])),
        }
    }
    let notification = |(realm, entities): (&str, Vec<Value>)| json!({"realmId": realm, "dataChangeEvent": {"entities": entities}});
    json!({"eventNotifications": companies.into_iter().map(notification).collect::<Value>()})
}

fn classic_entity(change: &Change) -> Value {
    let mut entity = json!({
        "name": change.entity,
        "id": change.id,
        "operation": change.operation,
        "lastUpdated": format!("{:.3}", change.at),
    });
    if let Some(deleted) = &change.deleted_id {
        entity["deletedId"] = deleted.as_str().into();
    }
    entity
}

/// Intuit: "Webhooks", CloudEvents.
fn cloud_event(event: &Event, settings: &WebhookSettings) -> Value {
    let Event { id, realm, change } = event;
    let verb = match change.operation.as_str() {
        "Create" => "created",
        "Update" => "updated",
        "Delete" => "deleted",
        "Merge" => "merged",
        "Void" => &settings.void_verb,
        other => &other.to_lowercase(),
    };
    let mut cloud_event = json!({
        "specversion": "1.0",
        "id": id,
        "source": SOURCE,
        "type": format!("qbo.{}.{verb}.v1", change.entity.to_lowercase()),
        "time": format!("{:.9}", change.at),
        "intuitentityid": change.id,
        "intuitaccountid": realm,
    });
    if let Some(deleted) = &change.deleted_id {
        cloud_event["datacontenttype"] = "application/json".into();
        cloud_event["data"] = json!({"deletedid": deleted});
    } else if settings.with_data {
        cloud_event["datacontenttype"] = "application/json".into();
        cloud_event["data"] = json!({});
    }
    cloud_event
}

/// The headers of a notification, the signature of its body among them.
pub(super) fn headers(
    body: &str,
    delivery_id: &str,
    settings: &WebhookSettings,
    now: Timestamp,
) -> [(&'static str, String); 7] {
    let content_type = match settings.format {
        WebhookFormat::Classic => "application/json; charset=utf-8",
        WebhookFormat::CloudEvents => "application/cloudevents+json",
    };
    [
        ("intuit-signature", signature(&settings.verifier_token, body)),
        ("intuit-created-time", pacific(now)),
        ("intuit-t-id", delivery_id.to_owned()),
        ("intuit-notification-schema-version", "0.1".to_owned()),
        ("content-type", content_type.to_owned()),
        ("accept", "application/json".to_owned()),
        ("user-agent", "intuit_notification_server/1.0".to_owned()),
    ]
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
fn signature(verifier_token: &str, body: &str) -> String {
    let mut hmac = Hmac::<Sha256>::new_from_slice(verifier_token.as_bytes()).expect("any length");
    hmac.update(body.as_bytes());
    STANDARD.encode(hmac.finalize().into_bytes())
}

fn pacific(now: Timestamp) -> String {
    let zone = TimeZone::get("America/Los_Angeles").unwrap_or(TimeZone::UTC);
    now.to_zoned(zone).strftime("%Y-%m-%dT%H:%M:%S%z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(realm: &str, entity: &str, operation: &str, deleted_id: Option<&str>) -> Event {
        Event {
            id: "e-1".into(),
            realm: realm.into(),
            change: Change {
                entity: entity.into(),
                id: "12".into(),
                operation: operation.into(),
                deleted_id: deleted_id.map(Into::into),
                at: "2026-03-05T10:11:12.5Z".parse().unwrap(),
            },
        }
    }

    #[test]
    fn cloud_events_of_several_companies_are_one_array() {
        let events = [event("1", "Invoice", "Void", None), event("2", "Customer", "Merge", Some("9"))];
        let settings = WebhookSettings { with_data: false, ..WebhookSettings::default() };
        let body: Value = serde_json::from_str(&body(&events, &settings)).unwrap();
        let voided = json!({
            "specversion": "1.0", "id": "e-1", "source": SOURCE, "type": "qbo.invoice.void.v1",
            "time": "2026-03-05T10:11:12.500000000Z", "intuitentityid": "12", "intuitaccountid": "1",
        });
        let merged = json!({
            "specversion": "1.0", "id": "e-1", "source": SOURCE, "type": "qbo.customer.merged.v1",
            "time": "2026-03-05T10:11:12.500000000Z", "intuitentityid": "12", "intuitaccountid": "2",
            "datacontenttype": "application/json", "data": {"deletedid": "9"},
        });
        assert_eq!(body, json!([voided, merged]));
    }

    #[test]
    fn classic_notifications_are_grouped_by_company() {
        let events = [
            event("1", "Item", "Create", None),
            event("2", "Customer", "Merge", Some("9")),
            event("1", "Item", "Update", None),
        ];
        let settings = WebhookSettings { format: WebhookFormat::Classic, ..WebhookSettings::default() };
        let body: Value = serde_json::from_str(&body(&events, &settings)).unwrap();
        let entity = |name: &str, operation: &str| json!({"name": name, "id": "12", "operation": operation, "lastUpdated": "2026-03-05T10:11:12.500Z"});
        let mut merged = entity("Customer", "Merge");
        merged["deletedId"] = "9".into();
        let expected = json!({"eventNotifications": [
            {"realmId": "1", "dataChangeEvent": {"entities": [entity("Item", "Create"), entity("Item", "Update")]}},
            {"realmId": "2", "dataChangeEvent": {"entities": [merged]}},
        ]});
        assert_eq!(body, expected);
    }

    /// Computed with OpenSSL: `printf '[]' | openssl dgst -sha256 -hmac verify -binary | base64`.
    #[test]
    fn the_signature_is_an_hmac_of_the_body() {
        assert_eq!(signature("verify", "[]"), "PJCfW4qTG0URAwA/c9lozk8jd7vrXT7v0Lf/wEU7Jzo=");
    }

    #[test]
    fn the_creation_time_is_pacific() {
        assert_eq!(pacific("2026-02-02T16:25:00Z".parse().unwrap()), "2026-02-02T08:25:00-0800");
    }
}
