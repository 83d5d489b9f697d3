//! From a request to a response: who asks, whether they may, and which section answers.

use lambda_http::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use lambda_http::request::RequestContext;
use lambda_http::{Body, Request, RequestExt, Response};
use sync::connect::BadSeal;
use sync::ports::{StoreError, explain};
use sync::session::{self, NoEntry, Origin, Session};
use sync::settings::Company;
use sync::settings_change::{self, ChangeError};

use crate::answer::Answer;
use crate::cookie::Cookie;
use crate::fields::Fields;
use crate::layout::{outside, outside_with};
use crate::limiter::{ATTEMPTS, REQUESTS};
use crate::route::{Route, Section};
use crate::site::{Answered, Site, Visitor, random};
use crate::{activity, api, connect, health, import, mapping, overview, record, settings};

/// Answers a request, always with a page, a file or a redirection.
pub(crate) async fn handle(site: &Site<'_>, request: &Request) -> Response<Body> {
    if request.uri().path().starts_with("/companies/") {
        let base = base(site, request);
        return api::handle(site, request, &source(request), &base).await;
    }
    let asked = request.headers();
    let route = Route::of(request.method(), request.uri().path());
    match route {
        None => not_found().response(asked),
        Some(Route::Asset(asset)) => Answer::Script(asset.content()).response(asked),
        Some(Route::Enter) => enter(site, request).await,
        Some(route) => inside(site, request, route).await,
    }
}

/// The page for when the signing key cannot be had.
pub(crate) fn unavailable(error: &StoreError) -> Response<Body> {
    failed(error).response(&HeaderMap::new())
}

async fn enter(site: &Site<'_>, request: &Request) -> Response<Body> {
    let (asked, now) = (request.headers(), site.clock.now());
    if !site.limiter.admits(&format!("from {}", source(request)), ATTEMPTS, now) {
        return too_many().response(asked);
    }
    let query = Fields::of_query(request);
    match session::enter(site.companies, site.seal, query.get("link"), &random(), now).await {
        Ok(session) => {
            tracing::info!(company.id = %session.company, "somebody entered the console");
            let mut response = Answer::see(destination(query.get("to"))).response(asked);
            keep(site, request, &session, &mut response);
            response
        }
        Err(NoEntry::Store(error)) => failed(&error).response(asked),
        Err(refusal) => {
            tracing::info!("nobody entered the console: {refusal}");
            refused(&refusal).response(asked)
        }
    }
}

/// Where a link leads: what the billing app put behind it is a word of ours or nothing.
fn destination(to: &str) -> &'static str {
    match to {
        "login" => "/console/connect/start",
        name => {
            Section::ALL.into_iter().find(|section| section.name() == name).map_or("/console", Section::path)
        }
    }
}

fn refused(refusal: &NoEntry) -> Answer {
    let (status, title, why) = match refusal {
        NoEntry::Link(BadSeal::Expired) => {
            (StatusCode::GONE, "This link is too old", "Links into the console work for 5 minutes.")
        }
        NoEntry::Used => (StatusCode::GONE, "This link was used before", "Links into the console work once."),
        NoEntry::Ended => {
            (StatusCode::GONE, "This link works no more", "All sessions were ended after it was made.")
        }
        NoEntry::Link(BadSeal::Forged) => {
            (StatusCode::BAD_REQUEST, "This link does not work", "It is incomplete, or it was not made here.")
        }
        NoEntry::UnknownCompany | NoEntry::Store(_) => (
            StatusCode::NOT_FOUND,
            "This link does not work",
            "The company that it was made for no longer exists here.",
        ),
    };
    outside(status, title, &[why, OPEN_AGAIN])
}

const OPEN_AGAIN: &str = "Open the console from your billing app again, or ask for a new link.";

