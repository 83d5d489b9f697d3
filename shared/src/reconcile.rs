//! The sweep: what changed in QuickBooks and no webhook has told.
//!
//! Webhooks come first, since they cost nothing; a sweep is a metered call (Intuit: App Partner Program). A company is
//! swept daily, and every quarter of an hour while its webhooks are silent: while sweeps find what should have been
//! told. What a sweep finds becomes notices on the pull queue. Its cursor moves only after they are there.

mod gather;

use futures::future::try_join_all;
use jiff::{SignedDuration, Timestamp};
use quickbooks_wire::{Entity, EntityKind};
use serde::{Deserialize, Serialize};

use crate::activity::{Activity, ActivityResult, Side};
use crate::failure::{Failure, classify};
use crate::ids::{Books, CompanyId, EventId, QuickBooksId};
use crate::link::{Entry, Link, LinkKey};
use crate::mapping::fields;
use crate::model::Kind;
use crate::notice::{ChangeNotice, Operation, Source, messages};
use crate::outcome::Retry;
use crate::ports::{
    ActivityLog, CallError, Clock, Companies, Connector, Ledger, OpenError, PullQueue, StoreError, Sweeps,
    explain,
};
use crate::settings::{Company, ConnectionState};

/// How far a sweep looks back behind the one before: changes are listed a little late.
const OVERLAP: SignedDuration = SignedDuration::from_mins(5);
/// How far change data capture looks back (Intuit: Change data capture).
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(30 * 24);
/// The most objects that one answer holds (Intuit: Change data capture).
const MOST: usize = 1000;
/// How many links are read at once.
const READS: usize = 25;
/// How long a webhook may take before its change counts as not told.
const WEBHOOKS_TAKE: SignedDuration = SignedDuration::from_mins(10);
/// The time between sweeps while webhooks are silent.
const OFTEN: SignedDuration = SignedDuration::from_mins(15);
/// The time between sweeps while webhooks work.
const SELDOM: SignedDuration = SignedDuration::from_hours(24);
/// How many companies later each round begins than the one before: a prime, so that it comes around to all of them.
const STRIDE: i64 = 1009;

/// Puts other companies first in each round, so that none is left out again and again where the time is too short for all.
pub fn take_turns(companies: &mut [CompanyId], now: Timestamp) {
    let round = now.as_second().div_euclid(OFTEN.as_secs());
    let first = i64::try_from(companies.len()).ok().and_then(|all| (round * STRIDE).checked_rem_euclid(all));
    companies.rotate_left(first.and_then(|first| usize::try_from(first).ok()).unwrap_or_default());
}

/// What a sweep works with.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// Tenants.
    pub companies: &'a dyn Companies,
    /// Where the sweeps have got to.
    pub sweeps: &'a dyn Sweeps,
    /// Who is linked with whom.
    pub ledger: &'a dyn Ledger,
    /// What became of each event.
    pub activity: &'a dyn ActivityLog,
    /// The way to each company's QuickBooks.
    pub connector: &'a dyn Connector,
    /// Where notices go.
    pub queue: &'a dyn PullQueue,
    /// The time.
    pub clock: &'a dyn Clock,
}

/// Where a company's sweeps have got to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// All changes before this are known.
    pub swept_to: Timestamp,
    /// When to sweep again.
    pub next: Timestamp,
}

/// What a sweep came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Swept {
    /// It is not time yet, or nothing is pulled, or nothing is connected.
    NotDue,
    /// So many notices were sent.
    Sent(usize),
    /// It is tried again with the next schedule; the cursor stays.
    Later(String),
}

impl From<StoreError> for Swept {
    fn from(error: StoreError) -> Swept {
        Swept::Later(explain(&error))
    }
}

/// Sweeps a company if it is time to.
pub async fn sweep(ports: Ports<'_>, company: &CompanyId) -> Swept {
    let swept = try_sweep(ports, company).await.unwrap_or_else(|swept| swept);
    match &swept {
        Swept::NotDue => tracing::debug!(company.id = %company, "not due"),
        Swept::Sent(notices) => tracing::info!(company.id = %company, notices, "swept"),
        Swept::Later(reason) => tracing::warn!(company.id = %company, reason, "to be swept later"),
    }
    swept
}

