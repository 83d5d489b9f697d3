//! Webhooks as the app sends them: delayed, without an event id, without a second attempt.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::kinds::{EventIds, INVOICE_SENT, Kind};
use super::record::{Members, Record};
use super::{Company, ids};

/// An event that waits in the app's queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Notice {
    event: u32,
    kind: Kind,
    id: u64,
    due: Timestamp,
}

/// A webhook to be sent now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The id of the subscription.
    pub webhook: String,
    /// The number of the event, which the receiver is not told.
    pub event: u32,
    /// Where to.
    pub url: String,
    /// `post` or `put`.
    pub method: String,
    /// The subscription's own headers.
    pub headers: Vec<(String, String)>,
    /// The record as it is when the webhook is sent, not as it was when the event happened.
    pub body: String,
}

impl Company {
    /// A record was made.
    pub(crate) fn created(&mut self, kind: Kind, id: u64, now: Timestamp) {
        self.happened(kind, id, now, |events| events.create);
    }

    /// A record was saved. Of a deleted one that is told as another deletion.
    pub(crate) fn updated(&mut self, kind: Kind, id: u64, now: Timestamp) {
        let deleted = self.store.row(kind, id).is_some_and(|row| row.flag("is_deleted"));
        self.happened(kind, id, now, |events| if deleted { events.delete } else { events.update });
    }

    /// A record was archived.
    pub(crate) fn archived(&mut self, kind: Kind, id: u64, now: Timestamp) {
        self.happened(kind, id, now, |events| events.archive);
    }

    /// A record was restored.
    pub(crate) fn restored(&mut self, kind: Kind, id: u64, now: Timestamp) {
        self.happened(kind, id, now, |events| events.restore);
    }

    /// An invoice was sent.
    pub(crate) fn invoice_sent(&mut self, id: u64, now: Timestamp) {
        self.happened(Kind::Invoice, id, now, |_| INVOICE_SENT);
    }

    fn happened(&mut self, kind: Kind, id: u64, now: Timestamp, which: impl Fn(EventIds) -> u32) {
        let Some(events) = kind.events() else { return };
        let event = which(events);
        if self.hooks_for(event).next().is_none() {
            return;
        }
        let seconds = match kind {
            Kind::Client => 2,
            Kind::Payment if event == events.create => 20,
            Kind::Payment => 25,
            _ => 0,
        };
        let delay =
            SignedDuration::from_millis(seconds * 10 * i64::from(self.switches.webhook_delay_percent));
        self.notices.push(Notice { event, kind, id, due: now.checked_add(delay).unwrap_or(now) });
    }

    fn hooks_for(&self, event: u32) -> impl Iterator<Item = &Record> {
        self.store
            .rows(Kind::Webhook)
            .map(|(_, row)| row)
            .filter(move |row| !row.flag("is_deleted") && row.text("event_id").parse() == Ok(event))
    }

    /// When the next webhook is due. None if none waits.
    #[must_use]
    pub fn next_webhook(&self) -> Option<Timestamp> {
        self.notices.iter().map(|notice| notice.due).min()
    }

    /// How many events wait to be told.
    pub(super) fn waiting_events(&self) -> usize {
        self.notices.len()
    }

    /// Takes the webhooks that are due: each once, whatever becomes of it.
    pub fn take_webhooks(&mut self, now: Timestamp) -> Vec<Delivery> {
        let (mut due, waiting): (Vec<_>, _) =
            std::mem::take(&mut self.notices).into_iter().partition(|notice| notice.due <= now);
        self.notices = waiting;
        due.sort_by_key(|notice| notice.due);
        due.iter().flat_map(|notice| self.deliveries(notice)).collect()
    }

    /// What a receiver answered. 404, 405 and 410 end the subscription for good.
    pub fn webhook_answered(&mut self, delivery: &Delivery, status: u16, now: Timestamp) {
        let hook = ids::read(&delivery.webhook).and_then(|id| self.store.row_mut(Kind::Webhook, id));
        if let Some(hook) = hook.filter(|_| matches!(status, 404 | 405 | 410)) {
            hook.put("is_deleted", true);
            hook.put("archived_at", now.as_second());
            hook.put("updated_at", now.as_second());
        }
    }

    fn deliveries(&self, notice: &Notice) -> Vec<Delivery> {
        let Some(row) = self.store.row(notice.kind, notice.id) else { return Vec::new() };
        let includes: &[&str] = match notice.kind {
            Kind::Invoice => &["client"],
            Kind::Payment => &["invoices", "client"],
            _ => &[],
        };
        let body = self.shown_with(notice.kind, row, includes).to_string();
        let delivery = |hook: &Record| Delivery {
            webhook: hook.text("id").to_owned(),
            event: notice.event,
            url: hook.text("target_url").to_owned(),
            method: hook.text("rest_method").to_owned(),
            headers: headers(hook),
            body: body.clone(),
        };
        self.hooks_for(notice.event).map(delivery).collect()
    }
}

fn headers(hook: &Record) -> Vec<(String, String)> {
    let headers = hook.get("headers").and_then(Value::as_object).into_iter().flatten();
    headers.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}
