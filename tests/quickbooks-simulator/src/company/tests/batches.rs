//! Batches.

use super::*;

fn batch(session: &mut Session, items: Value) -> Vec<Value> {
    let (status, answer) =
        session.send("POST", "batch", &[], &json!({ "BatchItemRequest": items }).to_string());
    assert_eq!(status, 200, "{answer}");
    answer["BatchItemResponse"].as_array().unwrap().clone()
}

#[test]
fn every_item_is_answered_by_itself() {
    let mut session = Session::new(Seed::Landscaping);
    let invoice = session.get("invoice/4");
    let answers = batch(
        &mut session,
        json!([
            { "bId": "new", "operation": "Create", "Customer": { "DisplayName": "Batched" } },
            { "bId": "taken", "operation": "create", "Customer": { "DisplayName": "Batched" } },
            { "bId": "gone", "operation": "delete", "Invoice": { "Id": "999", "SyncToken": "0" } },
            { "bId": "void", "operation": "update", "optionsData": "void", "Invoice": key(&invoice) },
            { "bId": "update", "operation": "update", "Customer": { "Id": "1", "SyncToken": "0", "sparse": true, "Notes": "x" } },
            { "bId": "rows", "Query": "select count(*) from Customer" },
            { "bId": "odd", "operation": "create", "Widget": {} },
            { "bId": "syntax", "Query": "select" },
            { "operation": "create", "Customer": { "DisplayName": "Nameless" } },
        ]),
    );
    assert_eq!(answers[0]["Customer"]["DisplayName"], "Batched");
    assert_eq!(answers[1]["Fault"]["Error"][0]["code"], "6240");
    assert_eq!(answers[2]["Fault"]["Error"][0]["code"], "610");
    assert_eq!(
        (spelled(&answers[3]["Invoice"], "TotalAmt"), &answers[3]["bId"]),
        ("0".into(), &json!("void"))
    );
    assert_eq!(answers[4]["Customer"]["Notes"], "x");
    assert_eq!(answers[5]["QueryResponse"], json!({ "totalCount": 26 }));
    assert_eq!(answers[6]["Fault"]["Error"][0]["code"], "2000");
    assert_eq!(answers[7]["Fault"]["Error"][0]["code"], "4000");
    assert_eq!(answers[8]["Fault"]["Error"][0]["element"], "bId");
    for answer in &answers[..8] {
        assert_eq!(answer.as_object().unwrap().len(), 2);
    }
}

#[test]
fn thirty_items_are_the_most() {
    let mut session = Session::new(Seed::Landscaping);
    let items = |count: usize| -> Vec<Value> {
        let bid = "0123456789abcdef0123456789abcdef0123";
        (0..count).map(|_| json!({ "bId": bid, "Query": "select count(*) from Item" })).collect()
    };
    assert_eq!(batch(&mut session, items(30).into()).len(), 30);
    assert_eq!(session.code("batch", json!({ "BatchItemRequest": items(31) })), "1040");
    assert_eq!(session.code("batch", json!({})), "2020");
}

#[test]
fn the_order_of_execution_is_a_switch() {
    let mut session = Session::new(Seed::Empty);
    let create = |id: &str, name: &str| json!({ "bId": id, "operation": "create", "Customer": { "DisplayName": name } });
    let ids = |answers: Vec<Value>| {
        answers.iter().map(|answer| answer["bId"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(batch(&mut session, json!([create("a", "A"), create("b", "B")]))), ["a", "b"]);
    session.company.switches().batch_order = crate::company::BatchOrder::Reversed;
    assert_eq!(ids(batch(&mut session, json!([create("c", "C"), create("d", "D")]))), ["d", "c"]);
}

#[test]
fn a_batch_is_repeated_for_its_request_id() {
    let mut session = Session::new(Seed::Empty);
    let body = json!({ "BatchItemRequest": [{ "bId": "1", "operation": "create", "Customer": { "DisplayName": "Once" } }] });
    let first = session.send("POST", "batch", &[("requestid", "b")], &body.to_string());
    assert_eq!(session.send("POST", "batch", &[("requestid", "b")], &body.to_string()), first);
    assert_eq!(session.company.entities("Customer").len(), 1);
}
