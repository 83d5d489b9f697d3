//! What a billing app calculates, to the cent.

use rust_decimal::{Decimal, RoundingStrategy};
use sync::model::{Discount, Invoice, InvoiceLine, TaxCategory};

/// Half away from zero.
pub(crate) fn cents(amount: Decimal) -> Decimal {
    amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}

fn less(amount: Decimal, discount: Option<&Discount>) -> Decimal {
    match discount {
        None => Decimal::ZERO,
        Some(Discount::Percent(percent)) => cents(amount * percent / Decimal::ONE_HUNDRED),
        Some(Discount::Amount(amount)) => cents(*amount),
    }
}

/// What a line shows: quantity times price, less its discount.
pub(crate) fn line_total(line: &InvoiceLine) -> Decimal {
    let full = cents(line.quantity * line.unit_price);
    match &line.discount {
        Some(Discount::Percent(percent)) => cents(full - full * percent / Decimal::ONE_HUNDRED),
        discount => full - less(full, discount.as_ref()),
    }
}

/// The per cent of tax on a line.
pub(crate) fn percent(line: &InvoiceLine) -> Decimal {
    if line.tax_category == TaxCategory::Exempt {
        Decimal::ZERO
    } else {
        line.taxes.iter().map(|tax| tax.rate).sum()
    }
}

/// The sum of the lines, and what the discount takes off it.
pub(crate) fn sum_and_discount(invoice: &Invoice) -> (Decimal, Decimal) {
    let sum: Decimal = invoice.lines.iter().map(line_total).sum();
    (sum, less(sum, invoice.discount.as_ref()))
}

/// The total with tax. The discount lessens each tax by its share.
pub(crate) fn total(invoice: &Invoice) -> Decimal {
    let (sum, discount) = sum_and_discount(invoice);
    if invoice.taxes_inclusive {
        return sum - discount;
    }
    let kept = if sum.is_zero() { Decimal::ONE } else { Decimal::ONE - discount / sum };
    let exempt = invoice.client.as_ref().is_some_and(|client| client.tax_exempt);
    let mut rates: Vec<Decimal> = Vec::new();
    for line in invoice.lines.iter().filter(|line| !exempt && line.tax_category != TaxCategory::Exempt) {
        rates.extend(line.taxes.iter().map(|tax| tax.rate));
    }
    rates.sort();
    rates.dedup();
    let tax = rates.into_iter().map(|rate| {
        let taxed = invoice.lines.iter().filter(|line| {
            line.tax_category != TaxCategory::Exempt && line.taxes.iter().any(|tax| tax.rate == rate)
        });
        let base: Decimal = taxed.map(line_total).sum();
        cents(base * kept * rate / Decimal::ONE_HUNDRED)
    });
    sum - discount + tax.sum::<Decimal>()
}
