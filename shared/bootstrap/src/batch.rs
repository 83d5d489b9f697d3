//! An SQS batch: messages in, and for each one whether it is delivered again.
//!
//! A message is acknowledged only when the code that dealt with it says so. If that code panics or runs out of time,
//! the messages of its group are delivered again; those of other groups are not touched by it.

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use aws::{Delay, Queue};
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use futures::FutureExt;
use futures::future::join_all;
use jiff::Timestamp;
use sync::ports::{Clock, explain};
use sync::push::{Message, Ports, Verdict};

use crate::services::{Services, SystemClock};

/// The wait after a bug showed. The same will happen again, so there is no hurry.
const AFTER_FAILURE: Duration = Duration::from_secs(60);
/// The wait when the time was too short: what is done is done, and the rest goes on.
const AFTER_TIMEOUT: Duration = Duration::from_secs(1);

/// Kept for a call to QuickBooks that has waited for its turn, and for what follows it.
const LAST_CALL: Duration = Duration::from_secs(10);
/// Kept for the answer to the queue.
const RESERVE: Duration = Duration::from_secs(5);

/// The time until the function is stopped, less what the answer to the queue takes. `deadline` is in milliseconds of
/// Unix time.
pub fn time_left(deadline: u64) -> Duration {
    let now = u64::try_from(SystemClock.now().as_millisecond()).unwrap_or_default();
    Duration::from_millis(deadline.saturating_sub(now)).saturating_sub(RESERVE)
}

/// A batch that cannot be answered for. The function fails with it, so that SQS delivers all of it again.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// A message without an id can be neither acknowledged nor returned by itself.
    #[error("a message has no id")]
    MissingId,
}

/// A message and the receipt of its delivery.
struct Delivery {
    message: Message,
    receipt_handle: Option<String>,
}

/// Deals with a batch of the pushes or the pulls: hands it to `messages` with what that works with. `deadline` is when
/// the function is stopped, in milliseconds of Unix time. Fails only if the queue cannot be answered.
pub async fn of_companies(
    services: &Services,
    queue: &Queue,
    event: SqsEvent,
    deadline: u64,
    messages: impl AsyncFn(Ports<'_>, &[Message]) -> Vec<Verdict>,
) -> Result<SqsBatchResponse, BatchError> {
    let time = time_left(deadline);
    let connections = services.connections.until(SystemClock.now() + time.saturating_sub(LAST_CALL));
    let ports = services.ports(&connections);
    let answer = run(event, queue, time, async |group: Vec<Message>| messages(ports, &group).await).await;
    services.metrics.redelivered(answer.as_ref().map_or(0, |answer| answer.batch_item_failures.len()));
    services.report();
    answer
}

/// Gives each group of messages to `handle`, which answers with a verdict for each in their order, and makes the
/// queue's answer of the verdicts. `handle` is given up after `time`.
async fn run<H, V>(
    event: SqsEvent,
    queue: &Queue,
    time: Duration,
    handle: H,
) -> Result<SqsBatchResponse, BatchError>
where
    H: Fn(Vec<Message>) -> V,
    V: Future<Output = Vec<Verdict>>,
{
    let deliveries: Vec<Delivery> = event.records.into_iter().map(delivery).collect::<Result<_, _>>()?;
    let verdicts = verdicts(&deliveries, time, handle).await;
    let (answer, delays) = answer(&deliveries, &verdicts);
    tracing::info!(
        messages = deliveries.len(),
        redelivered = answer.batch_item_failures.len(),
        "dealt with {} messages, {} of them to be delivered again",
        deliveries.len(),
        answer.batch_item_failures.len()
    );
    // Without the change they come back after the queue's own time.
    match queue.delay(&delays).await {
        Ok(0) => {}
        Ok(unchanged) => tracing::warn!(unchanged, "the queue did not change when messages come back"),
        Err(error) => {
            let error = explain(&error);
            tracing::warn!(error, "the queue did not change when messages come back");
        }
    }
    Ok(answer)
}

fn delivery(message: SqsMessage) -> Result<Delivery, BatchError> {
    let attribute = |name: &str| message.attributes.get(name);
    let sent_at = attribute("SentTimestamp").and_then(|millisecond| millisecond.parse().ok());
    Ok(Delivery {
        message: Message {
            group: attribute("MessageGroupId").cloned().unwrap_or_default(),
            sent_at: sent_at
                .and_then(|at| Timestamp::from_millisecond(at).ok())
                .unwrap_or(Timestamp::UNIX_EPOCH),
            deliveries: attribute("ApproximateReceiveCount")
                .and_then(|count| count.parse().ok())
                .unwrap_or(1),
            id: message.message_id.filter(|id| !id.is_empty()).ok_or(BatchError::MissingId)?,
            body: message.body.unwrap_or_default(),
        },
        receipt_handle: message.receipt_handle,
    })
}

/// A verdict for each delivery, in their order.
async fn verdicts<H, V>(deliveries: &[Delivery], time: Duration, handle: H) -> Vec<Verdict>
where
    H: Fn(Vec<Message>) -> V,
    V: Future<Output = Vec<Verdict>>,
{
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, delivery) in deliveries.iter().enumerate() {
        groups.entry(&delivery.message.group).or_default().push(place);
    }
    let handled = groups.into_iter().map(|(group, places)| {
        let messages = places.iter().map(|place| deliveries[*place].message.clone()).collect();
        let verdicts = of_group(group, messages, time, &handle);
        async { places.into_iter().zip(verdicts.await).collect::<Vec<_>>() }
    });
    let mut verdicts: Vec<(usize, Verdict)> = join_all(handled).await.into_iter().flatten().collect();
    verdicts.sort_by_key(|(place, _)| *place);
    verdicts.into_iter().map(|(_, verdict)| verdict).collect()
}

