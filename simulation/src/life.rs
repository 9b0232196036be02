//! One asset within the model store: the real core, and what the store keeps beside it.

use reelgate_flow::asset::{Asset, Exit, Original, OriginalEnd, Phase};
use reelgate_flow::task::TaskKey;

use crate::agenda::Ns;
use crate::media::Upload;

/// An asset that has not ended.
pub(crate) struct Life {
    pub(crate) core: Asset,
    pub(crate) upload: Upload,
    pub(crate) place: u64,
    pub(crate) arrived: Ns,
    /// Those linked to it.
    pub(crate) duplicates: Vec<u32>,
}

impl Life {
    /// What others with the same content may share of it: the store's rule.
    pub(crate) fn shared(&self) -> Original {
        let running = match self.core.phase {
            Phase::Processing | Phase::Screened => true,
            Phase::Withdrawing => self.core.exit != Some(Exit::Supersede),
            _ => false,
        };
        if running && !self.core.linked { Original::Running } else { Original::None }
    }

    /// Counts an attempt in the same breath as the lease is given.
    pub(crate) fn count_attempt(&mut self, task: TaskKey) -> Option<u32> {
        let record = self.core.tasks.get_mut(&task)?;
        record.attempts += 1;
        Some(record.attempts)
    }
}

/// How an asset ended, in the few bytes that are kept of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct EndedAsset {
    pub(crate) phase: Phase,
    /// Times it ended, and notices it owed.
    pub(crate) endings: u8,
    pub(crate) notices: u8,
}

impl EndedAsset {
    /// Of an asset that has not ended.
    pub(crate) const NOT: Self = Self { phase: Phase::Received, endings: 0, notices: 0 };

    /// What others with the same content may share of it. A model asset is refused or quarantined for one reason.
    pub(crate) fn shared(self) -> Original {
        match self.phase {
            Phase::Published => Original::Ended(OriginalEnd {
                phase: self.phase,
                severity: reelgate_flow::asset::Severity::None,
                response: reelgate_flow::asset::Response::Log,
                reason: None,
            }),
            Phase::Quarantined => Original::Ended(OriginalEnd {
                phase: self.phase,
                severity: reelgate_flow::asset::Severity::High,
                response: reelgate_flow::asset::Response::Quarantine,
                reason: Some(crate::media::Ending::fault(reelgate_flow::reason::Code::PersonalData)),
            }),
            _ => Original::None,
        }
    }
}
