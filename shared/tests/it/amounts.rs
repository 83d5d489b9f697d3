//! Amounts, to the cent: odd lines, discounts, surcharges, prices with their tax, foreign money.

use quickbooks_simulator::company::Seed;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use sync::outcome::ParkCause;
use sync::ports::Clock;

use crate::desk::{Desk, Now, client, done, invoice, notes, parked, payment};

/// Pushes an invoice that must agree to the cent, and returns it as QuickBooks has it.
async fn agreed(desk: &Desk, bill: &Value) -> Value {
    let result = desk.push("invoice.sent", bill).await;
    let (_, id) = done(&result);
    assert!(notes(&result).is_empty(), "{result:?}");
    desk.entity("Invoice", &id)
}

fn line(key: &str, quantity: f64, price: f64) -> Value {
    json!({"product_key": key, "notes": format!("{key} work"), "quantity": quantity, "unit_price": price})
}

fn with_lines(lines: &[Value], amount: f64) -> Value {
    let mut bill = invoice("i-1", &client("c-1", "Ames & Daughters"), &[]);
    bill["lines"] = json!(lines);
    bill["amount"] = json!(amount);
    bill
}

fn amounts(booked: &Value) -> Vec<String> {
    let lines =
        booked["Line"].as_array().unwrap().iter().filter(|line| line["DetailType"] != "SubTotalLineDetail");
    lines.map(|line| line["Amount"].to_string()).collect()
}

#[tokio::test]
async fn zero_negative_and_fractional_lines_of_many_decimals_are_booked_as_they_are() {
    let desk = Desk::open(Seed::Landscaping).await;
    let lines = [
        line("Hedge laying", 3.5, 33.333_333_3),
        line("Free visit", 1.0, 0.0),
        line("Hedge laying", -1.0, 20.0),
        line("Turf laying", 0.333, 19.999_999),
        line("", 2.0, 12.345),
        json!({"notes": "Work done in the back garden", "quantity": 0, "unit_price": 0}),
    ];
    let booked = agreed(&desk, &with_lines(&lines, 116.67 - 20.0 + 6.66 + 24.69)).await;
    assert_eq!(amounts(&booked), ["116.67", "0", "-20.00", "6.66", "24.69", "null"]);
    assert_eq!(booked["TotalAmt"].to_string(), "128.02");
}

#[tokio::test]
async fn line_and_invoice_discounts_and_surcharges_pass_quickbooks_own_arithmetic() {
    for seed in [Seed::Landscaping, Seed::Global] {
        let desk = Desk::open(seed).await;
        let mut lines =
            [line("Hedge laying", 3.0, 33.33), line("Ditching", 7.0, 19.99), line("Fencing", 1.0, 80.0)];
        lines[0]["discount"] = json!({"percent": 7.5});
        lines[1]["discount"] = json!({"amount": 10.01});
        if matches!(seed, Seed::Global) {
            lines.iter_mut().for_each(|line| line["tax_category"] = json!("exempt"));
        }
        // 99.99 less 7.5 % is 92.49; 139.93 less 10.01 is 129.92; with 80 they are 302.41, a tenth of it 30.24.
        let mut bill = with_lines(&lines, 302.41 - 30.24);
        bill["discount"] = json!({"percent": 10});
        if matches!(seed, Seed::Landscaping) {
            bill["surcharges"] =
                json!([{"name": "Fuel", "amount": 7.25}, {"name": "Goodwill", "amount": -2.25}]);
            bill["amount"] = json!(277.17);
        }
        let booked = agreed(&desk, &bill).await;
        assert_eq!(amounts(&booked)[..3], ["92.49", "129.92", "80.00"]);
        for line in booked["Line"].as_array().unwrap() {
            let sale = &line["SalesItemLineDetail"];
            if sale["Qty"].is_number() {
                let decimal = |value: &Value| value.to_string().parse::<Decimal>().unwrap();
                let product = decimal(&sale["Qty"]) * decimal(&sale["UnitPrice"]);
                assert_eq!(product.round_dp(2), decimal(&line["Amount"]), "{line}");
            }
        }
    }
}

