//! Arithmetic of sales forms. Intuit rounds half up to cents.

use rust_decimal::Decimal;

use super::wire::cents;

/// So many percent of an amount, in cents.
pub(crate) fn percent_of(amount: Decimal, percent: Decimal) -> Decimal {
    cents(amount * percent / Decimal::ONE_HUNDRED)
}

/// Splits `total` by `weights`, in cents. The parts always sum to `total`: the last weighted one takes what rounding
/// left over. Without any weight everything is zero.
pub(crate) fn prorate(total: Decimal, weights: &[Decimal]) -> Vec<Decimal> {
    let sum: Decimal = weights.iter().sum();
    let mut parts = vec![Decimal::ZERO; weights.len()];
    let Some(last) = weights.iter().rposition(|weight| !weight.is_zero()).filter(|_| !sum.is_zero()) else {
        return parts;
    };
    for (part, weight) in parts.iter_mut().zip(weights).take(last) {
        *part = cents(total * weight / sum);
    }
    let given: Decimal = parts.iter().sum();
    if let Some(part) = parts.get_mut(last) {
        *part = total - given;
    }
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn parts_sum_to_the_total(total in -1_000_000_i64..1_000_000, weights in prop::collection::vec(0_i64..10_000, 1..8)) {
            let total = Decimal::new(total, 2);
            let weights: Vec<Decimal> = weights.into_iter().map(|weight| Decimal::new(weight, 3)).collect();
            let parts = prorate(total, &weights);
            let expected = if weights.iter().all(Decimal::is_zero) { Decimal::ZERO } else { total };
            prop_assert_eq!(parts.iter().sum::<Decimal>(), expected);
            for (part, weight) in parts.iter().zip(&weights) {
                prop_assert!(!weight.is_zero() || part.is_zero());
                prop_assert_eq!(*part, cents(*part));
            }
        }
    }

    #[test]
    fn halves_round_up() {
        assert_eq!(percent_of(Decimal::new(3738, 2), Decimal::from(12)), Decimal::new(449, 2));
        assert_eq!(percent_of(Decimal::new(3737, 2), Decimal::from(12)), Decimal::new(448, 2));
        assert_eq!(percent_of(Decimal::new(50, 2), Decimal::from(5)), Decimal::new(3, 2));
    }
}
