//! What is known of the entities of a batch, gathered in as few calls as possible.

use std::collections::{BTreeSet, HashMap};

use quickbooks_wire::Entity;
use quickbooks_wire::query::{MAX_PAGE, Query, is_in};

use super::open::{Id, Pull};
use super::plan;
use crate::ids::{BillingId, QuickBooksId};
use crate::link::{Entry, LinkKey};
use crate::mapping::back::{self, Paid};
use crate::mapping::fields;
use crate::model::Kind;
use crate::push::batch::Ending;

/// Ids in one `IN (…)`, so that a statement stays of a moderate length.
const VALUES: usize = 60;

impl Pull<'_> {
    /// Looks up whose counterparts entities are, and whether records were about to be made of them.
    pub(super) async fn know(&mut self, ids: &[Id]) -> Result<(), Ending> {
        let new: BTreeSet<Id> = ids.iter().filter(|id| !self.known.contains(*id)).cloned().collect();
        if new.is_empty() {
            return Ok(());
        }
        let (ledger, books) = (self.ports.ledger, &self.books);
        let ids: Vec<Id> = new.iter().cloned().collect();
        let holders = ledger.billing_ids(books, &ids).await?;
        let mut keys: Vec<LinkKey> = Vec::new();
        let mut stand_ins: HashMap<LinkKey, &Id> = HashMap::new();
        for id in &ids {
            let stand_in = LinkKey::Billing(id.0, BillingId::of_entity(&id.1));
            keys.push(stand_in.clone());
            stand_ins.insert(stand_in, id);
            keys.extend(holders.get(id).map(|holder| LinkKey::Billing(id.0, holder.clone())));
        }
        for (key, entry) in ledger.entries(books, &keys).await? {
            match &entry {
                Entry::Linked(link) => {
                    self.links.insert((link.kind, link.quickbooks_id.clone()), link.clone());
                }
                Entry::Pending(intent) => {
                    if let Some(id) = stand_ins.get(&key) {
                        self.pending.insert((*id).clone(), intent.clone());
                    }
                }
            }
            self.entries.insert(key, entry);
        }
        self.known.extend(new);
        Ok(())
    }

    /// Reads entities that were not read before, inactive ones too.
    pub(super) async fn read(&mut self, ids: &[Id]) -> Result<(), Ending> {
        let new: BTreeSet<Id> = ids.iter().filter(|id| !self.rows.contains_key(*id)).cloned().collect();
        let mut queries = Vec::new();
        for kind in Kind::ALL {
            let of_kind: Vec<&str> =
                new.iter().filter(|(of, _)| *of == kind).map(|(_, id)| id.as_str()).collect();
            queries.extend(of_kind.chunks(VALUES).map(|ids| by_ids(kind, ids)));
        }
        for some in queries.chunks(30) {
            let rows = self.quickbooks.query(some).await;
            for row in self.answer(rows)?.into_iter().flatten() {
                if let Some(id) = row.id().and_then(|id| QuickBooksId::new(id).ok()) {
                    self.rows.insert((fields::record_kind(row.kind()), id), Some(row));
                }
            }
        }
        for id in new {
            self.rows.entry(id).or_insert(None);
        }
        Ok(())
    }

    /// The entity as it is now; none if it is gone. Lists may lag behind, so what is missing in one, or older than
    /// what was seen before, is read by itself.
    pub(super) async fn row(&mut self, id: &Id) -> Result<Option<Entity>, Ending> {
        self.read(std::slice::from_ref(id)).await?;
        let listed = self.rows.get(id).cloned().flatten();
        let link = self.links.get(id);
        if let Some(row) = listed.filter(|row| !link.is_some_and(|link| plan::is_behind(row, link))) {
            return Ok(Some(row));
        }
        let read = self.quickbooks.read(fields::entity_kind(id.0), &id.1).await;
        let row = self.answer(read)?.filter(|entity| !entity.is_deleted());
        self.rows.insert(id.clone(), row.clone());
        Ok(row)
    }

    /// Reads what entities refer to and what has no counterpart yet, and what that refers to in turn: Payments to
    /// Invoices, Invoices to Customers and Items.
    pub(super) async fn read_what_they_refer_to(&mut self, ids: &[Id]) -> Result<(), Ending> {
        let mut from: Vec<Id> = ids.to_vec();
        while !from.is_empty() {
            let rows = from.iter().filter_map(|id| self.rows.get(id)?.as_ref());
            let referred: BTreeSet<Id> = rows.flat_map(references).collect();
            let referred: Vec<Id> = referred.into_iter().collect();
            self.know(&referred).await?;
            let is_new = |id: &&Id| !self.links.contains_key(*id) && !self.rows.contains_key(*id);
            from = referred.iter().filter(is_new).cloned().collect();
            self.read(&from).await?;
        }
        Ok(())
    }

    /// Reads ledger entries that are not known yet.
    pub(super) async fn read_entries(
        &mut self,
        keys: impl IntoIterator<Item = LinkKey>,
    ) -> Result<(), Ending> {
        let keys: Vec<LinkKey> = keys.into_iter().filter(|key| !self.entries.contains_key(key)).collect();
        if !keys.is_empty() {
            let entries = self.ports.ledger.entries(&self.books, &keys).await?;
            self.entries.extend(entries);
        }
        Ok(())
    }
}

fn by_ids(kind: Kind, ids: &[&str]) -> Query {
    let entity = fields::entity_kind(kind).name();
    let query = Query::from(entity).filter(is_in("Id", ids)).max(MAX_PAGE);
    match kind {
        Kind::Client | Kind::Product => query.active_and_inactive(),
        Kind::Invoice | Kind::Payment => query,
    }
}

/// What an entity refers to and cannot come over without.
pub(super) fn references(row: &Entity) -> Vec<Id> {
    let customer = |reference: &Option<quickbooks_wire::Ref>| {
        let id = reference.as_ref().and_then(|reference| QuickBooksId::new(reference.id()).ok());
        id.map(|id| (Kind::Client, id))
    };
    match row {
        Entity::Customer(_) | Entity::Item(_) => Vec::new(),
        Entity::Invoice(invoice) => {
            let items = back::items(invoice).into_iter().map(|(id, _)| (Kind::Product, id));
            customer(&invoice.customer_ref).into_iter().chain(items).collect()
        }
        Entity::Payment(payment) => {
            let paid = Paid::of(payment).unwrap_or_default();
            let invoices = paid.into_iter().map(|paid| (Kind::Invoice, paid.invoice));
            customer(&payment.customer_ref).into_iter().chain(invoices).collect()
        }
    }
}
