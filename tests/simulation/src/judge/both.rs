//! The judgement where changes travel from QuickBooks to the billing app too.
//!
//! In the end both sides agree, member by member, or the activity log says why not; and what agrees is what somebody
//! said last, as far as the log does not tell of a conflict.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sync::activity::{Activity, ActivityResult, Side};
use sync::ids::BillingId;
use sync::model::{InvoiceStatus, Kind, Record};
use sync::outcome::{DoneAction, ParkCause, SkipReason};
use sync::settings::{Direction, Directions};

use super::case::{Case, Key};
use super::{Findings, Sort, entity_of, is_general};
use crate::billing::{By, Held, MADE, Told};
use crate::bookkeeper::{Deed, What};
use crate::view::{self, View};

/// Intuit's times have no fractions.
const SECOND: SignedDuration = SignedDuration::from_secs(1);

pub(super) fn judge(case: &Case<'_>, findings: &mut Findings) {
    let directions = case.evidence.directions;
    let shared = shared_marks(case);
    for (kind, number, held) in case.evidence.app.records() {
        let entities = case.entities.get(&(kind, number)).map(Vec::as_slice).unwrap_or_default();
        let pair = Pair { case, key: (kind, number), kind, held, entities };
        pair.judge_events(findings);
        match directions.of(kind) {
            Direction::None if directions == Directions::all(Direction::None) => {
                pair.judge_apart(number, findings);
            }
            // Clients and products are made on the fly for what refers to them (D9), and stay as they were made.
            Direction::None if matches!(kind, Kind::Client | Kind::Product) => {}
            Direction::None => pair.judge_apart(number, findings),
            // What a bookkeeper does to these stays in QuickBooks.
            Direction::Push if pair.deeds().next().is_some() => {}
            _ if pair.is_one_of_several(&shared) => {}
            _ => pair.judge(findings),
        }
    }
    judge_records(case, findings);
    judge_removed(case, findings);
    judge_entities(case, findings);
}

/// No entity has been made a record of twice.
fn judge_records(case: &Case<'_>, findings: &mut Findings) {
    let mut seen: BTreeSet<(Kind, String)> = BTreeSet::new();
    let made = case.evidence.app.records().filter(|(_, number, held)| *number > MADE && !held.gone);
    // Of what a person has deleted and brought back there may be another by then.
    let made = made.filter(|(.., held)| !held.told.iter().any(|told| told.gone && told.by == By::Person));
    for (kind, _, held) in made {
        for mark in view::marks_of_record(&held.record) {
            if !seen.insert((kind, mark.clone())) {
                findings.add(Sort::Duplicate, format!("{kind} {mark} is in the billing app twice"));
            }
        }
    }
}

/// What was deleted for a bookkeeper's sake is kept in the log as it was (D4). A payment of which another one took the
/// place is named there.
fn judge_removed(case: &Case<'_>, findings: &mut Findings) {
    let removed = case.evidence.log.iter().filter_map(|entry| entry.removed.as_ref());
    let kept: BTreeSet<(Kind, &BillingId)> = removed.map(|record| (record.kind(), record.id())).collect();
    for (kind, _, held) in case.evidence.app.records() {
        let id = held.record.id();
        let deletion = held.told.iter().rev().take_while(|told| told.gone).last();
        let is_removed = held.gone && deletion.is_some_and(|told| told.by == By::Api);
        if is_removed && !kept.contains(&(kind, id)) && !is_replaced(case, kind, id) {
            let entries = entries(case, kind, |entry| entry.billing_id.as_ref() == Some(id));
            let text = format!("{kind} {id} was deleted and is kept nowhere; {}", last_words(&entries));
            findings.add(Sort::Lost, text);
        }
    }
}

fn is_replaced(case: &Case<'_>, kind: Kind, id: &BillingId) -> bool {
    let names_it = |note: &String| note.split_whitespace().any(|word| word == id.as_str());
    let is_told = |entry: &Activity| matches!(&entry.result, ActivityResult::Done(done) if done.notes.iter().any(names_it));
    kind == Kind::Payment && !entries(case, kind, is_told).is_empty()
}

