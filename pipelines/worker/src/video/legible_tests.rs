//! What a reader of text still finds: letters burned into a video, boxes as the reader itself draws them.

use super::tests::{SECOND_NS, encode, whole};
use super::*;
use std::path::Path;
use std::process::Command;

use reelgate_flow::place::FrameBox;
use reelgate_pipelines::messages::{Redaction, RedactionStyle};

use crate::enrich::{Area, OcrReading, Tesseract};
use crate::testing::Media;

/// A published test number; spaced as on a card.
const NUMBER: [&str; 4] = ["4012", "8888", "8888", "1881"];

/// Runs ffmpeg and returns what it prints.
fn ffmpeg(args: &[&str]) -> Vec<u8> {
    let ran = Command::new("ffmpeg").args(["-v", "error", "-y"]).args(args).output();
    let ran = ran.expect("ffmpeg is installed");
    assert!(ran.status.success(), "{args:?}: {}", String::from_utf8_lossy(&ran.stderr));
    ran.stdout
}

/// Three seconds of a moving picture with the number in it.
fn made(folder: &Path) -> Media {
    let path = folder.join("source.mp4");
    let style = "x=160:y=585:fontsize=48:fontcolor=black:box=1:boxcolor=white:boxborderw=12";
    let text = format!("drawtext=text='Card {}':{style}", NUMBER.join(" "));
    let (input, filter) = ("testsrc2=size=1280x720:rate=30:duration=3", text.as_str());
    let to = path.to_str().unwrap();
    let codec = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p"];
    ffmpeg(&[&["-f", "lavfi", "-i", input, "-vf", filter][..], &codec, &[to]].concat());
    Media::of(&std::fs::read(path).unwrap())
}

/// The part of each frame that is read, pixels.
const CROP: FrameBox = FrameBox { x: 150, y: 570, width: 700, height: 90 };
/// That part as it is, and with what little contrast may be left made plain.
const LOOKS: [&str; 2] =
    ["scale=1280:720,crop=700:90:150:570", "scale=1280:720,crop=700:90:150:570,normalize"];

/// What the reader finds in the frame at a time, through a filter: groups of the number, and the box of their line.
fn read(tesseract: &mut Tesseract, media: &Path, seconds: &str, look: &str) -> (usize, FrameBox) {
    let shape = ["-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "gray"];
    let from = ["-i", media.to_str().unwrap(), "-ss", seconds, "-vf", look];
    let luma = ffmpeg(&[&from[..], &shape, &["-"]].concat());
    let (width, height) = (CROP.width as usize, CROP.height as usize);
    let groups = |text: &str| NUMBER.iter().filter(|group| text.contains(*group)).count();
    let mut lines = tesseract.find(&luma, width, height).unwrap();
    let whole = Area { left: 0, top: 0, right: width as i32, bottom: height as i32 };
    lines.extend(tesseract.read_line(whole));
    let found = lines.into_iter().max_by_key(|line| groups(&line.text));
    found.map_or((0, CROP), |OcrReading { text, area, .. }| {
        let pixels = |at: i32| u32::try_from(at).unwrap();
        let (x, y) = (CROP.x + pixels(area.left), CROP.y + pixels(area.top));
        let (width, height) = (pixels(area.right - area.left), pixels(area.bottom - area.top));
        (groups(&text), FrameBox { x, y, width, height })
    })
}

#[test]
fn a_reader_finds_nothing_where_it_has_found_a_number() {
    let mut tesseract = Tesseract::load("eng").expect("Tesseract is installed");
    let folder = tempfile::tempdir().unwrap();
    let media = made(folder.path());
    let (groups, area) = read(&mut tesseract, &media.path(), "1.5", LOOKS[0]);
    assert_eq!(groups, NUMBER.len(), "{area:?}");
    let redaction = |style| Redaction { start_ns: SECOND_NS, end_ns: 2 * SECOND_NS, area: Some(area), style };
    let plain = whole(&[("720p", 1280, 720), ("360p", 640, 360)], &media);
    for style in [RedactionStyle::Fill, RedactionStyle::Blur] {
        let job = VideoJob { redactions: vec![redaction(style)], ..plain.clone() };
        let (result, files) = encode(&job, &media);
        for rung in &result.rungs {
            let file = Media::of(&files.joined(rung));
            let mut groups = |seconds: &str, look: &str| read(&mut tesseract, &file.path(), seconds, look).0;
            for (seconds, look) in
                [("1.0", LOOKS[0]), ("1.5", LOOKS[0]), ("1.5", LOOKS[1]), ("1.95", LOOKS[1])]
            {
                assert_eq!(groups(seconds, look), 0, "{} {style:?} at {seconds}", rung.name);
            }
            assert!(groups("2.1", LOOKS[0]) >= 3, "{} behind the range", rung.name);
        }
    }
}
