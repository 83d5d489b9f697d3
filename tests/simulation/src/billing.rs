//! The billing app: its records as plain data, and what it tells of them.
//!
//! Everything it makes carries a mark (`k1c17`: company 1, the client made by operation 17), by which the judge knows
//! it again in QuickBooks.

mod amounts;
mod api;
mod records;

pub(crate) use amounts::{cents, line_total, percent, sum_and_discount};
pub(crate) use api::MADE;
pub(crate) use records::added_name;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};
use sync::ids::{BillingId, CompanyId};
use sync::model::{Client, Invoice, InvoiceStatus, Kind, Payment, PaymentStatus, Record};
use sync::ports::Stored;

use crate::dice::Dice;
use crate::operation::{Act, Operation};

/// The sales taxes that the company's QuickBooks knows, each a list of name and per cent.
pub(crate) type Taxes = &'static [&'static [(&'static str, &'static str)]];

/// One company's billing app.
pub(crate) struct BillingApp {
    pub(crate) place: usize,
    pub(crate) id: CompanyId,
    /// Prices may include their tax.
    pub(crate) inclusive: bool,
    pub(crate) taxes: Taxes,
    /// Its events may leave the record out; it can be asked for it.
    pub(crate) answers: bool,
    /// It can be read and written.
    pub(crate) has_api: bool,
    /// Some of its events of these kinds are never sent.
    pub(crate) loses: Vec<Kind>,
    /// It cannot be reached.
    pub(crate) is_away: bool,
    records: BTreeMap<(Kind, u32), Held>,
    /// Events that are not sent yet, oldest first.
    outbox: Vec<Value>,
    /// Names and addresses of what the bookkeeper has added, for new clients and products to meet.
    pub(crate) meetable: Vec<Meetable>,
    last: Timestamp,
    by: By,
    /// How often an event has overtaken another.
    pub(crate) overtaken: u32,
    /// How many records were made through its API.
    made: u32,
    /// How often it was changed through its API.
    pub(crate) writes: u64,
}

/// Who has changed a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Person,
    Api,
}

/// A record and its past.
pub(crate) struct Held {
    pub(crate) record: Record,
    /// Deleted or cancelled.
    pub(crate) gone: bool,
    /// The record after each event that was told of it, oldest first.
    pub(crate) told: Vec<Told>,
}

/// An event, as the judge knows it.
pub(crate) struct Told {
    pub(crate) event: String,
    pub(crate) time: Timestamp,
    pub(crate) record: Record,
    pub(crate) gone: bool,
    pub(crate) by: By,
    /// It was never sent.
    pub(crate) is_lost: bool,
}

/// Something in QuickBooks that a new record may turn out to be.
#[derive(Clone, Copy)]
pub(crate) struct Meetable {
    pub(crate) number: u32,
    pub(crate) item: bool,
}

impl BillingApp {
    pub(crate) fn new(
        place: usize,
        id: CompanyId,
        taxes: Taxes,
        inclusive: bool,
        answers: bool,
    ) -> BillingApp {
        BillingApp {
            place,
            id,
            inclusive,
            taxes,
            answers,
            has_api: false,
            loses: Vec::new(),
            is_away: false,
            records: BTreeMap::new(),
            outbox: Vec::new(),
            meetable: Vec::new(),
            last: Timestamp::UNIX_EPOCH,
            by: By::Person,
            overtaken: 0,
            made: 0,
            writes: 0,
        }
    }

    /// Every record, by kind and number.
    pub(crate) fn records(&self) -> impl Iterator<Item = (Kind, u32, &Held)> {
        self.records.iter().map(|((kind, number), held)| (*kind, *number, held))
    }

    /// The record as it is now.
    pub(crate) fn fetch(&self, kind: Kind, id: &BillingId) -> Option<Record> {
        self.records
            .values()
            .map(|held| &held.record)
            .find(|record| record.kind() == kind && record.id() == id)
            .cloned()
    }

