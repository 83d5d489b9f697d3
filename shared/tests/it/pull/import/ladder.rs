//! Which records entities are matched with, and which never.

use quickbooks_simulator::company::Seed;
use serde_json::json;
use sync::import::What;
use sync::link::MatchedBy;
use sync::model::{Kind, Record};
use sync::outcome::ParkCause;

use super::super::office::id;
use super::bureau::Bureau;
use crate::desk;

#[tokio::test]
async fn r37_r39_clients_by_id_name_and_address_and_the_link_stays() {
    let bureau = Bureau::open(Seed::Empty).await;
    let office = &bureau.office;
    bureau.save_client("c-1", "FERN & sons");
    bureau.save_client("c-2", "Somebody else");
    bureau.save_client("c-3", "Twice");
    bureau.save_client("c-4", "Twice");
    let fern = office.new_customer("Fern & Sons");
    let body = json!({"DisplayName": "Else, S.", "PrimaryEmailAddr": {"Address": "C-2@clients.example"}});
    let other = id(&office.create("customer", &body));
    let twice = office.new_customer("Twice");
    let new = office.new_customer("Quite new");

    let preview = bureau.preview(&[Kind::Client]).await;
    assert_eq!(office.links(Kind::Client), []);
    for job in [preview, bureau.run(&[Kind::Client]).await] {
        let counts = job.total();
        assert_eq!(counts.linked[&MatchedBy::Name], 1);
        assert_eq!(counts.linked[&MatchedBy::Email], 1);
        assert_eq!((counts.created, counts.ambiguous()), (1, 1), "R38, D2: {counts:?}");
        let by_name = bureau.record(&job, Kind::Client, &fern).await;
        assert_eq!(by_name.what, What::Linked { by: MatchedBy::Name });
        assert_eq!(by_name.billing_id.as_ref().unwrap().as_str(), "c-1");
        assert!(!by_name.differences.is_empty(), "what differs is told");
        assert!(by_name.differences.iter().all(|difference| !difference.taken), "and stays");
        let ambiguous = bureau.record(&job, Kind::Client, &twice).await;
        let candidates: Vec<&str> =
            ambiguous.candidates.iter().map(|candidate| candidate.billing_id.as_str()).collect();
        assert_eq!(candidates, ["c-3", "c-4"]);
        assert!(matches!(ambiguous.what, What::Failed { park } if park.cause == ParkCause::Ambiguous));
        assert_eq!(bureau.record(&job, Kind::Client, &new).await.what, What::Created);
    }
    assert_eq!(office.client(&fern).name, "FERN & sons", "linking writes nothing");
    assert_eq!(office.parked().await.len(), 1, "the ambiguous one waits in the activity log");
    bureau.run(&[Kind::Client]).await;
    assert_eq!(office.parked().await.len(), 1, "and once, however often it is tried");

    // R39: once linked, the name does not matter any more.
    office.change("Customer", &other, &json!({"DisplayName": "Else & Co"}));
    let job = bureau.run(&[Kind::Client]).await;
    assert_eq!(bureau.record(&job, Kind::Client, &other).await.what, What::Updated);
    assert_eq!(office.client(&other).name, "Else & Co");
    assert_eq!(office.records(Kind::Client).len(), 5);
}

#[tokio::test]
async fn what_waited_goes_on_when_it_is_retried_whatever_the_direction() {
    let bureau = Bureau::open(Seed::Empty).await;
    let office = &bureau.office;
    bureau.save_client("c-3", "Twice");
    bureau.save_client("c-4", "Twice");
    let twice = office.new_customer("Twice");
    bureau.run(&[Kind::Client]).await;
    let mut renamed = desk::client("c-4", "Once");
    renamed["contacts"][0]["email"] = json!("once@clients.example");
    office.save(Record::Client(serde_json::from_value(renamed).unwrap()));
    let queue = sync::memory::MemoryPullQueue::default();
    let company = &office.desk.books.company;
    let which = sync::parked::Which::All;
    let retried = sync::parked::retry_notices(
        &office.desk.activity,
        &queue,
        company,
        &which,
        office.desk.simulator.now(),
    );
    assert_eq!(retried.await.unwrap().len(), 1);
    let message = queue.messages().remove(0);
    let message = sync::push::Message {
        id: "m-1".into(),
        group: company.to_string(),
        body: message.body,
        sent_at: office.desk.simulator.now(),
        deliveries: 1,
    };
    sync::pull::messages(office.ports(), &[message]).await;
    assert_eq!(office.link(Kind::Client, &twice).billing_id.as_str(), "c-3");
    assert_eq!(office.parked().await, []);
}

