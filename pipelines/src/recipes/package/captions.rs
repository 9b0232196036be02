//! The files and the rendition of a track of captions.

use reelgate_flow::caption_file::CaptionFlags;
use reelgate_flow::reason::{Code, Fault};

use super::files::TextFile;
use super::hls;
use super::rendition::{self, Captions, Kind, Rendition, Segment};
use crate::recipes::captions::{CaptionTrack, SEGMENT_S, segments, whole};
use crate::recipes::settings::NO_CAPTIONS;

/// Name of the whole file in a track's folder.
pub const WHOLE: &str = "captions.vtt";
/// Ticks per second of the segments.
const TIMESCALE: u32 = 1_000;
/// WebVTT has no codec string of RFC 6381 outside of MP4; HLS needs none.
pub const CODEC: &str = "wvtt";

/// Whether each of the tracks is shown unless somebody chooses otherwise.
fn defaults(tracks: &[CaptionTrack], asked: &str) -> Vec<bool> {
    let fits = |track: &CaptionTrack| {
        let speaks = track.language.as_deref().is_some_and(|language| language.eq_ignore_ascii_case(asked));
        speaks && !track.flags.forced
    };
    // Those for people who hear come first.
    let candidates = tracks.iter().enumerate().filter(|(_, track)| fits(track));
    let chosen = candidates.min_by_key(|(_, track)| track.flags.hearing_impaired).map(|(at, _)| at);
    let as_files_say = chosen.is_none() && asked != NO_CAPTIONS;
    let default = |(at, track): (usize, &CaptionTrack)| match as_files_say {
        true => track.flags.default,
        false => Some(at) == chosen,
    };
    tracks.iter().enumerate().map(default).collect()
}

/// One rendition for each track, with its files. `length_ns` is the length of the presentation, and `default` is what
/// [`default_captions`](crate::recipes::settings::PackageSettings::default_captions) says.
///
/// # Errors
/// `internal` if there are more segments than numbers.
pub fn captions(
    tracks: &[CaptionTrack],
    default: &str,
    length_ns: u64,
) -> Result<(Vec<Rendition>, Vec<TextFile>), Fault> {
    let defaults = defaults(tracks, default);
    let mut renditions = Vec::with_capacity(tracks.len());
    let mut files = Vec::new();
    for (position, track) in tracks.iter().enumerate() {
        let name = format!("captions-{}", position + 1);
        let texts = segments(&track.shown, length_ns);
        let length_ms = length_ns / 1_000_000;
        let segment = |(number, text): (usize, &String)| {
            let start_ticks = u64::try_from(number).ok()?.checked_mul(SEGMENT_S * 1_000)?;
            let end_ticks = (start_ticks + SEGMENT_S * 1_000).min(length_ms.max(start_ticks + 1));
            let samples = u32::try_from(text.matches(" --> ").count()).ok()?;
            Some(Segment {
                start_ticks,
                duration_ticks: end_ticks - start_ticks,
                samples,
                bytes: text.len() as u64,
                first_picture_end: 0,
            })
        };
        let segments: Option<Vec<Segment>> = texts.iter().enumerate().map(segment).collect();
        let segments =
            segments.ok_or_else(|| Fault::new(Code::Internal, "more segments of captions than numbers"))?;
        files.push(TextFile { path: format!("{name}/{WHOLE}"), text: whole(&track.shown) });
        for (number, text) in texts.into_iter().enumerate() {
            files.push(TextFile { path: format!("{name}/{}", hls::caption_segment(number)), text });
        }
        renditions.push(Rendition {
            folder: name.clone(),
            name,
            codecs: CODEC.into(),
            kind: Kind::Captions(Captions {
                track: track.track,
                file: track.file.clone(),
                flags: CaptionFlags { default: defaults[position], ..track.flags },
                channel: track.channel.clone(),
                language: track.language.clone(),
                cues: track.shown.len() as u64,
            }),
            timescale: TIMESCALE,
            peak_bps: rendition::peak_bps(&segments, TIMESCALE, SEGMENT_S),
            average_bps: rendition::average_bps(&segments, TIMESCALE),
            segments,
            file: None,
        });
    }
    Ok((renditions, files))
}