    /// The record as it answers with it when it is asked.
    pub(crate) fn stored(&self, kind: Kind, id: &BillingId) -> Option<Stored> {
        let held = self.records.values().find(|held| held.record.kind() == kind && held.record.id() == id)?;
        let is_cancelled = match &held.record {
            Record::Invoice(invoice) => invoice.status == InvoiceStatus::Cancelled,
            Record::Payment(payment) => payment.status == PaymentStatus::Cancelled,
            Record::Client(_) | Record::Product(_) => false,
        };
        let updated_at = held.told.last().map_or(Timestamp::UNIX_EPOCH, |told| told.time);
        Some(Stored { record: held.record.clone(), updated_at, deleted: held.gone && !is_cancelled })
    }

    /// Does what the operation says and notes the events of it. What cannot be done now is left.
    pub(crate) fn act(&mut self, operation: &Operation, now: Timestamp) {
        let dice = Dice::new(operation.seed);
        let number = operation.number;
        match operation.act {
            Act::CreateClient => {
                let client = self.new_client(number, dice);
                self.tell(number, Record::Client(Box::new(client)), "created", false, dice, now);
            }
            Act::CreateProduct => {
                let product = self.new_product(number, dice);
                self.tell(number, Record::Product(product), "created", false, dice, now);
            }
            Act::CreateInvoice => {
                if let Some(invoice) = self.new_invoice(number, dice, now) {
                    let verb = if invoice.status == InvoiceStatus::Draft { "created" } else { "sent" };
                    self.tell(number, Record::Invoice(Box::new(invoice)), verb, false, dice, now);
                }
            }
            Act::CreatePayment => {
                if let Some(payment) = self.new_payment(number, dice, now) {
                    self.settle_balances(&payment, false);
                    self.tell(number, Record::Payment(Box::new(payment)), "created", false, dice, now);
                }
            }
            Act::EditClient => self.change(Kind::Client, dice, now, records::edit_client),
            Act::TouchClient => self.change(Kind::Client, dice, now, |_, record| Some(record)),
            Act::EditProduct => self.change(Kind::Product, dice, now, records::edit_product),
            Act::EditInvoice => self.edit_invoice(dice, now),
            Act::EditPayment => self.change(Kind::Payment, dice, now, records::edit_payment),
            Act::DeleteClient => self.withdraw(Kind::Client, dice, now),
            Act::CancelInvoice => self.withdraw(Kind::Invoice, dice, now),
            Act::CancelPayment => self.withdraw(Kind::Payment, dice, now),
            Act::RestoreClient => self.restore(Kind::Client, dice, now),
            Act::RestoreInvoice => self.restore(Kind::Invoice, dice, now),
            Act::SendDraft => self.send_draft(dice, now),
            _ => {}
        }
    }

    /// Takes the events that are to be sent now, in messages of one or more. Two that happened close together may
    /// change places, as two workers of a billing app would have it.
    pub(crate) fn messages(&mut self, dice: Dice, all: bool) -> Vec<String> {
        if !all && dice.chance("hold", 30) {
            return Vec::new();
        }
        let mut events = std::mem::take(&mut self.outbox);
        if events.len() > 1 && dice.chance("overtaken", 20) {
            let place = dice.below("place", events.len() - 1);
            let same = events[place]["subject"] == events[place + 1]["subject"];
            if !same || dice.chance("itself", 50) {
                events.swap(place, place + 1);
                self.overtaken += 1;
            }
        }
        if events.len() > 1 && dice.chance("together", 60) {
            return vec![Value::Array(events).to_string()];
        }
        events.iter().map(Value::to_string).collect()
    }

    fn tell(&mut self, number: u32, record: Record, verb: &str, gone: bool, dice: Dice, now: Timestamp) {
        // A billing app has one clock for all its events.
        let time = now.max(self.last.saturating_add(jiff::SignedDuration::from_millis(1)).unwrap_or(now));
        self.last = time;
        let kind = record.kind();
        let held = self.records.entry((kind, number)).or_insert_with(|| Held {
            record: record.clone(),
            gone,
            told: Vec::new(),
        });
        let event = format!("k{}{}{number}.{}", self.place, letter(kind), held.told.len() + 1);
        let mut json = json!({
            "specversion": "1.0",
            "id": event,
            "source": "simulation",
            "type": format!("billing.{kind}.{verb}"),
            "subject": record.id(),
            "time": time.to_string(),
            "company": self.id,
        });
        let bare = gone || (self.answers && dice.chance("bare", 25));
        if !(bare && dice.chance("left out", 60)) {
            json["data"] = data(&record);
        }
        let is_lost = self.loses.contains(&kind) && dice.chance("lost", 8);
        held.told.push(Told { event, time, record: record.clone(), gone, by: self.by, is_lost });
        (held.record, held.gone) = (record, gone);
        if !is_lost {
            self.outbox.push(json);
        }
    }

