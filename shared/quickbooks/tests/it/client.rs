//! Each operation: what goes over the wire, and what is made of the answer.

use axum::routing::{get, post};
use axum::{Json, Router};
use quickbooks_wire::query::{Query, eq, is_in};
use quickbooks_wire::{
    BatchItemRequest, BatchOutcome, Customer, Entity, EntityKind, Invoice, Operation, Ref, TaxService,
    TaxServiceRate,
};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use sync::ids::QuickBooksId;
use sync::ports::QuickBooks;

use crate::server::{Server, client_at, request_id, serve};

fn id(id: &str) -> QuickBooksId {
    QuickBooksId::new(id).unwrap()
}

fn saved(kind: &str, members: &Value) -> Value {
    json!({kind: members, "time": "2026-03-01T10:00:00.1-08:00"})
}

#[tokio::test]
async fn create_posts_the_entity_and_returns_it_as_saved() {
    let server = Server::with(200, saved("Customer", &json!({"Id": "71", "SyncToken": "0"}))).await;
    let customer = Customer { display_name: Some("Fern & Söhne".into()), ..Customer::default() };
    let created = server.client().create(&customer.into(), &request_id()).await.unwrap();
    assert_eq!((created.kind(), created.id()), (EntityKind::Customer, Some("71")));
    insta::assert_snapshot!(server.requests());
}

#[tokio::test]
async fn update_posts_what_is_set() {
    let server = Server::with(200, saved("Invoice", &json!({"Id": "201", "SyncToken": "4"}))).await;
    let invoice = Invoice {
        id: Some("201".into()),
        sync_token: Some("3".into()),
        sparse: Some(true),
        customer_ref: Some(Ref::to("71")),
        exchange_rate: Some(Decimal::new(110, 2)),
        ..Invoice::default()
    };
    let updated = server.client().update(&invoice.into(), &request_id()).await.unwrap();
    assert_eq!(updated.sync_token(), Some("4"));
    insta::assert_snapshot!(server.requests());
}

#[tokio::test]
async fn invoices_and_payments_are_voided_each_in_its_way() {
    let server = Server::answering([
        Json(saved("Invoice", &json!({"Id": "201", "TotalAmt": 0}))),
        Json(saved("Payment", &json!({"Id": "230", "TotalAmt": 0}))),
    ])
    .await;
    let client = server.client();
    client.void(EntityKind::Invoice, &id("201"), "4", &request_id()).await.unwrap();
    client.void(EntityKind::Payment, &id("230"), "0", &request_id()).await.unwrap();
    client.void(EntityKind::Customer, &id("71"), "0", &request_id()).await.unwrap_err();
    insta::assert_snapshot!(server.requests());
}

#[tokio::test]
async fn delete_returns_the_tombstone() {
    let server = Server::with(200, saved("Payment", &json!({"status": "Deleted", "Id": "230"}))).await;
    let gone = server.client().delete(EntityKind::Payment, &id("230"), "1", &request_id()).await.unwrap();
    assert!(gone.is_deleted());
    insta::assert_snapshot!(server.requests());
}

#[tokio::test]
async fn read_tells_what_is_there_from_what_is_not() {
    let gone = json!({"Fault": {"Error": [{"Message": "Object Not Found", "code": "610"}], "type": "ValidationFault"}});
    let server = Server::answering([
        (axum::http::StatusCode::OK, Json(saved("Item", &json!({"Id": "12", "UnitPrice": 92.5})))),
        (axum::http::StatusCode::BAD_REQUEST, Json(gone)),
    ])
    .await;
    let client = server.client();
    let item = client.read(EntityKind::Item, &id("12")).await.unwrap();
    assert_eq!(item.unwrap().id(), Some("12"));
    assert_eq!(client.read(EntityKind::Item, &id("13")).await.unwrap(), None);
    insta::assert_snapshot!(server.requests());
}

#[tokio::test]
async fn one_query_goes_into_the_address() {
    let rows = json!({"QueryResponse": {"Customer": [{"Id": "1"}, {"Id": "2"}], "maxResults": 2}});
    let server = Server::with(200, rows).await;
    let query = Query::from("Customer").filter(eq("DisplayName", "Amy's 50% + Söhne & Co")).max(2);
    let answers = server.client().query(&[query]).await.unwrap();
    assert_eq!(answers[0].iter().map(Entity::id).collect::<Vec<_>>(), [Some("1"), Some("2")]);
    insta::assert_snapshot!(server.requests());
}

