//! Four companies that bill with Invoice Ninja, one for each direction: what a person changes on one side's page arrives
//! on the other's, or does not.

use admin::{CutOff, SettingsChange};
use anyhow::{Context, ensure};
use futures::future::try_join_all;
use invoice_ninja_simulator::company::{Request as NinjaRequest, Seed as NinjaSeed};
use jiff::Timestamp;
use quickbooks_simulator::company::{Company as Realm, Request, Seed};
use serde_json::{Value, json};
use sync::ids::CompanyId;
use sync::model::Kind;
use sync::settings::Direction;
use transport::Reach;

use crate::bundle::Bundle;
use crate::run::connect;

/// The companies and their directions, in the order of Invoice Ninja's companies.
const PAIRS: [(&str, &str, Direction); 4] = [
    ("none", "9341450000000011", Direction::None),
    ("push", "9341450000000012", Direction::Push),
    ("pull", "9341450000000013", Direction::Pull),
    ("both", "9341450000000014", Direction::Bidirectional),
];
/// An income account of every QuickBooks company.
const INCOME_ACCOUNT: &str = "Services";
/// Invoice Ninja takes up to 25 seconds before it tells; a person who tries things out need not wait for that.
const WEBHOOK_DELAY_PERCENT: u32 = 2;

/// A company of Invoice Ninja's and one of QuickBooks', kept in step in one direction.
#[derive(Clone, Debug)]
pub struct Pair {
    /// Counterpart's name for it.
    pub company: CompanyId,
    /// The direction of all four kinds.
    pub direction: Direction,
    /// The QuickBooks company.
    pub realm: String,
    /// The place of the Invoice Ninja company.
    pub place: usize,
    /// Address of the QuickBooks company's page, without a slash at the end.
    pub quickbooks_page: String,
    /// Address of the Invoice Ninja company's page, without a slash at the end.
    pub invoice_ninja_page: String,
}

/// What both sides call a company.
fn name(direction: Direction) -> String {
    format!("Direction {direction}")
}

fn token(company: &str) -> String {
    format!("token-of-{company}")
}

/// The companies with which the Invoice Ninja simulator begins.
pub(crate) fn invoice_ninja_companies() -> Vec<(NinjaSeed, String)> {
    PAIRS.map(|(company, ..)| (NinjaSeed::Empty, token(company))).to_vec()
}

/// Connects the four companies as a person does, makes Invoice Ninja their billing app with its webhooks, and sets their
/// directions. What an earlier run has done stays.
pub async fn set_up(bundle: &Bundle, now: Timestamp) -> anyhow::Result<Vec<Pair>> {
    let set_up = |(place, (company, realm, direction))| async move {
        let pair = Pair {
            company: CompanyId::new(company)?,
            direction,
            realm: String::from(realm),
            place,
            quickbooks_page: format!("{}/companies/{realm}", bundle.simulator.url()),
            invoice_ninja_page: format!("{}/companies/{place}", bundle.invoice_ninja.url()),
        };
        pair.set_up(bundle, now).await.with_context(|| format!("setting up company {company}"))?;
        Ok(pair)
    };
    try_join_all(PAIRS.into_iter().enumerate().map(set_up)).await
}

impl Pair {
    async fn set_up(&self, bundle: &Bundle, now: Timestamp) -> anyhow::Result<()> {
        let operator = &bundle.operator;
        if operator.company(&self.company).await.is_err() {
            bundle.simulator.add_company(Seed::Empty, &self.realm);
            self.name_both(bundle, now)?;
            operator.add_company(&self.company).await?;
            connect(bundle, &self.company, &self.realm, now).await?;
            let settings = SettingsChange {
                directions: Kind::ALL.map(|kind| (kind, self.direction)).to_vec(),
                income_account: Some(INCOME_ACCOUNT.to_owned()),
                cut_off: Some(CutOff::None),
                ..SettingsChange::default()
            };
            operator.change_settings(&self.company, &settings).await?;
        }
        // The port of Invoice Ninja may be another one this time.
        let (url, token) = (bundle.invoice_ninja.url(), token(self.company.as_str()));
        operator.set_billing(&self.company, url, token.into(), Reach::Anywhere, now).await?;
        operator.repair_webhooks(&self.company, Reach::Anywhere).await?;
        Ok(())
    }

    /// Names both companies, so that a person sees on their pages which direction they have.
    fn name_both(&self, bundle: &Bundle, now: Timestamp) -> anyhow::Result<()> {
        let name = name(self.direction);
        let in_quickbooks = |company: &mut Realm| {
            let info = company.entity("CompanyInfo", "1").cloned().unwrap_or_default();
            let body = json!({"Id": info["Id"], "SyncToken": info["SyncToken"], "sparse": true, "CompanyName": name});
            company.answer(&request("POST", "companyinfo", &body), now).status
        };
        let status = bundle.simulator.with_company(&self.realm, in_quickbooks);
        ensure!(status == Some(200), "QuickBooks does not let its company be named: {status:?}");
        let in_invoice_ninja = bundle.invoice_ninja.with_company(self.place, |company, now| {
            company.switches().webhook_delay_percent = WEBHOOK_DELAY_PERCENT;
            let request = NinjaRequest {
                method: "PUT".to_owned(),
                path: format!("companies/{}", company.id()),
                query: Vec::new(),
                token: Some(company.admin_token().to_owned()),
                asks_for_json: true,
                body: json!({"settings": {"name": name}}).to_string().into_bytes(),
            };
            company.answer(&request, now).status
        });
        ensure!(in_invoice_ninja == Some(200), "Invoice Ninja does not let its company be named");
        Ok(())
    }
}

fn request(method: &str, path: &str, body: &Value) -> Request {
    Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: Vec::new(),
        content_type: Some("application/json".to_owned()),
        body: body.to_string().into_bytes(),
    }
}
