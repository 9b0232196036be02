//! What uploads probably cost that nobody has inspected: from their sizes alone, and so only roughly.

use std::collections::{BTreeMap, VecDeque};

use reelgate_cost::charge::amount;
use reelgate_cost::estimate::Estimate;
use reelgate_cost::money::{MoneyError, NanoUsd};
use reelgate_cost::regression::nearest_rank;
use reelgate_ports::store::Store;

use super::accuracy::each_estimate;
use crate::config::Config;
use crate::exit::Failure;

/// Assets that count, the last of each profile.
const WINDOW: usize = 64;
/// Fewer tell nothing.
const TRUSTED: usize = 8;
/// Bytes for which a cost is known: whole nano-dollars would be too coarse for one.
const MILLION: u64 = 1_000_000;

/// What a million bytes cost, the median and the 90th percentile, by profile.
pub struct CostOfBytes(BTreeMap<String, Estimate>);

impl CostOfBytes {
    /// Learns from assets that have ended.
    pub async fn learn(config: &Config, store: &dyn Store) -> Result<Self, Failure> {
        let mut seen: BTreeMap<String, VecDeque<u64>> = BTreeMap::new();
        each_estimate(store, |row| {
            let spent = u128::from(row.cost.nanos().unsigned_abs()) * u128::from(MILLION);
            let Some(cost) = spent.checked_div(u128::from(row.size_bytes)) else { return };
            let window = seen.entry(profile(config, &row.key)).or_default();
            if window.len() == WINDOW {
                window.pop_front();
            }
            window.push_back(u64::try_from(cost).unwrap_or(u64::MAX));
        })
        .await?;
        let trusted = seen.into_iter().filter(|(_, window)| window.len() >= TRUSTED);
        let cost = |(profile, window): (String, VecDeque<u64>)| {
            let mut sorted: Vec<u64> = window.into_iter().collect();
            sorted.sort_unstable();
            let at =
                |percent| NanoUsd::new(i64::try_from(nearest_rank(&sorted, percent)).unwrap_or(i64::MAX));
            (profile, Estimate { p50: at(50), p90: at(90) })
        };
        Ok(Self(trusted.map(cost).collect()))
    }

    /// What an upload of this key and size costs; `None` if too few of its profile have ended.
    pub fn of(&self, config: &Config, key: &str, size_bytes: u64) -> Result<Option<Estimate>, MoneyError> {
        let Some(cost) = self.0.get(&profile(config, key)) else { return Ok(None) };
        let of = |price| amount(size_bytes, price, MILLION);
        Ok(Some(Estimate { p50: of(cost.p50)?, p90: of(cost.p90)? }))
    }
}

fn profile(config: &Config, key: &str) -> String {
    config.profiles.of_key(key).map(|profile| profile.name.clone()).unwrap_or_default()
}
