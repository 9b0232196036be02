//! A room imports only rooms below it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::manifests::{self, Manifest};

/// Floors from the ground up; a crate may depend on lower floors only.
const FLOORS: &[(&str, u32)] = &[
    ("reelgate-tidy", 0),
    ("reelgate-test-media", 0),
    ("reelgate-flow", 1),
    ("reelgate-cost", 1),
    ("reelgate-privacy", 2),
    ("reelgate-signals", 2),
    ("reelgate-stand-ins", 1),
    ("reelgate-ports", 2),
    ("reelgate-pipelines", 2),
    ("reelgate-store", 4),
    ("reelgate-worker", 3),
    ("reelgate-conformance", 3),
    ("reelgate-embedded", 5),
    ("reelgate-postgres", 5),
    ("reelgate-aws", 5),
    ("reelgate-simulation", 5),
    ("reelgate-actors", 6),
    ("reelgate", 7),
];

/// Crates that only some rooms may use, with the reason; a `*` at the end matches the rest of a name.
const RESERVED: &[(&str, &[&str], &str)] = &[
    ("gstreamer", &["reelgate-worker"], "only the jailed worker links GStreamer"),
    ("actix", &["reelgate-actors", "reelgate"], "nothing but the shells and the wiring names actix"),
    ("sqlx", &["reelgate-embedded", "reelgate-postgres"], "databases live behind the store port"),
    ("aws-*", &["reelgate-aws"], "nothing above a port knows whose cloud it is"),
    ("actix-web", &["reelgate"], "HTTP is served by the roof"),
];

#[test]
fn a_room_imports_only_rooms_below_it() {
    let floors: BTreeMap<&str, u32> = FLOORS.iter().copied().collect();
    let mut walls = 0;
    for Manifest { name, dependencies, .. } in manifests::all() {
        let own = floors.get(name.as_str()).unwrap_or_else(|| panic!("{name}: give it a floor in FLOORS"));
        for dependency in dependencies.iter().filter(|one| is_ours(&one.name)) {
            let below = floors[dependency.name.as_str()];
            assert!(below < *own, "{name} (floor {own}) must not import {} (floor {below})", dependency.name);
            walls += 1;
        }
    }
    assert!(walls >= 8, "expected the rooms to know each other, found {walls} imports");
}

#[test]
fn every_floor_names_a_crate_that_exists() {
    let manifests = manifests::all();
    let names = manifests::names(&manifests);
    let gone: Vec<_> = FLOORS.iter().filter(|(name, _)| !names.contains(name)).collect();
    assert!(gone.is_empty(), "no such crates: {gone:?}");
}

#[test]
fn reserved_crates_stay_in_their_rooms_and_are_used_there() {
    let manifests = manifests::all();
    for (reserved, rooms, reason) in RESERVED {
        let is_reserved = |name: &str| match reserved.strip_suffix('*') {
            Some(prefix) => name.starts_with(prefix),
            None => name == *reserved,
        };
        let uses =
            |manifest: &&Manifest| manifest.dependencies.iter().any(|one| is_reserved(&one.name) && !one.dev);
        let found: BTreeSet<&str> =
            manifests.iter().filter(uses).map(|manifest| manifest.name.as_str()).collect();
        let expected: BTreeSet<&str> = rooms.iter().copied().collect();
        assert_eq!(found, expected, "who uses {reserved} (left), and who may: {reason}");
    }
}

#[test]
fn the_core_depends_on_nothing_by_default() {
    let manifests = manifests::all();
    let flow = manifests.iter().find(|manifest| manifest.name == "reelgate-flow").expect("flow is there");
    let names: Vec<&str> = flow.dependencies.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["serde"], "flow has only the optional derive of wire forms");
}

#[test]
fn every_direct_dependency_has_its_reason_and_every_reason_its_dependency() {
    const REASONS: &str = "docs/reference/dependencies.md";
    let text = crate::text_of(Path::new(REASONS)).expect("the document exists");
    // The part below the next heading is about other workspaces.
    let own = text.split("\n## ").next().unwrap_or_default();
    let listed =
        own.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |").map(|(name, _)| name));
    let listed: BTreeSet<&str> = listed.collect();
    let manifests = manifests::all();
    let dependencies = manifests.iter().flat_map(|manifest| &manifest.dependencies);
    let used: BTreeSet<&str> =
        dependencies.map(|one| one.name.as_str()).filter(|name| !is_ours(name)).collect();
    assert!(used.len() > 50, "expected every room's dependencies, found {used:?}");
    let unexplained: Vec<_> = used.difference(&listed).collect();
    assert!(unexplained.is_empty(), "say in {REASONS} why: {unexplained:?}");
    let gone: Vec<_> = listed.difference(&used).collect();
    assert!(gone.is_empty(), "{REASONS} explains what no crate depends on: {gone:?}");
}

#[test]
fn every_dependency_of_the_workspace_is_taken_by_a_crate() {
    let manifests = manifests::all();
    let used: BTreeSet<&str> =
        manifests.iter().flat_map(|one| &one.dependencies).map(|one| one.name.as_str()).collect();
    let offered: Vec<&String> = manifests.iter().flat_map(|one| &one.offered).collect();
    assert!(offered.len() > 50, "expected the workspace's dependencies, found {offered:?}");
    let idle: Vec<_> = offered.iter().filter(|name| !used.contains(name.as_str())).collect();
    assert!(idle.is_empty(), "no crate takes these from the root's Cargo.toml: {idle:?}");
}

#[test]
fn every_direct_dependency_is_used() {
    let tracked = crate::tracked();
    let mut checked = 0;
    for Manifest { dir, name, dependencies, .. } in manifests::all() {
        let text = own_code(&tracked, &dir);
        for dependency in dependencies {
            let import = dependency.name.replace('-', "_");
            assert!(text.contains(&import), "{name}: {import} is never named in its code; drop it");
            checked += 1;
        }
    }
    assert!(checked > 100, "expected every room's dependencies, found {checked}");
}

/// Whether it is a crate of this workspace.
fn is_ours(name: &str) -> bool {
    name.starts_with("reelgate")
}

/// All Rust of one crate: what lies below its directory and below no other crate's.
fn own_code(tracked: &[PathBuf], dir: &Path) -> String {
    let manifests = tracked.iter().filter(|file| file.file_name().is_some_and(|name| name == "Cargo.toml"));
    let inner: Vec<&Path> = manifests
        .filter_map(|file| file.parent())
        .filter(|other| *other != dir && other.starts_with(dir))
        .collect();
    let own = |file: &&PathBuf| {
        let rust = file.extension().is_some_and(|end| end == "rs");
        rust && file.starts_with(dir) && !inner.iter().any(|other| file.starts_with(other))
    };
    tracked.iter().filter(own).filter_map(|file| crate::text_of(file)).collect()
}
