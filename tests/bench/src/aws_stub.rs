//! AWS as far as webhook-ingest asks for it: one realm's company, one secret, and a queue in three moods.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, body::Bytes};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The token that webhooks are signed with.
pub(crate) const VERIFIER_TOKEN: &str = "bench-verifier-token";

/// How SQS is.
#[derive(Clone, Copy)]
pub(crate) enum Sqs {
    /// It takes everything.
    Well,
    /// It refuses everything for being too much.
    Throttling,
    /// It does not answer.
    Silent,
}

/// A running stub; dropping it stops it.
pub(crate) struct AwsStub {
    /// Its address.
    pub(crate) url: String,
    sqs: Shared,
    server: JoinHandle<()>,
}

type Shared = Arc<Mutex<Sqs>>;

impl AwsStub {
    pub(crate) async fn start() -> anyhow::Result<AwsStub> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let sqs = Arc::new(Mutex::new(Sqs::Well));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&sqs));
        let server = tokio::spawn(async move {
            // Serving ends only with the task.
            axum::serve(listener, router).await.ok();
        });
        Ok(AwsStub { url, sqs, server })
    }

    /// Changes how SQS is.
    pub(crate) fn sqs_is(&self, sqs: Sqs) {
        *self.sqs.lock().unwrap_or_else(PoisonError::into_inner) = sqs;
    }
}

impl Drop for AwsStub {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(State(sqs): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let sqs = *sqs.lock().unwrap_or_else(PoisonError::into_inner);
    let (status, answer) = match (target.rsplit('.').next().unwrap_or_default(), sqs) {
        ("GetSecretValue", _) => (StatusCode::OK, secret()),
        ("GetItem", _) => (StatusCode::OK, company()),
        ("SendMessageBatch", Sqs::Well) => (StatusCode::OK, sent(&body)),
        ("SendMessageBatch", Sqs::Throttling) => {
            let kind = "com.amazonaws.sqs#RequestThrottled";
            (StatusCode::BAD_REQUEST, json!({"__type": kind, "message": "Slow down."}))
        }
        ("SendMessageBatch", Sqs::Silent) => std::future::pending().await,
        _ => (StatusCode::NOT_FOUND, json!({"message": format!("the stub does not know {target}")})),
    };
    (status, [("content-type", "application/x-amz-json-1.0")], Json(answer)).into_response()
}

fn secret() -> Value {
    let keys = json!({"client_id": "id", "client_secret": "secret", "verifier_token": VERIFIER_TOKEN});
    json!({"ARN": "arn", "Name": "bench", "VersionId": "1", "SecretString": keys.to_string()})
}

fn company() -> Value {
    json!({"Item": {"pk": {"S": "realm#1"}, "sk": {"S": "realm"}, "company": {"S": "acme"}}})
}

fn sent(request: &Bytes) -> Value {
    let request: Value = serde_json::from_slice(request).unwrap_or_default();
    let entries = request["Entries"].as_array().cloned().unwrap_or_default();
    let successful = entries.iter().map(
        |entry| json!({"Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": "d", "SequenceNumber": "1"}),
    );
    json!({"Successful": successful.collect::<Value>(), "Failed": []})
}
