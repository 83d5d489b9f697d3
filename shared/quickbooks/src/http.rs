//! Calls to Intuit's servers, and what the log says of them.

use std::time::Instant;

use reqwest::Request;
use sync::ids::RealmId;
use transport::{Answer, SendError, Transport};

/// Sends a request and reads the answer. Logs the call with Intuit's id of it, which their support asks for, and
/// with nothing from its address, headers or body.
pub(crate) async fn send(
    transport: &dyn Transport,
    request: Request,
    operation: &'static str,
    realm: Option<&RealmId>,
) -> Result<Answer, SendError> {
    let started = Instant::now();
    let result = transport.execute(request).await;
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let realm = realm.map(RealmId::as_str);
    match &result {
        Ok(answer) => tracing::info!(
            realm.id = realm,
            intuit.operation = operation,
            intuit.tid = answer.headers.get("intuit_tid").and_then(|tid| tid.to_str().ok()),
            http.status = answer.status.as_u16(),
            duration_ms,
            "Intuit answered {operation} with {}",
            answer.status.as_u16()
        ),
        Err(SendError::NotYet(wait)) => tracing::info!(
            realm.id = realm,
            intuit.operation = operation,
            wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
            "{operation} was held back: its turn comes too late"
        ),
        Err(error) => tracing::info!(
            realm.id = realm,
            intuit.operation = operation,
            duration_ms,
            "Intuit did not answer {operation}: {error}"
        ),
    }
    result
}
