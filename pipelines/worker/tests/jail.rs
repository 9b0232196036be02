//! The real worker in its real jail, run by the real client.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use reelgate_flow::facts::{Container, Rational, Rotation};
use reelgate_flow::reason::{Class, Fault};
use reelgate_flow::surface::{Surface, SurfaceState};
use reelgate_pipelines::client::{self, CancelFlag, Event, OutputSink, Usage, WorkerProgram};
use reelgate_pipelines::messages::{
    AudioEncode, AudioJob, AudioRole, Budget, EnrichJob, Finished, Job, Rung, SampleJob, ScreenTextJob,
    TrackRef, VideoJob,
};

/// Keeps the names of what arrives.
#[derive(Default)]
struct Names(Vec<String>);

impl OutputSink for Names {
    fn open(&mut self, name: &str) -> Result<(), Fault> {
        self.0.push(name.to_owned());
        Ok(())
    }
    fn write(&mut self, _: &[u8]) -> Result<(), Fault> {
        Ok(())
    }
    fn close(&mut self) -> Result<(), Fault> {
        Ok(())
    }
}

/// What one run gave.
struct Ran {
    result: Result<(Finished, Usage), Fault>,
    events: Vec<Event>,
    names: Vec<String>,
}

fn run(job: &Job, source: &Path, plugin_dir: Option<PathBuf>) -> Ran {
    let worker = WorkerProgram { plugin_dir, ..WorkerProgram::new(env!("CARGO_BIN_EXE_reelgate-worker")) };
    let budget =
        Budget { wall_s: 300, stall_s: 120, cpu_s: 120, memory_bytes: 1 << 30, output_bytes: 1 << 30 };
    let source = File::open(source).expect("the source is there");
    let (mut names, mut events) = (Names::default(), Vec::new());
    let cancel = CancelFlag::default();
    let result =
        client::run(&worker, job, &budget, source, &mut names, &mut |event| events.push(event), &cancel);
    Ran { result, events, names: names.0 }
}

/// The whole of [`sample`].
fn video_job(size_bytes: u64) -> Job {
    Job::Video(VideoJob {
        source: TrackRef { container: Container::IsoBmff, size_bytes, track: 0 },
        zero_ns: 0,
        lead_ns: 0,
        segment_ns: 4_000_000_000,
        first_segment: 0,
        end_segment: Some(2),
        seek_ns: None,
        frame_rate: Rational::new(25, 1),
        track_end_ns: 5_280_000_000,
        timescale: 25_000,
        rotation: Rotation::default(),
        interlaced: false,
        rungs: vec![Rung { name: "240p".into(), width: 320, height: 240, bitrate_bps: 400_000 }],
        preset: "ultrafast".into(),
        crf: 28,
        encoder_threads: 1,
        redactions: Vec::new(),
    })
}

/// Five seconds of film: 132 frames at 25 a second, and sound.
fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/big-buck-bunny-5s.mp4")
}

#[test]
fn a_video_is_encoded_inside_the_jail() {
    let path = sample();
    let ran = run(&video_job(std::fs::metadata(&path).unwrap().len()), &path, None);
    let (finished, usage) = ran.result.unwrap();
    let Finished::Video(video) = finished else { panic!("another kind: {finished:?}") };
    assert_eq!(video.frames_in, 132);
    assert_eq!(ran.names, ["240p/init.mp4", "240p/00000.m4s", "240p/00001.m4s"]);
    assert!(usage.rss_max_bytes < 1 << 30, "{usage:?}");
}

