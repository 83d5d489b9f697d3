//! Whose is whose: entities and records brought together by their marks.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sync::activity::Activity;
use sync::ids::BillingId;
use sync::model::{Kind, Record};

use super::{Evidence, Findings, Sort, entity_of, is_general};
use crate::billing::{MADE, added_name};
use crate::bookkeeper::{Deed, ENTITIES, What};
use crate::view::{self, View};

/// A record.
pub(super) type Key = (Kind, u32);

pub(super) struct Case<'a> {
    pub(super) evidence: &'a Evidence<'a>,
    /// Activity by event.
    pub(super) log: BTreeMap<&'a str, &'a Activity>,
    /// The entities of each record.
    pub(super) entities: BTreeMap<Key, Vec<&'a Value>>,
    owners: BTreeMap<String, Key>,
    /// Ids that records have, or had according to the log.
    ids: BTreeMap<(&'static str, String), Key>,
    /// What the judge calls entities in references.
    names: BTreeMap<String, String>,
}

/// The kind of an entity.
pub(super) fn kind_of(entity: &str) -> Kind {
    Kind::ALL.into_iter().find(|kind| entity_of(*kind) == entity).unwrap_or(Kind::Payment)
}

impl<'a> Case<'a> {
    /// Finds each entity's record, and notes those that have none or another company's.
    pub(super) fn open(evidence: &'a Evidence<'a>, findings: &mut Findings) -> Case<'a> {
        let mut case = Case {
            evidence,
            log: evidence.log.iter().map(|entry| (entry.event.as_str(), entry)).collect(),
            entities: BTreeMap::new(),
            owners: owners(evidence),
            ids: BTreeMap::new(),
            names: BTreeMap::new(),
        };
        case.read_log();
        let mut without_record: BTreeMap<(&str, String), Vec<String>> = BTreeMap::new();
        for entity in ENTITIES {
            for value in evidence.company.entities(entity) {
                let id = view::text(value, "Id");
                case.names.insert(format!("{entity}/{id}"), name_of(entity, value));
                if !evidence.journal.seeded.contains(&(entity, id.clone())) {
                    case.place(entity, value, &mut without_record, findings);
                }
            }
        }
        for ((entity, what), ids) in without_record {
            if ids.len() > 1 {
                findings
                    .add(Sort::Duplicate, format!("{entity} {what} is {} in QuickBooks", ids.join(" and ")));
            }
        }
        case
    }

    fn read_log(&mut self) {
        for (kind, number, held) in self.evidence.app.records() {
            for told in &held.told {
                let entry = self.log.get(told.event.as_str());
                if let Some(id) = entry.and_then(|entry| entry.quickbooks_id.as_ref()) {
                    self.ids.insert((entity_of(kind), id.to_string()), (kind, number));
                }
            }
        }
        if self.evidence.pulls() {
            self.read_pulls();
        }
    }

    /// What a pull brought over it says too.
    fn read_pulls(&mut self) {
        let mut by_time: Vec<&Activity> = self.evidence.log.iter().collect();
        by_time.sort_by_key(|entry| entry.handled_at);
        for entry in by_time {
            if let (Some(kind), Some(record), Some(id)) =
                (entry.kind, &entry.billing_id, &entry.quickbooks_id)
                && let Some(key) = self.key_of_id(kind, record)
            {
                self.ids.insert((entity_of(kind), id.to_string()), key);
            }
        }
    }

    fn key_of_id(&self, kind: Kind, id: &BillingId) -> Option<Key> {
        let mut records = self.evidence.app.records();
        records
            .find(|(of, _, held)| *of == kind && held.record.id() == id)
            .map(|(kind, number, _)| (kind, number))
    }

    /// The record of an id.
    pub(super) fn record(&self, kind: Kind, id: &BillingId) -> Option<&'a Record> {
        let mut records = self.evidence.app.records();
        records.find(|(of, _, held)| *of == kind && held.record.id() == id).map(|(.., held)| &held.record)
    }

    /// Whether QuickBooks itself may have lowered what a payment is applied with: the bookkeeper has changed the lines of
    /// an invoice that it pays.
    pub(super) fn is_lowered(&self, record: &Record, member: &str) -> bool {
        let Record::Payment(payment) = record else { return false };
        let mut paid = payment.allocations.iter();
        member == "Line"
            && paid.any(|allocation| {
                self.key_of_id(Kind::Invoice, &allocation.invoice_id)
                    .is_some_and(|key| self.deeds_on(key).any(|deed| deed.what == What::Reworked))
            })
    }

    /// The record of a mark.
    pub(super) fn key_of(&self, mark: &str) -> Option<Key> {
        self.owners.get(mark).copied()
    }

    fn place(
        &mut self,
        entity: &'static str,
        value: &'a Value,
        without_record: &mut BTreeMap<(&'static str, String), Vec<String>>,
        findings: &mut Findings,
    ) {
        let id = view::text(value, "Id");
        let marks = view::marks_of(entity, value);
        let ours = format!("k{}", self.evidence.place);
        if let Some(mark) = marks.iter().find(|mark| !mark.starts_with(&ours)) {
            findings.add(Sort::WrongBooks, format!("{entity} {id} carries another company's mark {mark}"));
            return;
        }
        let owners = self.owners_at(entity, &id, value);
        for key in &owners {
            self.entities.entry(*key).or_default().push(value);
            self.ids.insert((entity, id.clone()), *key);
            if entity != "Item" {
                self.names.insert(format!("{entity}/{id}"), self.id_of(*key));
            }
        }
        if owners.is_empty()
            && let Some(key) =
                self.owners_of(entity, value).into_iter().find(|key| self.was_met(*key, entity, value))
        {
            // What stands for a record on transactions, though the record itself has another name by now.
            self.names.insert(format!("{entity}/{id}"), self.id_of(key));
        }
        if owners.is_empty() && !self.evidence.journal.added.contains(&(entity, id.clone())) {
            let name = name_of(entity, value);
            let on_lines_only = marks.iter().find(|mark| mark.contains('q'));
            if let Some(known) = on_lines_only.cloned().or(is_general(&name).then_some(name)) {
                if view::is_live(value) {
                    without_record.entry((entity, known)).or_default().push(id);
                }
            } else {
                findings.add(Sort::Unexplained, format!("nobody asked for {entity} {id}: {value}"));
            }
        }
    }

    /// The records that an entity is the counterpart of.
    fn owners_at(&self, entity: &'static str, id: &str, value: &Value) -> BTreeSet<Key> {
        let mut owners = self.owners_of(entity, value);
        let id = (entity, id.to_owned());
        let told = self.ids.get(&id);
        if self.evidence.journal.added.contains(&id) {
            owners.retain(|key| told == Some(key) || self.is_met(*key, entity, value));
            // A person may have given another record the name by which this entity is known.
            if owners.is_empty() && self.evidence.pulls() {
                owners.extend(told);
            }
        } else if owners.iter().any(|(_, number)| *number < MADE) {
            // Made for a record, which may have a name in common with what the bookkeeper added and what came over.
            owners.retain(|(_, number)| *number < MADE);
        }
        owners
    }

    /// Whether what the bookkeeper has added is what the record looks for, by its name or its address.
    fn is_met(&self, key: Key, entity: &str, value: &Value) -> bool {
        let Some((.., held)) = self.evidence.app.records().find(|(kind, number, _)| (*kind, *number) == key)
        else {
            return false;
        };
        is_alike(&held.record, entity, value)
    }

    /// Whether an entity is what some record looked for, also if that has another name by now.
    pub(super) fn was_met_by_any(&self, entity: &str, value: &Value) -> bool {
        self.owners_of(entity, value).into_iter().any(|key| self.was_met(key, entity, value))
    }

    /// The same of the record as it is or was before, and of the entity as the bookkeeper has added it.
    fn was_met(&self, key: Key, entity: &str, value: &Value) -> bool {
        let added: Vec<String> = view::marks_of(entity, value).iter().map(|mark| added_name(mark)).collect();
        let is_met = |record: &Record| {
            is_alike(record, entity, value) || added.iter().any(|name| name == record.label())
        };
        let mut records = self.evidence.app.records();
        records
            .find(|(kind, number, _)| (*kind, *number) == key)
            .is_some_and(|(.., held)| held.told.iter().any(|told| is_met(&told.record)))
    }

    fn id_of(&self, key: Key) -> String {
        let held = self.evidence.app.records().find(|(kind, number, _)| (*kind, *number) == key);
        held.map(|(_, _, held)| held.record.id().to_string()).unwrap_or_default()
    }

    /// The records whose marks an entity has.
    pub(super) fn owners_of(&self, entity: &str, value: &Value) -> BTreeSet<Key> {
        let kind = kind_of(entity);
        let marks = view::marks_of(entity, value);
        marks.iter().filter_map(|mark| self.owners.get(mark)).copied().filter(|(of, _)| *of == kind).collect()
    }

    /// What the bookkeeper did to a record's entities.
    pub(super) fn deeds_on(&self, key: Key) -> impl Iterator<Item = &'a Deed> {
        let all = self.evidence.journal.deeds.iter().filter(move |deed| deed.entity == entity_of(key.0));
        all.filter(move |deed| {
            self.ids.get(&(deed.entity, deed.id.clone())) == Some(&key)
                || deed.marks.iter().any(|mark| self.owners.get(mark) == Some(&key))
        })
    }

    /// Whether a client's customer was merged into another one, or another one into it: the bookkeeper has moved what
    /// refers to them, and which client it is cannot be told from QuickBooks.
    pub(super) fn is_merged(&self, client: &str) -> bool {
        let mut clients = self.evidence.app.records().filter(|(kind, ..)| *kind == Kind::Client);
        let Some((kind, number, _)) = clients.find(|(.., held)| held.record.id().as_str() == client) else {
            return false;
        };
        let key = (kind, number);
        let own = self.entities.get(&key).map(Vec::as_slice).unwrap_or_default();
        let mut others = self.entities.iter().filter(|(other, _)| other.0 == Kind::Client && **other != key);
        self.was_merged_away(key) || others.any(|(_, values)| values.iter().any(|value| own.contains(value)))
    }

    /// Whether another client is, or was, known by a mark of this one, so that which of the two a transaction names cannot
    /// be told from QuickBooks: a person has deleted it and brought it back, and it was brought over meanwhile.
    pub(super) fn has_a_namesake(&self, client: &str) -> bool {
        let clients = || self.evidence.app.records().filter(|(kind, ..)| *kind == Kind::Client);
        let marks = |of: bool| {
            let held = clients().map(|(.., held)| held);
            let held = held.filter(move |held| (held.record.id().as_str() == client) == of);
            held.flat_map(|held| &held.told).flat_map(|told| view::marks_of_record(&told.record))
        };
        let own: BTreeSet<String> = marks(true).collect();
        marks(false).any(|mark| own.contains(&mark))
    }

    /// Whether an entity of the record was merged into another.
    pub(super) fn was_merged_away(&self, key: Key) -> bool {
        self.deeds_on(key).any(|deed| deed.what == What::MergedAway)
    }

    pub(super) fn view(&self, kind: Kind, value: &Value) -> View {
        view::of_entity(entity_of(kind), value, &|name| self.names.get(name).cloned())
    }

    /// Whether the bookkeeper moved what this member refers to.
    pub(super) fn is_moved(&self, record: &Record, member: &str) -> bool {
        let client = |id: &BillingId| {
            self.key_of_id(Kind::Client, id).is_some_and(|key| {
                self.was_merged_away(key) || self.deeds_on(key).any(|deed| deed.what == What::Hidden)
            })
        };
        match (record, member) {
            (Record::Invoice(invoice), "CustomerRef") => client(&invoice.client_id),
            (Record::Payment(payment), "CustomerRef") => client(&payment.client_id),
            (Record::Payment(payment), "Line") => payment.allocations.iter().any(|allocation| {
                self.key_of_id(Kind::Invoice, &allocation.invoice_id).is_some_and(|key| {
                    self.deeds_on(key)
                        .any(|deed| matches!(deed.what, What::Voided | What::Deleted | What::Paid))
                })
            }),
            _ => false,
        }
    }
}

/// Whether an entity has the name or the address by which a record would find it.
fn is_alike(record: &Record, entity: &str, value: &Value) -> bool {
    let (wanted, found) = (view::of_record(record), view::of_entity(entity, value, &|_| None));
    ["DisplayName", "PrimaryEmailAddr", "Name", "DocNumber", "PaymentRefNum"]
        .iter()
        .any(|member| wanted.get(member).is_some_and(|wanted| found.get(member) == Some(wanted)))
}

/// The record of each mark: its own, and those by which it is known.
fn owners(evidence: &Evidence<'_>) -> BTreeMap<String, Key> {
    let mut owners = BTreeMap::new();
    for (kind, number, held) in evidence.app.records() {
        for told in &held.told {
            for mark in view::marks_of_record(&told.record) {
                owners.insert(mark, (kind, number));
            }
        }
    }
    owners
}

fn name_of(entity: &str, value: &Value) -> String {
    match entity {
        "Customer" => view::text(value, "DisplayName"),
        "Item" => view::without_suffix(&view::text(value, "Name")),
        "Invoice" => view::text(value, "DocNumber"),
        _ => view::text(value, "PaymentRefNum"),
    }
}
