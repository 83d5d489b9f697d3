//! The plan: which events count, and what each asks for. Pure functions; [`crate::push`] carries them out.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use jiff::civil::Date;
use quickbooks_wire::Entity;

use crate::event::{EntityEvent, Verb};
use crate::ids::BillingId;
use crate::link::{Attempt, Fingerprints, Link};
use crate::mapping::fields;
use crate::model::{Invoice, InvoiceStatus, Kind, Payment, PaymentStatus, Record};
use crate::outcome::{Done, Outcome, Park, ParkCause, SkipReason};
use crate::settings::{Company, ConnectionState, Settings};

/// Why an event goes no further, judged by the company alone; none if it does.
///
/// The direction comes first (R5): with None nothing waits and nothing is asked of QuickBooks.
pub fn gate(company: &Company, kind: Kind) -> Option<Outcome> {
    let direction = company.settings.directions.of(kind);
    if !direction.pushes() {
        return Some(Outcome::Skipped(SkipReason::Direction(kind, direction)));
    }
    let park = |reason: &str, way_on: &str| {
        Some(Outcome::Parked(Park::new(ParkCause::NotConnected, reason, way_on)))
    };
    match company.connection.as_ref().map(|connection| connection.state) {
        Some(ConnectionState::Connected) => None,
        Some(ConnectionState::Expired) => park(
            "The connection with QuickBooks has expired.",
            "Reconnect QuickBooks on the settings page; what waits is then pushed in order.",
        ),
        Some(ConnectionState::Disconnected) => {
            park("QuickBooks was disconnected.", "Connect QuickBooks again on the settings page, then retry.")
        }
        None => park(
            "The company is not connected with QuickBooks yet.",
            "Connect QuickBooks on the settings page, then retry.",
        ),
    }
}

/// Why a record is not pushed although the company's settings allow it; none if it is.
pub fn excluded(record: &Record, settings: &Settings) -> Option<Outcome> {
    match record {
        Record::Invoice(invoice) => excluded_invoice(invoice, settings.cut_off),
        Record::Payment(payment) => excluded_payment(payment, settings.cut_off),
        Record::Client(_) | Record::Product(_) => None,
    }
}

fn excluded_invoice(invoice: &Invoice, cut_off: Option<Date>) -> Option<Outcome> {
    let skip = |reason| Some(Outcome::Skipped(reason));
    match cut_off {
        Some(cut_off) if invoice.date < cut_off => {
            skip(SkipReason::BeforeCutOff { dated: invoice.date, cut_off })
        }
        _ if invoice.status == InvoiceStatus::Draft => skip(SkipReason::Draft),
        _ => None,
    }
}

fn excluded_payment(payment: &Payment, cut_off: Option<Date>) -> Option<Outcome> {
    match payment.status {
        PaymentStatus::Pending => return Some(Outcome::Skipped(SkipReason::NotReceived("pending"))),
        PaymentStatus::Completed | PaymentStatus::PartiallyRefunded | PaymentStatus::Refunded => {}
        PaymentStatus::Cancelled | PaymentStatus::Failed => {}
    }
    let cut_off = cut_off?;
    let dates = payment.allocations.iter().map(|allocation| allocation.invoice_date);
    let before: Vec<Date> = dates.flatten().filter(|date| *date < cut_off).collect();
    let dated = *before.first()?;
    if before.len() == payment.allocations.len() {
        return Some(Outcome::Skipped(SkipReason::BeforeCutOff { dated, cut_off }));
    }
    Some(Outcome::Parked(Park::new(
        ParkCause::MissingRecord,
        format!(
            "It pays invoices on both sides of the cut-off date {cut_off}; those before it are not in QuickBooks."
        ),
        "Record the payment in QuickBooks by hand and ignore this entry, or move the cut-off date back and push the invoices.",
    )))
}

