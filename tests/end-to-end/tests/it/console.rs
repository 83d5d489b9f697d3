//! The console in a real browser: Debian's Chromium, driven by Playwright, each page judged by axe.
//!
//! What the browser shows on the way is kept in `target/tmp/console-screenshots`.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use sync::outcome::{DoneAction, ParkCause};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::ninja::Ninja;
use crate::python;
use crate::records::{client, invoice, line};
use crate::world::{Tenant, World, is_parked, tests};

tests![
    a_persons_first_day_in_the_console,
    a_person_fixes_a_failure_in_the_console,
    the_console_opens_once_for_each_link,
];

/// Debian's name for it, and others' names.
const CHROMIUMS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// What a journey runs with; both are installed when they are missing.
struct Browser {
    python: PathBuf,
    chromium: String,
    screenshots: PathBuf,
}

impl Browser {
    async fn ready() -> anyhow::Result<Browser> {
        let python = python::environment("browser").await?.join("python");
        let screenshots = python::target("console-screenshots");
        Ok(Browser { python, chromium: chromium().await?, screenshots })
    }

    /// Has a person go on a journey; `order` is what they need to know.
    async fn journey(&self, tenant: &Tenant<'_>, name: &str, order: &Value) -> anyhow::Result<()> {
        let entry = tenant.bundle.operator.console_link(&tenant.id, tenant.bundle.simulator.now()).await?;
        let mut whole = json!({
            "chromium": self.chromium,
            "screenshots": self.screenshots,
            "entry": entry,
            "console": tenant.bundle.stack.api_url(),
        });
        for (member, value) in order.as_object().into_iter().flatten() {
            whole[member] = value.clone();
        }
        let mut process = Command::new(&self.python)
            .arg(python::file("browser", "journeys.py"))
            .arg(name)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        process.stdin.take().context("no input")?.write_all(whole.to_string().as_bytes()).await?;
        let output = process.wait_with_output().await?;
        let log = tenant.bundle.stack.function_log("ConsoleFunction").unwrap_or_default();
        let errors: Vec<&str> = log.lines().filter(|line| line.contains("\"ERROR\"")).collect();
        python::succeeded(&output).with_context(|| format!("the console said:\n{}", errors.join("\n")))
    }
}

/// The browser's program; Debian's is installed if there is none.
async fn chromium() -> anyhow::Result<String> {
    for name in CHROMIUMS {
        let found = Command::new("which").arg(name).output().await?;
        if found.status.success() {
            return Ok(String::from_utf8(found.stdout)?.trim().to_owned());
        }
    }
    let mut install = Command::new("apt-get");
    install.args(["install", "--yes", "--no-install-recommends", "chromium"]);
    python::run(&mut install).await.context("there is no Chromium, and it could not be installed")?;
    Ok("/usr/bin/chromium".to_owned())
}

/// R53-R62: connected, looked at, imported, switched on; what is billed then arrives.
async fn a_persons_first_day_in_the_console(world: Arc<World>) -> anyhow::Result<()> {
    let browser = Browser::ready().await?;
    let tenant = world.stranger("first-day").await?;
    tenant.add().await?;
    let ninja = Ninja::of(&tenant).await?;
    let order = json!({
        "realm": tenant.realm,
        "intuit": tenant.bundle.simulator.url(),
        "ninja": { "url": ninja.simulator.url(), "token": ninja.token },
    });
    browser.journey(&tenant, "first-day", &order).await?;
    ensure!(tenant.with("Customer", "DisplayName", "Quay Street Bakery").len() == 1);
    Ok(())
}

/// R67, R82-R84, D2: two Customers have the client's address, and a person says which it is.
async fn a_person_fixes_a_failure_in_the_console(world: Arc<World>) -> anyhow::Result<()> {
    let browser = Browser::ready().await?;
    let tenant = world.tenant("fixing").await?;
    for name in ["Harbor Lane Dental", "Harbor Lane Dental East"] {
        let twin = json!({"DisplayName": name, "PrimaryEmailAddr": {"Address": "desk@harborlane.example"}});
        tenant.bookkeeper_enters("Customer", &twin)?;
    }
    let mut harbor = client("c-harbor", "Harbor Dental Practice");
    harbor["contacts"] = json!([{"email": "desk@harborlane.example"}]);
    let bill = invoice("harbor", &harbor, &[line("Weekly mowing", "1", "50.00")], "50.00");
    let ended =
        tenant.push(&[tenant.event("client.created", &harbor), tenant.event("invoice.sent", &bill)]).await?;
    for entry in &ended {
        is_parked(entry, ParkCause::Ambiguous)?;
    }
    let order = json!({
        "client": "Harbor Dental Practice",
        "customer": "Harbor Lane Dental East",
        "invoice": "N-harbor",
    });
    browser.journey(&tenant, "fix-a-failure", &order).await?;
    let east = tenant.with("Customer", "DisplayName", "Harbor Lane Dental East").remove(0);
    let booked = tenant.with("Invoice", "DocNumber", "N-harbor");
    ensure!(booked.len() == 1 && booked[0]["CustomerRef"]["value"] == east["Id"], "{booked:?}");
    Ok(())
}

async fn the_console_opens_once_for_each_link(world: Arc<World>) -> anyhow::Result<()> {
    let tenant = world.tenant("entering").await?;
    tenant
        .must(DoneAction::Created, tenant.event("client.created", &client("c-1", "Seen In The Console")))
        .await?;
    let entry = tenant.bundle.operator.console_link(&tenant.id, tenant.bundle.simulator.now()).await?;
    let person = local::Person::new()?;
    let page = person.open(&entry).await?;
    ensure!(page.status == 200 && page.html.contains("<h1>Overview</h1>"), "{}: {}", page.status, page.html);
    let api = tenant.bundle.stack.api_url();
    let history = person.open(&format!("{api}/console/records/client/c-1")).await?;
    ensure!(history.html.contains("Seen In The Console"), "{}", history.html);
    let again = local::Person::new()?.open(&entry).await?;
    ensure!(again.status == 410 && !again.html.contains("Seen"), "{}", again.status);
    let stranger = local::Person::new()?.open(&format!("{api}/console/activity")).await?;
    ensure!(stranger.status == 401, "{}", stranger.status);
    Ok(())
}
