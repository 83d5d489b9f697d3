//! Entity events: what the billing app says happened to one of its records.
//!
//! A message on the push queue holds one event or a JSON array of them, as CloudEvents 1.0. Each event of a message
//! is read by itself, so that one that cannot be read keeps none of the others back.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::ids::{BillingId, CompanyId, EventId};
use crate::model::{Client, Invoice, Kind, Payment, Product, Record};
use crate::ports::Stored;

/// What a problem is said to be with that is not with a member.
const WHOLE: &str = "The event";

/// What happened to the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// It was made.
    Created,
    /// It was changed.
    Updated,
    /// It was sent to the client.
    Sent,
    /// It was deleted.
    Deleted,
    /// It was voided or cancelled.
    Voided,
    /// It was brought back after a deletion.
    Restored,
}

impl Verb {
    const ALL: [(&'static str, Verb); 9] = [
        ("created", Verb::Created),
        ("updated", Verb::Updated),
        ("sent", Verb::Sent),
        ("deleted", Verb::Deleted),
        ("voided", Verb::Voided),
        ("void", Verb::Voided),
        ("cancelled", Verb::Voided),
        ("canceled", Verb::Voided),
        ("restored", Verb::Restored),
    ];

    /// All of them.
    pub const EACH: [Verb; 6] =
        [Verb::Created, Verb::Updated, Verb::Sent, Verb::Deleted, Verb::Voided, Verb::Restored];

    /// Whether the record is gone or worth nothing after it.
    pub fn withdraws(self) -> bool {
        matches!(self, Verb::Deleted | Verb::Voided)
    }

    /// As event types name it.
    pub fn name(self) -> &'static str {
        Verb::ALL.iter().find(|(_, verb)| *verb == self).map_or("updated", |(name, _)| name)
    }
}

/// One readable event.
#[derive(Clone, Debug, PartialEq)]
pub struct EntityEvent {
    /// The sender's id for it; the same when it is sent again.
    pub id: EventId,
    /// Whose record it is.
    pub company: CompanyId,
    /// Which kind of record.
    pub kind: Kind,
    /// What happened.
    pub verb: Verb,
    /// Which record.
    pub subject: BillingId,
    /// When it happened.
    pub time: Timestamp,
    /// The record at that moment; when absent it is fetched from the billing app.
    pub data: Option<Record>,
}

impl EntityEvent {
    /// The event of an app that gives its events no ids: the same state told again is the same event.
    pub fn of_state(company: &CompanyId, verb: Verb, stored: &Stored) -> EntityEvent {
        let Stored { record, updated_at, deleted } = stored;
        let what = format!("{}.{}", record.kind(), verb.name());
        // Records are plain data: what cannot be written would be no event of theirs.
        let content = serde_json::to_vec(&(record, updated_at, deleted)).unwrap_or_default();
        EntityEvent {
            id: EventId::of_state(company, &what, record.id(), &content),
            company: company.clone(),
            kind: record.kind(),
            verb,
            subject: record.id().clone(),
            time: *updated_at,
            data: Some(record.clone()),
        }
    }

    /// The same for a record of which no more is known than what was received: `content` as it came.
    pub fn of_content(
        company: &CompanyId,
        (kind, verb): (Kind, Verb),
        subject: BillingId,
        time: Timestamp,
        content: &[u8],
    ) -> EntityEvent {
        let what = format!("{kind}.{}", verb.name());
        let id = EventId::of_state(company, &what, &subject, content);
        EntityEvent { id, company: company.clone(), kind, verb, subject, time, data: None }
    }

    /// The event as a message on the push queue has it. `source` names the app.
    ///
    /// # Errors
    /// None that is known: an event is plain data.
    pub fn to_json(&self, source: &str) -> Result<Value, serde_json::Error> {
        let data = match &self.data {
            Some(Record::Client(client)) => Some(serde_json::to_value(client)?),
            Some(Record::Product(product)) => Some(serde_json::to_value(product)?),
            Some(Record::Invoice(invoice)) => Some(serde_json::to_value(invoice)?),
            Some(Record::Payment(payment)) => Some(serde_json::to_value(payment)?),
            None => None,
        };
        let mut event = json!({
            "specversion": "1.0",
            "id": self.id,
            "source": source,
            "type": format!("billing.{}.{}", self.kind, self.verb.name()),
            "subject": self.subject,
            "time": self.time,
            "company": self.company,
        });
        if let (Some(event), Some(data)) = (event.as_object_mut(), data) {
            event.insert("data".to_owned(), data);
        }
        Ok(event)
    }
}

