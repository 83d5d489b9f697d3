//! Writes that go to QuickBooks together: in batches of up to thirty while a backlog is long, else one by one.
//!
//! Events under way leave their writes here and wait for the answers. A batch leaves when it is full, or when all that
//! is under way waits. What an event does with its answer is the same as if its write had gone alone.
//!
//! A batch has a `requestid` of its own, so a create that was sent in one cannot be repeated by itself. An answer that is
//! lost is therefore asked for with the very same batch, at once. Where that fails too, or the worker dies, the create
//! stays open until nobody can be carrying the batch out any more ([`still_open`]); only then does it count that QuickBooks
//! does not have the entity.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::Stream;
use futures::channel::oneshot;
use futures::future::{BoxFuture, poll_fn};
use futures::stream::FuturesUnordered;
use jiff::{SignedDuration, Timestamp};
use quickbooks_wire::Entity;

use crate::failure::{Failure, classify};
use crate::limits::Spent;
use crate::link::{Intent, RequestId};
use crate::mapping::fields;
use crate::model::Kind;
use crate::outcome::Retry;
use crate::ports::{CallError, QuickBooks, Write};
use crate::settings::Directions;

/// The longest backlog that goes one by one: half a minute of turns at eight a second (`limits`), and half of what a
/// function has time for. What is beyond would take minutes, delivery after delivery.
const LONGEST_ONE_BY_ONE: usize = 240;
/// The most metered calls of a month with which a batch is still affordable: a fifth of what Intuit gives an app for all
/// its realms before it blocks them (Intuit: App Partner Program, Builder tier, 500,000). Look-ups need the rest.
const MOST_METERED: u64 = 100_000;
/// A transaction with more lines goes alone, since large batches are the ones that time out.
const MOST_LINES: usize = 100;
/// How often a batch is repeated at once when its answer is lost.
const REPEATS: usize = 2;
/// For so long somebody may still be carrying out a batch whose writes were recorded: a function's whole time (a minute),
/// what Intuit gives a request (two minutes, Intuit: Limits and throttles), and as much again for clocks and look-ups
/// that lag behind.
const SETTLED_AFTER: SignedDuration = SignedDuration::from_mins(6);

/// How the writes of a backlog go to QuickBooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// Each by itself, several in flight. Free of charge.
    OneByOne,
    /// Thirty in a call, which is metered.
    InBatches,
}

impl Manner {
    /// What suits a backlog of events of these kinds, with these directions and so many calls spent this month. Only
    /// transactions that are pushed count, since nothing else goes in batches.
    pub(super) fn of(
        backlog: impl IntoIterator<Item = Kind>,
        directions: &Directions,
        spent: Spent,
    ) -> Manner {
        let is_transaction = |kind: &Kind| matches!(kind, Kind::Invoice | Kind::Payment);
        let pushed = |kind: &Kind| is_transaction(kind) && directions.of(*kind).pushes();
        let count = backlog.into_iter().filter(pushed).count();
        let affordable = spent.metered <= MOST_METERED;
        if count > LONGEST_ONE_BY_ONE && affordable { Manner::InBatches } else { Manner::OneByOne }
    }

    /// How many events are carried out at the same time: with batches, one can fill while another one is on its way.
    pub(super) fn at_once(self) -> usize {
        match self {
            Manner::OneByOne => 8,
            Manner::InBatches => 2 * Write::MOST_IN_A_BATCH,
        }
    }
}

/// Whether a write of this entity may go with others. Intuit advises against writing Customers and Items side by side
/// (Intuit: Batch operations).
pub(super) fn may_join(entity: &Entity) -> bool {
    match entity {
        Entity::Invoice(invoice) => invoice.lines().len() <= MOST_LINES,
        Entity::Payment(payment) => payment.lines().len() <= MOST_LINES,
        Entity::Customer(_) | Entity::Item(_) => false,
    }
}

/// The wait for a create that may still be carried out by a batch. Until then nobody may send it again, whatever a look-up
/// finds.
pub(super) fn still_open(intent: &Intent, now: Timestamp) -> Option<Retry> {
    if !intent.in_batch {
        return None;
    }
    let left = SETTLED_AFTER - now.duration_since(intent.at);
    let left = Duration::try_from(left).ok().filter(|left| !left.is_zero())?;
    let reason = "the batch in which it was sent has given no answer, and may still be carried out";
    Some(Retry { reason: reason.to_owned(), after: Some(left) })
}

/// Where writes wait for each other.
pub(super) struct Together {
    quickbooks: Arc<dyn QuickBooks>,
    line: Mutex<Line>,
}

#[derive(Default)]
struct Line {
    waiting: Vec<Waiting>,
    /// How many writes are on their way.
    in_flight: usize,
}

struct Waiting {
    write: Write,
    request_id: RequestId,
    answer: oneshot::Sender<Result<Entity, CallError>>,
}

