//! `GET /connect?link=…` and `GET /oauth/callback`; `GET` and `POST /disconnect?link=…`; and `GET /disconnected`, where
//! Intuit sends whoever has disconnected in QuickBooks.

use lambda_http::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use lambda_http::request::RequestContext;
use lambda_http::{Body, Request, RequestExt, Response};
use sync::connect::{self, Before, Callback, Connected, Intuit, LINK_LIFE, Ports, Refusal, STATE_LIFE, Seal};
use sync::ids::{Books, EventId, RealmId};
use sync::parked;
use sync::ports::{
    ActivityLog, Clock, Companies, OpenError, PullQueue, PushQueue, Standings, StoreError, Sweeps,
    TokenServer, Vault, explain,
};
use sync::reconcile::Cursor;
use sync::settings::{Connection, ConnectionState};
use sync::tokens;
use url::Url;
use uuid::Uuid;

use crate::pages::{self, Page};

/// Where a connect link leads.
const CONNECT: &str = "/connect";
/// Where Intuit sends people back to; registered with the Intuit app.
const CALLBACK: &str = "/oauth/callback";
/// Where a disconnect link leads.
const DISCONNECT: &str = "/disconnect";
/// Where Intuit sends people who disconnect in QuickBooks; registered with the Intuit app as its Disconnect URL.
const DISCONNECTED: &str = "/disconnected";

/// What the pages work with.
pub(crate) struct Site<'a> {
    pub(crate) companies: &'a dyn Companies,
    pub(crate) standings: &'a dyn Standings,
    pub(crate) sweeps: &'a dyn Sweeps,
    pub(crate) vault: &'a dyn Vault,
    pub(crate) activity: &'a dyn ActivityLog,
    /// Where what waited for the connection goes.
    pub(crate) pushes: &'a dyn PushQueue,
    /// The same for what came from QuickBooks.
    pub(crate) pulls: &'a dyn PullQueue,
    /// Intuit's token server.
    pub(crate) tokens: &'a dyn TokenServer,
    /// Intuit, by the address that people come back to.
    pub(crate) intuit: &'a (dyn Fn(Url) -> Box<dyn Intuit> + Send + Sync),
    pub(crate) clock: &'a dyn Clock,
    pub(crate) seal: &'a Seal,
    /// Where people reach this, if it is not the address in the request.
    pub(crate) public_url: Option<&'a Url>,
}

/// Answers a request, always with a page or a redirection.
pub(crate) async fn handle(site: &Site<'_>, request: &Request) -> Response<Body> {
    let Some(base) = base(site, request) else { return page(&pages::not_found()) };
    match (request.method(), request.uri().path()) {
        (&Method::GET, CONNECT) => start(site, &base, request).await,
        (&Method::GET, CALLBACK) => finish(site, &base, request).await,
        (&Method::GET, DISCONNECT) => ask_to_disconnect(site, request).await,
        (&Method::POST, DISCONNECT) => disconnect(site, &base, request).await,
        (&Method::GET, DISCONNECTED) => disconnected(site, request).await,
        _ => page(&pages::not_found()),
    }
}

/// The page for when the signing key cannot be had.
pub(crate) fn unavailable(error: &StoreError) -> Response<Body> {
    tracing::error!(error = explain(error), "the signing key cannot be read");
    page(&pages::unavailable())
}

/// Where people reach this, without a path.
fn base(site: &Site<'_>, request: &Request) -> Option<Url> {
    if let Some(url) = site.public_url {
        return Some(url.clone());
    }
    match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => {
            Url::parse(&format!("https://{}", context.domain_name.as_deref()?)).ok()
        }
        _ => None,
    }
}

async fn start(site: &Site<'_>, base: &Url, request: &Request) -> Response<Body> {
    let Some(intuit) = intuit(site, base) else { return page(&pages::not_found()) };
    let parameters = request.query_string_parameters();
    let link = parameters.first("link").unwrap_or_default();
    let cookie = Cookie::of(base);
    // A browser keeps its value, so that a link opened in two tabs works in both.
    let browser = cookie.value(request.headers()).unwrap_or_else(random);
    match connect::start(ports(site, &*intuit), link, &browser, &random()).await {
        Ok(address) => redirection(&address, &cookie.set(&browser)),
        Err(refusal) => refused(&refusal),
    }
}

