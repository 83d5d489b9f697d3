//! Tax rates (Invoice Ninja API: tax rates). Invoices copy a rate's name and value; nothing refers to a rate's id.

use jiff::Timestamp;

use super::kinds::Kind;
use super::record::{Errors, Members, Record, blank, fill};
use super::refusal::{Refusal, unless, wrong};
use super::{Company, User};

impl Company {
    pub(crate) fn save_tax_rate(
        &mut self,
        id: Option<u64>,
        sent: &Record,
        user: &User,
        now: Timestamp,
    ) -> Result<u64, Refusal> {
        let before = id.and_then(|id| self.store.row(Kind::TaxRate, id)).cloned();
        let mut rate = before.unwrap_or_else(|| blank(Kind::TaxRate.fields()));
        let mut errors = Errors::new();
        fill(&mut rate, sent, Kind::TaxRate.fields(), "", &mut errors);
        if rate.text("name").is_empty() {
            wrong(&mut errors, "name", "The name field is required.");
        }
        if self.store.is_taken(Kind::TaxRate, "name", rate.text("name"), id) {
            wrong(&mut errors, "name", "The name has already been taken.");
        }
        if id.is_none() && !sent.contains_key("rate") {
            wrong(&mut errors, "rate", "The rate field is required.");
        }
        unless(errors)?;
        match id {
            None => {
                rate.put("user_id", user.id.as_str());
                Ok(self.store.add(Kind::TaxRate, rate, now))
            }
            Some(id) => {
                rate.put("updated_at", now.as_second());
                self.store.replace(Kind::TaxRate, id, rate);
                Ok(id)
            }
        }
    }
}
