//! Changes of entities brought to the records that stand for them, each in an order that survives being cut short
//! anywhere.

use jiff::Timestamp;
use quickbooks_wire::Entity;
use rust_decimal::Decimal;

use super::create::product_key;
use super::open::{Pull, Told};
use super::replace::is_other_money;
use super::{group, plan};
use crate::activity::{Activity, ActivityResult};
use crate::ids::QuickBooksId;
use crate::link::{Link, Pulled};
use crate::mapping::fields;
use crate::mapping::tax_answer::{self, TaxAnswer};
use crate::model::Record;
use crate::outcome::{Done, DoneAction, Outcome, Park, ParkCause, Retry, SkipReason, variance};
use crate::ports::{BillingError, Stored};
use crate::push::batch::Ending;

impl Pull<'_> {
    /// Brings a linked record in step with its entity.
    pub(super) async fn follow(&mut self, told: Told<'_>, link: Link, row: &Entity) -> Result<Done, Ending> {
        let id = (link.kind, link.quickbooks_id.clone());
        if matches!(row, Entity::Customer(customer) if customer.active == Some(false))
            || matches!(row, Entity::Item(item) if item.active == Some(false))
        {
            return Err(SkipReason::Inactive(link.kind).into());
        }
        self.forget_done_replacement(&link).await?;
        let mut names = plan::changed(&link, row);
        names.retain(|name| !fields::is_custom_field(name) || self.company.settings.stands_for_a_field(name));
        if names.is_empty() && !self.pending.contains_key(&id) {
            if let Some(untold) = link.linked_untold().cloned() {
                return self.tell(told, link, untold, row).await;
            }
            self.touch(&link, row).await?;
            return Err(SkipReason::NothingNew.into());
        }
        if link.billing_id.is_stand_in() {
            return Err(SkipReason::NoProduct.into());
        }
        if link.withdrawn {
            return Err(conflict(&link, "was withdrawn").into());
        }
        if self.pending.contains_key(&id) {
            return self.finish_replacement(told, &link, row).await;
        }
        let fetched = self.ports.billing.fetch(&self.books.company, link.kind, &link.billing_id).await?;
        let before = match fetched {
            None => return Err(not_there(&link).into()),
            Some(stored) if stored.deleted => return Err(conflict(&link, "was deleted").into()),
            Some(stored) => stored,
        };
        let ours = self.forward(&before.record).await?;
        let merge = plan::merge(&link, &names, ours.as_ref(), row, before.updated_at);
        self.about.differences = plan::differences(ours.as_ref(), row, &merge.take, true);
        self.about.differences.extend(plan::differences(ours.as_ref(), row, &merge.keep, false));
        let after = self.back(told, &before.record, ours.as_ref(), row, &merge.take).await?;
        let to_be = if after == before.record { ours.clone() } else { self.forward(&after).await? };
        let sides = [ours.as_ref(), to_be.as_ref()];
        let linked = || link.told_of_linking().into_iter();
        let written = if after == before.record {
            before.clone()
        } else {
            self.note(&after).await;
            match self.ports.billing.update(&self.books.company, &before.record, &after).await {
                Ok(stored) => stored,
                Err(BillingError::Refused(reason)) => match (&before.record, &after) {
                    (Record::Payment(old), Record::Payment(new)) if is_other_money(old, new) => {
                        let notes = linked().chain(notes_of(&merge)).collect();
                        return self.replace(told, &link, new, row, notes).await;
                    }
                    _ => return Err(BillingError::Refused(reason).into()),
                },
                Err(error) => return Err(error.into()),
            }
        };
        let changed = written.record != before.record;
        let mut notes: Vec<String> = linked().chain(notes_of(&merge)).collect();
        let booked = match row {
            Entity::Invoice(invoice) => invoice.total_amt,
            _ => None,
        };
        notes.extend(difference(&written, booked));
        if !changed && merge.notes.is_empty() {
            let next = self.in_step(&link, &merge, sides, &written, row).await?;
            if let Some(untold) = link.linked_untold().cloned() {
                return self.tell(told, next, untold, row).await;
            }
            self.store(next).await?;
            return Err(SkipReason::NothingNew.into());
        }
        if !changed {
            notes = linked().chain(merge.notes.iter().cloned()).collect();
        }
        let action = DoneAction::RecordUpdated;
        let next = self.in_step(&link, &merge, sides, &written, row).await?;
        let pulled = Pulled { notice: told.event.clone(), action, notes: notes.clone() };
        self.tell_of_later(told, &link).await?;
        self.store(Link { pulled: Some(pulled), ..next }).await?;
        Ok(Done { action, quickbooks_id: id.1, notes, taxes: None })
    }

    /// Tells what was carried out for a later notice than this one, before the link forgets it: the worker that did it may
    /// have died before it could.
    async fn tell_of_later(&self, told: Told<'_>, link: &Link) -> Result<(), Ending> {
        let pulled = link.pulled.as_ref().filter(|pulled| !pulled.notice.is_of_dependency());
        let Some(pulled) = pulled else { return Ok(()) };
        let Some(time) = pulled.notice.time_of_notice().filter(|at| *at > told.time) else { return Ok(()) };
        self.record(told, pulled, time, &link.quickbooks_id).await
    }

    /// Puts what was done into the log, under the notice that it was done for.
    pub(super) async fn record(
        &self,
        told: Told<'_>,
        pulled: &Pulled,
        time: Timestamp,
        quickbooks_id: &QuickBooksId,
    ) -> Result<(), Ending> {
        let (action, notes, quickbooks_id) = (pulled.action, pulled.notes.clone(), quickbooks_id.clone());
        let result = ActivityResult::Done(Done { action, quickbooks_id, notes, taxes: None });
        let here = group::activity(&self.books.company, told, &self.about, result, self.ports.clock.now());
        let entry = Activity { event: pulled.notice.clone(), time, removed: None, ..here };
        Ok(self.ports.activity.record(&[entry]).await?)
    }

    /// Tells what was done before, and nobody has been told of.
    async fn tell(
        &mut self,
        told: Told<'_>,
        link: Link,
        untold: Pulled,
        row: &Entity,
    ) -> Result<Done, Ending> {
        let (action, notes, quickbooks_id) =
            (untold.action, untold.notes.clone(), link.quickbooks_id.clone());
        let pulled = Pulled { notice: told.event.clone(), ..untold };
        self.store(Link { pulled: Some(pulled), ..as_seen(&link, row) }).await?;
        Ok(Done { action, quickbooks_id, notes, taxes: None })
    }

    /// The link once the record holds what was taken. `sides` are the record as it was read and as it was to be.
    async fn in_step(
        &mut self,
        link: &Link,
        merge: &plan::Merge,
        sides: [Option<&Entity>; 2],
        written: &Stored,
        row: &Entity,
    ) -> Result<Link, Ending> {
        let after = self.forward(&written.record).await?;
        let mut next = as_seen(link, row);
        (next.taxes, next.taxes_written) = self.known_taxes(&written.record, after.as_ref(), row);
        if let Some(after) = &after {
            next.pushed = plan::pushed(&link.pushed, &merge.take, sides, after);
            plan::agree(&mut next.pushed, &plan::changed(link, row), after, row);
        }
        let unsynced = match &after {
            Some(after) => !plan::edited(&next, after).is_empty(),
            // What cannot be mapped yet may have been edited.
            None => written.updated_at > link.billing_time,
        };
        let theirs_at: Option<Timestamp> = row.last_updated_time().and_then(|time| time.parse().ok());
        for name in link.not_brought_over().chain(&merge.take) {
            next.edited.remove(name);
        }
        let kept = merge.keep.iter().map(|name| (name.clone(), theirs_at.unwrap_or(Timestamp::MAX)));
        next.edited.extend(kept);
        // While edits of the billing app are on their way, their events must not undo what was taken.
        next.billing_seen = next.billing_seen.max(Some(written.updated_at));
        if !unsynced {
            next.billing_time = next.billing_time.max(written.updated_at);
        }
        next.product_key = product_key(&written.record).or(next.product_key);
        Ok(next)
    }

    /// What the link knows of an invoice's taxes, which QuickBooks works out, and whether the billing app has them.
    fn known_taxes(
        &self,
        record: &Record,
        sent: Option<&Entity>,
        row: &Entity,
    ) -> (Option<Box<TaxAnswer>>, Option<String>) {
        let (Record::Invoice(bill), Some(taxes)) = (record, self.taxes(record, sent, row)) else {
            return (None, None);
        };
        let written = (taxes.applied_to(bill) == **bill).then(|| tax_answer::digest(bill));
        (Some(Box::new(taxes)), written)
    }

    /// Notes the entity's version, when nothing else of it is new. Its taxes are the same too, and may still have to be
    /// written to the billing app.
    pub(super) async fn touch(&mut self, link: &Link, row: &Entity) -> Result<(), Ending> {
        let Some(version) = row.sync_token().filter(|token| *token != link.sync_token) else { return Ok(()) };
        let mut next = as_seen(link, row);
        if let Some(taxes) = next.taxes.as_mut().filter(|taxes| taxes.version == link.sync_token) {
            version.clone_into(&mut taxes.version);
        }
        self.store(next).await
    }

    /// Stores the next state of a link.
    pub(super) async fn store(&mut self, next: Link) -> Result<(), Ending> {
        let next = Link { revision: next.revision + 1, ..next };
        self.ports.ledger.refresh(&self.books, &next).await?;
        self.remember(&next);
        Ok(())
    }
}

