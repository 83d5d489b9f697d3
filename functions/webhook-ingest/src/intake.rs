//! From changes in realms to notices for companies.

use std::collections::{BTreeSet, HashMap};

use futures::stream::{self, StreamExt, TryStreamExt};
use jiff::Timestamp;
use quickbooks::webhook::{Change, Changes};
use sync::ids::{CompanyId, RealmId};
use sync::mapping::fields::entity_kind;
use sync::model::Kind;
use sync::notice::{ChangeNotice, NoticeMessage, Source, messages};
use sync::ports::{Companies, StoreError};

use crate::handler::Inbox;

/// How many realms are looked up at the same time.
const AT_A_TIME: usize = 16;

/// How much of a webhook was taken, and what was passed over.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Changes that are on the queue now.
    pub(crate) changes: usize,
    /// The messages that they are in.
    pub(crate) messages: Vec<NoticeMessage>,
    /// Changes of kinds that are not kept in step.
    pub(crate) other_entities: usize,
    /// Changes in realms that no company is connected with.
    pub(crate) unknown_realms: usize,
    /// What lacked something, such as its realm.
    pub(crate) unreadable: usize,
}

/// Puts the changes on the queue, each for the company of its own realm, and tells what was passed over.
///
/// # Errors
/// A store failed. Some may be on the queue already; taking the same changes again does no harm.
pub(crate) async fn take(inbox: Inbox<'_>, found: Changes, now: Timestamp) -> Result<Taken, StoreError> {
    let mut taken = Taken { unreadable: found.unreadable, ..Taken::default() };
    let mut changes = Vec::new();
    for change in found.changes {
        match kind(&change.entity) {
            Some(kind) => changes.push((kind, change)),
            None => taken.other_entities += 1,
        }
    }
    let company_of = companies_of(inbox.companies, changes.iter().map(|(_, change)| &change.realm)).await?;
    let mut notices = Vec::new();
    for (kind, change) in changes {
        match company_of.get(&change.realm) {
            Some(company) => notices.push(notice(company, kind, change)),
            None => taken.unknown_realms += 1,
        }
    }
    let messages = messages(&notices, now);
    inbox.queue.send_notices(&messages).await?;
    inbox.noted.note(inbox.heard, company_of.into_keys(), now).await;
    Ok(Taken { changes: notices.len(), messages, ..taken })
}

/// The kind of record whose counterpart an entity is, if it is kept in step.
fn kind(entity: &str) -> Option<Kind> {
    Kind::ALL.into_iter().find(|kind| entity_kind(*kind).name().eq_ignore_ascii_case(entity))
}

/// The company of each realm that has one.
async fn companies_of(
    companies: &dyn Companies,
    realms: impl Iterator<Item = &RealmId>,
) -> Result<HashMap<RealmId, CompanyId>, StoreError> {
    let realms: BTreeSet<RealmId> = realms.cloned().collect();
    let look_up = async |realm: RealmId| Ok((companies.of_realm(&realm).await?, realm));
    let found: Vec<(Option<CompanyId>, RealmId)> =
        stream::iter(realms).map(look_up).buffer_unordered(AT_A_TIME).try_collect().await?;
    let mut company_of = HashMap::new();
    for (company, realm) in found {
        match company {
            Some(company) => drop(company_of.insert(realm, company)),
            None => tracing::info!(realm.id = %realm, "no company is connected with realm {realm}"),
        }
    }
    Ok(company_of)
}

fn notice(company: &CompanyId, kind: Kind, change: Change) -> ChangeNotice {
    ChangeNotice {
        company: company.clone(),
        realm: change.realm,
        kind,
        quickbooks_id: change.id,
        operation: change.operation,
        deleted_id: change.deleted_id,
        last_updated: change.at,
        source: Source::Webhook,
    }
}

impl Taken {
    /// `delivery` is Intuit's name for the webhook.
    pub(crate) fn log(&self, delivery: &str) {
        for NoticeMessage { company, id, .. } in &self.messages {
            tracing::info!(
                company.id = %company,
                intuit.tid = delivery,
                message.id = %id,
                "changes for {company} are on the pull queue"
            );
        }
        tracing::info!(
            outcome = "taken",
            intuit.tid = delivery,
            webhook.changes = self.changes,
            webhook.other_entities = self.other_entities,
            webhook.unknown_realms = self.unknown_realms,
            webhook.unreadable = self.unreadable,
            "took {} changes of a webhook and passed over {}",
            self.changes,
            self.other_entities + self.unknown_realms + self.unreadable
        );
    }
}
