use jiff::SignedDuration;
use quickbooks_simulator::server::{CallKind, Options};
use serde_json::Value;

use crate::{Setup, json_of, set_up, set_up_with, status};

#[tokio::test]
async fn companies_tokens_and_counters_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let state_file = Some(folder.path().join("state.json"));
    let options = Options { state_file, ..Options::default() };
    let before = set_up_with(options.clone()).await;
    assert_eq!(status(before.create_customer("Kept")).await, 200);
    before.simulator.advance_clock(SignedDuration::from_mins(30)).unwrap();
    let credentials = before.credentials.clone();
    let then = before.simulator.now();
    drop(before);

    let after = set_up_with(options.clone()).await;
    let after = Setup { credentials, ..after };
    assert_eq!(after.customers_named("Kept"), 1);
    assert_eq!(after.simulator.calls(None).of(CallKind::Create), 1);
    assert!(after.simulator.now() > then, "the clock kept its offset");
    assert_eq!(status(after.create_customer("With the old token")).await, 200);
    after.simulator.stop().await.unwrap();

    let again = set_up_with(options).await;
    assert_eq!(again.customers_named("With the old token"), 1);
    let files = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name());
    assert_eq!(files.collect::<Vec<_>>(), ["state.json"]);
}

#[tokio::test]
async fn a_state_file_that_cannot_be_read_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    std::fs::write(&path, "not a state").unwrap();
    let options = Options { state_file: Some(path.clone()), ..Options::default() };
    assert!(quickbooks_simulator::server::start(options).await.is_err());
    assert_eq!(std::fs::read_to_string(path).unwrap(), "not a state");
}

#[tokio::test]
async fn the_state_can_be_taken_and_put_back() {
    let setup = set_up().await;
    assert_eq!(status(setup.create_customer("Before")).await, 200);
    let url = setup.url("/simulator/state");
    let state: Value = json_of(setup.http.get(&url).send().await.unwrap()).await;
    assert_eq!(status(setup.create_customer("After")).await, 200);
    assert_eq!(status(setup.http.put(&url).json(&state)).await, 204);
    assert_eq!((setup.customers_named("Before"), setup.customers_named("After")), (1, 0));
    assert_eq!(status(setup.get("companyinfo/9341450000000001")).await, 200, "the token was put back too");
}

#[tokio::test]
async fn a_reset_goes_back_to_the_beginning() {
    let setup = set_up().await;
    assert_eq!(status(setup.create_customer("Forgotten")).await, 200);
    setup.simulator.advance_clock(SignedDuration::from_hours(24)).unwrap();
    assert_eq!(status(setup.http.post(setup.url("/simulator/reset"))).await, 204);
    assert_eq!(setup.customers_named("Forgotten"), 0);
    assert_eq!(setup.simulator.calls(None).total, 0);
    assert_eq!(status(setup.get("companyinfo/9341450000000001")).await, 401, "tokens are gone");
}
