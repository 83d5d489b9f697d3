//! Records as JSON objects, spelled as the API spells them, and the reading of what clients send.
//!
//! Members whose names begin with `_` are the simulator's own and never shown.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Map, Number, Value};

use super::ids;

/// A JSON object.
pub(crate) type Record = Map<String, Value>;

/// What is wrong with a request, by field, as in a 422's `errors`.
pub(crate) type Errors = BTreeMap<String, Vec<String>>;

/// Larger amounts are refused, so that no product of amounts leaves the range of a decimal.
const LARGEST: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);

/// Reading and writing members without ceremony.
pub(crate) trait Members {
    fn text(&self, name: &str) -> &str;
    fn money(&self, name: &str) -> Decimal;
    fn flag(&self, name: &str) -> bool;
    fn seconds(&self, name: &str) -> i64;
    fn id(&self, name: &str) -> Option<u64>;
    fn put(&mut self, name: &str, value: impl Into<Value>);
    fn put_money(&mut self, name: &str, amount: Decimal);
}

impl Members for Record {
    fn text(&self, name: &str) -> &str {
        self.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    fn money(&self, name: &str) -> Decimal {
        self.get(name).and_then(decimal).unwrap_or_default()
    }

    fn flag(&self, name: &str) -> bool {
        self.get(name).and_then(Value::as_bool).unwrap_or_default()
    }

    fn seconds(&self, name: &str) -> i64 {
        self.get(name).and_then(Value::as_i64).unwrap_or_default()
    }

    fn id(&self, name: &str) -> Option<u64> {
        ids::read(self.text(name))
    }

    fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.insert(name.to_owned(), value.into());
    }

    fn put_money(&mut self, name: &str, amount: Decimal) {
        self.insert(name.to_owned(), money(amount));
    }
}

/// An amount as the app writes it: a JSON number without trailing zeros, at most six decimals.
pub(crate) fn money(amount: Decimal) -> Value {
    let rounded = rounded(amount, 6).normalize();
    let text = if rounded.is_zero() { "0".to_owned() } else { rounded.to_string() };
    text.parse::<Number>().map_or(Value::Null, Value::Number)
}

/// A number, or a text that is one.
pub(crate) fn decimal(value: &Value) -> Option<Decimal> {
    match value {
        Value::Number(number) => {
            let text = number.to_string();
            text.parse().ok().or_else(|| Decimal::from_scientific(&text).ok())
        }
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// An amount that is not too large.
pub(crate) fn amount(value: &Value) -> Option<Decimal> {
    decimal(value).filter(|amount| amount.abs() <= LARGEST)
}

/// An amount in an object, if it is there and can be read.
pub(crate) fn amount_in(sent: &Record, name: &str) -> Option<Decimal> {
    sent.get(name).and_then(amount)
}

/// Rounded as PHP rounds: halves away from zero.
pub(crate) fn rounded(amount: Decimal, places: u32) -> Decimal {
    amount.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero)
}

/// How a field is stored, and so what may be sent for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    /// Trimmed; null becomes "".
    Text,
    /// A number or a numeric text.
    Money,
    /// A boolean, 0, 1 or the texts of these.
    Flag,
    /// `YYYY-MM-DD` or "".
    Date,
    /// A hashed id or "".
    Id,
    /// An id of the app's fixed lists: a number, shown as a text.
    Static,
    /// Any object.
    Object,
}

