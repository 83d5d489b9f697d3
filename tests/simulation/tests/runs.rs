//! Fixed seeds, and every run that once failed.

use simulation::{Reproduction, run};

#[test]
fn fixed_seeds_find_nothing() {
    for seed in [1, 11] {
        let report = run(seed, 2_500, None);
        assert!(
            report.failures.is_empty(),
            "{report}\n{:#?}",
            report.failures.first().map(|(_, found)| found)
        );
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    assert_eq!(run(3, 750, None).to_string(), run(3, 750, None).to_string());
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
