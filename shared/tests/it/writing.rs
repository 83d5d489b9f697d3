//! What is written: edits, withdrawals, odd names and amounts.

use quickbooks_simulator::company::Seed;
use serde_json::{Value, json};
use sync::activity::ActivityResult;
use sync::outcome::ParkCause;
use sync::settings::Settings;

use crate::desk::{Desk, client, done, invoice, parked, payment, product, skipped};

#[tokio::test]
async fn r12_r18_r19_only_meaningful_edits_are_pushed() {
    let desk = Desk::open(Seed::Landscaping).await;
    let mut ames = client("c-1", "Ames & Daughters");
    let (_, id) = done(&desk.push("client.created", &ames).await);
    ames["balance"] = json!(120);
    assert!(skipped(&desk.push("client.updated", &ames).await).contains("nothing"), "R18");
    ames["contacts"][0]["phone"] = json!("555 0142");
    done(&desk.push("client.updated", &ames).await);
    assert_eq!(desk.entity("Customer", &id)["PrimaryPhone"]["FreeFormNumber"], "555 0142", "R19");
}

#[tokio::test]
async fn r20_d1_product_edits_follow_their_switch() {
    let desk = Desk::open(Seed::Landscaping).await;
    let mut hedges = product("p-1", "Hedge laying");
    let (_, id) = done(&desk.push("product.created", &hedges).await);
    hedges["price"] = json!(45.5);
    assert!(skipped(&desk.push("product.updated", &hedges).await).contains("product edits"), "R20");
    desk.save(Settings { push_product_edits: true, ..desk.settings().await }).await;
    done(&desk.push("product.updated", &hedges).await);
    assert_eq!(desk.entity("Item", &id)["UnitPrice"].to_string(), "45.5", "D1");
}

#[tokio::test]
async fn d13_a_cancelled_invoice_is_voided_and_stays_so_until_it_is_restored() {
    let desk = Desk::open(Seed::Landscaping).await;
    let ames = client("c-1", "Ames & Daughters");
    let mut bill = invoice("i-1", &ames, &["Hedge laying"]);
    let (_, id) = done(&desk.push("invoice.sent", &bill).await);
    bill["status"] = json!("cancelled");
    assert_eq!(done(&desk.push("invoice.updated", &bill).await).0, "Voided");
    assert_eq!(desk.entity("Invoice", &id)["TotalAmt"].to_string(), "0");
    bill["status"] = json!("sent");
    assert!(skipped(&desk.push("invoice.updated", &bill).await).contains("restoring"));
    assert_eq!(done(&desk.push("invoice.restored", &bill).await), ("Updated".into(), id.clone()));
    assert_eq!(desk.entity("Invoice", &id)["TotalAmt"].to_string(), "100.00");
    assert_eq!(desk.entity("Invoice", &id)["PrivateNote"], Value::Null, "no longer called voided");
}

#[tokio::test]
async fn t6_a_paid_invoice_is_not_voided() {
    let desk = Desk::open(Seed::Landscaping).await;
    let ames = client("c-1", "Ames & Daughters");
    let bill = invoice("i-1", &ames, &["Hedge laying"]);
    done(&desk.push("invoice.sent", &bill).await);
    let paid = payment("y-1", &ames, 60, &[("i-1", 60)]);
    let (_, payment_id) = done(&desk.push("payment.created", &paid).await);
    let park = parked(&desk.push("invoice.deleted", &bill).await).clone();
    assert!(park.cause == ParkCause::Paid && park.reason.contains("60.00"), "{}", park.reason);
    assert_eq!(done(&desk.push("payment.deleted", &paid).await), ("Voided".into(), payment_id));
    assert_eq!(done(&desk.push("invoice.deleted", &bill).await).0, "Voided");
}

#[tokio::test]
async fn d13_deleted_clients_become_inactive_only_if_so_switched() {
    let desk = Desk::open(Seed::Landscaping).await;
    let ames = client("c-1", "Ames & Daughters");
    let (_, id) = done(&desk.push("client.created", &ames).await);
    assert!(skipped(&desk.push("client.deleted", &ames).await).contains("stay active"));
    desk.save(Settings { inactivate_deleted: true, ..desk.settings().await }).await;
    assert_eq!(done(&desk.push("client.deleted", &ames).await).0, "Inactivated");
    assert_eq!(desk.entity("Customer", &id)["Active"], false);
    assert_eq!(done(&desk.push("client.restored", &ames).await), ("Updated".into(), id.clone()));
    assert_eq!(desk.entity("Customer", &id)["Active"], true);
    assert_eq!(desk.entity("Customer", &id)["DisplayName"], "Ames & Daughters");
}

