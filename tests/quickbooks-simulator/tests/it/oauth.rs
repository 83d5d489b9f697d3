use jiff::SignedDuration;
use quickbooks_simulator::server::{ConcurrentRefresh, Credentials, Options, Switches};
use reqwest::Response;
use serde_json::{Value, json};
use url::Url;

use crate::{Setup, json_of, set_up, set_up_with, status, until};

const REDIRECT_URI: &str = "http://localhost:3000/callback";

impl Setup {
    fn consent_url(&self) -> Url {
        let members = [
            ("client_id", self.credentials.client_id.as_str()),
            ("response_type", "code"),
            ("scope", "com.intuit.quickbooks.accounting"),
            ("redirect_uri", REDIRECT_URI),
            ("state", "st&te"),
        ];
        Url::parse_with_params(&self.url("/connect/oauth2"), members).unwrap()
    }

    /// The code of a consent that the page gave by itself.
    async fn code(&self) -> String {
        self.simulator.consent_for(Some(self.realm()));
        let response = self.http.get(self.consent_url()).send().await.unwrap();
        assert_eq!(response.status(), 302);
        member(&redirect(&response), "code").unwrap()
    }

    async fn token(&self, form: &[(&str, &str)]) -> Response {
        let Credentials { client_id, client_secret, .. } = &self.credentials;
        let request = self.http.post(self.url("/oauth2/v1/tokens/bearer"));
        request.basic_auth(client_id, Some(client_secret)).form(form).send().await.unwrap()
    }

    async fn exchange(&self, code: &str) -> Response {
        let form = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", REDIRECT_URI)];
        self.token(&form).await
    }

    async fn refresh(&self, refresh_token: &str) -> Response {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", refresh_token)]).await
    }

    /// The status of a call with this access token.
    async fn call_with(&self, access_token: &str) -> u16 {
        let request = self.http.get(self.company_url("query?query=select%20*%20from%20Item"));
        status(request.bearer_auth(access_token).header("accept", "application/json")).await
    }
}

fn redirect(response: &Response) -> Url {
    Url::parse(response.headers()["location"].to_str().unwrap()).unwrap()
}

fn member(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(n, _)| n == name).map(|(_, value)| value.into_owned())
}

fn text<'a>(body: &'a Value, member: &str) -> &'a str {
    body[member].as_str().unwrap()
}

#[tokio::test]
async fn a_consent_leads_to_a_connection() {
    let setup = set_up().await;
    setup.simulator.consent_for(Some(setup.realm()));
    let response = setup.http.get(setup.consent_url()).send().await.unwrap();
    let back = redirect(&response);
    assert!(back.as_str().starts_with(REDIRECT_URI));
    assert_eq!(member(&back, "state").as_deref(), Some("st&te"));
    assert_eq!(member(&back, "realmId").as_deref(), Some(setup.realm()));

    let response = setup.exchange(&member(&back, "code").unwrap()).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/json;charset=UTF-8");
    assert_eq!(response.headers()["cache-control"], "no-cache, no-store");
    assert!(response.headers().contains_key("intuit_tid"));
    let tokens = json_of(response).await;
    assert_eq!(tokens["token_type"], "bearer");
    assert_eq!(tokens["expires_in"], 3600);
    assert_eq!(tokens["x_refresh_token_expires_in"], 8_726_400);
    assert!(text(&tokens, "refresh_token").starts_with("RT1-"));
    assert!(tokens.get("x_refresh_token_hard_expires_in").is_none(), "only on request");
    assert_eq!(setup.call_with(text(&tokens, "access_token")).await, 200);
}

#[tokio::test]
async fn a_code_cannot_be_used_twice() {
    let setup = set_up().await;
    let code = setup.code().await;
    assert_eq!(setup.exchange(&code).await.status(), 200);
    let again = setup.exchange(&code).await;
    assert_eq!(again.status(), 400);
    assert_eq!(json_of(again).await, json!({"error": "invalid_grant"}));
}

#[tokio::test]
async fn a_person_picks_a_company_or_cancels() {
    let setup = set_up().await;
    let page = setup.http.get(setup.consent_url()).send().await.unwrap();
    assert_eq!(page.status(), 200);
    let page = page.text().await.unwrap();
    for realm in setup.simulator.realms() {
        assert!(page.contains(&format!("value=\"{realm}\"")), "{realm} can be picked");
    }

    let consent_url = setup.consent_url();
    let asked: Vec<(String, String)> = consent_url.query_pairs().into_owned().collect();
    let answer = |realm: Option<&str>| {
        let form = asked.iter().cloned().chain(realm.map(|realm| ("realm".to_owned(), realm.to_owned())));
        setup.http.post(setup.url("/connect/oauth2")).form(&form.collect::<Vec<_>>())
    };
    let picked = redirect(&answer(Some("9341450000000003")).send().await.unwrap());
    assert_eq!(member(&picked, "realmId").as_deref(), Some("9341450000000003"));
    let cancelled = redirect(&answer(None).send().await.unwrap());
    assert_eq!(member(&cancelled, "error").as_deref(), Some("access_denied"));
    assert_eq!(member(&cancelled, "state").as_deref(), Some("st&te"));
    assert_eq!(member(&cancelled, "code"), None);
}

