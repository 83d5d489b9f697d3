//! Counterpart and what it works with, a QuickBooks and an Invoice Ninja, running together.

use std::path::PathBuf;
use std::sync::Arc;

use admin::{Admin, Deployment};
use anyhow::Context;
use aws::{Aws, Local};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::config::Credentials;
use invoice_ninja_simulator::server::Simulator as InvoiceNinja;
use quickbooks_simulator::server::{self, App, Limits, Simulator, Switches, WebhookSettings};
use serde_json::json;

use crate::pairs;
use crate::stack::{ACCESS_KEY, MAIL_FROM, REGION, SECRET_KEY, STACK_NAME, Stack, StackOptions};

/// What a bundle is started with.
pub struct BundleOptions {
    /// Where both sides' state and the addresses are kept from run to run. `None` forgets them.
    pub data_dir: Option<PathBuf>,
    /// Port of the HTTP API on 127.0.0.1. `None` takes last time's, or else a free one.
    pub api_port: Option<u16>,
    /// Port of the QuickBooks simulator on 127.0.0.1; 0 for a free one.
    pub simulator_port: u16,
    /// Port of the Invoice Ninja simulator on 127.0.0.1; 0 for a free one.
    pub invoice_ninja_port: u16,
    /// The QuickBooks simulator's request limits.
    pub limits: Limits,
    /// Told, in a sentence, what is being done.
    pub progress: Arc<dyn Fn(&str) + Send + Sync>,
}

impl Default for BundleOptions {
    /// A bundle that forgets, on free ports, without request limits, and tells nothing.
    fn default() -> BundleOptions {
        BundleOptions {
            data_dir: None,
            api_port: None,
            simulator_port: 0,
            invoice_ninja_port: 0,
            limits: Limits::NONE,
            progress: Arc::new(|_| ()),
        }
    }
}

/// The running bundle. Dropping it ends everything at once; [`Bundle::stop`] does it in order, and saves the state.
pub struct Bundle {
    /// QuickBooks.
    pub simulator: Simulator,
    /// Invoice Ninja, with a company for each of the [`pairs`](crate::pairs).
    pub invoice_ninja: InvoiceNinja,
    /// The simulator's landscaping company.
    pub realm: String,
    /// Counterpart.
    pub stack: Stack,
    /// The local AWS, for its administrator.
    pub aws: Aws,
    /// Counterpart's operator.
    pub operator: Admin,
    pub(crate) sqs: aws_sdk_sqs::Client,
}

impl Bundle {
    /// Starts both sides and gives Counterpart the app's keys. `Err` says what is missing or what failed.
    pub async fn start(options: BundleOptions) -> anyhow::Result<Bundle> {
        if let Some(directory) = &options.data_dir {
            std::fs::create_dir_all(directory).with_context(|| format!("{}", directory.display()))?;
        }
        let app = App::default();
        let keys = json!({
            "client_id": app.client_id,
            "client_secret": app.client_secret,
            "verifier_token": WebhookSettings::default().verifier_token,
        });
        let defaults = server::Options::default();
        let (_, realm) = defaults.companies.first().cloned().context("the simulator has no company")?;
        let simulator = server::start(server::Options {
            port: options.simulator_port,
            state_file: options.data_dir.as_ref().map(|directory| directory.join("quickbooks.json")),
            app,
            switches: Switches { limits: options.limits, ..Switches::default() },
            ..defaults
        })
        .await
        .context("the QuickBooks simulator does not start")?;
        let invoice_ninja =
            invoice_ninja_simulator::server::start(invoice_ninja_simulator::server::Options {
                port: options.invoice_ninja_port,
                companies: pairs::invoice_ninja_companies(),
                state_file: options.data_dir.as_ref().map(|directory| directory.join("invoice-ninja.json")),
            })
            .await
            .context("the Invoice Ninja simulator does not start")?;
        let progress = Arc::clone(&options.progress);
        let stack = Stack::start(StackOptions {
            data_dir: options.data_dir,
            api_port: options.api_port,
            progress: Box::new(move |what| progress(what)),
            ..StackOptions::new(simulator.url())
        })
        .await?;
        let aws = administrator(&stack).await;
        aws.put_secret(stack.output("IntuitAppSecret")?, &keys.to_string().into()).await?;
        simulator.set_webhooks(WebhookSettings {
            target: Some(stack.output("WebhookUrl")?.to_owned()),
            ..WebhookSettings::default()
        });
        let operator = Admin::new(&aws, &Deployment::of_stack(&aws, STACK_NAME).await?);
        let config = config(&stack).await;
        let sqs = aws_sdk_sqs::Client::new(&config);
        verify_sender(&aws_sdk_sesv2::Client::new(&config)).await?;
        Ok(Bundle { simulator, invoice_ninja, realm, stack, aws, operator, sqs })
    }

    /// Ends both sides in order, and saves what is to be kept.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.stack.stop().await?;
        self.invoice_ninja.stop().await.context("the Invoice Ninja simulator could not save its state")?;
        self.simulator.stop().await.context("the QuickBooks simulator could not save its state")
    }
}

async fn administrator(stack: &Stack) -> Aws {
    Aws::local(Local {
        endpoint: stack.aws_endpoint(),
        region: REGION,
        access_key: ACCESS_KEY,
        secret_key: SECRET_KEY,
    })
    .await
}

async fn config(stack: &Stack) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(stack.aws_endpoint())
        .region(Region::new(REGION))
        .credentials_provider(Credentials::new(ACCESS_KEY, SECRET_KEY, None, None, "local"))
        .load()
        .await
}

/// What an operator does once: SES sends from no address that nobody has verified.
async fn verify_sender(ses: &aws_sdk_sesv2::Client) -> anyhow::Result<()> {
    let known = ses.get_email_identity().email_identity(MAIL_FROM).send().await.is_ok();
    if !known {
        let request = ses.create_email_identity().email_identity(MAIL_FROM);
        request.send().await.context("the sender of e-mails cannot be verified")?;
    }
    Ok(())
}
