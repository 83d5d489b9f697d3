use serde_json::json;

use crate::{json_of, set_up, status};

const ALL_ITEMS: &str = "query?query=select%20*%20from%20Item";

#[tokio::test]
async fn who_does_not_ask_for_json_gets_xml_and_nothing_is_done() {
    let setup = set_up().await;
    let request = setup.http.post(setup.company_url("customer")).json(&json!({"DisplayName": "In XML"}));
    let response = request.bearer_auth(&setup.credentials.access_token).send().await.unwrap();
    assert_eq!(response.status(), 406);
    assert!(response.text().await.unwrap().contains("<IntuitResponse"));
    assert_eq!(setup.customers_named("In XML"), 0);
}

#[tokio::test]
async fn a_body_beyond_all_measure_is_refused() {
    let setup = set_up().await;
    let body = vec![b' '; 17 * 1024 * 1024];
    let request = setup.post("customer", &json!({})).body(body);
    // The connection may break while the rest of the body is still being sent.
    if let Ok(response) = request.send().await {
        assert_eq!(response.status(), 413);
    }
    assert_eq!(setup.simulator.calls(None).total, 0);
}

#[tokio::test]
async fn answers_have_the_recorded_headers() {
    let setup = set_up().await;
    let success = setup.get(ALL_ITEMS).send().await.unwrap();
    assert_eq!(success.headers()["content-type"], "application/json;charset=utf-8");
    for name in
        ["intuit_tid", "qbo-version", "service-time", "x-spanid", "strict-transport-security", "expires"]
    {
        assert!(success.headers().contains_key(name), "{name}");
    }
    let failure = setup.get("customer/999999").send().await.unwrap();
    assert_eq!(failure.headers()["content-type"], "application/json");
    assert!(failure.headers().contains_key("intuit_tid"));
    assert!(!failure.headers().contains_key("qbo-version"));
}

#[tokio::test]
async fn answers_are_compressed_on_request() {
    let setup = set_up().await;
    let as_sent = reqwest::Client::builder().no_gzip().no_proxy().build().unwrap();
    let ask = |encoding: &'static str| {
        let request = as_sent.get(setup.company_url(ALL_ITEMS)).bearer_auth(&setup.credentials.access_token);
        request.header("accept", "application/json").header("accept-encoding", encoding).send()
    };
    let response = ask("gzip").await.unwrap();
    assert_eq!(response.headers()["content-encoding"], "gzip");
    assert_eq!(response.bytes().await.unwrap()[..2], [0x1f, 0x8b]);
    assert!(!ask("identity").await.unwrap().headers().contains_key("content-encoding"));
}

#[tokio::test]
async fn a_statement_may_be_posted() {
    let setup = set_up().await;
    assert_eq!(status(setup.create_customer("R & B + 100%")).await, 200);
    let statement = "select * from Customer where DisplayName = 'R & B + 100%'";
    let posted = setup.http.post(setup.company_url("query")).header("content-type", "application/text");
    let posted = posted.header("accept", "application/json").bearer_auth(&setup.credentials.access_token);
    let in_the_path = setup.http.get(setup.company_url("query")).query(&[("query", statement)]);
    let in_the_path =
        in_the_path.header("accept", "application/json").bearer_auth(&setup.credentials.access_token);
    for request in [posted.body(statement), in_the_path] {
        let found = json_of(request.send().await.unwrap()).await;
        assert_eq!(found["QueryResponse"]["Customer"][0]["DisplayName"], "R & B + 100%");
    }
}
