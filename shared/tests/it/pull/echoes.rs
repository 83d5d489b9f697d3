//! What comes back of our own writes, balances that move, and data that is older than what is known.

use jiff::SignedDuration;
use quickbooks_simulator::company::Seed;
use serde_json::json;
use sync::model::{Kind, Record};
use sync::notice::{ChangeNotice, Operation, Source};
use sync::outcome::DoneAction;

use super::office::{Office, did, done};
use crate::desk::{self, skipped};

#[tokio::test]
async fn t20_r94_a_push_is_not_pulled_and_a_pull_is_not_pushed() {
    let office = Office::open(Seed::Landscaping).await;
    let client = desk::client("c-1", "Ames & Daughters");
    let bill = desk::invoice("i-1", &client, &["Hedge laying"]);
    office.save(Record::Client(serde_json::from_value(client.clone()).unwrap()));
    office.save(Record::Invoice(serde_json::from_value(bill.clone()).unwrap()));
    desk::done(&office.desk.push("invoice.sent", &bill).await);
    let notices = office.notices_of_links();
    assert_eq!(notices.len(), 3, "a client, a product and an invoice");
    office.desk.calls();
    for result in office.deliver(&notices).await {
        assert!(skipped(&result).contains("nothing"), "{result:?}");
    }
    assert_eq!(office.desk.calls(), 0, "without a call");

    let fern = office.new_customer("Fern");
    let hedge = office.new_item("Pond").await;
    let invoice = office.new_invoice("N-1", &fern, &hedge);
    let paid = office.new_payment(&fern, 150, &[(&invoice, 150)]);
    office.pull().await;
    let before = [("Customer", &fern), ("Item", &hedge), ("Invoice", &invoice), ("Payment", &paid)]
        .map(|(entity, id)| office.entity(entity, id));
    for (kind, id, event) in [
        (Kind::Client, &fern, "client.created"),
        (Kind::Product, &hedge, "product.created"),
        (Kind::Invoice, &invoice, "invoice.created"),
        (Kind::Payment, &paid, "payment.created"),
    ] {
        let stored = office.stored(kind, &office.link(kind, id).billing_id);
        let result = office.tell(event, &stored).await;
        assert!(skipped(&result).contains("nothing"), "{event}: {result:?}");
    }
    office.change("Invoice", &invoice, &json!({"DueDate": "2026-09-01"}));
    assert_eq!(did(&office.pull_one().await), DoneAction::RecordUpdated);
    let stored = office.stored(Kind::Invoice, &office.link(Kind::Invoice, &invoice).billing_id);
    assert!(skipped(&office.tell("invoice.updated", &stored).await).contains("nothing"));
    let due = office.entity("Invoice", &invoice);
    assert_eq!(
        (due["SyncToken"].as_str(), before[2]["SyncToken"].as_str()),
        (Some("2"), Some("1")),
        "the bookkeeper's own"
    );
    let after = [("Customer", &fern), ("Item", &hedge), ("Payment", &paid)]
        .map(|(entity, id)| office.entity(entity, id));
    assert_eq!([&before[0], &before[1], &before[3]], [&after[0], &after[1], &after[2]]);
}

/// QuickBooks' times are whole seconds, its webhooks' are not: what happens in the second of what was seen is told from
/// it as far as can be without a call.
#[tokio::test]
async fn t20_an_edit_in_the_second_of_what_was_seen_is_brought_over() {
    let office = Office::open(Seed::Landscaping).await;
    let told = |notice: &ChangeNotice, operation, millis: i64| ChangeNotice {
        operation,
        last_updated: Some(
            notice.last_updated.unwrap().round(jiff::Unit::Second).unwrap()
                + SignedDuration::from_millis(millis),
        ),
        ..notice.clone()
    };
    // Brought over, and changed once more within the second.
    let fern = office.new_customer("Fern");
    let created = told(&office.notices()[0], Operation::Created, 100);
    office.deliver(std::slice::from_ref(&created)).await;
    office.edit_in_the_same_second("Customer", &fern, &json!({"Notes": "Ring twice"}));
    let edited = told(&created, Operation::Updated, 700);
    assert_eq!(did(&office.deliver(std::slice::from_ref(&edited)).await[0]), DoneAction::RecordUpdated);
    assert_eq!(office.client(&fern).public_notes, "Ring twice");
    // The same again, from the version after the first: the notice that was carried out says when that was.
    office.edit_in_the_same_second("Customer", &fern, &json!({"Notes": "Ring once"}));
    let once_more = told(&created, Operation::Updated, 900);
    assert_eq!(did(&office.deliver(std::slice::from_ref(&once_more)).await[0]), DoneAction::RecordUpdated);

    // Pushed by us, and edited within the second: one webhook tells of both.
    let ames = desk::client("c-1", "Ames");
    office.save(Record::Client(serde_json::from_value(ames.clone()).unwrap()));
    let (_, id) = desk::done(&office.desk.push("client.created", &ames).await);
    let own = office.notices_of_links().into_iter().find(|notice| notice.quickbooks_id == id).unwrap();
    let own = ChangeNotice { operation: Operation::Created, ..own };
    office.desk.calls();
    assert!(skipped(&office.deliver(std::slice::from_ref(&own)).await[0]).contains("nothing"));
    assert_eq!(office.desk.calls(), 0, "our own write costs no call");
    office.edit_in_the_same_second("Customer", id.as_str(), &json!({"Notes": "Mind the dog"}));
    let edited = told(&own, Operation::Updated, 800);
    office.deliver(&[own, edited]).await;
    assert_eq!(office.client(id.as_str()).public_notes, "Mind the dog");
}

