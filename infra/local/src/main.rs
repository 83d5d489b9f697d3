//! `cargo run -p local`: the whole bundle on this machine, with a QuickBooks company to try it on.

#![expect(clippy::print_stdout, reason = "this program talks to the person who started it")]

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use clap::Parser;
use local::run::{self, Outcome, Report};
use local::{Bundle, BundleOptions, demo};
use quickbooks_simulator::server::Limits;
use sync::ids::CompanyId;
use tokio::signal::unix::{SignalKind, signal};

/// Runs Counterpart on this machine: a local AWS with the real functions, and a QuickBooks simulator. Connects a
/// company, pushes half a year of its invoices, and stays up until Ctrl-C.
#[derive(Parser)]
struct Arguments {
    /// End when everything is pushed and checked; with a failure if anything is not as it should be.
    #[arg(long)]
    once: bool,
    /// Push these messages in place of the demo's: one event, or one array of events, a line (--print-events shows
    /// how they look). The company that the first one names is the one that is connected.
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
    /// Keep AWS's and QuickBooks' state, and the addresses, in this directory from run to run.
    #[arg(long, value_name = "DIRECTORY")]
    keep: Option<PathBuf>,
    /// Write the summary to this file, as JSON.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Port of Counterpart's HTTP API on 127.0.0.1 [default: a free one].
    #[arg(long)]
    port: Option<u16>,
    /// Port of the QuickBooks simulator on 127.0.0.1 [default: a free one].
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    simulator_port: u16,
    /// Let the simulator refuse what comes too fast, as Intuit does (10 requests a second).
    #[arg(long)]
    limits: bool,
    /// Print the demo's messages, one a line, and end.
    #[arg(long)]
    print_events: bool,
}

/// What shells expect of a program that Ctrl-C has ended.
const INTERRUPTED: u8 = 130;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    if arguments.print_events {
        return print_events();
    }
    let begun = Instant::now();
    let own_events = arguments.events.as_deref().map(read).transpose()?;
    let Some(bundle) = unless_stopped(start(&arguments)).await? else { return Ok(INTERRUPTED.into()) };
    introduce(&bundle)?;
    let outcome = unless_stopped(push(&bundle, own_events.as_deref())).await;
    if let Ok(Some(outcome)) = &outcome {
        tell(outcome, begun);
        if let Some(file) = &arguments.report {
            write_report(file, &outcome.report)?;
        }
        if !arguments.once {
            introduce(&bundle)?;
            println!("Ctrl-C ends it.");
            asked_to_stop().await?;
        }
    }
    bundle.stop().await?;
    Ok(match outcome? {
        None => INTERRUPTED.into(),
        Some(outcome) if arguments.once && !outcome.report.problems.is_empty() => ExitCode::FAILURE,
        Some(_) => ExitCode::SUCCESS,
    })
}

/// The result, or none if the person ends it before.
async fn unless_stopped<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<Option<T>> {
    tokio::select! {
        result = work => result.map(Some),
        stop = asked_to_stop() => stop.map(|()| None),
    }
}

fn print_events() -> anyhow::Result<ExitCode> {
    let mut output = io::stdout().lock();
    for event in demo::demo(&CompanyId::new(run::COMPANY)?)?.events {
        match writeln!(output, "{}", event.body) {
            // Whoever reads has read enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
            written => written?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn start(arguments: &Arguments) -> anyhow::Result<Bundle> {
    Bundle::start(BundleOptions {
        data_dir: arguments.keep.clone(),
        api_port: arguments.port,
        simulator_port: arguments.simulator_port,
        limits: if arguments.limits { Limits::default() } else { Limits::NONE },
        progress: Arc::new(|what| println!("{what} …")),
    })
    .await
}

async fn push(bundle: &Bundle, own_events: Option<&str>) -> anyhow::Result<Outcome> {
    let progress = |what: &str| println!("{what} …");
    let now = bundle.simulator.now();
    match own_events {
        Some(lines) => run::own(bundle, lines, now, &progress).await,
        None => run::demo(bundle, now, &progress).await,
    }
}

fn read(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))
}

fn introduce(bundle: &Bundle) -> anyhow::Result<()> {
    println!();
    println!("QuickBooks (simulated)  {}", bundle.simulator.url());
    println!("Counterpart's HTTP API  {}", bundle.stack.api_url());
    println!("Local AWS               {}", bundle.stack.aws_endpoint());
    println!("Push queue              {}", bundle.stack.output("PushQueueUrl")?);
    println!();
    Ok(())
}

fn tell(outcome: &Outcome, begun: Instant) {
    let report = &outcome.report;
    println!("\n{}\n", run::table(&outcome.endings));
    println!(
        "{} events: {} done, {} skipped, {} parked, in {} s ({} s with the set-up)",
        report.events,
        report.done,
        report.skipped,
        report.parked,
        report.elapsed_seconds,
        begun.elapsed().as_secs()
    );
    let (all, new) = (&report.quickbooks, &report.added);
    println!(
        "QuickBooks: {} customers ({} new), {} items ({} new), {} invoices ({} new), {} payments ({} new)",
        all.customers,
        new.customers,
        all.items,
        new.items,
        all.invoices,
        new.invoices,
        all.payments,
        new.payments
    );
    let calls: Vec<String> = report.calls.iter().map(|(kind, times)| format!("{times} {kind:?}")).collect();
    println!("Calls to QuickBooks: {} ({} of them metered)", calls.join(", "), report.metered_calls);
    if report.problems.is_empty() {
        println!("Everything is as it should be.");
    } else {
        println!("{} problems:\n- {}", report.problems.len(), report.problems.join("\n- "));
    }
}

fn write_report(file: &Path, report: &Report) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(report)?;
    std::fs::write(file, text).with_context(|| format!("{} cannot be written", file.display()))
}

/// Ctrl-C, or a plain `kill`.
async fn asked_to_stop() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => (),
    }
    Ok(())
}
