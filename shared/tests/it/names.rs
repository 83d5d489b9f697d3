//! Names that somebody else has, records that are inactive, and what QuickBooks will not let go of.

use quickbooks_simulator::company::Seed;
use serde_json::json;
use sync::ids::QuickBooksId;
use sync::outcome::ParkCause;
use sync::ports::Clock;

use crate::desk::{Desk, Now, client, done, invoice, notes, parked, payment, product};

fn holder(desk: &Desk, path: &str, name: &str) -> QuickBooksId {
    let made = desk.bookkeeper(path, &[], &json!({"DisplayName": name}));
    let entity = made.as_object().unwrap().values().find(|value| value["Id"].is_string()).unwrap();
    QuickBooksId::new(entity["Id"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn t10_whoever_holds_the_name_is_told_and_nothing_is_made() {
    let desk = Desk::open(Seed::Landscaping).await;
    for (path, entity) in [("vendor", "Vendor"), ("employee", "Employee")] {
        let name = format!("{entity} and Daughters");
        let body = match path {
            "employee" => json!({"DisplayName": name, "GivenName": "Kim", "FamilyName": "Ames"}),
            _ => json!({"DisplayName": name}),
        };
        desk.bookkeeper(path, &[], &body);
        let customers = desk.count("Customer");
        let park = parked(&desk.push("client.created", &client(path, &name)).await).clone();
        assert_eq!(park.cause, ParkCause::NameTaken, "{}", park.reason);
        assert!(park.reason.contains(&format!("the {path} \"{name}\"")), "{}", park.reason);
        let bill = invoice(&format!("i-{path}"), &client(path, &name), &["Hedge laying"]);
        assert_eq!(parked(&desk.push("invoice.sent", &bill).await).cause, ParkCause::NameTaken);
        assert_eq!(desk.count("Customer"), customers);
    }
}

#[tokio::test]
async fn t10_a_name_that_another_clients_customer_holds_is_told_and_links_nobody() {
    let desk = Desk::open(Seed::Landscaping).await;
    done(&desk.push("client.created", &client("c-1", "Ames & Daughters")).await);
    let customers = desk.count("Customer");
    let mut twin = client("c-2", "AMES & Daughters");
    twin["contacts"] = json!([]);
    let park = parked(&desk.push("client.created", &twin).await).clone();
    assert_eq!(park.cause, ParkCause::AlreadyLinked, "{park:?}");
    assert!(park.reason.contains("client c-1") && park.way_on.contains("another name"), "{park:?}");
    assert_eq!(desk.count("Customer"), customers, "a duplicate whose twin is linked");
    let bill = invoice("i-2", &twin, &["Hedge laying"]);
    assert_eq!(parked(&desk.push("invoice.sent", &bill).await).cause, ParkCause::AlreadyLinked);
}

#[tokio::test]
async fn a_counterpart_that_a_bookkeeper_renamed_stays_the_counterpart() {
    let desk = Desk::open(Seed::Landscaping).await;
    let mut ames = client("c-1", "Ames & Daughters");
    let (_, id) = done(&desk.push("client.created", &ames).await);
    desk.edit("Customer", &id, &json!({"DisplayName": "Ames and Co"}));
    // Somebody else takes the name that is free now.
    holder(&desk, "customer", "Ames & Daughters");
    let customers = desk.count("Customer");
    done(&desk.push("invoice.sent", &invoice("i-1", &ames, &["Hedge laying"])).await);
    ames["phone"] = json!("555 0142");
    assert_eq!(done(&desk.push("client.updated", &ames).await).1, id);
    let row = desk.entity("Customer", &id);
    assert_eq!(
        (&row["DisplayName"], &row["PrimaryPhone"]["FreeFormNumber"]),
        (&json!("Ames and Co"), &json!("555 0142"))
    );
    assert_eq!(desk.count("Customer"), customers);
}

#[tokio::test]
async fn t10_an_inactive_holder_is_neither_linked_nor_brought_back() {
    let desk = Desk::open(Seed::Landscaping).await;
    let gone = holder(&desk, "customer", "Ames & Daughters");
    desk.edit("Customer", &gone, &json!({"Active": false}));
    assert_eq!(desk.entity("Customer", &gone)["DisplayName"], "Ames & Daughters (deleted)");
    let before = desk.entity("Customer", &gone);
    let (action, id) = done(&desk.push("client.created", &client("c-1", "Ames & Daughters")).await);
    assert_eq!(action, "Created", "QuickBooks has freed the name");
    assert_ne!(id, gone);
    assert_eq!(desk.entity("Customer", &gone), before, "left as it is");
}

#[tokio::test]
async fn our_own_customer_made_inactive_stays_so_and_what_needs_it_waits() {
    let desk = Desk::open(Seed::Landscaping).await;
    let mut ames = client("c-1", "Ames & Daughters");
    let (_, id) = done(&desk.push("client.created", &ames).await);
    desk.edit("Customer", &id, &json!({"Active": false}));
    let customers = desk.count("Customer");
    let park = parked(&desk.push("invoice.sent", &invoice("i-1", &ames, &["Hedge laying"])).await).clone();
    assert_eq!(park.cause, ParkCause::Refused);
    assert!(park.way_on.contains("active"), "{park:?}");
    ames["phone"] = json!("555 0142");
    desk.push("client.updated", &ames).await;
    let row = desk.entity("Customer", &id);
    assert_eq!(row["Active"], false, "never brought back by itself");
    assert_eq!(row["DisplayName"], "Ames & Daughters (deleted)", "nor given its name back");
    assert_eq!(desk.count("Customer"), customers, "nor doubled");
}

#[tokio::test]
async fn a_renamed_client_whose_customer_is_inactive_does_not_take_the_suffix_for_an_edit() {
    let desk = Desk::open(Seed::Landscaping).await;
    let mut ames = client("c-1", "Ames & Daughters");
    let (_, id) = done(&desk.push("client.created", &ames).await);
    desk.edit("Customer", &id, &json!({"Active": false}));
    ames["name"] = json!("Ames & Granddaughters");
    desk.push("client.updated", &ames).await;
    assert_eq!(desk.entity("Customer", &id)["Active"], false);
}

#[tokio::test]
async fn t11_a_line_never_lands_on_a_category_or_a_bundle_and_is_never_left_out() {
    let desk = Desk::open(Seed::Landscaping).await;
    let (items, invoices) = (desk.count("Item"), desk.count("Invoice"));
    let ames = client("c-1", "Ames & Daughters");
    for (key, what) in [("Soil and Turf", "category"), ("Fountain Corner", "bundle")] {
        let bill = invoice("i-1", &ames, &["Hedge laying", key]);
        let park = parked(&desk.push("invoice.sent", &bill).await).clone();
        assert_eq!(park.cause, ParkCause::NameTaken);
        assert!(park.reason.contains(&format!("the {what} {key}")), "{}", park.reason);
    }
    assert_eq!(desk.count("Invoice"), invoices, "not even without the line");
    assert!(desk.count("Item") <= items + 1, "the other line's Item at most");
}

#[tokio::test]
async fn a_product_whose_name_is_held_is_not_sent_again_with_each_retry() {
    let desk = Desk::open(Seed::Landscaping).await;
    for _ in 0..2 {
        desk.calls();
        let result = desk.push("product.created", &product("p-1", "Soil and Turf")).await;
        assert_eq!(parked(&result).cause, ParkCause::NameTaken);
        assert_eq!(desk.calls(), 1, "one look-up tells, and no create is tried");
    }
    // Once the bookkeeper has renamed the category, the same event goes through.
    let category = desk.company(|company| {
        let rows = company.entities("Item");
        rows.into_iter().find(|row| row["Name"] == "Soil and Turf").unwrap()["Id"]
            .as_str()
            .unwrap()
            .to_owned()
    });
    desk.edit("Item", &QuickBooksId::new(category).unwrap(), &json!({"Name": "Soils", "Type": "Category"}));
    assert_eq!(done(&desk.push("product.updated", &product("p-1", "Soil and Turf")).await).0, "Created");
}

#[tokio::test]
async fn t9_odd_product_keys_and_numbers_are_mapped_by_rule_and_stay_apart() {
    let desk = Desk::open(Seed::Landscaping).await;
    let long = |last: &str| format!("{}{last}", "x".repeat(100));
    for (place, (key, expected)) in [
        ("O'Brien's \\ mix", "O'Brien's \\ mix".to_owned()),
        ("Trees: North\tside", "Trees- North side".to_owned()),
        ("Flower \u{1F33B} mix", "Flower \u{1F33B} mix".to_owned()),
        (&long("1"), "x".repeat(100)),
    ]
    .into_iter()
    .enumerate()
    {
        let (_, id) = done(&desk.push("product.created", &product(&format!("p-{place}"), key)).await);
        assert_eq!(desk.entity("Item", &id)["Name"], expected);
    }
    let park = parked(&desk.push("product.created", &product("p-9", &long("2"))).await).clone();
    assert_eq!(
        park.cause,
        ParkCause::AlreadyLinked,
        "101 characters that differ in the last: {}",
        park.reason
    );

    let ames = client("c-1", "O'Brien: & Daughters \u{1F33B}");
    for (place, number) in
        ["2026/NORTHERN-BRANCH/000000001", "2026/NORTHERN-BRANCH/000000002"].into_iter().enumerate()
    {
        let mut bill = invoice(&format!("i-{place}"), &ames, &["Hedge laying"]);
        bill["number"] = json!(number);
        let (_, id) = done(&desk.push("invoice.sent", &bill).await);
        let row = desk.entity("Invoice", &id);
        assert_eq!(row["DocNumber"], number[number.len() - 21..]);
        assert!(row["PrivateNote"].as_str().unwrap().contains(number), "the whole number is kept");
    }
}

#[tokio::test]
async fn t13_credit_that_quickbooks_applies_by_itself_is_told_and_never_applied_twice() {
    let desk = Desk::open(Seed::Landscaping).await;
    let ames = client("c-1", "Ames & Daughters");
    done(&desk.push("payment.created", &payment("y-0", &ames, 60, &[])).await);
    desk.company(|company| company.auto_apply_credit(true, Now.now()));
    let result = desk.push("invoice.sent", &invoice("i-1", &ames, &["Hedge laying"])).await;
    let (_, id) = done(&result);
    assert!(notes(&result)[0].contains("60.00 of the client's credit"), "{result:?}");
    assert_eq!(desk.entity("Invoice", &id)["Balance"].to_string(), "40.00");
    // The billing app knows nothing of it and applies the whole.
    let park =
        parked(&desk.push("payment.created", &payment("y-1", &ames, 100, &[("i-1", 100)])).await).clone();
    assert_eq!(park.cause, ParkCause::Refused, "{}", park.reason);
    assert_eq!(desk.entity("Invoice", &id)["Balance"].to_string(), "40.00", "nothing is applied twice");
    let (_, rest) = done(&desk.push("payment.created", &payment("y-2", &ames, 40, &[("i-1", 40)])).await);
    assert_eq!(desk.entity("Payment", &rest)["UnappliedAmt"].to_string(), "0");
}

#[tokio::test]
async fn a_deposited_payment_stays_as_it_is_and_says_why() {
    let desk = Desk::open(Seed::Landscaping).await;
    let ames = client("c-1", "Ames & Daughters");
    done(&desk.push("invoice.sent", &invoice("i-1", &ames, &["Hedge laying"])).await);
    let mut paid = payment("y-1", &ames, 60, &[("i-1", 60)]);
    let (_, id) = done(&desk.push("payment.created", &paid).await);
    desk.company(|company| company.deposit_payment(id.as_str()).unwrap());
    paid["reference"] = json!("corrected");
    for event in ["payment.updated", "payment.deleted"] {
        let park = parked(&desk.push(event, &paid).await).clone();
        assert_eq!(park.cause, ParkCause::Refused, "{event}");
        assert!(park.reason.contains("6540") && park.way_on.contains("bank deposit"), "{event}: {park:?}");
    }
    assert_eq!(desk.entity("Payment", &id)["TotalAmt"].to_string(), "60.00");
    desk.company(|company| company.remove_from_deposit(id.as_str()));
    assert_eq!(done(&desk.push("payment.deleted", &paid).await).0, "Voided");
}

#[tokio::test]
async fn what_the_bank_feed_has_matched_is_voided_not_deleted() {
    let desk = Desk::open(Seed::Landscaping).await;
    let ames = client("c-1", "Ames & Daughters");
    let bill = invoice("i-1", &ames, &["Hedge laying"]);
    let (_, id) = done(&desk.push("invoice.sent", &bill).await);
    desk.company(|company| company.match_to_bank_feed(id.as_str()));
    assert_eq!(
        done(&desk.push("invoice.deleted", &bill).await).0,
        "Voided",
        "6480 is said to deletions only"
    );
    assert_eq!(desk.entity("Invoice", &id)["TotalAmt"].to_string(), "0");
}

#[tokio::test]
async fn a_sub_customer_is_no_counterpart_and_its_name_is_told() {
    let desk = Desk::open(Seed::Landscaping).await;
    let parent = holder(&desk, "customer", "Ames Holding");
    let sub = json!({"DisplayName": "Ames North", "Job": true, "ParentRef": {"value": parent.as_str()}});
    desk.bookkeeper("customer", &[], &sub);
    let customers = desk.count("Customer");
    let park = parked(&desk.push("client.created", &client("c-1", "Ames North")).await).clone();
    assert!(park.cause == ParkCause::NameTaken && park.reason.contains("sub-customer"), "{}", park.reason);
    assert_eq!(desk.count("Customer"), customers);
}

#[tokio::test]
async fn two_unlinked_candidates_wait_for_a_person_and_a_linked_one_is_not_taken_away() {
    let desk = Desk::open(Seed::Landscaping).await;
    for name in ["North office", "South office"] {
        let mail = json!({"Address": "office@ames.example"});
        desk.bookkeeper("customer", &[], &json!({"DisplayName": name, "PrimaryEmailAddr": mail}));
    }
    let mut ames = client("c-1", "Ames & Daughters");
    ames["contacts"][0]["email"] = json!("office@ames.example");
    let park = parked(&desk.push("client.created", &ames).await).clone();
    assert_eq!(park.cause, ParkCause::Ambiguous);
    assert!(park.reason.contains("North office") && park.reason.contains("South office"), "{}", park.reason);
    let mut north = client("c-2", "North office");
    north["contacts"] = json!([]);
    assert_eq!(done(&desk.push("client.created", &north).await).0, "Linked");
    // Now one of the two is somebody's counterpart, and the other is the only one left.
    assert_eq!(done(&desk.push("client.updated", &ames).await).0, "Linked");
    let mut third = ames.clone();
    third["id"] = json!("c-3");
    third["name"] = json!("Ames again");
    assert_eq!(done(&desk.push("client.created", &third).await).0, "Created", "both are taken");
}
