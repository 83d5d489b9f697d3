//! What is known of the records of a batch, gathered in as few reads as possible: one batch read of the ledger, and
//! one call to QuickBooks for all that has no counterpart yet.

use std::collections::BTreeSet;

use super::batch::{Batch, Ending};
use crate::event::{EntityEvent, Verb};
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
        self.read_withdrawals(&due).await?;
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

    /// Finds out which of the events' records were withdrawn before they ever had a counterpart.
    async fn read_withdrawals(&mut self, events: &[&EntityEvent]) -> Result<(), Ending> {
        let new: BTreeSet<(Kind, BillingId)> = events
            .iter()
            .filter(|event| self.entry(event.kind, &event.subject).is_none() && !plan::is_withdrawn(event))
            .map(|event| (event.kind, event.subject.clone()))
            .collect();
        if !new.is_empty() {
            let new: Vec<(Kind, BillingId)> = new.into_iter().collect();
            let withdrawn = self.ports.ledger.withdrawals(&self.books, &new).await?;
            self.known().withdrawn.extend(withdrawn);
        }
        Ok(())
    }

    /// Remembers that a record was withdrawn before it ever had a counterpart: what is told late of an earlier moment
    /// must not make one.
    pub(super) async fn note_withdrawal(&mut self, event: &EntityEvent) -> Result<(), Ending> {
        let (kind, id) = (event.kind, &event.subject);
        self.ports.ledger.note_withdrawal(&self.books, kind, id, event.time).await?;
        let mut known = self.known();
        let at = known.withdrawn.entry((kind, id.clone())).or_insert(event.time);
        *at = event.time.max(*at);
        Ok(())
    }

    /// Whether the record of an event has no counterpart because it was withdrawn, and the event tells of a moment
    /// before that. (A billing app's clock may have only seconds.)
    pub(super) fn was_withdrawn_after(&self, event: &EntityEvent) -> bool {
        let at = self.known().withdrawn.get(&(event.kind, event.subject.clone())).copied();
        self.entry(event.kind, &event.subject).is_none()
            && at.is_some_and(|at| event.time < at || event.time == at && event.verb != Verb::Restored)
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

    /// The entry of a product: by its id, else by its key. One that has its Item already counts more.
    pub(super) fn product_entry(&self, product: &Product) -> Option<Entry> {
        let known = self.known();
        let entries = || item::ledger_keys(product).into_iter().filter_map(|key| known.entries.get(&key));
        let linked = entries().find(|entry| matches!(entry, Entry::Linked(_)));
        linked.or_else(|| entries().next()).cloned()
    }

    /// Whether an Item stands for the product, or for one of its key.
    pub(super) fn has_item(&self, product: &Product) -> bool {
        matches!(self.product_entry(product), Some(Entry::Linked(_)))
    }
}
