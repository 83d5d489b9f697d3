//! Invoices: making, changing, sending, cancelling (Invoice Ninja API: invoices).

mod lines;
mod state;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::kinds::Kind;
use super::record::{Errors, Members, Record, amount, blank, fill};
use super::refusal::{Refusal, unless, wrong};
use super::totals::total_up;
use super::{Company, Request, User, ids};

pub(crate) use self::state::{CANCELLED, DRAFT, PARTIAL, SENT, settle};

impl Company {
    pub(crate) fn create_invoice(
        &mut self,
        sent: &Record,
        request: &Request,
        user: &User,
        now: Timestamp,
    ) -> Result<u64, Refusal> {
        let mut errors = Errors::new();
        let client = self.client_of(sent, &mut errors);
        let mut invoice = new_invoice(user, now);
        if let Some(client) = client {
            invoice.put("client_id", ids::shown(client));
            let inclusive = self.store.row(Kind::Client, client).and_then(|row| row.get("settings"));
            let inclusive = inclusive.and_then(Value::as_object).is_some_and(|it| it.flag("inclusive_taxes"));
            invoice.put("uses_inclusive_taxes", inclusive || self.is_set("inclusive_taxes"));
        }
        fill(&mut invoice, sent, &Kind::Invoice.fields(), "", &mut errors);
        self.check_invoice(&invoice, None, sent, &mut errors);
        unless(errors)?;

        for n in 1..=4 {
            invoice.put(&format!("custom_surcharge_tax{n}"), self.taxes_surcharge(n));
        }
        let today = invoice.text("date").to_owned();
        invoice.put("line_items", lines::normal(sent.get("line_items"), Some(&today)));
        total_up(&mut invoice);
        if self.setting("counter_number_applied") != "when_sent" {
            self.number_invoice(&mut invoice);
        }
        let id = self.store.add(Kind::Invoice, invoice, now);
        self.created(Kind::Invoice, id, now);
        self.saved_invoice(id, request, now);
        Ok(id)
    }

    pub(crate) fn update_invoice(
        &mut self,
        id: u64,
        sent: &Record,
        request: &Request,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let Some(mut invoice) = self.store.row(Kind::Invoice, id).cloned() else { return Ok(()) };
        let mut errors = Errors::new();
        self.check_editable(&invoice, now, &mut errors);
        if sent.get("client_id").is_some_and(|client| *client != invoice.text("client_id")) {
            wrong(&mut errors, "client_id", "The selected client id is invalid.");
        }
        fill(&mut invoice, sent, &Kind::Invoice.fields(), "", &mut errors);
        self.check_invoice(&invoice, Some(id), sent, &mut errors);
        unless(errors)?;

        if sent.contains_key("line_items") {
            invoice.put("line_items", lines::normal(sent.get("line_items"), None));
        }
        total_up(&mut invoice);
        settle(&mut invoice);
        invoice.put("updated_at", now.as_second());
        self.store.replace(Kind::Invoice, id, invoice);
        self.updated(Kind::Invoice, id, now);
        self.saved_invoice(id, request, now);
        Ok(())
    }

    /// What follows a save: the actions that the query asks for, the client's sums, and the products.
    fn saved_invoice(&mut self, id: u64, request: &Request, now: Timestamp) {
        if request.wants("mark_sent") {
            self.mark_sent(id, now);
        }
        if request.wants("paid") {
            self.pay(id, None, request.parameter("reference"), now);
        }
        if let Some(amount) = request.parameter("amount_paid").and_then(|text| amount(&text.into())) {
            self.pay(id, Some(amount), request.parameter("reference"), now);
        }
        if request.wants("send_email") {
            self.mail_invoice(id, now);
        }
        if request.wants("cancel") {
            self.cancel(id, now);
        }
        self.recount_client_of(id, now);
        self.learn_products(id, now);
    }

    pub(crate) fn recount_client_of(&mut self, invoice: u64, now: Timestamp) {
        if let Some(client) = self.store.row(Kind::Invoice, invoice).and_then(|row| row.id("client_id")) {
            self.recount_client(client, now);
        }
    }

    /// The client named by what was sent; it has to exist.
    pub(crate) fn client_of(&self, sent: &Record, errors: &mut Errors) -> Option<u64> {
        let named = sent.text("client_id");
        if named.is_empty() {
            wrong(errors, "client_id", "The client id field is required.");
            return None;
        }
        let there = |id: &u64| self.store.row(Kind::Client, *id).is_some_and(|row| !row.flag("is_deleted"));
        let client = ids::read(named).filter(there);
        if client.is_none() {
            wrong(errors, "client_id", "The selected client id is invalid.");
        }
        client
    }

    fn check_invoice(&self, invoice: &Record, id: Option<u64>, sent: &Record, errors: &mut Errors) {
        if self.store.is_taken(Kind::Invoice, "number", invoice.text("number"), id) {
            wrong(errors, "number", "The number has already been taken.");
        }
        if sent.get("line_items").is_some_and(|lines| !lines.is_array() && !lines.is_null()) {
            wrong(errors, "line_items", "The line items must be an array.");
        }
        if invoice.money("partial") < Decimal::ZERO {
            wrong(errors, "partial", "The partial must be greater than or equal 0.");
        }
    }

    fn check_editable(&self, invoice: &Record, now: Timestamp, errors: &mut Errors) {
        if invoice.text("status_id") == CANCELLED {
            wrong(errors, "status_id", "The selected status id is invalid.");
        }
        let is_locked = match self.setting("lock_invoices") {
            "when_sent" => invoice.text("status_id") != DRAFT,
            "when_paid" => {
                invoice.money("amount") > Decimal::ZERO
                    && invoice.money("balance").is_zero()
                    && invoice.text("status_id") != DRAFT
            }
            "end_of_month" => invoice.text("date").get(..7) < today(now).get(..7),
            _ => false,
        };
        if is_locked {
            wrong(errors, "number", "Invoice is locked.");
        }
    }

    /// Gives an invoice the next free number if it has none.
    pub(crate) fn number_invoice(&mut self, invoice: &mut Record) {
        if invoice.text("number").is_empty() {
            invoice.put("number", self.store.next_number(Kind::Invoice));
        }
    }
}

/// The day, in the company's time zone, which is UTC here.
pub(crate) fn today(now: Timestamp) -> String {
    now.to_zoned(TimeZone::UTC).date().to_string()
}

fn new_invoice(user: &User, now: Timestamp) -> Record {
    let mut invoice = blank(&Kind::Invoice.fields());
    for name in ["amount", "balance", "paid_to_date", "total_taxes"] {
        invoice.put(name, 0);
    }
    for name in ["last_sent_date", "next_send_date", "reminder_last_sent", "recurring_id", "subscription_id"]
    {
        invoice.put(name, "");
    }
    for n in 1..=3 {
        invoice.put(&format!("reminder{n}_sent"), "");
    }
    for name in ["auto_bill_enabled", "has_tasks", "has_expenses"] {
        invoice.put(name, false);
    }
    invoice.put("user_id", user.id.as_str());
    invoice.put("status_id", DRAFT);
    invoice.put("date", today(now));
    invoice.put("exchange_rate", 1);
    invoice.put("entity_type", "invoice");
    invoice.put("line_items", json!([]));
    invoice.put("invitations", json!([]));
    invoice.put("tax_info", json!({}));
    invoice.put("e_invoice", json!({}));
    invoice.put("documents", json!([]));
    invoice
}
