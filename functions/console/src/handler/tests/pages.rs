//! The pages: activity, settings, import.

use super::*;

#[tokio::test]
async fn a_failure_is_retried_or_ignored_with_a_reason() {
    let world = World::inside("acme").await;
    for event in ["e-1", "e-2", "e-3"] {
        world.happened("acme", event, event, parked()).await;
    }
    let page = world.get("/console/activity").await.text;
    assert!(page.contains("Rename one of the two.") && page.contains("The name is taken"), "{page}");
    let retried = world.post("/console/activity/retry", "event=e-1").await;
    assert_eq!((retried.status, retried.header("location")), (303, "/console/activity?said=retried-1"));
    assert_eq!(world.pushes.bodies(), [r#"{"id":"e-1"}"#]);
    assert!(world.get(retried.header("location")).await.text.contains("1 event put back on the queue"));
    world.post("/console/activity/ignore", "event=e-2&reason=").await;
    assert_eq!(world.history.parked(&id("acme")).await.unwrap().len(), 3, "a reason is needed");
    world.post("/console/activity/ignore", "event=e-2&reason=A+test+client").await;
    assert_eq!(world.history.parked(&id("acme")).await.unwrap().len(), 2);
    assert!(world.get("/console/activity").await.text.contains("Reason: A test client"));
    world.later(1);
    let all = world.post("/console/activity/retry", "cause=name_taken").await;
    assert_eq!(all.header("location"), "/console/activity?said=retried-2");
    world.post("/console/activity/retry", "").await;
    assert_eq!(world.pushes.bodies().len(), 2, "never everything by mistake");
}

#[tokio::test]
async fn settings_are_saved_whole_or_not_at_all() {
    let world = World::inside("acme").await;
    let good =
        "client=bidirectional&product=push&invoice=push&payment=none&cut_off=2026-01-31&create_clients=on";
    assert_eq!(
        world.post("/console/settings", good).await.header("location"),
        "/console/settings?said=saved"
    );
    let settings = world.companies.load(&id("acme")).await.unwrap().unwrap().settings;
    assert_eq!(settings.directions.client, Direction::Bidirectional);
    assert_eq!(settings.cut_off, Some("2026-01-31".parse().unwrap()));
    assert!(settings.create_clients && !settings.create_products);
    for (bad, problem) in [
        ("client=sideways&product=push&invoice=push&payment=none", "the direction of clients is missing"),
        (&good.replace("2026-01-31", "soon"), "the cut-off date is no date"),
        (&format!("{good}&income_account=1"), "before the company is connected"),
    ] {
        let got = world.post("/console/settings", bad).await;
        assert!(got.status == 422 && got.text.contains(problem), "{bad}: {} {}", got.status, got.text);
    }
    assert_eq!(world.companies.load(&id("acme")).await.unwrap().unwrap().settings, settings);
}

/// The first page has to come in one round trip and be small: its style is in it, its script may come later.
#[tokio::test]
async fn the_first_page_is_small_and_whole() {
    let world = World::inside("acme").await;
    for number in 0..60 {
        world.happened("acme", &format!("e-{number}"), "Blue Fern Cafe", parked()).await;
    }
    let page = world.get("/console").await.text;
    let mut size = page.len();
    for script in crate::asset::Asset::ALL {
        assert!(page.contains(script.address()));
        let script = world.get(script.address()).await;
        assert!(script.header("cache-control").contains("immutable"));
        size += script.text.len();
    }
    assert!(size < 100_000, "{size}");
    assert!(page.contains("<style>") && !page.contains("rel=\"stylesheet\""));
    let busy = world.get("/console/activity").await.text;
    assert!(busy.len() < 100_000, "{}", busy.len());
}

/// R25: what is picked is brought, after a preview; a job is followed and cancelled.
#[tokio::test]
async fn an_import_is_previewed_begun_followed_and_cancelled() {
    let world = World::inside("acme").await;
    world.connect("acme", "1", &[]).await;
    let silent = world.get("/console/import").await.text;
    assert!(silent.contains("only sends events"), "{silent}");
    let nothing = world.post("/console/import", "purpose=preview").await;
    assert!(nothing.status == 422 && nothing.text.contains("pick at least one"), "{}", nothing.text);
    let begun = world.post("/console/import", "kind=client&kind=product&purpose=preview").await;
    let address = begun.header("location").to_owned();
    assert!(address.starts_with("/console/import/"), "{address}");
    let job = world.get(&address).await.text;
    assert!(
        job.contains("What would be done") && job.contains("<progress") && !job.contains("Payments</th>"),
        "{job}"
    );
    let again = world.post("/console/import", "kind=client&purpose=run").await;
    assert_eq!(again.header("location"), address, "one at a time");
    assert_eq!(world.get(&format!("{address}/client")).await.status, 200);
    world.enter("globex").await;
    for part in ["", "/progress", "/client"] {
        assert_eq!(world.get(&format!("{address}{part}")).await.status, 404, "another company's");
    }
    assert_eq!(world.post(&format!("{address}/cancel"), "").await.status, 404);
    world.enter("acme").await;
    assert!(world.get(&format!("{address}/progress")).await.text.contains("Running"));
    world.post(&format!("{address}/cancel"), "").await;
    let ended = world.get(&format!("{address}/progress")).await.text;
    assert!(ended.contains("Cancelled") && !ended.contains("hx-get"), "{ended}");
}
