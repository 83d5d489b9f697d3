//! Connecting a company: the way to Intuit's consent page and back.

use std::sync::Arc;

use anyhow::{Context, ensure};
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp, ToSpan, tz::TimeZone};
use local::{Page, Person};
use quickbooks_simulator::server::{Effect, Fault};
use secrecy::{ExposeSecret, SecretString};
use sync::connect::{self, Intuit, Seal};
use sync::ids::RealmId;
use sync::outcome::DoneAction::{Created, Updated};
use sync::ports::{CallError, Clock, Companies, RefreshError, Vault};
use sync::reference::ReferenceLists;
use sync::settings::{Company, ConnectionState, Direction, Directions, Settings};
use sync::tokens::TokenPair;

use crate::records::client;
use crate::world::{Tenant, World, all, tests};

tests![
    a_person_connects_a_company_and_nothing_is_pushed_yet,
    a_forged_or_old_link_leads_nowhere,
    a_forged_reused_or_old_state_connects_nothing,
    consent_in_another_browser_connects_nothing,
    a_person_who_cancels_connects_nothing,
    a_person_without_rights_connects_nothing,
    a_realm_belongs_to_one_company,
    reconnecting_keeps_settings_and_links_and_only_the_same_realm_will_do,
];

impl Tenant<'_> {
    async fn stored(&self) -> anyhow::Result<Company> {
        Ok(self.bundle.operator.company(&self.id).await?.0)
    }

    async fn tokens(&self) -> anyhow::Result<Option<TokenPair>> {
        let vault = self.bundle.aws.vault(self.bundle.stack.output("CompanySecretPrefix")?);
        Ok(vault.tokens(&self.books()?).await?)
    }

    async fn link(&self) -> anyhow::Result<String> {
        self.bundle.operator.connect_link(&self.id, self.bundle.simulator.now()).await
    }

    /// Neither a connection nor tokens nor a claim on the realm.
    async fn has_nothing(&self) -> anyhow::Result<()> {
        let stored = self.stored().await?;
        ensure!(stored.connection.is_none() && stored.settings == Settings::default(), "stored: {stored:?}");
        ensure!(self.tokens().await?.is_none(), "tokens are stored");
        let companies = self.bundle.aws.companies(self.bundle.stack.output("CompaniesTable")?);
        let holder = companies.of_realm(&RealmId::new(self.realm.as_str())?).await?;
        ensure!(holder.as_ref() != Some(&self.id), "it holds the realm");
        Ok(())
    }
}

/// A page of ours with this status that says these words.
fn says(page: &Page, status: u16, words: &str) -> anyhow::Result<()> {
    ensure!(
        page.status == status && page.html.contains(words),
        "HTTP {} at {}:\n{}",
        page.status,
        page.address,
        page.html
    );
    Ok(())
}

async fn a_person_connects_a_company_and_nothing_is_pushed_yet(world: Arc<World>) -> anyhow::Result<()> {
    let tenant = world.stranger("connecting").await?;
    tenant.add().await?;
    let before = tenant.bundle.simulator.now();
    let page = Person::new()?.connect(&tenant.link().await?, &tenant.realm).await?;
    says(&page, 200, "Juniper &amp; Slate Landscapes")?;
    ensure!(!page.html.contains(&tenant.realm), "the realm id is nobody's business");

    let stored = tenant.stored().await?;
    let connection = stored.connection.context("no connection")?;
    ensure!(connection.realm.as_str() == tenant.realm && connection.state == ConnectionState::Connected);
    ensure!(stored.settings.directions == Directions::default(), "R4");
    let day = before.to_zoned(TimeZone::UTC).date();
    let cut_off = stored.settings.cut_off.context("no cut-off date")?;
    ensure!(cut_off == day || cut_off == day.checked_add(1.day())?, "D8: {cut_off}");
    let reference = tenant.bundle.operator.company(&tenant.id).await?.1.context("no reference data")?;
    ensure!(
        reference.home_currency == "USD" && !reference.accounts.is_empty() && !reference.tax_codes.is_empty()
    );
    let tokens = tenant.tokens().await?.context("no tokens")?;
    ensure!(tokens.access_expires_at > before && tokens.refresh_expires_at > tokens.access_expires_at);
    Ok(())
}

async fn a_forged_or_old_link_leads_nowhere(world: Arc<World>) -> anyhow::Result<()> {
    let tenant = world.stranger("links").await?;
    tenant.add().await?;
    let old = tenant.bundle.simulator.now() - SignedDuration::from_mins(16);
    let old = tenant.bundle.operator.connect_link(&tenant.id, old).await?;
    says(&Person::new()?.open(&old).await?, 410, "too old")?;
    let (address, _) = old.split_once('=').context("no parameter")?;
    for forged in [address.to_owned(), format!("{address}=abc.def"), format!("{}x", tenant.link().await?)] {
        says(&Person::new()?.open(&forged).await?, 400, "does not work")?;
    }
    tenant.has_nothing().await
}

