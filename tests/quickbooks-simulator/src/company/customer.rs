//! Customers, and the vendors and employees that share their names.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::Value;

use super::{
    Company,
    faults::Fault,
    kinds::Kind,
    store::Touch,
    taxes::Model,
    wire::{self, Members, Object},
    writes::Draft,
};

const NAME_PARTS: [&str; 5] = ["Title", "GivenName", "MiddleName", "FamilyName", "Suffix"];

impl Company {
    pub(crate) fn settle_customer(&self, mut draft: Draft<'_>) -> Result<Object, Fault> {
        settle_person(&mut draft)?;
        draft.default("Active", true);
        draft.default("Job", false);
        draft.default("BillWithParent", false);
        draft.default("PreferredDeliveryMethod", "Print");
        draft.set("IsProject", false);
        if draft.object.flag("Job") != draft.object.contains_key("ParentRef") {
            return Err(Fault::parent_flag("Job"));
        }
        let no_address =
            draft.object.get("PrimaryEmailAddr").and_then(|email| email.text("Address")).is_none();
        if draft.object.text("PreferredDeliveryMethod") == Some("Email") && no_address {
            return Err(Fault::email_required("PrimaryEmailAddr"));
        }
        self.settle_customer_tax(&mut draft)?;
        self.settle_currency_of_list(&mut draft)?;
        settle_balance(&mut draft);
        self.refuse_to_drop_with_balance(&draft)?;
        for (member, kind) in [("SalesTermRef", Kind::Term), ("PaymentMethodRef", Kind::PaymentMethod)] {
            self.settle_reference(&mut draft.object, member, kind)?;
        }
        for member in ["PrimaryTaxIdentifier", "SecondaryTaxIdentifier"] {
            mask(&mut draft, member);
        }
        let previous = draft.previous;
        let mut object = draft.object;
        object.remove("OpenBalanceDate");
        self.settle_name(Kind::Customer, &mut object, previous)?;
        self.settle_place(Kind::Customer, &mut object)?;
        Ok(object)
    }

    fn settle_customer_tax(&self, draft: &mut Draft<'_>) -> Result<(), Fault> {
        let model = self.tax_model();
        draft.default("Taxable", model != Model::None);
        if draft.object.contains_key("TaxExemptionReasonId") {
            draft.set("Taxable", false);
        }
        match model {
            Model::Manual if draft.object.flag("Taxable") => {
                if let Some(code) = self.default_tax_code() {
                    draft.default("DefaultTaxCodeRef", serde_json::json!({ "value": code }));
                }
            }
            Model::Automated => draft.keep("DefaultTaxCodeRef"),
            _ => {}
        }
        if let Some(code) = draft.object.reference("DefaultTaxCodeRef") {
            self.refer(Kind::TaxCode, code)?;
        }
        Ok(())
    }

    /// The currency is chosen at creation and never changes.
    pub(crate) fn settle_currency_of_list(&self, draft: &mut Draft<'_>) -> Result<(), Fault> {
        let given = draft.object.reference("CurrencyRef").map(str::to_owned);
        let existing = draft.previous.and_then(|previous| previous.reference("CurrencyRef"));
        let currency = match (given, existing) {
            (Some(given), Some(existing)) if given != existing => {
                return Err(Fault::business(
                    "The currency of a customer, vendor or account cannot be changed",
                ));
            }
            (_, Some(existing)) => existing.to_owned(),
            (Some(given), None) => self.usable_currency(&given)?,
            (None, None) => self.home_currency().to_owned(),
        };
        draft.set("CurrencyRef", super::settings::currency_reference(&currency));
        Ok(())
    }

    fn refuse_to_drop_with_balance(&self, draft: &Draft<'_>) -> Result<(), Fault> {
        let was_active = draft.previous.is_some_and(|previous| previous.flag("Active"));
        let owes = !draft.object.amount_or_zero("BalanceWithJobs").is_zero();
        if was_active && !draft.object.flag("Active") && owes && !self.switches.deactivate_with_balance {
            return Err(Fault::has_balance());
        }
        Ok(())
    }

    /// Stores a customer's new state; a new parent takes the balance over from the old one.
    pub(crate) fn record_customer(&mut self, id: &str, object: Object, previous: &Object, now: Timestamp) {
        let moved = object.reference("ParentRef") != previous.reference("ParentRef");
        let renamed = object.text("DisplayName") != previous.text("DisplayName");
        let balance = object.amount_or_zero("BalanceWithJobs");
        let old_parent = previous.reference("ParentRef").map(str::to_owned);
        let new_parent = object.reference("ParentRef").map(str::to_owned);
        self.store.replace(Kind::Customer, id, object, Touch::Revise, now);
        if moved {
            for (parent, amount) in [(old_parent, -balance), (new_parent, balance)] {
                if let Some(parent) = parent {
                    self.add_to_balance_with_jobs(&parent, amount, now);
                }
            }
        }
        if renamed {
            self.respell_customer_in_transactions(id, now);
        }
    }

