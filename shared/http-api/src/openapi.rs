//! The description of the HTTP API, made of the types that are read and written. `infra/openapi.json` is committed for
//! those who call it; the test holds it to the code.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Value, json};
use sync::event::Envelope;
use sync::ids::{BillingId, CompanyId, EventId};
use sync::model::{Invoice, Kind};

use crate::{
    ActivityPage, ApiKey, CompanyStatus, ConsoleLink, EventStatus, Ignore, Moved, Operation, Problem,
    RecordStatus, WhichEvents,
};

/// The statuses that an operation answers with.
pub fn statuses(operation: Operation) -> &'static [u16] {
    match operation {
        Operation::PushInvoice => &[200, 202, 400, 401, 409, 413, 422, 503],
        Operation::GetEvent => &[200, 400, 401, 503],
        Operation::GetCompany => &[200, 401, 429, 503],
        Operation::CreateConsoleLink | Operation::RotateApiKey => &[201, 401, 429, 503],
        Operation::RevokeApiKey => &[204, 401, 429, 503],
        Operation::GetRecord | Operation::ListActivity => &[200, 400, 401, 429, 503],
        Operation::Retry | Operation::Ignore => &[200, 400, 401, 413, 429, 503],
    }
}

/// What a status means.
fn about(operation: Operation, status: u16) -> &'static str {
    match status {
        200 if matches!(operation, Operation::PushInvoice | Operation::GetEvent) => {
            "What became of the event."
        }
        200 => "As asked.",
        201 => "Made.",
        202 => {
            "It takes longer, or QuickBooks asks for patience: the queue finishes it. `Location` says where to ask."
        }
        204 => "Taken away. No key opens the company any more.",
        400 => "The request cannot be read; `detail` names the member.",
        401 => "The company's API key is missing or wrong, or there is no such company.",
        409 => "The invoice waits for a person, because of what it meets in QuickBooks or in the settings.",
        413 => "The body is too long.",
        422 => "The invoice waits for a person, because of what it says.",
        429 => "Too many requests in a minute.",
        _ => "Nothing is promised: send the same again.",
    }
}

/// An operation beside its address and its statuses.
struct Described {
    id: &'static str,
    summary: &'static str,
    description: &'static str,
    parameters: Vec<Value>,
    body: Option<Value>,
    answer: Option<Value>,
}

fn parameter(name: &str, place: &str, about: &str, schema: &Value) -> Value {
    json!({"name": name, "in": place, "required": place == "path", "description": about, "schema": schema})
}

fn text() -> Value {
    json!({"type": "string"})
}

fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    generator.subschema_for::<T>().to_value()
}

fn described(operation: Operation, generator: &mut SchemaGenerator) -> Described {
    let kinds: Vec<&str> = Kind::ALL.map(Kind::name).to_vec();
    let kind = json!({"type": "string", "enum": kinds});
    let required = |mut parameter: Value| {
        parameter["required"] = true.into();
        parameter
    };
    let plain = |id, summary, answer| Described {
        id,
        summary,
        description: "",
        parameters: Vec::new(),
        body: None,
        answer,
    };
    match operation {
        Operation::PushInvoice => Described {
            description: "The body is the event that would be sent to the queue. Sent again under the same id it is answered again, and nothing is pushed twice. Until an answer comes the event is the sender's: after none, or a 5xx, send it again.",
            body: Some(schema::<Envelope>(generator)),
            ..plain(
                "pushInvoice",
                "Push an invoice and wait for the answer, 25 seconds at most",
                Some(schema::<EventStatus>(generator)),
            )
        },
        Operation::GetEvent => Described {
            parameters: vec![
                parameter("event", "path", "The event's id.", &schema::<EventId>(generator)),
                required(parameter(
                    "time",
                    "query",
                    "The event's time (RFC 3339).",
                    &json!({"type": "string", "format": "date-time"}),
                )),
            ],
            ..plain(
                "getEvent",
                "What became of an event, however it was sent",
                Some(schema::<EventStatus>(generator)),
            )
        },
        Operation::GetCompany => plain(
            "getCompany",
            "Connection, directions, and what waits",
            Some(schema::<CompanyStatus>(generator)),
        ),
        Operation::CreateConsoleLink => plain(
            "createConsoleLink",
            "A link that opens the console in a person's browser, once and within five minutes",
            Some(schema::<ConsoleLink>(generator)),
        ),
        Operation::RotateApiKey => plain(
            "rotateApiKey",
            "A new API key in place of the one that asks",
            Some(schema::<ApiKey>(generator)),
        ),
        Operation::RevokeApiKey => {
            plain("revokeApiKey", "Take the API key away; an operator makes the next one", None)
        }
        Operation::GetRecord => Described {
            parameters: vec![
                parameter("kind", "path", "The record's kind.", &kind),
                parameter(
                    "id",
                    "path",
                    "The record's id in the billing app.",
                    &schema::<BillingId>(generator),
                ),
            ],
            ..plain(
                "getRecord",
                "Whether a record is in step, for a badge beside it",
                Some(schema::<RecordStatus>(generator)),
            )
        },
        Operation::ListActivity => Described {
            parameters: vec![
                parameter("kind", "query", "Only records of this kind.", &kind),
                parameter(
                    "outcome",
                    "query",
                    "Only what ended so.",
                    &json!({"type": "string", "enum": ["parked", "done", "skipped", "ignored"]}),
                ),
                parameter(
                    "cause",
                    "query",
                    "Only what waits for this sort of reason.",
                    &schema::<sync::outcome::ParkCause>(generator),
                ),
                parameter("text", "query", "Only what names this.", &text()),
                parameter(
                    "older",
                    "query",
                    "Where to go on: what the page before has under `older`.",
                    &json!({"type": "string", "minLength": 1}),
                ),
            ],
            ..plain("listActivity", "What happened, newest first", Some(schema::<ActivityPage>(generator)))
        },
        Operation::Retry => Described {
            body: Some(schema::<WhichEvents>(generator)),
            ..plain("retry", "Put what waits back on its queue", Some(schema::<Moved>(generator)))
        },
        Operation::Ignore => Described {
            body: Some(schema::<Ignore>(generator)),
            ..plain("ignore", "End what waits, with a reason", Some(schema::<Moved>(generator)))
        },
    }
}

