//! Splices two runs: which segments of the second run replace those of the first, and whether the two runs fit.

use crate::messages::{AudioEnding, AudioResult, SegmentResult, TrackResult, VideoResult};
use crate::recipes::package::VideoPart;
use reelgate_flow::reason::{Code, Fault};
use serde::{Deserialize, Serialize};

/// The segments of one encoded track of sound that a redaction touches.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TouchedSegments {
    /// Name of the encode.
    pub name: String,
    /// Numbers of the segments to replace, rising: the touched segments and one neighbour on either side. A frame of
    /// AAC is decoded together with its neighbours (ISO/IEC 14496-3, 4.6.11), so the seam must lie where both runs have
    /// encoded the same sound.
    pub segments: Vec<u32>,
}

/// Names of the staged files of a second run that replace those of the first; `track` is the name of a rung or
/// of an audio encode. The
/// initialization segment is not replaced: if it differs, the two runs do not fit.
pub fn replaced<'a>(track: &'a str, segments: &'a [u32]) -> impl Iterator<Item = String> + 'a {
    segments.iter().map(move |number| format!("{track}/{number:05}.m4s"))
}

/// Checks that a second run of a chunk has the frames, tracks and segments of the first. Only sizes may differ.
///
/// # Errors
/// `count_mismatch` with the difference.
pub fn same_shape(old: &VideoResult, new: &VideoResult) -> Result<(), Fault> {
    if old.frames_in != new.frames_in {
        return Err(mismatch(format!("{} frames", old.frames_in), format!("{}", new.frames_in)));
    }
    if old.rungs.len() != new.rungs.len() {
        return Err(mismatch(format!("{} rungs", old.rungs.len()), format!("{}", new.rungs.len())));
    }
    old.rungs.iter().zip(&new.rungs).try_for_each(|(old, new)| same_track(old, new))
}

/// The first run's part with these segments, whose numbers rise, taken from the second run.
///
/// # Errors
/// `count_mismatch` if the two runs do not fit, see [`same_shape`], or have different initialization segments.
pub fn splice_video(old: &VideoPart, new: &VideoPart, segments: &[u32]) -> Result<VideoPart, Fault> {
    same_shape(&old.result, &new.result)?;
    if old.init_sha256 != new.init_sha256 {
        return Err(mismatch("the initialization segments of the first run".into(), "others".into()));
    }
    let mut part = old.clone();
    for (old, new) in part.result.rungs.iter_mut().zip(&new.result.rungs) {
        replace_segments(old, new, segments);
    }
    part.result.frames_damaged = part.result.frames_damaged.max(new.result.frames_damaged);
    Ok(part)
}

/// The first run's audio with the touched segments taken from the second run. The loudness is that of the second run. The
/// caller must compare the initialization segments, because a result does not contain them.
///
/// # Errors
/// `count_mismatch` if the two runs do not fit.
pub fn splice_audio(
    old: &AudioResult,
    new: &AudioResult,
    touched: &[TouchedSegments],
) -> Result<AudioResult, Fault> {
    if old.encodes.len() != new.encodes.len() {
        let (old, new) = (old.encodes.len(), new.encodes.len());
        return Err(mismatch(format!("{old} encodes of audio"), new.to_string()));
    }
    let mut spliced = old.clone();
    for (old, new) in spliced.encodes.iter_mut().zip(&new.encodes) {
        match (old, new) {
            (AudioEnding::Encoded(old), AudioEnding::Encoded(new)) => {
                same_track(&old.track, &new.track)?;
                let own = touched.iter().find(|touched| touched.name == new.track.name);
                replace_segments(&mut old.track, &new.track, own.map_or(&[], |own| &own.segments));
                old.loudness = new.loudness;
            }
            (AudioEnding::Failed(_), AudioEnding::Failed(_)) => {}
            _ => return Err(mismatch("a track that fails in both runs or in none".into(), "one".into())),
        }
    }
    Ok(spliced)
}

fn same_track(old: &TrackResult, new: &TrackResult) -> Result<(), Fault> {
    let head = |track: &TrackResult| (track.name.clone(), track.codecs.clone(), track.timescale);
    if head(old) != head(new) {
        return Err(mismatch(format!("{:?}", head(old)), format!("{:?}", head(new))));
    }
    if old.segments.len() != new.segments.len() {
        let (old, new) = (old.segments.len(), new.segments.len());
        return Err(mismatch(format!("{old} segments"), new.to_string()));
    }
    let shape = |s: &SegmentResult| (s.number, s.start_ticks, s.duration_ticks, s.samples, s.starts_with_idr);
    let apart = old.segments.iter().zip(&new.segments).find(|(old, new)| shape(old) != shape(new));
    apart.map_or(Ok(()), |(old, new)| {
        Err(mismatch(format!("a segment of {:?}", shape(old)), format!("{:?}", shape(new))))
    })
}

/// Replaces these segments of `old`. Both tracks have the same segments; `segments` rise.
fn replace_segments(old: &mut TrackResult, new: &TrackResult, segments: &[u32]) {
    for (old, new) in old.segments.iter_mut().zip(&new.segments) {
        if segments.binary_search(&new.number).is_ok() {
            *old = new.clone();
        }
    }
}

fn mismatch(expected: String, found: String) -> Fault {
    Fault::new(Code::CountMismatch, format!("redaction: expected {expected}, found {found}"))
}
