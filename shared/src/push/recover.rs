//! Finishing creates whose outcome is not known: finding what was created, or sending the same request again.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use quickbooks_wire::query::{Query, eq, ge};
use quickbooks_wire::{Customer, Entity, Invoice, Item, Payment};
use rust_decimal::Decimal;

use super::batch::{Batch, Ending};
use super::create::Sending;
use super::subject::Subject;
use super::together;
use super::write::again;
use crate::ids::{BillingId, QuickBooksId};
use crate::link::{Entry, Intent, Link, LinkKey, MatchedBy, Pulled};
use crate::mapping::{fields, item};
use crate::model::{Kind, Product};
use crate::outcome::{DoneAction, Outcome, Park, ParkCause, SkipReason};
use crate::plan;
use crate::ports::{LinkError, StoreError};

/// How far Intuit's clock and ours may be apart when an entity is taken for the one that was just created.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(10);

impl Batch<'_> {
    /// Finishes a create whose outcome is not known: finds its entity, or sends the same request again.
    pub(super) async fn resume(&mut self, subject: &Subject<'_>, intent: &Intent) -> Result<Link, Ending> {
        let kind = fields::entity_kind(intent.kind);
        let Some(entity) = body_of(intent) else {
            return Err(again("the recorded intent cannot be read"));
        };
        let subject = &match (&intent.bill, &entity) {
            (Some(bill), Entity::Invoice(sent)) => {
                subject.clone().booking(bill, sent, &self.company.settings, &self.reference)
            }
            _ => subject.clone(),
        };
        let rows = self.quickbooks.query(&[natural_key(&entity, intent.at)]).await;
        let rows = self.answer(rows)?;
        let (mut candidates, mut holders) = (Vec::new(), Vec::new());
        for row in rows.into_iter().flatten().filter(|row| is_result_of(row, &entity, intent)) {
            let Some(id) = row.id().and_then(|id| QuickBooksId::new(id).ok()) else { continue };
            match self.ports.ledger.billing_id(&self.books, intent.kind, &id).await? {
                Some(holder) if holder != intent.billing_id => holders.push(holder),
                _ => candidates.push(row),
            }
        }
        if candidates.is_empty()
            && let Some(holder) = self.brought_over_as(intent.kind, &holders).await?
        {
            return Err(self.made_for_another(subject, intent, holder).await?);
        }
        match candidates.as_slice() {
            [] => {
                if let Some(wait) = together::still_open(intent, self.ports.clock.now()) {
                    return Err(Box::new(Outcome::Retry(wait)));
                }
                self.send_create(subject, intent, entity, Sending::Again).await
            }
            [row] if plan::is_made_by_another(&entity, row) => {
                self.take_anothers(subject, intent, &entity, row).await
            }
            [row] => {
                let pushed = fields::fingerprints(&entity);
                let link = self.new_link(subject, row, pushed, MatchedBy::Recovered, intent.generation)?;
                let edited = plan::edits_since(&entity, row);
                self.store(Link { last_action: DoneAction::Created, edited, ..link }).await
            }
            several => {
                let ids: Vec<&str> = several.iter().filter_map(Entity::id).collect();
                Err(Park::new(
                    ParkCause::Ambiguous,
                    format!(
                        "An earlier attempt was cut short, and more than one {} could be its result: {}.",
                        kind.name(),
                        ids.join(", ")
                    ),
                    "Map the record to the right one by hand, then retry.",
                )
                .into())
            }
        }
    }
}

