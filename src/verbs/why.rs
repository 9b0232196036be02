//! `reelgate why`: the history of an asset, whole, as it happens, or one line for each stage.

use std::time::Duration;

use reelgate_actors::ledger::too_large;
use reelgate_cost::money::NanoUsd;
use reelgate_cost::sums::{Dimension, Group, Sums};
use reelgate_flow::ids::AssetId;
use reelgate_ports::records::{HistoryEvent, HistoryRecord};
use reelgate_ports::store::Store;

use crate::cli::{GlobalArgs, WhyArgs};
use crate::config::Config;
use crate::exit::{ExitStatus, Failure};
use crate::output::table;
use crate::verbs::cost::ledger::{of_asset, total};
use crate::verbs::{find_asset, local_time, to_json};
use crate::wiring;

/// Between two looks for new lines.
const FOLLOW_INTERVAL: Duration = Duration::from_millis(500);

/// Prints the history of an asset: every event, decision, attempt and duration, in order.
pub async fn why(global: &GlobalArgs, args: WhyArgs) -> Result<ExitStatus, Failure> {
    let config = Config::load(global).await?;
    let store = wiring::existing_store(&config).await?;
    let asset = find_asset(&*store, &args.asset.asset).await?;
    if args.follow {
        return follow(&*store, &asset, args.asset.json).await;
    }
    let history = store.history(&asset).await?;
    if args.asset.json {
        for record in &history {
            table::print(&to_json(record)?)?;
        }
        return Ok(ExitStatus::Done);
    }
    if args.summary {
        table::print(&summary_table(&history))?;
        return Ok(ExitStatus::Done);
    }
    let mut rows = table::narrowing(&[
        ("#", 2),
        ("when", 1),
        ("what", 0),
        ("task", 0),
        ("attempt", 4),
        ("node", 5),
        ("took", 3),
        ("detail", 0),
    ]);
    for record in &history {
        rows.add_row([
            record.sequence.to_string(),
            local_time(record.at_ms),
            record.event.as_str().to_owned(),
            record.task.map(|task| task.text()).unwrap_or_default(),
            record.attempt.map(|attempt| attempt.to_string()).unwrap_or_default(),
            record.node.as_ref().map(|node| table::clean(node.as_str())).unwrap_or_default(),
            record.wall_ms.map(took).unwrap_or_default(),
            table::clean(&record.detail),
        ]);
    }
    table::print(&rows.to_string())?;
    print_cost(&*store, &config, &asset).await?;
    Ok(ExitStatus::Done)
}

/// One line for what the asset cost, and one for each stage; none where nothing had a price.
async fn print_cost(store: &dyn Store, config: &Config, asset: &AssetId) -> Result<(), Failure> {
    let lines = of_asset(store, asset).await?;
    let (amount, waste) = total(&lines)?;
    if amount == NanoUsd::ZERO {
        return Ok(());
    }
    let mut sums = Sums::new(Dimension::Stage);
    for line in &lines {
        sums.add(&line.borrowed().line(&config.profiles)).map_err(too_large)?;
    }
    table::print(&format!("cost {amount}, of which {waste} waste; `reelgate cost show {asset}` lists it"))?;
    for (stage, sum) in sums.groups() {
        if let Group::Label(stage) = stage {
            table::print(&format!("cost of {stage} {}", sum.total))?;
        }
    }
    Ok(())
}

fn took(wall_ms: u64) -> String {
    table::seconds(wall_ms as f64 / 1_000.0)
}

/// Prints each line as it comes, until the asset has ended.
async fn follow(store: &dyn Store, asset: &AssetId, json: bool) -> Result<ExitStatus, Failure> {
    let mut printed = 0;
    loop {
        let history = store.history(asset).await?;
        for record in history.iter().filter(|record| record.sequence > printed) {
            table::print(&if json { to_json(record)? } else { history_line(record) })?;
        }
        printed = history.last().map_or(printed, |record| record.sequence);
        if has_ended(&history) {
            return Ok(ExitStatus::Done);
        }
        tokio::time::sleep(FOLLOW_INTERVAL).await;
    }
}

/// Whether the last phase is an end.
fn has_ended(history: &[HistoryRecord]) -> bool {
    let phase = history.iter().rev().find_map(|record| match record.event {
        HistoryEvent::Entered(phase) => Some(phase),
        _ => None,
    });
    phase.is_some_and(|phase| phase.is_ended())
}

/// One line as text, without a table: the next one is not known yet.
fn history_line(record: &HistoryRecord) -> String {
    let parts = [
        local_time(record.at_ms),
        record.event.as_str().to_owned(),
        record.task.map(|task| task.text()).unwrap_or_default(),
        record.wall_ms.map(took).unwrap_or_default(),
        table::clean(&record.detail),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ")
}

/// A row of the summary: an event that is no attempt, or all attempts of a stage.
#[derive(Default)]
struct SummaryRow {
    at_ms: u64,
    what: &'static str,
    attempts: u64,
    failed: u64,
    wall_ms: u64,
    /// Of an event, or of the last attempt that failed.
    detail: String,
}

/// One row for each stage and for each event that is no attempt, in order of their beginning.
fn summary(history: &[HistoryRecord]) -> Vec<SummaryRow> {
    let mut rows: Vec<SummaryRow> = Vec::new();
    for record in history {
        let new = |what| SummaryRow { at_ms: record.at_ms, what, ..SummaryRow::default() };
        let Some(task) = record.task else {
            rows.push(SummaryRow { detail: record.detail.clone(), ..new(record.event.as_str()) });
            continue;
        };
        let at = rows.iter().position(|row| row.what == task.stage()).unwrap_or_else(|| {
            rows.push(new(task.stage()));
            rows.len() - 1
        });
        let row = &mut rows[at];
        row.attempts += u64::from(record.event == HistoryEvent::Claimed);
        row.wall_ms += record.wall_ms.unwrap_or(0);
        if matches!(record.event, HistoryEvent::Retrying | HistoryEvent::GaveUp) {
            row.failed += 1;
            row.detail.clone_from(&record.detail);
        }
    }
    rows
}

/// The summary as a table.
fn summary_table(history: &[HistoryRecord]) -> String {
    let mut rows = table::narrowing(&[
        ("when", 1),
        ("what", 0),
        ("attempts", 2),
        ("failed", 3),
        ("took", 0),
        ("detail", 0),
    ]);
    let number = |count: u64| if count > 0 { count.to_string() } else { String::new() };
    for row in summary(history) {
        rows.add_row([
            local_time(row.at_ms),
            row.what.to_owned(),
            number(row.attempts),
            number(row.failed),
            if row.attempts > 0 { took(row.wall_ms) } else { String::new() },
            table::clean(&row.detail),
        ]);
    }
    rows.to_string()
}
