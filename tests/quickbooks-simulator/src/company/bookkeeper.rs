//! What a bookkeeper does in QuickBooks itself and the API does not offer. What the API offers (edits, deactivation,
//! voids), a test does with a request.

use jiff::{Timestamp, civil::Date};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{
    Change, Company,
    kinds::Kind,
    store::Touch,
    taxes::TaxArea,
    wire::{Members, Object},
};

/// Why QuickBooks would not let the bookkeeper do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

/// Where a class stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClassPlace {
    /// On the whole form.
    Form,
    /// On each line.
    Line,
}

impl Company {
    /// Merges customer `loser` into `winner`: its transactions and sub-customers move over, and it is gone. A `Merge`
    /// change follows.
    ///
    /// # Errors
    /// If either does not exist, or they are the same, or `winner` is below `loser`.
    pub fn merge_customers(&mut self, winner: &str, loser: &str, now: Timestamp) -> Result<(), Refused> {
        let old = self.customer_to_merge(loser)?.clone();
        self.customer_to_merge(winner)?;
        if self.ancestors(Kind::Customer, winner).iter().any(|id| id == loser) {
            return Err(Refused(format!("customer {winner} is, or is below, customer {loser}")));
        }
        let name = self.customer_to_merge(winner)?.get("DisplayName").cloned();
        let winner_ref = json!({ "value": winner, "name": name });
        for kind in [Kind::Invoice, Kind::Payment] {
            for id in self.transactions_of(kind, loser) {
                self.set_reference(kind, &id, "CustomerRef", &winner_ref, now);
            }
        }
        let own = old.amount_or_zero("Balance");
        self.add_to_balance(loser, -own, now);
        self.add_to_balance(winner, own, now);
        self.adopt_children(winner, loser, now);
        self.store.delete(Kind::Customer, loser, now);
        self.changes.push(Change {
            entity: Kind::Customer.name().to_owned(),
            id: winner.to_owned(),
            operation: "Merge".to_owned(),
            deleted_id: Some(loser.to_owned()),
            at: now,
        });
        Ok(())
    }

    fn customer_to_merge(&self, id: &str) -> Result<&Object, Refused> {
        self.store.get(Kind::Customer, id).ok_or_else(|| Refused(format!("no customer {id}")))
    }

    fn adopt_children(&mut self, winner: &str, loser: &str, now: Timestamp) {
        let children: Vec<u64> =
            self.store.table(Kind::Customer).map(|table| table.children(loser).collect()).unwrap_or_default();
        for child in children {
            let id = child.to_string();
            let Some(previous) = self.store.get(Kind::Customer, &id).cloned() else { continue };
            let mut object = previous.clone();
            object.insert("ParentRef".to_owned(), json!({ "value": winner }));
            self.record_customer(&id, object, &previous, now);
        }
        self.respell_below(Kind::Customer, winner, now);
    }

    fn set_reference(&mut self, kind: Kind, id: &str, member: &str, reference: &Value, now: Timestamp) {
        if let Some(mut object) = self.store.get(kind, id).cloned() {
            object.insert(member.to_owned(), reference.clone());
            self.store.replace(kind, id, object, Touch::Revise, now);
            self.changed(kind, id, "Update", now);
        }
    }

    /// Puts a payment on a bank deposit; from then on it cannot be changed (6540).
    ///
    /// # Errors
    /// If there is no such payment.
    pub fn deposit_payment(&mut self, payment: &str) -> Result<(), Refused> {
        if self.store.get(Kind::Payment, payment).is_none() {
            return Err(Refused(format!("no payment {payment}")));
        }
        self.deposited.insert(payment.to_owned());
        Ok(())
    }

    /// Takes a payment off its bank deposit again.
    pub fn remove_from_deposit(&mut self, payment: &str) {
        self.deposited.remove(payment);
    }

    /// Matches an invoice or a payment to a line of the bank feed; from then on it cannot be deleted (6480).
    pub fn match_to_bank_feed(&mut self, transaction: &str) {
        self.matched.insert(transaction.to_owned());
    }

    /// Closes the books: nothing dated on or before `date` can be created, changed, voided or deleted (6210 with a
    /// password, else 6200). `None` opens them again.
    pub fn close_books(&mut self, date: Option<Date>, with_password: bool, now: Timestamp) {
        self.closed_with_password = with_password;
        let value = date.map_or(Value::Null, |date| date.to_string().into());
        self.set_preference("AccountingInfoPrefs", "BookCloseDate", value, now);
    }

    /// Tracks classes, on whole forms or on each of their lines; `None`: not at all.
    pub fn track_classes(&mut self, place: Option<ClassPlace>, now: Timestamp) {
        for (setting, on) in [
            ("ClassTrackingPerTxn", place == Some(ClassPlace::Form)),
            ("ClassTrackingPerTxnLine", place == Some(ClassPlace::Line)),
        ] {
            self.set_preference("AccountingInfoPrefs", setting, on.into(), now);
        }
    }

    /// Tracks locations, or does not.
    pub fn track_locations(&mut self, on: bool, now: Timestamp) {
        self.set_preference("AccountingInfoPrefs", "TrackDepartments", on.into(), now);
    }

    /// Sets "automatically apply credits": a new invoice is paid at once from unapplied payments.
    pub fn auto_apply_credit(&mut self, on: bool, now: Timestamp) {
        self.set_preference("SalesFormsPrefs", "AutoApplyCredit", on.into(), now);
    }

    /// Turns multicurrency on, which cannot be undone.
    pub fn enable_multicurrency(&mut self, now: Timestamp) {
        self.set_preference("CurrencyPrefs", "MultiCurrencyEnabled", true.into(), now);
    }

    /// Declares the sales tax of a place, for automated sales tax: a state, optionally the beginning of its ZIP codes,
    /// and the rates (name, percent) that apply there. The longest matching ZIP wins; elsewhere the tax is 0.
    pub fn add_tax_area(&mut self, state: &str, zip_prefix: &str, rates: &[(&str, Decimal)], now: Timestamp) {
        let agency = json!({ "DisplayName": format!("{state} tax authority"), "TaxTrackedOnSales": true });
        let known =
            self.store.holder(&super::names::key(Kind::TaxAgency, None, &format!("{state} tax authority")));
        let agency = match known {
            Some((_, id)) => id.to_string(),
            None => self.store.insert(Kind::TaxAgency, agency.as_object().cloned().unwrap_or_default(), now),
        };
        let details = rates.iter().map(|(name, percent)| {
            let rate = self.insert_tax_rate(name, *percent, &agency, now);
            json!({
                "TaxRateRef": { "value": rate, "name": name }, "TaxTypeApplicable": "TaxOnAmount", "TaxOrder": 0,
            })
        });
        let details: Vec<Value> = details.collect();
        let name = format!("{state} {zip_prefix}").trim().to_owned();
        let tax_code = self.insert_tax_code(&name, "SYSTEM_GENERATED", &details, &[], now);
        self.tax_areas.push(TaxArea { state: state.to_owned(), zip_prefix: zip_prefix.to_owned(), tax_code });
    }
}
