//! A whole company, brought over by the importer as it is shipped: 100,000 Customers and 100,000 Invoices of a QuickBooks
//! simulator that throttles as Intuit does. Beside it, the same read by python-quickbooks, which people use today.
//!
//! Time is real and nothing is skipped. AWS and the billing app are stand-ins of this program's, which answer at once and
//! keep what they are given; each of the importer's calls to them is a call over HTTP all the same.

mod aws;
mod company;
mod ninja;
mod tool;

use std::time::{Duration, Instant};

use ::aws::{Aws, Local};
use anyhow::{Context, ensure};
use axum::body::Bytes;
use jiff::Timestamp;
use quickbooks_simulator::server::Simulator;
use serde_json::json;
use sync::billing_app::{BillingApp, InvoiceNinja};
use sync::ids::{CompanyId, RealmId};
use sync::import::{self, Imports, Job, Ports, State};
use sync::model::Kind;
use sync::ports::{Clock, Companies};
use sync::reference::Reference;
use sync::settings::{Company, Connection, ConnectionState};

use crate::function::Function;
use crate::table::{print, row};
use crate::{binaries, cold_start};

/// Of each kind.
const RECORDS: usize = 100_000;
/// What the importer may hold at most, in MiB.
const MOST_MEMORY: f64 = 64.0;
/// Calls that Intuit allows in a minute (Intuit: Limits and throttles).
const CALLS_A_MINUTE: f64 = 500.0;
/// What 1,000 metered calls cost at most, in dollars, beyond those that a tier includes (Intuit: App Partner Program).
const DOLLARS_PER_THOUSAND: f64 = 3.5;

const COMPANY: &str = "acme";

struct Now;

impl Clock for Now {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// What an import, or the tool's read, took.
struct Taken {
    name: &'static str,
    seconds: f64,
    calls: u64,
    metered: u64,
    /// Calls that were refused with 429.
    refused: u64,
    /// Calls to the billing app.
    billing: u64,
    /// MiB.
    memory: f64,
}

/// Measures and prints. `records` of each kind; 100,000 unless it is said.
pub(crate) async fn measure(profile: &str, records: Option<usize>) -> anyhow::Result<()> {
    let records = records.unwrap_or(RECORDS);
    let importer = binaries::built(profile, &["importer".to_owned()]).await?;
    let importer = importer.first().context("nothing was built")?;
    let tool = tool::ready().await?;
    println!("Making a company of {records} Customers and {records} Invoices");
    let simulator = company::of(records).await?;
    let stub = aws::Stub::start(&simulator).await?;
    let ninja = ninja::Ninja::start().await?;
    let world = World::new(&simulator, &stub, &ninja).await?;
    let function = Function::start(importer, &world.variables()?).await?;

    let mut rows = Vec::new();
    for name in ["importer, everything new", "importer, nothing new"] {
        println!("Measuring: {name}");
        ninja.calls();
        let (taken, job) = world.import(name, &function).await?;
        let taken = Taken { billing: ninja.calls(), ..taken };
        let new = u64::try_from(2 * records)?;
        let total = job.total();
        ensure!(total.all_failed() == 0, "{:?}", total.failed);
        let created = if rows.is_empty() { new } else { 0 };
        ensure!((total.created, total.unchanged) == (created, new - created), "{total:?}");
        rows.push(taken);
    }
    ensure!(ninja.records() == 2 * records + 1, "{} records in the billing app", ninja.records());
    println!("Measuring: {}", tool::NAME);
    rows.push(tool.read(&simulator, records).await?);

    println!("\n{records} Customers and {records} Invoices, with Intuit's throttles:\n");
    let mut table = vec![row([
        "",
        "calls",
        "refused",
        "metered",
        "at most $",
        "least s",
        "took s",
        "peak MiB",
        "app calls",
    ])];
    table.extend(rows.iter().map(Taken::row));
    print(&table);
    println!(
        "\nThe importer's time: {:.0} records a second are read, compared, made in the billing app and linked.",
        2.0 * count(records) / rows[0].seconds
    );
    let most = rows[..2].iter().map(|taken| taken.memory).fold(0.0, f64::max);
    ensure!(most <= MOST_MEMORY, "the importer held {most:.1} MiB, more than {MOST_MEMORY}");
    Ok(())
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

impl Taken {
    /// The least time that the calls a minute allow.
    fn least(&self) -> f64 {
        count(usize::try_from(self.calls).unwrap_or(usize::MAX)) * 60.0 / CALLS_A_MINUTE
    }

    fn row(&self) -> Vec<String> {
        let dollars =
            count(usize::try_from(self.metered).unwrap_or(usize::MAX)) / 1000.0 * DOLLARS_PER_THOUSAND;
        row([
            self.name,
            &self.calls.to_string(),
            &self.refused.to_string(),
            &self.metered.to_string(),
            &format!("{dollars:.2}"),
            &format!("{:.0}", self.least()),
            &format!("{:.0}", self.seconds),
            &format!("{:.1}", self.memory),
            &self.billing.to_string(),
        ])
    }
}

/// The company and all that is around it.
struct World<'w> {
    simulator: &'w Simulator,
    stub: &'w aws::Stub,
    aws: Aws,
    id: CompanyId,
}

impl<'w> World<'w> {
    async fn new(
        simulator: &'w Simulator,
        stub: &'w aws::Stub,
        ninja: &ninja::Ninja,
    ) -> anyhow::Result<World<'w>> {
        let local =
            Local { endpoint: &stub.url, region: "us-east-1", access_key: "bench", secret_key: "bench" };
        let aws = Aws::local(local).await;
        let id = CompanyId::new(COMPANY)?;
        let billing = BillingApp::InvoiceNinja(InvoiceNinja {
            url: ninja.url.clone(),
            name: "Bench".to_owned(),
            since: Timestamp::UNIX_EPOCH,
            updates_products: false,
        });
        let company = Company { billing, version: 1, ..Company::new(id.clone()) };
        let companies = aws.companies("companies");
        ensure!(companies.save(&company).await?, "the company was not stored");
        let connection = Connection {
            realm: RealmId::new(company::REALM)?,
            state: ConnectionState::Connected,
            name: "Bench".to_owned(),
            connected_at: Now.now(),
        };
        // So old that the importer reads it anew.
        let reference = Reference::from_lists(&Default::default(), Timestamp::UNIX_EPOCH);
        companies.connect(&id, &connection, &reference).await?;
        Ok(World { simulator, stub, aws, id })
    }

