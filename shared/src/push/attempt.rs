//! Changes whose outcome is not known: recorded before the call, settled before the next one.

use quickbooks_wire::{Entity, EntityKind};
use rust_decimal::Decimal;

use super::batch::{Batch, Ending};
use super::write::{as_seen, taken_back};
use crate::failure::{Failure, classify};
use crate::link::{Attempt, Link};
use crate::mapping::fields;
use crate::matching;
use crate::outcome::DoneAction;
use crate::plan;
use crate::ports::CallError;

/// The longest change that is recorded. Every store keeps it beside the rest of the link; a change that is longer still
/// is sent without, since it is sooner seen by a person than cut short.
const LONGEST: usize = 500_000;

/// A link of which everything is known.
pub(super) struct Settled {
    pub(super) link: Link,
    /// The entity, if a change whose answer was lost has been carried out.
    pub(super) carried_out: Option<Entity>,
}

impl Attempt {
    /// A void, or making inactive: there is nothing to compare but the state.
    pub(super) fn without_body(action: DoneAction) -> Attempt {
        Attempt { action, members: Vec::new(), body: String::new(), notes: Vec::new() }
    }

    /// The members that were sent.
    pub(crate) fn sent(&self, kind: EntityKind) -> Option<Entity> {
        fields::typed(kind, serde_json::from_str(&self.body).ok()?)
    }
}

/// What a person is to know of a change that was cut short and has been carried out.
pub(super) fn told_by_attempt(link: &Link) -> Vec<String> {
    link.attempt.iter().flat_map(|attempt| attempt.notes.clone()).collect()
}

impl Batch<'_> {
    /// Records what is about to be sent.
    pub(super) async fn begin(&mut self, link: Link, attempt: Attempt) -> Result<Link, Ending> {
        let attempt = Some(Box::new(attempt)).filter(|attempt| attempt.body.len() <= LONGEST);
        let link = Link { attempt, revision: link.revision + 1, ..link };
        self.ports.ledger.refresh(&self.books, &link).await?;
        self.remember(&link);
        Ok(link)
    }

    /// Forgets what was recorded, since it certainly came to nothing.
    pub(super) async fn give_up(&mut self, link: &Link) -> Result<(), Ending> {
        let link = Link { attempt: None, revision: link.revision + 1, ..link.clone() };
        self.ports.ledger.refresh(&self.books, &link).await?;
        self.remember(&link);
        Ok(())
    }

    /// What the failure of a change that was recorded means for the event.
    pub(super) async fn failed<T>(&mut self, link: &Link, error: CallError) -> Result<T, Ending> {
        if !matches!(classify(&error), Failure::Later { certain: false, .. }) {
            self.give_up(link).await?;
        }
        self.answer(Err(error))
    }

    /// QuickBooks' answer to an update of an entity that was taken back, if it was carried out. What was brought back and
    /// taken back again in QuickBooks looks like what never was brought back, so the very same request is sent once
    /// more: it is answered as it was then, or refused, since its version is no longer the current one.
    async fn answer_to(&mut self, link: &Link, attempt: &Attempt) -> Result<Option<Entity>, Ending> {
        let kind = fields::entity_kind(link.kind);
        let (id, token) = (link.quickbooks_id.as_str(), &link.sync_token);
        let sent = attempt.sent(kind);
        let Some(change) = sent.and_then(|sent| fields::sparse(&sent, &attempt.members, id, token)) else {
            return Ok(None);
        };
        let body = serde_json::to_string(&change).unwrap_or_default();
        let request_id = fields::change_request_id(&self.books, kind, id, token, &body);
        match self.quickbooks.update(&change, &request_id).await {
            Ok(answer) => Ok(Some(answer)),
            Err(error) => match classify(&error) {
                Failure::Later { .. } | Failure::Disconnected(_) => self.answer(Err(error)),
                _ => Ok(None),
            },
        }
    }

    /// Finds out what became of a change that was cut short. Costs a read if there is one, and nothing else.
    pub(super) async fn settle(&mut self, link: Link) -> Result<Settled, Ending> {
        let Some(attempt) = link.attempt.clone() else {
            return Ok(Settled { link, carried_out: None });
        };
        let not_carried_out =
            |link: Link| Settled { link: Link { attempt: None, ..link }, carried_out: None };
        let Some(current) = self.read(&link).await? else { return Ok(not_carried_out(link)) };
        let Some(after) = plan::after_attempt(&link, &attempt, &current) else {
            return Ok(not_carried_out(link));
        };
        let is_gone = is_taken_back(&current);
        if link.withdrawn && is_gone && attempt.action == DoneAction::Updated {
            // It may hold much of what was to be brought back, and is not back for that.
            let Some(answer) = self.answer_to(&link, &attempt).await? else {
                return Ok(not_carried_out(link));
            };
            let link = plan::taken_back_again(&link, &attempt, &answer, &current);
            return Ok(Settled { link: as_seen(&link, &current), carried_out: Some(current) });
        }
        let after = as_seen(&after, &current);
        if attempt.action == DoneAction::Updated {
            let carried_out = after.pushed != link.pushed;
            let link = Link { withdrawn: false, ..after };
            return Ok(if carried_out {
                Settled { link, carried_out: Some(current) }
            } else {
                not_carried_out(link)
            });
        }
        Ok(if is_gone {
            Settled { link: taken_back(after), carried_out: Some(current) }
        } else {
            not_carried_out(after)
        })
    }
}

/// Whether an entity is as a void, or making it inactive, leaves it.
fn is_taken_back(entity: &Entity) -> bool {
    match entity {
        Entity::Customer(customer) => customer.active == Some(false),
        Entity::Item(item) => item.active == Some(false),
        Entity::Invoice(invoice) => matching::is_voided(invoice),
        Entity::Payment(payment) => {
            payment.total_amt == Some(Decimal::ZERO)
                && payment.private_note.as_deref().is_some_and(|note| note.starts_with("Voided"))
        }
    }
}
