//! The environment variables: every one has its name, meaning and form here, and is read here only.

use std::fmt;

use quickbooks::Endpoints;
use transport::Reach;
use url::Url;

/// DynamoDB table of companies.
pub const COMPANIES_TABLE: &str = "COMPANIES_TABLE";
/// DynamoDB table of links.
pub const LINKS_TABLE: &str = "LINKS_TABLE";
/// DynamoDB table of the activity log.
pub const ACTIVITY_TABLE: &str = "ACTIVITY_TABLE";
/// What the names of the companies' token secrets begin with.
pub const COMPANY_SECRET_PREFIX: &str = "COMPANY_SECRET_PREFIX";
/// Secret with the Intuit app's keys: JSON with `client_id`, `client_secret`, `verifier_token` and, while that is being
/// replaced, `previous_verifier_token`.
pub const INTUIT_APP_SECRET: &str = "INTUIT_APP_SECRET";
/// Address of the accounting API.
pub const QUICKBOOKS_API_URL: &str = "QUICKBOOKS_API_URL";
/// Where a person consents.
pub const INTUIT_AUTHORIZE_URL: &str = "INTUIT_AUTHORIZE_URL";
/// Where codes and refresh tokens are traded.
pub const INTUIT_TOKEN_URL: &str = "INTUIT_TOKEN_URL";
/// Where tokens are given up.
pub const INTUIT_REVOKE_URL: &str = "INTUIT_REVOKE_URL";
/// Whether billing apps may be at private addresses: `true` on one machine only. `false` if it is not set.
pub const BILLING_PRIVATE_ADDRESSES: &str = "BILLING_PRIVATE_ADDRESSES";
/// The function's name, which Lambda tells.
pub const AWS_LAMBDA_FUNCTION_NAME: &str = "AWS_LAMBDA_FUNCTION_NAME";
/// What is logged, as `tracing` filters say it. `INFO` if it is not set.
pub const RUST_LOG: &str = "RUST_LOG";
/// oauth-callback and token-refresh: secret that signs links and states, at least 32 bytes.
pub const SIGNING_KEY_SECRET: &str = "SIGNING_KEY_SECRET";
/// oauth-callback and token-refresh: address under which people reach the API. Empty, oauth-callback takes it from the
/// request.
pub const PUBLIC_URL: &str = "PUBLIC_URL";
/// push-processor, push-now and billing-ingest: address of the push queue.
pub const PUSH_QUEUE_URL: &str = "PUSH_QUEUE_URL";
/// console: where QuickBooks shows its records to people. Intuit's own if it is not set.
pub const QUICKBOOKS_APP_URL: &str = "QUICKBOOKS_APP_URL";
/// console: page of the billing app from which people open the console. Empty if there is none.
pub const BILLING_SETTINGS_URL: &str = "BILLING_SETTINGS_URL";
/// token-refresh: address that e-mails come from. Empty sends none.
pub const MAIL_FROM: &str = "MAIL_FROM";
/// webhook-ingest, oauth-callback and console: address of the pull queue.
pub const PULL_QUEUE_URL: &str = "PULL_QUEUE_URL";

/// importer: DynamoDB table of imports.
pub const IMPORTS_TABLE: &str = "IMPORTS_TABLE";
/// importer: address of the imports' queue.
pub const IMPORT_QUEUE_URL: &str = "IMPORT_QUEUE_URL";

/// Where variables come from.
pub trait Variables {
    /// The value of a variable, if it is set.
    fn get(&self, name: &str) -> Option<String>;
}

/// The process's environment.
#[derive(Clone, Copy, Debug)]
pub struct Environment;

impl Variables for Environment {
    fn get(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}

impl<const N: usize> Variables for [(&str, &str); N] {
    fn get(&self, name: &str) -> Option<String> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    }
}

