//! `cargo run -p local`: the whole bundle on this machine, with a QuickBooks company to try it on.

#![expect(clippy::print_stdout, reason = "this program talks to the person who started it")]

use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use local::{Stack, StackOptions};
use quickbooks_simulator::server::{self, Simulator};
use tokio::signal::unix::{SignalKind, signal};

/// Runs Counterpart on this machine: a local AWS with the real functions, and a QuickBooks simulator.
#[derive(Parser)]
struct Arguments {
    /// Keep AWS's and QuickBooks' state, and the addresses, in this directory from run to run.
    #[arg(long, value_name = "DIRECTORY")]
    keep: Option<PathBuf>,
    /// Port of Counterpart's HTTP API on 127.0.0.1 [default: a free one].
    #[arg(long)]
    port: Option<u16>,
    /// Port of the QuickBooks simulator on 127.0.0.1 [default: a free one].
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    simulator_port: u16,
}

/// What runs while this program does.
struct Bundle {
    simulator: Simulator,
    stack: Stack,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let bundle = tokio::select! {
        bundle = Bundle::start(&arguments) => bundle?,
        stop = asked_to_stop() => return stop,
    };
    bundle.introduce()?;
    asked_to_stop().await?;
    bundle.stop().await
}

impl Bundle {
    async fn start(arguments: &Arguments) -> anyhow::Result<Self> {
        let simulator = server::start(server::Options {
            port: arguments.simulator_port,
            state_file: arguments.keep.as_ref().map(|directory| directory.join("quickbooks.json")),
            ..server::Options::default()
        })
        .await
        .context("the QuickBooks simulator does not start")?;
        let stack = Stack::start(StackOptions {
            data_dir: arguments.keep.clone(),
            api_port: arguments.port,
            progress: Box::new(|what| println!("{what} …")),
            ..StackOptions::new(simulator.url())
        })
        .await?;
        Ok(Self { simulator, stack })
    }

    fn introduce(&self) -> anyhow::Result<()> {
        println!("QuickBooks (simulated)  {}", self.simulator.url());
        println!("Counterpart's HTTP API  {}", self.stack.api_url());
        println!("Local AWS               {}", self.stack.aws_endpoint());
        println!("Push queue              {}", self.stack.output("PushQueueUrl")?);
        println!("Ctrl-C ends it.");
        Ok(())
    }

    async fn stop(self) -> anyhow::Result<()> {
        self.stack.stop().await?;
        self.simulator.stop().await.context("the QuickBooks simulator could not save its state")
    }
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
