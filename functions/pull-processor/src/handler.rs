//! A batch of the pull queue, handed to the engine.

use std::time::Duration;

use aws::Queue;
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use bootstrap::{Services, SystemClock, batch};
use lambda_runtime::{Error, LambdaEvent};
use sync::ports::Clock;
use sync::pull::messages;
use sync::push::Ports;

/// Kept for a call to QuickBooks that has waited for its turn, and for what follows it.
const LAST_CALL: Duration = Duration::from_secs(10);

/// Pulls what the notices in the batch tell of. Fails only if the queue cannot be answered.
pub(crate) async fn handle(
    services: &Services,
    queue: &Queue,
    event: LambdaEvent<SqsEvent>,
) -> Result<SqsBatchResponse, Error> {
    let time = batch::time_left(event.context.deadline);
    let connections = services.connections.until(SystemClock.now() + time.saturating_sub(LAST_CALL));
    let ports = Ports {
        companies: &services.companies,
        ledger: &services.ledger,
        activity: &services.activity,
        billing: &services.billing,
        connector: &connections,
        clock: &SystemClock,
    };
    Ok(batch::run(event.payload, queue, time, async |group| messages(ports, &group).await).await?)
}