/// Makes sure that the books are open for a transaction's date, as far as the cached closing date tells, so that
/// nothing is made for the sake of one that would be refused.
///
/// # Errors
/// The books are closed up to a later day.
pub fn open_books(record: &Record, closed_until: Option<Date>) -> Result<(), Park> {
    let dated = match record {
        Record::Invoice(invoice) => invoice.date,
        Record::Payment(payment) => payment.date,
        Record::Client(_) | Record::Product(_) => return Ok(()),
    };
    match closed_until {
        Some(closed) if dated <= closed => Err(Park::new(
            ParkCause::ClosedPeriod,
            format!("The {} is dated {dated}, and the books are closed up to {closed}.", record.kind()),
            "Move the closing date in QuickBooks, or date the record in an open period; then retry.",
        )),
        _ => Ok(()),
    }
}

/// Whether the record is withdrawn: deleted, voided, or in a state that means so.
pub fn is_withdrawn(event: &EntityEvent) -> bool {
    event.verb.withdraws()
        || match &event.data {
            Some(Record::Invoice(invoice)) => {
                matches!(invoice.status, InvoiceStatus::Cancelled | InvoiceStatus::Reversed)
            }
            Some(Record::Payment(payment)) => {
                matches!(payment.status, PaymentStatus::Cancelled | PaymentStatus::Failed)
            }
            _ => false,
        }
}

/// For each event, the place of the event that is carried out in its stead: its own, or that of another event of
/// the same record. The last state wins, and a withdrawal wins over every change but a
/// [`Verb::Restored`] after it.
///
/// A record's decisive state is carried out where the record first appears, so that what refers to it finds it.
pub fn coalesce(events: &[&EntityEvent]) -> Vec<usize> {
    let mut by_time: Vec<usize> = (0..events.len()).collect();
    by_time.sort_by_key(|place| events[*place].time);
    let mut decisive: HashMap<(Kind, &BillingId), usize> = HashMap::new();
    for place in by_time {
        let event = events[place];
        let current = decisive.entry((event.kind, &event.subject)).or_insert(place);
        if outdoes(event, events[*current]) {
            *current = place;
        }
    }
    let of = |(place, event): (usize, &&EntityEvent)| {
        decisive.get(&(event.kind, &event.subject)).copied().unwrap_or(place)
    };
    events.iter().enumerate().map(of).collect()
}

/// Whether an event replaces one of the same record that is not younger.
fn outdoes(later: &EntityEvent, earlier: &EntityEvent) -> bool {
    later.id != earlier.id && (is_withdrawn(later) || later.verb == Verb::Restored || !is_withdrawn(earlier))
}

/// What a change to a record that has its counterpart asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// This same event was carried out before: it ends as it did then.
    Repeated(Done),
    /// Nothing to do.
    Skip(SkipReason),
    /// These members differ from what was last pushed.
    Fields(Vec<String>),
}

/// Compares a record as it is mapped now with what was last pushed.
pub fn change(link: &Link, event: Option<&EntityEvent>, mapped: &Fingerprints) -> Change {
    if let Some(event) = event {
        if event.id == link.last_event {
            return Change::Repeated(link.done());
        }
        if event.time < link.billing_time {
            return Change::Skip(SkipReason::OutOfDate);
        }
        if link.withdrawn && event.verb != Verb::Restored {
            return Change::Skip(SkipReason::Withdrawn);
        }
    }
    let fields = fields::changed(&link.pushed, mapped);
    if fields.is_empty() { Change::Skip(SkipReason::Unchanged) } else { Change::Fields(fields) }
}

/// Whether an event may tell of its record as it was before what the link knows of it, so that a difference need not be
/// an edit. A billing app's clock may have only seconds (Invoice Ninja API: `updated_at`): only the record as it is now
/// tells the order of what happened in one of them.
pub fn may_be_outdated(link: &Link, event: &EntityEvent) -> bool {
    event.time <= link.billing_seen.map_or(link.billing_time, |seen| seen.max(link.billing_time))
}

