//! Keeps what others would remove or replace: the source of an asset under hold, which its producer may replace, and outputs
//! in whose place a newer version's are about to become visible.

use std::fs;
use std::io;
use std::path::Path;

use reelgate_flow::ids::AssetId;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::objects::Owner;
use reelgate_ports::records::{KeptSource, SourceRecord};

use super::files;
use super::home_directory::HomeDirectory;
use super::location::{SourceLocation, asset_name, kept_outputs};
use super::owner;
use super::source::{is_unchanged, open_plain};
use super::turn::TurnDirectory;
use crate::paths::Location;

const KEEP_SOURCE: &str = "keep a source under hold";
const KEEP_OUTPUTS: &str = "keep the outputs that are replaced";

/// Copies the bytes of a source, because its producer may write into the file itself, not only replace it.
pub(super) fn keep_source(
    inner: &HomeDirectory,
    asset: &AssetId,
    source: &SourceRecord,
) -> PortResult<KeptSource> {
    let place = SourceLocation::of(source)?;
    if !place.is_others() {
        return Ok(KeptSource::Already);
    }
    let location = Location::Released(format!("{}/source", asset_name(asset)?)).to_string();
    let copy = SourceRecord { location: location.clone(), ..source.clone() };
    let target = SourceLocation::of(&copy)?.path(inner);
    // Copies are whole or absent.
    if target.exists() {
        return Ok(KeptSource::Copied(location));
    }
    let (mut file, meta) = match open_plain(inner, &place, KEEP_SOURCE) {
        Err(error) if matches!(error.kind, ErrorKind::Missing | ErrorKind::Conflict) => {
            return Ok(KeptSource::Gone);
        }
        opened => opened?,
    };
    if !is_unchanged(source, &place, &meta) {
        return Ok(KeptSource::Gone);
    }
    let dir = target.parent().unwrap_or(&inner.home);
    let mut whole = || -> io::Result<bool> {
        files::make_dirs(dir)?;
        files::copy_whole(&mut file, &target)?;
        // What was written into the file meanwhile may be in the copy.
        let unchanged = is_unchanged(source, &place, &file.metadata()?);
        if !unchanged {
            fs::remove_file(&target)?;
        }
        files::sync_dir(dir)?;
        Ok(unchanged)
    };
    let copied = whole().map_err(|e| PortError::io(Port::Objects, KEEP_SOURCE, &e))?;
    Ok(if copied { KeptSource::Copied(location) } else { KeptSource::Gone })
}

/// Links what another asset has at `target` into its place in the quarantine, before it is replaced: whole, so that a crash
/// leaves all of it in one of the two places.
pub(super) fn keep_replaced(
    inner: &HomeDirectory,
    turn: &TurnDirectory,
    target: &Path,
    replaced: &Owner,
) -> PortResult<()> {
    let kept = kept_outputs(inner, &replaced.asset)?;
    if owner::read(&kept)?.as_ref() == Some(replaced) {
        return Ok(());
    }
    let failed = |error: io::Error| turn.error(KEEP_OUTPUTS, &error);
    let part = turn.path("kept");
    files::remove_tree(&part).map_err(failed)?;
    turn.make_dir("kept")?;
    link_tree(target, &part).map_err(failed)?;
    if owner::read(&part)?.as_ref() != Some(replaced) {
        let detail = "expected the outputs that are replaced, found others at their path";
        return Err(PortError::new(Port::Objects, ErrorKind::Unavailable, KEEP_OUTPUTS, detail));
    }
    let apart = kept.parent().unwrap_or(&inner.home);
    files::make_dirs(apart).map_err(failed)?;
    // Of an earlier publication of that asset. What is kept now is still visible, so a crash in between loses nothing.
    if kept.exists() {
        files::rename(&kept, &turn.path("outdated")).map_err(failed)?;
    }
    files::rename(&part, &kept).map_err(failed)?;
    files::sync_dir(apart).map_err(failed)?;
    files::remove_tree(&turn.path("outdated")).map_err(failed)
}

fn link_tree(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::create_dir(&target)?;
            link_tree(&entry.path(), &target)?;
        } else {
            files::link_or_copy(&entry.path(), &target)?;
        }
    }
    // The same permissions as where it was visible, for a release.
    fs::set_permissions(to, fs::metadata(from)?.permissions())?;
    files::sync_dir(to)
}
