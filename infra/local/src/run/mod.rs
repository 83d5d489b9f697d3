//! One run of the bundle: a company is connected, its events are sent, and what became of them is told and checked.

mod both_ways;
mod check;
mod table;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Instant;

use admin::{CutOff, SettingsChange};
use anyhow::bail;
use jiff::Timestamp;
use jiff::civil::date;
use quickbooks_simulator::server::CallKind;
use serde::Serialize;
use sync::activity::ActivityResult;
use sync::event;
use sync::ids::CompanyId;
use sync::model::Kind;
use sync::settings::{Connection, ConnectionState, Direction};

use crate::bundle::Bundle;
use crate::delivery::{Ended, Message};
use crate::demo::{self, Demo};
use crate::person::Person;

pub use both_ways::{Trial, both_ways};
pub use check::Held;
pub use table::table;

/// The demo's company.
pub const COMPANY: &str = "juniper";
/// The income account that an operator chooses for new Items, by its name in the seed company.
const INCOME_ACCOUNT: &str = "Landscaping Services";
/// After how many messages progress is told.
const STEP: usize = 50;

/// What a run has come to.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Events sent.
    pub events: usize,
    /// Of them, those whose counterpart is as they say.
    pub done: usize,
    /// Of them, those for which nothing was to be done.
    pub skipped: usize,
    /// Of them, those that wait for a person.
    pub parked: usize,
    /// What QuickBooks holds now: customers, items, invoices, payments.
    #[serde(flatten)]
    pub quickbooks: Held,
    /// What this run has added to it.
    pub added: Held,
    /// Calls to QuickBooks by what they do.
    pub calls: BTreeMap<CallKind, u64>,
    /// Of them, those that Intuit meters.
    pub metered_calls: u64,
    /// Of them, those that have written something.
    pub writes: usize,
    /// From the first message to the last ending, in seconds.
    #[serde(rename = "elapsed_seconds")]
    pub elapsed_seconds: u64,
    /// What became of changes on both sides' pages, one entry for each direction.
    pub both_ways: Vec<Trial>,
    /// What is not as it should be.
    pub problems: Vec<String>,
}

/// A run, event by event.
#[derive(Debug)]
pub struct Outcome {
    /// The sum.
    pub report: Report,
    /// What became of the messages' events.
    pub endings: Vec<Ended>,
    /// The company was connected in this run.
    pub is_first: bool,
}

/// Connects the demo's company with the simulator's first one, unless that was done in an earlier run, pushes the
/// demo's events, and checks everything that came of it.
pub async fn demo(bundle: &Bundle, now: Timestamp, progress: &dyn Fn(&str)) -> anyhow::Result<Outcome> {
    let company = CompanyId::new(COMPANY)?;
    let demo = demo::demo(&company)?;
    let messages: Vec<Message> = demo
        .events
        .iter()
        .map(|event| Message { company: event.company.clone(), body: event.body.clone() })
        .collect();
    let mut outcome = push(bundle, &company, &messages, now, progress).await?;
    outcome.report.problems = check::problems(bundle, &company, &demo, &outcome).await?;
    Ok(outcome)
}

/// The same with a person's own messages, one a line. The company is the one that the first of them names.
pub async fn own(
    bundle: &Bundle,
    lines: &str,
    now: Timestamp,
    progress: &dyn Fn(&str),
) -> anyhow::Result<Outcome> {
    let lines: Vec<&str> = lines.lines().filter(|line| !line.trim().is_empty()).collect();
    let named = lines.iter().find_map(|line| company_of(line));
    let company = named.map_or_else(|| CompanyId::new(COMPANY), Ok)?;
    let message = |line: &&str| Message {
        company: company_of(line).unwrap_or_else(|| company.clone()),
        body: (*line).to_owned(),
    };
    let messages: Vec<Message> = lines.iter().map(message).collect();
    let mut outcome = push(bundle, &company, &messages, now, progress).await?;
    outcome.report.problems = check::dead_letters(bundle).await?;
    Ok(outcome)
}

/// The company that a message names, if it names one.
fn company_of(line: &str) -> Option<CompanyId> {
    event::read(line).into_iter().find_map(|received| match received.event {
        Ok(event) => Some(event.company),
        Err(unreadable) => unreadable.company,
    })
}

