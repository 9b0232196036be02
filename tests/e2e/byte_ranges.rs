//! Segments as ranges of one file for each track: the same film, named, kept, redacted and withdrawn as such.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{TempHome, sample, talk, tool, undocumented};

const SAMPLE: &str = "big-buck-bunny-5s.mp4";
const RUNGS: [&str; 2] = ["480p", "240p"];
/// Small, with several segments and chunks.
const CUT: &str = "[media.cut]\nsegment_s = 1\nchunk_s = 2\nchunk_threshold_s = 3\n\
     [[media.video.rungs]]\nheight = 480\nbitrate_bps = 1400000\n\
     [[media.video.rungs]]\nheight = 240\nbitrate_bps = 400000\n";
const RANGES: &str = "[media.package]\nsegments = \"byte-ranges\"\nprogressive_height = 300\n";
const FILES: &str = "[media.package]\nprogressive_height = 300\n";

fn run(home: &TempHome, settings: &str, file: &Path) -> Value {
    let path = home.file("settings/reelgate.toml");
    std::fs::write(&path, format!("{CUT}{settings}")).unwrap();
    let (_, mut lines) = home.run_with(&["--config", path.to_str().unwrap()], &[file]);
    let line = lines.remove(0);
    assert_eq!(line["state"], "published", "{line}");
    assert_eq!(undocumented(&line), [""; 0]);
    line
}

fn outputs(line: &Value) -> PathBuf {
    Path::new(line["outputs"]["hls"].as_str().unwrap()).parent().unwrap().to_owned()
}

fn redo(home: &TempHome, line: &Value, part: &[&str]) {
    let id = line["asset_id"].as_str().unwrap();
    let output = home.reelgate(&[&["redo", id], part].concat());
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
}

fn verified(home: &TempHome, line: &Value) -> (Option<i32>, String) {
    let output = home.reelgate(&["verify", line["asset_id"].as_str().unwrap()]);
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

/// Names of all files below a folder, in order.
fn names(dir: &Path) -> Vec<String> {
    let listed = tool("find", &[dir.to_str().unwrap(), "-type", "f", "-printf", "%P\\n"]);
    let mut names: Vec<String> = listed.lines().map(str::to_owned).collect();
    names.sort();
    names
}

/// The one file of a track.
fn track(dir: &Path, folder: &str) -> PathBuf {
    let found: Vec<String> = names(&dir.join(folder))
        .into_iter()
        .filter(|name| name.ends_with(".mp4") || name.ends_with(".m4s"))
        .collect();
    assert_eq!(found.len(), 1, "{folder}: {found:?}");
    dir.join(folder).join(&found[0])
}

fn folders() -> Vec<String> {
    RUNGS.iter().map(|rung| format!("video/{rung}")).chain(["audio".to_owned()]).collect()
}

/// Type, first byte and size of each box of a file (ISO/IEC 14496-12 4.2).
fn boxes(bytes: &[u8]) -> Vec<(String, usize, usize)> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let size = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let kind = std::str::from_utf8(&bytes[at + 4..at + 8]).unwrap();
        assert!(size >= 8 && at + size <= bytes.len(), "{kind} of {size} bytes at {at}");
        found.push((kind.to_owned(), at, size));
        at += size;
    }
    found
}

/// Offset and length of each range of a playlist, that of its header first.
fn ranges(playlist: &str) -> Vec<(usize, usize)> {
    let range = |text: &str| {
        let (length, offset) = text.split_once('@').unwrap();
        (offset.parse().unwrap(), length.parse().unwrap())
    };
    let of_line = |line: &str| match line.strip_prefix("#EXT-X-BYTERANGE:") {
        Some(text) => Some(range(text)),
        None => Some(range(line.split_once("BYTERANGE=\"")?.1.trim_end_matches('"'))),
    };
    playlist.lines().filter_map(of_line).collect()
}

/// Hashes of the decoded pictures or sound of a manifest or file, by an independent reader.
fn decoded(path: &Path, stream: &str) -> Vec<String> {
    let map = format!("0:{stream}");
    let arguments = ["-v", "error", "-i", path.to_str().unwrap(), "-map", &map, "-f", "framehash", "-"];
    let lines = tool("ffmpeg", &arguments);
    let field = |line: &str| line.rsplit(',').next().map(str::trim).map(str::to_owned);
    lines.lines().filter(|line| !line.starts_with('#')).filter_map(field).collect()
}

