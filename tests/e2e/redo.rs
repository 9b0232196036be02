//! `reelgate redo` replaces part of a published asset and keeps the rest.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{TempHome, lines, sample, talk};

const SAMPLE: &str = "big-buck-bunny-5s.mp4";

/// A published sample.
struct Published {
    home: TempHome,
    id: String,
    dir: PathBuf,
}

impl Published {
    fn new() -> Self {
        let home = TempHome::new();
        let (status, shown) = home.run(&[&sample(SAMPLE)]);
        assert_eq!(status, 0, "{shown:?}");
        let id = shown[0]["asset_id"].as_str().unwrap().to_owned();
        let dir = Path::new(shown[0]["outputs"]["hls"].as_str().unwrap()).parent().unwrap().to_owned();
        Self { home, id, dir }
    }

    fn redo(&self, part: &[&str]) {
        let mut arguments = vec!["redo", &self.id];
        arguments.extend(part);
        let output = self.home.reelgate(&arguments);
        assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    }

    /// Runs the due work with these settings.
    fn run(&self, settings: &[(&str, &str)]) -> Value {
        let mut command = self.home.command(&["run", "--json"]);
        let output = command.arg(sample(SAMPLE)).envs(settings.iter().copied()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
        lines(&output.stdout, "").remove(0)
    }

    fn files(&self) -> BTreeMap<String, (u64, Vec<u8>)> {
        let mut found = BTreeMap::new();
        collect(&self.dir, &self.dir, &mut found);
        found
    }
}

/// Relative path → inode and bytes.
fn collect(root: &Path, dir: &Path, found: &mut BTreeMap<String, (u64, Vec<u8>)>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, found);
        } else {
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            found.insert(name, (path.metadata().unwrap().ino(), std::fs::read(&path).unwrap()));
        }
    }
}

fn attempts(shown: &Value, stage: &str) -> u64 {
    let stages = shown["stages"].as_array().unwrap();
    let of_stage = stages.iter().find(|row| row["stage"] == stage);
    of_stage.unwrap_or_else(|| panic!("{stages:?}"))["attempts"].as_u64().unwrap()
}

#[test]
fn a_redo_encodes_a_rendition_again_and_restores_a_lost_file() {
    let published = Published::new();
    let before = published.files();
    let lost = before.keys().find(|name| name.starts_with("video/") && name.ends_with(".m4s")).unwrap();
    std::fs::remove_file(published.dir.join(lost)).unwrap();
    let rendition = lost.split('/').nth(1).unwrap();
    published.redo(&["--rendition", rendition]);
    assert!(published.dir.join("manifest.json").is_file(), "what is published stays until then");
    let shown = published.run(&[]);
    assert_eq!(shown["state"], "published");
    assert_eq!((attempts(&shown, "transcode"), attempts(&shown, "enrich")), (2, 1), "{shown}");
    let after = published.files();
    let bytes = |files: &BTreeMap<String, (u64, Vec<u8>)>| -> BTreeMap<String, Vec<u8>> {
        files.iter().map(|(name, (_, bytes))| (name.clone(), bytes.clone())).collect()
    };
    assert!(bytes(&before) == bytes(&after), "the same settings give the same bytes");
    let audio = |name: &&String| name.starts_with("audio/") && name.ends_with(".m4s");
    let kept = before.keys().find(audio).unwrap();
    assert_eq!(before[kept].0, after[kept].0, "the audio was not touched");
    assert_eq!(published.home.reelgate(&["verify", &published.id]).status.code(), Some(0));
}

#[test]
fn a_redo_from_validation_uses_new_settings_and_leaves_no_old_output() {
    let published = Published::new();
    let before = published.files();
    published.redo(&["--stage", "validate"]);
    let shown = published.run(&[("REELGATE__MEDIA__VIDEO__CRF", "35")]);
    assert_eq!(
        (shown["state"].as_str(), shown["asset_id"].as_str()),
        (Some("published"), Some(&*published.id))
    );
    let after = published.files();
    let size = |files: &BTreeMap<String, (u64, Vec<u8>)>| -> usize {
        files.iter().filter(|(name, _)| name.starts_with("video/")).map(|(_, (_, bytes))| bytes.len()).sum()
    };
    assert!(size(&after) < size(&before), "a coarser quality is smaller");
    assert_eq!(published.home.reelgate(&["verify", &published.id]).status.code(), Some(0));
    let work = published.home.path().join("work");
    let names: Vec<_> = std::fs::read_dir(&work).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, [".turns"], "nothing staged is left");
    let mut left = BTreeMap::new();
    collect(&work, &work, &mut left);
    assert!(left.is_empty(), "the directories of turns hold {left:?}");
}

#[test]
fn a_redo_of_screening_reads_the_text_again() {
    let published = Published::new();
    published.redo(&["--stage", "screen"]);
    let shown = published.run(&[]);
    assert_eq!(shown["state"], "published");
    assert_eq!((attempts(&shown, "screen"), attempts(&shown, "enrich")), (2, 2), "{shown}");
}

#[test]
fn an_impossible_redo_is_refused_with_the_reason() {
    let published = Published::new();
    for (arguments, why) in [
        (["redo", &published.id, "--rendition", "8k"], "expected one of its renditions"),
        (["redo", "zzzzzz", "--stage", "publish"], "zzzzzz"),
    ] {
        let refused = published.home.reelgate(&arguments);
        assert_eq!(refused.status.code(), Some(2));
        assert!(talk(&refused).contains(why), "{}", talk(&refused));
    }
    published.redo(&["--stage", "package"]);
    let twice = published.home.reelgate(&["redo", &published.id, "--stage", "package"]);
    assert_eq!(twice.status.code(), Some(2));
    assert!(talk(&twice).contains("found it processing"), "{}", talk(&twice));
}
