//! A billing app in memory, with an API: it keeps records, works out its invoices' totals itself, and remembers notes.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::Value;

use super::lock;
use crate::ids::{BillingId, CompanyId};
use crate::mapping::cents;
use crate::model::{Discount, Invoice, InvoiceLine, Kind, Record, Tax};
use crate::ports::{Billing, BillingError, BillingQuery, Clock, Page, StoreError, Stored};

/// How many records a page has, unless a test wants fewer.
const PAGE: usize = 100;

/// A [`Billing`] in memory. Unlike a real one it tells nobody what changes: a test sends the events.
pub struct MemoryBilling {
    clock: Arc<dyn Clock>,
    page: usize,
    keeps_payments: AtomicBool,
    records: Mutex<BTreeMap<Key, Kept>>,
}

type Key = (CompanyId, Kind, BillingId);

struct Kept {
    stored: Stored,
    notes: Vec<String>,
}

impl MemoryBilling {
    /// An app without records.
    pub fn new(clock: Arc<dyn Clock>) -> MemoryBilling {
        MemoryBilling { clock, page: PAGE, keeps_payments: AtomicBool::new(false), records: Mutex::default() }
    }

    /// The same app with pages of so many records.
    pub fn pages_of(self, page: usize) -> MemoryBilling {
        MemoryBilling { page, ..self }
    }

    /// From now on the app does not let a payment's money be moved, as Invoice Ninja does not, and gives the number of a
    /// deleted payment to no other.
    pub fn keep_payments(&self) {
        self.keeps_payments.store(true, Ordering::SeqCst);
    }

    fn refuses(&self, before: &Record, after: &Record) -> bool {
        let (Record::Payment(before), Record::Payment(after)) = (before, after) else { return false };
        let same_money = before.amount == after.amount
            && before.allocations == after.allocations
            && before.client_id == after.client_id;
        self.keeps_payments.load(Ordering::SeqCst) && !same_money
    }

    /// A person saves a record, exactly as it is here.
    pub fn put(&self, company: &CompanyId, record: Record) {
        let key = (company.clone(), record.kind(), record.id().clone());
        let stored = Stored { record, updated_at: self.clock.now(), deleted: false };
        let mut records = lock(&self.records);
        let notes = records.remove(&key).map(|kept| kept.notes).unwrap_or_default();
        records.insert(key, Kept { stored, notes });
    }

    /// A record as it is now, deleted ones too.
    pub fn get(&self, company: &CompanyId, kind: Kind, id: &BillingId) -> Option<Stored> {
        let records = lock(&self.records);
        records.get(&(company.clone(), kind, id.clone())).map(|kept| kept.stored.clone())
    }

    /// All of a company's records of a kind, deleted ones too, by their ids.
    pub fn all(&self, company: &CompanyId, kind: Kind) -> Vec<Stored> {
        let records = lock(&self.records);
        let ours = records.iter().filter(|((owner, of, _), _)| owner == company && *of == kind);
        ours.map(|(_, kept)| kept.stored.clone()).collect()
    }

    /// The notes that were left on a record, in order.
    pub fn notes(&self, company: &CompanyId, kind: Kind, id: &BillingId) -> Vec<String> {
        let records = lock(&self.records);
        records.get(&(company.clone(), kind, id.clone())).map(|kept| kept.notes.clone()).unwrap_or_default()
    }
}

#[async_trait]
impl Billing for MemoryBilling {
    async fn fetch(
        &self,
        company: &CompanyId,
        kind: Kind,
        id: &BillingId,
    ) -> Result<Option<Stored>, BillingError> {
        Ok(self.get(company, kind, id))
    }

    async fn find(&self, company: &CompanyId, wanted: &BillingQuery) -> Result<Vec<Stored>, BillingError> {
        let kind = match wanted {
            BillingQuery::ClientNamed(_) | BillingQuery::ClientWithEmail(_) => Kind::Client,
            BillingQuery::ProductKeyed(_) => Kind::Product,
            BillingQuery::InvoiceNumbered(_) => Kind::Invoice,
            BillingQuery::PaymentNumbered(_) => Kind::Payment,
        };
        let all = self.all(company, kind).into_iter();
        Ok(all.filter(|stored| !stored.deleted && wanted.fits(&stored.record)).collect())
    }

    async fn create(&self, company: &CompanyId, record: &Record) -> Result<Stored, BillingError> {
        let mut records = lock(&self.records);
        let kind = record.kind();
        let has_number = |kept: &Kept| {
            let (Record::Payment(new), Record::Payment(there)) = (record, &kept.stored.record) else {
                return false;
            };
            new.number == there.number
        };
        let mut ours = records.iter().filter(|((owner, ..), _)| owner == company);
        if self.keeps_payments.load(Ordering::SeqCst) && ours.any(|(_, kept)| has_number(kept)) {
            return Err(BillingError::Refused("number: it has already been taken".into()));
        }
        let id = BillingId::new(format!("{}-{}", kind.name(), records.len() + 1)).map_err(odd)?;
        let mut document = json(record)?;
        if let Some(members) = members(&mut document) {
            members.insert("id".to_owned(), Value::String(id.to_string()));
        }
        let record = totalled(read(document)?);
        let stored = Stored { record, updated_at: self.clock.now(), deleted: false };
        let kept = Kept { stored: stored.clone(), notes: Vec::new() };
        records.insert((company.clone(), kind, id), kept);
        Ok(stored)
    }

