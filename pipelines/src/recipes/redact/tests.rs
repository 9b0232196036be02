use super::*;
use crate::messages::{AudioEncoded, AudioEnding, Loudness, RedactionStyle, TrackResult};
use crate::recipes::package::VideoPart;
use crate::recipes::plan::{VideoChunk, plan};
use crate::recipes::settings::Settings;
use crate::recipes::testing::{S, inspection};
use proptest::prelude::*;
use reelgate_flow::place::FrameBox;
use reelgate_flow::reason::Code;

const MS: u64 = 1_000_000;
const TIMESCALE: u32 = 1_000;

/// An encoded video: its plan, its results and the times of its frames.
#[derive(Clone, Debug)]
struct EncodedVideo {
    plan: Plan,
    video: Vec<VideoResult>,
    audio: Option<AudioResult>,
    /// Stream time of each frame, its segment and its chunk.
    frames: Vec<(u64, u32, usize)>,
}

fn segment(number: u32, start_ticks: u64, duration_ticks: u64, samples: u32) -> SegmentResult {
    SegmentResult {
        number,
        start_ticks,
        duration_ticks,
        samples,
        bytes: 1_000,
        starts_with_idr: true,
        first_picture_end: 0,
    }
}

fn track(name: &str, timescale: u32, segments: Vec<SegmentResult>) -> TrackResult {
    TrackResult { name: name.into(), codecs: "avc1.64001F".into(), timescale, segments }
}

fn sound(track: TrackResult) -> AudioEnding {
    let (samples_in, samples_filled, samples_cut) = (2_880_000, 0, 0);
    AudioEnding::Encoded(AudioEncoded { track, samples_in, samples_filled, samples_cut, loudness: None })
}

impl EncodedVideo {
    /// A video with frames at these intervals (milliseconds) on a grid of 4 s, cut into chunks before these segments.
    fn new(zero_ms: u64, distances_ms: &[u64], cuts: &[u32]) -> Self {
        let plan = plan(&inspection(60 * S, 2 * S), &Settings::default(), 1_000).unwrap();
        let job = VideoJob { zero_ns: zero_ms * MS, timescale: TIMESCALE, ..plan.video[0].job.clone() };
        let starts = distances_ms.iter().scan(0, |at, distance| {
            let start = *at;
            *at += distance;
            Some(start)
        });
        let starts: Vec<u64> = starts.collect();
        let end = distances_ms.iter().sum::<u64>();
        let cell = |ms: u64| u32::try_from((ms + 1) / 4_000).unwrap();
        let chunk_of = |segment: u32| cuts.iter().filter(|cut| **cut <= segment).count();
        let mut video = Self {
            frames: Vec::new(),
            video: Vec::new(),
            audio: None,
            plan: Plan { video: Vec::new(), ..plan.clone() },
        };
        video.frames =
            starts.iter().map(|ms| ((zero_ms + ms) * MS, cell(*ms), chunk_of(cell(*ms)))).collect();
        let bounds = std::iter::once(0).chain(cuts.iter().copied());
        for (chunk, first_segment) in bounds.enumerate() {
            let mine = || starts.iter().filter(|ms| chunk_of(cell(**ms)) == chunk);
            let mut numbers: Vec<u32> = mine().map(|ms| cell(*ms)).collect();
            numbers.dedup();
            let segments = numbers.iter().map(|number| {
                let inside = || starts.iter().filter(|ms| cell(**ms) == *number);
                let start = *inside().next().unwrap();
                let next = starts.iter().find(|ms| cell(**ms) > *number).copied().unwrap_or(end);
                segment(*number, start, next - start, u32::try_from(inside().count()).unwrap())
            });
            let segments: Vec<SegmentResult> = segments.collect();
            let frames = mine().count() as u64;
            let rungs = job.rungs.iter().map(|rung| track(&rung.name, TIMESCALE, segments.clone()));
            video.video.push(VideoResult { frames_in: frames, frames_damaged: 0, rungs: rungs.collect() });
            let job = VideoJob { first_segment, end_segment: cuts.get(chunk).copied(), ..job.clone() };
            video.plan.video.push(VideoChunk { job, frames });
        }
        video
    }

    /// 25 frames a second from 0, 60 s, with sound in segments of 4 s.
    fn steady(cuts: &[u32]) -> Self {
        let mut video = Self::new(0, &[40; 1_500], cuts);
        let segments =
            (0..15).map(|number| segment(number, u64::from(number) * 192_000, 192_000, 188)).collect();
        let track = track("audio", 48_000, segments);
        video.audio = Some(AudioResult { encodes: vec![sound(track)] });
        video.plan.audio.as_mut().unwrap().sample_rate = 48_000;
        video
    }

