//! `reelgate queue`: shows waiting tasks by lane, stage, priority and producer, or the assets in work.

use reelgate_actors::work::work_left::work_left;
use reelgate_flow::asset::Phase;
use reelgate_flow::ids::AssetId;
use reelgate_flow::plain::counted;
use reelgate_flow::reason::Code;
use reelgate_ports::records::AssetRecord;
use reelgate_ports::store::{AssetFilter, Store};
use serde_json::json;

use crate::cli::{GlobalArgs, QueueArgs};
use crate::config::Config;
use crate::exit::{ExitStatus, Failure};
use crate::output::table;
use crate::verbs::progress::ProgressLine;
use crate::verbs::{to_json, unended};
use crate::wiring;

/// Most groups that the seconds of work left are computed from.
const ROWS_MAX: u32 = 10_000;

/// Prints the queue, oldest first, and the seconds of work left in each lane.
pub async fn queue(global: &GlobalArgs, args: QueueArgs) -> Result<ExitStatus, Failure> {
    let config = Config::load(global).await?;
    let store = wiring::existing_store(&config).await?;
    if args.assets {
        return assets(&*store, &args).await;
    }
    let rows = store.queue(ROWS_MAX).await?;
    let left = work_left(&rows, &store.nodes().await?);
    let shown = rows.iter().take(args.limit as usize);
    if args.json {
        for row in shown {
            let line = json!({
                "lane": row.lane.as_str(),
                "stage": row.stage,
                "priority": row.priority.as_str(),
                "prefix": row.prefix,
                "waiting": row.waiting,
                "leased": row.leased,
                "oldest_ms": row.oldest_ms,
            });
            table::print(&to_json(&line)?)?;
        }
        return Ok(ExitStatus::Done);
    }
    let mut printed = table::narrowing(&[
        ("lane", 0),
        ("stage", 0),
        ("priority", 1),
        ("prefix", 2),
        ("waiting", 0),
        ("running", 0),
        ("oldest", 0),
    ]);
    for row in shown {
        printed.add_row(vec![
            row.lane.as_str().to_owned(),
            row.stage.clone(),
            row.priority.as_str().to_owned(),
            table::clean(&row.prefix),
            row.waiting.to_string(),
            row.leased.to_string(),
            table::seconds(row.oldest_ms as f64 / 1_000.0),
        ]);
    }
    table::print(&printed.to_string())?;
    for one in left {
        table::print(&format!("{} lane: {} of work left", one.lane.as_str(), table::seconds(one.seconds)))?;
    }
    let filter = AssetFilter { phases: vec![Phase::Failed], limit: ROWS_MAX, ..AssetFilter::default() };
    let waits =
        |asset: &AssetRecord| asset.reason.as_ref().is_some_and(|reason| reason.code == Code::BudgetExceeded);
    let waiting = store.assets(&filter).await?.iter().filter(|asset| waits(asset)).count();
    if waiting > 0 {
        let uploads = counted(waiting as u64, "upload waits", "uploads wait");
        table::print(&format!("{uploads} for money: `reelgate cost caps` shows what is left"))?;
    }
    Ok(ExitStatus::Done)
}

/// Prints the assets that have not ended.
async fn assets(store: &dyn Store, args: &QueueArgs) -> Result<ExitStatus, Failure> {
    let (ids, nodes): (Vec<AssetId>, _) = (unended(store, args.limit).await?, store.nodes().await?);
    let mut printed = table::narrowing(&[("asset", 0), ("state", 0), ("progress", 0), ("source", 0)]);
    for (short, id) in table::ids(ids.iter()).into_iter().zip(&ids) {
        let detail = store.asset(id).await?;
        let progress = ProgressLine::read(store, &detail, &nodes).await?;
        let asset = &detail.asset;
        if args.json {
            let source = &asset.source.id.key;
            let line = json!({"asset_id": id, "source": source, "state": asset.phase, "progress": progress});
            table::print(&to_json(&line)?)?;
            continue;
        }
        let progress = progress.map_or_else(|| "not planned yet".to_owned(), |progress| progress.to_string());
        printed.add_row(vec![
            short,
            asset.phase.as_str().to_owned(),
            progress,
            table::clean(&asset.source.id.key),
        ]);
    }
    if !args.json {
        table::print(&printed.to_string())?;
    }
    Ok(ExitStatus::Done)
}
