//! The app's records as the neutral model has them, and back.
//!
//! Reading takes what the app sends and says which member keeps a record from being taken whole. Writing goes by
//! *images*: the members that the model knows, as the app would have them. A record is created from its image; it is
//! changed by the members in which the images of its two states differ, so that nothing else is touched. What the app
//! replaces whole (contacts, lines, settings) is sent with everything that it has already.

mod client;
#[cfg(test)]
pub(crate) mod fixtures;
mod invoice;
mod lines;
mod payment;
mod product;

use serde_json::Value;
use sync::model::{Kind, Record};
use sync::ports::Stored;

use crate::json::{Loose, NotWhole, Object};
use crate::statics::Statics;

/// What has to be known of an app to understand its records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setup {
    /// The app's fixed lists.
    pub statics: Statics,
    /// The id of the company's own currency.
    pub home_currency_id: String,
    /// What the company calls each of the four surcharges.
    surcharges: [Surcharge; 4],
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Surcharge {
    name: String,
    /// The invoice's own taxes are taken of it.
    taxed: bool,
}

impl Setup {
    /// Takes what is needed from the company as the app shows it (Invoice Ninja API: companies).
    pub fn new(statics: Statics, company: &Object) -> Setup {
        let labels = company.object("custom_fields");
        let surcharge = |n: usize| {
            // `Handling|single_line_text`: the label, and how it is typed in.
            let label = labels.map(|labels| labels.text(&format!("surcharge{n}"))).unwrap_or_default();
            let label = label.split('|').next().unwrap_or_default().trim();
            Surcharge {
                name: if label.is_empty() { format!("Surcharge {n}") } else { label.to_owned() },
                taxed: company.flag(&format!("custom_surcharge_taxes{n}")),
            }
        };
        let settings = company.object("settings");
        Setup {
            statics,
            home_currency_id: settings.map(|settings| settings.text("currency_id")).unwrap_or_default(),
            surcharges: [surcharge(1), surcharge(2), surcharge(3), surcharge(4)],
        }
    }
}

/// Something that the app cannot be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{member}` {problem}")]
pub struct Unfit {
    /// The app's name for it.
    pub member: String,
    /// What is wrong with it.
    pub problem: String,
}

impl Unfit {
    pub(crate) fn new(member: &str, problem: impl Into<String>) -> Unfit {
        Unfit { member: member.to_owned(), problem: problem.into() }
    }
}

/// What to send in order to change a record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// The members that change.
    pub body: Object,
    /// What the app is to do beside that, as parameters of the request.
    pub actions: Vec<(&'static str, &'static str)>,
}

impl Changes {
    /// Whether nothing is to be sent.
    pub fn is_empty(&self) -> bool {
        self.body.is_empty() && self.actions.is_empty()
    }
}

/// Reads a record. Invoices have to come with `client`, payments with `invoices`.
///
/// # Errors
/// What keeps it from being taken whole.
pub fn read(kind: Kind, record: &Object, setup: &Setup) -> Result<Stored, NotWhole> {
    let updated_at = record.moment("updated_at").or_else(|| record.moment("created_at"));
    Ok(Stored {
        updated_at: updated_at.ok_or_else(|| NotWhole::new("updated_at", "is not set"))?,
        deleted: record.flag("is_deleted"),
        record: match kind {
            Kind::Client => Record::Client(Box::new(client::read(record, setup)?)),
            Kind::Product => Record::Product(product::read(record)?),
            Kind::Invoice => Record::Invoice(Box::new(invoice::read(record, setup)?)),
            Kind::Payment => Record::Payment(Box::new(payment::read(record, setup)?)),
        },
    })
}

/// What creates a record.
///
/// # Errors
/// What the app cannot be told.
pub fn creation(record: &Record, setup: &Setup) -> Result<Changes, Unfit> {
    match record {
        Record::Client(client) => client::creation(client, setup),
        Record::Product(product) => Ok(product::creation(product)),
        Record::Invoice(invoice) => invoice::creation(invoice, setup),
        Record::Payment(payment) => Ok(payment::creation(payment, setup)),
    }
}

/// What changes the record `there`, as the app has it now, by what differs between the two.
///
/// # Errors
/// What the app cannot be told.
pub fn changes(there: &Object, before: &Record, after: &Record, setup: &Setup) -> Result<Changes, Unfit> {
    match (before, after) {
        (Record::Client(before), Record::Client(after)) => client::changes(there, before, after, setup),
        (Record::Product(before), Record::Product(after)) => Ok(product::changes(before, after)),
        (Record::Invoice(before), Record::Invoice(after)) => invoice::changes(there, before, after, setup),
        (Record::Payment(before), Record::Payment(after)) => payment::changes(before, after, setup),
        _ => Err(Unfit::new("id", "belongs to a record of another kind")),
    }
}

/// The taxes that a record's new state carries, so that the app can be made to know them (R47).
pub fn taxes(record: &Record) -> Vec<sync::model::Tax> {
    match record {
        Record::Invoice(invoice) => lines::named_taxes(invoice),
        Record::Client(_) | Record::Product(_) | Record::Payment(_) => Vec::new(),
    }
}

/// Leaves out what is not set, so that the app's own defaults hold.
fn without_blanks(image: Object) -> Object {
    let is_set = |value: &Value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(object) => !object.is_empty(),
        Value::Bool(true) | Value::Number(_) => true,
    };
    image.into_iter().filter(|(_, value)| is_set(value)).collect()
}

/// A JSON object from a literal.
macro_rules! object {
    ($($name:literal: $value:expr),* $(,)?) => {
        $crate::json::Object::from_iter([$(($name.to_owned(), serde_json::Value::from($value))),*])
    };
}
use object;

#[cfg(test)]
mod tests;
