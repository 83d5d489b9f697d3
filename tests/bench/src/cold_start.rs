//! What a function costs before its first event: processor time until it asks for one, size, memory.

use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::DeflateEncoder;

use crate::aws_stub::AwsStub;
use crate::binaries::{self, Template};
use crate::function::Function;
use crate::table::{percentile, print, row, times};

/// Starts of each function; the middle one counts.
const STARTS: usize = 21;

/// A function, and what each of its starts took.
struct Starts {
    name: String,
    executable: PathBuf,
    /// Milliseconds.
    processor: Vec<f64>,
    /// MiB.
    memory: Vec<f64>,
}

/// What a function costs.
struct Costs {
    /// Milliseconds.
    processor: f64,
    /// MiB.
    memory: f64,
    /// MB.
    zip: f64,
}

/// Measures and prints.
pub(crate) async fn measure(profile: &str) -> anyhow::Result<()> {
    let names = Template::read()?.binaries;
    let bare = Starts::of("bare", binaries::bare(profile).await?);
    let others = names.iter().zip(binaries::built(profile, &names).await?);
    let mut functions: Vec<Starts> =
        std::iter::once(bare).chain(others.map(|(name, path)| Starts::of(name, path))).collect();
    let stub = AwsStub::start().await?;
    let variables = variables(&stub.url)?;
    // In turns, so that what else the machine does meets all.
    for _ in 0..STARTS {
        for function in &mut functions {
            function.start(&variables).await?;
        }
    }
    let costs: Vec<Costs> = functions.iter().map(Starts::costs).collect::<Result<_, _>>()?;
    let mut rows = vec![row(["", "CPU ms", "", "zip MB", "", "peak MiB", ""])];
    for (function, cost) in functions.iter().zip(&costs) {
        rows.push(cost.row(&function.name, &costs[0]));
    }
    println!(
        "\nUntil the first event is asked for, the middle of {STARTS} starts, beside a bare function:\n"
    );
    print(&rows);
    Ok(())
}

/// A value for every variable of any function. What is an address is that of the stub.
pub(crate) fn variables(aws: &str) -> anyhow::Result<Vec<(String, String)>> {
    let mut variables = vec![
        ("AWS_ACCESS_KEY_ID".to_owned(), "bench".to_owned()),
        ("AWS_SECRET_ACCESS_KEY".to_owned(), "bench".to_owned()),
        ("AWS_REGION".to_owned(), "us-east-1".to_owned()),
    ];
    for name in Template::read()?.variables {
        let value = match name.as_str() {
            "RUST_LOG" => "INFO",
            "BILLING_PRIVATE_ADDRESSES" => "false",
            name if name.ends_with("_URL") => aws,
            _ => "1",
        };
        variables.push((name, value.to_owned()));
    }
    Ok(variables)
}

impl Starts {
    fn of(name: &str, executable: PathBuf) -> Starts {
        Starts { name: name.to_owned(), executable, processor: Vec::new(), memory: Vec::new() }
    }

    async fn start(&mut self, variables: &[(String, String)]) -> anyhow::Result<()> {
        let function = Function::start(&self.executable, variables).await?;
        self.processor.push(function.cpu_time()?.as_secs_f64() * 1000.0);
        self.memory.push(f64::from(u32::try_from(function.peak_memory()?)?) / 1024.0);
        Ok(())
    }

    fn costs(&self) -> anyhow::Result<Costs> {
        let [processor, memory] = [&self.processor, &self.memory].map(|values| percentile(values, 50));
        Ok(Costs { processor, memory, zip: zipped(&self.executable)? })
    }
}

impl Costs {
    fn row(&self, name: &str, bare: &Costs) -> Vec<String> {
        let pairs = [(self.processor, bare.processor), (self.zip, bare.zip), (self.memory, bare.memory)];
        let cells = pairs.into_iter().flat_map(|(value, of)| [format!("{value:.1}"), times(value, of)]);
        std::iter::once(name.to_owned()).chain(cells).collect()
    }
}

/// The megabytes of an executable in a deployment package.
fn zipped(executable: &Path) -> anyhow::Result<f64> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&std::fs::read(executable)?)?;
    Ok(f64::from(u32::try_from(encoder.finish()?.len())?) / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_function_starts_with_these_variables() {
        let names = Template::read().unwrap().binaries;
        let stub = AwsStub::start().await.unwrap();
        let variables = variables(&stub.url).unwrap();
        for (name, path) in names.iter().zip(binaries::built("dev", &names).await.unwrap()) {
            let mut starts = Starts::of(name, path);
            starts.start(&variables).await.unwrap();
            assert!(starts.processor[0] > 0.0 && starts.memory[0] > 0.0, "{name} starts");
        }
    }
}
