//! What QuickBooks says when it refuses (Intuit: Error codes).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// The most text kept of a message or a detail, in characters.
const MAX_TEXT: usize = 1000;
/// The most text kept of a body that is not a fault, in characters.
const MAX_EXCERPT: usize = 200;
/// The most errors kept of a fault.
const MAX_ERRORS: usize = 50;
/// How far a body that is not JSON is looked at, in bytes.
const MAX_MARKUP: usize = 64 * 1024;

/// A refusal. It always holds bounded text and never an access token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "WireFault")]
pub struct Fault {
    /// The errors; there is at least one in what [`Fault::read`] makes.
    #[serde(rename = "Error")]
    pub errors: Vec<FaultError>,
    /// `ValidationFault`, `SystemFault`, `AUTHENTICATION`, `SERVICE` and others; empty if not told.
    #[serde(rename = "type")]
    pub fault_type: String,
}

/// One error of a fault. What was not told is an empty string.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FaultError {
    /// What happened, in a few words.
    #[serde(rename = "Message")]
    pub message: String,
    /// What happened, with particulars.
    #[serde(rename = "Detail")]
    pub detail: String,
    /// A number in digits: `6240`.
    pub code: String,
    /// The member it is about: `Line.DetailType`.
    pub element: String,
}

impl Fault {
    /// Makes a fault of the body of an answer with an HTTP status that is not a success.
    ///
    /// Reads a JSON fault in Intuit's two spellings and an XML one. For anything else (a proxy's page, an empty body) the
    /// fault has one error without a code, whose message is the status and the beginning of the text.
    pub fn read(status: u16, body: &[u8]) -> Self {
        Self::from_json(body)
            .or_else(|| Self::from_markup(body))
            .unwrap_or_else(|| Self::from_text(status, body))
    }

    /// Whether one of the errors has this code.
    pub fn has_code(&self, code: &str) -> bool {
        self.errors.iter().any(|error| error.code == code)
    }

    /// Whether one of the errors mentions `word`, given in lower case, in any letter case.
    pub fn mentions(&self, word: &str) -> bool {
        let has = |text: &str| text.to_lowercase().contains(word);
        self.errors.iter().any(|error| has(&error.message) || has(&error.detail))
    }

    fn from_json(body: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(rename = "Fault", alias = "fault")]
            fault: Fault,
        }
        let fault = serde_json::from_slice::<Answer>(body).ok()?.fault;
        (!fault.errors.is_empty()).then_some(fault)
    }

    fn from_markup(body: &[u8]) -> Option<Self> {
        let text = beginning(body);
        let errors: Vec<WireError> = text
            .split("<Error")
            .skip(1)
            .filter_map(|rest| rest.split("</Error>").next())
            .map(xml_error)
            .collect();
        let fault_type = text.split("<Fault").nth(1).map(|rest| attribute(rest, "type")).unwrap_or_default();
        (!errors.is_empty()).then(|| WireFault { errors, fault_type }.into())
    }

    fn from_text(status: u16, body: &[u8]) -> Self {
        let excerpt = shorten(&without_tags(&beginning(body)), MAX_EXCERPT);
        let message = if excerpt.is_empty() {
            format!("HTTP status {status}")
        } else {
            format!("HTTP status {status}: {excerpt}")
        };
        Self { errors: vec![FaultError { message, ..FaultError::default() }], fault_type: String::new() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, error) in self.errors.iter().enumerate() {
            if place > 0 {
                out.write_str("; ")?;
            }
            write!(out, "{error}")?;
        }
        Ok(())
    }
}

impl fmt::Display for FaultError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.code.is_empty() {
            write!(out, "{} ", self.code)?;
        }
        out.write_str(&self.message)?;
        if !self.detail.is_empty() {
            write!(out, ": {}", self.detail)?;
        }
        if !self.element.is_empty() {
            write!(out, " ({})", self.element)?;
        }
        Ok(())
    }
}

/// A fault as sent: capital or small initials, nulls, numbers for text.
#[derive(Deserialize)]
struct WireFault {
    #[serde(rename = "Error", alias = "error", default, deserialize_with = "or_none")]
    errors: Vec<WireError>,
    #[serde(rename = "type", default, deserialize_with = "text")]
    fault_type: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireError {
    #[serde(rename = "Message", alias = "message", deserialize_with = "text")]
    message: String,
    #[serde(rename = "Detail", alias = "detail", deserialize_with = "text")]
    detail: String,
    #[serde(deserialize_with = "text")]
    code: String,
    #[serde(deserialize_with = "text")]
    element: String,
}

fn or_none<'de, D: Deserializer<'de>>(source: D) -> Result<Vec<WireError>, D::Error> {
    Ok(Option::deserialize(source)?.unwrap_or_default())
}

fn text<'de, D: Deserializer<'de>>(source: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(source)? {
        Value::Null => String::new(),
        Value::String(text) => text,
        other => other.to_string(),
    })
}

impl From<WireFault> for Fault {
    fn from(wire: WireFault) -> Self {
        let errors = wire.errors.into_iter().take(MAX_ERRORS).map(FaultError::from).collect();
        Self { errors, fault_type: shorten(&wire.fault_type, MAX_EXCERPT) }
    }
}

