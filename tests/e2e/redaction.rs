//! A redaction changes the segments that show a finding, and nothing else.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::decisions::clip;
use crate::support::{TempHome, lines, talk, tool};

/// An invented card number that passes the check of its kind.
const CARD: &str = "4539 5787 6362 1486";
/// A font that the set-up of the tests installs.
const FONT: &str = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf";
const READING: &str = "[media.screen_text]\non_screen = true\ninterval_ms = 500\n";
const REDACTING: &str = "[[privacy.rules]]\nseverity = \"medium\"\naction = \"redact_then_publish\"\n";

/// Twelve seconds, three segments; a card number is shown within the second one.
fn shown(home: &TempHome) -> PathBuf {
    let path = home.file("shown.mp4");
    let text = format!(
        "drawtext=fontfile={FONT}:text='card number {CARD}':fontsize=40:fontcolor=white:box=1:boxcolor=black:\
         boxborderw=12:x=100:y=500:enable='between(t,5.2,6.2)'"
    );
    let pictures = ["-v", "error", "-y", "-f", "lavfi", "-i", "smptebars=s=1280x720:r=25:d=12"];
    let sound = ["-f", "lavfi", "-i", "sine=d=12", "-vf", &text];
    let codecs = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "12", "-c:a", "aac", "-shortest"];
    tool("ffmpeg", &[&pictures[..], &sound, &codecs, &[path.to_str().unwrap()]].concat());
    path
}

fn run(home: &TempHome, config: &str, file: &Path) -> Value {
    let path = home.file("reelgate.toml");
    std::fs::write(&path, config).unwrap();
    home.run_with(&["--config", path.to_str().unwrap()], &[file]).1.remove(0)
}

fn outputs(line: &Value) -> PathBuf {
    let hls = line["outputs"]["hls"].as_str().unwrap_or_else(|| panic!("{line}"));
    Path::new(hls).parent().unwrap().to_owned()
}

