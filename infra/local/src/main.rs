//! `cargo run -p local`: the whole bundle on this machine, with QuickBooks and Invoice Ninja companies to try it on.

#![expect(clippy::print_stdout, reason = "this program talks to the person who started it")]

use std::collections::HashSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use admin::text;
use anyhow::Context;
use clap::Parser;
use local::pairs::{self, Pair};
use local::run::{self, Outcome, Report, Trial};
use local::{Bundle, BundleOptions, demo};
use quickbooks_simulator::server::Limits;
use sync::ids::CompanyId;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// Runs Counterpart on this machine: a local AWS with the real functions, and simulators of QuickBooks and Invoice Ninja.
/// Pushes half a year of a company's invoices, tries every direction with a company of its own, and stays up until
/// Ctrl-C: what is changed on either side's page arrives on the other's.
#[derive(Parser)]
struct Arguments {
    /// End when everything is pushed, tried and checked; with a failure if anything is not as it should be.
    #[arg(long)]
    once: bool,
    /// Push these messages in place of the demo's: one event, or one array of events, a line (--print-events shows
    /// how they look). The company that the first one names is the one that is connected.
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
    /// Keep the state of AWS and of both sides, and the addresses, in this directory from run to run.
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
    /// Port of the Invoice Ninja simulator on 127.0.0.1 [default: a free one].
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    invoice_ninja_port: u16,
    /// Let the simulator refuse what comes too fast, as Intuit does (10 requests a second).
    #[arg(long)]
    limits: bool,
    /// Print the demo's messages, one a line, and end.
    #[arg(long)]
    print_events: bool,
}

/// What shells expect of a program that Ctrl-C has ended.
const INTERRUPTED: u8 = 130;
/// How often the activity logs are looked at, and how far back.
const GLANCE: Duration = Duration::from_secs(1);
const ENTRIES: usize = 50;

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
    let Some(pairs) = unless_stopped(pairs::set_up(&bundle, bundle.simulator.now())).await? else {
        bundle.stop().await?;
        return Ok(INTERRUPTED.into());
    };
    let outcome = unless_stopped(push(&bundle, own_events.as_deref(), &pairs)).await;
    if let Ok(Some(outcome)) = &outcome {
        tell(outcome, begun);
        if let Some(file) = &arguments.report {
            write_report(file, &outcome.report)?;
        }
        if !arguments.once {
            introduce(&bundle)?;
            invite(&pairs);
            open_consoles(&bundle, &pairs).await?;
            unless_stopped(follow(&bundle, &pairs)).await?;
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
        invoice_ninja_port: arguments.invoice_ninja_port,
        limits: if arguments.limits { Limits::default() } else { Limits::NONE },
        progress: Arc::new(|what| println!("{what} …")),
    })
    .await
}

async fn push(bundle: &Bundle, own_events: Option<&str>, pairs: &[Pair]) -> anyhow::Result<Outcome> {
    let progress = |what: &str| println!("{what} …");
    let now = bundle.simulator.now();
    let Some(lines) = own_events else {
        let mut outcome = run::demo(bundle, now, &progress).await?;
        progress("Changing things on both sides' pages, in every direction");
        let trials = run::both_ways(bundle, pairs).await?;
        outcome.report.problems.extend(trials.iter().flat_map(|trial| trial.problems.clone()));
        outcome.report.both_ways = trials;
        return Ok(outcome);
    };
    run::own(bundle, lines, now, &progress).await
}

fn read(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))
}

fn introduce(bundle: &Bundle) -> anyhow::Result<()> {
    println!();
    println!("QuickBooks (simulated)     {}", bundle.simulator.url());
    println!("Invoice Ninja (simulated)  {}", bundle.invoice_ninja.url());
    println!("Counterpart's HTTP API     {}", bundle.stack.api_url());
    println!("Local AWS                  {}", bundle.stack.aws_endpoint());
    println!("Push queue                 {}", bundle.stack.output("PushQueueUrl")?);
    println!();
    Ok(())
}

/// Where a person changes something, and on which page it arrives.
fn invite(pairs: &[Pair]) {
    println!("Change something on either side's page, and see it arrive on the other's:\n");
    for pair in pairs {
        println!("{:<14} {}   {}", pair.direction.to_string(), pair.invoice_ninja_page, pair.quickbooks_page);
    }
    println!("\nWhat becomes of it follows here. Enter prints new links into the console, Ctrl-C ends it.\n");
}

/// Links into each company's console, as its billing app would ask for them.
async fn open_consoles(bundle: &Bundle, pairs: &[Pair]) -> anyhow::Result<()> {
    println!("The console, by links that open it once, within 5 minutes:\n");
    for pair in pairs {
        let link = bundle.operator.console_link(&pair.company, bundle.simulator.now()).await?;
        println!("{:<14} {link}", pair.direction.to_string());
    }
    println!();
    Ok(())
}

/// Each time that the person presses Enter. A thread of its own, for reading cannot be broken off.
fn enter_pressed() -> mpsc::UnboundedReceiver<()> {
    let (pressed, presses) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in io::stdin().lines() {
            if line.is_err() || pressed.send(()).is_err() {
                break;
            }
        }
    });
    presses
}

/// Prints what is added to the companies' activity logs, for ever, and links when they are asked for.
async fn follow(bundle: &Bundle, pairs: &[Pair]) -> anyhow::Result<()> {
    let (mut known, mut is_first, mut presses) = (HashSet::new(), true, enter_pressed());
    loop {
        for pair in pairs {
            let mut newest = bundle.operator.activity(&pair.company, ENTRIES).await?;
            newest.reverse();
            for entry in newest {
                let is_new = known.insert((entry.company.clone(), entry.event.clone(), entry.handled_at));
                if is_new && !is_first {
                    print!("{:<14} {}", pair.direction.to_string(), text::activity(&entry));
                }
            }
        }
        is_first = false;
        if presses.try_recv().is_ok() {
            open_consoles(bundle, pairs).await?;
        }
        tokio::time::sleep(GLANCE).await;
    }
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
    for trial in &report.both_ways {
        println!("{}", in_words(trial));
    }
    if report.problems.is_empty() {
        println!("Everything is as it should be.");
    } else {
        println!("{} problems:\n- {}", report.problems.len(), report.problems.join("\n- "));
    }
}

/// What became of the changes on the pages of one direction.
fn in_words(trial: &Trial) -> String {
    let arrives =
        |after: Option<u128>| after.map_or("stays".to_owned(), |after| format!("arrives after {after} ms"));
    format!(
        "{:<14} a change in Invoice Ninja {}, a change in QuickBooks {}; {} and {} writes to the other side",
        trial.direction.to_string(),
        arrives(trial.to_quickbooks),
        arrives(trial.to_invoice_ninja),
        trial.writes.0,
        trial.writes.1
    )
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
