//! Decimals in JSON: read from the text of a number (or of a string that holds one), written as a number.
//!
//! No float is passed through, so 0.1 stays 0.1 and seven decimals stay seven.

use std::borrow::Cow;

use rust_decimal::Decimal;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The largest number that is described: beyond it JSON's integers are not read (serde: untagged enums), whatever a
/// [`Decimal`] holds.
const MOST: u64 = u64::MAX;
/// The smallest.
const LEAST: i64 = i64::MIN;

/// The JSON Schema of what [`deserialize`] reads.
#[derive(Debug)]
pub struct Written;

impl JsonSchema for Written {
    fn schema_name() -> Cow<'static, str> {
        "Decimal".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A number, or its digits in a string.",
            "type": ["number", "string"],
            "minimum": LEAST,
            "maximum": MOST,
            "pattern": "^[+-]?[0-9]{1,15}([.][0-9]{1,10})?$",
        })
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum NumberOrText {
    Number(serde_json::Number),
    Text(String),
}

fn parse<E: serde::de::Error>(value: &NumberOrText) -> Result<Decimal, E> {
    let text = match value {
        NumberOrText::Number(number) => number.as_str(),
        NumberOrText::Text(text) => text.trim(),
    };
    Decimal::from_str_exact(text)
        .or_else(|_| Decimal::from_scientific(text))
        .map_err(|error| E::custom(format!("`{}` is not a number that fits: {error}", shortened(text))))
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

/// Writes a number.
pub fn serialize<S: Serializer>(value: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    let number: serde_json::Number =
        value.normalize().to_string().parse().map_err(serde::ser::Error::custom)?;
    number.serialize(serializer)
}

/// Reads a number, or a string that holds one.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    parse(&NumberOrText::deserialize(deserializer)?)
}

/// The same for a number that may be absent or null; an empty string counts as absent.
pub mod option {
    use super::{Cow, JsonSchema, LEAST, MOST, Schema, SchemaGenerator, json_schema};
    use super::{Decimal, Deserialize, Deserializer, NumberOrText, Serializer, parse};

    /// The JSON Schema of what [`deserialize`] reads.
    #[derive(Debug)]
    pub struct Written;

    impl JsonSchema for Written {
        fn schema_name() -> Cow<'static, str> {
            "OptionalDecimal".into()
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({
                "description": "A number, or its digits in a string; null or an empty string if there is none.",
                "type": ["number", "string", "null"],
                "minimum": LEAST,
                "maximum": MOST,
                "pattern": "^([+-]?[0-9]{1,15}([.][0-9]{1,10})?)?$",
            })
        }
    }

    /// Writes a number or null.
    pub fn serialize<S: Serializer>(value: &Option<Decimal>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => super::serialize(value, serializer),
            None => serializer.serialize_none(),
        }
    }

    /// Reads a number, a string that holds one, null or an empty string.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Decimal>, D::Error> {
        match Option::<NumberOrText>::deserialize(deserializer)? {
            None => Ok(None),
            Some(NumberOrText::Text(text)) if text.trim().is_empty() => Ok(None),
            Some(value) => parse(&value).map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Priced {
        #[serde(with = "super")]
        price: Decimal,
        #[serde(default, with = "super::option")]
        cost: Option<Decimal>,
    }

    fn read(json: &str) -> Result<Priced, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn numbers_and_texts_are_read_to_the_last_digit() {
        let priced = read(r#"{"price": 92.5633333, "cost": "0.1104167"}"#).unwrap();
        assert_eq!(priced.price.to_string(), "92.5633333");
        assert_eq!(priced.cost.unwrap().to_string(), "0.1104167");
        assert_eq!(read(r#"{"price": 1e3, "cost": null}"#).unwrap().price, Decimal::from(1000));
        assert_eq!(read(r#"{"price": 1, "cost": ""}"#).unwrap().cost, None);
    }

    #[test]
    fn what_is_no_number_says_so() {
        let error = read(r#"{"price": "ten"}"#).unwrap_err().to_string();
        assert!(error.contains("`ten` is not a number"), "{error}");
        assert!(read(r#"{"price": 1e400}"#).is_err());
        assert!(read(r#"{"price": true}"#).is_err());
    }

    proptest! {
        #[test]
        fn numbers_survive_a_round_trip(mantissa in -999_999_999_999_i64..999_999_999_999, scale in 0_u32..7) {
            let priced = Priced { price: Decimal::new(mantissa, scale), cost: None };
            let json = serde_json::to_string(&priced).unwrap();
            prop_assert_eq!(read(&json).unwrap(), priced);
        }
    }
}