impl fmt::Display for EntityEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.kind, self.subject, self.verb.name())
    }
}

/// An event as it came, and what could be read of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    /// The text as it came.
    pub raw: String,
    /// The event, or why it cannot be read.
    pub event: Result<EntityEvent, Unreadable>,
}

/// Why an event, a change notice or a whole message cannot be read. It is parked as it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Unreadable {
    /// Whose it is, as far as it says.
    pub company: Option<CompanyId>,
    /// Its id, as far as it says.
    pub id: Option<EventId>,
    /// What is wrong with it and where, for a person.
    pub problem: String,
}

impl Unreadable {
    pub(crate) fn new(value: Option<&Value>, problem: String) -> Unreadable {
        let text = |name: &str| value.and_then(|value| value.get(name)).and_then(Value::as_str);
        Unreadable {
            company: text("company").and_then(|text| CompanyId::new(text).ok()),
            id: text("id").and_then(|text| EventId::new(text).ok()),
            problem,
        }
    }
}

/// [`kind_and_verb`] as a pattern of JSON Schema.
const TYPE: &str = "^billing[.](client|product|invoice|payment)[.](created|updated|sent|deleted|voided|void|cancelled|canceled|restored)$";

/// The JSON of an event. `data` is the record of the kind that `type` names.
#[derive(Deserialize, JsonSchema)]
#[schemars(title = "EntityEvent")]
pub struct Envelope {
    /// Always `1.0` (CloudEvents).
    #[schemars(extend("const" = "1.0"))]
    specversion: String,
    /// Unique per event; the same when it is sent again.
    id: EventId,
    /// The billing app that sends it.
    #[expect(dead_code, reason = "part of the contract; nothing decides by it")]
    source: String,
    /// `billing.{client|product|invoice|payment}.{created|updated|sent|deleted|voided|cancelled|restored}`.
    #[schemars(extend("pattern" = TYPE))]
    r#type: String,
    /// The record's id in the billing app.
    subject: BillingId,
    /// When it happened (RFC 3339).
    #[schemars(with = "String", extend("format" = "date-time"))]
    time: Timestamp,
    /// The tenant.
    company: CompanyId,
    /// The whole record after the event: a Client, Product, Invoice or Payment.
    #[serde(default)]
    data: Option<Value>,
}

/// Reads a queue message's body: one event or an array of them, in order.
///
/// Never fails as a whole: what cannot be read is [`Unreadable`] in its place.
pub fn read(body: &str) -> Vec<Received> {
    let unreadable =
        |problem: String| vec![Received { raw: body.to_owned(), event: Err(Unreadable::new(None, problem)) }];
    match serde_json::from_str::<Value>(body) {
        Err(error) => unreadable(format!("The message is not JSON: {error}.")),
        Ok(Value::Array(events)) if events.is_empty() => {
            unreadable("The message is an array without events.".into())
        }
        Ok(Value::Array(events)) => {
            events.iter().map(|event| Received { raw: event.to_string(), event: read_event(event) }).collect()
        }
        Ok(event) => vec![Received { raw: body.to_owned(), event: read_event(&event) }],
    }
}