async fn finish(site: &Site<'_>, base: &Url, request: &Request) -> Response<Body> {
    let Some(intuit) = intuit(site, base) else { return page(&pages::not_found()) };
    let parameters = request.query_string_parameters();
    let parameter = |name| parameters.first(name).map(str::to_owned);
    let callback = Callback {
        state: parameter("state"),
        code: parameter("code").map(Into::into),
        realm: parameter("realmId"),
        error: parameter("error"),
    };
    let browser = Cookie::of(base).value(request.headers());
    match connect::finish(ports(site, &*intuit), callback, browser.as_deref(), &random()).await {
        Ok(connected) => {
            let company = &connected.before.id;
            tracing::info!(company.id = %company, "company {company} is connected with QuickBooks");
            // The connection stands whatever becomes of this: what is not sent now stays parked.
            let sent = replay(site, &connected).await;
            match &sent {
                Ok(events) => {
                    tracing::info!(company.id = %company, events = events.len(), "what waited is on the queue");
                }
                Err(error) => {
                    tracing::error!(company.id = %company, error = explain(error), "what waited is not on the queue");
                }
            }
            page(&pages::connected(&connected, sent.ok().map(|events| events.len())))
        }
        Err(refusal) => refused(&refusal),
    }
}

/// Sends what waited for the connection. What changed in QuickBooks meanwhile, and nobody told, is swept for soon. For
/// another QuickBooks company nothing is sent: no direction is set yet, so it would only end.
async fn replay(site: &Site<'_>, connected: &Connected) -> Result<Vec<EventId>, StoreError> {
    if connected.was() == Before::Another {
        return Ok(Vec::new());
    }
    let (books, now) = (&connected.books, site.clock.now());
    let company = &books.company;
    if let Some(cursor) = site.sweeps.cursor(books).await? {
        site.sweeps.save_cursor(books, &Cursor { next: now, ..cursor }).await?;
    }
    let mut events = parked::after_connecting(site.activity, site.pushes, company, now).await?;
    events.extend(parked::notices_after_connecting(site.activity, site.pulls, company, now).await?);
    Ok(events)
}

/// Asks before anything is done: links are opened by programs that look for dangers, too.
async fn ask_to_disconnect(site: &Site<'_>, request: &Request) -> Response<Body> {
    let parameters = request.query_string_parameters();
    let link = parameters.first("link").unwrap_or_default();
    let books = match connect::books_of_disconnect_link(site.seal, link, site.clock.now()) {
        Ok(books) => books,
        Err(bad) => return refused(&Refusal::Link(bad)),
    };
    match connect::linked(site.companies, &books).await {
        Ok((company, connection)) => page(&pages::disconnect(&company.id, &connection.name, link)),
        Err(refusal) => refused(&refusal),
    }
}

async fn disconnect(site: &Site<'_>, base: &Url, request: &Request) -> Response<Body> {
    let Some(intuit) = intuit(site, base) else { return page(&pages::not_found()) };
    let parameters = request.query_string_parameters();
    let link = parameters.first("link").unwrap_or_default();
    let books = match connect::books_of_disconnect_link(site.seal, link, site.clock.now()) {
        Ok(books) => books,
        Err(bad) => return refused(&Refusal::Link(bad)),
    };
    match connect::leave(ports(site, &*intuit), &books, &random()).await {
        Ok(left) => page(&pages::left(&books.company, &left)),
        Err(refusal) => refused(&refusal),
    }
}

