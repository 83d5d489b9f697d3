//! `POST /companies/{company}/invoices/push` and `GET /companies/{company}/events/{event}`.

use jiff::Timestamp;
use lambda_http::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use lambda_http::{Body, Request, RequestExt, Response};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use secrecy::SecretString;
use serde::Serialize;
use sync::api_key;
use sync::ids::{CompanyId, EventId};
use sync::ports::{PushQueue, StoreError, explain};
use sync::push::Ports;
use sync::push_now::{PushedNow, push_now, read};

use crate::answer::{EventStatus, Outcome, Problem};

/// The longest body, in bytes: what the queue takes (AWS: SQS quotas).
pub(crate) const LONGEST_BODY: usize = 1024 * 1024;
/// When it is worth asking again, in seconds.
const ASK_AGAIN: &str = "5";

/// What the requests are answered with.
#[derive(Clone, Copy)]
pub(crate) struct Desk<'a> {
    pub(crate) ports: Ports<'a>,
    pub(crate) queue: &'a dyn PushQueue,
}

/// What a request asks for.
enum Route<'r> {
    Push { company: &'r str },
    Event { company: &'r str, event: &'r str },
}

impl<'r> Route<'r> {
    fn of(method: &Method, path: &'r str) -> Option<Route<'r>> {
        let (company, rest) = path.strip_prefix("/companies/")?.split_once('/')?;
        match (method, rest) {
            (&Method::POST, "invoices/push") => Some(Route::Push { company }),
            (&Method::GET, rest) => rest.strip_prefix("events/").map(|event| Route::Event { company, event }),
            _ => None,
        }
    }

    fn company(&self) -> &'r str {
        match self {
            Route::Push { company } | Route::Event { company, .. } => company,
        }
    }
}

/// Answers a request. A push goes on until `too_late` at the latest.
pub(crate) async fn handle(
    desk: Desk<'_>,
    request: &Request,
    too_late: impl Future<Output = ()>,
) -> Response<Body> {
    let answered = answer(desk, request, too_late).await;
    answered.unwrap_or_else(|refusal| problem(&refusal))
}

async fn answer(
    desk: Desk<'_>,
    request: &Request,
    too_late: impl Future<Output = ()>,
) -> Result<Response<Body>, Problem> {
    let Some(route) = Route::of(request.method(), request.uri().path()) else {
        return Err(Problem::new(StatusCode::NOT_FOUND, "There is nothing at this address."));
    };
    let company = admit(desk, route.company(), request.headers()).await?;
    match route {
        Route::Push { .. } => push(desk, &company, request.body(), too_late).await,
        Route::Event { event, .. } => status(desk, &company, event, request).await,
    }
}

/// Lets in who has the company's key. Why somebody is not let in is not told.
async fn admit(desk: Desk<'_>, company: &str, headers: &HeaderMap) -> Result<CompanyId, Problem> {
    let refused = || Problem::new(StatusCode::UNAUTHORIZED, "This needs the company's API key.");
    let key = key(headers).ok_or_else(refused)?;
    let company = CompanyId::new(company).map_err(|_| refused())?;
    let stored = desk.ports.companies.load(&company).await.map_err(|error| unavailable(&error))?;
    if api_key::opens(&key, stored.as_ref()) { Ok(company) } else { Err(refused()) }
}

/// The key in `Authorization: Bearer` or `X-Api-Key`.
fn key(headers: &HeaderMap) -> Option<SecretString> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = text(header::AUTHORIZATION).and_then(|value| value.split_once(' '));
    let bearer =
        bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, key)| key.trim());
    bearer.or_else(|| text(HeaderName::from_static("x-api-key"))).map(Into::into)
}

async fn push(
    desk: Desk<'_>,
    company: &CompanyId,
    body: &Body,
    too_late: impl Future<Output = ()>,
) -> Result<Response<Body>, Problem> {
    let bad = |detail: String| Problem::new(StatusCode::BAD_REQUEST, detail);
    if body.len() > LONGEST_BODY {
        let detail = format!("The body has {} bytes; {LONGEST_BODY} are the most.", body.len());
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
    }
    let text = std::str::from_utf8(body).map_err(|error| bad(format!("The body is not UTF-8: {error}.")))?;
    let event = read(company, text).map_err(bad)?;
    let status = address(company, &event.id, event.time);
    match push_now(desk.ports, desk.queue, &event, text, too_late).await {
        Ok(PushedNow::Ended(activity)) => match EventStatus::of(*activity) {
            EventStatus { outcome: Outcome::Parked { cause, reason, way_on }, .. } => {
                Err(Problem::parked(cause, reason, way_on, status))
            }
            ended => Ok(json(StatusCode::OK, "application/json", &ended)),
        },
        Ok(PushedNow::Queued) => {
            let outcome = Outcome::Pending { status: status.clone() };
            let pending = EventStatus { event: event.id, outcome };
            let mut response = json(StatusCode::ACCEPTED, "application/json", &pending);
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(ASK_AGAIN));
            if let Ok(location) = HeaderValue::from_str(&status) {
                headers.insert(header::LOCATION, location);
            }
            Ok(response)
        }
        Err(error) => Err(unavailable(&error)),
    }
}

async fn status(
    desk: Desk<'_>,
    company: &CompanyId,
    event: &str,
    request: &Request,
) -> Result<Response<Body>, Problem> {
    let bad = |detail: &str| Problem::new(StatusCode::BAD_REQUEST, detail);
    let event = percent_decode_str(event).decode_utf8().ok().and_then(|text| EventId::new(text).ok());
    let event = event.ok_or_else(|| bad("The address does not name an event."))?;
    let parameters = request.query_string_parameters();
    let time: Option<Timestamp> = parameters.first("time").and_then(|time| time.parse().ok());
    let time = time.ok_or_else(|| bad("`time` should be the event's time (RFC 3339)."))?;
    let entry =
        desk.ports.activity.entry(company, time, &event).await.map_err(|error| unavailable(&error))?;
    let status = match entry {
        Some(activity) => EventStatus::of(activity),
        None => {
            let outcome = Outcome::Pending { status: address(company, &event, time) };
            EventStatus { event, outcome }
        }
    };
    Ok(json(StatusCode::OK, "application/json", &status))
}

/// Where what became of an event is told. Entries are kept by their time, so that is part of it.
fn address(company: &CompanyId, event: &EventId, time: Timestamp) -> String {
    let event = utf8_percent_encode(event.as_str(), NON_ALPHANUMERIC);
    format!("/companies/{company}/events/{event}?time={time}")
}

fn unavailable(error: &StoreError) -> Problem {
    tracing::error!(error = explain(error), "a request could not be answered: {error}");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Send the same event again: nothing is promised yet.")
}

fn problem(problem: &Problem) -> Response<Body> {
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
        _ => {}
    }
    response
}

fn json(status: StatusCode, content_type: &'static str, body: &impl Serialize) -> Response<Body> {
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

#[cfg(test)]
mod tests;
