//! Records that are hardly more than their fields: tax rates, groups of clients, webhooks.

use jiff::Timestamp;

use super::kinds::Kind;
use super::record::{Errors, Members, Record, blank, fill};
use super::refusal::{Refusal, unless, wrong};
use super::{Company, User, ids, webhooks};

impl Company {
    /// Makes a record, or changes the one with this row number.
    pub(crate) fn save_plain(
        &mut self,
        kind: Kind,
        id: Option<u64>,
        sent: &Record,
        user: &User,
        now: Timestamp,
    ) -> Result<u64, Refusal> {
        let before = id.and_then(|id| self.store.row(kind, id)).cloned();
        let mut record = before.unwrap_or_else(|| self.new_plain(kind, user));
        let mut errors = Errors::new();
        fill(&mut record, sent, &kind.fields(), "", &mut errors);
        match kind {
            Kind::Webhook => webhooks::check(&record, &mut errors),
            _ => self.check_named(kind, id, &record, sent, &mut errors),
        }
        unless(errors)?;
        let Some(id) = id else { return Ok(self.store.add(kind, record, now)) };
        record.put("updated_at", now.as_second());
        self.store.replace(kind, id, record);
        Ok(id)
    }

    fn new_plain(&self, kind: Kind, user: &User) -> Record {
        let mut record = blank(&kind.fields());
        record.put("user_id", user.id.as_str());
        if kind == Kind::Webhook {
            record.put("company_id", ids::shown(self.id));
            record.put("format", "JSON");
            record.put("rest_method", "post");
        }
        record
    }

    fn check_named(&self, kind: Kind, id: Option<u64>, record: &Record, sent: &Record, errors: &mut Errors) {
        if record.text("name").is_empty() {
            wrong(errors, "name", "The name field is required.");
        }
        if self.store.is_taken(kind, "name", record.text("name"), id) {
            wrong(errors, "name", "The name has already been taken.");
        }
        if kind == Kind::TaxRate && id.is_none() && !sent.contains_key("rate") {
            wrong(errors, "rate", "The rate field is required.");
        }
    }
}
