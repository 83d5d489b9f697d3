//! The query operation.

use super::*;

fn refused(session: &mut Session, statement: &str) -> (String, String) {
    let (status, answer) = session.send("GET", "query", &[("query", statement)], "");
    assert_eq!(status, 400, "{answer}");
    let (code, detail, element) = fault(&answer);
    assert_eq!(element, "(absent)");
    (code, detail)
}

#[test]
fn rows_are_counted_and_placed() {
    let mut session = Session::new(Seed::Landscaping);
    let all = session.query("select * from Customer");
    assert_eq!((&all["startPosition"], &all["maxResults"]), (&json!(1), &json!(25)));
    assert_eq!(session.query("select count(*) from customer startposition 3"), json!({ "totalCount": 25 }));
    let page = session.query("SELECT * FROM Customer MAXRESULTS 10 STARTPOSITION 21");
    assert_eq!((&page["startPosition"], &page["maxResults"]), (&json!(21), &json!(5)));
    assert_eq!(session.query("SELECT * FROM Customer STARTPOSITION 26"), json!({}));
    assert_eq!(session.query("SELECT * FROM Customer WHERE DisplayName = 'nobody'"), json!({}));
}

#[test]
fn a_page_has_100_rows_and_at_most_1000() {
    let mut session = Session::new(Seed::Empty);
    for n in 0..1005 {
        session.customer(&format!("Customer {n:04}"));
    }
    assert_eq!(session.query("select * from Customer")["maxResults"], 100);
    assert_eq!(session.query("select * from Customer maxresults 5000")["maxResults"], 1000);
    session.company.switches().refuse_large_pages = true;
    assert_eq!(refused(&mut session, "select * from Customer maxresults 1001").0, "4001");
    let ids = session
        .ids("select * from Customer where DisplayName like '%9' orderby DisplayName desc maxresults 2");
    assert_eq!(ids, ["1000", "990"]);
}

#[test]
fn only_active_rows_unless_asked() {
    let mut session = Session::new(Seed::Empty);
    let (kept, gone) = (session.customer("Kept"), session.customer("Gone"));
    session.post("customer", change(&gone, json!({ "Active": false })));
    assert_eq!(session.ids("select * from Customer"), [kept["Id"].as_str().unwrap()]);
    assert_eq!(session.ids("select * from Customer where Active = false"), [gone["Id"].as_str().unwrap()]);
    assert_eq!(
        session.ids("select * from Customer where Active IN (true, false) and Id IN ('1','2')").len(),
        2
    );
    assert_eq!(session.ids("select * from Customer where Active = True and Id = '2'"), Vec::<String>::new());
    assert_eq!(session.query("select count(*) from Customer"), json!({ "totalCount": 1 }));
}

#[test]
fn comparisons_ignore_case_and_know_types() {
    let mut session = Session::new(Seed::Landscaping);
    let amounts = |session: &mut Session, filter: &str| {
        session.ids(&format!("select * from Invoice where {filter} orderby Id"))
    };
    assert_eq!(amounts(&mut session, "TotalAmt > '200.00'"), ["1", "3"]);
    assert_eq!(amounts(&mut session, "TotalAmt > 200"), ["1", "3"]);
    assert_eq!(amounts(&mut session, "Balance = '0'"), ["2"]);
    assert_eq!(amounts(&mut session, "TxnDate >= '2026-04-20'"), ["4", "5"]);
    assert_eq!(amounts(&mut session, "TxnDate < CURRENT_DATE and DocNumber in ('1001', '1002')"), ["1", "2"]);
    let customer = session.find("customer", "displayname", "hollis o'rourke");
    assert_eq!(amounts(&mut session, &format!("CustomerRef = '{customer}'")), ["2"]);
    assert_eq!(
        session.ids("select * from Customer where PrimaryEmailAddr = 'hollis@example.com'"),
        [customer]
    );
    assert_eq!(session.ids("select * from Customer where DisplayName like 'Ol%Oak%'").len(), 1);
    assert_eq!(session.ids("select * from Item where FullyQualifiedName = 'Soil and Turf:Topsoil'").len(), 1);
    assert_eq!(
        session
            .ids("select * from Invoice where MetaData.LastUpdatedTime > '2026-05-04T10:00:00-07:00'")
            .len(),
        0
    );
    assert_eq!(
        session
            .ids("select * from Invoice where MetaData.LastUpdatedTime >= '2026-05-04T10:00:00-07:00'")
            .len(),
        5
    );
}

#[test]
fn the_default_order_is_that_of_the_recordings() {
    let mut session = Session::new(Seed::Landscaping);
    let rows = session.query("select * from Customer");
    let names: Vec<String> = rows["Customer"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["FullyQualifiedName"].as_str().unwrap().to_lowercase())
        .collect();
    let mut sorted = names.clone();
    sorted.sort();
    assert_eq!(names, sorted);
    let first = session.get("invoice/1");
    session.post("invoice", change(&first, json!({ "PrivateNote": "touched" })));
    assert_eq!(session.ids("select * from Invoice")[0], "1");
}

