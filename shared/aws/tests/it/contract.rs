use sync::contract;

use crate::world::{TABLE, World};

#[tokio::test]
async fn the_ledger_keeps_its_promises() {
    let world = World::with_table().await;
    contract::ledger(&world.one.ledger(TABLE), &world.two.ledger(TABLE)).await;
}

#[tokio::test]
async fn the_companies_keep_their_promises() {
    let world = World::with_table().await;
    contract::companies(&world.one.companies(TABLE), &world.two.companies(TABLE)).await;
}

#[tokio::test]
async fn the_sweeps_keep_their_promises() {
    let world = World::with_table().await;
    contract::sweeps(&world.one.companies(TABLE), &world.two.companies(TABLE)).await;
}

#[tokio::test]
async fn the_standings_keep_their_promises() {
    let world = World::with_table().await;
    contract::standings(&world.one.companies(TABLE), &world.two.companies(TABLE)).await;
}

#[tokio::test]
async fn the_activity_log_keeps_its_promises() {
    let world = World::with_table().await;
    contract::activity_log(&world.one.activity_log(TABLE), &world.two.activity_log(TABLE)).await;
}

#[tokio::test]
async fn the_activity_log_is_read_as_promised() {
    let world = World::with_table().await;
    contract::history(&world.one.activity_log(TABLE), &world.two.activity_log(TABLE)).await;
}

#[tokio::test]
async fn the_ledger_lists_pairs_as_promised() {
    let world = World::with_table().await;
    contract::pairs(&world.one.ledger(TABLE), &world.two.ledger(TABLE)).await;
    contract::directories(&world.one.companies(TABLE), &world.two.companies(TABLE)).await;
}

#[tokio::test]
async fn the_vault_keeps_its_promises() {
    let world = World::new().await;
    contract::vault(&world.one.vault("test/"), &world.two.vault("test/")).await;
}

#[tokio::test]
async fn the_imports_keep_their_promises() {
    let world = World::with_table().await;
    contract::imports(&world.one.imports(TABLE), &world.two.imports(TABLE)).await;
}

#[tokio::test]
async fn the_budget_keeps_its_promises() {
    let world = World::with_table().await;
    contract::budget(&world.one.budget(TABLE), &world.two.budget(TABLE)).await;
}

#[tokio::test]
async fn the_vault_of_billing_keys_keeps_its_promises() {
    let world = World::new().await;
    contract::billing_vault(&world.one.vault("test/"), &world.two.vault("test/")).await;
}

#[tokio::test]
async fn the_cursors_keep_their_promises() {
    let world = World::with_table().await;
    contract::cursors(&world.one.companies(TABLE), &world.two.companies(TABLE)).await;
}
