//! What the house rules read: the tracked files, the manifests and what cargo says of the tree of packages. Plain text all of
//! it, so that this crate needs no other.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The workspace root.
pub fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.ancestors().nth(2).expect("the crate lies two directories below the root").to_owned()
}

/// Files git tracks, relative to the root.
pub fn tracked() -> Vec<PathBuf> {
    let text = output(Command::new("git").args(["ls-files", "-z"]));
    let files: Vec<PathBuf> = text.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from).collect();
    assert!(files.len() > 50, "expected the whole tree, found {} files", files.len());
    // One that is deleted and not committed yet is still listed.
    files.into_iter().filter(|file| root().join(file).exists()).collect()
}

/// A tracked file's text, or `None` where it is binary.
pub fn text_of(file: &Path) -> Option<String> {
    std::fs::read(root().join(file)).ok().and_then(|bytes| String::from_utf8(bytes).ok())
}

/// What a command prints, run in the root; anything but success fails the test that asked.
pub fn output(command: &mut Command) -> String {
    let output = command.current_dir(root()).output().expect("git and cargo are installed");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("names are UTF-8")
}

/// What `cargo tree` prints with these arguments, a line each, without its drawing.
pub fn tree(arguments: &[&str]) -> Vec<String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["tree", "--locked", "--offline", "--prefix", "none"]).args(arguments);
    output(&mut cargo).lines().map(str::to_owned).collect()
}

/// A crate of this workspace.
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its directory, relative to the root.
    pub dir: PathBuf,
    /// What it depends on directly, with the kind: `normal`, `dev` or `build`.
    pub dependencies: BTreeMap<String, &'static str>,
}

/// Every crate whose manifest is tracked and that belongs to the workspace.
pub fn packages() -> Vec<Package> {
    let manifests = tracked().into_iter().filter(|file| file.file_name().is_some_and(|n| n == "Cargo.toml"));
    let packages: Vec<Package> = manifests.filter_map(|file| package(&file)).collect();
    assert!(packages.len() > 8, "expected every room, found {}", packages.len());
    packages
}

/// Reads a manifest: names between section headings, which is all that these rules need.
fn package(manifest: &Path) -> Option<Package> {
    let text = text_of(manifest).expect("a manifest is text");
    let dir = manifest.parent().expect("a manifest lies in a directory").to_owned();
    // A crate of its own, outside the workspace.
    if !dir.as_os_str().is_empty() && text.lines().any(|line| line.trim() == "[workspace]") {
        return None;
    }
    let (mut name, mut dependencies, mut section) = (None, BTreeMap::new(), "");
    for line in text.lines().map(str::trim) {
        if let Some(heading) = line.strip_prefix('[') {
            section = heading.trim_end_matches(']');
            continue;
        }
        let Some((key, value)) = line.split_once('=') else { continue };
        let key = key.trim().trim_end_matches(".workspace");
        let kind = match section {
            "package" if key == "name" => {
                name = Some(value.trim().trim_matches('"').to_owned());
                continue;
            }
            "dependencies" => "normal",
            "dev-dependencies" => "dev",
            "build-dependencies" => "build",
            _ => continue,
        };
        // What is both counts as what the crate itself needs.
        dependencies.entry(key.to_owned()).or_insert(kind);
    }
    Some(Package { name: name?, dir, dependencies })
}
