//! Media files for tests: samples, the set of small test media, and real files outside of the repository.

use std::fs::File;
use std::path::{Path, PathBuf};

use reelgate_flow::facts::Container;
use reelgate_pipelines::recipes::sniff;

use crate::source::Source;

/// The path of a file of `samples/`.
pub fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples").join(name)
}

/// The path of one of the real files, for tests whose names begin with `shared_`.
pub fn shared(path: &str) -> PathBuf {
    reelgate_test_media::shared("media/files").join(path)
}

/// The path of one of the small test media.
pub fn small(name: &str) -> PathBuf {
    reelgate_test_media::files().join(name)
}

/// A file by its path.
pub fn open_path(path: &Path) -> Source {
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let size_bytes = file.metadata().unwrap().len();
    Source::new(file.into(), size_bytes)
}

/// All bytes of a file.
pub fn bytes(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A source of these bytes.
pub fn source(bytes: &[u8]) -> Source {
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, bytes).unwrap();
    Source::new(file.into(), bytes.len() as u64)
}

/// The container of a file, as the engine finds it.
pub fn container(path: &Path) -> Container {
    let mut prefix = bytes(path);
    let size_bytes = prefix.len() as u64;
    prefix.truncate(sniff::PREFIX_BYTES_MAX);
    sniff::sniff(&prefix, size_bytes).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()))
}
