//! The messages between the engine and a media worker; the framing is in [`crate::wire`].
//!
//! A worker gets exactly one [`Job`]. It replies with any number of events and outputs, and ends with one
//! [`Reply::Finished`] or [`Reply::Faulted`]. The engine trusts no field of a reply: see [`crate::trust`].

mod audio;
mod captions;
mod enrichment;
mod tracks;

pub use audio::{
    AudioEncode, AudioEncoded, AudioEnding, AudioJob, AudioResult, AudioRole, Loudness, MAIN_AUDIO,
    SURROUND_CHANNELS,
};
pub use captions::{
    CAPTION_FILE_BYTES_MAX, CUES, CaptionFileJob, CaptionFileResult, CaptionsJob, CaptionsResult, Cue,
    FILE_TEXT,
};
pub use enrichment::{Enrichment, Sample, ScreenTextCost, TextLine};
pub use tracks::{SegmentResult, Span, TrackRef, TrackResult};

use reelgate_flow::caption_file::CaptionFlags;
use reelgate_flow::facts::{Container, MediaFacts, Rational, Rotation};
use reelgate_flow::place::FrameBox;
use reelgate_flow::reason::Fault;
use serde::{Deserialize, Serialize};

/// Raised whenever a message changes its meaning. Both sides must have the same number.
pub const WIRE_VERSION: u16 = 6;

/// Limits of one job, from the configuration.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Wall-clock seconds for the whole job.
    pub wall_s: u64,
    /// Seconds without a reply after which the worker counts as stuck.
    pub stall_s: u64,
    /// CPU seconds over all threads.
    pub cpu_s: u64,
    /// Bytes of memory: resident and swapped, page tables and threads.
    pub memory_bytes: u64,
    /// Bytes of all outputs together.
    pub output_bytes: u64,
}

/// Limits on what a file may claim or contain.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MediaLimits {
    /// Width times height.
    pub pixels_max: u64,
    /// Width or height.
    pub side_max: u32,
    /// Tracks of all kinds.
    pub tracks_max: u32,
    /// Access units of one track.
    pub samples_max: u64,
    /// Depth of nested boxes or elements.
    pub nesting_max: u32,
    /// Seconds of presentation.
    pub duration_max_s: u64,
}

/// One unit of work for one worker process.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Job {
    /// Read structure, facts and index, and decode a sample of frames.
    Inspect(InspectJob),
    /// Encode every rung of one chunk.
    Video(VideoJob),
    /// Encode the whole of every audio track.
    Audio(AudioJob),
    /// Read the cues of subtitles and captions.
    Captions(CaptionsJob),
    /// Read a caption file.
    CaptionFile(CaptionFileJob),
    /// Sample frames, make poster and storyboard, collect text.
    Enrich(EnrichJob),
}

/// Settings of [`Job::Inspect`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct InspectJob {
    /// The container, as sniffed from the first bytes.
    pub container: Container,
    /// Bytes of the source.
    pub size_bytes: u64,
    /// The segment grid that frames are counted on, nanoseconds.
    pub segment_ns: u64,
    /// What the file may claim or contain.
    pub limits: MediaLimits,
}

/// One rendition of the ladder.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Rung {
    /// `1080p`, `720p` …; safe as a path component.
    pub name: String,
    /// Even, in pixels, after rotation and with square pixels.
    pub width: u32,
    /// Even, in pixels, after rotation and with square pixels.
    pub height: u32,
    /// Highest video bit rate, bits per second.
    pub bitrate_bps: u32,
}

/// Something that must not be seen. It is covered in every frame that is shown within its range of time.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redaction {
    /// Start of the range, stream time of the source, nanoseconds.
    pub start_ns: u64,
    /// End of the range, above `start_ns`.
    pub end_ns: u64,
    /// The area without the margin, which the worker adds; `None` for the whole picture.
    pub area: Option<FrameBox>,
    /// What covers the area.
    pub style: RedactionStyle,
}

/// What covers a redacted area. No style keeps anything of the original picture, so none can be reversed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RedactionStyle {
    /// Black.
    #[default]
    Fill,
    /// A gradient between the colours around the area, which looks like a strong blur. A redaction of the whole picture
    /// has no colours around it and is filled.
    Blur,
}

