//! Values in every written form, planted on each surface that has text, are collected in a form in which the classifier finds
//! them. The files are made here.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use gstreamer as gst;
use reelgate_pipelines::messages::{ScreenTextJob, TextLine};
use reelgate_privacy::{Classifier, Line};

use super::tests::{Memory, open};
use super::*;

#[path = "../../../../privacy/tests/written_forms.rs"]
pub mod written_forms;

use written_forms::{Planted, limits, planted};

/// Milliseconds of each cue and each chapter.
const STEP_MS: u64 = 20;
/// Tags or chapters of a file; more than 1,000 are not read.
const AT_ONCE: usize = 500;

/// A small video with what these arguments of ffmpeg add, in the container of this suffix.
fn made(suffix: &str, inputs: &[&Path], arguments: &[&str]) -> tempfile::NamedTempFile {
    let file = tempfile::Builder::new().suffix(suffix).tempfile().unwrap();
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-y", "-f", "lavfi", "-i", "color=s=64x64:r=5:d=30"]);
    for input in inputs {
        ffmpeg.arg("-i").arg(input);
    }
    ffmpeg.args(["-c:v", "libx264", "-preset", "ultrafast"]).args(arguments).arg(file.path());
    assert!(ffmpeg.status().unwrap().success());
    file
}

fn text_file(suffix: &str, text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::Builder::new().suffix(suffix).tempfile().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

/// The lines of a file on one surface.
pub fn collected(file: &tempfile::NamedTempFile, surface: &str) -> Vec<TextLine> {
    gst::init().unwrap();
    let container =
        if file.path().extension().unwrap() == "mkv" { Container::Matroska } else { Container::IsoBmff };
    let job = EnrichJob { container, size_bytes: 0, frames: None, screen_text: ScreenTextJob::default() };
    let memory = Memory::default();
    run_on(&job, &open(file.path()), None, &memory, 2).unwrap();
    memory.lines().into_iter().filter(|line| line.surface == surface).collect()
}

/// Whether the classifier finds a value in these lines.
pub fn is_found(classifier: &Classifier, lines: &[TextLine], one: &Planted) -> bool {
    let findings = classifier.scan(lines.iter().map(|line| Line { text: &line.text, address: line.place() }));
    findings.iter().any(|finding| finding.kind.id.starts_with(one.id))
}

/// Whether a list of forms and values has this one.
pub fn is_in(limits: &[(&str, &[&str])], one: &Planted) -> bool {
    limits.iter().any(|(form, values)| *form == one.form && values.contains(&one.value))
}

/// The forms and values that the documentation says are not found on a surface, row by row.
pub fn documented(surface: &str) -> Vec<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/privacy.md");
    let document = std::fs::read_to_string(path).unwrap();
    let cells = |row: &str| row.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let row = |row: &str| match &cells(row)[..] {
        [_, of, form, values, _] if of == surface => Some((form.clone(), values.clone())),
        _ => None,
    };
    document.lines().filter_map(row).collect()
}

/// A list of forms and values as the documentation writes it.
pub fn named(limits: &[(&str, &[&str])]) -> Vec<(String, String)> {
    limits.iter().map(|(form, values)| ((*form).to_owned(), values.join(", "))).collect()
}

/// Whether the documentation says that a value in this form is not found in any text.
pub fn is_in_text_limits(one: &Planted) -> bool {
    limits().iter().any(|(form, values)| *form == one.form && values.contains(&one.value))
}

/// What is found although the documentation says otherwise, and the reverse; empty if all is as documented. `more_limits` are those of
/// the surface. `of` gives the lines of what is planted. Line breaks of timed text are read as spaces.
pub fn surprises<'a>(
    surface: &str,
    timed: bool,
    planted: impl IntoIterator<Item = &'a Planted>,
    more_limits: &[(&str, &[&str])],
    of: impl Fn(usize, &Planted) -> Vec<TextLine>,
) -> Vec<String> {
    let classifier = Classifier::new();
    let is_limit = |one: &Planted| {
        is_in(more_limits, one) || is_in_text_limits(one) && !(timed && one.form.starts_with("line breaks"))
    };
    let is_found = |index: usize, one: &Planted| is_found(&classifier, &of(index, one), one);
    let indexed = planted.into_iter().enumerate();
    let surprising = indexed.filter(|(index, one)| is_found(*index, one) == is_limit(one));
    surprising.map(|(_, one)| format!("{surface}: {} of {}", one.form, one.value)).collect()
}

/// The lines whose time is that of the cue or chapter with this index.
fn at(lines: &[TextLine], index: usize) -> Vec<TextLine> {
    let start_ms = index as u64 * STEP_MS;
    let is_it = |line: &&TextLine| line.start_ns.is_some_and(|ns| (ns + 500_000) / 1_000_000 == start_ms);
    lines.iter().filter(is_it).cloned().collect()
}

/// A text with the line breaks of this system, which are all that these files keep.
pub fn unix(text: &str) -> String {
    text.replace("\r\n", "\n")
}

