//! `/v3/company/{realm}/…`: authentication, limits, and then the company itself.

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::Response;

use super::answers::{self, GatewayFault};
use super::calls::CallKind;
use super::gateway;
use super::state::{Server, Shared, lock, read};
use crate::company::Request;

/// Lengths that the gateway takes for a token; others are "too short or too long" (recorded text, length by Intuit:
/// access tokens have up to 4096 characters).
const TOKEN_LENGTHS: std::ops::RangeInclusive<usize> = 30..=4096;

/// Answers one call to a company.
pub(super) async fn answer(
    State(server): State<Shared>,
    Path((realm, path)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    Extension(kind): Extension<CallKind>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let query = query.unwrap_or_default();
    if let Err(fault) = authorise(&server, &realm, &headers) {
        return fault.json(server.clock.now());
    }
    if over_a_limit(&server, &realm, kind) {
        return gateway::throttled(&server);
    }
    if !accepts_json(&headers) {
        return not_asked_for_json(&server);
    }
    let request = Request {
        method: method.to_string(),
        path,
        query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        content_type: text_of(&headers, header::CONTENT_TYPE),
        body: body.into(),
    };
    match server.with_company(&realm, |company, now| company.answer(&request, now)) {
        Some(answer) => answers::accounting(answer),
        None => GatewayFault::unauthorized().json(server.clock.now()),
    }
}

fn authorise(server: &Server, realm: &str, headers: &HeaderMap) -> Result<(), GatewayFault> {
    let token = gateway::bearer(headers).unwrap_or_default();
    if !TOKEN_LENGTHS.contains(&token.len()) {
        let detail = "Malformed bearer token: too short or too long";
        return Err(GatewayFault::unauthenticated(detail.to_owned()));
    }
    let connections = lock(&server.connections);
    match connections.realm_of(token, server.clock.now()) {
        // Intuit does write the token into the answer: a client that logs the detail logs a secret.
        None => Err(GatewayFault::unauthenticated(format!("Token expired: {token}"))),
        Some(allowed) if allowed != realm => Err(GatewayFault::unauthorized()),
        Some(_) => Ok(()),
    }
}

fn over_a_limit(server: &Server, realm: &str, kind: CallKind) -> bool {
    let (limits, quota_exhausted) = {
        let switches = read(&server.switches);
        (switches.limits, switches.builder_quota_exhausted)
    };
    let mut throttle = lock(&server.throttle);
    let admitted = throttle.admits(realm, kind == CallKind::Batch, &limits, server.clock.now());
    !admitted || (quota_exhausted && kind.is_core_plus())
}

fn accepts_json(headers: &HeaderMap) -> bool {
    text_of(headers, header::ACCEPT).is_some_and(|accept| accept.contains("application/json"))
}

/// Intuit would answer in XML. Nothing is done here, and the status says that something is amiss.
fn not_asked_for_json(server: &Server) -> Response {
    let content = "<!-- Send Accept: application/json. Without it, QuickBooks answers in XML. -->";
    answers::xml(StatusCode::NOT_ACCEPTABLE, content, server.clock.now())
}

fn text_of(headers: &HeaderMap, name: header::HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}
