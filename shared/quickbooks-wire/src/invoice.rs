//! The Invoice.

use rust_decimal::{Decimal, serde::arbitrary_precision_option as number};
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{EmailAddress, Line, LinkedTxn, MemoRef, MetaData, PhysicalAddress, Ref, TxnTaxDetail};

/// Outside the US: how the line amounts of a form relate to tax.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum GlobalTaxCalculation {
    /// Tax comes on top of the amounts.
    TaxExcluded,
    /// The amounts hold the tax.
    TaxInclusive,
    /// No tax, and no tax detail either.
    NotApplicable,
    /// A value this crate does not know.
    #[serde(untagged)]
    Other(String),
}

/// Whether the form was or will be sent by e-mail.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EmailStatus {
    /// Nothing was asked.
    NotSet,
    /// To be sent; needs `bill_email`.
    NeedToSend,
    /// Sent.
    EmailSent,
    /// A value this crate does not know.
    #[serde(untagged)]
    Other(String),
}

/// A field that a company has put on its sales forms.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CustomField {
    /// Which of the company's fields.
    pub definition_id: Option<String>,
    /// Set by QuickBooks: its name.
    pub name: Option<String>,
    /// `StringType`.
    #[serde(rename = "Type")]
    pub field_type: Option<String>,
    /// Up to 31 characters; absent if it is blank.
    pub string_value: Option<String>,
}

impl CustomField {
    /// A text in a field.
    pub fn text(definition_id: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            definition_id: Some(definition_id.into()),
            field_type: Some("StringType".into()),
            string_value: Some(text.into()),
            ..Self::default()
        }
    }
}

/// A bill to a customer. It is paid when `balance` is 0; QuickBooks keeps no status for it.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Invoice {
    /// Set by QuickBooks; a string of digits.
    pub id: Option<String>,
    /// The version an update must name. A payment of the invoice moves it too.
    pub sync_token: Option<String>,
    /// In a write: leave what is not sent as it is.
    #[serde(rename = "sparse")]
    pub sparse: Option<bool>,
    /// `Deleted` in a tombstone.
    #[serde(rename = "status")]
    pub status: Option<String>,
    /// Set by QuickBooks.
    pub meta_data: Option<MetaData>,
    /// Up to 21 characters. Not to be sent unless the company numbers its forms itself.
    pub doc_number: Option<String>,
    /// The invoice's day; the server's today if it is not set.
    pub txn_date: Option<String>,
    /// The day it is due; worked out from the terms if it is not set.
    pub due_date: Option<String>,
    /// Who is billed. Needed.
    pub customer_ref: Option<Ref>,
    /// The lines; at least one to create an invoice.
    pub line: Option<Vec<Line>>,
    /// Tax, as sent or as QuickBooks worked it out.
    pub txn_tax_detail: Option<TxnTaxDetail>,
    /// Outside the US.
    pub global_tax_calculation: Option<GlobalTaxCalculation>,
    /// US: take the discount off before tax is worked out.
    pub apply_tax_after_discount: Option<bool>,
    /// Terms.
    pub sales_term_ref: Option<Ref>,
    /// Where the bill goes; the customer's if it is not set.
    pub bill_addr: Option<PhysicalAddress>,
    /// Where the goods go; automated sales tax works from it.
    pub ship_addr: Option<PhysicalAddress>,
    /// Where the goods come from; automated sales tax works from it.
    pub ship_from_addr: Option<PhysicalAddress>,
    /// Where the form is e-mailed to.
    pub bill_email: Option<EmailAddress>,
    /// Whether it was or will be e-mailed.
    pub email_status: Option<EmailStatus>,
    /// Message on the form.
    pub customer_memo: Option<MemoRef>,
    /// Note for the bookkeeper, up to 4000 characters; a void puts `Voided` before it.
    pub private_note: Option<String>,
    /// ISO 4217 code; must be the customer's.
    pub currency_ref: Option<Ref>,
    /// Home currency for one unit of the invoice's.
    #[serde(with = "number")]
    pub exchange_rate: Option<Decimal>,
    /// Taken on account; lowers the balance.
    #[serde(with = "number")]
    pub deposit: Option<Decimal>,
    /// Set by QuickBooks: the total with tax.
    #[serde(with = "number")]
    pub total_amt: Option<Decimal>,
    /// Set by QuickBooks: what is still to be paid.
    #[serde(with = "number")]
    pub balance: Option<Decimal>,
    /// Set by QuickBooks: the total in the home currency.
    #[serde(with = "number")]
    pub home_total_amt: Option<Decimal>,
    /// Links; those to payments are set by QuickBooks.
    pub linked_txn: Option<Vec<LinkedTxn>>,
    /// The class to book to.
    pub class_ref: Option<Ref>,
    /// The location to book to.
    pub department_ref: Option<Ref>,
    /// The company's own fields. A write replaces all of them.
    pub custom_field: Option<Vec<CustomField>>,
    /// Whether the customer may pay online from a bank account.
    #[serde(rename = "AllowOnlineACHPayment")]
    pub allow_online_ach_payment: Option<bool>,
    /// Whether the customer may pay online by card.
    pub allow_online_credit_card_payment: Option<bool>,
}

impl Invoice {
    /// The lines, none if none were sent.
    pub fn lines(&self) -> &[Line] {
        self.line.as_deref().unwrap_or_default()
    }
}
