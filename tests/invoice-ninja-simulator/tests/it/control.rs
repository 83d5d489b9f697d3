use invoice_ninja_simulator::company::Kind;
use serde_json::{Value, json};

use crate::{set_up, status};

#[tokio::test]
async fn companies_are_listed_and_added() {
    let setup = set_up().await;
    let (code, added) = setup.control("POST", "companies", json!({"seed": "Empty", "token": "third"})).await;
    assert_eq!((code, added), (201, json!({"place": 2})));
    let (_, companies) = setup.control("GET", "companies", Value::Null).await;
    assert_eq!((&companies[0]["token"], &companies[2]["token"]), (&json!("TOKEN"), &json!("third")));
}

#[tokio::test]
async fn tokens_come_and_go() {
    let setup = set_up().await;
    let ping = |token: &'static str| setup.http.get(setup.url("/api/v1/ping")).header("x-api-token", token);
    assert_eq!(setup.control("POST", "companies/0/tokens", json!({"token": "more"})).await.0, 204);
    assert_eq!(status(ping("more")).await, 200);
    assert_eq!(setup.control("DELETE", "companies/0/tokens/more", Value::Null).await.0, 204);
    assert_eq!(status(ping("more")).await, 403);
}

#[tokio::test]
async fn the_clock_moves_and_switches_are_merged() {
    let setup = set_up().await;
    let (_, clock) = setup.control("POST", "clock", json!({"now": "2030-01-01T00:00:00Z"})).await;
    assert!(clock["now"].as_str().unwrap().starts_with("2030-01-01T00:00"));
    let (_, switches) =
        setup.control("POST", "companies/0/switches", json!({"requests_per_minute": 1})).await;
    assert_eq!((&switches["requests_per_minute"], &switches["repeat_window"]), (&json!(1), &json!(1000)));
    assert_eq!(setup.control("POST", "companies/0/switches", json!({"colour": 1})).await.0, 400);
    assert_eq!(status(setup.get("ping")).await, 200);
    assert_eq!(status(setup.get("ping")).await, 429);
    assert_eq!(setup.control("GET", "companies/9/switches", Value::Null).await.0, 404);
}

#[tokio::test]
async fn faults_are_set_and_removed_and_calls_are_seen() {
    let setup = set_up().await;
    let fault = json!({"effect": {"fail": {"status": 500, "body": "json"}}, "kind": "list"});
    let (code, made) = setup.control("POST", "faults", fault).await;
    assert_eq!(code, 201);
    assert_eq!(status(setup.get("clients")).await, 500);
    assert_eq!(setup.control("DELETE", &format!("faults/{}", made["id"]), Value::Null).await.0, 204);
    assert_eq!(status(setup.get("clients")).await, 200);
    let (_, calls) = setup.control("GET", "calls", Value::Null).await;
    assert_eq!((&calls[0]["status"], &calls[1]["path"]), (&json!(500), &json!("/api/v1/clients")));
}

#[tokio::test]
async fn a_state_is_put_back_and_reset_begins_anew() {
    let setup = set_up().await;
    let (_, before) = setup.control("GET", "state", Value::Null).await;
    assert_eq!(status(setup.create_client("New")).await, 200);
    assert_eq!(setup.control("PUT", "state", before).await.0, 204);
    assert_eq!(setup.clients_named("New"), 0);
    assert_eq!(setup.records(Kind::Client).len(), 4);
    assert_eq!(status(setup.create_client("New")).await, 200);
    assert_eq!(setup.control("POST", "reset", Value::Null).await.0, 204);
    assert_eq!(setup.clients_named("New"), 0);
}
