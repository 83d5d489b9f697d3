//! The simulator over HTTP, as its clients meet it.

#![expect(clippy::unwrap_used, reason = "the tests' own helpers may fail like the tests")]

mod accounting;
mod control;
mod faults;
mod limits;
mod oauth;
mod pages;
mod state;
mod webhooks;

use quickbooks_simulator::server::{Credentials, Limits, Options, Simulator, Switches, start};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};

/// A simulator without request limits, and a client of its first company.
struct Setup {
    simulator: Simulator,
    http: Client,
    credentials: Credentials,
}

async fn set_up() -> Setup {
    let switches = Switches { limits: Limits::NONE, refresh_takes: 0, ..Switches::default() };
    set_up_with(Options { switches, ..Options::default() }).await
}

async fn set_up_with(options: Options) -> Setup {
    let simulator = start(options).await.unwrap();
    let http = Client::builder().redirect(Policy::none()).no_proxy().build().unwrap();
    let credentials = simulator.connect(&simulator.realms()[0]).unwrap();
    Setup { simulator, http, credentials }
}

impl Setup {
    fn realm(&self) -> &str {
        &self.credentials.realm
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.simulator.url())
    }

    /// A path below the company's.
    fn company_url(&self, path: &str) -> String {
        self.url(&format!("/v3/company/{}/{path}", self.realm()))
    }

    fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        let request = self.http.post(self.company_url(path)).bearer_auth(&self.credentials.access_token);
        request.header("accept", "application/json").json(body)
    }

    fn get(&self, path: &str) -> RequestBuilder {
        let request = self.http.get(self.company_url(path)).bearer_auth(&self.credentials.access_token);
        request.header("accept", "application/json")
    }

    fn create_customer(&self, name: &str) -> RequestBuilder {
        self.post("customer", &json!({"DisplayName": name}))
    }

    /// How many customers have this name.
    fn customers_named(&self, name: &str) -> usize {
        let named = |company: &mut quickbooks_simulator::company::Company| {
            company.entities("Customer").iter().filter(|customer| customer["DisplayName"] == name).count()
        };
        self.simulator.with_company(self.realm(), named).unwrap()
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
