//! Money: what an asset probably costs, what is reserved for it, and the accounts in which that counts.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use reelgate_cost::cap::{CapScope, Caps};
use reelgate_cost::estimate::Estimate;
use reelgate_cost::money::NanoUsd;
use reelgate_flow::ids::AssetId;

use crate::identity::key_sha256;

/// What a validation asks for its asset before the rest of the work begins.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asked {
    /// What the rest of the work probably costs.
    pub rest: Estimate,
    /// The caps in force.
    pub caps: Caps,
}

/// The money of one asset.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AssetBudget {
    /// What the whole asset probably costs, as its last validation said; `None` if none was accepted.
    pub estimated: Option<Estimate>,
    /// What is reserved for it.
    pub reserved: NanoUsd,
    /// The accounts in which that is reserved, and in which what it costs is booked.
    pub accounts: Vec<String>,
    /// What of its cost is booked.
    pub booked: NanoUsd,
    /// What it had cost when it ended; `None` before it ends, and if nothing was reserved for it.
    pub cost: Option<NanoUsd>,
}

/// The sums of an account, or a change of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AccountSums {
    /// What is booked.
    pub spent: NanoUsd,
    /// What is reserved.
    pub reserved: NanoUsd,
}

/// What an asset was estimated to cost, and what it cost.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EstimateRow {
    /// The asset.
    pub asset: AssetId,
    /// Its key; empty after an erasure.
    pub key: String,
    /// Bytes of the upload.
    pub size_bytes: u64,
    /// What it was estimated to cost.
    pub estimated: Estimate,
    /// What it had cost when it ended.
    pub cost: NanoUsd,
}

/// The accounts in which the work on an asset counts that is admitted now, by name. A prefix may be personal, so its account has its
/// hash. Days and months are those of UTC.
pub fn accounts(at_ms: u64, prefix: &str) -> Vec<(CapScope, String)> {
    let day =
        i64::try_from(at_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or_default();
    let day = day.to_zoned(TimeZone::UTC);
    let (day, month) = (day.strftime("%Y-%m-%d").to_string(), day.strftime("%Y-%m").to_string());
    let mut accounts =
        vec![(CapScope::Day, format!("day {day}")), (CapScope::Month, format!("month {month}"))];
    if !prefix.is_empty() {
        accounts.push((CapScope::Prefix, format!("prefix {} {month}", key_sha256(prefix))));
    }
    accounts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_those_of_the_day_the_month_and_the_prefix() {
        let names =
            |at_ms, prefix| accounts(at_ms, prefix).into_iter().map(|(_, name)| name).collect::<Vec<_>>();
        // The last millisecond of the leap day of 2024.
        assert_eq!(names(1_709_251_199_999, ""), ["day 2024-02-29", "month 2024-02"]);
        assert_eq!(names(1_709_251_200_000, "shows")[..2], ["day 2024-03-01", "month 2024-03"]);
        let prefix = &names(0, "shows")[2];
        assert!(prefix.starts_with("prefix ") && prefix.ends_with(" 1970-01") && !prefix.contains("shows"));
    }
}