/// Everything that takes a session.
async fn inside(site: &Site<'_>, request: &Request, route: Route) -> Response<Body> {
    let (asked, now) = (request.headers(), site.clock.now());
    let cookie = Cookie { secure: is_secure(site) };
    let Some(session) = cookie.value(asked).and_then(|value| Session::open(site.seal, value, now)) else {
        return not_signed_in(site).response(asked);
    };
    if !site.limiter.admits(&format!("company {}", session.company), REQUESTS, now) {
        return too_many().response(asked);
    }
    let company = match site.companies.load(&session.company).await {
        Ok(Some(company)) if session.holds_in(&company) => company,
        Ok(_) => return left(not_signed_in(site), asked, cookie),
        Err(error) => return failed(&error).response(asked),
    };
    let form = Fields::of_body(request);
    let origin = match request.method() {
        &Method::GET => Origin::Here,
        _ => origin(site, request, &session, &company, &form),
    };
    match (origin, &route) {
        (Origin::Elsewhere, _) => {
            tracing::warn!(company.id = %session.company, "a form that is not ours was refused");
            return foreign_form().response(asked);
        }
        (_, Route::SignOut) => return left(signed_out(), asked, cookie),
        (_, Route::EndSessions) => return end_sessions(site, &company, asked, cookie).await,
        (Origin::OtherBooks, _) => return form_of_other_books().response(asked),
        (Origin::Here, _) => {}
    }
    let session = session.renewed(now);
    let mark = session.form_mark(site.seal, &company);
    let visitor = Visitor { company, mark };
    let answer = match answer(site, request, route, &visitor, &form).await {
        Ok(answer) => answer,
        Err(error) => failed(&error),
    };
    let mut response = answer.response(asked);
    keep(site, request, &session, &mut response);
    response
}

/// The answer to somebody who is in the console no more.
fn left(answer: Answer, asked: &HeaderMap, cookie: Cookie) -> Response<Body> {
    let mut response = answer.response(asked);
    set_cookie(&mut response, &cookie.clear());
    response
}

/// Ends the sessions of all people of the company, this one too.
async fn end_sessions(
    site: &Site<'_>,
    company: &Company,
    asked: &HeaderMap,
    cookie: Cookie,
) -> Response<Body> {
    let ended = settings_change::edit(site.companies, &company.id, |company, _| {
        company.end_sessions();
        Ok(())
    });
    match ended.await {
        Ok(_) => {
            tracing::info!(company.id = %company.id, "all sessions in the console were ended");
            left(all_ended(), asked, cookie)
        }
        Err(ChangeError::Store(error)) => failed(&error).response(asked),
        Err(error) => failed(&StoreError::new("ending the sessions", error)).response(asked),
    }
}

async fn answer(
    site: &Site<'_>,
    request: &Request,
    route: Route,
    visitor: &Visitor,
    form: &Fields,
) -> Answered {
    let query = &Fields::of_query(request);
    match route {
        Route::Overview => overview::show(site, visitor, query).await,
        Route::Health => health::show(site, visitor).await,
        Route::Activity => activity::show(site, visitor, query).await,
        Route::ActivityFile => activity::file(site, visitor, query).await,
        Route::Retry => activity::retry(site, visitor, form).await,
        Route::Ignore => activity::ignore(site, visitor, form).await,
        Route::Record(kind, id) => record::show(site, visitor, kind, &id).await,
        Route::Mapping(kind, route) => mapping::answer(site, visitor, (kind, route), query, form).await,
        Route::Accounts => settings::show_accounts(site, visitor, query).await,
        Route::SaveAccounts => settings::save_accounts(site, visitor, form).await,
        Route::Imports => import::show(site, visitor).await,
        Route::StartImport => import::start(site, visitor, form).await,
        Route::Job(id) => import::job(site, visitor, &id).await,
        Route::JobProgress(id) => import::moving(site, visitor, &id).await,
        Route::JobRecords(id, kind) => import::records(site, visitor, (&id, kind), query).await,
        Route::CancelJob(id) => import::cancel(site, visitor, &id).await,
        Route::Settings => settings::show(site, visitor, query).await,
        Route::SaveSettings => settings::save(site, visitor, form).await,
        Route::Connect => connect::show(site, visitor, query).await,
        Route::StartConnecting => connect::start(site, visitor),
        Route::CheckAgain => connect::check(site, visitor).await,
        Route::Leave => connect::leave(site, visitor),
        Route::Asset(_) | Route::Enter | Route::SignOut | Route::EndSessions => Ok(not_found()),
    }
}

