//! What each kind of record needs: its counterparts first, then itself.

use quickbooks_wire::{Customer, Entity};

use super::attempt::Settled;
use super::batch::{Batch, Ending};
use super::subject::Subject;
use crate::event::{EntityEvent, Verb};
use crate::ids::{BillingId, QuickBooksId};
use crate::link::{Entry, Link, LinkKey};
use crate::mapping::{customer, fields, invoice, item, payment};
use crate::matching::{self, Wanted};
use crate::model::{Client, Invoice, Kind, Payment, Product, Record};
use crate::outcome::{Done, DoneAction, Park, ParkCause, SkipReason};
use crate::plan;
use crate::ports::Stored;
use crate::pull;

impl Batch<'_> {
    /// Brings QuickBooks in step with one event.
    pub(super) async fn record(&mut self, event: &EntityEvent) -> Result<Done, Ending> {
        if plan::is_withdrawn(event) {
            return self.withdraw(event).await;
        }
        let fetched;
        let (event, record) = match &event.data {
            Some(record) => (event, record.clone()),
            None => {
                fetched = self.fetch_now(event).await?.ok_or_else(|| not_told(event.kind))?;
                let record = fetched.data.clone().ok_or_else(|| not_told(event.kind))?;
                (&fetched, record)
            }
        };
        if plan::is_withdrawn(event) {
            return self.withdraw(event).await;
        }
        if let Some(outcome) = plan::excluded(&record, &self.company.settings) {
            return Err(Box::new(outcome));
        }
        if self.was_withdrawn_after(event) {
            return Err(SkipReason::Withdrawn.into());
        }
        plan::open_books(&record, self.reference.book_close_date)?;
        match &record {
            Record::Client(client) => self.client(event, client).await,
            Record::Product(product) => self.product(event, product).await,
            Record::Invoice(bill) => {
                let result = self.invoice(event, bill).await;
                self.write_back(bill, result).await
            }
            Record::Payment(paid) => self.payment(event, paid).await,
        }
    }

    /// The event as if it came with its record as that is now, which may be later; none if the billing app does not have
    /// it to give.
    pub(super) async fn fetch_now(&mut self, event: &EntityEvent) -> Result<Option<EntityEvent>, Ending> {
        let fetched = self.ports.billing.fetch(&event.company, event.kind, &event.subject).await?;
        let Some(Stored { record, updated_at, deleted }) = fetched else { return Ok(None) };
        let carrying = EntityEvent {
            data: Some(record),
            time: event.time.max(updated_at),
            verb: if deleted { Verb::Deleted } else { event.verb },
            ..event.clone()
        };
        self.look_up(&[&carrying]).await?;
        Ok(Some(carrying))
    }

    async fn client(&mut self, event: &EntityEvent, client: &Client) -> Result<Done, Ending> {
        let mapped = customer::map(client, None, &self.reference)?;
        let subject = Subject::of(event, Kind::Client, &client.id);
        match self.entry(Kind::Client, &client.id) {
            Some(entry) => self.follow(&subject, entry, mapped.into()).await,
            None => {
                let link = self.establish_client(&subject, client, mapped).await?;
                Ok(link.done())
            }
        }
    }

    async fn establish_client(
        &mut self,
        subject: &Subject<'_>,
        client: &Client,
        mapped: Customer,
    ) -> Result<Link, Ending> {
        let matched = matching::client(client, &self.known().found)?;
        match matched {
            Some((row, by)) => self.adopt(subject, &mapped.into(), &row.into(), by, None).await,
            None => self.create(subject, mapped.into()).await,
        }
    }

    async fn product(&mut self, event: &EntityEvent, product: &Product) -> Result<Done, Ending> {
        let subject = Subject::of(event, Kind::Product, &product.id).with_key(item::ledger_key(product));
        self.give_way_to_stand_in(product).await?;
        if self.entry(Kind::Product, &product.id).is_none()
            && let Some(Entry::Linked(known)) = self.product_entry(product)
            && known.awaits_its_own_event()
        {
            let moving = Subject::dependency(event, Kind::Product, &product.id);
            self.take_over(&moving.with_key(item::ledger_key(product)), product, &known).await?;
        }
        match self.entry(Kind::Product, &product.id) {
            // A line tells less of a product than the product itself: what is linked already stays as it is.
            Some(Entry::Linked(link)) if link.was_met_on_a_line() => {
                let pushed = fields::fingerprints(&item::fields(product, &self.reference).into());
                let last_notes = link.last_notes.clone();
                self.updated(Link { pushed, last_notes, ..subject.next(&link, DoneAction::Linked) }).await
            }
            // An Item that was made of an invoice's line still lacks what only the product's own event tells.
            Some(Entry::Linked(link))
                if !self.company.settings.push_product_edits && !link.awaits_its_own_event() =>
            {
                let mapped = fields::fingerprints(&item::fields(product, &self.reference).into());
                match plan::change(&link, Some(event), &mapped) {
                    plan::Change::Repeated(done) => Ok(done),
                    plan::Change::Skip(SkipReason::Unchanged) => self.unchanged(&subject, &link).await,
                    plan::Change::Skip(reason) => Err(reason.into()),
                    plan::Change::Fields(_) => Err(SkipReason::ProductEdit.into()),
                }
            }
            Some(entry) => self.follow(&subject, entry, item::fields(product, &self.reference).into()).await,
            None => self.establish_product(&subject, product, true).await.map(|link| link.done()),
        }
    }

    /// Makes a product's link: that of its key, if a line was booked on it before its id was known; else that of
    /// the Item that matches; else with a new Item, if `create`.
    async fn establish_product(
        &mut self,
        subject: &Subject<'_>,
        product: &Product,
        create: bool,
    ) -> Result<Link, Ending> {
        let mapped: Entity = item::fields(product, &self.reference).into();
        if let Some(Entry::Linked(known)) = self.product_entry(product) {
            return self.take_over(subject, product, &known).await;
        }
        let matched = matching::product(product, &self.known().found)?;
        match matched {
            Some((row, by)) => self.adopt(subject, &mapped, &row.into(), by, None).await,
            None if create => {
                let mapped = item::map(product, &self.company.settings, &self.reference)?;
                self.create(subject, mapped.into()).await
            }
            None => Err(unmapped(Kind::Product, &item::name(product))),
        }
    }

    /// A link that was made for the product's key becomes the product's own.
    async fn take_over(
        &mut self,
        subject: &Subject<'_>,
        product: &Product,
        known: &Link,
    ) -> Result<Link, Ending> {
        if product.id.is_stand_in() || known.billing_id == product.id {
            return Ok(known.clone());
        }
        if !known.billing_id.is_stand_in() {
            return Err(Park::new(
                ParkCause::AlreadyLinked,
                format!(
                    "Product {} has the key \"{}\" too, and an Item in QuickBooks has one counterpart.",
                    known.billing_id, product.key
                ),
                "Give one of the two products another key, then retry.",
            )
            .into());
        }
        let pushed = match known.awaits_its_own_event() {
            true => known.pushed.clone(),
            false => fields::fingerprints(&item::fields(product, &self.reference).into()),
        };
        let link = Link { billing_id: product.id.clone(), pushed, ..subject.next(known, DoneAction::Linked) };
        self.ports.ledger.link(&self.books, &link, Some(&known.billing_id)).await?;
        self.remember(&link);
        Ok(link)
    }

    async fn invoice(&mut self, event: &EntityEvent, bill: &Invoice) -> Result<Done, Ending> {
        let subject = Subject::of(event, Kind::Invoice, &bill.id);
        if let Some(Entry::Linked(link)) = self.entry(Kind::Invoice, &bill.id)
            && let plan::Change::Repeated(done) = plan::change(&link, Some(event), &link.pushed)
        {
            return Ok(done);
        }
        let known = self.entry(Kind::Invoice, &bill.id);
        if known.is_none() {
            let twin = matching::twin(bill, &self.known().found).and_then(|row| row.id.clone());
            if let Some(row) = twin {
                self.wait_for_pull(Kind::Invoice, &row, &bill.id).await?;
            }
            matching::no_twin(bill, &self.known().found)?;
        }
        // What cannot be booked is told before anything is made for its sake.
        let settings = &self.company.settings;
        invoice::check(bill, settings, &self.reference)?;
        if known.is_none() {
            invoice::check_labels(settings, &self.reference)?;
        }
        let customer = self
            .ensure_client(event, &bill.client_id, bill.client.as_ref(), bill.currency.as_deref())
            .await?;
        for product in invoice::products(bill, &self.reference)? {
            self.ensure_product(event, &product).await?;
        }
        let item = |product: &Product| match self.product_entry(product)? {
            Entry::Linked(link) => Some(link.quickbooks_id),
            Entry::Pending(_) => None,
        };
        let mapped = invoice::map(bill, &customer, item, settings, &self.reference)?;
        let subject = subject.booking(bill, &mapped, settings, &self.reference);
        match known {
            Some(entry) => self.follow(&subject, entry, mapped.into()).await,
            None => Ok(self.create(&subject, mapped.into()).await?.done()),
        }
    }

    async fn payment(&mut self, event: &EntityEvent, paid: &Payment) -> Result<Done, Ending> {
        let subject = Subject::of(event, Kind::Payment, &paid.id);
        if self.entry(Kind::Payment, &paid.id).is_none()
            && let Some(entity) = pull::entity_of_payment(&paid.number)
        {
            self.wait_for_pull(Kind::Payment, &entity, &paid.id).await?;
        }
        let (settings, linked) = (&self.company.settings, |id: &BillingId| self.linked(Kind::Invoice, id));
        payment::check(paid, linked, settings, &self.reference)?;
        if self.entry(Kind::Payment, &paid.id).is_none() {
            payment::check_account(paid, settings, &self.reference)?;
        }
        let customer = self
            .ensure_client(event, &paid.client_id, paid.client.as_ref(), paid.currency.as_deref())
            .await?;
        let invoice = |id: &BillingId| self.linked(Kind::Invoice, id);
        let mapped: Entity = payment::map(paid, &customer, invoice, settings, &self.reference)?.into();
        match self.entry(Kind::Payment, &paid.id) {
            Some(entry) => self.follow(&subject, entry, mapped).await,
            None => Ok(self.create(&subject, mapped).await?.done()),
        }
    }

    /// The Customer of a client that a transaction refers to; made on the fly if need be (R16, D9), whatever the
    /// direction of clients.
    async fn ensure_client(
        &mut self,
        event: &EntityEvent,
        id: &BillingId,
        carried: Option<&Client>,
        currency: Option<&str>,
    ) -> Result<QuickBooksId, Ending> {
        let subject = Subject::dependency(event, Kind::Client, id);
        match self.entry(Kind::Client, id) {
            Some(Entry::Linked(link)) => return Ok(link.quickbooks_id),
            Some(Entry::Pending(intent)) => return Ok(self.resume(&subject, &intent).await?.quickbooks_id),
            None => {}
        }
        let client = match carried.or(self.client_at_hand(id)) {
            Some(client) => client.clone(),
            None => self.fetch_client(event, id).await?,
        };
        let mapped = customer::map(&client, currency, &self.reference)?;
        if !self.company.settings.create_clients && matching::client(&client, &self.known().found)?.is_none()
        {
            return Err(unmapped(Kind::Client, &customer::display_name(&client)));
        }
        Ok(self.establish_client(&subject, &client, mapped).await?.quickbooks_id)
    }

    async fn fetch_client(&mut self, event: &EntityEvent, id: &BillingId) -> Result<Client, Ending> {
        match self.ports.billing.fetch(&event.company, Kind::Client, id).await? {
            Some(Stored { record: Record::Client(client), .. }) => {
                let mut wanted = Wanted::default();
                wanted.client(&client);
                self.ask(&wanted).await?;
                Ok(*client)
            }
            _ => Err(Park::missing(Kind::Client, id).into()),
        }
    }

    /// The Item of a product that a line stands for; made on the fly if need be (R17, D9).
    async fn ensure_product(&mut self, event: &EntityEvent, product: &Product) -> Result<(), Ending> {
        let subject =
            Subject::dependency(event, Kind::Product, &product.id).with_key(item::ledger_key(product));
        self.give_way_to_stand_in(product).await?;
        match self.entry(Kind::Product, &product.id) {
            Some(Entry::Linked(_)) => {}
            Some(Entry::Pending(intent)) if product.id.is_stand_in() && self.has_item(product) => {
                // Its own product has got the Item meanwhile: two of one name there cannot be.
                self.ports.ledger.abandon(&self.books, &intent).await?;
            }
            Some(Entry::Pending(intent)) => {
                self.resume(&subject, &intent).await?;
            }
            None => {
                let create = self.company.settings.create_products;
                self.establish_product(&subject, product, create).await?;
            }
        }
        Ok(())
    }

    /// Takes a deleted or voided record back (D13).
    async fn withdraw(&mut self, event: &EntityEvent) -> Result<Done, Ending> {
        let subject = Subject::of(event, event.kind, &event.subject);
        let link = match self.entry(event.kind, &event.subject) {
            None => {
                self.note_withdrawal(event).await?;
                return Err(SkipReason::NeverPushed.into());
            }
            Some(Entry::Linked(link)) => link,
            Some(Entry::Pending(intent)) => self.resume(&subject, &intent).await?,
        };
        match plan::change(&link, Some(event), &link.pushed) {
            plan::Change::Repeated(done) if done.action != DoneAction::Created => return Ok(done),
            plan::Change::Skip(SkipReason::OutOfDate) => return Err(SkipReason::OutOfDate.into()),
            _ => {}
        }
        let Settled { link, .. } = self.settle(link).await?;
        match &link.attempt {
            Some(attempt) if attempt.action != DoneAction::Updated => {
                return self.withdrawn(subject.next(&link, attempt.action)).await;
            }
            _ if link.withdrawn => {
                // Of older events, bringing it back is out of date by now.
                self.tell_the_time(&subject, &link).await?;
                return Err(SkipReason::AlreadyVoided.into());
            }
            _ => {}
        }
        if link.kind == Kind::Payment {
            self.wait_for_pull(
                Kind::Payment,
                link.quickbooks_id.as_str(),
                &BillingId::of_entity(&link.quickbooks_id),
            )
            .await?;
        }
        if let Some(record) = &event.data {
            plan::open_books(record, self.reference.book_close_date)?;
        }
        match event.kind {
            Kind::Invoice | Kind::Payment => self.void(&subject, &link).await,
            Kind::Client | Kind::Product if self.company.settings.inactivate_deleted => {
                self.inactivate(&subject, &link).await
            }
            kind => Err(SkipReason::KeptActive(kind).into()),
        }
    }

    /// Notes a link for the rest of the batch.
    pub(super) fn remember(&mut self, link: &Link) {
        let mut known = self.known();
        if link.revision == 1 {
            known.made.insert((link.kind, link.billing_id.clone()));
        }
        known
            .entries
            .insert(LinkKey::Billing(link.kind, link.billing_id.clone()), Entry::Linked(link.clone()));
        if let Some(key) = &link.product_key {
            known.entries.insert(LinkKey::ProductKey(key.clone()), Entry::Linked(link.clone()));
        }
        known.found.take(link.kind, link.quickbooks_id.clone(), link.billing_id.clone());
    }
}

fn not_told(kind: Kind) -> Ending {
    Park::new(
        ParkCause::MissingRecord,
        format!("The event does not carry the {kind}, and the billing app does not have it to give."),
        "Send the event again with its data, then ignore this entry.",
    )
    .into()
}

fn unmapped(kind: Kind, name: &str) -> Ending {
    Park::new(
        ParkCause::Unmapped,
        format!(
            "The {kind} \"{name}\" is not mapped, and making missing {kind}s on the fly is switched off."
        ),
        format!("Map the {kind} by hand, or switch creation on; then retry."),
    )
    .into()
}