    fn variables(&self) -> anyhow::Result<Vec<(String, String)>> {
        let mut variables = cold_start::variables(&self.stub.url)?;
        for (name, value) in &mut variables {
            match name.as_str() {
                "COMPANIES_TABLE" => *value = "companies".to_owned(),
                "LINKS_TABLE" => *value = "links".to_owned(),
                "ACTIVITY_TABLE" => *value = "activity".to_owned(),
                "IMPORTS_TABLE" => *value = "imports".to_owned(),
                "QUICKBOOKS_API_URL" => *value = self.simulator.url().to_owned(),
                "BILLING_PRIVATE_ADDRESSES" => *value = "true".to_owned(),
                "RUST_LOG" => *value = "WARN".to_owned(),
                _ => {}
            }
        }
        Ok(variables)
    }

    /// Begins an import and hands its ticks to the function until it has ended.
    async fn import(&self, name: &'static str, function: &Function) -> anyhow::Result<(Taken, Job)> {
        let (companies, imports, queue) = (
            self.aws.companies("companies"),
            self.aws.imports("imports"),
            self.aws.queue(format!("{}/imports", self.stub.url)),
        );
        let ports = Ports { companies: &companies, imports: &imports, queue: &queue, clock: &Now };
        self.simulator.forget_calls();
        let begun = Instant::now();
        let job = import::start(ports, &self.id, &[Kind::Client, Kind::Invoice]).await?;
        while let Some(tick) = self.stub.next_tick() {
            let mut deliveries = 0;
            loop {
                deliveries += 1;
                let answer = function.invoke(&event(&tick, deliveries), 1).await?;
                let body =
                    answer.first().and_then(|answer| answer.body.clone()).context("the function failed")?;
                let answer: serde_json::Value = serde_json::from_slice(&body)?;
                if answer["batchItemFailures"].as_array().is_none_or(Vec::is_empty) {
                    break;
                }
                ensure!(deliveries < 100, "a tick comes to nothing: {answer}");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
        let seconds = begun.elapsed().as_secs_f64();
        let job = imports.job(&self.id, &job.id).await?.context("the job is gone")?;
        ensure!(job.state == State::Done, "{:?}", job.state);
        let memory = count(usize::try_from(function.peak_memory()?)?) / 1024.0;
        Ok((taken(name, self.simulator, seconds, memory), job))
    }
}

/// What the simulator has counted since it was told to forget.
fn taken(name: &'static str, simulator: &Simulator, seconds: f64, memory: f64) -> Taken {
    let list = simulator.call_list(Some(company::REALM));
    let number = |of: &dyn Fn(&quickbooks_simulator::server::Call) -> bool| {
        u64::try_from(list.iter().filter(|call| of(call)).count()).unwrap_or(u64::MAX)
    };
    let counters = simulator.calls(Some(company::REALM));
    let refused = number(&|call| call.status == Some(429));
    Taken { name, seconds, calls: counters.total, metered: counters.metered, refused, billing: 0, memory }
}

/// A tick as SQS hands it to the function.
fn event(tick: &str, deliveries: u32) -> Bytes {
    let message = json!({
        "messageId": "bench", "receiptHandle": "bench", "body": tick, "md5OfBody": "", "awsRegion": "us-east-1",
        "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:imports.fifo",
        "attributes": {
            "ApproximateReceiveCount": deliveries.to_string(), "SentTimestamp": "1772000000000",
            "MessageGroupId": COMPANY, "MessageDeduplicationId": "bench", "SequenceNumber": "1",
            "ApproximateFirstReceiveTimestamp": "1772000000000", "SenderId": "bench",
        },
        "messageAttributes": {},
    });
    json!({ "Records": [message] }).to_string().into()
}
