//! The Item: a product or service.

use rust_decimal::{Decimal, serde::arbitrary_precision_option as number};
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{MetaData, Ref};

/// What kind of item it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ItemType {
    /// Work.
    Service,
    /// Goods whose stock is not counted.
    NonInventory,
    /// Goods whose stock is counted.
    Inventory,
    /// A folder of items; cannot be sold.
    Category,
    /// A bundle of items; cannot be made through the API.
    Group,
    /// A type this crate does not know.
    #[serde(untagged)]
    Other(String),
}

/// A product or service.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Item {
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
    /// False hides the item; items cannot be deleted.
    pub active: Option<bool>,
    /// Up to 100 characters, no colon; unique within its parent.
    pub name: Option<String>,
    /// Set by QuickBooks: the names from the top of the hierarchy, with colons.
    pub fully_qualified_name: Option<String>,
    /// What kind of item it is. Needed to create one.
    #[serde(rename = "Type")]
    pub item_type: Option<ItemType>,
    /// Up to 100 characters.
    pub sku: Option<String>,
    /// What a sales form shows, up to 4000 characters.
    pub description: Option<String>,
    /// What a purchase form shows, up to 1000 characters.
    pub purchase_desc: Option<String>,
    /// Price without tax, in the home currency; up to seven decimals.
    #[serde(with = "number")]
    pub unit_price: Option<Decimal>,
    /// Cost, in the home currency; up to seven decimals.
    #[serde(with = "number")]
    pub purchase_cost: Option<Decimal>,
    /// Where sales are booked. Needed for what is sold.
    pub income_account_ref: Option<Ref>,
    /// Where purchases are booked; cost of goods sold for inventory.
    pub expense_account_ref: Option<Ref>,
    /// Where stock is booked. Needed for inventory.
    pub asset_account_ref: Option<Ref>,
    /// True for inventory; cannot be taken back.
    pub track_qty_on_hand: Option<bool>,
    /// Stock of an inventory item.
    #[serde(with = "number")]
    pub qty_on_hand: Option<Decimal>,
    /// The day an inventory item's stock starts from.
    pub inv_start_date: Option<String>,
    /// US: whether sales are taxed.
    pub taxable: Option<bool>,
    /// Outside the US: the tax code of sales.
    pub sales_tax_code_ref: Option<Ref>,
    /// Outside the US: whether `unit_price` holds the tax.
    pub sales_tax_included: Option<bool>,
    /// US automated sales tax: the class of product.
    pub tax_classification_ref: Option<Ref>,
    /// True if the item stands in a category.
    pub sub_item: Option<bool>,
    /// The category.
    pub parent_ref: Option<Ref>,
    /// Set by QuickBooks, for children only: 1 to 4.
    pub level: Option<i64>,
}
