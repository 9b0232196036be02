//! Plays what `run` publishes in hls.js, Shaka Player and dash.js in headless Chromium: to the end, with seeks, changes of rung,
//! of language, with subtitles, and by I-frames, as far as the playlists list them. `play.mjs` and `page/` play and report, this judges.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../e2e/support.rs"]
#[allow(dead_code, reason = "shared with the end-to-end tests")]
mod support;

mod films;
mod iframes;
mod judgement;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use films::Film;
use judgement::{Published, complaints};
use support::{TempHome, tool};

/// Two small rungs, and segments so short that a film of six seconds has several.
const SETTINGS: &str = "[media.video]\npreset = \"ultrafast\"\n\
     [[media.video.rungs]]\nheight = 180\nbitrate_bps = 800000\n\
     [[media.video.rungs]]\nheight = 90\nbitrate_bps = 200000\n\
     [media.cut]\nsegment_s = 2\n[media.sample]\nsamples = 5\n";
/// Where its Debian package puts it.
const CHROMIUM: &str = "/usr/bin/chromium";
/// Plays of each film: hls.js, Shaka with both manifests, dash.js.
const PLAYS: usize = 4;

#[test]
fn what_is_published_plays_to_its_end_in_every_player() {
    let home = TempHome::new();
    let folder = home.file("x").parent().unwrap().to_path_buf();
    let films = films::make(&folder);
    let published = publish(&home, &films);
    let is_segment = |name: &str| published["byte-ranges.mp4"].join("video/180p").join(name).exists();
    assert!(!is_segment("init.mp4") && !is_segment("00000.m4s"), "one film has ranges");
    let mut wrong = judge(&films, &published);
    wrong.extend(published.values().flat_map(|folder| iframes::complaints(folder)));
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn shared_the_case_with_short_sound_plays_to_its_end() {
    let home = TempHome::new();
    let films = [films::shared_much_shorter_sound()];
    let published = publish(&home, &films);
    let wrong = judge(&films, &published);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What would make all the other judgements worthless: players and checks that see no fault.
#[test]
fn a_damaged_publication_is_noticed_in_every_player() {
    let home = TempHome::new();
    let film = films::normal();
    let published = publish(&home, std::slice::from_ref(&film));
    let intact = published.values().next().unwrap();
    let damaged = |name: &str, damage: &dyn Fn(&Path)| -> (String, PathBuf) {
        let copy = home.file(name);
        tool("cp", &["-r", intact.to_str().unwrap(), copy.to_str().unwrap()]);
        damage(&copy);
        (name.to_owned(), copy)
    };
    let segments = ["video/180p", "video/90p"];
    let folders: BTreeMap<String, PathBuf> = [
        damaged("no-segment", &|dir| {
            segments.iter().for_each(|rung| std::fs::remove_file(dir.join(rung).join("00001.m4s")).unwrap());
        }),
        damaged("no-init", &|dir| {
            segments
                .iter()
                .for_each(|rung| std::fs::write(dir.join(rung).join("init.mp4"), "no box").unwrap());
        }),
    ]
    .into();
    let report = play(folders.iter().map(|(name, folder)| (name.as_str(), folder.as_path(), &film)));
    let plays = report["plays"].as_array().unwrap();
    assert_eq!(plays.len(), folders.len() * PLAYS);
    for play in plays {
        let folder = &folders[play["film"].as_str().unwrap()];
        assert!(!complaints(&film, &Published::read(folder), play).is_empty(), "nothing was noticed: {play}");
    }
}

/// Publishes the sources in one run: name → folder.
fn publish(home: &TempHome, films: &[Film]) -> BTreeMap<&'static str, PathBuf> {
    let settings = home.file("settings/config.toml");
    std::fs::write(&settings, SETTINGS).unwrap();
    let sources = films.iter().flat_map(|film| std::iter::once(&film.source).chain(&film.captions));
    let sources: Vec<&Path> = sources.map(PathBuf::as_path).collect();
    let (status, mut run) = home.run_with(&["--config", settings.to_str().unwrap()], &sources);
    assert_eq!((status, run.len()), (0, sources.len()), "{run:#?}");
    run.retain(|line| line["state"] != "attached");
    let folder =
        |line: &Value| Path::new(line["outputs"]["hls"].as_str().unwrap()).parent().unwrap().to_path_buf();
    let by_source: BTreeMap<&str, PathBuf> =
        run.iter().map(|line| (line["source"]["path"].as_str().unwrap(), folder(line))).collect();
    films.iter().map(|film| (film.name, by_source[film.source.to_str().unwrap()].clone())).collect()
}

/// Plays every film and says what is wrong.
fn judge(films: &[Film], published: &BTreeMap<&str, PathBuf>) -> Vec<String> {
    let report = play(films.iter().map(|film| (film.name, published[film.name].as_path(), film)));
    let mut wrong: Vec<String> =
        report["missed"].as_array().unwrap().iter().map(|path| format!("not there: {path}")).collect();
    let plays = report["plays"].as_array().unwrap();
    assert_eq!(plays.len(), films.len() * PLAYS);
    for play in plays {
        let film = films.iter().find(|film| play["film"] == film.name).unwrap();
        let player = format!("{} {}", play["player"].as_str().unwrap(), play["manifest"].as_str().unwrap());
        let found = complaints(film, &Published::read(&published[film.name]), play);
        if !found.is_empty() {
            wrong.push(format!("{} in {player}: {found:#?} {play}", film.name));
        }
    }
    wrong
}

/// The report of `play.mjs` about films, each with its name and the folder of its publication.
fn play<'a>(films: impl Iterator<Item = (&'a str, &'a Path, &'a Film)>) -> Value {
    let one = |(name, folder, film): (&str, &Path, &Film)| {
        let picture_end = film.last_picture_s.map_or(0.0, |(_, end)| end);
        (name.to_owned(), json!({ "folder": folder, "picture_end": picture_end }))
    };
    let films: serde_json::Map<String, Value> = films.map(one).collect();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/players/play.mjs");
    let modules = reelgate_stand_ins::players();
    let arguments = [&script, &modules].map(|path| path.to_str().unwrap());
    let report = tool("node", &[&arguments[..], &[CHROMIUM, &Value::from(films).to_string()]].concat());
    serde_json::from_str(&report).unwrap_or_else(|error| panic!("not JSON ({error}): {report}"))
}
