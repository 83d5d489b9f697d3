//! The local AWS by itself.

use crate::ministack::{MiniStack, free_port};
use crate::python::Python;
use crate::workspace::Workspace;

/// A local AWS in which nothing is deployed, for tests of what talks to AWS. Dropping it ends it.
pub struct BareAws(MiniStack);

impl BareAws {
    /// Starts it on a free port. The first time on a machine this also installs it.
    pub async fn start() -> anyhow::Result<BareAws> {
        let workspace = Workspace::find().await?;
        let python = Python::ready(&workspace, &|_| ()).await?;
        let temporary = tempfile::Builder::new().prefix("bare-").tempdir_in(workspace.local_stack())?;
        Ok(BareAws(MiniStack::start(&python, temporary, free_port()?, None).await?))
    }

    /// Address of every AWS service, for [`ACCESS_KEY`](crate::ACCESS_KEY) in [`REGION`](crate::REGION).
    pub fn endpoint(&self) -> &str {
        self.0.endpoint()
    }
}
