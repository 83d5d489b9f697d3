//! The console: pages on which a bookkeeper connects a company, maps its records, sets directions, and sees and fixes
//! what happened.
//!
//! [`handler`] turns a request into a response and knows no AWS; what is decided, is decided in `sync`. Each section of
//! the console is a module: what it reads and changes, and its pages as functions from values to markup.

mod activity;
mod answer;
mod api;
mod asset;
mod connect;
mod cookie;
mod fields;
mod handler;
mod health;
mod import;
mod layout;
mod limiter;
mod mapping;
mod overview;
mod record;
mod route;
mod settings;
mod site;
mod spreadsheet;
mod words;

use std::time::Duration;

use bootstrap::config::{ConsoleConfig, Environment};
use bootstrap::{Patience, Services, SystemClock, telemetry};
use lambda_http::{Error, Request, run, service_fn};
use limiter::Limiter;
use site::Site;
use sync::connect::Seal;

/// Within the function's 28 seconds (template.yaml).
const PATIENCE: Patience = Patience { connect: Duration::from_secs(3), total: Duration::from_secs(10) };

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(&Environment);
    let config = ConsoleConfig::read(&Environment)?;
    let services = Services::new(&config.shared, PATIENCE).await?;
    let (pushes, pulls) = (services.queue(&config.push_queue_url), services.queue(&config.pull_queue_url));
    let signing_key = services.secret(&config.signing_key_secret);
    let imports = services.imports(&config.imports_table);
    let import_queue = services.queue(&config.import_queue_url);
    let budget = services.budget(&config.shared);
    let limiter = Limiter::default();
    run(service_fn(async |request: Request| {
        let seal = match signing_key.text().await.and_then(Seal::new) {
            Ok(seal) => seal,
            Err(error) => return Ok::<_, Error>(handler::unavailable(&error)),
        };
        let site = Site {
            companies: &services.companies,
            history: &services.activity,
            ledger: &services.ledger,
            pairs: &services.ledger,
            directories: &services.companies,
            standings: &services.companies,
            connector: &services.connections,
            billing: &services.billing,
            budget: &budget,
            sweeps: &services.companies,
            heard: &services.companies,
            imports: &imports,
            import_queue: &import_queue,
            pushes: &pushes,
            pulls: &pulls,
            clock: &SystemClock,
            seal: &seal,
            limiter: &limiter,
            public_url: config.public_url.as_ref(),
            quickbooks_app: &config.quickbooks_app_url,
            billing_settings: config.billing_settings_url.as_ref(),
        };
        Ok(handler::handle(&site, &request).await)
    }))
    .await
}