    async fn update(
        &self,
        company: &CompanyId,
        before: &Record,
        after: &Record,
    ) -> Result<Stored, BillingError> {
        if self.refuses(before, after) {
            return Err(BillingError::Refused("amount: of a payment cannot be changed".into()));
        }
        let mut records = lock(&self.records);
        let key = (company.clone(), after.kind(), after.id().clone());
        let kept = records.get_mut(&key).filter(|kept| !kept.stored.deleted).ok_or(BillingError::Gone)?;
        let (mut before, mut after, mut document) = (json(before)?, json(after)?, json(&kept.stored.record)?);
        let (Some(before), Some(after), Some(current)) =
            (members(&mut before), members(&mut after), members(&mut document))
        else {
            return Err(BillingError::Refused("it is no record".into()));
        };
        for (name, value) in after.iter().filter(|(name, value)| before.get(*name) != Some(value)) {
            current.insert(name.clone(), value.clone());
        }
        let record = totalled(read(document)?);
        if record != kept.stored.record {
            kept.stored = Stored { record, updated_at: self.clock.now(), deleted: false };
        }
        Ok(kept.stored.clone())
    }

    async fn delete(&self, company: &CompanyId, kind: Kind, id: &BillingId) -> Result<(), BillingError> {
        let mut records = lock(&self.records);
        if let Some(kept) = records.get_mut(&(company.clone(), kind, id.clone()))
            && !kept.stored.deleted
        {
            kept.stored.deleted = true;
            kept.stored.updated_at = self.clock.now();
        }
        Ok(())
    }

    async fn note(
        &self,
        company: &CompanyId,
        kind: Kind,
        id: &BillingId,
        text: &str,
    ) -> Result<(), BillingError> {
        let mut records = lock(&self.records);
        let kept = records.get_mut(&(company.clone(), kind, id.clone())).ok_or(BillingError::Gone)?;
        if kept.notes.iter().any(|note| note == text) {
            return Ok(());
        }
        kept.notes.push(text.to_owned());
        kept.stored.updated_at = self.clock.now();
        let private_notes = match &mut kept.stored.record {
            Record::Invoice(invoice) => &mut invoice.private_notes,
            Record::Payment(payment) => &mut payment.private_notes,
            Record::Client(_) | Record::Product(_) => return Ok(()),
        };
        *private_notes = format!("{private_notes}\n{text}").trim().to_owned();
        Ok(())
    }

    async fn changed_since(
        &self,
        company: &CompanyId,
        kind: Kind,
        since: Timestamp,
        page: Option<&str>,
    ) -> Result<Page, BillingError> {
        let mut changed = self.all(company, kind);
        changed.retain(|stored| stored.updated_at >= since);
        changed.sort_by_key(|stored| stored.updated_at);
        let from: usize = page.map_or(Ok(0), str::parse).map_err(odd)?;
        let rest = changed.len().saturating_sub(from);
        let records = changed.into_iter().skip(from).take(self.page).collect();
        let next = (rest > self.page).then(|| (from + self.page).to_string());
        Ok(Page { records, next, ..Page::default() })
    }
}

fn json(record: &Record) -> Result<Value, BillingError> {
    serde_json::to_value(record).map_err(odd)
}

fn read(document: Value) -> Result<Record, BillingError> {
    serde_json::from_value(document).map_err(odd)
}

/// What a document says of the record itself, apart from its kind.
fn members(document: &mut Value) -> Option<&mut serde_json::Map<String, Value>> {
    document.get_mut("record")?.as_object_mut()
}

fn odd(error: impl std::error::Error + Send + Sync + 'static) -> BillingError {
    StoreError::new("keeping a record in memory", error).into()
}

/// The record with the total that the app works out itself.
fn totalled(record: Record) -> Record {
    match record {
        Record::Invoice(mut invoice) => {
            let amount = total(&invoice);
            invoice.balance = invoice.balance.map(|balance| balance + amount - invoice.amount);
            invoice.amount = amount;
            Record::Invoice(invoice)
        }
        other => other,
    }
}

