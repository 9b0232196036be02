//! The home directory of an object store, and the lock on what is visible in it.

use std::fs::File;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use reelgate_ports::error::{Port, PortError, PortResult};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::private_files::lock_file;

/// The areas below the home.
pub(super) const AREAS: [&str; 6] = ["ingest", "work", "published", "quarantine", "rejected", "released"];
/// Where an earlier version moved removed files first; emptied when the home is opened.
pub(super) const TRASH: &str = "work/.trash";
/// Locked while visible files are exchanged.
const ORDER: &str = "publish.lock";
/// Longest wait for the lock: an exchange takes milliseconds.
const ORDER_WAIT_MAX: Duration = Duration::from_secs(5);
const ORDER_WAIT: Duration = Duration::from_millis(5);

/// The home of an object store.
pub(super) struct HomeDirectory {
    /// Its absolute path.
    pub home: PathBuf,
}

impl HomeDirectory {
    /// Locks the exchange of visible files: held by one thread of one of the processes that share the home. Its owner may be
    /// frozen, so nobody waits for ever. Without the lock an exchange is as safe: it looks at what it has moved, and moves it back
    /// where that is not what it expected. The lock spares others that moment.
    pub(super) fn order(&self) -> PortResult<File> {
        let what = "wait for the lock on publications";
        let file = lock_file(&self.home.join(ORDER)).map_err(|e| PortError::io(Port::Objects, what, &e))?;
        let since = Instant::now();
        while let Err(error) = flock(&file, FlockOperation::NonBlockingLockExclusive) {
            if !matches!(error, Errno::WOULDBLOCK | Errno::INTR) {
                return Err(PortError::io(Port::Objects, what, &error.into()));
            }
            if since.elapsed() > ORDER_WAIT_MAX {
                tracing::warn!(
                    "not waiting any longer for the lock on publications: its owner may be frozen"
                );
                break;
            }
            std::thread::sleep(ORDER_WAIT);
        }
        Ok(file)
    }
}
