//! HTTP around the company: OAuth, throttles, faults, webhooks, the control side and the web page.
//!
//! [`start`] serves all of it on one port of this machine:
//!
//! | path | what |
//! |---|---|
//! | `/connect/oauth2` | Intuit's consent page |
//! | `/oauth2/v1/tokens/bearer`, `/v2/oauth2/tokens/revoke` | Intuit's OAuth server |
//! | `/v3/company/{realm}/…` | the accounting API |
//! | `/simulator/…` | the control side, for tests and tools |
//! | `/` | pages on which a person sees the companies' books and works in them |

mod accounting;
mod answers;
mod bookkeeper;
mod calls;
mod control;
mod faults;
mod gateway;
mod oauth;
mod outside;
mod pages;
mod simulator;
mod snapshot;
mod state;
mod switches;
mod throttle;
mod webhooks;

use std::path::PathBuf;

use axum::extract::DefaultBodyLimit;
use axum::routing::{any, get, post};
use axum::{Router, middleware};
use tower_http::compression::CompressionLayer;

pub use simulator_server::ClockOutOfRange;

pub use self::calls::{Call, CallKind, Counters};
pub use self::faults::{Effect, ErrorBody, Fault};
pub use self::simulator::{Credentials, Simulator, start};
use self::state::Shared;
pub use self::switches::{ConcurrentRefresh, Limits, Switches, ThrottleFormat};
pub use self::webhooks::{Attempt, WebhookFormat, WebhookSettings};
use crate::company::Seed;

/// What to start with.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port on 127.0.0.1; 0 for any free one.
    pub port: u16,
    /// The companies and their realm ids. The first is the one that tools get when they name none.
    pub companies: Vec<(Seed, String)>,
    /// Where the whole state is kept: written at the end, and read at start if the file exists. What was kept then
    /// takes the place of `companies`, of `switches`, and of `webhooks` unless that has a target.
    pub state_file: Option<PathBuf>,
    /// The one app that is registered.
    pub app: App,
    /// The server's switches; [`Limits::NONE`] is for tests that are not about limits.
    pub switches: Switches,
    /// The app's webhook subscription.
    pub webhooks: WebhookSettings,
}

/// An app as registered in Intuit's developer portal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    /// The public id.
    pub client_id: String,
    /// The secret that goes with it.
    pub client_secret: String,
    /// Where the consent page may send people back to, to the letter. Empty: anywhere.
    pub redirect_uris: Vec<String>,
    /// Where a person lands who has disconnected the app in QuickBooks; `realmId` is added.
    pub disconnect_url: Option<String>,
}

impl Default for App {
    fn default() -> Self {
        Self {
            client_id: "simulator-client-id".to_owned(),
            client_secret: "simulator-client-secret".to_owned(),
            redirect_uris: Vec::new(),
            disconnect_url: None,
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        let seeds = [Seed::Landscaping, Seed::AutomatedSalesTax, Seed::Global, Seed::Empty];
        let realms = ["9341450000000001", "9341450000000002", "9341450000000003", "9341450000000004"];
        Self {
            port: 0,
            companies: seeds.into_iter().zip(realms.map(str::to_owned)).collect(),
            state_file: None,
            app: App::default(),
            switches: Switches::default(),
            webhooks: WebhookSettings::default(),
        }
    }
}

fn router(server: Shared) -> Router {
    let intuit = Router::new()
        .route("/v3/company/{realm}/{*path}", any(accounting::answer))
        .route("/oauth2/v1/tokens/bearer", post(oauth::endpoints::bearer))
        .route("/v2/oauth2/tokens/revoke", post(oauth::endpoints::revoke))
        .layer(DefaultBodyLimit::disable()) // the gateway has its own
        .layer(CompressionLayer::new())
        .layer(middleware::from_fn_with_state(server.clone(), gateway::pass));
    let control = Router::new()
        .route("/companies", get(control::companies).post(control::add_company))
        .route("/tokens", post(control::connect))
        .route("/tokens/expire", post(control::expire_tokens))
        .route("/webhooks", get(control::webhooks).post(control::set_webhooks))
        .route("/calls", get(control::calls))
        .route("/switches", get(control::switches).post(control::set_switches))
        .route("/switches/{realm}", get(control::company_switches).post(control::set_company_switches))
        .route("/consent", get(control::consents_for).post(control::set_consents_for))
        .route("/bookkeeper/{realm}", post(bookkeeper::act))
        .merge(simulator_server::control())
        .layer(DefaultBodyLimit::disable()); // a whole state is large
    Router::new()
        .route("/", get(pages::companies))
        .route("/companies/{realm}", get(pages::company))
        .route("/companies/{realm}/disconnect", post(pages::disconnect))
        .route("/companies/{realm}/{list}/{id}", get(pages::record).post(pages::save))
        .route("/companies/{realm}/{list}/{id}/{action}", post(pages::act))
        .route("/connect/oauth2", get(oauth::consent::ask).post(oauth::consent::decide))
        .nest("/simulator", control)
        .merge(intuit)
        .with_state(server)
}
