//! Connections to clients. The HTTP server's own loop, because a simulated break needs what axum's does not offer:
//! closing a connection without an answer.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tracing::{debug, warn};

/// Marks a response in whose place the connection is to break.
#[derive(Clone, Copy)]
struct Severed;

/// In place of an answer, breaks the connection. Only [`serve`] understands this.
#[must_use]
pub fn severed() -> Response {
    let mut response = StatusCode::BAD_GATEWAY.into_response();
    response.extensions_mut().insert(Severed);
    response
}

/// Whether the connection is to break in place of this answer.
#[must_use]
pub fn is_severed(response: &Response) -> bool {
    response.extensions().get::<Severed>().is_some()
}

/// How long calls in progress may take once the simulator is told to stop.
const PATIENCE: Duration = Duration::from_secs(3);

/// Serves until told to stop, then lets the calls in progress finish.
pub async fn serve(listener: TcpListener, router: Router, mut stop: watch::Receiver<bool>) {
    let open = GracefulShutdown::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => serve_connection(stream, &router, &open),
                // Out of file handles, say. The listener itself still works.
                Err(error) => {
                    warn!("cannot accept a connection: {error}");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            () = told(&mut stop) => break,
        }
    }
    if tokio::time::timeout(PATIENCE, open.shutdown()).await.is_err() {
        warn!("some calls were still in progress");
    }
}

/// Returns once told to stop, or once nobody can tell any more.
async fn told(stop: &mut watch::Receiver<bool>) {
    while !*stop.borrow_and_update() {
        if stop.changed().await.is_err() {
            return;
        }
    }
}

fn serve_connection(stream: TcpStream, router: &Router, open: &GracefulShutdown) {
    if let Err(error) = stream.set_nodelay(true) {
        debug!("cannot turn off Nagle's algorithm: {error}");
    }
    let router = TowerToHyperService::new(router.clone());
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let answer = router.call(request);
        async move { answer.await.map_err(never).and_then(unless_severed) }
    });
    let connection = open.watch(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            debug!("connection ended: {error}");
        }
    });
}

/// An error here makes hyper close the connection without a word.
fn unless_severed(response: Response) -> io::Result<Response> {
    if is_severed(&response) { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(response) }
}

fn never(error: Infallible) -> io::Error {
    match error {}
}
