//! A function's process, and the Runtime API that it gets its events from (AWS: Lambda runtime API).

use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{Mutex as AsyncMutex, Notify, mpsc};
use tokio::task::JoinHandle;

/// How long anything may take before something must be wrong.
const PATIENCE: Duration = Duration::from_secs(60);
/// In milliseconds of Unix time; never comes.
const DEADLINE: &str = "4102444800000";

/// A function that runs on one core and asks for events.
pub(crate) struct Function {
    process: Child,
    api: Arc<Api>,
    server: JoinHandle<()>,
    events: mpsc::UnboundedSender<Bytes>,
    answers: AsyncMutex<mpsc::UnboundedReceiver<Answer>>,
}

/// How a function answered.
pub(crate) struct Answer {
    /// From handing the event over until the answer was here.
    pub(crate) after: Duration,
    /// What it said; none if it failed.
    pub(crate) body: Option<Bytes>,
}

struct Api {
    ready: Notify,
    events: AsyncMutex<mpsc::UnboundedReceiver<Bytes>>,
    begun: Mutex<Option<Instant>>,
    answers: mpsc::UnboundedSender<Answer>,
}

impl Api {
    fn begin(&self) {
        *self.begun.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    fn end(&self, body: Option<Bytes>) -> StatusCode {
        let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner).take();
        let after = begun.map(|begun| begun.elapsed()).unwrap_or_default();
        match self.answers.send(Answer { after, body }) {
            Ok(()) => StatusCode::ACCEPTED,
            Err(_) => StatusCode::GONE,
        }
    }
}

impl Function {
    /// Starts a function with these variables and no others, and returns when it asks for its first event.
    pub(crate) async fn start(executable: &Path, variables: &[(String, String)]) -> anyhow::Result<Function> {
        let (events, received) = mpsc::unbounded_channel();
        let (answering, answers) = mpsc::unbounded_channel();
        let api = Arc::new(Api {
            ready: Notify::new(),
            events: AsyncMutex::new(received),
            begun: Mutex::new(None),
            answers: answering,
        });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let router = router(Arc::clone(&api));
        let server = tokio::spawn(async move {
            // Serving ends only with the task.
            axum::serve(listener, router).await.ok();
        });
        let process = Command::new("taskset")
            .args(["--cpu-list", "0"])
            .arg(executable)
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("AWS_LAMBDA_RUNTIME_API", address)
            .env("AWS_LAMBDA_FUNCTION_NAME", "bench")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "bench")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "bench")
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .context("taskset (util-linux) could not be started")?;
        let mut function = Function { process, api, server, events, answers: AsyncMutex::new(answers) };
        tokio::select! {
            () = function.api.ready.notified() => Ok(function),
            ended = function.process.wait() => bail!("{} ended at once: {}", executable.display(), ended?),
            () = tokio::time::sleep(PATIENCE) => bail!("{} asks for nothing", executable.display()),
        }
    }

    /// Hands it an event so many times, one after the other without a pause, and returns its answers.
    pub(crate) async fn invoke(&self, event: &Bytes, count: usize) -> anyhow::Result<Vec<Answer>> {
        for _ in 0..count {
            self.events.send(event.clone())?;
        }
        let mut receiver = self.answers.lock().await;
        let mut answers = Vec::with_capacity(count);
        while answers.len() < count {
            let answer = tokio::time::timeout(PATIENCE, receiver.recv()).await.context("no answer")?;
            answers.push(answer.context("the function is gone")?);
        }
        Ok(answers)
    }

    /// How long its threads have been on the processor so far.
    pub(crate) fn cpu_time(&self) -> anyhow::Result<Duration> {
        let mut nanoseconds = 0;
        for thread in std::fs::read_dir(self.proc("task")?)? {
            let text = std::fs::read_to_string(thread?.path().join("schedstat"))?;
            nanoseconds += text.split(' ').next().context("an empty schedstat")?.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// The most memory it has held so far, in KiB.
    pub(crate) fn peak_memory(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(self.proc("status")?)?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }

    fn proc(&self, file: &str) -> anyhow::Result<String> {
        Ok(format!("/proc/{}/{file}", self.process.id().context("the function has ended")?))
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn router(api: Arc<Api>) -> Router {
    Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
        .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
        .with_state(api)
}

async fn next(State(api): State<Arc<Api>>) -> Response {
    api.ready.notify_one();
    let Some(event) = api.events.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    api.begin();
    let headers = [
        ("content-type", "application/json"),
        ("lambda-runtime-aws-request-id", "bench"),
        ("lambda-runtime-deadline-ms", DEADLINE),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:000000000000:function:bench"),
    ];
    (headers, event).into_response()
}

async fn response(State(api): State<Arc<Api>>, body: Bytes) -> StatusCode {
    api.end(Some(body))
}

async fn error(State(api): State<Arc<Api>>) -> StatusCode {
    api.end(None)
}
