//! Taking an asset's outputs away and setting its source apart.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use reelgate_flow::asset::Door;
use reelgate_flow::ids::AssetId;
use reelgate_ports::error::{PortError, PortResult, Trouble};
use reelgate_ports::records::SourceRecord;
use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::location::{Place, names};
use super::publish::Owner;
use super::source::open_plain;
use super::staging::{asset_name, discard};
use super::{Inner, TRASH, files};
use crate::paths::{Location, version_of};

const WHAT: &str = "withdraw outputs";
const SET_APART: &str = "set the source apart";

/// Removes outputs, then sets the source apart. Doing it again changes nothing.
///
/// Staged files go first: a publisher that is still at work then has nothing left to link together, and what it
/// made visible before is removed after.
pub(super) fn withdraw(
    inner: &Inner,
    asset: &AssetId,
    published_path: Option<&str>,
    source: &SourceRecord,
    door: Door,
) -> PortResult<String> {
    discard(inner, asset)?;
    if let Some(path) = published_path {
        hide(inner, asset, path)?;
    }
    match (door, Place::of(source)?) {
        // The newer version stands in its place; and what is outside the home is not ours to move.
        (Door::Supersede, _) | (Door::Reject, Place::Outside(_)) => Ok(source.location.clone()),
        (Door::Reject, place) => set_apart(inner, asset, source, &place, Location::Rejected),
        (Door::Quarantine, place) => set_apart(inner, asset, source, &place, Location::Quarantine),
    }
}

/// Makes a publication of this asset vanish at once, then removes it.
fn hide(inner: &Inner, asset: &AssetId, path: &str) -> PortResult<()> {
    let target = inner.home.join("published").join(names(path)?);
    let trash = inner.home.join(TRASH).join(asset_name(asset)?);
    let gone = || -> io::Result<()> {
        files::remove_tree(&trash)?;
        files::make_private_dirs(&inner.home.join(TRASH))?;
        fs::rename(&target, &trash)?;
        remove_empty_parents(inner, &target)?;
        files::remove_tree(&trash)
    };
    let _order = inner.order()?;
    // What another asset has at this path is not this one's to remove.
    if Owner::read(&target)?.is_none_or(|owner| owner.asset != *asset) {
        return Ok(());
    }
    gone().map_err(|e| PortError::io(WHAT, &e))
}

/// Removes the directories above a removed publication that are now empty; makes the rest durable.
fn remove_empty_parents(inner: &Inner, target: &Path) -> io::Result<()> {
    let published = inner.home.join("published");
    for parent in target.ancestors().skip(1) {
        if parent == published || fs::remove_dir(parent).is_err() {
            return files::sync_dir(parent);
        }
    }
    Ok(())
}

/// Moves (or, from outside the home, copies) the source to its new place; returns that.
fn set_apart(
    inner: &Inner,
    asset: &AssetId,
    source: &SourceRecord,
    place: &Place,
    to: fn(String) -> Location,
) -> PortResult<String> {
    // Not the key's name: that may be long, hostile or personal.
    let name = format!("{}/source", asset_name(asset)?);
    let moved = to(name).to_string();
    let target = Place::of(&SourceRecord { location: moved.clone(), ..source.clone() })?.path(inner);
    if source.location == moved || target.exists() {
        return Ok(moved);
    }
    let mut file = match open_plain(inner, place, SET_APART) {
        Ok((file, meta)) if version_of(&meta).0 == source.id.version => file,
        // Replaced or gone: there is nothing of this version to set apart.
        Ok(_) => return Ok(source.location.clone()),
        Err(error) if matches!(error.trouble, Trouble::Missing | Trouble::Conflict) => {
            return Ok(source.location.clone());
        }
        Err(error) => return Err(error),
    };
    let dir = target.parent().unwrap_or(&inner.home);
    files::make_private_dirs(dir).map_err(|e| io_error(&e))?;
    let took = match place {
        Place::Outside(_) => files::copy_whole(&mut file, &target).map(|()| true),
        Place::Home { .. } => take(&place.path(inner), &mut file, &target, &source.id.version),
    };
    if !took.map_err(|e| io_error(&e))? {
        return Ok(source.location.clone());
    }
    files::sync_dir(dir).map_err(|e| io_error(&e))?;
    Ok(moved)
}

/// Moves a file of the home. False where a newer upload took its place in the meantime: that one stays.
fn take(from: &Path, file: &mut File, target: &Path, version: &str) -> io::Result<bool> {
    match renameat_with(CWD, from, CWD, target, RenameFlags::NOREPLACE) {
        Ok(()) => {}
        // Directories of the home may be mounted from elsewhere.
        Err(rustix::io::Errno::XDEV) => {
            files::copy_whole(file, target)?;
            if version_of(&fs::symlink_metadata(from)?).0 == version {
                fs::remove_file(from)?;
            }
            return Ok(true);
        }
        Err(error) => return Err(error.into()),
    }
    if version_of(&fs::symlink_metadata(target)?).0 == version {
        return Ok(true);
    }
    // Back again, unless something newer still is there by now; then this one was replaced anyway.
    match renameat_with(CWD, target, CWD, from, RenameFlags::NOREPLACE) {
        Err(rustix::io::Errno::EXIST) => fs::remove_file(target)?,
        returned => returned?,
    }
    Ok(false)
}

fn io_error(error: &io::Error) -> PortError {
    PortError::io(SET_APART, error)
}
