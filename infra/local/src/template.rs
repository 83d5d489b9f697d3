//! `template.yaml`: which functions it has, and its deployment to the local AWS.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::bail;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt;

use crate::python::Python;

/// A function of the template.
#[derive(Deserialize)]
pub(crate) struct Function {
    /// Its logical id.
    pub(crate) id: String,
    /// The cargo binary it runs.
    pub(crate) binary: String,
}

/// What a deployment needs beside the template.
#[derive(Serialize)]
pub(crate) struct Deployment {
    /// Address of the local AWS.
    pub(crate) endpoint: String,
    pub(crate) region: &'static str,
    pub(crate) access_key: &'static str,
    pub(crate) secret_key: &'static str,
    /// The template's parameters; those not given keep their defaults.
    pub(crate) parameters: HashMap<&'static str, String>,
    /// Each function's executable, by logical id.
    pub(crate) executables: HashMap<String, PathBuf>,
}

/// The functions `template` describes.
pub(crate) async fn functions(python: &Python, template: &Path) -> anyhow::Result<Vec<Function>> {
    let output = python.script("template.py").arg("functions").arg(template).output().await?;
    if !output.status.success() {
        bail!("{} cannot be read:\n{}", template.display(), String::from_utf8_lossy(&output.stderr));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Creates or updates the stack and returns its outputs. `Err` holds the reason of each resource that failed.
pub(crate) async fn deploy(
    python: &Python,
    template: &Path,
    stack: &str,
    deployment: &Deployment,
) -> anyhow::Result<HashMap<String, String>> {
    let mut process = python
        .script("template.py")
        .arg("deploy")
        .arg(template)
        .arg(stack)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = process.stdin.take() {
        stdin.write_all(&serde_json::to_vec(deployment)?).await?;
    }
    let output = process.wait_with_output().await?;
    if !output.status.success() {
        bail!("the deployment failed:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
