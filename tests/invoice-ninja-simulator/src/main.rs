//! The Invoice Ninja simulator as a program of its own.

use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use invoice_ninja_simulator::server::{Options, Simulator, start};
use tokio::signal::unix::{SignalKind, signal};

/// Invoice Ninja companies behind their REST API, on this machine.
#[derive(Parser)]
struct Arguments {
    /// Port on 127.0.0.1; 0 for any free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// File in which the companies are kept over a restart
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_env_filter(tracing_subscriber::EnvFilter::from_default_env()).init();
    let Arguments { port, state } = Arguments::parse();
    let options = Options { port, state_file: state, ..Options::default() };
    let simulator = start(options).await.context("cannot start the simulator")?;
    print_addresses(&simulator);
    until_told_to_stop().await?;
    simulator.stop().await.context("cannot save the state")
}

#[expect(clippy::print_stdout, reason = "a person or a script reads where the simulator listens")]
fn print_addresses(simulator: &Simulator) {
    let url = simulator.url();
    println!("Invoice Ninja simulator  {url}");
    println!("  REST API               {url}/api/v1/");
    println!("  control side           {url}/simulator/");
    simulator.with_companies(|installation| {
        for company in installation.companies() {
            println!("  token                  {}  ({})", company.admin_token(), company.name());
        }
    });
}

async fn until_told_to_stop() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for signals")?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted.context("cannot listen for signals"),
        _ = terminate.recv() => Ok(()),
    }
}
