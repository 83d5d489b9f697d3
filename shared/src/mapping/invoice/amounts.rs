//! The bookable amounts of an invoice.

use rust_decimal::Decimal;

use crate::mapping::tax::{self, Taxed};
use crate::mapping::{cents, item};
use crate::model::{Discount, Invoice, InvoiceLine, Product, Surcharge, Tax, TaxCategory};
use crate::outcome::{Park, ParkCause};
use crate::reference::{Reference, TaxModel};

/// Decimals of a UnitPrice (Intuit: Invoice, "10.5 format"; seven are kept in practice).
const PRICE_DECIMALS: u32 = 7;

/// One line of the Invoice to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Booking {
    /// An amount sold, or taken off when negative.
    Sale(Box<Sale>),
    /// An amount taken off the sum of all sales.
    Discount(Decimal),
    /// Words without an amount.
    Text(String),
}

/// An amount of a product.
#[derive(Clone, Debug, PartialEq)]
pub struct Sale {
    /// What is sold.
    pub product: Product,
    /// What the line says.
    pub description: String,
    /// The amount without tax, to the cent.
    pub amount: Decimal,
    /// The amount with tax, when prices include it.
    pub gross: Option<Decimal>,
    /// Quantity and price of one, when their product is the amount to the cent (Intuit: error 6070).
    pub price: Option<(Decimal, Decimal)>,
    /// The taxes on it.
    pub taxes: Vec<Tax>,
    /// How it is taxed.
    pub category: TaxCategory,
    /// The buyer pays no tax.
    pub exempt_client: bool,
}

impl Sale {
    /// What decides its tax code.
    pub fn taxed(&self) -> Taxed<'_> {
        Taxed { taxes: &self.taxes, category: self.category, exempt_client: self.exempt_client }
    }
}

impl Booking {
    /// The product it stands for, if any.
    pub fn product(&self) -> Option<&Product> {
        match self {
            Booking::Sale(sale) => Some(&sale.product),
            Booking::Discount(_) | Booking::Text(_) => None,
        }
    }

    /// What decides its tax code, if it has one.
    pub fn taxed(&self) -> Option<Taxed<'_>> {
        match self {
            Booking::Sale(sale) => Some(sale.taxed()),
            Booking::Discount(_) | Booking::Text(_) => None,
        }
    }

    fn amount(&self) -> Decimal {
        match self {
            Booking::Sale(sale) => sale.amount,
            Booking::Discount(amount) => -*amount,
            Booking::Text(_) => Decimal::ZERO,
        }
    }
}

/// Breaks an invoice into its bookable amounts, in the order shown: lines, surcharges, discount.
///
/// # Errors
/// No lines, a total below zero, or amounts too large to calculate with.
pub fn bookings(invoice: &Invoice, reference: &Reference) -> Result<Vec<Booking>, Park> {
    if invoice.lines.is_empty() {
        return Err(Park::new(
            ParkCause::Amount,
            "The invoice has no lines, and QuickBooks takes none without.",
            "Add a line in the billing app and save the invoice.",
        ));
    }
    if invoice.amount < Decimal::ZERO {
        return Err(below_zero(invoice.amount));
    }
    calculate(invoice, reference).ok_or_else(|| {
        Park::new(
            ParkCause::Amount,
            "An amount of the invoice is too large to calculate with.",
            "Correct quantities and prices in the billing app and save the invoice.",
        )
    })?
}

fn below_zero(total: Decimal) -> Park {
    Park::new(
        ParkCause::Amount,
        format!("Its total is {total:.2}; QuickBooks takes no invoice below zero."),
        "Enter it as a credit in QuickBooks, or bill it together with something larger; then retry or ignore.",
    )
}

