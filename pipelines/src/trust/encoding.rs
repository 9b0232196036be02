//! Checks what an encoded chunk or audio track claims, and that its outputs are exactly those that it lists.

use std::ops::RangeInclusive;

use reelgate_flow::reason::{Code, Fault};

use super::output_names::Outputs;
use super::range_checks::{TIME_NS_MAX, at_most, ensure, untrue};
use crate::messages::{AudioJob, AudioResult, SegmentResult, TrackResult, VideoJob, VideoResult};

/// The one audio track's name.
const AUDIO: &str = "audio";
const INIT: &str = "init.mp4";
/// A segment's name has five digits. With segments of one second, that is more than a day.
const SEGMENT_LAST: u32 = 99_999;
/// A day at 768 kHz has 6.6e10 samples. This limit only keeps sums from overflowing.
const SAMPLES_MAX: u64 = 1 << 48;

pub(super) fn may_write_video(job: &VideoJob, name: &str) -> bool {
    name.split_once('/').is_some_and(|(rung, file)| {
        job.rungs.iter().any(|known| known.name == rung) && is_part(file, &video_numbers(job))
    })
}

pub(super) fn may_write_audio(name: &str) -> bool {
    name.split_once('/').is_some_and(|(track, file)| track == AUDIO && is_part(file, &(0..=SEGMENT_LAST)))
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
        check_segments(rung, &numbers, outputs)?;
        let frames: u64 = rung.segments.iter().map(|segment| u64::from(segment.samples)).sum();
        if frames != result.frames_in {
            let detail = format!("{} frames in, {frames} out on one rung", result.frames_in);
            return Err(Fault::new(Code::CountMismatch, detail));
        }
    }
    check_count(&result.rungs, outputs)
}

pub(super) fn check_audio(job: &AudioJob, result: &AudioResult, outputs: &Outputs) -> Result<(), Fault> {
    let track = &result.track;
    ensure(track.name == AUDIO, || "a track named audio".to_owned())?;
    ensure(is_aac(&track.codecs), || "an AAC codec string".to_owned())?;
    ensure(track.timescale == job.sample_rate, || format!("timescale {}", job.sample_rate))?;
    for samples in [result.samples_in, result.samples_filled, result.samples_cut] {
        at_most("samples", samples, SAMPLES_MAX)?;
    }
    check_segments(track, &(0..=SEGMENT_LAST), outputs)?;
    let is_contiguous = track.segments.iter().zip(0..).all(|(segment, number)| segment.number == number);
    ensure(is_contiguous, || "audio segments numbered from 0 without a gap".to_owned())?;
    check_count(std::slice::from_ref(track), outputs)
}

/// Checks that numbers rise within `numbers`. Video may skip numbers where one long frame covers whole segments.
fn check_segments(
    track: &TrackResult,
    numbers: &RangeInclusive<u32>,
    outputs: &Outputs,
) -> Result<(), Fault> {
    let is_rising = track.segments.windows(2).all(|pair| pair[0].number < pair[1].number);
    ensure(is_rising, || "segments in rising order".to_owned())?;
    if !track.segments.is_empty() {
        arrived(outputs, &format!("{}/{INIT}", track.name))?;
    }
    for segment in &track.segments {
        ensure(numbers.contains(&segment.number), || format!("segments within {numbers:?}"))?;
        check_segment(segment)?;
        let bytes = arrived(outputs, &format!("{}/{:05}.m4s", track.name, segment.number))?;
        ensure(bytes == segment.bytes, || format!("a segment of the {bytes} bytes that arrived"))?;
    }
    Ok(())
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

/// Checks that nothing else arrived: every listed output is known to have arrived, so comparing counts is enough.
fn check_count(tracks: &[TrackResult], outputs: &Outputs) -> Result<(), Fault> {
    let files = |track: &TrackResult| {
        let has_init = outputs.contains_key(&format!("{}/{INIT}", track.name));
        track.segments.len() + usize::from(has_init)
    };
    let listed: usize = tracks.iter().map(files).sum();
    ensure(listed == outputs.len(), || format!("the {listed} outputs that the result lists"))
}

fn arrived(outputs: &Outputs, name: &str) -> Result<u64, Fault> {
    outputs.get(name).copied().ok_or_else(|| untrue("every listed output to have arrived", "one missing"))
}

fn video_numbers(job: &VideoJob) -> RangeInclusive<u32> {
    let last = job.end_segment.map_or(SEGMENT_LAST, |end| end.saturating_sub(1));
    job.first_segment..=last.min(SEGMENT_LAST)
}

fn is_part(file: &str, numbers: &RangeInclusive<u32>) -> bool {
    let digits = file.strip_suffix(".m4s").filter(|digits| digits.len() == 5);
    let is_digits = |digits: &&str| digits.bytes().all(|b| b.is_ascii_digit());
    let number = digits.filter(is_digits).and_then(|digits| digits.parse().ok());
    file == INIT || number.is_some_and(|number| numbers.contains(&number))
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
