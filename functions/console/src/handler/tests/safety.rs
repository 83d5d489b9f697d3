//! Who is let in, and what nobody can do. The addresses come from the router itself, so that a new one is tried too.

use sync::history::History;
use sync::import::Imports;
use sync::pairing::{Directories, Pairs};

use super::*;
use crate::route::ROUTES;

/// What every form carries in these tests: good values for each of them.
pub(super) const FORM: &str = "event=e-1&reason=a+test&client=push&product=none&invoice=none&payment=none&cut_off=\
                    &income_account=&to-c-1=1&pick=c-1&pair=c-1%7C1&table=a&kind=client&purpose=preview";

/// Every address of a method that takes a session, for the client c-1 and a job.
pub(super) fn addresses(method: &Method, job: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (_, template, _) in ROUTES.iter().filter(|(of, ..)| of == method) {
        for side in ["customers", "items"] {
            let path = [("{kind}", "client"), ("{id+}", "id-of-e-1"), ("{job}", job), ("{side}", side)]
                .into_iter()
                .fold((*template).to_owned(), |path, (name, value)| path.replace(name, value));
            if !found.contains(&path) {
                found.push(path);
            }
        }
    }
    found.retain(|path| !path.contains("/assets/") && path != "/console/enter");
    assert!(found.iter().all(|path| Route::of(method, path).is_some()), "{found:?}");
    found
}

/// Everything that is stored of a company, and everything that is on a queue.
pub(super) async fn everything(world: &World, company: &str, realm: &str) -> String {
    let books = ids::Books { company: id(company), realm: RealmId::new(realm).unwrap() };
    let mut names = Vec::new();
    for kind in sync::pairing::KINDS {
        names.push((
            world.ledger.pairs(&books, kind).await.unwrap(),
            world.directories.directory(&books, kind).await.unwrap(),
        ));
    }
    let stored = (
        world.company(company).await,
        world.history.before(&id(company), None, 100).await.unwrap(),
        world.imports.jobs(&id(company), 100).await.unwrap(),
    );
    format!("{stored:?} {names:?} {:?}", world.pushes.bodies())
}

