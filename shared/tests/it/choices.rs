//! What a company chooses for its books: where the money of payments goes, the class and location of invoices, and which
//! custom fields stand for the billing app's.

use jiff::SignedDuration;
use quickbooks_simulator::company::{ClassPlace, Seed};
use serde_json::{Value, json};
use sync::ids::QuickBooksId;
use sync::model::PaymentMethod;
use sync::outcome::ParkCause;
use sync::ports::{Clock, Companies};
use sync::reference::Reference;
use sync::settings::Settings;

use crate::desk::{Desk, Now, client, done, invoice, notes, parked, payment, skipped};

/// A company with a bank account, which is known.
async fn with_a_bank() -> (Desk, QuickBooksId) {
    let desk = Desk::open(Seed::Landscaping).await;
    let answer = desk.bookkeeper("account", &[], &json!({"Name": "Clearing", "AccountType": "Bank"}));
    let id = QuickBooksId::new(answer["Account"]["Id"].as_str().unwrap()).unwrap();
    desk.read_reference_anew().await;
    (desk, id)
}

/// Makes the lists look as if they had been read a while ago.
async fn let_lists_age(desk: &Desk) {
    let reference = desk.companies.reference(&desk.books).await.unwrap().unwrap();
    let read_at = Now.now().saturating_sub(SignedDuration::from_mins(10)).unwrap();
    desk.companies.save_reference(&desk.books, &Reference { read_at, ..reference }).await.unwrap();
}

fn account_of(desk: &Desk, payment: &QuickBooksId) -> Value {
    desk.entity("Payment", payment)["DepositToAccountRef"].clone()
}

#[tokio::test]
async fn point_49_a_payment_goes_to_the_account_that_is_chosen_and_stays_where_the_bookkeeper_puts_it() {
    let (desk, checking) = with_a_bank().await;
    let ames = client("c-1", "Ames & Daughters");
    done(&desk.push("invoice.sent", &invoice("i-1", &ames, &["Hedge laying"])).await);
    let (_, plain) = done(&desk.push("payment.created", &payment("y-1", &ames, 10, &[("i-1", 10)])).await);
    assert_eq!(account_of(&desk, &plain)["name"], "Undeposited Funds", "QuickBooks' own default");

    desk.save(Settings {
        deposit_accounts: [(PaymentMethod::Card, checking.clone())].into(),
        ..desk.settings().await
    })
    .await;
    let mut by_card = payment("y-2", &ames, 20, &[("i-1", 20)]);
    by_card["method"] = json!("card");
    let (_, id) = done(&desk.push("payment.created", &by_card).await);
    assert_eq!(account_of(&desk, &id)["value"], checking.as_str());
    let (_, other) = done(&desk.push("payment.created", &payment("y-3", &ames, 30, &[("i-1", 30)])).await);
    assert_eq!(account_of(&desk, &other)["name"], "Undeposited Funds");

    desk.edit("Payment", &id, &json!({"DepositToAccountRef": {"value": account_of(&desk, &plain)["value"]}}));
    by_card["reference"] = json!("ref 77");
    done(&desk.push("payment.updated", &by_card).await);
    assert_eq!(desk.entity("Payment", &id)["PaymentRefNum"], "ref 77");
    assert_eq!(account_of(&desk, &id)["name"], "Undeposited Funds", "later it is the bookkeeper's");
}

#[tokio::test]
async fn point_49_an_account_that_was_made_inactive_is_named_and_nothing_is_booked_elsewhere() {
    let (desk, checking) = with_a_bank().await;
    desk.save(Settings { deposit_account: Some(checking.clone()), ..desk.settings().await }).await;
    desk.edit("Account", &checking, &json!({"Active": false, "Name": "Clearing", "AccountType": "Bank"}));
    let_lists_age(&desk).await;
    let payments = desk.count("Payment");
    let ames = client("c-1", "Ames & Daughters");
    let paid = desk.event("payment.created", &payment("y-1", &ames, 10, &[]));
    desk.deliver(std::slice::from_ref(&paid)).await;
    let park = parked(&desk.result(&paid).await).clone();
    assert_eq!(park.cause, ParkCause::Settings);
    assert!(park.reason.contains(checking.as_str()) && park.reason.contains("deposited"), "{}", park.reason);
    assert!(park.way_on.contains("deposit account") && park.way_on.contains("retry"), "{}", park.way_on);
    assert_eq!(desk.count("Payment"), payments);

    desk.edit("Account", &checking, &json!({"Active": true, "Name": "Clearing", "AccountType": "Bank"}));
    let_lists_age(&desk).await;
    desk.deliver(std::slice::from_ref(&paid)).await;
    let (_, id) = done(&desk.result(&paid).await);
    assert_eq!(account_of(&desk, &id)["value"], checking.as_str());
}

