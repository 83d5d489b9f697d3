//! A company's books, open for pulling: what is known of them, and one notice after the other.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use quickbooks_wire::Entity;

use super::plan;
use crate::failure::{Failure, classify};
use crate::ids::{BillingId, Books, EventId, QuickBooksId};
use crate::import::{Candidate, Difference, Register};
use crate::link::{Entry, Intent, Link, LinkKey, WORTH_WAITING};
use crate::model::{Kind, Record};
use crate::notice::ChangeNotice;
use crate::outcome::{Done, DoneAction, Outcome, Park, ParkCause, Retry, SkipReason};
use crate::ports::{CallError, QuickBooks};
use crate::push::Ports;
use crate::push::batch::{self, Ending, Failed, Opened, read_reference};
use crate::reference::Reference;
use crate::settings::Company;

/// An entity, by what it is in QuickBooks.
pub(super) type Id = (Kind, QuickBooksId);

/// A notice that is being carried out.
#[derive(Clone, Copy)]
pub(super) struct Told<'n> {
    pub(super) notice: &'n ChangeNotice,
    pub(super) event: &'n EventId,
    pub(super) time: Timestamp,
    pub(super) raw: &'n str,
}

/// What is told of a notice beside its outcome.
#[derive(Clone, Debug, Default)]
pub(crate) struct About {
    pub(crate) billing_id: Option<BillingId>,
    pub(crate) label: String,
    pub(crate) removed: Option<Record>,
    /// Where the two sides differ.
    pub(crate) differences: Vec<Difference>,
    /// The records that the entity may stand for, when there are several.
    pub(crate) candidates: Vec<Candidate>,
}

/// A company's books, open for pulling, with what is known of its entities.
pub(super) struct Pull<'a> {
    pub(super) ports: Ports<'a>,
    pub(super) company: &'a Company,
    pub(super) books: Books,
    pub(super) quickbooks: Arc<dyn QuickBooks>,
    pub(super) reference: Reference,
    /// The entities as QuickBooks has them; none for those that were looked for in vain.
    pub(super) rows: HashMap<Id, Option<Entity>>,
    pub(super) links: HashMap<Id, Link>,
    /// Records that were about to be made of entities.
    pub(super) pending: HashMap<Id, Intent>,
    /// How many attempts to make records of entities were given up.
    pub(super) attempts: HashMap<Id, u32>,
    /// The entities whose links were looked up.
    pub(super) known: HashSet<Id>,
    /// The ledger's entries of billing records, as the mapping needs them.
    pub(super) entries: HashMap<LinkKey, Entry>,
    /// The keys of products, as the billing app writes them.
    pub(super) keys: Arc<Mutex<HashMap<BillingId, String>>>,
    pub(super) about: About,
    /// Set once QuickBooks says that the connection has ended: nothing more is tried in this batch.
    pub(super) ended: Option<Park>,
    /// Entities of which the batch tells more than one change of one second.
    pub(super) crowded: HashSet<Id>,
    /// What an import knows of the billing app's names.
    pub(super) register: Option<&'a Register>,
}

impl Told<'_> {
    pub(super) fn is_of_import(self) -> bool {
        self.notice.is_of_import()
    }
}

