//! Invoices.

mod lines;
mod numbers;

use jiff::{Timestamp, civil::Date};
pub(crate) use lines::Sale;
use lines::line_ids;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{
    Company,
    answer::Reply,
    faults::Fault,
    kinds::Kind,
    store::Touch,
    taxes::Model,
    wire::{self, Members, Object},
    writes::{Draft, voided_note},
};

/// Members that make QuickBooks work the tax out again.
const TAX_RELEVANT: [&str; 9] = [
    "Line",
    "TxnTaxDetail",
    "ApplyTaxAfterDiscount",
    "GlobalTaxCalculation",
    "CustomerRef",
    "BillAddr",
    "ShipAddr",
    "ShipFromAddr",
    "TxnDate",
];

impl Company {
    pub(crate) fn settle_invoice(&self, mut draft: Draft<'_>) -> Result<Object, Fault> {
        if draft.object.list("Line").is_empty() {
            return Err(Fault::missing("Line"));
        }
        self.settle_customer_of_sale(&mut draft)?;
        self.settle_dates(&mut draft)?;
        self.settle_references(&mut draft)?;
        self.settle_currency_of_sale(&mut draft)?;
        self.settle_number(&mut draft)?;
        self.settle_addresses(&mut draft);
        self.settle_custom_fields(&mut draft)?;
        self.settle_delivery(&mut draft)?;
        self.settle_amounts(draft)
    }

    /// The customer, who must be active and, once money was applied, the same as before.
    fn settle_customer_of_sale(&self, draft: &mut Draft<'_>) -> Result<(), Fault> {
        let id =
            draft.object.reference("CustomerRef").ok_or_else(|| Fault::missing("CustomerRef"))?.to_owned();
        let customer = self.refer(Kind::Customer, &id)?;
        let name = customer.text("DisplayName").unwrap_or_default().to_owned();
        if let Some(previous) = draft.previous
            && previous.reference("CustomerRef") != Some(&id)
            && !previous.list("LinkedTxn").is_empty()
        {
            return Err(Fault::business("The customer of an invoice with payments cannot be changed"));
        }
        draft.set("CustomerRef", json!({ "value": id, "name": name }));
        Ok(())
    }

    fn settle_dates(&self, draft: &mut Draft<'_>) -> Result<(), Fault> {
        if draft.previous.is_some() && !draft.object.contains_key("TxnDate") {
            draft.keep("TxnDate");
        }
        draft.default("TxnDate", draft.today.to_string());
        self.refuse_if_closed(&draft.object)?;
        if let Some(previous) = draft.previous {
            self.refuse_if_closed(previous)?;
        } else if !draft.object.contains_key("SalesTermRef") {
            let customer =
                draft.object.reference("CustomerRef").and_then(|id| self.store.get(Kind::Customer, id));
            if let Some(term) = customer.and_then(|customer| customer.get("SalesTermRef")) {
                draft.set("SalesTermRef", term.clone());
            }
        }
        self.settle_reference(&mut draft.object, "SalesTermRef", Kind::Term)?;
        if !draft.object.contains_key("DueDate") {
            let due = self.due_date(draft);
            draft.set("DueDate", due);
        }
        Ok(())
    }

    /// By the invoice's term, else the company's.
    fn due_date(&self, draft: &Draft<'_>) -> String {
        let start = draft.object.text("TxnDate").unwrap_or_default();
        let default = self.preference("SalesFormsPrefs").and_then(|prefs| prefs.reference("DefaultTerms"));
        let term =
            draft.object.reference("SalesTermRef").or(default).and_then(|id| self.store.get(Kind::Term, id));
        let (Some(term), Ok(date)) = (term, start.parse::<Date>()) else { return start.to_owned() };
        due_by(term, date).unwrap_or(date).to_string()
    }

