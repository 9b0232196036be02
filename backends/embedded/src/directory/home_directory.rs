//! The home directory of an object store, and the lock on what is visible in it.

use std::fs::File;
use std::path::PathBuf;

use reelgate_ports::error::{Port, PortError, PortResult};

use crate::private_files::lock_file;

/// The areas below the home.
pub(super) const AREAS: [&str; 6] = ["ingest", "work", "published", "quarantine", "rejected", "released"];
/// Removed files are first moved here, so that they vanish at once; emptied when the home is opened.
pub(super) const TRASH: &str = "work/.trash";
/// Locked while visible files are exchanged.
const ORDER: &str = "publish.lock";

/// The home of an object store.
pub(super) struct HomeDirectory {
    /// Its absolute path.
    pub home: PathBuf,
}

impl HomeDirectory {
    /// Locks the exchange of visible files: held by one thread of one of the processes that share the home.
    pub(super) fn order(&self) -> PortResult<File> {
        let what = "wait for the lock on publications";
        let file = lock_file(&self.home.join(ORDER)).map_err(|e| PortError::io(Port::Objects, what, &e))?;
        rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive)
            .map_err(|e| PortError::io(Port::Objects, what, &e.into()))?;
        Ok(file)
    }
}
