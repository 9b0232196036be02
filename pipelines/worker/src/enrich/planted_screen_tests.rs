//! Values in every written form, drawn into pictures, are read in a form in which the classifier finds them. The films are made
//! here.

use std::collections::HashSet;
use std::fmt::Write;
use std::process::Command;

use gstreamer as gst;
use reelgate_flow::surface::SurfaceState;
use reelgate_pipelines::messages::{ScreenTextJob, TextLine};
use reelgate_privacy::Classifier;

use super::planted_tests::written_forms::{Planted, planted};
use super::planted_tests::{documented, is_found, is_in, is_in_text_limits, named};
use super::tests::{Memory, SECOND, frames, open, surface};
use super::*;

/// Installed with the packages of the tests.
const FONT: &str = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf";
/// Size of the pictures.
const SIZE: (u32, u32) = (1_920, 1_080);
/// Height of the letters, pixels.
const LETTERS: u32 = 30;
/// Rows of a picture: one value each.
const ROWS: usize = 18;
/// From one row to the next, pixels.
const ROW_HEIGHT: u32 = 58;
/// As many characters fit into a row.
const CHARS_MAX: usize = 85;
/// Pictures of a film, of a second each.
const PICTURES: usize = 8;
/// Without the whole set, one of so many values is drawn in each form.
const PART: usize = 10;

/// What may be misread, so that it is not found: the form, and the values. Tokens may be in every form, because one wrong letter of
/// forty is enough.
const LIMITS: &[(&str, &[&str])] = &[
    ("two spaces", &["iban", "phone"]),
    ("spaced dashes", &["iban", "nhs"]),
    ("minus signs", &["card"]),
    ("middle dots", &["iban", "phone", "ssn", "nhs"]),
    ("bullets", &["card", "iban", "phone", "ssn", "nhs"]),
    ("percent-encoded everything", &["position"]),
    ("percent-encoded full-width digits", &["ip"]),
    ("decimal references", &["ssn", "ip", "nhs"]),
    ("hexadecimal references", &["ip"]),
    ("escapes of JSON", &["ssn", "ip"]),
    ("escapes of C", &["card", "phone", "nhs", "position"]),
    ("protected signs", &["login"]),
    ("comment of HTML", &["login"]),
    ("SubStation italics", &["ssn"]),
    ("SubStation karaoke", &["ssn"]),
    ("SubStation line break", &["iban"]),
    ("SubStation break inside", &["ssn"]),
    ("an attribute of a tag", &["nhs"]),
    ("backticks", &["ip"]),
];

/// Whether the data for English knows a character or one that looks like it. Not planted are invisible characters, line breaks
/// and tabs, which no picture shows as such, and letters and digits of other scripts and shapes.
fn is_readable(c: char) -> bool {
    const DASHES_AND_DOTS: &str = "\u{2011}–—−‒·•…";
    const QUOTES: &str = "“”«»";
    const SPACES: &str = "\u{A0}\u{2009}\u{202F}\u{2007}";
    c == ' ' || c.is_ascii_graphic() || [DASHES_AND_DOTS, QUOTES, SPACES].iter().any(|set| set.contains(c))
}

/// A film with these values: one below another, picture after picture.
fn film(values: &[&Planted]) -> tempfile::NamedTempFile {
    let folder = tempfile::tempdir().unwrap();
    let mut filter = String::new();
    for (index, one) in values.iter().enumerate() {
        let text = folder.path().join(format!("{index}.txt"));
        std::fs::write(&text, &one.text).unwrap();
        let (picture, y) = (index / ROWS, (index % ROWS) as u32 * ROW_HEIGHT + LETTERS / 2);
        let (comma, text) = (if index > 0 { "," } else { "" }, text.display());
        write!(
            filter,
            "{comma}drawtext=fontfile={FONT}:textfile={text}:expansion=none:fontsize={LETTERS}:fontcolor=white:\
             x=40:y={y}:enable='eq(n,{picture})'"
        )
        .unwrap();
    }
    let script = folder.path().join("filter");
    std::fs::write(&script, filter).unwrap();
    let film = tempfile::Builder::new().suffix(".mp4").tempfile().unwrap();
    let (width, height) = SIZE;
    let input = format!("color=0x202830:s={width}x{height}:r=1");
    let make = |option: &str| {
        Command::new("ffmpeg")
            .args(["-v", "error", "-y", "-f", "lavfi", "-i", &input, option])
            .arg(&script)
            .args(["-frames:v", &values.len().div_ceil(ROWS).to_string(), "-c:v", "libx264"])
            .args(["-preset", "ultrafast", "-g", "1"])
            .arg(film.path())
            .status()
            .unwrap()
            .success()
    };
    // The name up to ffmpeg 7, and the one from then on.
    assert!(make("-filter_script:v") || make("-/filter:v"));
    film
}

