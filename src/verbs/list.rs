//! `reelgate list`.

use reelgate_flow::asset::Phase;
use reelgate_ports::store::{AssetFilter, ListFrom};

use crate::cli::{GlobalArgs, ListArgs};
use crate::config::Config;
use crate::exit::{ExitStatus, Failure};
use crate::output::stderr;
use crate::output::table::{self, clean};
use crate::verbs::{asset_line, find_asset, local_time, to_json};
use crate::wiring;

/// Prints a page of the home's assets, newest first.
pub async fn list(global: &GlobalArgs, args: ListArgs) -> Result<ExitStatus, Failure> {
    let phases = args.state.iter().map(|word| phase(word)).collect::<Result<Vec<_>, _>>()?;
    let metadata = args.r#where.iter().map(|word| pair(word)).collect::<Result<Vec<_>, _>>()?;
    let config = Config::load(global).await?;
    let store = wiring::existing_store(&config).await?;
    let before = match &args.before {
        Some(typed) => Some(find_asset(&*store, typed).await?),
        None => None,
    };
    let filter = AssetFilter { phases, metadata, limit: args.limit, from: ListFrom::Newest(before) };
    let assets = store.assets(&filter).await?;
    if args.json {
        for asset in &assets {
            table::print(&to_json(&asset_line(&*store, &asset.id).await?.1)?)?;
        }
        return Ok(ExitStatus::Done);
    }
    let mut rows = table::narrowing(&[
        ("asset", 0),
        ("state", 0),
        ("verdict", 2),
        ("reason", 1),
        ("received", 3),
        ("source", 0),
    ]);
    for (id, asset) in table::ids(assets.iter().map(|asset| &asset.id)).into_iter().zip(&assets) {
        rows.add_row(vec![
            id.into(),
            table::phase(asset.phase),
            asset.verdict.as_str().into(),
            asset.reason.as_ref().map_or("", |reason| reason.code.as_str()).into(),
            local_time(asset.received_ms).into(),
            comfy_table::Cell::new(clean(&asset.source.id.key)),
        ]);
    }
    table::print(&rows.to_string())?;
    if let Some(last) = assets.last().filter(|_| assets.len() == args.limit as usize) {
        stderr::say(&format!("there may be older ones: add --before {}", last.id));
    }
    Ok(ExitStatus::Done)
}

/// The value is not in the message: it may be personal.
fn pair(word: &str) -> Result<(String, String), Failure> {
    let (name, value) = word
        .split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .ok_or_else(|| Failure::Usage("--where: expected NAME=VALUE, found no name before a `=`".into()))?;
    Ok((name.to_owned(), value.to_owned()))
}

fn phase(word: &str) -> Result<Phase, Failure> {
    Phase::parse(word).ok_or_else(|| {
        let known: Vec<&str> = Phase::ALL.iter().map(|phase| phase.as_str()).collect();
        Failure::Usage(format!("--state: expected one of {}, found `{word}`", known.join(", ")))
    })
}