#[test]
fn orders_agree_with_and_without_an_index() {
    let mut session = Session::new(Seed::Landscaping);
    for order in [
        "",
        "orderby Id",
        "orderby Id desc",
        "orderby MetaData.LastUpdatedTime desc",
        "orderby FullyQualifiedName",
    ] {
        let plain = session.ids(&format!("select * from Customer {order}"));
        let all: Vec<String> = (1..100).map(|id| format!("'{id}'")).collect();
        let narrowed =
            session.ids(&format!("select * from Customer where Id in ({}) {order}", all.join(",")));
        let mut expected = plain.clone();
        if order.contains("LastUpdatedTime") {
            // Equal times: either order of ids will do.
            expected.sort();
            let mut narrowed = narrowed.clone();
            narrowed.sort();
            assert_eq!(expected, narrowed);
        } else {
            assert_eq!(plain, narrowed, "{order}");
        }
    }
}

#[test]
fn projections_have_only_their_members() {
    let mut session = Session::new(Seed::Landscaping);
    let rows = session.query("select id, DisplayName, MetaData.CreateTime from Customer where Id = '1'");
    let expected = json!({
        "Id": "1", "DisplayName": "Amber Hill Nursery", "MetaData": { "CreateTime": "2016-05-06T10:00:00-07:00" },
        "domain": "QBO", "sparse": true,
    });
    assert_eq!(rows["Customer"], json!([expected]));
    assert!(
        refused(&mut session, "select Id, Nickname from Customer")
            .1
            .ends_with("Property Nickname not found for Entity Customer")
    );
    let full = session.query("SELECT *, Sku FROM Item");
    assert_eq!(full["Item"][0]["sparse"], false);
}

#[test]
fn what_cannot_be_asked() {
    let mut session = Session::new(Seed::Landscaping);
    for (statement, detail) in [
        ("select * from Custmoer", "QueryValidationError: invalid context declaration: Custmoer"),
        (
            "select * from Invoice where DepartmentRef = '1'",
            "QueryValidationError: property 'DepartmentRef' is not queryable",
        ),
        (
            "select * from Invoice where PrivateNote = 'x'",
            "QueryValidationError: property 'PrivateNote' is not queryable",
        ),
        (
            "select * from Invoice where AccountRef = '1'",
            "QueryValidationError: Property AccountRef not found for Entity Invoice",
        ),
        (
            "select * from Customer where BalanceWithJobs > 1",
            "QueryValidationError: property 'BalanceWithJobs' is not queryable",
        ),
        (
            "select * from Invoice where Line.Amount > 1",
            "QueryValidationError: property 'Line.Amount' is not queryable",
        ),
        (
            "select * from Item startposition 0",
            "QueryValidationError: value 0 is too small. Min allowed value is 1",
        ),
        (
            "select * from Customer where Id like '1%'",
            "QueryValidationError: operator LIKE is not supported for property 'Id'",
        ),
        (
            "select * from Invoice where TotalAmt > 'much'",
            "QueryValidationError: value 'much' is not valid for property 'TotalAmt'",
        ),
        (
            "select * from Invoice where TxnDate > 'soon'",
            "QueryValidationError: value 'soon' is not valid for property 'TxnDate'",
        ),
        (
            "select * from Invoice orderby PrivateNote",
            "QueryValidationError: property 'PrivateNote' is not queryable",
        ),
    ] {
        assert_eq!(refused(&mut session, statement), ("4001".to_owned(), detail.to_owned()), "{statement}");
    }
    session.query("select * from Customer orderby BalanceWithJobs");
    assert_eq!(refused(&mut session, "select * from Customer where DisplayName = 'O'Rourke'").0, "4000");
    assert_eq!(refused(&mut session, "").0, "4000");
}

#[test]
fn entities_without_objects_are_empty() {
    let mut session = Session::new(Seed::Landscaping);
    assert_eq!(session.query("select * from CompanyCurrency"), json!({}));
    assert_eq!(session.query("select count(*) from estimate"), json!({ "totalCount": 0 }));
}

#[test]
fn pseudo_tax_codes_come_with_the_first_page() {
    let mut session = Session::new(Seed::Landscaping);
    let pseudo = ["TAX", "NON", "CustomSalesTax"];
    assert_eq!(session.ids("select * from TaxCode maxresults 1")[..3], pseudo);
    assert_eq!(session.ids("select * from TaxCode").len(), 5);
    assert_eq!(session.ids("select * from TaxCode startposition 2").len(), 1);
    assert_eq!(session.ids("select * from TaxCode where Active = true").len(), 2);
    assert_eq!(session.ids("select * from TaxCode where Name = 'TAX'"), ["TAX"]);
    let tax = session.get("taxcode/TAX");
    assert_eq!((tax.get("SyncToken"), tax.get("Active"), tax.get("domain")), (None, None, None));
    let mut global = Session::new(Seed::Global);
    assert_eq!(global.ids("select * from TaxCode").len(), 5);
}

#[test]
fn a_statement_can_be_posted() {
    let mut session = Session::new(Seed::Landscaping);
    let (status, answer) = session.send("POST", "query", &[], "select count(*) from Customer");
    assert_eq!((status, &answer["QueryResponse"]), (200, &json!({ "totalCount": 25 })));
}

#[test]
fn new_rows_can_lag() {
    let mut session = Session::new(Seed::Empty);
    session.company.switches().query_lag_seconds = 5;
    let made = session.customer("Late");
    assert_eq!(session.query("select * from Customer where DisplayName = 'Late'"), json!({}));
    session.get(&format!("customer/{}", made["Id"].as_str().unwrap()));
    session.wait(5);
    assert_eq!(session.ids("select * from Customer where DisplayName = 'Late'").len(), 1);
}