fn responses(operation: Operation, answer: Option<&Value>, problem: &Value) -> Value {
    let response = |code: &u16| {
        let mut response = json!({"description": about(operation, *code)});
        let (content_type, schema) = if *code < 400 {
            ("application/json", answer)
        } else {
            ("application/problem+json", Some(problem))
        };
        if let Some(schema) = schema {
            response["content"] = json!({content_type: {"schema": schema}});
        }
        if *code == 202 {
            response["headers"] = json!({
                "Location": {"description": "The address of the event.", "schema": {"type": "string"}},
                "Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}},
            });
        }
        (code.to_string(), response)
    };
    Value::Object(statuses(operation).iter().map(response).collect())
}

/// The whole description.
pub fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
    });
    let mut generator = settings.into_generator();
    let invoice = schema::<Invoice>(&mut generator);
    let problem = schema::<Problem>(&mut generator);
    let company = parameter("company", "path", "The company.", &schema::<CompanyId>(&mut generator));
    let mut paths = json!({});
    for operation in Operation::ALL {
        let what = described(operation, &mut generator);
        let parameters: Vec<&Value> = std::iter::once(&company).chain(&what.parameters).collect();
        let mut written = json!({
            "operationId": what.id,
            "summary": what.summary,
            "parameters": parameters,
            "responses": responses(operation, what.answer.as_ref(), &problem),
        });
        if !what.description.is_empty() {
            written["description"] = what.description.into();
        }
        if let Some(body) = what.body {
            written["requestBody"] =
                json!({"required": true, "content": {"application/json": {"schema": body}}});
        }
        let method = operation.address().0.as_str().to_lowercase();
        paths[operation.path()][method] = written;
    }
    let mut schemas = Value::Object(generator.take_definitions(true));
    // Of the events only those of invoices are taken here.
    let event = &mut schemas["Envelope"]["properties"];
    event["data"] = json!({"anyOf": [invoice, {"type": "null"}]});
    let of_all = event["type"]["pattern"].as_str().unwrap_or_default();
    event["type"]["pattern"] = of_all.replace("(client|product|invoice|payment)", "invoice").into();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Counterpart",
            "version": "1",
            "description": "For billing apps. An invoice is pushed to QuickBooks while the app waits; with automated sales tax the answer holds QuickBooks' taxes. Beside that: how a company and its records stand, what waits and what to do about it, and links into the console.",
        },
        "security": [{"bearer": []}, {"key": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn what_is_pushed_while_its_sender_waits_is_an_invoice() {
        let document = document();
        let body = "/paths/~1companies~1{company}~1invoices~1push/post/requestBody/content/application~1json/schema/$ref";
        let reference = document.pointer(body).and_then(Value::as_str).unwrap();
        let event = &document.pointer(reference.trim_start_matches('#')).unwrap()["properties"];
        assert!(event["type"]["pattern"].as_str().unwrap().starts_with("^billing[.]invoice[.]"), "{event}");
        assert_eq!(event["data"]["anyOf"][0]["$ref"], "#/components/schemas/Invoice");
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
}
