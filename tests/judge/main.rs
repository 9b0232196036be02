//! Judges what `run` publishes against the sources, with ffmpeg as the witness: pictures and their times, sound, its length and its
//! step with the picture, aspect, rotation, levels. Each film is one line of a table: right, wrong, left out or refused.
//!
//! `REELGATE_JUDGE=whole` judges every kind and every file; otherwise some of them, which takes a minute.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../e2e/support.rs"]
#[allow(dead_code, reason = "shared with the end-to-end tests")]
mod support;

mod cases;
mod comparison;
mod kinds;
mod witness;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde_json::Value;

use cases::{Expected, WITNESS_WRONG};
use comparison::{Content, Truth, complaints};
use support::{TempHome, outcome};

/// Two small rungs with bits to spare: what is compared is looked at from afar.
const SETTINGS: &str = "[media.package]\nsegments = \"files\"\n[media.video]\npreset = \"ultrafast\"\n\
     [[media.video.rungs]]\nheight = 180\nbitrate_bps = 4000000\n\
     [[media.video.rungs]]\nheight = 90\nbitrate_bps = 2000000\n\
     [media.cut]\nchunk_s = 8\nchunk_threshold_s = 10\n[media.sample]\nsamples = 5\n";

struct Film {
    name: String,
    path: PathBuf,
    expected: Expected,
    content: Content,
}

fn is_whole() -> bool {
    std::env::var("REELGATE_JUDGE").is_ok_and(|value| value == "whole")
}

#[test]
fn generated_kinds_are_published_as_they_are() {
    let home = TempHome::new();
    let files = kinds::make(&home.file("kinds"), if is_whole() { 1 } else { 6 });
    judge(&home, files.into_iter().map(marked).collect());
}

#[test]
fn segments_that_are_ranges_of_files_are_published_as_they_are() {
    let home = TempHome::new();
    let files = kinds::make(&home.file("kinds"), if is_whole() { 4 } else { 24 });
    judge_with(
        &home,
        &SETTINGS.replace("\"files\"", "\"byte-ranges\""),
        files.into_iter().map(marked).collect(),
    );
    let listed = support::tool("find", &[home.path().to_str().unwrap(), "-name", "*.m4s"]);
    assert_eq!(listed, "", "no segment is a file");
}

#[test]
fn files_of_the_repository_are_published_as_they_are() {
    let home = TempHome::new();
    let media = reelgate_test_media::all().into_iter().map(|file| (file.path.clone(), file.outcome));
    let samples = [
        ("big-buck-bunny-30s.webm", "published"),
        ("big-buck-bunny-5s.mp4", "published"),
        ("planted-card-number.mp4", "personal_data"),
        ("playlist-in-disguise.mp4", "playlist_refused"),
        ("sintel-trailer-720p.mp4", "published"),
    ];
    let samples = samples.into_iter().map(|(name, outcome)| (support::sample(name), outcome));
    let film = |(path, outcome): (PathBuf, &str)| Film {
        name: path.file_name().unwrap().to_str().unwrap().to_owned(),
        path,
        expected: Expected::from_outcome(outcome),
        content: Content::Unknown,
    };
    let all = media.chain(samples).map(film);
    judge(&home, all.enumerate().filter(|(at, _)| is_whole() || at % 3 == 0).map(|(_, film)| film).collect());
}

#[test]
fn shared_cases_are_published_as_their_index_says() {
    let folder = reelgate_test_media::shared("cases");
    shared(&folder, cases::index(&folder), 8);
}

#[test]
fn shared_real_files_are_published_as_they_are() {
    shared(&reelgate_test_media::shared("media/files"), cases::corpus(), 16);
}

/// A film of [`kinds`].
fn marked(path: PathBuf) -> Film {
    Film {
        name: path.file_name().unwrap().to_str().unwrap().to_owned(),
        path,
        expected: Expected::Published,
        content: Content::Marked,
    }
}

