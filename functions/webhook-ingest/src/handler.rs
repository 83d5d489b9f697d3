//! `POST /webhooks/quickbooks`.
//!
//! Intuit wants a 2xx within three seconds and sends again what gets another answer, or none (Intuit: Webhooks). So
//! what is refused for good is answered with 200, and what may succeed later with 503.

use std::time::Duration;

use bootstrap::Verifier;
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use quickbooks::webhook::{SIGNATURE_HEADER, parse};
use sync::ports::{Clock, Companies, Heard, PullQueue, StoreError, explain};

use crate::intake::{Taken, take};
use crate::noted::Noted;

/// Twice what Intuit sends at most.
const LARGEST_BODY: usize = 2 * 1024 * 1024;
/// For the whole answer. The way to Intuit and a cold start have to fit into the three seconds too.
const ANSWER_WITHIN: Duration = Duration::from_millis(2200);
/// Names a delivery; Intuit's support asks for it.
const DELIVERY_HEADER: &str = "intuit-t-id";

/// What a webhook is taken in with.
#[derive(Clone, Copy)]
pub(crate) struct Inbox<'a> {
    pub(crate) verifier: &'a Verifier,
    pub(crate) companies: &'a dyn Companies,
    pub(crate) heard: &'a dyn Heard,
    pub(crate) noted: &'a Noted,
    pub(crate) queue: &'a dyn PullQueue,
    pub(crate) clock: &'a dyn Clock,
}

/// What became of a request. Alarms in template.yaml count the names in the log.
enum Outcome {
    /// Signed, and everything of use in it is on the queue.
    Taken(Taken),
    /// Signed, and of no use to anybody.
    NotJson(serde_json::Error),
    /// Not by Intuit: that always signs.
    Unsigned,
    /// Signed with another verifier token.
    WrongSignature,
    /// Larger than anything that Intuit sends.
    TooLarge,
    /// Nothing is known of it, or not all of it is on the queue.
    Failed(StoreError),
    /// The same.
    TooSlow,
}

/// Answers a webhook, without a body.
pub(crate) async fn handle(inbox: Inbox<'_>, request: &Request) -> Response<Body> {
    let outcome = tokio::time::timeout(ANSWER_WITHIN, receive(inbox, request)).await;
    let outcome = outcome.unwrap_or(Ok(Outcome::TooSlow)).unwrap_or_else(Outcome::Failed);
    outcome.log(header(request, DELIVERY_HEADER));
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = outcome.status();
    response
}

/// Nothing of the body is read before its signature is found good.
async fn receive(inbox: Inbox<'_>, request: &Request) -> Result<Outcome, StoreError> {
    let (body, signature): (&[u8], _) = (request.body().as_ref(), header(request, SIGNATURE_HEADER));
    let now = inbox.clock.now();
    if body.len() > LARGEST_BODY {
        return Ok(Outcome::TooLarge);
    }
    if signature.is_empty() {
        return Ok(Outcome::Unsigned);
    }
    if !inbox.verifier.is_signed(signature, body, now).await? {
        return Ok(Outcome::WrongSignature);
    }
    match parse(body) {
        Ok(changes) => Ok(Outcome::Taken(take(inbox, changes, now).await?)),
        Err(error) => Ok(Outcome::NotJson(error)),
    }
}

impl Outcome {
    fn status(&self) -> StatusCode {
        match self {
            Outcome::Taken(_) | Outcome::NotJson(_) => StatusCode::OK,
            Outcome::Unsigned | Outcome::WrongSignature => StatusCode::UNAUTHORIZED,
            Outcome::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Outcome::Failed(_) | Outcome::TooSlow => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// One line for a webhook, after one for each of its messages. `delivery` is Intuit's name for it.
    fn log(&self, delivery: &str) {
        match self {
            Outcome::Taken(taken) => taken.log(delivery),
            Outcome::NotJson(error) => {
                let error = error.to_string();
                tracing::warn!(
                    outcome = "not_json",
                    intuit.tid = delivery,
                    error,
                    "a signed webhook cannot be read, and is passed over"
                );
            }
            Outcome::Unsigned => {
                tracing::info!(outcome = "unsigned", "a webhook without a signature is refused");
            }
            Outcome::WrongSignature => tracing::warn!(
                outcome = "wrong_signature",
                intuit.tid = delivery,
                "a webhook that is signed with another verifier token is refused"
            ),
            Outcome::TooLarge => {
                tracing::warn!(outcome = "too_large", intuit.tid = delivery, "a webhook is too large");
            }
            Outcome::Failed(error) => {
                let error = explain(error);
                tracing::error!(
                    outcome = "failed",
                    intuit.tid = delivery,
                    error,
                    "a webhook cannot be taken now; Intuit sends it again"
                );
            }
            Outcome::TooSlow => tracing::error!(
                outcome = "failed",
                intuit.tid = delivery,
                "a webhook took too long; Intuit sends it again"
            ),
        }
    }
}

fn header<'a>(request: &'a Request, name: &str) -> &'a str {
    request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
