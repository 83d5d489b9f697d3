//! Reading the activity log as a person does: newest first, a page at a time, with filters, and record by record.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::activity::{Activity, ActivityResult};
use crate::ids::{BillingId, CompanyId, EventId};
use crate::model::Kind;
use crate::outcome::ParkCause;
use crate::ports::{ActivityLog, StoreError};

/// How many entries a page shows.
pub const PAGE: usize = 50;
/// How many entries are read at once while a filter is looked for.
const GLANCE: usize = 250;
/// How many entries are looked through for one page; a person may then look on.
const FAR: usize = 2000;

/// Where a page of the log begins: behind the entry of this event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// When the event happened.
    pub time: Timestamp,
    /// The event.
    pub event: EventId,
}

impl Place {
    pub(crate) fn of(entry: &Activity) -> Place {
        Place { time: entry.time, event: entry.event.clone() }
    }

    /// Reads what [`Display`](std::fmt::Display) writes.
    pub fn parse(text: &str) -> Option<Place> {
        let (time, event) = text.split_once('~')?;
        Some(Place { time: time.parse().ok()?, event: EventId::new(event).ok()? })
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.9}~{}", self.time, self.event)
    }
}

/// The log as it is read page by page and record by record.
#[async_trait]
pub trait History: ActivityLog {
    /// A company's newest entries behind a place, newest first.
    async fn before(
        &self,
        company: &CompanyId,
        place: Option<&Place>,
        limit: usize,
    ) -> Result<Vec<Activity>, StoreError>;

    /// The newest entries of one record, newest first. One that was stored a moment ago may be missing.
    async fn of_record(
        &self,
        company: &CompanyId,
        kind: Kind,
        id: &BillingId,
        limit: usize,
    ) -> Result<Vec<Activity>, StoreError>;
}

/// How an event may have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It waits for somebody.
    Parked,
    /// Both sides agree.
    Done,
    /// Nothing was to be done.
    Skipped,
    /// A person said that it need not be carried out.
    Ignored,
}

impl Ending {
    /// All of them.
    pub const ALL: [Ending; 4] = [Ending::Parked, Ending::Done, Ending::Skipped, Ending::Ignored];

    /// The ending of a result.
    pub fn of(result: &ActivityResult) -> Ending {
        match result {
            ActivityResult::Parked(_) => Ending::Parked,
            ActivityResult::Done(_) => Ending::Done,
            ActivityResult::Skipped { .. } => Ending::Skipped,
            ActivityResult::Ignored { .. } => Ending::Ignored,
        }
    }

    /// The word that stands for it in addresses and files.
    pub fn name(self) -> &'static str {
        match self {
            Ending::Parked => "parked",
            Ending::Done => "done",
            Ending::Skipped => "skipped",
            Ending::Ignored => "ignored",
        }
    }
}

/// Which entries a person wants to see. The default is all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only records of this kind.
    pub kind: Option<Kind>,
    /// Only what has ended so.
    pub ending: Option<Ending>,
    /// Only what waits for this sort of reason.
    pub cause: Option<ParkCause>,
    /// Only what names this, in any letter case: the record, an id, or a word of what is told.
    pub text: String,
}

impl Filter {
    /// Whether an entry is wanted.
    pub fn admits(&self, entry: &Activity) -> bool {
        self.kind.is_none_or(|kind| entry.kind == Some(kind))
            && self.ending.is_none_or(|ending| Ending::of(&entry.result) == ending)
            && self.cause.is_none_or(|cause| cause_of(entry) == Some(cause))
            && self.names(entry)
    }

    fn names(&self, entry: &Activity) -> bool {
        let wanted = self.text.trim().to_lowercase();
        let has = |text: &str| text.to_lowercase().contains(&wanted);
        wanted.is_empty()
            || has(&entry.label)
            || has(entry.event.as_str())
            || entry.billing_id.as_ref().is_some_and(|id| has(id.as_str()))
            || entry.quickbooks_id.as_ref().is_some_and(|id| has(id.as_str()))
            || told(entry).iter().any(|text| has(text))
    }

