//! A tenant that bills with an Invoice Ninja of its own.

use std::time::Instant;

use anyhow::{Context, bail, ensure};
use invoice_ninja_simulator::company::Seed;
use invoice_ninja_simulator::server::{Options, Simulator, start};
use local::Message;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use sync::activity::Activity;
use tokio::time::sleep;
use transport::Reach;
use uuid::Uuid;

use crate::world::{GLANCE, PATIENCE, Tenant};

/// The header that carries the secret, as the app was told.
const SECRET_HEADER: &str = "X-Counterpart-Secret";

/// An Invoice Ninja of the tenant's own.
pub(crate) struct Ninja<'t> {
    pub(crate) tenant: &'t Tenant<'t>,
    pub(crate) simulator: Simulator,
    pub(crate) token: String,
    http: reqwest::Client,
}

impl<'t> Ninja<'t> {
    /// Starts it and makes it the tenant's billing app, webhooks included.
    pub(crate) async fn of(tenant: &'t Tenant<'t>) -> anyhow::Result<Ninja<'t>> {
        let token = format!("invoice-ninja-token-of-{}", tenant.id);
        let companies = vec![(Seed::Empty, token.clone())];
        let simulator = start(Options { companies, ..Options::default() }).await?;
        // The app takes its time before it tells; a test need not wait for that.
        simulator.with_company(0, |company, _| company.switches().webhook_delay_percent = 1);
        let (operator, now) = (&tenant.bundle.operator, simulator.now());
        let ninja = Ninja { tenant, simulator, token, http: reqwest::Client::new() };
        let url = ninja.simulator.url();
        operator.set_billing(&tenant.id, url, ninja.token.as_str().into(), Reach::Anywhere, now).await?;
        let repaired = operator.repair_webhooks(&tenant.id, Reach::Anywhere).await?;
        ensure!(repaired.made > 0 && repaired.kept == 0, "{repaired:?}");
        Ok(ninja)
    }

    /// What a person does in the app; answers with the record.
    pub(crate) async fn does(&self, method: &str, path: &str, body: &Value) -> anyhow::Result<Value> {
        let url = format!("{}/api/v1/{path}", self.simulator.url());
        let request = self.http.request(method.parse()?, url).header("X-API-TOKEN", &self.token);
        let request =
            request.header("X-Requested-With", "XMLHttpRequest").header("Accept", "application/json");
        let answer = request.json(body).send().await?;
        let (status, answer) = (answer.status(), answer.json::<Value>().await?);
        ensure!(status.is_success(), "{method} {path}: {answer}");
        Ok(answer["data"].clone())
    }

    /// The first of the app's records of a sort that is so.
    pub(crate) async fn record(
        &self,
        sort: &str,
        is_it: impl Fn(&Value) -> bool + Send + Sync,
    ) -> anyhow::Result<Value> {
        let begun = Instant::now();
        loop {
            let records = self.does("GET", &format!("{sort}?sort=id|asc&per_page=100"), &json!({})).await?;
            if let Some(record) = records.as_array().into_iter().flatten().find(|record| is_it(record)) {
                return Ok(record.clone());
            }
            ensure!(begun.elapsed() < PATIENCE, "not among the {sort}: {records}");
            sleep(GLANCE).await;
        }
    }

    /// The company's activity, once an entry of it is so.
    pub(crate) async fn told(
        &self,
        what: &str,
        is_it: impl Fn(&Activity) -> bool,
    ) -> anyhow::Result<Activity> {
        let begun = Instant::now();
        loop {
            let log = self.activity().await?;
            if let Some(entry) = log.iter().find(|entry| is_it(entry)) {
                return Ok(entry.clone());
            }
            if begun.elapsed() > PATIENCE {
                bail!("{what}: not in the activity log: {log:#?}");
            }
            sleep(GLANCE).await;
        }
    }

    /// All of the company's activity.
    pub(crate) async fn activity(&self) -> anyhow::Result<Vec<Activity>> {
        self.tenant.bundle.operator.activity(&self.tenant.id, usize::MAX).await
    }

    /// Waits until all that the app tells has been dealt with.
    pub(crate) async fn is_heard(&self) -> anyhow::Result<()> {
        eventually("the webhooks are delivered", || {
            (self.simulator.undelivered_webhooks() == 0).then_some(())
        })
        .await?;
        // One company's events are dealt with in their order: this one comes behind all others.
        let id = format!("heard {}", Uuid::new_v4());
        let mut last = self.tenant.event("end.of.test", &json!({"id": "end"}));
        last["id"] = id.clone().into();
        let message = Message { company: self.tenant.id.clone(), body: last.to_string() };
        self.tenant.bundle.send(&[message]).await?;
        self.told("the last event", |entry| entry.event.as_str() == id).await.map(drop)
    }

    /// The secret that the app was given for its webhooks.
    pub(crate) async fn secret(&self) -> anyhow::Result<String> {
        let hooks = self.does("GET", "webhooks?per_page=1", &json!({})).await?;
        Ok(hooks[0]["headers"][SECRET_HEADER].as_str().context("no secret")?.to_owned())
    }

    /// Posts to the webhooks' address as whoever has this secret, and tells the answer's status.
    pub(crate) async fn posts(&self, event: &str, secret: &str, body: String) -> anyhow::Result<u16> {
        let public = self.tenant.bundle.stack.api_url();
        let url = format!("{public}/webhooks/billing/{}/{event}", self.tenant.id);
        let answer = self.http.post(url).header(SECRET_HEADER, secret).body(body).send().await?;
        Ok(answer.status().as_u16())
    }
}

pub(crate) fn amount(value: &Value) -> Option<Decimal> {
    value.to_string().parse().ok()
}

/// Waits until something is there.
pub(crate) async fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> anyhow::Result<T> {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return Ok(found);
        }
        if begun.elapsed() > PATIENCE {
            bail!("{what}: not after {PATIENCE:?}");
        }
        sleep(GLANCE).await;
    }
}
