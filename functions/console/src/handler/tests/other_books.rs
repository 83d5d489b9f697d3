//! A company that is disconnected and connected again, with the same QuickBooks company or another one (R65, R92, D12),
//! while its pages are open.

use sync::import::{Imports, Job, State};

use super::safety::{FORM, addresses, everything};
use super::*;

/// acme with the books of realm 1: a class, a Customer that is mapped, something that waits and a finished preview. Gives
/// the preview's id.
async fn first_books(world: &World) -> String {
    world.connect("acme", "1", &[("1", "Old Customer")]).await;
    world.change("acme", |company| company.connection.as_mut().unwrap().name = "Old Books".into()).await;
    let books = world.company("acme").await.books().unwrap();
    let mut reference = world.companies.reference(&books).await.unwrap().unwrap();
    reference.locations =
        Some(vec![sync::reference::Tracked { id: QuickBooksId::new("1").unwrap(), name: "Old Yard".into() }]);
    world.companies.save_reference(&books, &reference).await.unwrap();
    world.client("acme", "c-1", "A Client");
    world.get("/console/mapping/customers").await;
    world.get("/console/mapping/customers/reading").await;
    world.post("/console/mapping/customers/confirm", "pair=c-1%7C1").await;
    let settings = "client=push&product=push&invoice=push&payment=push&income_account=1&location=1";
    assert_eq!(world.post("/console/settings", settings).await.status, 303);
    world.happened("acme", "e-1", "A Client", parked()).await;
    let begun = world.post("/console/import", "kind=client&purpose=preview").await;
    let id = begun.header("location").rsplit('/').next().unwrap().to_owned();
    let jobs = world.imports.jobs(&super::id("acme"), 1).await.unwrap();
    let done = Job { state: State::Done, version: jobs[0].version + 1, ..jobs[0].clone() };
    assert!(world.imports.save(&done).await.unwrap());
    id
}

async fn disconnect(world: &World) {
    let state = |company: &mut Company| {
        company.connection.as_mut().unwrap().state = ConnectionState::Disconnected;
    };
    world.change("acme", state).await;
}

#[tokio::test]
async fn d12_no_form_of_an_old_page_is_carried_out_in_other_books() {
    let world = World::inside("acme").await;
    let unconnected = world.get("/console/settings").await.mark();
    let job = first_books(&world).await;
    let first = world.get("/console/settings").await.mark();
    disconnect(&world).await;
    world.connect("acme", "2", &[("1", "New Customer")]).await;
    let before = [everything(&world, "acme", "1").await, everything(&world, "acme", "2").await];
    let harmless = ["/console/sign-out", "/console/end-sessions"];
    for path in addresses(&Method::POST, &job).iter().filter(|path| !harmless.contains(&path.as_str())) {
        for mark in [&unconnected, &first] {
            let refused = world.ask(Method::POST, path, &format!("{FORM}&mark={mark}"), &[]).await;
            assert_eq!(refused.status, 409, "{path}");
            assert!(refused.text.contains("nothing was changed"), "{path}: {}", refused.text);
        }
    }
    let after = [everything(&world, "acme", "1").await, everything(&world, "acme", "2").await];
    assert_eq!(after, before);
    let out = world.ask(Method::POST, "/console/sign-out", &format!("mark={first}"), &[]).await;
    assert_eq!(out.status, 200, "signing out is right whatever is connected");
}

/// R65: what a person has begun before goes on after connecting the same QuickBooks company again.
#[tokio::test]
async fn a_page_goes_on_with_the_same_books() {
    let world = World::inside("acme").await;
    first_books(&world).await;
    let settings = world.company("acme").await.settings;
    let mark = world.get("/console/settings").await.mark();
    disconnect(&world).await;
    let page = world.get("/console/mapping/customers").await.text;
    assert!(page.contains("once QuickBooks is connected") && !page.contains("Old Customer"), "{page}");
    world.connect("acme", "1", &[("1", "Old Customer")]).await;
    assert_eq!(world.company("acme").await.settings, settings);
    let page = world.get("/console/mapping/customers").await.text;
    assert!(page.contains("Old Customer") && page.contains("1 of 2 clients are mapped"), "R66: {page}");
    let form = format!("client=none&product=push&invoice=push&payment=push&mark={mark}");
    assert_eq!(world.ask(Method::POST, "/console/settings", &form, &[]).await.status, 303);
    assert_eq!(world.company("acme").await.settings.directions.client, Direction::None);
}

