//! `reelgate why`.

use reelgate_cost::money::NanoUsd;
use reelgate_cost::sums::{Dimension, Group, Sums};
use reelgate_flow::ids::AssetId;
use reelgate_ports::store::Store;

use crate::cli::{AssetArgs, GlobalArgs};
use crate::config::Config;
use crate::exit::{ExitStatus, Failure};
use crate::output::table;
use crate::verbs::cost::ledger::{line, of_asset, too_large, total};
use crate::verbs::{find_asset, local_time, to_json};
use crate::wiring;

/// Prints the history of an asset: every event, decision, attempt and duration, in order.
pub async fn why(global: &GlobalArgs, args: AssetArgs) -> Result<ExitStatus, Failure> {
    let config = Config::load(global).await?;
    let store = wiring::existing_store(&config).await?;
    let asset = find_asset(&*store, &args.asset).await?;
    let history = store.history(&asset).await?;
    if args.json {
        for record in &history {
            table::print(&to_json(record)?)?;
        }
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
            record.wall_ms.map(|ms| table::seconds(ms as f64 / 1_000.0)).unwrap_or_default(),
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
    for row in &lines {
        sums.add(&line(row, &config.profiles)).map_err(too_large)?;
    }
    table::print(&format!("cost {amount}, of which {waste} waste; `reelgate cost show {asset}` lists it"))?;
    for (stage, sum) in sums.groups() {
        if let Group::Label(stage) = stage {
            table::print(&format!("cost of {stage} {}", sum.total))?;
        }
    }
    Ok(())
}
