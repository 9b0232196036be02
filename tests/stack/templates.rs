//! The templates, and what ties them together.

use std::path::{Path, PathBuf};

/// The folder `deploy`.
pub fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy")
}
