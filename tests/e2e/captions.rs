//! Subtitles are published as WebVTT in both manifests, and a redaction leaves out what was found in them.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{TempHome, outcome, talk, tool};

/// A card number that no bank has given out.
const CARD: &str = "4539 5787 6362 1486";
const REDACTING: &str = "[[privacy.rules]]\nseverity = \"medium\"\naction = \"redact_then_publish\"\n";

/// Cues of a text: start and end in milliseconds, and what is shown.
type Cues<'a> = &'a [(u64, u64, &'a str)];

/// Eight seconds of picture and sound with these texts: language, and cues with start and end in milliseconds.
fn film(home: &TempHome, codec: &str, name: &str, texts: &[(&str, Cues)]) -> PathBuf {
    let mut arguments: Vec<String> =
        ["-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=8", "-f", "lavfi", "-i"]
            .map(str::to_owned)
            .into();
    arguments.push("sine=440:d=8".to_owned());
    for (number, (_, cues)) in texts.iter().enumerate() {
        let time = |ms: u64| format!("00:00:{:02},{:03}", ms / 1_000, ms % 1_000);
        let cue = |(start, end, text): &(u64, u64, &str)| {
            format!("1\n{} --> {}\n{text}\n\n", time(*start), time(*end))
        };
        let file = home.file(&format!("{name}-{number}.srt"));
        std::fs::write(&file, cues.iter().map(cue).collect::<String>()).unwrap();
        arguments.extend(["-i".to_owned(), file.to_str().unwrap().to_owned()]);
    }
    arguments.extend((0..texts.len() + 2).flat_map(|input| ["-map".to_owned(), input.to_string()]));
    arguments
        .extend(["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", "-c:s", codec].map(str::to_owned));
    for (number, (language, _)) in texts.iter().enumerate() {
        arguments.extend([format!("-metadata:s:s:{number}"), format!("language={language}")]);
    }
    let path = home.file(name);
    arguments.push(path.to_str().unwrap().to_owned());
    tool("ffmpeg", &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    path
}

fn dir(line: &Value) -> PathBuf {
    let hls = line["outputs"]["hls"].as_str().unwrap_or_else(|| panic!("not published: {line}"));
    Path::new(hls).parent().unwrap().to_path_buf()
}

fn read(dir: &Path, name: &str) -> String {
    std::fs::read_to_string(dir.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// What an independent reader reads of a file of captions: start, end and text of each cue.
fn witnessed(path: &Path) -> Vec<(String, String)> {
    let text =
        tool("ffmpeg", &["-v", "error", "-i", path.to_str().unwrap(), "-f", "srt", "-"]).replace('\r', "");
    let cues = text.split("\n\n").filter(|cue| !cue.trim().is_empty());
    let cue = |cue: &str| {
        let mut parts = cue.trim().splitn(3, '\n').skip(1);
        let (time, said) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        (time.trim().to_owned(), said.trim().to_owned())
    };
    cues.map(cue).collect()
}

const TALK: [(u64, u64, &str); 2] =
    [(1_000, 3_000, "Hello <i>there</i>"), (4_500, 6_000, "one & two\nthree < 4")];

#[test]
fn every_track_of_text_is_a_rendition_that_others_read() {
    let texts: [(&str, Cues); 3] =
        [("eng", &TALK), ("deu", &[(1_000, 2_000, "Guten Tag")]), ("deu", &[(5_000, 7_000, "Ende")])];
    for (codec, name) in [("mov_text", "a.mp4"), ("srt", "b.mkv"), ("ass", "c.mkv"), ("webvtt", "d.webm.mkv")]
    {
        let home = TempHome::encoding_quickly();
        let file = film(&home, codec, name, &texts);
        let (status, run) = home.run(&[&file]);
        assert_eq!((status, outcome(&run[0])), (0, "published"), "{name}: {}", run[0]);
        let dir = dir(&run[0]);
        let master = read(&dir, "master.m3u8");
        for (folder, language) in [("captions-1", "en"), ("captions-2", "de"), ("captions-3", "de")] {
            assert!(master.contains(&format!("{folder}/playlist.m3u8")), "{name}: {master}");
            assert!(master.contains(&format!("LANGUAGE=\"{language}\"")), "{name}: {master}");
        }
        let expected = [
            ("00:00:01,000 --> 00:00:03,000".to_owned(), "Hello there".to_owned()),
            ("00:00:04,500 --> 00:00:06,000".to_owned(), "one & two\nthree < 4".to_owned()),
        ];
        let whole = witnessed(&dir.join("captions-1/captions.vtt"));
        assert_eq!(whole, expected, "{name}: {}", read(&dir, "captions-1/captions.vtt"));
        assert_eq!(witnessed(&dir.join("captions-1/00000.vtt")), expected, "{name}");
        assert_eq!(witnessed(&dir.join("captions-3/captions.vtt"))[0].1, "Ende", "{name}");
        assert!(read(&dir, "manifest.mpd").contains("captions-2/captions.vtt"), "{name}");
        assert_eq!(run[0]["left_out"].as_array().map_or(0, Vec::len), 0, "{name}: {}", run[0]);
        let id = run[0]["asset_id"].as_str().unwrap();
        assert_eq!(home.reelgate(&["verify", id]).status.code(), Some(0), "{name}");
    }
}

#[test]
fn a_redo_of_the_playlists_makes_the_same_captions() {
    let home = TempHome::encoding_quickly();
    let file = film(&home, "mov_text", "a.mp4", &[("eng", &TALK)]);
    let (_, run) = home.run(&[&file]);
    let (dir, id) = (dir(&run[0]), run[0]["asset_id"].as_str().unwrap());
    let before = read(&dir, "captions-1/captions.vtt");
    for part in [["--stage", "package"], ["--rendition", "captions-1"], ["--rendition", "audio"]] {
        let redo = home.reelgate(&[&["redo", id][..], &part].concat());
        assert_eq!(redo.status.code(), Some(0), "{part:?}: {}", talk(&redo));
        let (status, again) = home.run(&[&file]);
        assert_eq!((status, outcome(&again[0])), (0, "published"), "{part:?}: {}", again[0]);
        assert_eq!(read(&dir, "captions-1/captions.vtt"), before, "{part:?}");
    }
}

#[test]
fn a_track_of_text_with_a_finding_is_withheld_where_policy_redacts() {
    let home = TempHome::encoding_quickly();
    let config = home.file("redacting.toml");
    std::fs::write(&config, REDACTING).unwrap();
    let card = format!("my card is {CARD}");
    let file = film(&home, "mov_text", "a.mp4", &[("eng", &TALK), ("deu", &[(1_000, 3_000, &card)])]);
    let (status, run) = home.run_with(&["--config", config.to_str().unwrap()], &[&file]);
    assert_eq!((status, outcome(&run[0])), (0, "published"), "{}", run[0]);
    let dir = dir(&run[0]);
    assert!(read(&dir, "captions-1/captions.vtt").contains("Hello there"));
    let published = tool("grep", &["-rl", "--include=*.vtt", "WEBVTT", dir.to_str().unwrap()]);
    assert!(!published.contains("captions-2"), "{published}");
    for file in published.lines() {
        assert!(!std::fs::read_to_string(file).unwrap().contains("4539"), "{file}");
    }
    assert_eq!(run[0]["left_out"][0]["why"], "redacted", "{}", run[0]);
    let searched = run[0]["surfaces"].as_array().unwrap().iter().find(|one| one["surface"] == "subtitles");
    assert_eq!((&searched.unwrap()["state"], &searched.unwrap()["lines"]), (&"analysed".into(), &2.into()));
}

#[test]
fn captions_are_silent_where_the_sound_is() {
    let home = TempHome::encoding_quickly();
    let file = film(&home, "mov_text", "a.mp4", &[("eng", &TALK)]);
    let (_, run) = home.run(&[&file]);
    let (dir, id) = (dir(&run[0]), run[0]["asset_id"].as_str().unwrap());
    let muted = home.reelgate(&["redact", id, "--by", "ann", "--reason", "ticket 8", "--mute", "2.5-4"]);
    assert_eq!(muted.status.code(), Some(0), "{}", talk(&muted));
    let (status, again) = home.run(&[&file]);
    assert_eq!((status, outcome(&again[0])), (0, "published"), "{}", again[0]);
    let text = read(&dir, "captions-1/captions.vtt");
    assert!(!text.contains("Hello") && text.contains("one &amp; two"), "{text}");
}