async fn a_forged_reused_or_old_state_connects_nothing(world: Arc<World>) -> anyhow::Result<()> {
    let tenant = world.stranger("states").await?;
    tenant.add().await?;
    let callback = |state: &str| {
        let api = tenant.bundle.stack.api_url();
        format!("{api}/oauth/callback?code=abc&state={state}&realmId={}", tenant.realm)
    };
    says(&Person::new()?.open(&callback("made-up")).await?, 400, "cannot be opened by itself")?;
    let old = tenant.old_state().await?;
    says(&Person::new()?.open(&callback(&old)).await?, 410, "too long")?;
    tenant.has_nothing().await?;

    let person = Person::new()?;
    let page = person.connect(&tenant.link().await?, &tenant.realm).await?;
    says(&page, 200, "Connected to QuickBooks")?;
    let (stored, tokens) = (tenant.stored().await?, tenant.tokens().await?.context("no tokens")?);
    says(&person.open(page.address.as_str()).await?, 410, "has done its work")?;
    ensure!(tenant.stored().await? == stored, "changed by a reload");
    let after = tenant.tokens().await?.context("no tokens")?;
    ensure!(
        after.refresh_token.expose_secret() == tokens.refresh_token.expose_secret(),
        "changed by a reload"
    );
    Ok(())
}

impl Tenant<'_> {
    /// A state that was good eleven minutes ago.
    async fn old_state(&self) -> anyhow::Result<String> {
        let aws = &self.bundle.aws;
        let companies = aws.companies(self.bundle.stack.output("CompaniesTable")?);
        let vault = aws.vault(self.bundle.stack.output("CompanySecretPrefix")?);
        let seal = Seal::new(&aws.secret(self.bundle.stack.output("SigningKeySecret")?).await?)?;
        let clock = ElevenMinutesAgo(self.bundle.simulator.now());
        let ports = connect::Ports {
            companies: &companies,
            standings: &companies,
            vault: &vault,
            intuit: &NoIntuit,
            clock: &clock,
            seal: &seal,
        };
        let link = connect::link(&seal, &self.id, clock.now())?;
        Ok(connect::start(ports, &link, "0123456789abcdef0123456789abcdef", "nonce").await?)
    }
}

struct ElevenMinutesAgo(Timestamp);

#[async_trait]
impl Clock for ElevenMinutesAgo {
    fn now(&self) -> Timestamp {
        self.0 - SignedDuration::from_mins(11)
    }
}

/// Hands the state out and is good for nothing else.
struct NoIntuit;

#[async_trait]
impl Intuit for NoIntuit {
    async fn authorize_url(&self, state: String) -> Result<String, RefreshError> {
        Ok(state)
    }

    async fn exchange(&self, _: SecretString, _: Timestamp) -> Result<TokenPair, RefreshError> {
        Err(RefreshError::Dead)
    }

    async fn revoke(&self, _: &TokenPair) -> Result<(), RefreshError> {
        Err(RefreshError::Dead)
    }

    async fn reference_lists(&self, _: &RealmId, _: &TokenPair) -> Result<ReferenceLists, CallError> {
        Err(CallError::Unauthorized)
    }
}

async fn consent_in_another_browser_connects_nothing(world: Arc<World>) -> anyhow::Result<()> {
    let tenant = world.stranger("browsers").await?;
    tenant.add().await?;
    let question = Person::new()?.open(&tenant.link().await?).await?;
    let page = Person::new()?.consent(&question, Some(&tenant.realm)).await?;
    says(&page, 400, "another browser")?;
    tenant.has_nothing().await
}

async fn a_person_who_cancels_connects_nothing(world: Arc<World>) -> anyhow::Result<()> {
    let tenant = world.stranger("cancelling").await?;
    tenant.add().await?;
    let person = Person::new()?;
    let question = person.open(&tenant.link().await?).await?;
    says(&person.consent(&question, None).await?, 403, "did not give consent")?;
    tenant.has_nothing().await
}

/// R74.
async fn a_person_without_rights_connects_nothing(world: Arc<World>) -> anyhow::Result<()> {
    let tenant = world.stranger("no-rights").await?;
    tenant.add().await?;
    tenant.suffers(Fault { count: None, ..Fault::once(Effect::SuspendSubscription) });
    let page = Person::new()?.connect(&tenant.link().await?, &tenant.realm).await?;
    says(&page, 403, "administrator")?;
    tenant.has_nothing().await
}

async fn a_realm_belongs_to_one_company(world: Arc<World>) -> anyhow::Result<()> {
    let first = world.tenant("first").await?;
    let mut second = world.stranger("second").await?;
    second.add().await?;
    second.realm.clone_from(&first.realm);
    let page = Person::new()?.connect(&second.link().await?, &second.realm).await?;
    says(&page, 409, "in use")?;
    second.has_nothing().await?;
    first.must(Created, first.event("client.created", &client("c-1", "Still Connected"))).await?;
    Ok(())
}

/// R65, R66, D12.
async fn reconnecting_keeps_settings_and_links_and_only_the_same_realm_will_do(
    world: Arc<World>,
) -> anyhow::Result<()> {
    let tenant = world.tenant("again").await?;
    let kept = client("c-1", "Kept Link");
    let id = tenant.must(Created, tenant.event("client.created", &kept)).await?;
    tenant.change(all(Direction::Bidirectional)).await?;
    let before = tenant.stored().await?;

    let other = world.stranger("elsewhere").await?;
    let page = Person::new()?.connect(&tenant.link().await?, &other.realm).await?;
    says(&page, 409, "another QuickBooks company")?;
    ensure!(tenant.stored().await? == before, "D12");

    let page = Person::new()?.connect(&tenant.link().await?, &tenant.realm).await?;
    says(&page, 200, "Reconnected")?;
    ensure!(tenant.stored().await?.settings == before.settings, "R65");
    let mut renamed = kept.clone();
    renamed["name"] = "Kept Link Ltd".into();
    let updated = tenant.must(Updated, tenant.event("client.updated", &renamed)).await?;
    ensure!(updated == id, "R66");
    Ok(())
}
