//! Payments from customers.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{
    Company,
    faults::Fault,
    kinds::Kind,
    ledger::applications,
    store::Touch,
    wire::{self, Members, Object},
    writes::{Draft, is_voided, voided_note},
};

impl Company {
    pub(crate) fn settle_payment(&self, mut draft: Draft<'_>) -> Result<Object, Fault> {
        if let Some(previous) = draft.previous {
            self.refuse_if_deposited(previous)?;
            self.refuse_if_closed(previous)?;
            for member in ["CustomerRef", "TotalAmt", "TxnDate"] {
                if draft.sparse && !draft.object.contains_key(member) {
                    draft.keep(member);
                }
            }
        }
        let payer =
            draft.object.reference("CustomerRef").ok_or_else(|| Fault::missing("CustomerRef"))?.to_owned();
        let total = draft.object.amount("TotalAmt").ok_or_else(|| Fault::missing("TotalAmt"))?;
        if total < Decimal::ZERO {
            return Err(Fault::business("Transaction amount must be 0 or greater"));
        }
        let name = self.refer(Kind::Customer, &payer)?.text("DisplayName").unwrap_or_default().to_owned();
        draft.set("CustomerRef", json!({ "value": payer, "name": name }));
        draft.default("TxnDate", draft.today.to_string());
        self.refuse_if_closed(&draft.object)?;
        self.settle_currency_of_sale(&mut draft)?;
        self.settle_payment_references(&mut draft)?;
        self.settle_payment_lines(&mut draft, &payer, total)?;
        draft.default("ProcessPayment", false);
        draft.object.remove("CreditCardPayment");
        Ok(draft.object)
    }

    fn settle_payment_references(&self, draft: &mut Draft<'_>) -> Result<(), Fault> {
        if !draft.object.contains_key("DepositToAccountRef")
            && let Some(account) = self.undeposited_funds()
        {
            draft.set("DepositToAccountRef", json!({ "value": account }));
        }
        if draft.says("DepositToAccountRef") || draft.previous.is_none() {
            self.settle_account_reference(draft, "DepositToAccountRef", &["Bank", "Other Current Asset"])?;
        }
        if draft.says("PaymentMethodRef") {
            self.settle_reference(&mut draft.object, "PaymentMethodRef", Kind::PaymentMethod)?;
        }
        if draft.says("ARAccountRef") {
            self.settle_account_reference(draft, "ARAccountRef", &["Accounts Receivable"])?;
        }
        Ok(())
    }

    fn undeposited_funds(&self) -> Option<String> {
        let mut accounts = self.objects(Kind::Account);
        let account = accounts.find(|account| account.text("AccountSubType") == Some("UndepositedFunds"))?;
        account.text("Id").map(str::to_owned)
    }

    /// Lines come all or none; without any the payment is unapplied.
    fn settle_payment_lines(&self, draft: &mut Draft<'_>, payer: &str, total: Decimal) -> Result<(), Fault> {
        let before = draft.previous.map(applications).unwrap_or_default();
        let mut open: BTreeMap<String, Decimal> = BTreeMap::new();
        let mut lines: Vec<Value> = Vec::new();
        let mut applied = Decimal::ZERO;
        for line in draft.object.list("Line") {
            let (id, amount) = read_line(line)?;
            let left = match open.get(&id) {
                Some(left) => *left,
                None => self.payable(&id, payer, draft)? + before.get(&id).copied().unwrap_or_default(),
            };
            if amount > left {
                let text =
                    format!("The amount {amount} is greater than the open balance {left} of invoice {id}");
                return Err(Fault::business(&text));
            }
            open.insert(id.clone(), left - amount);
            applied += amount;
            if !amount.is_zero() {
                lines.push(self.payment_line(&id, amount, left));
            }
        }
        if applied > total {
            return Err(Fault::business("You can't apply more than the amount received"));
        }
        if draft.previous.is_some() && !draft.says("Line") && draft.sparse {
            draft.keep("Line");
        } else {
            draft.set("Line", lines);
        }
        draft.set("UnappliedAmt", wire::money(total - applied));
        Ok(())
    }

    /// The open balance of an invoice that the payer may pay.
    fn payable(&self, invoice: &str, payer: &str, draft: &Draft<'_>) -> Result<Decimal, Fault> {
        let missing = || Fault::no_such_reference("Transactions", invoice);
        let invoice = self.store.get(Kind::Invoice, invoice).ok_or_else(missing)?;
        let customer = invoice.reference("CustomerRef").unwrap_or_default();
        if customer != payer && !self.bills_with(customer, payer) {
            return Err(Fault::business("The invoice belongs to another customer than the payment"));
        }
        if is_voided(invoice) {
            return Err(Fault::cannot_be_linked("the invoice is voided"));
        }
        if invoice.reference("CurrencyRef") != draft.object.reference("CurrencyRef") {
            return Err(Fault::business("The invoice has another currency than the payment"));
        }
        Ok(invoice.amount_or_zero("Balance"))
    }

