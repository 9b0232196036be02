//! Uploads whose events arrive in another order or twice end the same.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::support::{TempHome, sample};

/// The outcome of an asset without ids, paths of the home and times.
fn outcome(line: &Value) -> (String, (Value, Value, Value, Value)) {
    let name = Path::new(line["source"]["path"].as_str().unwrap())
        .file_name()
        .unwrap()
        .to_string_lossy()
        .into_owned();
    (
        name,
        (
            line["state"].clone(),
            line["verdict"].clone(),
            line["reason"]["code"].clone(),
            line["renditions"].clone(),
        ),
    )
}

#[test]
fn doubled_and_reordered_intake_ends_like_the_ordered_one() {
    let names = ["big-buck-bunny-5s.mp4", "planted-card-number.mp4", "playlist-in-disguise.mp4"];
    let paths: Vec<_> = names.iter().map(|name| sample(name)).collect();
    let ordered: Vec<&Path> = paths.iter().map(|path| path.as_path()).collect();
    let (_, first) = TempHome::new().run(&ordered);
    let expected: BTreeMap<_, _> = first.iter().map(outcome).collect();
    assert_eq!(expected.len(), 3);
    let mut shuffled: Vec<&Path> = ordered.iter().rev().chain(&ordered).copied().collect();
    shuffled.swap(0, 2);
    let home = TempHome::new();
    let (_, second) = home.run(&shuffled);
    assert_eq!(second.len(), 3, "each upload once");
    assert_eq!(second.iter().map(outcome).collect::<BTreeMap<_, _>>(), expected);
    let notices = std::fs::read_to_string(home.path().join("notices.jsonl")).unwrap();
    assert_eq!(notices.lines().count(), 3, "one notice each");
    let (_, third) = home.run(&ordered);
    assert_eq!(
        third.iter().map(outcome).collect::<BTreeMap<_, _>>(),
        expected,
        "a later repeat changes nothing"
    );
    assert_eq!(std::fs::read_to_string(home.path().join("notices.jsonl")).unwrap(), notices);
}

#[test]
fn an_old_file_copied_over_a_newer_one_with_its_time_is_the_newer_upload() {
    let home = TempHome::new();
    let upload = home.file("video.mp4");
    std::fs::write(&upload, "not a video, new\n").unwrap();
    let (_, first) = home.run(&[&upload]);
    assert_eq!(first[0]["state"], "rejected");
    let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    std::fs::write(&upload, "not a video either, and old\n").unwrap();
    std::fs::File::options().write(true).open(&upload).unwrap().set_modified(old).unwrap();
    let (_, second) = home.run(&[&upload]);
    assert_eq!(second[0]["state"], "rejected", "it was taken for an older version: {}", second[0]);
    assert_ne!(second[0]["asset_id"], first[0]["asset_id"]);
}
