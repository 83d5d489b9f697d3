//! QuickBooks and the network at their worst.

use std::collections::HashSet;
use std::sync::Arc;

use anyhow::{Context, ensure};
use local::{Message, run};
use quickbooks_simulator::server::{CallKind, Effect, ErrorBody, Fault};
use rust_decimal::Decimal;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use sync::outcome::DoneAction::{Created, Updated, Voided};
use sync::outcome::ParkCause::{ClosedPeriod, MissingRecord, NotConnected, Paid};
use sync::ports::Vault;

use crate::records::{changed, client, invoice, line, payment};
use crate::world::{Tenant, World, is_done, is_parked, tests};

tests![
    t25_a_storm_of_429_loses_and_reorders_nothing,
    t3_an_answer_that_is_lost_after_the_commit_makes_one_invoice,
    a_request_that_is_lost_is_sent_again,
    a_failure_on_intuits_side_makes_nothing_twice,
    r95_what_is_delivered_twice_is_made_once,
    t1_two_realms_interleaved_never_mix,
    an_expired_token_is_refreshed_on_the_way,
    d10_what_a_revoked_connection_holds_up_goes_on_after_reconnecting,
    t14_a_payment_that_comes_before_its_invoice_waits_for_it,
    a_bookkeepers_edit_in_between_survives,
    t5_a_paid_invoice_can_be_edited,
    t6_a_paid_invoice_is_not_voided,
    t4_what_was_deleted_in_quickbooks_is_made_anew,
    t18_a_closed_period_parks_the_invoice,
];

fn bill(number: usize) -> Value {
    let client = client("c-1", "Storm Cellars");
    invoice(&format!("i-{number}"), &client, &[line("Shutter", "2", "12.5")], "25")
}

async fn t25_a_storm_of_429_loses_and_reorders_nothing(world: Arc<World>) -> anyhow::Result<()> {
    let tenant = world.tenant("storm").await?;
    tenant.suffers(Fault { count: None, seconds: Some(20), ..Fault::once(Effect::Throttle) });
    let events: Vec<Value> = (0..25).map(|number| tenant.event("invoice.created", &bill(number))).collect();
    let ended = tenant.push(&events).await?;
    let mut ids = Vec::new();
    for activity in &ended {
        ids.push(is_done(activity, Created)?.parse::<u64>()?);
    }
    // The first makes what all refer to; the others have nothing else in common and come in any order.
    ensure!(ids.iter().min() == ids.first(), "order: {ids:?}");
    ensure!(ids.iter().collect::<HashSet<_>>().len() == events.len(), "each once: {ids:?}");
    ensure!(tenant.with("Customer", "DisplayName", "Storm Cellars").len() == 1);
    ensure!(tenant.calls().iter().any(|call| call.status == Some(429)), "there was no storm");
    Ok(())
}

/// Pushes one invoice through a fault, and makes sure that there is one of everything.
async fn one_invoice_in_spite_of(tenant: &Tenant<'_>, fault: Fault) -> anyhow::Result<()> {
    let before = tenant.all("Invoice").len();
    tenant.suffers(fault);
    let id = tenant.must(Created, tenant.event("invoice.created", &bill(1))).await?;
    ensure!(tenant.all("Invoice").len() == before + 1, "invoices: {}", tenant.all("Invoice").len() - before);
    ensure!(tenant.with("Customer", "DisplayName", "Storm Cellars").len() == 1);
    ensure!(tenant.with("Item", "Name", "Shutter").len() == 1);
    tenant.object("Invoice", &id)?;
    Ok(())
}

async fn t3_an_answer_that_is_lost_after_the_commit_makes_one_invoice(
    world: Arc<World>,
) -> anyhow::Result<()> {
    let tenant = world.tenant("lost-answer").await?;
    let lost =
        Fault { path: Some("/invoice".into()), ..Fault::once(Effect::LoseResponse).on(CallKind::Create) };
    one_invoice_in_spite_of(&tenant, lost).await?;
    ensure!(tenant.calls().iter().any(|call| call.response_lost), "nothing was lost");
    Ok(())
}

async fn a_request_that_is_lost_is_sent_again(world: Arc<World>) -> anyhow::Result<()> {
    let tenant = world.tenant("lost-request").await?;
    one_invoice_in_spite_of(&tenant, Fault::once(Effect::LoseRequest).on(CallKind::Create)).await
}

async fn a_failure_on_intuits_side_makes_nothing_twice(world: Arc<World>) -> anyhow::Result<()> {
    let tenant = world.tenant("server-error").await?;
    let error = Effect::ServerError { status: 503, body: ErrorBody::Html };
    one_invoice_in_spite_of(&tenant, Fault { after: 1, ..Fault::once(error).on(CallKind::Create) }).await
}