/// What most functions need.
#[derive(Clone, Debug)]
pub struct Config {
    /// Name of the companies' table.
    pub companies_table: String,
    /// Name of the links' table.
    pub links_table: String,
    /// Name of the activity log's table.
    pub activity_table: String,
    /// What the names of the companies' secrets begin with.
    pub company_secret_prefix: String,
    /// Name or ARN of the secret with the app's keys.
    pub intuit_app_secret: String,
    /// Where Intuit is.
    pub endpoints: Endpoints,
    /// Where billing apps may be.
    pub billing_reach: Reach,
    /// The function's name, for its metrics. Empty where nobody tells it.
    pub function: String,
}

/// What oauth-callback needs.
#[derive(Clone, Debug)]
pub struct OauthConfig {
    /// What most functions need.
    pub shared: Config,
    /// Name or ARN of the secret that signs links and states.
    pub signing_key_secret: String,
    /// Address of the push queue, where what waited for the connection goes.
    pub push_queue_url: String,
    /// Address of the pull queue, where what waited for the connection goes.
    pub pull_queue_url: String,
    /// Address under which people reach the API, if it is not the one in the request.
    pub public_url: Option<Url>,
}

/// What console needs.
#[derive(Clone, Debug)]
pub struct ConsoleConfig {
    /// What most functions need.
    pub shared: Config,
    /// Name or ARN of the secret that signs links and sessions.
    pub signing_key_secret: String,
    /// Address of the push queue, where events go that are tried again.
    pub push_queue_url: String,
    /// Address of the pull queue, for the same.
    pub pull_queue_url: String,
    /// Name of the imports' table.
    pub imports_table: String,
    /// Address of the imports' queue.
    pub import_queue_url: String,
    /// Address under which people reach the API, if it is not the one in the request.
    pub public_url: Option<Url>,
    /// Where QuickBooks shows its records to people.
    pub quickbooks_app_url: Url,
    /// Page of the billing app from which people open the console, if there is one.
    pub billing_settings_url: Option<Url>,
}

/// What token-refresh needs.
#[derive(Clone, Debug)]
pub struct TokenRefreshConfig {
    /// What most functions need.
    pub shared: Config,
    /// Name or ARN of the secret that signs links.
    pub signing_key_secret: String,
    /// Address under which people reach the API.
    pub public_url: Url,
    /// Address that e-mails come from, if any are sent.
    pub mail_from: Option<String>,
}

/// What push-processor, push-now and billing-ingest need.
#[derive(Clone, Debug)]
pub struct PushConfig {
    /// What most functions need.
    pub shared: Config,
    /// Address of the push queue.
    pub push_queue_url: String,
}

/// What pull-processor and reconciler need.
#[derive(Clone, Debug)]
pub struct PullConfig {
    /// What most functions need.
    pub shared: Config,
    /// Address of the pull queue.
    pub pull_queue_url: String,
}

/// What importer needs.
#[derive(Clone, Debug)]
pub struct ImportConfig {
    /// What most functions need.
    pub shared: Config,
    /// Name of the imports' table.
    pub imports_table: String,
    /// Address of the imports' queue.
    pub import_queue_url: String,
}

/// What webhook-ingest needs: no more, since it has to answer soon.
#[derive(Clone, Debug)]
pub struct WebhookConfig {
    /// Name of the companies' table.
    pub companies_table: String,
    /// Name or ARN of the secret with the app's keys.
    pub intuit_app_secret: String,
    /// Address of the pull queue.
    pub pull_queue_url: String,
}

/// Everything that is wrong with the variables, one line for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(Vec<String>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration is wrong: {}", self.0.join("; "))
    }
}

impl std::error::Error for ConfigError {}

