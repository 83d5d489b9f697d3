//! Loose reading of the app's JSON, and minimal writing.
//!
//! Numbers come as numbers or as texts, what is not set as null, as "" or not at all, and members come and go with
//! versions (Invoice Ninja API: conventions). Money is read from the text of its number.

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::{Map, Value};
use sync::ids::BillingId;

/// A JSON object as the app sends and takes it.
pub type Object = Map<String, Value>;

/// Why a record cannot be taken as it is: which member, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{member}` {problem}")]
pub struct NotWhole {
    /// The member's name.
    pub member: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl NotWhole {
    pub(crate) fn new(member: &str, problem: &'static str) -> NotWhole {
        NotWhole { member: member.to_owned(), problem }
    }
}

/// Members by their names, read loosely.
pub(crate) trait Loose {
    /// A text; a number's text; "" for what is not set.
    fn text(&self, name: &str) -> String;
    /// Whether something is switched on.
    fn flag(&self, name: &str) -> bool;
    /// A number, if it is set.
    fn decimal(&self, name: &str) -> Result<Option<Decimal>, NotWhole>;
    /// A number; nought if it is not set.
    fn amount(&self, name: &str) -> Result<Decimal, NotWhole>;
    /// A day, if it is set.
    fn day(&self, name: &str) -> Result<Option<Date>, NotWhole>;
    /// A moment, if it is set.
    fn moment(&self, name: &str) -> Option<Timestamp>;
    /// An id of another record or of this one.
    fn id(&self, name: &str) -> Result<BillingId, NotWhole>;
    /// A list of objects.
    fn objects(&self, name: &str) -> Result<Vec<&Object>, NotWhole>;
    /// An object within.
    fn object(&self, name: &str) -> Option<&Object>;
}

impl Loose for Object {
    fn text(&self, name: &str) -> String {
        match self.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        }
    }

    fn flag(&self, name: &str) -> bool {
        match self.get(name) {
            Some(Value::Bool(flag)) => *flag,
            Some(Value::Number(_) | Value::String(_)) => matches!(&*self.text(name), "1" | "true"),
            _ => false,
        }
    }

    fn decimal(&self, name: &str) -> Result<Option<Decimal>, NotWhole> {
        let value = self.get(name).unwrap_or(&Value::Null);
        sync::number::option::deserialize(value).map_err(|_| NotWhole::new(name, "is not a number that fits"))
    }

    fn amount(&self, name: &str) -> Result<Decimal, NotWhole> {
        Ok(self.decimal(name)?.unwrap_or_default())
    }

    fn day(&self, name: &str) -> Result<Option<Date>, NotWhole> {
        let text = self.text(name);
        if text.trim().is_empty() {
            return Ok(None);
        }
        // Some versions send the time of day too.
        let day = text.get(..10).unwrap_or(&text);
        day.parse().map(Some).map_err(|_| NotWhole::new(name, "is not a date"))
    }

    fn moment(&self, name: &str) -> Option<Timestamp> {
        let seconds = self.text(name).parse().ok().filter(|seconds| *seconds > 0)?;
        Timestamp::from_second(seconds).ok()
    }

    fn id(&self, name: &str) -> Result<BillingId, NotWhole> {
        BillingId::new(self.text(name)).map_err(|_| NotWhole::new(name, "is not an id"))
    }

    fn objects(&self, name: &str) -> Result<Vec<&Object>, NotWhole> {
        let list = self.get(name).and_then(Value::as_array);
        let list = list.ok_or_else(|| NotWhole::new(name, "is not a list"))?;
        let objects = list.iter().map(Value::as_object).collect::<Option<_>>();
        objects.ok_or_else(|| NotWhole::new(name, "holds something that is no object"))
    }

    fn object(&self, name: &str) -> Option<&Object> {
        self.get(name).and_then(Value::as_object)
    }
}

/// A number as JSON, to the last digit.
pub(crate) fn number(amount: Decimal) -> Value {
    // Writing a decimal fails only if it were not a number.
    sync::number::serialize(&amount, serde_json::value::Serializer).unwrap_or(Value::Null)
}

/// Puts what differs between two images over what is there. Members that the images do not have stay.
pub(crate) fn overlay(there: &Object, before: Option<&Object>, after: &Object) -> Object {
    let mut result = there.clone();
    for (name, value) in after {
        if before.is_none_or(|before| before.get(name) != Some(value)) {
            result.insert(name.clone(), value.clone());
        }
    }
    result
}

/// The members of `after` that differ from those of `before`.
pub(crate) fn differing(before: &Object, after: &Object) -> Object {
    let differs = |(name, value): &(&String, &Value)| before.get(*name) != Some(*value);
    after.iter().filter(differs).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Whether two things in two lists, each with its place, are one and the same.
pub(crate) type Test<'a, A, B> = &'a dyn Fn((usize, &A), (usize, &B)) -> bool;

/// For each of `right` the place of its partner in `left`. The tests are tried one after the other for all that have
/// none yet, so that a better partner is never taken by a worse match.
pub(crate) fn partners<A, B>(left: &[A], right: &[B], tests: &[Test<'_, A, B>]) -> Vec<Option<usize>> {
    let mut partners: Vec<Option<usize>> = vec![None; right.len()];
    let mut taken = vec![false; left.len()];
    for test in tests {
        for (place, wanted) in right.iter().enumerate() {
            if partners[place].is_some() {
                continue;
            }
            let free = |(at, _): &(usize, &A)| !taken[*at];
            let found =
                left.iter().enumerate().filter(free).find(|(at, it)| test((*at, it), (place, wanted)));
            if let Some((at, _)) = found {
                taken[at] = true;
                partners[place] = Some(at);
            }
        }
    }
    partners
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: &Value) -> Object {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn members_are_read_in_every_form_they_come_in() {
        let record = object(&json!({
            "number": 12.5, "text": "12.50", "none": null, "empty": "", "one": 1, "yes": true, "no": "0",
            "stamp": 1_772_000_000, "never": 0, "day": "2026-03-02", "moment": "2026-03-02 10:00:00",
        }));
        assert_eq!(record.amount("number").unwrap().to_string(), "12.5");
        assert_eq!(record.amount("text"), record.amount("number"));
        assert_eq!((record.decimal("none").unwrap(), record.decimal("empty").unwrap()), (None, None));
        assert_eq!(["one", "yes", "no", "gone"].map(|name| record.flag(name)), [true, true, false, false]);
        assert_eq!(record.moment("stamp").unwrap().as_second(), 1_772_000_000);
        assert_eq!(record.moment("never"), None);
        assert_eq!(record.day("moment"), record.day("day"));
        assert_eq!(record.day("empty").unwrap(), None);
        assert_eq!(record.text("one"), "1");
        assert!(record.day("yes").unwrap().is_none());
        assert_eq!(record.decimal("day").unwrap_err().to_string(), "`day` is not a number that fits");
    }

    #[test]
    fn a_better_partner_is_not_taken_by_a_worse_match() {
        let same = |(_, a): (usize, &i32), (_, b): (usize, &i32)| a == b;
        let near = |(_, a): (usize, &i32), (_, b): (usize, &i32)| (a - b).abs() == 1;
        assert_eq!(partners(&[1, 2], &[3, 2, 9], &[&same, &near]), [None, Some(1), None]);
        assert_eq!(partners(&[1, 2, 4], &[3, 2], &[&same, &near]), [Some(2), Some(1)]);
    }
}
