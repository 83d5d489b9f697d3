use quickbooks_simulator::server::Credentials;
use serde_json::{Value, json};

use crate::{Setup, json_of, set_up, status};

impl Setup {
    async fn control(&self, method: reqwest::Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let request = self.http.request(method, self.url(&format!("/simulator/{path}")));
        let request = match &body {
            Some(body) => request.json(body),
            None => request,
        };
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    async fn look(&self, path: &str) -> Value {
        self.control(reqwest::Method::GET, path, None).await.1
    }

    async fn tell(&self, path: &str, body: Value) -> (u16, Value) {
        self.control(reqwest::Method::POST, path, Some(body)).await
    }
}

#[tokio::test]
async fn tools_get_tokens_of_the_company_they_name_or_of_the_first() {
    let setup = set_up().await;
    for (body, realm) in
        [(json!({}), "9341450000000001"), (json!({"realm": "9341450000000003"}), "9341450000000003")]
    {
        let credentials: Credentials = serde_json::from_value(setup.tell("tokens", body).await.1).unwrap();
        assert_eq!(credentials.realm, realm);
        let url = setup.url(&format!("/v3/company/{realm}/companyinfo/{realm}"));
        let request = setup.http.get(url).bearer_auth(credentials.access_token);
        assert_eq!(status(request.header("accept", "application/json")).await, 200);
    }
    assert_eq!(status(setup.http.post(setup.url("/simulator/tokens"))).await, 200, "without a body too");
    assert_eq!(setup.tell("tokens", json!({"realm": "1"})).await.0, 404);
    assert_eq!(setup.tell("tokens/expire", json!({"realm": setup.realm()})).await.0, 204);
    assert_eq!(status(setup.get("companyinfo/9341450000000001")).await, 401);
}

#[tokio::test]
async fn a_company_is_added() {
    let setup = set_up().await;
    let new = json!({"seed": "Empty", "realm": "77"});
    assert_eq!(setup.tell("companies", new.clone()).await.0, 201);
    assert_eq!(setup.tell("companies", new).await.0, 409);
    assert_eq!(setup.tell("tokens", json!({"realm": "77"})).await.1["realm"], "77");
    let companies = setup.look("companies").await;
    let added = companies.as_array().unwrap().iter().find(|company| company["realm"] == "77").unwrap();
    assert_eq!(added["country"], "US");
}

#[tokio::test]
async fn switches_are_changed_one_by_one_and_misspelled_ones_refused() {
    let setup = set_up().await;
    let (status, switches) = setup.tell("switches", json!({"limits": {"per_second": 5}})).await;
    assert_eq!((status, &switches["limits"]["per_second"]), (200, &json!(5)));
    assert_eq!(switches["limits"]["per_minute"], Value::Null, "as this test's set-up has it");
    assert_eq!(setup.tell("switches", json!({"limit": {}})).await.0, 400);
    assert_eq!(setup.look("switches").await, switches);

    let path = format!("switches/{}", setup.realm());
    assert_eq!(setup.tell(&path, json!({"subscription_ended": true})).await.0, 200);
    assert_eq!(setup.look(&path).await["subscription_ended"], true);
    assert_eq!(setup.tell(&path, json!({"subscription_over": true})).await.0, 400);
    assert_eq!(setup.tell("switches/1", json!({})).await.0, 404);
}

#[tokio::test]
async fn the_clock_is_set_and_advanced() {
    let setup = set_up().await;
    let (_, clock) = setup.tell("clock", json!({"now": "2030-01-01T00:00:00Z"})).await;
    assert!(clock["now"].as_str().unwrap().starts_with("2030-01-01T00:00:"), "{clock}");
    let (_, clock) = setup.tell("clock", json!({"advance_seconds": 86_400})).await;
    assert!(clock["now"].as_str().unwrap().starts_with("2030-01-02T00:00:"), "{clock}");
    assert_eq!(setup.tell("clock", json!({"advance_seconds": i64::MAX})).await.0, 400);
}

#[tokio::test]
async fn faults_are_put_in_force_and_taken_back() {
    let setup = set_up().await;
    let fault = json!({"effect": {"delay_request": {"milliseconds": 1}}, "path": "/item"});
    let id = setup.tell("faults", fault).await.1["id"].clone();
    assert_eq!(setup.tell("faults", json!({"effect": "lose_response", "count": 1})).await.0, 201);
    assert_eq!(setup.tell("faults", json!({"effect": "lose_everything"})).await.0, 422);
    assert_eq!(setup.look("faults").await.as_array().unwrap().len(), 2);
    setup.control(reqwest::Method::DELETE, &format!("faults/{id}"), None).await;
    let left = setup.look("faults").await;
    assert_eq!((left.as_array().unwrap().len(), &left[0]["fault"]["effect"]), (1, &json!("lose_response")));
    setup.control(reqwest::Method::DELETE, "faults", None).await;
    assert_eq!(setup.look("faults").await, json!([]));
}

#[tokio::test]
async fn calls_are_listed_and_counted() {
    let setup = set_up().await;
    assert_eq!(status(setup.create_customer("Counted")).await, 200);
    let calls = setup.look(&format!("calls?realm={}", setup.realm())).await;
    assert_eq!(calls["counters"]["by_kind"], json!({"create": 1}));
    assert_eq!(calls["counters"]["by_status"], json!({"200": 1}));
    let call = &calls["calls"][0];
    assert_eq!((&call["method"], &call["status"]), (&json!("POST"), &json!(200)));
    assert!(call["path"].as_str().unwrap().ends_with("/customer"));
    setup.control(reqwest::Method::DELETE, "calls", None).await;
    assert_eq!(setup.look("calls").await["counters"]["total"], 0);
}

#[tokio::test]
async fn a_bookkeeper_merges_customers_and_is_told_what_cannot_be() {
    let setup = set_up().await;
    let mut ids = Vec::new();
    for name in ["Winner", "Loser"] {
        let body = json_of(setup.create_customer(name).send().await.unwrap()).await;
        ids.push(body["Customer"]["Id"].as_str().unwrap().to_owned());
    }
    let path = format!("bookkeeper/{}", setup.realm());
    let merge = json!({"merge_customers": {"winner": ids[0], "loser": ids[1]}});
    assert_eq!(setup.tell(&path, merge.clone()).await.0, 204);
    assert_eq!((setup.customers_named("Winner"), setup.customers_named("Loser")), (1, 0));
    assert_eq!(setup.tell(&path, merge).await.0, 409);
    assert_eq!(setup.tell("bookkeeper/1", json!("enable_multicurrency")).await.0, 404);
}
