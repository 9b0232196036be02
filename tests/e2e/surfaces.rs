//! The same data planted on every readable surface is found each time, with time and place.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{TempHome, tool};

/// An invented card number that passes the check of its kind, in groups of digits and as one word.
const CARD: &str = "4539 5787 6362 1486";
const CARD_DIGITS: &str = "4539578763621486";
/// A GPS position.
const PLACE: &str = "+48.858222+002.294500/";
/// A font that the set-up of the tests installs.
const FONT: &str = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf";
const SECOND: u64 = 1_000_000_000;

/// All findings in a file, as places.
fn places(home: &TempHome, file: &Path) -> Vec<Value> {
    let config = home.file("reading.toml");
    std::fs::write(&config, "[media.screen_text]\non_screen = true\ncodes = true\ninterval_ms = 1000\n")
        .unwrap();
    let (_, lines) = home.run_with(&["--config", config.to_str().unwrap()], &[file]);
    let findings = lines[0]["findings"].as_array().unwrap();
    assert!(!findings.is_empty(), "{}", lines[0]);
    findings.iter().flat_map(|finding| finding["locations"].as_array().unwrap().clone()).collect()
}

fn on<'a>(places: &'a [Value], surface: &str) -> &'a Value {
    let found = places.iter().find(|place| place["surface"] == surface);
    let surfaces: Vec<&Value> = places.iter().map(|place| &place["surface"]).collect();
    found.unwrap_or_else(|| panic!("{surface} not among {surfaces:?}"))
}

/// Start and end, whole seconds.
fn seconds(place: &Value) -> (u64, u64) {
    let at = |name: &str| (place[name].as_u64().unwrap() + SECOND / 2) / SECOND;
    (at("start_ns"), at("end_ns"))
}

/// Intersection over union with what was drawn: left, top, width, height.
fn overlap(place: &Value, drawn: [u64; 4]) -> f64 {
    let found: Vec<u64> =
        place["frame_box"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect();
    let [x, y, width, height] = found[..] else { panic!("{found:?}") };
    let across = (x + width).min(drawn[0] + drawn[2]).saturating_sub(x.max(drawn[0]));
    let down = (y + height).min(drawn[1] + drawn[3]).saturating_sub(y.max(drawn[1]));
    let both = (across * down) as f64;
    both / ((width * height + drawn[2] * drawn[3]) as f64 - both)
}

/// Six seconds of test pictures through ffmpeg with these arguments between input and output.
fn made(home: &TempHome, name: &str, arguments: &[&str]) -> PathBuf {
    let path = home.file(name);
    let head = ["-v", "error", "-y", "-f", "lavfi", "-i", "smptebars=s=1280x720:r=25:d=6"];
    let tail = [path.to_str().unwrap()];
    tool("ffmpeg", &[&head[..], arguments, &tail].concat());
    path
}

fn subtitles(home: &TempHome, name: &str) -> PathBuf {
    let path = home.file(name);
    let head = if name.ends_with("vtt") { "WEBVTT\n\n" } else { "1\n" };
    let mark = if name.ends_with("vtt") { "." } else { "," };
    let cue = format!("{head}00:00:02{mark}000 --> 00:00:04{mark}000\nmy card number is {CARD}\n");
    std::fs::write(&path, cue).unwrap();
    path
}

const QUICK: [&str; 6] = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "25"];

#[test]
fn names_tags_keys_and_positions_are_found() {
    let home = TempHome::new();
    let key = format!("note=card number {CARD}");
    let place = format!("location={PLACE}");
    let tags = ["-movflags", "use_metadata_tags", "-metadata", &key];
    let keyed = made(&home, &format!("card {CARD_DIGITS}.mp4"), &[&QUICK[..], &tags].concat());
    let found = places(&home, &keyed);
    on(&found, "file_name");
    assert_eq!(on(&found, "tag")["field"], "note");
    let comment = format!("comment=card number {CARD}");
    let tags = ["-metadata", &comment, "-metadata", &place];
    let placed = made(&home, "placed.mp4", &[&QUICK[..], &tags].concat());
    let found = places(&home, &placed);
    assert_eq!(on(&found, "tag")["field"], "comment");
    assert_eq!(on(&found, "location")["field"], "position");
}

#[test]
fn subtitles_in_every_container_are_found_with_their_times() {
    let cases =
        [("a.mp4", "cues.srt", "mov_text"), ("b.mkv", "cues.srt", "srt"), ("c.mkv", "cues.vtt", "webvtt")];
    for (name, cues, codec) in cases {
        let home = TempHome::new();
        let cues = subtitles(&home, cues);
        let input = ["-i", cues.to_str().unwrap(), "-map", "0", "-map", "1", "-c:s", codec];
        let found = places(&home, &made(&home, name, &[&input[..], &QUICK].concat()));
        assert_eq!(seconds(on(&found, "subtitle")), (2, 4), "{name}");
    }
}

