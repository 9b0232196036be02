//! Personal data is found where it is planted, and appears nowhere it must not.

use std::path::{Path, PathBuf};

use crate::support::{Home, sample, tool};

/// Invented values, one for each place.
const IN_NAME: &str = "4539578763621486";
const IN_TAG: &str = "planted.person@example-mail.net";
const IN_SUBTITLE: &str = "219-09-9876";

/// A video with a value in its name, in a tag and in a subtitle.
fn planted(home: &Home) -> PathBuf {
    let cues = home.file("cues.srt");
    std::fs::write(
        &cues,
        format!("1\n00:00:01,000 --> 00:00:02,000\nMy social security number is {IN_SUBTITLE}\n"),
    )
    .unwrap();
    let path = home.file(&format!("card {IN_NAME}.mkv"));
    let source = sample("big-buck-bunny-5s.mp4");
    let head = [
        "-v",
        "error",
        "-y",
        "-i",
        source.to_str().unwrap(),
        "-i",
        cues.to_str().unwrap(),
        "-map",
        "0",
        "-map",
        "1",
    ];
    let tag = format!("comment=write to {IN_TAG}");
    tool(
        "ffmpeg",
        &[
            &head[..],
            &["-c:v", "copy", "-c:a", "copy", "-c:s", "srt", "-metadata", &tag, path.to_str().unwrap()],
        ]
        .concat(),
    );
    path
}

#[test]
fn planted_values_are_found_and_appear_in_no_log_notice_metric_or_finding() {
    let home = Home::new();
    let path = planted(&home);
    let mut command = home.command(&["run", "--json", "--log", "trace"]);
    let output = command.arg(&path).output().unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
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
    for surface in ["file_name", "tag", "subtitle"] {
        assert!(surfaces.contains(&surface), "{surface} not among {surfaces:?}");
    }
    assert!(log.lines().count() > 20, "expected a trace log, found {} lines", log.lines().count());
    let notices = std::fs::read_to_string(home.path().join("notices.jsonl")).unwrap();
    for value in [IN_NAME, IN_TAG, IN_SUBTITLE] {
        assert!(!log.contains(value), "the log holds {value}");
        assert!(!notices.contains(value), "a notice holds {value}");
        assert!(!line["findings"].to_string().contains(value), "a finding holds {value}");
        assert!(!line["reason"].to_string().contains(value), "the reason holds {value}");
    }
}

#[test]
fn a_quarantined_asset_leaves_no_readable_output_and_its_source_is_kept_apart() {
    let home = Home::new();
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
    let kept: Vec<&PathBuf> =
        found.iter().filter(|path| path.starts_with(home.path().join("quarantine"))).collect();
    // Beside it lies the plan of what was taken, which holds no key.
    let kept: Vec<&PathBuf> = kept.into_iter().filter(|path| !path.ends_with("quarantine.json")).collect();
    assert_eq!(kept.len(), 1, "{found:?}");
    assert_eq!(std::fs::read(kept[0]).unwrap(), std::fs::read(&source).unwrap(), "kept as it was");
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
    let home = Home::new();
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
