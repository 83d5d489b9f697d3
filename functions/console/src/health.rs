//! Health: what was pushed, pulled and failed each day, how long it took, and when the other side was last heard.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan, civil::Date};
use maud::{Markup, html};
use sync::activity::{Activity, ActivityResult, Side};
use sync::history::{History, Place};
use sync::ids::CompanyId;
use sync::ports::StoreError;

use crate::answer::Answer;
use crate::site::{Answered, Site, Visitor};
use crate::words;

/// How many days are shown.
const DAYS: i64 = 14;
/// How many entries are counted at most; a busier company sees fewer days, and is told so.
const MOST: usize = 2000;
const COUNTED: &str = "the newest 2,000 events";
const GLANCE: usize = 500;

/// The newest entries of the days that are shown.
struct Counted {
    entries: Vec<Activity>,
    /// There are older ones, which are not counted.
    cut: bool,
}

/// What happened on a day, UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Day {
    date: Date,
    pushed: usize,
    pulled: usize,
    failed: usize,
    /// Not all of the day was counted.
    cut: bool,
}

/// The part of the overview that is loaded after it.
pub(crate) async fn show(site: &Site<'_>, visitor: &Visitor) -> Answered {
    let now = site.clock.now();
    let Counted { mut entries, cut } = recent(site.history, visitor.id(), now).await?;
    entries.retain(|entry| entry.realm.as_ref().is_none_or(|realm| visitor.sees(realm)));
    let (spent, swept, heard) = match visitor.company.books() {
        Some(books) => (
            Some(site.budget.spent(&books, now).await?),
            site.sweeps.cursor(&books).await?.map(|it| it.swept_to),
            site.heard.last_webhook(&books.realm).await?,
        ),
        None => (None, None, None),
    };
    let days = days(&entries, now, cut);
    let last = |side| entries.iter().filter(|entry| entry.side == side).map(|entry| entry.handled_at).max();
    let none = if cut { format!("None among {COUNTED}") } else { format!("None in the last {DAYS} days") };
    Ok(Answer::part(html! {
        section id="health" class="card" aria-labelledby="health-title" {
            h2 id="health-title" { "Health" }
            (chart(&days))
            @if let Some(day) = days.first().filter(|day| day.cut) {
                p { "So much has happened that only " (COUNTED) " are counted: " (day.date.strftime("%-d %b"))
                    " has more, and earlier days are not shown." }
            }
            dl {
                dt { "Time from change to QuickBooks" } dd { (lag(&entries)) }
                dt { "Last event from the billing app" } dd { (when(last(Side::Billing), &none)) }
                dt { "Last change from QuickBooks" } dd { (when(last(Side::QuickBooks), &none)) }
                dt { "Last webhook from QuickBooks" } dd { (when(heard, "None yet")) }
                dt { "Last sweep of QuickBooks" } dd { (when(swept, "None yet")) }
                @if let Some(spent) = spent {
                    dt { "Calls this month" } dd { (spent.metered) " metered by Intuit, " (spent.free) " free" }
                }
            }
        }
    }))
}

/// Where the part will be.
pub(crate) fn placeholder() -> Markup {
    html! {
        div id="health" class="card" hx-get="/console/health" hx-trigger="load" hx-swap="outerHTML" {
            h2 { "Health" }
            p class="quiet" { "Counting… " noscript { a href="/console/health" { "Show" } } }
        }
    }
}

async fn recent(log: &dyn History, company: &CompanyId, now: Timestamp) -> Result<Counted, StoreError> {
    let since = now - SignedDuration::from_hours(24 * DAYS);
    let (mut entries, mut place): (Vec<Activity>, Option<Place>) = (Vec::new(), None);
    while entries.len() < MOST {
        let some = log.before(company, place.as_ref(), GLANCE).await?;
        let last = some.len() < GLANCE;
        place = some.last().map(|entry| Place { time: entry.time, event: entry.event.clone() });
        let reached = some.last().is_some_and(|entry| entry.time < since);
        entries.extend(some.into_iter().filter(|entry| entry.time >= since));
        if last || reached {
            return Ok(Counted { entries, cut: false });
        }
    }
    let next = log.before(company, place.as_ref(), 1).await?;
    Ok(Counted { entries, cut: next.iter().any(|entry| entry.time >= since) })
}

