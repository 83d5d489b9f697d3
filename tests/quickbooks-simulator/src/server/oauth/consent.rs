//! `/connect/oauth2`: the page on which a person picks the company to connect.

use axum::Form;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::server::outside;
use crate::server::pages::page;
use crate::server::state::{Server, Shared, lock};

/// Scopes that Intuit knows. Only the first opens anything here.
const SCOPES: [&str; 7] = [
    "com.intuit.quickbooks.accounting",
    "com.intuit.quickbooks.payment",
    "openid",
    "profile",
    "email",
    "phone",
    "address",
];

/// What the app sends a person here with.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct Authorisation {
    client_id: String,
    response_type: String,
    scope: String,
    redirect_uri: String,
    state: String,
}

/// What the person answers: a company, or none for Cancel.
#[derive(Deserialize)]
pub(in crate::server) struct Decision {
    #[serde(flatten)]
    asked: Authorisation,
    realm: Option<String>,
}

/// `GET /connect/oauth2`: asks, or answers at once if told to consent by itself.
pub(in crate::server) async fn ask(State(server): State<Shared>, RawQuery(query): RawQuery) -> Response {
    let asked = serde_urlencoded::from_str(&query.unwrap_or_default()).unwrap_or_default();
    let redirect_uri = match redirect_uri(&server, &asked) {
        Ok(redirect_uri) => redirect_uri,
        Err(problem) => return refusal(problem),
    };
    if !asks_for_known_scopes(&asked) {
        return back(redirect_uri, &[("error", "invalid_scope"), ("state", &asked.state)]);
    }
    let consents_for = lock(&server.consents_for).clone();
    match consents_for {
        Some(realm) => consent(&server, redirect_uri, &asked, &realm),
        None => Html(question(&server, &asked).into_string()).into_response(),
    }
}

/// `POST /connect/oauth2`: the person's answer.
pub(in crate::server) async fn decide(
    State(server): State<Shared>,
    Form(Decision { asked, realm }): Form<Decision>,
) -> Response {
    match (redirect_uri(&server, &asked), realm) {
        (Err(problem), _) => refusal(problem),
        (Ok(uri), Some(realm)) => consent(&server, uri, &asked, &realm),
        (Ok(uri), None) => back(uri, &[("error", "access_denied"), ("state", &asked.state)]),
    }
}

/// Where to send the person back to; if that cannot be trusted, what to say instead.
fn redirect_uri(server: &Server, asked: &Authorisation) -> Result<Url, &'static str> {
    let app = &server.options.app;
    if asked.client_id != app.client_id {
        return Err("The client_id is not known.");
    }
    let registered = app.redirect_uris.is_empty() || app.redirect_uris.contains(&asked.redirect_uri);
    let uri = Url::parse(&asked.redirect_uri).ok().filter(|uri| registered && uri.has_host());
    let uri = uri.ok_or("The redirect_uri query parameter is not one of the app's Redirect URIs.")?;
    if asked.state.is_empty() {
        return Err("The state query parameter is missing.");
    }
    if asked.response_type != "code" {
        return Err("The response_type query parameter must be code.");
    }
    Ok(uri)
}

fn asks_for_known_scopes(asked: &Authorisation) -> bool {
    let mut scopes = asked.scope.split(' ');
    asked.scope.contains(SCOPES[0]) && scopes.all(|scope| SCOPES.contains(&scope))
}

fn consent(server: &Server, redirect_uri: Url, asked: &Authorisation, realm: &str) -> Response {
    if !server.realms().iter().any(|known| known == realm) {
        return refusal("There is no such company.");
    }
    let code = outside::authorization_code();
    lock(&server.connections).add_code(code.clone(), realm, &asked.redirect_uri, server.clock.now());
    back(redirect_uri, &[("code", &code), ("state", &asked.state), ("realmId", realm)])
}

fn back(mut redirect_uri: Url, members: &[(&str, &str)]) -> Response {
    redirect_uri.query_pairs_mut().extend_pairs(members);
    // 302 as Intuit answers; the browser follows with GET also after a form.
    let mut response = Redirect::to(redirect_uri.as_str()).into_response();
    *response.status_mut() = StatusCode::FOUND;
    response
}

fn refusal(problem: &str) -> Response {
    let content = html! {
        h1 { "Sorry, the app did not connect" }
        p { (problem) }
    };
    (StatusCode::BAD_REQUEST, Html(page("Intuit", &content).into_string())).into_response()
}

fn question(server: &Server, asked: &Authorisation) -> Markup {
    let companies = server.company_list();
    let carried = [
        ("client_id", &asked.client_id),
        ("response_type", &asked.response_type),
        ("scope", &asked.scope),
        ("redirect_uri", &asked.redirect_uri),
        ("state", &asked.state),
    ];
    let content = html! {
        h1 { "Connect a company" }
        p { "The app " code { (asked.client_id) } " asks to read and write the accounting data of one of your companies." }
        form method="post" action="/connect/oauth2" {
            @for (name, value) in carried {
                input type="hidden" name=(name) value=(value);
            }
            @for company in companies {
                p {
                    button name="realm" value=(company.realm) { "Connect " (company.name) }
                    " " small { (company.country) ", " (company.realm) }
                }
            }
            p { button.plain { "Cancel" } }
        }
    };
    page("Connect a company", &content)
}
