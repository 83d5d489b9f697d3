//! Items, accounts, terms, payment methods, tax codes.

use super::*;

/// Members that a client in use sends along, without meaning anything by them.
#[test]
fn idle_members_of_clients_in_use_are_accepted() {
    let mut session = Session::new(Seed::Empty);
    session.post(
        "vendor",
        json!({ "DisplayName": "Mill", "TaxReportingBasis": "", "BillRate": 0, "Vendor1099": false }),
    );
    session.post("employee", json!({ "GivenName": "Ida", "Organization": false, "HiredDate": "" }));
    let agency = session.post("taxagency", json!({ "DisplayName": "Office" }));
    let rate = json!({ "TaxRateName": "R", "RateValue": 10, "TaxAgencyId": agency["Id"], "TaxApplicableOn": "Sales" });
    session.post(
        "taxservice/taxcode",
        json!({ "Id": null, "sparse": false, "TaxCode": "C", "TaxRateDetails": [rate] }),
    );
}

fn account(session: &mut Session, name: &str) -> Value {
    json!({ "value": session.find("Account", "Name", name) })
}

fn service(session: &mut Session, name: &str) -> Value {
    let income = account(session, "Services");
    json!({ "Name": name, "Type": "Service", "IncomeAccountRef": income })
}

#[test]
fn a_service_has_its_defaults() {
    let mut session = Session::new(Seed::Empty);
    let body = service(&mut session, "Sweeping");
    let made = session.post("item", body);
    assert_eq!((spelled(&made, "UnitPrice"), spelled(&made, "PurchaseCost")), ("0".into(), "0".into()));
    assert_eq!((&made["Taxable"], &made["TrackQtyOnHand"]), (&json!(false), &json!(false)));
    assert_eq!(made["IncomeAccountRef"]["name"], "Services");
    assert_eq!(made["FullyQualifiedName"], "Sweeping");
}

#[test]
fn what_an_item_must_have() {
    let mut session = Session::new(Seed::Empty);
    assert_eq!(session.refused("item", json!({ "Type": "Service" })).2, "Name");
    assert_eq!(session.refused("item", json!({ "Name": "x" })).2, "Type");
    for (kind, member) in [
        ("Service", "IncomeAccountRef"),
        ("NonInventory", "IncomeAccountRef"),
        ("Inventory", "IncomeAccountRef"),
    ] {
        assert_eq!(session.refused("item", json!({ "Name": "x", "Type": kind })).2, member);
    }
    let bank = session.post("account", json!({ "Name": "Till", "AccountType": "Bank" }));
    let wrong = json!({ "Name": "x", "Type": "Service", "IncomeAccountRef": { "value": bank["Id"] } });
    assert_eq!(session.code("item", wrong), "6430");
    let gone = json!({ "Name": "x", "Type": "Service", "IncomeAccountRef": { "value": "999" } });
    assert_eq!(session.refused("item", gone).1, "Invalid Reference Id : Accounts element id 999 not found");
    assert_eq!(session.code("item", json!({ "Name": "x", "Type": "Group" })), "6000");
}

#[test]
fn a_purchased_non_inventory_item_needs_no_income_account() {
    let mut session = Session::new(Seed::Empty);
    let expense = account(&mut session, "Uncategorized Expense");
    session.post("item", json!({ "Name": "Rags", "Type": "NonInventory", "ExpenseAccountRef": expense }));
}

