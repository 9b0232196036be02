//! Lists the ingest directory: every file in it that may be an upload.

use std::fs::{DirEntry, ReadDir};
use std::io::{Error, ErrorKind};
use std::path::Path;

use reelgate_flow::ids::Sequencer;
use reelgate_ports::error::{Port, PortError, PortResult};

use crate::paths;

/// The operation that errors of a look name.
pub(super) const LOOK: &str = "look for uploads";

/// Ends of names, in lower case, that are no uploads: what browsers, rsync wrappers and SFTP clients call a file
/// until it is complete, and the checksum and the job file next to an upload.
const ENDS_IGNORED: &[&str] =
    &[".part", ".partial", ".filepart", ".crdownload", ".tmp", ".sha256", ".reelgate.toml"];

/// A file as a look found it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct ListedFile {
    /// Path below the ingest directory.
    pub key: String,
    /// What it holds, see [`paths::version_of`].
    pub version: String,
    /// Time of its last change.
    pub sequencer: Sequencer,
}

/// What a look found.
#[derive(Debug, Default)]
pub(super) struct DirectoryListing {
    /// What may be uploads, in no order.
    pub files: Vec<ListedFile>,
    /// Files and directories that were left out because their name is no key or they cannot be read.
    pub left: u64,
}

/// Looks at everything below `root`; links are not followed, so that nothing outside is listed.
pub(super) fn list(root: &Path) -> PortResult<DirectoryListing> {
    let mut listing = DirectoryListing::default();
    // A stack instead of recursion: how deep it goes is the producer's choice.
    let mut pending =
        vec![(String::new(), root.read_dir().map_err(|error| PortError::io(Port::Events, LOOK, &error))?)];
    while let Some((prefix, entries)) = pending.pop() {
        for directory in listing.read(&prefix, entries) {
            match root.join(&directory).read_dir() {
                Ok(entries) => pending.push((format!("{directory}/"), entries)),
                Err(error) => listing.miss(&error),
            }
        }
    }
    Ok(listing)
}

impl DirectoryListing {
    /// Adds a directory's files and returns the directories in it.
    fn read(&mut self, prefix: &str, entries: ReadDir) -> Vec<String> {
        let mut directories = Vec::new();
        for entry in entries {
            match entry.and_then(|entry| self.see(prefix, &entry)) {
                Ok(directory) => directories.extend(directory),
                Err(error) => self.miss(&error),
            }
        }
        directories
    }

    fn see(&mut self, prefix: &str, entry: &DirEntry) -> Result<Option<String>, Error> {
        let name = entry.file_name();
        let kind = entry.file_type()?;
        let hidden = name.as_encoded_bytes().starts_with(b".");
        if hidden || !(kind.is_file() || kind.is_dir()) {
            return Ok(None);
        }
        let Ok(name) = paths::key_of(&name) else {
            self.left += 1;
            return Ok(None);
        };
        let key = format!("{prefix}{name}");
        if key.len() > paths::KEY_BYTES_MAX {
            self.left += 1;
            return Ok(None);
        }
        if kind.is_dir() {
            return Ok(Some(key));
        }
        let lower = name.to_ascii_lowercase();
        if !ENDS_IGNORED.iter().any(|end| lower.ends_with(end)) {
            let (version, sequencer) = paths::version_of(&entry.metadata()?);
            self.files.push(ListedFile { key, version, sequencer });
        }
        Ok(None)
    }

    /// What is gone between two calls was not there; everything else is left where it is, and counted.
    fn miss(&mut self, error: &Error) {
        if error.kind() != ErrorKind::NotFound {
            self.left += 1;
        }
    }
}
