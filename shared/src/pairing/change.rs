//! Linking, changing and clearing pairs.

use std::collections::{BTreeMap, HashMap};

use futures::StreamExt;
use quickbooks_wire::Entity;
use quickbooks_wire::query::{Query, is_in};

use super::directory::{Directories, quickbooks_row};
use super::{Pairs, Row};
use crate::event;
use crate::history::{self, History};
use crate::ids::{BillingId, Books, EventId, QuickBooksId};
use crate::link::{Entry, Fingerprints, Link, LinkKey, MatchedBy};
use crate::mapping::{customer, fields, item};
use crate::model::{Kind, Record};
use crate::outcome::{DoneAction, ParkCause};
use crate::parked::{self, Which};
use crate::plan;
use crate::ports::{
    Billing, BillingError, CallError, Clock, Companies, Connector, Ledger, LinkError, OpenError, PushQueue,
    StoreError,
};
use crate::reference::Reference;

/// Values in one `IN (…)`.
const VALUES: usize = 40;
/// Records that are read at a time.
const CONCURRENT: usize = 8;

/// What mapping works with.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// Tenants.
    pub companies: &'a dyn Companies,
    /// Who is linked with whom.
    pub ledger: &'a dyn Ledger,
    /// The same as a list.
    pub pairs: &'a dyn Pairs,
    /// The names of both sides.
    pub directories: &'a dyn Directories,
    /// The way to each company's QuickBooks.
    pub connector: &'a dyn Connector,
    /// The billing app.
    pub billing: &'a dyn Billing,
    /// What waits for a mapping.
    pub history: &'a dyn History,
    /// Where it goes once it is mapped.
    pub pushes: &'a dyn PushQueue,
    /// The time.
    pub clock: &'a dyn Clock,
}

/// Why a pair was not linked or cleared. Nothing is changed then.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Only clients and products are mapped.
    #[error("only clients and products are mapped by hand")]
    Kind,
    /// The company is not connected.
    #[error("the company is not connected with QuickBooks")]
    NotConnected,
    /// QuickBooks does not have the entity, or no longer.
    #[error("QuickBooks does not have it any more; read the names again")]
    NoEntity,
    /// A sub-customer, a category or a bundle (R41, R87).
    #[error("{0} cannot be mapped: sub-customers, categories and bundles are not supported")]
    Barred(String),
    /// The billing app has not told the record yet, and cannot be asked for it.
    #[error("the billing app has not sent this record yet; save it there once, then map it")]
    UnknownRecord,
    /// The entity belongs to another record.
    #[error("it is mapped to record {0} already; clear that mapping first")]
    Taken(BillingId),
    /// Somebody else changes the record at this moment.
    #[error("somebody else is changing it at this moment; try again")]
    Busy,
    /// A side does not answer.
    #[error("{0}")]
    Later(String),
    /// A store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<CallError> for Refusal {
    fn from(error: CallError) -> Refusal {
        Refusal::Later(error.to_string())
    }
}

impl From<OpenError> for Refusal {
    fn from(error: OpenError) -> Refusal {
        match error {
            OpenError::NotConnected => Refusal::NotConnected,
            OpenError::Store(error) => Refusal::Store(error),
            OpenError::Later(reason) => Refusal::Later(reason),
        }
    }
}

impl From<BillingError> for Refusal {
    fn from(error: BillingError) -> Refusal {
        match error {
            BillingError::Store(error) => Refusal::Store(error),
            other => Refusal::Later(other.to_string()),
        }
    }
}

impl From<LinkError> for Refusal {
    fn from(error: LinkError) -> Refusal {
        match error {
            LinkError::QuickBooksTaken(other) => Refusal::Taken(other),
            LinkError::BillingTaken(_) | LinkError::Changed | LinkError::TooLong => Refusal::Busy,
            LinkError::Store(error) => Refusal::Store(error),
        }
    }
}

/// Links a record with an entity, in place of the one that it is linked with, and tries again what waited for that.
/// Neither side is written to.
///
/// # Errors
/// As [`Refusal`] says.
pub async fn link(
    ports: Ports<'_>,
    books: &Books,
    kind: Kind,
    billing: &BillingId,
    quickbooks: &QuickBooksId,
) -> Result<(), Refusal> {
    let pair = (billing.clone(), quickbooks.clone());
    let mut ends = link_all(ports, books, kind, &[pair], MatchedBy::Person).await?;
    ends.pop().map_or(Ok(()), |(_, end)| end)
}

/// What became of each record.
pub type Ends = Vec<(BillingId, Result<(), Refusal>)>;

