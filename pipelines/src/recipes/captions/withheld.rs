//! What a redaction keeps back.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What is not published of the captions because of a redaction.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withheld {
    /// Tracks in whose text something was found: none of their cues is published.
    pub tracks: BTreeSet<u32>,
    /// No track of text is published, because not every place of a finding is known.
    pub all: bool,
}

impl Withheld {
    /// Both together.
    #[must_use]
    pub fn with(mut self, earlier: &Self) -> Self {
        self.tracks.extend(&earlier.tracks);
        self.all |= earlier.all;
        self
    }

    /// Whether nothing of a track is published.
    pub fn holds(&self, track: u32) -> bool {
        self.all || self.tracks.contains(&track)
    }
}