/// The marks by which more than one record is known: a person has made one while another one came over. Whose is
/// whose cannot be told then.
fn shared_marks(case: &Case<'_>) -> BTreeSet<(Kind, String)> {
    let mut keys: BTreeMap<(Kind, String), BTreeSet<u32>> = BTreeMap::new();
    for (kind, number, held) in case.evidence.app.records() {
        for mark in held.told.iter().flat_map(|told| view::marks_of_record(&told.record)) {
            keys.entry((kind, mark)).or_default().insert(number);
        }
    }
    keys.into_iter().filter(|(_, numbers)| numbers.len() > 1).map(|(mark, _)| mark).collect()
}

/// What the bookkeeper has added has come over.
fn judge_entities(case: &Case<'_>, findings: &mut Findings) {
    for (entity, id) in &case.evidence.journal.added {
        let Some(value) = case.evidence.company.entity(entity, id) else { continue };
        let kind = super::case::kind_of(entity);
        if !case.evidence.directions.of(kind).pulls() {
            continue;
        }
        let has_record = case.entities.iter().any(|((of, _), values)| *of == kind && values.contains(&value));
        let sellable = *entity != "Item" || !is_general(&view::text(value, "Name"));
        let has_record = has_record || case.was_met_by_any(entity, value);
        if view::is_live(value) && sellable && !has_record {
            let entries =
                entries(case, kind, |entry| entry.quickbooks_id.as_ref().is_some_and(|of| of.as_str() == id));
            if !entries.iter().any(|entry| is_reason(entry)) {
                findings.add(Sort::Lost, format!("{entity} {id} never came over; {}", last_words(&entries)));
            }
        }
    }
}

fn entries<'a>(case: &Case<'a>, kind: Kind, fits: impl Fn(&Activity) -> bool) -> Vec<&'a Activity> {
    case.evidence.log.iter().filter(|entry| entry.kind == Some(kind) && fits(entry)).collect()
}

/// Whether an entry says that, and why, the two sides are not alike.
fn is_reason(entry: &Activity) -> bool {
    match &entry.result {
        ActivityResult::Parked(_) | ActivityResult::Ignored { .. } => true,
        ActivityResult::Skipped { reason } => {
            let agreed = [
                SkipReason::Unchanged,
                SkipReason::Superseded,
                SkipReason::OutOfDate,
                SkipReason::NothingNew,
                SkipReason::AlreadyVoided,
                SkipReason::AlreadyDeleted,
            ];
            !agreed.iter().any(|agreed| agreed.to_string() == *reason)
        }
        ActivityResult::Done(_) => false,
    }
}

fn last_words(entries: &[&Activity]) -> String {
    let last = entries.iter().max_by_key(|entry| entry.handled_at);
    format!("the log says {:?}", last.map(|entry| (&entry.event, &entry.result)))
}

/// A record and its entities.
struct Pair<'a> {
    case: &'a Case<'a>,
    key: Key,
    kind: Kind,
    held: &'a Held,
    entities: &'a [&'a Value],
}

impl<'a> Pair<'a> {
    /// Whether its marks, or those of an invoice that it pays, are another record's too.
    fn is_one_of_several(&self, shared: &BTreeSet<(Kind, String)>) -> bool {
        let is_shared = |kind, record: &Record| {
            view::marks_of_record(record).into_iter().any(|mark| shared.contains(&(kind, mark)))
        };
        let paid = |record: &Record| match record {
            Record::Payment(payment) => {
                let mut paid = payment.allocations.iter();
                paid.any(|one| {
                    self.case
                        .record(Kind::Invoice, &one.invoice_id)
                        .is_some_and(|invoice| is_shared(Kind::Invoice, invoice))
                })
            }
            _ => false,
        };
        self.held.told.iter().any(|told| is_shared(self.kind, &told.record) || paid(&told.record))
    }

