//! The house rules as ordinary tests: walls between rooms, file length, words that must not appear,
//! what the engine links, that every link in the documents leads somewhere, and that every dependency is there
//! for a reason. Licences are `deploy/local/deny.sh`'s.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod floors;
mod linkage;
mod links;
mod manifests;
mod text;

use std::path::{Path, PathBuf};
use std::process::Command;

/// The workspace root.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Files git tracks, relative to the root.
fn tracked() -> Vec<PathBuf> {
    let listed =
        Command::new("git").arg("ls-files").arg("-z").current_dir(root()).output().expect("git runs");
    assert!(listed.status.success(), "git ls-files: {}", String::from_utf8_lossy(&listed.stderr));
    let names = String::from_utf8(listed.stdout).expect("tracked names are UTF-8");
    let files: Vec<PathBuf> = names.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from).collect();
    assert!(files.len() > 50, "expected the whole tree, found {} files", files.len());
    files
}

/// A tracked file's text, or `None` where it is binary.
fn text_of(file: &Path) -> Option<String> {
    std::fs::read(root().join(file)).ok().and_then(|bytes| String::from_utf8(bytes).ok())
}
