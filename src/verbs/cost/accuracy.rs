//! `reelgate cost accuracy`: how near estimates were to what was spent.

use std::collections::BTreeMap;

use reelgate_cost::estimate::error_permille;
use reelgate_cost::regression::nearest_rank;
use reelgate_flow::ids::AssetId;
use reelgate_ports::records::EstimateRow;
use reelgate_ports::store::Store;
use serde_json::json;

use crate::config::Config;
use crate::exit::{ExitStatus, Failure};
use crate::output::table;
use crate::verbs::to_json;

/// Rows read at once.
const PAGE: u32 = 10_000;

/// Reads what all assets were estimated to cost and did cost, in order of arrival.
pub async fn each_estimate(store: &dyn Store, mut look: impl FnMut(EstimateRow)) -> Result<(), Failure> {
    let mut after: Option<AssetId> = None;
    loop {
        let page = store.estimates(after.as_ref(), PAGE).await?;
        let (len, last) = (page.len(), page.last().map(|row| row.asset.clone()));
        page.into_iter().for_each(&mut look);
        match last {
            Some(last) if len == PAGE as usize => after = Some(last),
            _ => return Ok(()),
        }
    }
}

/// Prints, for each profile, how many estimates were within 10 % and within 30 % of what was spent.
pub async fn accuracy(config: &Config, store: &dyn Store, as_json: bool) -> Result<ExitStatus, Failure> {
    let mut errors: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    let mut all = Vec::new();
    each_estimate(store, |row| {
        let profile = config.profiles.of_key(&row.key).map(|profile| profile.name.clone());
        if let Some(error) = error_permille(row.estimated.p50, row.cost) {
            errors.entry(profile.unwrap_or_default()).or_default().push(error);
            all.push(error);
        }
    })
    .await?;
    let mut rows = table::new(&["profile", "assets", "within 10 %", "within 30 %", "median error"]);
    for (kind, profile, errors) in errors
        .into_iter()
        .map(|(profile, errors)| ("profile", profile, errors))
        .chain([("total", "total".to_owned(), all)])
    {
        let mut errors = errors;
        errors.sort_unstable();
        let within = |permille: u64| errors.iter().filter(|error| **error <= permille).count();
        let (ten, thirty, median) = (within(100), within(300), nearest_rank(&errors, 50));
        if as_json {
            table::print(&to_json(&json!({
                "kind": kind,
                "profile": profile,
                "assets": errors.len(),
                "within_10_percent": ten,
                "within_30_percent": thirty,
                "median_error_permille": median,
            }))?)?;
            continue;
        }
        let share = |count: usize| match errors.len() {
            0 => String::new(),
            len => format!("{} %", count * 100 / len),
        };
        let name = if profile.is_empty() { "(none)".to_owned() } else { table::clean(&profile) };
        let median = format!("{}.{} %", median / 10, median % 10);
        rows.add_row([name, errors.len().to_string(), share(ten), share(thirty), median]);
    }
    if !as_json {
        table::print(&rows.to_string())?;
    }
    Ok(ExitStatus::Done)
}
