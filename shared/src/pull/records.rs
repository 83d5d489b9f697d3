//! What each kind of entity needs: the counterparts of what it refers to first, then its own.

use std::collections::HashMap;
use std::sync::PoisonError;

use jiff::civil::Date;
use quickbooks_wire::{Customer, Entity, Invoice as WireInvoice, Item, Payment as WirePayment, Ref};
use rust_decimal::Decimal;

use super::create::Cause;
use super::open::{Id, Pull, Told, label};
use super::plan;
use super::replace::number_of_payment;
use super::write::again;
use crate::ids::{BillingId, QuickBooksId};
use crate::import::{Candidate, Known};
use crate::link::{Entry, Link, LinkKey, MatchedBy};
use crate::mapping::back::{self, Members, Paid, Sold};
use crate::mapping::tax_answer::{Question, TaxAnswer};
use crate::mapping::{customer, invoice, item, payment};
use crate::model::{Invoice, Kind, Product, Record};
use crate::outcome::{Done, Park, ParkCause, SkipReason};
use crate::ports::{BillingQuery, Stored};
use crate::push::Ports;
use crate::push::batch::Ending;

impl Pull<'_> {
    /// Makes or finds the counterpart of an entity that has none, and catches up with what has changed since it was
    /// begun.
    pub(super) async fn bring(&mut self, told: Told<'_>, id: &Id, row: &Entity) -> Result<Done, Ending> {
        let cause = Cause { told, own: true };
        let link = match row {
            Entity::Customer(customer) => self.make_client(cause, id, customer).await?,
            Entity::Item(item) => self.make_product(cause, id, item).await?,
            Entity::Invoice(invoice) => self.make_invoice(cause, id, invoice).await?,
            Entity::Payment(payment) => self.make_payment(cause, id, payment).await?,
        };
        self.about.billing_id = Some(link.billing_id.clone());
        if !plan::changed(&link, row).is_empty() {
            return self.follow(told, link, row).await;
        }
        let Some(pulled) = link.pulled else { return Err(SkipReason::NothingNew.into()) };
        Ok(Done { action: pulled.action, quickbooks_id: id.1.clone(), notes: pulled.notes, taxes: None })
    }

    async fn make_client(&mut self, cause: Cause<'_>, id: &Id, row: &Customer) -> Result<Link, Ending> {
        if let Some(link) = self.resume(cause, id).await? {
            return Ok(link);
        }
        if cause.own && row.active == Some(false) {
            return Err(SkipReason::Inactive(Kind::Client).into());
        }
        if row.job == Some(true) || row.parent_ref.is_some() {
            return Err(if cause.own { SkipReason::SubCustomer.into() } else { billed_to_sub_customer(row) });
        }
        let entity: Entity = row.clone().into();
        if let Some((stored, by)) = self.match_client(id, row).await? {
            return self.adopt(cause, id, &stored, &entity, by).await;
        }
        if !cause.own && !self.company.settings.create_clients {
            return Err(unmapped(Kind::Client, &label(&entity)));
        }
        let client = back::new_client(row, BillingId::of_entity(&id.1), &self.reference);
        self.create(cause, id, &Record::Client(Box::new(client)), &entity, Vec::new()).await
    }

    /// The ladder of D2 the other way: exact name, then any e-mail address.
    async fn match_client(&mut self, id: &Id, row: &Customer) -> Result<Option<(Stored, MatchedBy)>, Ending> {
        let name = row.display_name.clone().unwrap_or_default();
        let named = self.find(BillingQuery::ClientNamed(name.clone())).await?;
        let are_there = !named.is_empty();
        let named = self.free(id, named).await?;
        if are_there && named.is_empty() {
            return Err(taken(Kind::Client, &name));
        }
        if let Some(one) = self.only(Kind::Client, &name, named)? {
            return Ok(Some((one, MatchedBy::Name)));
        }
        let addresses = row.primary_email_addr.as_ref().and_then(|email| email.address.clone());
        let mut known: Vec<Stored> = Vec::new();
        for address in addresses.unwrap_or_default().split(',').map(str::trim).filter(|one| !one.is_empty()) {
            let found = self.find(BillingQuery::ClientWithEmail(address.to_owned())).await?;
            for stored in self.free(id, found).await? {
                if !known.iter().any(|other| other.record.id() == stored.record.id()) {
                    known.push(stored);
                }
            }
        }
        Ok(self.only(Kind::Client, &name, known)?.map(|one| (one, MatchedBy::Email)))
    }

    async fn make_product(&mut self, cause: Cause<'_>, id: &Id, row: &Item) -> Result<Link, Ending> {
        if cause.own && !back::is_sellable(row) {
            return Err(SkipReason::NotSellable.into());
        }
        if let Some(link) = self.resume(cause, id).await? {
            return Ok(link);
        }
        if cause.own && row.active == Some(false) {
            return Err(SkipReason::Inactive(Kind::Product).into());
        }
        let entity: Entity = row.clone().into();
        let name = row.name.clone().unwrap_or_default();
        self.wait_for_key(&name.to_lowercase()).await?;
        let mut are_there = false;
        let keys = [Some(&name), row.fully_qualified_name.as_ref().filter(|path| **path != name)];
        for key in keys.into_iter().flatten() {
            let found = self.find(BillingQuery::ProductKeyed(key.clone())).await?;
            are_there |= !found.is_empty();
            let free = self.free(id, found).await?;
            if let Some(stored) = self.only(Kind::Product, key, free)? {
                return self.adopt(cause, id, &stored, &entity, MatchedBy::Key).await;
            }
        }
        if are_there {
            return Err(taken(Kind::Product, &name));
        }
        if !cause.own && !self.company.settings.create_products {
            return Err(unmapped(Kind::Product, &name));
        }
        let product = back::new_product(row, BillingId::of_entity(&id.1));
        self.create(cause, id, &Record::Product(product), &entity, Vec::new()).await
    }

    async fn make_invoice(&mut self, cause: Cause<'_>, id: &Id, row: &WireInvoice) -> Result<Link, Ending> {
        if let Some(link) = self.resume(cause, id).await? {
            return Ok(link);
        }
        if !cause.told.is_of_import()
            && let (Some(cut_off), Some(dated)) = (self.company.settings.cut_off, date_of(row))
            && dated < cut_off
        {
            return Err(SkipReason::BeforeCutOff { dated, cut_off }.into());
        }
        let entity: Entity = row.clone().into();
        let client = self.client_of(cause.told, row.customer_ref.as_ref()).await?;
        let sold = self.sold_on(cause.told, row).await?;
        let (placeholder, sold) =
            (BillingId::of_entity(&id.1), |item: &QuickBooksId| sold.get(item).cloned());
        let mut invoice = back::new_invoice(row, placeholder, &client, sold, &self.reference)?;
        back::custom_fields(&mut invoice, row, Members::All, &self.company.settings);
        if invoice.number.trim().is_empty() {
            invoice.number = format!("QB-{}", id.1);
        }
        let invoice = self.with_taxes(invoice, row).await?;
        let (invoice, notes) = self.numbered(cause, id, invoice).await?;
        self.create(cause, id, &Record::Invoice(Box::new(invoice)), &entity, notes).await
    }

    /// The invoice under a number that is free in the billing app. Numbers never link (R42, D5): where its own is taken
    /// a notice waits for a person, and an import brings the invoice in under another one and says so (R43, R44).
    async fn numbered(
        &mut self,
        cause: Cause<'_>,
        id: &Id,
        mut invoice: Invoice,
    ) -> Result<(Invoice, Vec<String>), Ending> {
        let same = self.find(BillingQuery::InvoiceNumbered(invoice.number.clone())).await?;
        if same.is_empty() {
            return Ok((invoice, Vec::new()));
        }
        // One that is on its way to QuickBooks is this one, and worth waiting for.
        let free = self.free(id, same).await?;
        if !cause.told.is_of_import() {
            return Err(twin(&invoice.number));
        }
        let number = format!("{}_{}", invoice.number, id.1);
        if !self.find(BillingQuery::InvoiceNumbered(number.clone())).await?.is_empty() {
            return Err(twin(&number));
        }
        let notes = match free.iter().find(|stored| is_twin(&stored.record, &invoice)) {
            Some(stored) => {
                self.about.candidates = candidates(std::slice::from_ref(stored));
                likely_twin(&invoice.number, &number, stored.record.id())
            }
            None => format!("Its number {} is taken in the billing app; it got {number}.", invoice.number),
        };
        invoice.number = number;
        Ok((invoice, vec![notes]))
    }

    async fn make_payment(&mut self, cause: Cause<'_>, id: &Id, row: &WirePayment) -> Result<Link, Ending> {
        if let Some(link) = self.resume(cause, id).await? {
            return Ok(link);
        }
        if row.total_amt.unwrap_or_default() <= Decimal::ZERO {
            return Err(Park::new(
                ParkCause::Amount,
                "No money was received with it in QuickBooks: it only applies credits.",
                "Record it in the billing app by hand, then ignore this entry.",
            )
            .into());
        }
        let entity: Entity = row.clone().into();
        self.not_on_its_way(id, row).await?;
        let paid = self.invoices_paid(cause.told, row).await?;
        let client = self.client_of(cause.told, row.customer_ref.as_ref()).await?;
        let named = (BillingId::of_entity(&id.1), number_of_payment(id));
        let invoice = |id: &QuickBooksId| paid.get(id).cloned();
        let payment = back::new_payment(row, named, &client, invoice, &self.reference)?;
        self.create(cause, id, &Record::Payment(Box::new(payment)), &entity, Vec::new()).await
    }

    /// A Payment that a push is making just now names the payment it stands for: its link is about to come.
    async fn not_on_its_way(&mut self, id: &Id, row: &WirePayment) -> Result<(), Ending> {
        let note = row.private_note.as_deref().unwrap_or_default();
        let number = note.lines().rev().find_map(|line| line.strip_prefix("Payment number: "));
        let Some(number) = number.map(str::trim).filter(|number| !number.is_empty()) else { return Ok(()) };
        let same = self.find(BillingQuery::PaymentNumbered(number.to_owned())).await?;
        let free = self.free(id, same).await?;
        let is_same = |stored: &Stored| matches!(&stored.record, Record::Payment(payment) if Some(payment.amount) == row.total_amt);
        match free.iter().find(|stored| is_same(stored)) {
            None => Ok(()),
            Some(stored) => Err(Park::new(
                ParkCause::LikelyTwin,
                format!("The billing app has a payment {number} of the same amount ({}).", stored.record.id()),
                "If it is the same payment, link the two; if not, take its number out of the memo. Then retry.",
            )
            .into()),
        }
    }

    /// The invoices that a Payment pays; those that are not in the billing app are brought over first (T14, T15).
    async fn invoices_paid(
        &mut self,
        told: Told<'_>,
        row: &WirePayment,
    ) -> Result<HashMap<QuickBooksId, (BillingId, Option<Date>)>, Ending> {
        let ids: Vec<Id> = Paid::of(row)?.into_iter().map(|paid| (Kind::Invoice, paid.invoice)).collect();
        self.know(&ids).await?;
        let missing: Vec<Id> = ids.iter().filter(|id| !self.links.contains_key(*id)).cloned().collect();
        self.read(&missing).await?;
        self.read_what_they_refer_to(&missing).await?;
        if !told.is_of_import() {
            self.after_cut_off(&ids)?;
        }
        let mut invoices = HashMap::new();
        for id in ids {
            let billing_id = match self.links.get(&id) {
                Some(link) => link.billing_id.clone(),
                None => self.bring_paid_invoice(told, &id).await?,
            };
            let date = self.rows.get(&id).and_then(Option::as_ref).and_then(|row| match row {
                Entity::Invoice(invoice) => date_of(invoice),
                _ => None,
            });
            invoices.insert(id.1, (billing_id, date));
        }
        Ok(invoices)
    }

    async fn bring_paid_invoice(&mut self, told: Told<'_>, id: &Id) -> Result<BillingId, Ending> {
        let Some(Entity::Invoice(row)) = self.row(id).await? else {
            return Err(missing_invoice(&id.1.to_string(), "it is gone from QuickBooks"));
        };
        let number = row.doc_number.clone().unwrap_or_else(|| id.1.to_string());
        if !told.is_of_import() && !self.company.settings.directions.invoice.pulls() {
            return Err(missing_invoice(&number, "invoices are not brought over (see their direction)"));
        }
        let link = self.make_invoice(Cause { told, own: false }, id, &row).await?;
        Ok(link.billing_id)
    }

    /// Payments of invoices before the cut-off date stay out as those do (D8).
    fn after_cut_off(&self, ids: &[Id]) -> Result<(), Ending> {
        let Some(cut_off) = self.company.settings.cut_off else { return Ok(()) };
        let before = ids.iter().filter(|id| !self.links.contains_key(*id)).filter_map(|id| {
            match self.rows.get(id)?.as_ref()? {
                Entity::Invoice(invoice) => date_of(invoice).filter(|dated| *dated < cut_off),
                _ => None,
            }
        });
        let before: Vec<Date> = before.collect();
        match before.first() {
            None => Ok(()),
            Some(dated) if before.len() == ids.len() => {
                Err(SkipReason::BeforeCutOff { dated: *dated, cut_off }.into())
            }
            Some(_) => Err(Park::new(
                ParkCause::MissingRecord,
                format!("It pays invoices on both sides of the cut-off date {cut_off}; those before it are not synced."),
                "Record the payment in the billing app by hand and ignore this entry, or move the cut-off date back.",
            )
            .into()),
        }
    }

    /// The client of a transaction's Customer, made on the fly if need be (R16 the other way, D9).
    async fn client_of(&mut self, told: Told<'_>, reference: Option<&Ref>) -> Result<BillingId, Ending> {
        let id = reference.and_then(|reference| QuickBooksId::new(reference.id()).ok());
        let Some(id) = id.map(|id| (Kind::Client, id)) else {
            return Err(missing("The Customer that it names cannot be read."));
        };
        self.know(std::slice::from_ref(&id)).await?;
        if let Some(link) = self.links.get(&id) {
            return Ok(link.billing_id.clone());
        }
        let Some(Entity::Customer(row)) = self.row(&id).await? else {
            return Err(missing("Its Customer is gone from QuickBooks."));
        };
        Ok(self.make_client(Cause { told, own: false }, &id, &row).await?.billing_id)
    }

    /// What the Items on an Invoice's lines are in the billing app, made on the fly if need be (R17 the other way, D9).
    async fn sold_on(
        &mut self,
        told: Told<'_>,
        row: &WireInvoice,
    ) -> Result<HashMap<QuickBooksId, Sold>, Ending> {
        let items = back::items(row);
        let ids: Vec<Id> = items.iter().map(|(id, _)| (Kind::Product, id.clone())).collect();
        self.know(&ids).await?;
        let missing: Vec<Id> = ids.iter().filter(|id| !self.links.contains_key(*id)).cloned().collect();
        self.read(&missing).await?;
        let mut sold = HashMap::new();
        for (item, shown) in items {
            let id = (Kind::Product, item.clone());
            let link = match self.links.get(&id).cloned() {
                Some(link) => link,
                None => {
                    let Some(Entity::Item(row)) = self.row(&id).await? else {
                        return Err(missing_item(&shown));
                    };
                    self.make_product(Cause { told, own: false }, &id, &row).await?
                }
            };
            let key = self.key_of(&link, &shown).await?;
            sold.insert(item, Sold::of(&link.billing_id, &key));
        }
        Ok(sold)
    }

    /// The key of a product as the billing app writes it. `shown` is the Item's name on a line.
    async fn key_of(&mut self, link: &Link, shown: &str) -> Result<String, Ending> {
        let known = link.product_key.clone().unwrap_or_default();
        let last = shown.rsplit(':').next().unwrap_or_default();
        if link.billing_id.is_stand_in() {
            return Ok(if last.to_lowercase() == known { last.to_owned() } else { known });
        }
        let heard = self.keys.lock().unwrap_or_else(PoisonError::into_inner).get(&link.billing_id).cloned();
        if let Some(key) = heard {
            return Ok(key);
        }
        let fetched = self.ports.billing.fetch(&self.books.company, Kind::Product, &link.billing_id).await?;
        let key = match fetched {
            Some(Stored { record: Record::Product(product), .. }) => product.key,
            _ => known,
        };
        let mut heard = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        heard.insert(link.billing_id.clone(), key.clone());
        Ok(key)
    }

    async fn find(&self, wanted: BillingQuery) -> Result<Vec<Stored>, Ending> {
        match self.known(&wanted).await {
            Known::Lacking => Ok(Vec::new()),
            Known::InGroup(_) | Known::Nothing => {
                Ok(self.ports.billing.find(&self.books.company, &wanted).await?)
            }
        }
    }

    /// What an import knows without looking.
    pub(super) async fn known(&self, wanted: &BillingQuery) -> Known {
        let Ports { billing, clock, .. } = self.ports;
        match self.register {
            Some(register) => register.look(billing, clock, &self.books.company, wanted).await,
            None => Known::Nothing,
        }
    }

    /// The record as it would be pushed now; none if it could not be.
    pub(super) async fn forward(&mut self, record: &Record) -> Result<Option<Entity>, Ending> {
        Ok(match record {
            Record::Client(client) => customer::map(client, None, &self.reference).ok().map(Into::into),
            Record::Product(product) => Some(item::fields(product, &self.reference).into()),
            Record::Invoice(bill) => {
                let products = invoice::products(bill, &self.reference).unwrap_or_default();
                let mut keys: Vec<LinkKey> = products.iter().flat_map(item::ledger_keys).collect();
                keys.push(LinkKey::Billing(Kind::Client, bill.client_id.clone()));
                self.read_entries(keys).await?;
                let Some(client) = self.linked(&LinkKey::Billing(Kind::Client, bill.client_id.clone()))
                else {
                    return Ok(None);
                };
                let item =
                    |product: &Product| item::ledger_keys(product).iter().find_map(|key| self.linked(key));
                invoice::map(bill, &client, item, &self.company.settings, &self.reference)
                    .ok()
                    .map(Into::into)
            }
            Record::Payment(paid) => {
                let of = |id: &BillingId| LinkKey::Billing(Kind::Invoice, id.clone());
                let mut keys: Vec<LinkKey> =
                    paid.allocations.iter().map(|allocation| of(&allocation.invoice_id)).collect();
                let client = LinkKey::Billing(Kind::Client, paid.client_id.clone());
                keys.push(client.clone());
                self.read_entries(keys).await?;
                let Some(client) = self.linked(&client) else { return Ok(None) };
                let invoice = |id: &BillingId| self.linked(&of(id));
                payment::map(paid, &client, invoice, &self.company.settings, &self.reference)
                    .ok()
                    .map(Into::into)
            }
        })
    }

    /// The invoice with the taxes that automated sales tax has put on each of its lines (R46).
    async fn with_taxes(&mut self, bill: Invoice, row: &WireInvoice) -> Result<Invoice, Ending> {
        let record = Record::Invoice(Box::new(bill.clone()));
        let sent = self.forward(&record).await?;
        let answer = self.taxes(&record, sent.as_ref(), &row.clone().into());
        Ok(answer.map_or(bill.clone(), |answer| answer.applied_to(&bill)))
    }

    /// What automated sales tax charges for an invoice that is mapped as `sent`.
    pub(super) fn taxes(&self, record: &Record, sent: Option<&Entity>, row: &Entity) -> Option<TaxAnswer> {
        let (Record::Invoice(bill), Some(Entity::Invoice(sent)), Entity::Invoice(row)) = (record, sent, row)
        else {
            return None;
        };
        Some(Question::of(bill, sent, &self.reference)?.answered(row))
    }

    fn linked(&self, key: &LinkKey) -> Option<QuickBooksId> {
        match self.entries.get(key)? {
            Entry::Linked(link) => Some(link.quickbooks_id.clone()),
            Entry::Pending(_) => None,
        }
    }

    /// The record with the members of its entity that are to be taken.
    pub(super) async fn back(
        &mut self,
        told: Told<'_>,
        before: &Record,
        ours: Option<&Entity>,
        row: &Entity,
        take: &[String],
    ) -> Result<Record, Ending> {
        let members = Members::Some(take);
        let takes = |wanted: &[&str]| take.iter().any(|name| wanted.contains(&name.as_str()));
        Ok(match (before, row) {
            (Record::Client(client), Entity::Customer(row)) => {
                Record::Client(Box::new(back::client(client, row, members, &self.reference)))
            }
            (Record::Product(product), Entity::Item(row)) => {
                Record::Product(back::product(product, row, members))
            }
            (Record::Invoice(bill), Entity::Invoice(row)) => {
                let client = match takes(&["CustomerRef"]) {
                    true => self.client_of(told, row.customer_ref.as_ref()).await?,
                    false => bill.client_id.clone(),
                };
                let lines = takes(&["Line", "TxnTaxDetail", "GlobalTaxCalculation", "ApplyTaxAfterDiscount"]);
                let sold = if lines { self.sold_on(told, row).await? } else { HashMap::new() };
                let sold = |item: &QuickBooksId| sold.get(item).cloned();
                let ours = match ours {
                    Some(Entity::Invoice(ours)) => Some(&**ours),
                    _ => None,
                };
                let mut after = back::invoice(bill, ours, row, members, &client, sold, &self.reference)?;
                back::custom_fields(&mut after, row, members, &self.company.settings);
                let after = if lines { self.with_taxes(after, row).await? } else { after };
                Record::Invoice(Box::new(after))
            }
            (Record::Payment(paid), Entity::Payment(row)) => {
                let client = match takes(&["CustomerRef"]) {
                    true => self.client_of(told, row.customer_ref.as_ref()).await?,
                    false => paid.client_id.clone(),
                };
                let invoices =
                    if takes(&["Line"]) { self.invoices_paid(told, row).await? } else { HashMap::new() };
                let invoice = |id: &QuickBooksId| invoices.get(id).cloned();
                let after = back::payment(paid, row, members, &client, invoice, &self.reference)?;
                Record::Payment(Box::new(after))
            }
            _ => return Err(again("the record is of another kind than its entity")),
        })
    }
}

