//! Payments whose money the billing app does not let be moved: the old one is deleted, and a new one takes its place.

use quickbooks_wire::Entity;

use super::create::{Begun, Cause};
use super::open::{Id, Pull, Told};
use super::plan;
use super::write::again;
use crate::ids::BillingId;
use crate::link::{Intent, Link, MatchedBy};
use crate::model::{Payment, Record};
use crate::outcome::{Done, DoneAction};
use crate::push::batch::Ending;

/// What the numbers of payments begin with that a pull makes.
pub(super) const PAYMENT: &str = "QB-";

impl Pull<'_> {
    /// Replaces a payment whose money the billing app does not let be moved: the old one is deleted, and a new one
    /// takes its place and its link.
    pub(super) async fn replace(
        &mut self,
        told: Told<'_>,
        link: &Link,
        new: &Payment,
        row: &Entity,
        notes: Vec<String>,
    ) -> Result<Done, Ending> {
        let id = (link.kind, link.quickbooks_id.clone());
        // A number that the old one does not hold.
        let number = format!("{}-{}", number_of_payment(&id), row.sync_token().unwrap_or_default());
        let record = Record::Payment(Box::new(Payment { number, ..new.clone() }));
        let begun = Begun::of(&record, row).in_place_of(&link.billing_id, notes);
        let intent = self.begin(Cause { told, own: true }, &id, &begun).await?;
        self.pending.insert(id, intent.clone());
        self.replace_with(told, link, row, &intent, &begun).await
    }

    /// Forgets the intent of a replacement whose new payment is linked already: the worker died before it could.
    pub(super) async fn forget_done_replacement(&mut self, link: &Link) -> Result<(), Ending> {
        let id = (link.kind, link.quickbooks_id.clone());
        let is_done = |intent: &Intent| {
            serde_json::from_str::<Begun>(&intent.body)
                .is_ok_and(|begun| begun.replaces.as_ref() != Some(&link.billing_id))
        };
        match self.pending.get(&id).filter(|intent| is_done(intent)).cloned() {
            Some(intent) => {
                self.pending.remove(&id);
                Ok(self.ports.ledger.abandon(&self.books, &intent).await?)
            }
            None => Ok(()),
        }
    }

    /// Takes back a replacement that was begun, since its entity is gone. The old payment may be gone too by then: the new
    /// one is kept, and deleted if it was made already.
    pub(super) async fn take_back_replacement(&mut self, told: Told<'_>, link: &Link) -> Result<(), Ending> {
        self.forget_done_replacement(link).await?;
        let id = (link.kind, link.quickbooks_id.clone());
        let Some(intent) = self.pending.get(&id).cloned() else { return Ok(()) };
        if let Ok(begun) = serde_json::from_str::<Begun>(&intent.body) {
            match self.made_before(&id, &begun).await? {
                Some(made) => {
                    self.keep(told, made.record.clone()).await?;
                    self.ports.billing.delete(&self.books.company, link.kind, made.record.id()).await?;
                }
                None => {
                    self.wait_for_whoever_began(&intent)?;
                    match self.kept_before(told).await? {
                        // An earlier attempt has deleted the new one.
                        Some(record) => self.about.removed = Some(record),
                        None => self.keep(told, begun.record).await?,
                    }
                }
            }
        }
        self.pending.remove(&id);
        Ok(self.ports.ledger.abandon(&self.books, &intent).await?)
    }

    /// Goes on with a replacement that was begun before.
    pub(super) async fn finish_replacement(
        &mut self,
        told: Told<'_>,
        link: &Link,
        row: &Entity,
    ) -> Result<Done, Ending> {
        let id = (link.kind, link.quickbooks_id.clone());
        let Some(intent) = self.pending.get(&id).cloned() else {
            return Err(again("the replacement of a payment is lost sight of"));
        };
        let Ok(begun) = serde_json::from_str::<Begun>(&intent.body) else {
            return Err(again("the recorded intent cannot be read"));
        };
        if self.made_before(&id, &begun).await?.is_some() {
            return self.replace_with(told, link, row, &intent, &begun).await;
        }
        self.wait_for_whoever_began(&intent)?;
        let next = intent.taken_over(&self.books, told.event, self.ports.clock.now());
        self.ports.ledger.take_over(&self.books, &intent, &next).await?;
        self.pending.insert(id, next.clone());
        self.replace_with(told, link, row, &next, &begun).await
    }

    async fn replace_with(
        &mut self,
        told: Told<'_>,
        link: &Link,
        row: &Entity,
        intent: &Intent,
        begun: &Begun,
    ) -> Result<Done, Ending> {
        let id = (link.kind, link.quickbooks_id.clone());
        let cause = Cause { told, own: true };
        // What the app has yet to tell of the old one, told late, must not make it in QuickBooks once more.
        let now = self.ports.clock.now();
        self.ports.ledger.note_withdrawal(&self.books, link.kind, &link.billing_id, now).await?;
        self.ports.billing.delete(&self.books.company, link.kind, &link.billing_id).await?;
        let stored = match self.made_before(&id, begun).await? {
            Some(stored) => stored,
            // The old one is gone: the intent stays until the new one is there.
            None => self.ports.billing.create(&self.books.company, &begun.record).await?,
        };
        let replacing = Some(&link.billing_id);
        let made = self.made(cause, &id, begun, &stored, MatchedBy::Created, replacing).await?;
        self.ports.ledger.abandon(&self.books, intent).await?;
        self.about.billing_id = Some(made.billing_id.clone());
        // What has changed since the replacement was begun comes with the next notice, or now.
        if !plan::changed(&made, row).is_empty() {
            return Err(again("the payment changed once more in QuickBooks"));
        }
        let notes = made.pulled.map(|pulled| pulled.notes).unwrap_or_default();
        Ok(Done { action: DoneAction::RecordUpdated, quickbooks_id: id.1, notes, taxes: None })
    }
}

/// What a person is told of a payment that another one has taken the place of.
pub(super) fn replaced_by(old: &BillingId, new: &BillingId) -> String {
    format!("Payment {old} was replaced by {new}.")
}

/// The number that a payment gets in the billing app, by which it is found again.
pub(super) fn number_of_payment((_, id): &Id) -> String {
    format!("{PAYMENT}{id}")
}

pub(super) fn is_other_money(old: &Payment, new: &Payment) -> bool {
    old.amount != new.amount || old.allocations != new.allocations || old.client_id != new.client_id
}
