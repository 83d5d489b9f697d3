//! How many signed webhooks one core acknowledges, how fast, and how fast when SQS is unwell.

use std::time::Duration;

use anyhow::{Context, ensure};
use axum::body::Bytes;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::aws_stub::{AwsStub, Sqs, VERIFIER_TOKEN};
use crate::function::{Answer, Function};
use crate::table::{percentile, print, row, times};
use crate::{binaries, cold_start};

/// Changes in one webhook.
const CHANGES: usize = 3;
/// Taken in turns, so that what else the machine does meets both.
const ROUNDS: usize = 10;
const WEBHOOKS_PER_ROUND: usize = 1000;
/// Before anything is measured.
const WARM_UP: usize = 200;
/// With an SQS that is unwell, each takes long.
const UNWELL: usize = 20;

/// What many webhooks took.
#[derive(Default)]
struct Taken {
    /// Milliseconds, one for each.
    each: Vec<f64>,
    processor: Duration,
}

/// Measures and prints.
pub(crate) async fn measure(profile: &str) -> anyhow::Result<()> {
    let bare = binaries::bare(profile).await?;
    let ingest = binaries::built(profile, &["webhook-ingest".to_owned()]).await?;
    let stub = AwsStub::start().await?;
    let variables = cold_start::variables(&stub.url)?;
    let functions = [
        Function::start(&bare, &variables).await?,
        Function::start(ingest.first().context("nothing was built")?, &variables).await?,
    ];
    let event = signed_webhook()?;
    let mut taken = [Taken::default(), Taken::default()];
    for function in &functions {
        all_are(200, &function.invoke(&event, WARM_UP).await?)?;
    }
    for _ in 0..ROUNDS {
        for (function, taken) in functions.iter().zip(&mut taken) {
            taken.add(function, &event).await?;
        }
    }
    let mut rows = vec![row(["", "acks/s", "CPU µs/ack", "p50 ms", "p99 ms"])];
    let [bare, ingest] = &taken;
    rows.push(bare.row("bare"));
    rows.push(ingest.row("webhook-ingest"));
    rows.push(vec![
        "ratio".to_owned(),
        times(ingest.rate(), bare.rate()),
        times(ingest.cpu(), bare.cpu()),
        times(percentile(&ingest.each, 50), percentile(&bare.each, 50)),
        times(percentile(&ingest.each, 99), percentile(&bare.each, 99)),
    ]);
    println!("\nSigned webhooks of {CHANGES} changes, on one core, AWS being a stub that answers at once:\n");
    print(&rows);

    let [_, ingest] = &functions;
    let mut rows = vec![row(["SQS", "answer", "p50 ms", "slowest ms"])];
    for (name, sqs) in [("throttles", Sqs::Throttling), ("does not answer", Sqs::Silent)] {
        stub.sqs_is(sqs);
        let answers = ingest.invoke(&event, UNWELL).await?;
        all_are(503, &answers)?;
        let each: Vec<f64> = answers.iter().map(milliseconds).collect();
        let [middle, slowest] = [50, 100].map(|percent| format!("{:.0}", percentile(&each, percent)));
        rows.push(row([name, "503", &middle, &slowest]));
    }
    println!(
        "\nWith an SQS that is unwell (Intuit waits for 3000 ms and sends again what is answered with 503):\n"
    );
    print(&rows);
    Ok(())
}

impl Taken {
    async fn add(&mut self, function: &Function, event: &Bytes) -> anyhow::Result<()> {
        let before = function.cpu_time()?;
        let answers = function.invoke(event, WEBHOOKS_PER_ROUND).await?;
        self.processor += function.cpu_time()? - before;
        all_are(200, &answers)?;
        self.each.extend(answers.iter().map(milliseconds));
        Ok(())
    }

    /// Acknowledgements in a second.
    fn rate(&self) -> f64 {
        1000.0 * self.count() / self.each.iter().sum::<f64>()
    }

    /// Microseconds of the processor for each.
    fn cpu(&self) -> f64 {
        1_000_000.0 * self.processor.as_secs_f64() / self.count()
    }

    fn count(&self) -> f64 {
        self.each.iter().map(|_| 1.0).sum()
    }

    fn row(&self, name: &str) -> Vec<String> {
        let latency = |percent| format!("{:.2}", percentile(&self.each, percent));
        let (rate, cpu) = (format!("{:.0}", self.rate()), format!("{:.0}", self.cpu()));
        vec![name.to_owned(), rate, cpu, latency(50), latency(99)]
    }
}

fn milliseconds(answer: &Answer) -> f64 {
    answer.after.as_secs_f64() * 1000.0
}

fn all_are(status: u16, answers: &[Answer]) -> anyhow::Result<()> {
    for answer in answers {
        let body = answer.body.as_ref().context("the function failed")?;
        let answered = serde_json::from_slice::<Value>(body)?;
        ensure!(answered["statusCode"] == status, "{status} was expected: {answered}");
    }
    Ok(())
}

/// A webhook as API Gateway hands it to the function.
fn signed_webhook() -> anyhow::Result<Bytes> {
    let change = |number: usize| {
        json!({
            "specversion": "1.0", "id": format!("3f1d9c52-0000-4000-8000-{number:012}"), "source": "intuit.YmVuY2g=",
            "type": "qbo.invoice.updated.v1", "time": "2026-03-02T09:59:58.512345678Z",
            "intuitentityid": number.to_string(), "intuitaccountid": "9130000000000001", "data": {},
        })
    };
    let body = (0..CHANGES).map(change).collect::<Value>().to_string();
    let mac = Hmac::<Sha256>::new_from_slice(VERIFIER_TOKEN.as_bytes())?.chain_update(&body).finalize();
    let event = json!({
        "version": "2.0",
        "routeKey": "POST /webhooks/quickbooks",
        "rawPath": "/webhooks/quickbooks",
        "rawQueryString": "",
        "headers": {
            "content-type": "application/cloudevents+json",
            "intuit-signature": STANDARD.encode(mac.into_bytes()),
            "intuit-t-id": "3f1d9c52-0000-4000-8000-000000000000",
            "user-agent": "intuit_notification_server/1.0",
        },
        "requestContext": {
            "accountId": "000000000000", "apiId": "bench", "domainName": "bench.example", "stage": "$default",
            "http": {"method": "POST", "path": "/webhooks/quickbooks", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"},
            "requestId": "bench", "routeKey": "POST /webhooks/quickbooks", "timeEpoch": 1_772_445_598_512_u64,
        },
        "isBase64Encoded": true,
        "body": STANDARD.encode(&body),
    });
    Ok(event.to_string().into())
}
