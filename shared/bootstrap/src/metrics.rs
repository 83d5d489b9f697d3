//! Metrics: what a function did, as one line of CloudWatch's embedded metric format (AWS: "Embedded metric format
//! specification") on standard output. CloudWatch makes metrics of it; nobody is called for them.
//!
//! Namespace `Counterpart`, with the function's name as the only dimension, so that the number of metrics does not grow
//! with the companies. Which company it was is in the log.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use aws::DynamoActivityLog;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sync::activity::{Activity, ActivityResult, Side};
use sync::ids::{BillingId, CompanyId, EventId};
use sync::model::Kind;
use sync::ports::{ActivityLog, StoreError};

/// Where CloudWatch keeps the metrics.
const NAMESPACE: &str = "Counterpart";
/// How many values of a metric one line may have (AWS: Embedded metric format specification).
const MOST_VALUES: usize = 100;

/// What a function has done since it last reported. Clones count together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metrics(Arc<Mutex<Counts>>);

/// How often something happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Events that were carried out in QuickBooks.
    pub(crate) pushed: u64,
    /// Change notices that were carried out in the billing app.
    pub(crate) pulled: u64,
    /// Events and notices that wait for a person.
    pub(crate) parked: u64,
    /// Messages that are delivered again.
    pub(crate) retried: u64,
    /// Calls that QuickBooks refused for their number.
    pub(crate) throttled: u64,
    /// Calls that Intuit meters, if they succeed.
    pub(crate) metered: u64,
    /// Calls that are free.
    pub(crate) free: u64,
    /// Calls among the metered ones that were batches of writes.
    pub(crate) write_batches: u64,
    /// From each event to its being carried out, in milliseconds.
    pub(crate) lags_ms: Vec<u64>,
}

impl Metrics {
    /// Counts calls to QuickBooks.
    pub(crate) fn called(&self, calls: &Counts) {
        let mut counts = self.counts();
        counts.throttled += calls.throttled;
        counts.metered += calls.metered;
        counts.free += calls.free;
        counts.write_batches += calls.write_batches;
    }

    /// Counts messages that are delivered again.
    pub(crate) fn redelivered(&self, messages: usize) {
        self.counts().retried += u64::try_from(messages).unwrap_or(u64::MAX);
    }

    fn ended(&self, entries: &[Activity]) {
        let mut counts = self.counts();
        entries.iter().for_each(|entry| counts.count(entry));
    }

