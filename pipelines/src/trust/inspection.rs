//! Checks what an inspection claims.

use std::collections::BTreeSet;

use reelgate_flow::facts::{AudioFacts, MediaFacts, Rational, VideoFacts};
use reelgate_flow::reason::{Code, Fault};

use super::range_checks::{TIME_NS_MAX, at_most, ensure, text, word};
use crate::messages::{AudioTraits, InspectJob, Inspection, MediaLimits, SubtitleTraits, VideoIndex};

const KEYFRAMES_MAX: u64 = 200_000;
const TAGS_MAX: u64 = 500;
const TAG_BYTES_MAX: usize = 4_096;
const CHAPTERS_MAX: u64 = 1_000;
/// A track may unpack to more bytes than are stored, because Matroska compresses headers and subtitles, but at most to
/// this many times the size of the file.
const UNPACKED_RATIO_MAX: u64 = 64;

pub(super) fn check(job: &InspectJob, found: &Inspection) -> Result<(), Fault> {
    let facts = &found.facts;
    ensure(facts.container == job.container, || format!("the container {}", job.container.as_str()))?;
    check_tracks(facts, &job.limits)?;
    for video in &facts.video {
        check_video(video, job)?;
    }
    for audio in &facts.audio {
        check_audio(audio, job)?;
    }
    check_traits(&found.audio, facts)?;
    check_subtitle_traits(&found.subtitles, facts)?;
    for subtitles in &facts.subtitles {
        word("subtitle codec", &subtitles.codec, 64)?;
        word("language", &subtitles.language, 64)?;
        at_most("cues", subtitles.cues, job.limits.samples_max)?;
    }
    let is_video = |track: &u32| facts.video.iter().any(|video| video.track == *track);
    ensure(found.captioned.iter().all(is_video), || "captions within video tracks".to_owned())?;
    at_most("tracks with captions", found.captioned.len() as u64, facts.video.len() as u64)?;
    check_texts(facts)?;
    at_most("a declared duration in ns", facts.declared_duration_ns.unwrap_or(0), TIME_NS_MAX)?;
    check_duration(facts.duration_ns, &job.limits)?;
    match (&found.index, facts.main_video()) {
        (Some(index), Some(video)) => check_index(index, video, job),
        (None, None) => Ok(()),
        (index, _) => ensure(false, || match index {
            Some(_) => "no index without a video".to_owned(),
            None => "an index of the main video".to_owned(),
        }),
    }
}

fn check_tracks(facts: &MediaFacts, limits: &MediaLimits) -> Result<(), Fault> {
    let listed = (facts.video.len() + facts.audio.len() + facts.subtitles.len()) as u64;
    let count = listed + u64::from(facts.other_tracks);
    if count > u64::from(limits.tracks_max) {
        let detail = format!("{count} tracks, at most {} allowed", limits.tracks_max);
        return Err(Fault::new(Code::BudgetTracks, detail));
    }
    let video = facts.video.iter().map(|track| track.track);
    let audio = facts.audio.iter().map(|track| track.track);
    let subtitles = facts.subtitles.iter().map(|track| track.track);
    let places: BTreeSet<u32> = video.chain(audio).chain(subtitles).collect();
    ensure(places.len() as u64 == listed, || "every track at its own position".to_owned())
}

fn check_video(video: &VideoFacts, job: &InspectJob) -> Result<(), Fault> {
    let limits = &job.limits;
    let colour = &video.colour;
    for (what, text) in [
        ("video codec", &video.codec),
        ("profile", &video.profile),
        ("level", &video.level),
        ("chroma format", &video.chroma),
        ("language", &video.language),
        ("colour primaries", &colour.primaries),
        ("transfer", &colour.transfer),
        ("matrix", &colour.matrix),
        ("range", &colour.range),
    ] {
        word(what, text, 64)?;
    }
    word("mastering display", &colour.mastering, 512)?;
    if video.decodable {
        check_picture(video, limits)?;
    }
    check_ratio("pixel aspect", video.pixel_aspect)?;
    if let Some(rate) = video.frame_rate {
        check_ratio("frame rate", rate)?;
    }
    ensure(matches!(video.rotation.degrees, 0 | 90 | 180 | 270), || {
        "a rotation by quarter turns".to_owned()
    })?;
    at_most("bits per sample", video.bit_depth.into(), 32)?;
    check_samples(video.frames, limits)?;
    at_most("keyframes", video.keyframes, video.frames)?;
    at_most("frames between keyframes", video.gop_frames_max.into(), video.frames)?;
    check_span(video.start_ns, video.end_ns, limits)?;
    at_most("bytes of a track", video.bytes, unpacked_bytes_max(job))
}

/// Each of some audio tracks once.
fn check_traits(traits: &[AudioTraits], facts: &MediaFacts) -> Result<(), Fault> {
    let places: BTreeSet<u32> = traits.iter().map(|traits| traits.track).collect();
    let known = facts.audio.iter().filter(|audio| places.contains(&audio.track)).count();
    ensure(known == traits.len() && places.len() == traits.len(), || "traits of audio tracks".to_owned())?;
    let channels = traits.iter().map(|traits| traits.placed_channels).max().unwrap_or(0);
    at_most("placed channels", channels.into(), 256)
}

