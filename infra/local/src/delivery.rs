//! Events on their way: onto the push queue, and what became of them.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use aws_sdk_sqs::types::{QueueAttributeName, SendMessageBatchRequestEntry};
use sync::activity::Activity;
use sync::event;
use sync::ids::{CompanyId, EventId};
use tokio::time::sleep;
use uuid::Uuid;

use crate::bundle::Bundle;

/// The most messages of a batch (AWS: SQS quotas).
const BATCH: usize = 10;
/// How often the queue is looked at.
const GLANCE: Duration = Duration::from_millis(100);
/// How long the queue may stand still before it is given up. What was in a function's hands when an earlier run was
/// ended, or when a function was too slow, comes back after the queue's visibility timeout (template.py).
const PATIENCE: Duration = Duration::from_secs(420);
/// How many of the local AWS's own words about failed functions are told.
const TOLD: usize = 5;

/// A message for the push queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its message group.
    pub company: CompanyId,
    /// One event or an array of them.
    pub body: String,
}

/// A message on the queue, and its events.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Its message group.
    pub company: CompanyId,
    /// The ids under which its events are in the activity log, in their order.
    pub events: Vec<EventId>,
}

/// Webhooks and messages that nobody has dealt with, and how many webhooks were delivered before.
#[derive(Clone, Copy, PartialEq)]
struct OnItsWay {
    waiting: usize,
    delivered: usize,
}

/// What became of the events of a message, in their order.
pub type Ended = Vec<Activity>;

impl Bundle {
    /// Sends messages in their order. Every message gets through, also one that was sent before: SQS would drop a
    /// repeated deduplication id for five minutes, and it is Counterpart that has to recognise a repetition.
    pub async fn send(&self, messages: &[Message]) -> anyhow::Result<Vec<Sent>> {
        let run = Uuid::new_v4();
        let queue = self.stack.output("PushQueueUrl")?;
        let mut sent = Vec::new();
        for (batch, messages) in messages.chunks(BATCH).enumerate() {
            let entries = messages.iter().enumerate().map(|(place, message)| {
                SendMessageBatchRequestEntry::builder()
                    .id(place.to_string())
                    .message_group_id(message.company.as_str())
                    .message_deduplication_id(format!("{run}-{batch}-{place}"))
                    .message_body(&message.body)
                    .build()
            });
            let entries = entries.collect::<Result<Vec<_>, _>>()?;
            let answer =
                self.sqs.send_message_batch().queue_url(queue).set_entries(Some(entries)).send().await?;
            if let Some(failure) = answer.failed().first() {
                bail!("a message cannot be sent: {failure:?}");
            }
            let ids: HashMap<&str, &str> =
                answer.successful().iter().map(|entry| (entry.id(), entry.message_id())).collect();
            for (place, message) in messages.iter().enumerate() {
                let id = ids.get(place.to_string().as_str()).context("SQS says nothing of a message")?;
                sent.push(Sent { company: message.company.clone(), events: event_ids(&message.body, id) });
            }
        }
        Ok(sent)
    }

    /// Waits until the queue is empty, and tells what became of each message's events. `progress` is told how many
    /// messages are still to come.
    ///
    /// # Errors
    /// The queue stands still, or an event left no activity.
    pub async fn endings(&self, sent: &[Sent], progress: &dyn Fn(usize)) -> anyhow::Result<Vec<Ended>> {
        self.queue_is_empty(progress).await?;
        let activity = self.activity_of(sent.iter().map(|sent| &sent.company)).await?;
        let ended = |sent: &Sent| {
            let of_event = |event: &EventId| {
                let entry = activity.get(&(sent.company.clone(), event.clone()));
                entry.cloned().with_context(|| format!("event {event} of {} left no activity", sent.company))
            };
            sent.events.iter().map(of_event).collect()
        };
        sent.iter().map(ended).collect()
    }

    /// How many messages are in the dead-letter queue.
    pub async fn dead_letters(&self) -> anyhow::Result<usize> {
        self.waiting_in(self.stack.output("PushDeadLetterQueueUrl")?).await
    }

