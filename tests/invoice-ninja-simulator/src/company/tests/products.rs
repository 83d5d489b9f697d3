use serde_json::json;

use super::Session;
use crate::company::{Kind, Seed};

#[test]
fn keys_are_not_unique_and_amounts_are_plain_numbers() {
    let mut session = Session::new(Seed::Empty);
    let product = session.post("products", json!({"product_key": "Rose", "price": "34.50", "cost": 17}));
    assert_eq!((product["price"].to_string(), product["cost"].to_string()), ("34.5".into(), "17".into()));
    session.post("products", json!({"product_key": "Rose"}));
    assert_eq!(session.get("products?product_key=Rose").as_array().unwrap().len(), 2);
    assert_eq!(
        session.errors("POST", "products", json!({"price": "dear"}))["price"][0],
        "The price must be a number."
    );
}

#[test]
fn saving_an_invoice_writes_its_lines_into_the_products() {
    let mut session = Session::new(Seed::Empty);
    let client = session.client("Ann");
    let rose = session.post("products", json!({"product_key": "Rose", "notes": "Old", "price": 34}));
    session.post(
        "invoices",
        json!({"client_id": client["id"], "line_items": [
            {"product_key": "Rose", "notes": "New", "cost": 36, "quantity": 2},
            {"product_key": "Tulip", "cost": 3, "quantity": 1},
            {"product_key": "Late fee", "cost": 5, "quantity": 1, "type_id": "5"},
        ]}),
    );
    let after = session.now(Kind::Product, &rose);
    assert_eq!((&after["notes"], &after["price"]), (&json!("New"), &json!(36)));
    assert_eq!(after["updated_at"].as_i64(), Some(session.now.as_second()));
    let keys: Vec<_> =
        session.company.records(Kind::Product).iter().map(|it| it["product_key"].clone()).collect();
    assert_eq!(keys, ["Rose", "Tulip"], "fees are no products");
}

#[test]
fn products_stay_as_they_are_if_the_company_says_so_or_the_money_is_foreign() {
    let mut session = Session::new(Seed::Empty);
    let abroad = session.post("clients", json!({"settings": {"currency_id": "3"}}));
    let line = json!([{"product_key": "Rose", "cost": 36, "quantity": 1}]);
    session.post("invoices", json!({"client_id": abroad["id"], "line_items": line}));
    session.set(json!({"update_products": false}));
    let client = session.client("Ann");
    session.post("invoices", json!({"client_id": client["id"], "line_items": line}));
    assert!(session.company.records(Kind::Product).is_empty());
}

#[test]
fn even_a_deleted_product_is_written_into() {
    let mut session = Session::new(Seed::Empty);
    let client = session.client("Ann");
    let rose = session.post("products", json!({"product_key": "Rose", "price": 34}));
    session.done("DELETE", &format!("products/{}", super::id(&rose)), json!({}));
    let line = json!([{"product_key": "Rose", "cost": 36, "quantity": 1}]);
    session.post("invoices", json!({"client_id": client["id"], "line_items": line}));
    assert_eq!(session.company.records(Kind::Product).len(), 1);
    assert_eq!(session.now(Kind::Product, &rose)["price"], 36);
}
