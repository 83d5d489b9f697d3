//! The Python environment that MiniStack and cfn-lint live in, installed on first use.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use anyhow::{Context, bail};
use sha2::{Digest, Sha256};
use tokio::process::Command;

use crate::workspace::Workspace;

const REQUIREMENTS: &str = include_str!("../requirements.txt");

/// An installed environment.
pub(crate) struct Python {
    environment: PathBuf,
}

/// Checks `template.yaml` with cfn-lint, installing it first if need be. `Err` holds cfn-lint's findings.
pub async fn lint_template(progress: &(dyn Fn(&str) + Sync)) -> anyhow::Result<()> {
    let workspace = Workspace::find().await?;
    let python = Python::ready(&workspace, progress).await?;
    let output = python.program("cfn-lint").arg(workspace.template()).output().await?;
    if !output.status.success() {
        bail!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

impl Python {
    /// The environment with everything `requirements.txt` names, installed if it is not there yet. Processes that
    /// ask at the same time wait for one another, and what an interrupted installation left is replaced.
    pub(crate) async fn ready(
        workspace: &Workspace,
        progress: &(dyn Fn(&str) + Sync),
    ) -> anyhow::Result<Self> {
        let directory = workspace.local_stack();
        tokio::fs::create_dir_all(&directory).await?;
        let environment = directory.join(format!("python-{}", hash(REQUIREMENTS)));
        let python = Self { environment };
        if python.is_complete() {
            return Ok(python);
        }
        let lock = lock(&directory.join("python.lock")).await?;
        if !python.is_complete() {
            progress(
                "Installing the local AWS (Python packages) into the target directory; once, for half a minute",
            );
            python.install().await?;
        }
        drop(lock);
        Ok(python)
    }

    /// One of the scripts beside this package's Cargo.toml. It reads nothing from standard input unless told, and
    /// is killed when the caller gives up.
    pub(crate) fn script(&self, name: &str) -> Command {
        let mut command = self.program("python");
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(name));
        command
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.environment.join("bin").join(name));
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    fn is_complete(&self) -> bool {
        // The interpreter is a link, which an upgrade of Python may leave without its end.
        self.complete_mark().exists() && self.environment.join("bin/python").exists()
    }

    /// Written last, so that it says the installation was not interrupted.
    fn complete_mark(&self) -> PathBuf {
        self.environment.join("complete")
    }

    async fn install(&self) -> anyhow::Result<()> {
        if self.environment.exists() {
            tokio::fs::remove_dir_all(&self.environment).await?;
        }
        create_environment(&self.environment).await?;
        let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join("requirements.txt");
        let installed = self
            .program("python")
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
            .arg(requirements)
            .output()
            .await?;
        succeeded(&installed, "pip could not install what infra/local/requirements.txt names")?;
        tokio::fs::write(self.complete_mark(), "").await?;
        Ok(())
    }
}

async fn create_environment(directory: &Path) -> anyhow::Result<()> {
    let version_check = "import sys; sys.exit(sys.version_info < (3, 10))";
    let version = Command::new("python3")
        .args(["-c", version_check])
        .output()
        .await
        .context("python3 is not installed; the local AWS needs Python 3.10 or newer")?;
    succeeded(&version, "python3 is too old; the local AWS needs Python 3.10 or newer")?;
    let created = Command::new("python3").args(["-m", "venv"]).arg(directory).output().await?;
    succeeded(&created, "python3 cannot make a virtual environment (on Debian: apt-get install python3-venv)")
}

fn succeeded(output: &Output, otherwise: &str) -> anyhow::Result<()> {
    if !output.status.success() {
        let said = [output.stdout.as_slice(), &output.stderr].concat();
        bail!("{otherwise}\n{}", String::from_utf8_lossy(&said));
    }
    Ok(())
}

/// Held until the file is dropped, or the process dies.
async fn lock(path: &Path) -> anyhow::Result<File> {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || {
        let file = File::create(path)?;
        file.lock()?;
        Ok(file)
    })
    .await?
}

fn hash(text: &str) -> String {
    Sha256::digest(text).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}
