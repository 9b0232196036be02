//! The join: checks every count and joins the results of the chunks into whole tracks.
//!
//! Chunks are encoded independently, so a lost frame, a gap or a chunk encoded with other settings is found here.
//! Nothing is packaged before all counts agree.

use super::rendition::{Kind, Picture, Rendition, Segment, Sound, average_bps, peak_bps};
use super::video_part::VideoPart;
use crate::messages::{
    AudioEncode, AudioEncoded, AudioEnding, AudioJob, AudioResult, Rung, SegmentResult, TrackResult, VideoJob,
};
use crate::recipes::plan::VideoChunk;
use reelgate_flow::facts::Rational;
use reelgate_flow::left_out::AudioOutcome;
use reelgate_flow::reason::{Code, Fault};

/// If the decoder reports damage, at least this percentage of the frames in the index must decode. With fewer frames
/// viewers would see still pictures instead of a film.
const FRAMES_KEPT_MIN_PERCENT: u64 = 90;

/// Where a segment came from.
pub struct Origin {
    /// Number of the chunk.
    pub chunk: usize,
    /// Number of the segment on the grid, which is its name in staging.
    pub number: u32,
}

/// One rung over all chunks.
pub struct JoinedRung {
    pub rendition: Rendition,
    /// Where each segment came from, in the order of the segments.
    pub origins: Vec<Origin>,
}

/// Checks all chunks and joins them, one track per rung.
pub fn video(chunks: &[VideoChunk], parts: &[VideoPart]) -> Result<Vec<JoinedRung>, Fault> {
    if chunks.len() != parts.len() {
        return Err(mismatch(format!("expected {} chunks, found {}", chunks.len(), parts.len())));
    }
    let (Some(first), Some(first_part)) = (chunks.first(), parts.first()) else { return Ok(Vec::new()) };
    for (number, (chunk, part)) in chunks.iter().zip(parts).enumerate() {
        check_chunk(number, chunk, part)?;
        check_same(number, first_part, part)?;
    }
    check_damage(chunks, parts)?;
    let rungs = first.job.rungs.iter().enumerate();
    rungs.map(|(position, rung)| join_rung(&first.job, position, rung, parts)).collect()
}

/// Checks frames, segments and rungs of one chunk.
fn check_chunk(number: usize, chunk: &VideoChunk, part: &VideoPart) -> Result<(), Fault> {
    let (job, result) = (&chunk.job, &part.result);
    let is_complete =
        result.frames_in == chunk.frames || (result.frames_damaged > 0 && result.frames_in < chunk.frames);
    if !is_complete {
        let (expected, found, damaged) = (chunk.frames, result.frames_in, result.frames_damaged);
        return Err(mismatch(format!(
            "chunk {number}: expected {expected} frames, found {found}, {damaged} damaged"
        )));
    }
    let names =
        |track: &TrackResult, rung: &Rung| track.name == rung.name && track.timescale == job.timescale;
    let are_the_jobs = result.rungs.len() == job.rungs.len()
        && part.init_sha256.len() == job.rungs.len()
        && result.rungs.iter().zip(&job.rungs).all(|(track, rung)| names(track, rung));
    if !are_the_jobs {
        return Err(mismatch(format!("chunk {number}: rungs or timescale are not those of the job")));
    }
    let boundaries = |track: &TrackResult| -> Vec<(u32, u64, u64, u32)> {
        track.segments.iter().map(|s| (s.number, s.start_ticks, s.duration_ticks, s.samples)).collect()
    };
    let first = result.rungs.first().map(boundaries).unwrap_or_default();
    for track in &result.rungs {
        let frames: u64 = track.segments.iter().map(|segment| u64::from(segment.samples)).sum();
        if frames != result.frames_in {
            let found =
                format!("chunk {number}, {}: {} frames in, {frames} out", track.name, result.frames_in);
            return Err(mismatch(found));
        }
        if boundaries(track) != first {
            return Err(mismatch(format!(
                "chunk {number}: the segments of {} differ from those of the first rung",
                track.name
            )));
        }
        check_segments(&format!("chunk {number}, {}", track.name), &track.segments)?;
    }
    let range = job.first_segment..job.end_segment.unwrap_or(u32::MAX);
    match first.iter().find(|(segment, ..)| !range.contains(segment)) {
        Some((segment, ..)) => {
            Err(mismatch(format!("chunk {number}: segment {segment} is outside {range:?}")))
        }
        None => Ok(()),
    }
}

