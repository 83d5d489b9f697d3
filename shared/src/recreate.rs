//! Making a record anew that was deleted in the billing app because its entity was voided or deleted in QuickBooks, out of
//! what the activity log keeps of it (D4).
//!
//! The old link stays as it is and notes the new record, so that what referred to the old one finds it and nothing is made
//! twice. The new record is a record like any other: where the direction lets it, its own event gives it a new counterpart.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::activity::{Activity, ActivityResult, Side};
use crate::ids::{BillingId, Books, CompanyId, EventId};
use crate::link::{Entry, Intent, Link, LinkKey};
use crate::mapping::fields;
use crate::model::{Kind, Record};
use crate::outcome::{Done, DoneAction};
use crate::ports::{
    ActivityLog, Billing, BillingError, BillingQuery, Clock, Companies, Ledger, LinkError, StoreError, Stored,
};

/// What the number of a payment made anew begins with: the app gives the deleted one's to no other.
const AGAIN: &str = "R-";
/// How often a record that was made anew may have been made anew itself.
const GENERATIONS: usize = 50;

/// What it works with.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// The companies.
    pub companies: &'a dyn Companies,
    /// Which records are counterparts.
    pub ledger: &'a dyn Ledger,
    /// What was removed, and that it is there again.
    pub activity: &'a dyn ActivityLog,
    /// Where the record is made.
    pub billing: &'a dyn Billing,
    /// The time.
    pub clock: &'a dyn Clock,
}

/// A record that is there again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recreated {
    /// Its kind.
    pub kind: Kind,
    /// The id of the one that was deleted.
    pub before: BillingId,
    /// Its id now.
    pub billing_id: BillingId,
    /// What a person calls it.
    pub label: String,
    /// It was made anew before, and nothing was done this time.
    pub was_there: bool,
}

/// Why a record is not made anew. Whatever can pass may be tried again: nothing is made twice.
#[derive(Debug, thiserror::Error)]
pub enum RecreateError {
    /// The activity log has no such entry, or it is no deletion.
    #[error("the activity log keeps no deleted record under this event")]
    NothingKept,
    /// It belonged to another QuickBooks company, or to none any more.
    #[error(
        "the record belonged to a QuickBooks company that is connected no more; make it in the billing app by hand"
    )]
    OtherBooks,
    /// The record was not deleted after all, or restored.
    #[error("the {0} {1} is in the billing app: there is nothing to make anew")]
    IsThere(Kind, BillingId),
    /// What it refers to is gone too.
    #[error(
        "the {0} {1} that it refers to is not in the billing app any more; make that anew first, or restore it"
    )]
    Missing(Kind, BillingId),
    /// Its number belongs to another record by now.
    #[error(
        "the billing app has an invoice {0} already; if it is another one, change its number, then try again"
    )]
    NumberTaken(String),
    /// Somebody else is making it anew at this moment.
    #[error("it is just being made anew; look again in two minutes")]
    UnderWay,
    /// The billing app does not let it be made, or cannot be asked.
    #[error(transparent)]
    Billing(#[from] BillingError),
    /// A store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The ledger refuses.
    #[error(transparent)]
    Link(LinkError),
}

impl From<LinkError> for RecreateError {
    fn from(error: LinkError) -> RecreateError {
        match error {
            LinkError::Changed => RecreateError::UnderWay,
            other => RecreateError::Link(other),
        }
    }
}

/// What is recorded before the record is made.
#[derive(Serialize, Deserialize)]
struct Begun {
    record: Record,
}

/// Makes the record anew that the entry of this event and time keeps, with what it refers to as that is now: a payment
/// pays what its invoices have become. Done once already is done, as long as what was made is there: should that have
/// been deleted in turn, the record is made once more.
///
/// # Errors
/// As [`RecreateError`] says; then nothing was made, or the next try finds it.
pub async fn recreate(
    ports: Ports<'_>,
    company: &CompanyId,
    time: Timestamp,
    event: &EventId,
) -> Result<Recreated, RecreateError> {
    let entry = ports.activity.entry(company, time, event).await?;
    let is_deletion = |entry: &Activity| matches!(&entry.result, ActivityResult::Done(done) if done.action == DoneAction::RecordDeleted);
    let entry = entry.filter(is_deletion).ok_or(RecreateError::NothingKept)?;
    let removed = entry.removed.clone().ok_or(RecreateError::NothingKept)?;
    let books = ports.companies.load(company).await?.and_then(|company| company.books());
    let books = books.filter(|books| entry.realm.as_ref() == Some(&books.realm));
    let books = books.ok_or(RecreateError::OtherBooks)?;
    Work { ports, books, entry, removed }.run().await
}

