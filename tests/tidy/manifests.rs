//! The manifests of the workspace, parsed without a library: the rules need only sections, keys and names.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// One crate of the workspace.
pub struct Manifest {
    /// The directory it lies in, relative to the root.
    pub dir: PathBuf,
    pub name: String,
    pub dependencies: Vec<Dependency>,
    /// What the root manifest offers to all crates.
    pub offered: Vec<String>,
}

/// A direct dependency.
pub struct Dependency {
    pub name: String,
    /// Whether only tests and benches have it.
    pub dev: bool,
}

/// Every crate of the workspace that has code; not a manifest with a separate workspace.
pub fn all() -> Vec<Manifest> {
    let tracked = crate::tracked();
    let files = tracked.iter().filter(|file| file.file_name().is_some_and(|name| name == "Cargo.toml"));
    let texts = files.map(|file| (file, crate::text_of(file).expect("a manifest is text")));
    let is_member = |(file, text): &(&PathBuf, String)| {
        *file == Path::new("Cargo.toml") || !text.lines().any(|line| line.trim() == "[workspace]")
    };
    let found: Vec<Manifest> = texts
        .filter(is_member)
        // These rules do not count its entries as dependencies.
        .filter(|(file, _)| *file != Path::new("unify/Cargo.toml"))
        .map(|(file, text)| read(file.parent().expect("a file has a directory"), &text))
        .collect();
    assert!(found.len() > 8, "expected the crates of the workspace, found {}", found.len());
    found
}

/// Names of the crates.
pub fn names(manifests: &[Manifest]) -> BTreeSet<&str> {
    manifests.iter().map(|manifest| manifest.name.as_str()).collect()
}

fn read(dir: &Path, text: &str) -> Manifest {
    let mut manifest =
        Manifest { dir: dir.into(), name: String::new(), dependencies: Vec::new(), offered: Vec::new() };
    for (section, key, value) in entries(text) {
        let kind = section.rsplit('.').next().unwrap_or_default();
        match (section.as_str(), kind) {
            ("package", _) if key == "name" => manifest.name = value.trim_matches('"').to_owned(),
            // A list of features that no code comes from.
            (_, _) if key == "reelgate-unify" => {}
            ("workspace.dependencies", _) => manifest.offered.push(key),
            (_, "dependencies" | "dev-dependencies" | "build-dependencies") => {
                assert!(!value.contains("package ="), "{key}: renamed dependencies are not understood here");
                manifest.dependencies.push(Dependency { name: key, dev: kind == "dev-dependencies" });
            }
            _ => {}
        }
    }
    assert!(!manifest.name.is_empty(), "{}: a manifest without a name", dir.display());
    manifest
}

/// Section, key up to its first dot, and value of every entry. A value may span lines until its brackets close.
fn entries(text: &str) -> Vec<(String, String, String)> {
    let (mut found, mut section, mut open) = (Vec::new(), String::new(), 0);
    for line in text.lines() {
        let line = line.split(" #").next().unwrap_or_default().trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if open == 0 && line.starts_with('[') {
            section = line.trim_matches(['[', ']']).to_owned();
            let table = section.rsplit_once('.').map_or("", |(table, _)| table);
            assert!(!table.ends_with("dependencies"), "[{section}]: write it as an entry of [{table}]");
            continue;
        }
        if open == 0 {
            let (key, value) = line.split_once('=').expect("an entry has a value");
            let key = key.split('.').next().unwrap_or_default().trim().to_owned();
            found.push((section.clone(), key, value.trim().to_owned()));
        }
        open += line.matches(['[', '{']).count();
        open -= line.matches([']', '}']).count();
    }
    found
}

#[test]
fn a_manifest_is_read_as_cargo_reads_it() {
    let text = "[workspace.dependencies]\none = \"1\"\n[package]\nname = \"here\" # a comment\n[features]\nall = [\n  \
                \"dep:two\",\n]\n[dependencies]\none.workspace = true\ntwo = { version = \"2\", features = [\n  \"x\",\n] }\n\
                [target.'cfg(unix)'.dev-dependencies]\nthree = \"3\"\n";
    let manifest = read(Path::new("here"), text);
    let dependencies: Vec<(&str, bool)> =
        manifest.dependencies.iter().map(|one| (one.name.as_str(), one.dev)).collect();
    assert_eq!((manifest.name.as_str(), manifest.offered), ("here", vec!["one".to_owned()]));
    assert_eq!(dependencies, [("one", false), ("two", false), ("three", true)]);
}
