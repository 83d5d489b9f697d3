//! One round over all companies.

use std::time::Duration;

use aws::Queue;
use bootstrap::{Services, SystemClock, batch};
use futures::StreamExt;
use futures::stream;
use lambda_runtime::Error;
use sync::ids::CompanyId;
use sync::parked::when_the_app_is_back;
use sync::poll::{self, poll};
use sync::ports::{Clock, Sweeps, explain};
use sync::reconcile::{self, sweep};

/// How many companies are dealt with side by side.
const AT_ONCE: usize = 8;
/// Kept for the companies that are under way when no new one is begun.
const LAST_COMPANIES: Duration = Duration::from_secs(75);

/// Sweeps the QuickBooks of the companies whose time has come, and polls each company's billing app; as many as the
/// function has time for, and the others the next time. Fails if the companies cannot be listed.
pub(crate) async fn handle(
    services: &Services,
    pulls: &Queue,
    pushes: &Queue,
    deadline: u64,
) -> Result<(), Error> {
    let connections = services.connections.until(SystemClock.now() + batch::time_left(deadline));
    let quickbooks = reconcile::Ports {
        companies: &services.companies,
        sweeps: &services.companies,
        ledger: &services.ledger,
        activity: &services.activity,
        connector: &connections,
        queue: pulls,
        clock: &SystemClock,
    };
    let billing = poll::Ports {
        companies: &services.companies,
        billing: &services.billing,
        ledger: &services.ledger,
        queue: pushes,
        cursors: &services.companies,
    };
    let mut companies = Vec::new();
    let mut from: Option<String> = None;
    loop {
        let (listed, next) = services.companies.ever_connected(from.as_deref()).await?;
        companies.extend(listed);
        from = next;
        if from.is_none() {
            break;
        }
    }
    reconcile::take_turns(&mut companies, SystemClock.now());
    let in_time = stream::iter(&companies)
        .take_while(|_| std::future::ready(batch::time_left(deadline) > LAST_COMPANIES));
    let rounds = in_time.map(|company| look(quickbooks, billing, company));
    let looked_at = rounds.buffer_unordered(AT_ONCE).count().await;
    if looked_at < companies.len() {
        let left_out = companies.len() - looked_at;
        tracing::warn!(
            looked_at,
            left_out,
            "the time was too short for all companies; a later round begins with others"
        );
    }
    Ok(())
}

/// Looks at both sides of a company. One that does not answer keeps neither the other nor the other companies back.
async fn look(quickbooks: reconcile::Ports<'_>, billing: poll::Ports<'_>, company: &CompanyId) {
    sweep(quickbooks, company).await;
    match poll(billing, company).await {
        Ok(0) => {}
        Ok(events) => tracing::info!(company.id = %company, events, "polled"),
        Err(error) => {
            tracing::warn!(company.id = %company, error = explain(&error), "to be polled again later");
            return;
        }
    }
    let now = SystemClock.now();
    match when_the_app_is_back(quickbooks.activity, billing.queue, company, now).await {
        Ok(events) if events.is_empty() => {}
        Ok(events) => {
            tracing::info!(company.id = %company, events = events.len(), "the billing app is back");
        }
        Err(error) => {
            tracing::warn!(company.id = %company, error = explain(&error), "what waits for the billing app is tried again later");
        }
    }
}
