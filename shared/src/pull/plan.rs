//! What a change in QuickBooks asks for. Pure functions.

use std::collections::{HashMap, HashSet};

use jiff::{Timestamp, Unit};
use quickbooks_wire::Entity;

use crate::ids::QuickBooksId;
use crate::import::Difference;
use crate::link::{Fingerprints, Link};
use crate::mapping::fields;
use crate::model::Kind;
use crate::notice::{ChangeNotice, Operation, Source};
use crate::outcome::{Outcome, Park, ParkCause, SkipReason};
use crate::plan::put;
use crate::settings::{Company, ConnectionState};

/// Why a notice goes no further, judged by the company alone; none if it does (R5, R31, D10, D12).
pub(super) fn gate(company: &Company, notice: &ChangeNotice) -> Option<Outcome> {
    let direction = company.settings.directions.of(notice.kind);
    if !direction.pulls() && !notice.is_of_import() {
        return Some(Outcome::Skipped(SkipReason::NotPulled(notice.kind, direction)));
    }
    let connection = company.connection.as_ref()?;
    if connection.realm != notice.realm {
        return Some(Outcome::Skipped(SkipReason::OtherRealm));
    }
    match connection.state {
        ConnectionState::Connected => None,
        ConnectionState::Expired | ConnectionState::Disconnected => Some(Outcome::Parked(Park::new(
            ParkCause::NotConnected,
            "The connection with QuickBooks has ended.",
            "Reconnect QuickBooks on the settings page, then retry.",
        ))),
    }
}

/// For each notice, the place of the one that is carried out in its stead: the newest of the same entity. A merge
/// tells of two entities, so it is replaced only by its own repetition.
pub(super) fn coalesce(notices: &[&ChangeNotice]) -> Vec<usize> {
    let key = |notice: &ChangeNotice| (notice.kind, notice.quickbooks_id.clone(), merged(notice).cloned());
    let mut newest: HashMap<_, usize> = HashMap::new();
    for (place, notice) in notices.iter().enumerate() {
        let current = newest.entry(key(notice)).or_insert(place);
        if notice.last_updated >= notices[*current].last_updated {
            *current = place;
        }
    }
    notices
        .iter()
        .enumerate()
        .map(|(place, notice)| newest.get(&key(notice)).copied().unwrap_or(place))
        .collect()
}

/// The entity that went away in a merge.
pub(super) fn merged(notice: &ChangeNotice) -> Option<&QuickBooksId> {
    notice.deleted_id.as_ref().filter(|_| notice.operation == Operation::Merged)
}

/// Whether a webhook tells only of what the link has seen already, such as our own write (T20), so that nothing needs
/// to be read.
///
/// Both times are Intuit's, and an entity's is whole seconds. A change in the very second of one that was seen is told
/// from it where that costs no call; where it is not, the sweep, which compares versions, finds it.
pub(super) fn is_echo(notice: &ChangeNotice, link: &Link) -> bool {
    let seen: Option<Timestamp> = link.last_updated.parse().ok();
    let at = notice.last_updated.and_then(second);
    notice.source == Source::Webhook
        && merged(notice).is_none()
        && link.not_brought_over().next().is_none()
        && link.linked_untold().is_none()
        && at
            .zip(seen)
            .is_some_and(|(at, seen)| at < seen || at == seen && may_be_what_was_seen(notice, link))
}

/// Whether a notice of the second in which the entity was last seen may tell of just that.
fn may_be_what_was_seen(notice: &ChangeNotice, link: &Link) -> bool {
    let pulled = link.pulled.as_ref().and_then(|pulled| pulled.notice.time_of_notice());
    match notice.operation {
        // It was there when it was seen, unless it was seen as gone.
        Operation::Deleted | Operation::Voided => link.withdrawn,
        // The first version is told as created.
        Operation::Updated if link.sync_token == "0" => false,
        // Brought over in that second, but for another change's sake.
        _ => pulled.is_none_or(|pulled| {
            second(pulled) != notice.last_updated.and_then(second) || notice.last_updated == Some(pulled)
        }),
    }
}

