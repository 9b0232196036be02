//! Where tests find media: the set of small files in `files/`, and data outside of the repository.
//!
//! `INDEX.tsv` says what each file of the set is and how it must end; `make.sh` writes the set. Real files of many origins are too
//! large for the repository, or their licences forbid a copy. Tests that read them have `shared_` at the beginning of their own name
//! or of their module's. `tests/nextest.sh` leaves those out, by name, where the data is missing. Such a test fails without its data.

use std::path::{Path, PathBuf};

/// One file of the set.
#[derive(Clone, Debug)]
pub struct TestFile {
    pub path: PathBuf,
    /// Its container as the engine names it; `None` where the content is no accepted container.
    pub container: Option<&'static str>,
    /// `published`, or the code of the reason.
    pub outcome: &'static str,
}

impl TestFile {
    /// The name of the file.
    pub fn name(&self) -> &'static str {
        rows().map(|row| row[0]).find(|name| self.path.ends_with(name)).expect("the index names it")
    }

    pub fn is_published(&self) -> bool {
        self.outcome == "published"
    }
}

/// Every file of the set.
pub fn all() -> Vec<TestFile> {
    let file = |[name, container, outcome, _]: [&'static str; 4]| TestFile {
        path: files().join(name),
        container: Some(container).filter(|container| *container != "-"),
        outcome,
    };
    rows().map(file).collect()
}

/// The folder of the set.
pub fn files() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("files")
}

/// The script that writes the uploads that attack: `OUT --file PATH --url URL`.
pub fn hostile_script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("hostile.py")
}

/// A path in the folder of data outside of the repository: `REELGATE_SHARED`, otherwise `shared` beside the workspace.
///
/// # Panics
/// Where it is missing: a test must not pass without what it is about.
pub fn shared(path: &str) -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let folder = std::env::var_os("REELGATE_SHARED").map_or_else(beside, PathBuf::from);
    let wanted = folder.join(path);
    assert!(
        wanted.exists(),
        "{} is missing; tests/nextest.sh runs every test that does not need it, REELGATE_SHARED names another folder",
        wanted.display()
    );
    wanted.canonicalize().expect("it exists")
}

/// File, container, outcome and description of each row.
fn rows() -> impl Iterator<Item = [&'static str; 4]> {
    let index: &'static str = include_str!("INDEX.tsv");
    index.lines().skip(1).map(|line| {
        let cells: Vec<&str> = line.split('\t').collect();
        cells.try_into().unwrap_or_else(|cells| panic!("expected four cells, found {cells:?}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::collections::BTreeSet;

    #[test]
    fn the_index_lists_every_file_once() {
        let listed: Vec<&str> = rows().map(|row| row[0]).collect();
        let there: BTreeSet<String> = std::fs::read_dir(files())
            .expect("the folder of the set")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name in UTF-8"))
            // The checksum that came with an upload.
            .filter(|name| !name.ends_with(".sha256"))
            .collect();
        assert_eq!(listed.len(), there.len(), "a file is listed twice, or not at all");
        assert!(listed.iter().all(|name| there.contains(*name)), "not there: {listed:?}");
    }

    #[test]
    fn the_set_is_small() {
        let size = |file: TestFile| file.path.metadata().expect("it is there").len();
        let bytes: u64 = all().into_iter().map(size).sum();
        assert!(bytes < 5_000_000, "{bytes} bytes");
    }
}