/// Links many, reading QuickBooks as seldom as possible. Tells what became of each; one that is refused does not hold
/// up the others.
///
/// # Errors
/// Nothing was linked.
pub async fn link_all(
    ports: Ports<'_>,
    books: &Books,
    kind: Kind,
    pairs: &[(BillingId, QuickBooksId)],
    by: MatchedBy,
) -> Result<Ends, Refusal> {
    if !super::KINDS.contains(&kind) {
        return Err(Refusal::Kind);
    }
    let reference = ports.companies.reference(books).await?.ok_or(Refusal::NotConnected)?;
    let rows = entities(ports, books, kind, pairs).await?;
    let keys: Vec<LinkKey> = pairs.iter().map(|(id, _)| LinkKey::Billing(kind, id.clone())).collect();
    let entries = ports.ledger.entries(books, &keys).await?;
    let linking = Linking { ports, books, kind, reference: &reference, rows: &rows, entries: &entries, by };
    let ends = pairs.iter().map(|pair| async { (pair.0.clone(), linking.one(pair).await) });
    let ends: Ends = futures::stream::iter(ends.collect::<Vec<_>>()).buffered(CONCURRENT).collect().await;
    let linked: Vec<(Kind, BillingId)> =
        ends.iter().filter(|(_, end)| end.is_ok()).map(|(id, _)| (kind, id.clone())).collect();
    try_waiting_again(ports, books, &linked).await?;
    Ok(ends)
}

/// Takes a record's mapping away; false if it has none.
///
/// # Errors
/// As [`Refusal`] says.
pub async fn clear(
    ports: Ports<'_>,
    books: &Books,
    kind: Kind,
    billing: &BillingId,
) -> Result<bool, Refusal> {
    if !super::KINDS.contains(&kind) {
        return Err(Refusal::Kind);
    }
    let key = LinkKey::Billing(kind, billing.clone());
    match ports.ledger.entries(books, std::slice::from_ref(&key)).await?.remove(&key) {
        Some(Entry::Linked(link)) => {
            ports.pairs.unlink(books, &link).await?;
            Ok(true)
        }
        Some(Entry::Pending(_)) => Err(Refusal::Busy),
        None => Ok(false),
    }
}

async fn entities(
    ports: Ports<'_>,
    books: &Books,
    kind: Kind,
    pairs: &[(BillingId, QuickBooksId)],
) -> Result<HashMap<String, Entity>, Refusal> {
    let entity = if kind == Kind::Product { "Item" } else { "Customer" };
    let ids: Vec<&str> = pairs.iter().map(|(_, id)| id.as_str()).collect();
    let queries: Vec<Query> =
        ids.chunks(VALUES).map(|some| Query::from(entity).filter(is_in("Id", some)).max(1000)).collect();
    if queries.is_empty() {
        return Ok(HashMap::new());
    }
    let quickbooks = ports.connector.open(books).await?;
    let rows = quickbooks.query(&queries).await?.into_iter().flatten();
    Ok(rows.filter_map(|row| Some((row.id()?.to_owned(), row))).collect())
}

/// What linking a number of records has at hand.
struct Linking<'a> {
    ports: Ports<'a>,
    books: &'a Books,
    kind: Kind,
    reference: &'a Reference,
    rows: &'a HashMap<String, Entity>,
    entries: &'a HashMap<LinkKey, Entry>,
    by: MatchedBy,
}

impl Linking<'_> {
    async fn one(&self, (billing, quickbooks): &(BillingId, QuickBooksId)) -> Result<(), Refusal> {
        let row = self.rows.get(quickbooks.as_str()).ok_or(Refusal::NoEntity)?;
        if let Some(Row { name, .. }) = quickbooks_row(row).filter(|row| row.barred) {
            return Err(Refusal::Barred(name));
        }
        let present = match self.entries.get(&LinkKey::Billing(self.kind, billing.clone())) {
            Some(Entry::Pending(_)) => return Err(Refusal::Busy),
            Some(Entry::Linked(link)) if link.quickbooks_id == *quickbooks => return Ok(()),
            Some(Entry::Linked(link)) => Some(link),
            None => None,
        };
        let record = self.record(billing).await?;
        let mapped = record.as_ref().and_then(|record| self.mapped(record));
        let link = match (present, &mapped) {
            (None, None) => return Err(Refusal::UnknownRecord),
            (_, Some(mapped)) => self.new_link(billing, quickbooks, row, mapped, present, record.as_ref()),
            (Some(present), None) => moved(present, quickbooks, row, self.by, self.event()),
        };
        match present {
            Some(present) => self.ports.ledger.relink(self.books, present, &link).await?,
            None => self.ports.ledger.link(self.books, &link, None).await?,
        }
        Ok(())
    }

    /// The record as the billing app has it, or as it last told it in an event that waits.
    async fn record(&self, id: &BillingId) -> Result<Option<Record>, Refusal> {
        match self.ports.billing.fetch(&self.books.company, self.kind, id).await {
            Ok(Some(stored)) => return Ok(Some(stored.record)),
            Ok(None) | Err(BillingError::NotOffered) => {}
            Err(error) => return Err(error.into()),
        }
        let told = self.ports.history.of_record(&self.books.company, self.kind, id, 20).await?;
        let bodies = told.iter().filter_map(|entry| entry.event_json.as_deref());
        let read = |body: &str| event::read(body).into_iter().find_map(|received| received.event.ok()?.data);
        Ok(bodies.filter_map(read).next())
    }

    fn mapped(&self, record: &Record) -> Option<Entity> {
        match record {
            Record::Client(client) => {
                customer::map(client, client.currency.as_deref(), self.reference).ok().map(Entity::from)
            }
            Record::Product(product) => Some(item::fields(product, self.reference).into()),
            _ => None,
        }
    }

    fn event(&self) -> EventId {
        EventId::of_person(self.ports.clock.now())
    }

    fn new_link(
        &self,
        billing: &BillingId,
        quickbooks: &QuickBooksId,
        row: &Entity,
        mapped: &Entity,
        present: Option<&Link>,
        record: Option<&Record>,
    ) -> Link {
        let product_key = match record {
            Some(Record::Product(product)) => Some(item::ledger_key(product)),
            _ => None,
        };
        seen(
            Link {
                kind: self.kind,
                billing_id: billing.clone(),
                quickbooks_id: quickbooks.clone(),
                sync_token: String::new(),
                last_updated: String::new(),
                pushed: fields::fingerprints(mapped),
                seen: Fingerprints::new(),
                billing_time: present.map_or(jiff::Timestamp::UNIX_EPOCH, |link| link.billing_time),
                last_event: self.event(),
                last_action: DoneAction::Linked,
                last_notes: Vec::new(),
                taxes: None,
                taxes_written: None,
                edited: plan::differences(mapped, row),
                matched_at: row.last_updated_time().and_then(|time| time.parse().ok()),
                matched_by: self.by,
                generation: present.map_or(0, |link| link.generation),
                withdrawn: false,
                billing_seen: None,
                recreated: None,
                product_key,
                attempt: None,
                pulled: None,
                revision: present.map_or(1, |link| link.revision + 1),
            },
            row,
        )
    }
}