fn date_of(row: &WireInvoice) -> Option<Date> {
    row.txn_date.as_deref()?.parse().ok()
}

impl Pull<'_> {
    /// The one record that fits, if one does. Several are told, and none is taken (D2).
    fn only(&mut self, kind: Kind, name: &str, mut fitting: Vec<Stored>) -> Result<Option<Stored>, Ending> {
        if fitting.len() < 2 {
            return Ok(fitting.pop());
        }
        self.about.candidates = candidates(&fitting);
        let listed: Vec<String> = fitting
            .iter()
            .map(|stored| format!("{} (id {})", stored.record.label(), stored.record.id()))
            .collect();
        Err(Park::new(
            ParkCause::Ambiguous,
            format!(
                "\"{name}\" of QuickBooks fits more than one {kind} of the billing app: {}.",
                listed.join(", ")
            ),
            "Map it to the right one by hand, then retry.",
        )
        .into())
    }
}

fn candidates(fitting: &[Stored]) -> Vec<Candidate> {
    let candidate = |stored: &Stored| Candidate {
        billing_id: stored.record.id().clone(),
        label: stored.record.label().to_owned(),
    };
    fitting.iter().map(candidate).collect()
}

/// Whether a record of the same number is for the same client and of the same total (D5).
fn is_twin(record: &Record, invoice: &Invoice) -> bool {
    matches!(record, Record::Invoice(other) if other.client_id == invoice.client_id && other.amount == invoice.amount)
}