/// Whoever comes here can be anybody, and has no more effect than that the connection is tried.
async fn disconnected(site: &Site<'_>, request: &Request) -> Response<Body> {
    let parameters = request.query_string_parameters();
    if let Some(Ok(realm)) = parameters.first("realmId").map(RealmId::new)
        && let Err(error) = check(site, realm).await
    {
        // The next refresh finds it out.
        tracing::warn!(
            error = explain(&error),
            "a connection that was ended in QuickBooks could not be tried"
        );
    }
    page(&pages::disconnected())
}

/// Marks the realm's connection as expired at once, if it is.
async fn check(site: &Site<'_>, realm: RealmId) -> Result<(), OpenError> {
    let Some(company) = site.companies.of_realm(&realm).await? else { return Ok(()) };
    let connected = |it: &Connection| it.realm == realm && it.state == ConnectionState::Connected;
    let stored = site.companies.load(&company).await?;
    if !stored.and_then(|stored| stored.connection).is_some_and(|it| connected(&it)) {
        return Ok(());
    }
    let ports = tokens::Ports {
        companies: site.companies,
        standings: site.standings,
        vault: site.vault,
        server: site.tokens,
        clock: site.clock,
    };
    match tokens::check(ports, &Books { company, realm }, &random()).await {
        // That is what was to be found out.
        Err(OpenError::NotConnected) => Ok(()),
        result => result,
    }
}

fn intuit(site: &Site<'_>, base: &Url) -> Option<Box<dyn Intuit>> {
    Some((site.intuit)(base.join(CALLBACK).ok()?))
}

fn ports<'a>(site: &Site<'a>, intuit: &'a dyn Intuit) -> Ports<'a> {
    Ports {
        companies: site.companies,
        standings: site.standings,
        vault: site.vault,
        intuit,
        clock: site.clock,
        seal: site.seal,
    }
}

fn refused(refusal: &Refusal) -> Response<Body> {
    match refusal {
        Refusal::Store(_) | Refusal::Unreachable(_) | Refusal::Intuit(_) => {
            tracing::error!(error = explain(refusal), "a company was not connected: {refusal}");
        }
        _ => tracing::info!("a company was not connected: {refusal}"),
    }
    page(&pages::refused(refusal))
}

fn random() -> String {
    Uuid::new_v4().simple().to_string()
}

/// What the browser keeps between start and callback.
struct Cookie {
    secure: bool,
}

impl Cookie {
    fn of(base: &Url) -> Cookie {
        Cookie { secure: base.scheme() == "https" }
    }

    /// The prefix binds the cookie to this very host, and browsers take it over https only.
    fn name(&self) -> &'static str {
        if self.secure { "__Host-counterpart" } else { "counterpart" }
    }

    fn set(&self, value: &str) -> String {
        let life = LINK_LIFE.as_secs() + STATE_LIFE.as_secs();
        let secure = if self.secure { "; Secure" } else { "" };
        // Lax: it has to come along when Intuit sends the browser back.
        format!("{}={value}; Max-Age={life}; Path=/; HttpOnly; SameSite=Lax{secure}", self.name())
    }

    fn value(&self, headers: &HeaderMap) -> Option<String> {
        let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
        let mut pairs =
            cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let value = pairs.find(|(name, _)| *name == self.name()).map(|(_, value)| value)?;
        let is_ours = value.len() == 32 && value.chars().all(|c| c.is_ascii_hexdigit());
        is_ours.then(|| value.to_owned())
    }
}

fn redirection(address: &str, cookie: &str) -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    let (Ok(address), Ok(cookie)) = (HeaderValue::from_str(address), HeaderValue::from_str(cookie)) else {
        return page(&pages::unavailable());
    };
    *response.status_mut() = StatusCode::FOUND;
    response.headers_mut().insert(header::LOCATION, address);
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    secure(response)
}

fn page(page: &Page) -> Response<Body> {
    let mut response = Response::new(Body::Text(page.html.clone()));
    *response.status_mut() = page.status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    secure(response)
}

/// Nothing is kept, framed, fetched from elsewhere or told to others.
fn secure(mut response: Response<Body>) -> Response<Body> {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    if let Ok(policy) = HeaderValue::from_str(&pages::content_security_policy()) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

#[cfg(test)]
mod tests;
