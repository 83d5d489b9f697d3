//! The token endpoint and the revocation endpoint.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;

use super::connections::{ACCESS_TOKEN_SECONDS, ANNOUNCED_REFRESH_SECONDS, Refusal, TokenPair};
use crate::server::state::{Server, Shared, lock, new_values, read};

/// Asks for the seconds to the connection's hard end in the answer.
const HARD_END_HEADER: &str = "x-include-refresh-token-hard-expires-in";

#[derive(Default, Deserialize)]
#[serde(default)]
struct TokenRequest {
    grant_type: String,
    code: Option<String>,
    redirect_uri: Option<String>,
    refresh_token: Option<String>,
}

#[derive(Deserialize)]
struct Revocation {
    token: String,
}

/// `POST /oauth2/v1/tokens/bearer`.
pub(in crate::server) async fn bearer(
    State(server): State<Shared>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !knows_the_app(&server, &headers) {
        return error(StatusCode::UNAUTHORIZED, "invalid_client", None);
    }
    let Some(request) = form::<TokenRequest>(&headers, &body) else {
        return error(StatusCode::BAD_REQUEST, "invalid_request", None);
    };
    let grant_type = request.grant_type.as_str();
    let pair = match (grant_type, &request.code, &request.redirect_uri, &request.refresh_token) {
        ("authorization_code", Some(code), Some(redirect_uri), _) => {
            let now = server.clock.now();
            lock(&server.connections).exchange(code, redirect_uri, new_values(now), now)
        }
        ("refresh_token", _, _, Some(token)) => refresh(&server, token).await,
        ("authorization_code" | "refresh_token", ..) => {
            return error(StatusCode::BAD_REQUEST, "invalid_request", None);
        }
        _ => return error(StatusCode::BAD_REQUEST, "unsupported_grant_type", None),
    };
    match pair {
        Ok(pair) => tokens(&server, &pair, headers.get(HARD_END_HEADER).is_some_and(|it| it == "true")),
        Err(refusal) => error(StatusCode::BAD_REQUEST, "invalid_grant", description(refusal)),
    }
}

async fn refresh(server: &Server, token: &str) -> Result<TokenPair, Refusal> {
    let rules = read(&server.switches).refresh_rules();
    let (pair, done) = {
        let mut connections = lock(&server.connections);
        let now = server.clock.now();
        (connections.refresh(token, new_values(now), &rules, now)?, now + rules.takes)
    };
    server.clock.sleep_until(done).await;
    Ok(pair)
}

fn description(refusal: Refusal) -> Option<&'static str> {
    match refusal {
        Refusal::Code => None,
        Refusal::DeadRefreshToken => Some("Token invalid"),
        Refusal::WrongTokenType => Some("Incorrect Token type or clientID"),
    }
}

fn tokens(server: &Server, pair: &TokenPair, with_hard_end: bool) -> Response {
    let mut body = json!({
        "token_type": "bearer",
        "expires_in": ACCESS_TOKEN_SECONDS,
        "refresh_token": pair.refresh_token,
        "x_refresh_token_expires_in": ANNOUNCED_REFRESH_SECONDS,
        "access_token": pair.access_token,
    });
    if with_hard_end {
        let left = pair.hard_end.duration_since(server.clock.now());
        body["x_refresh_token_hard_expires_in"] = left.as_secs().into();
    }
    oauth_answer(StatusCode::OK, body.to_string())
}

fn error(status: StatusCode, code: &str, description: Option<&str>) -> Response {
    let body = match description {
        Some(description) => json!({"error_description": description, "error": code}),
        None => json!({"error": code}),
    };
    oauth_answer(status, body.to_string())
}

fn oauth_answer(status: StatusCode, body: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json;charset=UTF-8"),
        (header::CACHE_CONTROL, "no-cache, no-store"),
        (header::PRAGMA, "no-cache"),
        (header::STRICT_TRANSPORT_SECURITY, "max-age=15552000"),
    ];
    (status, headers, body).into_response()
}

/// `POST /v2/oauth2/tokens/revoke`: 200 without a body, or 400.
pub(in crate::server) async fn revoke(
    State(server): State<Shared>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !knows_the_app(&server, &headers) {
        return error(StatusCode::UNAUTHORIZED, "invalid_client", None);
    }
    let revocation = match is_of_type(&headers, "application/json") {
        true => serde_json::from_slice::<Revocation>(&body).ok(),
        false => form::<Revocation>(&headers, &body),
    };
    let now = server.clock.now();
    let revoked = revocation.map(|it| lock(&server.connections).revoke(&it.token, now));
    match revoked {
        Some(true) => StatusCode::OK.into_response(),
        Some(false) => error(StatusCode::BAD_REQUEST, "invalid_grant", None),
        None => error(StatusCode::BAD_REQUEST, "invalid_request", None),
    }
}

fn form<T: serde::de::DeserializeOwned>(headers: &HeaderMap, body: &[u8]) -> Option<T> {
    let is_form = is_of_type(headers, "application/x-www-form-urlencoded");
    is_form.then(|| serde_urlencoded::from_bytes(body).ok()).flatten()
}

fn is_of_type(headers: &HeaderMap, media_type: &str) -> bool {
    let sent = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    sent.split(';').next().is_some_and(|sent| sent.trim().eq_ignore_ascii_case(media_type))
}

/// Whether the request carries the app's id and secret as Basic credentials.
fn knows_the_app(server: &Server, headers: &HeaderMap) -> bool {
    let sent = || {
        let (scheme, value) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
        let decoded = STANDARD.decode(value.trim()).ok()?;
        scheme.eq_ignore_ascii_case("basic").then(|| String::from_utf8(decoded).ok()).flatten()
    };
    let app = &server.options.app;
    sent().is_some_and(|sent| sent == format!("{}:{}", app.client_id, app.client_secret))
}
