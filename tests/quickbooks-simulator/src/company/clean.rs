//! Holds a request's JSON against the members that its class has, and brings the values to one spelling.

use jiff::civil::Date;
use serde_json::Value;

use super::{
    Switches,
    classes::{Access, Class, Member, Shape},
    faults::Fault,
    wire::{self, Object},
};

/// Reads a body as an object of `class`. Read-only members are dropped, numbers and dates are respelled, references
/// keep only their value. A member that the request clears is `null` in the result.
pub(crate) fn body(class: &Class, bytes: &[u8], switches: &Switches) -> Result<Object, Fault> {
    let value: Value =
        serde_json::from_slice(bytes).map_err(|error| Fault::invalid_property(&error.to_string()))?;
    object(class, value, switches)
}

/// The same of JSON that was already read.
pub(crate) fn object(class: &Class, value: Value, switches: &Switches) -> Result<Object, Fault> {
    Cleaner { switches }.object(class, value, "")
}

struct Cleaner<'a> {
    switches: &'a Switches,
}

impl Cleaner<'_> {
    fn object(&self, class: &Class, value: Value, path: &str) -> Result<Object, Fault> {
        let Value::Object(members) = value else {
            return Err(wrong_type(path, class.name));
        };
        let mut clean = Object::new();
        for (name, value) in members {
            let member = class
                .member(&name)
                .filter(|member| member.access != Access::Artefact || !self.switches.refuse_read_artefacts)
                .ok_or_else(|| Fault::unknown_member(&name, class.name, &class.names()))?;
            self.refuse_artefacts_within(member, &value)?;
            if member.access == Access::Writable && !value.is_null() {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                clean.insert(name, self.value(member, value, &path)?);
            }
        }
        Ok(clean)
    }

    /// A read-only object is dropped, but not what is wrong inside it.
    fn refuse_artefacts_within(&self, member: &Member, value: &Value) -> Result<(), Fault> {
        if let (Access::ReadOnly, Shape::One(class), Value::Object(_)) = (member.access, &member.shape, value)
        {
            self.object(class, value.clone(), member.name)?;
        }
        Ok(())
    }

    fn value(&self, member: &Member, value: Value, path: &str) -> Result<Value, Fault> {
        match &member.shape {
            Shape::Text(max) => text(value, *max, path),
            Shape::Name(max) => self.name(value, *max, path),
            Shape::Choice(choices) => choice(value, choices, path),
            Shape::Email(max) => email(value, *max, path),
            Shape::Flag => flag(&value, path),
            Shape::Money => number(&value, path).map(|amount| amount.map_or(Value::Null, wire::money)),
            Shape::Quantity => number(&value, path).map(|amount| amount.map_or(Value::Null, wire::quantity)),
            Shape::Integer => integer(&value, path),
            Shape::Date => date(value, path),
            Shape::Reference => reference(value, path),
            Shape::One(class) => self.object(class, value, path).map(without_nulls),
            Shape::Many(class) => self.list(class, value, path),
            Shape::Anything => Ok(value),
        }
    }

    fn name(&self, value: Value, max: usize, path: &str) -> Result<Value, Fault> {
        let value = text(value, max, path)?;
        let Some(name) = value.as_str() else { return Ok(value) };
        if name.contains([':', '\t', '\n', '\r']) {
            return Err(Fault::invalid_string(path));
        }
        if !self.switches.trim_names {
            return Ok(value);
        }
        Ok(text_or_clear(name.split_whitespace().collect::<Vec<_>>().join(" ")))
    }

    fn list(&self, class: &Class, value: Value, path: &str) -> Result<Value, Fault> {
        let Value::Array(elements) = value else { return Err(wrong_type(path, "java.util.ArrayList")) };
        let clean = elements.into_iter().map(|element| {
            let mut element = self.object(class, element, path)?;
            element.retain(|_, value| !value.is_null());
            Ok(Value::Object(element))
        });
        Ok(Value::Array(clean.collect::<Result<_, Fault>>()?))
    }
}

fn wrong_type(path: &str, class: &str) -> Fault {
    Fault::invalid_property(&format!("Can not deserialize instance of {class} at {path}\n"))
}

/// An object without content clears its member.
fn without_nulls(mut object: Object) -> Value {
    object.retain(|_, value| !value.is_null());
    if object.is_empty() { Value::Null } else { Value::Object(object) }
}

fn text_or_clear(text: String) -> Value {
    if text.is_empty() { Value::Null } else { Value::String(text) }
}

