//! Checks what an encoded chunk or audio track claims, and that its outputs are exactly those that it lists and hold what
//! it claims.

use std::ops::RangeInclusive;

use reelgate_flow::reason::{Code, Fault};

use super::content::{Content, ContentCheck, ExpectedTrack, InitSegment, MediaSegment};
use super::fault::media_fault;
use super::outputs::{Output, Outputs};
use super::range_checks::{TIME_NS_MAX, at_most, ensure, untrue};
use crate::messages::{
    AudioEncode, AudioEncoded, AudioEnding, AudioJob, AudioResult, Loudness, SegmentResult, TrackResult,
    VideoJob, VideoResult,
};

const INIT: &str = "init.mp4";
/// A segment's name has five digits. With segments of one second, that is more than a day.
const SEGMENT_LAST: u32 = 99_999;
/// A day at 768 kHz has 6.6e10 samples. This limit only keeps sums from overflowing.
const SAMPLES_MAX: u64 = 1 << 48;
/// No loudness, range or peak of sound is further from 0: 32-bit floats span 1,530 dB.
const DECIBELS_MAX: f64 = 2_000.0;

/// The check of an output of this name; `None` if the job has no such output.
pub(super) fn video_output(job: &VideoJob, name: &str) -> Option<ContentCheck> {
    let (rung, file) = name.split_once('/')?;
    let rung = job.rungs.iter().find(|known| known.name == rung)?;
    let track = ExpectedTrack::Video { timescale: job.timescale, width: rung.width, height: rung.height };
    part(file, &video_numbers(job), track)
}

/// The check of an output of this name; `None` if the job has no such output.
pub(super) fn audio_output(job: &AudioJob, name: &str) -> Option<ContentCheck> {
    let (track, file) = name.split_once('/')?;
    let encode = job.encodes.iter().find(|known| known.name == track)?;
    let expected = ExpectedTrack::Audio { sample_rate: job.sample_rate, channels: encode.channels };
    part(file, &(0..=SEGMENT_LAST), expected)
}

pub(super) fn check_video(job: &VideoJob, result: &VideoResult, outputs: &Outputs) -> Result<(), Fault> {
    at_most("frames", result.frames_in, SAMPLES_MAX)?;
    at_most("damaged frames", result.frames_damaged, SAMPLES_MAX)?;
    let is_same = job.rungs.iter().map(|rung| &rung.name).eq(result.rungs.iter().map(|rung| &rung.name));
    ensure(is_same, || "the job's rungs in the job's order".to_owned())?;
    let numbers = video_numbers(job);
    for rung in &result.rungs {
        ensure(is_avc(&rung.codecs), || "an AVC codec string".to_owned())?;
        ensure(rung.timescale == job.timescale, || format!("timescale {}", job.timescale))?;
        check_segments(rung, &numbers, outputs, Start::Presentation)?;
        let frames: u64 = rung.segments.iter().map(|segment| u64::from(segment.samples)).sum();
        if frames != result.frames_in {
            let detail = format!("{} frames in, {frames} out on one rung", result.frames_in);
            return Err(Fault::new(Code::CountMismatch, detail));
        }
    }
    check_count(&result.rungs, outputs, 0)
}

/// An encode that failed may have left outputs. They are not published.
pub(super) fn check_audio(job: &AudioJob, result: &AudioResult, outputs: &Outputs) -> Result<(), Fault> {
    ensure(result.encodes.len() == job.encodes.len(), || format!("{} encodes", job.encodes.len()))?;
    let mut tracks = Vec::new();
    let mut failed = Vec::new();
    for (encode, ending) in job.encodes.iter().zip(&result.encodes) {
        match ending {
            AudioEnding::Encoded(encoded) => {
                check_encoded(job, encode, encoded, outputs)?;
                tracks.push(encoded.track.clone());
            }
            AudioEnding::Failed(fault) => {
                media_fault(fault)?;
                failed.push(format!("{}/", encode.name));
            }
        }
    }
    ensure(!tracks.is_empty(), || "at least one encode that did not fail".to_owned())?;
    let is_abandoned = |name: &String| failed.iter().any(|folder| name.starts_with(folder));
    check_count(&tracks, outputs, outputs.keys().filter(|name| is_abandoned(name)).count())
}

fn check_encoded(
    job: &AudioJob,
    encode: &AudioEncode,
    encoded: &AudioEncoded,
    outputs: &Outputs,
) -> Result<(), Fault> {
    let track = &encoded.track;
    ensure(track.name == encode.name, || format!("a track named {}", encode.name))?;
    ensure(is_aac(&track.codecs), || "an AAC codec string".to_owned())?;
    ensure(track.timescale == job.sample_rate, || format!("timescale {}", job.sample_rate))?;
    for samples in [encoded.samples_in, encoded.samples_filled, encoded.samples_cut] {
        at_most("samples", samples, SAMPLES_MAX)?;
    }
    let loudness = encoded.loudness.as_ref();
    ensure(loudness.is_some_and(is_plausible), || "a loudness in decibels".to_owned())?;
    check_segments(track, &(0..=SEGMENT_LAST), outputs, Start::Media)?;
    let is_contiguous = track.segments.iter().zip(0..).all(|(segment, number)| segment.number == number);
    ensure(is_contiguous, || "audio segments numbered from 0 without a gap".to_owned())
}

fn is_plausible(loudness: &Loudness) -> bool {
    let Loudness { integrated_lufs, range_lu, true_peak_dbtp } = *loudness;
    let mut levels = [integrated_lufs, Some(range_lu), true_peak_dbtp].into_iter().flatten();
    levels.all(|level| level.abs() <= DECIBELS_MAX)
}

