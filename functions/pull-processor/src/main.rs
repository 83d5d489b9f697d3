//! Takes change notices off the pull queue and brings the billing app in step.

use std::time::Duration;

use bootstrap::config::{Environment, PullConfig};
use bootstrap::{Patience, Services, batch, telemetry};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use sync::pull::messages;

/// Within the function's 60 seconds (template.yaml).
const PATIENCE: Patience = Patience { connect: Duration::from_secs(3), total: Duration::from_secs(25) };

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(&Environment);
    let config = PullConfig::read(&Environment)?;
    let services = Services::new(&config.shared, PATIENCE).await?;
    let queue = services.queue(&config.pull_queue_url);
    run(service_fn(async |event: LambdaEvent<_>| {
        let deadline = event.context.deadline;
        Ok::<_, Error>(batch::of_companies(&services, &queue, event.payload, deadline, messages).await?)
    }))
    .await
}
