//! What is cached of the QuickBooks company, so that a push reads nothing it could know.

use jiff::Timestamp;
use jiff::civil::Date;
use quickbooks_wire as wire;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::ids::QuickBooksId;

/// The company's own data and lists as QuickBooks sends them.
#[derive(Clone, Debug, Default)]
pub struct ReferenceLists {
    /// The company.
    pub company_info: wire::CompanyInfo,
    /// How it is set up.
    pub preferences: wire::Preferences,
    /// Its chart of accounts, active ones.
    pub accounts: Vec<wire::Account>,
    /// Its tax codes, active ones.
    pub tax_codes: Vec<wire::TaxCode>,
    /// Its tax rates, active ones.
    pub tax_rates: Vec<wire::TaxRate>,
    /// Its payment terms, active ones.
    pub terms: Vec<wire::Term>,
    /// Its payment methods, active ones.
    pub payment_methods: Vec<wire::PaymentMethod>,
    /// Its classes, active ones, if it tracks them.
    pub classes: Vec<wire::Tracked>,
    /// Its locations, active ones, if it tracks them.
    pub locations: Vec<wire::Tracked>,
}

/// The parts of [`ReferenceLists`] that decide anything, with their age.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// The company's name.
    pub name: String,
    /// ISO 3166 alpha-2 code, such as `US`.
    pub country: String,
    /// ISO 4217 code.
    pub home_currency: String,
    /// Foreign currencies may be used.
    pub multi_currency: bool,
    /// How sales tax works there.
    pub tax_model: TaxModel,
    /// The company numbers its own documents; otherwise QuickBooks does (Intuit: Preferences, CustomTxnNumbers).
    pub custom_numbers: bool,
    /// Discount lines may be used.
    pub discounts: bool,
    /// Deposits may be entered on invoices.
    #[serde(default)]
    pub deposits: bool,
    /// Credits are applied to new invoices by QuickBooks itself.
    pub auto_apply_credit: bool,
    /// Automated sales tax is chosen and was never set up (Intuit: Preferences, PartnerTaxEnabled false).
    #[serde(default)]
    pub automated_tax_unfinished: bool,
    /// How it pays for QuickBooks, if QuickBooks says so: `PAID`, `TRIAL`, … (Intuit: CompanyInfo, SubscriptionStatus).
    #[serde(default)]
    pub subscription: Option<String>,
    /// Transactions up to this day cannot be written.
    pub book_close_date: Option<Date>,
    /// Accounts.
    pub accounts: Vec<Account>,
    /// Tax codes for sales.
    pub tax_codes: Vec<TaxCode>,
    /// Payment terms.
    pub terms: Vec<Term>,
    /// Payment methods.
    pub payment_methods: Vec<PaymentMethod>,
    /// Its classes; none if it does not track them.
    #[serde(default)]
    pub classes: Option<Classes>,
    /// Its locations; none if it does not track them.
    #[serde(default)]
    pub locations: Option<Vec<Tracked>>,
    /// The custom fields of its sales forms.
    #[serde(default)]
    pub custom_fields: Vec<CustomField>,
    /// When all this was read.
    pub read_at: Timestamp,
}

/// How sales tax works in a QuickBooks company (Intuit: Manage sales tax for US locales, for non-US locales).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaxModel {
    /// Sales tax is switched off.
    Off,
    /// United States: QuickBooks works the tax out from the address (R45).
    Automated,
    /// United States: one tax code for a whole transaction, chosen by whoever writes it.
    Manual,
    /// Elsewhere: one tax code for each line.
    Global,
}

/// An account of the chart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its id.
    pub id: QuickBooksId,
    /// Its full name, parents included.
    pub name: String,
    /// `Income`, `Bank`, … (Intuit: Account, AccountType).
    pub account_type: String,
    /// `SalesOfProductIncome`, … (Intuit: Account, AccountSubType).
    pub sub_type: String,
}

/// A code that may stand on a sale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaxCode {
    /// Its id.
    pub id: QuickBooksId,
    /// Its name.
    pub name: String,
    /// Whether what carries it is taxed at all, be it at nought per cent.
    pub taxable: bool,
    /// The rates it adds up to.
    pub rates: Vec<TaxRate>,
}

impl TaxCode {
    /// The per cent that it adds to an amount, one rate after the other.
    pub fn percent(&self) -> Decimal {
        let add = |tax: Decimal, rate: &TaxRate| {
            let base = match rate.base {
                TaxBase::Amount => Decimal::ONE_HUNDRED,
                TaxBase::AmountPlusTax => Decimal::ONE_HUNDRED + tax,
                TaxBase::Tax => tax,
            };
            tax + base * rate.percent / Decimal::ONE_HUNDRED
        };
        self.rates.iter().fold(Decimal::ZERO, add).normalize()
    }

