//! The clients that a function works with, made once.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws::{
    Aws, DynamoActivityLog, DynamoBudget, DynamoCompanies, DynamoImports, DynamoLedger, Queue, SecretsVault,
    SesMail,
};
use jiff::Timestamp;
use secrecy::SecretString;
use sync::ports::{Clock, StoreError};
use sync::push::Ports;
use sync::tokens;
use tokio::sync::OnceCell;
use url::Url;

use crate::billing::BillingApps;
use crate::config::Config;
use crate::connections::Connections;
use crate::intuit::{App, IntuitAt};
use crate::metrics::{CountedActivity, Metrics};

/// How long Intuit and billing apps are waited for. Shorter than the function's own timeout (template.yaml).
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a connection.
    pub connect: Duration,
    /// For a whole call.
    pub total: Duration,
}

/// Everything that is outside, ready for use.
pub struct Services {
    /// Tenants.
    pub companies: DynamoCompanies,
    /// Who is linked with whom.
    pub ledger: DynamoLedger,
    /// What became of each event.
    pub activity: DynamoActivityLog,
    /// Token pairs.
    pub vault: SecretsVault,
    /// The way to each company's QuickBooks.
    pub connections: Connections,
    /// Each company's billing app.
    pub billing: BillingApps,
    pub(crate) metrics: Metrics,
    counted: CountedActivity,
    function: String,
    aws: Aws,
    app: Arc<App>,
}

impl Services {
    /// Makes the clients. Calls nobody. Fails if the HTTP client cannot be made.
    pub async fn new(config: &Config, patience: Patience) -> Result<Services, reqwest::Error> {
        let aws = Aws::load().await;
        let http = quickbooks::http_client(patience.connect, patience.total)?;
        let app = App::new(aws.clone(), http, config.endpoints.clone(), config.intuit_app_secret.clone());
        let app = Arc::new(app);
        let companies = aws.companies(&config.companies_table);
        let vault = aws.vault(&config.company_secret_prefix);
        let metrics = Metrics::default();
        let activity = aws.activity_log(&config.activity_table);
        let clients = Arc::clone(&app);
        let connections = Connections::new(
            Arc::new(companies.clone()),
            Arc::new(companies.clone()),
            Arc::new(vault.clone()),
            Arc::clone(&app) as _,
            Arc::new(aws.budget(&config.companies_table)),
            Arc::new(SystemClock),
            Box::new(move |books, token| clients.client(&books.realm, token)),
        )
        .counted_in(metrics.clone());
        let billing = BillingApps::new(
            Arc::new(companies.clone()),
            Arc::new(vault.clone()),
            Arc::new(SystemClock),
            transport::http_client_within(config.billing_reach, patience.connect, patience.total)?,
            config.billing_reach,
        );
        Ok(Services {
            billing,
            ledger: aws.ledger(&config.links_table),
            counted: CountedActivity { log: activity.clone(), metrics: metrics.clone() },
            activity,
            metrics,
            function: config.function.clone(),
            companies,
            vault,
            connections,
            aws,
            app,
        })
    }

    /// What a push or a pull works with.
    pub fn ports<'a>(&'a self, connections: &'a Connections) -> Ports<'a> {
        Ports {
            companies: &self.companies,
            ledger: &self.ledger,
            activity: &self.counted,
            billing: &self.billing,
            connector: connections,
            clock: &SystemClock,
        }
    }

    /// Tells CloudWatch what was done since the last time. To be called when an invoke has done its work.
    pub fn report(&self) {
        self.metrics.report(&self.function, SystemClock.now());
    }

    /// What refreshing tokens works with.
    pub fn token_ports(&self) -> tokens::Ports<'_> {
        tokens::Ports {
            companies: &self.companies,
            standings: &self.companies,
            vault: &self.vault,
            server: &*self.app,
            clock: &SystemClock,
        }
    }

    /// E-mail from an address that SES knows as ours.
    pub fn mail(&self, from: &str) -> SesMail {
        self.aws.mail(from)
    }

    /// Intuit, with the address that people come back to.
    pub fn intuit(&self, redirect_uri: Url) -> IntuitAt {
        IntuitAt::new(Arc::clone(&self.app), redirect_uri)
    }

    /// The queue at an address.
    pub fn queue(&self, url: &str) -> Queue {
        self.aws.queue(url)
    }

    /// The imports in a table.
    pub fn imports(&self, table: &str) -> DynamoImports {
        self.aws.imports(table)
    }

    /// What each realm's calls have cost.
    pub fn budget(&self, config: &Config) -> DynamoBudget {
        self.aws.budget(&config.companies_table)
    }

    /// A secret, read when it is first asked for.
    pub fn secret(&self, id: impl Into<String>) -> Secret {
        Secret { aws: self.aws.clone(), id: id.into(), text: OnceCell::new() }
    }
}

/// A secret that is read once, when it is needed.
pub struct Secret {
    aws: Aws,
    id: String,
    text: OnceCell<SecretString>,
}

impl Secret {
    /// Its text. A failure is not kept: the next caller tries again.
    pub async fn text(&self) -> Result<&SecretString, StoreError> {
        self.text.get_or_try_init(|| self.aws.secret(&self.id)).await
    }
}

/// The machine's clock.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everybody else asks")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
