//! How much of a resource work of one kind uses: a part that every attempt uses, and a part that grows with the work.

use std::collections::VecDeque;

use serde::Deserialize;

/// Observations that a window keeps.
const WINDOW: usize = 64;
/// Observations from which a window counts for more than the table.
const TRUSTED: usize = 8;
/// The unit of slopes: thousandths for so many units of work.
const MILLION: u128 = 1_000_000;

/// What attempts of one kind of work use of one resource, in thousandths of the resource's measure.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pace {
    /// Whatever the attempt works on: a process is started, an object is opened.
    pub each_attempt: u64,
    /// For a million units of work.
    pub each_million: u64,
    /// The 90th percentile, in thousandths of the median.
    pub p90_permille: u64,
}

impl Pace {
    /// The median and the 90th percentile for so many units of work, in the resource's measure.
    pub fn quantity(&self, units: u64) -> Option<(u64, u64)> {
        let median = self.median(units);
        let p90 = median * u128::from(self.p90_permille.max(1_000)) / 1_000;
        let whole = |thousandths: u128| u64::try_from(thousandths.div_ceil(1_000)).ok();
        Some((whole(median)?, whole(p90)?))
    }

    fn median(&self, units: u64) -> u128 {
        u128::from(self.each_attempt) + u128::from(self.each_million) * u128::from(units) / MILLION
    }
}

/// The last observations of one kind of work: units of it, and what they used in thousandths.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Window(VecDeque<(u64, u64)>);

impl Window {
    pub(crate) fn add(&mut self, units: u64, quantity: u64) {
        if self.0.len() == WINDOW {
            self.0.pop_front();
        }
        self.0.push_back((units.max(1), quantity.saturating_mul(1_000)));
    }

    /// The line through the observations, once there are enough: the median of the slopes between all pairs (Theil and Sen), which a
    /// few outliers do not move.
    pub(crate) fn pace(&self) -> Option<Pace> {
        if self.0.len() < TRUSTED {
            return None;
        }
        let line = self.sloped().unwrap_or_else(|| self.proportional());
        let relative = |(units, quantity): &(u64, u64)| {
            let permille = u128::from(*quantity) * 1_000 / line.median(*units).max(1);
            u64::try_from(permille).unwrap_or(u64::MAX)
        };
        let p90_permille = nearest_rank(&sorted(self.0.iter().map(relative)), 90).max(1_000);
        Some(Pace { p90_permille, ..line })
    }

    /// `None` where the work differs too little for a slope, or the line would begin below zero.
    fn sloped(&self) -> Option<Pace> {
        let least = self.0.iter().map(|(units, _)| *units).min()?;
        let most = self.0.iter().map(|(units, _)| *units).max()?;
        if most < least.saturating_mul(2) {
            return None;
        }
        let pairs =
            self.0.iter().enumerate().flat_map(|(at, a)| self.0.iter().skip(at + 1).map(move |b| (a, b)));
        let slope = |((units, quantity), (other_units, other_quantity)): (&(u64, u64), &(u64, u64))| {
            let run = i128::from(*other_units) - i128::from(*units);
            let rise = i128::from(*other_quantity) - i128::from(*quantity);
            (run != 0).then(|| rise * 1_000_000 / run)
        };
        let slope = middle(pairs.filter_map(slope).collect())?;
        let each_million = u64::try_from(slope).ok()?;
        let rest =
            |(units, quantity): &(u64, u64)| i128::from(*quantity) - slope * i128::from(*units) / 1_000_000;
        let each_attempt = u64::try_from(middle(self.0.iter().map(rest).collect())?).ok()?;
        Some(Pace { each_attempt, each_million, p90_permille: 1_000 })
    }

    fn proportional(&self) -> Pace {
        let ratio = |(units, quantity): &(u64, u64)| {
            u64::try_from(u128::from(*quantity) * MILLION / u128::from(*units)).unwrap_or(u64::MAX)
        };
        let each_million = nearest_rank(&sorted(self.0.iter().map(ratio)), 50);
        Pace { each_attempt: 0, each_million, p90_permille: 1_000 }
    }
}

fn sorted(values: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut values: Vec<u64> = values.collect();
    values.sort_unstable();
    values
}

fn middle(mut values: Vec<i128>) -> Option<i128> {
    values.sort_unstable();
    values.get(values.len().saturating_sub(1) / 2).copied()
}

/// The smallest value that so many percent of all values do not exceed; 0 of none.
pub fn nearest_rank(sorted: &[u64], percent: usize) -> u64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn window(observations: impl IntoIterator<Item = (u64, u64)>) -> Window {
        let mut window = Window::default();
        observations.into_iter().for_each(|(units, quantity)| window.add(units, quantity));
        window
    }

    #[test]
    fn quantiles_are_the_nearest_ranks() {
        let ten: Vec<u64> = (1..=10).collect();
        assert_eq!((nearest_rank(&ten, 50), nearest_rank(&ten, 90), nearest_rank(&ten, 100)), (5, 9, 10));
        assert_eq!((nearest_rank(&[7], 90), nearest_rank(&[], 90)), (7, 0));
    }

    #[test]
    fn what_every_attempt_uses_is_told_apart_from_what_grows() {
        // 30 for each attempt and 2 for each unit, and one outlier.
        let observed = (1..=10).map(|units| (units * 100, 30 + 2 * units * 100)).chain([(500, 9_000)]);
        let pace = window(observed).pace().unwrap();
        assert_eq!((pace.each_attempt, pace.each_million), (30_000, 2_000_000_000));
        assert_eq!(pace.quantity(2_000).unwrap(), (4_030, 4_030));
    }

    #[test]
    fn work_of_one_size_is_proportional() {
        let pace = window((0..10).map(|at| (100, 1_000 + at))).pace().unwrap();
        assert_eq!(pace.each_attempt, 0);
        assert_eq!(pace.quantity(100).unwrap(), (1_004, 1_008));
        assert_eq!(pace.quantity(200).unwrap().0, 2_008);
    }

    #[test]
    fn a_line_that_would_begin_below_zero_is_proportional() {
        let pace = window((1..=10).map(|units| (units, units * units))).pace().unwrap();
        assert_eq!(pace.each_attempt, 0);
        assert!(pace.quantity(1).unwrap().0 > 0);
    }

    #[test]
    fn old_observations_make_room_and_few_are_not_trusted() {
        assert!(window((1..TRUSTED as u64).map(|units| (units, units))).pace().is_none());
        let slow = (0..WINDOW).map(|_| (1, 9));
        let quick = (0..WINDOW).map(|_| (1, 3));
        assert_eq!(window(slow.chain(quick)).pace().unwrap().quantity(1).unwrap(), (3, 3));
    }

    #[test]
    fn a_quantity_without_room_is_none() {
        let pace = Pace { each_attempt: 0, each_million: u64::MAX, p90_permille: 1_000 };
        assert_eq!(pace.quantity(u64::MAX), None);
    }
}
