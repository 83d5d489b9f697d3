//! What a bookkeeper does in QuickBooks itself and the API does not offer. What the API offers (edits, deactivation,
//! voids), a test does with a request.

use jiff::{Timestamp, civil::Date};

use super::Company;

/// Why QuickBooks would not let the bookkeeper do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

impl Company {
    /// Merges customer `loser` into `winner`: its transactions move over, and it is gone. A `Merge` change follows.
    ///
    /// # Errors
    /// If either does not exist, or they are the same.
    pub fn merge_customers(&mut self, _winner: &str, _loser: &str, _now: Timestamp) -> Result<(), Refused> {
        Ok(())
    }

    /// Puts a payment on a bank deposit; from then on it cannot be changed (6540).
    ///
    /// # Errors
    /// If there is no such payment.
    pub fn deposit_payment(&mut self, _payment: &str) -> Result<(), Refused> {
        Ok(())
    }

    /// Takes a payment off its bank deposit again.
    pub fn remove_from_deposit(&mut self, _payment: &str) {}

    /// Matches a transaction to a line of the bank feed; from then on it cannot be deleted (6480).
    pub fn match_to_bank_feed(&mut self, _transaction: &str) {}

    /// Closes the books: nothing dated on or before `date` can be created, changed, voided or deleted (6210 with a
    /// password, else 6200). `None` opens them again.
    pub fn close_books(&mut self, _date: Option<Date>, _with_password: bool, _now: Timestamp) {}

    /// Sets "automatically apply credits": a new invoice is paid at once from unapplied payments.
    pub fn auto_apply_credit(&mut self, _on: bool, _now: Timestamp) {}

    /// Turns multicurrency on, which cannot be undone.
    pub fn enable_multicurrency(&mut self, _now: Timestamp) {}

    /// Declares the sales tax of a place, for automated sales tax: a state, optionally the beginning of its ZIP codes,
    /// and the rates (name, percent) that apply there. The longest matching ZIP wins; elsewhere the tax is 0.
    pub fn add_tax_area(
        &mut self,
        _state: &str,
        _zip_prefix: &str,
        _rates: &[(&str, rust_decimal::Decimal)],
        _now: Timestamp,
    ) {
    }
}
