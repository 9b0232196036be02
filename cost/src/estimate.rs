//! What work will probably cost: work times time per unit of work, from what the ledger saw last, or from a table for the first day.

use std::collections::{BTreeMap, VecDeque};

use serde::Deserialize;

use crate::charge::amount;
use crate::money::{MoneyError, NanoUsd};
use crate::prices::Price;

/// Observations that a window keeps.
const WINDOW: usize = 64;
/// Observations from which a window counts for more than the table.
const TRUSTED: usize = 8;

/// What kind of work it is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkKind {
    /// `validate`, `transcode` …
    pub stage: String,
    /// The rung that is encoded, such as `720p`; empty for work without one.
    #[serde(default)]
    pub rung: String,
    /// The type of the node; empty for every type.
    #[serde(default)]
    pub node_type: String,
}

/// CPU time of one unit of work, nanoseconds. A unit is whatever the caller counts for this kind: a frame, a millisecond of media.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
pub struct Pace {
    /// Half of all work is quicker.
    pub p50_ns: u64,
    /// Nine tenths of all work are quicker.
    pub p90_ns: u64,
}

/// The last observations of one kind of work.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Window(VecDeque<u64>);

impl Window {
    fn add(&mut self, ns: u64) {
        if self.0.len() == WINDOW {
            self.0.pop_front();
        }
        self.0.push_back(ns);
    }

    fn pace(&self) -> Option<Pace> {
        if self.0.len() < TRUSTED {
            return None;
        }
        let mut sorted: Vec<u64> = self.0.iter().copied().collect();
        sorted.sort_unstable();
        Some(Pace { p50_ns: nearest_rank(&sorted, 50), p90_ns: nearest_rank(&sorted, 90) })
    }
}

/// The smallest value that so many percent of all values do not exceed; 0 of none.
pub fn nearest_rank(sorted: &[u64], percent: usize) -> u64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

/// WorkAmount to be done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WorkAmount {
    /// Its kind.
    pub kind: WorkKind,
    /// How many units of it.
    pub units: u64,
}

/// A cost that is expected.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Estimate {
    /// Half of such work costs less.
    pub p50: NanoUsd,
    /// At least nine tenths of such work cost less.
    pub p90: NanoUsd,
}

impl Estimate {
    /// Both together. The sum of two 90th percentiles is never too small where both costs rise and fall together.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        Ok(Self { p50: self.p50.plus(other.p50)?, p90: self.p90.plus(other.p90)? })
    }

    /// What is known in advance.
    pub fn certain(amount: NanoUsd) -> Self {
        Self { p50: amount, p90: amount }
    }
}

/// Why nothing can be estimated.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EstimateError {
    /// Nothing of this kind was ever seen, and the table does not have it.
    #[error(
        "expected a pace for stage {stage}, rung `{rung}`, in the ledger or in the table of the first day, found none"
    )]
    Unknown {
        /// The stage.
        stage: String,
        /// The rung.
        rung: String,
    },
    /// The table is none.
    #[error("expected a table of paces ([[pace]] with stage, rung, p50_ns, p90_ns): {0}")]
    Table(String),
    /// An amount has no room.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

#[derive(Deserialize)]
struct Table {
    pace: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    #[serde(flatten)]
    kind: WorkKind,
    p50_ns: u64,
    p90_ns: u64,
}

/// What is known of how long work takes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Paces {
    first_day: BTreeMap<WorkKind, Pace>,
    windows: BTreeMap<WorkKind, Window>,
}

impl Paces {
    /// Reads the table of the first day.
    pub fn parse(text: &str) -> Result<Self, EstimateError> {
        let table: Table =
            toml::from_str(text).map_err(|error| EstimateError::Table(error.message().to_owned()))?;
        let pace = |row: Row| (row.kind, Pace { p50_ns: row.p50_ns, p90_ns: row.p90_ns.max(row.p50_ns) });
        Ok(Self { first_day: table.pace.into_iter().map(pace).collect(), windows: BTreeMap::new() })
    }

    /// Learns from finished work; work without units teaches nothing.
    pub fn observe(&mut self, work: &WorkAmount, cpu_ms: u64) {
        if let Some(ns) = cpu_ms.saturating_mul(1_000_000).checked_div(work.units) {
            self.windows.entry(work.kind.clone()).or_default().add(ns);
        }
    }

    /// The pace of a kind of work: what was seen last on this type of node, otherwise what the table says of it, otherwise what the
    /// table says of every node.
    pub fn pace(&self, kind: &WorkKind) -> Result<Pace, EstimateError> {
        let every_node = WorkKind { node_type: String::new(), ..kind.clone() };
        let seen = self.windows.get(kind).and_then(Window::pace);
        seen.or_else(|| self.first_day.get(kind).copied())
            .or_else(|| self.first_day.get(&every_node).copied())
            .ok_or_else(|| EstimateError::Unknown { stage: kind.stage.clone(), rung: kind.rung.clone() })
    }

