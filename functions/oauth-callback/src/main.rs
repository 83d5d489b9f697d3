//! Connects a company to QuickBooks, and disconnects it.

mod handler;
mod pages;

use std::time::Duration;

use bootstrap::config::{Environment, OauthConfig};
use bootstrap::{Patience, Services, SystemClock, telemetry};
use handler::Site;
use lambda_http::{Error, Request, run, service_fn};
use sync::connect::Seal;

/// A code's exchange and the reading of the lists come one after the other, and what waited is put back on the queue,
/// within the function's 28 seconds (template.yaml).
const PATIENCE: Patience = Patience { connect: Duration::from_secs(3), total: Duration::from_secs(7) };

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(&Environment);
    let config = OauthConfig::read(&Environment)?;
    let services = Services::new(&config.shared, PATIENCE).await?;
    let pushes = services.queue(&config.push_queue_url);
    let pulls = services.queue(&config.pull_queue_url);
    let signing_key = services.secret(&config.signing_key_secret);
    run(service_fn(async |request: Request| {
        let seal = match signing_key.text().await.and_then(Seal::new) {
            Ok(seal) => seal,
            Err(error) => return Ok::<_, Error>(handler::unavailable(&error)),
        };
        let site = Site {
            companies: &services.companies,
            standings: &services.companies,
            sweeps: &services.companies,
            vault: &services.vault,
            activity: &services.activity,
            pushes: &pushes,
            pulls: &pulls,
            tokens: services.token_ports().server,
            intuit: &|redirect_uri| Box::new(services.intuit(redirect_uri)),
            clock: &SystemClock,
            seal: &seal,
            public_url: config.public_url.as_ref(),
        };
        Ok(handler::handle(&site, &request).await)
    }))
    .await
}
