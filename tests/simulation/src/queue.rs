//! The push queue of one company: first in, first out, redelivered until it is acknowledged.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sync::push::{Message, Verdict};

/// How long a message that was handed out stays out of sight.
const VISIBILITY: SignedDuration = SignedDuration::from_secs(180);
/// How many messages are handed out at once (SQS FIFO).
const BATCH: usize = 10;

/// The messages of one group.
#[derive(Default)]
pub(crate) struct Queue {
    waiting: VecDeque<Waiting>,
    sent: u64,
    receipts: u64,
    /// Bodies that were sent, for senders who repeat themselves.
    pub(crate) history: Vec<String>,
}

struct Waiting {
    message: Message,
    visible_at: Timestamp,
    receipt: u64,
}

/// Names one hand-out of one message.
pub(crate) struct Receipt(u64);

impl Queue {
    pub(crate) fn send(&mut self, group: &str, body: String, now: Timestamp) {
        self.sent += 1;
        let message = Message {
            id: format!("{group}-{}", self.sent),
            group: group.to_owned(),
            body,
            sent_at: now,
            deliveries: 0,
        };
        self.waiting.push_back(Waiting { message, visible_at: now, receipt: 0 });
    }

    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// When messages can be seen again; nothing overtakes one that is held back.
    pub(crate) fn ready_at(&self) -> Option<Timestamp> {
        self.waiting.iter().map(|waiting| waiting.visible_at).max()
    }

    /// Hands up to `limit` messages out, if the first is not held back. With it all behind it are.
    pub(crate) fn receive(&mut self, limit: usize, now: Timestamp) -> Vec<(Receipt, Message)> {
        let held = self.waiting.iter().any(|waiting| waiting.visible_at > now);
        let limit = if held { 0 } else { limit.min(BATCH) };
        let until = now.saturating_add(VISIBILITY).unwrap_or(now);
        let mut handed = Vec::new();
        for waiting in self.waiting.iter_mut().take(limit) {
            self.receipts += 1;
            waiting.receipt = self.receipts;
            waiting.visible_at = until;
            waiting.message.deliveries += 1;
            handed.push((Receipt(self.receipts), waiting.message.clone()));
        }
        handed
    }

    /// What is handed out comes into sight again, as if its worker had taken too long.
    pub(crate) fn lapse(&mut self, now: Timestamp) {
        for waiting in self.waiting.iter_mut().filter(|waiting| waiting.receipt > 0) {
            waiting.visible_at = waiting.visible_at.min(now);
        }
    }

    /// Takes a verdict; that of a hand-out that has run out counts for nothing.
    pub(crate) fn settle(&mut self, receipt: &Receipt, verdict: &Verdict, now: Timestamp) {
        let Some(place) = self.waiting.iter().position(|waiting| waiting.receipt == receipt.0) else {
            return;
        };
        match verdict {
            Verdict::Acknowledge => drop(self.waiting.remove(place)),
            Verdict::Redeliver { after } => {
                let after = SignedDuration::try_from(*after).unwrap_or(SignedDuration::ZERO);
                self.waiting[place].visible_at = now.saturating_add(after).unwrap_or(now);
            }
        }
    }

    /// The first message, for a report.
    pub(crate) fn front(&self) -> String {
        self.waiting.front().map(|waiting| waiting.message.body.clone()).unwrap_or_default()
    }

    /// How long until then.
    pub(crate) fn wait(&self, now: Timestamp) -> Option<Duration> {
        let ready = self.ready_at()?;
        // The clock counts milliseconds.
        Some(Duration::try_from(ready.duration_since(now)).unwrap_or_default() + Duration::from_millis(1))
    }
}
