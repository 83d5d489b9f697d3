//! CompanyInfo, Preferences, and what a bookkeeper sets.

use super::*;
use crate::company::ClassPlace;

#[test]
fn the_company_describes_itself() {
    let mut session = Session::new(Seed::Global);
    let info = session.get("companyinfo/4620816365000000001");
    assert_eq!((&info["Id"], &info["Country"]), (&json!("1"), &json!("GB")));
    assert_eq!(session.query("select * from CompanyInfo")["CompanyInfo"][0], info);
    let renamed = session.post("companyinfo", change(&info, json!({ "CompanyName": "Renamed" })));
    assert_eq!((renamed["SyncToken"].as_str(), session.company.name()), (Some("1"), "Renamed"));
}

#[test]
fn models_of_sales_tax_can_be_told_apart() {
    for (seed, expected) in [
        (Seed::Landscaping, json!({ "UsingSalesTax": true, "TaxGroupCodeRef": { "value": "1" } })),
        (Seed::AutomatedSalesTax, json!({ "UsingSalesTax": true, "PartnerTaxEnabled": true })),
        (Seed::Global, json!({ "UsingSalesTax": true })),
        (Seed::Empty, json!({ "UsingSalesTax": false, "PartnerTaxEnabled": false })),
    ] {
        assert_eq!(Session::new(seed).get("preferences")["TaxPrefs"], expected);
    }
}

#[test]
fn only_writable_settings_are_taken_over() {
    let mut session = Session::new(Seed::Landscaping);
    let old = session.get("preferences");
    let body = json!({
        "SalesFormsPrefs": { "CustomTxnNumbers": true, "AutoApplyCredit": true },
        "TaxPrefs": { "UsingSalesTax": false }, "CurrencyPrefs": { "MultiCurrencyEnabled": true },
    });
    let new = session.post("preferences", change(&old, body));
    let sales = &new["SalesFormsPrefs"];
    assert_eq!((&sales["CustomTxnNumbers"], &sales["AutoApplyCredit"]), (&json!(true), &json!(false)));
    assert_eq!(
        (&sales["DefaultTerms"], &new["TaxPrefs"]),
        (&old["SalesFormsPrefs"]["DefaultTerms"], &old["TaxPrefs"])
    );
    assert_eq!(new["CurrencyPrefs"]["MultiCurrencyEnabled"], false);
    assert_eq!(session.code("preferences", change(&old, json!({}))), "5010");
    assert_eq!(session.code("preferences", change(&new, json!({ "Preferred": {} }))), "2010");
    let wrong = json!({ "SalesFormsPrefs": { "CustomTxnNumbers": "yes" } });
    assert_eq!(session.code("preferences", change(&new, wrong)), "2010");
}

#[test]
fn classes_and_locations_stand_where_they_are_tracked() {
    let mut session = Session::new(Seed::Landscaping);
    let class = session.post("class", json!({ "Name": "North" }));
    let below = json!({ "Name": "Coast", "ParentRef": { "value": class["Id"] } });
    assert_eq!(session.post("class", below)["FullyQualifiedName"], "North:Coast");
    assert_eq!(session.code("class", json!({ "Name": "north" })), "6240");
    let place = session.post("department", json!({ "Name": "Yard" }));
    let (class, place) = (json!({ "value": class["Id"] }), json!({ "value": place["Id"] }));
    let customer = session.customer("Tracked");
    let line = session.line("10", "NON");
    let mut of_line = line.clone();
    of_line["SalesItemLineDetail"]["ClassRef"] = class.clone();
    let with = |line: &Value, members: Value| {
        let mut body = json!({ "CustomerRef": { "value": customer["Id"] }, "Line": [line] });
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        body
    };
    let form = with(&line, json!({ "ClassRef": class, "DepartmentRef": place }));
    for body in [&form, &with(&of_line, json!({}))] {
        assert_eq!(session.code("invoice", body.clone()), "6000", "nothing is tracked");
    }
    for member in ["ClassRef", "DepartmentRef"] {
        assert_eq!(session.code("invoice", with(&line, json!({ member: { "value": "99" } }))), "2500");
    }
    session.company.track_locations(true, session.now);
    session.company.track_classes(Some(ClassPlace::Form), session.now);
    let made = session.post("invoice", form.clone());
    assert_eq!(
        (&made["ClassRef"]["name"], &made["DepartmentRef"]["name"]),
        (&json!("North"), &json!("Yard"))
    );
    session.company.track_classes(Some(ClassPlace::Line), session.now);
    assert_eq!(session.code("invoice", form), "6000");
    let made = session.post("invoice", with(&of_line, json!({})));
    assert_eq!(made["Line"][0]["SalesItemLineDetail"]["ClassRef"]["name"], "North");
    assert_eq!(
        session.query("select * from Class where Active = true")["Class"].as_array().unwrap().len(),
        2
    );
}

#[test]
fn closed_books_refuse_what_is_dated_in_them() {
    let mut session = Session::new(Seed::Landscaping);
    let customer = session.customer("Late");
    let old = session.invoice(&customer, "10");
    let paid = session.payment(&customer, "5", &old, "5");
    let date = "2026-05-04".parse().unwrap();
    for (with_password, code) in [(true, "6210"), (false, "6200")] {
        session.company.close_books(Some(date), with_password, session.now);
        let line = session.line("1", "NON");
        let body =
            json!({ "CustomerRef": { "value": customer["Id"] }, "TxnDate": "2026-05-04", "Line": [line] });
        assert_eq!(session.code("invoice", body), code);
        let old = session.get(&format!("invoice/{}", old["Id"].as_str().unwrap()));
        assert_eq!(session.code("invoice", change(&old, json!({ "TxnDate": "2026-05-05" }))), code);
        for operation in ["delete", "void"] {
            assert_eq!(session.refused_with("invoice", &[("operation", operation)], key(&old)).0, code);
            assert_eq!(session.refused_with("payment", &[("operation", operation)], key(&paid)).0, code);
        }
        assert_eq!(session.code("payment", change(&paid, json!({ "PrivateNote": "x" }))), code);
    }
    assert_eq!(session.get("preferences")["AccountingInfoPrefs"]["BookCloseDate"], "2026-05-04");
    let line = session.line("1", "NON");
    let later =
        json!({ "CustomerRef": { "value": customer["Id"] }, "TxnDate": "2026-05-05", "Line": [line] });
    session.post("invoice", later);
    session.company.close_books(None, false, session.now);
    session.post("payment", change(&paid, json!({ "PrivateNote": "x" })));
}
