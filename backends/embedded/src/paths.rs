//! How local files are named: the bucket, key, version and location of an upload in a directory. Written once, so
//! that the watch, the command line and the object store always mean the same bytes.

use std::ffi::OsStr;
use std::fmt;
use std::fs::{File, Metadata, OpenOptions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use reelgate_flow::ids::{Sequencer, SourceId};
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::order::Priority;
use reelgate_ports::records::{EventKind, MediaEvent};
use rustix::fs::OFlags;

/// The bucket of files outside the home, which are read in place.
pub const FILE_BUCKET: &str = "file";
/// The bucket of uploads to a home's ingest directory.
pub const INGEST_BUCKET: &str = "ingest";
/// Longest key, in bytes of UTF-8; Amazon S3 User Guide, "Naming Amazon S3 objects".
pub const KEY_BYTES_MAX: usize = 1_024;

const FILE: &str = "file:";
const INGEST: &str = "ingest:";
const QUARANTINE: &str = "quarantine:";
const REJECTED: &str = "rejected:";
const RELEASED: &str = "released:";

/// Where a source is, as written in [`MediaEvent::location`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Location {
    /// Outside every bucket; an absolute path, UTF-8.
    File(PathBuf),
    /// Under the home's ingest directory, by key.
    Ingest(String),
    /// Under the home's quarantine, by relative name.
    Quarantine(String),
    /// Under the home's rejected uploads, by relative name.
    Rejected(String),
    /// Under the home's sources that were released from quarantine, by relative name.
    Released(String),
}

impl Location {
    /// Reads a location back; `Corrupt` where it is none of the five, or leads out of its directory.
    pub fn parse(text: &str) -> PortResult<Self> {
        let read = || {
            if let Some(path) = text.strip_prefix(FILE) {
                let absolute = path.starts_with('/') && !path.contains('\0');
                return absolute.then(|| Self::File(PathBuf::from(path)));
            }
            let (name, make): (&str, fn(String) -> Self) = [
                (INGEST, Self::Ingest as fn(String) -> Self),
                (QUARANTINE, Self::Quarantine),
                (REJECTED, Self::Rejected),
                (RELEASED, Self::Released),
            ]
            .into_iter()
            .find_map(|(prefix, make)| Some((text.strip_prefix(prefix)?, make)))?;
            stays_inside(name).then(|| make(name.to_owned()))
        };
        read().ok_or_else(|| {
            let expected =
                "expected file:, ingest:, quarantine:, rejected: or released: and a path inside, found something else";
            PortError::new(Port::Objects, ErrorKind::Corrupt, "read a source's location", expected)
        })
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{FILE}{}", path.display()),
            Self::Ingest(key) => write!(f, "{INGEST}{key}"),
            Self::Quarantine(name) => write!(f, "{QUARANTINE}{name}"),
            Self::Rejected(name) => write!(f, "{REJECTED}{name}"),
            Self::Released(name) => write!(f, "{RELEASED}{name}"),
        }
    }
}

/// Whether a relative name, joined to a directory, stays inside it and is spelled in one way only.
pub fn stays_inside(name: &str) -> bool {
    let plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains('\0');
    name.split('/').all(plain)
}

/// The directory that producers upload to.
pub fn ingest_dir(home: &Path) -> PathBuf {
    home.join("ingest")
}

/// The version of a local file, `dev-inode-size-mtime` (bytes and nanoseconds since 1970), and its order among the
/// versions of its key: the time its inode last changed (ctime), which the kernel sets and no copy carries along. By its
/// mtime, an old file copied over a newer one with `cp -p` would look like the older upload.
pub fn version_of(metadata: &Metadata) -> (String, Sequencer) {
    let mtime_ns = i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec());
    let version = format!("{}-{}-{}-{mtime_ns}", metadata.dev(), metadata.ino(), metadata.len());
    let ctime_ns = i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec());
    // Before 1970 there is no order to keep; past 2554 there is nothing newer.
    let order_ns = u64::try_from(ctime_ns.max(0)).unwrap_or(u64::MAX);
    (version, Sequencer::from_nanos(order_ns))
}

/// The event of a file that is read in place; links are followed, so that every way to a file gives one key.
///
/// `Missing` or `Denied` where it cannot be opened for reading; `Invalid` where it is a directory, pipe, socket or
/// device, or where its absolute path is not UTF-8 or longer than [`KEY_BYTES_MAX`].
pub fn event_for_path(path: &Path, force: bool) -> PortResult<MediaEvent> {
    let what = "read a file as an upload";
    let path = path.canonicalize().map_err(|error| PortError::io(Port::Events, what, &error))?;
    let key = key_of(path.as_os_str())
        .map_err(|detail| PortError::new(Port::Events, ErrorKind::Invalid, what, detail))?;
    let (_, metadata) = open_regular(&path, what)?;
    Ok(event(FILE_BUCKET, key, Location::File(path.clone()), &metadata, force))
}

/// The event of a complete upload to the ingest directory.
pub fn event_for_upload(key: &str, metadata: &Metadata) -> MediaEvent {
    event(INGEST_BUCKET, key, Location::Ingest(key.to_owned()), metadata, false)
}

/// A file name or path as a key, or what is wrong with it, without its text.
pub fn key_of(path: &OsStr) -> Result<&str, String> {
    let key = path.to_str().ok_or("the name is not UTF-8; rename the file")?;
    if key.len() > KEY_BYTES_MAX {
        return Err(format!(
            "expected a path of at most {KEY_BYTES_MAX} bytes, found {}; move the file",
            key.len()
        ));
    }
    Ok(key)
}