#[tokio::test]
async fn in_the_united_states_prices_with_their_tax_are_told_without_it() {
    let desk = Desk::open(Seed::Landscaping).await;
    let mut taxed = line("Hedge laying", 1.0, 108.0);
    taxed["taxes"] = json!([{"name": "Bayview", "rate": 8}]);
    let mut bill = with_lines(&[taxed, line("Delivery", 1.0, 10.0)], 118.0);
    bill["taxes_inclusive"] = json!(true);
    let booked = agreed(&desk, &bill).await;
    assert_eq!(amounts(&booked), ["100.00", "10.00"]);
    assert_eq!(booked["TxnTaxDetail"]["TotalTax"].to_string(), "8.00", "not on top of itself");
}

#[tokio::test]
async fn taxed_surcharges_are_lines_of_their_own() {
    let desk = Desk::open(Seed::Landscaping).await;
    let tax = json!([{"name": "Bayview", "rate": 8}]);
    let mut taxed = line("Hedge laying", 1.0, 100.0);
    taxed["taxes"] = tax.clone();
    let mut bill = with_lines(&[taxed], 108.0 + 10.8 + 5.0);
    bill["surcharges"] =
        json!([{"name": "Fuel", "amount": 10, "taxes": tax}, {"name": "Parking", "amount": 5}]);
    let booked = agreed(&desk, &bill).await;
    assert_eq!(amounts(&booked), ["100.00", "10.00", "5.00"]);
    let codes: Vec<&Value> = booked["Line"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|line| line["SalesItemLineDetail"].get("TaxCodeRef"))
        .map(|code| &code["value"])
        .collect();
    assert_eq!(codes, ["TAX", "TAX", "NON"]);
}

#[tokio::test]
async fn with_automated_sales_tax_exempt_clients_and_products_carry_non() {
    let desk = Desk::open(Seed::AutomatedSalesTax).await;
    let mut ames = client("c-1", "Ames & Daughters");
    ames["tax_exempt"] = json!(true);
    ames["shipping_address"] = json!({"line1": "1 Elm St", "city": "Fresno", "state": "CA", "postal_code": "93650", "country": "US"});
    let mut bill = invoice("i-1", &ames, &["Hedge laying", "Seedlings"]);
    bill["lines"][1]["tax_category"] = json!("exempt");
    let booked = agreed(&desk, &bill).await;
    let code = |place: usize| booked["Line"][place]["SalesItemLineDetail"]["TaxCodeRef"]["value"].clone();
    assert_eq!([code(0), code(1)], ["NON", "NON"], "R49");
    let id = sync::ids::QuickBooksId::new(booked["CustomerRef"]["value"].as_str().unwrap()).unwrap();
    assert_eq!(desk.entity("Customer", &id)["Taxable"], false);
}

#[tokio::test]
async fn t12_automated_tax_may_differ_by_a_cent_and_no_more() {
    let desk = Desk::open(Seed::AutomatedSalesTax).await;
    let mut ames = client("c-1", "Ames & Daughters");
    ames["shipping_address"] = json!({"line1": "1 Elm St", "city": "Fresno", "state": "CA", "postal_code": "93650", "country": "US"});
    for (place, (amount, told)) in
        [(107.25, false), (107.24, false), (107.26, false), (107.23, true), (100.0, true)]
            .into_iter()
            .enumerate()
    {
        let mut bill = invoice(&format!("i-{place}"), &ames, &["Hedge laying"]);
        bill["amount"] = json!(amount);
        let result = desk.push("invoice.sent", &bill).await;
        let (_, id) = done(&result);
        assert_eq!(
            desk.entity("Invoice", &id)["TotalAmt"].to_string(),
            "107.25",
            "R51: QuickBooks' tax stands"
        );
        assert_eq!(!notes(&result).is_empty(), told, "{amount}: {result:?}");
    }
}

#[tokio::test]
async fn elsewhere_an_ambiguous_tax_waits_and_an_exempt_line_is_never_taxed() {
    let desk = Desk::open(Seed::Global).await;
    let ames = client("c-1", "Ames & Daughters");
    let bill = invoice("i-1", &ames, &["Hedge laying"]);
    let park = parked(&desk.push("invoice.sent", &bill).await).clone();
    assert_eq!(park.cause, ParkCause::Tax, "untaxed, but at nought per cent or exempt?");
    assert!(park.reason.contains("0.0% Z") && park.reason.contains("Exempt"), "{}", park.reason);
    let mut exempt = bill.clone();
    exempt["lines"][0]["tax_category"] = json!("exempt");
    exempt["lines"][0]["taxes"] = json!([{"name": "20% S", "rate": 20}]);
    let booked = agreed(&desk, &exempt).await;
    let code = &booked["Line"][0]["SalesItemLineDetail"]["TaxCodeRef"]["value"];
    let named =
        desk.company(|company| company.entity("TaxCode", code.as_str().unwrap()).unwrap()["Name"].clone());
    assert_eq!((named, booked["TxnTaxDetail"]["TotalTax"].to_string()), (json!("Exempt"), "0".into()));
}

