//! Each test starts from a stored example of the wire, which must pass, and spoils one field.

use reelgate_flow::facts::{Chapter, Rational, Tag};
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::surface::{NotSearched, Surface, SurfaceReport, SurfaceState};

use super::content::{Content, InitSegment, MediaSegment, PictureSize};
use super::{Output, Outputs, check, may_write};
use crate::messages::{
    AudioEncoded, AudioEnding, AudioResult, Enrichment, Finished, Inspection, Job, Reply, VideoResult,
};
use crate::wire;

const EXAMPLES: &str = include_str!("../wire_examples.txt");

/// The job of this kind.
fn job(kind: &str) -> Job {
    let start = format!("{{\"{kind}\":");
    let mut json = EXAMPLES.lines().filter_map(|line| line.split_once(' ')).map(|(_, json)| json);
    wire::parse(json.find(|json| json.starts_with(&start)).unwrap().as_bytes(), "job").unwrap()
}

/// The result of this kind.
fn finished(kind: &str) -> Finished {
    let start = format!("{{\"Finished\":{{\"{kind}\":");
    let mut json = EXAMPLES.lines().filter_map(|line| line.split_once(' ')).map(|(_, json)| json);
    match wire::parse(json.find(|json| json.starts_with(&start)).unwrap().as_bytes(), "reply").unwrap() {
        Reply::Finished(finished) => *finished,
        other => panic!("not a result: {other:?}"),
    }
}

fn output(bytes: u64, content: Content) -> Output {
    Output { bytes, content }
}

fn init(codecs: &str, skip_ticks: u64) -> Output {
    output(700, Content::InitSegment(InitSegment { codecs: codecs.to_owned(), skip_ticks }))
}

fn segment(decode_ticks: u64, duration_ticks: u64) -> Output {
    let segment = MediaSegment {
        decode_ticks,
        duration_ticks,
        samples: 100,
        starts_with_sync: true,
        first_sample_end: 9,
    };
    output(5_000, Content::MediaSegment(segment))
}

fn jpeg(width: u32, height: u32) -> Output {
    output(9, Content::Jpeg(PictureSize { width, height }))
}

/// The report on a surface.
fn report(enrichment: &mut Enrichment, surface: Surface) -> &mut SurfaceReport {
    enrichment.surfaces.iter_mut().find(|report| report.surface == surface).unwrap()
}