/// Opens a regular file read-only, with the metadata of what was opened. Never waits for a pipe and never touches a
/// device, whatever takes the file's place in between; the last part of the path must not be a link.
pub fn open_regular(path: &Path, what: &'static str) -> PortResult<(File, Metadata)> {
    let io = |error: std::io::Error| PortError::io(Port::Events, what, &error);
    regular(path.symlink_metadata().map_err(io)?, what)?;
    let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY;
    let flags = flags.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(io)?;
    let metadata = regular(file.metadata().map_err(io)?, what)?;
    Ok((file, metadata))
}

fn regular(metadata: Metadata, what: &'static str) -> PortResult<Metadata> {
    if metadata.is_file() {
        return Ok(metadata);
    }
    let found = if metadata.is_dir() { "a directory" } else { "a link, pipe, socket or device" };
    Err(PortError::new(
        Port::Events,
        ErrorKind::Invalid,
        what,
        format!("expected a regular file, found {found}"),
    ))
}

fn event(bucket: &str, key: &str, location: Location, metadata: &Metadata, force: bool) -> MediaEvent {
    let (version, sequencer) = version_of(metadata);
    MediaEvent {
        kind: EventKind::Created,
        priority: Priority::Normal,
        source: SourceId { bucket: bucket.to_owned(), key: key.to_owned(), version },
        sequencer,
        size_bytes: metadata.len(),
        location: location.to_string(),
        force,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn error_kind(path: &Path) -> (ErrorKind, String) {
        let error = event_for_path(path, false).expect_err("must be refused");
        (error.kind, error.detail)
    }

    #[test]
    fn a_file_is_known_by_its_absolute_path_and_what_it_holds() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let path = root.join("ü\nä.mp4");
        std::fs::write(&path, b"12345").unwrap();
        let changed = UNIX_EPOCH + Duration::from_nanos(1_700_000_000_123_456_789);
        File::options().write(true).open(&path).unwrap().set_modified(changed).unwrap();
        let event = event_for_path(&root.join(".").join("ü\nä.mp4"), true).unwrap();
        assert_eq!(event.source.bucket, "file");
        assert_eq!(event.source.key, path.to_str().unwrap());
        assert!(event.source.version.ends_with("-5-1700000000123456789"), "{}", event.source.version);
        assert!(event.sequencer > Sequencer::from_nanos(1_700_000_000_123_456_789), "its time was set back");
        assert_eq!((event.size_bytes, event.force), (5, true));
        assert_eq!(Location::parse(&event.location).unwrap(), Location::File(path));
    }

    #[test]
    fn a_link_to_a_file_is_the_file_itself() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.mp4");
        std::fs::write(&path, b"a").unwrap();
        std::os::unix::fs::symlink(&path, dir.path().join("b.mp4")).unwrap();
        let through_link = event_for_path(&dir.path().join("b.mp4"), false).unwrap();
        assert_eq!(through_link, event_for_path(&path, false).unwrap());
    }

    #[test]
    fn a_changed_file_is_a_newer_version_of_the_same_key() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.mp4");
        std::fs::write(&path, b"a").unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        let mut seen = Vec::new();
        for nanos in [1, 2] {
            file.set_modified(UNIX_EPOCH + Duration::from_nanos(nanos)).unwrap();
            seen.push(event_for_path(&path, false).unwrap());
        }
        assert_eq!(seen[0].source.key, seen[1].source.key);
        assert_ne!(seen[0].source.version, seen[1].source.version);
        assert!(seen[0].sequencer < seen[1].sequencer);
    }

    #[test]
    fn anything_but_a_regular_file_is_refused_without_waiting() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe.mp4");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR)
            .unwrap();
        for path in [&pipe, dir.path(), Path::new("/dev/null")] {
            let (kind, detail) = error_kind(path);
            assert_eq!(kind, ErrorKind::Invalid);
            assert!(detail.starts_with("expected a regular file"), "{detail}");
        }
        assert_eq!(error_kind(&dir.path().join("gone.mp4")).0, ErrorKind::Missing);
    }

    #[test]
    fn a_name_that_no_key_can_hold_is_refused_without_repeating_it() {
        let dir = tempfile::tempdir().unwrap();
        let odd = dir.path().join(OsStr::from_bytes(b"odd\xff.mp4"));
        std::fs::write(&odd, b"a").unwrap();
        let deep = (0..8).fold(dir.path().to_owned(), |path, _| path.join("d".repeat(200)));
        std::fs::create_dir_all(&deep).unwrap();
        let long = deep.join("a.mp4");
        std::fs::write(&long, b"a").unwrap();
        for (path, expected) in [(odd, "not UTF-8"), (long, "at most 1024 bytes")] {
            let (kind, detail) = error_kind(&path);
            assert_eq!(kind, ErrorKind::Invalid);
            assert!(
                detail.contains(expected) && !detail.contains("odd") && !detail.contains("ddd"),
                "{detail}"
            );
        }
    }

    #[test]
    fn a_location_reads_back_unchanged() {
        let all = [
            Location::File("/a/b c.mp4".into()),
            Location::Ingest("ü/\n:x.mp4".into()),
            Location::Quarantine("id/a.mp4".into()),
            Location::Rejected("id/a.mp4".into()),
            Location::Released("id/a.mp4".into()),
        ];
        for location in all {
            assert_eq!(Location::parse(&location.to_string()).unwrap(), location);
        }
    }

    #[test]
    fn a_location_that_leads_elsewhere_is_corrupt() {
        let wrong = [
            "",
            "a",
            "s3:a",
            "file:a",
            "ingest:",
            "ingest:/etc/passwd",
            "ingest:a/../../b",
            "rejected:a//b",
            "quarantine:.",
            "ingest:a\0",
        ];
        for text in wrong {
            assert_eq!(Location::parse(text).expect_err(text).kind, ErrorKind::Corrupt, "{text}");
        }
    }
}
