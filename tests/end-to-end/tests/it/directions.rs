//! Settings decide what is pushed.

use std::sync::Arc;

use admin::{CutOff, SettingsChange};
use anyhow::ensure;
use jiff::civil::date;
use serde_json::{Value, json};
use sync::model::Kind;
use sync::outcome::DoneAction::{Created, Updated};
use sync::outcome::ParkCause::{NotConnected, Unmapped};
use sync::settings::Direction;

use crate::records::{changed, client, invoice, line, payment, product};
use crate::world::{Tenant, World, all, is_done, is_parked, is_skipped, tests};

tests![
    r4_r5_with_none_nothing_is_written,
    r2_each_kind_has_its_own_direction,
    r16_r17_an_invoice_brings_its_client_and_products_along,
    d9_what_is_missing_is_not_made_if_a_person_says_so,
    d8_invoices_before_the_cut_off_date_stay_out_with_their_payments,
    d1_product_edits_are_pushed_if_a_person_says_so,
    r18_a_change_of_balance_alone_calls_nobody,
    d10_events_wait_for_a_company_that_is_not_connected,
];

/// A direction for one kind, and None for the others.
fn only(kind: Kind, direction: Direction) -> SettingsChange {
    let mut change = all(Direction::None);
    change.directions.push((kind, direction));
    change
}

/// A client, a product, and an invoice with its payment, all new.
fn one_of_each(tenant: &Tenant<'_>) -> Vec<Value> {
    let client = client("c-1", "Direction Signs");
    let bill = invoice("i-1", &client, &[line("Signpost", "2", "40")], "80");
    vec![
        tenant.event("client.created", &client),
        tenant.event("product.created", &product("p-1", "Signpost", "40")),
        tenant.event("invoice.created", &bill),
        tenant.event("payment.created", &payment("y-1", &bill, "80")),
    ]
}

async fn r4_r5_with_none_nothing_is_written(world: Arc<World>) -> anyhow::Result<()> {
    let tenant = world.tenant("none").await?;
    for direction in [Direction::None, Direction::Pull] {
        tenant.change(all(direction)).await?;
        let before = tenant.calls().len();
        for activity in tenant.push(&one_of_each(&tenant)).await? {
            is_skipped(&activity, &format!("is {direction}: changes in the billing app are not sent"))?;
        }
        ensure!(tenant.calls().len() == before, "R5: QuickBooks was called");
    }
    Ok(())
}

async fn r2_each_kind_has_its_own_direction(world: Arc<World>) -> anyhow::Result<()> {
    let tenant = world.tenant("independent").await?;
    tenant.change(only(Kind::Product, Direction::Bidirectional)).await?;
    let ended = tenant.push(&one_of_each(&tenant)).await?;
    is_skipped(&ended[0], "the direction for clients is None")?;
    is_done(&ended[1], Created)?;
    is_skipped(&ended[2], "the direction for invoices is None")?;
    is_skipped(&ended[3], "the direction for payments is None")?;
    ensure!(tenant.with("Customer", "DisplayName", "Direction Signs").is_empty());
    ensure!(tenant.with("Item", "Name", "Signpost").len() == 1);
    Ok(())
}

async fn r16_r17_an_invoice_brings_its_client_and_products_along(world: Arc<World>) -> anyhow::Result<()> {
    let tenant = world.tenant("on-the-fly").await?;
    tenant.change(only(Kind::Invoice, Direction::Push)).await?;
    let ended = tenant.push(&one_of_each(&tenant)[2..3]).await?;
    is_done(&ended[0], Created)?;
    ensure!(tenant.with("Customer", "DisplayName", "Direction Signs").len() == 1, "R16");
    ensure!(tenant.with("Item", "Name", "Signpost").len() == 1, "R17");
    Ok(())
}

