//! What has to hold when all other tests have ended.

use std::sync::Arc;

use anyhow::{Context, ensure};
use secrecy::ExposeSecret;
use serde_json::Value;

use crate::webhooks::NEXT_TOKEN;
use crate::world::{World, tests};

tests![no_log_holds_a_secret_and_nothing_was_given_up];

/// Every function that could tell one.
const FUNCTIONS: [&str; 8] = [
    "OauthCallbackFunction",
    "PushProcessorFunction",
    "PullProcessorFunction",
    "PushNowFunction",
    "ReconcilerFunction",
    "TokenRefreshFunction",
    "WebhookIngestFunction",
    "BillingIngestFunction",
];

/// T26, and T25: no message ended in the dead-letter queue.
async fn no_log_holds_a_secret_and_nothing_was_given_up(world: Arc<World>) -> anyhow::Result<()> {
    world.the_others_have_ended().await?;
    let bundle = world.bundle().await?;
    let state: Value = serde_json::from_str(
        &reqwest::get(format!("{}/simulator/state", bundle.simulator.url())).await?.text().await?,
    )?;
    let mut secrets = tokens(&state["connections"]);
    let known = bundle.simulator.connect(&bundle.simulator.realms()[0]).context("no company")?;
    secrets.extend([known.client_secret, known.verifier_token, NEXT_TOKEN.to_owned()]);
    ensure!(secrets.len() > 20, "too few to prove anything: {}", secrets.len());

    secrets.push(bundle.aws.secret(bundle.stack.output("SigningKeySecret")?).await?.expose_secret().into());
    let tells = |text: &str| secrets.iter().any(|secret| text.contains(secret.as_str()));

    for function in FUNCTIONS {
        let log = bundle.stack.function_log(function)?;
        for (number, line) in log.lines().enumerate() {
            ensure!(!tells(line), "T26: line {number} of {function}'s log tells a secret");
        }
    }
    for function in ["OauthCallbackFunction", "PushProcessorFunction", "WebhookIngestFunction"] {
        ensure!(!bundle.stack.function_log(function)?.is_empty(), "{function} has logged nothing");
    }
    for mail in bundle.stack.mails().await? {
        ensure!(!tells(&format!("{mail:?}")), "T26: an e-mail tells a secret: {}", mail.subject);
    }
    ensure!(bundle.dead_letters().await? == 0, "T25: messages in the dead-letter queue");
    Ok(())
}

/// Every text in the simulator's connections that is long enough to be a token or a code.
fn tokens(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) if text.len() >= 30 => vec![text.clone()],
        Value::Array(values) => values.iter().flat_map(tokens).collect(),
        Value::Object(members) => {
            let names = members.keys().filter(|name| name.len() >= 30).cloned();
            names.chain(members.values().flat_map(tokens)).collect()
        }
        _ => Vec::new(),
    }
}
