//! Payments and what they are applied to (Invoice Ninja API: payments).

use std::collections::BTreeSet;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::invoices::{DRAFT, PARTIAL, SENT, settle, today};
use super::kinds::Kind;
use super::record::{Errors, Members, Record, amount_in, blank, fill, objects};
use super::refusal::{Refusal, unless, wrong};
use super::{Company, Request, User, ids};

const COMPLETED: &str = "4";
const CANCELLED: &str = "2";

/// What a server finds for itself as the rate of a foreign currency when it is sent none.
const SERVERS_RATE: Decimal = Decimal::from_parts(125, 0, 0, false, 2);

/// An invoice's row number, and how much of a payment goes to it.
pub(crate) type Allocation = (u64, Decimal);

/// A payment to be added.
pub(crate) struct NewPayment {
    client: u64,
    fields: Record,
}

impl NewPayment {
    /// One that the app makes by itself when an invoice is marked as paid.
    pub(crate) fn manual(client: u64, amount: Decimal, date: String, reference: &str, user: &str) -> Self {
        let mut fields = blank(&Kind::Payment.fields());
        fields.put("user_id", user);
        fields.put_money("amount", amount);
        fields.put("date", date);
        fields.put("transaction_reference", reference);
        fields.put("type_id", "1");
        Self { client, fields }
    }
}

impl Company {
    pub(crate) fn create_payment(
        &mut self,
        sent: &Record,
        request: &Request,
        user: &User,
        now: Timestamp,
    ) -> Result<u64, Refusal> {
        let raw = |name| sent.get(name).map(ToString::to_string).unwrap_or_default();
        if self.is_repeated(format!("payment {} {}", raw("amount"), raw("client_id")), 1, now) {
            return Err(Refusal::duplicate());
        }
        let mut errors = Errors::new();
        let client = self.client_of(sent, &mut errors);
        let mut fields = blank(&Kind::Payment.fields());
        fields.put("user_id", user.id.as_str());
        fields.put("date", today(now));
        fields.put("exchange_rate", 1);
        fill(&mut fields, sent, &Kind::Payment.fields(), "", &mut errors);
        if fields.text("date").is_empty() {
            fields.put("date", today(now));
        }
        if self.store.is_taken(Kind::Payment, "number", fields.text("number"), None) {
            wrong(&mut errors, "number", "The number has already been taken.");
        }
        let allocations = self.allocations(sent, client, &mut errors);
        let amount = payment_amount(sent, &allocations, &mut errors);
        let key = idempotency_key(sent, &fields, amount, now, &mut errors);
        if self.store.is_taken(Kind::Payment, "_idempotency_key", &key, None) {
            wrong(&mut errors, "idempotency_key", "The idempotency key has already been taken.");
        }
        for (n, _) in objects(sent, "credits").enumerate() {
            let field = format!("credits.{n}.credit_id");
            wrong(&mut errors, &field, format!("The selected {field} is invalid."));
        }
        unless(errors)?;
        let Some(client) = client else { return Err(Refusal::missing("Client", sent.text("client_id"))) };

        fields.put_money("amount", amount);
        fields.put("_idempotency_key", key);
        let id = self.add_payment(NewPayment { client, fields }, &allocations, now);
        let receipt = request.parameter("email_receipt");
        if receipt.map_or(self.is_set("client_manual_payment_notification"), |receipt| receipt == "true") {
            self.mail(client, Kind::Payment, id);
        }
        Ok(id)
    }

    /// Adds a payment that is in order, and applies it.
    pub(crate) fn add_payment(&mut self, new: NewPayment, allocations: &[Allocation], now: Timestamp) -> u64 {
        let NewPayment { client, fields: mut payment } = new;
        if payment.text("number").is_empty() {
            payment.put("number", self.store.next_number(Kind::Payment));
        }
        let currency = self.currency_of(client).to_owned();
        if currency != self.setting("currency_id") && payment.money("exchange_rate") == Decimal::ONE {
            payment.put_money("exchange_rate", SERVERS_RATE);
        }
        for name in [
            "client_contact_id",
            "company_gateway_id",
            "gateway_type_id",
            "invitation_id",
            "project_id",
            "vendor_id",
            "transaction_id",
        ] {
            payment.put(name, "");
        }
        payment.put("client_id", ids::shown(client));
        payment.put("currency_id", currency);
        payment.put("status_id", COMPLETED);
        payment.put("is_manual", true);
        payment.put("applied", 0);
        payment.put("refunded", 0);
        payment.put("paymentables", json!([]));
        payment.put("documents", json!([]));
        let id = self.store.add(Kind::Payment, payment, now);
        self.apply(id, allocations, now);
        self.created(Kind::Payment, id, now);
        self.recount_client(client, now);
        id
    }