impl OauthConfig {
    /// Reads all of it, or says everything that is wrong.
    pub fn read(variables: &dyn Variables) -> Result<OauthConfig, ConfigError> {
        let mut reader = Reader { variables, problems: Vec::new() };
        let shared = reader.shared();
        let signing_key_secret = reader.text(SIGNING_KEY_SECRET);
        let queues = [PUSH_QUEUE_URL, PULL_QUEUE_URL].map(|name| reader.text(name));
        let public_url = reader.optional_url(PUBLIC_URL);
        let (Some(shared), Some(signing_key_secret), [Some(push_queue_url), Some(pull_queue_url)], true) =
            (shared, signing_key_secret, queues, reader.problems.is_empty())
        else {
            return Err(ConfigError(reader.problems));
        };
        Ok(OauthConfig { shared, signing_key_secret, push_queue_url, pull_queue_url, public_url })
    }
}

impl TokenRefreshConfig {
    /// Reads all of it, or says everything that is wrong.
    pub fn read(variables: &dyn Variables) -> Result<TokenRefreshConfig, ConfigError> {
        let mut reader = Reader { variables, problems: Vec::new() };
        let shared = reader.shared();
        let (signing_key_secret, public_url) = (reader.text(SIGNING_KEY_SECRET), reader.url(PUBLIC_URL));
        let (Some(shared), Some(signing_key_secret), Some(public_url)) =
            (shared, signing_key_secret, public_url)
        else {
            return Err(ConfigError(reader.problems));
        };
        let mail_from = variables.get(MAIL_FROM).filter(|value| !value.trim().is_empty());
        Ok(TokenRefreshConfig { shared, signing_key_secret, public_url, mail_from })
    }
}

impl ConsoleConfig {
    /// Reads all of it, or says everything that is wrong.
    pub fn read(variables: &dyn Variables) -> Result<ConsoleConfig, ConfigError> {
        let mut reader = Reader { variables, problems: Vec::new() };
        let shared = reader.shared();
        let texts = [SIGNING_KEY_SECRET, PUSH_QUEUE_URL, PULL_QUEUE_URL, IMPORTS_TABLE, IMPORT_QUEUE_URL]
            .map(|name| reader.text(name));
        let public_url = reader.optional_url(PUBLIC_URL);
        let billing_settings_url = reader.optional_url(BILLING_SETTINGS_URL);
        let app = variables.get(QUICKBOOKS_APP_URL).filter(|value| !value.trim().is_empty());
        let app = Url::parse(app.as_deref().unwrap_or("https://app.qbo.intuit.com"));
        if app.is_err() {
            reader.problems.push(format!("{QUICKBOOKS_APP_URL} is no address"));
        }
        let [
            Some(signing_key_secret),
            Some(push_queue_url),
            Some(pull_queue_url),
            Some(imports_table),
            Some(import_queue_url),
        ] = texts
        else {
            return Err(ConfigError(reader.problems));
        };
        let (Some(shared), Ok(quickbooks_app_url), true) = (shared, app, reader.problems.is_empty()) else {
            return Err(ConfigError(reader.problems));
        };
        Ok(ConsoleConfig {
            shared,
            signing_key_secret,
            push_queue_url,
            pull_queue_url,
            imports_table,
            import_queue_url,
            public_url,
            quickbooks_app_url,
            billing_settings_url,
        })
    }
}

impl PushConfig {
    /// Reads all of it, or says everything that is wrong.
    pub fn read(variables: &dyn Variables) -> Result<PushConfig, ConfigError> {
        let mut reader = Reader { variables, problems: Vec::new() };
        let (shared, push_queue_url) = (reader.shared(), reader.text(PUSH_QUEUE_URL));
        let (Some(shared), Some(push_queue_url)) = (shared, push_queue_url) else {
            return Err(ConfigError(reader.problems));
        };
        Ok(PushConfig { shared, push_queue_url })
    }
}

impl PullConfig {
    /// Reads all of it, or says everything that is wrong.
    pub fn read(variables: &dyn Variables) -> Result<PullConfig, ConfigError> {
        let mut reader = Reader { variables, problems: Vec::new() };
        let (shared, pull_queue_url) = (reader.shared(), reader.text(PULL_QUEUE_URL));
        let (Some(shared), Some(pull_queue_url)) = (shared, pull_queue_url) else {
            return Err(ConfigError(reader.problems));
        };
        Ok(PullConfig { shared, pull_queue_url })
    }
}