/// Checks what a chunk must share with the first chunk, so that one initialization segment serves all.
fn check_same(number: usize, first: &VideoPart, part: &VideoPart) -> Result<(), Fault> {
    let codecs =
        |part: &VideoPart| part.result.rungs.iter().map(|track| track.codecs.clone()).collect::<Vec<_>>();
    if codecs(first) != codecs(part) || first.init_sha256 != part.init_sha256 {
        return Err(mismatch(format!(
            "chunk {number}: initialization segment or codec differs from chunk 0's"
        )));
    }
    Ok(())
}

fn check_damage(chunks: &[VideoChunk], parts: &[VideoPart]) -> Result<(), Fault> {
    let expected: u64 = chunks.iter().map(|chunk| chunk.frames).sum();
    let found: u64 = parts.iter().map(|part| part.result.frames_in).sum();
    if found.saturating_mul(100) < expected.saturating_mul(FRAMES_KEPT_MIN_PERCENT) {
        return Err(Fault::new(Code::DamagedStream, format!("{found} of {expected} frames decode")));
    }
    Ok(())
}

/// Checks that the segments of one track follow one another without gap or overlap, are not empty and start with an
/// IDR.
fn check_segments(what: &str, segments: &[SegmentResult]) -> Result<(), Fault> {
    for segment in segments {
        if segment.duration_ticks == 0 || segment.samples == 0 || segment.bytes == 0 {
            return Err(mismatch(format!("{what}: segment {} is empty", segment.number)));
        }
        if !segment.starts_with_idr {
            return Err(mismatch(format!("{what}: segment {} does not start with an IDR", segment.number)));
        }
    }
    for pair in segments.windows(2) {
        let end = pair[0].start_ticks.saturating_add(pair[0].duration_ticks);
        if end != pair[1].start_ticks || pair[0].number >= pair[1].number {
            let (number, start) = (pair[1].number, pair[1].start_ticks);
            return Err(mismatch(format!("{what}: expected segment {number} at tick {end}, found {start}")));
        }
    }
    Ok(())
}

fn join_rung(job: &VideoJob, position: usize, rung: &Rung, parts: &[VideoPart]) -> Result<JoinedRung, Fault> {
    let mut all: Vec<SegmentResult> = Vec::new();
    let mut origins = Vec::new();
    for (chunk, part) in parts.iter().enumerate() {
        let track = part
            .result
            .rungs
            .get(position)
            .ok_or_else(|| mismatch(format!("chunk {chunk}: a rung is missing")))?;
        let before = chunk.checked_sub(1).and_then(|before| parts.get(before));
        let is_damaged =
            [before, Some(part)].into_iter().flatten().any(|part| part.result.frames_damaged > 0);
        let end = all.last().map_or(0, |last| last.start_ticks.saturating_add(last.duration_ticks));
        check_seam(&format!("chunk {chunk}, {}", rung.name), end, track.segments.first(), is_damaged)?;
        origins.extend(track.segments.iter().map(|segment| Origin { chunk, number: segment.number }));
        all.extend(track.segments.iter().cloned());
    }
    let segments: Vec<Segment> = all.iter().map(segment).collect();
    let picture = Picture {
        width: rung.width,
        height: rung.height,
        frame_rate: job.frame_rate.unwrap_or_else(|| highest_rate(&segments, job.timescale)),
        frames: segments.iter().map(|segment| u64::from(segment.samples)).sum(),
    };
    let codecs =
        parts.first().and_then(|part| part.result.rungs.get(position)).map(|track| track.codecs.as_str());
    let folder = format!("video/{}", rung.name);
    let rendition = rendition(
        &rung.name,
        folder,
        codecs.unwrap_or_default(),
        Kind::Video(picture),
        job.timescale,
        segments,
    )?;
    Ok(JoinedRung { rendition, origins })
}

/// Checks that a track begins at tick 0 and that each chunk begins where the chunk before it ended. If damage cost a
/// frame at the seam, the later chunk may begin late: players wait through a gap, but two segments for one time confuse
/// them.
fn check_seam(what: &str, end: u64, first: Option<&SegmentResult>, is_damaged: bool) -> Result<(), Fault> {
    let Some(first) = first else {
        return Err(mismatch(format!("{what}: expected at least 1 segment, found 0")));
    };
    let found =
        format!("{what}: expected segment {} at tick {end}, found {}", first.number, first.start_ticks);
    if first.start_ticks < end && is_damaged {
        return Err(Fault::new(Code::DamagedStream, found));
    }
    if first.start_ticks == end || (first.start_ticks > end && is_damaged) {
        return Ok(());
    }
    Err(mismatch(found))
}

/// What became of all audio tracks.
#[derive(Default)]
pub struct JoinedAudio {
    /// What is published, the main audio first.
    pub tracks: Vec<JoinedSound>,
    /// One for each track of the job.
    pub outcomes: Vec<AudioOutcome>,
}

