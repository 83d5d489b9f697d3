//! One round over all companies.

use std::time::Duration;

use aws::Queue;
use bootstrap::{Services, SystemClock, batch};
use futures::StreamExt;
use futures::stream;
use lambda_runtime::Error;
use sync::ports::{Clock, Sweeps};
use sync::reconcile::{Ports, sweep};

/// How many companies are swept side by side.
const AT_ONCE: usize = 8;
/// Kept for the sweeps that are under way when no new one is begun.
const LAST_SWEEPS: Duration = Duration::from_secs(75);

/// Sweeps the companies whose time has come, as many as the function has time for; the others' time stays come. Fails
/// if the companies cannot be listed.
pub(crate) async fn handle(services: &Services, queue: &Queue, deadline: u64) -> Result<(), Error> {
    let connections = services.connections.until(SystemClock.now() + batch::time_left(deadline));
    let ports = Ports {
        companies: &services.companies,
        sweeps: &services.companies,
        ledger: &services.ledger,
        activity: &services.activity,
        connector: &connections,
        queue,
        clock: &SystemClock,
    };
    let mut from: Option<String> = None;
    loop {
        let (companies, next) = services.companies.ever_connected(from.as_deref()).await?;
        let due = companies.iter().filter(|_| batch::time_left(deadline) > LAST_SWEEPS);
        let sweeps = stream::iter(due).map(|company| sweep(ports, company));
        sweeps.buffer_unordered(AT_ONCE).for_each(async |_| ()).await;
        match next {
            Some(next) if batch::time_left(deadline) > LAST_SWEEPS => from = Some(next),
            Some(_) => {
                tracing::warn!("the time was too short for all companies");
                return Ok(());
            }
            None => return Ok(()),
        }
    }
}
