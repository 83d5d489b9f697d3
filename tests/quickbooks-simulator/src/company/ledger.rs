//! What a transaction does to other objects: balances of customers, balances of invoices, stock.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{
    Company,
    kinds::Kind,
    store::Touch,
    wire::{self, Members, Object},
};

/// What a transaction adds to customers' balances and takes from items' stock, by id.
#[derive(Debug, Default)]
struct Effects {
    owed: BTreeMap<String, Decimal>,
    sold: BTreeMap<String, Decimal>,
}

impl Effects {
    fn owe(&mut self, customer: &str, amount: Decimal) {
        *self.owed.entry(customer.to_owned()).or_default() += amount;
    }

    fn less(mut self, other: &Self) -> Self {
        for (customer, amount) in &other.owed {
            *self.owed.entry(customer.clone()).or_default() -= *amount;
        }
        for (item, quantity) in &other.sold {
            *self.sold.entry(item.clone()).or_default() -= *quantity;
        }
        self
    }
}

/// The amounts that a payment applies, by invoice id.
pub(crate) fn applications(payment: &Object) -> BTreeMap<String, Decimal> {
    let mut applied: BTreeMap<String, Decimal> = BTreeMap::new();
    for line in payment.list("Line") {
        let link = line.list("LinkedTxn").first();
        if let Some(id) =
            link.filter(|link| link.text("TxnType") == Some("Invoice")).and_then(|link| link.text("TxnId"))
        {
            *applied.entry(id.to_owned()).or_default() += line.amount_or_zero("Amount");
        }
    }
    applied
}

/// The ids of the payments that an invoice is linked to.
fn linked_payments(invoice: &Object) -> BTreeSet<String> {
    invoice.list("LinkedTxn").iter().filter_map(|link| link.text("TxnId")).map(str::to_owned).collect()
}

/// Leaves one line for an invoice, of that amount; none for zero.
fn set_applied(lines: &mut Vec<Value>, invoice: &str, amount: Decimal) {
    let mut left = amount;
    lines.retain_mut(|line| {
        if line.list("LinkedTxn").iter().all(|link| link.text("TxnId") != Some(invoice)) {
            return true;
        }
        let now = std::mem::take(&mut left);
        line["Amount"] = wire::money(now);
        !now.is_zero()
    });
}

impl Company {
    /// What payments have been applied to an invoice.
    pub(crate) fn applied_to(&self, invoice: &Object) -> Decimal {
        let id = invoice.text("Id").unwrap_or_default();
        let payments = linked_payments(invoice);
        payments.iter().filter_map(|payment| self.applied_by(payment, id)).sum()
    }

    fn applied_by(&self, payment: &str, invoice: &str) -> Option<Decimal> {
        applications(self.store.get(Kind::Payment, payment)?).remove(invoice)
    }

    fn effects(&self, kind: Kind, object: Option<&Object>) -> Effects {
        let mut effects = Effects::default();
        let Some(object) = object else { return effects };
        let customer = object.reference("CustomerRef").unwrap_or_default();
        if kind == Kind::Invoice {
            effects.owe(customer, object.amount_or_zero("TotalAmt") - object.amount_or_zero("Deposit"));
            self.count_stock(object.list("Line"), &mut effects);
        } else {
            for (invoice, amount) in applications(object) {
                let payer = self
                    .store
                    .get(Kind::Invoice, &invoice)
                    .and_then(|invoice| invoice.reference("CustomerRef"));
                effects.owe(payer.unwrap_or(customer), -amount);
            }
            effects.owe(customer, -object.amount_or_zero("UnappliedAmt"));
        }
        effects
    }

    fn count_stock(&self, lines: &[Value], effects: &mut Effects) {
        for line in lines {
            if let Some(group) = line.get("GroupLineDetail") {
                self.count_stock(group.list("Line"), effects);
            }
            let Some(detail) = line.get("SalesItemLineDetail") else { continue };
            let Some(id) = detail.reference("ItemRef") else { continue };
            if self.store.get(Kind::Item, id).is_some_and(|item| item.flag("TrackQtyOnHand")) {
                *effects.sold.entry(id.to_owned()).or_default() += detail.amount_or_zero("Qty");
            }
        }
    }

