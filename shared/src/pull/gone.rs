//! Voids, deletions and merges: what is no more in QuickBooks (R33, R34, D4).

use std::collections::BTreeMap;

use quickbooks_wire::{Entity, Payment};
use rust_decimal::Decimal;

use super::create::Cause;
use super::open::{Id, Pull, Told, label};
use super::replace::replaced_by;
use super::write::as_seen;
use super::{group, plan};
use crate::activity::ActivityResult;
use crate::ids::CompanyId;
use crate::link::{Link, Pulled};
use crate::mapping::fields;
use crate::matching;
use crate::model::{Kind, Record};
use crate::outcome::{Done, DoneAction, Park, ParkCause, SkipReason};
use crate::ports::{StoreError, Stored};
use crate::push::Ports;
use crate::push::batch::Ending;

/// Whether a transaction is voided. QuickBooks has no status for it: the amounts are zero and the note says so.
pub(super) fn is_voided(row: &Entity) -> bool {
    match row {
        Entity::Customer(_) | Entity::Item(_) => false,
        Entity::Invoice(invoice) => matching::is_voided(invoice),
        Entity::Payment(payment) => is_voided_payment(payment),
    }
}

fn is_voided_payment(row: &Payment) -> bool {
    row.total_amt.is_some_and(|total| total == Decimal::ZERO)
        && row.private_note.as_deref().is_some_and(|note| note.starts_with("Voided"))
}

impl Pull<'_> {
    /// Deletes the record of an entity that is voided (then it is there as `row`) or deleted.
    pub(super) async fn gone(&mut self, told: Told<'_>, id: Id, row: Option<Entity>) -> Result<Done, Ending> {
        if let Some(row) = &row {
            self.about.label = label(row);
        }
        let link = match self.links.get(&id).cloned() {
            Some(link) => link,
            // What was begun for it while it was there may have made something.
            None => match self.resume(Cause { told, own: true }, &id).await? {
                Some(link) => link,
                None => return Err(SkipReason::NeverPulled.into()),
            },
        };
        self.about.billing_id = Some(link.billing_id.clone());
        match link.kind {
            Kind::Client | Kind::Product => return Err(gone_from_list(&link).into()),
            Kind::Invoice | Kind::Payment => {}
        }
        match link.withdrawn {
            // What was to take its place may be there all the same.
            true => self.take_back_replacement(told, &link).await?,
            false => self.delete(told, &link).await?,
        }
        match &self.about.removed {
            Some(record) => self.about.label = record.label().to_owned(),
            None if link.withdrawn => return Err(SkipReason::AlreadyDeleted.into()),
            None => {}
        }
        let how = if row.is_some() { "voided" } else { "deleted" };
        let seen = row.as_ref().map_or_else(|| link.clone(), |row| as_seen(&link, row));
        // What the bookkeeper wrote before, and nobody brought over, goes too when the record is brought back.
        let untold = row.as_ref().map(|row| plan::changed(&link, row)).unwrap_or_default();
        let members = link.pushed.keys().cloned().chain(untold);
        let withdrawn = Link {
            withdrawn: true,
            pushed: fields::withdrawn(fields::entity_kind(link.kind), members),
            edited: BTreeMap::new(),
            ..seen
        };
        let Some(removed) = &self.about.removed else {
            self.store(withdrawn).await?;
            return Err(SkipReason::AlreadyDeleted.into());
        };
        let replaced =
            (removed.id() != &link.billing_id).then(|| replaced_by(&link.billing_id, removed.id()));
        let kept = format!("It was {how} in QuickBooks. The whole {} is kept with this entry.", link.kind);
        let notes: Vec<String> = std::iter::once(kept).chain(replaced).collect();
        let action = DoneAction::RecordDeleted;
        let pulled = Pulled { notice: told.event.clone(), action, notes: notes.clone() };
        self.store(Link { pulled: Some(pulled), ..withdrawn }).await?;
        Ok(Done { action, quickbooks_id: id.1, notes, taxes: None })
    }

    /// Deletes the record of an entity, or what was to take its place, and keeps it.
    async fn delete(&mut self, told: Told<'_>, link: &Link) -> Result<(), Ending> {
        self.take_back_replacement(told, link).await?;
        let fetched = self.ports.billing.fetch(&self.books.company, link.kind, &link.billing_id).await?;
        let is_deleted = fetched.as_ref().is_some_and(|stored| stored.deleted);
        match fetched {
            Some(Stored { record, deleted: false, .. }) => self.keep(told, record).await?,
            _ if self.about.removed.is_some() => {}
            _ => self.about.removed = self.kept_before(told).await?,
        }
        if is_deleted {
            // Whoever restores it in this moment is not to find it deleted again.
            return Ok(());
        }
        Ok(self.ports.billing.delete(&self.books.company, link.kind, &link.billing_id).await?)
    }

    /// Puts a record that is about to be deleted into the log: what the billing app forgets is there by then (D4).
    pub(super) async fn keep(&mut self, told: Told<'_>, record: Record) -> Result<(), Ending> {
        self.about.label = record.label().to_owned();
        let result = ActivityResult::Parked(being_deleted(record.kind()));
        self.about.removed = Some(record);
        let company = &self.books.company;
        let entry = group::activity(company, told, &self.about, result, self.ports.clock.now());
        Ok(self.ports.activity.record(&[entry]).await?)
    }

    /// The record that an earlier attempt kept before it deleted it.
    pub(super) async fn kept_before(&self, told: Told<'_>) -> Result<Option<Record>, Ending> {
        Ok(kept(self.ports, &self.books.company, told).await?)
    }

    /// Follows a merge: the record of the entity that went away gets the surviving one.
    pub(super) async fn merged(&mut self, told: Told<'_>, loser: Id, survivor: Id) -> Result<Done, Ending> {
        self.know(&[loser.clone(), survivor.clone()]).await?;
        let Some(from) = self.links.get(&loser).cloned() else { return self.entity(told, survivor).await };
        let Some(row) = self.row(&survivor).await? else {
            return Err(gone_from_list(&from).into());
        };
        if let Some(other) = self.links.get(&survivor) {
            return Err(two_for_one(&from, other, &label(&row)).into());
        }
        // What the survivor says otherwise than the one that went away is found as a change, and follows.
        let to = Link { quickbooks_id: survivor.1.clone(), revision: from.revision + 1, ..from.clone() };
        self.ports.ledger.relink(&self.books, &from, &to).await?;
        self.links.remove(&loser);
        self.remember(&to);
        self.about.billing_id = Some(to.billing_id.clone());
        self.about.label = label(&row);
        let note = format!(
            "{} {} was merged into \"{}\" in QuickBooks, which is its counterpart now.",
            row.kind().name(),
            loser.1,
            label(&row)
        );
        let changed = !plan::changed(&to, &row).is_empty();
        let followed = if changed {
            self.follow(told, to.clone(), &row).await
        } else {
            Err(SkipReason::NothingNew.into())
        };
        let mut done = match followed {
            Ok(done) => done,
            Err(ending) => match *ending {
                crate::outcome::Outcome::Skipped(_) => {
                    let (action, quickbooks_id) = (DoneAction::RecordLinked, survivor.1.clone());
                    Done { action, quickbooks_id, notes: Vec::new(), taxes: None }
                }
                _ => return Err(ending),
            },
        };
        done.notes.insert(0, note);
        let link = self.links.get(&survivor).cloned().unwrap_or(to);
        let pulled = Pulled { notice: told.event.clone(), action: done.action, notes: done.notes.clone() };
        self.store(Link { pulled: Some(pulled), ..as_seen(&link, &row) }).await?;
        Ok(done)
    }
}