/// Batches on their way.
pub(super) type Sending<'t> = FuturesUnordered<BoxFuture<'t, ()>>;

impl Together {
    /// Nobody waits yet.
    pub(super) fn over(quickbooks: &Arc<dyn QuickBooks>) -> Together {
        Together { quickbooks: Arc::clone(quickbooks), line: Mutex::default() }
    }

    /// Waits for the others and goes with them.
    pub(super) async fn join(&self, write: Write, request_id: &RequestId) -> Result<Entity, CallError> {
        let (answer, answered) = oneshot::channel();
        self.line().waiting.push(Waiting { write, request_id: request_id.clone(), answer });
        answered.await.unwrap_or_else(|_| Err(CallError::Unknown("its batch was given up".into())))
    }

    /// What has to leave now, if so many events are under way.
    fn due(&self, under_way: usize) -> Option<Vec<Waiting>> {
        let mut line = self.line();
        let waiting = line.waiting.len();
        let is_full = waiting >= Write::MOST_IN_A_BATCH;
        let nobody_else_comes = waiting > 0 && waiting + line.in_flight >= under_way;
        if !is_full && !nobody_else_comes {
            return None;
        }
        let batch: Vec<Waiting> = line.waiting.drain(..waiting.min(Write::MOST_IN_A_BATCH)).collect();
        line.in_flight += batch.len();
        Some(batch)
    }

    /// Sends writes, and gives each its answer.
    async fn send(&self, batch: Vec<Waiting>) {
        let count = batch.len();
        match batch.as_slice() {
            [one] => {
                let answer = one.write.alone(&*self.quickbooks, &one.request_id).await;
                tell(batch, vec![answer]);
            }
            several => {
                let writes: Vec<Write> = several.iter().map(|waiting| waiting.write.clone()).collect();
                let ids: Vec<&RequestId> = several.iter().map(|waiting| &waiting.request_id).collect();
                let answers = answers(&*self.quickbooks, &writes, &ids).await;
                tell(batch, answers);
            }
        }
        self.line().in_flight -= count;
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whoever has been given up needs no answer any more.
fn tell(batch: Vec<Waiting>, answers: Vec<Result<Entity, CallError>>) {
    for (waiting, answer) in batch.into_iter().zip(answers) {
        drop(waiting.answer.send(answer));
    }
}

/// The answer to each write. What is unknown of the batch is unknown of each.
async fn answers(
    quickbooks: &dyn QuickBooks,
    writes: &[Write],
    ids: &[&RequestId],
) -> Vec<Result<Entity, CallError>> {
    let request_id = fields::batch_request_id(ids.iter().copied());
    let mut lost = None;
    for _ in 0..=REPEATS {
        match quickbooks.batch(writes, &request_id).await {
            Ok(mut answers) => {
                let missing = || Err(CallError::Unknown("the batch's answer lacks it".into()));
                answers.resize_with(writes.len(), missing);
                return answers;
            }
            Err(error) if may_have_happened(&error) => lost = Some(error),
            // This time it did nothing; the time before is as unknown as it was.
            Err(_) if lost.is_some() => break,
            Err(CallError::Refused(_)) => return one_by_one(quickbooks, writes, ids).await,
            Err(error) => return vec![Err(error); writes.len()],
        }
    }
    let lost = lost.unwrap_or_else(|| CallError::Unknown("the batch was not answered".into()));
    vec![Err(lost); writes.len()]
}

fn may_have_happened(error: &CallError) -> bool {
    matches!(classify(error), Failure::Later { certain: false, .. })
}

/// A batch that is refused as a whole has done nothing, and says nothing of its writes.
async fn one_by_one(
    quickbooks: &dyn QuickBooks,
    writes: &[Write],
    ids: &[&RequestId],
) -> Vec<Result<Entity, CallError>> {
    let mut answers = Vec::with_capacity(writes.len());
    for (write, id) in writes.iter().zip(ids) {
        answers.push(write.alone(quickbooks, id).await);
    }
    answers
}

/// The next event that ends. What those under way wait for is sent meanwhile.
pub(super) async fn next_ended<'t, F>(
    under_way: &mut FuturesUnordered<F>,
    together: Option<&'t Together>,
    sending: &mut Sending<'t>,
) -> Option<F::Output>
where
    F: Future,
{
    poll_fn(|context| {
        loop {
            if let Poll::Ready(ended) = next(under_way, context) {
                return Poll::Ready(ended);
            }
            let Some(together) = together else { return Poll::Pending };
            while let Some(batch) = together.due(under_way.len()) {
                sending.push(Box::pin(together.send(batch)));
            }
            match next(sending, context) {
                Poll::Ready(Some(())) => {}
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            }
        }
    })
    .await
}

fn next<F: Future>(futures: &mut FuturesUnordered<F>, context: &mut Context<'_>) -> Poll<Option<F::Output>> {
    Pin::new(futures).poll_next(context)
}

#[cfg(test)]
mod tests;
