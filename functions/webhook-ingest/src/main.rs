//! Takes QuickBooks' webhooks and puts what they tell on the pull queue.

mod handler;
mod intake;
mod noted;

use std::time::Duration;

use aws::Aws;
use bootstrap::config::{Environment, WebhookConfig};
use bootstrap::{SystemClock, Verifier, telemetry};
use handler::Inbox;
use lambda_http::{Error, Request, run, service_fn};
use noted::Noted;

/// For one call to AWS.
const PATIENCE: Duration = Duration::from_millis(1500);

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(&Environment);
    let config = WebhookConfig::read(&Environment)?;
    let aws = Aws::load_in_a_hurry(PATIENCE).await;
    let companies = aws.companies(config.companies_table);
    let queue = aws.queue(config.pull_queue_url);
    let verifier = Verifier::new(aws, config.intuit_app_secret);
    let inbox = Inbox {
        verifier: &verifier,
        companies: &companies,
        heard: &companies,
        noted: &Noted::default(),
        queue: &queue,
        clock: &SystemClock,
    };
    run(service_fn(async |request: Request| Ok::<_, Error>(handler::handle(inbox, &request).await))).await
}
