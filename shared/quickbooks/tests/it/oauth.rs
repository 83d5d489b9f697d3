//! The token server: what goes over the wire, and what is made of the answer.

use std::time::Duration;

use axum::http::StatusCode;
use jiff::Timestamp;
use quickbooks::{OAuth, OAuthError};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use sync::ports::{RefreshError, TokenServer};
use sync::tokens::TokenPair;
use url::Url;

use crate::server::{Server, http};

fn oauth(server: &Server) -> OAuth {
    let http = http(Duration::from_secs(30));
    OAuth::new(http, &server.endpoints(), "the-app".into(), "the-secret".into())
}

fn now() -> Timestamp {
    "2026-03-01T10:00:00Z".parse().unwrap()
}

fn redirect_uri() -> Url {
    Url::parse("https://counterpart.example/oauth/callback").unwrap()
}

fn issued() -> Value {
    json!({"token_type": "bearer", "expires_in": 3600, "access_token": "access-2", "refresh_token": "refresh-2",
        "x_refresh_token_expires_in": 8726400, "x_refresh_token_hard_expires_in": 157680000, "id_token": "ignored"})
}

fn told(pair: &TokenPair) -> String {
    format!(
        "access {} until {}\nrefresh {} until {}, at the latest {:?}",
        pair.access_token.expose_secret(),
        pair.access_expires_at,
        pair.refresh_token.expose_secret(),
        pair.refresh_expires_at,
        pair.hard_expires_at
    )
}

#[tokio::test]
async fn consent_is_asked_for_with_the_state_given() {
    let server = Server::answering([""; 0]).await;
    let url = oauth(&server).authorize_url("state & more".into(), &redirect_uri());
    assert_eq!(url.path(), "/connect/oauth2");
    insta::assert_snapshot!(url.query().unwrap(), @"response_type=code&client_id=the-app&state=state+%26+more&redirect_uri=https%3A%2F%2Fcounterpart.example%2Foauth%2Fcallback&scope=com.intuit.quickbooks.accounting");
}

#[tokio::test]
async fn a_code_is_traded_for_a_pair() {
    let server = Server::with(200, issued()).await;
    let pair = oauth(&server).exchange_code(&"code-1".into(), &redirect_uri(), now()).await.unwrap();
    insta::assert_snapshot!(told(&pair));
    insta::assert_snapshot!(server.requests());
}

#[tokio::test]
async fn a_refresh_token_is_traded_for_a_pair_whose_numbers_may_be_text() {
    let answer = json!({"token_type": "Bearer", "expires_in": "3600", "x_refresh_token_expires_in": "8640000",
        "access_token": "access-3", "refresh_token": "refresh-3"});
    let server = Server::with(200, answer).await;
    let pair = oauth(&server).refresh(&"refresh-2".into(), now()).await.unwrap();
    insta::assert_snapshot!(told(&pair));
    insta::assert_snapshot!(server.requests());
}

#[tokio::test]
async fn the_answers_to_a_refresh_are_told_apart() {
    let refused = |error: &str| json!({"error": error, "error_description": "secret detail"}).to_string();
    let mut without_token = issued();
    without_token.as_object_mut().unwrap().remove("refresh_token");
    let mut endless = issued();
    endless["expires_in"] = json!(i64::MAX);
    for (status, body, expected) in [
        (400, refused("invalid_grant"), OAuthError::InvalidGrant),
        (401, refused("invalid_client"), OAuthError::InvalidClient),
        (400, refused("invalid_request"), OAuthError::Refused("invalid_request".into())),
        (400, refused("on_strike"), OAuthError::Refused("on_strike".into())),
        (400, "<html>".into(), OAuthError::Malformed),
        (403, String::new(), OAuthError::Malformed),
        (200, without_token.to_string(), OAuthError::Malformed),
        (200, endless.to_string(), OAuthError::Malformed),
        (200, "<html>".into(), OAuthError::Malformed),
        (200, String::new(), OAuthError::Malformed),
        (429, String::new(), OAuthError::Ambiguous("HTTP status 429 Too Many Requests".into())),
        (503, refused("invalid_grant"), OAuthError::Ambiguous("HTTP status 503 Service Unavailable".into())),
    ] {
        let server = Server::answering([(StatusCode::from_u16(status).unwrap(), body)]).await;
        assert_eq!(oauth(&server).refresh(&"refresh-2".into(), now()).await.unwrap_err(), expected);
    }
}

#[tokio::test]
async fn the_engine_learns_what_it_has_to_do() {
    let refused = |error| axum::Json(json!({"error": error}));
    let server = Server::answering([
        (StatusCode::BAD_REQUEST, refused("invalid_grant")),
        (StatusCode::UNAUTHORIZED, refused("invalid_client")),
        (StatusCode::BAD_GATEWAY, refused("")),
        (StatusCode::OK, axum::Json(issued())),
    ])
    .await;
    let oauth = oauth(&server);
    let server: &dyn TokenServer = &oauth;
    let old = TokenPair {
        access_token: "access-1".into(),
        access_expires_at: now(),
        refresh_token: "refresh-1".into(),
        refresh_expires_at: now(),
        hard_expires_at: None,
    };
    assert!(matches!(server.refresh(&old, now()).await, Err(RefreshError::Dead)));
    assert!(matches!(server.refresh(&old, now()).await, Err(RefreshError::Client)));
    assert!(matches!(server.refresh(&old, now()).await, Err(RefreshError::Unknown(_))));
    let pair = server.refresh(&old, now()).await.unwrap();
    assert_eq!(pair.refresh_token.expose_secret(), "refresh-2");
}

#[tokio::test]
async fn tokens_are_given_up() {
    let server = Server::answering([StatusCode::OK, StatusCode::BAD_REQUEST, StatusCode::UNAUTHORIZED]).await;
    let oauth = oauth(&server);
    oauth.revoke(&"refresh-2".into()).await.unwrap();
    assert!(matches!(oauth.revoke(&"refresh-2".into()).await, Err(OAuthError::Refused(_))));
    assert_eq!(oauth.revoke(&"refresh-2".into()).await, Err(OAuthError::InvalidClient));
    insta::assert_snapshot!(server.requests().split("\n---\n").next().unwrap());
}

#[tokio::test]
async fn nothing_secret_is_shown() {
    let server = Server::with(200, json!({"access_token": "access-9", "expires_in": "never"})).await;
    let oauth = oauth(&server);
    let error = oauth.refresh(&"refresh-2".into(), now()).await.unwrap_err();
    let text = format!("{oauth:?} {error:?} {error}");
    for secret in ["the-secret", "access-9", "refresh-2"] {
        assert!(!text.contains(secret), "{text}");
    }
}
