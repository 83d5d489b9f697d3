//! What the company is and how it is set up.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{EmailAddress, MetaData, PhysicalAddress, Ref};

/// The company itself.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CompanyInfo {
    /// Always `1`.
    pub id: Option<String>,
    /// Version.
    pub sync_token: Option<String>,
    /// Set by QuickBooks.
    pub meta_data: Option<MetaData>,
    /// Name.
    pub company_name: Option<String>,
    /// Legal name.
    pub legal_name: Option<String>,
    /// ISO 3166 code: `US`.
    pub country: Option<String>,
    /// Address.
    pub company_addr: Option<PhysicalAddress>,
    /// Legal address; automated sales tax works from it.
    pub legal_addr: Option<PhysicalAddress>,
    /// E-mail address.
    pub email: Option<EmailAddress>,
    /// Month name: `January`.
    pub fiscal_year_start_month: Option<String>,
    /// IANA name.
    pub default_time_zone: Option<String>,
    /// Facts without a member of their own: `OfferingSku`, `SubscriptionStatus` and others.
    pub name_value: Option<Vec<NameValue>>,
}

impl CompanyInfo {
    /// The fact called `name` among `name_value`.
    pub fn fact(&self, name: &str) -> Option<&str> {
        find(self.name_value.as_deref(), name)
    }
}

/// A fact without a member of its own.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct NameValue {
    /// Its name.
    pub name: Option<String>,
    /// Its value, always text: `true`, `PAID`.
    pub value: Option<String>,
}

fn find<'a>(facts: Option<&'a [NameValue]>, name: &str) -> Option<&'a str> {
    facts?.iter().find(|fact| fact.name.as_deref() == Some(name))?.value.as_deref()
}

/// The company's settings, as far as they rule what Counterpart writes.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Preferences {
    /// Always `1`.
    pub id: Option<String>,
    /// Version.
    pub sync_token: Option<String>,
    /// Set by QuickBooks.
    pub meta_data: Option<MetaData>,
    /// Sales forms.
    pub sales_forms_prefs: Option<SalesFormsPrefs>,
    /// Sales tax.
    pub tax_prefs: Option<TaxPrefs>,
    /// Currencies.
    pub currency_prefs: Option<CurrencyPrefs>,
    /// Books.
    pub accounting_info_prefs: Option<AccountingInfoPrefs>,
    /// Settings without a member of their own.
    pub other_prefs: Option<OtherPrefs>,
}

/// Settings of sales forms.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SalesFormsPrefs {
    /// True: forms keep the number they are sent with, or none. False: QuickBooks numbers them.
    pub custom_txn_numbers: Option<bool>,
    /// Discount lines are accepted.
    pub allow_discount: Option<bool>,
    /// Deposits on invoices are accepted.
    pub allow_deposit: Option<bool>,
    /// Shipping lines are accepted.
    pub allow_shipping: Option<bool>,
    /// Service dates on lines are kept.
    pub allow_service_date: Option<bool>,
    /// Open credit is applied to new invoices by QuickBooks.
    pub auto_apply_credit: Option<bool>,
    /// Customers may pay online.
    pub e_transaction_payment_enabled: Option<bool>,
    /// Terms of new invoices.
    pub default_terms: Option<Ref>,
    /// The id of the account discounts are booked to.
    pub default_discount_account: Option<String>,
    /// The company's own fields, up to three: which are in use, and their names.
    pub custom_field: Option<Vec<CustomFieldSettings>>,
}

impl SalesFormsPrefs {
    /// Id and name of each custom field that is in use.
    pub fn custom_fields(&self) -> Vec<(String, String)> {
        let settings = || self.custom_field.iter().flatten().flat_map(|group| &group.custom_field);
        let named = |name: String| settings().find(move |one| one.name.as_deref() == Some(name.as_str()));
        (1..=3)
            .filter(|n| {
                let used = named(format!("SalesFormsPrefs.UseSalesCustom{n}"));
                used.is_some_and(|one| one.boolean_value == Some(true))
            })
            .map(|n| {
                let name = named(format!("SalesFormsPrefs.SalesCustomName{n}"));
                let name = name.and_then(|one| one.string_value.clone());
                (n.to_string(), name.unwrap_or_else(|| format!("Custom field {n}")))
            })
            .collect()
    }
}

/// Settings of custom fields.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CustomFieldSettings {
    /// One each.
    pub custom_field: Vec<CustomFieldSetting>,
}

/// A setting of a custom field.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CustomFieldSetting {
    /// `SalesFormsPrefs.UseSalesCustom1`, `SalesFormsPrefs.SalesCustomName1` and so on.
    pub name: Option<String>,
    /// `BooleanType` or `StringType`.
    #[serde(rename = "Type")]
    pub field_type: Option<String>,
    /// Whether it is in use.
    pub boolean_value: Option<bool>,
    /// What it is called.
    pub string_value: Option<String>,
}

/// Settings of sales tax.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TaxPrefs {
    /// Tax is on. When off, tax on transactions is ignored.
    pub using_sales_tax: Option<bool>,
    /// US: set, the company has automated sales tax; true, it is set up. Absent: manual sales tax.
    pub partner_tax_enabled: Option<bool>,
    /// The usual tax code.
    pub tax_group_code_ref: Option<Ref>,
}

/// Settings of currencies.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CurrencyPrefs {
    /// Several currencies are in use; cannot be taken back.
    pub multi_currency_enabled: Option<bool>,
    /// ISO 4217 code.
    pub home_currency: Option<Ref>,
}

/// Settings of the books.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AccountingInfoPrefs {
    /// The books are closed up to and including this day.
    pub book_close_date: Option<String>,
    /// Forms carry a class.
    pub class_tracking_per_txn: Option<bool>,
    /// Lines carry a class.
    pub class_tracking_per_txn_line: Option<bool>,
    /// Forms carry a location.
    pub track_departments: Option<bool>,
}

impl AccountingInfoPrefs {
    /// Whether classes are tracked, on forms or on their lines.
    pub fn tracks_classes(&self) -> bool {
        self.class_tracking_per_txn == Some(true) || self.class_tracking_per_txn_line == Some(true)
    }
}

/// Settings without a member of their own.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct OtherPrefs {
    /// Name and value of each.
    pub name_value: Option<Vec<NameValue>>,
}

impl OtherPrefs {
    /// The setting called `name`.
    pub fn setting(&self, name: &str) -> Option<&str> {
        find(self.name_value.as_deref(), name)
    }
}
