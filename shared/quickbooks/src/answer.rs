//! What an answer means for the call.

use std::time::Duration;

use quickbooks_wire::{BatchResponse, CdcResponse, EntityResponse, Fault, QueryAnswer, TaxService};
use reqwest::StatusCode;
use reqwest::header::RETRY_AFTER;
use serde::de::DeserializeOwned;
use sync::ports::CallError;
use transport::{Answer, SendError};

/// How long to wait when the app's metered calls of the month are used up (Intuit: App Partner Program, Builder tier).
/// Only a new month or a larger tier helps, and a look now and then finds out. What the refusal looks like is not
/// documented.
const QUOTA_PAUSE: Duration = Duration::from_secs(15 * 60);

/// A body that may hold a fault, even under a status of success.
pub(crate) trait Body: DeserializeOwned {
    fn take_fault(&mut self) -> Option<Fault>;
}

macro_rules! body {
    ($($name:ty),*) => {
        $(impl Body for $name {
            fn take_fault(&mut self) -> Option<Fault> {
                self.fault.take()
            }
        })*
    };
}

body!(EntityResponse, QueryAnswer, BatchResponse, CdcResponse, TaxService);

/// What it means that there is no answer.
pub(crate) fn none(error: SendError) -> CallError {
    match error {
        SendError::NotSent(reason) => CallError::NotSent(reason),
        SendError::Lost(reason) => CallError::Unknown(reason),
        SendError::NotYet(wait) => CallError::Throttled { retry_after: Some(wait) },
    }
}

/// How long an answer of the accounting API asks to be left alone: `default` if it does not say how long, and none if
/// it does not ask.
pub fn asks_to_wait(answer: &Answer, default: Duration) -> Option<Duration> {
    match refused(answer)? {
        CallError::Throttled { retry_after } => Some(retry_after.unwrap_or(default)),
        _ => None,
    }
}

/// What an answer that is not a success means.
fn refused(answer: &Answer) -> Option<CallError> {
    let fault = || Fault::read(answer.status.as_u16(), &answer.body);
    (!answer.status.is_success()).then(|| failure(fault(), answer.status, retry_after(answer)))
}

/// The body of a success, or the error that the answer means.
pub(crate) fn read<B: Body>(answer: &Answer) -> Result<B, CallError> {
    if let Some(error) = refused(answer) {
        return Err(error);
    }
    let mut body: B = serde_json::from_slice(&answer.body).map_err(|error| unreadable(&error))?;
    match body.take_fault() {
        Some(fault) => Err(refusal(fault)),
        None => Ok(body),
    }
}

/// What a fault within a success means.
pub(crate) fn refusal(fault: Fault) -> CallError {
    failure(fault, StatusCode::OK, None)
}

/// The code goes before the status: gateways do not always choose the one that goes with it (Intuit: Error codes).
/// Only a clear refusal proves that nothing has happened; what is left over counts as unknown.
fn failure(fault: Fault, status: StatusCode, retry_after: Option<Duration>) -> CallError {
    let has_code = |code| fault.has_code(code);
    match status {
        StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS if fault.mentions("quota") => {
            CallError::Throttled { retry_after: Some(QUOTA_PAUSE) }
        }
        _ if has_code("3001") => CallError::Throttled { retry_after },
        _ if has_code("3100") || has_code("120") => CallError::Forbidden(fault),
        _ if has_code("3200") => CallError::Unauthorized,
        StatusCode::TOO_MANY_REQUESTS => CallError::Throttled { retry_after },
        StatusCode::FORBIDDEN => CallError::Forbidden(fault),
        StatusCode::UNAUTHORIZED => CallError::Unauthorized,
        StatusCode::REQUEST_TIMEOUT => CallError::Unknown(fault.to_string()),
        status if status.is_success() || status.is_client_error() => CallError::Refused(fault),
        _ => CallError::Unknown(fault.to_string()),
    }
}

/// Where the answer cannot be read, without the parser's words: they quote from it.
fn unreadable(error: &serde_json::Error) -> CallError {
    CallError::Unknown(format!(
        "the answer cannot be read at line {} column {}",
        error.line(),
        error.column()
    ))
}

/// `Retry-After` in seconds. Intuit does not document the header; its other form, a date, is not read.
fn retry_after(answer: &Answer) -> Option<Duration> {
    let seconds = answer.headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}