    fn settle_references(&self, draft: &mut Draft<'_>) -> Result<(), Fault> {
        self.settle_reference(&mut draft.object, "PaymentMethodRef", Kind::PaymentMethod)?;
        self.settle_reference(&mut draft.object, "DepositToAccountRef", Kind::Account)?;
        if draft.says("ClassRef") {
            self.settle_label(&mut draft.object, "ClassRef", Kind::Class, "ClassTrackingPerTxn")?;
        }
        if draft.says("DepartmentRef") {
            self.settle_label(&mut draft.object, "DepartmentRef", Kind::Department, "TrackDepartments")?;
        }
        let foreign = |link: &&Value| link.text("TxnType") != Some("Payment");
        if let Some(link) = draft.sent.list("LinkedTxn").iter().find(foreign) {
            return Err(Fault::no_such_reference("Transactions", link.text("TxnId").unwrap_or_default()));
        }
        draft.keep("LinkedTxn");
        draft.default("LinkedTxn", json!([]));
        Ok(())
    }

    /// A class or a location, of a company that tracks them so.
    pub(super) fn settle_label(
        &self,
        object: &mut Object,
        member: &str,
        kind: Kind,
        setting: &str,
    ) -> Result<(), Fault> {
        self.settle_reference(object, member, kind)?;
        let on = self.preference("AccountingInfoPrefs").is_some_and(|prefs| prefs.flag(setting));
        if object.contains_key(member) && !on {
            return Err(Fault::business(&format!("{setting} is turned off in the company's settings")));
        }
        Ok(())
    }

    /// The customer's currency; a foreign one needs a rate.
    pub(crate) fn settle_currency_of_sale(&self, draft: &mut Draft<'_>) -> Result<(), Fault> {
        let customer =
            draft.object.reference("CustomerRef").and_then(|id| self.store.get(Kind::Customer, id));
        let theirs = customer.and_then(|customer| customer.reference("CurrencyRef"));
        let currency = theirs.unwrap_or(self.home_currency()).to_owned();
        if draft.object.reference("CurrencyRef").is_some_and(|given| given != currency) {
            return Err(Fault::business("The currency of the transaction must be the customer's currency"));
        }
        draft.set("CurrencyRef", super::settings::currency_reference(&currency));
        if !self.is_multicurrency() {
            draft.object.remove("ExchangeRate");
            return Ok(());
        }
        if currency == self.home_currency() {
            draft.set("ExchangeRate", wire::quantity(Decimal::ONE));
            return Ok(());
        }
        if !draft.object.contains_key("ExchangeRate") {
            draft.keep("ExchangeRate");
        }
        match draft.object.amount("ExchangeRate") {
            Some(rate) if rate > Decimal::ZERO => Ok(()),
            Some(rate) => Err(Fault::out_of_range("ExchangeRate", &rate.to_string())),
            None if self.switches.exchange_rate_defaults_to_one => {
                draft.set("ExchangeRate", wire::quantity(Decimal::ONE));
                Ok(())
            }
            None => Err(Fault::missing("ExchangeRate")),
        }
    }

    /// Addresses come from the customer unless they are given; a sparse update leaves them alone.
    fn settle_addresses(&self, draft: &mut Draft<'_>) {
        if draft.sparse && draft.previous.is_some() {
            return;
        }
        let customer =
            draft.object.reference("CustomerRef").and_then(|id| self.store.get(Kind::Customer, id));
        for member in ["BillAddr", "ShipAddr"] {
            if let Some(address) = customer.and_then(|customer| customer.get(member)) {
                draft.default(member, address.clone());
            }
        }
    }

    /// Every custom field of the company, with the values given.
    fn settle_custom_fields(&self, draft: &mut Draft<'_>) -> Result<(), Fault> {
        let names = self.custom_fields();
        let given = draft.object.list("CustomField");
        let id_of = |field: &Value| field.text("DefinitionId").unwrap_or_default().to_owned();
        if let Some(unknown) = given.iter().map(id_of).find(|id| !names.iter().any(|(known, _)| known == id))
        {
            return Err(Fault::invalid_custom_field(&unknown));
        }
        let fields = names.iter().map(|(id, name)| {
            let mut field = json!({ "DefinitionId": id, "Name": name, "Type": "StringType" });
            let value =
                given.iter().find(|field| &id_of(field) == id).and_then(|field| field.get("StringValue"));
            if let Some(value) = value {
                field["StringValue"] = value.clone();
            }
            field
        });
        let fields: Vec<Value> = fields.collect();
        draft.set("CustomField", fields);
        Ok(())
    }