async fn r95_what_is_delivered_twice_is_made_once(world: Arc<World>) -> anyhow::Result<()> {
    let tenant = world.tenant("twice").await?;
    let before = tenant.all("Invoice").len();
    let event = tenant.event("invoice.created", &bill(1));
    let ended = tenant.push(&[event.clone(), event.clone()]).await?;
    let id = is_done(&ended[0], Created)?;
    let again = tenant.push(&[event]).await?;
    ensure!(is_done(&again[0], Created)? == id);
    ensure!(tenant.all("Invoice").len() == before + 1);
    Ok(())
}

async fn t1_two_realms_interleaved_never_mix(world: Arc<World>) -> anyhow::Result<()> {
    let tenants = [world.tenant("left").await?, world.tenant("right").await?];
    let mut messages = Vec::new();
    for number in 0..20 {
        for tenant in &tenants {
            // The same ids on both sides.
            let client = client(&format!("c-{number}"), &format!("{} {number}", tenant.id));
            let bill = invoice(
                &format!("i-{number}"),
                &client,
                &[line(&format!("Item of {}", tenant.id), "1", "9")],
                "9",
            );
            let body = tenant.event("invoice.created", &bill).to_string();
            messages.push(Message { company: tenant.id.clone(), body });
        }
    }
    let bundle = tenants[0].bundle;
    let sent = bundle.send(&messages).await?;
    for ended in bundle.endings(&sent, &|_| ()).await? {
        is_done(&ended[0], Created)?;
        let tenant = tenants.iter().find(|tenant| tenant.id == ended[0].company).context("whose?")?;
        ensure!(ended[0].realm.as_ref().map(|realm| realm.as_str()) == Some(tenant.realm.as_str()));
    }
    for (tenant, other) in [(&tenants[0], &tenants[1]), (&tenants[1], &tenants[0])] {
        let names: Vec<String> = ["Customer", "Item"]
            .into_iter()
            .flat_map(|entity| tenant.all(entity))
            .map(|entity| entity["FullyQualifiedName"].to_string())
            .collect();
        ensure!(names.iter().filter(|name| name.contains(tenant.id.as_str())).count() == 21, "T1: {names:?}");
        ensure!(!names.iter().any(|name| name.contains(other.id.as_str())), "T1: {names:?}");
    }
    Ok(())
}

async fn an_expired_token_is_refreshed_on_the_way(world: Arc<World>) -> anyhow::Result<()> {
    let tenant = world.tenant("expired").await?;
    let vault = tenant.bundle.aws.vault(tenant.bundle.stack.output("CompanySecretPrefix")?);
    let before = vault.tokens(&tenant.books()?).await?.context("no tokens")?;
    tenant.bundle.simulator.expire_access_tokens(&tenant.realm);
    tenant.must(Created, tenant.event("invoice.created", &bill(1))).await?;
    let after = vault.tokens(&tenant.books()?).await?.context("no tokens")?;
    ensure!(before.access_token.expose_secret() != after.access_token.expose_secret(), "not refreshed");
    ensure!(tenant.calls().iter().any(|call| call.status == Some(401)), "the token had not expired");
    // And once more: the new pair is the one that is used, by a warm function too.
    tenant.bundle.simulator.expire_access_tokens(&tenant.realm);
    tenant.must(Created, tenant.event("invoice.created", &bill(2))).await?;
    Ok(())
}

async fn d10_what_a_revoked_connection_holds_up_goes_on_after_reconnecting(
    world: Arc<World>,
) -> anyhow::Result<()> {
    let tenant = world.tenant("revoked").await?;
    let simulator = &tenant.bundle.simulator;
    simulator.disconnect(&tenant.realm);
    let events = [tenant.event("invoice.created", &bill(1)), tenant.event("invoice.created", &bill(2))];
    for activity in tenant.push(&events).await? {
        is_parked(&activity, NotConnected)?;
    }
    run::connect(tenant.bundle, &tenant.id, &tenant.realm, simulator.now()).await?;
    // It was on the queue again before the person saw the page, so it is dealt with before anything that comes now.
    tenant.push(&[]).await?;
    let ids = tenant
        .endings_of(&events)
        .await?
        .iter()
        .map(|activity| is_done(activity, Created))
        .collect::<Result<Vec<_>, _>>()?;
    ensure!(ids[0].parse::<u64>()? < ids[1].parse::<u64>()?, "in order: {ids:?}");
    Ok(())
}

async fn t14_a_payment_that_comes_before_its_invoice_waits_for_it(world: Arc<World>) -> anyhow::Result<()> {
    let tenant = world.tenant("early").await?;
    let bill = bill(1);
    let client = tenant.event("client.created", &bill["client"]);
    let paid = tenant.event("payment.created", &payment("y-1", &bill, "25"));
    let ended = tenant.push(&[client, paid.clone()]).await?;
    ensure!(is_parked(&ended[1], MissingRecord)?.contains("i-1"));
    let id = tenant.must(Created, tenant.event("invoice.created", &bill)).await?;
    is_done(&tenant.endings_of(&[paid]).await?[0], Created)?;
    ensure!(
        tenant.object("Invoice", &id)?["Balance"].to_string().trim_matches('"').parse::<Decimal>()?.is_zero()
    );
    Ok(())
}

