//! The JSON API beside the pages: for billing apps, with the company's API key (infra/openapi.json).

#![expect(clippy::result_large_err, reason = "a problem is made once a request, and becomes its answer")]

use http_api::{
    ActivityEntry, ActivityPage, ApiKey, CompanyStatus, ConsoleLink, Ignore, Moved, Operation, Problem,
    RecordStatus, Waiting, WhichEvents, admit, json, problem, unavailable,
};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use percent_encoding::percent_decode_str;
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use sync::api_key::{self, ApiKeyHash};
use sync::history::{self, Ending, Filter, Place};
use sync::ids::{BillingId, EventId};
use sync::link::{Entry, LinkKey};
use sync::model::Kind;
use sync::outcome::ParkCause;
use sync::parked::{self, Which};
use sync::session::{self, ENTRY_LIFE};
use sync::settings::Company;
use sync::settings_change::{self, ChangeError};

use crate::fields::Fields;
use crate::limiter::{ATTEMPTS, REQUESTS};
use crate::site::{Site, random};
use crate::words;

/// The longest body, in bytes.
const LONGEST_BODY: usize = 16 * 1024;
/// How many of a record's entries are looked at.
const NEWEST: usize = 20;

/// Answers a request under `/companies/`. `source` is who asks, to be counted, `base` where people reach us.
pub(crate) async fn handle(site: &Site<'_>, request: &Request, source: &str, base: &str) -> Response<Body> {
    answer(site, request, source, base).await.unwrap_or_else(|refusal| problem(&refusal))
}

type Answered = Result<Response<Body>, Problem>;

async fn answer(site: &Site<'_>, request: &Request, source: &str, base: &str) -> Answered {
    let nothing = || Problem::new(StatusCode::NOT_FOUND, "There is nothing at this address.");
    let (operation, values) = Operation::of(request.method(), request.uri().path()).ok_or_else(nothing)?;
    let company = values.first().copied().unwrap_or_default();
    let now = site.clock.now();
    let too_many = || Problem::new(StatusCode::TOO_MANY_REQUESTS, "Wait a minute, then ask again.");
    let company = match admit(site.companies, company, request.headers()).await {
        Ok(company) => company,
        // Guessing keys has to be slow.
        Err(refusal) if refusal.status == 401 => {
            let admitted = site.limiter.admits(&format!("key from {source}"), ATTEMPTS, now);
            return Err(if admitted { refusal } else { too_many() });
        }
        Err(refusal) => return Err(refusal),
    };
    if !site.limiter.admits(&format!("api of {}", company.id), REQUESTS, now) {
        return Err(too_many());
    }
    match (operation, values.as_slice()) {
        (Operation::GetCompany, _) => status(site, &company).await,
        (Operation::CreateConsoleLink, _) => link(site, &company, base).await,
        (Operation::RotateApiKey, _) => rotate(site, &company).await,
        (Operation::RevokeApiKey, _) => revoke(site, &company).await,
        (Operation::GetRecord, [_, kind, id]) => record(site, &company, kind, id).await,
        (Operation::ListActivity, _) => activity(site, &company, &Fields::of_query(request)).await,
        (Operation::Retry, _) => retry(site, &company, request).await,
        (Operation::Ignore, _) => ignore(site, &company, request).await,
        // Of push-now.
        (Operation::PushInvoice | Operation::GetEvent | Operation::GetRecord, _) => Err(nothing()),
    }
}

fn ok(body: &impl serde::Serialize) -> Answered {
    Ok(json(StatusCode::OK, "application/json", body))
}

fn bad(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, detail)
}

async fn status(site: &Site<'_>, company: &Company) -> Answered {
    let parked = site.history.parked(&company.id).await.map_err(|error| unavailable(&error))?;
    let waiting = history::waiting(&parked).into_iter().map(|(cause, events)| Waiting { cause, events });
    let direction = |kind: Kind| (kind.to_string(), words::word(company.settings.directions.of(kind)));
    ok(&CompanyStatus {
        company: company.id.to_string(),
        connection: company.connection.as_ref().map(|connection| words::word(connection.state)),
        quickbooks_company: company.connection.as_ref().map(|connection| connection.name.clone()),
        directions: Kind::ALL.into_iter().map(direction).collect(),
        waiting: waiting.collect(),
    })
}

async fn link(site: &Site<'_>, company: &Company, base: &str) -> Answered {
    let now = site.clock.now();
    let link = session::link(site.companies, site.seal, company, &random(), now).await;
    let link = link.map_err(|error| unavailable(&error))?;
    let url = format!("{base}/console/enter?link={link}");
    let link = ConsoleLink { url, expires_at: now + ENTRY_LIFE };
    Ok(json(StatusCode::CREATED, "application/json", &link))
}

async fn rotate(site: &Site<'_>, company: &Company) -> Answered {
    let random = [uuid::Uuid::new_v4().into_bytes(), uuid::Uuid::new_v4().into_bytes()].concat();
    let random: [u8; 32] = random.try_into().map_err(|_| bad("no random numbers"))?;
    let key = api_key::key(random);
    set_key(site, company, Some(ApiKeyHash::of(&key))).await?;
    tracing::info!(company.id = %company.id, "the API key was replaced");
    Ok(json(StatusCode::CREATED, "application/json", &ApiKey { key: key.expose_secret().to_owned() }))
}

