//! Payments and what they pay (Invoice Ninja API: payments).

use rust_decimal::Decimal;
use serde_json::Value;
use sha2::{Digest, Sha256};
use sync::model::{Allocation, Payment, PaymentStatus};

use super::{Changes, Setup, Unfit, client, object, without_blanks};
use crate::json::{Loose, NotWhole, Object, differing, number};

pub(super) fn read(record: &Object, setup: &Setup) -> Result<Payment, NotWhole> {
    let client = match record.object("client") {
        Some(client) => Some(client::read(client, setup)?),
        None => None,
    };
    let rate = record.amount("exchange_rate")?;
    Ok(Payment {
        id: record.id("id")?,
        number: record.text("number"),
        client_id: record.id("client_id")?,
        date: record.day("date")?.ok_or_else(|| NotWhole::new("date", "is not set"))?,
        amount: record.amount("amount")?,
        refunded: record.decimal("refunded")?.filter(|refunded| !refunded.is_zero()),
        method: setup.statics.method(&record.text("type_id")),
        reference: record.text("transaction_reference"),
        allocations: allocations(record)?,
        currency: match record.text("currency_id").as_str() {
            "" | "0" => client.as_ref().and_then(|client| client.currency.clone()),
            id => Some(currency(id, setup)?),
        },
        client,
        exchange_rate: Some(rate).filter(|rate| !rate.is_zero() && *rate != Decimal::ONE),
        private_notes: record.text("private_notes"),
        status: status(&record.text("status_id"))?,
    })
}

fn currency(id: &str, setup: &Setup) -> Result<String, NotWhole> {
    let code = setup.statics.currency(id);
    code.map(str::to_owned).ok_or_else(|| NotWhole::new("currency_id", "is no currency that is known"))
}

/// What it pays, with the invoices' dates. The rows of credits are left out: they are no money.
fn allocations(record: &Object) -> Result<Vec<Allocation>, NotWhole> {
    let rows = record.objects("paymentables")?.into_iter().filter(|row| !row.text("invoice_id").is_empty());
    let mut allocations = Vec::new();
    for row in rows {
        let invoice_id = row.id("invoice_id")?;
        let invoices = record.objects("invoices")?;
        let invoice = invoices.into_iter().find(|invoice| invoice.text("id") == invoice_id.as_str());
        let invoice = invoice.ok_or_else(|| NotWhole::new("invoices", "does not hold all that it pays"))?;
        allocations.push(Allocation {
            invoice_id,
            amount: row.amount("amount")?,
            invoice_date: invoice.day("date")?,
        });
    }
    Ok(allocations)
}

fn status(id: &str) -> Result<PaymentStatus, NotWhole> {
    Ok(match id {
        "1" => PaymentStatus::Pending,
        "2" => PaymentStatus::Cancelled,
        "3" => PaymentStatus::Failed,
        "4" => PaymentStatus::Completed,
        "5" => PaymentStatus::PartiallyRefunded,
        "6" => PaymentStatus::Refunded,
        _ => return Err(NotWhole::new("status_id", "is no status that is known")),
    })
}

/// A payment of which nobody is told by e-mail. Its number makes it the only one: the app refuses a second.
pub(super) fn creation(payment: &Payment, setup: &Setup) -> Changes {
    let mut body = without_blanks(image(payment, setup));
    body.insert("client_id".to_owned(), payment.client_id.as_str().into());
    body.insert("amount".to_owned(), number(payment.amount));
    let allocation = |allocation: &Allocation| {
        Value::Object(object! {
            "invoice_id": allocation.invoice_id.as_str(),
            "amount": number(allocation.amount),
        })
    };
    if !payment.allocations.is_empty() {
        body.insert("invoices".to_owned(), payment.allocations.iter().map(allocation).collect());
    }
    if !payment.number.is_empty() {
        body.insert("idempotency_key".to_owned(), idempotency_key(&payment.number).into());
    }
    Changes { body, actions: vec![("email_receipt", "false")] }
}

/// At most 64 characters; without one the app makes its own, of the second and the amount.
fn idempotency_key(number: &str) -> String {
    Sha256::digest(number.as_bytes()).iter().take(20).map(|byte| format!("{byte:02x}")).collect()
}

/// What it is and what it pays stays: the app ignores another amount, and adds to what is paid.
pub(super) fn changes(before: &Payment, after: &Payment, setup: &Setup) -> Result<Changes, Unfit> {
    let fixed = [
        ("client_id", before.client_id == after.client_id),
        ("amount", before.amount == after.amount),
        ("invoices", before.allocations == after.allocations),
        ("currency_id", before.currency == after.currency),
        ("refunded", before.refunded == after.refunded),
        ("status_id", before.status == after.status),
    ];
    if let Some((member, _)) = fixed.iter().find(|(_, same)| !same) {
        return Err(Unfit::new(member, "of a payment cannot be changed; it has to be deleted and made anew"));
    }
    let body = differing(&image(before, setup), &image(after, setup));
    // Any change makes it a completed one.
    if !body.is_empty() && before.status != PaymentStatus::Completed {
        return Err(Unfit::new(
            "status_id",
            "is not that of a completed payment, and a change would make it that",
        ));
    }
    Ok(Changes { body, ..Changes::default() })
}

fn image(payment: &Payment, setup: &Setup) -> Object {
    object! {
        "number": payment.number.as_str(),
        "date": payment.date.to_string(),
        "type_id": setup.statics.type_id(payment.method).unwrap_or_default(),
        "transaction_reference": payment.reference.as_str(),
        "private_notes": payment.private_notes.as_str(),
        "exchange_rate": number(payment.exchange_rate.unwrap_or(Decimal::ONE)),
    }
}
