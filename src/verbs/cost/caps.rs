//! `reelgate cost caps`: what each cap leaves.

use reelgate_actors::ledger::too_large;
use reelgate_cost::cap::CapScope;
use reelgate_cost::money::NanoUsd;
use reelgate_ports::clock::{Clock, SystemClock};
use reelgate_ports::records::accounts;
use reelgate_ports::store::Store;
use serde_json::json;

use crate::config::Config;
use crate::exit::{ExitStatus, Failure};
use crate::output::{stderr, table};
use crate::verbs::to_json;

/// Prints each cap of today and of this month, with what is spent and reserved.
pub async fn caps(config: &Config, store: &dyn Store, as_json: bool) -> Result<ExitStatus, Failure> {
    let caps = &config.caps;
    let now_ms = SystemClock.now_ms();
    let mut named: Vec<(CapScope, String, String, NanoUsd)> = Vec::new();
    let prefixes = caps.prefixes.keys().map(String::as_str);
    for prefix in std::iter::once("").chain(prefixes) {
        for (scope, name) in accounts(now_ms, prefix) {
            let is_new = named.iter().all(|(.., other, _)| *other != name);
            if let Some(limit) = caps.limit(scope, prefix).filter(|_| is_new) {
                let of = if scope == CapScope::Prefix { prefix } else { "" };
                named.push((scope, of.to_owned(), name, limit));
            }
        }
    }
    let names: Vec<String> = named.iter().map(|(.., name, _)| name.clone()).collect();
    let sums = store.account_sums(&names).await?;
    let mut rows = table::new(&["cap", "prefix", "limit", "spent", "reserved", "left"]);
    for (scope, prefix, name, limit) in named {
        let sums = sums.get(&name).copied().unwrap_or_default();
        let used = sums.spent.plus(sums.reserved).map_err(too_large)?;
        let left = limit.minus(used).map_err(too_large)?.max(NanoUsd::ZERO);
        if as_json {
            table::print(&to_json(&json!({
                "cap": scope.as_str(),
                "prefix": prefix,
                "limit_nanos": limit.nanos(),
                "spent_nanos": sums.spent.nanos(),
                "reserved_nanos": sums.reserved.nanos(),
                "left_nanos": left.nanos(),
            }))?)?;
            continue;
        }
        let amounts = [limit, sums.spent, sums.reserved, left].map(|amount| amount.to_string());
        let [limit, spent, reserved, left] = amounts;
        rows.add_row([scope.as_str().to_owned(), table::clean(&prefix), limit, spent, reserved, left]);
    }
    if as_json {
        return Ok(ExitStatus::Done);
    }
    if names.is_empty() {
        stderr::say("nothing is capped but single assets, at most: see cost.caps");
    } else {
        table::print(&rows.to_string())?;
    }
    if let Some(asset) = caps.asset {
        stderr::say(&format!("one asset may cost at most {asset}"));
    }
    Ok(ExitStatus::Done)
}