#[tokio::test]
async fn r40_r41_products_by_key_or_full_name_and_no_categories_or_bundles() {
    let bureau = Bureau::open(Seed::Landscaping).await;
    let office = &bureau.office;
    bureau.save_product("p-1", "hedge");
    bureau.save_product("p-2", "Garden:Fence");
    let hedge = office.new_item("Hedge").await;
    let garden = id(&office.create("item", &json!({"Name": "Garden", "Type": "Category"})));
    let account = office.account().await;
    let fence = id(&office.create(
        "item",
        &json!({"Name": "Fence", "Type": "Service", "SubItem": true, "ParentRef": {"value": garden}, "IncomeAccountRef": {"value": account}}),
    ));
    let job = bureau.run(&[Kind::Product]).await;
    for (item, record) in [(&hedge, "p-1"), (&fence, "p-2")] {
        let ended = bureau.record(&job, Kind::Product, item).await;
        assert_eq!(ended.what, What::Linked { by: MatchedBy::Key });
        assert_eq!(ended.billing_id.unwrap().as_str(), record);
    }
    let category = bureau.record(&job, Kind::Product, &garden).await;
    assert!(
        matches!(&category.what, What::Skipped { reason } if reason.contains("category")),
        "{category:?}"
    );
}

#[tokio::test]
async fn r42_r44_d5_numbers_never_link_and_a_taken_one_gets_a_suffix() {
    let bureau = Bureau::open(Seed::Empty).await;
    let office = &bureau.office;
    bureau.save_client("c-1", "Fern");
    let client = desk::client("c-1", "Fern");
    let mut twin = desk::invoice("i-1", &client, &["A", "B"]);
    twin["number"] = json!("N-1");
    twin["lines"][0]["quantity"] = json!(1);
    twin["amount"] = json!(150);
    let mut namesake = desk::invoice("i-2", &client, &["A"]);
    namesake["number"] = json!("N-2");
    for invoice in [twin, namesake] {
        office.save(Record::Invoice(serde_json::from_value(invoice).unwrap()));
    }
    let (fern, hedge) = (office.new_customer("Fern"), office.new_item("Hedge").await);
    let [one, two, free] = ["N-1", "N-2", "N-3"].map(|number| office.new_invoice(number, &fern, &hedge));
    let preview = bureau.preview(&Kind::ALL).await;
    for job in [preview, bureau.run(&Kind::ALL).await] {
        let told = bureau.record(&job, Kind::Invoice, &one).await;
        assert_eq!(told.what, What::Created, "R43");
        assert!(told.notes[0].contains("likely this very one"), "D5: {:?}", told.notes);
        assert_eq!(told.candidates[0].billing_id.as_str(), "i-1");
        let told = bureau.record(&job, Kind::Invoice, &two).await;
        assert!(told.notes[0].contains("is taken"), "{:?}", told.notes);
        assert_eq!(bureau.record(&job, Kind::Invoice, &free).await.notes, Vec::<String>::new());
    }
    assert_eq!(office.invoice(&one).number, format!("N-1_{one}"), "R44");
    assert_eq!(office.invoice(&two).number, format!("N-2_{two}"));
    assert_eq!(office.invoice(&free).number, "N-3");
    assert_eq!(office.records(Kind::Invoice).len(), 5);
}
