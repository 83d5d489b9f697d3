//! What a billing app's API does. Whatever is changed through it is told like any other change.

use jiff::Timestamp;
use serde_json::{Map, Value};
use sync::ids::BillingId;
use sync::model::{Invoice, InvoiceStatus, Kind, Payment, Record};
use sync::ports::{BillingError, BillingQuery, Page, Stored};

use super::{BillingApp, By, Held, amounts, records};
use crate::dice::Dice;

/// What is made through the API has numbers from here on.
pub(crate) const MADE: u32 = 1_000_000;
/// How many records a page has.
const PAGE: usize = 20;

impl BillingApp {
    pub(crate) fn find(&self, wanted: &BillingQuery) -> Vec<Stored> {
        let there = self.records.values().filter(|held| !held.gone && wanted.fits(&held.record));
        there.filter_map(|held| self.stored(held.record.kind(), held.record.id())).collect()
    }

    pub(crate) fn create(&mut self, record: &Record, now: Timestamp) -> Result<Stored, BillingError> {
        if let Record::Payment(payment) = record
            && !self.find(&BillingQuery::PaymentNumbered(payment.number.clone())).is_empty()
        {
            return Err(BillingError::Refused("The number has already been taken.".to_owned()));
        }
        self.made += 1;
        let number = MADE + self.made;
        let record = self.with_id(record.clone(), number);
        if let Record::Payment(payment) = &record {
            self.settle_balances(payment, false);
        }
        self.save(number, record, "created", false, now)
    }

    pub(crate) fn update(
        &mut self,
        before: &Record,
        after: &Record,
        now: Timestamp,
    ) -> Result<Stored, BillingError> {
        let (number, held) = self.held(after.kind(), after.id()).ok_or(BillingError::Gone)?;
        let current = held.record.clone();
        if held.gone {
            return Err(BillingError::Gone);
        }
        let updated = totalled(changed(&current, before, after)?);
        match (&current, updated) {
            (Record::Payment(old), Record::Payment(new)) if is_other_money(old, &new) => {
                Err(BillingError::Refused("What a payment pays cannot be changed.".to_owned()))
            }
            (_, updated) if updated == current => {
                self.stored(current.kind(), current.id()).ok_or(BillingError::Gone)
            }
            (_, updated) => self.save(number, updated, "updated", false, now),
        }
    }

    pub(crate) fn delete(&mut self, kind: Kind, id: &BillingId, now: Timestamp) -> Result<(), BillingError> {
        let Some((number, held)) = self.held(kind, id) else { return Err(BillingError::Gone) };
        let (record, gone) = (held.record.clone(), held.gone);
        if gone {
            return Ok(());
        }
        if let Record::Payment(payment) = &record {
            self.settle_balances(payment, true);
        }
        self.save(number, record, "deleted", true, now).map(drop)
    }

    /// Adds a line to the private notes, once.
    pub(crate) fn note(
        &mut self,
        kind: Kind,
        id: &BillingId,
        text: &str,
        now: Timestamp,
    ) -> Result<(), BillingError> {
        let Some((number, held)) = self.held(kind, id) else { return Err(BillingError::Gone) };
        let (mut record, gone) = (held.record.clone(), held.gone);
        let notes = match &mut record {
            Record::Invoice(invoice) => &mut invoice.private_notes,
            Record::Payment(payment) => &mut payment.private_notes,
            Record::Client(_) | Record::Product(_) => return Ok(()),
        };
        if notes.contains(text) {
            return Ok(());
        }
        *notes = format!("{notes}\n{text}").trim().to_owned();
        let verb = if gone { "deleted" } else { "updated" };
        self.save(number, record, verb, gone, now).map(drop)
    }

    pub(crate) fn changed_since(
        &self,
        kind: Kind,
        since: Timestamp,
        page: Option<&str>,
    ) -> Result<Page, BillingError> {
        let all = self.records.values().filter(|held| held.record.kind() == kind);
        let mut changed: Vec<Stored> = all.filter_map(|held| self.stored(kind, held.record.id())).collect();
        changed.retain(|stored| stored.updated_at >= since);
        changed.sort_by_key(|stored| stored.updated_at);
        let from: usize = page.map_or(Ok(0), str::parse).map_err(odd)?;
        let rest = changed.len().saturating_sub(from);
        let records = changed.into_iter().skip(from).take(PAGE).collect();
        let next = (rest > PAGE).then(|| (from + PAGE).to_string());
        Ok(Page { records, next, ..Page::default() })
    }

    fn held(&self, kind: Kind, id: &BillingId) -> Option<(u32, &Held)> {
        let all = self.records.iter().filter(|((of, _), _)| *of == kind);
        all.map(|((_, number), held)| (*number, held)).find(|(_, held)| held.record.id() == id)
    }

    fn save(
        &mut self,
        number: u32,
        record: Record,
        verb: &str,
        gone: bool,
        now: Timestamp,
    ) -> Result<Stored, BillingError> {
        self.writes += 1;
        let (kind, id) = (record.kind(), record.id().clone());
        let dice = Dice::new(self.writes).nth(u64::from(number)).part("api");
        self.by = By::Api;
        self.tell(number, record, verb, gone, dice, now);
        self.by = By::Person;
        self.stored(kind, &id).ok_or(BillingError::Gone)
    }

    fn with_id(&self, record: Record, number: u32) -> Record {
        let id = records::id(self.mark(record.kind(), number));
        match record {
            Record::Client(mut client) => {
                client.id = id;
                Record::Client(client)
            }
            Record::Product(mut product) => {
                product.id = id;
                Record::Product(product)
            }
            Record::Invoice(mut invoice) => {
                invoice.id = id;
                invoice.status = InvoiceStatus::Sent;
                invoice.amount = amounts::total(&invoice);
                invoice.balance = Some(invoice.amount);
                Record::Invoice(invoice)
            }
            Record::Payment(mut payment) => {
                payment.id = id;
                Record::Payment(payment)
            }
        }
    }
}

fn is_other_money(old: &Payment, new: &Payment) -> bool {
    old.amount != new.amount || old.allocations != new.allocations || old.client_id != new.client_id
}

/// The record with the members in which `after` differs from `before`.
fn changed(current: &Record, before: &Record, after: &Record) -> Result<Record, BillingError> {
    let mut document = serde_json::to_value(current).map_err(odd)?;
    let (before, after) = (members(before)?, members(after)?);
    if let Some(current) = document.get_mut("record").and_then(Value::as_object_mut) {
        for (name, value) in after.into_iter().filter(|(name, value)| before.get(name) != Some(value)) {
            current.insert(name, value);
        }
    }
    serde_json::from_value(document).map_err(odd)
}

fn members(record: &Record) -> Result<Map<String, Value>, BillingError> {
    match serde_json::to_value(record).map_err(odd)?.get_mut("record").map(Value::take) {
        Some(Value::Object(members)) => Ok(members),
        _ => Ok(Map::new()),
    }
}

/// An invoice's total is the app's own.
fn totalled(record: Record) -> Record {
    match record {
        Record::Invoice(invoice) => {
            let amount = amounts::total(&invoice);
            let balance = invoice.balance.map(|balance| balance + amount - invoice.amount);
            Record::Invoice(Box::new(Invoice { amount, balance, ..*invoice }))
        }
        other => other,
    }
}

fn odd(error: impl std::error::Error + Send + Sync + 'static) -> BillingError {
    sync::ports::StoreError::new("reading a record", error).into()
}