/// A text; numbers and booleans are taken for their spelling.
fn text(value: Value, max: usize, path: &str) -> Result<Value, Fault> {
    let text = match value {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        _ => return Err(wrong_type(path, "java.lang.String")),
    };
    match text.chars().count() {
        length if length > max => Err(Fault::wrong_length(path, max, length)),
        _ => Ok(text_or_clear(text)),
    }
}

fn choice(value: Value, choices: &[&str], path: &str) -> Result<Value, Fault> {
    match value {
        Value::String(text) if text.is_empty() => Ok(Value::Null),
        Value::String(text) if choices.contains(&text.as_str()) => Ok(Value::String(text)),
        Value::String(text) => Err(Fault::invalid_enumeration(path, &text)),
        _ => Err(wrong_type(path, "java.lang.Enum")),
    }
}

fn email(value: Value, max: usize, path: &str) -> Result<Value, Fault> {
    let value = text(value, max, path)?;
    if value.as_str().is_some_and(|addresses| !addresses.split(',').all(|address| is_address(address.trim())))
    {
        return Err(Fault::invalid_email(path));
    }
    Ok(value)
}

fn is_address(text: &str) -> bool {
    text.split_once('@').is_some_and(|(local, domain)| {
        let plain = |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c == '@');
        plain(local)
            && plain(domain)
            && domain.contains('.')
            && !domain.starts_with('.')
            && !domain.ends_with('.')
    })
}

fn flag(value: &Value, path: &str) -> Result<Value, Fault> {
    match value {
        Value::Bool(flag) => Ok((*flag).into()),
        Value::String(text) if text.is_empty() => Ok(Value::Null),
        Value::String(text) if text == "true" || text == "false" => Ok((text == "true").into()),
        _ => Err(wrong_type(path, "java.lang.Boolean")),
    }
}

/// A number; an empty text counts as absent.
fn number(value: &Value, path: &str) -> Result<Option<rust_decimal::Decimal>, Fault> {
    match value {
        Value::String(text) if text.is_empty() => Ok(None),
        Value::Number(_) | Value::String(_) => match wire::decimal(value) {
            Some(amount) if amount.abs() < rust_decimal::Decimal::from(10_u64.pow(15)) => Ok(Some(amount)),
            _ => Err(Fault::invalid_number(path, value.to_string().trim_matches('"'))),
        },
        _ => Err(wrong_type(path, "java.math.BigDecimal")),
    }
}

fn integer(value: &Value, path: &str) -> Result<Value, Fault> {
    let Some(amount) = number(value, path)? else { return Ok(Value::Null) };
    if !amount.is_integer() {
        return Err(Fault::invalid_number(path, &amount.to_string()));
    }
    Ok(wire::quantity(amount))
}

/// `YYYY-MM-DD`, with or without a time or a zone behind it; an empty text counts as absent.
fn date(value: Value, path: &str) -> Result<Value, Fault> {
    let Value::String(text) = value else { return Err(wrong_type(path, "java.util.Date")) };
    if text.is_empty() {
        return Ok(Value::Null);
    }
    let day = text.get(..10).filter(|_| !text[10..].starts_with(|c: char| c.is_ascii_digit()));
    match day.and_then(|day| day.parse::<Date>().ok()) {
        Some(day) => Ok(day.to_string().into()),
        None => Err(Fault::invalid_date(path, &text)),
    }
}

