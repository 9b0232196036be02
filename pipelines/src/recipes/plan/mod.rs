//! The plan of an asset: every media job with every number it needs, made once from the facts.
//!
//! The plan is a pure function of the inspection and the settings, and does not depend on the machine. So every run of
//! a chunk, on any node, does the same work and produces the same bytes.

mod audio;
mod captions;
mod chunks;
mod language;
mod presentation;

use super::ladder::{display_size, ladder};
use super::settings::{Segments, Settings};
use crate::messages::{
    AudioJob, EnrichJob, InspectJob, Inspection, SampleJob, ScreenTextJob, Span, TrackRef, VideoIndex,
    VideoJob,
};
pub use captions::CaptionsPlan;
use chunks::Chunk;
pub use presentation::presentation;
use reelgate_flow::facts::{AudioFacts, Container, MediaFacts, Rational, VideoFacts};
use reelgate_flow::reason::{Code, Fault};
use serde::{Deserialize, Serialize};

/// Raised whenever the same facts and settings would make other jobs.
pub const PLAN_VERSION: u16 = 4;

/// Fewest ticks per second, so that a tick is much shorter than a video frame.
const TIMESCALE_MIN: u32 = 10_000;
/// Most ticks per second for exact frames. A rate that needs more is treated as variable.
const TIMESCALE_MAX: u32 = 1_000_000;
/// Ticks per second for variable frame rates: the clock of MPEG systems (ISO/IEC 13818-1).
const TIMESCALE_VARIABLE: u32 = 90_000;
/// Most samples of one video. 24 h at the longest default interval take 2,880.
const SAMPLES_MAX: u32 = 5_000;
/// Segments of a track that has an index: as many as it can count, less those that begin and end one within the grid.
const SEGMENTS_INDEXED_MAX: u64 = u16::MAX as u64 - 2;
/// Only keyframes are sampled if no keyframe is further from the next than this many intervals. Then a few tiles of a
/// storyboard repeat, but decoding every frame would cost about thirty times as much.
pub(super) const KEYFRAME_GAP_INTERVALS: u64 = 4;

/// All media work of one asset after inspection.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// [`PLAN_VERSION`] at the time of planning.
    pub version: u16,
    /// Length of the presentation, nanoseconds.
    pub duration_ns: u64,
    /// Chunks in order; empty for audio-only.
    pub video: Vec<VideoChunk>,
    /// Every audio track; `None` for video-only.
    pub audio: Option<AudioJob>,
    /// Language of the one audio track in plans of version 2. Those of later versions have it in their encodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio_language: Option<String>,
    /// Subtitles and captions; `None` if there are none that are text.
    #[serde(default)]
    pub captions: Option<CaptionsPlan>,
    /// Samples, poster, storyboard and text.
    pub enrich: EnrichJob,
    /// Highest rung of the progressive file, pixels; 0 for no such file.
    #[serde(default)]
    pub progressive_height: u32,
    /// [`default_captions`](super::settings::PackageSettings::default_captions).
    #[serde(default)]
    pub default_captions: String,
    /// How segments are published.
    #[serde(default)]
    pub segments: Segments,
}

/// One chunk and the number of frames it must produce.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VideoChunk {
    pub job: VideoJob,
    /// Frames that the index counted in the chunk's segments.
    pub frames: u64,
}

/// The job that inspects a source, on the segment grid that [`plan`] uses under the same settings.
pub fn inspect_job(container: Container, size_bytes: u64, settings: &Settings) -> InspectJob {
    InspectJob {
        container,
        size_bytes,
        segment_ns: settings.cut.segment_ns(),
        limits: settings.limits.clone(),
    }
}