    fn redaction(&self, request: &Request) -> Result<RedactionPlan, Fault> {
        let plan =
            Plan { audio: self.plan.audio.clone().filter(|_| self.audio.is_some()), ..self.plan.clone() };
        redaction(&plan, &self.video, self.audio.as_ref(), request)
    }
}

fn place(start_ns: u64, end_ns: u64, x: u32) -> Sighting {
    Sighting { start_ns, end_ns, area: Some(FrameBox { x, y: 100, width: 50, height: 20 }), thing: 1 }
}

fn request(places: Vec<Sighting>, interval_ns: u64) -> Request {
    Request {
        places,
        style: RedactionStyle::Fill,
        widening: Widening::Interval(interval_ns),
        mutes: Vec::new(),
        withheld: Default::default(),
    }
}

/// Chunks and their touched segments.
fn touched(plan: &RedactionPlan) -> Vec<(u16, Vec<u32>)> {
    plan.chunks.iter().map(|chunk| (chunk.chunk, chunk.segments.clone())).collect()
}

#[test]
fn only_the_chunks_and_segments_of_a_range_are_touched() {
    let video = EncodedVideo::steady(&[5, 10]);
    let plan = video.redaction(&request(vec![place(26 * S, 27 * S - 2 * MS, 0)], S)).unwrap();
    assert_eq!(touched(&plan), [(1, vec![6])]);
    assert_eq!(
        (plan.chunks[0].redactions[0].start_ns, plan.chunks[0].redactions[0].end_ns),
        (25 * S, 28 * S - 2 * MS)
    );
    assert_eq!(plan.audio, None);
    let job = plan.chunks[0].job(&video.plan).unwrap();
    assert_eq!(job.redactions, plan.chunks[0].redactions);
    assert_eq!(VideoJob { redactions: Vec::new(), ..job }, video.plan.video[1].job);
}

#[test]
fn a_range_over_a_cut_touches_both_chunks() {
    let plan = EncodedVideo::steady(&[5, 10]).redaction(&request(vec![place(20 * S, 21 * S, 0)], S)).unwrap();
    assert_eq!(touched(&plan), [(0, vec![4]), (1, vec![5])]);
    assert_eq!(plan.chunks[0].redactions, plan.chunks[1].redactions);
}

#[test]
fn the_segment_on_screen_when_a_range_begins_is_touched() {
    // One picture is on screen from 2 s to 30 s, over six segments without a frame.
    let video = EncodedVideo::new(500, &[2_000, 28_000, 40, 40], &[7]);
    let plan = video.redaction(&request(vec![place(20 * S, 21 * S, 0)], 0)).unwrap();
    assert_eq!(touched(&plan), [(0, vec![0])]);
    let after_the_end = video.redaction(&request(vec![place(70 * S, 71 * S, 0)], 0)).unwrap();
    assert_eq!(touched(&after_the_end), [(1, vec![7])]);
    let before_the_start = video.redaction(&request(vec![place(0, 1, 0)], 0)).unwrap();
    assert_eq!(touched(&before_the_start), [(0, vec![0])]);
}

#[test]
fn a_shot_is_covered_from_the_sample_before_it_to_the_sample_after_it() {
    let video = EncodedVideo::steady(&[5, 10]);
    let shot = |start, end| {
        let widening = Widening::SampledFrame { cuts_ns: vec![10 * S, 30 * S], interval_ns: S };
        let request = Request { widening, ..request(vec![place(start, end, 0)], 0) };
        let plan = video.redaction(&request).unwrap();
        (plan.chunks[0].redactions[0].start_ns / S, plan.chunks[0].redactions[0].end_ns / S)
    };
    assert_eq!(shot(15 * S, 16 * S), (9, 30));
    assert_eq!(shot(2 * S, 3 * S), (0, 10));
    assert_eq!(shot(29 * S, 30 * S), (9, 31), "at least by an interval");
    assert_eq!(shot(31 * S, 32 * S), (29, 60), "to the end of the track");
}

