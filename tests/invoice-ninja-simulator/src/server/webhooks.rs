//! The sending of webhooks: each once, whatever is answered.

use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::Client;
use reqwest::redirect::Policy;
use serde::{Deserialize, Serialize};
use simulator_server::lock;
use tracing::debug;

use super::faults::Effect;
use super::state::{Server, Shared};
use crate::company::Delivery;

/// One attempt to send a webhook; there is never a second one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it began, by the simulator's clock.
    pub at: Timestamp,
    /// The place of the company.
    pub company: usize,
    /// The number of the event.
    pub event: u32,
    /// Where it went.
    pub url: String,
    /// The answer's status. None if there was none.
    pub status: Option<u16>,
}

/// The client that webhooks are sent with, with the app's own patience.
pub(super) fn client() -> reqwest::Result<Client> {
    Client::builder()
        .user_agent("InvoiceNinja/5.13.39")
        .connect_timeout(Duration::from_secs(10))
        .timeout(Duration::from_secs(30))
        .redirect(Policy::none())
        .no_proxy()
        .build()
}

/// Sends webhooks for as long as it is polled.
pub(super) async fn run(server: Shared, client: Client) {
    loop {
        // A look takes nothing, and says nothing of a change.
        let next = server.next_webhook();
        tokio::select! {
            () = sleep_until(&server, next) => {
                let due = server.with(|installation, now| {
                    let due = installation.take_webhooks(now);
                    server.under_way.store(due.len(), Ordering::SeqCst);
                    due
                });
                for (company, delivery) in due {
                    send(&server, &client, company, &delivery).await;
                    server.under_way.fetch_sub(1, Ordering::SeqCst);
                }
            }
            () = server.changed.notified() => {}
        }
    }
}

/// For ever if nothing is due.
async fn sleep_until(server: &Server, due: Option<Timestamp>) {
    match due {
        Some(due) => server.clock.sleep_until(due).await,
        None => std::future::pending().await,
    }
}

async fn send(server: &Server, client: &Client, company: usize, delivery: &Delivery) {
    let struck = lock(&server.faults).strike_webhook(&[&company.to_string()], server.clock.now());
    let by = |effect| struck.iter().filter(|fault| fault.effect == effect).count();
    if by(Effect::DropWebhook) > 0 || !server.webhooks_on.load(Ordering::Relaxed) {
        return;
    }
    let copies = by(Effect::DuplicateWebhook);
    for _ in 0..=copies {
        let at = server.clock.now();
        let status = attempt(client, delivery).await;
        let (event, url) = (delivery.event, delivery.url.clone());
        if let Some(status) = status {
            server.with(|installation, now| {
                if let Some(company) = installation.company(company) {
                    company.webhook_answered(delivery, status, now);
                }
            });
        }
        lock(&server.attempts).push(Attempt { at, company, event, url, status });
    }
}

async fn attempt(client: &Client, delivery: &Delivery) -> Option<u16> {
    let request =
        if delivery.method == "put" { client.put(&delivery.url) } else { client.post(&delivery.url) };
    let mut request = request.header("content-type", "application/json");
    for (name, value) in &delivery.headers {
        request = request.header(name, value);
    }
    match request.body(delivery.body.clone()).send().await {
        Ok(answer) => Some(answer.status().as_u16()),
        Err(error) => {
            debug!("webhook for event {} failed: {error}", delivery.event);
            None
        }
    }
}
