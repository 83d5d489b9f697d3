//! The engine's port, of one company's app.

use async_trait::async_trait;
use jiff::Timestamp;
use reqwest::Method;
use serde_json::Value;
use sync::ids::{BillingId, CompanyId};
use sync::model::{Kind, PaymentStatus, Record};
use sync::ports::{Billing, BillingError, BillingQuery, Page, Stored};

use crate::answer::Effect;
use crate::changed;
use crate::client::{Client, includes, odd, of_record, path};
use crate::json::{Loose, Object};
use crate::mapping::{self, Changes, Unfit};

#[async_trait]
impl Billing for Client {
    async fn fetch(
        &self,
        _company: &CompanyId,
        kind: Kind,
        id: &BillingId,
    ) -> Result<Option<Stored>, BillingError> {
        match self.record(kind, id.as_str()).await {
            Ok(record) => self.read(kind, &record).await.map(Some),
            Err(BillingError::Gone) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn find(&self, _company: &CompanyId, wanted: &BillingQuery) -> Result<Vec<Stored>, BillingError> {
        let (kind, filter, text) = match wanted {
            BillingQuery::ClientNamed(name) => (Kind::Client, "name", name),
            BillingQuery::ClientWithEmail(email) => (Kind::Client, "email", email),
            BillingQuery::ProductKeyed(key) => (Kind::Product, "product_key", key),
            BillingQuery::InvoiceNumbered(number) => (Kind::Invoice, "number", number),
            BillingQuery::PaymentNumbered(number) => (Kind::Payment, "number", number),
        };
        if text.trim().is_empty() {
            return Ok(Vec::new());
        }
        let mut parameters = vec![
            (filter, text.trim().to_owned()),
            ("status", "active,archived".to_owned()),
            ("sort", "id|asc".to_owned()),
        ];
        parameters.extend(includes(kind).into_iter().map(|(name, value)| (name, value.to_owned())));
        let rows =
            self.all(path(kind), &parameters, |row| !row.flag("is_deleted") && fits(row, wanted)).await?;
        let mut found = Vec::new();
        for row in &rows {
            found.push(self.read(kind, row).await?);
        }
        Ok(found)
    }

    async fn create(&self, _company: &CompanyId, record: &Record) -> Result<Stored, BillingError> {
        let kind = record.kind();
        let creation = mapping::creation(record, &*self.setup().await?).map_err(|problem| unfit(&problem))?;
        self.know_taxes(record).await?;
        self.write(kind, Method::POST, path(kind), &creation).await
    }

    async fn update(
        &self,
        _company: &CompanyId,
        before: &Record,
        after: &Record,
    ) -> Result<Stored, BillingError> {
        let (kind, id) = (after.kind(), after.id().as_str());
        let there = self.record(kind, id).await?;
        if there.flag("is_deleted") {
            return Err(BillingError::Gone);
        }
        let changes = mapping::changes(&there, before, after, &*self.setup().await?)
            .map_err(|problem| unfit(&problem))?;
        if changes.is_empty() {
            return self.read(kind, &there).await;
        }
        if changes.body.contains_key("line_items") {
            self.know_taxes(after).await?;
        }
        self.write(kind, Method::PUT, &of_record(kind, id), &changes).await
    }

    async fn delete(&self, _company: &CompanyId, kind: Kind, id: &BillingId) -> Result<(), BillingError> {
        let request = self.request(Method::DELETE, &of_record(kind, id.as_str()));
        match self.call(path(kind), request, Effect::Writes).await {
            Ok(_) | Err(BillingError::Gone) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn note(
        &self,
        _company: &CompanyId,
        kind: Kind,
        id: &BillingId,
        text: &str,
    ) -> Result<(), BillingError> {
        if kind == Kind::Product {
            return Err(BillingError::Refused("a product has no private notes".to_owned()));
        }
        let there = self.record(kind, id.as_str()).await?;
        let notes = there.text("private_notes");
        if notes.lines().any(|line| line.trim() == text.trim()) {
            return Ok(());
        }
        if there.flag("is_deleted") {
            return Err(BillingError::Gone);
        }
        // Any change makes a payment a completed one.
        let is_completed = |stored: &Stored| !matches!(&stored.record, Record::Payment(payment) if payment.status != PaymentStatus::Completed);
        if kind == Kind::Payment && !is_completed(&self.read(kind, &there).await?) {
            let reason = "status_id: a note would make the payment a completed one";
            return Err(BillingError::Refused(reason.to_owned()));
        }
        let notes =
            if notes.trim().is_empty() { text.to_owned() } else { format!("{}\n{text}", notes.trim_end()) };
        let body = Object::from_iter([("private_notes".to_owned(), Value::from(notes))]);
        let changes = Changes { body, ..Changes::default() };
        self.write(kind, Method::PUT, &of_record(kind, id.as_str()), &changes).await.map(drop)
    }

    async fn changed_since(
        &self,
        _company: &CompanyId,
        kind: Kind,
        since: Timestamp,
        page: Option<&str>,
    ) -> Result<Page, BillingError> {
        changed::page(self, kind, since, page).await
    }
}

impl Client {
    /// A record in the model.
    pub(crate) async fn read(&self, kind: Kind, record: &Object) -> Result<Stored, BillingError> {
        let setup = self.setup().await?;
        mapping::read(kind, record, &setup).map_err(|problem| {
            let id = record.text("id");
            odd(&format!("{kind} {id}"), &problem)
        })
    }

    /// Writes once and answers with the record as stored.
    async fn write(
        &self,
        kind: Kind,
        method: Method,
        address: &str,
        changes: &Changes,
    ) -> Result<Stored, BillingError> {
        let request =
            self.request(method, address).query(&includes(kind)).query(&changes.actions).json(&changes.body);
        let record = self.item(path(kind), request, Effect::Writes).await?;
        // It is written, and its reader may find it.
        self.read(kind, &record).await.map_err(|error| BillingError::Unknown(error.to_string()))
    }
}

fn unfit(problem: &Unfit) -> BillingError {
    BillingError::Refused(problem.to_string())
}

/// Whether a row is what was looked for, letter case aside. Its filter may be a wider one, or none.
fn fits(row: &Object, wanted: &BillingQuery) -> bool {
    let same = |one: &str, other: &str| one.trim().to_lowercase() == other.trim().to_lowercase();
    match wanted {
        BillingQuery::ClientNamed(name) => same(&row.text("name"), name),
        BillingQuery::ClientWithEmail(email) => {
            let contacts = row.objects("contacts").unwrap_or_default();
            contacts.iter().any(|contact| same(&contact.text("email"), email))
        }
        BillingQuery::ProductKeyed(key) => same(&row.text("product_key"), key),
        BillingQuery::InvoiceNumbered(number) | BillingQuery::PaymentNumbered(number) => {
            row.text("number").trim() == number.trim()
        }
    }
}
