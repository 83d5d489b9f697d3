//! `/api/v1/…`: every call is recorded, faults strike it, and then the installation answers.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{OriginalUri, Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde_json::json;
use simulator_server::{Seen, is_severed, lock, severed};

use super::calls::{Call, CallKind};
use super::faults::{Effect, ErrorBody};
use super::state::{Server, Shared};
use crate::company::{Answer, Request};

/// Answers one call.
pub(super) async fn answer(
    State(server): State<Shared>,
    Path(path): Path<String>,
    OriginalUri(uri): OriginalUri,
    RawQuery(query): RawQuery,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let request = request(&method, path, &query.unwrap_or_default(), &headers, &body);
    let call = Call {
        at: server.clock.now(),
        company: server.with(|installation, _| installation.place_of(request.token.as_deref()?)),
        method: method.to_string(),
        path: uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        kind: CallKind::of(method.as_str(), &request.path),
        status: None,
        response_lost: false,
    };
    let place = call.company.map(|place| place.to_string());
    let seen = Seen { at: call.at, path: &call.path, kind: call.kind, company: place.as_deref() };
    let effects = lock(&server.faults).strike_call(&seen);
    let mut recording = Recording { server: &server, call };
    for effect in &effects {
        if let Some(response) = strike(*effect).await {
            recording.answered(&response);
            return response;
        }
    }
    let answer = server.with(|installation, now| installation.answer(&request, now));
    let response = response(answer);
    let lost = effects.contains(&Effect::LoseResponse);
    recording.answered(&response);
    recording.call.response_lost = lost;
    drop(recording);
    for effect in effects {
        if let Effect::DelayResponse { milliseconds } = effect {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        }
    }
    if lost { severed() } else { response }
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
async fn strike(effect: Effect) -> Option<Response> {
    match effect {
        Effect::LoseRequest => Some(severed()),
        Effect::DelayRequest { milliseconds } => {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            None
        }
        Effect::Throttle => {
            let message = json!({"message": "Too many requests"});
            Some((StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "1")], Json(message)).into_response())
        }
        Effect::Fail { status, body } => Some(failure(status, body)),
        Effect::LoseResponse
        | Effect::DelayResponse { .. }
        | Effect::DuplicateWebhook
        | Effect::DropWebhook => None,
    }
}

fn failure(status: u16, body: ErrorBody) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match body {
        ErrorBody::Json => (status, Json(json!({"message": "Server Error"}))).into_response(),
        ErrorBody::Html => (status, Html(format!("<h1>{status}</h1>"))).into_response(),
        ErrorBody::Empty => status.into_response(),
    }
}

fn request(method: &Method, path: String, query: &str, headers: &HeaderMap, body: &Bytes) -> Request {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    // PHP reads a body as JSON only if it is said to be.
    let is_json = text("content-type").contains("json");
    Request {
        method: method.to_string(),
        path,
        query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        token: Some(text("x-api-token").to_owned()).filter(|token| !token.is_empty()),
        asks_for_json: text("x-requested-with") == "XMLHttpRequest" && text("accept").contains("json"),
        body: if is_json { body.to_vec() } else { Vec::new() },
    }
}

fn response(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, answer.body).into_response();
    for (name, value) in answer.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    response
}