/// A company that tracks classes and locations, with two classes and a location, the first of each chosen.
async fn with_labels(place: ClassPlace) -> (Desk, [QuickBooksId; 3]) {
    let desk = Desk::open(Seed::Landscaping).await;
    desk.company(|company| {
        company.track_classes(Some(place), Now.now());
        company.track_locations(true, Now.now());
    });
    let made =
        [("class", "Class", "North"), ("class", "Class", "South"), ("department", "Department", "Yard")];
    let ids = made.map(|(path, entity, name)| {
        let answer = desk.bookkeeper(path, &[], &json!({"Name": name}));
        QuickBooksId::new(answer[entity]["Id"].as_str().unwrap()).unwrap()
    });
    desk.read_reference_anew().await;
    let (class, location) = (Some(ids[0].clone()), Some(ids[2].clone()));
    desk.save(Settings { class, location, ..desk.settings().await }).await;
    (desk, ids)
}

fn class_names(invoice: &Value) -> Vec<Value> {
    let lines = invoice["Line"].as_array().unwrap().iter();
    let sales = lines.filter(|line| line["DetailType"] == "SalesItemLineDetail");
    sales.map(|line| line["SalesItemLineDetail"]["ClassRef"]["name"].clone()).collect()
}

#[tokio::test]
async fn point_49_an_invoice_has_the_chosen_class_and_location_and_keeps_the_bookkeepers() {
    let (desk, [_, south, _]) = with_labels(ClassPlace::Form).await;
    let mut bill = invoice("i-1", &client("c-1", "Ames & Daughters"), &["Hedge laying"]);
    let (_, id) = done(&desk.push("invoice.sent", &bill).await);
    let names =
        |invoice: &Value| (invoice["ClassRef"]["name"].clone(), invoice["DepartmentRef"]["name"].clone());
    assert_eq!(names(&desk.entity("Invoice", &id)), (json!("North"), json!("Yard")));
    assert_eq!(class_names(&desk.entity("Invoice", &id)), [Value::Null]);
    desk.edit("Invoice", &id, &json!({"ClassRef": {"value": south.as_str()}}));
    bill["lines"][0]["quantity"] = json!(3);
    bill["amount"] = json!(150);
    done(&desk.push("invoice.updated", &bill).await);
    let now = desk.entity("Invoice", &id);
    assert_eq!(
        (names(&now), now["TotalAmt"].to_string()),
        ((json!("South"), json!("Yard")), "150.00".into())
    );
}

#[tokio::test]
async fn point_49_each_line_has_the_chosen_class_and_keeps_the_bookkeepers() {
    let (desk, [_, south, _]) = with_labels(ClassPlace::Line).await;
    let mut bill = invoice("i-1", &client("c-1", "Ames & Daughters"), &["Hedge laying", "Mulching"]);
    let (_, id) = done(&desk.push("invoice.sent", &bill).await);
    let booked = desk.entity("Invoice", &id);
    assert_eq!(class_names(&booked), ["North", "North"]);
    assert_eq!(booked["ClassRef"], Value::Null);

    // The bookkeeper gives one line another class; then the billing app puts a line before it, and changes it.
    let mut lines = booked["Line"].clone();
    lines[1]["SalesItemLineDetail"]["ClassRef"] = json!({"value": south.as_str()});
    desk.edit("Invoice", &id, &json!({"Line": lines}));
    let new = json!({"product_key": "Seeds", "notes": "Seeds", "quantity": 1, "unit_price": 30});
    bill["lines"].as_array_mut().unwrap().insert(0, new);
    bill["lines"][2]["quantity"] = json!(4);
    bill["amount"] = json!(330);
    let ended = desk.push("invoice.updated", &bill).await;
    assert_eq!(done(&ended).0, "Updated");
    assert_eq!(notes(&ended), &[] as &[String], "a class is no conflict");
    assert_eq!(class_names(&desk.entity("Invoice", &id)), ["North", "North", "South"]);

    desk.calls();
    bill["po_number"] = json!("PO-77");
    done(&desk.push("invoice.updated", &bill).await);
    assert_eq!(desk.calls(), 1, "what leaves the lines alone costs no read");
}

#[tokio::test]
async fn point_49_a_class_that_was_made_inactive_is_named_and_what_is_not_tracked_is_not_sent() {
    let (desk, [north, ..]) = with_labels(ClassPlace::Form).await;
    desk.edit("Class", &north, &json!({"Active": false, "Name": "North"}));
    let_lists_age(&desk).await;
    let ames = client("c-1", "Ames & Daughters");
    let park = parked(&desk.push("invoice.sent", &invoice("i-1", &ames, &["Hedge laying"])).await).clone();
    assert_eq!(park.cause, ParkCause::Settings);
    assert!(park.reason.starts_with(&format!("The class {north}")), "{}", park.reason);
    desk.company(|company| {
        company.track_classes(None, Now.now());
        company.track_locations(false, Now.now());
    });
    desk.read_reference_anew().await;
    let (_, id) = done(&desk.push("invoice.updated", &invoice("i-1", &ames, &["Hedge laying"])).await);
    let booked = desk.entity("Invoice", &id);
    assert_eq!((&booked["ClassRef"], &booked["DepartmentRef"]), (&Value::Null, &Value::Null));
}

