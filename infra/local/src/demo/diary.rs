//! The order in which things happen, and the events they make.

use std::collections::HashMap;

use anyhow::Context;
use jiff::{Timestamp, ToSpan};
use serde::Serialize;
use serde_json::{Value, json};
use sync::ids::CompanyId;

use super::{Ending, Event};

/// The first morning.
const FIRST_DAY: &str = "2026-01-02T08:00:00Z";

/// What happened, day by day.
pub(super) struct Diary {
    company: CompanyId,
    entries: Vec<Entry>,
}

struct Entry {
    day: i64,
    id: String,
    group: CompanyId,
    said: Said,
    endings: Vec<Ending>,
}

enum Said {
    /// An event: its type, its subject, its data.
    Event(String, String, Value),
    /// The event with this entry's id once more.
    Again,
    /// A text that is no event.
    Nonsense(String),
}

impl Diary {
    pub(super) fn new(company: &CompanyId) -> Diary {
        Diary { company: company.clone(), entries: Vec::new() }
    }

    /// Something happened to a record on a day (counted from the first). `what` is `KIND.VERB`; any of the endings
    /// is as it should be.
    pub(super) fn add(
        &mut self,
        day: i64,
        what: &str,
        subject: &(impl ToString + ?Sized),
        data: &impl Serialize,
        endings: &[Ending],
    ) -> anyhow::Result<()> {
        let data = compact(serde_json::to_value(data)?);
        let subject = subject.to_string();
        let verb = what.split('.').next_back().unwrap_or_default();
        let said = Said::Event(format!("billing.{what}"), subject.clone(), data);
        let (id, group) = (format!("{subject}.{verb}"), self.company.clone());
        self.entries.push(Entry { day, id, group, said, endings: endings.to_vec() });
        Ok(())
    }

    /// The event with this id is sent once more.
    pub(super) fn repeat(&mut self, day: i64, id: &str, ending: Ending) {
        let group = self.company.clone();
        self.entries.push(Entry { day, id: id.to_owned(), group, said: Said::Again, endings: vec![ending] });
    }

    /// Somebody sends what is no event.
    pub(super) fn nonsense(&mut self, day: i64, id: &str, text: &str, ending: Ending) {
        let group = self.company.clone();
        let said = Said::Nonsense(text.to_owned());
        self.entries.push(Entry { day, id: id.to_owned(), group, said, endings: vec![ending] });
    }

    /// What was added last happened in another company.
    pub(super) fn in_company(&mut self, company: CompanyId) {
        if let Some(entry) = self.entries.last_mut() {
            entry.group = company;
        }
    }

    /// The events in their order, a few minutes apart.
    pub(super) fn events(mut self) -> anyhow::Result<Vec<Event>> {
        self.entries.sort_by_key(|entry| entry.day);
        let first: Timestamp = FIRST_DAY.parse()?;
        let mut bodies: HashMap<String, String> = HashMap::new();
        let mut events = Vec::new();
        let (mut day, mut of_day) = (0, 0);
        for entry in self.entries {
            of_day = if entry.day == day { of_day + 1 } else { 0 };
            day = entry.day;
            let time = first.checked_add((day * 24).hours().minutes(of_day * 5))?;
            let body = match entry.said {
                Said::Event(kind, subject, data) => {
                    envelope(&entry.id, &entry.group, time, &kind, &subject, &data).to_string()
                }
                Said::Again => {
                    bodies.get(&entry.id).with_context(|| format!("there is no {}", entry.id))?.clone()
                }
                Said::Nonsense(text) => text,
            };
            bodies.insert(entry.id.clone(), body.clone());
            events.push(Event { id: entry.id, company: entry.group, body, endings: entry.endings });
        }
        Ok(events)
    }
}

fn envelope(
    id: &str,
    company: &CompanyId,
    time: Timestamp,
    kind: &str,
    subject: &str,
    data: &Value,
) -> Value {
    json!({
        "specversion": "1.0",
        "id": id,
        "source": "https://billing.example/juniper-and-slate",
        "type": kind,
        "subject": subject,
        "time": time,
        "company": company,
        "data": data,
    })
}

/// The record without members that say nothing.
fn compact(value: Value) -> Value {
    let is_empty = |value: &Value| match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        _ => false,
    };
    match value {
        Value::Object(members) => {
            let members = members.into_iter().map(|(name, value)| (name, compact(value)));
            members.filter(|(_, value)| !is_empty(value)).collect()
        }
        Value::Array(values) => values.into_iter().map(compact).collect(),
        other => other,
    }
}
