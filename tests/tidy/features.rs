//! Building one room, the laptop's set or the whole workspace chooses the same features of every shared crate, so that one
//! command can use what another has built.

use std::collections::{BTreeMap, BTreeSet};

use crate::tree;

/// Sets of features in which a package is compiled for the target. Rooms are left out: their sets differ on purpose.
fn features(selection: &[&str], edges: &str) -> BTreeMap<String, BTreeSet<String>> {
    let common = ["--edges", edges, "--format", "{p}|{f}"];
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in tree(&[selection, &common].concat()) {
        let Some((package, features)) = line.split_once('|') else { continue };
        // A path in brackets is a room of this workspace.
        if !package.contains("(/") {
            let package = package.trim_end_matches(" (proc-macro)").to_owned();
            found.entry(package).or_default().insert(features.trim_end_matches(" (*)").to_owned());
        }
    }
    found
}

/// Crates whose set is meant to differ: the facade alone is built again, which takes a second.
const DIFFER: &[&str] = &["sqlx v"];

/// What is compiled, for the machine that runs it and for the one that builds it, and with whose tests.
const SELECTIONS: &[(&str, &[&str], &str)] = &[
    ("make run", &["-p", "reelgate", "-p", "reelgate-worker", "--no-default-features"], "normal,build"),
    ("make build", &["-p", "reelgate", "-p", "reelgate-worker"], "normal,build"),
    (
        "make check",
        &[
            "-p",
            "reelgate-flow",
            "-p",
            "reelgate-privacy",
            "-p",
            "reelgate-pipelines",
            "-p",
            "reelgate-actors",
        ],
        "normal,build,dev",
    ),
];

#[test]
fn every_command_that_builds_chooses_the_same_features_as_the_whole_workspace() {
    let whole = features(&["--workspace"], "normal,build,dev");
    for (command, selection, edges) in SELECTIONS {
        let selected = features(selection, edges);
        assert!(selected.len() > 100, "{command}: expected more than 100 crates, found {}", selected.len());
        for (package, sets) in selected {
            let meant = DIFFER.iter().any(|name| package.starts_with(name));
            let same = whole.get(&package).is_some_and(|others| others.is_superset(&sets));
            assert!(
                meant || same,
                "{package}: {command} compiles it with {sets:?}, the whole workspace with {:?}; name what is missing \
                 in unify/Cargo.toml",
                whole.get(&package)
            );
        }
    }
}
