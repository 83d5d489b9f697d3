//! The whole state: begun anew, and as one value to look at, to put back, and to keep in a file over a restart.

use std::collections::BTreeMap;
use std::sync::Mutex;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use simulator_server::{Clock, Controlled};

use super::calls::{CallKind, Calls};
use super::faults::{Effect, Faults};
use super::oauth::connections::Connections;
use super::state::{Server, lock, read, write};
use super::switches::Switches;
use super::throttle::Throttle;
use super::webhooks::WebhookSettings;
use crate::company::Company;

/// Everything that survives a restart. Faults in force and undelivered webhooks do not.
#[derive(Serialize, Deserialize)]
pub struct Snapshot {
    companies: BTreeMap<String, Company>,
    connections: Connections,
    calls: Calls,
    switches: Switches,
    webhooks: WebhookSettings,
    consents_for: Option<String>,
    clock_offset: SignedDuration,
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
        self.begin_companies_anew();
        *lock(&self.connections) = Connections::default();
        *lock(&self.throttle) = Throttle::default();
        self.forget_calls();
        *lock(&self.faults) = Faults::default();
        *write(&self.switches) = self.options.switches.clone();
        *lock(&self.consents_for) = None;
        self.webhooks.forget();
        self.webhooks.configure(self.options.webhooks.clone());
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot {
            companies: self.copy_companies(),
            connections: lock(&self.connections).clone(),
            calls: lock(&self.calls).clone(),
            switches: read(&self.switches).clone(),
            webhooks: self.webhooks.settings(),
            consents_for: lock(&self.consents_for).clone(),
            clock_offset: self.clock.offset(),
        }
    }

    fn restore(&self, snapshot: Snapshot) {
        self.clock.set_offset(snapshot.clock_offset);
        self.replace_companies(snapshot.companies);
        *lock(&self.connections) = snapshot.connections;
        *lock(&self.calls) = snapshot.calls;
        *write(&self.switches) = snapshot.switches;
        *lock(&self.consents_for) = snapshot.consents_for;
        self.webhooks.configure(snapshot.webhooks);
    }
}
