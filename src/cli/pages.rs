//! The manual pages and the shell completions of the package are made from the command line itself. They lie in
//! `deploy/package`, so that a package is built without running what is in it. `REELGATE_BLESS=1` writes them again.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;

use super::Cli;

/// The files of a folder by name.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let Ok(entries) = fs::read_dir(folder) else { return BTreeMap::new() };
    let read = |entry: std::io::Result<fs::DirEntry>| {
        let entry = entry.unwrap();
        (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap())
    };
    entries.map(read).collect()
}

fn compare(name: &str, generated: &Path) {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/package").join(name);
    let expected = files(generated);
    assert!(!expected.is_empty());
    if files(&kept) != expected && std::env::var_os("REELGATE_BLESS").is_some() {
        let _ = fs::remove_dir_all(&kept);
        fs::create_dir_all(&kept).unwrap();
        for (name, text) in &expected {
            fs::write(kept.join(name), text).unwrap();
        }
        return;
    }
    for (file, text) in &expected {
        let found = files(&kept);
        assert!(
            found.get(file) == Some(text),
            "deploy/package/{name}/{file} differs from the command line: write it again with REELGATE_BLESS=1"
        );
    }
    assert_eq!(files(&kept).len(), expected.len(), "deploy/package/{name} has a file of a verb that is gone");
}

#[test]
fn the_manual_pages_are_those_of_this_command_line() {
    let folder = tempfile::tempdir().unwrap();
    clap_mangen::generate_to(Cli::command(), folder.path()).unwrap();
    compare("man", folder.path());
}

#[test]
fn the_completions_are_those_of_this_command_line() {
    let folder = tempfile::tempdir().unwrap();
    for shell in [Shell::Bash, Shell::Fish, Shell::Zsh] {
        clap_complete::generate_to(shell, &mut Cli::command(), "reelgate", folder.path()).unwrap();
    }
    compare("completions", folder.path());
}
