//! `POST /webhooks/quickbooks`.
//!
//! Intuit wants a 2xx within three seconds and sends again what gets another answer, or none (Intuit: Webhooks). So
//! what is refused for good is answered with 200, and what may succeed later with 503.

use std::time::Duration;

use bootstrap::Verifier;
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use quickbooks::webhook::{SIGNATURE_HEADER, parse};
use sync::ports::{Clock, Companies, PullQueue, StoreError, explain};

use crate::intake::{Taken, take};

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
    pub(crate) queue: &'a dyn PullQueue,
    pub(crate) clock: &'a dyn Clock,
}

/// What became of a request.
enum Outcome {
    /// Signed, and everything of use in it is on the queue.
    Taken(Taken),
    /// Signed, and of no use.
    NotJson(serde_json::Error),
    /// Not signed by Intuit.
    Unsigned,
}

/// Answers a webhook, without a body.
pub(crate) async fn handle(inbox: Inbox<'_>, request: &Request) -> Response<Body> {
    let delivery = header(request, DELIVERY_HEADER);
    if request.body().len() > LARGEST_BODY {
        tracing::warn!(intuit.tid = delivery, bytes = request.body().len(), "a webhook is too large");
        return answer(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let outcome = tokio::time::timeout(ANSWER_WITHIN, receive(inbox, request)).await;
    answer(match outcome {
        Ok(Ok(Outcome::Taken(taken))) => {
            taken.log(delivery);
            StatusCode::OK
        }
        Ok(Ok(Outcome::NotJson(error))) => {
            let error = error.to_string();
            tracing::warn!(
                intuit.tid = delivery,
                error,
                "a signed webhook cannot be read, and is passed over"
            );
            StatusCode::OK
        }
        Ok(Ok(Outcome::Unsigned)) => {
            tracing::warn!(intuit.tid = delivery, "a webhook without Intuit's signature is refused");
            StatusCode::UNAUTHORIZED
        }
        Ok(Err(error)) => {
            let error = explain(&error);
            tracing::error!(
                intuit.tid = delivery,
                error,
                "a webhook cannot be taken now; Intuit sends it again"
            );
            StatusCode::SERVICE_UNAVAILABLE
        }
        Err(_) => {
            tracing::error!(intuit.tid = delivery, "a webhook took too long; Intuit sends it again");
            StatusCode::SERVICE_UNAVAILABLE
        }
    })
}

/// Nothing of the body is read before its signature is found good.
async fn receive(inbox: Inbox<'_>, request: &Request) -> Result<Outcome, StoreError> {
    let body: &[u8] = request.body().as_ref();
    let now = inbox.clock.now();
    if !inbox.verifier.is_signed(header(request, SIGNATURE_HEADER), body, now).await? {
        return Ok(Outcome::Unsigned);
    }
    match parse(body) {
        Ok(changes) => Ok(Outcome::Taken(take(inbox.companies, inbox.queue, changes, now).await?)),
        Err(error) => Ok(Outcome::NotJson(error)),
    }
}

fn header<'a>(request: &'a Request, name: &str) -> &'a str {
    request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn answer(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests;