/// Each tax is taken of the sum of its lines, and rounded once.
fn total(invoice: &Invoice) -> Decimal {
    let lines: Decimal = invoice.lines.iter().map(of_line).sum();
    let discount = match &invoice.discount {
        None => Decimal::ZERO,
        Some(Discount::Percent(percent)) => cents(lines * percent / Decimal::ONE_HUNDRED),
        Some(Discount::Amount(amount)) => cents(*amount),
    };
    let surcharges: Decimal = invoice.surcharges.iter().map(|surcharge| cents(surcharge.amount)).sum();
    let net = lines - discount + surcharges;
    if invoice.taxes_inclusive {
        return net;
    }
    let left = if lines.is_zero() { Decimal::ONE } else { (lines - discount) / lines };
    let of_lines = invoice.lines.iter().map(|line| (&line.taxes, of_line(line) * left));
    let of_surcharges = invoice.surcharges.iter().map(|surcharge| (&surcharge.taxes, surcharge.amount));
    let mut taxes: Vec<(&Tax, Decimal)> = Vec::new();
    for (on, amount) in of_lines.chain(of_surcharges) {
        for tax in on {
            match taxes.iter_mut().find(|(known, _)| *known == tax) {
                Some((_, base)) => *base += amount,
                None => taxes.push((tax, amount)),
            }
        }
    }
    net + taxes.iter().map(|(tax, base)| cents(base * tax.rate / Decimal::ONE_HUNDRED)).sum::<Decimal>()
}

fn of_line(line: &InvoiceLine) -> Decimal {
    let full = cents(line.quantity * line.unit_price);
    match &line.discount {
        None => full,
        Some(Discount::Percent(percent)) => cents(full - full * percent / Decimal::ONE_HUNDRED),
        Some(Discount::Amount(amount)) => full - cents(*amount),
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;
    use crate::mapping::fixtures::{client, decimal, invoice, payment};

    struct AtNoon;

    impl Clock for AtNoon {
        fn now(&self) -> Timestamp {
            "2026-03-02T12:00:00Z".parse().unwrap()
        }
    }

    fn acme() -> CompanyId {
        CompanyId::new("acme").unwrap()
    }

    fn billing() -> MemoryBilling {
        MemoryBilling::new(Arc::new(AtNoon))
    }

    #[test]
    fn an_update_changes_what_differs_and_totals_are_the_apps_own() {
        let billing = billing();
        let mut stored = invoice();
        stored.terms = "changed by somebody else".into();
        billing.put(&acme(), Record::Invoice(Box::new(stored)));
        let mut after = invoice();
        after.lines[0].taxes[0].rate = decimal("10");
        after.amount = decimal("1");
        let (before, after) = (Record::Invoice(Box::new(invoice())), Record::Invoice(Box::new(after)));
        let Record::Invoice(updated) = block_on(billing.update(&acme(), &before, &after)).unwrap().record
        else {
            panic!("an invoice")
        };
        assert_eq!(updated.terms, "changed by somebody else");
        assert_eq!(updated.amount, decimal("278.96"), "218.25 at 10 % and 36 at 8 %");
        let again = block_on(billing.update(&acme(), &before, &after)).unwrap();
        assert_eq!(again.record, Record::Invoice(updated));
    }

    #[test]
    fn records_are_created_under_ids_of_the_apps_own_found_and_deleted() {
        let billing = billing();
        let wanted = BillingQuery::ClientNamed("DELGADO family gardens".into());
        let created = block_on(billing.create(&acme(), &Record::Client(Box::new(client())))).unwrap();
        assert_eq!(created.record.id().as_str(), "client-1");
        assert_eq!(block_on(billing.find(&acme(), &wanted)).unwrap(), std::slice::from_ref(&created));
        let globex = CompanyId::new("globex").unwrap();
        assert_eq!(block_on(billing.find(&globex, &wanted)).unwrap(), [], "another company's are its own");
        for _ in 0..2 {
            block_on(billing.delete(&acme(), Kind::Client, created.record.id())).unwrap();
        }
        assert_eq!(block_on(billing.find(&acme(), &wanted)).unwrap(), []);
        let shadow = block_on(billing.fetch(&acme(), Kind::Client, created.record.id())).unwrap().unwrap();
        assert!(shadow.deleted);
        let update = block_on(billing.update(&acme(), &created.record, &created.record));
        assert!(matches!(update, Err(BillingError::Gone)));
    }

    #[test]
    fn a_note_is_left_once() {
        let billing = billing();
        billing.put(&acme(), Record::Payment(Box::new(payment())));
        for _ in 0..2 {
            block_on(billing.note(&acme(), Kind::Payment, &payment().id, "The books are closed.")).unwrap();
        }
        assert_eq!(billing.notes(&acme(), Kind::Payment, &payment().id), ["The books are closed."]);
    }

    #[test]
    fn changes_come_in_pages() {
        let billing = billing().pages_of(2);
        for number in 0..5 {
            let id = BillingId::new(format!("y-{number}")).unwrap();
            billing.put(&acme(), Record::Payment(Box::new(crate::model::Payment { id, ..payment() })));
        }
        let (mut page, mut sizes) = (None, Vec::new());
        loop {
            let since = Timestamp::UNIX_EPOCH;
            let read =
                block_on(billing.changed_since(&acme(), Kind::Payment, since, page.as_deref())).unwrap();
            sizes.push(read.records.len());
            match read.next {
                Some(next) => page = Some(next),
                None => break,
            }
        }
        assert_eq!(sizes, [2, 2, 1]);
    }
}