/// Settings of [`Job::Video`]. Times are stream time of the source, nanoseconds.
///
/// A frame belongs to segment `floor((pts - zero_ns + GRID_SLACK_NS) / segment_ns)`. A segment starts with the first
/// frame that belongs to it, and that frame is encoded as an IDR on every rung. The first frame of the track is shown from
/// `zero_ns` on, and the last one up to `track_end_ns`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct VideoJob {
    /// The video track.
    pub source: TrackRef,
    /// Output time 0: the start of the first frame of the whole track, or of sound in front of it.
    pub zero_ns: u64,
    /// How long the first frame is shown before its own time, because sound begins before it.
    #[serde(default)]
    pub lead_ns: u64,
    /// Length of a segment on the grid, nanoseconds.
    pub segment_ns: u64,
    /// First segment of this chunk.
    pub first_segment: u32,
    /// The segment after the last segment of this chunk; `None` for all up to the end of the track.
    pub end_segment: Option<u32>,
    /// Source keyframe at or before the chunk's first frame; `None` to read from the beginning.
    pub seek_ns: Option<u64>,
    /// Declared or measured frame rate; `None` if it is variable.
    pub frame_rate: Option<Rational>,
    /// End of the last segment: that of the last frame of the track, or of sound that goes on behind it.
    pub track_end_ns: u64,
    /// Ticks per second of the outputs.
    pub timescale: u32,
    /// Rotation for display.
    pub rotation: Rotation,
    /// The video is stored as fields: deinterlace it, with one output frame for each input frame.
    pub interlaced: bool,
    /// The ladder; at least one.
    pub rungs: Vec<Rung>,
    /// x264 speed preset: `ultrafast` … `slow`.
    pub preset: String,
    /// x264 constant rate factor, 0 to 51.
    pub crf: u8,
    /// Threads of each encoder. They are part of the plan, because their number changes the encoder's bytes.
    pub encoder_threads: u8,
    /// What must not be seen, in any order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redactions: Vec<Redaction>,
}

/// Tolerance before a grid line: a frame whose time was rounded down a little still belongs to the segment after the
/// line.
pub const GRID_SLACK_NS: u64 = 1_000_000;

/// Where sound and pictures begin or end within this time of each other, they are not extended to begin or end together:
/// encoders put up to two frames of AAC (2,112 samples, 48 ms at 44.1 kHz) in front of sound and fill its last frame.
pub const EDGE_SLACK_NS: u64 = 50_000_000;

/// Settings of [`Job::Enrich`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EnrichJob {
    /// The container, as sniffed.
    pub container: Container,
    /// Bytes of the source.
    pub size_bytes: u64,
    /// Frames to sample; `None` for audio-only.
    pub frames: Option<SampleJob>,
    /// What is read in pictures.
    pub screen_text: ScreenTextJob,
}

/// What is read in pictures. All other text (tags, subtitles, captions) is always collected.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScreenTextJob {
    /// Languages of on-screen text by Tesseract's names (`eng`), at most 8; empty if it is not read.
    pub languages: Vec<String>,
    /// Decode QR codes.
    pub codes: bool,
    /// About one picture is read per this many nanoseconds.
    pub interval_ns: u64,
    /// Read keyframes only.
    pub keyframes_only: bool,
    /// Width of the picture as displayed, in the pixels of [`FrameBox`].
    pub width: u32,
    /// Height of the picture as displayed, in the pixels of [`FrameBox`].
    pub height: u32,
}

/// How frames are sampled.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SampleJob {
    /// Position of the video track among all tracks.
    pub track: u32,
    /// Start of the first frame, stream time.
    pub start_ns: u64,
    /// How long the first frame is shown before its own time. Times of the storyboard's index count from there.
    #[serde(default)]
    pub lead_ns: u64,
    /// End of the last frame, stream time.
    pub end_ns: u64,
    /// About one sample per this many nanoseconds.
    pub interval_ns: u64,
    /// At most this many samples.
    pub samples_max: u32,
    /// Decode keyframes only.
    pub keyframes_only: bool,
    /// Parts of the timeline that are decoded in parallel, 1 to 8. With 1 the file is read from its beginning without a
    /// seek, as a video needs that may not be cut.
    pub decoders: u8,
    /// Frames in flight between decoders and analysis.
    pub in_flight_max: u16,
    /// Rotation for display.
    pub rotation: Rotation,
    /// Pixel aspect ratio of the source.
    pub pixel_aspect: Rational,
    /// Longest side of the poster, pixels.
    pub poster_side_max: u32,
    /// Height of a storyboard tile, pixels, even.
    pub tile_height: u32,
    /// Columns of a storyboard sheet.
    pub columns: u32,
    /// Rows of a storyboard sheet.
    pub rows: u32,
}

