//! What an invoice comes to, as a billing app works it out.

use rust_decimal::{Decimal, RoundingStrategy};
use sync::model::{Discount, Invoice, InvoiceLine, Tax};

/// Rounds to cents, half away from zero.
pub(super) fn cents(amount: Decimal) -> Decimal {
    amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}

/// An amount that bears these taxes.
struct Base<'a> {
    taxes: &'a [Tax],
    amount: Decimal,
}

/// The total, tax included. A discount of the whole lessens each tax by its share; each tax is rounded once.
pub(super) fn total(invoice: &Invoice) -> Decimal {
    let mut bases: Vec<Base<'_>> = Vec::new();
    for line in &invoice.lines {
        add(&mut bases, &line.taxes, of_line(line));
    }
    let sum: Decimal = bases.iter().map(|base| base.amount).sum();
    let discount = invoice.discount.as_ref().map_or(Decimal::ZERO, |discount| off(discount, sum));
    take_off(&mut bases, sum, discount);
    for surcharge in &invoice.surcharges {
        add(&mut bases, &surcharge.taxes, cents(surcharge.amount));
    }
    let net: Decimal = bases.iter().map(|base| base.amount).sum();
    net + taxes(&bases)
}

fn of_line(line: &InvoiceLine) -> Decimal {
    let full = cents(line.quantity * line.unit_price);
    match &line.discount {
        None => full,
        Some(Discount::Amount(amount)) => full - amount,
        Some(Discount::Percent(percent)) => cents(full - full * percent / Decimal::ONE_HUNDRED),
    }
}

fn off(discount: &Discount, sum: Decimal) -> Decimal {
    match discount {
        Discount::Amount(amount) => *amount,
        Discount::Percent(percent) => cents(sum * percent / Decimal::ONE_HUNDRED),
    }
}

fn add<'a>(bases: &mut Vec<Base<'a>>, taxes: &'a [Tax], amount: Decimal) {
    match bases.iter_mut().find(|base| base.taxes == taxes) {
        Some(base) => base.amount += amount,
        None => bases.push(Base { taxes, amount }),
    }
}

fn take_off(bases: &mut [Base<'_>], sum: Decimal, discount: Decimal) {
    let mut left = discount;
    let last = bases.len();
    for (place, base) in bases.iter_mut().enumerate() {
        let share =
            if place + 1 == last || sum.is_zero() { left } else { cents(discount * base.amount / sum) };
        base.amount -= share;
        left -= share;
    }
}

fn taxes(bases: &[Base<'_>]) -> Decimal {
    let mut taxed: Vec<(&Tax, Decimal)> = Vec::new();
    for base in bases {
        for tax in base.taxes {
            match taxed.iter_mut().find(|(known, _)| *known == tax) {
                Some((_, amount)) => *amount += base.amount,
                None => taxed.push((tax, base.amount)),
            }
        }
    }
    taxed.iter().map(|(tax, amount)| cents(amount * tax.rate / Decimal::ONE_HUNDRED)).sum()
}