#[test]
fn sound_is_encoded_inside_the_jail() {
    let path = sample();
    let encode = AudioEncode {
        track: 1,
        name: "audio".to_owned(),
        channels: 2,
        bitrate_bps: 128_000,
        language: None,
        role: AudioRole::default(),
        fill_to_ns: None,
    };
    let job = Job::Audio(AudioJob {
        container: Container::IsoBmff,
        size_bytes: std::fs::metadata(&path).unwrap().len(),
        zero_ns: 0,
        segment_ns: 4_000_000_000,
        sample_rate: 48_000,
        encodes: vec![encode],
        loudness_lufs: Some(-23),
        mutes: Vec::new(),
    });
    let ran = run(&job, &path, None);
    let (finished, _) = ran.result.unwrap();
    let Finished::Audio(audio) = finished else { panic!("another kind: {finished:?}") };
    let encoded = audio.encoded().next().unwrap();
    assert_eq!(encoded.track.codecs, "mp4a.40.2");
    assert_eq!(ran.names.len(), encoded.track.segments.len() + 1, "{:?}", ran.names);
    let loudness = encoded.loudness.unwrap();
    assert!((loudness.integrated_lufs.unwrap() + 23.0).abs() < 0.2, "{loudness:?}");
}

#[test]
fn text_and_codes_are_read_inside_the_jail() {
    let path = sample();
    let job = Job::Enrich(EnrichJob {
        container: Container::IsoBmff,
        size_bytes: std::fs::metadata(&path).unwrap().len(),
        frames: Some(SampleJob {
            track: 0,
            start_ns: 0,
            lead_ns: 0,
            end_ns: 5_000_000_000,
            interval_ns: 1_000_000_000,
            samples_max: 10,
            keyframes_only: true,
            decoders: 2,
            in_flight_max: 4,
            rotation: Rotation::default(),
            pixel_aspect: Rational { num: 1, den: 1 },
            poster_side_max: 640,
            tile_height: 90,
            columns: 5,
            rows: 5,
        }),
        screen_text: ScreenTextJob {
            languages: vec!["eng".to_owned()],
            codes: true,
            interval_ns: 1_000_000_000,
            keyframes_only: false,
            width: 640,
            height: 360,
        },
    });
    let ran = run(&job, &path, None);
    let (finished, usage) = ran.result.unwrap();
    let Finished::Enriched(found) = finished else { panic!("another kind: {finished:?}") };
    assert!((4..=6).contains(&found.screen_text.frames), "{:?}", found.screen_text);
    assert!(found.screen_text.frames_read > 0, "{:?}", found.screen_text);
    for surface in [Surface::OnScreenText, Surface::Codes] {
        let report = found.surfaces.iter().find(|report| report.surface == surface).unwrap();
        assert_eq!(report.state, SurfaceState::Analysed, "{report:?}");
    }
    assert!(usage.rss_max_bytes < 1 << 30, "{usage:?}");
}

#[test]
fn a_file_that_is_no_media_is_judged_inside_the_closed_jail() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let ran = run(&video_job(std::fs::metadata(&path).unwrap().len()), &path, None);
    let fault = ran.result.unwrap_err();
    assert_eq!(fault.code.class(), Class::BadMedia, "{fault}");
    assert!(
        matches!(ran.events[..3], [Event::Started { .. }, Event::Greeted { .. }, Event::Jailed]),
        "{:?}",
        ran.events
    );
    assert!(ran.names.is_empty(), "{:?}", ran.names);
}

#[test]
fn a_worker_without_its_plugins_says_which_one_is_missing_and_reads_nothing() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let ran = run(&video_job(1), &path, Some(env!("CARGO_TARGET_TMPDIR").into()));
    let fault = ran.result.unwrap_err().to_string();
    assert!(fault.starts_with("plugin_missing: load coreelements: "), "{fault}");
    assert_eq!(ran.events.len(), 1, "started, but not greeted and not jailed: {:?}", ran.events);
}

#[test]
fn a_worker_started_by_hand_says_whom_it_belongs_to() {
    let output = Command::new(env!("CARGO_BIN_EXE_reelgate-worker")).arg("--help").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        said,
        "reelgate-worker takes no arguments: it is started by reelgate, which talks to it over pipes\n"
    );
}
