//! Workers: pushes, pulls, sweeps and polls under way, each driven step by step, and dropped where it crashes.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use jiff::{SignedDuration, Timestamp};
use sync::ids::CompanyId;
use sync::push::{self, Message, Ports, Verdict};
use sync::{poll, pull, reconcile};

use super::COMPANIES;
use crate::chaos::Chaos;
use crate::clock::SimulatedClock;
use crate::queue::{Queue, Receipt};
use crate::sabotage::Sabotage;
use crate::stores::Stores;

type Job = Pin<Box<dyn Future<Output = Vec<Verdict>>>>;

/// Work under way.
#[derive(Default)]
pub(super) struct Workers(Vec<Worker>);

struct Worker {
    company: usize,
    queue: usize,
    receipts: Vec<Receipt>,
    started: Timestamp,
    job: Job,
}

/// How long a function that pulls, sweeps or polls runs at most (template.yaml, Timeout). What it was handed stays out
/// of sight for longer, so that no two pull for one company.
const TIMEOUT: SignedDuration = SignedDuration::from_secs(60);

/// What is done by the clock, not because of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Errand {
    Sweep,
    Poll,
}

impl Workers {
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// Whether one of them is at work for the company at `place`.
    pub(super) fn is_at(&self, place: usize) -> bool {
        self.0.iter().any(|worker| worker.company == place)
    }

    /// Begins to carry out messages of a queue.
    pub(super) fn start(&mut self, stores: &Arc<Stores>, queue: usize, handed: Vec<(Receipt, Message)>) {
        let (receipts, messages): (Vec<Receipt>, Vec<Message>) = handed.into_iter().unzip();
        let (stores, started) = (Arc::clone(stores), stores.clock.time());
        let job = Box::pin(async move {
            let ports = Ports {
                companies: &*stores,
                ledger: &*stores,
                activity: &*stores,
                billing: &*stores,
                connector: &*stores,
                clock: &*stores.clock,
            };
            match queue < COMPANIES {
                true => push::messages(ports, &messages).await,
                false => pull::messages(ports, &messages).await,
            }
        });
        self.0.push(Worker { company: queue % COMPANIES, queue, receipts, started, job });
    }

    /// Begins to look for what nobody has told.
    pub(super) fn run(&mut self, stores: &Arc<Stores>, place: usize, company: CompanyId, errand: Errand) {
        let (stores, started) = (Arc::clone(stores), stores.clock.time());
        let job = Box::pin(async move {
            match errand {
                Errand::Sweep => drop(reconcile::sweep(sweeping(&stores), &company).await),
                Errand::Poll => drop(poll::poll(polling(&stores), &company).await),
            }
            Vec::new()
        });
        self.0.push(Worker { company: place, queue: COMPANIES + place, receipts: Vec::new(), started, job });
    }

    /// Stops those that have run for too long, and those whose messages come into sight again.
    pub(super) fn stop(&mut self, now: Timestamp, lapsed: Option<usize>) {
        self.0.retain(|worker| {
            let is_push = worker.queue < COMPANIES;
            let is_late = now.duration_since(worker.started) > TIMEOUT || lapsed == Some(worker.queue);
            is_push || !is_late
        });
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
        let polled = self.0[place].job.as_mut().poll(&mut Context::from_waker(Waker::noop()));
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
            queues[worker.queue].settle(receipt, verdict, clock.time());
        }
    }
}

fn sweeping(stores: &Stores) -> reconcile::Ports<'_> {
    reconcile::Ports {
        companies: stores,
        sweeps: stores,
        ledger: stores,
        activity: stores,
        connector: stores,
        queue: stores,
        clock: &*stores.clock,
    }
}

fn polling(stores: &Stores) -> poll::Ports<'_> {
    poll::Ports { companies: stores, billing: stores, ledger: stores, queue: stores, cursors: stores }
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
