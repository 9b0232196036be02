//! Real files for tests, read where they lie; absent on most machines.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::source::Source;

/// The folder of the corpus, beside the workspace; `None` (said once per caller) where there is none.
pub fn folder() -> Option<PathBuf> {
    let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let found =
        manifest.ancestors().map(|at| at.join("shared/media")).find(|at| at.join("manifest.csv").is_file());
    if found.is_none() {
        println!("skipped: no corpus: no folder shared/media beside the workspace");
    }
    found
}

/// One file of the corpus by its path below `files`.
pub fn open(path: &str) -> Option<Source> {
    Some(open_path(&folder()?.join("files").join(path)))
}

/// A file by its path.
pub fn open_path(path: &Path) -> Source {
    let file = File::open(path).unwrap();
    let size_bytes = file.metadata().unwrap().len();
    Source::new(file.into(), size_bytes)
}

/// A source of these bytes.
pub fn source(bytes: &[u8]) -> Source {
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, bytes).unwrap();
    Source::new(file.into(), bytes.len() as u64)
}