fn named(outputs: impl IntoIterator<Item = (&'static str, Output)>) -> Outputs {
    outputs.into_iter().map(|(name, output)| (name.to_owned(), output)).collect()
}

fn video_outputs() -> Outputs {
    let (first, second) = (segment(500_000, 100_000), segment(600_000, 100_000));
    named([
        ("480p/init.mp4", init("avc1.64001E", 2_000)),
        ("480p/00005.m4s", first),
        ("480p/00006.m4s", second),
    ])
}

/// The priming of 1,024 samples is not presented. The second track failed, and left its header.
fn audio_outputs() -> Outputs {
    named([
        ("audio/init.mp4", init("mp4a.40.2", 1_024)),
        ("audio/00000.m4s", segment(0, 101_024)),
        ("audio-2/init.mp4", init("mp4a.40.2", 1_024)),
    ])
}

fn enrichment_outputs() -> Outputs {
    let text = output(9, Content::Text);
    named([("poster.jpg", jpeg(1280, 720)), ("storyboard-000.jpg", jpeg(160, 90)), ("text.jsonl", text)])
}

/// Changes what the bytes of a segment say.
fn in_segment(outputs: &mut Outputs, name: &str, spoil: impl FnOnce(&mut MediaSegment)) {
    match &mut outputs.get_mut(name).unwrap().content {
        Content::MediaSegment(segment) => spoil(segment),
        other => panic!("not a segment: {other:?}"),
    }
}

/// The code of the fault that the check ends with; `None` if it passes.
fn code(kind: &str, finished: &Finished, outputs: &Outputs) -> Option<Code> {
    check(&job(kind), finished, outputs).err().map(|fault| fault.code)
}

fn inspected(spoil: impl FnOnce(&mut Inspection)) -> Option<Code> {
    let Finished::Inspected(mut found) = finished("Inspected") else { panic!("another kind") };
    spoil(&mut found);
    code("Inspect", &Finished::Inspected(found), &Outputs::new())
}

fn video(spoil: impl FnOnce(&mut VideoResult, &mut Outputs)) -> Option<Code> {
    let Finished::Video(mut result) = finished("Video") else { panic!("another kind") };
    let mut outputs = video_outputs();
    spoil(&mut result, &mut outputs);
    code("Video", &Finished::Video(result), &outputs)
}

fn audio(spoil: impl FnOnce(&mut AudioResult, &mut Outputs)) -> Option<Code> {
    let Finished::Audio(mut result) = finished("Audio") else { panic!("another kind") };
    let mut outputs = audio_outputs();
    spoil(&mut result, &mut outputs);
    code("Audio", &Finished::Audio(result), &outputs)
}

/// The encode that did not fail.
fn encoded(result: &mut AudioResult) -> &mut AudioEncoded {
    match &mut result.encodes[0] {
        AudioEnding::Encoded(encoded) => encoded,
        AudioEnding::Failed(fault) => panic!("it failed: {fault}"),
    }
}

fn failed(code: Code, detail: &str) -> AudioEnding {
    AudioEnding::Failed(Fault { code, detail: detail.to_owned() })
}

fn enriched(spoil: impl FnOnce(&mut Enrichment, &mut Outputs)) -> Option<Code> {
    let Finished::Enriched(mut found) = finished("Enriched") else { panic!("another kind") };
    let mut outputs = enrichment_outputs();
    spoil(&mut found, &mut outputs);
    code("Enrich", &Finished::Enriched(found), &outputs)
}

#[test]
fn the_stored_examples_are_trusted() {
    assert_eq!(inspected(|_| {}), None);
    assert_eq!(video(|_, _| {}), None);
    assert_eq!(audio(|_, _| {}), None);
    assert_eq!(enriched(|_, _| {}), None);
}

#[test]
fn a_result_of_another_kind_is_not_trusted() {
    assert_eq!(code("Inspect", &finished("Audio"), &audio_outputs()), Some(Code::WorkerProtocol));
}

#[test]
fn an_inspection_beyond_the_limits_is_refused_by_the_limits_code() {
    assert_eq!(inspected(|i| i.facts.other_tracks = 62), Some(Code::BudgetTracks));
    assert_eq!(inspected(|i| i.facts.video[0].width = 8_193), Some(Code::BudgetPixels));
    assert_eq!(inspected(|i| i.facts.video[0].frames = 20_000_001), Some(Code::BudgetSamples));
    assert_eq!(inspected(|i| i.facts.audio[0].packets = u64::MAX), Some(Code::BudgetSamples));
    assert_eq!(inspected(|i| i.facts.duration_ns = 86_400_000_000_001), Some(Code::BudgetDuration));
    assert_eq!(inspected(|i| i.facts.audio[0].end_ns = 86_400_000_000_001), Some(Code::BudgetDuration));
}

#[test]
fn an_inspection_that_contradicts_itself_is_not_trusted() {
    let spoils: &[fn(&mut Inspection)] = &[
        |i| i.facts.container = reelgate_flow::facts::Container::Ogg,
        |i| i.facts.audio[0].track = 0,
        |i| i.facts.video[0].width = 0,
        |i| i.facts.video[0].height = 65_536,
        |i| i.facts.video[0].codec = "h264\n".into(),
        |i| i.facts.video[0].profile = "x".repeat(65),
        |i| i.facts.video[0].rotation.degrees = 45,
        |i| i.facts.video[0].pixel_aspect = Rational { num: 0, den: 1 },
        |i| i.facts.video[0].frame_rate = Some(Rational { num: 25, den: 0 }),
        |i| i.facts.video[0].keyframes = 51,
        |i| i.facts.video[0].gop_frames_max = 51,
        |i| i.facts.video[0].start_ns = 2_000_000_001,
        |i| i.facts.video[0].end_ns = u64::MAX,
        |i| i.facts.video[0].bytes = 64_001,
        |i| i.facts.video[0].bit_depth = 33,
        |i| i.facts.audio[0].sample_rate = 0,
        |i| i.facts.audio[0].channels = 257,
        |i| i.audio[0].track = 0,
        |i| i.audio[0].placed_channels = 257,
        |i| i.audio = vec![i.audio[0]; 2],
        |i| i.facts.subtitles[0].language = "d\u{e9}".into(),
        |i| i.facts.brand = "\u{1b}[2J".into(),
        |i| i.facts.declared_duration_ns = Some(u64::MAX),
        |i| i.facts.tags = vec![Tag { track: None, name: "title".into(), value: String::new() }; 501],
        |i| i.facts.tags[0].value = "x".repeat(4_097),
        |i| i.facts.tags[0].name = "a\tb".into(),
        |i| i.facts.chapters = vec![Chapter { start_ns: 0, end_ns: None, title: String::new() }; 1_001],
        |i| i.index = None,
        |i| i.facts.video.clear(),
        |i| i.index.as_mut().unwrap().keyframes_ns = vec![0, 0],
        |i| i.index.as_mut().unwrap().keyframes_ns = vec![2_000_000_001],
        |i| i.index.as_mut().unwrap().segment_frames = vec![51],
        |i| i.index.as_mut().unwrap().segment_frames = vec![1; 4],
    ];
    for (number, spoil) in spoils.iter().enumerate() {
        assert_eq!(inspected(spoil), Some(Code::WorkerProtocol), "spoil {number}");
    }
}

#[test]
fn a_chunk_that_does_not_fit_its_job_is_not_trusted() {
    let spoils: &[fn(&mut VideoResult, &mut Outputs)] = &[
        |r, _| r.rungs.clear(),
        |r, _| r.rungs[0].name = "720p".into(),
        |r, _| r.rungs.push(r.rungs[0].clone()),
        |r, _| r.rungs[0].codecs = "avc1.64001E\"".into(),
        |r, _| r.rungs[0].timescale = 90_000,
        |r, _| r.rungs[0].segments.swap(0, 1),
        |r, _| r.rungs[0].segments[0].number = 4,
        |r, _| r.rungs[0].segments[1].number = 10,
        |r, _| r.rungs[0].segments[0].bytes = 4_999,
        |r, _| r.rungs[0].segments[0].duration_ticks = 0,
        |r, _| r.rungs[0].segments[0].start_ticks = u64::MAX,
        |r, _| r.frames_damaged = u64::MAX,
        |_, o| {
            o.remove("480p/init.mp4");
        },
        |_, o| {
            o.remove("480p/00006.m4s");
        },
        |_, o| {
            o.insert("480p/00007.m4s".into(), segment(700_000, 100_000));
        },
        |r, _| r.rungs[0].codecs = "avc1.64001F".into(),
        |_, o| {
            o.insert("480p/init.mp4".into(), segment(0, 1));
        },
        |_, o| {
            o.insert("480p/00005.m4s".into(), output(5_000, Content::Text));
        },
        |r, _| r.rungs[0].segments[0].samples = 99,
        |r, _| r.rungs[0].segments[0].start_ticks = 499_999,
        |r, _| r.rungs[0].segments[0].duration_ticks = 100_001,
        |_, o| in_segment(o, "480p/00006.m4s", |segment| segment.starts_with_sync = false),
        |_, o| in_segment(o, "480p/00006.m4s", |segment| segment.decode_ticks = u64::MAX),
    ];
    for (number, spoil) in spoils.iter().enumerate() {
        assert_eq!(video(spoil), Some(Code::WorkerProtocol), "spoil {number}");
    }
}

#[test]
fn frames_that_do_not_add_up_are_a_mismatch_of_counts() {
    assert_eq!(video(|r, _| r.frames_in = 201), Some(Code::CountMismatch));
    assert_eq!(video(|r, _| r.rungs[0].segments[0].starts_with_idr = false), Some(Code::CountMismatch));
}

#[test]
fn audio_that_does_not_fit_its_job_is_not_trusted() {
    let spoils: &[fn(&mut AudioResult, &mut Outputs)] = &[
        |r, _| encoded(r).track.name = "480p".into(),
        |r, _| encoded(r).track.name = "audio-2".into(),
        |r, _| encoded(r).track.codecs = "mp4a.40.222".into(),
        |r, _| encoded(r).track.timescale = 44_100,
        |r, _| encoded(r).samples_in = u64::MAX,
        |r, _| encoded(r).loudness = None,
        |r, _| encoded(r).loudness.as_mut().unwrap().integrated_lufs = Some(f64::NEG_INFINITY),
        |r, _| encoded(r).loudness.as_mut().unwrap().range_lu = f64::NAN,
        |r, _| encoded(r).loudness.as_mut().unwrap().true_peak_dbtp = Some(2_001.0),
        |r, _| encoded(r).track.segments[0].samples = 0,
        |r, o| {
            encoded(r).track.segments[0].number = 1;
            let segment = o.remove("audio/00000.m4s").unwrap();
            o.insert("audio/00001.m4s".into(), segment);
        },
        |r, _| {
            r.encodes.pop();
        },
        |r, _| r.encodes.push(r.encodes[1].clone()),
        |r, _| r.encodes.swap(0, 1),
        |r, _| r.encodes[0] = r.encodes[1].clone(),
        |r, _| r.encodes[1] = failed(Code::Internal, ""),
        |r, _| r.encodes[1] = failed(Code::BudgetOutput, ""),
        |r, _| r.encodes[1] = failed(Code::DamagedStream, "\u{1b}[2J"),
        |r, _| r.encodes[1] = r.encodes[0].clone(),
        |r, _| r.encodes[0] = failed(Code::DamagedStream, ""),
        |_, o| in_segment(o, "audio/00000.m4s", |segment| segment.duration_ticks = 100_000),
        |_, o| {
            o.insert("audio/init.mp4".into(), init("mp4a.40.2", 1_023));
        },
        |_, o| o.clear(),
    ];
    for (number, spoil) in spoils.iter().enumerate() {
        assert_eq!(audio(spoil), Some(Code::WorkerProtocol), "spoil {number}");
    }
}

#[test]
fn an_enrichment_that_contradicts_itself_is_not_trusted() {
    let spoils: &[fn(&mut Enrichment, &mut Outputs)] = &[
        |e, _| e.samples = vec![e.samples[0].clone(); 601],
        |e, _| e.samples.push(e.samples[0].clone()),
        |e, _| e.samples[0].time_ns = 61_000_000_001,
        |e, _| e.samples[0].luma = 255.5,
        |e, _| e.samples[0].luma = f32::NAN,
        |e, _| e.samples[0].sharpness = f32::INFINITY,
        |e, _| e.samples[0].scene_score = -0.1,
        |e, _| e.poster_ns = Some(1),
        |e, _| e.poster_ns = None,
        |e, _| e.storyboard_sheets = 2,
        |_, o| {
            o.remove("storyboard-000.jpg");
        },
        |_, o| {
            o.insert("storyboard-001.jpg".into(), jpeg(160, 90));
        },
        |_, o| {
            o.insert("storyboard-000.jpg".into(), jpeg(160, 180));
        },
        |_, o| {
            o.insert("storyboard-000.jpg".into(), output(9, Content::Text));
        },
        |e, _| e.samples[0].tile_width = 0,
        |e, _| e.samples[0].tile_width = 161,
        |e, _| e.samples[0].tile_height = 92,
        |e, _| e.text_lines = 4,
        |e, _| e.surfaces.clear(),
        |e, _| {
            e.surfaces.pop();
        },
        |e, _| e.surfaces.swap(0, 1),
        |e, _| e.surfaces.push(SurfaceReport::analysed(Surface::LicencePlates)),
        |e, _| report(e, Surface::Subtitles).gaps.clear(),
        |e, _| report(e, Surface::Subtitles).gaps = vec![report(e, Surface::Subtitles).gaps[0]; 17],
        |e, _| report(e, Surface::Subtitles).state = SurfaceState::Absent,
        |e, _| report(e, Surface::Subtitles).lines += 1,
        |e, _| report(e, Surface::Subtitles).lines = u64::MAX,
        |e, _| report(e, Surface::Subtitles).gaps[0].until_ns = Some(u64::MAX),
        |e, _| report(e, Surface::Subtitles).gaps[0].why = NotSearched::NotReported,
        |e, _| report(e, Surface::Subtitles).gaps[0].why = NotSearched::SwitchedOff,
        |e, _| *report(e, Surface::Speech) = SurfaceReport::analysed(Surface::Speech),
        |e, _| report(e, Surface::OnScreenText).state = SurfaceState::Absent,
        |e, _| {
            *report(e, Surface::OnScreenText) =
                SurfaceReport::not_analysed(Surface::OnScreenText, NotSearched::SwitchedOff);
        },
        |e, _| {
            *report(e, Surface::Codes) = SurfaceReport::not_analysed(Surface::Codes, NotSearched::SwitchedOff)
        },
        |e, _| e.screen_text.frames = 65,
        |e, _| e.screen_text.frames_read = e.screen_text.frames + 1,
    ];
    for (number, spoil) in spoils.iter().enumerate() {
        assert_eq!(enriched(spoil), Some(Code::WorkerProtocol), "spoil {number}");
    }
}

#[test]
fn a_job_writes_its_own_outputs_only() {
    let may = |kind: &str, name: &str| may_write(&job(kind), name).is_ok();
    assert!(
        may("Video", "480p/init.mp4") && may("Video", "480p/00005.m4s") && may("Video", "480p/00009.m4s")
    );
    for name in
        ["480p/00004.m4s", "480p/00010.m4s", "480p/5.m4s", "480p/+0005.m4s", "720p/init.mp4", "init.mp4"]
    {
        assert!(!may("Video", name), "{name}");
    }
    assert!(may("Audio", "audio/99999.m4s") && may("Audio", "audio-2/init.mp4"));
    assert!(!may("Audio", "480p/init.mp4") && !may("Audio", "audio-3/init.mp4"));
    assert!(may("Enrich", "storyboard-007.jpg") && may("Enrich", "text.jsonl"));
    assert!(!may("Enrich", "storyboard-7.jpg") && !may("Enrich", "manifest.json"));
    assert!(!may("Enrich", "storyboard.vtt"), "the engine writes it");
    assert!(!may("Inspect", "text.jsonl"));
}
