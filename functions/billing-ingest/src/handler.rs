//! `POST /webhooks/billing/{company}/{event}`, where the event is such as `invoice.updated`.
//!
//! The app tries once and deletes a webhook that is answered with 404, 405 or 410 (Invoice Ninja API: webhooks), so
//! neither of them is ever the answer.

use std::sync::Arc;

use async_trait::async_trait;
use bootstrap::BillingApps;
use invoice_ninja::hooks::SECRET_HEADER;
use invoice_ninja::mapping::Setup;
use invoice_ninja::webhook::{self, BadWebhook};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use sync::activity::{Activity, ActivityResult, Side};
use sync::event::EntityEvent;
use sync::ids::{CompanyId, EventId};
use sync::outcome::{Park, ParkCause};
use sync::ports::{ActivityLog, BillingError, Clock, PushQueue, StoreError, explain};

/// What addresses begin with.
const PREFIX: &str = "/webhooks/billing/";
/// The longest body, in bytes; the queue takes 1 MiB.
const LONGEST: usize = 900 * 1024;
/// Where events are said to come from.
const SOURCE: &str = "invoice-ninja";

/// Companies' apps, as far as webhooks go.
#[async_trait]
pub(crate) trait Apps: Sync {
    /// Whether the company's secret was given.
    async fn is_genuine(&self, company: &CompanyId, given: &[u8]) -> Result<bool, BillingError>;

    /// What it takes to understand records; none while the app cannot be asked.
    async fn setup(&self, company: &CompanyId) -> Option<Arc<Setup>>;
}

#[async_trait]
impl Apps for BillingApps {
    async fn is_genuine(&self, company: &CompanyId, given: &[u8]) -> Result<bool, BillingError> {
        BillingApps::is_genuine(self, company, given).await
    }

    async fn setup(&self, company: &CompanyId) -> Option<Arc<Setup>> {
        BillingApps::setup(self, company).await.unwrap_or_else(|error| {
            let error = explain(&error);
            tracing::warn!(company.id = %company, error, "the billing app's lists cannot be read; its records are fetched later");
            None
        })
    }
}

/// What webhooks are dealt with by.
pub(crate) struct Door<'a> {
    pub(crate) apps: &'a dyn Apps,
    pub(crate) queue: &'a dyn PushQueue,
    pub(crate) activity: &'a dyn ActivityLog,
    pub(crate) clock: &'a dyn Clock,
}

/// Answers a webhook, once what it told is on the queue or in the activity log.
pub(crate) async fn handle(door: &Door<'_>, request: &Request) -> Response<Body> {
    let body = request.body().as_ref();
    if body.len() > LONGEST {
        return answer(StatusCode::PAYLOAD_TOO_LARGE, "the record is too long");
    }
    let path = request.uri().path().strip_prefix(PREFIX).unwrap_or_default();
    let (company, event) = path.split_once('/').unwrap_or((path, ""));
    let given = request.headers().get(SECRET_HEADER).map_or(&b""[..], |secret| secret.as_bytes());
    let Ok(company) = CompanyId::new(company) else { return denied() };
    match door.apps.is_genuine(&company, given).await {
        Ok(true) => {}
        Ok(false) => {
            tracing::warn!(company.id = %company, "a webhook without the company's secret");
            return denied();
        }
        Err(error) => return unavailable(&company, &error),
    }
    let setup = door.apps.setup(&company).await;
    match webhook::read(&company, event, body, setup.as_deref(), door.clock.now()) {
        Ok(event) => enqueue(door, &event).await,
        Err(problem) => park(door, &company, event, body, &problem).await,
    }
}

async fn enqueue(door: &Door<'_>, event: &EntityEvent) -> Response<Body> {
    let company = &event.company;
    let sent = match event.to_json(SOURCE) {
        Ok(body) => door.queue.send(company, &event.id, &body.to_string()).await,
        Err(error) => Err(StoreError::new("writing an event", error)),
    };
    match sent {
        Ok(()) => {
            tracing::info!(
                company.id = %company, kind = event.kind.name(), billing.id = %event.subject,
                whole = event.data.is_some(), "{event}"
            );
            answer(StatusCode::OK, "")
        }
        Err(error) => unavailable(company, &error),
    }
}

/// Keeps what the app sent and what cannot be read, where a person sees it.
async fn park(
    door: &Door<'_>,
    company: &CompanyId,
    event: &str,
    body: &[u8],
    problem: &BadWebhook,
) -> Response<Body> {
    let now = door.clock.now();
    let raw = String::from_utf8_lossy(body).into_owned();
    let entry = Activity {
        side: Side::Billing,
        removed: None,
        company: company.clone(),
        event: EventId::of_message(&format!("webhook {event}"), now.as_nanosecond().unsigned_abs() as usize),
        time: now,
        handled_at: now,
        realm: None,
        kind: None,
        billing_id: None,
        label: String::new(),
        quickbooks_id: None,
        result: ActivityResult::Parked(Park::new(
            ParkCause::Unreadable,
            format!("A webhook of the billing app cannot be read: {problem}."),
            "Nothing is lost: the next poll finds what changed. Have the webhooks repaired (counterpart-admin billing webhooks), then ignore this entry.",
        )),
        event_json: Some(raw),
    };
    match door.activity.record(&[entry]).await {
        Ok(()) => answer(StatusCode::BAD_REQUEST, &problem.to_string()),
        Err(error) => unavailable(company, &error),
    }
}

/// Unknown companies are answered like wrong secrets.
fn denied() -> Response<Body> {
    answer(StatusCode::UNAUTHORIZED, "the secret is not the company's")
}

/// The app does not try again; the next poll finds what this webhook told.
fn unavailable(company: &CompanyId, error: &dyn std::error::Error) -> Response<Body> {
    let error = explain(error);
    tracing::error!(company.id = %company, error, "a webhook was not taken");
    answer(StatusCode::SERVICE_UNAVAILABLE, "try again later")
}

fn answer(status: StatusCode, text: &str) -> Response<Body> {
    let mut response = Response::new(Body::Text(text.to_owned()));
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests;