/// The places of notices that tell of an entity what another one tells otherwise of the same second: at most one of them
/// can be of what was seen last.
pub(super) fn crowded(notices: &[&ChangeNotice]) -> HashSet<(Kind, QuickBooksId)> {
    let mut seconds: HashMap<(Kind, QuickBooksId, Option<Timestamp>), Option<Timestamp>> = HashMap::new();
    let mut crowded = HashSet::new();
    for notice in notices.iter().filter(|notice| notice.last_updated.is_some()) {
        let (kind, id) = (notice.kind, notice.quickbooks_id.clone());
        let first = *seconds
            .entry((kind, id.clone(), notice.last_updated.and_then(second)))
            .or_insert(notice.last_updated);
        if first != notice.last_updated {
            crowded.insert((kind, id));
        }
    }
    crowded
}

fn second(at: Timestamp) -> Option<Timestamp> {
    at.round(jiff::TimestampRound::new().smallest(Unit::Second).mode(jiff::RoundMode::Floor)).ok()
}

/// Whether a row is older than what the link has seen: lists may lag behind.
pub(super) fn is_behind(row: &Entity, link: &Link) -> bool {
    let version = |token: &str| token.parse::<u64>().ok();
    let row = row.sync_token().and_then(version);
    row.zip(version(&link.sync_token)).is_some_and(|(row, seen)| row < seen)
}

/// Our members that were changed in QuickBooks and not yet brought over: since the entity was last seen, or seen in
/// passing by a push. Balances are not among our members, so a payment's touch changes none (D3).
pub(super) fn changed(link: &Link, row: &Entity) -> Vec<String> {
    let mut names = fields::changed(&link.seen, &fields::fingerprints(row));
    // A due date that the billing app does not give is QuickBooks' own working out, for all that is known.
    let is_worked_out = |name: &&String| *name == "DueDate" && !link.pushed.contains_key("DueDate");
    names.extend(link.not_brought_over().filter(|name| !is_worked_out(name)).cloned());
    names.sort();
    names.dedup();
    names
}

/// What of the changes in QuickBooks to take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Merge {
    /// The members to bring over.
    pub(super) take: Vec<String>,
    /// Members whose later value is the billing app's, and is yet to be pushed.
    pub(super) keep: Vec<String>,
    /// What a person should know.
    pub(super) notes: Vec<String>,
}

/// Decides between the two sides (D3): what only QuickBooks changed is taken; where both changed the same, the later
/// edit wins, and both values are told. `ours` is the billing record as it is mapped now; where it cannot be (a product
/// on its lines has no Item yet), all of it may have been changed since it was last pushed.
pub(super) fn merge(
    link: &Link,
    names: &[String],
    ours: Option<&Entity>,
    row: &Entity,
    billing_at: Timestamp,
) -> Merge {
    let theirs_at: Option<Timestamp> = row.last_updated_time().and_then(|time| time.parse().ok());
    let edited = ours.map(|ours| edited(link, ours));
    let touched = |group: &str| match &edited {
        Some(edited) => edited.iter().any(|name| group_of(name) == group),
        None => billing_at > link.billing_time,
    };
    let they_are_later = theirs_at.is_none_or(|theirs_at| theirs_at >= billing_at);
    let mut merge = Merge::default();
    let mut told: Vec<&str> = Vec::new();
    for name in names.iter().filter(|name| ours.is_none_or(|ours| !fields::holds(row, ours, name))) {
        let group = group_of(name);
        let conflict = touched(group);
        match (conflict, they_are_later) {
            (true, false) => merge.keep.push(name.clone()),
            (true, true) | (false, _) => merge.take.push(name.clone()),
        }
        if conflict && !told.contains(&group) {
            let mine = ours.map_or_else(|| "value".to_owned(), |ours| shown(ours, group));
            let (label, theirs) = (label(group), shown(row, group));
            merge.notes.push(if they_are_later {
                format!("The {label} was changed on both sides: QuickBooks' later {theirs} replaced the billing app's {mine}.")
            } else {
                format!("The {label} was changed on both sides: the billing app's later {mine} stays, QuickBooks' {theirs} was not taken.")
            });
            told.push(group);
        }
    }
    merge
}