async fn try_sweep(ports: Ports<'_>, company: &CompanyId) -> Result<Swept, Swept> {
    let Some(company) = ports.companies.load(company).await? else { return Ok(Swept::NotDue) };
    let (kinds, Some(books)) = (pulled(&company), connected(&company)) else { return Ok(Swept::NotDue) };
    let now = ports.clock.now();
    let cursor = ports.sweeps.cursor(&books).await?;
    if kinds.is_empty() || cursor.as_ref().is_some_and(|cursor| now < cursor.next) {
        return Ok(Swept::NotDue);
    }
    // What was there before the company was connected is for the import to bring.
    let connected_at = company.connection.as_ref().map_or(now, |connection| connection.connected_at);
    let swept_to = cursor.as_ref().map_or(connected_at, |cursor| cursor.swept_to);
    let since = swept_to - OVERLAP;
    let quickbooks = ports.connector.open(&books).await.map_err(|error| match error {
        OpenError::NotConnected => Swept::NotDue,
        other => Swept::Later(explain(&other)),
    })?;
    let found = gather::changes(&*quickbooks, &kinds, since, now).await.map_err(|error| later(&error))?;
    let notices = news(ports, &books, &found.entities).await?;
    ports.queue.send_notices(&messages(&notices, now)).await?;
    if let Some(untold) = found.untold {
        ports.activity.record(&[gap(&books, swept_to, untold, now)]).await?;
    }
    let untold = notices.iter().any(|notice| notice.last_updated.is_some_and(|at| at < now - WEBHOOKS_TAKE));
    let pace = pace(cursor.as_ref(), untold);
    ports.sweeps.save_cursor(&books, &Cursor { swept_to: now, next: now + pace }).await?;
    Ok(Swept::Sent(notices.len()))
}

fn pulled(company: &Company) -> Vec<Kind> {
    Kind::ALL.into_iter().filter(|kind| company.settings.directions.of(*kind).pulls()).collect()
}

fn connected(company: &Company) -> Option<Books> {
    let state = company.connection.as_ref()?.state;
    company.books().filter(|_| state == ConnectionState::Connected)
}

/// How long until the next sweep: soon after one that found what no webhook had told, and then longer each time.
fn pace(cursor: Option<&Cursor>, untold: bool) -> SignedDuration {
    match cursor {
        Some(_) if untold => OFTEN,
        Some(cursor) => {
            let last = cursor.next.duration_since(cursor.swept_to);
            last.saturating_mul(2).clamp(OFTEN, SELDOM)
        }
        None => SELDOM,
    }
}

/// What is to be told of the entities that the links do not know as they are now: another version, or no link at all
/// (T20). Those that are gone count only if they are linked.
async fn news(ports: Ports<'_>, books: &Books, entities: &[Entity]) -> Result<Vec<ChangeNotice>, StoreError> {
    let mut news = Vec::new();
    for some in entities.chunks(READS) {
        let notices = try_join_all(some.iter().map(|entity| news_of(ports, books, entity))).await?;
        news.extend(notices.into_iter().flatten());
    }
    Ok(news)
}

async fn news_of(
    ports: Ports<'_>,
    books: &Books,
    entity: &Entity,
) -> Result<Option<ChangeNotice>, StoreError> {
    let Some(notice) = notice(books, entity) else { return Ok(None) };
    let link = link(ports, books, notice.kind, &notice.quickbooks_id).await?;
    let is_new = match &link {
        Some(link) if entity.is_deleted() => !link.withdrawn,
        Some(link) => {
            Some(link.sync_token.as_str()) != entity.sync_token() || link.not_brought_over().next().is_some()
        }
        None => !entity.is_deleted(),
    };
    let carried_out = link.and_then(|link| link.pulled).map(|pulled| pulled.notice);
    Ok(is_new.then(|| match carried_out == Some(notice.event_id()) {
        true => later_in_its_second(notice, entity),
        false => notice,
    }))
}

/// Intuit's times of entities are whole seconds. What an earlier change of the very second was carried out under is not
/// the name of this one too: it would be taken for done.
fn later_in_its_second(notice: ChangeNotice, entity: &Entity) -> ChangeNotice {
    let version = entity.sync_token().and_then(|token| token.parse::<u32>().ok()).unwrap_or(1);
    let later = SignedDuration::from_nanos(i64::from(version.clamp(1, 999_999_999)));
    ChangeNotice { last_updated: notice.last_updated.map(|at| at + later), ..notice }
}