    /// What work costs at a price of node time.
    pub fn estimate(&self, work: &[WorkAmount], price: &Price) -> Result<Estimate, EstimateError> {
        let mut sum = Estimate::default();
        for WorkAmount { kind, units } in work {
            let pace = self.pace(kind)?;
            let cost = |ns: u64| {
                let cpu_ms = u128::from(ns) * u128::from(*units) / 1_000_000;
                let cpu_ms = u64::try_from(cpu_ms).map_err(|_| MoneyError::TooLarge)?;
                amount(cpu_ms, price.usd, price.per)
            };
            sum = sum.plus(Estimate { p50: cost(pace.p50_ns)?, p90: cost(pace.p90_ns)? })?;
        }
        Ok(sum)
    }
}

/// How far an estimate was from what was spent, in thousandths of what was spent; `None` if nothing was.
pub fn error_permille(estimated: NanoUsd, spent: NanoUsd) -> Option<u64> {
    let difference = u128::from(estimated.nanos().abs_diff(spent.nanos()));
    let permille = (difference * 1_000).checked_div(u128::from(spent.nanos().unsigned_abs()))?;
    Some(u64::try_from(permille).unwrap_or(u64::MAX))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    const TABLE: &str =
        "[[pace]]\nstage = \"transcode\"\nrung = \"720p\"\np50_ns = 10_000_000\np90_ns = 15_000_000\n";

    fn kind(node_type: &str) -> WorkKind {
        WorkKind { stage: "transcode".into(), rung: "720p".into(), node_type: node_type.into() }
    }

    fn price() -> Price {
        Price { usd: NanoUsd::new(3_600_000_000), per: 3_600_000, date: String::new(), verified: true }
    }

    #[test]
    fn the_table_counts_until_enough_was_seen_on_this_type_of_node() {
        let mut paces = Paces::parse(TABLE).unwrap();
        let work = WorkAmount { kind: kind("a"), units: 100 };
        for _ in 0..TRUSTED - 1 {
            paces.observe(&work, 2_000);
        }
        assert_eq!(paces.pace(&kind("a")).unwrap(), Pace { p50_ns: 10_000_000, p90_ns: 15_000_000 });
        paces.observe(&work, 2_000);
        assert_eq!(paces.pace(&kind("a")).unwrap(), Pace { p50_ns: 20_000_000, p90_ns: 20_000_000 });
        assert_eq!(paces.pace(&kind("b")).unwrap().p50_ns, 10_000_000, "another type of node");
    }

    #[test]
    fn old_observations_make_room() {
        let mut paces = Paces::parse(TABLE).unwrap();
        let work = WorkAmount { kind: kind("a"), units: 1 };
        (0..WINDOW).for_each(|_| paces.observe(&work, 1));
        (0..WINDOW).for_each(|_| paces.observe(&work, 3));
        assert_eq!(paces.pace(&kind("a")).unwrap(), Pace { p50_ns: 3_000_000, p90_ns: 3_000_000 });
    }

    #[test]
    fn quantiles_are_the_nearest_ranks() {
        let ten: Vec<u64> = (1..=10).collect();
        assert_eq!((nearest_rank(&ten, 50), nearest_rank(&ten, 90), nearest_rank(&ten, 100)), (5, 9, 10));
        assert_eq!((nearest_rank(&[7], 90), nearest_rank(&[], 90)), (7, 0));
    }

    #[test]
    fn an_estimate_is_work_times_pace_times_price() {
        let paces = Paces::parse(TABLE).unwrap();
        let work = [WorkAmount { kind: kind("a"), units: 100 }, WorkAmount { kind: kind("a"), units: 200 }];
        // 300 frames of 10 and of 15 ms, at one millionth of a dollar for a millisecond.
        let expected = Estimate { p50: NanoUsd::new(3_000_000), p90: NanoUsd::new(4_500_000) };
        assert_eq!(paces.estimate(&work, &Price { per: 3_600_000, ..price() }).unwrap(), expected);
    }

    #[test]
    fn unknown_work_and_a_wrong_table_are_one_clear_error() {
        let paces = Paces::parse(TABLE).unwrap();
        let unknown = WorkKind { stage: "dance".into(), ..kind("a") };
        let error = paces.pace(&unknown).unwrap_err().to_string();
        assert!(error.contains("stage dance, rung `720p`"), "{error}");
        assert!(Paces::parse("pace = 1").is_err());
        assert!(matches!(
            paces.estimate(&[WorkAmount { kind: kind("a"), units: u64::MAX }], &price()),
            Err(EstimateError::Money(MoneyError::TooLarge))
        ));
    }

    #[test]
    fn the_error_of_an_estimate_is_relative_to_what_was_spent() {
        assert_eq!(error_permille(NanoUsd::new(110), NanoUsd::new(100)), Some(100));
        assert_eq!(error_permille(NanoUsd::new(70), NanoUsd::new(100)), Some(300));
        assert_eq!(error_permille(NanoUsd::new(70), NanoUsd::ZERO), None);
    }
}