fn reference(value: Value, path: &str) -> Result<Value, Fault> {
    let Value::Object(members) = value else { return Err(wrong_type(path, "ReferenceType")) };
    let known = ["value", "name", "type"];
    if let Some(name) = members.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(Fault::unknown_member(name, "ReferenceType", &known));
    }
    match members.get("value") {
        None | Some(Value::Null) => Ok(Value::Null),
        Some(value) => match text(value.clone(), 500, path)? {
            Value::Null => Ok(Value::Null),
            value => Ok(serde_json::json!({ "value": value })),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::company::classes::{CUSTOMER, INVOICE, ITEM};

    fn clean(class: &Class, value: Value) -> Result<Object, Fault> {
        object(class, value, &Switches::default())
    }

    fn code(class: &Class, value: Value) -> &'static str {
        clean(class, value).unwrap_err().code()
    }

    #[test]
    fn read_only_members_are_dropped_and_writable_ones_respelled() {
        let sent = json!({
            "DisplayName": "  Otter  Landscapes ", "FullyQualifiedName": "x", "SyncToken": 3, "Balance": "",
            "SalesTermRef": {"value": 3, "name": "whatever"}, "GivenName": null, "Notes": "",
            "MetaData": {"CreateTime": "2026-01-01"}, "domain": "QBO",
        });
        let expected = json!({
            "DisplayName": "Otter Landscapes", "SyncToken": "3", "Balance": null, "Notes": null,
            "SalesTermRef": {"value": "3"},
        });
        assert_eq!(Value::Object(clean(&CUSTOMER, sent).unwrap()), expected);
    }

    #[test]
    fn unknown_members_and_wrong_types_are_2010() {
        for sent in [
            json!({"Nickname": "x"}),
            json!({"displayname": "x"}),
            json!({"BillAddr": {"Street": "x"}}),
            json!({"BillAddr": "12 Elm"}),
            json!({"ParentRef": "5"}),
            json!({"ParentRef": {"id": "5"}}),
            json!({"Active": 1}),
            json!({"DisplayName": {"value": "x"}}),
            json!({"status": "Deleted"}),
            json!({"MetaData": {"LastModifiedByRef": {"value": "1"}}}),
            json!([]),
        ] {
            assert_eq!(code(&CUSTOMER, sent.clone()), "2010", "{sent}");
        }
        assert_eq!(code(&INVOICE, json!({"Line": [{"Amount": 1, "Price": 2}]})), "2010");
        assert_eq!(body(&CUSTOMER, b"{\"DisplayName\":", &Switches::default()).unwrap_err().code(), "2010");
    }

    #[test]
    fn an_unknown_member_is_named_with_its_class() {
        let fault = clean(&INVOICE, json!({"BadJson": true})).unwrap_err();
        assert!(fault.detail().starts_with(
            "Property Name:Unrecognized field \"BadJson\" (class com.intuit.schema.finance.v3.Invoice), not marked"
        ));
        assert!(fault.detail().ends_with(" [truncated]])\n specified is unsupported or invalid"));
    }

    #[test]
    fn read_artefacts_pass_when_the_switch_allows_them() {
        let lenient = Switches { refuse_read_artefacts: false, ..Switches::default() };
        let sent =
            json!({"DisplayName": "Otter", "status": "x", "MetaData": {"LastModifiedByRef": {"value": "1"}}});
        assert_eq!(object(&CUSTOMER, sent, &lenient).unwrap().len(), 1);
    }

    #[test]
    fn lengths_count_characters() {
        assert!(clean(&CUSTOMER, json!({"CompanyName": "é".repeat(100)})).is_ok());
        let fault = clean(&INVOICE, json!({"DocNumber": "9".repeat(45)})).unwrap_err();
        assert_eq!(
            fault.detail(),
            "String length specified does not match the supported length. Min:0 Max:21 supported. Supplied length:45"
        );
    }

    #[test]
    fn names_have_no_separators() {
        for name in ["a:b", "a\tb", "a\nb"] {
            assert_eq!(code(&CUSTOMER, json!({"DisplayName": name})), "2040");
        }
    }

    #[test]
    fn scalars_are_checked() {
        assert_eq!(code(&INVOICE, json!({"TxnDate": "31.12.2026"})), "2060");
        assert_eq!(code(&INVOICE, json!({"TxnDate": "2026-02-30"})), "2060");
        assert_eq!(code(&INVOICE, json!({"TxnDate": "2026-02-3"})), "2060");
        assert_eq!(code(&ITEM, json!({"UnitPrice": "ten"})), "2090");
        assert_eq!(code(&ITEM, json!({"UnitPrice": "1e40"})), "2090");
        assert_eq!(code(&ITEM, json!({"Type": "Bundle"})), "2170");
        assert_eq!(code(&CUSTOMER, json!({"PrimaryEmailAddr": {"Address": "no at"}})), "2210");
        let sent = json!({"TxnDate": "2026-02-28T10:00:00Z", "ExchangeRate": "1.2500", "Deposit": 12.5});
        let clean = clean(&INVOICE, sent).unwrap();
        assert_eq!(
            Value::Object(clean).to_string(),
            r#"{"Deposit":12.50,"ExchangeRate":1.25,"TxnDate":"2026-02-28"}"#
        );
    }

    #[test]
    fn several_addresses_in_one_member_are_accepted() {
        assert!(clean(&INVOICE, json!({"BillEmail": {"Address": "a@example.com, b@example.com"}})).is_ok());
    }
}
