//! Runs seeds and reports. The last line sums a seed up; the exit code says whether all is well.
#![expect(clippy::print_stdout, reason = "a program for people")]

use std::process::ExitCode;

use clap::Parser;
use simulation::run;

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
    /// How many of a seed's failures are cut down and shown.
    #[arg(long, default_value_t = 3)]
    show: usize,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let mut well = true;
    for seed in arguments.seed..arguments.seed + arguments.seeds {
        let report = run(seed, arguments.operations, None);
        for (failed, findings) in report.failures.iter().take(arguments.show) {
            for finding in findings.iter().take(5) {
                println!("{finding}");
            }
            println!("{}\n", serde_json::to_string(&failed.shrink(None))?);
        }
        println!("{report}");
        well &= report.failures.is_empty();
    }
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
