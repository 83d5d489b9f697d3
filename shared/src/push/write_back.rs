//! What QuickBooks' answer means for the billing app's own record: with automated sales tax the invoice's taxes are
//! written back (R46, R51), and a record that could not be taken back is flagged (R69).
//!
//! The link keeps QuickBooks' answer from the same write that keeps the entity's id, and whether it has been written.
//! A write-back that was cut short is therefore made up for by whatever event of the invoice comes next. It begins with
//! the record as it is, and ends there when that has the taxes already; so nothing is written twice, and the event
//! that the billing app sends of our own write finds nothing to do. An app that does not answer holds up this one record:
//! its event is parked, and goes back on the queue when the app answers again.

use rust_decimal::Decimal;

use super::batch::{Batch, Ending};
use crate::event::EntityEvent;
use crate::link::{Entry, Link};
use crate::mapping::{invoice, tax_answer};
use crate::model::{Invoice, Kind, Record};
use crate::outcome::{Done, Outcome, Park, ParkCause, SkipReason, variance};
use crate::plan;
use crate::ports::{BillingError, Stored, explain};
use crate::reference::TaxModel;

/// An invoice as the billing app has it now.
struct Written {
    invoice: Invoice,
    /// It had other taxes before.
    changed: bool,
}

impl Batch<'_> {
    /// Sees to it that the billing app has the taxes that QuickBooks charges, once an invoice's event has been carried
    /// out with `result`.
    pub(super) async fn write_back(
        &mut self,
        bill: &Invoice,
        result: Result<Done, Ending>,
    ) -> Result<Done, Ending> {
        let unchanged = matches!(&result, Err(ending) if **ending == Outcome::Skipped(SkipReason::Unchanged));
        let Some(Entry::Linked(link)) = self.entry(Kind::Invoice, &bill.id) else { return result };
        let is_automated = self.reference.tax_model == TaxModel::Automated;
        if !is_automated || (result.is_err() && !unchanged) || !owes_taxes(&link, bill, unchanged) {
            return result;
        }
        let written = self.write_taxes(&link, bill).await;
        match (result, written) {
            (Ok(_), Ok(written)) => self.written(&link, bill, written).await,
            (Err(ending), Ok(written)) => {
                let changed = written.changed;
                self.written(&link, bill, written).await?;
                match changed {
                    true => Err(stays("they were put back in the billing app".into())),
                    false => Err(ending),
                }
            }
            (Ok(done), Err(BillingError::NotOffered)) => Ok(done),
            (Err(ending), Err(BillingError::NotOffered)) => match differing(&link, bill.amount) {
                Some(difference) => Err(stays(difference)),
                None => Err(ending),
            },
            (Ok(mut done), Err(error @ (BillingError::Gone | BillingError::Refused(_)))) => {
                done.notes.push(format!("Its taxes could not be written to the billing app: {error}."));
                Ok(done)
            }
            (Err(_), Err(error @ (BillingError::Gone | BillingError::Refused(_)))) => {
                Err(stays(format!("they could not be put back, {error}")))
            }
            (_, Err(error @ BillingError::Forbidden(_))) => Err(Park::new(
                ParkCause::BillingApp,
                format!(
                    "It is in QuickBooks as {}, but its taxes could not be written to the billing app: {error}.",
                    link.quickbooks_id
                ),
                "Renew the token that Counterpart has for the billing app, then retry.",
            )
            .into()),
            (_, Err(error @ (BillingError::Later { .. } | BillingError::Unknown(_)))) => Err(away(format!(
                "It is in QuickBooks as {}, but its taxes could not be written to the billing app yet: {error}.",
                link.quickbooks_id
            ))
            .into()),
            (_, Err(error)) => Err(error.into()),
        }
    }

    /// Writes the taxes to the invoice as it is by now.
    async fn write_taxes(&self, link: &Link, bill: &Invoice) -> Result<Written, BillingError> {
        let company = &self.books.company;
        let billing = self.ports.billing;
        let current = match billing.fetch(company, Kind::Invoice, &bill.id).await? {
            Some(Stored { deleted: true, .. }) => return Err(BillingError::Gone),
            Some(Stored { record: Record::Invoice(current), .. }) => *current,
            Some(_) | None => bill.clone(),
        };
        let after = link.taxes.as_ref().map_or_else(|| current.clone(), |taxes| taxes.applied_to(&current));
        if after == current {
            return Ok(Written { invoice: current, changed: false });
        }
        let before = Record::Invoice(Box::new(current.clone()));
        match billing.update(company, &before, &Record::Invoice(Box::new(after))).await?.record {
            Record::Invoice(invoice) => Ok(Written { changed: *invoice != current, invoice: *invoice }),
            _ => Err(BillingError::Unknown("it answered with another kind of record".into())),
        }
    }

    /// Remembers that the taxes are written. The totals are compared as they are now (D15).
    async fn written(&mut self, link: &Link, bill: &Invoice, written: Written) -> Result<Done, Ending> {
        let outdated = differing(link, bill.amount);
        let mut notes = link.last_notes.clone();
        notes.retain(|note| Some(note) != outdated.as_ref());
        notes.extend(differing(link, written.invoice.amount));
        let next = Link {
            taxes_written: Some(tax_answer::digest(&written.invoice)),
            last_notes: notes,
            revision: link.revision + 1,
            ..link.clone()
        };
        self.ports.ledger.refresh(&self.books, &next).await?;
        self.remember(&next);
        Ok(next.done())
    }

    /// Leaves a note in the billing app on a record that could not be taken back because the books are closed (R69).
    pub(super) async fn flag(&self, event: &EntityEvent, outcome: Outcome) -> Outcome {
        let park = match &outcome {
            Outcome::Parked(park) if park.cause == ParkCause::ClosedPeriod && plan::is_withdrawn(event) => {
                park
            }
            _ => return outcome,
        };
        let text = format!("Not voided in QuickBooks. {} {}", park.reason, park.way_on);
        match self.ports.billing.note(&event.company, event.kind, &event.subject, &text).await {
            Ok(()) | Err(BillingError::NotOffered) => outcome,
            Err(error @ (BillingError::Gone | BillingError::Refused(_) | BillingError::Forbidden(_))) => {
                tracing::warn!(company.id = %event.company, billing.id = %event.subject, error = %explain(&error), "the record could not be flagged in the billing app");
                outcome
            }
            Err(error @ (BillingError::Later { .. } | BillingError::Unknown(_))) => Outcome::Parked(away(
                format!("{text} This could not be noted in the billing app yet: {error}."),
            )),
            Err(error) => *Ending::from(error),
        }
    }
}

/// An app that does not answer holds up this one record, and no other.
fn away(reason: String) -> Park {
    Park::new(
        ParkCause::BillingAway,
        reason,
        "Nothing has to be done: this goes on by itself when the billing app answers again.",
    )
}

/// Whether the billing app may still have other taxes than QuickBooks, as far as these are known: an invoice that has
/// been pulled since has another version, and brought its taxes along. An event that has been carried out is owed
/// nothing once the answer to it is written; one that changed nothing may come from somebody who changed the taxes.
fn owes_taxes(link: &Link, bill: &Invoice, unchanged: bool) -> bool {
    let Some(taxes) = link.taxes.as_ref().filter(|taxes| taxes.version == link.sync_token) else {
        return false;
    };
    let has_them = match &link.taxes_written {
        Some(written) => !unchanged || *written == tax_answer::digest(bill),
        None => false,
    };
    !has_them && taxes.applied_to(bill) != *bill
}

fn differing(link: &Link, amount: Decimal) -> Option<String> {
    let total = link.taxes.as_ref()?.total;
    invoice::differ(amount, total).then(|| variance(amount, total))
}

fn stays(how: String) -> Ending {
    SkipReason::TaxesStay(how).into()
}