/// The days' numbers, oldest first. When not all entries were counted, the day of the oldest one is the first.
fn days(entries: &[Activity], now: Timestamp, cut: bool) -> Vec<Day> {
    let date = |at: Timestamp| at.to_zoned(TimeZone::UTC).date();
    let today = date(now);
    let oldest = entries.iter().map(|entry| date(entry.time)).min().filter(|_| cut);
    (0..DAYS)
        .rev()
        .filter_map(|back| today.checked_sub(back.days()).ok())
        .filter(|day| oldest.is_none_or(|oldest| *day >= oldest))
        .map(|day| {
            let of: Vec<&Activity> = entries.iter().filter(|entry| date(entry.time) == day).collect();
            let done = |side: Side| {
                let is = |entry: &&&Activity| {
                    entry.side == side && matches!(entry.result, ActivityResult::Done(_))
                };
                of.iter().filter(is).count()
            };
            Day {
                date: day,
                pushed: done(Side::Billing),
                pulled: done(Side::QuickBooks),
                failed: of.iter().filter(|entry| entry.result.is_parked()).count(),
                cut: oldest == Some(day),
            }
        })
        .collect()
}

/// Half of the events that reached QuickBooks took no longer than this.
fn lag(entries: &[Activity]) -> String {
    let done = entries
        .iter()
        .filter(|entry| entry.side == Side::Billing && matches!(entry.result, ActivityResult::Done(_)));
    let mut lags: Vec<i64> =
        done.map(|entry| entry.handled_at.duration_since(entry.time).as_secs().max(0)).collect();
    lags.sort_unstable();
    match lags.get(lags.len() / 2) {
        None => "Nothing was pushed lately".into(),
        Some(seconds) if *seconds < 120 => format!("{seconds} seconds for half of them"),
        Some(seconds) if *seconds < 7200 => format!("{} minutes for half of them", seconds / 60),
        Some(seconds) => format!("{} hours for half of them", seconds / 3600),
    }
}

fn when(at: Option<Timestamp>, otherwise: &str) -> Markup {
    html! { @match at { Some(at) => { (words::moment(at)) " UTC" }, None => (otherwise) } }
}

/// Bars for each day. The numbers stand in a table too, for those who do not see the picture.
fn chart(days: &[Day]) -> Markup {
    let most = days.iter().map(|day| day.pushed + day.pulled + day.failed).max().unwrap_or_default().max(1);
    let height = |count: usize| count * 100 / most;
    let number = |day: &Day, count: usize| html! { (count) @if day.cut { " or more" } };
    html! {
        svg class="chart" viewBox="0 0 700 130" role="img" aria-label="Pushed, pulled and failed each day" {
            line x1="0" y1="105" x2="700" y2="105" {}
            @for (place, day) in days.iter().enumerate() {
                @let x = place * 50 + 8;
                @let (pushed, pulled, failed) = (height(day.pushed), height(day.pulled), height(day.failed));
                rect class="pushed" x=(x) y=(105 - pushed) width="34" height=(pushed) {}
                rect class="pulled" x=(x) y=(105 - pushed - pulled) width="34" height=(pulled) {}
                rect class="failed" x=(x) y=(105 - pushed - pulled - failed) width="34" height=(failed) {}
                text x=(x) y="120" { (day.date.strftime("%d %b")) }
            }
        }
        p class="small" {
            span class="key pushed" {} "pushed  " span class="key pulled" {} "pulled  " span class="key failed" {} "needs attention"
        }
        details { summary { "As numbers" }
            table { thead { tr { th scope="col" { "Day" } th scope="col" { "Pushed" } th scope="col" { "Pulled" } th scope="col" { "Needs attention" } } }
                tbody { @for day in days { tr {
                    th scope="row" { (day.date) } td { (number(day, day.pushed)) } td { (number(day, day.pulled)) } td { (number(day, day.failed)) }
                } } } }
        }
    }
}

