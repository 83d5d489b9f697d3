//! The JSON API beside the pages.

use http_api::Operation;

use super::*;

const KEY: &str = "cpk_of-acme";

impl World {
    async fn with_key() -> World {
        let world = World::new().await;
        let acme = world.companies.load(&id("acme")).await.unwrap().unwrap();
        let api_key = Some(sync::api_key::ApiKeyHash::of(&KEY.to_owned().into()));
        assert!(world.companies.save(&Company { api_key, version: 2, ..acme }).await.unwrap());
        world
    }

    async fn call(&self, method: Method, path: &str, body: &str) -> (u16, serde_json::Value) {
        let got = self.ask(method, path, body, &[("x-api-key", KEY)]).await;
        assert!(got.status == 204 || got.header("content-type").contains("json"), "{path}");
        (got.status, serde_json::from_str(&got.text).unwrap_or_default())
    }
}

/// Where an operation is for a company, and a good body for it.
fn call(operation: Operation, company: &str) -> (Method, String, &'static str) {
    let path = operation.path().replace("{company}", company);
    let path = path.replace("{kind}", "client").replace("{id}", "id-of-e-1").replace("{event}", "e-1");
    let body = match operation {
        Operation::Retry => r#"{"event":"e-1"}"#,
        Operation::Ignore => r#"{"cause":"name_taken","reason":"a test"}"#,
        _ => "",
    };
    (operation.address().0, path, body)
}

#[tokio::test]
async fn the_api_opens_with_the_companys_key_only() {
    let world = World::with_key().await;
    world.happened("globex", "e-1", "Their Secret Client", parked()).await;
    let before = (world.company("globex").await, world.company("acme").await);
    for operation in Operation::ALL {
        world.later(1);
        for company in ["globex", "nobody", "acme%2F..%2Fglobex"] {
            let (method, path, body) = call(operation, company);
            let (status, problem) = world.call(method, &path, body).await;
            assert_eq!((status, &problem["status"]), (401, &401.into()), "{path}: {problem}");
        }
        let (method, path, body) = call(operation, "acme");
        for wrong in [&[][..], &[("x-api-key", "cpk_wrong")], &[("authorization", "Basic Y3BrOng=")]] {
            assert_eq!(world.ask(method.clone(), &path, body, wrong).await.status, 401, "{path}");
        }
    }
    assert!(world.pushes.bodies().is_empty());
    assert_eq!(world.history.parked(&id("globex")).await.unwrap().len(), 1);
    assert_eq!((world.company("globex").await, world.company("acme").await), before);
    // They take the key away that the others come with.
    let last = [Operation::RotateApiKey, Operation::RevokeApiKey];
    for operation in Operation::ALL.into_iter().filter(|operation| !last.contains(operation)) {
        let (method, path, body) = call(operation, "acme");
        assert_ne!(world.call(method, &path, body).await.0, 401, "{path}: the right key");
    }
}

#[tokio::test]
async fn the_api_tells_how_things_stand_and_moves_them_on() {
    let world = World::with_key().await;
    world.happened("acme", "e-1", "Blue Fern", parked()).await;
    let (_, company) = world.call(Method::GET, "/companies/acme", "").await;
    assert_eq!(company["waiting"][0]["cause"], "name_taken");
    let (_, record) = world.call(Method::GET, "/companies/acme/records/client/id-of-e-1", "").await;
    assert_eq!(
        (&record["state"], &record["last"]["way_on"]),
        (&"waiting".into(), &"Rename one of the two.".into())
    );
    let (_, none) = world.call(Method::GET, "/companies/acme/records/client/x", "").await;
    assert_eq!(none["state"], "unlinked");
    let (_, page) = world.call(Method::GET, "/companies/acme/activity?text=fern", "").await;
    assert_eq!(page["entries"].as_array().unwrap().len(), 1);
    let (_, retried) = world.call(Method::POST, "/companies/acme/activity/retry", r#"{"event":"e-1"}"#).await;
    assert_eq!((retried["events"][0].as_str(), world.pushes.bodies().len()), (Some("e-1"), 1));
    let ignore = r#"{"event":"e-1","reason":"A test."}"#;
    let (_, ignored) = world.call(Method::POST, "/companies/acme/activity/ignore", ignore).await;
    assert_eq!(ignored["events"][0], "e-1");
    assert!(world.history.parked(&id("acme")).await.unwrap().is_empty());
    for (method, path, body) in [
        (Method::GET, "/companies/acme/activity?kind=vendor", ""),
        (Method::GET, "/companies/acme/activity?older=yesterday", ""),
        (Method::GET, "/companies/acme/records/vendor/1", ""),
        (Method::POST, "/companies/acme/activity/retry", "{}"),
        (Method::POST, "/companies/acme/activity/ignore", r#"{"event":"e-1","reason":" "}"#),
    ] {
        let (status, problem) = world.call(method, path, body).await;
        assert!(
            status == 400 && problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()),
            "{path}: {problem}"
        );
    }
}

#[tokio::test]
async fn a_key_is_rotated_and_revoked_and_asks_for_a_link() {
    let world = World::with_key().await;
    let (created, link) = world.call(Method::POST, "/companies/acme/console-links", "").await;
    let url = link["url"].as_str().unwrap();
    assert!(created == 201 && url.starts_with("https://api.example/console/enter?link="), "{link}");
    assert_eq!(world.get(url.trim_start_matches("https://api.example")).await.status, 303);
    assert_eq!(world.get("/console").await.status, 200);
    let (_, rotated) = world.call(Method::POST, "/companies/acme/api-key", "").await;
    assert_eq!(world.get("/console").await.status, 401, "whoever had the key may have opened it");
    assert_eq!(world.call(Method::GET, "/companies/acme", "").await.0, 401, "the old key");
    let key = rotated["key"].as_str().unwrap().to_owned();
    let with_new = [("authorization", format!("Bearer {key}"))];
    let headers: Vec<(&'static str, &str)> =
        with_new.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(world.ask(Method::GET, "/companies/acme", "", &headers).await.status, 200);
    assert_eq!(world.ask(Method::DELETE, "/companies/acme/api-key", "", &headers).await.status, 204);
    assert_eq!(world.ask(Method::GET, "/companies/acme", "", &headers).await.status, 401);
}
