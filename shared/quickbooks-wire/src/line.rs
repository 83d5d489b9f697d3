//! Lines of sales forms.

use rust_decimal::{Decimal, serde::arbitrary_precision_option as number};
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{LinkedTxn, Ref};

/// Which detail a line carries.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DetailType {
    /// Something sold.
    SalesItemLineDetail,
    /// A discount on the whole form.
    DiscountLineDetail,
    /// The subtotal that QuickBooks adds.
    SubTotalLineDetail,
    /// A bundle with its components.
    GroupLineDetail,
    /// Text, or an inline subtotal.
    DescriptionOnly,
    /// A detail this crate does not know.
    #[serde(untagged)]
    Other(String),
}

/// One line of a sales form. A write with lines replaces them all: a line whose `id` is known is updated, one
/// without is added, a missing one is deleted.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Line {
    /// Set by QuickBooks; subtotal and shipping lines have none.
    pub id: Option<String>,
    /// Place in the form, from 1.
    pub line_num: Option<i64>,
    /// Up to 4000 characters.
    pub description: Option<String>,
    /// The line's amount before tax, to the cent. A discount's is positive and is taken off.
    #[serde(with = "number")]
    pub amount: Option<Decimal>,
    /// Which of the details below is set.
    pub detail_type: Option<DetailType>,
    /// Something sold.
    pub sales_item_line_detail: Option<SalesItemLineDetail>,
    /// A discount on the whole form.
    pub discount_line_detail: Option<DiscountLineDetail>,
    /// The subtotal that QuickBooks adds.
    pub sub_total_line_detail: Option<SubTotalLineDetail>,
    /// A bundle with its components.
    pub group_line_detail: Option<GroupLineDetail>,
    /// Text.
    pub description_line_detail: Option<DescriptionLineDetail>,
    /// What the line was made from: an estimate, a time entry.
    pub linked_txn: Option<Vec<LinkedTxn>>,
}

/// Something sold. If price and quantity are both written, the line's amount must be their product to the cent.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SalesItemLineDetail {
    /// What is sold; `SHIPPING_ITEM_ID` for shipping.
    pub item_ref: Option<Ref>,
    /// Price of one, without tax unless the form includes it; up to seven decimals.
    #[serde(with = "number")]
    pub unit_price: Option<Decimal>,
    /// How many.
    #[serde(with = "number")]
    pub qty: Option<Decimal>,
    /// `TAX` or `NON` in the US, the id of a tax code elsewhere.
    pub tax_code_ref: Option<Ref>,
    /// The line's amount with tax, where the form includes it.
    #[serde(with = "number")]
    pub tax_inclusive_amt: Option<Decimal>,
    /// Discount on this line, in percent.
    #[serde(with = "number")]
    pub discount_rate: Option<Decimal>,
    /// Discount on this line, as an amount.
    #[serde(with = "number")]
    pub discount_amt: Option<Decimal>,
    /// The day the work was done.
    pub service_date: Option<String>,
    /// The class to book to.
    pub class_ref: Option<Ref>,
    /// Set by QuickBooks: the item's income account.
    pub item_account_ref: Option<Ref>,
    /// Set by QuickBooks under automated sales tax.
    pub tax_classification_ref: Option<Ref>,
}

/// A discount on the whole form. A form has at most one.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DiscountLineDetail {
    /// Whether `discount_percent` rules rather than the line's amount.
    pub percent_based: Option<bool>,
    /// Percent of the subtotal.
    #[serde(with = "number")]
    pub discount_percent: Option<Decimal>,
    /// Where discounts are booked; the company's default if it is not set.
    pub discount_account_ref: Option<Ref>,
    /// The tax code the discount applies to.
    pub tax_code_ref: Option<Ref>,
}

/// The subtotal of the lines above it. Mostly empty on the wire.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SubTotalLineDetail {
    /// Rarely set.
    pub item_ref: Option<Ref>,
}

/// A bundle. Its line has the amount 0; the components carry the amounts.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct GroupLineDetail {
    /// The bundle.
    pub group_item_ref: Option<Ref>,
    /// How many bundles.
    #[serde(with = "number")]
    pub quantity: Option<Decimal>,
    /// The components.
    pub line: Option<Vec<Line>>,
}

/// Text without an amount. Mostly empty on the wire.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DescriptionLineDetail {
    /// The day the text is about.
    pub service_date: Option<String>,
    /// Rarely set.
    pub tax_code_ref: Option<Ref>,
}
