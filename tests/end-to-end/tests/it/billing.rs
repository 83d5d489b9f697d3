//! Invoice Ninja and QuickBooks tell by webhook what happens in them, and the other side follows.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, ensure};
use jiff::SignedDuration;
use quickbooks_simulator::server::CallKind;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use sync::activity::{Activity, ActivityResult};
use sync::outcome::ParkCause;
use sync::settings::Direction;
use tokio::time::sleep;
use transport::Reach;

use crate::ninja::{Ninja, amount, eventually};
use crate::world::{GLANCE, PATIENCE, World, all, is_parked, tests};

tests![
    what_happens_in_the_billing_app_arrives_in_quickbooks,
    r9_what_a_bookkeeper_does_arrives_in_the_billing_app_and_does_not_come_back,
    webhooks_without_the_secret_are_refused_and_unreadable_ones_are_parked,
    a_token_that_does_not_do_is_not_taken,
];

async fn what_happens_in_the_billing_app_arrives_in_quickbooks(world: Arc<World>) -> anyhow::Result<()> {
    let tenant = world.tenant("ninja").await?;
    let ninja = Ninja::of(&tenant).await?;
    let contact =
        json!({"first_name": "Ada", "last_name": "Moss", "email": "ada@moss.example", "is_primary": true});
    let client = json!({"name": "Moss & Daughters", "contacts": [contact]});
    let client = ninja.does("POST", "clients", &client).await?;
    let lines = json!([
        {"product_key": "Turf", "notes": "Rolled turf", "quantity": 12.5, "cost": 7.2, "type_id": "1", "tax_id": "1"},
        {"product_key": "Laying", "notes": "By the hour", "quantity": 3, "cost": 40, "type_id": "2", "tax_id": "2"},
    ]);
    let bill = json!({"client_id": client["id"], "date": "2026-03-02", "line_items": lines});
    let bill = ninja.does("POST", "invoices?mark_sent=true", &bill).await?;
    let number = bill["number"].as_str().context("no number")?.to_owned();

    let invoice = eventually("the invoice", || tenant.with("Invoice", "DocNumber", &number).pop()).await?;
    ensure!(amount(&invoice["TotalAmt"]) == amount(&bill["amount"]), "{invoice} against {bill}");
    eventually("the client", || tenant.with("Customer", "DisplayName", "Moss & Daughters").pop()).await?;

    // An edit, and a payment.
    let path = format!("invoices/{}", bill["id"].as_str().context("no id")?);
    ninja.does("PUT", &path, &json!({"due_date": "2026-04-15"})).await?;
    let due = || tenant.with("Invoice", "DueDate", "2026-04-15").pop();
    eventually("the due date", due).await?;
    let known: Vec<Value> = tenant.all("Payment").iter().map(|it| it["Id"].clone()).collect();
    let payment = || tenant.all("Payment").into_iter().find(|it| !known.contains(&it["Id"]));
    let pays = json!([{"invoice_id": bill["id"], "amount": 100}]);
    let paid = json!({"client_id": client["id"], "amount": 100, "date": "2026-03-05", "type_id": "15", "invoices": pays});
    let paid = ninja.does("POST", "payments?email_receipt=false", &paid).await?;
    // The app tells of payments only after a while.
    ninja.simulator.advance_clock(SignedDuration::from_mins(1))?;
    eventually("the payment", payment).await?;

    // A deleted payment is voided; what it paid, only QuickBooks knows by then.
    let path = format!("payments/{}", paid["id"].as_str().context("no id")?);
    ninja.does("DELETE", &path, &json!({})).await?;
    ninja.simulator.advance_clock(SignedDuration::from_mins(1))?;
    eventually("the void", || payment().filter(|it| amount(&it["TotalAmt"]) == Some(Decimal::ZERO))).await?;

    let attempts = ninja.simulator.webhook_attempts();
    ensure!(
        !attempts.is_empty() && attempts.iter().all(|attempt| attempt.status == Some(200)),
        "{attempts:?}"
    );
    ensure!(tenant.all("Invoice").iter().filter(|it| it["DocNumber"] == number.as_str()).count() == 1);
    let log = tenant.bundle.stack.function_log("BillingIngestFunction")?;
    let secret = ninja.secret().await?;
    ensure!(log.contains(tenant.id.as_str()), "the function says nothing of the company");
    ensure!(!log.contains(&ninja.token) && !log.contains(&secret), "T26: a secret is in the log");
    Ok(())
}

