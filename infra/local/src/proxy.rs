//! One plain address for the HTTP API, which MiniStack serves under a path of its own.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Requests to Lambda are limited to 6 MiB.
const MAX_BODY: usize = 6 * 1024 * 1024;

/// The address, taken but not answering yet.
pub(crate) struct Listener {
    listener: TcpListener,
    url: String,
}

/// A running proxy; dropping it stops it.
pub(crate) struct Proxy {
    server: JoinHandle<()>,
    url: String,
}

#[derive(Clone)]
struct Upstream {
    client: reqwest::Client,
    /// Where the API begins, without a slash at the end.
    base: String,
}

impl Listener {
    /// Takes `port` of 127.0.0.1; 0 takes a free one.
    pub(crate) async fn bind(port: u16) -> anyhow::Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listener =
            TcpListener::bind(address).await.with_context(|| format!("port {port} cannot be used"))?;
        let url = format!("http://{}", listener.local_addr()?);
        Ok(Self { listener, url })
    }

    /// The address the API will have.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The port taken.
    pub(crate) fn port(&self) -> anyhow::Result<u16> {
        Ok(self.listener.local_addr()?.port())
    }

    /// Answers with what the API `api_id` of the AWS at `endpoint` answers.
    pub(crate) fn forward(self, endpoint: &str, api_id: &str) -> anyhow::Result<Proxy> {
        let client =
            reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_gzip().build()?;
        let base = format!("{endpoint}/_aws/execute-api/{api_id}");
        let router = Router::new().fallback(forward).with_state(Upstream { client, base });
        let Self { listener, url } = self;
        let server = tokio::spawn(async move {
            // Serving ends only with the task.
            axum::serve(listener, router).await.ok();
        });
        Ok(Proxy { server, url })
    }
}

impl Proxy {
    /// The API's address, without a slash at the end.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn forward(State(upstream): State<Upstream>, request: Request) -> Response {
    match ask(&upstream, request).await {
        Ok(response) => response,
        Err(error) => {
            (StatusCode::BAD_GATEWAY, format!("the local AWS does not answer: {error:#}")).into_response()
        }
    }
}

async fn ask(upstream: &Upstream, request: Request) -> anyhow::Result<Response> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let body = axum::body::to_bytes(body, MAX_BODY).await?;
    let answer = upstream
        .client
        .request(parts.method, format!("{}{path}", upstream.base))
        .headers(passed_on(parts.headers))
        .body(body)
        .send()
        .await?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = answer.status();
    *response.headers_mut() = passed_on(answer.headers().clone());
    *response.body_mut() = Body::from(answer.bytes().await?);
    Ok(response)
}

/// Headers without those that belong to one connection.
fn passed_on(mut headers: HeaderMap) -> HeaderMap {
    const OF_ONE_CONNECTION: [HeaderName; 4] =
        [header::HOST, header::CONNECTION, header::TRANSFER_ENCODING, header::CONTENT_LENGTH];
    for name in OF_ONE_CONNECTION {
        headers.remove(name);
    }
    headers
}
