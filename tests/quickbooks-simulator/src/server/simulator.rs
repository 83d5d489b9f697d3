//! A running simulator, as programs in this workspace hold it.

use std::io;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use simulator_server::Running;

use super::calls::{Call, Counters};
use super::state::{Server, lock, read, write};
use super::switches::Switches;
use super::webhooks::{self, Attempt, WebhookSettings};
use super::{Options, router};
use crate::company::{Company, Seed};

/// Everything a client needs to reach one company.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// The company.
    pub realm: String,
    /// Good for an hour.
    pub access_token: String,
    /// Good for a hundred days.
    pub refresh_token: String,
    /// The app's id.
    pub client_id: String,
    /// The app's secret.
    pub client_secret: String,
    /// The key of webhook signatures.
    pub verifier_token: String,
}

impl Credentials {
    pub(super) fn new_for(server: &Server, realm: &str) -> Self {
        let pair = server.connect(realm);
        Self {
            realm: pair.realm,
            access_token: pair.access_token,
            refresh_token: pair.refresh_token,
            client_id: server.options.app.client_id.clone(),
            client_secret: server.options.app.client_secret.clone(),
            verifier_token: server.webhooks.settings().verifier_token,
        }
    }
}

/// A running simulator, which can all that [`Running`] can. Dropping it stops it and, if it has a state file, saves its
/// state.
pub struct Simulator(Running<Server>);

/// Starts a simulator on this machine.
///
/// # Errors
/// If the port is taken, or the state file is there but cannot be read.
pub async fn start(options: Options) -> io::Result<Simulator> {
    let (port, state_file, given) = (options.port, options.state_file.clone(), options.webhooks.clone());
    let client = webhooks::client().map_err(io::Error::other)?;
    let server = Arc::new(Server::new(options));
    let sending = webhooks::run(Arc::clone(&server), client);
    let router = router(Arc::clone(&server));
    let running = Running::start(server, port, state_file, router, sending).await?;
    if given.target.is_some() {
        running.server().webhooks.configure(given); // what was kept has other ones
    }
    Ok(Simulator(running))
}

impl Deref for Simulator {
    type Target = Running<Server>;

    fn deref(&self) -> &Running<Server> {
        &self.0
    }
}

impl Simulator {
    /// The realm ids of all companies.
    pub fn realms(&self) -> Vec<String> {
        self.server().realms()
    }

    /// Adds a company, or begins one anew.
    pub fn add_company(&self, seed: Seed, realm: &str) {
        self.server().add_company(seed, realm);
    }

    /// Looks at a company or acts on it. What it changes is announced by webhook. None if there is no such company.
    pub fn with_company<R>(&self, realm: &str, act: impl FnOnce(&mut Company) -> R) -> Option<R> {
        self.server().with_company(realm, |company, _| act(company))
    }

    /// Connects a company without asking anybody. None if there is no such company.
    pub fn connect(&self, realm: &str) -> Option<Credentials> {
        let known = self.realms().iter().any(|known| known == realm);
        known.then(|| Credentials::new_for(self.server(), realm))
    }

    /// Ends all connections of a company, as a person does in QuickBooks under "My apps".
    pub fn disconnect(&self, realm: &str) {
        lock(&self.server().connections).disconnect(realm);
    }

    /// Lets all access tokens of a company end now; a refresh brings new ones.
    pub fn expire_access_tokens(&self, realm: &str) {
        lock(&self.server().connections).expire_access_tokens_of(realm);
    }

    /// Lets the consent page answer by itself with this company, or ask again.
    pub fn consent_for(&self, realm: Option<&str>) {
        *lock(&self.server().consents_for) = realm.map(str::to_owned);
    }

    /// The counters of one company's calls, or of all calls.
    pub fn calls(&self, realm: Option<&str>) -> Counters {
        lock(&self.server().calls).counters(realm)
    }

    /// The latest calls of one company or of all, oldest first.
    pub fn call_list(&self, realm: Option<&str>) -> Vec<Call> {
        lock(&self.server().calls).list(realm)
    }

    /// The server's switches; a company's are reached by [`Self::with_company`].
    pub fn switches(&self) -> Switches {
        read(&self.server().switches).clone()
    }

    /// Changes the server's switches.
    pub fn set_switches(&self, change: impl FnOnce(&mut Switches)) {
        change(&mut write(&self.server().switches));
    }

    /// Sets up the webhook subscription.
    pub fn set_webhooks(&self, settings: WebhookSettings) {
        self.server().webhooks.configure(settings);
    }

    /// The latest attempts to send a webhook, oldest first.
    pub fn webhook_attempts(&self) -> Vec<Attempt> {
        self.server().webhooks.attempts()
    }

    /// How many webhook events were not delivered yet.
    pub fn undelivered_events(&self) -> usize {
        self.server().webhooks.undelivered()
    }

    /// Stops as [`Running::stop`] does.
    ///
    /// # Errors
    /// If the state cannot be saved.
    pub async fn stop(self) -> io::Result<()> {
        self.0.stop().await
    }
}