/// Whose a form is, by the mark that it carries. Nobody's of ours if the browser says that another site sent it.
fn origin(site: &Site<'_>, request: &Request, session: &Session, company: &Company, form: &Fields) -> Origin {
    let from = request.headers().get("sec-fetch-site").and_then(|value| value.to_str().ok());
    match from {
        None | Some("same-origin" | "none") => session.origin(site.seal, company, form.get("mark")),
        Some(_) => Origin::Elsewhere,
    }
}

fn keep(site: &Site<'_>, request: &Request, session: &Session, response: &mut Response<Body>) {
    let cookie = Cookie { secure: is_secure(site) };
    match session.cookie(site.seal) {
        Ok(value) => set_cookie(response, &cookie.set(&value)),
        Err(error) => tracing::error!(path = request.uri().path(), error = explain(&error), "no cookie"),
    }
}

fn set_cookie(response: &mut Response<Body>, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
}

/// API Gateway's own addresses are https.
fn is_secure(site: &Site<'_>) -> bool {
    site.public_url.is_none_or(|url| url.scheme() == "https")
}

/// Where people reach us, without a slash at the end.
fn base(site: &Site<'_>, request: &Request) -> String {
    let context = request.request_context_ref();
    match (site.public_url, context) {
        (Some(url), _) => url.as_str().trim_end_matches('/').to_owned(),
        (None, Some(RequestContext::ApiGatewayV2(context))) => {
            format!("https://{}", context.domain_name.as_deref().unwrap_or_default())
        }
        (None, _) => String::new(),
    }
}

fn source(request: &Request) -> String {
    match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => context.http.source_ip.clone().unwrap_or_default(),
        _ => String::new(),
    }
}

/// For whoever has no session, or no longer: those who come from an e-mail, too.
fn not_signed_in(site: &Site<'_>) -> Answer {
    let way_on = site.billing_settings.map(|url| ("Go to the billing app's settings", url.as_str()));
    outside_with(
        StatusCode::UNAUTHORIZED,
        "You are not signed in",
        &[
            "To keep your company's books to yourself, this console opens from your billing app only, and closes after half an hour without a click.",
            "Open your billing app, go to its QuickBooks settings, and follow the link to the console there. If an e-mail brought you here: what it is about is under Activity then.",
            "If your billing app has no such link, ask whoever runs the sync for one. It works once, within five minutes.",
        ],
        way_on,
    )
}

fn signed_out() -> Answer {
    outside(
        StatusCode::OK,
        "You are signed out",
        &["Nothing of your company stays in this browser.", OPEN_AGAIN],
    )
}

fn all_ended() -> Answer {
    outside(
        StatusCode::OK,
        "All sessions are ended",
        &["Whoever had your company's console open is signed out, and so are you.", OPEN_AGAIN],
    )
}

fn foreign_form() -> Answer {
    outside(
        StatusCode::FORBIDDEN,
        "This form is out of date",
        &[
            "It was made in another session, so nothing was changed.",
            "Go back, reload the page and try again.",
        ],
    )
}

/// A page that was opened before the company was connected with another QuickBooks company (D12).
fn form_of_other_books() -> Answer {
    outside_with(
        StatusCode::CONFLICT,
        "This page is out of date",
        &[
            "Your company was connected with QuickBooks, or with another QuickBooks company, after the page was opened. \
             What you chose on it may be something else there, so nothing was changed.",
            "Open the page again and look before you choose.",
        ],
        Some(("Go to the overview", Section::Overview.path())),
    )
}

pub(crate) fn not_found() -> Answer {
    outside(StatusCode::NOT_FOUND, "There is nothing here", &["Check the address."])
}

fn too_many() -> Answer {
    outside(StatusCode::TOO_MANY_REQUESTS, "That was a lot at once", &["Wait a minute, then try again."])
}

fn failed(error: &StoreError) -> Answer {
    tracing::error!(error = explain(error), "a page could not be made: {error}");
    outside(
        StatusCode::SERVICE_UNAVAILABLE,
        "This does not work just now",
        &[
            "Something on our side failed, and has been noted. Nothing is lost.",
            "Wait a minute, then try again.",
        ],
    )
}

#[cfg(test)]
mod tests;