/// The verdicts on one group's messages: what `handle` says if it comes to an end.
async fn of_group<H, V>(group: &str, messages: Vec<Message>, time: Duration, handle: &H) -> Vec<Verdict>
where
    H: Fn(Vec<Message>) -> V,
    V: Future<Output = Vec<Verdict>>,
{
    let count = messages.len();
    let handled = AssertUnwindSafe(async { handle(messages).await }).catch_unwind();
    let after = match tokio::time::timeout(time, handled).await {
        Ok(Ok(verdicts)) if verdicts.len() == count => return in_order(verdicts),
        Ok(Ok(_) | Err(_)) => {
            tracing::error!(company.id = group, "the code failed; its messages are delivered again");
            AFTER_FAILURE
        }
        Err(_) => {
            tracing::warn!(company.id = group, "the time was too short; the messages are delivered again");
            AFTER_TIMEOUT
        }
    };
    vec![Verdict::Redeliver { after }; count]
}

/// What follows a message that is delivered again is delivered again with it, and not before it.
fn in_order(verdicts: Vec<Verdict>) -> Vec<Verdict> {
    let mut again: Option<Verdict> = None;
    let redelivered = |verdict| match again.clone() {
        Some(again) => again,
        None => {
            again = matches!(verdict, Verdict::Redeliver { .. }).then(|| verdict.clone());
            verdict
        }
    };
    verdicts.into_iter().map(redelivered).collect()
}