/// 5010: what a bookkeeper has changed and we have not stays as it is.
async fn a_bookkeepers_edit_in_between_survives(world: Arc<World>) -> anyhow::Result<()> {
    let tenant = world.tenant("bookkeeper").await?;
    let ours = client("c-1", "Shared Customer");
    let id = tenant.must(Created, tenant.event("client.created", &ours)).await?;
    let seen = tenant.object("Customer", &id)?;
    let edit =
        json!({"Id": id, "SyncToken": seen["SyncToken"], "sparse": true, "Notes": "Rings before coming."});
    tenant.bookkeeper_saves("Customer", &edit)?;
    tenant.must(Updated, tenant.event("client.updated", &changed(&ours, "phone", "650 555 0111"))).await?;
    let both = tenant.object("Customer", &id)?;
    ensure!(both["Notes"] == "Rings before coming.", "{both}");
    ensure!(both["PrimaryPhone"]["FreeFormNumber"] == "650 555 0111", "{both}");
    ensure!(tenant.calls().iter().any(|call| call.status == Some(400)), "there was no 5010");
    Ok(())
}

async fn t5_a_paid_invoice_can_be_edited(world: Arc<World>) -> anyhow::Result<()> {
    let tenant = world.tenant("paid").await?;
    let bill = bill(1);
    let id = tenant.must(Created, tenant.event("invoice.created", &bill)).await?;
    tenant.must(Created, tenant.event("payment.created", &payment("y-1", &bill, "10"))).await?;
    let edited = changed(&bill, "po_number", "PO-5");
    tenant.must(Updated, tenant.event("invoice.updated", &edited)).await?;
    let booked = tenant.object("Invoice", &id)?;
    ensure!(booked["PrivateNote"].as_str().is_some_and(|note| note.contains("PO-5")), "{booked}");
    ensure!(booked["LinkedTxn"].as_array().is_some_and(|linked| linked.len() == 1), "still paid: {booked}");
    Ok(())
}

async fn t6_a_paid_invoice_is_not_voided(world: Arc<World>) -> anyhow::Result<()> {
    let tenant = world.tenant("void").await?;
    let (paid, open) = (bill(1), bill(2));
    let open_id = {
        tenant.must(Created, tenant.event("invoice.created", &paid)).await?;
        tenant.must(Created, tenant.event("invoice.created", &open)).await?
    };
    tenant.must(Created, tenant.event("payment.created", &payment("y-1", &paid, "10"))).await?;
    let ended = tenant
        .push(&[
            tenant.event("invoice.cancelled", &changed(&paid, "status", "cancelled")),
            tenant.event("invoice.cancelled", &changed(&open, "status", "cancelled")),
        ])
        .await?;
    ensure!(is_parked(&ended[0], Paid)?.contains("10.00"), "with the amount");
    is_done(&ended[1], Voided)?;
    let voided = tenant.object("Invoice", &open_id)?;
    ensure!(voided["PrivateNote"].as_str().is_some_and(|note| note.starts_with("Voided")), "{voided}");
    Ok(())
}

async fn t4_what_was_deleted_in_quickbooks_is_made_anew(world: Arc<World>) -> anyhow::Result<()> {
    let tenant = world.tenant("deleted").await?;
    let bill = bill(1);
    let id = tenant.must(Created, tenant.event("invoice.created", &bill)).await?;
    let seen = tenant.object("Invoice", &id)?;
    tenant.bookkeeper_deletes("Invoice", &json!({"Id": id, "SyncToken": seen["SyncToken"]}))?;
    let event = tenant.event("invoice.updated", &changed(&bill, "po_number", "PO-6"));
    let again = tenant.must(Created, event).await?;
    ensure!(again != id && tenant.object("Invoice", &again).is_ok(), "a live id");
    Ok(())
}

async fn t18_a_closed_period_parks_the_invoice(world: Arc<World>) -> anyhow::Result<()> {
    let tenant = world.tenant("closed").await?;
    let simulator = &tenant.bundle.simulator;
    let (now, day) = (simulator.now(), jiff::civil::date(2026, 3, 31));
    simulator
        .with_company(&tenant.realm, |realm| realm.close_books(Some(day), false, now))
        .context("no realm")?;
    let later = changed(&changed(&bill(2), "date", "2026-04-01"), "due_date", "2026-04-30");
    let ended = tenant
        .push(&[tenant.event("invoice.created", &bill(1)), tenant.event("invoice.created", &later)])
        .await?;
    is_parked(&ended[0], ClosedPeriod)?;
    is_done(&ended[1], Created)?;
    Ok(())
}