    fn change(
        &mut self,
        kind: Kind,
        dice: Dice,
        now: Timestamp,
        edit: impl Fn(Dice, Record) -> Option<Record>,
    ) {
        if let Some((number, record)) = self.one(kind, dice, |held| !held.gone)
            && let Some(changed) = edit(dice, record)
        {
            self.tell(number, changed, "updated", false, dice, now);
        }
    }

    fn edit_invoice(&mut self, dice: Dice, now: Timestamp) {
        let Some((number, Record::Invoice(invoice))) = self.one(Kind::Invoice, dice, |held| !held.gone)
        else {
            return;
        };
        let edited = self.edited_invoice(*invoice, number, dice);
        self.tell(number, Record::Invoice(Box::new(edited)), "updated", false, dice, now);
    }

    fn send_draft(&mut self, dice: Dice, now: Timestamp) {
        let is_draft = |held: &Held| {
            matches!(&held.record, Record::Invoice(invoice) if invoice.status == InvoiceStatus::Draft)
                && !held.gone
        };
        if let Some((number, Record::Invoice(mut invoice))) = self.one(Kind::Invoice, dice, is_draft) {
            invoice.status = InvoiceStatus::Sent;
            self.tell(number, Record::Invoice(invoice), "sent", false, dice, now);
        }
    }

    fn withdraw(&mut self, kind: Kind, dice: Dice, now: Timestamp) {
        let Some((number, record)) = self.one(kind, dice, |held| !held.gone) else { return };
        let deleted = kind == Kind::Client || dice.chance("deleted", 50);
        let record = match record {
            Record::Invoice(invoice) if !deleted => {
                Record::Invoice(Box::new(Invoice { status: InvoiceStatus::Cancelled, ..*invoice }))
            }
            Record::Payment(payment) => {
                self.settle_balances(&payment, true);
                let status = if deleted { payment.status } else { PaymentStatus::Cancelled };
                Record::Payment(Box::new(Payment { status, ..*payment }))
            }
            other => other,
        };
        let verb = match (deleted, dice.chance("voided", 50)) {
            (true, _) => "deleted",
            (false, true) => "voided",
            (false, false) => "cancelled",
        };
        self.tell(number, record, verb, true, dice, now);
    }

    fn restore(&mut self, kind: Kind, dice: Dice, now: Timestamp) {
        match self.one(kind, dice, |held| held.gone) {
            Some((number, Record::Invoice(mut invoice))) => {
                invoice.status = InvoiceStatus::Sent;
                self.tell(number, Record::Invoice(invoice), "restored", false, dice, now);
            }
            Some((number, record)) => self.tell(number, record, "restored", false, dice, now),
            None => {}
        }
    }

    /// One of the records of a kind.
    fn one(&self, kind: Kind, dice: Dice, fits: impl Fn(&Held) -> bool) -> Option<(u32, Record)> {
        let all = self.records.iter().filter(|((of, _), held)| *of == kind && fits(held));
        dice.choose(
            "record",
            all.map(|((_, number), held)| (u64::from(*number), (*number, held.record.clone()))),
        )
    }

    fn client(&self, dice: Dice) -> Option<Client> {
        match self.one(Kind::Client, dice.part("client"), |held| !held.gone)? {
            (_, Record::Client(client)) => Some(*client),
            _ => None,
        }
    }
}

/// The letter of a kind in marks.
pub(crate) fn letter(kind: Kind) -> char {
    match kind {
        Kind::Client => 'c',
        Kind::Product => 'p',
        Kind::Invoice => 'i',
        Kind::Payment => 'y',
    }
}

/// What a billing app sends of a record.
fn data(record: &Record) -> Value {
    let value = match record {
        Record::Client(client) => serde_json::to_value(client),
        Record::Product(product) => serde_json::to_value(product),
        Record::Invoice(invoice) => serde_json::to_value(invoice),
        Record::Payment(payment) => serde_json::to_value(payment),
    };
    value.unwrap_or_default()
}
