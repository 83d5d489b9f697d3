//! The life of a connection: kept alive, warned of, ended, taken up again, given up.

use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use jiff::{SignedDuration, Timestamp};
use local::{MAIL_FROM, Person, SentMail};
use secrecy::ExposeSecret;
use sync::ids::RealmId;
use sync::mail::Address;
use sync::outcome::DoneAction::{Created, Updated};
use sync::outcome::ParkCause;
use sync::ports::{Companies, Vault};
use sync::settings::{ConnectionState, Direction, Directions};
use sync::standing::{self, EndReason, Standing};
use sync::tokens::TokenPair;
use tokio::sync::Mutex;

use crate::records::{changed, client};
use crate::world::{Tenant, World, all, is_done, is_parked, tests};

tests![
    what_is_found_in_quickbooks_is_shown_after_consent,
    an_idle_connection_is_refreshed_when_its_turn_comes,
    d7_people_are_warned_of_the_end_once_and_not_twice_a_day,
    r64_an_end_in_quickbooks_is_told_by_a_mail_whose_link_takes_everything_up_again,
    a_digest_tells_what_is_parked_and_nothing_of_a_record,
    r57_whoever_disconnects_here_is_disconnected_at_intuit_and_keeps_settings_and_links,
    t24_links_of_another_quickbooks_company_are_not_reused,
    whoever_disconnects_in_quickbooks_lands_on_our_page_and_pushes_are_parked,
];

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// One round at a time: a turn that another test's round has taken would still be under way when ours ends.
static ROUNDS: Mutex<()> = Mutex::const_new(());

impl Tenant<'_> {
    /// An address of the company's own that e-mails go to.
    async fn is_told_by_mail(&self) -> anyhow::Result<String> {
        let address = format!("books@{}.example.com", self.id);
        self.bundle.operator.notify(&self.id, Some(&[Address::new(address.as_str())?]), None).await?;
        Ok(address)
    }

    async fn standing(&self) -> anyhow::Result<Standing> {
        self.bundle.operator.standing(&self.id).await?.context("it was never connected")
    }

    /// Changes how the connection stands, and lets its turn come now.
    async fn is_due(&self, change: impl Fn(&mut Standing) + Send + Sync) -> anyhow::Result<()> {
        let _alone = ROUNDS.lock().await;
        let companies = self.bundle.aws.companies(self.bundle.stack.output("CompaniesTable")?);
        let now = self.bundle.simulator.now();
        standing::update(&companies, &self.books()?, |before| {
            let mut standing = before?.clone();
            change(&mut standing);
            standing.due_at = Some(now - HOUR);
            Some(standing)
        })
        .await?;
        self.bundle.stack.run_scheduled("TokenRefreshFunction").await
    }

    async fn pair(&self) -> anyhow::Result<Option<TokenPair>> {
        let vault = self.bundle.aws.vault(self.bundle.stack.output("CompanySecretPrefix")?);
        Ok(vault.tokens(&self.books()?).await?)
    }

    async fn state(&self) -> anyhow::Result<ConnectionState> {
        let company = self.bundle.operator.company(&self.id).await?.0;
        Ok(company.connection.context("it was never connected")?.state)
    }

    /// Every mail that its people got, which is at least one.
    async fn mails(&self, address: &str) -> anyhow::Result<Vec<SentMail>> {
        let mails = self.bundle.stack.mails_to(address).await?;
        if mails.is_empty() {
            let log = self.bundle.stack.function_log("TokenRefreshFunction")?;
            let lines: Vec<&str> = log.lines().filter(|line| line.contains(self.id.as_str())).collect();
            bail!("no mail went to {address}; the function said:\n{}", lines.join("\n"));
        }
        Ok(mails)
    }
}

/// The link that a mail leads to; the same in its text and its HTML.
fn link_of(mail: &SentMail) -> anyhow::Result<String> {
    let link = mail.body_text.lines().find(|line| line.starts_with("http")).context("no link")?;
    ensure!(mail.body_html.contains(&format!("href=\"{link}\"")), "{}", mail.body_html);
    Ok(link.to_owned())
}

async fn what_is_found_in_quickbooks_is_shown_after_consent(world: Arc<World>) -> anyhow::Result<()> {
    let tenant = world.stranger("preflight").await?;
    tenant.add().await?;
    let link = tenant.bundle.operator.connect_link(&tenant.id, tenant.bundle.simulator.now()).await?;
    let page = Person::new()?.connect(&link, &tenant.realm).await?;
    for found in ["No default income account is chosen", "QuickBooks numbers invoices itself"] {
        ensure!(page.html.contains(found), "{found} is not told:\n{}", page.html);
    }
    let calls = tenant.calls().len();
    ensure!(calls <= 4, "{calls} calls for one look");
    Ok(())
}

