//! Redaction: which segments are encoded again, so that something can no longer be seen or heard, and which are kept.
//!
//! Only the chunks that a range touches are encoded again, from the source and with the settings of the first run. Of
//! the new result only the touched segments are used, see [`splice_video`]; every other segment keeps its file. This is
//! correct because every segment begins with an IDR and refers to nothing outside itself, and because [`same_shape`]
//! checks that the new run has the frames, times and numbers of the old run.
//!
//! In case of doubt more is covered: ranges are widened, a range between two segments touches the segment that is on
//! screen, and too many boxes become the whole picture.

mod job_checks;
mod joined;
mod request;
mod sightings;
mod splice;

pub use job_checks::{REDACTIONS_MAX, check, check_mutes};
pub use joined::{enrich_job, top_rung};
pub use request::{Request, Sighting, Widening};
pub use splice::{TouchedSegments, replaced, same_shape, splice_audio, splice_video};

use super::plan::Plan;
use crate::messages::{
    AudioJob, AudioResult, GRID_SLACK_NS, Redaction, SegmentResult, Span, VideoJob, VideoResult,
};
use job_checks::malformed;
use reelgate_flow::reason::Fault;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::ops::Range;

/// Sound may be placed this far from its time stamps, so the worker starts each mute earlier and ends it later by this
/// much.
pub const MUTE_SLACK_NS: u64 = 20_000_000;

/// The work of one redaction, and which of its results replace old ones.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedactionPlan {
    /// Chunks to encode again, in order.
    pub chunks: Vec<ChunkRedaction>,
    /// The audio to encode again.
    pub audio: Option<AudioRedaction>,
}

/// One chunk to encode again.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChunkRedaction {
    /// Number in the plan of the asset.
    pub chunk: u16,
    /// What to cover; at least one.
    pub redactions: Vec<Redaction>,
    /// Numbers of the segments to replace, rising; the same on every rung.
    pub segments: Vec<u32>,
}

/// The audio to encode again.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AudioRedaction {
    /// What to mute in every track; at least one.
    pub mutes: Vec<Span>,
    /// Every encoded track, and which of its segments to replace.
    pub tracks: Vec<TouchedSegments>,
}

impl ChunkRedaction {
    /// The job that makes the new segments; `None` if `plan` is not the plan that this was made from.
    pub fn job(&self, plan: &Plan) -> Option<VideoJob> {
        let chunk = plan.video.get(usize::from(self.chunk))?;
        Some(VideoJob { redactions: self.redactions.clone(), ..chunk.job.clone() })
    }
}

impl AudioRedaction {
    /// The job that makes the new segments; `None` if the plan has no audio.
    pub fn job(&self, plan: &Plan) -> Option<AudioJob> {
        Some(AudioJob { mutes: self.mutes.clone(), ..plan.audio.clone()? })
    }
}

/// Plans a redaction of an asset that is already encoded. `video` holds the results of the plan's chunks, in order.
///
/// # Errors
/// `internal` if the request is malformed or names a track that the asset does not have, or if the results are not
/// those of the plan.
pub fn redaction(
    plan: &Plan,
    video: &[VideoResult],
    audio: Option<&AudioResult>,
    request: &Request,
) -> Result<RedactionPlan, Fault> {
    if plan.video.len() != video.len() || plan.audio.is_some() != audio.is_some() {
        return Err(malformed("the results of every chunk and of the audio", "others"));
    }
    Ok(RedactionPlan { chunks: chunks(plan, video, request)?, audio: mutes(plan, audio, &request.mutes)? })
}

/// The chunks that a request touches, computed from the plan alone, before anything is encoded. A chunk is touched if
/// the request overlaps its part of the segment grid. It is also touched if the request begins within the first segment
/// after the chunk, because the chunk's last picture may still be on screen.
///
/// # Errors
/// `internal` if the request is malformed.
pub fn touched_chunks(plan: &Plan, request: &Request) -> Result<Vec<u16>, Fault> {
    let mut touched = Vec::new();
    for (number, chunk) in plan.video.iter().enumerate() {
        if touches(&chunk.job, request)? {
            let number = u16::try_from(number);
            touched.push(number.map_err(|_| malformed("chunks that 16 bits can count", "more"))?);
        }
    }
    Ok(touched)
}

