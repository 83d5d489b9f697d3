//! What a push may cost: calls to QuickBooks, as the simulator counts them.

use std::sync::Arc;

use anyhow::ensure;
use quickbooks_simulator::server::CallKind;
use serde_json::json;
use sync::outcome::DoneAction::{Created, Updated};

use crate::records::{changed, client, invoice, line, payment};
use crate::world::{Tenant, World, tests};

tests![a_new_invoice_takes_five_calls_and_what_follows_one_each];

async fn a_new_invoice_takes_five_calls_and_what_follows_one_each(world: Arc<World>) -> anyhow::Result<()> {
    let tenant = world.tenant("budget").await?;
    let lines = [line("Stone Wall", "3", "120"), line("Gate", "1", "80.25")];
    let bill = invoice("i-1", &client("c-1", "Budget Hotel"), &lines, "440.25");

    let before = tenant.calls().len();
    tenant.must(Created, tenant.event("invoice.created", &bill)).await?;
    let kinds = calls_since(&tenant, before);
    ensure!(kinds.len() <= 5, "with a new client and two new products: {kinds:?}");

    let before = tenant.calls().len();
    let edited = changed(&changed(&bill, "lines", json!([lines[0].clone()])), "amount", "360");
    tenant.must(Updated, tenant.event("invoice.updated", &edited)).await?;
    ensure!(calls_since(&tenant, before) == [CallKind::Update], "{:?}", calls_since(&tenant, before));

    let before = tenant.calls().len();
    tenant.must(Created, tenant.event("payment.created", &payment("y-1", &edited, "360"))).await?;
    ensure!(calls_since(&tenant, before) == [CallKind::Create], "{:?}", calls_since(&tenant, before));
    Ok(())
}

fn calls_since(tenant: &Tenant<'_>, before: usize) -> Vec<CallKind> {
    tenant.calls().iter().skip(before).map(|call| call.kind).collect()
}