    /// Whether only parked entries can be admitted, which are listed by themselves.
    fn is_of_parked(&self) -> bool {
        self.ending == Some(Ending::Parked) || self.cause.is_some()
    }
}

/// Everything that an entry tells in words.
pub fn told(entry: &Activity) -> Vec<&str> {
    match &entry.result {
        ActivityResult::Done(done) => done.notes.iter().map(String::as_str).collect(),
        ActivityResult::Skipped { reason } | ActivityResult::Ignored { reason } => vec![reason],
        ActivityResult::Parked(park) => vec![&park.reason, &park.way_on],
    }
}

/// The sort of reason for which an entry waits.
pub fn cause_of(entry: &Activity) -> Option<ParkCause> {
    match &entry.result {
        ActivityResult::Parked(park) => Some(park.cause),
        _ => None,
    }
}

/// A page of the log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The entries, newest first.
    pub entries: Vec<Activity>,
    /// Where older ones begin, if there may be any.
    pub older: Option<Place>,
}

/// The next page of what a filter admits, behind a place. A page may hold less than [`PAGE`] entries, or none, and
/// still have older ones behind it: at some distance the search stops until a person looks on.
///
/// # Errors
/// The log failed.
pub async fn page(
    log: &dyn History,
    company: &CompanyId,
    filter: &Filter,
    place: Option<&Place>,
) -> Result<Page, StoreError> {
    if filter.is_of_parked() {
        return page_of_parked(log, company, filter, place).await;
    }
    let (mut page, mut place, mut seen) = (Page::default(), place.cloned(), 0);
    loop {
        let some = log.before(company, place.as_ref(), GLANCE).await?;
        seen += some.len();
        let last = some.len() < GLANCE;
        for entry in some {
            place = Some(Place::of(&entry));
            if filter.admits(&entry) {
                page.entries.push(entry);
                if page.entries.len() == PAGE {
                    page.older = place;
                    return Ok(page);
                }
            }
        }
        if last {
            return Ok(page);
        }
        if seen >= FAR {
            page.older = place;
            return Ok(page);
        }
    }
}

async fn page_of_parked(
    log: &dyn History,
    company: &CompanyId,
    filter: &Filter,
    place: Option<&Place>,
) -> Result<Page, StoreError> {
    let mut entries = log.parked(company).await?;
    entries.reverse();
    let is_behind =
        |entry: &Activity| place.is_none_or(|place| (entry.time, &entry.event) < (place.time, &place.event));
    entries.retain(|entry| is_behind(entry) && filter.admits(entry));
    let more = entries.len() > PAGE;
    entries.truncate(PAGE);
    let older = entries.last().filter(|_| more).map(Place::of);
    Ok(Page { entries, older })
}

