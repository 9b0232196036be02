//! Input of the house rules: the tracked files and cargo's tree of packages. All of it is plain text, so this crate needs no
//! other crate.

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
    // Git still lists a file whose deletion is not committed.
    files.into_iter().filter(|file| root().join(file).exists()).collect()
}

/// Whether a file is Rust by its name.
pub fn is_rust(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "rs")
}

/// A tracked file's text, or `None` where it is binary.
pub fn text_of(file: &Path) -> Option<String> {
    std::fs::read(root().join(file)).ok().and_then(|bytes| String::from_utf8(bytes).ok())
}

/// What a command prints, run in the root; any failure fails the test.
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
