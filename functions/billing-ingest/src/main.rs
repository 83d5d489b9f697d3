//! Takes the billing app's webhooks and puts them on the push queue as entity events.

mod handler;

use std::time::Duration;

use bootstrap::config::{Environment, PushConfig};
use bootstrap::{Patience, Services, SystemClock, telemetry};
use handler::Door;
use lambda_http::{Error, Request, run, service_fn};

/// The app's fixed lists are read once, within the function's 20 seconds (template.yaml); the app itself waits for 30.
const PATIENCE: Patience = Patience { connect: Duration::from_secs(3), total: Duration::from_secs(5) };

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(&Environment);
    let config = PushConfig::read(&Environment)?;
    let services = Services::new(&config.shared, PATIENCE).await?;
    let queue = services.queue(&config.push_queue_url);
    let door =
        Door { apps: &services.billing, queue: &queue, activity: &services.activity, clock: &SystemClock };
    run(service_fn(async |request: Request| Ok::<_, Error>(handler::handle(&door, &request).await))).await
}