/// R63.
async fn an_idle_connection_is_refreshed_when_its_turn_comes(world: Arc<World>) -> anyhow::Result<()> {
    let tenant = world.tenant("idle").await?;
    let before = tenant.pair().await?.context("no tokens")?;
    tenant.is_due(|_| ()).await?;
    let young = tenant.pair().await?.context("no tokens")?;
    ensure!(young.access_token.expose_secret() == before.access_token.expose_secret(), "it is at work");

    let now = tenant.bundle.simulator.now();
    let vault = tenant.bundle.aws.vault(tenant.bundle.stack.output("CompanySecretPrefix")?);
    vault.store(&tenant.books()?, &TokenPair { access_expires_at: now - DAY, ..before.clone() }).await?;
    tenant.is_due(|standing| standing.refreshed_at = now - DAY).await?;
    let after = tenant.pair().await?.context("no tokens")?;
    ensure!(after.access_token.expose_secret() != before.access_token.expose_secret(), "not refreshed");
    let standing = tenant.standing().await?;
    ensure!(standing.refreshed_at >= now && standing.access_expires_at == after.access_expires_at);
    ensure!(standing.due_at.is_some_and(|due| due > now && due <= now + DAY + HOUR), "{standing:?}");
    let five_years = standing.hard_expires_at.context("Intuit says when it ends for good")?;
    ensure!(five_years > now + DAY * 1800 && five_years < now + DAY * 1830, "{five_years}");
    tenant.must(Created, tenant.event("client.created", &client("c-1", "Kept Alive"))).await?;
    Ok(())
}

async fn d7_people_are_warned_of_the_end_once_and_not_twice_a_day(world: Arc<World>) -> anyhow::Result<()> {
    let tenant = world.tenant("ending").await?;
    let address = tenant.is_told_by_mail().await?;
    let end = tenant.bundle.simulator.now() + DAY * 6 + HOUR;
    for _ in 0..2 {
        tenant.is_due(|standing| standing.hard_expires_at = Some(end)).await?;
    }
    let mails = tenant.mails(&address).await?;
    ensure!(mails.len() == 1, "{mails:?}");
    let mail = &mails[0];
    ensure!(mail.source == MAIL_FROM && mail.subject.contains("ends in 7 days"), "{}", mail.subject);
    ensure!(
        mail.subject.contains(tenant.id.as_str()) && mail.body_text.contains("Juniper & Slate Landscapes")
    );
    ensure!(mail.body_html.contains("Juniper &amp; Slate Landscapes"), "{}", mail.body_html);
    let page = Person::new()?.connect(&link_of(mail)?, &tenant.realm).await?;
    ensure!(page.html.contains("Reconnected"), "{}", page.html);
    let standing = tenant.standing().await?;
    ensure!(standing.ends_at() > end && standing.mails.warned.is_none(), "{standing:?}");
    Ok(())
}

async fn r64_an_end_in_quickbooks_is_told_by_a_mail_whose_link_takes_everything_up_again(
    world: Arc<World>,
) -> anyhow::Result<()> {
    let tenant = world.tenant("ended").await?;
    let address = tenant.is_told_by_mail().await?;
    let kept = client("c-1", "Kept Client");
    let id = tenant.must(Created, tenant.event("client.created", &kept)).await?;
    let settings = tenant.bundle.operator.company(&tenant.id).await?.0.settings;

    tenant.bundle.simulator.disconnect(&tenant.realm);
    let events = [
        tenant.event("client.updated", &changed(&kept, "name", "Kept Client Ltd")),
        tenant.event("client.created", &client("c-2", "New Client")),
    ];
    for ended in tenant.push(&events).await? {
        is_parked(&ended, ParkCause::NotConnected)?;
    }
    ensure!(tenant.state().await? == ConnectionState::Expired, "R58");
    let ended = tenant.standing().await?.ended.context("not ended")?;
    ensure!(ended.why == EndReason::Revoked, "{ended:?}");
    let calls = tenant.calls().len();
    for _ in 0..2 {
        tenant.is_due(|_| ()).await?;
    }
    ensure!(tenant.calls().len() == calls, "an ended connection is asked of Intuit again");

    let mails = tenant.mails(&address).await?;
    ensure!(mails.len() == 1 && mails[0].subject.contains("no longer synced"), "{mails:?}");
    let link = link_of(&mails[0])?;
    let other = world.stranger("other-realm").await?;
    let page = Person::new()?.connect(&link, &other.realm).await?;
    ensure!(page.status == 409, "D12: {}", page.html);
    let page = Person::new()?.connect(&link, &tenant.realm).await?;
    ensure!(page.html.contains("2 changes that waited"), "{}", page.html);
    tenant.push(&[]).await?;
    let done = tenant.endings_of(&events).await?;
    ensure!(is_done(&done[0], Updated)? == id, "R66");
    is_done(&done[1], Created)?;
    ensure!(tenant.bundle.operator.company(&tenant.id).await?.0.settings == settings, "R65");
    Ok(())
}