    /// Adds to what a customer owes, and to the sums of everybody above it.
    pub(crate) fn add_to_balance(&mut self, id: &str, amount: Decimal, now: Timestamp) {
        let Some(mut customer) = self.store.get(Kind::Customer, id).cloned() else { return };
        let balance = customer.amount_or_zero("Balance") + amount;
        customer.insert("Balance".to_owned(), wire::money(balance));
        self.store.replace(Kind::Customer, id, customer, Touch::Time, now);
        self.add_to_balance_with_jobs(id, amount, now);
    }

    fn add_to_balance_with_jobs(&mut self, id: &str, amount: Decimal, now: Timestamp) {
        for id in self.ancestors(Kind::Customer, id) {
            let Some(mut customer) = self.store.get(Kind::Customer, &id).cloned() else { continue };
            let balance = customer.amount_or_zero("BalanceWithJobs") + amount;
            customer.insert("BalanceWithJobs".to_owned(), wire::money(balance));
            self.store.replace(Kind::Customer, &id, customer, Touch::Time, now);
        }
    }

    /// Writes a customer's present name into the references to it; no transaction counts as changed.
    pub(crate) fn respell_customer_in_transactions(&mut self, customer: &str, now: Timestamp) {
        let Some(name) = self.store.get(Kind::Customer, customer).and_then(|c| c.get("DisplayName").cloned())
        else {
            return;
        };
        for kind in [Kind::Invoice, Kind::Payment] {
            for id in self.transactions_of(kind, customer) {
                let Some(mut object) = self.store.get(kind, &id).cloned() else { continue };
                object
                    .insert("CustomerRef".to_owned(), serde_json::json!({ "value": customer, "name": name }));
                self.store.replace(kind, &id, object, Touch::Nothing, now);
            }
        }
    }

    /// The ids of a customer's own transactions.
    pub(crate) fn transactions_of(&self, kind: Kind, customer: &str) -> Vec<String> {
        let table = self.store.table(kind);
        table
            .map(|table| table.ids_by_customer(customer).map(|id| id.to_string()).collect())
            .unwrap_or_default()
    }

    pub(crate) fn settle_vendor(&self, mut draft: Draft<'_>) -> Result<Object, Fault> {
        settle_person(&mut draft)?;
        draft.default("Active", true);
        draft.default("Vendor1099", false);
        draft.set("Balance", wire::money(Decimal::ZERO));
        self.settle_currency_of_list(&mut draft)?;
        self.settle_reference(&mut draft.object, "TermRef", Kind::Term)?;
        let mut object = draft.object;
        self.settle_name(Kind::Vendor, &mut object, draft.previous)?;
        Ok(object)
    }

    pub(crate) fn settle_employee(&self, mut draft: Draft<'_>) -> Result<Object, Fault> {
        settle_person(&mut draft)?;
        draft.default("Active", true);
        draft.default("BillableTime", false);
        let mut object = draft.object;
        self.settle_name(Kind::Employee, &mut object, draft.previous)?;
        Ok(object)
    }
}

/// DisplayName and PrintOnCheckName, which a sparse update cannot remove.
fn settle_person(draft: &mut Draft<'_>) -> Result<(), Fault> {
    if draft.sparse {
        for member in ["DisplayName", "PrintOnCheckName"] {
            if !draft.object.contains_key(member) {
                draft.keep(member);
            }
        }
    }
    if !draft.object.contains_key("DisplayName") {
        let parts: Vec<&str> = NAME_PARTS.iter().filter_map(|part| draft.object.text(part)).collect();
        if parts.is_empty() {
            return Err(Fault::no_name());
        }
        draft.set("DisplayName", parts.join(" "));
    }
    let name: String = draft.object.text("DisplayName").unwrap_or_default().chars().take(110).collect();
    draft.default("PrintOnCheckName", name);
    Ok(())
}

fn settle_balance(draft: &mut Draft<'_>) {
    for member in ["Balance", "BalanceWithJobs"] {
        draft.keep(member);
        draft.default(member, wire::money(Decimal::ZERO));
    }
}

/// A tax identifier is shown with its last five characters only.
fn mask(draft: &mut Draft<'_>, member: &str) {
    let Some(text) = draft.object.text(member) else { return };
    let hidden = text.chars().count().saturating_sub(5);
    let masked: String = text.chars().enumerate().map(|(at, c)| if at < hidden { 'X' } else { c }).collect();
    draft.set(member, Value::String(masked));
}