/// Where the decode times of segments begin. Both are compared with presentation times, which begin at 0.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    /// With the presentation: composition happens later, by as much as the header skips.
    Presentation,
    /// With the media, of which the header skips the beginning (the priming of sound).
    Media,
}

/// Checks that numbers rise within `numbers`, and that the files hold what the result claims. Video may skip numbers
/// where one long frame covers whole segments.
fn check_segments(
    track: &TrackResult,
    numbers: &RangeInclusive<u32>,
    outputs: &Outputs,
    start: Start,
) -> Result<(), Fault> {
    let is_rising = track.segments.windows(2).all(|pair| pair[0].number < pair[1].number);
    ensure(is_rising, || "segments in rising order".to_owned())?;
    if track.segments.is_empty() {
        return Ok(());
    }
    let init = init_segment(arrived(outputs, &format!("{}/{INIT}", track.name))?)?;
    ensure(init.codecs == track.codecs, || format!("the codec string {} of the header", init.codecs))?;
    let skip_ticks = if start == Start::Media { init.skip_ticks } else { 0 };
    for segment in &track.segments {
        ensure(numbers.contains(&segment.number), || format!("segments within {numbers:?}"))?;
        check_segment(segment)?;
        let output = arrived(outputs, &format!("{}/{:05}.m4s", track.name, segment.number))?;
        let bytes = output.bytes;
        ensure(bytes == segment.bytes, || format!("a segment of the {bytes} bytes that arrived"))?;
        check_media(segment, media_segment(output)?, skip_ticks)?;
    }
    Ok(())
}

/// Checks a claim against the file.
fn check_media(claimed: &SegmentResult, found: &MediaSegment, skip_ticks: u64) -> Result<(), Fault> {
    ensure(found.samples == claimed.samples, || format!("a segment of the {} samples in it", found.samples))?;
    ensure(found.starts_with_sync == claimed.starts_with_idr, || {
        "a sync sample where one is listed".to_owned()
    })?;
    let end = claimed.first_picture_end;
    ensure(end == 0 || end == found.first_sample_end, || {
        format!("a first picture that ends at byte {}, as in it", found.first_sample_end)
    })?;
    let presented = |media: u64| media.saturating_sub(skip_ticks);
    let end = found.decode_ticks.saturating_add(found.duration_ticks);
    let (start, end) = (presented(found.decode_ticks), presented(end));
    let is_same =
        claimed.start_ticks == start && claimed.start_ticks.checked_add(claimed.duration_ticks) == Some(end);
    ensure(is_same, || format!("a segment from tick {start} to {end}, as in it"))
}

fn init_segment(output: &Output) -> Result<&InitSegment, Fault> {
    match &output.content {
        Content::InitSegment(init) => Ok(init),
        _ => Err(untrue("a track's header", "another output")),
    }
}

fn media_segment(output: &Output) -> Result<&MediaSegment, Fault> {
    match &output.content {
        Content::MediaSegment(segment) => Ok(segment),
        _ => Err(untrue("a segment", "another output")),
    }
}

fn check_segment(segment: &SegmentResult) -> Result<(), Fault> {
    ensure(segment.samples > 0, || "at least one sample in a segment".to_owned())?;
    ensure(segment.duration_ticks > 0, || "a segment that lasts".to_owned())?;
    let end = segment.start_ticks.checked_add(segment.duration_ticks);
    at_most("a segment's end in ticks", end.unwrap_or(u64::MAX), TIME_NS_MAX)?;
    if !segment.starts_with_idr {
        let detail = format!("segment {} does not start with an IDR", segment.number);
        return Err(Fault::new(Code::CountMismatch, detail));
    }
    Ok(())
}

/// Checks that nothing else arrived but what was abandoned: every listed output is known to have arrived, so comparing counts
/// is enough.
fn check_count(tracks: &[TrackResult], outputs: &Outputs, abandoned: usize) -> Result<(), Fault> {
    let files = |track: &TrackResult| {
        let has_init = outputs.contains_key(&format!("{}/{INIT}", track.name));
        track.segments.len() + usize::from(has_init)
    };
    let listed: usize = tracks.iter().map(files).sum();
    ensure(listed + abandoned == outputs.len(), || format!("the {listed} outputs that the result lists"))
}

fn arrived<'a>(outputs: &'a Outputs, name: &str) -> Result<&'a Output, Fault> {
    outputs.get(name).ok_or_else(|| untrue("every listed output to have arrived", "one missing"))
}

fn video_numbers(job: &VideoJob) -> RangeInclusive<u32> {
    let last = job.end_segment.map_or(SEGMENT_LAST, |end| end.saturating_sub(1));
    job.first_segment..=last.min(SEGMENT_LAST)
}

/// The check of a track's header or of a segment with one of the numbers.
fn part(file: &str, numbers: &RangeInclusive<u32>, track: ExpectedTrack) -> Option<ContentCheck> {
    if file == INIT {
        return Some(ContentCheck::init_segment(track));
    }
    let digits = file.strip_suffix(".m4s").filter(|digits| digits.len() == 5)?;
    let is_digits = digits.bytes().all(|b| b.is_ascii_digit());
    let number = if is_digits { digits.parse().ok()? } else { return None };
    numbers.contains(&number).then(ContentCheck::media_segment)
}

/// `avc1.PPCCLL`, six hexadecimal digits (RFC 6381, ISO/IEC 14496-15).
fn is_avc(codecs: &str) -> bool {
    let digits = codecs.strip_prefix("avc1.");
    digits.is_some_and(|digits| digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// `mp4a.40.N` with the audio object type (RFC 6381).
fn is_aac(codecs: &str) -> bool {
    let kind = codecs.strip_prefix("mp4a.40.");
    kind.is_some_and(|kind| (1..=2).contains(&kind.len()) && kind.bytes().all(|b| b.is_ascii_digit()))
}