#[cfg(test)]
mod tests {
    use sync::ids::{EventId, QuickBooksId};
    use sync::memory::MemoryActivityLog;
    use sync::model::Kind;
    use sync::outcome::{Done, DoneAction, Park, ParkCause};
    use sync::ports::ActivityLog;

    use super::*;

    fn entry(time: &str, after: i64, side: Side, parked: bool) -> Activity {
        let time: Timestamp = time.parse().unwrap();
        let done = Done {
            action: DoneAction::Created,
            quickbooks_id: QuickBooksId::new("1").unwrap(),
            notes: Vec::new(),
            taxes: None,
        };
        Activity {
            company: CompanyId::new("acme").unwrap(),
            side,
            event: EventId::new(time.to_string()).unwrap(),
            time,
            handled_at: time + SignedDuration::from_secs(after),
            realm: None,
            kind: Some(Kind::Client),
            billing_id: None,
            label: String::new(),
            quickbooks_id: None,
            result: if parked {
                ActivityResult::Parked(Park::new(ParkCause::Tax, "", ""))
            } else {
                ActivityResult::Done(done)
            },
            event_json: None,
            removed: None,
        }
    }

    #[test]
    fn days_are_counted_by_what_happened() {
        let now: Timestamp = "2026-03-09T10:00:00Z".parse().unwrap();
        let entries = [
            entry("2026-03-09T09:00:00Z", 3, Side::Billing, false),
            entry("2026-03-08T23:59:00Z", 90, Side::Billing, true),
            entry("2026-03-08T09:00:00Z", 9, Side::QuickBooks, false),
            entry("2026-03-08T08:00:00Z", 5, Side::Billing, false),
        ];
        let counted = days(&entries, now, false);
        assert_eq!(counted.len(), 14);
        assert_eq!((counted[13].pushed, counted[13].pulled, counted[13].failed), (1, 0, 0));
        assert_eq!((counted[12].pushed, counted[12].pulled, counted[12].failed), (1, 1, 1));
        let cut = days(&entries, now, true);
        assert_eq!(
            cut.iter().map(|day| day.cut).collect::<Vec<_>>(),
            [true, false],
            "the oldest is not whole"
        );
        assert_eq!(lag(&entries), "5 seconds for half of them");
        assert_eq!(lag(&[]), "Nothing was pushed lately");
    }

    /// A page that counts no further than it says.
    #[tokio::test]
    async fn what_is_not_counted_is_told() {
        let now: Timestamp = "2026-03-09T10:00:00Z".parse().unwrap();
        let log = MemoryActivityLog::default();
        let record = async |first: i64, many: i64| {
            let entries: Vec<Activity> = (first..first + many)
                .map(|second| {
                    let time = now - SignedDuration::from_secs(second);
                    entry(&time.to_string(), 0, Side::Billing, false)
                })
                .collect();
            log.record(&entries).await.unwrap();
        };
        let counted = async || {
            let counted = recent(&log, &CompanyId::new("acme").unwrap(), now).await.unwrap();
            (counted.entries.len(), counted.cut)
        };
        assert_eq!(counted().await, (0, false));
        record(0, 1999).await;
        assert_eq!(counted().await, (1999, false));
        record(1999, 1).await;
        assert_eq!(counted().await, (2000, false), "all of them");
        record(20 * 24 * 3600, 10).await;
        assert_eq!(counted().await, (2000, false), "what is older is not asked for");
        record(2000, 1).await;
        assert_eq!(counted().await, (2000, true));
        let Counted { entries, cut } = recent(&log, &CompanyId::new("acme").unwrap(), now).await.unwrap();
        let days = days(&entries, now, cut);
        assert_eq!((days.len(), days[0].pushed), (1, 2000), "today is shown though there is more of it");
        let shown = chart(&days).into_string();
        assert!(shown.contains("<td>2000 or more</td><td>0 or more</td>"), "{shown}");
    }
}
