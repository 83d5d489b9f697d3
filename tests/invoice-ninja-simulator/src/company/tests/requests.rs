use serde_json::{Value, json};

use super::Session;
use crate::company::{Kind, Request, Seed};

#[test]
fn a_token_opens_its_company_and_nothing_else_does() {
    let mut session = Session::new(Seed::Empty);
    let (_, ping) = session.send("GET", "ping", Value::Null);
    assert_eq!(ping, json!({"company_name": "Empty Company", "user_name": "Ada Owner"}));
    session.token = "WRONG".into();
    let (status, answer) = session.send("GET", "ping", Value::Null);
    assert_eq!((status, answer), (403, json!({"message": "Invalid token", "errors": {}})));
    let nobody = Request { method: "GET".into(), path: "clients".into(), ..Request::default() };
    assert_eq!(session.company.answer(&nobody, session.now).status, 403);
}

#[test]
fn unknown_paths_and_verbs_are_not_found_and_missing_records_are_bad_requests() {
    let mut session = Session::new(Seed::Empty);
    for (method, path, status, message) in [
        ("GET", "nonsense", 404, "Route does not exist"),
        ("GET", "clients/a/b/c", 404, "Route does not exist"),
        ("PATCH", "clients", 404, "Method not supported for this route"),
        ("DELETE", "ping", 404, "Method not supported for this route"),
        ("GET", "clients/VolejRejNm", 400, "No query results for model [App\\Models\\Client] VolejRejNm"),
        ("PUT", "invoices/none", 400, "No query results for model [App\\Models\\Invoice] none"),
        ("GET", "clients?include=wishes", 400, "Relation `wishes` is not a valid include."),
    ] {
        assert_eq!(session.refused(method, path, json!({})), (status, message.to_owned()), "{method} {path}");
    }
}

#[test]
fn without_the_two_headers_errors_are_pages() {
    let mut session = Session::new(Seed::Empty);
    let ask = |session: &mut Session, method: &str, path: &str| {
        let request = Request { asks_for_json: false, ..session.request(method, path, &json!({})) };
        session.company.answer(&request, session.now)
    };
    let invalid = ask(&mut session, "POST", "invoices");
    assert_eq!(invalid.status, 302);
    assert!(invalid.headers.contains(&("location", "/".to_owned())));
    let missing = ask(&mut session, "GET", "clients/none");
    assert_eq!(missing.status, 400);
    assert!(missing.body.starts_with("<!DOCTYPE html>"));
    assert_eq!(ask(&mut session, "GET", "clients").status, 200, "what succeeds is JSON all the same");
}

#[test]
fn a_body_that_is_no_object_counts_as_empty() {
    let mut session = Session::new(Seed::Empty);
    for body in [json!([1]), Value::Null, json!("text")] {
        let errors = session.errors("POST", "invoices", body);
        assert_eq!(errors["client_id"][0], "The client id field is required.");
    }
}

#[test]
fn a_limited_user_sees_its_own_without_an_error_and_changes_nothing() {
    let mut session = Session::new(Seed::Gardening);
    let client = session.client("Somebody else's");
    let refresh = session.post("refresh", Value::Null);
    assert_eq!(refresh[0]["is_admin"], true);
    let helper = session.company.users()["TOKEN-limited"].id.clone();
    let mine = session.post("clients", json!({"name": "Mine", "assigned_user_id": helper}));

    session.token = "TOKEN-limited".into();
    assert_eq!(super::ids(&session.get("clients")), [super::id(&mine)]);
    assert_eq!(session.get("invoices"), json!([]));
    assert_eq!(session.refused("GET", &format!("clients/{}", super::id(&client)), Value::Null).0, 401);
    assert_eq!(session.refused("POST", "webhooks", json!({})).0, 401);
    assert_eq!(session.post("refresh", Value::Null)[0]["is_admin"], false);
    let company = session.company.id();
    assert_eq!(session.refused("GET", &format!("companies/{company}"), Value::Null).0, 401);
}

