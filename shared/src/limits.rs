//! When a realm may be called: Intuit's limits as turns, and what has been called in a month.
//!
//! All who call a realm for a company share one [`Schedule`]: pushes, pulls, imports and sweeps, in however many
//! functions. Each call takes a turn before it is sent. Turns keep a distance (the generic cell rate algorithm, as in
//! ITU-T I.371), which makes the whole state two moments and no list of calls, and keeps every window, wherever it
//! begins, within the limit.
//!
//! Intuit, "Limits and throttles": 500 requests a minute in a realm, 10 a second and 40 batches a minute for an app
//! in it.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How late a call may be sent after its turn. Later it needs another turn, or it would meet the calls after it.
pub const GRACE: SignedDuration = SignedDuration::from_millis(125);
/// How much more than others a call may take to reach Intuit: the windows hold by Intuit's clock too.
#[cfg(test)]
const NETWORK: SignedDuration = SignedDuration::from_millis(125);

/// Every call: 8 a second and 480 a minute, so that [`GRACE`] and the network cannot make 11 or 501 of them.
const CALLS: Rate = Rate { distance: SignedDuration::from_millis(125), ahead: SignedDuration::ZERO };
/// Batches: eight at once when there were none for a while, then one in 1.9 seconds; never 40 in a minute.
const BATCHES: Rate =
    Rate { distance: SignedDuration::from_millis(1900), ahead: SignedDuration::from_millis(7 * 1900) };

/// How many months' calls are remembered.
const MONTHS: usize = 13;

/// What a call is to Intuit's limits and meters (Intuit: App Partner Program, API classification).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Creates, updates, voids or deletes one entity. Free.
    Write,
    /// Reads or queries. Metered.
    Read,
    /// `POST /batch`, whatever is in it. Metered, and limited further.
    Batch,
}

/// When a call may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// From this moment on, for [`GRACE`]: the turn is taken.
    At(Timestamp),
    /// Not before this moment, which is too late: nothing was taken.
    NotBefore(Timestamp),
}

/// The calls of a month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// Calls that Intuit meters, if they succeed.
    pub metered: u64,
    /// Calls that are free.
    pub free: u64,
}

/// The turns of one realm that are taken, and its pause.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    calls: Line,
    batches: Line,
    paused_until: Option<Timestamp>,
    /// By the first day of the month, UTC.
    spent: BTreeMap<Date, Spent>,
}

impl Schedule {
    /// Takes the next turn for a call, unless that comes after `latest`. Turns are given in the order in which they
    /// are asked for, so nobody is passed over who can wait for those before.
    pub fn reserve(&mut self, call: Call, now: Timestamp, latest: Timestamp) -> Turn {
        let mut turn = self.calls.next(CALLS, now);
        if call == Call::Batch {
            turn = turn.max(self.batches.next(BATCHES, now));
        }
        turn = turn.max(self.paused_until.unwrap_or(now));
        if turn > latest {
            return Turn::NotBefore(turn);
        }
        self.calls.take(CALLS, turn);
        if call == Call::Batch {
            self.batches.take(BATCHES, turn);
        }
        self.count(call, now);
        Turn::At(turn)
    }

    /// Gives no turn before `until`, as Intuit asks with HTTP 429. Never shortens a pause.
    pub fn pause(&mut self, until: Timestamp) {
        self.paused_until = self.paused_until.max(Some(until));
    }

    /// The turns taken in the month of a moment, UTC: at least as many as the calls that Intuit counts.
    pub fn spent(&self, at: Timestamp) -> Spent {
        self.spent.get(&month(at)).copied().unwrap_or_default()
    }

    fn count(&mut self, call: Call, now: Timestamp) {
        let spent = self.spent.entry(month(now)).or_default();
        match call {
            Call::Write => spent.free += 1,
            Call::Read | Call::Batch => spent.metered += 1,
        }
        while self.spent.len() > MONTHS {
            self.spent.pop_first();
        }
    }
}

fn month(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date().first_of_month()
}

/// How close turns may follow each other.
#[derive(Clone, Copy)]
struct Rate {
    /// Between turns, on average.
    distance: SignedDuration,
    /// How much of the time to come may be used up at once.
    ahead: SignedDuration,
}

/// The turns taken at one rate: the moment up to which they use up the time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
struct Line(Option<Timestamp>);

impl Line {
    fn next(self, rate: Rate, now: Timestamp) -> Timestamp {
        self.0.map_or(now, |used_up_to| now.max(used_up_to - rate.ahead))
    }

    fn take(&mut self, rate: Rate, turn: Timestamp) {
        self.0 = Some(self.0.unwrap_or(turn).max(turn) + rate.distance);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millisecond: i64) -> Timestamp {
        Timestamp::from_millisecond(1_772_000_000_000 + millisecond).unwrap()
    }

    fn taken(turn: Turn) -> Timestamp {
        match turn {
            Turn::At(turn) => turn,
            Turn::NotBefore(turn) => panic!("not before {turn}"),
        }
    }

    #[test]
    fn calls_keep_their_distance_and_batches_may_come_eight_at_once() {
        let mut schedule = Schedule::default();
        let reserve = |schedule: &mut Schedule, call| {
            taken(schedule.reserve(call, at(0), at(60_000))).duration_since(at(0)).as_millis()
        };
        assert_eq!([Call::Write, Call::Read].map(|call| reserve(&mut schedule, call)), [0, 125]);
        let batches: Vec<i128> = (0..10).map(|_| reserve(&mut schedule, Call::Batch)).collect();
        assert_eq!(batches[..8], [250, 375, 500, 625, 750, 875, 1000, 1125]);
        assert_eq!(batches[8..], [2150, 4050], "250 and the next distances");
    }

