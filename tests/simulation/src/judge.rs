//! The judge: decides from both sides' final state, the bookkeeper's journal and the activity log alone. It knows
//! nothing of the engine.
//!
//! - *Duplicate*: more than one live entity for a record.
//! - *Lost*: a record that should be in QuickBooks is not, or an event left no activity, and nothing says why.
//! - *Wrong books*: an entity with another company's mark.
//! - *Overwritten*: what the bookkeeper did is gone, although the billing side changed nothing of it afterwards.
//! - *Silent difference*: the two sides differ, and nobody is told.
//! - *Unexplained*: an entity that nobody asked for.
//! - *Diverged*: where changes travel both ways, the two sides differ in the end, and nothing says why.
//! - *Echo*: the two sides are still written to when nobody has changed anything for long.

mod both;
mod case;
mod choices;

use std::fmt;

use jiff::Timestamp;
use quickbooks_simulator::company::Company;
use serde_json::Value;
use sync::activity::{Activity, ActivityResult};
use sync::model::{Kind, Record};
use sync::outcome::{ParkCause, SkipReason};
use sync::settings::{Direction, Directions};

use crate::billing::{BillingApp, Held};
use crate::bookkeeper::{Journal, What};
use crate::choices::Choices;
use crate::view;
use case::{Case, Key};

/// Everything there is to know about one company at the end.
pub(crate) struct Evidence<'a> {
    pub(crate) place: usize,
    pub(crate) directions: Directions,
    pub(crate) choices: &'a Choices,
    pub(crate) app: &'a BillingApp,
    pub(crate) company: &'a Company,
    pub(crate) journal: &'a Journal,
    pub(crate) log: &'a [Activity],
}

impl Evidence<'_> {
    /// Whether anything of QuickBooks' comes to the billing app.
    pub(crate) fn pulls(&self) -> bool {
        Kind::ALL.into_iter().any(|kind| self.directions.of(kind).pulls())
    }
}

/// What kind of fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "told above, at the judge")]
pub enum Sort {
    Duplicate,
    Lost,
    WrongBooks,
    Overwritten,
    SilentDifference,
    Unexplained,
    Diverged,
    Echo,
}

/// A fault that the judge has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind of fault it is.
    pub sort: Sort,
    /// Which record or entity, in which books, and what is wrong with it.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.sort, self.text)
    }
}

impl Finding {
    pub(crate) fn echo(place: usize) -> Finding {
        let text = format!("company {place}: the two sides keep being written to");
        Finding { sort: Sort::Echo, text }
    }

    pub(crate) fn stuck(place: usize, body: &str) -> Finding {
        let start: String = body.chars().take(300).collect();
        Finding {
            sort: Sort::Lost,
            text: format!("company {place}: this message is delivered for ever: {start}"),
        }
    }
}

/// Judges one company.
pub(crate) fn judge(evidence: &Evidence<'_>) -> Vec<Finding> {
    let mut findings = Findings { place: evidence.place, all: Vec::new() };
    let case = Case::open(evidence, &mut findings);
    choices::judge(&case, &mut findings);
    if evidence.directions != Directions::all(Direction::Push) {
        both::judge(&case, &mut findings);
        return findings.all;
    }
    for (kind, number, held) in evidence.app.records() {
        let record = OneRecord { case: &case, key: (kind, number), held };
        record.judge_events(&mut findings);
        record.judge(&mut findings);
    }
    judge_deeds(&case, &mut findings);
    findings.all
}

pub(crate) struct Findings {
    place: usize,
    all: Vec<Finding>,
}

impl Findings {
    fn add(&mut self, sort: Sort, text: impl fmt::Display) {
        self.all.push(Finding { sort, text: format!("company {}: {text}", self.place) });
    }
}

/// A record, with all that is known of it.
struct OneRecord<'a> {
    case: &'a Case<'a>,
    key: Key,
    held: &'a Held,
}