async fn push(
    bundle: &Bundle,
    company: &CompanyId,
    messages: &[Message],
    now: Timestamp,
    progress: &dyn Fn(&str),
) -> anyhow::Result<Outcome> {
    let realm = bundle.realm.as_str();
    let calls_before = bundle.simulator.calls(Some(realm));
    let writes_before = writes(bundle, realm);
    let is_first = prepare(bundle, company, realm, now, progress).await?;
    let before = Held::of(bundle, realm)?;
    let begun = Instant::now();
    progress(&format!("Sending {} messages", messages.len()));
    let sent = bundle.send(messages).await?;
    let told = Cell::new(usize::MAX);
    let count_down = |waiting: usize| {
        if waiting / STEP != told.replace(waiting / STEP) {
            progress(&format!("Pushing: {waiting} messages to go"));
        }
    };
    let endings = bundle.endings(&sent, &count_down).await?;
    let elapsed_seconds = begun.elapsed().as_secs();
    let quickbooks = Held::of(bundle, realm)?;
    let calls = bundle.simulator.calls(Some(realm));
    let more = |(kind, times): (CallKind, u64)| {
        Some((kind, times - calls_before.of(kind))).filter(|(_, more)| *more > 0)
    };
    let count = |is: fn(&ActivityResult) -> bool| {
        endings.iter().flatten().filter(|activity| is(&activity.result)).count()
    };
    let report = Report {
        events: endings.iter().map(Vec::len).sum(),
        done: count(|result| matches!(result, ActivityResult::Done(_))),
        skipped: count(|result| matches!(result, ActivityResult::Skipped { .. })),
        parked: count(ActivityResult::is_parked),
        added: quickbooks.less(&before),
        quickbooks,
        metered_calls: calls.metered - calls_before.metered,
        writes: writes(bundle, realm) - writes_before,
        calls: calls.by_kind.into_iter().filter_map(more).collect(),
        elapsed_seconds,
        both_ways: Vec::new(),
        problems: Vec::new(),
    };
    Ok(Outcome { report, endings, is_first })
}

/// Adds the company, connects it as a person does, and sets it up to push everything. False if that was done before.
async fn prepare(
    bundle: &Bundle,
    company: &CompanyId,
    realm: &str,
    now: Timestamp,
    progress: &dyn Fn(&str),
) -> anyhow::Result<bool> {
    let stored = bundle.operator.company(company).await.ok().map(|(stored, _)| stored);
    if stored.as_ref().and_then(|stored| stored.connection.as_ref()).is_some_and(is_connected) {
        return Ok(false);
    }
    progress(&format!("Connecting company {company} through Intuit's consent page"));
    if stored.is_none() {
        bundle.operator.add_company(company).await?;
    }
    connect(bundle, company, realm, now).await?;
    let settings = SettingsChange {
        directions: Kind::ALL.map(|kind| (kind, Direction::Push)).to_vec(),
        income_account: Some(INCOME_ACCOUNT.into()),
        cut_off: Some(CutOff::Day(date(2026, 1, 1))),
        ..SettingsChange::default()
    };
    bundle.operator.change_settings(company, &settings).await?;
    Ok(true)
}

fn is_connected(connection: &Connection) -> bool {
    connection.state == ConnectionState::Connected
}

/// Connects a company with a realm as a person does who consents.
pub async fn connect(
    bundle: &Bundle,
    company: &CompanyId,
    realm: &str,
    now: Timestamp,
) -> anyhow::Result<()> {
    let link = bundle.operator.connect_link(company, now).await?;
    let page = Person::new()?.connect(&link, realm).await?;
    if page.status != 200 {
        bail!("connecting ended with HTTP {} at {}:\n{}", page.status, page.address, page.html);
    }
    Ok(())
}

/// How many calls have written something so far.
fn writes(bundle: &Bundle, realm: &str) -> usize {
    const READING: [CallKind; 4] =
        [CallKind::Read, CallKind::Query, CallKind::Batch, CallKind::ChangeDataCapture];
    let calls = bundle.simulator.call_list(Some(realm));
    calls.iter().filter(|call| call.status == Some(200) && !READING.contains(&call.kind)).count()
}
