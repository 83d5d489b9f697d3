//! Conditions, held against objects.

use std::cmp::Ordering;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::Value;

use super::{
    parser::{Comparison, Condition, Literal},
    properties::{Property, Type, filterable},
};
use crate::company::{
    faults::Fault,
    kinds::Kind,
    store::Row,
    wire::{self, Members},
};

/// A condition whose values have the member's type.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    pub(super) property: Property,
    pub(super) comparison: Comparison,
    pub(super) values: Vec<Operand>,
}

/// A value to compare and to sort by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Operand {
    /// In lower case.
    Text(String),
    Number(Decimal),
    Flag(bool),
    /// In seconds.
    Moment(i64),
}

/// Intuit's texts for members that are unknown, and for known ones that cannot be used here.
pub(super) fn unusable(kind: Kind, member: &str) -> Fault {
    let first = member.split('.').next().unwrap_or_default();
    if kind.class().names().iter().any(|known| known.eq_ignore_ascii_case(first)) {
        Fault::invalid_query(&format!("property '{member}' is not queryable"))
    } else {
        Fault::invalid_query(&format!("Property {member} not found for Entity {}", kind.name()))
    }
}

impl Filter {
    pub(super) fn new(kind: Kind, condition: &Condition, now: Timestamp) -> Result<Self, Fault> {
        let property =
            filterable(kind, &condition.member).ok_or_else(|| unusable(kind, &condition.member))?;
        let likes = condition.comparison == Comparison::Like;
        if likes && !matches!(property.kind, Type::Text | Type::Email) {
            return Err(Fault::invalid_query(&format!(
                "operator LIKE is not supported for property '{}'",
                property.name
            )));
        }
        let values = condition.values.iter().map(|value| operand(property, value, now));
        Ok(Self { property, comparison: condition.comparison, values: values.collect::<Result<_, _>>()? })
    }

    /// Whether an object meets the condition. An absent member meets none.
    pub(super) fn accepts(&self, row: &Row) -> bool {
        let Some(actual) = key(self.property, row) else { return false };
        let first = || self.values.first().map(|value| actual.cmp(value));
        match self.comparison {
            Comparison::Equal | Comparison::In => self.values.contains(&actual),
            Comparison::Less => first() == Some(Ordering::Less),
            Comparison::LessOrEqual => first().is_some_and(Ordering::is_le),
            Comparison::Greater => first() == Some(Ordering::Greater),
            Comparison::GreaterOrEqual => first().is_some_and(Ordering::is_ge),
            Comparison::Like => match (&actual, self.values.first()) {
                (Operand::Text(text), Some(Operand::Text(pattern))) => is_like(text, pattern),
                _ => false,
            },
        }
    }

    /// The texts that the member must be one of, if the condition says so.
    pub(super) fn exact_texts(&self) -> Option<Vec<&str>> {
        if !matches!(self.comparison, Comparison::Equal | Comparison::In) {
            return None;
        }
        let texts = self.values.iter().map(|value| match value {
            Operand::Text(text) => Some(text.as_str()),
            _ => None,
        });
        texts.collect()
    }

    /// The second before which nothing meets the condition.
    pub(super) fn earliest(&self) -> Option<i64> {
        match (self.comparison, self.values.first()) {
            (
                Comparison::Equal | Comparison::Greater | Comparison::GreaterOrEqual,
                Some(Operand::Moment(at)),
            ) => Some(*at),
            _ => None,
        }
    }
}

fn operand(property: Property, literal: &Literal, now: Timestamp) -> Result<Operand, Fault> {
    let image = match literal {
        Literal::Text(text) | Literal::Number(text) => text.clone(),
        Literal::Flag(flag) => flag.to_string(),
        Literal::Today => wire::today(now).to_string(),
    };
    let value = match property.kind {
        Type::Text | Type::Reference | Type::Email | Type::Id => Some(Operand::Text(image.to_lowercase())),
        Type::Number => wire::parse_decimal(image.trim()).map(Operand::Number),
        Type::Flag => image.to_lowercase().parse().ok().map(Operand::Flag),
        Type::Date => {
            wire::parse_moment(&image).and_then(|_| image.get(..10)).map(|day| Operand::Text(day.to_owned()))
        }
        Type::Moment => wire::parse_moment(&image).map(|at| Operand::Moment(at.as_second())),
    };
    value.ok_or_else(|| {
        Fault::invalid_query(&format!("value '{image}' is not valid for property '{}'", property.name))
    })
}

/// What an object has there.
pub(super) fn key(property: Property, row: &Row) -> Option<Operand> {
    match property.name {
        "MetaData.CreateTime" => return Some(Operand::Moment(row.created)),
        "MetaData.LastUpdatedTime" => return Some(Operand::Moment(row.changed)),
        _ => {}
    }
    let value = row.value.get(property.name)?;
    match property.kind {
        Type::Text | Type::Id | Type::Date => value.as_str().map(|text| Operand::Text(text.to_lowercase())),
        Type::Reference => {
            value.get("value").and_then(Value::as_str).map(|id| Operand::Text(id.to_lowercase()))
        }
        Type::Email => value.text("Address").map(|address| Operand::Text(address.to_lowercase())),
        Type::Number => wire::decimal(value).map(Operand::Number),
        Type::Flag => value.as_bool().map(Operand::Flag),
        Type::Moment => None,
    }
}

/// `%` stands for any text.
fn is_like(text: &str, pattern: &str) -> bool {
    let Some((front, rest)) = pattern.split_once('%') else { return text == pattern };
    let Some(mut text) = text.strip_prefix(front) else { return false };
    let (middle, back) = rest.rsplit_once('%').unwrap_or(("", rest));
    for part in middle.split('%') {
        let Some(at) = text.find(part) else { return false };
        text = &text[at + part.len()..];
    }
    text.ends_with(back)
}

#[cfg(test)]
mod tests {
    use super::is_like;

    #[test]
    fn percent_signs_stand_for_any_text() {
        for (pattern, matches) in [
            ("%", true),
            ("otter%", true),
            ("%creek", true),
            ("%ter%cre%", true),
            ("otter creek", true),
            ("o%k", true),
            ("o%r%k", true),
            ("otter", false),
            ("%otter", false),
            ("creek%", false),
            ("otter creek%k", false),
            ("%creek%creek", false),
        ] {
            assert_eq!(is_like("otter creek", pattern), matches, "{pattern}");
        }
    }
}
