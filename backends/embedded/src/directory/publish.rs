//! Publishes outputs: they are assembled out of sight, then appear by one rename.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::objects::{MANIFEST, Owner, Publication, PublishItem};

use super::files;
use super::home_directory::HomeDirectory;
use super::keep::keep_replaced;
use super::location::{names, output};
use super::owner::{self, OWNER_FILE};
use super::source::read_at_most;
use super::turn::TurnDirectory;

const WHAT: &str = "publish outputs";

/// Publishes; doing it again changes nothing.
pub(super) fn publish(inner: &HomeDirectory, publication: &Publication) -> PortResult<String> {
    let target = inner.home.join("published").join(names(&publication.path)?);
    let location = target.to_string_lossy().into_owned();
    let owner = Owner::of(publication);
    let turn = TurnDirectory::take(inner, &publication.turn)?;
    if owner::read(&target)?.as_ref() == Some(&owner) && is_intact(inner, publication, &target)? {
        return Ok(location);
    }
    let assembled = assemble(inner, &turn, publication, &owner)?;
    let _order = inner.order()?;
    let replaced = may_stand(inner, &target, &owner)?;
    if let Some(replaced) = replaced.as_ref().filter(|replaced| replaced.asset != owner.asset) {
        keep_replaced(inner, &turn, &target, replaced)?;
    }
    show(inner, &turn, &assembled, &target, replaced.as_ref())?;
    Ok(location)
}

