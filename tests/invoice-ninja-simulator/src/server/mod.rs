//! HTTP around the companies: faults, webhooks, the control side and the web page.
//!
//! [`start`] serves all of it on one port of this machine:
//!
//! | path | what |
//! |---|---|
//! | `/api/v1/…` | Invoice Ninja's REST API |
//! | `/simulator/…` | the control side, for tests and tools |
//! | `/` | pages on which a person sees the companies' records and changes them |

mod api;
mod calls;
mod control;
mod faults;
mod pages;
mod simulator;
mod state;
mod webhooks;

use std::path::PathBuf;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{any, delete, get, post};

pub use simulator_server::ClockOutOfRange;

pub use self::calls::{Call, CallKind};
pub use self::faults::{Effect, ErrorBody, Fault};
pub use self::simulator::{Simulator, start};
use self::state::Shared;
pub use self::webhooks::Attempt;
use crate::company::Seed;

/// What to start with.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port on 127.0.0.1; 0 for any free one.
    pub port: u16,
    /// The companies and their administrators' tokens.
    pub companies: Vec<(Seed, String)>,
    /// Where the whole state is kept: written at the end, and read at start if the file exists. What was kept then
    /// takes the place of `companies`.
    pub state_file: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            companies: vec![(Seed::Gardening, "TOKEN".to_owned()), (Seed::Empty, "EMPTY-TOKEN".to_owned())],
            state_file: None,
        }
    }
}

fn router(server: Shared) -> Router {
    let control = Router::new()
        .route("/companies", get(control::companies).post(control::add_company))
        .route("/companies/{place}/switches", get(control::switches).post(control::set_switches))
        .route("/companies/{place}/mails", get(control::mails))
        .route("/companies/{place}/tokens", post(control::add_token))
        .route("/companies/{place}/tokens/{token}", delete(control::remove_token))
        .route("/webhooks", get(control::webhooks).post(control::set_webhooks))
        .route("/calls", get(control::calls))
        .merge(simulator_server::control());
    Router::new()
        .route("/", get(pages::companies))
        .route("/companies/{place}", get(pages::company))
        .route("/companies/{place}/{kind}/{id}", get(pages::record).post(pages::save))
        .route("/companies/{place}/{kind}/{id}/{action}", post(pages::act))
        .route("/api/v1/{*path}", any(api::answer))
        .nest("/simulator", control)
        .layer(DefaultBodyLimit::max(64 * 1024 * 1024)) // a whole state is large
        .with_state(server)
}
