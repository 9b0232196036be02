//! A room imports only rooms below it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::metadata;

/// Floors from the ground up; a crate may depend on lower floors only.
const FLOORS: &[(&str, u32)] = &[
    ("reelgate-flow", 1),
    ("reelgate-privacy", 1),
    ("reelgate-stand-ins", 1),
    ("reelgate-ports", 2),
    ("reelgate-pipelines", 2),
    ("reelgate-worker", 3),
    ("reelgate-embedded", 3),
    ("reelgate-postgres", 3),
    ("reelgate-aws", 3),
    ("reelgate-simulation", 3),
    ("reelgate-actors", 4),
    ("reelgate", 5),
    ("reelgate-benches", 6),
];

/// Crates that only some rooms may use, with the reason; a `*` at the end stands for the rest of a name.
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
    for (name, dependencies) in packages() {
        let own = floors.get(name.as_str()).unwrap_or_else(|| panic!("{name}: give it a floor in FLOORS"));
        for (dependency, _) in
            dependencies.iter().filter(|(dependency, _)| dependency.starts_with("reelgate"))
        {
            let below = floors[dependency.as_str()];
            assert!(below < *own, "{name} (floor {own}) must not import {dependency} (floor {below})");
            walls += 1;
        }
    }
    assert!(walls >= 8, "expected the rooms to know each other, found {walls} imports");
}

#[test]
fn reserved_crates_stay_in_their_rooms() {
    for (name, dependencies) in packages() {
        for (reserved, rooms, reason) in RESERVED {
            let is_reserved = |name: &str| match reserved.strip_suffix('*') {
                Some(prefix) => name.starts_with(prefix),
                None => name == *reserved,
            };
            let uses = dependencies.iter().any(|(name, kind)| is_reserved(name) && kind != "dev");
            assert!(!uses || rooms.contains(&name.as_str()), "{name} uses {reserved}: {reason}");
        }
    }
}

#[test]
fn the_core_depends_on_nothing_by_default() {
    let (_, dependencies) =
        packages().into_iter().find(|(name, _)| name == "reelgate-flow").expect("flow is there");
    let names: Vec<&str> = dependencies.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["serde"], "flow has only the optional derive of wire forms");
}

#[test]
fn every_direct_dependency_has_its_reason() {
    let reasons = std::fs::read_to_string(crate::root().join("docs/reference/dependencies.md"))
        .expect("docs/reference/dependencies.md");
    for (name, dependencies) in packages() {
        for (dependency, _) in
            dependencies.iter().filter(|(dependency, _)| !dependency.starts_with("reelgate"))
        {
            assert!(
                reasons.contains(&format!("| `{dependency}` |")),
                "{name}: say in docs/reference/dependencies.md why {dependency}"
            );
        }
    }
}

#[test]
fn every_direct_dependency_is_used() {
    let metadata = metadata(true);
    let packages = metadata["packages"].as_array().expect("packages");
    let tracked = crate::tracked();
    let mut checked = 0;
    for package in packages.iter().filter(|package| package["source"].is_null()) {
        let manifest = Path::new(package["manifest_path"].as_str().expect("a path"));
        let dir = manifest
            .parent()
            .and_then(|dir| dir.strip_prefix(crate::root()).ok())
            .expect("it lies below the root");
        let text = own_code(&tracked, dir);
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let name = imported_name(packages, dependency);
            assert!(text.contains(&name), "{}: {name} is never named in its code; drop it", package["name"]);
            checked += 1;
        }
    }
    assert!(checked > 100, "expected every room's dependencies, found {checked}");
}

/// The name under which code imports a dependency: a library may be called otherwise than its package.
fn imported_name(packages: &[serde_json::Value], dependency: &serde_json::Value) -> String {
    if let Some(rename) = dependency["rename"].as_str() {
        return rename.replace('-', "_");
    }
    let is_it = |package: &&serde_json::Value| package["name"] == dependency["name"];
    let targets = packages.iter().find(is_it).and_then(|package| package["targets"].as_array());
    let is_library = |target: &&serde_json::Value| {
        let kinds = target["kind"].as_array().expect("kinds");
        kinds
            .iter()
            .any(|kind| kind.as_str().is_some_and(|kind| kind.contains("lib") || kind == "proc-macro"))
    };
    let library = targets.and_then(|targets| targets.iter().find(is_library));
    let name = library.map_or(&dependency["name"], |target| &target["name"]);
    name.as_str().expect("a name").replace('-', "_")
}

/// All Rust of one package: what lies below its directory and below no other package's.
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
    let metadata = metadata(true);
    let packages = metadata["packages"].as_array().expect("packages");
    assert!(packages.len() > 100, "expected the whole tree, found {}", packages.len());
    for package in packages {
        let name = &package["name"];
        let licence = package["license"].as_str().unwrap_or_else(|| panic!("{name}: no licence"));
        let accepted = |one: &str| ACCEPTED.contains(&one.trim().trim_matches(['(', ')']));
        let every = |all: &str| all.split(" AND ").all(accepted);
        let fits = licence.replace('/', " OR ").split(" OR ").any(every)
            || licence.split(" AND ").all(|part| part.trim_matches(['(', ')']).split(" OR ").any(accepted));
        assert!(fits, "{name}: licence {licence} is not on the list");
    }
}

/// Workspace crates with their direct dependencies and kinds (`normal`, `dev`, `build`).
fn packages() -> Vec<(String, Vec<(String, String)>)> {
    let metadata = metadata(false);
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("normal").to_owned();
    let packages = metadata["packages"].as_array().expect("packages").iter().map(|package| {
        let dependencies = package["dependencies"].as_array().expect("dependencies");
        let dependencies = dependencies.iter().map(|one| (text(&one["name"]), text(&one["kind"])));
        (text(&package["name"]), dependencies.collect())
    });
    packages.collect()
}