fn read_event(value: &Value) -> Result<EntityEvent, Unreadable> {
    let unreadable = |problem: String| Unreadable::new(Some(value), problem);
    let envelope: Envelope = typed(value, "", WHOLE).map_err(unreadable)?;
    if envelope.specversion != "1.0" {
        let version = &envelope.specversion;
        return Err(unreadable(format!("`specversion` is `{version}`; only CloudEvents 1.0 is understood.")));
    }
    let (kind, verb) = kind_and_verb(&envelope.r#type).map_err(unreadable)?;
    let data = match &envelope.data {
        None | Some(Value::Null) => None,
        Some(data) => Some(record(kind, data).map_err(unreadable)?),
    };
    if let Some(data) = &data
        && *data.id() != envelope.subject
    {
        let (subject, id) = (&envelope.subject, data.id());
        return Err(unreadable(format!("`subject` is `{subject}`, but `data.id` is `{id}`.")));
    }
    let Envelope { id, company, subject, time, .. } = envelope;
    Ok(EntityEvent { id, company, kind, verb, subject, time, data })
}

fn kind_and_verb(event_type: &str) -> Result<(Kind, Verb), String> {
    let unknown = |what: &str| format!("`type` is `{event_type}`: {what}.");
    let mut parts = event_type.split('.');
    let (Some("billing"), Some(kind), Some(verb), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(unknown("it should read billing.KIND.VERB"));
    };
    let kind = Kind::ALL
        .into_iter()
        .find(|known| known.name() == kind)
        .ok_or_else(|| unknown("the kind should be client, product, invoice or payment"))?;
    let verb =
        Verb::ALL.into_iter().find(|(name, _)| *name == verb).map(|(_, verb)| verb).ok_or_else(|| {
            unknown("the verb should be created, updated, sent, deleted, voided, cancelled or restored")
        })?;
    Ok((kind, verb))
}

fn record(kind: Kind, data: &Value) -> Result<Record, String> {
    Ok(match kind {
        Kind::Client => Record::Client(typed::<Box<Client>>(data, "data.", WHOLE)?),
        Kind::Product => Record::Product(typed::<Product>(data, "data.", WHOLE)?),
        Kind::Invoice => Record::Invoice(typed::<Box<Invoice>>(data, "data.", WHOLE)?),
        Kind::Payment => Record::Payment(typed::<Box<Payment>>(data, "data.", WHOLE)?),
    })
}

/// Reads a value, naming the member at which it fails, or `whole` if it is none.
pub(crate) fn typed<T: DeserializeOwned>(value: &Value, prefix: &str, whole: &str) -> Result<T, String> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let place =
            if path == "." { prefix.trim_end_matches('.').to_owned() } else { format!("{prefix}{path}") };
        let place = if place.is_empty() { whole.to_owned() } else { format!("`{place}`") };
        format!("{place} cannot be read: {}.", error.into_inner())
    })
}