fn calculate(invoice: &Invoice, reference: &Reference) -> Option<Result<Vec<Booking>, Park>> {
    let exempt_client = invoice.client.as_ref().is_some_and(|client| client.tax_exempt);
    let shape = Shape { inclusive: invoice.taxes_inclusive, exempt_client };
    let mut bookings = invoice.lines.iter().map(|line| of_line(line, shape)).collect::<Option<Vec<_>>>()?;
    let discount =
        invoice.discount.as_ref().map_or(Some(Decimal::ZERO), |discount| discount_of(discount, &bookings))?;
    let of_lines = bookings.len();
    for surcharge in invoice.surcharges.iter().filter(|surcharge| !surcharge.amount.is_zero()) {
        bookings.push(of_surcharge(surcharge, shape)?);
    }
    if !discount.is_zero() {
        let discounts = spread(discount, &bookings, of_lines, shape, reference)?;
        bookings.extend(discounts);
    }
    let total = bookings.iter().try_fold(Decimal::ZERO, |sum, booking| sum.checked_add(booking.amount()))?;
    Some(if total < Decimal::ZERO { Err(below_zero(total)) } else { Ok(bookings) })
}

#[derive(Clone, Copy)]
struct Shape {
    inclusive: bool,
    exempt_client: bool,
}

fn of_line(line: &InvoiceLine, shape: Shape) -> Option<Booking> {
    let full = cents(line.quantity.checked_mul(line.unit_price)?);
    if full.is_zero() && line.product_key.trim().is_empty() && line.product_id.is_none() {
        return Some(Booking::Text(line.notes.clone()));
    }
    let shown = match &line.discount {
        None => full,
        Some(Discount::Percent(percent)) => {
            cents(full.checked_sub(full.checked_mul(*percent)? / Decimal::ONE_HUNDRED)?)
        }
        Some(Discount::Amount(amount)) => full.checked_sub(cents(*amount))?,
    };
    let mut sale = Sale {
        product: item::of_line(line),
        description: line.notes.clone(),
        amount: shown,
        gross: None,
        price: None,
        taxes: line.taxes.clone(),
        category: line.tax_category,
        exempt_client: shape.exempt_client,
    };
    take_out_tax(&mut sale, shape)?;
    sale.price = price(line.quantity, line.unit_price, sale.amount);
    if let Some(discount) = &line.discount {
        sale.description = with_discount(&sale.description, discount);
    }
    if sale.price.is_none() {
        let (quantity, unit) = (line.quantity.normalize(), line.unit_price.normalize());
        sale.description = format!("{} ({quantity} × {unit})", sale.description).trim().to_owned();
    }
    Some(Booking::Sale(Box::new(sale)))
}

fn with_discount(description: &str, discount: &Discount) -> String {
    let less = match discount {
        Discount::Percent(percent) => format!("{} %", percent.normalize()),
        Discount::Amount(amount) => format!("{amount:.2}"),
    };
    format!("{description} (less {less})").trim().to_owned()
}

fn of_surcharge(surcharge: &Surcharge, shape: Shape) -> Option<Booking> {
    let mut sale = Sale {
        product: item::of_surcharge(surcharge),
        description: if surcharge.name.trim().is_empty() {
            "Surcharge".into()
        } else {
            surcharge.name.clone()
        },
        amount: cents(surcharge.amount),
        gross: None,
        price: None,
        taxes: surcharge.taxes.clone(),
        category: TaxCategory::Standard,
        exempt_client: shape.exempt_client,
    };
    take_out_tax(&mut sale, shape)?;
    Some(Booking::Sale(Box::new(sale)))
}

/// Splits an amount that includes its tax into the amount without and the whole.
fn take_out_tax(sale: &mut Sale, shape: Shape) -> Option<()> {
    if shape.inclusive {
        let factor = Decimal::ONE.checked_add(sale.taxed().percent().checked_div(Decimal::ONE_HUNDRED)?)?;
        let whole = sale.amount;
        sale.amount = cents(whole.checked_div(factor)?);
        sale.gross = Some(whole);
    }
    Some(())
}

/// Quantity and price of one whose product is the amount: the price as it is, or the one that the discount or the
/// tax taken out leaves.
fn price(quantity: Decimal, unit: Decimal, amount: Decimal) -> Option<(Decimal, Decimal)> {
    let fits = |unit: Decimal| quantity.checked_mul(unit).is_some_and(|product| cents(product) == amount);
    let rounded = unit.round_dp(PRICE_DECIMALS).normalize();
    if fits(rounded) {
        return Some((quantity.normalize(), rounded));
    }
    let effective = amount.checked_div(quantity)?.round_dp(PRICE_DECIMALS).normalize();
    fits(effective).then_some((quantity.normalize(), effective))
}

