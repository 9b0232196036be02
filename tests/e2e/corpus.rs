//! Every file of the test media and every real file ends as documented.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::{TempHome, is_full_size, outcome};

/// One small rung, encoded quickly, and few samples: how a file ends does not depend on them.
const SMALL_OUTPUTS: &str = "[media.video]\npreset = \"ultrafast\"\n\
     [[media.video.rungs]]\nheight = 240\nbitrate_bps = 400000\n\
     [media.sample]\nsamples = 10\n";

#[test]
fn every_file_of_the_test_media_ends_as_their_index_says() {
    let home = TempHome::encoding_quickly();
    let (status, run) = home.run(&[&reelgate_test_media::files()]);
    assert_eq!(status, 3, "some are refused");
    let found: BTreeMap<&str, &Value> = run.iter().map(|line| (file_name(line), line)).collect();
    let expected = reelgate_test_media::all();
    assert_eq!((found.len(), run.len()), (expected.len(), expected.len()), "one asset for each file");
    let mut wrong = Vec::new();
    for file in &expected {
        let line = found[file.name()];
        let is_quarantined = line["state"] == "quarantined";
        let has_outputs = !line["outputs"].is_null();
        if outcome(line) != file.outcome
            || is_quarantined != (file.outcome == "personal_data")
            || has_outputs != file.is_published()
        {
            wrong.push(format!("{}: expected {}, found {line}", file.name(), file.outcome));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn file_name(line: &Value) -> &str {
    let path = line["source"]["path"].as_str().expect("each line names its source");
    path.rsplit('/').next().expect("a path has a last part")
}

#[test]
fn shared_files_end_as_docs_corpus_says() {
    let home = TempHome::new();
    // Keys are canonical paths.
    let files = reelgate_test_media::shared("media/files");
    let config = home.file("config.toml");
    std::fs::write(&config, if is_full_size() { "" } else { SMALL_OUTPUTS }).unwrap();
    let (_, run) = home.run_with(&["--config", config.to_str().unwrap()], &[&files]);
    assert!(run.len() >= 78, "{} assets", run.len());
    let documented = documented();
    let mut wrong = Vec::new();
    for line in &run {
        let path = line["source"]["path"].as_str().unwrap();
        let name = path.strip_prefix(&format!("{}/", files.display())).unwrap();
        let found = match line["state"].as_str().unwrap() {
            "rejected" | "quarantined" => outcome(line),
            "published" => "publishable",
            other => other,
        };
        match documented.get(name) {
            Some(expected) if expected == found => {}
            expected => {
                wrong.push(format!("{name}: documented {expected:?}, found {found} {}", line["reason"]))
            }
        }
        assert_ne!(line["reason"]["class"], "bug", "{name}: {}", line["reason"]);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// File → outcome from the table of the page: `publishable` or the code of the refusal.
fn documented() -> BTreeMap<String, String> {
    let rows = include_str!("../../docs/reference/corpus.md").lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.splitn(2, "` | ");
        let (name, rest) = (cells.next()?, cells.next()?);
        Some((name.to_owned(), rest.split(" |").next()?.trim_matches('`').to_owned()))
    });
    rows.collect()
}
