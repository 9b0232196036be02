//! Planted personal data is found, and appears nowhere else.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::service::{Service, until};
use crate::support::{TempHome, lines, sample, talk, tool};

/// Invented values, one for each place.
const IN_NAME: &str = "4539578763621486";
const IN_TAG: &str = "planted.person@example-mail.net";
const IN_SUBTITLE: &str = "219-09-9876";
const IN_CHAPTER: &str = "DE89370400440532013000";
const ALL: [&str; 4] = [IN_NAME, IN_TAG, IN_SUBTITLE, IN_CHAPTER];
/// Columns that name the upload, which its owner chooses; no other column may hold a value.
const NAMING: [&str; 3] = ["assets.key", "assets.location", "assets.published_location"];

/// A video with a value in its name, in a tag, in a subtitle and in a chapter.
fn planted(home: &TempHome) -> PathBuf {
    let (cues, chapters) = (home.file("cues.srt"), home.file("chapters.txt"));
    let cue = format!("1\n00:00:01,000 --> 00:00:02,000\nMy social security number is {IN_SUBTITLE}\n");
    std::fs::write(&cues, cue).unwrap();
    let chapter = format!(
        ";FFMETADATA1\ncomment=write to {IN_TAG}\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=2000\ntitle=pay to {IN_CHAPTER}\n"
    );
    std::fs::write(&chapters, chapter).unwrap();
    let path = home.file(&format!("card {IN_NAME}.mkv"));
    let video = sample("big-buck-bunny-5s.mp4");
    let inputs = [&video, &cues, &chapters].map(|file| file.to_str().unwrap());
    let head = ["-v", "error", "-y", "-i", inputs[0], "-i", inputs[1], "-i", inputs[2]];
    let maps = ["-map", "0", "-map", "1", "-map_metadata", "2", "-map_chapters", "2"];
    let codecs = ["-c:v", "copy", "-c:a", "copy", "-c:s", "srt", path.to_str().unwrap()];
    tool("ffmpeg", &[&head[..], &maps, &codecs].concat());
    path
}