impl From<WireError> for FaultError {
    fn from(wire: WireError) -> Self {
        let code = if wire.code.is_empty() { code_in(&wire.message) } else { wire.code };
        // An authentication error's detail quotes the access token after a colon.
        let detail = match wire.detail.split_once(':') {
            Some((reason, _token)) if code == "3200" => reason.to_owned(),
            _ => wire.detail,
        };
        Self {
            message: shorten(&on_one_line(&wire.message), MAX_TEXT),
            detail: shorten(&on_one_line(&detail), MAX_TEXT),
            code: shorten(&code, MAX_EXCERPT),
            element: shorten(&wire.element, MAX_EXCERPT),
        }
    }
}

/// The code in a message of Intuit's gateway: `message=AuthenticationFailed; errorCode=003200; statusCode=401`.
fn code_in(message: &str) -> String {
    let digits = message.split("errorCode=").nth(1).unwrap_or_default();
    digits.chars().take_while(char::is_ascii_digit).collect::<String>().trim_start_matches('0').to_owned()
}

fn xml_error(text: &str) -> WireError {
    WireError {
        message: element(text, "Message"),
        detail: element(text, "Detail"),
        code: attribute(text, "code"),
        element: attribute(text, "element"),
    }
}

/// The text of the first element called `name`.
fn element(text: &str, name: &str) -> String {
    let inner =
        text.split(&format!("<{name}>")).nth(1).and_then(|rest| rest.split(&format!("</{name}>")).next());
    unescape(inner.unwrap_or_default())
}

/// The attribute called `name` of the tag whose name `text` follows.
fn attribute(text: &str, name: &str) -> String {
    let tag = text.split('>').next().unwrap_or_default();
    let value = tag.split(&format!(" {name}=\"")).nth(1).and_then(|rest| rest.split('"').next());
    unescape(value.unwrap_or_default())
}

fn unescape(text: &str) -> String {
    // The ampersand last, or `&amp;lt;` would become `<`.
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")]
        .iter()
        .fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
}

fn without_tags(text: &str) -> String {
    let visible = text.split('<').map(|piece| piece.split_once('>').map_or(piece, |(_tag, text)| text));
    on_one_line(&visible.collect::<Vec<_>>().join(" "))
}

fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn beginning(body: &[u8]) -> String {
    String::from_utf8_lossy(&body[..body.len().min(MAX_MARKUP)]).into_owned()
}

fn shorten(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::*;

    #[test]
    fn reads_an_ordinary_fault() {
        let body = br#"{"Fault":{"Error":[{"Message":"Required param missing","Detail":"Line\n is missing","code":"2020","element":"Line"},
            {"Message":"Second","code":6100}],"type":"ValidationFault"},"time":"2026-03-01T10:00:00.1-08:00"}"#;
        let fault = Fault::read(400, body);
        assert_eq!(fault.fault_type, "ValidationFault");
        assert!(fault.has_code("2020") && fault.has_code("6100"));
        insta::assert_snapshot!(fault, @"2020 Required param missing: Line is missing (Line); 6100 Second");
    }

    #[test]
    fn reads_the_gateways_spelling_and_drops_the_token() {
        let body = br#"{"warnings":null,"fault":{"error":[{"message":"message=AuthenticationFailed; errorCode=003200; statusCode=401",
            "detail":"Token expired: eyJabc.def","code":null,"element":null}],"type":"AUTHENTICATION"},"time":1767225600000}"#;
        let fault = Fault::read(401, body);
        assert_eq!(fault.fault_type, "AUTHENTICATION");
        insta::assert_snapshot!(fault, @"3200 message=AuthenticationFailed; errorCode=003200; statusCode=401: Token expired");
    }

    #[test]
    fn reads_xml() {
        let body = br#"<?xml version="1.0"?><IntuitResponse time="x"><Fault type="SERVICE"><Error code="3001" element="a&amp;lt;b">
            <Message>message=ThrottleExceeded</Message><Detail>The request limit was reached</Detail></Error></Fault></IntuitResponse>"#;
        let fault = Fault::read(429, body);
        assert_eq!(fault.fault_type, "SERVICE");
        insta::assert_snapshot!(fault, @"3001 message=ThrottleExceeded: The request limit was reached (a&lt;b)");
    }

    #[test]
    fn makes_something_of_anything_else() {
        insta::assert_snapshot!(Fault::read(503, b""), @"HTTP status 503");
        insta::assert_snapshot!(Fault::read(502, b"<html><head><title>Bad\n gateway</title></head><body>x"), @"HTTP status 502: Bad gateway x");
        insta::assert_snapshot!(Fault::read(500, b"{\"Fault\":{}}"), @r#"HTTP status 500: {"Fault":{}}"#);
        insta::assert_snapshot!(Fault::read(400, b"\xff\xfe"), @"HTTP status 400: ��");
    }

    proptest! {
        #[test]
        fn any_body_makes_a_bounded_fault(body in any::<Vec<u8>>(), status in 400..600_u16) {
            let fault = Fault::read(status, &body);
            assert!(!fault.errors.is_empty());
            assert!(fault.to_string().chars().count() < 300);
        }

        #[test]
        fn any_message_is_bounded(message in "(<|>|é|a){0,3000}", code in "[0-9]{1,4}") {
            let body = serde_json::json!({"Fault": {"Error": [{"Message": message, "Detail": message, "code": code}]}});
            let fault = Fault::read(400, body.to_string().as_bytes());
            assert!(fault.has_code(&code));
            assert!(fault.to_string().chars().count() < 2100);
        }
    }
}