#[tokio::test]
async fn a_consent_request_that_cannot_be_trusted_is_not_sent_back() {
    let mut options = Options::default();
    options.app.redirect_uris = vec![REDIRECT_URI.to_owned()];
    let setup = set_up_with(options).await;
    setup.simulator.consent_for(Some(setup.realm()));
    let consent_url = setup.consent_url();
    let asked: Vec<(String, String)> = consent_url.query_pairs().into_owned().collect();
    let ask = |name: &str, value: &str| {
        let changed = asked.iter().map(|(n, v)| (n.as_str(), if n == name { value } else { v.as_str() }));
        setup.http.get(Url::parse_with_params(&setup.url("/connect/oauth2"), changed).unwrap()).send()
    };
    assert_eq!(ask("", "").await.unwrap().status(), 302);
    for (name, value) in [
        ("state", ""),
        ("client_id", "somebody else"),
        ("redirect_uri", "http://localhost:3000/callback/"),
        ("redirect_uri", "https://evil.test/"),
        ("response_type", "token"),
    ] {
        let response = ask(name, value).await.unwrap();
        assert_eq!(response.status(), 400, "{name} is {value}");
        assert!(!response.headers().contains_key("location"));
    }
    let response = ask("scope", "com.intuit.quickbooks.accounting unheard-of").await.unwrap();
    assert_eq!(member(&redirect(&response), "error").as_deref(), Some("invalid_scope"));
}

#[tokio::test]
async fn bad_token_requests_are_told_apart() {
    let setup = set_up().await;
    let url = setup.url("/oauth2/v1/tokens/bearer");
    let form = [("grant_type", "refresh_token"), ("refresh_token", "RT1-nobody")];
    let nobody = setup.http.post(&url).basic_auth("nobody", Some("knows")).form(&form).send().await.unwrap();
    assert_eq!(nobody.status(), 401);
    assert_eq!(json_of(nobody).await, json!({"error": "invalid_client"}));

    for (form, body) in [
        (
            vec![("grant_type", "refresh_token"), ("refresh_token", "RT1-nobody")],
            json!({"error": "invalid_grant", "error_description": "Token invalid"}),
        ),
        (
            vec![("grant_type", "refresh_token"), ("refresh_token", &setup.credentials.access_token)],
            json!({"error": "invalid_grant", "error_description": "Incorrect Token type or clientID"}),
        ),
        (vec![("grant_type", "refresh_token")], json!({"error": "invalid_request"})),
        (vec![("grant_type", "authorization_code"), ("code", "c")], json!({"error": "invalid_request"})),
        (vec![("grant_type", "password")], json!({"error": "unsupported_grant_type"})),
    ] {
        let response = setup.token(&form).await;
        assert_eq!(response.status(), 400);
        assert_eq!(json_of(response).await, body);
    }
}

#[tokio::test]
async fn the_clock_drives_rotation_and_death() {
    let setup = set_up().await;
    let first = setup.credentials.refresh_token.clone();
    let same = json_of(setup.refresh(&first).await).await;
    assert_eq!(text(&same, "refresh_token"), first);

    setup.simulator.advance_clock(SignedDuration::from_hours(25)).unwrap();
    assert_eq!(setup.call_with(text(&same, "access_token")).await, 401, "an hour has passed");
    let rotated = json_of(setup.refresh(&first).await).await;
    let second = text(&rotated, "refresh_token");
    assert_ne!(second, first);
    assert_eq!(setup.call_with(text(&rotated, "access_token")).await, 200);
    assert_eq!(setup.refresh(&first).await.status(), 400, "the old value is dead at once");

    setup.simulator.advance_clock(SignedDuration::from_hours(100 * 24)).unwrap();
    assert_eq!(setup.refresh(second).await.status(), 400, "not used for a hundred days");
}

#[tokio::test]
async fn the_hard_end_is_told_on_request() {
    let setup = set_up().await;
    setup.simulator.advance_clock(SignedDuration::from_hours(24)).unwrap();
    let Credentials { client_id, client_secret, refresh_token, .. } = &setup.credentials;
    let response = setup
        .http
        .post(setup.url("/oauth2/v1/tokens/bearer"))
        .basic_auth(client_id, Some(client_secret))
        .header("x-include-refresh-token-hard-expires-in", "true")
        .form(&[("grant_type", "refresh_token"), ("refresh_token", refresh_token)])
        .send()
        .await
        .unwrap();
    let left = json_of(response).await["x_refresh_token_hard_expires_in"].as_i64().unwrap();
    assert!((157_680_000 - 86_400 - 60..=157_680_000 - 86_400).contains(&left), "{left} seconds");
}

