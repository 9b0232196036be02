//! Deleted uploads: a deletion supersedes an asset that has not ended, and hides an upload whose event comes later.

use std::collections::BTreeMap;

use reelgate_flow::asset::{Input, Phase};
use reelgate_flow::ids::{AssetId, Sequencer};
use reelgate_flow::task::TaskKey;

use super::rows::AssetRow;
use super::steps::UnitOfWork;
use crate::history_lines::{self, Attribution};
use reelgate_ports::error::PortResult;
use reelgate_ports::identity;
use reelgate_ports::records::{HistoryEvent, MediaEvent, NULL_VERSION};

/// Milliseconds for which a deletion, or a finding about an unknown upload, is kept. No event comes later, because a stream
/// keeps its records for at most 365 days.
pub const LATE_EVENT_MS_MAX: u64 = 366 * 24 * 3_600_000;

/// One kept deletion. It holds only the hash of the key, so it may stay when the upload is erased.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Deletion {
    /// The bucket of the upload.
    pub bucket: String,
    /// SHA-256 of the key, lower-case hexadecimal.
    pub key_sha256: String,
    /// The version that was deleted; [`NULL_VERSION`] for the version without an id; empty for a delete marker, which hides
    /// every older version.
    pub version: String,
    /// Its order among the events of the key.
    pub sequencer: Sequencer,
}

impl Deletion {
    /// The deletions in these events; of several deletions of one version the latest.
    pub fn latest<'a>(events: impl IntoIterator<Item = &'a MediaEvent>) -> Vec<Self> {
        let mut latest: BTreeMap<(String, String, String), Self> = BTreeMap::new();
        for event in events {
            let deletion = Self {
                bucket: event.source.bucket.clone(),
                key_sha256: identity::key_sha256(&event.source.key),
                version: event.source.version.clone(),
                sequencer: event.sequencer.clone(),
            };
            let known = latest.entry(deletion.identity()).or_insert_with(|| deletion.clone());
            if known.sequencer < deletion.sequencer {
                *known = deletion;
            }
        }
        latest.into_values().collect()
    }

    /// Its identity: bucket, SHA-256 of the key, and version.
    pub fn identity(&self) -> (String, String, String) {
        (self.bucket.clone(), self.key_sha256.clone(), self.version.clone())
    }

    /// Whether it means that the producer deleted this upload.
    ///
    /// A delete marker hides older versions. The deletion of a version with an id counts whatever its age. The version without
    /// an id is replaced by every upload that has none, so its deletion concerns older uploads only. Once Reelgate has begun
    /// to withdraw an upload, Reelgate itself deletes the version, however late that event comes.
    pub fn hides(&self, row: &AssetRow) -> bool {
        let id = &row.source.id;
        if id.bucket != self.bucket || row.key_sha256 != self.key_sha256 {
            return false;
        }
        let older = row.source.sequencer < self.sequencer;
        match self.version.as_str() {
            "" => older,
            NULL_VERSION => older && identity::is_null_version(&id.version) && !is_withdrawn_by_us(row),
            version => id.version == version && !is_withdrawn_by_us(row),
        }
    }
}

/// Whether an attempt to withdraw it was ever started.
fn is_withdrawn_by_us(row: &AssetRow) -> bool {
    row.core.tasks.get(&TaskKey::Withdraw).is_some_and(|withdraw| withdraw.attempts > 0)
}

impl UnitOfWork {
    /// Supersedes assets that have not ended and whose upload was deleted. Ended assets stay, because producers tidy up
    /// sources that were processed. Every version of the deleted keys is loaded.
    pub fn delete(&mut self, deletions: &[Deletion]) -> PortResult<()> {
        for deletion in deletions {
            let covered: Vec<AssetId> = self
                .loaded
                .values()
                .filter(|loaded| is_under_way(loaded.row.core.phase) && deletion.hides(&loaded.row))
                .map(|loaded| loaded.row.id.clone())
                .collect();
            for id in covered {
                let now_ms = self.now_ms;
                if self.step(&id, Input::Superseded, Attribution::default())? {
                    self.note(
                        &id,
                        history_lines::line(now_ms, HistoryEvent::Deleted, "its upload was deleted"),
                    )?;
                }
            }
        }
        Ok(())
    }
}

/// Whether a deletion supersedes it: it has not ended, or it failed and could be redriven.
fn is_under_way(phase: Phase) -> bool {
    matches!(phase, Phase::Received | Phase::Linked | Phase::Processing | Phase::Screened | Phase::Failed)
}
