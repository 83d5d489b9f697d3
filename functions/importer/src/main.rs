//! Brings an existing QuickBooks company into the billing app, some pages for each message.

use std::time::Duration;

use bootstrap::config::{Environment, ImportConfig};
use bootstrap::{Patience, Services, SystemClock, batch, telemetry};
use jiff::SignedDuration;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use sync::import::{Register, Stretch, Work, work};
use sync::ports::Clock;

/// Within the function's 300 seconds (template.yaml).
const PATIENCE: Patience = Patience { connect: Duration::from_secs(3), total: Duration::from_secs(30) };
/// Kept for the records that are under way when no new one is begun: each may wait for several calls.
const LAST_RECORDS: Duration = Duration::from_secs(120);

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(&Environment);
    let config = ImportConfig::read(&Environment)?;
    let services = Services::new(&config.shared, PATIENCE).await?;
    let queue = services.queue(&config.import_queue_url);
    let imports = services.imports(&config.imports_table);
    // A job's messages come one after the other, mostly to the same instance.
    let register = Register::default();
    run(service_fn(async |event: LambdaEvent<_>| {
        let deadline = event.context.deadline;
        let time = batch::time_left(deadline).saturating_sub(LAST_RECORDS);
        let until = SystemClock.now().saturating_add(SignedDuration::try_from(time)?)?;
        let answer =
            batch::of_companies(&services, &queue, event.payload, deadline, async |engine, messages| {
                let stretch = Stretch::USUAL;
                let means = Work { engine, imports: &imports, queue: &queue, register: &register, stretch };
                work(means, messages, until).await
            });
        Ok::<_, Error>(answer.await?)
    }))
    .await
}
