//! Which subtitles and captions are published.

use super::language::language;
use crate::messages::{CaptionsJob, Span, SubtitleTraits};
use reelgate_flow::caption_file::CaptionFlags;
use reelgate_flow::facts::MediaFacts;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The subtitles and captions of an asset.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaptionsPlan {
    /// What is read.
    pub job: CaptionsJob,
    /// Languages of tracks, as BCP 47 or ISO 639 codes, where the source states one.
    pub languages: BTreeMap<u32, String>,
    /// What tracks are for, where the source says more than nothing.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub flags: BTreeMap<u32, CaptionFlags>,
    /// The presentation, stream time of the source: its start is output time 0.
    pub time: Span,
}

/// The captions of a plan; `None` if the media has none that are text. `captioned` are video tracks whose pictures carry
/// captions.
pub(super) fn captions(
    facts: &MediaFacts,
    captioned: &[u32],
    subtitles: &[SubtitleTraits],
    time: Span,
    size_bytes: u64,
) -> Option<CaptionsPlan> {
    let mut tracks: Vec<u32> = facts.published_subtitles().map(|one| one.track).collect();
    tracks.sort_unstable();
    let video_track = facts.main_video().map(|video| video.track).filter(|track| captioned.contains(track));
    if tracks.is_empty() && video_track.is_none() {
        return None;
    }
    let languages = facts.subtitles.iter().filter_map(|one| Some((one.track, language(&one.language)?)));
    Some(CaptionsPlan {
        job: CaptionsJob { container: facts.container, size_bytes, tracks, video: video_track },
        languages: languages.collect(),
        flags: subtitles.iter().map(|one| (one.track, one.flags)).collect(),
        time,
    })
}
