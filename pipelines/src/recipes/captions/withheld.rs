//! What a redaction keeps back.

use reelgate_flow::ids::AssetId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What is not published of the captions because of a redaction.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withheld {
    /// Tracks in whose text something was found: none of their cues is published.
    pub tracks: BTreeSet<u32>,
    /// Caption files in whose text something was found. Documents of earlier versions have none.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub files: BTreeSet<AssetId>,
    /// No track of text is published, because not every place of a finding is known.
    pub all: bool,
}

impl Withheld {
    /// Both together.
    #[must_use]
    pub fn with(mut self, earlier: &Self) -> Self {
        self.tracks.extend(&earlier.tracks);
        self.files.extend(earlier.files.iter().cloned());
        self.all |= earlier.all;
        self
    }

    /// Whether nothing of a track is published.
    pub fn holds(&self, track: u32) -> bool {
        self.all || self.tracks.contains(&track)
    }

    /// Whether nothing of a caption file is published.
    pub fn holds_file(&self, file: &AssetId) -> bool {
        self.all || self.files.contains(file)
    }
}