impl OneRecord<'_> {
    fn name(&self) -> String {
        format!("{} {}", self.key.0, self.held.record.id())
    }

    fn judge_events(&self, findings: &mut Findings) {
        for told in &self.held.told {
            match self.case.log.get(told.event.as_str()).map(|entry| &entry.result) {
                None => findings.add(Sort::Lost, format!("event {} left no activity", told.event)),
                Some(ActivityResult::Parked(park)) => match park.cause {
                    ParkCause::NotConnected | ParkCause::UnknownCompany => findings.add(
                        Sort::Lost,
                        format!("event {} still waits for a connection that works", told.event),
                    ),
                    ParkCause::Unreadable => findings
                        .add(Sort::Lost, format!("event {} was not understood: {}", told.event, park.reason)),
                    _ => {}
                },
                Some(_) => {}
            }
        }
    }

    fn judge(&self, findings: &mut Findings) {
        let name = self.name();
        let all = self.case.entities.get(&self.key).map(Vec::as_slice).unwrap_or_default();
        let live: Vec<&Value> = all.iter().copied().filter(|value| view::is_live(value)).collect();
        let draft = matches!(&self.held.record, Record::Invoice(invoice) if invoice.status == sync::model::InvoiceStatus::Draft);
        match (self.held.gone || draft, live.as_slice()) {
            (true, []) => {}
            (true, _) if self.is_explained() || self.bookkeeper_shows_it() => {}
            (true, [one, ..]) => {
                let id = view::text(one, "Id");
                findings.add(
                    Sort::SilentDifference,
                    format!("{name} is withdrawn, but {id} is live in QuickBooks; {}", self.last_words()),
                );
            }
            (false, []) if self.is_explained() || self.bookkeeper_took_it() => {}
            (false, []) => findings.add(
                Sort::Lost,
                format!("{name} is not in QuickBooks ({} not live); {}", all.len(), self.last_words()),
            ),
            // What is left of it after a merge is another customer.
            (false, [_]) if self.case.was_merged_away(self.key) => {}
            (false, [one]) if self.is_anothers(one) => {}
            (false, [one]) => self.compare(one, findings),
            (false, several) => {
                if !self.bookkeeper_made_room() {
                    let ids: Vec<String> = several.iter().map(|value| view::text(value, "Id")).collect();
                    findings.add(Sort::Duplicate, format!("{name} is {} in QuickBooks", ids.join(" and ")));
                }
            }
        }
    }

    fn last(&self) -> Option<&ActivityResult> {
        Some(&self.case.log.get(self.held.told.last()?.event.as_str())?.result)
    }

    fn last_words(&self) -> String {
        let event = self.held.told.last().map(|told| told.event.as_str()).unwrap_or_default();
        format!("its last event {event} ended as {:?}", self.last())
    }

    /// Whether the activity of the record's last event says that, and why, QuickBooks is not as the billing app.
    fn is_explained(&self) -> bool {
        match self.last() {
            Some(ActivityResult::Parked(_) | ActivityResult::Ignored { .. }) => true,
            Some(ActivityResult::Skipped { reason }) => {
                // These say that QuickBooks is as it should be.
                let agreed = [SkipReason::Unchanged, SkipReason::Superseded, SkipReason::OutOfDate];
                !agreed.iter().any(|agreed| agreed.to_string() == *reason)
            }
            Some(ActivityResult::Done(_)) | None => false,
        }
    }

    fn deeds(&self) -> impl Iterator<Item = &What> {
        self.case.deeds_on(self.key).map(|deed| &deed.what)
    }

    fn bookkeeper_took_it(&self) -> bool {
        let taken =
            |what: &What| matches!(what, What::Voided | What::Deleted | What::Hidden | What::MergedAway);
        self.deeds().any(taken) || self.case.was_merged_away(self.key)
    }

    fn bookkeeper_shows_it(&self) -> bool {
        self.deeds().filter(|what| matches!(what, What::Shown | What::Hidden)).last() == Some(&What::Shown)
    }

    /// Whether an entity is one that the bookkeeper added and that has but the name of the record's own, which is hidden.
    fn is_anothers(&self, entity: &Value) -> bool {
        let id = view::text(entity, "Id");
        let is_added = self.case.evidence.journal.added.iter().any(|(_, added)| *added == id);
        let told = self.held.told.iter().filter_map(|told| self.case.log.get(told.event.as_str()));
        let own = told.filter_map(|entry| entry.quickbooks_id.as_ref()).next_back();
        let is_hidden =
            |own: &str| self.case.deeds_on(self.key).any(|deed| deed.id == own && deed.what == What::Hidden);
        is_added && own.is_some_and(|own| own.as_str() != id && is_hidden(own.as_str()))
    }

    /// What the bookkeeper hid, renamed or merged may be made once more.
    fn bookkeeper_made_room(&self) -> bool {
        let moved = |what: &What| {
            matches!(what, What::Hidden | What::MergedAway)
                || matches!(what, What::Edited { member: "DisplayName", .. })
        };
        self.deeds().any(moved) || self.case.was_merged_away(self.key)
    }

    fn compare(&self, entity: &Value, findings: &mut Findings) {
        if self.is_explained() {
            return;
        }
        let id = view::text(entity, "Id");
        let (wanted, found) = (view::of_record(&self.held.record), self.case.view(self.key.0, entity));
        for (member, wanted) in wanted {
            let found = found.get(member).map(String::as_str).unwrap_or_default();
            if !agree(member, &wanted, found) && !self.is_excused(member, &id) {
                let text = format!(
                    "{member} of {} is {wanted:?}, but {found:?} in QuickBooks ({id}); {}",
                    self.name(),
                    self.last_words()
                );
                findings.add(Sort::SilentDifference, text);
            }
        }
    }

    /// When the billing app last changed a member.
    fn changed_at(&self, member: &str) -> Timestamp {
        let value = |record: &Record| view::of_record(record).remove(member).unwrap_or_default();
        let now = value(&self.held.record);
        let same = self.held.told.iter().rev().take_while(|told| value(&told.record) == now);
        same.last().map_or(Timestamp::UNIX_EPOCH, |told| told.time)
    }

    /// When a member's present value was first carried out and not changed by what was carried out later: changes that
    /// were taken back before anything was sent count for nothing.
    fn carried_out_at(&self, member: &str) -> Timestamp {
        let value = |record: &Record| view::of_record(record).remove(member).unwrap_or_default();
        let now = value(&self.held.record);
        let done = self.held.told.iter().rev().filter(|told| {
            let entry = self.case.log.get(told.event.as_str());
            entry.is_some_and(|entry| matches!(entry.result, ActivityResult::Done(_)))
        });
        let same = done.take_while(|told| value(&told.record) == now);
        same.last().map_or(Timestamp::MAX, |told| told.time)
    }

    /// When the billing app last said a member's value: bringing a record back says all of it anew.
    fn said_at(&self, member: &str) -> Timestamp {
        let told = &self.held.told;
        let gone = told.iter().rposition(|told| told.gone);
        let restored = gone.and_then(|gone| told.get(gone + 1)).map(|told| told.time);
        self.changed_at(member).max(restored.unwrap_or(Timestamp::UNIX_EPOCH))
    }

    fn is_excused(&self, member: &'static str, id: &str) -> bool {
        let changed_at = self.changed_at(member);
        let carried_out_at = self.carried_out_at(member).min(changed_at);
        let edited = |deed: &&crate::bookkeeper::Deed| {
            deed.at >= carried_out_at
                && match &deed.what {
                    What::Edited { member: edited, .. } => *edited == member,
                    What::Voided => ["Line", "Discount", "TotalAmt", "PrivateNote"].contains(&member),
                    What::Reworked => ["Line", "Discount", "TotalAmt"].contains(&member),
                    _ => false,
                }
        };
        let kept = self.case.deeds_on(self.key).any(|deed| edited(&deed));
        kept || self.is_noted(member, carried_out_at)
            || self.is_adopted(id, carried_out_at)
            || self.case.is_moved(&self.held.record, member)
            || self.case.is_lowered(&self.held.record, member)
    }

    /// Whether the activity log says so.
    fn is_noted(&self, member: &str, since: Timestamp) -> bool {
        // A discount is a line in QuickBooks, and lines make the total.
        let words: &[&str] = match member {
            "TotalAmt" => &["difference of", "Line"],
            "Discount" => &["Line"],
            _ => &[member],
        };
        // An event that came without its record tells of the record as it was when the event was dealt with. And of what
        // happens in one moment the billing app gives each its own.
        let later = self.held.told.iter().filter_map(|told| {
            let entry = self.case.log.get(told.event.as_str())?;
            (entry.handled_at >= since || told.time >= since).then_some(entry)
        });
        later.into_iter().any(|entry| match &entry.result {
            ActivityResult::Done(done) => {
                done.notes.iter().any(|note| words.iter().any(|words| note.contains(words)))
            }
            _ => false,
        })
    }

    /// What the bookkeeper had already is linked as it is; later edits of the billing app are sent.
    fn is_adopted(&self, id: &str, changed_at: Timestamp) -> bool {
        use sync::outcome::DoneAction::{Linked, Updated};
        let added = self.case.evidence.journal.added.iter().any(|(_, added)| added == id);
        let entries = self.held.told.iter().filter_map(|told| self.case.log.get(told.event.as_str()));
        let linked_later = entries
            .filter(|entry| entry.handled_at >= changed_at)
            .any(|entry| matches!(&entry.result, ActivityResult::Done(done) if done.action == Linked));
        let sent = self.held.told.iter().skip(1).filter(|told| told.time == changed_at).any(|told| {
            matches!(
                self.case.log.get(told.event.as_str()).map(|entry| &entry.result),
                Some(ActivityResult::Done(done)) if done.action == Updated
            )
        });
        added && (linked_later || !sent)
    }
}

