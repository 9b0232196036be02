//! Divides a shared cost among those that worked, without losing a nano-dollar.

use crate::money::{MoneyError, NanoUsd};

/// How a shared cost is divided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AllocationMethod {
    /// In proportion to node time. What is left by rounding down goes, one nano-dollar each, to the largest remainders, and among
    /// equal ones to the first (the method of Hamilton).
    NodeTime,
}

impl AllocationMethod {
    /// Its name in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NodeTime => "in proportion to node time, largest remainders first",
        }
    }
}

/// The share of each weight in an amount, in order. The shares add up to the amount exactly. `None` if there is nobody to share
/// it: no weight is above 0.
///
/// The order of weights decides between equal remainders, so give them in an order that does not depend on chance.
pub fn allocate(amount: NanoUsd, weights: &[u64]) -> Result<Option<Vec<NanoUsd>>, MoneyError> {
    let nanos = u128::try_from(amount.nanos()).map_err(|_| MoneyError::TooLarge)?;
    let whole: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
    if whole == 0 {
        return Ok(None);
    }
    // Below 2⁶³ times below 2⁶⁴.
    let product = |weight: &u64| nanos * u128::from(*weight);
    let mut shares: Vec<u128> = weights.iter().map(|weight| product(weight) / whole).collect();
    let given: u128 = shares.iter().sum();
    let mut by_remainder: Vec<usize> = (0..weights.len()).collect();
    by_remainder.sort_by_key(|index| std::cmp::Reverse(product(&weights[*index]) % whole));
    // Fewer than the number of weights are left, because each share lost less than one.
    let left = usize::try_from(nanos - given).map_err(|_| MoneyError::TooLarge)?;
    for index in by_remainder.into_iter().take(left) {
        shares[index] += 1;
    }
    let share = |nanos: u128| i64::try_from(nanos).map(NanoUsd::new).map_err(|_| MoneyError::TooLarge);
    shares.into_iter().map(share).collect::<Result<Vec<_>, _>>().map(Some)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn shares(amount: i64, weights: &[u64]) -> Vec<i64> {
        let shares = allocate(NanoUsd::new(amount), weights).unwrap().unwrap();
        shares.into_iter().map(NanoUsd::nanos).collect()
    }

    #[test]
    fn what_rounding_leaves_goes_to_the_largest_remainders() {
        assert_eq!(shares(100, &[1, 1, 1]), [34, 33, 33]);
        assert_eq!(shares(10, &[6, 3, 1]), [6, 3, 1]);
        assert_eq!(shares(7, &[5, 3, 2]), [4, 2, 1]);
        assert_eq!(shares(1, &[0, 5, 5]), [0, 1, 0]);
        assert_eq!(shares(i64::MAX, &[u64::MAX, u64::MAX]), [i64::MAX / 2 + 1, i64::MAX / 2]);
    }

    #[test]
    fn nobody_shares_what_nobody_worked_for() {
        assert_eq!(allocate(NanoUsd::new(5), &[]), Ok(None));
        assert_eq!(allocate(NanoUsd::new(5), &[0, 0]), Ok(None));
        assert_eq!(allocate(NanoUsd::new(-5), &[1]), Err(MoneyError::TooLarge));
    }
}