impl ImportConfig {
    /// Reads all of it, or says everything that is wrong.
    pub fn read(variables: &dyn Variables) -> Result<ImportConfig, ConfigError> {
        let mut reader = Reader { variables, problems: Vec::new() };
        let shared = reader.shared();
        let [imports_table, import_queue_url] =
            [IMPORTS_TABLE, IMPORT_QUEUE_URL].map(|name| reader.text(name));
        let (Some(shared), Some(imports_table), Some(import_queue_url)) =
            (shared, imports_table, import_queue_url)
        else {
            return Err(ConfigError(reader.problems));
        };
        Ok(ImportConfig { shared, imports_table, import_queue_url })
    }
}

impl WebhookConfig {
    /// Reads all of it, or says everything that is wrong.
    pub fn read(variables: &dyn Variables) -> Result<WebhookConfig, ConfigError> {
        let mut reader = Reader { variables, problems: Vec::new() };
        let texts = [COMPANIES_TABLE, INTUIT_APP_SECRET, PULL_QUEUE_URL].map(|name| reader.text(name));
        let [Some(companies_table), Some(intuit_app_secret), Some(pull_queue_url)] = texts else {
            return Err(ConfigError(reader.problems));
        };
        Ok(WebhookConfig { companies_table, intuit_app_secret, pull_queue_url })
    }
}

/// Reads on after a problem, so that all of them are reported at once.
struct Reader<'a> {
    variables: &'a dyn Variables,
    problems: Vec<String>,
}