/// The discount on the lines, in money. With prices that include their tax it is an amount with tax.
fn discount_of(discount: &Discount, lines: &[Booking]) -> Option<Decimal> {
    match discount {
        Discount::Amount(amount) => Some(cents(*amount)),
        Discount::Percent(percent) => {
            let sum = lines.iter().try_fold(Decimal::ZERO, |sum, line| sum.checked_add(shown(line)))?;
            Some(cents(sum.checked_mul(*percent)? / Decimal::ONE_HUNDRED))
        }
    }
}

fn shown(booking: &Booking) -> Decimal {
    match booking {
        Booking::Sale(sale) => sale.gross.unwrap_or(sale.amount),
        other => other.amount(),
    }
}

/// A discount line, where QuickBooks would tax the invoice with it as the billing app does: one taxability all
/// over. Otherwise a negative sale for each tax, so that each tax is lessened by its own share.
fn spread(
    discount: Decimal,
    bookings: &[Booking],
    of_lines: usize,
    shape: Shape,
    reference: &Reference,
) -> Option<Vec<Booking>> {
    let sales = |bookings: &[Booking]| -> Vec<Sale> {
        let sales = bookings.iter().filter_map(|booking| match booking {
            Booking::Sale(sale) => Some((**sale).clone()),
            Booking::Discount(_) | Booking::Text(_) => None,
        });
        sales.collect()
    };
    let all = sales(bookings);
    let alike = |one: &Sale, other: &Sale| {
        signature(one, reference.tax_model) == signature(other, reference.tax_model)
    };
    let all_alike = all.windows(2).all(|pair| alike(&pair[0], &pair[1]));
    let line_applies = reference.discounts && reference.tax_model != TaxModel::Global && !shape.inclusive;
    if line_applies && discount > Decimal::ZERO && (all_alike || reference.tax_model == TaxModel::Off) {
        return Some(vec![Booking::Discount(discount)]);
    }
    let mut groups: Vec<(Sale, Decimal)> = Vec::new();
    for sale in sales(bookings.get(..of_lines)?) {
        let amount = sale.gross.unwrap_or(sale.amount);
        match groups.iter_mut().find(|(first, _)| alike(first, &sale)) {
            Some((_, sum)) => *sum = sum.checked_add(amount)?,
            None => groups.push((sale, amount)),
        }
    }
    let total = groups.iter().try_fold(Decimal::ZERO, |total, (_, sum)| total.checked_add(*sum))?;
    let last = groups.len().checked_sub(1);
    let mut left = discount;
    let mut discounts = Vec::new();
    for (place, (first, sum)) in groups.iter().enumerate() {
        let exact =
            if total.is_zero() { Decimal::ZERO } else { discount.checked_mul(*sum)?.checked_div(total)? };
        let share = if Some(place) == last { left } else { cents(exact) };
        left = left.checked_sub(share)?;
        if !share.is_zero() {
            discounts.push(negative(first, share, shape)?);
        }
    }
    Some(discounts)
}

fn negative(like: &Sale, share: Decimal, shape: Shape) -> Option<Booking> {
    let mut sale = Sale {
        product: item::of_discount(),
        description: "Discount".into(),
        amount: -share,
        gross: None,
        price: None,
        ..like.clone()
    };
    take_out_tax(&mut sale, shape)?;
    Some(Booking::Sale(Box::new(sale)))
}

