//! `reelgate redrive`.

use reelgate_flow::asset::Phase;
use reelgate_flow::plain::counted;
use reelgate_ports::error::ErrorKind;
use reelgate_ports::store::AssetFilter;

use crate::cli::{GlobalArgs, RedriveArgs};
use crate::config::Config;
use crate::exit::{ExitStatus, Failure};
use crate::output::stderr;
use crate::verbs::find_asset;
use crate::wiring;

/// Most assets of one `--all-failed`.
const ASSETS_MAX: u32 = 10_000;

/// Gives assets another try; the next `run` or the running `serve` does the work.
pub async fn redrive(global: &GlobalArgs, args: RedriveArgs) -> Result<ExitStatus, Failure> {
    let config = Config::load(global).await?;
    let store = wiring::existing_store(&config).await?;
    let Some(typed) = args.asset else {
        let filter = AssetFilter { phases: vec![Phase::Failed], limit: ASSETS_MAX, ..AssetFilter::default() };
        let failed = store.assets(&filter).await?;
        let mut refused = 0;
        for asset in &failed {
            match store.redrive(&asset.id).await {
                // One that must stay as it is keeps no other from its next try.
                Err(error) if error.kind == ErrorKind::Conflict => {
                    refused += 1;
                    stderr::say(&format!("{}: {}", asset.id, error.detail));
                }
                redriven => redriven?,
            }
        }
        wiring::seal(&config, &*store).await?;
        let got = counted(failed.len() as u64 - refused, "failed asset gets", "failed assets get");
        stderr::say(&format!("{got} another try with the next `run` or the running `serve`"));
        return Ok(ExitStatus::Done);
    };
    let asset = find_asset(&*store, &typed).await?;
    match store.redrive(&asset).await {
        Ok(()) => {
            wiring::seal(&config, &*store).await?;
            stderr::say(&format!("{asset} gets another try with the next `run` or the running `serve`"));
            Ok(ExitStatus::Done)
        }
        Err(error) if error.kind == ErrorKind::Conflict => Err(Failure::Usage(format!(
            "{asset}: {}; `reelgate why {asset}` shows its history",
            error.detail
        ))),
        Err(error) => Err(error.into()),
    }
}
