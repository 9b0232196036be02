use super::*;
use crate::recipes::testing::{S, audio, inspection, video};
use reelgate_flow::limits::CHUNKS_MAX;

fn planned(inspection: &Inspection) -> Plan {
    plan(inspection, &Settings::default(), 1_000).unwrap()
}

fn cuts(plan: &Plan) -> Vec<(u32, Option<u32>, Option<u64>)> {
    plan.video
        .iter()
        .map(|chunk| (chunk.job.first_segment, chunk.job.end_segment, chunk.job.seek_ns))
        .collect()
}

/// Checks what every plan must satisfy: chunks follow one another, lose no frame and start reading early enough.
fn assert_sound(inspection: &Inspection, plan: &Plan) {
    let index = inspection.index.as_ref().unwrap();
    let mut next = Some(0);
    for chunk in &plan.video {
        let job = &chunk.job;
        assert_eq!(Some(job.first_segment), next);
        next = job.end_segment;
        assert!(chunk.frames > 0);
        let line = job.zero_ns + u64::from(job.first_segment) * job.segment_ns;
        assert!(
            job.seek_ns
                .is_none_or(|seek| seek <= line + job.segment_ns && index.keyframes_ns.contains(&seek))
        );
    }
    assert_eq!(next, None, "the last chunk goes to the end of the track");
    let frames: u64 = plan.video.iter().map(|chunk| chunk.frames).sum();
    assert_eq!(frames, index.segment_frames.iter().map(|frames| u64::from(*frames)).sum::<u64>());
    assert!(plan.video.len() <= usize::from(CHUNKS_MAX));
}

#[test]
fn a_short_video_is_one_chunk() {
    let plan = planned(&inspection(30 * S, 2 * S));
    assert_eq!(cuts(&plan), [(0, None, None)]);
    assert_eq!(plan.video[0].frames, 750);
    assert_eq!(plan.video[0].job.encoder_threads, 1, "more would race for bits");
}

#[test]
fn a_long_video_is_cut_on_the_grid_where_keyframes_are() {
    let media = inspection(300 * S, 2 * S);
    let plan = planned(&media);
    assert_sound(&media, &plan);
    assert_eq!(plan.video.len(), 15);
    assert_eq!(cuts(&plan)[1], (5, Some(10), Some(20 * S)));
    assert_eq!(plan.video[0].job.encoder_threads, 1);
    assert_eq!(plan.video[0].frames, 500);
}

#[test]
fn a_cut_moves_to_the_line_with_the_least_wasted_decoding() {
    let mut media = inspection(60 * S, 60 * S);
    media.index.as_mut().unwrap().keyframes_ns = vec![0, 24 * S, 43 * S];
    let plan = planned(&media);
    assert_sound(&media, &plan);
    assert_eq!(cuts(&plan), [(0, Some(6), None), (6, Some(11), Some(24 * S)), (11, None, Some(43 * S))]);
}

#[test]
fn no_seek_goes_to_a_keyframe_that_may_not_be_the_first_frame_of_its_segment() {
    let mut media = inspection(60 * S, 60 * S);
    media.index.as_mut().unwrap().keyframes_ns = vec![0, 20 * S + S / 25];
    let plan = planned(&media);
    assert!(
        plan.video.iter().skip(1).all(|chunk| chunk.job.first_segment != 5 || chunk.job.seek_ns == Some(0))
    );
    let lines: Vec<_> = plan
        .video
        .iter()
        .map(|chunk| chunk.job.zero_ns + u64::from(chunk.job.first_segment) * 4 * S)
        .collect();
    for (chunk, line) in plan.video.iter().zip(lines).skip(1) {
        assert!(chunk.job.seek_ns.unwrap() <= line, "the frame before the keyframe belongs to the chunk");
    }
}

#[test]
fn no_length_or_keyframe_distance_loses_a_frame() {
    for seconds in (31..200).step_by(3).chain([3_601, 86_400]) {
        for gop_ns in [S / 2, 3 * S, 10 * S, 7_777_777_777] {
            let media = inspection(seconds * S, gop_ns);
            let plan = planned(&media);
            assert_sound(&media, &plan);
            let longest = plan
                .video
                .iter()
                .filter_map(|chunk| Some(chunk.job.end_segment? - chunk.job.first_segment))
                .max();
            assert!(longest.is_none_or(|segments| segments <= 7), "{seconds} s: {longest:?}");
            let tail = plan.video.last().unwrap();
            let segments = media.index.as_ref().unwrap().segment_frames.len();
            assert!((4..=7).contains(&(segments - tail.job.first_segment as usize)), "{seconds} s");
        }
    }
}

#[test]
fn short_segments_of_a_long_video_still_make_a_bounded_number_of_chunks() {
    let mut settings = Settings::default();
    settings.cut.segment_s = 1;
    settings.cut.chunk_s = 1;
    let mut media = inspection(4 * S, S);
    media.facts.video[0].end_ns = 50_000 * S;
    let index = media.index.as_mut().unwrap();
    index.segment_frames = vec![25; 50_000];
    index.keyframes_ns = (0..50_000).map(|second| second * S).collect();
    let plan = plan(&media, &settings, 1).unwrap();
    assert_sound(&media, &plan);
    assert!(plan.video.len() > 2_500);
}

