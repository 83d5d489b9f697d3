//! Customers, vendors, employees, and how names work.

use super::*;

#[test]
fn a_minimal_customer_has_every_default() {
    let mut session = Session::new(Seed::Landscaping);
    let made = session.customer("Ospreys, Inc");
    let expected = json!({
        "Active": true, "Balance": 0, "BalanceWithJobs": 0, "BillWithParent": false,
        "CurrencyRef": { "value": "USD", "name": "United States Dollar" }, "DefaultTaxCodeRef": { "value": "1" },
        "DisplayName": "Ospreys, Inc", "FullyQualifiedName": "Ospreys, Inc", "Id": made["Id"], "IsProject": false,
        "Job": false,
        "MetaData": { "CreateTime": "2026-05-04T10:00:01-07:00", "LastUpdatedTime": "2026-05-04T10:00:01-07:00" },
        "PreferredDeliveryMethod": "Print", "PrintOnCheckName": "Ospreys, Inc", "SyncToken": "0", "Taxable": true,
        "domain": "QBO", "sparse": false,
    });
    assert_eq!(made, expected);
    assert_eq!(session.get(&format!("customer/{}", made["Id"].as_str().unwrap())), expected);
}

#[test]
fn a_name_comes_from_its_parts() {
    let mut session = Session::new(Seed::Empty);
    let made = session.post(
        "customer",
        json!({ "Title": "Dr", "GivenName": "Ann", "FamilyName": "Lee", "DisplayName": "" }),
    );
    assert_eq!(made["DisplayName"], "Dr Ann Lee");
    assert_eq!(session.code("customer", json!({ "CompanyName": "No name" })), "6080");
}

#[test]
fn names_are_unique_across_customers_vendors_and_employees() {
    let mut session = Session::new(Seed::Empty);
    session.customer("Sparrow");
    let refused = session.refused("customer", json!({ "DisplayName": "sparrow" }));
    assert_eq!(
        refused,
        ("6240".into(), "The name supplied already exists. : null".into(), "(absent)".into())
    );
    for path in ["vendor", "employee"] {
        assert_eq!(session.code(path, json!({ "DisplayName": "SPARROW" })), "6240");
    }
    session.post("vendor", json!({ "DisplayName": "Wren" }));
    assert_eq!(session.code("customer", json!({ "DisplayName": "Wren" })), "6240");
    assert_eq!(session.code("customer", json!({ "DisplayName": " Wren  " })), "6240");
}

#[test]
fn a_sub_customer_has_a_place_and_a_company_wide_name() {
    let mut session = Session::new(Seed::Empty);
    let parent = session.customer("Heron");
    let body = |name: &str, parent: &Value| json!({ "DisplayName": name, "Job": true, "ParentRef": { "value": parent["Id"] } });
    let child = session.post("customer", body("Pond", &parent));
    assert_eq!((child["FullyQualifiedName"].as_str(), &child["Level"]), (Some("Heron:Pond"), &json!(1)));
    assert_eq!(child["ParentRef"], json!({ "value": parent["Id"] }));
    assert_eq!(session.code("customer", json!({ "DisplayName": "Pond" })), "6240");
    let renamed = session.post("customer", change(&parent, json!({ "DisplayName": "Egret" })));
    assert_eq!(renamed["PrintOnCheckName"], "Heron");
    assert_eq!(session.get("customer/2")["FullyQualifiedName"], "Egret:Pond");
    assert_eq!(session.get("customer/2")["SyncToken"], "0");
}

#[test]
fn hierarchies_have_limits() {
    let mut session = Session::new(Seed::Empty);
    let mut last = session.customer("Level 0");
    for level in 1..=4 {
        let name = format!("Level {level}");
        last = session.post(
            "customer",
            json!({ "DisplayName": name, "Job": true, "ParentRef": { "value": last["Id"] } }),
        );
    }
    let deeper = json!({ "DisplayName": "Level 5", "Job": true, "ParentRef": { "value": last["Id"] } });
    assert_eq!(session.code("customer", deeper), "6180");
    let top = session.get("customer/1");
    let cycle = change(&top, json!({ "Job": true, "ParentRef": { "value": "3" } }));
    assert_eq!(session.code("customer", cycle), "900");
    assert_eq!(session.code("customer", json!({ "DisplayName": "x", "Job": true })), "6150");
    assert_eq!(
        session.code("customer", json!({ "DisplayName": "x", "ParentRef": { "value": "1" } })),
        "6150"
    );
    assert_eq!(
        session.code("customer", json!({ "DisplayName": "x", "Job": true, "ParentRef": { "value": "99" } })),
        "2500"
    );
}