/// What to do with fields that both sides changed (D3): the later edit wins, and the loser is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merge {
    /// The members to send.
    pub send: Vec<String>,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// Merges our changes into an entity that somebody changed in QuickBooks since it was last seen.
///
/// A field that only one side changed keeps that side's value; what the bookkeeper did to fields that we did not
/// change is not touched.
pub fn merge(link: &Link, changed: &[String], ours: &Entity, theirs: &Entity, edited_at: Timestamp) -> Merge {
    let seen = fields::fingerprints(theirs);
    let theirs_at: Option<Timestamp> = theirs.last_updated_time().and_then(|time| time.parse().ok());
    let we_are_later = theirs_at.is_none_or(|theirs_at| edited_at >= theirs_at);
    let mut merge = Merge::default();
    for name in changed {
        let untouched = link.seen.get(name) == seen.get(name);
        let other = fields::shown(theirs, name);
        if !untouched && fields::holds(theirs, ours, name) {
            // Both sides say the same; it may be our own change, whose answer was lost.
            continue;
        }
        if untouched {
            let known = after_known_edits(link, std::slice::from_ref(name), ours, edited_at);
            merge.send.extend(known.send);
            merge.notes.extend(known.notes);
        } else if we_are_later {
            merge.send.push(name.clone());
            merge.notes.push(format!("{name} was changed on both sides; the billing app's later value replaced QuickBooks' {other}."));
        } else {
            merge.notes.push(their_value_stays(ours, name));
        }
    }
    merge
}

/// What of our changes to send, where somebody is known to have changed the same fields in QuickBooks before: as with
/// [`merge`], the later edit wins, and the loser is said.
pub fn after_known_edits(link: &Link, changed: &[String], ours: &Entity, edited_at: Timestamp) -> Merge {
    let mut merge = Merge::default();
    for name in changed {
        match link.edited.get(name) {
            Some(theirs_at) if edited_at < *theirs_at => merge.notes.push(their_value_stays(ours, name)),
            Some(_) => {
                merge.send.push(name.clone());
                merge.notes.push(format!(
                    "{name} was changed on both sides; the billing app's later value replaced QuickBooks'."
                ));
            }
            None => merge.send.push(name.clone()),
        }
    }
    merge
}

/// Our fields that somebody has changed in QuickBooks since they were last seen, with those that were known before,
/// and when at the latest.
pub fn known_edits(link: &Link, theirs: &Entity) -> BTreeMap<String, Timestamp> {
    let at: Option<Timestamp> = theirs.last_updated_time().and_then(|time| time.parse().ok());
    let mut edited = link.edited.clone();
    for name in fields::changed(&link.seen, &fields::fingerprints(theirs)) {
        edited.insert(name, at.unwrap_or(Timestamp::MAX));
    }
    edited
}

/// Our fields in which an entity is not as a record says, and when somebody has changed it at the latest.
pub fn differences(ours: &Entity, theirs: &Entity) -> BTreeMap<String, Timestamp> {
    let at: Option<Timestamp> = theirs.last_updated_time().and_then(|time| time.parse().ok());
    let set = [ours, theirs].map(|entity| fields::fingerprints(entity).into_keys());
    let names = set.into_iter().flatten().filter(|name| !fields::holds(theirs, ours, name));
    names.map(|name| (name, at.unwrap_or(Timestamp::MAX))).collect()
}

/// Our fields that somebody has changed in QuickBooks since the entity was created as `sent`, and when at the latest.
pub fn edits_since(sent: &Entity, theirs: &Entity) -> BTreeMap<String, Timestamp> {
    // Nobody has changed the first version (Intuit: SyncToken).
    if is_first(theirs) {
        return BTreeMap::new();
    }
    let mut edited = not_as_sent(sent, theirs);
    // QuickBooks works a date out where none was sent, by terms that may be the customer's: this one may be somebody's.
    edited.extend(differences(sent, theirs).into_iter().filter(|(name, _)| name == "DueDate"));
    edited
}

