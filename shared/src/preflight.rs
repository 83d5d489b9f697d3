//! What a person should know about a QuickBooks company before anything is pushed to it, in words.
//!
//! Nothing is stored for this: the findings follow from what is cached of QuickBooks and from the settings, so they
//! are right as soon as either changes. [`run`] reads QuickBooks again.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, classify};
use crate::ids::{Books, CompanyId, QuickBooksId};
use crate::mapping::invoice;
use crate::ports::{Clock, Companies, Connector, OpenError, StoreError};
use crate::reference::{Reference, TaxModel};
use crate::settings::{ConnectionState, Settings};
use crate::settings_change::{is_for_deposits, is_for_income};

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What was looked at. Each kind is found once.
    pub kind: FindingKind,
    /// How much it matters.
    pub severity: Severity,
    /// What was found, in a sentence for a bookkeeper.
    pub text: String,
    /// What to do about it, in a sentence; none if there is nothing to do.
    pub to_do: Option<String>,
}

/// How much a finding matters. The gravest comes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Fact,
    /// Some records will wait, or differ, until somebody acts.
    Warning,
    /// Nothing of some kind can be pushed until somebody acts.
    Blocker,
}

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// Name and country.
    Company,
    /// Whether QuickBooks is paid for.
    Subscription,
    /// The account that new products are booked to (R59).
    IncomeAccount,
    /// The accounts that the money of payments goes to.
    DepositAccounts,
    /// The class and the location of invoices.
    Labels,
    /// Home currency, and whether others may be used (D14).
    Currencies,
    /// How sales tax works (R45, R60).
    SalesTax,
    /// Who numbers invoices.
    Numbers,
    /// Whether QuickBooks refuses a number that was used before.
    DuplicateNumbers,
    /// Up to when the books are closed.
    ClosedBooks,
    /// Whether QuickBooks uses credits up by itself.
    Credits,
    /// Whether discounts can be booked.
    Discounts,
    /// Whether deposits are entered on invoices.
    Deposits,
}

impl Finding {
    fn fact(kind: FindingKind, text: impl Into<String>) -> Finding {
        Finding { kind, severity: Severity::Fact, text: text.into(), to_do: None }
    }

    fn warning(kind: FindingKind, text: impl Into<String>, to_do: &str) -> Finding {
        Finding { kind, severity: Severity::Warning, text: text.into(), to_do: Some(to_do.into()) }
    }

    fn blocker(kind: FindingKind, text: impl Into<String>, to_do: &str) -> Finding {
        Finding { kind, severity: Severity::Blocker, text: text.into(), to_do: Some(to_do.into()) }
    }
}

/// Everything that is found, in the order in which a person should read it: the gravest first.
pub fn findings(reference: &Reference, settings: &Settings) -> Vec<Finding> {
    let mut findings: Vec<Finding> = [
        Some(company(reference)),
        subscription(reference),
        Some(income_account(reference, settings)),
        deposit_accounts(reference, settings),
        labels(reference, settings),
        Some(currencies(reference)),
        Some(sales_tax(reference)),
        Some(numbers(reference)),
        duplicate_numbers(reference),
        closed_books(reference, settings.cut_off),
        Some(credits(reference)),
        Some(discounts(reference)),
        deposits(reference),
    ]
    .into_iter()
    .flatten()
    .collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}

fn company(reference: &Reference) -> Finding {
    let name = if reference.name.is_empty() { "The company" } else { &reference.name };
    let country = if reference.country.is_empty() { "an unknown country" } else { &reference.country };
    Finding::fact(FindingKind::Company, format!("{name} keeps its books in {country}."))
}

fn subscription(reference: &Reference) -> Option<Finding> {
    let kind = FindingKind::Subscription;
    Some(match reference.subscription.as_deref()? {
        "PAID" => Finding::fact(kind, "The QuickBooks subscription is paid."),
        "TRIAL" => Finding::warning(
            kind,
            "QuickBooks is on trial. When the trial ends, QuickBooks takes nothing any more.",
            "Choose a plan in QuickBooks before the trial ends.",
        ),
        other => Finding::blocker(
            kind,
            format!("QuickBooks says that the subscription is {other}, so it may refuse everything."),
            "Settle the subscription in QuickBooks, under Account and settings, Billing & subscription.",
        ),
    })
}

fn income_account(reference: &Reference, settings: &Settings) -> Finding {
    let kind = FindingKind::IncomeAccount;
    let has_income = reference.accounts.iter().any(is_for_income);
    match &settings.default_income_account {
        Some(id) => match reference.account(id) {
            Some(account) => Finding::fact(kind, format!("New products are booked to {}.", account.name)),
            None => Finding::blocker(
                kind,
                format!(
                    "The income account that was chosen (id {id}) is not an active account in QuickBooks."
                ),
                "Choose another default income account, or make that one active in QuickBooks.",
            ),
        },
        None if has_income => Finding::blocker(
            kind,
            "No default income account is chosen, so new products cannot be made in QuickBooks.",
            "Choose the account that the sales of new products are booked to.",
        ),
        None => Finding::blocker(
            kind,
            "The chart of accounts in QuickBooks has no active income account.",
            "Add an income account in QuickBooks, check again, and choose it here.",
        ),
    }
}

