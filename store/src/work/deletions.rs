//! Deleted uploads: what has not ended gives way, and what comes late does not begin.

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

/// How long a deletion is remembered, and a finding about an upload that has not come: no event comes later, because a
/// stream keeps its records for at most 365 days.
pub const LATE_EVENT_MS_MAX: u64 = 366 * 24 * 3_600_000;

/// One remembered deletion. It holds no key, so that nothing of it has to go when the upload is erased.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Deletion {
    /// The bucket.
    pub bucket: String,
    /// SHA-256 of the key, lower-case hexadecimal.
    pub key_sha256: String,
    /// The version that is gone; [`NULL_VERSION`] for the one without an id; empty for a marker that hides every older one.
    pub version: String,
    /// Order within the key.
    pub sequencer: Sequencer,
}

impl Deletion {
    /// What events tell; of several of the same version the latest.
    pub fn latest<'a>(events: impl IntoIterator<Item = &'a MediaEvent>) -> Vec<Self> {
        let mut latest: BTreeMap<(String, String, String), Self> = BTreeMap::new();
        for event in events {
            let deletion = Self {
                bucket: event.source.bucket.clone(),
                key_sha256: identity::key_sha256(&event.source.key),
                version: event.source.version.clone(),
                sequencer: event.sequencer.clone(),
            };
            let known = latest.entry(deletion.place()).or_insert_with(|| deletion.clone());
            if known.sequencer < deletion.sequencer {
                *known = deletion;
            }
        }
        latest.into_values().collect()
    }

    /// What tells it from others: bucket, SHA-256 of the key, and version.
    pub fn place(&self) -> (String, String, String) {
        (self.bucket.clone(), self.key_sha256.clone(), self.version.clone())
    }

    /// Whether it says that the producer took this upload back.
    ///
    /// A marker hides what is older than itself. A version that is gone is gone whatever its age; the one without an id is
    /// replaced by every upload that gets none, so its deletion concerns older ones only. Once we have begun to withdraw an
    /// upload it is we who delete its version, however late the event of that comes.
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

/// An attempt to withdraw it has begun at some time.
fn is_withdrawn_by_us(row: &AssetRow) -> bool {
    row.core.tasks.get(&TaskKey::Withdraw).is_some_and(|withdraw| withdraw.attempts > 0)
}

impl UnitOfWork {
    /// Lets what is still under way give way. What has ended stays: sources are tidied away when they are done
    /// with. Every version of the deleted keys is loaded.
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

/// A failed asset is still to be redriven, so it gives way too.
fn is_under_way(phase: Phase) -> bool {
    matches!(phase, Phase::Received | Phase::Linked | Phase::Processing | Phase::Screened | Phase::Failed)
}
