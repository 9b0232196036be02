//! What came in besides uploads: restorations from an archive, and findings that the sweep of the external scanner brought.

use reelgate_ports::records::UnarchivedResult;
use reelgate_signals::catalogue;

use crate::finding_sweep::SweptFindings;
use crate::meters::{Counters, Meters};

/// See the module.
pub struct IntakeSignals {
    unarchived: Counters,
    findings_swept: Counters,
}

impl IntakeSignals {
    pub(crate) fn new(meters: &Meters) -> Self {
        Self {
            unarchived: meters.counters(&catalogue::UNARCHIVED),
            findings_swept: meters.counters(&catalogue::FINDINGS_SWEPT),
        }
    }

    pub(crate) fn findings_swept(&self, swept: SweptFindings) {
        let SweptFindings { listed, found } = swept;
        self.findings_swept.with_label_values(&["listed"]).inc_by(listed);
        self.findings_swept.with_label_values(&["found"]).inc_by(found);
        if found > 0 {
            tracing::warn!(
                listed,
                found,
                "sweep of findings ended: it ingested findings of the external scanner whose event had not come"
            );
        } else {
            tracing::info!(listed, "sweep of findings ended: every finding was known");
        }
    }

    pub(crate) fn unarchived(&self, results: &[UnarchivedResult]) {
        for result in results {
            self.unarchived.with_label_values(&[result.as_str()]).inc();
            match result {
                UnarchivedResult::Redriven => {
                    tracing::info!("upload restored from its archive: its asset begins again")
                }
                UnarchivedResult::Refused => tracing::warn!(
                    "upload restored from its archive: its asset is under hold or was redriven too often, and stays failed"
                ),
                UnarchivedResult::Unknown | UnarchivedResult::NotWaiting => {
                    tracing::debug!(result = result.as_str(), "restoration ignored: no asset waits for it");
                }
            }
        }
    }
}
