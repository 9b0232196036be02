//! What is left out of a text is a gap of its surface, whatever the reason. The files are made here.

use std::fmt::Write;
use std::process::Command;

use gstreamer as gst;
use reelgate_flow::surface::{Gap, SurfaceState};
use reelgate_pipelines::messages::{ScreenTextJob, TextLine};

use super::tests::{Memory, SECOND, frames, open, surface};
use super::*;

/// An invented card number.
const CARD: &str = "4539 5787 6362 1486";
/// Installed with the packages of the tests.
const FONT: &str = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf";

fn time(ms: usize) -> String {
    let (s, ms) = (ms / 1_000, ms % 1_000);
    format!("{:02}:{:02}:{:02},{ms:03}", s / 3_600, s / 60 % 60, s % 60)
}

/// Cues of `length_ms` each, one after another.
fn srt<'a>(length_ms: usize, cues: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = String::new();
    for (number, cue) in cues.into_iter().enumerate() {
        let (start, end) = (time(number * length_ms), time((number + 1) * length_ms));
        writeln!(text, "{}\n{start} --> {end}\n{cue}\n", number + 1).unwrap();
    }
    text
}

/// Four seconds of pictures with a number on them, and a track of these subtitles, in the container of this suffix.
fn subtitled(suffix: &str, codec: &str, srt: &str) -> tempfile::NamedTempFile {
    let cues = tempfile::Builder::new().suffix(".srt").tempfile().unwrap();
    std::fs::write(cues.path(), srt).unwrap();
    let file = tempfile::Builder::new().suffix(suffix).tempfile().unwrap();
    let drawn = format!(
        "drawtext=fontfile={FONT}:text='card number {CARD}':fontsize=40:fontcolor=white:box=1:boxcolor=black:boxborderw=12:\
         x=100:y=300"
    );
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i", "smptebars=s=1280x720:r=5:d=4", "-i"])
        .arg(cues.path())
        .args(["-vf", &drawn, "-c:v", "libx264", "-preset", "ultrafast", "-g", "5", "-c:s", codec])
        .args(["-map", "0:v", "-map", "1:s"])
        .arg(file.path())
        .status()
        .unwrap();
    assert!(made.success());
    file
}

fn collected(container: Container, file: &tempfile::NamedTempFile) -> (Enrichment, Vec<TextLine>) {
    gst::init().unwrap();
    let job = EnrichJob { container, size_bytes: 0, frames: None, screen_text: ScreenTextJob::default() };
    let memory = Memory::default();
    let enrichment = run_on(&job, &open(file.path()), None, &memory, 2).unwrap();
    (enrichment, memory.lines())
}

fn assert_cut(enrichment: &Enrichment, expected: impl Fn(&Gap) -> bool) {
    let report = surface(enrichment, Surface::Subtitles);
    assert_eq!(report.state, SurfaceState::Partly, "{report:?}");
    assert!(
        report.gaps.len() == 1 && report.gaps[0].track == Some(1) && expected(&report.gaps[0]),
        "{report:?}"
    );
}

#[test]
fn the_rest_of_a_cue_above_16_kib_is_a_gap() {
    let long = format!("{} {CARD}", "word ".repeat(4_000));
    let file = subtitled(".mkv", "srt", &srt(1_000, ["before", &long, "after"]));
    let (enrichment, lines) = collected(Container::Matroska, &file);
    assert_cut(&enrichment, |gap| gap.why == NotSearched::LimitReached && gap.until_ns == Some(2 * SECOND));
    let words: Vec<&str> =
        lines.iter().filter(|line| line.surface == "subtitle").map(|line| &*line.text).collect();
    assert!(words.len() == 3 && !words.iter().any(|text| text.contains(CARD)), "{}", words.len());
}

#[test]
fn the_line_after_100_000_lines_is_a_gap() {
    let file = subtitled(".mkv", "srt", &srt(10, (0..100_001).map(|_| "x")));
    let (enrichment, _) = collected(Container::Matroska, &file);
    assert_eq!(surface(&enrichment, Surface::Subtitles).lines, 100_000);
    assert_cut(&enrichment, |gap| {
        gap.why == NotSearched::LimitReached && gap.until_ns == Some(1_000 * SECOND)
    });
}

