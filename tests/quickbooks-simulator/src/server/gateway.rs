//! What every call to Intuit goes through: it is recorded, and faults strike it.

use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header, request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use simulator_server::{Seen, is_severed, severed};

use super::answers::{self, GatewayFault};
use super::calls::{Call, CallKind};
use super::faults::{Effect, ErrorBody};
use super::outside;
use super::state::{Server, Shared, lock, read};

/// Intuit documents no figure for JSON bodies; this is far above what its limit of 10,000 lines can need.
const LARGEST_BODY: usize = 16 * 1024 * 1024;

/// Records the call, lets the faults in force strike it, and puts the headers on its answer that all answers have.
/// Hands on the call's kind as an extension of the request.
pub(super) async fn pass(State(server): State<Shared>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let call = call(&parts, &body, server.clock.now());
    let tid = call.tid.clone();
    let seen = Seen { at: call.at, path: &call.path, kind: call.kind, company: call.realm.as_deref() };
    let effects = lock(&server.faults).strike_call(&seen);
    let mut recording = Recording { server: &server, call };

    for effect in &effects {
        if let Some(mut response) = strike_request(&server, *effect, &parts.headers).await {
            recording.answered(&response);
            with_trace(&mut response, &tid);
            return response;
        }
    }
    let mut request = Request::from_parts(parts, Body::from(body));
    request.extensions_mut().insert(recording.call.kind);
    let mut response = next.run(request).await;
    let lost = effects.contains(&Effect::LoseResponse);
    recording.answered(&response);
    recording.call.response_lost = lost;
    drop(recording);
    for effect in effects {
        if let Effect::DelayResponse { milliseconds } = effect {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        }
    }
    with_trace(&mut response, &tid);
    if lost { severed() } else { response }
}

/// The call as it came in.
fn call(parts: &request::Parts, body: &Bytes, at: Timestamp) -> Call {
    let method = parts.method.as_str();
    let company = parts.uri.path().strip_prefix("/v3/company/").and_then(|rest| rest.split_once('/'));
    let query = parts.uri.query().unwrap_or_default();
    let kind = match company {
        Some((_, path)) => CallKind::of_accounting(method, path, query, body),
        None if parts.uri.path().contains("oauth2") => CallKind::OAuth,
        None => CallKind::Other,
    };
    Call {
        at,
        realm: company.map(|(realm, _)| realm.to_owned()),
        method: method.to_owned(),
        path: parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        kind,
        status: None,
        response_lost: false,
        metered: false,
        tid: outside::trace_id(at),
    }
}

/// A call that is recorded when this is dropped: also if the client gives up, and the call with it.
struct Recording<'a> {
    server: &'a Server,
    call: Call,
}

impl Recording<'_> {
    fn answered(&mut self, response: &Response) {
        self.call.status = (!is_severed(response)).then(|| response.status().as_u16());
    }
}

impl Drop for Recording<'_> {
    fn drop(&mut self) {
        lock(&self.server.calls).record(self.call.clone());
    }
}

/// What one fault does before the call is let through: an answer if it does not get through at all.
async fn strike_request(server: &Server, effect: Effect, headers: &HeaderMap) -> Option<Response> {
    let now = server.clock.now();
    match effect {
        Effect::LoseRequest => Some(severed()),
        Effect::DelayRequest { milliseconds } => {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            None
        }
        Effect::Throttle => Some(throttled(server)),
        Effect::ServerError { status, body } => Some(server_error(status, body, now)),
        Effect::ExpireToken => {
            lock(&server.connections).expire_access_token(bearer(headers)?);
            None
        }
        Effect::RevokeConnection => {
            // A token that is not known opens nothing anyway.
            let _known = lock(&server.connections).revoke(bearer(headers)?, now);
            None
        }
        Effect::SuspendSubscription => Some(suspended(now)),
        Effect::LoseResponse
        | Effect::DelayResponse { .. }
        | Effect::DuplicateWebhook
        | Effect::ReorderWebhook
        | Effect::DropWebhook => None,
    }
}

/// A refusal by a limit, in the format that the switches choose.
pub(super) fn throttled(server: &Server) -> Response {
    let format = read(&server.switches).throttle_format;
    GatewayFault::throttled().in_format(format, server.clock.now())
}

fn server_error(status: u16, body: ErrorBody, now: Timestamp) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match body {
        ErrorBody::Json => {
            let message = "An application error has occurred while processing your request";
            let detail = "System Failure Error: The service could not complete the request";
            answers::fault(status, "SystemFault", "10000", message, detail, now)
        }
        ErrorBody::Gateway => GatewayFault::broken(status).json(now),
        ErrorBody::Html => answers::html(status),
        ErrorBody::Empty => status.into_response(),
    }
}

fn suspended(now: Timestamp) -> Response {
    let message = "Invalid company status";
    let detail = "Subscription period has ended or canceled or there was a billing problem : You can't add data to \
                  QuickBooks Online Plus because your trial or subscription period ended.";
    answers::fault(StatusCode::FORBIDDEN, "AuthorizationFault", "6190", message, detail, now)
}

/// The access token that a request carries.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

fn with_trace(response: &mut Response, tid: &str) {
    let headers = response.headers_mut();
    headers.insert(header::SERVER, HeaderValue::from_static("envoy"));
    for (name, value) in [("intuit_tid", tid.to_owned()), ("x-amzn-trace-id", format!("Root={tid}"))] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
}
