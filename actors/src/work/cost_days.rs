//! Ends each day that is over, once: judges what uploads cost on it, and divides what nodes cost while they had nothing to do.

use std::collections::BTreeMap;

use reelgate_cost::anomaly::DAYS;
use reelgate_cost::daily::{DailyCosts, Finding};
use reelgate_cost::idle::{DayUse, IdleShare};
use reelgate_cost::line::DAY_MS;
use reelgate_flow::ids::AssetId;
use reelgate_ports::error::PortResult;
use reelgate_ports::records::{DayClosing, LedgerRow, ShareRecord};
use reelgate_ports::store::{LedgerFilter, Store};

use crate::ledger::{each_row, line, too_large};
use crate::profiles::Profiles;

/// Closes the days that are over, and passes on what was unusual on each. A day that another node closed meanwhile is that node's to
/// tell. After a long rest only the last days are closed; before the first closed day, only the last one.
pub async fn close_days(store: &dyn Store, profiles: &Profiles, tell: impl Fn(&[Finding])) -> PortResult<()> {
    let days = store.cost_days().await?;
    let first = days.closed.map_or(days.finished, |closed| closed.saturating_add(1));
    let first = first.max(days.finished.saturating_sub(DAYS - 1));
    if first > days.finished {
        return Ok(());
    }
    let (mut costs, mut used) = (DailyCosts::default(), BTreeMap::<u32, DayUse>::new());
    each_row(store, filter(first, days.finished), |row| {
        let line = line(row, profiles);
        if line.day >= first {
            used.entry(line.day).or_default().add(&line);
        }
        costs.add(&line, row.size_bytes).map_err(too_large)
    })
    .await?;
    for day in first..=days.finished {
        let idle =
            used.remove(&day).unwrap_or_default().idle(&store.uptimes(day).await?).map_err(too_large)?;
        let shares = idle.into_iter().map(|share| record(day, share)).collect();
        let closing = DayClosing { day, findings: costs.findings(day), shares };
        if store.close_day(&closing).await? {
            tell(&closing.findings);
        }
    }
    Ok(())
}

fn record(day: u32, IdleShare { asset, node_type, charge }: IdleShare) -> ShareRecord {
    let asset = (!asset.is_empty()).then(|| AssetId::new(asset));
    ShareRecord { day, asset, node_type, charge }
}

/// The lines of these days, and of the days before them that they are compared with.
fn filter(first: u32, last: u32) -> LedgerFilter {
    let begin_ms = |day: u32| Some(u64::from(day) * DAY_MS);
    let (from_ms, until_ms) = (begin_ms(first.saturating_sub(DAYS)), begin_ms(last.saturating_add(1)));
    LedgerFilter { from_ms, until_ms, ..LedgerFilter::default() }
}

/// The costs of these days, and of the days before them that they are compared with. Shares of idle time are no part of them: they come
/// later than a day is judged.
pub async fn daily_costs(
    store: &dyn Store,
    profiles: &Profiles,
    first: u32,
    last: u32,
) -> PortResult<DailyCosts> {
    let mut costs = DailyCosts::default();
    let look = |row: &LedgerRow| costs.add(&line(row, profiles), row.size_bytes).map_err(too_large);
    each_row(store, filter(first, last), look).await?;
    Ok(costs)
}