async fn d9_what_is_missing_is_not_made_if_a_person_says_so(world: Arc<World>) -> anyhow::Result<()> {
    let tenant = world.tenant("unmapped").await?;
    tenant.change(SettingsChange { create_clients: Some(false), ..SettingsChange::default() }).await?;
    let ended = tenant.push(&one_of_each(&tenant)[2..3]).await?;
    ensure!(is_parked(&ended[0], Unmapped)?.contains("Direction Signs"));
    tenant
        .change(SettingsChange {
            create_clients: Some(true),
            create_products: Some(false),
            ..SettingsChange::default()
        })
        .await?;
    let ended = tenant.push(&one_of_each(&tenant)[2..3]).await?;
    ensure!(is_parked(&ended[0], Unmapped)?.contains("Signpost"));
    ensure!(tenant.with("Item", "Name", "Signpost").is_empty());
    Ok(())
}

async fn d8_invoices_before_the_cut_off_date_stay_out_with_their_payments(
    world: Arc<World>,
) -> anyhow::Result<()> {
    let tenant = world.tenant("cut-off").await?;
    let cut_off = Some(CutOff::Day(date(2026, 3, 2)));
    tenant.change(SettingsChange { cut_off, ..SettingsChange::default() }).await?;
    let client = client("c-1", "Old Times");
    let old = invoice("i-1", &client, &[line("Wall", "1", "15")], "15");
    let new = changed(&changed(&old, "id", "i-2"), "date", "2026-03-02");
    let new = changed(&new, "number", "N-i-2");
    let ended = tenant
        .push(&[
            tenant.event("invoice.created", &old),
            tenant.event("payment.created", &payment("y-1", &old, "15")),
            tenant.event("invoice.created", &new),
        ])
        .await?;
    is_skipped(&ended[0], "before the cut-off date 2026-03-02")?;
    is_skipped(&ended[1], "before the cut-off date 2026-03-02")?;
    is_done(&ended[2], Created)?;
    Ok(())
}

async fn d1_product_edits_are_pushed_if_a_person_says_so(world: Arc<World>) -> anyhow::Result<()> {
    let tenant = world.tenant("product-edits").await?;
    let wall = product("p-1", "Garden Wall", "100");
    let id = tenant.must(Created, tenant.event("product.created", &wall)).await?;
    let dearer = changed(&wall, "price", "110");
    let ended = tenant.push(&[tenant.event("product.updated", &dearer)]).await?;
    is_skipped(&ended[0], "edits of products are not pushed")?;
    tenant.change(SettingsChange { push_product_edits: Some(true), ..SettingsChange::default() }).await?;
    tenant.must(Updated, tenant.event("product.updated", &dearer)).await?;
    let item = tenant.object("Item", &id)?;
    ensure!(item["UnitPrice"].to_string().trim_matches('"').starts_with("110"), "{}", item["UnitPrice"]);
    Ok(())
}

async fn r18_a_change_of_balance_alone_calls_nobody(world: Arc<World>) -> anyhow::Result<()> {
    let tenant = world.tenant("balance").await?;
    let owing = client("c-1", "Owing");
    let id = tenant.must(Created, tenant.event("client.created", &owing)).await?;
    let before = tenant.calls().len();
    let ended =
        tenant.push(&[tenant.event("client.updated", &changed(&owing, "balance", json!(12.5)))]).await?;
    is_skipped(&ended[0], "nothing that QuickBooks keeps has changed")?;
    ensure!(tenant.calls().len() == before, "R18: QuickBooks was called");
    let moved = changed(&owing, "billing_address", json!({"line1": "2 New Street", "city": "Bayview"}));
    tenant.must(Updated, tenant.event("client.updated", &moved)).await?;
    ensure!(tenant.object("Customer", &id)?["BillAddr"]["Line1"] == "2 New Street", "R12, R19");
    Ok(())
}

async fn d10_events_wait_for_a_company_that_is_not_connected(world: Arc<World>) -> anyhow::Result<()> {
    let tenant = world.stranger("waiting").await?;
    tenant.add().await?;
    let ended = tenant.push(&one_of_each(&tenant)).await?;
    ended.iter().try_for_each(|activity| is_skipped(activity, "is None"))?;
    tenant.change(all(Direction::Push)).await?;
    for activity in tenant.push(&one_of_each(&tenant)).await? {
        is_parked(&activity, NotConnected)?;
        ensure!(activity.event_json.is_some(), "kept with its event");
    }
    Ok(())
}
