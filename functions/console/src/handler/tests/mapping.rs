//! Mapping by hand (R78-R93).

use quickbooks_wire::ItemType;

use super::*;

/// A world whose company acme has clients and Customers, with their names read.
async fn mapping() -> World {
    let world = World::inside("acme").await;
    world.connect("acme", "1", &[("1", "Blue Fern Café"), ("2", "Harbor Dental"), ("3", "Oak & Sons")]).await;
    for (id, name) in [("c-1", "Blue Fern Café"), ("c-2", "Harbor Dental Inc."), ("c-3", "Nobody Else")] {
        world.client("acme", id, name);
    }
    let first = world.get("/console/mapping/customers").await;
    assert!(first.text.contains("Reading the names"), "{}", first.text);
    let read = world.get("/console/mapping/customers/reading").await;
    assert!(read.text.contains("All names are read"), "{}", read.text);
    world
}

/// R80, R81, T23.
#[tokio::test]
async fn auto_map_shows_what_it_would_do_and_stores_nothing_until_it_is_confirmed() {
    let world = mapping().await;
    let dialog = world.get("/console/mapping/customers/auto").await.text;
    assert!(dialog.contains(r#"value="c-1|1" checked"#), "{dialog}");
    assert!(
        dialog.contains(r#"value="c-2|2""#) && !dialog.contains(r#"value="c-2|2" checked"#),
        "a near name"
    );
    assert!(!dialog.contains("c-3"), "{dialog}");
    for client in ["c-1", "c-2", "c-3"] {
        assert_eq!(world.mapped("acme", "1", client).await, None, "T23");
    }
    let confirmed = world.post("/console/mapping/customers/confirm", "pair=c-1%7C1").await;
    assert_eq!(
        confirmed.header("location"),
        "/console/mapping/customers?text=&status=all&page=1&said=mapped-1"
    );
    assert_eq!(world.mapped("acme", "1", "c-1").await, Some(("1".into(), MatchedBy::Person)));
    assert_eq!(world.mapped("acme", "1", "c-2").await, None);
    let list = world.get("/console/mapping/customers").await.text;
    assert!(list.contains("1 of 3 clients are mapped") && list.contains("A person linked them"), "{list}");
}

/// R82-R86.
#[tokio::test]
async fn a_mapping_is_changed_and_cleared() {
    let world = mapping().await;
    let choose = world.get("/console/mapping/customers/change?pick=c-3").await.text;
    assert!(choose.contains("Nobody Else") && choose.contains(r#"name="to-c-3" value="3""#), "{choose}");
    let typed = world.get("/console/mapping/customers/choices?for=c-3&name=oak").await.text;
    assert!(typed.contains("Oak &amp; Sons") && !typed.contains("Harbor"), "{typed}");
    world.post("/console/mapping/customers/update", "to-c-3=3").await;
    assert_eq!(world.mapped("acme", "1", "c-3").await.unwrap().0, "3");
    world.post("/console/mapping/customers/update", "to-c-3=2").await;
    assert_eq!(world.mapped("acme", "1", "c-3").await.unwrap().0, "2", "changed");
    let taken = world.post("/console/mapping/customers/update", "to-c-1=2").await.text;
    assert!(taken.contains("mapped to record c-3 already"), "{taken}");
    let cleared = world.post("/console/mapping/customers/clear", "pick=c-3&pick=c-1").await;
    assert!(cleared.header("location").ends_with("&said=cleared-1"), "R86: c-1 has none");
    assert_eq!(world.mapped("acme", "1", "c-3").await, None);
    let gone = world.post("/console/mapping/customers/update", "to-c-1=77").await.text;
    assert!(gone.contains("does not have it any more"), "{gone}");
}

#[tokio::test]
async fn mappings_go_out_as_a_table_and_come_back_with_a_preview() {
    let world = mapping().await;
    let table = world.get("/console/mapping/customers/table.csv").await.text;
    assert!(table.contains("c-2,Harbor Dental Inc.,,"), "{table}");
    let filled = "Billing id,Billing name,QuickBooks id,QuickBooks name\nc-1,x,1,y\nc-2,x,1,y\nghost,x,2,y\nc-3,x,99,y\n";
    let encoded: String = url::form_urlencoded::byte_serialize(filled.as_bytes()).collect();
    let preview = world.post("/console/mapping/customers/upload", &format!("table={encoded}")).await.text;
    assert!(preview.contains("1 would be mapped"), "{preview}");
    for problem in [
        "Line 3: Blue Fern Café stands in another line",
        "Line 4: the billing app has no record ghost",
        "Line 5: QuickBooks has no id 99",
    ] {
        assert!(preview.contains(problem), "{problem}: {preview}");
    }
    assert_eq!(world.mapped("acme", "1", "c-1").await, None, "nothing is stored yet");
}

/// What waited for a mapping goes on once there is one.
#[tokio::test]
async fn what_waits_for_a_client_is_tried_again_when_it_is_mapped() {
    let world = mapping().await;
    let waits = Park {
        waits_for: Some((Kind::Client, BillingId::new("c-3").unwrap())),
        ..Park::new(ParkCause::Unmapped, "Not mapped.", "Map it.")
    };
    world.happened("acme", "e-1", "INV-1", ActivityResult::Parked(waits)).await;
    world.happened("acme", "e-2", "INV-2", parked()).await;
    world.post("/console/mapping/customers/update", "to-c-3=3").await;
    assert_eq!(world.pushes.bodies(), [r#"{"id":"e-1"}"#]);
}

fn done(quickbooks: &str) -> ActivityResult {
    ActivityResult::Done(Done {
        action: DoneAction::Created,
        quickbooks_id: QuickBooksId::new(quickbooks).unwrap(),
        notes: Vec::new(),
        taxes: None,
    })
}

/// An app that cannot be asked has told its names in its events; they are found, mapped or not.
#[tokio::test]
async fn names_of_an_app_that_only_sends_events_are_found() {
    let world = World { events_only: true, ..World::inside("acme").await };
    world.connect("acme", "1", &[("1", "Sunset Holdings")]).await;
    world.happened("acme", "old", "Blue Fern Cafe", done("1")).await;
    for number in 0..600 {
        world.happened("acme", &format!("e-{number}"), &format!("Client {number}"), done("1")).await;
    }
    world.get("/console/mapping/customers").await;
    let read = world.get("/console/mapping/customers/reading").await;
    assert!(read.text.contains("All names are read"), "{}", read.text);
    let find = async |text: &str| world.get(&format!("/console/mapping/customers?text={text}")).await.text;
    assert!(find("blue+fern").await.contains("Blue Fern Cafe"), "the oldest of all");
    world.later(1);
    world.happened("acme", "e-0", "Renamed Since", done("1")).await;
    assert!(find("renamed").await.contains("Renamed Since"), "as it is called now");
    let body = r#"[{"specversion":"1.0","id":"w","source":"x","type":"billing.client.created","subject":"id-of-w",
        "time":"2026-03-09T10:00:00Z","company":"acme","data":{"id":"id-of-w","name":"Waits Here"}}]"#;
    world.happened("acme", "w", "Waits Here", parked()).await;
    let mut entry = world.history.parked(&id("acme")).await.unwrap().remove(0);
    entry.event_json = Some(body.into());
    world.history.record(&[entry]).await.unwrap();
    world.post("/console/mapping/customers/update", "to-id-of-w=1").await;
    assert_eq!(world.mapped("acme", "1", "id-of-w").await.unwrap().0, "1");
    world.post("/console/activity/ignore", "event=w&reason=done").await;
    assert!(world.history.parked(&id("acme")).await.unwrap().is_empty(), "nothing waits any more");
    let mapped = find("waits").await;
    assert!(mapped.contains("Waits Here") && mapped.contains("Sunset Holdings"), "{mapped}");
}

/// R93: what was created on the way is a mapping like others, though the names were read before.
#[tokio::test]
async fn what_was_linked_since_the_names_were_read_has_its_names() {
    let world = mapping().await;
    world.connect("acme", "1", &[("1", "Blue Fern Café"), ("58", "Made On The Way")]).await;
    world.client("acme", "c-9", "Made On The Way");
    let books = ids::Books { company: id("acme"), realm: RealmId::new("1").unwrap() };
    let made = sync::link::Link { matched_by: MatchedBy::Created, ..link("c-9", "58") };
    world.ledger.link(&books, &made, None).await.unwrap();
    for _ in 0..2 {
        let list = world.get("/console/mapping/customers?text=made+on").await.text;
        assert!(list.contains(r#"value="c-9""#) && list.matches("Made On The Way").count() >= 2, "{list}");
        assert!(!list.contains("Id c-9") && !list.contains("Id 58"), "{list}");
    }
}

fn link(billing: &str, quickbooks: &str) -> sync::link::Link {
    sync::link::Link {
        kind: Kind::Client,
        billing_id: BillingId::new(billing).unwrap(),
        quickbooks_id: QuickBooksId::new(quickbooks).unwrap(),
        sync_token: "0".into(),
        last_updated: String::new(),
        pushed: Default::default(),
        seen: Default::default(),
        billing_time: Timestamp::UNIX_EPOCH,
        billing_seen: Default::default(),
        last_event: EventId::new("e").unwrap(),
        last_action: DoneAction::Created,
        last_notes: Vec::new(),
        taxes: None,
        taxes_written: None,
        edited: Default::default(),
        matched_at: None,
        matched_by: MatchedBy::Person,
        generation: 0,
        withdrawn: false,
        recreated: None,
        product_key: None,
        attempt: None,
        pulled: None,
        revision: 1,
    }
}

/// What is ticked goes along with a search, a page and the way back.
#[tokio::test]
async fn ticks_outlive_the_list() {
    let world = mapping().await;
    let found = world.get("/console/mapping/customers?text=nobody&pick=c-1&pick=c-3&pick=ghost").await.text;
    assert!(found.contains(r#"value="c-3" aria-label="Pick Nobody Else" checked"#), "{found}");
    assert!(found.contains("not on this page") && found.contains(r#"value="c-1" checked"#), "{found}");
    assert!(!found.contains("ghost"), "{found}");
    let change =
        world.get("/console/mapping/customers/change?text=nobody&status=unmapped&pick=c-3").await.text;
    assert!(change.contains("?text=nobody&amp;status=unmapped&amp;page=1&amp;pick=c%2D3"), "{change}");
    let updated =
        world.post("/console/mapping/customers/update", "to-c-3=3&text=nobody&status=unmapped").await;
    let back = "/console/mapping/customers?text=nobody&status=unmapped&page=1&said=mapped-1";
    assert_eq!(updated.header("location"), back);
    let typed = world.get("/console/mapping/customers/choices?for=c-2&name=blue&to-c-2=2").await.text;
    assert!(typed.contains(r#"value="2" checked"#) && typed.contains("Blue Fern"), "{typed}");
}

/// Ten thousand records on each side: a page stays small, and takes no call for each of them. How long one takes:
/// `cargo test -p counterpart-console thousands -- --nocapture`.
#[tokio::test]
async fn thousands_of_rows_stay_quick() {
    let world = World::inside("acme").await;
    let names: Vec<(String, String)> =
        (0..10_000).map(|number| (number.to_string(), format!("Client number {number} Ltd"))).collect();
    for (number, name) in &names {
        world.client("acme", &format!("c-{number}"), name);
    }
    let customers: Vec<(&str, &str)> = names.iter().map(|(id, name)| (id.as_str(), name.as_str())).collect();
    world.connect("acme", "1", &customers).await;
    let books = ids::Books { company: id("acme"), realm: RealmId::new("1").unwrap() };
    for number in 0..5_000 {
        let link = link(&format!("c-{number}"), &number.to_string());
        world.ledger.link(&books, &link, None).await.unwrap();
    }
    world.get("/console/mapping/customers").await;
    while !world.get("/console/mapping/customers/reading").await.text.contains("All names are read") {}
    let calls = world.quickbooks.0.asked.load(Ordering::Relaxed);
    for address in
        ["", "?text=number+77", "?status=unmapped&page=40", "/auto", "/choices?for=c-1&name=number+9"]
    {
        let begun = std::time::Instant::now();
        let page = world.get(&format!("/console/mapping/customers{address}")).await;
        println!("{:>40}  {:>5} ms  {:>6} bytes", address, begun.elapsed().as_millis(), page.text.len());
        assert!(page.status == 200 && page.text.len() < 100_000, "{address}: {} bytes", page.text.len());
        assert!(!page.text.contains("Reading the names"), "{address}");
    }
    assert_eq!(world.quickbooks.0.asked.load(Ordering::Relaxed), calls, "names are kept");
}

/// R89: products and Items; a category is not offered, and not taken.
#[tokio::test]
async fn products_are_mapped_to_items() {
    let world = World::inside("acme").await;
    world.connect("acme", "1", &[]).await;
    let item = |id: &str, name: &str, item_type| Item {
        id: Some(id.into()),
        name: Some(name.into()),
        item_type: Some(item_type),
        sync_token: Some("0".into()),
        ..Item::default()
    };
    *world.quickbooks.0.items.lock().unwrap() =
        vec![item("7", "Mowing", ItemType::Service), item("8", "Lawn", ItemType::Category)];
    let product = serde_json::from_value(serde_json::json!({"id": "p-1", "key": "Mowing the lawn"})).unwrap();
    world.billing.put(&id("acme"), Record::Product(product));
    world.get("/console/mapping/items").await;
    world.get("/console/mapping/items/reading").await;
    let change = world.get("/console/mapping/items/change?pick=p-1").await.text;
    assert!(change.contains(r#"name="to-p-1" value="7""#) && !change.contains(r#"value="8""#), "{change}");
    let barred = world.post("/console/mapping/items/update", "to-p-1=8").await.text;
    assert!(barred.contains("Lawn cannot be mapped"), "{barred}");
    world.post("/console/mapping/items/update", "to-p-1=7").await;
    let list = world.get("/console/mapping/items?status=mapped").await.text;
    assert!(list.contains("Mowing the lawn") && list.contains("A person linked them"), "{list}");
}