#[tokio::test]
async fn d3_a_payments_touch_on_its_invoice_and_client_is_no_edit() {
    let office = Office::open(Seed::Landscaping).await;
    let (fern, hedge) = (office.new_customer("Fern"), office.new_item("Hedge").await);
    let bill = office.new_invoice("N-1", &fern, &hedge);
    office.pull().await;
    let updated_at = office.stored(Kind::Invoice, &office.link(Kind::Invoice, &bill).billing_id).updated_at;
    office.new_payment(&fern, 150, &[(&bill, 150)]);
    let notices = office.notices();
    let touched = ChangeNotice {
        kind: Kind::Invoice,
        quickbooks_id: sync::ids::QuickBooksId::new(bill.clone()).unwrap(),
        operation: Operation::Updated,
        ..notices[0].clone()
    };
    let results = office.deliver(&[touched]).await;
    assert!(skipped(&results[0]).contains("nothing"), "{results:?}");
    let link = office.link(Kind::Invoice, &bill);
    assert_eq!(office.stored(Kind::Invoice, &link.billing_id).updated_at, updated_at);
    assert_eq!(
        link.sync_token,
        office.entity("Invoice", &bill)["SyncToken"].as_str().unwrap(),
        "T5 costs no 5010"
    );
}

#[tokio::test]
async fn t21_a_touch_of_the_billing_app_does_not_block_a_pull() {
    let office = Office::open(Seed::Landscaping).await;
    let fern = office.new_customer("Fern");
    office.pull().await;
    office.change("Customer", &fern, &json!({"Notes": "Ring twice"}));
    // Saved later in the billing app, with nothing changed that QuickBooks keeps.
    let mut client = office.client(&fern);
    client.vat_number = "EU1".into();
    office.save(Record::Client(Box::new(client)));
    assert_eq!(done(&office.pull_one().await).notes, ["Changed in QuickBooks: notes."]);
    let client = office.client(&fern);
    assert_eq!((client.public_notes.as_str(), client.vat_number.as_str()), ("Ring twice", "EU1"));
}

#[tokio::test]
async fn t21_r32_an_edit_here_that_is_not_pushed_yet_survives_a_pull_of_another_field() {
    let office = Office::open(Seed::Landscaping).await;
    let fern = office.new_customer("Fern");
    office.pull().await;
    let mut client = office.client(&fern);
    client.website = "https://fern.example".into();
    office.save(Record::Client(Box::new(client)));
    let stored = office.stored(Kind::Client, &office.link(Kind::Client, &fern).billing_id);
    office.change("Customer", &fern, &json!({"Notes": "Ring twice"}));
    office.pull_one().await;
    // Its event, older than the pull, carries the notes as they were.
    assert_eq!(did(&office.tell("client.updated", &stored).await), DoneAction::Updated);
    let entity = office.entity("Customer", &fern);
    assert_eq!(
        (entity["WebAddr"]["URI"].as_str(), entity["Notes"].as_str()),
        (Some("https://fern.example"), Some("Ring twice"))
    );
    assert_eq!(office.client(&fern).public_notes, "Ring twice");
}

#[tokio::test]
async fn r32_a_bookkeepers_edit_that_a_push_has_seen_in_passing_comes_over_all_the_same() {
    let office = Office::open(Seed::Landscaping).await;
    let fern = office.new_customer("Fern");
    office.pull().await;
    office.change("Customer", &fern, &json!({"Notes": "Ring twice"}));
    let late = office.notices();
    let mut client = office.client(&fern);
    client.website = "https://fern.example".into();
    office.save(Record::Client(Box::new(client)));
    let stored = office.stored(Kind::Client, &office.link(Kind::Client, &fern).billing_id);
    assert_eq!(did(&office.tell("client.updated", &stored).await), DoneAction::Updated);
    assert_eq!(did(&office.deliver(&late).await[0]), DoneAction::RecordUpdated);
    let client = office.client(&fern);
    assert_eq!(
        (client.public_notes.as_str(), client.website.as_str()),
        ("Ring twice", "https://fern.example")
    );
}

#[tokio::test]
async fn r95_the_same_notice_twice_leaves_one_record() {
    let office = Office::open(Seed::Landscaping).await;
    office.new_customer("Fern");
    let notices = office.notices();
    for _ in 0..2 {
        assert_eq!(did(&office.deliver(&notices).await[0]), DoneAction::RecordCreated);
    }
    let again = ChangeNotice { source: Source::Retry, ..notices[0].clone() };
    assert_eq!(did(&office.deliver(&[again]).await[0]), DoneAction::RecordCreated);
    assert_eq!(office.records(Kind::Client).len(), 1);
}

#[tokio::test]
async fn d12_another_realms_notices_are_told_apart() {
    let office = Office::open(Seed::Landscaping).await;
    office.new_customer("Fern");
    let mut notice = office.notices().remove(0);
    notice.realm = sync::ids::RealmId::new("1").unwrap();
    assert!(skipped(&office.deliver(&[notice]).await[0]).contains("connected no more"));
}
