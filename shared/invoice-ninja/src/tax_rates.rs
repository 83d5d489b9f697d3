//! Taxes that a person can choose from (Invoice Ninja API: tax rates). Invoices carry their taxes by name and rate;
//! the app is made to know them all the same, so that people see and choose them (R47).

use reqwest::Method;
use rust_decimal::Decimal;
use sync::model::{Record, Tax};
use sync::ports::BillingError;

use crate::answer::Effect;
use crate::client::Client;
use crate::json::{Loose, Object, number};
use crate::mapping;

/// Taxes that the app knows, as name and rate.
pub(crate) type Known = Vec<(String, Decimal)>;

impl Client {
    /// Makes the taxes of a record that the app does not know. A lost answer makes a second one at worst, which
    /// changes no amount.
    pub(crate) async fn know_taxes(&self, record: &Record) -> Result<(), BillingError> {
        let wanted = mapping::taxes(record);
        if wanted.is_empty() {
            return Ok(());
        }
        // Held until they are made: records that are written side by side have the same ones.
        let mut held = self.taxes.lock().await;
        let mut known = match held.take() {
            Some(known) => known,
            None => self.taxes_there().await?,
        };
        for tax in wanted {
            if is_known(&known, &tax) {
                continue;
            }
            match self.make_tax(&known, &tax).await {
                Ok(name) => known.push((name, tax.rate)),
                Err(BillingError::Refused(why)) => {
                    // Somebody else may have made it since.
                    known = self.taxes_there().await?;
                    if !is_known(&known, &tax) {
                        return Err(BillingError::Refused(why));
                    }
                }
                Err(other) => return Err(other),
            }
        }
        *held = Some(known);
        Ok(())
    }

    /// Returns the name it got.
    async fn make_tax(&self, known: &Known, tax: &Tax) -> Result<String, BillingError> {
        // A name stands for one rate in the app.
        let is_taken = known.iter().any(|(name, _)| name.eq_ignore_ascii_case(&tax.name));
        let name =
            if is_taken { format!("{} {}%", tax.name, tax.rate.normalize()) } else { tax.name.clone() };
        let body = Object::from_iter([
            ("name".to_owned(), name.as_str().into()),
            ("rate".to_owned(), number(tax.rate)),
        ]);
        self.call("tax_rates", self.request(Method::POST, "tax_rates").json(&body), Effect::Writes).await?;
        Ok(name)
    }

    async fn taxes_there(&self) -> Result<Known, BillingError> {
        let parameters = [("status", "active,archived".to_owned()), ("sort", "id|asc".to_owned())];
        let rows = self.all("tax_rates", &parameters, |row| !row.flag("is_deleted")).await?;
        Ok(rows.iter().filter_map(|row| Some((row.text("name"), row.amount("rate").ok()?))).collect())
    }
}

fn is_known(known: &Known, tax: &Tax) -> bool {
    known.iter().any(|(name, rate)| name.starts_with(&tax.name) && *rate == tax.rate)
}