#[tokio::test]
async fn of_two_refreshes_at_once_the_first_succeeds_and_the_connection_may_be_revoked() {
    let half_an_hour = SignedDuration::from_mins(30);
    let switches = Switches {
        concurrent_refresh: ConcurrentRefresh::Revokes,
        refresh_takes: 1_800_000,
        ..Switches::default()
    };
    let setup = set_up_with(Options { switches, ..Options::default() }).await;
    let token = &setup.credentials.refresh_token;
    // The one that is refused is answered at once; the other when the clock says so.
    let let_time_pass = async {
        until(|| setup.simulator.calls(None).total == 1).await;
        setup.simulator.advance_clock(half_an_hour).unwrap();
    };
    let (one, other, ()) = tokio::join!(setup.refresh(token), setup.refresh(token), let_time_pass);
    let mut statuses = [one.status().as_u16(), other.status().as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400]);
    assert_eq!(setup.refresh(token).await.status(), 400);
    assert_eq!(setup.call_with(&setup.credentials.access_token).await, 401);
}

#[tokio::test]
async fn revoking_takes_json_or_a_form_and_kills_both_tokens() {
    let setup = set_up().await;
    let url = setup.url("/v2/oauth2/tokens/revoke");
    for (by_form, by_refresh_token) in [(true, true), (false, false)] {
        let connection = setup.simulator.connect(setup.realm()).unwrap();
        let token = if by_refresh_token { &connection.refresh_token } else { &connection.access_token };
        let send = |client_secret: &str| {
            let request = setup.http.post(&url).basic_auth(&connection.client_id, Some(client_secret));
            if by_form { request.form(&[("token", token)]) } else { request.json(&json!({"token": token})) }
        };
        assert_eq!(status(send("wrong")).await, 401);
        assert_eq!(setup.call_with(&connection.access_token).await, 200);
        let revoked = send(&connection.client_secret).send().await.unwrap();
        assert_eq!((revoked.status().as_u16(), revoked.text().await.unwrap().as_str()), (200, ""));
        assert_eq!(setup.call_with(&connection.access_token).await, 401);
        assert_eq!(setup.refresh(&connection.refresh_token).await.status(), 400);
        assert_eq!(status(send(&connection.client_secret)).await, 400);
    }
    assert_eq!(setup.call_with(&setup.credentials.access_token).await, 200, "the other connection lives");
}

#[tokio::test]
async fn a_bookkeeper_disconnects_the_app() {
    let setup = set_up().await;
    let url = setup.url(&format!("/simulator/bookkeeper/{}", setup.realm()));
    assert_eq!(status(setup.http.post(url).json(&"disconnect")).await, 204);
    assert_eq!(setup.call_with(&setup.credentials.access_token).await, 401);
    assert_eq!(setup.refresh(&setup.credentials.refresh_token).await.status(), 400);
}

#[tokio::test]
async fn a_person_disconnects_the_app_on_the_page_and_lands_at_the_app() {
    let mut options = Options::default();
    options.app.disconnect_url = Some("https://app.test/disconnected".to_owned());
    let setup = set_up_with(options).await;
    let url = setup.url(&format!("/companies/{}/disconnect", setup.realm()));
    let response = setup.http.post(url).send().await.unwrap();
    let landing = format!("https://app.test/disconnected?realmId={}", setup.realm());
    assert_eq!((response.status().as_u16(), redirect(&response).as_str()), (303, landing.as_str()));
    assert_eq!(setup.refresh(&setup.credentials.refresh_token).await.status(), 400);
}

#[tokio::test]
async fn a_dead_token_is_answered_as_recorded() {
    let setup = set_up().await;
    let request = setup.http.get(setup.company_url("customer/1")).header("accept", "application/json");
    let token = format!("eyJ{}", "x".repeat(400));
    let response = request.bearer_auth(&token).send().await.unwrap();
    assert_eq!(response.status(), 401);
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.headers()["www-authenticate"], r#"Bearer realm="Intuit", error="invalid_token""#);
    let body = json_of(response).await;
    assert!(body["time"].is_u64(), "milliseconds");
    let error = &body["fault"]["error"][0];
    assert_eq!(error["code"], "3200");
    assert_eq!(error["message"], "message=AuthenticationFailed; errorCode=003200; statusCode=401");
    assert_eq!(error["detail"], format!("Token expired: {token}"));
    assert_eq!(body["fault"]["type"], "AUTHENTICATION");
    assert_eq!(body["batchItemResponse"], json!([]));

    let none = setup.http.get(setup.company_url("customer/1")).send().await.unwrap();
    let detail = "Malformed bearer token: too short or too long";
    assert_eq!(json_of(none).await["fault"]["error"][0]["detail"], detail);
}

#[tokio::test]
async fn a_token_opens_no_other_company() {
    let setup = set_up().await;
    for other in ["9341450000000002", "1"] {
        let url = setup.url(&format!("/v3/company/{other}/customer/1"));
        let response = setup.http.get(url).bearer_auth(&setup.credentials.access_token).send().await.unwrap();
        assert_eq!(response.status(), 403);
        let error = &json_of(response).await["fault"]["error"][0];
        assert_eq!(error["code"], "3100");
        assert_eq!(
            error["message"],
            "message=ApplicationAuthorizationFailed; errorCode=003100; statusCode=403"
        );
        assert_eq!(error["detail"], Value::Null);
    }
}