/// How many events wait for each sort of reason, most first.
pub fn waiting(parked: &[Activity]) -> Vec<(ParkCause, usize)> {
    let mut causes: Vec<ParkCause> = parked.iter().filter_map(cause_of).collect();
    causes.sort_unstable();
    let mut counts: Vec<(ParkCause, usize)> =
        causes.chunk_by(|a, b| a == b).filter_map(|same| Some((*same.first()?, same.len()))).collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;
    use crate::activity::Side;
    use crate::ids::QuickBooksId;
    use crate::memory::MemoryActivityLog;
    use crate::outcome::{Done, DoneAction, Park};

    fn acme() -> CompanyId {
        CompanyId::new("acme").unwrap()
    }

    fn entry(number: i64, kind: Kind, label: &str, result: ActivityResult) -> Activity {
        let time = Timestamp::from_second(1_772_000_000 + number).unwrap();
        Activity {
            company: acme(),
            side: Side::Billing,
            event: EventId::new(format!("e-{number}")).unwrap(),
            time,
            handled_at: time,
            realm: None,
            kind: Some(kind),
            billing_id: Some(BillingId::new(format!("b-{number}")).unwrap()),
            label: label.into(),
            quickbooks_id: None,
            result,
            event_json: None,
            removed: None,
        }
    }

    fn done() -> ActivityResult {
        ActivityResult::Done(Done {
            action: DoneAction::Created,
            quickbooks_id: QuickBooksId::new("7").unwrap(),
            notes: vec!["A cent differs.".into()],
            taxes: None,
        })
    }

    fn parked(cause: ParkCause) -> ActivityResult {
        ActivityResult::Parked(Park::new(cause, "The name is taken.", "Rename it."))
    }

    fn log(entries: &[Activity]) -> MemoryActivityLog {
        let log = MemoryActivityLog::default();
        block_on(log.record(entries)).unwrap();
        log
    }

    fn labels(page: &Page) -> Vec<&str> {
        page.entries.iter().map(|entry| entry.label.as_str()).collect()
    }

    #[test]
    fn pages_follow_each_other_without_gap_or_repetition() {
        let entries: Vec<Activity> =
            (0..120).map(|n| entry(n, Kind::Client, &format!("c{n}"), done())).collect();
        let log = log(&entries);
        let (mut place, mut found) = (None, Vec::new());
        loop {
            let page = block_on(page(&log, &acme(), &Filter::default(), place.as_ref())).unwrap();
            found.extend(page.entries.iter().map(|entry| entry.label.clone()));
            place = page.older.as_ref().and_then(|place| Place::parse(&place.to_string()));
            if place.is_none() {
                break;
            }
        }
        assert_eq!(found, (0..120).rev().map(|n| format!("c{n}")).collect::<Vec<_>>());
    }

    #[test]
    fn a_filter_admits_what_has_all_of_it() {
        let log = log(&[
            entry(1, Kind::Client, "Blue Fern Cafe", done()),
            entry(2, Kind::Invoice, "INV-2", parked(ParkCause::NameTaken)),
            entry(3, Kind::Invoice, "INV-3", parked(ParkCause::Tax)),
            entry(4, Kind::Payment, "P-4", ActivityResult::Skipped { reason: "a draft".into() }),
        ]);
        let show = |filter: Filter| block_on(page(&log, &acme(), &filter, None)).unwrap();
        let all = Filter::default;
        assert_eq!(labels(&show(all())), ["P-4", "INV-3", "INV-2", "Blue Fern Cafe"]);
        assert_eq!(labels(&show(Filter { kind: Some(Kind::Client), ..all() })), ["Blue Fern Cafe"]);
        assert_eq!(labels(&show(Filter { ending: Some(Ending::Parked), ..all() })), ["INV-3", "INV-2"]);
        assert_eq!(labels(&show(Filter { ending: Some(Ending::Skipped), ..all() })), ["P-4"]);
        assert_eq!(labels(&show(Filter { cause: Some(ParkCause::Tax), ..all() })), ["INV-3"]);
        for (text, found) in [("blue fern", "Blue Fern Cafe"), ("CENT", "Blue Fern Cafe"), ("b-4", "P-4")] {
            assert_eq!(labels(&show(Filter { text: text.into(), ..all() })), [found]);
        }
        let none = Filter { kind: Some(Kind::Client), cause: Some(ParkCause::Tax), ..all() };
        assert!(show(none).entries.is_empty());
    }

    #[test]
    fn parked_entries_are_paged_too() {
        let entries: Vec<Activity> =
            (0..60).map(|n| entry(n, Kind::Client, &format!("c{n}"), parked(ParkCause::Tax))).collect();
        let (log, filter) = (log(&entries), Filter { cause: Some(ParkCause::Tax), ..Filter::default() });
        let first = block_on(page(&log, &acme(), &filter, None)).unwrap();
        assert_eq!((first.entries.len(), labels(&first)[0]), (PAGE, "c59"));
        let second = block_on(page(&log, &acme(), &filter, first.older.as_ref())).unwrap();
        assert_eq!((second.entries.len(), labels(&second)[0]), (10, "c9"));
        assert_eq!(second.older, None);
    }

    #[test]
    fn causes_are_counted_most_first() {
        let entries = [
            entry(1, Kind::Client, "", parked(ParkCause::Tax)),
            entry(2, Kind::Client, "", parked(ParkCause::NameTaken)),
            entry(3, Kind::Client, "", parked(ParkCause::Tax)),
        ];
        assert_eq!(waiting(&entries), [(ParkCause::Tax, 2), (ParkCause::NameTaken, 1)]);
    }
}