#[tokio::test]
async fn a_link_opens_the_console_once() {
    let world = World::new().await;
    let address = world.link("acme").await;
    let entered = world.get(&address).await;
    assert_eq!((entered.status, entered.header("location")), (303, "/console"));
    let cookie = entered.header("set-cookie").to_owned();
    for word in ["__Host-counterpart-session=", "HttpOnly", "Secure", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(word), "{cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
    assert!(world.get("/console").await.text.contains("acme"));
    assert_eq!(world.get(&address).await.status, 410);
    assert_eq!(world.get("/console/enter?link=abc.def").await.status, 400);
}

/// R72, R77: a link may lead to a section, or straight on to QuickBooks; and nowhere else.
#[tokio::test]
async fn a_link_leads_where_the_billing_app_wants_a_person() {
    let world = World::new().await;
    for (to, path) in [
        ("login", "/console/connect/start"),
        ("settings", "/console/settings"),
        ("mapping", "/console/mapping/customers"),
        ("https://evil.example", "/console"),
        ("//evil.example", "/console"),
    ] {
        let link = world.link("acme").await;
        assert_eq!(world.get(&format!("{link}&to={to}")).await.header("location"), path, "{to}");
    }
}

#[tokio::test]
async fn nobody_reads_or_changes_anything_without_a_session() {
    let world = World::inside("acme").await;
    let mark = world.get("/console").await.mark();
    for cookie in [None, Some("__Host-counterpart-session=abc.def"), Some("counterpart-session=abc")] {
        *world.cookie.lock().unwrap() = cookie.map(str::to_owned);
        for path in addresses(&Method::GET, "job1") {
            assert_eq!(world.get(&path).await.status, 401, "{path}");
        }
        for path in addresses(&Method::POST, "job1") {
            let form = format!("{FORM}&mark={mark}");
            assert_eq!(world.ask(Method::POST, &path, &form, &[]).await.status, 401, "{path}");
        }
    }
}

/// Whoever signs everybody out, or replaces a key that has leaked, ends what is open elsewhere too.
#[tokio::test]
async fn all_sessions_of_a_company_are_ended_at_once() {
    let world = World::inside("acme").await;
    let elsewhere = world.cookie.lock().unwrap().clone();
    let unopened = world.link("acme").await;
    world.enter("globex").await;
    let others = world.cookie.lock().unwrap().clone();
    world.enter("acme").await;
    let ended = world.post("/console/end-sessions", "").await;
    assert!(ended.status == 200 && ended.header("set-cookie").contains("Max-Age=0"), "{}", ended.text);
    *world.cookie.lock().unwrap() = elsewhere;
    let gone = world.get("/console").await;
    assert!(gone.status == 401 && gone.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(world.get(&unopened).await.status, 410, "a link that waits");
    *world.cookie.lock().unwrap() = others;
    assert_eq!(world.get("/console").await.status, 200, "another company's goes on");
    world.enter("acme").await;
    assert_eq!(world.get("/console").await.status, 200, "a new link");
}

#[tokio::test]
async fn whoever_comes_from_an_e_mail_is_told_the_way_in() {
    let mut world = World::inside("acme").await;
    *world.cookie.lock().unwrap() = None;
    let page = world.get("/console/activity").await;
    assert!(page.status == 401 && page.text.contains("from your billing app"), "{}", page.text);
    assert!(!page.text.contains("class=\"button main\""), "there is nowhere to send them");
    world.billing_settings = Some("https://billing.example/settings/quickbooks".parse().unwrap());
    let page = world.get("/console/activity").await;
    assert!(page.text.contains("href=\"https://billing.example/settings/quickbooks\""), "{}", page.text);
}

#[tokio::test]
async fn a_session_ends_when_it_is_idle_and_when_the_person_signs_out() {
    let world = World::inside("acme").await;
    world.later(29);
    assert_eq!(world.get("/console").await.status, 200);
    world.later(29);
    assert_eq!(world.get("/console").await.status, 200, "each request renews it");
    world.later(31);
    assert_eq!(world.get("/console").await.status, 401);
    world.enter("acme").await;
    let out = world.post("/console/sign-out", "").await;
    assert!(out.status == 200 && out.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(world.get("/console").await.status, 401);
}

#[tokio::test]
async fn a_form_of_another_site_or_session_changes_nothing() {
    let world = World::inside("acme").await;
    world.happened("acme", "e-1", "Blue Fern", parked()).await;
    let mark = world.get("/console").await.mark();
    world.enter("globex").await;
    let foreign = world.get("/console").await.mark();
    world.enter("acme").await;
    let own = world.get("/console").await.mark();
    assert!(mark != foreign && mark != own);
    let before = everything(&world, "acme", "1").await;
    for path in addresses(&Method::POST, "job1") {
        for form in [
            FORM.to_owned(),
            format!("{FORM}&mark="),
            format!("{FORM}&mark={mark}"),
            format!("{FORM}&mark={foreign}"),
        ] {
            assert_eq!(world.ask(Method::POST, &path, &form, &[]).await.status, 403, "{path} {form}");
        }
        let form = format!("{FORM}&mark={own}");
        for from in ["cross-site", "same-site"] {
            let got = world.ask(Method::POST, &path, &form, &[("sec-fetch-site", from)]).await;
            assert_eq!(got.status, 403, "{path} from {from}");
        }
    }
    assert_eq!(everything(&world, "acme", "1").await, before);
    for path in addresses(&Method::POST, "job1") {
        world.enter("acme").await;
        let own = world.get("/console").await.mark();
        let got = world.ask(Method::POST, &path, &format!("{FORM}&mark={own}"), &[]).await;
        assert_ne!(got.status, 403, "{path}: the right mark");
    }
}

/// A company with a secret name on every page, and the job that it has begun.
async fn globex(world: &World) -> String {
    world.enter("globex").await;
    world.connect("globex", "2", &[("1", "Secret Customer")]).await;
    world.client("globex", "c-1", "Secret Customer");
    world.get("/console/mapping/customers").await;
    world.get("/console/mapping/customers/reading").await;
    world.post("/console/mapping/customers/confirm", "pair=c-1%7C1").await;
    assert_eq!(world.mapped("globex", "2", "c-1").await, Some(("1".into(), MatchedBy::Person)));
    world.happened("globex", "e-1", "Their Secret Client", parked()).await;
    let begun = world.post("/console/import", "kind=client&purpose=preview").await;
    begun.header("location").rsplit('/').next().unwrap().to_owned()
}

#[tokio::test]
async fn one_company_sees_and_changes_nothing_of_another() {
    let world = World::new().await;
    let job = globex(&world).await;
    let with_all = "?pick=c-1&for=c-1&name=S&page=1&company=globex";
    let mut own = 0;
    for path in addresses(&Method::GET, &job) {
        own += usize::from(world.get(&format!("{path}{with_all}")).await.text.contains("Secret"));
    }
    assert!(own > 5, "what should be hidden is there: {own}");
    let before = everything(&world, "globex", "2").await;
    world.enter("acme").await;
    world.connect("acme", "1", &[]).await;
    for path in addresses(&Method::GET, &job) {
        for address in [path.clone(), format!("{path}{with_all}")] {
            let got = world.get(&address).await;
            assert!(got.status < 500, "{address}: {}", got.status);
            let told = format!("{}{:?}", got.text, got.headers);
            assert!(!told.contains("Secret") && !told.contains("globex"), "{address}: {told}");
        }
    }
    world.later(1);
    for path in addresses(&Method::POST, &job) {
        world.enter("acme").await;
        let got = world.post(&path, &format!("{FORM}&company=globex")).await;
        assert!(got.status < 500 && !got.text.contains("Secret"), "{path}: {}", got.status);
    }
    assert_eq!(everything(&world, "globex", "2").await, before);
    assert_eq!(
        world.company("acme").await.settings.directions.client,
        Direction::Push,
        "their own were changed"
    );
}

#[tokio::test]
async fn every_page_is_guarded_by_its_headers() {
    let world = World::inside("acme").await;
    for path in addresses(&Method::GET, "job1").into_iter().chain(["/console/nothing".to_owned()]) {
        let got = world.get(&path).await;
        let policy = got.header("content-security-policy");
        for rule in [
            "default-src 'none'",
            "script-src 'self';",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self'",
        ] {
            assert!(policy.contains(rule), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}");
        assert_eq!(got.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(got.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(got.header("cache-control"), "no-store", "{path}");
        for forbidden in ["<script>", "onclick", "style=\"", "javascript:"] {
            assert!(!got.text.contains(forbidden), "{path} has {forbidden}");
        }
    }
}

/// Names come from QuickBooks and from clients; nobody is asked whether they are nice.
#[tokio::test]
async fn a_hostile_name_is_only_a_name() {
    let world = World::inside("acme").await;
    let hostile = r#""><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}"#;
    let park = Park::new(ParkCause::NameTaken, hostile, hostile);
    world.happened("acme", "e-1", hostile, ActivityResult::Parked(park)).await;
    world
        .happened("acme", "e-2", "=cmd|' /C calc'!A0", ActivityResult::Skipped { reason: hostile.into() })
        .await;
    for path in addresses(&Method::GET, "job1") {
        let got = world.get(&path).await;
        if got.header("content-type").starts_with("text/html") {
            assert!(
                !got.text.contains("<script>alert") && !got.text.contains("<img"),
                "{path}: {}",
                got.text
            );
        }
    }
    let shown = world.get("/console/activity").await.text;
    assert!(shown.contains("&lt;script&gt;alert(1)"), "{shown}");
    let file = world.get("/console/activity.csv").await;
    assert!(file.header("content-disposition").starts_with("attachment"));
    assert!(file.text.contains("'=cmd"), "{}", file.text);
}

#[tokio::test]
async fn nothing_leads_to_another_site() {
    let world = World::inside("acme").await;
    for address in [
        "/console?said=https://evil.example",
        "/console/enter?link=x&next=https://evil.example",
        "/console//evil.example",
        "/console/activity?said=%3Cb%3Ex",
    ] {
        let got = world.get(address).await;
        assert!(!got.header("location").contains("evil") && !got.text.contains("evil"), "{address}");
        assert!(!got.text.contains("<b>x"), "{address}");
    }
    let start = world.get("/console/connect/start").await;
    assert_eq!(start.status, 303);
    assert!(start.header("location").starts_with("/connect?link="));
}

#[tokio::test]
async fn too_many_requests_are_refused_for_a_minute() {
    let world = World::inside("acme").await;
    for _ in 0..REQUESTS {
        assert_eq!(world.get("/console/settings").await.status, 200);
    }
    assert_eq!(world.get("/console/settings").await.status, 429);
    world.later(1);
    assert_eq!(world.get("/console/settings").await.status, 200);
    for _ in 0..ATTEMPTS {
        assert_eq!(world.get("/console/enter?link=guess").await.status, 400);
    }
    assert_eq!(world.get("/console/enter?link=guess").await.status, 429);
}