#[test]
fn both_packagings_show_the_same_and_every_range_is_a_segment() {
    let (of_files, of_ranges) = (TempHome::encoding_quickly(), TempHome::encoding_quickly());
    let files = outputs(&run(&of_files, FILES, &sample(SAMPLE)));
    let line = run(&of_ranges, RANGES, &sample(SAMPLE));
    let dir = outputs(&line);
    for folder in folders() {
        let path = track(&dir, &folder);
        let bytes = std::fs::read(&path).unwrap();
        let read = |name: &str| std::fs::read(files.join(&folder).join(name)).unwrap();
        let boxes = boxes(&bytes);
        let kinds: Vec<&str> = boxes.iter().map(|(kind, ..)| kind.as_str()).collect();
        assert_eq!(kinds[..3], ["ftyp", "moov", "sidx"]);
        assert!(kinds[3..].chunks(3).all(|three| three == ["styp", "moof", "mdat"]), "{kinds:?}");
        let (_, index_at, index_bytes) = boxes[2];
        let segments = boxes[3..].chunks(3).map(|three| (three[0].1, three.iter().map(|one| one.2).sum()));
        let expected: Vec<(usize, usize)> = [(0, index_at)].into_iter().chain(segments).collect();
        let playlist = std::fs::read_to_string(dir.join(&folder).join("playlist.m3u8")).unwrap();
        assert_eq!(ranges(&playlist), expected, "{folder}");
        assert!(expected.len() > 5, "{folder}: {expected:?}");
        // What a file held before is what a range holds now.
        assert!(bytes[..index_at] == read("init.mp4"), "{folder}");
        for (number, (at, length)) in expected[1..].iter().enumerate() {
            assert!(bytes[*at..at + length] == read(&format!("{number:05}.m4s")), "{folder} {number}");
        }
        // An independent reader finds the first packet of each segment within its range.
        let shown =
            ["-v", "error", "-show_entries", "packet=pos,flags", "-of", "csv=p=0", path.to_str().unwrap()];
        let positions = tool("ffprobe", &shown);
        let positions: Vec<usize> =
            positions.lines().filter_map(|line| line.split(',').next()?.parse().ok()).collect();
        for (at, length) in &expected[1..] {
            let within = positions.iter().filter(|one| (*at..at + length).contains(*one)).count();
            assert!(within > 0, "{folder}: no packet from {at} on");
        }
        assert!(positions.iter().all(|one| *one >= index_at + index_bytes), "{folder}");
        if let Ok(pictures) = std::fs::read_to_string(dir.join(&folder).join("iframes.m3u8")) {
            let pictures = ranges(&pictures);
            assert_eq!(pictures.len(), expected.len());
            let begins = |(picture, segment): (&(usize, usize), &(usize, usize))| picture.0 == segment.0;
            assert!(pictures.iter().zip(&expected).all(begins), "{pictures:?}");
        }
        let kind = if folder == "audio" { "a:0" } else { "v:0" };
        let playlist = |dir: &Path| decoded(&dir.join(&folder).join("playlist.m3u8"), kind);
        let shown = playlist(&dir);
        assert!(shown.len() > 100 && shown == playlist(&files), "{folder}");
    }
    // In DASH the streams are in the order of the manifest.
    for stream in ["v:0", "v:1", "a:0"] {
        let manifest = |dir: &Path| decoded(&dir.join("manifest.mpd"), stream);
        let shown = manifest(&dir);
        assert!(shown.len() > 100 && shown == manifest(&files), "{stream}: {}", shown.len());
    }
    let read = |dir: &Path, name: &str| std::fs::read(dir.join(name)).unwrap();
    for same in ["progressive.mp4", "master.m3u8", "poster.jpg"] {
        assert!(read(&dir, same) == read(&files, same), "{same}");
    }
    assert_eq!(verified(&of_ranges, &line).0, Some(0));
}

#[test]
fn a_flipped_byte_is_found_and_a_withdrawal_leaves_nothing() {
    let home = TempHome::encoding_quickly();
    let line = run(&home, RANGES, &sample(SAMPLE));
    let (dir, id) = (outputs(&line), line["asset_id"].as_str().unwrap());
    let path = track(&dir, "video/240p");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, &bytes).unwrap();
    let (status, problems) = verified(&home, &line);
    assert_eq!(status, Some(3));
    let name = path.strip_prefix(&dir).unwrap().to_str().unwrap();
    assert!(problems.contains(&format!("sha256: {name}")) && problems.lines().count() == 1, "{problems}");
    for verb in ["quarantine", "erase"] {
        let decided = home.reelgate(&[verb, id, "--reason", "ticket 3", "--by", "ann"]);
        assert_eq!(decided.status.code(), Some(0), "{}", talk(&decided));
        home.run(&[&sample(SAMPLE)]);
        assert!(!dir.exists(), "{verb}");
    }
    // The records of the withdrawals stay.
    let is_record = |name: &String| name.ends_with("/erase.json") || name.ends_with("/quarantine.json");
    for area in ["published", "quarantine", "work"] {
        let names = names(&home.path().join(area)).into_iter();
        let left: Vec<String> = names.filter(|name| !name.contains(".turns") && !is_record(name)).collect();
        assert!(left.is_empty(), "{area}: {left:?}");
    }
    let certificate = home.reelgate(&["erase", id, "--certificate"]);
    assert_eq!(certificate.status.code(), Some(0), "{}", talk(&certificate));
}

