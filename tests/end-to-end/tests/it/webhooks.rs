//! QuickBooks' webhooks, as far as the pull queue.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use quickbooks_simulator::server::WebhookSettings;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::time::sleep;
use uuid::Uuid;

use crate::world::{GLANCE, PATIENCE, World, tests};

tests![
    what_a_bookkeeper_changes_is_told_by_webhook,
    t2_one_body_with_three_realms_reaches_three_companies,
    only_intuits_signature_will_do_before_during_and_after_a_change_of_the_token,
    r95_a_webhook_that_comes_twice_makes_one_message_and_a_later_change_another,
    a_body_is_taken_in_each_of_its_encodings,
    a_huge_body_is_refused,
    what_is_signed_but_of_no_use_is_answered_with_200,
];

/// The verifier token that takes the place of the simulator's.
pub(crate) const NEXT_TOKEN: &str = "the-verifier-token-after-the-simulators";

const CLOUD_EVENTS: &str = "application/cloudevents+json";

/// One delivery, as Intuit would make it.
struct Delivery {
    id: String,
    body: Vec<u8>,
    signature: String,
    content_type: &'static str,
}

impl Delivery {
    fn of(body: impl Into<Vec<u8>>) -> Delivery {
        let body = body.into();
        let signature = signature(&body, &WebhookSettings::default().verifier_token);
        Delivery { id: Uuid::new_v4().to_string(), body, signature, content_type: CLOUD_EVENTS }
    }

    fn signed_by(self, token: &str) -> Delivery {
        Delivery { signature: signature(&self.body, token), ..self }
    }

    /// Sends it, and tells how it was answered.
    async fn send(&self, world: &World) -> anyhow::Result<u16> {
        let url = world.bundle().await?.stack.output("WebhookUrl")?;
        let request = reqwest::Client::new()
            .post(url)
            .header("intuit-t-id", &self.id)
            .header("intuit-signature", &self.signature)
            .header("content-type", self.content_type);
        Ok(request.body(self.body.clone()).send().await?.status().as_u16())
    }

    /// What the function said about it in the end.
    async fn ending(&self, world: &World) -> anyhow::Result<Value> {
        let ending = |line: &Value| line["intuit.tid"] == *self.id && line["outcome"].is_string();
        waited_for(world, &format!("delivery {}", self.id), ending).await
    }

    /// The messages that were made of it: company and id of each.
    async fn messages(&self, world: &World) -> anyhow::Result<Vec<(String, String)>> {
        self.ending(world).await?;
        let lines = log(world).await?.into_iter();
        let text = |line: &Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
        let mut messages: Vec<_> = lines
            .filter(|line| line["intuit.tid"] == *self.id && line["message.id"].is_string())
            .map(|line| (text(&line, "company.id"), text(&line, "message.id")))
            .collect();
        messages.sort();
        Ok(messages)
    }
}

/// A line of webhook-ingest's log, once it is there.
async fn waited_for(world: &World, what: &str, is_it: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
    let begun = Instant::now();
    loop {
        if let Some(line) = log(world).await?.into_iter().find(|line| is_it(line)) {
            return Ok(line);
        }
        if begun.elapsed() > PATIENCE {
            let attempts = world.bundle().await?.simulator.webhook_attempts();
            bail!("the function says nothing of {what}; the simulator's attempts: {attempts:?}");
        }
        sleep(GLANCE).await;
    }
}

