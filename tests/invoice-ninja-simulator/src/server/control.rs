//! The control side: what tests and tools do to the simulator itself. Nothing here exists in the app. All bodies are
//! JSON; what is wrong with one is answered with 4xx and a sentence. A company is named by its place, from 0.
//!
//! | call | what |
//! |---|---|
//! | `GET`, `POST /simulator/companies` | lists the companies with their tokens; adds one: `{"seed": "Empty", "token": "t"}` |
//! | `GET`, `POST /simulator/companies/{place}/switches` | the company's switches (members to change) |
//! | `GET /simulator/companies/{place}/mails` | the e-mails that the app would have sent |
//! | `POST /simulator/companies/{place}/tokens` | `{"token": "t", "is_admin": false}` |
//! | `DELETE /simulator/companies/{place}/tokens/{token}` | takes a token away |
//! | `GET`, `POST /simulator/webhooks` | whether they are sent (`{"on": false}`), and the attempts |
//! | `GET /simulator/calls` | the calls one by one |
//!
//! Clock, faults, the whole state and the rest are as in [`simulator_server::control`].

use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use simulator_server::{done, lock, merged, refused};

use super::state::{Server, Shared};
use crate::company::{Company, Seed, User};

/// `GET /simulator/companies`.
pub(super) async fn companies(State(server): State<Shared>) -> Response {
    let shown = |(place, company): (usize, &Company)| json!({"place": place, "id": company.id(), "name": company.name(), "token": company.admin_token()});
    let companies: Value =
        server.with(|installation, _| installation.companies().iter().enumerate().map(shown).collect());
    Json(companies).into_response()
}

/// A company to add.
#[derive(Deserialize)]
pub(super) struct NewCompany {
    seed: Seed,
    token: String,
}

/// `POST /simulator/companies`.
pub(super) async fn add_company(State(server): State<Shared>, Json(new): Json<NewCompany>) -> Response {
    let place = server.with(|installation, now| installation.add(new.seed, &new.token, now));
    (StatusCode::CREATED, Json(json!({"place": place}))).into_response()
}

/// `GET /simulator/companies/{place}/switches`.
pub(super) async fn switches(State(server): State<Shared>, Path(place): Path<usize>) -> Response {
    of_company(&server, place, |company| Json(company.settings().clone()).into_response())
}

/// `POST /simulator/companies/{place}/switches`: switches to change; the others stay.
pub(super) async fn set_switches(
    State(server): State<Shared>,
    Path(place): Path<usize>,
    Json(changes): Json<Value>,
) -> Response {
    of_company(&server, place, |company| match merged(company.settings(), changes) {
        Ok(switches) => {
            *company.switches() = switches;
            Json(company.settings().clone()).into_response()
        }
        Err(problem) => refused(&problem),
    })
}

/// `GET /simulator/companies/{place}/mails`.
pub(super) async fn mails(State(server): State<Shared>, Path(place): Path<usize>) -> Response {
    of_company(&server, place, |company| Json(company.mails().to_vec()).into_response())
}

/// A token to add.
#[derive(Deserialize)]
pub(super) struct NewToken {
    token: String,
    #[serde(default)]
    is_admin: bool,
}

/// `POST /simulator/companies/{place}/tokens`: a token for the company's owner, or for a limited user.
pub(super) async fn add_token(
    State(server): State<Shared>,
    Path(place): Path<usize>,
    Json(new): Json<NewToken>,
) -> Response {
    of_company(&server, place, |company| {
        let like = company.users().values().find(|user| user.is_admin == new.is_admin).cloned();
        match like {
            Some(user) => {
                company.add_user(&new.token, User { ..user });
                done()
            }
            None => (StatusCode::CONFLICT, "there is no such user").into_response(),
        }
    })
}

/// `DELETE /simulator/companies/{place}/tokens/{token}`.
pub(super) async fn remove_token(
    State(server): State<Shared>,
    Path((place, token)): Path<(usize, String)>,
) -> Response {
    of_company(&server, place, |company| {
        company.remove_token(&token);
        done()
    })
}

/// `GET /simulator/webhooks`.
pub(super) async fn webhooks(State(server): State<Shared>) -> Response {
    let attempts = lock(&server.attempts).clone();
    let next = server.next_webhook();
    let on = server.webhooks_on.load(Ordering::Relaxed);
    Json(json!({"on": on, "next_due": next, "attempts": attempts})).into_response()
}

/// Whether webhooks are sent.
#[derive(Deserialize)]
pub(super) struct WebhookSwitch {
    on: bool,
}

/// `POST /simulator/webhooks`.
pub(super) async fn set_webhooks(
    State(server): State<Shared>,
    Json(switch): Json<WebhookSwitch>,
) -> Response {
    server.webhooks_on.store(switch.on, Ordering::Relaxed);
    webhooks(State(server)).await
}

/// `GET /simulator/calls`.
pub(super) async fn calls(State(server): State<Shared>) -> Response {
    Json(lock(&server.calls).list()).into_response()
}

fn of_company(server: &Server, place: usize, act: impl FnOnce(&mut Company) -> Response) -> Response {
    let answer = server.with(|installation, _| installation.company(place).map(act));
    answer.unwrap_or_else(|| (StatusCode::NOT_FOUND, "no such company").into_response())
}
