//! Keeps connections with QuickBooks alive, and writes to people before one ends.

mod handler;

use std::time::Duration;

use bootstrap::config::{Environment, TokenRefreshConfig};
use bootstrap::{Patience, Services, SystemClock, batch, telemetry};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use sync::connect::{self, Seal};
use sync::keep_alive::Ports;
use sync::mail::Mail;

/// A refresh that has to be asked for twice takes two of these, within what the handler keeps for it.
const PATIENCE: Patience = Patience { connect: Duration::from_secs(3), total: Duration::from_secs(10) };

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(&Environment);
    let config = TokenRefreshConfig::read(&Environment)?;
    let services = Services::new(&config.shared, PATIENCE).await?;
    let signing_key = services.secret(&config.signing_key_secret);
    let mail = config.mail_from.as_ref().map(|from| services.mail(from));
    // Nobody is sent to Intuit from here.
    let intuit = services.intuit(config.public_url.clone());
    let public_url = config.public_url.as_str().trim_end_matches('/');
    run(service_fn(async |event: LambdaEvent<serde_json::Value>| {
        let seal = Seal::new(signing_key.text().await?)?;
        let tokens = services.token_ports();
        let connect = connect::Ports {
            companies: tokens.companies,
            standings: tokens.standings,
            vault: tokens.vault,
            intuit: &intuit,
            clock: &SystemClock,
            seal: &seal,
        };
        let mail = mail.as_ref().map(|mail| mail as &dyn Mail);
        let ports = Ports { tokens, connect, activity: &services.activity, mail, public_url };
        let time_left = || batch::time_left(event.context.deadline);
        Ok::<_, Error>(handler::handle(ports, &time_left).await?)
    }))
    .await
}
