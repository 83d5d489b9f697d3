//! Finds what changed on either side and no webhook has told.

mod handler;

use std::time::Duration;

use bootstrap::config::{Environment, PullConfig, PushConfig};
use bootstrap::{Patience, Services, telemetry};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

/// Within the function's 300 seconds (template.yaml).
const PATIENCE: Patience = Patience { connect: Duration::from_secs(3), total: Duration::from_secs(60) };

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(&Environment);
    let config = PullConfig::read(&Environment)?;
    let services = Services::new(&config.shared, PATIENCE).await?;
    let pulls = services.queue(&config.pull_queue_url);
    let pushes = services.queue(&PushConfig::read(&Environment)?.push_queue_url);
    run(service_fn(async |event: LambdaEvent<serde_json::Value>| {
        let answer = handler::handle(&services, &pulls, &pushes, event.context.deadline).await;
        services.report();
        answer
    }))
    .await
}
