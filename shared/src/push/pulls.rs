//! Keeping out of the way of pulls (T20): of one that is making a record, whose link is about to come, and of what one has
//! brought over within the second of what an event tells.

use super::batch::{Batch, Ending};
use super::write::again;
use crate::event::EntityEvent;
use crate::ids::{BillingId, QuickBooksId};
use crate::link::{Entry, Link, LinkKey};
use crate::model::Kind;
use crate::outcome::{Park, ParkCause};
use crate::plan;

impl Batch<'_> {
    /// What is to be carried out instead of an event that tells of another state than was last pushed: the record as it
    /// is now, if the event may tell of an earlier one. None if the event can be believed, or nobody else can be asked.
    ///
    /// The link was read before the record is, so that what is found here is not older than what the link knows.
    pub(super) async fn as_it_is_now(
        &mut self,
        link: &Link,
        event: &EntityEvent,
    ) -> Result<Option<EntityEvent>, Ending> {
        if !plan::may_be_outdated(link, event) {
            return Ok(None);
        }
        let now = self.fetch_now(event).await?;
        Ok(now.filter(|now| now.data != event.data || now.verb != event.verb))
    }

    /// Ends the event for now if a pull has begun to make a record of an entity, or has just linked it with this one:
    /// what the event tells of comes from QuickBooks, and must not be made there once more.
    pub(super) async fn wait_for_pull(
        &self,
        kind: Kind,
        entity: &str,
        record: &BillingId,
    ) -> Result<(), Ending> {
        let Ok(entity) = QuickBooksId::new(entity) else { return Ok(()) };
        let begun = LinkKey::Billing(kind, BillingId::of_entity(&entity));
        let entries = self.ports.ledger.entries(&self.books, std::slice::from_ref(&begun)).await?;
        match entries.get(&begun) {
            Some(Entry::Pending(intent)) if intent.is_stale(self.ports.clock.now()) => {
                return Err(Park::new(
                    ParkCause::Ambiguous,
                    format!("Its counterpart {entity} was being brought over from QuickBooks when that was cut short."),
                    "Retry what is parked of it, or change it once in QuickBooks; then retry this.",
                )
                .into());
            }
            Some(Entry::Pending(_)) => return Err(again("it is just being brought over from QuickBooks")),
            Some(Entry::Linked(_)) | None => {}
        }
        let holder = self.ports.ledger.billing_id(&self.books, kind, &entity).await?;
        if holder.as_ref() == Some(record) {
            return Err(again("it was brought over from QuickBooks in between"));
        }
        Ok(())
    }
}
