//! Decides what is publishable: refusals that follow from the counts and from the decoded sample.

use reelgate_flow::facts::Container;
use reelgate_flow::reason::{Code, Fault};

use super::sample::Decoded;
use super::survey::{Survey, TrackSurvey};
use crate::codecs;
use crate::demux::TrackKind;

/// Percentage of the declared duration that may be missing.
const MISSING_PERCENT_MAX: u128 = 5;
/// Duration that may be missing from a file of any length, nanoseconds.
const MISSING_ALLOWED_NS: u64 = 3_000_000_000;
/// Percentage of packets whose times may repeat or run backwards.
const BROKEN_TIMES_PERCENT_MAX: u64 = 10;

/// Judges the counts. `declared_ns` is `None` if the file declares no duration.
pub fn survey(survey: &Survey, declared_ns: Option<u64>, container: Container) -> Result<(), Fault> {
    let is_media = |track: &&TrackSurvey| matches!(track.kind, TrackKind::Video | TrackKind::Audio);
    let media: Vec<_> =
        survey.tracks.iter().filter(is_media).filter(|track| !is_cover(track, survey)).collect();
    if media.is_empty() {
        return Err(Fault::new(
            Code::NoMediaTrack,
            format!("{} tracks, no video or audio", survey.tracks.len()),
        ));
    }
    if media.iter().all(|track| track.timing.packets == 0) {
        return Err(Fault::new(Code::DamagedStream, "the tracks contain no packet"));
    }
    let videos: Vec<_> = media.iter().copied().filter(|track| track.kind == TrackKind::Video).collect();
    // A video without its pictures is not what was uploaded, so sound alone is not enough.
    let needed = if videos.is_empty() { &media } else { &videos };
    if !needed.iter().any(|track| is_playable(track)) {
        let unknown = needed.iter().map(|track| codecs::describe(&track.caps)).find(|codec| !codec.decodable);
        return Err(match unknown {
            Some(codec) => codecs::unsupported(&codec),
            None => Fault::new(Code::DamagedStream, "the required tracks contain no packet"),
        });
    }
    for track in videos.iter().filter(|track| is_playable(track)) {
        times(track)?;
    }
    duration(survey, declared_ns, container)
}

/// Whether a track is a picture that belongs to the file and not to its timeline: cover art, or a thumbnail next to real
/// video or sound.
pub fn is_cover(track: &TrackSurvey, survey: &Survey) -> bool {
    if track.kind != TrackKind::Video || !is_still_codec(track) {
        return false;
    }
    let others = || survey.tracks.iter().filter(|other| other.index != track.index);
    let moving = others().any(|other| other.kind == TrackKind::Video && !is_still_codec(other));
    moving || (track.timing.packets <= 1 && others().any(|other| other.kind == TrackKind::Audio))
}

/// Which of several tracks of a kind is the film: the lowest is taken. A picture that stands still beside moving ones is not; then
/// the file's own choice counts. The order of the file decides between equals.
pub fn preference(track: &TrackSurvey, survey: &Survey) -> (bool, u8) {
    let moving = |other: &TrackSurvey| other.kind == TrackKind::Video && other.timing.packets > 1;
    let is_still = track.kind == TrackKind::Video
        && track.timing.packets <= 1
        && survey.tracks.iter().any(|other| other.index != track.index && moving(other));
    let chosen = match track.is_chosen {
        Some(true) => 0,
        None => 1,
        Some(false) => 2,
    };
    (is_still, chosen)
}

/// Judges the decoded sample of the main video.
pub fn video_sample(decoded: &Decoded) -> Result<(), Fault> {
    if decoded.frames == 0 {
        return Err(Fault::new(Code::NoFrameDecodes, "no frame could be decoded at any sampled position"));
    }
    if decoded.damaged == decoded.frames {
        return Err(Fault::new(
            Code::DamagedStream,
            format!("all {} sampled frames are damaged", decoded.frames),
        ));
    }
    Ok(())
}

fn is_playable(track: &TrackSurvey) -> bool {
    codecs::describe(&track.caps).decodable && track.timing.packets > 0
}

fn is_still_codec(track: &TrackSurvey) -> bool {
    matches!(codecs::describe(&track.caps).codec.as_ref(), "mjpeg" | "png")
}

fn times(track: &TrackSurvey) -> Result<(), Fault> {
    let timing = &track.timing;
    if timing.backwards * 100 > timing.packets * BROKEN_TIMES_PERCENT_MAX {
        let detail = format!("{} of {} times repeat or run backwards", timing.backwards, timing.packets);
        return Err(Fault::new(Code::TimestampsBroken, detail));
    }
    Ok(())
}

/// Compares the declared duration with the counted one. The tables of ISO base media have already been compared with the
/// file; headers of other containers only declare a duration.
fn duration(survey: &Survey, declared_ns: Option<u64>, container: Container) -> Result<(), Fault> {
    let Some(declared_ns) = declared_ns.filter(|_| container != Container::IsoBmff) else { return Ok(()) };
    let reached_ns =
        survey.tracks.iter().filter(|track| track.timing.packets > 0).map(|track| track.timing.end_ns).max();
    let missing_ns = declared_ns.saturating_sub(reached_ns.unwrap_or(0));
    let notable = u128::from(missing_ns) * 100 > u128::from(declared_ns) * MISSING_PERCENT_MAX;
    if notable && missing_ns > MISSING_ALLOWED_NS {
        let detail =
            format!("{} ms are declared, {} ms are missing", declared_ns / 1_000_000, missing_ns / 1_000_000);
        return Err(Fault::new(Code::DurationMismatch, detail));
    }
    Ok(())
}