async fn revoke(site: &Site<'_>, company: &Company) -> Answered {
    set_key(site, company, None).await?;
    tracing::info!(company.id = %company.id, "the API key was taken away");
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

async fn set_key(site: &Site<'_>, company: &Company, key: Option<ApiKeyHash>) -> Result<(), Problem> {
    let set = settings_change::edit(site.companies, &company.id, |company, _| {
        company.set_api_key(key.clone());
        Ok(())
    });
    match set.await {
        Ok(_) => Ok(()),
        Err(ChangeError::Store(error)) => Err(unavailable(&error)),
        Err(error) => Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())),
    }
}

async fn record(site: &Site<'_>, company: &Company, kind: &str, id: &str) -> Answered {
    let kind = Kind::ALL.into_iter().find(|known| known.name() == kind);
    let kind = kind.ok_or_else(|| bad("`kind` should be client, product, invoice or payment."))?;
    let id = percent_decode_str(id).decode_utf8().ok().and_then(|id| BillingId::new(id).ok());
    let id = id.ok_or_else(|| bad("`id` is no billing id."))?;
    let key = LinkKey::Billing(kind, id.clone());
    let entry = match company.books() {
        Some(books) => {
            let entries = site.ledger.entries(&books, std::slice::from_ref(&key)).await;
            entries.map_err(|error| unavailable(&error))?.remove(&key)
        }
        None => None,
    };
    let activity = site.history.of_record(&company.id, kind, &id, NEWEST).await;
    let activity = activity.map_err(|error| unavailable(&error))?;
    let link = match &entry {
        Some(Entry::Linked(link)) => Some(link),
        _ => None,
    };
    let pending = matches!(entry, Some(Entry::Pending(_)));
    ok(&RecordStatus::of(kind, &id, link, pending, &activity))
}

async fn activity(site: &Site<'_>, company: &Company, query: &Fields) -> Answered {
    let kind: Option<Kind> = one_of(query, "kind", words::meant)?;
    let ending =
        one_of(query, "outcome", |word| Ending::ALL.into_iter().find(|ending| ending.name() == word))?;
    let cause: Option<ParkCause> = one_of(query, "cause", words::meant)?;
    let place = one_of(query, "older", Place::parse)?;
    let filter = Filter { kind, ending, cause, text: query.get("text").chars().take(200).collect() };
    let page = history::page(site.history, &company.id, &filter, place.as_ref()).await;
    let page = page.map_err(|error| unavailable(&error))?;
    ok(&ActivityPage {
        entries: page.entries.into_iter().map(ActivityEntry::of).collect(),
        older: page.older.map(|place| place.to_string()),
    })
}

/// A parameter that may be missing, but not be anything.
fn one_of<T>(query: &Fields, name: &str, meant: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Problem> {
    match query.get(name) {
        "" if query.all(name).next().is_none() => Ok(None),
        value => meant(value).map(Some).ok_or_else(|| bad(format!("`{name}` cannot be {value:?}."))),
    }
}

async fn retry(site: &Site<'_>, company: &Company, request: &Request) -> Answered {
    let which = which(body(request)?);
    let (id, now) = (&company.id, site.clock.now());
    let pushed = parked::retry(site.history, site.pushes, id, &which, now).await;
    let pulled = parked::retry_notices(site.history, site.pulls, id, &which, now).await;
    let pushed = pushed.map_err(|error| unavailable(&error))?;
    moved(pushed.into_iter().chain(pulled.map_err(|error| unavailable(&error))?))
}

async fn ignore(site: &Site<'_>, company: &Company, request: &Request) -> Answered {
    let Ignore { which: wanted, reason } = body(request)?;
    let which = which(wanted);
    let reason: String = reason.chars().filter(|c| !c.is_control()).collect();
    if reason.trim().is_empty() || reason.chars().count() > 500 {
        return Err(bad("`reason` should have 1 to 500 characters."));
    }
    let ignored = parked::ignore(site.history, &company.id, &which, &reason, site.clock.now()).await;
    moved(ignored.map_err(|error| unavailable(&error))?)
}

fn moved(events: impl IntoIterator<Item = EventId>) -> Answered {
    ok(&Moved { events: events.into_iter().map(Into::into).collect() })
}

fn which(wanted: WhichEvents) -> Which {
    match wanted {
        WhichEvents::Cause(cause) => Which::Cause(cause),
        WhichEvents::Event(event) => Which::Event(event),
    }
}

fn body<T: DeserializeOwned>(request: &Request) -> Result<T, Problem> {
    let bytes: &[u8] = request.body();
    if bytes.len() > LONGEST_BODY {
        let detail = format!("The body has {} bytes; {LONGEST_BODY} are the most.", bytes.len());
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
    }
    serde_json::from_slice(bytes).map_err(|error| bad(format!("The body cannot be read: {error}.")))
}