/// One encode of sound.
pub struct JoinedSound {
    pub rendition: Rendition,
    /// Number of each segment on the grid.
    pub numbers: Vec<u32>,
}

/// Checks every encode of sound and makes its rendition. `language` is that of the main audio where its encode has none.
///
/// # Errors
/// The fault of the main audio if nothing was encoded.
pub fn audio(job: &AudioJob, language: Option<&str>, result: &AudioResult) -> Result<JoinedAudio, Fault> {
    if job.encodes.len() != result.encodes.len() {
        let (expected, found) = (job.encodes.len(), result.encodes.len());
        return Err(mismatch(format!("expected {expected} encodes of audio, found {found}")));
    }
    let mut joined = JoinedAudio::default();
    let mut first_fault = None;
    for (encode, ending) in job.encodes.iter().zip(&result.encodes) {
        let failed = match ending {
            AudioEnding::Encoded(encoded) => {
                let default = language.filter(|_| joined.outcomes.is_empty());
                joined.tracks.push(sound(job, encode, default, encoded)?);
                None
            }
            AudioEnding::Failed(fault) => {
                first_fault.get_or_insert(fault);
                Some(fault.code)
            }
        };
        // A track with two encodes is published if one of them is.
        match joined.outcomes.iter_mut().find(|outcome| outcome.track == encode.track) {
            Some(outcome) => outcome.failed = outcome.failed.and(failed),
            None => joined.outcomes.push(AudioOutcome { track: encode.track, failed }),
        }
    }
    match first_fault {
        Some(fault) if joined.tracks.is_empty() => Err(fault.clone()),
        _ => Ok(joined),
    }
}

fn sound(
    job: &AudioJob,
    encode: &AudioEncode,
    language: Option<&str>,
    encoded: &AudioEncoded,
) -> Result<JoinedSound, Fault> {
    let (name, track) = (&encode.name, &encoded.track);
    if track.name != *name || track.timescale != job.sample_rate {
        return Err(mismatch(format!(
            "{name}: expected {} ticks a second, found {}",
            job.sample_rate, track.timescale
        )));
    }
    check_segments(name, &track.segments)?;
    check_seam(name, 0, track.segments.first(), false)?;
    let sound = Sound {
        sample_rate: job.sample_rate,
        channels: encode.channels,
        language: encode.language.as_deref().or(language).map(str::to_owned),
        track: encode.track,
        role: encode.role,
        loudness: encoded.loudness,
    };
    let segments = track.segments.iter().map(segment).collect();
    let kind = Kind::Audio(sound);
    let rendition = rendition(name, name.clone(), &track.codecs, kind, track.timescale, segments)?;
    Ok(JoinedSound { rendition, numbers: track.segments.iter().map(|segment| segment.number).collect() })
}

fn rendition(
    name: &str,
    folder: String,
    codecs: &str,
    kind: Kind,
    timescale: u32,
    segments: Vec<Segment>,
) -> Result<Rendition, Fault> {
    // The string comes from the worker and goes into quoted attributes.
    let is_codec = !codecs.is_empty()
        && codecs.len() <= 40
        && codecs.chars().all(|c| c.is_ascii_alphanumeric() || c == '.');
    if !is_codec || timescale == 0 {
        return Err(mismatch(format!("{name}: the codec string or the timescale is malformed")));
    }
    let average_bps = average_bps(&segments, timescale);
    let mut rendition = Rendition {
        name: name.into(),
        folder,
        codecs: codecs.into(),
        kind,
        timescale,
        peak_bps: 0,
        average_bps,
        segments,
        file: None,
    };
    rendition.peak_bps = peak_bps(&rendition.segments, timescale, rendition.target_duration_s());
    Ok(rendition)
}

fn segment(result: &SegmentResult) -> Segment {
    let SegmentResult { start_ticks, duration_ticks, samples, bytes, first_picture_end, .. } = *result;
    Segment { start_ticks, duration_ticks, samples, bytes, first_picture_end }
}

/// The highest frame rate of any segment, as thousandths of frames per second.
fn highest_rate(segments: &[Segment], timescale: u32) -> Rational {
    let milli = |segment: &Segment| {
        u64::from(segment.samples) * 1_000 * u64::from(timescale) / segment.duration_ticks.max(1)
    };
    let highest = segments.iter().map(milli).max().unwrap_or(0);
    Rational { num: u32::try_from(highest).unwrap_or(u32::MAX).max(1), den: 1_000 }
}

fn mismatch(detail: String) -> Fault {
    Fault::new(Code::CountMismatch, detail)
}
