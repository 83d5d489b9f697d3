//! A running simulator, as programs in this workspace hold it.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::{SignedDuration, Timestamp};
use simulator_server::{ClockOutOfRange, lock};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::error;

use super::calls::{Call, Calls};
use super::faults::Fault;
use super::state::{Server, Shared, Snapshot};
use super::webhooks::{self, Attempt};
use super::{Options, router};
use crate::company::{Company, Installation, Seed};

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
    /// The base address, without a slash at the end. The API is under `/api/v1`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Adds a company and returns its place.
    pub fn add_company(&self, seed: Seed, token: &str) -> usize {
        self.server.with(|installation, now| installation.add(seed, token, now))
    }

    /// Looks at a company or acts on it. What it changes is announced by webhook. None if there is no such company.
    pub fn with_company<R>(&self, place: usize, act: impl FnOnce(&mut Company, Timestamp) -> R) -> Option<R> {
        self.server.with(|installation, now| installation.company(place).map(|company| act(company, now)))
    }

    /// Looks at all companies.
    pub fn with_companies<R>(&self, look: impl FnOnce(&Installation) -> R) -> R {
        self.server.with(|installation, _| look(installation))
    }

    /// The latest calls, oldest first.
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.server.calls).list()
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

    /// Lets webhooks be sent or be lost.
    pub fn send_webhooks(&self, on: bool) {
        self.server.webhooks_on.store(on, Ordering::Relaxed);
    }

    /// The attempts to send a webhook, oldest first.
    pub fn webhook_attempts(&self) -> Vec<Attempt> {
        lock(&self.server.attempts).clone()
    }

    /// How many webhooks are still to be sent or answered.
    pub fn undelivered_webhooks(&self) -> usize {
        self.server.undelivered_webhooks()
    }

    /// The time by the simulator's clock.
    pub fn now(&self) -> Timestamp {
        self.server.clock.now()
    }

    /// Moves the simulator's clock; webhooks that become due are sent.
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