/// Whether a Customer or an Item was created with something else than `sent`, as far as its first version tells.
/// (QuickBooks works out amounts and taxes of transactions, so those need not be as they were sent.)
pub fn is_made_by_another(sent: &Entity, theirs: &Entity) -> bool {
    let is_name = matches!(theirs, Entity::Customer(_) | Entity::Item(_));
    is_name && is_first(theirs) && !not_as_sent(sent, theirs).is_empty()
}

fn is_first(entity: &Entity) -> bool {
    entity.sync_token() == Some("0")
}

fn not_as_sent(sent: &Entity, theirs: &Entity) -> BTreeMap<String, Timestamp> {
    let said = fields::fingerprints(sent);
    let mut differing = differences(sent, theirs);
    differing.retain(|name, _| said.contains_key(name) || !fields::is_filled_in(name));
    differing
}

/// The link after a change whose answer is not known, as far as the entity tells: the members that it holds as they
/// were sent were pushed, and what else has changed since it was last seen somebody has edited. None if the entity is
/// still the version that was to be changed.
pub fn after_attempt(link: &Link, attempt: &Attempt, current: &Entity) -> Option<Link> {
    if current.sync_token() == Some(&link.sync_token) {
        return None;
    }
    let mut next = link.clone();
    if let Some(sent) = attempt.sent(current.kind()) {
        let (said, found) = (fields::fingerprints(&sent), fields::fingerprints(current));
        for name in attempt.members.iter().filter(|name| fields::holds(current, &sent, name)) {
            put(&mut next.pushed, name, said.get(name));
            for name in fields::read_with(name) {
                put(&mut next.seen, name, found.get(name));
                next.edited.remove(name);
            }
        }
    }
    next.edited = known_edits(&next, current);
    Some(next)
}

/// The link of a record that was brought back by an attempt, with this answer, and that somebody has taken back in
/// QuickBooks since: that is an edit like any other.
pub fn taken_back_again(link: &Link, attempt: &Attempt, answer: &Entity, current: &Entity) -> Link {
    let mut next = Link { withdrawn: false, seen: fields::fingerprints(answer), ..link.clone() };
    let said = attempt.sent(current.kind()).map(|sent| fields::fingerprints(&sent)).unwrap_or_default();
    for name in &attempt.members {
        put(&mut next.pushed, name, said.get(name));
        next.edited.remove(name);
    }
    next.edited = known_edits(&next, current);
    next
}

/// Says that a member has this digest, or that there is none.
pub(crate) fn put(fingerprints: &mut Fingerprints, name: &str, value: Option<&String>) {
    match value {
        Some(value) => fingerprints.insert(name.to_owned(), value.clone()),
        None => fingerprints.remove(name),
    };
}

