//! From the neutral billing model to QuickBooks' wire types, and what of an entity is ours.
//!
//! Mapping is pure: a record, the cached reference data and the ids of what it refers to give an entity, or the
//! reason why it cannot be booked. Texts that are too long or hold characters that QuickBooks refuses are changed
//! by a stated rule; amounts never are.

pub mod back;
pub mod customer;
pub mod fields;
pub mod invoice;
pub mod item;
pub mod payment;
pub mod tax;
pub mod tax_answer;
pub mod text;

use rust_decimal::{Decimal, RoundingStrategy};

use crate::outcome::{Park, ParkCause};
use crate::reference::Reference;

/// Rounds to cents, half away from zero, as QuickBooks does (Intuit: Automated sales tax for non-US locales,
/// rounding).
pub fn cents(amount: Decimal) -> Decimal {
    amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}

/// The currency to name on an entity: none for the home currency, the code for a foreign one that may be used.
///
/// # Errors
/// A foreign currency in a company that has multicurrency off (D14).
fn foreign_currency<'a>(currency: Option<&'a str>, reference: &Reference) -> Result<Option<&'a str>, Park> {
    let foreign = currency.map(str::trim).filter(|code| !code.is_empty() && *code != reference.home_currency);
    match foreign {
        Some(code) if !reference.multi_currency => Err(Park::new(
            ParkCause::Currency,
            format!(
                "It is in {code}, but {} uses {} only (multicurrency is off in QuickBooks).",
                reference.name, reference.home_currency
            ),
            "Switch multicurrency on in QuickBooks, or bill in the home currency; then retry.",
        )),
        other => Ok(other),
    }
}

/// The rate of a transaction in a foreign currency. It is never taken for 1 (D14).
///
/// # Errors
/// A foreign currency without a rate.
fn exchange_rate(
    currency: Option<&str>,
    rate: Option<Decimal>,
    reference: &Reference,
) -> Result<Option<Decimal>, Park> {
    match (currency, rate) {
        (None, _) => Ok(None),
        (Some(_), Some(rate)) if rate > Decimal::ZERO => Ok(Some(rate)),
        (Some(code), _) => Err(Park::new(
            ParkCause::Currency,
            format!("It is in {code} and names no exchange rate to {}.", reference.home_currency),
            "Enter the exchange rate in the billing app, save the record, then retry.",
        )),
    }
}

#[cfg(test)]
pub(crate) mod fixtures;
