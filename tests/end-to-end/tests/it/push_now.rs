//! The push while the billing app waits, with automated sales tax (R45-R51, D6).

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, bail, ensure};
use quickbooks_simulator::company::Seed;
use quickbooks_simulator::server::{CallKind, Effect, Fault};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sync::outcome::DoneAction::Created;
use tokio::time::sleep;

use crate::records::{changed, client, invoice, line};
use crate::world::{GLANCE, PATIENCE, Tenant, World, is_done, tests};

tests![
    r50_the_answer_holds_quickbooks_taxes_by_line_and_its_total,
    d6_what_quickbooks_is_slow_with_is_finished_by_the_queue,
    beside_the_queue_one_invoice_is_made,
    only_the_companys_present_key_is_let_in,
    what_waits_for_a_person_says_what_to_do,
];

/// Somebody in Tucson, where three rates apply.
fn bill(number: u32) -> Value {
    let mut client = client("c-1", "Saguaro Nursery");
    client["shipping_address"] = json!({"line1": "1 Elm St", "city": "Tucson", "state": "AZ", "postal_code": "85701", "country": "US"});
    let lines =
        [line("Seedlings", "4", "25"), changed(&line("Seed fund", "1", "50"), "tax_category", "exempt")];
    invoice(&format!("i-{number}"), &client, &lines, "150")
}

/// A company with automated sales tax, and its key.
async fn tenant<'w>(world: &'w World, name: &str) -> anyhow::Result<(Tenant<'w>, SecretString)> {
    let tenant = world.tenant_of(name, Seed::AutomatedSalesTax).await?;
    let key = tenant.bundle.operator.create_api_key(&tenant.id).await?;
    Ok((tenant, key))
}

struct Answer {
    status: u16,
    location: Option<String>,
    body: Value,
}

async fn answer(request: reqwest::RequestBuilder) -> anyhow::Result<Answer> {
    let response = request.send().await?;
    let location = response.headers().get("location").and_then(|value| value.to_str().ok());
    let (status, location) = (response.status().as_u16(), location.map(str::to_owned));
    let text = response.text().await?;
    let body = serde_json::from_str(&text).with_context(|| format!("{status}: {text}"))?;
    Ok(Answer { status, location, body })
}

async fn push(tenant: &Tenant<'_>, key: &SecretString, event: &Value) -> anyhow::Result<Answer> {
    let address = format!("{}/companies/{}/invoices/push", tenant.bundle.stack.api_url(), tenant.id);
    let request = reqwest::Client::new().post(address).bearer_auth(key.expose_secret());
    answer(request.header("content-type", "application/json").body(event.to_string())).await
}

async fn get(tenant: &Tenant<'_>, key: &SecretString, address: &str) -> anyhow::Result<Answer> {
    let address = format!("{}{address}", tenant.bundle.stack.api_url());
    answer(reqwest::Client::new().get(address).header("x-api-key", key.expose_secret())).await
}

/// Asks for what became of an event until it has ended.
async fn ended(tenant: &Tenant<'_>, key: &SecretString, address: &str) -> anyhow::Result<Value> {
    let begun = Instant::now();
    loop {
        let answer = get(tenant, key, address).await?;
        ensure!(answer.status == 200, "{}: {}", answer.status, answer.body);
        if answer.body["outcome"] != "pending" {
            return Ok(answer.body);
        }
        if begun.elapsed() > PATIENCE {
            bail!("{address} is pending still");
        }
        sleep(GLANCE).await;
    }
}

/// Makes sure that the answer holds the taxes of [`bill`], and returns the invoice's id.
fn with_taxes(status: &Value) -> anyhow::Result<&str> {
    ensure!(status["outcome"] == "done", "{status}");
    let taxes = &status["taxes"];
    let figures = [&taxes["total"], &taxes["tax"]].map(Value::to_string);
    ensure!(figures == ["158.7", "8.7"], "{taxes}");
    let rates = |line: usize| -> Vec<String> {
        let taxes = taxes["lines"][line]["taxes"].as_array();
        taxes.into_iter().flatten().map(|tax| tax["rate"].to_string()).collect()
    };
    ensure!(rates(0) == ["5.6", "0.5", "2.6"], "R46: {taxes}");
    ensure!(rates(1).is_empty(), "R49: {taxes}");
    status["quickbooks_id"].as_str().context("no id")
}

