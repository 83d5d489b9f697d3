//! Runs seeds and reports. The last line sums a seed up; the exit code says whether all is well.
#![expect(clippy::print_stdout, reason = "a program for people")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use simulation::{Reproduction, Sabotage, Ways, run};

/// Simulates billing apps and bookkeepers over the real engine, and judges the outcome.
#[derive(Parser)]
struct Arguments {
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many operations each seed gets.
    #[arg(long, default_value_t = 10_000)]
    operations: u32,
    /// How many seeds.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// Changes travel from the billing apps to QuickBooks only; else each company has a direction of its own.
    #[arg(long)]
    push_only: bool,
    /// How many of a seed's failures are cut down and shown.
    #[arg(long, default_value_t = 3)]
    show: usize,
    /// Tells before the last line how often what happened.
    #[arg(long)]
    hardships: bool,
    /// Breaks the engine on purpose: the judge has to notice.
    #[arg(long)]
    sabotage: Option<Sabotage>,
    /// Runs a reproduction instead, and tells all that happened in it.
    #[arg(long)]
    replay: Option<PathBuf>,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    if let Some(path) = arguments.replay {
        let reproduction: Reproduction = serde_json::from_str(&std::fs::read_to_string(path)?)?;
        let (story, findings) = reproduction.tell();
        println!("{story}");
        findings.iter().for_each(|finding| println!("{finding}"));
        return Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let ways = if arguments.push_only { Ways::Push } else { Ways::Both };
    let mut well = true;
    let mut hardships: BTreeMap<String, u64> = BTreeMap::new();
    for seed in arguments.seed..arguments.seed + arguments.seeds {
        let report = run(ways, seed, arguments.operations, arguments.sabotage);
        for (failed, findings) in report.failures.iter().take(arguments.show) {
            for finding in findings.iter().take(5) {
                println!("{finding}");
            }
            println!("{}\n", serde_json::to_string(&failed.shrink(arguments.sabotage))?);
        }
        for (what, times) in &report.hardships {
            *hardships.entry(what.clone()).or_default() += times;
        }
        if arguments.hardships && seed + 1 == arguments.seed + arguments.seeds {
            hardships.iter().for_each(|(what, times)| println!("{times:>9} {what}"));
        }
        println!("{report}");
        well &= report.failures.is_empty();
    }
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