/// What is read in a film of so many pictures.
fn read(film: &tempfile::NamedTempFile, pictures: usize) -> Vec<TextLine> {
    let screen_text = ScreenTextJob {
        languages: vec!["eng".to_owned()],
        codes: false,
        interval_ns: SECOND,
        keyframes_only: false,
        width: SIZE.0,
        height: SIZE.1,
    };
    let frames = Some(frames(0, pictures as u64 * SECOND));
    let job = EnrichJob { container: Container::IsoBmff, size_bytes: 0, frames, screen_text };
    let memory = Memory::default();
    let enrichment = run_on(&job, &open(film.path()), Tesseract::load("eng"), &memory, 2).unwrap();
    assert_eq!(enrichment.screen_text.frames_read, pictures as u32);
    assert_eq!(surface(&enrichment, Surface::OnScreenText).state, SurfaceState::Analysed);
    memory.lines().into_iter().filter(|line| line.surface == "on_screen_text").collect()
}

/// The lines of the value with this index.
fn of(lines: &[TextLine], index: usize) -> Vec<TextLine> {
    let (start_ns, row) = ((index / ROWS) as u64 * SECOND, (index % ROWS) as u32);
    let is_it = |line: &&TextLine| {
        let at = line.frame_box.map(|area| (area.y + area.height / 2) / ROW_HEIGHT);
        // A text that is the same in the picture before is one line.
        let is_shown = line.start_ns <= Some(start_ns) && line.end_ns > Some(start_ns);
        is_shown && at == Some(row)
    };
    lines.iter().filter(is_it).cloned().collect()
}

#[test]
fn text_in_pictures_is_searched_in_every_form() {
    gst::init().unwrap();
    let planted = planted();
    // What is found in no text is not drawn: a misreading may make it something that is found. A text is drawn once.
    let mut drawn = HashSet::new();
    let shown: Vec<(usize, &Planted)> = planted
        .iter()
        .enumerate()
        .filter(|(_, one)| one.text.chars().count() <= CHARS_MAX && one.text.chars().all(is_readable))
        .filter(|(_, one)| !is_in_text_limits(one) && drawn.insert(&one.text))
        .collect();
    // The first value of the first form, the last of the second, and so on.
    let is_chosen = |index: usize| (index / 10 + index % 10).is_multiple_of(PART);
    let part: Vec<_> = shown.iter().copied().filter(|(index, _)| is_chosen(*index)).collect();
    assert_eq!((planted.len(), shown.len(), part.len()), (1_250, 545, 52));
    let is_whole = std::env::var_os("REELGATE_FULL_MEDIA").is_some();
    let shown: Vec<&Planted> = if is_whole { shown } else { part }.into_iter().map(|(_, one)| one).collect();
    let (classifier, mut missed, mut wrong) = (Classifier::new(), 0, Vec::new());
    for values in shown.chunks(ROWS * PICTURES) {
        let lines = read(&film(values), values.len().div_ceil(ROWS));
        for (index, one) in values.iter().enumerate() {
            let found = of(&lines, index);
            if is_found(&classifier, &found, one) {
                continue;
            }
            missed += usize::from(one.value != "token");
            if !(one.value == "token" || is_in(LIMITS, one)) {
                let texts: Vec<&str> = found.iter().map(|line| &*line.text).collect();
                wrong.push(format!("{} of {}: {} is read as {texts:?}", one.form, one.value, one.text));
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
    assert!(missed * 10 <= shown.len(), "{missed} of {}", shown.len());
}

#[test]
fn the_documentation_names_every_limit_of_text_in_pictures() {
    assert_eq!(documented("text in pictures"), named(LIMITS));
}
