//! The queues: sending events, change notices and imports' ticks, and saying when a message is to be delivered again.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::BuildError;
use aws_sdk_sqs::types::{ChangeMessageVisibilityBatchRequestEntry, SendMessageBatchRequestEntry};
use sync::ids::{CompanyId, EventId};
use sync::import::{ImportQueue, Tick};
use sync::notice::NoticeMessage;
use sync::ports::{PullQueue, PushQueue, StoreError};

use crate::error::failed;

/// The most entries of a batch request (AWS: SQS quotas).
const BATCH: usize = 10;
/// The longest a message may stay hidden, all deliveries' changes of one receipt together (AWS: SQS quotas).
const LONGEST: Duration = Duration::from_secs(12 * 60 * 60 - 60);

/// A FIFO queue whose message groups are companies.
#[derive(Clone, Debug)]
pub struct Queue {
    client: Client,
    url: String,
}

/// When a received message is to be delivered again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delay {
    /// The receipt of the delivery.
    pub receipt_handle: String,
    /// From now. Rounded up to seconds, cut to what SQS allows.
    pub after: Duration,
}

impl Queue {
    pub(crate) fn new(client: Client, url: String) -> Queue {
        Queue { client, url }
    }

    /// Changes when messages are delivered again. Returns how many could not be changed: those come back after the
    /// queue's own time.
    pub async fn delay(&self, delays: &[Delay]) -> Result<usize, StoreError> {
        let action = "delaying messages";
        let mut unchanged = 0;
        for delays in delays.chunks(BATCH) {
            let entries: Vec<_> = delays
                .iter()
                .enumerate()
                .map(|(index, delay)| entry(index, delay))
                .collect::<Result<_, _>>()
                .map_err(|error| StoreError::new(action, error))?;
            let request = self.client.change_message_visibility_batch().queue_url(&self.url);
            let answer = request.set_entries(Some(entries)).send().await.map_err(failed(action))?;
            unchanged += answer.failed().len();
        }
        Ok(unchanged)
    }
}

#[async_trait]
impl PushQueue for Queue {
    async fn send(&self, company: &CompanyId, id: &EventId, body: &str) -> Result<(), StoreError> {
        let request = self
            .client
            .send_message()
            .queue_url(&self.url)
            .message_group_id(company.as_str())
            .message_deduplication_id(deduplication_id(id))
            .message_body(body);
        request.send().await.map_err(failed("sending events"))?;
        Ok(())
    }
}

#[async_trait]
impl ImportQueue for Queue {
    async fn send_tick(&self, tick: &Tick) -> Result<(), StoreError> {
        let action = "moving an import on";
        let body = serde_json::to_string(tick).map_err(|error| StoreError::new(action, error))?;
        let request = self
            .client
            .send_message()
            .queue_url(&self.url)
            .message_group_id(tick.company.as_str())
            .message_deduplication_id(format!("{}-{}", tick.job, tick.step))
            .message_body(body);
        request.send().await.map_err(failed(action))?;
        Ok(())
    }
}

#[async_trait]
impl PullQueue for Queue {
    async fn send_notices(&self, messages: &[NoticeMessage]) -> Result<(), StoreError> {
        let action = "sending change notices";
        // One after the other, which keeps each company's order.
        for messages in messages.chunks(BATCH) {
            let entries: Vec<_> = messages
                .iter()
                .enumerate()
                .map(|(index, message)| sending(index, message))
                .collect::<Result<_, _>>()
                .map_err(|error| StoreError::new(action, error))?;
            let request = self.client.send_message_batch().queue_url(&self.url);
            let answer = request.set_entries(Some(entries)).send().await.map_err(failed(action))?;
            if let Some(refused) = answer.failed().first() {
                let code = refused.code();
                let count = answer.failed().len();
                return Err(StoreError::new(action, format!("SQS refused {count} of them: {code}")));
            }
        }
        Ok(())
    }
}

fn sending(index: usize, message: &NoticeMessage) -> Result<SendMessageBatchRequestEntry, BuildError> {
    SendMessageBatchRequestEntry::builder()
        .id(index.to_string())
        .message_group_id(message.company.as_str())
        .message_deduplication_id(deduplication_id(&message.id))
        .message_body(&message.body)
        .build()
}

fn entry(index: usize, delay: &Delay) -> Result<ChangeMessageVisibilityBatchRequestEntry, BuildError> {
    ChangeMessageVisibilityBatchRequestEntry::builder()
        .id(index.to_string())
        .receipt_handle(&delay.receipt_handle)
        .visibility_timeout(seconds(delay.after))
        .build()
}

fn seconds(after: Duration) -> i32 {
    let after = after.min(LONGEST);
    let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
    i32::try_from(seconds).unwrap_or(i32::MAX)
}

/// SQS takes 128 letters, digits and punctuation marks; an event id may be longer and hold anything.
fn deduplication_id(id: &EventId) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(id.as_str()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_whole_seconds_that_sqs_allows() {
        assert_eq!(seconds(Duration::from_millis(1)), 1);
        assert_eq!(seconds(Duration::from_secs(30)), 30);
        assert_eq!(seconds(Duration::from_secs(1_000_000)), 43_140);
    }
}
