//! Facts about a media file: plain data, exact if the format is exact.

use alloc::string::String;
use alloc::vec::Vec;

/// An exact ratio; the denominator is never 0.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "RawRational"))]
pub struct Rational {
    /// Numerator.
    pub num: u32,
    /// Denominator, at least 1.
    pub den: u32,
}

impl Rational {
    /// A ratio; `None` if the denominator is 0.
    pub fn new(num: u32, den: u32) -> Option<Self> {
        (den != 0).then_some(Self { num, den })
    }
    /// The nearest floating point value, for display.
    pub fn as_f64(self) -> f64 {
        f64::from(self.num) / f64::from(self.den)
    }
}

/// A ratio as it is read from a row or a message: its denominator may be 0.
#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
struct RawRational {
    num: u32,
    den: u32,
}

#[cfg(feature = "serde")]
impl TryFrom<RawRational> for Rational {
    type Error = &'static str;

    fn try_from(raw: RawRational) -> Result<Self, Self::Error> {
        Self::new(raw.num, raw.den).ok_or("expected a ratio with a denominator other than 0")
    }
}

/// Container families that have an explicit demuxer here.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Container {
    /// ISO base media: MP4, MOV, M4V, M4A, 3GP (ISO/IEC 14496-12, QuickTime File Format).
    IsoBmff,
    /// Matroska and WebM (RFC 9559).
    Matroska,
    /// MPEG-2 transport stream, 188 or 192 byte packets (ISO/IEC 13818-1).
    MpegTs,
    /// MPEG program stream (ISO/IEC 13818-1, 11172-1).
    MpegPs,
    /// RIFF AVI, OpenDML included.
    Avi,
    /// Flash video.
    Flv,
    /// Ogg (RFC 3533).
    Ogg,
    /// Material Exchange Format (SMPTE ST 377-1).
    Mxf,
    /// RIFF/RF64 WAVE.
    Wav,
    /// MPEG audio layer I to III, with or without ID3.
    Mp3,
    /// Native FLAC (RFC 9639).
    Flac,
    /// AAC in ADTS.
    Adts,
}

impl Container {
    /// The word used in rows and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IsoBmff => "iso_bmff",
            Self::Matroska => "matroska",
            Self::MpegTs => "mpeg_ts",
            Self::MpegPs => "mpeg_ps",
            Self::Avi => "avi",
            Self::Flv => "flv",
            Self::Ogg => "ogg",
            Self::Mxf => "mxf",
            Self::Wav => "wav",
            Self::Mp3 => "mp3",
            Self::Flac => "flac",
            Self::Adts => "adts",
        }
    }
}

/// How the picture must be rotated for display, clockwise, and then mirrored.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Rotation {
    /// Degrees: 0, 90, 180 or 270.
    pub degrees: u16,
    /// Mirrored left to right after the rotation.
    pub mirrored: bool,
}

/// Colour description by the names GStreamer and ffprobe share (`bt709`, `smpte2084` …); empty where unknown.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Colour {
    /// Colour primaries.
    pub primaries: String,
    /// Transfer characteristics.
    pub transfer: String,
    /// Matrix coefficients.
    pub matrix: String,
    /// `full` or `limited`.
    pub range: String,
    /// HDR10 mastering display and light level, as text, where given.
    pub mastering: String,
}

/// A video track.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct VideoFacts {
    /// Position among all tracks, from 0.
    pub track: u32,
    /// Codec name as in ffprobe: `h264`, `hevc`, `vp9`, `av1` …
    pub codec: String,
    /// Profile according to the bitstream; empty if unknown.
    pub profile: String,
    /// Level according to the bitstream; empty if unknown.
    pub level: String,
    /// Coded width in pixels, 1 to 65,535.
    pub width: u32,
    /// Coded height in pixels, 1 to 65,535.
    pub height: u32,
    /// Pixel aspect ratio.
    pub pixel_aspect: Rational,
    /// Rotation for display.
    pub rotation: Rotation,
    /// Frames per second if constant or declared.
    pub frame_rate: Option<Rational>,
    /// Whether the distance between frames varies by more than rounding to milliseconds explains.
    pub variable_rate: bool,
    /// Whether frames are stored as two interlaced fields.
    pub interlaced: bool,
    /// Bits per sample, 0 where unknown.
    pub bit_depth: u8,
    /// `4:2:0` and so on; empty where unknown.
    pub chroma: String,
    /// Colour description.
    pub colour: Colour,
    /// Access units counted.
    pub frames: u64,
    /// Presentation time of the first frame, nanoseconds of stream time.
    pub start_ns: u64,
    /// End of the last frame, nanoseconds of stream time.
    pub end_ns: u64,
    /// Bytes of this track.
    pub bytes: u64,
    /// Keyframes counted.
    pub keyframes: u64,
    /// Longest distance between keyframes, in frames.
    pub gop_frames_max: u32,
    /// BCP 47 or ISO 639 code; empty where unknown.
    pub language: String,
    /// False where no allowed decoder exists for the codec.
    pub decodable: bool,
}