/// The members in which the billing record differs from what was last pushed of it.
pub(super) fn edited(link: &Link, ours: &Entity) -> Vec<String> {
    // Records that were linked while only their key was known have nothing to compare with.
    if link.pushed.is_empty() {
        return Vec::new();
    }
    fields::changed(&link.pushed, &fields::fingerprints(ours))
}

/// The digests that say "the billing app has this": what was written and what was taken, as the app has it `after` that,
/// and nothing else, so that an edit which is yet to be pushed stays one, be it made while the write was under way.
/// `known` was pushed so far; `before` is the record as it was read, `written` as it was to be.
pub(super) fn pushed(
    known: &Fingerprints,
    taken: &[String],
    [before, written]: [Option<&Entity>; 2],
    after: &Entity,
) -> Fingerprints {
    let digests = fields::fingerprints(after);
    let changed = match (before, written) {
        (Some(before), Some(written)) => {
            fields::changed(&fields::fingerprints(before), &fields::fingerprints(written))
        }
        _ if known.is_empty() => return digests,
        // What could not be mapped when it was read may hold edits that are yet to be pushed.
        _ => Vec::new(),
    };
    let groups: HashSet<&str> = changed.iter().chain(taken).map(|name| group_of(name)).collect();
    let is_written = |name: &str| groups.contains(group_of(name));
    let kept = known.iter().filter(|(name, _)| !is_written(name));
    let told = digests.iter().filter(|(name, _)| is_written(name));
    kept.chain(told).map(|(name, digest)| (name.clone(), digest.clone())).collect()
}

/// Of what was changed in QuickBooks, both sides may say the same, without anything that was written: the bookkeeper did
/// what a person did in the billing app, or a merge gave an Invoice the Customer that its client has from now on. Nothing
/// of that is left to be pushed.
pub(super) fn agree(pushed: &mut Fingerprints, changed: &[String], ours: &Entity, theirs: &Entity) {
    let digests = fields::fingerprints(ours);
    for name in changed.iter().filter(|name| fields::holds(theirs, ours, name)) {
        put(pushed, name, digests.get(name));
    }
}

/// Lines and taxes are one thing.
fn group_of(name: &str) -> &str {
    match name {
        "TxnTaxDetail" | "GlobalTaxCalculation" | "ApplyTaxAfterDiscount" => "Line",
        other => other,
    }
}

/// What the two sides say of members, each thing once. `taken`: the billing app gets what QuickBooks has.
pub(super) fn differences(
    ours: Option<&Entity>,
    row: &Entity,
    names: &[String],
    taken: bool,
) -> Vec<Difference> {
    let mut differences: Vec<Difference> = Vec::new();
    for group in names.iter().map(|name| group_of(name)) {
        let field = label(group).to_owned();
        if !differences.iter().any(|known| known.field == field) {
            let billing = ours.map(|ours| shown(ours, group)).unwrap_or_default();
            differences.push(Difference { field, billing, quickbooks: shown(row, group), taken });
        }
    }
    differences
}

/// "Changed in QuickBooks: …", each thing once.
pub(super) fn in_words(names: &[String]) -> String {
    let mut labels: Vec<&str> = Vec::new();
    for name in names {
        let label = label(group_of(name));
        if !labels.contains(&label) {
            labels.push(label);
        }
    }
    format!("Changed in QuickBooks: {}.", labels.join(", "))
}

