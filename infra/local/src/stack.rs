//! The bundle, deployed and running.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use serde::{Deserialize, Serialize};

use crate::ministack::{MiniStack, free_port};
use crate::proxy::{Listener, Proxy};
use crate::python::Python;
use crate::template::{self, Deployment, Function};
use crate::workspace::Workspace;

/// The local AWS's region.
pub const REGION: &str = "us-east-1";
/// The local AWS's administrator: an access key that may do everything.
pub const ACCESS_KEY: &str = "test";
/// What [`ACCESS_KEY`] signs with.
pub const SECRET_KEY: &str = "test";

/// Where e-mails to companies come from. SES takes it once it is verified.
pub const MAIL_FROM: &str = "counterpart@example.com";

/// Name of the CloudFormation stack.
pub const STACK_NAME: &str = "counterpart";

/// What a stack is started with.
pub struct StackOptions {
    /// Address of the QuickBooks simulator, without a slash at the end. It stands for all of Intuit.
    pub intuit_url: String,
    /// Where AWS's state (tables, secrets, queues) and the addresses are kept from run to run. `None` forgets them.
    pub data_dir: Option<PathBuf>,
    /// Port of the HTTP API on 127.0.0.1. `None` takes last time's if `data_dir` has it, or else a free one.
    pub api_port: Option<u16>,
    /// Told, in a sentence, what is being done.
    pub progress: Box<dyn Fn(&str) + Send + Sync>,
}

impl StackOptions {
    /// A stack that forgets, on free ports, and tells nothing.
    pub fn new(intuit_url: impl Into<String>) -> Self {
        Self { intuit_url: intuit_url.into(), data_dir: None, api_port: None, progress: Box::new(|_| ()) }
    }
}

/// The running bundle. Dropping it ends everything at once; [`Stack::stop`] does it in order, and saves the state.
pub struct Stack {
    ministack: MiniStack,
    proxy: Proxy,
    outputs: HashMap<String, String>,
    /// Keeps a second stack off the same data directory.
    _data_lock: Option<File>,
}

/// The ports of a kept stack: queue addresses hold one, and the redirect URI people registered the other.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Ports {
    aws: u16,
    api: u16,
}

impl Stack {
    /// Builds the functions, starts the local AWS and deploys the template. The first time on a machine this also
    /// installs the local AWS. `Err` says what is missing or what failed.
    pub async fn start(options: StackOptions) -> anyhow::Result<Self> {
        let progress = &options.progress;
        let workspace = Workspace::find().await?;
        let python = Python::ready(&workspace, progress).await?;

        progress("Building the functions");
        let functions = template::functions(&python, &workspace.template()).await?;
        let executables = build(&workspace, &functions).await?;

        progress("Starting the local AWS");
        let data_lock = options.data_dir.as_deref().map(take).transpose()?;
        let kept = options.data_dir.as_deref().map(kept_ports).transpose()?.flatten();
        let listener = Listener::bind(options.api_port.or(kept.map(|ports| ports.api)).unwrap_or(0)).await?;
        let aws_port = kept.map_or_else(free_port, |ports| Ok(ports.aws))?;
        let temporary = tempfile::Builder::new().prefix("run-").tempdir_in(workspace.local_stack())?;
        let state = options.data_dir.as_deref().map(state_directory);
        let ministack = MiniStack::start(&python, temporary, aws_port, state.as_deref()).await?;

        progress("Deploying template.yaml");
        let deployment = Deployment {
            endpoint: ministack.endpoint().to_owned(),
            region: REGION,
            access_key: ACCESS_KEY,
            secret_key: SECRET_KEY,
            parameters: parameters(&options.intuit_url, listener.url(), ministack.endpoint()),
            executables,
        };
        let outputs = template::deploy(&python, &workspace.template(), STACK_NAME, &deployment).await?;
        if let Some(directory) = &options.data_dir {
            keep_ports(directory, Ports { aws: aws_port, api: listener.port()? })?;
        }
        let api_id = outputs.get("ApiId").context("template.yaml has no output ApiId")?;
        let proxy = listener.forward(ministack.endpoint(), api_id)?;
        Ok(Self { ministack, proxy, outputs, _data_lock: data_lock })
    }

    /// Address of the HTTP API, without a slash at the end. It is also the template's `PublicUrl`.
    pub fn api_url(&self) -> &str {
        self.proxy.url()
    }

    /// Address of every AWS service, for [`ACCESS_KEY`] in [`REGION`].
    pub fn aws_endpoint(&self) -> &str {
        self.ministack.endpoint()
    }

    /// An output of the template, such as `PushQueueUrl`.
    pub fn output(&self, name: &str) -> anyhow::Result<&str> {
        self.outputs
            .get(name)
            .map(String::as_str)
            .ok_or_else(|| anyhow!("template.yaml has no output {name}"))
    }

    /// The logical ids of all functions, as the template's outputs have them.
    pub fn functions(&self) -> Vec<&str> {
        let mut functions: Vec<&str> =
            self.outputs.keys().map(String::as_str).filter(|name| name.ends_with("Function")).collect();
        functions.sort_unstable();
        functions
    }

    /// What a function has printed since it was first called. `function` is its logical id in the template, which
    /// the template's outputs hold as well.
    pub fn function_log(&self, function: &str) -> anyhow::Result<String> {
        self.ministack.function_log(self.output(function)?)
    }

    /// What the local AWS itself has printed, for finding out why it did something.
    pub fn aws_log(&self) -> anyhow::Result<String> {
        self.ministack.log()
    }

    /// Ends everything in order and, with a data directory, saves the state.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.ministack.stop().await
    }
}

async fn build(workspace: &Workspace, functions: &[Function]) -> anyhow::Result<HashMap<String, PathBuf>> {
    let binaries: Vec<String> = functions.iter().map(|function| function.binary.clone()).collect();
    let mut executables = workspace.build(&binaries).await?;
    let of_function = functions.iter().filter_map(|function| {
        let executable = executables.remove(&function.binary)?;
        Some((function.id.clone(), executable))
    });
    Ok(of_function.collect())
}

fn parameters(intuit: &str, public: &str, aws: &str) -> HashMap<&'static str, String> {
    HashMap::from([
        ("PublicUrl", public.to_owned()),
        ("QuickBooksApiUrl", intuit.to_owned()),
        ("IntuitAuthorizeUrl", format!("{intuit}/connect/oauth2")),
        ("IntuitTokenUrl", format!("{intuit}/oauth2/v1/tokens/bearer")),
        ("IntuitRevokeUrl", format!("{intuit}/v2/oauth2/tokens/revoke")),
        ("AwsEndpointUrl", aws.to_owned()),
        ("BillingPrivateAddresses", "true".to_owned()),
        ("MailFrom", MAIL_FROM.to_owned()),
    ])
}

/// Two stacks would overwrite each other's state.
fn take(directory: &Path) -> anyhow::Result<File> {
    std::fs::create_dir_all(state_directory(directory))?;
    let lock = File::create(directory.join("lock"))?;
    lock.try_lock().with_context(|| format!("another stack keeps its state in {}", directory.display()))?;
    Ok(lock)
}

fn state_directory(data: &Path) -> PathBuf {
    data.join("aws")
}

fn ports_file(data: &Path) -> PathBuf {
    data.join("ports.json")
}

fn kept_ports(data: &Path) -> anyhow::Result<Option<Ports>> {
    match std::fs::read(ports_file(data)) {
        Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn keep_ports(data: &Path, ports: Ports) -> anyhow::Result<()> {
    std::fs::write(ports_file(data), serde_json::to_vec(&ports)?).context("the ports cannot be kept")
}