/// A message from the worker to the engine.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Reply {
    /// The first message, before the worker reads its job.
    Hello {
        /// Must equal [`WIRE_VERSION`].
        version: u16,
        /// GStreamer's version, for the manifest.
        gstreamer: String,
    },
    /// The jail is closed. From here on the worker reads untrusted bytes.
    Jailed,
    /// The worker has done more of its job. It also shows that the worker is alive.
    Progress {
        /// Nanoseconds of media done in this job.
        done_ns: u64,
        /// Frames done in this job.
        frames: u64,
    },
    /// An output begins; its bytes follow as data frames.
    OutputOpened {
        /// Number of the output within the job: 0, then one more for each output.
        output: u32,
        /// Relative name, see [`crate::trust::output_name`].
        name: String,
    },
    /// An output is complete.
    OutputClosed {
        /// Number of the output.
        output: u32,
        /// Bytes of the output that the worker sent.
        bytes: u64,
    },
    /// The job is done.
    Finished(Box<Finished>),
    /// The job cannot be done.
    Faulted(Fault),
}

/// The result of a job, by its kind.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Finished {
    /// Of [`Job::Inspect`].
    Inspected(Box<Inspection>),
    /// Of [`Job::Video`].
    Video(VideoResult),
    /// Of [`Job::Audio`].
    Audio(AudioResult),
    /// Of [`Job::Captions`].
    Captions(CaptionsResult),
    /// Of [`Job::CaptionFile`].
    CaptionFile(CaptionFileResult),
    /// Of [`Job::Enrich`].
    Enriched(Enrichment),
}

/// The result of an inspection.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Inspection {
    /// The facts of the media.
    pub facts: MediaFacts,
    /// Index of the main video; `None` if there is no video.
    pub index: Option<VideoIndex>,
    /// Video tracks whose pictures carry captions. Documents of earlier versions have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub captioned: Vec<u32>,
    /// What is known of audio tracks beside their facts; empty in documents of earlier versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audio: Vec<AudioTraits>,
    /// What subtitles are for, where the file says more than nothing; empty in documents of earlier versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subtitles: Vec<SubtitleTraits>,
}

/// What is known of a track of subtitles beside its facts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SubtitleTraits {
    /// Position among all tracks.
    pub track: u32,
    /// What they are for.
    pub flags: CaptionFlags,
}

/// What is known of an audio track beside its facts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AudioTraits {
    /// Position among all tracks.
    pub track: u32,
    /// What it is for.
    pub role: AudioRole,
    /// Channels that have a position in the room; 0 if they have none, or if no sound of it was decoded.
    pub placed_channels: u32,
}

/// Where a video can be cut, and how many frames each segment has.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct VideoIndex {
    /// Presentation times of keyframes, stream time, rising; at most 200,000.
    pub keyframes_ns: Vec<u64>,
    /// How long before the first frame sound begins, and the grid with it; 0 in documents of earlier versions.
    #[serde(default)]
    pub lead_ns: u64,
    /// Number of frames of each segment of the grid, from segment 0. The first frame is in segment 0.
    pub segment_frames: Vec<u32>,
    /// The video may be cut: its frames have presentation times, and seeking lands on keyframes.
    pub seekable: bool,
}

/// Result of one chunk.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct VideoResult {
    /// Frames decoded and kept; every rung must have as many.
    pub frames_in: u64,
    /// Frames the decoder reported as damaged or dropped.
    pub frames_damaged: u64,
    /// One per rung, in the job's order.
    pub rungs: Vec<TrackResult>,
}
