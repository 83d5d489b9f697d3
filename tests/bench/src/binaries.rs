//! The functions' binaries: which there are, and building them.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde::Deserialize;
use tokio::process::Command;

/// What template.yaml deploys.
pub(crate) struct Template {
    /// The binary of each function.
    pub(crate) binaries: Vec<String>,
    /// Every environment variable that any of them gets.
    pub(crate) variables: Vec<String>,
}

/// One line of cargo's JSON output; others lack the member.
#[derive(Deserialize)]
struct Built {
    executable: Option<PathBuf>,
}

impl Template {
    /// Reads this workspace's template, as far as it goes without its structure.
    pub(crate) fn read() -> anyhow::Result<Template> {
        let path = workspace().join("template.yaml");
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        Ok(Template::of(&text))
    }

    fn of(text: &str) -> Template {
        let members = text.lines().filter_map(|line| line.trim().split_once(':'));
        let is_variable =
            |name: &str| name.contains('_') && name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
        let mut template = Template { binaries: Vec::new(), variables: Vec::new() };
        for (name, value) in members {
            if name == "Binary" {
                template.binaries.push(value.trim().to_owned());
            } else if is_variable(name) {
                template.variables.push(name.to_owned());
            }
        }
        template
    }
}

/// Builds binaries with a profile of cargo's and says where each is, in their order.
///
/// Apart from this program and from the bare function, whose needs would come into theirs: cargo builds a library once
/// for all that it builds together.
pub(crate) async fn built(profile: &str, binaries: &[String]) -> anyhow::Result<Vec<PathBuf>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(workspace()).args([
        "build",
        "--profile",
        profile,
        "--message-format",
        "json-render-diagnostics",
    ]);
    for binary in binaries {
        command.args(["--bin", binary]);
    }
    let output = command.stderr(std::process::Stdio::inherit()).output().await?;
    ensure!(output.status.success(), "the functions do not build");
    let executables: Vec<PathBuf> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Built>(line).ok()?.executable)
        .collect();
    let path = |binary: &String| {
        let found = executables.iter().find(|path| path.ends_with(binary)).cloned();
        found.with_context(|| format!("the workspace does not build {binary}"))
    };
    binaries.iter().map(path).collect()
}

/// Builds the bare function and says where it is.
pub(crate) async fn bare(profile: &str) -> anyhow::Result<PathBuf> {
    built(profile, &["bare".to_owned()]).await?.pop().context("nothing was built")
}

pub(crate) fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_names_its_binaries_and_variables() {
        let template = Template::of(
            "Parameters:\n  LogLevel:\n    AllowedValues: [INFO]\nX:\n  Binary: one\n  Variables:\n    A_TABLE: !Ref A\n  Binary: two\n",
        );
        assert_eq!(template.binaries, ["one", "two"]);
        assert_eq!(template.variables, ["A_TABLE"]);
        let real = Template::read().unwrap();
        assert!(real.binaries.contains(&"webhook-ingest".to_owned()));
        assert!(real.variables.contains(&"PULL_QUEUE_URL".to_owned()));
    }
}
