//! The cargo workspace this package belongs to: where it is, and its functions' executables.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, bail};
use serde::Deserialize;
use tokio::process::Command;

/// Where the sources and the build's results are.
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) target: PathBuf,
}

#[derive(Deserialize)]
struct Metadata {
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

/// One line of cargo's JSON output; other lines lack the members and are passed over.
#[derive(Deserialize)]
struct Built {
    executable: Option<PathBuf>,
}

impl Workspace {
    /// Asks cargo, so that CARGO_TARGET_DIR and cargo's configuration are honoured.
    pub(crate) async fn find() -> anyhow::Result<Self> {
        let output = cargo(Path::new(env!("CARGO_MANIFEST_DIR")))
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .output()
            .await
            .context("cargo could not be started")?;
        if !output.status.success() {
            bail!("cargo metadata failed:\n{}", String::from_utf8_lossy(&output.stderr));
        }
        let metadata: Metadata = serde_json::from_slice(&output.stdout)?;
        Ok(Self { root: metadata.workspace_root, target: metadata.target_directory })
    }

    /// Where this package keeps what it installs and writes.
    pub(crate) fn local_stack(&self) -> PathBuf {
        self.target.join("local-stack")
    }

    /// The bundle's description of its AWS resources.
    pub(crate) fn template(&self) -> PathBuf {
        self.root.join("template.yaml")
    }

    /// Builds the named binaries in the dev profile and says where each one is.
    pub(crate) async fn build(&self, binaries: &[String]) -> anyhow::Result<HashMap<String, PathBuf>> {
        let mut command = cargo(&self.root);
        command.args(["build", "--message-format", "json-render-diagnostics"]);
        for binary in binaries {
            command.args(["--bin", binary]);
        }
        // A person wants to see it compile; a test's output is only wanted when it fails.
        let terminal = std::io::stderr().is_terminal();
        let stderr = if terminal { Stdio::inherit() } else { Stdio::piped() };
        let output = command.stdout(Stdio::piped()).stderr(stderr).spawn()?.wait_with_output().await?;
        if !output.status.success() {
            bail!("the functions do not build:\n{}", String::from_utf8_lossy(&output.stderr));
        }
        let executables = executables(&output.stdout);
        for binary in binaries {
            if !executables.contains_key(binary) {
                bail!("template.yaml names the binary {binary}, which the workspace does not build");
            }
        }
        Ok(executables)
    }
}

fn executables(cargo_output: &[u8]) -> HashMap<String, PathBuf> {
    String::from_utf8_lossy(cargo_output)
        .lines()
        .filter_map(|line| serde_json::from_str::<Built>(line).ok()?.executable)
        .filter_map(|path| Some((path.file_stem()?.to_str()?.to_owned(), path)))
        .collect()
}

fn cargo(directory: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(directory).stdin(Stdio::null()).kill_on_drop(true);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executables_are_found_by_name_in_cargos_output() {
        let output = br#"{"reason":"compiler-artifact","target":{"name":"sync"},"executable":null}
{"reason":"compiler-artifact","executable":"/t/debug/push-processor"}
{"reason":"build-finished","success":true}"#;
        let found = executables(output);
        assert_eq!(found.len(), 1);
        assert_eq!(found["push-processor"], Path::new("/t/debug/push-processor"));
    }
}