/// Whether a request touches a chunk, computed from the chunk's job alone; see [`touched_chunks`].
///
/// # Errors
/// `internal` if the request is malformed.
pub fn touches(job: &VideoJob, request: &Request) -> Result<bool, Fault> {
    Ok(!meeting(job, request)?.is_empty())
}

/// What one chunk must cover, and which of its segments that touches; `None` if the request does not touch the chunk.
///
/// # Errors
/// `internal` if the request is malformed or the plan has no such chunk.
pub fn of_chunk(
    plan: &Plan,
    number: u16,
    result: &VideoResult,
    request: &Request,
) -> Result<Option<ChunkRedaction>, Fault> {
    let chunk =
        plan.video.get(usize::from(number)).ok_or_else(|| malformed("a chunk of the plan", "none"))?;
    let job = &chunk.job;
    let redactions = meeting(job, request)?;
    let segments = result.rungs.first().map_or(&[][..], |rung| &rung.segments);
    let times = Times { zero_ns: job.zero_ns, timescale: job.timescale, segments };
    let reaches = redactions.iter().map(|redaction| times.touched(redaction.start_ns, redaction.end_ns));
    let touched = marked(&reaches.collect::<Vec<_>>(), segments.len());
    let segments = touched.into_iter().filter_map(|at| Some(segments.get(at)?.number)).collect();
    let redactions = sightings::bounded(redactions);
    Ok((!redactions.is_empty()).then_some(ChunkRedaction { chunk: number, redactions, segments }))
}

/// What the audio must mute, and which of its segments that touches; `None` if the request mutes nothing.
///
/// # Errors
/// `internal` if the request is malformed or the plan has no audio.
pub fn of_audio(
    plan: &Plan,
    result: &AudioResult,
    request: &Request,
) -> Result<Option<AudioRedaction>, Fault> {
    mutes(plan, Some(result), &request.mutes)
}

/// What a request covers while a chunk is on screen.
fn meeting(job: &VideoJob, request: &Request) -> Result<Vec<Redaction>, Fault> {
    let at = |segment: u32| job.zero_ns.saturating_add(u64::from(segment).saturating_mul(job.segment_ns));
    let first_ns = if job.first_segment == 0 { 0 } else { at(job.first_segment) };
    let end_ns = job.end_segment.map_or(u64::MAX, at);
    let mut wanted = sightings::redactions(request, job.track_end_ns)?;
    wanted.retain(|redaction| {
        redaction.end_ns.saturating_add(GRID_SLACK_NS) > first_ns
            && redaction.start_ns < end_ns.saturating_add(job.segment_ns)
    });
    Ok(wanted)
}

fn chunks(plan: &Plan, video: &[VideoResult], request: &Request) -> Result<Vec<ChunkRedaction>, Fault> {
    let Some(job) = plan.video.first().map(|chunk| &chunk.job) else {
        let needs_no_video = request.places.is_empty();
        return if needs_no_video { Ok(Vec::new()) } else { Err(malformed("a video to redact", "none")) };
    };
    let wanted = sightings::redactions(request, job.track_end_ns)?;
    // Every rung has the same segment boundaries.
    let first_rungs = video.iter().map(|result| result.rungs.first().map_or(&[][..], |rung| &rung.segments));
    let first_rungs: Vec<&[SegmentResult]> = first_rungs.collect();
    let all = first_rungs.concat();
    let times = Times { zero_ns: job.zero_ns, timescale: job.timescale, segments: &all };
    let reaches = wanted.iter().map(|redaction| times.touched(redaction.start_ns, redaction.end_ns));
    let reaches: Vec<Range<usize>> = reaches.collect();
    let touched = marked(&reaches, all.len());
    let mut chunks = Vec::new();
    let mut end = 0;
    for (number, segments) in first_rungs.iter().enumerate() {
        let mine = end..end + segments.len();
        end = mine.end;
        let reached = wanted.iter().zip(&reaches);
        let reached = reached.filter(|(_, reach)| reach.start < mine.end && mine.start < reach.end);
        let redactions: Vec<Redaction> = reached.map(|(redaction, _)| *redaction).collect();
        if redactions.is_empty() {
            continue;
        }
        let numbers = mine.filter(|at| touched.contains(at)).filter_map(|at| all.get(at));
        chunks.push(ChunkRedaction {
            chunk: u16::try_from(number).map_err(|_| malformed("chunks that 16 bits can count", "more"))?,
            redactions: sightings::bounded(redactions),
            segments: numbers.map(|segment| segment.number).collect(),
        });
    }
    if chunks.is_empty() && !wanted.is_empty() {
        return Err(malformed("segments to redact", "none"));
    }
    Ok(chunks)
}

