use quickbooks_simulator::server::{CallKind, Effect, ErrorBody, Fault};

use crate::{json_of, set_up, status, until};

#[tokio::test]
async fn a_lost_request_changes_nothing() {
    let setup = set_up().await;
    setup.simulator.add_fault(Fault::once(Effect::LoseRequest));
    assert!(setup.create_customer("Lost").send().await.is_err());
    assert_eq!(setup.customers_named("Lost"), 0);
    assert_eq!(setup.simulator.call_list(None)[0].status, None);
    assert_eq!(status(setup.create_customer("Lost")).await, 200, "only once");
}

#[tokio::test]
async fn a_lost_response_leaves_the_customer_behind() {
    let setup = set_up().await;
    setup.simulator.add_fault(Fault::once(Effect::LoseResponse).on(CallKind::Create));
    assert!(setup.create_customer("Ambiguous").send().await.is_err());
    assert_eq!(setup.customers_named("Ambiguous"), 1);
    let call = setup.simulator.call_list(None).remove(0);
    assert_eq!((call.status, call.response_lost), (Some(200), true));
    assert_eq!(status(setup.create_customer("Ambiguous")).await, 400, "the name is taken");
}

const HOUR: u64 = 3_600_000;

#[tokio::test]
async fn who_gives_up_on_a_slow_request_has_changed_nothing() {
    let setup = set_up().await;
    setup.simulator.add_fault(Fault::once(Effect::DelayRequest { milliseconds: HOUR }));
    let request = tokio::spawn(setup.create_customer("Given up").send());
    until(|| setup.simulator.faults().is_empty()).await;
    request.abort();
    until(|| setup.simulator.calls(None).total == 1).await;
    assert_eq!(setup.simulator.call_list(None)[0].status, None);
    assert_eq!(setup.customers_named("Given up"), 0);
}

#[tokio::test]
async fn who_gives_up_on_a_slow_answer_leaves_the_customer_behind() {
    let setup = set_up().await;
    setup.simulator.add_fault(Fault::once(Effect::DelayResponse { milliseconds: HOUR }));
    let request = tokio::spawn(setup.create_customer("Ambiguous").send());
    until(|| setup.simulator.calls(None).total == 1).await;
    assert!(!request.is_finished());
    request.abort();
    assert_eq!(setup.customers_named("Ambiguous"), 1);
}

#[tokio::test]
async fn server_errors_come_with_every_kind_of_body() {
    let setup = set_up().await;
    for (body, content_type, part) in [
        (ErrorBody::Json, Some("application/json"), r#""type":"SystemFault""#),
        (ErrorBody::Gateway, Some("application/json"), r#""fault":{"error""#),
        (ErrorBody::Html, Some("text/html"), "<h1>503 Service Unavailable</h1>"),
        (ErrorBody::Empty, None, ""),
    ] {
        setup.simulator.add_fault(Fault::once(Effect::ServerError { status: 503, body }));
        let response = setup.create_customer("Not created").send().await.unwrap();
        assert_eq!(response.status(), 503);
        let sent = response.headers().get("content-type").map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(sent.as_deref(), content_type);
        let text = response.text().await.unwrap();
        assert!(text.contains(part), "{text}");
        assert_eq!(text.is_empty(), part.is_empty());
    }
    assert_eq!(setup.customers_named("Not created"), 0);
}

#[tokio::test]
async fn the_token_endpoint_fails_too() {
    let setup = set_up().await;
    let effect = Effect::ServerError { status: 502, body: ErrorBody::Html };
    setup.simulator.add_fault(Fault::once(effect).on(CallKind::OAuth));
    assert_eq!(status(setup.create_customer("Spared")).await, 200);
    assert_eq!(status(setup.http.post(setup.url("/oauth2/v1/tokens/bearer"))).await, 502);
    assert_eq!(status(setup.http.post(setup.url("/oauth2/v1/tokens/bearer"))).await, 401);
}

#[tokio::test]
async fn a_token_expires_or_the_connection_is_revoked_under_way() {
    let setup = set_up().await;
    let refresh = || {
        let form = [("grant_type", "refresh_token"), ("refresh_token", &setup.credentials.refresh_token)];
        let request = setup.http.post(setup.url("/oauth2/v1/tokens/bearer")).form(&form);
        status(request.basic_auth(&setup.credentials.client_id, Some(&setup.credentials.client_secret)))
    };
    setup.simulator.add_fault(Fault::once(Effect::ExpireToken));
    assert_eq!(status(setup.create_customer("Not created")).await, 401);
    assert_eq!(status(setup.create_customer("Not created")).await, 401, "it stays expired");
    assert_eq!(refresh().await, 200);

    let connection = setup.simulator.connect(setup.realm()).unwrap();
    setup.simulator.add_fault(Fault::once(Effect::RevokeConnection));
    let request = setup.get("customer/1").bearer_auth(&connection.access_token);
    assert_eq!(status(request).await, 401);
    assert_eq!(refresh().await, 200, "the other connection lives");
}

#[tokio::test]
async fn a_suspended_subscription_is_refused() {
    let setup = set_up().await;
    setup.simulator.add_fault(Fault::once(Effect::SuspendSubscription));
    let response = setup.create_customer("Not created").send().await.unwrap();
    assert_eq!(response.status(), 403);
    assert_eq!(json_of(response).await["Fault"]["Error"][0]["code"], "6190");
}

#[tokio::test]
async fn a_throttle_lasts_by_the_clock() {
    let setup = set_up().await;
    setup.simulator.add_fault(Fault { count: None, seconds: Some(60), ..Fault::once(Effect::Throttle) });
    assert_eq!(status(setup.create_customer("Late")).await, 429);
    assert_eq!(status(setup.create_customer("Late")).await, 429);
    setup.simulator.advance_clock(jiff::SignedDuration::from_mins(1)).unwrap();
    assert_eq!(status(setup.create_customer("Late")).await, 200);
}
