//! Refunds: figures on a payment, no records of their own (Invoice Ninja API: refunds).

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::Company;
use super::kinds::Kind;
use super::record::{Errors, Members, Record, amount_in, is_date, objects, objects_mut};
use super::refusal::{Refusal, unless, wrong};

const PARTIALLY_REFUNDED: &str = "5";
const REFUNDED: &str = "6";

impl Company {
    /// `POST payments/refund`: gives back what was applied to invoices, or what was applied to none.
    pub(crate) fn refund(&mut self, sent: &Record, now: Timestamp) -> Result<u64, Refusal> {
        let id = self
            .find(Kind::Payment, sent.text("id"))
            .map_err(|_| Refusal::invalid_field("id", "The selected id is invalid."))?;
        let Some(payment) = self.store.row(Kind::Payment, id) else { return Ok(id) };
        let mut errors = Errors::new();
        if !is_date(sent.text("date")) {
            wrong(&mut errors, "date", "The date field is required.");
        }
        if payment.flag("is_deleted") {
            wrong(&mut errors, "id", "The selected id is invalid.");
        }
        let refunds = refunds(payment, sent, &mut errors);
        let named: Decimal = refunds.iter().map(|(_, amount)| amount).sum();
        let total = if refunds.is_empty() { amount_in(sent, "amount").unwrap_or_default() } else { named };
        let applied = payment.money("applied");
        if refunds.is_empty() && !applied.is_zero() {
            let text = "Attempting to refund a payment with invoices attached, please specify valid invoice/s to be \
                        refunded.";
            wrong(&mut errors, "id", text);
        }
        if total <= Decimal::ZERO || total > payment.money("amount") - payment.money("refunded") {
            wrong(&mut errors, "amount", "Attempting to refund more than allowed.");
        }
        unless(errors)?;

        let client = payment.id("client_id");
        if let Some(payment) = self.store.row_mut(Kind::Payment, id) {
            record_refund(payment, &refunds, total, sent, now);
        }
        for (invoice, amount) in &refunds {
            self.paid(*invoice, -amount, now);
        }
        self.updated(Kind::Payment, id, now);
        if let Some(client) = client {
            self.recount_client(client, now);
        }
        Ok(id)
    }
}

/// What was sent under `invoices`; each has to be one that the payment is applied to, for no more than is left there.
fn refunds(payment: &Record, sent: &Record, errors: &mut Errors) -> Vec<(u64, Decimal)> {
    let mut refunds: Vec<(u64, Decimal)> = Vec::new();
    for (n, refund) in objects(sent, "invoices").enumerate() {
        let (id_field, amount_field) = (format!("invoices.{n}.invoice_id"), format!("invoices.{n}.amount"));
        let of_invoice =
            |it: &&Record| it.text("invoice_id") == refund.text("invoice_id") && !it.flag("_deleted");
        let applied = objects(payment, "paymentables").filter(of_invoice);
        let left: Decimal = applied.map(|it| it.money("amount") - it.money("refunded")).sum();
        match (refund.id("invoice_id"), amount_in(refund, "amount")) {
            (Some(id), _) if refunds.iter().any(|(seen, _)| *seen == id) => {
                wrong(errors, &id_field, format!("The {id_field} field has a duplicate value."));
            }
            (Some(id), Some(amount)) if amount > Decimal::ZERO && amount <= left => {
                refunds.push((id, amount))
            }
            (Some(_), _) => wrong(errors, &amount_field, "Attempting to refund more than allowed."),
            (None, _) => wrong(errors, &id_field, format!("The selected {id_field} is invalid.")),
        }
    }
    refunds
}

fn record_refund(
    payment: &mut Record,
    refunds: &[(u64, Decimal)],
    total: Decimal,
    sent: &Record,
    now: Timestamp,
) {
    for (invoice, amount) in refunds {
        let mut left = *amount;
        let of_invoice = |it: &&mut Record| it.id("invoice_id") == Some(*invoice) && !it.flag("_deleted");
        for allocation in objects_mut(payment, "paymentables").filter(of_invoice) {
            let part = left.min(allocation.money("amount") - allocation.money("refunded"));
            allocation.put_money("refunded", allocation.money("refunded") + part);
            allocation.put("updated_at", now.as_second());
            left -= part;
        }
    }
    payment.put_money("refunded", payment.money("refunded") + total);
    let is_all = payment.money("refunded") == payment.money("amount");
    payment.put("status_id", if is_all { REFUNDED } else { PARTIALLY_REFUNDED });
    payment.put("updated_at", now.as_second());
    // The dates of refunds are kept, and never shown.
    let meta = json!({"date": sent.text("date"), "amount": super::record::money(total)});
    match payment.get_mut("_refund_meta") {
        Some(Value::Array(all)) => all.push(meta),
        _ => payment.put("_refund_meta", json!([meta])),
    }
}
