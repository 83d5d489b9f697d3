//! Everything the server knows, each part behind a lock of its own. No lock is held across an await.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use simulator_server::{Clock, Controlled, lock};
use tokio::sync::Notify;

use super::Options;
use super::calls::{CallKind, Calls};
use super::faults::{Effect, Faults};
use super::webhooks::Attempt;
use crate::company::Installation;

pub(super) type Shared = Arc<Server>;

/// What is being served.
pub struct Server {
    pub(super) options: Options,
    pub(super) clock: Clock,
    installation: Mutex<Installation>,
    pub(super) calls: Mutex<Calls>,
    pub(super) faults: Mutex<Faults>,
    /// Whether webhooks are sent at all; while they are not, they are lost.
    pub(super) webhooks_on: AtomicBool,
    pub(super) attempts: Mutex<Vec<Attempt>>,
    /// Webhooks that were taken to be sent, and are not answered yet.
    pub(super) under_way: AtomicUsize,
    /// Somebody acted on the installation, so a webhook may wait.
    pub(super) changed: Notify,
}

/// Everything that survives a restart. Faults in force and calls seen do not.
#[derive(Serialize, Deserialize)]
pub struct Snapshot {
    installation: Installation,
    clock_offset: SignedDuration,
}

impl Server {
    pub(super) fn new(options: Options) -> Self {
        let clock = Clock::new(SignedDuration::ZERO);
        let installation = Installation::new(&options.companies, clock.now());
        Self {
            options,
            clock,
            installation: Mutex::new(installation),
            calls: Mutex::default(),
            faults: Mutex::default(),
            webhooks_on: AtomicBool::new(true),
            attempts: Mutex::default(),
            under_way: AtomicUsize::new(0),
            changed: Notify::new(),
        }
    }

    /// Acts on the installation at a moment of the clock, which does not run backwards between such acts.
    pub(super) fn with<R>(&self, act: impl FnOnce(&mut Installation, Timestamp) -> R) -> R {
        let result = {
            let mut installation = lock(&self.installation);
            act(&mut installation, self.clock.now())
        };
        self.changed.notify_one();
        result
    }

    /// When the next webhook is due. None if none waits.
    pub(super) fn next_webhook(&self) -> Option<Timestamp> {
        lock(&self.installation).next_webhook()
    }

    /// How many webhooks are still to be sent or answered.
    pub(super) fn undelivered_webhooks(&self) -> usize {
        let installation = lock(&self.installation);
        installation.waiting_events() + self.under_way.load(Ordering::SeqCst)
    }
}

impl Controlled for Server {
    type Effect = Effect;
    type Kind = CallKind;
    type Snapshot = Snapshot;

    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn faults(&self) -> &Mutex<Faults> {
        &self.faults
    }

    fn forget_calls(&self) {
        *lock(&self.calls) = Calls::default();
    }

    fn reset(&self) {
        self.clock.set_offset(SignedDuration::ZERO);
        *lock(&self.installation) = Installation::new(&self.options.companies, self.clock.now());
        self.forget_calls();
        *lock(&self.faults) = Faults::default();
        self.webhooks_on.store(true, Ordering::Relaxed);
        lock(&self.attempts).clear();
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot { installation: lock(&self.installation).clone(), clock_offset: self.clock.offset() }
    }

    fn restore(&self, snapshot: Snapshot) {
        self.clock.set_offset(snapshot.clock_offset);
        self.with(|installation, _| *installation = snapshot.installation);
    }
}