/// The answer for the queue, and when each message that is not acknowledged comes back.
fn answer(deliveries: &[Delivery], verdicts: &[Verdict]) -> (SqsBatchResponse, Vec<Delay>) {
    let mut answer = SqsBatchResponse::default();
    let mut delays = Vec::new();
    for (delivery, verdict) in deliveries.iter().zip(verdicts) {
        if let Verdict::Redeliver { after } = verdict {
            answer.add_failure(&delivery.message.id);
            let receipt_handle = delivery.receipt_handle.clone();
            delays.extend(receipt_handle.map(|receipt_handle| Delay { receipt_handle, after: *after }));
        }
    }
    (answer, delays)
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;

    fn event(messages: &[(&str, &str)]) -> SqsEvent {
        let records = messages.iter().map(|(id, group)| {
            let mut message = SqsMessage::default();
            message.message_id = Some((*id).to_owned());
            message.receipt_handle = Some(format!("receipt of {id}"));
            message.body = Some(format!("body of {id}"));
            let attributes = [
                ("MessageGroupId", *group),
                ("SentTimestamp", "1770000000500"),
                ("ApproximateReceiveCount", "3"),
            ];
            message.attributes = attributes.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
            message
        });
        let mut event = SqsEvent::default();
        event.records = records.collect();
        event
    }

    fn deliveries(messages: &[(&str, &str)]) -> Vec<Delivery> {
        event(messages).records.into_iter().map(delivery).collect::<Result<_, _>>().unwrap()
    }

    fn again(seconds: u64) -> Verdict {
        Verdict::Redeliver { after: Duration::from_secs(seconds) }
    }

    /// Answers by the body's last letter: `a` for acknowledge, `r` for redeliver, `p` for panic, `s` for stuck, `w` for
    /// an answer of the wrong length.
    async fn by_letter(messages: Vec<Message>) -> Vec<Verdict> {
        let mut verdicts = Vec::new();
        for message in messages {
            match message.body.chars().last() {
                Some('a') => verdicts.push(Verdict::Acknowledge),
                Some('r') => verdicts.push(again(7)),
                Some('s') => std::future::pending().await,
                Some('w') => {}
                letter => panic!("{letter:?}"),
            }
        }
        verdicts
    }

    #[tokio::test(start_paused = true)]
    async fn each_group_is_answered_for_by_itself() {
        let deliveries = deliveries(&[
            ("1a", "acme"),
            ("2p", "globex"),
            ("3r", "acme"),
            ("4a", "acme"),
            ("5a", "initech"),
            ("6s", "stuck"),
            ("7w", "wrong"),
        ]);
        let verdicts = verdicts(&deliveries, Duration::from_secs(50), by_letter).await;
        let expected =
            [Verdict::Acknowledge, again(60), again(7), again(7), Verdict::Acknowledge, again(1), again(60)];
        assert_eq!(verdicts, expected);

        let (answer, delays) = answer(&deliveries, &verdicts);
        let failures: Vec<_> =
            answer.batch_item_failures.iter().map(|failure| failure.item_identifier.as_str()).collect();
        assert_eq!(failures, ["2p", "3r", "4a", "6s", "7w"]);
        assert_eq!(
            delays[1],
            Delay { receipt_handle: "receipt of 3r".into(), after: Duration::from_secs(7) }
        );
        assert_eq!(delays.len(), 5);
    }

    #[test]
    fn a_group_gets_its_messages_in_their_order() {
        let deliveries = deliveries(&[("1", "acme"), ("2", "globex"), ("3", "acme")]);
        let verdicts = block_on(verdicts(&deliveries, Duration::MAX, |messages| async move {
            let ids: Vec<_> = messages.iter().map(|message| message.id.as_str()).collect();
            assert!(ids == ["1", "3"] || ids == ["2"], "{ids:?}");
            vec![Verdict::Acknowledge; messages.len()]
        }));
        assert_eq!(verdicts, vec![Verdict::Acknowledge; 3]);
    }

    #[test]
    fn a_message_is_read_with_what_the_queue_says_about_it() {
        let message = deliveries(&[("1", "acme")]).remove(0).message;
        let sent_at = "2026-02-02T02:40:00.5Z".parse().unwrap();
        let expected = Message {
            id: "1".into(),
            group: "acme".into(),
            body: "body of 1".into(),
            sent_at,
            deliveries: 3,
        };
        assert_eq!(message, expected);
    }

    #[test]
    fn a_message_without_an_id_fails_the_batch() {
        for id in [None, Some(String::new())] {
            let mut message = SqsMessage::default();
            message.message_id = id;
            assert!(matches!(delivery(message), Err(BatchError::MissingId)));
        }
    }
}