    fn take_effect(&mut self, effects: Effects, now: Timestamp) {
        for (customer, amount) in effects.owed {
            if !amount.is_zero() {
                self.add_to_balance(&customer, amount, now);
            }
        }
        for (id, quantity) in effects.sold {
            if let Some(mut item) = self.store.get(Kind::Item, &id).filter(|_| !quantity.is_zero()).cloned() {
                let left = item.amount_or_zero("QtyOnHand") - quantity;
                item.insert("QtyOnHand".to_owned(), wire::quantity(left));
                self.store.replace(Kind::Item, &id, item, Touch::Time, now);
            }
        }
    }

    /// Stores a new invoice. The company's last number moves on; unapplied payments may pay it at once.
    pub(crate) fn record_new_invoice(&mut self, invoice: Object, now: Timestamp) -> String {
        if let Some(number) =
            invoice.text("DocNumber").filter(|number| number.ends_with(|c: char| c.is_ascii_digit()))
        {
            self.last_number = number.to_owned();
        }
        let effects = self.effects(Kind::Invoice, Some(&invoice));
        let id = self.store.insert(Kind::Invoice, invoice, now);
        self.take_effect(effects, now);
        self.pay_from_credit(&id, now);
        id
    }

    /// Stores an invoice's new state. What its payments applied beyond the new total becomes unapplied.
    pub(crate) fn record_invoice(&mut self, id: &str, invoice: Object, now: Timestamp) {
        let before = self.effects(Kind::Invoice, self.store.get(Kind::Invoice, id));
        let after = self.effects(Kind::Invoice, Some(&invoice));
        let most = invoice.amount_or_zero("TotalAmt") - invoice.amount_or_zero("Deposit");
        let excess = self.applied_to(&invoice) - most;
        let payments = linked_payments(&invoice);
        self.store.replace(Kind::Invoice, id, invoice, Touch::Revise, now);
        self.take_effect(after.less(&before), now);
        self.free_excess(id, payments, excess, now);
    }

    fn free_excess(
        &mut self,
        invoice: &str,
        payments: BTreeSet<String>,
        mut excess: Decimal,
        now: Timestamp,
    ) {
        for payment in payments.into_iter().rev() {
            if excess <= Decimal::ZERO {
                return;
            }
            let Some(applied) = self.applied_by(&payment, invoice) else { continue };
            let freed = applied.min(excess);
            excess -= freed;
            self.reapply(&payment, invoice, applied - freed, now);
        }
    }

    /// Sets what a payment applies to an invoice, without the invoice counting as changed by it.
    fn reapply(&mut self, payment: &str, invoice: &str, amount: Decimal, now: Timestamp) {
        let Some(mut object) = self.store.get(Kind::Payment, payment).cloned() else { return };
        if let Some(lines) = object.get_mut("Line").and_then(Value::as_array_mut) {
            set_applied(lines, invoice, amount);
        }
        let applied: Decimal = applications(&object).values().sum();
        let unapplied = object.amount_or_zero("TotalAmt") - applied;
        object.insert("UnappliedAmt".to_owned(), wire::money(unapplied));
        self.record_payment(payment, object, Touch::Nothing, now);
        self.changed(Kind::Payment, payment, "Update", now);
    }

    /// Makes everything that was applied to an invoice unapplied.
    pub(crate) fn unlink_payments(&mut self, invoice: &str, now: Timestamp) {
        let payments = self.store.get(Kind::Invoice, invoice).map(linked_payments).unwrap_or_default();
        for payment in payments {
            self.reapply(&payment, invoice, Decimal::ZERO, now);
        }
    }

    /// Stores a new payment.
    pub(crate) fn record_new_payment(&mut self, payment: Object, now: Timestamp) -> String {
        let effects = self.effects(Kind::Payment, Some(&payment));
        let invoices = applications(&payment);
        let id = self.store.insert(Kind::Payment, payment, now);
        self.take_effect(effects, now);
        for invoice in invoices.keys() {
            self.refresh_invoice(invoice, &id, Touch::Revise, now);
        }
        id
    }

