//! MiniStack as a child process: started through `ministack_launcher.py`, in a process group of its own.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;
use tokio::process::{Child, ChildStdin};
use tokio::time::{sleep, timeout};

use crate::python::Python;
use crate::stack::{ACCESS_KEY, REGION, SECRET_KEY};

const START_TIMEOUT: Duration = Duration::from_secs(60);
const STOP_TIMEOUT: Duration = Duration::from_secs(20);

/// A running local AWS. Dropping it kills it and its functions at once; [`MiniStack::stop`] lets it save its state.
pub(crate) struct MiniStack {
    process: Child,
    /// The launcher stops when this closes, which it does even if this process is killed.
    life_line: Option<ChildStdin>,
    endpoint: String,
    directory: TempDir,
}

impl MiniStack {
    /// Starts it on `port` of 127.0.0.1 and waits until it answers. With `state`, what that directory holds is
    /// loaded first, and saved there by [`MiniStack::stop`].
    pub(crate) async fn start(
        python: &Python,
        directory: TempDir,
        port: u16,
        state: Option<&Path>,
    ) -> anyhow::Result<Self> {
        let endpoint = format!("http://{}:{port}", Ipv4Addr::LOCALHOST);
        let log = File::create(log_file(directory.path()))?;
        let mut command = python.script("ministack_launcher.py");
        command
            .env("BIND_HOST", Ipv4Addr::LOCALHOST.to_string())
            .env("GATEWAY_PORT", port.to_string())
            .env("TMPDIR", directory.path())
            // Functions get these too; without the address they would call the real AWS.
            .env("AWS_ENDPOINT_URL", &endpoint)
            .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
            .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
            .env("MINISTACK_REGION", REGION)
            .env("AWS_REGION", REGION)
            // Requests are held against the functions' roles, as in AWS.
            .env("AUTH", "true")
            // Services that would listen on fixed ports of every interface.
            .env("IOT_MTLS_ENABLED", "0")
            .env("SFTP_ENABLED", "0")
            .env_remove("AWS_PROFILE")
            .env_remove("AWS_SESSION_TOKEN")
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0);
        if let Some(state) = state {
            command.env("PERSIST_STATE", "1").env("STATE_DIR", state);
        }
        let mut process = command.spawn().context("MiniStack could not be started")?;
        let life_line = process.stdin.take();
        let mut ministack = Self { process, life_line, endpoint, directory };
        ministack.wait_until_healthy().await?;
        Ok(ministack)
    }

    /// Address of every AWS service.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// What a function has printed so far; empty if it never ran.
    pub(crate) fn function_log(&self, function: &str) -> anyhow::Result<String> {
        match std::fs::read(self.directory.path().join(format!("{function}.log"))) {
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
            Err(error) => Err(error.into()),
        }
    }

    /// What MiniStack itself has printed so far.
    pub(crate) fn log(&self) -> anyhow::Result<String> {
        Ok(String::from_utf8_lossy(&std::fs::read(log_file(self.directory.path()))?).into_owned())
    }

    /// Ends it in order, saving its state if it was given a place for that.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        drop(self.life_line.take());
        timeout(STOP_TIMEOUT, self.process.wait()).await.context("MiniStack does not stop")??;
        Ok(())
    }

    async fn wait_until_healthy(&mut self) -> anyhow::Result<()> {
        let health = format!("{}/_ministack/health", self.endpoint);
        let answered = async {
            loop {
                if let Some(status) = self.process.try_wait()? {
                    bail!("MiniStack ended with {status}:\n{}", self.log()?);
                }
                if reqwest::get(&health).await.is_ok_and(|response| response.status().is_success()) {
                    return Ok(());
                }
                sleep(Duration::from_millis(50)).await;
            }
        };
        match timeout(START_TIMEOUT, answered).await {
            Ok(result) => result,
            Err(_) => bail!("MiniStack does not answer:\n{}", self.log()?),
        }
    }
}

impl Drop for MiniStack {
    fn drop(&mut self) {
        // No id: it has ended, and the launcher has ended the functions.
        let group = self.process.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        if let Some(group) = group {
            // Fails only if the group has gone in the meantime.
            kill_process_group(group, Signal::KILL).ok();
        }
    }
}

fn log_file(directory: &Path) -> PathBuf {
    directory.join("ministack.log")
}

/// A port of 127.0.0.1 that nothing listens on now.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
