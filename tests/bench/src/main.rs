//! Measures the release binaries of the functions, each beside a bare one, in the same run on the same machine.
//!
//! ```text
//! cargo run --release -p bench -- webhook       acknowledgements of signed webhooks
//! cargo run --release -p bench -- cold-start    what each function costs before its first event
//! cargo run --release -p bench -- import        a company of 100,000 Customers and 100,000 Invoices, brought over
//! ```
//!
//! `import` takes another number of each, for trying it: `import 1000`.
//!
//! `--profile dev` after it measures quickly built binaries, which says nothing of the real ones but tries this program.
//!
//! The functions run as they do on Lambda, against a Runtime API of this program's. What they call of AWS is answered by
//! this program too: at once, and always the same.

#![expect(clippy::print_stdout, reason = "a program that prints results")]
#![expect(clippy::float_arithmetic, reason = "no money in here")]

mod aws_stub;
mod binaries;
mod cold_start;
mod function;
mod import;
mod table;
mod webhook;

use anyhow::bail;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (what, number, profile) = match arguments[..] {
        [what] => (what, None, "release"),
        [what, "--profile", profile] => (what, None, profile),
        [what, number] => (what, Some(number.parse()?), "release"),
        [what, number, "--profile", profile] => (what, Some(number.parse()?), profile),
        _ => bail!("say what to measure: webhook, cold-start or import"),
    };
    match what {
        "webhook" => webhook::measure(profile).await,
        "cold-start" => cold_start::measure(profile).await,
        "import" => import::measure(profile, number).await,
        _ => bail!("{what} cannot be measured, but webhook, cold-start and import can"),
    }
}