/// A field that clients may write.
pub(crate) type Field = (&'static str, Type);

impl Type {
    /// What a field has before anything is written into it.
    pub(crate) fn blank(self) -> Value {
        match self {
            Self::Text | Self::Date | Self::Id | Self::Static => "".into(),
            Self::Money => 0.into(),
            Self::Flag => false.into(),
            Self::Object => Value::Object(Record::new()),
        }
    }

    /// What is stored of what was sent; otherwise what is wrong with it.
    pub(crate) fn cast(self, value: &Value) -> Result<Value, &'static str> {
        match (self, value) {
            (_, Value::Null) => Ok(self.blank()),
            (Self::Text, Value::String(text)) => Ok(text.trim().into()),
            (Self::Text, Value::Number(number)) => Ok(number.to_string().into()),
            (Self::Text, _) => Err("must be a string."),
            (Self::Money, Value::String(text)) if text.trim().is_empty() => Ok(self.blank()),
            (Self::Money, _) => match decimal(value) {
                Some(amount) if amount.abs() > LARGEST => Err("may not be greater than 1000000000."),
                Some(amount) => Ok(money(amount)),
                None => Err("must be a number."),
            },
            (Self::Flag, Value::Bool(flag)) => Ok((*flag).into()),
            (Self::Flag, Value::Number(number)) => flag(&number.to_string()),
            (Self::Flag, Value::String(text)) => flag(text),
            (Self::Flag, _) => Err("field must be true or false."),
            (Self::Date, Value::String(text)) if text.is_empty() => Ok("".into()),
            (Self::Date, Value::String(text)) if is_date(text) => Ok(text.as_str().into()),
            (Self::Date, _) => Err("does not match the format Y-m-d."),
            (Self::Id, Value::String(text)) if text.is_empty() || ids::read(text).is_some() => {
                Ok(text.as_str().into())
            }
            (Self::Id, _) => Err("is invalid."),
            (Self::Static, Value::String(text)) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                Ok(text.as_str().into())
            }
            (Self::Static, Value::Number(number)) if number.is_u64() => Ok(number.to_string().into()),
            (Self::Static, _) => Err("must be an integer."),
            (Self::Object, Value::Object(_)) => Ok(value.clone()),
            // PHP writes an empty object as an empty list, and reads one as such.
            (Self::Object, Value::Array(list)) if list.is_empty() => Ok(self.blank()),
            (Self::Object, _) => Err("must be an array."),
        }
    }
}

fn flag(text: &str) -> Result<Value, &'static str> {
    match text {
        "1" | "true" => Ok(true.into()),
        "0" | "false" | "" => Ok(false.into()),
        _ => Err("field must be true or false."),
    }
}

/// Whether this is a day, spelled `YYYY-MM-DD`.
pub(crate) fn is_date(text: &str) -> bool {
    text.len() == "2026-01-31".len() && text.parse::<Date>().is_ok()
}

/// A record with all its fields blank.
pub(crate) fn blank(fields: &[Field]) -> Record {
    fields.iter().map(|(name, field_type)| ((*name).to_owned(), field_type.blank())).collect()
}

/// Writes what was sent into a record; what is not a field of it is ignored. `place` comes before the names in
/// `errors`, as in `contacts.0.`.
pub(crate) fn fill(record: &mut Record, sent: &Record, fields: &[Field], place: &str, errors: &mut Errors) {
    for (name, field_type) in fields {
        let Some(value) = sent.get(*name) else { continue };
        match field_type.cast(value) {
            Ok(value) => record.put(name, value),
            Err(problem) => {
                let path = format!("{place}{name}");
                let text = format!("The {} {problem}", path.replace('_', " "));
                errors.entry(path).or_default().push(text);
            }
        }
    }
}

/// Like [`fill`], but what cannot be read counts as blank, without a word: so the app treats invoice lines.
pub(crate) fn fill_loosely(record: &mut Record, sent: &Record, fields: &[Field]) {
    for (name, field_type) in fields {
        if let Some(value) = sent.get(*name) {
            record.put(name, field_type.cast(value).unwrap_or_else(|_| field_type.blank()));
        }
    }
}

/// The objects in a list.
pub(crate) fn objects<'a>(record: &'a Record, name: &str) -> impl Iterator<Item = &'a Record> {
    record.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

/// The objects in a list, to change.
pub(crate) fn objects_mut<'a>(record: &'a mut Record, name: &str) -> impl Iterator<Item = &'a mut Record> {
    record.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn amounts_are_numbers_without_trailing_zeros() {
        for (amount, text) in [("100.00", "100"), ("0.10", "0.1"), ("-0.00", "0"), ("1.23456789", "1.234568")]
        {
            assert_eq!(money(amount.parse().unwrap()).to_string(), text);
        }
    }

    #[test]
    fn numbers_are_read_from_numbers_and_texts() {
        for value in [json!(12.5), json!("12.50"), json!(" 12.5 "), json!(1.25e1)] {
            assert_eq!(decimal(&value), Some(Decimal::new(125, 1)), "{value}");
        }
        assert_eq!(decimal(&json!("twelve")), None);
    }

    #[test]
    fn what_cannot_be_stored_is_told_by_field() {
        let sent = json!({"name": ["x"], "price": "dear", "date": "31.01.2026", "size": 3});
        let fields = [("name", Type::Text), ("price", Type::Money), ("date", Type::Date)];
        let (mut record, mut errors) = (blank(&fields), Errors::new());
        fill(&mut record, sent.as_object().unwrap(), &fields, "", &mut errors);
        assert_eq!(errors.keys().collect::<Vec<_>>(), ["date", "name", "price"]);
        assert_eq!(errors["price"], ["The price must be a number."]);
        assert!(!record.contains_key("size"), "unknown members are ignored");
    }
}
