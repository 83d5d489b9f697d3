//! What the clients of both servers share: one HTTP client, and answers of bounded size.

use std::error::Error;
use std::fmt::Write;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use reqwest::{Request, StatusCode};
use sync::ids::RealmId;

/// The most of an answer that is read, in bytes. A page of 1,000 invoices is some 5 MB.
const MAX_ANSWER: usize = 32 * 1024 * 1024;

/// How long an unused connection is kept. One that died while the program slept, as a function does between its events,
/// would cost a call whose outcome is unknown.
const MAX_IDLE: Duration = Duration::from_secs(20);

/// Makes the HTTP client that all of a program's clients share, so that connections are kept open between calls.
///
/// `total` covers a whole call with its answer and must be shorter than the time the program itself has. Intuit gives
/// up after 120 seconds (Intuit: Limits and throttles).
pub fn http_client(connect: Duration, total: Duration) -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .user_agent(concat!("Counterpart/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(connect)
        .timeout(total)
        .pool_idle_timeout(MAX_IDLE)
        .redirect(Policy::none())
        .build()
}

/// How requests travel: over HTTP, or within the program.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends a request once and returns the whole answer.
    async fn execute(&self, request: Request) -> Result<Answer, SendError>;
}

/// An answer, whatever its status.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: StatusCode,
    /// HTTP headers.
    pub headers: HeaderMap,
    /// The body, not yet read.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SendError {
    /// The request never left.
    #[error("{0}")]
    NotSent(String),
    /// The request left, or may have.
    #[error("{0}")]
    Lost(String),
}

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
        Err(error) => tracing::info!(
            realm.id = realm,
            intuit.operation = operation,
            duration_ms,
            "Intuit did not answer {operation}: {error}"
        ),
    }
    result
}

#[async_trait]
impl Transport for reqwest::Client {
    async fn execute(&self, request: Request) -> Result<Answer, SendError> {
        let mut response = self.execute(request).await.map_err(SendError::from)?;
        let status = response.status();
        let headers = std::mem::take(response.headers_mut());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| SendError::Lost(explain(error)))? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(SendError::Lost(format!("the answer is longer than {MAX_ANSWER} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, headers, body })
    }
}

impl From<reqwest::Error> for SendError {
    fn from(error: reqwest::Error) -> Self {
        if error.is_connect() || error.is_builder() {
            Self::NotSent(explain(error))
        } else {
            Self::Lost(explain(error))
        }
    }
}

/// The error and its causes, without the address: that holds the query, and so somebody's name.
fn explain(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Writing to a String cannot fail.
        write!(text, ": {error}").ok();
        cause = error.source();
    }
    text
}
