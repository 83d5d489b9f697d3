//! What is known of the records of a batch, gathered in as few reads as possible: one batch read of the ledger, and
//! one call to QuickBooks for all that has no counterpart yet.

use std::collections::BTreeSet;

use super::batch::{Batch, Ending};
use crate::event::EntityEvent;
use crate::ids::BillingId;
use crate::link::{Entry, LinkKey};
use crate::mapping::{invoice, item};
use crate::matching::Wanted;
use crate::model::{Client, Kind, Product, Record};
use crate::plan;

impl Batch<'_> {
    /// The most queries in one call (Intuit: Limits and throttles, batch).
    const QUERIES: usize = 30;

    /// Reads the ledger for every record that the events concern or refer to, and asks QuickBooks once for
    /// everything among them that may be created.
    pub(super) async fn look_up(&mut self, events: &[&EntityEvent]) -> Result<(), Ending> {
        let due: Vec<&EntityEvent> =
            events.iter().copied().filter(|event| plan::gate(self.company, event.kind).is_none()).collect();
        let mut keys: BTreeSet<LinkKey> = BTreeSet::new();
        for event in &due {
            keys.insert(LinkKey::Billing(event.kind, event.subject.clone()));
            if let Some(record) = &event.data {
                keys.extend(self.keys_of(record));
            }
        }
        self.read_entries(keys).await?;
        let mut wanted = Wanted::default();
        for event in due.iter().filter(|event| !plan::is_withdrawn(event)) {
            if let Some(record) = &event.data
                && plan::excluded(record, &self.company.settings).is_none()
            {
                self.want(record, &mut wanted);
            }
        }
        self.ask(&wanted).await
    }

    /// Reads entries that are not known yet.
    pub(super) async fn read_entries(
        &mut self,
        keys: impl IntoIterator<Item = LinkKey>,
    ) -> Result<(), Ending> {
        let keys: Vec<LinkKey> = {
            let known = self.known();
            keys.into_iter().filter(|key| !known.entries.contains_key(key)).collect()
        };
        if !keys.is_empty() {
            let entries = self.ports.ledger.entries(&self.books, &keys).await?;
            self.known().entries.extend(entries);
        }
        Ok(())
    }

    /// Runs the queries, and finds out whose counterparts the rows are.
    pub(super) async fn ask(&mut self, wanted: &Wanted) -> Result<(), Ending> {
        let queries = wanted.queries();
        if queries.is_empty() {
            return Ok(());
        }
        for some in queries.chunks(Batch::QUERIES) {
            let rows = self.quickbooks.query(some).await;
            let rows = self.answer(rows)?;
            self.known().found.add(rows.into_iter().flatten());
        }
        let found = self.known().found.ids();
        for (kind, id) in found {
            if let Some(billing_id) = self.ports.ledger.billing_id(&self.books, kind, &id).await? {
                self.known().found.take(kind, id, billing_id);
            }
        }
        Ok(())
    }

    fn keys_of(&self, record: &Record) -> Vec<LinkKey> {
        match record {
            Record::Client(client) => vec![LinkKey::Billing(Kind::Client, client.id.clone())],
            Record::Product(product) => item::ledger_keys(product).into(),
            Record::Invoice(bill) => {
                let products = invoice::products(bill, &self.reference).unwrap_or_default();
                let mut keys: Vec<LinkKey> = products.iter().flat_map(item::ledger_keys).collect();
                keys.push(LinkKey::Billing(Kind::Client, bill.client_id.clone()));
                keys
            }
            Record::Payment(payment) => {
                let invoices = payment.allocations.iter().map(|allocation| &allocation.invoice_id);
                let mut keys: Vec<LinkKey> =
                    invoices.map(|id| LinkKey::Billing(Kind::Invoice, id.clone())).collect();
                keys.push(LinkKey::Billing(Kind::Client, payment.client_id.clone()));
                keys
            }
        }
    }

    fn want(&self, record: &Record, wanted: &mut Wanted) {
        match record {
            Record::Client(client) => self.want_client(&client.id, Some(client), wanted),
            Record::Product(product) => self.want_product(product, wanted),
            Record::Invoice(bill) => {
                self.want_client(&bill.client_id, bill.client.as_ref(), wanted);
                for product in invoice::products(bill, &self.reference).unwrap_or_default() {
                    self.want_product(&product, wanted);
                }
                if self.entry(Kind::Invoice, &bill.id).is_none() {
                    wanted.invoice(bill);
                }
            }
            Record::Payment(payment) => self.want_client(&payment.client_id, payment.client.as_ref(), wanted),
        }
    }

    fn want_client(&self, id: &BillingId, carried: Option<&Client>, wanted: &mut Wanted) {
        if self.entry(Kind::Client, id).is_none()
            && let Some(client) = carried.or(self.client_at_hand(id))
        {
            wanted.client(client);
        }
    }

    fn want_product(&self, product: &Product, wanted: &mut Wanted) {
        if self.product_entry(product).is_none() {
            wanted.product(product);
        }
    }

    /// A client that came with an event of this batch.
    pub(super) fn client_at_hand(&self, id: &BillingId) -> Option<&Client> {
        match self.records.get(&(Kind::Client, id.clone()))? {
            Record::Client(client) => Some(client),
            _ => None,
        }
    }

    /// The entry of a product: by its id, else by its key.
    pub(super) fn product_entry(&self, product: &Product) -> Option<Entry> {
        let known = self.known();
        item::ledger_keys(product).iter().find_map(|key| known.entries.get(key)).cloned()
    }
}
