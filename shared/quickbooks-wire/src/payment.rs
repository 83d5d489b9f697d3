//! The Payment.

use rust_decimal::{Decimal, serde::arbitrary_precision_option as number};
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{LinkedTxn, MetaData, Ref};

/// Money received from a customer, applied to invoices or held as credit.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Payment {
    /// Set by QuickBooks; a string of digits.
    pub id: Option<String>,
    /// The version an update must name.
    pub sync_token: Option<String>,
    /// In a write: leave what is not sent as it is.
    #[serde(rename = "sparse")]
    pub sparse: Option<bool>,
    /// `Deleted` in a tombstone.
    #[serde(rename = "status")]
    pub status: Option<String>,
    /// Set by QuickBooks.
    pub meta_data: Option<MetaData>,
    /// Who paid. Needed.
    pub customer_ref: Option<Ref>,
    /// How much, in `currency_ref`. Needed; 0 where credit is applied.
    #[serde(with = "number")]
    pub total_amt: Option<Decimal>,
    /// Set by QuickBooks: what no line applies.
    #[serde(with = "number")]
    pub unapplied_amt: Option<Decimal>,
    /// What the money is for. A write replaces all lines; an empty list removes them.
    pub line: Option<Vec<PaymentLine>>,
    /// The payment's day; the server's today if it is not set.
    pub txn_date: Option<String>,
    /// Cheque or transaction number, up to 21 characters.
    pub payment_ref_num: Option<String>,
    /// How it was paid.
    pub payment_method_ref: Option<Ref>,
    /// The account it went to; undeposited funds if it is not set.
    pub deposit_to_account_ref: Option<Ref>,
    /// The receivables account.
    #[serde(rename = "ARAccountRef")]
    pub ar_account_ref: Option<Ref>,
    /// ISO 4217 code; must be the customer's.
    pub currency_ref: Option<Ref>,
    /// Home currency for one unit of the payment's.
    #[serde(with = "number")]
    pub exchange_rate: Option<Decimal>,
    /// Note for the bookkeeper, up to 4000 characters; a void makes it `Voided`.
    pub private_note: Option<String>,
}

impl Payment {
    /// The lines, none if none were sent.
    pub fn lines(&self) -> &[PaymentLine] {
        self.line.as_deref().unwrap_or_default()
    }
}

/// A part of a payment, applied to one transaction.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PaymentLine {
    /// How much of the payment.
    #[serde(with = "number")]
    pub amount: Option<Decimal>,
    /// The transaction: one element.
    pub linked_txn: Option<Vec<LinkedTxn>>,
}

impl PaymentLine {
    /// `amount` of the payment applied to the invoice `id`.
    pub fn for_invoice(id: impl Into<String>, amount: Decimal) -> Self {
        let invoice =
            LinkedTxn { txn_id: Some(id.into()), txn_type: Some("Invoice".into()), ..LinkedTxn::default() };
        Self { amount: Some(amount), linked_txn: Some(vec![invoice]) }
    }
}
