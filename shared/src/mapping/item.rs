//! A product as an Item, and the products that invoice lines stand for.

use quickbooks_wire::{Item, ItemType, Ref};

use super::text;
use crate::ids::{BillingId, QuickBooksId};
use crate::link::LinkKey;
use crate::model::{InvoiceLine, Kind, Product, ProductType, Surcharge, TaxCategory};
use crate::outcome::{Park, ParkCause};
use crate::reference::{Reference, TaxModel};
use crate::settings::Settings;

/// The longest Name (Intuit: Item).
const NAME: usize = 100;
/// What surcharges are booked on.
const SURCHARGES: &str = "Surcharges";
/// What discounts are booked on that cannot be a discount line.
const DISCOUNTS: &str = "Discounts";

/// The name that the product's Item has: its key, else the first line of its notes, else its id.
pub fn name(product: &Product) -> String {
    let first_line = product.notes.lines().next().unwrap_or_default();
    let choices = [text::name(&product.key, NAME), text::name(first_line, NAME)];
    choices.into_iter().find(|name| !name.is_empty()).unwrap_or_else(|| format!("Product {}", product.id))
}

/// The new Item that stands for a product.
///
/// # Errors
/// No income account is set for it, or one that QuickBooks does not have.
pub fn map(product: &Product, settings: &Settings, reference: &Reference) -> Result<Item, Park> {
    let account = income_account(product, settings, reference)?;
    Ok(Item {
        item_type: Some(item_type(product.product_type)),
        income_account_ref: Some(Ref::to(account.as_str())),
        ..fields(product, reference)
    })
}

/// The members of an Item that follow the product after it exists; its type and its account are the bookkeeper's.
pub fn fields(product: &Product, reference: &Reference) -> Item {
    Item {
        name: Some(name(product)),
        description: text::some(text::paragraph(&product.notes, 4000)),
        unit_price: product.price,
        purchase_cost: product.cost,
        taxable: matches!(reference.tax_model, TaxModel::Automated | TaxModel::Manual)
            .then_some(!matches!(product.tax_category, TaxCategory::Exempt | TaxCategory::ZeroRated)),
        ..Item::default()
    }
}

fn item_type(product_type: ProductType) -> ItemType {
    match product_type {
        ProductType::Goods => ItemType::NonInventory,
        _ => ItemType::Service,
    }
}

/// The product's own account, else that of its type (R88), else the default one (R59).
fn income_account(
    product: &Product,
    settings: &Settings,
    reference: &Reference,
) -> Result<QuickBooksId, Park> {
    let own = product.income_account.as_deref().map(str::trim).filter(|account| !account.is_empty());
    let chosen = match own {
        Some(account) => QuickBooksId::new(account).ok(),
        None => settings
            .income_accounts
            .get(&product.product_type)
            .or(settings.default_income_account.as_ref())
            .cloned(),
    };
    match chosen {
        Some(account) if reference.account(&account).is_some() => Ok(account),
        Some(account) => Err(Park::new(
            ParkCause::Settings,
            format!(
                "The income account {account} of product \"{}\" is not an active account in QuickBooks.",
                name(product)
            ),
            "Choose another income account, then retry.",
        )),
        None => Err(Park::new(
            ParkCause::Settings,
            format!(
                "No income account is set for product \"{}\", so its Item cannot be created.",
                name(product)
            ),
            "Set the default income account, then retry.",
        )),
    }
}

/// The product that a line stands for. A line without a key stands for a general one of its type, so that its
/// amount is booked and nothing is left out.
pub fn of_line(line: &InvoiceLine) -> Product {
    let key = line.product_key.trim();
    let general = general_key(line.product_type);
    let named = !key.is_empty();
    let product = |id| Product {
        id,
        key: if named { key.to_owned() } else { general.to_owned() },
        notes: if named { line.notes.clone() } else { String::new() },
        price: named.then_some(line.unit_price),
        cost: None,
        product_type: line.product_type,
        tax_category: if named { line.tax_category } else { TaxCategory::Standard },
        income_account: None,
    };
    match &line.product_id {
        Some(id) => product(id.clone()),
        None => product(BillingId::of_product_key(
            &text::name(if named { key } else { general }, NAME).to_lowercase(),
        )),
    }
}

