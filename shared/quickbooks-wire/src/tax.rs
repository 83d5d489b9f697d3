//! Tax on transactions, and the lists it comes from.

use rust_decimal::{Decimal, serde::arbitrary_precision_option as number};
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{Fault, MetaData, Ref};

/// The tax of a whole transaction.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TxnTaxDetail {
    /// US: the tax code of the transaction; chosen by QuickBooks under automated sales tax.
    pub txn_tax_code_ref: Option<Ref>,
    /// All tax. Written under automated sales tax, it overrides what QuickBooks would charge.
    #[serde(with = "number")]
    pub total_tax: Option<Decimal>,
    /// One line for each rate.
    pub tax_line: Option<Vec<TaxLine>>,
}

/// What one rate takes.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TaxLine {
    /// The tax.
    #[serde(with = "number")]
    pub amount: Option<Decimal>,
    /// Always `TaxLineDetail`.
    pub detail_type: Option<String>,
    /// How it came about.
    pub tax_line_detail: Option<TaxLineDetail>,
}

/// How the tax of one rate came about.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TaxLineDetail {
    /// The rate.
    pub tax_rate_ref: Option<Ref>,
    /// Whether it is a percentage.
    pub percent_based: Option<bool>,
    /// The percentage: 8 is eight percent.
    #[serde(with = "number")]
    pub tax_percent: Option<Decimal>,
    /// The amount it was taken of.
    #[serde(with = "number")]
    pub net_amount_taxable: Option<Decimal>,
    /// The amount with tax, where the form includes it.
    #[serde(with = "number")]
    pub tax_inclusive_amount: Option<Decimal>,
}

/// A tax code: a rate or a group of rates. The US pseudo codes have the ids `TAX`, `NON` and `CustomSalesTax`,
/// and neither `sync_token` nor `active`.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TaxCode {
    /// A string of digits, or the name of a pseudo code.
    pub id: Option<String>,
    /// Version.
    pub sync_token: Option<String>,
    /// Set by QuickBooks.
    pub meta_data: Option<MetaData>,
    /// Absent in pseudo codes, which are always in force.
    pub active: Option<bool>,
    /// Name.
    pub name: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// Whether it taxes.
    pub taxable: Option<bool>,
    /// Whether it can stand for a whole transaction.
    pub tax_group: Option<bool>,
    /// Whether people do not see it.
    pub hidden: Option<bool>,
    /// `USER_DEFINED` or `SYSTEM_GENERATED`.
    pub tax_code_config_type: Option<String>,
    /// Rates on sales.
    pub sales_tax_rate_list: Option<TaxRateList>,
    /// Rates on purchases.
    pub purchase_tax_rate_list: Option<TaxRateList>,
}

/// The rates of a tax code.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TaxRateList {
    /// One element for each rate.
    pub tax_rate_detail: Vec<TaxRateDetail>,
}

/// A rate's place in a tax code.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TaxRateDetail {
    /// The rate.
    pub tax_rate_ref: Option<Ref>,
    /// `TaxOnAmount`, `TaxOnAmountPlusTax` or `TaxOnTax`.
    pub tax_type_applicable: Option<String>,
    /// Its turn, from 0.
    pub tax_order: Option<i64>,
}

/// A tax rate.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TaxRate {
    /// A string of digits.
    pub id: Option<String>,
    /// Version.
    pub sync_token: Option<String>,
    /// Set by QuickBooks.
    pub meta_data: Option<MetaData>,
    /// Whether it is in force.
    pub active: Option<bool>,
    /// Name.
    pub name: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// In percent: 8 is eight percent.
    #[serde(with = "number")]
    pub rate_value: Option<Decimal>,
    /// Who receives the tax.
    pub agency_ref: Option<Ref>,
    /// `NONE`, `ZERO_RATE` and others.
    pub special_tax_type: Option<String>,
    /// `ReadOnly` and others.
    pub display_type: Option<String>,
}

/// Who receives a tax.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TaxAgency {
    /// A string of digits.
    pub id: Option<String>,
    /// Version.
    pub sync_token: Option<String>,
    /// Set by QuickBooks.
    pub meta_data: Option<MetaData>,
    /// Name, up to 100 characters.
    pub display_name: Option<String>,
    /// Whether tax on sales goes to it.
    pub tax_tracked_on_sales: Option<bool>,
    /// Whether tax on purchases goes to it.
    pub tax_tracked_on_purchases: Option<bool>,
}

/// The body and the answer of the tax service, which makes a tax code with its rates. It has no envelope.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TaxService {
    /// In the answer: what was refused.
    #[serde(alias = "fault")]
    pub fault: Option<Fault>,
    /// The name of the code.
    pub tax_code: Option<String>,
    /// In the answer: the id of the code.
    pub tax_code_id: Option<String>,
    /// New rates by their values, existing ones by `tax_rate_id`.
    pub tax_rate_details: Vec<TaxServiceRate>,
}

/// A rate of a tax code that is being made.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TaxServiceRate {
    /// An existing rate, or in the answer the one made.
    pub tax_rate_id: Option<String>,
    /// Unique name of a new rate.
    pub tax_rate_name: Option<String>,
    /// Percent as text: `8`; answers may end it with `%`.
    pub rate_value: Option<String>,
    /// Who receives the tax of a new rate.
    pub tax_agency_id: Option<String>,
    /// `Sales` or `Purchase`.
    pub tax_applicable_on: Option<String>,
}
