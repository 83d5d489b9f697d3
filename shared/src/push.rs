//! The push: entity events of the billing app become entities in QuickBooks.

use std::time::Duration;

use jiff::Timestamp;

use crate::ports::{ActivityLog, Billing, Clock, Companies, Connector, Ledger};

/// What a push works with.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// Tenants.
    pub companies: &'a dyn Companies,
    /// Who is linked with whom.
    pub ledger: &'a dyn Ledger,
    /// What became of each event.
    pub activity: &'a dyn ActivityLog,
    /// The billing app's records.
    pub billing: &'a dyn Billing,
    /// The way to each company's QuickBooks.
    pub connector: &'a dyn Connector,
    /// The time.
    pub clock: &'a dyn Clock,
}

/// A message of the push queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The queue's id of it.
    pub id: String,
    /// Its message group: the company, as the sender says.
    pub group: String,
    /// One event, or an array of them.
    pub body: String,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// How often it has been delivered, this time included.
    pub deliveries: u32,
}

/// What is to be done with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every event in it has ended; it may be deleted.
    Acknowledge,
    /// It is to be delivered again, and with it all that follows in its group.
    Redeliver {
        /// How long to wait before.
        after: Duration,
    },
}

/// Deals with a batch of messages, each group in its order, and says for each message, in the same order, what is
/// to be done with it. Never fails as a whole.
pub async fn messages(ports: Ports<'_>, messages: &[Message]) -> Vec<Verdict> {
    let _ = ports;
    messages.iter().map(|_| Verdict::Redeliver { after: Duration::from_secs(30) }).collect()
}