    /// Returns once nothing is on its way any more: all webhooks of both sides are delivered, and what they told is dealt
    /// with, and whatever came of that.
    ///
    /// # Errors
    /// Something stands still.
    pub async fn is_quiet(&self) -> anyhow::Result<()> {
        let (mut before, begun) = (None, Instant::now());
        loop {
            let now = self.on_its_way().await?;
            // Looked at twice: between the parts of one look something may have moved from one to the other.
            if now.waiting == 0 && before == Some(now) {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                let (waiting, failures) = (now.waiting, self.failures()?);
                bail!(
                    "{waiting} webhooks and messages are still on their way after {PATIENCE:?}\n{failures}"
                );
            }
            before = Some(now);
            sleep(GLANCE).await;
        }
    }

    async fn on_its_way(&self) -> anyhow::Result<OnItsWay> {
        let webhooks = self.simulator.undelivered_events() + self.invoice_ninja.undelivered_webhooks();
        let pushes = self.waiting_in(self.stack.output("PushQueueUrl")?).await?;
        let pulls = self.waiting_in(self.stack.output("PullQueueUrl")?).await?;
        let delivered = self.simulator.webhook_attempts().len() + self.invoice_ninja.webhook_attempts().len();
        Ok(OnItsWay { waiting: webhooks + pushes + pulls, delivered })
    }

    async fn queue_is_empty(&self, progress: &dyn Fn(usize)) -> anyhow::Result<()> {
        let queue = self.stack.output("PushQueueUrl")?;
        let (mut before, mut changed) = (usize::MAX, Instant::now());
        loop {
            let waiting = self.waiting_in(queue).await?;
            if waiting != before {
                (before, changed) = (waiting, Instant::now());
                progress(waiting);
            }
            if waiting == 0 {
                return Ok(());
            }
            if changed.elapsed() > PATIENCE {
                let failures = self.failures()?;
                bail!(
                    "{waiting} messages have been on the queue for {PATIENCE:?} without any progress\n{failures}"
                );
            }
            sleep(GLANCE).await;
        }
    }

    /// What the local AWS said last about functions that failed on messages of a queue.
    fn failures(&self) -> anyhow::Result<String> {
        let log = self.stack.aws_log()?;
        let failures: Vec<&str> = log.lines().filter(|line| line.contains("failed processing")).collect();
        Ok(failures[failures.len().saturating_sub(TOLD)..].join("\n"))
    }

    /// Messages of a queue, those in somebody's hands included.
    async fn waiting_in(&self, queue: &str) -> anyhow::Result<usize> {
        let names = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        ];
        let request = self.sqs.get_queue_attributes().queue_url(queue);
        let answer = request.set_attribute_names(Some(names.to_vec())).send().await?;
        let attributes = answer.attributes().context("SQS says nothing of a queue")?;
        let count = |name| attributes.get(name).context("SQS does not say how long a queue is");
        names.iter().map(|name| Ok(count(name)?.parse::<usize>()?)).sum()
    }

    async fn activity_of(
        &self,
        companies: impl Iterator<Item = &CompanyId>,
    ) -> anyhow::Result<HashMap<(CompanyId, EventId), Activity>> {
        let mut activity = HashMap::new();
        for company in companies.collect::<BTreeSet<_>>() {
            for entry in self.operator.activity(company, usize::MAX).await? {
                activity.insert((company.clone(), entry.event.clone()), entry);
            }
        }
        Ok(activity)
    }
}

/// The ids of a message's events; what has none is known by the message's id.
fn event_ids(body: &str, message: &str) -> Vec<EventId> {
    let id = |(place, received): (usize, event::Received)| match received.event {
        Ok(event) => event.id,
        Err(unreadable) => unreadable.id.unwrap_or_else(|| EventId::of_message(message, place)),
    };
    event::read(body).into_iter().enumerate().map(id).collect()
}
