//! A server on a free port of this machine. It keeps every request and gives the answers it was made with, in turn.

use std::collections::VecDeque;
use std::fmt::Write;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use quickbooks::{Client, Endpoints, http_client};
use serde_json::Value;
use sync::ids::RealmId;
use sync::link::RequestId;
use url::Url;

pub(crate) const ACCESS_TOKEN: &str = "secret-access-token";
pub(crate) const REALM: &str = "9130000000000001";

pub(crate) struct Server {
    pub(crate) address: Url,
    script: Arc<Mutex<Script>>,
}

#[derive(Default)]
struct Script {
    answers: VecDeque<Response>,
    requests: Vec<String>,
}

impl Server {
    pub(crate) async fn answering<R: IntoResponse>(answers: impl IntoIterator<Item = R>) -> Self {
        let answers = answers.into_iter().map(IntoResponse::into_response).collect();
        let script = Arc::new(Mutex::new(Script { answers, requests: Vec::new() }));
        let app = Router::new().fallback(answer).with_state(script.clone());
        Self { address: serve(app).await, script }
    }

    /// One answer with a JSON body.
    pub(crate) async fn with(status: u16, body: Value) -> Self {
        Self::answering([(StatusCode::from_u16(status).unwrap(), Json(body))]).await
    }

    pub(crate) fn client(&self) -> Client {
        client_at(&self.address)
    }

    pub(crate) fn endpoints(&self) -> Endpoints {
        Endpoints::at(&self.address).unwrap()
    }

    /// All requests so far: their lines, the headers that matter, and their bodies.
    pub(crate) fn requests(&self) -> String {
        self.script.lock().unwrap().requests.join("\n---\n")
    }
}

/// Serves an app until the test ends.
pub(crate) async fn serve(app: Router) -> Url {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    address
}

async fn answer(
    State(script): State<Arc<Mutex<Script>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut text = format!("{method} {uri}\n");
    for name in [
        "accept",
        "accept-encoding",
        "authorization",
        "content-type",
        "user-agent",
        "x-include-refresh-token-hard-expires-in",
    ] {
        if let Some(value) = headers.get(name) {
            writeln!(text, "{name}: {}", value.to_str().unwrap()).unwrap();
        }
    }
    write!(text, "{}", String::from_utf8_lossy(&body)).unwrap();
    let mut script = script.lock().unwrap();
    script.requests.push(text);
    script.answers.pop_front().unwrap_or_else(|| StatusCode::IM_A_TEAPOT.into_response())
}

pub(crate) fn client_at(address: &Url) -> Client {
    let realm = RealmId::new(REALM).unwrap();
    Client::new(http(Duration::from_secs(30)), address, realm, ACCESS_TOKEN.into())
}

pub(crate) fn http(total: Duration) -> reqwest::Client {
    LOG.get_or_init(Log::install);
    http_client(Duration::from_secs(5), total).unwrap()
}

pub(crate) fn request_id() -> RequestId {
    serde_json::from_value("request-1".into()).unwrap()
}

/// What all tests of this program have logged so far. There is one log for all, set up before the first call: a
/// subscriber of one thread alone would miss events that another thread was the first to reach.
static LOG: OnceLock<Log> = OnceLock::new();

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn install() -> Self {
        let log = Self::default();
        let writer = log.clone();
        tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).init();
        log
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

pub(crate) fn log() -> String {
    let log = LOG.get_or_init(Log::install).0.lock().unwrap();
    String::from_utf8(log.clone()).unwrap()
}
