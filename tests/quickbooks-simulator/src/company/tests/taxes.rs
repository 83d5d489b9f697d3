//! The three models of sales tax.

use super::*;

/// An invoice over lines of amount and code.
fn taxed(session: &mut Session, members: Value, lines: &[(&str, &str)]) -> Value {
    let mut body = draft(session, lines);
    body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    session.post("invoice", body)
}

fn draft(session: &mut Session, lines: &[(&str, &str)]) -> Value {
    let lines: Vec<Value> = lines.iter().map(|(amount, code)| session.line(amount, code)).collect();
    let lines: Vec<Value> = lines
        .into_iter()
        .map(|mut line| {
            line["SalesItemLineDetail"]["ItemRef"]["value"] = session.item("Garden Design").into();
            line
        })
        .collect();
    json!({ "CustomerRef": { "value": "1" }, "Line": lines })
}

fn figures(invoice: &Value) -> (String, String) {
    (spelled(&invoice["TxnTaxDetail"], "TotalTax"), spelled(invoice, "TotalAmt"))
}

fn is(tax: &str, total: &str) -> (String, String) {
    (tax.to_owned(), total.to_owned())
}

fn ten_percent_off() -> Value {
    json!({ "DetailType": "DiscountLineDetail", "DiscountLineDetail": { "PercentBased": true, "DiscountPercent": 10 } })
}

