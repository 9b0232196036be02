//! A job file beside a film says how it is made, within what the operator allows.

use std::path::Path;

use serde_json::Value;

use crate::decisions::clip;
use crate::support::{TempHome, code, sample, talk, tool};

/// A card number that no bank has given out.
const CARD: &str = "4539578763621486";
const LADDER: &str = "[[media.video.rungs]]\nheight = 240\nbitrate_bps = 400000\n\
                      [[media.video.rungs]]\nheight = 120\nbitrate_bps = 100000\n";

/// How many renditions a film has, and how many segments each.
fn made(line: &Value) -> (usize, usize) {
    let hls = Path::new(line["outputs"]["hls"].as_str().unwrap_or_else(|| panic!("not published: {line}")));
    let master = std::fs::read_to_string(hls).unwrap();
    let media: Vec<&str> =
        master.lines().filter(|line| line.ends_with(".m3u8") && !line.starts_with('#')).collect();
    let first = std::fs::read_to_string(hls.with_file_name(media[0])).unwrap();
    (media.len(), first.matches("#EXTINF").count())
}

#[test]
fn a_film_is_made_as_its_job_file_says() {
    let home = TempHome::encoding_quickly();
    let film = clip(&home, "film.mp4", 0);
    clip(&home, "plain.mp4", 90);
    std::fs::write(home.file("film.mp4.reelgate.toml"), "[video]\nrungs = [120]\n[cut]\nsegment_s = 1\n")
        .unwrap();
    let folder = film.parent().unwrap();
    let config = folder.with_file_name("reelgate.toml");
    std::fs::write(&config, LADDER).unwrap();
    let (_, run) = home.run_with(&["--config", config.to_str().unwrap()], &[folder]);
    assert_eq!(run.len(), 2, "a job file is no upload: {run:?}");
    assert_eq!((made(&run[0]), made(&run[1])), ((1, 2), (2, 1)));
}

#[test]
fn a_job_file_cannot_weaken_the_screening_and_is_refused_with_its_line() {
    let home = TempHome::encoding_quickly();
    let names = [format!("a {CARD}.mp4"), format!("b {CARD}.mp4")];
    let films = [clip(&home, &names[0], 0), clip(&home, &names[1], 90)];
    let jobs =
        [format!("priority = \"low\"\n[privacy]\nrules = [\"{CARD}\"]\n"), "priority = \"low\"\n".into()];
    for (name, job) in names.iter().zip(jobs) {
        std::fs::write(home.file(&format!("{name}.reelgate.toml")), job).unwrap();
    }
    let (_, run) = home.run(&[&films[0], &films[1]]);
    assert_eq!((run[0]["state"].as_str(), code(&run[0])), (Some("rejected"), "job_file_invalid"), "{run:?}");
    let detail = run[0]["reason"]["message"].as_str().unwrap();
    assert!(detail.contains("line 2") && !detail.contains(CARD), "{detail}");
    assert_eq!(run[1]["state"], "quarantined", "{run:?}");
}

/// Hashes of the decoded pictures and sound of a file or playlist, by an independent reader.
fn decoded(path: &Path, kind: &str) -> Vec<String> {
    let map = format!("0:{kind}:0");
    let arguments = ["-v", "error", "-i", path.to_str().unwrap(), "-map", &map, "-f", "framehash", "-"];
    let lines = tool("ffmpeg", &arguments);
    // Stream, decode time, time, duration, size, hash.
    let field = |line: &str| line.rsplit(',').next().map(str::trim).map(str::to_owned);
    lines.lines().filter(|line| !line.starts_with('#')).filter_map(field).collect()
}

#[test]
fn a_progressive_file_shows_what_the_segments_show_and_is_made_again_from_what_is_published() {
    let home = TempHome::encoding_quickly();
    let film = home.file("film.mp4");
    std::fs::copy(sample("big-buck-bunny-5s.mp4"), &film).unwrap();
    std::fs::write(
        home.file("film.mp4.reelgate.toml"),
        "[video]\nrungs = [480, 240]\n[package]\nprogressive_height = 300\n[cut]\nsegment_s = 1\n",
    )
    .unwrap();
    let (_, run) = home.run(&[&film]);
    let path = run[0]["outputs"]["progressive"].as_str().unwrap_or_else(|| panic!("none: {}", run[0]));
    let path = Path::new(path);
    let bytes = std::fs::read(path).unwrap();
    let at = |name: &[u8]| bytes.windows(4).position(|four| four == name).unwrap();
    assert!(at(b"moov") < at(b"mdat"), "the index stands before the media");
    let folder = path.parent().unwrap();
    for (kind, playlist) in [("v", "video/240p/playlist.m3u8"), ("a", "audio/playlist.m3u8")] {
        // The first frame of sound is the encoder's priming. This reader leaves it out in a file, as its edit list says, and not
        // in a playlist.
        let expected = decoded(&folder.join(playlist), kind).split_off(usize::from(kind == "a"));
        assert!(expected.len() > 100, "{kind}: {}", expected.len());
        assert_eq!(decoded(path, kind), expected, "{kind}");
    }
    // The segments are no longer in staging.
    let id = run[0]["asset_id"].as_str().unwrap();
    let redone = home.reelgate(&["redo", id, "--stage", "package"]);
    assert_eq!(redone.status.code(), Some(0), "{}", talk(&redone));
    let (_, run) = home.run(&[&film]);
    assert_eq!(run[0]["state"], "published", "{run:?}");
    assert!(std::fs::read(path).unwrap() == bytes, "the same segments make the same file");
}
