//! `reelgate sweep`: compares the bucket with the store to find uploads whose event was lost.

use reelgate_actors::work::sweep::sweep as sweep_all;
use reelgate_flow::plain::counted;
use serde_json::json;

use crate::cli::{GlobalArgs, SweepArgs};
use crate::config::Config;
use crate::exit::{ExitStatus, Failure};
use crate::output::{stderr, table};
use crate::verbs::to_json;
use crate::wiring;

/// Ingests uploads in the bucket that the store does not know, and removes staged files of ended assets.
pub async fn sweep(global: &GlobalArgs, args: SweepArgs) -> Result<ExitStatus, Failure> {
    let config = Config::load(global).await?;
    let ports = wiring::existing_ports(&config).await?;
    let swept =
        sweep_all(&*ports.store, &*ports.objects, &config.profiles, &args.prefix, args.dry_run).await?;
    let orphans = match args.dry_run {
        true => 0,
        false => reelgate_actors::engine::sweep_staging(&*ports.store, &*ports.objects).await?,
    };
    wiring::seal(&config, &*ports.store).await?;
    if args.json {
        let line = json!({"listed": swept.listed, "found": swept.found, "orphans": orphans});
        table::print(&to_json(&line)?)?;
        return Ok(ExitStatus::Done);
    }
    let found = if args.dry_run { "to be ingested" } else { "ingested now" };
    stderr::say(&format!(
        "{} listed, {} of them unknown and {found}; {} of ended assets removed",
        counted(swept.listed, "upload", "uploads"),
        swept.found,
        counted(orphans, "staging area", "staging areas")
    ));
    Ok(ExitStatus::Done)
}
