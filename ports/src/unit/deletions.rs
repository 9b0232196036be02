//! Deleted uploads: what has not ended gives way, and what comes late does not begin.

use reelgate_flow::asset::{Input, Phase};
use reelgate_flow::ids::{AssetId, Sequencer};

use super::rows::AssetRow;
use super::work::UnitOfWork;
use crate::error::PortResult;
use crate::history_lines::{self, Attribution};
use crate::records::{HistoryEvent, MediaEvent};

/// One remembered deletion.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Deletion {
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// The version that is gone; empty for a marker that hides every older one.
    pub version: String,
    /// Order within the key.
    pub sequencer: Sequencer,
}

impl Deletion {
    /// What an event tells.
    pub fn of(event: &MediaEvent) -> Self {
        let id = event.source.clone();
        Self { bucket: id.bucket, key: id.key, version: id.version, sequencer: event.sequencer.clone() }
    }

    /// A marker hides what is older than itself; a version that is gone is gone whatever its age.
    pub fn hides(&self, row: &AssetRow) -> bool {
        let id = &row.source.id;
        let same_key = id.bucket == self.bucket && id.key == self.key;
        let older = row.source.sequencer < self.sequencer;
        same_key && (id.version == self.version || (self.version.is_empty() && older))
    }
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
