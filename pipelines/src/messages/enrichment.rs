//! What a worker reads and measures in a video apart from encoding it: samples, text with its places, and the surfaces
//! that were not analysed.

use serde::{Deserialize, Serialize};

use reelgate_flow::place::{FrameBox, TextPlace};

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
    /// The text exceeded the limit and was cut.
    pub text_truncated: bool,
    /// The cost of reading text in pictures.
    pub screen_text: ScreenTextCost,
    /// Surfaces that were not analysed, so that no surface counts as clean by omission; at most 64 entries.
    pub not_analysed: Vec<NotAnalysed>,
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

/// A surface of an asset that was not searched, or only in part.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct NotAnalysed {
    /// The surface.
    pub surface: Surface,
    /// Position of the track; `None` if it belongs to no track.
    pub track: Option<u32>,
    /// Why it was not searched.
    pub why: NotSearched,
}

/// Surfaces on which personal data can be seen, heard or read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Surface {
    /// Spoken words.
    Speech,
    /// Faces of people.
    Faces,
    /// Number plates of vehicles.
    LicencePlates,
    /// Text in pictures.
    OnScreenText,
    /// QR codes in pictures.
    QrCodes,
    /// Codes in pictures that are not QR codes.
    Barcodes,
    /// A subtitle track.
    Subtitles,
    /// Captions within the video.
    Captions,
    /// Tags, chapters and names within the file.
    Tags,
    /// A track of positions or device data.
    Telemetry,
    /// A track of any kind.
    Track,
}

/// Why a surface was not searched.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotSearched {
    /// Reelgate has no analysis for it.
    NoAnalysis,
    /// The configuration switches its analysis off.
    SwitchedOff,
    /// The engine or the data of a language is not installed.
    NotInstalled,
    /// It holds pictures of text.
    PicturesOfText,
    /// It is encrypted.
    Encrypted,
    /// It is written in a format that is not supported.
    UnknownForm,
    /// The file is truncated or contradicts itself there.
    Damaged,
    /// A limit was reached before its end.
    LimitReached,
}

impl Surface {
    /// The surface as people and logs read it: `on-screen text`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Speech => "speech",
            Self::Faces => "faces",
            Self::LicencePlates => "licence plates",
            Self::OnScreenText => "on-screen text",
            Self::QrCodes => "QR codes",
            Self::Barcodes => "barcodes",
            Self::Subtitles => "subtitles",
            Self::Captions => "captions",
            Self::Tags => "tags",
            Self::Telemetry => "telemetry",
            Self::Track => "track",
        }
    }
}

impl NotSearched {
    /// The reason as people and logs read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoAnalysis => "no analysis exists here",
            Self::SwitchedOff => "switched off in the configuration",
            Self::NotInstalled => "its engine or language data is not installed",
            Self::PicturesOfText => "holds pictures of text",
            Self::Encrypted => "encrypted",
            Self::UnknownForm => "written in a form that is not read",
            Self::Damaged => "damaged",
            Self::LimitReached => "a limit was reached before its end",
        }
    }
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
