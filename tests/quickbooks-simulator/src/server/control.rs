//! The control side: what tests and tools do to the simulator itself. Nothing here exists at Intuit. All bodies are
//! JSON; what is wrong with one is answered with 4xx and a sentence.
//!
//! | call | what |
//! |---|---|
//! | `GET`, `POST /simulator/companies` | lists the companies; adds one: `{"seed": "Empty", "realm": "1234"}` |
//! | `POST /simulator/tokens` `{"realm"}` | connects a company (the first, unless one is named) and answers all credentials |
//! | `POST /simulator/tokens/expire` `{"realm"}` | ends a company's access tokens |
//! | `POST /simulator/consent` `{"realm"}` | lets the consent page answer by itself; `null` lets it ask again |
//! | `GET`, `POST /simulator/webhooks` | the subscription (members to change), undelivered events, attempts |
//! | `GET /simulator/calls?realm=` | counters, and the calls one by one |
//! | `GET`, `POST /simulator/switches[/{realm}]` | the server's or a company's switches (members to change) |
//! | `POST /simulator/bookkeeper/{realm}` | an [`Action`](super::bookkeeper::Action), as in `{"deposit_payment": {"payment": "12"}}` or `"disconnect"` |
//!
//! Clock, faults, the whole state and the rest are as in [`simulator_server::control`].

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use simulator_server::{done, merged, refused};

use super::simulator::Credentials;
use super::state::{Server, Shared, lock, read, write};
use crate::company::Seed;

/// A body or a query that may name a company.
#[derive(Default, Deserialize)]
pub(super) struct MayNameCompany {
    realm: Option<String>,
}

/// `GET /simulator/companies`.
pub(super) async fn companies(State(server): State<Shared>) -> Response {
    Json(server.company_list()).into_response()
}

/// A company to add.
#[derive(Deserialize)]
pub(super) struct NewCompany {
    seed: Seed,
    realm: String,
}

/// `POST /simulator/companies`: 409 if the realm is taken.
pub(super) async fn add_company(State(server): State<Shared>, Json(new): Json<NewCompany>) -> Response {
    if is_known(&server, &new.realm) {
        return (StatusCode::CONFLICT, "there is such a company").into_response();
    }
    server.add_company(new.seed, &new.realm);
    StatusCode::CREATED.into_response()
}

/// `POST /simulator/tokens`: a connection without consent, to the first company unless one is named.
pub(super) async fn connect(State(server): State<Shared>, body: Option<Json<MayNameCompany>>) -> Response {
    let named = body.and_then(|Json(body)| body.realm);
    let first = || server.options.companies.first().map(|(_, realm)| realm.clone());
    match named.or_else(first).filter(|realm| is_known(&server, realm)) {
        Some(realm) => Json(Credentials::new_for(&server, &realm)).into_response(),
        None => no_such_company(),
    }
}

/// `POST /simulator/tokens/expire`: all access tokens of a company end now.
pub(super) async fn expire_tokens(
    State(server): State<Shared>,
    Json(body): Json<MayNameCompany>,
) -> Response {
    match body.realm.filter(|realm| is_known(&server, realm)) {
        Some(realm) => {
            lock(&server.connections).expire_access_tokens_of(&realm);
            done()
        }
        None => no_such_company(),
    }
}

/// `GET /simulator/webhooks`.
pub(super) async fn webhooks(State(server): State<Shared>) -> Response {
    let webhooks = &server.webhooks;
    Json(json!({
        "settings": webhooks.settings(),
        "undelivered_events": webhooks.undelivered(),
        "attempts": webhooks.attempts(),
    }))
    .into_response()
}

/// `POST /simulator/webhooks`: settings to change; the others stay.
pub(super) async fn set_webhooks(State(server): State<Shared>, Json(changes): Json<Value>) -> Response {
    match merged(&server.webhooks.settings(), changes) {
        Ok(settings) => {
            server.webhooks.configure(settings);
            webhooks(State(server)).await
        }
        Err(problem) => refused(&problem),
    }
}

/// `GET /simulator/calls?realm=`: counters and the latest calls.
pub(super) async fn calls(State(server): State<Shared>, Query(of): Query<MayNameCompany>) -> Response {
    let realm = of.realm.as_deref();
    let (counters, list) = {
        let calls = lock(&server.calls);
        (calls.counters(realm), calls.list(realm))
    };
    Json(json!({"counters": counters, "calls": list})).into_response()
}

/// `GET /simulator/switches`: the server's.
pub(super) async fn switches(State(server): State<Shared>) -> Response {
    Json(read(&server.switches).clone()).into_response()
}

/// `POST /simulator/switches`: switches to change; the others stay.
pub(super) async fn set_switches(State(server): State<Shared>, Json(changes): Json<Value>) -> Response {
    let merged = merged(&*read(&server.switches), changes);
    match merged {
        Ok(new) => {
            *write(&server.switches) = new;
            switches(State(server)).await
        }
        Err(problem) => refused(&problem),
    }
}

/// `GET /simulator/switches/{realm}`: one company's.
pub(super) async fn company_switches(State(server): State<Shared>, Path(realm): Path<String>) -> Response {
    match server.with_company(&realm, |company, _| company.settings().clone()) {
        Some(switches) => Json(switches).into_response(),
        None => no_such_company(),
    }
}

/// `POST /simulator/switches/{realm}`: switches to change; the others stay.
pub(super) async fn set_company_switches(
    State(server): State<Shared>,
    Path(realm): Path<String>,
    Json(changes): Json<Value>,
) -> Response {
    let changed = server.with_company(&realm, |company, _| {
        *company.switches() = merged(company.settings(), changes)?;
        serde_json::Result::Ok(())
    });
    match changed {
        Some(Ok(())) => company_switches(State(server), Path(realm)).await,
        Some(Err(problem)) => refused(&problem),
        None => no_such_company(),
    }
}

/// `GET /simulator/consent`: the company for which the consent page answers by itself.
pub(super) async fn consents_for(State(server): State<Shared>) -> Response {
    Json(json!({"realm": *lock(&server.consents_for)})).into_response()
}

/// `POST /simulator/consent`: a company, or null to ask again.
pub(super) async fn set_consents_for(
    State(server): State<Shared>,
    Json(body): Json<MayNameCompany>,
) -> Response {
    if body.realm.as_ref().is_some_and(|realm| !is_known(&server, realm)) {
        return no_such_company();
    }
    *lock(&server.consents_for) = body.realm;
    done()
}

fn is_known(server: &Server, realm: &str) -> bool {
    server.realms().iter().any(|known| known == realm)
}

pub(super) fn no_such_company() -> Response {
    (StatusCode::NOT_FOUND, "no such company").into_response()
}
