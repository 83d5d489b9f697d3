//! The Customer.

use rust_decimal::{Decimal, serde::arbitrary_precision_option as number};
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{EmailAddress, MetaData, PhysicalAddress, Ref, TelephoneNumber, WebAddress};

/// Somebody the company sells to.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Customer {
    /// Set by QuickBooks; a string of digits.
    pub id: Option<String>,
    /// The version an update must name.
    pub sync_token: Option<String>,
    /// In a write: leave what is not sent as it is.
    #[serde(rename = "sparse")]
    pub sparse: Option<bool>,
    /// `Deleted` in a tombstone of change data capture.
    #[serde(rename = "status")]
    pub status: Option<String>,
    /// Set by QuickBooks.
    pub meta_data: Option<MetaData>,
    /// False hides the customer; customers cannot be deleted.
    pub active: Option<bool>,
    /// Up to 500 characters, no colon; unique among active customers, vendors and employees.
    pub display_name: Option<String>,
    /// Set by QuickBooks: the display names from the top of the hierarchy, with colons.
    pub fully_qualified_name: Option<String>,
    /// Up to 110 characters; the display name if it is not set.
    pub print_on_check_name: Option<String>,
    /// Up to 100 characters.
    pub company_name: Option<String>,
    /// Up to 16 characters.
    pub title: Option<String>,
    /// Up to 100 characters.
    pub given_name: Option<String>,
    /// Up to 100 characters.
    pub middle_name: Option<String>,
    /// Up to 100 characters.
    pub family_name: Option<String>,
    /// Up to 16 characters.
    pub suffix: Option<String>,
    /// The address invoices go to.
    pub primary_email_addr: Option<EmailAddress>,
    /// Main telephone.
    pub primary_phone: Option<TelephoneNumber>,
    /// Second telephone.
    pub alternate_phone: Option<TelephoneNumber>,
    /// Mobile telephone.
    pub mobile: Option<TelephoneNumber>,
    /// Fax.
    pub fax: Option<TelephoneNumber>,
    /// Web site.
    pub web_addr: Option<WebAddress>,
    /// Where bills go.
    pub bill_addr: Option<PhysicalAddress>,
    /// Where goods go; automated sales tax works from it.
    pub ship_addr: Option<PhysicalAddress>,
    /// Up to 2000 characters.
    pub notes: Option<String>,
    /// True for a sub-customer, which then has a parent.
    pub job: Option<bool>,
    /// The parent of a sub-customer.
    pub parent_ref: Option<Ref>,
    /// Whether the parent is billed for a sub-customer.
    pub bill_with_parent: Option<bool>,
    /// Set by QuickBooks, for children only: 1 to 4.
    pub level: Option<i64>,
    /// True for a project. Set by QuickBooks.
    pub is_project: Option<bool>,
    /// Set by QuickBooks: what the customer owes.
    #[serde(with = "number")]
    pub balance: Option<Decimal>,
    /// Set by QuickBooks: what the customer and its sub-customers owe.
    #[serde(with = "number")]
    pub balance_with_jobs: Option<Decimal>,
    /// ISO 4217 code; cannot change once the customer exists.
    pub currency_ref: Option<Ref>,
    /// US: whether sales to this customer are taxed.
    pub taxable: Option<bool>,
    /// The tax code of new sales; chosen by QuickBooks under automated sales tax.
    pub default_tax_code_ref: Option<Ref>,
    /// US: why sales are exempt, 1 to 15.
    pub tax_exemption_reason_id: Option<String>,
    /// Tax registration; only its last five characters are readable.
    pub primary_tax_identifier: Option<String>,
    /// Up to 16 characters.
    pub resale_num: Option<String>,
    /// Terms of new invoices.
    pub sales_term_ref: Option<Ref>,
    /// Usual way to pay.
    pub payment_method_ref: Option<Ref>,
    /// `Print`, `Email` or `None`.
    pub preferred_delivery_method: Option<String>,
}
