use invoice_ninja::hooks::{Repaired, SECRET_HEADER};
use invoice_ninja_simulator::company::Seed;
use serde_json::{Value, json};
use sync::billing_app::BillingCheck;
use sync::ports::BillingError;
use url::Url;

use crate::app::{App, TOKEN, acme, check};

#[tokio::test]
async fn an_administrators_token_does_and_a_limited_one_does_not() {
    let app = App::start(Seed::Gardening).await;
    let url = format!("{}/", app.simulator.url());
    let checked = check().check(&url, &TOKEN.into()).await.unwrap();
    assert_eq!((checked.url.as_str(), checked.name.as_str()), (app.simulator.url(), "Green Thumb Gardens"));
    assert!(checked.updates_products && checked.warnings.len() == 1, "{:?}", checked.warnings);
    for token in [format!("{TOKEN}-limited"), "nobody's".to_owned()] {
        let refused = check().check(&url, &token.as_str().into()).await.unwrap_err();
        assert!(matches!(refused, BillingError::Forbidden(_)), "{refused}");
    }
    let nowhere = check().check("http://books.example", &TOKEN.into()).await.unwrap_err();
    assert!(matches!(nowhere, BillingError::Refused(_)), "{nowhere}");
}

#[tokio::test]
async fn the_apps_own_integration_is_warned_of() {
    let app = App::start(Seed::Gardening).await;
    let company = app.json("companies")["data"][0]["id"].clone();
    let own = json!({"realmID": "9", "settings": {"invoice": {"direction": "push"}, "client": {"direction": "none"}}});
    let path = format!("companies/{}", company.as_str().unwrap());
    app.person("PUT", &path, &json!({"quickbooks": own, "update_products": false}));
    let checked = check().check(app.simulator.url(), &TOKEN.into()).await.unwrap();
    assert!(matches!(&checked.warnings[..], [warning] if warning.contains("own QuickBooks integration")));
    assert!(!checked.updates_products);
}

#[tokio::test]
async fn webhooks_are_made_and_mended_and_others_are_left_alone() {
    let app = App::start(Seed::Empty).await;
    let public = Url::parse("https://counterpart.example").unwrap();
    let strange = json!({"target_url": "https://other.example/hook", "event_id": 2, "rest_method": "post", "format": "JSON"});
    app.person("POST", "webhooks", &strange);
    let repair =
        async |secret: &str| app.client.repair_webhooks(&public, &acme(), &secret.into()).await.unwrap();
    let made = repair("first").await;
    assert_eq!((made.made, made.kept), (17, 0));
    assert_eq!(repair("first").await, Repaired { kept: 17, ..Repaired::default() });
    assert_eq!(repair("second").await, Repaired { mended: 17, ..Repaired::default() });
    let hooks = app.json("webhooks?per_page=500&status=active")["data"].clone();
    let ours = |hook: &&Value| hook["headers"][SECRET_HEADER] == "second";
    assert_eq!(hooks.as_array().unwrap().iter().filter(ours).count(), 17);
    assert_eq!(hooks.as_array().unwrap().len(), 18);
    // The app deletes those whose receiver once answered 404.
    let gone = hooks.as_array().unwrap().iter().find(ours).unwrap()["id"].as_str().unwrap().to_owned();
    app.person("DELETE", &format!("webhooks/{gone}"), &Value::Null);
    assert_eq!(repair("second").await, Repaired { kept: 16, made: 1, ..Repaired::default() });
}
