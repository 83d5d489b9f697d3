//! The QuickBooks simulator as a program of its own.

use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use quickbooks_simulator::server::{App, Options, Simulator, start};
use tokio::signal::unix::{SignalKind, signal};

/// A QuickBooks Online company and its OAuth server on this machine.
#[derive(Parser)]
struct Arguments {
    /// Port on 127.0.0.1; 0 for any free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// File in which companies, tokens and counters are kept over a restart
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// A redirect URI registered for the app; may be repeated (default: any is taken)
    #[arg(long = "redirect-uri", value_name = "URI")]
    redirect_uris: Vec<String>,
    /// Where a person lands who has disconnected the app in QuickBooks
    #[arg(long, value_name = "URL")]
    disconnect_url: Option<String>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_env_filter(tracing_subscriber::EnvFilter::from_default_env()).init();
    let Arguments { port, state, redirect_uris, disconnect_url } = Arguments::parse();
    let app = App { redirect_uris, disconnect_url, ..App::default() };
    let options = Options { port, state_file: state, app, ..Options::default() };
    let simulator = start(options.clone()).await.context("cannot start the simulator")?;
    print_addresses(&simulator, &options);
    until_told_to_stop().await?;
    simulator.stop().await.context("cannot save the state")
}

#[expect(clippy::print_stdout, reason = "a person or a script reads where the simulator listens")]
fn print_addresses(simulator: &Simulator, options: &Options) {
    let url = simulator.url();
    println!("QuickBooks simulator  {url}");
    println!("  companies           {}", simulator.realms().join(" "));
    println!("  accounting API      {url}/v3/company/{{realm}}/");
    println!("  consent             {url}/connect/oauth2");
    println!("  tokens              {url}/oauth2/v1/tokens/bearer");
    println!("  revocation          {url}/v2/oauth2/tokens/revoke");
    println!("  control side        {url}/simulator/");
    println!("  client id, secret   {} {}", options.app.client_id, options.app.client_secret);
}

async fn until_told_to_stop() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for signals")?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted.context("cannot listen for signals"),
        _ = terminate.recv() => Ok(()),
    }
}
