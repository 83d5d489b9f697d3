use quickbooks_simulator::server::{CallKind, Counters, Limits, Options, Switches, ThrottleFormat};
use serde_json::json;

use crate::{json_of, set_up, set_up_with, status};

const ALL_ITEMS: &str = "query?query=select%20*%20from%20Item";

#[tokio::test]
async fn calls_above_the_limit_are_refused_until_the_window_has_passed() {
    let limits = Limits { per_minute: Some(3), ..Limits::NONE };
    let switches = Switches { limits, ..Switches::default() };
    let setup = set_up_with(Options { switches, ..Options::default() }).await;
    for _ in 0..3 {
        assert_eq!(status(setup.get(ALL_ITEMS)).await, 200);
    }
    let refused = setup.create_customer("Not created").send().await.unwrap();
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["content-type"], "application/json");
    let error = &json_of(refused).await["fault"]["error"][0];
    assert_eq!(error["code"], "3001");
    assert_eq!(error["message"], "message=ThrottleExceeded; errorCode=003001; statusCode=429");
    assert_eq!(setup.customers_named("Not created"), 0);

    setup.simulator.set_switches(|switches| switches.throttle_format = ThrottleFormat::Xml);
    let refused = setup.get(ALL_ITEMS).send().await.unwrap();
    assert_eq!(refused.status(), 429);
    let xml = refused.text().await.unwrap();
    assert!(xml.contains(r#"<Fault type="SERVICE"><Error code="3001">"#), "{xml}");

    setup.simulator.advance_clock(jiff::SignedDuration::from_mins(1)).unwrap();
    assert_eq!(status(setup.get(ALL_ITEMS)).await, 200);
}

#[tokio::test]
async fn companies_have_limits_of_their_own() {
    let limits = Limits { per_minute: Some(1), ..Limits::NONE };
    let switches = Switches { limits, ..Switches::default() };
    let setup = set_up_with(Options { switches, ..Options::default() }).await;
    assert_eq!(status(setup.get(ALL_ITEMS)).await, 200);
    assert_eq!(status(setup.get(ALL_ITEMS)).await, 429);
    let other = setup.simulator.connect("9341450000000002").unwrap();
    let url = setup.url(&format!("/v3/company/{}/{ALL_ITEMS}", other.realm));
    let request = setup.http.get(url).bearer_auth(other.access_token).header("accept", "application/json");
    assert_eq!(status(request).await, 200);
}

#[tokio::test]
async fn reads_are_metered_and_writes_are_free() {
    let setup = set_up().await;
    let batch = json!({"BatchItemRequest": [{"bId": "1", "Query": "select * from Item"}]});
    assert_eq!(status(setup.create_customer("Counted")).await, 200);
    assert_eq!(status(setup.create_customer("Counted")).await, 400);
    assert_eq!(status(setup.get(ALL_ITEMS)).await, 200);
    assert_eq!(status(setup.get("customer/999999")).await, 400);
    assert_eq!(status(setup.post("batch", &batch)).await, 200);

    let counters = setup.simulator.calls(Some(setup.realm()));
    assert_eq!((counters.total, counters.metered, counters.free), (5, 2, 3));
    assert_eq!(counters.of(CallKind::Create), 2);
    assert_eq!(counters.of(CallKind::Batch), 1);
    assert_eq!(counters.by_status[&400], 2);
    assert_eq!(setup.simulator.calls(Some("9341450000000002")), Counters::default());
    let metered = setup.simulator.call_list(None).into_iter().filter(|call| call.metered);
    assert_eq!(metered.map(|call| call.kind).collect::<Vec<_>>(), [CallKind::Query, CallKind::Batch]);

    setup.simulator.forget_calls();
    assert_eq!(setup.simulator.calls(None), Counters::default());
}

#[tokio::test]
async fn an_exhausted_quota_blocks_metered_calls_only() {
    let setup = set_up().await;
    setup.simulator.set_switches(|switches| switches.builder_quota_exhausted = true);
    assert_eq!(status(setup.get(ALL_ITEMS)).await, 429);
    assert_eq!(status(setup.post("batch", &json!({"BatchItemRequest": []}))).await, 429);
    assert_eq!(status(setup.create_customer("Free of charge")).await, 200);
    assert_eq!(setup.simulator.calls(None).metered, 0);
}

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
    let compressed = |encoding: &'static str| {
        // Named by hand, so that the client leaves the body and its headers as they are.
        setup.get(ALL_ITEMS).header("accept-encoding", encoding).send()
    };
    let response = compressed("gzip").await.unwrap();
    assert_eq!(response.headers()["content-encoding"], "gzip");
    assert_eq!(response.bytes().await.unwrap()[..2], [0x1f, 0x8b]);
    assert!(!compressed("identity").await.unwrap().headers().contains_key("content-encoding"));
}
