//! Where a long video is cut, so that many workers can encode it at once.
//!
//! Cuts lie on the segment grid, so a chunk encodes the same segments as an uncut run would. A worker starts to read a
//! chunk at a keyframe of the source, and the frames between that keyframe and the cut are decoded and dropped. Of the
//! grid lines that give a chunk of about the wanted length, the cut takes the line with the least such waste.

use crate::messages::{GRID_SLACK_NS, VideoIndex};
use crate::recipes::settings::CutSettings;
use reelgate_flow::facts::{Rational, VideoFacts};
use reelgate_flow::limits::CHUNKS_MAX;

/// A range of whole segments that one job encodes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Chunk {
    pub first_segment: u32,
    pub end_segment: Option<u32>,
    pub seek_ns: Option<u64>,
    pub frames: u64,
}

/// A second of waste costs as much as a deviation of this many seconds from the wanted length, because decoding is
/// several times as fast as encoding a ladder.
const DEPARTURE_SHARE: u64 = 4;

/// The chunks in order; together they have all segments of the track. A video that is short or may not be cut is one
/// chunk.
pub fn cut(
    video: &VideoFacts,
    index: Option<&VideoIndex>,
    rate: Option<Rational>,
    settings: &CutSettings,
) -> Vec<Chunk> {
    let duration_ns = video.end_ns.saturating_sub(video.start_ns);
    let is_long = duration_ns > u64::from(settings.chunk_threshold_s) * 1_000_000_000;
    let segments = index.map_or(0, |index| u32::try_from(index.segment_frames.len()).unwrap_or(u32::MAX));
    match index {
        Some(index) if is_long && index.seekable && segments > 1 => {
            let grid = Grid { video, index, rate, segment_ns: settings.segment_ns(), segments };
            grid.cut(Lengths::new(settings, segments))
        }
        _ => {
            let frames =
                index.map_or(video.frames, |index| index.segment_frames.iter().copied().map(u64::from).sum());
            vec![Chunk { first_segment: 0, end_segment: None, seek_ns: None, frames }]
        }
    }
}

/// Lengths of a chunk, in segments. `max >= 2 * min - 1`, so `min` or more segments can always be divided into chunks
/// within the bounds.
struct Lengths {
    wanted: u32,
    min: u32,
    max: u32,
}

impl Lengths {
    fn new(settings: &CutSettings, segments: u32) -> Self {
        // If the wanted length gives too many chunks, they get longer. `min` is four fifths of `wanted`.
        let fewest = segments.div_ceil(u32::from(CHUNKS_MAX) * 4 / 5);
        let wanted = (settings.chunk_s / settings.segment_s.max(1)).max(fewest).max(1);
        let min = (wanted.saturating_mul(4)).div_ceil(5);
        let max = (wanted.saturating_mul(7)).div_ceil(5).max(min * 2 - 1);
        Self { wanted, min, max }
    }
}

struct Grid<'a> {
    video: &'a VideoFacts,
    index: &'a VideoIndex,
    rate: Option<Rational>,
    segment_ns: u64,
    segments: u32,
}

impl Grid<'_> {
    fn cut(&self, lengths: Lengths) -> Vec<Chunk> {
        let mut chunks = Vec::new();
        let mut first = 0;
        while let Some(next) = self.next_cut(first, &lengths) {
            chunks.push(self.chunk(first, Some(next)));
            first = next;
        }
        chunks.push(self.chunk(first, None));
        chunks
    }

    /// The next chunk's first segment; `None` if the rest is one chunk.
    fn next_cut(&self, first: u32, lengths: &Lengths) -> Option<u32> {
        let rest = self.segments - first;
        if rest <= lengths.max && rest < lengths.min * 2 {
            return None;
        }
        let latest = (first + lengths.max).min(self.segments - lengths.min);
        let cost = |line: u32| {
            let waste_ns =
                self.line_ns(line).saturating_sub(self.seek_ns(line).unwrap_or(self.video.start_ns));
            let departure = u64::from((line - first).abs_diff(lengths.wanted));
            waste_ns.saturating_add(departure * self.segment_ns / DEPARTURE_SHARE)
        };
        let nearby = (first + lengths.min..=latest)
            .filter(|line| self.has_frames(*line))
            .min_by_key(|line| cost(*line));
        // A long still picture has no frame near: take the next line that has one.
        nearby.or_else(|| (latest + 1..self.segments).find(|line| self.has_frames(*line)))
    }

    fn chunk(&self, first: u32, end: Option<u32>) -> Chunk {
        let range = first as usize..end.unwrap_or(self.segments) as usize;
        let frames = self.index.segment_frames.get(range).unwrap_or_default();
        Chunk {
            first_segment: first,
            end_segment: end,
            seek_ns: if first == 0 { None } else { self.seek_ns(first) },
            frames: frames.iter().copied().map(u64::from).sum(),
        }
    }

    fn has_frames(&self, segment: u32) -> bool {
        self.index.segment_frames.get(segment as usize).is_some_and(|frames| *frames > 0)
    }

    fn line_ns(&self, segment: u32) -> u64 {
        let zero_ns = self.video.start_ns.saturating_sub(self.index.lead_ns);
        zero_ns.saturating_add(u64::from(segment).saturating_mul(self.segment_ns))
    }

    /// The last keyframe that is certainly not after the first frame of the segment. A keyframe that belongs to the
    /// segment itself counts only if no other frame fits between the line and the keyframe. A later keyframe may not be
    /// the segment's first frame, and the frames before it would be lost.
    fn seek_ns(&self, segment: u32) -> Option<u64> {
        let begin_ns = self.line_ns(segment).saturating_sub(GRID_SLACK_NS);
        // Time stamps are rounded, so only half of a frame's length is used. If the rate varies, frames that are closer
        // than the slack count as one.
        let half_frame_ns = |rate: Rational| 500_000_000 * u64::from(rate.den) / u64::from(rate.num.max(1));
        let latest_ns = begin_ns.saturating_add(self.rate.map_or(GRID_SLACK_NS, half_frame_ns));
        let after = self.index.keyframes_ns.partition_point(|at| *at <= latest_ns);
        after.checked_sub(1).and_then(|last| self.index.keyframes_ns.get(last).copied())
    }
}