#[test]
fn a_still_picture_of_minutes_makes_no_empty_chunk() {
    let mut media = inspection(200 * S, 2 * S);
    media.index.as_mut().unwrap().segment_frames[3..30].fill(0);
    let plan = planned(&media);
    assert_sound(&media, &plan);
}

#[test]
fn a_video_that_may_not_be_cut_is_one_chunk() {
    let mut media = inspection(300 * S, 2 * S);
    media.index.as_mut().unwrap().seekable = false;
    assert_eq!(cuts(&planned(&media)), [(0, None, None)]);
    media.index = None;
    let plan = planned(&media);
    assert_eq!(cuts(&plan), [(0, None, None)]);
    assert_eq!(plan.video[0].frames, 7_500, "without an index the facts give the count");
}

#[test]
fn ticks_are_exact_for_constant_rates() {
    let scale = |num, den| Rational::new(num, den).and_then(exact_timescale);
    assert_eq!(scale(25, 1), Some(25_000));
    assert_eq!(scale(30_000, 1_001), Some(30_000));
    assert_eq!(scale(24_000, 1_001), Some(24_000));
    assert_eq!(scale(120, 1), Some(12_000));
    assert_eq!(scale(1, 1), Some(10_000));
    assert_eq!(scale(1_000_001, 1), None);
    assert_eq!(scale(0, 1), None);
    let mut media = inspection(10 * S, S);
    media.facts.video[0].frame_rate = Rational::new(60_000, 2_000);
    assert_eq!(planned(&media).video[0].job.frame_rate, Rational::new(30, 1));
    media.facts.video[0].variable_rate = true;
    let job = &planned(&media).video[0].job;
    assert_eq!((job.frame_rate, job.timescale), (None, 90_000));
}

#[test]
fn audio_starts_with_the_video_and_mono_stays_mono() {
    let mut media = inspection(10 * S, S);
    media.facts.video[0].start_ns = S;
    media.facts.audio[0].channels = 1;
    let plan = planned(&media);
    let job = plan.audio.unwrap();
    let encode = &job.encodes[0];
    assert_eq!((job.zero_ns, encode.channels, encode.bitrate_bps, job.sample_rate), (S, 1, 64_000, 48_000));
    assert_eq!(encode.language.as_deref(), Some("eng"));
    media.facts.audio[0].channels = 6;
    assert_eq!(planned(&media).audio.unwrap().encodes[0].channels, 2);
}

#[test]
fn audio_alone_starts_at_its_own_start_and_has_no_frames_to_sample() {
    let mut media = inspection(10 * S, S);
    media.facts.video.clear();
    media.facts.audio[0].start_ns = 5;
    media.index = None;
    let plan = planned(&media);
    assert!(plan.video.is_empty() && plan.enrich.frames.is_none());
    assert_eq!(plan.audio.unwrap().zero_ns, 5);
}

#[test]
fn a_track_without_decoder_is_refused_and_not_left_out() {
    let mut media = inspection(10 * S, S);
    media.facts.audio[0].decodable = false;
    media.facts.audio[0].codec = "ac4".into();
    let fault = plan(&media, &Settings::default(), 1).unwrap_err();
    assert_eq!((fault.code, fault.detail.as_str()), (Code::UnsupportedCodec, "audio codec ac4"));
    media.facts.audio.push(audio(S));
    assert!(plan(&media, &Settings::default(), 1).is_ok(), "another audio track plays");
    media.facts.video[0].decodable = false;
    media.facts.video[0].codec = "jane doe's codec".into();
    let fault = plan(&media, &Settings::default(), 1).unwrap_err();
    assert_eq!(fault.detail, "video codec of unknown name");
}

#[test]
fn nothing_to_show_or_hear_is_no_media() {
    let mut media = inspection(10 * S, S);
    media.facts.video = vec![video(16, 16)];
    media.facts.audio.clear();
    assert_eq!(plan(&media, &Settings::default(), 1).unwrap_err().code, Code::NoMediaTrack);
}

#[test]
fn samples_follow_the_duration_and_use_keyframes_where_they_are_dense() {
    let frames = |seconds: u64, gop_ns| planned(&inspection(seconds * S, gop_ns)).enrich.frames.unwrap();
    assert_eq!(frames(10, 2 * S).interval_ns, S);
    assert_eq!(frames(400, 2 * S).interval_ns, 4 * S);
    assert_eq!(frames(86_400, 2 * S).interval_ns, 30 * S);
    assert_eq!(frames(86_400, 2 * S).samples_max, 2_881);
    assert!(frames(10, 4 * S).keyframes_only);
    assert!(!frames(10, 5 * S).keyframes_only);
    assert!(frames(400, 10 * S).keyframes_only);
}

#[test]
fn a_plan_survives_json() {
    let plan = planned(&inspection(100 * S, 2 * S));
    assert_eq!(serde_json::from_str::<Plan>(&serde_json::to_string(&plan).unwrap()).unwrap(), plan);
}

#[test]
fn what_has_more_segments_than_an_index_lists_is_published_in_files() {
    let mut settings = Settings::default();
    settings.package.segments = Segments::ByteRanges;
    let of = |segments: u64, settings: &Settings| {
        plan(&inspection(segments * 4 * S, 60 * S), settings, 1_000).unwrap().segments
    };
    assert_eq!((of(10, &settings), of(65_532, &settings)), (Segments::ByteRanges, Segments::ByteRanges));
    assert_eq!(of(65_533, &settings), Segments::Files);
    assert_eq!(of(10, &Settings::default()), Segments::Files);
}