/// An audio track.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AudioFacts {
    /// Position among all tracks, from 0.
    pub track: u32,
    /// Codec name as in ffprobe: `aac`, `opus`, `pcm_s16le` …
    pub codec: String,
    /// Samples per second.
    pub sample_rate: u32,
    /// Number of channels.
    pub channels: u32,
    /// Presentation time of the first sample, nanoseconds of stream time.
    pub start_ns: u64,
    /// End of the last sample, nanoseconds of stream time.
    pub end_ns: u64,
    /// Bytes of this track.
    pub bytes: u64,
    /// Packets counted.
    pub packets: u64,
    /// BCP 47 or ISO 639 code; empty where unknown.
    pub language: String,
    /// False where no allowed decoder exists for the codec.
    pub decodable: bool,
}

/// Most audio tracks of an upload that are published: films for all of Europe have about as many languages.
pub const AUDIO_TRACKS_MAX: usize = 32;

/// A subtitle or caption track.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SubtitleFacts {
    /// Position among all tracks, from 0.
    pub track: u32,
    /// Format: `text`, `ssa`, `webvtt`, `dvdsub`, `pgs` …
    pub codec: String,
    /// Packets counted.
    pub cues: u64,
    /// BCP 47 or ISO 639 code; empty where unknown.
    pub language: String,
}

/// One tag. Values are user text: possibly personal, never logged.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Tag {
    /// Track position, or `None` for the whole file.
    pub track: Option<u32>,
    /// GStreamer's tag name: `title`, `geo-location-latitude`, `device-model` …
    pub name: String,
    /// The value as text, at most 4,096 bytes.
    pub value: String,
}

/// One chapter.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Chapter {
    /// Start, nanoseconds.
    pub start_ns: u64,
    /// End, nanoseconds, where known.
    pub end_ns: Option<u64>,
    /// Title, possibly empty; possibly personal.
    pub title: String,
}

/// Everything that inspection finds.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MediaFacts {
    /// Container family, sniffed.
    pub container: Container,
    /// Major brand, doctype or the like; empty where there is none.
    pub brand: String,
    /// Duration that the header declares, nanoseconds.
    pub declared_duration_ns: Option<u64>,
    /// Real duration: latest end minus earliest start over video and audio, nanoseconds.
    pub duration_ns: u64,
    /// Bits per second over the real duration, whole file.
    pub bitrate_bps: u64,
    /// Video tracks: those that the file names as the ones to play first, then in file order. Cover pictures are not among them.
    pub video: Vec<VideoFacts>,
    /// Audio tracks: those that the file names as the ones to play first, then in file order.
    pub audio: Vec<AudioFacts>,
    /// Subtitle tracks in file order.
    pub subtitles: Vec<SubtitleFacts>,
    /// Number of tracks of other kinds (timecode, telemetry …).
    pub other_tracks: u32,
    /// Tags, at most 500.
    pub tags: Vec<Tag>,
    /// Chapters, at most 1,000.
    pub chapters: Vec<Chapter>,
}

impl SubtitleFacts {
    /// Whether its cues are text, which is published as WebVTT. Of an unknown codec they may be.
    pub fn is_text(&self) -> bool {
        let known = ["text", "ssa", "webvtt", "ttml", "cea608", "cea708", "application/x-subtitle"];
        known.contains(&&*self.codec) || self.codec == "application/x-subtitle-unknown"
    }
}

impl MediaFacts {
    /// The video track that is transcoded: the first one that has a decoder.
    pub fn main_video(&self) -> Option<&VideoFacts> {
        self.video.iter().find(|v| v.decodable && v.frames > 0)
    }
    /// The subtitle tracks whose cues are published.
    pub fn published_subtitles(&self) -> impl Iterator<Item = &SubtitleFacts> {
        self.subtitles.iter().filter(|track| track.cues > 0 && track.is_text())
    }
    /// The main audio track: the first one that has a decoder.
    pub fn main_audio(&self) -> Option<&AudioFacts> {
        self.playable_audio().next()
    }
    /// The audio tracks that have a decoder, the main one first. At most [`AUDIO_TRACKS_MAX`] of them are transcoded.
    pub fn playable_audio(&self) -> impl Iterator<Item = &AudioFacts> {
        self.audio.iter().filter(|a| a.decodable && a.packets > 0)
    }
    /// Number of tracks of all kinds.
    pub fn tracks(&self) -> usize {
        self.video.len() + self.audio.len() + self.subtitles.len() + self.other_tracks as usize
    }
}

#[cfg(all(test, feature = "serde"))]
mod tests {
    use serde::Deserialize;
    use serde::de::value::{Error, MapDeserializer};

    use super::*;

    #[test]
    fn a_ratio_with_a_denominator_of_0_is_not_read() {
        let read = |den: u32| {
            let fields = [("num", 30_000), ("den", den)];
            Rational::deserialize(MapDeserializer::<_, Error>::new(fields.into_iter()))
        };
        assert_eq!(read(1_001).ok(), Rational::new(30_000, 1_001));
        assert!(read(0).is_err());
    }
}