impl<'a> Pull<'a> {
    /// Opens the books. A connection that has ended is a reason to park.
    pub(super) async fn open(
        ports: Ports<'a>,
        company: &'a Company,
    ) -> Result<Result<Pull<'a>, Park>, Retry> {
        let Opened { books, quickbooks, reference } = match batch::open(ports, company).await? {
            Ok(opened) => opened,
            Err(park) => return Ok(Err(park)),
        };
        Ok(Ok(Pull {
            ports,
            company,
            books,
            quickbooks,
            reference,
            rows: HashMap::new(),
            links: HashMap::new(),
            pending: HashMap::new(),
            attempts: HashMap::new(),
            known: HashSet::new(),
            entries: HashMap::new(),
            keys: Arc::default(),
            about: About::default(),
            ended: None,
            crowded: HashSet::new(),
            register: None,
        }))
    }

    /// Reads, in as few calls as possible, the entities that the notices are about and that may have changed. `crowded`
    /// names those of which more than one change of one second is told.
    pub(super) async fn look_up(
        &mut self,
        notices: &[&ChangeNotice],
        crowded: HashSet<Id>,
    ) -> Result<(), Ending> {
        self.crowded = crowded;
        let ids = notices.iter().flat_map(|notice| {
            let ids = [Some(&notice.quickbooks_id), plan::merged(notice)];
            ids.into_iter().flatten().map(|id| (notice.kind, id.clone()))
        });
        let ids: Vec<Id> = ids.collect();
        self.know(&ids).await?;
        let due = notices.iter().filter(|notice| !self.is_echo(notice));
        let due: Vec<Id> = due.map(|notice| (notice.kind, notice.quickbooks_id.clone())).collect();
        self.read(&due).await?;
        self.read_what_they_refer_to(&due).await
    }

    fn is_echo(&self, notice: &ChangeNotice) -> bool {
        let id = (notice.kind, notice.quickbooks_id.clone());
        let is_alone = !self.crowded.contains(&id) && !self.pending.contains_key(&id);
        let link = self.links.get(&id).filter(|_| is_alone);
        link.is_some_and(|link| plan::is_echo(notice, link) && !was_carried_out(link, &notice.event_id()))
    }

    /// Where in the batch a notice is carried out.
    pub(super) fn rank(&self, notice: &ChangeNotice) -> u8 {
        let row = self.rows.get(&(notice.kind, notice.quickbooks_id.clone()));
        let is_gone = match row {
            Some(Some(row)) => super::gone::is_voided(row),
            Some(None) => true,
            None => false,
        };
        plan::rank(notice.kind, plan::merged(notice).is_some(), is_gone)
    }

    /// Carries one notice out.
    pub(super) async fn pull(&mut self, told: Told<'_>) -> Outcome {
        let outcome = self.try_pull(told).await;
        match outcome {
            Outcome::Parked(Park { cause: ParkCause::Tax | ParkCause::Settings, .. })
                if batch::is_in_doubt(&self.reference, self.ports.clock.now()) =>
            {
                // Somebody may have added a tax code since the lists were read.
                match read_reference(self.ports, &self.books, &*self.quickbooks).await {
                    Ok(reference) => {
                        self.reference = reference;
                        self.try_pull(told).await
                    }
                    Err(Failed::Later(retry)) => Outcome::Retry(retry),
                    Err(Failed::Ended(park)) => self.end(park),
                }
            }
            other => other,
        }
    }

    /// How a notice that another one replaces has ended before, if it was the last to be carried out of its entity.
    pub(super) async fn ended_before(&self, told: Told<'_>) -> Option<(Outcome, About)> {
        let link = self.links.get(&(told.notice.kind, told.notice.quickbooks_id.clone()))?;
        let done = repeated(link, told.event)?;
        let removed = match done.action {
            DoneAction::RecordDeleted => self.kept_before(told).await.ok()?,
            _ => None,
        };
        let (billing_id, label) = (Some(link.billing_id.clone()), told.notice.quickbooks_id.to_string());
        Some((Outcome::Done(done), About { billing_id, label, removed, ..About::default() }))
    }

    async fn try_pull(&mut self, told: Told<'_>) -> Outcome {
        self.about = About { label: told.notice.quickbooks_id.to_string(), ..About::default() };
        if let Some(park) = &self.ended {
            return Outcome::Parked(park.clone());
        }
        match self.notice(told).await {
            Ok(done) => Outcome::Done(done),
            Err(ending) => *ending,
        }
    }

    async fn notice(&mut self, told: Told<'_>) -> Result<Done, Ending> {
        let notice = told.notice;
        let id = (notice.kind, notice.quickbooks_id.clone());
        self.know(std::slice::from_ref(&id)).await?;
        if let Some(link) = self.links.get(&id).cloned() {
            self.about.billing_id = Some(link.billing_id.clone());
            if let Some(done) = repeated(&link, told.event) {
                self.forget_done_replacement(&link).await?;
                if done.action == DoneAction::RecordDeleted {
                    self.about.removed = self.kept_before(told).await?;
                }
                return Ok(done);
            }
            if link.withdrawn {
                // The billing app may have told of our own deletion before an earlier attempt had noted it.
                self.about.removed = self.kept_before(told).await?;
            }
        }
        if let Some(loser) = plan::merged(notice) {
            return self.merged(told, (notice.kind, loser.clone()), id).await;
        }
        if self.about.removed.is_none() && self.is_echo(notice) {
            return Err(SkipReason::NothingNew.into());
        }
        self.entity(told, id).await
    }

    /// Brings the billing app in step with an entity.
    pub(super) async fn entity(&mut self, told: Told<'_>, id: Id) -> Result<Done, Ending> {
        let is_recent = self.ports.clock.now().duration_since(told.time) <= WORTH_WAITING;
        if is_recent && self.links.get(&id).is_some_and(|link| link.attempt.is_some()) {
            // What QuickBooks has now may be just that.
            return Err(super::write::again("a change of the billing app is on its way to QuickBooks"));
        }
        match self.row(&id).await? {
            None => self.gone(told, id, None).await,
            Some(row) if super::gone::is_voided(&row) => self.gone(told, id, Some(row)).await,
            Some(row) => {
                self.about.label = label(&row);
                match self.links.get(&id).cloned() {
                    Some(link) => self.follow(told, link, &row).await,
                    None => self.bring(told, &id, &row).await,
                }
            }
        }
    }

    /// Takes the result of a call, or what its failure means for the notice.
    pub(super) fn answer<T>(&mut self, result: Result<T, CallError>) -> Result<T, Ending> {
        result.map_err(|error| match classify(&error) {
            Failure::Later { retry, .. } => Box::new(Outcome::Retry(retry)),
            Failure::Stale => Box::new(Outcome::Retry(Retry { reason: error.to_string(), after: None })),
            Failure::Gone(park) | Failure::NameTaken(park) | Failure::Refused(park) => park.into(),
            Failure::Disconnected(park) => Box::new(self.end(park)),
        })
    }

    fn end(&mut self, park: Park) -> Outcome {
        self.ended = Some(park.clone());
        Outcome::Parked(park)
    }

    /// Notes a link for the rest of the batch.
    pub(super) fn remember(&mut self, link: &Link) {
        let id = (link.kind, link.quickbooks_id.clone());
        self.pending.remove(&id);
        self.known.insert(id.clone());
        self.entries
            .insert(LinkKey::Billing(link.kind, link.billing_id.clone()), Entry::Linked(link.clone()));
        if let Some(key) = &link.product_key {
            self.entries.insert(LinkKey::ProductKey(key.clone()), Entry::Linked(link.clone()));
        }
        self.links.insert(id, link.clone());
    }
}

fn was_carried_out(link: &Link, event: &EventId) -> bool {
    link.pulled.as_ref().is_some_and(|pulled| pulled.notice == *event)
}

/// The same notice once more ends as it did the first time.
fn repeated(link: &Link, event: &EventId) -> Option<Done> {
    let pulled = link.pulled.as_ref().filter(|_| was_carried_out(link, event))?;
    Some(Done {
        action: pulled.action,
        quickbooks_id: link.quickbooks_id.clone(),
        notes: pulled.notes.clone(),
        taxes: None,
    })
}

/// What a bookkeeper calls an entity.
pub(super) fn label(row: &Entity) -> String {
    let named = match row {
        Entity::Customer(customer) => customer.display_name.clone(),
        Entity::Item(item) => item.name.clone(),
        Entity::Invoice(invoice) => invoice.doc_number.clone(),
        Entity::Payment(payment) => payment.payment_ref_num.clone(),
    };
    named.filter(|name| !name.trim().is_empty()).or_else(|| row.id().map(str::to_owned)).unwrap_or_default()
}