#[test]
fn a_moving_thing_is_covered_on_its_way() {
    let video = EncodedVideo::steady(&[]);
    let places =
        vec![place(10 * S, 10 * S + 1, 0), place(11 * S, 11 * S + 1, 300), place(40 * S, 41 * S, 600)];
    let plan = video.redaction(&request(places, S)).unwrap();
    let way =
        plan.chunks[0].redactions.iter().find(|redaction| redaction.area.unwrap().width == 350).unwrap();
    assert_eq!((way.start_ns, way.end_ns), (10 * S, 11 * S + 1));
    assert_eq!(plan.chunks[0].redactions.len(), 4, "a sighting much later has no way from the earlier ones");
    let apart = [
        Sighting { thing: 1, ..place(10 * S, 11 * S, 0) },
        Sighting { thing: 2, ..place(10 * S, 11 * S, 300) },
    ];
    let plan = video.redaction(&request(apart.to_vec(), S)).unwrap();
    assert!(plan.chunks[0].redactions.iter().all(|redaction| redaction.area.unwrap().width == 50));
}

#[test]
fn sightings_that_meet_are_one_redaction() {
    let places = (0..10).map(|second| place(second * S, (second + 1) * S, 7)).collect();
    let plan = EncodedVideo::steady(&[]).redaction(&request(places, S)).unwrap();
    let spans: Vec<_> = plan.chunks[0].redactions.iter().map(|r| (r.start_ns, r.end_ns)).collect();
    assert_eq!(spans, [(0, 11 * S)]);
}

#[test]
fn too_many_boxes_become_the_whole_picture() {
    let places: Vec<Sighting> =
        (0..2_001).map(|x| Sighting { thing: u64::from(x), ..place(S, 2 * S, x) }).collect();
    let plan = EncodedVideo::steady(&[]).redaction(&request(places, S)).unwrap();
    let whole = Redaction { start_ns: 0, end_ns: 3 * S, area: None, style: RedactionStyle::Fill };
    assert_eq!(plan.chunks[0].redactions, [whole]);
}

#[test]
fn a_mute_replaces_its_segments_and_a_neighbour_on_either_side() {
    let mutes = vec![Span { start_ns: 17 * S, end_ns: 18 * S }, Span { start_ns: 0, end_ns: S }];
    let plan =
        EncodedVideo::steady(&[]).redaction(&Request { mutes: mutes.clone(), ..request(vec![], 0) }).unwrap();
    let audio = plan.audio.unwrap();
    assert_eq!((&audio.tracks[0].segments, audio.mutes), (&vec![0, 1, 3, 4, 5], mutes));
    assert!(plan.chunks.is_empty());
}

#[test]
fn a_request_that_cannot_be_met_in_full_is_refused() {
    let video = EncodedVideo::steady(&[5]);
    let mute = |span| Request { mutes: vec![span], ..request(vec![], 0) };
    let refused = |video: &EncodedVideo, request: &Request| video.redaction(request).unwrap_err().code;
    assert_eq!(refused(&video, &request(vec![place(5, 5, 0)], 0)), Code::Internal);
    let no_pixel = Sighting { area: Some(FrameBox { x: 0, y: 0, width: 0, height: 9 }), ..place(0, 5, 0) };
    assert_eq!(refused(&video, &request(vec![no_pixel], 0)), Code::Internal);
    assert_eq!(refused(&video, &mute(Span { start_ns: 9, end_ns: 9 })), Code::Internal);
    let without_video =
        EncodedVideo { plan: Plan { video: vec![], ..video.plan.clone() }, video: vec![], ..video.clone() };
    assert_eq!(refused(&without_video, &request(vec![place(0, 5, 0)], 0)), Code::Internal);
    let without_audio = EncodedVideo { audio: None, ..video.clone() };
    assert_eq!(refused(&without_audio, &mute(Span { start_ns: 0, end_ns: 9 })), Code::Internal);
    let unfinished = EncodedVideo { video: video.video[..1].to_vec(), ..video.clone() };
    assert_eq!(refused(&unfinished, &request(vec![], 0)), Code::Internal);
    let empty = EncodedVideo::steady(&[])
        .video
        .into_iter()
        .map(|video| VideoResult { rungs: vec![], ..video })
        .collect();
    let empty = EncodedVideo { video: empty, ..EncodedVideo::steady(&[]) };
    assert_eq!(refused(&empty, &request(vec![place(0, 5, 0)], 0)), Code::Internal);
}

fn part(result: &VideoResult) -> VideoPart {
    VideoPart { result: result.clone(), init_sha256: vec![[7; 32]; result.rungs.len()] }
}

/// The result of a second run, in which only the sizes differ.
fn again(result: &VideoResult) -> VideoResult {
    let mut again = result.clone();
    again.rungs.iter_mut().flat_map(|rung| &mut rung.segments).for_each(|segment| segment.bytes = 2_000);
    again
}

