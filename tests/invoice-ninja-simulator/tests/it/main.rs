//! The simulator over HTTP, as its clients meet it.

#![expect(clippy::unwrap_used, reason = "the tests' own helpers may fail like the tests")]

mod api;
mod control;
mod faults;
mod pages;
mod webhooks;

use invoice_ninja_simulator::company::Kind;
use invoice_ninja_simulator::server::{Options, Simulator, start};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};

/// A simulator, and a client of its first company.
struct Setup {
    simulator: Simulator,
    http: Client,
}

async fn set_up() -> Setup {
    let simulator = start(Options::default()).await.unwrap();
    let http = Client::builder().redirect(Policy::none()).no_proxy().build().unwrap();
    Setup { simulator, http }
}

impl Setup {
    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.simulator.url())
    }

    fn with_headers(&self, request: RequestBuilder) -> RequestBuilder {
        let request = request.header("x-api-token", "TOKEN").header("x-requested-with", "XMLHttpRequest");
        request.header("accept", "application/json")
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.with_headers(self.http.get(self.url(&format!("/api/v1/{path}"))))
    }

    fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.with_headers(self.http.post(self.url(&format!("/api/v1/{path}")))).json(body)
    }

    fn create_client(&self, name: &str) -> RequestBuilder {
        self.post("clients", &json!({"name": name}))
    }

    /// How many clients have this name.
    fn clients_named(&self, name: &str) -> usize {
        self.records(Kind::Client).iter().filter(|client| client["name"] == name).count()
    }

    fn records(&self, kind: Kind) -> Vec<Value> {
        self.simulator.with_company(0, |company, _| company.records(kind)).unwrap()
    }

    async fn control(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let url = self.url(&format!("/simulator/{path}"));
        let request = self.http.request(method.parse().unwrap(), url);
        let request = if body.is_null() { request } else { request.json(&body) };
        let response = request.send().await.unwrap();
        (
            response.status().as_u16(),
            serde_json::from_str(&response.text().await.unwrap()).unwrap_or_default(),
        )
    }
}

async fn status(request: RequestBuilder) -> u16 {
    request.send().await.unwrap().status().as_u16()
}

async fn json_of(response: Response) -> Value {
    serde_json::from_str(&response.text().await.unwrap()).unwrap()
}

/// Returns once this holds.
async fn until(holds: impl Fn() -> bool) {
    while !holds() {
        tokio::task::yield_now().await;
    }
}
