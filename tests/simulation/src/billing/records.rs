//! New records, and what changes in them.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use rust_decimal::Decimal;
use sync::ids::BillingId;
use sync::model::{
    Address, Allocation, Client, Contact, Discount, Invoice, InvoiceLine, InvoiceStatus, Kind, Payment,
    PaymentMethod, PaymentStatus, Product, ProductType, Record, Tax, TaxCategory,
};

use super::{BillingApp, Held, Meetable, amounts, letter};
use crate::dice::Dice;
use crate::view::marks_of_record;

const STREETS: [&str; 5] = ["Alder Row", "Mill Lane", "Quay Street", "Chapel Hill", "Fern Close"];
const TOWNS: [&str; 4] = ["Larkhaven", "Port Ellery", "Stonebury", "West Tarn"];
const NOTES: [&str; 5] =
    ["", "Gate code on file.", "Ring twice.\nDog in the yard.", "Prefers mornings", "VIP – ask for Zoë"];
/// Spellings that names must survive (T9).
const BUSINESSES: [&str; 6] =
    ["Harrow & Finch", "O'Brien", "Café Lumière", "North:South Traders", "Tidy  Gardens", "Moss 🌿 Stone"];
const WORK: [&str; 5] = ["Planting", "Paving", "Mulch", "Hedge trim", "Design: patio"];

pub(super) fn id(text: String) -> BillingId {
    BillingId::new(text).unwrap_or_else(|_| BillingId::of_product_key("never"))
}

fn today(now: Timestamp) -> Date {
    now.to_zoned(TimeZone::UTC).date()
}

impl BillingApp {
    pub(super) fn mark(&self, kind: Kind, number: u32) -> String {
        format!("k{}{}{number}", self.place, letter(kind))
    }

    /// Something that the bookkeeper has added and that no record has met yet; it is met once.
    fn meet(&mut self, item: bool, dice: Dice) -> Option<String> {
        if !dice.chance("meets", 35) {
            return None;
        }
        let is_there = |one: &Meetable| {
            let mark = format!("k{}b{}", self.place, one.number);
            self.has_api && self.records().any(|(_, _, held)| marks_of_record(&held.record).contains(&mark))
        };
        let fitting = self.meetable.iter().copied().filter(|one| one.item == item && !is_there(one));
        let met: Meetable = dice.choose("met", fitting.map(|one| (u64::from(one.number), one)))?;
        self.meetable.retain(|one| one.number != met.number);
        Some(format!("k{}b{}", self.place, met.number))
    }

    pub(super) fn new_client(&mut self, number: u32, dice: Dice) -> Client {
        let mark = self.mark(Kind::Client, number);
        let met = self.meet(false, dice);
        let by_mail = dice.chance("by mail", 40);
        let name = match &met {
            Some(met) if !by_mail => added_name(met),
            _ => format!("{} {mark}", dice.pick("business", &BUSINESSES)),
        };
        let mail = match &met {
            Some(met) if by_mail => format!("{met}@post.example"),
            _ => format!("{mark}@post.example"),
        };
        let contact = Contact {
            first_name: dice.pick("first", &["Ada", "Jo", "Priya", ""]).to_owned(),
            last_name: "Lindqvist".to_owned(),
            email: mail,
            phone: String::new(),
            primary: true,
        };
        Client {
            id: id(mark),
            name,
            contacts: vec![contact],
            billing_address: dice.chance("address", 70).then(|| address(dice)),
            shipping_address: None,
            phone: dice.pick("phone", &["", "555 0101", "555 0102"]).to_owned(),
            website: String::new(),
            currency: None,
            tax_exempt: false,
            vat_number: String::new(),
            payment_terms: dice.pick("terms", &[None, Some(30), Some(15)]),
            public_notes: dice.pick("notes", &NOTES).to_owned(),
        }
    }

    pub(super) fn new_product(&mut self, number: u32, dice: Dice) -> Product {
        let mark = self.mark(Kind::Product, number);
        let key = match self.meet(true, dice) {
            Some(met) => added_name(&met),
            None => format!("{} {mark}", dice.pick("work", &WORK)),
        };
        Product {
            id: id(mark),
            key,
            notes: dice.pick("notes", &["", "By the hour", "Per bag"]).to_owned(),
            price: dice.chance("price", 80).then(|| price(dice)),
            cost: None,
            product_type: dice.pick("type", &[ProductType::Service, ProductType::Goods]),
            tax_category: TaxCategory::Standard,
            income_account: None,
        }
    }

