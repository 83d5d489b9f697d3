//! New counterparts: records linked with what is there already, and created.
//!
//! A create is preceded by a recorded intent with its `requestid` and its body. If its answer is lost, or the worker
//! dies, the next attempt finds the intent, looks for the entity by its natural key, and otherwise sends the very
//! same request again, which QuickBooks does not execute twice (Intuit: REST essentials, requestid).

use std::collections::BTreeMap;

use quickbooks_wire::Entity;

use super::batch::{Batch, Ending};
use super::subject::Subject;
use super::together;
use super::write::{again, as_seen};
use crate::failure::{Failure, classify};
use crate::ids::QuickBooksId;
use crate::link::{Entry, Fingerprints, Intent, Link, MatchedBy};
use crate::mapping::{fields, invoice};
use crate::outcome::{Done, DoneAction, Park};
use crate::plan;
use crate::ports::Write;

impl Batch<'_> {
    /// Links a record with an entity that was there already. Nothing is written to QuickBooks: what the bookkeeper
    /// has stays as it is, and later edits send only what they change.
    pub(super) async fn adopt(
        &mut self,
        subject: &Subject<'_>,
        mapped: &Entity,
        row: &Entity,
        by: MatchedBy,
        generation: Option<u32>,
    ) -> Result<Link, Ending> {
        let link = self.new_link(subject, row, fields::fingerprints(mapped), by, generation.unwrap_or(0))?;
        let matched_at = row.last_updated_time().and_then(|time| time.parse().ok());
        self.store(Link { edited: plan::differences(mapped, row), matched_at, ..link }).await
    }

    /// Creates a record's entity.
    pub(super) async fn create(&mut self, subject: &Subject<'_>, entity: Entity) -> Result<Link, Ending> {
        let intent = self.intent(subject, &entity, 0);
        match self.ports.ledger.begin(&self.books, &intent).await? {
            None => self.send_create(subject, &intent, entity, Sending::First).await,
            Some(Entry::Pending(_)) => Err(again("somebody else began to create the record in between")),
            Some(Entry::Linked(_)) => Err(again("somebody else linked the record in between")),
        }
    }

    pub(super) async fn send_create(
        &mut self,
        subject: &Subject<'_>,
        intent: &Intent,
        entity: Entity,
        sending: Sending,
    ) -> Result<Link, Ending> {
        let create = Write::Create(entity.clone());
        let sent = match sending {
            Sending::First => self.send(create, &intent.request_id).await,
            Sending::Again => create.alone(&*self.quickbooks, &intent.request_id).await,
        };
        match sent {
            Ok(answer) => {
                let pushed = fields::fingerprints(&entity);
                let link = self.new_link(subject, &answer, pushed, MatchedBy::Created, intent.generation)?;
                self.known().found.add([answer.clone()]);
                self.store(link).await
            }
            Err(error) => {
                let failure = classify(&error);
                if sending.came_to_nothing(&failure) {
                    self.ports.ledger.abandon(&self.books, intent).await?;
                }
                match failure {
                    Failure::NameTaken(park) => Err(self.name_taken(&entity, park).await),
                    _ => self.answer(Err(error)),
                }
            }
        }
    }

    /// Says who holds the name, searching every list that shares it (Intuit: error 6240).
    async fn name_taken(&mut self, entity: &Entity, park: Park) -> Ending {
        let name = match entity {
            Entity::Customer(customer) => customer.display_name.clone().unwrap_or_default(),
            Entity::Item(item) => {
                let name = item.name.as_deref().unwrap_or_default();
                let reason = format!(
                    "The name \"{name}\" is held in QuickBooks by an Item that cannot be sold or is inactive, or by a category."
                );
                return Park { reason, ..park }.into();
            }
            Entity::Invoice(_) | Entity::Payment(_) => return park.into(),
        };
        let holders = self.quickbooks.name_holders(&name).await;
        match self.answer(holders) {
            Err(ending) => ending,
            Ok(holders) if holders.is_empty() => park.into(),
            Ok(holders) => {
                let described = holders.iter().map(|holder| {
                    let state = if holder.active { "" } else { "inactive " };
                    format!(
                        "the {state}{} \"{}\" (id {})",
                        holder.entity.to_lowercase(),
                        holder.name,
                        holder.id
                    )
                });
                let described: Vec<String> = described.collect();
                let reason =
                    format!("The name \"{name}\" is held in QuickBooks by {}.", described.join(" and "));
                Park { reason, ..park }.into()
            }
        }
    }

    /// The entity was deleted in QuickBooks: the record gets a new one, of the next generation (T4).
    pub(super) async fn create_anew(
        &mut self,
        subject: &Subject<'_>,
        link: &Link,
        mapped: Entity,
    ) -> Result<Done, Ending> {
        let intent = self.intent(subject, &mapped, link.generation + 1);
        self.ports.ledger.supersede(&self.books, link, &intent).await?;
        let next = self.send_create(subject, &intent, mapped, Sending::First).await?;
        Ok(Done {
            action: DoneAction::Created,
            quickbooks_id: next.quickbooks_id,
            notes: next.last_notes,
            taxes: next.taxes,
        })
    }

    fn intent(&self, subject: &Subject<'_>, entity: &Entity, generation: u32) -> Intent {
        let record = (subject.kind, &subject.id);
        let body = serde_json::to_string(entity).unwrap_or_default();
        Intent {
            kind: subject.kind,
            billing_id: subject.id.clone(),
            generation,
            request_id: fields::create_request_id(&self.books, record, generation, &subject.event.id, &body),
            body,
            at: self.ports.clock.now(),
            told_at: subject.told_at(),
            bill: subject.bill.clone(),
            in_batch: self.together.is_some() && together::may_join(entity),
        }
    }

    pub(super) fn new_link(
        &self,
        subject: &Subject<'_>,
        row: &Entity,
        pushed: Fingerprints,
        matched_by: MatchedBy,
        generation: u32,
    ) -> Result<Link, Ending> {
        let Some(quickbooks_id) = row.id().and_then(|id| QuickBooksId::new(id).ok()) else {
            return Err(again("QuickBooks answered without the entity's id"));
        };
        let created = matches!(matched_by, MatchedBy::Created | MatchedBy::Recovered);
        let anew = (created && generation > 0)
            .then(|| format!("Its {} was deleted in QuickBooks, so it was created anew.", row.kind().name()));
        let credit = (matched_by == MatchedBy::Created).then(|| invoice::credit_applied(row)).flatten();
        let of_members = subject.about_members.values().filter(|_| created).cloned();
        let link = Link {
            kind: subject.kind,
            billing_id: subject.id.clone(),
            quickbooks_id,
            sync_token: String::new(),
            last_updated: String::new(),
            pushed,
            seen: Fingerprints::new(),
            billing_time: subject.time(),
            last_event: subject.event_id(),
            last_action: if created { DoneAction::Created } else { DoneAction::Linked },
            last_notes: anew
                .into_iter()
                .chain(subject.variance(row))
                .chain(credit)
                .chain(of_members)
                .collect(),
            taxes: subject.taxes(row),
            taxes_written: None,
            edited: BTreeMap::new(),
            matched_at: None,
            matched_by,
            generation,
            withdrawn: false,
            billing_seen: None,
            recreated: None,
            product_key: subject.product_key.clone(),
            attempt: None,
            pulled: None,
            revision: 1,
        };
        Ok(as_seen(&link, row))
    }

    pub(super) async fn store(&mut self, link: Link) -> Result<Link, Ending> {
        self.ports.ledger.link(&self.books, &link, None).await?;
        self.remember(&link);
        Ok(link)
    }
}

/// How often a create was sent before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sending {
    /// Never: what is known of this attempt is known of the create.
    First,
    /// At least once, and what became of that is not known.
    Again,
}

impl Sending {
    /// Whether a failure proves that the create has no effect. That this attempt did not get through says nothing of
    /// the one before; a refusal does, since QuickBooks would have repeated the answer to a success.
    fn came_to_nothing(self, failure: &Failure) -> bool {
        match (self, failure) {
            (_, Failure::Later { certain: false, .. }) => false,
            (Sending::First, _) => true,
            (Sending::Again, Failure::Later { .. } | Failure::Disconnected(_)) => false,
            (Sending::Again, _) => true,
        }
    }
}
