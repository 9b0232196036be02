//! Every real file ends, and ends as documented.

use std::collections::BTreeMap;

use crate::support::{TempHome, code, corpus};

#[test]
fn every_file_of_the_corpus_ends_as_docs_corpus_says() {
    let Some(shared) = corpus("real files of many origins") else { return };
    let home = TempHome::new();
    // Keys are paths without links and detours.
    let files = shared.join("files").canonicalize().unwrap();
    let (_, run) = home.run(&[&files]);
    assert!(run.len() >= 78, "{} assets", run.len());
    let documented = documented();
    let mut wrong = Vec::new();
    for line in &run {
        let path = line["source"]["path"].as_str().unwrap();
        let name = path.strip_prefix(&format!("{}/", files.display())).unwrap();
        let state = line["state"].as_str().unwrap();
        let found = match state {
            "rejected" => code(line),
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

/// File to end: `published`, `quarantined` or the code of the refusal, from the table of the guide.
fn documented() -> BTreeMap<String, String> {
    let rows = include_str!("../../docs/reference/corpus.md").lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.splitn(2, "` | ");
        let (name, rest) = (cells.next()?, cells.next()?);
        Some((name.to_owned(), rest.split(" |").next()?.trim_matches('`').to_owned()))
    });
    rows.collect()
}