/// Nothing where nothing is chosen: QuickBooks has a default of its own, Undeposited Funds.
fn deposit_accounts(reference: &Reference, settings: &Settings) -> Option<Finding> {
    let kind = FindingKind::DepositAccounts;
    let chosen = || settings.deposit_account.iter().chain(settings.deposit_accounts.values());
    let fitting = |id: &&QuickBooksId| reference.account(id).is_some_and(is_for_deposits);
    if let Some(id) = chosen().find(|id| !fitting(id)) {
        return Some(Finding::blocker(
            kind,
            format!(
                "The deposit account that was chosen (id {id}) is not an active bank or current asset account in QuickBooks."
            ),
            "Choose another deposit account, or make that one active in QuickBooks.",
        ));
    }
    let names: Vec<&str> =
        chosen().filter_map(|id| reference.account(id)).map(|account| account.name.as_str()).collect();
    (!names.is_empty())
        .then(|| Finding::fact(kind, format!("The money of payments goes to {}.", names.join(", "))))
}

/// Nothing where nothing is chosen, and all is well.
fn labels(reference: &Reference, settings: &Settings) -> Option<Finding> {
    let kind = FindingKind::Labels;
    if let Err(park) = invoice::check_labels(settings, reference) {
        return Some(Finding { to_do: Some(park.way_on), ..Finding::blocker(kind, park.reason, "") });
    }
    let idle = |chosen: bool, tracked: bool| chosen && !tracked;
    let name = match () {
        () if idle(settings.class.is_some(), reference.classes.is_some()) => "class",
        () if idle(settings.location.is_some(), reference.locations.is_some()) => "location",
        () => return None,
    };
    Some(Finding::warning(
        kind,
        format!("A {name} is chosen for invoices, which QuickBooks does not track now. Invoices go without."),
        "Turn it on in QuickBooks, under Account and settings, Advanced, Categories; or choose none.",
    ))
}

fn currencies(reference: &Reference) -> Finding {
    let (kind, home) = (FindingKind::Currencies, &reference.home_currency);
    if reference.multi_currency {
        Finding::fact(kind, format!("The home currency is {home}, and other currencies may be used."))
    } else {
        Finding::fact(
            kind,
            format!(
                "Everything is in {home}. Records in another currency wait until multicurrency is on in QuickBooks."
            ),
        )
    }
}

fn sales_tax(reference: &Reference) -> Finding {
    let kind = FindingKind::SalesTax;
    match reference.tax_model {
        TaxModel::Automated => Finding::fact(
            kind,
            "Sales tax is automated: QuickBooks works it out from the customer's address, and its taxes are written \
             back to the invoices.",
        ),
        TaxModel::Manual => Finding::fact(
            kind,
            "Sales tax is entered by hand: each invoice has one tax code, found by its rate.",
        ),
        TaxModel::Global => Finding::fact(kind, "Each line of an invoice has a tax code, found by its rate."),
        TaxModel::Off if reference.automated_tax_unfinished => Finding::warning(
            kind,
            "Automated sales tax was begun in QuickBooks and never set up. Invoices with tax wait.",
            "Finish the set-up in QuickBooks, under Taxes, then check again.",
        ),
        TaxModel::Off => Finding::warning(
            kind,
            "Sales tax is off in QuickBooks. Invoices with tax wait.",
            "If you charge sales tax, turn it on in QuickBooks, under Taxes, then check again.",
        ),
    }
}

fn numbers(reference: &Reference) -> Finding {
    let kind = FindingKind::Numbers;
    if reference.custom_numbers {
        Finding::fact(kind, "Invoices keep their own numbers in QuickBooks.")
    } else {
        Finding::warning(
            kind,
            "QuickBooks numbers invoices itself, so theirs will differ from yours.",
            "Turn on \"Custom transaction numbers\" in QuickBooks, under Account and settings, Sales.",
        )
    }
}

/// QuickBooks does not tell whether it warns of duplicate numbers, so that a person has to look.
fn duplicate_numbers(reference: &Reference) -> Option<Finding> {
    reference.custom_numbers.then(|| Finding {
        to_do: Some(
            "See that \"Warn if duplicate transaction number is used\" is on in QuickBooks, under Account and \
             settings, Advanced."
                .into(),
        ),
        ..Finding::fact(
            FindingKind::DuplicateNumbers,
            "QuickBooks refuses a number that was used before only if it is told to warn, and does not tell us \
             whether it is.",
        )
    })
}