/// Judges media of a folder: every `step`th, or all.
fn shared(folder: &Path, expected: BTreeMap<String, Expected>, step: usize) {
    let home = TempHome::new();
    let film = |(name, expected): (String, Expected)| {
        let path = folder.join(&name);
        path.is_file().then_some(Film { name, path, expected, content: Content::Unknown })
    };
    let is_media = |(name, _): &(String, Expected)| !name.starts_with("text/");
    let all: Vec<Film> = expected.into_iter().filter(is_media).filter_map(film).collect();
    assert!(all.len() > 40, "{} files", all.len());
    judge(
        &home,
        all.into_iter()
            .enumerate()
            .filter(|(at, _)| is_whole() || at % step == 0)
            .map(|(_, film)| film)
            .collect(),
    );
}

/// Runs all films through the gate, prints the table and fails where a line is wrong.
fn judge(home: &TempHome, films: Vec<Film>) {
    judge_with(home, SETTINGS, films);
}

fn judge_with(home: &TempHome, text: &str, films: Vec<Film>) {
    let settings = home.file("settings/config.toml");
    std::fs::write(&settings, text).unwrap();
    let paths: Vec<&Path> = films.iter().map(|film| film.path.as_path()).collect();
    let (_, run) = home.run_with(&["--config", settings.to_str().unwrap()], &paths);
    let by_path: BTreeMap<&str, &Value> =
        run.iter().map(|line| (line["source"]["path"].as_str().unwrap(), line)).collect();
    let waiting = Mutex::new(films.iter());
    let lines = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(film) = { waiting.lock().unwrap().next() } {
                    let (verdict, why) = verdict(film, by_path[film.path.to_str().unwrap()]);
                    lines.lock().unwrap().push((film.name.clone(), verdict, why));
                }
            });
        }
    });
    let mut lines = lines.into_inner().unwrap();
    lines.sort();
    let mut totals: BTreeMap<&str, u32> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (name, verdict, why) in &lines {
        println!("{name:<50} {verdict:<9} {why}");
        *totals.entry(verdict).or_default() += 1;
        if *verdict == "wrong" {
            wrong.push(format!("{name}: {why}"));
        }
    }
    println!("{totals:?}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// `right`, `wrong`, `left_out` or `refused`, and why.
fn verdict(film: &Film, line: &Value) -> (&'static str, String) {
    let found = outcome(line);
    let is_expected = match &film.expected {
        Expected::Published => found == "published",
        Expected::Code(code) => found == code,
        Expected::Either => true,
    };
    if !is_expected {
        return ("wrong", format!("{found} instead of {:?}: {}", film.expected, line["reason"]["detail"]));
    }
    if found != "published" {
        return ("refused", found.to_owned());
    }
    let folder = Path::new(line["outputs"]["hls"].as_str().unwrap()).parent().unwrap();
    let truth = WITNESS_WRONG.iter().find(|(name, ..)| film.name.ends_with(name)).map(|(.., truth)| truth);
    let truth = truth.unwrap_or(&Truth::OF_FFMPEG);
    let wrong = complaints(&film.path, folder, film.content, truth);
    let told: Vec<String> = line["left_out"]
        .as_array()
        .unwrap()
        .iter()
        .map(|track| {
            format!(
                "{} {}: {}",
                track["kind"].as_str().unwrap(),
                track["track"],
                track["why"].as_str().unwrap()
            )
        })
        .collect();
    // What is not published and said is not wrong; what is published has to be right in any case. A stream without a type of its
    // own, which ffmpeg knows by its content, is said to be another kind.
    let is_told = |what: &String| {
        let kind = match what.as_str() {
            "no sound is published" => "audio",
            "no picture is published" => "video",
            _ => return false,
        };
        told.iter().any(|track| track.starts_with(kind) || track.starts_with("other"))
    };
    let wrong: Vec<&String> = wrong.iter().filter(|what| !is_told(what)).collect();
    match (wrong.is_empty(), told.is_empty()) {
        (false, _) => ("wrong", wrong.iter().map(|what| what.as_str()).collect::<Vec<_>>().join("; ")),
        (true, true) => ("right", String::new()),
        (true, false) => ("left_out", told.join(", ")),
    }
}
