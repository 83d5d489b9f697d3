//! Finding counterparts that are there already, and making the ones that are not.

use quickbooks_simulator::company::Seed;
use serde_json::json;
use sync::outcome::ParkCause;
use sync::settings::{Direction, Directions, Settings};

use crate::desk::{Desk, client, done, invoice, parked, payment, product, skipped};

#[tokio::test]
async fn r11_r13_r14_r15_each_kind_is_created() {
    let desk = Desk::open(Seed::Landscaping).await;
    let ames = client("c-1", "Ames & Daughters");
    let (action, customer) = done(&desk.push("client.created", &ames).await);
    assert_eq!(action, "Created");
    assert_eq!(desk.entity("Customer", &customer)["DisplayName"], "Ames & Daughters");
    let (_, item) = done(&desk.push("product.created", &product("p-1", "Hedge laying")).await);
    assert_eq!(desk.entity("Item", &item)["Name"], "Hedge laying");
    let (_, booked) = done(&desk.push("invoice.sent", &invoice("i-1", &ames, &["Hedge laying"])).await);
    let (_, paid) = done(&desk.push("payment.created", &payment("y-1", &ames, 60, &[("i-1", 60)])).await);
    let booked = desk.entity("Invoice", &booked);
    assert_eq!(booked["CustomerRef"]["value"], customer.as_str());
    assert_eq!(booked["Line"][0]["SalesItemLineDetail"]["ItemRef"]["value"], item.as_str());
    assert_eq!(booked["Balance"].to_string(), "40.00");
    assert_eq!(desk.entity("Payment", &paid)["TotalAmt"].to_string(), "60.00");
}

#[tokio::test]
async fn the_call_budget_holds() {
    let desk = Desk::open(Seed::Landscaping).await;
    let ames = client("c-1", "Ames & Daughters");
    let mut bill = invoice("i-1", &ames, &["Hedge laying", "Ditching"]);
    done(&desk.push("invoice.sent", &bill).await);
    assert!(desk.calls() <= 5, "a first invoice with a new client and two new products");
    bill["public_notes"] = json!("Thank you.");
    done(&desk.push("invoice.updated", &bill).await);
    assert_eq!(desk.calls(), 1, "an edited linked invoice");
    done(&desk.push("payment.created", &payment("y-1", &ames, 60, &[("i-1", 60)])).await);
    assert_eq!(desk.calls(), 1, "a payment");
    skipped(&desk.push("client.updated", &ames).await);
    assert_eq!(desk.calls(), 0, "nothing to do costs nothing");
}

#[tokio::test]
async fn r21_r22_r24_a_client_is_linked_by_name_and_then_by_address() {
    let desk = Desk::open(Seed::Landscaping).await;
    let customers = desk.count("Customer");
    let seeded = desk.company(|company| {
        let rows = company.entities("Customer").into_iter().cloned();
        let plain = rows.filter(|row| {
            row["Job"] == false && row["Active"] == true && row["PrimaryEmailAddr"].is_object()
        });
        plain.take(2).collect::<Vec<_>>()
    });
    let mut by_name = client("c-1", &seeded[0]["DisplayName"].as_str().unwrap().to_uppercase());
    by_name["phone"] = json!("555 0100");
    let (action, linked) = done(&desk.push("client.created", &by_name).await);
    assert_eq!((action.as_str(), linked.as_str()), ("Linked", seeded[0]["Id"].as_str().unwrap()));
    assert_eq!(desk.entity("Customer", &linked), seeded[0], "linking writes nothing");
    let mut by_mail = client("c-2", "Known by another name");
    by_mail["contacts"][0]["email"] = seeded[1]["PrimaryEmailAddr"]["Address"].clone();
    let (action, linked) = done(&desk.push("client.created", &by_mail).await);
    assert_eq!((action.as_str(), linked.as_str()), ("Linked", seeded[1]["Id"].as_str().unwrap()), "D2");
    let twice = client("c-3", seeded[0]["DisplayName"].as_str().unwrap());
    assert_eq!(parked(&desk.push("client.created", &twice).await).cause, ParkCause::AlreadyLinked);
    assert_eq!(desk.count("Customer"), customers);
}

/// The activity log shows each link, also when an invoice needed it before the client's own event came.
#[tokio::test]
async fn a_client_that_an_invoice_has_linked_is_told_as_linked_by_its_own_event() {
    let desk = Desk::open(Seed::Landscaping).await;
    let seeded = desk.company(|company| company.entities("Customer").into_iter().next().cloned()).unwrap();
    let known = client("c-1", seeded["DisplayName"].as_str().unwrap());
    done(&desk.push("invoice.sent", &invoice("i-1", &known, &["Hedge laying"])).await);
    let (action, linked) = done(&desk.push("client.created", &known).await);
    assert_eq!((action.as_str(), linked.as_str()), ("Linked", seeded["Id"].as_str().unwrap()));
    skipped(&desk.push("client.updated", &known).await);
}

