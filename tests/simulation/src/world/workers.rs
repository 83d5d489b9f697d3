//! Workers: pushes under way, each driven step by step, and dropped where it crashes.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use sync::push::{self, Message, Ports, Verdict};

use crate::chaos::Chaos;
use crate::clock::SimulatedClock;
use crate::queue::{Queue, Receipt};
use crate::sabotage::Sabotage;
use crate::stores::Stores;

type Push = Pin<Box<dyn Future<Output = Vec<Verdict>>>>;

/// Pushes under way.
#[derive(Default)]
pub(super) struct Workers(Vec<Worker>);

struct Worker {
    place: usize,
    receipts: Vec<Receipt>,
    push: Push,
}

impl Workers {
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// Whether one of them is at work for the company at `place`.
    pub(super) fn is_at(&self, place: usize) -> bool {
        self.0.iter().any(|worker| worker.place == place)
    }

    /// Begins to push messages of the company at `place`.
    pub(super) fn start(&mut self, stores: &Arc<Stores>, place: usize, handed: Vec<(Receipt, Message)>) {
        let (receipts, messages): (Vec<Receipt>, Vec<Message>) = handed.into_iter().unzip();
        let stores = Arc::clone(stores);
        let push = Box::pin(async move {
            let ports = Ports {
                companies: &*stores,
                ledger: &*stores,
                activity: &*stores,
                billing: &*stores,
                connector: &*stores,
                clock: &*stores.clock,
            };
            push::messages(ports, &messages).await
        });
        self.0.push(Worker { place, receipts, push });
    }

    /// Lets one of them go on to its next call.
    pub(super) fn step(
        &mut self,
        stream: &mut fastrand::Rng,
        chaos: &Chaos,
        queues: &mut [Queue],
        clock: &SimulatedClock,
        sabotage: Option<Sabotage>,
    ) {
        if self.0.is_empty() {
            return;
        }
        let place = stream.usize(..self.0.len());
        let polled = self.0[place].push.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let verdicts = match polled {
            Poll::Ready(verdicts) => verdicts,
            Poll::Pending if chaos.take_crash() => Vec::new(),
            Poll::Pending => return,
        };
        let worker = self.0.swap_remove(place);
        for (receipt, verdict) in worker.receipts.iter().zip(&verdicts) {
            let verdict = match verdict {
                Verdict::Redeliver { .. } if sabotage == Some(Sabotage::FailuresAreAcknowledged) => {
                    &Verdict::Acknowledge
                }
                verdict => verdict,
            };
            queues[worker.place].settle(receipt, verdict, clock.time());
        }
    }
}

/// Runs what never waits for anything outside.
pub(super) fn finish<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(done) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return done;
        }
    }
}