#[test]
fn the_company_tells_its_flags_and_settings_and_lets_them_be_changed() {
    let mut session = Session::new(Seed::Empty);
    let company = session.post("companies/current", Value::Null);
    assert_eq!(
        (&company["update_products"], &company["settings"]["currency_id"]),
        (&json!(true), &json!("1"))
    );
    session.set(json!({"update_products": false, "settings": {"lock_invoices": "when_sent"}}));
    let changed = session.post("companies/current", Value::Null);
    assert_eq!(changed["update_products"], false);
    assert_eq!(
        (&changed["settings"]["lock_invoices"], &changed["settings"]["currency_id"]),
        (&json!("when_sent"), &json!("1"))
    );
}

#[test]
fn the_rate_limit_counts_down_and_begins_anew_each_minute() {
    let mut session = Session::new(Seed::Empty);
    session.company.switches().requests_per_minute = Some(2);
    let header = |session: &mut Session, name: &str| {
        let answer = session.company.answer(&session.request("GET", "ping", &Value::Null), session.now);
        let value = answer.headers.iter().find(|(header, _)| *header == name).map(|(_, value)| value.clone());
        (answer.status, value)
    };
    assert_eq!(header(&mut session, "x-ratelimit-remaining"), (200, Some("1".into())));
    assert_eq!(header(&mut session, "x-ratelimit-limit"), (200, Some("2".into())));
    session.wait(15_000);
    assert_eq!(header(&mut session, "retry-after"), (429, Some("45".into())));
    session.wait(45_000);
    assert_eq!(header(&mut session, "x-ratelimit-remaining"), (200, Some("1".into())));
}

#[test]
fn a_plan_without_the_api_is_refused() {
    let mut session = Session::new(Seed::Empty);
    session.company.switches().paid_plan = false;
    let refused = session.refused("GET", "clients", Value::Null);
    assert_eq!(refused, (403, "The API is not part of this plan.".into()));
}

#[test]
fn the_seed_is_made_through_the_api_without_a_refusal() {
    let session = Session::new(Seed::Gardening);
    let count = |kind| session.company.records(kind).len();
    let counts = [Kind::Client, Kind::Product, Kind::Invoice, Kind::Payment, Kind::TaxRate].map(count);
    assert_eq!(counts, [4, 5, 4, 2, 2]);
    let invoices = session.company.records(Kind::Invoice);
    let figures: Vec<_> = invoices
        .iter()
        .map(|it| format!("{} {} {}", it["status_id"].as_str().unwrap(), it["amount"], it["balance"]))
        .collect();
    // 34 × 6 and 9 × 3 with 8.25% each: 204 + 16.83 + 27 + 2.23.
    assert_eq!(figures, ["4 277.43 0", "3 250.06 150.06", "2 210 210", "1 45 0"]);
    assert!(session.company.mails().is_empty());
    assert!(invoices.iter().all(|it| it["updated_at"].as_i64().unwrap() <= session.now.as_second()));
}

#[test]
fn a_company_survives_being_saved() {
    let session = Session::new(Seed::Gardening);
    let text = serde_json::to_string(&session.company).unwrap();
    let restored: super::Company = serde_json::from_str(&text).unwrap();
    assert_eq!(restored.records(Kind::Invoice), session.company.records(Kind::Invoice));
}

#[test]
fn a_client_and_an_invoice_may_have_the_same_id() {
    let mut session = Session::new(Seed::Empty);
    let client = session.client("First");
    let invoice = session.invoice(&client, 10);
    assert_eq!(client["id"], invoice["id"], "ids hash the row number alone");
}

#[test]
fn index_renames_data_and_blank_models_can_be_had() {
    let mut session = Session::new(Seed::Empty);
    let (_, answer) = session.send("GET", "clients?index=rows", Value::Null);
    assert!(answer["rows"].is_array() && answer.get("data").is_none());
    assert_eq!(session.get("invoices/create")["number"], "");
    let (_, statics) = session.send("GET", "statics", Value::Null);
    assert_eq!(statics["currencies"][0]["code"], "USD");
}
