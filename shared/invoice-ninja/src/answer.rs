//! What an answer, or none, means for the call (Invoice Ninja API: errors).

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::RETRY_AFTER;
use serde_json::Value;
use sync::ports::BillingError;
use transport::{Answer, SendError};

use crate::json::{Loose, Object};

/// How long the app takes a payment or a bulk action like the one before for the same, at most.
pub(crate) const REPETITION: Duration = Duration::from_secs(3);
/// How long an app is left alone that asks for fewer requests and does not say for how long: its limits are by the minute.
const THROTTLED: Duration = Duration::from_secs(60);
/// The longest text of a refusal that is kept.
const TEXT: usize = 500;

/// Whether a call may have changed something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It only reads: whatever went wrong, nothing has happened.
    Reads,
    /// It writes.
    Writes,
}

/// What it means that there is no answer.
pub(crate) fn none(error: SendError, effect: Effect) -> BillingError {
    match (error, effect) {
        (SendError::NotSent(reason), _) | (SendError::Lost(reason), Effect::Reads) => later(reason, None),
        (SendError::Lost(reason), Effect::Writes) => BillingError::Unknown(reason),
        (SendError::NotYet(wait), _) => later("it was held back".to_owned(), Some(wait)),
    }
}

/// The JSON object of a success, or the error that the answer means.
pub(crate) fn read(answer: &Answer, effect: Effect) -> Result<Object, BillingError> {
    let status = answer.status;
    let body = serde_json::from_slice(&answer.body);
    if status.is_success() {
        return match (body, effect) {
            (Ok(Value::Object(body)), _) => Ok(body),
            // The parser's words may quote what is nobody's business.
            (_, Effect::Reads) => Err(later("the answer is no JSON object".to_owned(), None)),
            (_, Effect::Writes) => Err(BillingError::Unknown("the answer is no JSON object".to_owned())),
        };
    }
    let body = match body {
        Ok(Value::Object(body)) => body,
        _ => Object::new(),
    };
    Err(refusal(status, &body, retry_after(answer), effect))
}

fn refusal(status: StatusCode, body: &Object, after: Option<Duration>, effect: Effect) -> BillingError {
    let text = text(status, body);
    match status {
        StatusCode::TOO_MANY_REQUESTS => {
            later("it asks for fewer requests".to_owned(), Some(after.unwrap_or(THROTTLED)))
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => BillingError::Forbidden(text),
        // A missing record is a bad request.
        StatusCode::BAD_REQUEST if is_gone(&text) => BillingError::Gone,
        StatusCode::BAD_REQUEST if text.contains("Duplicate request") => later(text, Some(REPETITION)),
        status if status.is_redirection() => BillingError::Refused(
            "it redirects to another address; set the address that it redirects to".to_owned(),
        ),
        StatusCode::NOT_FOUND => {
            BillingError::Refused(format!("there is no Invoice Ninja API at this address ({text})"))
        }
        StatusCode::REQUEST_TIMEOUT => unknown(text, effect),
        status if status.is_client_error() => BillingError::Refused(text),
        _ => unknown(text, effect),
    }
}

fn is_gone(text: &str) -> bool {
    text.contains("No query results") || text.contains("Record is deleted")
}

fn unknown(text: String, effect: Effect) -> BillingError {
    match effect {
        Effect::Reads => later(text, None),
        Effect::Writes => BillingError::Unknown(text),
    }
}

fn later(reason: String, after: Option<Duration>) -> BillingError {
    BillingError::Later { reason, after }
}

/// What the app says, with the fields that it names.
fn text(status: StatusCode, body: &Object) -> String {
    let fields = body.object("errors").into_iter().flatten().map(|(field, problems)| {
        let problems = problems.as_array().into_iter().flatten().filter_map(Value::as_str);
        format!("{field}: {}", problems.collect::<Vec<_>>().join(" "))
    });
    let fields = fields.collect::<Vec<_>>().join("; ");
    let message = [body.text("message"), body.text("error")].concat();
    let text = match (fields.is_empty(), message.is_empty()) {
        (false, _) => fields,
        (true, false) => message,
        (true, true) => format!("HTTP {}", status.as_u16()),
    };
    text.chars().filter(|c| !c.is_control()).take(TEXT).collect()
}

/// `Retry-After` in seconds.
fn retry_after(answer: &Answer) -> Option<Duration> {
    let seconds = answer.headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderMap;

    use super::*;

    fn meaning(status: u16, body: &str, effect: Effect) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, "17".parse().unwrap());
        let answer =
            Answer { status: StatusCode::from_u16(status).unwrap(), headers, body: body.as_bytes().to_vec() };
        match read(&answer, effect) {
            Ok(_) => "success".into(),
            Err(error) => format!("{error:?}"),
        }
    }

    #[test]
    fn answers_are_classified_by_what_is_known_of_their_effect() {
        let fields = r#"{"message":"The given data was invalid.","errors":{"contacts.0.email":["The email must be valid.","Distinct."],"number":["Taken."]}}"#;
        let cases = [
            (200, "{}"),
            (200, "<html>"),
            (302, "<html>"),
            (400, r#"{"message":"No query results for model [App\\Models\\Client] abc"}"#),
            (
                400,
                r#"{"message":"Record is deleted and cannot be edited. Restore the record to enable editing"}"#,
            ),
            (400, r#"{"message":"Duplicate request"}"#),
            (400, r#"{"message":"Relation `x` is not a valid include."}"#),
            (401, r#"{"error":"Unauthenticated."}"#),
            (403, r#"{"message":"Invalid token","errors":{}}"#),
            (404, r#"{"message":"Route does not exist"}"#),
            (408, ""),
            (422, fields),
            (422, r#"{"message":"","errors":{"number":["The invoice is locked."]}}"#),
            (429, r#"{"message":"Too many requests"}"#),
            (500, r#"{"message":"Server Error"}"#),
            (502, "<html>"),
        ];
        let told = cases.map(|(status, body)| {
            let (reads, writes) =
                (meaning(status, body, Effect::Reads), meaning(status, body, Effect::Writes));
            if reads == writes {
                format!("{status} {reads}")
            } else {
                format!("{status} reads {reads}\n    writes {writes}")
            }
        });
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn an_app_that_throttles_is_left_alone_for_a_minute_unless_it_says_otherwise() {
        let answer = |headers: HeaderMap| Answer {
            status: StatusCode::TOO_MANY_REQUESTS,
            headers,
            body: br#"{"message":"Too many requests"}"#.to_vec(),
        };
        let asked = |headers| match read(&answer(headers), Effect::Reads) {
            Err(BillingError::Later { after, .. }) => after,
            other => panic!("{other:?}"),
        };
        assert_eq!(asked(HeaderMap::new()), Some(THROTTLED));
        let in_three = HeaderMap::from_iter([(RETRY_AFTER, "3".parse().unwrap())]);
        assert_eq!(asked(in_three), Some(Duration::from_secs(3)));
    }

    #[test]
    fn a_call_that_was_lost_may_have_happened_only_if_it_writes() {
        let lost = || SendError::Lost("time out".into());
        assert!(matches!(none(lost(), Effect::Reads), BillingError::Later { .. }));
        assert!(matches!(none(lost(), Effect::Writes), BillingError::Unknown(_)));
        let not_sent = none(SendError::NotSent("no connection".into()), Effect::Writes);
        assert!(matches!(not_sent, BillingError::Later { .. }));
    }
}
