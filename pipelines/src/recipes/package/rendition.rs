//! A whole encoded track after the join: what playlists state about it, with measured bit rates.

use crate::messages::{AudioRole, Loudness};
use reelgate_flow::caption_file::CaptionFlags;
use reelgate_flow::facts::Rational;
use reelgate_flow::ids::AssetId;
use serde::{Deserialize, Serialize};

use super::files::TrackFile;

/// One playable track.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rendition {
    /// The name of the rung or of the audio encode, or `captions-1` …
    pub name: String,
    /// Folder of its files, relative to the asset's outputs: `video/720p`, `audio`, `captions-1`.
    pub folder: String,
    /// RFC 6381 codec string; `wvtt` for captions.
    pub codecs: String,
    /// Whether it is video, audio or captions, with its properties.
    pub kind: Kind,
    /// Ticks per second.
    pub timescale: u32,
    /// Highest bit rate over runs of about one segment, bits per second, see `peak_bps`.
    pub peak_bps: u64,
    /// Bit rate over the whole track, bits per second, rounded up.
    pub average_bps: u64,
    /// Segments in order; their files are numbered from 0 without gaps.
    pub segments: Vec<Segment>,
    /// The one file that holds them all; `None` if each is a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<TrackFile>,
}
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Video(Picture),
    Audio(Sound),
    Captions(Captions),
}

/// What a video rendition shows.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Picture {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Frames per second: the exact rate if it is constant, otherwise the highest rate of any segment.
    pub frame_rate: Rational,
    /// Frames in all.
    pub frames: u64,
}

/// What an audio rendition holds.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sound {
    /// Samples per second.
    pub sample_rate: u32,
    pub channels: u8,
    /// BCP 47 or ISO 639 code; `None` if unknown.
    pub language: Option<String>,
    /// Position of its track among all tracks of the source; 0 in documents of earlier versions.
    #[serde(default)]
    pub track: u32,
    /// What it is for.
    #[serde(default)]
    pub role: AudioRole,
    /// `None` in documents of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loudness: Option<Loudness>,
}

/// What a rendition of captions holds.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Captions {
    /// Position of its track in the source; `None` for a caption file.
    pub track: Option<u32>,
    /// The asset of the caption file; `None` for a track.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<AssetId>,
    /// What they are for.
    #[serde(default)]
    pub flags: CaptionFlags,
    /// The channel of captions (`cc1`, `service1` …); `None` for subtitles.
    pub channel: Option<String>,
    /// BCP 47 or ISO 639 code; `None` if unknown.
    pub language: Option<String>,
    /// Texts in all.
    pub cues: u64,
}

/// One segment of a rendition.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// Presentation time, ticks.
    pub start_ticks: u64,
    /// Length, ticks; never 0.
    pub duration_ticks: u64,
    pub samples: u32,
    /// Size, bytes.
    pub bytes: u64,
    /// Bytes up to the end of the first picture; 0 where there is none, or where it is not known.
    #[serde(default)]
    pub first_picture_end: u64,
}

impl Rendition {
    /// End of the last segment, ticks.
    pub fn end_ticks(&self) -> u64 {
        self.segments.last().map_or(0, |last| last.start_ticks + last.duration_ticks)
    }

    /// Whether each segment's first picture can be read alone.
    pub fn has_first_pictures(&self) -> bool {
        !self.segments.is_empty() && self.segments.iter().all(|segment| segment.first_picture_end > 0)
    }

    /// Length up to the end of the last segment, nanoseconds.
    pub fn length_ns(&self) -> u64 {
        let ns = u128::from(self.end_ticks()) * 1_000_000_000 / u128::from(self.timescale.max(1));
        u64::try_from(ns).unwrap_or(u64::MAX)
    }

    /// Seconds for a number of ticks.
    pub fn seconds(&self, ticks: u64) -> f64 {
        ticks as f64 / f64::from(self.timescale)
    }

    /// The target duration of RFC 8216, 4.3.3.1: the longest segment rounded to whole seconds, at least 1.
    pub fn target_duration_s(&self) -> u64 {
        let scale = u64::from(self.timescale);
        let longest = self.segments.iter().map(|segment| (segment.duration_ticks + scale / 2) / scale).max();
        longest.unwrap_or(0).max(1)
    }
}

/// The highest bit rate of any run of segments that lasts 0.5 to 1.5 target durations (RFC 8216, 4.1), rounded up. If
/// the track is shorter than that, the bit rate of the whole track.
pub fn peak_bps(segments: &[Segment], timescale: u32, target_duration_s: u64) -> u64 {
    let target = target_duration_s.saturating_mul(u64::from(timescale));
    let mut peak = None;
    for first in 0..segments.len() {
        let (mut bytes, mut ticks) = (0_u64, 0_u64);
        for segment in &segments[first..] {
            bytes = bytes.saturating_add(segment.bytes);
            ticks = ticks.saturating_add(segment.duration_ticks);
            if ticks.saturating_mul(2) > target.saturating_mul(3) {
                break;
            }
            if ticks.saturating_mul(2) >= target {
                peak = peak.max(Some(bit_rate(bytes, ticks, timescale)));
            }
        }
    }
    peak.unwrap_or_else(|| average_bps(segments, timescale))
}

/// The highest bit rate of the segments' first pictures, if each is shown as long as its segment.
pub fn first_pictures_bps(segments: &[Segment], timescale: u32) -> u64 {
    let rate = |one: &Segment| bit_rate(one.first_picture_end, one.duration_ticks, timescale);
    segments.iter().map(rate).max().unwrap_or(0)
}

/// The bit rate of the whole track, rounded up.
pub fn average_bps(segments: &[Segment], timescale: u32) -> u64 {
    let sum = |of: fn(&Segment) -> u64| segments.iter().map(of).fold(0, u64::saturating_add);
    bit_rate(sum(|segment| segment.bytes), sum(|segment| segment.duration_ticks), timescale)
}

fn bit_rate(bytes: u64, ticks: u64, timescale: u32) -> u64 {
    let bits_by_scale = u128::from(bytes) * 8 * u128::from(timescale);
    u64::try_from(bits_by_scale.div_ceil(u128::from(ticks.max(1)))).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(duration_ticks: u64, bytes: u64) -> Segment {
        Segment { start_ticks: 0, duration_ticks, samples: 1, bytes, first_picture_end: 0 }
    }

    #[test]
    fn a_short_last_segment_alone_is_no_peak() {
        let segments = [segment(4_000, 1_000), segment(4_000, 2_000), segment(100, 1_000)];
        // The second segment alone has 2,000 bytes in 4 s: 4,000 b/s. With the last it has 3,000 bytes in 4.1 s.
        assert_eq!(peak_bps(&segments, 1_000, 4), 5_854);
        assert_eq!(average_bps(&segments, 1_000), 3_951);
    }

    #[test]
    fn a_track_shorter_than_half_a_target_has_its_average_as_peak() {
        assert_eq!(peak_bps(&[segment(100, 125)], 1_000, 1), 10_000);
        assert_eq!(peak_bps(&[segment(1, u64::MAX)], u32::MAX, u64::MAX), u64::MAX);
    }
}
