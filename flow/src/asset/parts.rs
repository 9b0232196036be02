//! The parts of an asset that are encoded again by a redaction.

use alloc::vec::Vec;

/// The encodes that are made again without what was found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Parts {
    /// Chunks of the video, from 0.
    pub chunks: Vec<u16>,
    /// Whether the audio is encoded again.
    pub audio: bool,
}
