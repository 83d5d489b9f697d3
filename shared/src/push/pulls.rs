//! Keeping out of the way of a pull that is making a record: its link is about to come (T20).

use super::batch::{Batch, Ending};
use super::write::again;
use crate::ids::{BillingId, QuickBooksId};
use crate::link::{Entry, LinkKey};
use crate::model::Kind;
use crate::outcome::{Park, ParkCause};

impl Batch<'_> {
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