#[tokio::test]
async fn d8_invoices_before_the_cut_off_and_drafts_are_skipped() {
    let desk = Desk::open(Seed::Landscaping).await;
    let cut_off = Some("2026-06-02".parse().unwrap());
    desk.save(Settings { cut_off, ..desk.settings().await }).await;
    let ames = client("c-1", "Ames & Daughters");
    let mut bill = invoice("i-1", &ames, &["Hedge laying"]);
    assert!(skipped(&desk.push("invoice.sent", &bill).await).contains("cut-off"), "T19");
    bill["date"] = json!("2026-06-02");
    bill["status"] = json!("draft");
    assert!(skipped(&desk.push("invoice.created", &bill).await).contains("draft"));
    bill["status"] = json!("sent");
    done(&desk.push("invoice.sent", &bill).await);
}

#[tokio::test]
async fn t9_odd_names_are_mapped_by_rule() {
    let desk = Desk::open(Seed::Landscaping).await;
    for (place, (name, expected)) in [
        ("O'Brien \\ Sons", "O'Brien \\ Sons".to_owned()),
        ("Acme: North\tbranch", "Acme- North branch".to_owned()),
        ("Flower 🌻 shop", "Flower 🌻 shop".to_owned()),
        (&"x".repeat(600), "x".repeat(500)),
    ]
    .into_iter()
    .enumerate()
    {
        let (_, id) = done(&desk.push("client.created", &client(&format!("c-{place}"), name)).await);
        assert_eq!(desk.entity("Customer", &id)["DisplayName"], expected);
    }
}

#[tokio::test]
async fn amounts_taxes_and_currencies_that_cannot_be_booked_are_told() {
    let desk = Desk::open(Seed::Landscaping).await;
    let ames = client("c-1", "Ames & Daughters");
    let customers = desk.count("Customer");
    let cause = async |change: fn(&mut serde_json::Value)| {
        let mut bill = invoice("i-1", &ames, &["Hedge laying"]);
        change(&mut bill);
        parked(&desk.push("invoice.sent", &bill).await).cause
    };
    assert_eq!(cause(|bill| bill["currency"] = json!("EUR")).await, ParkCause::Currency, "D14");
    assert_eq!(
        cause(|bill| bill["lines"][0]["taxes"] = json!([{"name": "Odd", "rate": 3.21}])).await,
        ParkCause::Tax
    );
    assert_eq!(cause(|bill| bill["lines"][0]["unit_price"] = json!(-50)).await, ParkCause::Amount);
    assert_eq!(cause(|bill| bill["client"] = json!(null)).await, ParkCause::MissingRecord);
    assert_eq!(desk.count("Customer"), customers, "nothing was made for the sake of what cannot be booked");
    assert_eq!(
        desk.company(|company| company
            .entities("Invoice")
            .iter()
            .filter(|row| row["DocNumber"] == "N-i-1")
            .count()),
        0
    );
}

#[tokio::test]
async fn totals_agree_to_the_cent_and_a_difference_is_told() {
    let desk = Desk::open(Seed::Landscaping).await;
    let ames = client("c-1", "Ames & Daughters");
    let mut bill = invoice("i-1", &ames, &["Hedge laying", "Ditching", ""]);
    bill["lines"][0]["quantity"] = json!(3.5);
    bill["lines"][0]["unit_price"] = json!(33.3333333);
    bill["lines"][1]["discount"] = json!({"percent": 12.5});
    bill["discount"] = json!({"amount": 10});
    bill["surcharges"] = json!([{"name": "Fuel", "amount": 7.25}]);
    bill["amount"] = json!(116.67 + 87.50 + 100.0 + 7.25 - 10.0);
    let result = desk.push("invoice.sent", &bill).await;
    let (_, id) = done(&result);
    assert_eq!(desk.entity("Invoice", &id)["TotalAmt"].to_string(), "301.42");
    assert!(matches!(&result, ActivityResult::Done(done) if done.notes.is_empty()), "{result:?}");
    bill["amount"] = json!(301.40);
    bill["public_notes"] = json!("Changed");
    let result = desk.push("invoice.updated", &bill).await;
    assert!(
        matches!(&result, ActivityResult::Done(done) if done.notes[0].contains("0.02")),
        "D15: {result:?}"
    );
}