    fn name(&self) -> String {
        format!("{} {}", self.kind, self.held.record.id())
    }

    fn entries(&self) -> Vec<&'a Activity> {
        let is_its = |entry: &Activity| {
            entry.billing_id.as_ref() == Some(self.held.record.id())
                || entry.quickbooks_id.as_ref().is_some_and(|id| {
                    self.entities.iter().any(|value| view::text(value, "Id") == id.as_str())
                        // What was deleted before it was linked is known by what the bookkeeper did to it.
                        || self.deeds().any(|deed| deed.id == id.as_str())
                })
        };
        entries(self.case, self.kind, is_its)
    }

    fn deeds(&self) -> impl Iterator<Item = &'a Deed> {
        let deeds = &self.case.evidence.journal.deeds;
        let entity = entity_of(self.kind);
        deeds.iter().filter(move |deed| {
            deed.entity == entity
                && (self.entities.iter().any(|value| view::text(value, "Id") == deed.id)
                    || deed.marks.iter().any(|mark| self.case.key_of(mark) == Some(self.key)))
        })
    }

    /// Every event that was sent has left activity, and none waits for a connection that is there.
    fn judge_events(&self, findings: &mut Findings) {
        for told in self.held.told.iter().filter(|told| !told.is_lost) {
            match self.case.log.get(told.event.as_str()).map(|entry| &entry.result) {
                None => findings.add(Sort::Lost, format!("event {} left no activity", told.event)),
                Some(ActivityResult::Parked(park)) if park.cause == ParkCause::NotConnected => findings
                    .add(Sort::Lost, format!("event {} still waits for a connection that works", told.event)),
                Some(_) => {}
            }
        }
    }

    /// Nothing travels.
    fn judge_apart(&self, number: u32, findings: &mut Findings) {
        let added = &self.case.evidence.journal.added;
        let is_made = |value: &&Value| !added.contains(&(entity_of(self.kind), view::text(value, "Id")));
        if number > MADE || self.entities.iter().any(is_made) {
            findings.add(Sort::Unexplained, format!("nobody asked for {} on both sides", self.name()));
        }
    }

    fn judge(&self, findings: &mut Findings) {
        let live: Vec<&Value> = self.entities.iter().copied().filter(|value| view::is_live(value)).collect();
        let draft =
            matches!(&self.held.record, Record::Invoice(invoice) if invoice.status == InvoiceStatus::Draft);
        let gone = self.held.gone || draft;
        match (gone, live.as_slice()) {
            (true, []) => {}
            (true, [one, ..]) => {
                let gone_at = self.held.told.last().map_or(Timestamp::UNIX_EPOCH, |told| told.time);
                let shown = |what: &What| matches!(what, What::Shown | What::Hidden);
                if !self.is_explained_since(gone_at) && !self.was(shown) {
                    let id = view::text(one, "Id");
                    self.diverged(&format!("it is gone, but {id} is live in QuickBooks"), findings);
                }
            }
            (false, []) if self.is_explained() => {}
            // Customers and Items are not deleted, and stay in the billing app (R41).
            (false, [])
                if matches!(self.kind, Kind::Client | Kind::Product)
                    && self.was(|what| matches!(what, What::Hidden | What::MergedAway)) => {}
            (false, []) if self.entities.is_empty() => {
                let text = format!("{} is not in QuickBooks; {}", self.name(), last_words(&self.entries()));
                findings.add(Sort::Lost, text);
            }
            (false, []) => {
                self.diverged("it is there, but voided or inactive in QuickBooks", findings);
            }
            (false, [_]) if self.case.was_merged_away(self.key) => {}
            (false, [one]) => self.compare(one, findings),
            (false, several) => {
                let moved = |what: &What| {
                    matches!(what, What::Hidden | What::MergedAway)
                        || matches!(what, What::Edited { member: "DisplayName", .. })
                };
                if !self.was(moved) && !self.is_explained() {
                    let ids: Vec<String> = several.iter().map(|value| view::text(value, "Id")).collect();
                    let text = format!("{} is {} in QuickBooks", self.name(), ids.join(" and "));
                    findings.add(Sort::Duplicate, text);
                }
            }
        }
    }

    fn diverged(&self, text: &str, findings: &mut Findings) {
        let text = format!("{}: {text}; {}", self.name(), last_words(&self.entries()));
        findings.add(Sort::Diverged, text);
    }

    fn was(&self, what: impl Fn(&What) -> bool) -> bool {
        self.deeds().any(|deed| what(&deed.what))
    }

    /// When somebody last changed anything of the two.
    fn touched_at(&self) -> Timestamp {
        let people = self.held.told.iter().filter(|told| told.by == By::Person).map(|told| told.time);
        let deeds = self.deeds().filter(|deed| !self.was_void(deed)).map(|deed| deed.at);
        people.chain(deeds).max().unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Whether the bookkeeper has deleted what was void, and could not be brought back by the billing app: that says
    /// nothing new.
    fn was_void(&self, deletion: &Deed) -> bool {
        let earlier = |deed: &&Deed| deed.id == deletion.id && deed.at < deletion.at;
        deletion.what == What::Deleted
            && !self.case.evidence.directions.of(self.kind).pushes()
            && self.deeds().filter(earlier).last().is_some_and(|deed| deed.what == What::Voided)
    }

    fn is_explained(&self) -> bool {
        self.is_explained_since(self.touched_at())
    }

    fn is_explained_since(&self, touched_at: Timestamp) -> bool {
        self.entries().iter().any(|entry| {
            entry.result.is_parked() || (is_reason(entry) && entry.handled_at >= touched_at - SECOND)
        })
    }

    fn compare(&self, entity: &Value, findings: &mut Findings) {
        let id = view::text(entity, "Id");
        let (ours, theirs) = (view::of_record(&self.held.record), self.case.view(self.kind, entity));
        let explained = self.is_explained();
        for (member, ours) in &ours {
            let theirs = theirs.get(member).map(String::as_str).unwrap_or_default();
            let known = explained
                || self.is_noted(member)
                || self.is_excused(member, &id)
                || self.was_refused(member);
            if !agree(member, ours, theirs) && !known {
                let text = format!("{member} is {ours:?}, but {theirs:?} in QuickBooks ({id})");
                self.diverged(&text, findings);
            }
        }
        if !explained {
            self.judge_last_words(&ours, &theirs, &id, findings);
        }
    }

    /// When a person last changed a member in the billing app, and to what.
    fn said(&self, member: &str) -> Option<(Timestamp, String)> {
        let value = |record: &Record| view::of_record(record).remove(member).unwrap_or_default();
        let mut before: Option<String> = None;
        let mut said = None;
        for told in &self.held.told {
            let now = value(&told.record);
            if told.by == By::Person && before.as_ref() != Some(&now) {
                said = Some((told.time, now.clone()));
            }
            before = Some(now);
        }
        said
    }

    /// What a person said last has not been replaced by what another one said before.
    fn judge_last_words(&self, ours: &View, theirs: &View, id: &str, findings: &mut Findings) {
        let members: BTreeSet<&str> = ours.keys().chain(theirs.keys()).copied().collect();
        for member in members {
            let deed = self.deeds().filter(|deed| said_in(&deed.what, member)).last();
            let said = self.said(member);
            let elsewhere = |what: &What| matches!(what, What::Voided | What::MergedAway);
            // Totals are worked out by each side from what else was said (and compared above), and merges move what
            // refers to a customer.
            if member == "TotalAmt"
                || (member == "CustomerRef" && self.is_of_merged_clients(ours, said.as_ref()))
                || self.is_noted(member)
                || self.was(elsewhere)
                || self.is_excused(member, id)
            {
                continue;
            }
            if let Some((at, words)) = &said
                && self.held.told.len() > 1
                && deed.is_none_or(|deed| deed.at < *at - SECOND)
                && !self.was_written_at(*at)
                && !self.was_taken_back(member, words, *at)
                && !self.was_said_on_a_line(member, words, *at)
                && ours.get(member).is_some_and(|now| !agree(member, now, words))
            {
                let text = format!(
                    "{member} of {} was set to {words:?}, and is {:?}",
                    self.name(),
                    ours.get(member)
                );
                findings.add(Sort::Overwritten, text);
            }
            if let Some(deed) = deed
                // What was done to an entity went with it when the bookkeeper deleted it.
                && deed.id == id
                && let What::Edited { value, .. } = &deed.what
                && said.as_ref().is_none_or(|(at, _)| *at < deed.at - SECOND)
                && theirs.get(member) != Some(value)
                && !self.was_set_back(member, value)
            {
                let text = format!(
                    "{member} of {} {} was set to {value:?} by the bookkeeper and is {:?}",
                    deed.entity,
                    deed.id,
                    theirs.get(member)
                );
                findings.add(Sort::Overwritten, text);
            }
        }
    }

    /// Whether a person has taken a change back, so that nothing has changed as far as anybody could see.
    fn was_taken_back(&self, member: &str, words: &str, at: Timestamp) -> bool {
        let value = |told: &Told| view::of_record(&told.record).remove(member).unwrap_or_default();
        let before: Vec<String> = self.held.told.iter().filter(|told| told.time < at).map(value).collect();
        before.last().is_some_and(|last| last != words) && before.iter().any(|was| was == words)
    }

    /// Whether an invoice's line, for whose sake the Item may have been made, has said the same of a product before, and
    /// nothing that the product said itself was carried out by then: its edit looks like no change.
    fn was_said_on_a_line(&self, member: &str, words: &str, at: Timestamp) -> bool {
        let is_done = |told: &Told| {
            let entry = self.case.log.get(told.event.as_str());
            entry.is_some_and(|entry| matches!(entry.result, ActivityResult::Done(_)))
        };
        let Record::Product(product) = &self.held.record else { return false };
        let mut earlier = self.held.told.iter().filter(|told| told.time < at);
        let told = self.case.evidence.app.records().flat_map(|(.., held)| &held.told);
        let mut lines = told.filter(|told| told.time < at).flat_map(|told| match &told.record {
            Record::Invoice(invoice) => invoice.lines.as_slice(),
            _ => &[],
        });
        !earlier.any(is_done)
            && lines.any(|line| {
                let said = match member {
                    "UnitPrice" => line.unit_price.normalize().to_string(),
                    "Description" => line.notes.clone(),
                    _ => return false,
                };
                line.product_key == product.key && said == words
            })
    }

    /// Whether a pull has written to the record in the second of a person's edit: the billing app takes both in turn and
    /// has no means to refuse the later one.
    fn was_written_at(&self, at: Timestamp) -> bool {
        self.held.told.iter().any(|told| told.by == By::Api && told.time >= at && told.time <= at + SECOND)
    }

    /// Whether the bookkeeper has changed a member and set it back to what it was, which looks like no change.
    fn was_set_back(&self, member: &str, value: &str) -> bool {
        let edits = self
            .deeds()
            .filter(|deed| matches!(&deed.what, What::Edited { member: edited, .. } if *edited == member));
        let was = |told: &Told| view::of_record(&told.record).get(member).is_some_and(|was| was == value);
        edits.count() > 1 && self.held.told.iter().any(was)
    }

    /// Whether the client that it has, or that somebody said, has had part in a merge.
    fn is_of_merged_clients(&self, ours: &View, said: Option<&(Timestamp, String)>) -> bool {
        let clients = ours.get("CustomerRef").into_iter().chain(said.map(|(_, said)| said));
        clients.into_iter().any(|client| self.case.is_merged(client))
    }

    /// Whether the log tells of a conflict over the member.
    fn is_noted(&self, member: &str) -> bool {
        let words = words(member);
        self.entries().iter().any(|entry| match &entry.result {
            ActivityResult::Done(done) => done
                .notes
                .iter()
                .filter(|note| !note.starts_with("Changed in QuickBooks:"))
                .any(|note| words.iter().any(|words| note.contains(words))),
            _ => false,
        })
    }

    /// Whether the log says why what was last said in the billing app did not go over.
    fn was_refused(&self, member: &str) -> bool {
        let Some((at, _)) = self.said(member) else { return false };
        // Its own event may have been replaced by a later one.
        self.entries()
            .iter()
            .any(|entry| entry.side == Side::Billing && entry.handled_at >= at - SECOND && is_reason(entry))
    }

    fn is_excused(&self, member: &str, id: &str) -> bool {
        // What was there on both sides is linked as it is.
        let linked = self.entries().iter().any(|entry| {
            matches!(&entry.result, ActivityResult::Done(done)
                if matches!(done.action, DoneAction::Linked | DoneAction::RecordLinked)
                    || done.notes.iter().any(|note| note.starts_with("It was linked with")))
        });
        let added = self.case.evidence.journal.added.iter().any(|(_, added)| added == id);
        // A client has no company's name of its own: its name is sent as that too, but what a bookkeeper makes of one of
        // the two says nothing of the other. So after such an edit the two differ in QuickBooks, and rightly so.
        let renamed =
            |what: &What| matches!(what, What::Edited { member: "CompanyName" | "DisplayName", .. });
        let company = member == "CompanyName" && (added || self.was(renamed));
        let namesake = member == "CustomerRef"
            && view::of_record(&self.held.record)
                .get(member)
                .is_some_and(|client| self.case.has_a_namesake(client));
        (linked && added) || company || namesake || self.case.is_moved(&self.held.record, member)
    }
}

