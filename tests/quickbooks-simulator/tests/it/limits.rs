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