    /// Whether a customer's invoices are billed to one above it.
    fn bills_with(&self, customer: &str, payer: &str) -> bool {
        let mut id = customer.to_owned();
        while let Some(object) =
            self.store.get(Kind::Customer, &id).filter(|object| object.flag("BillWithParent"))
        {
            match object.reference("ParentRef") {
                Some(parent) if parent == payer => return true,
                Some(parent) => id = parent.to_owned(),
                None => return false,
            }
        }
        false
    }

    /// A line as it is returned; `LineEx` tells the invoice's open balance before this payment.
    pub(crate) fn payment_line(&self, invoice: &str, amount: Decimal, open: Decimal) -> Value {
        let number = self.store.get(Kind::Invoice, invoice).and_then(|invoice| invoice.text("DocNumber"));
        let mut pairs = vec![("txnId", invoice.to_owned()), ("txnOpenBalance", format!("{open:.2}"))];
        pairs.extend(number.map(|number| ("txnReferenceNumber", number.to_owned())));
        let any: Vec<Value> = pairs.into_iter().map(|(name, value)| name_value(name, &value)).collect();
        json!({
            "Amount": wire::money(amount),
            "LineEx": { "any": any },
            "LinkedTxn": [{ "TxnId": invoice, "TxnType": "Invoice" }],
        })
    }

    pub(crate) fn refuse_if_deposited(&self, payment: &Object) -> Result<(), Fault> {
        let deposited = payment.text("Id").is_some_and(|id| self.deposited.contains(id));
        if deposited { Err(Fault::deposited()) } else { Ok(()) }
    }

    /// Voids a payment: nothing received, nothing applied; the invoices are open again.
    pub(crate) fn void_payment(
        &mut self,
        id: &str,
        mut payment: Object,
        now: Timestamp,
    ) -> Result<(), Fault> {
        self.refuse_if_deposited(&payment)?;
        for member in ["TotalAmt", "UnappliedAmt"] {
            payment.insert(member.to_owned(), wire::money(Decimal::ZERO));
        }
        payment.insert("Line".to_owned(), json!([]));
        payment.insert("PrivateNote".to_owned(), voided_note(&payment));
        self.record_payment(id, payment, Touch::Revise, now);
        Ok(())
    }

    /// Deletes a payment; the invoices are open again.
    pub(crate) fn delete_payment(&mut self, id: &str, now: Timestamp) -> Result<(), Fault> {
        if let Some(payment) = self.store.get(Kind::Payment, id) {
            self.refuse_if_deposited(payment)?;
        }
        self.erase(Kind::Payment, id, now);
        Ok(())
    }
}

/// The invoice of a line and what it gets.
fn read_line(line: &Value) -> Result<(String, Decimal), Fault> {
    let amount = line.amount("Amount").ok_or_else(|| Fault::missing("Line.Amount"))?;
    if amount < Decimal::ZERO {
        return Err(Fault::negative_amount("Line.Amount"));
    }
    let [link] = line.list("LinkedTxn") else { return Err(Fault::missing("Line.LinkedTxn")) };
    let id = link.text("TxnId").ok_or_else(|| Fault::missing("Line.LinkedTxn.TxnId"))?;
    match link.text("TxnType") {
        Some("Invoice") => Ok((id.to_owned(), amount)),
        // This company has no other transactions that a payment could be linked to.
        Some("CreditMemo" | "JournalEntry" | "Expense" | "Check" | "CreditCardCredit") => {
            Err(Fault::no_such_reference("Transactions", id))
        }
        Some(other) => Err(Fault::invalid_enumeration("Line.LinkedTxn.TxnType", other)),
        None => Err(Fault::missing("Line.LinkedTxn.TxnType")),
    }
}

fn name_value(name: &str, value: &str) -> Value {
    json!({
        "name": "{http://schema.intuit.com/finance/v3}NameValue",
        "declaredType": "com.intuit.schema.finance.v3.NameValue",
        "scope": "javax.xml.bind.JAXBElement$GlobalScope",
        "value": { "Name": name, "Value": value },
        "nil": false,
        "globalScope": true,
        "typeSubstituted": false,
    })
}
