//! Publishes outputs: they are assembled out of sight, then appear by one rename.

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use reelgate_flow::ids::{AssetId, Sequencer};
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::objects::{MANIFEST, Publication, PublishItem};
use reelgate_ports::records::SourceRecord;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::files;
use super::home_directory::HomeDirectory;
use super::keep::keep_replaced;
use super::location::{asset_name, names, output};
use super::source::read_at_most;

/// Names the asset of a publication; hidden, and not in its manifest.
pub const OWNER_FILE: &str = ".asset";
/// Largest owner file read, bytes: ids, a hash and a sequencer.
const OWNER_BYTES_MAX: u64 = 4_096;
const WHAT: &str = "publish outputs";

/// The asset of a publication.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Owner {
    pub asset: AssetId,
    key_sha256: String,
    sequencer: Sequencer,
    manifest_sha256: String,
}

impl Owner {
    fn of(publication: &Publication) -> Self {
        Self {
            asset: publication.asset.clone(),
            key_sha256: key_hash(&publication.source),
            sequencer: publication.source.sequencer.clone(),
            manifest_sha256: HEXLOWER.encode(&Sha256::digest(&publication.manifest)),
        }
    }

    /// Reads the owner of a directory; `None` if the directory or its owner file is missing.
    pub(super) fn read(dir: &Path) -> PortResult<Option<Self>> {
        let file = match fs::File::open(dir.join(OWNER_FILE)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error(&error)),
        };
        let read = serde_json::from_reader(file.take(OWNER_BYTES_MAX));
        let corrupt = |_| {
            PortError::new(Port::Objects, ErrorKind::Corrupt, WHAT, "expected an owner file of this version")
        };
        read.map(Some).map_err(corrupt)
    }
}

/// Publishes; doing it again changes nothing.
pub(super) fn publish(inner: &HomeDirectory, publication: &Publication) -> PortResult<String> {
    let target = inner.home.join("published").join(names(&publication.path)?);
    let location = target.to_string_lossy().into_owned();
    let owner = Owner::of(publication);
    if Owner::read(&target)?.as_ref() == Some(&owner) && is_intact(inner, publication, &target)? {
        return Ok(location);
    }
    let assembled = assemble(inner, publication, &owner)?;
    let _order = inner.order()?;
    may_stand(inner, &target, &owner)?;
    keep_replaced(inner, &target, &owner.asset)?;
    show(inner, &assembled, &target).map_err(|e| io_error(&e))?;
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

/// Links all files together below `work/`, the manifest last, everything durable.
fn assemble(inner: &HomeDirectory, publication: &Publication, owner: &Owner) -> PortResult<PathBuf> {
    let dir = inner.home.join("work").join(asset_name(&publication.asset)?).join("publication");
    files::remove_tree(&dir).map_err(|e| io_error(&e))?;
    files::make_dirs(&dir).map_err(|e| io_error(&e))?;
    let mut dirs = vec![dir.clone()];
    for item in &publication.items {
        place(inner, &dir, item, &mut dirs)?;
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

fn place(inner: &HomeDirectory, dir: &Path, item: &PublishItem, dirs: &mut Vec<PathBuf>) -> PortResult<()> {
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
        files::make_dirs(parent).map_err(|e| io_error(&e))?;
    }
    files::allow_reading(&from).map_err(|e| io_error(&e))?;
    files::link_or_copy(&from, &to).map_err(|e| io_error(&e))
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = files::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    files::allow_reading(path)
}

/// Moves a whole directory back to a free path; `Conflict` if the path is taken.
pub(super) fn put_back(inner: &HomeDirectory, kept: &Path, target: &Path) -> PortResult<()> {
    let owner = Owner::read(kept)?;
    let owner = owner.ok_or_else(|| {
        PortError::new(Port::Objects, ErrorKind::Corrupt, WHAT, "expected kept outputs to name their owner")
    })?;
    may_stand(inner, target, &owner)?;
    if target.exists() {
        let detail = "expected a free output path, found another version's outputs";
        return Err(PortError::new(Port::Objects, ErrorKind::Conflict, WHAT, detail));
    }
    show(inner, kept, target).map_err(|e| io_error(&e))
}

/// A publication may take a free path, or the path of an older version of its key.
fn may_stand(inner: &HomeDirectory, target: &Path, owner: &Owner) -> PortResult<()> {
    let conflict = |found: &str| Err(PortError::new(Port::Objects, ErrorKind::Conflict, WHAT, found));
    let published = inner.home.join("published");
    for above in target.ancestors().skip(1).take_while(|above| *above != published) {
        if Owner::read(above)?.is_some() {
            return conflict("expected a free output path, found it inside another upload's outputs");
        }
    }
    match Owner::read(target)? {
        Some(other) if other.key_sha256 != owner.key_sha256 => conflict(
            "expected a free output path, found another upload's; make the path template distinguish keys",
        ),
        Some(other) if other.asset != owner.asset && other.sequencer > owner.sequencer => {
            conflict("expected an older version at the output path, found a newer one")
        }
        None if target.exists() => {
            conflict("expected a free output path, found a directory with others' outputs")
        }
        _ => Ok(()),
    }
}

/// The one rename after which everything is visible; the previous files go to the trash in the same moment.
fn show(inner: &HomeDirectory, assembled: &Path, target: &Path) -> io::Result<()> {
    let parent = target.parent().unwrap_or(&inner.home);
    for made in make_readable_dirs(parent)? {
        files::sync_dir(made.parent().unwrap_or(&inner.home))?;
    }
    match renameat_with(CWD, assembled, CWD, target, RenameFlags::NOREPLACE) {
        Err(rustix::io::Errno::EXIST) => {
            renameat_with(CWD, assembled, CWD, target, RenameFlags::EXCHANGE)?;
            files::sync_dir(parent)?;
            files::remove_tree(assembled)
        }
        renamed => {
            renamed?;
            files::sync_dir(parent)
        }
    }
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

fn key_hash(source: &SourceRecord) -> String {
    HEXLOWER.encode(
        &Sha256::new()
            .chain_update(&source.id.bucket)
            .chain_update([0])
            .chain_update(&source.id.key)
            .finalize(),
    )
}

fn io_error(error: &io::Error) -> PortError {
    PortError::io(Port::Objects, WHAT, error)
}
