//! Fixed seeds, and every run that once failed.

use std::collections::BTreeSet;

use simulation::{Reproduction, Ways, run};

#[test]
fn fixed_seeds_find_nothing() {
    find_nothing(Ways::Push, &[(2, 1_500), (12, 1_500)], &HARDSHIPS);
}

#[test]
fn fixed_seeds_of_both_ways_find_nothing() {
    find_nothing(Ways::Both, &[(13, 1_250), (14, 1_250)], &HARDSHIPS_OF_BOTH);
}

fn find_nothing(ways: Ways, seeds: &[(u64, u32)], expected: &[&str]) {
    let mut hardships = BTreeSet::new();
    for (seed, operations) in seeds {
        let report = run(ways, *seed, *operations, None);
        assert!(
            report.failures.is_empty(),
            "{report}\n{:#?}",
            report.failures.first().map(|(_, found)| found)
        );
        hardships.extend(report.hardships.into_keys());
    }
    for what in expected {
        assert!(hardships.contains(*what), "{what} has not happened");
    }
}

/// Faults on the way to QuickBooks and in the stores, queues that repeat and reorder, connections that end, and a
/// bookkeeper in between.
const HARDSHIPS: [&str; 27] = [
    "LostOnTheWay",
    "NotSent",
    "AnswerLost",
    "AnswerGarbled",
    "Throttled",
    "ThrottledWithWait",
    "Broken",
    "CrashesBefore",
    "CrashesAfter",
    "FailsBefore",
    "FailsAfter",
    "SentAgain",
    "Overtaken",
    "HandedOutAgain",
    "TwoWorkersOnOneCompany",
    "Revoked",
    "Forbidden",
    "Lapsed",
    "BookkeeperCloses",
    "Edited",
    "MergedAway",
    "Hidden",
    "Shown",
    "Voided",
    "Deleted",
    "Paid",
    "Deposited",
];

/// Webhooks that go astray, and a billing app that has its own moods.
const HARDSHIPS_OF_BOTH: [&str; 6] =
    ["WebhookLost", "WebhookTwice", "WebhookOvertaken", "Sweep", "Poll", "AppIsAway"];

#[test]
fn the_same_seed_gives_the_same_run() {
    assert_eq!(run(Ways::Push, 3, 250, None).hardships, run(Ways::Push, 3, 250, None).hardships);
}

/// To keep a run, put the JSON that the program prints into `tests/reproductions`.
#[test]
fn what_failed_once_does_not_fail_again() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reproductions");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty());
    for path in paths {
        let reproduction: Reproduction =
            serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(reproduction.run(None), [], "{}: {}", path.display(), reproduction.about);
    }
}