fn closed_books(reference: &Reference, cut_off: Option<Date>) -> Option<Finding> {
    let (kind, closed) = (FindingKind::ClosedBooks, reference.book_close_date?);
    if cut_off.is_some_and(|cut_off| cut_off > closed) {
        return Some(Finding::fact(
            kind,
            format!(
                "The books are closed up to {closed}, before the cut-off date. Nothing new is dated then."
            ),
        ));
    }
    Some(Finding::warning(
        kind,
        format!("The books are closed up to {closed}. What is dated on or before that day waits."),
        "Move the cut-off date behind that day, or the closing date in QuickBooks.",
    ))
}

fn credits(reference: &Reference) -> Finding {
    let kind = FindingKind::Credits;
    if reference.auto_apply_credit {
        Finding::warning(
            kind,
            "QuickBooks applies open credits to new invoices by itself, so an invoice can be paid there before its \
             payment arrives.",
            "Turn off \"Automatically apply credits\" in QuickBooks, under Account and settings, Advanced, Automation.",
        )
    } else {
        Finding::fact(kind, "QuickBooks leaves open credits to you.")
    }
}

fn discounts(reference: &Reference) -> Finding {
    let kind = FindingKind::Discounts;
    if reference.discounts {
        Finding::fact(kind, "Discounts can be booked.")
    } else {
        Finding::warning(
            kind,
            "Discounts are off in QuickBooks. Invoices with a discount may be refused.",
            "Turn on \"Discount\" in QuickBooks, under Account and settings, Sales, Sales form content.",
        )
    }
}

fn deposits(reference: &Reference) -> Option<Finding> {
    reference.deposits.then(|| {
        Finding::fact(
            FindingKind::Deposits,
            "Deposits can be entered on invoices in QuickBooks. They are no payments there, and do not reach the \
             billing app: enter payments instead.",
        )
    })
}

/// Accounts that may be the default income account, by name.
pub fn income_accounts(reference: &Reference) -> Vec<(&QuickBooksId, &str)> {
    let income = reference.accounts.iter().filter(|account| is_for_income(account));
    let mut accounts: Vec<_> = income.map(|account| (&account.id, account.name.as_str())).collect();
    accounts.sort_by_key(|(_, name)| name.to_lowercase());
    accounts
}

/// What a preflight works with.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// Tenants.
    pub companies: &'a dyn Companies,
    /// The way to QuickBooks.
    pub connector: &'a dyn Connector,
    /// The time.
    pub clock: &'a dyn Clock,
}

/// What a preflight found, and when QuickBooks was read for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Everything that was found, the gravest first.
    pub findings: Vec<Finding>,
    /// When QuickBooks was read.
    pub read_at: Timestamp,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum PreflightError {
    /// There is no such company.
    #[error("there is no such company")]
    UnknownCompany,
    /// It has to be connected first, or again.
    #[error("the company is not connected with QuickBooks")]
    NotConnected,
    /// QuickBooks does not answer, or refuses; in words for a person.
    #[error("QuickBooks could not be read: {0}")]
    Unread(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is found by what is cached: no call to QuickBooks. None for a company that was never connected.
pub async fn cached(
    companies: &dyn Companies,
    company: &CompanyId,
) -> Result<Option<Report>, PreflightError> {
    let company = companies.load(company).await?.ok_or(PreflightError::UnknownCompany)?;
    let Some(books) = company.books() else { return Ok(None) };
    let reference = companies.reference(&books).await?;
    Ok(reference.map(|reference| report(&reference, &company.settings)))
}

/// Reads the QuickBooks company and its lists again (three calls, if no list has more than 1,000 rows), keeps them for
/// the pushes, and says what is found.
pub async fn run(ports: Ports<'_>, company: &CompanyId) -> Result<Report, PreflightError> {
    let company = ports.companies.load(company).await?.ok_or(PreflightError::UnknownCompany)?;
    let connected = company.connection.as_ref().is_some_and(|it| it.state == ConnectionState::Connected);
    let books = company.books().filter(|_| connected).ok_or(PreflightError::NotConnected)?;
    let reference = read(ports, &books).await?;
    ports.companies.save_reference(&books, &reference).await?;
    Ok(report(&reference, &company.settings))
}

async fn read(ports: Ports<'_>, books: &Books) -> Result<Reference, PreflightError> {
    let quickbooks = ports.connector.open(books).await.map_err(|error| match error {
        OpenError::NotConnected => PreflightError::NotConnected,
        OpenError::Later(reason) => PreflightError::Unread(reason),
        OpenError::Store(error) => PreflightError::Store(error),
    })?;
    let lists = quickbooks.reference_lists().await.map_err(|error| match classify(&error) {
        Failure::Disconnected(park) | Failure::Refused(park) => PreflightError::Unread(park.reason),
        _ => PreflightError::Unread(error.to_string()),
    })?;
    Ok(Reference::from_lists(&lists, ports.clock.now()))
}

fn report(reference: &Reference, settings: &Settings) -> Report {
    Report { findings: findings(reference, settings), read_at: reference.read_at }
}

#[cfg(test)]
mod tests;
