//! Inspection: is this file what it claims to be, what exactly does it contain, and does it decode?
//!
//! There are three steps, each cheaper than the work it saves. Our own reader checks the structure before any media library
//! reads the file. One pass counts every packet without decoding. A few frames at a few positions are decoded. Damage is
//! judged by what a viewer would get: a file that plays is accepted; one that is cut off, empty or contradictory is refused
//! with a code.

mod bmff;
pub(crate) mod boxes;
pub(crate) mod chapters;
mod delivery_delay;
pub(crate) mod describe;
mod extents;
mod facts;
mod limits;
mod matroska_roles;
mod parsed_forms;
mod sample;
mod survey;
mod timeline;
mod track;
mod verdict;

use std::collections::BTreeMap;
use std::sync::Arc;

use reelgate_flow::caption_file::CaptionFlags;
use reelgate_flow::facts::{AUDIO_TRACKS_MAX, Container, MediaFacts, VideoFacts};
use reelgate_flow::reason::{Code, Fault};
use reelgate_pipelines::messages::{
    AudioRole, AudioTraits, InspectJob, Inspection, SubtitleTraits, VideoIndex,
};

use crate::demux::TrackKind;
use crate::enrich::facts_of_movie;
use crate::progress_sink::ProgressSink;
use crate::source::Source;
use matroska_roles::Purpose;
use survey::{Delayed, Survey, TrackSurvey};

/// Tags in the facts, over all tracks.
const TAGS_MAX: usize = 500;
/// A track that is longer than this is also sampled in the middle and near the end, nanoseconds.
const MORE_SAMPLES_FROM_NS: u64 = 10_000_000_000;

/// Inspects the whole source. GStreamer must be initialised.
///
/// Fails with the code of the first check that the file does not pass.
pub fn run(
    job: &InspectJob,
    source: Source,
    progress_sink: Arc<dyn ProgressSink>,
) -> Result<Inspection, Fault> {
    let (source, progress_sink) = (&source, &progress_sink);
    if source.size_bytes() == 0 {
        return Err(Fault::new(Code::EmptyUpload, "0 bytes"));
    }
    let (brand, declared_duration_ns, fragmented) = structure(job, source)?;
    let mut survey = survey::run(source, job, progress_sink, None)?;
    let declared_duration_ns = match job.container {
        Container::IsoBmff => declared_duration_ns,
        // These streams declare no duration: the demuxer estimates it from the bit rate.
        Container::MpegTs | Container::MpegPs | Container::Mp3 | Container::Adts => None,
        _ => survey.declared_duration_ns,
    };
    verdict::survey(&survey, declared_duration_ns.filter(|_| !fragmented), job.container)?;
    let mut facts = collect(job, source, &survey);
    if job.container == Container::Avi
        && let Some(delayed) = delayed(job, source, &facts)?
    {
        survey = survey::run(source, job, progress_sink, Some(delayed))?;
        facts = collect(job, source, &survey);
    }
    facts.brand = brand;
    facts.declared_duration_ns = declared_duration_ns;
    let index = index(job, &facts, &survey);
    let mut audio = sample_tracks(job, source, &mut facts, index.as_ref(), progress_sink)?;
    let of_numbers = match job.container {
        Container::Matroska => matroska_roles::read(source),
        _ => BTreeMap::new(),
    };
    for traits in &mut audio {
        let Some(track) = track_of(&survey, traits.track) else { continue };
        let of_number = track.number.and_then(|number| of_numbers.get(&number));
        traits.role = of_number.map_or(track.role, |purpose| purpose.audio);
    }
    let subtitles = subtitles(&facts, &survey, &of_numbers);
    let captioned = survey.tracks.iter().filter(|track| track.is_captioned).map(|track| track.index);
    let captioned = captioned.filter(|track| facts.video.iter().any(|video| video.track == *track)).collect();
    Ok(Inspection { facts, index, audio, captioned, subtitles })
}

