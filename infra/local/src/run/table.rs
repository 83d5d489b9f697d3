//! What became of each event, for a person to read.

use sync::activity::{Activity, ActivityResult};
use sync::outcome::DoneAction;

use crate::delivery::Ended;

/// The longest reason on one line.
const REASON: usize = 110;

/// One line for each event: its id, what became of it, both ids, what the record is called, and why.
pub fn table(endings: &[Ended]) -> String {
    let heading = row(["event", "ended", "billing id", "QuickBooks id", "record", ""]);
    let rows = endings.iter().flatten().map(of_event);
    std::iter::once(heading).chain(rows).collect::<Vec<_>>().join("\n")
}

fn of_event(activity: &Activity) -> String {
    let (ended, reason) = match &activity.result {
        ActivityResult::Done(done) => (action(done.action), done.notes.join(" ")),
        ActivityResult::Skipped { reason } => ("skipped", reason.clone()),
        ActivityResult::Parked(park) => ("parked", park.reason.clone()),
        ActivityResult::Ignored { reason } => ("ignored", reason.clone()),
    };
    let billing_id = activity.billing_id.as_ref().map(ToString::to_string).unwrap_or_default();
    let quickbooks_id = activity.quickbooks_id.as_ref().map(ToString::to_string).unwrap_or_default();
    let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    row([
        activity.event.as_str(),
        ended,
        &billing_id,
        &quickbooks_id,
        &activity.label,
        &shortened(&reason, REASON),
    ])
}

fn action(action: DoneAction) -> &'static str {
    match action {
        DoneAction::Created => "created",
        DoneAction::Linked => "linked",
        DoneAction::Updated => "updated",
        DoneAction::Voided => "voided",
        DoneAction::Inactivated => "made inactive",
        DoneAction::RecordCreated => "created here",
        DoneAction::RecordLinked => "linked",
        DoneAction::RecordUpdated => "updated here",
        DoneAction::RecordDeleted => "deleted here",
    }
}

fn row([event, ended, billing_id, quickbooks_id, label, reason]: [&str; 6]) -> String {
    let (event, label) = (shortened(event, 26), shortened(label, 26));
    let row = format!("{event:26}  {ended:13}  {billing_id:10}  {quickbooks_id:>13}  {label:26}  {reason}");
    row.trim_end().to_owned()
}

fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most - 1).collect();
    format!("{kept}…")
}
