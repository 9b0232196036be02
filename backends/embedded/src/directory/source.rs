//! Reading uploads: at exactly the recorded version, and only if they are plain files.
//!
//! A version is told by device, inode, size and time of change. Whoever writes into the file and sets that time back leaves
//! all four as they were, but not the inode's own time (ctime): no program can set it. It also moves when only mode, owner or
//! links change, so the engine may accept a file with another ctime by its hash, see [`restamped`].

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;

use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::objects::OpenSource;
use reelgate_ports::records::SourceRecord;
use rustix::fs::{Mode, OFlags, ResolveFlags, openat, openat2};
use rustix::io::Errno;

use super::home_directory::HomeDirectory;
use super::location::SourceLocation;
use crate::paths::{FILE_BUCKET, version_of};

/// Opens a source for reading.
pub(super) fn open(inner: &HomeDirectory, source: &SourceRecord) -> PortResult<OpenSource> {
    let what = "open the source";
    let place = SourceLocation::of(source)?;
    let (file, meta) = open_plain(inner, &place, what)?;
    if !is_unchanged(source, &place, &meta) {
        return Err(another(what));
    }
    Ok(OpenSource { file, size_bytes: meta.size(), fetched_bytes: 0, is_kept: true })
}

/// The record of a source with the ctime that it has now.
pub(super) fn restamped(inner: &HomeDirectory, source: &SourceRecord) -> PortResult<SourceRecord> {
    let what = "look at the source again";
    let place = SourceLocation::of(source)?;
    let (_, meta) = open_plain(inner, &place, what)?;
    if !is_recorded(source, &place, &meta) {
        return Err(another(what));
    }
    Ok(SourceRecord { sequencer: version_of(&meta).1, ..source.clone() })
}

/// Whether nothing of a file has changed since it was recorded: what is read from it is the recorded upload.
pub(super) fn is_unchanged(source: &SourceRecord, place: &SourceLocation, meta: &Metadata) -> bool {
    let is_where_uploaded = place.is_others() && !may_be_copy(source, place);
    is_recorded(source, place, meta) && (!is_where_uploaded || version_of(meta).1 == source.sequencer)
}

/// A copy has another inode and time, so only the size can be compared. Nobody else writes where copies are.
fn may_be_copy(source: &SourceRecord, place: &SourceLocation) -> bool {
    source.id.bucket == FILE_BUCKET && matches!(place, SourceLocation::Home { .. })
}

/// Whether a file is the recorded version, by all that a change of its mode, owner or links leaves as it is.
pub(super) fn is_recorded(source: &SourceRecord, place: &SourceLocation, meta: &Metadata) -> bool {
    if may_be_copy(source, place) || !place.is_others() {
        meta.len() == source.size_bytes
    } else {
        version_of(meta).0 == source.id.version
    }
}

/// Reads a small file next to the source.
pub(super) fn sidecar(
    inner: &HomeDirectory,
    source: &SourceRecord,
    suffix: &str,
    bytes_max: u64,
) -> PortResult<Option<Vec<u8>>> {
    let what = "read the file next to the source";
    let place = SourceLocation::of(source)?.with_suffix(suffix);
    let (file, meta) = match open_plain(inner, &place, what) {
        Ok(opened) => opened,
        Err(error) if error.kind == ErrorKind::Missing => return Ok(None),
        Err(error) => return Err(error),
    };
    read_at_most(file, meta.size(), bytes_max, what).map(Some)
}

/// Reads a file of a known size, which must not be above the limit.
pub(super) fn read_at_most(
    file: File,
    size_bytes: u64,
    bytes_max: u64,
    what: &'static str,
) -> PortResult<Vec<u8>> {
    let mut bytes = Vec::new();
    if size_bytes <= bytes_max {
        // Bounded whatever the file grows to meanwhile.
        let mut limited = file.take(bytes_max.saturating_add(1));
        io::copy(&mut limited, &mut bytes).map_err(|e| PortError::io(Port::Objects, what, &e))?;
    }
    if size_bytes > bytes_max || bytes.len() as u64 > bytes_max {
        let detail =
            format!("expected at most {bytes_max} bytes, found {}", size_bytes.max(bytes.len() as u64));
        return Err(PortError::new(Port::Objects, ErrorKind::Invalid, what, detail));
    }
    Ok(bytes)
}

/// Opens a plain file. Below the home no symbolic link is followed, so that an upload cannot point elsewhere; never
/// waits for the other end of a pipe, and never opens a device.
pub(super) fn open_plain(
    inner: &HomeDirectory,
    place: &SourceLocation,
    what: &'static str,
) -> PortResult<(File, Metadata)> {
    // `O_NONBLOCK` matters for a pipe that replaced the file after its event.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let opened: rustix::io::Result<OwnedFd> = match place {
        SourceLocation::Home { area, path } => {
            let area =
                File::open(inner.home.join(area)).map_err(|e| PortError::io(Port::Objects, what, &e))?;
            let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
            openat2(&area, path, flags, Mode::empty(), beneath)
        }
        SourceLocation::Outside(path) => {
            let kind = std::fs::symlink_metadata(path).map_err(|e| io_error(what, &e))?;
            if !kind.is_file() {
                return Err(not_plain(what));
            }
            openat(rustix::fs::CWD, path, flags, Mode::empty())
        }
    };
    let file = match opened {
        Ok(fd) => File::from(fd),
        // A link, a way out, a socket or a device without a driver.
        Err(Errno::LOOP | Errno::XDEV | Errno::NXIO) => {
            return Err(not_plain(what));
        }
        Err(error) => return Err(io_error(what, &error.into())),
    };
    let meta = file.metadata().map_err(|e| PortError::io(Port::Objects, what, &e))?;
    if !meta.is_file() {
        return Err(not_plain(what));
    }
    Ok((file, meta))
}

/// A name that is longer than the file system allows is the name of no file: so is `NAME.sha256` beside the longest names.
fn io_error(what: &'static str, error: &io::Error) -> PortError {
    if error.raw_os_error() == Some(Errno::NAMETOOLONG.raw_os_error()) {
        return PortError::new(Port::Objects, ErrorKind::Missing, what, error.to_string());
    }
    PortError::io(Port::Objects, what, error)
}

fn another(what: &'static str) -> PortError {
    PortError::new(Port::Objects, ErrorKind::Conflict, what, "expected the recorded version, found another")
}

fn not_plain(what: &'static str) -> PortError {
    PortError::new(Port::Objects, ErrorKind::Conflict, what, "expected a plain file, found something else")
}
