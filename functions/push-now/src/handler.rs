//! `POST /companies/{company}/invoices/push` and `GET /companies/{company}/events/{event}`.

use http_api::{ASK_AGAIN, EventStatus, Operation, Outcome, Problem, admit, json, problem, unavailable};
use jiff::Timestamp;
use lambda_http::http::{HeaderValue, StatusCode, header};
use lambda_http::{Body, Request, RequestExt, Response};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sync::ids::{CompanyId, EventId};
use sync::ports::PushQueue;
use sync::push::Ports;
use sync::push_now::{PushedNow, push_now, read};

/// The longest body, in bytes: what the queue takes (AWS: SQS quotas).
pub(crate) const LONGEST_BODY: usize = 1024 * 1024;

/// What the requests are answered with.
#[derive(Clone, Copy)]
pub(crate) struct Desk<'a> {
    pub(crate) ports: Ports<'a>,
    pub(crate) queue: &'a dyn PushQueue,
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
    let nothing = || Problem::new(StatusCode::NOT_FOUND, "There is nothing at this address.");
    let (operation, values) = Operation::of(request.method(), request.uri().path()).ok_or_else(nothing)?;
    let company = values.first().copied().unwrap_or_default();
    let company = &admit(desk.ports.companies, company, request.headers()).await?.id;
    match (operation, values.as_slice()) {
        (Operation::PushInvoice, _) => push(desk, company, request.body(), too_late).await,
        (Operation::GetEvent, [_, event]) => status(desk, company, event, request).await,
        _ => Err(nothing()),
    }
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

#[cfg(test)]
mod tests;