/// Puts three fields on the company's sales forms, the first of which stands for one of the billing app's.
async fn with_custom_fields(desk: &Desk) {
    let one = QuickBooksId::new("1").unwrap();
    let on = |n: u8| json!({"Name": format!("SalesFormsPrefs.UseSalesCustom{n}"), "Type": "BooleanType", "BooleanValue": true});
    let name = |n: u8, name: &str| json!({"Name": format!("SalesFormsPrefs.SalesCustomName{n}"), "Type": "StringType", "StringValue": name});
    let fields = json!([
        {"CustomField": [on(1), on(2), on(3)]},
        {"CustomField": [name(1, "Crew"), name(2, "Gate"), name(3, "Route")]},
    ]);
    desk.edit("Preferences", &one, &json!({"SalesFormsPrefs": {"CustomField": fields}}));
    desk.read_reference_anew().await;
    let custom_fields = [("custom_value1".to_owned(), "1".to_owned())].into();
    desk.save(Settings { custom_fields, ..desk.settings().await }).await;
}

fn custom_fields(invoice: &Value) -> Vec<String> {
    let fields = invoice["CustomField"].as_array().unwrap().iter();
    fields.map(|field| field["StringValue"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn point_49_a_custom_field_is_pushed_and_the_bookkeepers_own_are_never_dropped() {
    let desk = Desk::open(Seed::Landscaping).await;
    with_custom_fields(&desk).await;
    let mut bill = invoice("i-1", &client("c-1", "Ames & Daughters"), &["Hedge laying"]);
    bill["custom_fields"] = json!({"custom_value1": "North", "custom_value2": "stands for none"});
    let (_, id) = done(&desk.push("invoice.sent", &bill).await);
    assert_eq!(custom_fields(&desk.entity("Invoice", &id)), ["North", "", ""]);
    assert!(skipped(&desk.push("invoice.updated", &bill).await).contains("nothing"));

    let own = json!([{"DefinitionId": "1", "StringValue": "North"}, {"DefinitionId": "2", "StringValue": "Gate 4"}]);
    desk.edit("Invoice", &id, &json!({"CustomField": own}));
    bill["custom_fields"]["custom_value1"] = json!("South crew, with the long ladder");
    let ended = desk.push("invoice.updated", &bill).await;
    assert_eq!(done(&ended).0, "Updated");
    let cut = "The custom field Crew holds 31 characters in QuickBooks; the rest was cut off.";
    assert_eq!(notes(&ended), [cut]);
    assert_eq!(
        custom_fields(&desk.entity("Invoice", &id)),
        ["South crew, with the long ladde", "Gate 4", ""]
    );

    bill["po_number"] = json!("PO-77");
    let ended = desk.push("invoice.updated", &bill).await;
    assert_eq!(
        (done(&ended).0.as_str(), notes(&ended)),
        ("Updated", &[] as &[String]),
        "told when it is sent"
    );

    bill["custom_fields"] = json!({});
    done(&desk.push("invoice.updated", &bill).await);
    assert_eq!(custom_fields(&desk.entity("Invoice", &id)), ["", "Gate 4", ""]);

    // A field that stands for none any more is the bookkeeper's again.
    bill["custom_fields"] = json!({"custom_value1": "West"});
    done(&desk.push("invoice.updated", &bill).await);
    desk.save(Settings { custom_fields: Default::default(), ..desk.settings().await }).await;
    bill["po_number"] = json!("PO-78");
    done(&desk.push("invoice.updated", &bill).await);
    assert_eq!(custom_fields(&desk.entity("Invoice", &id)), ["West", "Gate 4", ""]);
}

#[tokio::test]
async fn point_49_a_gateway_fee_arrives_as_a_line() {
    let desk = Desk::open(Seed::Landscaping).await;
    let mut bill = invoice("i-1", &client("c-1", "Ames & Daughters"), &["Hedge laying"]);
    let fee = |key: &str, price: f64| json!({"product_key": key, "notes": "Card fee", "quantity": 1, "unit_price": price, "product_type": "fee"});
    bill["lines"].as_array_mut().unwrap().extend([fee("Surcharge", 2.9), fee("", 0.3)]);
    bill["amount"] = json!(103.2);
    let ended = desk.push("invoice.sent", &bill).await;
    let booked = desk.entity("Invoice", &done(&ended).1);
    let lines = booked["Line"].as_array().unwrap();
    let sold: Vec<_> = lines
        .iter()
        .filter(|line| line["DetailType"] == "SalesItemLineDetail")
        .map(|line| {
            let item = line["SalesItemLineDetail"]["ItemRef"]["name"].as_str().unwrap();
            (item, line["Amount"].to_string())
        })
        .collect();
    assert_eq!(
        sold,
        [("Hedge laying", "100.00".to_owned()), ("Surcharge", "2.90".into()), ("Fees", "0.30".into())]
    );
    assert_eq!((booked["TotalAmt"].to_string(), notes(&ended)), ("103.20".into(), &[] as &[String]));
}