/// The JSON Schema of a message: one event or an array of them, with the records that `data` may be.
pub fn schema() -> Value {
    /// A queue message.
    #[derive(JsonSchema)]
    #[schemars(untagged, title = "Message")]
    #[expect(dead_code, reason = "only its schema is used")]
    enum Message {
        Event(Box<Envelope>),
        Batch(Vec<Envelope>),
    }
    /// What `data` may be.
    #[derive(JsonSchema)]
    #[schemars(untagged)]
    #[expect(dead_code, reason = "only its schema is used")]
    enum Data {
        Client(Client),
        Product(Product),
        Invoice(Invoice),
        Payment(Payment),
    }
    let mut generator = schemars::SchemaGenerator::default();
    let data = generator.subschema_for::<Data>().to_value();
    let mut schema = generator.into_root_schema_for::<Message>().to_value();
    if let Some(slot) = schema.pointer_mut("/$defs/EntityEvent/properties/data") {
        *slot = data;
    }
    schema
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn event() -> Value {
        json!({
            "specversion": "1.0",
            "id": "e-1",
            "source": "https://billing.example/acme",
            "type": "billing.client.created",
            "subject": "c-1",
            "time": "2026-03-02T10:00:00Z",
            "company": "acme",
            "data": {"id": "c-1", "name": "O'Brien", "contacts": [{"email": "o@brien.example", "shoe_size": 44}]},
        })
    }

    fn problem(change: impl FnOnce(&mut Value)) -> String {
        let mut event = event();
        change(&mut event);
        read(&event.to_string()).remove(0).event.unwrap_err().problem
    }

    #[test]
    fn an_event_is_read_and_unknown_members_are_ignored() {
        let read = read(&event().to_string()).remove(0).event.unwrap();
        assert_eq!((read.kind, read.verb, read.subject.as_str()), (Kind::Client, Verb::Created, "c-1"));
        assert!(
            matches!(read.data, Some(Record::Client(client)) if client.contacts[0].email == "o@brien.example")
        );
    }

    #[test]
    fn problems_name_the_place() {
        let problems = [
            problem(|event| event["specversion"] = json!("2.0")),
            problem(|event| event["type"] = json!("billing.quote.created")),
            problem(|event| event["type"] = json!("billing.client.created.v2")),
            problem(|event| event["type"] = json!("billing.client.exploded")),
            problem(|event| event["time"] = json!("yesterday")),
            problem(|event| drop(event.as_object_mut().unwrap().remove("company"))),
            problem(|event| event["company"] = json!("a#b")),
            problem(|event| event["data"]["contacts"][0]["email"] = json!(7)),
            problem(|event| event["data"]["id"] = json!("c-2")),
        ];
        insta::assert_snapshot!(problems.join("\n"));
    }

    #[test]
    fn a_bad_event_keeps_its_neighbours_out_of_it() {
        let mut bad = event();
        bad["data"]["id"] = json!("");
        let batch = json!([event(), bad, "nonsense", event()]).to_string();
        let read: Vec<bool> = read(&batch).iter().map(|received| received.event.is_ok()).collect();
        assert_eq!(read, [true, false, false, true]);
    }

    #[test]
    fn what_an_unreadable_event_says_of_itself_is_kept() {
        let mut bad = event();
        bad["type"] = json!("x");
        let received = read(&bad.to_string()).remove(0);
        let unreadable = received.event.unwrap_err();
        assert_eq!(unreadable.company, CompanyId::new("acme").ok());
        assert_eq!(unreadable.id, EventId::new("e-1").ok());
        assert_eq!(received.raw, bad.to_string());
        assert!(read("{").remove(0).event.unwrap_err().problem.starts_with("The message is not JSON"));
        assert!(read("[]").remove(0).event.is_err());
    }

    #[test]
    fn an_event_is_written_as_it_is_read() {
        let read_one = |value: &Value| read(&value.to_string()).remove(0).event.unwrap();
        let original = read_one(&event());
        assert_eq!(read_one(&original.to_json("https://billing.example").unwrap()), original);
        let bare = EntityEvent { data: None, ..original };
        assert_eq!(read_one(&bare.to_json("https://billing.example").unwrap()), bare);
    }

    #[test]
    fn a_state_told_again_is_the_same_event_and_a_later_one_is_not() {
        let company = CompanyId::new("acme").unwrap();
        let original = read(&event().to_string()).remove(0).event.unwrap();
        let stored = Stored { record: original.data.unwrap(), updated_at: original.time, deleted: false };
        let id = |company: &CompanyId, verb, stored: &Stored| EntityEvent::of_state(company, verb, stored).id;
        let first = id(&company, Verb::Updated, &stored);
        assert_eq!(first, id(&company, Verb::Updated, &stored.clone()));
        let later = Stored { updated_at: Timestamp::UNIX_EPOCH, ..stored.clone() };
        let deleted = Stored { deleted: true, ..stored.clone() };
        let others = [
            id(&company, Verb::Updated, &later),
            id(&company, Verb::Updated, &deleted),
            id(&company, Verb::Created, &stored),
            id(&CompanyId::new("globex").unwrap(), Verb::Updated, &stored),
        ];
        assert!(!others.contains(&first), "{others:?}");
        assert!(EventId::new(first.as_str()).is_ok());
    }

    #[test]
    fn amounts_are_read_from_their_text() {
        let line = json!({"quantity": 3, "unit_price": 92.5633333, "taxes": [{"rate": "8.25"}]});
        let mut event = event();
        event["type"] = json!("billing.invoice.sent");
        event["subject"] = json!("i-1");
        event["data"] = json!({"id": "i-1", "date": "2026-03-02", "client_id": "c-1", "lines": [line], "status": "sent", "amount": 0.1, "discount": {"percent": 2.5}});
        let text = event.to_string();
        let Some(Record::Invoice(invoice)) = read(&text).remove(0).event.unwrap().data else {
            panic!("an invoice")
        };
        assert_eq!(invoice.lines[0].unit_price.to_string(), "92.5633333");
        assert_eq!(invoice.lines[0].taxes[0].rate.to_string(), "8.25");
        assert_eq!(invoice.amount.to_string(), "0.1");
        assert_eq!(invoice.discount, Some(crate::model::Discount::Percent("2.5".parse().unwrap())));
    }

    /// The schema is part of the contract: whoever sends events validates against this file.
    #[test]
    fn the_committed_schema_is_the_types() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/entity-event.schema.json");
        let current = format!("{}\n", serde_json::to_string_pretty(&schema()).unwrap());
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::write(path, &current).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap();
        assert!(committed == current, "{path} is out of date: run the test once with UPDATE_SCHEMA=1");
    }

    proptest! {
        #[test]
        fn nothing_makes_reading_panic(body in any::<String>()) {
            prop_assert!(!read(&body).is_empty());
        }

        #[test]
        fn no_odd_member_makes_reading_panic(member in "[a-z]{1,6}", depth in 0_usize..200) {
            let mut event = event();
            let nested = (0..depth).fold(json!(1e300), |inner, _| json!([inner]));
            event["data"][&member] = nested.clone();
            event[&member] = nested;
            prop_assert_eq!(read(&event.to_string()).len(), 1);
        }
    }
}
