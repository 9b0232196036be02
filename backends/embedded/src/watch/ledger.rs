//! What earlier listings have seen: since when each file is unchanged, and which files were acknowledged.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use reelgate_ports::error::{ErrorKind, PortError};
use reelgate_ports::records::MediaEvent;

use super::listing::{DirectoryListing, ListedFile};

#[derive(Debug)]
struct SeenFile {
    version: String,
    since: Instant,
    acknowledged: bool,
}

/// One entry for each file that the last look found, so it grows with the directory and not with time.
#[derive(Debug)]
pub(super) struct Ledger {
    settle: Duration,
    seen: BTreeMap<String, SeenFile>,
    left: u64,
    unreadable: bool,
}

impl Ledger {
    pub(super) fn new(settle: Duration) -> Self {
        Self { settle, seen: BTreeMap::new(), left: 0, unreadable: false }
    }

    /// Records a listing and returns the files that are unchanged for the settle time and not acknowledged, oldest change
    /// first.
    pub(super) fn settled(&mut self, listing: DirectoryListing, now: Instant) -> Vec<ListedFile> {
        self.note_left(listing.left);
        let mut before = std::mem::take(&mut self.seen);
        let mut settled = Vec::new();
        for found in listing.files {
            let known = before.remove(&found.key).filter(|seen| seen.version == found.version);
            let fresh = || SeenFile { version: found.version.clone(), since: now, acknowledged: false };
            let seen = known.unwrap_or_else(fresh);
            let ripe = now.saturating_duration_since(seen.since) >= self.settle;
            let due = ripe && !seen.acknowledged;
            self.seen.insert(found.key.clone(), seen);
            if due {
                settled.push(found);
            }
        }
        settled.sort_by(|a, b| a.sequencer.cmp(&b.sequencer).then_with(|| a.key.cmp(&b.key)));
        settled
    }

    /// The events are durable: the same versions of these keys are not due again.
    pub(super) fn acknowledge(&mut self, events: &[MediaEvent]) {
        for event in events {
            if let Some(seen) = self.seen.get_mut(&event.source.key)
                && seen.version == event.source.version
            {
                seen.acknowledged = true;
            }
        }
    }

    /// A complete upload could not be opened. Said once: it is tried again at every look.
    pub(super) fn left(&mut self, error: &PortError) {
        if error.kind != ErrorKind::Missing && !self.unreadable {
            self.unreadable = true;
            tracing::warn!(%error, "an upload cannot be opened and is not processed; make it readable for this process");
        }
    }

    fn note_left(&mut self, left: u64) {
        if left > self.left {
            tracing::warn!(
                left,
                "some files of the ingest directory are ignored: names must be UTF-8, paths at most 1024 bytes, directories readable"
            );
        }
        self.left = left;
    }

    #[cfg(test)]
    pub(super) fn entries(&self) -> usize {
        self.seen.len()
    }
}