    /// Stores a payment's new state; the invoices it pays, or paid, follow.
    pub(crate) fn record_payment(&mut self, id: &str, payment: Object, invoices: Touch, now: Timestamp) {
        let old = self.store.get(Kind::Payment, id);
        let before = self.effects(Kind::Payment, old);
        let mut touched = old.map(applications).unwrap_or_default();
        touched.extend(applications(&payment));
        let after = self.effects(Kind::Payment, Some(&payment));
        self.store.replace(Kind::Payment, id, payment, Touch::Revise, now);
        self.take_effect(after.less(&before), now);
        for invoice in touched.keys() {
            self.refresh_invoice(invoice, id, invoices, now);
        }
    }

    /// Removes a transaction and what it did.
    pub(crate) fn erase(&mut self, kind: Kind, id: &str, now: Timestamp) {
        let old = self.store.get(kind, id);
        let effects = Effects::default().less(&self.effects(kind, old));
        let paid = old.filter(|_| kind == Kind::Payment).map(applications).unwrap_or_default();
        self.store.delete(kind, id, now);
        self.take_effect(effects, now);
        for invoice in paid.keys() {
            self.refresh_invoice(invoice, id, Touch::Revise, now);
        }
    }

    /// Brings an invoice's links and balance up to date after a payment has changed.
    fn refresh_invoice(&mut self, id: &str, payment: &str, touch: Touch, now: Timestamp) {
        let Some(old) = self.store.get(Kind::Invoice, id) else { return };
        let mut payments = linked_payments(old);
        payments.insert(payment.to_owned());
        let applied: BTreeMap<&String, Decimal> =
            payments.iter().filter_map(|payment| Some((payment, self.applied_by(payment, id)?))).collect();
        let links: Vec<Value> =
            applied.keys().map(|id| json!({ "TxnId": id, "TxnType": "Payment" })).collect();
        let balance = old.amount_or_zero("TotalAmt")
            - old.amount_or_zero("Deposit")
            - applied.values().copied().sum::<Decimal>();
        let mut invoice = old.clone();
        invoice.insert("LinkedTxn".to_owned(), links.into());
        self.set_balance(&mut invoice, balance.max(Decimal::ZERO));
        if &invoice == old {
            return;
        }
        self.store.replace(Kind::Invoice, id, invoice, touch, now);
        if touch == Touch::Revise {
            self.changed(Kind::Invoice, id, "Update", now);
        }
    }

    /// With `AutoApplyCredit`, pays a new invoice from the customer's unapplied payments, the oldest first.
    fn pay_from_credit(&mut self, invoice: &str, now: Timestamp) {
        if !self.preference("SalesFormsPrefs").is_some_and(|prefs| prefs.flag("AutoApplyCredit")) {
            return;
        }
        let Some(object) = self.store.get(Kind::Invoice, invoice) else { return };
        let mut open = object.amount_or_zero("Balance");
        let customer = object.reference("CustomerRef").unwrap_or_default().to_owned();
        for id in self.transactions_of(Kind::Payment, &customer) {
            let Some(mut payment) = self.store.get(Kind::Payment, &id).cloned() else { continue };
            let amount = payment.amount_or_zero("UnappliedAmt").min(open);
            if amount <= Decimal::ZERO || self.deposited.contains(&id) {
                continue;
            }
            let line = self.payment_line(invoice, amount, open);
            if let Some(lines) = payment.get_mut("Line").and_then(Value::as_array_mut) {
                lines.push(line);
            }
            let unapplied = payment.amount_or_zero("UnappliedAmt") - amount;
            payment.insert("UnappliedAmt".to_owned(), wire::money(unapplied));
            open -= amount;
            self.record_payment(&id, payment, Touch::Revise, now);
            self.changed(Kind::Payment, &id, "Update", now);
        }
    }
}
