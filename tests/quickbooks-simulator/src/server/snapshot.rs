//! The whole state as one value: to look at, to put back, and to keep in a file over a restart.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::calls::Calls;
use super::oauth::connections::Connections;
use super::state::{Server, lock, read, write};
use super::switches::Switches;
use super::webhooks::WebhookSettings;
use crate::company::Company;

/// Everything that survives a restart. Faults in force and undelivered webhooks do not.
#[derive(Serialize, Deserialize)]
pub(super) struct Snapshot {
    companies: BTreeMap<String, Company>,
    connections: Connections,
    calls: Calls,
    switches: Switches,
    webhooks: WebhookSettings,
    consents_for: Option<String>,
    clock_offset: SignedDuration,
}

impl Server {
    pub(super) fn snapshot(&self) -> Snapshot {
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

    pub(super) fn restore(&self, snapshot: Snapshot) {
        self.clock.set_offset(snapshot.clock_offset);
        self.replace_companies(snapshot.companies);
        *lock(&self.connections) = snapshot.connections;
        *lock(&self.calls) = snapshot.calls;
        *write(&self.switches) = snapshot.switches;
        *lock(&self.consents_for) = snapshot.consents_for;
        self.webhooks.configure(snapshot.webhooks);
    }
}