#[test]
fn a_splice_takes_the_touched_segments_and_keeps_the_others() {
    let old = &EncodedVideo::steady(&[5]).video[0];
    let spliced = splice_video(&part(old), &part(&again(old)), &[1, 2]).unwrap();
    for rung in &spliced.result.rungs {
        assert_eq!(
            rung.segments.iter().map(|s| s.bytes).collect::<Vec<_>>(),
            [1_000, 2_000, 2_000, 1_000, 1_000]
        );
    }
    assert_eq!(replaced("720p", &[1, 2]).collect::<Vec<_>>(), ["720p/00001.m4s", "720p/00002.m4s"]);
}

#[test]
fn a_splice_of_audio_takes_the_touched_segments_of_every_track() {
    let mut audio = EncodedVideo::steady(&[]).audio.unwrap();
    let second = TrackResult { name: "audio-2".into(), ..audio.encoded().next().unwrap().track.clone() };
    let fault = Fault::new(Code::TimestampsBroken, "");
    audio.encodes.extend([AudioEnding::Failed(fault), sound(second)]);
    let mut new = audio.clone();
    let loudness = Loudness { integrated_lufs: Some(-30.0), range_lu: 1.0, true_peak_dbtp: Some(-9.0) };
    for ending in &mut new.encodes {
        let AudioEnding::Encoded(encoded) = ending else { continue };
        encoded.track.segments.iter_mut().for_each(|segment| segment.bytes = 9);
        encoded.loudness = Some(loudness);
    }
    let touched =
        |name: &str, segments: &[u32]| TouchedSegments { name: name.into(), segments: segments.into() };
    let touched = [touched("audio", &[4]), touched("audio-2", &[0, 1])];
    let spliced = splice_audio(&audio, &new, &touched).unwrap();
    let replaced: Vec<Vec<u32>> = spliced
        .encoded()
        .map(|one| one.track.segments.iter().filter(|s| s.bytes == 9).map(|s| s.number).collect())
        .collect();
    assert_eq!(replaced, [vec![4], vec![0, 1]]);
    assert!(spliced.encoded().all(|one| one.loudness == Some(loudness)));
    new.encodes.swap(0, 1);
    assert_eq!(splice_audio(&audio, &new, &touched).unwrap_err().code, Code::CountMismatch);
    new.encodes.truncate(2);
    assert_eq!(splice_audio(&audio, &new, &touched).unwrap_err().code, Code::CountMismatch);
}

#[test]
fn a_second_run_of_another_shape_is_refused() {
    let old = &EncodedVideo::steady(&[5]).video[0];
    let spoils: &[fn(&mut VideoResult)] = &[
        |new| new.frames_in -= 1,
        |new| new.rungs.truncate(1),
        |new| new.rungs[0].name = "9p".into(),
        |new| new.rungs[0].codecs = "avc1.640020".into(),
        |new| new.rungs[0].timescale = 90_000,
        |new| new.rungs[1].segments.truncate(1),
        |new| new.rungs[1].segments[2].number = 9,
        |new| new.rungs[1].segments[2].start_ticks += 1,
        |new| new.rungs[1].segments[2].duration_ticks += 1,
        |new| new.rungs[1].segments[2].samples += 1,
        |new| new.rungs[1].segments[2].starts_with_idr = false,
    ];
    assert_eq!(same_shape(old, &again(old)), Ok(()));
    for (number, spoil) in spoils.iter().enumerate() {
        let mut new = again(old);
        spoil(&mut new);
        assert_eq!(same_shape(old, &new).unwrap_err().code, Code::CountMismatch, "spoil {number}");
        assert!(splice_video(&part(old), &part(&new), &[1]).is_err(), "spoil {number}");
    }
    let other_init = VideoPart { init_sha256: vec![[8; 32]; old.rungs.len()], ..part(&again(old)) };
    assert_eq!(splice_video(&part(old), &other_init, &[1]).unwrap_err().code, Code::CountMismatch);
}

fn encoded_videos() -> impl Strategy<Value = EncodedVideo> {
    let steady = (1_u64..200).prop_flat_map(|distance| {
        proptest::collection::vec(Just(distance), 1..usize::try_from(60_000 / distance).unwrap().min(600))
    });
    let uneven = proptest::collection::vec(prop_oneof![8 => 1_u64..100, 1 => 100_u64..15_000], 1..200);
    let frames = prop_oneof![steady, uneven];
    let cuts = proptest::collection::btree_set(1_u32..12, 0..4);
    (0_u64..5_000, frames, cuts).prop_map(|(zero_ms, distances, cuts)| {
        let whole = EncodedVideo::new(zero_ms, &distances, &[]);
        // Cuts lie only at segments with a frame, as in plans.
        let cuts: Vec<u32> = cuts
            .into_iter()
            .filter(|cut| whole.frames.iter().any(|(_, segment, _)| segment == cut))
            .collect();
        EncodedVideo::new(zero_ms, &distances, &cuts)
    })
}

