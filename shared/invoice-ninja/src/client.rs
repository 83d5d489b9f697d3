//! The API of one company: calls, lists, and what is remembered of the app.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use reqwest::header::{ACCEPT, HeaderValue};
use reqwest::{Method, RequestBuilder};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sync::model::Kind;
use sync::ports::BillingError;
use transport::Transport;
use url::Url;

use crate::answer::{self, Effect};
use crate::json::{Loose, Object};
use crate::mapping::Setup;
use crate::statics::Statics;
use crate::tax_rates::Known;

/// How many rows are asked for at once. An invoice with its client is some 10 kB.
pub(crate) const ROWS: usize = 200;
/// The most pages that are read of a list that should be short.
const PAGES: usize = 500;

/// One company's app, with one token. Makes each call once: who repeats what, and when, is up to the caller.
pub struct Client {
    /// Makes the requests, and sends them unless something else does.
    http: reqwest::Client,
    transport: Arc<dyn Transport>,
    api: String,
    token: SecretString,
    setup: Mutex<Option<Arc<Setup>>>,
    /// The currencies of groups of clients, by the groups' ids.
    groups: Mutex<HashMap<String, String>>,
    /// Taxes that the app is known to know; none while that is not known.
    pub(crate) taxes: tokio::sync::Mutex<Option<Known>>,
}

/// Tells where the app is, and hides the token.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("api", &self.api).finish_non_exhaustive()
    }
}

/// A page of a list.
pub(crate) struct Rows {
    pub(crate) rows: Vec<Object>,
    pub(crate) is_last: bool,
}

impl Client {
    /// `base` is the app's address without `/api`, checked by [`transport::Reach::base`].
    pub fn new(http: reqwest::Client, base: &Url, token: SecretString) -> Client {
        let api = format!("{}/api/v1", base.as_str().trim_end_matches('/'));
        let transport = Arc::new(http.clone());
        let (setup, groups, taxes) = Default::default();
        Client { http, transport, api, token, setup, groups, taxes }
    }

    /// The same client, whose requests travel another way.
    pub fn over(self, transport: Arc<dyn Transport>) -> Client {
        Client { transport, ..self }
    }

