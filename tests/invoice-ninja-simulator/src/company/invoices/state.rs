//! What happens to an invoice after it was written: sent, paid, cancelled, reversed, deleted, restored.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use rust_decimal::Decimal;

use super::today;
use crate::company::kinds::Kind;
use crate::company::payments::NewPayment;
use crate::company::record::{Members, Record, objects_mut};
use crate::company::refusal::Refusal;
use crate::company::{Company, Mail};

pub(crate) const DRAFT: &str = "1";
pub(crate) const SENT: &str = "2";
pub(crate) const PARTIAL: &str = "3";
const PAID: &str = "4";
pub(crate) const CANCELLED: &str = "5";
const REVERSED: &str = "6";

/// What a deleted invoice's number ends in, so that the number is free again.
const DELETED_MARK: &str = "_deleted";

/// Brings balance and status in line with the amount and with what was paid. A draft claims nothing.
pub(crate) fn settle(invoice: &mut Record) {
    match invoice.text("status_id") {
        DRAFT => {}
        CANCELLED | REVERSED => invoice.put("balance", 0),
        _ => {
            let paid = invoice.money("paid_to_date");
            let balance = invoice.money("amount") - paid;
            invoice.put_money("balance", balance);
            let status = if paid.is_zero() {
                SENT
            } else if balance <= Decimal::ZERO {
                PAID
            } else {
                PARTIAL
            };
            invoice.put("status_id", status);
        }
    }
}

impl Company {
    /// A single action, as `GET invoices/{id}/{action}` and bulk have it.
    pub(crate) fn invoice_action(&mut self, id: u64, action: &str, now: Timestamp) -> Result<(), Refusal> {
        match action {
            "mark_sent" => self.mark_sent(id, now),
            "mark_paid" => self.pay(id, None, None, now),
            "cancel" => self.cancel(id, now),
            "reverse" => self.reverse(id, now),
            "email" | "send_email" => self.mail_invoice(id, now),
            "archive" => self.archive(Kind::Invoice, id, now),
            "restore" => self.restore(Kind::Invoice, id, now),
            "delete" => self.delete(Kind::Invoice, id, now),
            _ => return Err(Refusal::no_such_action(action)),
        }
        self.recount_client_of(id, now);
        Ok(())
    }

    /// A draft becomes a claim.
    pub(crate) fn mark_sent(&mut self, id: u64, now: Timestamp) {
        let Some(mut invoice) = self.live_invoice(id, &[DRAFT]) else { return };
        self.number_invoice(&mut invoice);
        if invoice.text("due_date").is_empty() {
            let due = self.due_date(&invoice);
            invoice.put("due_date", due);
        }
        invoice.put("status_id", SENT);
        settle(&mut invoice);
        invoice.put("updated_at", now.as_second());
        self.store.replace(Kind::Invoice, id, invoice);
        self.updated(Kind::Invoice, id, now);
        self.invoice_sent(id, now);
    }

    /// The day by the client's terms, else by the company's; "" without terms.
    fn due_date(&self, invoice: &Record) -> String {
        let client = invoice.id("client_id").and_then(|id| self.store.row(Kind::Client, id));
        let settings = client.and_then(|client| client.get("settings")?.as_object());
        let own = settings.map(|settings| settings.text("payment_terms")).filter(|terms| !terms.is_empty());
        let terms = own.unwrap_or_else(|| self.setting("payment_terms")).parse::<u16>();
        let date = invoice.text("date").parse::<Date>();
        let due = date.ok().zip(terms.ok()).map(|(date, days)| date.saturating_add(i64::from(days).days()));
        due.map_or_else(String::new, |due| due.to_string())
    }

    /// Records a payment of what is open, or of an amount. Nothing happens to an invoice with nothing open.
    pub(crate) fn pay(&mut self, id: u64, amount: Option<Decimal>, reference: Option<&str>, now: Timestamp) {
        self.mark_sent(id, now);
        let Some(invoice) = self.live_invoice(id, &[SENT, PARTIAL]) else { return };
        let open = self.open_of(id);
        let amount = amount.unwrap_or(open);
        if open <= Decimal::ZERO || amount <= Decimal::ZERO {
            return;
        }
        let Some(client) = invoice.id("client_id") else { return };
        let reference = reference.unwrap_or("Manual entry");
        let payment = NewPayment::manual(client, amount, today(now), reference, invoice.text("user_id"));
        let payment = self.add_payment(payment, &[(id, amount.min(open))], now);
        if self.is_set("send_email_on_mark_paid") {
            self.mail(client, Kind::Payment, payment);
        }
    }

    /// Only what was sent can be cancelled; of anything else nothing happens. The amount stays, the claim ends.
    pub(crate) fn cancel(&mut self, id: u64, now: Timestamp) {
        if self.is_cancellable(id) {
            self.end_invoice(id, CANCELLED, now);
        }
    }

    pub(crate) fn is_cancellable(&self, id: u64) -> bool {
        self.live_invoice(id, &[SENT, PARTIAL]).is_some_and(|invoice| invoice.seconds("archived_at") == 0)
    }

    fn reverse(&mut self, id: u64, now: Timestamp) {
        if self.live_invoice(id, &[SENT, PARTIAL, PAID]).is_some() {
            self.end_invoice(id, REVERSED, now);
        }
    }

