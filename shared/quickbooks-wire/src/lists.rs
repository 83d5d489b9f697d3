//! The other lists that Counterpart reads.

use rust_decimal::{Decimal, serde::arbitrary_precision_option as number};
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{MetaData, Ref};

/// An account of the chart of accounts.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Account {
    /// A string of digits.
    pub id: Option<String>,
    /// Version.
    pub sync_token: Option<String>,
    /// Set by QuickBooks.
    pub meta_data: Option<MetaData>,
    /// False hides the account.
    pub active: Option<bool>,
    /// Name, up to 100 characters.
    pub name: Option<String>,
    /// Set by QuickBooks: the names from the top of the hierarchy, with colons.
    pub fully_qualified_name: Option<String>,
    /// Account number.
    pub acct_num: Option<String>,
    /// `Income`, `Bank`, `Accounts Receivable`, `Cost of Goods Sold` and others.
    pub account_type: Option<String>,
    /// `SalesOfProductIncome`, `ServiceFeeIncome` and many others.
    pub account_sub_type: Option<String>,
    /// `Asset`, `Equity`, `Expense`, `Liability` or `Revenue`.
    pub classification: Option<String>,
    /// ISO 4217 code.
    pub currency_ref: Option<Ref>,
    /// The account above.
    pub parent_ref: Option<Ref>,
    /// Balance.
    #[serde(with = "number")]
    pub current_balance: Option<Decimal>,
}

/// Terms of payment.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Term {
    /// A string of digits.
    pub id: Option<String>,
    /// Version.
    pub sync_token: Option<String>,
    /// Set by QuickBooks.
    pub meta_data: Option<MetaData>,
    /// False hides the terms.
    pub active: Option<bool>,
    /// Name, up to 31 characters.
    pub name: Option<String>,
    /// `STANDARD` or `DATE_DRIVEN`.
    #[serde(rename = "Type")]
    pub term_type: Option<String>,
    /// `STANDARD`: days from the invoice's day.
    pub due_days: Option<i64>,
    /// `DATE_DRIVEN`: day of the month.
    pub day_of_month_due: Option<i64>,
}

/// A way to pay.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PaymentMethod {
    /// A string of digits.
    pub id: Option<String>,
    /// Version.
    pub sync_token: Option<String>,
    /// Set by QuickBooks.
    pub meta_data: Option<MetaData>,
    /// False hides the method.
    pub active: Option<bool>,
    /// Name, up to 31 characters.
    pub name: Option<String>,
    /// `CREDIT_CARD` or `NON_CREDIT_CARD`.
    #[serde(rename = "Type")]
    pub method_type: Option<String>,
}

/// A class or a location (a Department): both lists have the same members.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Tracked {
    /// A string of digits.
    pub id: Option<String>,
    /// False hides it.
    pub active: Option<bool>,
    /// Name, up to 100 characters.
    pub name: Option<String>,
    /// Set by QuickBooks: the names from the top of the hierarchy, with colons.
    pub fully_qualified_name: Option<String>,
}

/// A vendor: read for its name, which no customer may share.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Vendor {
    /// A string of digits.
    pub id: Option<String>,
    /// False hides the vendor.
    pub active: Option<bool>,
    /// Name.
    pub display_name: Option<String>,
}

/// An employee: read for its name, which no customer may share.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Employee {
    /// A string of digits.
    pub id: Option<String>,
    /// False hides the employee.
    pub active: Option<bool>,
    /// Name.
    pub display_name: Option<String>,
}