#[tokio::test]
async fn r23_products_match_by_name_and_t11_never_a_category() {
    let desk = Desk::open(Seed::Landscaping).await;
    let rows = |wanted: &str| {
        let rows = desk.company(|company| company.entities("Item").into_iter().cloned().collect::<Vec<_>>());
        rows.into_iter().find(|row| row["Type"] == wanted && row["Active"] == true).unwrap()
    };
    let (service, category) = (rows("Service"), rows("Category"));
    let (action, linked) =
        done(&desk.push("product.created", &product("p-1", service["Name"].as_str().unwrap())).await);
    assert_eq!((action.as_str(), linked.as_str()), ("Linked", service["Id"].as_str().unwrap()));
    let result = desk.push("product.created", &product("p-2", category["Name"].as_str().unwrap())).await;
    if let sync::activity::ActivityResult::Done(done) = &result {
        assert_ne!(done.quickbooks_id.as_str(), category["Id"].as_str().unwrap());
    } else {
        assert_eq!(parked(&result).cause, ParkCause::NameTaken);
    }
}

#[tokio::test]
async fn r16_r17_an_invoice_brings_its_client_and_products_whatever_their_direction() {
    let desk = Desk::open(Seed::Empty).await;
    let directions = Directions { invoice: Direction::Push, ..Directions::default() };
    desk.save(Settings { directions, ..desk.settings().await }).await;
    let ames = client("c-1", "Ames & Daughters");
    assert!(skipped(&desk.push("client.created", &ames).await).contains("None"), "R5");
    assert_eq!(desk.calls(), 0);
    done(&desk.push("invoice.sent", &invoice("i-1", &ames, &["Hedge laying"])).await);
    assert_eq!(desk.count("Customer"), 1);
}

#[tokio::test]
async fn d9_switched_off_nothing_is_made_on_the_fly() {
    let desk = Desk::open(Seed::Landscaping).await;
    desk.save(Settings { create_clients: false, ..desk.settings().await }).await;
    let bill = invoice("i-1", &client("c-1", "Ames & Daughters"), &["Hedge laying"]);
    assert_eq!(parked(&desk.push("invoice.sent", &bill).await).cause, ParkCause::Unmapped);
    desk.save(Settings { create_clients: true, create_products: false, ..desk.settings().await }).await;
    assert_eq!(parked(&desk.push("invoice.sent", &bill).await).cause, ParkCause::Unmapped);
    assert!(desk.company(|company| company.entities("Item").iter().all(|row| row["Name"] != "Hedge laying")));
}

#[tokio::test]
async fn a_product_takes_over_the_link_of_its_key() {
    let desk = Desk::open(Seed::Landscaping).await;
    let ames = client("c-1", "Ames & Daughters");
    done(&desk.push("invoice.sent", &invoice("i-1", &ames, &["Hedge laying"])).await);
    let items = desk.count("Item");
    let (action, item) = done(&desk.push("product.created", &product("p-1", "HEDGE laying")).await);
    assert_eq!((action.as_str(), desk.count("Item")), ("Updated", items));
    assert_eq!(
        desk.entity("Item", &item)["UnitPrice"].to_string(),
        "40",
        "the product's price, not the line's"
    );
    done(&desk.push("invoice.sent", &invoice("i-2", &ames, &["Hedge laying"])).await);
    assert_eq!(desk.count("Item"), items, "the line's key finds the product");
    let other = parked(&desk.push("product.created", &product("p-2", "Hedge laying")).await).clone();
    assert!(other.cause == ParkCause::AlreadyLinked && other.reason.contains("p-1"), "{}", other.reason);
    assert_eq!(desk.ledger.links(&desk.books).iter().filter(|link| link.quickbooks_id == item).count(), 1);
}

#[tokio::test]
async fn d5_an_invoice_never_links_by_its_number() {
    let desk = Desk::open(Seed::Landscaping).await;
    let ames = client("c-1", "Ames & Daughters");
    let (_, first) = done(&desk.push("invoice.sent", &invoice("i-1", &ames, &["Hedge laying"])).await);
    let customer = desk.entity("Invoice", &first)["CustomerRef"].clone();
    let line = desk.entity("Invoice", &first)["Line"][0]["SalesItemLineDetail"]["ItemRef"].clone();
    desk.bookkeeper("invoice", &[], &json!({
        "CustomerRef": customer, "DocNumber": "N-i-2",
        "Line": [{"Amount": 100, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": {"ItemRef": line}}],
    }));
    let invoices = desk.count("Invoice");
    let park = parked(&desk.push("invoice.sent", &invoice("i-2", &ames, &["Hedge laying"])).await).clone();
    assert!(park.cause == ParkCause::LikelyTwin && park.reason.contains("N-i-2"), "{}", park.reason);
    assert_eq!(desk.count("Invoice"), invoices);
}

#[tokio::test]
async fn t10_a_name_that_a_vendor_holds_is_told() {
    let desk = Desk::open(Seed::Landscaping).await;
    desk.bookkeeper("vendor", &[], &json!({"DisplayName": "Ames & Daughters"}));
    let park = parked(&desk.push("client.created", &client("c-1", "Ames & Daughters")).await).clone();
    assert_eq!(park.cause, ParkCause::NameTaken);
    assert!(park.reason.contains("vendor \"Ames & Daughters\""), "{}", park.reason);
}
