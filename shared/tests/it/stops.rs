//! The outside, with a gate before one of the calls to it: what comes to the gate can be let through later, or killed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use sync::ports::PushQueue;
use sync::push::Ports;
use tokio::sync::Semaphore;

use crate::desk::Desk;
use crate::guarded::{Fate, Guard, Guarded};

/// Where something stops: before its call of this number.
struct Gate {
    before: usize,
    calls: AtomicUsize,
    reached: Semaphore,
    opened: Semaphore,
}

#[async_trait]
impl Guard for Gate {
    async fn fate(&self) -> Fate {
        if self.calls.fetch_add(1, Ordering::SeqCst) == self.before {
            self.reached.add_permits(1);
            self.opened.acquire().await.unwrap().forget();
        }
        Fate::Lives
    }
}

/// A desk's ports behind a gate.
pub(crate) struct Stops<'a> {
    outside: Guarded<'a>,
    gate: Arc<Gate>,
}

impl<'a> Stops<'a> {
    /// Stops before the call of this number, counted from 0.
    pub(crate) fn before(desk: &'a Desk, call: usize) -> Stops<'a> {
        let gate = Arc::new(Gate {
            before: call,
            calls: AtomicUsize::new(0),
            reached: Semaphore::new(0),
            opened: Semaphore::new(0),
        });
        Stops { outside: Guarded::new(desk.ports(), Arc::clone(&gate) as _), gate }
    }

    /// The same, and a queue to send to.
    pub(crate) fn sending_to(self, queue: &'a dyn PushQueue) -> Stops<'a> {
        Stops { outside: Guarded { pushes: Some(queue), ..self.outside }, ..self }
    }

    pub(crate) fn ports(&self) -> Ports<'_> {
        self.outside.ports()
    }

    /// The queue behind the gate.
    pub(crate) fn queue(&self) -> &dyn PushQueue {
        &self.outside
    }

    /// Runs something until it comes to the gate; gives its result if it never does.
    pub(crate) async fn until_stopped<T>(&self, run: &mut (impl Future<Output = T> + Unpin)) -> Option<T> {
        tokio::select! {
            biased;
            result = run => Some(result),
            stopped = self.gate.reached.acquire() => {
                stopped.unwrap().forget();
                None
            }
        }
    }

    /// Lets through what waits.
    pub(crate) fn open(&self) {
        self.gate.opened.add_permits(1);
    }
}
