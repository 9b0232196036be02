//! Withdraws an asset's outputs and moves its source: planned, done, and proved.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use reelgate_flow::asset::Exit;
use reelgate_flow::ids::AssetId;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::objects::{Turn, Withdrawn};
use reelgate_ports::records::SourceRecord;

use super::files;
use super::home_directory::HomeDirectory;
use super::location::{SourceLocation, asset_name, kept_outputs, names};
use super::owner;
use super::source::{is_recorded, open_plain};
use super::staging::discard;
use super::turn::TurnDirectory;
use super::withdrawal_record::{self, Scene};
use crate::paths::Location;

const WHAT: &str = "withdraw outputs";
const MOVE_SOURCE: &str = "move the source to its area";
const ERASE: &str = "erase the source";

/// Removes outputs, then moves the source. Doing it again changes nothing.
///
/// The plan of what to remove is written first, so that the record is complete even after a crash. Staged files are
/// removed before visible ones: a publisher that still runs then has nothing left to link, and what it has published
/// before is removed afterwards.
pub(super) fn withdraw(
    inner: &HomeDirectory,
    turn: &Turn,
    published_path: Option<&str>,
    source: &SourceRecord,
    exit: Exit,
    keep: bool,
) -> PortResult<Withdrawn> {
    let asset = &turn.asset;
    let place = SourceLocation::of(source)?;
    let upload = SourceLocation::of_upload(source);
    let scene = Scene { inner, asset, path: published_path, source, place: &place, upload: upload.as_ref() };
    let turn = TurnDirectory::take(inner, turn)?;
    let mut withdrawal_record = withdrawal_record::planned(&scene, &turn, exit)?;
    turn.check()?;
    discard(inner, asset)?;
    if let Some(path) = published_path {
        hide(inner, &turn, asset, path, keep)?;
    }
    if !keep {
        let kept = kept_outputs(inner, asset)?;
        if kept.exists() {
            let removed = turn.path("removed");
            files::rename(&kept, &removed).map_err(|e| turn.error(WHAT, &e))?;
            files::remove_tree(&removed).map_err(|e| turn.error(WHAT, &e))?;
        }
    }
    let source_location = match (exit, &place) {
        // The newer version is at its path; and a file outside the home is never moved.
        (Exit::Supersede, _) | (Exit::Reject, SourceLocation::Outside(_)) => source.location.clone(),
        (Exit::Reject, _) => move_source(inner, &turn, asset, source, &place, "rejected")?,
        (Exit::Quarantine, _) => move_source(inner, &turn, asset, source, &place, "quarantine")?,
        (Exit::Erase, _) => {
            turn.check()?;
            erase_source(&scene)?;
            source.location.clone()
        }
    };
    // The copy of a source under hold was moved; its upload holds the same.
    if exit != Exit::Supersede && !place.is_others() {
        turn.check()?;
        remove_upload(&scene)?;
    }
    withdrawal_record.looked_at = withdrawal_record::prove(&scene, exit, &withdrawal_record)?;
    Ok(Withdrawn { source_location, withdrawal_record })
}

/// Removes the source from every path a withdrawal may have moved it to, and from its upload path if it is still this
/// version.
fn erase_source(scene: &Scene<'_>) -> PortResult<()> {
    let name = asset_name(scene.asset)?;
    for area in ["rejected", "released"] {
        let dir = scene.inner.home.join(area).join(name);
        files::remove_tree(&dir).map_err(|e| PortError::io(Port::Objects, ERASE, &e))?;
    }
    let apart = scene.inner.home.join("quarantine").join(name).join("source");
    files::absent_is_fine(fs::remove_file(apart)).map_err(|e| PortError::io(Port::Objects, ERASE, &e))?;
    remove_upload(scene)
}

/// Removes the upload if it is still this version.
fn remove_upload(scene: &Scene<'_>) -> PortResult<()> {
    let Some(upload) = scene.upload else { return Ok(()) };
    if withdrawal_record::is_readable(scene, upload)? {
        let path = upload.path(scene.inner);
        files::absent_is_fine(fs::remove_file(&path)).map_err(|e| PortError::io(Port::Objects, ERASE, &e))?;
        let dir = path.parent().unwrap_or(&scene.inner.home);
        files::sync_dir(dir).map_err(|e| PortError::io(Port::Objects, ERASE, &e))?;
    }
    Ok(())
}