/// The main video of a container that stores when pictures are decoded, if they are shown later.
fn delayed(job: &InspectJob, source: &Source, facts: &MediaFacts) -> Result<Option<Delayed>, Fault> {
    let Some(track) = facts.main_video().map(|video| video.track) else { return Ok(None) };
    let sampled = sample::Sampled { container: job.container, track, limits: &job.limits };
    let delay_ns = sample::decode(source, sampled, &[])?.delay_ns;
    Ok((delay_ns > 0).then_some(Delayed { track, delay_ns }))
}

/// What tracks of subtitles are for that say so.
fn subtitles(
    facts: &MediaFacts,
    survey: &Survey,
    of_numbers: &BTreeMap<u64, Purpose>,
) -> Vec<SubtitleTraits> {
    let traits = |track: u32| {
        let survey = track_of(survey, track)?;
        let of_number = survey.number.and_then(|number| of_numbers.get(&number));
        let flags = of_number.map_or(survey.captions, |purpose| purpose.captions);
        (flags != CaptionFlags::default()).then_some(SubtitleTraits { track, flags })
    };
    facts.subtitles.iter().filter_map(|one| traits(one.track)).collect()
}

/// Brand, declared duration, and whether the file is fragmented.
fn structure(job: &InspectJob, source: &Source) -> Result<(String, Option<u64>, bool), Fault> {
    if job.container == Container::IsoBmff {
        let movie = bmff::check(source, &job.limits)?;
        return Ok((movie.brand, movie.declared_duration_ns, movie.fragmented));
    }
    Ok((extents::check(source, job.container)?, None, false))
}

fn collect(job: &InspectJob, source: &Source, survey: &Survey) -> MediaFacts {
    let of = |kind| {
        let mut tracks: Vec<&TrackSurvey> = survey.tracks.iter().filter(|track| track.kind == kind).collect();
        tracks.sort_by_key(|track| verdict::preference(track, survey));
        tracks.into_iter()
    };
    let videos: Vec<_> =
        of(TrackKind::Video).filter(|track| !verdict::is_cover(track, survey)).map(facts::video).collect();
    let audio: Vec<_> = of(TrackKind::Audio).map(facts::audio).collect();
    let subtitles: Vec<_> = of(TrackKind::Text).map(facts::subtitle).collect();
    let known = videos.len() + audio.len() + subtitles.len();
    let spans = videos.iter().filter(|v| v.frames > 0).map(|v| (v.start_ns, v.end_ns));
    let spans = spans.chain(audio.iter().filter(|a| a.packets > 0).map(|a| (a.start_ns, a.end_ns)));
    let (start_ns, end_ns) =
        spans.fold((u64::MAX, 0), |(start, end), span| (start.min(span.0), end.max(span.1)));
    let duration_ns = end_ns.saturating_sub(start_ns);
    let bits = u128::from(source.size_bytes()) * 8 * 1_000_000_000;
    let bitrate_bps = bits.checked_div(u128::from(duration_ns)).and_then(|bps| u64::try_from(bps).ok());
    // GStreamer has no part in reading this container.
    let of_movie = match job.container {
        Container::IsoBmff => facts_of_movie(source),
        _ => Vec::new(),
    };
    let track_tags = survey.tracks.iter().flat_map(|track| track.tags.tags(Some(track.index)));
    MediaFacts {
        container: job.container,
        brand: String::new(),
        declared_duration_ns: None,
        duration_ns,
        bitrate_bps: bitrate_bps.unwrap_or(0),
        other_tracks: survey.tracks.len().saturating_sub(known) as u32, // bounded by the limit on tracks
        tags: of_movie.into_iter().chain(survey.tags.tags(None)).chain(track_tags).take(TAGS_MAX).collect(),
        chapters: survey.chapters.list.clone(),
        video: videos,
        audio,
        subtitles,
    }
}