    pub(super) fn new_invoice(&self, number: u32, dice: Dice, now: Timestamp) -> Option<Invoice> {
        let client = self.client(dice)?;
        let date = today(now).checked_sub(i64::try_from(dice.below("age", 20)).unwrap_or(0).days()).ok()?;
        let mark = self.mark(Kind::Invoice, number);
        let count = 1 + dice.below("lines", 4);
        let lines = (0..count).map(|place| self.line(number, dice.part("line").nth(place as u64))).collect();
        let mut invoice = Invoice {
            id: id(mark.clone()),
            number: mark,
            date,
            due_date: dice.chance("due", 80).then(|| date.saturating_add(30.days())),
            client_id: client.id.clone(),
            client: dice.chance("client along", 70).then_some(client),
            lines,
            discount: discount(dice, 25),
            surcharges: Vec::new(),
            taxes_inclusive: self.inclusive && dice.chance("inclusive", 40),
            currency: None,
            exchange_rate: None,
            po_number: dice.pick("order", &["", "PO 7", "4711"]).to_owned(),
            custom_fields: Default::default(),
            public_notes: dice.pick("notes", &NOTES).to_owned(),
            private_notes: dice.pick("private", &["", "Called first", "Discount agreed"]).to_owned(),
            terms: String::new(),
            status: if dice.chance("draft", 12) { InvoiceStatus::Draft } else { InvoiceStatus::Sent },
            amount: Decimal::ZERO,
            balance: None,
        };
        self.one_tax(&mut invoice, dice);
        invoice.amount = amounts::total(&invoice);
        invoice.balance = Some(invoice.amount);
        Some(invoice)
    }

    fn line(&self, number: u32, dice: Dice) -> InvoiceLine {
        let product = self.one(Kind::Product, dice, |held: &Held| !held.gone);
        let (product_id, product_key) = match (product, dice.below("product", 10)) {
            (Some((_, Record::Product(product))), 0..=4) => (Some(product.id), product.key),
            (Some((_, Record::Product(product))), 5..=7) => (None, product.key),
            (_, 8) => (None, String::new()),
            // A product that is nowhere but on lines.
            _ => (None, format!("Extra k{}q{}", self.place, number / 8)),
        };
        InvoiceLine {
            id: None,
            product_id,
            product_key,
            notes: dice.pick("notes", &["Front garden", "Back garden", ""]).to_owned(),
            quantity: Decimal::new(dice.pick("quantity", &[100, 200, 50, 75, 333, 1250]), 2),
            unit_price: price(dice),
            discount: discount(dice, 15),
            taxes: Vec::new(),
            tax_category: TaxCategory::Standard,
            product_type: ProductType::Service,
        }
    }

    /// Puts taxes on the lines: in most cases one, on all lines or on some.
    fn one_tax(&self, invoice: &mut Invoice, dice: Dice) {
        if self.taxes.is_empty() {
            return;
        }
        let chosen = dice.pick("tax", self.taxes);
        let unknown = dice.chance("unknown tax", 3);
        let some = dice.chance("some lines", 25);
        for (place, line) in invoice.lines.iter_mut().enumerate() {
            let taxes = chosen.iter().map(|(name, rate)| Tax {
                name: (*name).to_owned(),
                rate: if unknown { Decimal::new(65, 1) } else { rate.parse().unwrap_or_default() },
            });
            if some && place % 2 == 1 {
                line.tax_category = TaxCategory::Exempt;
            } else {
                line.taxes = taxes.collect();
            }
        }
    }

    /// Its words, dates, amounts or lines change; amounts only while nobody has paid.
    pub(super) fn edited_invoice(&self, mut invoice: Invoice, number: u32, dice: Dice) -> Invoice {
        let unpaid = invoice.balance == Some(invoice.amount);
        match dice.below("member", 6) {
            0 => invoice.public_notes = format!("Thank you ({})", dice.below("word", 1000)),
            1 => invoice.due_date = Some(invoice.date.saturating_add(14.days())),
            2 if unpaid => invoice.lines.push(self.line(number, dice.part("new line"))),
            3 if unpaid => invoice.discount = discount(dice, 60),
            4 if unpaid => {
                let place = dice.below("line", invoice.lines.len());
                invoice.lines[place].quantity += Decimal::ONE;
            }
            5 => invoice.private_notes = format!("Note {}", dice.below("word", 1000)),
            _ => invoice.public_notes.clear(),
        }
        if unpaid {
            invoice.amount = amounts::total(&invoice);
            invoice.balance = Some(invoice.amount);
        }
        if let Some(client) = &mut invoice.client
            && let Some(Record::Client(now)) = self.fetch(Kind::Client, &client.id)
        {
            *client = *now;
        }
        invoice
    }