async fn r50_the_answer_holds_quickbooks_taxes_by_line_and_its_total(
    world: Arc<World>,
) -> anyhow::Result<()> {
    let (tenant, key) = tenant(&world, "now").await?;
    let before = tenant.all("Invoice").len();
    let event = changed(&tenant.event("invoice.sent", &bill(1)), "id", "first sale, 50 %");
    let first = push(&tenant, &key, &event).await?;
    ensure!(first.status == 200, "{}: {}", first.status, first.body);
    let id = with_taxes(&first.body)?;
    ensure!(tenant.object("Invoice", id)?["TotalAmt"].to_string() == "158.70");
    let again = push(&tenant, &key, &event).await?;
    ensure!((again.status, &again.body) == (200, &first.body), "{}", again.body);
    let time = event["time"].as_str().context("no time")?;
    let address = format!("/companies/{}/events/first%20sale%2C%2050%20%25?time={time}", tenant.id);
    ensure!(get(&tenant, &key, &address).await?.body == first.body);
    ensure!(tenant.all("Invoice").len() == before + 1);
    Ok(())
}

async fn d6_what_quickbooks_is_slow_with_is_finished_by_the_queue(world: Arc<World>) -> anyhow::Result<()> {
    let (tenant, key) = tenant(&world, "slow").await?;
    let before = tenant.all("Invoice").len();
    let slow = Effect::DelayRequest { milliseconds: 40_000 };
    let path = Some("/invoice".into());
    tenant.suffers(Fault { count: None, seconds: Some(22), path, ..Fault::once(slow).on(CallKind::Create) });
    let begun = Instant::now();
    let late = push(&tenant, &key, &tenant.event("invoice.sent", &bill(1))).await?;
    ensure!(late.status == 202, "{}: {}", late.status, late.body);
    ensure!(begun.elapsed().as_secs() < 25, "D6: {:?}", begun.elapsed());
    let status = ended(&tenant, &key, &late.location.context("no location")?).await?;
    with_taxes(&status)?;
    ensure!(tenant.all("Invoice").len() == before + 1);
    Ok(())
}

async fn beside_the_queue_one_invoice_is_made(world: Arc<World>) -> anyhow::Result<()> {
    let (tenant, key) = tenant(&world, "beside").await?;
    let before = ["Customer", "Item", "Invoice"].map(|entity| tenant.all(entity).len());
    for number in 1..=3 {
        let event = tenant.event("invoice.sent", &bill(number));
        let events = [event.clone()];
        let (queued, now, twice) =
            tokio::join!(tenant.push(&events), push(&tenant, &key, &event), push(&tenant, &key, &event));
        for answer in [now?, twice?] {
            ensure!([200, 202].contains(&answer.status), "{}: {}", answer.status, answer.body);
        }
        is_done(&queued?[0], Created)?;
    }
    let after = ["Customer", "Item", "Invoice"].map(|entity| tenant.all(entity).len());
    ensure!(after == [before[0] + 1, before[1] + 2, before[2] + 3], "{before:?} {after:?}");
    Ok(())
}

async fn only_the_companys_present_key_is_let_in(world: Arc<World>) -> anyhow::Result<()> {
    let (tenant, first) = tenant(&world, "keys").await?;
    let (_, others) = self::tenant(&world, "other-keys").await?;
    let event = tenant.event("client.created", &client("c-1", "Nobody"));
    let status = async |key: &SecretString| anyhow::Ok(push(&tenant, key, &event).await?.status);
    ensure!(status(&first).await? == 400, "let in, and only invoices are pushed so");
    let operator = &tenant.bundle.operator;
    let second = operator.create_api_key(&tenant.id).await?;
    ensure!([status(&first).await?, status(&second).await?] == [401, 400], "rotated");
    ensure!(status(&others).await? == 401, "another company's");
    operator.revoke_api_key(&tenant.id).await?;
    ensure!(status(&second).await? == 401, "revoked");
    let log = tenant.bundle.stack.function_log("PushNowFunction")?;
    ensure!([first, second, others].iter().all(|key| !log.contains(key.expose_secret())), "T26");
    Ok(())
}

async fn what_waits_for_a_person_says_what_to_do(world: Arc<World>) -> anyhow::Result<()> {
    let (tenant, key) = tenant(&world, "waits").await?;
    let event = tenant.event("invoice.sent", &changed(&bill(1), "currency", "EUR"));
    let waits = push(&tenant, &key, &event).await?;
    ensure!((waits.status, waits.body["cause"].as_str()) == (422, Some("currency")), "{}", waits.body);
    let status = get(&tenant, &key, waits.body["instance"].as_str().context("no instance")?).await?;
    ensure!(
        status.body["outcome"] == "parked" && status.body["way_on"] == waits.body["way_on"],
        "{}",
        status.body
    );
    Ok(())
}
