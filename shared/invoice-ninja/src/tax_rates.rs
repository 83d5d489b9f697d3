//! Taxes that a person can choose from (Invoice Ninja API: tax rates). Invoices carry their taxes by name and rate;
//! the app is made to know them all the same, so that people see and choose them (R47).

use std::sync::PoisonError;

use reqwest::Method;
use rust_decimal::Decimal;
use sync::model::Record;
use sync::ports::BillingError;

use crate::answer::Effect;
use crate::client::Client;
use crate::json::{Loose, Object, number};
use crate::mapping;

impl Client {
    /// Makes the taxes of a record that the app does not know. A lost answer makes a second one at worst, which
    /// changes no amount.
    pub(crate) async fn know_taxes(&self, record: &Record) -> Result<(), BillingError> {
        let wanted = mapping::taxes(record);
        if wanted.is_empty() {
            return Ok(());
        }
        let mut known = self.known_taxes().await?;
        for tax in wanted {
            if known.iter().any(|(name, rate)| name.starts_with(&tax.name) && *rate == tax.rate) {
                continue;
            }
            // A name stands for one rate in the app.
            let is_taken = known.iter().any(|(name, _)| name.eq_ignore_ascii_case(&tax.name));
            let name = if is_taken { format!("{} {}%", tax.name, tax.rate.normalize()) } else { tax.name };
            let body = Object::from_iter([
                ("name".to_owned(), name.as_str().into()),
                ("rate".to_owned(), number(tax.rate)),
            ]);
            self.call("tax_rates", self.request(Method::POST, "tax_rates").json(&body), Effect::Writes)
                .await?;
            known.push((name, tax.rate));
            *self.taxes.lock().unwrap_or_else(PoisonError::into_inner) = Some(known.clone());
        }
        Ok(())
    }

    async fn known_taxes(&self) -> Result<Vec<(String, Decimal)>, BillingError> {
        let known = self.taxes.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known {
            return Ok(known);
        }
        let parameters = [("status", "active,archived".to_owned()), ("sort", "id|asc".to_owned())];
        let rows = self.all("tax_rates", &parameters, |row| !row.flag("is_deleted")).await?;
        let known: Vec<(String, Decimal)> =
            rows.iter().filter_map(|row| Some((row.text("name"), row.amount("rate").ok()?))).collect();
        *self.taxes.lock().unwrap_or_else(PoisonError::into_inner) = Some(known.clone());
        Ok(known)
    }
}
