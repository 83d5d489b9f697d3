//! Where a deployed Counterpart keeps its things.

use anyhow::Context;
use aws::{Aws, StackOutputs};

/// The names that the commands need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// DynamoDB table of companies.
    pub companies_table: String,
    /// DynamoDB table of the links.
    pub links_table: String,
    /// DynamoDB table of the activity log.
    pub activity_table: String,
    /// Address of the push queue.
    pub push_queue_url: String,
    /// What the names of the companies' secrets begin with.
    pub company_secret_prefix: String,
    /// Address of the pull queue.
    pub pull_queue_url: String,
    /// DynamoDB table of imports.
    pub imports_table: String,
    /// Address of the imports' queue.
    pub import_queue_url: String,
    /// Secret that signs connect links.
    pub signing_key_secret: String,
    /// Address under which people reach the API, without a slash at the end.
    pub public_url: String,
}

impl Deployment {
    /// Reads the outputs of the CloudFormation stack.
    pub async fn of_stack(aws: &Aws, stack: &str) -> anyhow::Result<Deployment> {
        Deployment::from_outputs(&aws.stack_outputs(stack).await?)
    }

    /// Takes the names from the outputs of template.yaml.
    pub fn from_outputs(outputs: &StackOutputs) -> anyhow::Result<Deployment> {
        let output = |name: &str| {
            outputs.get(name).cloned().with_context(|| format!("the stack has no output {name}"))
        };
        let redirect_uri = output("RedirectUri")?;
        let public_url = redirect_uri.strip_suffix("/oauth/callback");
        Ok(Deployment {
            companies_table: output("CompaniesTable")?,
            links_table: output("LinksTable")?,
            activity_table: output("ActivityTable")?,
            push_queue_url: output("PushQueueUrl")?,
            company_secret_prefix: output("CompanySecretPrefix")?,
            pull_queue_url: output("PullQueueUrl")?,
            imports_table: output("ImportsTable")?,
            import_queue_url: output("ImportQueueUrl")?,
            signing_key_secret: output("SigningKeySecret")?,
            public_url: public_url
                .context("the stack's RedirectUri does not end with /oauth/callback")?
                .to_owned(),
        })
    }
}