async fn a_digest_tells_what_is_parked_and_nothing_of_a_record(world: Arc<World>) -> anyhow::Result<()> {
    let tenant = world.tenant("digest").await?;
    let address = tenant.is_told_by_mail().await?;
    let mut unreadable = tenant.event("client.created", &client("c-1", "Secret Name"));
    unreadable["data"]["name"] = 7.into();
    tenant.push(&[unreadable]).await?;
    for _ in 0..2 {
        tenant.is_due(|_| ()).await?;
    }
    let mails = tenant.mails(&address).await?;
    // The other one is the event that ends a push of these tests.
    ensure!(mails.len() == 1 && mails[0].subject.starts_with("2 records wait"), "{mails:?}");
    ensure!(link_of(&mails[0])?.ends_with("/console/activity"));
    ensure!(!format!("{:?}", mails[0]).contains("Secret Name"), "{mails:?}");

    tenant.bundle.operator.notify(&tenant.id, None, Some(false)).await?;
    tenant.is_due(|standing| standing.mails.last = None).await?;
    ensure!(tenant.mails(&address).await?.len() == 1, "it is switched off");
    Ok(())
}

impl Tenant<'_> {
    /// Disconnects as a person does.
    async fn disconnect(&self) -> anyhow::Result<()> {
        let link = self.bundle.operator.disconnect_link(&self.id, self.bundle.simulator.now()).await?;
        let person = Person::new()?;
        let question = person.open(&link).await?;
        ensure!(question.html.contains("Disconnect QuickBooks?"), "{}", question.html);
        ensure!(self.state().await? == ConnectionState::Connected, "asking changes nothing");
        let page = person.submit(&question).await?;
        ensure!(page.html.contains("Intuit has taken our access back"), "{}", page.html);
        Ok(())
    }
}

async fn r57_whoever_disconnects_here_is_disconnected_at_intuit_and_keeps_settings_and_links(
    world: Arc<World>,
) -> anyhow::Result<()> {
    let tenant = world.tenant("leaving").await?;
    let kept = client("c-1", "Kept Client");
    let id = tenant.must(Created, tenant.event("client.created", &kept)).await?;
    let settings = tenant.bundle.operator.company(&tenant.id).await?.0.settings;
    tenant.disconnect().await?;
    ensure!(tenant.pair().await?.is_none(), "tokens are kept");
    ensure!(tenant.bundle.operator.company(&tenant.id).await?.0.settings == settings, "R65");
    let companies = tenant.bundle.aws.companies(tenant.bundle.stack.output("CompaniesTable")?);
    ensure!(companies.of_realm(&RealmId::new(tenant.realm.as_str())?).await?.as_ref() == Some(&tenant.id));
    let event = tenant.event("client.updated", &changed(&kept, "name", "Kept Client Ltd"));
    is_parked(&tenant.push(std::slice::from_ref(&event)).await?[0], ParkCause::NotConnected)?;
    ensure!(tenant.standing().await?.due_at.is_none(), "it has turns still");

    local::run::connect(tenant.bundle, &tenant.id, &tenant.realm, tenant.bundle.simulator.now()).await?;
    tenant.push(&[]).await?;
    ensure!(is_done(&tenant.endings_of(&[event]).await?[0], Updated)? == id, "R92");
    Ok(())
}

async fn t24_links_of_another_quickbooks_company_are_not_reused(world: Arc<World>) -> anyhow::Result<()> {
    let mut tenant = world.tenant("moving").await?;
    let kept = client("c-1", "Moving Client");
    let first = tenant.must(Created, tenant.event("client.created", &kept)).await?;
    tenant.disconnect().await?;
    let old = tenant.realm.clone();
    tenant.realm = world.stranger("moved-to").await?.realm;
    local::run::connect(tenant.bundle, &tenant.id, &tenant.realm, tenant.bundle.simulator.now()).await?;
    let directions = tenant.bundle.operator.company(&tenant.id).await?.0.settings.directions;
    ensure!(directions == Directions::default(), "R4: {directions:?}");
    tenant.change(all(Direction::Push)).await?;
    let event = tenant.event("client.updated", &changed(&kept, "name", "Moved Client"));
    let second = tenant.must(Created, event).await?;
    ensure!(tenant.object("Customer", &second)?["DisplayName"] == "Moved Client");
    tenant.realm = old;
    ensure!(
        tenant.object("Customer", &first)?["DisplayName"] == "Moving Client",
        "the old books are left alone"
    );
    Ok(())
}

async fn whoever_disconnects_in_quickbooks_lands_on_our_page_and_pushes_are_parked(
    world: Arc<World>,
) -> anyhow::Result<()> {
    let tenant = world.tenant("landing").await?;
    tenant.bundle.simulator.disconnect(&tenant.realm);
    let address = tenant.bundle.stack.output("DisconnectUrl")?;
    let open = async || Person::new()?.open(&format!("{address}?realmId={}", tenant.realm)).await;
    let long_ago: Timestamp = tenant.bundle.simulator.now() - HOUR;
    tenant.is_due(|standing| standing.refreshed_at = long_ago).await?;
    let page = open().await?;
    ensure!(page.status == 200 && page.html.contains("You have disconnected QuickBooks"), "{}", page.html);
    ensure!(tenant.state().await? == ConnectionState::Expired, "it is found out at once");
    Ok(())
}
