//! Products (Invoice Ninja API: products).

use rust_decimal::Decimal;
use sync::model::{Product, ProductType, TaxCategory};

use super::{Changes, object, without_blanks};
use crate::json::{Loose, NotWhole, Object, differing, number};

pub(super) fn read(record: &Object) -> Result<Product, NotWhole> {
    let tax_id = record.text("tax_id");
    let account = record.text("income_account_id");
    Ok(Product {
        id: record.id("id")?,
        key: record.text("product_key"),
        notes: record.text("notes"),
        price: record.decimal("price")?,
        // Nought is what the app has where nobody wrote anything.
        cost: record.decimal("cost")?.filter(|cost| !cost.is_zero()),
        product_type: product_type(&tax_id),
        tax_category: tax_category(&tax_id),
        income_account: Some(account).filter(|account| !account.is_empty()),
    })
}

pub(super) fn creation(product: &Product) -> Changes {
    Changes { body: without_blanks(image(product)), ..Changes::default() }
}

pub(super) fn changes(before: &Product, after: &Product) -> Changes {
    Changes { body: differing(&image(before), &image(after)), ..Changes::default() }
}

fn image(product: &Product) -> Object {
    let mut image = object! {
        "product_key": product.key.as_str(),
        "notes": product.notes.as_str(),
        "price": number(product.price.unwrap_or(Decimal::ZERO)),
        "cost": number(product.cost.unwrap_or(Decimal::ZERO)),
        "tax_id": tax_id(product.product_type, product.tax_category),
    };
    // Only newer versions know it.
    if let Some(account) = &product.income_account {
        image.insert("income_account_id".to_owned(), account.as_str().into());
    }
    image
}

/// What sort of thing has a tax category (Invoice Ninja: `tax_id`). Exempt and zero-rated things are services mostly.
pub(super) fn product_type(tax_id: &str) -> ProductType {
    match tax_id {
        "2" | "5" | "8" => ProductType::Service,
        "3" => ProductType::Digital,
        "4" => ProductType::Shipping,
        _ => ProductType::Goods,
    }
}

pub(super) fn tax_category(tax_id: &str) -> TaxCategory {
    match tax_id {
        "5" => TaxCategory::Exempt,
        "6" => TaxCategory::Reduced,
        "8" => TaxCategory::ZeroRated,
        "9" => TaxCategory::ReverseCharge,
        _ => TaxCategory::Standard,
    }
}

/// The app's one category for both; how it is taxed goes before what it is.
pub(super) fn tax_id(product_type: ProductType, category: TaxCategory) -> &'static str {
    match (category, product_type) {
        (TaxCategory::Exempt, _) => "5",
        (TaxCategory::Reduced, _) => "6",
        (TaxCategory::ZeroRated, _) => "8",
        (TaxCategory::ReverseCharge, _) => "9",
        (TaxCategory::Standard, ProductType::Goods) => "1",
        (TaxCategory::Standard, ProductType::Service | ProductType::Fee | ProductType::Expense) => "2",
        (TaxCategory::Standard, ProductType::Digital) => "3",
        (TaxCategory::Standard, ProductType::Shipping) => "4",
    }
}
