//! An Invoice as an invoice.

use std::collections::BTreeMap;

use jiff::civil::Date;
use quickbooks_wire::Invoice as Wire;
use rust_decimal::Decimal;

use super::{Members, Sold, currency, lines, rate, text, without_added};
use crate::ids::{BillingId, QuickBooksId};
use crate::mapping::{fields, invoice as there, text as texts};
use crate::model::{Invoice, InvoiceStatus};
use crate::outcome::{Park, ParkCause};
use crate::reference::Reference;
use crate::settings::Settings;

/// What the way there adds to a note.
const ADDED: [&str; 2] = ["PO number:", "Invoice number:"];

/// The new invoice that stands for an Invoice. Its id is a placeholder until the billing app gives it one.
///
/// # Errors
/// As [`invoice`].
pub fn new_invoice(
    row: &Wire,
    id: BillingId,
    client: &BillingId,
    sold: impl Fn(&QuickBooksId) -> Option<Sold>,
    reference: &Reference,
) -> Result<Invoice, Park> {
    let currency = currency(row.currency_ref.as_ref(), reference);
    let blank = Invoice {
        id,
        number: String::new(),
        date: Date::ZERO,
        due_date: None,
        client_id: client.clone(),
        client: None,
        lines: Vec::new(),
        discount: None,
        surcharges: Vec::new(),
        taxes_inclusive: false,
        exchange_rate: rate(currency.as_ref(), row.exchange_rate),
        currency,
        po_number: String::new(),
        public_notes: String::new(),
        private_notes: String::new(),
        terms: String::new(),
        custom_fields: BTreeMap::new(),
        status: InvoiceStatus::Sent,
        amount: Decimal::ZERO,
        balance: None,
    };
    invoice(&blank, None, row, Members::All, client, sold, reference)
}

/// The invoice with the members of an Invoice that changed. `ours` is the invoice as it is mapped now, `client` and
/// `sold` are the counterparts of the Customer and of the Items on the lines.
///
/// # Errors
/// An Item without a counterpart, a tax code that is not known, a date that cannot be read.
pub fn invoice(
    before: &Invoice,
    ours: Option<&Wire>,
    row: &Wire,
    members: Members<'_>,
    client: &BillingId,
    sold: impl Fn(&QuickBooksId) -> Option<Sold>,
    reference: &Reference,
) -> Result<Invoice, Park> {
    let mut invoice = before.clone();
    if members.has("CustomerRef") && invoice.client_id != *client {
        (invoice.client_id, invoice.client) = (client.clone(), None);
    }
    if members.has("DocNumber") && text(&there::doc_number(&invoice)) != text(&row.doc_number) {
        invoice.number = text(&row.doc_number);
    }
    if members.has("TxnDate") {
        invoice.date = date(&row.txn_date)?;
    }
    if members.has("DueDate") {
        invoice.due_date = row.due_date.is_some().then(|| date(&row.due_date)).transpose()?;
    }
    if members.has("ExchangeRate") {
        invoice.exchange_rate = rate(invoice.currency.as_ref(), row.exchange_rate);
    }
    if members.has_any(&["Line", "TxnTaxDetail", "GlobalTaxCalculation", "ApplyTaxAfterDiscount"]) {
        lines::apply(&mut invoice, ours, row, sold, reference)?;
        invoice.amount = row.total_amt.unwrap_or_default();
    }
    if members.has("CustomerMemo") {
        let memo = row.customer_memo.as_ref().and_then(|memo| memo.value.clone());
        read_by_client(&mut invoice, &memo.unwrap_or_default());
    }
    if members.has("PrivateNote") {
        let (note, added) = without_added(row.private_note.as_deref().unwrap_or_default(), &ADDED);
        invoice.private_notes = note;
        let value = |heading| added.iter().find(|(known, _)| known == heading).map(|(_, value)| *value);
        if value(ADDED[0]).is_some() || !invoice.po_number.is_empty() {
            invoice.po_number = value(ADDED[0]).unwrap_or_default().to_owned();
        }
    }
    Ok(invoice)
}

/// Brings the custom fields back that changed, to those of the billing app that stand for them.
pub fn custom_fields(invoice: &mut Invoice, row: &Wire, members: Members<'_>, settings: &Settings) {
    for (name, id) in &settings.custom_fields {
        if !members.has(&fields::custom_field(id)) {
            continue;
        }
        let mut there = row.custom_field.iter().flatten();
        let field = there.find(|field| field.definition_id.as_ref() == Some(id));
        match field.and_then(|field| field.string_value.clone()).filter(|text| !text.is_empty()) {
            Some(text) => invoice.custom_fields.insert(name.clone(), text),
            None => invoice.custom_fields.remove(name),
        };
    }
}

/// Notes and terms stand in one memo: what comes before the terms is the notes.
fn read_by_client(invoice: &mut Invoice, memo: &str) {
    let terms = texts::paragraph(&invoice.terms, usize::MAX);
    match memo.strip_suffix(terms.as_str()).filter(|_| !terms.is_empty()) {
        Some(notes) => invoice.public_notes = notes.trim_end().to_owned(),
        None => (invoice.public_notes, invoice.terms) = (memo.to_owned(), String::new()),
    }
}

/// A date as Intuit writes it.
pub(super) fn date(text: &Option<String>) -> Result<Date, Park> {
    let text = text.as_deref().unwrap_or_default();
    text.parse().map_err(|_| {
        Park::new(
            ParkCause::Refused,
            format!("QuickBooks gives \"{text}\" for a date."),
            "Correct the date in QuickBooks, then retry.",
        )
    })
}

#[cfg(test)]
mod tests;