    fn settle_delivery(&self, draft: &mut Draft<'_>) -> Result<(), Fault> {
        draft.default("PrintStatus", "NeedToPrint");
        draft.default("EmailStatus", "NotSet");
        if draft.object.text("EmailStatus") == Some("NeedToSend") && !draft.object.contains_key("BillEmail") {
            return Err(Fault::email_required("BillEmail"));
        }
        let online =
            self.preference("SalesFormsPrefs").is_some_and(|prefs| prefs.flag("ETransactionPaymentEnabled"));
        for member in ["AllowOnlineCreditCardPayment", "AllowOnlineACHPayment"] {
            draft.default(member, false);
            if !online {
                draft.set(member, false);
            }
        }
        for member in ["AllowIPNPayment", "AllowOnlinePayment"] {
            draft.set(member, false);
        }
        Ok(())
    }

    /// Lines, tax, total and balance.
    fn settle_amounts(&self, mut draft: Draft<'_>) -> Result<Object, Fault> {
        let model = self.tax_model();
        if model == Model::Global {
            draft.object.remove("ApplyTaxAfterDiscount");
        } else {
            draft.object.remove("GlobalTaxCalculation");
            draft.default("ApplyTaxAfterDiscount", false);
        }
        let mut sale = self.sale(&draft)?;
        if draft.previous.is_none() || !draft.sparse || TAX_RELEVANT.iter().any(|member| draft.says(member)) {
            match self.tax(&draft, &mut sale)? {
                Some(tax) => draft.set("TxnTaxDetail", tax.detail()),
                None => drop(draft.object.remove("TxnTaxDetail")),
            }
            sale.settle_discount();
        }
        if model == Model::Automated {
            self.settle_tax_read_outs(&mut draft);
        }
        let tax = draft
            .object
            .get("TxnTaxDetail")
            .map_or(Decimal::ZERO, |detail| detail.amount_or_zero("TotalTax"));
        let total = sale.total_before_tax() + tax;
        let last_id = draft.previous.map(line_ids).unwrap_or_default().into_iter().max().unwrap_or(0);
        draft.set("Line", sale.into_lines(last_id));
        draft.set("TotalAmt", wire::money(total));
        let deposit = draft.object.amount_or_zero("Deposit");
        if total < Decimal::ZERO {
            return Err(Fault::business("Transaction amount must be 0 or greater"));
        }
        if deposit < Decimal::ZERO || deposit > total {
            return Err(Fault::business("The deposit must be between 0 and the total"));
        }
        if deposit.is_zero() {
            drop(draft.object.remove("Deposit"))
        } else {
            self.require("AllowDeposit", "Deposit")?
        }
        let applied = draft.previous.map_or(Decimal::ZERO, |previous| self.applied_to(previous));
        let mut object = draft.object;
        self.set_balance(&mut object, (total - deposit - applied).max(Decimal::ZERO));
        Ok(object)
    }

    /// Writes the balance, and in a multicurrency company the amounts in the home currency.
    pub(crate) fn set_balance(&self, invoice: &mut Object, balance: Decimal) {
        invoice.insert("Balance".to_owned(), wire::money(balance));
        if !self.is_multicurrency() {
            return;
        }
        let rate = invoice.amount("ExchangeRate").unwrap_or(Decimal::ONE);
        let total = invoice.amount_or_zero("TotalAmt");
        invoice.insert("HomeTotalAmt".to_owned(), wire::money(total * rate));
        invoice.insert("HomeBalance".to_owned(), wire::money(balance * rate));
    }

