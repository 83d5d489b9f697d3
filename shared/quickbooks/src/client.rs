//! The accounting API of one realm.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use quickbooks_wire::{
    Batch, BatchItemRequest, BatchItemResponse, BatchResponse, CdcResponse, CompanyInfo, Entity, EntityKind,
    EntityResponse, Preferences, Query, QueryAnswer, QueryResponse, TaxService,
};
use reqwest::RequestBuilder;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use sync::ids::{QuickBooksId, RealmId};
use sync::link::RequestId;
use sync::ports::CallError;
use transport::Transport;
use url::Url;

use crate::answer::{self, Body};
use crate::http;

/// The version of the API that the wire types follow (Intuit: Minor versions).
const MINOR_VERSION: (&str, &str) = ("minorversion", "75");

/// The longest statement that goes into an address; a longer one is posted.
const MAX_STATEMENT_IN_URL: usize = 1500;

/// The accounting API of one realm, with one access token. Makes each call once: who repeats what, and when, is up
/// to the caller.
#[derive(Clone)]
pub struct Client {
    /// Makes the requests, and sends them unless something else does.
    http: reqwest::Client,
    transport: Arc<dyn Transport>,
    company: String,
    realm: RealmId,
    access_token: SecretString,
}

/// Tells whose books it is for, and hides its token.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("realm", &self.realm).finish_non_exhaustive()
    }
}

impl Client {
    /// `api` is [`Endpoints::api`](crate::Endpoints::api).
    pub fn new(http: reqwest::Client, api: &Url, realm: RealmId, access_token: SecretString) -> Self {
        let company = format!("{}/v3/company/{realm}", api.as_str().trim_end_matches('/'));
        let transport = Arc::new(http.clone());
        Self { http, transport, company, realm, access_token }
    }

    /// How its requests travel.
    pub fn transport(&self) -> Arc<dyn Transport> {
        Arc::clone(&self.transport)
    }

    /// The same client, whose requests travel another way.
    pub fn over(self, transport: Arc<dyn Transport>) -> Self {
        Self { transport, ..self }
    }

    /// Runs one query. Costs one metered call.
    pub async fn rows(&self, query: &Query) -> Result<QueryResponse, CallError> {
        let statement = query.to_string();
        let request = if statement.len() <= MAX_STATEMENT_IN_URL {
            self.get("query").query(&[("query", statement)])
        } else {
            self.post("query").header(CONTENT_TYPE, "application/text").body(statement)
        };
        let answer: QueryAnswer = self.call("query", request).await?;
        Ok(answer.query_response)
    }

    /// Runs up to [`Batch::MAX_ITEMS`] requests in one call, which is metered. Each has an outcome of its own, found by
    /// its `b_id`; the answers come in no promised order.
    pub async fn in_one_call(
        &self,
        items: Vec<BatchItemRequest>,
        request_id: Option<&RequestId>,
    ) -> Result<Vec<BatchItemResponse>, CallError> {
        if items.len() > Batch::MAX_ITEMS {
            return Err(CallError::NotSent(format!("a batch of {} is too large", items.len())));
        }
        let mut request = self.post("batch").json(&Batch { batch_item_request: items });
        if let Some(request_id) = request_id {
            request = request.query(&[("requestid", request_id.as_str())]);
        }
        let answer: BatchResponse = self.call("batch", request).await?;
        Ok(answer.batch_item_response)
    }

    /// What changed of these kinds since a moment in the last 30 days: objects as they are now and tombstones, at most
    /// 1,000 in all (Intuit: Change data capture). Whoever gets that many asks again about a shorter time or fewer
    /// kinds.
    pub async fn changes(&self, kinds: &[EntityKind], since: Timestamp) -> Result<Vec<Entity>, CallError> {
        let kinds = kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(",");
        let request = self.get("cdc").query(&[("entities", kinds), ("changedSince", since.to_string())]);
        let answer: CdcResponse = self.call("cdc", request).await?;
        let mut changed = Vec::new();
        for part in answer.parts {
            if let Some(fault) = part.fault {
                return Err(answer::refusal(fault));
            }
            changed.extend(part.query_response.into_iter().flat_map(QueryResponse::into_entities));
        }
        Ok(changed)
    }

    /// The company itself.
    pub async fn company_info(&self) -> Result<CompanyInfo, CallError> {
        let request = self.get(&format!("companyinfo/{}", self.realm));
        let answer: EntityResponse = self.call("companyinfo", request).await?;
        answer.company_info.map(|company| *company).ok_or_else(|| nothing("company"))
    }

    /// How the company is set up.
    pub async fn preferences(&self) -> Result<Preferences, CallError> {
        let answer: EntityResponse = self.call("preferences", self.get("preferences")).await?;
        answer.preferences.map(|preferences| *preferences).ok_or_else(|| nothing("preferences"))
    }

    /// Makes a tax code with its rates. They can be neither changed nor deleted through the API.
    pub async fn create_tax_code(
        &self,
        tax_code: &TaxService,
        request_id: &RequestId,
    ) -> Result<TaxService, CallError> {
        let request =
            self.post("taxservice/taxcode").query(&[("requestid", request_id.as_str())]).json(tax_code);
        self.call("taxservice", request).await
    }

    /// Deletes a transaction for good and returns its tombstone. Customers and Items cannot be deleted.
    pub async fn delete(
        &self,
        kind: EntityKind,
        id: &QuickBooksId,
        sync_token: &str,
        request_id: &RequestId,
    ) -> Result<Entity, CallError> {
        let body = Entity::version(kind, id.as_str(), sync_token);
        self.write("delete", kind, &[("operation", "delete")], &body, request_id).await
    }

    /// Posts to an entity's address and returns the entity of the answer.
    pub(crate) async fn write(
        &self,
        operation: &'static str,
        kind: EntityKind,
        parameters: &[(&str, &str)],
        body: &impl Serialize,
        request_id: &RequestId,
    ) -> Result<Entity, CallError> {
        let request =
            self.post(kind.path()).query(parameters).query(&[("requestid", request_id.as_str())]).json(body);
        let answer: EntityResponse = self.call(operation, request).await?;
        answer.into_entity().ok_or_else(|| nothing(kind.name()))
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(format!("{}/{path}", self.company)).query(&[MINOR_VERSION])
    }

    fn post(&self, path: &str) -> RequestBuilder {
        self.http.post(format!("{}/{path}", self.company)).query(&[MINOR_VERSION])
    }

    /// Without `Accept` the answer would be XML (Intuit: REST API features).
    pub(crate) async fn call<B: Body>(
        &self,
        operation: &'static str,
        request: RequestBuilder,
    ) -> Result<B, CallError> {
        let request = request
            .bearer_auth(self.access_token.expose_secret())
            .header(ACCEPT, "application/json")
            .build()
            .map_err(|error| answer::none(error.into()))?;
        let answer = http::send(&*self.transport, request, operation, Some(&self.realm)).await;
        answer::read(&answer.map_err(answer::none)?)
    }
}

/// A success that does not hold what was asked for.
pub(crate) fn nothing(wanted: &str) -> CallError {
    CallError::Unknown(format!("the answer holds no {wanted}"))
}