#[tokio::test]
async fn elsewhere_several_taxes_on_a_line_need_the_code_of_just_these() {
    let desk = Desk::open(Seed::Global).await;
    let ames = client("c-1", "Ames & Daughters");
    let mut bill = invoice("i-1", &ames, &["Hedge laying"]);
    bill["lines"][0]["taxes"] = json!([{"name": "GST", "rate": 5}, {"name": "PST", "rate": 15}]);
    bill["amount"] = json!(120);
    let park = parked(&desk.push("invoice.sent", &bill).await).clone();
    assert_eq!(park.cause, ParkCause::Tax, "5 and 15 are not the code of 20");
    assert!(park.reason.contains("20 %"), "{}", park.reason);
}

#[tokio::test]
async fn d14_foreign_money_carries_its_currency_and_rate_and_is_never_booked_one_to_one() {
    let desk = Desk::open(Seed::Landscaping).await;
    let mut lind = client("c-1", "Lindqvist AB");
    lind["currency"] = json!("EUR");
    let mut bill = invoice("i-1", &lind, &["Hedge laying"]);
    bill["currency"] = json!("EUR");
    bill["exchange_rate"] = json!(1.1);
    let customers = desk.count("Customer");
    assert_eq!(
        parked(&desk.push("invoice.sent", &bill).await).cause,
        ParkCause::Currency,
        "multicurrency is off"
    );
    assert_eq!(desk.count("Customer"), customers);

    desk.company(|company| company.enable_multicurrency(Now.now()));
    desk.read_reference_anew().await;
    let mut without = bill.clone();
    without["exchange_rate"] = Value::Null;
    assert_eq!(parked(&desk.push("invoice.sent", &without).await).cause, ParkCause::Currency, "no rate");
    let booked = agreed(&desk, &bill).await;
    assert_eq!(booked["CurrencyRef"]["value"], "EUR");
    assert_eq!(
        (booked["TotalAmt"].to_string(), booked["HomeTotalAmt"].to_string()),
        ("100.00".into(), "110.00".into())
    );
    let mut paid = payment("y-1", &lind, 100, &[("i-1", 100)]);
    paid["currency"] = json!("EUR");
    paid["exchange_rate"] = json!(1.12);
    let (_, id) = done(&desk.push("payment.created", &paid).await);
    let row = desk.entity("Payment", &id);
    assert_eq!(
        (&row["CurrencyRef"]["value"], row["ExchangeRate"].to_string()),
        (&json!("EUR"), "1.12".into())
    );
    paid["id"] = json!("y-2");
    paid["exchange_rate"] = json!(null);
    assert_eq!(parked(&desk.push("payment.created", &paid).await).cause, ParkCause::Currency);
}

#[tokio::test]
async fn an_invoice_too_long_to_be_recorded_beforehand_is_parked_and_not_tried_for_ever() {
    let desk = Desk::open(Seed::Landscaping).await;
    let mut bill = invoice("i-1", &client("c-1", "Ames & Daughters"), &["Hedge laying"]);
    let long = line("Hedge laying", 1.0, 1.0);
    bill["lines"] = (0..250)
        .map(|place| {
            let mut line = long.clone();
            line["notes"] = json!(format!("{place} {}", "x".repeat(3900)));
            line
        })
        .collect();
    bill["amount"] = json!(250);
    let invoices = desk.count("Invoice");
    let park = parked(&desk.push("invoice.sent", &bill).await).clone();
    assert_eq!(park.cause, ParkCause::TooLong, "{}", park.reason);
    assert!(park.way_on.contains("Shorten"), "{}", park.way_on);
    assert_eq!(desk.count("Invoice"), invoices);
    bill["lines"].as_array_mut().unwrap().truncate(2);
    bill["amount"] = json!(2);
    done(&desk.push("invoice.updated", &bill).await);
}
