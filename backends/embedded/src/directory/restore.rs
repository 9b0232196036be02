//! Restores a quarantined asset: its outputs by one rename, its source to a path where tasks can read it.

use std::fs;
use std::path::Path;

use reelgate_flow::ids::AssetId;
use reelgate_ports::error::{Port, PortError, PortResult};
use reelgate_ports::objects::{Restored, Turn};
use reelgate_ports::records::SourceRecord;

use super::home_directory::HomeDirectory;
use super::location::{asset_name, kept_outputs, names};
use super::owner;
use super::publish::put_back;
use super::turn::TurnDirectory;
use super::{files, withdrawal_record};
use crate::paths::Location;

const WHAT: &str = "restore a source";

/// Restores; doing it again changes nothing.
pub(super) fn restore(
    inner: &HomeDirectory,
    turn: &Turn,
    path: &str,
    source: &SourceRecord,
) -> PortResult<Restored> {
    let asset = &turn.asset;
    let turn = TurnDirectory::take(inner, turn)?;
    let target = inner.home.join("published").join(names(path)?);
    let kept = kept_outputs(inner, asset)?;
    {
        let _order = inner.order()?;
        if kept.exists() {
            put_back(inner, &turn, &kept, &target)?;
        }
    }
    let shown = owner::read(&target)?.is_some_and(|owner| owner.asset == *asset);
    let source_location = bring_back(inner, &turn, asset, source)?;
    withdrawal_record::forget(inner, &turn, asset)?;
    let published_location = shown.then(|| target.to_string_lossy().into_owned());
    Ok(Restored { source_location, published_location })
}

/// Moves the source out of quarantine; if it is not there, it was never quarantined and is not moved.
fn bring_back(
    inner: &HomeDirectory,
    turn: &TurnDirectory,
    asset: &AssetId,
    source: &SourceRecord,
) -> PortResult<String> {
    let name = format!("{}/source", asset_name(asset)?);
    let (from, to) = (inner.home.join("quarantine").join(&name), inner.home.join("released").join(&name));
    let released = Location::Released(name).to_string();
    if from.exists() {
        let dir = to.parent().unwrap_or(&inner.home);
        files::make_dirs(dir).map_err(|e| PortError::io(Port::Objects, WHAT, &e))?;
        let moving = turn.source("released");
        take(&from, &moving).and_then(|()| files::rename(&moving, &to)).map_err(|e| turn.error(WHAT, &e))?;
        files::sync_dir(dir).map_err(|e| PortError::io(Port::Objects, WHAT, &e))?;
    }
    Ok(if to.exists() { released } else { source.location.clone() })
}

fn take(from: &Path, to: &Path) -> std::io::Result<()> {
    match files::rename_to_free(from, to) {
        // Directories of the home may be mounted from elsewhere.
        Err(rustix::io::Errno::XDEV) => {
            files::copy_whole(&mut fs::File::open(from)?, to)?;
            files::remove_file(from)
        }
        moved => Ok(moved?),
    }
}