#[tokio::test]
async fn a_long_query_is_posted() {
    let server = Server::with(200, json!({"QueryResponse": {}})).await;
    let query = Query::from("Item").filter(is_in("Name", vec!["A name that fills the address"; 60]));
    assert!(server.client().query(&[query]).await.unwrap()[0].is_empty());
    let request = server.requests();
    assert!(request.starts_with("POST /v3/company/9130000000000001/query?minorversion=75\n"), "{request}");
    assert!(request.contains("content-type: application/text\n"), "{request}");
    assert!(request.contains("\nselect * from Item where Name in ('A name"), "{request}");
}

#[tokio::test]
async fn several_queries_are_one_batch() {
    let answer = json!({"BatchItemResponse": [
        {"bId": "1", "QueryResponse": {"Item": [{"Id": "12"}]}},
        {"bId": "0", "QueryResponse": {}},
    ]});
    let server = Server::with(200, answer).await;
    let queries = [Query::from("Customer"), Query::from("Item")];
    let answers = server.client().query(&queries).await.unwrap();
    assert_eq!(answers.iter().map(Vec::len).collect::<Vec<_>>(), [0, 1]);
    insta::assert_snapshot!(server.requests());
}

#[tokio::test]
async fn more_queries_than_a_batch_holds_are_several_calls() {
    let batch =
        (0..30).map(|place| json!({"bId": place.to_string(), "QueryResponse": {}})).collect::<Vec<_>>();
    let rows = json!({"QueryResponse": {"Item": [{"Id": "12"}]}});
    let server = Server::answering([Json(json!({"BatchItemResponse": batch})), Json(rows)]).await;
    let answers = server.client().query(&vec![Query::from("Item"); 31]).await.unwrap();
    assert_eq!((answers.len(), answers[30].len()), (31, 1));
    assert_eq!(server.requests().matches("/batch?").count(), 1);
}

#[tokio::test]
async fn a_query_without_an_answer_is_not_taken_for_an_empty_one() {
    let server = Server::with(200, json!({"BatchItemResponse": [{"bId": "0", "QueryResponse": {}}]})).await;
    let error = server.client().query(&[Query::from("Customer"), Query::from("Item")]).await.unwrap_err();
    assert!(matches!(error, sync::ports::CallError::Unknown(_)), "{error}");
}

#[tokio::test]
async fn a_name_is_sought_wherever_it_must_be_unique() {
    let answer = json!({"BatchItemResponse": [
        {"bId": "0", "QueryResponse": {"Customer": [{"Id": "7", "DisplayName": "Fern", "Active": false}]}},
        {"bId": "1", "QueryResponse": {"Vendor": [{"Id": "8", "DisplayName": "FERN", "Active": true}]}},
        {"bId": "2", "QueryResponse": {}},
    ]});
    let server = Server::with(200, answer).await;
    let holders = server.client().name_holders("Fern").await.unwrap();
    insta::assert_debug_snapshot!(holders);
    insta::assert_snapshot!(server.requests());
}

#[tokio::test]
async fn a_batch_gives_each_item_its_outcome() {
    let answer = json!({"BatchItemResponse": [
        {"bId": "b", "Fault": {"Error": [{"Message": "Duplicate Name Exists Error", "code": "6240"}]}},
        {"bId": "a", "Customer": {"Id": "71"}},
    ]});
    let server = Server::with(200, answer).await;
    let named = |name: &str| Customer { display_name: Some(name.into()), ..Customer::default() };
    let items = vec![
        BatchItemRequest::write("a", Operation::Create, named("Fern").into()),
        BatchItemRequest::write("b", Operation::Create, named("Moss").into()),
    ];
    let answers = server.client().in_one_call(items, Some(&request_id())).await.unwrap();
    let outcomes: Vec<_> =
        answers.into_iter().map(|answer| (answer.b_id.clone(), answer.into_outcome())).collect();
    assert!(matches!(&outcomes[0], (id, BatchOutcome::Fault(fault)) if id == "b" && fault.has_code("6240")));
    assert!(
        matches!(&outcomes[1], (id, BatchOutcome::Entity(entity)) if id == "a" && entity.id() == Some("71"))
    );
    insta::assert_snapshot!(server.requests());
}

