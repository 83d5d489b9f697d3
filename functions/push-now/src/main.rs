//! Pushes an invoice while the billing app waits, and tells what became of an event.

mod handler;

use std::time::Duration;

use bootstrap::config::{Environment, PushConfig};
use bootstrap::{Patience, Services, SystemClock, telemetry};
use handler::Desk;
use lambda_http::{Error, Request, run, service_fn};
use sync::ports::Clock;

/// How long an event is pushed before it is left to the queue. The answer is promised within 25 seconds (D6); the rest
/// is for a cold start and for the queue.
const TIME: Duration = Duration::from_secs(20);
/// Kept of it for a call to QuickBooks that has waited for its turn, and for what follows it.
const LAST_CALL: Duration = Duration::from_secs(6);
/// Within [`TIME`], so that a call that gets no answer can be made again.
const PATIENCE: Patience = Patience { connect: Duration::from_secs(3), total: Duration::from_secs(15) };

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(&Environment);
    let config = PushConfig::read(&Environment)?;
    let services = Services::new(&config.shared, PATIENCE).await?;
    let queue = services.queue(&config.push_queue_url);
    run(service_fn(async |request: Request| {
        let connections = services.connections.until(SystemClock.now() + TIME.saturating_sub(LAST_CALL));
        let desk = Desk { ports: services.ports(&connections), queue: &queue };
        let answer = handler::handle(desk, &request, SystemClock.sleep(TIME)).await;
        services.report();
        Ok::<_, Error>(answer)
    }))
    .await
}