fn agree(member: &str, wanted: &str, found: &str) -> bool {
    let amount = |text: &str| text.parse::<rust_decimal::Decimal>().unwrap_or_default();
    wanted == found
        || (member == "TotalAmt"
            && (amount(wanted) - amount(found)).abs() <= rust_decimal::Decimal::new(1, 2))
}

/// What the bookkeeper did is still so, unless the billing side changed it later, or says that it did.
fn judge_deeds(case: &Case<'_>, findings: &mut Findings) {
    let journal = case.evidence.journal;
    for (place, deed) in journal.deeds.iter().enumerate() {
        let Some(entity) = case.evidence.company.entity(deed.entity, &deed.id) else { continue };
        let kind = case::kind_of(deed.entity);
        let later = |same: fn(&What, &What) -> bool| {
            let rest = journal.deeds[place + 1..].iter();
            rest.filter(|other| other.entity == deed.entity && other.id == deed.id)
                .any(|other| same(&other.what, &deed.what))
        };
        let owners: Vec<OneRecord<'_>> = case
            .owners_of(deed.entity, entity)
            .into_iter()
            .filter_map(|key| {
                let held = case.evidence.app.records().find(|(kind, number, _)| (*kind, *number) == key)?.2;
                Some(OneRecord { case, key, held })
            })
            .collect();
        let excused = |members: &[&str]| {
            owners.iter().any(|owner| {
                members.iter().any(|member| {
                    owner.said_at(member) > deed.at || owner.is_noted(member, Timestamp::UNIX_EPOCH)
                })
            })
        };
        match &deed.what {
            What::Edited { member, value } => {
                let again = |other: &What, this: &What| match (other, this) {
                    (What::Edited { member: other, .. }, What::Edited { member, .. }) => other == member,
                    (What::Voided, _) => true,
                    _ => false,
                };
                let found = case.view(kind, entity).remove(member).unwrap_or_default();
                if !later(again) && found != *value && !view::is_voided(entity) && !excused(&[member]) {
                    let text = format!(
                        "{member} of {} {} was set to {value:?} by the bookkeeper and is {found:?}",
                        deed.entity, deed.id
                    );
                    findings.add(Sort::Overwritten, text);
                }
            }
            What::Hidden => {
                let again = |other: &What, _: &What| matches!(other, What::Shown);
                if !later(again) && entity["Active"] == true && !excused(&["DisplayName", "Name"]) {
                    let text = format!(
                        "{} {} was made inactive by the bookkeeper and is active",
                        deed.entity, deed.id
                    );
                    findings.add(Sort::Overwritten, text);
                }
            }
            What::Voided => {
                let worth = view::decimal(&entity["TotalAmt"]);
                if !worth.is_zero() && !excused(&["Line", "Discount", "TotalAmt"]) {
                    let text = format!("{} {} was voided by the bookkeeper and is not", deed.entity, deed.id);
                    findings.add(Sort::Overwritten, text);
                }
            }
            What::Shown
            | What::Deleted
            | What::MergedAway
            | What::Paid
            | What::Deposited
            | What::Reworked => {}
        }
    }
}

/// The Items that lines without a product, discounts and surcharges are booked on.
pub(crate) fn is_general(name: &str) -> bool {
    ["General services", "Discounts", "Surcharges"].contains(&name)
}

/// The kind of record that an entity of this name stands for.
pub(crate) fn kind_named(entity: &str) -> Option<Kind> {
    Kind::ALL.into_iter().find(|kind| entity_of(*kind) == entity)
}

/// The entity of a kind.
pub(crate) fn entity_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Client => "Customer",
        Kind::Product => "Item",
        Kind::Invoice => "Invoice",
        Kind::Payment => "Payment",
    }
}