    /// Whether a rate is taken on another rate's tax, so that the rates do not simply add up.
    pub fn is_compound(&self) -> bool {
        self.rates.iter().any(|rate| rate.base != TaxBase::Amount)
    }
}

/// One rate of a tax code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaxRate {
    /// Its id.
    pub id: QuickBooksId,
    /// Its name.
    pub name: String,
    /// Per cent.
    pub percent: Decimal,
    /// Of what.
    #[serde(default)]
    pub base: TaxBase,
}

/// What a rate of a tax code is taken on (Intuit: TaxCode, TaxTypeApplicable).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaxBase {
    /// The amount.
    #[default]
    Amount,
    /// The amount with the tax of the rates before.
    AmountPlusTax,
    /// The tax of the rates before.
    Tax,
}

/// When an invoice is due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Term {
    /// Its id.
    pub id: QuickBooksId,
    /// Its name.
    pub name: String,
    /// Days after the invoice's date; absent for terms that name a day of the month.
    pub due_days: Option<u32>,
}

/// How money is received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentMethod {
    /// Its id.
    pub id: QuickBooksId,
    /// Its name.
    pub name: String,
    /// It is a card.
    pub card: bool,
}

/// The classes of a company that tracks them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Classes {
    /// Each line of a form carries one; else the whole form does (Intuit: Preferences, ClassTrackingPerTxnLine).
    pub per_line: bool,
    /// All of them.
    pub all: Vec<Tracked>,
}

/// A class or a location.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tracked {
    /// Its id.
    pub id: QuickBooksId,
    /// Its full name, parents included.
    pub name: String,
}

/// A field that a company has put on its sales forms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomField {
    /// Its id (Intuit: Invoice, DefinitionId).
    pub id: String,
    /// What it is called.
    pub name: String,
}

impl Reference {
    /// Keeps what decides anything. Rows without an id are left out.
    pub fn from_lists(lists: &ReferenceLists, read_at: Timestamp) -> Reference {
        let info = &lists.company_info;
        let preferences = &lists.preferences;
        let sales = preferences.sales_forms_prefs.clone().unwrap_or_default();
        let currency = preferences.currency_prefs.clone().unwrap_or_default();
        let accounting = preferences.accounting_info_prefs.clone().unwrap_or_default();
        let country = info.country.clone().unwrap_or_default();
        Reference {
            name: info.company_name.clone().or_else(|| info.legal_name.clone()).unwrap_or_default(),
            tax_model: tax_model(&country, preferences.tax_prefs.as_ref()),
            automated_tax_unfinished: is_american(&country)
                && preferences.tax_prefs.as_ref().and_then(|tax| tax.partner_tax_enabled) == Some(false),
            subscription: info.fact("SubscriptionStatus").map(str::to_owned),
            country,
            home_currency: currency.home_currency.and_then(|home| home.value).unwrap_or_else(|| "USD".into()),
            multi_currency: currency.multi_currency_enabled == Some(true),
            custom_numbers: sales.custom_txn_numbers == Some(true),
            discounts: sales.allow_discount == Some(true),
            deposits: sales.allow_deposit == Some(true),
            auto_apply_credit: sales.auto_apply_credit == Some(true),
            book_close_date: accounting.book_close_date.as_ref().and_then(|date| date.parse().ok()),
            accounts: lists.accounts.iter().filter_map(Account::from_wire).collect(),
            tax_codes: lists
                .tax_codes
                .iter()
                .filter_map(|code| TaxCode::from_wire(code, &lists.tax_rates))
                .collect(),
            terms: lists.terms.iter().filter_map(Term::from_wire).collect(),
            payment_methods: lists.payment_methods.iter().filter_map(PaymentMethod::from_wire).collect(),
            classes: accounting.tracks_classes().then(|| Classes {
                per_line: accounting.class_tracking_per_txn != Some(true),
                all: Tracked::list(&lists.classes),
            }),
            custom_fields: sales
                .custom_fields()
                .into_iter()
                .map(|(id, name)| CustomField { id, name })
                .collect(),
            locations: (accounting.track_departments == Some(true)).then(|| Tracked::list(&lists.locations)),
            read_at,
        }
    }

    /// An account by its id.
    pub fn account(&self, id: &QuickBooksId) -> Option<&Account> {
        self.accounts.iter().find(|account| account.id == *id)
    }
}

/// Which model applies: outside the United States always the global one; inside, `PartnerTaxEnabled` is there
/// (true or false) only in companies with automated sales tax (Intuit: Preferences, TaxPrefs).
fn tax_model(country: &str, preferences: Option<&wire::TaxPrefs>) -> TaxModel {
    let Some(preferences) = preferences else { return TaxModel::Off };
    if preferences.using_sales_tax != Some(true) {
        return TaxModel::Off;
    }
    match preferences.partner_tax_enabled {
        _ if !is_american(country) => TaxModel::Global,
        Some(true) => TaxModel::Automated,
        Some(false) => TaxModel::Off,
        None => TaxModel::Manual,
    }
}

