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

#[test]
fn the_laptops_set_and_the_whole_workspace_choose_the_same_features() {
    let laptop = features(
        &["-p", "reelgate", "-p", "reelgate-worker", "--no-default-features"],
        "normal,no-proc-macro",
    );
    let whole = features(&["--workspace"], "normal,build,dev");
    assert!(laptop.len() > 100, "expected the laptop's whole tree, found {}", laptop.len());
    for (package, sets) in laptop {
        let meant = DIFFER.iter().any(|name| package.starts_with(name));
        let same = whole.get(&package).is_some_and(|others| others.is_superset(&sets));
        assert!(
            meant || same,
            "{package}: the laptop's set compiles it with {sets:?}, the whole workspace with {:?}; name what is \
             missing in unify/Cargo.toml",
            whole.get(&package)
        );
    }
}
