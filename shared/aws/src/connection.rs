//! The way to AWS: credentials, region, address and patience, found once and shared by every client.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::Credentials;
use secrecy::{ExposeSecret, SecretString};
use sync::ports::StoreError;

use crate::table::Table;
use crate::{
    DynamoActivityLog, DynamoBudget, DynamoCompanies, DynamoImports, DynamoLedger, Queue, SecretsVault,
    SesMail,
};

/// Long enough for a connection anywhere within a region.
const CONNECT: Duration = Duration::from_secs(2);
/// One attempt. DynamoDB and its likes answer in milliseconds, or not at all.
const ATTEMPT: Duration = Duration::from_secs(4);
/// All attempts together: shorter than the shortest function's timeout (20 s in template.yaml).
const OPERATION: Duration = Duration::from_secs(12);
const ATTEMPTS: u32 = 4;
/// The longest wait before the second attempt of somebody in a hurry; it doubles with each further one.
const HURRIED_BACKOFF: Duration = Duration::from_millis(50);

/// An AWS account and region, and the clients for it.
#[derive(Clone, Debug)]
pub struct Aws {
    config: SdkConfig,
    dynamodb: aws_sdk_dynamodb::Client,
    secrets: aws_sdk_secretsmanager::Client,
}

/// A local AWS, which takes any key.
#[derive(Clone, Copy, Debug)]
pub struct Local<'a> {
    /// Its address, such as `http://127.0.0.1:4566`.
    pub endpoint: &'a str,
    /// The region it stands for.
    pub region: &'a str,
    /// An access key it knows.
    pub access_key: &'a str,
    /// What the access key signs with.
    pub secret_key: &'a str,
}

impl Aws {
    /// Takes credentials, region and address (`AWS_ENDPOINT_URL`) from where every AWS tool takes them. Calls
    /// nobody.
    pub async fn load() -> Aws {
        Aws::new(&defaults().load().await)
    }

    /// The same for somebody who has to answer soon: each call gives up after `time`, and what is throttled is tried
    /// again at once or given up.
    pub async fn load_in_a_hurry(time: Duration) -> Aws {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(time / 2)
            .operation_attempt_timeout(time / 2)
            .operation_timeout(time)
            .build();
        let retries =
            RetryConfig::standard().with_max_attempts(ATTEMPTS).with_initial_backoff(HURRIED_BACKOFF);
        Aws::new(&defaults().timeout_config(timeouts).retry_config(retries).load().await)
    }

    /// A local AWS.
    pub async fn local(local: Local<'_>) -> Aws {
        let credentials = Credentials::new(local.access_key, local.secret_key, None, None, "local");
        let config = defaults()
            .endpoint_url(local.endpoint)
            .region(Region::new(local.region.to_owned()))
            .credentials_provider(credentials)
            .load()
            .await;
        Aws::new(&config)
    }

    fn new(config: &SdkConfig) -> Aws {
        Aws {
            config: config.clone(),
            dynamodb: aws_sdk_dynamodb::Client::new(config),
            secrets: aws_sdk_secretsmanager::Client::new(config),
        }
    }

    /// The links in a table.
    pub fn ledger(&self, table: impl Into<String>) -> DynamoLedger {
        DynamoLedger::new(self.table(table))
    }

    /// The companies in a table.
    pub fn companies(&self, table: impl Into<String>) -> DynamoCompanies {
        DynamoCompanies::new(self.table(table))
    }

    /// The budgets in the companies' table.
    pub fn budget(&self, table: impl Into<String>) -> DynamoBudget {
        DynamoBudget::new(self.table(table))
    }

    /// The activity log in a table.
    pub fn activity_log(&self, table: impl Into<String>) -> DynamoActivityLog {
        DynamoActivityLog::new(self.table(table))
    }

    /// The imports in a table.
    pub fn imports(&self, table: impl Into<String>) -> DynamoImports {
        DynamoImports::new(self.table(table))
    }

    /// The token pairs in secrets whose names begin with `prefix`.
    pub fn vault(&self, prefix: impl Into<String>) -> SecretsVault {
        SecretsVault::new(self.secrets.clone(), prefix.into())
    }

    /// The queue at an address.
    pub fn queue(&self, url: impl Into<String>) -> Queue {
        Queue::new(aws_sdk_sqs::Client::new(&self.config), url.into())
    }

    /// E-mail from an address that SES knows as ours.
    pub fn mail(&self, from: impl Into<String>) -> SesMail {
        let config = aws_sdk_sesv2::config::Builder::from(&self.config).retry_config(RetryConfig::disabled());
        SesMail::new(aws_sdk_sesv2::Client::from_conf(config.build()), from.into())
    }

    /// The text of a secret, by its name or ARN.
    pub async fn secret(&self, id: &str) -> Result<SecretString, StoreError> {
        let text = crate::vault::text_of(&self.secrets, id, "reading a secret").await?;
        text.ok_or_else(|| StoreError::new("reading a secret", format!("there is no secret {id}")))
    }

    /// Replaces the text of a secret that exists.
    pub async fn put_secret(&self, id: &str, text: &SecretString) -> Result<(), StoreError> {
        let request = self.secrets.put_secret_value().secret_id(id).secret_string(text.expose_secret());
        request.send().await.map_err(crate::error::failed("writing a secret"))?;
        Ok(())
    }

    /// A stack's outputs by name.
    #[cfg(feature = "operator")]
    pub async fn stack_outputs(&self, stack: &str) -> Result<crate::StackOutputs, StoreError> {
        crate::stack::outputs(&aws_sdk_cloudformation::Client::new(&self.config), stack).await
    }

    fn table(&self, name: impl Into<String>) -> Table {
        Table::new(self.dynamodb.clone(), name.into())
    }
}

fn defaults() -> aws_config::ConfigLoader {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(OPERATION)
        .build();
    aws_config::defaults(BehaviorVersion::latest())
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
}