    /// Writes down what was counted, and begins anew. Nothing is written if nothing was.
    pub(crate) fn report(&self, function: &str, at: Timestamp) {
        let counts = std::mem::take(&mut *self.counts());
        for line in counts.lines(function, at) {
            // A line that cannot be written cannot be told of either.
            let _written: io::Result<()> = writeln!(io::stdout().lock(), "{line}");
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn count(&mut self, entry: &Activity) {
        match (&entry.result, entry.side) {
            (ActivityResult::Done(_), side) => {
                match side {
                    Side::Billing => self.pushed += 1,
                    Side::QuickBooks => self.pulled += 1,
                }
                let lag = entry.handled_at.duration_since(entry.time).as_millis();
                self.lags_ms.push(u64::try_from(lag).unwrap_or_default());
            }
            (ActivityResult::Parked(_), _) => self.parked += 1,
            (ActivityResult::Skipped { .. } | ActivityResult::Ignored { .. }, _) => {}
        }
    }

    /// The lines: one, and more if there are more lags than one may hold.
    fn lines(&self, function: &str, at: Timestamp) -> Vec<Value> {
        let counted = [
            ("Pushed", self.pushed),
            ("Pulled", self.pulled),
            ("Parked", self.parked),
            ("Retried", self.retried),
            ("Throttled", self.throttled),
            ("MeteredCalls", self.metered),
            ("FreeCalls", self.free),
            ("WriteBatches", self.write_batches),
        ];
        if counted.iter().all(|(_, count)| *count == 0) {
            return Vec::new();
        }
        let counts = counted.map(|(name, count)| (name, "Count", json!(count)));
        let mut lags = self.lags_ms.chunks(MOST_VALUES).map(|some| ("Lag", "Milliseconds", json!(some)));
        let first = line(function, at, counts.into_iter().chain(lags.next()));
        std::iter::once(first).chain(lags.map(|lag| line(function, at, [lag]))).collect()
    }
}

/// One line with metrics: their names, units and values.
fn line(
    function: &str,
    at: Timestamp,
    metrics: impl IntoIterator<Item = (&'static str, &'static str, Value)>,
) -> Value {
    let (mut line, mut definitions) = (Map::new(), Vec::new());
    for (name, unit, value) in metrics {
        definitions.push(json!({ "Name": name, "Unit": unit }));
        line.insert(name.to_owned(), value);
    }
    line.insert("FunctionName".into(), function.into());
    let directive =
        json!({ "Namespace": NAMESPACE, "Dimensions": [["FunctionName"]], "Metrics": definitions });
    let metadata = json!({ "Timestamp": at.as_millisecond(), "CloudWatchMetrics": [directive] });
    line.insert("_aws".into(), metadata);
    line.into()
}

/// The activity log, which counts what it is told to keep.
#[derive(Clone, Debug)]
pub(crate) struct CountedActivity {
    pub(crate) log: DynamoActivityLog,
    pub(crate) metrics: Metrics,
}

#[async_trait]
impl ActivityLog for CountedActivity {
    async fn record(&self, entries: &[Activity]) -> Result<(), StoreError> {
        self.log.record(entries).await?;
        self.metrics.ended(entries);
        Ok(())
    }

    async fn entry(
        &self,
        company: &CompanyId,
        time: Timestamp,
        event: &EventId,
    ) -> Result<Option<Activity>, StoreError> {
        self.log.entry(company, time, event).await
    }

    async fn newest(&self, company: &CompanyId, limit: usize) -> Result<Vec<Activity>, StoreError> {
        self.log.newest(company, limit).await
    }

    async fn parked(&self, company: &CompanyId) -> Result<Vec<Activity>, StoreError> {
        self.log.parked(company).await
    }

    async fn waiting_for(
        &self,
        company: &CompanyId,
        records: &[(Kind, BillingId)],
    ) -> Result<Vec<Activity>, StoreError> {
        self.log.waiting_for(company, records).await
    }
}

#[cfg(test)]
mod tests {
    use sync::ids::QuickBooksId;
    use sync::outcome::{Done, DoneAction, Park, ParkCause};

    use super::*;

    fn at(millisecond: i64) -> Timestamp {
        Timestamp::from_millisecond(1_772_000_000_000 + millisecond).unwrap()
    }

    fn entry(side: Side, result: ActivityResult, lag_ms: i64) -> Activity {
        Activity {
            company: CompanyId::new("acme").unwrap(),
            side,
            event: EventId::new("e-1").unwrap(),
            time: at(0),
            handled_at: at(lag_ms),
            realm: None,
            kind: None,
            billing_id: None,
            label: "Ames & Daughters".into(),
            quickbooks_id: None,
            result,
            event_json: None,
            removed: None,
        }
    }

    fn done() -> ActivityResult {
        let quickbooks_id = QuickBooksId::new("1").unwrap();
        ActivityResult::Done(Done {
            action: DoneAction::Created,
            quickbooks_id,
            notes: Vec::new(),
            taxes: None,
        })
    }

    #[test]
    fn a_line_is_as_cloudwatch_wants_it() {
        let metrics = Metrics::default();
        let parked = ActivityResult::Parked(Park::new(ParkCause::Tax, "why", "way on"));
        metrics.ended(&[
            entry(Side::Billing, done(), 1200),
            entry(Side::QuickBooks, done(), -5),
            entry(Side::Billing, parked, 1),
            entry(Side::Billing, ActivityResult::Skipped { reason: "nothing".into() }, 1),
        ]);
        metrics.redelivered(2);
        metrics.called(&Counts { metered: 3, free: 4, throttled: 1, write_batches: 2, ..Counts::default() });
        let lines = metrics.counts().lines("push-processor", at(7));
        assert_eq!(
            lines,
            [json!({
                "_aws": {
                    "Timestamp": 1_772_000_000_007_i64,
                    "CloudWatchMetrics": [{
                        "Namespace": "Counterpart",
                        "Dimensions": [["FunctionName"]],
                        "Metrics": [
                            { "Name": "Pushed", "Unit": "Count" },
                            { "Name": "Pulled", "Unit": "Count" },
                            { "Name": "Parked", "Unit": "Count" },
                            { "Name": "Retried", "Unit": "Count" },
                            { "Name": "Throttled", "Unit": "Count" },
                            { "Name": "MeteredCalls", "Unit": "Count" },
                            { "Name": "FreeCalls", "Unit": "Count" },
                            { "Name": "WriteBatches", "Unit": "Count" },
                            { "Name": "Lag", "Unit": "Milliseconds" },
                        ],
                    }],
                },
                "FunctionName": "push-processor",
                "Pushed": 1,
                "Pulled": 1,
                "Parked": 1,
                "Retried": 2,
                "Throttled": 1,
                "MeteredCalls": 3,
                "FreeCalls": 4,
                "WriteBatches": 2,
                "Lag": [1200, 0],
            })]
        );
    }

    #[test]
    fn many_lags_take_several_lines_and_nothing_takes_none() {
        let counts = Counts { pushed: 250, lags_ms: vec![1; 250], ..Counts::default() };
        let lines = counts.lines("push-processor", at(0));
        let lags = lines.iter().map(|line| line["Lag"].as_array().map_or(0, Vec::len)).collect::<Vec<_>>();
        assert_eq!(lags, [100, 100, 50]);
        let counted: Vec<_> = lines.iter().filter_map(|line| line["Pushed"].as_u64()).collect();
        assert_eq!(counted, [250], "counted once");
        for line in &lines {
            for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().unwrap() {
                assert!(!line[metric["Name"].as_str().unwrap()].is_null(), "{metric} has a value");
            }
        }
        assert_eq!(Counts::default().lines("push-processor", at(0)), [] as [Value; 0]);
    }

    #[test]
    fn what_was_reported_is_not_reported_again() {
        let metrics = Metrics::default();
        metrics.redelivered(1);
        metrics.report("push-processor", at(0));
        assert_eq!(*metrics.counts(), Counts::default());
    }
}