fn their_value_stays(ours: &Entity, name: &str) -> String {
    let mine = fields::shown(ours, name);
    format!(
        "{name} was changed on both sides; QuickBooks' later value stays, the billing app's {mine} was not sent."
    )
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;
    use quickbooks_wire::Customer;

    use super::*;
    use crate::ids::{CompanyId, EventId, RealmId};
    use crate::link::MatchedBy;
    use crate::mapping::fixtures::{billing, id, invoice, payment, settings};
    use crate::model::Allocation;
    use crate::outcome::DoneAction;
    use crate::settings::{Connection, Direction, Directions};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_772_000_000 + second).unwrap()
    }

    fn event(name: &str, kind: Kind, verb: Verb, subject: &str, second: i64) -> EntityEvent {
        EntityEvent {
            id: EventId::new(name).unwrap(),
            company: CompanyId::new("acme").unwrap(),
            kind,
            verb,
            subject: billing(subject),
            time: at(second),
            data: None,
        }
    }

    fn company(direction: Direction, state: Option<ConnectionState>) -> Company {
        let connection = state.map(|state| Connection {
            realm: RealmId::new("1").unwrap(),
            state,
            name: "Delgado Gardens".into(),
            connected_at: at(0),
        });
        let settings = Settings { directions: Directions::all(direction), ..settings() };
        Company { settings, connection, ..Company::new(CompanyId::new("acme").unwrap()) }
    }

    #[test]
    fn directions_that_do_not_push_skip_and_only_a_connection_lets_through() {
        use ConnectionState::{Connected, Disconnected, Expired};
        let connected = Some(Connected);
        assert_eq!(gate(&company(Direction::Push, connected), Kind::Client), None, "R6");
        assert_eq!(gate(&company(Direction::Bidirectional, connected), Kind::Client), None, "R9");
        for direction in [Direction::None, Direction::Pull] {
            let skipped = Outcome::Skipped(SkipReason::Direction(Kind::Client, direction));
            assert_eq!(gate(&company(direction, connected), Kind::Client), Some(skipped.clone()), "R5");
            assert_eq!(gate(&company(direction, None), Kind::Client), Some(skipped), "R4");
        }
        for state in [None, Some(Expired), Some(Disconnected)] {
            let gated = gate(&company(Direction::Push, state), Kind::Payment);
            assert!(
                matches!(gated, Some(Outcome::Parked(Park { cause: ParkCause::NotConnected, .. }))),
                "D10"
            );
        }
    }

    #[test]
    fn the_cut_off_date_skips_invoices_and_their_payments() {
        let cut_off = Some(date(2026, 3, 3));
        let settings = Settings { cut_off, ..settings() };
        let excluded_kind = |record: Record| excluded(&record, &settings);
        assert!(matches!(
            excluded_kind(Record::Invoice(Box::new(invoice()))),
            Some(Outcome::Skipped(SkipReason::BeforeCutOff { .. }))
        ));
        let on_the_day = Invoice { date: date(2026, 3, 3), ..invoice() };
        assert_eq!(excluded_kind(Record::Invoice(Box::new(on_the_day))), None, "D8");
        let mut paid = payment();
        assert_eq!(excluded_kind(Record::Payment(Box::new(paid.clone()))), None, "dates not told");
        paid.allocations[0].invoice_date = Some(date(2026, 3, 2));
        assert!(matches!(excluded_kind(Record::Payment(Box::new(paid.clone()))), Some(Outcome::Skipped(_))));
        let after = Allocation { invoice_date: Some(date(2026, 3, 5)), ..paid.allocations[0].clone() };
        paid.allocations.push(after);
        assert!(matches!(excluded_kind(Record::Payment(Box::new(paid))), Some(Outcome::Parked(_))));
    }

    #[test]
    fn the_closing_date_itself_is_closed() {
        let bill = Record::Invoice(Box::new(invoice()));
        assert_eq!(open_books(&bill, Some(date(2026, 3, 1))), Ok(()));
        let park = open_books(&bill, Some(date(2026, 3, 2))).unwrap_err();
        assert!(
            park.cause == ParkCause::ClosedPeriod && park.reason.contains("2026-03-02"),
            "{}",
            park.reason
        );
    }

    #[test]
    fn drafts_and_pending_payments_wait_for_their_time() {
        let draft = Invoice { status: InvoiceStatus::Draft, ..invoice() };
        let skipped = excluded(&Record::Invoice(Box::new(draft)), &settings());
        assert_eq!(skipped, Some(Outcome::Skipped(SkipReason::Draft)));
        let pending = Payment { status: PaymentStatus::Pending, ..payment() };
        assert!(excluded(&Record::Payment(Box::new(pending)), &settings()).is_some());
    }

    #[test]
    fn the_last_state_counts_and_a_withdrawal_outdoes_a_change() {
        let created = event("1", Kind::Invoice, Verb::Created, "i-1", 0);
        let other = event("2", Kind::Invoice, Verb::Created, "i-2", 1);
        let updated = event("3", Kind::Invoice, Verb::Updated, "i-1", 2);
        let deleted = event("4", Kind::Invoice, Verb::Deleted, "i-1", 3);
        let touched = event("5", Kind::Invoice, Verb::Updated, "i-1", 4);
        let restored = event("6", Kind::Invoice, Verb::Restored, "i-1", 5);
        let same_id = event("7", Kind::Payment, Verb::Created, "i-1", 6);
        let overtaken = event("8", Kind::Invoice, Verb::Updated, "i-1", 9);
        assert_eq!(
            coalesce(&[&deleted, &overtaken, &restored]),
            [1, 1, 1],
            "restored, then changed, whatever came first"
        );
        assert_eq!(coalesce(&[&created, &other, &updated]), [2, 1, 2]);
        assert_eq!(coalesce(&[&created, &deleted, &touched]), [1, 1, 1], "a touch revives nothing");
        assert_eq!(coalesce(&[&created, &created]), [0, 0], "the same event twice (R95)");
        assert_eq!(coalesce(&[&deleted, &restored]), [1, 1]);
        assert_eq!(coalesce(&[&created, &same_id]), [0, 1]);
        assert_eq!(coalesce(&[&updated, &created]), [0, 0], "an older state never replaces a newer one");
    }

    fn customer(name: &str, notes: &str, at: &str) -> Entity {
        let value = serde_json::json!({
            "Id": "7", "SyncToken": "1", "DisplayName": name, "Notes": notes, "MetaData": {"LastUpdatedTime": at},
        });
        serde_json::from_value::<Customer>(value).unwrap().into()
    }

    fn link(entity: &Entity) -> Link {
        Link {
            kind: Kind::Client,
            billing_id: billing("c-1"),
            quickbooks_id: id("7"),
            sync_token: "0".into(),
            last_updated: String::new(),
            pushed: fields::fingerprints(entity),
            seen: fields::fingerprints(entity),
            billing_time: at(10),
            last_event: EventId::new("e-1").unwrap(),
            last_action: DoneAction::Created,
            last_notes: Vec::new(),
            taxes: None,
            taxes_written: None,
            edited: BTreeMap::new(),
            matched_at: None,
            matched_by: MatchedBy::Created,
            generation: 0,
            product_key: None,
            withdrawn: false,
            billing_seen: None,
            recreated: None,
            attempt: None,
            pulled: None,
            revision: 1,
        }
    }

    #[test]
    fn repeated_old_and_empty_changes_are_told_apart() {
        let entity = customer("Rosa", "", "2026-03-01T00:00:00-08:00");
        let link = link(&entity);
        let mapped = fields::fingerprints(&entity);
        let of = |name: &str, second| event(name, Kind::Client, Verb::Updated, "c-1", second);
        assert!(matches!(change(&link, Some(&of("e-1", 10)), &mapped), Change::Repeated(_)), "R95");
        assert_eq!(change(&link, Some(&of("e-0", 9)), &mapped), Change::Skip(SkipReason::OutOfDate));
        assert_eq!(change(&link, Some(&of("e-2", 11)), &mapped), Change::Skip(SkipReason::Unchanged), "R18");
        let renamed = fields::fingerprints(&customer("Rosa D.", "", ""));
        assert_eq!(
            change(&link, Some(&of("e-2", 11)), &renamed),
            Change::Fields(vec!["DisplayName".into()]),
            "R19"
        );
        let withdrawn = Link { withdrawn: true, ..link };
        assert_eq!(change(&withdrawn, Some(&of("e-2", 11)), &renamed), Change::Skip(SkipReason::Withdrawn));
        let restored = EntityEvent { verb: Verb::Restored, ..of("e-2", 11) };
        assert!(matches!(change(&withdrawn, Some(&restored), &renamed), Change::Fields(_)));
    }

    #[test]
    fn a_snapshot_of_the_second_of_what_is_known_or_from_before_is_not_simply_believed() {
        let of = |second| event("e-2", Kind::Client, Verb::Updated, "c-1", second);
        let link = link(&customer("Rosa", "", "2026-03-01T00:00:00Z"));
        assert!(may_be_outdated(&link, &of(10)) && !may_be_outdated(&link, &of(11)));
        // A pull has seen the record since, with an edit in it that is yet to be pushed.
        let link = Link { billing_seen: Some(at(20)), ..link };
        assert!(may_be_outdated(&link, &of(20)) && may_be_outdated(&link, &of(15)));
        assert!(!may_be_outdated(&link, &of(21)));
        // Pushed later than that.
        let link = Link { billing_time: at(30), ..link };
        assert!(may_be_outdated(&link, &of(30)) && !may_be_outdated(&link, &of(31)));
    }

    #[test]
    fn an_event_again_tells_what_it_told_the_first_time() {
        let entity = customer("Rosa", "", "2026-03-01T00:00:00Z");
        let link = Link { last_notes: vec!["a cent is missing".into()], ..link(&entity) };
        let again = change(
            &link,
            Some(&event("e-1", Kind::Client, Verb::Updated, "c-1", 10)),
            &fields::fingerprints(&entity),
        );
        assert!(matches!(again, Change::Repeated(done) if done.notes == link.last_notes));
    }

    #[test]
    fn an_edit_of_what_was_just_created_is_known() {
        let sent = customer("Rosa", "old", "");
        let theirs = customer("Rosa", "theirs", "2026-03-02T00:00:00Z");
        assert_eq!(edits_since(&sent, &theirs).into_keys().collect::<Vec<_>>(), ["Notes"]);
        assert!(edits_since(&sent, &customer("Rosa", "old", "2026-03-02T00:00:00Z")).is_empty());
    }

    #[test]
    fn a_due_date_that_nobody_sent_may_be_a_bookkeepers_once_somebody_has_changed_the_invoice() {
        let invoice = |token: &str, due: Option<&str>| -> Entity {
            let value = serde_json::json!({"Id": "9", "SyncToken": token, "DueDate": due, "Line": []});
            serde_json::from_value::<quickbooks_wire::Invoice>(value).unwrap().into()
        };
        let sent = invoice("0", None);
        assert!(edits_since(&sent, &invoice("0", Some("2026-03-31"))).is_empty());
        let edited = edits_since(&sent, &invoice("1", Some("2026-05-12")));
        assert_eq!(edited.into_keys().collect::<Vec<_>>(), ["DueDate"]);
    }

    #[test]
    fn an_edit_that_was_seen_in_passing_is_not_overwritten_by_an_earlier_one() {
        let before = customer("Rosa", "old", "2026-03-01T00:00:00Z");
        let theirs = customer("Rosa", "theirs", "2026-03-02T00:00:00Z");
        let link = link(&before);
        let edited = known_edits(&link, &theirs);
        assert_eq!(edited.keys().collect::<Vec<_>>(), ["Notes"]);
        // Something else was pushed meanwhile: the version is known, and what it holds too.
        let link = Link { edited, seen: fields::fingerprints(&theirs), ..link };
        let ours = customer("Rosa", "ours", "");
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let earlier = after_known_edits(&link, &["Notes".to_owned()], &ours, at("2026-03-01T12:00:00Z"));
        assert!(earlier.send.is_empty() && earlier.notes[0].contains("\"ours\" was not sent"), "{earlier:?}");
        let later = after_known_edits(&link, &["Notes".to_owned()], &ours, at("2026-03-03T00:00:00Z"));
        assert!(later.send == ["Notes"] && later.notes[0].contains("replaced"), "{later:?}");
        // The entity is at yet another version, in which the note is still theirs.
        let merged = merge(&link, &["Notes".to_owned()], &ours, &theirs, at("2026-03-01T12:00:00Z"));
        assert!(merged.send.is_empty() && merged.notes[0].contains("\"ours\" was not sent"), "{merged:?}");
    }

    #[test]
    fn a_bookkeepers_edit_survives_unless_we_edited_the_same_field_later() {
        let before = customer("Rosa", "old", "2026-03-01T00:00:00Z");
        let link = link(&before);
        let ours = customer("Rosa D.", "ours", "");
        let changed = ["DisplayName".to_owned(), "Notes".to_owned()];
        let theirs = customer("Rosa", "theirs", "2026-03-02T00:00:00Z");
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let later = merge(&link, &changed, &ours, &theirs, at("2026-03-03T00:00:00Z"));
        assert_eq!(later.send, ["DisplayName", "Notes"]);
        assert!(later.notes[0].contains("replaced QuickBooks' \"theirs\""), "{:?}", later.notes);
        let earlier = merge(&link, &changed, &ours, &theirs, at("2026-03-01T12:00:00Z"));
        assert_eq!(earlier.send, ["DisplayName"], "theirs stays where it is later");
        assert!(earlier.notes[0].contains("\"ours\" was not sent"), "{:?}", earlier.notes);
        let payment_only = customer("Rosa", "old", "2026-03-02T00:00:00Z");
        let untouched = merge(&link, &changed, &ours, &payment_only, at("2026-03-01T12:00:00Z"));
        assert_eq!(
            (untouched.send.len(), untouched.notes.len()),
            (2, 0),
            "a payment bumps the token, no field of ours"
        );
    }

    prop_compose! {
        fn any_event()(name in 0_u8..40, subject in 0_u8..3, kind in 0_usize..4, verb in 0_usize..5) -> EntityEvent {
            let verb = [Verb::Created, Verb::Updated, Verb::Deleted, Verb::Voided, Verb::Restored][verb];
            event(&format!("e-{name}"), Kind::ALL[kind], verb, &format!("r-{subject}"), name.into())
        }
    }

    proptest! {
        #[test]
        fn every_event_of_a_record_has_the_same_decisive_one(events in prop::collection::vec(any_event(), 1..12)) {
            let events: Vec<&EntityEvent> = events.iter().collect();
            let decisive = coalesce(&events);
            for (place, by) in decisive.iter().enumerate() {
                let record = |place: usize| (events[place].kind, &events[place].subject);
                prop_assert_eq!(record(place), record(*by), "never another record's");
                prop_assert_eq!(decisive[*by], *by, "the decisive one stands for itself");
                for (other, other_by) in decisive.iter().enumerate() {
                    prop_assert!(record(other) != record(place) || other_by == by);
                }
                let newest_change = events.iter().filter(|event| (event.kind, &event.subject) == record(place)).map(|event| event.time).max();
                let withdrawn_or_newest = is_withdrawn(events[*by]) || Some(events[*by].time) == newest_change;
                prop_assert!(withdrawn_or_newest, "the last state, or a withdrawal before it");
            }
        }

        #[test]
        fn a_merge_loses_no_field_silently(
            ours in "[a-c]{1,2}", theirs in "[a-c]{1,2}", notes in "[a-c]{0,2}", their_notes in "[a-c]{0,2}", later in any::<bool>(),
        ) {
            let before = customer("Rosa", "old", "2026-03-01T00:00:00Z");
            let link = link(&before);
            let mine = customer(&ours, &notes, "");
            let other = customer(&theirs, &their_notes, "2026-03-02T00:00:00Z");
            let names = fields::changed(&link.pushed, &fields::fingerprints(&mine));
            let day = if later { "2026-03-03T00:00:00Z" } else { "2026-03-01T12:00:00Z" };
            let merged = merge(&link, &names, &mine, &other, day.parse().unwrap());
            for name in &names {
                let conflict = link.seen.get(name) != fields::fingerprints(&other).get(name);
                let agreed = conflict && fields::holds(&other, &mine, name);
                prop_assert_eq!(merged.send.contains(name), !agreed && (later || !conflict));
                prop_assert_eq!(merged.notes.iter().any(|note| note.starts_with(name.as_str())), conflict && !agreed);
            }
            prop_assert!(merged.send.iter().all(|name| names.contains(name)), "a field we did not change is not sent");
        }
    }
}
