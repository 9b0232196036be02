//! An upload of which a required surface was not searched whole is never `clean`: it is held for a person where the file is the
//! cause, and fails where an analysis is not installed.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{TempHome, code, sample, tool, undocumented};

/// An invented card number that passes the check of its kind.
const CARD: &str = "4539 5787 6362 1486";
/// More than is read of one cue.
const LONG_BYTES: usize = 20_000;

/// Two seconds of test pictures with these subtitles, as Matroska.
fn subtitled(home: &TempHome, cue: &str) -> PathBuf {
    let cues = home.file("cues.srt");
    std::fs::write(&cues, format!("1\n00:00:00,000 --> 00:00:01,000\n{cue}\n")).unwrap();
    let path = home.file("subtitled.mkv");
    let pictures = ["-v", "error", "-y", "-f", "lavfi", "-i", "smptebars=s=320x180:r=10:d=2", "-i"];
    let rest = ["-c:v", "libx264", "-preset", "ultrafast", "-c:s", "srt"];
    let (cues, out) = (cues.to_str().unwrap(), path.to_str().unwrap());
    tool("ffmpeg", &[&pictures[..], &[cues], &rest, &[out]].concat());
    path
}

fn surface<'a>(line: &'a Value, name: &str) -> &'a Value {
    let surfaces = line["surfaces"].as_array().unwrap();
    surfaces.iter().find(|report| report["surface"] == name).unwrap()
}

fn only_line(home: &TempHome, arguments: &[&str], file: &Path) -> Value {
    let (_, mut lines) = home.run_with(arguments, &[file]);
    assert_eq!(lines.len(), 1);
    assert_eq!(undocumented(&lines[0]), Vec::<String>::new());
    lines.remove(0)
}

#[test]
fn text_that_was_cut_off_is_held_for_a_person_and_never_becomes_clean() {
    let home = TempHome::new();
    let file = subtitled(&home, &"word ".repeat(LONG_BYTES / 5));
    let line = only_line(&home, &[], &file);
    assert_eq!((&line["state"], &line["verdict"]), (&json!("quarantined"), &json!("unscanned")), "{line}");
    assert_eq!((code(&line), &line["outputs"]), ("screening_incomplete", &Value::Null));
    let subtitles = surface(&line, "subtitles");
    assert_eq!(
        (&subtitles["state"], &subtitles["gaps"][0]["why"]),
        (&json!("partly"), &json!("limit_reached"))
    );
    let notices = std::fs::read_to_string(home.path().join("notices.jsonl")).unwrap();
    let notice: Value = serde_json::from_str(notices.lines().last().unwrap()).unwrap();
    assert_eq!((&notice["verdict"], &notice["surfaces"]), (&json!("unscanned"), &line["surfaces"]));

    let id = line["asset_id"].as_str().unwrap();
    let shown = home.reelgate(&["show", id]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("a limit was reached before its end"), "{shown}");
}

#[test]
fn a_card_number_in_a_text_that_was_cut_off_is_still_found() {
    let home = TempHome::new();
    let file = subtitled(&home, &format!("my credit card is {CARD} {}", "word ".repeat(LONG_BYTES / 5)));
    let line = only_line(&home, &[], &file);
    assert_eq!((&line["state"], &line["verdict"]), (&json!("quarantined"), &json!("flagged")), "{line}");
    assert_eq!(code(&line), "personal_data");
}

#[test]
fn a_file_without_text_is_clean_and_says_what_it_does_not_have() {
    let home = TempHome::new();
    let line = only_line(&home, &[], &sample("big-buck-bunny-5s.mp4"));
    assert_eq!((&line["state"], &line["verdict"]), (&json!("published"), &json!("clean")), "{line}");
    for absent in ["subtitles", "captions", "chapters", "locations"] {
        assert_eq!(surface(&line, absent)["state"], "absent", "{line}");
    }
    assert_eq!(surface(&line, "name")["state"], "analysed");
    assert_eq!(surface(&line, "speech")["gaps"][0]["why"], "no_analysis");
    let manifest = std::fs::read(line["outputs"]["manifest"].as_str().unwrap()).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!((&manifest["verdict"], &manifest["surfaces"]), (&json!("clean"), &line["surfaces"]));
}

#[test]
fn a_language_that_is_not_installed_fails_at_once_and_check_names_it() {
    let home = TempHome::new();
    let config = home.file("config.toml");
    let text = "[media.screen_text]\non_screen = true\ncodes = true\nlanguages = [\"eng\", \"xxx\"]\n";
    std::fs::write(&config, text).unwrap();
    let config = ["--config", config.to_str().unwrap()];
    let file = subtitled(&home, "hello");
    let line = only_line(&home, &config, &file);
    assert_eq!((&line["state"], &line["verdict"]), (&json!("failed"), &json!("unscanned")), "{line}");
    assert_eq!(code(&line), "config_invalid");
    let enriched = line["stages"].as_array().unwrap().iter().find(|stage| stage["stage"] == "enrich");
    assert_eq!(enriched.unwrap()["attempts"], 1);

    let checked = home.reelgate(&[&["check"][..], &config].concat());
    let text = String::from_utf8(checked.stdout).unwrap();
    assert_eq!(checked.status.code(), Some(3), "{text}");
    let refused =
        text.lines().find(|line| line.starts_with("✗ surfaces")).unwrap_or_else(|| panic!("{text}"));
    assert!(refused.contains("language xxx"), "{refused}");

    let installed = "[media.screen_text]\non_screen = true\ncodes = true\nlanguages = [\"eng\"]\n";
    std::fs::write(config[1], installed).unwrap();
    let checked = home.reelgate(&[&["check"][..], &config].concat());
    let text = String::from_utf8(checked.stdout).unwrap();
    assert_eq!(checked.status.code(), Some(0), "{text}");
    assert!(text.contains("on-screen text, codes"), "{text}");
    let config_without = [
        "[privacy]\nsurfaces = [\"name\"]\n",
        "[media.screen_text]\non_screen = true\nlanguages = [\"xxx\"]\n",
    ];
    std::fs::write(config[1], config_without.concat()).unwrap();
    let other = TempHome::new();
    let line = only_line(&other, &config, &file);
    assert_eq!((&line["state"], &line["verdict"]), (&json!("published"), &json!("clean")), "{line}");
    assert_eq!(surface(&line, "on_screen_text")["gaps"][0]["why"], "not_installed");
}
