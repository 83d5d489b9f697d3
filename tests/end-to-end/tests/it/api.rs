//! The deployed API against its description (`infra/openapi.json`): schemathesis, from PyPI, sends what the description
//! allows and what it does not, and judges each answer by it.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use secrecy::ExposeSecret;
use sync::outcome::DoneAction;
use tokio::process::Command;

use crate::python;
use crate::records::client;
use crate::world::{World, tests};

tests![the_api_is_as_it_is_described];

async fn the_api_is_as_it_is_described(world: Arc<World>) -> anyhow::Result<()> {
    let schemathesis = python::environment("api").await?.join("schemathesis");
    let tenant = world.tenant("described").await?;
    tenant.must(DoneAction::Created, tenant.event("client.created", &client("0", "Described Ltd"))).await?;
    let key = tenant.bundle.operator.create_api_key(&tenant.id).await?;
    let output = Command::new(schemathesis)
        .arg("--config-file")
        .arg(python::file("api", "schemathesis.toml"))
        .arg("run")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/openapi.json"))
        .args(["--url", tenant.bundle.stack.api_url()])
        // They would lock the test itself out.
        .args(["--exclude-operation-id", "rotateApiKey", "--exclude-operation-id", "revokeApiKey"])
        .env("PYTHONPATH", python::file("api", ""))
        .env("COUNTERPART_COMPANY", tenant.id.as_str())
        .env("COUNTERPART_API_KEY", key.expose_secret())
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await?;
    python::succeeded(&output)
}
