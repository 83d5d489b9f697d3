//! What became of an entity, for the job and for the activity log.

use super::job::Purpose;
use super::record::{Ended, What};
use crate::activity::{Activity, Side};
use crate::notice;
use crate::outcome::{DoneAction, Outcome, SkipReason};
use crate::pull::page::Brought;

/// Whether a person looks for it in the activity log. All else is in the job.
pub(super) fn is_worth_telling(brought: &Brought) -> bool {
    match &brought.outcome {
        Outcome::Parked(_) => true,
        Outcome::Done(done) => !done.notes.is_empty() || done.action == DoneAction::RecordDeleted,
        Outcome::Skipped(_) | Outcome::Retry(_) => false,
    }
}

/// Whether an entry was left by an import.
pub(super) fn is_of_import(entry: &Activity) -> bool {
    let received = entry.event_json.as_deref().map(notice::read).unwrap_or_default();
    entry.side == Side::QuickBooks
        && received.iter().any(|received| received.notice.as_ref().is_ok_and(|notice| notice.is_of_import()))
}

/// What became of an entity, for the job.
pub(super) fn told(brought: &Brought, purpose: Purpose) -> Ended {
    let (what, notes) = match &brought.outcome {
        Outcome::Done(done) => (what(done.action, brought), done.notes.clone()),
        Outcome::Skipped(SkipReason::NothingNew) => (What::Unchanged, Vec::new()),
        Outcome::Skipped(SkipReason::NeverPulled) => {
            (What::Skipped { reason: "it is voided or deleted in QuickBooks".to_owned() }, Vec::new())
        }
        Outcome::Skipped(reason) => (What::Skipped { reason: reason.to_string() }, Vec::new()),
        Outcome::Parked(park) => (What::Failed { park: park.clone() }, Vec::new()),
        Outcome::Retry(retry) => (What::Skipped { reason: retry.reason.clone() }, Vec::new()),
    };
    let is_made_up = purpose == Purpose::Preview && what == What::Created;
    Ended {
        kind: brought.notice.kind,
        quickbooks_id: brought.notice.quickbooks_id.clone(),
        label: brought.about.label.clone(),
        what,
        billing_id: brought.about.billing_id.clone().filter(|_| !is_made_up),
        differences: brought.about.differences.clone(),
        notes,
        candidates: brought.about.candidates.clone(),
    }
}

fn what(action: DoneAction, brought: &Brought) -> What {
    match (action, brought.matched_by) {
        (DoneAction::RecordCreated, _) => What::Created,
        (DoneAction::RecordLinked, Some(by)) => What::Linked { by },
        (DoneAction::RecordUpdated, _) => What::Updated,
        (DoneAction::RecordDeleted, _) => What::Deleted,
        _ => What::Unchanged,
    }
}