#[test]
fn sparse_updates_keep_and_full_ones_clear() {
    let mut session = Session::new(Seed::Empty);
    let made = session.post(
        "customer",
        json!({ "DisplayName": "Kite", "GivenName": "Kit", "Notes": "Gate code", "BillAddr": { "Line1": "1 Elm" } }),
    );
    let address = made["BillAddr"]["Id"].clone();
    let sparse = session.post("customer", change(&made, json!({ "BillAddr": { "Line1": "2 Elm" } })));
    assert_eq!((&sparse["Notes"], &sparse["SyncToken"]), (&json!("Gate code"), &json!("1")));
    assert_eq!(sparse["BillAddr"], json!({ "Id": address, "Line1": "2 Elm" }));
    let cleared =
        session.post("customer", change(&sparse, json!({ "Notes": "", "BillAddr": {}, "DisplayName": "" })));
    assert_eq!(
        (cleared.get("Notes"), cleared.get("BillAddr"), &cleared["DisplayName"]),
        (None, None, &json!("Kite"))
    );
    let mut full = key(&cleared);
    full["DisplayName"] = "Kite".into();
    let full = session.post("customer", full);
    assert_eq!((full.get("GivenName"), &full["PreferredDeliveryMethod"]), (None, &json!("Print")));
    assert_eq!(full["SyncToken"], "3");
}

#[test]
fn a_stale_token_is_refused_and_an_idle_update_moves_nothing() {
    let mut session = Session::new(Seed::Empty);
    let made = session.customer("Lark");
    let same = session.post("customer", change(&made, json!({ "DisplayName": "Lark" })));
    assert_eq!(same, made);
    let mut full = made.clone();
    full["SyncToken"] = json!(0);
    assert_eq!(session.post("customer", full), made, "a read sent back, with a number for a token");
    session.post("customer", change(&made, json!({ "Notes": "x" })));
    let (code, detail, element) = session.refused("customer", change(&made, json!({ "Notes": "y" })));
    assert_eq!((code.as_str(), element.as_str()), ("5010", ""));
    assert_eq!(
        detail,
        "Stale Object Error : You and Jo Bookkeeper were working on this at the same time. Jo Bookkeeper finished \
         before you did, so your work was not saved."
    );
}

#[test]
fn deactivation_frees_the_name() {
    let mut session = Session::new(Seed::Empty);
    let first = session.customer("Robin");
    let gone = session.post("customer", change(&first, json!({ "Active": false })));
    assert_eq!(gone["DisplayName"], "Robin (deleted)");
    assert_eq!(gone["FullyQualifiedName"], "Robin (deleted)");
    assert_eq!(gone["PrintOnCheckName"], "Robin");
    assert_eq!(session.post("customer", change(&gone, json!({ "Active": false }))), gone);
    let second = session.customer("Robin");
    let also_gone = session.post("customer", change(&second, json!({ "Active": false })));
    assert_eq!(also_gone["DisplayName"], "Robin (deleted 2)");
    let back = session.post("customer", change(&also_gone, json!({ "Active": true })));
    assert_eq!(back["DisplayName"], "Robin");
    assert_eq!(session.code("customer", change(&gone, json!({ "Active": true }))), "6240");
}

#[test]
fn who_owes_cannot_be_deactivated() {
    let mut session = Session::new(Seed::Landscaping);
    let customer = session.customer("Owing");
    session.invoice(&customer, "10");
    assert_eq!(session.code("customer", change(&customer, json!({ "Active": false }))), "6220");
    session.company.switches().deactivate_with_balance = true;
    session.post("customer", change(&customer, json!({ "Active": false })));
}

