//! Inspection over the test media, over real files and over hostile ones.

mod agreement;
mod counted;
mod hostile;

use std::path::Path;

use gstreamer as gst;

use super::*;
use crate::corpus;
use reelgate_pipelines::messages::{Finished, Job, MediaLimits};
use reelgate_pipelines::recipes::sniff;
use reelgate_pipelines::trust::{self, Outputs};

struct Silent;

impl ProgressSink for Silent {
    fn progress(&self, _: u64, _: u64) {}
    fn output(&self, _: &str, _: &[u8]) -> Result<(), Fault> {
        unreachable!("inspection has no outputs")
    }
}

pub fn limits() -> MediaLimits {
    MediaLimits {
        pixels_max: 8_192 * 4_320,
        side_max: 8_192,
        tracks_max: 100,
        samples_max: 20_000_000,
        nesting_max: 32,
        duration_max_s: 86_400,
    }
}

/// Sniffs and inspects as the engine and a worker do, in this process.
fn inspect(path: &Path) -> Result<Inspection, Fault> {
    gst::init().unwrap();
    let source = corpus::open_path(path);
    let mut prefix = vec![0; sniff::PREFIX_BYTES_MAX];
    let read = source.read_at(0, &mut prefix).unwrap();
    let container = sniff::sniff(&prefix[..read], source.size_bytes())?;
    let job = InspectJob {
        container,
        size_bytes: source.size_bytes(),
        segment_ns: 4_000_000_000,
        limits: limits(),
    };
    let found = run(&job, source, Arc::new(Silent))?;
    // What the engine would not believe must not be said.
    let reply = Finished::Inspected(Box::new(found.clone()));
    trust::check(&Job::Inspect(job), &reply, &Outputs::new()).unwrap();
    Ok(found)
}

/// `docs/reference/corpus.md` as rows of path, expectation and reason.
fn expectations() -> Vec<[String; 3]> {
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/corpus.md");
    let text = std::fs::read_to_string(docs).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let mut cells = row.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', ""));
        [(); 3].map(|()| cells.next().unwrap())
    })
    .collect()
}

#[test]
fn the_test_media_end_as_their_index_says() {
    let mut wrong = Vec::new();
    for file in reelgate_test_media::all() {
        let found = inspect(&file.path).map_or_else(|fault| fault.code.as_str(), |_| "publishable");
        let expected = match file.outcome {
            // Decided before and after inspection.
            "published" | "personal_data" | "checksum_mismatch" | "checksum_unreadable" => "publishable",
            code => code,
        };
        if found != expected {
            wrong.push(format!("{}: expected {expected}, found {found}", file.name()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn shared_files_end_as_their_table_says() {
    let folder = reelgate_test_media::shared("media");
    let manifest = std::fs::read_to_string(folder.join("manifest.csv")).unwrap();
    let expectations = expectations();
    assert_eq!(expectations.len(), manifest.lines().count() - 1, "one row per file of the manifest");
    let mut wrong = Vec::new();
    for [path, expected, _] in &expectations {
        let found = match inspect(&folder.join("files").join(path)) {
            Ok(_) => "publishable".to_owned(),
            Err(fault) => fault.code.as_str().to_owned(),
        };
        let expected = match expected.as_str() {
            // Decided after inspection.
            "screening_incomplete" => "publishable",
            // What is no media may be a caption file.
            "film_missing" => "not_media",
            code => code,
        };
        if found != expected {
            wrong.push(format!("{path}: expected {expected}, found {found}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn shared_files_that_deviate_from_the_manifest_have_a_reason() {
    let folder = reelgate_test_media::shared("media");
    let manifest = std::fs::read_to_string(folder.join("manifest.csv")).unwrap();
    for [path, expected, reason] in expectations() {
        let row = manifest.lines().find(|row| row.starts_with(&format!("files/{path},")));
        let row = row.unwrap_or_else(|| panic!("{path} is not in the manifest"));
        let is_broken = broken_column(row);
        if is_broken == (expected == "publishable") {
            assert!(!reason.is_empty(), "{path} deviates without a reason");
        }
    }
}

/// The column `broken`; other columns quote what holds a comma.
fn broken_column(row: &str) -> bool {
    let mut quoted = false;
    let mut cells = vec![String::new()];
    for letter in row.chars() {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            letter => cells.last_mut().unwrap().push(letter),
        }
    }
    cells[16] == "yes"
}