#[tokio::test]
async fn a_batch_that_intuit_would_refuse_is_not_sent() {
    let server = Server::with(200, json!({})).await;
    let items =
        (0..31).map(|place| BatchItemRequest::query(place.to_string(), &Query::from("Term"))).collect();
    server.client().in_one_call(items, None).await.unwrap_err();
    assert_eq!(server.requests(), "");
}

#[tokio::test]
async fn changes_are_objects_and_tombstones() {
    let answer = json!({"CDCResponse": [{"QueryResponse": [
        {"Invoice": [{"Id": "201"}, {"status": "Deleted", "Id": "33"}], "maxResults": 2}, {},
    ]}]});
    let server = Server::with(200, answer).await;
    let since = "2026-03-01T10:00:00-08:00".parse().unwrap();
    let changed = server.client().changes(&[EntityKind::Invoice, EntityKind::Payment], since).await.unwrap();
    assert_eq!(changed.iter().map(Entity::is_deleted).collect::<Vec<_>>(), [false, true]);
    insta::assert_snapshot!(server.requests());
}

#[tokio::test]
async fn tax_codes_are_made_by_the_tax_service() {
    let answer = json!({"TaxCode": "City", "TaxCodeId": "9", "TaxRateDetails": [{"TaxRateId": "11", "RateValue": "8%"}]});
    let server = Server::with(200, answer).await;
    let rate = TaxServiceRate {
        tax_rate_name: Some("City".into()),
        rate_value: Some("8".into()),
        tax_agency_id: Some("1".into()),
        tax_applicable_on: Some("Sales".into()),
        ..TaxServiceRate::default()
    };
    let code =
        TaxService { tax_code: Some("City".into()), tax_rate_details: vec![rate], ..TaxService::default() };
    let made = server.client().create_tax_code(&code, &request_id()).await.unwrap();
    assert_eq!(made.tax_code_id.as_deref(), Some("9"));
    insta::assert_snapshot!(server.requests());
}

/// A company with more accounts and tax rates than fit on a page.
async fn answer_queries(Json(batch): Json<Value>) -> Json<Value> {
    let rows = |entity: &str, count| json!({entity: vec![json!({"Id": "1"}); count]});
    let answer = |query: &str| match query.strip_prefix("select * from ").unwrap() {
        "Account orderby Id startposition 1 maxresults 1000" => rows("Account", 1000),
        "Account orderby Id startposition 1001 maxresults 1000" => rows("Account", 2),
        "TaxRate orderby Id startposition 1 maxresults 1000" => rows("TaxRate", 1000),
        "Term orderby Id startposition 1 maxresults 1000" => rows("Term", 5),
        _ => json!({}),
    };
    let items = batch["BatchItemRequest"].as_array().unwrap().iter();
    let answers = items
        .map(|item| json!({"bId": item["bId"], "QueryResponse": answer(item["Query"].as_str().unwrap())}));
    Json(json!({"BatchItemResponse": answers.collect::<Vec<_>>()}))
}

#[tokio::test]
async fn reference_lists_are_read_to_their_end() {
    let company = saved("CompanyInfo", &json!({"CompanyName": "Fern & Co"}));
    let preferences = saved("Preferences", &json!({"TaxPrefs": {"UsingSalesTax": true}}));
    let app = Router::new()
        .route("/v3/company/{realm}/companyinfo/{same}", get(Json(company)))
        .route("/v3/company/{realm}/preferences", get(Json(preferences)))
        .route("/v3/company/{realm}/batch", post(answer_queries));
    let lists = client_at(&serve(app).await).reference_lists().await.unwrap();
    assert_eq!(lists.company_info.company_name.as_deref(), Some("Fern & Co"));
    assert_eq!(lists.preferences.tax_prefs.unwrap().using_sales_tax, Some(true));
    assert_eq!((lists.accounts.len(), lists.tax_rates.len(), lists.terms.len()), (1002, 1000, 5));
}
