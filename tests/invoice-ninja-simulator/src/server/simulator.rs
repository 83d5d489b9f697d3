//! A running simulator, as programs in this workspace hold it.

use std::io;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::Timestamp;
use simulator_server::{Running, lock};

use super::calls::Call;
use super::state::Server;
use super::webhooks::{self, Attempt};
use super::{Options, router};
use crate::company::{Company, Installation, Seed};

/// A running simulator, which can all that [`Running`] can. Dropping it stops it and, if it has a state file, saves its
/// state. The API is under `/api/v1`.
pub struct Simulator(Running<Server>);

/// Starts a simulator on this machine.
///
/// # Errors
/// If the port is taken, or the state file is there but cannot be read.
pub async fn start(options: Options) -> io::Result<Simulator> {
    let (port, state_file) = (options.port, options.state_file.clone());
    let client = webhooks::client().map_err(io::Error::other)?;
    let server = Arc::new(Server::new(options));
    let sending = webhooks::run(Arc::clone(&server), client);
    let router = router(Arc::clone(&server));
    Running::start(server, port, state_file, router, sending).await.map(Simulator)
}

impl Deref for Simulator {
    type Target = Running<Server>;

    fn deref(&self) -> &Running<Server> {
        &self.0
    }
}

impl Simulator {
    /// Adds a company and returns its place.
    pub fn add_company(&self, seed: Seed, token: &str) -> usize {
        self.server().with(|installation, now| installation.add(seed, token, now))
    }

    /// Looks at a company or acts on it. What it changes is announced by webhook. None if there is no such company.
    pub fn with_company<R>(&self, place: usize, act: impl FnOnce(&mut Company, Timestamp) -> R) -> Option<R> {
        self.server().with(|installation, now| installation.company(place).map(|company| act(company, now)))
    }

    /// Looks at all companies.
    pub fn with_companies<R>(&self, look: impl FnOnce(&Installation) -> R) -> R {
        self.server().with(|installation, _| look(installation))
    }

    /// The latest calls, oldest first.
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.server().calls).list()
    }

    /// Lets webhooks be sent or be lost.
    pub fn send_webhooks(&self, on: bool) {
        self.server().webhooks_on.store(on, Ordering::Relaxed);
    }

    /// The attempts to send a webhook, oldest first.
    pub fn webhook_attempts(&self) -> Vec<Attempt> {
        lock(&self.server().attempts).clone()
    }

    /// How many webhooks are still to be sent or answered.
    pub fn undelivered_webhooks(&self) -> usize {
        self.server().undelivered_webhooks()
    }

    /// Stops as [`Running::stop`] does.
    ///
    /// # Errors
    /// If the state cannot be saved.
    pub async fn stop(self) -> io::Result<()> {
        self.0.stop().await
    }
}
