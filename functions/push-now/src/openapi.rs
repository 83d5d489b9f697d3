//! The description of the HTTP API, made of the types that are read and written. `infra/openapi.json` is committed for
//! those who call it; the test holds it to the code.

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};
use sync::event::Envelope;
use sync::model::Invoice;

use crate::answer::{EventStatus, Problem};

/// Path, method, and the statuses that are answered with.
pub(crate) const OPERATIONS: [(&str, &str, &[u16]); 2] = [
    ("/companies/{company}/invoices/push", "post", &[200, 202, 400, 401, 409, 413, 422, 503]),
    ("/companies/{company}/events/{event}", "get", &[200, 400, 401, 503]),
];

fn about(status: u16) -> &'static str {
    match status {
        200 => "What became of the event.",
        202 => {
            "It takes longer, or QuickBooks asks for patience: the queue finishes it. `Location` says where to ask."
        }
        400 => "The request cannot be read; `detail` names the member.",
        401 => "The company's API key is missing or wrong, or there is no such company.",
        409 => "The invoice waits for a person, because of what it meets in QuickBooks or in the settings.",
        413 => "The body is too long.",
        422 => "The invoice waits for a person, because of what it says.",
        _ => "Nothing is promised: send the same event again.",
    }
}

fn responses(statuses: &[u16], status: &Value, problem: &Value) -> Value {
    let response = |code: &u16| {
        let (content_type, schema) =
            if *code < 400 { ("application/json", status) } else { ("application/problem+json", problem) };
        let mut response =
            json!({"description": about(*code), "content": {content_type: {"schema": schema}}});
        if *code == 202 {
            response["headers"] = json!({
                "Location": {"description": "The address of the event.", "schema": {"type": "string"}},
                "Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}},
            });
        }
        (code.to_string(), response)
    };
    Value::Object(statuses.iter().map(response).collect())
}

/// The whole description.
fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
    });
    let mut generator = settings.into_generator();
    let event = generator.subschema_for::<Envelope>().to_value();
    let invoice = generator.subschema_for::<Invoice>().to_value();
    let status = generator.subschema_for::<EventStatus>().to_value();
    let problem = generator.subschema_for::<Problem>().to_value();
    let mut schemas = Value::Object(generator.take_definitions(true));
    schemas["EntityEvent"]["properties"]["data"] = invoice;
    let [(push, _, pushed), (events, _, asked)] = OPERATIONS;
    let parameter = |name: &str, place: &str, about: &str| json!({"name": name, "in": place, "required": true, "description": about, "schema": {"type": "string"}});
    let company = parameter("company", "path", "The company.");
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Counterpart",
            "version": "1",
            "description": "For billing apps. An invoice is pushed to QuickBooks while the app waits; with automated sales tax the answer holds QuickBooks' taxes.",
        },
        "security": [{"bearer": []}, {"key": []}],
        "paths": {
            push: {"post": {
                "operationId": "pushInvoice",
                "summary": "Push an invoice and wait for the answer, 25 seconds at most",
                "description": "The body is the event that would be sent to the queue. Sent again under the same id it is answered again, and nothing is pushed twice. Until an answer comes the event is the sender's: after none, or a 5xx, send it again.",
                "parameters": [company],
                "requestBody": {"required": true, "content": {"application/json": {"schema": event}}},
                "responses": responses(pushed, &status, &problem),
            }},
            events: {"get": {
                "operationId": "getEvent",
                "summary": "What became of an event, however it was sent",
                "parameters": [
                    company,
                    parameter("event", "path", "The event's id."),
                    parameter("time", "query", "The event's time (RFC 3339)."),
                ],
                "responses": responses(asked, &status, &problem),
            }},
        },
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
            },
        },
    })
}

#[test]
fn the_committed_description_is_the_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/openapi.json");
    let current = format!("{}\n", serde_json::to_string_pretty(&document()).unwrap());
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(path, &current).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap();
    assert!(
        committed == current,
        "infra/openapi.json is out of date: run the test once with UPDATE_SCHEMA=1"
    );
}

#[test]
fn every_reference_leads_somewhere() {
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    found.push(reference.trim_start_matches('#').to_owned());
                }
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let (document, mut found) = (document(), Vec::new());
    references(&document, &mut found);
    assert!(found.len() > 10);
    for reference in found {
        assert!(document.pointer(&reference).is_some(), "{reference}");
    }
}