impl Reader<'_> {
    fn shared(&mut self) -> Option<Config> {
        // All are read before one that is missing ends it.
        let texts = [COMPANIES_TABLE, LINKS_TABLE, ACTIVITY_TABLE, COMPANY_SECRET_PREFIX, INTUIT_APP_SECRET]
            .map(|name| self.text(name));
        let urls = [QUICKBOOKS_API_URL, INTUIT_AUTHORIZE_URL, INTUIT_TOKEN_URL, INTUIT_REVOKE_URL]
            .map(|name| self.url(name));
        let [companies_table, links_table, activity_table, company_secret_prefix, intuit_app_secret] = texts;
        let [api, authorize, token, revoke] = urls;
        let billing_reach = self.billing_reach();
        Some(Config {
            companies_table: companies_table?,
            links_table: links_table?,
            activity_table: activity_table?,
            company_secret_prefix: company_secret_prefix?,
            intuit_app_secret: intuit_app_secret?,
            endpoints: Endpoints { api: api?, authorize: authorize?, token: token?, revoke: revoke? },
            billing_reach: billing_reach?,
            function: self.variables.get(AWS_LAMBDA_FUNCTION_NAME).unwrap_or_default(),
        })
    }

    fn billing_reach(&mut self) -> Option<Reach> {
        match self.variables.get(BILLING_PRIVATE_ADDRESSES).as_deref() {
            None | Some("" | "false") => Some(Reach::Public),
            Some("true") => Some(Reach::Anywhere),
            Some(value) => {
                self.problems.push(format!("{BILLING_PRIVATE_ADDRESSES} is {value:?}, not true or false"));
                None
            }
        }
    }

    fn text(&mut self, name: &str) -> Option<String> {
        let value = self.variables.get(name).filter(|value| !value.trim().is_empty());
        if value.is_none() {
            self.problems.push(format!("{name} is not set"));
        }
        value
    }

    fn url(&mut self, name: &str) -> Option<Url> {
        let value = self.text(name)?;
        match Url::parse(&value) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => Some(url),
            Ok(_) | Err(_) => {
                self.problems.push(format!("{name} is {value:?}, which is no http or https address"));
                None
            }
        }
    }

    fn optional_url(&mut self, name: &str) -> Option<Url> {
        self.variables.get(name).filter(|value| !value.trim().is_empty()).and_then(|_| self.url(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [(&str, &str); 15] = [
        (COMPANIES_TABLE, "companies"),
        (LINKS_TABLE, "links"),
        (ACTIVITY_TABLE, "activity"),
        (COMPANY_SECRET_PREFIX, "counterpart/companies/"),
        (INTUIT_APP_SECRET, "app"),
        (QUICKBOOKS_API_URL, "https://quickbooks.example"),
        (INTUIT_AUTHORIZE_URL, "https://consent.example/connect"),
        (INTUIT_TOKEN_URL, "https://tokens.example/bearer"),
        (INTUIT_REVOKE_URL, "https://tokens.example/revoke"),
        (SIGNING_KEY_SECRET, "signing-key"),
        (PUBLIC_URL, ""),
        (PUSH_QUEUE_URL, "https://sqs.example/pushes.fifo"),
        (PULL_QUEUE_URL, "https://sqs.example/pulls.fifo"),
        (IMPORTS_TABLE, "imports"),
        (IMPORT_QUEUE_URL, "https://sqs.example/imports.fifo"),
    ];

    #[test]
    fn a_whole_configuration_is_read() {
        let oauth = OauthConfig::read(&GOOD).unwrap();
        assert_eq!(oauth.public_url, None);
        assert_eq!(oauth.shared.endpoints.token.as_str(), "https://tokens.example/bearer");
        let console = ConsoleConfig::read(&GOOD).unwrap();
        assert_eq!(console.quickbooks_app_url.as_str(), "https://app.qbo.intuit.com/");
        assert_eq!(PushConfig::read(&GOOD).unwrap().push_queue_url, "https://sqs.example/pushes.fifo");
        assert_eq!(WebhookConfig::read(&GOOD).unwrap().pull_queue_url, "https://sqs.example/pulls.fifo");
    }

    #[test]
    fn token_refresh_has_to_know_where_people_are_sent_to() {
        assert!(TokenRefreshConfig::read(&GOOD).unwrap_err().to_string().contains(PUBLIC_URL));
        let mut variables = GOOD;
        variables[10].1 = "https://counterpart.example";
        let config = TokenRefreshConfig::read(&variables).unwrap();
        assert_eq!((config.public_url.host_str(), config.mail_from), (Some("counterpart.example"), None));
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let variables =
            [(COMPANIES_TABLE, "companies"), (LINKS_TABLE, " "), (INTUIT_TOKEN_URL, "tokens.example")];
        let error = PushConfig::read(&variables).unwrap_err().to_string();
        assert!(!error.contains(COMPANIES_TABLE), "{error}");
        assert!(error.contains("LINKS_TABLE is not set; ACTIVITY_TABLE is not set"), "{error}");
        assert!(error.contains("INTUIT_TOKEN_URL is \"tokens.example\""), "{error}");
        assert!(error.contains("PUSH_QUEUE_URL is not set"), "{error}");
    }

    #[test]
    fn private_addresses_of_billing_apps_are_allowed_only_by_that_word() {
        let reach = |value| {
            let mut variables = GOOD;
            variables[10] = (BILLING_PRIVATE_ADDRESSES, value);
            PushConfig::read(&variables).map(|config| config.shared.billing_reach)
        };
        assert_eq!(
            (reach(""), reach("false"), reach("true")),
            (Ok(Reach::Public), Ok(Reach::Public), Ok(Reach::Anywhere))
        );
        assert!(reach("yes").unwrap_err().to_string().contains(BILLING_PRIVATE_ADDRESSES));
    }

    #[test]
    fn a_wrong_public_address_is_a_problem_of_its_own() {
        let mut variables = GOOD;
        variables[10].1 = "counterpart.example";
        assert!(OauthConfig::read(&variables).unwrap_err().to_string().contains("PUBLIC_URL"));
    }
}
