//! How requests travel: one HTTP client for all that a program calls, answers of bounded size, and which addresses
//! may be called when somebody else chooses them.

mod reach;

use std::error::Error;
use std::fmt::Write;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use reqwest::{Request, StatusCode};

pub use reach::{BadAddress, Reach};

/// The most of an answer that is read, in bytes. A page of 1,000 invoices is some 5 MB.
const MAX_ANSWER: usize = 32 * 1024 * 1024;

/// How long an unused connection is kept. One that died while the program slept, as a function does between its events,
/// would cost a call whose outcome is unknown.
const MAX_IDLE: Duration = Duration::from_secs(20);

/// Makes the HTTP client that all of a program's clients share, so that connections are kept open between calls. It
/// follows no redirections.
///
/// `total` covers a whole call with its answer and must be shorter than the time the program itself has. Intuit gives
/// up after 120 seconds (Intuit: Limits and throttles).
///
/// # Errors
/// The operating system's certificates cannot be used.
pub fn http_client(connect: Duration, total: Duration) -> Result<reqwest::Client, reqwest::Error> {
    builder(connect, total).build()
}

/// The same for addresses that somebody else chooses: names that lead out of `reach` are not found.
///
/// # Errors
/// As [`http_client`].
pub fn http_client_within(
    reach: Reach,
    connect: Duration,
    total: Duration,
) -> Result<reqwest::Client, reqwest::Error> {
    // A proxy named by the environment would be asked for what must not be reached.
    builder(connect, total).dns_resolver(reach).no_proxy().build()
}

fn builder(connect: Duration, total: Duration) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(concat!("Counterpart/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(connect)
        .timeout(total)
        .pool_idle_timeout(MAX_IDLE)
        .redirect(Policy::none())
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
    /// The request was held back for this long, so as not to exceed a limit. It never left.
    #[error("not before {} ms", .0.as_millis())]
    NotYet(Duration),
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
