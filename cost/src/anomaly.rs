//! Finds a day whose cost is unlike that of the days before it, by median and median absolute deviation, which a few wild days do
//! not move.

use crate::estimate::nearest_rank;
use crate::money::NanoUsd;

/// Days before the judged one that are compared.
pub const DAYS: usize = 28;
/// Fewer earlier days teach nothing.
const DAYS_MIN: usize = 7;
/// The median absolute deviation of normally distributed values is their standard deviation divided by this, in ten-thousandths.
const NORMAL: u128 = 14_826;
/// How many standard deviations above the median are an anomaly.
const DEVIATIONS: u128 = 5;
/// Costs that hardly vary are no reason for a notice about a small change: at least this many thousandths of the median.
const CHANGE_PERMILLE_MIN: u128 = 400;

/// A cost that is unlike the costs before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Anomaly {
    /// The cost that was judged.
    pub found: NanoUsd,
    /// The median of the costs before it.
    pub median: NanoUsd,
    /// The largest cost that would not have been an anomaly.
    pub limit: NanoUsd,
}

/// Judges the cost per unit (such as a GB) of a day against that of the days before it, of which the last [`DAYS`] count. `None` if it
/// is not unusually high, or too few days are known.
pub fn judge(before: &[NanoUsd], today: NanoUsd) -> Option<Anomaly> {
    let recent = &before[before.len().saturating_sub(DAYS)..];
    if recent.len() < DAYS_MIN {
        return None;
    }
    let costs: Vec<u64> = recent.iter().map(|cost| cost.nanos().max(0).unsigned_abs()).collect();
    let median = median(costs.clone());
    let deviation = self::median(costs.iter().map(|cost| cost.abs_diff(median)).collect());
    let spread = u128::from(deviation) * NORMAL * DEVIATIONS / 10_000;
    let least = u128::from(median) * CHANGE_PERMILLE_MIN / 1_000;
    let limit = u128::from(median) + spread.max(least);
    let limit = NanoUsd::new(i64::try_from(limit).unwrap_or(i64::MAX));
    let median = NanoUsd::new(i64::try_from(median).unwrap_or(i64::MAX));
    (today > limit).then_some(Anomaly { found: today, median, limit })
}

fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    nearest_rank(&values, 50)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(nanos: impl IntoIterator<Item = i64>) -> Vec<NanoUsd> {
        nanos.into_iter().map(NanoUsd::new).collect()
    }

    #[test]
    fn a_doubled_cost_is_found_and_a_small_change_is_not() {
        let before = usd([100, 103, 98, 101, 99, 102, 100]);
        let found = judge(&before, NanoUsd::new(200));
        assert_eq!(found.map(|anomaly| anomaly.median), Some(NanoUsd::new(100)));
        assert_eq!(judge(&before, NanoUsd::new(130)), None);
        assert_eq!(judge(&before, NanoUsd::new(10)), None, "a low cost needs nobody's attention");
    }

    #[test]
    fn one_wild_day_hides_no_other() {
        let before = usd([100, 103, 98, 5_000, 99, 102, 100, 101]);
        assert!(judge(&before, NanoUsd::new(200)).is_some());
    }

    #[test]
    fn the_first_week_is_not_judged() {
        assert_eq!(judge(&usd([100; 6]), NanoUsd::new(1_000)), None);
        assert!(judge(&usd([100; 7]), NanoUsd::new(1_000)).is_some());
    }

    #[test]
    fn extreme_costs_are_judged_without_a_panic() {
        assert_eq!(judge(&[NanoUsd::MAX; 7], NanoUsd::MAX), None);
        assert!(judge(&usd([i64::MIN; 7]), NanoUsd::new(1)).is_some());
    }
}
