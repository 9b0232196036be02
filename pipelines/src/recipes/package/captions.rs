//! The files and the rendition of a track of captions.

use reelgate_flow::reason::{Code, Fault};

use super::files::TextFile;
use super::hls;
use super::rendition::{self, Captions, Kind, Rendition, Segment};
use crate::recipes::captions::{CaptionTrack, SEGMENT_S, segments, whole};

/// Name of the whole file in a track's folder.
pub const WHOLE: &str = "captions.vtt";
/// Ticks per second of the segments.
const TIMESCALE: u32 = 1_000;
/// WebVTT has no codec string of RFC 6381 outside of MP4; HLS needs none.
pub const CODEC: &str = "wvtt";

/// One rendition for each track, with its files. `length_ns` is the length of the presentation.
///
/// # Errors
/// `internal` if there are more segments than numbers.
pub fn captions(tracks: &[CaptionTrack], length_ns: u64) -> Result<(Vec<Rendition>, Vec<TextFile>), Fault> {
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
                flags: track.flags,
                channel: track.channel.clone(),
                language: track.language.clone(),
                cues: track.shown.len() as u64,
            }),
            timescale: TIMESCALE,
            peak_bps: rendition::peak_bps(&segments, TIMESCALE, SEGMENT_S),
            average_bps: rendition::average_bps(&segments, TIMESCALE),
            segments,
        });
    }
    Ok((renditions, files))
}
