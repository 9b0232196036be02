//! From the cues of a worker to the tracks that are published.

use std::collections::BTreeMap;

use reelgate_flow::caption_file::CaptionFlags;
use reelgate_flow::ids::AssetId;

use super::withheld::Withheld;
use crate::messages::{Cue, Span};
use crate::recipes::plan::CaptionsPlan;

/// How long a cue is shown if neither the file nor a later cue ends it, nanoseconds.
const SHOWN_NS: u64 = 5_000_000_000;

/// A track of subtitles, a channel of captions, or a caption file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CaptionTrack {
    /// Position among all tracks; `None` for a caption file.
    pub track: Option<u32>,
    /// The asset of the caption file; `None` for a track.
    pub file: Option<AssetId>,
    /// The channel of captions; `None` for subtitles.
    pub channel: Option<String>,
    /// BCP 47 or ISO 639 code; `None` if unknown.
    pub language: Option<String>,
    /// What they are for.
    pub flags: CaptionFlags,
    /// In order of their beginning.
    pub shown: Vec<Shown>,
}

/// A text and when it is shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shown {
    /// When it appears, nanoseconds from output time 0.
    pub start_ns: u64,
    /// When it disappears, after `start_ns`.
    pub end_ns: u64,
    /// Lines separated by `\n`.
    pub text: String,
}

/// What a redaction removes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Left<'a> {
    /// Whole tracks.
    pub withheld: &'a Withheld,
    /// Stream time of the source in which nothing that is said may be read.
    pub mutes: &'a [Span],
}

/// The tracks that are published, by their position and channel. Every track of the plan has one, even without a cue; a channel
/// of captions has one if it shows something.
pub fn tracks(plan: &CaptionsPlan, cues: Vec<Cue>, left: Option<Left<'_>>) -> Vec<CaptionTrack> {
    let mut found: BTreeMap<(u32, Option<String>), Vec<Cue>> = BTreeMap::new();
    let is_captions = |cue: &Cue| cue.channel.is_some();
    let of_captions: Vec<u32> = cues.iter().filter(|cue| is_captions(cue)).map(|cue| cue.track).collect();
    for track in plan.job.tracks.iter().filter(|track| !of_captions.contains(track)) {
        found.insert((*track, None), Vec::new());
    }
    for cue in cues {
        found.entry((cue.track, cue.channel.clone())).or_default().push(cue);
    }
    if let Some(left) = left {
        found.retain(|(track, _), _| !left.withheld.holds(*track));
        found.values_mut().for_each(|cues| without_muted(cues, Some(left)));
    }
    let track = |((track, channel), cues): ((u32, Option<String>), Vec<Cue>)| {
        let times = placed(cues, plan.time);
        // Rows of captions appear one by one and are shown together.
        let shown = if channel.is_some() { together(&times) } else { times };
        let language = plan.languages.get(&track).cloned();
        let flags = plan.flags.get(&track).copied().unwrap_or_default();
        CaptionTrack { track: Some(track), file: None, language, channel, flags, shown }
    };
    let mut tracks: Vec<CaptionTrack> = found.into_iter().map(track).collect();
    tracks.retain(|track| track.channel.is_none() || !track.shown.is_empty());
    drop_repeated(&mut tracks);
    tracks
}

/// Drops the cues of times in which nothing may be read.
pub(super) fn without_muted(cues: &mut Vec<Cue>, left: Option<Left<'_>>) {
    let Some(left) = left else { return };
    cues.retain(|cue| !left.mutes.iter().any(|mute| overlaps(cue, mute)));
}

fn overlaps(cue: &Cue, span: &Span) -> bool {
    let end_ns = cue.end_ns.unwrap_or(cue.start_ns.saturating_add(SHOWN_NS));
    cue.start_ns < span.end_ns && span.start_ns < end_ns.max(cue.start_ns.saturating_add(1))
}

/// The cues on the output's timeline. What lies outside of it is cut off.
pub(super) fn placed(mut cues: Vec<Cue>, time: Span) -> Vec<Shown> {
    cues.sort_by_key(|cue| (cue.start_ns, cue.end_ns));
    let next: Vec<Option<u64>> = {
        let starts: Vec<u64> = cues.iter().map(|cue| cue.start_ns).collect();
        starts.iter().map(|at| starts.get(starts.partition_point(|start| start <= at)).copied()).collect()
    };
    let place = |(cue, next): (Cue, Option<u64>)| {
        let longest = cue.start_ns.saturating_add(SHOWN_NS);
        let end_ns = cue.end_ns.unwrap_or_else(|| next.map_or(longest, |next| next.min(longest)));
        let start_ns = cue.start_ns.max(time.start_ns);
        let end_ns = end_ns.min(time.end_ns);
        (start_ns < end_ns).then(|| Shown {
            start_ns: start_ns - time.start_ns,
            end_ns: end_ns - time.start_ns,
            text: cue.text,
        })
    };
    cues.into_iter().zip(next).filter_map(place).collect()
}

/// What is on the screen at the same time, as one text, the oldest first.
fn together(shown: &[Shown]) -> Vec<Shown> {
    let mut borders: Vec<u64> = shown.iter().flat_map(|one| [one.start_ns, one.end_ns]).collect();
    borders.sort_unstable();
    borders.dedup();
    let mut joined: Vec<Shown> = Vec::new();
    let mut open: Vec<&Shown> = Vec::new();
    let mut rest = shown.iter().peekable();
    for border in borders.windows(2) {
        let (start_ns, end_ns) = (border[0], border[1]);
        open.retain(|one| one.end_ns > start_ns);
        while let Some(one) = rest.next_if(|one| one.start_ns <= start_ns) {
            open.push(one);
        }
        if open.is_empty() {
            continue;
        }
        let text = open.iter().map(|one| &*one.text).collect::<Vec<_>>().join("\n");
        match joined.last_mut().filter(|last| last.end_ns == start_ns && last.text == text) {
            Some(last) => last.end_ns = end_ns,
            None => joined.push(Shown { start_ns, end_ns, text }),
        }
    }
    joined
}

/// Removes captions of line 21 that a service of CTA-708 repeats word by word, as broadcasts do for old receivers.
fn drop_repeated(tracks: &mut Vec<CaptionTrack>) {
    let words = |track: &CaptionTrack| {
        let words = track.shown.iter().flat_map(|shown| shown.text.split_whitespace());
        words.map(str::to_owned).collect::<Vec<_>>()
    };
    let is_service =
        |track: &CaptionTrack| track.channel.as_deref().is_some_and(|name| name.starts_with("service"));
    let services: Vec<(Option<u32>, Vec<String>)> =
        tracks.iter().filter(|track| is_service(track)).map(|track| (track.track, words(track))).collect();
    tracks.retain(|track| {
        let repeated = track.channel.is_some()
            && !is_service(track)
            && services.iter().any(|(position, said)| *position == track.track && *said == words(track));
        !repeated
    });
}
