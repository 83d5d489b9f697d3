//! Customers and Items.

use quickbooks_simulator::company::Seed;
use serde_json::json;
use sync::link::MatchedBy;
use sync::model::{Kind, Record};
use sync::outcome::{DoneAction, ParkCause};
use sync::settings::{Direction, Settings};

use super::office::{Office, did, done, id};
use crate::desk::{parked, skipped};

#[tokio::test]
async fn r36_customers_come_over_and_follow() {
    let office = Office::open(Seed::Landscaping).await;
    let fern = office.new_customer("Fern & Sons");
    assert_eq!(did(&office.pull_one().await), DoneAction::RecordCreated, "R28");
    assert_eq!(office.client(&fern).name, "Fern & Sons");
    office.change(
        "Customer",
        &fern,
        &json!({"GivenName": "Ada", "PrimaryEmailAddr": {"Address": "ada@fern.example"}}),
    );
    let result = office.pull_one().await;
    assert_eq!(did(&result), DoneAction::RecordUpdated, "R29, R30");
    assert_eq!(done(&result).notes, ["Changed in QuickBooks: first name, e-mail address."]);
    assert_eq!(office.client(&fern).contacts[0].email, "ada@fern.example");
    assert_eq!(office.records(Kind::Client).len(), 1);
}

#[tokio::test]
async fn r31_directions_are_respected() {
    let office = Office::open(Seed::Landscaping).await;
    let mut settings = office.desk.settings().await;
    for direction in [Direction::None, Direction::Push] {
        settings.directions.client = direction;
        office.desk.save(settings.clone()).await;
        office.new_customer(&format!("Fern {direction}"));
        assert!(skipped(&office.pull().await[0]).contains("nothing worth telling"), "R5, R31");
    }
    assert_eq!(office.records(Kind::Client).len(), 0);
    settings.directions.client = Direction::Pull;
    office.desk.save(settings).await;
    office.new_customer("Fern");
    assert_eq!(did(&office.pull_one().await), DoneAction::RecordCreated, "R7, R10");
}

#[tokio::test]
async fn r31_what_the_direction_keeps_out_is_told_if_it_has_a_counterpart_and_our_own_writes_are_not() {
    let office = Office::open(Seed::Landscaping).await;
    let mut settings = office.desk.settings().await;
    settings.directions.client = Direction::Push;
    office.desk.save(settings).await;
    let ames = crate::desk::client("c-1", "Ames & Daughters");
    let (_, id) = crate::desk::done(&office.desk.push("client.created", &ames).await);
    let own = office.notices_of_links();
    office.desk.calls();
    assert!(skipped(&office.deliver(&own).await[0]).contains("nothing worth telling"), "T20");
    office.new_customer("Nobody's");
    assert!(skipped(&office.pull().await[0]).contains("nothing worth telling"), "it has no counterpart");
    office.change("Customer", id.as_str(), &json!({"Notes": "Ring twice"}));
    assert!(skipped(&office.pull().await[0]).contains("is Push: changes in QuickBooks are not brought"));
    let entry = office.newest().await;
    assert_eq!(entry.billing_id.unwrap().as_str(), "c-1");
    assert_eq!(office.desk.calls(), 0, "nothing was read for it");
}

#[tokio::test]
async fn r37_d2_the_ladder_links_by_name_then_by_address() {
    let office = Office::open(Seed::Landscaping).await;
    let client = |id: &str, name: &str| {
        let value = crate::desk::client(id, name);
        Record::Client(serde_json::from_value(value).unwrap())
    };
    office.save(client("c-1", "FERN & sons"));
    office.save(client("c-2", "Somebody else"));
    let fern = office.new_customer("Fern & Sons");
    assert_eq!(did(&office.pull_one().await), DoneAction::RecordLinked, "R24 the other way");
    let body = json!({"DisplayName": "Else, S.", "PrimaryEmailAddr": {"Address": "C-2@clients.example"}});
    let other = id(&office.create("customer", &body));
    assert_eq!(did(&office.pull_one().await), DoneAction::RecordLinked);
    let link = |id: &str| {
        (office.link(Kind::Client, id).billing_id.to_string(), office.link(Kind::Client, id).matched_by)
    };
    assert_eq!(link(&fern), ("c-1".into(), MatchedBy::Name));
    assert_eq!(link(&other), ("c-2".into(), MatchedBy::Email));

    office.save(client("c-3", "Twice"));
    office.save(client("c-4", "Twice"));
    office.new_customer("Twice");
    let park = parked(&office.pull_one().await).clone();
    assert!(park.cause == ParkCause::Ambiguous && park.reason.contains("c-3"), "{}", park.reason);
}