#[test]
fn text_above_16_mib_is_a_gap() {
    let long = "word ".repeat(3_000);
    let file = subtitled(".mkv", "srt", &srt(1_000, (0..1_200).map(|_| long.as_str())));
    let (enrichment, _) = collected(Container::Matroska, &file);
    let lines = surface(&enrichment, Surface::Subtitles).lines;
    assert!((1_000..1_200).contains(&lines), "{lines}");
    let until_ns = lines * SECOND;
    assert_cut(&enrichment, |gap| gap.why == NotSearched::LimitReached && gap.until_ns == Some(until_ns));
}

#[test]
fn a_cue_that_is_not_in_the_file_is_a_gap_and_the_others_are_read() {
    let file =
        subtitled(".mp4", "mov_text", &srt(400, ["one", "two", "three", "four", "five", "six", "seven"]));
    let mut bytes = std::fs::read(file.path()).unwrap();
    // The sizes of the samples (ISO/IEC 14496-12, 8.7.3): the third cue claims to be longer than the file.
    let table = bytes.windows(4).rposition(|name| name == b"stsz").unwrap() + 16;
    bytes[table + 8..table + 12].copy_from_slice(&0x7fff_ffff_u32.to_be_bytes());
    std::fs::write(file.path(), bytes).unwrap();
    let (enrichment, lines) = collected(Container::IsoBmff, &file);
    let words: Vec<&str> =
        lines.iter().filter(|line| line.surface == "subtitle").map(|line| &*line.text).collect();
    assert_eq!(
        (words[..2].as_ref(), words[2..].as_ref()),
        (&["one", "two"][..], &["four", "five", "six", "seven"][..])
    );
    assert_cut(&enrichment, |gap| gap.why == NotSearched::Damaged && gap.until_ns == Some(800_000_000));
}

#[test]
fn a_hundred_thousand_cues_take_nothing_from_the_text_in_pictures() {
    let file = subtitled(".mkv", "srt", &srt(10, (0..100_001).map(|_| "x")));
    gst::init().unwrap();
    let screen_text = ScreenTextJob {
        languages: vec!["eng".to_owned()],
        codes: true,
        interval_ns: SECOND,
        keyframes_only: false,
        width: 1_280,
        height: 720,
    };
    let frames = Some(frames(0, 4 * SECOND));
    let job = EnrichJob { container: Container::Matroska, size_bytes: 0, frames, screen_text };
    let memory = Memory::default();
    let enrichment = run_on(&job, &open(file.path()), Tesseract::load("eng"), &memory, 2).unwrap();
    assert_eq!(surface(&enrichment, Surface::OnScreenText).state, SurfaceState::Analysed);
    let is_card = |line: &TextLine| line.surface == "on_screen_text" && line.text.contains(CARD);
    assert!(memory.lines().iter().any(is_card));
    assert_cut(&enrichment, |gap| gap.why == NotSearched::LimitReached);
}

#[test]
fn a_subtitle_track_in_a_form_that_is_not_read_is_a_gap() {
    let file = subtitled(".mp4", "mov_text", &srt(1_000, ["one", "two"]));
    let mut bytes = std::fs::read(file.path()).unwrap();
    let entry = bytes.windows(4).rposition(|name| name == b"tx3g").unwrap();
    bytes[entry..entry + 4].copy_from_slice(b"zzzz");
    std::fs::write(file.path(), bytes).unwrap();
    let (enrichment, lines) = collected(Container::IsoBmff, &file);
    assert!(lines.iter().all(|line| line.surface != "subtitle"));
    let report = surface(&enrichment, Surface::Subtitles);
    assert_eq!(report.state, SurfaceState::NotAnalysed, "{:?}", enrichment.surfaces);
    assert_eq!(report.gaps, [Gap { track: Some(1), why: NotSearched::UnknownForm, until_ns: None }]);
}

#[test]
fn captions_in_av1_are_absent_and_not_unknown() {
    let source = open(&crate::corpus::small("av1.mp4"));
    gst::init().unwrap();
    let screen_text = ScreenTextJob::default();
    let job = EnrichJob { container: Container::IsoBmff, size_bytes: 0, frames: None, screen_text };
    let enrichment = run_on(&job, &source, None, &Memory::default(), 2).unwrap();
    assert_eq!(surface(&enrichment, Surface::Captions).state, SurfaceState::Absent);
}