/// The record that was deleted for a notice, as the log has it.
pub(super) async fn kept(
    ports: Ports<'_>,
    company: &CompanyId,
    told: Told<'_>,
) -> Result<Option<Record>, StoreError> {
    let entry = ports.activity.entry(company, told.time, told.event).await?;
    Ok(entry.and_then(|entry| entry.removed))
}

fn being_deleted(kind: Kind) -> Park {
    Park::new(
        ParkCause::BillingApp,
        format!("It is gone from QuickBooks, and the {kind} is being deleted in the billing app."),
        "This goes on by itself; retry if it does not.",
    )
}

fn gone_from_list(link: &Link) -> Park {
    let entity = fields::entity_kind(link.kind).name();
    Park::new(
        ParkCause::MissingRecord,
        format!("Its {entity} {} is gone from QuickBooks, as after a merge.", link.quickbooks_id),
        format!("Map the {} to the {entity} that took its place, then ignore this entry.", link.kind),
    )
}

fn two_for_one(from: &Link, other: &Link, name: &str) -> Park {
    let kind = from.kind;
    Park::new(
        ParkCause::AlreadyLinked,
        format!(
            "It was merged into \"{name}\" in QuickBooks, whose counterpart is {kind} {} already; {kind} {} is left without one.",
            other.billing_id, from.billing_id
        ),
        format!("Merge the two {kind}s in the billing app, then ignore this entry."),
    )
}