impl Batch<'_> {
    /// The record that a pull has made of a transaction which looks like the result of a create of ours: it did not find
    /// the one that this was created for, since that was deleted in the billing app just then.
    async fn brought_over_as(
        &self,
        kind: Kind,
        holders: &[BillingId],
    ) -> Result<Option<BillingId>, StoreError> {
        if !matches!(kind, Kind::Invoice | Kind::Payment) || holders.is_empty() {
            return Ok(None);
        }
        // No push makes a transaction for another event's sake.
        let is_made_by_a_pull = |link: &Link, pulled: &Pulled| {
            pulled.action == DoneAction::RecordCreated || link.last_event.is_of_dependency()
        };
        let is_brought_over = |link: &Link| {
            let pulled = link.pulled.as_ref();
            pulled.is_some_and(|pulled| is_made_by_a_pull(link, pulled)) && !link.withdrawn
        };
        let keys: Vec<LinkKey> = holders.iter().map(|id| LinkKey::Billing(kind, id.clone())).collect();
        let entries = self.ports.ledger.entries(&self.books, &keys).await?;
        Ok(entries.into_values().find_map(|entry| match entry {
            Entry::Linked(link) if is_brought_over(&link) => Some(link.billing_id),
            _ => None,
        }))
    }

    /// What becomes of a create whose entity is another record's by now: created once more it would be there twice.
    async fn made_for_another(
        &mut self,
        subject: &Subject<'_>,
        intent: &Intent,
        holder: BillingId,
    ) -> Result<Ending, Ending> {
        if !plan::is_withdrawn(subject.event) || subject.told_at().is_none() {
            return Ok(LinkError::QuickBooksTaken(holder).into());
        }
        // The other record stands for it, and this one is gone.
        self.note_withdrawal(subject.event).await?;
        self.ports.ledger.abandon(&self.books, intent).await?;
        Ok(SkipReason::NeverPushed.into())
    }

    /// Links an entity that has the name of the one that was to be made, and was made meanwhile by somebody else: for
    /// an invoice's line that names only the product's key, or by a bookkeeper.
    async fn take_anothers(
        &mut self,
        subject: &Subject<'_>,
        intent: &Intent,
        entity: &Entity,
        row: &Entity,
    ) -> Result<Link, Ending> {
        if let Some(stand_in) = self.stand_in(entity).await?
            && stand_in.billing_id != intent.billing_id
            && let Some(sent) = body_of(&stand_in)
            && !plan::is_made_by_another(&sent, row)
        {
            let pushed = fields::fingerprints(&sent);
            let link = self.new_link(subject, row, pushed, MatchedBy::Recovered, intent.generation)?;
            let link = self.store(Link { last_action: DoneAction::Created, ..link }).await?;
            self.ports.ledger.abandon(&self.books, &stand_in).await?;
            return Ok(link);
        }
        let by = if intent.kind == Kind::Product { MatchedBy::Key } else { MatchedBy::Name };
        self.adopt(subject, entity, row, by, Some(intent.generation)).await
    }

    /// What is about to be made for lines that name only the key of an Item's product.
    async fn stand_in(&self, entity: &Entity) -> Result<Option<Intent>, Ending> {
        let Entity::Item(item) = entity else { return Ok(None) };
        let name = item.name.as_deref().unwrap_or_default().to_lowercase();
        let key = LinkKey::Billing(Kind::Product, BillingId::of_product_key(&name));
        let mut entries = self.ports.ledger.entries(&self.books, std::slice::from_ref(&key)).await?;
        Ok(match entries.remove(&key) {
            Some(Entry::Pending(intent)) => Some(intent),
            _ => None,
        })
    }

    /// Ends the intent of a product whose Item was made, or matched, for an invoice's line that names only its key.
    pub(super) async fn give_way_to_stand_in(&mut self, product: &Product) -> Result<(), Ending> {
        let [own, by_key] = item::ledger_keys(product);
        let entries = {
            let known = self.known();
            (known.entries.get(&own).cloned(), known.entries.get(&by_key).cloned())
        };
        let (Some(Entry::Pending(intent)), Some(Entry::Linked(known))) = entries else { return Ok(()) };
        if !known.billing_id.is_stand_in() {
            return Ok(());
        }
        if let Some(sent) = body_of(&intent).map(|sent| fields::fingerprints(&sent))
            && known.was_matched_in_passing()
            && sent.iter().all(|(name, digest)| known.seen.get(name) == Some(digest))
        {
            // The line met what this intent had made: what the product says since is an edit of that.
            let (edited, matched_at) = (BTreeMap::new(), None);
            let revision = known.revision + 1;
            let made = Link {
                pushed: sent,
                matched_by: MatchedBy::Recovered,
                edited,
                matched_at,
                revision,
                ..known
            };
            self.ports.ledger.refresh(&self.books, &made).await?;
            self.remember(&made);
        }
        self.ports.ledger.abandon(&self.books, &intent).await?;
        self.known().entries.remove(&own);
        Ok(())
    }
}

fn body_of(intent: &Intent) -> Option<Entity> {
    fields::typed(fields::entity_kind(intent.kind), serde_json::from_str(&intent.body).ok()?)
}