    pub(crate) fn update_payment(&mut self, id: u64, sent: &Record, now: Timestamp) -> Result<(), Refusal> {
        let Some(mut payment) = self.store.row(Kind::Payment, id).cloned() else { return Ok(()) };
        let mut errors = Errors::new();
        let client = payment.id("client_id");
        if sent.get("client_id").is_some_and(|client| *client != payment.text("client_id")) {
            wrong(&mut errors, "client_id", "The selected client id is invalid.");
        }
        fill(&mut payment, sent, &Kind::Payment.fields(), "", &mut errors);
        if self.store.is_taken(Kind::Payment, "number", payment.text("number"), Some(id)) {
            wrong(&mut errors, "number", "The number has already been taken.");
        }
        let allocations = self.allocations(sent, client, &mut errors);
        let free = payment.money("amount") - payment.money("refunded") - payment.money("applied");
        if allocations.iter().map(|(_, amount)| amount).sum::<Decimal>() > free.max(Decimal::ZERO) {
            wrong(&mut errors, "invoices", "Insufficient applied amount remaining on payment");
        }
        unless(errors)?;
        payment.put("status_id", COMPLETED);
        payment.put("updated_at", now.as_second());
        self.store.replace(Kind::Payment, id, payment);
        self.apply(id, &allocations, now);
        self.updated(Kind::Payment, id, now);
        if let Some(client) = client {
            self.recount_client(client, now);
        }
        Ok(())
    }

    /// What was sent under `invoices`, if all of it can be applied.
    fn allocations(&self, sent: &Record, client: Option<u64>, errors: &mut Errors) -> Vec<Allocation> {
        let mut seen = BTreeSet::new();
        let mut allocations = Vec::new();
        if sent.get("invoices").is_some_and(|invoices| !invoices.is_array() && !invoices.is_null()) {
            wrong(errors, "invoices", "The invoices must be an array.");
        }
        for (n, allocation) in objects(sent, "invoices").enumerate() {
            let (id_field, amount_field) =
                (format!("invoices.{n}.invoice_id"), format!("invoices.{n}.amount"));
            let invoice =
                allocation.id("invoice_id").and_then(|id| Some((id, self.store.row(Kind::Invoice, id)?)));
            let invoice = invoice.filter(|(_, row)| !row.flag("is_deleted") && row.id("client_id") == client);
            let Some((id, invoice)) = invoice else {
                wrong(errors, &id_field, format!("The selected {id_field} is invalid."));
                continue;
            };
            if !seen.insert(id) {
                wrong(errors, &id_field, format!("The {id_field} field has a duplicate value."));
            }
            if !matches!(invoice.text("status_id"), DRAFT | SENT | PARTIAL)
                || invoice.money("balance") < Decimal::ZERO
            {
                wrong(errors, "invoices", "One or more of these invoices have been paid");
                continue;
            }
            let open = match invoice.text("status_id") {
                DRAFT => invoice.money("amount"),
                _ => invoice.money("balance"),
            };
            match amount_in(allocation, "amount") {
                None => wrong(errors, &amount_field, format!("The {amount_field} must be a number.")),
                Some(amount) if amount <= Decimal::ZERO => {
                    wrong(errors, &amount_field, "Amount cannot be less than or equal to zero");
                }
                Some(amount) if amount > open => {
                    wrong(errors, &amount_field, "Amount cannot be greater than invoice balance");
                }
                Some(amount) => allocations.push((id, amount)),
            }
        }
        allocations
    }

