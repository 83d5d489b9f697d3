//! Calls that wait for their turn, so that all who call a realm stay within Intuit's limits together.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use quickbooks::{Answer, SendError, Transport, asks_to_wait};
use reqwest::{Method, Request};
use sync::failure::THROTTLE_PAUSE;
use sync::ids::Books;
use sync::limits::{Call, GRACE, Turn};
use sync::ports::{Budget, Clock, explain};

use crate::metrics::{Counts, Metrics};

/// Sends each request when its turn has come, and pauses the realm for everybody when Intuit asks for it. A request
/// whose turn comes too late is not sent and fails as throttled.
pub(crate) struct Paced {
    transport: Arc<dyn Transport>,
    budget: Arc<dyn Budget>,
    clock: Arc<dyn Clock>,
    books: Books,
    /// Later turns are not waited for.
    latest: Timestamp,
    /// Set when Intuit asks for a pause: whoever waits with a turn before its end needs another one.
    paused_until: Mutex<Option<Timestamp>>,
    tally: Tally,
    metrics: Metrics,
}

/// What has been called, for the log.
#[derive(Default)]
struct Tally {
    free: AtomicU64,
    metered: AtomicU64,
    throttled: AtomicU64,
    held_back: AtomicU64,
    waited_ms: AtomicU64,
    write_batches: AtomicU64,
}

impl Paced {
    pub(crate) fn new(
        transport: Arc<dyn Transport>,
        budget: Arc<dyn Budget>,
        clock: Arc<dyn Clock>,
        books: Books,
        latest: Timestamp,
        metrics: Metrics,
    ) -> Paced {
        Paced {
            transport,
            budget,
            clock,
            books,
            latest,
            paused_until: Mutex::default(),
            tally: Tally::default(),
            metrics,
        }
    }

    /// Returns when the call may be sent.
    async fn turn(&self, call: Call) -> Result<(), SendError> {
        loop {
            let now = self.clock.now();
            let turn = self.budget.reserve(&self.books, call, now, self.latest).await;
            match turn.map_err(|error| SendError::NotSent(explain(&error)))? {
                Turn::NotBefore(turn) => {
                    add(&self.tally.held_back, 1);
                    return Err(SendError::NotYet(until(turn, now)));
                }
                Turn::At(turn) => {
                    let wait = until(turn, now);
                    if !wait.is_zero() {
                        add(&self.tally.waited_ms, u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
                        self.clock.sleep(wait).await;
                    }
                    if self.clock.now() <= turn + GRACE && !self.is_paused_at(turn) {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn is_paused_at(&self, turn: Timestamp) -> bool {
        let paused_until = self.paused_until.lock().unwrap_or_else(PoisonError::into_inner);
        paused_until.is_some_and(|until| turn < until)
    }

    async fn pause(&self, time: Duration) {
        add(&self.tally.throttled, 1);
        let until = self.clock.now() + time;
        *self.paused_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
        let (company, realm) = (&self.books.company, &self.books.realm);
        match self.budget.pause(&self.books, until).await {
            Ok(()) => tracing::warn!(
                company.id = %company,
                realm.id = %realm,
                pause_ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
                "QuickBooks asks for fewer requests; the realm is left alone"
            ),
            // This function knows, and each of the others will be told by QuickBooks.
            Err(error) => tracing::warn!(
                company.id = %company,
                realm.id = %realm,
                error = explain(&error),
                "QuickBooks asks for fewer requests, and other functions could not be told"
            ),
        }
    }
}

#[async_trait]
impl Transport for Paced {
    async fn execute(&self, request: Request) -> Result<Answer, SendError> {
        let call = call(&request);
        self.turn(call).await?;
        match call {
            Call::Write => add(&self.tally.free, 1),
            Call::Read | Call::Batch => add(&self.tally.metered, 1),
        }
        if call == Call::Batch && is_named(&request) {
            add(&self.tally.write_batches, 1);
        }
        let answer = self.transport.execute(request).await?;
        if let Some(time) = asks_to_wait(&answer, THROTTLE_PAUSE) {
            self.pause(time).await;
        }
        Ok(answer)
    }
}

/// One line for all calls of a company's batch.
impl Drop for Paced {
    fn drop(&mut self) {
        let [free, metered, throttled, held_back, waited_ms, write_batches] = [
            &self.tally.free,
            &self.tally.metered,
            &self.tally.throttled,
            &self.tally.held_back,
            &self.tally.waited_ms,
            &self.tally.write_batches,
        ]
        .map(|count| count.load(Ordering::Relaxed));
        let manner = if write_batches > 0 { "in batches" } else { "one by one" };
        self.metrics.called(&Counts { throttled, metered, free, write_batches, ..Counts::default() });
        tracing::info!(
            company.id = %self.books.company,
            realm.id = %self.books.realm,
            calls.free = free,
            calls.metered = metered,
            calls.throttled = throttled,
            calls.held_back = held_back,
            calls.waited_ms = waited_ms,
            calls.write_batches = write_batches,
            "called QuickBooks {} times, {metered} of them metered, and wrote {manner}",
            free + metered
        );
    }
}

fn add(count: &AtomicU64, more: u64) {
    count.fetch_add(more, Ordering::Relaxed);
}

fn until(turn: Timestamp, now: Timestamp) -> Duration {
    turn.duration_since(now).try_into().unwrap_or_default()
}

/// Whether a request has an id of its own, as writes have.
fn is_named(request: &Request) -> bool {
    request.url().query_pairs().any(|(name, _)| name == "requestid")
}

/// What a request is to Intuit's limits.
fn call(request: &Request) -> Call {
    let operation = request.url().path().rsplit('/').next();
    match (request.method(), operation) {
        (&Method::POST, Some("batch")) => Call::Batch,
        (&Method::POST, Some("query")) => Call::Read,
        (&Method::POST, _) => Call::Write,
        _ => Call::Read,
    }
}

#[cfg(test)]
mod tests;