async fn link(
    ports: Ports<'_>,
    books: &Books,
    kind: Kind,
    id: &QuickBooksId,
) -> Result<Option<Link>, StoreError> {
    let Some(billing_id) = ports.ledger.billing_id(books, kind, id).await? else { return Ok(None) };
    let key = LinkKey::Billing(kind, billing_id);
    let mut entries = ports.ledger.entries(books, std::slice::from_ref(&key)).await?;
    Ok(match entries.remove(&key) {
        Some(Entry::Linked(link)) => Some(link),
        Some(Entry::Pending(_)) | None => None,
    })
}

fn notice(books: &Books, entity: &Entity) -> Option<ChangeNotice> {
    Some(ChangeNotice {
        company: books.company.clone(),
        realm: books.realm.clone(),
        kind: fields::record_kind(entity.kind()),
        quickbooks_id: QuickBooksId::new(entity.id()?).ok()?,
        operation: if entity.is_deleted() { Operation::Deleted } else { Operation::Updated },
        deleted_id: None,
        last_updated: entity.last_updated_time().and_then(|time| time.parse().ok()),
        source: Source::Sweep,
    })
}

fn later(error: &CallError) -> Swept {
    Swept::Later(match classify(error) {
        Failure::Later { retry: Retry { reason, .. }, .. } => reason,
        Failure::Gone(park)
        | Failure::NameTaken(park)
        | Failure::Refused(park)
        | Failure::Disconnected(park) => park.reason,
        Failure::Stale => error.to_string(),
    })
}

/// Says what QuickBooks no longer tells (T17).
fn gap(books: &Books, swept_to: Timestamp, untold: Timestamp, now: Timestamp) -> Activity {
    let day = |at: Timestamp| at.to_zoned(jiff::tz::TimeZone::UTC).date();
    Activity {
        company: books.company.clone(),
        side: Side::QuickBooks,
        event: EventId::of_notice(&format!("{} looked at again since {swept_to}", books.realm)),
        time: now,
        handled_at: now,
        realm: Some(books.realm.clone()),
        kind: None,
        billing_id: None,
        label: "everything that changed".to_owned(),
        quickbooks_id: None,
        result: ActivityResult::Skipped {
            reason: format!(
                "everything that changed in QuickBooks since {} was looked at again; what was deleted there before {} is not told any more, so look for records that QuickBooks does not have",
                day(swept_to),
                day(untold)
            ),
        },
        event_json: None,
        removed: None,
    }
}

/// The kinds of entity that stand for kinds of record.
fn entity_kinds(kinds: &[Kind]) -> Vec<EntityKind> {
    kinds.iter().map(|kind| fields::entity_kind(*kind)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sweeps_are_frequent_while_webhooks_are_silent_and_daily_again_afterwards() {
        let at = Timestamp::UNIX_EPOCH;
        let cursor = |pace: SignedDuration| Cursor { swept_to: at, next: at + pace };
        assert_eq!(pace(None, true), SELDOM, "the first one finds what nobody had to tell");
        assert_eq!(pace(Some(&cursor(SELDOM)), true), OFTEN);
        assert_eq!(pace(Some(&cursor(OFTEN)), false), SignedDuration::from_mins(30));
        assert_eq!(pace(Some(&cursor(SELDOM)), false), SELDOM);
    }

    #[test]
    fn every_company_comes_first_in_some_round() {
        let all: Vec<CompanyId> = (0..50).map(|n| CompanyId::new(format!("c-{n:02}")).unwrap()).collect();
        let mut first: Vec<CompanyId> = Vec::new();
        for round in 0..50 {
            let mut companies = all.clone();
            take_turns(&mut companies, Timestamp::UNIX_EPOCH + OFTEN * round);
            first.extend(companies.first().cloned());
            companies.sort();
            assert_eq!(companies, all, "none is left out");
        }
        first.sort();
        assert_eq!(first, all);
        take_turns(&mut [], Timestamp::UNIX_EPOCH);
    }
}
