//! A running simulator: served on a port of this machine, its state kept in a file if wished.

use std::io;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use jiff::{SignedDuration, Timestamp};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::error;

use crate::control::Controlled;
use crate::{ClockOutOfRange, Fault, kept, lock, serve};

/// A running simulator. Dropping it stops it and, if it has a state file, saves its state.
pub struct Running<S: Controlled> {
    url: String,
    server: Arc<S>,
    stop: watch::Sender<bool>,
    serving: Option<JoinHandle<()>>,
    beside: JoinHandle<()>,
    /// Where the state is still to be saved.
    state_file: Option<PathBuf>,
}

impl<S: Controlled> Running<S> {
    /// Serves on 127.0.0.1 (port 0: any free one), after putting back what the state file holds, and does `beside` as
    /// long as that.
    ///
    /// # Errors
    /// If the port is taken, or the state file is there but cannot be read.
    pub async fn start(
        server: Arc<S>,
        port: u16,
        state_file: Option<PathBuf>,
        router: Router,
        beside: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<Self> {
        let kept = state_file.as_deref().map(kept::load::<S::Snapshot>).transpose()?.flatten();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        if let Some(kept) = kept {
            server.restore(kept);
        }
        let stop = watch::Sender::new(false);
        let serving = Some(tokio::spawn(serve(listener, router, stop.subscribe())));
        Ok(Self { url, server, stop, serving, beside: tokio::spawn(beside), state_file })
    }

    /// The base address, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What is being served.
    #[must_use]
    pub fn server(&self) -> &Arc<S> {
        &self.server
    }

    /// Forgets all calls.
    pub fn forget_calls(&self) {
        self.server.forget_calls();
    }

    /// Puts a fault in force.
    pub fn add_fault(&self, fault: Fault<S::Effect, S::Kind>) {
        lock(self.server.faults()).add(fault, self.now());
    }

    /// Ends all faults.
    pub fn clear_faults(&self) {
        lock(self.server.faults()).remove(None);
    }

    /// The faults still in force.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault<S::Effect, S::Kind>> {
        lock(self.server.faults()).list().into_iter().map(|(_, fault)| fault).collect()
    }

    /// The time by the simulator's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.server.clock().now()
    }

    /// Moves the simulator's clock. What becomes due by that is done.
    ///
    /// # Errors
    /// If the time would leave what can be represented.
    pub fn advance_clock(&self, by: SignedDuration) -> Result<(), ClockOutOfRange> {
        self.server.clock().advance(by)
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

    /// Once.
    fn save(&mut self) -> io::Result<()> {
        match self.state_file.take() {
            Some(file) => kept::save(&self.server.snapshot(), &file),
            None => Ok(()),
        }
    }
}

impl<S: Controlled> Drop for Running<S> {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        self.beside.abort();
        if let Err(problem) = self.save() {
            error!("cannot save the state: {problem}");
        }
    }
}
