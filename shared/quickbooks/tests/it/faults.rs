//! What each way to fail means for the call.

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::IntoResponse;
use quickbooks::Client;
use quickbooks_wire::{Customer, Entity, Query};
use serde_json::{Value, json};
use sync::ids::RealmId;
use sync::ports::{CallError, QuickBooks};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use url::Url;

use crate::server::{ACCESS_TOKEN, REALM, Server, client_at, http, log, request_id};

async fn create(client: &Client) -> CallError {
    let customer = Customer { display_name: Some("Fern".into()), ..Customer::default() };
    client.create(&Entity::from(customer), &request_id()).await.unwrap_err()
}

fn fault(code: &str) -> Value {
    json!({"Fault": {"Error": [{"Message": "No", "Detail": "No, because", "code": code}], "type": "ValidationFault"}})
}

/// One line for each error, as a person would read it in a log.
async fn meanings(answers: Vec<(u16, String)>) -> String {
    let mut lines = Vec::new();
    for (status, body) in answers {
        let server = Server::answering([(StatusCode::from_u16(status).unwrap(), body)]).await;
        let error = create(&server.client()).await;
        let kind = format!("{error:?}").chars().take_while(|c| c.is_alphabetic()).collect::<String>();
        lines.push(format!("{status} {kind}: {error}"));
    }
    lines.join("\n")
}

#[tokio::test]
async fn answers_are_classified_by_what_is_known_of_their_effect() {
    let gateway = json!({"fault": {"error": [{"message": "message=AuthenticationFailed; errorCode=003200; statusCode=401",
        "detail": "Token expired: secret-access-token", "code": "3200"}], "type": "AUTHENTICATION"}, "time": 1});
    let xml = r#"<IntuitResponse><Fault type="SERVICE"><Error code="3001"><Message>message=ThrottleExceeded</Message></Error></Fault></IntuitResponse>"#;
    let throttle = json!({"fault": {"error": [{"message": "message=ThrottleExceeded; errorCode=003001; statusCode=429",
        "detail": null, "code": "3001"}], "type": "SERVICE"}, "time": 1});
    let quota = json!({"Fault": {"Error": [{"Message": "Monthly Quota exceeded", "code": "3001"}], "type": "SERVICE"}});
    let gateway_broke = json!({"fault": {"error": [{"message": "message=InternalServerError; errorCode=000500; statusCode=500",
        "code": "500"}], "type": "SERVICE"}, "time": 1});
    let xml_broke = r#"<IntuitResponse><Fault type="SystemFault"><Error code="10000"><Message>An application error has occurred</Message></Error></Fault></IntuitResponse>"#;
    insta::assert_snapshot!(
        meanings(vec![
            (400, fault("5010").to_string()),
            (400, fault("3100").to_string()),
            (400, "<html>Bad request</html>".into()),
            (401, gateway.to_string()),
            (401, fault("120").to_string()),
            (401, String::new()),
            (403, fault("3100").to_string()),
            (403, xml.into()),
            (404, "<html><body>Not here</body></html>".into()),
            (408, String::new()),
            (403, fault("6190").to_string()),
            (403, String::new()),
            (403, "<html>Your app has used up its quota</html>".into()),
            (429, xml.into()),
            (429, String::new()),
            (429, throttle.to_string()),
            (429, "<html><title>Too Many Requests</title></html>".into()),
            (429, quota.to_string()),
            (302, String::new()),
            (500, fault("10000").to_string()),
            (500, gateway_broke.to_string()),
            (502, String::new()),
            (503, "<html><title>Service Unavailable</title></html>".into()),
            (504, xml_broke.into()),
            (200, fault("6000").to_string()),
            (200, gateway.to_string()),
            (200, fault("3001").to_string()),
            (200, json!({"time": "x"}).to_string()),
            (200, json!({"Customer": {"Id": 5}}).to_string()),
            (200, "<html>Welcome</html>".into()),
            (200, String::new()),
        ])
        .await
    );
}

#[tokio::test]
async fn a_throttle_may_say_how_long() {
    for (header, expected) in [("7", Some(Duration::from_secs(7))), ("Wed, 21 Oct 2026 07:28:00 GMT", None)] {
        let answer = (StatusCode::TOO_MANY_REQUESTS, [("retry-after", header)]).into_response();
        let server = Server::answering([answer]).await;
        let CallError::Throttled { retry_after } = create(&server.client()).await else {
            panic!("not throttled")
        };
        assert_eq!(retry_after, expected);
    }
}

#[tokio::test]
async fn a_used_up_quota_is_looked_at_again_in_a_quarter_of_an_hour() {
    let answer =
        (StatusCode::FORBIDDEN, [("retry-after", "7")], "Quota of the month exceeded").into_response();
    let server = Server::answering([answer]).await;
    let error = create(&server.client()).await;
    let wait = Duration::from_secs(15 * 60);
    assert!(matches!(error, CallError::Throttled { retry_after: Some(after) } if after == wait), "{error:?}");
}

#[tokio::test]
async fn a_refusal_in_a_batch_of_queries_refuses_them() {
    let body = json!({"BatchItemResponse": [{"bId": "0", "QueryResponse": {}},
        {"bId": "1", "Fault": {"Error": [{"Message": "Invalid query", "code": "4001"}]}}]});
    let server = Server::with(200, body).await;
    let error = server.client().query(&[Query::from("Customer"), Query::from("Item")]).await.unwrap_err();
    assert!(matches!(error, CallError::Refused(fault) if fault.has_code("4001")));
}

#[tokio::test]
async fn nobody_there_means_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = address_of(&listener);
    drop(listener);
    let error = create(&client_at(&address)).await;
    assert!(matches!(error, CallError::NotSent(_)), "{error}");
}

#[tokio::test]
async fn a_connection_lost_before_or_within_the_answer_leaves_the_outcome_unknown() {
    for answer in ["", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"Customer\""] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = client_at(&address_of(&listener));
        tokio::spawn(async move {
            let (mut connection, _) = listener.accept().await.unwrap();
            let received = connection.read(&mut [0; 4096]).await.unwrap();
            assert_ne!(received, 0);
            connection.write_all(answer.as_bytes()).await.unwrap();
        });
        let error = create(&client).await;
        assert!(matches!(error, CallError::Unknown(_)), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_in_time_leaves_the_outcome_unknown() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let realm = RealmId::new(REALM).unwrap();
    let client =
        Client::new(http(Duration::from_millis(100)), &address_of(&listener), realm, ACCESS_TOKEN.into());
    let error = create(&client).await;
    assert!(matches!(&error, CallError::Unknown(reason) if reason.contains("timed out")), "{error}");
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let server = Server::answering([vec![b' '; 33 * 1024 * 1024]]).await;
    let error = create(&server.client()).await;
    assert!(matches!(&error, CallError::Unknown(reason) if reason.contains("longer than")), "{error}");
}

fn address_of(listener: &TcpListener) -> Url {
    Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap()
}

#[tokio::test]
async fn the_log_tells_intuits_id_of_a_call_and_nothing_secret() {
    let answer =
        (StatusCode::UNAUTHORIZED, [("intuit_tid", "1-5f73-25dc")], "Token expired: secret-access-token");
    let server = Server::answering([answer]).await;
    let client = server.client();
    let error = create(&client).await;
    let log = log();
    assert!(
        log.contains("Intuit answered create with 401") && log.contains(r#"intuit.tid="1-5f73-25dc""#),
        "{log}"
    );
    for text in [log, format!("{client:?}"), format!("{error:?} {error}")] {
        assert!(!text.contains(ACCESS_TOKEN) && !text.contains("Fern"), "{text}");
    }
}