    /// What has to be known of the app to understand its records; read when it is first needed.
    ///
    /// # Errors
    /// The app does not say.
    pub async fn setup(&self) -> Result<Arc<Setup>, BillingError> {
        let known = self.setup.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(setup) = known {
            return Ok(setup);
        }
        let (statics, company) = tokio::try_join!(
            self.call("statics", self.request(Method::GET, "statics"), Effect::Reads),
            self.company(),
        )?;
        let statics = Statics::read(&statics).map_err(|problem| odd("the fixed lists", &problem))?;
        let setup = Arc::new(Setup::new(statics, &company));
        *self.setup.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&setup));
        Ok(setup)
    }

    async fn company(&self) -> Result<Object, BillingError> {
        let request = self.request(Method::POST, "companies/current");
        data(self.call("companies/current", request, Effect::Reads).await?, Effect::Reads)
    }

    /// One record as the app has it, with what goes with it.
    pub(crate) async fn record(&self, kind: Kind, id: &str) -> Result<Object, BillingError> {
        let request = self.request(Method::GET, &of_record(kind, id)).query(&includes(kind));
        self.item(path(kind), request, Effect::Reads).await
    }

    /// The record of an answer. One whose client takes its currency from a group gets it filled in.
    pub(crate) async fn item(
        &self,
        operation: &'static str,
        request: RequestBuilder,
        effect: Effect,
    ) -> Result<Object, BillingError> {
        let mut record = data(self.call(operation, request, effect).await?, effect)?;
        self.fill_in_currency(&mut record).await?;
        Ok(record)
    }

    /// A page of a list. The app sends everything in no order to whoever does not say what is wanted.
    pub(crate) async fn page(
        &self,
        kind_path: &'static str,
        parameters: &[(&str, String)],
        page: usize,
    ) -> Result<Rows, BillingError> {
        let request = self
            .request(Method::GET, kind_path)
            .query(&[("per_page", ROWS.to_string()), ("page", page.to_string())])
            .query(parameters)
            // Newer versions refuse filters that they do not know; older ones ignore the header, and the filter.
            .header("X-Strict-Filters", "true");
        let answer = self.call(kind_path, request, Effect::Reads).await?;
        let rows = answer.objects("data").map_err(|problem| odd("a list", &problem))?;
        let mut rows: Vec<Object> = rows.into_iter().cloned().collect();
        for row in &mut rows {
            self.fill_in_currency(row).await?;
        }
        let pages = answer.object("meta").and_then(|meta| meta.object("pagination"));
        let total = pages.and_then(|pages| pages.text("total_pages").parse::<usize>().ok());
        // `links` comes in several forms and is not relied on.
        let is_last = total.map_or(rows.len() < ROWS, |total| page >= total);
        Ok(Rows { rows, is_last })
    }

    /// All rows of a list that fit. The answer is held against the wish: a filter may have been ignored.
    pub(crate) async fn all(
        &self,
        kind_path: &'static str,
        parameters: &[(&str, String)],
        fits: impl Fn(&Object) -> bool,
    ) -> Result<Vec<Object>, BillingError> {
        let mut found = Vec::new();
        for page in 1..=PAGES {
            let Rows { rows, is_last } = self.page(kind_path, parameters, page).await?;
            found.extend(rows.into_iter().filter(&fits));
            if is_last {
                return Ok(found);
            }
        }
        Err(BillingError::Refused(format!("it has more than {} {kind_path}", PAGES * ROWS)))
    }

    /// Gives a client that has no currency of its own that of its group, or the company's.
    async fn fill_in_currency(&self, record: &mut Object) -> Result<(), BillingError> {
        let client = if record.contains_key("contacts") { Some(record) } else { client_of(record) };
        let Some(client) = client else { return Ok(()) };
        let group = client.text("group_settings_id");
        let own = client.object("settings").map(|settings| settings.text("currency_id"));
        if group.is_empty() || own.is_some_and(|own| !own.is_empty()) {
            return Ok(());
        }
        let currency = self.currency_of_group(group).await?;
        let settings = client.entry("settings").or_insert_with(|| Value::Object(Object::new()));
        if let Some(settings) = settings.as_object_mut() {
            settings.insert("currency_id".to_owned(), currency.into());
        }
        Ok(())
    }

    /// The currency of a group of clients, or else the company's; read when it is first needed.
    async fn currency_of_group(&self, group: String) -> Result<String, BillingError> {
        let known = self.groups.lock().unwrap_or_else(PoisonError::into_inner).get(&group).cloned();
        if let Some(currency) = known {
            return Ok(currency);
        }
        let home = self.setup().await?.home_currency_id.clone();
        let request = self.request(Method::GET, &format!("group_settings/{group}"));
        let of_group = match self.call("group_settings", request, Effect::Reads).await {
            Ok(answer) => data(answer, Effect::Reads)?
                .object("settings")
                .map(|settings| settings.text("currency_id"))
                .unwrap_or_default(),
            Err(BillingError::Gone) => String::new(),
            Err(error) => return Err(error),
        };
        let currency = if of_group.is_empty() { home } else { of_group };
        self.groups.lock().unwrap_or_else(PoisonError::into_inner).insert(group, currency.clone());
        Ok(currency)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}/{path}", self.api))
    }

    /// Sends a request and reads the answer. The log has nothing from its address, headers or body. Without the two
    /// headers refusals would be pages for people (Invoice Ninja API: conventions).
    pub(crate) async fn call(
        &self,
        operation: &'static str,
        request: RequestBuilder,
        effect: Effect,
    ) -> Result<Object, BillingError> {
        let mut token = HeaderValue::from_str(self.token.expose_secret()).map_err(|_| {
            BillingError::Forbidden("the token holds characters that no token has".to_owned())
        })?;
        token.set_sensitive(true);
        let request = request
            .header("X-API-TOKEN", token)
            .header("X-Requested-With", "XMLHttpRequest")
            .header(ACCEPT, "application/json")
            .build()
            .map_err(|error| answer::none(error.into(), effect))?;
        let method = request.method().clone();
        let started = Instant::now();
        let result = self.transport.execute(request).await;
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let status = result.as_ref().ok().map(|answer| answer.status.as_u16());
        tracing::info!(
            billing.operation = operation,
            http.method = method.as_str(),
            http.status = status,
            duration_ms,
            "called {method} {operation} of the billing app"
        );
        answer::read(&result.map_err(|error| answer::none(error, effect))?, effect)
    }
}

fn client_of(record: &mut Object) -> Option<&mut Object> {
    record.get_mut("client").and_then(Value::as_object_mut)
}

/// What is in an answer's envelope.
pub(crate) fn data(mut answer: Object, effect: Effect) -> Result<Object, BillingError> {
    match (answer.remove("data"), effect) {
        (Some(Value::Object(data)), _) => Ok(data),
        (_, Effect::Reads) => {
            Err(BillingError::Later { reason: "the answer holds no record".to_owned(), after: None })
        }
        (_, Effect::Writes) => Err(BillingError::Unknown("the answer holds no record".to_owned())),
    }
}

/// Something that was read and cannot be understood, now or later.
pub(crate) fn odd(what: &str, problem: &dyn fmt::Display) -> BillingError {
    BillingError::Refused(format!("{what} cannot be understood: {problem}"))
}

/// A kind in addresses.
pub(crate) fn path(kind: Kind) -> &'static str {
    match kind {
        Kind::Client => "clients",
        Kind::Product => "products",
        Kind::Invoice => "invoices",
        Kind::Payment => "payments",
    }
}

/// The address of a record. Ids are letters and digits; nothing else may shape an address.
pub(crate) fn of_record(kind: Kind, id: &str) -> String {
    let id: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
    format!("{}/{id}", path(kind))
}

/// What has to come with a record for the model.
pub(crate) fn includes(kind: Kind) -> Vec<(&'static str, &'static str)> {
    match kind {
        Kind::Client | Kind::Product => Vec::new(),
        Kind::Invoice => vec![("include", "client")],
        Kind::Payment => vec![("include", "client,invoices")],
    }
}
