//! An existing QuickBooks company is brought into an Invoice Ninja, by the deployed functions.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, ensure};
use serde_json::json;
use sync::import::{Job, State};
use sync::model::Kind;
use sync::settings::Direction;
use tokio::time::sleep;

use crate::ninja::Ninja;
use crate::world::{GLANCE, PATIENCE, Tenant, World, all, tests};

tests![r25_t22_a_company_is_previewed_and_brought_over_once];

/// How many of a sort the app has.
async fn count(ninja: &Ninja<'_>, sort: &str) -> anyhow::Result<usize> {
    let path = format!("{sort}?sort=id|asc&per_page=1000&status=active,archived");
    let records = ninja.does("GET", &path, &json!({})).await?;
    Ok(records.as_array().context("no list")?.len())
}

/// Waits until the newest job has ended.
async fn end(tenant: &Tenant<'_>) -> anyhow::Result<Job> {
    let begun = Instant::now();
    loop {
        let job = tenant.bundle.operator.import(&tenant.id, None, tenant.bundle.simulator.now()).await?;
        if job.state != State::Running {
            ensure!(job.state == State::Done, "{job:?}");
            return Ok(job);
        }
        ensure!(
            begun.elapsed() < PATIENCE,
            "{job:?}\n{}",
            tenant.bundle.stack.function_log("ImporterFunction")?
        );
        sleep(GLANCE).await;
    }
}

async fn r25_t22_a_company_is_previewed_and_brought_over_once(world: Arc<World>) -> anyhow::Result<()> {
    let tenant = world.tenant("import").await?;
    let ninja = Ninja::of(&tenant).await?;
    tenant.change(all(Direction::None)).await?;
    let operator = &tenant.bundle.operator;
    let sorts = [
        (Kind::Product, "products"),
        (Kind::Client, "clients"),
        (Kind::Invoice, "invoices"),
        (Kind::Payment, "payments"),
    ];

    operator.preview_import(&tenant.id, &Kind::ALL, tenant.bundle.simulator.now()).await?;
    let preview = end(&tenant).await?;
    for (_, sort) in sorts {
        ensure!(count(&ninja, sort).await? == 0, "a preview writes nothing");
    }
    operator.start_import(&tenant.id, &Kind::ALL, tenant.bundle.simulator.now()).await?;
    let run = end(&tenant).await?;
    for (kind, sort) in sorts {
        let (would, did) = (&preview.progress[&kind].counts, &run.progress[&kind].counts);
        let told = operator.import_records(&run, kind, tenant.bundle.simulator.now()).await?;
        ensure!(would == did, "{kind}: {would:?} was previewed, and {did:?} done: {told:?}");
        let there = u64::try_from(count(&ninja, sort).await?)?;
        ensure!(there == did.created && there > 0, "R27, R28: {there} {sort} after {did:?}");
        ensure!(u64::try_from(told.len())? == did.done - did.unchanged, "{kind}: {}", told.len());
    }
    operator.start_import(&tenant.id, &Kind::ALL, tenant.bundle.simulator.now()).await?;
    let again = end(&tenant).await?.total();
    ensure!(
        (again.created, again.all_linked(), again.updated, again.deleted) == (0, 0, 0, 0),
        "T22: {again:?}"
    );
    for (kind, sort) in sorts {
        let there = u64::try_from(count(&ninja, sort).await?)?;
        ensure!(there == run.progress[&kind].counts.created, "T22: {there} {sort}");
    }
    Ok(())
}