    pub(super) fn new_payment(&self, number: u32, dice: Dice, now: Timestamp) -> Option<Payment> {
        let open = |held: &Held| match &held.record {
            Record::Invoice(invoice) if !held.gone && invoice.status != InvoiceStatus::Draft => invoice
                .balance
                .filter(|balance| *balance > Decimal::ZERO)
                .map(|balance| (invoice.clone(), balance)),
            _ => None,
        };
        let (_, Record::Invoice(first)) = self.one(Kind::Invoice, dice, |held| open(held).is_some())? else {
            return None;
        };
        let mine = self
            .records()
            .filter_map(|(_, _, held)| open(held))
            .filter(|(one, _)| one.client_id == first.client_id);
        let mut allocations = Vec::new();
        for (invoice, balance) in mine.filter(|(one, _)| one.id == first.id || dice.chance("too", 30)).take(3)
        {
            let part = dice.part("part").part(invoice.id.as_str());
            let amount =
                if part.chance("whole", 60) { balance } else { amounts::cents(balance / Decimal::TWO) };
            let invoice_date = dice.chance("dated", 50).then_some(invoice.date);
            allocations.push(Allocation { invoice_id: invoice.id.clone(), amount, invoice_date });
        }
        let allocated: Decimal = allocations.iter().map(|allocation| allocation.amount).sum();
        let over = if dice.chance("over", 10) { Decimal::TEN } else { Decimal::ZERO };
        let mark = self.mark(Kind::Payment, number);
        (allocated > Decimal::ZERO).then(|| Payment {
            id: id(mark.clone()),
            number: number.to_string(),
            client_id: first.client_id.clone(),
            client: dice.chance("client along", 50).then(|| self.client_of(&first.client_id)).flatten(),
            date: today(now),
            amount: allocated + over,
            refunded: None,
            method: dice.pick("method", &[PaymentMethod::Card, PaymentMethod::Check, PaymentMethod::Other]),
            reference: mark,
            allocations,
            currency: None,
            exchange_rate: None,
            private_notes: String::new(),
            status: PaymentStatus::Completed,
        })
    }

    fn client_of(&self, id: &BillingId) -> Option<Client> {
        match self.fetch(Kind::Client, id)? {
            Record::Client(client) => Some(*client),
            _ => None,
        }
    }

    /// Takes a payment off what its invoices owe, or puts it back. A balance alone is no event of ours.
    pub(super) fn settle_balances(&mut self, payment: &Payment, back: bool) {
        for allocation in &payment.allocations {
            for held in self.records.values_mut() {
                if let Record::Invoice(invoice) = &mut held.record
                    && invoice.id == allocation.invoice_id
                    && let Some(balance) = &mut invoice.balance
                {
                    *balance += if back { allocation.amount } else { -allocation.amount };
                }
            }
        }
    }
}

/// The name of what the bookkeeper has added under a mark.
pub(crate) fn added_name(mark: &str) -> String {
    format!("Added {mark}")
}

fn address(dice: Dice) -> Address {
    Address {
        line1: format!("{} {}", 1 + dice.below("house", 90), dice.pick("street", &STREETS)),
        city: dice.pick("town", &TOWNS).to_owned(),
        postal_code: format!("{:05}", dice.below("code", 99_999)),
        ..Address::default()
    }
}

fn price(dice: Dice) -> Decimal {
    Decimal::new(dice.pick("amount", &[4850, 1200, 9256, 33, 100_000, 725]), 2)
        + Decimal::new(dice.pick("fraction", &[0, 0, 0, 3, 125]), 4)
}

fn discount(dice: Dice, percent: usize) -> Option<Discount> {
    dice.chance("discount", percent).then(|| {
        if dice.chance("in per cent", 70) {
            Discount::Percent(Decimal::new(dice.pick("per cent", &[5, 10, 125]), 0).min(Decimal::TEN))
        } else {
            Discount::Amount(Decimal::new(dice.pick("off", &[1, 5, 10]), 2))
        }
    })
}

pub(super) fn edit_client(dice: Dice, record: Record) -> Option<Record> {
    let Record::Client(mut client) = record else { return None };
    let word = dice.below("word", 1000);
    match dice.below("member", 6) {
        0 => {
            let first = client.name.split(" – ").next().unwrap_or_default().to_owned();
            client.name = format!("{first} – {word}");
        }
        1 => client.billing_address = Some(address(dice)),
        2 => client.phone = format!("555 {word:04}"),
        3 => client.public_notes = format!("Note {word}"),
        4 => client.public_notes.clear(),
        _ => client.contacts[0].first_name = format!("Kim {word}"),
    }
    Some(Record::Client(client))
}

pub(super) fn edit_product(dice: Dice, record: Record) -> Option<Record> {
    let Record::Product(mut product) = record else { return None };
    if dice.chance("text", 50) {
        product.notes = format!("Text {}", dice.below("word", 1000));
    } else {
        product.price = Some(price(dice));
    }
    Some(Record::Product(product))
}

pub(super) fn edit_payment(dice: Dice, record: Record) -> Option<Record> {
    let Record::Payment(mut payment) = record else { return None };
    if dice.chance("note", 60) {
        payment.private_notes = format!("Note {}", dice.below("word", 1000));
    } else {
        payment.date = payment.date.saturating_sub(1.days());
    }
    Some(Record::Payment(payment))
}
