//! What a reader of text still finds: letters burned into a video, boxes as the reader itself draws them.

use super::tests::{SECOND_NS, encode, whole};
use super::*;
use std::path::{Path, PathBuf};
use std::process::Command;

use reelgate_flow::place::FrameBox;
use reelgate_pipelines::messages::{Redaction, RedactionStyle};

use crate::testing::Media;

/// A published test number; spaced as on a card.
const NUMBER: [&str; 4] = ["4012", "8888", "8888", "1881"];

/// Runs a program; `None` where it is not installed or does not know what it is asked for.
fn output(program: &str, args: &[&str]) -> Option<String> {
    let ran = Command::new(program)
        .args(args)
        .env("OMP_THREAD_LIMIT", "1")
        .output()
        .ok()
        .filter(|ran| ran.status.success());
    if ran.is_none() {
        println!("skipped: {program} is missing or cannot {args:?}");
    }
    ran.map(|ran| String::from_utf8_lossy(&ran.stdout).into_owned())
}

/// Three seconds of a moving picture with the number in it.
fn made(folder: &Path) -> Option<Media> {
    let path = folder.join("source.mp4");
    let style = "x=160:y=585:fontsize=48:fontcolor=black:box=1:boxcolor=white:boxborderw=12";
    let text = format!("drawtext=text='Card {}':{style}", NUMBER.join(" "));
    let (input, filter) = ("testsrc2=size=1280x720:rate=30:duration=3", text.as_str());
    let to = path.to_str()?;
    let codec = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p"];
    let args = [&["-v", "error", "-f", "lavfi", "-i", input, "-vf", filter][..], &codec, &[to]].concat();
    output("ffmpeg", &args)?;
    Some(Media::of(&std::fs::read(path).ok()?))
}

/// The frame at a time as a picture, through a filter.
fn picture(folder: &Path, media: &Path, seconds: &str, filter: &str) -> Option<PathBuf> {
    let path = folder.join("frame.png");
    let (from, to) = (media.to_str()?, path.to_str()?);
    let args = ["-v", "error", "-y", "-i", from, "-ss", seconds, "-frames:v", "1", "-vf", filter, to];
    output("ffmpeg", &args).map(|_| path)
}

/// Words with a group of the number and where they are. The reader's table: RFC 4180 by tabs, box in columns 7 to 10, text in 12.
fn numbers(picture: &Path) -> Option<Vec<(String, FrameBox)>> {
    let table = output("tesseract", &[picture.to_str()?, "stdout", "--psm", "6", "tsv"])?;
    let word = |line: &str| {
        let columns: Vec<&str> = line.split('\t').collect();
        let pixels = |at: usize| columns.get(at)?.parse::<u32>().ok();
        let text = columns.get(11).filter(|text| NUMBER.iter().any(|group| text.contains(group)))?;
        let (x, y) = (CROP.0 + pixels(6)?, CROP.1 + pixels(7)?);
        Some(((*text).to_owned(), FrameBox { x, y, width: pixels(8)?, height: pixels(9)? }))
    };
    Some(table.lines().filter_map(word).collect())
}

/// Left and upper edge of the part that is read.
const CROP: (u32, u32) = (150, 570);
/// That part as it is, and with what little contrast may be left made plain.
const LOOKS: [&str; 2] =
    ["scale=1280:720,crop=700:90:150:570", "scale=1280:720,crop=700:90:150:570,normalize"];

#[test]
fn a_reader_finds_nothing_where_it_has_found_a_number() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let Some(media) = made(folder) else { return };
    let Some(frame) = picture(folder, &media.path(), "1.5", LOOKS[0]) else { return };
    let Some(found) = numbers(&frame) else { return };
    for group in NUMBER {
        assert!(found.iter().any(|(text, _)| text.contains(group)), "{found:?}");
    }
    let redactions = |style| {
        let redaction = |(_, area): &(String, FrameBox)| Redaction {
            start_ns: SECOND_NS,
            end_ns: 2 * SECOND_NS,
            area: Some(*area),
            style,
        };
        found.iter().map(redaction).collect()
    };
    let plain = whole(&[("720p", 1280, 720), ("360p", 640, 360)], &media);
    for style in [RedactionStyle::Fill, RedactionStyle::Blur] {
        let (result, files) = encode(&VideoJob { redactions: redactions(style), ..plain.clone() }, &media);
        for rung in &result.rungs {
            let file = Media::of(&files.joined(rung));
            let read =
                |seconds: &str, look: &str| numbers(&picture(folder, &file.path(), seconds, look).unwrap());
            for (seconds, look) in
                [("1.0", LOOKS[0]), ("1.5", LOOKS[0]), ("1.5", LOOKS[1]), ("1.95", LOOKS[1])]
            {
                assert_eq!(read(seconds, look).unwrap(), [], "{} {style:?} at {seconds}", rung.name);
            }
            assert!(read("2.1", LOOKS[0]).unwrap().len() >= 3, "{} behind the range", rung.name);
        }
    }
}
