//! Restores a quarantined asset: its outputs by one rename, its source to a path where tasks can read it.

use std::fs;
use std::path::Path;

use reelgate_flow::ids::AssetId;
use reelgate_ports::error::{Port, PortError, PortResult};
use reelgate_ports::objects::Restored;
use reelgate_ports::records::SourceRecord;
use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::home_directory::HomeDirectory;
use super::location::{asset_name, kept_outputs, names};
use super::publish::{Owner, put_back};
use super::{files, withdrawal_record};
use crate::paths::Location;

const WHAT: &str = "restore a source";

/// Restores; doing it again changes nothing.
pub(super) fn restore(
    inner: &HomeDirectory,
    asset: &AssetId,
    path: &str,
    source: &SourceRecord,
) -> PortResult<Restored> {
    let target = inner.home.join("published").join(names(path)?);
    let kept = kept_outputs(inner, asset)?;
    {
        let _order = inner.order()?;
        if kept.exists() {
            put_back(inner, &kept, &target)?;
        }
    }
    let shown = Owner::read(&target)?.is_some_and(|owner| owner.asset == *asset);
    let source_location = bring_back(inner, asset, source)?;
    withdrawal_record::forget(inner, asset)?;
    let published_location = shown.then(|| target.to_string_lossy().into_owned());
    Ok(Restored { source_location, published_location })
}

/// Moves the source out of quarantine; if it is not there, it was never quarantined and is not moved.
fn bring_back(inner: &HomeDirectory, asset: &AssetId, source: &SourceRecord) -> PortResult<String> {
    let name = format!("{}/source", asset_name(asset)?);
    let (from, to) = (inner.home.join("quarantine").join(&name), inner.home.join("released").join(&name));
    let released = Location::Released(name).to_string();
    if from.exists() {
        let dir = to.parent().unwrap_or(&inner.home);
        files::make_dirs(dir).map_err(|e| PortError::io(Port::Objects, WHAT, &e))?;
        take(&from, &to).map_err(|e| PortError::io(Port::Objects, WHAT, &e))?;
        files::sync_dir(dir).map_err(|e| PortError::io(Port::Objects, WHAT, &e))?;
    }
    Ok(if to.exists() { released } else { source.location.clone() })
}

fn take(from: &Path, to: &Path) -> std::io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Directories of the home may be mounted from elsewhere.
        Err(rustix::io::Errno::XDEV) => {
            files::copy_whole(&mut fs::File::open(from)?, to)?;
            fs::remove_file(from)
        }
        moved => Ok(moved?),
    }
}