/// A link that goes on to another entity, when the record itself is not at hand: what was pushed counts on.
fn moved(present: &Link, quickbooks: &QuickBooksId, row: &Entity, by: MatchedBy, event: EventId) -> Link {
    seen(
        Link {
            quickbooks_id: quickbooks.clone(),
            last_event: event,
            last_action: DoneAction::Linked,
            last_notes: Vec::new(),
            edited: BTreeMap::new(),
            matched_at: row.last_updated_time().and_then(|time| time.parse().ok()),
            matched_by: by,
            attempt: None,
            pulled: None,
            revision: present.revision + 1,
            ..present.clone()
        },
        row,
    )
}

fn seen(link: Link, row: &Entity) -> Link {
    Link {
        sync_token: row.sync_token().unwrap_or_default().to_owned(),
        last_updated: row.last_updated_time().unwrap_or_default().to_owned(),
        seen: fields::fingerprints(row),
        ..link
    }
}

/// Whether an event that waits tells of a record that refers to one of these.
fn refers_to(body: Option<&str>, linked: &[(Kind, BillingId)]) -> bool {
    let records = body.map(event::read).unwrap_or_default().into_iter();
    let is_linked = |kind: Kind, id: &BillingId| linked.iter().any(|(of, one)| *of == kind && one == id);
    records.filter_map(|received| received.event.ok()?.data).any(|record| match &record {
        Record::Invoice(invoice) => {
            let products = invoice.lines.iter().filter_map(|line| line.product_id.as_ref());
            is_linked(Kind::Client, &invoice.client_id)
                || products.into_iter().any(|id| is_linked(Kind::Product, id))
        }
        Record::Payment(payment) => is_linked(Kind::Client, &payment.client_id),
        Record::Client(_) | Record::Product(_) => false,
    })
}

/// The sorts of reasons that a mapping ends.
const ENDED_BY_MAPPING: [ParkCause; 5] = [
    ParkCause::Unmapped,
    ParkCause::Ambiguous,
    ParkCause::NameTaken,
    ParkCause::AlreadyLinked,
    ParkCause::MissingRecord,
];

/// Puts back on the queue what waits for these records, what refers to them, and what waits of their own.
async fn try_waiting_again(
    ports: Ports<'_>,
    books: &Books,
    linked: &[(Kind, BillingId)],
) -> Result<(), StoreError> {
    if linked.is_empty() {
        return Ok(());
    }
    let (company, now) = (&books.company, ports.clock.now());
    let own = |kind: Option<Kind>, id: Option<&BillingId>| {
        linked.iter().any(|(of, record)| kind == Some(*of) && id == Some(record))
    };
    let parked = ports.history.parked(company).await?;
    let waiting = parked.iter().filter(|entry| {
        own(entry.kind, entry.billing_id.as_ref())
            || entry.result.waits_for().is_some_and(|record| linked.contains(record))
            || (history::cause_of(entry).is_some_and(|cause| ENDED_BY_MAPPING.contains(&cause))
                && refers_to(entry.event_json.as_deref(), linked))
    });
    for entry in waiting {
        parked::retry(ports.history, ports.pushes, company, &Which::Event(entry.event.clone()), now).await?;
    }
    Ok(())
}