    #[test]
    fn a_turn_that_comes_too_late_is_not_taken() {
        let mut schedule = Schedule::default();
        schedule.reserve(Call::Write, at(0), at(0));
        let before = schedule.clone();
        assert_eq!(schedule.reserve(Call::Write, at(0), at(124)), Turn::NotBefore(at(125)));
        assert_eq!(schedule, before);
        assert_eq!(schedule.reserve(Call::Write, at(0), at(125)), Turn::At(at(125)));
    }

    #[test]
    fn a_pause_is_for_all_and_is_never_shortened() {
        let mut schedule = Schedule::default();
        schedule.pause(at(60_000));
        schedule.pause(at(7_000));
        assert_eq!(schedule.reserve(Call::Write, at(1), at(50_000)), Turn::NotBefore(at(60_000)));
        assert_eq!(schedule.reserve(Call::Read, at(1), at(60_000)), Turn::At(at(60_000)));
        assert_eq!(schedule.reserve(Call::Batch, at(61_000), at(61_000)), Turn::At(at(61_000)));
    }

    #[test]
    fn a_months_calls_are_counted() {
        let mut schedule = Schedule::default();
        let day = |text: &str| text.parse::<Timestamp>().unwrap();
        let (november, december) = (day("2026-11-30T23:59:59Z"), day("2026-12-01T00:00:00Z"));
        for call in [Call::Write, Call::Write, Call::Read, Call::Batch] {
            schedule.reserve(call, november, december);
        }
        schedule.reserve(Call::Read, december, november);
        schedule.reserve(Call::Read, december, day("2026-12-01T00:01:00Z"));
        assert_eq!(schedule.spent(november), Spent { metered: 2, free: 2 });
        assert_eq!(schedule.spent(december), Spent { metered: 1, free: 0 });
        assert_eq!(schedule.spent(day("2026-10-01T00:00:00Z")), Spent::default());
    }

    #[test]
    fn the_state_is_small_however_much_is_called() {
        let mut schedule = Schedule::default();
        schedule.pause(at(0));
        for month in 0..30 {
            for _ in 0..100 {
                let now = at(month * 31 * 86_400_000);
                schedule.reserve(Call::Batch, now, now + SignedDuration::from_hours(1));
            }
        }
        assert!(serde_json::to_string(&schedule).unwrap().len() < 1024, "one write unit of DynamoDB");
    }

    /// A call that one of several workers makes: who, how long after the one before, what, and how much later than its
    /// turn it reaches Intuit.
    fn wishes() -> impl Strategy<Value = Vec<(i64, Call, i64)>> {
        let call = prop_oneof![5 => Just(Call::Write), 2 => Just(Call::Read), 3 => Just(Call::Batch)];
        let gap = prop_oneof![8 => 0..20_i64, 2 => 0..400_i64, 1 => 0..20_000_i64];
        let late = 0..=i64::try_from((GRACE + NETWORK).as_millis()).unwrap();
        prop::collection::vec((gap, call, late), 1..1500)
    }

    fn most_in_a_window(times: &[i64], window: i64) -> usize {
        let mut times = times.to_vec();
        times.sort_unstable();
        let from = |first: usize| times[first..].partition_point(|time| *time < times[first] + window);
        (0..times.len()).map(from).max().unwrap_or_default()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Invariant 9, whoever asks and however calls are held up on their way.
        #[test]
        fn no_window_is_ever_exceeded(wishes in wishes(), skew in prop::collection::vec(-50..50_i64, 4)) {
            let mut schedule = Schedule::default();
            let (mut now, mut calls, mut batches) = (0, Vec::new(), Vec::new());
            for (place, (gap, call, late)) in wishes.into_iter().enumerate() {
                now += gap;
                // Each worker has a clock of its own.
                let theirs = at(now + skew[place % skew.len()]);
                if let Turn::At(turn) = schedule.reserve(call, theirs, theirs + SignedDuration::from_mins(10)) {
                    prop_assert!(turn >= theirs);
                    let arrives = i64::try_from(turn.duration_since(at(0)).as_millis()).unwrap() + late;
                    calls.push(arrives);
                    if call == Call::Batch {
                        batches.push(arrives);
                    }
                }
            }
            prop_assert!(most_in_a_window(&calls, 1_000) <= 10);
            prop_assert!(most_in_a_window(&calls, 60_000) <= 500);
            prop_assert!(most_in_a_window(&batches, 60_000) <= 40);
        }

        /// Whoever can wait for one call of each of the others is never sent away.
        #[test]
        fn nobody_starves(workers in 2..12_i64, steps in prop::collection::vec((0..12_i64, 0..300_i64), 1..400)) {
            let mut schedule = Schedule::default();
            let patience = SignedDuration::from_millis(125 * workers);
            let mut free_from = vec![at(0); usize::try_from(workers).unwrap()];
            let mut now = at(0);
            for (worker, gap) in steps {
                let worker = usize::try_from(worker % workers).unwrap();
                now = (now + SignedDuration::from_millis(gap)).max(free_from[worker]);
                let turn = schedule.reserve(Call::Write, now, now + patience);
                prop_assert!(matches!(turn, Turn::At(_)), "{turn:?}");
                free_from[worker] = taken(turn);
            }
        }

        /// And nothing is held back for nothing: a full second's wishes take a second.
        #[test]
        fn a_backlog_runs_at_the_full_rate(count in 1..2_000_i64) {
            let mut schedule = Schedule::default();
            let last = (0..count).map(|_| taken(schedule.reserve(Call::Write, at(0), at(10_000_000)))).max();
            prop_assert_eq!(last, Some(at(125 * (count - 1))));
        }
    }
}
