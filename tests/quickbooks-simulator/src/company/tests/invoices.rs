//! Invoices: defaults, lines, numbers, life.

use super::*;

fn body(customer: &Value, lines: Value) -> Value {
    json!({ "CustomerRef": { "value": customer["Id"] }, "Line": lines })
}

fn priced(session: &mut Session, price: &str, quantity: &str, amount: &str) -> Value {
    let mut line = session.line(amount, "NON");
    line["SalesItemLineDetail"]["UnitPrice"] = Value::Number(price.parse().unwrap());
    line["SalesItemLineDetail"]["Qty"] = Value::Number(quantity.parse().unwrap());
    line
}

fn discount(percent: Option<&str>, amount: Option<&str>) -> Value {
    let mut line = json!({ "DetailType": "DiscountLineDetail", "DiscountLineDetail": { "PercentBased": percent.is_some() } });
    if let Some(percent) = percent {
        line["DiscountLineDetail"]["DiscountPercent"] = percent.into();
    }
    if let Some(amount) = amount {
        line["Amount"] = amount.into();
    }
    line
}

#[test]
fn a_minimal_invoice_has_every_default() {
    let mut session = Session::new(Seed::Landscaping);
    let address = json!({ "Line1": "1 Elm", "City": "Bayview" });
    let customer =
        session.post("customer", json!({ "DisplayName": "Plain", "BillAddr": address, "ShipAddr": address }));
    let line = json!({ "Amount": 100, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": { "ItemRef": { "value": "1" } } });
    let made = session.post("invoice", body(&customer, json!([line])));
    let account = session.get("item/1")["IncomeAccountRef"].clone();
    let expected = json!({
        "AllowIPNPayment": false, "AllowOnlineACHPayment": false, "AllowOnlineCreditCardPayment": false,
        "AllowOnlinePayment": false, "ApplyTaxAfterDiscount": false, "BillAddr": customer["BillAddr"],
        "CurrencyRef": { "value": "USD", "name": "United States Dollar" },
        "CustomField": [{ "DefinitionId": "1", "Name": "Crew", "Type": "StringType" }],
        "CustomerRef": { "value": customer["Id"], "name": "Plain" }, "DocNumber": "1006", "DueDate": "2026-06-03",
        "EmailStatus": "NotSet", "Id": made["Id"], "LinkedTxn": [], "MetaData": made["MetaData"],
        "PrintStatus": "NeedToPrint", "ShipAddr": customer["ShipAddr"], "SyncToken": "0", "TxnDate": "2026-05-04",
        "TxnTaxDetail": made["TxnTaxDetail"], "domain": "QBO", "sparse": false, "Balance": made["Balance"],
        "TotalAmt": made["TotalAmt"], "Line": made["Line"],
    });
    assert_eq!(made, expected);
    assert_eq!(
        made["Line"].to_string(),
        json!([
            {
                "Id": "1", "LineNum": 1, "Amount": "AMOUNT", "DetailType": "SalesItemLineDetail",
                "SalesItemLineDetail": {
                    "ItemRef": { "value": "1", "name": "Services" }, "ItemAccountRef": account,
                    "TaxCodeRef": { "value": "NON" },
                },
            },
            { "Amount": "AMOUNT", "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {} },
        ])
        .to_string()
        .replace("\"AMOUNT\"", "100.00")
    );
    assert_eq!((spelled(&made, "TotalAmt"), spelled(&made, "Balance")), ("100.00".into(), "100.00".into()));
    assert_eq!(made["TxnTaxDetail"].to_string(), r#"{"TotalTax":0}"#);
}

#[test]
fn what_an_invoice_must_have() {
    let mut session = Session::new(Seed::Landscaping);
    let customer = session.customer("Plain");
    let line = session.line("10", "NON");
    let (code, detail, element) = session.refused("invoice", json!({ "CustomerRef": { "value": "1" } }));
    assert_eq!((code.as_str(), element.as_str()), ("2020", "Line"));
    assert_eq!(detail, "Required parameter Line is missing in the request");
    assert_eq!(session.refused("invoice", json!({ "Line": [line] })).2, "CustomerRef");
    for (lines, element) in [
        (json!([{ "Amount": 1 }]), "Line.DetailType"),
        (json!([{ "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": {} }]), "Line.Amount"),
        (json!([{ "DetailType": "DescriptionOnly", "Description": "Only words" }]), "Line"),
        (json!([{ "Amount": 1, "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {} }]), "Line"),
    ] {
        assert_eq!(session.refused("invoice", body(&customer, lines)).2, element);
    }
    assert_eq!(
        session.code("invoice", body(&customer, json!([{ "DetailType": "Odd", "Amount": 1 }]))),
        "2170"
    );
    assert_eq!(session.code("invoice", json!({ "CustomerRef": { "value": "999" }, "Line": [line] })), "2500");
    let mut unknown = line.clone();
    unknown["SalesItemLineDetail"]["ItemRef"]["value"] = "999".into();
    let (_, detail, _) = session.refused("invoice", body(&customer, json!([unknown])));
    assert_eq!(detail, "Invalid Reference Id : Items element id 999 not found");
    let (code, detail, element) =
        session.refused("invoice", json!({ "DocNumber": "x".repeat(22), "Line": [line] }));
    assert_eq!((code.as_str(), element.as_str()), ("2050", "DocNumber"), "{detail}");
}

#[test]
fn an_amount_is_price_times_quantity() {
    let mut session = Session::new(Seed::Landscaping);
    let customer = session.customer("Plain");
    let line = priced(&mut session, "75", "4.5", "337.50");
    let made = session.post("invoice", body(&customer, json!([line])));
    let detail = &made["Line"][0]["SalesItemLineDetail"];
    assert_eq!((spelled(detail, "UnitPrice"), spelled(detail, "Qty")), ("75".into(), "4.5".into()));
    assert_eq!(spelled(&made["Line"][0], "Amount"), "337.50");
    let line = priced(&mut session, "0.1", "33.35", "3.34");
    session.post("invoice", body(&customer, json!([line])));
    let line = priced(&mut session, "0.1", "33.35", "3.33");
    let (code, detail, _) = session.refused("invoice", body(&customer, json!([line])));
    assert_eq!(
        (code.as_str(), detail.as_str()),
        ("6070", "Amount is not equal to UnitPrice * Qty. Supplied value:3.33")
    );
    let line = priced(&mut session, "0", "0", "50");
    let made = session.post("invoice", body(&customer, json!([line])));
    assert_eq!(made["Line"][0]["SalesItemLineDetail"].get("Qty"), None);
    let line = priced(&mut session, "50", "0", "50");
    assert_eq!(session.code("invoice", body(&customer, json!([line]))), "6070");
}

#[test]
fn discounts_are_subtracted_and_shipping_comes_last() {
    let mut session = Session::new(Seed::Landscaping);
    let customer = session.customer("Plain");
    let line = session.line("50", "NON");
    let mut shipping = session.line("2", "NON");
    shipping["SalesItemLineDetail"]["ItemRef"]["value"] = "SHIPPING_ITEM_ID".into();
    let made = session.post("invoice", body(&customer, json!([shipping, discount(Some("10"), None), line])));
    let kinds: Vec<&str> =
        made["Line"].as_array().unwrap().iter().map(|line| line["DetailType"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        ["SalesItemLineDetail", "SubTotalLineDetail", "DiscountLineDetail", "SalesItemLineDetail"]
    );
    assert_eq!(
        (spelled(&made["Line"][2], "Amount"), spelled(&made, "TotalAmt")),
        ("5.00".into(), "47.00".into())
    );
    assert_eq!(made["Line"][2]["DiscountLineDetail"]["DiscountAccountRef"]["name"], "Discounts given");
    let mut more = made["Line"].as_array().unwrap().clone();
    more[0]["Amount"] = json!(100);
    let changed = session.post("invoice", change(&made, json!({ "Line": more })));
    assert_eq!(spelled(&changed, "TotalAmt"), "92.00");
}

#[test]
fn discounts_have_rules() {
    let mut session = Session::new(Seed::Landscaping);
    let customer = session.customer("Plain");
    let line = session.line("50", "NON");
    let mut with = |extra: Vec<Value>| {
        let mut lines = vec![line.clone()];
        lines.extend(extra);
        session.code("invoice", body(&customer, lines.into()))
    };
    assert_eq!(with(vec![discount(None, None)]), "6090");
    assert_eq!(with(vec![discount(None, Some("-1"))]), "2290");
    assert_eq!(with(vec![discount(None, Some("50.01"))]), "6000");
    assert_eq!(with(vec![discount(Some("101"), None)]), "2190");
    assert_eq!(with(vec![discount(Some("1"), None), discount(Some("1"), None)]), "6000");
    let prefs = session.get("preferences");
    session.post(
        "preferences",
        change(&prefs, json!({ "SalesFormsPrefs": { "AllowDiscount": false, "AllowDeposit": false } })),
    );
    assert_eq!(session.code("invoice", body(&customer, json!([line, discount(Some("1"), None)]))), "6000");
    let mut deposited = body(&customer, json!([line]));
    deposited["Deposit"] = json!(0);
    session.post("invoice", deposited.clone());
    deposited["Deposit"] = json!(5);
    assert_eq!(session.code("invoice", deposited), "6000");
}

#[test]
fn a_deposit_lowers_the_balance() {
    let mut session = Session::new(Seed::Landscaping);
    let customer = session.customer("Plain");
    let line = session.line("50", "NON");
    let mut invoice = body(&customer, json!([line]));
    invoice["Deposit"] = json!(12);
    let made = session.post("invoice", invoice.clone());
    assert_eq!((spelled(&made, "Balance"), spelled(&made, "TotalAmt")), ("38.00".into(), "50.00".into()));
    assert_eq!(
        spelled(&session.get(&format!("customer/{}", customer["Id"].as_str().unwrap())), "Balance"),
        "38.00"
    );
    invoice["Deposit"] = json!(51);
    assert_eq!(session.code("invoice", invoice), "6000");
}

#[test]
fn a_negative_total_is_refused_but_not_a_negative_line() {
    let mut session = Session::new(Seed::Landscaping);
    let customer = session.customer("Plain");
    let (line, less) = (session.line("50", "NON"), session.line("-50.01", "NON"));
    assert_eq!(session.code("invoice", body(&customer, json!([line, less]))), "6000");
    let less = session.line("-50", "NON");
    let made = session.post("invoice", body(&customer, json!([line, less])));
    assert_eq!((spelled(&made, "TotalAmt"), spelled(&made, "Balance")), ("0".into(), "0".into()));
}

#[test]
fn bundles_unfold_into_their_components() {
    let mut session = Session::new(Seed::Landscaping);
    let customer = session.customer("Plain");
    let bundle = session.item("Fountain Corner");
    let line = json!({ "DetailType": "GroupLineDetail", "GroupLineDetail": { "GroupItemRef": { "value": bundle }, "Quantity": 2 } });
    let made = session.post("invoice", body(&customer, json!([line])));
    let group = &made["Line"][0];
    assert_eq!(
        (spelled(group, "Amount"), group["GroupLineDetail"]["Line"].as_array().unwrap().len()),
        ("0".into(), 3)
    );
    // 2 x 310 + 2 x 18.75 + 6 x 45
    assert_eq!(spelled(&made, "TotalAmt"), "927.50");
    assert_eq!(group["GroupLineDetail"]["Line"][2]["Id"], "4");
    let again = session.post("invoice", change(&made, json!({ "Line": made["Line"] })));
    assert_eq!(again, made);
    let mut wrong = session.line("1", "NON");
    wrong["SalesItemLineDetail"]["ItemRef"]["value"] = bundle.into();
    assert_eq!(session.code("invoice", body(&customer, json!([wrong]))), "6000");
}

#[test]
fn lines_are_replaced_as_a_whole() {
    let mut session = Session::new(Seed::Landscaping);
    let customer = session.customer("Plain");
    let (a, b) = (session.line("10", "NON"), session.line("20", "NON"));
    let made = session.post("invoice", body(&customer, json!([a, b])));
    let second = made["Line"][1].clone();
    let mut stranger = a.clone();
    stranger["Id"] = "77".into();
    let changed = session.post("invoice", change(&made, json!({ "Line": [second, stranger] })));
    let ids: Vec<&Value> = changed["Line"].as_array().unwrap().iter().map(|line| &line["Id"]).collect();
    assert_eq!(ids, [&json!("2"), &json!("3"), &Value::Null]);
    assert_eq!((&changed["Line"][0]["LineNum"], spelled(&changed, "TotalAmt")), (&json!(1), "30.00".into()));
    let kept = session.post("invoice", change(&changed, json!({ "PrivateNote": "n" })));
    assert_eq!(kept["Line"], changed["Line"]);
    let mut full = key(&kept);
    full["CustomerRef"] = kept["CustomerRef"].clone();
    assert_eq!(session.refused("invoice", full).2, "Line");
}

#[test]
fn a_read_sent_back_changes_nothing() {
    for (seed, id) in [
        (Seed::Landscaping, "1"),
        (Seed::Landscaping, "5"),
        (Seed::AutomatedSalesTax, "3"),
        (Seed::Global, "1"),
    ] {
        let mut session = Session::new(seed);
        let read = session.get(&format!("invoice/{id}"));
        let mut sparse = read.clone();
        sparse["sparse"] = true.into();
        assert_eq!(session.post("invoice", sparse), read, "{seed:?} {id}");
        assert_eq!(session.post("invoice", read.clone()), read, "{seed:?} {id}");
    }
}

#[test]
fn quickbooks_counts_on_unless_numbers_are_custom() {
    let mut session = Session::new(Seed::Landscaping);
    let customer = session.customer("Plain");
    assert_eq!(session.invoice(&customer, "1")["DocNumber"], "1006");
    let line = session.line("1", "NON");
    let mut named = body(&customer, json!([line]));
    named["DocNumber"] = "INV-0099".into();
    assert_eq!(session.post("invoice", named.clone())["DocNumber"], "INV-0099");
    assert_eq!(session.invoice(&customer, "1")["DocNumber"], "INV-0100");
    session.post("invoice", named.clone());
    let prefs = session.get("preferences");
    session.post("preferences", change(&prefs, json!({ "SalesFormsPrefs": { "CustomTxnNumbers": true } })));
    let none = session.invoice(&customer, "1");
    assert_eq!(none.get("DocNumber"), None);
    let (code, detail, _) = session.refused("invoice", named.clone());
    assert_eq!(code, "6140");
    assert!(detail.ends_with("DocNumber=INV-0099 is assigned to TxnType=Invoice with TxnId=10"), "{detail}");
    session.post_with("invoice", &[("include", "allowduplicatedocnum")], named.clone());
    assert_eq!(session.code("invoice", change(&none, json!({ "DocNumber": "inv-0099" }))), "6140");
    session.company.switches().warn_of_duplicate_numbers = false;
    session.post("invoice", named);
}

#[test]
fn due_dates_follow_terms() {
    let mut session = Session::new(Seed::Landscaping);
    let term =
        session.post("term", json!({ "Name": "On the 10th", "DayOfMonthDue": 10, "DueNextMonthDays": 7 }));
    let customer =
        session.post("customer", json!({ "DisplayName": "Prompt", "SalesTermRef": { "value": "2" } }));
    let line = session.line("1", "NON");
    let mut invoice = body(&customer, json!([line]));
    invoice["TxnDate"] = "2026-01-31".into();
    let made = session.post("invoice", invoice.clone());
    assert_eq!((&made["DueDate"], &made["SalesTermRef"]["name"]), (&json!("2026-02-15"), &json!("Net 15")));
    invoice["SalesTermRef"] = json!({ "value": term["Id"] });
    assert_eq!(session.post("invoice", invoice.clone())["DueDate"], "2026-02-10");
    invoice["TxnDate"] = "2026-02-05".into();
    assert_eq!(session.post("invoice", invoice.clone())["DueDate"], "2026-03-10");
    invoice["DueDate"] = "2026-12-24".into();
    assert_eq!(session.post("invoice", invoice)["DueDate"], "2026-12-24");
}

#[test]
fn custom_fields_are_those_of_the_company() {
    let mut session = Session::new(Seed::Landscaping);
    let customer = session.customer("Plain");
    let line = session.line("1", "NON");
    let mut invoice = body(&customer, json!([line]));
    invoice["CustomField"] = json!([{ "DefinitionId": "1", "StringValue": "North" }]);
    assert_eq!(session.post("invoice", invoice.clone())["CustomField"][0]["StringValue"], "North");
    invoice["CustomField"] = json!([{ "DefinitionId": "2", "StringValue": "x" }]);
    assert_eq!(session.code("invoice", invoice), "3000");
}

#[test]
fn a_void_keeps_the_invoice_and_frees_its_payments() {
    for shape in [&[("operation", "void")][..], &[("operation", "update"), ("include", "void")]] {
        let mut session = Session::new(Seed::Landscaping);
        let customer = session.customer("Plain");
        let line = priced(&mut session, "25", "4", "100");
        let mut invoice = body(&customer, json!([line]));
        invoice["PrivateNote"] = "Paid by cheque".into();
        let made = session.post("invoice", invoice);
        let payment = session.payment(&customer, "60", &made, "60");
        let paid = session.get(&format!("invoice/{}", made["Id"].as_str().unwrap()));
        let voided = session.post_with("invoice", shape, key(&paid));
        assert_eq!((spelled(&voided, "TotalAmt"), spelled(&voided, "Balance")), ("0".into(), "0".into()));
        assert_eq!(
            (&voided["PrivateNote"], &voided["LinkedTxn"]),
            (&json!("Voided - Paid by cheque"), &json!([]))
        );
        assert_eq!((&voided["SyncToken"], &voided["DocNumber"]), (&json!("2"), &made["DocNumber"]));
        let detail = &voided["Line"][0]["SalesItemLineDetail"];
        assert_eq!((detail.get("UnitPrice"), spelled(detail, "Qty")), (None, "0".into()));
        let freed = session.get(&format!("payment/{}", payment["Id"].as_str().unwrap()));
        assert_eq!((spelled(&freed, "UnappliedAmt"), &freed["Line"]), ("60.00".into(), &json!([])));
        let owed = session.get(&format!("customer/{}", customer["Id"].as_str().unwrap()));
        assert_eq!(spelled(&owed, "Balance"), "-60.00");
        assert_eq!(session.post_with("invoice", shape, key(&voided)), voided);
        session.post_with("invoice", &[("operation", "delete")], key(&voided));
    }
}

#[test]
fn a_deleted_invoice_is_gone_and_its_payments_are_free() {
    let mut session = Session::new(Seed::Landscaping);
    let customer = session.customer("Plain");
    let made = session.invoice(&customer, "100");
    let payment = session.payment(&customer, "60", &made, "60");
    let path = format!("invoice/{}", made["Id"].as_str().unwrap());
    assert_eq!(session.refused_with("invoice", &[("operation", "delete")], key(&made)).0, "5010");
    let paid = session.get(&path);
    session.company.switches().delete_paid_invoices = false;
    assert_eq!(session.refused_with("invoice", &[("operation", "delete")], key(&paid)).0, "6000");
    session.company.switches().delete_paid_invoices = true;
    let answer = session.post_with("invoice", &[("operation", "delete")], key(&paid));
    assert_eq!(answer, json!({ "domain": "QBO", "status": "Deleted", "Id": made["Id"] }));
    assert_eq!(fault(&session.send("GET", &path, &[], "").1).0, "610");
    assert_eq!(session.refused_with("invoice", &[("operation", "delete")], key(&paid)).0, "610");
    let freed = session.get(&format!("payment/{}", payment["Id"].as_str().unwrap()));
    assert_eq!(spelled(&freed, "UnappliedAmt"), "60.00");
}

#[test]
fn what_the_bank_has_matched_is_not_deleted() {
    let mut session = Session::new(Seed::Landscaping);
    let customer = session.customer("Plain");
    let made = session.invoice(&customer, "1");
    session.company.match_to_bank_feed(made["Id"].as_str().unwrap());
    assert_eq!(session.refused_with("invoice", &[("operation", "delete")], key(&made)).0, "6480");
}

#[test]
fn sending_sets_the_status() {
    let mut session = Session::new(Seed::Landscaping);
    let customer = session.customer("Plain");
    let made = session.invoice(&customer, "1");
    let path = format!("invoice/{}/send", made["Id"].as_str().unwrap());
    assert_eq!(session.refused(&path, json!({})).0, "6420");
    assert_eq!(session.refused_with(&path, &[("sendTo", "nowhere")], json!({})).0, "2210");
    let sent = session.post_with(&path, &[("sendTo", "p@example.com")], json!({}));
    assert_eq!(
        (&sent["EmailStatus"], &sent["BillEmail"]["Address"]),
        (&json!("EmailSent"), &json!("p@example.com"))
    );
    assert_eq!((&sent["DeliveryInfo"]["DeliveryType"], &sent["SyncToken"]), (&json!("Email"), &json!("1")));
    let mut unaddressed = change(&sent, json!({ "EmailStatus": "NeedToSend" }));
    unaddressed["BillEmail"] = json!({});
    assert_eq!(session.code("invoice", unaddressed), "6420");
    assert_eq!(session.refused("invoice/999/send", json!({})).0, "610");
}

#[test]
fn foreign_invoices_need_a_rate() {
    let mut session = Session::new(Seed::Landscaping);
    session.company.enable_multicurrency(session.now);
    let customer =
        session.post("customer", json!({ "DisplayName": "Euro", "CurrencyRef": { "value": "EUR" } }));
    let line = session.line("100", "NON");
    let mut invoice = body(&customer, json!([line]));
    assert_eq!(session.refused("invoice", invoice.clone()).2, "ExchangeRate");
    invoice["ExchangeRate"] = json!(1.0825);
    let made = session.post("invoice", invoice.clone());
    assert_eq!(
        (spelled(&made, "HomeTotalAmt"), spelled(&made, "HomeBalance")),
        ("108.25".into(), "108.25".into())
    );
    assert_eq!(made["CurrencyRef"]["value"], "EUR");
    invoice["CurrencyRef"] = json!({ "value": "USD" });
    assert_eq!(session.code("invoice", invoice.clone()), "6000");
    session.company.switches().exchange_rate_defaults_to_one = true;
    let line = session.line("100", "NON");
    assert_eq!(spelled(&session.post("invoice", body(&customer, json!([line]))), "ExchangeRate"), "1");
    let dollars = session.customer("Dollar");
    assert_eq!(spelled(&session.invoice(&dollars, "5"), "HomeTotalAmt"), "5.00");
}

#[test]
fn credit_can_be_applied_by_itself() {
    let mut session = Session::new(Seed::Landscaping);
    let customer = session.customer("Ahead");
    let payment = session.post("payment", payment_body(&customer, "50", &[]));
    assert_eq!(spelled(&session.invoice(&customer, "20"), "Balance"), "20.00");
    session.company.auto_apply_credit(true, session.now);
    let made = session.invoice(&customer, "30");
    assert_eq!((spelled(&made, "Balance"), &made["LinkedTxn"][0]["TxnId"]), ("0".into(), &payment["Id"]));
    let part = session.invoice(&customer, "45");
    assert_eq!((spelled(&part, "TotalAmt"), spelled(&part, "Balance")), ("45.00".into(), "25.00".into()));
    let used = session.get(&format!("payment/{}", payment["Id"].as_str().unwrap()));
    assert_eq!((spelled(&used, "UnappliedAmt"), &used["SyncToken"]), ("0".into(), &json!("2")));
}
