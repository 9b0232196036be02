//! What a worker reads of the subtitles and captions of a video: their cues, from which the engine writes WebVTT.

use serde::{Deserialize, Serialize};

use reelgate_flow::caption_file::CaptionFormat;
use reelgate_flow::facts::Container;

/// Name of the output of [`Job::Captions`](super::Job::Captions) and [`Job::CaptionFile`](super::Job::CaptionFile) with their cues: one
/// [`Cue`] per line, as JSON. It is never published.
pub const CUES: &str = "cues.jsonl";

/// Name of the output of [`Job::CaptionFile`](super::Job::CaptionFile) with everything that is searched: one
/// [`TextLine`](super::TextLine) per line.
pub const FILE_TEXT: &str = "text.jsonl";
/// Bytes of the largest caption file that is read. A film of three hours has about 200 kB.
pub const CAPTION_FILE_BYTES_MAX: u64 = 8 << 20;

/// Settings of [`Job::CaptionFile`](super::Job::CaptionFile).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaptionFileJob {
    /// The format, by the file's name.
    pub format: CaptionFormat,
    /// Bytes of the file.
    pub size_bytes: u64,
}

/// Result of reading a caption file. Outputs: [`CUES`] and [`FILE_TEXT`]. Its cues are of track 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CaptionFileResult {
    /// Cues in the output.
    pub cues: u64,
    /// Lines that are searched.
    pub lines: u64,
}

/// Settings of [`Job::Captions`](super::Job::Captions).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaptionsJob {
    /// The container, as sniffed.
    pub container: Container,
    /// Bytes of the source.
    pub size_bytes: u64,
    /// Tracks of text whose cues are read, as in the facts, rising.
    pub tracks: Vec<u32>,
    /// The video track whose pictures carry captions (CTA-608 and CTA-708).
    pub video: Option<u32>,
}

/// Result of reading the cues. Output: [`CUES`], unless there is no cue.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CaptionsResult {
    /// Cues in the output.
    pub cues: u64,
}

/// A text that is shown for a time.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cue {
    /// Position of its track.
    pub track: u32,
    /// `cc1` to `cc4` or `service1` to `service63`, for captions; `None` for subtitles.
    pub channel: Option<String>,
    /// When it appears, stream time of the source, nanoseconds.
    pub start_ns: u64,
    /// When it disappears; `None` if the file does not say so.
    pub end_ns: Option<u64>,
    /// Lines separated by `\n`, without markup; possibly personal, never logged.
    pub text: String,
}

impl std::fmt::Debug for Cue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { track, channel, start_ns, end_ns, text } = self;
        f.debug_struct("Cue")
            .field("track", track)
            .field("channel", channel)
            .field("start_ns", start_ns)
            .field("end_ns", end_ns)
            .field("text_bytes", &text.len())
            .finish()
    }
}