/// A text as a file of metadata has it.
fn escaped(text: &str) -> String {
    let sign = |c: char| match c {
        '=' | ';' | '#' | '\\' | '\n' => format!("\\{c}"),
        c => c.to_string(),
    };
    text.chars().map(sign).collect()
}

fn time(ms: u64, sign: char) -> String {
    let (s, ms) = (ms / 1_000, ms % 1_000);
    format!("{:02}:{:02}:{:02}{sign}{ms:03}", s / 3_600, s / 60 % 60, s % 60)
}

/// Appends a cue of SubRip.
fn write_cue(srt: &mut String, index: u64, text: &str) {
    let (start, end) = (time(index * STEP_MS, ','), time((index + 1) * STEP_MS, ','));
    writeln!(srt, "{}\n{start} --> {end}\n{text}\n", index + 1).unwrap();
}

#[test]
fn subtitles_of_every_text_format_are_searched_in_every_form() {
    let planted = planted();
    let (mut srt, mut vtt) = (String::new(), "WEBVTT\n\n".to_owned());
    let mut ass =
        "[Script Info]\nScriptType: v4.00+\n\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, \
                   MarginR, MarginV, Effect, Text\n"
            .to_owned();
    for (index, one) in (0u64..).zip(&planted) {
        let (from, to) = (index * STEP_MS, (index + 1) * STEP_MS);
        let text = unix(&one.text);
        write_cue(&mut srt, index, &text);
        writeln!(vtt, "{} --> {}\n{text}\n", time(from, '.'), time(to, '.')).unwrap();
        let hundredths = |ms: u64| time(ms, '.')[1..11].to_owned();
        let line = text.replace('\n', r"\N");
        writeln!(ass, "Dialogue: 0,{},{},Default,,0,0,0,,{line}", hundredths(from), hundredths(to)).unwrap();
    }
    let mut wrong = Vec::new();
    for (suffix, text) in [(".srt", &srt), (".vtt", &vtt), (".ass", &ass)] {
        let cues = text_file(suffix, text);
        let arguments = ["-map", "0:v", "-map", "1:s", "-c:s", "copy"];
        let lines = collected(&made(".mkv", &[cues.path()], &arguments), "subtitle");
        assert!(lines.len() >= planted.len(), "{suffix}: {} of {}", lines.len(), planted.len());
        wrong.extend(surprises(suffix, true, &planted, &[], |index, _| at(&lines, index)));
    }
    // ffmpeg rewrites markup for MP4, so only text without any is planted there.
    let (mut srt, mut plain) = (String::new(), Vec::new());
    for one in planted.iter().filter(|one| !one.text.contains(['<', '{', '\\', '\n'])) {
        let index = plain.len() as u64;
        write_cue(&mut srt, index, &one.text);
        plain.push(one);
    }
    assert!(plain.len() > 900, "{}", plain.len());
    let cues = text_file(".srt", &srt);
    let arguments = ["-map", "0:v", "-map", "1:s", "-c:s", "mov_text"];
    let lines = collected(&made(".mp4", &[cues.path()], &arguments), "subtitle");
    wrong.extend(surprises("MP4", true, plain, &[], |index, _| at(&lines, index)));
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn tags_are_searched_in_every_form() {
    let mut wrong = Vec::new();
    for planted in planted().chunks(AT_ONCE) {
        let mut metadata = ";FFMETADATA1\n".to_owned();
        for (index, one) in planted.iter().enumerate() {
            writeln!(metadata, "planted-{index}={}", escaped(&unix(&one.text))).unwrap();
        }
        let metadata = text_file(".txt", &metadata);
        for (suffix, more) in [(".mkv", &[][..]), (".mp4", &["-movflags", "use_metadata_tags"][..])] {
            let arguments = [&["-map", "0:v", "-map_metadata", "1"], more].concat();
            // Two tags with one text are one line.
            let lines = collected(&made(suffix, &[metadata.path()], &arguments), "tag");
            let with_text = |one: &Planted| -> Vec<TextLine> {
                lines.iter().filter(|line| line.text == unix(&one.text)).cloned().collect()
            };
            wrong.extend(surprises(suffix, false, planted, &[], |_, one| with_text(one)));
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn chapters_are_searched_in_every_form() {
    let mut wrong = Vec::new();
    for planted in planted().chunks(AT_ONCE) {
        let mut metadata = ";FFMETADATA1\n".to_owned();
        for (index, one) in (0u64..).zip(planted) {
            let (from, to) = (index * STEP_MS, (index + 1) * STEP_MS);
            let title = escaped(&unix(&one.text));
            writeln!(metadata, "[CHAPTER]\nTIMEBASE=1/1000\nSTART={from}\nEND={to}\ntitle={title}").unwrap();
        }
        let metadata = text_file(".txt", &metadata);
        for suffix in [".mkv", ".mp4"] {
            let file = made(suffix, &[metadata.path()], &["-map", "0:v", "-map_chapters", "1"]);
            let lines = collected(&file, "chapter");
            wrong.extend(surprises(suffix, true, planted, &[], |index, _| at(&lines, index)));
        }
    }
    assert_eq!(wrong, [""; 0]);
}