#[test]
fn a_redo_keeps_the_files_of_tracks_that_it_does_not_touch() {
    let home = TempHome::encoding_quickly();
    let line = run(&home, RANGES, &sample(SAMPLE));
    let dir = outputs(&line);
    let tree = || -> BTreeMap<String, Vec<u8>> {
        names(&dir).into_iter().map(|name| (name.clone(), std::fs::read(dir.join(&name)).unwrap())).collect()
    };
    let inode = |folder: &str| std::fs::metadata(track(&dir, folder)).unwrap().ino();
    let before = tree();
    let inodes: Vec<u64> = folders().iter().map(|folder| inode(folder)).collect();
    for part in
        [["--stage", "package"], ["--stage", "enrich"], ["--rendition", "audio"], ["--rendition", "480p"]]
    {
        redo(&home, &line, &part);
        run(&home, RANGES, &sample(SAMPLE));
        assert!(tree() == before, "{part:?}: the same settings give the same bytes");
        assert_eq!(verified(&home, &line).0, Some(0), "{part:?}");
        let kept: Vec<u64> = folders().iter().map(|folder| inode(folder)).collect();
        assert_eq!(kept, inodes, "{part:?}: a file with the same parts is not made again");
    }
}

#[test]
fn a_redo_from_validation_changes_the_packaging_and_leaves_no_file_of_the_other() {
    let home = TempHome::encoding_quickly();
    let mut line = run(&home, FILES, &sample(SAMPLE));
    let dir = outputs(&line);
    let files = names(&dir);
    redo(&home, &line, &["--stage", "validate"]);
    line = run(&home, RANGES, &sample(SAMPLE));
    let ranges = names(&dir);
    assert!(ranges.iter().all(|name| !name.ends_with(".m4s") && !name.ends_with("init.mp4")), "{ranges:?}");
    folders().iter().for_each(|folder| drop(track(&dir, folder)));
    assert_eq!(verified(&home, &line).0, Some(0));
    redo(&home, &line, &["--stage", "validate"]);
    line = run(&home, FILES, &sample(SAMPLE));
    assert_eq!(names(&dir), files);
    assert_eq!(verified(&home, &line).0, Some(0));
}

/// Hash and size of every part of each track, by the folder of the track, as the manifest lists them.
fn parts(dir: &Path) -> BTreeMap<String, Vec<(String, u64)>> {
    let manifest: Value = serde_json::from_slice(&std::fs::read(dir.join("manifest.json")).unwrap()).unwrap();
    let mut parts = BTreeMap::new();
    for output in manifest["outputs"].as_array().unwrap() {
        let Some(listed) = output["parts"].as_array() else { continue };
        let folder = output["name"].as_str().unwrap().rsplit_once('/').unwrap().0;
        let part =
            |part: &Value| (part["sha256"].as_str().unwrap().to_owned(), part["size"].as_u64().unwrap());
        parts.insert(folder.to_owned(), listed.iter().map(part).collect());
    }
    parts
}

#[test]
fn a_redaction_replaces_the_touched_segments_and_the_name_of_their_file() {
    let home = TempHome::encoding_quickly();
    let line = run(&home, RANGES, &sample(SAMPLE));
    let (dir, id) = (outputs(&line), line["asset_id"].as_str().unwrap());
    let before = (parts(&dir), folders().iter().map(|folder| track(&dir, folder)).collect::<Vec<_>>());
    let redact = |asked: &[&str]| {
        let asked = [&["redact", id, "--by", "ann", "--reason", "ticket 7"], asked].concat();
        let redacted = home.reelgate(&asked);
        assert_eq!(redacted.status.code(), Some(0), "{}", talk(&redacted));
        run(&home, RANGES, &sample(SAMPLE));
        assert_eq!(verified(&home, &line).0, Some(0));
        (parts(&dir), folders().iter().map(|folder| track(&dir, folder)).collect::<Vec<_>>())
    };
    let changed = |before: &[(String, u64)], after: &[(String, u64)]| -> Vec<usize> {
        assert_eq!(before.len(), after.len());
        (0..before.len()).filter(|at| before[*at] != after[*at]).collect()
    };
    let covered = redact(&["--box", "0,0,200,100@2.1-2.3"]);
    assert_eq!(covered.0.len(), 3);
    for (number, folder) in folders().iter().enumerate() {
        let (old, new) = (&before.1[number], &covered.1[number]);
        if folder == "audio" {
            assert!(old == new && covered.0[folder] == before.0[folder]);
            continue;
        }
        // The header is the first part.
        assert_eq!(changed(&before.0[folder], &covered.0[folder]), [3], "{folder}");
        assert!(old != new && !old.exists(), "{folder}: a playlist of before leads nowhere");
    }
    let muted = redact(&["--mute", "0.1-0.4"]);
    assert!(muted.1[0] == covered.1[0] && muted.1[1] == covered.1[1]);
    let silenced = changed(&covered.0["audio"], &muted.0["audio"]);
    assert!(!silenced.is_empty() && silenced.iter().all(|at| *at < 4), "{silenced:?}");
}

#[test]
fn an_unknown_packaging_is_refused_with_its_key() {
    let home = TempHome::new();
    let path = home.file("settings/reelgate.toml");
    std::fs::write(&path, "[media.package]\n\nsegments = \"ranges\"\n").unwrap();
    let output = home.reelgate(&["check", "--config", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2), "{}", talk(&output));
    let said = talk(&output);
    assert!(said.contains("package.segments") && said.contains("byte-ranges"), "{said}");
}
