//! One asset of the modelled store: the real core, and what the store keeps besides it.

use reelgate_flow::asset::{Asset, Original, Phase};
use reelgate_flow::task::TaskKey;

use crate::agenda::Ns;
use crate::media::Upload;

/// An asset that has not ended.
pub(crate) struct Life {
    pub(crate) core: Asset,
    pub(crate) upload: Upload,
    pub(crate) place: u64,
    pub(crate) arrived: Ns,
    /// Indexes of the duplicates that are linked to it.
    pub(crate) duplicates: Vec<u32>,
}

impl Life {
    /// Counts an attempt as the claim does; returns its number.
    pub(crate) fn count_attempt(&mut self, task: TaskKey) -> Option<u32> {
        let record = self.core.tasks.get_mut(&task)?;
        record.attempts += 1;
        Some(record.attempts)
    }
}

/// How an asset ended, in three bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct EndedAsset {
    pub(crate) phase: Phase,
    /// How often it ended, and how many notices it put into the outbox.
    pub(crate) endings: u8,
    pub(crate) notices: u8,
}

impl EndedAsset {
    /// The value of an asset that has not ended.
    pub(crate) const NOT: Self = Self { phase: Phase::Received, endings: 0, notices: 0 };

    /// What later assets with the same content can share of it. A modelled asset is quarantined by policy only, which decides
    /// nothing about others.
    pub(crate) fn as_original(&self) -> Original {
        Asset { phase: self.phase, ..Asset::new(0) }.as_original()
    }
}
