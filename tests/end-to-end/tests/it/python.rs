//! Python environments of the tests' own: each is a folder beside this package's Cargo.toml with its
//! `requirements.txt`, and is installed into the target folder when it is missing or out of date.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use anyhow::bail;
use tokio::fs;
use tokio::process::Command;
use tokio::sync::Mutex;

/// One installation at a time.
static INSTALLING: Mutex<()> = Mutex::const_new(());

/// The folder of an environment's programs.
pub(crate) async fn environment(name: &str) -> anyhow::Result<PathBuf> {
    let _one_at_a_time = INSTALLING.lock().await;
    let requirements = file(name, "requirements.txt");
    let wanted = fs::read_to_string(&requirements).await?;
    let environment = target(name);
    let (programs, complete) = (environment.join("bin"), environment.join("complete"));
    if fs::read_to_string(&complete).await.is_ok_and(|installed| installed == wanted) {
        return Ok(programs);
    }
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment)).await?;
    let mut pip = Command::new(programs.join("python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
    run(pip.arg(requirements)).await?;
    fs::write(complete, wanted).await?;
    Ok(programs)
}

/// A file that belongs to an environment.
pub(crate) fn file(environment: &str, name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(environment).join(name)
}

/// A place in the target folder.
pub(crate) fn target(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Runs a program to its end.
pub(crate) async fn run(command: &mut Command) -> anyhow::Result<()> {
    succeeded(&command.stdin(Stdio::null()).kill_on_drop(true).output().await?)
}

/// Everything that a program said, if it has failed.
pub(crate) fn succeeded(output: &Output) -> anyhow::Result<()> {
    if !output.status.success() {
        let said = [output.stdout.as_slice(), &output.stderr].concat();
        bail!("{}", String::from_utf8_lossy(&said));
    }
    Ok(())
}
