//! An Item as a product.

use quickbooks_wire::{Item, ItemType};

use super::{Members, text};
use crate::ids::BillingId;
use crate::mapping::item;
use crate::model::{Product, ProductType, TaxCategory};

/// Whether an Item can be a product's counterpart: it can be sold, and is no heading or bundle (R41).
pub fn is_sellable(row: &Item) -> bool {
    matches!(row.item_type, Some(ItemType::Service | ItemType::NonInventory | ItemType::Inventory))
}

/// The new product that stands for an Item. Its id is a placeholder until the billing app gives it one.
pub fn new_product(row: &Item, id: BillingId) -> Product {
    let product_type = match row.item_type {
        Some(ItemType::NonInventory | ItemType::Inventory) => ProductType::Goods,
        _ => ProductType::Service,
    };
    let blank = Product {
        id,
        key: String::new(),
        notes: String::new(),
        price: None,
        cost: None,
        product_type,
        tax_category: TaxCategory::Standard,
        income_account: None,
    };
    product(&blank, row, Members::All)
}

/// The product with the members of an Item that changed.
pub fn product(before: &Product, row: &Item, members: Members<'_>) -> Product {
    let mut product = before.clone();
    if members.has("Name") && (product.key.is_empty() || item::name(&product) != text(&row.name)) {
        product.key = text(&row.name);
    }
    if members.has("Description") {
        product.notes = text(&row.description);
    }
    if members.has("UnitPrice") {
        product.price = row.unit_price;
    }
    if members.has("PurchaseCost") {
        product.cost = row.purchase_cost;
    }
    if let (true, Some(taxable)) = (members.has("Taxable"), row.taxable) {
        product.tax_category = match (taxable, product.tax_category) {
            (false, TaxCategory::ZeroRated) => TaxCategory::ZeroRated,
            (false, _) => TaxCategory::Exempt,
            (true, TaxCategory::Exempt | TaxCategory::ZeroRated) => TaxCategory::Standard,
            (true, category) => category,
        };
    }
    product
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::mapping::fixtures::{billing, decimal, product as pruning, reference, settings};

    #[test]
    fn categories_and_bundles_are_no_products() {
        let of = |item_type| is_sellable(&Item { item_type: Some(item_type), ..Item::default() });
        assert!(of(ItemType::Service) && of(ItemType::NonInventory) && of(ItemType::Inventory));
        assert!(!of(ItemType::Category) && !of(ItemType::Group), "R41");
        assert!(!is_sellable(&Item::default()));
    }

    #[test]
    fn only_what_changed_is_touched() {
        let row = Item { unit_price: Some(decimal("50")), name: Some("Other".into()), ..Item::default() };
        let back = product(&pruning(), &row, Members::Some(&["UnitPrice".to_owned()]));
        assert_eq!(back, Product { price: Some(decimal("50")), ..pruning() });
    }

    proptest! {
        #[test]
        fn there_and_back_is_the_same(
            key in "[A-Za-z][A-Za-z ]{0,10}[a-z]", price in prop::option::of(0_i64..10_000_000), exempt in any::<bool>(),
            goods in any::<bool>(),
        ) {
            let before = Product {
                key: key.split_whitespace().collect::<Vec<_>>().join(" "),
                price: price.map(|price| rust_decimal::Decimal::new(price, 4)),
                tax_category: if exempt { TaxCategory::Exempt } else { TaxCategory::Standard },
                product_type: if goods { ProductType::Goods } else { ProductType::Service },
                ..pruning()
            };
            let row = item::map(&before, &settings(), &reference()).unwrap();
            prop_assert_eq!(new_product(&row, billing("p-1")), before);
        }
    }
}
