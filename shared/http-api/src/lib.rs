//! What is said over the HTTP API for billing apps: who may ask ([`admit`]), what is answered, what is wrong
//! ([`Problem`]), and the description of it all ([`openapi`]), which a test holds to these types.

mod answer;
mod company;
pub mod openapi;
mod operation;

use lambda_http::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use lambda_http::{Body, Response};
use secrecy::SecretString;
use serde::Serialize;
use sync::api_key;
use sync::ids::CompanyId;
use sync::ports::{Companies, StoreError, explain};
use sync::settings::Company;

pub use answer::{EventStatus, Outcome, Problem};
pub use company::{
    ActivityEntry, ActivityPage, ApiKey, CompanyStatus, ConsoleLink, Ignore, Moved, RecordState,
    RecordStatus, Waiting, WhichEvents,
};
pub use operation::{Operation, values};

/// When it is worth asking again, in seconds.
pub const ASK_AGAIN: &str = "5";
/// When requests are counted anew, in seconds.
const NEXT_MINUTE: &str = "60";

/// Lets in who has the company's key. Why somebody is not let in is not told.
///
/// # Errors
/// 401, or 503 if the store failed.
pub async fn admit(
    companies: &dyn Companies,
    company: &str,
    headers: &HeaderMap,
) -> Result<Company, Problem> {
    let refused = || Problem::new(StatusCode::UNAUTHORIZED, "This needs the company's API key.");
    let key = key(headers).ok_or_else(refused)?;
    let company = CompanyId::new(company).map_err(|_| refused())?;
    let stored = companies.load(&company).await.map_err(|error| unavailable(&error))?;
    if !api_key::opens(&key, stored.as_ref()) {
        return Err(refused());
    }
    stored.ok_or_else(refused)
}

/// The key in `Authorization: Bearer` or `X-Api-Key`.
fn key(headers: &HeaderMap) -> Option<SecretString> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = text(header::AUTHORIZATION).and_then(|value| value.split_once(' '));
    let bearer =
        bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, key)| key.trim());
    bearer.or_else(|| text(HeaderName::from_static("x-api-key"))).map(Into::into)
}

/// The problem for a store that failed.
pub fn unavailable(error: &StoreError) -> Problem {
    tracing::error!(error = explain(error), "a request could not be answered: {error}");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Send the same again: nothing is promised yet.")
}

/// A problem as a response (RFC 9457).
pub fn problem(problem: &Problem) -> Response<Body> {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = json(status, "application/problem+json", problem);
    let headers = response.headers_mut();
    match status {
        StatusCode::UNAUTHORIZED => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        StatusCode::SERVICE_UNAVAILABLE => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(ASK_AGAIN));
        }
        StatusCode::TOO_MANY_REQUESTS => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(NEXT_MINUTE));
        }
        _ => {}
    }
    response
}

/// A value as a response.
pub fn json(status: StatusCode, content_type: &'static str, body: &impl Serialize) -> Response<Body> {
    let text = serde_json::to_string(body).unwrap_or_else(|error| {
        tracing::error!(error = explain(&error), "an answer could not be written");
        String::new()
    });
    let mut response = Response::new(Body::Text(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
