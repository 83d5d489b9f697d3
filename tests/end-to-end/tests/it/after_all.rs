//! What has to hold when all other tests have ended.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::ensure;
use jiff::Timestamp;
use serde_json::Value;

use crate::webhooks::NEXT_TOKEN;
use crate::world::{World, tests};

tests![no_log_holds_a_secret_and_nothing_was_given_up];

/// The functions are counted here, so that none is left out.
const TEMPLATE: &str = include_str!("../../../../template.yaml");

/// What is not kept anywhere is known by how it begins: API keys, of which only a digest is kept, and whatever is signed
/// and given away: links into the console and to Intuit, states, sessions.
const BEGINNINGS: [&str; 2] = ["cpk_", "eyJwdXJwb3NlIjoi"];

/// Shorter texts are found everywhere.
const SHORTEST: usize = 16;

/// T26, and T25: no message ended in the dead-letter queue.
async fn no_log_holds_a_secret_and_nothing_was_given_up(world: Arc<World>) -> anyhow::Result<()> {
    let bundle = world.bundle().await?;
    let state: Value = serde_json::from_str(
        &reqwest::get(format!("{}/simulator/state", bundle.simulator.url())).await?.text().await?,
    )?;
    let mut secrets = tokens(&state["connections"]);
    ensure!(secrets.len() > 20, "too few to prove anything: {}", secrets.len());
    let kept = bundle.stack.secrets().await?;
    secrets.extend(kept.iter().flat_map(|value| texts(value)));
    secrets.insert(NEXT_TOKEN.to_owned());
    let known = bundle.simulator.connect(&bundle.simulator.realms()[0]);
    for known in known.into_iter().flat_map(|known| [known.client_secret, known.verifier_token]) {
        ensure!(secrets.contains(&known), "what is kept secret was not read: {} values", kept.len());
    }
    let told = |text: &str| {
        let is_secret = secrets.iter().any(|secret| text.contains(secret.as_str()));
        is_secret || BEGINNINGS.iter().any(|beginning| text.contains(beginning))
    };

    let functions = bundle.stack.functions();
    let deployed = TEMPLATE.lines().filter(|line| line.trim() == "Type: AWS::Serverless::Function").count();
    ensure!(
        functions.len() == deployed,
        "{deployed} functions are deployed, and these are known: {functions:?}"
    );
    for function in functions {
        let log = bundle.stack.function_log(function)?;
        for (number, line) in log.lines().enumerate() {
            ensure!(!told(line), "T26: line {number} of {function}'s log tells a secret");
        }
    }
    for function in ["OauthCallbackFunction", "PushProcessorFunction", "WebhookIngestFunction"] {
        ensure!(!bundle.stack.function_log(function)?.is_empty(), "{function} has logged nothing");
    }
    for mail in bundle.stack.mails().await? {
        // A mail about a lost connection has a link that is good for that realm only; nothing else is told.
        let is_secret = secrets.iter().any(|secret| format!("{mail:?}").contains(secret.as_str()));
        ensure!(!is_secret, "T26: an e-mail tells a secret: {}", mail.subject);
    }
    ensure!(bundle.dead_letters().await? == 0, "T25: messages in the dead-letter queue");
    Ok(())
}

/// Every text in the simulator's connections that is long enough to be a token or a code.
fn tokens(value: &Value) -> BTreeSet<String> {
    match value {
        Value::String(text) if text.len() >= 30 => BTreeSet::from([text.clone()]),
        Value::Array(values) => values.iter().flat_map(tokens).collect(),
        Value::Object(members) => {
            let names = members.keys().filter(|name| name.len() >= 30).cloned();
            names.chain(members.values().flat_map(tokens)).collect()
        }
        _ => BTreeSet::new(),
    }
}

/// What is secret in the value of a secret: the whole of it, or the texts of its members, save times and the client id,
/// which every consent shows.
fn texts(value: &str) -> Vec<String> {
    let whole = || Value::from(value);
    let members: Vec<Value> = match serde_json::from_str(value).unwrap_or_else(|_| whole()) {
        Value::Object(mut members) => {
            members.retain(|name, _| name != "client_id");
            members.into_iter().map(|(_, member)| member).collect()
        }
        _ => vec![whole()],
    };
    let texts = members.iter().filter_map(Value::as_str).filter(|text| text.len() >= SHORTEST);
    texts.filter(|text| text.parse::<Timestamp>().is_err()).map(str::to_owned).collect()
}
