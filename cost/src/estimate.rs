//! What work will probably cost: what the ledger saw such work use last, or a table for the first day, times prices.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::charge::amount;
use crate::money::{MoneyError, NanoUsd};
use crate::prices::Price;
pub use crate::regression::nearest_rank;
use crate::regression::{Pace, Window};
use crate::resource::Resource;

/// What kind of work it is, and which of its resources is meant.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkKind {
    /// The kind of the task: `validate`, `video`, `audio` …
    pub task: String,
    /// What tells work of one task apart, such as the largest rung and the preset of an encode; empty for all.
    #[serde(default)]
    pub part: String,
    /// What is used.
    pub resource: Resource,
    /// The type of the node; empty for every type, and for what no node type changes.
    #[serde(default)]
    pub node_type: String,
}

/// Work, in units of its kind: thousands of pixels, milliseconds of media, files.
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
}

/// Why nothing can be estimated.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EstimateError {
    /// Nothing of this kind was ever seen, and the table does not have it.
    #[error(
        "expected a pace of {task} `{part}` for {} in the ledger or in the table of the first day, found none", .resource.as_str()
    )]
    Unknown {
        /// The kind of the task.
        task: String,
        /// The part.
        part: String,
        /// What is used.
        resource: Resource,
    },
    /// The table is none.
    #[error(
        "expected a table of paces ([[pace]] with task, resource, each_attempt, each_million, p90_permille): {0}"
    )]
    Table(String),
    /// An amount has no room.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    pace: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    #[serde(flatten)]
    kind: WorkKind,
    each_attempt: u64,
    each_million: u64,
    p90_permille: u64,
}

/// What is known of how much work uses.
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
        let pace = |row: Row| {
            let Row { kind, each_attempt, each_million, p90_permille } = row;
            (kind, Pace { each_attempt, each_million, p90_permille })
        };
        Ok(Self { first_day: table.pace.into_iter().map(pace).collect(), windows: BTreeMap::new() })
    }

    /// Learns from finished work what it used.
    pub fn observe(&mut self, work: &WorkAmount, quantity: u64) {
        self.windows.entry(work.kind.clone()).or_default().add(work.units, quantity);
    }

    /// The pace of a kind of work: what was seen last of it, otherwise what the table says of it, of it on every node, and of every
    /// part on every node.
    pub fn pace(&self, kind: &WorkKind) -> Result<Pace, EstimateError> {
        let every_node = WorkKind { node_type: String::new(), ..kind.clone() };
        let every_part = WorkKind { part: String::new(), ..every_node.clone() };
        let seen = self.windows.get(kind).and_then(Window::pace);
        let said = [kind, &every_node, &every_part].into_iter().find_map(|kind| self.first_day.get(kind));
        seen.or(said.copied()).ok_or_else(|| EstimateError::Unknown {
            task: kind.task.clone(),
            part: kind.part.clone(),
            resource: kind.resource,
        })
    }

    /// How much of its resource work uses: the median and the 90th percentile.
    pub fn quantity(&self, work: &WorkAmount) -> Result<(u64, u64), EstimateError> {
        self.pace(&work.kind)?.quantity(work.units).ok_or(EstimateError::Money(MoneyError::TooLarge))
    }

    /// What work costs at a price of its resource.
    pub fn estimate(&self, work: &WorkAmount, price: &Price) -> Result<Estimate, EstimateError> {
        let (p50, p90) = self.quantity(work)?;
        let cost = |quantity| amount(quantity, price.usd, price.per);
        Ok(Estimate { p50: cost(p50)?, p90: cost(p90)? })
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

    const TABLE: &str = "[[pace]]\ntask = \"video\"\npart = \"720p\"\nresource = \"node-time\"\n\
                         each_attempt = 0\neach_million = 10_000_000_000\np90_permille = 1_500\n\
                         [[pace]]\ntask = \"video\"\nresource = \"node-time\"\n\
                         each_attempt = 0\neach_million = 20_000_000_000\np90_permille = 1_000\n";

    fn kind(part: &str, node_type: &str) -> WorkKind {
        let (task, part, node_type) = ("video".into(), part.into(), node_type.into());
        WorkKind { task, part, resource: Resource::NodeTime, node_type }
    }

    fn work(node_type: &str) -> WorkAmount {
        WorkAmount { kind: kind("720p", node_type), units: 100 }
    }

    #[test]
    fn the_table_counts_until_enough_was_seen_on_this_type_of_node() {
        let mut paces = Paces::parse(TABLE).unwrap();
        (0..7).for_each(|_| paces.observe(&work("a"), 2_000));
        assert_eq!(paces.quantity(&work("a")).unwrap(), (1_000, 1_500));
        paces.observe(&work("a"), 2_000);
        assert_eq!(paces.quantity(&work("a")).unwrap(), (2_000, 2_000));
        assert_eq!(paces.quantity(&work("b")).unwrap(), (1_000, 1_500), "another type of node");
        let other = WorkAmount { kind: kind("240p", "a"), units: 100 };
        assert_eq!(paces.quantity(&other).unwrap(), (2_000, 2_000), "another part");
    }

    #[test]
    fn an_estimate_is_work_times_pace_times_price() {
        let price =
            Price { usd: NanoUsd::new(3_600_000_000), per: 3_600_000, date: String::new(), verified: true };
        // 100 units of 10 and of 15 ms, at one thousandth of a dollar for a second.
        let expected = Estimate { p50: NanoUsd::new(1_000_000), p90: NanoUsd::new(1_500_000) };
        assert_eq!(Paces::parse(TABLE).unwrap().estimate(&work("a"), &price).unwrap(), expected);
    }

    #[test]
    fn unknown_work_and_a_wrong_table_are_one_clear_error() {
        let paces = Paces::parse(TABLE).unwrap();
        let unknown = WorkKind { task: "dance".into(), ..kind("720p", "a") };
        let error = paces.pace(&unknown).unwrap_err().to_string();
        assert!(error.contains("a pace of dance `720p` for node-time"), "{error}");
        for wrong in ["pace = 1", &TABLE.replace("node-time", "tea"), &TABLE.replace("each_attempt", "each")]
        {
            assert!(matches!(Paces::parse(wrong), Err(EstimateError::Table(_))), "{wrong}");
        }
        let much = WorkAmount { units: u64::MAX, ..work("a") };
        assert!(matches!(paces.quantity(&much), Err(EstimateError::Money(MoneyError::TooLarge))));
    }

    #[test]
    fn the_error_of_an_estimate_is_relative_to_what_was_spent() {
        assert_eq!(error_permille(NanoUsd::new(110), NanoUsd::new(100)), Some(100));
        assert_eq!(error_permille(NanoUsd::new(70), NanoUsd::new(100)), Some(300));
        assert_eq!(error_permille(NanoUsd::new(70), NanoUsd::ZERO), None);
    }
}