/// The product that a surcharge is booked on.
pub fn of_surcharge(_: &Surcharge) -> Product {
    general(SURCHARGES, ProductType::Fee)
}

/// The product that stands for a discount which cannot be a discount line.
pub fn of_discount() -> Product {
    general(DISCOUNTS, ProductType::Service)
}

fn general(key: &str, product_type: ProductType) -> Product {
    Product {
        id: BillingId::of_product_key(&key.to_lowercase()),
        key: key.to_owned(),
        notes: String::new(),
        price: None,
        cost: None,
        product_type,
        tax_category: TaxCategory::Standard,
        income_account: None,
    }
}

fn general_key(product_type: ProductType) -> &'static str {
    match product_type {
        ProductType::Service => "General services",
        ProductType::Goods => "General goods",
        ProductType::Digital => "General digital goods",
        ProductType::Shipping => "Shipping",
        ProductType::Fee => "Fees",
        ProductType::Expense => "Expenses",
    }
}

/// What is booked on an Item that stands for no product of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum General {
    /// Lines of a type, without a product.
    Type(ProductType),
    /// Surcharges.
    Surcharges,
    /// Discounts.
    Discounts,
}

/// What is booked under a key, letter case aside, if it is one that stands for no product of its own.
pub fn general_type(key: &str) -> Option<General> {
    let is = |general: &str| general.eq_ignore_ascii_case(key);
    if is(SURCHARGES) {
        return Some(General::Surcharges);
    }
    if is(DISCOUNTS) {
        return Some(General::Discounts);
    }
    ProductType::ALL.into_iter().find(|of| is(general_key(*of))).map(General::Type)
}

/// The key by which the ledger finds a product whose id is not known: its Item's name, in lower case, since
/// QuickBooks holds names that differ only in case for the same.
pub fn ledger_key(product: &Product) -> String {
    name(product).to_lowercase()
}

/// How the ledger may know a product: by its id, and by its key, in the order in which they are believed.
pub fn ledger_keys(product: &Product) -> [LinkKey; 2] {
    [LinkKey::Billing(Kind::Product, product.id.clone()), LinkKey::ProductKey(ledger_key(product))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::fixtures::{id, invoice, json, product, reference, settings};

    #[test]
    fn a_whole_product() {
        insta::assert_snapshot!(json(&map(&product(), &settings(), &reference()).unwrap()));
    }

    #[test]
    fn accounts_by_product_then_type_then_default() {
        let mut settings = settings();
        let mut product = product();
        product.income_account = None;
        let account = |product: &Product, settings: &Settings| {
            map(product, settings, &reference()).map(|item| item.income_account_ref.unwrap().value.unwrap())
        };
        assert_eq!(account(&product, &settings).unwrap(), "79", "the default (R59)");
        settings.income_accounts.insert(ProductType::Service, id("45"));
        assert_eq!(account(&product, &settings).unwrap(), "45", "the type's (R88)");
        product.income_account = Some("79".into());
        assert_eq!(account(&product, &settings).unwrap(), "79", "the product's own");
        product.income_account = Some("999".into());
        assert_eq!(account(&product, &settings).unwrap_err().cause, ParkCause::Settings);
        product.income_account = None;
        settings = Settings::default();
        assert_eq!(account(&product, &settings).unwrap_err().cause, ParkCause::Settings);
    }

    #[test]
    fn a_line_without_a_key_stands_for_a_general_product() {
        let mut line = invoice().lines.remove(0);
        line.product_id = None;
        assert_eq!(of_line(&line).id, BillingId::of_product_key("pruning"));
        line.product_key = "  ".into();
        line.product_type = ProductType::Goods;
        let general = of_line(&line);
        assert_eq!((general.key.as_str(), general.price), ("General goods", None));
    }
}