/// Plans the work on a source of `size_bytes` bytes. The inspection must have been made by [`inspect_job`]
/// with the same settings.
///
/// # Errors
/// `no_media_track` if there is nothing to show or to hear. `unsupported_codec` if there is video or audio but no
/// allowed decoder for it: no part of an upload is left out silently. Audio tracks that cannot be decoded beside one that can
/// are named by [`reelgate_flow::left_out`].
pub fn plan(inspection: &Inspection, settings: &Settings, size_bytes: u64) -> Result<Plan, Fault> {
    let facts = &inspection.facts;
    let (video, audio) = tracks(facts)?;
    let source = |track| TrackRef { container: facts.container, size_bytes, track };
    let time = presentation(inspection);
    let video_chunks = match video {
        Some(video) => video_chunks(video, &time, inspection.index.as_ref(), settings, &source(video.track)),
        None => Vec::new(),
    };
    Ok(Plan {
        version: PLAN_VERSION,
        duration_ns: facts.duration_ns,
        video: video_chunks,
        audio: audio.map(|_| audio::job(inspection, &time, settings, size_bytes)),
        audio_language: None,
        captions: captions::captions(facts, &inspection.captioned, &inspection.subtitles, time, size_bytes),
        enrich: EnrichJob {
            container: facts.container,
            size_bytes,
            frames: video.map(|video| sample_job(video, inspection.index.as_ref(), settings)),
            screen_text: video.map_or_else(ScreenTextJob::default, |video| {
                screen_text_job(video, inspection.index.as_ref(), settings)
            }),
        },
        progressive_height: settings.package.progressive_height,
        default_captions: settings.package.default_captions.clone(),
        segments: segments(settings, time.end_ns.saturating_sub(time.start_ns)),
    })
}

/// An index counts its segments with 16 bits (ISO/IEC 14496-12 8.16.3), so what has more of them is published in files.
fn segments(settings: &Settings, length_ns: u64) -> Segments {
    match length_ns / settings.cut.segment_ns() < SEGMENTS_INDEXED_MAX {
        true => settings.package.segments,
        false => Segments::Files,
    }
}

fn tracks(facts: &MediaFacts) -> Result<(Option<&VideoFacts>, Option<&AudioFacts>), Fault> {
    let (video, audio) = (facts.main_video(), facts.main_audio());
    if video.is_none()
        && let Some(refused) = facts.video.iter().find(|video| video.frames > 0)
    {
        return Err(undecodable("video", &refused.codec));
    }
    if audio.is_none()
        && let Some(refused) = facts.audio.iter().find(|audio| audio.packets > 0)
    {
        return Err(undecodable("audio", &refused.codec));
    }
    if video.is_none() && audio.is_none() {
        let found = format!("{} video and {} audio tracks, all empty", facts.video.len(), facts.audio.len());
        return Err(Fault::new(Code::NoMediaTrack, found));
    }
    Ok((video, audio))
}

/// The fault of a track without decoder. The codec's name comes from the file, so it is shown only if it looks like
/// one.
fn undecodable(kind: &str, codec: &str) -> Fault {
    let is_name = codec.len() <= 40 && codec.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c));
    Fault::new(
        Code::UnsupportedCodec,
        format!("{kind} codec {}", if is_name { codec } else { "of unknown name" }),
    )
}

fn video_chunks(
    video: &VideoFacts,
    time: &Span,
    index: Option<&VideoIndex>,
    settings: &Settings,
    source: &TrackRef,
) -> Vec<VideoChunk> {
    let frame_rate = constant_rate(video);
    let (width, height) = display_size(video);
    let chunks = chunks::cut(video, index, frame_rate, &settings.cut);
    let job = VideoJob {
        source: source.clone(),
        zero_ns: time.start_ns,
        lead_ns: video.start_ns.saturating_sub(time.start_ns),
        segment_ns: settings.cut.segment_ns(),
        first_segment: 0,
        end_segment: None,
        seek_ns: None,
        frame_rate,
        track_end_ns: time.end_ns,
        timescale: frame_rate.and_then(exact_timescale).unwrap_or(TIMESCALE_VARIABLE),
        rotation: video.rotation,
        interlaced: video.interlaced,
        rungs: ladder(width, height, &settings.video.rungs),
        preset: settings.video.preset.clone(),
        crf: settings.video.crf,
        encoder_threads: settings.video.encoder_threads.max(1),
        redactions: Vec::new(),
    };
    let of = |Chunk { first_segment, end_segment, seek_ns, frames }: Chunk| VideoChunk {
        job: VideoJob { first_segment, end_segment, seek_ns, ..job.clone() },
        frames,
    };
    chunks.into_iter().map(of).collect()
}