/// What two sales must share to be taxed alike. With automated sales tax the taxes on them are QuickBooks' own answer:
/// what is sent must not depend on them.
fn signature(sale: &Sale, tax_model: TaxModel) -> (Decimal, TaxCategory, Vec<&str>) {
    let taxed: tax::Taxed<'_> = sale.taxed();
    let category = if sale.exempt_client { TaxCategory::Exempt } else { sale.category };
    match tax_model {
        TaxModel::Automated => (Decimal::ZERO, category, Vec::new()),
        _ => (taxed.percent(), category, sale.taxes.iter().map(|tax| tax.name.as_str()).collect()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::mapping::fixtures::{decimal, invoice, line, reference};

    fn total(bookings: &[Booking]) -> Decimal {
        bookings.iter().map(Booking::amount).sum()
    }

    #[test]
    fn a_discount_over_mixed_taxes_lessens_each_by_its_share() {
        let mut invoice = invoice();
        invoice.lines = vec![line("A", "1", "100", &["8"]), line("B", "1", "50", &[])];
        invoice.discount = Some(Discount::Amount(decimal("10")));
        let bookings = bookings(&invoice, &reference()).unwrap();
        let discounts: Vec<(Decimal, Decimal)> = bookings[2..]
            .iter()
            .map(|booking| (booking.amount(), booking.taxed().unwrap().percent()))
            .collect();
        assert_eq!(discounts, [(decimal("-6.67"), decimal("8")), (decimal("-3.33"), Decimal::ZERO)]);
    }

    #[test]
    fn a_discount_over_one_tax_is_a_discount_line() {
        let mut invoice = invoice();
        invoice.discount = Some(Discount::Percent(decimal("10")));
        let last = bookings(&invoice, &reference()).unwrap().pop();
        assert_eq!(last, Some(Booking::Discount(decimal("25.43"))));
        let without = Reference { discounts: false, ..reference() };
        assert!(matches!(bookings(&invoice, &without).unwrap().pop(), Some(Booking::Sale(_))));
    }

    #[test]
    fn totals_below_zero_and_invoices_without_lines_wait_for_a_person() {
        let mut invoice = invoice();
        invoice.lines = vec![line("A", "1", "-5", &[])];
        assert!(bookings(&invoice, &reference()).unwrap_err().reason.contains("-5.00"));
        invoice.lines.clear();
        assert_eq!(bookings(&invoice, &reference()).unwrap_err().cause, ParkCause::Amount);
    }

    #[test]
    fn amounts_that_overflow_are_refused_in_words() {
        let mut invoice = invoice();
        invoice.lines = vec![line("A", "79228162514264337593543950335", "10", &[])];
        assert!(bookings(&invoice, &reference()).unwrap_err().reason.contains("too large"));
        let largest = "79228162514264337593543950335";
        invoice.lines = vec![line("A", "1", "1", &[largest, largest]), line("B", "1", largest, &[])];
        invoice.taxes_inclusive = true;
        invoice.discount = Some(Discount::Amount(decimal("1")));
        assert!(bookings(&invoice, &reference()).unwrap_err().reason.contains("too large"));
    }

    prop_compose! {
        fn any_line()(key in "[A-C]?", quantity in -500_i64..5_000, scale in 0_u32..4, price in 0_i64..9_999_999,
                      decimals in 0_u32..7, percent in 0_i64..100, rate in prop::sample::select(vec!["", "8", "20"]))
                      -> InvoiceLine {
            let rates: Vec<&str> = if rate.is_empty() { Vec::new() } else { vec![rate] };
            let mut line = line(&key, "1", "1", &rates);
            line.quantity = Decimal::new(quantity, scale);
            line.unit_price = Decimal::new(price, decimals);
            line.discount = (percent > 60).then(|| Discount::Percent(Decimal::from(percent - 60)));
            line
        }
    }

    proptest! {
        #[test]
        fn nothing_is_left_out_and_products_are_exact(
            lines in prop::collection::vec(any_line(), 1..6),
            discount in 0_i64..4_000,
            inclusive in any::<bool>(),
        ) {
            let mut invoice = invoice();
            invoice.lines = lines;
            invoice.taxes_inclusive = inclusive;
            invoice.discount = (discount > 0).then(|| Discount::Amount(Decimal::new(discount, 2)));
            let Ok(bookings) = bookings(&invoice, &reference()) else { return Ok(()) };
            let shown: Decimal = bookings.iter().map(shown).sum();
            let lines: Decimal = invoice.lines.iter().map(|line| {
                let full = cents(line.quantity * line.unit_price);
                match &line.discount {
                    Some(Discount::Percent(percent)) => cents(full - full * percent / Decimal::ONE_HUNDRED),
                    _ => full,
                }
            }).sum();
            prop_assert_eq!(shown, lines - Decimal::new(discount, 2), "R48: the sum is the billing app's");
            for booking in &bookings {
                if let Booking::Sale(sale) = booking && let Some((quantity, unit)) = sale.price {
                    prop_assert_eq!(cents(quantity * unit), sale.amount, "Intuit: error 6070");
                    prop_assert!(unit.scale() <= PRICE_DECIMALS);
                }
            }
            prop_assert!(total(&bookings) >= Decimal::ZERO);
        }
    }
}