async fn r9_what_a_bookkeeper_does_arrives_in_the_billing_app_and_does_not_come_back(
    world: Arc<World>,
) -> anyhow::Result<()> {
    let tenant = world.tenant("both-ways").await?;
    let ninja = Ninja::of(&tenant).await?;
    tenant.change(all(Direction::Bidirectional)).await?;

    // A Customer that QuickBooks alone has had.
    tenant.bookkeeper_enters(
        "Customer",
        &json!({"DisplayName": "Heron Ferry", "CompanyName": "Heron Ferry"}),
    )?;
    let client = ninja.record("clients", |client| client["name"] == "Heron Ferry").await?;
    let customer = tenant.with("Customer", "DisplayName", "Heron Ferry").pop().context("no Customer")?;

    // Its telephone number, changed in QuickBooks, whose times are whole seconds: what is changed within the second of
    // what was seen waits for a sweep.
    let seen = tenant.bundle.simulator.now().as_second();
    eventually("the next second", || (tenant.bundle.simulator.now().as_second() > seen).then_some(()))
        .await?;
    let phone = json!({"FreeFormNumber": "650 555 0142"});
    tenant.bookkeeper_saves(
        "Customer",
        &json!({"Id": customer["Id"], "SyncToken": customer["SyncToken"], "sparse": true, "PrimaryPhone": phone}),
    )?;
    let called = |client: &Value| client["phone"] == "650 555 0142";
    let changed = ninja.record("clients", called).await?;
    ensure!(changed["id"] == client["id"], "{changed}");

    // An Invoice of it.
    let item = tenant.with("Item", "Type", "Service").pop().context("no Item")?;
    let line = json!({"DetailType": "SalesItemLineDetail", "Amount": 90, "SalesItemLineDetail": {"ItemRef": {"value": item["Id"]}, "Qty": 2, "UnitPrice": 45}});
    let bill = json!({"CustomerRef": {"value": customer["Id"]}, "DocNumber": "HF-1", "TxnDate": "2026-03-09", "Line": [line]});
    tenant.bookkeeper_enters("Invoice", &bill)?;
    let invoice = ninja.record("invoices", |invoice| invoice["number"] == "HF-1").await?;
    ensure!(amount(&invoice["amount"]) == Some(Decimal::from(90)), "{invoice}");
    ensure!(invoice["client_id"] == client["id"], "{invoice}");

    // T20: what was written into the app is told by its webhooks, and not written back.
    let echo = |entry: &Activity| {
        matches!(&entry.result, ActivityResult::Skipped { .. })
            && entry.billing_id.as_ref().is_some_and(|id| invoice["id"] == id.as_str())
    };
    let begun = Instant::now();
    let log = loop {
        let log = tenant.bundle.operator.activity(&tenant.id, usize::MAX).await?;
        if log.iter().any(echo) {
            break log;
        }
        ensure!(begun.elapsed() < PATIENCE, "no echo: {log:?}");
        sleep(GLANCE).await;
    };
    ensure!(log.iter().all(|entry| !entry.result.is_parked()), "{log:?}");
    ensure!(tenant.with("Customer", "DisplayName", "Heron Ferry").len() == 1);
    ensure!(tenant.with("Invoice", "DocNumber", "HF-1").len() == 1);
    let is_write = |kind| matches!(kind, CallKind::Create | CallKind::Update | CallKind::Void);
    let writes: Vec<_> = tenant.calls().into_iter().filter(|call| is_write(call.kind)).collect();
    ensure!(writes.is_empty(), "T20: {writes:?}");
    Ok(())
}

async fn webhooks_without_the_secret_are_refused_and_unreadable_ones_are_parked(
    world: Arc<World>,
) -> anyhow::Result<()> {
    let tenant = world.tenant("strangers").await?;
    let ninja = Ninja::of(&tenant).await?;
    let secret = ninja.secret().await?;
    let record = json!({"id": "invoice0001", "updated_at": 1_772_000_000}).to_string();
    for wrong in ["", "guessed", &secret[1..]] {
        ensure!(ninja.posts("invoice.updated", wrong, record.clone()).await? == 401);
    }
    ensure!(ninja.posts("invoice.updated", &secret, "<html>".into()).await? == 400);
    ensure!(ninja.posts("quote.created", &secret, record.clone()).await? == 400);
    ensure!(ninja.posts("invoice.updated", &secret, "x".repeat(2 * 1024 * 1024)).await? == 413);
    let parked = tenant.bundle.operator.parked(&tenant.id).await?;
    ensure!(parked.len() == 2, "{parked:?}");
    for entry in &parked {
        is_parked(entry, ParkCause::Unreadable)?;
    }
    ensure!(parked.iter().any(|entry| entry.event_json.as_deref() == Some("<html>")));

    // A record that nobody has is fetched in vain, and that is told.
    ensure!(ninja.posts("invoice.updated", &secret, record).await? == 200);
    let begun = Instant::now();
    loop {
        let newest = tenant.bundle.operator.activity(&tenant.id, 10).await?;
        let missing = newest.iter().find(|entry| matches!(&entry.result, ActivityResult::Parked(park) if park.cause == ParkCause::MissingRecord));
        if missing.is_some() {
            return Ok(());
        }
        ensure!(begun.elapsed() < PATIENCE, "{newest:?}");
        sleep(GLANCE).await;
    }
}

async fn a_token_that_does_not_do_is_not_taken(world: Arc<World>) -> anyhow::Result<()> {
    let tenant = world.tenant("tokens").await?;
    let ninja = Ninja::of(&tenant).await?;
    let operator = &tenant.bundle.operator;
    let before = operator.company(&tenant.id).await?.0;
    let limited = format!("{}-limited", ninja.token);
    for token in ["nobody's", limited.as_str()] {
        let url = ninja.simulator.url();
        let refused =
            operator.set_billing(&tenant.id, url, token.into(), Reach::Anywhere, ninja.simulator.now()).await;
        let error = refused.err().context("it was taken")?.to_string();
        ensure!(!error.contains(token), "T26: {error}");
    }
    let now = ninja.simulator.now();
    let private = operator
        .set_billing(&tenant.id, ninja.simulator.url(), ninja.token.as_str().into(), Reach::Public, now)
        .await;
    ensure!(private.is_err(), "a private address was taken");
    ensure!(operator.company(&tenant.id).await?.0 == before);
    Ok(())
}
