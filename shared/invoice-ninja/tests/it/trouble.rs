use invoice_ninja_simulator::company::{Seed, Switches};
use invoice_ninja_simulator::server::{Effect, Fault};
use sync::model::{Kind, Record};
use sync::ports::{Billing, BillingError, BillingQuery};

use crate::app::{App, TOKEN, a_client, a_payment, acme, client, long_ago};

#[tokio::test]
async fn a_lost_answer_leaves_open_what_happened_only_when_something_was_written() {
    let app = App::start(Seed::Empty).await;
    app.client.setup().await.unwrap();
    for effect in [Effect::LoseRequest, Effect::LoseResponse] {
        app.simulator.add_fault(Fault::once(effect));
        let lost = app.create(Record::Client(Box::new(a_client()))).await.unwrap_err();
        assert!(matches!(lost, BillingError::Unknown(_)), "{lost}");
    }
    let found = app.find(BillingQuery::ClientNamed(a_client().name)).await;
    assert_eq!(found.len(), 1, "one of the two arrived");
    app.simulator.add_fault(Fault::once(Effect::LoseResponse));
    let lost = app.client.fetch(&acme(), Kind::Client, found[0].record.id()).await.unwrap_err();
    assert!(matches!(lost, BillingError::Later { .. }), "{lost}");
}

#[tokio::test]
async fn a_company_that_asks_too_often_is_told_when_to_ask_again() {
    let app = App::start(Seed::Empty).await;
    app.client.setup().await.unwrap();
    let limit = Switches { requests_per_minute: Some(1), ..Switches::default() };
    app.simulator.with_company(0, |company, _| *company.switches() = limit).unwrap();
    let mut last = app.client.changed_since(&acme(), Kind::Client, long_ago(), None).await;
    for _ in 0..2 {
        last = app.client.changed_since(&acme(), Kind::Client, long_ago(), None).await;
    }
    assert!(matches!(last, Err(BillingError::Later { after: Some(_), .. })), "{last:?}");
}

#[tokio::test]
async fn a_token_that_was_taken_away_is_for_a_person() {
    let app = App::start(Seed::Gardening).await;
    app.simulator.with_company(0, |company, _| company.remove_token(TOKEN)).unwrap();
    let refused = app.client.changed_since(&acme(), Kind::Client, long_ago(), None).await.unwrap_err();
    assert!(matches!(refused, BillingError::Forbidden(_)), "{refused}");
}

#[tokio::test]
async fn the_same_payment_twice_within_a_second_is_for_later() {
    let app = App::start(Seed::Empty).await;
    let (_, invoice) = app.with_invoice().await;
    let wide = Switches { repeat_window: 3_600_000, ..Switches::default() };
    app.simulator.with_company(0, |company, _| *company.switches() = wide).unwrap();
    let mut payment = a_payment(&invoice, "10");
    app.create(Record::Payment(Box::new(payment.clone()))).await.unwrap();
    payment.number = "qb-78".into();
    let repeated = app.create(Record::Payment(Box::new(payment))).await.unwrap_err();
    assert!(matches!(repeated, BillingError::Later { after: Some(_), .. }), "{repeated}");
}

#[tokio::test]
async fn the_app_being_away_is_for_later_and_the_token_is_never_told() {
    let app = App::start(Seed::Empty).await;
    let client = client(app.simulator.url(), TOKEN);
    assert!(!format!("{client:?}").contains(TOKEN), "T26");
    app.simulator.stop().await.unwrap();
    let away = client.create(&acme(), &Record::Client(Box::new(a_client()))).await.unwrap_err();
    assert!(matches!(away, BillingError::Later { .. }), "{away}");
    assert!(!format!("{away} {away:?}").contains(TOKEN), "T26");
}

#[tokio::test]
async fn the_token_travels_in_its_header_only() {
    let app = App::start(Seed::Gardening).await;
    app.client.changed_since(&acme(), Kind::Client, long_ago(), None).await.unwrap();
    let calls = app.simulator.calls();
    assert!(!calls.is_empty() && calls.iter().all(|call| !call.path.contains(TOKEN)), "T26");
    let lists = calls.iter().filter(|call| call.path.contains("per_page="));
    assert!(
        lists.into_iter().all(|call| call.path.contains("sort=")),
        "a list without an order comes in none"
    );
}