/// Whether both sides say the same. A payment that came over, or takes another one's place, has a number that
/// QuickBooks does not know; and what could not be voided has a note of it (R69).
fn agree(member: &str, ours: &str, theirs: &str) -> bool {
    let ours_alone = ["Payment number: ", "Not voided in QuickBooks."];
    let said = |text: &str| {
        let lines = text.lines().filter(|line| !ours_alone.iter().any(|start| line.starts_with(start)));
        lines.collect::<Vec<_>>().join("\n")
    };
    let named = |text: &str| view::without_suffix(text);
    super::agree(member, ours, theirs)
        || (member == "PrivateNote" && said(ours) == said(theirs))
        // What was renamed while it was inactive keeps, in the middle, what QuickBooks put behind its name.
        || (["DisplayName", "CompanyName", "Name"].contains(&member) && named(ours) == named(theirs))
}

/// Whether a deed is about a member. Lines make amounts.
fn said_in(what: &What, member: &str) -> bool {
    match what {
        What::Edited { member: edited, .. } => *edited == member,
        What::Reworked => ["Line", "Discount", "TotalAmt"].contains(&member),
        _ => false,
    }
}

/// What a note calls a member.
fn words(member: &str) -> Vec<&str> {
    let label = match member {
        "DisplayName" | "Name" => "The name",
        "GivenName" => "first name",
        "PrimaryEmailAddr" => "e-mail address",
        "PrimaryPhone" => "telephone number",
        "BillAddr" => "billing address",
        "Notes" => "The notes",
        "Description" => "description",
        "UnitPrice" => "The price",
        "DocNumber" => "The number",
        "TxnDate" => "The date",
        "DueDate" => "due date",
        "CustomerRef" => "The customer",
        "Line" | "Discount" => "The lines",
        "TotalAmt" => "difference of",
        "CustomerMemo" => "message to the customer",
        "PrivateNote" => "private note",
        "PaymentRefNum" => "reference number",
        other => other,
    };
    let amounts: &[&str] = match member {
        "TotalAmt" => &["The lines", "The amount", "Line was"],
        "Discount" => &["Line was", "difference of"],
        // The billing app has one name for both.
        "CompanyName" => &["DisplayName was", "The name"],
        _ => &[],
    };
    [member, label].into_iter().chain(amounts.iter().copied()).collect()
}