/// Each of some tracks of subtitles once.
fn check_subtitle_traits(traits: &[SubtitleTraits], facts: &MediaFacts) -> Result<(), Fault> {
    let places: BTreeSet<u32> = traits.iter().map(|traits| traits.track).collect();
    let known = facts.subtitles.iter().filter(|one| places.contains(&one.track)).count();
    ensure(known == traits.len() && places.len() == traits.len(), || "traits of subtitles".to_owned())
}

fn check_picture(video: &VideoFacts, limits: &MediaLimits) -> Result<(), Fault> {
    let (width, height) = (video.width, video.height);
    ensure((1..=65_535).contains(&width) && (1..=65_535).contains(&height), || {
        "sides of 1 to 65535".to_owned()
    })?;
    let pixels = u64::from(width) * u64::from(height);
    if pixels > limits.pixels_max || width.max(height) > limits.side_max {
        let (pixels_max, side_max) = (limits.pixels_max, limits.side_max);
        let detail = format!("{width}x{height}, at most {pixels_max} pixels and {side_max} a side allowed");
        return Err(Fault::new(Code::BudgetPixels, detail));
    }
    Ok(())
}

fn check_audio(audio: &AudioFacts, job: &InspectJob) -> Result<(), Fault> {
    word("audio codec", &audio.codec, 64)?;
    word("language", &audio.language, 64)?;
    let least = u32::from(audio.decodable);
    ensure((least..=768_000).contains(&audio.sample_rate), || format!("{least} to 768000 samples a second"))?;
    ensure((least..=256).contains(&audio.channels), || format!("{least} to 256 channels"))?;
    check_samples(audio.packets, &job.limits)?;
    check_span(audio.start_ns, audio.end_ns, &job.limits)?;
    at_most("bytes of a track", audio.bytes, unpacked_bytes_max(job))
}

fn check_texts(facts: &MediaFacts) -> Result<(), Fault> {
    word("brand", &facts.brand, 64)?;
    at_most("tags", facts.tags.len() as u64, TAGS_MAX)?;
    for tag in &facts.tags {
        word("tag name", &tag.name, 128)?;
        text("tag", &tag.value, TAG_BYTES_MAX)?;
    }
    at_most("chapters", facts.chapters.len() as u64, CHAPTERS_MAX)?;
    for chapter in &facts.chapters {
        text("chapter title", &chapter.title, TAG_BYTES_MAX)?;
        at_most("a chapter's start in ns", chapter.start_ns, TIME_NS_MAX)?;
        at_most("a chapter's end in ns", chapter.end_ns.unwrap_or(0), TIME_NS_MAX)?;
    }
    Ok(())
}

fn check_index(index: &VideoIndex, video: &VideoFacts, job: &InspectJob) -> Result<(), Fault> {
    at_most("keyframes in the index", index.keyframes_ns.len() as u64, KEYFRAMES_MAX.min(video.keyframes))?;
    let is_rising = index.keyframes_ns.windows(2).all(|pair| pair[0] < pair[1]);
    ensure(is_rising, || "keyframes in rising order".to_owned())?;
    at_most("a keyframe in ns", index.keyframes_ns.last().copied().unwrap_or(0), video.end_ns)?;
    at_most("the time in front of the first frame in ns", index.lead_ns, video.start_ns)?;
    let length_ns = video.end_ns - video.start_ns + index.lead_ns;
    check_duration(length_ns, &job.limits)?;
    let segments_max = length_ns / job.segment_ns.max(1) + 2;
    at_most("segments", index.segment_frames.len() as u64, segments_max)?;
    let frames: u64 = index.segment_frames.iter().map(|frames| u64::from(*frames)).sum();
    at_most("frames of all segments", frames, video.frames)
}

fn check_span(start_ns: u64, end_ns: u64, limits: &MediaLimits) -> Result<(), Fault> {
    ensure(start_ns <= end_ns && end_ns <= TIME_NS_MAX, || "a start before the end".to_owned())?;
    check_duration(end_ns - start_ns, limits)
}

fn check_duration(duration_ns: u64, limits: &MediaLimits) -> Result<(), Fault> {
    let (seconds, max) = (duration_ns / 1_000_000_000, limits.duration_max_s);
    if duration_ns > max.saturating_mul(1_000_000_000) {
        return Err(Fault::new(Code::BudgetDuration, format!("{seconds} s, at most {max} s allowed")));
    }
    Ok(())
}

fn check_samples(samples: u64, limits: &MediaLimits) -> Result<(), Fault> {
    if samples > limits.samples_max {
        let detail = format!("{samples} samples, at most {} allowed", limits.samples_max);
        return Err(Fault::new(Code::BudgetSamples, detail));
    }
    Ok(())
}

fn check_ratio(what: &str, ratio: Rational) -> Result<(), Fault> {
    ensure(ratio.num > 0 && ratio.den > 0, || format!("a {what} above 0"))
}

fn unpacked_bytes_max(job: &InspectJob) -> u64 {
    job.size_bytes.saturating_mul(UNPACKED_RATIO_MAX)
}