/// Every `table.column` of the database that holds one of the values.
fn columns_with_values(home: &TempHome) -> BTreeSet<String> {
    const DUMP: &str = "
import sqlite3, sys
base = sqlite3.connect('file:' + sys.argv[1] + '?mode=ro', uri=True)
cells = 0
for (table,) in base.execute(\"SELECT name FROM sqlite_master WHERE type = 'table'\").fetchall():
    rows = base.execute(f'SELECT * FROM \"{table}\"')
    for row in rows:
        for column, cell in zip(rows.description, row):
            cells += 1
            text = cell.decode('latin-1') if isinstance(cell, bytes) else str(cell)
            if any(value in text for value in sys.argv[2:]):
                print(f'{table}.{column[0]}')
assert cells > 500, cells
";
    let base = home.path().join("reelgate.sqlite");
    let found = tool("python3", &[&["-c", DUMP, base.to_str().unwrap()], &ALL[..]].concat());
    found.lines().map(str::to_owned).collect()
}

#[test]
fn planted_values_are_found_and_appear_nowhere_but_in_what_names_the_upload() {
    let home = TempHome::new();
    let path = planted(&home);
    let mut command = home.command(&["run", "--json", "--log", "trace"]);
    let output = command.arg(&path).output().unwrap();
    // Beside the log, a run that takes long names the upload that it works on.
    let said = String::from_utf8(output.stderr).unwrap();
    let log: String =
        said.lines().filter(|line| !line.starts_with("  ")).map(|line| line.to_owned() + "\n").collect();
    let line = &crate::support::lines(&output.stdout, &log)[0];
    assert_eq!(line["state"], "quarantined", "{line}");
    assert!(line["outputs"].is_null());
    let surfaces: Vec<&str> = line["findings"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|finding| finding["locations"].as_array().unwrap())
        .map(|location| location["surface"].as_str().unwrap())
        .collect();
    for surface in ["file_name", "tag", "subtitle", "chapter"] {
        assert!(surfaces.contains(&surface), "{surface} not among {surfaces:?}");
    }
    assert!(log.contains(r#""level":"DEBUG""#), "expected a detailed log, found {log}");
    // Lines of libraries would hold names of objects.
    for line in log.lines().filter(|line| line.starts_with('{')) {
        assert!(line.contains(r#""target":"reelgate"#), "{line}");
    }
    let notices = std::fs::read_to_string(home.path().join("notices.jsonl")).unwrap();
    let id = line["asset_id"].as_str().unwrap();
    let why = home.reelgate(&["why", id, "--json"]);
    let audit = home.file("audit.jsonl");
    let exported = home.reelgate(&["audit", "export", audit.to_str().unwrap()]);
    assert_eq!(exported.status.code(), Some(0), "{}", talk(&exported));
    let (findings, reason) = (line["findings"].to_string(), line["reason"].to_string());
    for (what, text) in [
        ("the log", &log),
        ("a notice", &notices),
        ("a finding", &findings),
        ("the reason", &reason),
        ("the history", &String::from_utf8(why.stdout).unwrap()),
        ("the audit log", &std::fs::read_to_string(audit).unwrap()),
    ] {
        assert!(text.len() > 20, "{what} is empty");
        for value in ALL {
            assert!(!text.contains(value), "{what} holds {value}");
        }
    }
    let columns = columns_with_values(&home);
    assert!(columns.contains("assets.key"), "{columns:?}");
    assert!(columns.iter().all(|column| NAMING.contains(&column.as_str())), "{columns:?}");
}

#[test]
fn planted_values_appear_in_no_metric() {
    let home = TempHome::new();
    let path = planted(&home);
    let service = Service::start(&home);
    std::fs::rename(&path, home.path().join("ingest").join(path.file_name().unwrap())).unwrap();
    let ended = || {
        let listed = home.reelgate(&["list", "--json", "--state", "quarantined"]);
        lines(&listed.stdout, &talk(&listed)).len()
    };
    until("it is quarantined", ended, |count| *count == 1);
    let counted =
        |answer: &(u16, String)| answer.1.contains("reelgate_assets_ended_total{phase=\"quarantined\"} 1");
    let (_, metrics) = until("the end is counted", || service.get("/metrics"), counted);
    for value in ALL {
        assert!(!metrics.contains(value), "a metric holds {value}");
    }
    assert_eq!(service.stop(), Some(0));
}

#[test]
fn a_quarantined_asset_leaves_no_readable_output_and_its_source_is_kept_in_quarantine() {
    let home = TempHome::new();
    let source = sample("planted-card-number.mp4");
    let (status, run) = home.run(&[&source]);
    assert_eq!(status, 3);
    assert_eq!(
        (run[0]["state"].as_str(), run[0]["reason"]["code"].as_str()),
        (Some("quarantined"), Some("personal_data"))
    );
    let found = files(&home.path());
    let outputs: Vec<&PathBuf> = found
        .iter()
        .filter(|path| {
            ["m4s", "m3u8", "mpd", "jpg", "vtt", "jsonl"]
                .iter()
                .any(|end| path.extension().is_some_and(|e| e == *end))
        })
        .collect();
    assert_eq!(outputs, [&home.path().join("notices.jsonl")], "outputs are left");
    let mut kept: Vec<&PathBuf> =
        found.iter().filter(|path| path.starts_with(home.path().join("quarantine"))).collect();
    kept.sort();
    let names: Vec<_> = kept.iter().map(|path| path.file_name().unwrap()).collect();
    assert_eq!(names, ["quarantine.json", "source"], "the record of what was taken, and the upload");
    assert_eq!(std::fs::read(kept[1]).unwrap(), std::fs::read(&source).unwrap(), "kept as it was");
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        if entry.path().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

#[test]
fn a_linked_copy_with_a_card_number_in_its_own_name_is_quarantined() {
    let home = TempHome::new();
    let copy = home.file(&format!("card {IN_NAME}.mp4"));
    std::fs::copy(sample("big-buck-bunny-5s.mp4"), &copy).unwrap();
    let (_, first) = home.run(&[&sample("big-buck-bunny-5s.mp4")]);
    assert_eq!(first[0]["state"], "published");
    let (_, second) = home.run(&[&copy]);
    assert_eq!(second[0]["state"], "quarantined", "{}", second[0]);
    assert_eq!(
        home.reelgate(&["verify", first[0]["asset_id"].as_str().unwrap()]).status.code(),
        Some(0),
        "the first stays"
    );
}
