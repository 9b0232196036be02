//! The files that are published.

use m3u8_rs::ByteRange;
use reelgate_flow::task::TaskKey;
use serde::{Deserialize, Serialize};

/// A file that a task has staged, and its path among the outputs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StagedFile {
    /// The task that made it.
    pub task: TaskKey,
    /// Its name in staging, as the worker gave it.
    pub staged: String,
    /// Its path among the outputs.
    pub path: String,
}

/// A small text file that packaging makes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextFile {
    /// Its path among the outputs.
    pub path: String,
    /// Its content, UTF-8.
    pub text: String,
}

/// Where the segments of a rendition are within its file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrackFile {
    /// Its path among the outputs.
    pub path: String,
    /// Bytes of the initialization segment, with which it begins.
    pub init_bytes: u64,
    /// Bytes of the index behind it.
    pub index_bytes: u64,
}

impl TrackFile {
    /// Its name within the folder of the rendition.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The initialization segment, as playlists name it.
    pub(super) fn init_range(&self) -> ByteRange {
        ByteRange { length: self.init_bytes, offset: Some(0) }
    }

    /// First and last byte of the initialization segment, and of the index, as DASH names them.
    pub(super) fn dash_ranges(&self) -> (String, String) {
        let range = |from: u64, bytes: u64| format!("{from}-{}", (from + bytes).saturating_sub(1));
        (range(0, self.init_bytes), range(self.init_bytes, self.index_bytes))
    }
}
