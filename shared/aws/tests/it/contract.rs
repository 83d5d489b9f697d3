use aws_sdk_sesv2::Client;
use serde_json::Value;
use sync::contract;
use sync::mail::{Address, Message};

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

#[tokio::test]
async fn ses_keeps_its_promises() {
    let world = World::new().await;
    let from = "counterpart@example.com";
    let request = Client::new(&world.config).create_email_identity().email_identity(from);
    request.send().await.unwrap();
    contract::mail(&world.one.mail(from), async || world.mails().await).await;
}

impl World {
    /// Everything that SES has sent, in order.
    async fn mails(&self) -> Vec<Message> {
        let address = format!("{}/_ministack/ses/messages", self.endpoint());
        let answer: Value =
            serde_json::from_str(&reqwest::get(address).await.unwrap().text().await.unwrap()).unwrap();
        let accounts = answer["messages"].as_object().unwrap().values();
        let sent: Vec<&Value> = accounts.flat_map(|account| account.as_array().unwrap()).collect();
        let text = |mail: &Value, name: &str| mail[name].as_str().unwrap().to_owned();
        let to = |mail: &Value| {
            let all = mail["To"].as_array().unwrap().iter();
            all.map(|to| Address::new(to.as_str().unwrap()).unwrap()).collect()
        };
        let message = |mail: &Value| Message {
            to: to(mail),
            subject: text(mail, "Subject"),
            text: text(mail, "BodyText"),
            html: text(mail, "BodyHtml"),
        };
        sent.into_iter().map(message).collect()
    }
}