/// Finds what an entity that was sent became, should it have been created. Transactions are found by the time, since a
/// bookkeeper may have changed anything else of them meanwhile.
fn natural_key(entity: &Entity, begun: Timestamp) -> Query {
    let earliest =
        begun.saturating_sub(CLOCK_SKEW).unwrap_or(begun).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let since = |query: Query, customer: String| {
        query.filter(eq("CustomerRef", &customer)).filter(ge("MetaData.CreateTime", &earliest))
    };
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let reference =
        |value: &Option<quickbooks_wire::Ref>| value.as_ref().map_or("", |value| value.id()).to_owned();
    let query = match entity {
        Entity::Customer(customer) => {
            Query::from("Customer").filter(eq("DisplayName", &text(&customer.display_name)))
        }
        Entity::Item(item) => Query::from("Item").filter(eq("Name", &text(&item.name))),
        Entity::Invoice(invoice) => since(Query::from("Invoice"), reference(&invoice.customer_ref)),
        Entity::Payment(payment) => since(Query::from("Payment"), reference(&payment.customer_ref)),
    };
    query.order_by_descending("MetaData.CreateTime").max(1000)
}

/// Whether a row can be what `sent` became: the same in all that tells one from the next, and not older than the
/// intent. (Which of them are other records' counterparts is for the ledger to say.)
fn is_result_of(row: &Entity, sent: &Entity, intent: &Intent) -> bool {
    let created_at = created_at(row);
    let recent = created_at.is_none_or(|at| at.saturating_add(CLOCK_SKEW).is_ok_and(|at| at >= intent.at));
    let alike = match (row, sent) {
        (Entity::Customer(row), Entity::Customer(sent)) => same_customer(row, sent),
        (Entity::Item(row), Entity::Item(sent)) => same_item(row, sent),
        (Entity::Invoice(row), Entity::Invoice(sent)) => same_invoice(row, sent),
        (Entity::Payment(row), Entity::Payment(sent)) => same_payment(row, sent),
        _ => false,
    };
    recent && alike
}

fn same_customer(row: &Customer, sent: &Customer) -> bool {
    row.active != Some(false) && row.display_name == sent.display_name
}

fn same_item(row: &Item, sent: &Item) -> bool {
    row.active != Some(false) && row.name == sent.name && row.item_type == sent.item_type
}

/// A number of its own tells an invoice from all others; else its amounts and its note do.
fn same_invoice(row: &Invoice, sent: &Invoice) -> bool {
    let sales = |invoice: &Invoice| -> Vec<Decimal> {
        let sales = invoice.lines().iter().filter(|line| line.sales_item_line_detail.is_some());
        sales.filter_map(|line| line.amount).map(|amount| amount.normalize()).collect()
    };
    match &sent.doc_number {
        Some(_) => row.doc_number == sent.doc_number,
        None => row.private_note == sent.private_note && sales(row) == sales(sent),
    }
}

/// A reference and an amount tell a payment from the others; without a reference what it pays and its note do too.
fn same_payment(row: &Payment, sent: &Payment) -> bool {
    let applied = |payment: &Payment| -> Vec<(Decimal, String)> {
        let mut applied: Vec<(Decimal, String)> = payment
            .lines()
            .iter()
            .map(|line| {
                let invoice = line.linked_txn.iter().flatten().next().and_then(|txn| txn.txn_id.clone());
                (line.amount.unwrap_or_default().normalize(), invoice.unwrap_or_default())
            })
            .collect();
        applied.sort();
        applied
    };
    // A void leaves no amount.
    let amount = row.total_amt == sent.total_amt || row.total_amt == Some(Decimal::ZERO);
    let alike = sent.payment_ref_num.is_some()
        || (row.private_note == sent.private_note && applied(row) == applied(sent));
    amount && row.payment_ref_num == sent.payment_ref_num && alike
}

fn created_at(entity: &Entity) -> Option<Timestamp> {
    let meta_data = match entity {
        Entity::Customer(customer) => &customer.meta_data,
        Entity::Item(item) => &item.meta_data,
        Entity::Invoice(invoice) => &invoice.meta_data,
        Entity::Payment(payment) => &payment.meta_data,
    };
    meta_data.as_ref()?.create_time.as_deref()?.parse().ok()
}
