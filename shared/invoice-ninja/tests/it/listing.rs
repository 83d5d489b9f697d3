use std::collections::BTreeSet;

use invoice_ninja_simulator::company::Seed;
use serde_json::json;
use sync::ids::BillingId;
use sync::model::Kind;
use sync::ports::Billing;

use crate::app::{App, acme, long_ago};

/// All that changed since a moment, page after page.
async fn changed(app: &App, kind: Kind, since: jiff::Timestamp) -> Vec<(BillingId, bool)> {
    let (mut all, mut next) = (Vec::new(), None);
    loop {
        let page = app.client.changed_since(&acme(), kind, since, next.as_deref()).await.unwrap();
        assert!(page.unread.is_empty());
        all.extend(page.records.iter().map(|stored| (stored.record.id().clone(), stored.deleted)));
        match page.next {
            Some(place) => next = Some(place),
            None => return all,
        }
    }
}

#[tokio::test]
async fn all_kinds_are_listed_by_the_time_of_change_deleted_ones_too() {
    let app = App::start(Seed::Gardening).await;
    for kind in Kind::ALL {
        let all = changed(&app, kind, long_ago()).await;
        let there = app.json(&format!("{kind}s?per_page=500"))["data"].as_array().unwrap().len();
        assert_eq!(all.len(), there, "{kind}");
    }
    let clients = changed(&app, Kind::Client, long_ago()).await;
    app.client.delete(&acme(), Kind::Client, &clients[3].0).await.unwrap();
    let now = app.simulator.now();
    let since = now.checked_sub(jiff::SignedDuration::from_secs(5)).unwrap();
    assert_eq!(changed(&app, Kind::Client, since).await, [(clients[3].0.clone(), true)]);
}

#[tokio::test]
async fn more_than_a_page_is_read_whole_also_within_one_second() {
    let app = App::start(Seed::Empty).await;
    for number in 0..450 {
        app.person("POST", "products", &json!({"product_key": format!("P{number}"), "price": 1}));
    }
    let all = changed(&app, Kind::Product, long_ago()).await;
    let distinct: BTreeSet<_> = all.iter().map(|(id, _)| id.clone()).collect();
    assert_eq!(distinct.len(), 450);
}

#[tokio::test]
async fn one_record_that_cannot_be_read_keeps_none_back() {
    let app = App::start(Seed::Gardening).await;
    let clients = app.json("clients?per_page=500&sort=id|asc")["data"].clone();
    let odd = clients[0]["id"].as_str().unwrap();
    app.person("PUT", &format!("clients/{odd}"), &json!({"address1": "12 Far Road", "country_id": "4"}));
    let page = app.client.changed_since(&acme(), Kind::Client, long_ago(), None).await.unwrap();
    assert_eq!(page.records.len() + page.unread.len(), clients.as_array().unwrap().len());
}