/// What is told of a change.
fn notes_of(merge: &plan::Merge) -> Vec<String> {
    let changed = (!merge.take.is_empty()).then(|| plan::in_words(&merge.take));
    changed.into_iter().chain(merge.notes.iter().cloned()).collect()
}

/// Totals that do not agree (R48, D15).
pub(super) fn difference(stored: &Stored, booked: Option<Decimal>) -> Option<String> {
    let Record::Invoice(billed) = &stored.record else { return None };
    let booked = booked?;
    let differ = (billed.amount - booked).abs() > Decimal::new(1, 2);
    differ.then(|| variance(billed.amount, booked))
}

/// The link with the entity's version and fields as QuickBooks has them now.
pub(super) fn as_seen(link: &Link, row: &Entity) -> Link {
    Link {
        sync_token: row.sync_token().unwrap_or_default().to_owned(),
        last_updated: row.last_updated_time().unwrap_or_default().to_owned(),
        seen: fields::fingerprints(row),
        ..link.clone()
    }
}

pub(super) fn again(reason: &str) -> Ending {
    Box::new(Outcome::Retry(Retry { reason: reason.to_owned(), after: None }))
}

fn conflict(link: &Link, what: &str) -> Park {
    Park::new(
        ParkCause::Conflict,
        format!(
            "The {} {} {what} in the billing app, and has been changed in QuickBooks since.",
            link.kind, link.billing_id
        ),
        "Restore it in the billing app and retry, or take it back in QuickBooks and ignore this entry.",
    )
}

fn not_there(link: &Link) -> Park {
    Park::new(
        ParkCause::MissingRecord,
        format!("The billing app does not have {} {} to give.", link.kind, link.billing_id),
        "Restore the record, or let Counterpart ask the billing app (its address and token); then retry.",
    )
}