/// A company that does not tell its country is taken for one of the United States, as QuickBooks takes it.
fn is_american(country: &str) -> bool {
    matches!(country, "US" | "USA" | "")
}

fn id(text: Option<&String>) -> Option<QuickBooksId> {
    QuickBooksId::new(text?.clone()).ok()
}

impl Tracked {
    fn list(rows: &[wire::Tracked]) -> Vec<Tracked> {
        let read = |row: &wire::Tracked| {
            let name = row.fully_qualified_name.clone().or_else(|| row.name.clone());
            Some(Tracked { id: id(row.id.as_ref())?, name: name.unwrap_or_default() })
        };
        rows.iter().filter_map(read).collect()
    }
}

impl Account {
    fn from_wire(account: &wire::Account) -> Option<Account> {
        Some(Account {
            id: id(account.id.as_ref())?,
            name: account.fully_qualified_name.clone().or_else(|| account.name.clone()).unwrap_or_default(),
            account_type: account.account_type.clone().unwrap_or_default(),
            sub_type: account.account_sub_type.clone().unwrap_or_default(),
        })
    }
}

impl TaxCode {
    fn from_wire(code: &wire::TaxCode, rates: &[wire::TaxRate]) -> Option<TaxCode> {
        let list = code.sales_tax_rate_list.as_ref();
        let mut details = list.map(|list| list.tax_rate_detail.clone()).unwrap_or_default();
        details.sort_by_key(|detail| detail.tax_order);
        Some(TaxCode {
            id: id(code.id.as_ref())?,
            name: code.name.clone().unwrap_or_default(),
            taxable: code.taxable != Some(false),
            rates: details.iter().filter_map(|detail| TaxRate::find(detail, rates)).collect(),
        })
    }
}

impl TaxRate {
    fn find(detail: &wire::TaxRateDetail, rates: &[wire::TaxRate]) -> Option<TaxRate> {
        let wanted = detail.tax_rate_ref.as_ref()?.value.as_ref();
        let rate = rates.iter().find(|rate| rate.id.as_ref() == wanted)?;
        Some(TaxRate {
            id: id(rate.id.as_ref())?,
            name: rate.name.clone().unwrap_or_default(),
            percent: rate.rate_value?,
            base: match detail.tax_type_applicable.as_deref() {
                Some("TaxOnAmountPlusTax") => TaxBase::AmountPlusTax,
                Some("TaxOnTax") => TaxBase::Tax,
                _ => TaxBase::Amount,
            },
        })
    }
}

impl Term {
    fn from_wire(term: &wire::Term) -> Option<Term> {
        Some(Term {
            id: id(term.id.as_ref())?,
            name: term.name.clone().unwrap_or_default(),
            due_days: term.due_days.and_then(|days| u32::try_from(days).ok()),
        })
    }
}

impl PaymentMethod {
    fn from_wire(method: &wire::PaymentMethod) -> Option<PaymentMethod> {
        Some(PaymentMethod {
            id: id(method.id.as_ref())?,
            name: method.name.clone().unwrap_or_default(),
            card: method.method_type.as_deref() == Some("CREDIT_CARD"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tax(using: bool, partner: Option<bool>) -> wire::TaxPrefs {
        wire::TaxPrefs { using_sales_tax: Some(using), partner_tax_enabled: partner, ..Default::default() }
    }

    #[test]
    fn rates_on_rates_add_up_as_quickbooks_adds_them() {
        let rate = |percent: i64, base| TaxRate {
            id: QuickBooksId::new("1").unwrap(),
            name: String::new(),
            percent: Decimal::from(percent),
            base,
        };
        let code = |second| TaxCode {
            id: QuickBooksId::new("2").unwrap(),
            name: String::new(),
            taxable: true,
            rates: vec![rate(10, TaxBase::Amount), rate(20, second)],
        };
        let percent = |second| code(second).percent().to_string();
        assert_eq!([TaxBase::Amount, TaxBase::AmountPlusTax, TaxBase::Tax].map(percent), ["30", "32", "12"]);
    }

    #[test]
    fn the_tax_model_follows_country_and_preferences() {
        assert_eq!(tax_model("US", Some(&tax(true, Some(true)))), TaxModel::Automated);
        assert_eq!(tax_model("US", Some(&tax(true, Some(false)))), TaxModel::Off, "not set up yet");
        assert_eq!(tax_model("US", Some(&tax(true, None))), TaxModel::Manual);
        assert_eq!(tax_model("US", Some(&tax(false, Some(true)))), TaxModel::Off);
        assert_eq!(tax_model("GB", Some(&tax(true, None))), TaxModel::Global);
        assert_eq!(tax_model("GB", None), TaxModel::Off);
    }
}