#[test]
fn burned_in_text_is_found_with_its_time_and_box() {
    let home = TempHome::new();
    let filter = format!(
        "drawtext=fontfile={FONT}:text='card number {CARD}':fontsize=40:fontcolor=white:box=1:boxcolor=black:\
         boxborderw=12:x=100:y=500:enable='between(t,2,3.9)'"
    );
    let found = places(&home, &made(&home, "burned.mp4", &[&["-vf", &filter][..], &QUICK].concat()));
    let place = on(&found, "on_screen_text");
    let (start, end) = seconds(place);
    assert!(start.abs_diff(2) <= 1 && end.abs_diff(4) <= 1, "{start} to {end}");
    assert!(overlap(place, [100, 500, 716, 38]) >= 0.5, "{place}");
}

#[test]
fn a_qr_code_is_found_with_its_time_and_box() {
    let home = TempHome::new();
    let code = qrcode::QrCode::new(format!("card number {CARD}")).unwrap();
    let (module, quiet) = (6, 24);
    let side = code.width() * module;
    let whole = side + 2 * quiet;
    let colors = code.to_colors();
    let at = |pixel: usize| pixel.checked_sub(quiet).map(|at| at / module).filter(|at| *at < code.width());
    let pixel = |x: usize, y: usize| {
        let dark = at(x).zip(at(y)).is_some_and(|(x, y)| colors[y * code.width() + x] == qrcode::Color::Dark);
        if dark { 0 } else { 255 }
    };
    let grey: Vec<u8> = (0..whole * whole).map(|index| pixel(index % whole, index / whole)).collect();
    let picture = home.file("code.pgm");
    std::fs::write(&picture, [format!("P5\n{whole} {whole}\n255\n").as_bytes(), &grey].concat()).unwrap();
    let filter = format!(
        "movie={},loop=-1:1[code];[in][code]overlay=200:150:enable='between(t,2,3.9)':shortest=1",
        picture.display()
    );
    let found = places(&home, &made(&home, "coded.mp4", &[&["-vf", &filter][..], &QUICK].concat()));
    let place = on(&found, "code");
    let (start, end) = seconds(place);
    assert!(start.abs_diff(2) <= 1 && end.abs_diff(4) <= 1, "{start} to {end}");
    assert!(overlap(place, [224, 174, side as u64, side as u64]) >= 0.5, "{place}");
}

/// A supplemental message of H.264 with one pair of CEA-608 (ATSC A/53 part 4, 6.2.3).
fn message(pair: [u8; 2]) -> Vec<u8> {
    let odd = |byte: u8| byte | if byte.count_ones().is_multiple_of(2) { 0x80 } else { 0 };
    let data = [0x03, 0xc1, 0xff, 0xfc, odd(pair[0]), odd(pair[1]), 0xff];
    let body = [&[0xb5, 0x00, 0x31][..], b"GA94", &data].concat();
    [&[0, 0, 0, 1, 0x06, 0x04, body.len() as u8][..], &body, &[0x80]].concat()
}

#[test]
fn captions_inside_the_video_are_found_with_their_times() {
    let home = TempHome::new();
    let aud = ["-x264-params", "aud=1:bframes=0:slices=1", "-f", "h264"];
    let stream = std::fs::read(made(&home, "bare.h264", &[&QUICK[..], &aud].concat())).unwrap();
    let text = format!("card number {CARD_DIGITS}");
    let mut pairs = vec![[0x14, 0x20], [0x14, 0x20], [0x14, 0x70]];
    pairs.extend(text.as_bytes().chunks(2).map(|two| [two[0], two.get(1).copied().unwrap_or(0)]));
    pairs.resize(50, [0x80, 0x80]);
    pairs.push([0x14, 0x2f]); // appears at two seconds
    pairs.resize(100, [0x80, 0x80]);
    pairs.push([0x14, 0x2c]); // goes at four
    let mut pairs = pairs.into_iter();
    let mut with = Vec::new();
    // A pair behind each access unit delimiter, whose unit is two bytes long.
    for (index, byte) in stream.iter().enumerate() {
        with.push(*byte);
        if index >= 5 && stream[index - 5..index] == [0, 0, 0, 1, 0x09] {
            with.extend(pairs.next().map_or_else(Vec::new, message));
        }
    }
    let bare = home.file("captioned.h264");
    std::fs::write(&bare, with).unwrap();
    let path = home.file("captioned.mp4");
    let (bare, out) = (bare.to_str().unwrap(), path.to_str().unwrap());
    tool("ffmpeg", &["-v", "error", "-y", "-r", "25", "-i", bare, "-c", "copy", out]);
    let found = places(&home, &path);
    let caption = on(&found, "caption");
    assert_eq!((caption["field"].as_str(), seconds(caption)), (Some("cc1"), (2, 4)));
}