fn likely_twin(number: &str, given: &str, other: &BillingId) -> String {
    format!(
        "The billing app has an invoice {number} of the same total for the same client ({other}), likely this very one. It was brought in as {given} all the same: numbers never link. Delete one of the two, or link them by hand."
    )
}

fn taken(kind: Kind, name: &str) -> Ending {
    Park::new(
        ParkCause::AlreadyLinked,
        format!(
            "The billing app's {kind} \"{name}\" is the counterpart of something else in QuickBooks already."
        ),
        format!("Give one of the two another name, or map the {kind} by hand; then retry."),
    )
    .into()
}

fn unmapped(kind: Kind, name: &str) -> Ending {
    Park::new(
        ParkCause::Unmapped,
        format!("\"{name}\" of QuickBooks is mapped to no {kind}, and making missing {kind}s on the fly is switched off."),
        format!("Map the {kind} by hand, or switch creation on; then retry."),
    )
    .into()
}

fn twin(number: &str) -> Ending {
    Park::new(
        ParkCause::LikelyTwin,
        format!("The billing app has an invoice {number} already."),
        "If it is the same invoice, link the two; if not, change one of the numbers. Then retry.",
    )
    .into()
}

fn missing(what: &str) -> Ending {
    Park::new(ParkCause::MissingRecord, what, "Correct it in QuickBooks, then retry.").into()
}

fn missing_item(name: &str) -> Ending {
    missing(&format!("The Item \"{name}\" of a line is gone from QuickBooks."))
}

fn missing_invoice(number: &str, why: &str) -> Ending {
    Park::new(
        ParkCause::MissingRecord,
        format!("It pays invoice {number}, which is not in the billing app: {why}."),
        "Bring the invoice over, or record the payment by hand; then retry or ignore.",
    )
    .into()
}

fn billed_to_sub_customer(row: &Customer) -> Ending {
    Park::new(
        ParkCause::Unmapped,
        format!(
            "It is for the sub-customer \"{}\", and sub-customers cannot be mapped.",
            row.display_name.as_deref().unwrap_or_default()
        ),
        "Name the customer above it in QuickBooks, then retry; or record it by hand.",
    )
    .into()
}
