//! The part of the control side that all simulators have: what tests and tools do to a simulator itself. All bodies are
//! JSON; what is wrong with one is answered with 4xx and a sentence.

use std::sync::{Arc, Mutex};

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{Clock, ClockChange, Effect, Fault, Faults, lock};

/// A simulator's server, as far as it is controlled alike.
pub trait Controlled: Send + Sync + 'static {
    /// What goes wrong in it.
    type Effect: Effect + Serialize + DeserializeOwned + Send + 'static;
    /// What its calls do.
    type Kind: Copy + PartialEq + Serialize + DeserializeOwned + Send + 'static;
    /// Everything that survives a restart.
    type Snapshot: Serialize + DeserializeOwned + Send + 'static;

    /// The time, as all of it asks for it.
    fn clock(&self) -> &Clock;
    /// What is to go wrong.
    fn faults(&self) -> &Mutex<Faults<Self::Effect, Self::Kind>>;
    /// Forgets all calls.
    fn forget_calls(&self);
    /// Back to how it began.
    fn reset(&self);
    /// Everything, to put back later.
    fn snapshot(&self) -> Self::Snapshot;
    /// Puts everything back.
    fn restore(&self, snapshot: Self::Snapshot);
}

/// These calls, to be nested under `/simulator`:
///
/// | call | what |
/// |---|---|
/// | `POST /reset` | everything as it began |
/// | `GET`, `POST /clock` | `{"now": "2030-01-01T00:00:00Z"}` or `{"advance_seconds": 86400}` |
/// | `GET`, `POST`, `DELETE /faults[/{id}]` | a [`Fault`], as in `{"effect": "lose_response", "kind": "create", "count": 1}` |
/// | `DELETE /calls` | forgets them |
/// | `GET`, `PUT /state` | everything as one document |
pub fn control<S: Controlled>() -> Router<Arc<S>> {
    Router::new()
        .route("/reset", post(reset::<S>))
        .route("/clock", get(clock::<S>).post(set_clock::<S>))
        .route("/faults", get(faults::<S>).post(add_fault::<S>).delete(remove_faults::<S>))
        .route("/faults/{id}", delete(remove_fault::<S>))
        .route("/calls", delete(forget_calls::<S>))
        .route("/state", get(state::<S>).put(set_state::<S>))
}

async fn reset<S: Controlled>(State(server): State<Arc<S>>) -> Response {
    server.reset();
    done()
}

async fn clock<S: Controlled>(State(server): State<Arc<S>>) -> Response {
    let clock = server.clock();
    Json(json!({"now": clock.now(), "offset_seconds": clock.offset().as_secs()})).into_response()
}

async fn set_clock<S: Controlled>(State(server): State<Arc<S>>, Json(change): Json<ClockChange>) -> Response {
    match server.clock().change(change) {
        Ok(()) => clock(State(server)).await,
        Err(problem) => refused(&problem),
    }
}

async fn faults<S: Controlled>(State(server): State<Arc<S>>) -> Response {
    let in_force = lock(server.faults()).list();
    let shown = |(id, fault)| json!({"id": id, "fault": fault});
    Json(in_force.into_iter().map(shown).collect::<Value>()).into_response()
}

async fn add_fault<S: Controlled>(
    State(server): State<Arc<S>>,
    Json(fault): Json<Fault<S::Effect, S::Kind>>,
) -> Response {
    let id = lock(server.faults()).add(fault, server.clock().now());
    (StatusCode::CREATED, Json(json!({"id": id}))).into_response()
}

async fn remove_faults<S: Controlled>(State(server): State<Arc<S>>) -> Response {
    lock(server.faults()).remove(None);
    done()
}

async fn remove_fault<S: Controlled>(State(server): State<Arc<S>>, Path(id): Path<u64>) -> Response {
    lock(server.faults()).remove(Some(id));
    done()
}

async fn forget_calls<S: Controlled>(State(server): State<Arc<S>>) -> Response {
    server.forget_calls();
    done()
}

async fn state<S: Controlled>(State(server): State<Arc<S>>) -> Response {
    Json(server.snapshot()).into_response()
}

async fn set_state<S: Controlled>(
    State(server): State<Arc<S>>,
    Json(snapshot): Json<S::Snapshot>,
) -> Response {
    server.restore(snapshot);
    done()
}

/// The answer where there is nothing to say.
#[must_use]
pub fn done() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// The answer to what cannot be done: 400, and why.
pub fn refused(problem: &impl ToString) -> Response {
    (StatusCode::BAD_REQUEST, problem.to_string()).into_response()
}
