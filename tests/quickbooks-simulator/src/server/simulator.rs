//! A running simulator, as programs in this workspace hold it.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use simulator_server::ClockOutOfRange;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::error;

use super::calls::{Call, Calls, Counters};
use super::faults::Fault;
use super::snapshot::Snapshot;
use super::state::{Server, Shared, lock, read, write};
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

/// A running simulator. Dropping it stops it and, if it has a state file, saves its state.
pub struct Simulator {
    url: String,
    server: Shared,
    stop: watch::Sender<bool>,
    serving: Option<JoinHandle<()>>,
    notifying: JoinHandle<()>,
    saved: bool,
}

/// Starts a simulator on this machine.
///
/// # Errors
/// If the port is taken, or the state file is there but cannot be read.
pub async fn start(options: Options) -> io::Result<Simulator> {
    let kept = options.state_file.as_deref().map(simulator_server::load::<Snapshot>).transpose()?.flatten();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let client = webhooks::client().map_err(io::Error::other)?;
    let server = Arc::new(Server::new(options));
    if let Some(kept) = kept {
        server.restore(kept);
        let given = &server.options.webhooks;
        if given.target.is_some() {
            server.webhooks.configure(given.clone());
        }
    }
    let stop = watch::Sender::new(false);
    let serving = simulator_server::serve(listener, router(Arc::clone(&server)), stop.subscribe());
    Ok(Simulator {
        url,
        stop,
        serving: Some(tokio::spawn(serving)),
        notifying: tokio::spawn(webhooks::run(Arc::clone(&server), client)),
        server,
        saved: false,
    })
}

impl Simulator {
    /// The base address, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The realm ids of all companies.
    pub fn realms(&self) -> Vec<String> {
        self.server.realms()
    }

    /// Adds a company, or begins one anew.
    pub fn add_company(&self, seed: Seed, realm: &str) {
        self.server.add_company(seed, realm);
    }

    /// Looks at a company or acts on it. What it changes is announced by webhook. None if there is no such company.
    pub fn with_company<R>(&self, realm: &str, act: impl FnOnce(&mut Company) -> R) -> Option<R> {
        self.server.with_company(realm, |company, _| act(company))
    }

    /// Connects a company without asking anybody. None if there is no such company.
    pub fn connect(&self, realm: &str) -> Option<Credentials> {
        let known = self.realms().iter().any(|known| known == realm);
        known.then(|| Credentials::new_for(&self.server, realm))
    }

    /// Ends all connections of a company, as a person does in QuickBooks under "My apps".
    pub fn disconnect(&self, realm: &str) {
        lock(&self.server.connections).disconnect(realm);
    }

    /// Lets all access tokens of a company end now; a refresh brings new ones.
    pub fn expire_access_tokens(&self, realm: &str) {
        lock(&self.server.connections).expire_access_tokens_of(realm);
    }

    /// Lets the consent page answer by itself with this company, or ask again.
    pub fn consent_for(&self, realm: Option<&str>) {
        *lock(&self.server.consents_for) = realm.map(str::to_owned);
    }

    /// The counters of one company's calls, or of all calls.
    pub fn calls(&self, realm: Option<&str>) -> Counters {
        lock(&self.server.calls).counters(realm)
    }

    /// The latest calls of one company or of all, oldest first.
    pub fn call_list(&self, realm: Option<&str>) -> Vec<Call> {
        lock(&self.server.calls).list(realm)
    }

    /// Forgets all calls.
    pub fn forget_calls(&self) {
        *lock(&self.server.calls) = Calls::default();
    }

    /// Puts a fault in force.
    pub fn add_fault(&self, fault: Fault) {
        lock(&self.server.faults).add(fault, self.now());
    }

    /// Ends all faults.
    pub fn clear_faults(&self) {
        lock(&self.server.faults).remove(None);
    }

    /// The faults still in force.
    pub fn faults(&self) -> Vec<Fault> {
        lock(&self.server.faults).list().into_iter().map(|(_, fault)| fault).collect()
    }

    /// The server's switches; a company's are reached by [`Self::with_company`].
    pub fn switches(&self) -> Switches {
        read(&self.server.switches).clone()
    }

    /// Changes the server's switches.
    pub fn set_switches(&self, change: impl FnOnce(&mut Switches)) {
        change(&mut write(&self.server.switches));
    }

    /// Sets up the webhook subscription.
    pub fn set_webhooks(&self, settings: WebhookSettings) {
        self.server.webhooks.configure(settings);
    }

    /// The latest attempts to send a webhook, oldest first.
    pub fn webhook_attempts(&self) -> Vec<Attempt> {
        self.server.webhooks.attempts()
    }

    /// How many webhook events were not delivered yet.
    pub fn undelivered_events(&self) -> usize {
        self.server.webhooks.undelivered()
    }

    /// The time by the simulator's clock.
    pub fn now(&self) -> Timestamp {
        self.server.clock.now()
    }

    /// Moves the simulator's clock.
    ///
    /// # Errors
    /// If the time would leave what can be represented.
    pub fn advance_clock(&self, by: SignedDuration) -> Result<(), ClockOutOfRange> {
        self.server.clock.advance(by)
    }

    /// Back to how it began.
    pub fn reset(&self) {
        self.server.reset();
    }

    /// Stops: takes no more calls, lets those in progress finish, and saves the state.
    ///
    /// # Errors
    /// If the state cannot be saved.
    pub async fn stop(mut self) -> io::Result<()> {
        self.stop.send_replace(true);
        if let Some(serving) = self.serving.take() {
            serving.await.map_err(io::Error::other)?;
        }
        self.save()
    }

    fn save(&mut self) -> io::Result<()> {
        self.saved = true;
        match &self.server.options.state_file {
            Some(file) => simulator_server::save(&self.server.snapshot(), file),
            None => Ok(()),
        }
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        self.notifying.abort();
        if !self.saved
            && let Err(problem) = self.save()
        {
            error!("cannot save the state: {problem}");
        }
    }
}