    /// Applies a payment to invoices, on top of what it is applied to already. Drafts count as sent from now on.
    fn apply(&mut self, payment: u64, allocations: &[Allocation], now: Timestamp) {
        for (invoice, amount) in allocations {
            self.mark_sent(*invoice, now);
            let part = self.store.next_part();
            let allocation = json!({
                "id": ids::shown(part), "invoice_id": ids::shown(*invoice), "amount": super::record::money(*amount),
                "refunded": 0, "created_at": now.as_second(), "updated_at": now.as_second(), "archived_at": 0,
            });
            if let Some(row) = self.store.row_mut(Kind::Payment, payment) {
                if let Some(Value::Array(rows)) = row.get_mut("paymentables") {
                    rows.push(allocation);
                }
                row.put_money("applied", row.money("applied") + amount);
            }
            self.paid(*invoice, *amount, now);
        }
    }

    /// More was paid of an invoice, or less.
    pub(crate) fn paid(&mut self, invoice: u64, amount: Decimal, now: Timestamp) {
        let Some(row) = self.store.row_mut(Kind::Invoice, invoice) else { return };
        row.put_money("paid_to_date", row.money("paid_to_date") + amount);
        let asked = row.money("partial");
        if asked > Decimal::ZERO && amount > Decimal::ZERO {
            // What was asked for in advance has come, or a part of it.
            row.put_money("partial", (asked - amount).max(Decimal::ZERO));
            if asked <= amount {
                row.put("partial_due_date", "");
            }
        }
        settle(row);
        row.put("updated_at", now.as_second());
        self.updated(Kind::Invoice, invoice, now);
    }

    /// What was paid is open again, and the payment forgets what it was applied to, for good.
    pub(crate) fn delete_payment(&mut self, id: u64, now: Timestamp) {
        let Some(payment) = self.store.row_mut(Kind::Payment, id) else { return };
        let forgotten: Vec<Record> = objects(payment, "paymentables").cloned().collect();
        let client = payment.id("client_id");
        payment.put("paymentables", json!([]));
        payment.put("status_id", CANCELLED);
        payment.put("is_deleted", true);
        payment.put("archived_at", now.as_second());
        payment.put("updated_at", now.as_second());
        for allocation in &forgotten {
            if let Some(invoice) = allocation.id("invoice_id") {
                self.paid(invoice, allocation.money("refunded") - allocation.money("amount"), now);
            }
        }
        self.updated(Kind::Payment, id, now);
        if let Some(client) = client {
            self.recount_client(client, now);
        }
    }
}

/// What was received: the amount sent, or the sum of what it is applied to.
fn payment_amount(sent: &Record, allocations: &[Allocation], errors: &mut Errors) -> Decimal {
    let applied: Decimal = allocations.iter().map(|(_, amount)| amount).sum();
    if sent.get("amount").is_some_and(|amount| !amount.is_null()) && amount_in(sent, "amount").is_none() {
        wrong(errors, "amount", "The amount must be a number.");
    }
    let amount = amount_in(sent, "amount").filter(|amount| !amount.is_zero()).unwrap_or(applied);
    if amount < applied {
        wrong(errors, "amount", "Amounts do not balance correctly.");
    }
    super::record::rounded(amount, 6)
}

/// The key sent, or one that the app makes of the second, the date, the amount and the client: two equal payments in
/// one second are one too many.
fn idempotency_key(
    sent: &Record,
    fields: &Record,
    amount: Decimal,
    now: Timestamp,
    errors: &mut Errors,
) -> String {
    match sent.get("idempotency_key") {
        None | Some(Value::Null) => {
            let date = fields.text("date");
            let key = format!("{}{date}{}{}", now.as_second(), amount.normalize(), sent.text("client_id"));
            key.chars().take(64).collect()
        }
        Some(Value::String(key)) if key.chars().count() <= 64 => key.clone(),
        Some(Value::String(_)) => {
            wrong(errors, "idempotency_key", "The idempotency key may not be greater than 64 characters.");
            String::new()
        }
        Some(_) => {
            wrong(errors, "idempotency_key", "The idempotency key must be a string.");
            String::new()
        }
    }
}
