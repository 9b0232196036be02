//! Finds a day whose cost is unlike that of the days before it, by median and median absolute deviation, which a few wild days do
//! not move. Working days and weekends may cost differently: each is compared as if it were an ordinary day.

use crate::estimate::nearest_rank;
use crate::line::is_weekend;
use crate::money::NanoUsd;

/// Days before the judged one that are compared.
pub const DAYS: u32 = 28;
/// Fewer earlier days teach nothing.
const DAYS_MIN: usize = 7;
/// Fewer working days, or days of weekends, do not show that they cost differently.
const KIND_MIN: usize = 4;
/// The median absolute deviation of normally distributed values is their standard deviation divided by this, in ten-thousandths.
const NORMAL: u128 = 14_826;
/// How many standard deviations above the median are an anomaly.
const DEVIATIONS: u128 = 3;
/// Costs that hardly vary are no reason for a notice about a small change: at least this many thousandths of the median.
const CHANGE_PERMILLE_MIN: u128 = 450;

/// What a unit (such as a GB) cost on a day.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DayCost {
    /// The day in UTC, counted from 1970-01-01.
    pub day: u32,
    /// The cost of the unit.
    pub cost: NanoUsd,
}

/// A cost that is unlike the costs before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Anomaly {
    /// The cost that was judged.
    pub found: NanoUsd,
    /// The usual cost of such a day.
    pub usual: NanoUsd,
    /// The largest cost that would not have been an anomaly.
    pub limit: NanoUsd,
}

/// Judges the cost of a day against those of the [`DAYS`] before it, in any order. `None` if it is not unusually high, or too few days
/// are known; days without a cost teach nothing.
pub fn judge(before: &[DayCost], today: DayCost) -> Option<Anomaly> {
    let is_recent =
        |one: &&DayCost| one.day < today.day && today.day - one.day <= DAYS && one.cost > NanoUsd::ZERO;
    let recent: Vec<(bool, u64)> =
        before.iter().filter(is_recent).map(|one| (is_weekend(one.day), nanos(one.cost))).collect();
    if recent.len() < DAYS_MIN {
        return None;
    }
    let all = median(recent.iter().map(|(_, cost)| *cost).collect());
    // What such a day usually costs.
    let usual = |weekend: bool| {
        let of_kind: Vec<u64> =
            recent.iter().filter(|(kind, _)| *kind == weekend).map(|(_, cost)| *cost).collect();
        if of_kind.len() < KIND_MIN { all } else { median(of_kind) }
    };
    let usual = [usual(false), usual(true)];
    let usual = |weekend: bool| u128::from(usual[usize::from(weekend)].max(1));
    let as_ordinary = |(weekend, cost): &(bool, u64)| {
        u64::try_from(u128::from(*cost) * u128::from(all) / usual(*weekend)).unwrap_or(u64::MAX)
    };
    let deviation = median(recent.iter().map(|day| as_ordinary(day).abs_diff(all)).collect());
    let spread = u128::from(deviation) * NORMAL * DEVIATIONS / 10_000;
    let least = u128::from(all) * CHANGE_PERMILLE_MIN / 1_000;
    let usual = usual(is_weekend(today.day));
    // Of an ordinary day above its usual cost, and the same share of the usual cost of such a day.
    let above = spread.max(least).saturating_mul(usual) / u128::from(all.max(1));
    let limit = money(usual.saturating_add(above));
    (today.cost > limit).then_some(Anomaly { found: today.cost, usual: money(usual), limit })
}

fn nanos(cost: NanoUsd) -> u64 {
    cost.nanos().max(0).unsigned_abs()
}

fn money(nanos: u128) -> NanoUsd {
    NanoUsd::new(i64::try_from(nanos).unwrap_or(i64::MAX))
}

fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    nearest_rank(&values, 50)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Monday.
    const MONDAY: u32 = 20_297;

    fn at(day: u32, nanos: i64) -> DayCost {
        DayCost { day, cost: NanoUsd::new(nanos) }
    }

    /// Days in a row that end with a Sunday, and the Monday after them.
    fn judged(before: &[i64], today: i64) -> Option<Anomaly> {
        let first = MONDAY - before.len() as u32;
        let days: Vec<DayCost> = (first..).zip(before).map(|(day, cost)| at(day, *cost)).collect();
        judge(&days, at(MONDAY, today))
    }

    #[test]
    fn a_doubled_cost_is_found_and_a_small_change_is_not() {
        let before = [100, 103, 98, 101, 99, 102, 100];
        assert_eq!(judged(&before, 200).map(|anomaly| anomaly.usual), Some(NanoUsd::new(100)));
        assert_eq!(judged(&before, 145), None);
        assert_eq!(judged(&before, 10), None, "a low cost needs nobody's attention");
    }

    #[test]
    fn one_wild_day_hides_no_other() {
        assert!(judged(&[100, 103, 98, 5_000, 99, 102, 100, 101], 200).is_some());
    }

    #[test]
    fn the_first_week_is_not_judged_nor_what_is_older_than_four() {
        assert_eq!(judged(&[100; 6], 1_000), None);
        assert!(judged(&[100; 7], 1_000).is_some());
        let old: Vec<DayCost> = (1..=28).map(|ago| at(MONDAY - ago, 100)).collect();
        assert!(judge(&old, at(MONDAY + 21, 1_000)).is_some());
        assert_eq!(judge(&old, at(MONDAY + 22, 1_000)), None, "six days are left");
        assert_eq!(judge(&old, at(MONDAY - 28, 1_000)), None, "later days teach nothing");
    }

    #[test]
    fn days_without_a_price_teach_nothing() {
        assert_eq!(judged(&[0; 28], 1_000), None);
    }

    #[test]
    fn weekends_that_always_cost_twice_as_much_are_no_anomaly_and_doubled_ones_are() {
        for weekend in [50, 200] {
            let cost = |day: u32| if is_weekend(day) { weekend } else { 100 };
            let before: Vec<DayCost> = (MONDAY - 28..MONDAY + 5).map(|day| at(day, cost(day))).collect();
            let saturday = MONDAY + 5;
            assert_eq!(judge(&before, at(saturday, weekend)), None);
            let found = judge(&before, at(saturday, 2 * weekend));
            assert_eq!(found.map(|anomaly| anomaly.usual), Some(NanoUsd::new(weekend)));
        }
    }

    #[test]
    fn extreme_costs_are_judged_without_a_panic() {
        assert_eq!(judged(&[i64::MAX; 28], i64::MAX), None);
        assert_eq!(judged(&[i64::MIN; 28], 1), None);
        assert!(judged(&[1; 28], i64::MAX).is_some());
    }
}
