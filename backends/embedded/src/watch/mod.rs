//! Uploads to a home's ingest directory, found by looking again and again.
//!
//! Looking needs no state that a crash could lose and misses nothing while the process is down, on every file
//! system; notifications of the kernel do neither. Only complete files are reported: unchanged for the settle time,
//! and open for writing in no process, see `writers`. What is acknowledged is not reported again while this value
//! lives; after a restart every upload is reported again; the store knows and ignores it.

mod ledger;
mod listing;
mod writers;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use reelgate_ports::error::{Port, PortError, PortResult};
use reelgate_ports::events::{EventBatch, Events};
use reelgate_ports::records::MediaEvent;

use crate::blocking::on_thread;
use crate::{paths, private_files};
use ledger::Ledger;
use listing::{LOOK, ListedFile};

const READ: &str = "read the ingest directory";

/// The uploads of an ingest directory.
#[derive(Clone, Debug)]
pub struct DirectoryEvents {
    root: Arc<PathBuf>,
    /// The directory may be missing, because a start makes it.
    inspected: bool,
    ledger: Arc<Mutex<Ledger>>,
}

impl DirectoryEvents {
    /// Watches `home`'s ingest directory, which is made, for the owner only, where it does not exist. A file is complete
    /// when it has not changed for `settle` and nobody has it open for writing.
    pub fn new(home: &Path, settle: Duration) -> PortResult<Self> {
        let made = private_files::make_dirs(&paths::ingest_dir(home));
        made.map_err(|error| PortError::io(Port::Events, "make the ingest directory", &error))?;
        Ok(Self { inspected: false, ..Self::inspect(home, settle) })
    }

    /// The ingest directory as it is, even where it does not exist yet.
    pub fn inspect(home: &Path, settle: Duration) -> Self {
        let root = Arc::new(paths::ingest_dir(home));
        Self { root, inspected: true, ledger: Arc::new(Mutex::new(Ledger::new(settle))) }
    }

    fn look(&self, events_max: usize, now: Instant) -> PortResult<Vec<MediaEvent>> {
        let found = listing::list(&self.root)?;
        let settled = self.ledger().settled(found, now);
        let complete = settled.iter().filter_map(|found| self.complete(found));
        Ok(complete.take(events_max).collect())
    }

    /// The event of a settled upload; `None` where it is being written after all. It comes up again at the next look.
    fn complete(&self, found: &ListedFile) -> Option<MediaEvent> {
        let opened = paths::open_regular(&self.root.join(&found.key), LOOK);
        let (file, _) = opened.inspect_err(|error| self.ledger().left(error)).ok()?;
        let metadata = writers::without_writers(&file, || file.metadata())?.ok()?;
        let same = paths::version_of(&metadata).0 == found.version;
        same.then(|| paths::event_for_upload(&found.key, &metadata))
    }

    /// Every change of the ledger is whole, so what a panic left behind is still good.
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Events for DirectoryEvents {
    async fn poll(&self, events_max: usize) -> PortResult<EventBatch> {
        let own = self.clone();
        on_thread(Port::Events, LOOK, move || own.look(events_max, Instant::now()).map(EventBatch::of)).await
    }

    async fn acknowledge(&self, batch: &EventBatch) -> PortResult<()> {
        self.ledger().acknowledge(&batch.events);
        Ok(())
    }

    async fn abandon(&self, _: &EventBatch) -> PortResult<()> {
        // There is no checkpoint: what was not acknowledged is reported again.
        Ok(())
    }

    async fn stop(&self) -> PortResult<()> {
        Ok(())
    }

    async fn check(&self) -> PortResult<String> {
        let (root, inspected) = (Arc::clone(&self.root), self.inspected);
        on_thread(Port::Events, READ, move || {
            if inspected && !root.exists() {
                return Ok("there is no ingest directory yet; `run` or `serve` creates it".to_owned());
            }
            let io = |error: std::io::Error| PortError::io(Port::Events, READ, &error);
            root.read_dir().map_err(io)?.next().transpose().map_err(io)?;
            Ok("the ingest directory can be read".to_owned())
        })
        .await
    }
}

/// Files in an ingest directory in order of key, whether or not somebody still writes to them.
pub(crate) fn list(
    root: &Path,
    prefix: &str,
    after: Option<&str>,
    uploads_max: usize,
) -> PortResult<Vec<MediaEvent>> {
    let wanted = |found: &ListedFile| {
        found.key.starts_with(prefix) && after.is_none_or(|after| found.key.as_str() > after)
    };
    let mut files: Vec<ListedFile> = listing::list(root)?.files.into_iter().filter(wanted).collect();
    files.sort_by(|a, b| a.key.cmp(&b.key));
    // A file that is gone or no plain file by now is no upload.
    let event = |found: ListedFile| {
        let (_, metadata) = paths::open_regular(&root.join(&found.key), LOOK).ok()?;
        Some(paths::event_for_upload(&found.key, &metadata))
    };
    Ok(files.into_iter().filter_map(event).take(uploads_max).collect())
}

#[cfg(test)]
mod tests;