    /// Voids an invoice: amounts become zero, payments unapplied, the object stays.
    pub(crate) fn void_invoice(&mut self, id: &str, mut invoice: Object, now: Timestamp) {
        self.unlink_payments(id, now);
        if let Some(lines) = invoice.get_mut("Line").and_then(Value::as_array_mut) {
            lines.iter_mut().for_each(void_line);
        }
        invoice.remove("Deposit");
        invoice.insert("TotalAmt".to_owned(), wire::money(Decimal::ZERO));
        if invoice.contains_key("TxnTaxDetail") {
            invoice.insert("TxnTaxDetail".to_owned(), json!({ "TotalTax": wire::money(Decimal::ZERO) }));
        }
        invoice.insert("LinkedTxn".to_owned(), json!([]));
        invoice.insert("PrivateNote".to_owned(), voided_note(&invoice));
        self.set_balance(&mut invoice, Decimal::ZERO);
        self.record_invoice(id, invoice, now);
    }

    /// Deletes an invoice; its payments become unapplied.
    pub(crate) fn delete_invoice(&mut self, id: &str, now: Timestamp) -> Result<(), Fault> {
        let paid =
            self.store.get(Kind::Invoice, id).is_some_and(|invoice| !invoice.list("LinkedTxn").is_empty());
        if paid && !self.switches.delete_paid_invoices {
            return Err(Fault::business(
                "You must unlink the transactions linked to the invoice before deleting it",
            ));
        }
        self.unlink_payments(id, now);
        self.erase(Kind::Invoice, id, now);
        Ok(())
    }

    /// `POST invoice/{id}/send`.
    pub(crate) fn send_invoice(
        &mut self,
        id: &str,
        to: Option<&str>,
        now: Timestamp,
    ) -> Result<Reply, Fault> {
        if self.switches.subscription_ended {
            return Err(Fault::subscription_ended());
        }
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Fault::invalid_id(id));
        }
        let mut invoice = self.store.get(Kind::Invoice, id).ok_or_else(Fault::not_found)?.clone();
        if let Some(to) = to {
            let email = json!({ "BillEmail": { "Address": to } });
            invoice.extend(super::clean::object(Kind::Invoice.class(), email, &self.switches)?);
        }
        if !invoice.get("BillEmail").is_some_and(Value::is_object) {
            return Err(Fault::email_required("BillEmail"));
        }
        invoice.insert("EmailStatus".to_owned(), "EmailSent".into());
        let delivery = json!({ "DeliveryType": "Email", "DeliveryTime": wire::moment(now) });
        invoice.insert("DeliveryInfo".to_owned(), delivery);
        self.store.replace(Kind::Invoice, id, invoice, Touch::Revise, now);
        self.changed(Kind::Invoice, id, "Emailed", now);
        let row = self.store.row(Kind::Invoice, id).ok_or_else(Fault::not_found)?;
        Ok(Reply::of("Invoice", row.value.clone()))
    }
}

fn void_line(line: &mut Value) {
    line["Amount"] = wire::money(Decimal::ZERO);
    if let Some(detail) = line.get_mut("SalesItemLineDetail").and_then(Value::as_object_mut) {
        detail.remove("UnitPrice");
        detail.remove("TaxInclusiveAmt");
        if detail.contains_key("Qty") {
            detail.insert("Qty".to_owned(), wire::quantity(Decimal::ZERO));
        }
    }
    let inner = line.get_mut("GroupLineDetail").and_then(|detail| detail.get_mut("Line"));
    inner.and_then(Value::as_array_mut).into_iter().flatten().for_each(void_line);
}

/// Days after the date, or a day of the month that follows the date closely enough.
fn due_by(term: &Object, date: Date) -> Option<Date> {
    use jiff::ToSpan;
    let days = |member: &str| term.amount(member).and_then(|days| i64::try_from(days).ok());
    if let Some(days) = days("DueDays") {
        return date.checked_add(days.days()).ok();
    }
    let day = i8::try_from(days("DayOfMonthDue")?).ok()?;
    let in_month = |month: Date| month.with().day(day.min(month.days_in_month())).build().ok();
    let due = in_month(date)?;
    let margin = days("DueNextMonthDays").unwrap_or(0);
    if due < date.checked_add(margin.days()).ok()? {
        return in_month(date.first_of_month().checked_add(1.month()).ok()?);
    }
    Some(due)
}
