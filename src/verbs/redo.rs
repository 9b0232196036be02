//! `reelgate redo`.

use reelgate_flow::asset::Redo;
use reelgate_flow::ids::AssetId;
use reelgate_pipelines::recipes::package::CAPTIONS_CODEC;
use reelgate_ports::error::ErrorKind;
use reelgate_ports::store::Store;

use crate::cli::{GlobalArgs, RedoArgs};
use crate::config::Config;
use crate::exit::{ExitStatus, Failure};
use crate::output::stderr;
use crate::verbs::find_asset;
use crate::wiring;

/// Orders that part of a published asset is made again; the next `run` or the running `serve` does the work.
pub async fn redo(global: &GlobalArgs, args: RedoArgs) -> Result<ExitStatus, Failure> {
    let config = Config::load(global).await?;
    let store = wiring::existing_store(&config).await?;
    let asset = find_asset(&*store, &args.asset).await?;
    let what = match (&args.stage, &args.rendition) {
        (Some(stage), _) => Redo::parse(stage)
            .ok_or_else(|| Failure::Usage(format!("--stage: found the unknown stage `{stage}`")))?,
        (None, Some(name)) => task_of(&*store, &asset, name).await?,
        (None, None) => return Err(Failure::Usage("expected --stage or --rendition".to_owned())),
    };
    match store.redo(&asset, what).await {
        Ok(()) => {
            wiring::seal(&config, &*store).await?;
            let begun = format!("{asset} is redone from {}", what.as_str());
            stderr::say(&format!(
                "{begun} with the next `run` or by the running `serve`; its outputs stay until then"
            ));
            Ok(ExitStatus::Done)
        }
        Err(error) if error.kind == ErrorKind::Conflict => {
            let why = format!("{asset}: {}; `reelgate why {asset}` shows its history", error.detail);
            Err(Failure::Usage(why))
        }
        Err(error) => Err(error.into()),
    }
}

/// The encodes that make a rendition.
async fn task_of(store: &dyn Store, asset: &AssetId, name: &str) -> Result<Redo, Failure> {
    let renditions = store.asset(asset).await?.renditions;
    if let Some(rendition) = renditions.iter().find(|rendition| rendition.name == name) {
        // Audio has no picture, and so no size.
        // Captions are made with the playlists.
        let is_text = rendition.codec == CAPTIONS_CODEC;
        return Ok(match rendition.width {
            0 if is_text => Redo::Package,
            0 => Redo::Audio,
            _ => Redo::Video,
        });
    }
    let names: Vec<&str> = renditions.iter().map(|rendition| rendition.name.as_str()).collect();
    let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    Err(Failure::Usage(format!("{asset}: expected one of its renditions ({known}), found `{name}`")))
}
