use std::collections::BTreeMap;

use reelgate_flow::caption_file::CaptionFlags;
use reelgate_flow::facts::Container;
use reelgate_flow::ids::AssetId;

use super::*;
use crate::messages::{CaptionsJob, Cue, Span};
use crate::recipes::plan::CaptionsPlan;

const S: u64 = 1_000_000_000;

/// Subtitles on track 2, captions in the pictures of track 0; the video begins at 10 s and lasts two minutes.
fn plan() -> CaptionsPlan {
    CaptionsPlan {
        job: CaptionsJob { container: Container::IsoBmff, size_bytes: 1, tracks: vec![2], video: Some(0) },
        languages: BTreeMap::from([(2, "de".to_owned())]),
        flags: BTreeMap::new(),
        time: Span { start_ns: 10 * S, end_ns: 130 * S },
    }
}

fn cue(track: u32, channel: Option<&str>, start_s: u64, end_s: Option<u64>, text: &str) -> Cue {
    let end_ns = end_s.map(|end| end * S);
    Cue { track, channel: channel.map(str::to_owned), start_ns: start_s * S, end_ns, text: text.to_owned() }
}

fn shown(tracks: &[CaptionTrack], at: usize) -> Vec<(u64, u64, &str)> {
    tracks[at].shown.iter().map(|one| (one.start_ns / S, one.end_ns / S, &*one.text)).collect()
}

#[test]
fn cues_are_placed_on_the_output_s_timeline_and_cut_at_its_ends() {
    let cues = [
        cue(2, None, 4, Some(9), "before"),
        cue(2, None, 8, Some(12), "begins before"),
        cue(2, None, 40, None, "until the next"),
        cue(2, None, 43, None, "until it is old"),
        cue(2, None, 128, Some(140), "ends after"),
        cue(2, None, 131, Some(140), "after"),
    ];
    let tracks = tracks(&plan(), cues.to_vec(), None);
    assert_eq!((tracks.len(), tracks[0].track, tracks[0].language.as_deref()), (1, Some(2), Some("de")));
    let expected = [
        (0, 2, "begins before"),
        (30, 33, "until the next"),
        (33, 38, "until it is old"),
        (118, 120, "ends after"),
    ];
    assert_eq!(shown(&tracks, 0), expected);
}

#[test]
fn every_track_of_text_is_published_even_without_a_cue_and_a_channel_only_with_one() {
    let tracks = tracks(&plan(), vec![cue(0, Some("cc1"), 1, Some(2), "before the video")], None);
    assert_eq!(tracks.iter().map(|track| track.track).collect::<Vec<_>>(), [Some(2)]);
}

#[test]
fn rows_of_captions_are_shown_together() {
    let rows = [
        cue(0, Some("cc1"), 10, Some(14), "one"),
        cue(0, Some("cc1"), 12, Some(16), "two"),
        cue(0, Some("cc1"), 14, Some(16), "three"),
    ];
    let tracks = tracks(&plan(), rows.to_vec(), None);
    assert_eq!(tracks[0].channel.as_deref(), Some("cc1"));
    assert_eq!(shown(&tracks, 0), [(0, 2, "one"), (2, 4, "one\ntwo"), (4, 6, "two\nthree")]);
}

#[test]
fn captions_that_a_service_repeats_are_published_once() {
    let both = |line21: &str| {
        let cues = vec![
            cue(0, Some("cc1"), 20, Some(22), line21),
            cue(0, Some("cc3"), 20, Some(22), "hola"),
            cue(0, Some("service1"), 20, Some(22), "hello you"),
        ];
        let tracks = tracks(&plan(), cues, None);
        tracks.into_iter().filter_map(|track| track.channel).collect::<Vec<_>>()
    };
    assert_eq!(both("hello\nyou"), ["cc3", "service1"]);
    assert_eq!(both("hello"), ["cc1", "cc3", "service1"], "nothing is lost");
}

#[test]
fn a_redaction_removes_whole_tracks_and_what_is_said_while_it_is_silent() {
    let cues = || {
        vec![
            cue(2, None, 20, Some(22), "a"),
            cue(2, None, 30, Some(32), "b"),
            cue(0, Some("cc1"), 20, Some(22), "c"),
        ]
    };
    let mutes = [Span { start_ns: 21 * S, end_ns: 30 * S }];
    let none = Withheld::default();
    let left = tracks(&plan(), cues(), Some(Left { withheld: &none, mutes: &mutes }));
    assert_eq!((left.len(), shown(&left, 0)), (1, vec![(20, 22, "b")]));
    let one = Withheld { tracks: [2].into(), ..Withheld::default() };
    let left = tracks(&plan(), cues(), Some(Left { withheld: &one, mutes: &[] }));
    assert_eq!(left.iter().map(|track| track.track).collect::<Vec<_>>(), [Some(0)]);
    let all = Withheld { all: true, ..one };
    assert!(tracks(&plan(), cues(), Some(Left { withheld: &all, mutes: &[] })).is_empty());
}

#[test]
fn webvtt_has_no_markup_of_its_own_and_no_line_that_looks_like_a_time() {
    let text = "a <b> & c\n\n --> \u{0}x\n";
    let one = Shown { start_ns: 3_723 * S + 4_900_000, end_ns: 3_725 * S, text: text.to_owned() };
    let expected = "WEBVTT\n\n01:02:03.004 --> 01:02:05.000\na &lt;b&gt; &amp; c\n--&gt;  x\n";
    assert_eq!(whole(&[one]), expected);
}

#[test]
fn a_cue_is_in_each_segment_that_it_touches() {
    let cue = |start_s: u64, end_s: u64, text: &str| Shown {
        start_ns: start_s * S,
        end_ns: end_s * S,
        text: text.to_owned(),
    };
    let segments = segments(&[cue(0, 60, "a"), cue(59, 61, "b"), cue(119, 120, "c")], 121 * S);
    let cues: Vec<usize> = segments.iter().map(|segment| segment.matches("-->").count()).collect();
    assert_eq!(cues, [2, 2, 0]);
    assert!(segments.iter().all(|segment| segment.starts_with("WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0")));
    assert_eq!(super::segments(&[], 0).len(), 1, "a playlist needs a segment");
}

#[test]
fn a_file_counts_its_times_from_the_first_picture_and_is_withheld_and_muted_like_a_track() {
    let time = plan().time;
    let file = || FileCaptions {
        file: AssetId::new("film-de"),
        language: Some("de".to_owned()),
        flags: CaptionFlags { forced: true, ..CaptionFlags::default() },
        cues: vec![cue(0, None, 0, Some(2), "first"), cue(0, None, 118, Some(125), "last")],
    };
    let track = file_track(file(), time, None).unwrap();
    assert_eq!((track.track, track.language.as_deref(), track.flags.forced), (None, Some("de"), true));
    assert_eq!(shown(&[track], 0), [(0, 2, "first"), (118, 120, "last")]);
    // Mutes are stream time of the source, which begins at 10 s.
    let mutes = [Span { start_ns: 11 * S, end_ns: 12 * S }];
    let withheld = |withheld: &Withheld| {
        let left = Left { withheld, mutes: &mutes };
        file_track(file(), time, Some(left)).map(|track| track.shown.len())
    };
    assert_eq!(withheld(&Withheld { tracks: [0].into(), ..Withheld::default() }), Some(1));
    assert_eq!(withheld(&Withheld { files: [AssetId::new("film-de")].into(), ..Withheld::default() }), None);
    assert_eq!(withheld(&Withheld { all: true, ..Withheld::default() }), None);
}