/// The rate in lowest terms, if it is constant and its ticks can be exact.
fn constant_rate(video: &VideoFacts) -> Option<Rational> {
    let rate = video.frame_rate.filter(|rate| !video.variable_rate && rate.num > 0 && rate.den > 0)?;
    let divisor = gcd(rate.num, rate.den);
    let rate = Rational { num: rate.num / divisor, den: rate.den / divisor };
    exact_timescale(rate).map(|_| rate)
}

/// The rate's numerator times the smallest power of ten that gives enough ticks. A frame of rate `num / den` then lasts
/// `den * 10^k` whole ticks.
fn exact_timescale(rate: Rational) -> Option<u32> {
    let mut timescale = rate.num;
    while timescale < TIMESCALE_MIN {
        timescale = timescale.checked_mul(10).filter(|scale| *scale > 0)?;
    }
    (timescale <= TIMESCALE_MAX).then_some(timescale)
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn sample_job(video: &VideoFacts, index: Option<&VideoIndex>, settings: &Settings) -> SampleJob {
    let sample = &settings.sample;
    let duration_ns = video.end_ns.saturating_sub(video.start_ns);
    let interval_ns = (duration_ns / u64::from(sample.samples.max(1)))
        .clamp(u64::from(sample.interval_min_ms) * 1_000_000, u64::from(sample.interval_max_ms) * 1_000_000);
    let count = duration_ns.div_ceil(interval_ns.max(1)).saturating_add(1);
    SampleJob {
        track: video.track,
        start_ns: video.start_ns,
        lead_ns: index.map_or(0, |index| index.lead_ns),
        end_ns: video.end_ns,
        interval_ns,
        samples_max: u32::try_from(count).unwrap_or(SAMPLES_MAX).min(SAMPLES_MAX),
        keyframes_only: index.is_some_and(|index| {
            index.seekable
                && keyframe_gap_ns(video, &index.keyframes_ns)
                    <= interval_ns.saturating_mul(KEYFRAME_GAP_INTERVALS)
        }),
        decoders: sample.decoders,
        in_flight_max: sample.in_flight_max,
        rotation: video.rotation,
        pixel_aspect: video.pixel_aspect,
        poster_side_max: sample.poster_side_max,
        tile_height: sample.tile_height,
        columns: sample.columns,
        rows: sample.rows,
    }
}

/// Only keyframes are read for text if they are close enough. Text that appears and disappears between two pictures
/// that are read is not found.
fn screen_text_job(video: &VideoFacts, index: Option<&VideoIndex>, settings: &Settings) -> ScreenTextJob {
    let settings = &settings.screen_text;
    let are_dense = |index: &VideoIndex| {
        index.seekable && keyframe_gap_ns(video, &index.keyframes_ns) <= settings.interval_ns()
    };
    let is_turned = video.rotation.degrees % 180 == 90;
    let size = if is_turned { (video.height, video.width) } else { (video.width, video.height) };
    settings.job(index.is_some_and(are_dense), size)
}

/// The longest time of the track without a keyframe.
fn keyframe_gap_ns(video: &VideoFacts, keyframes_ns: &[u64]) -> u64 {
    let mut last = video.start_ns;
    let mut gap = 0;
    for at in keyframes_ns.iter().copied().chain([video.end_ns]) {
        gap = gap.max(at.saturating_sub(last));
        last = at;
    }
    gap
}

#[cfg(test)]
mod tests;