/// One record on its way back.
struct Work<'a> {
    ports: Ports<'a>,
    books: Books,
    entry: Activity,
    removed: Record,
}

/// A record that was made anew last, or that was removed.
struct Latest {
    id: BillingId,
    link: Link,
}

impl Work<'_> {
    async fn run(&self) -> Result<Recreated, RecreateError> {
        let (kind, id) = (self.removed.kind(), self.removed.id());
        let stand_in = BillingId::of_recreation(id);
        let keys = [LinkKey::Billing(kind, id.clone()), LinkKey::Billing(kind, stand_in.clone())];
        let mut entries = self.ports.ledger.entries(&self.books, &keys).await?;
        let Some(Entry::Linked(link)) = entries.remove(&keys[0]) else {
            return Err(RecreateError::OtherBooks);
        };
        let begun = match entries.remove(&keys[1]) {
            Some(Entry::Pending(intent)) => Some(intent),
            Some(Entry::Linked(_)) | None => None,
        };
        let latest = self.latest(link).await?;
        let there = self.ports.billing.fetch(&self.books.company, kind, &latest.id).await?;
        if latest.id != *id && there.as_ref().is_some_and(|stored| !stored.deleted) {
            if let Some(intent) = begun {
                self.ports.ledger.abandon(&self.books, &intent).await?;
            }
            return Ok(self.recreated(latest.id, true));
        }
        let (intent, stored) = match begun {
            Some(intent) => self.go_on(intent).await?,
            None => self.begin(stand_in, there).await?,
        };
        self.finish(latest.link, &intent, &stored).await
    }

    /// The last of those that were made anew, one in place of the other, and the link that names it, or is to name the
    /// next one.
    async fn latest(&self, link: Link) -> Result<Latest, RecreateError> {
        let mut latest = Latest { id: link.billing_id.clone(), link };
        for _ in 0..GENERATIONS {
            let Some(next) = latest.link.recreated.clone() else { break };
            let key = LinkKey::Billing(latest.link.kind, next.clone());
            let entry =
                self.ports.ledger.entries(&self.books, std::slice::from_ref(&key)).await?.remove(&key);
            latest.id = next;
            match entry {
                Some(Entry::Linked(link)) => latest.link = link,
                Some(Entry::Pending(_)) | None => break,
            }
        }
        Ok(latest)
    }

    /// `last` is what was made, or removed, last.
    async fn begin(
        &self,
        stand_in: BillingId,
        last: Option<Stored>,
    ) -> Result<(Intent, Stored), RecreateError> {
        let kind = self.removed.kind();
        if let Some(stored) = last.as_ref().filter(|stored| !stored.deleted) {
            return Err(RecreateError::IsThere(kind, stored.record.id().clone()));
        }
        let record = self.as_it_is_to_be(last.as_ref().map(|stored| &stored.record)).await?;
        if let Record::Invoice(invoice) = &record {
            let number = BillingQuery::InvoiceNumbered(invoice.number.clone());
            if !self.ports.billing.find(&self.books.company, &number).await?.is_empty() {
                return Err(RecreateError::NumberTaken(invoice.number.clone()));
            }
        }
        let body = serde_json::to_string(&Begun { record }).unwrap_or_default();
        let at = self.ports.clock.now();
        // Each attempt has an identity of its own: forgetting an earlier one must not take this one away.
        let attempt = format!("{at} {body}");
        let request_id =
            fields::create_request_id(&self.books, (kind, &stand_in), 0, &self.entry.event, &attempt);
        let (billing_id, generation, told_at, bill, in_batch) = (stand_in, 0, None, None, false);
        let intent = Intent { kind, billing_id, generation, request_id, body, at, told_at, bill, in_batch };
        match self.ports.ledger.begin(&self.books, &intent).await? {
            None => self.create(intent).await,
            Some(_) => Err(RecreateError::UnderWay),
        }
    }

    /// Goes on with what was begun before: what it made is found, or made now if nobody can be at it any more.
    async fn go_on(&self, intent: Intent) -> Result<(Intent, Stored), RecreateError> {
        if let Some(stored) = self.made_before(&intent).await? {
            return Ok((intent, stored));
        }
        let now = self.ports.clock.now();
        if intent.under_way(now).is_some() {
            return Err(RecreateError::UnderWay);
        }
        let next = intent.taken_over(&self.books, &self.entry.event, now);
        self.ports.ledger.take_over(&self.books, &intent, &next).await?;
        self.create(next).await
    }

    async fn create(&self, intent: Intent) -> Result<(Intent, Stored), RecreateError> {
        let Ok(begun) = serde_json::from_str::<Begun>(&intent.body) else {
            self.ports.ledger.abandon(&self.books, &intent).await?;
            return Err(RecreateError::UnderWay);
        };
        match self.ports.billing.create(&self.books.company, &begun.record).await {
            Ok(stored) => Ok((intent, stored)),
            Err(error) => {
                if !matches!(error, BillingError::Unknown(_) | BillingError::Store(_)) {
                    self.ports.ledger.abandon(&self.books, &intent).await?;
                }
                Err(error.into())
            }
        }
    }

    /// What an earlier attempt has made: nothing else has its number.
    async fn made_before(&self, intent: &Intent) -> Result<Option<Stored>, RecreateError> {
        let Ok(begun) = serde_json::from_str::<Begun>(&intent.body) else { return Ok(None) };
        let wanted = match &begun.record {
            Record::Invoice(invoice) => BillingQuery::InvoiceNumbered(invoice.number.clone()),
            Record::Payment(payment) => BillingQuery::PaymentNumbered(payment.number.clone()),
            Record::Client(client) => BillingQuery::ClientNamed(client.name.clone()),
            Record::Product(product) => BillingQuery::ProductKeyed(product.key.clone()),
        };
        Ok(self.ports.billing.find(&self.books.company, &wanted).await?.into_iter().next())
    }

    /// The kept record, referring to what is there now. `last` is what was made, or removed, last.
    async fn as_it_is_to_be(&self, last: Option<&Record>) -> Result<Record, RecreateError> {
        Ok(match self.removed.clone() {
            Record::Invoice(mut invoice) => {
                invoice.client_id = self.now(Kind::Client, &invoice.client_id).await?;
                Record::Invoice(invoice)
            }
            Record::Payment(mut payment) => {
                payment.client_id = self.now(Kind::Client, &payment.client_id).await?;
                for allocation in &mut payment.allocations {
                    allocation.invoice_id = self.now(Kind::Invoice, &allocation.invoice_id).await?;
                }
                let number = last.unwrap_or(&self.removed).label().to_owned();
                payment.number = format!("{AGAIN}{number}");
                Record::Payment(payment)
            }
            other @ (Record::Client(_) | Record::Product(_)) => other,
        })
    }

    /// What has become of a record that is referred to: itself, or what it was made anew as.
    async fn now(&self, kind: Kind, id: &BillingId) -> Result<BillingId, RecreateError> {
        let key = LinkKey::Billing(kind, id.clone());
        let entry = self.ports.ledger.entries(&self.books, std::slice::from_ref(&key)).await?.remove(&key);
        let current = match entry {
            Some(Entry::Linked(link)) => self.latest(link).await?.id,
            Some(Entry::Pending(_)) | None => id.clone(),
        };
        match self.ports.billing.fetch(&self.books.company, kind, &current).await? {
            Some(Stored { deleted: false, .. }) => Ok(current),
            _ => Err(RecreateError::Missing(kind, current)),
        }
    }

    /// Writes down that it is there: for people, and on the old link. Only then is the intent forgotten.
    async fn finish(&self, link: Link, intent: &Intent, stored: &Stored) -> Result<Recreated, RecreateError> {
        let there = stored.record.id().clone();
        let kind = self.removed.kind();
        let entry = Activity {
            company: self.books.company.clone(),
            side: Side::Billing,
            event: EventId::of_recreation(&self.entry.event),
            time: intent.at,
            handled_at: self.ports.clock.now(),
            realm: Some(self.books.realm.clone()),
            kind: Some(kind),
            billing_id: Some(there.clone()),
            label: stored.record.label().to_owned(),
            quickbooks_id: None,
            result: ActivityResult::Done(Done {
                action: DoneAction::RecordCreated,
                quickbooks_id: link.quickbooks_id.clone(),
                notes: vec![format!(
                    "It was made anew in place of {kind} {}, which was deleted when it went from QuickBooks.",
                    self.removed.id()
                )],
                taxes: None,
            }),
            event_json: None,
            removed: None,
        };
        self.ports.activity.record(&[entry]).await?;
        let marked = Link { recreated: Some(there.clone()), revision: link.revision + 1, ..link };
        self.ports.ledger.refresh(&self.books, &marked).await?;
        self.ports.ledger.abandon(&self.books, intent).await?;
        Ok(self.recreated(there, false))
    }

    fn recreated(&self, billing_id: BillingId, was_there: bool) -> Recreated {
        Recreated {
            kind: self.removed.kind(),
            before: self.removed.id().clone(),
            billing_id,
            label: self.removed.label().to_owned(),
            was_there,
        }
    }
}
