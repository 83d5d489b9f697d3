//! The demo, as `cargo run -p local -- --once` runs it.

use std::sync::Arc;

use anyhow::ensure;
use local::run::{self, Held};

use crate::world::{World, tests};

tests![everything_is_as_it_should_be_and_a_second_run_writes_nothing];

async fn everything_is_as_it_should_be_and_a_second_run_writes_nothing(
    world: Arc<World>,
) -> anyhow::Result<()> {
    let bundle = world.bundle().await?;
    let now = bundle.simulator.now();
    let first = run::demo(bundle, now, &|_| ()).await?.report;
    ensure!(first.problems.is_empty(), "{:#?}", first.problems);
    ensure!(first.added.invoices > 120 && first.parked > 5, "{first:#?}");

    let second = run::demo(bundle, now, &|_| ()).await?.report;
    ensure!(second.problems.is_empty(), "{:#?}", second.problems);
    ensure!(second.added == Held::default() && second.writes == 0, "R95: {second:#?}");
    ensure!(second.events == first.events && second.parked == first.parked, "{second:#?}");
    Ok(())
}