/// What a bookkeeper calls a member.
fn label(name: &str) -> &str {
    match name {
        "DisplayName" | "Name" => "name",
        "CompanyName" => "company name",
        "GivenName" => "first name",
        "FamilyName" => "last name",
        "PrimaryEmailAddr" => "e-mail address",
        "PrimaryPhone" => "telephone number",
        "WebAddr" => "web address",
        "BillAddr" => "billing address",
        "ShipAddr" => "shipping address",
        "Notes" => "notes",
        "Taxable" => "tax exemption",
        "SalesTermRef" => "terms",
        "Description" => "description",
        "UnitPrice" => "price",
        "PurchaseCost" => "cost",
        "DocNumber" => "number",
        "TxnDate" => "date",
        "DueDate" => "due date",
        "CustomerRef" => "customer",
        "Line" => "lines",
        "ExchangeRate" => "exchange rate",
        "CustomerMemo" => "message to the customer",
        "PrivateNote" => "private note",
        "TotalAmt" => "amount",
        "PaymentMethodRef" => "payment method",
        "PaymentRefNum" => "reference number",
        other if fields::is_custom_field(other) => "custom fields",
        other => other,
    }
}

fn shown(entity: &Entity, name: &str) -> String {
    let line = |what: Option<&str>, amount: Option<rust_decimal::Decimal>| {
        format!("{} {:.2}", what.unwrap_or("unnamed"), amount.unwrap_or_default()).trim().to_owned()
    };
    let lines: Vec<String> = match (entity, name) {
        (Entity::Invoice(invoice), "Line") => invoice
            .lines()
            .iter()
            .filter(|own| own.sub_total_line_detail.is_none())
            .map(|own| line(own.description.as_deref(), own.amount))
            .collect(),
        (Entity::Payment(payment), "Line") => payment
            .lines()
            .iter()
            .map(|own| {
                let paid = own.linked_txn.iter().flatten().next().and_then(|txn| txn.txn_id.as_deref());
                line(paid.map(|id| format!("for invoice id {id}:")).as_deref(), own.amount)
            })
            .collect(),
        _ => return fields::shown(entity, name),
    };
    format!("({})", lines.join("; "))
}

/// Where in a batch a notice is carried out: what others refer to first; payments that are gone before those that take
/// their place, and invoices that are gone when nothing pays them any more.
pub(super) fn rank(kind: Kind, is_merge: bool, is_gone: bool) -> u8 {
    match (kind, is_merge, is_gone) {
        (_, true, _) => 0,
        (Kind::Client, ..) => 1,
        (Kind::Product, ..) => 2,
        (Kind::Payment, _, true) => 3,
        (Kind::Invoice, _, false) => 4,
        (Kind::Payment, _, false) => 5,
        (Kind::Invoice, _, true) => 6,
    }
}

#[cfg(test)]
mod tests {
    use quickbooks_wire::Customer;
    use serde_json::json;

    use super::*;

    fn customer(name: &str, notes: &str, company: &str) -> Entity {
        let value = json!({"Id": "7", "DisplayName": name, "Notes": notes, "CompanyName": company});
        serde_json::from_value::<Customer>(value).unwrap().into()
    }

    /// The pull takes the notes; the name was edited before it read the record, and the company's name while it wrote.
    #[test]
    fn what_a_person_edits_before_or_while_a_pull_writes_stays_an_edit() {
        let known = fields::fingerprints(&customer("Rosa", "old", "Reed"));
        let (before, to_be) = (customer("Rosa D.", "old", "Reed"), customer("Rosa D.", "theirs", "Reed"));
        let after = customer("Rosa D.", "theirs, as the app writes it", "Reed & Rush");
        let edits = |sides| {
            let next = pushed(&known, &["Notes".to_owned()], sides, &after);
            fields::changed(&next, &fields::fingerprints(&after))
        };
        assert_eq!(edits([Some(&before), Some(&to_be)]), ["CompanyName", "DisplayName"]);
        assert_eq!(
            edits([None, Some(&to_be)]),
            ["CompanyName", "DisplayName"],
            "it could not be mapped before"
        );
        let nothing_known = pushed(&Fingerprints::new(), &[], [None, Some(&to_be)], &after);
        assert_eq!(nothing_known, fields::fingerprints(&after), "there is nothing to compare with");
    }
}
