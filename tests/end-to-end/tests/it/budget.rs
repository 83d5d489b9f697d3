//! What a push may cost: calls to QuickBooks, as the simulator counts them.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, ensure};
use quickbooks_simulator::server::CallKind;
use serde_json::{Value, json};
use sync::outcome::DoneAction::{Created, Updated};

use crate::records::{changed, client, invoice, line, payment};
use crate::world::{Tenant, World, is_done, tests};

tests![
    a_new_invoice_takes_five_calls_and_what_follows_one_each,
    a_long_backlog_goes_in_batches_and_is_there_once
];

async fn a_new_invoice_takes_five_calls_and_what_follows_one_each(world: Arc<World>) -> anyhow::Result<()> {
    let tenant = world.tenant("budget").await?;
    let lines = [line("Stone Wall", "3", "120"), line("Gate", "1", "80.25")];
    let bill = invoice("i-1", &client("c-1", "Budget Hotel"), &lines, "440.25");

    let before = tenant.calls().len();
    tenant.must(Created, tenant.event("invoice.created", &bill)).await?;
    let kinds = calls_since(&tenant, before);
    ensure!(kinds.len() <= 5, "with a new client and two new products: {kinds:?}");

    let before = tenant.calls().len();
    let edited = changed(&changed(&bill, "lines", json!([lines[0].clone()])), "amount", "360");
    tenant.must(Updated, tenant.event("invoice.updated", &edited)).await?;
    ensure!(calls_since(&tenant, before) == [CallKind::Update], "{:?}", calls_since(&tenant, before));

    let before = tenant.calls().len();
    tenant.must(Created, tenant.event("payment.created", &payment("y-1", &edited, "360"))).await?;
    ensure!(calls_since(&tenant, before) == [CallKind::Create], "{:?}", calls_since(&tenant, before));
    Ok(())
}

/// More than go one by one.
const BACKLOG: usize = 250;

async fn a_long_backlog_goes_in_batches_and_is_there_once(world: Arc<World>) -> anyhow::Result<()> {
    let tenant = world.tenant("backlog").await?;
    let owner = client("c-1", "Backlog Hotel");
    let bill = |number: usize| {
        let record = invoice(&format!("i-{number}"), &owner, &[line("Stone Wall", "1", "120")], "120");
        changed(&record, "number", json!(format!("B-{number}")))
    };
    tenant.must(Created, tenant.event("invoice.created", &bill(0))).await?;
    let before = tenant.calls().len();
    let events: Vec<Value> =
        (1..=BACKLOG).map(|number| tenant.event("invoice.created", &bill(number))).collect();
    let endings = tenant.push_texts(&[Value::from(events).to_string()]).await?;
    ensure!(endings.len() == BACKLOG, "{} have ended", endings.len());
    for ending in &endings {
        is_done(ending, Created)?;
    }
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    for row in tenant.all("Invoice") {
        *numbers.entry(row["DocNumber"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
    }
    for number in 0..=BACKLOG {
        ensure!(numbers.get(&format!("B-{number}")) == Some(&1), "B-{number}: {numbers:?}");
    }
    let calls = tenant.calls().split_off(before);
    let batches = calls.iter().filter(|call| call.kind == CallKind::Batch && call.path.contains("requestid"));
    let creates = calls.iter().filter(|call| call.kind == CallKind::Create).count();
    ensure!(batches.count() >= 8 && creates <= 30, "{calls:?}");
    let log = tenant.bundle.stack.function_log("PushProcessorFunction")?;
    let told = |line: &&str| line.contains(tenant.id.as_str()) && line.contains("wrote in batches");
    log.lines().find(told).context("the log does not tell that batches were used")?;
    let metrics =
        |line: &&str| line.contains("\"CloudWatchMetrics\"") && !line.contains("\"WriteBatches\":0");
    log.lines().find(metrics).context("no metrics of batches")?;
    Ok(())
}

fn calls_since(tenant: &Tenant<'_>, before: usize) -> Vec<CallKind> {
    tenant.calls().iter().skip(before).map(|call| call.kind).collect()
}