#[tokio::test]
async fn r40_r41_items_come_over_and_categories_do_not() {
    let office = Office::open(Seed::Landscaping).await;
    let hedge = office.new_item("Hedge").await;
    assert_eq!(did(&office.pull_one().await), DoneAction::RecordCreated);
    assert_eq!(office.product(&hedge).price, Some("40".parse().unwrap()));
    office.create("item", &json!({"Name": "Gardens", "Type": "Category"}));
    assert!(skipped(&office.pull().await[0]).contains("category"), "R41");
    office.change("Item", &hedge, &json!({"UnitPrice": 42.5, "Name": "Hedges"}));
    assert_eq!(done(&office.pull_one().await).notes, ["Changed in QuickBooks: name, price."]);
    assert_eq!(office.product(&hedge).key, "Hedges");
}

#[tokio::test]
async fn what_is_made_inactive_stays_in_the_billing_app() {
    let office = Office::open(Seed::Landscaping).await;
    let fern = office.new_customer("Fern");
    office.pull().await;
    office.change("Customer", &fern, &json!({"Active": false}));
    assert!(skipped(&office.pull().await[0]).contains("inactive"));
    assert_eq!(office.client(&fern).name, "Fern", "without QuickBooks' mark of deletion");
}

#[tokio::test]
async fn a_merge_is_followed() {
    let office = Office::open(Seed::Landscaping).await;
    let (fern, moss) = (office.new_customer("Fern"), office.new_customer("Moss"));
    office.pull().await;
    // Moss goes into a Customer that is not synced yet.
    let reed = office.new_customer("Reed");
    office.notices();
    office.wait(3);
    office.act(|company, now| company.merge_customers(&reed, &moss, now)).unwrap();
    let results = office.pull().await;
    assert!(results.iter().any(|result| matches!(result, sync::activity::ActivityResult::Done(done) if done.notes[0].contains("was merged into \"Reed\""))), "{results:?}");
    assert_eq!((office.client(&reed).name.as_str(), office.records(Kind::Client).len()), ("Reed", 2));

    // And that one into another that has a client of its own.
    office.wait(3);
    office.act(|company, now| company.merge_customers(&fern, &reed, now)).unwrap();
    office.pull().await;
    let park = office.parked().await;
    assert!(park.iter().any(|entry| parked(&entry.result).cause == ParkCause::AlreadyLinked), "{park:?}");
    assert_eq!(office.records(Kind::Client).len(), 2, "nothing is deleted");
}

#[tokio::test]
async fn t20_what_a_merge_gives_another_customer_is_not_sent_back() {
    let office = Office::open(Seed::Landscaping).await;
    let (moss, reed) = (office.new_customer("Moss"), office.new_customer("Reed"));
    let invoice = office.new_invoice("N-1", &moss, &office.new_item("Hedge").await);
    let notices: Vec<_> = office
        .notices()
        .into_iter()
        .filter(|notice| notice.kind != Kind::Client || notice.quickbooks_id.as_str() == moss)
        .collect();
    office.deliver(&notices).await;
    office.wait(3);
    office.act(|company, now| company.merge_customers(&reed, &moss, now)).unwrap();
    office.pull().await;
    let before = office.entity("Invoice", &invoice);
    assert_eq!(before["CustomerRef"]["value"], reed);

    // Told late, as the app does.
    let stored = office.stored(Kind::Invoice, &office.link(Kind::Invoice, &invoice).billing_id);
    office.wait(3);
    let told = office.tell("invoice.updated", &stored).await;
    assert!(skipped(&told).contains("nothing that QuickBooks keeps has changed"), "{told:?}");
    assert_eq!(office.entity("Invoice", &invoice)["SyncToken"], before["SyncToken"]);
}

#[tokio::test]
async fn many_changes_cost_one_call() {
    let office = Office::open(Seed::Landscaping).await;
    for number in 0..70 {
        office.new_customer(&format!("Fern {number}"));
    }
    let (first, second) = (office.new_item("Hedge").await, office.new_item("Pond").await);
    office.change("Item", &first, &json!({"UnitPrice": 41}));
    let notices = office.notices();
    assert_eq!(notices.len(), 73);
    office.desk.calls();
    let results = office.deliver(&notices).await;
    assert_eq!(office.desk.calls(), 1, "all of it in one batch");
    let superseded = results
        .iter()
        .filter(|result| matches!(result, sync::activity::ActivityResult::Skipped { .. }))
        .count();
    assert_eq!((superseded, office.links(Kind::Client).len()), (1, 70));
    assert_eq!(
        (office.product(&first).price, office.product(&second).price),
        ("41".parse().ok(), "40".parse().ok())
    );
}

#[tokio::test]
async fn d9_creation_on_the_fly_can_be_switched_off() {
    let office = Office::open(Seed::Landscaping).await;
    let (fern, hedge) = (office.new_customer("Fern"), office.new_item("Hedge").await);
    office.notices();
    let settings = Settings { create_clients: false, ..office.desk.settings().await };
    office.desk.save(settings).await;
    office.new_invoice("N-1", &fern, &hedge);
    assert_eq!(parked(&office.pull_one().await).cause, ParkCause::Unmapped);
    assert_eq!(office.records(Kind::Invoice).len(), 0);
}