/// What webhook-ingest has said so far.
async fn log(world: &World) -> anyhow::Result<Vec<Value>> {
    let log = world.bundle().await?.stack.function_log("WebhookIngestFunction")?;
    Ok(log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

fn signature(body: &[u8], token: &str) -> String {
    // A key may have any length.
    let mac = Hmac::<Sha256>::new_from_slice(token.as_bytes()).map(|mac| mac.chain_update(body).finalize());
    mac.map(|mac| STANDARD.encode(mac.into_bytes())).unwrap_or_default()
}

/// An element of a body: `kind` is `ENTITY.VERB`.
fn change(realm: &str, kind: &str, id: &str) -> Value {
    json!({
        "specversion": "1.0", "id": Uuid::new_v4().to_string(), "source": "intuit.test", "type": format!("qbo.{kind}.v1"),
        "time": "2026-03-02T09:59:58.5Z", "intuitentityid": id, "intuitaccountid": realm,
    })
}

async fn what_a_bookkeeper_changes_is_told_by_webhook(world: Arc<World>) -> anyhow::Result<()> {
    let tenant = world.tenant("webhook").await?;
    let customer = tenant.all("Customer").pop().context("no customer")?;
    let edit = json!({"Id": customer["Id"], "SyncToken": customer["SyncToken"], "sparse": true, "Notes": "Rings before coming."});
    tenant.bookkeeper_saves("Customer", &edit)?;
    waited_for(&world, &tenant.id.to_string(), |line| line["company.id"] == tenant.id.as_str()).await?;
    Ok(())
}

async fn t2_one_body_with_three_realms_reaches_three_companies(world: Arc<World>) -> anyhow::Result<()> {
    let tenants = [world.tenant("east").await?, world.tenant("west").await?, world.tenant("south").await?];
    let stranger = world.stranger("north").await?;
    let mut changes: Vec<Value> =
        tenants.iter().map(|tenant| change(&tenant.realm, "customer.updated", "1")).collect();
    changes.extend([
        change(&stranger.realm, "customer.updated", "1"),
        change(&tenants[0].realm, "vendor.updated", "56"),
        change(&tenants[0].realm, "invoice.void", "2"),
    ]);
    let delivery = Delivery::of(Value::Array(changes).to_string());
    ensure!(delivery.send(&world).await? == 200);

    let mut companies: Vec<_> = tenants.iter().map(|tenant| tenant.id.to_string()).collect();
    companies.sort();
    let messages = delivery.messages(&world).await?;
    let reached: Vec<String> = messages.into_iter().map(|(company, _)| company).collect();
    ensure!(reached == companies, "T2: {reached:?}");
    let ending = delivery.ending(&world).await?;
    ensure!(ending["webhook.changes"] == 4, "{ending}");
    ensure!(ending["webhook.unknown_realms"] == 1 && ending["webhook.other_entities"] == 1, "{ending}");
    Ok(())
}

async fn only_intuits_signature_will_do_before_during_and_after_a_change_of_the_token(
    world: Arc<World>,
) -> anyhow::Result<()> {
    let bundle = world.bundle().await?;
    let delivery = || Delivery::of("[]");
    ensure!(delivery().send(&world).await? == 200);
    ensure!(delivery().signed_by("another token").send(&world).await? == 401);
    ensure!(Delivery { signature: String::new(), ..delivery() }.send(&world).await? == 401);
    ensure!(Delivery { body: b"[ ]".to_vec(), ..delivery() }.send(&world).await? == 401, "another body");
    ensure!(delivery().signed_by(NEXT_TOKEN).send(&world).await? == 401, "not yet");

    let secret = bundle.stack.output("IntuitAppSecret")?;
    let mut keys: Value = serde_json::from_str(bundle.aws.secret(secret).await?.expose_secret())?;
    keys["previous_verifier_token"] = keys["verifier_token"].take();
    keys["verifier_token"] = NEXT_TOKEN.into();
    bundle.aws.put_secret(secret, &keys.to_string().into()).await?;
    let begun = Instant::now();
    while delivery().signed_by(NEXT_TOKEN).send(&world).await? != 200 {
        ensure!(begun.elapsed() < PATIENCE, "the new token is not noticed");
        sleep(GLANCE).await;
    }
    ensure!(delivery().send(&world).await? == 200, "the one before is good as well");
    ensure!(delivery().signed_by("another token").send(&world).await? == 401);
    Ok(())
}

async fn r95_a_webhook_that_comes_twice_makes_one_message_and_a_later_change_another(
    world: Arc<World>,
) -> anyhow::Result<()> {
    let tenant = world.tenant("repeated").await?;
    let once = change(&tenant.realm, "item.updated", "3");
    let first = Delivery::of(json!([once, once]).to_string());
    let again = Delivery { id: Uuid::new_v4().to_string(), ..Delivery::of(first.body.clone()) };
    let mut later = once;
    later["time"] = "2026-03-02T09:59:59Z".into();
    let later = Delivery::of(json!([later]).to_string());
    for delivery in [&first, &again, &later] {
        ensure!(delivery.send(&world).await? == 200);
    }
    let message = first.messages(&world).await?;
    ensure!(message.len() == 1 && again.messages(&world).await? == message, "R95: {message:?}");
    ensure!(later.messages(&world).await? != message, "it is not the same change");
    Ok(())
}

async fn a_body_is_taken_in_each_of_its_encodings(world: Arc<World>) -> anyhow::Result<()> {
    let tenant = world.tenant("encoded").await?;
    let entity = json!({"name": "Invoice", "id": "9", "operation": "Update", "lastUpdated": "2026-03-02T01:59:58-08:00"});
    let classic =
        json!({"eventNotifications": [{"realmId": tenant.realm, "dataChangeEvent": {"entities": [entity]}}]});
    let cloud_events = json!([change(&tenant.realm, "invoice.updated", "9")]);
    // API Gateway hands JSON over as text, and what it does not know as base64.
    for (body, content_type) in [(classic, "application/json; charset=utf-8"), (cloud_events, CLOUD_EVENTS)] {
        let delivery = Delivery { content_type, ..Delivery::of(body.to_string()) };
        ensure!(delivery.send(&world).await? == 200, "{content_type}");
        let ending = delivery.ending(&world).await?;
        ensure!(ending["webhook.changes"] == 1, "{content_type}: {ending}");
    }
    Ok(())
}

async fn a_huge_body_is_refused(world: Arc<World>) -> anyhow::Result<()> {
    let delivery = Delivery::of(format!("[{}]", " ".repeat(2 * 1024 * 1024)));
    ensure!(delivery.send(&world).await? == 413);
    Ok(())
}

async fn what_is_signed_but_of_no_use_is_answered_with_200(world: Arc<World>) -> anyhow::Result<()> {
    for body in ["{", "{}", r#"[{"type": "qbo.invoice.updated.v1"}]"#, "[7]"] {
        let status = Delivery::of(body).send(&world).await?;
        ensure!(status == 200, "{body}: {status}");
    }
    Ok(())
}