fn index(job: &InspectJob, facts: &MediaFacts, survey: &Survey) -> Option<VideoIndex> {
    let timing = &track_of(survey, facts.main_video()?.track)?.timing;
    let by_index = matches!(job.container, Container::IsoBmff | Container::Matroska);
    Some(VideoIndex {
        keyframes_ns: timing.keyframes_ns.clone(),
        lead_ns: timing.lead_ns,
        segment_frames: timing.segment_frames.clone(),
        seekable: by_index && timing.inexact == 0 && timing.keyframes_rise && !timing.keyframes_ns.is_empty(),
    })
}

fn track_of(survey: &Survey, index: u32) -> Option<&TrackSurvey> {
    survey.tracks.iter().find(|track| track.index == index)
}

/// Decodes a sample of the main video and of every audio track.
fn sample_tracks(
    job: &InspectJob,
    source: &Source,
    facts: &mut MediaFacts,
    index: Option<&VideoIndex>,
    progress_sink: &Arc<dyn ProgressSink>,
) -> Result<Vec<AudioTraits>, Fault> {
    let sampled = |track| sample::Sampled { container: job.container, track, limits: &job.limits };
    if let Some(main) = facts.main_video() {
        let track = main.track;
        let decoded = sample::decode(source, sampled(track), &sample_positions(main, index))?;
        verdict::video_sample(&decoded)?;
        let main = facts.video.iter_mut().find(|video| video.track == track);
        if let (Some(main), Some(caps)) = (main, decoded.caps) {
            facts::complete(main, &caps, &decoded.container);
        }
    }
    let audio = sample_audio(job, source, facts, progress_sink)?;
    // If a side or a rate is still 0, the format of the track is unknown and nothing can play it.
    for video in facts.video.iter_mut().filter(|video| video.width == 0 || video.height == 0) {
        video.decodable = false;
    }
    for audio in facts.audio.iter_mut().filter(|audio| audio.sample_rate == 0 || audio.channels == 0) {
        audio.decodable = false;
    }
    Ok(audio)
}

/// Decodes the beginning of every audio track that is to be published. A track of which nothing decodes is not decodable.
/// Returns what the samples tell beside the facts.
fn sample_audio(
    job: &InspectJob,
    source: &Source,
    facts: &mut MediaFacts,
    progress_sink: &Arc<dyn ProgressSink>,
) -> Result<Vec<AudioTraits>, Fault> {
    let sampled = |track| sample::Sampled { container: job.container, track, limits: &job.limits };
    let playable: Vec<u32> = facts.playable_audio().map(|audio| audio.track).collect();
    let has_sound = !playable.is_empty();
    let mut heard = Vec::new();
    for track in playable {
        if heard.len() == AUDIO_TRACKS_MAX {
            break;
        }
        // Each track is opened anew, so each shows that the worker is alive.
        progress_sink.progress(facts.duration_ns, 0);
        let decoded = sample::decode(source, sampled(track), &[])?;
        let Some(audio) = facts.audio.iter_mut().find(|audio| audio.track == track) else { continue };
        match decoded.caps {
            Some(caps) => {
                facts::complete_audio(audio, &caps);
                let placed_channels = facts::placed_channels(&caps);
                heard.push(AudioTraits { track, role: AudioRole::default(), placed_channels });
            }
            // A film with broken sound can still be watched, and heard in its other languages.
            None => audio.decodable = false,
        }
    }
    if has_sound && heard.is_empty() && facts.main_video().is_none() {
        return Err(Fault::new(Code::NoFrameDecodes, "no sound can be decoded at the beginning"));
    }
    Ok(heard)
}

/// Keyframes in the middle and near the end.
fn sample_positions(main: &VideoFacts, index: Option<&VideoIndex>) -> Vec<u64> {
    let Some(index) = index.filter(|index| index.seekable) else { return Vec::new() };
    if main.end_ns - main.start_ns < MORE_SAMPLES_FROM_NS {
        return Vec::new();
    }
    let keyframes = &index.keyframes_ns;
    let mut positions = vec![keyframes[keyframes.len() / 2], keyframes[keyframes.len() - 1]];
    positions.dedup();
    positions
}

#[cfg(test)]
mod tests;
