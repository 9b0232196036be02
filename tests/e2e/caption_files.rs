//! Caption files beside a film are published with it, whichever arrives first, and a finding in one holds the film.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::decisions::clip;
use crate::service::{Service, until};
use crate::support::{TempHome, code, lines, outcome, talk, tool, undocumented};

/// A card number that no bank has given out.
const CARD: &str = "4539 5787 6362 1486";
const SRT: &str =
    "1\n00:00:00,200 --> 00:00:00,900\n<i>Guten</i> Tag\n\n2\n00:00:01,000 --> 00:00:01,500\nEnde\n";
const TTML: &str = r#"<tt xmlns="http://www.w3.org/ns/ttml"><body><div><p begin="0.2s" end="0.9s">Bonjour</p></div></body></tt>"#;
const ASS: &str = "[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\nDialogue: 0,0:00:00.20,0:00:00.90,D,,0,0,0,,{\\i1}Hola\n";
const VTT: &str = "WEBVTT\n\n00:00.200 --> 00:00.900\n(sirens) Hello\n";

fn file(home: &TempHome, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
    let path = home.file(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn dir(line: &Value) -> PathBuf {
    let hls = line["outputs"]["hls"].as_str().unwrap_or_else(|| panic!("not published: {line}"));
    Path::new(hls).parent().unwrap().to_path_buf()
}

fn read(dir: &Path, name: &str) -> String {
    std::fs::read_to_string(dir.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The line of a file of this name.
fn line<'a>(lines: &'a [Value], name: &str) -> &'a Value {
    let is_it = |line: &&Value| line["source"]["path"].as_str().unwrap().ends_with(name);
    lines.iter().find(is_it).unwrap_or_else(|| panic!("{name} is not among {lines:?}"))
}

/// The lines of a multivariant playlist about subtitles.
fn subtitles(dir: &Path) -> Vec<String> {
    let master = read(dir, "master.m3u8");
    master.lines().filter(|line| line.contains("TYPE=SUBTITLES")).map(str::to_owned).collect()
}

fn surface<'a>(line: &'a Value, name: &str) -> &'a Value {
    line["surfaces"].as_array().unwrap().iter().find(|one| one["surface"] == name).unwrap()
}

