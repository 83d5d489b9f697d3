//! Paths, content types, envelopes, request ids.

use super::*;

#[test]
fn an_extra_path_segment_is_unsupported() {
    let mut session = Session::new(Seed::Landscaping);
    let (status, answer) = session.send("GET", "customer/1/5", &[], "");
    assert_eq!(status, 400);
    let (code, detail, element) = fault(&answer);
    assert_eq!((code.as_str(), element.as_str()), ("500", "(absent)"));
    assert!(detail.starts_with(
        "Operation Could not find resource for relative : /v3/company/4620816365000000001/customer/1/5 of full path: "
    ));
}

#[test]
fn unknown_paths_and_operations_are_unsupported() {
    let mut session = Session::new(Seed::Landscaping);
    for (method, path, query) in [
        ("GET", "customer", &[][..]),
        ("GET", "Customer/1", &[]),
        ("PUT", "customer", &[]),
        ("DELETE", "customer/1", &[]),
        ("POST", "widget", &[]),
        ("GET", "companyinfo/1", &[]),
        ("POST", "customer", &[("operation", "delete")]),
        ("POST", "customer", &[("operation", "void")]),
        ("POST", "item", &[("operation", "delete")]),
        ("POST", "invoice", &[("operation", "explode")]),
        ("POST", "taxcode", &[]),
        ("POST", "taxrate", &[]),
    ] {
        let (status, answer) = session.send(method, path, query, r#"{"Id":"1","SyncToken":"0"}"#);
        assert_eq!((status, fault(&answer).0.as_str()), (400, "500"), "{method} {path}");
    }
}

#[test]
fn ids_must_be_numbers_that_exist() {
    let mut session = Session::new(Seed::Landscaping);
    let read = |session: &mut Session, path: &str| fault(&session.send("GET", path, &[], "").1);
    let invalid = read(&mut session, "customer/1.5");
    assert_eq!(
        invalid,
        ("2030".into(), "Id should be a valid number. Supplied value:1.5".into(), "Id".into())
    );
    assert_eq!(read(&mut session, "customer/999").0, "610");
    assert_eq!(session.code("customer", json!({"Id": "999", "SyncToken": "0", "DisplayName": "x"})), "610");
    assert_eq!(session.code("customer", json!({"Id": "x", "SyncToken": "0"})), "2030");
    assert_eq!(session.refused("customer", json!({"Id": "1", "sparse": true})).2, "SyncToken");
}

#[test]
fn answers_carry_the_time_and_faults_their_kind() {
    let mut session = Session::new(Seed::Landscaping);
    let (_, answer) = session.send("GET", "customer/1", &[], "");
    assert_eq!(answer["time"], "2026-05-04T10:00:01.000-07:00");
    let (_, answer) = session.send("GET", "customer/x", &[], "");
    assert_eq!(answer["Fault"]["type"], "ValidationFault");
    assert_eq!(answer["time"], "2026-05-04T10:00:02.000-07:00");
}

#[test]
fn bodies_need_their_content_type() {
    let mut session = Session::new(Seed::Landscaping);
    let mut ask = |path: &str, content_type: Option<&str>, body: &str| {
        let request = Request {
            method: "POST".to_owned(),
            path: path.to_owned(),
            query: Vec::new(),
            content_type: content_type.map(str::to_owned),
            body: body.as_bytes().to_vec(),
        };
        session.company.answer(&request, session.now).status
    };
    assert_eq!(ask("customer", Some("text/plain"), r#"{"DisplayName":"Odd"}"#), 400);
    assert_eq!(ask("customer", Some("application/json; charset=UTF-8"), r#"{"DisplayName":"Odd"}"#), 200);
    assert_eq!(ask("query", Some("application/text"), "select * from Customer"), 200);
    assert_eq!(ask("query", Some("application/json"), "select * from Customer"), 400);
}

#[test]
fn a_repeated_request_id_repeats_the_answer() {
    let mut session = Session::new(Seed::Empty);
    let body = json!({ "DisplayName": "Once" }).to_string();
    let query = [("minorversion", "75"), ("requestid", "f00d")];
    let first = session.send("POST", "customer", &query, &body);
    let again = session.send("POST", "customer", &[("requestid", "f00d"), ("minorversion", "70")], &body);
    assert_eq!((first.0, &first), (200, &again));
    assert_eq!(session.company.entities("Customer").len(), 1);
    assert_eq!(session.company.take_changes().len(), 1);
}

#[test]
fn a_request_id_belongs_to_one_request() {
    let mut session = Session::new(Seed::Empty);
    session.post_with("customer", &[("requestid", "1")], json!({ "DisplayName": "One" }));
    assert_eq!(
        session.refused_with("customer", &[("requestid", "1")], json!({ "DisplayName": "Two" })).0,
        "600"
    );
    assert_eq!(
        session.refused_with("vendor", &[("requestid", "1")], json!({ "DisplayName": "One" })).0,
        "600"
    );
    session.wait(24 * 3600);
    session.post_with("customer", &[("requestid", "1")], json!({ "DisplayName": "Two" }));
}

#[test]
fn faults_are_not_repeated() {
    let mut session = Session::new(Seed::Empty);
    let taken = session.customer("Taken");
    let body = json!({ "DisplayName": "Taken" });
    assert_eq!(session.refused_with("customer", &[("requestid", "7")], body.clone()).0, "6240");
    session.post("customer", change(&taken, json!({ "DisplayName": "Free again" })));
    session.post_with("customer", &[("requestid", "7")], body);
}

#[test]
fn request_ids_have_a_longest_length() {
    let mut session = Session::new(Seed::Empty);
    let (long, longer) = ("x".repeat(50), "x".repeat(51));
    session.post_with("customer", &[("requestid", &long)], json!({ "DisplayName": "One" }));
    assert_eq!(
        session.refused_with("customer", &[("requestid", &longer)], json!({ "DisplayName": "Two" })).0,
        "2130"
    );
    assert_eq!(
        session.refused_with("batch", &[("requestid", &long)], json!({ "BatchItemRequest": [] })).0,
        "2130"
    );
}

#[test]
fn retention_of_request_ids_is_a_switch() {
    let mut session = Session::new(Seed::Empty);
    session.company.switches().requestid_hours = 1;
    let body = json!({ "DisplayName": "One" });
    session.post_with("customer", &[("requestid", "1")], body.clone());
    session.wait(3599 - 1);
    session.post_with("customer", &[("requestid", "1")], body.clone());
    session.wait(1);
    assert_eq!(session.refused_with("customer", &[("requestid", "1")], body).0, "6240");
}

#[test]
fn a_lapsed_subscription_refuses_writes_only() {
    let mut session = Session::new(Seed::Landscaping);
    session.company.switches().subscription_ended = true;
    assert_eq!(session.code("customer", json!({ "DisplayName": "x" })), "6190");
    assert_eq!(session.refused("taxservice/taxcode", json!({})).0, "6190");
    assert_eq!(session.refused("invoice/1/send", json!({})).0, "6190");
    session.get("customer/1");
    session.query("select * from Customer");
}