fn mutes(plan: &Plan, audio: Option<&AudioResult>, mutes: &[Span]) -> Result<Option<AudioRedaction>, Fault> {
    if mutes.is_empty() {
        return Ok(None);
    }
    check_mutes(mutes)?;
    let Some((job, result)) = plan.audio.as_ref().zip(audio) else {
        return Err(malformed("an audio track to mute", "none"));
    };
    let tracks = result.encoded().map(|encoded| TouchedSegments {
        name: encoded.track.name.clone(),
        segments: muted_segments(job, &encoded.track.segments, mutes),
    });
    Ok(Some(AudioRedaction { mutes: mutes.to_vec(), tracks: tracks.collect() }))
}

fn muted_segments(job: &AudioJob, segments: &[SegmentResult], mutes: &[Span]) -> Vec<u32> {
    let times = Times { zero_ns: job.zero_ns, timescale: job.sample_rate, segments };
    let reaches = mutes.iter().map(|span| {
        let start_ns = span.start_ns.saturating_sub(MUTE_SLACK_NS);
        let reach = times.touched(start_ns, span.end_ns.saturating_add(MUTE_SLACK_NS));
        reach.start.saturating_sub(1)..(reach.end + 1).min(segments.len())
    });
    let touched = marked(&reaches.collect::<Vec<_>>(), segments.len());
    touched.into_iter().filter_map(|at| Some(segments.get(at)?.number)).collect()
}

/// All positions in these ranges that are below `len`.
fn marked(ranges: &[Range<usize>], len: usize) -> BTreeSet<usize> {
    let mut ranges = ranges.to_vec();
    ranges.sort_by_key(|range| range.start);
    let mut marked = BTreeSet::new();
    let mut done = 0;
    for range in ranges {
        marked.extend(range.start.max(done)..range.end.min(len));
        done = done.max(range.end);
    }
    marked
}

/// When the segments of a whole track are shown, in stream time. Each is shown until the next begins, and the last for
/// ever, so every moment belongs to a segment, even a moment in a gap that damage has left.
struct Times<'a> {
    zero_ns: u64,
    timescale: u32,
    segments: &'a [SegmentResult],
}

impl Times<'_> {
    /// Positions of the segments that are shown within a range, which is widened by the rounding of times.
    fn touched(&self, start_ns: u64, end_ns: u64) -> Range<usize> {
        let (start_ns, end_ns) =
            (start_ns.saturating_sub(GRID_SLACK_NS), end_ns.saturating_add(GRID_SLACK_NS));
        let begun = |time_ns: u64| {
            self.segments.partition_point(|segment| self.stream_ns(segment.start_ticks) <= time_ns)
        };
        // Time before the first frame belongs to the first segment.
        let end = begun(end_ns).max(1).min(self.segments.len());
        begun(start_ns).saturating_sub(1).min(end)..end
    }

    fn stream_ns(&self, ticks: u64) -> u64 {
        let ns = u128::from(ticks) * 1_000_000_000 / u128::from(self.timescale.max(1));
        self.zero_ns.saturating_add(u64::try_from(ns).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests;