#[test]
fn caption_files_are_published_with_their_language_and_what_they_are_for() {
    let home = TempHome::encoding_quickly();
    let film = clip(&home, "film.mp4", 0);
    let utf16: Vec<u8> = format!("\u{feff}{SRT}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    file(&home, "film.de.default.srt", utf16);
    file(&home, "film.en.sdh.vtt", VTT);
    file(&home, "film.es.ass", ASS);
    file(&home, "film.fr.forced.ttml", TTML);
    file(&home, "film.pt-BR.srt", b"1\n00:00:00,200 --> 00:00:00,900\nS\xe3o Paulo\n");
    let lone = file(&home, "other.srt", SRT);
    let uploads = film.parent().unwrap();
    let (status, run) = home.run(&[uploads]);
    assert_eq!((status, run.len()), (3, 7), "{run:?}");
    let film = line(&run, "film.mp4");
    assert_eq!(outcome(film), "published", "{film}");
    assert_eq!(undocumented(film), [""; 0]);
    let attached = run.iter().filter(|line| line["state"] == "attached").count();
    assert_eq!((attached, film["beside"].as_array().unwrap().len()), (5, 5), "{film}");
    assert_eq!(
        (line(&run, "other.srt")["state"].as_str(), code(line(&run, "other.srt"))),
        (Some("rejected"), "film_missing")
    );
    assert!(lone.exists(), "`run` moves nothing");

    let dir = dir(film);
    let listed = subtitles(&dir);
    for (words, expected) in [
        ("NAME=\"de\"", "DEFAULT=YES"),
        ("NAME=\"en SDH\"", "CHARACTERISTICS=\"public.accessibility.transcribes-spoken-dialog"),
        ("NAME=\"es\"", "LANGUAGE=\"es\""),
        ("NAME=\"fr forced\"", "FORCED=YES"),
    ] {
        let found =
            listed.iter().find(|line| line.contains(words)).unwrap_or_else(|| panic!("{words}: {listed:?}"));
        assert!(found.contains(expected), "{found}");
    }
    assert_eq!(listed.len(), 4);
    assert!(read(&dir, "manifest.mpd").contains("forced-subtitle"));
    // What an independent reader reads.
    let srt = tool(
        "ffmpeg",
        &["-v", "error", "-i", dir.join("captions-1/captions.vtt").to_str().unwrap(), "-f", "srt", "-"],
    );
    assert!(
        srt.contains("00:00:00,200 --> 00:00:00,900") && srt.contains("Guten Tag") && srt.contains("Ende"),
        "{srt}"
    );
    let texts =
        ["captions-2", "captions-3", "captions-4"].map(|name| read(&dir, &format!("{name}/captions.vtt")));
    assert!(texts[0].contains("(sirens) Hello") && texts[1].contains("Hola") && texts[2].contains("Bonjour"));

    let left_out = film["left_out"].as_array().unwrap();
    assert_eq!((left_out.len(), &left_out[0]["code"]), (1, &"caption_encoding".into()), "{film}");
    assert_eq!(left_out[0]["file"], line(&run, "film.pt-BR.srt")["asset_id"]);
    let searched = surface(film, "caption_files");
    assert_eq!((&searched["state"], &film["verdict"]), (&"partly".into(), &"clean".into()), "{searched}");
    let id = film["asset_id"].as_str().unwrap();
    assert_eq!(home.reelgate(&["verify", id]).status.code(), Some(0));
    let shown = home.reelgate(&["show", id]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("film.de.default.srt") && shown.contains("attached"), "{shown}");
}

#[test]
fn a_file_that_policy_requires_and_cannot_be_read_holds_the_film() {
    let home = TempHome::encoding_quickly();
    let film = clip(&home, "film.mp4", 0);
    file(&home, "film.srt", "no captions\n");
    let config = file(&home, "strict/reelgate.toml", "[privacy]\nsurfaces = [\"caption_files\"]\n");
    let captions = film.with_extension("srt");
    let (_, run) = home.run_with(&["--config", config.to_str().unwrap()], &[&film, &captions]);
    let film = line(&run, "film.mp4");
    assert_eq!((film["state"].as_str(), code(film)), (Some("quarantined"), "screening_incomplete"), "{film}");
    assert_eq!(line(&run, "film.srt")["state"], "quarantined");
}

#[test]
fn a_late_file_is_searched_and_published_with_the_same_encodes() {
    let home = TempHome::encoding_quickly();
    let film = clip(&home, "film.mp4", 0);
    let (_, first) = home.run(&[&film]);
    let (dir, id) = (dir(&first[0]), first[0]["asset_id"].as_str().unwrap().to_owned());
    let video = || {
        std::fs::read(dir.join("video/180p/00000.m4s"))
            .or_else(|_| std::fs::read(dir.join("audio/00000.m4s")))
    };
    let before = video().unwrap();
    assert!(subtitles(&dir).is_empty());
    let late = file(&home, "film.de.srt", SRT);
    let (status, run) = home.run(&[&late]);
    assert_eq!(status, 0, "{run:?}");
    assert_eq!((subtitles(&dir).len(), video().unwrap()), (1, before));
    let show = || {
        let shown = home.reelgate(&["show", &id, "--json"]);
        lines(&shown.stdout, &talk(&shown)).remove(0)
    };
    assert_eq!(surface(&show(), "caption_files")["lines"], 2);
    for stage in ["package", "screen", "enrich", "transcode"] {
        assert!(home.reelgate(&["redo", &id, "--stage", stage]).status.success(), "{stage}");
        home.run(&[&film]);
        assert_eq!((show()["state"].as_str(), subtitles(&dir).len()), (Some("published"), 1), "{stage}");
    }

    // One with a card number takes film and files with it, and a release brings them back.
    let bad = file(&home, "film.en.srt", SRT.replace("Ende", &format!("card {CARD}")));
    home.run(&[&bad]);
    let held = show();
    assert_eq!((held["state"].as_str(), code(&held)), (Some("quarantined"), "personal_data"), "{held}");
    let place = &held["findings"][0]["locations"][0];
    assert_eq!(place["surface"], "caption_file", "{held}");
    assert!(!dir.exists(), "nothing of it is visible");
    let released = home.reelgate(&["release", &id, "--by", "ann", "--reason", "ticket 7"]);
    assert!(released.status.success(), "{}", talk(&released));
    home.run(&[&film]);
    assert_eq!(show()["state"], "published");
}

#[test]
fn a_file_with_a_finding_is_withheld_where_policy_redacts() {
    let home = TempHome::encoding_quickly();
    let config = file(
        &home,
        "config/reelgate.toml",
        "[[privacy.rules]]\nseverity = \"medium\"\naction = \"redact_then_publish\"\n",
    );
    let film = clip(&home, "film.mp4", 0);
    let bad = file(&home, "film.en.srt", SRT.replace("Ende", &format!("card {CARD}")));
    let good = file(&home, "film.de.srt", SRT);
    let (_, run) = home.run_with(&["--config", config.to_str().unwrap()], &[&film, &bad, &good]);
    let film = line(&run, "film.mp4");
    assert_eq!(outcome(film), "published", "{film}");
    let listed = subtitles(&dir(film));
    assert!(listed.len() == 1 && listed[0].contains("LANGUAGE=\"de\""), "{listed:?}");
    assert_eq!(film["left_out"][0]["why"], "redacted", "{film}");
    let found =
        std::process::Command::new("grep").args(["-rlE", "4539|card"]).arg(dir(film)).output().unwrap();
    assert!(found.stdout.is_empty(), "{}", String::from_utf8_lossy(&found.stdout));
}

#[test]
fn the_same_film_with_other_captions_shares_neither_its_captions_nor_its_verdict() {
    let home = TempHome::encoding_quickly();
    let first = clip(&home, "a/film.mp4", 0);
    file(&home, "a/film.srt", SRT.replace("Ende", &format!("card {CARD}")));
    let second = home.file("b/film.mp4");
    std::fs::copy(&first, &second).unwrap();
    let third = home.file("c/film.mp4");
    std::fs::copy(&first, &third).unwrap();
    file(&home, "c/film.srt", SRT);
    let uploads = first.parent().unwrap().parent().unwrap().to_path_buf();
    let (_, run) = home.run(&[&uploads]);
    assert_eq!(line(&run, "a/film.mp4")["state"], "quarantined");
    let (second, third) = (line(&run, "b/film.mp4"), line(&run, "c/film.mp4"));
    assert_eq!((outcome(second), outcome(third)), ("published", "published"), "{second} {third}");
    assert_eq!((subtitles(&dir(second)).len(), subtitles(&dir(third)).len()), (0, 1));
}

#[test]
fn a_file_that_arrives_first_waits_for_its_film_and_goes_where_the_film_goes() {
    let home = TempHome::new();
    let service = Service::start(&home);
    let ingest = home.path().join("ingest");
    let put = |from: &Path, key: &str| std::fs::rename(from, ingest.join(key)).unwrap();
    put(&file(&home, "film.de.srt", SRT), "film.de.srt");
    let assets = || {
        let listed = home.reelgate(&["list", "--json"]);
        let found = lines(&listed.stdout, &talk(&listed));
        let of =
            |line: &Value| (line["source"]["path"].clone(), line["state"].clone(), line["asset_id"].clone());
        found.iter().map(of).collect::<Vec<_>>()
    };
    let is = |key: &'static str, state: &'static str| {
        move |all: &Vec<(Value, Value, Value)>| all.iter().any(|(path, now, _)| path == key && now == state)
    };
    until("the file is taken", assets, is("film.de.srt", "received"));
    put(&clip(&home, "film.mp4", 0), "film.mp4");
    let all = until("the film is published", assets, is("film.mp4", "published"));
    until("the file is attached", assets, is("film.de.srt", "attached"));
    let id = all.iter().find(|(path, ..)| path == "film.mp4").unwrap().2.as_str().unwrap().to_owned();
    let published = home.path().join("published/film.mp4");
    until("the captions are published", || subtitles(&published).len(), |found| *found == 1);
    until("the film is published", assets, is("film.mp4", "published"));
    let decide = |what: &str| {
        let output = home.reelgate(&[what, &id, "--by", "ann", "--reason", "ticket 7"]);
        assert!(output.status.success(), "{what}: {}", talk(&output));
    };
    decide("quarantine");
    until("the file is quarantined", assets, is("film.de.srt", "quarantined"));
    assert!(!ingest.join("film.de.srt").exists());
    until("the film is quarantined", assets, is("film.mp4", "quarantined"));
    decide("erase");
    until("both are erased", assets, |all| all.iter().all(|(_, state, _)| state == "erased"));
    let left = tool("find", &[home.path().to_str().unwrap(), "-name", "*film*"]);
    assert!(left.trim().is_empty(), "{left}");
    assert_eq!(service.stop(), Some(0));
}
