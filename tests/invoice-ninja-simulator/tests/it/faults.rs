use invoice_ninja_simulator::server::{CallKind, Effect, ErrorBody, Fault};
use jiff::SignedDuration;

use crate::{set_up, status, until};

const HOUR: u64 = 3_600_000;

#[tokio::test]
async fn a_lost_request_changes_nothing_and_a_lost_response_leaves_the_record_behind() {
    let setup = set_up().await;
    setup.simulator.add_fault(Fault::once(Effect::LoseRequest));
    assert!(setup.create_client("Lost").send().await.is_err());
    assert_eq!(setup.clients_named("Lost"), 0);
    setup.simulator.add_fault(Fault::once(Effect::LoseResponse).on(CallKind::Create));
    assert!(setup.create_client("Ambiguous").send().await.is_err());
    assert_eq!(setup.clients_named("Ambiguous"), 1);
    let calls = setup.simulator.calls();
    assert_eq!((calls[0].status, calls[1].status, calls[1].response_lost), (None, Some(200), true));
    assert_eq!(status(setup.create_client("Fine")).await, 200, "only once");
}

#[tokio::test]
async fn who_gives_up_on_a_slow_answer_leaves_the_record_behind() {
    let setup = set_up().await;
    setup.simulator.add_fault(Fault::once(Effect::DelayResponse { milliseconds: HOUR }));
    let request = tokio::spawn(setup.create_client("Ambiguous").send());
    until(|| setup.simulator.calls().len() == 1).await;
    request.abort();
    assert_eq!(setup.clients_named("Ambiguous"), 1);
}

#[tokio::test]
async fn who_gives_up_on_a_slow_request_has_changed_nothing() {
    let setup = set_up().await;
    setup.simulator.add_fault(Fault::once(Effect::DelayRequest { milliseconds: HOUR }));
    let request = tokio::spawn(setup.create_client("Given up").send());
    until(|| setup.simulator.faults().is_empty()).await;
    request.abort();
    until(|| setup.simulator.calls().len() == 1).await;
    assert_eq!(setup.simulator.calls()[0].status, None);
    assert_eq!(setup.clients_named("Given up"), 0);
}

#[tokio::test]
async fn any_status_comes_with_every_kind_of_body() {
    let setup = set_up().await;
    for (body, part) in
        [(ErrorBody::Json, "Server Error"), (ErrorBody::Html, "<h1>503"), (ErrorBody::Empty, "")]
    {
        setup.simulator.add_fault(Fault::once(Effect::Fail { status: 503, body }).at("/clients"));
        assert_eq!(status(setup.get("ping")).await, 200, "another path is spared");
        let response = setup.create_client("Not made").send().await.unwrap();
        assert_eq!(response.status(), 503);
        let text = response.text().await.unwrap();
        assert!(text.contains(part) && text.is_empty() == part.is_empty(), "{text}");
    }
    assert_eq!(setup.clients_named("Not made"), 0);
}

#[tokio::test]
async fn a_throttle_lasts_by_the_clock_and_strikes_after_as_many_as_it_says() {
    let setup = set_up().await;
    let throttle = Fault::once(Effect::Throttle);
    setup.simulator.add_fault(Fault { count: None, seconds: Some(60), after: 1, ..throttle });
    assert_eq!(status(setup.get("ping")).await, 200);
    let response = setup.get("ping").send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.headers()["retry-after"].to_str().unwrap()), (429, "1"));
    setup.simulator.advance_clock(SignedDuration::from_mins(1)).unwrap();
    assert_eq!(status(setup.get("ping")).await, 200);
}