/// Hides a publication of this asset by one rename, then removes it unless it is kept.
fn hide(
    inner: &HomeDirectory,
    turn: &TurnDirectory,
    asset: &AssetId,
    path: &str,
    keep: bool,
) -> PortResult<()> {
    let target = inner.home.join("published").join(names(path)?);
    let failed = |error: io::Error| turn.error(WHAT, &error);
    let is_ours =
        |dir: &Path| -> PortResult<bool> { Ok(owner::read(dir)?.is_some_and(|owner| owner.asset == *asset)) };
    let moving = turn.outputs();
    {
        let _order = inner.order()?;
        // What another asset has at this path is not this one's to remove.
        if !is_ours(&target)? {
            return Ok(());
        }
        files::rename(&target, &moving).map_err(failed)?;
        if !is_ours(&moving)? {
            // Somebody who did not wait for the lock has just published there.
            files::rename(&moving, &target).map_err(failed)?;
            let detail = "expected nobody else to publish at the output path, found others' outputs";
            return Err(PortError::new(Port::Objects, ErrorKind::Unavailable, WHAT, detail));
        }
        remove_empty_parents(inner, &target).map_err(failed)?;
    }
    if keep {
        let kept = kept_outputs(inner, asset)?;
        let apart = kept.parent().unwrap_or(&inner.home);
        files::make_dirs(apart).map_err(failed)?;
        // Of an earlier publication: what was visible until now is newer.
        if kept.exists() {
            files::rename(&kept, &turn.path("outdated")).map_err(failed)?;
        }
        files::rename(&moving, &kept).map_err(failed)?;
        files::sync_dir(apart).map_err(failed)?;
        return files::remove_tree(&turn.path("outdated")).map_err(failed);
    }
    files::remove_tree(&moving).map_err(failed)
}

/// Removes the directories above a removed publication that are now empty; makes the rest durable.
fn remove_empty_parents(inner: &HomeDirectory, target: &Path) -> io::Result<()> {
    let published = inner.home.join("published");
    for parent in target.ancestors().skip(1) {
        if parent == published || fs::remove_dir(parent).is_err() {
            return files::sync_dir(parent);
        }
    }
    Ok(())
}

/// Moves (or, from outside the home, copies) the source to its new location; returns that.
fn move_source(
    inner: &HomeDirectory,
    turn: &TurnDirectory,
    asset: &AssetId,
    source: &SourceRecord,
    place: &SourceLocation,
    area: &'static str,
) -> PortResult<String> {
    // Not the key's name: that may be long, hostile or personal.
    let name = format!("{}/source", asset_name(asset)?);
    let to = if area == "rejected" { Location::Rejected } else { Location::Quarantine };
    let moved = to(name).to_string();
    let target = SourceLocation::of(&SourceRecord { location: moved.clone(), ..source.clone() })?.path(inner);
    if source.location == moved || target.exists() {
        return Ok(moved);
    }
    let mut file = match open_plain(inner, place, MOVE_SOURCE) {
        Ok((file, meta)) if is_recorded(source, place, &meta) => file,
        // Replaced or gone: there is nothing of this version to move.
        Ok(_) => return Ok(source.location.clone()),
        Err(error) if matches!(error.kind, ErrorKind::Missing | ErrorKind::Conflict) => {
            return Ok(source.location.clone());
        }
        Err(error) => return Err(error),
    };
    let dir = target.parent().unwrap_or(&inner.home);
    files::make_dirs(dir).map_err(|e| io_error(&e))?;
    let took = match place {
        SourceLocation::Outside(_) => files::copy_whole(&mut file, &turn.source(area)).map(|()| true),
        SourceLocation::Home { .. } => take(inner, source, place, &mut file, &turn.source(area)),
    };
    if !took.map_err(|e| turn.error(MOVE_SOURCE, &e))? {
        return Ok(source.location.clone());
    }
    files::rename(&turn.source(area), &target).map_err(|e| turn.error(MOVE_SOURCE, &e))?;
    files::sync_dir(dir).map_err(|e| io_error(&e))?;
    Ok(moved)
}

/// Moves a file of the home. False if a newer upload has replaced it in the meantime: that one stays.
fn take(
    inner: &HomeDirectory,
    source: &SourceRecord,
    place: &SourceLocation,
    file: &mut File,
    target: &Path,
) -> io::Result<bool> {
    let from = &place.path(inner);
    match files::rename_to_free(from, target) {
        Ok(()) => {}
        // Directories of the home may be mounted from elsewhere.
        Err(rustix::io::Errno::XDEV) => {
            files::copy_whole(file, target)?;
            if is_recorded(source, place, &fs::symlink_metadata(from)?) {
                files::remove_file(from)?;
            }
            return Ok(true);
        }
        Err(error) => return Err(error.into()),
    }
    if is_recorded(source, place, &fs::symlink_metadata(target)?) {
        return Ok(true);
    }
    // Back again, unless something newer still is there by now; then this one was replaced anyway.
    match files::rename_to_free(target, from) {
        Err(rustix::io::Errno::EXIST) => files::remove_file(target)?,
        returned => returned?,
    }
    Ok(false)
}

fn io_error(error: &io::Error) -> PortError {
    PortError::io(Port::Objects, MOVE_SOURCE, error)
}
