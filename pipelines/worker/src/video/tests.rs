use super::*;
use reelgate_flow::facts::{Container, Rational, Rotation};
use reelgate_pipelines::messages::{Rung, SegmentResult, TrackRef, TrackResult};

use crate::testing::{Media, MemorySink, ffprobe_frames, pictures, play, progress_sink, psnr};

/// A job over the first track of a file with 30 frames per second.
pub fn job(rungs: &[(&str, u32, u32)]) -> VideoJob {
    let rungs = rungs.iter().map(|&(name, width, height)| Rung {
        name: name.into(),
        width,
        height,
        bitrate_bps: 2_000_000,
    });
    VideoJob {
        source: TrackRef { container: Container::IsoBmff, size_bytes: 0, track: 0 },
        zero_ns: 0,
        lead_ns: 0,
        segment_ns: 4_000_000_000,
        first_segment: 0,
        end_segment: None,
        seek_ns: None,
        frame_rate: Rational::new(30, 1),
        track_end_ns: 0,
        timescale: 30_000,
        rotation: Rotation::default(),
        interlaced: false,
        rungs: rungs.collect(),
        preset: "veryfast".into(),
        crf: 23,
        encoder_threads: 2,
        redactions: Vec::new(),
    }
}

pub const SECOND_NS: u64 = 1_000_000_000;

/// A moving picture with texture, which compresses like film and not like a test card.
fn made(frames: u32, size: (u32, u32), options: &str) -> Media {
    let (width, height) = size;
    Media::made_by(&format!(
        "videotestsrc num-buffers={frames} pattern=ball animation-mode=frames motion=sweep background-color=0xff204060 ! \
         video/x-raw,width={width},height={height},framerate=30/1 ! \
         x264enc speed-preset=ultrafast bframes=2 key-int-max=50 quantizer=18 pass=qual {options} ! mp4mux"
    ))
}

pub fn encode(job: &VideoJob, media: &Media) -> (VideoResult, Arc<MemorySink>) {
    let progress_sink = progress_sink();
    let result = run(job, &media.source(), progress_sink.clone()).unwrap();
    (result, progress_sink)
}

/// A job over the whole file, with the times that inspection finds.
pub fn whole(rungs: &[(&str, u32, u32)], media: &Media) -> VideoJob {
    let mut times =
        play(&media.path(), "qtdemux ! h264parse").into_iter().map(|(time, _)| time).collect::<Vec<_>>();
    times.sort_unstable();
    let size_bytes = media.source().size_bytes();
    VideoJob {
        source: TrackRef { container: Container::IsoBmff, size_bytes, track: 0 },
        zero_ns: times[0],
        track_end_ns: times[times.len() - 1] + SECOND_NS / 30,
        ..job(rungs)
    }
}

#[test]
fn every_rung_contains_every_frame_and_plays() {
    let media = made(130, (320, 180), "");
    let job = whole(&[("180p", 320, 180), ("90p", 160, 90)], &media);
    let (result, progress_sink) = encode(&job, &media);
    assert_eq!((result.frames_in, result.frames_damaged), (130, 0));
    for (rung, (_, width, height)) in result.rungs.iter().zip([("", 320, 180), ("", 160, 90)]) {
        assert_eq!(rung.codecs[..9], *"avc1.6400");
        let spans: Vec<_> =
            rung.segments.iter().map(|s| (s.number, s.start_ticks, s.duration_ticks, s.samples)).collect();
        assert_eq!(spans, [(0, 0, 120_000, 120), (1, 120_000, 10_000, 10)]);
        assert!(rung.segments.iter().all(|segment| segment.starts_with_idr));
        let joined = Media::of(&progress_sink.joined(rung));
        let pictures = pictures(&joined.path(), width, height);
        assert_eq!(pictures.len(), 130);
        assert_eq!(pictures[0].0, 0);
        assert!(pictures.windows(2).all(|pair| (pair[1].0 - pair[0].0).abs_diff(33_333_333) <= 1));
        assert_eq!(ffprobe_frames(&joined.path()), 130);
    }
}

/// Segments of a rung without their sizes.
pub fn spans(rung: &TrackResult) -> Vec<(u32, u64, u64, u32, bool)> {
    let span = |s: &SegmentResult| (s.number, s.start_ticks, s.duration_ticks, s.samples, s.starts_with_idr);
    rung.segments.iter().map(span).collect()
}

/// Runs the chunks `[0, a)`, `[a, b)` … of a job as different workers would and joins their results.
fn in_chunks(job: &VideoJob, media: &Source, cuts: &[(u32, u64)]) -> (Vec<TrackResult>, u64, MemorySink) {
    let joined = MemorySink::default();
    let (mut rungs, mut frames) = (Vec::<TrackResult>::new(), 0);
    let starts = std::iter::once((0, None)).chain(cuts.iter().map(|&(cell, seek)| (cell, Some(seek))));
    let ends = cuts.iter().map(|&(cell, _)| Some(cell)).chain([None]);
    for ((first_segment, seek_ns), end_segment) in starts.zip(ends) {
        let job = VideoJob { first_segment, seek_ns, end_segment, ..job.clone() };
        let progress_sink = progress_sink();
        let result = run(&job, media, progress_sink.clone()).unwrap();
        frames += result.frames_in;
        for (name, bytes) in progress_sink.all() {
            match joined.all().get(&name) {
                Some(init) => assert!(name.ends_with("init.mp4") && *init == bytes, "{name} differs"),
                None => joined.output(&name, &bytes).unwrap(),
            }
        }
        if rungs.is_empty() {
            rungs = result.rungs;
        } else {
            for (rung, chunk) in rungs.iter_mut().zip(result.rungs) {
                rung.segments.extend(chunk.segments);
            }
        }
    }
    (rungs, frames, joined)
}

