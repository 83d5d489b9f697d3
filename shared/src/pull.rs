//! The pull: what changed in QuickBooks is brought to the billing app.
//!
//! The push the other way round, with the same care. [`messages`] takes a batch off the queue apart; `group` deals with
//! one company's notices; `sources` reads many entities in few calls; `plan` decides what of a change counts;
//! `records` says what each kind needs; `create`, `write` and `replace` make and change records so that no crash, lost
//! answer or repetition ever makes a second one; `gone` follows voids, deletions and merges. `page` does the same for an
//! import's pages.

mod create;
mod gone;
mod group;
mod open;
pub(crate) mod page;
mod plan;
mod records;
mod replace;
mod sources;
mod write;

use crate::push::{Message, Ports, Verdict, side_by_side};

/// The entity that a payment of this number was made of, if its number is one that a pull gives.
pub(crate) fn entity_of_payment(number: &str) -> Option<String> {
    let id = number.trim().strip_prefix(replace::PAYMENT)?.split('-').next()?;
    (!id.is_empty()).then(|| id.to_owned())
}

/// Deals with a batch of messages, each group in its order, and says for each message, in the same order, what is
/// to be done with it. Never fails as a whole; groups do not hold each other up.
pub async fn messages(ports: Ports<'_>, messages: &[Message]) -> Vec<Verdict> {
    side_by_side(messages, |group, ours| async move { group::run(ports, group, &ours).await }).await
}
