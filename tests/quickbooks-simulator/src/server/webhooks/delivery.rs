//! The sending of notifications, one after the other: a later one is held until the one before it was taken.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::Client;
use reqwest::redirect::Policy;
use tracing::debug;

use super::payload::{self, Event};
use super::{Attempt, WebhookSettings};
use crate::server::faults::Effect;
use crate::server::outside;
use crate::server::state::{Server, Shared, lock};

/// Intuit's limit for an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);
/// Intuit's limit for one notification.
const EVENTS_AT_ONCE: usize = 100;
/// Seconds before the second, third, … attempt (Intuit: "Webhooks"). After the last, it goes on at that pace.
const LADDER: [i64; 8] = [10, 20, 30, 300, 1200, 7200, 14_400, 21_600];

/// The client that notifications are sent with.
pub(in crate::server) fn client() -> reqwest::Result<Client> {
    Client::builder().timeout(ANSWER_WITHIN).redirect(Policy::none()).no_proxy().build()
}

/// Sends notifications for as long as it is polled.
pub(in crate::server) async fn run(server: Shared, client: Client) {
    loop {
        let oldest = server.webhooks.oldest_event().await;
        let gathering = milliseconds(server.webhooks.settings().aggregation.into());
        server.clock.sleep_until(later(oldest, gathering)).await;
        let events = server.webhooks.next_events(EVENTS_AT_ONCE);
        tokio::select! {
            () = notify(&server, &client, events) => server.webhooks.sent(),
            () = server.webhooks.forgotten.notified() => {}
        }
    }
}

async fn notify(server: &Server, client: &Client, mut events: Vec<Event>) {
    if events.is_empty() {
        return; // forgotten meanwhile
    }
    let realms: Vec<&str> = events.iter().map(|event| event.realm.as_str()).collect();
    let struck = lock(&server.faults).strike_webhook(&realms, server.clock.now());
    let mut copies = 1;
    for fault in &struck {
        match fault.effect {
            // Other companies' events go out all the same.
            Effect::DropWebhook => {
                events.retain(|event| fault.company.as_ref().is_some_and(|realm| event.realm != *realm));
            }
            Effect::ReorderWebhook => events.reverse(),
            Effect::DuplicateWebhook => copies += 1,
            _ => {}
        }
    }
    if events.is_empty() {
        return;
    }
    for _ in 0..copies {
        deliver(server, client, &events).await;
    }
}

/// Attempts until it is taken, or nobody is subscribed any more.
async fn deliver(server: &Server, client: &Client, events: &[Event]) {
    let delivery_id = outside::event_id();
    let mut reconfigured = server.webhooks.settings.subscribe();
    let mut waits = LADDER.into_iter().chain(std::iter::repeat(LADDER[LADDER.len() - 1]));
    for number in 1.. {
        let settings = reconfigured.borrow_and_update().clone();
        let Some(target) = &settings.target else { return };
        let at = server.clock.now();
        let status = attempt(client, target, &delivery_id, events, &settings, at).await;
        server.webhooks.attempted(Attempt { at, events: events.len(), number, status });
        if status.is_some_and(|status| (200..300).contains(&status)) {
            return;
        }
        let wait = waits.next().unwrap_or_default() * 10 * i64::from(settings.retry_percent.max(1));
        tokio::select! {
            () = server.clock.sleep_until(later(at, milliseconds(wait))) => {}
            changed = reconfigured.changed() => if changed.is_err() { return },
        }
    }
}

async fn attempt(
    client: &Client,
    target: &str,
    delivery_id: &str,
    events: &[Event],
    settings: &WebhookSettings,
    now: Timestamp,
) -> Option<u16> {
    let body = payload::body(events, settings);
    let mut request = client.post(target);
    for (name, value) in payload::headers(&body, delivery_id, settings, now) {
        request = request.header(name, value);
    }
    match request.body(body).send().await {
        Ok(answer) => Some(answer.status().as_u16()),
        Err(error) => {
            debug!("webhook to {target} failed: {error}");
            None
        }
    }
}

fn milliseconds(milliseconds: i64) -> SignedDuration {
    SignedDuration::from_millis(milliseconds)
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}
