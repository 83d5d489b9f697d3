//! The same read by a tool that people use today: python-quickbooks, page by page.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, ensure};
use quickbooks_simulator::server::Simulator;
use serde::Deserialize;
use tokio::process::Command;

use super::{Taken, company, count, taken};
use crate::binaries::workspace;

pub(crate) const NAME: &str = "python-quickbooks, read only";
const REQUIREMENT: &str = "python-quickbooks==0.9.12";

/// Reads all pages of Customers and Invoices, pauses as the library's users do when it is told to, and says how many
/// there were and how much memory it took.
const SCRIPT: &str = include_str!("read_all.py");

/// The tool, installed.
pub(crate) struct Tool {
    python: PathBuf,
}

#[derive(Deserialize)]
struct Said {
    customers: usize,
    invoices: usize,
    peak_kib: usize,
}

/// Installs the tool into the target directory, unless it is there.
pub(crate) async fn ready() -> anyhow::Result<Tool> {
    let directory = workspace().join("target").join("bench-python");
    let python = directory.join("bin").join("python");
    if !python.exists() {
        println!("Installing {REQUIREMENT} into {}", directory.display());
        run(Command::new("python3").arg("-m").arg("venv").arg(&directory)).await?;
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", REQUIREMENT])).await?;
    }
    Ok(Tool { python })
}

async fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().await.context("python3 could not be started")?;
    ensure!(status.success(), "the tool could not be installed");
    Ok(())
}

impl Tool {
    /// Reads everything once.
    pub(crate) async fn read(&self, simulator: &Simulator, records: usize) -> anyhow::Result<Taken> {
        let token = simulator.connect(company::REALM).context("no such realm")?.access_token;
        simulator.forget_calls();
        let begun = Instant::now();
        let output = Command::new(&self.python)
            .args(["-c", SCRIPT, simulator.url(), company::REALM])
            .env("ACCESS_TOKEN", token)
            // The simulator speaks plain HTTP.
            .env("OAUTHLIB_INSECURE_TRANSPORT", "1")
            .stderr(Stdio::inherit())
            .output()
            .await?;
        let seconds = begun.elapsed().as_secs_f64();
        ensure!(output.status.success(), "the tool failed");
        let said: Said = serde_json::from_slice(&output.stdout)?;
        ensure!(
            (said.customers, said.invoices) == (records, records),
            "the tool read {} and {}",
            said.customers,
            said.invoices
        );
        Ok(taken(NAME, simulator, seconds, count(said.peak_kib) / 1024.0))
    }
}
