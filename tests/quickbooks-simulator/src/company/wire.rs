//! How Intuit spells numbers and instants, and how they are read.

use std::sync::LazyLock;

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Map, Value};

/// A JSON object.
pub(crate) type Object = Map<String, Value>;

/// Intuit's servers think in this zone, whatever the company's country. A POSIX rule needs no time zone database.
static PACIFIC: LazyLock<TimeZone> =
    LazyLock::new(|| TimeZone::posix("PST8PDT,M3.2.0,M11.1.0").unwrap_or(TimeZone::UTC));

/// Rounds half away from zero to cents.
pub(crate) fn cents(amount: Decimal) -> Decimal {
    amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}

/// Rounds to the seven decimals that a UnitPrice carries.
pub(crate) fn unit_price(amount: Decimal) -> Decimal {
    amount.round_dp_with_strategy(7, RoundingStrategy::MidpointAwayFromZero)
}

/// Money: two decimals, but zero is a bare `0`.
pub(crate) fn money(amount: Decimal) -> Value {
    let rounded = cents(amount);
    if rounded.is_zero() { number("0") } else { number(&format!("{rounded:.2}")) }
}

/// Quantities, prices, percentages: no padding zeros.
pub(crate) fn quantity(amount: Decimal) -> Value {
    number(&amount.normalize().to_string())
}

fn number(text: &str) -> Value {
    text.parse().map_or(Value::Null, Value::Number)
}

/// A JSON number, or a text that holds one.
pub(crate) fn decimal(value: &Value) -> Option<Decimal> {
    match value {
        Value::Number(number) => parse_decimal(&number.to_string()),
        Value::String(text) => parse_decimal(text.trim()),
        _ => None,
    }
}

/// A number's text; an exponent is allowed.
pub(crate) fn parse_decimal(text: &str) -> Option<Decimal> {
    text.parse().or_else(|_| Decimal::from_scientific(text)).ok()
}

/// `2026-03-01T09:30:00-08:00`, as in `MetaData`.
pub(crate) fn moment(at: Timestamp) -> String {
    at.to_zoned(PACIFIC.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// `2026-03-01T09:30:00.123-08:00`, as in the envelope's `time`.
pub(crate) fn envelope_time(at: Timestamp) -> String {
    at.to_zoned(PACIFIC.clone()).strftime("%Y-%m-%dT%H:%M:%S.%3f%:z").to_string()
}

/// The server's calendar date.
pub(crate) fn today(at: Timestamp) -> Date {
    at.to_zoned(PACIFIC.clone()).date()
}

/// A date of a query or a request as an instant: an ISO date-time with an offset, or a date, which begins at
/// midnight Pacific.
pub(crate) fn parse_moment(text: &str) -> Option<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let local = text.parse::<jiff::civil::DateTime>().ok()?;
    Some(local.to_zoned(PACIFIC.clone()).ok()?.timestamp())
}

/// Reading members of a JSON object whose shape was already checked.
pub(crate) trait Members {
    /// The member itself.
    fn member(&self, name: &str) -> Option<&Value>;

    /// A text member.
    fn text(&self, name: &str) -> Option<&str> {
        self.member(name)?.as_str()
    }

    /// A boolean member; absent is false.
    fn flag(&self, name: &str) -> bool {
        self.member(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// A number member.
    fn amount(&self, name: &str) -> Option<Decimal> {
        decimal(self.member(name)?)
    }

    /// A number member; absent is zero.
    fn amount_or_zero(&self, name: &str) -> Decimal {
        self.amount(name).unwrap_or_default()
    }

    /// The `value` of a reference.
    fn reference(&self, name: &str) -> Option<&str> {
        self.member(name)?.get("value")?.as_str()
    }

    /// The elements of an array; absent is empty.
    fn list(&self, name: &str) -> &[Value] {
        self.member(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }
}

impl Members for Object {
    fn member(&self, name: &str) -> Option<&Value> {
        self.get(name)
    }
}

impl Members for Value {
    fn member(&self, name: &str) -> Option<&Value> {
        self.get(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(value: &Value) -> String {
        value.to_string()
    }

    #[test]
    fn money_has_two_decimals_and_zero_is_bare() {
        for (amount, wire) in
            [("100", "100.00"), ("337.5", "337.50"), ("0.000", "0"), ("-1.005", "-1.01"), ("0.005", "0.01")]
        {
            assert_eq!(spelled(&money(amount.parse().unwrap())), wire);
        }
    }

    #[test]
    fn quantities_have_no_padding() {
        for (amount, wire) in [("75.00", "75"), ("92.5633333", "92.5633333"), ("0.00", "0"), ("100", "100")] {
            assert_eq!(spelled(&quantity(amount.parse().unwrap())), wire);
        }
    }

    #[test]
    fn instants_are_pacific_and_follow_daylight_saving_time() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(moment(at("2026-01-15T12:00:00.9Z")), "2026-01-15T04:00:00-08:00");
        assert_eq!(moment(at("2026-03-08T09:59:59Z")), "2026-03-08T01:59:59-08:00");
        assert_eq!(moment(at("2026-03-08T10:00:00Z")), "2026-03-08T03:00:00-07:00");
        assert_eq!(envelope_time(at("2026-07-01T00:00:00.0427Z")), "2026-06-30T17:00:00.042-07:00");
        assert_eq!(today(at("2026-07-01T06:59:59Z")).to_string(), "2026-06-30");
    }

    #[test]
    fn dates_are_read_with_and_without_an_offset() {
        let expected: Timestamp = "2026-06-30T07:00:00Z".parse().unwrap();
        for text in ["2026-06-30", "2026-06-30T00:00:00-07:00", "2026-06-30T07:00:00Z", "2026-06-30T00:00:00"]
        {
            assert_eq!(parse_moment(text), Some(expected), "{text}");
        }
        assert_eq!(parse_moment("yesterday"), None);
    }

    #[test]
    fn numbers_keep_their_text() {
        let value: Value = serde_json::from_str("12345678901234.12345").unwrap();
        assert_eq!(decimal(&value), Some("12345678901234.12345".parse().unwrap()));
        assert_eq!(decimal(&serde_json::from_str("1.5e3").unwrap()), Some(Decimal::from(1500)));
    }
}
