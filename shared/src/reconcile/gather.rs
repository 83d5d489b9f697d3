//! What changed since a moment, however much and however long ago.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use quickbooks_wire::query::{MAX_PAGE, Query, ge};
use quickbooks_wire::{Entity, EntityKind};

use super::{LOOK_BACK, MOST, entity_kinds};
use crate::model::Kind;
use crate::ports::{CallError, QuickBooks};

/// The shortest time that is worth asking about by itself.
const SHORTEST: SignedDuration = SignedDuration::from_mins(1);

/// What changed.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The entities as they are now, and the tombstones of those that are gone.
    pub(super) entities: Vec<Entity>,
    /// What was deleted before this moment is not known.
    pub(super) untold: Option<Timestamp>,
}

/// Gathers what changed. In one call, if it is not much and not long ago; more than one answer holds (T16) is asked for
/// kind by kind and page by page, and so is what is out of change data capture's reach (T17).
pub(super) async fn changes(
    quickbooks: &dyn QuickBooks,
    kinds: &[Kind],
    since: Timestamp,
    now: Timestamp,
) -> Result<Found, CallError> {
    let reach = now - LOOK_BACK;
    if since > reach {
        let entities = quickbooks.changes_since(&entity_kinds(kinds), since).await?;
        if entities.len() < MOST {
            return Ok(Found { entities, untold: None });
        }
    }
    let mut found = Found::default();
    for kind in entity_kinds(kinds) {
        if since > reach {
            let entities = quickbooks.changes_since(&[kind], since).await?;
            if entities.len() < MOST {
                found.entities.extend(entities);
                continue;
            }
        }
        found.entities.extend(pages(quickbooks, kind, since).await?);
        let (tombstones, from) = tombstones(quickbooks, kind, since.max(reach + SHORTEST), now).await?;
        found.entities.extend(tombstones);
        // Names are made inactive, not deleted, so only transactions can be missed.
        if from > since && matches!(kind, EntityKind::Invoice | EntityKind::Payment) {
            found.untold = found.untold.max(Some(from));
        }
    }
    Ok(found)
}

/// All entities of a kind that changed since. Each page begins where the one before ended, so that what changes in the
/// meantime shifts none out of sight.
async fn pages(
    quickbooks: &dyn QuickBooks,
    kind: EntityKind,
    since: Timestamp,
) -> Result<Vec<Entity>, CallError> {
    let mut all: BTreeMap<String, Entity> = BTreeMap::new();
    let (mut from, mut start) = (since.to_string(), 1);
    loop {
        let query = Query::from(kind.name())
            .filter(ge("MetaData.LastUpdatedTime", &from))
            .order_by("MetaData.LastUpdatedTime")
            .order_by("Id")
            .start(start)
            .max(MAX_PAGE);
        let query = match kind {
            EntityKind::Customer | EntityKind::Item => query.active_and_inactive(),
            EntityKind::Invoice | EntityKind::Payment => query,
        };
        let page: Vec<Entity> = quickbooks.query(&[query]).await?.into_iter().flatten().collect();
        let (rows, known) = (page.len(), all.len());
        let last = page.last().and_then(Entity::last_updated_time).map(str::to_owned);
        all.extend(page.into_iter().filter_map(|entity| Some((entity.id()?.to_owned(), entity))));
        match (all.len() > known, last) {
            (true, Some(last)) => (from, start) = (last, 1),
            // A whole page of one second.
            (false, _) if rows >= MAX_PAGE as usize => start += u64::from(MAX_PAGE),
            _ => return Ok(all.into_values().collect()),
        }
    }
}

/// What of a kind was deleted, as far back as an answer has room for it: the time is halved until it has (T16).
async fn tombstones(
    quickbooks: &dyn QuickBooks,
    kind: EntityKind,
    mut from: Timestamp,
    now: Timestamp,
) -> Result<(Vec<Entity>, Timestamp), CallError> {
    loop {
        let changed = quickbooks.changes_since(&[kind], from).await?;
        let window = now.duration_since(from);
        if changed.len() < MOST || window <= SHORTEST {
            return Ok((changed.into_iter().filter(Entity::is_deleted).collect(), from));
        }
        from = now - window / 2;
    }
}
