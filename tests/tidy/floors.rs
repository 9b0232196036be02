//! A room imports only rooms below it, every dependency has a reason and a use, and every licence is on the list.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::{Package, packages, root, text_of, tracked, tree};

/// Floors from the ground up; a crate may depend on lower floors only.
const FLOORS: &[(&str, u32)] = &[
    ("reelgate-unify", 0),
    ("reelgate-tidy", 0),
    ("reelgate-flow", 1),
    ("reelgate-privacy", 1),
    ("reelgate-stand-ins", 1),
    ("reelgate-ports", 2),
    ("reelgate-pipelines", 2),
    ("reelgate-store", 3),
    ("reelgate-worker", 3),
    ("reelgate-conformance", 4),
    ("reelgate-embedded", 5),
    ("reelgate-postgres", 5),
    ("reelgate-aws", 5),
    ("reelgate-simulation", 5),
    ("reelgate-actors", 6),
    ("reelgate", 7),
];

/// Crates that only some rooms may use, with the reason; a `*` at the end stands for the rest of a name. The list of
/// features, which no code comes from, may name any.
const RESERVED: &[(&str, &[&str], &str)] = &[
    ("gstreamer*", &["reelgate-worker"], "only the jailed worker links GStreamer"),
    ("actix", &["reelgate-actors", "reelgate"], "nothing but the shells and the wiring names actix"),
    ("sqlx*", &["reelgate-embedded", "reelgate-postgres"], "databases live behind the store port"),
    ("aws-*", &["reelgate-aws"], "nothing above a port knows whose cloud it is"),
    ("actix-web", &["reelgate"], "HTTP is served by the roof"),
];

/// The crate that is a list of features and nothing else.
const UNIFY: &str = "reelgate-unify";

#[test]
fn a_room_imports_only_rooms_below_it() {
    let floors: BTreeMap<&str, u32> = FLOORS.iter().copied().collect();
    let mut walls = 0;
    for package in packages() {
        let name = &package.name;
        let own = floors.get(name.as_str()).unwrap_or_else(|| panic!("{name}: give it a floor in FLOORS"));
        for dependency in package.dependencies.keys().filter(|dependency| is_ours(dependency)) {
            let below = floors[dependency.as_str()];
            assert!(below < *own, "{name} (floor {own}) must not import {dependency} (floor {below})");
            walls += 1;
        }
    }
    assert!(walls >= 8, "expected the rooms to know each other, found {walls} imports");
}

#[test]
fn every_floor_is_a_room_that_exists() {
    let names: Vec<String> = packages().into_iter().map(|package| package.name).collect();
    for (floor, _) in FLOORS {
        assert!(names.iter().any(|name| name == floor), "{floor}: no such crate; take it out of FLOORS");
    }
}

#[test]
fn reserved_crates_stay_in_their_rooms() {
    for package in packages().iter().filter(|package| package.name != UNIFY) {
        for (reserved, rooms, reason) in RESERVED {
            let is_reserved = |name: &str| match reserved.strip_suffix('*') {
                Some(prefix) => name.starts_with(prefix),
                None => name == *reserved,
            };
            let uses = package.dependencies.iter().any(|(name, kind)| is_reserved(name) && *kind != "dev");
            assert!(
                !uses || rooms.contains(&package.name.as_str()),
                "{} uses {reserved}: {reason}",
                package.name
            );
        }
    }
}

#[test]
fn the_core_depends_on_nothing_by_default() {
    let packages = packages();
    let flow = packages.iter().find(|package| package.name == "reelgate-flow").expect("flow is there");
    let names: Vec<&String> = flow.dependencies.keys().collect();
    assert_eq!(names, ["serde"], "flow has only the optional derive of wire forms");
}

#[test]
fn every_direct_dependency_has_its_reason_and_every_reason_its_dependency() {
    let document = crate::dependencies_document();
    let direct: Vec<String> = packages().iter().flat_map(theirs).collect();
    for dependency in &direct {
        assert!(document.contains(&format!("| `{dependency}` |")), "say in docs why {dependency} is needed");
    }
    // The section behind the first table is about a crate outside the workspace.
    let own = document.split("\n## ").next().expect("a page has a beginning");
    let rows = own.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    for (listed, _) in rows {
        assert!(
            direct.iter().any(|name| name == listed),
            "the docs say why {listed} is needed, and nothing uses it"
        );
    }
}

#[test]
fn every_direct_dependency_is_used() {
    let (tracked, packages) = (tracked(), packages());
    let mut checked = 0;
    for package in packages.iter().filter(|package| package.name != UNIFY) {
        let text = own_code(&tracked, &packages, &package.dir);
        for dependency in package.dependencies.keys().filter(|name| name.as_str() != UNIFY) {
            let name = dependency.replace('-', "_");
            assert!(text.contains(&name), "{}: {name} is never named in its code; drop it", package.name);
            checked += 1;
        }
    }
    assert!(checked > 100, "expected every room's dependencies, found {checked}");
}

/// All Rust of one package: what lies below its directory and below no other package's.
fn own_code(tracked: &[PathBuf], packages: &[Package], dir: &Path) -> String {
    let inner: Vec<&Path> = packages
        .iter()
        .map(|package| package.dir.as_path())
        .filter(|other| *other != dir && other.starts_with(dir))
        .collect();
    let own = |file: &&PathBuf| {
        let rust = file.extension().is_some_and(|end| end == "rs");
        rust && file.starts_with(dir) && !inner.iter().any(|other| file.starts_with(other))
    };
    tracked.iter().filter(own).filter_map(|file| text_of(file)).collect()
}

#[test]
fn every_licence_is_on_the_list() {
    const ACCEPTED: &[&str] = &[
        "MIT",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "Zlib",
        "Unicode-3.0",
        "CC0-1.0",
        "0BSD",
        "Unlicense",
        "MPL-2.0",
        "IJG",
        "CDLA-Permissive-2.0",
        "BSL-1.0",
        "Apache-2.0 WITH LLVM-exception",
        "MIT-0",
        "OpenSSL",
        "BlueOak-1.0.0",
    ];
    let lines = tree(&["--workspace", "--edges", "all", "--target", "all", "--format", "{p}|{l}"]);
    let mut seen = 0;
    for line in lines.iter().filter(|line| line.contains('|')) {
        let (package, licence) = line.split_once('|').expect("the format has a bar");
        let licence = licence.trim_end_matches(" (*)");
        seen += 1;
        let accepted = |one: &str| ACCEPTED.contains(&one.trim().trim_matches(['(', ')']));
        let every = |all: &str| all.split(" AND ").all(accepted);
        let fits = licence.replace('/', " OR ").split(" OR ").any(every)
            || licence.split(" AND ").all(|part| part.trim_matches(['(', ')']).split(" OR ").any(accepted));
        assert!(fits, "{package}: licence `{licence}` is not on the list");
    }
    assert!(seen > 100, "expected the whole tree, found {seen}");
}

fn is_ours(name: &str) -> bool {
    name.starts_with("reelgate")
}

/// What a crate needs from others; a list of features needs nothing.
fn theirs(package: &Package) -> Vec<String> {
    let names = package.dependencies.keys().filter(|name| !is_ours(name) && package.name != UNIFY);
    names.cloned().collect()
}

/// The root's own package is found as well.
#[test]
fn the_roof_is_among_the_packages() {
    assert!(root().join("Cargo.toml").is_file());
    assert!(
        packages().iter().any(|package| package.name == "reelgate" && package.dir.as_os_str().is_empty())
    );
}
