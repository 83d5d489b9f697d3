//! Webhooks: what changed is gathered for a moment, signed, and sent until somebody takes it.

mod delivery;
mod payload;

use std::collections::VecDeque;
use std::sync::Mutex;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, watch};

use self::payload::Event;
use super::outside;
use super::state::lock;
use crate::company::Change;

pub(super) use self::delivery::{client, run};

/// How many attempts are kept to look at.
const KEPT_ATTEMPTS: usize = 1000;

/// Entities for which Intuit sends no events.
const SILENT: [&str; 5] = ["TaxCode", "TaxRate", "CompanyInfo", "Attachable", "RecurringTransaction"];

/// The app's webhook subscription, and where Intuit's behaviour is doubtful.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebhookSettings {
    /// Where to send. Without it nothing is sent, and nothing is kept for later.
    pub target: Option<String>,
    /// How events are written.
    pub format: WebhookFormat,
    /// The key of the signature.
    pub verifier_token: String,
    /// Milliseconds for which events are gathered before they are sent together. With Intuit up to five minutes.
    pub aggregation: u32,
    /// How long to wait between attempts, in percent (at least 1) of Intuit's waits: 10 s, 20 s, 30 s, 5 min, 20 min,
    /// 2 h, 4 h, and from then on 6 h.
    pub retry_percent: u32,
    /// Whether a `CloudEvents` event carries `data`; Intuit is seen to leave it out.
    pub with_data: bool,
    /// The last word but one in the type of a void: `void` by Intuit's list of events, `voided` to some clients.
    pub void_verb: String,
    /// The entities subscribed to; without it all.
    pub entities: Option<Vec<String>>,
}

impl Default for WebhookSettings {
    fn default() -> Self {
        Self {
            target: None,
            format: WebhookFormat::default(),
            verifier_token: "simulator-verifier-token".to_owned(),
            aggregation: 100,
            retry_percent: 100,
            with_data: true,
            void_verb: "void".to_owned(),
            entities: None,
        }
    }
}

impl WebhookSettings {
    fn covers(&self, entity: &str) -> bool {
        let subscribed = |entities: &Vec<String>| entities.iter().any(|it| it.eq_ignore_ascii_case(entity));
        !SILENT.contains(&entity) && self.entities.as_ref().is_none_or(subscribed)
    }
}

/// How events are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WebhookFormat {
    /// `eventNotifications`, which Intuit retired in July 2026.
    Classic,
    /// An array of `CloudEvents` 1.0.
    #[default]
    CloudEvents,
}

/// One attempt to send a notification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it began, by the simulator's clock.
    pub at: Timestamp,
    /// How many events the notification holds.
    pub events: usize,
    /// 1 for the first attempt of a notification.
    pub number: u32,
    /// The answer's status. None if there was none within three seconds.
    pub status: Option<u16>,
}

/// Everything about webhooks that calls and the control side touch. The sending is done by [`run`].
pub(super) struct Webhooks {
    settings: watch::Sender<WebhookSettings>,
    outbox: Mutex<Outbox>,
    filled: Notify,
    forgotten: Notify,
}

#[derive(Default)]
struct Outbox {
    waiting: VecDeque<Event>,
    /// Events in the notification that is being sent.
    in_flight: usize,
    attempts: VecDeque<Attempt>,
}

impl Webhooks {
    pub(super) fn new(settings: WebhookSettings) -> Self {
        Self {
            settings: watch::Sender::new(settings),
            outbox: Mutex::default(),
            filled: Notify::new(),
            forgotten: Notify::new(),
        }
    }

    pub(super) fn settings(&self) -> WebhookSettings {
        self.settings.borrow().clone()
    }

    /// New settings. A notification that waits for its next attempt is sent at once.
    pub(super) fn configure(&self, settings: WebhookSettings) {
        self.settings.send_replace(settings);
    }

    /// Forgets what was not delivered, and all attempts.
    pub(super) fn forget(&self) {
        *lock(&self.outbox) = Outbox::default();
        self.forgotten.notify_waiters();
    }

    /// Queues what the subscription covers of a company's changes.
    pub(super) fn announce(&self, realm: &str, changes: Vec<Change>) {
        let settings = self.settings.borrow();
        if settings.target.is_none() || changes.is_empty() {
            return;
        }
        let event = |change| Event { id: outside::event_id(), realm: realm.to_owned(), change };
        let covered = changes.into_iter().filter(|change| settings.covers(&change.entity)).map(event);
        lock(&self.outbox).waiting.extend(covered);
        self.filled.notify_one();
    }

    /// How many events were not delivered yet.
    pub(super) fn undelivered(&self) -> usize {
        let outbox = lock(&self.outbox);
        outbox.waiting.len() + outbox.in_flight
    }

    /// The latest attempts, oldest first.
    pub(super) fn attempts(&self) -> Vec<Attempt> {
        lock(&self.outbox).attempts.iter().cloned().collect()
    }

    /// Once there is an undelivered event: when the oldest happened.
    async fn oldest_event(&self) -> Timestamp {
        loop {
            if let Some(event) = lock(&self.outbox).waiting.front() {
                return event.change.at;
            }
            self.filled.notified().await;
        }
    }

    /// Takes the next events, to go out together.
    fn next_events(&self, at_most: usize) -> Vec<Event> {
        let mut outbox = lock(&self.outbox);
        outbox.in_flight = outbox.waiting.len().min(at_most);
        let count = outbox.in_flight;
        outbox.waiting.drain(..count).collect()
    }

    fn attempted(&self, attempt: Attempt) {
        let mut outbox = lock(&self.outbox);
        if outbox.attempts.len() == KEPT_ATTEMPTS {
            outbox.attempts.pop_front();
        }
        outbox.attempts.push_back(attempt);
    }

    fn sent(&self) {
        lock(&self.outbox).in_flight = 0;
    }
}