#[test]
fn manual_tax_needs_a_code_and_taxes_tax_lines() {
    let mut session = Session::new(Seed::Landscaping);
    let none = taxed(&mut session, json!({}), &[("90", "NON"), ("275", "TAX")]);
    assert_eq!(none["TxnTaxDetail"].to_string(), r#"{"TotalTax":0}"#);
    let code = |id: &str| json!({ "TxnTaxDetail": { "TxnTaxCodeRef": { "value": id } } });
    let made = taxed(&mut session, code("1"), &[("90", "NON"), ("275", "TAX")]);
    assert_eq!(figures(&made), is("22.00", "387.00"));
    assert_eq!(
        made["TxnTaxDetail"]["TaxLine"].to_string(),
        r#"[{"Amount":22.00,"DetailType":"TaxLineDetail","TaxLineDetail":{"NetAmountTaxable":275.00,"PercentBased":true,"TaxPercent":8,"TaxRateRef":{"value":"1"}}}]"#
    );
    let both = taxed(&mut session, code("2"), &[("100", "TAX")]);
    assert_eq!(figures(&both), is("8.20", "108.20"));
    assert_eq!(both["TxnTaxDetail"]["TaxLine"].as_array().unwrap().len(), 2);
}

#[test]
fn lines_in_the_united_states_are_tax_or_non() {
    let mut session = Session::new(Seed::Landscaping);
    let body = draft(&mut session, &[("1", "8"), ("1", "TAX"), ("1", "1")]);
    let (status, answer) = session.send("POST", "invoice", &[], &body.to_string());
    let errors = answer["Fault"]["Error"].as_array().unwrap().clone();
    assert_eq!((status, errors.len()), (400, 2));
    assert_eq!(errors[0]["Detail"], "Valid line TaxCodes for US should be TAX or NON. Supplied value: 8");
    assert_eq!(errors[0]["element"], "Line.SalesItemLineDetail.TaxCodeRef");
    for code in ["TAX", "99"] {
        let mut body = draft(&mut session, &[("1", "TAX")]);
        body["TxnTaxDetail"] = json!({ "TxnTaxCodeRef": { "value": code } });
        assert_eq!(session.code("invoice", body), "2500");
    }
}

#[test]
fn a_discount_comes_after_tax_unless_told_otherwise() {
    let mut session = Session::new(Seed::Landscaping);
    let mut body = draft(&mut session, &[("100", "TAX"), ("100", "NON")]);
    body["Line"].as_array_mut().unwrap().push(ten_percent_off());
    body["TxnTaxDetail"] = json!({ "TxnTaxCodeRef": { "value": "1" } });
    assert_eq!(figures(&session.post("invoice", body.clone())), is("8.00", "188.00"));
    body["ApplyTaxAfterDiscount"] = true.into();
    let made = session.post("invoice", body);
    assert_eq!(figures(&made), is("7.20", "187.20"));
    assert_eq!(spelled(&made["TxnTaxDetail"]["TaxLine"][0]["TaxLineDetail"], "NetAmountTaxable"), "90.00");
}

#[test]
fn tax_follows_changed_lines_and_stays_otherwise() {
    let mut session = Session::new(Seed::Landscaping);
    let made = taxed(
        &mut session,
        json!({ "TxnTaxDetail": { "TxnTaxCodeRef": { "value": "1" } } }),
        &[("100", "TAX")],
    );
    let mut line = made["Line"][0].clone();
    line["Amount"] = json!(50);
    let changed = session.post("invoice", change(&made, json!({ "Line": [line] })));
    assert_eq!(figures(&changed), is("4.00", "54.00"));
    let given = json!({ "TxnTaxCodeRef": { "value": "1" }, "TaxLine": [{
        "Amount": 4.5, "DetailType": "TaxLineDetail", "TaxLineDetail": { "TaxRateRef": { "value": "1" }, "PercentBased": true, "TaxPercent": 8 },
    }] });
    let given = session.post("invoice", change(&changed, json!({ "TxnTaxDetail": given })));
    assert_eq!(figures(&given), is("4.50", "54.50"));
    let noted = session.post("invoice", change(&given, json!({ "PrivateNote": "n" })));
    assert_eq!(figures(&noted), is("4.50", "54.50"));
    let line = noted["Line"][0].clone();
    assert_eq!(
        figures(&session.post("invoice", change(&noted, json!({ "Line": [line] })))),
        is("4.00", "54.00")
    );
}

#[test]
fn without_sales_tax_nothing_is_taxed() {
    let mut session = Session::new(Seed::Empty);
    let income = session.find("Account", "Name", "Services");
    session.post(
        "item",
        json!({ "Name": "Garden Design", "Type": "Service", "IncomeAccountRef": { "value": income } }),
    );
    session.customer("Only");
    let members = json!({ "TxnTaxDetail": { "TxnTaxCodeRef": { "value": "1" }, "TotalTax": 5 } });
    assert_eq!(figures(&taxed(&mut session, members, &[("100", "TAX")])), is("0", "100.00"));
}

fn automated(session: &mut Session, address: Value, members: Value, lines: &[(&str, &str)]) -> Value {
    let mut body = draft(session, lines);
    for line in body["Line"].as_array_mut().unwrap() {
        line["SalesItemLineDetail"]["ItemRef"]["value"] = session.item("Topsoil").into();
    }
    body["ShipAddr"] = address;
    body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    session.post("invoice", body)
}

fn tucson() -> Value {
    json!({ "Line1": "1 Elm", "City": "Tucson", "CountrySubDivisionCode": "AZ", "PostalCode": "85719" })
}

#[test]
fn automated_tax_follows_the_destination() {
    let mut session = Session::new(Seed::AutomatedSalesTax);
    let named = json!({ "TxnTaxDetail": { "TxnTaxCodeRef": { "value": "1" } }, "GlobalTaxCalculation": "TaxExcluded" });
    let made = automated(&mut session, tucson(), named, &[("100", "TAX"), ("50", "NON")]);
    assert_eq!(figures(&made), is("8.70", "158.70"));
    assert_eq!(made["TxnTaxDetail"]["TaxLine"].as_array().unwrap().len(), 3);
    assert_ne!(
        made["TxnTaxDetail"]["TxnTaxCodeRef"]["value"], "1",
        "the engine's code replaces the one sent"
    );
    assert_eq!((&made["TaxExemptionRef"], made.get("GlobalTaxCalculation")), (&json!({}), None));
    assert_eq!((&made["ShipFromAddr"]["City"], &made["FreeFormAddress"]), (&json!("Bayview"), &json!(true)));
    let bayview = json!({ "CountrySubDivisionCode": "ca", "PostalCode": "94041" });
    assert_eq!(
        figures(&automated(&mut session, bayview, json!({}), &[("100", "TAX")])),
        is("9.13", "109.13")
    );
    let elsewhere = json!({ "CountrySubDivisionCode": "CA", "PostalCode": "95202" });
    assert_eq!(
        figures(&automated(&mut session, elsewhere, json!({}), &[("100", "TAX")])),
        is("7.25", "107.25")
    );
    for untaxed in [
        json!({ "CountrySubDivisionCode": "OR", "PostalCode": "97201" }),
        json!({ "Country": "Canada", "CountrySubDivisionCode": "CA", "PostalCode": "94041" }),
        json!({ "Line1": "Somewhere" }),
    ] {
        assert_eq!(
            figures(&automated(&mut session, untaxed, json!({}), &[("100", "TAX")])),
            is("0", "100.00")
        );
    }
}

#[test]
fn the_customers_address_counts_by_default_then_the_companys() {
    let mut session = Session::new(Seed::AutomatedSalesTax);
    let item = session.item("Topsoil");
    let mut post = |customer: &str| {
        let id = session.find("Customer", "DisplayName", customer);
        let line = json!({ "Amount": 100, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": { "ItemRef": { "value": item } } });
        figures(&session.post("invoice", json!({ "CustomerRef": { "value": id }, "Line": [line] })))
    };
    assert_eq!(post("Grant Iverson"), is("8.70", "108.70"));
    assert_eq!(post("Building A"), is("9.13", "109.13"));
    assert_eq!(post("Cedar Point Schools"), is("0", "100.00"), "exempt");
}

#[test]
fn an_exempt_item_is_not_taxed() {
    let mut session = Session::new(Seed::AutomatedSalesTax);
    let mut body = draft(&mut session, &[("100", "TAX")]);
    body["ShipAddr"] = tucson();
    let made = session.post("invoice", body);
    let detail = &made["Line"][0]["SalesItemLineDetail"];
    assert_eq!((&detail["TaxCodeRef"]["value"], figures(&made)), (&json!("NON"), is("0", "100.00")));
    assert_eq!(detail["TaxClassificationRef"]["value"], "EUC-99990201-V1-00020000");
}

#[test]
fn an_explicit_tax_is_honoured_and_prorated() {
    let mut session = Session::new(Seed::AutomatedSalesTax);
    let detail = |code: bool| {
        let mut detail = json!({ "TotalTax": 10 });
        if code {
            detail["TxnTaxCodeRef"] = json!({ "value": "TAX" });
        }
        json!({ "TxnTaxDetail": detail })
    };
    let made = automated(&mut session, tucson(), detail(true), &[("100", "TAX")]);
    assert_eq!(figures(&made), is("10.00", "110.00"));
    let parts: Vec<String> = made["TxnTaxDetail"]["TaxLine"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| spelled(line, "Amount"))
        .collect();
    assert_eq!(parts, ["6.44", "0.57", "2.99"]);
    assert_eq!(
        figures(&automated(&mut session, tucson(), detail(false), &[("100", "TAX")])),
        is("8.70", "108.70")
    );
    session.company.switches().tax_override_needs_code = false;
    assert_eq!(
        figures(&automated(&mut session, tucson(), detail(false), &[("100", "TAX")])),
        is("10.00", "110.00")
    );
    assert_eq!(
        figures(&automated(&mut session, tucson(), detail(true), &[("100", "NON")])),
        is("0", "100.00")
    );
    let zero = json!({ "TxnTaxDetail": { "TxnTaxCodeRef": { "value": "TAX" }, "TotalTax": 0 } });
    assert_eq!(figures(&automated(&mut session, tucson(), zero, &[("100", "TAX")])), is("0", "100.00"));
    let moved = json!({ "ShipAddr": { "CountrySubDivisionCode": "TX", "PostalCode": "75001" } });
    assert_eq!(
        figures(&session.post("invoice", change(&made, moved))),
        is("6.25", "106.25"),
        "an edit works it out again"
    );
}

fn global(session: &mut Session, mode: &str, lines: &[(&str, &str)]) -> Value {
    taxed(session, json!({ "GlobalTaxCalculation": mode }), lines)
}

#[test]
fn elsewhere_lines_need_numeric_codes_and_a_mode() {
    let mut session = Session::new(Seed::Global);
    let mut body = draft(&mut session, &[("10", "1")]);
    assert_eq!(session.refused("invoice", body.clone()).2, "GlobalTaxCalculation");
    body["GlobalTaxCalculation"] = "TaxExcluded".into();
    body["Line"][0]["SalesItemLineDetail"]["TaxCodeRef"]["value"] = "TAX".into();
    assert_eq!(session.code("invoice", body.clone()), "2090");
    body["Line"][0]["SalesItemLineDetail"]["TaxCodeRef"]["value"] = "99".into();
    assert_eq!(session.code("invoice", body.clone()), "2500");
    body["Line"][0]["SalesItemLineDetail"].as_object_mut().unwrap().remove("TaxCodeRef");
    assert_eq!(session.code("invoice", body.clone()), "6000");
    body["GlobalTaxCalculation"] = "NotApplicable".into();
    let made = session.post("invoice", body.clone());
    assert_eq!((made.get("TxnTaxDetail"), spelled(&made, "TotalAmt")), (None, "10.00".into()));
    body["TxnTaxDetail"] = json!({ "TotalTax": 1 });
    assert_eq!(session.code("invoice", body), "6170");
}

#[test]
fn excluded_tax_is_added_rate_by_rate() {
    let mut session = Session::new(Seed::Global);
    let made = global(&mut session, "TaxExcluded", &[("100", "1"), ("50", "2"), ("10", "4"), ("0.02", "1")]);
    // 20 % of 100.02 and 5 % of 50
    assert_eq!(figures(&made), is("22.50", "182.52"));
    let lines = made["TxnTaxDetail"]["TaxLine"].as_array().unwrap();
    assert_eq!(lines.iter().map(|line| spelled(line, "Amount")).collect::<Vec<_>>(), ["20.00", "2.50", "0"]);
    assert_eq!(
        (made.get("ApplyTaxAfterDiscount"), &made["GlobalTaxCalculation"]),
        (None, &json!("TaxExcluded"))
    );
}

#[test]
fn a_compound_code_taxes_tax() {
    let mut session = Session::new(Seed::Global);
    // 10 % of 100, then 20 % of 110
    assert_eq!(figures(&global(&mut session, "TaxExcluded", &[("100", "5")])), is("32.00", "132.00"));
    let included = global(&mut session, "TaxInclusive", &[("132", "5")]);
    assert_eq!(
        (figures(&included), spelled(&included["Line"][0], "Amount")),
        (is("32.00", "132.00"), "100.00".into())
    );
}

#[test]
fn the_unit_price_overrides_the_amount() {
    let mut session = Session::new(Seed::Global);
    let mut body = draft(&mut session, &[("37.37", "1")]);
    let detail = &mut body["Line"][0]["SalesItemLineDetail"];
    detail["UnitPrice"] = Value::Number("37.37499999".parse().unwrap());
    detail["Qty"] = json!(1);
    body["GlobalTaxCalculation"] = "TaxExcluded".into();
    let made = session.post("invoice", body);
    assert_eq!(spelled(&made["Line"][0], "Amount"), "37.38");
    assert_eq!(spelled(&made["Line"][0]["SalesItemLineDetail"], "UnitPrice"), "37.375");
}

#[test]
fn included_tax_is_rounded_line_by_line() {
    let mut session = Session::new(Seed::Global);
    assert_eq!(figures(&global(&mut session, "TaxInclusive", &[("20", "1")])), is("3.33", "20.00"));
    assert_eq!(figures(&global(&mut session, "TaxInclusive", &[("4", "1"); 5])), is("3.35", "20.00"));
}

#[test]
fn included_lines_show_net_and_gross() {
    let mut session = Session::new(Seed::Global);
    let mut body = draft(&mut session, &[("305.46", "1")]);
    body["GlobalTaxCalculation"] = "TaxInclusive".into();
    let detail = &mut body["Line"][0]["SalesItemLineDetail"];
    detail["UnitPrice"] = Value::Number("101.82".parse().unwrap());
    detail["Qty"] = json!(3);
    let made = session.post("invoice", body.clone());
    let line = &made["Line"][0];
    assert_eq!(
        (spelled(line, "Amount"), spelled(&line["SalesItemLineDetail"], "TaxInclusiveAmt")),
        ("254.55".into(), "305.46".into())
    );
    assert_eq!(spelled(&line["SalesItemLineDetail"], "UnitPrice"), "84.85");
    assert_eq!(figures(&made), is("50.91", "305.46"));
    assert_eq!(spelled(&made["Line"][1], "Amount"), "254.55");
    assert_eq!(session.post("invoice", change(&made, json!({ "Line": made["Line"] }))), made);
    body["Line"][0]["SalesItemLineDetail"]["TaxInclusiveAmt"] = json!(400);
    assert_eq!(session.code("invoice", body), "2600");
}

#[test]
fn a_discount_lowers_what_is_taxed() {
    let mut session = Session::new(Seed::Global);
    let mut body = draft(&mut session, &[("100", "1"), ("100", "2")]);
    body["GlobalTaxCalculation"] = "TaxExcluded".into();
    body["Line"].as_array_mut().unwrap().push(ten_percent_off());
    assert_eq!(figures(&session.post("invoice", body)), is("22.50", "202.50"));
}

#[test]
fn read_only_rates_cannot_be_overridden() {
    let mut session = Session::new(Seed::Global);
    let tax = |amount: &str, rates: &[&str]| {
        let lines: Vec<Value> = rates.iter().map(|rate| json!({
            "Amount": amount, "DetailType": "TaxLineDetail",
            "TaxLineDetail": { "TaxRateRef": { "value": rate }, "PercentBased": true, "TaxPercent": 20, "NetAmountTaxable": 100 },
        })).collect();
        json!({ "TaxLine": lines })
    };
    let mut body = draft(&mut session, &[("100", "1")]);
    body["GlobalTaxCalculation"] = "TaxExcluded".into();
    for (detail, code) in
        [(tax("19", &["1"]), "6000"), (tax("20", &["2"]), "6000"), (tax("20", &["1", "2"]), "6000")]
    {
        body["TxnTaxDetail"] = detail;
        assert_eq!(session.code("invoice", body.clone()), code);
    }
    body["TxnTaxDetail"] = tax("20", &["1"]);
    assert_eq!(figures(&session.post("invoice", body)), is("20.00", "120.00"));
}