fn bytes(rung: &TrackResult) -> u64 {
    rung.segments.iter().map(|segment| segment.bytes).sum()
}

#[test]
fn joined_chunks_look_like_one_run() {
    let media = made(620, (320, 180), "");
    let job = whole(&[("180p", 320, 180), ("90p", 160, 90)], &media);
    let (result, progress_sink) = encode(&job, &media);
    // Keyframes are at frames 0, 50, 100 …; cells begin at frames 120, 240 …
    let key = |frame: u64| job.zero_ns + frame * SECOND_NS / 30;
    let cuts = [(1, key(100)), (3, key(350))];
    let (rungs, frames, joined) = in_chunks(&job, &media.source(), &cuts);
    assert_eq!(frames, 620);
    for (rung, apart) in result.rungs.iter().zip(&rungs) {
        assert_eq!(spans(rung), spans(apart));
        let (width, height) = if rung.name == "180p" { (320, 180) } else { (160, 90) };
        let source = pictures(&media.path(), width, height);
        let quality = |bytes: &[u8]| psnr(&source, &pictures(&Media::of(bytes).path(), width, height));
        let (one, many) = (quality(&progress_sink.joined(rung)), quality(&joined.joined(apart)));
        println!("{}: psnr {one:.3} and {many:.3}, bytes {} and {}", rung.name, bytes(rung), bytes(apart));
        assert!((one - many).abs() < 0.1);
        assert!(bytes(rung).abs_diff(bytes(apart)) * 100 < bytes(rung) * 3);
    }
}

#[test]
fn two_runs_give_the_same_bytes() {
    let media = made(150, (320, 180), "");
    let job = whole(&[("180p", 320, 180), ("90p", 160, 90)], &media);
    let (once, again) = (encode(&job, &media).1.all(), encode(&job, &media).1.all());
    assert_eq!(once.len(), again.len());
    for (name, bytes) in &once {
        let differs = bytes.iter().zip(&again[name]).position(|(a, b)| a != b);
        println!("{name} {} {} {differs:?}", bytes.len(), again[name].len());
    }
    assert!(once == again);
}

#[test]
fn a_chunk_without_a_frame_is_refused() {
    let media = made(60, (160, 90), "");
    let job = VideoJob { first_segment: 9, ..whole(&[("90p", 160, 90)], &media) };
    assert_eq!(run(&job, &media.source(), progress_sink()).unwrap_err().code, Code::DamagedStream);
}

#[test]
fn a_seek_beyond_the_file_costs_time_but_no_frame() {
    let media = made(130, (160, 90), "");
    let job = whole(&[("90p", 160, 90)], &media);
    let beyond_the_end = VideoJob { first_segment: 1, seek_ns: Some(3_600 * SECOND_NS), ..job };
    let (result, _) = encode(&beyond_the_end, &media);
    assert_eq!(spans(&result.rungs[0]), [(1, 120_000, 10_000, 10, true)]);
}

#[test]
fn an_unknown_preset_is_a_fault_of_the_configuration() {
    let media = made(10, (160, 90), "");
    let job = VideoJob { preset: "warp".into(), ..whole(&[("90p", 160, 90)], &media) };
    assert_eq!(run(&job, &media.source(), progress_sink()).unwrap_err().code, Code::ConfigInvalid);
}

#[test]
fn pictures_are_rotated_for_display() {
    // White above black, rotated clockwise: white is on the right.
    let media = Media::made_by(
        "videotestsrc num-buffers=5 pattern=solid-color foreground-color=0xffffffff ! \
         video/x-raw,width=160,height=96,framerate=30/1 ! videobox bottom=-96 fill=black ! \
         x264enc speed-preset=ultrafast ! mp4mux",
    );
    for (degrees, mirrored, white_right) in [(90, false, true), (270, false, false), (90, true, false)] {
        let rotation = Rotation { degrees, mirrored };
        let job = VideoJob { rotation, ..whole(&[("a", 192, 160)], &media) };
        let (result, progress_sink) = encode(&job, &media);
        let file = Media::of(&progress_sink.joined(&result.rungs[0]));
        let (_, picture) = &pictures(&file.path(), 192, 160)[0];
        let (left, right) = (picture[80 * 192 + 20], picture[80 * 192 + 170]);
        assert_eq!(right > left, white_right, "rotated by {degrees}, mirrored {mirrored}: {left} {right}");
    }
}

#[test]
fn every_rung_is_scaled_from_the_original_picture_even_if_it_is_rotated_or_deinterlaced() {
    let media = Media::made_by(
        "videotestsrc num-buffers=5 pattern=snow ! video/x-raw,width=320,height=180,framerate=30/1 ! \
         x264enc speed-preset=ultrafast quantizer=5 pass=qual ! mp4mux",
    );
    let plain = whole(&[("180p", 320, 180), ("90p", 160, 90)], &media);
    let turned = VideoJob { rotation: Rotation { degrees: 180, mirrored: false }, ..plain.clone() };
    let fields = VideoJob { interlaced: true, ..plain.clone() };
    let largest = |job: &VideoJob| {
        let (result, progress_sink) = encode(job, &media);
        let file = Media::of(&progress_sink.joined(&result.rungs[0]));
        let pictures = pictures(&file.path(), 320, 180);
        pictures[2].1.windows(2).map(|pair| f64::from(pair[0].abs_diff(pair[1]))).sum::<f64>()
    };
    let detail = largest(&plain);
    for (what, job) in [("turned", turned), ("fields", fields)] {
        let kept = largest(&job);
        assert!(kept > detail * 0.9, "{what}: {kept} of {detail} is left");
    }
}
