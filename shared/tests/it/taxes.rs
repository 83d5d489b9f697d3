//! The three worlds of sales tax, to the cent.

use quickbooks_simulator::company::Seed;
use serde_json::{Value, json};
use sync::activity::ActivityResult;
use sync::outcome::ParkCause;

use crate::desk::{Desk, client, done, invoice, parked};

fn taxed(rates: &[(&str, f64)]) -> Value {
    rates.iter().map(|(name, rate)| json!({"name": name, "rate": rate})).collect()
}

/// Pushes an invoice that must agree to the cent, and returns it as QuickBooks has it.
async fn agreed(desk: &Desk, bill: &Value) -> Value {
    let result = desk.push("invoice.sent", bill).await;
    let (_, id) = done(&result);
    assert!(matches!(&result, ActivityResult::Done(done) if done.notes.is_empty()), "{result:?}");
    desk.entity("Invoice", &id)
}

#[tokio::test]
async fn manual_sales_tax_with_discounts_and_untaxed_lines_agrees() {
    let desk = Desk::open(Seed::Landscaping).await;
    let ames = client("c-1", "Ames & Daughters");
    let mut bill = invoice("i-1", &ames, &["Hedge laying", "Ditching", "Delivery"]);
    bill["lines"][0]["taxes"] = taxed(&[("Desert State", 5.6), ("Tucson City", 2.6)]);
    bill["lines"][1]["taxes"] = taxed(&[("Desert State", 5.6), ("Tucson City", 2.6)]);
    bill["amount"] = json!(316.40);
    assert_eq!(agreed(&desk, &bill).await["TxnTaxDetail"]["TotalTax"].to_string(), "16.40");
    let mut discounted = bill.clone();
    discounted["id"] = json!("i-2");
    discounted["number"] = json!("N-2");
    discounted["discount"] = json!({"percent": 10});
    discounted["amount"] = json!(284.76);
    let booked = agreed(&desk, &discounted).await;
    assert_eq!(booked["TxnTaxDetail"]["TotalTax"].to_string(), "14.76", "each tax is lessened by its share");
}

#[tokio::test]
async fn automated_sales_tax_is_quickbooks_own_and_a_difference_is_told() {
    let desk = Desk::open(Seed::AutomatedSalesTax).await;
    let mut ames = client("c-1", "Ames & Daughters");
    ames["shipping_address"] = json!({"line1": "1 Elm St", "city": "Fresno", "state": "CA", "postal_code": "93650", "country": "US"});
    let mut bill = invoice("i-1", &ames, &["Hedge laying", "Seedlings"]);
    bill["lines"][1]["tax_category"] = json!("exempt");
    let result = desk.push("invoice.sent", &bill).await;
    let ActivityResult::Done(done) = &result else { panic!("{result:?}") };
    let booked = desk.entity("Invoice", &done.quickbooks_id);
    let tax = booked["TxnTaxDetail"]["TotalTax"].to_string();
    assert_eq!(tax, "7.25", "one of two lines of 100 is taxed at 7.25 % (R45, R49)");
    assert!(done.notes[0].contains("difference of 7.25"), "R48, D15: {:?}", done.notes);
}

#[tokio::test]
async fn elsewhere_each_line_carries_its_code_and_prices_may_include_the_tax() {
    let desk = Desk::open(Seed::Global).await;
    let ames = client("c-1", "Ames & Daughters");
    let mut bill = invoice("i-1", &ames, &["Hedge laying", "Ditching", "Books"]);
    bill["lines"][0]["taxes"] = taxed(&[("VAT", 20.0)]);
    bill["lines"][1]["taxes"] = taxed(&[("VAT", 5.0)]);
    bill["lines"][2]["tax_category"] = json!("zero_rated");
    bill["lines"][2]["taxes"] = taxed(&[("0.0% Z", 0.0)]);
    bill["amount"] = json!(325);
    let booked = agreed(&desk, &bill).await;
    assert_eq!(booked["GlobalTaxCalculation"], "TaxExcluded");
    let mut inclusive = bill.clone();
    inclusive["id"] = json!("i-2");
    inclusive["number"] = json!("N-2");
    inclusive["taxes_inclusive"] = json!(true);
    inclusive["amount"] = json!(300);
    let booked = agreed(&desk, &inclusive).await;
    assert_eq!(booked["TotalAmt"].to_string(), "300.00");
    assert_eq!(booked["Line"][0]["Amount"].to_string(), "83.33");
}

#[tokio::test]
async fn a_code_that_taxes_a_tax_is_not_taken_for_the_sum_of_its_rates() {
    let desk = Desk::open(Seed::Global).await;
    let mut bill = invoice("i-1", &client("c-1", "Ames & Daughters"), &["Hedge laying"]);
    bill["lines"][0]["taxes"] = taxed(&[("Levy 10%", 10.0), ("20% on levied", 20.0)]);
    assert_eq!(parked(&desk.push("invoice.sent", &bill).await).cause, ParkCause::Tax);
    bill["lines"][0]["taxes"] = taxed(&[("Levy and VAT", 32.0)]);
    bill["amount"] = json!(132);
    agreed(&desk, &bill).await;
}

#[tokio::test]
async fn an_exempt_client_pays_no_tax() {
    let desk = Desk::open(Seed::Landscaping).await;
    let mut ames = client("c-1", "Ames & Daughters");
    ames["tax_exempt"] = json!(true);
    let mut bill = invoice("i-1", &ames, &["Hedge laying"]);
    bill["lines"][0]["taxes"] = taxed(&[("Bayview", 8.0)]);
    agreed(&desk, &bill).await;
}