    fn end_invoice(&mut self, id: u64, status: &str, now: Timestamp) {
        if let Some(invoice) = self.store.row_mut(Kind::Invoice, id) {
            invoice.put("status_id", status);
            settle(invoice);
            invoice.put("updated_at", now.as_second());
        }
        self.updated(Kind::Invoice, id, now);
    }

    /// Sends it to the client, which also marks it as sent.
    pub(crate) fn mail_invoice(&mut self, id: u64, now: Timestamp) {
        self.mark_sent(id, now);
        if let Some(client) = self.store.row(Kind::Invoice, id).and_then(|row| row.id("client_id")) {
            self.mail(client, Kind::Invoice, id);
        }
    }

    pub(crate) fn mail(&mut self, client: u64, kind: Kind, id: u64) {
        let shown = crate::company::ids::shown;
        self.mails.push(Mail { client_id: shown(client), kind, id: shown(id) });
    }

    fn live_invoice(&self, id: u64, statuses: &[&str]) -> Option<Record> {
        let invoice = self.store.row(Kind::Invoice, id)?;
        let fits = !invoice.flag("is_deleted") && statuses.contains(&invoice.text("status_id"));
        fits.then(|| invoice.clone())
    }

    /// The number becomes free, and what was paid is taken back: a payment of this invoice alone is deleted with it,
    /// others shrink.
    pub(crate) fn delete_invoice(&mut self, id: u64, now: Timestamp) {
        let Some(invoice) = self.store.row_mut(Kind::Invoice, id) else { return };
        let number = format!("{}{DELETED_MARK}", invoice.text("number"));
        let shown = invoice.text("id").to_owned();
        invoice.put("is_deleted", true);
        invoice.put("archived_at", now.as_second());
        invoice.put("updated_at", now.as_second());
        let mut free = number.clone();
        let mut n = 0;
        while self.store.is_taken(Kind::Invoice, "number", &free, Some(id)) {
            n += 1;
            free = format!("{number}_{n}");
        }
        if let Some(invoice) = self.store.row_mut(Kind::Invoice, id) {
            invoice.put("number", free);
        }
        self.take_back_payments(&shown, now);
        self.updated(Kind::Invoice, id, now);
        self.recount_client_of(id, now);
    }

    fn take_back_payments(&mut self, invoice: &str, now: Timestamp) {
        let payments: Vec<u64> = self.store.rows(Kind::Payment).map(|(id, _)| id).collect();
        for id in payments {
            let Some(payment) = self.store.row_mut(Kind::Payment, id) else { continue };
            let is_deleted = payment.flag("is_deleted");
            let mut taken = Decimal::ZERO;
            for allocation in
                objects_mut(payment, "paymentables").filter(|it| it.text("invoice_id") == invoice)
            {
                taken += allocation.money("amount");
                allocation.put("_deleted", true);
            }
            if taken.is_zero() || is_deleted {
                continue;
            }
            payment.put("updated_at", now.as_second());
            if taken == payment.money("amount") {
                payment.put("is_deleted", true);
                payment.put("archived_at", now.as_second());
                payment.put("_with_invoice", true);
            } else {
                payment.put_money("amount", payment.money("amount") - taken);
                payment.put_money("applied", payment.money("applied") - taken);
                self.updated(Kind::Payment, id, now);
            }
        }
    }

    /// A deleted invoice gets its number back, or the next one if that is taken meanwhile, and its payments.
    pub(crate) fn restore_invoice(&mut self, id: u64, now: Timestamp) {
        let Some(invoice) = self.store.row(Kind::Invoice, id) else { return };
        let (shown, was_deleted) = (invoice.text("id").to_owned(), invoice.flag("is_deleted"));
        let mut number = invoice.text("number").to_owned();
        if was_deleted {
            number.truncate(number.rfind(DELETED_MARK).unwrap_or(number.len()));
            if self.store.is_taken(Kind::Invoice, "number", &number, Some(id)) {
                number = self.store.next_number(Kind::Invoice);
            }
            self.give_back_payments(&shown, now);
        }
        if let Some(invoice) = self.store.row_mut(Kind::Invoice, id) {
            invoice.put("is_deleted", false);
            invoice.put("archived_at", 0);
            invoice.put("updated_at", now.as_second());
            invoice.put("number", number);
        }
        self.restored(Kind::Invoice, id, now);
        self.recount_client_of(id, now);
    }

    fn give_back_payments(&mut self, invoice: &str, now: Timestamp) {
        let payments: Vec<u64> = self.store.rows(Kind::Payment).map(|(id, _)| id).collect();
        for id in payments {
            let Some(payment) = self.store.row_mut(Kind::Payment, id) else { continue };
            let mut given = Decimal::ZERO;
            let taken = |it: &&mut Record| it.text("invoice_id") == invoice && it.flag("_deleted");
            for allocation in objects_mut(payment, "paymentables").filter(taken) {
                given += allocation.money("amount");
                allocation.put("_deleted", false);
            }
            if given.is_zero() {
                continue;
            }
            payment.put("updated_at", now.as_second());
            if payment.flag("_with_invoice") {
                payment.put("is_deleted", false);
                payment.put("archived_at", 0);
                payment.put("_with_invoice", false);
            } else {
                payment.put_money("amount", payment.money("amount") + given);
                payment.put_money("applied", payment.money("applied") + given);
            }
            self.updated(Kind::Payment, id, now);
        }
    }
}
