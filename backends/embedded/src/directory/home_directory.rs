//! The home below which everything lies, and the lock on what is visible in it.

use std::fs::File;
use std::path::PathBuf;

use reelgate_ports::error::{Port, PortError, PortResult};

/// The areas below the home.
pub(super) const AREAS: [&str; 6] = ["ingest", "work", "published", "quarantine", "rejected", "released"];
/// What is removed is first moved here, so that it vanishes at once; emptied when opened.
pub(super) const TRASH: &str = "work/.trash";
/// Locked while something visible is exchanged.
const ORDER: &str = "publish.lock";

/// The home of an object store.
pub(super) struct HomeDirectory {
    /// Its absolute path.
    pub home: PathBuf,
}

impl HomeDirectory {
    /// Held while something visible is exchanged, by one thread of one of the processes that share the home.
    pub(super) fn order(&self) -> PortResult<File> {
        let what = "wait for the order of publications";
        let file = File::options().create(true).truncate(false).write(true).open(self.home.join(ORDER));
        let file = file.map_err(|e| PortError::io(Port::Objects, what, &e))?;
        rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive)
            .map_err(|e| PortError::io(Port::Objects, what, &e.into()))?;
        Ok(file)
    }
}