/// Whether every file is there and equals the staged one, if that still exists: a redo also repairs files that somebody
/// removed or changed.
fn is_intact(inner: &HomeDirectory, publication: &Publication, target: &Path) -> PortResult<bool> {
    for item in &publication.items {
        let Ok(shown) = fs::symlink_metadata(target.join(names(&item.name)?)) else { return Ok(false) };
        let staged = fs::symlink_metadata(output(inner, &item.staged.location)?);
        let other = staged.is_ok_and(|staged| (staged.dev(), staged.ino()) != (shown.dev(), shown.ino()));
        if !shown.is_file() || shown.len() != item.staged.size_bytes || other {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Reads the manifest of a publication; `None` if there is none.
pub(super) fn manifest(inner: &HomeDirectory, location: &str, bytes_max: u64) -> PortResult<Option<Vec<u8>>> {
    let what = "read a manifest";
    let file = match fs::File::open(output(inner, location)?) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(PortError::io(Port::Objects, what, &error)),
    };
    let size_bytes = file.metadata().map_err(|e| PortError::io(Port::Objects, what, &e))?.len();
    read_at_most(file, size_bytes, bytes_max, what).map(Some)
}

/// Links all files together in the directory of the turn, the manifest last, everything durable.
fn assemble(
    inner: &HomeDirectory,
    turn: &TurnDirectory,
    publication: &Publication,
    owner: &Owner,
) -> PortResult<PathBuf> {
    let dir = turn.path("publication");
    files::remove_tree(&dir).map_err(|e| io_error(&e))?;
    turn.make_dir("publication")?;
    let mut dirs = vec![dir.clone()];
    for item in &publication.items {
        place(inner, turn, &dir, item, &mut dirs)?;
    }
    let owner = serde_json::to_vec(owner)
        .map_err(|error| PortError::new(Port::Objects, ErrorKind::Invalid, WHAT, error.to_string()))?;
    write(&dir.join(OWNER_FILE), &owner).map_err(|e| io_error(&e))?;
    write(&dir.join(MANIFEST), &publication.manifest).map_err(|e| io_error(&e))?;
    dirs.sort();
    dirs.dedup();
    for made in dirs.iter().rev() {
        files::allow_reading(made).and_then(|()| files::sync_dir(made)).map_err(|e| io_error(&e))?;
    }
    Ok(dir)
}

fn place(
    inner: &HomeDirectory,
    turn: &TurnDirectory,
    dir: &Path,
    item: &PublishItem,
    dirs: &mut Vec<PathBuf>,
) -> PortResult<()> {
    let from = output(inner, &item.staged.location)?;
    let found = fs::symlink_metadata(&from).map_err(|e| io_error(&e))?;
    if !found.is_file() || found.len() != item.staged.size_bytes {
        let detail = format!("expected {} bytes, found {}", item.staged.size_bytes, found.len());
        return Err(PortError::new(Port::Objects, ErrorKind::Corrupt, WHAT, detail));
    }
    let name = names(&item.name)?;
    let to = dir.join(name);
    for parent in name.ancestors().skip(1).filter(|parent| !parent.as_os_str().is_empty()) {
        dirs.push(dir.join(parent));
    }
    if let Some(parent) = to.parent() {
        turn.check()?;
        files::make_dirs(parent).map_err(|e| io_error(&e))?;
    }
    files::allow_reading(&from).map_err(|e| io_error(&e))?;
    files::link_or_copy(&from, &to).map_err(|e| turn.error(WHAT, &e))
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = files::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    files::allow_reading(path)
}

/// Moves a whole directory back to a free path; `Conflict` if the path is taken.
pub(super) fn put_back(
    inner: &HomeDirectory,
    turn: &TurnDirectory,
    kept: &Path,
    target: &Path,
) -> PortResult<()> {
    let owner = owner::read(kept)?;
    let owner = owner.ok_or_else(|| {
        PortError::new(Port::Objects, ErrorKind::Corrupt, WHAT, "expected kept outputs to name their owner")
    })?;
    may_stand(inner, target, &owner)?;
    if target.exists() {
        let detail = "expected a free output path, found another version's outputs";
        return Err(PortError::new(Port::Objects, ErrorKind::Conflict, WHAT, detail));
    }
    let moving = turn.outputs();
    files::rename(kept, &moving).map_err(|e| turn.error(WHAT, &e))?;
    show(inner, turn, &moving, target, None)
}

/// A publication may take a free path, or the path of an older version of its key; returns the owner of that.
fn may_stand(inner: &HomeDirectory, target: &Path, owner: &Owner) -> PortResult<Option<Owner>> {
    let conflict = |found: &str| Err(PortError::new(Port::Objects, ErrorKind::Conflict, WHAT, found));
    let published = inner.home.join("published");
    for above in target.ancestors().skip(1).take_while(|above| *above != published) {
        if owner::read(above)?.is_some() {
            return conflict("expected a free output path, found it inside another upload's outputs");
        }
    }
    match owner::read(target)? {
        Some(other) if other.key_sha256 != owner.key_sha256 => conflict(
            "expected a free output path, found another upload's; make the path template distinguish keys",
        ),
        Some(other) if other.asset != owner.asset && other.sequencer > owner.sequencer => {
            conflict("expected an older version at the output path, found a newer one")
        }
        None if target.exists() => {
            conflict("expected a free output path, found a directory with others' outputs")
        }
        found => Ok(found),
    }
}

/// The one rename after which everything is visible; the previous files go to the trash in the same moment.
/// `expected` is the owner of the previous files.
fn show(
    inner: &HomeDirectory,
    turn: &TurnDirectory,
    assembled: &Path,
    target: &Path,
    expected: Option<&Owner>,
) -> PortResult<()> {
    let failed = |error: io::Error| turn.error(WHAT, &error);
    let parent = target.parent().unwrap_or(&inner.home);
    turn.check()?;
    for made in make_readable_dirs(parent).map_err(failed)? {
        files::sync_dir(made.parent().unwrap_or(&inner.home)).map_err(failed)?;
    }
    match files::rename_to_free(assembled, target) {
        Err(rustix::io::Errno::EXIST) => {}
        renamed => {
            renamed.map_err(|error| failed(error.into()))?;
            return files::sync_dir(parent).map_err(failed);
        }
    }
    files::exchange(assembled, target).map_err(failed)?;
    if owner::read(assembled)?.as_ref() != expected {
        // Somebody who did not wait for the lock was faster.
        files::exchange(assembled, target).map_err(failed)?;
        let detail = "expected nobody else to publish at the output path, found others' outputs";
        return Err(PortError::new(Port::Objects, ErrorKind::Unavailable, WHAT, detail));
    }
    files::sync_dir(parent).map_err(failed)?;
    files::remove_tree(assembled).map_err(failed)
}

/// Creates the directories above a publication; returns the new ones.
fn make_readable_dirs(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut missing: Vec<PathBuf> =
        dir.ancestors().take_while(|above| !above.exists()).map(Path::to_owned).collect();
    missing.reverse();
    for made in &missing {
        files::make_dirs(made)?;
        files::allow_reading(made)?;
    }
    Ok(missing)
}

fn io_error(error: &io::Error) -> PortError {
    PortError::io(Port::Objects, WHAT, error)
}
