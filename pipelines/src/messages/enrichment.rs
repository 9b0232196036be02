//! What a worker reads and measures in a video apart from encoding it: samples, text with its places, and how far each
//! surface was analysed.

use serde::{Deserialize, Serialize};

use reelgate_flow::place::{FrameBox, TextPlace};
use reelgate_flow::surface::SurfaceReport;

/// Result of sampling. Outputs: `poster.jpg`, `storyboard-000.jpg` …, `text.jsonl`. The engine adds `storyboard.vtt`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Enrichment {
    /// Analysed frames in order of time.
    pub samples: Vec<Sample>,
    /// Presentation time of the sample that became the poster, stream time.
    pub poster_ns: Option<u64>,
    /// Sheets written.
    pub storyboard_sheets: u32,
    /// Lines of text collected.
    pub text_lines: u64,
    /// The cost of reading text in pictures.
    pub screen_text: ScreenTextCost,
    /// How far each surface was analysed: every surface once and in order, without the upload's name, which a worker does
    /// not see. Documents of earlier versions have none.
    #[serde(default)]
    pub surfaces: Vec<SurfaceReport>,
}

/// The cost of reading text in pictures.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ScreenTextCost {
    /// Frames compared with the frame before, unchanged ones included.
    pub frames: u32,
    /// Frames that were read, because they differ from the frame before.
    pub frames_read: u32,
    /// Milliseconds of one core spent on reading them, without decoding.
    pub read_ms: u64,
}

/// One analysed frame.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Sample {
    /// Presentation time, stream time.
    pub time_ns: u64,
    /// Mean luma, 0 to 255.
    pub luma: f32,
    /// Variance of the Laplacian of luma at analysis size.
    pub sharpness: f32,
    /// 64-bit difference hash.
    pub fingerprint: u64,
    /// Distance of the luma histogram from that of the sample before, 0 to 1.
    pub scene_score: f32,
    /// Width of the frame's tile on the storyboard, pixels, even. Documents of earlier versions do not have it.
    #[serde(default)]
    pub tile_width: u32,
    /// Height of the frame's tile on the storyboard, pixels, even.
    #[serde(default)]
    pub tile_height: u32,
}

/// One line of `text.jsonl`. The classifier reads the element name as a keyword.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct TextLine {
    /// `tag`, `chapter`, `location`, `device`, `subtitle`, `caption`, `on_screen_text`, `code`, or `file_name`.
    pub surface: String,
    /// Element name: the tag's name, `position`, `cc1`, or `text`.
    pub field: String,
    /// Position of the track; `None` if it belongs to no track.
    pub track: Option<u32>,
    /// Start of the cue, nanoseconds.
    pub start_ns: Option<u64>,
    /// End of the cue, nanoseconds.
    pub end_ns: Option<u64>,
    /// Where in the picture, for text that was read in a picture.
    pub frame_box: Option<FrameBox>,
    /// The text; possibly personal, never logged.
    pub text: String,
}

impl TextLine {
    /// The place of the text.
    pub fn place(&self) -> TextPlace {
        TextPlace {
            surface: self.surface.clone(),
            field: self.field.clone(),
            track: self.track,
            start_ns: self.start_ns,
            end_ns: self.end_ns,
            frame_box: self.frame_box,
            line: None,
        }
    }
}

impl std::fmt::Debug for TextLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { surface, field: _, track, start_ns, end_ns, frame_box, text } = self;
        f.debug_struct("TextLine")
            .field("surface", surface)
            .field("track", track)
            .field("start_ns", start_ns)
            .field("end_ns", end_ns)
            .field("frame_box", frame_box)
            .field("text_bytes", &text.len())
            .finish_non_exhaustive()
    }
}
