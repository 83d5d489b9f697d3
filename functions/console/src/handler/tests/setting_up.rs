//! Setting a company up: connect, the right order, accounts (R53-R62, R70, R88, R90).

use sync::billing_app::BillingApp;
use sync::model::ProductType;

use super::*;

fn invoice_ninja() -> BillingApp {
    let app = serde_json::json!({"url": "https://ninja.example", "name": "Acme", "since": "2026-03-01T00:00:00Z",
        "updates_products": false});
    BillingApp::InvoiceNinja(serde_json::from_value(app).unwrap())
}

/// R55, R57, R58, R60: the state in words, and the one thing to do about it.
#[tokio::test]
async fn the_connect_page_tells_the_state_and_the_way_on() {
    let world = World::inside("acme").await;
    let shows = async |words: &[&str], not: &[&str]| {
        let page = world.get("/console/connect").await.text;
        assert!(words.iter().all(|word| page.contains(word)), "{words:?}: {page}");
        assert!(not.iter().all(|word| !page.contains(word)), "not {not:?}: {page}");
    };
    shows(&["Not connected", "Connect to QuickBooks"], &["Reconnect", "Disconnect"]).await;
    world.connect("acme", "1", &[]).await;
    let connected =
        ["Connected", "Mow &amp; Sons", "Automatic taxes", "Disconnect from QuickBooks", "Reconnect"];
    shows(&connected, &["Expired"]).await;
    let leaves = world.get("/console/connect/leave").await;
    assert!(leaves.header("location").starts_with("/disconnect?link="), "R57");
    let state = |state| move |company: &mut Company| company.connection.as_mut().unwrap().state = state;
    world.change("acme", state(ConnectionState::Expired)).await;
    shows(&["Expired", "Reconnect", "Settings and links are as they were"], &["Disconnect from"]).await;
    world.change("acme", state(ConnectionState::Disconnected)).await;
    shows(&["Disconnected", "Connect again"], &["Disconnect from"]).await;
}

/// R61, R70: connect, look, import, account, directions; one step at a time.
#[tokio::test]
async fn a_new_company_is_led_in_the_right_order() {
    let world = World::inside("acme").await;
    world.change("acme", |company| company.billing = invoice_ninja()).await;
    let next = async || {
        let page = world.get("/console").await.text;
        let (_, step) = page.split_once("<a class=\"button main\" href=\"").expect("a next step");
        assert!(!step.contains("button main"), "only one: {page}");
        step.split('"').next().unwrap().to_owned()
    };
    assert_eq!(next().await, "/console/connect");
    world.connect("acme", "1", &[]).await;
    assert_eq!(next().await, "/console/import");
    assert!(
        world.get("/console/import").await.text.contains("class=\"main\">Preview"),
        "R61: looked at first"
    );
    world.change("acme", |company| company.billing = BillingApp::EventsOnly).await;
    assert_eq!(next().await, "/console/settings", "there is nothing to import into");
    world.post("/console/mapping/accounts", "income_account=1").await;
    let page = world.get("/console").await.text;
    assert!(page.contains("Set the directions") && page.contains(">Set</a>"), "{page}");
    let directions = "client=push&product=push&invoice=push&payment=push&income_account=1";
    world.post("/console/settings", directions).await;
    let page = world.get("/console").await.text;
    assert!(!page.contains("Getting started") && page.contains("Nothing needs your attention"), "{page}");
}

/// R59, R88: product types and the default are booked to income accounts, and to no others.
#[tokio::test]
async fn product_types_are_mapped_to_accounts() {
    let world = World::inside("acme").await;
    world.connect("acme", "1", &[]).await;
    let page = world.get("/console/mapping/accounts").await.text;
    assert!(page.contains("Sales of Product Income") && !page.contains("Checking"), "{page}");
    let saved = world.post("/console/mapping/accounts", "income_account=1&income_account_goods=3").await;
    assert_eq!(saved.header("location"), "/console/mapping/accounts?said=saved");
    let settings = world.company("acme").await.settings;
    assert_eq!(settings.default_income_account, Some(QuickBooksId::new("1").unwrap()));
    assert_eq!(settings.income_accounts[&ProductType::Goods], QuickBooksId::new("3").unwrap());
    let bank = world.post("/console/mapping/accounts", "income_account=2").await;
    assert!(bank.status == 422 && bank.text.contains("Nothing was saved"), "{}", bank.text);
    assert_eq!(world.company("acme").await.settings, settings);
}

/// R87, R90: each page says what cannot be mapped and links to Intuit's help.
#[tokio::test]
async fn each_page_of_the_mapping_links_to_intuits_help() {
    let world = World::inside("acme").await;
    world.connect("acme", "1", &[]).await;
    for (path, links, words) in [
        ("customers", &["customers"][..], "Sub-customers and locations cannot be mapped"),
        ("items", &["items", "categories"], "Categories and bundles cannot be mapped"),
        ("accounts", &["chart of accounts", "add an account"], "income account"),
    ] {
        let path = format!("/console/mapping/{path}");
        world.get(&path).await;
        world.get(&format!("{path}/reading")).await;
        let page = world.get(&path).await.text;
        assert!(page.contains(words), "{path}: {page}");
        for link in links {
            let (before, _) = page.split_once(&format!(">{link}</a>")).expect(link);
            let (_, address) = before.rsplit_once("href=\"").unwrap();
            assert!(address.starts_with("https://") && address.contains("intuit.com/"), "{address}");
        }
    }
}
