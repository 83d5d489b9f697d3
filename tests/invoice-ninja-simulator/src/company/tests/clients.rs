use serde_json::json;

use super::{Session, id};
use crate::company::{Kind, Seed};

#[test]
fn nothing_is_required_and_an_empty_contact_is_made() {
    let mut session = Session::new(Seed::Empty);
    let client = session.post("clients", json!({}));
    assert_eq!(
        (&client["number"], &client["country_id"], &client["display_name"]),
        (&json!("0001"), &json!("840"), &json!(""))
    );
    assert_eq!(client["settings"], json!({}), "what is not set is the company's");
    assert_eq!(client["contacts"].as_array().unwrap().len(), 1);
    assert_eq!(client["contacts"][0]["is_primary"], true);
    assert_eq!(client["is_deleted"], false);
    assert_eq!(client["created_at"].as_i64(), Some(session.now.as_second()));
}

#[test]
fn text_is_trimmed_and_codes_stand_for_ids() {
    let mut session = Session::new(Seed::Empty);
    let client =
        session.post("clients", json!({"name": "  Ann  ", "country_code": "DE", "currency_code": "EUR"}));
    assert_eq!(
        (&client["name"], &client["country_id"], &client["settings"]["currency_id"]),
        (&json!("Ann"), &json!("276"), &json!("3"))
    );
}

#[test]
fn contacts_sent_are_all_there_are_and_contacts_not_sent_stay() {
    let mut session = Session::new(Seed::Empty);
    let client = session.post(
        "clients",
        json!({"name": "Ann", "contacts": [
            {"first_name": "One", "email": "one@example.com"}, {"first_name": "Two", "is_primary": true},
        ]}),
    );
    let names = |client: &serde_json::Value| {
        let contacts = client["contacts"].as_array().unwrap();
        contacts.iter().map(|it| it["first_name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&client), ["Two", "One"], "the primary one comes first");
    let untouched = session.put("clients", &client, json!({"phone": "1"}));
    assert_eq!(untouched["contacts"], client["contacts"]);

    let one = client["contacts"][1]["id"].clone();
    let changed = session.put(
        "clients",
        &client,
        json!({"contacts": [{"id": one, "last_name": "Again"}, {"first_name": "Three"}]}),
    );
    assert_eq!(names(&changed), ["One", "Three"], "Two is gone");
    assert_eq!(changed["contacts"][0]["id"], one);
    assert_eq!(changed["contacts"][0]["email"], "one@example.com", "what was not sent of a contact stays");
    assert_eq!(changed["contacts"][0]["is_primary"], true);
}

#[test]
fn settings_sent_are_all_there_are() {
    let mut session = Session::new(Seed::Empty);
    let client = session.post("clients", json!({"settings": {"currency_id": "3", "payment_terms": "14"}}));
    let changed = session.put("clients", &client, json!({"settings": {"payment_terms": "30"}}));
    assert_eq!(changed["settings"], json!({"payment_terms": "30"}));
}

#[test]
fn numbers_are_unique_and_mail_addresses_valid_and_distinct() {
    let mut session = Session::new(Seed::Empty);
    session.post("clients", json!({"number": "A1", "id_number": "tax-7"}));
    let errors = session.errors(
        "POST",
        "clients",
        json!({
            "number": "A1", "id_number": "tax-7", "country_id": "Germany",
            "contacts": [{"email": "no address"}, {"email": "a@b.example"}, {"email": "A@B.example"}],
        }),
    );
    assert_eq!(
        errors,
        json!({
            "contacts.0.email": ["The contacts.0.email must be a valid email address."],
            "contacts.2.email": ["The contacts.2.email field has a duplicate value."],
            "country_id": ["The country id must be an integer."],
            "id_number": ["The id number has already been taken."],
            "number": ["The number has already been taken."],
        })
    );
    assert_eq!(session.company.records(Kind::Client).len(), 1);
}

#[test]
fn a_deleted_client_can_be_read_and_not_edited() {
    let mut session = Session::new(Seed::Empty);
    let client = session.client("Gone");
    let path = format!("clients/{}", id(&client));
    let deleted = session.done("DELETE", &path, json!({}));
    assert_eq!(deleted["is_deleted"], true);
    assert_eq!(
        session.get(&path)["archived_at"].as_i64(),
        Some((session.now - jiff::SignedDuration::from_secs(10)).as_second())
    );
    let (status, message) = session.refused("PUT", &path, json!({"name": "Back"}));
    assert_eq!(status, 400);
    assert!(message.starts_with("Record is deleted and cannot be edited"), "{message}");
}

#[test]
fn an_archived_client_can_be_edited() {
    let mut session = Session::new(Seed::Empty);
    let client = session.client("Hidden");
    session.post("clients/bulk", json!({"action": "archive", "ids": [client["id"]]}));
    assert_eq!(session.put("clients", &client, json!({"name": "Seen"}))["name"], "Seen");
}

#[test]
fn sums_move_with_invoices_and_payments_and_raise_updated_at() {
    let mut session = Session::new(Seed::Empty);
    let client = session.client("Ann");
    let invoice = session.invoice(&client, 100);
    session.payment(&client, 70, &[(&invoice, 60)]);
    let after = session.now(Kind::Client, &client);
    let sums = ["balance", "paid_to_date", "payment_balance"].map(|name| after[name].to_string());
    assert_eq!(sums, ["40", "70", "10"]);
    assert_eq!(after["updated_at"].as_i64(), Some(session.now.as_second()));
}

#[test]
fn a_clients_currency_is_its_own_or_its_groups_or_the_companys() {
    let mut session = Session::new(Seed::Empty);
    let group = session.post("group_settings", json!({"name": "Europe", "settings": {"currency_id": "3"}}));
    let own = json!({"currency_id": "2"});
    for (client, currency) in [
        (json!({}), "1"),
        (json!({"group_settings_id": group["id"]}), "3"),
        (json!({"group_settings_id": group["id"], "settings": own}), "2"),
    ] {
        let client = session.post("clients", client);
        assert_eq!(session.payment(&client, 5, &[])["currency_id"], currency);
    }
    assert_eq!(session.get(&format!("group_settings/{}", id(&group)))["settings"]["currency_id"], "3");
}
