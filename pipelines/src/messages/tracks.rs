//! What the encodes of video and of audio share.

use reelgate_flow::facts::Container;
use serde::{Deserialize, Serialize};

/// The track that a job reads.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TrackRef {
    /// The container, as sniffed.
    pub container: Container,
    /// Bytes of the source.
    pub size_bytes: u64,
    /// Position among all tracks, as in the facts.
    pub track: u32,
}

/// A range of time, in stream time of the source, nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// Start of the range.
    pub start_ns: u64,
    /// End of the range, exclusive; above `start_ns`.
    pub end_ns: u64,
}

/// One encoded track. Outputs: `NAME/init.mp4` and `NAME/SEGMENT.m4s` (five digits).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TrackResult {
    /// The name of the rung or of the audio encode.
    pub name: String,
    /// RFC 6381 codec string: `avc1.64001F`, `mp4a.40.2`.
    pub codecs: String,
    /// Ticks per second.
    pub timescale: u32,
    /// Segments in order.
    pub segments: Vec<SegmentResult>,
}

/// One CMAF segment.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SegmentResult {
    /// Number on the grid; also its file name.
    pub number: u32,
    /// Presentation time of the first sample, ticks from output time 0.
    pub start_ticks: u64,
    /// Sum of the samples' durations, ticks.
    pub duration_ticks: u64,
    /// Samples.
    pub samples: u32,
    /// Size in bytes.
    pub bytes: u64,
    /// Begins with an IDR (always true for audio).
    pub starts_with_idr: bool,
    /// Bytes of the file up to the end of its first picture; 0 for audio, and in documents of earlier versions.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub first_picture_end: u64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}