fn places() -> impl Strategy<Value = Vec<Sighting>> {
    let place =
        (0_u64..70_000, 1_u64..8_000, 0_u32..600, 0_u64..3).prop_map(|(start_ms, length_ms, x, thing)| {
            Sighting { thing, ..place(start_ms * MS, (start_ms + length_ms) * MS, x) }
        });
    proptest::collection::vec(place, 1..12)
}

proptest! {
    #[test]
    fn every_frame_on_screen_in_a_range_is_covered_and_replaced(
        video in encoded_videos(), places in places(), interval_ms in 0_u64..3_000,
    ) {
        let plan = video.redaction(&request(places.clone(), interval_ms * MS)).unwrap();
        for place in &places {
            let (start_ns, end_ns) =
                (place.start_ns.saturating_sub(interval_ms * MS), place.end_ns + interval_ms * MS);
            for (at, (shown_ns, segment, chunk)) in video.frames.iter().enumerate() {
                let until_ns = video.frames.get(at + 1).map_or(u64::MAX, |(next_ns, ..)| *next_ns);
                if *shown_ns >= end_ns || until_ns <= start_ns {
                    continue;
                }
                let redone = plan.chunks.iter().find(|redone| usize::from(redone.chunk) == *chunk);
                prop_assert!(redone.is_some_and(|redone| redone.segments.contains(segment)), "frame {at}");
                let covers = |redaction: &&Redaction| {
                    redaction.area == place.area && redaction.start_ns <= start_ns && end_ns <= redaction.end_ns
                };
                prop_assert!(redone.unwrap().redactions.iter().any(|redaction| covers(&redaction)), "frame {at}");
            }
        }
        for redone in &plan.chunks {
            prop_assert!(check(&redone.redactions).is_ok() && !redone.redactions.is_empty());
            prop_assert!(redone.segments.is_sorted() && !redone.segments.is_empty());
        }
    }

    #[test]
    fn only_segments_near_a_redaction_are_touched(
        video in encoded_videos(), place in places(), interval_ms in 0_u64..3_000,
    ) {
        let place = place[0];
        let plan = video.redaction(&request(vec![place], interval_ms * MS)).unwrap();
        let near_ns = (interval_ms + 1) * MS;
        for redone in &plan.chunks {
            for number in &redone.segments {
                let first = video.frames.iter().position(|(_, segment, _)| segment == number).unwrap();
                let end_ns = video.frames.iter().find(|(_, segment, _)| segment > number).map_or(u64::MAX, |f| f.0);
                let begins = first == 0 || video.frames[first].0 <= place.end_ns + near_ns;
                prop_assert!(begins && end_ns >= place.start_ns.saturating_sub(near_ns), "segment {number}");
            }
        }
    }
}

#[test]
fn a_later_request_leaves_covered_what_an_earlier_one_covers() {
    let area = |x: u32| Some(FrameBox { x, y: 0, width: 8, height: 8 });
    let request = |start_ns: u64, x: u32, style, widening| Request {
        places: vec![Sighting { start_ns, end_ns: start_ns + S, area: area(x), thing: 0 }],
        style,
        widening,
        mutes: vec![Span { start_ns, end_ns: start_ns + S }],
        withheld: Default::default(),
    };
    let earlier = request(10 * S, 1, RedactionStyle::Fill, Widening::Interval(S));
    let later = request(30 * S, 2, RedactionStyle::Blur, Widening::Interval(0));
    let both = later.clone().with_earlier(&earlier, 60 * S);
    assert_eq!(both.style, RedactionStyle::Fill, "a box stays a box");
    assert_eq!(both.mutes, [earlier.mutes.clone(), later.mutes.clone()].concat());
    let alone = |request: &Request| sightings::redactions(request, 60 * S).unwrap();
    let times = |request: &Request| -> Vec<(u64, u64)> {
        alone(request).iter().map(|redaction| (redaction.start_ns, redaction.end_ns)).collect()
    };
    assert_eq!(times(&both), [times(&earlier), times(&later)].concat(), "each widened as it was");
    let muted = Request { places: Vec::new(), ..earlier };
    assert_eq!(later.with_earlier(&muted, 60 * S).style, RedactionStyle::Blur, "nothing was filled");
}