#[test]
fn inventory_is_counted() {
    let mut session = Session::new(Seed::Landscaping);
    let mut body = json!({ "Name": "Lantern", "Type": "Inventory", "UnitPrice": 20, "TrackQtyOnHand": true });
    for (member, name) in [
        ("IncomeAccountRef", "Sales of Product Income"),
        ("ExpenseAccountRef", "Cost of Goods Sold"),
        ("AssetAccountRef", "Inventory Asset"),
    ] {
        body[member] = account(&mut session, name);
    }
    assert_eq!(session.code("item", body.clone()), "6520");
    body["QtyOnHand"] = json!(10);
    assert_eq!(session.refused("item", body.clone()).2, "InvStartDate");
    body["InvStartDate"] = "2026-05-01".into();
    let item = session.post("item", body);
    let customer = session.customer("Buyer");
    let invoice = |date: &str| {
        let detail = json!({ "ItemRef": { "value": item["Id"] }, "Qty": 3, "UnitPrice": 20 });
        let line =
            json!({ "Amount": 60, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": detail });
        json!({ "CustomerRef": { "value": customer["Id"] }, "TxnDate": date, "Line": [line] })
    };
    assert_eq!(session.code("invoice", invoice("2026-04-30")), "6270");
    let sold = session.post("invoice", invoice("2026-05-02"));
    let path = format!("item/{}", item["Id"].as_str().unwrap());
    let after = session.get(&path);
    assert_eq!((spelled(&after, "QtyOnHand"), &after["SyncToken"]), ("7".into(), &json!("0")));
    assert_ne!(after["MetaData"]["LastUpdatedTime"], item["MetaData"]["LastUpdatedTime"]);
    session.post_with("invoice", &[("operation", "void")], key(&sold));
    assert_eq!(spelled(&session.get(&path), "QtyOnHand"), "10");
    let unset = change(&after, json!({ "TrackQtyOnHand": false }));
    assert_eq!(session.code("item", unset), "6000");
    assert_eq!(session.code("item", change(&after, json!({ "Type": "Service" }))), "6000");
}

#[test]
fn names_are_unique_under_one_parent() {
    let mut session = Session::new(Seed::Landscaping);
    let category = session.post("item", json!({ "Name": "Seasonal", "Type": "Category" }));
    let mut body = service(&mut session, "Lawn Care");
    assert_eq!(session.code("item", body.clone()), "6240");
    body["SubItem"] = true.into();
    assert_eq!(session.code("item", body.clone()), "6150");
    body["ParentRef"] = json!({ "value": category["Id"] });
    session.company.switches().item_names_unique_in_company = true;
    assert_eq!(session.code("item", body.clone()), "6240");
    session.company.switches().item_names_unique_in_company = false;
    let made = session.post("item", body.clone());
    assert_eq!(
        (made["FullyQualifiedName"].as_str(), &made["Level"]),
        (Some("Seasonal:Lawn Care"), &json!(1))
    );
    assert_eq!(made["ParentRef"]["name"], "Seasonal");
    assert_eq!(session.code("item", body.clone()), "6240");
    body["ParentRef"] = json!({ "value": made["Id"] });
    assert_eq!(session.code("item", body), "700");
}

#[test]
fn a_category_has_neither_price_nor_end() {
    let mut session = Session::new(Seed::Empty);
    let made = session.post("item", json!({ "Name": "Trees", "Type": "Category", "UnitPrice": 5 }));
    assert_eq!(made.get("UnitPrice"), None);
    assert_eq!(session.code("item", change(&made, json!({ "Active": false }))), "6000");
}

#[test]
fn prices_have_a_limit_and_tax_codes_are_numbers() {
    let mut session = Session::new(Seed::Landscaping);
    let mut body = service(&mut session, "Dear");
    body["UnitPrice"] = json!(100_000_000_000_u64);
    assert_eq!(session.code("item", body.clone()), "2190");
    body["UnitPrice"] = json!(99_999_999_999_u64);
    body["SalesTaxCodeRef"] = json!({ "value": "NON" });
    assert_eq!(session.code("item", body), "2090");
}

#[test]
fn an_inactive_item_cannot_be_sold() {
    let mut session = Session::new(Seed::Landscaping);
    let item = session.item("Pruning");
    let customer = session.customer("Buyer");
    let mut line = session.line("10", "NON");
    line["SalesItemLineDetail"]["ItemRef"]["value"] = item.as_str().into();
    let body = json!({ "CustomerRef": { "value": customer["Id"] }, "Line": [line] });
    let invoice = session.post("invoice", body.clone());
    let old = session.get(&format!("item/{item}"));
    session.post("item", change(&old, json!({ "Active": false })));
    assert_eq!(session.code("invoice", body), "2500");
    assert_eq!(session.code("invoice", change(&invoice, json!({ "PrivateNote": "x" }))), "2500");
}

#[test]
fn accounts_know_their_class() {
    let mut session = Session::new(Seed::Empty);
    let made = session.post("account", json!({ "Name": "Grants", "AccountType": "Income" }));
    assert_eq!(
        (&made["Classification"], &made["AccountSubType"]),
        (&json!("Revenue"), &json!("ServiceFeeIncome"))
    );
    assert_eq!((spelled(&made, "CurrentBalance"), &made["SubAccount"]), ("0".into(), &json!(false)));
    let by_subtype =
        session.post("account", json!({ "Name": "Shop", "AccountSubType": "SalesOfProductIncome" }));
    assert_eq!(by_subtype["AccountType"], "Income");
    assert_eq!(session.code("account", json!({ "Name": "Odd" })), "6010");
    assert_eq!(session.code("account", json!({ "Name": "Odd", "AccountType": "Hobby" })), "6010");
    assert_eq!(session.code("account", json!({ "Name": "Grants", "AccountType": "Bank" })), "6240");
    assert_eq!(session.code("account", json!({ "Name": "a \"b\"", "AccountType": "Bank" })), "2040");
    let child = json!({ "Name": "Sub", "AccountType": "Income", "ParentRef": { "value": made["Id"] } });
    assert_eq!(session.post("account", child)["FullyQualifiedName"], "Grants:Sub");
    let stray = json!({ "Name": "Stray", "AccountType": "Bank", "ParentRef": { "value": made["Id"] } });
    assert_eq!(session.code("account", stray), "700");
    assert_eq!(
        session.post("account", change(&made, json!({ "Active": false })))["Name"],
        "Grants (deleted)"
    );
}

#[test]
fn terms_are_by_days_or_by_date() {
    let mut session = Session::new(Seed::Empty);
    assert_eq!(session.post("term", json!({ "Name": "Net 45", "DueDays": 45 }))["Type"], "STANDARD");
    assert_eq!(session.post("term", json!({ "Name": "15th", "DayOfMonthDue": 15 }))["Type"], "DATE_DRIVEN");
    assert_eq!(session.refused("term", json!({ "Name": "None" })).2, "DueDays");
    assert_eq!(session.code("term", json!({ "Name": "Long", "DueDays": 1000 })), "2190");
    assert_eq!(session.code("term", json!({ "Name": "net 45", "DueDays": 1 })), "6240");
    assert_eq!(session.code("term", json!({ "Name": "x".repeat(32), "DueDays": 1 })), "2050");
}

#[test]
fn payment_methods_are_unique() {
    let mut session = Session::new(Seed::Empty);
    assert_eq!(session.post("paymentmethod", json!({ "Name": "Barter" }))["Type"], "NON_CREDIT_CARD");
    assert_eq!(session.code("paymentmethod", json!({ "Name": "barter" })), "6240");
    assert_eq!(session.refused("paymentmethod", json!({})).2, "Name");
}

#[test]
fn tax_codes_are_made_by_the_tax_service() {
    let mut session = Session::new(Seed::Landscaping);
    let rate = |name: &str| json!({ "TaxRateName": name, "RateValue": "4.25", "TaxAgencyId": "1", "TaxApplicableOn": "Sales" });
    let body = json!({ "TaxCode": "Harbor", "TaxRateDetails": [rate("Harbor rate"), { "TaxRateId": "1" }] });
    let (status, answer) = session.send("POST", "taxservice/taxcode", &[], &body.to_string());
    assert_eq!(status, 200, "{answer}");
    assert_eq!((&answer["TaxCode"], answer.get("time")), (&json!("Harbor"), None));
    assert_eq!(answer["TaxRateDetails"][0]["RateValue"], "4.25%");
    let code = session.get(&format!("taxcode/{}", answer["TaxCodeId"].as_str().unwrap()));
    assert_eq!(code["SalesTaxRateList"]["TaxRateDetail"].as_array().unwrap().len(), 2);
    let again = json!({ "TaxCode": "Harbor 2", "TaxRateDetails": [rate("Harbor rate")] });
    let (code, detail, _) = session.refused("taxservice/taxcode", again);
    assert_eq!(code, "6240");
    assert!(detail.contains("Another tax rate is already using this \nname."));
    assert_eq!(session.code("taxservice/taxcode", body), "6240");
    assert_eq!(session.code("taxservice/taxcode", json!({ "TaxCode": "x", "TaxRateDetails": [] })), "2020");
}
