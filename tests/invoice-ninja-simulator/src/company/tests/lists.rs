use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Session, id, ids};
use crate::company::Seed;

fn with_clients(count: usize) -> Session {
    let mut session = Session::new(Seed::Empty);
    for n in 0..count {
        session.client(&format!("Client {n:02}"));
    }
    session
}

#[test]
fn pages_tell_where_they_are() {
    let mut session = with_clients(45);
    let (_, answer) = session.send("GET", "clients?sort=id|asc&page=3", Value::Null);
    assert_eq!(answer["data"].as_array().unwrap().len(), 5);
    let pagination = &answer["meta"]["pagination"];
    assert_eq!(
        *pagination,
        json!({
            "total": 45, "count": 5, "per_page": 20, "current_page": 3, "total_pages": 3,
            "links": {"previous": "?page=2"},
        })
    );
    let (_, all) = session.send("GET", "clients?sort=id|asc&per_page=500", Value::Null);
    assert_eq!(all["meta"]["pagination"]["links"], json!([]), "nothing is a list to PHP");
    let (_, beyond) = session.send("GET", "clients?sort=id|asc&page=9", Value::Null);
    assert_eq!(beyond["data"], json!([]));
    let (_, most) = session.send("GET", "clients?per_page=99999", Value::Null);
    assert_eq!(most["meta"]["pagination"]["per_page"], 5000);
}

#[test]
fn only_a_sorted_list_can_be_read_page_by_page() {
    let mut session = with_clients(40);
    let mut read = |sort: &str| {
        let pages = [1, 2].map(|page| ids(&session.get(&format!("clients?page={page}{sort}"))));
        pages.concat().into_iter().collect::<BTreeSet<_>>().len()
    };
    assert_eq!(read("&sort=id|asc"), 40);
    assert_eq!(read("&sort=updated_at|desc"), 40);
    assert!(read("") < 40, "rows were missed");
}

#[test]
fn misspelled_and_malformed_filters_are_ignored() {
    let mut session = with_clients(3);
    for filter in ["nmae=Client 01", "updated_at=yesterday", "client_id=none", "status=gone", "balance=much"]
    {
        assert_eq!(session.get(&format!("clients?{filter}")).as_array().unwrap().len(), 3, "{filter}");
    }
}

#[test]
fn changes_since_a_second_are_found_deleted_ones_too() {
    let mut session = with_clients(3);
    let since = session.now.as_second();
    let all = ids(&session.get("clients?sort=id|asc"));
    session.done("DELETE", &format!("clients/{}", all[0]), Value::Null);
    let changed = session.get(&format!("clients?updated_at={since}&sort=updated_at|asc"));
    assert_eq!(ids(&changed), [all[2].as_str(), all[0].as_str()], "the limit itself counts");
    let active = session.get(&format!("clients?updated_at={since}&status=active"));
    assert_eq!(ids(&active), [all[2].as_str()]);
    assert_eq!(ids(&session.get("clients?status=deleted")), [all[0].as_str()]);
    assert_eq!(session.get("clients?status=active,archived,deleted").as_array().unwrap().len(), 3);
}

#[test]
fn each_kind_has_its_own_filters() {
    let mut session = Session::new(Seed::Gardening);
    for (path, count) in [
        ("clients?name=corner", 1),
        ("clients?email=tom@oaksons.example", 1),
        ("clients?number=0002", 1),
        ("clients?filter=hillside", 1),
        ("clients?balance=gt:200", 1),
        ("clients?balance=200:gt", 1),
        ("products?product_key=Compost", 1),
        ("products?product_key=compost heap", 0),
        ("invoices?number=0002", 1),
        ("invoices?client_status=paid", 1),
        ("invoices?client_status=unpaid,draft", 3),
        ("invoices?status_id=1", 1),
        ("payments?client_status=completed", 2),
        ("payments?number=0001", 1),
        ("tax_rates", 2),
    ] {
        assert_eq!(session.get(path).as_array().unwrap().len(), count, "{path}");
    }
    let cafe = id(&session.get("clients?name=corner")[0]);
    assert_eq!(session.get(&format!("invoices?client_id={cafe}")).as_array().unwrap().len(), 1);
    assert_eq!(session.get(&format!("invoices?payable={cafe}")).as_array().unwrap().len(), 1);
    session.done("DELETE", &format!("clients/{cafe}"), Value::Null);
    assert_eq!(session.get("invoices?without_deleted_clients=true").as_array().unwrap().len(), 3);
}

#[test]
fn an_unknown_column_breaks_some_lists_and_is_ignored_by_others() {
    let mut session = with_clients(1);
    assert_eq!(session.refused("GET", "clients?sort=colour|asc", Value::Null).0, 500);
    session.get("invoices?sort=colour|asc");
}

#[test]
fn relations_come_along() {
    let mut session = Session::new(Seed::Gardening);
    let invoice = &session.get("invoices?client_status=paid&include=client,payments")[0];
    assert_eq!(invoice["client"]["name"], "Hillside Apartments");
    assert_eq!(invoice["payments"][0]["transaction_reference"], "Check 1041");
}
