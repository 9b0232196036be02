//! The committed files are those that the code makes. `REELGATE_BLESS=1` writes them.

use std::path::Path;

use reelgate_signals::{alarms, cloudwatch, grafana, pages, rules};

#[test]
fn the_committed_files_are_those_of_the_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let below = |folder: &str, files: Vec<(String, String)>| -> Vec<(String, String)> {
        files.into_iter().map(|(name, text)| (format!("{folder}/{name}"), text)).collect()
    };
    let files = [
        below("deploy/dashboards", [grafana::files(), cloudwatch::files(), rules::files()].concat()),
        below("deploy/stack", alarms::files()),
        below(
            "docs/reference",
            vec![("metrics.md".to_owned(), pages::metrics()), ("alerts.md".to_owned(), pages::alerts())],
        ),
    ]
    .concat();
    assert_eq!(files.len(), 10);
    let mut differ = Vec::new();
    for (name, expected) in files {
        let path = root.join(&name);
        if std::fs::read_to_string(&path).unwrap_or_default() == expected {
            continue;
        }
        if std::env::var_os("REELGATE_BLESS").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, expected).unwrap();
        } else {
            differ.push(name);
        }
    }
    assert!(differ.is_empty(), "not what the code makes: {differ:?}; REELGATE_BLESS=1 writes them");
}