#[test]
fn currencies_are_fixed_and_need_multicurrency() {
    let mut session = Session::new(Seed::Empty);
    let euro = json!({ "DisplayName": "Euro", "CurrencyRef": { "value": "EUR" } });
    assert_eq!(session.code("customer", euro.clone()), "6000");
    session.company.enable_multicurrency(session.now);
    let made = session.post("customer", euro);
    assert_eq!(made["CurrencyRef"], json!({ "value": "EUR", "name": "Euro" }));
    assert_eq!(session.code("customer", change(&made, json!({ "CurrencyRef": { "value": "USD" } }))), "6000");
    assert_eq!(
        session.code("customer", json!({ "DisplayName": "x", "CurrencyRef": { "value": "XXX" } })),
        "2220"
    );
    let mut full = key(&made);
    full["DisplayName"] = "Euro".into();
    assert_eq!(session.post("customer", full)["CurrencyRef"]["value"], "EUR");
}

#[test]
fn references_must_exist_and_be_active() {
    let mut session = Session::new(Seed::Empty);
    let with = |id: &str| json!({ "DisplayName": "x", "SalesTermRef": { "value": id } });
    let (code, detail, _) = session.refused("customer", with("99"));
    assert_eq!(
        (code.as_str(), detail.as_str()),
        ("2500", "Invalid Reference Id : Terms element id 99 not found")
    );
    let term = session.get("term/1");
    session.post("term", change(&term, json!({ "Active": false })));
    assert!(session.refused("customer", with("1")).1.contains("has been made inactive"));
    assert_eq!(
        session.post("customer", with("2"))["SalesTermRef"],
        json!({ "value": "2", "name": "Net 15" })
    );
}

#[test]
fn an_exemption_makes_a_customer_untaxed_and_an_identifier_is_masked() {
    let mut session = Session::new(Seed::Landscaping);
    let body =
        json!({ "DisplayName": "School", "TaxExemptionReasonId": "9", "PrimaryTaxIdentifier": "99-1234567" });
    let made = session.post("customer", body);
    assert_eq!((&made["Taxable"], &made["PrimaryTaxIdentifier"]), (&json!(false), &json!("XXXXX34567")));
}

#[test]
fn mail_delivery_needs_an_address() {
    let mut session = Session::new(Seed::Empty);
    assert_eq!(
        session.code("customer", json!({ "DisplayName": "x", "PreferredDeliveryMethod": "Email" })),
        "6420"
    );
}

#[test]
fn a_merge_moves_everything_to_the_winner() {
    let mut session = Session::new(Seed::Landscaping);
    let (winner, loser) = (session.customer("Winner"), session.customer("Loser"));
    let invoice = session.invoice(&loser, "80");
    session.payment(&loser, "30", &invoice, "20");
    let child = json!({ "DisplayName": "Child", "Job": true, "ParentRef": { "value": loser["Id"] } });
    let child = session.post("customer", child);
    session.invoice(&child, "5");
    session.company.take_changes();
    let (to, from) = (winner["Id"].as_str().unwrap(), loser["Id"].as_str().unwrap());
    session.company.merge_customers(to, from, session.now).unwrap();
    let merged = session.get(&format!("customer/{to}"));
    assert_eq!(
        (spelled(&merged, "Balance"), spelled(&merged, "BalanceWithJobs")),
        ("50.00".into(), "55.00".into())
    );
    assert_eq!(
        session.get(&format!("invoice/{}", invoice["Id"].as_str().unwrap()))["CustomerRef"]["value"],
        to
    );
    assert_eq!(
        session.get(&format!("customer/{}", child["Id"].as_str().unwrap()))["FullyQualifiedName"],
        "Winner:Child"
    );
    let changes = session.company.take_changes();
    let merge = changes.iter().find(|change| change.operation == "Merge").unwrap();
    assert_eq!((merge.id.as_str(), merge.deleted_id.as_deref()), (to, Some(from)));
    assert_eq!(fault(&session.send("GET", &format!("customer/{from}"), &[], "").1).0, "610");
    assert!(session.company.merge_customers(to, to, session.now).is_err());
    assert!(session.company.merge_customers(to, from, session.now).is_err());
}