#[tokio::test]
async fn d12_nothing_of_the_old_books_is_shown_as_if_it_were_of_the_new_ones() {
    let world = World::inside("acme").await;
    let job = first_books(&world).await;
    let everywhere = async || {
        let mut pages = Vec::new();
        for path in addresses(&Method::GET, &job) {
            pages.push((path.clone(), world.get(&format!("{path}?pick=c-1&for=c-1")).await.text));
        }
        pages
    };
    let names = ["Old Customer", "Old Books", "Old Yard"];
    for name in names {
        assert!(everywhere().await.iter().any(|(_, text)| text.contains(name)), "{name} is somewhere");
    }
    disconnect(&world).await;
    world.connect("acme", "2", &[("1", "New Customer")]).await;
    world.get("/console/mapping/customers").await;
    world.get("/console/mapping/customers/reading").await;
    for (path, text) in everywhere().await {
        assert!(names.iter().all(|name| !text.contains(name)), "{path}: {text}");
    }
    let page = world.get("/console/mapping/customers").await.text;
    assert!(page.contains("0 of 2 clients are mapped"), "R92: {page}");
    let page = world.get("/console/settings").await.text;
    assert!(
        page.contains("Not chosen: new products wait") && !page.contains("which is not active"),
        "{page}"
    );
    assert_eq!(page.matches("value=\"none\" selected").count(), 4, "R4: {page}");
    let guide = world.get("/console").await.text;
    assert!(guide.contains("href=\"/console/settings\">Choose</a>"), "nothing is chosen yet: {guide}");
}

/// What was previewed in one company's books says nothing of another's.
#[tokio::test]
async fn d12_a_preview_of_the_old_books_is_not_imported_into_from_the_new_ones() {
    let world = World::inside("acme").await;
    let job = first_books(&world).await;
    let app = serde_json::json!({"url": "https://ninja.example", "name": "Acme", "since": "2026-03-01T00:00:00Z",
        "updates_products": false});
    let app = sync::billing_app::BillingApp::InvoiceNinja(serde_json::from_value(app).unwrap());
    world.change("acme", |company| company.billing = app.clone()).await;
    let preview = format!("/console/import/{job}");
    assert!(world.get(&preview).await.text.contains("Import this now"));
    assert!(world.get("/console").await.text.contains("import would do<span class=\"quiet\"> (done)"));
    disconnect(&world).await;
    world.connect("acme", "2", &[]).await;
    let page = world.get(&preview).await.text;
    assert!(!page.contains("Import this now") && page.contains("that was connected then"), "{page}");
    assert!(world.get("/console/import").await.text.contains("that was connected then"));
    let page = world.get("/console").await.text;
    assert!(page.contains("href=\"/console/import\">Preview</a>"), "the next step: {page}");
}

/// An id of the old books may be anybody's in the new ones, and people are sent there by it.
#[tokio::test]
async fn d12_the_log_keeps_what_happened_and_leads_to_nobody_elses_record() {
    let world = World::inside("acme").await;
    world.connect("acme", "1", &[]).await;
    world.happened("acme", "e-1", "A Client", parked()).await;
    let entry = world.history.parked(&id("acme")).await.unwrap().remove(0);
    let realm = Some(RealmId::new("1").unwrap());
    let quickbooks_id = Some(QuickBooksId::new("58").unwrap());
    world.history.record(&[Activity { realm, quickbooks_id, ..entry }]).await.unwrap();
    let address = "https://books.example/app/customerdetail?nameId=58";
    assert!(world.get("/console/activity").await.text.contains(address));
    disconnect(&world).await;
    assert!(world.get("/console/activity").await.text.contains(address), "it is the same company still");
    world.connect("acme", "2", &[]).await;
    for path in ["/console/activity", "/console/records/client/id-of-e-1"] {
        let page = world.get(path).await.text;
        assert!(page.contains("A Client") && !page.contains(address), "{page}");
        assert!(
            page.contains("QuickBooks: 58</p>")
                && page.contains("while another QuickBooks company was connected"),
            "{page}"
        );
    }
}
