//! The products.

use anyhow::Context;
use rust_decimal::Decimal;
use sync::ids::BillingId;
use sync::model::{Product, ProductType, TaxCategory};

use super::Known;

/// Key, notes, price, type, tax category, and whether QuickBooks has it already.
type Row = (&'static str, &'static str, &'static str, ProductType, TaxCategory, Known);

use ProductType::{Digital, Fee, Goods, Service};
use TaxCategory::{Exempt, Standard, ZeroRated};

#[rustfmt::skip]
const PRODUCTS: &[Row] = &[
    ("Garden Design", "Garden design, by the hour", "85", Service, Standard, Known::ByName),
    ("Planting", "Planting, by the hour", "45", Service, Standard, Known::ByName),
    ("Lawn Care", "Weekly lawn care", "35", Service, Standard, Known::ByName),
    ("pruning", "Tree and hedge pruning, by the hour", "52.50", Service, Standard, Known::ByName),
    ("Irrigation Check", "Irrigation check-up", "65", Service, Standard, Known::ByName),
    ("Topsoil", "Topsoil, 50 l bag", "11", Goods, Standard, Known::ByName),
    ("Soil and Turf:Bark Mulch", "Bark mulch, 80 l bag", "9.25", Goods, Standard, Known::ByName),
    ("Drip Hose", "Drip hose, 15 m", "24", Goods, Standard, Known::ByName),
    ("Weeding", "Weeding, by the hour", "38", Service, Standard, Known::No),
    ("Leaf Clearing", "Leaf clearing, by the visit", "60", Service, Standard, Known::No),
    ("Hedge Trimming", "Hedge trimming, by the metre", "4.80", Service, Standard, Known::No),
    ("Tree Felling", "Tree felling, by the tree", "420", Service, Standard, Known::No),
    ("Pond Cleaning", "Pond cleaning", "135", Service, Standard, Known::No),
    ("Snow Clearing", "Snow clearing, by the visit", "75", Service, Standard, Known::No),
    ("Gravel", "River gravel, per tonne", "92.55", Goods, Standard, Known::No),
    ("Paving Slab", "Sandstone slab, 60 × 60 cm", "14.95", Goods, Standard, Known::No),
    ("Cedar Fencing", "Cedar fence panel", "78.40", Goods, Standard, Known::No),
    ("Rose Bush", "Climbing rose", "22.75", Goods, Standard, Known::No),
    ("Lavender", "Lavender, 1 l pot", "6.35", Goods, Standard, Known::No),
    ("Olive Tree", "Olive tree, 2 m", "189", Goods, Standard, Known::No),
    ("Garden Bench", "Teak bench", "345", Goods, Standard, Known::No),
    ("Compost", "Compost, per m³", "48.20", Goods, Standard, Known::No),
    ("Herb Starter Kit", "Six herbs in pots", "19.99", Goods, Standard, Known::No),
    ("Garden Plan", "Planting plan as a drawing", "240", Digital, Standard, Known::No),
    ("Seedlings", "Vegetable seedlings, tray", "12.50", Goods, ZeroRated, Known::No),
    ("Workshop", "Gardening workshop, per person", "55", Service, Exempt, Known::No),
    ("Call-out", "Emergency call-out", "90", Fee, Standard, Known::No),
];

/// A product, and whether QuickBooks has it already.
pub(super) struct Listed {
    pub(super) product: Product,
    pub(super) known: Known,
}

/// All products, in the order of the list.
pub(super) fn all() -> anyhow::Result<Vec<Listed>> {
    PRODUCTS.iter().enumerate().map(|(place, row)| listed(place, row)).collect()
}

fn listed(place: usize, row: &Row) -> anyhow::Result<Listed> {
    let &(key, notes, price, product_type, tax_category, known) = row;
    let price: Decimal = price.parse().context(key)?;
    Ok(Listed {
        product: product(&format!("p-{}", 11 + place), key, notes, price, product_type, tax_category)?,
        known,
    })
}

/// A product of the billing app.
pub(super) fn product(
    id: &str,
    key: &str,
    notes: &str,
    price: Decimal,
    product_type: ProductType,
    tax_category: TaxCategory,
) -> anyhow::Result<Product> {
    Ok(Product {
        id: BillingId::new(id)?,
        key: key.into(),
        notes: notes.into(),
        price: Some(price),
        cost: None,
        product_type,
        tax_category,
        income_account: None,
    })
}