/// Relative path → bytes of every segment of video and audio.
fn segments(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    fn collect(root: &Path, dir: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(root, &path, found);
            } else if path.extension().is_some_and(|end| end == "m4s" || end == "mp4") {
                let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    collect(dir, dir, &mut found);
    found
}

/// Names of the segments that differ.
fn changed(before: &BTreeMap<String, Vec<u8>>, after: &BTreeMap<String, Vec<u8>>) -> Vec<String> {
    assert!(before.keys().eq(after.keys()), "{:?} {:?}", before.keys(), after.keys());
    let differs = |name: &&String| before[*name] != after[*name];
    before.keys().filter(differs).cloned().collect()
}

/// The highest rung as one file, and how many frames it has.
fn joined(home: &TempHome, segments: &BTreeMap<String, Vec<u8>>) -> (PathBuf, String) {
    let top = segments.keys().filter(|name| name.starts_with("video/720p/"));
    let (init, media): (Vec<&String>, Vec<&String>) = top.partition(|name| name.ends_with("init.mp4"));
    let bytes: Vec<u8> = init.iter().chain(&media).flat_map(|name| segments[*name].clone()).collect();
    let path = home.file("joined.mp4");
    std::fs::write(&path, bytes).unwrap();
    let count =
        ["-v", "error", "-count_packets", "-show_entries", "stream=nb_read_packets", "-of", "csv=p=0"];
    (path.clone(), tool("ffprobe", &[&count[..], &[path.to_str().unwrap()]].concat()))
}

/// Whether text recognition finds the number in these segments.
fn is_read(segments: &BTreeMap<String, Vec<u8>>) -> (bool, String) {
    let home = TempHome::new();
    let (file, frames) = joined(&home, segments);
    let line = run(&home, READING, &file);
    let findings = line["findings"].as_array().unwrap();
    let on_screen = |finding: &Value| {
        finding["locations"].as_array().unwrap().iter().any(|place| place["surface"] == "on_screen_text")
    };
    (findings.iter().any(on_screen), frames)
}

fn only_the_second_segment_differs(before: &BTreeMap<String, Vec<u8>>, after: &BTreeMap<String, Vec<u8>>) {
    let changed = changed(before, after);
    assert!(!changed.is_empty());
    let second = |name: &String| name.starts_with("video/") && name.ends_with("/00001.m4s");
    assert!(changed.iter().all(second), "{changed:?}");
    let rungs = before.keys().filter(|name| second(name)).count();
    assert_eq!(changed.len(), rungs, "on every rung: {changed:?}");
}

#[test]
fn policy_redacts_a_number_only_in_the_segment_that_shows_it() {
    let (plain, redacting) = (TempHome::new(), TempHome::new());
    let file = shown(&plain);
    let before = segments(&outputs(&run(&plain, "", &file)));
    assert!(is_read(&before).0, "the reader sees it where nothing covers it");
    let line = run(&redacting, &format!("{READING}{REDACTING}"), &file);
    assert_eq!(
        (line["state"].as_str(), line["verdict"].as_str()),
        (Some("published"), Some("clean")),
        "{line}"
    );
    let after = segments(&outputs(&line));
    only_the_second_segment_differs(&before, &after);
    let ((read, frames), (_, frames_before)) = (is_read(&after), is_read(&before));
    assert!(!read, "the reader still sees it");
    assert_eq!(frames, frames_before);
    let id = line["asset_id"].as_str().unwrap();
    assert_eq!(redacting.reelgate(&["verify", id]).status.code(), Some(0));
}

#[test]
fn a_person_redacts_part_of_a_published_picture_and_of_its_sound() {
    let home = TempHome::new();
    let file = shown(&home);
    let line = run(&home, "", &file);
    let id = line["asset_id"].as_str().unwrap();
    let before = segments(&outputs(&line));
    let redact =
        |arguments: &[&str]| home.reelgate(&[&["redact", id, "--by", "ann"][..], arguments].concat());
    let covered = redact(&["--reason", "ticket 7", "--box", "80,480,800,80@5.2-6.2"]);
    assert_eq!(covered.status.code(), Some(0), "{}", talk(&covered));
    let line = run(&home, "", &file);
    assert_eq!(line["state"], "published", "{line}");
    let after = segments(&outputs(&line));
    only_the_second_segment_differs(&before, &after);
    assert!(!is_read(&after).0);
    let muted = redact(&["--reason", "ticket 8", "--mute", "0.5-1"]);
    assert_eq!(muted.status.code(), Some(0), "{}", talk(&muted));
    let line = run(&home, "", &file);
    let silenced = changed(&after, &segments(&outputs(&line)));
    let last = |name: &String| name.starts_with("audio/") && name.ends_with("00002.m4s");
    assert!(!silenced.is_empty() && !silenced.iter().any(last), "{silenced:?}");
    let output = home.reelgate(&["why", id, "--json"]);
    let history = lines(&output.stdout, "");
    let decided = history.iter().filter(|line| line["what"] == "decided").count();
    assert_eq!(decided, 2, "{history:?}");
}

#[test]
fn a_redaction_replaces_the_outputs_of_every_copy_whichever_of_them_is_named() {
    let home = TempHome::new();
    let files = [clip(&home, "first.mp4", 90), home.file("second.mp4")];
    std::fs::copy(&files[0], &files[1]).unwrap();
    let run = || -> Vec<Value> { files.iter().map(|file| run(&home, "", file)).collect() };
    let before = run();
    let ids: Vec<&str> = before.iter().map(|line| line["asset_id"].as_str().unwrap()).collect();
    let published = |lines: &[Value]| -> Vec<BTreeMap<String, Vec<u8>>> {
        lines.iter().map(|line| segments(&outputs(line))).collect()
    };
    let mut shown = published(&before);
    // The second upload is a copy of the first one's outputs: the first has the encodes.
    for (id, area) in [(ids[0], "0,0,80,40@0-2"), (ids[1], "200,100,80,40@0-2")] {
        let asked = ["redact", id, "--by", "ann", "--reason", "ticket 9", "--blur", "--box", area];
        let redacted = home.reelgate(&asked);
        assert_eq!(redacted.status.code(), Some(0), "{}", talk(&redacted));
        assert!(talk(&redacted).contains("redacted with it: 1"), "{}", talk(&redacted));
        let lines = run();
        assert!(lines.iter().all(|line| line["state"] == "published"), "{lines:?}");
        let now = published(&lines);
        assert_eq!(now[0], now[1], "both show the same");
        let changed = changed(&shown[0], &now[0]);
        assert!(changed.iter().any(|name| name.starts_with("video/")), "{changed:?}");
        assert!(!changed.iter().any(|name| name.starts_with("audio/")), "{changed:?}");
        shown = now;
    }
    for id in &ids {
        assert_eq!(home.reelgate(&["verify", id]).status.code(), Some(0));
    }
    let again = home.reelgate(&["redact", ids[0], "--by", "ann", "--reason", "ticket 9"]);
    assert_eq!(again.status.code(), Some(2), "what is covered must be named now");
    assert!(talk(&again).contains("redacted already"), "{}", talk(&again));
}

#[test]
fn what_cannot_be_redacted_is_refused_with_what_was_expected() {
    let home = TempHome::new();
    let file = shown(&home);
    let line = run(&home, "", &file);
    let id = line["asset_id"].as_str().unwrap();
    for (arguments, why) in [
        (&["--reason", "r"][..], "--box"),
        (&["--reason", "r", "--box", "1,2,3@4-5"], "X,Y,WIDTH,HEIGHT@FROM-TO"),
        (&["--reason", "r", "--mute", "5-4"], "FROM-TO in seconds"),
        (&["--mute", "1-2"], "--reason"),
    ] {
        let refused = home.reelgate(&[&["redact", id, "--by", "ann"][..], arguments].concat());
        assert_eq!(refused.status.code(), Some(2));
        assert!(talk(&refused).contains(why), "{}", talk(&refused));
    }
}
