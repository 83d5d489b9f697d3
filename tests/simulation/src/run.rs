//! Runs: many short ones, side by side, each in a world of its own.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use serde::{Deserialize, Serialize};

use crate::dice::Dice;
use crate::judge::{Finding, Sort};
use crate::operation::{self, Operation, Ways};
use crate::sabotage::Sabotage;
use crate::world::{self, COMPANIES};

/// Operations in one world. Long enough for histories, short enough to be cut down when they fail.
const EPISODE: u32 = 250;

/// A run that can be repeated: as it was drawn, or cut down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reproduction {
    /// What it showed, for people.
    #[serde(default)]
    pub about: String,
    /// Which ways changes travel.
    #[serde(default)]
    pub ways: Ways,
    /// Decides the companies and the weather.
    pub world: u64,
    /// Whether the companies choose classes, locations and accounts for what is pushed.
    #[serde(default)]
    pub choices: bool,
    /// What happens.
    pub operations: Vec<Operation>,
}

/// What a seed came to.
#[derive(Debug)]
pub struct Report {
    seed: u64,
    operations: u32,
    faults: u64,
    /// How often each thing that makes a run hard has happened, by its name.
    pub hardships: BTreeMap<String, u64>,
    /// Runs that failed, and how.
    pub failures: Vec<(Reproduction, Vec<Finding>)>,
}

impl Report {
    fn count(&self, sorts: &[Sort]) -> usize {
        self.failures
            .iter()
            .flat_map(|(_, findings)| findings)
            .filter(|finding| sorts.contains(&finding.sort))
            .count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "seed {}: {} operations, {} faults, {} duplicates, {} lost, {} wrong books, {} overwritten, {} silent differences, {} diverged, {} echoes",
            self.seed,
            self.operations,
            self.faults,
            self.count(&[Sort::Duplicate]),
            self.count(&[Sort::Lost]),
            self.count(&[Sort::WrongBooks]),
            self.count(&[Sort::Overwritten]),
            self.count(&[Sort::SilentDifference, Sort::Unexplained]),
            self.count(&[Sort::Diverged]),
            self.count(&[Sort::Echo]),
        )
    }
}

/// Runs a seed's operations, on all cores.
pub fn run(ways: Ways, seed: u64, operations: u32, sabotage: Option<Sabotage>) -> Report {
    let episodes = operations.div_ceil(EPISODE);
    let next = AtomicU32::new(0);
    let results = Mutex::new(Vec::new());
    let work = || {
        loop {
            let episode = next.fetch_add(1, Ordering::Relaxed);
            if episode >= episodes {
                return;
            }
            let count = EPISODE.min(operations - episode * EPISODE);
            let drawn = Reproduction::drawn(ways, seed, episode, count);
            let ending = world::run(&drawn, sabotage);
            if let Ok(mut results) = results.lock() {
                results.push((episode, drawn, ending));
            }
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(work);
        }
    });
    let mut results = results.into_inner().unwrap_or_default();
    results.sort_by_key(|(episode, ..)| *episode);
    let faults = results.iter().map(|(_, _, ending)| ending.faults).sum();
    let mut hardships: BTreeMap<String, u64> = BTreeMap::new();
    for (what, times) in results.iter().flat_map(|(_, _, ending)| &ending.hardships) {
        *hardships.entry(what.clone()).or_default() += times;
    }
    let failed = results.into_iter().filter(|(_, _, ending)| !ending.findings.is_empty());
    let failures = failed.map(|(_, drawn, ending)| (drawn, ending.findings)).collect();
    Report { seed, operations, faults, hardships, failures }
}

impl Reproduction {
    fn drawn(ways: Ways, seed: u64, episode: u32, count: u32) -> Reproduction {
        let dice = Dice::new(seed).nth(episode.into());
        let world = dice.part("world").stream().u64(..);
        let ways = if ways == Ways::Both && dice.chance("mixed", 20) { Ways::Mixed } else { ways };
        let operations = operation::draw(dice, ways, count, COMPANIES);
        Reproduction { about: String::new(), ways, world, choices: true, operations }
    }

    /// What the judge finds when it is run.
    pub fn run(&self, sabotage: Option<Sabotage>) -> Vec<Finding> {
        world::run(self, sabotage).findings
    }

    /// All that happened in it, in order, and what the judge finds.
    pub fn tell(&self) -> (String, Vec<Finding>) {
        world::tell(self)
    }

    /// The shortest part of it that still shows its first sort of fault: operations are left out, in ever smaller
    /// pieces, and then faults.
    pub fn shrink(&self, sabotage: Option<Sabotage>) -> Reproduction {
        let mut best = self.clone();
        let Some(first) = best.run(sabotage).into_iter().next() else { return best };
        let shows = |candidate: &Reproduction| {
            candidate.run(sabotage).iter().any(|finding| finding.sort == first.sort)
        };
        let mut before = usize::MAX;
        while best.operations.len() < before {
            before = best.operations.len();
            best.leave_out(&shows);
        }
        for place in 0..best.operations.len() {
            let mut candidate = best.clone();
            candidate.operations[place].faults = false;
            if shows(&candidate) {
                best = candidate;
            }
        }
        best.about = best.run(sabotage).first().map(ToString::to_string).unwrap_or_default();
        best
    }

    /// Leaves out operations without which it shows its fault still.
    fn leave_out(&mut self, shows: &impl Fn(&Reproduction) -> bool) {
        let mut piece = self.operations.len().div_ceil(2);
        while piece > 0 {
            let mut start = 0;
            while start < self.operations.len() {
                let mut candidate = self.clone();
                let end = (start + piece).min(candidate.operations.len());
                candidate.operations.drain(start..end);
                if shows(&candidate) { *self = candidate } else { start += piece }
            }
            piece /= 2;
        }
    }
}
